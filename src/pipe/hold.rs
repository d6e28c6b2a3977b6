//! The time for second thoughts: a reply that is held before it is sent.
//!
//! The hold waits in a lane of its own, so that what is done to the message meanwhile overtakes it.
//! When its time has come it takes its place in the ticket's lane, and the message is sent as it is
//! then: edited, or not at all if it was deleted or made a note.

use super::moves::Person;
use super::outgoing::Forwards;
use super::slack_to_blip::Written;
use super::{Bridge, Step};
use crate::inbox::{Chore, Held};
use crate::model::reply::Intent;
use crate::model::{ChannelId, MessageTs, SlackUserId, Ticket, TicketId, marks};
use crate::slack::{message, parse};
use crate::store::{Item, Link, Role};

impl Bridge {
    /// Holds a reply for as long as the team wants; false if it does not want to.
    pub(super) async fn hold(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> Step<bool> {
        let Some(delay) = self.rules.send_delay else { return Ok(false) };
        let link = Link {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            role: Role::Held,
            blip_id: None,
            user: Some(person.user.clone()),
        };
        self.store.link(link, ticket.opened).await?;
        let held = Held {
            ticket: ticket.id.to_string(),
            channel: channel.to_string(),
            ts: ts.to_string(),
            user: person.user.to_string(),
        };
        self.set_out(Chore::hold(held, item.received + delay)).await?;
        Ok(true)
    }

    /// A reply has been held long enough: it takes its place among the events of its ticket.
    pub(super) async fn end_hold(&self, held: Held) -> Step<()> {
        let Some(ticket) = TicketId::parse(&held.ticket) else { return Ok(()) };
        Ok(self.set_out(Chore::send(held, ticket, self.clock.now())).await?)
    }

    /// Sends a reply that was held, as it is now.
    pub(super) async fn send_held(&self, item: &Item, held: &Held) -> Step<()> {
        let Held { ticket, channel, ts, user } = held;
        let (Some(id), Some(channel), Some(ts), Some(user)) = (
            TicketId::parse(ticket),
            ChannelId::parse(channel),
            MessageTs::parse(ts),
            SlackUserId::parse(user),
        ) else {
            return Ok(());
        };
        let link = self.store.linked(&channel, &ts).await?;
        let is_held = link.is_some_and(|link| link.role == Role::Held);
        if !is_held && !self.is_being_sent(item).await? {
            return Ok(());
        }
        let Some(mut ticket) = self.store.ticket(&id).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let person = self.person(item, &ticket, &user).await?;
        let message = self.reread(item, (&channel, &thread.root, &ts)).await?;
        let Some(message) = message else { return self.cancel(&ticket, &channel, &ts).await };
        let (message, version) = (message::read(&message), parse::version_name(&message));
        let written = Written { channel: &channel, ts: &ts, message: &message, version: &version };
        match self.intent(item, &ticket, &person, &message).await? {
            Intent::Note(why) => self.on_note(&ticket, &person, &written, why).await,
            Intent::Question(holder) => {
                self.on_question(item, &mut ticket, &person, (&written, holder.as_ref())).await
            }
            Intent::Reply { .. } => {
                let outgoing = self.outgoing(item, &ticket, &written, Forwards::Stay).await?;
                let what = (&written, outgoing);
                self.send_in_time(item, &mut ticket, &person, what).await.map(drop)
            }
        }
    }

    /// Keeps a held message from being sent.
    pub(super) async fn cancel(
        &self,
        ticket: &Ticket,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> Step<()> {
        let link = Link {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            role: Role::Note,
            blip_id: None,
            user: None,
        };
        Ok(self.store.link(link, ticket.opened).await?)
    }

    /// Makes a message a note if there is still time; returns what its writer is told.
    pub(super) async fn make_note(
        &self,
        ticket: &Ticket,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> Step<&'static str> {
        let role = self.store.linked(channel, ts).await?.map(|link| link.role);
        match role {
            Some(Role::Reply | Role::PartOfReply) => Ok("ask-already-sent"),
            Some(Role::Card | Role::Customer) => Ok("ask-outdated"),
            Some(Role::Held | Role::Note) | None => {
                self.cancel(ticket, channel, ts).await?;
                let mark = Chore::mark(channel, ts, marks::NOTE, false, self.clock.now());
                self.set_out(mark).await?;
                Ok("ask-kept")
            }
        }
    }

    /// Whether sending a message has begun: then it goes on, whatever happened meanwhile.
    pub(super) async fn is_being_sent(&self, item: &Item) -> Step<bool> {
        let under_way = |step: &str| step.starts_with("send:");
        Ok(self.begun_before(item).await?.iter().any(|(step, _)| under_way(step)))
    }
}
