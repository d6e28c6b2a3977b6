//! Word of an event that was parked: in its ticket's thread, with a way out.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::{ParkedEvent, ReplyJob};
use crate::locale::Texts;
use crate::model::Button;
use crate::slack::{card, parse};
use crate::store::{Item, Lane};

/// Tells people of parked events.
pub(crate) struct ParkedNotices {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
}

impl ParkedNotices {
    /// Shows a parked item in its ticket's thread, or in the channel if it has none, with a way out.
    pub(crate) async fn post_parked_item(
        &self,
        item: &Item,
        lane: &str,
        parked: &ParkedEvent,
    ) -> PipeResult<()> {
        let Some(id) = Lane::ticket_of(&parked.lane) else { return Ok(()) };
        let reason = self.texts.reason_text(&parked.reason);
        let text = self.texts.text(choose_text(parked), &[("reason", &reason)]);
        let answers = [Button::Retry(parked.item), Button::Skip(parked.item)];
        let blocks = card::build_question(&text, &answers, &id, &self.texts);
        let post = ThreadPost { blocks, ..ThreadPost::from_line(&text) };
        let ticket = self.calls.store.load_ticket(&id).await?;
        let Some(ticket) = ticket.filter(|ticket| ticket.thread.is_some()) else {
            return self.threads.post_to_default_channel(item, lane, "parked", post).await;
        };
        self.threads.post_from_job(item, lane, "parked", &ticket, &post).await
    }
}

/// What is said of it: a reply that did not go out is worth other words than a move.
fn choose_text(parked: &ParkedEvent) -> &'static str {
    let key = &parked.key;
    match parked.by_agent {
        true if parse::is_message(key) || ReplyJob::is_send(key) => "thread-not-sent",
        true => "thread-parked-move",
        false => "thread-parked",
    }
}
