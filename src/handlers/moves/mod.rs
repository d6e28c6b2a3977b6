//! Claim, release, close, transfer, tag, standby: the one machine behind reactions, buttons and replies.
//!
//! A move changes our ticket only after Blip has agreed, and whatever Blip says of a ticket wins.

pub(crate) mod assignments;
pub(crate) mod claims;
pub(crate) mod close_checks;
pub(crate) mod close_question;
pub(crate) mod closings;
pub(crate) mod outcome;
pub(crate) mod standby;
pub(crate) mod tags;
pub(crate) mod transfers;
pub(crate) mod transitions;

use std::sync::Arc;

use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::closings::Closings;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::standby::change_standby;
use crate::handlers::moves::tags::Tags;
use crate::handlers::moves::transfers::transfer_ticket;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::inbox::Handling;
use crate::model::{Move, Ticket};

/// Makes moves for people, whatever they made them with.
pub(crate) struct Moves {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) closings: Arc<Closings>,
    pub(crate) tags: Arc<Tags>,
}

impl Moves {
    /// Makes a move for a person, or tells them why not.
    pub(crate) async fn make_move(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
    ) -> PipeResult<MoveOutcome> {
        if let Some(moved) = self.transitions.check_move(item, ticket, person, r#move).await? {
            return Ok(moved);
        }
        let transitions = &self.transitions;
        match r#move {
            Move::Claim { .. } => self.claims.claim_ticket(item, ticket, person).await,
            Move::Release => self.claims.release_ticket(item, ticket).await,
            Move::Close(closing) => self.closings.close_ticket(item, ticket, person, closing).await,
            Move::Transfer(to) => transfer_ticket(transitions, item, ticket, person, to).await,
            Move::Tag(tags) => self.tags.tag_ticket(item, ticket, person, tags).await,
            Move::StartStandby => change_standby(transitions, item, ticket, person, true).await,
            Move::EndStandby => change_standby(transitions, item, ticket, person, false).await,
        }
    }
}
