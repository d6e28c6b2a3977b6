//! `conversations.*` (slack.md §C.1).

use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::state::{Channel, Message, State};

impl State {
    /// The channel of a call that reads messages: our app must be in it.
    pub(super) fn readable(&self, args: &Args) -> Result<&Channel, Refusal> {
        let channel = self.visible(args.required("channel")?)?;
        if !channel.members.contains(&self.setup.bot_user) {
            return Err(Refusal::world("not_in_channel"));
        }
        Ok(channel)
    }

    /// Each kind of channel has a scope of its own: `channels:read`, but `groups:read`.
    fn scope_for(&self, channel: &Channel, right: &str) -> Result<(), Refusal> {
        let kind = match channel.private {
            _ if channel.is_direct() => "im",
            true => "groups",
            false => "channels",
        };
        let scope = format!("{kind}:{right}");
        if self.setup.scopes.contains(&scope) {
            return Ok(());
        }
        Err(self.missing_scope(&[&scope]))
    }
}

pub(super) fn info(state: &mut State, args: &Args) -> Answer {
    let channel = state.visible(args.required("channel")?)?;
    state.scope_for(channel, "read")?;
    Ok(json!({ "channel": state.render_channel(channel) }))
}

pub(super) fn list(state: &mut State, args: &Args) -> Answer {
    let types = args.text("types")?.unwrap_or("public_channel");
    let kinds: Vec<&str> = types.split(',').map(str::trim).collect();
    let skips_archived = args.flag("exclude_archived")?;
    let mut found = Vec::new();
    for channel in state.channels.values().filter(|channel| !channel.is_direct()) {
        let kind = if channel.private { "private_channel" } else { "public_channel" };
        let seen = !channel.private || channel.members.contains(&state.setup.bot_user);
        if kinds.contains(&kind) && seen && !(skips_archived && channel.archived) {
            state.scope_for(channel, "read")?;
            found.push(state.render_channel(channel));
        }
    }
    page(found, args, "channels", 100)
}

pub(super) fn members(state: &mut State, args: &Args) -> Answer {
    let channel = state.visible(args.required("channel")?)?;
    state.scope_for(channel, "read")?;
    page(channel.members.iter().map(|id| json!(id)).collect(), args, "members", 100)
}

/// The direct messages of our app with one person; the same channel each time.
pub(super) fn open(state: &mut State, args: &Args) -> Answer {
    let user = args.required("users")?.to_owned();
    let known = state.users.get(&user).ok_or_else(|| Refusal::world("user_not_found"))?;
    if known.deleted {
        return Err(Refusal::world("user_disabled"));
    }
    let id = format!("D{}", user.get(1..).unwrap_or_default());
    let members = [user.clone(), state.setup.bot_user.clone()].into_iter().collect();
    let (name, private) = (format!("direct {user}"), true);
    let fresh = Channel { id: id.clone(), name, private, members, ..Channel::default() };
    state.channels.entry(id.clone()).or_insert(fresh);
    Ok(json!({ "channel": { "id": id } }))
}

pub(super) fn join(state: &mut State, args: &Args) -> Answer {
    let channel = state.visible(args.required("channel")?)?;
    if channel.private {
        return Err(Refusal::mistake("method_not_supported_for_channel_type", "it is private"));
    }
    if channel.archived {
        return Err(Refusal::world("is_archived"));
    }
    let (id, ours) = (channel.id.clone(), state.setup.bot_user.clone());
    let warning = channel.members.contains(&ours).then_some("already_in_channel");
    if let Some(channel) = state.channels.get_mut(&id) {
        channel.members.insert(ours);
    }
    let channel = state.visible(&id)?;
    let mut answer = json!({ "channel": state.render_channel(channel) });
    if let Some(warning) = warning {
        answer["warning"] = json!(warning);
    }
    Ok(answer)
}

pub(super) fn history(state: &mut State, args: &Args) -> Answer {
    let channel = state.readable(args)?;
    state.scope_for(channel, "history")?;
    let shown = channel.messages.values().rev();
    let shown = shown.filter(|message| message.thread_ts.is_none() || message.broadcast);
    messages(state, channel, shown, args)
}

pub(super) fn replies(state: &mut State, args: &Args) -> Answer {
    let channel = state.readable(args)?;
    state.scope_for(channel, "history")?;
    let ts = args.required("ts")?;
    let asked = channel.messages.get(ts).ok_or_else(|| Refusal::world("thread_not_found"))?;
    let root = asked.thread_ts.as_deref().unwrap_or(ts);
    let parent = channel.messages.get(root);
    messages(state, channel, parent.into_iter().chain(channel.replies(root)), args)
}

/// The page of messages that was asked for; a thread's parent comes whatever the time.
fn messages<'a>(
    state: &State,
    channel: &Channel,
    all: impl Iterator<Item = &'a Message>,
    args: &Args,
) -> Answer {
    let metadata = args.flag("include_all_metadata")?;
    let inclusive = args.flag("inclusive")?;
    let (oldest, latest) = (args.text("oldest")?, args.text("latest")?);
    for bound in [oldest, latest].into_iter().flatten() {
        let sound = bound.chars().all(|c| c.is_ascii_digit() || c == '.');
        if !sound {
            return Err(Refusal::mistake("invalid_ts_oldest", format!("{bound:?}")));
        }
    }
    let root = args.text("ts")?;
    let late = state.setup.shows_after;
    let shown_until = (state.now - late).as_duration().as_secs_f64();
    let within = |message: &Message| {
        let ts = message.ts.as_str();
        if !late.is_zero() && ts.parse().is_ok_and(|written: f64| written > shown_until) {
            return false;
        }
        let after = oldest.is_none_or(|from| ts > from || (inclusive && ts == from));
        let before = latest.is_none_or(|until| ts < until || (inclusive && ts == until));
        (after && before) || Some(ts) == root
    };
    let found = all.filter(|message| within(message));
    let render = |message: &Message| state.render(channel, message, metadata);
    let most = state.setup.most_on_page;
    page_of_at_most(most, found.collect(), render, args, ("messages", most.min(100)))
}

/// Cuts a page out of what was found.
fn page(found: Vec<Value>, args: &Args, name: &str, usual: usize) -> Answer {
    page_of_at_most(1_000, found, |item| item, args, (name, usual))
}

/// Slack may give less on a page than was asked for (slack.md §C.1).
fn page_of_at_most<T>(
    most: usize,
    found: Vec<T>,
    render: impl Fn(T) -> Value,
    args: &Args,
    (name, usual): (&str, usize),
) -> Answer {
    let limit = args.count("limit")?.filter(|limit| *limit > 0).unwrap_or(usual);
    if limit > 1_000 {
        return Err(Refusal::mistake("invalid_limit", format!("limit {limit}, at most 1,000")));
    }
    let cursor = args.text("cursor")?.filter(|cursor| !cursor.is_empty());
    let start = match cursor.map(|cursor| cursor.strip_prefix("next:").map(str::parse)) {
        None => 0,
        Some(Some(Ok(start))) => start,
        Some(_) => return Err(Refusal::mistake("invalid_cursor", "not one of ours")),
    };
    let total = found.len();
    let items = found.into_iter().skip(start).take(limit.min(most));
    let items: Vec<Value> = items.map(render).collect();
    let end = start.saturating_add(items.len());
    let next = if end < total { format!("next:{end}") } else { String::new() };
    let mut answer =
        json!({ "has_more": end < total, "response_metadata": { "next_cursor": next } });
    answer[name] = json!(items);
    Ok(answer)
}
