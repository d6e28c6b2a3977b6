//! Reminders: a ticket that nobody claims, in the channel at once; a customer whom nobody answers, to
//! the holder, then to the channel. In the end those hear of it who look after the team.

use crate::slack::render;
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
        let open = rules.due_time(&ticket, now, Duration::ZERO);
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
            let due = rules.due_time(&ticket, now, patience);
            self.calls.enqueue_item(Job::send_reminder(next, due)).await?;
        }
        Ok(())
    }

    /// Each reminder says for how long by now, and calls who must act: the holder or, where there is
    /// none, everybody in the channel.
    fn build_reminder(&self, ticket: &Ticket, reminder: &Reminder) -> ThreadPost {
        let since = Timestamp::from_millisecond(reminder.since).unwrap_or(ticket.opened);
        let time = self.texts.format_duration(self.calls.clock.now().duration_since(since));
        let name = render::ticket_name(ticket);
        let args = [("ticket", name.as_str()), ("time", time.as_str())];
        let group = self.rules.escalate_to.clone().filter(|_| reminder.round >= 2);
        let group = group.map(Mention::Group);
        let holder = ticket.holder().map(|holder| Mention::User(holder.user.clone()));
        let (key, mentions) = match &holder {
            Some(holder) => ("remind-unanswered", vec![("agent", holder)]),
            None => ("remind-unclaimed", Vec::new()),
        };
        let post = ThreadPost::for_group(group.as_ref(), &self.texts, (key, &args), &mentions);
        // Nobody follows the thread of a ticket that nobody holds.
        let is_for_all = holder.is_none() || reminder.round >= 1;
        ThreadPost { broadcast: is_for_all, ..post }
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
