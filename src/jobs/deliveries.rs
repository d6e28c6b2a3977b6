//! Asks Blip what became of replies of which it tells nothing by itself.
//!
//! Blip may tell of receipts by itself or only when asked (`blip.md` §10 #9), and it limits how often
//! it is asked. So it is asked for many replies at once: its log for all of a bot, and then, where the
//! log does not say enough, the history of a ticket for all of that ticket. What it says is put into
//! the inbox as if it had told by itself, so both are the same event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::blip::ReceiptDocument;
use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

use crate::blip;
use crate::blip::parse::ThreadMessage;
use crate::blip::{ReceiptLog, parse};
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::heard_receipts::find_heard_receipts;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::timers::{LOOKUP_ROUNDS, Timers};
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::inbox::{CheckJob, Handled, Handling, ItemOutcome, ReceiptJob};
use crate::model::{BlipEvent, BotName, Failure, Fault, Ticket, TicketId};
use crate::store::{Lane, NewItem, Source};

/// How often it is seen whether enough replies wait.
pub(crate) const LOOKUP_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// How long Blip keeps its log (`blip.md` §7): later there is nothing to be asked for.
pub(crate) const BLIP_LOG_RETENTION: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A reply that waits for news.
pub(crate) struct PendingReply {
    ticket: TicketId,
    message: String,
    round: usize,
    by_router: bool,
    has_arrived: bool,
}

impl PendingReply {
    /// Reads the jobs that are due; they are the first of their lane.
    fn take_due(items: &[Handling], now: Timestamp) -> Vec<Self> {
        let due = items.iter().take_while(|item| item.received <= now);
        due.map_while(Self::from_item).collect()
    }

    fn from_item(item: &Handling) -> Option<Self> {
        let Ok(ReceiptJob::Delivery { ticket, message, looks, by_router }) =
            serde_json::from_slice(&item.body)
        else {
            return None;
        };
        Some(Self { ticket, message, round: looks, by_router, has_arrived: false })
    }

    fn is_last_round(&self) -> bool {
        self.round + 1 >= LOOKUP_ROUNDS.len()
    }
}

/// Asks Blip for the receipts that it did not send by itself.
pub(crate) struct Deliveries {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) pushed: Arc<PushedReceipts>,
    pub(crate) receipts_asked: DashMap<(BotName, usize), Timestamp>,
}

impl Deliveries {
    /// Asks Blip what became of all replies of a bot that are due and of which nothing was heard.
    pub(crate) async fn check_deliveries(&self, items: &[Handling]) -> HandlerResult {
        let Some(oldest) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let now = self.calls.clock.now();
        if now < oldest.received {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(oldest.received)));
        }
        let due = PendingReply::take_due(items, now);
        let Some(first) = due.first() else {
            return Err(Interrupt::broken("a job names no ticket"));
        };
        let done = Handled { items: due.len(), outcome: ItemOutcome::Forgotten };
        let (bot, looks, by_router) = (first.ticket.bot().clone(), first.round, first.by_router);
        let unsettled = self.keep_open_replies(due).await?;
        if unsettled.is_empty() {
            return Ok(done);
        }
        let rest = if by_router {
            self.check_templates(oldest, unsettled).await
        // Whether Blip tells of receipts by itself stands nowhere (`blip.md` §10 #9), so it is
        // found out from what came, and a Blip that tells is hardly asked.
        } else if self.pushed.is_pushing_receipts(&bot) {
            self.check_for_losses(oldest, unsettled).await
        } else if let Some(again) = self.next_lookup_time(&bot, looks, unsettled.len()) {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(
                again.min(now + LOOKUP_CHECK_INTERVAL),
            )));
        } else {
            self.check_receipt_log(oldest, unsettled).await
        };
        match rest {
            Ok(rest) => {
                for reply in rest {
                    self.timers
                        .schedule_receipt_lookup(
                            oldest,
                            &reply.ticket,
                            (&reply.message, by_router),
                            looks + 1,
                        )
                        .await?;
                }
                Ok(done)
            }
            // Not to be told delays nothing but being told.
            Err(Interrupt::Call { fault, error }) if fault != Fault::Broken => {
                tracing::warn!(%bot, error, "what became of replies could not be asked");
                let is_worth_waiting = now < oldest.received + BLIP_LOG_RETENTION;
                Ok(if is_worth_waiting {
                    Handled::for_first_item(ItemOutcome::Wait(now + LOOKUP_CHECK_INTERVAL))
                } else {
                    done
                })
            }
            Err(interrupt) => Err(interrupt),
        }
    }

    /// When Blip may be asked for so many replies; now, if there is no such time.
    fn next_lookup_time(&self, bot: &BotName, looks: usize, replies: usize) -> Option<Timestamp> {
        let look = LOOKUP_ROUNDS.get(looks).filter(|look| replies < look.enough)?;
        let asked = self.receipts_asked.get(&(bot.clone(), looks)).map(|at| *at)?;
        Some(asked + look.pause).filter(|again| self.calls.clock.now() < *again)
    }

    /// Leaves out the replies of which nothing more is to be heard, and notes which have arrived.
    async fn keep_open_replies(&self, replies: Vec<PendingReply>) -> PipeResult<Vec<PendingReply>> {
        let mut unsettled = Vec::new();
        for mut reply in replies {
            let store = &*self.calls.store;
            let heard = find_heard_receipts(store, &reply.ticket, &reply.message).await?;
            if !heard.is_read && !heard.has_failed {
                reply.has_arrived = heard.is_received;
                unsettled.push(reply);
            }
        }
        Ok(unsettled)
    }

    /// Asks the bot that has sent templates about each: they are few, and paid for. Returns those that
    /// are to be looked at again.
    async fn check_templates(
        &self,
        item: &Handling,
        templates: Vec<PendingReply>,
    ) -> PipeResult<Vec<PendingReply>> {
        let mut rest = Vec::new();
        for template in templates {
            let PendingReply { ticket, message, .. } = &template;
            let Some(router) = self.bots.router(ticket.bot()) else { continue };
            let told = if ticket.active_target().is_some() {
                router.templates.fetch_campaign_receipts(ticket, message).await
            } else {
                router.fetch_receipts(ticket, message).await
            };
            let told = answer_or_none(told)?;
            let news = self.enqueue_receipts(item, ticket, told.unwrap_or_default()).await?;
            if !news.iter().any(BlipEvent::is_last_receipt) {
                rest.push(template);
            }
        }
        Ok(rest)
    }

    /// Of a Blip that tells by itself, only what it may have lost is of interest. Returns the replies
    /// that are to be looked at again.
    async fn check_for_losses(
        &self,
        item: &Handling,
        mut replies: Vec<PendingReply>,
    ) -> PipeResult<Vec<PendingReply>> {
        replies.retain(|reply| !reply.has_arrived);
        self.check_histories(item, &replies, None).await?;
        Ok(replies)
    }

    /// Reads Blip's log, which answers for all replies of a bot in one call. A reply that the log lacks may
    /// still be in the history of its ticket, which is read then; in the last round so is that of a reply
    /// which the log has and does not call delivered. Returns the replies to be looked at again.
    async fn check_receipt_log(
        &self,
        item: &Handling,
        replies: Vec<PendingReply>,
    ) -> PipeResult<Vec<PendingReply>> {
        let Some(first) = replies.first() else { return Ok(replies) };
        let log = self.bots.require_bot(&first.ticket)?.fetch_receipt_log().await;
        let log = answer_or_none(log)?.unwrap_or_default();
        self.receipts_asked
            .insert((first.ticket.bot().clone(), first.round), self.calls.clock.now());
        let (mut rest, mut suspects) = (Vec::new(), Vec::new());
        for mut reply in replies {
            let told = log.receipts_for(&reply.ticket, &reply.message);
            let is_known = !told.is_empty();
            let news = self.enqueue_receipts(item, &reply.ticket, told).await?;
            reply.has_arrived |= news.iter().any(BlipEvent::is_arrival);
            if news.iter().any(BlipEvent::is_last_receipt) {
                continue;
            }
            let is_suspect = !reply.has_arrived && (!is_known || reply.is_last_round());
            if is_suspect { &mut suspects } else { &mut rest }.push(reply);
        }
        self.check_histories(item, &suspects, Some(&log)).await?;
        rest.append(&mut suspects);
        Ok(rest)
    }

    /// Reads the history of the tickets of these replies, each once.
    async fn check_histories(
        &self,
        item: &Handling,
        replies: &[PendingReply],
        log: Option<&ReceiptLog>,
    ) -> PipeResult<()> {
        let mut tickets: HashMap<&TicketId, Vec<&PendingReply>> = HashMap::new();
        for reply in replies {
            tickets.entry(&reply.ticket).or_default().push(reply);
        }
        for (id, replies) in tickets {
            self.check_history(item, id, &replies, log).await?;
        }
        Ok(())
    }

    /// Reads what the history of a ticket says of its replies: how far they came, or that they are
    /// lost. Without a log, as Blip tells by itself, only a loss is of interest.
    async fn check_history(
        &self,
        item: &Handling,
        id: &TicketId,
        replies: &[&PendingReply],
        log: Option<&ReceiptLog>,
    ) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        // Of a Blip that tells by itself only a loss would be news, and a reply is lost only where
        // the ticket was over (`blip.md` §10 #8).
        if log.is_none() && !ticket.is_closed() {
            return Ok(());
        }
        let said = answer_or_none(self.bots.require_bot(id)?.fetch_messages(&ticket.id).await)?
            .unwrap_or_default();
        let (mut unshown, mut unclear) = (Vec::new(), Vec::new());
        for reply in replies.iter().copied() {
            match said
                .iter()
                .find(|shown| shown.has_id(&reply.message))
                .map(|it| ReceiptDocument::from_message(id, it))
            {
                Some(Some(receipt)) => drop(self.enqueue_receipts(item, id, vec![receipt]).await?),
                Some(None) => unclear.push(reply),
                None => unshown.push(reply),
            }
        }
        if !unshown.is_empty()
            && self.has_ended(&ticket).await?
            // Which messages a history shows is up to Blip: only if it shows others of ours does
            // the absence of this one mean something.
            && self.has_our_replies(item, id, &said).await?
        {
            self.report_lost_replies(item, id, &unshown).await?;
        } else {
            unclear.append(&mut unshown);
        }
        match log {
            // The log has 100 entries (`blip.md` §5), so that of a busy bot the one looked for may
            // have fallen out.
            Some(log) if !log.is_whole => self.check_each_reply(item, &unclear).await,
            _ => Ok(()),
        }
    }

    /// Whether a ticket has ended, if only for Blip.
    async fn has_ended(&self, ticket: &Ticket) -> PipeResult<bool> {
        if ticket.is_closed() {
            return Ok(true);
        }
        let snapshot = answer_or_none(
            self.bots.require_bot(&ticket.id)?.tickets.fetch_ticket(&ticket.id).await,
        )?
        .flatten();
        Ok(snapshot.is_some_and(|snapshot| snapshot.parse_ending().is_some()))
    }

    /// Asks Blip's log for these replies, one by one: at last, as neither the end of the log nor the
    /// history says anything of them.
    async fn check_each_reply(&self, item: &Handling, replies: &[&PendingReply]) -> PipeResult<()> {
        for PendingReply { ticket, message, .. } in
            replies.iter().filter(|reply| reply.is_last_round())
        {
            let receipts = answer_or_none(
                self.bots.require_bot(ticket)?.fetch_receipts(ticket, message).await,
            )?;
            self.enqueue_receipts(item, ticket, receipts.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Whether the history of a ticket shows replies of ours at all.
    async fn has_our_replies(
        &self,
        item: &Handling,
        id: &TicketId,
        said: &[ThreadMessage],
    ) -> PipeResult<bool> {
        for ours in self.calls.read(item).await?.blip_ids_of(id).await? {
            if said.iter().any(|shown| shown.has_id(&ours)) {
                let links = self.calls.links_of(item, id, &ours).await?;
                if links.iter().any(|link| link.role.is_sent()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Replies went to a ticket that was over already without our knowing: Blip takes such words and
    /// lets them vanish (`blip.md` §10 #8). Believed only if Blip shows others of our replies in the
    /// conversation, but not these.
    async fn report_lost_replies(
        &self,
        item: &Handling,
        id: &TicketId,
        replies: &[&PendingReply],
    ) -> PipeResult<()> {
        // The ticket is found to be closed before the failures are told.
        self.calls.enqueue_item(item, CheckJob::check_ticket(id, self.calls.clock.now())).await?;
        for reply in replies {
            let lost = ReceiptDocument::of_loss(id, &reply.message);
            self.enqueue_receipts(item, id, lost.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// Puts what Blip says of a reply into the inbox, as if it had told by itself.
    async fn enqueue_receipts(
        &self,
        item: &Handling,
        id: &TicketId,
        receipts: Vec<ReceiptDocument>,
    ) -> PipeResult<Vec<BlipEvent>> {
        let received = self.calls.clock.now();
        let mut events = Vec::new();
        for receipt in receipts {
            for routed in receipt.to_events(id.bot()) {
                events.push(parse::parse_event(id.bot(), &routed.raw));
                let (lane, key) = (Lane::Ticket(id.clone()), routed.key);
                let (source, body) = (Source::Blip, routed.raw);
                self.calls
                    .enqueue_item(
                        item,
                        NewItem { source, lane, key, body, received, due: received },
                    )
                    .await?;
            }
        }
        Ok(events)
    }
}

/// What Blip answered; nothing if it says that it has no such thing.
pub(crate) fn answer_or_none<T>(answer: Result<T, blip::Error>) -> PipeResult<Option<T>> {
    match answer {
        Err(error) if error.is_lookup_impossible() => Ok(None),
        answer => Ok(Some(answer?)),
    }
}
