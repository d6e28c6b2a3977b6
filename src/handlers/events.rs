//! Events as handlers see them: each is parsed once, whoever asks first, and put in the order in which
//! people did it.

use crate::blip;
use crate::inbox::{Handling, ReplyJob};
use crate::model::{BlipEvent, BotName, MessageTs, StoredSlackEvent};
use crate::slack;
use crate::store::Source;

/// What an event of Blip's says.
pub(crate) fn read_blip_event<'a>(item: &'a Handling, bot: &BotName) -> &'a BlipEvent {
    item.blip_event(|body| blip::parse::parse_event(bot, body))
}

/// What an event of Slack's says.
pub(crate) fn read_slack_event(item: &Handling) -> &StoredSlackEvent {
    item.slack_event(slack::parse::read_stored_event)
}

/// When somebody did something, about: of what is handed in in a dialog Slack tells no time, so it is
/// when it arrived.
pub(crate) fn happened_about(item: &Handling) -> MessageTs {
    happened_at(item).unwrap_or_else(|| MessageTs::from_time(item.received))
}

/// When somebody wrote, reacted or pressed; of a reply that was held, when it was written. Nothing if
/// it was done elsewhere, or Slack does not tell.
pub(crate) fn happened_at(item: &Handling) -> Option<MessageTs> {
    match item.source {
        Source::Blip => None,
        Source::Slack => read_slack_event(item).happened.clone(),
        Source::Internal => {
            let job = serde_json::from_slice(&item.body).ok()?;
            let (ReplyJob::Hold(held) | ReplyJob::Send(held)) = job;
            Some(held.ts)
        }
    }
}

/// Puts what people did in Slack in the order of Slack's time (`slack.md` B.1 promises none), on the
/// places that it has among what else waits. What was begun goes on first, and what has no time stays
/// where it is.
pub(crate) fn sort_by_slack_time(items: Vec<Handling>) -> Vec<Handling> {
    if items.iter().filter(|item| item.source != Source::Blip).count() < 2 {
        return items;
    }
    let mut timed = Vec::new();
    let places: Vec<Option<Handling>> = items
        .into_iter()
        .map(|item| match slack_sort_key(&item) {
            Some(key) => {
                timed.push((key, item));
                None
            }
            None => Some(item),
        })
        .collect();
    timed.sort_by_key(|(key, _)| *key);
    let mut timed = timed.into_iter().map(|(_, item)| item);
    places.into_iter().filter_map(|place| place.or_else(|| timed.next())).collect()
}

/// Whether it can wait, and when it was done.
fn slack_sort_key(item: &Handling) -> Option<(bool, i64)> {
    Some((!item.has_begun_calls, happened_at(item)?.to_micros()?))
}
