//! When the customer was last heard of, what follows from it, and when it is too late to answer.

use jiff::{SignedDuration, Timestamp};

use super::moves::Person;
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, PipeResult};
use crate::inbox::{Job, ReminderTopic};
use crate::model::{Ticket, TicketId};
use crate::slack::card::{UNANSWERED_AFTER, WINDOW_WARNING};
use crate::store::Item;

/// How exactly it is remembered when a customer was last heard of: a chatty one costs one write a
/// minute and not one for each message. Too early a memory only ends the window a little early.
const HEARD_PRECISION: SignedDuration = SignedDuration::from_secs(60);

impl Bridge {
    /// Remembers that a customer has said something.
    pub(super) async fn record_customer_message(
        &self,
        ticket: &mut Ticket,
        said: Option<&Item>,
    ) -> PipeResult<()> {
        let Some(at) = said.map(|item| item.received) else { return Ok(()) };
        let end = ticket.window_end();
        // Whether there is a window may become known later.
        let may_end = end.is_some() || ticket.customer.has_unknown_channel();
        let is_news = ticket.heard.is_none_or(|heard| at.duration_since(heard) >= HEARD_PRECISION);
        if ticket.unanswered.is_some() && !(is_news && may_end) {
            return Ok(());
        }
        ticket.heard = may_end.then(|| ticket.heard.map_or(at, |heard| heard.max(at)));
        if ticket.unanswered.is_none() {
            ticket.unanswered = Some(at);
            self.schedule_answer_checks(ticket, at).await?;
        }
        let is_warned = end.is_some_and(|end| end - WINDOW_WARNING <= at);
        ticket.revision += i64::from(is_warned);
        self.store.put_ticket(ticket).await?;
        if is_warned {
            self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?;
        }
        if end.is_some_and(|end| end <= at) {
            self.schedule_window_check(ticket, at).await?;
        }
        Ok(())
    }

    /// Has the card show, and people reminded, if the customer is not answered from now on.
    pub(super) async fn schedule_answer_checks(
        &self,
        ticket: &Ticket,
        since: Timestamp,
    ) -> PipeResult<()> {
        self.enqueue_item(Job::show_waiting(&ticket.id, since, since + UNANSWERED_AFTER)).await?;
        self.schedule_reminder(ticket, ReminderTopic::Unanswered, since).await
    }

    /// Has the card show that the customer still waits for an answer.
    pub(super) async fn check_unanswered(&self, id: &TicketId, since: i64) -> PipeResult<()> {
        let Some(ticket) = self.store.load_ticket(id).await? else { return Ok(()) };
        let waits = ticket.unanswered.map(Timestamp::as_millisecond) == Some(since);
        // While nobody holds it the card says since when it waits anyway.
        if waits && ticket.holder().is_some() {
            self.enqueue_item(Job::refresh_card(&ticket, self.clock.now())).await?;
        }
        Ok(())
    }

    /// Remembers that a customer has been answered.
    pub(super) async fn record_answer(&self, ticket: &mut Ticket) -> PipeResult<()> {
        let Some(since) = ticket.unanswered.take() else { return Ok(()) };
        let now = self.clock.now();
        // Then the card may show it.
        let is_shown = since + UNANSWERED_AFTER <= now;
        ticket.revision += i64::from(is_shown);
        self.store.put_ticket(ticket).await?;
        if is_shown {
            self.enqueue_item(Job::update_card(ticket, now)).await?;
        }
        Ok(())
    }

    /// Has somebody look at the window when it is about to close, and when it is closed, as far as
    /// that comes after the given time.
    pub(super) async fn schedule_window_check(
        &self,
        ticket: &Ticket,
        after: Timestamp,
    ) -> PipeResult<()> {
        let Some(end) = ticket.window_end().filter(|_| !ticket.is_closed()) else { return Ok(()) };
        let next = [end - WINDOW_WARNING, end].into_iter().find(|due| *due > after);
        if let Some(due) = next {
            self.enqueue_item(Job::show_window(&ticket.id, due)).await?;
        }
        Ok(())
    }

    /// Has the card show how long the window stays open. If the customer has written meanwhile,
    /// somebody looks again later.
    pub(super) async fn check_window(&self, item: &Item, id: &TicketId) -> PipeResult<()> {
        let Some(ticket) = self.store.load_ticket(id).await? else { return Ok(()) };
        let now = self.clock.now();
        if ticket.window_end().is_some_and(|end| end - WINDOW_WARNING <= now) {
            self.enqueue_item(Job::refresh_card(&ticket, now)).await?;
        }
        self.schedule_window_check(&ticket, item.received).await
    }

    /// Whether the customer cannot be written to any more; then everybody is told why.
    pub(super) async fn refuse_if_window_closed(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<bool> {
        let is_over = ticket.window_end().is_some_and(|end| end <= self.clock.now());
        if !is_over || self.has_begun_sending(item).await? {
            return Ok(false);
        }
        let line = self.texts.text("thread-window-closed", &[("agent", &person.profile.name)]);
        if let Some(thread) = ticket.thread.clone() {
            self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
            self.post_to_ticket(item, "too-late", ticket, &ThreadPost::from_line(&line)).await?;
        }
        Ok(true)
    }
}
