//! Who a customer is: the name, and who is behind a router's tunnel.
//!
//! A router hides channel and number behind `{uuid}@tunnel.msging.net` (`blip.md` §3.1). Whom it
//! hides stands in the contact or in the tunnel (`blip.md` §5).

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::blip::ContactDocument;
use crate::cache::ExpiringCache;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::timers::Timers;
use crate::inbox::{CardJob, CustomerJob, Handling};
use crate::model::{Customer, Ticket, TicketId};

/// How long a new ticket waits for the customer's name; without it the card shows the identity.
pub(crate) const CONTACT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it waits besides to learn who is behind a tunnel.
pub(crate) const TUNNEL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long after a ticket has come, and after each look in vain, Blip is asked again who is behind
/// its tunnel: it was busy, or the bot's flow writes the contact late.
pub(crate) const ORIGINATOR_LOOKUP_DELAYS: [SignedDuration; 3] =
    [SignedDuration::from_secs(30), SignedDuration::from_mins(5), SignedDuration::from_mins(30)];

/// How long what was learnt of a customer is kept, if the card is not posted before.
const DETAILS_LIFETIME: Duration = Duration::from_mins(10);
/// Of how many customers it is kept.
const MAX_DETAILS: usize = 1_000;

/// What was learnt of a customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomerDetails {
    name: Option<String>,
    originator: Option<String>,
}

/// Learns who customers are. What was learnt is kept while a card is under way, so that one that has
/// to wait for Slack is posted without asking Blip again.
pub(crate) struct Customers {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) timers: Arc<Timers>,
    /// What was learnt of the customers whose card is not posted yet.
    customer_details: ExpiringCache<TicketId, CustomerDetails>,
}

impl Customers {
    /// Nothing is known yet.
    pub(crate) fn new(calls: Arc<Calls>, bots: Arc<Bots>, timers: Arc<Timers>) -> Self {
        let clock = calls.clock.clone();
        let customer_details = ExpiringCache::new(clock, DETAILS_LIFETIME, MAX_DETAILS);
        Self { calls, bots, timers, customer_details }
    }

    /// Learns what a customer is called, and who it is behind a tunnel. Failure never holds a ticket
    /// back, and another try to show the ticket asks nothing again.
    pub(crate) async fn identify_customer(
        &self,
        item: &Handling,
        customer: &mut Customer,
        id: &TicketId,
    ) -> PipeResult<()> {
        if customer.identity.is_empty() {
            return Ok(());
        }
        let met = if let Some(met) = self.customer_details.get(id) {
            met
        } else {
            let met = self.fetch_customer_details(item, customer, id).await?;
            self.customer_details.insert(id.clone(), met.clone());
            met
        };
        customer.name = met.name;
        if let Some(originator) = met.originator {
            customer.unhide(&originator);
        }
        Ok(())
    }

    /// Forgets what was learnt of a ticket's customer, once its card is posted.
    pub(crate) fn forget_details(&self, ticket: &TicketId) {
        self.customer_details.remove(ticket);
    }

    async fn fetch_customer_details(
        &self,
        item: &Handling,
        customer: &Customer,
        id: &TicketId,
    ) -> PipeResult<CustomerDetails> {
        let bot = self.bots.require_bot(id)?;
        let asked = bot.contacts.fetch_contact(&customer.identity);
        let contact = match tokio::time::timeout(CONTACT_TIMEOUT, asked).await {
            Ok(Ok(contact)) => contact.unwrap_or_default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the card goes without the name");
                ContactDocument::default()
            }
            Err(_) => {
                tracing::warn!("the card goes without the name: no answer");
                ContactDocument::default()
            }
        };
        // Read once for both questions, as a card waits for the answer.
        let name = contact.name();
        if !customer.is_hidden() {
            return Ok(CustomerDetails { name, originator: None });
        }
        let originator = match contact.originator() {
            // The contact first, as it is read already; the tunnel costs another call and another
            // wait.
            Some(originator) => Some(originator),
            None => self.find_originator(item, customer, id).await?,
        };
        Ok(CustomerDetails { name, originator })
    }

    /// Who is behind a tunnel, as Blip has told of an earlier ticket or tells now: a tunnel is one
    /// customer's for good (`blip.md`, additions §5).
    async fn find_originator(
        &self,
        item: &Handling,
        customer: &Customer,
        id: &TicketId,
    ) -> PipeResult<Option<String>> {
        let before = self.calls.read(item).await?.latest_ticket_of(&customer.identity, id).await?;
        if let Some(originator) = before.and_then(|before| before.customer.originator) {
            return Ok(Some(originator));
        }
        let asked = self.bots.require_bot(id)?.fetch_originator(&customer.identity);
        Ok(match tokio::time::timeout(TUNNEL_TIMEOUT, asked).await {
            Ok(Ok(originator)) => originator,
            Ok(Err(error)) => {
                tracing::warn!(%error, "who is behind the tunnel is not known");
                None
            }
            Err(_) => {
                tracing::warn!("who is behind the tunnel is not known: no answer");
                None
            }
        })
    }

    /// Has Blip asked again later who is behind a tunnel, if it has not told.
    pub(crate) async fn schedule_originator_check(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> PipeResult<()> {
        if ticket.customer.is_hidden() && !ticket.is_closed() {
            self.schedule_originator_lookup(item, &ticket.id, 0).await?;
        }
        Ok(())
    }

    async fn schedule_originator_lookup(
        &self,
        item: &Handling,
        id: &TicketId,
        looks: usize,
    ) -> PipeResult<()> {
        let Some(pause) = ORIGINATOR_LOOKUP_DELAYS.get(looks) else { return Ok(()) };
        let due = self.calls.clock.now() + *pause;
        Ok(self.calls.enqueue_item(item, CustomerJob::look_up_originator(id, looks, due)).await?)
    }

    /// Asks Blip again who is behind a tunnel.
    pub(crate) async fn look_up_originator(
        &self,
        item: &Handling,
        id: &TicketId,
        looks: usize,
    ) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        if ticket.is_closed() || !ticket.customer.is_hidden() {
            return Ok(());
        }
        match self.fetch_customer_details(item, &ticket.customer, &ticket.id).await?.originator {
            // By a job in the ticket's own lane: this one is beside it, and both would write the
            // same ticket.
            Some(found) => Ok(self
                .calls
                .enqueue_item(
                    item,
                    CustomerJob::record_originator(&ticket.id, &found, self.calls.clock.now()),
                )
                .await?),
            None => self.schedule_originator_lookup(item, &ticket.id, looks + 1).await,
        }
    }

    /// Notes who is behind a tunnel: the card shows the channel, and how long it stays open.
    pub(crate) async fn record_originator(
        &self,
        item: &Handling,
        id: &TicketId,
        originator: &str,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        if !ticket.customer.is_hidden() {
            return Ok(());
        }
        ticket.customer.unhide(originator);
        ticket.revision += 1;
        self.calls.put_ticket(item, &mut ticket).await?;
        let now = self.calls.clock.now();
        self.timers.schedule_window_check(item, &ticket, now).await?;
        Ok(self.calls.enqueue_item(item, CardJob::update_card(&ticket, now)).await?)
    }
}
