//! What Slack sends → [`SlackEvent`].
//!
//! Our own small reading of the raw JSON: the library's typed events lose the text of messages
//! that hold anything it does not model (`slack.md` A.4). Every function here takes any JSON and
//! finds an event in it, if only [`SlackEvent::Unknown`].

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::compose::Drafted;
use super::dialog::{self, Asked, Search};
use super::home::{self, Command, Wanted};
use super::workspace::{self, Asker};
use super::{action, emoji, message};
use crate::bounded;
use crate::model::hex::hex;
use crate::model::{
    Access, AgentMessage, Attachment, ChannelId, Click, MessageTs, SlackEvent, SlackUserId,
    TicketId,
};

/// What the keys of messages begin with.
const MESSAGE: &str = "m:";

/// The event that tells that a channel has got another id.
const RENAMED: &str = "channel_id_changed";

/// What makes a request large: all that a message or a dialog shows. Who did what to which message
/// stands beside it.
const WEIGHTY: [&str; 3] = ["blocks", "attachments", "files"];

/// The events that tell how we stand.
const STANDING: [&str; 12] = [
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

/// An event and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// What makes it the same event as another one, whatever delivery id it came with.
    pub key: String,
    /// The message whose ticket it belongs to: the root of a thread, the message reacted to.
    pub about: Option<(ChannelId, MessageTs)>,
    /// The ticket it belongs to, where a button of ours says so.
    pub ticket: Option<TicketId>,
    /// What happened.
    pub event: SlackEvent,
}

/// What a request of Slack wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// To be answered with this value at once, to prove that the address is ours.
    Challenge(String),
    /// To be remembered and handled.
    Event(Routed),
    /// To be answered with a dialog at once; nothing changes.
    Dialog(Asked),
    /// To be answered with a second page, or with what is wrong; nothing changes.
    Draft(Drafted),
    /// To be answered with the options of a list at once; nothing changes.
    Options(Search),
    /// To be answered with words for the one who typed it at once; nothing changes.
    Command(Command),
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
    Standing(&'static str),
}

/// Reads a request of the Events API, an interaction or a command, given as JSON.
pub fn parse(body: &Value) -> Request {
    match text(body, "/type") {
        Some("url_verification") => {
            Request::Challenge(text(body, "/challenge").unwrap_or_default().to_owned())
        }
        Some("app_rate_limited") => Request::Dropped,
        Some("event_callback") => {
            let told = home_opened(body).map(Request::Home);
            let told = told.or_else(|| standing(body).map(Request::Standing));
            told.or_else(|| renamed(body)).unwrap_or_else(|| Request::Event(callback(body)))
        }
        None if text(body, "/command") == Some(home::COMMAND) => match command(body) {
            Some(command) => Request::Command(command),
            None => Request::Event(unknown("command", body)),
        },
        Some("block_actions") => match dialog::asked_by_action(body) {
            Some(asked) => Request::Dialog(asked),
            None => Request::Event(click(body)),
        },
        Some("message_action") => match dialog::asked_by_shortcut(body) {
            Some(asked) => Request::Dialog(asked),
            None => Request::Event(shortcut(body)),
        },
        Some("block_suggestion") => match dialog::search(body) {
            Some(search) => Request::Options(search),
            None => Request::Event(unknown("block_suggestion", body)),
        },
        Some("view_submission") => match dialog::drafted(body) {
            Some(drafted) => Request::Draft(drafted),
            None => Request::Event(
                dialog::filled(body).unwrap_or_else(|| unknown("view_submission", body)),
            ),
        },
        kind => Request::Event(unknown(kind.unwrap_or("none"), body)),
    }
}

/// When something happened in Slack, by Slack's clock: a message when it was written, a reaction or a
/// press when it was made.
pub fn happened_at(json: &[u8]) -> Option<MessageTs> {
    let body = bounded::outline(std::str::from_utf8(json).ok()?, &WEIGHTY)?;
    // The first is ours: of what was fetched, Slack does not always tell the time.
    let places =
        ["/happened", "/event/event_ts", "/event/ts", "/actions/0/action_ts", "/action_ts"];
    let found = places.iter().find_map(|place| text(&body, place));
    found.and_then(MessageTs::parse).filter(|ts| ts.micros().is_some())
}

/// Reads a request as it came; `None` if it is no JSON.
pub fn request(json: &[u8]) -> Option<Request> {
    let json = std::str::from_utf8(json).ok()?;
    if let Some(body) = bounded::tree(json) {
        return Some(parse(&body));
    }
    let too_much = || bounded::is_json(json).then(|| Request::Event(too_much(json)));
    bounded::outline(json, &WEIGHTY).map(|body| outlined(&body)).or_else(too_much)
}

/// Something of which not even the outline can be read. Slack itself sends nothing like it.
fn too_much(json: &str) -> Routed {
    let key = format!("h:{}", hash(json.as_bytes()));
    Routed {
        key,
        about: None,
        ticket: None,
        event: SlackEvent::Unknown { kind: "too large".to_owned() },
    }
}

/// What a request is that is too large for its whole to be read, given what is known of it. Of what
/// an agent wrote, nothing may then be sent as if it were all.
fn outlined(body: &Value) -> Request {
    let mut request = parse(body);
    if let Request::Event(Routed { event, .. }) = &mut request
        && let SlackEvent::Message { channel, ts, thread, user, .. } = event
    {
        let (channel, ts, thread) = (channel.clone(), ts.clone(), thread.clone());
        *event = SlackEvent::Oversized { channel, ts, thread, user: user.clone() };
    }
    request
}

/// The event of a request that was put into the inbox.
pub fn stored(json: &[u8]) -> Option<Routed> {
    match request(json)? {
        Request::Event(routed) => Some(routed),
        Request::Dialog(_) => without_dialog(json),
        Request::Challenge(_)
        | Request::Draft(_)
        | Request::Options(_)
        | Request::Command(_)
        | Request::Home(_)
        | Request::Dropped
        | Request::Renamed { .. }
        | Request::Standing(_) => None,
    }
}

/// What a button does where Slack opens no dialogs: *Close* closes, as the reaction does.
pub fn without_dialog(json: &[u8]) -> Option<Routed> {
    let is_close = |routed: &Routed| matches!(&routed.event, SlackEvent::Click(click) if click.action == action::CLOSE);
    let body = bounded::outline(std::str::from_utf8(json).ok()?, &WEIGHTY)?;
    pressed(&body).filter(is_close)
}

/// What an event calls the workspace of who did it; nothing if it cannot be read.
pub fn workspaces_named(json: &[u8]) -> Vec<String> {
    let body = std::str::from_utf8(json).ok().and_then(|json| bounded::outline(json, &WEIGHTY));
    body.map(|body| workspace::named(&body)).unwrap_or_default()
}

fn home_opened(body: &Value) -> Option<SlackUserId> {
    let event = body.get("event")?;
    let is_home =
        text(event, "/type") == Some("app_home_opened") && text(event, "/tab") == Some("home");
    is_home.then(|| SlackUserId::parse(text(event, "/user")?)).flatten()
}

/// An event after which we may be able to do more or less than before (`slack.md` E.2).
fn standing(body: &Value) -> Option<&'static str> {
    let kind = text(body, "/event/type")?;
    STANDING.into_iter().find(|known| *known == kind)
}

fn renamed(body: &Value) -> Option<Request> {
    let event = body.get("event").filter(|event| text(event, "/type") == Some(RENAMED))?;
    let id = |place| ChannelId::parse(text(event, place)?);
    Some(Request::Renamed { old: id("/old_channel_id")?, new: id("/new_channel_id")? })
}

fn command(body: &Value) -> Option<Command> {
    let wanted = Wanted::parse(text(body, "/text").unwrap_or_default());
    Some(Command { by: Asker::parse(body)?, wanted })
}

fn callback(body: &Value) -> Routed {
    let Some(event) = body.get("event") else { return unknown("event_callback", body) };
    let routed = match text(event, "/type") {
        Some("message") => told(body, event),
        Some("reaction_added") => reaction(event, true),
        Some("reaction_removed") => reaction(event, false),
        kind => Some(unknown(kind.unwrap_or("none"), body)),
    };
    routed.unwrap_or_else(|| unknown(text(event, "/type").unwrap_or("none"), body))
}

/// What a message event means (`slack.md` D.2).
fn told(body: &Value, event: &Value) -> Option<Routed> {
    match text(event, "/subtype") {
        None | Some("file_share" | "thread_broadcast") => written(body, event),
        Some("message_changed") => changed(body, event),
        Some("message_deleted") => {
            let before = event.get("previous_message").unwrap_or(&Value::Null);
            deleted(event, text(event, "/deleted_ts")?, before)
        }
        Some(_) => Some(not_ours(event)),
    }
}

fn written(body: &Value, event: &Value) -> Option<Routed> {
    let channel = ChannelId::parse(text(event, "/channel")?)?;
    let ts = MessageTs::parse(text(event, "/ts")?)?;
    let root = text(event, "/thread_ts").filter(|root| *root != ts.as_str());
    let (Some(root), false) = (root, is_bot(body, event)) else { return Some(not_ours(event)) };
    let thread = MessageTs::parse(root)?;
    let user = SlackUserId::parse(text(event, "/user")?)?;
    Some(Routed {
        key: message_key(&channel, &ts),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Message {
            message: message::read(event),
            version: version_name(event),
            channel,
            ts,
            thread,
            user,
        },
    })
}

/// Whether the event with this key is a message that somebody wrote.
pub fn is_message(key: &str) -> bool {
    key.starts_with(MESSAGE)
}

/// Only a person's change of what they wrote counts: link previews and reply counters change
/// messages too. A table may be changed without a change of the text.
fn changed(body: &Value, event: &Value) -> Option<Routed> {
    let now = event.get("message")?;
    if text(now, "/subtype") == Some("tombstone") {
        return deleted(event, text(now, "/ts")?, now);
    }
    let before = event.get("previous_message").unwrap_or(&Value::Null);
    let parts = |version: &Value| {
        let AgentMessage { text, kept, .. } = message::read(version);
        (text, kept)
    };
    let same = text(now, "/text") == text(before, "/text") && parts(now) == parts(before);
    let Some(edited) = text(now, "/edited/ts").filter(|_| !same && !is_bot(body, now)) else {
        return Some(not_ours(event));
    };
    let channel = ChannelId::parse(text(event, "/channel")?)?;
    let ts = MessageTs::parse(text(now, "/ts")?)?;
    let thread = thread_of(now).unwrap_or_else(|| ts.clone());
    Some(Routed {
        key: format!("{}{edited}", change_key(&channel, &ts)),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Edited {
            user: SlackUserId::parse(text(now, "/user")?)?,
            channel,
            ts,
            thread,
        },
    })
}

/// `message` is what is left of the message, or what it was.
fn deleted(event: &Value, ts: &str, message: &Value) -> Option<Routed> {
    let channel = ChannelId::parse(text(event, "/channel")?)?;
    let ts = MessageTs::parse(ts)?;
    let thread = thread_of(message).unwrap_or_else(|| ts.clone());
    Some(Routed {
        key: format!("{}gone", change_key(&channel, &ts)),
        about: Some((channel.clone(), thread.clone())),
        ticket: None,
        event: SlackEvent::Deleted { channel, ts, thread },
    })
}

fn thread_of(message: &Value) -> Option<MessageTs> {
    MessageTs::parse(text(message, "/thread_ts")?)
}

/// What the keys of all changes of a message by a person begin with, its deletion being one.
pub fn change_key(channel: &ChannelId, ts: &MessageTs) -> String {
    format!("e:{channel}:{ts}:")
}

fn reaction(event: &Value, added: bool) -> Option<Routed> {
    if text(event, "/item/type")? != "message" {
        return Some(not_ours(event));
    }
    let channel = ChannelId::parse(text(event, "/item/channel")?)?;
    let ts = MessageTs::parse(text(event, "/item/ts")?)?;
    let user = SlackUserId::parse(text(event, "/user")?)?;
    let name = emoji::base_name(text(event, "/reaction")?).to_owned();
    let sign = if added { '+' } else { '-' };
    let at = text(event, "/event_ts").unwrap_or_default();
    Some(Routed {
        key: bounded(format!("{}{at}", gesture(&channel, &ts, user.as_str(), sign, &name))),
        about: Some((channel.clone(), ts.clone())),
        ticket: None,
        event: SlackEvent::Reaction { channel, ts, user, name, added },
    })
}

/// What the keys of all such reactions of this person begin with, whenever they were put on or taken
/// off.
pub fn reaction_key(
    channel: &ChannelId,
    ts: &MessageTs,
    user: &str,
    name: &str,
    added: bool,
) -> String {
    let sign = if added { '+' } else { '-' };
    gesture(channel, ts, user, sign, emoji::base_name(name))
}

/// When a reaction with this key was put on or taken off, in microseconds.
pub fn reaction_time(key: &str) -> Option<i64> {
    // What follows is the lane of a ticket that it was handed on to.
    let key = key.split_once('>').map_or(key, |(key, _)| key);
    MessageTs::parse(key.rsplit_once(':')?.1)?.micros()
}

/// The key of a message that somebody wrote.
pub fn message_key(channel: &ChannelId, ts: &MessageTs) -> String {
    format!("{MESSAGE}{channel}:{ts}")
}

fn gesture(channel: &ChannelId, ts: &MessageTs, user: &str, sign: char, name: &str) -> String {
    format!("r:{channel}:{ts}:{user}:{sign}{name}:")
}

fn click(body: &Value) -> Routed {
    pressed(body).unwrap_or_else(|| unknown("block_actions", body))
}

fn pressed(body: &Value) -> Option<Routed> {
    let action = body.pointer("/actions/0")?;
    let click = Click {
        user: SlackUserId::parse(text(body, "/user/id")?)?,
        action: text(action, "/action_id")?.to_owned(),
        value: text(action, "/value").unwrap_or_default().to_owned(),
        on: message_of(body),
        response_url: text(body, "/response_url").map(str::to_owned),
        is_shortcut: false,
    };
    let at = text(action, "/action_ts").unwrap_or_default();
    Some(Routed {
        key: bounded(format!("c:{at}:{}:{}:{}", click.user, click.action, click.value)),
        about: root_of(body, &click),
        ticket: ticket_of(&click),
        event: SlackEvent::Click(click),
    })
}

/// A shortcut that was used on a message is a click on it, but carries no ticket.
fn shortcut(body: &Value) -> Routed {
    used(body).unwrap_or_else(|| unknown("message_action", body))
}

fn used(body: &Value) -> Option<Routed> {
    let click = Click {
        user: SlackUserId::parse(text(body, "/user/id")?)?,
        action: text(body, "/callback_id")?.to_owned(),
        value: String::new(),
        on: Some(message_of(body)?),
        response_url: text(body, "/response_url").map(str::to_owned),
        is_shortcut: true,
    };
    let at = text(body, "/action_ts").unwrap_or_default();
    Some(Routed {
        key: bounded(format!("c:{at}:{}:{}", click.user, click.action)),
        about: root_of(body, &click),
        ticket: None,
        event: SlackEvent::Click(click),
    })
}

fn message_of(body: &Value) -> Option<(ChannelId, MessageTs)> {
    let channel = text(body, "/channel/id").or_else(|| text(body, "/container/channel_id"))?;
    let message = ["/container/message_ts", "/message_ts", "/message/ts"];
    let message = message.iter().find_map(|pointer| text(body, pointer))?;
    Some((ChannelId::parse(channel)?, MessageTs::parse(message)?))
}

fn root_of(body: &Value, click: &Click) -> Option<(ChannelId, MessageTs)> {
    let (channel, message) = click.on.as_ref()?;
    let root = text(body, "/container/thread_ts").or_else(|| text(body, "/message/thread_ts"));
    Some((channel.clone(), root.map_or(Some(message.clone()), MessageTs::parse)?))
}

/// The ticket that one of our buttons carries: alone, or after what else it carries.
fn ticket_of(click: &Click) -> Option<TicketId> {
    match click.action.as_str() {
        action::CLAIM | action::TAKE_OVER | action::RELEASE | action::CLOSE => {
            TicketId::parse(&click.value)
        }
        _ => TicketId::parse(click.value.split_once(' ')?.1),
    }
}

fn unknown(kind: &str, body: &Value) -> Routed {
    let key = match text(body, "/event_id") {
        Some(id) => bounded(format!("v:{id}")),
        None => format!("h:{}", hash(body.to_string().as_bytes())),
    };
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(64).collect();
    Routed { key, about: None, ticket: None, event: SlackEvent::Unknown { kind } }
}

fn not_ours(event: &Value) -> Routed {
    let key = format!("n:{}", hash(event.to_string().as_bytes()));
    Routed { key, about: None, ticket: None, event: SlackEvent::NotOurs }
}

/// Posts of any app, and our own ones even where they carry a person's name (`slack.md` D.3).
fn is_bot(body: &Value, message: &Value) -> bool {
    let ours = text(message, "/app_id").is_some_and(|app| text(body, "/api_app_id") == Some(app));
    let bot = ["/bot_id", "/bot_profile/app_id"].iter().any(|p| text(message, p).is_some());
    ours || bot || text(message, "/user") == Some("USLACKBOT")
}

/// Whether a message was written by this person, and not posted by us in their name.
pub fn is_by(message: &Value, user: Option<&SlackUserId>) -> bool {
    user.is_some_and(|user| text(message, "/user") == Some(user.as_str()))
}

/// What a post of ours can be found by (`client::Post::delivery`), as its first block repeats it.
pub fn delivery(message: &Value) -> Option<&str> {
    text(message, "/blocks/0/block_id")
}

/// What the first block of a post of ours says, exactly as it was given to
/// [`super::rich_text::literal`].
pub fn literally(message: &Value) -> String {
    let list = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let runs = list(message, "/blocks/0/elements").into_iter().flat_map(|s| list(&s, "/elements"));
    runs.filter_map(|run| text(&run, "/text").map(str::to_owned)).collect()
}

/// What tells a version of a message from its others: when it was edited last, empty if never.
pub fn version_name(message: &Value) -> String {
    text(message, "/edited/ts").map(|edited| format!("{edited}:")).unwrap_or_default()
}

/// Reads one file (`slack.md` C.3).
pub fn attachment(file: &Value) -> Attachment {
    let url = text(file, "/url_private_download").or_else(|| text(file, "/url_private"));
    let external = file.get("is_external").and_then(Value::as_bool) == Some(true);
    let access = match (text(file, "/mode"), text(file, "/file_access")) {
        (Some("tombstone"), _) | (_, Some("file_not_found")) => Access::Deleted,
        (Some("hidden_by_limit"), _) => Access::Hidden,
        (_, Some("access_denied")) => Access::Denied,
        _ if let Some(access) = document_of_slack(file) => access,
        (Some("file_access"), _) | (_, Some("check_file_info")) => Access::Ask,
        (Some("external"), _) => Access::Elsewhere,
        _ if external => Access::Elsewhere,
        _ if url.is_none() => Access::Ask,
        _ => Access::Open,
    };
    let name = text(file, "/name").or_else(|| text(file, "/title"));
    Attachment {
        id: text(file, "/id").unwrap_or_default().to_owned(),
        name: name.unwrap_or("?").to_owned(),
        mime: text(file, "/mimetype").map(str::to_ascii_lowercase),
        size: file.get("size").and_then(Value::as_u64).filter(|size| *size > 0),
        url: url.map(str::to_owned),
        access,
    }
}

/// What Slack keeps beside files and hands out as a web page, if at all (`slack.md` 3.3).
fn document_of_slack(file: &Value) -> Option<Access> {
    let marks = ["/mode", "/filetype", "/mimetype"].map(|mark| text(file, mark));
    marks.into_iter().flatten().find_map(|mark| match mark {
        "quip" | "canvas" | "application/vnd.slack-docs" => Some(Access::Canvas),
        "list" | "application/vnd.slack-list" => Some(Access::List),
        "post" | "space" => Some(Access::Post),
        "email" => Some(Access::Email),
        _ => None,
    })
}

/// The text at a place in a document, if there is any.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

/// Keeps keys short, whatever the sender puts into ids.
fn bounded(key: String) -> String {
    if key.len() <= 512 { key } else { format!("h:{}", hash(key.as_bytes())) }
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(event: &Value) -> Routed {
        let body = json!({"type": "event_callback", "event_id": "Ev1", "api_app_id": "A1", "event": event});
        match parse(&body) {
            Request::Event(routed) => routed,
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
        for other in [root, bot, app] {
            assert_eq!(event(&other).event, SlackEvent::NotOurs, "{other}");
        }
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
        let Request::Event(routed) = parse(&click) else { panic!("an event") };
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
        let routed = stored(body.to_string().as_bytes()).unwrap();
        assert_eq!((routed.key.as_str(), routed.about.unwrap().1.as_str()), ("m:C1:2.0", "1.0"));
        assert!(matches!(routed.event, SlackEvent::Oversized { .. }));
    }

    #[test]
    fn a_click_on_a_message_that_is_too_large_is_a_click() {
        let click = json!({"type": "block_actions", "user": {"id": "U1"}, "message": {"blocks": too_many_blocks()},
            "container": {"type": "message", "channel_id": "C1", "message_ts": "2.0", "thread_ts": "1.0"},
            "actions": [{"action_id": "claim", "value": "default/t", "action_ts": "9.1"}]});
        assert_eq!(stored(click.to_string().as_bytes()).unwrap().key, "c:9.1:U1:claim:default/t");
    }

    #[test]
    fn what_is_too_much_or_odd_is_unknown_and_what_is_no_json_nothing() {
        for body in ["{\"a\":1e999}".to_owned(), "[".repeat(500) + &"]".repeat(500)] {
            let routed = stored(body.as_bytes()).unwrap();
            assert!(matches!(routed.event, SlackEvent::Unknown { .. }), "{body}");
        }
        assert_eq!(request(b"{\"a\":"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_some_event(body in crate::model::content::any_json()) {
            parse(&body);
            event(&body);
        }
    }
}
