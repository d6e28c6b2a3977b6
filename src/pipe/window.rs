//! When the customer was last heard of, what follows from it, and when it is too late to answer.

use jiff::{SignedDuration, Timestamp};

use super::moves::Person;
use super::thread::{Saying, lane_of};
use super::{Bridge, Step};
use crate::inbox::{Chore, Remindful};
use crate::model::{Ticket, TicketId};
use crate::slack::card::{UNANSWERED_AFTER, WINDOW_WARNING};
use crate::store::Item;

/// How exactly it is remembered when a customer was last heard of: a chatty one costs one write a
/// minute and not one for each message. Too early a memory only ends the window a little early.
const EXACTNESS: SignedDuration = SignedDuration::from_secs(60);

impl Bridge {
    /// Remembers that a customer has said something.
    pub(super) async fn heard_of(&self, ticket: &mut Ticket, said: Option<&Item>) -> Step<()> {
        let Some(at) = said.map(|item| item.received) else { return Ok(()) };
        let end = ticket.window();
        // Whether there is a window may become known later.
        let may_end = end.is_some() || ticket.customer.has_unknown_channel();
        let is_news = ticket.heard.is_none_or(|heard| at.duration_since(heard) >= EXACTNESS);
        if ticket.unanswered.is_some() && !(is_news && may_end) {
            return Ok(());
        }
        ticket.heard = may_end.then(|| ticket.heard.map_or(at, |heard| heard.max(at)));
        if ticket.unanswered.is_none() {
            ticket.unanswered = Some(at);
            self.watch_answer(ticket, at).await?;
        }
        let is_warned = end.is_some_and(|end| end - WINDOW_WARNING <= at);
        ticket.revision += i64::from(is_warned);
        self.store.put_ticket(ticket).await?;
        if is_warned {
            self.set_out(Chore::card(ticket, self.clock.now())).await?;
        }
        if end.is_some_and(|end| end <= at) {
            self.watch_window(ticket, at).await?;
        }
        Ok(())
    }

    /// Has the card show, and people reminded, if the customer is not answered from now on.
    pub(super) async fn watch_answer(&self, ticket: &Ticket, since: Timestamp) -> Step<()> {
        self.set_out(Chore::waits(&ticket.id, since, since + UNANSWERED_AFTER)).await?;
        self.watch(ticket, Remindful::Unanswered, since).await
    }

    /// Has the card show that the customer still waits for an answer.
    pub(super) async fn look_at_answer(&self, id: &TicketId, since: i64) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        let waits = ticket.unanswered.map(Timestamp::as_millisecond) == Some(since);
        // While nobody holds it the card says since when it waits anyway.
        if waits && ticket.holder().is_some() {
            self.set_out(Chore::card_of_now(&ticket, self.clock.now())).await?;
        }
        Ok(())
    }

    /// Remembers that a customer has been answered.
    pub(super) async fn answered(&self, ticket: &mut Ticket) -> Step<()> {
        let Some(since) = ticket.unanswered.take() else { return Ok(()) };
        let now = self.clock.now();
        // Then the card may show it.
        let is_shown = since + UNANSWERED_AFTER <= now;
        ticket.revision += i64::from(is_shown);
        self.store.put_ticket(ticket).await?;
        if is_shown {
            self.set_out(Chore::card(ticket, now)).await?;
        }
        Ok(())
    }

    /// Has somebody look at the window when it is about to close, and when it is closed, as far as
    /// that comes after the given time.
    pub(super) async fn watch_window(&self, ticket: &Ticket, after: Timestamp) -> Step<()> {
        let Some(end) = ticket.window().filter(|_| !ticket.is_closed()) else { return Ok(()) };
        let next = [end - WINDOW_WARNING, end].into_iter().find(|due| *due > after);
        if let Some(due) = next {
            self.set_out(Chore::window(&ticket.id, due)).await?;
        }
        Ok(())
    }

    /// Has the card show how long the window stays open. If the customer has written meanwhile,
    /// somebody looks again later.
    pub(super) async fn look_at_window(&self, item: &Item, id: &TicketId) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        let now = self.clock.now();
        if ticket.window().is_some_and(|end| end - WINDOW_WARNING <= now) {
            self.set_out(Chore::card_of_now(&ticket, now)).await?;
        }
        self.watch_window(&ticket, item.received).await
    }

    /// Whether the customer cannot be written to any more; then everybody is told why.
    pub(super) async fn is_too_late(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> Step<bool> {
        let is_over = ticket.window().is_some_and(|end| end <= self.clock.now());
        if !is_over || self.is_being_sent(item).await? {
            return Ok(false);
        }
        let line = self.words.say("thread-window-closed", &[("agent", &person.profile.name)]);
        if let Some(thread) = ticket.thread.clone() {
            self.turn(&lane_of(ticket), &thread.channel).await?;
            self.say(item, "too-late", ticket, &Saying::line(&line)).await?;
        }
        Ok(true)
    }
}
