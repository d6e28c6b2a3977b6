//! What people do in Slack, carried to Blip: replies, notes, reactions, buttons.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::moves::{MoveOutcome, Person};
use super::outgoing::{ForwardPolicy, OutgoingReply};
use super::thread::MAX_CLOCK_SKEW;
use super::{Bridge, CallError, HandlerResult, ID_NAMESPACE, Interrupt, PipeResult};
use crate::blip;
use crate::blip::text::MentionNames;
use crate::inbox::{Handled, ItemOutcome, Job};
use crate::model::reply::{Intent, NoteReason};
use crate::model::{
    Agent, AgentMessage, ChannelId, Closing, Failure, Fault, Inline, MessageTs, Move, RichText,
    SlackEvent, SlackUserId, Ticket, TicketId, marks,
};
use crate::slack::{AgentStatus, action, card, emoji, message, parse};
use crate::slack::{directory, find};
use crate::store::{Item, Lane, Link, NewItem, Role, Source};

/// How soon an event on an unknown message is matched again while a post is under way.
const MIN_MATCH_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two such matches.
const MAX_MATCH_PAUSE: Duration = Duration::from_secs(10);

/// The step that keeps what a message was when it began to be sent.
const REREAD_CALL: &str = "reread";

/// A message that an agent wrote in a ticket's thread.
pub(super) struct WrittenMessage<'a> {
    pub(crate) channel: &'a ChannelId,
    pub(crate) ts: &'a MessageTs,
    pub(crate) message: &'a AgentMessage,
    /// Which version of the message it is (`parse::version_name`): empty for the first.
    pub(crate) version: &'a str,
}

/// What a message is when its turn has come.
enum CurrentVersion {
    /// What its event says.
    AsWritten,
    /// What Slack shows.
    Changed(Value),
    /// Nothing.
    Gone,
}

impl WrittenMessage<'_> {
    /// The id under which a part of the message goes to Blip: the same whenever it is sent.
    pub(super) fn blip_message_id(&self, part: &str) -> String {
        let name = format!("{}:{}:{}{part}", self.channel, self.ts, self.version);
        Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string()
    }

    /// Ties the message to a ticket, and to what it became at Blip.
    pub(super) fn to_link(
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
fn locate_message(event: &SlackEvent) -> Option<(&ChannelId, &MessageTs, &MessageTs)> {
    match event {
        SlackEvent::Message { channel, thread, .. }
        | SlackEvent::Oversized { channel, thread, .. } => Some((channel, thread, thread)),
        SlackEvent::Edited { channel, ts, thread, .. }
        | SlackEvent::Deleted { channel, ts, thread } => Some((channel, ts, thread)),
        SlackEvent::Reaction { channel, ts, .. } => Some((channel, ts, ts)),
        SlackEvent::Click(_)
        | SlackEvent::Submitted(_)
        | SlackEvent::NotOurs
        | SlackEvent::Unknown { .. } => None,
    }
}

impl Bridge {
    /// Handles what Slack sent.
    pub(super) async fn handle_slack_item(&self, lane: &str, item: &Item) -> HandlerResult {
        let Some(routed) = parse::parse_stored_event(&item.body) else {
            return Ok(Handled::for_first_item(ItemOutcome::Ignored));
        };
        if let Some(Lane::Ticket(ticket)) = Lane::parse(lane)
            && self.is_waiting_for_gap(item, &ticket)
        {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(
                self.clock.now() + MIN_MATCH_PAUSE,
            )));
        }
        match &routed.event {
            SlackEvent::Click(click) => {
                return self.handle_click(lane, item, (click, routed.about.as_ref())).await;
            }
            SlackEvent::Submitted(filled) => {
                self.handle_submission(item, filled).await?;
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            SlackEvent::Message { .. }
            | SlackEvent::Oversized { .. }
            | SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Reaction { .. }
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => {}
        }
        let Some((channel, ts, thread)) = locate_message(&routed.event) else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut link = self.store.find_link(channel, ts).await?;
        if link.is_none() && thread != ts {
            link = self.store.find_link(channel, thread).await?;
        }
        let Some(link) = link else {
            return self.handle_unknown_message(item, channel).await;
        };
        if Lane::Ticket(link.ticket.clone()).name() != lane {
            return self.move_to_ticket_lane(lane, item, link.ticket).await;
        }
        let Some(mut ticket) = self.store.load_ticket(&link.ticket).await? else {
            return Err(Interrupt::broken(format!(
                "ticket {} is linked but not known",
                link.ticket
            )));
        };
        self.handle_thread_event(item, &mut ticket, &link, &routed.event).await?;
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }

    /// An event is in another lane than that of its ticket: either its ticket became known just
    /// now, and the item has moved to the ticket's lane; or its thread belongs to the ticket that
    /// followed, and the event is for that one.
    async fn move_to_ticket_lane(
        &self,
        lane: &str,
        item: &Item,
        ticket: TicketId,
    ) -> HandlerResult {
        let now = self.clock.now();
        if let Some(Lane::Ticket(_)) = Lane::parse(lane) {
            let (lane, body) = (Lane::Ticket(ticket), item.body.clone());
            let key = format!("{}>{}", item.key, lane.name());
            let (source, received) = (item.source, item.received);
            self.enqueue_item(NewItem { source, lane, key, body, received, due: now }).await?;
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        }
        Ok(Handled::for_first_item(ItemOutcome::Wait(now)))
    }

    /// An event may overtake Slack's answer to our own post; then it is matched again.
    pub(super) async fn handle_unknown_message(
        &self,
        item: &Item,
        channel: &ChannelId,
    ) -> HandlerResult {
        let wait = self.may_become_known(channel, item.received).await?;
        let now = self.clock.now();
        // The longer a post takes, the less it matters; once linked, the event moves on at once.
        let pause = now.duration_since(item.received).unsigned_abs() / 4;
        let ending = if wait {
            ItemOutcome::Wait(now + pause.clamp(MIN_MATCH_PAUSE, MAX_MATCH_PAUSE))
        } else {
            ItemOutcome::Ignored
        };
        Ok(Handled::for_first_item(ending))
    }

    async fn handle_thread_event(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        link: &Link,
        event: &SlackEvent,
    ) -> PipeResult<()> {
        if self.is_outdated_reaction(item, event).await? {
            return Ok(());
        }
        match event {
            SlackEvent::Message { channel, ts, thread, user, message, version } => {
                let written = WrittenMessage { channel, ts, message, version };
                match self.read_current_version(item, (channel, thread, ts)).await? {
                    CurrentVersion::AsWritten => {
                        self.handle_agent_message(item, ticket, user, &written).await
                    }
                    CurrentVersion::Gone => Ok(()),
                    CurrentVersion::Changed(now) => {
                        let (message, version) =
                            (&message::read_message(&now), &parse::version_name(&now));
                        let written = WrittenMessage { message, version, ..written };
                        self.handle_agent_message(item, ticket, user, &written).await
                    }
                }
            }
            SlackEvent::Oversized { channel, ts, user, .. } => {
                self.keep_oversized_note(item, ticket, user, (channel, ts)).await
            }
            SlackEvent::Edited { channel, ts, thread, user, .. } if link.role.is_sent() => {
                self.offer_correction(ticket, user, (channel, thread, ts)).await
            }
            SlackEvent::Deleted { ts, .. } if link.role.is_sent() => {
                if let Some(user) = &link.user {
                    let text = self.texts_for(user).await.text("ask-deleted", &[]);
                    self.post_ephemeral(ticket, user, Some(ts), (&text, &[])).await;
                }
                Ok(())
            }
            SlackEvent::Deleted { channel, ts, .. } if link.role == Role::Held => {
                self.cancel_held_reply(ticket, channel, ts).await
            }
            SlackEvent::Reaction { user, name, added: true, .. }
                if (link.role == Role::Held || link.role.is_sent())
                    && emoji::is_same_emoji(name, marks::NOTE_MARK) =>
            {
                self.handle_note_reaction(item, ticket, link, user).await
            }
            SlackEvent::Reaction { user, name, added, .. } => {
                if link.role == Role::Card || self.rules.reactions_anywhere {
                    self.handle_reaction(item, ticket, user, name, *added).await
                } else {
                    Ok(())
                }
            }
            SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Click(_)
            | SlackEvent::Submitted(_)
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => Ok(()),
        }
    }

    /// A reply is to be a note, as far as there is still time.
    async fn handle_note_reaction(
        &self,
        item: &Item,
        ticket: &Ticket,
        link: &Link,
        user: &SlackUserId,
    ) -> PipeResult<()> {
        if self.slack.is_us(user) {
            return Ok(());
        }
        let person = self.look_up_person(item, ticket, user).await?;
        if person.is_agent() {
            let answer = self.make_note(ticket, &link.channel, &link.ts).await?;
            if link.role.is_sent() {
                self.tell_person(ticket, &person, &person.texts.text(answer, &[]), &[]).await;
            }
        }
        Ok(())
    }

    /// What cannot be read whole is not sent in part: it stays a note, and its writer is told.
    async fn keep_oversized_note(
        &self,
        item: &Item,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> PipeResult<()> {
        let person = self.look_up_person(item, ticket, user).await?;
        let (message, version) = (&AgentMessage::default(), "");
        self.keep_as_note(ticket, &person, &WrittenMessage { channel, ts, message, version })
            .await?;
        self.tell_person(ticket, &person, &person.texts.text("ask-oversized", &[]), &[]).await;
        Ok(())
    }

    async fn handle_agent_message(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        user: &SlackUserId,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        let person = self.look_up_person(item, ticket, user).await?;
        match self.decide_intent(item, ticket, &person, written.message).await? {
            Intent::Note(why) => self.handle_note(ticket, &person, written, why).await,
            Intent::Question(holder) => {
                self.ask_writer(item, ticket, &person, (written, holder.as_ref())).await
            }
            Intent::Reply { claims } => {
                let outgoing =
                    self.prepare_outgoing(item, ticket, written, ForwardPolicy::Stay).await?;
                if outgoing.ready.is_empty() {
                    return self
                        .keep_unsent_note(item, ticket, &person, (written, &outgoing))
                        .await;
                }
                if claims {
                    let claim = Move::Claim { over: false };
                    if self.make_move(item, ticket, &person, &claim).await? == MoveOutcome::Refused
                    {
                        return self.keep_as_note(ticket, &person, written).await;
                    }
                }
                let place = (written.channel, written.ts);
                if !self.has_begun_sending(item).await?
                    && self.hold_reply(item, ticket, &person, place).await?
                {
                    return Ok(());
                }
                self.send_within_window(item, ticket, &person, (written, outgoing)).await.map(drop)
            }
        }
    }

    /// Sends what goes out of a message, unless the customer cannot be written to any more. Returns
    /// whether something went out; if not, the thread says why.
    pub(super) async fn send_within_window(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<bool> {
        if outgoing.ready.is_empty() {
            self.keep_unsent_note(item, ticket, person, (written, &outgoing)).await?;
            return Ok(false);
        }
        if self.refuse_if_window_closed(item, ticket, person).await? {
            self.keep_as_note(ticket, person, written).await?;
            return Ok(false);
        }
        self.send_outgoing(item, ticket, person, (written, outgoing)).await?;
        self.record_answer(ticket).await?;
        Ok(true)
    }

    /// What a message is, decided once: when it is handled again, its own claim has made its
    /// writer the holder, or its ticket may have ended half way through sending.
    pub(super) async fn decide_intent(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        message: &AgentMessage,
    ) -> PipeResult<Intent> {
        if self.has_begun_sending(item).await? {
            return Ok(Intent::Reply { claims: false });
        }
        Ok(self.rules.reply.decide_intent(ticket, &person.user, person.is_agent(), message))
    }

    pub(super) async fn handle_note(
        &self,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
        why: NoteReason,
    ) -> PipeResult<()> {
        self.keep_as_note(ticket, person, written).await?;
        if let Some(told) = note_reason_key(why, person) {
            self.tell_person(ticket, person, &person.texts.text(told, &[]), &[]).await;
        }
        Ok(())
    }

    /// Leaves a message a note, and marks it as one.
    pub(super) async fn keep_as_note(
        &self,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        let link = written.to_link(ticket, person, Role::Note, None);
        self.store.link_message(link, ticket.opened).await?;
        let now = self.clock.now();
        Ok(self
            .enqueue_item(Job::add_reaction(
                written.channel,
                written.ts,
                marks::NOTE_MARK,
                false,
                now,
            ))
            .await?)
    }

    pub(super) async fn ask_writer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, holder): (&WrittenMessage<'_>, Option<&Agent>),
    ) -> PipeResult<()> {
        if !written.message.may_go_out() {
            let outgoing = self.prepare_outgoing(item, ticket, written, ForwardPolicy::Go).await?;
            return self.keep_unsent_note(item, ticket, person, (written, &outgoing)).await;
        }
        self.keep_as_note(ticket, person, written).await?;
        let value = format!("{} {}", written.ts, ticket.id);
        let (text, offers) = match holder {
            Some(holder) => (
                person.texts.text("ask-not-holder", &[("agent", &holder.name)]),
                vec![
                    (action::SEND, "button-send", value.as_str()),
                    (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", &value),
                    (action::KEEP, "button-keep-note", &value),
                ],
            ),
            None => (
                person.texts.text("ask-unclaimed", &[]),
                vec![
                    (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", value.as_str()),
                    (action::KEEP, "button-keep-note", &value),
                ],
            ),
        };
        let blocks = card::build_question(&text, &offers, &person.texts);
        self.tell_person(ticket, person, &text, &blocks).await;
        Ok(())
    }

    /// Sends one message once. A refusal may mean that the ticket has ended, so that is checked.
    pub(super) async fn send_to_blip(
        &self,
        item: &Item,
        ticket: &Ticket,
        (step, id): (&str, &str),
        send: impl Future<Output = Result<(), blip::Error>> + Send,
    ) -> PipeResult<()> {
        let bot = self.require_bot(&ticket.id)?;
        let since = item.received - MAX_CLOCK_SKEW;
        let look = async { Ok(bot.has_message(&ticket.id, id, since).await?.then_some(())) };
        match self.call_once(item, step, None, look, send).await {
            Err(CallError::Call(error)) if error.code().is_some() => {
                self.enqueue_item(Job::check_ticket(&ticket.id, self.clock.now())).await?;
                Err(CallError::Call(error).into())
            }
            result => Ok(result?),
        }
    }

    /// The names of whom and what a text mentions.
    pub(super) async fn look_up_names(&self, rich: &RichText) -> PipeResult<MentionNames> {
        let mut names = MentionNames::default();
        for run in rich.inlines() {
            match run {
                Inline::Person { id, .. } => {
                    let profile = directory::fetch_profile(&self.slack, id).await;
                    if let Some(profile) = name_or_none(profile)? {
                        names.people.insert(id.clone(), profile.name);
                    }
                }
                Inline::Channel { id, label: None } => {
                    if let Some(name) =
                        name_or_none(directory::fetch_channel_name(&self.slack, id).await)?
                    {
                        names.channels.insert(id.clone(), name);
                    }
                }
                Inline::Group { id, label: None } => {
                    if let Some(Some(handle)) =
                        name_or_none(directory::fetch_group_handle(&self.slack, id).await)?
                    {
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
    async fn read_current_version(
        &self,
        item: &Item,
        place: (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<CurrentVersion> {
        if self.has_begun_sending(item).await? {
            return Ok(self
                .read_recorded_version(item)
                .await?
                .map_or(CurrentVersion::AsWritten, CurrentVersion::Changed));
        }
        let (channel, _, ts) = place;
        if !self.store.has_accepted(Source::Slack, &parse::change_key(channel, ts)).await? {
            return Ok(CurrentVersion::AsWritten);
        }
        match self.reread_message(item, place).await {
            Err(Interrupt::Call { fault: Fault::Refused { .. }, .. }) => {
                self.store.forget_call(item.id, REREAD_CALL).await?;
                Ok(CurrentVersion::AsWritten)
            }
            read => Ok(read?.map_or(CurrentVersion::Gone, CurrentVersion::Changed)),
        }
    }

    /// Reads a message as it is now; nothing if it is gone. Once it is being sent, it stays as it
    /// was then.
    pub(super) async fn reread_message(
        &self,
        item: &Item,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<Option<Value>> {
        if self.has_begun_sending(item).await?
            && let Some(read) = self.read_recorded_version(item).await?
        {
            return Ok(Some(read));
        }
        let message = match find::fetch_message(&self.slack, channel, root, ts).await {
            Err(error) if error.is_message_gone() => None,
            Err(error) if error.is_channel_lost() => {
                return Err(Interrupt::Wait(self.clock.now() + MAX_MATCH_PAUSE));
            }
            message => message?,
        };
        if let Some(message) = &message {
            self.store.forget_call(item.id, REREAD_CALL).await?;
            self.store.begin_call(item.id, REREAD_CALL, None, self.clock.now()).await?;
            self.record_result(item, REREAD_CALL, message).await?;
        }
        Ok(message)
    }

    /// What was read before the first part of a message went out.
    async fn read_recorded_version(&self, item: &Item) -> PipeResult<Option<Value>> {
        let steps = self.read_begun_calls(item).await?;
        let read =
            steps.into_iter().find(|(step, _)| step == REREAD_CALL).and_then(|(_, read)| read);
        Ok(read.and_then(|read| serde_json::from_str(&read).ok()))
    }

    /// No channel takes back what was sent, so the agent is told the truth and may send it anew.
    async fn offer_correction(
        &self,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<()> {
        if let Ok(Some(message)) = find::fetch_message(&self.slack, channel, root, ts).await {
            let (message, version) = (&AgentMessage::default(), &parse::version_name(&message));
            let written = WrittenMessage { channel, ts, message, version };
            let id = written.blip_message_id("0");
            if !self.store.links_of(&ticket.id, &id).await?.is_empty() {
                // It was changed before it was sent, or sent again since.
                return Ok(());
            }
        }
        let words = self.texts_for(user).await;
        let text = words.text("ask-edited", &[]);
        let value = format!("{ts} {}", ticket.id);
        let offer = (action::CORRECT, "button-send-correction", value.as_str());
        let offers = if ticket.is_closed() { Vec::new() } else { vec![offer] };
        let blocks = card::build_question(&text, &offers, &words);
        self.post_ephemeral(ticket, user, None, (&text, &blocks)).await;
        Ok(())
    }

    async fn handle_reaction(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        user: &SlackUserId,
        name: &str,
        added: bool,
    ) -> PipeResult<()> {
        let claims = emoji::is_same_emoji(name, &self.rules.claim_reaction);
        let closes = emoji::is_same_emoji(name, &self.rules.close_reaction);
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
        let person = self.look_up_person(item, ticket, user).await?;
        match r#move {
            _ if person.status == AgentStatus::NoGroup => {
                self.tell_no_permission(ticket, &person).await;
                Ok(())
            }
            _ if !person.is_agent() => Ok(()),
            Some(r#move) => self.make_move(item, ticket, &person, &r#move).await.map(drop),
            None => {
                let text = person.texts.text("ask-cannot-reopen", &[]);
                self.tell_person(ticket, &person, &text, &[]).await;
                Ok(())
            }
        }
    }
}

/// A name is decoration: one that Slack refuses, for whatever reason, is left out. A call that
/// failed for now is tried again.
fn name_or_none<T>(looked_up: Result<T, crate::slack::Error>) -> PipeResult<Option<T>> {
    match looked_up {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.to_fault() {
            Fault::Refused { .. } | Fault::Credentials => Ok(None),
            Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Broken => {
                Err(error.into())
            }
        },
    }
}

/// The text that tells somebody why their message is a note; none if they meant it as one.
pub(super) fn note_reason_key(why: NoteReason, person: &Person) -> Option<&'static str> {
    match why {
        NoteReason::Prefix | NoteReason::Colleague => None,
        NoteReason::Outsider if person.status == AgentStatus::NoGroup => Some("ask-no-group"),
        NoteReason::Outsider => Some("ask-not-agent-note"),
        NoteReason::Closed => Some("ask-closed-note"),
    }
}
