//! What everything else is built on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use dashmap::DashMap;

use crate::app::access::PlatformAccess;
use crate::app::tuning::Tuning;
use crate::blip::key::key_identity;
use crate::config::{Agents, BotConfig, BusinessHours, Config};
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::channel_pace::ChannelPace;
use crate::handlers::channels::{ChannelRules, Channels};
use crate::handlers::desk_hours::DeskHoursBook;
use crate::handlers::people::{AgentRules, People};
use crate::handlers::posts::Posts;
use crate::handlers::thread::Threads;
use crate::handlers::thread_lines::ThreadLines;
use crate::handlers::timers::{AssignmentRules, ReminderRules, Timers};
use crate::locale::{TextCatalog, Texts};
use crate::model::BotName;
use crate::model::active::ActiveRoute;
use crate::slack::gaps::EventGaps;
use crate::slack::socket::SocketHealth;
use crate::slack::{Mask, SlackClient};
use crate::store::SharedStore;

/// The clients of both platforms, and what people read.
#[derive(Clone)]
pub(crate) struct Platforms {
    pub(crate) slack: Arc<SlackClient>,
    /// A client of Blip for each bot that is configured.
    pub(crate) bots: Arc<Bots>,
    pub(crate) texts: Texts,
}

/// What everything else is built on: it is shared, and knows nobody above it.
pub(super) struct Base {
    pub(super) calls: Arc<Calls>,
    pub(super) channels: Arc<Channels>,
    pub(super) posts: Arc<Posts>,
    pub(super) threads: Arc<Threads>,
    pub(super) lines: Arc<ThreadLines>,
    pub(super) people: Arc<People>,
    pub(super) timers: Arc<Timers>,
    pub(super) gaps: Arc<EventGaps>,
    /// When the desks at Blip are attended, if their hours count.
    pub(super) desk_hours: Option<Arc<DeskHoursBook>>,
    pub(super) platforms: Platforms,
}

pub(super) fn build_platforms(
    config: &Config,
    tuning: &Tuning,
    access: &PlatformAccess,
    former: &[BotConfig],
) -> anyhow::Result<Platforms> {
    let clock = tuning.clock.clone();
    let blip = |bot: &BotConfig| (bot.name.clone(), Arc::new(access.blip_client(bot)));
    let router = |bot: &BotConfig| Some((bot.name.clone(), Arc::new(access.router_client(bot)?)));
    let slack = access.slack_client(&config.slack);
    let language = config.locale.parse().context("LOCALE")?;
    let bots = Bots {
        // Open tickets keep the name that their bot had: under the new one they would be other
        // tickets.
        clients: config.bots.iter().chain(former).map(blip).collect(),
        former: former.iter().map(|bot| bot.name.clone()).collect::<HashSet<_>>(),
        routers: config.bots.iter().chain(former).filter_map(router).collect(),
        routes: config.bots.iter().chain(former).filter_map(build_route).collect(),
        clock,
    };
    Ok(Platforms {
        // At the one client that everything shows through, so that nobody can pass it by.
        slack: Arc::new(slack.with_mask(Mask::new(&config.desk.masked))),
        bots: Arc::new(bots),
        texts: Texts::new(Arc::new(TextCatalog::new()), language, config.timezone.clone()),
    })
}

/// Where answers to active messages enter a bot. Behind a router, the bot must be named.
fn build_route(bot: &BotConfig) -> Option<(BotName, ActiveRoute)> {
    let (flow, block) = bot.answer_block.clone()?;
    let own = key_identity(&bot.key);
    let router = bot.router_key.as_ref().and_then(key_identity);
    // A bot that is its own router has nothing behind it to be named (`blip.md`, additions §1.3).
    let master_state = own.filter(|own| router.as_ref() != Some(own));
    Some((bot.name.clone(), ActiveRoute { flow, block, master_state }))
}

pub(super) fn build_base(
    config: &Config,
    tuning: &Tuning,
    (platforms, rules): (Platforms, ChannelRules),
    (store, socket_health): (SharedStore, Option<SocketHealth>),
) -> Base {
    let clock = tuning.clock.clone();
    let Platforms { slack, bots, texts } = platforms.clone();
    let calls = Arc::new(build_calls(tuning, store));
    let channels = Arc::new(Channels {
        slack: Arc::clone(&slack),
        clock,
        rules,
        channel_ids: DashMap::new(),
        is_default_missing: AtomicBool::new(false),
    });
    let posts = Arc::new(Posts {
        calls: Arc::clone(&calls),
        slack: Arc::clone(&slack),
        last_words: Arc::default(),
        pace: ChannelPace::from_rate(config.slack.channel_rate),
    });
    let threads = Arc::new(Threads {
        calls: Arc::clone(&calls),
        posts: Arc::clone(&posts),
        channels: Arc::clone(&channels),
        slack: Arc::clone(&slack),
        texts: texts.clone(),
        template_bots: bots.routers.keys().cloned().collect(),
        offers_standby: config.desk.offers_standby,
    });
    let people = Arc::new(People {
        calls: Arc::clone(&calls),
        slack,
        bots,
        channels: Arc::clone(&channels),
        posts: Arc::clone(&posts),
        texts: texts.clone(),
        agents: AgentRules {
            group: agent_group(config),
            map: config.desk.agent_map.clone(),
            default: config.desk.default_agent.clone(),
        },
    });
    let counts_desk_hours = config.desk.business_hours == Some(BusinessHours::Blip);
    let desk_hours = counts_desk_hours.then(Arc::<DeskHoursBook>::default);
    let timers = Arc::new(build_timers(config, tuning, &calls, desk_hours.as_ref()));
    let lines = Arc::new(ThreadLines {
        calls: Arc::clone(&calls),
        threads: Arc::clone(&threads),
        timers: Arc::clone(&timers),
        texts,
    });
    let gaps = Arc::new(EventGaps::new(socket_health));
    Base { calls, channels, posts, threads, lines, people, timers, gaps, desk_hours, platforms }
}

fn build_timers(
    config: &Config,
    tuning: &Tuning,
    calls: &Arc<Calls>,
    desk_hours: Option<&Arc<DeskHoursBook>>,
) -> Timers {
    Timers {
        calls: Arc::clone(calls),
        reminders: build_reminder_rules(config, desk_hours),
        assignments: build_assignment_rules(config),
        mark_delay: tuning.mark_delay,
        tells_away: config.desk.away_message.is_some(),
    }
}

fn build_calls(tuning: &Tuning, store: SharedStore) -> Calls {
    let clock = tuning.clock.clone();
    Calls {
        store,
        started: clock.now(),
        clock,
        unknown_outcome_wait: tuning.unknown_outcome_wait,
        call_timeout: tuning.call_timeout,
    }
}

/// The channels that are configured, also those of bots by their former names.
pub(super) fn build_channel_rules(config: &Config, former: &[BotConfig]) -> ChannelRules {
    let bots = config.bots.iter().chain(former);
    ChannelRules {
        default: config.slack.channel.clone(),
        bots: bots.map(|bot| (bot.name.clone(), bot.channel.clone())).collect(),
        teams: config.slack.team_channels.clone(),
    }
}

pub(super) fn build_reminder_rules(
    config: &Config,
    desk_hours: Option<&Arc<DeskHoursBook>>,
) -> ReminderRules {
    let hours = match &config.desk.business_hours {
        Some(BusinessHours::Own(hours)) => Some((**hours).clone()),
        Some(BusinessHours::Blip) | None => None,
    };
    ReminderRules {
        unclaimed: config.desk.remind_unclaimed,
        unanswered: config.desk.remind_unanswered,
        escalate_to: config.desk.escalate_to.clone().or_else(|| config.desk.leads.clone()),
        watches_limits: config.desk.watches_levels,
        hours,
        desk_hours: desk_hours.cloned(),
        team_hours: config.desk.team_hours.clone(),
        zone: config.timezone.clone(),
    }
}

/// How tickets are given to agents, if they are.
pub(super) fn build_assignment_rules(config: &Config) -> Option<AssignmentRules> {
    let rules =
        AssignmentRules { slots: config.desk.agent_slots, timeout: config.desk.assign_timeout };
    config.desk.assigns.then_some(rules)
}

/// The user group whose members are agents, if not all members of the channel are.
pub(crate) fn agent_group(config: &Config) -> Option<String> {
    match &config.desk.agents {
        Agents::Channel => None,
        Agents::Group(group) => Some(group.clone()),
    }
}
