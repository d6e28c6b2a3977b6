//! What handling an event leads to, gathered so that it is written together.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::{DrawnCard, Error, ItemId, Link, NewItem, Result, StoredOutcome};
use crate::model::{Ticket, TicketId};

/// What is to be written in one transaction, in the order of these fields.
///
/// A [`Ticket`] in here has the version that it will have: the one before is the one that was read.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    /// What was found out or decided for items.
    pub(crate) decisions: Vec<Decision>,
    /// What Slack messages are, each with when its ticket was opened.
    pub(crate) links: Vec<(Link, Timestamp)>,
    /// Tickets, new or changed.
    pub(crate) tickets: Vec<Ticket>,
    /// What customers said to begin with.
    pub(crate) first_words: Vec<(TicketId, String)>,
    /// What cards show; none where that is not known any more.
    pub(crate) drawn_cards: Vec<(TicketId, Option<DrawnCard>)>,
    /// What the bridge sets itself to do.
    pub(crate) jobs: Vec<NewItem>,
}

/// What was found out or decided for an item, and stays so should it be handled again.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) item: ItemId,
    /// What it is kept under, among the names of the item's calls.
    pub(crate) step: String,
    pub(crate) result: String,
}

/// How handling some items of a leased lane ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What became of which items; none if they wait for their turn.
    pub settled: Option<(Vec<ItemId>, StoredOutcome)>,
    /// Whether the lane is given back.
    pub release: LaneRelease,
}

/// Whether a lane is given back, and when it is due then if anything waits in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneRelease {
    /// Its holder goes on with it.
    Keep,
    /// It is given back and due at once.
    AtOnce,
    /// It is given back and due at this time.
    At(Timestamp),
}

impl Writes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.is_decisions_only()
    }

    /// Whether nobody but the items themselves could read any of it.
    pub(crate) fn is_decisions_only(&self) -> bool {
        let Self { decisions: _, links, tickets, first_words, drawn_cards, jobs } = self;
        links.is_empty()
            && tickets.is_empty()
            && first_words.is_empty()
            && drawn_cards.is_empty()
            && jobs.is_empty()
    }

    /// How many rows it is about.
    pub(crate) fn count(&self) -> usize {
        let Self { decisions, links, tickets, first_words, drawn_cards, jobs } = self;
        decisions.len()
            + links.len()
            + tickets.len()
            + first_words.len()
            + drawn_cards.len()
            + jobs.len()
    }

    /// Writes a ticket, and counts its version up if that is not done yet.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if another state of the same ticket is to be written.
    pub fn put_ticket(&mut self, ticket: &mut Ticket) -> Result<()> {
        if let Some(known) = self.tickets.iter_mut().find(|known| known.id == ticket.id) {
            if known.version != ticket.version {
                return Err(Error::Conflict { ticket: ticket.id.to_string() });
            }
            *known = ticket.clone();
            return Ok(());
        }
        ticket.version = ticket.version.saturating_add(1);
        self.tickets.push(ticket.clone());
        Ok(())
    }

    /// Ties a Slack message to a ticket that was opened then.
    pub fn put_link(&mut self, link: Link, opened: Timestamp) {
        self.links.push((link, opened));
    }

    /// Sets the bridge something to do.
    pub fn put_job(&mut self, job: NewItem) {
        self.jobs.push(job);
    }

    /// Keeps what was found out or decided.
    pub fn put_decision(&mut self, item: ItemId, step: &str, result: &str) {
        let same = |known: &&mut Decision| known.item == item && known.step == step;
        match self.decisions.iter_mut().find(same) {
            Some(known) => result.clone_into(&mut known.result),
            None => self.decisions.push(Decision {
                item,
                step: step.to_owned(),
                result: result.to_owned(),
            }),
        }
    }

    /// Takes back what was found out or decided.
    pub(crate) fn forget_decision(&mut self, item: ItemId, step: &str) {
        self.decisions.retain(|known| known.item != item || known.step != step);
    }

    /// What Slack messages are, in the order in which it was found out.
    pub(crate) fn links(&self) -> impl DoubleEndedIterator<Item = &Link> {
        self.links.iter().map(|(link, _)| link)
    }

    /// Puts what came later behind it.
    pub(crate) fn append(&mut self, later: Self) {
        let Self { decisions, links, tickets, first_words, drawn_cards, jobs } = later;
        for Decision { item, step, result } in decisions {
            self.put_decision(item, &step, &result);
        }
        self.links.extend(links);
        self.tickets.extend(tickets);
        self.first_words.extend(first_words);
        self.drawn_cards.extend(drawn_cards);
        self.jobs.extend(jobs);
    }

    /// What holds whatever becomes of the rest: messages that are there, and what was found out or
    /// decided for items.
    pub(crate) fn facts(&self) -> Self {
        let (decisions, links) = (self.decisions.clone(), self.links.clone());
        Self { decisions, links, ..Self::default() }
    }

    /// Without what was decided for items that are finished: nothing is kept of that.
    pub(super) fn without_decisions_of(&self, finished: &[ItemId]) -> Cow<'_, Self> {
        let is_left = |known: &Decision| !finished.contains(&known.item);
        if self.decisions.iter().all(is_left) {
            return Cow::Borrowed(self);
        }
        let mut rest = self.clone();
        rest.decisions.retain(is_left);
        Cow::Owned(rest)
    }
}

impl Ending {
    /// The items, if nothing is left to be done for them.
    pub(super) fn finished_items(&self) -> &[ItemId] {
        match &self.settled {
            Some((items, outcome)) if outcome.is_final() => items,
            _ => &[],
        }
    }
}

/// A result, or what was found out or decided, as it is kept.
pub(crate) fn to_kept<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|_unwritable| Error::Unreadable { what: "result of a call" })
}
