//! What became of what was said, either way: ticks and failure lines for the agent's words, and
//! word to Blip of what agents were shown of the customer's.

use serde_json::Value;
use uuid::Uuid;

use super::moves::{MoveOutcome, Person};
use super::outgoing::{ForwardPolicy, ReplyPart};
use super::slack_to_blip::WrittenMessage;
use super::submissions::derive_part_id;
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, ID_NAMESPACE, PipeResult};
use crate::blip::parse;
use crate::blip::text;
use crate::inbox::Job;
use crate::model::personal;
use crate::model::{Click, ReceiptKind, Ticket, TicketEnding, TicketId, TicketState, marks};
use crate::slack::find;
use crate::slack::{self, action, card};
use crate::store::{Item, Link, Role};

/// How often a message that does not arrive can be sent.
const MAX_RESENDS: usize = 20;

impl Bridge {
    /// Blip tells what became of a reply: a tick, or a line if it will not arrive.
    pub(super) async fn handle_receipt(
        &self,
        item: &Item,
        id: &TicketId,
        message: &str,
        kind: ReceiptKind,
        reason: Option<(i64, String)>,
    ) -> PipeResult<()> {
        let links = self.store.links_of(id, message).await?;
        let Some(link) = links.first().filter(|link| link.role.is_sent()) else {
            return Ok(());
        };
        let mark = match kind {
            ReceiptKind::Accepted => return Ok(()),
            ReceiptKind::Received => marks::RECEIVED_MARK,
            ReceiptKind::Consumed => marks::READ_MARK,
            ReceiptKind::Failed => {
                return self.post_undelivered(item, link, message, reason).await;
            }
        };
        if link.role == Role::PartOfReply {
            // The mark would say that the customer has all of it.
            return Ok(());
        }
        let mark = Job::add_reaction(&link.channel, &link.ts, mark, true, self.clock.now());
        Ok(self.enqueue_item(mark).await?)
    }

    /// A reply will not arrive: everybody in the thread reads why, and may try again.
    async fn post_undelivered(
        &self,
        item: &Item,
        link: &Link,
        message: &str,
        reason: Option<(i64, String)>,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.store.load_ticket(&link.ticket).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let mut line = match &reason {
            None if ticket.is_closed() => {
                let reason = self.texts.reason_text("ticket_closed");
                self.texts.text("thread-not-delivered", &[("reason", &reason)])
            }
            reason => {
                let reason = reason.as_ref().map(|(code, said)| (*code, said.as_str()));
                self.texts.undelivered_text(reason)
            }
        };
        let value = format!("{message} {}", ticket.id);
        let offers = match resend_refusal_key(&ticket, link) {
            None => vec![(action::RESEND, "button-retry", value.as_str())],
            Some(why) => {
                line = format!("{line} {}", self.texts.text(why, &[]));
                Vec::new()
            }
        };
        let blocks = card::build_question(&line, &offers, &self.texts);
        self.wait_for_post_slot(&ticket_lane(&ticket), &thread.channel).await?;
        let post = ThreadPost { blocks, ..ThreadPost::from_line(&line) };
        self.post_to_ticket(item, "undelivered", &mut ticket, &post).await.map(drop)
    }

    /// Sends once more what did not arrive: that part or file, under a new id.
    pub(super) async fn resend_part(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<Option<&'static str>> {
        let (message, _) = click.value.split_once(' ').unwrap_or_default();
        let links = self.store.links_of(&ticket.id, message).await?;
        let (Some(link), Some(thread)) = (links.first().cloned(), ticket.thread.clone()) else {
            return Ok(Some("ask-outdated"));
        };
        let id = derive_resend_id(message);
        let is_under_way = self.has_begun_sending(item).await?;
        if !is_under_way && !self.store.links_of(&ticket.id, &id).await?.is_empty() {
            // Another click has sent it.
            return Ok(Some("ask-outdated"));
        }
        if !is_under_way && ticket.is_closed() {
            return Ok(Some("ask-resend-closed"));
        }
        let found = find::fetch_message(&self.slack, &link.channel, &thread.root, &link.ts).await?;
        let part = match &found {
            Some(found) => self.find_sent_part(ticket, &link, found, message).await?,
            None => None,
        };
        let Some(part) = part else { return Ok(Some("ask-resend-gone")) };
        if self.ensure_may_send(item, ticket, person).await? == MoveOutcome::Refused {
            // They have been told why, and the button stays for whoever may.
            return Ok(None);
        }
        match &part {
            ReplyPart::File(file) => match self.prepare_file(item, "again", file).await? {
                Ok((file, uri)) => {
                    let call = ("send:again", id.as_str());
                    self.send_file(item, ticket, person, call, (&file, &uri)).await?;
                }
                Err((file, reason)) => {
                    self.post_file_not_sent(item, ticket, &file, reason).await?;
                    return Ok(None);
                }
            },
            ReplyPart::Words(words) => {
                let send = self.require_bot(&ticket.id)?.send_text(&id, &ticket.address, words);
                self.send_to_blip(item, ticket, ("send:again", &id), send).await?;
            }
        }
        self.schedule_delivery_check(&ticket.id, &id).await?;
        self.store.link_message(Link { blip_id: Some(id), ..link }, ticket.opened).await?;
        self.record_answer(ticket).await?;
        Ok(Some("ask-sent"))
    }

    /// What of a message went to Blip under this id, at first or when it was sent again.
    async fn find_sent_part(
        &self,
        ticket: &Ticket,
        link: &Link,
        found: &Value,
        id: &str,
    ) -> PipeResult<Option<ReplyPart>> {
        let domain = ticket.customer.domain.as_str();
        if !slack::parse::is_written_by(found, link.user.as_ref()) {
            // Written in a dialog, and shown in the thread by a post of ours, below its title.
            let (Some(delivery), shown) =
                (slack::parse::delivery_id_of(found), slack::parse::literal_text(found))
            else {
                return Ok(None);
            };
            let words = shown.split_once('\n').map(|(_, words)| words).unwrap_or_default();
            if personal::has_hidden_digits(words) {
                // What went out had numbers in it that Slack was not shown.
                return Ok(None);
            }
            let mut parts = text::split_for_channel(words, domain).into_iter().enumerate();
            let part = parts.find(|(number, _)| {
                is_delivery_of(derive_part_id(delivery, &number.to_string()), id)
            });
            return Ok(part.map(|(_, words)| ReplyPart::Words(words)));
        }
        let message = &slack::message::read_message(found);
        // All that may have gone out, also what did only because somebody said so.
        let (parts, _) = self.split_message(ticket, message, ForwardPolicy::Go).await?;
        // It may have been a correction that did not arrive.
        let correction = slack::parse::version_name(found);
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

    /// Has Blip told that agents were shown these messages.
    pub(super) async fn enqueue_seen_receipts<'a>(
        &self,
        ticket: &Ticket,
        items: impl Iterator<Item = &'a Item>,
    ) -> PipeResult<()> {
        if !self.rules.tells_seen {
            return Ok(());
        }
        let messages: Vec<String> =
            items.filter_map(|item| parse::delivered_id(&item.body)).collect();
        if let Some(job) = Job::mark_seen(ticket, messages, self.clock.now()) {
            self.enqueue_item(job).await?;
        }
        Ok(())
    }

    /// Tells Blip that agents have seen what a customer said. Only a courtesy: nothing waits for it
    /// and nothing comes of its failure.
    pub(super) async fn send_seen_receipts(
        &self,
        id: &TicketId,
        address: &str,
        messages: &[String],
    ) -> PipeResult<()> {
        let bot = self.require_bot(id)?;
        for message in messages {
            if let Err(error) = bot.send_consumed(message, address).await {
                tracing::debug!(ticket.id = %id, %error, "blip could not be told what was seen");
                break;
            }
        }
        Ok(())
    }
}

/// Why what did not arrive cannot be sent again, as a text's key.
fn resend_refusal_key(ticket: &Ticket, link: &Link) -> Option<&'static str> {
    match &ticket.state {
        TicketState::Closed { ending: TicketEnding::Transferred, .. } => {
            Some("undelivered-went-on")
        }
        TicketState::Closed { .. } => Some("undelivered-closed"),
        // A menu or a place cannot be read from what the thread shows of it.
        TicketState::Unclaimed | TicketState::Claimed { .. } if link.user.is_none() => {
            Some("undelivered-offer")
        }
        TicketState::Unclaimed | TicketState::Claimed { .. } => None,
    }
}

/// The id under which a message that did not arrive is sent again: the same for every click.
fn derive_resend_id(id: &str) -> String {
    Uuid::new_v5(&ID_NAMESPACE, format!("again:{}", id.to_lowercase()).as_bytes()).to_string()
}

/// Whether a message that went out under the first id has this one now.
fn is_delivery_of(first: String, id: &str) -> bool {
    let mut ids =
        std::iter::successors(Some(first), |id| Some(derive_resend_id(id))).take(MAX_RESENDS);
    ids.any(|known| known.eq_ignore_ascii_case(id))
}
