//! What we wrote in a thread, and how it is taken out of sight.

use serde_json::{Value, json};

use super::client::{EmptyAnswer, SlackClient};
use super::error::Error;
use crate::model::{ChannelId, MessageTs, Thread};

/// A message that we wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnMessage {
    /// Its time stamp.
    pub(crate) ts: MessageTs,
    /// Whether it stands under a name that we gave it.
    pub(crate) has_author: bool,
    /// The files that we uploaded with it.
    pub(crate) files: Vec<String>,
}

impl SlackClient {
    /// What we wrote in a thread, its root too, oldest first.
    pub(crate) async fn read_own_messages(
        &self,
        channel: &ChannelId,
        root: &MessageTs,
    ) -> Result<Vec<OwnMessage>, Error> {
        let us = self.ensure_identity().await?;
        let is_ours = |message: &Value| {
            text_in(message, "user") == Some(us.user_id.as_str())
                || us.bot_id.is_some() && text_in(message, "bot_id") == us.bot_id.as_deref()
        };
        let mut own: Vec<OwnMessage> = Vec::new();
        let mut reading = self.read_thread(channel.as_str(), root, root);
        while let Some(messages) = reading.next_page().await? {
            for message in messages.iter().filter(|message| is_ours(message)) {
                own.extend(parse_own_message(message));
            }
        }
        Ok(own)
    }

    /// Deletes a file that we uploaded (`files.delete`); that it is gone already is success.
    pub(crate) async fn delete_file(&self, file: &str) -> Result<(), Error> {
        match self.call_with_body::<EmptyAnswer>("files.delete", &json!({"file": file})).await {
            Err(error) if matches!(error.code(), Some("file_not_found" | "file_deleted")) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// The address of a message in a thread on the web; none before Slack has said who we are.
    pub(crate) fn message_url(&self, thread: &Thread, ts: &MessageTs) -> Option<String> {
        let message = Thread { channel: thread.channel.clone(), root: ts.clone() };
        let url = self.thread_url(&message)?;
        if *ts == thread.root {
            return Some(url);
        }
        let current = self.renames().current_id(thread.channel.as_str());
        let channel = current.as_ref().unwrap_or(&thread.channel);
        Some(format!("{url}?thread_ts={}&cid={channel}", thread.root))
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
