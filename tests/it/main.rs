//! The integration tests: the real service over real HTTP, against the stand-ins.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]
#![expect(missing_docs, reason = "a test's name says it")]

mod config;
mod locale;
mod manifest;
mod source;
mod store;
mod words;
