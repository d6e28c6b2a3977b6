//! `blip-slack doctor`: what stands between these settings and an answered ticket.
//!
//! It asks the platforms in the way of the bridge, looks at the database and changes nothing, so it
//! may run beside a running bridge. `blip-slack init` checks what it is given with the same
//! functions.

mod agents;
mod blip;
mod finding;
mod local;
mod slack;

use crate::app::{PlatformAccess, Tuning};
use crate::config::{Config, ConfigError};

pub(crate) use blip::check_bot;
pub use finding::{CheckOutcome, Finding};
pub(crate) use slack::{check_app_token, check_channel, check_signing_secret, check_token};

/// Checks everything that the settings name. Settings that cannot be read are findings, too, and
/// then the only ones.
///
/// # Errors
///
/// Only where no check is possible; what a check finds is no error.
pub async fn examine_environment() -> anyhow::Result<Vec<Finding>> {
    match Config::from_env() {
        Ok(config) => examine(&config).await,
        Err(error) => Ok(list_faults(&error)),
    }
}

async fn examine(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let access = PlatformAccess::new(config.http.proxy.as_ref(), &Tuning::default())?;
    let slack = access.slack_client(&config.slack);
    let bots: Vec<_> = config.bots.iter().map(|bot| (bot, access.blip_client(bot))).collect();
    let database = local::inspect_database(config).await;
    let heard = database.as_ref().ok().and_then(|facts| facts.as_ref()?.heard_slack);
    let mut findings = local::check_settings(config);
    // Both at once: each may take its time to say that it is not there.
    let (of_slack, of_blip) = tokio::join!(
        slack::check_everything(config, &access, &slack, heard),
        blip::check_everything(config, &access, &bots),
    );
    findings.extend(of_slack);
    findings.extend(of_blip);
    // Who is one of ours cannot be told before Slack has said who we are, and where.
    if slack.has_identity() && !slack.lacks_workspace() {
        findings.extend(agents::check_agents(config, &slack, &bots).await);
    }
    findings.extend(local::check_database(config, &database, access.clock()));
    findings.push(local::check_public_url(config, &access).await);
    Ok(findings)
}

fn list_faults(error: &ConfigError) -> Vec<Finding> {
    let finding = |fault: &crate::config::SettingFault| {
        let fix = match &fault.example {
            Some(example) => format!("correct it, for example {example}"),
            None => "correct it".to_owned(),
        };
        Finding::failed("settings", format!("{} {}", fault.place, fault.problem), fix)
    };
    error.0.iter().map(finding).collect()
}
