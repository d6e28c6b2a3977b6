//! `blip-slack doctor`: what stands between these settings and an answered ticket.
//!
//! It asks the platforms what the bridge asks them at its start, with a memory of its own that is
//! thrown away. So it may run beside a running bridge, and it changes nothing.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::app::{self, PlatformAnswers};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::sqlite::{self, SqliteOptions, SqliteStore};
use crate::store::{BACKED_UP, Store};

/// How long `PUBLIC_URL` may take to answer: a proxy in front of the bridge has its own delays.
const PUBLIC_URL_TIMEOUT: Duration = Duration::from_secs(10);

/// A backup that is older is no help after a lost disk.
const MAX_BACKUP_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// As it should be.
    Ok,
    /// The bridge works, and something is worth a look.
    Warning,
    /// The bridge cannot work.
    Failed,
}

/// What a check found; one line, with what to do where something is to be done.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How it ended.
    pub outcome: CheckOutcome,
    /// What was found.
    pub text: String,
}

impl Finding {
    fn ok(text: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Ok, text: text.into() }
    }

    fn warning(text: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Warning, text: text.into() }
    }

    fn failed(text: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Failed, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            CheckOutcome::Ok => "ok     ",
            CheckOutcome::Warning => "warning",
            CheckOutcome::Failed => "FAILED ",
        };
        write!(f, "{mark}  {}", self.text)
    }
}

/// Checks everything that these settings name.
///
/// # Errors
///
/// Only where no check is possible, such as on a full disk; what a check finds is no error.
pub async fn examine(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![Finding::ok("the settings can be read")];
    if let Some(proxy) = &config.http.proxy {
        findings.push(Finding::ok(format!(
            "calls to Slack and Blip go through the proxy that {} names; customers' files do not",
            proxy.variable
        )));
    }
    let folder = tempfile::tempdir().context("make a folder for a short memory")?;
    findings.extend(list_platform_findings(app::ask_platforms(config, folder.path()).await?));
    findings.push(check_database(&config.database_url, &Clock::system()).await);
    findings.push(check_public_url(config).await?);
    Ok(findings)
}

fn list_platform_findings(answers: PlatformAnswers) -> Vec<Finding> {
    let PlatformAnswers { slack_troubles, bot_troubles, warnings } = answers;
    let slack = "Slack: token, scopes, clock, and the channel for tickets";
    let blip = "Blip: the key and the address of every bot";
    let mut findings = Vec::new();
    for (troubles, good) in [(slack_troubles, slack), (bot_troubles, blip)] {
        if troubles.is_empty() {
            findings.push(Finding::ok(good));
        }
        findings.extend(troubles.into_iter().map(Finding::failed));
    }
    findings.extend(warnings.into_iter().map(Finding::warning));
    findings
}

/// Whether the database can be used, and when it was last backed up.
async fn check_database(url: &str, clock: &Clock) -> Finding {
    let path = sqlite::parse_url(url);
    if !path.exists() {
        let folder = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
        return if folder.is_dir() {
            Finding::ok(format!("DATABASE_URL: {} is made at the first start", path.display()))
        } else {
            let folder = folder.display();
            Finding::failed(format!("DATABASE_URL: there is no folder {folder}: make it"))
        };
    }
    let options = SqliteOptions { create: false, ..SqliteOptions::new(clock.clone()) };
    let backed_up = match SqliteStore::open(url, options).await {
        Ok(store) => store.read_fact(BACKED_UP).await,
        Err(error) => Err(error),
    };
    let backed_up: Option<Timestamp> = match backed_up {
        Ok(at) => at.and_then(|at| at.parse().ok()),
        Err(error) => return Finding::failed(format!("DATABASE_URL: {error}")),
    };
    let is_fresh = |at: Timestamp| clock.now().duration_since(at) <= MAX_BACKUP_AGE;
    match backed_up {
        Some(at) if is_fresh(at) => Finding::ok(format!("the database, backed up at {at}")),
        Some(at) => Finding::warning(format!(
            "the last backup is of {at}: make one every day with `blip-slack store backup FILE`"
        )),
        None => Finding::warning(
            "the database was never backed up: make a backup every day with `blip-slack store \
             backup FILE`",
        ),
    }
}

/// Whether others reach the bridge where customers' links lead.
async fn check_public_url(config: &Config) -> anyhow::Result<Finding> {
    let Some(url) = &config.http.public_url else {
        return Ok(Finding::warning("no file of an agent reaches a customer: set PUBLIC_URL"));
    };
    let http = app::build_http_client(PUBLIC_URL_TIMEOUT, config.http.proxy.as_ref())?;
    let address = format!("{}/healthz", url.trim_end_matches('/'));
    let problem = match http.get(&address).send().await {
        Ok(answer) if answer.status().is_success() => {
            return Ok(Finding::ok(format!("PUBLIC_URL: {address} answers")));
        }
        Ok(answer) => format!("answers {}", answer.status()),
        Err(error) if error.is_timeout() => "does not answer in time".to_owned(),
        Err(_) => "cannot be reached".to_owned(),
    };
    Ok(Finding::warning(format!(
        "PUBLIC_URL: {address} {problem}: start the bridge, or see to the proxy in front of it"
    )))
}
