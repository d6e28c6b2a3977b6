//! The program as it is started: its commands, its output, its signals, and what it says of how it
//! was set up.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use blip_slack::demo::Stage;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader as AsyncReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{Bridge, Service};

/// Every variable that names a proxy, and the address of none.
const PROXIES: [(&str, &str); 6] = [
    ("http_proxy", "http://127.0.0.1:1"),
    ("HTTP_PROXY", "http://127.0.0.1:1"),
    ("https_proxy", "http://127.0.0.1:1"),
    ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ("all_proxy", "socks5://127.0.0.1:1"),
    ("ALL_PROXY", "http://127.0.0.1:1"),
];

/// The program in a folder, with nothing set.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Its exit code, and what it prints.
fn run(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(words).unwrap())
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn help_is_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let (code, words) = run(program(folder.path(), &["help"]));
    assert!(code == Some(0) && words.contains("Commands:") && words.contains("SLACK_BOT_TOKEN"));
    let (code, words) = run(program(folder.path(), &["help", "retry"]));
    assert!(code == Some(0) && words.contains("--ticket"), "{words}");
}

#[test]
fn every_odd_line_of_the_env_file_is_told_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let told = |text: &[u8]| {
        fs::write(folder.path().join(".env"), text).unwrap();
        run(program(folder.path(), &["serve"]))
    };
    let (code, words) = told(b"LOG=info\nPORT: 3000\nLOCALE='en\n");
    assert_eq!(code, Some(1));
    assert!(words.contains(".env line 2 is neither NAME=value nor a comment"), "{words}");
    assert!(words.contains(".env line 3 has a quote that is not closed"), "{words}");
    let (code, words) = told(b"\xff\xfeL\0");
    assert!(code == Some(1) && words.contains("UTF-8"), "{words}");
    fs::remove_file(folder.path().join(".env")).unwrap();
    fs::create_dir(folder.path().join(".env")).unwrap();
    let (code, words) = run(program(folder.path(), &["parked"]));
    assert!(code == Some(1) && words.contains(".env cannot be read: "), "{words}");
}

#[test]
fn a_mistyped_name_is_told_beside_what_else_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = program(folder.path(), &["serve"]);
    serve.envs([("PUBLIC_ULR", "https://bridge.loja.com"), ("LOG", "verbose")]);
    let (code, words) = run(serve);
    assert_eq!(code, Some(1));
    for line in ["PUBLIC_ULR is not a setting", "did you mean PUBLIC_URL?", "LOG must be error,"] {
        assert!(words.contains(line), "{line}: {words}");
    }
    assert!(words.contains("SLACK_BOT_TOKEN is required"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_doubtful_about_the_settings_is_in_the_log() {
    let mut bridge = Bridge::with(&[("PUBLIC_ULR", "https://bridge.loja.com")]).await;
    let folder = bridge.folder().to_owned();
    let key = folder.join("key");
    fs::write(&key, bridge.settings()["BLIP_KEY"].clone()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    bridge.set_setting("BLIP_KEY", "");
    bridge.set_setting("LOG", "info,blip_slak=debug");
    bridge.set_setting("BLIP_KEY_FILE", key.to_str().unwrap());
    bridge.set_setting("BLIP_SLACK_SERVICE_HOST", "10.0.0.1");
    bridge.set_setting("BLIP_SLACK_PORT", "tcp://10.0.0.1:3000");
    let service = Service::replace(&mut bridge, &folder).await;
    signal("-HUP", service.pid().parse().unwrap());
    let mut service = service;
    assert!(service.ended().await.success(), "it stops as with SIGTERM");
    let log = service.log();
    for line in [
        "did you mean PUBLIC_URL?",
        "every user of this machine can read it",
        "SLACK_API_URL is on this machine",
        "BLIP_API_URL is on this machine",
        "MEDIA_ALLOW_LOOPBACK: ",
        "LOG: blip_slak=debug names no module",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("BLIP_SLACK_"), "what Kubernetes sets is left alone: {log}");
    assert!(log.contains("stopping; a second signal"), "{log}");
}

/// Starts the service with these settings changed; what it logs until all these words were there.
fn log_of_start(bridge: &Bridge, changed: &[(&str, &str)], awaited: &[&str]) -> Vec<String> {
    let mut serve = program(bridge.folder(), &["serve"]);
    serve.envs(bridge.settings()).envs(changed.iter().copied());
    let mut child = serve.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut missing = awaited.to_vec();
    let mut log = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
        missing.retain(|words| !line.contains(words));
        log.push(line);
        if missing.is_empty() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(missing.is_empty(), "{missing:?}: {log:#?}");
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_tells_in_one_line_what_is_set_and_whether_each_key_is_accepted() {
    let mut bridge = Bridge::start().await;
    bridge.stop_bridge().await;
    let key = bridge.settings()["BLIP_KEY"].clone();
    let bots = [
        ("BLIP_BOTS", "vendas"),
        ("BLIP_VENDAS_KEY", "d3Jvbmc6a2V5"),
        ("BLIP_VENDAS_WEBHOOK_TOKEN", "hush"),
    ];
    let settings = "settings that differ from their defaults: ";
    let accepted = ["slack accepts SLACK_BOT_TOKEN", "blip accepts the key of a bot bot=default"];
    let refused = "see BLIP_VENDAS_KEY";
    let log = log_of_start(&bridge, &bots, &[settings, accepted[0], accepted[1], refused]);
    let line = log.iter().find(|line| line.contains(settings)).unwrap();
    assert!(line.contains("SLACK_BOT_TOKEN set; ") && line.contains("BLIP_BOTS=vendas"), "{line}");
    assert!(line.contains("; PORT=0") && !line.contains("REPLY_CLAIMS"), "{line}");
    assert!(!log.iter().any(|line| line.contains("hush") || line.contains(&key)), "{log:#?}");
    let refusal = log.iter().find(|line| line.contains(refused)).unwrap();
    assert!(refusal.contains("ERROR") && refusal.contains("bot=vendas"), "{refusal}");
    let wrong = [("SLACK_BOT_TOKEN", "xoxb-1-wrong"), ("BLIP_KEY", "d3Jvbmc6a2V5")];
    let log = log_of_start(&bridge, &wrong, &["mend SLACK_BOT_TOKEN", "see BLIP_KEY"]);
    assert!(!log.iter().any(|line| line.contains("accepts S") || line.contains("accepts the")));
}

#[test]
fn output_that_nobody_reads_ends_it_quietly() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [["demo", "--script"].as_slice(), &["manifest", "--socket-mode"], &["help"], &["--help"]]
    {
        let mut command = program(folder.path(), arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() && errors.is_empty(), "{arguments:?}: {status} {errors}");
    }
}

#[test]
fn the_demo_needs_no_proxy_and_leaves_nothing_behind() {
    for stop in [None, Some("-TERM"), Some("-HUP")] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = if stop.is_some() { ["demo", "--port=0"] } else { ["demo", "--script"] };
        let mut command = program(folder.path(), &arguments);
        command.envs(PROXIES).env("TMPDIR", folder.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let last = if stop.is_some() { "/demo" } else { "Every step was seen" };
        let seen = lines.find(|line| line.contains(last));
        assert!(seen.is_some(), "{:?}", child.wait());
        if let Some(stop) = stop {
            signal(stop, child.id());
        }
        assert!(child.wait().unwrap().success(), "{stop:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{stop:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_before_the_demo_starts_anything() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path(), &["demo", "--port", &port]);
    let ended = command.env("TMPDIR", folder.path().join("nowhere")).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    // Without a folder for temporary files, nothing of the demo can be started.
    assert!(!ended.status.success() && told.contains("--port chooses another one"), "{told}");
}

/// A proxy that lets nobody through; the first line of each request.
async fn closed_proxy() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://user:word@{}", listener.local_addr().unwrap());
    let (told, asked) = mpsc::unbounded_channel();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let line = AsyncReader::new(stream).lines().next_line().await;
            told.send(line.ok().flatten().unwrap_or_default()).ok();
        }
    });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_to_the_platforms_go_through_the_proxy_of_the_system_and_none_to_this_machine() {
    let (proxy, mut asked) = closed_proxy().await;
    let folder: TempDir = tempfile::tempdir().unwrap();
    let database = folder.path().join("bridge.db");
    let settings =
        [("SLACK_API_URL", "https://slack.example.invalid/api"), ("HTTPS_PROXY", proxy.as_str())];
    let tuning = crate::support::tuning();
    let stage = Stage::start(database.to_str().unwrap(), &settings, tuning).await.unwrap();
    assert_eq!(asked.recv().await.unwrap(), "CONNECT slack.example.invalid:443 HTTP/1.1");
    let new = blip_slack_standins::blip::NewTicket::saying("Eva", "eva@0mn.io", "Oi");
    assert_eq!(stage.blip.opens_ticket(new).await.status, Some(200));
    stage.blip.wait_for("a call to Blip", |state| (!state.calls.is_empty()).then_some(())).await;
    while let Ok(line) = asked.try_recv() {
        assert!(line.contains("slack.example.invalid"), "{line}");
    }
}
