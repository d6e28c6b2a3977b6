//! What comes of the first page of a dialog, and of a search in one of its lists.

use std::sync::Arc;

use super::bot_lists::BotLists;
use super::templates::TemplateDialogs;
use super::tickets::TicketLookup;
use super::viewer::{Viewer, Viewers};
use crate::model::TicketId;
use crate::slack::choices::build_options;
use crate::slack::dialog::{FarewellDraft, OfferDraft, OptionSearch, TemplateDraft};
use crate::slack::requester::Requester;
use crate::slack::{
    AgentStatus, SlackBlockSuggestionResponse, SlackViewSubmissionResponse, compose, modal,
};

/// Answers what is chosen and filled in while a dialog is open.
pub(crate) struct Drafts {
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) tickets: Arc<TicketLookup>,
    pub(crate) lists: Arc<BotLists>,
    pub(crate) templates: Arc<TemplateDialogs>,
}

impl Drafts {
    /// What comes of the first page of a dialog that has two.
    pub(crate) async fn build_second_page(
        &self,
        drafted: &OfferDraft,
    ) -> SlackViewSubmissionResponse {
        let reader = self.viewers.load_viewer(&drafted.by).await;
        if let Some(refusal) = self.refuse_draft(&drafted.by, &reader, &drafted.ticket).await {
            return refusal;
        }
        if let Some(ticket) = self.tickets.find_late_ticket(&drafted.ticket).await {
            let offer = self.templates.find_offer(&ticket);
            let notice = modal::build_window_closed_view("dialog-compose", offer, &reader.texts);
            return compose::replace_view(notice);
        }
        let holder = self.tickets.find_other_holder(&drafted.ticket, &drafted.by.user).await;
        let drafted_offer = (&drafted.offer, holder.as_deref());
        compose::answer_draft(&drafted.ticket, drafted_offer, &reader.texts)
    }

    /// What comes of a first page by somebody who may not send. Who is not known is looked up again
    /// before anything is sent.
    async fn refuse_draft(
        &self,
        by: &Requester,
        reader: &Viewer,
        ticket: &TicketId,
    ) -> Option<SlackViewSubmissionResponse> {
        let standing = self.check_agent_status(by, reader, ticket).await;
        let key = standing.and_then(AgentStatus::refusal_key)?;
        let notice = modal::build_notice(&reader.texts.text(key, &[]), &reader.texts);
        Some(compose::replace_view(notice))
    }

    /// What comes of a template whose variables are filled in: how the customer will read it.
    pub(crate) async fn preview_template(
        &self,
        drafted: &TemplateDraft,
    ) -> SlackViewSubmissionResponse {
        let reader = self.viewers.load_viewer(&drafted.by).await;
        if let Some(refusal) = self.refuse_draft(&drafted.by, &reader, &drafted.ticket).await {
            return refusal;
        }
        self.templates.preview_draft(drafted, &reader.texts).await
    }

    /// Asks whether a ticket is to be closed without a farewell, if it is too late for one: the
    /// window may have closed while it was written. Nothing to ask otherwise.
    pub(crate) async fn ask_about_farewell(
        &self,
        farewell: &FarewellDraft,
    ) -> Option<SlackViewSubmissionResponse> {
        // Answered while the dialog is open: as an event it could only be refused, and the words be
        // lost.
        let mut ticket = self.tickets.find_late_ticket(&farewell.ticket).await?;
        // What was chosen on the first page stands on the second.
        ticket.tags.clone_from(&farewell.tags);
        let texts = self.viewers.load_viewer(&farewell.by).await.texts;
        let is_tag_needed = self.lists.is_tag_needed(&ticket).await;
        let words = Some(farewell.words.as_str());
        let view = modal::build_close_without_farewell(&ticket, words, is_tag_needed, &texts);
        Some(compose::replace_view(view))
    }

    /// The options of a list as Slack wants them; none if Blip does not tell in time, or for who is
    /// not known to be an agent.
    #[tracing::instrument(level = "error", name = "search_options", skip_all)]
    pub(crate) async fn search_options(
        &self,
        search: &OptionSearch,
    ) -> SlackBlockSuggestionResponse {
        let reader = self.viewers.load_viewer(&search.by).await;
        let standing = self.check_agent_status(&search.by, &reader, &search.ticket).await;
        // Names of agents, tags and replies are for the team: an outsider in the channel sees none.
        if !standing.is_some_and(AgentStatus::is_agent) {
            return build_options(&[], "");
        }
        let known = self.tickets.load_ticket_or_draft(&search.ticket).await;
        let team = known.ok().flatten().and_then(|ticket| ticket.team);
        self.lists.search_options(search, team.as_deref(), &reader.texts).await
    }

    /// Whether somebody may answer a ticket's customer; `None` if that cannot be found out in time.
    async fn check_agent_status(
        &self,
        by: &Requester,
        viewer: &Viewer,
        ticket: &TicketId,
    ) -> Option<AgentStatus> {
        match self.tickets.load_ticket_or_draft(ticket).await {
            Ok(ticket) => self.viewers.check_agent_status(&by.user, viewer, &ticket?).await,
            Err(error) => {
                tracing::warn!(ticket.id = %ticket, %error, "a ticket could not be read");
                None
            }
        }
    }
}
