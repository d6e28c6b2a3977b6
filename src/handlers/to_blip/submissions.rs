//! What was filled in in a dialog: a move, words, or more than words.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::composed::active::ActiveMessages;
use crate::handlers::composed::composer::Composer;
use crate::handlers::composed::typed::describe_typed;
use crate::handlers::contacts::Contacts;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::model::{Move, Submission, SubmittedForm, Ticket};

/// Does what dialogs ask for.
pub(crate) struct Submissions {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) moves: Arc<Moves>,
    pub(crate) composer: Arc<Composer>,
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) active: Arc<ActiveMessages>,
}

impl Submissions {
    /// Does what was filled in.
    pub(crate) async fn handle_submission(
        &self,
        item: &Handling,
        filled: &Submission,
    ) -> PipeResult<()> {
        if let (Some(target), SubmittedForm::Template(template)) =
            (filled.ticket.active_target(), &filled.form)
        {
            // Its ticket is one of ours that nobody has stored yet.
            let what = (&filled.ticket, &target);
            return self.active.send_active_message(item, what, &filled.user, template).await;
        }
        let Some(mut ticket) = self.calls.load_ticket(item, &filled.ticket).await? else {
            return Ok(());
        };
        let person = self.people.look_up_person(item, &ticket, &filled.user).await?;
        let outcome = self.do_what_was_asked(item, &mut ticket, &person, &filled.form).await?;
        if outcome == MoveOutcome::Refused
            && let Some(typed) = describe_typed(&filled.form, &person.texts)
        {
            self.people.give_words_back(item, &ticket, &person, &typed).await;
        }
        Ok(())
    }

    /// Does it, or tells why not; refused is only what is to be given back to who typed it.
    async fn do_what_was_asked(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        form: &SubmittedForm,
    ) -> PipeResult<MoveOutcome> {
        if !person.is_agent() {
            self.people.tell_no_permission(item, ticket, person).await;
            return Ok(MoveOutcome::Refused);
        }
        if is_for_customer(form)
            && ticket.is_closed()
            && !self.calls.has_begun_sending(item).await?
        {
            let text = person.texts.text(ticket.closed_text_key(), &[]);
            self.people.tell_person(item, ticket, person, &text, &[]).await;
            return Ok(MoveOutcome::Refused);
        }
        match form {
            SubmittedForm::Move(r#move) => {
                self.moves.make_move(item, ticket, person, r#move).await?;
                // Whoever refuses a farewell gives it back, with a question about the close.
                Ok(MoveOutcome::Done)
            }
            SubmittedForm::Reply(words, when_held) => {
                self.composer.send_composed_text(item, ticket, person, (words, *when_held)).await
            }
            SubmittedForm::Offer(offer, when_held) => {
                self.composer.send_offer(item, ticket, person, (offer, *when_held)).await
            }
            SubmittedForm::Template(filled) => {
                self.composer.send_template(item, ticket, person, filled).await
            }
            SubmittedForm::Contact(change) => {
                self.contacts.change_contact(item, ticket, person, change).await
            }
            SubmittedForm::Comment(text) => {
                self.contacts.add_comment(item, ticket, person, text).await
            }
        }
    }
}

/// Whether something of it is to reach the customer.
fn is_for_customer(form: &SubmittedForm) -> bool {
    match form {
        SubmittedForm::Reply(..) | SubmittedForm::Offer(..) | SubmittedForm::Template(_) => true,
        SubmittedForm::Move(Move::Close(closing)) => closing.farewell.is_some(),
        SubmittedForm::Move(_) | SubmittedForm::Contact(_) | SubmittedForm::Comment(_) => false,
    }
}
