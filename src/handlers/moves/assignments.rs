//! Tickets that are given to agents in turn: whose turn it was becomes the holder, and whoever does
//! not answer in time loses the ticket to the next.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::People;
use crate::handlers::timers::Timers;
use crate::inbox::{
    Assignment, AssignmentJob, CardJob, Handling, Overdue, ReminderTopic, ThreadLine,
};
use crate::model::{MessageTs, Ticket, TicketState};
use crate::store::{Lane, TurnPass};

/// Makes agents holders of what they were given, and takes it back.
pub(crate) struct Assignments {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) timers: Arc<Timers>,
}

impl Assignments {
    /// Claims a ticket for whoever it was given to, as if they had: at Blip, and with the line in the
    /// thread that mentions them.
    pub(crate) async fn assign_ticket(
        &self,
        item: &Handling,
        given: &Assignment,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, &given.ticket).await? else {
            return Ok(());
        };
        if ticket.state == TicketState::Unclaimed {
            let person = self.people.look_up_person(item, &ticket, &given.agent).await?;
            // Between the round and now they may have left the channel, or lost the group that
            // makes an agent.
            let moved = if person.is_agent() {
                self.claims.make_claim(item, &mut ticket, &person, false).await?
            } else {
                MoveOutcome::Refused
            };
            if moved == MoveOutcome::Refused {
                return self.pass_on(item, &ticket, given).await;
            }
        }
        match &ticket.state {
            TicketState::Claimed { holder, since } if holder.user == given.agent => {
                self.timers.schedule_answer_deadline(item, &ticket, &given.agent, *since).await
            }
            // Somebody was faster, or it is over: the slot is free again by that.
            TicketState::Claimed { .. } | TicketState::Unclaimed | TicketState::Closed { .. } => {
                self.timers.schedule_distribution(item).await
            }
        }
    }

    /// Blip or Slack does not let somebody have a ticket: it waits for another.
    async fn pass_on(
        &self,
        item: &Handling,
        ticket: &Ticket,
        given: &Assignment,
    ) -> PipeResult<()> {
        let (store, now) = (&self.calls.store, self.calls.clock.now());
        store.pass_turn(&ticket.id, &given.agent, TurnPass::Refused, now).await?;
        tracing::warn!("whoever was given a ticket cannot have it");
        self.timers.schedule_distribution(item).await
    }

    /// Takes a ticket back, if its holder has not written to the customer since it was given to them.
    pub(crate) async fn take_back(&self, item: &Handling, overdue: &Overdue) -> PipeResult<()> {
        let now = self.calls.clock.now();
        if now < item.received {
            // It was made due early, as when this machine's clock is set back.
            return Err(Interrupt::Wait(item.received));
        }
        let Some(mut ticket) = self.calls.load_ticket(item, &overdue.ticket).await? else {
            return Ok(());
        };
        let (holder, since) = match &ticket.state {
            TicketState::Claimed { holder, since }
                if holder.user == overdue.agent && since.as_millisecond() == overdue.since =>
            {
                (holder.clone(), *since)
            }
            TicketState::Unclaimed => return self.finish_take_back(item, &ticket).await,
            TicketState::Claimed { .. } | TicketState::Closed { .. } => return Ok(()),
        };
        let written = MessageTs::from_time(since);
        if self
            .calls
            .read(item)
            .await?
            .has_written_after(&ticket.id, &holder.user, &written)
            .await?
        {
            return Ok(());
        }
        if Lane::is_later(&item.lane) {
            // It takes its place behind what the agent has just written.
            let job = AssignmentJob::take_back_in_order(overdue.clone(), now);
            return Ok(self.calls.enqueue_item(item, job).await?);
        }
        let waited = now.as_millisecond() - since.as_millisecond();
        let line = ThreadLine::TakenBack { holder: holder.user.clone(), waited };
        let transitions = &self.claims.transitions;
        transitions.lines.say_line(item, &mut ticket, line).await?;
        // Before the state: otherwise it could be given to them again in between.
        let store = &self.calls.store;
        store.pass_turn(&ticket.id, &holder.user, TurnPass::Declined, now).await?;
        transitions.change_state(item, &mut ticket, TicketState::Unclaimed).await?;
        tracing::info!("a ticket was taken back from who did not answer");
        self.finish_take_back(item, &ticket).await
    }

    /// What follows when nobody holds a ticket any more, also if an earlier run has not come this far.
    async fn finish_take_back(&self, item: &Handling, ticket: &Ticket) -> PipeResult<()> {
        let topic = ReminderTopic::Unclaimed;
        self.timers.schedule_reminder(item, ticket, topic, item.received).await?;
        let now = self.calls.clock.now();
        self.calls.enqueue_item(item, CardJob::update_card(ticket, now)).await?;
        self.timers.schedule_distribution(item).await
    }
}
