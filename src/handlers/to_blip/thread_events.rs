//! What happens in a ticket's thread: a message, an edit, a deletion, a reaction.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::to_blip::corrections::Corrections;
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::handlers::to_blip::reactions::Reactions;
use crate::handlers::to_blip::replies::Replies;
use crate::handlers::to_blip::versions::{CurrentVersion, Versions};
use crate::model::{ChannelId, Fault, MessageTs, SlackEvent, SlackUserId, Ticket, marks};
use crate::slack::emoji;
use crate::store::{Link, Role};

/// Knows what each kind of event in a thread means for what was written there.
pub(crate) struct ThreadEvents {
    pub(crate) history: Arc<ReactionHistory>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) replies: Arc<Replies>,
    pub(crate) reactions: Arc<Reactions>,
    pub(crate) corrections: Arc<Corrections>,
    pub(crate) reactions_anywhere: bool,
}

impl ThreadEvents {
    pub(crate) async fn handle_thread_event(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        link: &Link,
        event: &SlackEvent,
    ) -> PipeResult<()> {
        match event {
            SlackEvent::Message { channel, ts, thread, user, message, version } => {
                let written = WrittenMessage { channel, ts, message, version };
                match self.versions.read_current_version(item, (channel, thread, ts)).await? {
                    CurrentVersion::AsWritten => {
                        self.replies.handle_agent_message(item, ticket, user, &written).await
                    }
                    CurrentVersion::Gone => Ok(()),
                    CurrentVersion::Changed(now) => {
                        let (message, version) = (&now.read(), &now.version());
                        let written = WrittenMessage { message, version, ..written };
                        self.replies.handle_agent_message(item, ticket, user, &written).await
                    }
                }
            }
            SlackEvent::Oversized { channel, ts, user, .. } => {
                self.replies.keep_oversized_note(item, ticket, user, (channel, ts)).await
            }
            SlackEvent::Edited { channel, ts, thread, user, .. } if link.role.is_sent() => {
                self.corrections.offer_correction(item, ticket, user, (channel, thread, ts)).await
            }
            SlackEvent::Edited { channel, ts, thread, user, .. } if link.role == Role::Note => {
                self.handle_edited_note(item, ticket, user, (channel, thread, ts)).await
            }
            SlackEvent::Deleted { channel, ts, .. } => {
                self.corrections.handle_deletion(item, ticket, link, (channel, ts)).await
            }
            // Slack promises no order (`slack.md` B.1): a claim that was taken back may arrive after
            // its taking back.
            SlackEvent::Reaction { channel, ts, user, name, .. }
                if self.history.is_outdated_reaction(item, (channel, ts), (user, name)).await? =>
            {
                Ok(())
            }
            SlackEvent::Reaction { user, name, added: true, .. }
                if (link.role == Role::Held || link.role.is_sent())
                    && emoji::is_same_emoji(name, marks::NOTE_MARK) =>
            {
                self.reactions.handle_note_reaction(item, ticket, link, user).await
            }
            SlackEvent::Reaction { user, name, added, .. } => {
                // A ✅ under a sentence of the customer's must not close the ticket by accident.
                if link.role == Role::Card || self.reactions_anywhere {
                    self.reactions.handle_reaction(item, ticket, user, name, *added).await
                } else {
                    Ok(())
                }
            }
            // An edit of what has not gone out needs nothing: it goes out as it is by then.
            SlackEvent::Edited { .. }
            | SlackEvent::Click(_)
            | SlackEvent::Submitted(_)
            | SlackEvent::Outside { .. }
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => Ok(()),
        }
    }

    async fn handle_edited_note(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        user: &SlackUserId,
        place: (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<()> {
        match self.versions.fetch_message(place).await {
            Ok(Some(now)) => {
                let (channel, _, ts) = place;
                let (message, version) = (&now.read(), &now.version());
                let written = WrittenMessage { channel, ts, message, version };
                self.replies.ask_about_edited_note(item, ticket, user, &written).await
            }
            // It is gone by now, or cannot be read: then it stays a note.
            Ok(None) | Err(Interrupt::Call { fault: Fault::Refused { .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
