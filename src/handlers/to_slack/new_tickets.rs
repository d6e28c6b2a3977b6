//! A ticket that is new to us: its thread is that of the ticket before, or begins with its card.

use std::sync::Arc;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::thread::Threads;
use crate::handlers::timers::Timers;
use crate::handlers::to_slack::customers::Customers;
use crate::handlers::to_slack::pieces::Pieces;
use crate::inbox::{CardJob, CheckJob, Handling, ReminderTopic, ThreadJob};
use crate::model::ticket::FIRST_REVISION;
use crate::model::{Customer, PassedLimits, Ticket, TicketSnapshot, TicketState, domain_of};

/// Noted before the ticket is stored: the files of its first words are still to be shown. A second try
/// finds the ticket known, and would skip them otherwise.
const FIRST_FILES: &str = "first-files";

/// Gives new tickets their threads.
pub(crate) struct NewTickets {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) pieces: Arc<Pieces>,
}

impl NewTickets {
    pub(crate) async fn handle_new_ticket(
        &self,
        item: &Handling,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        let mut ticket = self.prepare_ticket(item, snapshot).await?;
        self.open_thread(item, &mut ticket, snapshot).await
    }

    /// Gives a new ticket its thread: that of the ticket before, or one of its own. Then it may be
    /// given to an agent. The files of the first words come last, as they may take their time.
    pub(crate) async fn open_thread(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        let has_new_words = self.put_in_thread(item, ticket, snapshot).await?;
        self.customers.forget_details(&ticket.id);
        self.timers.schedule_distribution(item).await?;
        if has_new_words {
            self.pieces.post_first_files(item, ticket, snapshot.first_words.as_ref()).await?;
        }
        Ok(())
    }

    /// Whether an earlier run has begun the thread of a ticket whose first words came with files.
    pub(crate) async fn has_begun_files(&self, item: &Handling) -> PipeResult<bool> {
        Ok(self.calls.recall(item, FIRST_FILES).await?.unwrap_or_default())
    }

    /// Goes on with the files of the first words, if an earlier run came no further than the thread.
    pub(crate) async fn resume_first_files(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        if !self.has_begun_files(item).await? {
            return Ok(());
        }
        self.pieces.post_first_files(item, ticket, snapshot.first_words.as_ref()).await
    }

    /// Puts a ticket into a thread, its own or one that goes on, and sets what it is reminded of. Answers
    /// whether what the customer said to begin with is new: what came before a transfer stands in the thread.
    async fn put_in_thread(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<bool> {
        tracing::info!("a ticket has arrived");
        self.timers.schedule_window_check(item, ticket, ticket.opened).await?;
        self.customers.schedule_originator_check(item, ticket).await?;
        // The same time that others name it by: a channel is reminded of all its tickets together.
        self.timers
            .schedule_reminder(item, ticket, ReminderTopic::Unclaimed, ticket.opened)
            .await?;
        if let Some(since) = ticket.unanswered {
            self.timers.schedule_answer_checks(item, ticket, since).await?;
        }
        let before = self.threads.find_predecessor(item, ticket).await?;
        if let Some(before) = &before {
            // It was transferred, whether or not anybody tells us.
            self.calls
                .enqueue_item(item, CheckJob::check_ticket(&before.id, self.calls.clock.now()))
                .await?;
        }
        if self.threads.continue_thread(item, ticket).await? {
            self.answer_if_away(item, ticket).await?;
            return Ok(false);
        }
        let first_words = snapshot.first_words.as_ref();
        if self.pieces.has_files(first_words) {
            // Before the ticket is on record.
            item.remember(FIRST_FILES, &true)?;
        }
        if !self.threads.join_active_message(item, ticket, first_words).await? {
            // Everything else stands below the card, whose time stamp is the thread's name in Slack.
            self.threads.post_card(item, ticket, first_words).await?;
        }
        self.answer_if_away(item, ticket).await?;
        if let Some(before) = before {
            let now = self.calls.clock.now();
            let job = CardJob::update_followed_card(&before, ticket, now);
            self.calls.enqueue_item(item, job).await?;
        }
        let context = ThreadJob::show_context(&ticket.id, item.received);
        self.calls.enqueue_item(item, context).await?;
        Ok(true)
    }

    /// Has a customer told who waits while the team does not work; once the ticket is stored.
    async fn answer_if_away(&self, item: &Handling, ticket: &Ticket) -> PipeResult<()> {
        if ticket.unanswered.is_some() {
            self.timers.schedule_away_answer(item, ticket).await?;
        }
        Ok(())
    }

    /// A ticket of which only Blip has told, as it is when its card is to be posted: ends the handling of
    /// the item until its channel takes that, and asks Blip who the customer is.
    pub(crate) async fn prepare_ticket(
        &self,
        item: &Handling,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<Ticket> {
        let mut ticket = to_new_ticket(snapshot, item.received);
        if snapshot.is_waiting() {
            // The handoff is young even if Blip's date of it is not. One that was transferred is
            // as old as what the customer said before.
            let before = self.threads.find_predecessor(item, &ticket).await?;
            ticket.heard = before.map_or(Some(item.received), |before| before.heard);
        }
        if !item.has_begun_calls {
            self.threads.wait_for_slot(item, &ticket).await?;
        }
        // After the wait for the channel, which may end this try: Blip is then asked once, with
        // the card next.
        self.customers.identify_customer(item, &mut ticket.customer, &ticket.id).await?;
        Ok(ticket)
    }
}

/// Whom a ticket is about, without a name.
pub(crate) fn to_customer(snapshot: &TicketSnapshot) -> Customer {
    let identity = snapshot.customer.clone().unwrap_or_default();
    let domain = snapshot.domain.clone();
    let domain = domain.unwrap_or_else(|| domain_of(&identity).to_owned());
    Customer { name: None, originator: None, domain, identity }
}

/// What Blip says, as a ticket of ours that is unclaimed and has no thread yet.
fn to_new_ticket(snapshot: &TicketSnapshot, received: Timestamp) -> Ticket {
    Ticket {
        id: snapshot.id.clone(),
        address: snapshot.address.clone(),
        number: snapshot.number,
        parent: snapshot.parent,
        customer: to_customer(snapshot),
        team: snapshot.team.clone(),
        tags: snapshot.tags.clone(),
        priority: snapshot.priority.unwrap_or_default(),
        passed_limits: PassedLimits::default(),
        is_on_standby: false,
        opened: snapshot.opened.unwrap_or(received),
        state: TicketState::Unclaimed,
        thread: None,
        heard: None,
        unanswered: snapshot.first_words.is_some().then_some(received),
        first_answer: None,
        rating: None,
        revision: FIRST_REVISION,
        version: 0,
    }
}
