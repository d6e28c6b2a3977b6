//! A store of which each use is told.

use std::time::Duration;

use async_trait::async_trait;
use blip_slack::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};
use blip_slack::store::{
    Accepted, CallState, CallTry, Cutoffs, DrawnCard, Ending, InboxDepth, ItemId, KeptTicket,
    KnownReplies, Lane, Lease, Link, NewItem, ParkedItem, Places, PostRate, Result, SharedStore,
    Source, Store, Turn, TurnPass, TurnRequest, Writes,
};
use jiff::Timestamp;

/// Whether a use of the store changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    Read,
    Write,
}

/// Who is told of each use of a store.
#[async_trait]
pub trait Witness: Send + Sync + 'static {
    /// It is about to be used.
    async fn is_about_to_use(&self, _method: &'static str, _kind: Use) {}

    /// It was used; whoever did is not answered yet.
    async fn used(&self, method: &'static str, kind: Use);
}

/// A store of which each use is told.
pub struct Watched<W> {
    pub store: SharedStore,
    pub witness: W,
}

macro_rules! store {
    (@use writes) => { Use::Write };
    (@use reads) => { Use::Read };
    ($($kind:ident fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl<W: Witness> Store for Watched<W> {
            $(async fn $name(&self, $($arg: $type),*) -> $result {
                self.witness.is_about_to_use(stringify!($name), store!(@use $kind)).await;
                let result = self.store.$name($($arg),*).await;
                self.witness.used(stringify!($name), store!(@use $kind)).await;
                result
            })*
        }
    };
}

store! {
    writes fn accept(item: NewItem) -> Result<Accepted>;
    reads fn count_unanswered(ticket: &TicketId) -> Result<u64>;
    reads fn find_accepted(source: Source, prefixes: &[String]) -> Result<Vec<bool>>;
    reads fn greatest_key(source: Source, prefix: &str) -> Result<Option<(String, Timestamp)>>;
    reads fn lease_lanes(places: Places, lease: Duration, now: Timestamp) -> Result<Vec<Lease>>;
    writes fn commit(lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()>;
    writes fn write(writes: &Writes) -> Result<()>;
    reads fn next_due(places: Places) -> Result<Option<Timestamp>>;
    writes fn begin_call(item: ItemId, step: &str, channel: Option<&ChannelId>, now: Timestamp, first: &Writes) -> Result<CallState>;
    writes fn touch_call(item: ItemId, step: &str, last_try: CallTry) -> Result<()>;
    writes fn forget_calls(item: ItemId, steps: &[&str]) -> Result<()>;
    reads fn calls_of(item: ItemId) -> Result<Vec<(String, Option<String>)>>;
    reads fn is_posting(channel: &ChannelId, before: Timestamp) -> Result<bool>;
    reads fn first_words(ticket: &TicketId) -> Result<Option<String>>;
    reads fn drawn_card(ticket: &TicketId) -> Result<Option<DrawnCard>>;
    reads fn load_ticket(id: &TicketId) -> Result<Option<Ticket>>;
    reads fn ticket_by_number(bot: &BotName, number: i64) -> Result<Option<Ticket>>;
    reads fn latest_ticket_of(customer: &str, except: &TicketId) -> Result<Option<Ticket>>;
    reads fn tickets_of(customer: &str, except: &TicketId, limit: u32) -> Result<Vec<Ticket>>;
    reads fn ticket_after(bot: &BotName, number: i64) -> Result<Option<Ticket>>;
    reads fn find_tickets(text: &str, limit: u32) -> Result<Vec<Ticket>>;
    reads fn open_tickets() -> Result<Vec<Ticket>>;
    reads fn closed_tickets(since: Timestamp) -> Result<Vec<Ticket>>;
    reads fn customer_tickets(customer: &CustomerKey) -> Result<Vec<TicketId>>;
    reads fn load_kept_ticket(ticket: &TicketId) -> Result<KeptTicket>;
    writes fn erase_customer(customer: &CustomerKey) -> Result<Vec<TicketId>>;
    reads fn erased_at(ticket: &TicketId) -> Result<Option<Timestamp>>;
    reads fn has_waiting(lane: &Lane, source: Source, key: &str) -> Result<bool>;
    reads fn count_waiting(lane: &Lane, source: Source, key: &str) -> Result<u64>;
    reads fn has_begun(lane: &Lane, steps: &[&str]) -> Result<bool>;
    reads fn held_replies(ticket: &TicketId, before: &MessageTs) -> Result<Vec<Link>>;
    reads fn has_words_after(ticket: &TicketId, ts: &MessageTs) -> Result<bool>;
    reads fn find_link(channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>>;
    reads fn links_of(ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>>;
    reads fn blip_ids_of(ticket: &TicketId) -> Result<Vec<String>>;
    reads fn has_replies(ticket: &TicketId, thread: &Thread, gone: Option<&MessageTs>) -> Result<bool>;
    reads fn known_replies(channel: &ChannelId, since: &MessageTs) -> Result<Vec<KnownReplies>>;
    writes fn rename_channel(later: &ChannelId, first: &ChannelId) -> Result<()>;
    reads fn renamed_channels() -> Result<Vec<(ChannelId, ChannelId)>>;
    writes fn take_turn(ticket: &TicketId, wanted: &TurnRequest) -> Result<Option<Turn>>;
    writes fn pass_turn(ticket: &TicketId, agent: &SlackUserId, pass: TurnPass, now: Timestamp) -> Result<()>;
    reads fn has_written_after(ticket: &TicketId, agent: &SlackUserId, ts: &MessageTs) -> Result<bool>;
    writes fn take_slot(lane: &str, channel: &ChannelId, pace: PostRate, now: Timestamp) -> Result<Timestamp>;
    writes fn hold_channel(refused: ItemId, channel: &ChannelId, pace: PostRate, until: Timestamp, now: Timestamp) -> Result<()>;
    reads fn parked_items(ticket: Option<&TicketId>) -> Result<Vec<ParkedItem>>;
    reads fn parked_body(item: ItemId) -> Result<Option<Vec<u8>>>;
    writes fn retry_parked(item: ItemId, now: Timestamp) -> Result<bool>;
    writes fn skip_parked(item: ItemId) -> Result<bool>;
    reads fn inbox_depth() -> Result<InboxDepth>;
    reads fn erase_expired(before: Cutoffs) -> Result<()>;
    reads fn read_fact(name: &str) -> Result<Option<String>>;
    // Facts are written while the bridge starts, before it takes anything in: cut off there, there
    // would be no bridge to take the place of.
    reads fn put_fact(name: &str, value: Option<&str>) -> Result<()>;
    reads fn check_health() -> Result<()>;
    reads fn wait_for_work() -> ();
    reads fn close() -> ();
}
