//! Word to an agent in Slack that a ticket was handed to them.

use crate::slack::members;
use crate::slack::rich_text::Mention;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::people::People;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::{Handling, TransferNotice};
use crate::locale::Texts;
use crate::slack::SlackClient;

/// How long the card of a ticket that follows is waited for before nobody is told of it.
pub(crate) const TRANSFER_NOTICE_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);

/// How soon it is looked for again.
pub(crate) const TRANSFER_NOTICE_PAUSE: Duration = Duration::from_millis(500);

/// Tells agents of tickets that were handed to them.
pub(crate) struct TransferNotices {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) people: Arc<People>,
    pub(crate) texts: Texts,
}

impl TransferNotices {
    /// Tells an agent in the thread of a ticket that it was handed to them, if Slack knows them.
    pub(crate) async fn post_transfer_notice(
        &self,
        item: &Handling,
        handed: &TransferNotice,
    ) -> PipeResult<()> {
        let now = self.calls.clock.now();
        let ticket = self.calls.load_ticket(item, &handed.ticket).await?;
        let thread = ticket.as_ref().and_then(|ticket| ticket.thread.clone());
        let (Some(ticket), Some(thread)) = (ticket, thread) else {
            // Its card is on its way; should it never come, nobody is to be told of it.
            return if now < item.received + TRANSFER_NOTICE_TIMEOUT {
                Err(Interrupt::Wait(now + TRANSFER_NOTICE_PAUSE))
            } else {
                Ok(())
            };
        };
        if ticket.is_closed() || ticket.holder().is_some() {
            return Ok(());
        }
        let args = [("agent", handed.by.as_str()), ("to", handed.name.as_str())];
        let Some(user) = self.people.find_slack_user(&handed.to).await? else {
            // Nobody would know that nobody was told.
            let post = ThreadPost::from_line(&self.texts.text("thread-handed-unknown", &args));
            return self.threads.post_from_job(item, "handed", &ticket, &post).await;
        };
        let post =
            if members::is_in_channel(&self.slack, &thread.channel, &user, item.received).await? {
                let line = self.texts.text("thread-handed", &[("agent", &handed.by)]);
                ThreadPost::with_mention(&Mention::User(user), &line)
            } else {
                ThreadPost::from_line(&self.texts.text("thread-handed-away", &args))
            };
        self.threads.post_from_job(item, "handed", &ticket, &post).await
    }
}
