//! Whether the bridge can do its work.

use std::fmt;

use jiff::Timestamp;

/// What keeps the bridge from its work, and what an operator should know besides; one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// What keeps it from its work; empty if nothing does.
    pub(crate) troubles: Vec<String>,
    /// What it can work with, but should not have to.
    pub(crate) warnings: Vec<String>,
    /// Platforms that have not answered for a while, and may any moment.
    pub(crate) outages: Vec<Outage>,
}

/// Knows how the bridge is at the moment, but for its store. `app/doors.rs` does, which asks the checks of
/// `jobs/health.rs` and the connection of Socket Mode.
pub(crate) trait ReadinessSource: Send + Sync {
    /// How it is now.
    fn read_readiness(&self) -> Readiness;
}

/// A platform that has answered nothing for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which platform, and of several bots, whose.
    pub platform: String,
    /// Since when it has answered nothing.
    pub since: Timestamp,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { platform, since } = self;
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        write!(
            f,
            "{platform} fails or cannot be reached since {since}; what waits goes out when it answers again"
        )
    }
}
