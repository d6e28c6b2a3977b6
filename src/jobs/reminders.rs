//! Reminders: a ticket that nobody claims, in the channel at once; a customer whom nobody answers, to
//! the holder, then to the channel. In the end those hear of it who look after the team.

use crate::slack::rich_text::Mention;
use crate::slack::{SlackClient, home, render};
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::posts::{Posts, ThreadPost};
use crate::handlers::thread::Threads;
use crate::handlers::timers::ReminderRules;
use crate::inbox::{Handled, Handling, ItemOutcome, Reminder, ReminderJob, ReminderTopic};
use crate::locale::Texts;
use crate::model::{Fault, Ticket};
use crate::store::Source;
use crate::telemetry;

/// Reminds people, if it is still as it was, within the team's hours.
pub(crate) struct Reminders {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
    pub(crate) rules: ReminderRules,
}

impl Reminders {
    /// Reminds, if it is still as it was, and again later.
    pub(crate) async fn post_reminder(
        &self,
        item: &Handling,
        reminder: &Reminder,
    ) -> PipeResult<()> {
        let rules = &self.rules;
        let Some(patience) = rules.delay_for(reminder.about) else { return Ok(()) };
        let Some(ticket) = self.calls.load_ticket(item, &reminder.ticket).await? else {
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
        let Some(thread) = &ticket.thread else { return Ok(()) };
        if reminder.round > self.rules.last_round() || self.is_overtaken(reminder).await? {
            return Ok(());
        }
        if reminder.about == ReminderTopic::Unclaimed {
            let round = ReminderJob::remind_channel(&thread.channel, reminder.clone(), now);
            return Ok(self.calls.enqueue_item(item, round).await?);
        }
        let post = self.build_reminder(&ticket, reminder);
        self.threads.post_from_job(item, "remind", &ticket, &post).await?;
        // Counted from now: after a pause nobody is to hear it all at once.
        let due = rules.due_time(&ticket, now, patience);
        Ok(self.calls.enqueue_item(item, ReminderJob::send_reminder(reminder.next(), due)).await?)
    }

    /// Reminds a channel of all its tickets that nobody has claimed, in one post: when many wait is
    /// the worst moment to spend posts. A ticket whose own time comes soon is named with the others,
    /// and has its next turn with them. What comes while Slack takes no posts is in one post, too.
    pub(crate) async fn remind_channel(&self, items: &[Handling]) -> HandlerResult {
        let done = Handled { items: items.len(), outcome: ItemOutcome::Forgotten };
        let (Some(first), Some(patience)) = (items.first(), self.rules.unclaimed) else {
            return Ok(done);
        };
        let asked = items.iter().filter_map(|item| match serde_json::from_slice(&item.body) {
            Ok(ReminderJob::RemindRound(reminder)) => Some(reminder),
            Ok(_) | Err(_) => None,
        });
        let asked: Vec<Reminder> = asked.collect();
        let named = self.find_waiting_tickets(first, &asked, patience).await?;
        match named.as_slice() {
            [] => return Ok(done),
            [(ticket, reminder)] => {
                telemetry::record_ticket(&ticket.id);
                let post = self.build_reminder(ticket, reminder);
                self.threads.post_from_job(first, "remind", ticket, &post).await?;
            }
            [(ticket, _), ..] => {
                let Some(thread) = &ticket.thread else { return Ok(done) };
                let post = self.build_round(&named);
                match self.posts.post_to_channel(first, &thread.channel, "remind", post).await {
                    // What has become of the channel is found by the next post to a thread in it.
                    Err(Interrupt::Call { fault: Fault::Refused { .. }, error }) => {
                        tracing::warn!(error, "a channel could not be reminded");
                    }
                    posted => posted?,
                }
            }
        }
        let now = self.calls.clock.now();
        for (ticket, reminder) in &named {
            let due = self.rules.due_time(ticket, now, patience);
            self.calls
                .enqueue_item(first, ReminderJob::send_reminder(reminder.next(), due))
                .await?;
        }
        Ok(done)
    }

    /// Whether a later round of the same is set or was given. A channel that was reminded of several
    /// tickets has named this one already, which has its next turn with those; and where a limit of the
    /// desk was passed, those were called who look after the team, and nothing is left to say.
    async fn is_overtaken(&self, reminder: &Reminder) -> PipeResult<bool> {
        for round in reminder.next().round..=self.rules.last_round() + 1 {
            if self.is_named(&Reminder { round, ..reminder.clone() }).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a reminder is set for later, or is about to be given.
    async fn is_named(&self, reminder: &Reminder) -> PipeResult<bool> {
        let store = &self.calls.store;
        let keys = [reminder.key(), reminder.round_key()];
        Ok(store.find_accepted(Source::Internal, &keys).await?.contains(&true))
    }

    /// The tickets that a channel is to be reminded of, as they stand in the queue: those that asked for
    /// it, and the others in that channel that have waited for half of the time.
    async fn find_waiting_tickets(
        &self,
        item: &Handling,
        asked: &[Reminder],
        patience: Duration,
    ) -> PipeResult<Vec<(Ticket, Reminder)>> {
        let now = self.calls.clock.now();
        let mut channel = None;
        let mut named: Vec<(Ticket, Reminder)> = Vec::new();
        for reminder in asked {
            let Some(ticket) = self.calls.load_ticket(item, &reminder.ticket).await? else {
                continue;
            };
            let is_first = named.iter().all(|(known, _)| known.id != ticket.id);
            let Some(thread) = ticket.thread.clone().filter(|_| is_first) else { continue };
            if is_reminder_due(&ticket, reminder) && !self.is_overtaken(reminder).await? {
                // A thread may have moved since: then its next turn is with those of its channel.
                let channel = channel.get_or_insert(thread.channel.clone());
                if *channel == thread.channel {
                    named.push((ticket, reminder.clone()));
                }
            }
        }
        let Some(channel) = channel else { return Ok(named) };
        for ticket in self.calls.read(item).await?.open_tickets().await? {
            let is_there = ticket.thread.as_ref().is_some_and(|it| it.channel == channel);
            let is_new = named.iter().all(|(known, _)| known.id != ticket.id);
            let waited = Duration::try_from(now.duration_since(ticket.opened)).unwrap_or_default();
            // Teams may work at different hours.
            let is_open = self.rules.due_time(&ticket, now, Duration::ZERO) <= now;
            // With half of the time gone its own reminder would follow in minutes, as a post of its
            // own.
            let is_late = is_open && waited >= patience / 2;
            if !(is_there && is_new && is_late && ticket.holder().is_none()) {
                continue;
            }
            let (id, since) = (ticket.id.clone(), ticket.opened.as_millisecond());
            let about = ReminderTopic::Unclaimed;
            for round in (0..=self.rules.last_round()).rev() {
                let reminder = Reminder { ticket: id.clone(), about, since, round };
                if self.is_named(&reminder).await? {
                    named.push((ticket, reminder));
                    break;
                }
            }
        }
        named.sort_by_key(|(ticket, reminder)| (Reverse(ticket.priority), reminder.since));
        Ok(named)
    }

    /// One post for several tickets, each with the way to its thread.
    fn build_round(&self, named: &[(Ticket, Reminder)]) -> ThreadPost {
        let now = self.calls.clock.now();
        let rows = named.iter().map(|(ticket, reminder)| {
            let since = Timestamp::from_millisecond(reminder.since).unwrap_or(ticket.opened);
            let address = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
            let waited = self.texts.format_duration(now.duration_since(since));
            (render::ticket_name(ticket), address, waited)
        });
        let rows: Vec<_> = rows.collect();
        let is_last = named.iter().any(|(_, reminder)| reminder.round >= 2);
        let group = self.rules.escalate_to.clone().filter(|_| is_last).map(Mention::Group);
        let count = rows.len().to_string();
        let title = ("remind-unclaimed-many", &[("count", count.as_str())][..]);
        let post = ThreadPost::for_group(group.as_ref(), &self.texts, title, &[]);
        let (text, list) = home::list_waiting(&rows, &self.texts);
        let text = format!("{} {text}", post.text);
        ThreadPost { text, blocks: [post.blocks, list].concat(), ..ThreadPost::from_line("") }
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
