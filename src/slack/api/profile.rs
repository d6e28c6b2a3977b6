//! What we need to know of a person.

use serde_json::Value;

use super::workspace::Workspaces;
use crate::model::SlackUserId;

/// What we need to know of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The name to show.
    pub(crate) name: String,
    /// The e-mail address, if we may see it.
    pub(crate) email: Option<String>,
    /// The phone number that they show.
    pub(crate) phone: Option<String>,
    /// A full member of their workspace: no bot, no guest, not deactivated.
    pub(crate) is_full_member: bool,
    /// Which workspace that is.
    pub(crate) workspaces: Workspaces,
    /// The language that they use Slack in, such as `pt-BR`.
    pub(crate) locale: Option<String>,
}

impl Profile {
    pub(super) fn from_json(user: &Value, id: &SlackUserId) -> Self {
        let text = |pointer: &str| {
            user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
        };
        let is = |flag: &str| user.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let less =
            // `is_stranger` proves little: it is false for people of another company who share a
            // channel with us (`slack.md`, additions §0). `Workspaces` decides about these.
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
            phone: text("/profile/phone").map(str::to_owned),
            // What Slack does not answer must make nobody an agent.
            is_full_member: user.is_object() && !less.contains(&true),
            workspaces: Workspaces::from_json(user),
            locale: text("/locale").map(str::to_owned),
        }
    }
}
