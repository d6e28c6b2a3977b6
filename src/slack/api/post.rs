//! What people are shown: posts, reactions, dialogs, home tabs.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::blocks::{SlackBlock, SlackBlockPlainText, SlackContextBlock, SlackView};
use url::Url;

use super::address::is_slack_or_loopback;
use super::client::{EmptyAnswer, SlackClient, set_field};
use super::error::Error;
use super::find::ensure_in_thread;
use super::message::{Post, Posted};
use crate::model::{ChannelId, MessageTs, SlackUserId};
use crate::slack::text::mrkdwn::escape_mrkdwn;

/// The name of our message metadata.
const METADATA_EVENT_TYPE: &str = "blip_slack_delivery";

#[derive(Deserialize)]
struct PostAnswer {
    channel: Option<String>,
    ts: String,
    message: Option<ThreadedMessage>,
}

#[derive(Deserialize)]
struct ThreadedMessage {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct OpenViewAnswer {
    view: OpenedView,
}

#[derive(Deserialize)]
struct OpenedView {
    id: String,
}

impl SlackClient {
    /// Posts a message (`chat.postMessage`).
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if the thread is gone: Slack then posts at the root of the channel
    /// without a word, and we have taken that post back.
    pub(crate) async fn post_message(&self, post: &Post) -> Result<Posted, Error> {
        let author = post.author.as_deref().filter(|_| !self.plain_author.load(Ordering::Relaxed));
        let sent = self.call_with_body("chat.postMessage", &build_post_body(post, author)).await;
        let answer: PostAnswer = match sent {
            // `chat:write.customize` is optional for the bridge. The refusal came before anything
            // was posted, so the post is made again at once, without a lookup.
            Err(error) if author.is_some() && error.code() == Some("missing_scope") => {
                self.plain_author.store(true, Ordering::Relaxed);
                self.call_with_body(
                    "chat.postMessage",
                    &build_post_body(&add_author_label(post), None),
                )
                .await?
            }
            // A card that Slack does not take, because its rules changed or a text broke one, must
            // not keep the customer's words from the thread: `text` says all that matters.
            Err(error) if error.is_invalid_blocks() => {
                tracing::error!(%error, "slack refused the blocks of a post; it goes as plain text");
                let plain = Post { blocks: Vec::new(), ..post.clone() };
                self.call_with_body("chat.postMessage", &build_post_body(&plain, author)).await?
            }
            sent => sent?,
        };
        let channel = answer.channel.unwrap_or_else(|| post.channel.clone());
        let channel = match ChannelId::parse(&channel) {
            // The answer names the channel as it is called now; what is stored has the first id.
            Some(id) => self.renames().first_id(&id).to_string(),
            None => channel,
        };
        let posted = Posted { channel, ts: answer.ts };
        let (Some(root), Some(message)) = (&post.thread, answer.message) else { return Ok(posted) };
        // The only sign that the thread is gone: there is no error for it (`slack.md` C.5).
        if message.thread_ts.as_deref() != Some(root.as_str()) {
            ensure_in_thread(self, "chat.postMessage", &posted, root, author.is_some()).await?;
        }
        Ok(posted)
    }

    /// Whether posts carry the customer's name as their author.
    pub(crate) fn has_author_names(&self) -> bool {
        !self.plain_author.load(Ordering::Relaxed)
    }

    /// Replaces a message of ours (`chat.update`).
    pub(crate) async fn update_message(
        &self,
        channel: &ChannelId,
        ts: &MessageTs,
        text: &str,
        blocks: &[SlackBlock],
    ) -> Result<(), Error> {
        let body =
            // Blocks go along each time, as `text` alone would remove them; metadata is left out,
            // which keeps it (`slack.md` C.1).
            json!({"channel": channel.as_str(), "ts": ts.as_str(), "text": text, "blocks": blocks});
        self.call_with_body::<EmptyAnswer>("chat.update", &body).await.map(drop)
    }

    /// Shows something to one person only (`chat.postEphemeral`). Not guaranteed to be seen.
    pub(crate) async fn post_ephemeral(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageTs>,
        user: &SlackUserId,
        text: &str,
        blocks: &[SlackBlock],
    ) -> Result<(), Error> {
        let mut body = json!({"channel": channel.as_str(), "user": user.as_str(), "text": text});
        if let Some(thread) = thread {
            set_field(&mut body, "thread_ts", thread.as_str().into());
        }
        if !blocks.is_empty() {
            set_field(&mut body, "blocks", json!(blocks));
        }
        self.call_with_body::<EmptyAnswer>("chat.postEphemeral", &body).await.map(drop)
    }

    /// Puts a reaction of ours on a message (`reactions.add`) or takes it off
    /// (`reactions.remove`); that it is so already is success.
    pub(crate) async fn set_reaction(
        &self,
        (channel, ts): (&ChannelId, &MessageTs),
        name: &str,
        on: bool,
    ) -> Result<(), Error> {
        let (method, already) = if on {
            ("reactions.add", "already_reacted")
        } else {
            ("reactions.remove", "no_reaction")
        };
        let body = json!({"channel": channel.as_str(), "timestamp": ts.as_str(), "name": name});
        match self.call_with_body::<EmptyAnswer>(method, &body).await {
            // A try whose answer was lost may have set it, and people see the same either way.
            Err(error) if error.code() == Some(already) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Replaces the message whose button was pressed, or says something below it to the one who
    /// pressed it, by the address that came with the click.
    ///
    /// # Errors
    ///
    /// Also if the address is not one of Slack's: then nothing is sent.
    #[tracing::instrument(
        level = "error",
        name = "slack",
        skip_all,
        fields(method = "response_url")
    )]
    pub(crate) async fn respond_to_action(
        &self,
        response_url: &str,
        replace: bool,
        text: &str,
        blocks: &[SlackBlock],
    ) -> Result<(), Error> {
        const RESPOND_METHOD: &str = "response_url";
        let url = Url::parse(response_url).ok().filter(is_slack_or_loopback).ok_or_else(|| {
            Error::Api { method: RESPOND_METHOD, code: "not_an_address_of_slack".to_owned() }
        })?;
        let mut body = json!({"replace_original": replace, "text": text});
        if !blocks.is_empty() {
            set_field(&mut body, "blocks", json!(blocks));
        }
        let body = self.mask.mask_body(&body);
        let sent = self.http.post(url).json(&body).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok(()),
            // Neither the error nor the status goes on: the address is a secret that lets anybody
            // post, and the library's error repeats it.
            Err(_) => {
                Err(Error::OutcomeUnknown { method: RESPOND_METHOD, what: "not taken".to_owned() })
            }
        }
    }

    /// Opens a dialog by a trigger (`views.open`) and returns its id.
    pub(crate) async fn open_view(&self, trigger: &str, view: &SlackView) -> Result<String, Error> {
        // A trigger works once and for three seconds, so an opening is never tried again.
        let body = json!({"trigger_id": trigger, "view": view});
        let opened: OpenViewAnswer = self.call_with_body("views.open", &body).await?;
        Ok(opened.view.id)
    }

    /// Shows something else in an open dialog (`views.update`).
    pub(crate) async fn update_view(&self, id: &str, view: &SlackView) -> Result<(), Error> {
        let body = json!({"view_id": id, "view": view});
        self.call_with_body::<EmptyAnswer>("views.update", &body).await.map(drop)
    }

    /// Shows somebody their home tab (`views.publish`).
    pub(crate) async fn publish_home(
        &self,
        user: &SlackUserId,
        view: &SlackView,
    ) -> Result<(), Error> {
        let body = json!({"user_id": user.as_str(), "view": view});
        self.call_with_body::<EmptyAnswer>("views.publish", &body).await.map(drop)
    }
}

/// A post that says itself whose words it shows.
fn add_author_label(post: &Post) -> Post {
    let Some(author) = &post.author else { return post.clone() };
    let label = SlackBlockPlainText::new(author.clone()).with_emoji(false);
    let label = SlackBlock::from(SlackContextBlock::new(vec![label.into()]));
    let blocks = std::iter::once(label).chain(post.blocks.iter().cloned()).collect();
    Post { text: format!("{}: {}", escape_mrkdwn(author), post.text), blocks, ..post.clone() }
}

fn build_post_body(post: &Post, author: Option<&str>) -> Value {
    let mut body = json!({
        "channel": post.channel,
        "text": post.text,
        // A customer could otherwise make Slack fetch any address, and fill the thread with its
        // preview (`slack.md` C.4).
        "unfurl_links": false,
        "unfurl_media": false,
        "metadata": {"event_type": METADATA_EVENT_TYPE, "event_payload": {"delivery_id": post.delivery}},
    });
    let mut blocks: Vec<Value> = post.blocks.iter().map(|block| json!(block)).collect();
    if let Some(first) = blocks.first_mut() {
        // The id again, should Slack forget the metadata: block ids are part of what it shows.
        set_field(first, "block_id", post.delivery.as_str().into());
        set_field(&mut body, "blocks", blocks.into());
    }
    if let Some(thread) = &post.thread {
        set_field(&mut body, "thread_ts", thread.as_str().into());
        if post.broadcast {
            set_field(&mut body, "reply_broadcast", true.into());
        }
    }
    if let Some(author) = author {
        set_field(&mut body, "username", author.into());
    }
    body
}
