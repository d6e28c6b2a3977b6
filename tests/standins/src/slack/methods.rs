//! Which methods there are, what they take, and what they need (slack.md §C.1, §E.2).

use super::args::{Answer, Args};
use super::state::State;
use super::{chat, conversations, files, reactions, socket, users, views};

/// Every scope that the bridge may want (slack.md §E.2).
pub(super) const SCOPES: &[&str] = &[
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "dnd:read",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
];

/// One method of the Web API.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// Whether it takes JSON; if not, a JSON body is ignored as Slack ignores it.
    pub(super) takes_json: bool,
    /// Whether it only reads, so that GET is proper.
    pub(super) reads: bool,
    /// Whether it takes the app-level token and no other.
    pub(super) takes_app_token: bool,
    /// One of these scopes is needed; none if empty.
    pub(super) scopes: &'static [&'static str],
    /// Calls in a minute; 0 if it has a rate of its own.
    pub(super) per_minute: u32,
    /// The arguments that are known, separated by spaces.
    pub(super) args: &'static str,
    pub(super) run: fn(&mut State, &Args) -> Answer,
}

const POST: &str = "channel text blocks attachments thread_ts reply_broadcast metadata mrkdwn \
    parse link_names unfurl_links unfurl_media username icon_emoji icon_url markdown_text as_user";
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history"];
const CHANNELS: &[&str] = &["channels:read", "groups:read"];
const PAGE: &str = "channel ts cursor limit oldest latest inclusive include_all_metadata";

/// Finds a method by its name.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

type Run = fn(&mut State, &Args) -> Answer;

const fn read(
    name: &'static str,
    scopes: &'static [&'static str],
    per_minute: u32,
    args: &'static str,
    run: Run,
) -> Method {
    Method {
        name,
        takes_json: false,
        reads: true,
        takes_app_token: false,
        scopes,
        per_minute,
        args,
        run,
    }
}

const fn write(
    name: &'static str,
    scopes: &'static [&'static str],
    per_minute: u32,
    args: &'static str,
    run: Run,
) -> Method {
    Method {
        name,
        takes_json: true,
        reads: false,
        takes_app_token: false,
        scopes,
        per_minute,
        args,
        run,
    }
}

#[rustfmt::skip]
static METHODS: &[Method] = &[
    Method { takes_app_token: true, ..write("apps.connections.open", &["connections:write"], 50, "", socket::open) },
    Method { takes_json: true, ..read("auth.test", &[], 0, "", users::auth_test) },
    write("chat.postMessage", &["chat:write"], 0, POST, chat::post_message),
    write("chat.postEphemeral", &["chat:write"], 100, "channel user text blocks attachments thread_ts mrkdwn parse \
        link_names username icon_emoji icon_url markdown_text as_user", chat::post_ephemeral),
    write("chat.update", &["chat:write"], 50, "channel ts text blocks attachments metadata parse link_names \
        reply_broadcast markdown_text file_ids as_user", chat::update),
    write("chat.delete", &["chat:write"], 50, "channel ts as_user", chat::delete),
    read("chat.getPermalink", &[], 0, "channel message_ts", chat::get_permalink),
    write("reactions.add", &["reactions:write"], 50, "channel timestamp name", reactions::add),
    write("reactions.remove", &["reactions:write"], 20, "channel timestamp name", reactions::remove),
    read("reactions.get", &["reactions:read"], 50, "channel timestamp full", reactions::get),
    read("conversations.info", CHANNELS, 50, "channel include_locale include_num_members", conversations::info),
    read("conversations.list", CHANNELS, 20, "cursor limit types exclude_archived team_id", conversations::list),
    read("conversations.members", CHANNELS, 100, "channel cursor limit", conversations::members),
    read("conversations.history", HISTORY, 50, PAGE, conversations::history),
    read("conversations.replies", HISTORY, 50, PAGE, conversations::replies),
    write("conversations.open", &["im:write"], 50, "users return_im prevent_creation", conversations::open),
    write("conversations.join", &["channels:join"], 50, "channel", conversations::join),
    read("users.info", &["users:read"], 100, "user include_locale", users::users_info),
    read("users.getPresence", &["users:read"], 50, "user", users::presence),
    read("dnd.teamInfo", &["dnd:read"], 20, "users team_id", users::team_dnd),
    read("users.lookupByEmail", &["users:read.email"], 50, "email", users::lookup_by_email),
    read("usergroups.list", &["usergroups:read"], 20, "include_count include_disabled include_users", users::groups),
    read("usergroups.users.list", &["usergroups:read"], 20, "usergroup include_disabled", users::group_users),
    write("views.open", &[], 100, "trigger_id view interactivity_pointer", views::open),
    write("views.push", &[], 100, "trigger_id view interactivity_pointer", views::push),
    write("views.update", &[], 100, "view view_id external_id hash", views::update),
    write("views.publish", &[], 100, "user_id view hash", views::publish),
    read("files.getUploadURLExternal", &["files:write"], 100, "filename length alt_txt snippet_type", files::get_upload_url),
    write("files.completeUploadExternal", &["files:write"], 100, "files channel_id channels thread_ts \
        initial_comment blocks", files::complete_upload),
    write("files.delete", &["files:write"], 50, "file", files::delete),
    read("files.info", &["files:read"], 100, "file cursor limit page count", files::info),
];
