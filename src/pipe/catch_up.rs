//! Catching up: what happened at either platform while nobody told us.
//!
//! Ends of tickets are acted on at once. What people wrote is put into the inbox as the event that
//! it would have come as, under the same key, so that what did come is not taken twice.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Bridge, Step};
use crate::blip;
use crate::blip::parse::Missed;
use crate::model::{Failure, Fault, SlackEvent, Thread, Ticket, TicketId};
use crate::slack::parse::Request;
use crate::slack::{self, emoji};
use crate::store::{Accepted, Item, Lane, NewItem, Source};

/// How much younger than the present, in times of settling, a customer's message must be to be on
/// its way still, so that nobody needs to fetch it.
const ON_ITS_WAY: u32 = 10;
/// How far back agents' words are looked for. What is older would surprise the customer.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// How often a comparison is tried while the ticket's events wait behind it; the next sweep does
/// it again.
const TRIES: u32 = 2;

impl Bridge {
    /// Compares a ticket with what Blip says of it.
    pub(super) async fn check(&self, item: &Item, id: &TicketId) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        if ticket.is_closed() {
            return Ok(());
        }
        let bot = self.bot(id)?;
        let snapshot = match bot.ticket(id).await {
            Ok(snapshot) => snapshot,
            Err(error) => return give_up(item, error),
        };
        let shown: HashSet<String> =
            self.store.blip_ids_of(&ticket.id).await?.into_iter().collect();
        let is_known =
            |message: &Missed| message.date < ticket.opened || shown.contains(&message.id);
        let missed = match bot.missed(id, &ticket.address, is_known).await {
            Ok(missed) => missed,
            Err(error) => return give_up(item, error),
        };
        let last = match &snapshot {
            // What came after the end belongs to another ticket, or to the bot.
            Some(snapshot) if snapshot.ending().is_some() => {
                snapshot.ended.unwrap_or(ticket.opened)
            }
            _ => self.clock.now() - self.settling * ON_ITS_WAY,
        };
        self.take_missed(&ticket, (&shown, last), missed).await?;
        if let Some(snapshot) = snapshot {
            return self.on_news(item, ticket, &snapshot).await;
        }
        tracing::warn!(ticket.id = %id, "blip does not know an open ticket of ours");
        Ok(())
    }

    /// Puts a customer's messages into the inbox that never came; the first one is marked.
    async fn take_missed(
        &self,
        ticket: &Ticket,
        (shown, last): (&HashSet<String>, Timestamp),
        missed: Vec<Missed>,
    ) -> Step<()> {
        let now = self.clock.now();
        let in_time = |at: Timestamp| ticket.opened < at && at <= last;
        let mut count = 0;
        for message in missed.iter().filter(|message| in_time(message.date)) {
            if shown.contains(&message.id) {
                continue;
            }
            let body = if count == 0 { message.marked() } else { message.routed.raw.clone() };
            let (lane, key) = (Lane::Ticket(ticket.id.clone()), message.routed.key.clone());
            let item = NewItem { source: Source::Blip, lane, key, body, received: now, due: now };
            count += usize::from(self.store.accept(item).await? == Accepted::New);
        }
        if count > 0 {
            tracing::warn!(ticket.id = %ticket.id, count, "messages had not come and were fetched");
        }
        Ok(())
    }

    /// Looks for what people did in a ticket's thread while nobody told us.
    ///
    /// Slack does not tell when a reaction was made: claims count as first and ends as last.
    pub(super) async fn catch_up_thread(&self, id: &TicketId) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.as_ref().filter(|_| !ticket.is_closed()) else {
            return Ok(());
        };
        let said = match self.slack.replies(&thread.channel, &thread.root).await {
            Ok(said) => said,
            Err(error) if matches!(error.fault(), Fault::Refused { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let since = self.clock.now() - LOOK_BACK;
        let in_time = |message: &&Value| written_at(message).is_some_and(|at| since < at);
        let Some((root, replies)) = said.split_first() else { return Ok(()) };
        self.take_reactions(thread, root, &self.rules.claim_reaction).await?;
        // Of any age: what is on its way still is taken once all the same, and what came after it
        // must not come first.
        for message in replies.iter().filter(in_time) {
            self.take_written(thread, message).await?;
        }
        self.take_reactions(thread, root, &self.rules.close_reaction).await
    }

    async fn take_written(&self, thread: &Thread, message: &Value) -> Step<()> {
        let mut event = message.clone();
        set(&mut event, "type", "message");
        set(&mut event, "channel", thread.channel.as_str());
        self.take(thread, &event).await
    }

    /// Takes the claims or ends that were asked for by a reaction which we have never heard of.
    async fn take_reactions(&self, thread: &Thread, root: &Value, wanted: &str) -> Step<()> {
        let reactions = root.get("reactions").and_then(Value::as_array);
        for reaction in reactions.into_iter().flatten() {
            let name = reaction.get("name").and_then(Value::as_str).unwrap_or_default();
            let users = reaction.get("users").and_then(Value::as_array);
            if !emoji::same(name, wanted) {
                continue;
            }
            for user in users.into_iter().flatten().filter_map(Value::as_str) {
                let (channel, ts) = (&thread.channel, &thread.root);
                let heard = slack::parse::reaction_key(channel, ts, user, name);
                if self.store.has_accepted(Source::Slack, &heard).await? {
                    continue;
                }
                let item =
                    json!({"type": "message", "channel": channel.as_str(), "ts": ts.as_str()});
                let event = json!({"type": "reaction_added", "user": user, "reaction": name,
                    "item": item, "event_ts": "missed"});
                self.take(thread, &event).await?;
            }
        }
        Ok(())
    }

    async fn take(&self, thread: &Thread, event: &Value) -> Step<()> {
        let body = json!({"type": "event_callback", "event": event});
        let Request::Event(routed) = slack::parse::parse(&body) else { return Ok(()) };
        if !matches!(routed.event, SlackEvent::Message { .. } | SlackEvent::Reaction { .. }) {
            return Ok(());
        }
        let lane = Lane::Message(thread.channel.clone(), thread.root.clone());
        let (now, body) = (self.clock.now(), body.to_string().into_bytes());
        let key = routed.key;
        let item = NewItem { source: Source::Slack, lane, key, body, received: now, due: now };
        if self.store.accept(item).await? == Accepted::New {
            tracing::warn!(slack.channel = %thread.channel, slack.ts = %thread.root,
                "something done in a thread had not come and was fetched");
        }
        Ok(())
    }
}

/// What failed for now is tried again soon, but not for long: events wait behind it.
fn give_up(item: &Item, error: blip::Error) -> Step<()> {
    match error.fault() {
        // What was begun is brought to its end: nobody else knows how far it is.
        _ if item.begun => Err(error.into()),
        Fault::Down | Fault::Unsure if item.attempts < TRIES => Err(error.into()),
        Fault::Down
        | Fault::Unsure
        | Fault::Busy { .. }
        | Fault::Credentials
        | Fault::Refused { .. } => {
            tracing::warn!(item.id, %error, "a ticket could not be compared; later again");
            Ok(())
        }
        Fault::Broken => Err(error.into()),
    }
}

fn written_at(message: &Value) -> Option<Timestamp> {
    let (seconds, _) = message.get("ts")?.as_str()?.split_once('.')?;
    Timestamp::from_second(seconds.parse().ok()?).ok()
}

fn set(event: &mut Value, key: &str, value: &str) {
    if let Some(fields) = event.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}
