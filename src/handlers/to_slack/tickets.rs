//! Tickets as Blip tells of them: new, changed, ended, or met first through a customer's message.

use std::sync::Arc;

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::endings::Endings;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::to_slack::customers::Customers;
use crate::handlers::to_slack::new_tickets::{NewTickets, to_customer};
use crate::handlers::to_slack::ratings::Ratings;
use crate::inbox::{CardJob, Handling, ThreadJob};
use crate::model::{Failure, Ticket, TicketId, TicketSnapshot, TicketState};

/// Brings our tickets up to what Blip says of them.
pub(crate) struct Tickets {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) endings: Arc<Endings>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) arrivals: Arc<NewTickets>,
    pub(crate) ratings: Arc<Ratings>,
    pub(crate) has_few_cards: bool,
}

impl Tickets {
    pub(crate) async fn handle_ticket_event(
        &self,
        item: &Handling,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        match self.calls.load_ticket(item, &snapshot.id).await? {
            Some(mut ticket) => {
                // The card may have been posted in an earlier run that did not come this far.
                self.calls
                    .enqueue_item(item, ThreadJob::show_context(&ticket.id, item.received))
                    .await?;
                if ticket.state == TicketState::Unclaimed {
                    self.arrivals.timers.schedule_distribution(item).await?;
                }
                self.arrivals.resume_first_files(item, &mut ticket, snapshot).await?;
                self.apply_snapshot(item, ticket, snapshot).await
            }
            // One that was erased comes back only if the customer writes again.
            None if snapshot.is_waiting()
                && self.calls.store.erased_at(&snapshot.id).await?.is_none() =>
            {
                self.arrivals.handle_new_ticket(item, snapshot).await
            }
            // A ticket that we never saw waiting was answered elsewhere.
            None => Ok(()),
        }
    }

    /// Brings a ticket that we know up to what Blip says of it.
    pub(crate) async fn apply_snapshot(
        &self,
        item: &Handling,
        mut ticket: Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        if let Some(ending) = snapshot.parse_ending() {
            self.endings.apply_ending(item, &mut ticket, ending).await?;
            return self.ratings.note_snapshot(item, &mut ticket, snapshot).await;
        }
        let team = snapshot.team.clone().or_else(|| ticket.team.clone());
        let tags =
            // Blip leaves unset fields out (`blip.md` §3.1): an absence says nothing about tags or
            // team.
            if snapshot.tags.is_empty() { ticket.tags.clone() } else { snapshot.tags.clone() };
        // One that came without a number may have got it, and one of which Blip did not tell at
        // first, its customer.
        let number = ticket.number.or(snapshot.number);
        let priority = snapshot.priority.unwrap_or(ticket.priority);
        let is_met = ticket.customer.identity.is_empty() && snapshot.customer.is_some();
        if is_met {
            ticket.customer = to_customer(snapshot);
        }
        let is_new = team != ticket.team
            || tags != ticket.tags
            || number != ticket.number
            || priority != ticket.priority;
        if is_met || is_new {
            ticket.priority = priority;
            ticket.number = number;
            ticket.team = team;
            ticket.tags = tags;
            ticket.revision += 1;
            self.calls.put_ticket(item, &mut ticket).await?;
        }
        self.customers.schedule_originator_check(item, &ticket).await?;
        let drawn = self.calls.read(item).await?.drawn_card(&ticket.id).await?;
        let is_behind = drawn.is_some_and(|drawn| drawn.revision != ticket.revision);
        // Also if nothing is new: the card may be in a language that was set before the start.
        if is_behind || self.has_few_cards {
            self.calls
                .enqueue_item(item, CardJob::update_card(&ticket, self.calls.clock.now()))
                .await?;
        }
        Ok(())
    }

    /// The ticket of a customer's message. One that we do not know gets its thread first.
    pub(crate) async fn ensure_ticket(
        &self,
        item: &Handling,
        id: &TicketId,
        address: &str,
    ) -> PipeResult<Ticket> {
        let known = self.calls.load_ticket(item, id).await?;
        if let Some(ticket) = &known
            && !self.arrivals.has_begun_files(item).await?
        {
            return Ok(ticket.clone());
        }
        let told = match self.bots.require_bot(id)?.tickets.fetch_ticket(id).await {
            Err(error) if error.is_lookup_impossible() => None,
            told => told?,
        };
        // Blip may have forgotten the ticket; what the customer said is shown all the same.
        let mut snapshot = told.unwrap_or_else(|| TicketSnapshot::with_id(id.clone()));
        if let Some(mut ticket) = known {
            self.arrivals.resume_first_files(item, &mut ticket, &snapshot).await?;
            return Ok(ticket);
        }
        address.clone_into(&mut snapshot.address);
        let erased = self.calls.store.erased_at(id).await?;
        if let Some(at) = erased {
            // For us it begins now: what was said before is not shown again, and not fetched.
            snapshot.first_words = None;
            snapshot.opened = Some(at);
        }
        let mut ticket = self.arrivals.prepare_ticket(item, &snapshot).await?;
        self.arrivals.open_thread(item, &mut ticket, &snapshot).await?;
        if let Some(ending) = snapshot.parse_ending() {
            self.endings.apply_ending(item, &mut ticket, ending).await?;
        }
        Ok(ticket)
    }
}
