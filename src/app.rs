//! Puts the bridge together: store, clients, services, doors, worker; starts it and stops it in order.

mod access;
mod doors;
mod services;
mod tuning;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::control::{self, ControlSocket};
use crate::dispatch::Dispatcher;
use crate::inbox::retry::RetryPolicy;
use crate::inbox::{AssignmentJob, Hands, Worker};
use crate::intake::server::Server;
use crate::intake::{self, Downloads, SlackDoor};
use crate::jobs::health::Health;
use crate::jobs::origins::{BotOrigin, OriginChanges};
use crate::jobs::sweeper::Sweeper;
use crate::jobs::weekly::WeeklyTimer;
use crate::model::marks;
use crate::slack::socket::{Socket, SocketHealth};
use crate::store::{self, Purpose, SharedStore};
use crate::{blip, slack, telemetry};
pub(crate) use access::PlatformAccess;
use doors::build_doors;
use services::{Services, build_services};
pub use tuning::{FileTiming, Tuning};

/// How long starting waits for the platforms to say whether they know us. Without an answer the
/// bridge starts all the same: it can take events in, and asks again.
const STARTUP_PLATFORM_WAIT: Duration = Duration::from_secs(5);

/// How often a start looks whether there is room on the disk again.
const DISK_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often metrics that nobody read are put together.
const METRICS_COMPACTION_INTERVAL: Duration = Duration::from_secs(30);

/// The running bridge: its doors, its workers, and what ends them.
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
        let store = open_store(config.database_url.expose_secret(), &clock).await?;
        let store = if let Some(wrap) = &tuning.wrap { wrap(store) } else { store };
        let access = PlatformAccess::new(config.http.proxy.as_ref(), &tuning)?;
        let socket_health = config.slack.app_token.as_ref().map(|_| SocketHealth::default());
        let origins = find_origins(config, &store, &clock).await;
        let memory = (Arc::clone(&store), socket_health.clone());
        let services = build_services(config, &tuning, &access, memory, &origins)?;
        // Bound before anything runs: a port that is taken ends the start with one line, and
        // nothing has been done by then.
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
            // Before the first call, which would go to an id that Slack does not know any more.
            services.platforms.slack.renames().add_rename(later, first);
        }
        // So a wrong key is told before the first customer comes
        // (`a_wrong_key_is_told_before_the_first_customer_with_the_variable_of_its_bot`).
        app.check_platforms(&services.health).await;
        let has_missed = Arc::clone(&services.gap_watch.has_missed);
        app.spawn_watchers(&services, tuning.credentials_pause, config.desk.reconcile.is_some());
        let limits = tuning.limits.within_open_files();
        let downloads = Downloads::new(limits.downloads);
        let doors = build_doors(
            config,
            (&services, &origins),
            socket_health.as_ref(),
            (downloads, app.tasks.clone()),
        );
        let slack_door = Arc::clone(&doors.slack);
        let homes = Arc::clone(&slack_door.answers.homes).refresh_home_tabs();
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(homes));
        let router = intake::build_router(doors);
        let server = Server::new(router, limits, app.stop.clone(), app.tasks.clone());
        app.tasks.spawn(server.run(listener));
        if config.desk.assigns {
            // What waited before this start, or before it was switched on.
            // If it cannot be kept, the next ticket that arrives sets out a round as well.
            store.accept(AssignmentJob::distribute_tickets(clock.now())).await.ok();
        }
        if let Some(hours) = services.hours_reader {
            app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(hours.run()));
        }
        if let Some(levels) = services.service_levels {
            app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(levels.run()));
        }
        app.spawn_worker(services.dispatcher, &clock, tuning.retry, config.bots.len());
        if let (Some(token), Some(health)) = (&config.slack.app_token, socket_health) {
            let http = access.http().clone();
            let socket = build_socket(config, token, &tuning, http, (slack_door, health));
            app.start_socket_mode(socket).await;
        }
        app.open_control(config.database_url.expose_secret(), &clock);
        app.spawn_housekeeping(config, clock, has_missed);
        tracing::info!(%address, "the bridge is running");
        Ok(app)
    }

    /// Has what waits in the inbox handled.
    fn spawn_worker(&self, dispatcher: Dispatcher, clock: &Clock, retry: RetryPolicy, bots: usize) {
        let (store, stop) = (Arc::clone(&self.store), self.stop.clone());
        let worker =
            Worker::new(store, Arc::new(dispatcher), clock.clone(), retry, Hands::new(bots), stop);
        // On the same tracker as the lanes that it works on: to stop waits for all of them.
        self.tasks.spawn(worker.run(self.tasks.clone()));
    }

    /// Looks after what nobody else notices, and keeps the metrics small.
    fn spawn_housekeeping(&self, config: &Config, clock: Clock, has_missed: Arc<Notify>) {
        let tidying = compact_metrics(clock.clone());
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(tidying));
        if config.desk.leads.is_some() {
            let (store, clock) = (Arc::clone(&self.store), clock.clone());
            let weekly = WeeklyTimer { store, clock, zone: config.timezone.clone() };
            self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(weekly.run()));
        }
        let sweeper = Sweeper {
            store: Arc::clone(&self.store),
            clock,
            every: config.desk.reconcile,
            has_missed,
            retain_bodies: config.retain_bodies,
            retain_tickets: config.retain_tickets,
        };
        self.tasks.spawn(sweeper.run_until_stopped(self.stop.clone()));
    }

    /// Watches whether the platforms are well, and fetches what was missed while they were not.
    fn spawn_watchers(&self, services: &Services, every: Duration, compares: bool) {
        let health = Arc::clone(&services.health);
        let health = async move { health.watch_health(every).await };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(health));
        let gaps = Arc::clone(&services.gap_watch);
        let gaps = async move { gaps.watch_gaps(compares).await };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(gaps));
        let refusals = Arc::clone(&services.gap_watch);
        let refusals = async move { refusals.watch_refusals().await };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(refusals));
    }

    /// The address that it listens on; with port 0, the port that it was given.
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
        // After all tasks: what is under way still notes how far it came.
        self.store.close().await;
        finished
    }

    /// Lets commands ask the running bridge, where they cannot ask the database beside it.
    fn open_control(&self, database_url: &str, clock: &Clock) {
        // A server is asked by the commands themselves, from any machine.
        if store::is_postgres(database_url) {
            return;
        }
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
    async fn check_platforms(&self, health: &Health) {
        if tokio::time::timeout(STARTUP_PLATFORM_WAIT, health.check_platforms()).await.is_err() {
            tracing::warn!("a platform takes long to answer; asking again meanwhile");
        }
    }
}

/// Opens the memory. While the disk is full or fails, another program has locked the database, or
/// its server cannot be reached, it waits: to end would make no room, and whatever starts the
/// bridge again would only wait less patiently. Where another bridge serves the file of a database,
/// it ends at once.
async fn open_store(url: &str, clock: &Clock) -> anyhow::Result<SharedStore> {
    let mut is_told = false;
    loop {
        match store::open_store(url, clock, Purpose::Serve).await {
            Err(error) if error.is_transient() => {
                // Once, as this may last for hours.
                if !std::mem::replace(&mut is_told, true) {
                    tracing::error!(%error, "the database cannot be used for now: the disk is full \
                        or fails, another program has locked it, or its server does not let us in; \
                        make room, or mend that; the bridge starts as soon as it can");
                }
                tokio::time::sleep(DISK_RETRY_INTERVAL).await;
            }
            opened => return opened.context("DATABASE_URL: open the database"),
        }
    }
}

fn build_socket(
    config: &Config,
    token: &SecretString,
    tuning: &Tuning,
    http: reqwest::Client,
    (door, socket_health): (Arc<SlackDoor>, SocketHealth),
) -> Socket {
    Socket {
        http,
        api_url: config.slack.api_url.clone(),
        token: token.clone(),
        clock: tuning.clock.clone(),
        timing: tuning.socket,
        taker: door,
        health: socket_health,
    }
}

/// Compares open tickets with the settings.
async fn find_origins(config: &Config, store: &SharedStore, clock: &Clock) -> OriginChanges {
    let bots = config.bots.iter().map(|bot| {
        let owner = blip::key::key_owner(&bot.key);
        // Blip answers by the bot's own name, too, which tells no contract.
        let contract = blip::key::address_contract(&bot.api_url).filter(|name| *name != owner);
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

/// Keeps the metrics small when nobody reads them.
async fn compact_metrics(clock: Clock) {
    loop {
        clock.sleep_until(clock.now() + METRICS_COMPACTION_INTERVAL).await;
        telemetry::compact_histograms();
    }
}
