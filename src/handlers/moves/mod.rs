//! Claim, release, close, transfer, tag: the one machine behind reactions, buttons and replies.
//!
//! A move changes our ticket only after Blip has agreed, and whatever Blip says of a ticket wins.

use crate::inbox::Handling;
pub(crate) mod active;
pub(crate) mod assignments;
pub(crate) mod claims;
pub(crate) mod close_checks;
pub(crate) mod close_question;
pub(crate) mod closings;
pub(crate) mod composer;
pub(crate) mod contacts;
pub(crate) mod outcome;
pub(crate) mod permission;
pub(crate) mod tags;
pub(crate) mod transfers;
pub(crate) mod transitions;

use std::sync::Arc;

use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::closings::Closings;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::tags::Tags;
use crate::handlers::moves::transfers::Transfers;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::model::{Move, Ticket};

/// Makes moves for people, whatever they made them with.
pub(crate) struct Moves {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) closings: Arc<Closings>,
    pub(crate) transfers: Arc<Transfers>,
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
        match r#move {
            Move::Claim { .. } => self.claims.claim_ticket(item, ticket, person).await,
            Move::Release => self.claims.release_ticket(item, ticket).await,
            Move::Close(closing) => self.closings.close_ticket(item, ticket, person, closing).await,
            Move::Transfer(to) => self.transfers.transfer_ticket(item, ticket, person, to).await,
            Move::Tag(tags) => self.tags.tag_ticket(item, ticket, person, tags).await,
        }
    }
}
