//! What became of a reply, as Blip tells it: a tick, or a line with the reason if it will not arrive.

use std::sync::Arc;

use crate::blip::envelope;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::inbox::Job;
use crate::locale::Texts;
use crate::model::{Button, ReceiptKind, Ticket, TicketEnding, TicketId, TicketState, marks};
use crate::slack::card;
use crate::store::{Item, Link, Role};

/// Shows receipts.
pub(crate) struct Receipts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) pushed: Arc<PushedReceipts>,
    pub(crate) texts: Texts,
}

impl Receipts {
    /// Blip tells what became of a reply: a tick, or a line if it will not arrive.
    pub(crate) async fn handle_receipt(
        &self,
        item: &Item,
        id: &TicketId,
        message: &str,
        kind: ReceiptKind,
        reason: Option<(i64, String)>,
    ) -> PipeResult<()> {
        if !envelope::is_requested_receipt(&item.body) {
            self.pushed.note_pushed_receipt(id);
        }
        let links = self.calls.store.links_of(id, message).await?;
        let Some(link) = links.first().filter(|link| link.role.is_sent()) else {
            return Ok(());
        };
        let mark = match kind {
            ReceiptKind::Accepted => return Ok(()),
            ReceiptKind::Received => marks::RECEIVED_MARK,
            ReceiptKind::Consumed => marks::READ_MARK,
            ReceiptKind::Failed => {
                return self.post_undelivered(item, link, message, reason).await;
            }
        };
        if link.role == Role::PartOfReply {
            // The mark would say that the customer has all of it.
            return Ok(());
        }
        let mark = Job::add_reaction(&link.channel, &link.ts, mark, true, self.calls.clock.now());
        Ok(self.calls.enqueue_item(mark).await?)
    }

    /// A reply will not arrive: everybody in the thread reads why, and may try again.
    async fn post_undelivered(
        &self,
        item: &Item,
        link: &Link,
        message: &str,
        reason: Option<(i64, String)>,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.store.load_ticket(&link.ticket).await? else {
            return Ok(());
        };
        let mut line = match &reason {
            None if ticket.is_closed() => {
                let reason = self.texts.reason_text("ticket_closed");
                self.texts.text("thread-not-delivered", &[("reason", &reason)])
            }
            reason => {
                let reason = reason.as_ref().map(|(code, said)| (*code, said.as_str()));
                self.texts.undelivered_text(reason)
            }
        };
        let answers = match resend_refusal_key(&ticket, link) {
            None => vec![Button::Resend(message.to_owned())],
            Some(why) => {
                line = format!("{line} {}", self.texts.text(why, &[]));
                Vec::new()
            }
        };
        let blocks = card::build_question(&line, &answers, &ticket.id, &self.texts);
        let post = ThreadPost { blocks, ..ThreadPost::from_line(&line) };
        self.threads.post_when_due(item, "undelivered", &mut ticket, &post).await.map(drop)
    }
}

/// Why what did not arrive cannot be sent again, as a text's key.
pub(crate) fn resend_refusal_key(ticket: &Ticket, link: &Link) -> Option<&'static str> {
    match &ticket.state {
        TicketState::Closed { ending: TicketEnding::Transferred, .. } => {
            Some("undelivered-went-on")
        }
        TicketState::Closed { .. } => Some("undelivered-closed"),
        // A menu or a place cannot be read from what the thread shows of it.
        TicketState::Unclaimed | TicketState::Claimed { .. } if link.user.is_none() => {
            Some("undelivered-offer")
        }
        TicketState::Unclaimed | TicketState::Claimed { .. } => None,
    }
}
