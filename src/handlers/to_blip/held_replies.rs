//! A reply whose hold is over, sent as it is now.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::people::People;
use crate::handlers::to_blip::replies::Replies;
use crate::handlers::to_blip::versions::Versions;
use crate::inbox::{Handling, HeldReply};
use crate::store::Role;

/// Sends replies that were held.
pub(crate) struct HeldReplies {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) replies: Arc<Replies>,
}

impl HeldReplies {
    /// Sends a reply that was held, as it is now.
    pub(crate) async fn send_held_reply(
        &self,
        item: &Handling,
        held: &HeldReply,
    ) -> PipeResult<()> {
        let HeldReply { ticket, channel, ts, user } = held;
        let link = self.calls.find_link(item, channel, ts).await?;
        let is_held = link.is_some_and(|link| link.role == Role::Held);
        // Deleted or made a note meanwhile. What has begun to go out goes on all the same: the
        // customer has a part of it.
        if !is_held && !self.calls.has_begun_sending(item).await? {
            return Ok(());
        }
        let Some(mut ticket) = self.calls.load_ticket(item, ticket).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let person = self.people.look_up_person(item, &ticket, user).await?;
        let message = self.versions.reread_message(item, (channel, &thread.root, ts)).await?;
        let Some(message) = message else {
            return self.holds.cancel_held_reply(item, &ticket, channel, ts).await;
        };
        let (message, version) = (message.read(), message.version());
        let written = WrittenMessage { channel, ts, message: &message, version: &version };
        self.replies.send_held(item, &mut ticket, &person, &written).await
    }
}
