//! What the bridge is about, in its own words: tickets, threads, agents, content, events.
//!
//! Knows neither HTTP nor SQL nor the wire format of either platform, and uses nothing else of
//! ours. Everything here is plain data and pure functions, so it can be tested by tables.

#![warn(clippy::wildcard_enum_match_arm)]

pub(crate) mod active;
pub(crate) mod agent_message;
pub(crate) mod backoff;
mod button;
pub(crate) mod canned;
pub(crate) mod contact;
pub(crate) mod content;
pub(crate) mod customer_key;
pub(crate) mod event;
pub(crate) mod fault;
pub(crate) mod fold;
pub(crate) mod forbidden;
pub(crate) mod hex;
pub(crate) mod hours;
pub(crate) mod ids;
pub(crate) mod invisible;
pub(crate) mod marks;
mod moves;
mod note_marks;
pub(crate) mod personal;
mod priority;
pub(crate) mod readiness;
pub(crate) mod reply;
pub mod report;
mod service_limits;
mod switch;
pub(crate) mod tag_rule;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod ticket;

pub(crate) use agent_message::{AgentMessage, KeptPart};
pub use button::{Button, PressedButton};
pub(crate) use contact::ContactComment;
pub use contact::{ContactChange, ContactField};
pub use content::{
    Attachment, CardLine, Content, FileAccess, Inline, LinkedFile, Offer, Paragraph, RichText,
    SaidMessage, Speaker, Style,
};
pub use customer_key::CustomerKey;
pub use event::{
    BlipEvent, Click, ReceiptKind, RoutedSlackEvent, SlackEvent, Submission, SubmittedForm,
    WhenHeld,
};
pub(crate) use event::{PressedView, StoredSlackEvent};
pub(crate) use fault::{Failure, Fault};
pub(crate) use hours::{DeskHours, WorkingHours, ZonedHours};
pub use ids::{BotName, ChannelId, ChannelRef, MessageTs, SlackUserId, TicketId};
pub use moves::{Closing, Move, MoveRefusal, PressedMove, TransferTarget};
pub(crate) use moves::{check_move, move_call};
pub use priority::Priority;
pub use readiness::Outage;
pub(crate) use readiness::{Readiness, ReadinessSource};
pub use service_limits::PassedLimits;
pub use switch::PersonalSwitch;
pub(crate) use tag_rule::TagRule;
pub use template::{FilledTemplate, MessageTemplate, TemplateField};
pub(crate) use template::{HeaderFile, TemplateButton, TemplateHeader};
pub use ticket::{
    Agent, Customer, FirstAnswer, Thread, Ticket, TicketEnding, TicketSnapshot, TicketState,
    domain_of, is_tunnel,
};
pub(crate) use ticket::{DIRECT_TRANSFER, is_team};
