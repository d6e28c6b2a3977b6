//! What people switch on and off for themselves on their home tab.

use serde_json::Value;

use super::json::text_at;
use super::requester::Requester;
use crate::model::PersonalSwitch;
use crate::slack::views::ids::SWITCHES_ACTION_ID;

/// Somebody ticked or unticked something: which of their switches are on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchRequest {
    pub(crate) by: Requester,
    /// The switches that are on; all others are off. Slack tells the whole state, so that two presses
    /// that overtake each other do not undo each other.
    pub(crate) on: Vec<PersonalSwitch>,
}

/// Reads a press on the switches of a home tab.
pub(super) fn parse_switches(body: &Value) -> Option<SwitchRequest> {
    let action = body.pointer("/actions/0")?;
    if text_at(action, "/action_id")? != SWITCHES_ACTION_ID {
        return None;
    }
    let ticked = action.get("selected_options")?.as_array()?;
    let ticked: Vec<&str> = ticked.iter().filter_map(|option| text_at(option, "/value")).collect();
    let is_on = |switch: &PersonalSwitch| ticked.contains(&switch.name());
    let on = PersonalSwitch::ALL.into_iter().filter(is_on).collect();
    Some(SwitchRequest { by: Requester::parse(body)?, on })
}
