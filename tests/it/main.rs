//! The integration tests: the real service over real HTTP, against the stand-ins.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test may panic")]
#![allow(missing_docs)]
