//! What comes of the first page of a dialog, and of a search in one of its lists.

use std::sync::Arc;
use std::time::Duration;

use super::bot_lists::BotLists;
use super::templates::TemplateDialogs;
use super::tickets::TicketLookup;
use super::unread::UnreadWords;
use super::viewer::{Viewer, Viewers};
use crate::model::{MessageTs, TicketId};
use crate::slack::choices::build_options;
use crate::slack::dialog::{CloseDraft, OfferDraft, OptionSearch, TemplateDraft};
use crate::slack::modal::CloseForm;
use crate::slack::requester::Requester;
use crate::slack::{
    AgentStatus, SlackBlockSuggestionResponse, SlackViewSubmissionResponse, compose, modal,
    template,
};

/// How long it takes at most to find out what is to be asked before a close, of Slack's 3 s.
const CLOSE_CHECK_DEADLINE: Duration = Duration::from_secs(2);

/// Answers what is chosen and filled in while a dialog is open.
pub(crate) struct Drafts {
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) tickets: Arc<TicketLookup>,
    pub(crate) lists: Arc<BotLists>,
    pub(crate) templates: Arc<TemplateDialogs>,
    pub(crate) unread: Arc<UnreadWords>,
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
            let (title, texts) = ("dialog-compose", &reader.texts);
            let notice = modal::build_window_closed_view(title, &ticket, offer, texts);
            return compose::replace_view(notice);
        }
        let holder = self.tickets.find_other_holder(&drafted.ticket, &drafted.by.user).await;
        let drafted_offer = (&drafted.offer, holder.as_deref());
        match self.tickets.load_ticket_or_draft(&drafted.ticket).await {
            Ok(Some(ticket)) => compose::answer_draft(&ticket, drafted_offer, &reader.texts),
            Ok(None) | Err(_) => compose::refuse_unreadable_ticket(&reader.texts),
        }
    }

    /// What comes of a first page by somebody who may not send. Who is not known is looked up again
    /// before anything is sent.
    async fn refuse_draft(
        &self,
        by: &Requester,
        reader: &Viewer,
        ticket: &TicketId,
    ) -> Option<SlackViewSubmissionResponse> {
        let status = self.check_agent_status(by, reader, ticket).await;
        let key = status.and_then(AgentStatus::refusal_key)?;
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
        match self.tickets.load_ticket_or_draft(&drafted.ticket).await {
            Ok(Some(ticket)) => self.templates.preview_draft(drafted, &ticket, &reader.texts).await,
            Ok(None) | Err(_) => template::refuse_choice("home-unavailable", &reader.texts),
        }
    }

    /// Asks whether a ticket is to be closed all the same, if it is too late for its farewell, as the
    /// window may have closed while that was written, or if its customer has said something that is
    /// not shown yet. Nothing to ask otherwise, nor if it cannot be found out in time: the lane looks
    /// once more, and the thread asks.
    pub(crate) async fn ask_before_close(
        &self,
        close: &CloseDraft,
    ) -> Option<SlackViewSubmissionResponse> {
        tokio::time::timeout(CLOSE_CHECK_DEADLINE, self.build_close_question(close)).await.ok()?
    }

    async fn build_close_question(
        &self,
        close: &CloseDraft,
    ) -> Option<SlackViewSubmissionResponse> {
        // Answered while the dialog is open: as an event it could only be refused, and the words be
        // lost.
        let now = self.tickets.clock.now();
        let mut ticket = self.tickets.find_open_ticket(&close.ticket).await?;
        let is_late = ticket.is_window_closed(now);
        // Slack tells no time of what is handed in: it is now.
        let unread = self.unread.count_unread(&ticket.id, &MessageTs::from_time(now)).await;
        let is_unread = unread > 0 && !close.is_confirmed;
        let is_too_late = is_late && close.farewell.is_some();
        if !(is_unread || is_too_late) {
            return None;
        }
        // What was chosen on the first page stands on the second.
        if let Some(tags) = &close.tags {
            ticket.tags.clone_from(tags);
        }
        let texts = self.viewers.load_viewer(&close.by).await.texts;
        let is_tag_needed = self.lists.is_tag_needed(&ticket).await;
        let farewell = close.farewell.as_deref();
        let form = CloseForm { is_tag_needed, farewell, is_late, unread };
        Some(compose::replace_view(modal::build_close_dialog(&ticket, &form, &texts)))
    }

    /// The options of a list as Slack wants them; none if Blip does not tell in time, or for who is
    /// not known to be an agent.
    #[tracing::instrument(level = "error", name = "search_options", skip_all)]
    pub(crate) async fn search_options(
        &self,
        search: &OptionSearch,
    ) -> SlackBlockSuggestionResponse {
        let reader = self.viewers.load_viewer(&search.by).await;
        let status = self.check_agent_status(&search.by, &reader, &search.ticket).await;
        // Names of agents, tags and replies are for the team: an outsider in the channel sees none.
        if !status.is_some_and(AgentStatus::is_agent) {
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
