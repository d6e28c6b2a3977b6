//! Whether Slack lets the bridge work: token, scopes, clock, channels, user groups, events.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::finding::Finding;
use crate::app::PlatformAccess;
use crate::config::{Agents, Config, SlackConfig};
use crate::manifest;
use crate::model::{BotName, ChannelId, ChannelRef, Failure, Fault};
use crate::slack::{
    ChannelAccess, ChannelObstacle, Error, SlackClient, directory, members, socket,
};

const TOKEN: &str = "slack-token";
const SCOPES: &str = "slack-scopes";
const CHANNEL: &str = "slack-channel";
const GROUP: &str = "slack-group";
const EVENTS: &str = "slack-events";
const SOCKET_MODE: &str = "slack-socket-mode";
const SIGNING_SECRET: &str = "slack-signing-secret";

/// Scopes that tickets do without, and what is not there then.
const OPTIONAL_SCOPES: [(&str, &str); 8] = [
    ("chat:write.customize", "customers are no authors of their messages"),
    ("commands", "there is no /blip and no shortcut"),
    ("dnd:read", "with ASSIGN, tickets are given to people who are not to be disturbed, too"),
    ("files:read", "files of agents reach no customer"),
    ("files:write", "files of customers are links"),
    ("im:history", "a direct message whose outcome is unknown may be sent twice"),
    ("im:write", "agents who are away have no direct messages"),
    (GROUP_SCOPE, "user groups are shown by their ids"),
];
/// The scope without which nobody can be told by a user group.
const GROUP_SCOPE: &str = "usergroups:read";

/// The length of a Signing Secret as Slack makes them.
const SIGNING_SECRET_LENGTH: usize = 32;

/// What Slack's pages for the app are called there.
const APP_PAGES: &str = "the app's pages (https://api.slack.com/apps)";

/// Checks all that these settings say of Slack. `heard` is when an event of Slack came in last.
pub(super) async fn check_everything(
    config: &Config,
    access: &PlatformAccess,
    slack: &SlackClient,
    heard: Option<Timestamp>,
) -> Vec<Finding> {
    // First, as every answer of Slack's also tells the scopes and the time that are checked below.
    let mut findings = check_token(config, slack).await;
    findings.push(check_way_of_events(config, access).await);
    if slack.has_identity() {
        for (variable, channel) in list_channels(config) {
            findings.extend(check_channel(slack, &variable, &channel).await.0);
        }
        findings.extend(check_groups(config, slack).await);
    }
    findings.push(describe_events(config, heard));
    findings
}

/// Checks the bot token, its scopes, and the clock by which Slack's requests are judged.
pub(crate) async fn check_token(config: &Config, slack: &SlackClient) -> Vec<Finding> {
    if let Err(error) = slack.fetch_identity().await {
        return vec![explain_refused_token(&error)];
    }
    let workspace = slack.workspace_url().unwrap_or("its workspace");
    // Without it nobody can be told from people of another company (`slack.md`, additions §1), and
    // so nobody could be an agent.
    let token = if slack.lacks_workspace() {
        Finding::failed(
            TOKEN,
            "Slack does not tell the workspace of SLACK_BOT_TOKEN",
            "see what SLACK_API_URL leads to: it has to pass on whole answers of Slack",
        )
    } else {
        Finding::ok(TOKEN, format!("Slack accepts SLACK_BOT_TOKEN, for {workspace}"))
    };
    let mut findings = vec![token, check_clock(slack)];
    findings.extend(check_scopes(config, slack));
    findings
}

fn explain_refused_token(error: &Error) -> Finding {
    let code = error.code().unwrap_or_default();
    let (text, fix) = match error.to_fault() {
        Fault::Credentials => (
            format!("Slack does not accept SLACK_BOT_TOKEN ({code})"),
            match code {
                // Slack says these of a token that was good once.
                "account_inactive" | "token_revoked" => format!(
                    "the app was uninstalled: install it again on {APP_PAGES}, and set the new \
                    token as SLACK_BOT_TOKEN"
                ),
                _ => format!(
                    "copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions on {APP_PAGES}"
                ),
            },
        ),
        Fault::Busy { .. } => ("Slack asks to wait".to_owned(), "ask again in a minute".to_owned()),
        Fault::Down | Fault::OutcomeUnknown | Fault::Broken | Fault::Refused { .. } => (
            format!("Slack does not answer as it should ({error})"),
            "see to the network and the proxy of this machine, or correct SLACK_API_URL".to_owned(),
        ),
    };
    Finding::failed(TOKEN, text, fix)
}

fn check_clock(slack: &SlackClient) -> Finding {
    if slack.health().has_clock_skew() {
        return Finding::failed(
            "clock",
            "the clock of this machine is minutes off: Slack's requests count as old ones",
            "set the clock, and keep it right with NTP",
        );
    }
    Finding::ok("clock", "the clock of this machine agrees with Slack's")
}

/// Compares the scopes of the token with those that the manifest asks for.
fn check_scopes(config: &Config, slack: &SlackClient) -> Vec<Finding> {
    let Some(granted) = slack.health().granted_scopes() else {
        return vec![Finding::hint(
            SCOPES,
            "the answers of Slack do not tell the scopes of the token: compare those under OAuth & \
            Permissions with the manifest",
        )];
    };
    let missing: BTreeSet<String> =
        manifest::list_scopes().into_iter().filter(|scope| !granted.contains(scope)).collect();
    if missing.is_empty() {
        return vec![Finding::ok(SCOPES, "the token has all scopes of the manifest")];
    }
    // Where the settings name a group, the scope is what tells who is in it; else it only makes
    // names of groups readable.
    let needs_groups = matches!(config.desk.agents, Agents::Group(_))
        || config.desk.escalate_to.is_some()
        || config.desk.leads.is_some();
    let lost = |scope: &String| {
        let (_, lost) = OPTIONAL_SCOPES.iter().find(|(name, _)| name == scope)?;
        (scope != GROUP_SCOPE || !needs_groups).then_some(*lost)
    };
    let needed: Vec<&str> =
        missing.iter().filter(|scope| lost(scope).is_none()).map(String::as_str).collect();
    let mut findings = Vec::new();
    if !needed.is_empty() {
        let text = format!("the token lacks scopes that tickets need: {}", needed.join(", "));
        findings.push(Finding::failed(SCOPES, text, fix_scopes(&needed.join(", "))));
    }
    for (scope, lost) in missing.iter().filter_map(|scope| Some((scope, lost(scope)?))) {
        let text = format!("the token lacks the scope {scope}: {lost}");
        findings.push(Finding::warning(SCOPES, text, fix_scopes(scope)));
    }
    findings
}

fn fix_scopes(scopes: &str) -> String {
    format!(
        "under OAuth & Permissions on {APP_PAGES} add {scopes} to the Bot Token Scopes, and install \
        the app again"
    )
}

/// Checks what lets events of Slack in: the app-level token, or the secret that signs them.
async fn check_way_of_events(config: &Config, access: &PlatformAccess) -> Finding {
    if config.slack.app_token.is_some() {
        check_app_token(access, &config.slack).await
    } else {
        check_signing_secret(&config.slack)
    }
}

/// Checks the app-level token by asking for a connection, which is not opened.
pub(crate) async fn check_app_token(access: &PlatformAccess, slack: &SlackConfig) -> Finding {
    let Some(token) = &slack.app_token else {
        return Finding::ok(SOCKET_MODE, "Socket Mode is not used");
    };
    let asked =
        socket::request_connection_url(access.http(), &slack.api_url, token, access.clock());
    let Err(error) = asked.await else {
        return Finding::ok(SOCKET_MODE, "Slack accepts SLACK_APP_TOKEN for Socket Mode");
    };
    let fix = match error.to_fault() {
        Fault::Credentials | Fault::Refused { .. } => format!(
            "switch Socket Mode on on {APP_PAGES}, and make a token with connections:write under \
            Basic Information → App-Level Tokens"
        ),
        Fault::Busy { .. } => "ask again in a minute".to_owned(),
        Fault::Down | Fault::OutcomeUnknown | Fault::Broken => {
            "see to the network and the proxy of this machine".to_owned()
        }
    };
    Finding::failed(
        SOCKET_MODE,
        format!("Slack opens no connection for SLACK_APP_TOKEN ({error})"),
        fix,
    )
}

/// Looks whether each signing secret has the form of one. Slack tells nobody whether it is the right
/// one.
pub(crate) fn check_signing_secret(slack: &SlackConfig) -> Finding {
    let is_of_form = |secret: &str| {
        secret.len() == SIGNING_SECRET_LENGTH && secret.chars().all(|c| c.is_ascii_alphanumeric())
    };
    if slack.signing_secrets.iter().all(|secret| is_of_form(secret.expose_secret())) {
        return Finding::ok(
            SIGNING_SECRET,
            "SLACK_SIGNING_SECRET has the form of a Signing Secret",
        );
    }
    Finding::warning(
        SIGNING_SECRET,
        format!(
            "SLACK_SIGNING_SECRET does not look like one of Slack's, which are \
            {SIGNING_SECRET_LENGTH} letters and digits"
        ),
        format!(
            "copy the Signing Secret under Basic Information on {APP_PAGES}; it is neither the \
            Client Secret nor the Verification Token"
        ),
    )
}

/// Each channel that tickets may go to, with the setting that names it, the usual one first.
fn list_channels(config: &Config) -> Vec<(String, ChannelRef)> {
    let mut channels = vec![("SLACK_CHANNEL".to_owned(), config.slack.channel.clone())];
    let mut add = |variable: String, channel: &ChannelRef| {
        if channels.iter().all(|(_, known)| known != channel) {
            channels.push((variable, channel.clone()));
        }
    };
    for bot in config.bots.iter().filter(|bot| bot.name != BotName::default()) {
        let name = bot.name.as_str().to_ascii_uppercase();
        add(format!("SLACK_{name}_CHANNEL"), &bot.channel);
    }
    if let Some(channel) = &config.desk.leads_channel {
        add("LEADS_CHANNEL".to_owned(), channel);
    }
    let mut teams: Vec<_> = config.slack.team_channels.iter().collect();
    teams.sort_by_key(|(team, _)| team.as_str());
    for (team, channel) in teams {
        add(format!("SLACK_TEAM_CHANNELS ({team})"), channel);
    }
    channels
}

/// Checks whether the bridge can work in a channel, and who else reads it; also finds its id.
///
/// Only the channel that is left for every ticket has to be there: those of another one go to it.
pub(crate) async fn check_channel(
    slack: &SlackClient,
    variable: &str,
    wanted: &ChannelRef,
) -> (Vec<Finding>, Option<ChannelId>) {
    let is_last = variable == "SLACK_CHANNEL";
    let trouble = |what: &str, fix: &str| {
        vec![Finding::trouble(is_last, CHANNEL, format!("{variable}: {what}"), fix)]
    };
    let invite = "write `/invite @Blip Desk` (or what your app is called) in that channel";
    let (id, access) = match find_channel(slack, wanted).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let fix = "correct it: the channel's id stands at the end of its About tab; a private \
                channel is seen by the app only once it was invited";
            return (trouble(&format!("the app sees no channel {wanted}"), fix), None);
        }
        Err(error) => {
            let fix = match error.to_fault() {
                Fault::Credentials => "give the app the scope that it lacks",
                _ => "ask again in a minute",
            };
            return (trouble(&format!("{wanted} could not be looked at ({error})"), fix), None);
        }
    };
    if access.obstacle == Some(ChannelObstacle::Archived) {
        let fix = "unarchive it in Slack, or set another one";
        return (trouble(&format!("channel {wanted} is archived"), fix), None);
    }
    if !access.is_open {
        return (trouble(&format!("the app is not in channel {wanted}"), invite), None);
    }
    let mut findings =
        vec![Finding::ok(CHANNEL, format!("{variable}: the app is in channel {wanted}"))];
    if access.is_shared_outside {
        findings.push(Finding::warning(
            CHANNEL,
            format!(
                "{variable}: channel {wanted} is shared with another company (Slack Connect), or an \
                invitation is pending: its people read what customers write"
            ),
            "use a channel of your own",
        ));
    }
    (findings, Some(id))
}

async fn find_channel(
    slack: &SlackClient,
    wanted: &ChannelRef,
) -> Result<Option<(ChannelId, ChannelAccess)>, Error> {
    let id = match wanted {
        ChannelRef::Id(id) => id.clone(),
        ChannelRef::Name(name) => match directory::find_channel_by_name(slack, name).await {
            // The list holds what the app may see: a private channel without it looks like none.
            Err(error) if error.is_channel_lost() => return Ok(None),
            found => found?,
        },
    };
    let access = directory::check_channel_access(slack, &id).await?;
    Ok((access.obstacle != Some(ChannelObstacle::Unknown)).then_some((id, access)))
}

/// Whether Slack knows the user groups that the settings name.
async fn check_groups(config: &Config, slack: &SlackClient) -> Vec<Finding> {
    let agents = match &config.desk.agents {
        Agents::Group(group) => Some(("AGENTS", group)),
        Agents::Channel => None,
    };
    let escalation = config.desk.escalate_to.as_ref().map(|group| ("ESCALATE_TO", group));
    let leads = config.desk.leads.as_ref().map(|group| ("LEADS", group));
    let mut findings = Vec::new();
    for (variable, group) in agents.into_iter().chain(escalation).chain(leads) {
        let (text, fix) = match members::has_group(slack, group).await {
            Ok(true) => {
                let text = format!("{variable}: Slack knows the user group {group}");
                findings.push(Finding::ok(GROUP, text));
                continue;
            }
            Ok(false) => (
                format!("{variable}: Slack knows no user group {group}"),
                "set the id of a group (S…): open People & user groups → the group → ⋯ → Copy \
                group ID",
            ),
            Err(error) => (
                format!("{variable}: user group {group} could not be looked at ({error})"),
                match error.to_fault() {
                    Fault::Credentials => "give the app the scope usergroups:read",
                    _ => "ask again in a minute",
                },
            ),
        };
        // Without the group of agents nobody may answer; without the others only a call goes
        // unheard.
        findings.push(Finding::trouble(variable == "AGENTS", GROUP, text, fix));
    }
    findings
}

/// Slack tells no bot which events it gets, so people have to look.
fn describe_events(config: &Config, heard: Option<Timestamp>) -> Finding {
    let heard = match heard {
        Some(at) => format!("the last one that is remembered here came at {at}"),
        None => "none is remembered here".to_owned(),
    };
    let address = if config.slack.app_token.is_some() {
        "Socket Mode is on"
    } else {
        // The manifest has no key for Delayed Events (`slack.md` B.1), so a person has to see to
        // it.
        "the address is Verified, Delayed Events is on"
    };
    let events = manifest::list_events().join(", ");
    Finding::hint(
        EVENTS,
        format!(
            "Slack does not tell which events the app gets ({heard}); under Event Subscriptions on \
            {APP_PAGES} see that {address} and that these are listed: {events}"
        ),
    )
}
