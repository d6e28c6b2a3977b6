//! The ticket that something is about.

use std::time::Duration;

use super::error::Error;
use crate::clock::Clock;
use crate::model::{SlackUserId, Ticket, TicketId};
use crate::slack::dialog::DialogSubject;
use crate::store::{self, SharedStore};

/// How long a ticket is waited for whose card is still on its way.
const TICKET_WAIT: Duration = Duration::from_secs(1);
/// How soon it is looked for again.
const TICKET_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Finds tickets; changes none.
pub(crate) struct TicketLookup {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    /// Whether others than its holder may answer a ticket without being asked.
    pub(crate) anyone_may_reply: bool,
}

impl TicketLookup {
    /// The ticket that something is about. A quick hand may be faster than Slack's answer to our
    /// own post: then the ticket becomes known in a moment.
    pub(super) async fn find_ticket(&self, about: &DialogSubject) -> Result<Option<Ticket>, Error> {
        let asked = self.clock.now();
        loop {
            let (found, may_come) = match about {
                DialogSubject::Ticket(id) => (self.load_ticket_or_draft(id).await?, true),
                DialogSubject::Message(channel, ts) => {
                    // Asked first: what is posted meanwhile is then found.
                    let is_posting = self.store.is_posting(channel, asked).await?;
                    match self.store.find_link(channel, ts).await? {
                        Some(link) => (self.store.load_ticket(&link.ticket).await?, true),
                        None => (None, is_posting),
                    }
                }
            };
            let now = self.clock.now();
            if found.is_some() || !may_come || now > asked + TICKET_WAIT {
                return Ok(found);
            }
            // Asked again and again, and not waited for: the post may be another instance's.
            self.clock.sleep_until(now + TICKET_POLL_INTERVAL).await;
        }
    }

    /// A ticket, or what stands for one while an active message is chosen.
    pub(super) async fn load_ticket_or_draft(
        &self,
        id: &TicketId,
    ) -> Result<Option<Ticket>, store::Error> {
        match self.store.load_ticket(id).await? {
            None => Ok(Ticket::for_active_draft(id.clone(), self.clock.now())),
            known => Ok(known),
        }
    }

    /// A ticket that is open. One that cannot be read now is looked at again before anything is done.
    pub(super) async fn find_open_ticket(&self, id: &TicketId) -> Option<Ticket> {
        self.store.load_ticket(id).await.ok().flatten().filter(|ticket| !ticket.is_closed())
    }

    /// A ticket whose customer cannot be written to any more.
    pub(super) async fn find_late_ticket(&self, id: &TicketId) -> Option<Ticket> {
        let is_late = |ticket: &Ticket| ticket.is_window_closed(self.clock.now());
        self.find_open_ticket(id).await.filter(is_late)
    }

    /// Who else holds a ticket, where that keeps somebody from writing to its customer.
    pub(super) async fn find_other_holder(
        &self,
        id: &TicketId,
        user: &SlackUserId,
    ) -> Option<String> {
        let ticket = self.store.load_ticket(id).await.ok().flatten()?;
        let holder = ticket.holder().filter(|holder| holder.user != *user)?;
        (!self.anyone_may_reply).then(|| holder.name.clone())
    }
}
