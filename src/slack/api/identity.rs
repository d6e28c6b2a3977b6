//! Who we are in Slack, as it tells us itself.

use serde::Deserialize;

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
