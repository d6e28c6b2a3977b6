//! A canned reply as the customer will read it.

use std::sync::Arc;

use super::bot_lists::{BotLists, FIRST_VIEW_DEADLINE};
use super::variables::VariableSource;
use super::viewer::Viewer;
use crate::blip::desk::CannedBody;
use crate::blip::offer;
use crate::clock::Clock;
use crate::locale::Texts;
use crate::model::{Offer, Ticket, canned};
use crate::slack::{SlackView, modal, render};

/// Shows canned replies, filled in.
pub(crate) struct CannedPreviews {
    pub(crate) lists: Arc<BotLists>,
    pub(crate) texts: Texts,
    pub(crate) clock: Clock,
}

impl CannedPreviews {
    /// A canned reply as the customer will read it.
    pub(super) async fn preview_reply(
        &self,
        ticket: &Ticket,
        reader: &Viewer,
        id: &str,
    ) -> SlackView {
        // At the same time: together they have the 3 s of the trigger.
        let (reply, contact) = tokio::join!(
            async { self.lists.lists.find_canned_reply(self.lists.bot_of(ticket)?, id).await },
            self.lists.fetch_contact(ticket, FIRST_VIEW_DEADLINE),
        );
        let Some(reply) = reply else {
            return modal::build_reply_dialog(ticket, None, &reader.texts);
        };
        // What has no value vanishes (`fill_variables`); the agent reads what is left before it goes out.
        let contact = contact.unwrap_or_default();
        let agent = reader.profile.clone().unwrap_or_default();
        let source = VariableSource {
            contact: &contact,
            ticket,
            agent: &agent,
            texts: &self.texts,
            now: self.clock.now(),
        };
        let fill = |text: &str| canned::fill_variables(text, |name| source.resolve(name));
        match &reply.body {
            CannedBody::Words(words) => {
                modal::build_reply_dialog(ticket, Some((id, &fill(words))), &reader.texts)
            }
            CannedBody::Document { kind, content } => {
                let content = offer::fill_document(content, &fill);
                let offer = Offer::Document { kind: kind.clone(), content };
                let shown = render::render_content(&offer::read_offer(&offer), &reader.texts);
                let shown = shown.unwrap_or_default();
                modal::build_canned_view(ticket, (&offer, &shown), &reader.texts)
            }
        }
    }
}
