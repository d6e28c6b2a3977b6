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
use url::Url;

use super::client::{Posted, SlackClient};
use super::error::Error;
use crate::model::{Attachment, MessageTs, Thread};

/// The last step of an upload, and the only one that shows.
const COMPLETE_UPLOAD_METHOD: &str = "files.completeUploadExternal";
/// How long the bytes of an upload may take; well under half of an inbox lease.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(110);
/// Bytes on their way to Slack.
#[derive(Debug)]
pub struct Upload {
    /// The name, whose ending tells Slack what it is.
    pub name: String,
    /// The MIME type.
    pub mime: Option<String>,
    /// How many bytes there are; not 0.
    pub length: u64,
    /// The bytes.
    pub body: reqwest::Body,
}

#[derive(Deserialize)]
struct UploadTarget {
    upload_url: String,
    file_id: String,
}

impl SlackClient {
    /// Uploads bytes, without showing them to anybody yet; answers with the file's id.
    ///
    /// # Errors
    ///
    /// Nothing that anybody can see has happened then, whatever the error.
    #[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = "upload"))]
    pub async fn upload_file(&self, upload: Upload) -> Result<String, Error> {
        const UPLOAD_URL_METHOD: &str = "files.getUploadURLExternal";
        const UPLOAD_METHOD: &str = "upload";
        let length = upload.length.to_string();
        let params = [("filename", Some(upload.name.as_str())), ("length", Some(&length))];
        let place: UploadTarget = self
            .call_with_params(UPLOAD_URL_METHOD, &params)
            .await
            .map_err(Error::into_file_error)?;
        let unclear =
            |what: &str| Error::OutcomeUnknown { method: UPLOAD_METHOD, what: what.to_owned() };
        let url = Url::parse(&place.upload_url).ok().filter(is_slack_or_loopback);
        let url = url.ok_or_else(|| unclear("not an address of slack"))?;
        let mut request =
            self.http.post(url).timeout(UPLOAD_TIMEOUT).header(CONTENT_LENGTH, length);
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
        &self,
        thread: &Thread,
        file: &str,
        title: &str,
        comment: &Value,
    ) -> Result<Posted, Error> {
        let (channel, root) = (thread.channel.as_str(), thread.root.as_str());
        // Blocks and not `initial_comment`: there is no escape for marks in the latter
        // (`slack.md` D.1), and a customer's words take no effect.
        let body = json!({
            "files": [{"id": file, "title": title}],
            "channel_id": channel, "thread_ts": root, "blocks": [comment],
        });
        self.call_with_body::<Value>(COMPLETE_UPLOAD_METHOD, &body)
            .await
            .map_err(Error::into_file_error)?;
        let unknown = Posted { channel: channel.to_owned(), ts: String::new() };
        match self.fetch_file_message(thread, file).await {
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
        &self,
        thread: &Thread,
        file: &str,
    ) -> Result<Option<Posted>, Error> {
        let info = self.fetch_file_info(file).await?;
        let channel = self.renames().current_id(thread.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&thread.channel);
        let Some((ts, thread_ts)) = find_share(&info, channel.as_str()) else { return Ok(None) };
        let posted = Posted { channel: thread.channel.to_string(), ts };
        if thread_ts.as_deref() != Some(thread.root.as_str()) {
            self.ensure_in_thread(COMPLETE_UPLOAD_METHOD, &posted, &thread.root, false).await?;
        }
        Ok(Some(posted))
    }

    /// Looks for the message in which a file of ours is shown in a thread.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
    pub(crate) async fn find_file_message(
        &self,
        thread: &Thread,
        file: &str,
        since: Timestamp,
    ) -> Result<Option<Posted>, Error> {
        let shows = |message: &Value| {
            let files = message.get("files").and_then(Value::as_array);
            files.into_iter().flatten().any(|f| f.get("id").and_then(Value::as_str) == Some(file))
        };
        self.find_in_thread(thread.channel.as_str(), &thread.root, since, shows).await
    }

    /// What Slack knows of a file that a person shared (`files.info`).
    pub(crate) async fn fetch_attachment(&self, id: &str) -> Result<Attachment, Error> {
        let info = self.fetch_file_info(id).await.map_err(Error::into_file_error)?;
        Ok(crate::slack::events::parse::parse_attachment(&info))
    }

    async fn fetch_file_info(&self, id: &str) -> Result<Value, Error> {
        let mut answer: Value = self.call_with_params("files.info", &[("file", Some(id))]).await?;
        Ok(answer.get_mut("file").map(Value::take).unwrap_or_default())
    }
}

impl Error {
    /// The right to files may be missing where the app was installed long ago. That concerns the
    /// file in question and nothing else.
    fn into_file_error(self) -> Self {
        match self {
            Self::Api { method, code } if code == "missing_scope" => {
                Self::Api { method, code: "no_scope_for_files".to_owned() }
            }
            error => error,
        }
    }

    /// What Slack says of an upload that it has taken already.
    pub(crate) fn file_used_up() -> Self {
        Self::Api { method: COMPLETE_UPLOAD_METHOD, code: "file_not_found".to_owned() }
    }

    /// Whether a file that was uploaded is not there any more, or has been shown already.
    pub(crate) fn is_file_gone(&self) -> bool {
        self.code().is_some_and(|code| matches!(code, "file_not_found" | "file_deleted"))
    }
}

/// The message in a channel that shows a file, and its thread.
fn find_share(info: &Value, channel: &str) -> Option<(String, Option<String>)> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    ["public", "private"].iter().find_map(|kind| {
        let share = info.get("shares")?.get(kind)?.get(channel)?.get(0)?;
        Some((text(share, "ts")?, text(share, "thread_ts")))
    })
}

/// Whether an address is one that our token, or what a person wrote, may be sent to.
pub(crate) fn is_slack_or_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => host == "slack.com" || host.ends_with(".slack.com"),
        "http" => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    }
}

/// Where a message of a thread was, for those who link it.
impl Posted {
    /// The message's time stamp, if it is known.
    pub(crate) fn message_ts(&self) -> Option<MessageTs> {
        MessageTs::parse(&self.ts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_with_its_host() {
        for (address, goes) in [
            ("https://files.slack.com/files-pri/T1-F1/a.png", true),
            ("https://slack.com/api", true),
            ("http://127.0.0.1:80/files-pri/F1/a.png", true),
            ("http://files.slack.com/a.png", false),
            ("https://slack.com.evil.example/a", false),
            ("https://evilslack.com/a", false),
            ("https://slack.com@evil.example/a", false),
            ("https://cdn.example/a", false),
        ] {
            assert_eq!(is_slack_or_loopback(&Url::parse(address).unwrap()), goes, "{address}");
        }
    }
}
