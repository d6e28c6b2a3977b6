//! What people are answered on the spot: dialogs and the options of their lists, commands, home
//! tabs.
//!
//! Slack wants an answer within 3 s, so nothing here waits for long: what the store knows is shown
//! at once, and what only Blip knows gets a short time; if that is not enough the dialog opens
//! empty and is filled in later. Nothing changes here but what people set for themselves
//! ([`switches`]): what is filled in comes back as an event.

pub(crate) mod bot_lists;
pub(crate) mod canned;
pub(crate) mod commands;
pub(crate) mod drafts;
mod error;
pub(crate) mod home_tabs;
mod lead;
mod lists;
pub(crate) mod pages;
pub(crate) mod switches;
pub(crate) mod templates;
pub(crate) mod tickets;
mod unopened;
pub(crate) mod unread;
mod variables;
pub(crate) mod viewer;
pub(crate) mod views;
pub(crate) mod visible_tickets;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::model::{Failure, Ticket};
use crate::slack::dialog::{DialogRequest, ViewTarget};
use crate::slack::ids::Dialog;
use crate::slack::{SlackClient, SlackView, modal};

use bot_lists::FIRST_VIEW_DEADLINE;
use error::Error;
pub(crate) use lead::LeadBoard;
pub(crate) use lists::ChoiceCache;
use pages::TicketPages;
use tickets::TicketLookup;
use unopened::ask_to_try_again;
use viewer::{Viewer, Viewers};
use views::DialogViews;

/// How long opening a dialog may take altogether: Slack waits for 3 s.
const SLACK_DIALOG_DEADLINE: Duration = Duration::from_millis(2700);

pub(crate) struct Dialogs {
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) tickets: Arc<TicketLookup>,
    pub(crate) views: Arc<DialogViews>,
    pub(crate) pages: Arc<TicketPages>,
    pub(crate) slack: Arc<SlackClient>,
    /// On which work goes on after the answer.
    pub(crate) tasks: TaskTracker,
}

impl Dialogs {
    /// Opens the dialog that somebody asks for, or one that says why not; if it is only for now
    /// that Slack opens none, they are told to ask again.
    ///
    /// Returns whether Slack opens dialogs at all.
    #[tracing::instrument(level = "error", name = "open_dialog", skip_all)]
    pub(crate) async fn open_dialog(&self, asked: &DialogRequest) -> bool {
        match tokio::time::timeout(SLACK_DIALOG_DEADLINE, self.try_open_dialog(asked)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(dialog = asked.dialog.name(), %error, "a dialog could not be opened");
                let is_for_now = match &error {
                    Error::Slack(error) => {
                        error.is_expired_trigger() || !error.is_lookup_impossible()
                    }
                    Error::Unknown | Error::Store(_) => true,
                };
                if is_for_now {
                    self.suggest_retry(asked).await;
                }
                is_for_now
            }
            Err(_) => {
                tracing::warn!(dialog = asked.dialog.name(), "a dialog may have opened too late");
                self.suggest_retry(asked).await;
                true
            }
        }
    }

    async fn suggest_retry(&self, asked: &DialogRequest) {
        let texts = self.viewers.load_viewer(&asked.by).await.texts;
        let Some(url) = &asked.response_url else {
            let (slack, tickets) = (Arc::clone(&self.slack), Arc::clone(&self.tickets));
            let (by, about) = (asked.by.user.clone(), asked.about.clone());
            // Slack waits for our answer, and may have waited for long.
            self.tasks.spawn(async move {
                let ticket = tickets.find_ticket(&about).await.ok().flatten();
                ask_to_try_again(&slack, (&by, &texts), ticket.as_ref()).await;
            });
            return;
        };
        let text = texts.text("ask-again", &[]);
        if let Err(error) = self.slack.respond_to_action(url, false, &text, &[]).await {
            tracing::warn!(dialog = asked.dialog.name(), %error, "its asker could not be told");
        }
    }

    async fn try_open_dialog(&self, asked: &DialogRequest) -> Result<(), Error> {
        let viewer = self.viewers.load_viewer(&asked.by).await;
        let ticket = self.tickets.find_ticket(&asked.about).await?;
        let Some(ticket) = ticket else {
            return self.show_notice(asked, &viewer, "ask-no-ticket").await;
        };
        if let Some(obstacle) = self.find_obstacle(asked, &viewer, &ticket).await {
            return self.show_notice(asked, &viewer, obstacle).await;
        }
        match self.views.build_view(&asked.dialog, (&asked.by.user, &viewer), &ticket).await {
            Some(view) => self.show_view(asked, &view).await,
            None => self.show_or_update_view(asked, ticket, viewer).await,
        }
    }

    /// Why somebody may not have a dialog, as a text's key.
    async fn find_obstacle(
        &self,
        asked: &DialogRequest,
        reader: &Viewer,
        ticket: &Ticket,
    ) -> Option<&'static str> {
        let changes = !matches!(asked.dialog, Dialog::History | Dialog::Details);
        match self.viewers.check_agent_status(&asked.by.user, reader, ticket).await {
            Some(status) if !status.is_agent() => status.refusal_key(),
            // Who is not known is looked up again before anything changes, but shown nothing.
            None if !changes
                || matches!(asked.dialog, Dialog::Reply(Some(_)) | Dialog::Contact) =>
            {
                Some("home-unavailable")
            }
            // The contact outlives the ticket.
            _ if matches!(asked.dialog, Dialog::Contact | Dialog::Comment(_)) => None,
            _ if changes && ticket.is_closed() => Some(ticket.closed_text_key()),
            _ => None,
        }
    }

    async fn show_notice(
        &self,
        asked: &DialogRequest,
        reader: &Viewer,
        key: &str,
    ) -> Result<(), Error> {
        let text = reader.texts.text(key, &[]);
        self.show_view(asked, &modal::build_notice(&text, &reader.texts)).await
    }

    async fn show_view(&self, asked: &DialogRequest, view: &SlackView) -> Result<(), Error> {
        match &asked.place {
            ViewTarget::New(trigger) => self.slack.open_view(trigger, view).await.map(drop)?,
            ViewTarget::Over(open) => self.slack.update_view(open, view).await?,
        }
        Ok(())
    }

    /// Shows what is read from Blip, at once if Blip is quick.
    async fn show_or_update_view(
        &self,
        asked: &DialogRequest,
        ticket: Ticket,
        reader: Viewer,
    ) -> Result<(), Error> {
        let (title, place) = match (&asked.dialog, &asked.place) {
            (Dialog::Details, place) => ("dialog-details", place),
            (Dialog::Contact, place) => ("dialog-contact", place),
            (_, place) => ("dialog-history", place),
        };
        let words = reader.texts.clone();
        let (pages, dialog) = (Arc::clone(&self.pages), asked.dialog.clone());
        // The same reading goes on after the dialog has opened: begun anew it would take as long
        // again.
        let mut page = Box::pin(async move { pages.build_page(&dialog, &ticket, &reader).await });
        if let Ok(view) = tokio::time::timeout(FIRST_VIEW_DEADLINE, &mut page).await {
            return self.show_view(asked, &view?).await;
        }
        let loading = modal::build_loading_view(title, &words);
        let open = match place {
            // Opened with nothing in it, as the trigger lives for 3 s only (`slack.md` C.4) and the
            // view that it opens may be filled in at any time.
            ViewTarget::New(trigger) => self.slack.open_view(trigger, &loading).await?,
            ViewTarget::Over(open) => open.clone(),
        };
        let slack = Arc::clone(&self.slack);
        self.tasks.spawn(async move {
            let filled = match page.await {
                Ok(view) => slack.update_view(&open, &view).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            if let Err(error) = filled {
                tracing::warn!(%error, "an open dialog could not be filled in");
            }
        });
        Ok(())
    }
}
