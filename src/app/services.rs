//! Builds the services from the bottom up. What each of them uses stands in its fields; there is no
//! value that holds all of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use anyhow::Context;
use dashmap::{DashMap, DashSet};
use tokio::sync::Notify;

use super::access::PlatformAccess;
use super::tuning::Tuning;
use crate::blip::client::key_identity;
use crate::clock::Clock;
use crate::config::{Agents, BotConfig, Config, ReactionsOn, ReplyPolicy};
use crate::dispatch::Dispatcher;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::channel_pace::ChannelPace;
use crate::handlers::channels::{ChannelRules, Channels};
use crate::handlers::endings::Endings;
use crate::handlers::gaps::EventGaps;
use crate::handlers::moves::Moves;
use crate::handlers::moves::active::ActiveMessages;
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::closings::Closings;
use crate::handlers::moves::composer::Composer;
use crate::handlers::moves::contacts::Contacts;
use crate::handlers::moves::permission::SendPermission;
use crate::handlers::moves::tags::{Tags, build_need_cache};
use crate::handlers::moves::transfers::Transfers;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::outgoing::Outgoing;
use crate::handlers::outgoing::agent_files::{AgentFiles, FileRelay};
use crate::handlers::people::{AgentRules, People};
use crate::handlers::posts::Posts;
use crate::handlers::thread::Threads;
use crate::handlers::timers::{ReminderRules, Timers};
use crate::handlers::to_blip::ToBlip;
use crate::handlers::to_blip::asked_replies::AskedReplies;
use crate::handlers::to_blip::buttons::Buttons;
use crate::handlers::to_blip::clicks::Clicks;
use crate::handlers::to_blip::corrections::Corrections;
use crate::handlers::to_blip::held_replies::HeldReplies;
use crate::handlers::to_blip::holds::Holds;
use crate::handlers::to_blip::list_clicks::ListClicks;
use crate::handlers::to_blip::notes::Notes;
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::handlers::to_blip::reactions::Reactions;
use crate::handlers::to_blip::replies::Replies;
use crate::handlers::to_blip::resends::Resends;
use crate::handlers::to_blip::sender::Sender;
use crate::handlers::to_blip::submissions::Submissions;
use crate::handlers::to_blip::thread_events::ThreadEvents;
use crate::handlers::to_blip::unknown::UnknownMessages;
use crate::handlers::to_blip::versions::Versions;
use crate::handlers::to_slack::ToSlack;
use crate::handlers::to_slack::customers::Customers;
use crate::handlers::to_slack::file_posts::FilePosts;
use crate::handlers::to_slack::files::CustomerFiles;
use crate::handlers::to_slack::messages::CustomerMessages;
use crate::handlers::to_slack::new_tickets::NewTickets;
use crate::handlers::to_slack::pieces::Pieces;
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::handlers::to_slack::quotes::Quotes;
use crate::handlers::to_slack::receipts::Receipts;
use crate::handlers::to_slack::tickets::Tickets;
use crate::handlers::to_slack::transfers::FileTransfers;
use crate::handlers::window::SendWindow;
use crate::jobs::Jobs;
use crate::jobs::cards::Cards;
use crate::jobs::catch_up::TicketChecks;
use crate::jobs::compare::ThreadComparisons;
use crate::jobs::context::ContextPosts;
use crate::jobs::delays::DelayMarks;
use crate::jobs::deliveries::Deliveries;
use crate::jobs::forget::SlackEraser;
use crate::jobs::gaps::GapWatch;
use crate::jobs::health::Health;
use crate::jobs::late_files::LateFiles;
use crate::jobs::marks::Marks;
use crate::jobs::origins::OriginChanges;
use crate::jobs::outside::OutsideNotices;
use crate::jobs::parked::ParkedNotices;
use crate::jobs::reminders::Reminders;
use crate::jobs::shared::SharedWarnings;
use crate::jobs::timer_checks::TimerChecks;
use crate::jobs::transfer_notices::TransferNotices;
use crate::jobs::weekly::{WeeklyReports, WeeklyRules};
use crate::locale::{TextCatalog, Texts};
use crate::media::{AddressGuard, Fetcher, FileLinks};
use crate::model::BotName;
use crate::model::active::ActiveRoute;
use crate::model::reply::ReplyRules;
use crate::slack::last_words::LastWords;
use crate::slack::socket::SocketHealth;
use crate::slack::{self, Mask, SlackClient};
use crate::store::SharedStore;

/// Most cards that are drawn again at a start, where a setting that they show has changed. Slack
/// takes some 50 changes a minute (`slack.md` C.1), and people need them.
const MAX_CARDS_AT_START: usize = 30;
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
}

/// The clients of both platforms, and what people read.
#[derive(Clone)]
pub(crate) struct Platforms {
    /// Slack.
    pub(crate) slack: Arc<SlackClient>,
    /// Blip, for each bot.
    pub(crate) bots: Arc<Bots>,
    /// What people read.
    pub(crate) texts: Texts,
}

/// What everything else is built on: it is shared, and knows nobody above it.
struct Base {
    calls: Arc<Calls>,
    channels: Arc<Channels>,
    posts: Arc<Posts>,
    threads: Arc<Threads>,
    people: Arc<People>,
    timers: Arc<Timers>,
    gaps: Arc<EventGaps>,
    platforms: Platforms,
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
    let jobs = build_jobs(config, &base, &to_blip, &to_slack);
    let health = build_health(config, &base, origins);
    let gap_watch = GapWatch { calls: Arc::clone(&base.calls), gaps: Arc::clone(&base.gaps) };
    Ok(Services {
        dispatcher: Dispatcher {
            to_slack: to_slack.events,
            to_blip: to_blip.events,
            jobs: Arc::new(jobs),
        },
        health: Arc::new(health),
        gap_watch: Arc::new(gap_watch),
        agent_files,
        platforms: base.platforms,
        last_words: Arc::clone(&base.posts.last_words),
    })
}

fn build_platforms(
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
        clients: config.bots.iter().chain(former).map(blip).collect(),
        former: former.iter().map(|bot| bot.name.clone()).collect::<HashSet<_>>(),
        routers: config.bots.iter().chain(former).filter_map(router).collect(),
        routes: config.bots.iter().chain(former).filter_map(build_route).collect(),
        clock,
    };
    Ok(Platforms {
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
    let master_state = own.filter(|own| router.as_ref() != Some(own));
    Some((bot.name.clone(), ActiveRoute { flow, block, master_state }))
}

fn build_base(
    config: &Config,
    tuning: &Tuning,
    (platforms, rules): (Platforms, ChannelRules),
    (store, socket_health): (SharedStore, Option<SocketHealth>),
) -> Base {
    let clock = tuning.clock.clone();
    let Platforms { slack, bots, texts } = platforms.clone();
    let calls = Arc::new(Calls {
        store,
        clock: clock.clone(),
        unknown_outcome_wait: tuning.unknown_outcome_wait,
    });
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
    });
    let people = Arc::new(People {
        calls: Arc::clone(&calls),
        slack,
        bots,
        channels: Arc::clone(&channels),
        posts: Arc::clone(&posts),
        texts,
        agents: AgentRules {
            group: agent_group(config),
            map: config.desk.agent_map.clone(),
            default: config.desk.default_agent.clone(),
        },
    });
    let timers = Arc::new(Timers {
        calls: Arc::clone(&calls),
        reminders: build_reminder_rules(config),
        mark_delay: tuning.mark_delay,
    });
    let gaps = Arc::new(EventGaps::new(socket_health));
    Base { calls, channels, posts, threads, people, timers, gaps, platforms }
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

/// The channels that are configured, also those of bots by their former names.
fn build_channel_rules(config: &Config, former: &[BotConfig]) -> ChannelRules {
    let bots = config.bots.iter().chain(former);
    ChannelRules {
        default: config.slack.channel.clone(),
        bots: bots.map(|bot| (bot.name.clone(), bot.channel.clone())).collect(),
        teams: config.slack.team_channels.clone(),
    }
}

fn build_reminder_rules(config: &Config) -> ReminderRules {
    ReminderRules {
        unclaimed: config.desk.remind_unclaimed,
        unanswered: config.desk.remind_unanswered,
        escalate_to: config.desk.escalate_to.clone().or_else(|| config.desk.leads.clone()),
        hours: config.desk.business_hours.clone(),
        team_hours: config.desk.team_hours.clone(),
        zone: config.timezone.clone(),
    }
}

pub(crate) fn agent_group(config: &Config) -> Option<String> {
    match &config.desk.agents {
        Agents::Channel => None,
        Agents::Group(group) => Some(group.clone()),
    }
}

fn build_relay(config: &Config, fetcher: &Arc<Fetcher>, clock: &Clock) -> FileRelay {
    let token = config.slack.bot_token.clone();
    let address = config.http.public_url.as_deref();
    let links = FileLinks::new(&token, address, config.media.link);
    FileRelay::new(Arc::clone(fetcher), links, token, clock.clone())
}

/// What moves tickets and sends to Blip.
struct MoveServices {
    endings: Arc<Endings>,
    window: Arc<SendWindow>,
    permission: Arc<SendPermission>,
    outgoing: Arc<Outgoing>,
    composer: Arc<Composer>,
    moves: Arc<Moves>,
}

impl MoveServices {
    fn build(config: &Config, base: &Base, files: &Arc<AgentFiles>) -> Self {
        let Base { calls, threads, people, timers, platforms, .. } = base;
        let Platforms { bots, texts, .. } = platforms;
        let endings = Arc::new(Endings {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            texts: texts.clone(),
        });
        let window = Arc::new(SendWindow {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            texts: texts.clone(),
        });
        let transitions = Arc::new(Transitions {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            threads: Arc::clone(threads),
            texts: texts.clone(),
        });
        let claims = Arc::new(Claims {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            timers: Arc::clone(timers),
        });
        let permission = Arc::new(SendPermission {
            calls: Arc::clone(calls),
            claims: Arc::clone(&claims),
            window: Arc::clone(&window),
            anyone: config.desk.reply_policy == ReplyPolicy::Anyone,
        });
        let outgoing = Arc::new(Outgoing {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            files: Arc::clone(files),
            people: Arc::clone(people),
        });
        let composer = Arc::new(Composer {
            permission: Arc::clone(&permission),
            outgoing: Arc::clone(&outgoing),
            threads: Arc::clone(threads),
            timers: Arc::clone(timers),
            texts: texts.clone(),
        });
        let moves = Arc::new(build_moves(config, base, (transitions, claims), &composer));
        Self { endings, window, permission, outgoing, composer, moves }
    }
}

fn build_moves(
    config: &Config,
    base: &Base,
    (transitions, claims): (Arc<Transitions>, Arc<Claims>),
    composer: &Arc<Composer>,
) -> Moves {
    let Base { calls, people, threads, platforms, .. } = base;
    let bots = &platforms.bots;
    Moves {
        closings: Arc::new(Closings {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            composer: Arc::clone(composer),
            texts: transitions.texts.clone(),
        }),
        transfers: Arc::new(Transfers {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
        }),
        tags: Arc::new(Tags {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            threads: Arc::clone(threads),
            texts: platforms.texts.clone(),
            rule: config.desk.tag_rule,
            needs: build_need_cache(calls.clock.clone()),
        }),
        transitions,
        claims,
    }
}

/// What handles Slack's events.
struct ToBlipServices {
    events: Arc<ToBlip>,
    holds: Arc<Holds>,
    held: Arc<HeldReplies>,
    history: Arc<ReactionHistory>,
}

impl ToBlipServices {
    fn build(config: &Config, base: &Base, moves: &MoveServices) -> Self {
        let Base { calls, people, gaps, .. } = base;
        let (slack, texts) = (&base.platforms.slack, &base.platforms.texts);
        let history = Arc::new(ReactionHistory { calls: Arc::clone(calls) });
        let versions = Arc::new(Versions { calls: Arc::clone(calls), slack: Arc::clone(slack) });
        let holds = Arc::new(Holds { calls: Arc::clone(calls), delay: config.desk.send_delay });
        let notes = Arc::new(Notes {
            calls: Arc::clone(calls),
            people: Arc::clone(people),
            threads: Arc::clone(&base.threads),
            texts: texts.clone(),
        });
        let sender = Arc::new(Sender {
            calls: Arc::clone(calls),
            outgoing: Arc::clone(&moves.outgoing),
            notes: Arc::clone(&notes),
            window: Arc::clone(&moves.window),
            timers: Arc::clone(&base.timers),
            reply: build_reply_rules(config),
        });
        let replies = Arc::new(Replies {
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
            notes,
            sender: Arc::clone(&sender),
            holds: Arc::clone(&holds),
        });
        let held = Arc::new(HeldReplies {
            calls: Arc::clone(calls),
            people: Arc::clone(people),
            versions: Arc::clone(&versions),
            holds: Arc::clone(&holds),
            replies: Arc::clone(&replies),
        });
        let parts = (Arc::clone(&history), Arc::clone(&versions), replies, &holds);
        let thread_events = Arc::new(build_thread_events(config, base, moves, parts));
        let unknown = Arc::new(UnknownMessages { calls: Arc::clone(calls) });
        let events = Arc::new(ToBlip {
            calls: Arc::clone(calls),
            gaps: Arc::clone(gaps),
            unknown: Arc::clone(&unknown),
            clicks: Arc::new(build_clicks(base, moves, (versions, sender, &holds), unknown)),
            submissions: Arc::new(build_submissions(base, moves)),
            thread_events,
        });
        Self { events, holds, held, history }
    }
}

fn build_submissions(base: &Base, moves: &MoveServices) -> Submissions {
    let Base { calls, people, threads, timers, platforms, .. } = base;
    let Platforms { bots, texts, .. } = platforms;
    Submissions {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        moves: Arc::clone(&moves.moves),
        composer: Arc::clone(&moves.composer),
        contacts: Arc::new(Contacts {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            threads: Arc::clone(threads),
            texts: texts.clone(),
        }),
        active: Arc::new(ActiveMessages {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            threads: Arc::clone(threads),
            timers: Arc::clone(timers),
        }),
    }
}

fn build_thread_events(
    config: &Config,
    base: &Base,
    moves: &MoveServices,
    (history, versions, replies, holds): (
        Arc<ReactionHistory>,
        Arc<Versions>,
        Arc<Replies>,
        &Arc<Holds>,
    ),
) -> ThreadEvents {
    let Base { calls, people, posts, platforms, .. } = base;
    ThreadEvents {
        history,
        versions,
        replies,
        reactions: Arc::new(Reactions {
            slack: Arc::clone(&platforms.slack),
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
            holds: Arc::clone(holds),
            claim_reaction: config.desk.claim_reaction.clone(),
            close_reaction: config.desk.close_reaction.clone(),
        }),
        corrections: Arc::new(Corrections {
            calls: Arc::clone(calls),
            slack: Arc::clone(&platforms.slack),
            people: Arc::clone(people),
            posts: Arc::clone(posts),
            holds: Arc::clone(holds),
        }),
        reactions_anywhere: config.desk.reactions_on == ReactionsOn::Thread,
    }
}

fn build_clicks(
    base: &Base,
    moves: &MoveServices,
    (versions, sender, holds): (Arc<Versions>, Arc<Sender>, &Arc<Holds>),
    unknown: Arc<UnknownMessages>,
) -> Clicks {
    let Base { calls, people, .. } = base;
    let slack = &base.platforms.slack;
    let asked = Arc::new(AskedReplies {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        versions,
        moves: Arc::clone(&moves.moves),
        sender: Arc::clone(&sender),
    });
    let resends = Arc::new(Resends {
        calls: Arc::clone(calls),
        slack: Arc::clone(slack),
        permission: Arc::clone(&moves.permission),
        outgoing: Arc::clone(&moves.outgoing),
        sender,
    });
    Clicks {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        unknown,
        buttons: Arc::new(Buttons {
            calls: Arc::clone(calls),
            moves: Arc::clone(&moves.moves),
            holds: Arc::clone(holds),
            asked,
            resends,
        }),
        lists: Arc::new(ListClicks {
            slack: Arc::clone(slack),
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
        }),
    }
}

fn build_reply_rules(config: &Config) -> ReplyRules {
    ReplyRules {
        note_prefix: slack::emoji::replace_emoji_names(&config.desk.note_prefix).into_owned(),
        claims: config.desk.reply_claims,
        anyone: config.desk.reply_policy == ReplyPolicy::Anyone,
    }
}

/// What handles Blip's events.
struct ToSlackServices {
    events: Arc<ToSlack>,
    files: Arc<FilePosts>,
    customers: Arc<Customers>,
    pushed: Arc<PushedReceipts>,
    tickets: Arc<Tickets>,
}

impl ToSlackServices {
    fn build(
        config: &Config,
        base: &Base,
        moves: &MoveServices,
        origins: &OriginChanges,
        (fetcher, patience): (&Arc<Fetcher>, Duration),
    ) -> Self {
        let Base { calls, threads, timers, platforms, .. } = base;
        let Platforms { slack, bots, texts } = platforms;
        let files = Arc::new(build_file_posts(config, base, fetcher));
        let customer_files = Arc::new(CustomerFiles {
            calls: Arc::clone(calls),
            slack: Arc::clone(slack),
            threads: Arc::clone(threads),
            posts: Arc::clone(&base.posts),
            files: Arc::clone(&files),
            texts: texts.clone(),
            patience,
        });
        let customers =
            Arc::new(Customers::new(Arc::clone(calls), Arc::clone(bots), Arc::clone(timers)));
        let pieces = Arc::new(Pieces {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            threads: Arc::clone(threads),
            files: customer_files,
            slack: Arc::clone(slack),
            texts: texts.clone(),
            media_max: config.media.max,
        });
        let tickets = build_tickets(base, moves, origins, (&customers, &pieces));
        let tickets = Arc::new(tickets);
        let quotes = Arc::new(Quotes {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            slack: Arc::clone(slack),
            texts: texts.clone(),
        });
        let messages = Arc::new(CustomerMessages {
            calls: Arc::clone(calls),
            tickets: Arc::clone(&tickets),
            quotes,
            pieces,
            timers: Arc::clone(timers),
            tells_seen: config.desk.tells_seen,
        });
        let pushed = Arc::new(PushedReceipts::new(calls.clock.clone()));
        let receipts = Arc::new(Receipts {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            pushed: Arc::clone(&pushed),
            slack: Arc::clone(slack),
            texts: texts.clone(),
        });
        let events = Arc::new(ToSlack { tickets: Arc::clone(&tickets), messages, receipts });
        Self { events, files, customers, pushed, tickets }
    }
}

fn build_file_posts(config: &Config, base: &Base, fetcher: &Arc<Fetcher>) -> FilePosts {
    let Platforms { slack, bots, texts } = &base.platforms;
    let (fetcher, max) = (Arc::clone(fetcher), config.media.max);
    FilePosts {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(slack),
        transfers: FileTransfers::new(fetcher, Arc::clone(slack), Arc::clone(bots), max),
        texts: texts.clone(),
        media_max: max,
        waits: DashMap::new(),
    }
}

fn build_tickets(
    base: &Base,
    moves: &MoveServices,
    origins: &OriginChanges,
    (customers, pieces): (&Arc<Customers>, &Arc<Pieces>),
) -> Tickets {
    let Base { calls, threads, timers, platforms, .. } = base;
    Tickets {
        calls: Arc::clone(calls),
        bots: Arc::clone(&platforms.bots),
        endings: Arc::clone(&moves.endings),
        customers: Arc::clone(customers),
        arrivals: Arc::new(NewTickets {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            customers: Arc::clone(customers),
            timers: Arc::clone(timers),
            pieces: Arc::clone(pieces),
        }),
        has_few_cards: origins.open_tickets <= MAX_CARDS_AT_START,
    }
}

fn build_jobs(
    config: &Config,
    base: &Base,
    to_blip: &ToBlipServices,
    to_slack: &ToSlackServices,
) -> Jobs {
    let Base { calls, posts, threads, timers, platforms, .. } = base;
    let Platforms { slack, bots, texts } = platforms;
    let (calls, texts) = (|| Arc::clone(calls), || texts.clone());
    Jobs {
        bots: Arc::clone(bots),
        clock: calls().clock.clone(),
        texts: texts(),
        files: Arc::new(build_late_files(base, &to_slack.files)),
        customers: Arc::clone(&to_slack.customers),
        threads: Arc::clone(threads),
        holds: Arc::clone(&to_blip.holds),
        held: Arc::clone(&to_blip.held),
        cards: Arc::new(Cards {
            calls: calls(),
            slack: Arc::clone(slack),
            threads: Arc::clone(threads),
            texts: texts(),
        }),
        marks: Arc::new(Marks {
            calls: calls(),
            slack: Arc::clone(slack),
            next_read_mark: AtomicI64::new(0),
        }),
        parked: Arc::new(ParkedNotices {
            calls: calls(),
            threads: Arc::clone(threads),
            texts: texts(),
        }),
        reminders: Arc::new(Reminders {
            calls: calls(),
            threads: Arc::clone(threads),
            posts: Arc::clone(posts),
            slack: Arc::clone(slack),
            texts: texts(),
            rules: build_reminder_rules(config),
        }),
        timer_checks: Arc::new(TimerChecks { calls: calls(), timers: Arc::clone(timers) }),
        tickets: Arc::new(TicketChecks {
            calls: calls(),
            bots: Arc::clone(bots),
            tickets: Arc::clone(&to_slack.tickets),
        }),
        deliveries: Arc::new(build_deliveries(base, &to_slack.pushed)),
        comparisons: Arc::new(build_comparisons(config, base, &to_blip.history)),
        context: Arc::new(build_context(config, base)),
        transfers: Arc::new(build_transfer_notices(base)),
        eraser: Arc::new(SlackEraser {
            calls: calls(),
            slack: Arc::clone(slack),
            posts: Arc::clone(posts),
            texts: texts(),
        }),
        shared: Arc::new(SharedWarnings {
            calls: calls(),
            posts: Arc::clone(posts),
            texts: texts(),
        }),
        outside: Arc::new(build_outside_notices(base)),
        delays: Arc::new(build_delay_marks(base)),
        weekly: Arc::new(build_weekly_reports(config, base)),
    }
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

fn build_late_files(base: &Base, files: &Arc<FilePosts>) -> LateFiles {
    LateFiles {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        threads: Arc::clone(&base.threads),
        posts: Arc::clone(&base.posts),
        files: Arc::clone(files),
        texts: base.platforms.texts.clone(),
    }
}

fn build_deliveries(base: &Base, pushed: &Arc<PushedReceipts>) -> Deliveries {
    Deliveries {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        timers: Arc::clone(&base.timers),
        pushed: Arc::clone(pushed),
        receipts_asked: DashMap::new(),
    }
}

fn build_comparisons(
    config: &Config,
    base: &Base,
    history: &Arc<ReactionHistory>,
) -> ThreadComparisons {
    ThreadComparisons {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        gaps: Arc::clone(&base.gaps),
        history: Arc::clone(history),
        claim_reaction: config.desk.claim_reaction.clone(),
        close_reaction: config.desk.close_reaction.clone(),
        compared_threads: DashMap::new(),
    }
}

fn build_context(config: &Config, base: &Base) -> ContextPosts {
    ContextPosts {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        threads: Arc::clone(&base.threads),
        texts: base.platforms.texts.clone(),
        context_messages: u32::try_from(config.desk.context_messages).unwrap_or(u32::MAX),
    }
}

fn build_outside_notices(base: &Base) -> OutsideNotices {
    OutsideNotices {
        slack: Arc::clone(&base.platforms.slack),
        channels: Arc::clone(&base.channels),
        people: Arc::clone(&base.people),
    }
}

fn build_delay_marks(base: &Base) -> DelayMarks {
    DelayMarks {
        calls: Arc::clone(&base.calls),
        people: Arc::clone(&base.people),
        posts: Arc::clone(&base.posts),
        told: DashSet::new(),
    }
}

fn build_weekly_reports(config: &Config, base: &Base) -> WeeklyReports {
    WeeklyReports {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        posts: Arc::clone(&base.posts),
        channels: Arc::clone(&base.channels),
        texts: base.platforms.texts.clone(),
        rules: config.desk.leads.clone().map(|group| WeeklyRules {
            group,
            channel: config.desk.leads_channel.clone(),
            zone: config.timezone.clone(),
        }),
    }
}

fn build_transfer_notices(base: &Base) -> TransferNotices {
    TransferNotices {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        threads: Arc::clone(&base.threads),
        people: Arc::clone(&base.people),
        texts: base.platforms.texts.clone(),
    }
}
