//! What customers thought of a ticket, which Blip tells once it is over: it is shown on the card.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::inbox::{CardJob, Handling};
use crate::model::text::{to_one_line, truncate_label};
use crate::model::{Content, Ticket, TicketSnapshot};

/// Most characters of a rating: it stands among others in a line of the card.
const RATING_CHARS: usize = 12;

/// Keeps what customers thought of tickets.
pub(crate) struct Ratings {
    pub(crate) calls: Arc<Calls>,
}

impl Ratings {
    /// Takes a rating from what Blip says of a ticket.
    pub(crate) async fn note_snapshot(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        // What the customer chose in a survey says out of how many, Blip's number does not.
        match snapshot.rating {
            Some(rating) if ticket.rating.is_none() => {
                self.note_rating(item, ticket, &rating.to_string()).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes a rating from what a customer says after the end; of several, the last counts.
    pub(crate) async fn note_answers<'c>(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        said: impl Iterator<Item = &'c Content>,
    ) -> PipeResult<()> {
        let score = said.filter_map(Content::survey_score).last();
        match score.filter(|_| ticket.is_closed()) {
            Some(score) => self.note_rating(item, ticket, score).await,
            None => Ok(()),
        }
    }

    async fn note_rating(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        rating: &str,
    ) -> PipeResult<()> {
        // A survey's options are written by whoever built the bot, and may be long or have several
        // lines.
        let rating = truncate_label(to_one_line(rating).trim(), RATING_CHARS);
        if rating.is_empty() || ticket.rating.as_deref() == Some(rating.as_str()) {
            return Ok(());
        }
        ticket.rating = Some(rating);
        ticket.revision += 1;
        self.calls.put_ticket(item, ticket).await?;
        Ok(self
            .calls
            .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
            .await?)
    }
}
