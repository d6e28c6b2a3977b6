//! Starts what is measured, and reads what the kernel knows of it.

use std::collections::HashMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::allocations::Allocations;
use crate::load::Connection;
use crate::postgres::{Schema, ServerCounts};
use crate::requests::{CHANNEL, SIGNING_SECRET, WEBHOOK_TOKEN};

/// The file with what a process says.
pub const LOG: &str = "log";
/// How long a process may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked whether it is.
const ASK_AGAIN: Duration = Duration::from_millis(1);
/// How long `strace` may take until it counts.
const TRACER_START: Duration = Duration::from_secs(1);
/// Linux counts processor time for programs in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);

/// One of those who are compared.
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    /// The program and its arguments.
    pub command: Vec<PathBuf>,
    /// Where it keeps everything.
    pub store: BenchStore,
}

/// Where a contender keeps everything.
#[derive(Clone, Debug)]
pub enum BenchStore {
    /// A file of its own for each run.
    File,
    /// A copy of this file for each run.
    CopyOf(PathBuf),
    /// A schema of its own for each run, on the PostgreSQL server of this address.
    Postgres(String),
    /// The same beside a transaction that looks at the database all the time, as a dump does.
    LookedAt(String),
}

/// The name of the file.
pub const DATABASE: &str = "bench.db";

/// A contender at work; it ends with this value.
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took to be ready.
    pub start_up: Duration,
    child: Child,
    schema: Option<Schema>,
}

impl Process {
    /// Starts a contender between these platforms, with an empty database, and waits until it is
    /// ready. What it says goes to [`LOG`] in the folder.
    pub async fn start(
        contender: &Contender,
        platforms: SocketAddr,
        folder: &Path,
        preload: Option<&Allocations>,
    ) -> Result<Self> {
        let (program, arguments) = contender.command.split_first().context("no program")?;
        let out = File::create(folder.join(LOG))?;
        let address = free_address()?;
        let schema = match &contender.store {
            BenchStore::File => None,
            BenchStore::CopyOf(file) => {
                std::fs::copy(file, folder.join(DATABASE))?;
                None
            }
            BenchStore::Postgres(server) => Some(Schema::make(server).await?),
            BenchStore::LookedAt(server) => Some(Schema::make(server).await?.look_on().await?),
        };
        let file = format!("sqlite://{DATABASE}");
        let database = schema.as_ref().map_or(file, |schema| schema.url.clone());
        let begin = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .envs(settings(address, platforms))
            .env("DATABASE_URL", database)
            .envs(preload.into_iter().flat_map(Allocations::environment))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("start {}", contender.name))?;
        let mut process = Self { address, start_up: Duration::ZERO, child, schema };
        process.wait_until_ready(begin).await?;
        process.start_up = begin.elapsed();
        Ok(process)
    }

    async fn wait_until_ready(&mut self, begin: Instant) -> Result<()> {
        const ASK: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        while begin.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.send(ASK).await.is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("ended at once, {status}");
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        bail!("was not ready within {PATIENCE:?}");
    }

    /// Memory in use now, in bytes.
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that ever was in use, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        Ok(self.number_in("status", name)? * 1024)
    }

    /// How much it has written so far, to files and to connections.
    pub fn written(&self) -> Result<Written> {
        Ok(Written {
            calls: self.number_in("io", "syscw:")?,
            bytes: self.number_in("io", "wchar:")?,
        })
    }

    fn number_in(&self, file: &str, name: &str) -> Result<u64> {
        let content = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))?;
        let line = content.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("no {name} in /proc"))
    }

    /// What its database server has counted so far; nothing of one that has a file.
    pub async fn server_counts(&self) -> Result<ServerCounts> {
        match &self.schema {
            Some(schema) => schema.counts().await,
            None => Ok(ServerCounts::default()),
        }
    }

    /// Ends it, as an operator does.
    pub fn stop(&mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status().context("stop it")?;
        self.child.wait().map(drop).context("wait for its end")
    }

    /// Counts its system calls from now on, if `strace` is there and may look.
    pub async fn count_system_calls(&self, folder: &Path) -> Option<Tracer> {
        let table = folder.join("strace");
        let tracer = Command::new("strace")
            .args(["-c", "-f", "-p", &self.child.id().to_string(), "-o"])
            .arg(&table)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut tracer = Tracer { child: tracer.ok()?, table };
        tokio::time::sleep(TRACER_START).await;
        let is_alive = matches!(tracer.child.try_wait(), Ok(None));
        is_alive.then_some(tracer)
    }

    /// The processor time used so far.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The program's name comes before, in parentheses, and may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("no name in /proc")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(TICK * ticks.sum::<Result<u32, _>>()?)
    }
}

/// What a process has written.
#[derive(Clone, Copy)]
pub struct Written {
    /// By so many calls.
    pub calls: u64,
    /// So many bytes.
    pub bytes: u64,
}

/// Somebody who counts the system calls of a process.
pub struct Tracer {
    child: Child,
    table: PathBuf,
}

impl Tracer {
    /// How often each system call was made. The tracer is asked to end, and tells then.
    pub async fn finish(mut self) -> Result<HashMap<String, u64>> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().context("stop strace")?;
        while self.child.try_wait()?.is_none() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        let table = std::fs::read_to_string(&self.table)?;
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let counts = rows.filter_map(|row| match row.as_slice() {
            [share, _, _, calls, .., name] => {
                share.parse::<f64>().ok()?;
                Some(((*name).to_owned(), calls.parse().ok()?))
            }
            _ => None,
        });
        Ok(counts.collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One set of settings for both; each reads those that it knows.
fn settings(address: SocketAddr, platforms: SocketAddr) -> [(&'static str, String); 13] {
    [
        ("HOST", address.ip().to_string()),
        ("PORT", address.port().to_string()),
        ("SLACK_API_URL", format!("http://{platforms}/slack")),
        ("SLACK_BOT_TOKEN", "xoxb-of-the-bench".to_owned()),
        ("SLACK_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
        ("SLACK_CHANNEL", CHANNEL.to_owned()),
        ("BLIP_API_URL", format!("http://{platforms}/blip")),
        ("BLIP_KEY", "Key bG9qYTpiZW5jaA==".to_owned()),
        ("BLIP_WEBHOOK_TOKEN", WEBHOOK_TOKEN.to_owned()),
        ("LOG", "warn".to_owned()),
        // No pace of its own, no history, no polling: one post per message on either side.
        ("SLACK_CHANNEL_RATE", "0".to_owned()),
        ("CONTEXT_MESSAGES", "0".to_owned()),
        ("RECONCILE_SECONDS", "0".to_owned()),
    ]
}

/// An address that nobody listens on at the moment.
fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
