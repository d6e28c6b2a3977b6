//! *Try again*: a part or a file that did not arrive, sent once more under another id.
//!
//! What it was is read from Slack, as the bridge keeps no words. It is found again by its id, which
//! is derived from the message (`outgoing/written.rs`) or from our post that shows it.

use crate::handlers::answer::Answer;
use crate::slack::ShownMessage;
use crate::slack::find;
use std::sync::Arc;

use uuid::Uuid;

use crate::blip::text;
use crate::handlers::calls::{Calls, ID_NAMESPACE};
use crate::handlers::composed::composer::derive_part_id;
use crate::handlers::composed::permission::SendPermission;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::outgoing::word_guard::WordGuard;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::outgoing::{ForwardPolicy, Outgoing, ReplyPart};
use crate::handlers::people::Person;
use crate::handlers::to_blip::sender::Sender;
use crate::inbox::{Handling, MarkOccasion};
use crate::model::{Ticket, WhenHeld, personal};
use crate::slack::SlackClient;
use crate::store::Link;

/// How often a message that does not arrive can be sent.
pub(crate) const MAX_RESENDS: usize = 20;

/// Finds what did not arrive, and sends it again.
pub(crate) struct Resends {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) permission: Arc<SendPermission>,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) guard: Arc<WordGuard>,
    pub(crate) sender: Arc<Sender>,
}

impl Resends {
    /// Sends once more what did not arrive: that part or file, under a new id.
    pub(crate) async fn resend_part(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        message: &str,
    ) -> PipeResult<Option<Answer>> {
        let links = self.calls.links_of(item, &ticket.id, message).await?;
        let (Some(link), Some(thread)) = (links.first().cloned(), ticket.thread.clone()) else {
            return Ok(Some(Answer::Outdated));
        };
        let id = derive_resend_id(message);
        let is_under_way = self.calls.has_begun_sending(item).await?;
        if !is_under_way && !self.calls.links_of(item, &ticket.id, &id).await?.is_empty() {
            // Another click has sent it.
            return Ok(Some(Answer::Outdated));
        }
        if !is_under_way && ticket.is_closed() {
            return Ok(Some(Answer::ResendClosed));
        }
        let found = find::fetch_message(&self.slack, &link.channel, &thread.root, &link.ts).await?;
        let part = match &found {
            Some(found) => self.find_sent_part(ticket, &link, found, message).await?,
            None => None,
        };
        let Some(part) = part else { return Ok(Some(Answer::ResendGone)) };
        let said = match &part {
            ReplyPart::Words(words) => Some(words.as_str()),
            ReplyPart::File(_) => None,
        };
        if self.guard.refuse_forbidden(item, ticket, person, said.into_iter()).await?
            || self.permission.ensure_may_send(item, ticket, person, WhenHeld::Refuse).await?
                == MoveOutcome::Refused
        {
            // They have been told why, and the button stays for whoever may.
            return Ok(None);
        }
        if !self.sender.resend_part(item, ticket, person, (&part, &id)).await? {
            return Ok(None);
        }
        let link = Link { blip_id: Some(id.clone()), ..link };
        self.calls.link_message(item, link, ticket.opened).await?;
        let occasion = MarkOccasion::Resent;
        self.sender.timers.schedule_delivery_mark(item, &ticket.id, vec![id], occasion).await?;
        self.sender.timers.record_answer(item, ticket).await?;
        Ok(Some(Answer::Sent))
    }

    /// What of a message went to Blip under this id, at first or when it was sent again.
    async fn find_sent_part(
        &self,
        ticket: &Ticket,
        link: &Link,
        found: &ShownMessage,
        id: &str,
    ) -> PipeResult<Option<ReplyPart>> {
        let domain = ticket.customer.domain.as_str();
        if !found.is_written_by(link.user.as_ref()) {
            // Written in a dialog, and shown in the thread by a post of ours, below its title.
            let (Some(delivery), shown) = (found.delivery_id(), found.literal_text()) else {
                return Ok(None);
            };
            let words = shown.split_once('\n').map(|(_, words)| words).unwrap_or_default();
            if personal::has_hidden_digits(words) {
                // What went out had numbers in it that Slack was not shown.
                return Ok(None);
            }
            // The parts are cut again as they were; the one whose derived id is the lost one is
            // meant.
            let mut parts = text::split_for_channel(words, domain).into_iter().enumerate();
            let part = parts.find(|(number, _)| {
                is_delivery_of(derive_part_id(delivery, &number.to_string()), id)
            });
            return Ok(part.map(|(_, words)| ReplyPart::Words(words)));
        }
        let message = &found.read();
        // All that may have gone out, also what did only because somebody said so.
        let (parts, _) = self.outgoing.split_message(ticket, message, ForwardPolicy::Go).await?;
        // It may have been a correction that did not arrive.
        let correction = found.version();
        let (channel, ts) = (&link.channel, &link.ts);
        let versions = ["", correction.as_str()];
        let is_named = |name: &str| {
            versions.iter().any(|version| {
                is_delivery_of(
                    WrittenMessage { channel, ts, message, version }.blip_message_id(name),
                    id,
                )
            })
        };
        Ok(parts.into_iter().find(|(name, _)| is_named(name)).map(|(_, part)| part))
    }
}

/// The id under which a message that did not arrive is sent again: the same for every click.
pub(crate) fn derive_resend_id(id: &str) -> String {
    Uuid::new_v5(&ID_NAMESPACE, format!("again:{}", id.to_lowercase()).as_bytes()).to_string()
}

/// Whether a message that went out under the first id has this one now.
pub(crate) fn is_delivery_of(first: String, id: &str) -> bool {
    let mut ids =
        std::iter::successors(Some(first), |id| Some(derive_resend_id(id))).take(MAX_RESENDS);
    ids.any(|known| known.eq_ignore_ascii_case(id))
}
