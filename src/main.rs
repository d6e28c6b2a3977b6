//! The program: reads what it is asked to do and the settings, and does it.
//!
//! Errors are one line that says what to do, with exit code 1; wrong usage exits with 2.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use blip_slack::app::{App, Tuning};
use blip_slack::clock::Clock;
use blip_slack::config::{self, Config, LogFormat};
use blip_slack::control::{self, ControlRequest, ForgettingReport};
use blip_slack::store::{self, Purpose, sqlite};
#[cfg(feature = "otlp")]
use blip_slack::telemetry::Traces;
use blip_slack::{doctor, healthcheck, init, manifest, telemetry};
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use uuid::Uuid;

/// How often the bridge is asked how far it is.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// Answer Blip Desk tickets without leaving Slack.
#[derive(Parser)]
#[command(version, about, after_long_help = config::format_help())]
struct Arguments {
    #[command(subcommand)]
    command: Option<CliCommand>,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Run the bridge; this is what happens without a command, too.
    Serve,
    /// Try it on this machine, with stand-ins for Blip and Slack: on a page, as customer and agent.
    #[cfg(feature = "demo")]
    Demo {
        /// Play one whole ticket here instead, and tell by the exit code how it went.
        #[arg(long)]
        script: bool,
        /// Where the page is served; 0 takes any free port.
        #[arg(long, default_value_t = 3000, conflicts_with = "script")]
        port: u16,
    },
    /// Ask for the settings, check each of them, and write them to `.env`.
    Init,
    /// Print the manifest of the Slack app, with `PUBLIC_URL` filled in.
    Manifest {
        /// For an installation that Slack cannot reach.
        #[arg(long)]
        socket_mode: bool,
    },
    /// Ask the running bridge whether it is alive: exit code 0 if it is.
    Healthcheck,
    /// Check the settings, both platforms and the database, and say what to do.
    Doctor {
        /// Print what was found as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the events that could not be handled and wait for a person.
    Parked,
    /// Put events that wait for a person back into their lanes.
    Retry {
        /// Only those of this ticket, as `bot/id` in the list.
        #[arg(long)]
        ticket: Option<String>,
    },
    /// Look after the database.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Show or erase what is kept of one customer.
    Privacy {
        #[command(subcommand)]
        command: PrivacyCommand,
    },
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Move everything from SQLite to the empty PostgreSQL database that the environment names in
    /// `TARGET_DATABASE_URL`, while no bridge runs.
    Copy,
    /// Copy the database into a new file, also while the bridge runs.
    Backup {
        /// The file, which must not be there yet.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum PrivacyCommand {
    /// Print all that is kept of a customer, as JSON.
    Export {
        /// The customer: an identity of Blip, or a phone number with its area code.
        #[arg(long, value_name = "ID|NUMBER")]
        customer: String,
    },
    /// Erase all that is kept of a customer: tickets, names, numbers, words and links.
    Erase {
        /// The customer: an identity of Blip, or a phone number with its area code.
        #[arg(long, value_name = "ID|NUMBER")]
        customer: String,
        /// Do not ask whether to erase it.
        #[arg(long)]
        yes: bool,
        /// Also replace what the bridge wrote of the customer in Slack, and list what cannot be.
        #[arg(long)]
        slack: bool,
    },
    /// Say how far `erase --slack` is, and list what could not be replaced.
    Slack,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Before anything connects: with two providers in the tree and none chosen, rustls panics at
    // the first connection (`slack.md` A.1).
    let installed = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match (installed, runtime) {
        (Ok(()), Ok(runtime)) => {
            runtime.block_on(run_command(arguments.command.unwrap_or(CliCommand::Serve)))
        }
        (Err(_), _) => Err(anyhow::anyhow!("prepare encryption: there is a provider already")),
        (_, Err(error)) => Err(error).context("start the runtime"),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough of it.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("blip-slack: {error:#}");
            // With nowhere to write to, the exit code has to say it.
            writeln!(std::io::stderr(), "{}", line.trim_end()).ok();
            ExitCode::FAILURE
        }
    }
}

async fn run_command(command: CliCommand) -> anyhow::Result<()> {
    // A file that may not grow fails as a full disk does, instead of ending the program. Once a
    // signal is listened to it does nothing else any more.
    drop(signal(SignalKind::from_raw(libc::SIGXFSZ)).context("listen for SIGXFSZ")?);
    match command {
        CliCommand::Serve => run_bridge().await,
        #[cfg(feature = "demo")]
        CliCommand::Demo { script, port } => {
            // What the demo prints is what people are to read.
            telemetry::start_telemetry("warn", false);
            let mut stop = StopSignals::listen()?;
            if script {
                blip_slack::demo::play_demo(&[], stop.wait_for_signal()).await
            } else {
                blip_slack::demo::serve_page(port, stop.wait_for_signal()).await
            }
        }
        CliCommand::Init => {
            telemetry::start_telemetry("off", false);
            let mut stop = StopSignals::listen()?;
            tokio::select! {
                done = init::run_init() => done,
                () = stop.wait_for_signal() => Err(anyhow::anyhow!("nothing was written")),
            }
        }
        CliCommand::Manifest { socket_mode } => print_text(&manifest::render_manifest(
            socket_mode,
            config::read_setting("PUBLIC_URL")?.as_deref(),
            config::read_setting("LOCALE")?.unwrap_or_default().parse().unwrap_or_default(),
        )?),
        CliCommand::Healthcheck => {
            let host = config::read_setting("HOST")?.unwrap_or_default();
            let port = config::read_setting("PORT")?.unwrap_or_default();
            healthcheck::ask(&host, port.parse().context("PORT must be a port")?)
        }
        CliCommand::Doctor { json } => run_doctor(json).await,
        CliCommand::Parked => print_text(&send_or_perform(&ControlRequest::Parked).await?),
        CliCommand::Retry { ticket } => {
            print_text(&send_or_perform(&ControlRequest::Retry { ticket }).await?)
        }
        CliCommand::Store { command: StoreCommand::Backup { file } } => {
            let url = config::read_database_url()?;
            anyhow::ensure!(
                !store::is_postgres(url.expose_secret()),
                "DATABASE_URL names a PostgreSQL server: back it up with pg_dump, or as your provider does"
            );
            let made = sqlite::back_up(url.expose_secret(), &file, &Clock::system()).await;
            made.context("back up the database")?;
            print_text(&format!("{} is a copy of the database.\n", file.display()))
        }
        CliCommand::Store { command: StoreCommand::Copy } => copy_store().await,
        CliCommand::Privacy { command } => run_privacy_command(command).await,
    }
}

/// Moves everything from SQLite to PostgreSQL.
async fn copy_store() -> anyhow::Result<()> {
    let source = config::read_database_url()?;
    let target = config::read_target_url()?
        .context("TARGET_DATABASE_URL: set it to the address of an empty PostgreSQL database")?;
    anyhow::ensure!(
        !store::is_postgres(source.expose_secret()),
        "DATABASE_URL: only what is kept in SQLite can be copied"
    );
    anyhow::ensure!(
        store::is_postgres(target.expose_secret()),
        "TARGET_DATABASE_URL: it must begin with postgres://"
    );
    let copied = store::copy_store(source.expose_secret(), target.expose_secret()).await;
    let copied = copied.context("copy the database")?;
    let lines = copied.iter().map(|(table, rows)| format!("{rows}\t{table}\n"));
    print_text(&format!(
        "{}All of it was compared. Set DATABASE_URL to the new address now: the file refuses to serve.\n",
        lines.collect::<String>()
    ))
}

/// Prints what was found; fails if any check did.
async fn run_doctor(json: bool) -> anyhow::Result<()> {
    // What is found is printed, and is not to stand in a log besides.
    telemetry::start_telemetry("off", false);
    let findings = doctor::examine_environment().await?;
    let text = if json {
        serde_json::to_string_pretty(&findings)? + "\n"
    } else {
        findings.iter().map(|finding| format!("{finding}\n")).collect::<Vec<_>>().concat()
    };
    print_text(&text)?;
    let failed = findings.iter().filter(|finding| finding.has_failed()).count();
    // By the exit code, so that a deployment can ask before it goes on.
    anyhow::ensure!(failed == 0, "{failed} of {} checks failed, see above", findings.len());
    Ok(())
}

async fn run_bridge() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let is_json = config.log_format == LogFormat::Json;
    #[cfg(feature = "otlp")]
    if let Some(wanted) = &config.traces {
        let traces = Traces::start(&wanted.endpoint, &wanted.headers, &wanted.service)?;
        telemetry::start_telemetry_with_traces(&config.log, is_json, &traces);
        let ended = serve_until_stopped(&config).await;
        traces.stop().await;
        return ended;
    }
    telemetry::start_telemetry(&config.log, is_json);
    serve_until_stopped(&config).await
}

async fn serve_until_stopped(config: &Config) -> anyhow::Result<()> {
    tracing::info!("settings that differ from their defaults: {}", config.summary());
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let mut stop = StopSignals::listen()?;
    // A start may wait for a disk or a server for long, and must be ended as easily as a running
    // bridge.
    let app = tokio::select! {
        app = App::start(config, Tuning::default()) => app?,
        () = stop.wait_for_signal() => return Ok(()),
    };
    stop.wait_for_signal().await;
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        _ = app.stop() => {}
        () = stop.wait_for_signal() => {}
    }
    Ok(())
}

/// The signals that ask to stop.
struct StopSignals([Signal; 3]);

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            signal(SignalKind::interrupt()).context("listen for SIGINT")?,
            // A terminal that is closed asks to stop, too; ended by its default, nothing would be
            // put in order.
            signal(SignalKind::hangup()).context("listen for SIGHUP")?,
        ]))
    }

    async fn wait_for_signal(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Asks the running bridge; `None` if none runs, or if its database can be asked as well.
async fn ask_running_bridge(request: &ControlRequest) -> anyhow::Result<Option<String>> {
    let url = config::read_database_url()?;
    if store::is_postgres(url.expose_secret()) {
        return Ok(None);
    }
    control::ask_bridge(&control::socket_path(url.expose_secret())?, request).await
}

/// Has something done by the running bridge or, where none runs, does it.
async fn send_or_perform(request: &ControlRequest) -> anyhow::Result<String> {
    if let Some(answer) = ask_running_bridge(request).await? {
        return Ok(answer);
    }
    let (url, clock) = (config::read_database_url()?, Clock::system());
    // Nobody answers at the socket, so the database is ours alone, or a server that is made for
    // several.
    let opened = store::open_store(url.expose_secret(), &clock, Purpose::Maintain).await;
    let store = opened.context("DATABASE_URL: open the database")?;
    let answer = control::perform_request(&store, &clock, request).await;
    store.close().await;
    answer
}

async fn run_privacy_command(command: PrivacyCommand) -> anyhow::Result<()> {
    let (customer, yes, slack) = match command {
        PrivacyCommand::Export { customer } => {
            return print_text(&send_or_perform(&ControlRequest::Export { customer }).await?);
        }
        PrivacyCommand::Slack => {
            let report = send_or_perform(&ControlRequest::Forgetting { job: None }).await?;
            return print_text(&control::format_report(&parse_report(&report)?));
        }
        PrivacyCommand::Erase { customer, yes, slack } => (customer, yes, slack),
    };
    if !yes {
        let found = send_or_perform(&ControlRequest::Find { customer: customer.clone() }).await?;
        print_text(&format!("{found}All that is kept of this customer is erased for good.\n"))?;
        print_text("Type yes to go on: ")?;
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed).context("read from standard input")?;
        // The whole word, as nothing brings back what is erased.
        anyhow::ensure!(typed.trim() == "yes", "nothing was erased; --yes does not ask");
    }
    // Made here, so that whoever follows it asks for this erasure and not for an earlier one.
    let job = slack.then(|| Uuid::new_v4().to_string());
    let erase = ControlRequest::Erase { customer, slack: job.clone() };
    print_text(&send_or_perform(&erase).await?)?;
    match job {
        Some(job) => follow_replacing(ControlRequest::Forgetting { job: Some(job) }).await,
        None => Ok(()),
    }
}

/// Waits until what Slack shows is replaced and tells of it; the bridge goes on by itself if nobody
/// waits.
async fn follow_replacing(ask: ControlRequest) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    loop {
        let Some(report) = ask_running_bridge(&ask).await? else {
            // Beside a file a bridge would have answered; of PostgreSQL nobody can tell.
            let when = if store::is_postgres(config::read_database_url()?.expose_secret()) {
                "A bridge replaces what Slack shows, at once if one runs and after its next start \
                otherwise"
            } else {
                "No bridge runs: what Slack shows is replaced after its next start"
            };
            return print_text(&format!(
                "{when}; `blip-slack privacy slack` tells how far it is.\n"
            ));
        };
        let report = parse_report(&report)?;
        let is_stopped = report.is_running
            && tokio::select! {
                () = tokio::time::sleep(REPORT_INTERVAL) => false,
                () = stop.wait_for_signal() => true,
            };
        if is_stopped {
            print_text("The bridge goes on; `blip-slack privacy slack` tells how far it is.\n")?;
        }
        if is_stopped || !report.is_running {
            return print_text(&control::format_report(&report));
        }
    }
}

fn parse_report(report: &str) -> anyhow::Result<ForgettingReport> {
    serde_json::from_str(report).context("the bridge is of another version")
}

fn print_text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("write to standard output")
}
