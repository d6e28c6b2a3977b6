//! Builds the services from the bottom up. What each of them uses stands in its fields; there is no
//! value that holds all of them.

mod base;
mod jobs;
mod moves;
mod to_blip;
mod to_slack;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use dashmap::DashMap;
use tokio::sync::Notify;

use crate::app::access::PlatformAccess;
use crate::app::tuning::Tuning;
use crate::clock::Clock;
use crate::config::{BotConfig, Config};
use crate::dispatch::Dispatcher;
use crate::handlers::outgoing::agent_files::{AgentFiles, FileRelay};
use crate::jobs::desk_hours::DeskHoursReader;
use crate::jobs::gaps::GapWatch;
use crate::jobs::health::Health;
use crate::jobs::origins::OriginChanges;
use crate::jobs::service_levels::ServiceLevels;
use crate::media::{AddressGuard, Fetcher, FileLinks};
use crate::model::BotName;
use crate::slack::last_words::LastWords;
use crate::slack::socket::SocketHealth;
use crate::store::SharedStore;

use base::{Base, build_base, build_channel_rules, build_platforms, build_reminder_rules};
pub(super) use base::{Platforms, agent_group};
use jobs::build_jobs;
use moves::MoveServices;
use to_blip::ToBlipServices;
use to_slack::ToSlackServices;

/// How many of the largest files there is room for at once, where their length is not said.
const FILES_IN_ROOM: u64 = 4;

/// What the doors, the watchers and the worker use of the services.
pub(crate) struct Services {
    /// Handles what waits in the inbox.
    pub(crate) dispatcher: Dispatcher,
    /// Knows whether the bridge can do its work.
    pub(crate) health: Arc<Health>,
    /// Has what was missed in Slack looked for.
    pub(crate) gap_watch: Arc<GapWatch>,
    /// Hands agents' files out.
    pub(crate) agent_files: Arc<AgentFiles>,
    /// Calls Slack and Blip, for what is answered on the spot.
    pub(crate) platforms: Platforms,
    /// What customers said last.
    pub(crate) last_words: Arc<LastWords>,
    /// Reads when the desks at Blip are attended, if their hours count.
    pub(crate) hours_reader: Option<DeskHoursReader>,
    /// Watches the service levels of the desks at Blip, if it is to.
    pub(crate) service_levels: Option<ServiceLevels>,
}

/// Builds the services for these settings.
pub(crate) fn build_services(
    config: &Config,
    tuning: &Tuning,
    access: &PlatformAccess,
    (store, socket_health): (SharedStore, Option<SocketHealth>),
    origins: &OriginChanges,
) -> anyhow::Result<Services> {
    let former: Vec<BotConfig> = list_former_bots(config, &origins.renamed).collect();
    let platforms = build_platforms(config, tuning, access, &former)?;
    let channels = build_channel_rules(config, &former);
    let base = build_base(config, tuning, (platforms, channels), (store, socket_health));
    let fetcher = Arc::new(
        Fetcher::new(AddressGuard::new(config.media.allow_loopback))
            .context("prepare the client for files")?
            .with_least_speed(tuning.files.least_speed)
            .with_room(config.media.max.saturating_mul(FILES_IN_ROOM)),
    );
    let agent_files = Arc::new(AgentFiles {
        slack: Arc::clone(&base.platforms.slack),
        clock: tuning.clock.clone(),
        relay: build_relay(config, &fetcher, &tuning.clock),
        check_time: tuning.files.check,
    });
    let moves = MoveServices::build(config, &base, &agent_files);
    let to_blip = ToBlipServices::build(config, &base, &moves);
    let to_slack =
        ToSlackServices::build(config, &base, &moves, origins, (&fetcher, tuning.files.patience));
    let jobs = build_jobs(config, &base, &moves, (&to_blip, &to_slack));
    let health = build_health(config, &base, origins);
    let hours_reader = base.desk_hours.as_ref().map(|book| DeskHoursReader {
        bots: Arc::clone(&base.platforms.bots),
        book: Arc::clone(book),
        clock: tuning.clock.clone(),
    });
    let service_levels = config.desk.watches_levels.then(|| ServiceLevels {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        rules: build_reminder_rules(config, base.desk_hours.as_ref()),
    });
    let gap_watch = GapWatch {
        calls: Arc::clone(&base.calls),
        gaps: Arc::clone(&base.gaps),
        has_refused: Arc::default(),
        has_missed: Arc::default(),
    };
    Ok(Services {
        dispatcher: Dispatcher {
            to_slack: to_slack.events,
            to_blip: to_blip.events,
            jobs: Arc::new(jobs),
        },
        health: Arc::new(health),
        gap_watch: Arc::new(gap_watch),
        hours_reader,
        service_levels,
        agent_files,
        platforms: base.platforms,
        last_words: Arc::clone(&base.posts.last_words),
    })
}

/// The bots by their former names, under which their open tickets are kept.
fn list_former_bots(
    config: &Config,
    renamed: &HashMap<BotName, BotName>,
) -> impl Iterator<Item = BotConfig> {
    renamed.iter().filter_map(|(was, is)| {
        let bot = config.bots.iter().find(|bot| bot.name == *is)?;
        Some(BotConfig { name: was.clone(), ..bot.clone() })
    })
}

fn build_relay(config: &Config, fetcher: &Arc<Fetcher>, clock: &Clock) -> FileRelay {
    let token = config.slack.bot_token.clone();
    let address = config.http.public_url.as_deref();
    // Keyed by the bot token, so that all instances read each other's addresses without one secret
    // more.
    let links = FileLinks::new(&token, address, config.media.link);
    FileRelay::new(Arc::clone(fetcher), links, token, clock.clone())
}

fn build_health(config: &Config, base: &Base, origins: &OriginChanges) -> Health {
    Health {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        bots: Arc::clone(&base.platforms.bots),
        channels: Arc::clone(&base.channels),
        gaps: Arc::clone(&base.gaps),
        agent_group: agent_group(config),
        is_agent_group_missing: AtomicBool::new(false),
        warnings: origins.warnings.clone().into_iter().collect(),
        shared_channels: DashMap::new(),
        slack_changed: Arc::new(Notify::new()),
    }
}
