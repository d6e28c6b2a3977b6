//! Who is who, and what is called what, in Slack.

use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use serde_json::Value;

use super::client::{HISTORY_PAGE_SIZE, ResultPage, SlackClient};
use super::error::Error;
use crate::model::{ChannelId, SlackUserId};
use crate::slack::events::workspace::Workspaces;

/// How long what we know of a person, or of the name of a channel or group, is believed.
const DIRECTORY_LIFETIME: Duration = Duration::from_mins(10);

/// What we need to know of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The name to show.
    pub(crate) name: String,
    /// The e-mail address, if we may see it.
    pub(crate) email: Option<String>,
    /// A full member of their workspace: no bot, no guest, not deactivated.
    pub(crate) is_full_member: bool,
    /// Which workspace that is.
    pub(crate) workspaces: Workspaces,
    /// The language that they use Slack in, such as `pt-BR`.
    pub(crate) locale: Option<String>,
}

/// What we were told lately.
#[derive(Debug, Default)]
pub(super) struct Directory {
    profiles: DashMap<SlackUserId, (Timestamp, Profile)>,
    names: DashMap<String, (Timestamp, String)>,
}

impl SlackClient {
    /// Looks a person up (`users.info`), from memory if it was done lately.
    pub(crate) async fn fetch_profile(&self, user: &SlackUserId) -> Result<Profile, Error> {
        let now = self.now();
        let known = self.directory.profiles.get(user).map(|entry| entry.clone());
        if let Some((at, profile)) = known
            && now < at + DIRECTORY_LIFETIME
        {
            return Ok(profile);
        }
        let params = [("user", Some(user.as_str())), ("include_locale", Some("true"))];
        let answer: Value = self.call_with_params("users.info", &params).await?;
        let profile = Profile::from_json(answer.get("user").unwrap_or(&Value::Null), user);
        self.directory.profiles.insert(user.clone(), (now, profile.clone()));
        Ok(profile)
    }

    /// The person with this e-mail address (`users.lookupByEmail`); `None` if there is none.
    pub(crate) async fn find_user_by_email(
        &self,
        email: &str,
    ) -> Result<Option<SlackUserId>, Error> {
        let answer =
            self.call_with_params::<Value>("users.lookupByEmail", &[("email", Some(email))]).await;
        match answer {
            Err(error) if error.is_unknown_user() => Ok(None),
            answer => {
                let answer = answer?;
                Ok(answer.pointer("/user/id").and_then(Value::as_str).and_then(SlackUserId::parse))
            }
        }
    }

    /// A channel's name (`conversations.info`), from memory if it was asked lately.
    pub(crate) async fn fetch_channel_name(&self, channel: &ChannelId) -> Result<String, Error> {
        let now = self.now();
        let known = self.directory.names.get(channel.as_str()).map(|entry| entry.clone());
        if let Some((at, name)) = known
            && now < at + DIRECTORY_LIFETIME
        {
            return Ok(name);
        }
        let params = [("channel", Some(channel.as_str()))];
        let answer: Value = self.call_with_params("conversations.info", &params).await?;
        let name = answer.pointer("/channel/name").and_then(Value::as_str).unwrap_or_default();
        self.directory.names.insert(channel.as_str().to_owned(), (now, name.to_owned()));
        Ok(name.to_owned())
    }

    /// The handle of a user group (`usergroups.list`), from memory if it was asked lately.
    pub(crate) async fn fetch_group_handle(&self, group: &str) -> Result<Option<String>, Error> {
        let now = self.now();
        let key = format!("handle:{group}");
        let known = self.directory.names.get(&key).map(|entry| entry.clone());
        if let Some((at, handle)) = known
            && now < at + DIRECTORY_LIFETIME
        {
            return Ok(Some(handle).filter(|handle| !handle.is_empty()));
        }
        let answer: Value = self.call_with_params("usergroups.list", &[]).await?;
        let groups = answer.get("usergroups").and_then(Value::as_array);
        let mut groups = groups.into_iter().flatten();
        let found = groups.find(|known| known.get("id").and_then(Value::as_str) == Some(group));
        let handle = found.and_then(|group| group.get("handle")?.as_str()).unwrap_or_default();
        self.directory.names.insert(key, (now, handle.to_owned()));
        Ok(Some(handle.to_owned()).filter(|handle| !handle.is_empty()))
    }

    /// The id of a channel that was configured by name (`conversations.list`).
    pub(crate) async fn find_channel_by_name(&self, name: &str) -> Result<ChannelId, Error> {
        const LIST_CHANNELS_METHOD: &str = "conversations.list";
        let mut cursor: Option<String> = None;
        loop {
            let params = [
                ("types", Some("public_channel,private_channel")),
                ("exclude_archived", Some("true")),
                ("limit", Some(HISTORY_PAGE_SIZE)),
                ("cursor", cursor.as_deref()),
            ];
            let page: ResultPage = self.call_with_params(LIST_CHANNELS_METHOD, &params).await?;
            let found =
                page.channels.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(name));
            if let Some(id) = found.and_then(|c| ChannelId::parse(c.get("id")?.as_str()?)) {
                return Ok(self.renames().first_id(&id));
            }
            cursor = page.next_cursor();
            if cursor.is_none() {
                return Err(Error::Api {
                    method: LIST_CHANNELS_METHOD,
                    code: "channel_not_found".to_owned(),
                });
            }
        }
    }
}

impl Profile {
    fn from_json(user: &Value, id: &SlackUserId) -> Self {
        let text = |pointer: &str| {
            user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
        };
        let is = |flag: &str| user.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let less =
            ["is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "deleted"].map(is);
        // The full name, because customers read it too; the display name may be a joke of the team.
        let name = text("/profile/real_name")
            .or_else(|| text("/real_name"))
            .or_else(|| text("/profile/display_name"))
            .or_else(|| text("/name"))
            .unwrap_or(id.as_str());
        Self {
            name: name.to_owned(),
            email: text("/profile/email").map(str::to_owned),
            is_full_member: user.is_object() && !less.contains(&true),
            workspaces: Workspaces::from_json(user),
            locale: text("/locale").map(str::to_owned),
        }
    }
}
