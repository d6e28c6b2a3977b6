//! What Slack told us lately.

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;
use jiff::Timestamp;

use super::profile::Profile;
use crate::model::SlackUserId;

/// What Slack told us lately, each with when.
#[derive(Debug, Default)]
pub(super) struct Caches {
    /// People.
    pub(super) profiles: DashMap<SlackUserId, (Timestamp, Profile)>,
    /// The names of channels and the handles of groups.
    pub(super) names: DashMap<String, (Timestamp, String)>,
    /// Who is in a channel or in a group.
    pub(super) lists: DashMap<String, (Timestamp, ListedMembers)>,
    /// One reader of a list at a time: when one has become too old, many want it at once.
    pub(super) reading: tokio::sync::Mutex<()>,
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
