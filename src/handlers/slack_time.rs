//! When people did what waits to be handled, by Slack's clock.

use jiff::Timestamp;

use crate::inbox::ReplyJob;
use crate::model::MessageTs;
use crate::slack::parse;
use crate::store::{Item, Source};

/// When somebody did something, about: of what is handed in in a dialog Slack tells no time, so it is
/// when it arrived.
pub(crate) fn happened_about(item: &Item) -> Option<MessageTs> {
    happened_at(item).or_else(|| to_message_ts(item.received))
}

fn to_message_ts(at: Timestamp) -> Option<MessageTs> {
    let (seconds, micros) = (at.as_second(), at.subsec_microsecond());
    MessageTs::parse(&format!("{seconds}.{micros:06}"))
}

/// When somebody wrote, reacted or pressed; of a reply that was held, when it was written. Nothing if
/// it was done elsewhere, or Slack does not tell.
pub(crate) fn happened_at(item: &Item) -> Option<MessageTs> {
    match item.source {
        Source::Blip => None,
        Source::Slack => parse::happened_at(&item.body),
        Source::Internal => {
            let job = serde_json::from_slice(&item.body).ok()?;
            let (ReplyJob::Hold(held) | ReplyJob::Send(held)) = job;
            Some(held.ts)
        }
    }
}
