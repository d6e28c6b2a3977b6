//! What all moves have in common: whether a move is legal, the new state on record, and what is said
//! if Blip refuses.

use std::sync::Arc;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::handlers::thread_lines::{ThreadLines, word_refusal};
use crate::handlers::timers::Timers;
use crate::inbox::{
    AssignmentJob, CardJob, CheckJob, Handling, MoveLine, RefusedWish, ReplyJob, ThreadLine,
};
use crate::model::{
    Agent, Failure, Move, MoveRefusal, SlackUserId, Ticket, TicketEnding, TicketState,
    TransferTarget, check_move, move_call,
};
use crate::slack::parse;

/// Checks moves, keeps what they lead to, and tells people why not.
pub(crate) struct Transitions {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) timers: Arc<Timers>,
}

impl Transitions {
    /// How a move ends that needs no doing: it is so already, or it is not legal, and the person
    /// is told why.
    pub(crate) async fn check_move(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
    ) -> PipeResult<Option<MoveOutcome>> {
        match check_move(ticket, &person.user, r#move) {
            Ok(()) => Ok(None),
            // Nobody has closed what has not begun.
            Err(MoveRefusal::Already) if ticket.id.active_target().is_none() => {
                // An earlier run may not have come as far as the card.
                self.calls
                    .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
                    .await?;
                Ok(Some(MoveOutcome::Done))
            }
            Err(refusal) => {
                let is_active = refusal == MoveRefusal::Already;
                let refusal = if is_active { MoveRefusal::Closed } else { refusal };
                self.people.tell_refusal(item, ticket, person, &refusal).await;
                Ok(Some(MoveOutcome::Refused))
            }
        }
    }

    /// Enters a state: has the ticket written, given to somebody else if its holder is gone, and its card
    /// drawn anew.
    pub(crate) async fn change_state(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        state: TicketState,
    ) -> PipeResult<()> {
        let before = ticket.holder().map(|holder| holder.user.clone());
        ticket.enter_state(state);
        self.calls.put_ticket(item, ticket).await?;
        if before.is_some() && before.as_ref() != ticket.holder().map(|holder| &holder.user) {
            self.timers.schedule_distribution(item).await?;
        }
        Ok(self
            .calls
            .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
            .await?)
    }

    /// What becomes of a move whose call has failed: people are told of one that Blip has refused, any
    /// other is made again.
    pub(crate) async fn handle_failed_move(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        failed: CallError<blip::Error>,
    ) -> PipeResult<MoveOutcome> {
        match failed {
            CallError::Call(error) if error.code().is_some() => {
                self.handle_refused_move(item, ticket, person, r#move, &error).await
            }
            failed @ (CallError::Call(_) | CallError::TooEarly(_) | CallError::Store(_)) => {
                Err(failed.into())
            }
        }
    }

    /// Blip refused a move: either the ticket has ended meanwhile, or the agent is told why.
    async fn handle_refused_move(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        error: &blip::Error,
    ) -> PipeResult<MoveOutcome> {
        // Who presses in a list or in a view does not see the thread.
        let is_elsewhere = person.view.is_some() || person.response_url.is_some();
        if self.fetch_ending(ticket).await?.is_some() {
            if is_elsewhere {
                self.people.tell_refusal(item, ticket, person, &MoveRefusal::Closed).await;
            }
            // That is told in the lane towards Slack, which waits for no move of ours any more.
            self.calls.forget_calls(item, &move_call::ENDING).await?;
            let now = self.calls.clock.now();
            self.calls.enqueue_item(item, CheckJob::check_ticket(&ticket.id, now)).await?;
            return Ok(MoveOutcome::Refused);
        }
        let (by, code) = (&person.profile.name, error.code().unwrap_or("?"));
        tracing::warn!(%error, "blip refused a move");
        let is_standby_too_early = *r#move == Move::StartStandby
            && ticket.first_answer.is_none()
            && self.has_standby_mode(ticket).await?;
        let wish = if is_standby_too_early {
            RefusedWish::EarlyStandby
        } else {
            RefusedWish::from(r#move)
        };
        let words = Some(error.refusal_words());
        // Where somebody presses there they are answered; the thread is told as well, as others
        // wait for the same ticket.
        if is_elsewhere {
            let refused = word_refusal(&person.texts, wish, by, (code, words));
            self.people.tell_person(item, ticket, person, &refused, &[]).await;
        }
        let (by, code, words) = (by.clone(), code.to_owned(), words.map(str::to_owned));
        let line = ThreadLine::Refused { by, wish, code, words };
        self.lines.say_line(item, ticket, line).await?;
        Ok(MoveOutcome::Refused)
    }

    pub(crate) async fn fetch_ending(&self, ticket: &Ticket) -> PipeResult<Option<TicketEnding>> {
        match self.bots.require_bot(&ticket.id)?.tickets.fetch_ticket(&ticket.id).await {
            Err(error) if error.is_lookup_impossible() => Ok(None),
            snapshot => Ok(snapshot?.and_then(|snapshot| snapshot.parse_ending())),
        }
    }

    /// Whether the desk of a ticket has its standby mode switched on, as far as Blip tells.
    pub(crate) async fn has_standby_mode(&self, ticket: &Ticket) -> PipeResult<bool> {
        match self.bots.require_bot(&ticket.id)?.desk.has_standby_mode().await {
            Err(error) if error.is_lookup_impossible() => Ok(false),
            is_on => Ok(is_on?),
        }
    }

    /// Tells the thread who has claimed the ticket. Slack tells of a thread only those who wrote in
    /// it or were mentioned (`slack.md`, additions §2), so who holds it is mentioned, and so is who held it.
    pub(crate) async fn say_claim(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        agent: &Agent,
    ) -> PipeResult<()> {
        let holder = agent.user.clone();
        let line = match ticket.holder() {
            Some(previous) => {
                let previous = previous.user.clone();
                ThreadLine::TakenOver { holder, previous }
            }
            // Who writes a reply follows the thread by that.
            None if is_typed_reply(item) => return Ok(()),
            None => {
                let is_given = AssignmentJob::is_assignment(&item.key);
                ThreadLine::Claimed { holder, is_given }
            }
        };
        self.lines.say_line(item, ticket, line).await
    }

    /// Tells the thread that nobody holds the ticket any more.
    pub(crate) async fn say_release(&self, item: &Handling, ticket: &mut Ticket) -> PipeResult<()> {
        let Some(holder) = ticket.holder() else { return Ok(()) };
        let line = ThreadLine::Moved(MoveLine::Released { by: holder.name.clone() });
        self.lines.say_line(item, ticket, line).await
    }

    /// Tells the holder that somebody else has closed their ticket.
    pub(crate) async fn say_close_to_holder(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<()> {
        let Some(holder) = find_other_holder(ticket, person) else { return Ok(()) };
        let (by, at) = (person.profile.name.clone(), item.received.as_millisecond());
        self.lines.say_line(item, ticket, ThreadLine::Closed { holder, by, at }).await
    }

    pub(crate) async fn say_transfer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (to, is_known): (&TransferTarget, bool),
    ) -> PipeResult<()> {
        let (by, to) = (person.profile.name.clone(), to.name().to_owned());
        let holder = find_other_holder(ticket, person);
        let line = ThreadLine::Transferred { by, to, is_known, holder };
        self.lines.say_line(item, ticket, line).await
    }
}

/// Who holds a ticket, if that is somebody else than who does something about it.
fn find_other_holder(ticket: &Ticket, person: &Person) -> Option<SlackUserId> {
    ticket.holder().filter(|holder| holder.user != person.user).map(|holder| holder.user.clone())
}

/// Whether an item is a reply that somebody wrote in the thread, just now or held since.
fn is_typed_reply(item: &Handling) -> bool {
    parse::is_message(&item.key) || ReplyJob::is_send(&item.key)
}
