//! Who asks, in which language they read, and what they may do.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use crate::clock::Clock;
use crate::locale::Texts;
use crate::model::{SlackUserId, Ticket};
use crate::slack::requester::Requester;
use crate::slack::{AgentStatus, Profile, SlackClient, directory, members};

/// How long Slack is asked who somebody is, of the 3 s that a trigger lives.
const PROFILE_DEADLINE: Duration = Duration::from_millis(800);

pub(super) struct Viewer {
    /// Who they are, if Slack told in time.
    pub(super) profile: Option<Profile>,
    /// What they read, in their language.
    pub(super) texts: Texts,
}

/// Finds out who asks.
pub(crate) struct Viewers {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) clock: Clock,
    pub(crate) texts: Texts,
    /// The user group whose members are agents; all full members if there is none.
    pub(crate) agent_group: Option<String>,
}

impl Viewers {
    pub(super) async fn load_viewer(&self, by: &Requester) -> Viewer {
        let asked =
            tokio::time::timeout(PROFILE_DEADLINE, directory::fetch_profile(&self.slack, &by.user))
                .await;
        let mut profile = asked.ok().and_then(Result::ok);
        if let Some(profile) = &mut profile {
            // Slack may say with the click itself that somebody is of another company
            // (`what_slack_says_with_an_event_counts_more_than_what_was_known_before`).
            profile.workspaces.add_named(&by.named);
        }
        let locale = profile.as_ref().and_then(|profile| profile.locale.as_deref());
        Viewer { texts: self.texts.for_reader(locale), profile }
    }

    /// Whether somebody may answer a ticket's customer; `None` if Slack does not tell in time.
    pub(super) async fn check_agent_status(
        &self,
        user: &SlackUserId,
        reader: &Viewer,
        ticket: &Ticket,
    ) -> Option<AgentStatus> {
        let (profile, thread) = (reader.profile.as_ref()?, ticket.thread.as_ref()?);
        let (group, now) = (self.agent_group.as_deref(), self.clock.now());
        let asked =
            members::check_agent_status(&self.slack, (user, profile), &thread.channel, group, now);
        match tokio::time::timeout(PROFILE_DEADLINE, asked).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(error)) => {
                tracing::warn!(%error, "whether somebody is an agent could not be found out");
                None
            }
            Err(_) => None,
        }
    }

    /// Whether somebody may answer customers at all.
    pub(super) async fn may_be_agent(
        &self,
        user: &SlackUserId,
        reader: &Viewer,
    ) -> Result<bool, Error> {
        let Some(profile) = &reader.profile else { return Err(Error::Unknown) };
        let group = self.agent_group.as_deref();
        Ok(members::may_be_agent(&self.slack, user, profile, group).await?)
    }
}
