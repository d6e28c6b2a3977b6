//! Reminders: a ticket that nobody claims, a customer whom nobody answers. First in the thread,
//! then to the channel, then to those who look after it. Off by default.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::thread::ThreadPost;
use super::{Bridge, Interrupt, PipeResult};
use crate::inbox::{Job, Reminder, ReminderTopic};
use crate::model::{Ticket, TicketId, WorkingHours};
use crate::slack::rich_text::Mention;
use crate::store::Item;

/// How the team wants to be reminded.
#[derive(Clone, Debug)]
pub(crate) struct ReminderRules {
    /// How long a ticket may be unclaimed; for ever if there is none.
    pub(crate) unclaimed: Option<Duration>,
    /// How long a customer may wait for an answer; for ever if there is none.
    pub(crate) unanswered: Option<Duration>,
    /// The user group that hears of it in the end.
    pub(crate) escalate_to: Option<String>,
    /// When the team works; always if there are none.
    pub(crate) hours: Option<WorkingHours>,
    /// The zone of these hours.
    pub(crate) zone: jiff::tz::TimeZone,
}

impl ReminderRules {
    fn delay_for(&self, about: ReminderTopic) -> Option<Duration> {
        match about {
            ReminderTopic::Unclaimed => self.unclaimed,
            ReminderTopic::Unanswered => self.unanswered,
        }
    }

    /// When patience ends that began at a time.
    fn due_time(&self, since: Timestamp, patience: Duration) -> Timestamp {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        match &self.hours {
            Some(hours) => hours.add_working_time(since, patience, &self.zone),
            None => since + patience,
        }
    }
}

impl Bridge {
    /// Has somebody reminded if a ticket stays unclaimed, or a customer unanswered, from now on.
    pub(super) async fn schedule_reminder(
        &self,
        ticket: &Ticket,
        about: ReminderTopic,
        since: Timestamp,
    ) -> PipeResult<()> {
        let Some(patience) = self.rules.reminders.delay_for(about) else { return Ok(()) };
        let reminder = Reminder {
            ticket: ticket.id.to_string(),
            about,
            since: since.as_millisecond(),
            round: 0,
        };
        let due = self.rules.reminders.due_time(since, patience);
        Ok(self.enqueue_item(Job::send_reminder(reminder, due)).await?)
    }

    /// Reminds, if it is still as it was, and again later.
    pub(super) async fn post_reminder(
        &self,
        item: &Item,
        lane: &str,
        reminder: &Reminder,
    ) -> PipeResult<()> {
        let rules = &self.rules.reminders;
        let Some(patience) = rules.delay_for(reminder.about) else { return Ok(()) };
        let Some(id) = TicketId::parse(&reminder.ticket) else { return Ok(()) };
        let Some(ticket) = self.store.load_ticket(&id).await? else { return Ok(()) };
        if !is_reminder_due(&ticket, reminder) {
            return Ok(());
        }
        // It is due within working time, but the bridge may have been down then.
        let now = self.clock.now();
        let open = rules.due_time(now, Duration::ZERO);
        if open > now {
            return Err(Interrupt::Wait(open));
        }
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let post = self.build_reminder(&ticket, reminder);
        self.wait_for_post_slot(lane, &thread.channel).await?;
        self.post_to_ticket_from_job(item, "remind", &ticket, &post).await?;
        let last = if rules.escalate_to.is_some() { 2 } else { 1 };
        if reminder.round < last {
            let next = Reminder { round: reminder.round + 1, ..reminder.clone() };
            // Counted from now: after a pause nobody is to hear it all at once.
            let due = rules.due_time(now, patience);
            self.enqueue_item(Job::send_reminder(next, due)).await?;
        }
        Ok(())
    }

    fn build_reminder(&self, ticket: &Ticket, reminder: &Reminder) -> ThreadPost {
        let since = Timestamp::from_millisecond(reminder.since).unwrap_or(ticket.opened);
        let time = self.texts.format_day_time(since);
        let holder = ticket.holder().map(|holder| holder.name.as_str()).unwrap_or_default();
        let line = match reminder.about {
            ReminderTopic::Unclaimed => self.texts.text("remind-unclaimed", &[("time", &time)]),
            ReminderTopic::Unanswered => {
                self.texts.text("remind-unanswered", &[("agent", holder), ("time", &time)])
            }
        };
        let group = self.rules.reminders.escalate_to.as_ref().filter(|_| reminder.round >= 2);
        let post = match group {
            Some(group) => ThreadPost::with_mention(&Mention::Group(group.clone()), &line),
            None => ThreadPost::from_line(&line),
        };
        ThreadPost { broadcast: reminder.round >= 1, ..post }
    }
}

/// Whether there is still reason to remind.
fn is_reminder_due(ticket: &Ticket, reminder: &Reminder) -> bool {
    let waits = ticket.unanswered.map(Timestamp::as_millisecond) == Some(reminder.since);
    match reminder.about {
        _ if ticket.is_closed() => false,
        ReminderTopic::Unclaimed => ticket.holder().is_none(),
        ReminderTopic::Unanswered => ticket.holder().is_some() && waits,
    }
}
