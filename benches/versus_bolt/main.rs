//! The bridge against the same bridge on Slack's own framework: `cargo bench --bench versus_bolt`.
//!
//! The release binary, which has every event on the disk before it acknowledges it, takes turns
//! with `benches/bolt/app.js`, which acknowledges at once and keeps everything in memory. Both
//! speak the real protocols to the same fakes, and both do the same for a message: check who
//! sent it, post it into the ticket's thread as text and blocks, keep the order of each ticket.
//!
//! Needs `node` and `npm`, and says so if they are not there; packages go into the target folder.
//! `cargo bench --bench versus_bolt -- 1` is content with one run of each.

mod fakes;
mod load;
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
use self::process::{Contender, LOG};

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
    let (Some(node), Some(_)) = (version("node"), version("npm")) else {
        println!("skipped: comparing with Bolt needs node and npm on the PATH");
        return Ok(());
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versus_bolt");
    let bolt = install(&folder)?;
    let ours = Contender {
        name: "blip-slack",
        command: vec![PathBuf::from(env!("CARGO_BIN_EXE_blip-slack"))],
    };
    let bolt = Contender { name: "Bolt", command: vec!["node".into(), bolt] };
    println!(
        "blip-slack {} (SQLite on the disk: acknowledged means stored) against Bolt {} on Node {node} \
        (in memory: acknowledged means seen), {rounds} runs each in turn, {}\n",
        env!("CARGO_PKG_VERSION"),
        bolt_version()?,
        machine(),
    );
    println!("of each delay of blip-slack this is the disk's: {:.2?}\n", time_to_sync(&folder)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("{}", runtime.block_on(compare(&ours, &bolt, rounds, &folder))?);
    Ok(())
}

async fn compare(
    ours: &Contender,
    bolt: &Contender,
    rounds: usize,
    folder: &Path,
) -> Result<String> {
    let mut fakes = Fakes::start().await?;
    let (mut of_ours, mut of_bolt) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (contender, measured) in [(ours, &mut of_ours), (bolt, &mut of_bolt)] {
            let run = tempfile::tempdir_in(folder)?;
            let result = trial::run(contender, &mut fakes, run.path()).await;
            let log = || std::fs::read_to_string(run.path().join(LOG)).unwrap_or_default();
            measured.push(result.with_context(|| format!("{}: {}", contender.name, log()))?);
        }
    }
    report::table(&of_ours, &of_bolt)
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
