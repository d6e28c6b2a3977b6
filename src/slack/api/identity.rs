//! Who we are in Slack, as it tells us itself.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::model::SlackUserId;

/// Who we are in Slack.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    /// Our app as the author of messages, also of such as have another name.
    pub(crate) bot_id: Option<String>,
    pub(crate) team_id: Option<String>,
    /// The organisation of an Enterprise Grid that it belongs to.
    pub(crate) enterprise_id: Option<String>,
    /// Whether we are installed for that whole organisation.
    #[serde(default)]
    pub(crate) is_enterprise_install: bool,
    /// Where the workspace is on the web.
    pub(crate) url: Option<String>,
}

/// Who we are in Slack, for all who have to tell our own doings from those of people; nobody before Slack
/// has said so.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnIdentity(Arc<OnceLock<Identity>>);

impl OwnIdentity {
    /// Who we are, if Slack has said so.
    pub(super) fn get(&self) -> Option<&Identity> {
        self.0.get()
    }

    /// Keeps what Slack has said. False if it had said so before.
    pub(super) fn set(&self, identity: Identity) -> bool {
        self.0.set(identity).is_ok()
    }

    /// Whether this is our own bot user.
    pub(crate) fn is_us(&self, user: &SlackUserId) -> bool {
        self.get().is_some_and(|us| us.user_id == user.as_str())
    }
}
