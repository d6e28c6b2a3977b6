//! Of which kind an event or a job is, in a constant word: for metrics, and for the points at which
//! tests end the process.

use super::events::{read_blip_event, read_slack_event};
use super::fault_point::{ITEM_KINDS, OTHER_KIND};
use crate::inbox::{Handling, Job, UnknownJob};
use crate::model::{BlipEvent, SlackEvent};
use crate::store::{Lane, Source};

/// The kind of an item, such as `message` or `card`: one of [`ITEM_KINDS`] without its source, or
/// [`OTHER_KIND`].
pub(crate) fn kind_of_item(item: &Handling) -> &'static str {
    match item.source {
        Source::Internal => kind_of_job(&item.body),
        // With the bot of the lane, as handlers read it: it is parsed once for all.
        Source::Blip => match Lane::ticket_of(&item.lane).map(|id| read_blip_event(item, id.bot()))
        {
            Some(BlipEvent::Ticket(_)) => "ticket",
            Some(BlipEvent::Message { .. }) => "message",
            Some(BlipEvent::Receipt { .. }) => "receipt",
            Some(BlipEvent::StandbyEnd { .. }) => "standby",
            Some(BlipEvent::Quiet | BlipEvent::Unknown { .. }) | None => OTHER_KIND,
        },
        Source::Slack => match read_slack_event(item).routed.as_ref().map(|it| &it.event) {
            Some(SlackEvent::Message { .. } | SlackEvent::Oversized { .. }) => "message",
            Some(SlackEvent::Edited { .. }) => "edited",
            Some(SlackEvent::Deleted { .. }) => "deleted",
            Some(SlackEvent::Reaction { .. }) => "reaction",
            Some(SlackEvent::Click(_)) => "click",
            Some(SlackEvent::Submitted(_)) => "filled",
            Some(SlackEvent::Outside { .. } | SlackEvent::NotOurs | SlackEvent::Unknown { .. })
            | None => OTHER_KIND,
        },
    }
}

/// The kind of a job as the table has it, so that no stored word becomes a label.
fn kind_of_job(body: &[u8]) -> &'static str {
    let stored = serde_json::from_slice(body).ok();
    let stored = stored.map(|UnknownJob { kind }| kind);
    let jobs = ITEM_KINDS.iter().filter_map(|kind| kind.strip_prefix(Source::Internal.name()));
    let known = jobs.map(str::trim_start).find(|kind| stored.as_deref() == Some(*kind));
    let is_known = || !matches!(serde_json::from_slice(body), Ok(Job::Unknown(_)) | Err(_));
    debug_assert!(known.is_some() || !is_known(), "{stored:?} is not in the table of items");
    known.unwrap_or(OTHER_KIND)
}
