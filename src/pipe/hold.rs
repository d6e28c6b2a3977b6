//! The time for second thoughts: a reply that is held before it is sent.
//!
//! The hold waits in a lane of its own, so that what is done to the message meanwhile overtakes it.
//! When its time has come it takes its place in the ticket's lane, and the message is sent as it is
//! then: edited, or not at all if it was deleted or made a note.

use super::moves::Person;
use super::outgoing::ForwardPolicy;
use super::slack_to_blip::WrittenMessage;
use super::{Bridge, PipeResult};
use crate::inbox::{HeldReply, Job};
use crate::model::reply::Intent;
use crate::model::{ChannelId, MessageTs, SlackUserId, Ticket, TicketId, marks};
use crate::slack::{message, parse};
use crate::store::{Item, Link, Role};

impl Bridge {
    /// Holds a reply for as long as the team wants; false if it does not want to.
    pub(super) async fn hold_reply(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> PipeResult<bool> {
        let Some(delay) = self.rules.send_delay else { return Ok(false) };
        let link = Link {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            role: Role::Held,
            blip_id: None,
            user: Some(person.user.clone()),
        };
        self.store.link_message(link, ticket.opened).await?;
        let held = HeldReply {
            ticket: ticket.id.to_string(),
            channel: channel.to_string(),
            ts: ts.to_string(),
            user: person.user.to_string(),
        };
        self.enqueue_item(Job::hold_reply(held, item.received + delay)).await?;
        Ok(true)
    }

    /// A reply has been held long enough: it takes its place among the events of its ticket.
    pub(super) async fn enqueue_held_reply(&self, held: HeldReply) -> PipeResult<()> {
        let Some(ticket) = TicketId::parse(&held.ticket) else { return Ok(()) };
        Ok(self.enqueue_item(Job::send_reply(held, ticket, self.clock.now())).await?)
    }

    /// Sends a reply that was held, as it is now.
    pub(super) async fn send_held_reply(&self, item: &Item, held: &HeldReply) -> PipeResult<()> {
        let HeldReply { ticket, channel, ts, user } = held;
        let (Some(id), Some(channel), Some(ts), Some(user)) = (
            TicketId::parse(ticket),
            ChannelId::parse(channel),
            MessageTs::parse(ts),
            SlackUserId::parse(user),
        ) else {
            return Ok(());
        };
        let link = self.store.find_link(&channel, &ts).await?;
        let is_held = link.is_some_and(|link| link.role == Role::Held);
        if !is_held && !self.has_begun_sending(item).await? {
            return Ok(());
        }
        let Some(mut ticket) = self.store.load_ticket(&id).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let person = self.look_up_person(item, &ticket, &user).await?;
        let message = self.reread_message(item, (&channel, &thread.root, &ts)).await?;
        let Some(message) = message else {
            return self.cancel_held_reply(&ticket, &channel, &ts).await;
        };
        let (message, version) = (message::read_message(&message), parse::version_name(&message));
        let written =
            WrittenMessage { channel: &channel, ts: &ts, message: &message, version: &version };
        match self.decide_intent(item, &ticket, &person, &message).await? {
            Intent::Note(why) => self.handle_note(&ticket, &person, &written, why).await,
            Intent::Question(holder) => {
                self.ask_writer(item, &mut ticket, &person, (&written, holder.as_ref())).await
            }
            Intent::Reply { .. } => {
                let outgoing =
                    self.prepare_outgoing(item, &ticket, &written, ForwardPolicy::Stay).await?;
                let what = (&written, outgoing);
                self.send_within_window(item, &mut ticket, &person, what).await.map(drop)
            }
        }
    }

    /// Keeps a held message from being sent.
    pub(super) async fn cancel_held_reply(
        &self,
        ticket: &Ticket,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> PipeResult<()> {
        let link = Link {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            role: Role::Note,
            blip_id: None,
            user: None,
        };
        Ok(self.store.link_message(link, ticket.opened).await?)
    }

    /// Makes a message a note if there is still time; returns what its writer is told.
    pub(super) async fn make_note(
        &self,
        ticket: &Ticket,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> PipeResult<&'static str> {
        let role = self.store.find_link(channel, ts).await?.map(|link| link.role);
        match role {
            Some(Role::Reply | Role::PartOfReply) => Ok("ask-already-sent"),
            Some(Role::Card | Role::Customer) => Ok("ask-outdated"),
            Some(Role::Held | Role::Note) | None => {
                self.cancel_held_reply(ticket, channel, ts).await?;
                let mark =
                    Job::add_reaction(channel, ts, marks::NOTE_MARK, false, self.clock.now());
                self.enqueue_item(mark).await?;
                Ok("ask-kept")
            }
        }
    }

    /// Whether sending a message has begun: then it goes on, whatever happened meanwhile.
    pub(super) async fn has_begun_sending(&self, item: &Item) -> PipeResult<bool> {
        let under_way = |step: &str| step.starts_with("send:");
        Ok(self.read_begun_calls(item).await?.iter().any(|(step, _)| under_way(step)))
    }
}
