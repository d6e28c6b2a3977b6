//! A PostgreSQL server for tests, and a schema of its own in it for each.
//!
//! `TEST_DATABASE_URL` names the server. Where it is not set and none runs on this machine, what
//! needs one is skipped, which is said; where it is set, a server must be there.

use std::io::Write;
use std::sync::Once;
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// Where a server is on a developer's machine.
const USUAL_SERVER: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// How long a test waits for a connection while others have them all.
const SLOT_PATIENCE: Duration = Duration::from_secs(30);

/// How many schemas are used at the same time: each bridge on one has up to a dozen connections, and a
/// server has a hundred.
static TURNS: Semaphore = Semaphore::const_new(6);

/// How long a test waits for its turn. After that it goes on all the same: who has the others may wait
/// for it.
const TURN_PATIENCE: Duration = Duration::from_mins(1);

/// A schema that is dropped when the test is over.
pub struct PostgresSchema {
    name: String,
    url: String,
    _turn: Option<SemaphorePermit<'static>>,
}

impl PostgresSchema {
    /// Makes one, if there is a server.
    pub async fn make() -> Option<Self> {
        let server = find_server().await?;
        let turn = tokio::time::timeout(TURN_PATIENCE, TURNS.acquire()).await;
        let turn = turn.ok().map(Result::unwrap);
        let name = format!("blip_slack_test_{}", uuid::Uuid::new_v4().simple());
        run_sql(&server, &format!("CREATE SCHEMA {name}")).await.unwrap();
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options=-csearch_path%3D{name}");
        Some(Self { name, url, _turn: turn })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether its server has a certificate.
    pub async fn has_tls(&self) -> bool {
        let client = connect(&self.url).await.unwrap();
        let row = client.query_one("SELECT current_setting('ssl')", &[]).await.unwrap();
        row.get::<_, &str>(0) == "on"
    }

    /// Where the certificate of its server is, which is on this machine.
    pub async fn certificate(&self) -> String {
        let client = connect(&self.url).await.unwrap();
        // Others than the server's owner may not ask for it.
        let asked = client.query_one("SELECT current_setting('ssl_cert_file', true)", &[]).await;
        let usual = || "/etc/ssl/certs/ssl-cert-snakeoil.pem".to_owned();
        asked.map_or_else(|_refused| usual(), |row| row.get(0))
    }

    /// Does something in it, beside whoever else does.
    pub async fn run(&self, sql: &str) {
        run_sql(&self.url, sql).await.unwrap();
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        let (server, name) = (self.url.clone(), self.name.clone());
        // Whoever waits here is within a runtime.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let sql = format!("SET lock_timeout = '5s'; DROP SCHEMA {name} CASCADE");
            runtime.unwrap().block_on(run_sql(&server, &sql)).ok();
        });
        dropping.join().ok();
    }
}

/// The server, if there is one.
async fn find_server() -> Option<String> {
    static FOUND: OnceCell<Option<String>> = OnceCell::const_new();
    static TOLD: Once = Once::new();
    let found = FOUND.get_or_init(async || {
        let named = super::wish("TEST_DATABASE_URL");
        let server = named.clone().unwrap_or_else(|| USUAL_SERVER.to_owned());
        let answers = run_sql(&server, "SELECT 1").await;
        if named.is_some() {
            answers.as_ref().expect("TEST_DATABASE_URL names a server that answers");
        }
        answers.is_ok().then_some(server)
    });
    let found = found.await.clone();
    if found.is_none() {
        // Past what the test runner keeps to itself.
        TOLD.call_once(|| {
            let told = "skipped: all that needs PostgreSQL; none is at 127.0.0.1:5432, and \
                TEST_DATABASE_URL names none\n";
            std::io::stderr().write_all(told.as_bytes()).unwrap();
        });
    }
    found
}

async fn run_sql(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    connect(url).await?.batch_execute(sql).await
}

#[expect(clippy::disallowed_methods, reason = "the connection ends with its client")]
async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config.connect_timeout(Duration::from_secs(5));
    let give_up = Instant::now() + SLOT_PATIENCE;
    loop {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return Ok(client);
            }
            // Tests that run at the same time share the server's slots, of which there are a hundred.
            Err(error)
                if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
                    && Instant::now() < give_up =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
