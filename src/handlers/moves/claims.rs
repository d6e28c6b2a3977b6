//! Claiming and releasing a ticket.

use std::sync::Arc;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::{People, Person, build_agent};
use crate::handlers::timers::Timers;
use crate::inbox::{Handling, ReminderTopic};
use crate::model::{Agent, Move, Ticket, TicketSnapshot, TicketState, move_call};
use crate::store::TurnPass;

/// Reasons for which Blip may refuse an agent that it does not know (`blip.md` §10 #6).
pub(crate) const UNKNOWN_AGENT_CODES: [&str; 4] = ["25", "33", "64", "67"];

/// Makes somebody the holder of a ticket, or nobody.
pub(crate) struct Claims {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) people: Arc<People>,
    pub(crate) timers: Arc<Timers>,
}

impl Claims {
    /// Claims a ticket for a person, or tells them why not.
    pub(crate) async fn make_claim(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        over: bool,
    ) -> PipeResult<MoveOutcome> {
        match self.transitions.check_move(item, ticket, person, &Move::Claim { over }).await? {
            Some(moved) => Ok(moved),
            None => self.claim_ticket(item, ticket, person).await,
        }
    }

    pub(crate) async fn claim_ticket(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<MoveOutcome> {
        let own = self.people.blip_identity(person);
        let Some(identity) = own.clone().or_else(|| self.people.agents.default.clone()) else {
            self.people
                .tell_person(item, ticket, person, &person.texts.text("ask-no-identity", &[]), &[])
                .await;
            return Ok(MoveOutcome::Refused);
        };
        let mut agent = build_agent(person, identity);
        let mut opened = self.open_at_blip(item, move_call::OPEN, ticket, &agent).await;
        if let (Err(CallError::Call(error)), Some(default)) = (&opened, &self.people.agents.default)
            && error.code().is_some_and(|code| UNKNOWN_AGENT_CODES.contains(&code))
            && agent.identity != *default
            && self.transitions.fetch_ending(ticket).await?.is_none()
        {
            // Whether the agent must have an account at Blip is not known (`blip.md` §10 #6). A
            // refusal with one of these codes may be about the ticket as well, which is why that is
            // read before.
            agent.identity.clone_from(default);
            opened = self.open_at_blip(item, move_call::OPEN_DEFAULT, ticket, &agent).await;
            if opened.is_ok() {
                let text =
                    person.texts.text("thread-default-agent", &[("agent", &person.profile.name)]);
                self.people.tell_person(item, ticket, person, &text, &[]).await;
            }
        }
        match opened {
            Ok(()) => {
                // Before the state is written: once that says who holds the ticket, a run after a
                // crash finds nothing left to do, and the line would never come.
                self.transitions.say_claim(item, ticket, &agent).await?;
                let since = item.received;
                self.transitions
                    .change_state(item, ticket, TicketState::Claimed { holder: agent, since })
                    .await?;
                tracing::info!("a ticket was claimed");
                Ok(MoveOutcome::Done)
            }
            Err(failed) => {
                let r#move = Move::Claim { over: false };
                self.transitions.handle_failed_move(item, ticket, person, &r#move, failed).await
            }
        }
    }

    /// Lets go of a ticket: anybody may claim it, and is reminded to.
    pub(crate) async fn release_ticket(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> PipeResult<MoveOutcome> {
        self.transitions.say_release(item, ticket).await?;
        if let Some(holder) = ticket.holder().filter(|_| self.timers.assignments.is_some()) {
            // Before the state: otherwise it could be given to them again in between.
            let (store, now) = (&self.calls.store, self.calls.clock.now());
            store.pass_turn(&ticket.id, &holder.user, TurnPass::Declined, now).await?;
        }
        self.transitions.change_state(item, ticket, TicketState::Unclaimed).await?;
        let topic = ReminderTopic::Unclaimed;
        self.timers.schedule_reminder(item, ticket, topic, item.received).await?;
        Ok(MoveOutcome::Done)
    }

    async fn open_at_blip(
        &self,
        item: &Handling,
        step: &str,
        ticket: &Ticket,
        agent: &Agent,
    ) -> Result<(), CallError<blip::Error>> {
        let Some(bot) = self.bots.get(ticket.id.bot()) else {
            return Err(no_bot_error("open ticket"));
        };
        let look = async {
            let snapshot = bot.tickets.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| is_open_with(snapshot, agent)).map(drop))
        };
        self.calls
            .call_once(item, step, None, look, bot.tickets.open_ticket(&ticket.id, &agent.identity))
            .await
    }
}

pub(crate) fn no_bot_error(operation: &'static str) -> CallError<blip::Error> {
    CallError::Call(blip::Error::no_such_bot(operation))
}

pub(crate) fn is_open_with(snapshot: &TicketSnapshot, agent: &Agent) -> bool {
    let same = |identity: &String| identity.eq_ignore_ascii_case(&agent.identity);
    snapshot.status.eq_ignore_ascii_case("open") && snapshot.agent.as_ref().is_some_and(same)
}
