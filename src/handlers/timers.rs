//! What has to be done at a time of which a ticket gives the reason: reminders, the end of the
//! window for answers, a look at what became of a reply.
//!
//! Nothing waits here. Each is a job in the inbox that is due then, and looks whether there is still
//! reason for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::Calls;
use crate::handlers::desk_hours::DeskHoursBook;
use crate::handlers::events::happened_at;
use crate::handlers::interrupt::PipeResult;
use crate::inbox::{
    Absence, AssignmentJob, CardJob, CustomerJob, DeliveryMark, Handling, MarkJob, MarkOccasion,
    Overdue, ReceiptJob, Reminder, ReminderJob, ReminderTopic,
};
use crate::model::ticket::{UNANSWERED_AFTER, WINDOW_WARNING};
use crate::model::{
    FirstAnswer, PersonalSwitch, SlackUserId, Ticket, TicketId, WorkingHours, ZonedHours,
};
use crate::store::{Link, Role, Source, switches};

/// How exactly it is remembered when a customer was last heard of: a chatty one costs one write a
/// minute and not one for each message. Too early a memory only ends the window a little early.
pub(crate) const HEARD_PRECISION: SignedDuration = SignedDuration::from_secs(60);

/// How often Blip is asked which tickets have passed a limit of the desk: the limits are minutes.
pub(crate) const LIMIT_WATCH_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// How the team wants to be reminded.
#[derive(Clone, Debug)]
pub(crate) struct ReminderRules {
    /// How long a ticket may be unclaimed; for ever if there is none.
    pub(crate) unclaimed: Option<Duration>,
    /// How long a customer may wait for an answer; for ever if there is none.
    pub(crate) unanswered: Option<Duration>,
    /// The user group that hears of it in the end.
    pub(crate) escalate_to: Option<String>,
    /// Whether who passes a limit of the desk at Blip is called for.
    pub(crate) watches_limits: bool,
    /// When the team works; always if there are none.
    pub(crate) hours: Option<WorkingHours>,
    /// When the desks at Blip are attended, if their hours count.
    pub(crate) desk_hours: Option<Arc<DeskHoursBook>>,
    /// When teams work that have hours of their own.
    pub(crate) team_hours: HashMap<String, WorkingHours>,
    /// The zone of these hours.
    pub(crate) zone: jiff::tz::TimeZone,
}

/// How tickets are given to agents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AssignmentRules {
    /// How many open tickets an agent is given at most.
    pub(crate) slots: u32,
    /// How long an agent may leave a ticket unanswered; for ever if there is none.
    pub(crate) timeout: Option<Duration>,
}

impl ReminderRules {
    pub(crate) fn delay_for(&self, about: ReminderTopic) -> Option<Duration> {
        match about {
            ReminderTopic::Unclaimed => self.unclaimed,
            ReminderTopic::Unanswered => self.unanswered,
        }
    }

    /// How often people are reminded after the first time.
    pub(crate) fn last_round(&self) -> u32 {
        if self.escalate_to.is_some() { 2 } else { 1 }
    }

    /// When patience with a ticket ends that began at a time, within the hours of its team.
    pub(crate) fn due_time(
        &self,
        ticket: &Ticket,
        since: Timestamp,
        patience: Duration,
    ) -> Timestamp {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        let of_team = ticket.team.as_ref().and_then(|team| self.team_hours.get(team));
        if let Some(hours) = of_team.or(self.hours.as_ref()) {
            return hours.add_working_time(since, patience, &self.zone);
        }
        // What the settings say of a team wins over what its desk says.
        match self.desk_hours.as_ref().and_then(|desks| desks.find_hours(ticket)) {
            Some(ZonedHours { hours, zone }) => {
                hours.add_working_time(since, patience, zone.as_ref().unwrap_or(&self.zone))
            }
            None => since + patience,
        }
    }
}

impl Link {
    /// The mark that tells of these parts of the message.
    pub(crate) fn to_delivery_mark(
        &self,
        messages: Vec<String>,
        occasion: MarkOccasion,
    ) -> DeliveryMark {
        let (ticket, channel, ts) = (self.ticket.clone(), self.channel.clone(), self.ts.clone());
        let is_whole = self.role == Role::Reply;
        DeliveryMark { ticket, channel, ts, messages, is_whole, occasion }
    }
}

/// When Blip is asked for replies, and how often.
pub(crate) struct LookupRound {
    /// How long after the reply, or after the look before.
    pub(crate) after: Duration,
    /// How long Blip is not asked again, unless enough replies wait for it.
    pub(crate) pause: SignedDuration,
    /// How many are enough.
    pub(crate) enough: usize,
}

/// Soon, as most replies fail at once if they do, and once more for the slow ones and for those that
/// are read later. A bot of two replies a minute is asked 0.15 times a reply, any quieter one at most
/// 18 times an hour.
pub(crate) const LOOKUP_ROUNDS: [LookupRound; 2] = [
    LookupRound { after: Duration::from_secs(30), pause: SignedDuration::from_mins(5), enough: 10 },
    LookupRound { after: Duration::from_mins(5), pause: SignedDuration::from_mins(10), enough: 20 },
];

/// Gives the bridge to do what is due later.
pub(crate) struct Timers {
    pub(crate) calls: Arc<Calls>,
    pub(crate) reminders: ReminderRules,
    /// How tickets are given to agents, if they are.
    pub(crate) assignments: Option<AssignmentRules>,
    /// How long after a reply it is marked how far it has come.
    pub(crate) mark_delay: Duration,
    /// Whether customers are told that the team does not work.
    pub(crate) tells_away: bool,
}

impl Timers {
    /// Remembers that a customer has said something.
    pub(crate) async fn record_customer_message(
        &self,
        ticket: &mut Ticket,
        said: Option<&Handling>,
    ) -> PipeResult<()> {
        let Some(item) = said else { return Ok(()) };
        let at = item.received;
        self.schedule_away_answer(item, ticket).await?;
        let end = ticket.window_end();
        // Whether there is a window may become known later.
        let may_end = end.is_some() || ticket.customer.has_unknown_channel();
        let is_news = ticket.heard.is_none_or(|heard| at.duration_since(heard) >= HEARD_PRECISION);
        if ticket.unanswered.is_some() && !(is_news && may_end) {
            return Ok(());
        }
        // A message that was fetched after a gap may be older than one that came: the clock
        // only grows.
        ticket.heard = may_end.then(|| ticket.heard.map_or(at, |heard| heard.max(at)));
        if ticket.unanswered.is_none() {
            self.schedule_answer_checks(item, ticket, at).await?;
            ticket.unanswered = Some(at);
        }
        let is_warned = end.is_some_and(|end| end - WINDOW_WARNING <= at);
        ticket.revision += i64::from(is_warned);
        self.calls.put_ticket(item, ticket).await?;
        if is_warned {
            self.calls
                .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
                .await?;
        }
        if end.is_some_and(|end| end <= at) {
            self.schedule_window_check(item, ticket, at).await?;
        }
        Ok(())
    }

    /// Has a customer told that the team does not work, if that is so and nobody holds the ticket:
    /// once until the team works again, as the key of the job says, whichever ticket they write in.
    pub(crate) async fn schedule_away_answer(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> PipeResult<()> {
        if !self.tells_away || ticket.is_closed() || ticket.holder().is_some() {
            return Ok(());
        }
        let now = self.calls.clock.now();
        let opens = self.reminders.due_time(ticket, now, Duration::ZERO);
        if opens <= now || ticket.customer.identity.is_empty() {
            return Ok(());
        }
        let job = CustomerJob::tell_away(ticket, opens, now);
        // Nearly always: every message of the customer comes here.
        if self.calls.store.has_accepted(Source::Internal, &job.key).await? {
            return Ok(());
        }
        Ok(self.calls.enqueue_item(item, job).await?)
    }

    /// Has the card show, and people reminded, if the customer is not answered from now on. Most are
    /// soon, so the reminder is set only by who looks for the card and finds that they still wait.
    pub(crate) async fn schedule_answer_checks(
        &self,
        item: &Handling,
        ticket: &Ticket,
        since: Timestamp,
    ) -> PipeResult<()> {
        let job = CardJob::show_waiting(&ticket.id, since, since + UNANSWERED_AFTER);
        self.calls.enqueue_item(item, job).await?;
        if self.is_reminded_after_card() {
            return Ok(());
        }
        self.schedule_reminder(item, ticket, ReminderTopic::Unanswered, since).await
    }

    /// Has people reminded of a customer who still waits when the card is to show it.
    pub(crate) async fn schedule_late_reminder(
        &self,
        item: &Handling,
        ticket: &Ticket,
        since: Timestamp,
    ) -> PipeResult<()> {
        if !self.is_reminded_after_card() {
            return Ok(());
        }
        self.schedule_reminder(item, ticket, ReminderTopic::Unanswered, since).await
    }

    /// Whether people are reminded only after the card shows that a customer waits. Working hours do
    /// not count: they make it later only, and a ticket may come to a team that has others.
    fn is_reminded_after_card(&self) -> bool {
        let patience = self.reminders.delay_for(ReminderTopic::Unanswered);
        patience.is_none_or(|patience| patience > UNANSWERED_AFTER.unsigned_abs())
    }

    /// Remembers that a customer has been answered, unless they have said something since then that
    /// was shown only after the answer was written; and in the same write, once, who answered first.
    pub(crate) async fn record_answer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> PipeResult<()> {
        let is_overtaken = match happened_at(item) {
            Some(written) => self.calls.has_words_after(item, &ticket.id, &written).await?,
            None => false,
        };
        let now = self.calls.clock.now();
        // An answer counts for what was shown before it was written (`docs/lanes.md`, between
        // the two lanes).
        let since = if is_overtaken { None } else { ticket.unanswered.take() };
        if since.is_none() && ticket.first_answer.is_some() {
            return Ok(());
        }
        let by = ticket.holder().map(|holder| holder.user.clone());
        ticket.first_answer.get_or_insert(FirstAnswer { at: now, by });
        // Then the card may show it.
        let is_shown = since.is_some_and(|since| since + UNANSWERED_AFTER <= now);
        ticket.revision += i64::from(is_shown);
        self.calls.put_ticket(item, ticket).await?;
        if is_shown {
            self.calls.enqueue_item(item, CardJob::update_card(ticket, now)).await?;
        }
        Ok(())
    }

    /// Has somebody look at the window when it is about to close, and when it is closed, as far as
    /// that comes after the given time.
    pub(crate) async fn schedule_window_check(
        &self,
        item: &Handling,
        ticket: &Ticket,
        after: Timestamp,
    ) -> PipeResult<()> {
        let Some(end) = ticket.window_end().filter(|_| !ticket.is_closed()) else { return Ok(()) };
        let next = [end - WINDOW_WARNING, end].into_iter().find(|due| *due > after);
        if let Some(due) = next {
            self.calls.enqueue_item(item, CardJob::show_window(&ticket.id, due)).await?;
        }
        Ok(())
    }

    /// Has somebody reminded if a ticket stays unclaimed, or a customer unanswered, from now on.
    pub(crate) async fn schedule_reminder(
        &self,
        item: &Handling,
        ticket: &Ticket,
        about: ReminderTopic,
        since: Timestamp,
    ) -> PipeResult<()> {
        let Some(patience) = self.reminders.delay_for(about) else { return Ok(()) };
        let reminder =
            Reminder { ticket: ticket.id.clone(), about, since: since.as_millisecond(), round: 0 };
        let mut due = self.reminders.due_time(ticket, since, patience);
        if self.reminders.watches_limits {
            // A limit of the desk that ends in the same minute is seen by then, and who is called
            // for it is told all that this would say.
            due += LIMIT_WATCH_INTERVAL;
        }
        Ok(self.calls.enqueue_item(item, ReminderJob::send_reminder(reminder, due)).await?)
    }

    /// Has the holder of a ticket told by direct message that its customer waits, if they are away and
    /// have asked for it.
    pub(crate) async fn schedule_absence_check(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> PipeResult<()> {
        let (Some(holder), Some(since)) = (ticket.holder(), ticket.unanswered) else {
            return Ok(());
        };
        let (store, messages) = (&*self.calls.store, PersonalSwitch::DirectMessages);
        if switches::read_switch(store, messages, &holder.user).await?.is_none() {
            return Ok(());
        }
        let (id, agent, since) = (ticket.id.clone(), holder.user.clone(), since.as_millisecond());
        let job =
            ReminderJob::tell_absent(Absence { ticket: id, agent, since }, self.calls.clock.now());
        Ok(self.calls.enqueue_item(item, job).await?)
    }

    /// Has tickets that wait given to agents who are free: a ticket or somebody has become so.
    pub(crate) async fn schedule_distribution(&self, item: &Handling) -> PipeResult<()> {
        if self.assignments.is_none() {
            return Ok(());
        }
        let job = AssignmentJob::distribute_tickets(self.calls.clock.now());
        Ok(self.calls.enqueue_item(item, job).await?)
    }

    /// Has somebody look whether an agent has answered, when the time for it is over within the hours
    /// of the ticket's team.
    pub(crate) async fn schedule_answer_deadline(
        &self,
        item: &Handling,
        ticket: &Ticket,
        agent: &SlackUserId,
        since: Timestamp,
    ) -> PipeResult<()> {
        let Some(patience) = self.assignments.and_then(|rules| rules.timeout) else {
            return Ok(());
        };
        let due = self.reminders.due_time(ticket, since, patience);
        let (ticket, agent, since) = (ticket.id.clone(), agent.clone(), since.as_millisecond());
        let job = AssignmentJob::take_back_later(Overdue { ticket, agent, since }, due);
        Ok(self.calls.enqueue_item(item, job).await?)
    }

    /// Has Blip asked in a while what became of a reply.
    pub(crate) async fn schedule_delivery_check(
        &self,
        item: &Handling,
        ticket: &TicketId,
        message: &str,
    ) -> PipeResult<()> {
        self.schedule_receipt_lookup(item, ticket, (message, false), 0).await
    }

    /// The same for a template, of which only the bot that sent it is told.
    pub(crate) async fn schedule_template_check(
        &self,
        item: &Handling,
        ticket: &TicketId,
        message: &str,
    ) -> PipeResult<()> {
        self.schedule_receipt_lookup(item, ticket, (message, true), 0).await
    }

    /// Has a message marked with how far these parts of it have come by then.
    pub(crate) async fn schedule_delivery_mark(
        &self,
        item: &Handling,
        ticket: &TicketId,
        parts: Vec<String>,
        occasion: MarkOccasion,
    ) -> PipeResult<()> {
        let Some(first) = parts.first() else { return Ok(()) };
        let links = self.calls.links_of(item, ticket, first).await?;
        let Some(link) = links.first() else { return Ok(()) };
        let due = self.calls.clock.now() + self.mark_delay;
        let mark = link.to_delivery_mark(parts, occasion);
        Ok(self.calls.enqueue_item(item, MarkJob::show_delivery(mark, due)).await?)
    }

    pub(crate) async fn schedule_receipt_lookup(
        &self,
        item: &Handling,
        ticket: &TicketId,
        (message, by_router): (&str, bool),
        looks: usize,
    ) -> PipeResult<()> {
        let Some(look) = LOOKUP_ROUNDS.get(looks) else { return Ok(()) };
        let due = self.calls.clock.now() + look.after;
        let job = ReceiptJob::check_delivery(ticket, (message, by_router), looks, due);
        Ok(self.calls.enqueue_item(item, job).await?)
    }
}
