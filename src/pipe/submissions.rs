//! What was filled in: moves, and words for the customer that were not written in the thread.

use super::moves::{MoveOutcome, Person};
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, ID_NAMESPACE, PipeResult, derive_delivery_id};
use crate::blip::offer;
use crate::blip::text::{self, StyleMarks};
use crate::model::{Offer, RichText, Submission, SubmittedForm, Ticket};
use crate::slack::render;
use crate::store::{Item, Role};
use uuid::Uuid;

/// The step of the post that shows what went out.
const SENT_POST_CALL: &str = "sent";

impl Bridge {
    /// Does what was filled in.
    pub(super) async fn handle_submission(
        &self,
        item: &Item,
        filled: &Submission,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.store.load_ticket(&filled.ticket).await? else { return Ok(()) };
        let person = self.look_up_person(item, &ticket, &filled.user).await?;
        if !person.is_agent() {
            self.tell_no_permission(&ticket, &person).await;
            return Ok(());
        }
        match &filled.form {
            SubmittedForm::Move(r#move) => {
                self.make_move(item, &mut ticket, &person, r#move).await.map(drop)
            }
            SubmittedForm::Reply(_) | SubmittedForm::Offer(_)
                if ticket.is_closed() && !self.has_begun_sending(item).await? =>
            {
                self.tell_person(&ticket, &person, &person.texts.text("ask-closed", &[]), &[])
                    .await;
                Ok(())
            }
            SubmittedForm::Offer(offer) => self.send_offer(item, &mut ticket, &person, offer).await,
            SubmittedForm::Reply(words) => {
                self.send_composed_text(item, &mut ticket, &person, words).await.map(drop)
            }
        }
    }

    /// Sends words to the customer, shows them in the thread, and says whether they went out.
    ///
    /// Blip takes no words for a ticket that nobody holds, so their writer claims it.
    pub(super) async fn send_composed_text(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        words: &RichText,
    ) -> PipeResult<MoveOutcome> {
        if self.ensure_may_send(item, ticket, person).await? == MoveOutcome::Refused {
            return Ok(MoveOutcome::Refused);
        }
        let domain = ticket.customer.domain.as_str();
        let names = self.look_up_names(words).await?;
        let text = text::write_plain_text(words, &names, &StyleMarks::for_domain(domain));
        let mut ids = Vec::new();
        for (number, part) in text::split_for_channel(&text, domain).iter().enumerate() {
            let id = derive_part_id(&derive_delivery_id(item, SENT_POST_CALL), &number.to_string());
            let send = self.require_bot(&ticket.id)?.send_text(&id, &ticket.address, part);
            self.send_to_blip(item, ticket, (&format!("send:{number}"), &id), send).await?;
            self.schedule_delivery_check(&ticket.id, &id).await?;
            ids.push(id);
        }
        self.post_sent_text(item, ticket, (person, true), (&text, ids)).await?;
        Ok(MoveOutcome::Done)
    }

    /// Sends the customer what is more than words, and shows it in the thread.
    async fn send_offer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        offer: &Offer,
    ) -> PipeResult<()> {
        if self.ensure_may_send(item, ticket, person).await? == MoveOutcome::Refused {
            return Ok(());
        }
        let (kind, document) = offer::to_lime_document(offer);
        let id = derive_part_id(&derive_delivery_id(item, SENT_POST_CALL), "offer");
        let send =
            self.require_bot(&ticket.id)?.send_document(&id, &ticket.address, kind, &document);
        self.send_to_blip(item, ticket, ("send:0", &id), send).await?;
        self.schedule_delivery_check(&ticket.id, &id).await?;
        let text = render::render_content(&offer.to_content(), &self.texts).unwrap_or_default();
        self.post_sent_text(item, ticket, (person, false), (&text, vec![id])).await
    }

    /// Whether somebody may send something to the customer now; who does not, has been told why.
    pub(super) async fn ensure_may_send(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<MoveOutcome> {
        if self.has_begun_sending(item).await? {
            return Ok(MoveOutcome::Done);
        }
        let may_send = match ticket.holder() {
            Some(_) if self.rules.reply.anyone => MoveOutcome::Done,
            // Whoever does not hold it is told who does, and may take over.
            _ => self.make_claim(item, ticket, person).await?,
        };
        if may_send == MoveOutcome::Refused
            || self.refuse_if_window_closed(item, ticket, person).await?
        {
            return Ok(MoveOutcome::Refused);
        }
        Ok(MoveOutcome::Done)
    }

    /// Shows in the thread what went out from elsewhere. What is no more than words can be read
    /// there and sent again, so it is noted whose words they are.
    async fn post_sent_text(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        (person, is_words): (&Person, bool),
        (text, blip_ids): (&str, Vec<String>),
    ) -> PipeResult<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let title = self.texts.text("thread-sent", &[("agent", &person.profile.name)]);
        let line = ThreadPost::from_line(&format!("{title}\n{text}"));
        let user = is_words.then(|| person.user.clone());
        let post = ThreadPost { role: Role::Reply, blip_ids, user, ..line };
        self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
        self.post_to_ticket(item, SENT_POST_CALL, ticket, &post).await?;
        self.record_answer(ticket).await
    }
}

/// The id under which a part of what a post of ours shows goes to Blip: it can be told from the
/// post alone, so that the part is found again should it not arrive.
pub(super) fn derive_part_id(delivery: &str, part: &str) -> String {
    Uuid::new_v5(&ID_NAMESPACE, format!("{delivery}:{part}").as_bytes()).to_string()
}
