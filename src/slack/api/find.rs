//! Looking for what is in Slack already: after an outcome that is not known, and where nobody told
//! us.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{EmptyAnswer, HISTORY_PAGE_SIZE, ResultPage, SlackClient, set_field};
use super::error::Error;
use super::message::Posted;
use crate::model::{ChannelId, Failure, Fault, MessageTs};
use crate::slack::events::shown::ShownMessage;

/// What is left of a post that missed its thread and cannot be deleted.
const EMPTIED_POST_TEXT: &str = "↪️";

/// Messages that are read a page at a time, from a time on.
pub(crate) struct MessagePages<'a> {
    client: &'a SlackClient,
    method: &'static str,
    params: Vec<(&'static str, String)>,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> MessagePages<'a> {
    fn new(
        client: &'a SlackClient,
        method: &'static str,
        channel: &str,
        since: &MessageTs,
        ts: Option<(&'static str, String)>,
    ) -> Self {
        let mut params = vec![
            ("channel", channel.to_owned()),
            // Slack leaves metadata out unless asked, and the library's request cannot ask
            // (`slack.md` A.7).
            ("include_all_metadata", "true".to_owned()),
            ("limit", HISTORY_PAGE_SIZE.to_owned()),
            ("oldest", since.to_string()),
            ("inclusive", "true".to_owned()),
        ];
        params.extend(ts);
        Self { client, method, params, cursor: None, is_over: false }
    }

    /// The next page, until there is none. Slack decides how many messages it has (`slack.md` C.1).
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<ShownMessage>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut params: Vec<_> =
            self.params.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
        params.push(("cursor", self.cursor.as_deref()));
        let page: ResultPage = self.client.call_with_params(self.method, &params).await?;
        let next = page.next_cursor();
        // A far end that repeats its cursor would keep a lane here for ever.
        if next.is_some() && next == self.cursor {
            let what = "the same page again".to_owned();
            return Err(Error::OutcomeUnknown { method: self.method, what });
        }
        self.is_over = next.is_none();
        self.cursor = next;
        Ok(Some(page.messages.into_iter().map(ShownMessage::new).collect()))
    }
}

/// Looks for a post of ours that was made since `since`: by its metadata, or by the block id
/// that repeats it, should Slack have dropped metadata that is not registered. One that missed its
/// thread is taken back, as nobody is to read it there.
///
/// # Errors
///
/// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
pub(crate) async fn find_or_take_back_post(
    slack: &SlackClient,
    channel: &str,
    thread: Option<&MessageTs>,
    delivery: &str,
    since: Timestamp,
) -> Result<Option<Posted>, Error> {
    let is_it = |message: &Value| has_delivery_id(message, delivery);
    if let Some(root) = thread {
        // A post may have missed its thread, so it is looked for beside it, too.
        return find_or_take_back_in_thread(slack, channel, root, since, is_it).await;
    }
    let found = find_message(slack, channel, None, since, is_it).await?;
    Ok(found.and_then(|message| to_posted(channel, &message)))
}

/// All posts of ours with a delivery id that were made since `since`, in a thread or in a channel outside
/// of threads.
pub(crate) async fn find_all_posts(
    slack: &SlackClient,
    (channel, thread): (&ChannelId, Option<&MessageTs>),
    delivery: &str,
    since: Timestamp,
) -> Result<Vec<MessageTs>, Error> {
    let since = MessageTs::from_time(since);
    let mut reading = match thread {
        Some(root) => read_thread(slack, channel.as_str(), root, &since),
        None => read_channel(slack, channel.as_str(), &since),
    };
    let mut found = Vec::new();
    loop {
        let messages = match reading.next_page().await {
            Ok(Some(messages)) => messages,
            Ok(None) => return Ok(found),
            // A thread that is gone holds nothing.
            Err(error) if error.is_message_gone() => return Ok(found),
            Err(error) => return Err(error),
        };
        let posts = messages.iter().map(ShownMessage::as_json);
        let posts = posts.filter(|message| has_delivery_id(message, delivery));
        found.extend(posts.filter_map(|post| MessageTs::parse(post.get("ts")?.as_str()?)));
    }
}

/// Looks for something of ours in a thread and, as Slack puts there what misses its thread, at
/// the root of the channel, from where it is taken back.
///
/// # Errors
///
/// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
pub(super) async fn find_or_take_back_in_thread(
    slack: &SlackClient,
    channel: &str,
    root: &MessageTs,
    since: Timestamp,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Option<Posted>, Error> {
    let found = match find_message(slack, channel, Some(root), since, &is_it).await {
        // A thread that is gone holds nothing; the post may stand at the root all the same.
        Err(error) if error.is_message_gone() => None,
        found => found?,
    };
    if let Some(found) = found {
        return Ok(to_posted(channel, &found));
    }
    // A reply that was broadcast stands in the channel too, but names its thread.
    let strayed = |message: &Value| message.get("thread_ts").is_none() && is_it(message);
    let Some(stray) = find_message(slack, channel, None, since, strayed).await? else {
        return Ok(None);
    };
    if let Some(posted) = to_posted(channel, &stray) {
        remove_post(slack, &posted, stray.get("username").is_some()).await?;
    }
    Err(Error::Orphaned { method: "conversations.history" })
}

/// Looks for something of ours in a channel, outside of threads.
pub(super) async fn find_in_channel(
    slack: &SlackClient,
    channel: &str,
    since: Timestamp,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Option<()>, Error> {
    Ok(find_message(slack, channel, None, since, is_it).await?.map(drop))
}

/// What was said in a thread since a time, oldest first (`conversations.replies`). Its root may
/// come with each page, whatever the time (`slack.md` additions §0).
pub(crate) fn read_thread<'a>(
    slack: &'a SlackClient,
    channel: &str,
    root: &MessageTs,
    since: &MessageTs,
) -> MessagePages<'a> {
    let ts = ("ts", root.to_string());
    MessagePages::new(slack, "conversations.replies", channel, since, Some(ts))
}

/// What was said in a channel since a time, outside of threads, newest first
/// (`conversations.history`).
pub(crate) fn read_channel<'a>(
    slack: &'a SlackClient,
    channel: &str,
    since: &MessageTs,
) -> MessagePages<'a> {
    MessagePages::new(slack, "conversations.history", channel, since, None)
}

/// Looks through what was said since `since` for a message that `is_it`.
async fn find_message(
    slack: &SlackClient,
    channel: &str,
    thread: Option<&MessageTs>,
    since: Timestamp,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Option<Value>, Error> {
    // The time is that of the event less five minutes, by which clocks may differ
    // (`handlers/calls.rs`).
    let since = MessageTs::from_time(since);
    let mut reading = match thread {
        Some(root) => read_thread(slack, channel, root, &since),
        None => read_channel(slack, channel, &since),
    };
    while let Some(messages) = reading.next_page().await? {
        if let Some(found) = messages.into_iter().find(|message| is_it(message.as_json())) {
            return Ok(Some(found.into_json()));
        }
    }
    Ok(None)
}

/// Reads one message of a thread as it is now (`conversations.replies`).
pub(crate) async fn fetch_message(
    slack: &SlackClient,
    channel: &ChannelId,
    root: &MessageTs,
    ts: &MessageTs,
) -> Result<Option<ShownMessage>, Error> {
    let page = fetch_page_with(slack, channel, root, ts).await?;
    // By time stamp and not by place: nothing says that the root always comes first, or always
    // comes (`slack.md`, additions §0).
    let found = page.messages.into_iter().find(|message| has_ts(message, ts));
    Ok(found.map(ShownMessage::new))
}

/// A message with the reactions on it (`reactions.get`), wherever it stands; nothing if it is gone.
pub(crate) async fn fetch_reactions(
    slack: &SlackClient,
    channel: &ChannelId,
    ts: &MessageTs,
) -> Result<Option<ShownMessage>, Error> {
    let params = [("channel", Some(channel.as_str())), ("timestamp", Some(ts.as_str()))];
    match slack.call_with_params::<ReactionsAnswer>("reactions.get", &params).await {
        Err(error) if error.is_message_gone() => Ok(None),
        answer => Ok(answer?.message.map(ShownMessage::new)),
    }
}

/// What Slack answers to `reactions.get`.
#[derive(Deserialize)]
struct ReactionsAnswer {
    message: Option<Value>,
}

/// The page of a thread that has one message: that one, and the root.
async fn fetch_page_with(
    slack: &SlackClient,
    channel: &ChannelId,
    root: &MessageTs,
    ts: &MessageTs,
) -> Result<ResultPage, Error> {
    let params = [
        ("channel", Some(channel.as_str())),
        ("ts", Some(root.as_str())),
        ("oldest", Some(ts.as_str())),
        ("latest", Some(ts.as_str())),
        ("inclusive", Some("true")),
        ("limit", Some("10")),
    ];
    slack.call_with_params("conversations.replies", &params).await
}

/// Makes sure that a post stands in its thread, of which its answer said nothing; takes it back
/// if it does not.
///
/// # Errors
///
/// [`Error::Orphaned`] once it is taken back. If it cannot be told for now where the post is,
/// the outcome is unknown: nothing that fails here undoes the post.
pub(super) async fn ensure_in_thread(
    slack: &SlackClient,
    method: &'static str,
    posted: &Posted,
    root: &MessageTs,
    is_named: bool,
) -> Result<(), Error> {
    let unsettled =
        |_failed| Error::OutcomeUnknown { method, what: "not seen in its thread".to_owned() };
    if is_in_thread(slack, posted, root).await.map_err(unsettled)? {
        return Ok(());
    }
    remove_post(slack, posted, is_named).await.map_err(unsettled)?;
    Err(Error::Orphaned { method })
}

/// Where Slack does not tell what a thread holds, its word for the post is taken: of a thread
/// that is there, it shows at least the root.
async fn is_in_thread(
    slack: &SlackClient,
    posted: &Posted,
    root: &MessageTs,
) -> Result<bool, Error> {
    let place = ChannelId::parse(&posted.channel).zip(MessageTs::parse(&posted.ts));
    let Some((channel, ts)) = place else { return Ok(false) };
    match fetch_page_with(slack, &channel, root, &ts).await {
        Err(error) if error.is_message_gone() => Ok(false),
        // To take back a post that is where it should be would lose words; to leave one that is not
        // costs a stray line. So doubt counts for the post
        // (`a_post_whose_answer_says_little_is_taken_to_be_where_it_should`).
        Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => Ok(true),
        Err(error) if error.code() == Some("missing_scope") => Ok(true),
        page => {
            let messages = page?.messages;
            Ok(messages.is_empty() || messages.iter().any(|message| has_ts(message, &ts)))
        }
    }
}

/// Takes a post back that went where it was not meant to. What goes by a customer's name cannot
/// be deleted (`slack.md` C.1), but emptied, and of what it could be found by, too.
pub(crate) async fn remove_post(
    slack: &SlackClient,
    posted: &Posted,
    is_named: bool,
) -> Result<(), Error> {
    let mut body = json!({"channel": posted.channel, "ts": posted.ts});
    let method = if is_named { "chat.update" } else { "chat.delete" };
    if is_named {
        set_field(&mut body, "text", EMPTIED_POST_TEXT.into());
        set_field(&mut body, "blocks", json!([]));
        // Left out, metadata stays (`slack.md` C.1), and the next lookup would find the emptied
        // post and take it for the one that is looked for.
        set_field(&mut body, "metadata", json!({}));
    }
    match slack.call_with_body::<EmptyAnswer>(method, &body).await {
        Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => {
            tracing::warn!(slack.channel = posted.channel, slack.ts = posted.ts, %error,
                "a post could not be taken back");
            Ok(())
        }
        result => result.map(drop),
    }
}

fn has_delivery_id(message: &Value, delivery: &str) -> bool {
    let id = message.pointer("/metadata/event_payload/delivery_id").and_then(Value::as_str);
    let blocks =
        message.get("blocks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let in_block = |block: &Value| block.get("block_id").and_then(Value::as_str) == Some(delivery);
    // Documents disagreed on whether Slack keeps metadata of apps that register none (`slack.md`
    // C.2), so a block repeats the id (`a_post_is_found_again_where_slack_forgets_metadata`).
    id == Some(delivery) || blocks.iter().any(in_block)
}

fn to_posted(channel: &str, message: &Value) -> Option<Posted> {
    let ts = message.get("ts")?.as_str()?;
    Some(Posted { channel: channel.to_owned(), ts: ts.to_owned() })
}

fn has_ts(message: &Value, ts: &MessageTs) -> bool {
    message.get("ts").and_then(Value::as_str) == Some(ts.as_str())
}
