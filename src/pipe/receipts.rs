//! What became of what was said, either way: ticks and failure lines for the agent's words, and
//! word to Blip of what agents were shown of the customer's.
//!
//! Blip may tell by itself or only when asked (`blip.md` §10 #9). What it tells when asked is put
//! into the inbox as if it had told by itself, so both are the same event.

use std::time::Duration;

use jiff::SignedDuration;

use super::moves::{Moved, Person};
use super::slack_to_blip::Written;
use super::thread::{Saying, lane_of};
use super::{Bridge, Step};
use crate::blip::parse;
use crate::blip::text::{self, Marks};
use crate::inbox::Chore;
use crate::model::text::split;
use crate::model::{Attachment, Click, Move, ReceiptKind, Ticket, TicketId};
use crate::slack::{self, action, card};
use crate::store::{Item, Lane, Link, NewItem, Role, Source};

/// When Blip is asked what became of a reply: soon, as most fail at once if they do, and once more
/// for the slow ones. Its log is kept for three days (`blip.md` §7).
const LOOKS: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(5)];
/// How long Blip is believed to tell by itself after it did.
const TELLS: SignedDuration = SignedDuration::from_mins(30);

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
        let Some(link) = links.first().filter(|link| link.role == Role::Reply) else {
            return Ok(());
        };
        let mark = match kind {
            ReceiptKind::Accepted => return Ok(()),
            ReceiptKind::Received => "mailbox_with_mail",
            ReceiptKind::Consumed => "eyeglasses",
            ReceiptKind::Failed => {
                let code = reason.map(|(code, _)| code);
                return self.on_undelivered(item, link, message, code).await;
            }
        };
        let mark = Chore::mark(&link.channel, &link.ts, mark, true, self.clock.now());
        Ok(self.set_out(mark).await?)
    }

    /// A reply will not arrive: everybody in the thread reads why, and may try again.
    async fn on_undelivered(
        &self,
        item: &Item,
        link: &Link,
        message: &str,
        code: Option<i64>,
    ) -> Step<()> {
        let Some(mut ticket) = self.store.ticket(&link.ticket).await? else { return Ok(()) };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let line = self.words.undelivered(code);
        let value = format!("{message} {}", ticket.id);
        let offer = (action::RESEND, "button-retry", value.as_str());
        // Only what somebody wrote in the thread can be read there again.
        let offers =
            if link.user.is_some() && !ticket.is_closed() { vec![offer] } else { Vec::new() };
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
        let found = self.slack.message(&link.channel, &thread.root, &link.ts).await?;
        let Some(found) = found else { return Ok(Some("ask-outdated")) };
        let (text, files) = (slack::parse::words(&found), slack::parse::files(&found));
        let (channel, ts) = (&link.channel, &link.ts);
        let first = Written { channel, ts, text: &text, files: &files, version: "" };
        let Some(part) = self.part_named(ticket, &first, message).await? else {
            return Ok(Some("ask-outdated"));
        };
        let again = Written { version: &format!("again:{message}:"), ..first };
        let id = again.message_id(part.name());
        let was_sent = !self.store.links_of(&ticket.id, &id).await?.is_empty();
        if was_sent && !self.is_being_sent(item).await? {
            // Another click has sent it.
            return Ok(Some("ask-outdated"));
        }
        let claim = Move::Claim { over: false };
        if self.make(item, ticket, person, &claim).await? == Moved::No
            || self.is_too_late(item, ticket, person).await?
        {
            // They have been told why, and the button stays for whoever may.
            return Ok(None);
        }
        match &part {
            Part::File(file) => {
                self.send_file(item, ticket, person, (&again, file)).await?;
            }
            Part::Words { words, .. } => {
                let send = self.bot(&ticket.id)?.send_text(&id, &ticket.address, words);
                self.deliver(item, ticket, ("send:again", &id), send).await?;
                let link = again.link(ticket, person, Role::Reply, Some(id.clone()));
                self.store.link(link).await?;
            }
        }
        self.watch_delivery(&ticket.id, &id).await?;
        Ok(Some("ask-sent"))
    }

    /// What of a message went to Blip under this id.
    async fn part_named(
        &self,
        ticket: &Ticket,
        written: &Written<'_>,
        id: &str,
    ) -> Step<Option<Part>> {
        let is_it = |part: &str| written.message_id(part).eq_ignore_ascii_case(id);
        if let Some(file) = written.files.iter().find(|file| is_it(&file.id)) {
            return Ok(Some(Part::File(file.clone())));
        }
        let domain = ticket.customer.domain.as_str();
        let names = self.names(written.text).await?;
        let words = text::write(written.text, &names, &Marks::for_domain(domain));
        let parts = split(&words, text::limit_for_domain(domain));
        let parts = parts.into_iter().enumerate();
        let mut parts = parts.map(|(number, words)| (number.to_string(), words.to_owned()));
        let found = parts.find(|(name, _)| is_it(name));
        Ok(found.map(|(name, words)| Part::Words { name, words }))
    }

    /// Has Blip asked in a while what became of a reply.
    pub(super) async fn watch_delivery(&self, ticket: &TicketId, message: &str) -> Step<()> {
        let [soon, _] = LOOKS;
        let chore = Chore::delivery(ticket, message, 0, self.clock.now() + soon);
        Ok(self.set_out(chore).await?)
    }

    /// Asks Blip what became of a reply, unless it tells by itself. Nothing waits for the answer.
    pub(super) async fn look_at_delivery(
        &self,
        id: &TicketId,
        message: &str,
        looks: usize,
    ) -> Step<()> {
        let now = self.clock.now();
        let heard = self.receipts_heard.get(id.bot()).map(|at| *at);
        if heard.is_some_and(|at| now.duration_since(at) < TELLS) {
            return Ok(());
        }
        let mut is_settled = false;
        match self.bot(id)?.notifications(id, message).await {
            Ok(envelopes) => {
                for envelope in envelopes {
                    let body = envelope.to_string().into_bytes();
                    for routed in parse::parse(id.bot(), &body).unwrap_or_default() {
                        is_settled |= routed.event.is_last_receipt();
                        let (lane, key) = (Lane::Ticket(id.clone()), routed.key);
                        let (source, body) = (Source::Blip, routed.raw);
                        let item = NewItem { source, lane, key, body, received: now, due: now };
                        self.set_out(item).await?;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(ticket.id = %id, %error, "what became of a reply could not be asked");
            }
        }
        if let (false, Some(pause)) = (is_settled, LOOKS.get(looks + 1)) {
            self.set_out(Chore::delivery(id, message, looks + 1, now + *pause)).await?;
        }
        Ok(())
    }

    /// Blip has told by itself what became of a reply.
    pub(super) fn heard_receipt(&self, id: &TicketId) {
        self.receipts_heard.insert(id.bot().clone(), self.clock.now());
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

/// One of the several messages that a message of an agent became.
enum Part {
    Words { name: String, words: String },
    File(Attachment),
}

impl Part {
    /// What tells it from the others of its message.
    fn name(&self) -> &str {
        match self {
            Self::Words { name, .. } => name,
            Self::File(file) => &file.id,
        }
    }
}
