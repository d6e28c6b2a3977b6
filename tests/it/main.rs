//! The integration tests: the real service over real HTTP, against the stand-ins.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

mod catch_up;
mod compose;
mod config;
mod content;
mod conversation;
mod corrections;
mod desk;
mod faults;
mod files;
mod glance;
mod hold;
mod intake;
mod layers;
mod lifecycle;
mod locale;
mod looks;
mod manifest;
mod pace;
mod receipts;
mod remind;
mod restart;
mod rules;
mod socket;
mod source;
mod store;
mod streaming;
mod support;
mod words;
