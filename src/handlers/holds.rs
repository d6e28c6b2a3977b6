//! The time for second thoughts: a reply that is held before it is sent.
//!
//! The hold waits in a lane of its own, so that what is done to the message meanwhile overtakes it.
//! When its time has come it takes its place in the ticket's lane (`held_replies.rs`), and the
//! message is sent as it is then: edited, or not at all if it was deleted or made a note.

use std::sync::Arc;
use std::time::Duration;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::Person;
use crate::inbox::{Handling, HeldReply, MarkJob, ReplyJob};
use crate::model::{ChannelId, MessageTs, Ticket, marks};
use crate::store::{Accepted, Link, Role};

/// Holds replies, and lets go of them again.
pub(crate) struct Holds {
    pub(crate) calls: Arc<Calls>,
    pub(crate) delay: Option<Duration>,
}

impl Holds {
    /// Holds a reply for as long as the team wants; false if it does not want to, or
    /// sending it has begun.
    pub(crate) async fn hold_reply(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> PipeResult<bool> {
        let Some(delay) = self.delay else { return Ok(false) };
        if self.calls.has_begun_sending(item).await? {
            return Ok(false);
        }
        let link = Link {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            role: Role::Held,
            blip_id: None,
            user: Some(person.user.clone()),
        };
        // The link says that it is held. Who deletes the message or makes it a note changes the
        // link, and the job finds that when its time has come.
        self.calls.link_message(item, link, ticket.opened).await?;
        let held = HeldReply {
            ticket: ticket.id.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            user: person.user.clone(),
        };
        self.calls.enqueue_item(item, ReplyJob::hold_reply(held, item.received + delay)).await?;
        Ok(true)
    }

    /// A reply has been held long enough: it takes its place among the events of its ticket.
    pub(crate) async fn enqueue_held_reply(
        &self,
        item: &Handling,
        held: HeldReply,
    ) -> PipeResult<()> {
        Ok(self
            .calls
            .enqueue_item(item, ReplyJob::send_reply(held, self.calls.clock.now()))
            .await?)
    }

    /// Lets go of what is held and was written before this: somebody closes the ticket, and what was
    /// written to the customer until then reaches them first. Says whether anything was.
    pub(crate) async fn release_held_replies(
        &self,
        item: &Handling,
        ticket: &Ticket,
        before: &MessageTs,
    ) -> PipeResult<bool> {
        if self.delay.is_none() {
            return Ok(false);
        }
        let mut has_released = false;
        for link in self.calls.read(item).await?.held_replies(&ticket.id, before).await? {
            let Link { ticket, channel, ts, user: Some(user), .. } = link else { continue };
            let held = HeldReply { ticket, channel, ts, user };
            let job = ReplyJob::send_reply(held, self.calls.clock.now());
            // A repeat waits ahead of the close already, or is parked: nothing more comes of it.
            has_released |= self.calls.store.accept(job).await? == Accepted::New;
        }
        Ok(has_released)
    }

    /// Keeps a held message from being sent.
    pub(crate) async fn cancel_held_reply(
        &self,
        item: &Handling,
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
        Ok(self.calls.link_message(item, link, ticket.opened).await?)
    }

    /// Makes a message a note if there is still time; returns what its writer is told.
    pub(crate) async fn make_note(
        &self,
        item: &Handling,
        ticket: &Ticket,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> PipeResult<Answer> {
        let role = self.calls.find_link(item, channel, ts).await?.map(|link| link.role);
        match role {
            Some(Role::Reply | Role::PartOfReply) => Ok(Answer::AlreadySent),
            Some(Role::Card | Role::Customer) => Ok(Answer::Outdated),
            Some(Role::Held | Role::Note) | None => {
                self.cancel_held_reply(item, ticket, channel, ts).await?;
                let mark = MarkJob::add_reaction(
                    &ticket.id,
                    (channel, ts),
                    marks::NOTE_MARK,
                    false,
                    self.calls.clock.now(),
                );
                self.calls.enqueue_item(item, mark).await?;
                Ok(Answer::Kept)
            }
        }
    }
}
