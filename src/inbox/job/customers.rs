//! Customers: who they are, what they are told automatically, and that they are forgotten.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::group::JobGroup;
use crate::model::{ChannelId, MessageTs, Ticket, TicketId};
use crate::store::{Lane, NewItem};

/// What the keys are derived in that stand for customers who were told that the team does not work.
const AWAY_NAMESPACE: Uuid = Uuid::from_u128(0x2d5c_60f3_8f0b_4c55_8d6e_9a31_7be2_10c4);

/// Work on what is known of a customer, and words to them that no agent wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum CustomerJob {
    /// Ask Blip again who is behind a router's tunnel.
    Originator {
        ticket: TicketId,
        /// How often it was asked in vain before.
        looks: usize,
    },
    /// Note who is behind a router's tunnel.
    Met {
        ticket: TicketId,
        /// Blip's identity of the customer on their own channel.
        originator: String,
    },
    /// Tell a customer that the team does not work.
    Away { ticket: TicketId },
    /// Replace what we show of a customer who was erased.
    Forget(Forgetting),
}

impl JobGroup for CustomerJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Originator { ticket, .. } | Self::Met { ticket, .. } | Self::Away { ticket } => {
                Some(ticket.clone())
            }
            // Who was forgotten is not named.
            Self::Forget(_) => None,
        }
    }
}

/// What Slack shows of a customer is to be replaced. It names neither the customer nor tickets: it is
/// to stay when these are erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgetting {
    pub(crate) job: String,
    /// The threads: channels and roots.
    pub(crate) threads: Vec<(ChannelId, MessageTs)>,
}

impl Forgetting {
    /// The key of the job with this id; what all such keys begin with if that is empty.
    pub(crate) fn key_of(job: &str) -> String {
        format!("forget:{job}")
    }
}

impl CustomerJob {
    /// Blip is to be asked again who is behind a router's tunnel.
    pub(crate) fn look_up_originator(ticket: &TicketId, looks: usize, due: Timestamp) -> NewItem {
        let key = format!("originator:{ticket}:{looks}");
        Self::Originator { ticket: ticket.clone(), looks }.to_new_item(
            Lane::for_later(&key),
            key,
            due,
        )
    }

    /// Who is behind a router's tunnel is to be noted, in the order of the ticket's events.
    pub(crate) fn record_originator(
        ticket: &TicketId,
        originator: &str,
        now: Timestamp,
    ) -> NewItem {
        let key = format!("met:{ticket}");
        let job = Self::Met { ticket: ticket.clone(), originator: originator.to_owned() };
        job.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }

    /// A customer is to be told that the team does not work until it opens, in the order of what goes
    /// to them. The key says once for all their tickets, and does not tell who they are: it is kept
    /// for weeks.
    pub(crate) fn tell_away(ticket: &Ticket, opens: Timestamp, now: Timestamp) -> NewItem {
        let who = format!("{}:{}", ticket.id.bot(), ticket.customer.identity.to_ascii_lowercase());
        let who = Uuid::new_v5(&AWAY_NAMESPACE, who.as_bytes());
        let key = format!("away:{who}:{}", opens.as_millisecond());
        let job = Self::Away { ticket: ticket.id.clone() };
        job.to_new_item(Lane::Replies(ticket.id.clone()), key, now)
    }

    /// What Slack shows of a customer is to be replaced, one customer after the other.
    pub(crate) fn forget_in_slack(forgetting: Forgetting, now: Timestamp) -> NewItem {
        // One lane for all: what is done is kept as one fact, which one writes only
        // (`forgetting.rs`).
        let key = Forgetting::key_of(&forgetting.job);
        Self::Forget(forgetting).to_new_item(Lane::Own("forget".to_owned()), key, now)
    }
}
