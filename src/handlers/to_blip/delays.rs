//! A reply or a move that a platform does not take: whoever made it is not left to guess.

use std::time::Duration;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::inbox::{DelayedReply, Handling, HeldReply, MarkJob};
use crate::model::{Fault, SlackEvent, Ticket, TicketId, marks};

/// How long a reply may wait before it is shown that it does.
pub(crate) const SHOWN_AFTER: Duration = Duration::from_secs(10);

/// Has it shown that a reply waits, if it was interrupted by a platform that fails. One that goes
/// out at once costs nothing.
pub(crate) async fn note_delay(
    calls: &Calls,
    item: &Handling,
    ticket: &Ticket,
    (event, interrupt): (&SlackEvent, &Interrupt),
) -> PipeResult<()> {
    let SlackEvent::Message { channel, ts, user, .. } = event else { return Ok(()) };
    if !is_for_now(interrupt) {
        return Ok(());
    }
    let delayed = DelayedReply {
        ticket: ticket.id.clone(),
        channel: channel.clone(),
        ts: ts.clone(),
        user: user.clone(),
        is_move: false,
        event: None,
    };
    Ok(calls.enqueue_item(item, MarkJob::show_delay(delayed, item.received + SHOWN_AFTER)).await?)
}

/// The same for a reply that was held: it waits from when it was to go out.
pub(crate) async fn note_held_delay(
    calls: &Calls,
    item: &Handling,
    held: &HeldReply,
    interrupt: &Interrupt,
) -> PipeResult<()> {
    if !is_for_now(interrupt) {
        return Ok(());
    }
    let delayed = DelayedReply {
        ticket: held.ticket.clone(),
        channel: held.channel.clone(),
        ts: held.ts.clone(),
        user: held.user.clone(),
        is_move: false,
        event: None,
    };
    Ok(calls.enqueue_item(item, MarkJob::show_delay(delayed, item.received + SHOWN_AFTER)).await?)
}

/// Shows on a ticket's card that a move waits which somebody made some time ago, for as long as the
/// platform that it needs fails; and that it waits no longer, however it ended.
pub(crate) async fn note_move_delay(
    calls: &Calls,
    item: &Handling,
    (ticket, event): (&TicketId, &SlackEvent),
    handled: &HandlerResult,
) -> PipeResult<()> {
    let user = match event {
        SlackEvent::Click(click) => &click.user,
        SlackEvent::Submitted(filled) => &filled.user,
        SlackEvent::Reaction { user, .. } => user,
        // What waits of these bears the mark itself, or is nobody's wish.
        SlackEvent::Message { .. }
        | SlackEvent::Oversized { .. }
        | SlackEvent::Edited { .. }
        | SlackEvent::Deleted { .. }
        | SlackEvent::Outside { .. }
        | SlackEvent::NotOurs
        | SlackEvent::Unknown { .. } => return Ok(()),
    };
    let is_shown = calls.recall::<bool>(item, SHOWN_STEP).await?.unwrap_or_default();
    let now = calls.clock.now();
    match handled {
        // It is not its turn: nothing has changed.
        Err(Interrupt::Wait(_)) => Ok(()),
        Ok(handled) if !handled.outcome.is_done() => Ok(()),
        Err(interrupt) if is_for_now(interrupt) => {
            if is_shown || now < item.received + SHOWN_AFTER {
                return Ok(());
            }
            let Some(ticket) = calls.load_ticket(item, ticket).await? else { return Ok(()) };
            let Some(thread) = &ticket.thread else { return Ok(()) };
            let delayed = DelayedReply {
                ticket: ticket.id.clone(),
                channel: thread.channel.clone(),
                ts: thread.root.clone(),
                user: user.clone(),
                is_move: true,
                event: Some(item.key.clone()),
            };
            calls.enqueue_item(item, MarkJob::show_delay(delayed, now)).await?;
            Ok(item.remember(SHOWN_STEP, &true)?)
        }
        Ok(_) | Err(_) if is_shown => {
            let Some(ticket) = calls.load_ticket(item, ticket).await? else { return Ok(()) };
            let Some(thread) = &ticket.thread else { return Ok(()) };
            let card = (&thread.channel, &thread.root);
            let mark = MarkJob::remove_reaction(&ticket.id, card, marks::WAITING_MARK, now);
            Ok(calls.enqueue_item(item, mark).await?)
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The step that notes that it is shown on the card that a move waits.
const SHOWN_STEP: &str = "delay-shown";

/// Whether a platform fails for now, so that what was asked for waits.
fn is_for_now(interrupt: &Interrupt) -> bool {
    let Interrupt::Call { fault, .. } = interrupt else { return false };
    match fault {
        Fault::Refused { .. } | Fault::Broken => false,
        Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Credentials => true,
    }
}
