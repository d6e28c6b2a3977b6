//! Who is who, and what is called what, in Slack.

use serde_json::Value;

use super::client::{HISTORY_PAGE_SIZE, ResultPage, SlackClient};
use super::error::Error;
use super::profile::Profile;
use crate::model::{ChannelId, SlackUserId};

/// What a channel is to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelAccess {
    /// Whether we may post to it.
    pub(crate) is_open: bool,
    /// Whether it is shared with another company (Slack Connect), or is about to be.
    pub(crate) is_shared_outside: bool,
    /// Why we may not post to it.
    pub(crate) obstacle: Option<ChannelObstacle>,
}

/// Why we may not post to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelObstacle {
    /// There is no such channel, as far as we can see.
    Unknown,
    Archived,
    /// We are not in it.
    NotMember,
}

/// Looks a person up (`users.info`), from memory if it was done lately.
pub(crate) async fn fetch_profile(
    slack: &SlackClient,
    user: &SlackUserId,
) -> Result<Profile, Error> {
    if let Some(profile) = slack.caches.profiles.get(user) {
        return Ok(profile);
    }
    // Without `include_locale` Slack leaves the language out, and ephemerals would all be in
    // `LOCALE`.
    let params = [("user", Some(user.as_str())), ("include_locale", Some("true"))];
    let answer: Value = slack.call_with_params("users.info", &params).await?;
    // An answer without a user becomes a profile of nobody, which is no full member: who cannot be
    // judged is no agent (`somebody_of_whom_slack_says_nothing_is_no_agent`).
    let profile = Profile::from_json(answer.get("user").unwrap_or(&Value::Null), user);
    slack.caches.profiles.insert(user.clone(), profile.clone());
    Ok(profile)
}

/// The person with this e-mail address (`users.lookupByEmail`); `None` if there is none.
pub(crate) async fn find_user_by_email(
    slack: &SlackClient,
    email: &str,
) -> Result<Option<SlackUserId>, Error> {
    let answer =
        slack.call_with_params::<Value>("users.lookupByEmail", &[("email", Some(email))]).await;
    match answer {
        Err(error) if error.is_unknown_user() => Ok(None),
        answer => {
            let answer = answer?;
            Ok(answer.pointer("/user/id").and_then(Value::as_str).and_then(SlackUserId::parse))
        }
    }
}

/// A channel's name (`conversations.info`), from memory if it was asked lately.
pub(crate) async fn fetch_channel_name(
    slack: &SlackClient,
    channel: &ChannelId,
) -> Result<String, Error> {
    if let Some(name) = slack.caches.channel_names.get(channel) {
        return Ok(name);
    }
    let params = [("channel", Some(channel.as_str()))];
    let answer: Value = slack.call_with_params("conversations.info", &params).await?;
    let name = answer.pointer("/channel/name").and_then(Value::as_str).unwrap_or_default();
    slack.caches.channel_names.insert(channel.clone(), name.to_owned());
    Ok(name.to_owned())
}

/// The handle of a user group (`usergroups.list`), from memory if it was asked lately.
pub(crate) async fn fetch_group_handle(
    slack: &SlackClient,
    group: &str,
) -> Result<Option<String>, Error> {
    if let Some(handle) = slack.caches.group_handles.get(group) {
        return Ok(handle);
    }
    // There is no method for one group, so the whole list is read and the rest of it dropped.
    let answer: Value = slack.call_with_params("usergroups.list", &[]).await?;
    let groups = answer.get("usergroups").and_then(Value::as_array);
    let mut groups = groups.into_iter().flatten();
    let found = groups.find(|known| known.get("id").and_then(Value::as_str) == Some(group));
    let handle = found.and_then(|group| group.get("handle")?.as_str()).map(str::to_owned);
    let handle = handle.filter(|handle| !handle.is_empty());
    slack.caches.group_handles.insert(group.to_owned(), handle.clone());
    Ok(handle)
}

/// The id of a channel that was configured by name (`conversations.list`).
pub(crate) async fn find_channel_by_name(
    slack: &SlackClient,
    name: &str,
) -> Result<ChannelId, Error> {
    const LIST_CHANNELS_METHOD: &str = "conversations.list";
    let mut cursor: Option<String> = None;
    loop {
        let params = [
            ("types", Some("public_channel,private_channel")),
            // A new channel may take the name of an archived one, and it is the new one that is
            // meant (`a_channel_that_takes_the_name_of_a_lost_one_gets_the_tickets`).
            ("exclude_archived", Some("true")),
            ("limit", Some(HISTORY_PAGE_SIZE)),
            ("cursor", cursor.as_deref()),
        ];
        let page: ResultPage = slack.call_with_params(LIST_CHANNELS_METHOD, &params).await?;
        let found =
            page.channels.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(name));
        if let Some(id) = found.and_then(|c| ChannelId::parse(c.get("id")?.as_str()?)) {
            // Inside the bridge a channel keeps its first id: keys and links are derived from it.
            return Ok(slack.renames().first_id(&id));
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

/// Whether we may post to a channel, and who else reads it (`conversations.info`).
pub(crate) async fn check_channel_access(
    slack: &SlackClient,
    channel: &ChannelId,
) -> Result<ChannelAccess, Error> {
    let params = [("channel", Some(channel.as_str()))];
    let answer: Value = match slack.call_with_params("conversations.info", &params).await {
        // Slack says `channel_not_found` of a private channel that we are not in, too (`slack.md`
        // C.5): it is told as an obstacle, for which people can do something, and not as a failed
        // call.
        Err(error) if error.is_channel_lost() => {
            let obstacle = Some(ChannelObstacle::Unknown);
            return Ok(ChannelAccess { obstacle, ..ChannelAccess::default() });
        }
        answer => answer?,
    };
    let flag = |flag: &str| answer.pointer(&format!("/channel/{flag}"))?.as_bool();
    let is = |name| flag(name) == Some(true);
    let obstacle = if is("is_archived") {
        Some(ChannelObstacle::Archived)
    } else {
        // Only a clear no counts: a far end that leaves the field out must not close every channel.
        (flag("is_member") == Some(false)).then_some(ChannelObstacle::NotMember)
    };
    Ok(ChannelAccess {
        obstacle,
        is_open: obstacle.is_none(),
        // A pending invitation counts already: the people of the other company come without further
        // notice.
        is_shared_outside: is("is_ext_shared") || is("is_pending_ext_shared"),
    })
}
