//! The bridge on this machine, with no accounts: the real service between two stand-ins.
//!
//! [`Stage`] sets everything up, for the demo and for the tests alike. [`play_demo`] plays one ticket
//! and prints each step when it is *seen* at the far end, never when it is only sent; [`serve_page`]
//! shows a page on which people play both sides by hand.

mod folder;
mod page;
mod program;
mod script;
mod stage;

pub use page::serve_page;
pub use script::play_demo;
pub use stage::{ANA, BIA, CHANNEL, Stage};
