//! What was filled in in a dialog: a move, words, or more than words.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::composed::active::ActiveMessages;
use crate::handlers::composed::composer::Composer;
use crate::handlers::contacts::Contacts;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::People;
use crate::model::{Submission, SubmittedForm};

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
        if !person.is_agent() {
            self.people.tell_no_permission(item, &ticket, &person).await;
            return Ok(());
        }
        match &filled.form {
            SubmittedForm::Move(r#move) => {
                self.moves.make_move(item, &mut ticket, &person, r#move).await.map(drop)
            }
            SubmittedForm::Reply(..) | SubmittedForm::Offer(..) | SubmittedForm::Template(_)
                if ticket.is_closed() && !self.calls.has_begun_sending(item).await? =>
            {
                self.people
                    .tell_person(item, &ticket, &person, &person.texts.text("ask-closed", &[]), &[])
                    .await;
                // A dialog that was handed in is gone in Slack, with all that was typed.
                if let SubmittedForm::Reply(words, _) = &filled.form {
                    self.people.give_words_back(item, &ticket, &person, words).await;
                }
                Ok(())
            }
            SubmittedForm::Offer(offer, when_held) => {
                let wanted = (offer, *when_held);
                self.composer.send_offer(item, &mut ticket, &person, wanted).await.map(drop)
            }
            SubmittedForm::Template(filled) => {
                self.composer.send_template(item, &mut ticket, &person, filled).await.map(drop)
            }
            SubmittedForm::Contact(change) => {
                self.contacts.change_contact(item, &mut ticket, &person, change).await
            }
            SubmittedForm::Comment(text) => {
                self.contacts.add_comment(item, &mut ticket, &person, text).await
            }
            SubmittedForm::Reply(words, when_held) => {
                let wanted = (words, *when_held);
                let sent =
                    self.composer.send_composed_text(item, &mut ticket, &person, wanted).await?;
                if sent == MoveOutcome::Refused {
                    self.people.give_words_back(item, &ticket, &person, words).await;
                }
                Ok(())
            }
        }
    }
}
