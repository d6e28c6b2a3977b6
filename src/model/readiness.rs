//! Whether the bridge can do its work.

/// What keeps the bridge from its work, and what an operator should know besides; one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// What keeps it from its work; empty if nothing does.
    pub(crate) troubles: Vec<String>,
    /// What it can work with, but should not have to.
    pub(crate) warnings: Vec<String>,
}
