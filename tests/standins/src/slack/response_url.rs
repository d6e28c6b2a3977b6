//! Answers to a deed through its `response_url`: half an hour, five times (slack.md §C.4).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::blocks::{self, Surface};
use super::state::{Ephemeral, Message, ResponseUrl, State};

const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const USES: u32 = 5;
const KNOWN: &[&str] = &[
    "text",
    "blocks",
    "attachments",
    "replace_original",
    "delete_original",
    "response_type",
    "thread_ts",
    "metadata",
    "unfurl_links",
    "unfurl_media",
];

impl State {
    /// Lets our app answer a deed; `message` is what the deed was done on.
    pub(super) fn new_response_url(
        &mut self,
        user: &str,
        channel: &str,
        on: Option<(&str, Option<&str>)>,
    ) -> String {
        let key = self.next_id("R");
        let url = format!("{}/response/{key}", self.url);
        let made = ResponseUrl {
            user: user.to_owned(),
            channel: channel.to_owned(),
            message: on.map(|(ts, _)| ts.to_owned()),
            thread_ts: on.and_then(|(_, thread)| thread.map(str::to_owned)),
            made: self.now,
            uses: 0,
        };
        self.response_urls.insert(key, made);
        url
    }
}

/// Does what an answer asks for.
pub(super) fn answer(state: &mut State, key: &str, args: &Args) -> Answer {
    let result = use_up(state, key).and_then(|url| act(state, &url, args));
    if let Err(Refusal { code, mistake: Some(why), .. }) = &result {
        state.violations.push(format!("response_url: {code}: {why}"));
    }
    result
}

fn use_up(state: &mut State, key: &str) -> Result<ResponseUrl, Refusal> {
    let now = state.now;
    let url = state.response_urls.get_mut(key);
    let url = url.ok_or_else(|| Refusal::mistake("invalid_url", "no such response_url"))?;
    if now.duration_since(url.made) > LIFETIME {
        return Err(Refusal::world("expired_url"));
    }
    url.uses += 1;
    if url.uses > USES {
        return Err(Refusal::mistake("used_url", "more than five answers"));
    }
    Ok(url.clone())
}

fn act(state: &mut State, url: &ResponseUrl, args: &Args) -> Answer {
    if let Some(unknown) = args.names().find(|name| !KNOWN.contains(name)) {
        state.violations.push(format!("response_url: unknown argument {unknown}"));
    }
    if args.flag("delete_original")? {
        let ts = original(url)?;
        let before = state.ephemerals.len();
        state.ephemerals.retain(|ephemeral| ephemeral.ts != ts);
        if state.ephemerals.len() == before {
            state.remove(&url.channel, ts);
        }
        return Ok(Value::Null);
    }
    let text = args.text("text")?.unwrap_or_default().to_owned();
    let blocks = args.list("blocks")?.unwrap_or_default();
    if text.is_empty() && blocks.is_empty() {
        return Err(Refusal::mistake("no_text", "neither text nor blocks"));
    }
    blocks::check(&blocks, Surface::Message)
        .map_err(|why| Refusal::mistake("invalid_blocks", why))?;
    if args.flag("replace_original")? {
        return replace(state, url, text, blocks);
    }
    post(state, url, args.text("response_type")? == Some("in_channel"), text, blocks);
    Ok(Value::Null)
}

fn original(url: &ResponseUrl) -> Result<&str, Refusal> {
    let why = "the deed was not done on a message";
    url.message.as_deref().ok_or_else(|| Refusal::mistake("invalid_arguments", why))
}

fn replace(state: &mut State, url: &ResponseUrl, text: String, blocks: Vec<Value>) -> Answer {
    let ts = original(url)?;
    if let Some(ephemeral) = state.ephemerals.iter_mut().find(|ephemeral| ephemeral.ts == ts) {
        ephemeral.text = text;
        ephemeral.blocks = blocks;
        return Ok(Value::Null);
    }
    let place = state.channels.get(&url.channel);
    let old = place.and_then(|place| place.messages.get(ts)).filter(|old| !old.is_tombstone());
    let Some(old) = old.cloned() else { return Err(Refusal::world("message_not_found")) };
    let earlier = old.earlier.iter().cloned().chain([old.words()]).collect();
    let new = Message { text, blocks, earlier, ..old.clone() };
    Ok(json!({ "message": state.replace(&url.channel, &old, new) }))
}

fn post(state: &mut State, url: &ResponseUrl, everybody: bool, text: String, blocks: Vec<Value>) {
    let ts = state.next_ts();
    let (channel, thread_ts) = (url.channel.clone(), url.thread_ts.clone());
    if everybody {
        let user = Some(state.setup.bot_user.clone());
        let message =
            Message { ts, thread_ts, user, ours: true, text, blocks, ..Message::default() };
        state.append(&channel, message);
    } else {
        let user = url.user.clone();
        state.ephemerals.push(Ephemeral { ts, user, channel, thread_ts, text, blocks });
    }
}
