//! The real program as a process of its own, so that it can be killed.
//!
//! `BLIP_SLACK_PROGRAM` names another build to be tested, such as a released one.

use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use blip_slack::demo::Stage;

/// How long the program may take to become ready, or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// The signal by which a program ends that aborts.
const SIGABRT: i32 = 6;

/// `blip-slack serve` between the stand-ins of a stage.
pub struct Service {
    settings: Vec<(String, String)>,
    url: String,
    program: PathBuf,
    /// What it is when it has died where it was to, if another program goes on then.
    successor: Option<PathBuf>,
    log: PathBuf,
    /// What a shell is told before it becomes the program.
    shell: Option<String>,
    child: Option<Child>,
    /// Where it is to die by itself, if it has not yet.
    dies_at: Option<String>,
    /// Where it is to stop by itself.
    stops_at: Option<String>,
}

impl Service {
    /// Takes the place of the stage's own bridge; its log goes to `folder`.
    pub async fn replace(stage: &mut Stage, folder: &Path) -> Self {
        Self::replace_dying_at(stage, folder, None).await
    }

    /// The same with a program that dies by itself at a point (`handlers::fault_point`).
    pub async fn replace_dying_at(stage: &mut Stage, folder: &Path, at: Option<&str>) -> Self {
        Self::replace_by(stage, folder, at, None).await
    }

    /// The same with another program, such as one of an older release, that dies there and is
    /// followed by the one that is tested.
    pub async fn replace_by(
        stage: &mut Stage,
        folder: &Path,
        at: Option<&str>,
        predecessor: Option<&Path>,
    ) -> Self {
        stage.stop_bridge().await;
        let mut service = Self::prepare(stage, folder, at);
        if let Some(predecessor) = predecessor {
            let first = folder.join("blip-slack-before");
            std::fs::copy(predecessor, &first).unwrap();
            service.successor = Some(std::mem::replace(&mut service.program, first));
            // An older program refuses the tables that the stage's own bridge has made.
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")) {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        service.delivers(stage);
        service.start().await;
        service
    }

    /// The same with a program that stops by itself at a point, as by `SIGSTOP`.
    pub async fn replace_stopping_at(stage: &mut Stage, folder: &Path, at: &str) -> Self {
        stage.stop_bridge().await;
        let mut service = Self::prepare(stage, folder, None);
        service.stops_at = Some(at.to_owned());
        service.delivers(stage);
        service.start().await;
        service
    }

    /// Has both platforms deliver to it.
    pub fn delivers(&self, stage: &Stage) {
        stage.slack.deliver_to(&format!("{}/slack/events", self.url));
        stage.blip.deliver_to(&format!("{}/blip/webhook", self.url));
    }

    /// Another instance for the same database, which is not started yet.
    pub fn prepare_beside(stage: &mut Stage, folder: &Path) -> Self {
        Self::prepare(stage, folder, None)
    }

    /// Another instance beside the first one, on the same database; nothing is delivered to it yet.
    pub async fn beside(stage: &mut Stage, folder: &Path) -> Self {
        let mut service = Self::prepare(stage, folder, None);
        service.start().await;
        service
    }

    fn prepare(stage: &mut Stage, folder: &Path, at: Option<&str>) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        stage.set_setting("PORT", &port.to_string());
        let url = format!("http://127.0.0.1:{port}");
        let settings = stage.settings().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        // A copy of its own: a build meanwhile replaces the original.
        let program = folder.join("blip-slack");
        let built = super::wish("BLIP_SLACK_PROGRAM");
        let built = built.unwrap_or_else(|| env!("CARGO_BIN_EXE_blip-slack").to_owned());
        std::fs::copy(built, &program).unwrap();
        let log = folder.join("log");
        let dies_at = at.map(str::to_owned);
        let (successor, shell, child, stops_at) = (None, None, None, None);
        Self { settings, url, program, successor, log, shell, child, dies_at, stops_at }
    }

    /// Starts the program and waits until it is ready.
    pub async fn start(&mut self) {
        self.launch();
        self.becomes_ready().await;
    }

    /// Waits until the program is ready.
    pub async fn becomes_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.get("/readyz").await.is_none_or(|(status, _)| status != 200) {
            // What it does at its start may be the point at which it stops.
            if self.stops_at.is_some() && self.is_stopped() {
                return;
            }
            assert!(Instant::now() < deadline, "not ready\n{}", self.log());
            self.rise();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts the program again if it has died by itself where it was to.
    pub fn rise(&mut self) {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
        if let Some(ended) = ended {
            // The port was free when it was chosen, but somebody else's connection has it now.
            if self.log().trim_end().ends_with("Address already in use (os error 98)") {
                return self.launch();
            }
            let at = self.dies_at.take();
            let is_abort = ended.signal() == Some(SIGABRT);
            assert!(is_abort && at.is_some(), "it died of something else\n{}", self.log());
            if let Some(successor) = self.successor.take() {
                self.program = successor;
            }
            self.launch();
        }
    }

    /// Whether it is still to die by itself.
    pub fn is_to_die(&self) -> bool {
        self.dies_at.is_some()
    }

    /// Starts the program.
    pub fn launch(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = self.command(&[]);
        command.envs(self.dies_at.as_ref().map(|point| ("BLIP_SLACK_DIES_AT", point)));
        command.envs(self.stops_at.as_ref().map(|point| ("BLIP_SLACK_STOPS_AT", point)));
        command.stderr(log).stdout(Stdio::null());
        self.child = Some(loop {
            match command.spawn() {
                // Another test has forked while we wrote our copy, and holds it until it execs.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                child => break child.unwrap(),
            }
        });
    }

    /// The program with these arguments and the service's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.shell {
            Some(first) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{first}; exec \"$0\" \"$@\"")).arg(&self.program);
                shell
            }
            None => Command::new(&self.program),
        };
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.args(arguments).env_clear().envs(settings).stdin(Stdio::null());
        command
    }

    /// `SIGKILL`: no time to do anything.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The next start is by a shell that does this before.
    pub fn first(&mut self, shell: &str) {
        self.shell = Some(shell.to_owned());
    }

    /// Its process id.
    pub fn pid(&self) -> String {
        self.child.as_ref().unwrap().id().to_string()
    }

    /// Whether it is stopped, as by `SIGSTOP`.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
    }

    /// What it has in memory, in bytes.
    pub fn memory(&self) -> u64 {
        self.memory_as("VmRSS:")
    }

    /// The most that it has had in memory since it started, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory_as("VmHWM:")
    }

    fn memory_as(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Runs the program beside the service with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Sends a signal, such as `STOP`, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid()).status();
        assert!(sent.unwrap().success());
    }

    /// `SIGTERM`; returns how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.ended().await
    }

    /// `SIGTERM`.
    pub fn ask_to_stop(&self) {
        assert!(Command::new("kill").arg(self.pid()).status().unwrap().success());
    }

    /// How it ended, once it has.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        tokio::time::timeout(PATIENCE, ended).await.expect("it stops in time").unwrap()
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Status and body; none if it does not answer.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = client().get(format!("{}{path}", self.url)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The value of a gauge or of a counter, of all labels together.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await?;
        let samples = text.lines().filter_map(|line| line.strip_prefix(name));
        let values = samples.filter(|rest| rest.starts_with([' ', '{']));
        let values = values.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.reduce(|sum, value| sum + value)
    }

    /// Waits until it has nothing left to do.
    pub async fn idle(&self, patience: Duration) {
        let emptied = tokio::time::timeout(patience, async {
            while self.metric("blip_slack_waiting_events").await != Some(0.0) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(emptied.await.is_ok(), "not idle\n{}", self.log());
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn client() -> reqwest::Client {
    // Anew for each request: a connection to a killed process is of no use.
    let patience = Duration::from_secs(5);
    reqwest::Client::builder().no_proxy().timeout(patience).build().unwrap()
}
