//! What Slack told us lately.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use super::profile::Profile;
use crate::cache::ExpiringCache;
use crate::clock::Clock;
use crate::model::{ChannelId, SlackUserId};

/// How long what we know of a person, or of the name of a channel or group, is believed.
const DIRECTORY_LIFETIME: Duration = Duration::from_mins(10);
/// How long somebody counts as there, away, or not to be disturbed: Slack tells apps of no change of
/// it (`slack.md`, additions, 5), and allows 50 questions a minute for all.
const PRESENCE_LIFETIME: Duration = Duration::from_mins(1);
/// Most people who are remembered: those who act, not all of a workspace.
const MAX_PROFILES: usize = 10_000;
/// Most names that are remembered.
const MAX_NAMES: usize = 1_000;

/// What Slack told us lately, each with when.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) profiles: ExpiringCache<SlackUserId, Profile>,
    /// The names of channels.
    pub(super) channel_names: ExpiringCache<ChannelId, String>,
    /// The handles of groups, by their ids.
    pub(super) group_handles: ExpiringCache<String, Option<String>>,
    /// Whether people are there, as Slack sees it.
    pub(super) active: ExpiringCache<SlackUserId, bool>,
    /// Whether people are not to be disturbed.
    pub(super) undisturbed: ExpiringCache<SlackUserId, bool>,
    /// Who is in a channel or in a group, with when it was asked: how old a list may be depends on
    /// what it is wanted for.
    pub(super) lists: DashMap<String, (Timestamp, ListedMembers)>,
    /// One reader of a list at a time: when one has become too old, many want it at once.
    pub(super) reading: tokio::sync::Mutex<()>,
}

impl Caches {
    /// Nothing is known yet.
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            profiles: ExpiringCache::new(clock.clone(), DIRECTORY_LIFETIME, MAX_PROFILES),
            channel_names: ExpiringCache::new(clock.clone(), DIRECTORY_LIFETIME, MAX_NAMES),
            group_handles: ExpiringCache::new(clock.clone(), DIRECTORY_LIFETIME, MAX_NAMES),
            active: ExpiringCache::new(clock.clone(), PRESENCE_LIFETIME, MAX_PROFILES),
            undisturbed: ExpiringCache::new(clock.clone(), PRESENCE_LIFETIME, MAX_PROFILES),
            lists: DashMap::new(),
            // `usergroups.users.list` is Tier 2, some 20 calls a minute (`slack.md` C.1): a burst
            // of events that each asked for the list would use them up.
            reading: tokio::sync::Mutex::default(),
        }
    }
}

/// Who is on a list.
#[derive(Clone, Debug)]
pub(super) enum ListedMembers {
    These(Arc<HashSet<String>>),
    /// Everybody who acts there: nobody tells who else is on it.
    Anybody,
}

impl ListedMembers {
    pub(super) fn has_member(&self, user: &SlackUserId) -> bool {
        match self {
            Self::These(members) => members.contains(user.as_str()),
            Self::Anybody => true,
        }
    }
}
