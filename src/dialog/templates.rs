//! Templates of WhatsApp: choosing one, filling it in and seeing how it will be read.

use std::sync::Arc;

use super::bot_lists::{BotLists, FIRST_VIEW_DEADLINE};
use super::lists::TemplateStock;
use crate::locale::Texts;
use crate::model::{Ticket, TicketId};
use crate::slack::dialog::TemplateDraft;
use crate::slack::{SlackView, SlackViewSubmissionResponse, modal, template};

pub(crate) struct TemplateDialogs {
    pub(crate) lists: Arc<BotLists>,
}

impl TemplateDialogs {
    /// The ticket to which templates can be sent, if they can.
    pub(super) fn find_offer<'a>(&self, ticket: &'a Ticket) -> Option<&'a TicketId> {
        let has_router = self.lists.router_of(ticket.id.bot()).is_some();
        (has_router && ticket.customer.whatsapp_identity().is_some()).then_some(&ticket.id)
    }

    /// Asks for a template, or says why none can be sent.
    pub(super) async fn build_template_view(
        &self,
        ticket: &Ticket,
        chosen: Option<&str>,
        texts: &Texts,
    ) -> SlackView {
        let notice = |key: &str| modal::build_notice(&texts.text(key, &[]), texts);
        let Some(router) = self.lists.router_of(ticket.id.bot()) else {
            return notice("templates-no-key");
        };
        if ticket.customer.whatsapp_identity().is_none() {
            return notice("templates-no-whatsapp");
        }
        let Some(id) = chosen else {
            return match self.lists.lists.count_templates(router, FIRST_VIEW_DEADLINE).await {
                TemplateStock::Some => template::build_template_dialog(ticket, None, texts),
                TemplateStock::None => notice("templates-none"),
                TemplateStock::Forbidden => notice("templates-not-allowed"),
                TemplateStock::Unknown => notice("templates-unavailable"),
            };
        };
        let found = self.lists.lists.find_template(router, id).await;
        template::build_template_dialog(ticket, found.as_ref(), texts)
    }

    /// What comes of a template whose variables are filled in: how the customer will read it.
    pub(super) async fn preview_draft(
        &self,
        drafted: &TemplateDraft,
        ticket: &Ticket,
        texts: &Texts,
    ) -> SlackViewSubmissionResponse {
        let chosen = match self.lists.router_of(drafted.ticket.bot()) {
            Some(router) => self.lists.lists.find_template(router, &drafted.template).await,
            None => None,
        };
        match chosen {
            Some(chosen)
                // The campaign takes values by number only (`blip.md`, additions §1.3).
                if drafted.ticket.active_target().is_some() && !chosen.has_only_places() =>
            {
                template::refuse_choice("active-wrong-template", texts)
            }
            Some(chosen) => {
                template::answer_template_draft(ticket, &chosen, &drafted.typed, texts)
            }
            None => template::refuse_choice("templates-gone", texts),
        }
    }
}
