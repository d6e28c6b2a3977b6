//! Standby: Blip does not close a ticket for inactivity while somebody sees to what its customer asked.
//!
//! Only the clock of Blip's own is stopped: nobody else is given the ticket, and the customer sees
//! nothing (`blip.md`, additions §10).

use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::inbox::{CardJob, Handling, MoveLine, ThreadLine};
use crate::model::{Move, Ticket, move_call};

/// With what Blip answers who puts a ticket on standby that is, or ends what is over (`blip.md` §2.6).
const ALREADY_SO: &str = "21";

/// Puts a ticket on standby, or ends that.
pub(crate) async fn change_standby(
    transitions: &Transitions,
    item: &Handling,
    ticket: &mut Ticket,
    person: &Person,
    is_on: bool,
) -> PipeResult<MoveOutcome> {
    let bot = transitions.bots.require_bot(&ticket.id)?;
    // No document of a ticket tells whether it is on standby, and a repeat takes no effect: Blip says
    // that it is so already (`blip.md` §2.6).
    let look = async { Ok(None) };
    let send = bot.tickets.change_standby(&ticket.id, is_on);
    let changed =
        match transitions.calls.call_once(item, move_call::STANDBY, None, look, send).await {
            Err(CallError::Call(error))
                if error.code() == Some(ALREADY_SO)
                    && is_already_so(transitions, item, ticket, is_on).await? =>
            {
                Ok(())
            }
            changed => changed,
        };
    match changed {
        Ok(()) => {
            let line =
                ThreadLine::Moved(MoveLine::Standby { by: person.profile.name.clone(), is_on });
            transitions.lines.say_line(item, ticket, line).await?;
            ticket.is_on_standby = is_on;
            ticket.revision += 1;
            transitions.calls.put_ticket(item, ticket).await?;
            let now = transitions.calls.clock.now();
            transitions.calls.enqueue_item(item, CardJob::update_card(ticket, now)).await?;
            Ok(MoveOutcome::Done)
        }
        Err(failed) => {
            let r#move = if is_on { Move::StartStandby } else { Move::EndStandby };
            transitions.handle_failed_move(item, ticket, person, &r#move, failed).await
        }
    }
}

/// Whether a ticket is as it is wanted, if Blip answers so: with the same code it refuses what is
/// not valid, so whatever else it may mean is ruled out first.
async fn is_already_so(
    transitions: &Transitions,
    item: &Handling,
    ticket: &Ticket,
    is_on: bool,
) -> PipeResult<bool> {
    if transitions.fetch_ending(ticket).await?.is_some() {
        return Ok(false);
    }
    let was_tried = transitions.calls.read_earlier_steps(item).await?.has(move_call::STANDBY);
    // Who ends it wants what also holds where there never was any.
    if !is_on || was_tried {
        return Ok(true);
    }
    Ok(ticket.first_answer.is_some() && transitions.has_standby_mode(ticket).await?)
}
