//! Tickets that somebody who leads the team takes off standby at Blip.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::{CardJob, Handling};
use crate::locale::Texts;
use crate::model::TicketId;
use crate::slack::rich_text::Mention;

/// Shows that tickets are on standby no longer.
pub(crate) struct StandbyEnds {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
}

impl StandbyEnds {
    /// A ticket was taken off standby at Blip: its holder is told, since Blip may close it now.
    pub(crate) async fn handle_standby_end(
        &self,
        item: &Handling,
        id: &TicketId,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        if !ticket.is_on_standby {
            return Ok(());
        }
        let post = match ticket.holder() {
            Some(holder) => {
                let agent = Mention::User(holder.user.clone());
                let (key, mentions) = ("thread-standby-ended-for-you", [("agent", &agent)]);
                ThreadPost::from_text(&self.texts, key, &[], &mentions)
            }
            None => ThreadPost::from_line(&self.texts.text("thread-standby-ended-elsewhere", &[])),
        };
        self.threads.post_when_due(item, "on-standby", &mut ticket, &post).await?;
        ticket.is_on_standby = false;
        ticket.revision += 1;
        self.calls.put_ticket(item, &mut ticket).await?;
        let now = self.calls.clock.now();
        Ok(self.calls.enqueue_item(item, CardJob::update_card(&ticket, now)).await?)
    }
}
