//! Whether those who may answer in Slack are known at Blip.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::blip::BlipClient;
use crate::config::{Agents, BotConfig, Config};
use crate::model::{Agent, ChannelRef, SlackUserId};
use crate::slack::{Error, Profile, SlackClient, directory, members};

const AGENTS: &str = "agents";

/// Most people who are looked up: Slack tells of a hundred a minute (`slack.md` C.1), and the running
/// bridge asks as well.
const MAX_PEOPLE: usize = 60;
/// Most people who are named in one finding.
const MAX_NAMED: usize = 10;

/// Somebody who may answer customers.
struct AgentInSlack {
    user: SlackUserId,
    name: String,
    /// Blip's identity of them, if they have one of their own.
    identity: Option<String>,
}

/// Compares the agents in Slack with those at Blip.
pub(super) async fn check_agents(
    config: &Config,
    slack: &SlackClient,
    bots: &[(&BotConfig, BlipClient)],
) -> Vec<Finding> {
    // Without these nobody has an e-mail address; that they are missing was said where scopes are.
    let needed = ["users:read", "users:read.email"];
    let granted = slack.health().granted_scopes();
    if granted.is_some_and(|granted| needed.iter().any(|scope| !granted.contains(*scope))) {
        return Vec::new();
    }
    let (agents, has_all) = match list_agents(config, slack).await {
        Ok(listed) => listed,
        // That the channel is gone, or the group, was said where those were checked.
        Err(error) if error.is_channel_lost() || error.is_unknown_group() => return Vec::new(),
        Err(error) => {
            let text = format!("who is an agent could not be looked at ({error})");
            let fix = "mend what Slack refuses above, and ask again";
            return vec![Finding::warning(AGENTS, text, fix)];
        }
    };
    if agents.is_empty() {
        let fix = match &config.desk.agents {
            Agents::Channel => "invite your team to the channel for tickets: guests are no agents",
            Agents::Group(_) => "put your team into the user group of AGENTS: guests are no agents",
        };
        return vec![Finding::failed(AGENTS, "nobody in Slack may answer customers", fix)];
    }
    let mut findings = Vec::new();
    if !has_all {
        let text = format!("only {MAX_PEOPLE} people were looked at; there are more");
        findings.push(Finding::hint(AGENTS, text));
    }
    findings.extend(check_identities(config, &agents));
    let (known, of_bots) = list_identities(bots).await;
    findings.extend(of_bots);
    if !known.is_empty() {
        findings.extend(check_known(config, &agents, &known));
    }
    if findings.is_empty() {
        let text = format!("all {} agents in Slack are known at Blip", agents.len());
        findings.push(Finding::ok(AGENTS, text));
    }
    findings
}

/// Who may answer customers in Slack, and whether these are all.
async fn list_agents(
    config: &Config,
    slack: &SlackClient,
) -> Result<(Vec<AgentInSlack>, bool), Error> {
    let group = match &config.desk.agents {
        Agents::Group(group) => Some(group.as_str()),
        Agents::Channel => None,
    };
    let members = match group {
        Some(group) => members::list_group_members(slack, group).await?,
        None => list_channel_members(config, slack).await?,
    };
    let has_all = members.len() <= MAX_PEOPLE;
    let mut agents = Vec::new();
    for user in members.into_iter().take(MAX_PEOPLE) {
        let profile = match directory::fetch_profile(slack, &user).await {
            // Deleted since the list was made.
            Err(error) if error.is_unknown_user() => continue,
            profile => profile?,
        };
        if members::may_be_agent(slack, &user, &profile, group).await? {
            agents.push(AgentInSlack::new(config, user, profile));
        }
    }
    Ok((agents, has_all))
}

async fn list_channel_members(
    config: &Config,
    slack: &SlackClient,
) -> Result<BTreeSet<SlackUserId>, Error> {
    let of_bots = config.bots.iter().map(|bot| &bot.channel);
    let channels =
        of_bots.chain(config.slack.team_channels.values()).chain([&config.slack.channel]);
    let mut seen: Vec<&ChannelRef> = Vec::new();
    let mut members = BTreeSet::new();
    for channel in channels {
        if seen.contains(&channel) {
            continue;
        }
        seen.push(channel);
        let id = match channel {
            ChannelRef::Id(id) => Ok(id.clone()),
            ChannelRef::Name(name) => directory::find_channel_by_name(slack, name).await,
        };
        let listed = match id {
            Ok(id) => members::list_channel_members(slack, &id).await,
            Err(error) => Err(error),
        };
        match listed {
            // Only the one that is left for every ticket has to be there.
            Err(error) if error.is_channel_lost() && *channel != config.slack.channel => {}
            listed => members.extend(listed?),
        }
    }
    Ok(members)
}

impl AgentInSlack {
    fn new(config: &Config, user: SlackUserId, profile: Profile) -> Self {
        let mapped = config.desk.agent_map.get(&user).cloned();
        let own = || profile.email.as_deref().map(Agent::identity_from_email);
        Self { identity: mapped.or_else(own), name: profile.name, user }
    }
}

/// Who has no identity at Blip, and whether that matters.
fn check_identities(config: &Config, agents: &[AgentInSlack]) -> Option<Finding> {
    let without: Vec<&AgentInSlack> =
        agents.iter().filter(|agent| agent.identity.is_none()).collect();
    if without.is_empty() || config.desk.default_agent.is_some() {
        return None;
    }
    let named = name_people(&without);
    let fix = format!(
        "set AGENT_MAP={}=their-address@at-blip, or BLIP_DEFAULT_AGENT for all who have none",
        without.first().map_or("U…", |agent| agent.user.as_str())
    );
    if without.len() == agents.len() {
        let text = format!("no agent has an e-mail address that the app sees in Slack: {named}");
        return Some(Finding::failed(AGENTS, text, fix));
    }
    let text = format!("agents without an e-mail address in Slack can claim nothing: {named}");
    Some(Finding::warning(AGENTS, text, fix))
}

/// Who the bots have as agents, in small letters, and which of them have none.
async fn list_identities(bots: &[(&BotConfig, BlipClient)]) -> (BTreeSet<String>, Vec<Finding>) {
    let (mut known, mut findings) = (BTreeSet::new(), Vec::new());
    // What a bot that does not answer knows was told where its key was checked.
    for (_, client) in bots.iter().filter(|(_, client)| client.silence_reason().is_none()) {
        let key = client.bot_name().setting_variable("KEY");
        match client.desk.fetch_agents().await {
            Ok(agents) if agents.is_empty() => findings.push(Finding::warning(
                AGENTS,
                format!("Blip has no agents for the bot of {key}"),
                "behind a router take the key of the subbot with the tickets, not that of the \
                router; else invite your team as agents in Blip's portal",
            )),
            Ok(agents) => {
                // Identities compare without regard to case (`blip.md` §2.1).
                let identities = agents.into_iter().map(|it| it.identity.to_ascii_lowercase());
                known.extend(identities);
            }
            Err(error) => findings.push(Finding::hint(
                AGENTS,
                format!("Blip does not tell the agents of the bot of {key} ({error})"),
            )),
        }
    }
    (known, findings)
}

/// Whose identity no bot has as an agent.
fn check_known(config: &Config, agents: &[AgentInSlack], known: &BTreeSet<String>) -> Vec<Finding> {
    let is_unknown = |identity: &str| !known.contains(&identity.to_ascii_lowercase());
    let mut findings = Vec::new();
    let default = config.desk.default_agent.as_deref();
    if default.is_some_and(is_unknown) {
        findings.push(Finding::warning(
            AGENTS,
            "BLIP_DEFAULT_AGENT is no agent at Blip",
            "set the e-mail address of an agent of the bot, or invite this one in Blip's portal",
        ));
    }
    let unknown: Vec<&AgentInSlack> =
        agents.iter().filter(|it| it.identity.as_deref().is_some_and(is_unknown)).collect();
    if !unknown.is_empty() {
        findings.push(Finding::warning(
            AGENTS,
            format!("agents whom Blip does not know as agents: {}", name_people(&unknown)),
            "invite them in Blip's portal with the e-mail address that they have in Slack, or name \
            the one that they have there in AGENT_MAP",
        ));
    }
    let is_agent = |user: &&SlackUserId| agents.iter().any(|agent| agent.user == **user);
    let strangers: BTreeSet<&str> = (config.desk.agent_map.keys())
        .filter(|user| !is_agent(user))
        .map(SlackUserId::as_str)
        .collect();
    if !strangers.is_empty() {
        let strangers = strangers.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
        findings.push(Finding::warning(
            AGENTS,
            format!("AGENT_MAP names people who are no agents in Slack: {strangers}"),
            "correct their ids (profile → ⋯ → Copy member ID), invite them to the channel, or take \
            them out",
        ));
    }
    findings
}

fn name_people(people: &[&AgentInSlack]) -> String {
    let named = people.iter().take(MAX_NAMED).map(|it| format!("{} ({})", it.name, it.user));
    let named = named.collect::<Vec<_>>().join(", ");
    match people.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
