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

use crate::clock::Clock;
use crate::config::{Agents, Bot, Config, Proxy, ReactionsOn, ReplyPolicy};
use crate::control::{self, Control};
use crate::dialog::{Dialogs, Homes, Lists};
use crate::gate::Gate;
use crate::inbox::Pump;
use crate::inbox::retry::Retry;
use crate::intake::server::{Limits, Server};
use crate::intake::{self, Answer, BotDoor, Downloads, Intake, Nuisance};
use crate::locale::{Texts, Words};
use crate::media::{Fetcher, Guard, Links};
use crate::model::reply::ReplyRules;
use crate::model::{BotName, Readiness, marks};
use crate::pipe::{Bridge, Files, Gaps, Origins, Reminders, Rules, Sweep};
use crate::slack::Mask;
use crate::slack::socket::{self, Line, NotTaken, Socket};
use crate::slack::verify::Verifier;
use crate::store::sqlite::Options;
use crate::store::{Pace, SharedStore, SqliteStore};
use crate::{blip, slack, telemetry};

/// How long a platform may take to answer. Long enough for a slow day; a call that took effect
/// later than that is found by looking.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long starting waits for the platforms to say whether they know us. Without an answer the bridge starts all
/// the same: it can take events in, and asks again.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Posts that may go out at once after a pause. Slack tolerates short bursts (`slack.md` C.1).
const BURST: u32 = 3;
/// How much longer than the limit asks for we wait between two posts: exactly at it, every second post
/// would arrive a hair too early, and be refused for a whole second.
const PACE_MARGIN: f64 = 1.05;
/// How long nothing is called after the credentials were refused. Short enough that a mended token is noticed while the operator still looks, long enough to
/// cause no storm.
const LOCKOUT: Duration = Duration::from_secs(15);
/// How long the effect of a call whose answer was lost may still come or be seen. Neither platform promises that a message can be read as soon as it was taken. Three seconds are
/// long for that, and short for the customer who waits.
const SETTLING: Duration = Duration::from_secs(3);

/// How often a start looks whether there is room on the disk again.
const ROOM: Duration = Duration::from_secs(1);

/// How often metrics that nobody read are folded together.
const TIDYING: Duration = Duration::from_secs(30);

/// Puts something between the bridge and its memory.
pub type Wrap = Arc<dyn Fn(SharedStore) -> SharedStore + Send + Sync>;

/// What differs between production and tests.
#[derive(Clone)]
pub struct Tuning {
    /// The time.
    pub clock: Clock,
    /// How failures are retried.
    pub retry: Retry,
    /// How long a platform may take to answer.
    pub answer: Duration,
    /// How long nothing is called after the credentials were refused, before they are tried again.
    pub lockout: Duration,
    /// How long after a call without a known outcome its effect may still come or be seen.
    pub settling: Duration,
    /// How patient Socket Mode is.
    pub socket: socket::Timing,
    /// What those who knock are allowed.
    pub limits: Limits,
    /// What is between the bridge and its memory, if anything.
    pub wrap: Option<Wrap>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            retry: Retry::default(),
            answer: ANSWER,
            lockout: LOCKOUT,
            settling: SETTLING,
            socket: socket::Timing::default(),
            limits: Limits::default(),
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
    patience: Duration,
}

impl App {
    /// Starts the bridge; when this returns it takes events in.
    pub async fn start(config: &Config, tuning: Tuning) -> anyhow::Result<Self> {
        check_reactions(config)?;
        let clock = tuning.clock.clone();
        let store: SharedStore = Arc::new(open_store(&config.database_url, &clock).await?);
        let store = if let Some(wrap) = &tuning.wrap { wrap(store) } else { store };
        let http = http(tuning.answer, config.http.proxy.as_ref())?;
        let line = config.slack.app_token.as_ref().map(|_| Line::default());
        let origins = find_origins(config, &store, &clock).await;
        let memory = (Arc::clone(&store), line.clone());
        let bridge = Arc::new(bridge(config, &tuning, &http, memory, &origins)?);
        let listener = listen(config).await?;
        let address = listener.local_addr()?;
        let app = Self {
            address,
            store: Arc::clone(&store),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            patience: config.shutdown,
        };
        for (later, first) in store.renamed_channels().await.context("DATABASE_URL: read it")? {
            bridge.slack.renames().add(later, first);
        }
        app.introduce(&bridge).await;
        let (standing, every) = (Arc::clone(&bridge), tuning.lockout);
        let standing = async move { standing.look_after_standing(every).await };
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(standing));
        let (gaps, compares) = (Arc::clone(&bridge), config.desk.reconcile.is_some());
        let gaps = async move { gaps.look_after_gaps(compares).await };
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(gaps));
        let limits = tuning.limits.within_open_files();
        let downloads = Downloads::new(limits.downloads);
        let intake =
            doors(config, (&bridge, &origins), line.as_ref(), (downloads, app.tasks.clone()));
        let homes = intake.dialogs.clone().keep_homes();
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(homes));
        let router = intake::router(intake.clone());
        let server = Server::new(router, limits, app.stop.clone(), app.tasks.clone());
        app.tasks.spawn(server.run(listener));
        let pump =
            Pump::new(Arc::clone(&store), bridge, clock.clone(), tuning.retry, app.stop.clone());
        app.tasks.spawn(pump.run(app.tasks.clone()));
        if let (Some(token), Some(line)) = (&config.slack.app_token, line) {
            app.listen(socket(config, token, &tuning, http, (intake, line))).await;
        }
        app.open_control(&config.database_url, &clock);
        let sweep = Sweep {
            store,
            clock,
            every: config.desk.reconcile,
            retain_bodies: config.retain_bodies,
            retain_tickets: config.retain_tickets,
        };
        app.tasks.spawn(sweep.run(app.stop.clone()));
        let tidying = tidy_metrics(tuning.clock);
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(tidying));
        tracing::info!(%address, "the bridge is running");
        Ok(app)
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
        let finished = tokio::time::timeout(self.patience, self.tasks.wait()).await.is_ok();
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
        match control::path_of(database_url).and_then(|path| Ok(Control::open(path)?)) {
            Ok(control) => {
                let answering = control.run(Arc::clone(&self.store), clock.clone());
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
    async fn listen(&self, socket: Socket) {
        let line = socket.line.clone();
        self.tasks.spawn(socket.run(self.stop.clone(), self.tasks.clone()));
        // Starting goes on without a connection, as it does without an introduction.
        tokio::time::timeout(INTRODUCTION, line.settled()).await.ok();
    }

    /// Learns from both platforms whether they know us, now or as soon as they answer.
    async fn introduce(&self, bridge: &Bridge) {
        if tokio::time::timeout(INTRODUCTION, bridge.introduce()).await.is_err() {
            tracing::warn!("a platform takes long to answer; asking again meanwhile");
        }
    }
}

/// Opens the memory. While the disk is full or fails, or another program has locked the database, it
/// waits: to end would make no room, and whatever starts the bridge again would only wait less
/// patiently. Where another bridge serves the database, it ends at once.
async fn open_store(url: &str, clock: &Clock) -> anyhow::Result<SqliteStore> {
    let options = Options { exclusive: true, ..Options::new(clock.clone()) };
    let mut is_told = false;
    loop {
        match SqliteStore::open(url, options.clone()).await {
            Err(error) if error.may_pass() => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::error!(%error, "the database cannot be used for now: the disk is full \
                        or fails, or another program has locked it; make room, or mend that; the \
                        bridge starts as soon as it can");
                }
                tokio::time::sleep(ROOM).await;
            }
            opened => return opened.context("DATABASE_URL: open the database"),
        }
    }
}

fn http(answer: Duration, proxy: Option<&Proxy>) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().no_proxy();
    let client = match proxy {
        Some(proxy) => client.proxy(through(proxy)?),
        None => client,
    };
    client
        .timeout(answer)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        // Socket Mode begins with an upgrade, which HTTP/2 does not have.
        .http1_only()
        .user_agent(concat!("blip-slack/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("prepare the HTTP client")
}

/// The way through a proxy, for what is not on this machine.
fn through(proxy: &Proxy) -> anyhow::Result<reqwest::Proxy> {
    let Proxy { variable, address, except } = proxy;
    let all = reqwest::Proxy::all(address.expose_secret());
    // The error itself may quote the address, and with it a password.
    let all = all.map_err(|_quoting| anyhow::anyhow!("{variable}: not the address of a proxy"))?;
    let except = format!("{except},localhost,127.0.0.0/8,::1");
    Ok(all.no_proxy(reqwest::NoProxy::from_string(&except)))
}

fn socket(
    config: &Config,
    token: &SecretString,
    tuning: &Tuning,
    http: reqwest::Client,
    (intake, line): (Intake, Line),
) -> Socket {
    let take = move |payload: Vec<u8>| {
        let intake = intake.clone();
        async move {
            match intake.take_from_slack(payload).await {
                Ok(Answer::Json(shown)) => Ok(Some(shown.into_json())),
                Ok(Answer::Nothing | Answer::Challenge(_)) => Ok(None),
                Err(error) => {
                    tracing::error!(%error, "slack has to send an event again");
                    Err(NotTaken)
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
        line,
    }
}

fn bridge(
    config: &Config,
    tuning: &Tuning,
    http: &reqwest::Client,
    (store, line): (SharedStore, Option<Line>),
    origins: &Origins,
) -> anyhow::Result<Bridge> {
    let clock = tuning.clock.clone();
    let gate = || Gate::new(clock.clone(), tuning.lockout);
    let slack = &config.slack;
    let blip = |bot: &Bot| {
        let (name, http) = (bot.name.clone(), http.clone());
        let client = blip::Client::new(name, http, &bot.api_url, &bot.key, gate());
        (bot.name.clone(), Arc::new(client))
    };
    let client =
        slack::Client::new(http.clone(), &slack.api_url, &slack.bot_token, clock.clone(), gate());
    let language = config.locale.parse().context("LOCALE")?;
    let former: Vec<Bot> = former_bots(config, &origins.renamed).collect();
    let mut rules = rules(config);
    rules.former_bots = former.iter().map(|bot| bot.name.clone()).collect();
    rules.bot_channels.extend(former.iter().map(|bot| (bot.name.clone(), bot.channel.clone())));
    Ok(Bridge {
        store,
        slack: Arc::new(client.hiding(Mask::new(&config.desk.masked))),
        bots: config.bots.iter().chain(&former).map(blip).collect(),
        files: files(config)?,
        clock: clock.clone(),
        words: Words::new(Arc::new(Texts::new()), language, config.timezone.clone()),
        rules,
        settling: tuning.settling,
        receipts_heard: DashMap::new(),
        receipts_asked: DashMap::new(),
        shown: DashMap::new(),
        customers_met: DashMap::new(),
        channels: DashMap::new(),
        homeless: AtomicBool::new(false),
        is_groupless: AtomicBool::new(false),
        warnings: origins.warnings.clone().into_iter().collect(),
        shared: DashMap::new(),
        changed: Arc::default(),
        gaps: Arc::new(Gaps::new(line)),
        compared: DashMap::new(),
    })
}

/// Compares open tickets with the settings.
async fn find_origins(config: &Config, store: &SharedStore, clock: &Clock) -> Origins {
    let owners = config.bots.iter().map(|bot| (bot.name.clone(), blip::client::owner_of(&bot.key)));
    let (owners, aliases) = (owners.collect(), &config.bot_aliases);
    let origins = Origins::find(store, &owners, aliases, clock.now()).await;
    // A database that cannot be read is told by readiness; what arrives may still be kept.
    origins.unwrap_or_else(|error| {
        tracing::error!(%error, "open tickets could not be compared with the settings");
        Origins::default()
    })
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let (host, port) = (config.http.host.as_str(), config.http.port);
    let listener = TcpListener::bind((host, port)).await;
    listener.with_context(|| format!("HOST, PORT: listen on {host}:{port}"))
}

/// One emoji has several names, which only Slack's own table tells.
fn check_reactions(config: &Config) -> anyhow::Result<()> {
    let reactions = [&config.desk.claim_reaction, &config.desk.close_reaction];
    for (name, reaction) in ["CLAIM_REACTION", "CLOSE_REACTION"].into_iter().zip(reactions) {
        let is_ours = marks::ALL.iter().any(|ours| slack::emoji::same(ours, reaction));
        anyhow::ensure!(!is_ours, "{name} must not be an emoji that the bridge uses itself");
    }
    let [claims, closes] = reactions;
    anyhow::ensure!(
        !slack::emoji::same(claims, closes),
        "CLOSE_REACTION must not be another name for the emoji of CLAIM_REACTION"
    );
    Ok(())
}

/// The bots by their former names, under which their open tickets are kept.
fn former_bots(config: &Config, renamed: &HashMap<BotName, BotName>) -> impl Iterator<Item = Bot> {
    renamed.iter().filter_map(|(was, is)| {
        let bot = config.bots.iter().find(|bot| bot.name == *is)?;
        Some(Bot { name: was.clone(), ..bot.clone() })
    })
}

fn rules(config: &Config) -> Rules {
    let (slack, desk) = (&config.slack, &config.desk);
    Rules {
        reply: ReplyRules {
            note_prefix: slack::emoji::spell(&desk.note_prefix).into_owned(),
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
        pace: (slack.channel_rate > 0.0).then(|| Pace {
            interval: Duration::from_secs_f64(slack.channel_rate.recip() * PACE_MARGIN),
            burst: BURST,
        }),
        reminders: Reminders {
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

fn files(config: &Config) -> anyhow::Result<Files> {
    let token = config.slack.bot_token.clone();
    let address = config.http.public_url.as_deref();
    Ok(Files {
        fetcher: Fetcher::new(Guard::new(config.media.allow_loopback))
            .context("prepare the client for files")?,
        links: Links::new(&token, address, config.media.link),
        token,
        known: DashMap::new(),
    })
}

fn doors(
    config: &Config,
    (bridge, origins): (&Arc<Bridge>, &Origins),
    line: Option<&Line>,
    (downloads, tasks): (Downloads, TaskTracker),
) -> Intake {
    let door = |bot: &Bot| {
        let tokens = bot.webhook_tokens.clone();
        (bot.name.clone(), BotDoor { tokens, header: bot.webhook_header.clone() })
    };
    let bots: HashMap<BotName, BotDoor> = config.bots.iter().map(door).collect();
    let mut former: HashMap<BotName, Vec<BotName>> = HashMap::new();
    for (was, is) in &origins.renamed {
        former.entry(is.clone()).or_default().push(was.clone());
    }
    let over_http = line.is_none();
    let watched = Arc::clone(bridge);
    let readiness: Arc<dyn Fn() -> Readiness + Send + Sync> = {
        let line = line.cloned();
        Arc::new(move || {
            let mut readiness = watched.readiness();
            let connection = line.as_ref().and_then(Line::trouble);
            readiness.troubles.extend(connection.map(str::to_owned));
            readiness
        })
    };
    let keeper = Arc::clone(bridge);
    Intake {
        store: Arc::clone(&bridge.store),
        clock: bridge.clock.clone(),
        bots: Arc::new(bots),
        changed: Arc::clone(&bridge.changed),
        note_gap: {
            let gaps = Arc::clone(&bridge.gaps);
            Arc::new(move || gaps.note())
        },
        note_dropped: {
            let gaps = Arc::clone(&bridge.gaps);
            Arc::new(move || gaps.note_dropped())
        },
        former: Arc::new(former),
        nuisance: Nuisance::default(),
        verifier: over_http.then(|| Verifier::new(&config.slack.signing_secrets)),
        files: Arc::new(move |wanted| {
            let keeper = Arc::clone(&keeper);
            Box::pin(async move { keeper.hand_out(&wanted).await })
        }),
        downloads,
        dialogs: Dialogs {
            store: Arc::clone(&bridge.store),
            slack: Arc::clone(&bridge.slack),
            bots: bridge.bots.clone(),
            words: bridge.words.clone(),
            agent_group: bridge.rules.agent_group.clone(),
            lists: Lists::new(bridge.clock.clone(), tasks.clone()),
            homes: Homes::default(),
            readiness: Arc::clone(&readiness),
            clock: bridge.clock.clone(),
            tasks,
        },
        readiness,
    }
}

/// Keeps the metrics small when nobody reads them.
async fn tidy_metrics(clock: Clock) {
    loop {
        clock.sleep_until(clock.now() + TIDYING).await;
        telemetry::tidy();
    }
}
