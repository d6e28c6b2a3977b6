//! What a dialog asks for when it opens.

use std::sync::Arc;

use super::bot_lists::BotLists;
use super::canned::CannedPreviews;
use super::templates::TemplateDialogs;
use super::unread::UnreadWords;
use super::viewer::Viewer;
use crate::blip::text::{self, MentionNames, StyleMarks};
use crate::clock::Clock;
use crate::locale::Texts;
use crate::model::{SlackUserId, Ticket};
use crate::slack::ids::Dialog;
use crate::slack::modal::CloseForm;
use crate::slack::{SlackView, compose, contact, modal, mrkdwn};

/// Builds dialogs in which something is filled in.
pub(crate) struct DialogViews {
    pub(crate) lists: Arc<BotLists>,
    pub(crate) templates: Arc<TemplateDialogs>,
    pub(crate) canned: Arc<CannedPreviews>,
    pub(crate) unread: Arc<UnreadWords>,
    pub(crate) clock: Clock,
    /// Whether others than its holder may answer a ticket without being asked.
    pub(crate) anyone_may_reply: bool,
    /// How a message begins that stays in Slack.
    pub(crate) note_prefix: String,
}

impl DialogViews {
    /// The dialog that somebody asked for; none if it is a page that is only read.
    pub(super) async fn build_view(
        &self,
        dialog: &Dialog,
        (user, viewer): (&SlackUserId, &Viewer),
        ticket: &Ticket,
    ) -> Option<SlackView> {
        // While the dialog opens and is read, so that the list is there when it is pulled down.
        self.lists.preload_list(dialog, ticket);
        let texts = &viewer.texts;
        let is_late = ticket.is_window_closed(self.clock.now());
        let view = match dialog {
            Dialog::History | Dialog::Details | Dialog::Contact => return None,
            // Told before anything is typed (`what_cannot_be_sent_any_more_is_not_asked_for`).
            Dialog::Reply(_) if is_late => {
                return Some(self.build_late_view("dialog-reply", ticket, texts));
            }
            Dialog::Compose(_) if is_late => {
                return Some(self.build_late_view("dialog-compose", ticket, texts));
            }
            Dialog::Template(chosen) => {
                let chosen = chosen.as_deref();
                return Some(self.templates.build_template_view(ticket, chosen, texts).await);
            }
            Dialog::Comment(written) => {
                let written = written.as_deref().map(|written| self.read_note(written));
                return Some(contact::build_comment_dialog(ticket, written.as_deref(), texts));
            }
            Dialog::Close => {
                let (is_tag_needed, unread) = tokio::join!(
                    self.lists.is_tag_needed(ticket),
                    self.unread.count_waiting(&ticket.id),
                );
                let form = CloseForm { is_tag_needed, is_late, unread, farewell: None };
                modal::build_close_dialog(ticket, &form, texts)
            }
            Dialog::Transfer => modal::build_transfer_dialog(ticket, texts),
            Dialog::Tags => modal::build_tags_dialog(ticket, texts),
            Dialog::Reply(None) => modal::build_reply_dialog(ticket, None, texts),
            Dialog::Reply(Some(id)) => self.canned.preview_reply(ticket, viewer, id).await,
            Dialog::Compose(kind) => compose::build_offer_form(ticket, *kind, texts),
        };
        Some(self.say_what_will_happen(view, (dialog, user), ticket, texts))
    }

    /// What takes the place of a dialog for words that WhatsApp does not take any more.
    fn build_late_view(&self, title: &str, ticket: &Ticket, texts: &Texts) -> SlackView {
        let offer = self.templates.find_offer(ticket);
        modal::build_window_closed_view(title, ticket, offer, texts)
    }

    /// Adds to a dialog what stands in the way of it, or what it brings about besides: told before
    /// anything is typed.
    fn say_what_will_happen(
        &self,
        view: SlackView,
        (dialog, user): (&Dialog, &SlackUserId),
        ticket: &Ticket,
        texts: &Texts,
    ) -> SlackView {
        let sends = matches!(dialog, Dialog::Reply(_) | Dialog::Compose(_));
        match ticket.holder() {
            None if sends => modal::add_claim_notice(view, texts),
            Some(holder) if holder.user != *user => {
                // More than words are shown once more before they go out, and then it is asked.
                let asks = matches!(dialog, Dialog::Reply(_));
                match (sends, self.anyone_may_reply) {
                    (true, true) => view,
                    // The holder is not told of new tags; the card shows them.
                    (false, _) if *dialog == Dialog::Tags => {
                        modal::add_holder_name(view, &holder.name, texts)
                    }
                    _ => modal::add_holder(view, &holder.name, asks, texts),
                }
            }
            Some(_) | None => view,
        }
    }

    /// The words of a message, without what makes it a note.
    fn read_note(&self, written: &str) -> String {
        let words = text::write_plain_text(
            &mrkdwn::read_mrkdwn(written),
            &MentionNames::default(),
            &StyleMarks::for_domain(""),
        );
        words.strip_prefix(self.note_prefix.as_str()).unwrap_or(&words).trim().to_owned()
    }
}
