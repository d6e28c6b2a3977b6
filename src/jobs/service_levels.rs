//! Watching the service levels of the desks at Blip: `SLA=blip`.
//!
//! Blip finds which tickets have passed a limit of its policies; here it is shown on their cards, and
//! those are called who look after the team.

use std::collections::HashSet;
use std::sync::Arc;

use crate::blip::BlipClient;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::timers::{LIMIT_WATCH_INTERVAL, ReminderRules};
use crate::inbox::{CardJob, Reminder, ReminderJob, ReminderTopic};
use crate::model::{BotName, PassedLimits, Ticket, TicketId};
use crate::store;

/// Watches the service levels of the desks at Blip.
pub(crate) struct ServiceLevels {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) rules: ReminderRules,
}

impl ServiceLevels {
    /// Runs until it is dropped.
    pub(crate) async fn run(self) {
        let mut silent = HashSet::new();
        loop {
            let next = self.calls.clock.now() + LIMIT_WATCH_INTERVAL;
            for (bot, client) in &self.bots.clients {
                self.watch_bot(bot, client, &mut silent).await;
            }
            self.calls.clock.sleep_until(next).await;
        }
    }

    async fn watch_bot(&self, bot: &BotName, client: &BlipClient, silent: &mut HashSet<BotName>) {
        match client.desk.fetch_passed_limits().await {
            Ok(passed) => {
                silent.remove(bot);
                self.note_all(bot, passed).await;
            }
            // Told once: it may be so for good, where the key may not ask.
            Err(error) if silent.insert(bot.clone()) => tracing::warn!(%bot, %error,
                "SLA=blip: Blip does not tell which tickets have passed a limit; the reminders of \
                the bridge go on"),
            Err(_) => {}
        }
    }

    async fn note_all(&self, bot: &BotName, passed: Vec<(String, PassedLimits)>) {
        for (id, limits) in passed {
            let Some(id) = TicketId::new(bot.clone(), &id) else { continue };
            match self.note_limits(&id, limits).await {
                // Where somebody else has just written the ticket, next time it is on top of that.
                Ok(()) | Err(store::Error::Conflict { .. }) => {}
                Err(error) => {
                    tracing::warn!(ticket.id = %id, %error, "a passed limit could not be noted");
                }
            }
        }
    }

    async fn note_limits(&self, id: &TicketId, limits: PassedLimits) -> store::Result<()> {
        let known = self.calls.store.load_ticket(id).await?;
        let Some(mut ticket) = known.filter(|ticket| !ticket.is_closed()) else { return Ok(()) };
        let (before, now) = (ticket.passed_limits, self.calls.clock.now());
        if before.with(limits) == before {
            return Ok(());
        }
        // Called first: what is noted is not looked at again.
        if let Some(reminder) = self.choose_reminder(&ticket, limits) {
            self.calls.store.accept(ReminderJob::send_reminder(reminder, now)).await?;
        }
        ticket.passed_limits = before.with(limits);
        ticket.revision += 1;
        self.calls.store.put_ticket(&mut ticket).await?;
        self.calls.store.accept(CardJob::update_card(&ticket, now)).await.map(drop)
    }

    /// The last reminder, which calls those who look after the team: at once, and never twice.
    fn choose_reminder(&self, ticket: &Ticket, limits: PassedLimits) -> Option<Reminder> {
        let before = ticket.passed_limits;
        let (about, since) = match ticket.holder() {
            None if limits.waiting && !before.waiting => (ReminderTopic::Unclaimed, ticket.opened),
            Some(_) if limits.first_answer && !before.first_answer => {
                (ReminderTopic::Unanswered, ticket.unanswered?)
            }
            None | Some(_) => return None,
        };
        let (ticket, since) = (ticket.id.clone(), since.as_millisecond());
        Some(Reminder { ticket, about, since, round: self.rules.last_round() })
    }
}
