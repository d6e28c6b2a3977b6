//! The card of a ticket, brought up to date.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::fault_point;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::thread::{Threads, describe_card};
use crate::inbox::CardJob;
use crate::locale::Texts;
use crate::model::{Ticket, TicketId};
use crate::slack::{SlackClient, card};
use crate::store;

/// Draws cards anew where they would show something else.
pub(crate) struct Cards {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
}

impl Cards {
    /// Draws the card at the root of a ticket's thread anew. If the thread went on as another ticket, it is
    /// that one's: all jobs that wait for the card are done by this one, whichever ticket they name.
    pub(crate) async fn update_card(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let Some(ticket) = self.load_shown_ticket(id).await? else { return Ok(()) };
        let (id, Some(thread)) = (&ticket.id, &ticket.thread) else { return Ok(()) };
        let (first_words, around) = (
            self.calls.read(item).await?.first_words(id).await?,
            self.threads.find_related_tickets(item, &ticket).await?,
        );
        let (text, blocks) =
            card::render_card(&ticket, first_words.as_deref(), &around, &self.texts);
        // A card is edited with `chat.update` (Tier 3, `slack.md` C.1), so it is worth knowing what
        // it shows: most news of a ticket change nothing that is on it.
        let drawn = Some(describe_card(&ticket, thread, &text, &blocks));
        // Of a try that failed it is not known what the card shows since then.
        if item.attempts == 0 && self.calls.read(item).await?.drawn_card(id).await? == drawn {
            return Ok(());
        }
        fault_point::pass_card_update();
        match self.slack.update_message(&thread.channel, &thread.root, &text, &blocks).await {
            Ok(()) => Ok(self
                .calls
                .store
                // Only what open cards show is kept (`docs/lanes.md`, what stays in memory): a
                // closed one hardly changes any more.
                .keep_drawn_card(id, drawn.filter(|_| !ticket.is_closed()))
                .await?),
            Err(error) if error.is_message_gone() || error.is_channel_lost() => {
                // The next thing said in the thread finds that out too and makes a new card.
                tracing::warn!(%error, "a card could not be updated");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The ticket that the card of a ticket shows; none if it has no card, or is not stored yet.
    async fn load_shown_ticket(&self, id: &TicketId) -> store::Result<Option<Ticket>> {
        let store = &self.calls.store;
        let Some(ticket) = store.load_ticket(id).await? else { return Ok(None) };
        let Some(thread) = &ticket.thread else { return Ok(None) };
        match store.find_link(&thread.channel, &thread.root).await? {
            Some(link) if link.ticket != *id => store.load_ticket(&link.ticket).await,
            _ => Ok(Some(ticket)),
        }
    }

    /// Has a card drawn again, whatever is known of it: an instance that was held up may have drawn a
    /// state that is over, after another one had drawn the newest.
    pub(crate) async fn redraw_card(&self, id: &TicketId) -> store::Result<()> {
        let store = &self.calls.store;
        let Some(newest) = self.load_shown_ticket(id).await? else { return Ok(()) };
        store.keep_drawn_card(&newest.id, None).await?;
        store.accept(CardJob::refresh_card(&newest, self.calls.clock.now())).await.map(drop)
    }
}
