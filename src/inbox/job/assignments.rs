//! Assignments: tickets that are given to agents in turn, and taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{SlackUserId, TicketId};
use crate::store::{Lane, NewItem};

/// What the keys of jobs that give a ticket to an agent begin with.
const ASSIGN_KEY_PREFIX: &str = "assign:";

/// Work on whose turn it is (`ASSIGN`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum AssignmentJob {
    /// Give tickets that wait to agents who are free.
    Distribute,
    /// Make the agent to whom a ticket was given its holder.
    Assign(Assignment),
    /// Take a ticket back from an agent who has not answered. When the time for it is over that is looked
    /// at in a lane for later; if nobody has answered by then, once more in the ticket's lane towards
    /// Blip, behind the replies that are on their way.
    TakeBack(Overdue),
}

impl JobGroup for AssignmentJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            // It looks at all tickets that wait.
            Self::Distribute => None,
            Self::Assign(assignment) => Some(assignment.ticket.clone()),
            Self::TakeBack(overdue) => Some(overdue.ticket.clone()),
        }
    }
}

/// A ticket was given to an agent whose turn it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) ticket: TicketId,
    pub(crate) agent: SlackUserId,
    /// The number of the turn.
    pub(crate) turn: i64,
}

/// An agent to whom a ticket was given may have left it unanswered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overdue {
    pub(crate) ticket: TicketId,
    pub(crate) agent: SlackUserId,
    /// Since when they hold it, in milliseconds since 1970.
    pub(crate) since: i64,
}

impl AssignmentJob {
    /// Tickets that wait are to be given to agents who are free: never the same as a round that is under
    /// way, which may have looked before somebody was.
    pub(crate) fn distribute_tickets(now: Timestamp) -> NewItem {
        let key = format!("distribute@{}", now.as_millisecond());
        Self::Distribute.to_new_item(Lane::Own("distribute".to_owned()), key, now)
    }

    /// The same later, once for all that wait: for nobody tells us who is free by then.
    pub(crate) fn distribute_later(due: Timestamp) -> NewItem {
        // By the minute, in a lane of its own: a round that is under way sets out the next one, which
        // must neither be the same nor follow it at once.
        let key = format!("distribute:{}", due.as_second() / 60);
        Self::Distribute.to_new_item(Lane::for_later(&key), key, due)
    }

    /// A ticket that was given to an agent is to be theirs, at Blip too.
    pub(crate) fn assign_ticket(assignment: Assignment, now: Timestamp) -> NewItem {
        let Assignment { ticket, turn, .. } = &assignment;
        let (lane, key) =
            (Lane::Replies(ticket.clone()), format!("{ASSIGN_KEY_PREFIX}{ticket}:{turn}"));
        Self::Assign(assignment).to_new_item(lane, key, now)
    }

    /// Whether the job with this key gives a ticket to an agent.
    pub(crate) fn is_assignment(key: &str) -> bool {
        key.starts_with(ASSIGN_KEY_PREFIX)
    }

    /// A ticket is to be taken back at the given time, if its agent has not answered by then.
    pub(crate) fn take_back_later(overdue: Overdue, due: Timestamp) -> NewItem {
        let Overdue { ticket, since, .. } = &overdue;
        let key = format!("overdue:{ticket}:{since}");
        Self::TakeBack(overdue).to_new_item(Lane::for_later(&key), key, due)
    }

    /// The same now, behind the replies that are on their way.
    pub(crate) fn take_back_in_order(overdue: Overdue, now: Timestamp) -> NewItem {
        let Overdue { ticket, since, .. } = &overdue;
        let (lane, key) = (Lane::Replies(ticket.clone()), format!("take-back:{ticket}:{since}"));
        Self::TakeBack(overdue).to_new_item(lane, key, now)
    }
}
