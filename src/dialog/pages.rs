//! What is known of a ticket's customer and of what was said: pages that are read from Blip.

use std::sync::Arc;
use std::time::Duration;

use super::bot_lists::BotLists;
use super::error::Error;
use super::viewer::Viewer;
use crate::blip::parse::{self, ThreadMessage};
use crate::locale::Texts;
use crate::model::personal::{self, NumberKind};
use crate::model::{ContactComment, ContactField, SaidMessage, Speaker, Ticket};
use crate::slack::contact::{self, ContactValue, contact_label};
use crate::slack::ids::Dialog;
use crate::slack::modal::TicketFact;
use crate::slack::render::AgentNames;
use crate::slack::{SlackClient, SlackView, modal};
use crate::store::SharedStore;

/// How long Blip is asked for what an open dialog waits for.
const FILLED_VIEW_DEADLINE: Duration = Duration::from_secs(15);
/// Most earlier tickets that a dialog lists.
const MAX_EARLIER_TICKETS: u32 = 10;
/// Most entries of the team's own in a contact that are shown.
const MAX_SHOWN_EXTRAS: usize = 30;

/// Reads and shows them.
pub(crate) struct TicketPages {
    pub(crate) store: SharedStore,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) lists: Arc<BotLists>,
    /// Which numbers nobody reads in Slack.
    pub(crate) masked: Vec<NumberKind>,
}

impl TicketPages {
    pub(super) async fn build_page(
        &self,
        dialog: &Dialog,
        ticket: &Ticket,
        reader: &Viewer,
    ) -> Result<SlackView, Error> {
        if *dialog == Dialog::Contact {
            return Ok(self.build_contact_page(ticket, &reader.texts).await);
        }
        if *dialog == Dialog::Details {
            let mut facts = modal::list_ticket_facts(ticket, &reader.texts);
            let (known, comments) = tokio::join!(
                self.fetch_contact_facts(ticket, &reader.texts),
                self.fetch_comments(ticket),
            );
            facts.extend(known);
            let below = contact::build_contact_blocks(ticket, &comments, &reader.texts);
            return Ok(modal::build_details_view(&facts, below, &reader.texts));
        }
        let earlier =
            self.store.tickets_of(&ticket.customer.identity, &ticket.id, MAX_EARLIER_TICKETS);
        let linked = |ticket: Ticket| {
            let link = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
            (ticket, link)
        };
        let earlier: Vec<_> = earlier.await?.into_iter().map(linked).collect();
        let said = self.fetch_transcript(ticket).await;
        let names = match (&said, self.lists.bot_of(ticket)) {
            (Some(said), Some(bot)) if said.iter().any(is_by_known_agent) => {
                self.lists.lists.list_agent_names(bot).await
            }
            _ => AgentNames::new(),
        };
        let said = said.as_deref().map(|said| (said, &names));
        Ok(modal::build_history_view(ticket, &earlier, said, &reader.texts))
    }

    /// What was said, oldest first; nothing if Blip does not tell.
    async fn fetch_transcript(&self, ticket: &Ticket) -> Option<Vec<SaidMessage>> {
        let bot = self.lists.bot_of(ticket)?;
        match tokio::time::timeout(FILLED_VIEW_DEADLINE, bot.fetch_messages(&ticket.id)).await {
            Ok(Ok(mut messages)) => {
                // Blip lists the newest first; people read from the top.
                messages.sort_by_key(|message| message.date);
                parse::fill_in_quotes(&mut messages);
                Some(messages.into_iter().map(ThreadMessage::into_said).collect())
            }
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket.id, %error, "a history goes without its words");
                None
            }
            Err(_) => None,
        }
    }

    async fn fetch_contact_facts(&self, ticket: &Ticket, texts: &Texts) -> Vec<TicketFact> {
        let contact =
            self.lists.fetch_contact(ticket, FILLED_VIEW_DEADLINE).await.unwrap_or_default();
        // The ticket tells the name already.
        let fields = ContactField::ALL.into_iter().filter(|field| *field != ContactField::Name);
        let facts = fields.filter_map(|field| {
            let value = contact.value(field).filter(|value| !value.trim().is_empty());
            // What a customer without a name is called by says it already.
            let is_phone = field == ContactField::Phone && ticket.customer.name.is_some();
            let number = is_phone.then(|| ticket.customer.whatsapp_number()).flatten();
            TicketFact::from_text(contact_label(field), &value.or(number)?, texts)
        });
        let extras = contact.extras();
        let extras = extras.iter().take(MAX_SHOWN_EXTRAS);
        facts
            .chain(extras.filter_map(|(name, value)| TicketFact::from_extra(name, value)))
            .collect()
    }

    /// The contact of a ticket's customer as it can be changed; says so if Blip does not tell what is
    /// in there.
    async fn build_contact_page(&self, ticket: &Ticket, texts: &Texts) -> SlackView {
        let identity = ticket.customer.identity.as_str();
        let known = match self.lists.bot_of(ticket).filter(|_| !identity.is_empty()) {
            Some(bot) => {
                let asked = bot.contacts.fetch_contact(identity);
                tokio::time::timeout(FILLED_VIEW_DEADLINE, asked).await.ok().and_then(Result::ok)
            }
            None => None,
        };
        // A form that opened empty because Blip was slow would be saved as an empty contact
        // (`a_contact_that_blip_does_not_tell_of_is_not_offered_for_change`).
        let Some(contact) = known.map(Option::unwrap_or_default) else {
            return modal::build_notice(&texts.text("dialog-unavailable", &[]), texts);
        };
        let shown = |value: String| match personal::hide_numbers(&value, &self.masked) {
            Some(_) => ContactValue::Hidden,
            None => ContactValue::Shown(value),
        };
        let fields =
            ContactField::ALL.map(|field| (field, shown(contact.value(field).unwrap_or_default())));
        let extras: Vec<_> =
            contact.extras().into_iter().map(|(name, value)| (name, shown(value))).collect();
        contact::build_contact_dialog(ticket, &fields, &extras, texts)
    }

    /// What was noted about a ticket's customer; nothing if Blip does not tell.
    async fn fetch_comments(&self, ticket: &Ticket) -> Vec<ContactComment> {
        let identity = ticket.customer.identity.as_str();
        let Some(bot) = self.lists.bot_of(ticket).filter(|_| !identity.is_empty()) else {
            return Vec::new();
        };
        match tokio::time::timeout(FILLED_VIEW_DEADLINE, bot.contacts.fetch_comments(identity))
            .await
        {
            Ok(Ok(comments)) => comments,
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket.id, %error, "a contact goes without its comments");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// Whether something was said by an agent whose name may be known.
fn is_by_known_agent(said: &SaidMessage) -> bool {
    matches!(said.by, Speaker::Agent(Some(_)))
}
