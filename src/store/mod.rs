//! What is remembered, and what each act of remembering promises.
//!
//! [`Store`] is the only door. Its methods are sentences of the domain that commit by themselves:
//! no transaction leaves this folder. Two backends keep the same promises, shown by one set of
//! conformance tests (`tests/it/store.rs`).
//!
//! # Durability
//!
//! [`Store::accept`] returns only after an event of either platform is on the disk, and so does
//! [`Store::begin_call`]: what may still be lost has no effect yet, because its sender would repeat it.
//! Every other write is *soft*: it survives the death of the process at any instant, and may be
//! lost only if the machine itself goes down. That is enough, because what is soft can be found
//! again: after the machine was restarted every unfinished item is marked [`Item::may_have_unrecorded_calls`], and
//! then each of its outside calls is looked up at the far end before it is made again.
//!
//! Invariant: an item is in exactly one lane, and items of a lane are leased in the order in which
//! they were accepted (`a_lane_is_leased_to_one_at_a_time_and_in_order`).

mod copied;
mod copy;
mod erasure;
mod error;
mod item;
mod kept;
mod lane;
mod link;
mod migrations;
mod open;
mod pace;
mod pools;
pub mod postgres;
mod row;
pub mod sqlite;
pub mod switches;
mod turns;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};

pub use self::copy::copy_store;
pub use self::error::{Error, Result};
pub use self::item::{
    Accepted, CallState, CallTry, Item, ItemId, LEASE_ITEMS, Lease, NewItem, StoredOutcome,
};
pub(crate) use self::kept::KeptEvent;
pub use self::kept::{Cutoffs, InboxDepth, KeptTicket, ParkedItem, PostRate, QueueDepth};
pub use self::lane::{Lane, Source};
pub use self::link::{DrawnCard, KnownReplies, Link, Role};
pub(crate) use self::open::inspect_database;
pub use self::open::{Purpose, is_postgres, open_store};
pub(crate) use self::pace::ChannelSlots;
pub(crate) use self::pools::find_bot_of_lane;
pub use self::pools::{Places, Pool};
pub use self::postgres::PostgresStore;
pub use self::sqlite::SqliteStore;
pub use self::turns::{Turn, TurnPass, TurnRequest};
pub(crate) use self::writes::to_kept;
pub use self::writes::{Ending, LaneRelease, Writes};

/// The fact that tells when the database was last backed up, by `blip-slack store backup`.
pub const BACKED_UP: &str = "backed up";

/// The memory of the bridge.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts an event on the disk, unless one with the same source and key is there already.
    ///
    /// A lane of kind [`Lane::Message`] that is linked to a ticket becomes that ticket's lane towards
    /// Blip.
    /// What the bridge set itself to do ([`Source::Internal`]) is a soft write: it follows from an
    /// event, and is set again when that event is handled again.
    async fn accept(&self, item: NewItem) -> Result<Accepted>;

    /// For each of these beginnings, whether an event whose key begins like that was ever accepted and
    /// is not forgotten.
    async fn find_accepted(&self, source: Source, prefixes: &[String]) -> Result<Vec<bool>>;

    /// The same for one.
    async fn has_accepted(&self, source: Source, prefix: &str) -> Result<bool> {
        let found = self.find_accepted(source, &[prefix.to_owned()]).await?;
        Ok(found.first().is_some_and(|found| *found))
    }

    /// The greatest key that begins like this of the events that were ever accepted and are not
    /// forgotten, and when that event arrived.
    async fn greatest_key(
        &self,
        source: Source,
        prefix: &str,
    ) -> Result<Option<(String, Timestamp)>>;

    /// Leases lanes that have something due, as many as there are places, longest due first, except
    /// that some which were idle until just now may be handed out before them, by themselves.
    ///
    /// A lane is due when its first waiting item is; a leased lane is not handed out again until
    /// it is released or the lease has run out. An item may be leased before [`Store::accept`] has
    /// returned.
    async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>>;

    /// Records how handling items of a leased lane ended, with all that was gathered meanwhile, in
    /// one transaction.
    ///
    /// If that is refused, because a ticket was changed ([`Error::Conflict`]) or erased
    /// ([`Error::Erased`]), or the lane or its items are somebody else's by now
    /// ([`Error::LeaseLost`]), only what Slack messages are is kept and, unless the items are somebody
    /// else's, what was decided for them. The lane is not given back then.
    async fn finish(&self, lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()> {
        let rest = writes.without_decisions_of(ending.finished_items());
        let done = self.commit(lease, ending, &rest).await;
        let mut facts = match done {
            Err(Error::Conflict { .. } | Error::Erased { .. }) => writes.facts(),
            // Whoever has the items now may have decided otherwise, and have begun by that.
            Err(Error::LeaseLost { .. }) => Writes { decisions: Vec::new(), ..writes.facts() },
            done => return done,
        };
        match self.write(&facts).await {
            // Of a ticket that was erased no message is known.
            Err(Error::Erased { .. }) => {
                facts.links.clear();
                self.write(&facts).await?;
            }
            kept => kept?,
        }
        done
    }

    /// As [`Store::finish`], but if it is refused nothing is kept.
    async fn commit(&self, lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()>;

    /// Writes all of this or, if any of it is refused, nothing.
    ///
    /// A ticket that was opened before it was erased is refused, and so are links to it:
    /// [`Error::Erased`]; and so is one that somebody else has written since it was read:
    /// [`Error::Conflict`]. Items that wait for a message that is linked move to the ticket's lane
    /// towards Blip, keeping their order; who leases them where they were has lost them. The same
    /// link again changes nothing, another one of the same message replaces it. First words and
    /// drawn cards of a ticket that was ever erased are not kept, nor are calls of an item that
    /// waits no more.
    async fn write(&self, writes: &Writes) -> Result<()>;

    /// Records what became of items of a leased lane: of all of them or, with
    /// [`Error::LeaseLost`], of none.
    async fn record_outcome(
        &self,
        lease: &Lease,
        items: &[ItemId],
        outcome: StoredOutcome,
    ) -> Result<()> {
        let settled = Some((items.to_vec(), outcome));
        let ending = Ending { settled, release: LaneRelease::Keep };
        self.finish(lease, &ending, &Writes::default()).await
    }

    /// Gives a lane back. What still waits in it is due at `due`, at once if that is `None`.
    async fn release_lane(&self, lease: Lease, due: Option<Timestamp>) -> Result<()> {
        let release = due.map_or(LaneRelease::AtOnce, LaneRelease::At);
        self.finish(&lease, &Ending { settled: None, release }, &Writes::default()).await
    }

    /// When there will be something to lease for which there is a place: the next lane that is not
    /// leased becomes due, or a lease runs out.
    async fn next_due(&self, places: Places) -> Result<Option<Timestamp>>;

    /// Notes that an outside call is about to be made for an item, and tells how far it is, once
    /// the item cannot be lost any more.
    ///
    /// `channel` is the Slack channel that the call posts to, see [`Store::is_posting`]. An item
    /// that does not wait any more begins nothing: [`Error::LeaseLost`]. What was gathered until
    /// then is written first, in the same transaction ([`Store::write`]).
    async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
        first: &Writes,
    ) -> Result<CallState>;

    /// Notes that an outside call that was begun is made again, or has only now ended in a way
    /// that leaves its outcome unknown. [`Error::LeaseLost`] if others have the item by now.
    async fn touch_call(&self, item: ItemId, step: &str, last_try: CallTry) -> Result<()>;

    /// Notes that outside calls that were begun did certainly not take effect: of all of them together, or
    /// of none.
    async fn forget_calls(&self, item: ItemId, steps: &[&str]) -> Result<()>;

    /// The outside calls of an item that were begun, each with its result if it is known.
    async fn calls_of(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>>;

    /// Whether a waiting item has begun, before the given time, to post to this channel: then a
    /// message that is not known yet may become known. A call with a result counts until its item
    /// is settled, because the message is linked only after that. Of an item in doubt the mark may
    /// be lost, so it counts as posting everywhere, but for what is itself in a [`Lane::Message`].
    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool>;

    /// Writes a ticket, new or changed, and counts its [`Ticket::version`] up, as [`Store::write`].
    async fn put_ticket(&self, ticket: &mut Ticket) -> Result<()> {
        let (mut writes, before) = (Writes::default(), ticket.version);
        writes.put_ticket(ticket)?;
        let written = self.write(&writes).await;
        if written.is_err() {
            ticket.version = before;
        }
        written
    }

    /// Keeps what a customer said to begin with, as the ticket's card shows it, until some time
    /// after the ticket is closed ([`Store::erase_expired`]); not if the ticket was ever erased.
    async fn keep_first_words(&self, ticket: &TicketId, words: &str) -> Result<()> {
        let first_words = vec![(ticket.clone(), words.to_owned())];
        self.write(&Writes { first_words, ..Writes::default() }).await
    }

    /// What a customer said to begin with.
    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>>;

    /// Keeps what a ticket's card shows now, or that this is not known; not if the ticket was ever
    /// erased.
    async fn keep_drawn_card(&self, ticket: &TicketId, drawn: Option<DrawnCard>) -> Result<()> {
        let drawn_cards = vec![(ticket.clone(), drawn)];
        self.write(&Writes { drawn_cards, ..Writes::default() }).await
    }

    /// What a ticket's card shows, if that is known.
    async fn drawn_card(&self, ticket: &TicketId) -> Result<Option<DrawnCard>>;

    /// The ticket as it was last written; none if it is not known, or was erased.
    async fn load_ticket(&self, id: &TicketId) -> Result<Option<Ticket>>;

    /// The ticket of this number of this bot, if we know it.
    async fn ticket_by_number(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>>;

    /// The newest ticket of this customer, other than `except`, of the same bot as that.
    async fn latest_ticket_of(&self, customer: &str, except: &TicketId) -> Result<Option<Ticket>>;

    /// The other tickets of this customer that we know, newest first, of the same bot as `except`.
    async fn tickets_of(
        &self,
        customer: &str,
        except: &TicketId,
        limit: u32,
    ) -> Result<Vec<Ticket>>;

    /// The newest ticket that was transferred from the one of this number of this bot.
    async fn ticket_after(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>>;

    /// The newest tickets with this number, or of a customer whose name or identity holds this.
    async fn find_tickets(&self, text: &str, limit: u32) -> Result<Vec<Ticket>>;

    /// All tickets that are not closed, oldest first.
    async fn open_tickets(&self) -> Result<Vec<Ticket>>;

    /// The tickets that were closed at this time or later, in that order.
    async fn closed_tickets(&self, since: Timestamp) -> Result<Vec<Ticket>>;

    /// The tickets of a customer of whichever bot, also such as are just arriving.
    async fn customer_tickets(&self, customer: &CustomerKey) -> Result<Vec<TicketId>>;

    /// All that is kept of a ticket.
    async fn load_kept_ticket(&self, ticket: &TicketId) -> Result<KeptTicket>;

    /// Erases all that is kept of a customer, so that it is in no file any more, and returns which
    /// tickets that were. It does not come back: the same events are accepted no more
    /// ([`Accepted::Repeat`]), and what is under way for them finds them gone.
    async fn erase_customer(&self, customer: &CustomerKey) -> Result<Vec<TicketId>>;

    /// When a ticket was erased, if it was, in the last weeks.
    async fn erased_at(&self, ticket: &TicketId) -> Result<Option<Timestamp>>;

    /// Ties a Slack message to a ticket that was opened then, as [`Store::write`].
    async fn link_message(&self, link: Link, opened: Timestamp) -> Result<()> {
        self.write(&Writes { links: vec![(link, opened)], ..Writes::default() }).await
    }

    /// Whether something of this source whose key begins like this waits in a lane, or is under way
    /// there.
    async fn has_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<bool>;

    /// How much of this source whose keys begin like this waits in a lane, or is under way there.
    async fn count_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<u64>;

    /// Whether what waits in a lane has begun one of these calls.
    async fn has_begun(&self, lane: &Lane, steps: &[&str]) -> Result<bool>;

    /// The replies to a ticket's customer that are held and were written before this, oldest first.
    async fn held_replies(&self, ticket: &TicketId, before: &MessageTs) -> Result<Vec<Link>>;

    /// Whether Slack shows something that the customer of a ticket said which is newer than this.
    async fn has_words_after(&self, ticket: &TicketId, ts: &MessageTs) -> Result<bool>;

    /// What a Slack message is to the bridge, if anything.
    async fn find_link(&self, channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>>;

    /// The Slack messages of a Blip message, oldest first.
    async fn links_of(&self, ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>>;

    /// Blip's ids of all messages of a ticket that Slack shows.
    async fn blip_ids_of(&self, ticket: &TicketId) -> Result<Vec<String>>;

    /// What is known of the answers in the threads of a channel that tickets have now, of those
    /// written after `since`.
    async fn known_replies(
        &self,
        channel: &ChannelId,
        since: &MessageTs,
    ) -> Result<Vec<KnownReplies>>;

    /// Whether a ticket is known to have messages in a thread other than its root, and other than
    /// one that is `gone`.
    async fn has_replies(
        &self,
        ticket: &TicketId,
        thread: &Thread,
        gone: Option<&MessageTs>,
    ) -> Result<bool>;

    /// How many messages of a ticket's customer Slack shows below the newest reply to them.
    async fn count_unanswered(&self, ticket: &TicketId) -> Result<u64>;

    /// Notes that a channel, known here under its first id, has a later one now.
    async fn rename_channel(&self, later: &ChannelId, first: &ChannelId) -> Result<()>;

    /// The later ids of channels, each with the first one of its channel; what changed last comes
    /// last.
    async fn renamed_channels(&self) -> Result<Vec<(ChannelId, ChannelId)>>;

    /// Takes the next post to a channel for a lane and says when it may go out: now or before, then
    /// the turn is used up with that, or later, then it is reserved.
    ///
    /// A lane has at most one reservation; asking again gives the same time, or a later one if the
    /// channel was held meanwhile. It ends, too, when nothing waits in the lane any more.
    async fn take_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
        pace: PostRate,
        now: Timestamp,
    ) -> Result<Timestamp>;

    /// Lets nothing be posted to a channel until the given time, as a post of this item was refused.
    /// Its lane may post first then; all others that have reserved a time follow in their order, at
    /// this pace.
    async fn hold_channel(
        &self,
        refused: ItemId,
        channel: &ChannelId,
        pace: PostRate,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()>;

    /// Gives a ticket that nobody holds to whose turn it is: of those with fewer open tickets than
    /// slots, first who is to come first, and who was given nothing for longest. Turn and slot are
    /// taken in one transaction. A ticket that was given already stays with whom it was given to,
    /// until it is passed.
    async fn take_turn(&self, ticket: &TicketId, wanted: &TurnRequest) -> Result<Option<Turn>>;

    /// Notes that somebody does not take a ticket, or not any more: their slot is free again, and it
    /// may be given to another.
    async fn pass_turn(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        pass: TurnPass,
        now: Timestamp,
    ) -> Result<()>;

    /// Whether somebody has written to the customer of a ticket after this, or is about to.
    async fn has_written_after(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        ts: &MessageTs,
    ) -> Result<bool>;

    /// The parked items, oldest first; of one ticket, or of all.
    async fn parked_items(&self, ticket: Option<&TicketId>) -> Result<Vec<ParkedItem>>;

    /// What the far end sent of a parked item; nothing if it is not parked, or that is erased.
    async fn parked_body(&self, item: ItemId) -> Result<Option<Vec<u8>>>;

    /// Puts a parked item back into its lane, due at once and with no attempts counted, at its
    /// old place in the order. False if it is not parked.
    async fn retry_parked(&self, item: ItemId, now: Timestamp) -> Result<bool>;

    /// Gives a parked item up for good. False if it is not parked.
    async fn skip_parked(&self, item: ItemId) -> Result<bool>;

    /// How much waits now; what is in a [`Lane::for_later`] does not count.
    async fn inbox_depth(&self) -> Result<InboxDepth>;

    /// Erases what is older than it is kept, so that it is in no file any more. Waiting items are
    /// never touched, nor is a ticket in one of whose lanes an item is not finished.
    async fn erase_expired(&self, before: Cutoffs) -> Result<()>;

    /// Reads something that is to be remembered across starts, by its name.
    async fn read_fact(&self, name: &str) -> Result<Option<String>>;

    /// Remembers something across starts, or forgets it.
    async fn put_fact(&self, name: &str, value: Option<&str>) -> Result<()>;

    /// Proves that the store can be written to, and reads what serving reads.
    async fn check_health(&self) -> Result<()>;

    /// Resolves when there may be something new to lease by an act of this process. What happens
    /// while nobody waits is not lost; of several who wait, one is woken.
    async fn wait_for_work(&self);

    /// Finishes what is being written and closes the database.
    async fn close(&self);
}

/// The store as everybody holds it.
pub type SharedStore = Arc<dyn Store>;

/// What there is to know of a database from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFacts {
    /// How many steps its tables have taken.
    pub(crate) version: u32,
    /// How many steps this program knows.
    pub(crate) newest: u32,
    /// When it was last backed up with `blip-slack store backup`.
    pub(crate) backed_up: Option<Timestamp>,
    /// When the last event of Slack came in that is still remembered.
    pub(crate) heard_slack: Option<Timestamp>,
    /// Whether its server has a standby that may lack what was answered, and no other one.
    pub(crate) may_lose_to_standby: bool,
}
