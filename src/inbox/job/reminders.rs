//! Reminders of customers who wait, in a channel, in a thread or to one person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{ChannelId, SlackUserId, TicketId};
use crate::store::{Lane, NewItem};

/// Word to agents of a customer who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum ReminderJob {
    /// Remind people of a ticket.
    Remind(Reminder),
    /// Remind a channel of all its tickets that nobody has claimed.
    RemindRound(Reminder),
    /// Tell the holder of a ticket that its customer waits, if they are away.
    TellAbsent(Absence),
}

impl JobGroup for ReminderJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Remind(reminder) => Some(reminder.ticket.clone()),
            // It names all tickets of a channel.
            Self::RemindRound(_) => None,
            Self::TellAbsent(absence) => Some(absence.ticket.clone()),
        }
    }
}

/// People are to be reminded of a ticket, unless it is not so any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reminder {
    pub(crate) ticket: TicketId,
    /// What it is that should not last.
    pub(crate) about: ReminderTopic,
    /// Since when it is so, in milliseconds since 1970.
    pub(crate) since: i64,
    /// How often they were reminded before.
    pub(crate) round: u32,
}

/// What should not last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReminderTopic {
    /// Nobody has claimed the ticket.
    Unclaimed,
    /// Its holder has not answered the customer.
    Unanswered,
}

/// The customer of a ticket waits for its holder, who may be away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Absence {
    pub(crate) ticket: TicketId,
    /// The holder of the ticket.
    pub(crate) agent: SlackUserId,
    /// Since when the customer waits, in milliseconds since 1970.
    pub(crate) since: i64,
}

impl Reminder {
    /// The key of the job that waits until it is due.
    pub(crate) fn key(&self) -> String {
        let Self { ticket, about, since, round } = self;
        format!("remind:{ticket}:{about:?}:{since}:{round}")
    }

    /// The key of the job that reminds its channel.
    pub(crate) fn round_key(&self) -> String {
        let Self { ticket, about, since, round } = self;
        format!("round:{ticket}:{about:?}:{since}:{round}")
    }

    /// The one that follows it.
    pub(crate) fn next(&self) -> Self {
        Self { round: self.round.saturating_add(1), ..self.clone() }
    }
}

impl ReminderJob {
    /// People are to be reminded at the given time.
    pub(crate) fn send_reminder(reminder: Reminder, due: Timestamp) -> NewItem {
        let key = reminder.key();
        Self::Remind(reminder).to_new_item(Lane::for_later(&key), key, due)
    }

    /// A channel is to be reminded of a ticket, together with its others.
    pub(crate) fn remind_channel(
        channel: &ChannelId,
        reminder: Reminder,
        now: Timestamp,
    ) -> NewItem {
        let (lane, key) = (Lane::Own(format!("remind:{channel}")), reminder.round_key());
        Self::RemindRound(reminder).to_new_item(lane, key, now)
    }

    /// The holder of a ticket is to be told that its customer waits, if they are away: once for as long
    /// as the customer waits, as the key says. One message after the other to each person.
    pub(crate) fn tell_absent(absence: Absence, now: Timestamp) -> NewItem {
        let Absence { ticket, agent, since } = &absence;
        let (lane, key) = (format!("absent:{agent}"), format!("absent:{ticket}:{agent}:{since}"));
        Self::TellAbsent(absence).to_new_item(Lane::Own(lane), key, now)
    }
}
