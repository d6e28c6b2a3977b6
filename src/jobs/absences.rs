//! Direct messages to agents who are away while a customer of theirs writes: one for each ticket, as
//! long as nobody answers, and only to who has asked for it on their home tab.
//!
//! What the customer wrote is not repeated: it would stay there when the customer is erased.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::people::People;
use crate::handlers::posts::{Posts, ThreadPost};
use crate::inbox::{Absence, Handled, Handling, ItemOutcome};
use crate::model::{Failure, Fault, PersonalSwitch, SlackUserId, Ticket};
use crate::slack::{SlackClient, home, presence};
use crate::store::switches;

/// Tells holders who are away that a customer waits.
pub(crate) struct Absences {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) people: Arc<People>,
}

impl Absences {
    /// Tells the holder of a ticket by direct message that its customer waits, if they are away. Once
    /// that is done, the key of the job keeps the customer's next words from telling it again.
    pub(crate) async fn tell_absent_holder(
        &self,
        item: &Handling,
        absence: &Absence,
    ) -> HandlerResult {
        let not_told = Handled::for_first_item(ItemOutcome::Forgotten);
        let Some(ticket) = self.calls.load_ticket(item, &absence.ticket).await? else {
            return Ok(not_told);
        };
        // What was begun is found or made again, whatever is so by now.
        let is_due = item.has_begun_calls
            || is_still_so(&ticket, absence) && self.is_away(&absence.agent).await?;
        if !is_due {
            return Ok(not_told);
        }
        match self.send_message(item, &ticket, &absence.agent).await {
            // Who has left, or an app that was not granted it yet: the thread has everything.
            Err(Interrupt::Call { fault: Fault::Refused { .. } | Fault::Credentials, error }) => {
                tracing::warn!(error, "somebody has no direct message");
                Ok(not_told)
            }
            sent => sent.map(|()| Handled::for_first_item(ItemOutcome::Done)),
        }
    }

    async fn send_message(
        &self,
        item: &Handling,
        ticket: &Ticket,
        agent: &SlackUserId,
    ) -> PipeResult<()> {
        if !presence::may_send_direct_messages(&self.slack) {
            return Ok(());
        }
        let channel = presence::open_direct_channel(&self.slack, agent).await?;
        let texts = self.people.texts_for(agent).await;
        let address = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
        let (text, blocks) =
            home::describe_move("direct-waiting", ticket, address.as_deref(), &texts);
        let post = ThreadPost { text, blocks, ..ThreadPost::from_line("") };
        self.posts.post_to_channel(item, &channel, "direct", post).await
    }

    /// Whether somebody is away: by their own word, by the hours that they have set, or as Slack sees
    /// it. Where Slack does not tell, they are taken to be there: nothing is lost, as it is in the
    /// thread.
    async fn is_away(&self, agent: &SlackUserId) -> PipeResult<bool> {
        let pause = PersonalSwitch::Pause;
        if switches::read_switch(&*self.calls.store, pause, agent).await?.is_some() {
            return Ok(true);
        }
        let users = [agent.clone()];
        let undisturbed = presence::list_undisturbed(&self.slack, &users).await;
        if undisturbed.is_ok_and(|undisturbed| !undisturbed.is_empty()) {
            return Ok(true);
        }
        let active = presence::is_active(&self.slack, agent).await;
        if let Err(error) = &active {
            tracing::debug!(fault = error.to_fault().name(), "slack does not tell who is there");
        }
        Ok(active.is_ok_and(|is_active| !is_active))
    }
}

/// Whether the customer still waits for the same person, and since the same time.
fn is_still_so(ticket: &Ticket, absence: &Absence) -> bool {
    let is_theirs = ticket.holder().is_some_and(|holder| holder.user == absence.agent);
    let since = ticket.unanswered.map(jiff::Timestamp::as_millisecond);
    is_theirs && since == Some(absence.since)
}
