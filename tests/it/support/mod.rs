//! A bridge between the stand-ins, for tests: fast pauses, no pace, everything local.

mod backend;
mod balancer;
pub mod browser;
pub mod crossing;
mod home;
pub mod later;
mod lock;
mod postgres;
mod proxy;
mod ready;
pub mod samples;
pub mod watched;

mod mortal;
mod service;

pub use backend::TestBackend;
pub use balancer::Balancer;
pub use home::view_words;
use lock::{a_day_back, a_day_passes};
pub use lock::{damage_database, lock_database};
pub use mortal::Mortal;
pub use postgres::PostgresSchema;
pub use proxy::{CutMoment, DatabaseProxy};
pub use service::Service;

use std::path::Path;
use std::time::Duration;

use blip_slack::app::{FileTiming, Tuning};
use blip_slack::clock::Clock;
use blip_slack::demo::{CHANNEL, Stage};
use blip_slack::inbox::retry::RetryPolicy;
use blip_slack::intake::server::ServerLimits;
use blip_slack::slack::socket::SocketTiming;
use blip_slack::store;
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::{Message, View};
use tempfile::TempDir;

/// How long a test waits for the bridge to become idle.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A variable with which whoever runs the tests changes how long or how hard they are.
#[expect(clippy::disallowed_methods, reason = "the program's own settings are not meant")]
pub fn wish(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A number that a variable gives, or a random one below `end` if it says `any`. Without it the usual
/// one: a change fails for what it brings, and not for what a run happens to meet.
pub fn draw(name: &str, usual: u64, end: u64) -> u64 {
    match wish(name) {
        Some(wish) if wish == "any" => fastrand::u64(..end),
        Some(wish) => wish.parse().unwrap(),
        None => usual,
    }
}

/// The place from which on every so-manieth one is taken.
pub fn draw_first(every: usize) -> usize {
    let end = u64::try_from(every).unwrap();
    usize::try_from(draw("POINTS_FROM", 0, end)).unwrap() % every
}

/// Tells what a failed run can be repeated with.
#[expect(clippy::print_stdout, reason = "shown if the test fails")]
pub fn note(what: &str) {
    println!("{what}");
}

/// A stage with a memory of its own that goes with the test.
pub struct Bridge {
    pub stage: Stage,
    folder: TempDir,
    /// Where its memory is, if not in the folder.
    schema: Option<PostgresSchema>,
}

impl std::ops::Deref for Bridge {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl std::ops::DerefMut for Bridge {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

/// A bridge that tries again within milliseconds and gives an answer a short time only.
pub fn tuning() -> Tuning {
    let retry = RetryPolicy {
        first: Duration::from_millis(20),
        longest: Duration::from_millis(200),
        ..RetryPolicy::default()
    };
    let (answer, lockout) = (Duration::from_millis(700), Duration::from_millis(100));
    let settling = Duration::from_millis(100);
    let socket = SocketTiming {
        first: Duration::from_millis(20),
        longest: Duration::from_millis(200),
        answer,
        quiet: Duration::from_millis(400),
        ..SocketTiming::default()
    };
    let limits = ServerLimits::default();
    Tuning {
        clock: Clock::system(),
        retry,
        call_timeout: answer,
        credentials_pause: lockout,
        unknown_outcome_wait: settling,
        // At once: a test that is about the news of the first seconds sets what it needs.
        mark_delay: Duration::ZERO,
        socket,
        files: FileTiming::default(),
        limits,
        wrap: None,
    }
}

impl Bridge {
    /// A bridge with the default rules.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A bridge with these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::tuned(settings, tuning()).await
    }

    /// A bridge with these settings and another sense of time.
    pub async fn tuned(settings: &[(&str, &str)], tuning: Tuning) -> Self {
        Self::on(TestBackend::asked_of_service(), settings, tuning).await
    }

    /// The same on this kind of database, whatever was asked for.
    pub async fn on(backend: TestBackend, settings: &[(&str, &str)], tuning: Tuning) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("bridge.db");
        let quiet = [
            ("SLACK_CHANNEL_RATE", "0"),
            ("CONTEXT_MESSAGES", "0"),
            ("RECONCILE_SECONDS", "0"),
            ("REMIND_UNCLAIMED_MINUTES", "0"),
            ("REMIND_UNANSWERED_MINUTES", "0"),
            ("LOCALE", "en"),
        ];
        // A test that names its database is about that one.
        let names_database = settings.iter().any(|(name, _)| *name == "DATABASE_URL");
        let schema = match backend {
            TestBackend::Postgres if !names_database => {
                Some(PostgresSchema::make().await.expect("PostgreSQL needs a server"))
            }
            TestBackend::Postgres | TestBackend::Sqlite => None,
        };
        let ours = schema.as_ref().map(|schema| ("DATABASE_URL", schema.url()));
        let settings: Vec<_> = quiet.iter().chain(settings).copied().chain(ours).collect();
        let stage = Stage::start(database.to_str().unwrap(), &settings, tuning).await.unwrap();
        match (&schema, names_database) {
            (Some(_), _) => TestBackend::Postgres.tell_use(),
            (None, false) => TestBackend::Sqlite.tell_use(),
            (None, true) => {}
        }
        Self { stage, folder, schema }
    }

    /// Whether its memory is in PostgreSQL.
    pub fn is_on_postgres(&self) -> bool {
        self.schema.is_some()
    }

    /// Where its memory is in PostgreSQL, if it is there.
    pub fn schema(&self) -> Option<&PostgresSchema> {
        self.schema.as_ref()
    }

    /// Lets whoever was cut off without a word count as dead, as it does some seconds later by itself:
    /// what it had under way goes to others. The tests of two instances wait for that.
    pub async fn buries_the_dead(&self) {
        if let Some(schema) = &self.schema {
            schema.run("UPDATE instance SET until = 0").await;
        }
    }

    /// How many bridges may be played at the same time: on PostgreSQL each has a dozen connections.
    pub fn at_once(usual: usize) -> usize {
        match TestBackend::asked_of_service() {
            TestBackend::Sqlite => usual,
            TestBackend::Postgres => usual / 2,
        }
    }

    /// Puts all that its memory holds a little more than a day back, as if it had lain still for so
    /// long. Its program must be stopped.
    pub async fn lies_still_for_a_day(&self) {
        match &self.schema {
            Some(schema) => schema.run(&a_day_back()).await,
            None => a_day_passes(&self.folder().join("bridge.db")),
        }
    }

    /// Where its memory is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A customer opens a ticket with these words; returns the ticket and its card.
    pub async fn ticket(&self, name: &str, words: &str) -> (String, Message) {
        let identity = format!("{}@wa.gw.msging.net", name.to_lowercase().replace(' ', "."));
        let opened = self.blip.opens_ticket(NewTicket::saying(name, &identity, words)).await;
        assert_eq!(opened.status, Some(200));
        (opened.id.clone(), self.card_of(name).await)
    }

    /// The card of a customer's ticket, once it is there.
    pub async fn card_of(&self, name: &str) -> Message {
        let shows = |message: &Message| message.ours && message.words().contains(name);
        self.slack
            .wait_for(&format!("a card for {name}"), |state| {
                state.cards(CHANNEL).find(|card| shows(card)).cloned()
            })
            .await
    }

    /// What stands in a ticket's thread, without the card.
    pub fn replies(&self, card: &Message) -> Vec<Message> {
        let thread = self.slack.thread(CHANNEL, &card.ts);
        thread.into_iter().filter(|message| message.ts != card.ts).collect()
    }

    /// The words of what stands in a ticket's thread.
    pub fn said(&self, card: &Message) -> Vec<String> {
        self.replies(card).iter().map(Message::words).collect()
    }

    /// What reached the customer of a ticket, as text.
    pub fn received(&self, ticket: &str) -> Vec<String> {
        let messages = self.blip.received(ticket);
        messages.iter().map(|m| m.content.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The dialog that lies on top for somebody.
    pub fn dialog(&self, user: &str) -> View {
        let is_it = |view: &&View| view.user == user && view.view["type"] == "modal";
        let found = self.slack.look(|state| state.views.values().rev().find(is_it).cloned());
        assert!(found.is_some(), "no dialog for {user}\n{}", self.slack.transcript());
        found.unwrap()
    }

    /// Whether somebody has a dialog open.
    pub fn has_dialog(&self, user: &str) -> bool {
        let is_it = |view: &View| view.user == user && view.view["type"] == "modal";
        self.slack.look(|state| state.views.values().any(is_it))
    }

    /// Waits until something is so that is not in one stand-in alone.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let became = async {
            while !is_so() {
                tick.tick().await;
            }
        };
        let became = tokio::time::timeout(PATIENCE, became).await.is_ok();
        let (slack, blip) = (self.slack.transcript(), self.blip.transcript());
        assert!(became, "waited in vain for {what}\n{slack}\n{blip}");
    }

    /// Waits until the bridge has nothing left to do.
    pub async fn idle(&self) {
        let store = self.app().unwrap().store();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let emptied = async {
            // A store in trouble is asked again, as the bridge does.
            while store.inbox_depth().await.map_or(true, |depth| depth.waiting() > 0) {
                tick.tick().await;
            }
        };
        let became_idle = tokio::time::timeout(PATIENCE, emptied).await.is_ok();
        assert!(became_idle, "not idle\n{}\n{}", self.slack.transcript(), self.blip.transcript());
    }

    /// Ends a test: nothing is left over, nothing is parked, nobody did what a platform refuses.
    pub async fn finish(self) {
        self.idle().await;
        let store = self.app().unwrap().store();
        let parked = loop {
            match store.parked_items(None).await {
                Err(store::Error::Unavailable(_)) => tokio::task::yield_now().await,
                parked => break parked.unwrap(),
            }
        };
        assert!(parked.is_empty(), "{parked:#?}");
        let violations = [self.slack.violations(), self.blip.violations()].concat();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}
