//! Reminders: a ticket that nobody claims, a customer whom nobody answers. First in the thread,
//! then to the channel, then to those who look after it. Off by default.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::thread::Saying;
use super::{Bridge, Halt, Step};
use crate::inbox::{Chore, Reminder, Remindful};
use crate::model::{Hours, Ticket, TicketId};
use crate::store::Item;

/// How the team wants to be reminded.
#[derive(Clone, Debug)]
pub struct Reminders {
    /// How long a ticket may be unclaimed; for ever if there is none.
    pub unclaimed: Option<Duration>,
    /// How long a customer may wait for an answer; for ever if there is none.
    pub unanswered: Option<Duration>,
    /// The user group that hears of it in the end.
    pub escalate_to: Option<String>,
    /// When the team works; always if there are none.
    pub hours: Option<Hours>,
    /// The zone of these hours.
    pub zone: jiff::tz::TimeZone,
}

impl Reminders {
    fn patience(&self, about: Remindful) -> Option<Duration> {
        match about {
            Remindful::Unclaimed => self.unclaimed,
            Remindful::Unanswered => self.unanswered,
        }
    }

    /// When patience ends that began at a time.
    fn due(&self, since: Timestamp, patience: Duration) -> Timestamp {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        match &self.hours {
            Some(hours) => hours.after(since, patience, &self.zone),
            None => since + patience,
        }
    }
}

impl Bridge {
    /// Has somebody reminded if a ticket stays unclaimed, or a customer unanswered, from now on.
    pub(super) async fn watch(
        &self,
        ticket: &Ticket,
        about: Remindful,
        since: Timestamp,
    ) -> Step<()> {
        let Some(patience) = self.rules.reminders.patience(about) else { return Ok(()) };
        let reminder = Reminder {
            ticket: ticket.id.to_string(),
            about,
            since: since.as_millisecond(),
            round: 0,
        };
        let due = self.rules.reminders.due(since, patience);
        Ok(self.set_out(Chore::remind(reminder, due)).await?)
    }

    /// Reminds, if it is still as it was, and again later.
    pub(super) async fn remind(&self, item: &Item, lane: &str, reminder: &Reminder) -> Step<()> {
        let rules = &self.rules.reminders;
        let Some(patience) = rules.patience(reminder.about) else { return Ok(()) };
        let Some(id) = TicketId::parse(&reminder.ticket) else { return Ok(()) };
        let Some(ticket) = self.store.ticket(&id).await? else { return Ok(()) };
        if !still(&ticket, reminder) {
            return Ok(());
        }
        // It is due within working time, but the bridge may have been down then.
        let now = self.clock.now();
        let open = rules.due(now, Duration::ZERO);
        if open > now {
            return Err(Halt::Wait(open));
        }
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let saying = self.reminder_line(&ticket, reminder);
        self.turn(lane, &thread.channel).await?;
        self.say_beside(item, "remind", &ticket, &saying).await?;
        let last = if rules.escalate_to.is_some() { 2 } else { 1 };
        if reminder.round < last {
            let next = Reminder { round: reminder.round + 1, ..reminder.clone() };
            // Counted from now: after a pause nobody is to hear it all at once.
            let due = rules.due(now, patience);
            self.set_out(Chore::remind(next, due)).await?;
        }
        Ok(())
    }

    fn reminder_line(&self, ticket: &Ticket, reminder: &Reminder) -> Saying {
        let since = Timestamp::from_millisecond(reminder.since).unwrap_or(ticket.opened);
        let time = self.words.moment(since);
        let holder = ticket.holder().map(|holder| holder.name.as_str()).unwrap_or_default();
        let line = match reminder.about {
            Remindful::Unclaimed => self.words.say("remind-unclaimed", &[("time", &time)]),
            Remindful::Unanswered => {
                self.words.say("remind-unanswered", &[("agent", holder), ("time", &time)])
            }
        };
        let group = self.rules.reminders.escalate_to.as_ref().filter(|_| reminder.round >= 2);
        let saying = match group {
            Some(group) => {
                let element = json!({"type": "usergroup", "usergroup_id": group});
                Saying::mention((element, &format!("<!subteam^{group}>")), &line)
            }
            None => Saying::line(&line),
        };
        Saying { broadcast: reminder.round >= 1, ..saying }
    }
}

/// Whether there is still reason to remind.
fn still(ticket: &Ticket, reminder: &Reminder) -> bool {
    let waits = ticket.unanswered.map(Timestamp::as_millisecond) == Some(reminder.since);
    match reminder.about {
        _ if ticket.is_closed() => false,
        Remindful::Unclaimed => ticket.holder().is_none(),
        Remindful::Unanswered => ticket.holder().is_some() && waits,
    }
}
