//! Whether people are at their desks, as far as Slack tells.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::SlackClient;
use super::error::Error;
use crate::model::{ChannelId, SlackUserId};

/// What lets us see who is not to be disturbed.
const DND_SCOPE: &str = "dnd:read";
/// What lets us write to people directly.
const DIRECT_SCOPE: &str = "im:write";
/// Most people whom Slack tells of at once (`slack.md`, additions, 5).
const DND_PAGE_SIZE: usize = 50;

/// Which of these people are not to be disturbed (`dnd.teamInfo`), from memory if it was asked within
/// the last minute. A workspace that has not granted the scope yet has nobody who is not.
///
/// Slack tells the hours that somebody has set, not that they have paused notifications by hand: that
/// is told to nobody but themselves.
pub(crate) async fn list_undisturbed(
    slack: &SlackClient,
    users: &[SlackUserId],
) -> Result<HashSet<SlackUserId>, Error> {
    let granted = slack.health().granted_scopes();
    if granted.is_some_and(|granted| !granted.contains(DND_SCOPE)) {
        return Ok(HashSet::new());
    }
    let unknown: Vec<&SlackUserId> =
        users.iter().filter(|user| slack.caches.undisturbed.get(*user).is_none()).collect();
    // One call for many: `dnd.teamInfo` is Tier 2, some 20 a minute (`slack.md`, additions §5).
    for some in unknown.chunks(DND_PAGE_SIZE) {
        let names = some.iter().map(|user| user.as_str()).collect::<Vec<_>>().join(",");
        let params = [("users", Some(names.as_str()))];
        let answer = match slack.call_with_params::<Value>("dnd.teamInfo", &params).await {
            Err(error) if error.code() == Some("missing_scope") => Value::Null,
            answer => answer?,
        };
        let now = slack.now();
        for user in some {
            let told = answer.pointer(&format!("/users/{user}")).unwrap_or(&Value::Null);
            slack.caches.undisturbed.insert((*user).clone(), is_undisturbed(told, now));
        }
    }
    let is_so = |user: &&SlackUserId| slack.caches.undisturbed.get(*user) == Some(true);
    Ok(users.iter().filter(is_so).cloned().collect())
}

/// Whether somebody is active in Slack (`users.getPresence`), from memory if it was asked within the
/// last minute. Slack calls people away who work, after half an hour without a key pressed in it.
pub(crate) async fn is_active(slack: &SlackClient, user: &SlackUserId) -> Result<bool, Error> {
    if let Some(known) = slack.caches.active.get(user) {
        return Ok(known);
    }
    let params = [("user", Some(user.as_str()))];
    let answer: Value = slack.call_with_params("users.getPresence", &params).await?;
    // Presence changes are told nowhere (`slack.md`, additions §5), so it is asked for when a
    // ticket is about to be given. Only a clear `away` counts: an odd answer must not leave
    // everybody without.
    let is_active = answer.get("presence").and_then(Value::as_str) != Some("away");
    slack.caches.active.insert(user.clone(), is_active);
    Ok(is_active)
}

/// Whether we may write to people directly; so it is where Slack has not told our scopes.
pub(crate) fn may_send_direct_messages(slack: &SlackClient) -> bool {
    slack.health().granted_scopes().is_none_or(|granted| granted.contains(DIRECT_SCOPE))
}

/// The channel of our direct messages to somebody (`conversations.open`), which is always the same.
pub(crate) async fn open_direct_channel(
    slack: &SlackClient,
    user: &SlackUserId,
) -> Result<ChannelId, Error> {
    const OPEN_CHANNEL_METHOD: &str = "conversations.open";
    let body = json!({"users": user.as_str()});
    let answer: Value = slack.call_with_body(OPEN_CHANNEL_METHOD, &body).await?;
    let id = answer.pointer("/channel/id").and_then(Value::as_str).and_then(ChannelId::parse);
    let unnamed =
        || Error::Api { method: OPEN_CHANNEL_METHOD, code: "channel_not_found".to_owned() };
    id.ok_or_else(unnamed)
}

fn is_undisturbed(told: &Value, now: Timestamp) -> bool {
    let second = |field: &str| told.get(field).and_then(Value::as_i64).unwrap_or_default();
    let is_enabled = told.get("dnd_enabled").and_then(Value::as_bool) == Some(true);
    let hours = second("next_dnd_start_ts")..second("next_dnd_end_ts");
    is_enabled && hours.contains(&now.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_undisturbed_within_their_hours() {
        let now = Timestamp::from_second(1_000).unwrap();
        for (told, expected) in [
            (json!({"dnd_enabled": true, "next_dnd_start_ts": 900, "next_dnd_end_ts": 1100}), true),
            (
                json!({"dnd_enabled": true, "next_dnd_start_ts": 900, "next_dnd_end_ts": 1000}),
                false,
            ),
            (
                json!({"dnd_enabled": true, "next_dnd_start_ts": 1001, "next_dnd_end_ts": 2000}),
                false,
            ),
            (json!({"dnd_enabled": false, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1}), false),
            (json!({"dnd_enabled": true}), false),
            (Value::Null, false),
        ] {
            assert_eq!(is_undisturbed(&told, now), expected, "{told}");
        }
    }
}
