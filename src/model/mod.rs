//! What the bridge is about, in its own words: tickets, threads, agents, content, events.
//!
//! Knows neither HTTP nor SQL nor the wire format of either platform, and uses nothing else of
//! ours. Everything here is plain data and pure functions, so it can be tested by tables.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod agent_message;
pub mod backoff;
pub mod canned;
pub mod content;
pub mod customer_key;
pub mod event;
pub mod fault;
pub mod fold;
pub mod hex;
pub mod hours;
pub mod ids;
pub mod invisible;
pub mod marks;
pub mod personal;
pub mod readiness;
pub mod reply;
pub mod text;
pub mod ticket;

pub use agent_message::{AgentMessage, KeptPart};
pub use content::{
    Attachment, CardLine, Content, FileAccess, Inline, LinkedFile, Offer, Paragraph, RichText,
    Style,
};
pub use customer_key::CustomerKey;
pub use event::{BlipEvent, Click, ReceiptKind, SlackEvent, Submission, SubmittedForm};
pub use fault::{Failure, Fault};
pub use hours::WorkingHours;
pub use ids::{BotName, ChannelId, ChannelRef, MessageTs, SlackUserId, TicketId};
pub use readiness::Readiness;
pub use ticket::{
    Agent, Closing, Customer, Move, MoveRefusal, Thread, Ticket, TicketEnding, TicketSnapshot,
    TicketState, TransferTarget, domain_of, is_tunnel,
};
