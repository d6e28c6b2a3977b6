//! The bridge as a stranger sets it up: with settings from a document or with the answers that `init`
//! asks for, between stand-ins that run as programs and are played over HTTP.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use blip_slack_standins::program::{self, Arguments};
use blip_slack_standins::{blip, slack};
use clap::Parser as _;
use reqwest::Client;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/standins/README.md"));

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// One stand-in, as its program runs it.
struct StandIn {
    address: SocketAddr,
    control: String,
    client: Client,
    _ended_by_drop: DropGuard,
}

impl StandIn {
    fn start(platform: &str, options: &[&str]) -> Self {
        let (address, control) = (free_address(), free_address());
        let (port, control_port) = (address.port().to_string(), control.port().to_string());
        let words = ["x", platform, "--port", &port, "--control-port", &control_port];
        let words = words.iter().chain(options);
        let arguments = Arguments::try_parse_from(words).unwrap();
        let ended = CancellationToken::new();
        let stop = ended.clone().cancelled_owned();
        TaskTracker::new().spawn(async move { program::run(arguments, stop).await.unwrap() });
        // Needed to build any client; whoever came first may have done it already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().no_proxy().build().unwrap();
        let control = format!("http://{control}");
        Self { address, control, client, _ended_by_drop: ended.drop_guard() }
    }

    /// Waits until it serves.
    async fn is_there(&self) {
        self.shows("the stand-in", |view| view["version"].as_str().map(drop)).await;
    }

    async fn does(&self, deed: Value) -> Value {
        let request = self.client.post(format!("{}/deed", self.control)).json(&deed);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{deed}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Waits until something is to be seen.
    async fn shows<T>(&self, what: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut view = Value::Null;
        loop {
            let seen = view["version"].as_str().unwrap_or_default();
            let request =
                self.client.get(format!("{}/view", self.control)).query(&[("seen", seen)]);
            if let Ok(answer) = request.send().await {
                view = answer.json().await.unwrap();
            }
            if let Some(found) = look(&view) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{view:#}");
        }
    }
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The settings of the document, with the addresses of these stand-ins.
fn settings(slack: &StandIn, blip: &StandIn) -> Vec<(String, String)> {
    let block = README.split("SLACK_API_URL=").nth(1).unwrap().split("```").next().unwrap();
    let block = format!("SLACK_API_URL={block}");
    let block = block.replace("127.0.0.1:4010", &slack.address.to_string());
    let block = block.replace("127.0.0.1:4020", &blip.address.to_string());
    let pairs = block.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The first message of a channel that is looked for.
fn find_message(view: &Value, look: impl Fn(&Value) -> bool) -> Option<Value> {
    let messages = view["slack"]["channels"]["C0SUPPORT"]["messages"].as_object()?;
    messages.values().find(|message| look(message)).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_answers_a_ticket_with_the_settings_of_the_document() {
    let bridge = free_address();
    let slack =
        StandIn::start("slack", &["--deliver-to", &format!("http://{bridge}/slack/events")]);
    let blip = StandIn::start("blip", &["--deliver-to", &format!("http://{bridge}/blip/webhook")]);
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&slack, &blip);
    let program = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
        command.args(words).env_clear().envs(settings.iter().cloned());
        command.env("HOST", "127.0.0.1").env("PORT", bridge.port().to_string());
        command.current_dir(folder.path()).stdin(Stdio::null());
        command
    };
    slack.is_there().await;
    blip.is_there().await;
    let _serving = start_bridge(&program).await;

    let customer = "5531999990000@wa.gw.msging.net";
    let says = |text: &str| json!({ "deed": "customer-says", "customer": customer, "name": "Maria", "text": text });
    assert_eq!(blip.does(says("Oi?")).await["status"], 200);
    let is_card = |message: &Value| {
        message["ours"] == true && message["text"].as_str().unwrap().contains("Maria")
    };
    let card = slack.shows("a card", |view| find_message(view, is_card)).await;
    let reply = json!({ "deed": "says", "user": "U0ANA", "channel": "C0SUPPORT", "root": card["ts"],
        "text": "Olá, Maria!", "broadcast": false });
    assert_eq!(slack.does(reply).await["status"], 200);
    let is_heard = |view: &Value| {
        let said = view["blip"]["threads"][customer].as_array()?;
        said.iter().any(|it| it["content"] == "Olá, Maria!").then_some(())
    };
    blip.shows("the reply", is_heard).await;
    blip.does(says("Obrigada")).await;
    let is_thanks = |message: &Value| {
        message["thread_ts"] == card["ts"] && message.to_string().contains("Obrigada")
    };
    slack.shows("the thanks", |view| find_message(view, is_thanks)).await;
    assert_nothing_is_broken(&slack, &blip).await;
}

/// The lines by which the rehearsal in a README has people do something, in its order.
fn lines_of_curl(readme: &str) -> Vec<&str> {
    readme.lines().filter(|line| line.starts_with("curl ") && line.contains("127.0.0.1")).collect()
}

/// What a shell prints for a line of the README, with the addresses of these stand-ins in the place of
/// those in the README, and the card's `ts` in that of `TS`.
fn run_line(line: &str, (slack, blip): (&StandIn, &StandIn), ts: &str) -> String {
    let line = line.replace("http://127.0.0.1:4011", &slack.control);
    let line = line.replace("http://127.0.0.1:4021", &blip.control);
    let line = line.replace("\"TS\"", &format!("\"{ts}\"")).replace("curl ", "curl -fsS ");
    let mut shell = Command::new("sh");
    let output = shell.args(["-euc", &line]).env("NO_PROXY", "*").output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_rehearses_with_what_init_has_written_and_closes_the_ticket() {
    for readme in [include_str!("../../README.md"), include_str!("../../README.pt-BR.md")] {
        rehearse(&lines_of_curl(readme)).await;
    }
}

async fn rehearse(lines: &[&str]) {
    let bridge = free_address();
    let slack = StandIn::start("slack", &["--socket-mode"]);
    let blip = StandIn::start("blip", &["--deliver-to", &format!("http://{bridge}/blip/webhook")]);
    let folder = tempfile::tempdir().unwrap();
    let program = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
        command.args(words).env_clear().current_dir(folder.path()).stdin(Stdio::null());
        command.env("SLACK_API_URL", format!("http://{}/api", slack.address));
        // The port of the README may be somebody's on this machine.
        command.env("HOST", "127.0.0.1").env("PORT", bridge.port().to_string());
        command
    };
    slack.is_there().await;
    blip.is_there().await;
    let (of_slack, of_blip) = (slack::Setup::default(), blip::Setup::default());
    let address = format!("http://{}", blip.address);
    let of_slack = ["", "", &of_slack.token, &of_slack.app_token, "#support"];
    let answers = of_slack.into_iter().chain([&address, &of_blip.key, of_blip.token.as_str()]);
    let answers = answers.collect::<Vec<_>>().join("\n") + "\n";
    let mut init = program(&["init"]);
    let mut asking = init.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    asking.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let asked = asking.wait_with_output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stdout));
    let _serving = start_bridge(&program).await;
    let doctor = program(&["doctor"]).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));

    let mut ts = String::new();
    for line in lines {
        let printed = run_line(line, (&slack, &blip), &ts);
        if line.contains("/transcript") {
            assert!(printed.contains(&ts) || line.contains(":4021"), "{printed}");
        } else if ts.is_empty() {
            let is_card = |message: &Value| message["ours"] == true;
            let card = slack.shows("a card", |view| find_message(view, is_card)).await;
            card["ts"].as_str().unwrap().clone_into(&mut ts);
        }
    }
    let is_answered_and_closed = |view: &Value| {
        let ticket = view["blip"]["tickets"].as_object()?.values().next()?;
        let said = view["blip"]["threads"].as_object()?.values().next()?.as_array()?;
        let is_answered = said.iter().any(|message| message["from_customer"] == false);
        (ticket["status"].as_str()?.starts_with("Closed") && is_answered).then_some(())
    };
    blip.shows("the end", is_answered_and_closed).await;
    assert_nothing_is_broken(&slack, &blip).await;
}

/// Starts the bridge, and waits until it serves.
async fn start_bridge(program: &impl Fn(&[&str]) -> Command) -> Running {
    let mut serve = program(&["serve"]);
    let serving = Running(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let ready = Instant::now() + PATIENCE;
    while !program(&["healthcheck"]).output().unwrap().status.success() {
        assert!(Instant::now() < ready, "the bridge does not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    serving
}

async fn assert_nothing_is_broken(slack: &StandIn, blip: &StandIn) {
    for (stand_in, platform) in [(slack, "slack"), (blip, "blip")] {
        let broken = stand_in.shows("a view", |view| Some(view[platform]["broken"].clone())).await;
        assert_eq!(broken, json!([]), "{platform}");
    }
}
