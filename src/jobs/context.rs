//! What was said before the handoff, as one message in the thread.

use crate::inbox::Handling;
use std::sync::Arc;
use std::time::Duration;

use crate::blip::BlipClient;
use crate::blip::parse::ThreadMessage;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::locale::Texts;
use crate::model::{SaidMessage, Speaker, Ticket, TicketId};
use crate::slack::render::{self, AgentNames};
use crate::store::Role;

/// When a job looks again for a ticket whose card is still on its way.
pub(crate) const CONTEXT_RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Shows what bot and customer said before.
pub(crate) struct ContextPosts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
    pub(crate) context_messages: u32,
}

impl ContextPosts {
    /// Posts what was said before the handoff as one message. Failing to learn it is no failure.
    pub(crate) async fn post_context(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let take = self.context_messages;
        // An erased customer's words must not come back by a look into Blip's history.
        if self.calls.store.erased_at(id).await?.is_some() {
            return Ok(());
        }
        let Some(ticket) = self.calls.load_ticket(item, id).await? else {
            return Err(Interrupt::Wait(self.calls.clock.now() + CONTEXT_RETRY_PAUSE));
        };
        if take == 0 || ticket.customer.identity.is_empty() || ticket.is_closed() {
            return Ok(());
        }
        let bot = self.bots.require_bot(id)?;
        let history = bot.fetch_history(&ticket.customer.identity, take).await;
        let history = match history {
            Ok(history) => history,
            Err(error) => {
                tracing::warn!(%error, "the thread goes without its context");
                return Ok(());
            }
        };
        let lines = history_lines(history, &ticket);
        let names = fetch_agent_names(bot, &lines).await;
        let Some(text) = render::render_context(&lines, &names, &self.texts) else {
            return Ok(());
        };
        if ticket.thread.is_none() {
            return Ok(());
        }
        let post = ThreadPost { role: Role::Note, ..ThreadPost::from_line(&text) };
        self.threads.post_from_job(item, "context", &ticket, &post).await
    }
}

/// What the agents who said something are called; without a word of theirs nobody is asked for.
async fn fetch_agent_names(bot: &BlipClient, said: &[SaidMessage]) -> AgentNames {
    if !said.iter().any(|said| matches!(said.by, Speaker::Agent(Some(_)))) {
        return AgentNames::new();
    }
    // Their addresses tell who it was if need be.
    let agents = bot.desk.fetch_agents().await.unwrap_or_default();
    agents.into_iter().map(|agent| (agent.identity.to_ascii_lowercase(), agent.name)).collect()
}

/// Oldest first, and only what was said before the ticket.
pub(crate) fn history_lines(mut history: Vec<ThreadMessage>, ticket: &Ticket) -> Vec<SaidMessage> {
    history.retain(|message| message.date.is_none_or(|date| date <= ticket.opened));
    // The newest come first; messages of the same instant keep that order, turned around.
    history.reverse();
    history.sort_by_key(|message| message.date);
    history.into_iter().map(ThreadMessage::into_said).collect()
}
