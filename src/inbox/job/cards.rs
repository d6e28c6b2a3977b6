//! Cards: the newest state of a ticket, and what time changes on its card.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{Ticket, TicketId};
use crate::store::{Lane, NewItem};

/// Work on a ticket's card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum CardJob {
    /// Show the newest state of a ticket on its card.
    Card { ticket: TicketId },
    /// Look how long the customer may still be written to.
    Window { ticket: TicketId },
    /// Show on the card that the customer waits for an answer, if it is still so.
    Waits {
        ticket: TicketId,
        /// Since when, in milliseconds since 1970.
        since: i64,
    },
}

impl JobGroup for CardJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Card { ticket } | Self::Window { ticket } | Self::Waits { ticket, .. } => {
                Some(ticket.clone())
            }
        }
    }
}

impl CardJob {
    /// A new version of the ticket's card is to be shown.
    pub(crate) fn update_card(ticket: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        // By the revision: however often a state is asked for, it is one job while it waits.
        let key = format!("card:{id}:{}", ticket.revision);
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card is to be shown again, because of the time and not of anything that has happened:
    /// never the same as one that is being shown already.
    pub(crate) fn refresh_card(ticket: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        let key = format!("card:{id}@{}", now.as_millisecond());
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card of a ticket is to be shown again, because the one that followed it has a thread.
    pub(crate) fn update_followed_card(ticket: &Ticket, next: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        let key = format!("card:{id}:>{}", next.id);
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card is to show how long the customer may still be written to.
    pub(crate) fn show_window(ticket: &TicketId, due: Timestamp) -> NewItem {
        let key = format!("window:{ticket}:{}", due.as_millisecond());
        Self::Window { ticket: ticket.clone() }.to_new_item(Lane::for_later(&key), key, due)
    }

    /// The card is to show that the customer waits for an answer since then.
    pub(crate) fn show_waiting(ticket: &TicketId, since: Timestamp, due: Timestamp) -> NewItem {
        let since = since.as_millisecond();
        let key = format!("waits:{ticket}:{since}");
        Self::Waits { ticket: ticket.clone(), since }.to_new_item(Lane::for_later(&key), key, due)
    }
}

/// A card is shown by one at a time, even while its thread goes from a ticket to the one that
/// follows: what is sent last must be what is shown.
fn card_lane(ticket: &Ticket) -> Lane {
    Lane::Own(match &ticket.thread {
        Some(thread) => format!("card:{}:{}", thread.channel, thread.root),
        None => format!("card:{}", ticket.id),
    })
}
