//! `reactions.*` (slack.md §C.1).

use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::render;
use super::state::State;

pub(super) fn add(state: &mut State, args: &Args) -> Answer {
    change(state, args, true)
}

pub(super) fn remove(state: &mut State, args: &Args) -> Answer {
    change(state, args, false)
}

pub(super) fn get(state: &mut State, args: &Args) -> Answer {
    let channel = state.readable(args)?;
    let ts = args.required("timestamp")?;
    let message = channel.messages.get(ts).ok_or_else(|| Refusal::world("message_not_found"))?;
    let mut found = state.render(channel, message, false);
    found["reactions"] = render::reactions(message);
    Ok(json!({ "type": "message", "channel": channel.id, "message": found }))
}

fn change(state: &mut State, args: &Args, add: bool) -> Answer {
    let channel = state.readable(args)?;
    if channel.archived {
        return Err(Refusal::world("is_archived"));
    }
    let channel = channel.id.clone();
    let ts = args.required("timestamp")?;
    let name = args.required("name")?;
    if !is_emoji_name(name) {
        return Err(Refusal::mistake("invalid_name", format!("{name:?} is no emoji's name")));
    }
    let ours = state.setup.bot_user.clone();
    state.react(&ours, (&channel, ts), name, add)?;
    Ok(Value::Object(serde_json::Map::new()))
}

/// Without colons; a skin tone is `::skin-tone-2` to `6`.
pub(super) fn is_emoji_name(name: &str) -> bool {
    let (base, tone) = name.split_once("::").unwrap_or((name, "skin-tone-2"));
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+'".contains(c);
    let tones = ["skin-tone-2", "skin-tone-3", "skin-tone-4", "skin-tone-5", "skin-tone-6"];
    !base.is_empty() && base.chars().all(letter) && tones.contains(&tone)
}
