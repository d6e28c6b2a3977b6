//! What the Slack stand-in knows: people, channels, messages, and what was asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::limits::Meter;
use super::socket::Sockets;
use crate::Call;

/// Everything about one workspace and the one app in it.
#[derive(Debug)]
pub struct State {
    /// The app and how the workspace behaves.
    pub setup: Setup,
    /// Where the stand-in can be reached, without a trailing slash.
    pub url: String,
    /// Everybody, by id.
    pub users: BTreeMap<String, User>,
    /// Every channel, by id.
    pub channels: BTreeMap<String, Channel>,
    /// User groups.
    pub groups: Vec<Group>,
    /// What only one person sees, oldest first.
    pub ephemerals: Vec<Ephemeral>,
    /// Modals and home tabs that are open, by id.
    pub views: BTreeMap<String, View>,
    /// Uploaded files, by id.
    pub files: BTreeMap<String, File>,
    /// Every request of the bridge.
    pub calls: Vec<Call>,
    /// What the real platform would not have tolerated.
    pub violations: Vec<String>,
    pub(super) now: Timestamp,
    pub(super) last_us: i64,
    pub(super) serial: u64,
    pub(super) triggers: BTreeMap<String, Trigger>,
    pub(super) response_urls: BTreeMap<String, ResponseUrl>,
    pub(super) meter: Meter,
    pub(super) sockets: Sockets,
    pub(super) outbox: Vec<Value>,
    /// Messages of uploads that are to appear yet, with their channels.
    pub(super) unshown: Vec<(String, Message)>,
}

/// The app and how the workspace behaves; may be changed at any time.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "these are switches, each on its own")]
pub struct Setup {
    /// The only token that is accepted.
    pub token: String,
    /// What deliveries are signed with.
    pub signing_secret: String,
    /// The only app-level token that is accepted.
    pub app_token: String,
    /// What the app-level token may do.
    pub app_scopes: BTreeSet<String>,
    /// Whether the app uses Socket Mode: then no requests are sent.
    pub socket_mode: bool,
    /// What the token may do; all that the bridge needs, to begin with.
    pub scopes: BTreeSet<String>,
    /// Our workspace. If it is empty, `auth.test` does not tell it, as behind a proxy that leaves it out.
    pub team_id: String,
    /// The organisation of an Enterprise Grid that our workspace belongs to, if any.
    pub enterprise_id: Option<String>,
    /// Whether the app is installed for the whole organisation, and not for one workspace.
    pub is_enterprise_install: bool,
    /// The app.
    pub app_id: String,
    /// The app as an author of messages.
    pub bot_id: String,
    /// The app as a member of channels.
    pub bot_user: String,
    /// Whether the documented rates are enforced.
    pub limits: bool,
    /// Posts to one channel that may come at once before one a second is enforced.
    pub burst: u32,
    /// Forgets message metadata, as Slack may if its type is not registered (slack.md §C.2).
    pub drops_metadata: bool,
    /// A message can be read only so long after it was posted; nothing promises otherwise.
    pub shows_after: Duration,
    /// Most messages that a page has, whatever was asked for.
    pub most_on_page: usize,
    /// How long after an upload was completed its message appears; not at all if there is none
    /// (slack.md additions §4).
    pub shares_after: Option<Duration>,
    /// How long after it was posted a message can be changed, if not for ever: a workspace's rule.
    pub edit_window: Option<Duration>,
    /// Delivers every event twice, under two event ids.
    pub sends_twice: bool,
    /// Delivers what a call causes before the call is answered.
    pub events_first: bool,
    /// What the answers to posts come without, such as `message`, or `thread_ts` in it: a proxy may
    /// leave out what it does not know.
    pub post_lacks: Vec<&'static str>,
}

/// A person or bot.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are Slack's own flags")]
pub struct User {
    /// Such as `U024BE7LH`.
    pub id: String,
    /// The handle.
    pub name: String,
    /// The name to show.
    pub real_name: String,
    /// The address in the profile.
    pub email: Option<String>,
    /// The phone number in the profile.
    pub phone: Option<String>,
    /// Such as `pt-BR`.
    pub locale: String,
    /// Such as `America/Sao_Paulo`.
    pub tz: String,
    /// A bot, not a person.
    pub is_bot: bool,
    /// A guest.
    pub is_restricted: bool,
    /// A guest of one channel.
    pub is_ultra_restricted: bool,
    /// The workspace that they belong to.
    pub team: Team,
    /// The organisation of an Enterprise Grid that they belong to, and its workspaces that they
    /// are in.
    pub enterprise: Option<(String, Vec<String>)>,
    /// Gone.
    pub deleted: bool,
    /// Slack calls them away.
    pub is_away: bool,
    /// From when until when they are not to be disturbed, in seconds since 1970, if they have set
    /// hours for that.
    pub undisturbed: Option<(i64, i64)>,
}

/// The workspace that somebody belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Team {
    /// Ours.
    Ours,
    /// Another one: of our organisation, or of another company.
    Other(String),
    /// Slack does not tell.
    Untold,
}

/// A named set of people that can be mentioned.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Such as `S0614TZR7`.
    pub id: String,
    /// Without the `@`.
    pub handle: String,
    /// Ids of those in it.
    pub users: Vec<String>,
}

/// A channel and all that is in it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Channel {
    /// Such as `C024BE91L`.
    pub id: String,
    /// Without the `#`.
    pub name: String,
    /// Only for those invited.
    pub private: bool,
    /// Nobody can write any more.
    pub archived: bool,
    /// Another company was invited to share it, and has not accepted yet.
    pub pending_share: bool,
    /// Who is in it.
    pub members: BTreeSet<String>,
    /// What was written, by time stamp.
    pub messages: BTreeMap<String, Message>,
}

/// A message that everybody in its channel sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Message {
    /// Its name within the channel.
    pub ts: String,
    /// The root of its thread, unless it is itself one.
    pub thread_ts: Option<String>,
    /// Shown in the channel too, although in a thread.
    pub broadcast: bool,
    /// The author's id; none for our posts under another name.
    pub user: Option<String>,
    /// The name that our post goes by, if not the app's.
    pub username: Option<String>,
    /// Posted by our app.
    pub ours: bool,
    /// Slack's kind of message.
    pub subtype: Option<String>,
    /// The text, in mrkdwn.
    pub text: String,
    /// What is shown instead of the text.
    pub blocks: Vec<Value>,
    /// Unfurled links and the like.
    pub attachments: Vec<Value>,
    /// Ids of files.
    pub files: Vec<String>,
    /// Emoji names and who put them, in order.
    pub reactions: Vec<(String, Vec<String>)>,
    /// The app's own note on the message.
    pub metadata: Option<Value>,
    /// The sender's own id for the message.
    pub client_msg_id: Option<String>,
    /// Who changed it last, and when.
    pub edited: Option<(String, String)>,
    /// What it said before each change.
    pub earlier: Vec<String>,
}

/// A message that one person sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ephemeral {
    /// Its name, in no channel's list.
    pub ts: String,
    /// Who sees it.
    pub user: String,
    /// Where.
    pub channel: String,
    /// In which thread.
    pub thread_ts: Option<String>,
    /// The text, in mrkdwn.
    pub text: String,
    /// What is shown instead of the text.
    pub blocks: Vec<Value>,
}

/// An open modal, or somebody's home tab.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// Such as `VMHU10V25`.
    pub id: String,
    /// Who sees it.
    pub user: String,
    /// Changes with each update.
    pub hash: String,
    /// The view as it was sent.
    pub view: Value,
}

/// A file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct File {
    /// Such as `F0123ABC`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its MIME type.
    pub mime: String,
    /// Slack's word for where it is: `hosted`, `external`, `tombstone`, `hidden_by_limit`, or
    /// `file_access` for one of which messages tell nothing but the id.
    pub mode: String,
    /// Its bytes, once they are there.
    #[serde(skip)]
    pub bytes: Option<Vec<u8>>,
    /// The length that was announced for the upload.
    pub length: usize,
    /// Whether it has been shared.
    pub shared: bool,
}

/// A permission to open one modal.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) made: Timestamp,
}

/// A permission to answer a deed.
#[derive(Clone, Debug)]
pub(super) struct ResponseUrl {
    pub(super) user: String,
    pub(super) channel: String,
    pub(super) message: Option<String>,
    pub(super) thread_ts: Option<String>,
    pub(super) made: Timestamp,
    pub(super) uses: u32,
}

/// A button that is on show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    /// The block it stands in.
    pub block_id: String,
    /// What it does.
    pub action_id: String,
    /// What it says.
    pub text: String,
    /// What it carries.
    pub value: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            token: "xoxb-2154-standin".to_owned(),
            signing_secret: "8f742231b10e8888abcd99yyyzzz85a5".to_owned(),
            app_token: "xapp-1-A0001-standin".to_owned(),
            app_scopes: BTreeSet::from(["connections:write".to_owned()]),
            socket_mode: false,
            scopes: super::methods::SCOPES.iter().map(ToString::to_string).collect(),
            team_id: "T0001".to_owned(),
            enterprise_id: None,
            is_enterprise_install: false,
            app_id: "A0001".to_owned(),
            edit_window: None,
            bot_id: "B0001".to_owned(),
            bot_user: "UBOT1".to_owned(),
            limits: false,
            burst: 4,
            drops_metadata: false,
            most_on_page: 1000,
            shares_after: Some(Duration::ZERO),
            sends_twice: false,
            shows_after: Duration::ZERO,
            events_first: false,
            post_lacks: Vec::new(),
        }
    }
}

impl File {
    /// A file that Slack keeps, of the type that its name says.
    pub fn hosted(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            title: name.to_owned(),
            mime: super::files::mime(name).to_owned(),
            mode: "hosted".to_owned(),
            length: bytes.len(),
            bytes: Some(bytes.to_vec()),
            shared: true,
            ..Self::default()
        }
    }
}

impl User {
    /// A full member with a name and an address.
    pub fn member(id: &str, real_name: &str, email: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: real_name.to_lowercase().replace(' ', "."),
            real_name: real_name.to_owned(),
            email: (!email.is_empty()).then(|| email.to_owned()),
            phone: None,
            locale: "pt-BR".to_owned(),
            tz: "America/Sao_Paulo".to_owned(),
            is_bot: false,
            is_restricted: false,
            is_ultra_restricted: false,
            team: Team::Ours,
            enterprise: None,
            deleted: false,
            is_away: false,
            undisturbed: None,
        }
    }
}

impl User {
    /// Somebody of another company (Slack Connect), who looks like a full member of theirs.
    pub fn of_company(team: &str, id: &str, real_name: &str, email: &str) -> Self {
        Self { team: Team::Other(team.to_owned()), ..Self::member(id, real_name, email) }
    }
}

impl Channel {
    /// Whether it is that of direct messages.
    pub fn is_direct(&self) -> bool {
        self.id.starts_with('D')
    }

    /// Root messages and what is shown among them, oldest first.
    pub fn roots(&self) -> impl Iterator<Item = &Message> {
        self.messages.values().filter(|message| message.thread_ts.is_none())
    }

    /// The answers in a thread, oldest first.
    pub fn replies<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a Message> {
        self.messages.values().filter(move |message| message.thread_ts.as_deref() == Some(root))
    }
}

impl Message {
    /// Whether it is only the mark of a deleted message.
    pub fn is_tombstone(&self) -> bool {
        self.subtype.as_deref() == Some("tombstone")
    }

    /// The buttons that it shows.
    pub fn buttons(&self) -> Vec<Button> {
        buttons(&self.blocks)
    }

    /// Every word that a reader sees: of the blocks if there are any, else the text.
    pub fn words(&self) -> String {
        words(&self.text, &self.blocks)
    }

    /// Who put this emoji on it.
    pub fn reacted(&self, name: &str) -> &[String] {
        let found = self.reactions.iter().find(|(emoji, _)| emoji == name);
        found.map_or(&[], |(_, users)| users)
    }
}

impl Ephemeral {
    /// The buttons that it shows.
    pub fn buttons(&self) -> Vec<Button> {
        buttons(&self.blocks)
    }

    /// Every word that a reader sees: of the blocks if there are any, else the text.
    pub fn words(&self) -> String {
        words(&self.text, &self.blocks)
    }
}

/// The interactive elements of blocks, with the block they stand in.
pub(super) fn elements(blocks: &[Value]) -> impl Iterator<Item = (&str, &Value)> {
    blocks.iter().flat_map(|block| {
        let id = block["block_id"].as_str().unwrap_or_default();
        let in_row = block["elements"].as_array().into_iter().flatten();
        let of_actions = in_row.filter(|_| block["type"] == "actions");
        of_actions.chain(block.get("accessory")).map(move |element| (id, element))
    })
}

fn buttons(blocks: &[Value]) -> Vec<Button> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    elements(blocks)
        .filter(|(_, element)| element["type"] == "button")
        .map(|(block_id, element)| Button {
            block_id: block_id.to_owned(),
            action_id: text(&element["action_id"]),
            text: text(&element["text"]["text"]),
            value: text(&element["value"]),
        })
        .collect()
}

fn words(text: &str, blocks: &[Value]) -> String {
    if blocks.is_empty() {
        return text.to_owned();
    }
    let mut found = Vec::new();
    for block in blocks {
        collect_words(block, &mut found);
    }
    found.join(" ")
}

fn collect_words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, found)),
        Value::Object(fields) => {
            match (fields.get("text"), fields.get("type").and_then(Value::as_str)) {
                (Some(Value::String(text)), _) => found.push(text.clone()),
                (None, Some("emoji")) => {
                    found.extend(
                        fields.get("name").and_then(Value::as_str).map(|n| format!(":{n}:")),
                    );
                }
                (None, Some("user")) => {
                    let user = fields.get("user_id").and_then(Value::as_str);
                    found.extend(user.map(|user| format!("<@{user}>")));
                }
                (None, Some("link")) => {
                    found.extend(fields.get("url").and_then(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
            for (key, inner) in fields {
                if inner.is_object() || (inner.is_array() && key != "options") {
                    collect_words(inner, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
