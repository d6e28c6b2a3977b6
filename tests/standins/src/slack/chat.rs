//! `chat.*`: what our app writes (slack.md §C.1, §C.2).

use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::blocks;
use super::limits::Rate;
use super::state::{Channel, Ephemeral, Message, State};

/// Longest text of a new message, in characters; more is cut off without a word.
const MAX_TEXT: usize = 40_000;
/// Longest text of a changed message, in characters; more is refused.
const MAX_UPDATE: usize = 4_000;

/// What a message is to say.
struct Words {
    text: String,
    blocks: Vec<Value>,
    attachments: Vec<Value>,
}

pub(super) fn post_message(state: &mut State, args: &Args) -> Answer {
    let channel = state.writable(state.named(args.required("channel")?))?;
    let words = words(args)?;
    let username = custom_name(state, args)?;
    let metadata = metadata(args)?;
    let thread_ts = state.thread_for(&channel, args)?;
    pace(state, &channel)?;
    let ours = state.setup.bot_user.clone();
    let message = Message {
        ts: state.next_ts(),
        broadcast: thread_ts.is_some() && args.flag("reply_broadcast")?,
        thread_ts,
        user: username.is_none().then_some(ours),
        subtype: username.is_some().then(|| "bot_message".to_owned()),
        username,
        ours: true,
        text: words.text.chars().take(MAX_TEXT).collect(),
        blocks: words.blocks,
        attachments: words.attachments,
        metadata: metadata.filter(|_| !state.setup.drops_metadata),
        ..Message::default()
    };
    let ts = message.ts.clone();
    let rendered = state.append(&channel, message);
    let mut answer = json!({ "channel": channel, "ts": ts, "message": rendered });
    for part in ["", "/message"] {
        if let Some(Value::Object(fields)) = answer.pointer_mut(part) {
            fields.retain(|name, _| !state.setup.post_lacks.contains(&name.as_str()));
        }
    }
    Ok(answer)
}

pub(super) fn update(state: &mut State, args: &Args) -> Answer {
    let channel = state.writable(args.required("channel")?)?;
    let ts = args.required("ts")?.to_owned();
    let text = args.text("text")?.unwrap_or_default();
    if text.chars().count() > MAX_UPDATE {
        return Err(Refusal::mistake("msg_too_long", "chat.update takes 4,000 characters"));
    }
    let words = words(args)?;
    let metadata = metadata(args)?;
    let bot_user = state.setup.bot_user.clone();
    let drops = state.setup.drops_metadata;
    let now = state.next_ts();
    let old = state.ours(&channel, &ts)?.clone();
    if state.setup.edit_window.is_some_and(|window| age(&old.ts, &now) > window) {
        return Err(Refusal::world("edit_window_closed"));
    }
    let message = Message {
        // slack.md §C.1: a change of blocks alone leaves no mark.
        edited: if words.blocks.is_empty() && words.text != old.text {
            Some((bot_user, now))
        } else {
            old.edited.clone()
        },
        earlier: old.earlier.iter().cloned().chain([old.words()]).collect(),
        text: words.text,
        blocks: words.blocks,
        attachments: words.attachments,
        metadata: match metadata {
            Some(note) => Some(note).filter(|note| !drops && *note != json!({})),
            None => old.metadata.clone(),
        },
        ..old.clone()
    };
    let text = message.text.clone();
    let rendered = state.replace(&channel, &old, message);
    Ok(json!({ "channel": channel, "ts": ts, "text": text, "message": rendered }))
}

/// The time from one time stamp to another.
fn age(ts: &str, now: &str) -> Duration {
    let seconds = |ts: &str| ts.parse::<f64>().unwrap_or_default();
    Duration::from_secs_f64((seconds(now) - seconds(ts)).max(0.0))
}

pub(super) fn delete(state: &mut State, args: &Args) -> Answer {
    let channel = state.writable(args.required("channel")?)?;
    let ts = args.required("ts")?;
    if state.ours(&channel, ts)?.username.is_some() {
        return Err(Refusal::mistake("cant_delete_message", "posted under another name"));
    }
    state.remove(&channel, ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub(super) fn post_ephemeral(state: &mut State, args: &Args) -> Answer {
    let channel = state.writable(args.required("channel")?)?;
    let user = args.required("user")?;
    if !state.users.contains_key(user) {
        return Err(Refusal::world("user_not_found"));
    }
    let mut words = words(args)?;
    custom_name(state, args)?;
    if !state.channels.get(&channel).is_some_and(|channel| channel.members.contains(user)) {
        return Err(Refusal::world("user_not_in_channel"));
    }
    let thread_ts = state.thread_for(&channel, args)?;
    state.name_blocks(&mut words.blocks);
    let ephemeral = Ephemeral {
        ts: state.next_ts(),
        user: user.to_owned(),
        channel,
        thread_ts,
        text: words.text,
        blocks: words.blocks,
    };
    let ts = ephemeral.ts.clone();
    // In a thread without replies nobody sees it (slack.md §C.1).
    if state.is_shown(&ephemeral) {
        state.ephemerals.push(ephemeral);
    }
    Ok(json!({ "message_ts": ts }))
}

pub(super) fn get_permalink(state: &mut State, args: &Args) -> Answer {
    let channel = state.visible(args.required("channel")?)?;
    let ts = args.required("message_ts")?;
    let message = channel.messages.get(ts).ok_or_else(|| Refusal::world("message_not_found"))?;
    let thread = message.thread_ts.as_ref();
    let thread = thread.map(|root| format!("?thread_ts={root}&cid={}", channel.id));
    let (place, name) = (&channel.id, ts.replace('.', ""));
    let thread = thread.unwrap_or_default();
    let link = format!("{}/archives/{place}/p{name}{thread}", state.url);
    Ok(json!({ "channel": channel.id, "permalink": link }))
}

impl State {
    fn is_shown(&self, ephemeral: &Ephemeral) -> bool {
        let Some(root) = &ephemeral.thread_ts else { return true };
        let place = self.channels.get(&ephemeral.channel);
        let mut messages = place.into_iter().flat_map(|place| place.messages.values());
        messages.any(|message| message.thread_ts.as_ref() == Some(root))
    }

    /// A channel that our app may see.
    pub(super) fn visible(&self, id: &str) -> Result<&Channel, Refusal> {
        let member = |channel: &&Channel| channel.members.contains(&self.setup.bot_user);
        let found = self.channels.get(id).filter(|channel| !channel.private || member(channel));
        found.ok_or_else(|| Refusal::world("channel_not_found"))
    }

    /// The id of a channel; for new posts, public ones go by `#name` too.
    fn named<'a>(&'a self, wanted: &'a str) -> &'a str {
        let Some(name) = wanted.strip_prefix('#') else { return wanted };
        let mut channels = self.channels.values();
        let found = channels.find(|channel| channel.name == name && !channel.private);
        found.map_or(wanted, |channel| &channel.id)
    }

    /// The id of a channel that our app may write to.
    fn writable(&self, id: &str) -> Result<String, Refusal> {
        let channel = self.visible(id)?;
        if channel.archived {
            return Err(Refusal::world("is_archived"));
        }
        let public = !channel.private && self.setup.scopes.contains("chat:write.public");
        if !channel.members.contains(&self.setup.bot_user) && !public {
            return Err(Refusal::world("not_in_channel"));
        }
        Ok(channel.id.clone())
    }

    /// The thread to post in; a parent that is gone means the channel, without a word.
    fn thread_for(&mut self, channel: &str, args: &Args) -> Result<Option<String>, Refusal> {
        let Some(root) = args.text("thread_ts")? else { return Ok(None) };
        let parent = self.channels.get(channel).and_then(|channel| channel.messages.get(root));
        match parent {
            Some(parent) if parent.is_tombstone() => Ok(None),
            Some(parent) if parent.thread_ts.is_none() => Ok(Some(root.to_owned())),
            Some(_) => {
                self.violations.push(format!("thread_ts {root} is a reply, not a parent"));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// A message that our app wrote.
    fn ours(&self, channel: &str, ts: &str) -> Result<&Message, Refusal> {
        let found = self.channels.get(channel).and_then(|channel| channel.messages.get(ts));
        let message = found.filter(|message| !message.is_tombstone());
        let message = message.ok_or_else(|| Refusal::world("message_not_found"))?;
        if !message.ours {
            return Err(Refusal::mistake("cant_update_message", "somebody else wrote it"));
        }
        Ok(message)
    }
}

/// Reads and checks what a message is to say.
fn words(args: &Args) -> Result<Words, Refusal> {
    let text = args.text("text")?.unwrap_or_default().to_owned();
    let blocks = args.list("blocks")?.unwrap_or_default();
    let attachments = args.list("attachments")?.unwrap_or_default();
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(Refusal::mistake("no_text", "neither text nor blocks"));
    }
    if attachments.len() > 100 {
        return Err(Refusal::mistake("too_many_attachments", "more than 100"));
    }
    blocks::check(&blocks, blocks::Surface::Message)
        .map_err(|why| Refusal::mistake("invalid_blocks", why))?;
    Ok(Words { text, blocks, attachments })
}

/// The name to post under, if the token may choose it.
fn custom_name(state: &State, args: &Args) -> Result<Option<String>, Refusal> {
    let icon = args.text("icon_emoji")?.or(args.text("icon_url")?);
    let name = args.text("username")?;
    if (icon.is_some() || name.is_some()) && !state.setup.scopes.contains("chat:write.customize") {
        return Err(state.missing_scope(&["chat:write.customize"]));
    }
    Ok(name.map(str::to_owned))
}

/// Reads and checks the app's note on a message.
fn metadata(args: &Args) -> Result<Option<Value>, Refusal> {
    let Some(note) = args.json("metadata")? else { return Ok(None) };
    let fields = note.as_object().ok_or_else(|| bad_metadata("is not an object"))?;
    if fields.is_empty() {
        return Ok(Some(note));
    }
    if fields.keys().any(|key| !matches!(key.as_str(), "event_type" | "event_payload")) {
        return Err(bad_metadata("has other fields than event_type and event_payload"));
    }
    if note["event_type"].as_str().is_none_or(str::is_empty) {
        return Err(bad_metadata("lacks event_type"));
    }
    let payload =
        note["event_payload"].as_object().ok_or_else(|| bad_metadata("lacks event_payload"))?;
    if let Some(key) = payload.keys().find(|key| !is_metadata_key(key)) {
        return Err(bad_metadata(&format!("has the key {key:?}")));
    }
    if payload.values().any(Value::is_null) {
        return Err(bad_metadata("has a null"));
    }
    Ok(Some(note))
}

fn is_metadata_key(key: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(rest)
}

fn bad_metadata(why: &str) -> Refusal {
    Refusal::mistake("invalid_metadata_format", format!("metadata {why}"))
}

/// About one post a second and channel (slack.md §C.1).
fn pace(state: &mut State, channel: &str) -> Result<(), Refusal> {
    if !state.setup.limits {
        return Ok(());
    }
    let rate = Rate { burst: state.setup.burst, per_second: 1.0 };
    let key = format!("chat.postMessage {channel}");
    let now = state.now.as_millisecond();
    state.meter.count(&key, rate, now).map_err(Refusal::rate_limited)
}
