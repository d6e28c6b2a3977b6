//! Reminders: a ticket that nobody claims, a customer whom nobody answers. First in the thread, then
//! to the channel, then to those who look after it. Off by default.

use crate::slack::rich_text::Mention;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::timers::ReminderRules;
use crate::inbox::{Job, Reminder, ReminderTopic};
use crate::locale::Texts;
use crate::model::Ticket;
use crate::store::Item;

/// Reminds people, if it is still as it was, within the team's hours.
pub(crate) struct Reminders {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
    pub(crate) rules: ReminderRules,
}

impl Reminders {
    /// Reminds, if it is still as it was, and again later.
    pub(crate) async fn post_reminder(
        &self,
        item: &Item,
        lane: &str,
        reminder: &Reminder,
    ) -> PipeResult<()> {
        let rules = &self.rules;
        let Some(patience) = rules.delay_for(reminder.about) else { return Ok(()) };
        let Some(ticket) = self.calls.store.load_ticket(&reminder.ticket).await? else {
            return Ok(());
        };
        if !is_reminder_due(&ticket, reminder) {
            return Ok(());
        }
        // It is due within working time, but the bridge may have been down then.
        let now = self.calls.clock.now();
        let open = rules.due_time(now, Duration::ZERO);
        if open > now {
            return Err(Interrupt::Wait(open));
        }
        if ticket.thread.is_none() {
            return Ok(());
        }
        let post = self.build_reminder(&ticket, reminder);
        self.threads.post_from_job(item, lane, "remind", &ticket, &post).await?;
        let last = if rules.escalate_to.is_some() { 2 } else { 1 };
        if reminder.round < last {
            let next = Reminder { round: reminder.round + 1, ..reminder.clone() };
            // Counted from now: after a pause nobody is to hear it all at once.
            let due = rules.due_time(now, patience);
            self.calls.enqueue_item(Job::send_reminder(next, due)).await?;
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
        let group = self.rules.escalate_to.as_ref().filter(|_| reminder.round >= 2);
        let post = match group {
            Some(group) => ThreadPost::with_mention(&Mention::Group(group.clone()), &line),
            None => ThreadPost::from_line(&line),
        };
        ThreadPost { broadcast: reminder.round >= 1, ..post }
    }
}

/// Whether there is still reason to remind.
pub(crate) fn is_reminder_due(ticket: &Ticket, reminder: &Reminder) -> bool {
    let waits = ticket.unanswered.map(Timestamp::as_millisecond) == Some(reminder.since);
    match reminder.about {
        _ if ticket.is_closed() => false,
        ReminderTopic::Unclaimed => ticket.holder().is_none(),
        ReminderTopic::Unanswered => ticket.holder().is_some() && waits,
    }
}
