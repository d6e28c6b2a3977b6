//! What the bridge does of its own accord: cards, marks, reminders, comparisons.
//!
//! None of this holds up a conversation: it waits in lanes of its own, and what is only a courtesy is
//! dropped when Slack is busy. Handlers do not call what is here; they put a [`Job`] into the inbox.

pub(crate) mod absences;
pub(crate) mod away;
pub(crate) mod cards;
pub(crate) mod catch_up;
pub(crate) mod compare;
pub(crate) mod context;
pub(crate) mod delays;
pub(crate) mod deliveries;
pub(crate) mod distribution;
pub(crate) mod doubled;
pub(crate) mod forget;
pub(crate) mod gaps;
pub(crate) mod health;
pub(crate) mod late_files;
pub(crate) mod marks;
pub(crate) mod origins;
pub(crate) mod outside;
pub(crate) mod parked;
pub(crate) mod reminders;
pub(crate) mod shared;
pub(crate) mod sweeper;
pub(crate) mod timer_checks;
pub(crate) mod transfer_notices;
pub(crate) mod weekly;
pub(crate) mod weekly_files;

use std::sync::Arc;

use crate::clock::Clock;
use crate::handlers::bots::Bots;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::moves::assignments::Assignments;
use crate::handlers::thread::{ThreadLoss, Threads};
use crate::handlers::to_blip::delays::note_held_delay;
use crate::handlers::to_blip::held_replies::HeldReplies;
use crate::handlers::to_slack::customers::Customers;
use crate::inbox::{Handled, ItemOutcome, Job};
use crate::jobs::absences::Absences;
use crate::jobs::away::AwayAnswers;
use crate::jobs::cards::Cards;
use crate::jobs::catch_up::TicketChecks;
use crate::jobs::compare::ThreadComparisons;
use crate::jobs::context::ContextPosts;
use crate::jobs::delays::DelayMarks;
use crate::jobs::deliveries::Deliveries;
use crate::jobs::distribution::Distribution;
use crate::jobs::doubled::DoubledPosts;
use crate::jobs::forget::SlackEraser;
use crate::jobs::late_files::LateFiles;
use crate::jobs::marks::Marks;
use crate::jobs::outside::OutsideNotices;
use crate::jobs::parked::ParkedNotices;
use crate::jobs::reminders::Reminders;
use crate::jobs::shared::SharedWarnings;
use crate::jobs::timer_checks::TimerChecks;
use crate::jobs::transfer_notices::TransferNotices;
use crate::jobs::weekly::WeeklyReports;
use crate::locale::Texts;
use crate::model::TicketId;
use crate::store::Item;

/// A table of who does which kind of job. It holds all of them, and is the only one to do so: it is
/// no service, and nobody is handed it but the dispatcher.
pub(crate) struct Jobs {
    pub(crate) bots: Arc<Bots>,
    pub(crate) clock: Clock,
    pub(crate) texts: Texts,
    pub(crate) files: Arc<LateFiles>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) held: Arc<HeldReplies>,
    pub(crate) cards: Arc<Cards>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) context: Arc<ContextPosts>,
    pub(crate) parked: Arc<ParkedNotices>,
    pub(crate) reminders: Arc<Reminders>,
    pub(crate) timer_checks: Arc<TimerChecks>,
    pub(crate) transfers: Arc<TransferNotices>,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) tickets: Arc<TicketChecks>,
    pub(crate) comparisons: Arc<ThreadComparisons>,
    pub(crate) eraser: Arc<SlackEraser>,
    pub(crate) shared: Arc<SharedWarnings>,
    pub(crate) outside: Arc<OutsideNotices>,
    pub(crate) delays: Arc<DelayMarks>,
    pub(crate) weekly: Arc<WeeklyReports>,
    pub(crate) away: Arc<AwayAnswers>,
    pub(crate) assignments: Arc<Assignments>,
    pub(crate) distribution: Arc<Distribution>,
    pub(crate) absences: Arc<Absences>,
    pub(crate) doubled: Arc<DoubledPosts>,
}

impl Jobs {
    /// Does something that the bridge set itself to do.
    #[expect(clippy::too_many_lines, reason = "a table: each kind of job and who does it")]
    pub(crate) async fn run_job(&self, lane: &str, items: &[Item]) -> HandlerResult {
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let job: Job = serde_json::from_slice(&first.body)
            .map_err(|_unreadable| Interrupt::broken("a stored job is unreadable"))?;
        match job {
            Job::Card { ticket } => {
                self.cards.update_card(first, &ticket).await?;
                // Every one of them asked for the newest state, and that is what is shown now.
                return Ok(Handled { items: items.len(), outcome: ItemOutcome::Forgotten });
            }
            Job::Mark { channel, ts, name, droppable, off } => {
                self.marks.set_reaction(first, (&channel, &ts), (&name, off), droppable).await?;
            }
            Job::Delivered(mark) => self.marks.show_delivery(first, &mark).await?,
            Job::Read(_) => return self.marks.show_read(items).await,
            Job::Context { ticket } => {
                self.context.post_context(first, lane, &ticket).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Delivery { .. } => return self.deliveries.check_deliveries(items).await,
            Job::Seen { ticket, address, messages } => {
                self.send_seen_receipts(&ticket, &address, &messages).await?;
            }
            Job::Remind(reminder) => self.reminders.post_reminder(first, lane, &reminder).await?,
            Job::RemindRound(_) => return self.reminders.remind_channel(lane, items).await,
            Job::Hold(held) => {
                if self.clock.now() < first.received {
                    return Ok(Handled::for_first_item(ItemOutcome::Wait(first.received)));
                }
                self.holds.enqueue_held_reply(held).await?;
            }
            Job::Send(held) => {
                let sent = self.held.send_held_reply(first, &held).await;
                if let Err(interrupt) = &sent {
                    note_held_delay(&self.threads.calls, first, &held, interrupt).await?;
                }
                sent?;
            }
            Job::Window { ticket } => {
                self.timer_checks.check_window(first, &ticket).await?;
            }
            Job::Waits { ticket, since } => {
                self.timer_checks.check_unanswered(&ticket, since).await?;
            }
            Job::Check { ticket } => {
                self.tickets.compare_ticket(first, &ticket).await?;
            }
            Job::Handed(handed) => {
                self.transfers.post_transfer_notice(first, lane, &handed).await?;
                // Once for each ticket, even if the transfer is handled again.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Move { ticket, root, with_channel } => {
                let lost = if with_channel { ThreadLoss::Channel } else { ThreadLoss::Thread };
                self.threads.replace_lost_thread(first, &ticket, &root, lost).await?;
            }
            Job::Compare { channel } => {
                return self.comparisons.compare_threads(&channel, items.len()).await;
            }
            Job::CatchUp { ticket } => {
                self.comparisons.catch_up_thread(first, &ticket).await?;
            }
            Job::Originator { ticket, looks } => {
                self.customers.look_up_originator(&ticket, looks).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Met { ticket, originator } => {
                self.customers.record_originator(&ticket, &originator).await?;
            }
            Job::File(late) => {
                let has_followers = items.len() > 1;
                return self.files.post_late_file((first, has_followers), lane, &late).await;
            }
            Job::Unshown(unshown) => {
                return self.files.check_unshown_file(first, lane, &unshown).await;
            }
            Job::Forget(forgetting) => {
                self.eraser.forget_in_slack(first, lane, &forgetting).await?;
            }
            Job::Away { ticket } => {
                self.away.tell_customer(first, &ticket).await?;
                // Once until the team works again, whatever else the customer says.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Weekly { monday } => {
                self.weekly.post_week(first, lane, &monday).await?;
                // Once for each week, whichever instance comes next.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Shared { channel } => {
                self.shared.post_shared_warning(first, lane, &channel).await?;
            }
            Job::Outside { channel, user } => {
                self.outside.tell_writer(first, (&channel, &user)).await?;
                // Once a day, however often they write there.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Delayed(delayed) => self.delays.show_delay(first, &delayed).await?,
            Job::TellAbsent(absence) => {
                return self.absences.tell_absent_holder(first, lane, &absence).await;
            }
            Job::Distribute => return self.distribution.distribute_tickets(items.len()).await,
            Job::Assign(given) => self.assignments.assign_ticket(first, &given).await?,
            Job::TakeBack(overdue) => self.assignments.take_back(first, lane, &overdue).await?,
            Job::Doubled(doubled) => self.doubled.remove_doubled_post(&doubled).await?,
            Job::Parked { item, by_agent, key, lane: parked, reason } => {
                let said = parked_text_key(by_agent, &key);
                let text = self.texts.text(said, &[("reason", &self.texts.reason_text(&reason))]);
                self.parked.post_parked_item(first, lane, item, &parked, text).await?;
            }
        }
        Ok(Handled::for_first_item(ItemOutcome::Forgotten))
    }

    /// Tells Blip that agents have seen what a customer said. Only a courtesy: nothing waits for it
    /// and nothing comes of its failure.
    async fn send_seen_receipts(
        &self,
        id: &TicketId,
        address: &str,
        messages: &[String],
    ) -> PipeResult<()> {
        let bot = self.bots.require_bot(id)?;
        for message in messages {
            if let Err(error) = bot.send_consumed(message, address).await {
                tracing::debug!(ticket.id = %id, %error, "blip could not be told what was seen");
                break;
            }
        }
        Ok(())
    }
}

/// The text that tells of a parked item, by who did it and its key.
pub(crate) fn parked_text_key(by_agent: bool, key: &str) -> &'static str {
    match by_agent {
        true if crate::slack::parse::is_message(key) || Job::is_send(key) => "thread-not-sent",
        true => "thread-parked-move",
        false => "thread-parked",
    }
}
