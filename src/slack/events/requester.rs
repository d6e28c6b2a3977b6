//! Who acts, and what Slack calls their workspace when it tells of it.

use serde_json::Value;

use crate::model::SlackUserId;

/// Where an event, an interaction or a command names the workspace of who did it (`slack.md`,
/// additions §1). Not in the envelope: its `team_id` is about the delivery.
const WORKSPACE_POINTERS: [&str; 9] = [
    "/event/team",
    "/event/user_team",
    "/event/source_team",
    "/event/user_profile/team",
    "/event/message/team",
    "/event/message/user_team",
    "/event/message/source_team",
    "/event/message/user_profile/team",
    "/user/team_id",
];

/// Who asks for something that is answered on the spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requester {
    pub(crate) user: SlackUserId,
    /// What Slack calls their workspace when it tells that they ask.
    pub(crate) named: Vec<String>,
}

impl Requester {
    /// Reads who is behind an interaction or a command.
    pub(crate) fn parse(body: &Value) -> Option<Self> {
        let user = string_at(body, "/user/id").or_else(|| string_at(body, "/user_id"))?;
        Some(Self { user: SlackUserId::parse(&user)?, named: list_named_workspaces(body) })
    }
}

/// What an event, an interaction or a command calls the workspace of who did it.
pub(crate) fn list_named_workspaces(body: &Value) -> Vec<String> {
    // A command names the team of who typed it.
    // The same field of an interaction is where it was pressed.
    let typed = body.get("command").and_then(|_| string_at(body, "/team_id"));
    WORKSPACE_POINTERS.iter().filter_map(|pointer| string_at(body, pointer)).chain(typed).collect()
}

fn string_at(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
