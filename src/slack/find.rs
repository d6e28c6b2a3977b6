//! Looking for what is in Slack already: after an outcome that is not known, and where nobody told
//! us.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::{Client, Nothing, PAGE, Page, Posted, set};
use super::error::Error;
use crate::model::{ChannelId, Failure, Fault, MessageTs};

/// What is left of a post that missed its thread and cannot be deleted.
const EMPTIED: &str = "↪️";

/// Messages that are read a page at a time, from a time on.
pub struct Reading<'a> {
    client: &'a Client,
    method: &'static str,
    params: Vec<(&'static str, String)>,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> Reading<'a> {
    fn new(
        client: &'a Client,
        method: &'static str,
        channel: &str,
        since: &MessageTs,
        ts: Option<(&'static str, String)>,
    ) -> Self {
        let mut params = vec![
            ("channel", channel.to_owned()),
            ("include_all_metadata", "true".to_owned()),
            ("limit", PAGE.to_owned()),
            ("oldest", since.to_string()),
            ("inclusive", "true".to_owned()),
        ];
        params.extend(ts);
        Self { client, method, params, cursor: None, is_over: false }
    }

    /// The next page, until there is none. Slack decides how many messages it has (`slack.md` C.1).
    pub async fn next_page(&mut self) -> Result<Option<Vec<Value>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut params: Vec<_> =
            self.params.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
        params.push(("cursor", self.cursor.as_deref()));
        let page: Page = self.client.read(self.method, &params).await?;
        let next = page.next();
        if next.is_some() && next == self.cursor {
            let what = "the same page again".to_owned();
            return Err(Error::Unclear { method: self.method, what });
        }
        self.is_over = next.is_none();
        self.cursor = next;
        Ok(Some(page.messages))
    }
}

impl Client {
    /// Looks for a post of ours that was made since `since`: by its metadata, or by the block id
    /// that repeats it, should Slack have dropped metadata that is not registered.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
    pub async fn find_post(
        &self,
        channel: &str,
        thread: Option<&MessageTs>,
        delivery: &str,
        since: Timestamp,
    ) -> Result<Option<Posted>, Error> {
        let is_it = |message: &Value| delivered(message, delivery);
        if let Some(root) = thread {
            return self.find_in_thread(channel, root, since, is_it).await;
        }
        let found = self.find(channel, None, since, is_it).await?;
        Ok(found.and_then(|message| posted(channel, &message)))
    }

    /// Looks for something of ours in a thread and, as Slack puts there what misses its thread, at
    /// the root of the channel.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
    pub(super) async fn find_in_thread(
        &self,
        channel: &str,
        root: &MessageTs,
        since: Timestamp,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<Posted>, Error> {
        let found = match self.find(channel, Some(root), since, &is_it).await {
            Err(error) if error.is_message_gone() => None,
            found => found?,
        };
        if let Some(found) = found {
            return Ok(posted(channel, &found));
        }
        let strayed = |message: &Value| message.get("thread_ts").is_none() && is_it(message);
        let Some(stray) = self.find(channel, None, since, strayed).await? else {
            return Ok(None);
        };
        if let Some(posted) = posted(channel, &stray) {
            self.take_back(&posted, stray.get("username").is_some()).await?;
        }
        Err(Error::Orphaned { method: "conversations.history" })
    }

    /// What was said in a thread since a time, oldest first (`conversations.replies`). Its root may
    /// come with each page, whatever the time (`slack.md` additions §0).
    pub fn thread(&self, channel: &str, root: &MessageTs, since: &MessageTs) -> Reading<'_> {
        let ts = ("ts", root.to_string());
        Reading::new(self, "conversations.replies", channel, since, Some(ts))
    }

    /// What was said in a channel since a time, outside of threads, newest first
    /// (`conversations.history`).
    pub fn channel(&self, channel: &str, since: &MessageTs) -> Reading<'_> {
        Reading::new(self, "conversations.history", channel, since, None)
    }

    /// Looks through what was said since `since` for a message that `is_it`.
    async fn find(
        &self,
        channel: &str,
        thread: Option<&MessageTs>,
        since: Timestamp,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, Error> {
        let since = MessageTs::at(since);
        let mut reading = match thread {
            Some(root) => self.thread(channel, root, &since),
            None => self.channel(channel, &since),
        };
        while let Some(messages) = reading.next_page().await? {
            if let Some(found) = messages.into_iter().find(&is_it) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Reads one message of a thread as it is now (`conversations.replies`).
    pub async fn message(
        &self,
        channel: &ChannelId,
        root: &MessageTs,
        ts: &MessageTs,
    ) -> Result<Option<Value>, Error> {
        let page = self.page_with(channel, root, ts).await?;
        Ok(page.messages.into_iter().find(|message| is_at(message, ts)))
    }

    /// The page of a thread that has one message: that one, and the root.
    async fn page_with(
        &self,
        channel: &ChannelId,
        root: &MessageTs,
        ts: &MessageTs,
    ) -> Result<Page, Error> {
        let params = [
            ("channel", Some(channel.as_str())),
            ("ts", Some(root.as_str())),
            ("oldest", Some(ts.as_str())),
            ("latest", Some(ts.as_str())),
            ("inclusive", Some("true")),
            ("limit", Some("10")),
        ];
        self.read("conversations.replies", &params).await
    }

    /// Makes sure that a post stands in its thread, of which its answer said nothing; takes it back
    /// if it does not.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] once it is taken back. If it cannot be told for now where the post is,
    /// the outcome is unknown: nothing that fails here undoes the post.
    pub(super) async fn keep_in_thread(
        &self,
        method: &'static str,
        posted: &Posted,
        root: &MessageTs,
        is_named: bool,
    ) -> Result<(), Error> {
        let unsettled =
            |_failed| Error::Unclear { method, what: "not seen in its thread".to_owned() };
        if self.is_in_thread(posted, root).await.map_err(unsettled)? {
            return Ok(());
        }
        self.take_back(posted, is_named).await.map_err(unsettled)?;
        Err(Error::Orphaned { method })
    }

    /// Where Slack does not tell what a thread holds, its word for the post is taken: of a thread
    /// that is there, it shows at least the root.
    async fn is_in_thread(&self, posted: &Posted, root: &MessageTs) -> Result<bool, Error> {
        let place = ChannelId::parse(&posted.channel).zip(MessageTs::parse(&posted.ts));
        let Some((channel, ts)) = place else { return Ok(false) };
        match self.page_with(&channel, root, &ts).await {
            Err(error) if error.is_message_gone() => Ok(false),
            Err(error) if matches!(error.fault(), Fault::Refused { .. }) => Ok(true),
            Err(error) if error.code() == Some("missing_scope") => Ok(true),
            page => {
                let messages = page?.messages;
                Ok(messages.is_empty() || messages.iter().any(|message| is_at(message, &ts)))
            }
        }
    }

    /// Takes a post back that went where it was not meant to. What goes by a customer's name cannot
    /// be deleted (`slack.md` C.1), but emptied, and of what it could be found by, too.
    async fn take_back(&self, posted: &Posted, is_named: bool) -> Result<(), Error> {
        let mut body = json!({"channel": posted.channel, "ts": posted.ts});
        let method = if is_named { "chat.update" } else { "chat.delete" };
        if is_named {
            set(&mut body, "text", EMPTIED.into());
            set(&mut body, "blocks", json!([]));
            set(&mut body, "metadata", json!({}));
        }
        match self.write::<Nothing>(method, &body).await {
            Err(error) if matches!(error.fault(), Fault::Refused { .. }) => {
                tracing::warn!(slack.channel = posted.channel, slack.ts = posted.ts, %error,
                    "a post that missed its thread could not be taken back");
                Ok(())
            }
            result => result.map(drop),
        }
    }
}

fn delivered(message: &Value, delivery: &str) -> bool {
    let id = message.pointer("/metadata/event_payload/delivery_id").and_then(Value::as_str);
    let blocks =
        message.get("blocks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let in_block = |block: &Value| block.get("block_id").and_then(Value::as_str) == Some(delivery);
    id == Some(delivery) || blocks.iter().any(in_block)
}

fn posted(channel: &str, message: &Value) -> Option<Posted> {
    let ts = message.get("ts")?.as_str()?;
    Some(Posted { channel: channel.to_owned(), ts: ts.to_owned() })
}

fn is_at(message: &Value, ts: &MessageTs) -> bool {
    message.get("ts").and_then(Value::as_str) == Some(ts.as_str())
}
