//! Posts to Slack: each once, at the pace that its channel allows, and tied to its ticket.

use crate::inbox::Handling;
use crate::slack::SlackBlock;
use crate::slack::find;
use crate::slack::last_words::LastWords;
use crate::slack::rich_text::{MENTION_SLOTS, Mention};
use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::handlers::calls::MAX_CLOCK_SKEW;
use crate::handlers::calls::{Calls, derive_delivery_id};
use crate::handlers::channel_pace::ChannelPace;
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::inbox::{DoubledPost, SecondPost};
use crate::locale::Texts;
use crate::model::{Agent, ChannelId, Failure, Fault, MessageTs, SlackUserId, Thread, Ticket};
use crate::slack;
use crate::slack::{Post, Posted, SlackClient, home, rich_text};
use crate::store::{self, Link, Role};
use crate::telemetry;

/// What the calls that post cards are named, up to the colon.
const CARD_CALLS: [&str; 3] = ["card", "elsewhere", "new-card"];

/// Something to be said in a thread.
pub(crate) struct ThreadPost {
    /// What notifications and screen readers say, which show no blocks.
    pub(crate) text: String,
    pub(crate) blocks: Vec<SlackBlock>,
    /// The name to say it under.
    pub(crate) author: Option<String>,
    /// What it is to the bridge.
    pub(crate) role: Role,
    /// The Blip messages that it shows.
    pub(crate) blip_ids: Vec<String>,
    /// Whose words it shows, where they went to the customer.
    pub(crate) user: Option<SlackUserId>,
    /// Whether the whole channel sees it, and not its thread only.
    pub(crate) broadcast: bool,
    /// Where it comes from, if not from the event that is handled.
    pub(crate) origin: Option<PostOrigin>,
}

/// An event for which something is posted by a job.
#[derive(Clone, Debug)]
pub(crate) struct PostOrigin {
    /// What the post can be found by.
    pub(crate) delivery: String,
    /// When the event arrived, if it may have been posted for it before without that being on record.
    pub(crate) in_doubt_since: Option<Timestamp>,
}

impl ThreadPost {
    /// A line of the bridge's own.
    pub(crate) fn from_line(text: &str) -> Self {
        let (text, block) = rich_text::to_literal_post(text);
        Self {
            text,
            blocks: vec![block],
            author: None,
            role: Role::Note,
            blip_ids: Vec::new(),
            user: None,
            broadcast: false,
            origin: None,
        }
    }

    /// A line of the bridge's own that begins with a mention.
    pub(crate) fn with_mention(mention: &Mention, line: &str) -> Self {
        let (text, block) = rich_text::to_mention_post(mention, line);
        Self { text, blocks: vec![block], ..Self::from_line(line) }
    }

    /// A line of the bridge's own in which some of the variables are mentions.
    pub(crate) fn from_text(
        texts: &Texts,
        key: &str,
        args: &[(&str, &str)],
        mentions: &[(&str, &Mention)],
    ) -> Self {
        Self::for_group(None, texts, (key, args), mentions)
    }

    /// The same, with a mention of the group that is to hear of it, if any, behind the picture with
    /// which the line begins.
    pub(crate) fn for_group(
        group: Option<&Mention>,
        texts: &Texts,
        (key, args): (&str, &[(&str, &str)]),
        mentions: &[(&str, &Mention)],
    ) -> Self {
        let slots = MENTION_SLOTS.map(String::from);
        let args: Vec<(&str, String)> =
            // What comes from outside and has such a sign would be taken for a mention of somebody.
            args.iter().map(|(name, value)| (*name, value.replace(MENTION_SLOTS, ""))).collect();
        let plain = args.iter().map(|(name, value)| (*name, value.as_str()));
        let mentioned = mentions.iter().zip(&slots).map(|((name, _), slot)| (*name, slot.as_str()));
        let mut line = texts.text(key, &plain.chain(mentioned).collect::<Vec<_>>());
        let mut called: Vec<&Mention> = mentions.iter().map(|(_, mention)| *mention).collect();
        if let (Some(group), Some(slot)) = (group, slots.get(called.len())) {
            let (picture, rest) = line.split_once(' ').unwrap_or(("", &line));
            line = format!("{picture} {slot} {rest}");
            called.push(group);
        }
        let (text, block) = rich_text::to_post_with_mentions(&line, &called);
        Self { text, blocks: vec![block], ..Self::from_line("") }
    }

    /// A line of the bridge's own that begins with a mention of whom it concerns, if anybody.
    pub(crate) fn for_agent(agent: Option<&Agent>, line: &str) -> Self {
        match agent {
            Some(agent) => Self::with_mention(&Mention::User(agent.user.clone()), line),
            None => Self::from_line(line),
        }
    }
}

impl Posted {
    pub(crate) fn to_thread(&self) -> Option<Thread> {
        let channel = ChannelId::parse(&self.channel)?;
        Some(Thread { channel, root: MessageTs::parse(&self.ts)? })
    }
}

/// Posts messages, each once. What waits until a channel takes a post (`docs/pacing.md`) is
/// [`Posts::post_to_channel`] and whoever has called [`Posts::wait_for_post_slot`] before.
pub(crate) struct Posts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    /// For the home tabs of who answers.
    pub(crate) last_words: Arc<LastWords>,
    pub(crate) pace: ChannelPace,
}

impl Posts {
    pub(crate) async fn post_to_thread(
        &self,
        item: &Handling,
        step: &str,
        thread: &Thread,
        post: &ThreadPost,
    ) -> Result<Posted, CallError<slack::Error>> {
        let is_by_customer = post.role == Role::Customer;
        let (delivery, since) = match &post.origin {
            Some(origin) => (origin.delivery.clone(), origin.in_doubt_since),
            None => (derive_delivery_id(item, step), None),
        };
        let post = Post {
            channel: thread.channel.to_string(),
            thread: Some(thread.root.clone()),
            text: post.text.clone(),
            blocks: post.blocks.clone(),
            author: post.author.clone(),
            broadcast: post.broadcast,
            delivery,
        };
        let posted = self.post_once(item, step, &thread.channel, (&post, since)).await?;
        if is_by_customer {
            self.last_words.note(thread, &post.text);
        }
        Ok(posted)
    }

    /// Says something of the bridge's own in a channel, outside of any thread.
    pub(crate) async fn post_to_channel(
        &self,
        item: &Handling,
        channel: &ChannelId,
        step: &str,
        post: ThreadPost,
    ) -> PipeResult<()> {
        self.wait_for_post_slot(item, channel).await?;
        let post = Post {
            channel: channel.to_string(),
            thread: None,
            text: post.text,
            blocks: post.blocks,
            author: None,
            broadcast: false,
            delivery: derive_delivery_id(item, step),
        };
        Ok(self.post_once(item, step, channel, (&post, None)).await.map(drop)?)
    }

    /// Posts a message once, which may be there since the given time. Waits for no slot: that was done
    /// before.
    pub(crate) async fn post_once(
        &self,
        item: &Handling,
        step: &str,
        channel: &ChannelId,
        (post, since): (&Post, Option<Timestamp>),
    ) -> Result<Posted, CallError<slack::Error>> {
        let look = find::find_or_take_back_post(
            &self.slack,
            channel.as_str(),
            post.thread.as_ref(),
            &post.delivery,
            since.unwrap_or(item.received).min(item.received) - MAX_CLOCK_SKEW,
        );
        let send = async {
            self.pace.note_sending(channel, self.calls.clock.now());
            let posted = self.slack.post_message(post).await;
            self.pace.note_answer(channel, self.calls.clock.now());
            if let Ok(Some(place)) = posted.as_ref().map(Posted::to_thread) {
                item.note_made_post(to_doubled_post((item, step), post, place));
            }
            posted
        };
        let posted = self.calls.call_after(item, step, (Some(channel), since), look, send).await;
        if let Err(CallError::Call(error)) = &posted
            && let Fault::Busy { after: Some(after) } = error.to_fault()
        {
            let now = self.calls.clock.now();
            self.pace.note_refusal(channel, now + after);
            self.hold_channel(item, channel, now + after).await?;
        }
        posted
    }

    async fn hold_channel(
        &self,
        item: &Handling,
        channel: &ChannelId,
        until: Timestamp,
    ) -> store::Result<()> {
        let now = self.calls.clock.now();
        self.calls.store.hold_channel(item.id, channel, self.pace.rate, until, now).await
    }

    /// Waits until a channel takes a post of this lane: ends the handling of the item till then.
    pub(crate) async fn wait_for_post_slot(
        &self,
        item: &Handling,
        channel: &ChannelId,
    ) -> PipeResult<()> {
        let now = self.calls.clock.now();
        if !self.pace.takes_slots(channel, now) {
            return Ok(());
        }
        // By lane and not by item: a lane that waits keeps its place in the channel's row,
        // whichever of its items is first by then.
        let at = self.calls.store.take_slot(&item.lane, channel, self.pace.rate, now).await?;
        if at > now {
            telemetry::record_pace_wait(at.duration_since(now).unsigned_abs());
            return Err(Interrupt::Wait(at));
        }
        // The store's slots are shared by all instances. Only this one knows that a post has left
        // late or was answered late, which puts off the whole row (`docs/pacing.md`).
        if let Err(at) = self.pace.take_slot(channel, now) {
            self.hold_channel(item, channel, at).await?;
            return Err(Interrupt::Wait(at));
        }
        Ok(())
    }

    /// Ties a message of ours to a ticket, and to the Blip messages that it shows.
    pub(crate) async fn link_post(
        &self,
        item: &Handling,
        ticket: &Ticket,
        (role, user): (Role, Option<&SlackUserId>),
        blip_ids: &[String],
        posted: &Posted,
    ) -> PipeResult<MessageTs> {
        let thread =
            posted.to_thread().ok_or_else(|| Interrupt::broken("slack named no message"))?;
        // A line of our own shows no message of Blip's and is linked all the same: a reaction on it
        // has to find its ticket.
        let mut ids = blip_ids.iter().map(|id| Some(id.clone())).collect::<Vec<_>>();
        if ids.is_empty() {
            ids.push(None);
        }
        let links = ids.into_iter().map(|blip_id| {
            let link = Link {
                ticket: ticket.id.clone(),
                channel: thread.channel.clone(),
                ts: thread.root.clone(),
                role,
                blip_id,
                user: user.cloned(),
            };
            self.calls.link_message(item, link, ticket.opened)
        });
        // Handed to the store together, so that they share a commit.
        try_join_all(links).await?;
        Ok(thread.root)
    }

    /// Shows something about a ticket to one person, as far as Slack manages: in its thread or, as
    /// Slack shows it to nobody in a thread without replies (`slack.md` C.1), in the channel. One
    /// reply may be `gone`.
    ///
    /// Nothing that matters is said in this way only: Slack does not promise to show it.
    pub(crate) async fn post_ephemeral(
        &self,
        item: &Handling,
        ticket: &Ticket,
        user: &SlackUserId,
        gone: Option<&MessageTs>,
        (text, blocks): (&str, &[SlackBlock]),
    ) {
        let Some(thread) = &ticket.thread else { return };
        let (channel, root) = (&thread.channel, &thread.root);
        let has_replies =
            async { self.calls.read(item).await?.has_replies(&ticket.id, thread, gone).await };
        let told = if let Ok(false) = has_replies.await {
            let address = self.slack.thread_url(thread);
            let (text, blocks) = home::add_ticket_title(ticket, address.as_deref(), (text, blocks));
            self.slack.post_ephemeral(channel, None, user, &text, &blocks).await
        } else {
            self.slack.post_ephemeral(channel, Some(root), user, text, blocks).await
        };
        if let Err(error) = told {
            tracing::warn!(%error, "a person could not be told something");
        }
    }
}

/// What is taken back if others have posted the same as well.
fn to_doubled_post((item, step): (&Handling, &str), post: &Post, place: Thread) -> DoubledPost {
    DoubledPost {
        channel: place.channel,
        root: post.thread.clone(),
        post: SecondPost::Message {
            ts: place.root,
            delivery: post.delivery.clone(),
            is_named: post.author.is_some(),
            is_card: CARD_CALLS.iter().any(|call| step.split(':').next() == Some(call)),
        },
        since: (item.received - MAX_CLOCK_SKEW).as_millisecond(),
        lane: item.lane.clone(),
        key: item.key.clone(),
    }
}
