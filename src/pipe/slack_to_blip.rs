//! What people do in Slack, carried to Blip: replies, notes, reactions, buttons.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::moves::{Moved, Person};
use super::outgoing::{Forwards, Outgoing};
use super::thread::SKEW;
use super::{Bridge, Failed, Halt, IDS, Outcome, Step};
use crate::blip;
use crate::blip::text::Names;
use crate::inbox::{Chore, Ending as Settled, Handled};
use crate::model::reply::{Intent, Why};
use crate::model::{
    Agent, AgentMessage, ChannelId, Closing, Failure, Fault, Inline, MessageTs, Move, Rich,
    SlackEvent, SlackUserId, Ticket, TicketId, marks,
};
use crate::slack::{Standing, action, card, emoji, message, parse};
use crate::store::{Item, Lane, Link, NewItem, Role, Source};

/// How soon an event on an unknown message is matched again while a post is under way.
const SOON: Duration = Duration::from_millis(100);
/// The longest pause between two such matches.
const LATER: Duration = Duration::from_secs(10);

/// The step that keeps what a message was when it began to be sent.
const REREAD: &str = "reread";

/// A message that an agent wrote in a ticket's thread.
pub(super) struct Written<'a> {
    pub channel: &'a ChannelId,
    pub ts: &'a MessageTs,
    pub message: &'a AgentMessage,
    /// Which version of the message it is (`parse::version_name`): empty for the first.
    pub version: &'a str,
}

/// What a message is when its turn has come.
enum Now {
    /// What its event says.
    AsWritten,
    /// What Slack shows.
    Changed(Value),
    /// Nothing.
    Gone,
}

impl Written<'_> {
    /// The id under which a part of the message goes to Blip: the same whenever it is sent.
    pub(super) fn message_id(&self, part: &str) -> String {
        let name = format!("{}:{}:{}{part}", self.channel, self.ts, self.version);
        Uuid::new_v5(&IDS, name.as_bytes()).to_string()
    }

    /// Ties the message to a ticket, and to what it became at Blip.
    pub(super) fn link(
        &self,
        ticket: &Ticket,
        person: &Person,
        role: Role,
        blip_id: Option<String>,
    ) -> Link {
        Link {
            ticket: ticket.id.clone(),
            channel: self.channel.clone(),
            ts: self.ts.clone(),
            role,
            blip_id,
            user: Some(person.user.clone()),
        }
    }
}

/// The Slack message that an event is about, and the one by which its ticket is known if that
/// message is not.
fn place(event: &SlackEvent) -> Option<(&ChannelId, &MessageTs, &MessageTs)> {
    match event {
        SlackEvent::Message { channel, thread, .. }
        | SlackEvent::Oversized { channel, thread, .. } => Some((channel, thread, thread)),
        SlackEvent::Edited { channel, ts, thread, .. }
        | SlackEvent::Deleted { channel, ts, thread } => Some((channel, ts, thread)),
        SlackEvent::Reaction { channel, ts, .. } => Some((channel, ts, ts)),
        SlackEvent::Click(_)
        | SlackEvent::Filled(_)
        | SlackEvent::NotOurs
        | SlackEvent::Unknown { .. } => None,
    }
}

impl Bridge {
    /// Handles what Slack sent.
    pub(super) async fn on_slack(&self, lane: &str, item: &Item) -> Outcome {
        let Some(routed) = parse::stored(&item.body) else {
            return Ok(Handled::one(Settled::Ignored));
        };
        if let Some(Lane::Ticket(ticket)) = Lane::parse(lane)
            && self.is_after_gap(item, &ticket)
        {
            return Ok(Handled::one(Settled::Wait(self.clock.now() + SOON)));
        }
        match &routed.event {
            SlackEvent::Click(click) => {
                return self.on_click(lane, item, (click, routed.about.as_ref())).await;
            }
            SlackEvent::Filled(filled) => {
                self.on_filled(item, filled).await?;
                return Ok(Handled::one(Settled::Done));
            }
            SlackEvent::Message { .. }
            | SlackEvent::Oversized { .. }
            | SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Reaction { .. }
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => {}
        }
        let Some((channel, ts, thread)) = place(&routed.event) else {
            return Ok(Handled::one(Settled::Done));
        };
        let mut link = self.store.linked(channel, ts).await?;
        if link.is_none() && thread != ts {
            link = self.store.linked(channel, thread).await?;
        }
        let Some(link) = link else {
            return self.on_unknown_message(item, channel).await;
        };
        if Lane::Ticket(link.ticket.clone()).name() != lane {
            return self.follow(lane, item, link.ticket).await;
        }
        let Some(mut ticket) = self.store.ticket(&link.ticket).await? else {
            return Err(Halt::broken(format!("ticket {} is linked but not known", link.ticket)));
        };
        self.on_event(item, &mut ticket, &link, &routed.event).await?;
        Ok(Handled::one(Settled::Done))
    }

    /// An event is in another lane than that of its ticket: either its ticket became known just
    /// now, and the item has moved to the ticket's lane; or its thread belongs to the ticket that
    /// followed, and the event is for that one.
    async fn follow(&self, lane: &str, item: &Item, ticket: TicketId) -> Outcome {
        let now = self.clock.now();
        if let Some(Lane::Ticket(_)) = Lane::parse(lane) {
            let (lane, body) = (Lane::Ticket(ticket), item.body.clone());
            let key = format!("{}>{}", item.key, lane.name());
            let (source, received) = (item.source, item.received);
            self.set_out(NewItem { source, lane, key, body, received, due: now }).await?;
            return Ok(Handled::one(Settled::Done));
        }
        Ok(Handled::one(Settled::Wait(now)))
    }

    /// An event may overtake Slack's answer to our own post; then it is matched again.
    pub(super) async fn on_unknown_message(&self, item: &Item, channel: &ChannelId) -> Outcome {
        let wait = self.may_become_known(channel, item.received).await?;
        let now = self.clock.now();
        // The longer a post takes, the less it matters; once linked, the event moves on at once.
        let pause = now.duration_since(item.received).unsigned_abs() / 4;
        let ending =
            if wait { Settled::Wait(now + pause.clamp(SOON, LATER)) } else { Settled::Ignored };
        Ok(Handled::one(ending))
    }

    async fn on_event(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        link: &Link,
        event: &SlackEvent,
    ) -> Step<()> {
        if self.is_overtaken(item, event).await? {
            return Ok(());
        }
        match event {
            SlackEvent::Message { channel, ts, thread, user, message, version } => {
                let written = Written { channel, ts, message, version };
                match self.as_it_is(item, (channel, thread, ts)).await? {
                    Now::AsWritten => self.on_message(item, ticket, user, &written).await,
                    Now::Gone => Ok(()),
                    Now::Changed(now) => {
                        let (message, version) = (&message::read(&now), &parse::version_name(&now));
                        let written = Written { message, version, ..written };
                        self.on_message(item, ticket, user, &written).await
                    }
                }
            }
            SlackEvent::Oversized { channel, ts, user, .. } => {
                self.on_oversized(item, ticket, user, (channel, ts)).await
            }
            SlackEvent::Edited { channel, ts, thread, user, .. } if link.role.is_sent() => {
                self.on_edited_after_sending(ticket, user, (channel, thread, ts)).await
            }
            SlackEvent::Deleted { ts, .. } if link.role.is_sent() => {
                if let Some(user) = &link.user {
                    let text = self.words_of(user).await.say("ask-deleted", &[]);
                    self.whisper(ticket, user, Some(ts), (&text, &[])).await;
                }
                Ok(())
            }
            SlackEvent::Deleted { channel, ts, .. } if link.role == Role::Held => {
                self.cancel(ticket, channel, ts).await
            }
            SlackEvent::Reaction { user, name, added: true, .. }
                if (link.role == Role::Held || link.role.is_sent())
                    && emoji::same(name, marks::NOTE) =>
            {
                self.on_lock(item, ticket, link, user).await
            }
            SlackEvent::Reaction { user, name, added, .. } => {
                if link.role == Role::Card || self.rules.reactions_anywhere {
                    self.on_reaction(item, ticket, user, name, *added).await
                } else {
                    Ok(())
                }
            }
            SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Click(_)
            | SlackEvent::Filled(_)
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => Ok(()),
        }
    }

    /// A reply is to be a note, as far as there is still time.
    async fn on_lock(
        &self,
        item: &Item,
        ticket: &Ticket,
        link: &Link,
        user: &SlackUserId,
    ) -> Step<()> {
        if self.slack.is_us(user) {
            return Ok(());
        }
        let person = self.person(item, ticket, user).await?;
        if person.is_agent() {
            let answer = self.make_note(ticket, &link.channel, &link.ts).await?;
            if link.role.is_sent() {
                self.tell(ticket, &person, &person.words.say(answer, &[]), &[]).await;
            }
        }
        Ok(())
    }

    /// What cannot be read whole is not sent in part: it stays a note, and its writer is told.
    async fn on_oversized(
        &self,
        item: &Item,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> Step<()> {
        let person = self.person(item, ticket, user).await?;
        let (message, version) = (&AgentMessage::default(), "");
        self.keep(ticket, &person, &Written { channel, ts, message, version }).await?;
        self.tell(ticket, &person, &person.words.say("ask-oversized", &[]), &[]).await;
        Ok(())
    }

    async fn on_message(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        user: &SlackUserId,
        written: &Written<'_>,
    ) -> Step<()> {
        let person = self.person(item, ticket, user).await?;
        match self.intent(item, ticket, &person, written.message).await? {
            Intent::Note(why) => self.on_note(ticket, &person, written, why).await,
            Intent::Question(holder) => {
                self.on_question(item, ticket, &person, (written, holder.as_ref())).await
            }
            Intent::Reply { claims } => {
                let outgoing = self.outgoing(item, ticket, written, Forwards::Stay).await?;
                if outgoing.ready.is_empty() {
                    return self.keep_unsent(item, ticket, &person, (written, &outgoing)).await;
                }
                if claims {
                    let claim = Move::Claim { over: false };
                    if self.make(item, ticket, &person, &claim).await? == Moved::No {
                        return self.keep(ticket, &person, written).await;
                    }
                }
                let place = (written.channel, written.ts);
                if !self.is_being_sent(item).await?
                    && self.hold(item, ticket, &person, place).await?
                {
                    return Ok(());
                }
                self.send_in_time(item, ticket, &person, (written, outgoing)).await.map(drop)
            }
        }
    }

    /// Sends what goes out of a message, unless the customer cannot be written to any more. Returns
    /// whether something went out; if not, the thread says why.
    pub(super) async fn send_in_time(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&Written<'_>, Outgoing),
    ) -> Step<bool> {
        if outgoing.ready.is_empty() {
            self.keep_unsent(item, ticket, person, (written, &outgoing)).await?;
            return Ok(false);
        }
        if self.is_too_late(item, ticket, person).await? {
            self.keep(ticket, person, written).await?;
            return Ok(false);
        }
        self.send(item, ticket, person, (written, outgoing)).await?;
        self.answered(ticket).await?;
        Ok(true)
    }

    /// What a message is, decided once: when it is handled again, its own claim has made its
    /// writer the holder, or its ticket may have ended half way through sending.
    pub(super) async fn intent(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        message: &AgentMessage,
    ) -> Step<Intent> {
        if self.is_being_sent(item).await? {
            return Ok(Intent::Reply { claims: false });
        }
        Ok(self.rules.reply.intent(ticket, &person.user, person.is_agent(), message))
    }

    pub(super) async fn on_note(
        &self,
        ticket: &Ticket,
        person: &Person,
        written: &Written<'_>,
        why: Why,
    ) -> Step<()> {
        self.keep(ticket, person, written).await?;
        if let Some(told) = reason_for_note(why, person) {
            self.tell(ticket, person, &person.words.say(told, &[]), &[]).await;
        }
        Ok(())
    }

    /// Leaves a message a note, and marks it as one.
    pub(super) async fn keep(
        &self,
        ticket: &Ticket,
        person: &Person,
        written: &Written<'_>,
    ) -> Step<()> {
        let link = written.link(ticket, person, Role::Note, None);
        self.store.link(link, ticket.opened).await?;
        let now = self.clock.now();
        Ok(self.set_out(Chore::mark(written.channel, written.ts, marks::NOTE, false, now)).await?)
    }

    pub(super) async fn on_question(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, holder): (&Written<'_>, Option<&Agent>),
    ) -> Step<()> {
        if !written.message.may_go_out() {
            let outgoing = self.outgoing(item, ticket, written, Forwards::Go).await?;
            return self.keep_unsent(item, ticket, person, (written, &outgoing)).await;
        }
        self.keep(ticket, person, written).await?;
        let value = format!("{} {}", written.ts, ticket.id);
        let (text, offers) = match holder {
            Some(holder) => (
                person.words.say("ask-not-holder", &[("agent", &holder.name)]),
                vec![
                    (action::SEND, "button-send", value.as_str()),
                    (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", &value),
                    (action::KEEP, "button-keep-note", &value),
                ],
            ),
            None => (
                person.words.say("ask-unclaimed", &[]),
                vec![
                    (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", value.as_str()),
                    (action::KEEP, "button-keep-note", &value),
                ],
            ),
        };
        let blocks = card::question(&text, &offers, &person.words);
        self.tell(ticket, person, &text, &blocks).await;
        Ok(())
    }

    /// Sends one message once. A refusal may mean that the ticket has ended, so that is checked.
    pub(super) async fn deliver(
        &self,
        item: &Item,
        ticket: &Ticket,
        (step, id): (&str, &str),
        send: impl Future<Output = Result<(), blip::Error>> + Send,
    ) -> Step<()> {
        let bot = self.bot(&ticket.id)?;
        let since = item.received - SKEW;
        let look = async { Ok(bot.has_message(&ticket.id, id, since).await?.then_some(())) };
        match self.once(item, step, None, look, send).await {
            Err(Failed::Call(error)) if error.code().is_some() => {
                self.set_out(Chore::check(&ticket.id, self.clock.now())).await?;
                Err(Failed::Call(error).into())
            }
            result => Ok(result?),
        }
    }

    /// The names of whom and what a text mentions.
    pub(super) async fn names(&self, rich: &Rich) -> Step<Names> {
        let mut names = Names::default();
        for run in rich.inlines() {
            match run {
                Inline::Person { id, .. } => {
                    let profile = self.slack.profile(id).await;
                    if let Some(profile) = known(profile)? {
                        names.people.insert(id.clone(), profile.name);
                    }
                }
                Inline::Channel { id, label: None } => {
                    if let Some(name) = known(self.slack.channel_name(id).await)? {
                        names.channels.insert(id.clone(), name);
                    }
                }
                Inline::Group { id, label: None } => {
                    if let Some(Some(handle)) = known(self.slack.group_handle(id).await)? {
                        names.groups.insert(id.clone(), handle);
                    }
                }
                Inline::Channel { .. }
                | Inline::Group { .. }
                | Inline::Broadcast(_)
                | Inline::CustomEmoji(_)
                | Inline::Text { .. }
                | Inline::Link { .. } => {}
            }
        }
        Ok(names)
    }

    /// What a message is when its turn has come. Slack may tell of a change before it tells of the
    /// message, and who changes a message that waits means the customer to read it changed, or not
    /// at all.
    async fn as_it_is(
        &self,
        item: &Item,
        place: (&ChannelId, &MessageTs, &MessageTs),
    ) -> Step<Now> {
        if self.is_being_sent(item).await? {
            return Ok(self.read_before(item).await?.map_or(Now::AsWritten, Now::Changed));
        }
        let (channel, _, ts) = place;
        if !self.store.has_accepted(Source::Slack, &parse::change_key(channel, ts)).await? {
            return Ok(Now::AsWritten);
        }
        match self.reread(item, place).await {
            Err(Halt::Call { fault: Fault::Refused { .. }, .. }) => {
                self.store.forget(item.id, REREAD).await?;
                Ok(Now::AsWritten)
            }
            read => Ok(read?.map_or(Now::Gone, Now::Changed)),
        }
    }

    /// Reads a message as it is now; nothing if it is gone. Once it is being sent, it stays as it
    /// was then.
    pub(super) async fn reread(
        &self,
        item: &Item,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> Step<Option<Value>> {
        if self.is_being_sent(item).await?
            && let Some(read) = self.read_before(item).await?
        {
            return Ok(Some(read));
        }
        let message = match self.slack.message(channel, root, ts).await {
            Err(error) if error.is_message_gone() => None,
            Err(error) if error.is_channel_lost() => {
                return Err(Halt::Wait(self.clock.now() + LATER));
            }
            message => message?,
        };
        if let Some(message) = &message {
            self.store.forget(item.id, REREAD).await?;
            self.store.begin(item.id, REREAD, None, self.clock.now()).await?;
            self.record(item, REREAD, message).await?;
        }
        Ok(message)
    }

    /// What was read before the first part of a message went out.
    async fn read_before(&self, item: &Item) -> Step<Option<Value>> {
        let steps = self.begun_before(item).await?;
        let read = steps.into_iter().find(|(step, _)| step == REREAD).and_then(|(_, read)| read);
        Ok(read.and_then(|read| serde_json::from_str(&read).ok()))
    }

    /// No channel takes back what was sent, so the agent is told the truth and may send it anew.
    async fn on_edited_after_sending(
        &self,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> Step<()> {
        if let Ok(Some(message)) = self.slack.message(channel, root, ts).await {
            let (message, version) = (&AgentMessage::default(), &parse::version_name(&message));
            let written = Written { channel, ts, message, version };
            let id = written.message_id("0");
            if !self.store.links_of(&ticket.id, &id).await?.is_empty() {
                // It was changed before it was sent, or sent again since.
                return Ok(());
            }
        }
        let words = self.words_of(user).await;
        let text = words.say("ask-edited", &[]);
        let value = format!("{ts} {}", ticket.id);
        let offer = (action::CORRECT, "button-send-correction", value.as_str());
        let offers = if ticket.is_closed() { Vec::new() } else { vec![offer] };
        let blocks = card::question(&text, &offers, &words);
        self.whisper(ticket, user, None, (&text, &blocks)).await;
        Ok(())
    }

    async fn on_reaction(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        user: &SlackUserId,
        name: &str,
        added: bool,
    ) -> Step<()> {
        let claims = emoji::same(name, &self.rules.claim_reaction);
        let closes = emoji::same(name, &self.rules.close_reaction);
        if (!claims && !closes) || self.slack.is_us(user) {
            return Ok(());
        }
        let is_holder = ticket.holder().is_some_and(|holder| holder.user == *user);
        let r#move = match (claims, added) {
            (true, true) => Some(Move::Claim { over: false }),
            (true, false) if is_holder => Some(Move::Release),
            (false, true) => Some(Move::Close(Closing::default())),
            (false, false) if ticket.is_closed() => None,
            (true | false, false) => return Ok(()),
        };
        let person = self.person(item, ticket, user).await?;
        match r#move {
            _ if person.standing == Standing::NoGroup => {
                self.turn_away(ticket, &person).await;
                Ok(())
            }
            _ if !person.is_agent() => Ok(()),
            Some(r#move) => self.make(item, ticket, &person, &r#move).await.map(drop),
            None => {
                let text = person.words.say("ask-cannot-reopen", &[]);
                self.tell(ticket, &person, &text, &[]).await;
                Ok(())
            }
        }
    }
}

/// A name is decoration: one that Slack refuses, for whatever reason, is left out. A call that
/// failed for now is tried again.
fn known<T>(looked_up: Result<T, crate::slack::Error>) -> Step<Option<T>> {
    match looked_up {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.fault() {
            Fault::Refused { .. } | Fault::Credentials => Ok(None),
            Fault::Busy { .. } | Fault::Down | Fault::Unsure | Fault::Broken => Err(error.into()),
        },
    }
}

/// The text that tells somebody why their message is a note; none if they meant it as one.
pub(super) fn reason_for_note(why: Why, person: &Person) -> Option<&'static str> {
    match why {
        Why::Prefix | Why::Colleague => None,
        Why::Outsider if person.standing == Standing::NoGroup => Some("ask-no-group"),
        Why::Outsider => Some("ask-not-agent-note"),
        Why::Closed => Some("ask-closed-note"),
    }
}
