//! Templates of WhatsApp, and active messages: a template to somebody with whom there may be no
//! conversation.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pages::{fetch_entries, new_request_id};
use crate::blip::documents::ReceiptDocument;
use crate::blip::envelope::{self, MAX_PAGE_SIZE};
use crate::blip::error::Error;
use crate::blip::lenient::{self, get_text};
use crate::blip::template;
use crate::blip::transport::BlipTransport;
use crate::model::active::ActiveRoute;
use crate::model::{FilledTemplate, MessageTemplate, TicketId};

/// Most templates that are read: what other clients ask for (`blip.md`, additions §1.1).
const MAX_TEMPLATES: u32 = 200;

/// Reads templates and sends them.
#[derive(Debug)]
pub(crate) struct TemplateClient {
    transport: Arc<BlipTransport>,
}

impl TemplateClient {
    pub(super) fn new(transport: Arc<BlipTransport>) -> Self {
        Self { transport }
    }

    /// The templates that can be sent. Blip has the list from Meta, in Meta's own form, and documents
    /// no pages of it.
    pub(crate) async fn fetch_templates(&self) -> Result<Vec<MessageTemplate>, Error> {
        let command = envelope::get_templates(&new_request_id(), MAX_TEMPLATES);
        let resource =
            self.transport.send_command("list templates", &command).await?.unwrap_or_default();
        Ok(template::list_entries(&resource).iter().filter_map(template::parse_template).collect())
    }

    /// Whether the key may list the WhatsApp templates; no error means that it may.
    pub(crate) async fn check_template_access(&self) -> Result<(), Error> {
        let command = envelope::get_templates(&new_request_id(), 1);
        self.transport.send_command("list templates", &command).await.map(drop)
    }

    /// Who a number is on WhatsApp: an account is not always made of its number. None if nobody is.
    pub(crate) async fn fetch_whatsapp_account(
        &self,
        number: &str,
    ) -> Result<Option<String>, Error> {
        let command = envelope::get_whatsapp_account(&new_request_id(), number);
        match self.transport.send_command("check a number", &command).await {
            // Never made of the number: the account may lack Brazil's ninth digit (`blip.md`,
            // additions §2).
            Ok(account) => Ok(account.and_then(|it| get_text(&it, "alternativeAccount"))),
            // A refusal says that nobody is there (`blip.md`, additions §2), unless it is about us.
            Err(error) if error.code().is_some() && !error.is_about_key() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends an active message under a name of its own; returns its id.
    pub(crate) async fn start_campaign(
        &self,
        name: &str,
        route: &ActiveRoute,
        number: &str,
        filled: &FilledTemplate,
    ) -> Result<String, Error> {
        const START_CAMPAIGN: &str = "send an active message";
        let campaign = template::to_campaign(name, route, number, filled);
        let command = envelope::start_campaign(&new_request_id(), &campaign);
        let answer = self.transport.send_command(START_CAMPAIGN, &command).await?;
        // Without an id nobody can ask what became of it, and it may have been sent and paid for:
        // so it is looked up by its name, and not sent again (`a_template_is_paid_for_once`).
        answer.and_then(|campaign| get_text(&campaign, "id")).ok_or_else(|| Error::OutcomeUnknown {
            operation: START_CAMPAIGN,
            what: "no campaign".to_owned(),
        })
    }

    /// The id of the active message with this name, if it is among the newest ones.
    pub(crate) async fn find_campaign(&self, name: &str) -> Result<Option<String>, Error> {
        let command = envelope::get_campaigns(&new_request_id(), MAX_PAGE_SIZE);
        let found = self
            .transport
            .send_command("read active messages", &command)
            .await?
            .unwrap_or_default();
        // By the name, which is derived from the event and so the same at each try.
        let is_it = |campaign: &&Value| get_text(campaign, "name").is_some_and(|it| it == name);
        let found = lenient::get_list(&found, "items").iter().find(is_it);
        Ok(found.and_then(|campaign| get_text(campaign, "id")))
    }

    /// Why an active message has failed, as a receipt, if it has.
    pub(crate) async fn fetch_campaign_receipts(
        &self,
        ticket: &TicketId,
        campaign: &str,
    ) -> Result<Vec<ReceiptDocument>, Error> {
        let command = envelope::get_campaign_summary(&new_request_id(), campaign);
        let summaries = fetch_entries(&self.transport, "read an active message", &command).await?;
        let failure = summaries.iter().find_map(template::parse_campaign_failure);
        let failed = failure.and_then(|(code, description)| {
            let told = json!({"event": "failed",
                "reason": {"code": code, "description": description}});
            envelope::build_receipt(ticket.blip_id(), campaign, &told)
        });
        Ok(failed.map(ReceiptDocument::new).into_iter().collect())
    }
}
