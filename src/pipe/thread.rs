//! Posting into a ticket's thread, and making a new one when it is lost.
//!
//! Invariant: only in its own lane does a ticket get a new thread, so it gets one for each that is
//! lost (`two_who_find_a_thread_lost_at_the_same_time_make_one_new_one`).

use jiff::{SignedDuration, Timestamp};

use super::jobs::describe_card;
use super::{Bridge, CallError, Interrupt, PipeResult, derive_delivery_id};
use crate::inbox::Job;
use crate::model::{
    ChannelId, ChannelRef, Content, Failure, Fault, MessageTs, SlackUserId, Thread, Ticket,
    TicketEnding, TicketId, TicketState,
};
use crate::slack::card::{RelatedTicket, RelatedTickets};
use crate::slack::rich_text::Mention;
use crate::slack::{self, Post, Posted, SlackBlock, bounds, card, home, render, rich_text};
use crate::slack::{directory, find};
use crate::store::{Item, Lane, Link, Role};

/// How far before the event a look at Slack begins, so that clocks may differ.
pub(super) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(300);
/// How long an unusable channel is left alone; it recovers by itself once somebody has mended it.
const LOST_CHANNEL_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How many of a customer's latest tickets are looked at for one that came before.
const PREVIOUS_TICKETS_SEARCHED: u32 = 5;
/// When it is looked again whether a ticket has a new thread. Each look is a post that may have to
/// be taken back.
const NEW_THREAD_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// Something to be said in a thread.
pub(super) struct ThreadPost {
    /// What notifications say.
    pub(crate) text: String,
    /// What is shown.
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
        }
    }

    /// A line of the bridge's own that begins with a mention.
    pub(crate) fn with_mention(mention: &Mention, line: &str) -> Self {
        let (text, block) = rich_text::to_mention_post(mention, line);
        Self { text, blocks: vec![block], ..Self::from_line(line) }
    }
}

/// Why a ticket gets a new card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThreadLoss {
    Thread,
    Channel,
}

impl ThreadLoss {
    /// What an error says is lost, if anything.
    pub(super) fn from_error(error: &slack::Error) -> Option<Self> {
        match () {
            () if error.is_message_gone() => Some(Self::Thread),
            () if error.is_channel_lost() => Some(Self::Channel),
            () => None,
        }
    }
}

impl Bridge {
    /// Posts a ticket's card, which starts its thread, with what the customer said to begin with.
    /// What does not fit onto the card follows at once.
    pub(super) async fn post_card(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<()> {
        let text = first_words.and_then(|content| render::render_content(content, &self.texts));
        let text = text.map(|text| bounds::limit_text(&text, &self.texts));
        let parts = text.map(|text| render::split_into_posts(&text, None)).unwrap_or_default();
        let (first, rest) = match parts.split_first() {
            Some((first, rest)) => (Some(first.as_str()), rest),
            None => (None, [].as_slice()),
        };
        if let Some(first) = first {
            self.store.keep_first_words(&ticket.id, first).await?;
        }
        let channel = self.find_own_channel(ticket).await?;
        self.post_card_or_fall_back(item, ticket, channel, "card").await?;
        let author = render::author_name(&ticket.customer, &self.texts);
        for (number, part) in rest.iter().enumerate() {
            let part =
                if self.slack.has_author_names() { part } else { &format!("{author}: {part}") };
            let author = Some(author.clone());
            let post = ThreadPost { role: Role::Customer, author, ..ThreadPost::from_line(part) };
            self.post_to_ticket(item, &format!("first:{number}"), ticket, &post).await?;
        }
        // Last, because a ticket that is known is not new any more.
        Ok(self.store.put_ticket(ticket).await?)
    }

    /// Posts a card where it belongs or, if that is not possible, where tickets go that have no
    /// channel, and says so.
    async fn post_card_or_fall_back(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        channel: Option<ChannelId>,
        step: &str,
    ) -> PipeResult<()> {
        let at_home = format!("elsewhere:{step}");
        let steps = self.read_begun_calls(item).await?;
        // Once it was posted there, it stays there, even if its own channel is back by now.
        let is_there = steps.iter().any(|(name, _)| *name == at_home);
        if let Some(channel) = channel.as_ref().filter(|_| !is_there)
            && self.post_card_in(item, ticket, channel, step).await?
        {
            return Ok(());
        }
        let home = self.resolve_default_channel().await?;
        if Some(&home) == channel.as_ref()
            || !self.post_card_in(item, ticket, &home, &at_home).await?
        {
            return Err(self.no_channel_interrupt());
        }
        tracing::warn!(ticket.id = %ticket.id, "a ticket's card is in the channel for all others");
        let why = self.texts.text("card-elsewhere", &[]);
        if let Some(thread) = ticket.thread.clone() {
            self.post_to_thread(
                item,
                &format!("why-elsewhere:{step}"),
                &thread,
                &ThreadPost::from_line(&why),
            )
            .await?;
        }
        Ok(())
    }

    /// Posts a card; false if the channel cannot be posted to. The ticket is not written yet: what
    /// belongs to its card comes before that.
    async fn post_card_in(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        channel: &ChannelId,
        step: &str,
    ) -> PipeResult<bool> {
        let first_words = self.store.first_words(&ticket.id).await?;
        let around = self.find_related_tickets(ticket).await?;
        let (text, blocks) =
            card::render_card(ticket, first_words.as_deref(), &around, &self.texts);
        let post = Post {
            channel: channel.to_string(),
            thread: None,
            text,
            blocks,
            author: None,
            broadcast: false,
            delivery: derive_delivery_id(item, step),
        };
        let posted = match self.post_once(item, step, channel, &post).await {
            Err(CallError::Call(error)) if error.is_channel_lost() => {
                tracing::error!(ticket.id = %ticket.id, slack.channel = %channel, %error,
                    "a channel for tickets cannot be posted to; invite the app, or mend the setting");
                self.forget_channel(channel);
                return Ok(false);
            }
            posted => posted?,
        };
        let thread =
            posted.to_thread().ok_or_else(|| Interrupt::broken("slack named no message"))?;
        self.store.link_message(Link::of_card(&ticket.id, &thread), ticket.opened).await?;
        // One that was posted by an earlier run may look otherwise.
        if !item.has_begun_calls {
            let drawn = describe_card(ticket, &thread, &post.text, &post.blocks);
            self.store.keep_drawn_card(&ticket.id, Some(drawn)).await?;
        }
        ticket.thread = Some(thread);
        Ok(true)
    }

    /// What the card of a ticket shows of other tickets and of the settings.
    pub(super) async fn find_related_tickets(&self, ticket: &Ticket) -> PipeResult<RelatedTickets> {
        let id = &ticket.id;
        let before = self.find_predecessor(ticket).await?;
        let after = match (&ticket.state, ticket.number) {
            (TicketState::Closed { ending: TicketEnding::Transferred, .. }, Some(number)) => {
                self.store.ticket_after(id.bot(), number).await?
            }
            _ => None,
        };
        let customer = &ticket.customer.identity;
        let earlier = match (&before, customer.as_str()) {
            (None, customer) if !customer.is_empty() => {
                let others = self.store.tickets_of(customer, id, PREVIOUS_TICKETS_SEARCHED).await?;
                others.into_iter().find(|other| other.opened <= ticket.opened)
            }
            _ => None,
        };
        let neighbour = |other: Option<Ticket>| {
            let other = other.filter(|other| other.thread.is_some())?;
            let elsewhere = other.thread.as_ref().filter(|_| other.thread != ticket.thread);
            let address = elsewhere.and_then(|thread| self.slack.thread_url(thread));
            Some(RelatedTicket { ticket: other, address })
        };
        let team_channels = &self.rules.team_channels;
        let team = ticket.team.as_ref().filter(|_| !team_channels.is_empty());
        Ok(RelatedTickets {
            before: neighbour(before),
            after: neighbour(after),
            earlier: neighbour(earlier),
            is_team_elsewhere: team.is_some_and(|team| !team_channels.contains_key(team)),
            now: self.clock.now(),
        })
    }

    /// No channel is left to show tickets in: they wait.
    fn no_channel_interrupt(&self) -> Interrupt {
        self.note_default_channel(false);
        Interrupt::Wait(self.clock.now() + LOST_CHANNEL_PAUSE)
    }

    /// Says something in a ticket's thread; makes a new thread if the old one is lost.
    pub(super) async fn post_to_ticket(
        &self,
        item: &Item,
        step: &str,
        ticket: &mut Ticket,
        post: &ThreadPost,
    ) -> PipeResult<MessageTs> {
        let Some(thread) = ticket.thread.clone() else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        let posted = self.post_to_thread(item, step, &thread, post).await;
        match &posted {
            Err(CallError::Call(error)) if let Some(lost) = ThreadLoss::from_error(error) => {
                self.move_thread(item, ticket, &thread, lost).await?;
            }
            _ => {
                let what = (post.role, post.user.as_ref());
                return self.link_post(ticket, what, &post.blip_ids, &posted?).await;
            }
        }
        let Some(thread) = ticket.thread.clone() else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        let posted = match self.post_to_thread(item, step, &thread, post).await {
            // Lost as well, already: it gets another one, after a pause that grows.
            Err(CallError::Call(error)) if ThreadLoss::from_error(&error).is_some() => {
                return Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() });
            }
            posted => posted?,
        };
        let what = (post.role, post.user.as_ref());
        self.link_post(ticket, what, &post.blip_ids, &posted).await
    }

    /// Says something in a ticket's thread from another lane than the ticket's. If the thread is
    /// lost, it is said once the ticket has a new one.
    pub(super) async fn post_to_ticket_from_job(
        &self,
        item: &Item,
        step: &str,
        ticket: &Ticket,
        post: &ThreadPost,
    ) -> PipeResult<()> {
        let Some(thread) = &ticket.thread else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        let posted = self.post_to_thread(item, step, thread, post).await;
        if let Err(CallError::Call(error)) = &posted
            && let Some(lost) = ThreadLoss::from_error(error)
        {
            let (now, with_channel) = (self.clock.now(), lost == ThreadLoss::Channel);
            self.enqueue_item(Job::move_thread(&ticket.id, thread, with_channel, now)).await?;
            return Err(Interrupt::Wait(
                now + if with_channel { LOST_CHANNEL_PAUSE } else { NEW_THREAD_PAUSE },
            ));
        }
        let what = (post.role, post.user.as_ref());
        self.link_post(ticket, what, &post.blip_ids, &posted?).await.map(drop)
    }

    /// Gives a ticket a new thread if its last one is the one that was found to be lost.
    pub(super) async fn replace_lost_thread(
        &self,
        item: &Item,
        id: &TicketId,
        root: &str,
        lost: ThreadLoss,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.store.load_ticket(id).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone().filter(|thread| thread.root.as_str() == root)
        else {
            return Ok(());
        };
        if self.find_new_channel(&thread, lost).await?.is_none() {
            // Who found it lost tries again, and may find it back.
            self.note_default_channel(false);
            return Ok(());
        }
        self.move_thread(item, &mut ticket, &thread, lost).await
    }

    /// The channel for the new card of a ticket whose thread is lost. There is none if it was in
    /// the channel where all others go: it goes on in its old thread once that channel is back.
    async fn find_new_channel(
        &self,
        old: &Thread,
        lost: ThreadLoss,
    ) -> PipeResult<Option<ChannelId>> {
        if lost == ThreadLoss::Thread {
            return Ok(Some(old.channel.clone()));
        }
        self.forget_channel(&old.channel);
        let home = self.resolve_default_channel().await?;
        Ok((home != old.channel).then_some(home))
    }

    async fn post_to_thread(
        &self,
        item: &Item,
        step: &str,
        thread: &Thread,
        post: &ThreadPost,
    ) -> Result<Posted, CallError<slack::Error>> {
        let post = Post {
            channel: thread.channel.to_string(),
            thread: Some(thread.root.clone()),
            text: post.text.clone(),
            blocks: post.blocks.clone(),
            author: post.author.clone(),
            broadcast: post.broadcast,
            delivery: derive_delivery_id(item, step),
        };
        self.post_once(item, step, &thread.channel, &post).await
    }

    /// Ties a message of ours to a ticket, and to the Blip messages that it shows.
    pub(super) async fn link_post(
        &self,
        ticket: &Ticket,
        (role, user): (Role, Option<&SlackUserId>),
        blip_ids: &[String],
        posted: &Posted,
    ) -> PipeResult<MessageTs> {
        let thread =
            posted.to_thread().ok_or_else(|| Interrupt::broken("slack named no message"))?;
        let mut ids = blip_ids.iter().map(|id| Some(id.clone())).collect::<Vec<_>>();
        if ids.is_empty() {
            ids.push(None);
        }
        for blip_id in ids {
            let link = Link {
                ticket: ticket.id.clone(),
                channel: thread.channel.clone(),
                ts: thread.root.clone(),
                role,
                blip_id,
                user: user.cloned(),
            };
            self.store.link_message(link, ticket.opened).await?;
        }
        Ok(thread.root)
    }

    /// Makes a new card where tickets can go, which says why, once for each lost thread.
    pub(super) async fn move_thread(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        old: &Thread,
        lost: ThreadLoss,
    ) -> PipeResult<()> {
        let step = format!("new-card:{}", old.root);
        let channel =
            self.find_new_channel(old, lost).await?.ok_or_else(|| self.no_channel_interrupt())?;
        tracing::warn!(ticket.id = %ticket.id, slack.channel = %old.channel, slack.ts = %old.root,
            ?lost, "a ticket's thread is lost; it gets a new card");
        ticket.thread = None;
        self.post_card_or_fall_back(item, ticket, Some(channel), &step).await?;
        let why = self.texts.text(
            match lost {
                ThreadLoss::Thread => "thread-moved-deleted",
                ThreadLoss::Channel => "thread-moved-channel",
            },
            &[],
        );
        if let Some(thread) = ticket.thread.clone() {
            let step = format!("why-after:{}", old.root);
            match self.post_to_thread(item, &step, &thread, &ThreadPost::from_line(&why)).await {
                // Lost already, too: whoever says something next finds that out.
                Err(CallError::Call(error)) if ThreadLoss::from_error(&error).is_some() => {}
                said => drop(said?),
            }
        }
        Ok(self.store.put_ticket(ticket).await?)
    }

    /// Says something of the bridge's own in the channel for tickets, outside of any thread.
    pub(super) async fn post_to_default_channel(
        &self,
        item: &Item,
        lane: &str,
        step: &str,
        post: ThreadPost,
    ) -> PipeResult<()> {
        self.post_to_channel(item, lane, &self.resolve_default_channel().await?, step, post).await
    }

    /// Says something of the bridge's own in a channel, outside of any thread.
    pub(super) async fn post_to_channel(
        &self,
        item: &Item,
        lane: &str,
        channel: &ChannelId,
        step: &str,
        post: ThreadPost,
    ) -> PipeResult<()> {
        self.wait_for_post_slot(lane, channel).await?;
        let post = Post {
            channel: channel.to_string(),
            thread: None,
            text: post.text,
            blocks: post.blocks,
            author: None,
            broadcast: false,
            delivery: derive_delivery_id(item, step),
        };
        Ok(self.post_once(item, step, channel, &post).await.map(drop)?)
    }

    /// Posts a message once, when the channel's turn has come.
    async fn post_once(
        &self,
        item: &Item,
        step: &str,
        channel: &ChannelId,
        post: &Post,
    ) -> Result<Posted, CallError<slack::Error>> {
        let look = find::find_post(
            &self.slack,
            channel.as_str(),
            post.thread.as_ref(),
            &post.delivery,
            item.received - MAX_CLOCK_SKEW,
        );
        let posted =
            self.call_once(item, step, Some(channel), look, self.slack.post_message(post)).await;
        if let (Some(pace), Err(CallError::Call(error))) = (self.rules.pace, &posted)
            && let Fault::Busy { after: Some(after) } = error.to_fault()
        {
            let now = self.clock.now();
            self.store.hold_channel(item.id, channel, pace, now + after, now).await?;
        }
        posted
    }

    /// Waits for the turn of a lane to post to a channel.
    pub(super) async fn wait_for_post_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
    ) -> PipeResult<()> {
        let Some(pace) = self.rules.pace else { return Ok(()) };
        let now = self.clock.now();
        let at = self.store.take_slot(lane, channel, pace, now).await?;
        if at > now { Err(Interrupt::Wait(at)) } else { Ok(()) }
    }

    /// The channel in which a ticket belongs, or that for all others if it is lost.
    pub(super) async fn resolve_ticket_channel(&self, ticket: &Ticket) -> PipeResult<ChannelId> {
        match self.find_own_channel(ticket).await? {
            Some(channel) => Ok(channel),
            None => self.resolve_default_channel().await,
        }
    }

    /// The channel in which a ticket belongs; none if it is lost.
    async fn find_own_channel(&self, ticket: &Ticket) -> PipeResult<Option<ChannelId>> {
        let by_team = ticket.team.as_ref().and_then(|team| self.rules.team_channels.get(team));
        let by_bot = || self.rules.bot_channels.get(ticket.id.bot());
        let Some(configured) = by_team.or_else(by_bot) else {
            return Ok(Some(self.resolve_default_channel().await?));
        };
        match self.resolve_channel_id(configured).await {
            Err(error) if error.is_channel_lost() => {
                tracing::error!(ticket.id = %ticket.id, channel = %configured,
                    "there is no channel of this name, or the app is not in it; invite the app, or \
                    mend the setting");
                Ok(None)
            }
            found => Ok(Some(found?)),
        }
    }

    /// The channel for tickets that have no other, or whose own is lost.
    async fn resolve_default_channel(&self) -> PipeResult<ChannelId> {
        match self.resolve_channel_id(&self.rules.channel).await {
            Err(error) if error.is_channel_lost() => {
                tracing::error!(channel = %self.rules.channel,
                    "there is no channel of this name, or the app is not in it; mend \
                    SLACK_CHANNEL, the tickets are kept meanwhile");
                Err(self.no_channel_interrupt())
            }
            found => Ok(found?),
        }
    }

    /// The id of a configured channel.
    pub(super) async fn resolve_channel_id(
        &self,
        configured: &ChannelRef,
    ) -> Result<ChannelId, slack::Error> {
        let name = match configured {
            ChannelRef::Id(id) => return Ok(self.slack.renames().first_id(id)),
            ChannelRef::Name(name) => name,
        };
        let known = self.channel_ids.get(name).map(|id| id.clone());
        if let Some(id) = known {
            return Ok(id);
        }
        let id = directory::find_channel_by_name(&self.slack, name).await?;
        self.channel_ids.insert(name.clone(), id.clone());
        Ok(id)
    }

    /// Shows something about a ticket to one person, as far as Slack manages: in its thread or, as
    /// Slack shows it to nobody in a thread without replies (`slack.md` C.1), in the channel. One
    /// reply may be `gone`.
    ///
    /// Nothing that matters is said in this way only: Slack does not promise to show it.
    pub(super) async fn post_ephemeral(
        &self,
        ticket: &Ticket,
        user: &SlackUserId,
        gone: Option<&MessageTs>,
        (text, blocks): (&str, &[SlackBlock]),
    ) {
        let Some(thread) = &ticket.thread else { return };
        let (channel, root) = (&thread.channel, &thread.root);
        let told = if let Ok(false) = self.store.has_replies(&ticket.id, thread, gone).await {
            let address = self.slack.thread_url(thread);
            let (text, blocks) = home::add_ticket_title(ticket, address.as_deref(), (text, blocks));
            self.slack.post_ephemeral(channel, None, user, &text, &blocks).await
        } else {
            self.slack.post_ephemeral(channel, Some(root), user, text, blocks).await
        };
        if let Err(error) = told {
            tracing::warn!(ticket.id = %ticket.id, %error, "a person could not be told something");
        }
    }

    /// Whether a Slack message that we do not know may still become known, because a post to its
    /// channel was under way when the event arrived.
    pub(super) async fn may_become_known(
        &self,
        channel: &ChannelId,
        received: Timestamp,
    ) -> PipeResult<bool> {
        Ok(self.store.is_posting(channel, received).await?)
    }
}

impl Posted {
    fn to_thread(&self) -> Option<Thread> {
        let channel = ChannelId::parse(&self.channel)?;
        Some(Thread { channel, root: MessageTs::parse(&self.ts)? })
    }
}

/// The name of a ticket's lane.
pub(super) fn ticket_lane(ticket: &Ticket) -> String {
    Lane::Ticket(ticket.id.clone()).name()
}
