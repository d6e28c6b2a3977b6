//! Why something could not be answered on the spot.

use crate::{slack, store};

/// Why something could not be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Slack did not do it.
    #[error(transparent)]
    Slack(#[from] slack::Error),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Slack did not tell in time who asks.
    #[error("slack did not tell in time who asks")]
    Unknown,
}
