//! Comparing threads with what Slack says of them: what people did there while nobody told us.
//!
//! One look at a channel tells of each thread how many answers it has and which is the newest; only
//! threads of which we know something else are read. What is found is put into the inbox as the
//! event that it would have come as, under the same key, so that what did come is not taken twice.

use crate::slack::find;
use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::handlers::calls::Calls;
use crate::handlers::gaps::EventGaps;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::inbox::{Handled, ItemOutcome, Job};
use crate::model::{ChannelId, Failure, Fault, MessageTs, SlackEvent, Thread, Ticket, TicketId};
use crate::slack;
use crate::slack::parse::SlackRequest;
use crate::slack::{SlackClient, emoji, parse};
use crate::store::{Accepted, Item, KnownReplies, Lane, NewItem, Source};

/// How far back agents' words are looked for. What is older would surprise the customer.
pub(crate) const COMPARE_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// Messages of a channel that are read in search of the cards of open tickets; the threads of cards
/// that are not among them are read themselves.
pub(crate) const MAX_CHANNEL_MESSAGES: usize = 2000;

/// The step that keeps how far a thread has been read.
pub(crate) const READ_POSITION_CALL: &str = "read";

/// How a thread differed from what is known of it when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadComparison {
    /// How many more answers it has than are tied to tickets: other apps write, too.
    unknown: i64,
    /// Its newest answer.
    latest: Option<String>,
}

/// Compares threads with Slack's.
pub(crate) struct ThreadComparisons {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) gaps: Arc<EventGaps>,
    pub(crate) history: Arc<ReactionHistory>,
    pub(crate) claim_reaction: String,
    pub(crate) close_reaction: String,
    pub(crate) compared_threads: DashMap<Thread, ThreadComparison>,
}

impl ThreadComparisons {
    /// Looks which threads of a channel have something that we do not know of, and sets out to read
    /// those.
    ///
    /// One look does for all that was set out before.
    pub(crate) async fn compare_threads(&self, channel: &str, items: usize) -> HandlerResult {
        let channel = ChannelId::parse(channel);
        let channel = channel.ok_or_else(|| Interrupt::broken("a job names no channel"))?;
        self.compare_channel(&channel).await?;
        Ok(Handled { items, outcome: ItemOutcome::Forgotten })
    }

    async fn compare_channel(&self, channel: &ChannelId) -> PipeResult<()> {
        let tickets = self.calls.store.open_tickets().await?;
        self.gaps.retain_open(&tickets, channel);
        // A thread has two while one goes on as the other.
        let mut open: HashMap<MessageTs, Vec<Ticket>> = HashMap::new();
        for ticket in tickets {
            let thread = ticket.thread.clone().filter(|thread| thread.channel == *channel);
            if let Some(thread) = thread {
                open.entry(thread.root).or_default().push(ticket);
            }
        }
        let Some(first) = open.keys().min() else { return Ok(()) };
        let asked = self.calls.clock.now();
        let roots = match self.fetch_thread_roots(channel, first, &open).await {
            Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                tracing::warn!(slack.channel = %channel, %error, "threads cannot be compared");
                for ticket in open.values().flatten() {
                    self.gaps.mark_caught_up(&ticket.id);
                }
                return Ok(());
            }
            roots => roots?,
        };
        let known = self.calls.store.known_replies(channel, first).await?;
        let known: HashMap<_, _> = known.iter().map(|known| (&known.root, known)).collect();
        for (root, tickets) in &open {
            let thread = Thread { channel: channel.clone(), root: root.clone() };
            let message = roots.get(root);
            match message {
                Some(message)
                    if self.is_thread_unchanged(&thread, message, known.get(root)).await? =>
                {
                    for ticket in tickets {
                        self.enqueue_missed_claims(ticket, &thread, message, asked).await?;
                    }
                    self.enqueue_missed_closes(&thread, message, asked).await?;
                    for ticket in tickets {
                        self.gaps.mark_caught_up(&ticket.id);
                    }
                }
                _ => {
                    for ticket in tickets {
                        self.calls
                            .enqueue_item(Job::catch_up(&ticket.id, self.calls.clock.now()))
                            .await?;
                    }
                }
            }
        }
        self.compared_threads
            .retain(|thread, _| thread.channel != *channel || open.contains_key(&thread.root));
        Ok(())
    }

    /// The cards of open tickets as a channel shows them.
    async fn fetch_thread_roots(
        &self,
        channel: &ChannelId,
        since: &MessageTs,
        open: &HashMap<MessageTs, Vec<Ticket>>,
    ) -> Result<HashMap<MessageTs, Value>, slack::Error> {
        let mut roots = HashMap::new();
        let mut reading = find::read_channel(&self.slack, channel.as_str(), since);
        let mut count = 0;
        while let Some(messages) = reading.next_page().await? {
            count += messages.len();
            let placed =
                messages.into_iter().filter_map(|message| Some((read_ts(&message)?, message)));
            roots.extend(placed.filter(|(ts, _)| open.contains_key(ts)));
            if roots.len() == open.len() || count >= MAX_CHANNEL_MESSAGES {
                break;
            }
        }
        Ok(roots)
    }

    /// Whether a thread has nothing but what we know of, or have looked through before.
    async fn is_thread_unchanged(
        &self,
        thread: &Thread,
        root: &Value,
        known: Option<&&KnownReplies>,
    ) -> PipeResult<bool> {
        let count = root.get("reply_count").and_then(Value::as_i64).unwrap_or_default();
        let latest = root.get("latest_reply").and_then(Value::as_str);
        let now = ThreadComparison {
            unknown: count - known.map_or(0, |known| i64::from(known.count)),
            latest: latest.map(str::to_owned),
        };
        let before = self.compared_threads.get(thread).map(|before| before.clone());
        let is_latest_known = match latest.and_then(MessageTs::parse) {
            None => true,
            Some(latest) if known.is_some_and(|known| known.latest == latest) => true,
            Some(_) if before.as_ref().is_some_and(|before| before.latest == now.latest) => true,
            Some(latest) => {
                let key = parse::message_key(&thread.channel, &latest);
                self.calls.store.has_accepted(Source::Slack, &key).await?
            }
        };
        if is_latest_known && now.unknown == before.map_or(0, |before| before.unknown) {
            return Ok(true);
        }
        self.compared_threads.insert(thread.clone(), now);
        Ok(false)
    }

    /// Looks for what people did in a ticket's thread while nobody told us.
    pub(crate) async fn catch_up_thread(&self, item: &Item, id: &TicketId) -> PipeResult<()> {
        let ticket = self.calls.store.load_ticket(id).await?.filter(|ticket| !ticket.is_closed());
        if let Some(ticket) = ticket
            && let Some(thread) = &ticket.thread
        {
            match self.scan_thread(item, &ticket, thread).await {
                Err(Interrupt::Call { fault: Fault::Refused { .. }, error }) => {
                    tracing::warn!(ticket.id = %id, error, "a thread cannot be looked through");
                }
                looked => looked?,
            }
        }
        self.gaps.mark_caught_up(id);
        Ok(())
    }

    /// Slack does not tell when a reaction was made: claims count as first and ends as last.
    async fn scan_thread(&self, item: &Item, ticket: &Ticket, thread: &Thread) -> PipeResult<()> {
        let asked = self.calls.clock.now();
        let since = self.load_read_position(item).await?;
        let since = since.unwrap_or_else(|| MessageTs::from_time(asked - COMPARE_LOOK_BACK));
        let mut reading =
            find::read_thread(&self.slack, thread.channel.as_str(), &thread.root, &since);
        let mut root = None;
        while let Some(messages) = reading.next_page().await? {
            if root.is_none() {
                let card = self.find_card(&messages, thread).await?;
                let Some(card) = card else { return Ok(()) };
                self.enqueue_missed_claims(ticket, thread, &card, asked).await?;
                root = Some(card);
            }
            // Of any age: what is on its way still is taken once all the same, and what came after
            // it must not come first.
            let mut replies = messages.iter().filter(|message| {
                read_ts(message).is_some_and(|ts| ts > thread.root && ts >= since)
            });
            for message in replies.clone() {
                if self.enqueue_message(thread, message).await? == Accepted::New
                    && let Some(mut compared) = self.compared_threads.get_mut(thread)
                {
                    // It will be known by the next time.
                    compared.unknown -= 1;
                }
            }
            if let Some(last) = replies.next_back().and_then(read_ts) {
                // Slack may ask us to pause before the next page.
                self.store_read_position(item, &last).await?;
            }
        }
        match root {
            Some(root) => self.enqueue_missed_closes(thread, &root, asked).await,
            None => Ok(()),
        }
    }

    async fn find_card(&self, messages: &[Value], thread: &Thread) -> PipeResult<Option<Value>> {
        let found = messages.iter().find(|message| read_ts(message).as_ref() == Some(&thread.root));
        if let Some(found) = found {
            return Ok(Some(found.clone()));
        }
        Ok(find::fetch_message(&self.slack, &thread.channel, &thread.root, &thread.root).await?)
    }

    async fn load_read_position(&self, item: &Item) -> PipeResult<Option<MessageTs>> {
        let steps = self.calls.read_begun_calls(item).await?;
        let read = steps
            .into_iter()
            .find(|(step, _)| step == READ_POSITION_CALL)
            .and_then(|(_, read)| read);
        let ts = read.and_then(|read| serde_json::from_str::<String>(&read).ok());
        Ok(ts.and_then(|ts| MessageTs::parse(&ts)))
    }

    async fn store_read_position(&self, item: &Item, ts: &MessageTs) -> PipeResult<()> {
        self.calls
            .store
            .begin_call(item.id, READ_POSITION_CALL, None, self.calls.clock.now())
            .await?;
        Ok(self.calls.record_result(item, READ_POSITION_CALL, &ts.as_str()).await?)
    }

    async fn enqueue_message(&self, thread: &Thread, message: &Value) -> PipeResult<Accepted> {
        let mut event = message.clone();
        insert_field(&mut event, "type", "message");
        insert_field(&mut event, "channel", thread.channel.as_str());
        self.enqueue_slack_event(thread, &json!({"type": "event_callback", "event": event})).await
    }

    /// Takes the claims that were made by a reaction of which we were not told, and the release of
    /// the holder who took it off.
    async fn enqueue_missed_claims(
        &self,
        ticket: &Ticket,
        thread: &Thread,
        root: &Value,
        asked: Timestamp,
    ) -> PipeResult<()> {
        let claim = self.claim_reaction.as_str();
        for (name, user) in list_reaction_users(root, claim) {
            if self.history.is_missed_reaction(thread, (user, name), true, asked).await? {
                let gesture = build_reaction_event(thread, (user, name), true, asked);
                let body = json!({"type": "event_callback", "event": gesture,
                    "happened": thread.root.as_str()});
                self.enqueue_slack_event(thread, &body).await?;
            }
        }
        // A card that was deleted has lost all reactions, and nobody took them off.
        let is_gone = root.get("subtype").and_then(Value::as_str) == Some("tombstone");
        let Some(holder) = ticket.holder().filter(|_| !is_gone) else { return Ok(()) };
        let user = holder.user.as_str();
        let is_on = list_reaction_users(root, claim).any(|(_, other)| other == user);
        if !is_on
            && has_all_users(root, claim)
            && self.history.is_missed_reaction(thread, (user, claim), false, asked).await?
        {
            let gesture = build_reaction_event(thread, (user, claim), false, asked);
            self.enqueue_slack_event(thread, &json!({"type": "event_callback", "event": gesture}))
                .await?;
        }
        Ok(())
    }

    /// Takes the ends that were asked for by a reaction of which we were not told.
    async fn enqueue_missed_closes(
        &self,
        thread: &Thread,
        root: &Value,
        asked: Timestamp,
    ) -> PipeResult<()> {
        for (name, user) in list_reaction_users(root, &self.close_reaction) {
            if self.history.is_missed_reaction(thread, (user, name), true, asked).await? {
                let gesture = build_reaction_event(thread, (user, name), true, asked);
                self.enqueue_slack_event(
                    thread,
                    &json!({"type": "event_callback", "event": gesture}),
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn enqueue_slack_event(&self, thread: &Thread, body: &Value) -> PipeResult<Accepted> {
        let SlackRequest::Event(routed) = parse::parse_body(body) else {
            return Ok(Accepted::Repeat);
        };
        if !matches!(routed.event, SlackEvent::Message { .. } | SlackEvent::Reaction { .. }) {
            return Ok(Accepted::Repeat);
        }
        let lane = Lane::Message(thread.channel.clone(), thread.root.clone());
        let (now, body) = (self.calls.clock.now(), body.to_string().into_bytes());
        let key = routed.key;
        let item = NewItem { source: Source::Slack, lane, key, body, received: now, due: now };
        let accepted = self.calls.store.accept(item).await?;
        if accepted == Accepted::New {
            tracing::warn!(slack.channel = %thread.channel, slack.ts = %thread.root,
                "something done in a thread had not come and was fetched");
        }
        Ok(accepted)
    }
}

/// A reaction, as Slack would have told of it. It was made before now, and nobody knows when.
pub(crate) fn build_reaction_event(
    thread: &Thread,
    (user, name): (&str, &str),
    added: bool,
    before: Timestamp,
) -> Value {
    let kind = if added { "reaction_added" } else { "reaction_removed" };
    let (channel, ts) = (thread.channel.as_str(), thread.root.as_str());
    let item = json!({"type": "message", "channel": channel, "ts": ts});
    json!({"type": kind, "user": user, "reaction": name, "item": item,
        "event_ts": MessageTs::from_time(before).as_str()})
}

/// The reactions of a kind on a message: their names and who put them on.
pub(crate) fn list_reaction_users<'a>(
    message: &'a Value,
    wanted: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    filter_reactions(message, wanted).flat_map(|(name, reaction)| {
        let users = reaction.get("users").and_then(Value::as_array);
        users.into_iter().flatten().filter_map(move |user| Some((name, user.as_str()?)))
    })
}

/// Whether Slack names everybody who has put on a reaction; of many, it names some.
pub(crate) fn has_all_users(message: &Value, wanted: &str) -> bool {
    filter_reactions(message, wanted).all(|(_, reaction)| {
        let named = reaction.get("users").and_then(Value::as_array).map(Vec::len);
        named.map(|named| named as u64) == reaction.get("count").and_then(Value::as_u64)
    })
}

pub(crate) fn filter_reactions<'a>(
    message: &'a Value,
    wanted: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let reactions = message.get("reactions").and_then(Value::as_array);
    reactions.into_iter().flatten().filter_map(move |reaction| {
        let name = reaction.get("name").and_then(Value::as_str)?;
        emoji::is_same_emoji(name, wanted).then_some((name, reaction))
    })
}

pub(crate) fn read_ts(message: &Value) -> Option<MessageTs> {
    MessageTs::parse(message.get("ts")?.as_str()?)
}

pub(crate) fn insert_field(event: &mut Value, key: &str, value: &str) {
    if let Some(fields) = event.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}
