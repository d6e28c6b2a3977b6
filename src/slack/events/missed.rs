//! Events that Slack did not tell us of, made of what it shows: each as it would have come, with the
//! same key, so that one that did come is not taken twice.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::parse::{self, SlackRequest};
use super::shown::ShownMessage;
use crate::model::{MessageTs, SlackEvent, Thread};

/// An event for the inbox.
#[derive(Clone, Debug)]
pub(crate) struct MissedEvent {
    /// What it is known by.
    pub(crate) key: String,
    /// The request that Slack would have sent.
    pub(crate) body: Vec<u8>,
}

/// A reaction that nobody told us of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissedReaction<'a> {
    /// Who put it on or took it off.
    pub(crate) user: &'a str,
    /// The emoji, by the name that they used.
    pub(crate) name: &'a str,
    /// Whether it was put on.
    pub(crate) added: bool,
    /// It was made before this time, and nobody knows when.
    pub(crate) before: Timestamp,
    /// When it is to count as made, among other events of the ticket; not known if there is none.
    pub(crate) counts_as: Option<&'a MessageTs>,
}

/// A message of a thread. None where it is not one that a person wrote.
pub(crate) fn make_missed_message(thread: &Thread, message: &ShownMessage) -> Option<MissedEvent> {
    let mut event = message.as_json().clone();
    let fields = event.as_object_mut()?;
    // An answer of Slack's leaves out what was asked for: the type and the channel.
    fields.insert("type".to_owned(), "message".into());
    fields.insert("channel".to_owned(), thread.channel.as_str().into());
    make_event(&json!({"type": "event_callback", "event": event}))
}

/// A reaction on the card of a thread.
pub(crate) fn make_missed_reaction(
    thread: &Thread,
    reaction: &MissedReaction<'_>,
) -> Option<MissedEvent> {
    let kind = if reaction.added { "reaction_added" } else { "reaction_removed" };
    let (channel, ts) = (thread.channel.as_str(), thread.root.as_str());
    let item = json!({"type": "message", "channel": channel, "ts": ts});
    let event = json!({"type": kind, "user": reaction.user, "reaction": reaction.name,
        // Slack does not tell when a reaction was put on. Whether it was told of after all is seen
        // by the beginning of its key, which has no time.
        "item": item, "event_ts": MessageTs::from_time(reaction.before).as_str()});
    make_event(&match reaction.counts_as {
        Some(at) => json!({"type": "event_callback", "event": event, "happened": at.as_str()}),
        None => json!({"type": "event_callback", "event": event}),
    })
}

fn make_event(body: &Value) -> Option<MissedEvent> {
    let SlackRequest::Event(routed) = parse::parse_body(body) else { return None };
    let is_ours = matches!(routed.event, SlackEvent::Message { .. } | SlackEvent::Reaction { .. });
    is_ours.then(|| MissedEvent { key: routed.key, body: body.to_string().into_bytes() })
}
