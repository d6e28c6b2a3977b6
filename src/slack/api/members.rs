//! Who is in a channel or in a user group, and so who may answer customers.
//!
//! The one rule of who is an agent (one of our own people who is a full member of the ticket's
//! channel, or of the team's user group) is here, so that a dialog, a move and a message in a
//! thread are judged alike.
//!
//! Lists are kept for a while, because they are asked for at every event. That somebody is on a
//! list is believed for some minutes, and for longer while Slack does not tell; that somebody is
//! not on it, only if the list is newer than what they did: who has just joined is in.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::caches::ListedMembers;
use super::client::SlackClient;
use super::directory;
use super::error::Error;
use super::profile::Profile;
use crate::model::{ChannelId, Failure, Fault, SlackUserId};

/// How long it is believed that somebody is on a list.
const MEMBERSHIP_LIFETIME: Duration = Duration::from_mins(10);
/// How long it is believed while Slack does not tell: a busy Slack must not stop the agents.
const STALE_LIST_LIFETIME: Duration = Duration::from_hours(1);
/// How long it is believed that somebody is not in a user group: people outside of it write in
/// threads all day, and Slack tells only 20 times a minute (`slack.md` C.1).
const GROUP_ABSENCE_LIFETIME: Duration = Duration::from_secs(30);
/// How old a list may be of whom tickets are given to: who has joined is asked within a minute.
const AGENT_LIST_LIFETIME: Duration = Duration::from_mins(1);
/// Most members of a channel that Slack puts on a page.
const MEMBER_PAGE_SIZE: &str = "1000";
/// The code of an answer without anybody in it.
const NO_MEMBERS: &str = "no_members";
/// Most pages of members that are read.
const MAX_PAGES: usize = 50;

/// Whether somebody may answer the customers of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentStatus {
    Agent,
    /// They could, were they in the channel.
    Away,
    Outsider,
    /// Nobody may: Slack knows no such user group of agents.
    NoGroup,
}

impl AgentStatus {
    pub(crate) fn is_agent(self) -> bool {
        self == Self::Agent
    }

    /// The text that tells somebody that they may not do something.
    pub(crate) fn refusal_key(self) -> Option<&'static str> {
        match self {
            Self::Agent => None,
            Self::Away => Some("ask-not-in-channel"),
            Self::Outsider => Some("ask-not-agent-move"),
            Self::NoGroup => Some("ask-no-group"),
        }
    }
}

/// Whose members are wanted.
#[derive(Clone, Copy)]
enum MemberList<'a> {
    Channel(&'a ChannelId),
    Group(&'a str),
}

impl MemberList<'_> {
    fn cache_key(self) -> String {
        match self {
            Self::Channel(channel) => format!("channel {channel}"),
            Self::Group(group) => format!("group {group}"),
        }
    }
}

/// Whether somebody may answer the customers of a channel: one of our own people who is in it
/// or, if agents are in a user group, who is in that.
///
/// `since` is when they did what they are asked about: a list that is older does not prove
/// that they were not on it.
pub(crate) async fn check_agent_status(
    slack: &SlackClient,
    (user, profile): (&SlackUserId, &Profile),
    channel: &ChannelId,
    group: Option<&str>,
    since: Timestamp,
) -> Result<AgentStatus, Error> {
    match may_be_agent(slack, user, profile, group).await {
        Err(error) if error.is_unknown_group() => return Ok(AgentStatus::NoGroup),
        Ok(false) => return Ok(AgentStatus::Outsider),
        Err(error) => return Err(error),
        Ok(true) => {}
    }
    // A group is the team's own statement of who its agents are; a channel's members are only taken
    // for it, so there it is the channel that is asked.
    if group.is_some() || is_in_channel(slack, channel, user, since).await? {
        return Ok(AgentStatus::Agent);
    }
    Ok(AgentStatus::Away)
}

/// Whether somebody may answer customers in some channel.
pub(crate) async fn may_be_agent(
    slack: &SlackClient,
    user: &SlackUserId,
    profile: &Profile,
    group: Option<&str>,
) -> Result<bool, Error> {
    // Slack Connect brings people of other companies into the channel, and no flag of theirs says
    // so (`slack.md`, additions §1; `somebody_of_another_company_is_no_agent_on_any_surface`).
    if !profile.is_full_member || !profile.workspaces.is_ours(slack.ensure_identity().await?) {
        return Ok(false);
    }
    match group {
        None => Ok(true),
        Some(group) => {
            is_listed(slack, MemberList::Group(group), user, slack.now() - GROUP_ABSENCE_LIFETIME)
                .await
        }
    }
}

/// Everybody who may answer the customers of a channel and sees it, with what Slack says of them: its
/// full members of our own people and, if agents are in a user group, of that too. Nobody where Slack
/// does not tell who is in the channel.
pub(crate) async fn list_agents(
    slack: &SlackClient,
    channel: &ChannelId,
    group: Option<&str>,
) -> Result<Vec<(SlackUserId, Profile)>, Error> {
    let mut users = read_recent_list(slack, MemberList::Channel(channel)).await?;
    if let Some(group) = group {
        let listed = read_recent_list(slack, MemberList::Group(group)).await?;
        users.retain(|user| listed.contains(user));
    }
    let mut agents = Vec::new();
    for user in users.into_iter().filter(|user| !slack.is_us(user)) {
        let profile = match directory::fetch_profile(slack, &user).await {
            Err(error) if error.is_unknown_user() => continue,
            profile => profile?,
        };
        if may_be_agent(slack, &user, &profile, None).await? {
            agents.push((user, profile));
        }
    }
    Ok(agents)
}

async fn read_recent_list(
    slack: &SlackClient,
    list: MemberList<'_>,
) -> Result<BTreeSet<SlackUserId>, Error> {
    let (key, asked) = (list.cache_key(), slack.now());
    let _turn = slack.caches.reading.lock().await;
    let known = slack.caches.lists.get(&key).map(|entry| entry.clone());
    let members = match known.filter(|(at, _)| asked < *at + AGENT_LIST_LIFETIME) {
        Some((_, ListedMembers::These(members))) => members,
        Some((_, ListedMembers::Anybody)) => return Ok(BTreeSet::new()),
        None => {
            let members = Arc::new(read_list(slack, list).await?);
            let listed = ListedMembers::These(Arc::clone(&members));
            slack.caches.lists.insert(key, (asked, listed));
            members
        }
    };
    Ok(members.iter().filter_map(|user| SlackUserId::parse(user)).collect())
}

/// Whether Slack knows a user group.
pub(crate) async fn has_group(slack: &SlackClient, group: &str) -> Result<bool, Error> {
    match read_list(slack, MemberList::Group(group)).await {
        Err(error) if error.is_unknown_group() => Ok(false),
        listed => listed.map(|_| true),
    }
}

/// Everybody in a channel (`conversations.members`).
pub(crate) async fn list_channel_members(
    slack: &SlackClient,
    channel: &ChannelId,
) -> Result<BTreeSet<SlackUserId>, Error> {
    let members = read_list(slack, MemberList::Channel(channel)).await?;
    Ok(members.iter().filter_map(|user| SlackUserId::parse(user)).collect())
}

/// Everybody in a user group (`usergroups.users.list`).
pub(crate) async fn list_group_members(
    slack: &SlackClient,
    group: &str,
) -> Result<BTreeSet<SlackUserId>, Error> {
    let members = read_list(slack, MemberList::Group(group)).await?;
    Ok(members.iter().filter_map(|user| SlackUserId::parse(user)).collect())
}

/// Whether somebody is in a channel (`conversations.members`). That they are not is believed
/// only of a list that was read since the given time.
pub(crate) async fn is_in_channel(
    slack: &SlackClient,
    channel: &ChannelId,
    user: &SlackUserId,
    since: Timestamp,
) -> Result<bool, Error> {
    is_listed(slack, MemberList::Channel(channel), user, since).await
}

async fn is_listed(
    slack: &SlackClient,
    list: MemberList<'_>,
    user: &SlackUserId,
    since: Timestamp,
) -> Result<bool, Error> {
    let key = list.cache_key();
    if let Some(known) = cached_membership(slack, &key, user, since) {
        return Ok(known);
    }
    let _turn = slack.caches.reading.lock().await;
    // Whoever waited for the lock finds the list that was read meanwhile.
    if let Some(known) = cached_membership(slack, &key, user, since) {
        return Ok(known);
    }
    // The list is as old as the question, not as the answer.
    let asked = slack.now();
    match read_list(slack, list).await {
        Ok(members) => {
            let listed = ListedMembers::These(Arc::new(members));
            let is_on = listed.has_member(user);
            slack.caches.lists.insert(key, (asked, listed));
            Ok(is_on)
        }
        // Only who was on the last list goes on: a Slack that is down must neither stop the agents
        // nor let anybody in (`while_slack_does_not_tell_nobody_slips_in_and_no_agent_is_lost`).
        Err(error) if was_listed(slack, &key, user) && !is_permanent(&error) => {
            tracing::warn!(%error, "slack does not tell who is in {key}; the last list goes on");
            Ok(true)
        }
        Err(error) if matches!(list, MemberList::Channel(_)) && is_list_unavailable(&error) => {
            tracing::warn!(%error, "nobody tells who is in {key}: who acts there is taken to be");
            slack.caches.lists.insert(key, (asked, ListedMembers::Anybody));
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

async fn read_list(slack: &SlackClient, list: MemberList<'_>) -> Result<HashSet<String>, Error> {
    match list {
        MemberList::Group(group) => {
            let params = [("usergroup", Some(group))];
            let answer: Value = slack.call_with_params("usergroups.users.list", &params).await?;
            Ok(string_entries(&answer, "users").collect())
        }
        MemberList::Channel(channel) => read_members(slack, channel).await,
    }
}

async fn read_members(slack: &SlackClient, channel: &ChannelId) -> Result<HashSet<String>, Error> {
    const LIST_MEMBERS_METHOD: &str = "conversations.members";
    let (mut members, mut cursor) = (HashSet::new(), None::<String>);
    for _ in 0..MAX_PAGES {
        let params = [
            ("channel", Some(channel.as_str())),
            ("limit", Some(MEMBER_PAGE_SIZE)),
            ("cursor", cursor.as_deref()),
        ];
        let answer: Value = slack.call_with_params(LIST_MEMBERS_METHOD, &params).await?;
        members.extend(string_entries(&answer, "members"));
        let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str);
        cursor = next.filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        if cursor.is_none() && members.is_empty() {
            // The app itself is in the channel.
            return Err(Error::Api { method: LIST_MEMBERS_METHOD, code: NO_MEMBERS.to_owned() });
        }
        if cursor.is_none() {
            return Ok(members);
        }
    }
    // Half a list proves nothing about those who are not on it.
    Err(Error::Api { method: LIST_MEMBERS_METHOD, code: "too_many_members".to_owned() })
}

/// What a list that was read lately says, if it is to be believed.
fn cached_membership(
    slack: &SlackClient,
    key: &str,
    user: &SlackUserId,
    since: Timestamp,
) -> Option<bool> {
    let (at, listed) = slack.caches.lists.get(key).map(|entry| entry.clone())?;
    let is_on = listed.has_member(user);
    // Who has left stays an agent for some minutes, which hurts nobody; who has just joined must
    // not be turned away by an old list (`who_joins_is_an_agent_at_once`).
    let is_believed = if is_on { slack.now() < at + MEMBERSHIP_LIFETIME } else { at >= since };
    is_believed.then_some(is_on)
}

fn was_listed(slack: &SlackClient, key: &str, user: &SlackUserId) -> bool {
    let known = slack.caches.lists.get(key).map(|entry| entry.clone());
    known.is_some_and(|(at, listed)| {
        slack.now() < at + STALE_LIST_LIFETIME && listed.has_member(user)
    })
}

/// Whether this is not Slack but something that stands in its place and does not know the method.
/// Then everybody who can act in a channel counts as being in it: Slack itself shows a private
/// channel only to its members, and lets only members write in a public one.
fn is_list_unavailable(error: &Error) -> bool {
    matches!(error.code(), Some("unknown_method" | NO_MEMBERS))
}

/// Whether Slack will not tell later either.
fn is_permanent(error: &Error) -> bool {
    match error.to_fault() {
        Fault::Refused { .. } | Fault::Broken | Fault::Credentials => true,
        Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown => false,
    }
}

fn string_entries(answer: &Value, field: &str) -> impl Iterator<Item = String> {
    let entries = answer.get(field).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_str).map(str::to_owned)
}
