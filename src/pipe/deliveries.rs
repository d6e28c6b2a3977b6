//! Asks Blip what became of replies of which it tells nothing by itself.
//!
//! Blip may tell of receipts by itself or only when asked (`blip.md` §10 #9), and it limits how often
//! it is asked. So it is asked for many replies at once: its log for all of a bot, and then, where the
//! log does not say enough, the history of a ticket for all of that ticket. What it says is put into
//! the inbox as if it had told by itself, so both are the same event.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Bridge, Halt, Outcome, Step};
use crate::blip::parse::{self, ThreadMessage};
use crate::blip::{self, Receipts, envelope};
use crate::inbox::{Chore, Ending as Settled, Handled};
use crate::model::{BlipEvent, BotName, Failure, Fault, Ticket, TicketId};
use crate::store::{Item, Lane, NewItem, Source};

/// When Blip is asked for replies, and how often.
struct Look {
    /// How long after the reply, or after the look before.
    after: Duration,
    /// How long Blip is not asked again, unless enough replies wait for it.
    pause: SignedDuration,
    /// How many are enough.
    enough: usize,
}

/// Soon, as most replies fail at once if they do, and once more for the slow ones and for those that
/// are read later. A bot of two replies a minute is asked 0.15 times a reply, any quieter one at most
/// 18 times an hour.
const LOOKS: [Look; 2] = [
    Look { after: Duration::from_secs(30), pause: SignedDuration::from_mins(5), enough: 10 },
    Look { after: Duration::from_mins(5), pause: SignedDuration::from_mins(10), enough: 20 },
];
/// How often it is seen whether enough replies wait.
const STEP: Duration = Duration::from_secs(30);
/// How long Blip is believed to tell by itself after it did.
const TELLS: SignedDuration = SignedDuration::from_mins(30);
/// How long Blip keeps its log (`blip.md` §7): later there is nothing to be asked for.
const LOG_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A reply that waits for news.
struct Pending {
    ticket: TicketId,
    message: String,
    looks: usize,
    has_arrived: bool,
}

impl Pending {
    /// Reads the chores that are due; they are the first of their lane.
    fn due(items: &[Item], now: Timestamp) -> Vec<Self> {
        let due = items.iter().take_while(|item| item.received <= now);
        due.map_while(Self::read).collect()
    }

    fn read(item: &Item) -> Option<Self> {
        let Ok(Chore::Delivery { ticket, message, looks }) = serde_json::from_slice(&item.body)
        else {
            return None;
        };
        let ticket = TicketId::parse(&ticket)?;
        Some(Self { ticket, message, looks, has_arrived: false })
    }

    fn is_last_look(&self) -> bool {
        self.looks + 1 >= LOOKS.len()
    }
}

impl Bridge {
    /// Has Blip asked in a while what became of a reply.
    pub(super) async fn watch_delivery(&self, ticket: &TicketId, message: &str) -> Step<()> {
        self.look_later(ticket, message, 0).await
    }

    async fn look_later(&self, ticket: &TicketId, message: &str, looks: usize) -> Step<()> {
        let Some(look) = LOOKS.get(looks) else { return Ok(()) };
        let due = self.clock.now() + look.after;
        Ok(self.set_out(Chore::delivery(ticket, message, looks, due)).await?)
    }

    /// Blip has told by itself what became of a reply.
    pub(super) fn heard_receipt(&self, id: &TicketId) {
        self.receipts_heard.insert(id.bot().clone(), self.clock.now());
    }

    fn tells_by_itself(&self, bot: &BotName) -> bool {
        let heard = self.receipts_heard.get(bot).map(|at| *at);
        heard.is_some_and(|at| self.clock.now().duration_since(at) < TELLS)
    }

    /// Asks Blip what became of all replies of a bot that are due and of which nothing was heard.
    pub(super) async fn look_at_deliveries(&self, items: &[Item]) -> Outcome {
        let Some(oldest) = items.first() else { return Ok(Handled::one(Settled::Done)) };
        let now = self.clock.now();
        if now < oldest.received {
            return Ok(Handled::one(Settled::Wait(oldest.received)));
        }
        let due = Pending::due(items, now);
        let Some(first) = due.first() else { return Err(Halt::broken("a chore names no ticket")) };
        let done = Handled { items: due.len(), ending: Settled::Forgotten };
        let (bot, looks) = (first.ticket.bot().clone(), first.looks);
        let unsettled = self.leave_out_settled(due).await?;
        if unsettled.is_empty() {
            return Ok(done);
        }
        let rest = if self.tells_by_itself(&bot) {
            self.look_for_losses(unsettled).await
        } else if let Some(again) = self.not_before(&bot, looks, unsettled.len()) {
            return Ok(Handled::one(Settled::Wait(again.min(now + STEP))));
        } else {
            self.look_at_log(unsettled).await
        };
        match rest {
            Ok(rest) => {
                for reply in rest {
                    self.look_later(&reply.ticket, &reply.message, looks + 1).await?;
                }
                Ok(done)
            }
            // Not to be told delays nothing but being told.
            Err(Halt::Call { fault, error }) if fault != Fault::Broken => {
                tracing::warn!(%bot, error, "what became of replies could not be asked");
                let is_worth_waiting = now < oldest.received + LOG_KEPT;
                Ok(if is_worth_waiting { Handled::one(Settled::Wait(now + STEP)) } else { done })
            }
            Err(halt) => Err(halt),
        }
    }

    /// When Blip may be asked for so many replies; now, if there is no such time.
    fn not_before(&self, bot: &BotName, looks: usize, replies: usize) -> Option<Timestamp> {
        let look = LOOKS.get(looks).filter(|look| replies < look.enough)?;
        let asked = self.receipts_asked.get(&(bot.clone(), looks)).map(|at| *at)?;
        Some(asked + look.pause).filter(|again| self.clock.now() < *again)
    }

    /// Leaves out the replies of which nothing more is to be heard, and notes which have arrived.
    async fn leave_out_settled(&self, replies: Vec<Pending>) -> Step<Vec<Pending>> {
        let mut unsettled = Vec::new();
        for mut reply in replies {
            if !self.has_heard(&reply, "consumed").await?
                && !self.has_heard(&reply, "failed").await?
            {
                reply.has_arrived = self.has_heard(&reply, "received").await?;
                unsettled.push(reply);
            }
        }
        Ok(unsettled)
    }

    /// Whether this was heard of a reply, by itself or when asked: every receipt is in the inbox.
    async fn has_heard(&self, reply: &Pending, event: &str) -> Step<bool> {
        let key = parse::receipt_key(&reply.ticket, &reply.message, event);
        Ok(self.store.has_accepted(Source::Blip, &key).await?)
    }

    /// Of a Blip that tells by itself, only what it may have lost is of interest. Returns the replies
    /// that are to be looked at again.
    async fn look_for_losses(&self, mut replies: Vec<Pending>) -> Step<Vec<Pending>> {
        replies.retain(|reply| !reply.has_arrived);
        self.look_at_tickets(&replies, None).await?;
        Ok(replies)
    }

    /// Reads Blip's log for all replies at once, and looks into the tickets of those that it does not
    /// know, at last also of those that it does not say to have arrived. Returns the replies that are
    /// to be looked at again.
    async fn look_at_log(&self, replies: Vec<Pending>) -> Step<Vec<Pending>> {
        let Some(first) = replies.first() else { return Ok(replies) };
        let log = self.bot(&first.ticket)?.receipt_log().await;
        let log = if_answered(log)?.unwrap_or_default();
        self.receipts_asked.insert((first.ticket.bot().clone(), first.looks), self.clock.now());
        let (mut rest, mut suspects) = (Vec::new(), Vec::new());
        for mut reply in replies {
            let told = log.of(&reply.ticket, &reply.message);
            let is_known = !told.is_empty();
            let news = self.take_receipts(&reply.ticket, told).await?;
            reply.has_arrived |= news.iter().any(BlipEvent::is_arrival);
            if news.iter().any(BlipEvent::is_last_receipt) {
                continue;
            }
            let is_suspect = !reply.has_arrived && (!is_known || reply.is_last_look());
            if is_suspect { &mut suspects } else { &mut rest }.push(reply);
        }
        self.look_at_tickets(&suspects, Some(&log)).await?;
        rest.append(&mut suspects);
        Ok(rest)
    }

    /// Reads the history of the tickets of these replies, each once.
    async fn look_at_tickets(&self, replies: &[Pending], log: Option<&Receipts>) -> Step<()> {
        let mut tickets: HashMap<&TicketId, Vec<&Pending>> = HashMap::new();
        for reply in replies {
            tickets.entry(&reply.ticket).or_default().push(reply);
        }
        for (id, replies) in tickets {
            self.look_at_ticket(id, &replies, log).await?;
        }
        Ok(())
    }

    /// Reads what the history of a ticket says of its replies: how far they came, or that they are
    /// lost. Without a log, as Blip tells by itself, only a loss is of interest.
    async fn look_at_ticket(
        &self,
        id: &TicketId,
        replies: &[&Pending],
        log: Option<&Receipts>,
    ) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        if log.is_none() && !ticket.is_closed() {
            return Ok(());
        }
        let said = if_answered(self.bot(id)?.messages(&ticket.id).await)?.unwrap_or_default();
        let (mut unshown, mut unclear) = (Vec::new(), Vec::new());
        for reply in replies.iter().copied() {
            match said.iter().find(|shown| shown.is(&reply.message)).map(|it| it.receipt(id)) {
                Some(Some(receipt)) => drop(self.take_receipts(id, vec![receipt]).await?),
                Some(None) => unclear.push(reply),
                None => unshown.push(reply),
            }
        }
        if !unshown.is_empty()
            && self.is_over(&ticket).await?
            && self.shows_replies(id, &said).await?
        {
            self.tell_lost(id, &unshown).await?;
        } else {
            unclear.append(&mut unshown);
        }
        match log {
            Some(log) if !log.is_whole => self.look_at_each(&unclear).await,
            _ => Ok(()),
        }
    }

    /// Whether a ticket has ended, if only for Blip.
    async fn is_over(&self, ticket: &Ticket) -> Step<bool> {
        if ticket.is_closed() {
            return Ok(true);
        }
        let snapshot = if_answered(self.bot(&ticket.id)?.ticket(&ticket.id).await)?.flatten();
        Ok(snapshot.is_some_and(|snapshot| snapshot.ending().is_some()))
    }

    /// Asks Blip's log for these replies, one by one: at last, as neither the end of the log nor the
    /// history says anything of them.
    async fn look_at_each(&self, replies: &[&Pending]) -> Step<()> {
        for Pending { ticket, message, .. } in replies.iter().filter(|reply| reply.is_last_look()) {
            let receipts = if_answered(self.bot(ticket)?.receipts(ticket, message).await)?;
            self.take_receipts(ticket, receipts.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Whether the history of a ticket shows replies of ours at all.
    async fn shows_replies(&self, id: &TicketId, said: &[ThreadMessage]) -> Step<bool> {
        for ours in self.store.blip_ids_of(id).await? {
            if said.iter().any(|shown| shown.is(&ours)) {
                let links = self.store.links_of(id, &ours).await?;
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
    async fn tell_lost(&self, id: &TicketId, replies: &[&Pending]) -> Step<()> {
        // The ticket is found to be closed before the failures are told.
        self.set_out(Chore::check(id, self.clock.now())).await?;
        for reply in replies {
            let failed = json!({"event": "failed"});
            let failed = envelope::receipt(id.blip(), &reply.message, &failed);
            self.take_receipts(id, failed.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// Puts what Blip says of a reply into the inbox, as if it had told by itself.
    async fn take_receipts(&self, id: &TicketId, receipts: Vec<Value>) -> Step<Vec<BlipEvent>> {
        let received = self.clock.now();
        let mut events = Vec::new();
        for receipt in receipts {
            for routed in parse::parse(id.bot(), receipt.to_string().as_bytes()).unwrap_or_default()
            {
                events.push(parse::event(id.bot(), &routed.raw));
                let (lane, key) = (Lane::Ticket(id.clone()), routed.key);
                let (source, body) = (Source::Blip, routed.raw);
                self.set_out(NewItem { source, lane, key, body, received, due: received }).await?;
            }
        }
        Ok(events)
    }
}

/// What Blip answered; nothing if it says that it has no such thing.
fn if_answered<T>(answer: Result<T, blip::Error>) -> Step<Option<T>> {
    match answer {
        Err(error) if error.tells_nothing() => Ok(None),
        answer => Ok(Some(answer?)),
    }
}
