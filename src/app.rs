//! Puts the bridge together: store, clients, doors, pipes; starts it and stops it in order.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use dashmap::DashMap;
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::config::{
    Agents, BotConfig, Config, ProxyConfig, ReactionsOn, ReplyPolicy, SlackConfig,
};
use crate::control::{self, ControlSocket};
use crate::dialog::{ChoiceCache, Dialogs, HomeTabs};
use crate::inbox::Worker;
use crate::inbox::retry::RetryPolicy;
use crate::intake::server::{Server, ServerLimits};
use crate::intake::{self, Downloads, Intake, RejectedRequestLog, SlackAnswer, WebhookAuth};
use crate::locale::{TextCatalog, Texts};
use crate::media::{AddressGuard, Fetcher, FileLinks};
use crate::model::reply::ReplyRules;
use crate::model::{BotName, Readiness, marks};
use crate::pipe::{
    BotOrigin, Bridge, EventGaps, FileRelay, OriginChanges, ReminderRules, Rules, Sweeper,
};
use crate::slack::Mask;
use crate::slack::socket::{self, PayloadNotStored, Socket, SocketHealth};
use crate::slack::verify::Verifier;
use crate::store::sqlite::SqliteOptions;
use crate::store::{PostRate, SharedStore, SqliteStore};
use crate::{blip, slack, telemetry};

/// How long a platform may take to answer. Long enough for a slow day; a call that took effect
/// later than that is found by looking.
const PLATFORM_CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may take to come about.
const PLATFORM_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long starting waits for the platforms to say whether they know us. Without an answer the bridge starts all
/// the same: it can take events in, and asks again.
const STARTUP_PLATFORM_WAIT: Duration = Duration::from_secs(5);
/// Posts that may go out at once after a pause. Slack tolerates short bursts (`slack.md` C.1).
const POST_BURST: u32 = 3;
/// How much longer than the limit asks for we wait between two posts: exactly at it, every second post
/// would arrive a hair too early, and be refused for a whole second.
const POST_RATE_MARGIN: f64 = 1.05;
/// How long nothing is called after the credentials were refused. Short enough that a mended token is noticed while the operator still looks, long enough to
/// cause no storm.
const REFUSED_CREDENTIALS_PAUSE: Duration = Duration::from_secs(15);
/// How long the effect of a call whose answer was lost may still come or be seen. Neither platform promises that a message can be read as soon as it was taken. Three seconds are
/// long for that, and short for the customer who waits.
const UNKNOWN_OUTCOME_WAIT: Duration = Duration::from_secs(3);

/// Most cards that are drawn again at a start, where a setting that they show has changed. Slack takes
/// some 50 changes a minute (`slack.md` C.1), and people need them.
const MAX_CARDS_AT_START: usize = 30;

/// How often a start looks whether there is room on the disk again.
const DISK_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often metrics that nobody read are folded together.
const METRICS_COMPACTION_INTERVAL: Duration = Duration::from_secs(30);

/// Puts something between the bridge and its memory.
pub(crate) type StoreWrapper = Arc<dyn Fn(SharedStore) -> SharedStore + Send + Sync>;

/// What differs between production and tests.
#[derive(Clone)]
pub struct Tuning {
    /// The time.
    pub clock: Clock,
    /// How failures are retried.
    pub retry: RetryPolicy,
    /// How long a platform may take to answer.
    pub call_timeout: Duration,
    /// How long nothing is called after the credentials were refused, before they are tried again.
    pub credentials_pause: Duration,
    /// How long after a call without a known outcome its effect may still come or be seen.
    pub unknown_outcome_wait: Duration,
    /// How patient Socket Mode is.
    pub socket: socket::SocketTiming,
    /// What those who knock are allowed.
    pub limits: ServerLimits,
    /// What is between the bridge and its memory, if anything.
    pub wrap: Option<StoreWrapper>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            retry: RetryPolicy::default(),
            call_timeout: PLATFORM_CALL_TIMEOUT,
            credentials_pause: REFUSED_CREDENTIALS_PAUSE,
            unknown_outcome_wait: UNKNOWN_OUTCOME_WAIT,
            socket: socket::SocketTiming::default(),
            limits: ServerLimits::default(),
            wrap: None,
        }
    }
}

/// The bridge, running.
pub struct App {
    address: SocketAddr,
    store: SharedStore,
    stop: CancellationToken,
    tasks: TaskTracker,
    shutdown_timeout: Duration,
}

impl App {
    /// Starts the bridge; when this returns it takes events in.
    pub async fn start(config: &Config, tuning: Tuning) -> anyhow::Result<Self> {
        check_reactions(config)?;
        let clock = tuning.clock.clone();
        let store: SharedStore = Arc::new(open_store(&config.database_url, &clock).await?);
        let store = if let Some(wrap) = &tuning.wrap { wrap(store) } else { store };
        let access = PlatformAccess::new(config.http.proxy.as_ref(), &tuning)?;
        let socket_health = config.slack.app_token.as_ref().map(|_| SocketHealth::default());
        let origins = find_origins(config, &store, &clock).await;
        let memory = (Arc::clone(&store), socket_health.clone());
        let bridge = Arc::new(build_bridge(config, &tuning, &access, memory, &origins)?);
        let listener = bind_listener(config).await?;
        let address = listener.local_addr()?;
        let app = Self {
            address,
            store: Arc::clone(&store),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            shutdown_timeout: config.shutdown,
        };
        for (later, first) in store.renamed_channels().await.context("DATABASE_URL: read it")? {
            bridge.slack.renames().add_rename(later, first);
        }
        app.check_platforms(&bridge).await;
        app.spawn_watchers(&bridge, tuning.credentials_pause, config.desk.reconcile.is_some());
        let limits = tuning.limits.within_open_files();
        let downloads = Downloads::new(limits.downloads);
        let intake = build_intake(
            config,
            (&bridge, &origins),
            socket_health.as_ref(),
            (downloads, app.tasks.clone()),
        );
        let homes = intake.dialogs.clone().refresh_home_tabs();
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(homes));
        let router = intake::build_router(intake.clone());
        let server = Server::new(router, limits, app.stop.clone(), app.tasks.clone());
        app.tasks.spawn(server.run(listener));
        let worker =
            Worker::new(Arc::clone(&store), bridge, clock.clone(), tuning.retry, app.stop.clone());
        app.tasks.spawn(worker.run(app.tasks.clone()));
        if let (Some(token), Some(health)) = (&config.slack.app_token, socket_health) {
            let http = access.http.clone();
            let socket = build_socket(config, token, &tuning, http, (intake, health));
            app.start_socket_mode(socket).await;
        }
        app.open_control(&config.database_url, &clock);
        let sweeper = Sweeper {
            store,
            clock,
            every: config.desk.reconcile,
            retain_bodies: config.retain_bodies,
            retain_tickets: config.retain_tickets,
        };
        app.tasks.spawn(sweeper.run_until_stopped(app.stop.clone()));
        let tidying = compact_metrics(tuning.clock);
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(tidying));
        tracing::info!(%address, "the bridge is running");
        Ok(app)
    }

    /// Watches whether the platforms are well, and fetches what was missed while they were not.
    fn spawn_watchers(&self, bridge: &Arc<Bridge>, every: Duration, compares: bool) {
        let health = Arc::clone(bridge);
        let health = async move { health.watch_health(every).await };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(health));
        let gaps = Arc::clone(bridge);
        let gaps = async move { gaps.watch_gaps(compares).await };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(gaps));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The memory, for tests and tools.
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// Stops: takes nothing more in, finishes what is under way or leaves it in the inbox.
    ///
    /// Returns whether everything under way was finished in time.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let finished = tokio::time::timeout(self.shutdown_timeout, self.tasks.wait()).await.is_ok();
        if !finished {
            tracing::warn!(
                "work under way was not finished in time; it is in the inbox and goes \
                on at the next start"
            );
        }
        self.store.close().await;
        finished
    }

    /// Lets commands ask the running bridge.
    fn open_control(&self, database_url: &str, clock: &Clock) {
        match control::socket_path(database_url).and_then(|path| Ok(ControlSocket::open(path)?)) {
            Ok(control) => {
                let answering = control.serve_requests(Arc::clone(&self.store), clock.clone());
                self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(answering));
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "`blip-slack parked`, `retry` and `privacy` cannot ask this bridge; they work while \
                it is stopped"
            ),
        }
    }

    /// Lets events come in over Socket Mode.
    async fn start_socket_mode(&self, socket: Socket) {
        let health = socket.health.clone();
        self.tasks.spawn(socket.run(self.stop.clone(), self.tasks.clone()));
        // Starting goes on without a connection, as it does without an introduction.
        tokio::time::timeout(STARTUP_PLATFORM_WAIT, health.wait_for_first_outcome()).await.ok();
    }

    /// Learns from both platforms whether they know us, now or as soon as they answer.
    async fn check_platforms(&self, bridge: &Bridge) {
        if tokio::time::timeout(STARTUP_PLATFORM_WAIT, bridge.check_platforms()).await.is_err() {
            tracing::warn!("a platform takes long to answer; asking again meanwhile");
        }
    }
}

/// The way to both platforms, as the bridge goes it.
pub(crate) struct PlatformAccess {
    http: reqwest::Client,
    clock: Clock,
    credentials_pause: Duration,
}

impl PlatformAccess {
    /// Through the proxy of the system, if there is one.
    pub(crate) fn new(proxy: Option<&ProxyConfig>, tuning: &Tuning) -> anyhow::Result<Self> {
        let http = build_http_client(tuning.call_timeout, proxy)?;
        let (clock, credentials_pause) = (tuning.clock.clone(), tuning.credentials_pause);
        Ok(Self { http, clock, credentials_pause })
    }

    /// What calls are made with.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Calls Slack in the name of the app.
    pub(crate) fn slack_client(&self, slack: &SlackConfig) -> slack::SlackClient {
        let (http, clock) = (self.http.clone(), self.clock.clone());
        let breaker = self.new_breaker();
        slack::SlackClient::new(http, &slack.api_url, &slack.bot_token, clock, breaker)
    }

    /// Calls Blip in the name of a bot.
    pub(crate) fn blip_client(&self, bot: &BotConfig) -> blip::BlipClient {
        let (name, http) = (bot.name.clone(), self.http.clone());
        blip::BlipClient::new(name, http, &bot.api_url, &bot.key, self.new_breaker())
    }

    fn new_breaker(&self) -> CircuitBreaker {
        CircuitBreaker::new(self.clock.clone(), self.credentials_pause)
    }
}

/// Opens the memory. While the disk is full or fails, or another program has locked the database, it
/// waits: to end would make no room, and whatever starts the bridge again would only wait less
/// patiently. Where another bridge serves the database, it ends at once.
async fn open_store(url: &str, clock: &Clock) -> anyhow::Result<SqliteStore> {
    let options = SqliteOptions { exclusive: true, ..SqliteOptions::new(clock.clone()) };
    let mut is_told = false;
    loop {
        match SqliteStore::open(url, options.clone()).await {
            Err(error) if error.is_transient() => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::error!(%error, "the database cannot be used for now: the disk is full \
                        or fails, or another program has locked it; make room, or mend that; the \
                        bridge starts as soon as it can");
                }
                tokio::time::sleep(DISK_RETRY_INTERVAL).await;
            }
            opened => return opened.context("DATABASE_URL: open the database"),
        }
    }
}

fn build_http_client(
    answer: Duration,
    proxy: Option<&ProxyConfig>,
) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().no_proxy();
    let client = match proxy {
        Some(proxy) => client.proxy(build_proxy(proxy)?),
        None => client,
    };
    client
        .timeout(answer)
        .connect_timeout(PLATFORM_CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // Socket Mode begins with an upgrade, which HTTP/2 does not have.
        .http1_only()
        .user_agent(concat!("blip-slack/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("prepare the HTTP client")
}

/// The way through a proxy, for what is not on this machine.
fn build_proxy(proxy: &ProxyConfig) -> anyhow::Result<reqwest::Proxy> {
    let ProxyConfig { variable, address, except } = proxy;
    let all = reqwest::Proxy::all(address.expose_secret());
    // The error itself may quote the address, and with it a password.
    let all = all.map_err(|_quoting| anyhow::anyhow!("{variable}: not the address of a proxy"))?;
    let except = format!("{except},localhost,127.0.0.0/8,::1");
    Ok(all.no_proxy(reqwest::NoProxy::from_string(&except)))
}

fn build_socket(
    config: &Config,
    token: &SecretString,
    tuning: &Tuning,
    http: reqwest::Client,
    (intake, socket_health): (Intake, SocketHealth),
) -> Socket {
    let take = move |payload: Vec<u8>| {
        let intake = intake.clone();
        async move {
            match intake.take_from_slack(payload).await {
                Ok(SlackAnswer::Json(shown)) => Ok(Some(shown.into_json())),
                Ok(SlackAnswer::Nothing | SlackAnswer::Challenge(_)) => Ok(None),
                Err(error) => {
                    tracing::error!(%error, "slack has to send an event again");
                    Err(PayloadNotStored)
                }
            }
        }
        .boxed()
    };
    Socket {
        http,
        api_url: config.slack.api_url.clone(),
        token: token.clone(),
        clock: tuning.clock.clone(),
        timing: tuning.socket,
        take: Arc::new(take),
        health: socket_health,
    }
}

fn build_bridge(
    config: &Config,
    tuning: &Tuning,
    access: &PlatformAccess,
    (store, socket_health): (SharedStore, Option<SocketHealth>),
    origins: &OriginChanges,
) -> anyhow::Result<Bridge> {
    let clock = tuning.clock.clone();
    let blip = |bot: &BotConfig| (bot.name.clone(), Arc::new(access.blip_client(bot)));
    let client = access.slack_client(&config.slack);
    let language = config.locale.parse().context("LOCALE")?;
    let former: Vec<BotConfig> = list_former_bots(config, &origins.renamed).collect();
    let mut rules = build_rules(config);
    rules.former_bots = former.iter().map(|bot| bot.name.clone()).collect();
    rules.bot_channels.extend(former.iter().map(|bot| (bot.name.clone(), bot.channel.clone())));
    Ok(Bridge {
        store,
        slack: Arc::new(client.with_mask(Mask::new(&config.desk.masked))),
        bots: config.bots.iter().chain(&former).map(blip).collect(),
        files: build_files(config)?,
        clock,
        texts: Texts::new(Arc::new(TextCatalog::new()), language, config.timezone.clone()),
        rules,
        unknown_outcome_wait: tuning.unknown_outcome_wait,
        receipts_heard: DashMap::new(),
        receipts_asked: DashMap::new(),
        has_few_cards: origins.open_tickets <= MAX_CARDS_AT_START,
        customer_details: DashMap::new(),
        channel_ids: DashMap::new(),
        is_default_channel_missing: AtomicBool::new(false),
        is_agent_group_missing: AtomicBool::new(false),
        warnings: origins.warnings.clone().into_iter().collect(),
        shared_channels: DashMap::new(),
        slack_changed: Arc::default(),
        gaps: Arc::new(EventGaps::new(socket_health)),
        compared_threads: DashMap::new(),
    })
}

/// Compares open tickets with the settings.
async fn find_origins(config: &Config, store: &SharedStore, clock: &Clock) -> OriginChanges {
    let bots = config.bots.iter().map(|bot| {
        let owner = blip::client::key_owner(&bot.key);
        // Blip answers by the bot's own name, too, which tells no contract.
        let contract = blip::client::address_contract(&bot.api_url).filter(|name| *name != owner);
        (bot.name.clone(), BotOrigin { owner, contract })
    });
    let (bots, aliases) = (bots.collect(), &config.bot_aliases);
    let origins = OriginChanges::detect_changes(store, &bots, aliases, clock.now()).await;
    // A database that cannot be read is told by readiness; what arrives may still be kept.
    origins.unwrap_or_else(|error| {
        tracing::error!(%error, "open tickets could not be compared with the settings");
        OriginChanges::default()
    })
}

async fn bind_listener(config: &Config) -> anyhow::Result<TcpListener> {
    let (host, port) = (config.http.host.as_str(), config.http.port);
    let listener = TcpListener::bind((host, port)).await;
    listener.with_context(|| format!("HOST, PORT: listen on {host}:{port}"))
}

/// One emoji has several names, which only Slack's own table tells.
pub(crate) fn check_reactions(config: &Config) -> anyhow::Result<()> {
    let reactions = [&config.desk.claim_reaction, &config.desk.close_reaction];
    for (name, reaction) in ["CLAIM_REACTION", "CLOSE_REACTION"].into_iter().zip(reactions) {
        let is_ours =
            marks::ALL_MARKS.iter().any(|ours| slack::emoji::is_same_emoji(ours, reaction));
        anyhow::ensure!(!is_ours, "{name} must not be an emoji that the bridge uses itself");
    }
    let [claims, closes] = reactions;
    anyhow::ensure!(
        !slack::emoji::is_same_emoji(claims, closes),
        "CLOSE_REACTION must not be another name for the emoji of CLAIM_REACTION"
    );
    Ok(())
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

fn build_rules(config: &Config) -> Rules {
    let (slack, desk) = (&config.slack, &config.desk);
    Rules {
        reply: ReplyRules {
            note_prefix: slack::emoji::replace_emoji_names(&desk.note_prefix).into_owned(),
            claims: desk.reply_claims,
            anyone: desk.reply_policy == ReplyPolicy::Anyone,
        },
        claim_reaction: desk.claim_reaction.clone(),
        close_reaction: desk.close_reaction.clone(),
        reactions_anywhere: desk.reactions_on == ReactionsOn::Thread,
        agent_group: match &desk.agents {
            Agents::Channel => None,
            Agents::Group(group) => Some(group.clone()),
        },
        agent_map: desk.agent_map.clone(),
        default_agent: desk.default_agent.clone(),
        channel: slack.channel.clone(),
        former_bots: HashSet::new(),
        bot_channels: config
            .bots
            .iter()
            .map(|bot| (bot.name.clone(), bot.channel.clone()))
            .collect(),
        team_channels: slack.team_channels.clone(),
        pace: (slack.channel_rate > 0.0).then(|| PostRate {
            interval: Duration::from_secs_f64(slack.channel_rate.recip() * POST_RATE_MARGIN),
            burst: POST_BURST,
        }),
        reminders: ReminderRules {
            unclaimed: desk.remind_unclaimed,
            unanswered: desk.remind_unanswered,
            escalate_to: desk.escalate_to.clone(),
            hours: desk.business_hours,
            zone: config.timezone.clone(),
        },
        tells_seen: desk.tells_seen,
        send_delay: desk.send_delay,
        context_messages: u32::try_from(desk.context_messages).unwrap_or(u32::MAX),
        media_max: config.media.max,
    }
}

fn build_files(config: &Config) -> anyhow::Result<FileRelay> {
    let token = config.slack.bot_token.clone();
    let address = config.http.public_url.as_deref();
    Ok(FileRelay {
        fetcher: Fetcher::new(AddressGuard::new(config.media.allow_loopback))
            .context("prepare the client for files")?,
        links: FileLinks::new(&token, address, config.media.link),
        token,
        known: DashMap::new(),
    })
}

fn build_intake(
    config: &Config,
    (bridge, origins): (&Arc<Bridge>, &OriginChanges),
    socket_health: Option<&SocketHealth>,
    (downloads, tasks): (Downloads, TaskTracker),
) -> Intake {
    let door = |bot: &BotConfig| {
        let tokens = bot.webhook_tokens.clone();
        (bot.name.clone(), WebhookAuth { tokens, header: bot.webhook_header.clone() })
    };
    let bots: HashMap<BotName, WebhookAuth> = config.bots.iter().map(door).collect();
    let mut former: HashMap<BotName, Vec<BotName>> = HashMap::new();
    for (was, is) in &origins.renamed {
        former.entry(is.clone()).or_default().push(was.clone());
    }
    let over_http = socket_health.is_none();
    let watched = Arc::clone(bridge);
    let readiness: Arc<dyn Fn() -> Readiness + Send + Sync> = {
        let socket_health = socket_health.cloned();
        Arc::new(move || {
            let mut readiness = watched.collect_readiness();
            let connection = socket_health.as_ref().and_then(SocketHealth::trouble);
            readiness.troubles.extend(connection.map(str::to_owned));
            readiness
        })
    };
    let keeper = Arc::clone(bridge);
    Intake {
        store: Arc::clone(&bridge.store),
        clock: bridge.clock.clone(),
        bots: Arc::new(bots),
        changed: Arc::clone(&bridge.slack_changed),
        note_gap: {
            let gaps = Arc::clone(&bridge.gaps);
            Arc::new(move || gaps.note_gap())
        },
        note_dropped: {
            let gaps = Arc::clone(&bridge.gaps);
            Arc::new(move || gaps.note_dropped_events())
        },
        former: Arc::new(former),
        rejected_log: RejectedRequestLog::default(),
        verifier: over_http.then(|| Verifier::new(&config.slack.signing_secrets)),
        files: Arc::new(move |wanted| {
            let keeper = Arc::clone(&keeper);
            Box::pin(async move { keeper.provide_file(&wanted).await })
        }),
        downloads,
        dialogs: Dialogs {
            store: Arc::clone(&bridge.store),
            slack: Arc::clone(&bridge.slack),
            bots: bridge.bots.clone(),
            texts: bridge.texts.clone(),
            agent_group: bridge.rules.agent_group.clone(),
            lists: ChoiceCache::new(bridge.clock.clone(), tasks.clone()),
            homes: HomeTabs::default(),
            readiness: Arc::clone(&readiness),
            clock: bridge.clock.clone(),
            tasks,
        },
        readiness,
    }
}

/// Keeps the metrics small when nobody reads them.
async fn compact_metrics(clock: Clock) {
    loop {
        clock.sleep_until(clock.now() + METRICS_COMPACTION_INTERVAL).await;
        telemetry::compact_histograms();
    }
}
