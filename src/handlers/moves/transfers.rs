//! Transfer: the one move that ends a ticket and begins another one.
//!
//! Blip answers a transfer with the ticket that follows (`blip.md` §3.3), and may announce that
//! ticket as well. Both are the same event: the answer is put into the inbox as the announcement.

use crate::blip::{self, TicketDocument};
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::inbox::{Handling, ThreadJob, TransferNotice};
use crate::model::{Move, Ticket, TicketEnding, TicketId, TicketState, TransferTarget, move_call};
use crate::store::{Lane, NewItem, Source};

/// Hands a ticket on.
pub(crate) async fn transfer_ticket(
    transitions: &Transitions,
    item: &Handling,
    ticket: &mut Ticket,
    person: &Person,
    to: &TransferTarget,
) -> PipeResult<MoveOutcome> {
    let bot = transitions.bots.require_bot(&ticket.id)?;
    let look = find_successor(bot, ticket);
    let send = bot.tickets.transfer_ticket(&ticket.id, to);
    match transitions.calls.call_once(item, move_call::TRANSFER, None, look, send).await {
        Ok(follower) => {
            let next = follower.to_snapshot(bot.bot_name());
            // By its number the ticket that follows finds the thread.
            ticket.number = ticket.number.or(next.as_ref().and_then(|next| next.parent));
            transitions.calls.put_ticket(item, ticket).await?;
            transitions.say_transfer(item, ticket, person, (to, next.is_some())).await?;
            // Whether the new ticket is announced to us as well is not known (`blip.md` §10
            // #5). Under the key of the announcement, whichever comes second is a repeat.
            enqueue_successor(transitions, item, ticket, &follower).await?;
            if let Some(next) = next {
                enqueue_transfer_notice(transitions, item, &next.id, person, to).await?;
            }
            let ending = TicketEnding::Transferred;
            transitions
                .change_state(item, ticket, TicketState::Closed { ending, at: item.received })
                .await?;
            tracing::info!("a ticket was transferred");
            Ok(MoveOutcome::Done)
        }
        Err(failed) => {
            let r#move = Move::Transfer(to.clone());
            transitions.handle_failed_move(item, ticket, person, &r#move, failed).await
        }
    }
}

/// Has the agent told to whom a ticket was handed.
async fn enqueue_transfer_notice(
    transitions: &Transitions,
    item: &Handling,
    next: &TicketId,
    person: &Person,
    to: &TransferTarget,
) -> PipeResult<()> {
    let TransferTarget::Agent { identity, name } = to else { return Ok(()) };
    let (ticket, by) = (next.clone(), person.profile.name.clone());
    let handed = TransferNotice { ticket, to: identity.clone(), name: name.clone(), by };
    Ok(transitions
        .calls
        .enqueue_item(item, ThreadJob::announce_transfer(handed, transitions.calls.clock.now()))
        .await?)
}

/// Puts the ticket that follows into the inbox, as if Blip had announced it. What is not in
/// the answer, Blip announces itself.
async fn enqueue_successor(
    transitions: &Transitions,
    item: &Handling,
    ticket: &Ticket,
    follower: &TicketDocument,
) -> PipeResult<()> {
    let received = transitions.calls.clock.now();
    for routed in follower.to_events(ticket.id.bot()) {
        let Some(id) = routed.ticket else { continue };
        let (lane, key, body) = (Lane::Ticket(id), routed.key, routed.raw);
        let source = Source::Blip;
        transitions
            .calls
            .enqueue_item(item, NewItem { source, lane, key, body, received, due: received })
            .await?;
    }
    Ok(())
}

/// The ticket that follows one that was transferred; empty if there is one that cannot be found.
pub(crate) async fn find_successor(
    bot: &blip::BlipClient,
    ticket: &Ticket,
) -> Result<Option<TicketDocument>, blip::Error> {
    let snapshot = bot.tickets.fetch_ticket(&ticket.id).await?;
    let Some(snapshot) =
        snapshot.filter(|now| now.parse_ending() == Some(TicketEnding::Transferred))
    else {
        return Ok(None);
    };
    // A ticket that was announced without its number has one all the same.
    let number = ticket.number.or(snapshot.number);
    let open = bot.tickets.fetch_open_tickets(&ticket.customer.identity).await?;
    let follows = |found: &TicketDocument| {
        let parent = found.to_snapshot(bot.bot_name()).and_then(|found| found.parent);
        parent.is_some() && parent == number
    };
    // A transfer has no id by which it could be found, but the ticket that follows names this one
    // as its parent (`blip.md` §3.3).
    Ok(Some(open.into_iter().find(follows).unwrap_or_default()))
}
