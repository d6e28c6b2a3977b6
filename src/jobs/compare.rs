//! Comparing threads with what Slack says of them: what people did there while nobody told us.
//!
//! One look at a channel tells of each thread how many answers it has and which is the newest; only
//! threads of which we know something else are read. What is found is put into the inbox as the
//! event that it would have come as, under the same key, so that what did come is not taken twice.

use crate::slack::ShownMessage;
use crate::slack::find;
use crate::slack::missed::{self, MissedEvent, MissedReaction};
use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::inbox::{CheckJob, Handled, Handling, ItemOutcome};
use crate::model::{ChannelId, Failure, Fault, MessageTs, Thread, Ticket, TicketId};
use crate::slack;
use crate::slack::gaps::EventGaps;
use crate::slack::{SlackClient, parse};
use crate::store::{Accepted, KnownReplies, Lane, NewItem, Source};

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
    /// Its newest answer; none if nobody has answered.
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
    pub(crate) async fn compare_threads(
        &self,
        item: &Handling,
        channel: &ChannelId,
        items: usize,
    ) -> HandlerResult {
        self.compare_channel(item, channel).await?;
        Ok(Handled { items, outcome: ItemOutcome::Forgotten })
    }

    async fn compare_channel(&self, item: &Handling, channel: &ChannelId) -> PipeResult<()> {
        let tickets = self.calls.read(item).await?.open_tickets().await?;
        self.gaps.retain_open(&tickets, channel);
        // A thread has two while one goes on as the other.
        let mut open: HashMap<MessageTs, Vec<Ticket>> = HashMap::new();
        for ticket in tickets {
            let thread = ticket.thread.clone().filter(|thread| thread.channel == *channel);
            if let Some(thread) = thread {
                open.entry(thread.root).or_default().push(ticket);
            }
        }
        // The oldest open card bounds the reading: older messages of the channel are nobody's.
        let Some(first) = open.keys().min() else { return Ok(()) };
        let asked = self.calls.clock.now();
        let roots = match self.fetch_thread_roots(channel, first, &open).await {
            Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                tracing::warn!(slack.channel = %channel, %error, "threads cannot be compared");
                for ticket in open.values().flatten() {
                    // What people do meanwhile waits for this comparison: one that will never be
                    // possible lets it go.
                    self.gaps.mark_caught_up(&ticket.id);
                }
                return Ok(());
            }
            roots => roots?,
        };
        let known = self.calls.read(item).await?.known_replies(channel, first).await?;
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
                            .enqueue_item(
                                item,
                                CheckJob::catch_up(&ticket.id, self.calls.clock.now()),
                            )
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
    ) -> Result<HashMap<MessageTs, ShownMessage>, slack::Error> {
        let mut roots = HashMap::new();
        let mut reading = find::read_channel(&self.slack, channel.as_str(), since);
        let mut count = 0;
        while let Some(messages) = reading.next_page().await? {
            count += messages.len();
            let placed = messages.into_iter().filter_map(|message| Some((message.ts()?, message)));
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
        root: &ShownMessage,
        known: Option<&&KnownReplies>,
    ) -> PipeResult<bool> {
        let (count, latest) = (root.reply_count(), root.latest_reply());
        let now = ThreadComparison {
            unknown: count - known.map_or(0, |known| i64::from(known.count)),
            latest: latest.map(str::to_owned),
        };
        let before = self.compared_threads.get(thread).map(|before| before.clone());
        // A message of another app in the thread is tied to no ticket, ever. So it is enough that
        // the newest one is known, was looked at before, or waits in the inbox.
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
    pub(crate) async fn catch_up_thread(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let ticket = self.calls.load_ticket(item, id).await?.filter(|ticket| !ticket.is_closed());
        if let Some(ticket) = ticket
            && let Some(thread) = &ticket.thread
        {
            match self.scan_thread(item, &ticket, thread).await {
                Err(Interrupt::Call { fault: Fault::Refused { .. }, error }) => {
                    tracing::warn!(error, "a thread cannot be looked through");
                }
                looked => looked?,
            }
        }
        self.gaps.mark_caught_up(id);
        Ok(())
    }

    /// Slack does not tell when a reaction was made: claims count as first and ends as last.
    async fn scan_thread(
        &self,
        item: &Handling,
        ticket: &Ticket,
        thread: &Thread,
    ) -> PipeResult<()> {
        let asked = self.calls.clock.now();
        let since = self.load_read_position(item).await?;
        let since = since.unwrap_or_else(|| MessageTs::from_time(asked - COMPARE_LOOK_BACK));
        let mut reading =
            find::read_thread(&self.slack, thread.channel.as_str(), &thread.root, &since);
        let mut root = None;
        while let Some(messages) = reading.next_page().await? {
            // The card may not come with the first page: that Slack sends the parent whatever
            // `oldest` says stands nowhere (`slack.md` additions §0).
            if root.is_none() {
                let card = self.find_card(&messages, thread).await?;
                let Some(card) = card else { return Ok(()) };
                self.enqueue_missed_claims(ticket, thread, &card, asked).await?;
                root = Some(card);
            }
            // Of any age: what is on its way still is taken once all the same, and what came after
            // it must not come first.
            let mut replies = messages
                .iter()
                .filter(|message| message.ts().is_some_and(|ts| ts > thread.root && ts >= since));
            for message in replies.clone() {
                if self.enqueue_message(thread, message).await? == Accepted::New
                    && let Some(mut compared) = self.compared_threads.get_mut(thread)
                {
                    // It will be known by the next time.
                    compared.unknown -= 1;
                }
            }
            if let Some(last) = replies.next_back().and_then(ShownMessage::ts) {
                // Slack may ask us to pause before the next page.
                item.remember(READ_POSITION_CALL, &last.as_str())?;
            }
        }
        match root {
            Some(root) => self.enqueue_missed_closes(thread, &root, asked).await,
            None => Ok(()),
        }
    }

    async fn find_card(
        &self,
        messages: &[ShownMessage],
        thread: &Thread,
    ) -> PipeResult<Option<ShownMessage>> {
        let found = messages.iter().find(|message| message.ts().as_ref() == Some(&thread.root));
        if let Some(found) = found {
            return Ok(Some(found.clone()));
        }
        Ok(find::fetch_message(&self.slack, &thread.channel, &thread.root, &thread.root).await?)
    }

    async fn load_read_position(&self, item: &Handling) -> PipeResult<Option<MessageTs>> {
        let ts: Option<String> = self.calls.recall(item, READ_POSITION_CALL).await?;
        Ok(ts.and_then(|ts| MessageTs::parse(&ts)))
    }

    async fn enqueue_message(
        &self,
        thread: &Thread,
        message: &ShownMessage,
    ) -> PipeResult<Accepted> {
        self.enqueue_missed(thread, missed::make_missed_message(thread, message)).await
    }

    /// Takes the claims that were made by a reaction of which we were not told, and the release of
    /// the holder who took it off.
    async fn enqueue_missed_claims(
        &self,
        ticket: &Ticket,
        thread: &Thread,
        root: &ShownMessage,
        asked: Timestamp,
    ) -> PipeResult<()> {
        let claim = self.claim_reaction.as_str();
        for (name, user) in root.reactions(claim) {
            let counts_as = Some(&thread.root);
            let put_on = MissedReaction { user, name, added: true, before: asked, counts_as };
            self.enqueue_if_missed(thread, &put_on).await?;
        }
        // A card that was deleted has lost all reactions, and nobody took them off.
        let holder = ticket.holder().filter(|_| !root.is_tombstone());
        let Some(holder) = holder else { return Ok(()) };
        let user = holder.user.as_str();
        let is_on = root.reactions(claim).any(|(_, other)| other == user);
        // Slack shortens long lists of people under a reaction, so that an absence proves nothing
        // there.
        if is_on || !root.names_all_who_reacted(claim) {
            return Ok(());
        }
        let (name, before) = (claim, asked);
        let taken_off = MissedReaction { user, name, added: false, before, counts_as: None };
        self.enqueue_if_missed(thread, &taken_off).await
    }

    /// Takes the ends that were asked for by a reaction of which we were not told.
    async fn enqueue_missed_closes(
        &self,
        thread: &Thread,
        root: &ShownMessage,
        asked: Timestamp,
    ) -> PipeResult<()> {
        for (name, user) in root.reactions(&self.close_reaction) {
            let before = asked;
            let put_on = MissedReaction { user, name, added: true, before, counts_as: None };
            self.enqueue_if_missed(thread, &put_on).await?;
        }
        Ok(())
    }

    async fn enqueue_if_missed(
        &self,
        thread: &Thread,
        reaction: &MissedReaction<'_>,
    ) -> PipeResult<()> {
        let who = (reaction.user, reaction.name);
        let (is_on, asked) = (reaction.added, reaction.before);
        if self.history.is_missed_reaction(thread, who, is_on, asked).await? {
            let event = missed::make_missed_reaction(thread, reaction);
            self.enqueue_missed(thread, event).await?;
        }
        Ok(())
    }

    async fn enqueue_missed(
        &self,
        thread: &Thread,
        event: Option<MissedEvent>,
    ) -> PipeResult<Accepted> {
        let Some(MissedEvent { key, body }) = event else { return Ok(Accepted::Repeat) };
        // The lane that the event would have come in; the store puts it into the ticket's own.
        let lane = Lane::Message(thread.channel.clone(), thread.root.clone());
        let now = self.calls.clock.now();
        let item = NewItem { source: Source::Slack, lane, key, body, received: now, due: now };
        let accepted = self.calls.store.accept(item).await?;
        if accepted == Accepted::New {
            tracing::warn!(slack.channel = %thread.channel, slack.ts = %thread.root,
                "something done in a thread had not come and was fetched");
        }
        Ok(accepted)
    }
}
