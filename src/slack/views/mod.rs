//! What people see of a ticket in Slack: the card, the home tab, dialogs and the composer. No calls.
//!
//! What people fill in is read here, too, beside the form that asks for it.

pub(crate) mod blocks;
pub(crate) mod bounds;
pub mod card;
pub mod choices;
pub(crate) mod compose;
pub(crate) mod contact;
pub mod home;
pub(crate) mod ids;
pub(crate) mod last_words;
pub mod lead;
pub mod modal;
pub mod render;
pub(crate) mod switches;
pub mod template;
pub(crate) mod weekly;
