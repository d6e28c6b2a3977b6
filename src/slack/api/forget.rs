//! What we wrote in a thread, and how it is taken out of sight.

use serde_json::{Value, json};

use super::client::{EmptyAnswer, SlackClient};
use super::error::Error;
use super::find::read_thread;
use crate::model::{ChannelId, MessageTs};
use crate::slack::events::shown::ShownMessage;

/// A message that we wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnMessage {
    pub(crate) ts: MessageTs,
    /// Whether it stands under a name that we gave it.
    pub(crate) has_author: bool,
    /// The files that we uploaded with it.
    pub(crate) files: Vec<String>,
}

/// What we wrote in a thread, its root too, oldest first.
pub(crate) async fn read_own_messages(
    slack: &SlackClient,
    channel: &ChannelId,
    root: &MessageTs,
) -> Result<Vec<OwnMessage>, Error> {
    let us = slack.ensure_identity().await?;
    let is_ours = |message: &Value| {
        // Posts under a customer's name often have no `user`, only the app's `bot_id` (`slack.md`
        // D.3).
        text_in(message, "user") == Some(us.user_id.as_str())
            || us.bot_id.is_some() && text_in(message, "bot_id") == us.bot_id.as_deref()
    };
    let mut own: Vec<OwnMessage> = Vec::new();
    // Read from Slack, which has all of it: the erasure has taken our own links with the ticket.
    let mut reading = read_thread(slack, channel.as_str(), root, root);
    while let Some(messages) = reading.next_page().await? {
        let messages = messages.iter().map(ShownMessage::as_json);
        for message in messages.filter(|message| is_ours(message)) {
            own.extend(parse_own_message(message));
        }
    }
    Ok(own)
}

/// Deletes a file that we uploaded (`files.delete`); that it is gone already is success.
pub(crate) async fn delete_file(slack: &SlackClient, file: &str) -> Result<(), Error> {
    match slack.call_with_body::<EmptyAnswer>("files.delete", &json!({"file": file})).await {
        // The job may be made again after a kill, and people delete files themselves.
        Err(error) if matches!(error.code(), Some("file_not_found" | "file_deleted")) => Ok(()),
        deleted => deleted.map(drop),
    }
}

fn text_in<'a>(message: &'a Value, field: &str) -> Option<&'a str> {
    message.get(field).and_then(Value::as_str)
}

/// None of what is deleted already.
fn parse_own_message(message: &Value) -> Option<OwnMessage> {
    if text_in(message, "subtype") == Some("tombstone") {
        return None;
    }
    let files = message.get("files").and_then(Value::as_array).map(Vec::as_slice);
    let is_there = |file: &&Value| text_in(file, "mode") != Some("tombstone");
    let files = files.unwrap_or_default().iter().filter(is_there);
    Some(OwnMessage {
        ts: MessageTs::parse(text_in(message, "ts")?)?,
        has_author: message.get("username").is_some(),
        files: files.filter_map(|file| text_in(file, "id").map(str::to_owned)).collect(),
    })
}
