//! The thread of a ticket: its card, what is said in it, and a new one when it is lost.
//!
//! Invariant: only in its lane towards Slack does a ticket get a new thread, so it gets one for each
//! that is lost (`two_who_find_a_thread_lost_at_the_same_time_make_one_new_one`). Whoever finds it lost
//! in another lane asks for that by a job, and waits.

use crate::slack::SlackBlock;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::handlers::calls::{Calls, MAX_CLOCK_SKEW, derive_delivery_id};
use crate::handlers::channels::{Channels, LOST_CHANNEL_PAUSE};
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::handlers::posts::{Posts, ThreadPost};
use crate::inbox::{CardJob, Handling, ThreadJob};
use crate::locale::Texts;
use crate::model::{
    BotName, Button, ChannelId, Content, Fault, MessageTs, SlackUserId, Thread, Ticket,
    TicketEnding, TicketId, TicketState,
};
use crate::slack;
use crate::slack::card::{RelatedTicket, RelatedTickets};
use crate::slack::rich_text::Mention;
use crate::slack::{Post, SlackClient, bounds, card, ids, offers, render};
use crate::store::{DrawnCard, Lane, Link, Role, Source};

/// When it is looked again whether a ticket has a new thread. Each look is a post that may have to
/// be taken back.
pub(crate) const NEW_THREAD_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// How long a ticket's card waits at most for what the thread is still to be told of the ticket before.
const MAX_LINES_WAIT: SignedDuration = SignedDuration::from_secs(10);
/// How soon it looks again.
const LINES_PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// How many of a customer's latest tickets are looked at for one that came before.
pub(crate) const PREVIOUS_TICKETS_SEARCHED: u32 = 5;

/// Why a ticket gets a new card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadLoss {
    Thread,
    Channel,
}

impl ThreadLoss {
    /// What an error says is lost, if anything.
    pub(crate) fn from_error(error: &slack::Error) -> Option<Self> {
        match () {
            () if error.is_message_gone() => Some(Self::Thread),
            () if error.is_channel_lost() => Some(Self::Channel),
            () => None,
        }
    }
}

/// Keeps tickets in their threads.
pub(crate) struct Threads {
    pub(crate) calls: Arc<Calls>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
    /// The bots for which templates of WhatsApp can be sent.
    pub(crate) template_bots: HashSet<BotName>,
    /// Whether tickets can be put on standby.
    pub(crate) offers_standby: bool,
}

impl Threads {
    /// Whether templates of WhatsApp can be sent to the customer of a ticket.
    pub(crate) fn offers_templates(&self, ticket: &Ticket) -> bool {
        self.template_bots.contains(ticket.id.bot())
            && ticket.customer.whatsapp_identity().is_some()
            && !ticket.is_closed()
    }

    /// Takes the button for templates off the lines that offered one, as one was sent: another would
    /// have to be paid for, too, and is in the card's menu. Best effort.
    pub(crate) async fn withdraw_template_offers(&self, ticket: &Ticket) {
        let Some(thread) = &ticket.thread else { return };
        // Lines that offer one came after the customer's last words.
        let since = MessageTs::from_time(ticket.heard.unwrap_or(ticket.opened) - MAX_CLOCK_SKEW);
        if let Err(error) = offers::withdraw_button(
            &self.slack,
            thread,
            &since,
            ids::button_name(&Button::Template),
        )
        .await
        {
            tracing::info!(%error, "a line still offers a template");
        }
    }

    /// Posts a ticket's card, which starts its thread, with what the customer said to begin with.
    /// What does not fit onto the card follows at once.
    pub(crate) async fn post_card(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<()> {
        let rest = self.keep_words_of_card(item, ticket, first_words).await?;
        let channel = self.channels.find_own_channel(ticket).await?;
        self.post_card_or_fall_back(item, ticket, channel, "card").await?;
        self.post_rest_of_words(item, ticket, &rest).await?;
        // Last, because a ticket that is known is not new any more.
        Ok(self.calls.put_ticket(item, ticket).await?)
    }

    /// Keeps for the card what it has room for of what the customer said to begin with; answers with the
    /// rest.
    async fn keep_words_of_card(
        &self,
        item: &Handling,
        ticket: &Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<Vec<String>> {
        let text = first_words.and_then(|content| render::render_content(content, &self.texts));
        let Some(text) = text else { return Ok(Vec::new()) };
        let mut parts =
            render::split_into_posts(&bounds::limit_text(&text, &self.texts), None).into_iter();
        if let Some(first) = parts.next() {
            self.calls.keep_first_words(item, &ticket.id, &first).await?;
        }
        Ok(parts.collect())
    }

    /// Posts what the card has no room for, under the customer's name.
    async fn post_rest_of_words(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        rest: &[String],
    ) -> PipeResult<()> {
        let author = render::author_name(&ticket.customer, &self.texts);
        for (number, part) in rest.iter().enumerate() {
            let part =
                if self.slack.has_author_names() { part } else { &format!("{author}: {part}") };
            let author = Some(author.clone());
            let post = ThreadPost { role: Role::Customer, author, ..ThreadPost::from_line(part) };
            self.post_to_ticket(item, &format!("first:{number}"), ticket, &post).await?;
        }
        Ok(())
    }

    /// Posts a card where it belongs or, if that is not possible, where tickets go that have no
    /// channel, and says so.
    async fn post_card_or_fall_back(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        channel: Option<ChannelId>,
        step: &str,
    ) -> PipeResult<()> {
        let at_home = format!("elsewhere:{step}");
        // Once it was posted there, it stays there, even if its own channel is back by now.
        let is_there = self.calls.read_earlier_steps(item).await?.has(&at_home);
        if let Some(channel) = channel.as_ref().filter(|_| !is_there)
            && self.post_card_in(item, ticket, channel, step).await?
        {
            return Ok(());
        }
        let home = self.channels.resolve_default_channel().await?;
        if Some(&home) == channel.as_ref()
            || !self.post_card_in(item, ticket, &home, &at_home).await?
        {
            return Err(self.channels.no_channel_interrupt());
        }
        tracing::warn!("a ticket's card is in the channel for all others");
        let why = self.texts.text("card-elsewhere", &[]);
        if let Some(thread) = ticket.thread.clone() {
            self.posts
                .post_to_thread(
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
        item: &Handling,
        ticket: &mut Ticket,
        channel: &ChannelId,
        step: &str,
    ) -> PipeResult<bool> {
        let first_words = self.calls.read(item).await?.first_words(&ticket.id).await?;
        let around = self.find_related_tickets(item, ticket).await?;
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
        let posted = match self.posts.post_once(item, step, channel, (&post, None)).await {
            Err(CallError::Call(error)) if error.is_channel_lost() => {
                tracing::error!(slack.channel = %channel, %error,
                    "a channel for tickets cannot be posted to; invite the app, or mend the setting");
                self.channels.forget_channel(channel);
                return Ok(false);
            }
            posted => posted?,
        };
        let thread =
            posted.to_thread().ok_or_else(|| Interrupt::broken("slack named no message"))?;
        self.calls.link_message(item, Link::of_card(&ticket.id, &thread), ticket.opened).await?;
        // One that was posted by an earlier run may look otherwise.
        if !item.has_begun_calls {
            let drawn = describe_card(ticket, &thread, &post.text, &post.blocks);
            self.calls.keep_drawn_card(item, &ticket.id, Some(drawn)).await?;
        }
        // What people do about the card waits for it in other lanes.
        self.calls.write_gathered(item).await?;
        ticket.thread = Some(thread);
        Ok(true)
    }

    /// What the card of a ticket shows of other tickets and of the settings.
    pub(crate) async fn find_related_tickets(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> PipeResult<RelatedTickets> {
        let id = &ticket.id;
        let before = self.find_predecessor(item, ticket).await?;
        let after = match (&ticket.state, ticket.number) {
            (TicketState::Closed { ending: TicketEnding::Transferred, .. }, Some(number)) => {
                self.calls.read(item).await?.ticket_after(id.bot(), number).await?
            }
            _ => None,
        };
        let customer = &ticket.customer.identity;
        let earlier = match (&before, customer.as_str()) {
            (None, customer) if !customer.is_empty() => {
                let others = self
                    .calls
                    .read(item)
                    .await?
                    .tickets_of(customer, id, PREVIOUS_TICKETS_SEARCHED)
                    .await?;
                let mut others = others.into_iter();
                others.find(|other| {
                    other.opened <= ticket.opened && other.id.active_target().is_none()
                })
            }
            _ => None,
        };
        let neighbour = |other: Option<Ticket>| {
            let other = other.filter(|other| other.thread.is_some())?;
            let elsewhere = other.thread.as_ref().filter(|_| other.thread != ticket.thread);
            let address = elsewhere.and_then(|thread| self.slack.thread_url(thread));
            Some(RelatedTicket { ticket: other, address })
        };
        Ok(RelatedTickets {
            before: neighbour(before),
            after: neighbour(after),
            earlier: neighbour(earlier),
            now: self.calls.clock.now(),
            offers_templates: self.offers_templates(ticket),
            offers_standby: self.offers_standby,
        })
    }

    /// The ticket from which this one was transferred, if we know it and it has a thread.
    pub(crate) async fn find_predecessor(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> PipeResult<Option<Ticket>> {
        let Some(number) = ticket.parent else { return Ok(None) };
        let before = self.calls.read(item).await?.ticket_by_number(ticket.id.bot(), number).await?;
        Ok(before.filter(|before| before.thread.is_some() && before.id != ticket.id))
    }

    /// Goes on in the thread of the ticket before, if that is in the channel of this one.
    ///
    /// What was said about the thread's root belongs to this ticket from now on, the card shows
    /// it, and everybody in the channel is told that somebody waits.
    pub(crate) async fn continue_thread(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> PipeResult<bool> {
        let Some(before) = self.find_predecessor(item, ticket).await? else { return Ok(false) };
        let Some(thread) = before.thread else { return Ok(false) };
        if self.channels.resolve_ticket_channel(ticket).await? != thread.channel {
            return Ok(false);
        }
        self.wait_for_lines(item, &before.id).await?;
        // They stand nowhere but on the card, which shows this ticket from now on.
        if let Some(first_words) = self.calls.read(item).await?.first_words(&before.id).await? {
            self.calls.keep_first_words(item, &ticket.id, &first_words).await?;
        }
        self.go_on_in(item, ticket, thread, (None, &[])).await?;
        Ok(true)
    }

    /// Waits until the thread was told what it is to be told of a ticket: who handed it on stands above
    /// the ticket that follows, which has a lane of its own.
    async fn wait_for_lines(&self, item: &Handling, before: &TicketId) -> PipeResult<()> {
        let now = self.calls.clock.now();
        if item.has_begun_calls || now >= item.received + MAX_LINES_WAIT {
            return Ok(());
        }
        let (lane, keys) = (Lane::Ticket(before.clone()), ThreadJob::SAY_KEY_PREFIX);
        if self.calls.read(item).await?.has_waiting(&lane, Source::Internal, keys).await? {
            return Err(Interrupt::Wait(now + LINES_PAUSE));
        }
        Ok(())
    }

    /// Goes on in the thread of an active message to this customer that no ticket has joined yet, if it
    /// is in the channel of this ticket. The card shows the ticket from then on.
    pub(crate) async fn join_active_message(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<bool> {
        let Some(identity) = ticket.customer.whatsapp_identity().map(str::to_owned) else {
            return Ok(false);
        };
        let searched = PREVIOUS_TICKETS_SEARCHED;
        let others =
            self.calls.read(item).await?.tickets_of(&identity, &ticket.id, searched).await?;
        let active = others.into_iter().find(|other| other.id.active_target().is_some());
        let Some((active, thread)) = active.and_then(|it| Some((it.id, it.thread?))) else {
            return Ok(false);
        };
        let card = self.calls.find_link(item, &thread.channel, &thread.root).await?;
        // This very ticket, if an earlier try came that far.
        let is_free = card.is_some_and(|it| it.ticket == active || it.ticket == ticket.id);
        if !is_free || self.channels.resolve_ticket_channel(ticket).await? != thread.channel {
            return Ok(false);
        }
        let sender = self.find_active_sender(item, &active).await?;
        let rest = self.keep_words_of_card(item, ticket, first_words).await?;
        self.go_on_in(item, ticket, thread, (sender, &rest)).await?;
        Ok(true)
    }

    /// Who sent an active message: they wait for its answer, and follow no thread that our post began.
    async fn find_active_sender(
        &self,
        item: &Handling,
        active: &TicketId,
    ) -> PipeResult<Option<SlackUserId>> {
        let store = self.calls.read(item).await?;
        for message in store.blip_ids_of(active).await? {
            let links = store.links_of(active, &message).await?;
            if let Some(user) = links.into_iter().find_map(|link| link.user) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Has a ticket go on in a thread that was another one's, with what its card has no room for of the
    /// customer's first words. Who sent what the customer answers is mentioned.
    async fn go_on_in(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        thread: Thread,
        (sender, rest): (Option<SlackUserId>, &[String]),
    ) -> PipeResult<()> {
        self.calls.link_message(item, Link::of_card(&ticket.id, &thread), ticket.opened).await?;
        ticket.thread = Some(thread);
        let line = card::continuation_line(ticket, &self.texts);
        let post = match sender {
            Some(user) => ThreadPost::with_mention(&Mention::User(user), &line),
            None => ThreadPost::from_line(&line),
        };
        let post = ThreadPost { broadcast: true, ..post };
        self.post_to_ticket(item, "goes-on", ticket, &post).await?;
        self.post_rest_of_words(item, ticket, rest).await?;
        self.calls.put_ticket(item, ticket).await?;
        Ok(self
            .calls
            .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
            .await?)
    }

    /// Says something in a ticket's thread. If that is lost, it is said in a new one: at once in the
    /// lane that may make it, else when it is there.
    pub(crate) async fn post_to_ticket(
        &self,
        item: &Handling,
        step: &str,
        ticket: &mut Ticket,
        post: &ThreadPost,
    ) -> PipeResult<MessageTs> {
        let Some(thread) = ticket.thread.clone() else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        let posted = self.posts.post_to_thread(item, step, &thread, post).await;
        match &posted {
            Err(CallError::Call(error)) if let Some(lost) = ThreadLoss::from_error(error) => {
                if !matches!(Lane::parse(&item.lane), Some(Lane::Ticket(_))) {
                    return Err(self.wait_for_new_thread(item, &ticket.id, &thread, lost).await?);
                }
                self.move_thread(item, ticket, &thread, lost).await?;
            }
            _ => {
                let what = (post.role, post.user.as_ref());
                return self.posts.link_post(item, ticket, what, &post.blip_ids, &posted?).await;
            }
        }
        let Some(thread) = ticket.thread.clone() else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        let posted = match self.posts.post_to_thread(item, step, &thread, post).await {
            // Lost as well, already: it gets another one, after a pause that grows.
            Err(CallError::Call(error)) if ThreadLoss::from_error(&error).is_some() => {
                return Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() });
            }
            posted => posted?,
        };
        let what = (post.role, post.user.as_ref());
        self.posts.link_post(item, ticket, what, &post.blip_ids, &posted).await
    }

    /// Waits for the slot of an item's lane to post where its ticket is or, before the card is posted,
    /// will be.
    pub(crate) async fn wait_for_slot(&self, item: &Handling, ticket: &Ticket) -> PipeResult<()> {
        let channel = self.channels.current_channel(ticket).await?;
        self.posts.wait_for_post_slot(item, &channel).await
    }

    /// Says something in a ticket's thread, if it has one, in a slot of its channel.
    pub(crate) async fn post_when_due(
        &self,
        item: &Handling,
        step: &str,
        ticket: &mut Ticket,
        post: &ThreadPost,
    ) -> PipeResult<()> {
        if ticket.thread.is_none() {
            return Ok(());
        }
        self.wait_for_slot(item, ticket).await?;
        self.post_to_ticket(item, step, ticket, post).await.map(drop)
    }

    /// Says something in a ticket's thread from another lane than the ticket's. If the thread is
    /// lost, it is said once the ticket has a new one.
    pub(crate) async fn post_from_job(
        &self,
        item: &Handling,
        step: &str,
        ticket: &Ticket,
        post: &ThreadPost,
    ) -> PipeResult<()> {
        let Some(thread) = &ticket.thread else {
            return Err(Interrupt::broken(format!("ticket {} has no thread", ticket.id)));
        };
        self.posts.wait_for_post_slot(item, &thread.channel).await?;
        let posted = self.posts.post_to_thread(item, step, thread, post).await;
        if let Err(CallError::Call(error)) = &posted
            && let Some(lost) = ThreadLoss::from_error(error)
        {
            return Err(self.wait_for_new_thread(item, &ticket.id, thread, lost).await?);
        }
        let what = (post.role, post.user.as_ref());
        self.posts.link_post(item, ticket, what, &post.blip_ids, &posted?).await.map(drop)
    }

    /// What another lane than the ticket's does about a lost thread: it waits until the ticket's own
    /// has made a new one.
    pub(crate) async fn wait_for_new_thread(
        &self,
        item: &Handling,
        ticket: &TicketId,
        thread: &Thread,
        lost: ThreadLoss,
    ) -> PipeResult<Interrupt> {
        let (now, with_channel) = (self.calls.clock.now(), lost == ThreadLoss::Channel);
        self.calls
            .enqueue_item(item, ThreadJob::move_thread(ticket, thread, with_channel, now))
            .await?;
        let pause = if with_channel { LOST_CHANNEL_PAUSE } else { NEW_THREAD_PAUSE };
        Ok(Interrupt::Wait(now + pause))
    }

    /// Gives a ticket a new thread if its last one is the one that was found to be lost.
    pub(crate) async fn replace_lost_thread(
        &self,
        item: &Handling,
        id: &TicketId,
        root: &MessageTs,
        lost: ThreadLoss,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone().filter(|thread| thread.root == *root) else {
            return Ok(());
        };
        if self.find_new_channel(&thread, lost).await?.is_none() {
            // Who found it lost tries again, and may find it back.
            self.channels.note_default_channel(false);
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
        self.channels.forget_channel(&old.channel);
        let home = self.channels.resolve_default_channel().await?;
        Ok((home != old.channel).then_some(home))
    }

    /// Makes a new card where tickets can go, which says why, once for each lost thread.
    pub(crate) async fn move_thread(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        old: &Thread,
        lost: ThreadLoss,
    ) -> PipeResult<()> {
        let step = format!("new-card:{}", old.root);
        let channel = self
            .find_new_channel(old, lost)
            .await?
            .ok_or_else(|| self.channels.no_channel_interrupt())?;
        tracing::warn!(slack.channel = %old.channel, slack.ts = %old.root,
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
            match self
                .posts
                .post_to_thread(item, &step, &thread, &ThreadPost::from_line(&why))
                .await
            {
                // Lost already, too: whoever says something next finds that out.
                Err(CallError::Call(error)) if ThreadLoss::from_error(&error).is_some() => {}
                said => drop(said?),
            }
        }
        Ok(self.calls.put_ticket(item, ticket).await?)
    }

    /// Says something of the bridge's own in the channel for tickets, outside of any thread.
    pub(crate) async fn post_to_default_channel(
        &self,
        item: &Handling,
        step: &str,
        post: ThreadPost,
    ) -> PipeResult<()> {
        let channel = self.channels.resolve_default_channel().await?;
        self.posts.post_to_channel(item, &channel, step, post).await
    }
}

/// What a card shows, in short. Another release of the compiler may give another hash: then cards
/// are drawn once more.
pub(crate) fn describe_card(
    ticket: &Ticket,
    thread: &Thread,
    text: &str,
    blocks: &[SlackBlock],
) -> DrawnCard {
    let mut hasher = DefaultHasher::new();
    (thread.root.as_str(), text, slack::describe_look(blocks)).hash(&mut hasher);
    DrawnCard { revision: ticket.revision, look: hasher.finish().cast_signed() }
}
