//! Messages, channels and people as Slack writes them.

use serde_json::{Map, Value, json};

use super::state::{Channel, Ephemeral, File, Message, Setup, State, Team, User};

impl State {
    /// A message; `metadata` only goes to who asks for it.
    pub(super) fn render(&self, channel: &Channel, message: &Message, metadata: bool) -> Value {
        let mut out = self.render_author(message);
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        put("type", json!("message"));
        put("ts", json!(message.ts));
        put("text", json!(message.text));
        for (key, text) in [
            ("subtype", &message.subtype),
            ("thread_ts", &message.thread_ts),
            ("client_msg_id", &message.client_msg_id),
        ] {
            text.as_ref().map(|text| put(key, json!(text)));
        }
        if !message.blocks.is_empty() {
            put("blocks", json!(message.blocks));
        }
        if !message.attachments.is_empty() {
            put("attachments", json!(message.attachments));
        }
        let files = message.files.iter().filter_map(|id| self.files.get(id));
        let files: Vec<Value> = files.map(|file| self.render_stub(file)).collect();
        if !files.is_empty() {
            put("files", json!(files));
        }
        if let Some((user, ts)) = &message.edited {
            put("edited", json!({ "user": user, "ts": ts }));
        }
        if !message.reactions.is_empty() {
            put("reactions", reactions(message));
        }
        if let Some(parent) = message.thread_ts.as_ref().and_then(|root| channel.messages.get(root))
            && let Some(user) = &parent.user
        {
            put("parent_user_id", json!(user));
        }
        out.extend(thread_fields(channel, message));
        out.extend(self.shared_fields(channel, message));
        if let Some(note) = message.metadata.as_ref().filter(|_| metadata) {
            out.insert("metadata".to_owned(), note.clone());
        }
        Value::Object(out)
    }

    fn render_author(&self, message: &Message) -> Map<String, Value> {
        let Setup { team_id, app_id, bot_id, .. } = &self.setup;
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        if let Some(user) = &message.user {
            put("user", json!(user));
            self.team_of(user).map(|team| put("team", json!(team)));
        }
        if message.ours {
            put("bot_id", json!(bot_id));
            put("app_id", json!(app_id));
            match &message.username {
                Some(name) => put("username", json!(name)),
                None => put(
                    "bot_profile",
                    json!({ "id": bot_id, "app_id": app_id, "name": "bridge", "deleted": false,
                            "updated": 1_700_000_000, "team_id": team_id }),
                ),
            };
        }
        out
    }

    /// What the messages of a shared channel tell of their writer (slack.md, additions §1).
    fn shared_fields(&self, channel: &Channel, message: &Message) -> Map<String, Value> {
        let mut out = Map::new();
        let team = message.user.as_ref().and_then(|user| self.team_of(user));
        if let (Some(team), true) = (team, self.is_shared_outside(channel)) {
            out.insert("user_team".to_owned(), json!(team));
            out.insert("source_team".to_owned(), json!(team));
            out.insert("user_profile".to_owned(), json!({ "team": team }));
        }
        out
    }

    /// The workspace that somebody belongs to, if Slack tells.
    pub(super) fn team_of(&self, user: &str) -> Option<&str> {
        match self.users.get(user).map(|user| &user.team) {
            Some(Team::Other(team)) => Some(team),
            Some(Team::Untold) => None,
            Some(Team::Ours) | None => Some(&self.setup.team_id),
        }
    }

    /// Whether somebody belongs to another company.
    pub(super) fn is_outsider(&self, user: &User) -> bool {
        let ours = &self.setup;
        let is_colleague = user.enterprise.as_ref().is_some_and(|(enterprise, teams)| {
            teams.contains(&ours.team_id) || ours.enterprise_id.as_ref() == Some(enterprise)
        });
        matches!(&user.team, Team::Other(team) if *team != ours.team_id) && !is_colleague
    }

    /// A file as it stands in a message: of some, only that they are there (slack.md §C.3).
    fn render_stub(&self, file: &File) -> Value {
        match file.mode.as_str() {
            "tombstone" => json!({ "id": file.id, "mode": "tombstone" }),
            "file_access" => json!({ "id": file.id, "mode": "file_access",
                "file_access": "check_file_info" }),
            _ => self.render_file(file),
        }
    }

    /// A file with all that is known of it.
    pub(super) fn render_file(&self, file: &File) -> Value {
        if file.mode == "file_access" {
            return json!({ "id": file.id, "mode": file.mode, "file_access": "check_file_info" });
        }
        let link = format!("{}/files-pri/{}/{}", self.url, file.id, file.name);
        let (link, size) = match file.mode.as_str() {
            "hidden_by_limit" => (String::new(), 0),
            "external" => (format!("https://files.example/{}", file.id), 0),
            _ => (link, file.bytes.as_ref().map_or(file.length, Vec::len)),
        };
        let mode = if file.mode == "file_access" { "hosted" } else { &file.mode };
        json!({
            "id": file.id, "name": file.name, "title": file.title, "mimetype": file.mime,
            "filetype": file.name.rsplit('.').next(), "mode": mode, "size": size,
            "is_external": file.mode == "external", "url_private": link,
            "url_private_download": link, "file_access": "visible",
        })
    }

    /// A channel as our app sees it.
    pub(super) fn render_channel(&self, channel: &Channel) -> Value {
        json!({
            "id": channel.id, "name": channel.name, "is_channel": !channel.private,
            "is_group": channel.private, "is_private": channel.private,
            "is_archived": channel.archived, "is_general": false, "is_im": false, "is_mpim": false,
            "is_member": channel.members.contains(&self.setup.bot_user),
            "is_shared": self.is_shared_outside(channel), "is_org_shared": false,
            "is_ext_shared": self.is_shared_outside(channel),
            "is_pending_ext_shared": channel.pending_share,
            "num_members": channel.members.len(),
        })
    }

    /// Whether people of another company are in a channel (Slack Connect).
    pub(super) fn is_shared_outside(&self, channel: &Channel) -> bool {
        let mut members = channel.members.iter().filter_map(|id| self.users.get(id));
        members.any(|user| self.is_outsider(user))
    }

    /// Whether somebody shares a channel with our app.
    fn is_met(&self, user: &User) -> bool {
        let has_both = |channel: &Channel| {
            channel.members.contains(&user.id) && channel.members.contains(&self.setup.bot_user)
        };
        self.channels.values().any(has_both)
    }

    /// A person, with the address only if the token may see it.
    pub(super) fn render_user(&self, user: &User, locale: bool) -> Value {
        let mut profile = json!({ "real_name": user.real_name, "display_name": user.name });
        if let Some(email) = &user.email
            && self.setup.scopes.contains("users:read.email")
        {
            profile["email"] = json!(email);
        }
        if let Some(phone) = &user.phone {
            profile["phone"] = json!(phone);
        }
        let mut out = json!({
            "id": user.id, "name": user.name, "deleted": user.deleted, "profile": profile,
            "is_bot": user.is_bot,
        });
        if let Some(team) = self.team_of(&user.id) {
            out["team_id"] = json!(team);
        }
        if let Some((id, teams)) = &user.enterprise {
            out["enterprise_user"] = json!({ "id": user.id, "enterprise_id": id,
                "enterprise_name": "Grid", "is_admin": false, "is_owner": false,
                "is_primary_owner": false, "teams": teams });
        }
        if !user.deleted {
            out["real_name"] = json!(user.real_name);
            out["tz"] = json!(user.tz);
            out["is_restricted"] = json!(user.is_restricted);
            out["is_ultra_restricted"] = json!(user.is_ultra_restricted);
        }
        // slack.md, additions §0: false as soon as a channel is shared with the app.
        if self.is_outsider(user) {
            out["is_stranger"] = json!(!self.is_met(user));
        }
        if locale {
            out["locale"] = json!(user.locale);
        }
        out
    }

    /// What people see, as readable lines.
    pub(super) fn transcript_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for channel in self.channels.values() {
            lines.push(format!("#{} ({})", channel.name, channel.id));
            for root in channel.roots() {
                lines.push(line("  ", root));
                lines.extend(channel.replies(&root.ts).map(|reply| line("    ", reply)));
            }
        }
        lines.extend(self.ephemerals.iter().map(whisper));
        lines
    }
}

fn thread_fields(channel: &Channel, message: &Message) -> Map<String, Value> {
    let mut out = Map::new();
    let replies: Vec<&Message> = channel.replies(&message.ts).collect();
    if let (None, Some(last)) = (&message.thread_ts, replies.last()) {
        out.insert("thread_ts".to_owned(), json!(message.ts));
        out.insert("reply_count".to_owned(), json!(replies.len()));
        out.insert("latest_reply".to_owned(), json!(last.ts));
    }
    out
}

/// The reactions on a message as Slack writes them.
pub(super) fn reactions(message: &Message) -> Value {
    let each = message.reactions.iter();
    each.map(|(name, users)| json!({ "name": name, "users": users, "count": users.len() }))
        .collect()
}

fn line(indent: &str, message: &Message) -> String {
    let author = match (&message.user, &message.username) {
        (_, Some(name)) => format!("[{name}]"),
        (_, None) if message.ours => "[bridge]".to_owned(),
        (Some(user), None) => user.clone(),
        (None, None) => "?".to_owned(),
    };
    let buttons = message.buttons().into_iter().map(|button| format!("[{}]", button.text));
    let reactions = message.reactions.iter().map(|(name, who)| format!(":{name}: {}", who.len()));
    let extras: Vec<String> = buttons.chain(reactions).collect();
    format!("{indent}{} {author}: {} {}", message.ts, message.words(), extras.join(" "))
}

fn whisper(ephemeral: &Ephemeral) -> String {
    let Ephemeral { channel, user, .. } = ephemeral;
    format!("only {user} in {channel}: {}", ephemeral.words())
}
