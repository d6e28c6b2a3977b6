//! Words for the customer that were not written in the thread: from a dialog, a canned reply, a
//! farewell. They are shown in the thread once they have gone out.

use std::sync::Arc;

use uuid::Uuid;

use crate::blip::{offer, text};
use crate::handlers::calls::{ID_NAMESPACE, derive_delivery_id};
use crate::handlers::composed::permission::SendPermission;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::outgoing::Outgoing;
use crate::handlers::outgoing::word_guard::WordGuard;
use crate::handlers::people::Person;
use crate::handlers::thread_lines::ThreadLines;
use crate::handlers::timers::Timers;
use crate::inbox::{Handling, SENT_POST_CALL, SentWords, ThreadLine};
use crate::locale::Texts;
use crate::model::{FilledTemplate, Offer, RichText, Ticket, WhenHeld};
use crate::slack::render;

/// Sends what was written in a dialog.
pub(crate) struct Composer {
    pub(crate) permission: Arc<SendPermission>,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) guard: Arc<WordGuard>,
    pub(crate) texts: Texts,
}

impl Composer {
    /// Sends words to the customer, shows them in the thread, and says whether they went out; who sent
    /// them is told why not, and is to be given them back.
    ///
    /// Blip takes no words for a ticket that nobody holds, so their writer claims it.
    pub(crate) async fn send_composed_text(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (words, when_held): (&RichText, WhenHeld),
    ) -> PipeResult<MoveOutcome> {
        let text = self.outgoing.write_text(ticket, words).await?;
        let said = std::iter::once(text.as_str());
        if self.guard.refuse_forbidden(item, ticket, person, said).await? {
            return Ok(MoveOutcome::Refused);
        }
        if self.permission.ensure_may_send(item, ticket, person, when_held).await?
            == MoveOutcome::Refused
        {
            return Ok(MoveOutcome::Refused);
        }
        let mut ids = Vec::new();
        for (number, part) in
            text::split_for_channel(&text, &ticket.customer.domain).iter().enumerate()
        {
            let id = derive_part_id(&derive_delivery_id(item, SENT_POST_CALL), &number.to_string());
            let call = (&*format!("send:{number}"), &*id);
            self.outgoing.send_words(item, ticket, call, part).await?;
            self.timers.schedule_delivery_check(item, &ticket.id, &id).await?;
            ids.push(id);
        }
        // Shown only once it has gone out: a post that says so must not stand above words that Blip
        // refused.
        self.show_sent(item, ticket, describe_sent(person, &text, ids)).await?;
        Ok(MoveOutcome::Done)
    }

    /// Sends the customer what is more than words, and shows it in the thread.
    pub(crate) async fn send_offer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (offer, when_held): (&Offer, WhenHeld),
    ) -> PipeResult<MoveOutcome> {
        let content = offer::read_offer(offer);
        let text = render::render_content(&content, &self.texts).unwrap_or_default();
        let said = std::iter::once(text.as_str());
        if self.guard.refuse_forbidden(item, ticket, person, said).await?
            || self.permission.ensure_may_send(item, ticket, person, when_held).await?
                == MoveOutcome::Refused
        {
            return Ok(MoveOutcome::Refused);
        }
        let document = offer::to_lime_document(offer);
        let id = derive_part_id(&derive_delivery_id(item, SENT_POST_CALL), OFFER_PART);
        self.outgoing.send_document(item, ticket, ("send:0", &id), &document).await?;
        self.timers.schedule_delivery_check(item, &ticket.id, &id).await?;
        self.show_sent(item, ticket, describe_sent(person, &text, vec![id])).await?;
        Ok(MoveOutcome::Done)
    }

    /// Sends the customer a template, and shows it in the thread. The window does not matter to it.
    pub(crate) async fn send_template(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        filled: &FilledTemplate,
    ) -> PipeResult<MoveOutcome> {
        let asked = WhenHeld::Refuse;
        // Not `ensure_may_send`: a template is what still goes out when the window is closed
        // (`blip.md`, additions §1).
        if self.permission.ensure_may_answer(item, ticket, person, asked).await?
            == MoveOutcome::Refused
        {
            return Ok(MoveOutcome::Refused);
        }
        let id = derive_part_id(&derive_delivery_id(item, SENT_POST_CALL), TEMPLATE_PART);
        if !self.outgoing.send_template(item, ticket, ("send:0", &id), filled).await? {
            let text = person.texts.text("templates-no-key", &[]);
            self.outgoing.people.tell_person(item, ticket, person, &text, &[]).await;
            return Ok(MoveOutcome::Refused);
        }
        self.timers.schedule_template_check(item, &ticket.id, &id).await?;
        let template = Some(filled.name.clone());
        let sent = SentWords { template, ..describe_sent(person, &filled.text, vec![id]) };
        self.show_sent(item, ticket, sent).await?;
        Ok(MoveOutcome::Done)
    }

    /// Has what went out from elsewhere shown in the thread.
    async fn show_sent(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        sent: SentWords,
    ) -> PipeResult<()> {
        self.lines.say_line(item, ticket, ThreadLine::Sent(sent)).await?;
        self.timers.record_answer(item, ticket).await
    }
}

/// What somebody sent from elsewhere than the thread, as the thread is to show it.
fn describe_sent(person: &Person, text: &str, blip_ids: Vec<String>) -> SentWords {
    SentWords {
        by: person.profile.name.clone(),
        template: None,
        text: text.to_owned(),
        blip_ids,
        user: Some(person.user.clone()),
    }
}

/// What stands in the place of a number in the id of what is more than words.
const OFFER_PART: &str = "offer";
/// The same of a template.
const TEMPLATE_PART: &str = "template";

/// Whether what went out under an id, with a post of ours that shows it, is more than words.
pub(crate) fn is_more_than_words(delivery: &str, id: &str) -> bool {
    let is_it = |part: &str| derive_part_id(delivery, part).eq_ignore_ascii_case(id);
    [OFFER_PART, TEMPLATE_PART].into_iter().any(is_it)
}

/// The id under which a part of what a post of ours shows goes to Blip: it can be told from the
/// post alone, so that the part is found again should it not arrive.
pub(crate) fn derive_part_id(delivery: &str, part: &str) -> String {
    Uuid::new_v5(&ID_NAMESPACE, format!("{delivery}:{part}").as_bytes()).to_string()
}
