//! The bridge against the same bridge on Slack's own framework: `cargo bench --locked --bench versus_bolt`.
//!
//! The release binary, which has every event on the disk before it acknowledges it, takes turns
//! with `benches/bolt/app.js`, which acknowledges at once and keeps everything in memory. Both
//! speak the real protocols to the same fakes, and both do the same for a message: check who
//! sent it, post it into the ticket's thread as text and blocks, keep the order of each ticket.
//!
//! Needs `node` and `npm`, and says so if they are not there; packages go into the target folder.
//! `cargo bench --locked --bench versus_bolt -- 1` is content with one run of each. Where `TEST_DATABASE_URL` names
//! a PostgreSQL server, the bridge on it is compared with the bridge on SQLite, and then with itself while a
//! snapshot of the database is open.
//! `cargo bench --locked --bench versus_bolt -- aged=1000000` compares a database with so many closed tickets with
//! an empty one instead. Pictures go into the target folder, or where `PICTURES` says.

mod aged;
mod allocations;
mod fakes;
mod load;
mod postgres;
mod process;
mod report;
mod requests;
mod trial;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::fakes::Fakes;
use self::process::{BenchStore, Contender, LOG};
use self::trial::Measured;

/// How often the disk is tried.
const SYNCS: usize = 100;
/// How often each contender has its turn, unless an argument says otherwise.
const ROUNDS: usize = 5;

#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
fn main() -> Result<()> {
    // Cargo also runs benchmarks as tests, and then nobody wants to wait.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let aged = std::env::args().find_map(|argument| argument.strip_prefix("aged=")?.parse().ok());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versus_bolt");
    std::fs::create_dir_all(&folder)?;
    let ours = |name, store| Contender {
        name,
        command: vec![PathBuf::from(env!("CARGO_BIN_EXE_blip-slack"))],
        store,
    };
    let sqlite = ours("SQLite", BenchStore::File);
    println!("blip-slack {}, {rounds} runs each in turn, {}", env!("CARGO_PKG_VERSION"), machine());
    println!("of each delay of blip-slack this is the disk's: {:.2?}\n", time_to_sync(&folder)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(tickets) = aged {
        let aged = runtime.block_on(async {
            let mut fakes = Fakes::start(trial::AGED).await?;
            aged::prepare(&sqlite, &mut fakes, &folder, tickets).await
        })?;
        let aged = ours("aged", BenchStore::CopyOf(aged));
        let empty = Contender { name: "empty", ..sqlite };
        println!("SQLite with {tickets} closed tickets beside an empty one\n");
        return runtime.block_on(compare(&aged, &empty, rounds, &folder));
    }
    if let (Some(node), Some(_)) = (version("node"), version("npm")) {
        let app = install(&folder)?;
        let command = vec!["node".into(), app];
        let bolt = Contender { name: "Bolt", command, store: BenchStore::File };
        println!(
            "blip-slack on SQLite (acknowledged means stored) beside Bolt {} on Node {node} (in memory: \
            acknowledged means seen)\n",
            bolt_version()?
        );
        runtime.block_on(compare(&sqlite, &bolt, rounds, &folder))?;
    } else {
        println!("skipped: comparing with Bolt needs node and npm on the PATH");
    }
    let Some(server) = wish("TEST_DATABASE_URL") else {
        println!("skipped: PostgreSQL, as TEST_DATABASE_URL names no server");
        return Ok(());
    };
    println!("blip-slack on PostgreSQL, on this machine too, beside SQLite\n");
    let postgres = ours("PostgreSQL", BenchStore::Postgres(server.clone()));
    runtime.block_on(compare(&postgres, &sqlite, rounds, &folder))?;
    println!("The same beside an open snapshot, as that of a long dump\n");
    let looked_at = ours("looked-at", BenchStore::LookedAt(server));
    runtime.block_on(compare(&looked_at, &postgres, rounds, &folder))
}

/// A variable with which whoever runs the benchmark says what it is to use.
#[expect(clippy::disallowed_methods, reason = "the program's own settings are not meant")]
fn wish(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Has both take turns; prints the figures and makes a picture of them.
#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
async fn compare(one: &Contender, other: &Contender, rounds: usize, folder: &Path) -> Result<()> {
    let mut fakes = Fakes::start(0).await?;
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (contender, measured) in [(one, &mut of_one), (other, &mut of_other)] {
            let run = tempfile::tempdir_in(folder)?;
            let result = trial::run(contender, &mut fakes, run.path()).await;
            let log = || std::fs::read_to_string(run.path().join(LOG)).unwrap_or_default();
            measured.push(result.with_context(|| format!("{}: {}", contender.name, log()))?);
        }
    }
    let both: [(&str, &[Measured]); 2] = [(one.name, &of_one), (other.name, &of_other)];
    let [first, second] = both;
    println!("{}", report::table(first, second)?);
    for contender in [one, other] {
        let run = tempfile::tempdir_in(folder)?;
        let asked = trial::count_allocations(contender, &mut fakes, run.path()).await?;
        let asked = asked.map_or("not counted here".to_owned(), |asked| format!("{asked:.0}"));
        println!("allocations for a message, one by one, {}: {asked}", contender.name);
    }
    let file = format!("{}-{}.svg", one.name, other.name).to_lowercase();
    let pictures = wish("PICTURES").map_or_else(|| folder.to_owned(), PathBuf::from);
    let picture = pictures.join(file);
    std::fs::write(&picture, report::picture(first, second)?)?;
    println!("as a picture: {}\n", picture.display());
    Ok(())
}

/// How long the disk takes to have a page for good: the median of many.
fn time_to_sync(folder: &Path) -> Result<Duration> {
    const PAGE: [u8; 4096] = [1; 4096];
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&PAGE)?;
        let begin = Instant::now();
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    times.get(SYNCS / 2).copied().context("no time")
}

/// Puts the Bolt app and what it needs into the folder, unless it is there already.
fn install(folder: &Path) -> Result<PathBuf> {
    const FILES: [&str; 3] = ["package.json", "package-lock.json", "app.js"];
    std::fs::create_dir_all(folder)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bolt");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    let installed =
        folder.join("node_modules/.package-lock.json").exists() && lock(folder) == lock(&source);
    for file in FILES {
        std::fs::copy(source.join(file), folder.join(file)).with_context(|| file)?;
    }
    if !installed {
        let npm = Command::new("npm")
            .args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder)
            .output()?;
        let said = String::from_utf8_lossy(&npm.stderr);
        ensure!(npm.status.success(), "npm ci: {said}");
    }
    Ok(folder.join("app.js"))
}

/// The version of the framework that the app asks for.
fn bolt_version() -> Result<String> {
    let package: Value = serde_json::from_str(include_str!("../bolt/package.json"))?;
    let version = package.pointer("/dependencies/@slack~1bolt").and_then(Value::as_str);
    Ok(version.context("package.json: no @slack/bolt")?.to_owned())
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// On what it was measured.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{processors} processors {}", model.map_or("of unknown make", |(_, model)| model))
}
