//! What became of what was said, either way: ticks and failure lines for the agent's words, and
//! word to Blip of what agents were shown of the customer's.

use serde_json::Value;
use uuid::Uuid;

use super::moves::{Moved, Person};
use super::outgoing::{Forwards, Part};
use super::slack_to_blip::Written;
use super::thread::{Saying, lane_of};
use super::words::id_of_part;
use super::{Bridge, IDS, Step};
use crate::blip::parse;
use crate::blip::text;
use crate::inbox::Chore;
use crate::model::personal;
use crate::model::{Click, Ending, ReceiptKind, State, Ticket, TicketId, marks};
use crate::slack::{self, action, card};
use crate::store::{Item, Link, Role};

/// How often a message that does not arrive can be sent.
const MOST_TRIES: usize = 20;

impl Bridge {
    /// Blip tells what became of a reply: a tick, or a line if it will not arrive.
    pub(super) async fn on_receipt(
        &self,
        item: &Item,
        id: &TicketId,
        message: &str,
        kind: ReceiptKind,
        reason: Option<(i64, String)>,
    ) -> Step<()> {
        let links = self.store.links_of(id, message).await?;
        let Some(link) = links.first().filter(|link| link.role.is_sent()) else {
            return Ok(());
        };
        let mark = match kind {
            ReceiptKind::Accepted => return Ok(()),
            ReceiptKind::Received => marks::RECEIVED,
            ReceiptKind::Consumed => marks::READ,
            ReceiptKind::Failed => {
                return self.on_undelivered(item, link, message, reason).await;
            }
        };
        if link.role == Role::PartOfReply {
            // The mark would say that the customer has all of it.
            return Ok(());
        }
        let mark = Chore::mark(&link.channel, &link.ts, mark, true, self.clock.now());
        Ok(self.set_out(mark).await?)
    }

    /// A reply will not arrive: everybody in the thread reads why, and may try again.
    async fn on_undelivered(
        &self,
        item: &Item,
        link: &Link,
        message: &str,
        reason: Option<(i64, String)>,
    ) -> Step<()> {
        let Some(mut ticket) = self.store.ticket(&link.ticket).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let mut line = match &reason {
            None if ticket.is_closed() => {
                let reason = self.words.reason("ticket_closed");
                self.words.say("thread-not-delivered", &[("reason", &reason)])
            }
            reason => {
                let reason = reason.as_ref().map(|(code, said)| (*code, said.as_str()));
                self.words.undelivered(reason)
            }
        };
        let value = format!("{message} {}", ticket.id);
        let offers = match why_not_again(&ticket, link) {
            None => vec![(action::RESEND, "button-retry", value.as_str())],
            Some(why) => {
                line = format!("{line} {}", self.words.say(why, &[]));
                Vec::new()
            }
        };
        let blocks = card::question(&line, &offers, &self.words);
        self.turn(&lane_of(&ticket), &thread.channel).await?;
        let saying = Saying { blocks, ..Saying::line(&line) };
        self.say(item, "undelivered", &mut ticket, &saying).await.map(drop)
    }

    /// Sends once more what did not arrive: that part or file, under a new id.
    pub(super) async fn on_resend(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> Step<Option<&'static str>> {
        let (message, _) = click.value.split_once(' ').unwrap_or_default();
        let links = self.store.links_of(&ticket.id, message).await?;
        let (Some(link), Some(thread)) = (links.first().cloned(), ticket.thread.clone()) else {
            return Ok(Some("ask-outdated"));
        };
        let id = again(message);
        let is_under_way = self.is_being_sent(item).await?;
        if !is_under_way && !self.store.links_of(&ticket.id, &id).await?.is_empty() {
            // Another click has sent it.
            return Ok(Some("ask-outdated"));
        }
        if !is_under_way && ticket.is_closed() {
            return Ok(Some("ask-resend-closed"));
        }
        let found = self.slack.message(&link.channel, &thread.root, &link.ts).await?;
        let part = match &found {
            Some(found) => self.part_named(ticket, &link, found, message).await?,
            None => None,
        };
        let Some(part) = part else { return Ok(Some("ask-resend-gone")) };
        if self.may_send(item, ticket, person).await? == Moved::No {
            // They have been told why, and the button stays for whoever may.
            return Ok(None);
        }
        match &part {
            Part::File(file) => match self.prepare_file(item, "again", file).await? {
                Ok((file, uri)) => {
                    let call = ("send:again", id.as_str());
                    self.send_file(item, ticket, person, call, (&file, &uri)).await?;
                }
                Err((file, reason)) => {
                    self.say_unsent(item, ticket, &file, reason).await?;
                    return Ok(None);
                }
            },
            Part::Words(words) => {
                let send = self.bot(&ticket.id)?.send_text(&id, &ticket.address, words);
                self.deliver(item, ticket, ("send:again", &id), send).await?;
            }
        }
        self.watch_delivery(&ticket.id, &id).await?;
        self.store.link(Link { blip_id: Some(id), ..link }, ticket.opened).await?;
        self.answered(ticket).await?;
        Ok(Some("ask-sent"))
    }

    /// What of a message went to Blip under this id, at first or when it was sent again.
    async fn part_named(
        &self,
        ticket: &Ticket,
        link: &Link,
        found: &Value,
        id: &str,
    ) -> Step<Option<Part>> {
        let domain = ticket.customer.domain.as_str();
        if !slack::parse::is_by(found, link.user.as_ref()) {
            // Written in a dialog, and shown in the thread by a post of ours, below its title.
            let (Some(delivery), shown) =
                (slack::parse::delivery(found), slack::parse::literally(found))
            else {
                return Ok(None);
            };
            let words = shown.split_once('\n').map(|(_, words)| words).unwrap_or_default();
            if personal::is_hidden(words) {
                // What went out had numbers in it that Slack was not shown.
                return Ok(None);
            }
            let mut parts = text::parts(words, domain).into_iter().enumerate();
            let part =
                parts.find(|(number, _)| is_it(id_of_part(delivery, &number.to_string()), id));
            return Ok(part.map(|(_, words)| Part::Words(words)));
        }
        let message = &slack::message::read(found);
        // All that may have gone out, also what did only because somebody said so.
        let (parts, _) = self.parts(ticket, message, Forwards::Go).await?;
        // It may have been a correction that did not arrive.
        let correction = slack::parse::version_name(found);
        let (channel, ts) = (&link.channel, &link.ts);
        let versions = ["", correction.as_str()];
        let is_named = |name: &str| {
            versions.iter().any(|version| {
                is_it(Written { channel, ts, message, version }.message_id(name), id)
            })
        };
        Ok(parts.into_iter().find(|(name, _)| is_named(name)).map(|(_, part)| part))
    }

    /// Has Blip told that agents were shown these messages.
    pub(super) async fn tell_of_seen<'a>(
        &self,
        ticket: &Ticket,
        items: impl Iterator<Item = &'a Item>,
    ) -> Step<()> {
        if !self.rules.tells_seen {
            return Ok(());
        }
        let messages: Vec<String> =
            items.filter_map(|item| parse::delivered_id(&item.body)).collect();
        if let Some(chore) = Chore::seen(ticket, messages, self.clock.now()) {
            self.set_out(chore).await?;
        }
        Ok(())
    }

    /// Tells Blip that agents have seen what a customer said. Only a courtesy: nothing waits for it
    /// and nothing comes of its failure.
    pub(super) async fn tell_seen(
        &self,
        id: &TicketId,
        address: &str,
        messages: &[String],
    ) -> Step<()> {
        let bot = self.bot(id)?;
        for message in messages {
            if let Err(error) = bot.consumed(message, address).await {
                tracing::debug!(ticket.id = %id, %error, "blip could not be told what was seen");
                break;
            }
        }
        Ok(())
    }
}

/// Why what did not arrive cannot be sent again, as a text's key.
fn why_not_again(ticket: &Ticket, link: &Link) -> Option<&'static str> {
    match &ticket.state {
        State::Closed { ending: Ending::Transferred, .. } => Some("undelivered-went-on"),
        State::Closed { .. } => Some("undelivered-closed"),
        // A menu or a place cannot be read from what the thread shows of it.
        State::Unclaimed | State::Claimed { .. } if link.user.is_none() => {
            Some("undelivered-offer")
        }
        State::Unclaimed | State::Claimed { .. } => None,
    }
}

/// The id under which a message that did not arrive is sent again: the same for every click.
fn again(id: &str) -> String {
    Uuid::new_v5(&IDS, format!("again:{}", id.to_lowercase()).as_bytes()).to_string()
}

/// Whether a message that went out under the first id has this one now.
fn is_it(first: String, id: &str) -> bool {
    let mut ids = std::iter::successors(Some(first), |id| Some(again(id))).take(MOST_TRIES);
    ids.any(|known| known.eq_ignore_ascii_case(id))
}
