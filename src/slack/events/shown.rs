//! A message as Slack shows it now, in an answer and not in an event.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::text_at;
use super::message;
use super::parse::version_name;
use crate::model::{AgentMessage, MessageTs, SlackUserId};
use crate::slack::text::emoji;

/// A message of a channel or a thread.
///
/// It is stored as Slack writes it: a reply that is being sent goes on with what was read when that
/// began, and what is read of it may grow with a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ShownMessage(Value);

impl ShownMessage {
    /// Takes a message of an answer.
    pub(crate) fn new(message: Value) -> Self {
        Self(message)
    }

    /// The message as Slack writes it.
    pub(crate) fn as_json(&self) -> &Value {
        &self.0
    }

    /// The message as Slack writes it, for who looks into it.
    pub(crate) fn into_json(self) -> Value {
        self.0
    }

    /// What identifies it within its channel.
    pub(crate) fn ts(&self) -> Option<MessageTs> {
        MessageTs::parse(text_at(&self.0, "/ts")?)
    }

    /// What a person wrote in it.
    pub(crate) fn read(&self) -> AgentMessage {
        message::read_message(&self.0)
    }

    /// What tells a version of it from its others: when it was edited last, empty if never.
    pub(crate) fn version(&self) -> String {
        version_name(&self.0)
    }

    /// Whether it was written by this person, and not posted by us in their name.
    pub(crate) fn is_written_by(&self, user: Option<&SlackUserId>) -> bool {
        user.is_some_and(|user| text_at(&self.0, "/user") == Some(user.as_str()))
    }

    /// What a post of ours can be found by, as its first block repeats it.
    pub(crate) fn delivery_id(&self) -> Option<&str> {
        text_at(&self.0, "/blocks/0/block_id")
    }

    /// What the first block of a post of ours says, exactly as it was given to
    /// [`crate::slack::text::rich_text::to_literal_post`].
    pub(crate) fn literal_text(&self) -> String {
        let list = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let sections = list(&self.0, "/blocks/0/elements").into_iter();
        let runs = sections.flat_map(|section| list(&section, "/elements"));
        runs.filter_map(|run| text_at(&run, "/text").map(str::to_owned)).collect()
    }

    /// How many replies its thread has.
    pub(crate) fn reply_count(&self) -> i64 {
        self.0.get("reply_count").and_then(Value::as_i64).unwrap_or_default()
    }

    /// The newest reply of its thread.
    pub(crate) fn latest_reply(&self) -> Option<&str> {
        text_at(&self.0, "/latest_reply")
    }

    /// Whether it was deleted while its thread had replies: then Slack leaves a stone in its place,
    /// without the reactions.
    pub(crate) fn is_tombstone(&self) -> bool {
        text_at(&self.0, "/subtype") == Some("tombstone")
    }

    /// Who put a reaction on it, each with the name that they used for the emoji.
    pub(crate) fn reactions(&self, wanted: &str) -> impl Iterator<Item = (&str, &str)> {
        self.filter_reactions(wanted).flat_map(|(name, reaction)| {
            let users = reaction.get("users").and_then(Value::as_array);
            users.into_iter().flatten().filter_map(move |user| Some((name, user.as_str()?)))
        })
    }

    /// Whether Slack names everybody who has put on a reaction; of many, it names some.
    pub(crate) fn names_all_who_reacted(&self, wanted: &str) -> bool {
        self.filter_reactions(wanted).all(|(_, reaction)| {
            let named = reaction.get("users").and_then(Value::as_array).map(Vec::len);
            // Of a reaction by very many, Slack names some and counts all: who is not named has not
            // necessarily taken theirs off.
            named.map(|named| named as u64) == reaction.get("count").and_then(Value::as_u64)
        })
    }

    fn filter_reactions(&self, wanted: &str) -> impl Iterator<Item = (&str, &Value)> {
        let reactions = self.0.get("reactions").and_then(Value::as_array);
        reactions.into_iter().flatten().filter_map(move |reaction| {
            let name = reaction.get("name").and_then(Value::as_str)?;
            // People choose among aliases and skin tones, and mean the reaction that is set.
            emoji::is_same_emoji(name, wanted).then_some((name, reaction))
        })
    }
}
