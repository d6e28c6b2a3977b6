//! Where a test ends the process: before and after everything that shows outside.
//!
//! A build without debug assertions, as a release is, has none of this. Any other aborts at the
//! point that `BLIP_SLACK_DIES_AT` names, such as `before card`, stops as by `SIGSTOP` when it first
//! comes to the point that `BLIP_SLACK_STOPS_AT` names, and tells of each point that it passes at trace
//! level.
//!
//! Invariant: each point is in the tables here, and the test dies at each of them
//! (`killed_at_any_point_it_loses_and_repeats_nothing`); but for those named `sending …`, at which only
//! stopping shows more than dying before them (`tests/it/instances.rs`).

use crate::inbox::{Handling, MoveLine};
use crate::model::move_call;

/// Calls that are made once: the names of their steps, without what tells one of them from another
/// of the same kind. Those of moves stand where a move is told of: see [`call_names`].
const CALL_NAMES: [&str; 38] = [
    "card",
    "claimed",
    "closed",
    "coming",
    "comment",
    "contact",
    "context",
    "direct",
    "elsewhere",
    "ended",
    "file",
    "first",
    "gap",
    "goes-on",
    "handed",
    "instead",
    "new-card",
    "not-shown",
    "parked",
    "post",
    "preview",
    "refused",
    "remind",
    "rest",
    "send",
    "sent",
    "shared",
    "taken-back",
    "taken-over",
    "too-late",
    "transferred",
    "undelivered",
    "unread",
    "unsent",
    "upload-file",
    "upload-preview",
    "why-after",
    "why-elsewhere",
];

/// All calls that are made once, by the names of their steps.
pub fn call_names() -> impl Iterator<Item = &'static str> {
    CALL_NAMES.into_iter().chain(move_call::ALL).chain(MoveLine::STEPS)
}

/// Kinds of items. Handling one may do besides what can be done again without anybody noticing: it
/// brings a card up to date, puts a mark on a message, tells one person something.
pub const ITEM_KINDS: [&str; 45] = [
    "blip message",
    "blip receipt",
    "blip standby",
    "blip ticket",
    "desk assign",
    "desk away",
    "desk card",
    "desk catch_up",
    "desk check",
    "desk compare",
    "desk context",
    "desk delayed",
    "desk delivered",
    "desk delivery",
    "desk distribute",
    "desk doubled",
    "desk file",
    "desk forget",
    "desk handed",
    "desk hold",
    "desk late",
    "desk mark",
    "desk met",
    "desk move",
    "desk originator",
    "desk outside",
    "desk parked",
    "desk read",
    "desk remind",
    "desk remind_round",
    "desk say",
    "desk seen",
    "desk send",
    "desk shared",
    "desk take_back",
    "desk tell_absent",
    "desk waits",
    "desk weekly",
    "desk window",
    "slack click",
    "slack deleted",
    "slack edited",
    "slack filled",
    "slack message",
    "slack reaction",
];

/// The kind of what nothing is done about, and of jobs that only a newer release knows.
pub(crate) const OTHER_KIND: &str = "other";

/// Which side of something is passed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FaultMoment {
    /// Nothing of it is done yet.
    Before,
    /// Nothing is done yet, but the last look is behind: who stops here sends whatever comes.
    Sending,
    /// It is done, and nobody has noted that.
    After,
}

/// A recorded call has come to this moment: a test may kill the process here.
pub(crate) fn pass_call(moment: FaultMoment, step: &str) {
    if cfg!(debug_assertions) {
        // Behind the colon stand parts and threads, of which there are as many as one likes.
        let kind = step.split(':').next().unwrap_or_default();
        debug_assert!(call_names().any(|name| name == kind), "{kind} is not in the table of steps");
        pass(moment, kind);
    }
}

/// The last look has been made before a card is brought up to date. That is no call that is made once, but what
/// is sent late shows a state that is over.
pub(crate) fn pass_card_update() {
    if cfg!(debug_assertions) {
        pass(FaultMoment::Sending, "update");
    }
}

/// The handling of an item has come to this moment; none is passed for what nothing is done about.
pub(crate) fn pass_item(
    moment: FaultMoment,
    item: &Handling,
    kind: impl Fn(&Handling) -> &'static str,
) {
    if cfg!(debug_assertions) {
        let kind = kind(item);
        if kind != OTHER_KIND {
            let kind = format!("{} {kind}", item.source.name());
            debug_assert!(
                ITEM_KINDS.contains(&kind.as_str()),
                "{kind} is not in the table of items"
            );
            pass(moment, &kind);
        }
    }
}

#[cfg(debug_assertions)]
use armed::pass;

#[cfg(not(debug_assertions))]
fn pass(_: FaultMoment, _: &str) {}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    use super::FaultMoment;

    /// Where to die, if anywhere.
    #[expect(clippy::disallowed_methods, reason = "no setting of the bridge, but of a test")]
    static ABORT_POINT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("BLIP_SLACK_DIES_AT").ok());

    /// Where to stop, if anywhere.
    #[expect(clippy::disallowed_methods, reason = "no setting of the bridge, but of a test")]
    static STOP_POINT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("BLIP_SLACK_STOPS_AT").ok());

    static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

    pub(super) fn pass(moment: FaultMoment, kind: &str) {
        let moment = match moment {
            FaultMoment::Before => "before",
            FaultMoment::Sending => "sending",
            FaultMoment::After => "after",
        };
        let point = format!("{moment} {kind}");
        tracing::trace!(point);
        if ABORT_POINT.as_deref() == Some(&point) {
            std::process::abort();
        }
        if STOP_POINT.as_deref() == Some(&point) && !HAS_STOPPED.swap(true, Ordering::Relaxed) {
            kill_process(getpid(), Signal::STOP).ok();
            // Another thread may be the one to hear of it, and this one runs on until then. Once it is
            // not pending any more, every thread stops before it does anything else.
            while has_pending_stop() {}
        }
    }

    /// Whether a `SIGSTOP` has been sent to this process that none of its threads has taken yet
    /// (`ShdPnd` in `proc_pid_status(5)`, a mask of signals in hexadecimal).
    fn has_pending_stop() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
        let mask = pending.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (Signal::STOP.as_raw() - 1)) != 0)
    }
}
