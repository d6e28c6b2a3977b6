//! What all moves have in common: whether a move is legal, the new state on record, and what is said
//! if Blip refuses.

use crate::slack::rich_text::Mention;
use std::sync::Arc;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::endings::ENDING_CALLS;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::timers::Timers;
use crate::inbox::{AssignmentJob, CardJob, CheckJob, Handling, ReplyJob};
use crate::locale::Texts;
use crate::model::{
    Agent, Failure, Move, MoveRefusal, Ticket, TicketEnding, TicketState, TransferTarget,
};
use crate::slack::parse;

/// Checks moves, keeps what they lead to, and tells people why not.
pub(crate) struct Transitions {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
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
        match ticket.check_move(&person.user, r#move) {
            Ok(()) => Ok(None),
            Err(MoveRefusal::Already) => {
                // An earlier run may not have come as far as the card.
                self.calls
                    .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
                    .await?;
                Ok(Some(MoveOutcome::Done))
            }
            Err(refusal) => {
                self.people.tell_refusal(item, ticket, person, &refusal).await;
                Ok(Some(MoveOutcome::Refused))
            }
        }
    }

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

    /// Blip refused a move: either the ticket has ended meanwhile, or the agent is told why.
    pub(crate) async fn handle_refused_move(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        error: &blip::Error,
    ) -> PipeResult<MoveOutcome> {
        if self.fetch_ending(ticket).await?.is_some() {
            // That is told in the lane towards Slack, which waits for no move of ours any more.
            for call in ENDING_CALLS {
                self.calls.forget_call(item, call).await?;
            }
            let now = self.calls.clock.now();
            self.calls.enqueue_item(item, CheckJob::check_ticket(&ticket.id, now)).await?;
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
        let refused = |texts: &Texts| {
            let reason = texts.describe_failure(code, error.refusal_words());
            texts.text(key, &[("agent", &person.profile.name), ("reason", &reason)])
        };
        // Where somebody presses there they are answered; the thread is told as well, as others
        // wait for the same ticket.
        if person.view.is_some() {
            self.people.tell_person(item, ticket, person, &refused(&person.texts), &[]).await;
        }
        let line = refused(&self.texts);
        self.threads.post_when_due(item, "refused", ticket, &ThreadPost::from_line(&line)).await?;
        Ok(MoveOutcome::Refused)
    }

    pub(crate) async fn fetch_ending(&self, ticket: &Ticket) -> PipeResult<Option<TicketEnding>> {
        match self.bots.require_bot(&ticket.id)?.fetch_ticket(&ticket.id).await {
            Err(error) if error.is_lookup_impossible() => Ok(None),
            snapshot => Ok(snapshot?.and_then(|snapshot| snapshot.parse_ending())),
        }
    }

    /// Tells the thread who has claimed the ticket. Slack tells of a thread only those who wrote in
    /// it or were mentioned (`slack.md`, additions §2), so who holds it is mentioned, and so is who held it.
    pub(crate) async fn post_claim(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        agent: &Agent,
    ) -> PipeResult<()> {
        let holder = Mention::User(agent.user.clone());
        let previous = ticket.holder().map(|previous| Mention::User(previous.user.clone()));
        let (step, post) = match &previous {
            Some(previous) => {
                let mentions = [("agent", &holder), ("previous", previous)];
                let post = ThreadPost::from_text(&self.texts, "thread-taken-over", &[], &mentions);
                ("taken-over", post)
            }
            // Who writes a reply follows the thread by that.
            None if is_typed_reply(item) => return Ok(()),
            None => {
                let mentions = [("agent", &holder)];
                let is_given = AssignmentJob::is_assignment(&item.key);
                let key = if is_given { "thread-assigned" } else { "thread-claimed" };
                let post = ThreadPost::from_text(&self.texts, key, &[], &mentions);
                ("claimed", post)
            }
        };
        self.threads.post_when_due(item, step, ticket, &post).await
    }

    /// Tells the thread that nobody holds the ticket any more.
    pub(crate) async fn post_release(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> PipeResult<()> {
        let Some(holder) = ticket.holder() else { return Ok(()) };
        let line = self.texts.text("thread-released", &[("agent", &holder.name)]);
        self.threads.post_when_due(item, "released", ticket, &ThreadPost::from_line(&line)).await
    }

    /// Tells the holder that somebody else has closed their ticket.
    pub(crate) async fn post_close_to_holder(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        ending: &TicketEnding,
    ) -> PipeResult<()> {
        let Some(holder) = find_other_holder(ticket, person) else { return Ok(()) };
        let line = self.texts.ticket_ending_text(ending, item.received);
        let post = ThreadPost::for_agent(Some(&holder), &line);
        self.threads.post_when_due(item, "closed", ticket, &post).await
    }

    pub(crate) async fn post_transfer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (to, is_known): (&TransferTarget, bool),
    ) -> PipeResult<()> {
        let args = [("agent", person.profile.name.as_str()), ("to", to.name())];
        let key = if is_known { "thread-transferred-by" } else { "thread-transferred-unknown" };
        let line = self.texts.text(key, &args);
        let post = ThreadPost::for_agent(find_other_holder(ticket, person).as_ref(), &line);
        self.threads.post_when_due(item, "transferred", ticket, &post).await
    }
}

/// Who holds a ticket, if that is somebody else than who does something about it.
fn find_other_holder(ticket: &Ticket, person: &Person) -> Option<Agent> {
    ticket.holder().filter(|holder| holder.user != person.user).cloned()
}

/// Whether an item is a reply that somebody wrote in the thread, just now or held since.
fn is_typed_reply(item: &Handling) -> bool {
    parse::is_message(&item.key) || ReplyJob::is_send(&item.key)
}
