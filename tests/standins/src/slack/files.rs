//! Files: uploaded in three steps, downloaded with the token (slack.md §C.3).

use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::blocks::{self, Surface};
use super::state::{File, Message, State};

pub(super) fn get_upload_url(state: &mut State, args: &Args) -> Answer {
    let name = args.required("filename")?.to_owned();
    let length = args.count("length")?.unwrap_or_default();
    if length == 0 {
        return Err(Refusal::mistake("missing_argument", "length is missing or 0"));
    }
    let id = state.next_id("F");
    let file = File {
        id: id.clone(),
        title: name.clone(),
        mime: mime(&name).to_owned(),
        name,
        mode: "hosted".to_owned(),
        length,
        ..File::default()
    };
    state.files.insert(id.clone(), file);
    Ok(json!({ "upload_url": format!("{}/upload/{id}", state.url), "file_id": id }))
}

pub(super) fn complete_upload(state: &mut State, args: &Args) -> Answer {
    let wanted = args.list("files")?.unwrap_or_default();
    if wanted.is_empty() {
        return Err(Refusal::mistake("invalid_arguments", "files is missing"));
    }
    for file in &wanted {
        let known = file["id"].as_str().and_then(|id| state.files.get(id));
        let known = known.filter(|file| file.bytes.is_some());
        let known = known.ok_or_else(|| Refusal::mistake("file_not_found", file.to_string()))?;
        if known.shared {
            return Err(Refusal::mistake("file_not_found", "an upload is completed only once"));
        }
    }
    let blocks = args.list("blocks")?.unwrap_or_default();
    blocks::check(&blocks, Surface::Message)
        .map_err(|why| Refusal::mistake("invalid_blocks", why))?;
    let channel = destination(state, args)?;
    let thread_ts = args.text("thread_ts")?.map(str::to_owned);
    if thread_ts.is_some() && channel.is_none() {
        return Err(Refusal::mistake("invalid_arguments", "thread_ts without channel_id"));
    }
    let mut ids = Vec::new();
    for wanted in &wanted {
        let Some(file) = wanted["id"].as_str().and_then(|id| state.files.get_mut(id)) else {
            continue;
        };
        file.shared = true;
        if let Some(title) = wanted["title"].as_str() {
            title.clone_into(&mut file.title);
        }
        ids.push(file.id.clone());
    }
    let files: Vec<&File> = ids.iter().filter_map(|id| state.files.get(id)).collect();
    let answer = files.iter().map(|file| json!({ "id": file.id, "title": file.title }));
    // slack.md §C.3: the answer does not tell which message it became.
    let answer = json!({ "files": answer.collect::<Value>() });
    if let Some(channel) = channel {
        let comment = args.text("initial_comment")?.unwrap_or_default().to_owned();
        // slack.md §C.3: blocks count only without a comment.
        let blocks = if comment.is_empty() { blocks } else { Vec::new() };
        let message =
            Message { thread_ts, text: comment, blocks, files: ids, ..Message::default() };
        // The answer comes before the message exists (slack.md additions §4).
        match state.setup.shares_after {
            Some(Duration::ZERO) => share(state, &channel, message),
            Some(_) => state.unshown.push((channel, message)),
            None => {}
        }
    }
    Ok(answer)
}

pub(super) fn info(state: &mut State, args: &Args) -> Answer {
    let file = state.files.get(args.required("file")?);
    let file = file.ok_or_else(|| Refusal::world("file_not_found"))?;
    if file.mode == "tombstone" {
        return Err(Refusal::world("file_deleted"));
    }
    let known = File { mode: file.mode.replace("file_access", "hosted"), ..file.clone() };
    let mut rendered = state.render_file(&known);
    rendered["shares"] = shares(state, &file.id);
    Ok(json!({ "file": rendered }))
}

/// Only what our app uploaded; its messages keep a mark of it (`mode: tombstone`).
pub(super) fn delete(state: &mut State, args: &Args) -> Answer {
    let id = args.required("file")?;
    let file = state.files.get(id).ok_or_else(|| Refusal::world("file_not_found"))?;
    if file.mode == "tombstone" {
        return Err(Refusal::world("file_deleted"));
    }
    let mut places = state.channels.values().flat_map(|channel| channel.messages.values());
    if places.any(|message| !message.ours && message.files.iter().any(|file| file == id)) {
        return Err(Refusal::mistake("cant_delete_file", "somebody else uploaded it"));
    }
    let gone = File { id: id.to_owned(), mode: "tombstone".to_owned(), ..File::default() };
    state.files.insert(id.to_owned(), gone);
    Ok(json!({}))
}

fn destination(state: &State, args: &Args) -> Result<Option<String>, Refusal> {
    let Some(id) = args.text("channel_id")? else { return Ok(None) };
    let channel = state.visible(id)?;
    if channel.archived {
        return Err(Refusal::world("is_archived"));
    }
    if !channel.members.contains(&state.setup.bot_user) {
        return Err(Refusal::world("not_in_channel"));
    }
    Ok(Some(id.to_owned()))
}

fn share(state: &mut State, channel: &str, message: Message) {
    let parent = |root: &String| {
        let place = state.channels.get(channel);
        place.is_some_and(|place| place.messages.contains_key(root))
    };
    let message = Message {
        thread_ts: message.thread_ts.clone().filter(parent),
        ts: state.next_ts(),
        user: Some(state.setup.bot_user.clone()),
        ours: true,
        subtype: Some("file_share".to_owned()),
        ..message
    };
    state.append(channel, message);
}

impl State {
    /// Shows the oldest upload that is to appear yet.
    pub(super) fn show_upload(&mut self) {
        if !self.unshown.is_empty() {
            let (channel, message) = self.unshown.remove(0);
            share(self, &channel, message);
        }
    }
}

fn shares(state: &State, file: &str) -> Value {
    let mut public = serde_json::Map::new();
    let mut private = serde_json::Map::new();
    for channel in state.channels.values() {
        let with = channel.messages.values().filter(|m| m.files.iter().any(|id| id == file));
        let found: Vec<Value> =
            with.map(|m| json!({ "ts": m.ts, "thread_ts": m.thread_ts })).collect();
        if !found.is_empty() {
            let kind = if channel.private { &mut private } else { &mut public };
            kind.insert(channel.id.clone(), json!(found));
        }
    }
    json!({ "public": public, "private": private })
}

/// A guess at what a file is by its name.
pub(super) fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        _ => "application/octet-stream",
    }
}
