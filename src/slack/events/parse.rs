//! What Slack sends → [`SlackEvent`].
//!
//! Our own small reading of the raw JSON: the library's typed events lose the text of messages
//! that hold anything it does not model (`slack.md` A.4). Every function here takes any JSON and
//! finds an event in it, if only [`SlackEvent::Unknown`].

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::command::{SlashCommand, parse_command};
use super::dialog::{self, CloseDraft, DialogRequest, OfferDraft, OptionSearch, TemplateDraft};
use super::json::text_at;
use super::message;
use super::requester;
use super::switches::{SwitchRequest, parse_switches};
use crate::bounded;
use crate::model::hex::to_hex;
use crate::model::{
    AgentMessage, Button, ChannelId, Click, MessageTs, PressedMove, PressedView, RoutedSlackEvent,
    SlackEvent, SlackUserId, StoredSlackEvent,
};
use crate::slack::text::emoji;
use crate::slack::views::ids::{MORE_ACTION_ID, SLASH_COMMAND, parse_ticket_block, read_button};

/// What the keys of messages begin with.
const MESSAGE_KEY_PREFIX: &str = "m:";

/// The event that tells that a channel has got another id.
const CHANNEL_RENAMED_EVENT: &str = "channel_id_changed";

/// What makes a request large: all that a message or a dialog shows. Who did what to which message
/// stands beside it.
const LARGE_FIELDS: [&str; 3] = ["blocks", "attachments", "files"];

/// The mark of ours on what is not the whole of what Slack sent.
const OUTLINE_FIELD: &str = "outline";

/// The events that tell how we stand.
const HEALTH_EVENTS: [&str; 12] = [
    "app_uninstalled",
    "tokens_revoked",
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "channel_shared",
    "channel_unarchive",
    "channel_unshared",
    "group_archive",
    "group_deleted",
    "group_left",
    "group_unarchive",
];

/// What a request of Slack wants.
#[derive(Clone, Debug, PartialEq)]
pub enum SlackRequest {
    /// To be answered with this value at once, to prove that the address is ours.
    Challenge(String),
    /// To be remembered and handled.
    Event(RoutedSlackEvent),
    /// To be answered with a dialog at once; nothing changes.
    Dialog(DialogRequest),
    /// To be answered with a second page, or with what is wrong; nothing changes.
    Draft(OfferDraft),
    /// The same for a template.
    TemplateDraft(TemplateDraft),
    /// To be remembered and handled, unless the farewell in it cannot be sent or something is unread:
    /// then it is answered with a second page that asks.
    Close(CloseDraft, RoutedSlackEvent),
    /// To be answered with the options of a list at once; nothing changes.
    Options(OptionSearch),
    /// To be answered with words for the one who typed it at once; nothing changes.
    Command(SlashCommand),
    /// Somebody switched something on or off for themselves: to be kept at once.
    Switches(SwitchRequest),
    /// Somebody opened their home tab, which is to be shown; nothing changes.
    Home(SlackUserId),
    /// Slack drops events, because it sends only so many an hour (`slack.md` B.1).
    Dropped,
    /// A channel has got another id.
    Renamed {
        /// The id that it had.
        old: ChannelId,
        /// The id that it has now.
        new: ChannelId,
    },
    /// How we stand in Slack may have changed; the name of the event tells how.
    HealthEvent(&'static str),
}

/// Reads a request of the Events API, an interaction or a command, given as JSON.
pub fn parse_body(body: &Value) -> SlackRequest {
    match text_at(body, "/type") {
        Some("url_verification") => {
            SlackRequest::Challenge(text_at(body, "/challenge").unwrap_or_default().to_owned())
        }
        Some("app_rate_limited") => SlackRequest::Dropped,
        Some("event_callback") => {
            // These change nothing that is kept, so they go past the inbox.
            let told = parse_home_opened(body).map(SlackRequest::Home);
            let told = told.or_else(|| parse_health_event(body).map(SlackRequest::HealthEvent));
            told.or_else(|| parse_channel_rename(body))
                .unwrap_or_else(|| SlackRequest::Event(parse_callback(body)))
        }
        // A command comes as a form without a type.
        None if text_at(body, "/command") == Some(SLASH_COMMAND) => match parse_command(body) {
            Some(command) => SlackRequest::Command(command),
            None => SlackRequest::Event(unknown_event("command", body)),
        },
        Some("block_actions") => match dialog::parse_action_request(body) {
            Some(asked) => SlackRequest::Dialog(asked),
            None => match parse_switches(body) {
                Some(asked) => SlackRequest::Switches(asked),
                None => SlackRequest::Event(parse_click_or_unknown(body)),
            },
        },
        Some("message_action") => match dialog::parse_shortcut_request(body) {
            Some(asked) => SlackRequest::Dialog(asked),
            None => SlackRequest::Event(parse_shortcut_or_unknown(body)),
        },
        Some("block_suggestion") => match dialog::parse_option_search(body) {
            Some(search) => SlackRequest::Options(search),
            None => SlackRequest::Event(unknown_event("block_suggestion", body)),
        },
        Some("view_submission") => match dialog::parse_draft_request(body) {
            Some(drafted) => SlackRequest::Draft(drafted),
            None => parse_submission_request(body),
        },
        kind => SlackRequest::Event(unknown_event(kind.unwrap_or("none"), body)),
    }
}

/// Reads what was filled in, but for the composer's first page.
fn parse_submission_request(body: &Value) -> SlackRequest {
    if let Some(drafted) = dialog::parse_template_draft(body) {
        return SlackRequest::TemplateDraft(drafted);
    }
    match (dialog::parse_close_draft(body), dialog::parse_submission(body)) {
        // Only while the dialog is open can its words be handed back; after that they would be lost
        // (`a_farewell_that_is_too_late_is_shown_and_the_ticket_closed_without_it_if_so_wished`).
        (Some(close), Some(routed)) => SlackRequest::Close(close, routed),
        (_, Some(routed)) => SlackRequest::Event(routed),
        (_, None) => SlackRequest::Event(unknown_event("view_submission", body)),
    }
}

/// Reads a request as it came; `None` if it is no JSON.
pub fn parse_request(json: &[u8]) -> Option<SlackRequest> {
    let json = std::str::from_utf8(json).ok()?;
    to_request(json, parse_tree(json).as_ref())
}

/// A request as far as it can be read, and whether that is an outline only; `None` if it is no JSON, or
/// not even that can be read of it.
fn parse_tree(json: &str) -> Option<(Value, bool)> {
    if let Some(body) = bounded::parse_tree(json) {
        // What is stored is read again at its lease, and an outline looks like a message without
        // words.
        let is_outline = body.get(OUTLINE_FIELD).is_some();
        return Some((body, is_outline));
    }
    Some((bounded::parse_tree_without(json, &LARGE_FIELDS)?, true))
}

fn to_request(json: &str, tree: Option<&(Value, bool)>) -> Option<SlackRequest> {
    match tree {
        Some((body, true)) => Some(request_from_outline(body)),
        Some((body, false)) => Some(parse_body(body)),
        None => bounded::is_json(json).then(|| SlackRequest::Event(oversized_event(json))),
    }
}

/// What is left of a request that is too large for its whole to be read, to be kept in its place;
/// `None` if not even that can be read.
pub(crate) fn parse_outline(json: &str) -> Option<Value> {
    let mut body = bounded::parse_tree_without(json, &LARGE_FIELDS)?;
    body.as_object_mut()?.insert(OUTLINE_FIELD.to_owned(), true.into());
    Some(body)
}

/// Something of which not even the outline can be read. Slack itself sends nothing like it.
fn oversized_event(json: &str) -> RoutedSlackEvent {
    let key = format!("h:{}", hash_to_hex(json.as_bytes()));
    RoutedSlackEvent {
        key,
        about: None,
        ticket: None,
        event: SlackEvent::Unknown { kind: "too large".to_owned() },
    }
}

/// What a request is that is too large for its whole to be read, given what is known of it. Of what
/// an agent wrote, nothing may then be sent as if it were all.
fn request_from_outline(body: &Value) -> SlackRequest {
    let mut request = parse_body(body);
    if let SlackRequest::Event(RoutedSlackEvent { event, .. }) = &mut request
        && let SlackEvent::Message { channel, ts, thread, user, .. } = event
    {
        let (channel, ts, thread) = (channel.clone(), ts.clone(), thread.clone());
        // The writer is told that it did not go out
        // (`what_is_too_large_in_a_channel_with_another_id_is_told_to_its_writer`).
        *event = SlackEvent::Oversized { channel, ts, thread, user: user.clone() };
    }
    request
}

/// Reads a request that was put into the inbox: once, for all that handlers ask of it.
pub(crate) fn read_stored_event(json: &[u8]) -> StoredSlackEvent {
    let json = std::str::from_utf8(json).unwrap_or_default();
    let tree = parse_tree(json);
    let request = to_request(json, tree.as_ref());
    let body = tree.map(|(body, _)| body).unwrap_or_default();
    let routed = request.and_then(|request| find_stored_event(request, &body));
    let workspaces = requester::list_named_workspaces(&body);
    StoredSlackEvent { routed, happened: find_time(&body), workspaces }
}

/// The event of a request that was put into the inbox.
pub(crate) fn parse_stored_event(json: &[u8]) -> Option<RoutedSlackEvent> {
    read_stored_event(json).routed
}

fn find_stored_event(request: SlackRequest, body: &Value) -> Option<RoutedSlackEvent> {
    match request {
        SlackRequest::Event(routed) | SlackRequest::Close(_, routed) => Some(routed),
        // Stored only where no dialog could be opened; what the button means without one is then
        // done.
        SlackRequest::Dialog(_) => find_close_click(body),
        SlackRequest::Challenge(_)
        | SlackRequest::Draft(_)
        | SlackRequest::TemplateDraft(_)
        | SlackRequest::Options(_)
        | SlackRequest::Command(_)
        | SlackRequest::Home(_)
        | SlackRequest::Switches(_)
        | SlackRequest::Dropped
        | SlackRequest::Renamed { .. }
        | SlackRequest::HealthEvent(_) => None,
    }
}

/// When something happened in Slack, by Slack's clock.
fn find_time(body: &Value) -> Option<MessageTs> {
    // The first is ours: of what was fetched, Slack does not always tell the time.
    let places =
        ["/happened", "/event/event_ts", "/event/ts", "/actions/0/action_ts", "/action_ts"];
    let found = places.iter().find_map(|place| text_at(body, place));
    found.and_then(MessageTs::parse).filter(|ts| ts.to_micros().is_some())
}

/// What a button does where Slack opens no dialogs: *Close* closes, as the reaction does.
pub(crate) fn parse_without_dialog(json: &[u8]) -> Option<RoutedSlackEvent> {
    let body = bounded::parse_tree_without(std::str::from_utf8(json).ok()?, &LARGE_FIELDS)?;
    find_close_click(&body)
}

fn find_close_click(body: &Value) -> Option<RoutedSlackEvent> {
    let is_close = |routed: &RoutedSlackEvent| matches!(&routed.event, SlackEvent::Click(click) if click.button == Button::Move(PressedMove::Close));
    // A transfer or a canned reply means nothing without what the dialog asks for.
    parse_click(body).filter(is_close)
}

fn parse_home_opened(body: &Value) -> Option<SlackUserId> {
    let event = body.get("event")?;
    let is_home = text_at(event, "/type") == Some("app_home_opened")
        // The event comes for the messages tab, too, which shows nothing of ours (`slack.md` C.4).
        && text_at(event, "/tab") == Some("home");
    is_home.then(|| SlackUserId::parse(text_at(event, "/user")?)).flatten()
}

/// An event after which we may be able to do more or less than before (`slack.md` E.2).
fn parse_health_event(body: &Value) -> Option<&'static str> {
    let kind = text_at(body, "/event/type")?;
    HEALTH_EVENTS.into_iter().find(|known| *known == kind)
}

fn parse_channel_rename(body: &Value) -> Option<SlackRequest> {
    let event =
        body.get("event").filter(|event| text_at(event, "/type") == Some(CHANNEL_RENAMED_EVENT))?;
    let id = |place| ChannelId::parse(text_at(event, place)?);
    Some(SlackRequest::Renamed { old: id("/old_channel_id")?, new: id("/new_channel_id")? })
}

fn parse_callback(body: &Value) -> RoutedSlackEvent {
    let Some(event) = body.get("event") else { return unknown_event("event_callback", body) };
    let routed = match text_at(event, "/type") {
        Some("message") => parse_message_event(body, event),
        Some("reaction_added") => parse_reaction(event, true),
        Some("reaction_removed") => parse_reaction(event, false),
        kind => Some(unknown_event(kind.unwrap_or("none"), body)),
    };
    routed.unwrap_or_else(|| unknown_event(text_at(event, "/type").unwrap_or("none"), body))
}

/// What a message event means (`slack.md` D.2).
fn parse_message_event(body: &Value, event: &Value) -> Option<RoutedSlackEvent> {
    match text_at(event, "/subtype") {
        // Only these are words of a person (`slack.md` D.2). A subtype to come is not sent to a
        // customer until somebody has read what it means.
        None | Some("file_share" | "thread_broadcast") => parse_new_message(body, event),
        Some("message_changed") => parse_edit(body, event),
        Some("message_deleted") => {
            let before = event.get("previous_message").unwrap_or(&Value::Null);
            parse_deletion(event, text_at(event, "/deleted_ts")?, before)
        }
        Some(_) => Some(not_ours_event(event)),
    }
}

fn parse_message_outside(
    event: &Value,
    channel: ChannelId,
    ts: MessageTs,
) -> Option<RoutedSlackEvent> {
    let user = SlackUserId::parse(text_at(event, "/user")?)?;
    let outside = SlackEvent::Outside { channel, user, ts };
    Some(RoutedSlackEvent { event: outside, ..not_ours_event(event) })
}

fn parse_new_message(body: &Value, event: &Value) -> Option<RoutedSlackEvent> {
    let channel = ChannelId::parse(text_at(event, "/channel")?)?;
    let ts = MessageTs::parse(text_at(event, "/ts")?)?;
    // A root that has replies carries its own time stamp as its thread (`slack.md` D.2).
    let root = text_at(event, "/thread_ts").filter(|root| *root != ts.as_str());
    // First, before the thread is looked at: our own posts come back as events (`slack.md` D.3),
    // and one that was taken for an agent's would go to the customer.
    if is_from_bot(body, event) {
        return Some(not_ours_event(event));
    }
    let Some(root) = root else { return parse_message_outside(event, channel, ts) };
    let thread = MessageTs::parse(root)?;
    let user = SlackUserId::parse(text_at(event, "/user")?)?;
    Some(RoutedSlackEvent {
        key: message_key(&channel, &ts),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Message {
            message: message::read_message(event),
            version: version_name(event),
            channel,
            ts,
            thread,
            user,
        },
    })
}

/// Whether the event with this key is a message that somebody wrote.
pub(crate) fn is_message(key: &str) -> bool {
    key.starts_with(MESSAGE_KEY_PREFIX)
}

/// Only a person's change of what they wrote counts: link previews and reply counters change
/// messages too. A table may be changed without a change of the text.
fn parse_edit(body: &Value, event: &Value) -> Option<RoutedSlackEvent> {
    let now = event.get("message")?;
    // So Slack tells that a message with replies was deleted; `previous_message` may be an empty
    // list.
    if text_at(now, "/subtype") == Some("tombstone") {
        return parse_deletion(event, text_at(now, "/ts")?, now);
    }
    let before = event.get("previous_message").unwrap_or(&Value::Null);
    let parts = |version: &Value| {
        let AgentMessage { text, kept, .. } = message::read_message(version);
        (text, kept)
    };
    // `edited` alone proves nothing: it stays for good, and a preview that loads later repeats it
    // (`link_previews_are_no_edits_and_deleting_tells_the_truth`).
    let same = text_at(now, "/text") == text_at(before, "/text") && parts(now) == parts(before);
    let Some(edited) = text_at(now, "/edited/ts").filter(|_| !same && !is_from_bot(body, now))
    else {
        return Some(not_ours_event(event));
    };
    let channel = ChannelId::parse(text_at(event, "/channel")?)?;
    let ts = MessageTs::parse(text_at(now, "/ts")?)?;
    let thread = thread_ts_of(now).unwrap_or_else(|| ts.clone());
    Some(RoutedSlackEvent {
        // By when it was edited: each edit is another event, and the same one told twice is not.
        key: format!("{}{edited}", change_key(&channel, &ts)),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Edited {
            user: SlackUserId::parse(text_at(now, "/user")?)?,
            channel,
            ts,
            thread,
        },
    })
}

/// `message` is what is left of the message, or what it was.
fn parse_deletion(event: &Value, ts: &str, message: &Value) -> Option<RoutedSlackEvent> {
    let channel = ChannelId::parse(text_at(event, "/channel")?)?;
    let ts = MessageTs::parse(ts)?;
    let thread = thread_ts_of(message).unwrap_or_else(|| ts.clone());
    Some(RoutedSlackEvent {
        key: format!("{}gone", change_key(&channel, &ts)),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Deleted { channel, ts, thread },
    })
}

fn thread_ts_of(message: &Value) -> Option<MessageTs> {
    MessageTs::parse(text_at(message, "/thread_ts")?)
}

/// What the keys of all changes of a message by a person begin with, its deletion being one.
pub(crate) fn change_key(channel: &ChannelId, ts: &MessageTs) -> String {
    format!("e:{channel}:{ts}:")
}

fn parse_reaction(event: &Value, added: bool) -> Option<RoutedSlackEvent> {
    // Reactions on files count for no ticket: a file may be shown in many threads.
    if text_at(event, "/item/type")? != "message" {
        return Some(not_ours_event(event));
    }
    let channel = ChannelId::parse(text_at(event, "/item/channel")?)?;
    let ts = MessageTs::parse(text_at(event, "/item/ts")?)?;
    let user = SlackUserId::parse(text_at(event, "/user")?)?;
    // 👍 in any skin tone is the same reaction; the tone would make it another key.
    let name = emoji::base_name(text_at(event, "/reaction")?).to_owned();
    let sign = if added { '+' } else { '-' };
    let at = text_at(event, "/event_ts").unwrap_or_default();
    Some(RoutedSlackEvent {
        key: limit_key(format!(
            "{}{at}",
            format_reaction_key(&channel, &ts, user.as_str(), sign, &name)
        )),
        about: Some((channel.clone(), ts.clone())),
        ticket: None,
        event: SlackEvent::Reaction { channel, ts, user, name, added },
    })
}

/// What the keys of all such reactions of this person begin with, whenever they were put on or
/// taken off.
pub(crate) fn reaction_key(
    channel: &ChannelId,
    ts: &MessageTs,
    user: &str,
    name: &str,
    added: bool,
) -> String {
    let sign = if added { '+' } else { '-' };
    format_reaction_key(channel, ts, user, sign, emoji::base_name(name))
}

/// When a reaction with this key was put on or taken off, in microseconds.
pub(crate) fn reaction_time(key: &str) -> Option<i64> {
    // What follows is the lane of a ticket that it was handed on to.
    let key = key.split_once('>').map_or(key, |(key, _)| key);
    MessageTs::parse(key.rsplit_once(':')?.1)?.to_micros()
}

/// The key of a message that somebody wrote.
pub(crate) fn message_key(channel: &ChannelId, ts: &MessageTs) -> String {
    format!("{MESSAGE_KEY_PREFIX}{channel}:{ts}")
}

fn format_reaction_key(
    channel: &ChannelId,
    ts: &MessageTs,
    user: &str,
    sign: char,
    name: &str,
) -> String {
    format!("r:{channel}:{ts}:{user}:{sign}{name}:")
}

fn parse_click_or_unknown(body: &Value) -> RoutedSlackEvent {
    parse_click(body).unwrap_or_else(|| unknown_event("block_actions", body))
}

fn parse_click(body: &Value) -> Option<RoutedSlackEvent> {
    let action = body.pointer("/actions/0")?;
    let user = SlackUserId::parse(text_at(body, "/user/id")?)?;
    let (name, value) = parse_action_name(action)?;
    let pressed = read_button(name, &value)?;
    let at = text_at(action, "/action_ts").unwrap_or_default();
    let on = clicked_message(body);
    Some(RoutedSlackEvent {
        key: limit_key(format!("c:{at}:{user}:{name}:{value}")),
        about: clicked_thread_root(body, on.as_ref()),
        ticket: pressed.ticket,
        event: SlackEvent::Click(Click {
            user,
            button: pressed.button,
            on,
            response_url: text_at(body, "/response_url").map(str::to_owned),
            is_shortcut: false,
            view: parse_pressed_view(body),
        }),
    })
}

/// What a button does and carries. A menu names in its entries what they do, and by its block what
/// it is about, unless that is the message that it stands in.
fn parse_action_name(action: &Value) -> Option<(&str, String)> {
    let name = text_at(action, "/action_id")?;
    if name != MORE_ACTION_ID {
        return Some((name, text_at(action, "/value").unwrap_or_default().to_owned()));
    }
    let ticket = text_at(action, "/block_id").and_then(parse_ticket_block);
    let ticket = ticket.map(|ticket| ticket.to_string()).unwrap_or_default();
    Some((text_at(action, "/selected_option/value")?, ticket))
}

/// The view that shows what was pressed.
fn parse_pressed_view(body: &Value) -> Option<PressedView> {
    match text_at(body, "/view/type")? {
        "home" => text_at(body, "/trigger_id").map(|id| PressedView::Home(id.to_owned())),
        _ => text_at(body, "/view/id").map(|id| PressedView::Dialog(id.to_owned())),
    }
}

/// A shortcut that was used on a message is a click on it, but carries no ticket.
fn parse_shortcut_or_unknown(body: &Value) -> RoutedSlackEvent {
    parse_shortcut(body).unwrap_or_else(|| unknown_event("message_action", body))
}

fn parse_shortcut(body: &Value) -> Option<RoutedSlackEvent> {
    let user = SlackUserId::parse(text_at(body, "/user/id")?)?;
    let name = text_at(body, "/callback_id")?;
    let pressed = read_button(name, "")?;
    let on = Some(clicked_message(body)?);
    let at = text_at(body, "/action_ts").unwrap_or_default();
    Some(RoutedSlackEvent {
        key: limit_key(format!("c:{at}:{user}:{name}")),
        about: clicked_thread_root(body, on.as_ref()),
        ticket: None,
        event: SlackEvent::Click(Click {
            user,
            button: pressed.button,
            on,
            response_url: text_at(body, "/response_url").map(str::to_owned),
            is_shortcut: true,
            view: None,
        }),
    })
}

fn clicked_message(body: &Value) -> Option<(ChannelId, MessageTs)> {
    let channel =
        text_at(body, "/channel/id").or_else(|| text_at(body, "/container/channel_id"))?;
    // Buttons, shortcuts and ephemerals each name it elsewhere.
    let message = ["/container/message_ts", "/message_ts", "/message/ts"];
    let message = message.iter().find_map(|pointer| text_at(body, pointer))?;
    Some((ChannelId::parse(channel)?, MessageTs::parse(message)?))
}

fn clicked_thread_root(
    body: &Value,
    on: Option<&(ChannelId, MessageTs)>,
) -> Option<(ChannelId, MessageTs)> {
    let (channel, message) = on?;
    let root =
        text_at(body, "/container/thread_ts").or_else(|| text_at(body, "/message/thread_ts"));
    Some((channel.clone(), root.map_or(Some(message.clone()), MessageTs::parse)?))
}

fn unknown_event(kind: &str, body: &Value) -> RoutedSlackEvent {
    let key = match text_at(body, "/event_id") {
        // What we do not understand can only be told by its delivery. A repeat of it changes
        // nothing.
        Some(id) => limit_key(format!("v:{id}")),
        None => format!("h:{}", hash_to_hex(body.to_string().as_bytes())),
    };
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(64).collect();
    RoutedSlackEvent { key, about: None, ticket: None, event: SlackEvent::Unknown { kind } }
}

fn not_ours_event(event: &Value) -> RoutedSlackEvent {
    let key = format!("n:{}", hash_to_hex(event.to_string().as_bytes()));
    RoutedSlackEvent { key, about: None, ticket: None, event: SlackEvent::NotOurs }
}

/// Posts of any app, and our own ones even where they carry a person's name (`slack.md` D.3).
fn is_from_bot(body: &Value, message: &Value) -> bool {
    let ours =
        text_at(message, "/app_id").is_some_and(|app| text_at(body, "/api_app_id") == Some(app));
    // By `bot_id`, as posts under another name often have no `user` (`slack.md` D.3). Other apps
    // count as well: what a workflow posts is not for customers.
    let bot = ["/bot_id", "/bot_profile/app_id"].iter().any(|p| text_at(message, p).is_some());
    ours || bot || text_at(message, "/user") == Some("USLACKBOT")
}

/// What tells a version of a message from its others: when it was edited last, empty if never.
pub(crate) fn version_name(message: &Value) -> String {
    text_at(message, "/edited/ts").map(|edited| format!("{edited}:")).unwrap_or_default()
}

/// Keeps keys short, whatever the sender puts into ids.
fn limit_key(key: String) -> String {
    // PostgreSQL refuses index entries of more than some 2,700 bytes.
    if key.len() <= 512 { key } else { format!("h:{}", hash_to_hex(key.as_bytes())) }
}

fn hash_to_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(event: &Value) -> RoutedSlackEvent {
        let body = json!({"type": "event_callback", "event_id": "Ev1", "api_app_id": "A1", "event": event});
        match parse_body(&body) {
            SlackRequest::Event(routed) => routed,
            other => panic!("{other:?}"),
        }
    }

    fn reply() -> Value {
        json!({"type": "message", "channel": "C1", "user": "U1", "ts": "2.0", "thread_ts": "1.0", "text": "oi &amp; tchau"})
    }

    fn with(mut base: Value, key: &str, value: Value) -> Value {
        base[key] = value;
        base
    }

    #[test]
    fn a_thread_message_is_keyed_by_what_it_is_and_not_by_its_delivery() {
        let routed = event(&reply());
        assert_eq!(routed.key, "m:C1:2.0");
        assert_eq!(routed.about.unwrap().1.as_str(), "1.0");
        assert!(matches!(routed.event, SlackEvent::Message { .. }));
    }

    #[test]
    fn file_shares_and_broadcasts_are_real_messages() {
        for subtype in ["file_share", "thread_broadcast"] {
            let routed = event(&with(reply(), "subtype", subtype.into()));
            assert!(matches!(routed.event, SlackEvent::Message { .. }), "{subtype}");
        }
    }

    #[test]
    fn what_no_person_wrote_into_a_thread_is_not_ours() {
        let root = with(reply(), "thread_ts", "2.0".into());
        let bot = with(reply(), "bot_id", "B1".into());
        let app = with(reply(), "app_id", "A1".into());
        for subtype in ["bot_message", "channel_join", "huddle_thread", "brand_new"] {
            let odd = with(reply(), "subtype", subtype.into());
            assert_eq!(event(&odd).event, SlackEvent::NotOurs, "{subtype}");
        }
        for other in [bot, app] {
            assert_eq!(event(&other).event, SlackEvent::NotOurs, "{other}");
        }
        assert!(matches!(event(&root).event, SlackEvent::Outside { .. }));
    }

    #[test]
    fn only_a_persons_edit_is_an_edit() {
        let edit = json!({"type": "message", "subtype": "message_changed", "channel": "C1",
            "message": {"ts": "2.0", "user": "U1", "text": "new", "edited": {"user": "U1", "ts": "3.0"}},
            "previous_message": {"text": "old"}});
        assert_eq!(event(&edit).key, "e:C1:2.0:3.0");
        let mut unfurl = edit.clone();
        unfurl["message"]["edited"] = Value::Null;
        assert_eq!(event(&unfurl).event, SlackEvent::NotOurs);
        let mut same = edit.clone();
        same["previous_message"]["text"] = "new".into();
        assert_eq!(event(&same).event, SlackEvent::NotOurs);
        let mut gone = edit;
        gone["message"]["subtype"] = "tombstone".into();
        gone["previous_message"] = json!([]);
        assert!(matches!(event(&gone).event, SlackEvent::Deleted { .. }));
        assert_eq!(event(&gone).key, "e:C1:2.0:gone");
        // They belong to the ticket whose thread the message stood in, known or not.
        let ts = |ts| MessageTs::parse(ts).unwrap();
        let deleted = json!({"type": "message", "subtype": "message_deleted", "channel": "C1",
            "deleted_ts": "2.0", "previous_message": {"ts": "2.0", "thread_ts": "1.0"}});
        assert_eq!(event(&deleted).about.unwrap().1, ts("1.0"));
        gone["message"]["thread_ts"] = "1.0".into();
        assert_eq!(event(&gone).about.unwrap().1, ts("1.0"));
    }

    #[test]
    fn a_reaction_loses_its_skin_tone_and_each_gesture_counts_once() {
        let added = json!({"type": "reaction_added", "user": "U1", "reaction": "eyes::skin-tone-3",
            "item": {"type": "message", "channel": "C1", "ts": "1.0"}, "event_ts": "5.0"});
        let routed = event(&added);
        assert!(
            matches!(&routed.event, SlackEvent::Reaction { name, added: true, .. } if name == "eyes")
        );
        let again = event(&with(added, "event_ts", "6.0".into()));
        assert_ne!(routed.key, again.key);
    }

    #[test]
    fn a_click_is_about_the_root_of_its_thread() {
        let click = json!({"type": "block_actions", "user": {"id": "U1"}, "team": null,
            "container": {"type": "message", "channel_id": "C1", "message_ts": "2.0", "thread_ts": "1.0"},
            "actions": [{"action_id": "claim", "value": "default/t", "action_ts": "9.1"}]});
        let SlackRequest::Event(routed) = parse_body(&click) else { panic!("an event") };
        assert_eq!(routed.about.unwrap().1.as_str(), "1.0");
        assert_eq!(routed.key, "c:9.1:U1:claim:default/t");
    }

    /// More blocks than can be read.
    fn too_many_blocks() -> Value {
        vec![json!({"type": "divider"}); 9000].into()
    }

    #[test]
    fn of_a_message_that_is_too_large_it_is_known_whose_it_is() {
        let large = with(reply(), "blocks", too_many_blocks());
        let body = json!({"type": "event_callback", "event_id": "Ev1", "event": large});
        let routed = parse_stored_event(body.to_string().as_bytes()).unwrap();
        assert_eq!((routed.key.as_str(), routed.about.unwrap().1.as_str()), ("m:C1:2.0", "1.0"));
        assert!(matches!(routed.event, SlackEvent::Oversized { .. }));
    }

    #[test]
    fn a_click_on_a_message_that_is_too_large_is_a_click() {
        let click = json!({"type": "block_actions", "user": {"id": "U1"}, "message": {"blocks": too_many_blocks()},
            "container": {"type": "message", "channel_id": "C1", "message_ts": "2.0", "thread_ts": "1.0"},
            "actions": [{"action_id": "claim", "value": "default/t", "action_ts": "9.1"}]});
        assert_eq!(
            parse_stored_event(click.to_string().as_bytes()).unwrap().key,
            "c:9.1:U1:claim:default/t"
        );
    }

    #[test]
    fn what_is_too_much_or_odd_is_unknown_and_what_is_no_json_nothing() {
        for body in ["{\"a\":1e999}".to_owned(), "[".repeat(500) + &"]".repeat(500)] {
            let routed = parse_stored_event(body.as_bytes()).unwrap();
            assert!(matches!(routed.event, SlackEvent::Unknown { .. }), "{body}");
        }
        assert_eq!(parse_request(b"{\"a\":"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_some_event(body in crate::model::content::any_json()) {
            parse_body(&body);
            event(&body);
        }
    }
}
