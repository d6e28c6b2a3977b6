//! What all moves have in common: whether a move is legal, the new state on record, and what is said
//! if Blip refuses.

use crate::slack::rich_text::Mention;
use std::sync::Arc;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::endings::Endings;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::Job;
use crate::locale::Texts;
use crate::model::{
    Agent, Failure, Move, MoveRefusal, Ticket, TicketEnding, TicketState, TransferTarget,
};
use crate::store::Item;

/// Checks moves, keeps what they lead to, and tells people why not.
pub(crate) struct Transitions {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) endings: Arc<Endings>,
    pub(crate) texts: Texts,
    pub(crate) bots: Arc<Bots>,
}

impl Transitions {
    /// How a move ends that needs no doing: it is so already, or it is not legal, and the person
    /// is told why.
    pub(crate) async fn check_move(
        &self,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
    ) -> PipeResult<Option<MoveOutcome>> {
        match ticket.check_move(&person.user, r#move) {
            Ok(()) => Ok(None),
            Err(MoveRefusal::Already) => {
                // An earlier run may not have come as far as the card.
                self.calls.enqueue_item(Job::update_card(ticket, self.calls.clock.now())).await?;
                Ok(Some(MoveOutcome::Done))
            }
            Err(refusal) => {
                self.people.tell_refusal(ticket, person, r#move, &refusal).await;
                Ok(Some(MoveOutcome::Refused))
            }
        }
    }

    pub(crate) async fn change_state(
        &self,
        ticket: &mut Ticket,
        state: TicketState,
    ) -> PipeResult<()> {
        ticket.enter_state(state);
        self.calls.store.put_ticket(ticket).await?;
        Ok(self.calls.enqueue_item(Job::update_card(ticket, self.calls.clock.now())).await?)
    }

    /// Blip refused a move: either the ticket has ended meanwhile, or the agent is told why.
    pub(crate) async fn handle_refused_move(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        error: &blip::Error,
    ) -> PipeResult<MoveOutcome> {
        if let Some(ending) = self.fetch_ending(ticket).await? {
            self.endings.apply_ending(item, ticket, ending).await?;
            return Ok(MoveOutcome::Refused);
        }
        let code = error.code().unwrap_or("?");
        tracing::warn!(ticket.id = %ticket.id, %error, "blip refused a move");
        let key = match r#move {
            Move::Claim { .. } => "thread-claim-refused",
            Move::Transfer(_) => "thread-transfer-refused",
            Move::Tag(_) => "thread-tags-refused",
            Move::Release | Move::Close(_) => "thread-close-refused",
        };
        let reason = self.texts.reason_text(code);
        let args = [("agent", person.profile.name.as_str()), ("reason", reason.as_str())];
        let line = self.texts.text(key, &args);
        self.threads.post_when_due(item, "refused", ticket, &ThreadPost::from_line(&line)).await?;
        Ok(MoveOutcome::Refused)
    }

    pub(crate) async fn fetch_ending(&self, ticket: &Ticket) -> PipeResult<Option<TicketEnding>> {
        match self.bots.require_bot(&ticket.id)?.fetch_ticket(&ticket.id).await {
            Err(error) if error.is_lookup_impossible() => Ok(None),
            snapshot => Ok(snapshot?.and_then(|snapshot| snapshot.parse_ending())),
        }
    }

    /// Who loses a ticket to a colleague hears of it.
    pub(crate) async fn post_take_over(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        agent: &Agent,
        previous: &Agent,
    ) -> PipeResult<()> {
        let args = [("agent", agent.name.as_str())];
        let line = self.texts.text("thread-taken-over", &args);
        let post = ThreadPost::with_mention(&Mention::User(previous.user.clone()), &line);
        self.threads.post_when_due(item, "taken-over", ticket, &post).await.map(drop)
    }

    pub(crate) async fn post_transfer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (to, is_known): (&TransferTarget, bool),
    ) -> PipeResult<()> {
        let args = [("agent", person.profile.name.as_str()), ("to", to.name())];
        let key = if is_known { "thread-transferred-by" } else { "thread-transferred-unknown" };
        let line = self.texts.text(key, &args);
        self.threads
            .post_when_due(item, "transferred", ticket, &ThreadPost::from_line(&line))
            .await
            .map(drop)
    }
}
