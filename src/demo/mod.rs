//! One whole ticket on this machine, with no accounts: the real service between two stand-ins.
//!
//! [`Stage`] sets everything up, for the demo and for the tests alike; [`play_demo`] plays the ticket
//! and prints each step when it is *seen* at the far end, never when it is only sent.

mod script;
mod stage;

pub use script::play_demo;
pub use stage::{ANA, BIA, CHANNEL, Stage};
