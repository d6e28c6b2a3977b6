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
mod migrations;
mod open;
mod pace;
mod pools;
pub mod postgres;
mod row;
pub mod sqlite;
pub mod switches;
mod turns;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::ErrorCode;

use crate::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};

pub use self::copy::copy_store;
pub(crate) use self::open::inspect_database;
pub use self::open::{Purpose, is_postgres, open_store};
pub(crate) use self::pace::ChannelSlots;
pub use self::pools::{Places, Pool};
pub use self::postgres::PostgresStore;
pub use self::sqlite::SqliteStore;
pub use self::turns::{Turn, TurnPass, TurnRequest};

/// The number of an item, in order of acceptance.
pub type ItemId = i64;

/// Most items that one lease hands out.
pub const LEASE_ITEMS: usize = 64;

/// Which pipe an item is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// What Blip sent.
    Blip,
    /// What Slack sent.
    Slack,
    /// What the bridge set itself to do: the card, marks, checks.
    Internal,
}

impl Source {
    /// Each of them.
    pub(crate) const ALL: [Self; 3] = [Self::Blip, Self::Slack, Self::Internal];

    /// The word used in the store and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blip => "blip",
            Self::Slack => "slack",
            Self::Internal => "desk",
        }
    }

    /// Reads [`Lane::name`] back.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// The order key of an item: items of one lane are handled one at a time, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A ticket's lane towards Slack: what happens at Blip, in the order in which it is shown.
    Ticket(TicketId),
    /// A ticket's lane towards Blip: what people do in Slack, in the order in which they did it.
    Replies(TicketId),
    /// Everything about a Slack message. The store turns this into [`Lane::Replies`] as soon as
    /// the message is linked to a ticket, also for items that wait already.
    Message(ChannelId, MessageTs),
    /// A lane of its own, for what belongs to no ticket or must not delay one.
    Own(String),
}

impl Lane {
    /// The name under which the store keeps it.
    pub fn name(&self) -> String {
        match self {
            Self::Ticket(id) => format!("ticket:{id}"),
            Self::Replies(id) => format!("reply:{id}"),
            Self::Message(channel, ts) => format!("slack:{channel}:{ts}"),
            Self::Own(name) => format!("own:{name}"),
        }
    }

    /// The ticket of the lane with this name, if it is one of a ticket's two.
    pub(crate) fn ticket_of(name: &str) -> Option<TicketId> {
        match Self::parse(name)? {
            Self::Ticket(id) | Self::Replies(id) => Some(id),
            Self::Message(..) | Self::Own(_) => None,
        }
    }

    /// Both lanes of a ticket.
    pub(crate) fn both_of(ticket: &TicketId) -> [Self; 2] {
        [Self::Ticket(ticket.clone()), Self::Replies(ticket.clone())]
    }

    /// A lane of its own for something that is set for later: it does not count as waiting
    /// ([`Store::inbox_depth`]).
    pub(crate) fn for_later(name: &str) -> Self {
        Self::Own(format!("later:{name}"))
    }

    /// Whether a lane's name is that of one for something that is set for later.
    pub(crate) fn is_later(name: &str) -> bool {
        name.starts_with("own:later:")
    }

    /// Reads [`Lane::name`] back.
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once(':')?;
        match kind {
            "ticket" => TicketId::parse(rest).map(Self::Ticket),
            "reply" => TicketId::parse(rest).map(Self::Replies),
            "slack" => {
                let (channel, ts) = rest.split_once(':')?;
                Some(Self::Message(ChannelId::parse(channel)?, MessageTs::parse(ts)?))
            }
            "own" => Some(Self::Own(rest.to_owned())),
            _ => None,
        }
    }
}

/// An event on its way into the inbox.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Which pipe it is for.
    pub source: Source,
    /// In which lane it waits.
    pub lane: Lane,
    /// What makes it the same event as another one; unique per source.
    pub key: String,
    /// What the far end sent, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived.
    pub received: Timestamp,
    /// When it may be handled at the earliest; [`NewItem::received`] in nearly all cases.
    pub due: Timestamp,
}

/// Whether an event was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on the disk, and waits for its turn or is handled already.
    New,
    /// The same event was accepted before; nothing was written.
    Repeat,
}

/// An event in the inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its number.
    pub id: ItemId,
    /// Which pipe it is for.
    pub source: Source,
    /// The name of the lane that it was leased in.
    pub lane: String,
    /// What makes it the same event as another one.
    pub key: String,
    /// What the far end sent, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived.
    pub received: Timestamp,
    /// How often handling it has failed.
    pub attempts: u32,
    /// Whether any call for it may have been made without a trace, because the machine went down.
    pub may_have_unrecorded_calls: bool,
    /// Whether a call for it was begun before it was leased, see [`Store::calls_of`].
    pub has_begun_calls: bool,
}

/// The right to handle the waiting items of one lane, until it is released or runs out.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The lane's name, as from [`Lane::name`].
    pub lane: String,
    /// Shown when settling; a later lease of the same lane has another one.
    pub token: i64,
    /// When it runs out.
    pub until: Timestamp,
    /// The first waiting items of the lane, oldest first; never empty, at most [`LEASE_ITEMS`].
    pub items: Vec<Item>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOutcome {
    /// Handled. Its key is kept, its body until [`Store::erase_expired`] erases it.
    Done,
    /// None of ours. Its key is kept, its body is erased at once.
    Ignored,
    /// Handled, and not even its key is kept: the same may be accepted again.
    Forgotten,
    /// It could not be handled and waits for a person.
    Parked {
        /// Why, in a word that is safe to show and to log.
        reason: String,
    },
    /// It stays at the head of its lane and its attempts are counted up.
    Failed,
}

impl StoredOutcome {
    /// The word used in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Forgotten => "forgotten",
            Self::Parked { .. } => "parked",
            Self::Failed => "failed",
        }
    }
}

/// How far an outside call of an item has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It was never tried; now it is marked as begun.
    Fresh,
    /// It was begun before, the last time at this time, and nothing is known of how it ended.
    OutcomeUnknown(Timestamp),
    /// It was made, with this result.
    Done(String),
}

/// What a Slack message is to the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The root of a ticket's thread.
    Card,
    /// What a customer said.
    Customer,
    /// What an agent wrote to a customer.
    Reply,
    /// What an agent wrote to a customer who got a part of it only.
    PartOfReply,
    /// What an agent wrote to a customer, as long as there is time for second thoughts.
    Held,
    /// What stays in Slack.
    Note,
}

impl Role {
    /// Whether the customer has got it, or a part of it.
    pub(crate) fn is_sent(self) -> bool {
        matches!(self, Self::Reply | Self::PartOfReply)
    }
}

/// What the card of a ticket showed when it was last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnCard {
    /// The ticket's revision.
    pub revision: i64,
    /// A hash of text and blocks.
    pub look: i64,
}

/// Ties a Slack message to a ticket and, where there is one, to a Blip message. A Slack message may
/// be tied to several Blip messages, one after the other, and a Blip message to several of Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ticket.
    pub ticket: TicketId,
    /// The message's channel.
    pub channel: ChannelId,
    /// The message's time stamp.
    pub ts: MessageTs,
    /// What the message is.
    pub role: Role,
    /// Blip's id of the same message, without leading `fwd:`.
    pub blip_id: Option<String>,
    /// Who wrote it in Slack.
    pub user: Option<SlackUserId>,
}

impl Link {
    /// That of a ticket's card, which is the root of its thread.
    pub(crate) fn of_card(ticket: &TicketId, thread: &Thread) -> Self {
        Self {
            ticket: ticket.clone(),
            channel: thread.channel.clone(),
            ts: thread.root.clone(),
            role: Role::Card,
            blip_id: None,
            user: None,
        }
    }
}

/// What is known of the answers in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReplies {
    /// The root of the thread.
    pub(crate) root: MessageTs,
    /// How many of them are tied to a ticket.
    pub(crate) count: u32,
    /// The newest of these.
    pub(crate) latest: MessageTs,
}

/// How fast we may post to one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostRate {
    /// The time between two posts.
    pub interval: Duration,
    /// How many posts may go at once after a pause.
    pub burst: u32,
}

/// Until when what is kept is old enough to be erased ([`Store::erase_expired`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// The bodies of items that were finished before, and the first words of tickets that were
    /// closed before.
    pub bodies: Timestamp,
    /// The tickets that were closed before, with all that belongs to them, and the parked items
    /// that arrived before.
    pub tickets: Timestamp,
    /// The items that were finished before, with their keys.
    pub keys: Timestamp,
}

/// All that is kept of a ticket.
#[derive(Clone, Debug, Default)]
pub struct KeptTicket {
    /// The ticket; none while its card is being posted.
    pub(crate) ticket: Option<Ticket>,
    /// What the customer said to begin with.
    pub(crate) first_words: Option<String>,
    /// The Slack messages that belong to it, oldest first.
    pub(crate) links: Vec<Link>,
    /// What has arrived for it, oldest first.
    pub(crate) events: Vec<KeptEvent>,
}

/// Something that has arrived for a ticket.
#[derive(Clone, Debug)]
pub(crate) struct KeptEvent {
    /// From where: [`Source::name`].
    pub(crate) source: String,
    /// When.
    pub(crate) received: Timestamp,
    /// How far it is, in a word.
    pub(crate) state: String,
    /// What was sent, if it is not erased yet.
    pub(crate) body: Option<Vec<u8>>,
}

/// An item that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedItem {
    /// Its number.
    pub id: ItemId,
    /// The lane it came from.
    pub lane: String,
    /// Which pipe it is for.
    pub(crate) source: Source,
    /// Why it is parked.
    pub reason: String,
    /// When it arrived.
    pub(crate) received: Timestamp,
}

/// How much waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxDepth {
    /// What waits of each source of which anything does.
    pub queues: Vec<QueueDepth>,
    /// Items that wait for a person.
    pub parked: u64,
}

/// How much of one source waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Which.
    pub source: Source,
    /// Items not yet handled.
    pub waiting: u64,
    /// When the oldest of them arrived.
    pub oldest: Timestamp,
}

impl InboxDepth {
    /// All items not yet handled.
    pub fn waiting(&self) -> u64 {
        self.queues.iter().map(|queue| queue.waiting).sum()
    }

    /// What waits of one source, if anything does.
    pub(crate) fn queue_of(&self, source: Source) -> Option<&QueueDepth> {
        self.queues.iter().find(|queue| queue.source == source)
    }
}

/// What went wrong in the store. It can be cloned, because those whose writes share a commit share
/// its failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what it was asked.
    #[error("database: {0}")]
    Database(Arc<dyn std::error::Error + Send + Sync>),
    /// The server of the database cannot be reached for now, or has no room.
    #[error("database: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
    /// The file of the database, or one next to it, could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// There is no database.
    #[error("{}: there is no database; start the bridge first, or mend DATABASE_URL", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file belongs to another user. What is made next to it would not be the owner's to use.
    #[error("{}: it belongs to another user; run this as the user that the bridge runs as", path.display())]
    NotOwner {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another program.
    #[error("{}: this is a file of another program, and is left alone; mend DATABASE_URL", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database was made by a later version of this program.
    #[error("{}: its tables are of a later version of blip-slack (step {version})", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// How many steps its tables have taken.
        version: u32,
    },
    /// Another process serves this database already.
    #[error("lock {path}: another process serves this database already")]
    InUse {
        /// The file that it has locked.
        path: PathBuf,
    },
    /// Somebody else has this lane by now, or the item is no longer in it.
    #[error("the lease of lane {lane} was lost")]
    LeaseLost {
        /// The lane's name.
        lane: String,
    },
    /// Somebody else has written this ticket since it was read.
    #[error("ticket {ticket} was changed meanwhile")]
    Conflict {
        /// Its id.
        ticket: String,
    },
    /// The customer of this ticket is to be forgotten.
    #[error("ticket {ticket} was erased")]
    Erased {
        /// Its id.
        ticket: String,
    },
    /// A row says something that cannot be.
    #[error("unreadable {what} in the database")]
    Unreadable {
        /// Which kind of value.
        what: &'static str,
    },
    /// What it held was copied elsewhere.
    #[error("{}: this database was copied to PostgreSQL; DATABASE_URL has to name that now", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// Something is kept already where a copy is to go.
    #[error("{}: this database is not empty, or is being served", path.display())]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// A copy is not what was copied.
    #[error("the copy of {table} is not the same: nothing was kept of it")]
    NotTheSame {
        /// The table.
        table: &'static str,
    },
    /// The clocks of this machine and of the database's are too far apart to compare times.
    #[error("the clocks of this machine and of the database's are minutes apart: set them")]
    ClocksApart,
    /// What is in the database's file is not what was written there.
    #[error("the database is damaged: put a backup of it back")]
    Damaged,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Something is wrong with this file.
    fn of_file(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::File { path: path.to_owned(), error: Arc::new(error) }
    }

    /// Whether this may pass: there is no room on the disk, somebody else has the database, or the
    /// server cannot be reached.
    pub(crate) fn is_transient(&self) -> bool {
        if matches!(self, Self::Unavailable(_)) {
            return true;
        }
        let (Self::Database(error) | Self::File { error, .. }) = self else { return false };
        let by_sqlite = error.downcast_ref::<rusqlite::Error>();
        let by_system = error.downcast_ref::<io::Error>();
        by_sqlite.and_then(rusqlite::Error::sqlite_error_code).is_some_and(|code| {
            matches!(
                code,
                // The last is what SQLite makes of a quota or a limit of the process.
                ErrorCode::DiskFull
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::SystemIoFailure
            )
        }) || by_system.is_some_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            )
        })
    }

    /// Says of which database it is that something is wrong with it, once.
    fn in_file(self, path: &Path) -> Self {
        if self.to_string().contains(&*path.to_string_lossy()) {
            return self;
        }
        match self {
            Self::Database(error) => Self::File { path: path.to_owned(), error },
            other => other,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The fact that tells when the database was last backed up, by `blip-slack store backup`.
pub const BACKED_UP: &str = "backed up";

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

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

    /// Whether an event whose key begins like this was ever accepted and is not forgotten.
    async fn has_accepted(&self, source: Source, key: &str) -> Result<bool>;

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

    /// Records what became of items of a leased lane: of all of them or, with
    /// [`Error::LeaseLost`], of none.
    async fn record_outcome(
        &self,
        lease: &Lease,
        items: &[ItemId],
        outcome: StoredOutcome,
    ) -> Result<()>;

    /// Gives a lane back. What still waits in it is due at `due`, at once if that is `None`.
    async fn release_lane(&self, lease: Lease, due: Option<Timestamp>) -> Result<()>;

    /// When there will be something to claim for which there is a place: the next lane that is not
    /// leased becomes due, or a lease runs out.
    async fn next_due(&self, places: Places) -> Result<Option<Timestamp>>;

    /// Notes that an outside call is about to be made for an item, and tells how far it is, once
    /// the item cannot be lost any more.
    ///
    /// `channel` is the Slack channel that the call posts to, see [`Store::is_posting`]. An item
    /// that does not wait any more begins nothing: [`Error::LeaseLost`].
    async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
    ) -> Result<CallState>;

    /// Notes that an outside call that was begun is made again, or has only now ended in a way
    /// that leaves its outcome unknown.
    async fn touch_call(&self, item: ItemId, step: &str, now: Timestamp) -> Result<()>;

    /// Notes the result of an outside call that was begun.
    async fn record_call_result(&self, item: ItemId, step: &str, result: &str) -> Result<()>;

    /// Notes that an outside call that was begun did certainly not take effect.
    async fn forget_call(&self, item: ItemId, step: &str) -> Result<()>;

    /// The outside calls of an item that were begun, each with its result if it is known.
    async fn calls_of(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>>;

    /// Whether a waiting item has begun, before the given time, to post to this channel: then a
    /// message that is not known yet may become known. A call with a result counts until its item
    /// is settled, because the message is linked only after that. Of an item in doubt the mark may
    /// be lost, so it counts as posting everywhere, but for what is itself in a [`Lane::Message`].
    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool>;

    /// Writes a ticket, new or changed, and counts its [`Ticket::version`] up. One that was opened
    /// before it was erased is refused: [`Error::Erased`]; and so is one that somebody else has
    /// written since it was read: [`Error::Conflict`].
    async fn put_ticket(&self, ticket: &mut Ticket) -> Result<()>;

    /// Keeps what a customer said to begin with, as the ticket's card shows it, until some time
    /// after the ticket is closed ([`Store::erase_expired`]); not if the ticket was ever erased.
    async fn keep_first_words(&self, ticket: &TicketId, words: &str) -> Result<()>;

    /// What a customer said to begin with.
    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>>;

    /// Keeps what a ticket's card shows now, or that this is not known; not if the ticket was ever
    /// erased.
    async fn keep_drawn_card(&self, ticket: &TicketId, drawn: Option<DrawnCard>) -> Result<()>;

    /// What a ticket's card shows, if that is known.
    async fn drawn_card(&self, ticket: &TicketId) -> Result<Option<DrawnCard>>;

    /// Reads a ticket.
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

    /// Ties a Slack message to a ticket. Items that wait for that message move to the ticket's
    /// lane towards Blip, keeping their order; who leases them where they were has lost them. The same link
    /// again changes nothing, another one of the same message replaces it. Refused as
    /// [`Store::put_ticket`] refuses, if the ticket was `opened` before it was erased.
    async fn link_message(&self, link_message: Link, opened: Timestamp) -> Result<()>;

    /// Whether something of this source whose key begins like this waits in a lane, or is under way
    /// there.
    async fn has_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<bool>;

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

    /// Resolves when there may be something new to claim by an act of this process. What happens
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
