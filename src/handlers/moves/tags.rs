//! Replacing the tags of a ticket.

use std::sync::Arc;

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::inbox::Job;
use crate::model::{Move, Ticket};
use crate::store::Item;

/// Tags tickets.
pub(crate) struct Tags {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
}

impl Tags {
    /// Replaces a ticket's tags.
    pub(crate) async fn tag_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        tags: &[String],
    ) -> PipeResult<MoveOutcome> {
        let bot = self.bots.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| snapshot.tags == tags).map(drop))
        };
        match self.calls.call_once(item, "tag", None, look, bot.tag_ticket(&ticket.id, tags)).await
        {
            Ok(()) => {
                ticket.tags = tags.to_vec();
                ticket.revision += 1;
                self.calls.store.put_ticket(ticket).await?;
                self.calls.enqueue_item(Job::update_card(ticket, self.calls.clock.now())).await?;
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let r#move = Move::Tag(tags.to_vec());
                self.transitions.handle_refused_move(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }
}
