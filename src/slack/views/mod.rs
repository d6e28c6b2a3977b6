//! What people see of a ticket in Slack: the card, the home tab, dialogs and the composer. No calls.

pub(crate) mod bounds;
pub mod card;
pub(crate) mod compose;
pub mod home;
pub mod modal;
pub mod render;
