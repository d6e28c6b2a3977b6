//! Whose person somebody is: of our own workspace or organisation, or of another company.
//!
//! Slack Connect brings people of other companies into our channels. Nothing else marks them:
//! they are full members of their own workspace, and `is_stranger` is false for whoever shares a
//! channel with the app (`slack.md`, additions §0 and §1).

use serde_json::Value;

use super::identity::Identity;

/// The workspaces of a person, as far as Slack tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workspaces {
    /// The one that they belong to; the organisation itself for some people of an Enterprise Grid.
    home: Option<String>,
    /// Those of their organisation that they are in.
    joined: Vec<String>,
    organisation: Option<String>,
    /// What else Slack has called their workspace, when it told of something that they did.
    named: Vec<String>,
}

impl Workspaces {
    /// Reads the user object of `users.info`.
    pub(crate) fn from_json(user: &Value) -> Self {
        let joined = user.pointer("/enterprise_user/teams").and_then(Value::as_array);
        Self {
            home: string_at(user, "/team_id"),
            joined: joined.into_iter().flatten().filter_map(|team| string_at(team, "")).collect(),
            organisation: string_at(user, "/enterprise_user/enterprise_id"),
            named: Vec::new(),
        }
    }

    /// Adds what an event of this person calls their workspace.
    pub(crate) fn add_named(&mut self, named: &[String]) {
        self.named.extend_from_slice(named);
    }

    /// Whether somebody with these workspaces is one of us. Who is of no workspace that Slack
    /// tells of is not, and neither is whom an event places in a workspace that is not theirs.
    pub(crate) fn is_ours(&self, us: &Identity) -> bool {
        let is_ours = |team: &String| us.team_id.as_ref() == Some(team);
        let organisation = us.enterprise_id.as_ref();
        // Installed for one workspace only, other workspaces of the organisation are other teams,
        // who share a channel with ours at most.
        let is_colleague = us.is_enterprise_install
            && organisation.is_some()
            && (self.organisation.as_ref() == organisation || self.home.as_ref() == organisation);
        let is_known = |team: &String| {
            is_ours(team)
                || self.joined.contains(team)
                || [self.home.as_ref(), self.organisation.as_ref()].contains(&Some(team))
                || organisation == Some(team)
        };
        let is_member = self.home.iter().chain(&self.joined).any(is_ours);
        // What an event says counts beside the profile, which may be ten minutes old
        // (`what_slack_says_with_an_event_counts_more_than_what_was_known_before`).
        (is_member || is_colleague) && self.named.iter().all(is_known)
    }
}

fn string_at(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::slack::events::requester::list_named_workspaces;

    fn us(is_enterprise_install: bool) -> Identity {
        let enterprise = Some("E1").filter(|_| is_enterprise_install);
        serde_json::from_value(json!({"user_id": "UBOT", "team_id": "T1",
            "enterprise_id": enterprise, "is_enterprise_install": is_enterprise_install}))
        .unwrap()
    }

    #[test]
    fn who_is_of_our_workspace_or_organisation_is_ours() {
        let grid = |organisation: &str, teams: &[&str]| {
            json!({"team_id": "T2",
                "enterprise_user": {"enterprise_id": organisation, "teams": teams}})
        };
        for (user, in_workspace, in_organisation) in [
            (json!({"team_id": "T1"}), true, true),
            (json!({"team_id": "T1", "is_stranger": true}), true, true),
            (json!({"team_id": "T2", "is_stranger": false}), false, false),
            (grid("E1", &["T2", "T1"]), true, true),
            (grid("E1", &["T2"]), false, true),
            (grid("E2", &["T2"]), false, false),
            (grid("", &[""]), false, false),
            (json!({"enterprise_user": {"teams": ["T1"]}}), true, true),
            (json!({"team_id": "E1"}), false, true),
            (json!({"team_id": "", "enterprise_user": null}), false, false),
            (json!({}), false, false),
        ] {
            let workspaces = Workspaces::from_json(&user);
            assert_eq!(workspaces.is_ours(&us(false)), in_workspace, "{user}");
            assert_eq!(workspaces.is_ours(&us(true)), in_organisation, "{user}");
        }
    }

    #[test]
    fn who_we_are_must_be_told_for_anybody_to_be_ours() {
        let unknown: Identity = serde_json::from_value(json!({"user_id": "UBOT"})).unwrap();
        for user in [json!({}), json!({"team_id": "T1"}), json!({"team_id": ""})] {
            assert!(!Workspaces::from_json(&user).is_ours(&unknown), "{user}");
        }
    }

    #[test]
    fn an_event_that_names_a_workspace_which_is_not_theirs_counts_more() {
        let grid = json!({"team_id": "T2",
            "enterprise_user": {"enterprise_id": "E1", "teams": ["T1", "T2"]}});
        for (body, is_ours) in [
            (json!({"event": {"user": "U1"}, "team_id": "T9"}), true),
            (json!({"event": {"team": "T1", "user_team": "T2", "source_team": "E1"}}), true),
            (json!({"event": {"user_team": "T9"}}), false),
            (json!({"event": {"team": "T1", "source_team": "T9"}}), false),
            (json!({"event": {"user_profile": {"team": "T9"}}}), false),
            (json!({"event": {"message": {"user_team": "T9"}}}), false),
            (json!({"user": {"team_id": "T9"}, "team": {"id": "T1"}}), false),
            (json!({"user": {"team_id": "T2"}, "team": {"id": "T9"}}), true),
            (json!({"command": "/blip", "team_id": "T9"}), false),
            (json!({"command": "/blip", "team_id": "T1"}), true),
        ] {
            let mut workspaces = Workspaces::from_json(&grid);
            workspaces.add_named(&list_named_workspaces(&body));
            assert_eq!(workspaces.is_ours(&us(false)), is_ours, "{body}");
        }
    }
}
