//! Files: uploaded in three steps, looked up, and where their bytes may be asked for.
//!
//! Only the last step of an upload shows; it can be made once and does not say which message it
//! became (`slack.md` C.3), so that is asked for. Slack answers a download that it does not allow
//! with a sign-in page and a success, so what is known of a file is compared with what comes.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::blocks::SlackBlock;
use url::Url;

use super::address::is_slack_or_loopback;
use super::client::SlackClient;
use super::error::{COMPLETE_UPLOAD_METHOD, Error};
use super::find::{ensure_in_thread, fetch_message, find_in_channel, find_or_take_back_in_thread};
use super::message::Posted;
use crate::model::{Attachment, ChannelId, Thread};
use crate::slack::events::attachment::parse_attachment;

/// Bytes on their way to Slack.
#[derive(Debug)]
pub struct Upload {
    /// The name, whose ending tells Slack what it is.
    pub name: String,
    /// The MIME type, as far as it is known.
    pub mime: Option<String>,
    /// How many bytes there are; not 0.
    pub length: u64,
    /// The content, as it arrives.
    pub body: reqwest::Body,
    /// How long they may take.
    pub within: Duration,
}

#[derive(Deserialize)]
struct UploadTarget {
    upload_url: String,
    file_id: String,
}

/// Uploads bytes, without showing them to anybody yet; answers with the file's id.
///
/// # Errors
///
/// Nothing that anybody can see has happened then, whatever the error.
#[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = "upload"))]
pub async fn upload_file(slack: &SlackClient, upload: Upload) -> Result<String, Error> {
    const UPLOAD_URL_METHOD: &str = "files.getUploadURLExternal";
    const UPLOAD_METHOD: &str = "upload";
    let length = upload.length.to_string();
    let params = [("filename", Some(upload.name.as_str())), ("length", Some(&length))];
    let place: UploadTarget =
        slack.call_with_params(UPLOAD_URL_METHOD, &params).await.map_err(Error::into_file_error)?;
    let unclear =
        |what: &str| Error::OutcomeUnknown { method: UPLOAD_METHOD, what: what.to_owned() };
    // What a person wrote goes only where Slack is; a proxy that rewrites answers could name any
    // host.
    let url = Url::parse(&place.upload_url).ok().filter(is_slack_or_loopback);
    let url = url.ok_or_else(|| unclear("not an address of slack"))?;
    // Without our token: the address itself is the permission (`slack.md` C.3; the library would
    // send it along). The length is the one for which the address was asked for.
    let mut request = slack.http.post(url).timeout(upload.within).header(CONTENT_LENGTH, length);
    if let Some(mime) = upload.mime {
        request = request.header(CONTENT_TYPE, mime);
    }
    let sent = request.body(upload.body).send().await;
    let response = sent.map_err(|error| {
        let unreachable = Error::Unreachable { method: UPLOAD_METHOD };
        if error.is_connect() { unreachable } else { unclear("connection lost") }
    })?;
    let media_type = response.headers().get(CONTENT_TYPE);
    let is_page = media_type.is_some_and(|found| found.as_bytes().starts_with(b"text/html"));
    match response.status().as_u16() {
        // A proxy answered, not Slack.
        200..=299 if is_page => Err(unclear("a web page")),
        200..=299 => Ok(place.file_id),
        status => Err(unclear(&format!("HTTP {status}"))),
    }
}

/// Shows an uploaded file in a thread; answers with the message that it became, with an empty
/// time stamp if Slack does not say yet.
///
/// # Errors
///
/// [`Error::Orphaned`] if the thread is gone; the message beside it has been taken back.
pub(crate) async fn share_file(
    slack: &SlackClient,
    thread: &Thread,
    file: &str,
    title: &str,
    comment: &SlackBlock,
) -> Result<Posted, Error> {
    let (channel, root) = (thread.channel.as_str(), thread.root.as_str());
    // Blocks and not `initial_comment`: there is no escape for marks in the latter
    // (`slack.md` D.1), and a customer's words take no effect.
    let body = json!({
        "files": [{"id": file, "title": title}],
        "channel_id": channel, "thread_ts": root, "blocks": [comment],
    });
    slack
        .call_with_body::<Value>(COMPLETE_UPLOAD_METHOD, &body)
        .await
        .map_err(Error::into_file_error)?;
    // An upload is complete before its message exists (`slack.md`, additions §4). What follows
    // waits for it by `fetch_file_message`; the completing call itself can be made only once.
    let unknown = Posted { channel: channel.to_owned(), ts: String::new() };
    match fetch_file_message(slack, thread, file).await {
        Ok(shown) => Ok(shown.unwrap_or(unknown)),
        Err(error @ Error::Orphaned { .. }) => Err(error),
        Err(error) => {
            tracing::info!(slack.file = file, %error, "a file's message is not known yet");
            Ok(unknown)
        }
    }
}

/// The message in which a file is shown in a thread, once Slack says that there is one: an
/// upload is complete before that (`slack.md` additions §4).
///
/// # Errors
///
/// [`Error::Orphaned`] if the thread is gone; the message beside it has been taken back.
pub(crate) async fn fetch_file_message(
    slack: &SlackClient,
    thread: &Thread,
    file: &str,
) -> Result<Option<Posted>, Error> {
    let info = fetch_file_info(slack, file).await?;
    let channel = slack.renames().current_id(thread.channel.as_str());
    let channel = channel.as_ref().unwrap_or(&thread.channel);
    let Some((ts, thread_ts)) = find_share(&info, channel.as_str()) else { return Ok(None) };
    let posted = Posted { channel: thread.channel.to_string(), ts };
    // A reply to a deleted root may be shown at the root of the channel without any error.
    if thread_ts.as_deref() != Some(thread.root.as_str()) {
        ensure_in_thread(slack, COMPLETE_UPLOAD_METHOD, &posted, &thread.root, false).await?;
    }
    Ok(Some(posted))
}

/// Whether a thread is gone: its root is deleted, and it has no replies that Slack would go on showing.
pub(crate) async fn is_thread_gone(slack: &SlackClient, thread: &Thread) -> Result<bool, Error> {
    match fetch_message(slack, &thread.channel, &thread.root, &thread.root).await {
        Err(error) if error.is_message_gone() => Ok(true),
        root => root.map(|_| false),
    }
}

/// What a file has become whose thread is gone.
pub(crate) fn orphaned_file() -> Error {
    Error::Orphaned { method: COMPLETE_UPLOAD_METHOD }
}

/// Looks for the message in which a file of ours is shown in a thread. One that missed its thread is
/// taken back.
///
/// # Errors
///
/// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
pub(crate) async fn find_or_take_back_file(
    slack: &SlackClient,
    thread: &Thread,
    file: &str,
    since: Timestamp,
) -> Result<Option<Posted>, Error> {
    let shows = |message: &Value| shows_file(message, file);
    find_or_take_back_in_thread(slack, thread.channel.as_str(), &thread.root, since, shows).await
}

/// Shows uploaded files in a channel, outside of any thread, below these blocks.
pub(crate) async fn share_in_channel(
    slack: &SlackClient,
    channel: &ChannelId,
    files: &[(&str, &str)],
    blocks: &[SlackBlock],
) -> Result<(), Error> {
    let files: Vec<Value> =
        files.iter().map(|(id, title)| json!({"id": id, "title": title})).collect();
    let body = json!({"files": files, "channel_id": channel.as_str(), "blocks": blocks});
    let shown = slack.call_with_body::<Value>(COMPLETE_UPLOAD_METHOD, &body).await;
    shown.map(drop).map_err(Error::into_file_error)
}

/// Whether a file of ours is shown in a channel since then, outside of any thread.
pub(crate) async fn has_file_in_channel(
    slack: &SlackClient,
    channel: &ChannelId,
    file: &str,
    since: Timestamp,
) -> Result<Option<()>, Error> {
    find_in_channel(slack, channel.as_str(), since, |message| shows_file(message, file)).await
}

fn shows_file(message: &Value, file: &str) -> bool {
    let files = message.get("files").and_then(Value::as_array);
    files.into_iter().flatten().any(|shown| shown.get("id").and_then(Value::as_str) == Some(file))
}

/// What Slack knows of a file that a person shared (`files.info`).
pub(crate) async fn fetch_attachment(slack: &SlackClient, id: &str) -> Result<Attachment, Error> {
    let info = fetch_file_info(slack, id).await.map_err(Error::into_file_error)?;
    Ok(parse_attachment(&info))
}

async fn fetch_file_info(slack: &SlackClient, id: &str) -> Result<Value, Error> {
    let mut answer: Value = slack.call_with_params("files.info", &[("file", Some(id))]).await?;
    Ok(answer.get_mut("file").map(Value::take).unwrap_or_default())
}

/// The message in a channel that shows a file, and its thread.
fn find_share(info: &Value, channel: &str) -> Option<(String, Option<String>)> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    // By what kind of channel it is shown in (`slack.md`, additions §4), which is not known here.
    ["public", "private"].iter().find_map(|kind| {
        let share = info.get("shares")?.get(kind)?.get(channel)?.get(0)?;
        Some((text(share, "ts")?, text(share, "thread_ts")))
    })
}
