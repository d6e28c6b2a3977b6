//! What agents write into the contact book at Blip: changes of a contact, and comments on it.

use std::sync::Arc;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::handlers::calls::{Calls, MAX_CLOCK_SKEW};
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::handlers::thread_lines::ThreadLines;
use crate::inbox::{CardJob, Handling, RefusedWish, ThreadLine};
use crate::model::{ContactChange, ContactComment, Ticket};

/// Writes into the contact book.
pub(crate) struct Contacts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) people: Arc<People>,
    pub(crate) lines: Arc<ThreadLines>,
}

impl Contacts {
    /// Changes what the contact book has on a ticket's customer, and nothing else of it.
    pub(crate) async fn change_contact(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        change: &ContactChange,
    ) -> PipeResult<MoveOutcome> {
        let identity = ticket.customer.identity.clone();
        if change.is_empty() || identity.is_empty() {
            return Ok(MoveOutcome::Done);
        }
        let bot = self.bots.require_bot(&ticket.id)?;
        let look = async {
            let contact = bot.contacts.fetch_contact(&identity).await?;
            Ok(contact.filter(|contact| contact.has(change)).map(drop))
        };
        let send = bot.contacts.change_contact(&identity, change);
        match self.calls.call_once(item, "contact", None, look, send).await {
            Ok(()) => {
                // The name is the only thing of a contact that a card shows.
                let Some(name) = change.name() else { return Ok(MoveOutcome::Done) };
                ticket.customer.name = Some(name.to_owned());
                ticket.revision += 1;
                self.calls.put_ticket(item, ticket).await?;
                self.calls
                    .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
                    .await?;
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                self.post_refusal(item, ticket, person, (RefusedWish::Contact, &error)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes something about a ticket's customer.
    pub(crate) async fn add_comment(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        text: &str,
    ) -> PipeResult<MoveOutcome> {
        let identity = ticket.customer.identity.clone();
        if identity.is_empty() {
            return Ok(MoveOutcome::Refused);
        }
        let bot = self.bots.require_bot(&ticket.id)?;
        let author = self.people.blip_identity(person);
        let is_it = |comment: &ContactComment| {
            // Comments have no id of ours, and an agent may well note the same words twice: only
            // one that came since the event can be this one.
            let is_new = comment.at.is_none_or(|at| at >= item.received - MAX_CLOCK_SKEW);
            is_new && comment.text == text && comment.author == author
        };
        let look = async {
            let comments = bot.contacts.fetch_comments(&identity).await?;
            Ok(comments.iter().any(is_it).then_some(()))
        };
        let send = bot.contacts.add_comment(&identity, text, author.as_deref());
        match self.calls.call_once(item, "comment", None, look, send).await {
            Ok(()) => {
                let told = person.texts.text("done-commented", &[]);
                self.people.tell_person(item, ticket, person, &told, &[]).await;
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                self.post_refusal(item, ticket, person, (RefusedWish::Comment, &error)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn post_refusal(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (wish, error): (RefusedWish, &blip::Error),
    ) -> PipeResult<MoveOutcome> {
        tracing::warn!(%error, "blip refused what is for a contact");
        let (by, code) = (person.profile.name.clone(), error.code().unwrap_or("?").to_owned());
        let words = Some(error.refusal_words().to_owned());
        let line = ThreadLine::Refused { by, wish, code, words };
        self.lines.say_line(item, ticket, line).await?;
        Ok(MoveOutcome::Refused)
    }
}
