//! What differs between production and tests: the time, and how patient the bridge is.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::inbox::retry::RetryPolicy;
use crate::intake::server::ServerLimits;
use crate::media::LeastSpeed;
use crate::slack::socket;
use crate::store::SharedStore;

/// How long a platform may take to answer. Long enough for a slow day; a call that took effect
/// later than that is found by looking.
const PLATFORM_CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long nothing is called after the credentials were refused. Short enough that a mended token
/// is noticed while the operator still looks, long enough to cause no storm.
const REFUSED_CREDENTIALS_PAUSE: Duration = Duration::from_secs(15);
/// How long the effect of a call whose answer was lost may still come or be seen. Neither platform
/// promises that a message can be read as soon as it was taken. Three seconds are long for that,
/// and short for the customer who waits.
const UNKNOWN_OUTCOME_WAIT: Duration = Duration::from_secs(3);

/// How long after a reply it is marked how far it has come: most receipts have come by then, so
/// that one mark is enough.
const MARK_DELAY: Duration = Duration::from_secs(3);
/// How long an event waits for its file, so that the picture stands in its place. Nearly all are
/// there by then; what is said next waits as long.
const FILE_PATIENCE: Duration = Duration::from_secs(5);
/// How long Slack may take to hand out the beginning of an agent's file before it is sent.
const FILE_CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// How patient the bridge is with files.
#[derive(Clone, Copy, Debug)]
pub struct FileTiming {
    /// How long an event waits for its file before a line takes its place.
    pub patience: Duration,
    /// How fast a customer's file must come at least.
    pub least_speed: LeastSpeed,
    /// How long one look at an agent's file may take.
    pub check: Duration,
}

impl Default for FileTiming {
    fn default() -> Self {
        Self {
            patience: FILE_PATIENCE,
            least_speed: LeastSpeed::default(),
            check: FILE_CHECK_TIMEOUT,
        }
    }
}

/// Puts something between the bridge and its memory.
pub(crate) type StoreWrapper = Arc<dyn Fn(SharedStore) -> SharedStore + Send + Sync>;

/// What differs between production and tests.
#[derive(Clone)]
pub struct Tuning {
    /// What tells the time, so that tests can let it pass.
    pub clock: Clock,
    /// How failures are retried.
    pub retry: RetryPolicy,
    /// How long a platform may take to answer.
    pub call_timeout: Duration,
    /// How long nothing is called after the credentials were refused, before they are tried again.
    pub credentials_pause: Duration,
    /// How long after a call without a known outcome its effect may still come or be seen.
    pub unknown_outcome_wait: Duration,
    /// How long after a reply it is marked how far it has come.
    pub mark_delay: Duration,
    /// How patient Socket Mode is.
    pub socket: socket::SocketTiming,
    /// How patient it is with files.
    pub files: FileTiming,
    /// How much whoever sends requests may take up.
    pub limits: ServerLimits,
    /// What is between the bridge and its memory, if anything.
    pub wrap: Option<StoreWrapper>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            retry: RetryPolicy::default(),
            call_timeout: PLATFORM_CALL_TIMEOUT,
            credentials_pause: REFUSED_CREDENTIALS_PAUSE,
            unknown_outcome_wait: UNKNOWN_OUTCOME_WAIT,
            mark_delay: MARK_DELAY,
            socket: socket::SocketTiming::default(),
            files: FileTiming::default(),
            limits: ServerLimits::default(),
            wrap: None,
        }
    }
}
