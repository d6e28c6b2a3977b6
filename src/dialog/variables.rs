//! The variables of a canned reply.

use jiff::Timestamp;

use crate::blip::ContactDocument;
use crate::locale::Texts;
use crate::model::{Agent, Ticket};
use crate::slack::Profile;

/// Where the variables of a canned reply get their values, which the desk fills in and not Blip
/// (`blip.md`, additions §7).
pub(super) struct VariableSource<'a> {
    pub(super) contact: &'a ContactDocument,
    pub(super) ticket: &'a Ticket,
    pub(super) agent: &'a Profile,
    pub(super) texts: &'a Texts,
    pub(super) now: Timestamp,
}

impl VariableSource<'_> {
    /// The value of a variable; none if it has none.
    pub(super) fn resolve(&self, name: &str) -> Option<String> {
        let (whose, field) = name.split_once('.')?;
        match whose.to_ascii_lowercase().as_str() {
            "contact" | "customer" => self.resolve_contact(field),
            "agent" | "attendant" => self.resolve_agent(field),
            "ticket" => self.resolve_ticket(field),
            "calendar" => match field {
                "date" => Some(self.texts.format_day(self.now)),
                "time" => Some(self.texts.format_time(self.now)),
                "datetime" | "dateTime" => Some(self.texts.format_date_time(self.now)),
                _ => None,
            },
            _ => None,
        }
    }

    fn resolve_contact(&self, field: &str) -> Option<String> {
        if field == "name" {
            // The contact first, as Blip's own desk does; the ticket's name is what was known at
            // its beginning.
            return self.contact.name().or_else(|| self.ticket.customer.name.clone());
        }
        if let Some(extra) = field.strip_prefix("extras.") {
            let extras = self.contact.extras();
            return extras.into_iter().find(|(name, _)| name == extra).map(|(_, value)| value);
        }
        let pointer = format!("/{}", field.replace('.', "/"));
        let value = self.contact.field(&pointer).map(str::to_owned);
        let is_identity = value.is_none() && field == "identity";
        if is_identity { Some(self.ticket.customer.identity.clone()) } else { value }
    }

    fn resolve_agent(&self, field: &str) -> Option<String> {
        let name = self.agent.name.as_str();
        match field {
            "fullName" | "name" => Some(name.to_owned()),
            "firstName" => name.split_whitespace().next().map(str::to_owned),
            "email" => self.agent.email.clone(),
            "phoneNumber" => self.agent.phone.clone(),
            "identity" => self.agent.email.as_deref().map(Agent::identity_from_email),
            _ => None,
        }
    }

    fn resolve_ticket(&self, field: &str) -> Option<String> {
        let ticket = self.ticket;
        match field {
            "id" => Some(ticket.id.blip_id().to_owned()),
            "sequentialId" | "number" => ticket.number.map(|number| number.to_string()),
            "parentSequentialId" => ticket.parent.map(|number| number.to_string()),
            "team" => ticket.team.clone(),
            "tags" => Some(ticket.tags.join(", ")),
            "customerIdentity" => Some(ticket.customer.identity.clone()),
            "customerDomain" => Some(ticket.customer.domain.clone()),
            "agentIdentity" => ticket.holder().map(|holder| holder.identity.clone()),
            "storageDate" => Some(self.texts.format_date_time(ticket.opened)),
            _ => None,
        }
    }
}
