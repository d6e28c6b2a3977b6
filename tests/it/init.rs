//! `blip-slack init`, typed into by somebody who gets some answers wrong at first.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use blip_slack::demo::CHANNEL;
use rustix::pty::{self, OpenptFlags};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Bridge;

/// Right answers, in the order of the questions.
fn right_answers(bridge: &Bridge) -> Vec<(&'static str, String)> {
    let setting = |name: &str| bridge.settings()[name].clone();
    vec![
        ("LOCALE", "en".to_owned()),
        ("PUBLIC_URL", "https://bridge.example".to_owned()),
        ("reach", String::new()),
        ("SLACK_BOT_TOKEN", setting("SLACK_BOT_TOKEN")),
        ("SLACK_SIGNING_SECRET", setting("SLACK_SIGNING_SECRET")),
        ("SLACK_CHANNEL", "#atendimento".to_owned()),
        ("BLIP_API_URL", setting("BLIP_API_URL")),
        ("BLIP_KEY", setting("BLIP_KEY")),
        ("BLIP_WEBHOOK_TOKEN", setting("BLIP_WEBHOOK_TOKEN")),
    ]
}

fn program(bridge: &Bridge, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("SLACK_API_URL", &bridge.settings()["SLACK_API_URL"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Pipes answers in, a line each.
async fn answer(bridge: &Bridge, folder: &Path, answers: &[String]) -> Output {
    let mut init = program(bridge, folder, &["init"]);
    let typed = answers.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    let run = move || {
        let mut child = init.spawn().unwrap();
        // It may have ended before it has read all.
        child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn lines(answers: &[(&str, String)]) -> Vec<String> {
    answers.iter().map(|(_, answer)| answer.clone()).collect()
}

fn shown(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A bridge to be set up is none that runs.
async fn platforms() -> (Bridge, TempDir) {
    let mut bridge = Bridge::start().await;
    bridge.stop_bridge().await;
    (bridge, tempfile::tempdir().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_that_it_writes_is_all_that_the_bridge_needs() {
    let (bridge, folder) = platforms().await;
    let answers = right_answers(&bridge);
    let output = answer(&bridge, folder.path(), &lines(&answers)).await;
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    let path = folder.path().join(".env");
    assert_eq!(files(folder.path()), [".env"]);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains(&format!("SLACK_CHANNEL={CHANNEL}\n")), "the id stays: {written}");
    assert!(written.contains("LOCALE=en\n") && !written.contains("SLACK_APP_TOKEN"), "{written}");
    for name in ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "BLIP_KEY", "BLIP_WEBHOOK_TOKEN"] {
        assert!(!shown.contains(&bridge.settings()[name]), "{name}: {shown}");
    }
    for words in [
        "https://api.slack.com/apps?new_app=1&manifest_json=%7B",
        "bridge.example%2Fslack%2Fevents",
        "%22name%22%3A%22Canned%20reply%22",
        "ok       Slack accepts SLACK_BOT_TOKEN",
        "ok       Blip accepts BLIP_KEY",
        "https://bridge.example/blip/webhook",
        "press Retry on the app's page Event Subscriptions",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let doctor = program(&bridge, folder.path(), &["doctor", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(doctor.status.success(), "{found:#}");
    assert!(bridge.slack.violations().is_empty(), "{:?}", bridge.slack.violations());
    assert!(bridge.blip.violations().is_empty(), "{:?}", bridge.blip.violations());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_answer_is_asked_for_again_with_what_mends_it() {
    let (bridge, folder) = platforms().await;
    bridge.slack.add_channel("C0ALONE", "sozinho", &[]);
    bridge.slack.change_channel("C0ALONE", |channel| channel.members.clear());
    for (name, wrong, told) in [
        ("PUBLIC_URL", "bridge", "PUBLIC_URL must be an https address"),
        ("SLACK_BOT_TOKEN", "", "It is needed."),
        ("SLACK_BOT_TOKEN", "xoxp-1", "SLACK_BOT_TOKEN must be a token that begins with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-1-wrong", "→ copy the Bot User OAuth Token"),
        ("SLACK_CHANNEL", "Atendimento!", "SLACK_CHANNEL must be a channel id"),
        ("SLACK_CHANNEL", "#none", "the app sees no channel #none"),
        ("SLACK_CHANNEL", "C0ALONE", "→ write `/invite @Blip Desk`"),
        ("BLIP_API_URL", "msging", "BLIP_API_URL must be an https address"),
        ("BLIP_WEBHOOK_TOKEN", "ação", "BLIP_WEBHOOK_TOKEN must be"),
        ("LOCALE", "fr", "LOCALE must be pt-BR or en or es"),
    ] {
        let mut answers = right_answers(&bridge);
        let at = answers.iter().position(|(asked, _)| *asked == name).unwrap();
        answers.insert(at, (name, wrong.to_owned()));
        let output = answer(&bridge, folder.path(), &lines(&answers)).await;
        let shown = shown(&output);
        assert!(output.status.success() && shown.contains(told), "{name}={wrong}: {shown}");
        assert!(wrong.len() < 6 || !shown.contains("xoxb-1-wrong"), "{shown}");
        fs::remove_file(folder.path().join(".env")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enter_keeps_an_answer_and_has_it_checked_again() {
    let (bridge, folder) = platforms().await;
    let mut answers = right_answers(&bridge);
    // The address is right, so that only the key has to be typed again.
    let key = answers.iter().position(|(asked, _)| *asked == "BLIP_KEY").unwrap();
    let wrong = [("BLIP_KEY", "d3Jvbmc6a2V5".to_owned()), ("BLIP_API_URL", String::new())];
    answers.splice(key..key, wrong);
    // A secret that has no usual form is asked about, and kept on purpose only.
    let secret = answers.iter().position(|(asked, _)| *asked == "SLACK_SIGNING_SECRET").unwrap();
    let kept = ["odd", "n", "", "y"].map(|typed| ("SLACK_SIGNING_SECRET", typed.to_owned()));
    answers.splice(secret..=secret, kept);
    let output = answer(&bridge, folder.path(), &lines(&answers)).await;
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("FAILED   Blip does not accept BLIP_KEY"), "{shown}");
    assert!(shown.contains("warning  SLACK_SIGNING_SECRET does not look like"), "{shown}");
    let written = fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(written.contains("SLACK_SIGNING_SECRET=odd\n"), "{written}");
    assert!(written.contains(&format!("BLIP_API_URL={}\n", bridge.blip.api_url())), "{written}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_slack_cannot_reach_the_bridge_it_asks_for_socket_mode() {
    let (bridge, folder) = platforms().await;
    let token = bridge.slack.look(|state| state.setup.app_token.clone());
    bridge.slack.configure(|setup| setup.socket_mode = true);
    for way in
        [&[("PUBLIC_URL", "https://bridge.example"), ("reach", "n")][..], &[("PUBLIC_URL", "")]]
    {
        let mut answers = right_answers(&bridge);
        answers[4] = ("SLACK_APP_TOKEN", token.clone());
        answers.insert(4, ("SLACK_APP_TOKEN", "xapp-wrong".to_owned()));
        answers.splice(1..3, way.iter().map(|(name, typed)| (*name, (*typed).to_owned())));
        answers.retain(|(asked, _)| *asked != "BLIP_WEBHOOK_TOKEN");
        answers.push(("BLIP_WEBHOOK_TOKEN", String::new()));
        let output = answer(&bridge, folder.path(), &lines(&answers)).await;
        let shown = shown(&output);
        assert!(output.status.success(), "{shown}");
        assert!(
            shown.contains("FAILED   Slack opens no connection for SLACK_APP_TOKEN"),
            "{shown}"
        );
        assert!(shown.contains("socket_mode_enabled%22%3Atrue"), "{shown}");
        let written = fs::read_to_string(folder.path().join(".env")).unwrap();
        assert!(written.contains(&format!("SLACK_APP_TOKEN={token}\n")), "{written}");
        assert!(!written.contains("SLACK_SIGNING_SECRET"), "{written}");
        // A token that was made here is shown once, for Blip's portal.
        let made = written.lines().find_map(|line| line.strip_prefix("BLIP_WEBHOOK_TOKEN="));
        let made = made.unwrap();
        assert!(made.len() == 32 && shown.matches(made).count() == 1, "{made}: {shown}");
        fs::remove_file(folder.path().join(".env")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_that_ends_early_leaves_nothing_behind() {
    let (bridge, folder) = platforms().await;
    let answers = right_answers(&bridge);
    for count in 0..answers.len() {
        let output = answer(&bridge, folder.path(), &lines(&answers[..count])).await;
        let shown = shown(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("nothing was written: the input has ended"), "{shown}");
        assert_eq!(files(folder.path()), [""; 0], "after {count} answers");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_there_is_replaced_only_if_somebody_says_so() {
    let (bridge, folder) = platforms().await;
    let path = folder.path().join(".env");
    let before =
        "# ours\nPORT=8080\nSLACK_BOT_TOKEN=xoxb-old\nBUSINESS_HOURS='mon-fri 09:00-18:00'\n";
    fs::write(&path, before).unwrap();
    let answers = lines(&right_answers(&bridge));
    for refusal in ["", "n"] {
        let typed = [vec![refusal.to_owned()], answers.clone()].concat();
        let output = answer(&bridge, folder.path(), &typed).await;
        assert!(output.status.success() && shown(&output).contains("Nothing was written."));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }
    let output = answer(&bridge, folder.path(), &[vec!["y".to_owned()], answers].concat()).await;
    assert!(output.status.success(), "{}", shown(&output));
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("PORT=8080\nBUSINESS_HOURS='mon-fri 09:00-18:00'\n"), "{written}");
    assert!(!written.contains("xoxb-old"), "{written}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files(folder.path()), [".env"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_the_environment_has_too_is_told() {
    let (bridge, folder) = platforms().await;
    let mut init = program(&bridge, folder.path(), &["init"]);
    init.env("BLIP_KEY", "d3Jvbmc6a2V5").env("SLACK_BOT_TOKEN_FILE", "/no/such/file");
    let typed = lines(&right_answers(&bridge)).join("\n") + "\n";
    let run = move || {
        let mut child = init.spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("BLIP_KEY is set in the environment, too"), "{shown}");
}

/// How the questions end, in their order.
const QUESTIONS: [&str; 9] = [
    "(Enter for pt-BR): ",
    "(Enter if it has none yet): ",
    "[Y/n]: ",
    "xoxb-… (not shown): ",
    "Signing Secret (not shown): ",
    "#name or id: ",
    "https://….http.msging.net: ",
    "Key … (not shown): ",
    "(not shown; Enter makes one): ",
];

/// A terminal with the program at its other side.
struct Screen {
    ours: File,
    child: Child,
    seen: Vec<u8>,
}

impl Screen {
    fn open(mut init: Command) -> Self {
        let ours = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        pty::grantpt(&ours).unwrap();
        pty::unlockpt(&ours).unwrap();
        let name = pty::ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let side = || File::options().read(true).write(true).open(&name).unwrap();
        init.stdin(side()).stdout(side()).stderr(side());
        Self { ours: ours.into(), child: init.spawn().unwrap(), seen: Vec::new() }
    }

    /// Waits for a question.
    fn sees(&mut self, question: &str) {
        while !self.seen.ends_with(question.as_bytes()) {
            let mut byte = [0];
            self.ours.read_exact(&mut byte).unwrap();
            self.seen.extend(byte);
        }
    }

    fn types(&mut self, answer: &str) {
        self.ours.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    /// Whether it shows what is typed.
    fn shows_input(&self) -> bool {
        tcgetattr(&self.ours).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// How the program ended, and all that was to be seen.
    fn ends(mut self) -> (ExitStatus, String) {
        let ended = self.child.wait().unwrap();
        let mut byte = [0];
        // Reading fails when nobody is left at the other side.
        while self.ours.read(&mut byte).is_ok_and(|count| count > 0) {
            self.seen.extend(byte);
        }
        (ended, String::from_utf8_lossy(&self.seen).into_owned())
    }
}

/// On a terminal, what is typed is shown by the terminal itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_does_not_show_the_secrets_that_are_typed() {
    let (bridge, folder) = platforms().await;
    let answers = right_answers(&bridge);
    let init = program(&bridge, folder.path(), &["init"]);
    let typed = lines(&answers);
    let run = move || {
        let mut screen = Screen::open(init);
        for (question, answer) in QUESTIONS.iter().zip(typed) {
            screen.sees(question);
            assert_eq!(screen.shows_input(), !question.contains("not shown"), "{question}");
            screen.types(&answer);
        }
        screen.ends()
    };
    let (ended, screen) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(ended.success(), "{screen}");
    for (name, typed) in answers.iter().filter(|(_, typed)| !typed.is_empty()) {
        let is_open = ["PUBLIC_URL", "SLACK_CHANNEL", "BLIP_API_URL", "LOCALE"].contains(name);
        assert_eq!(screen.contains(typed), is_open, "{name}: {screen}");
    }
    assert_eq!(files(folder.path()), [".env"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_again_what_is_typed_when_it_is_interrupted() {
    let (bridge, folder) = platforms().await;
    let init = program(&bridge, folder.path(), &["init"]);
    let run = move || {
        let mut screen = Screen::open(init);
        for (question, answer) in QUESTIONS.iter().zip(["en", "https://bridge.example", "y"]) {
            screen.sees(question);
            screen.types(answer);
        }
        screen.sees(QUESTIONS[3]);
        assert!(!screen.shows_input());
        let pid = screen.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(screen.child.wait().unwrap().code(), Some(1));
        assert!(screen.shows_input());
        screen.ends().1
    };
    let screen = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(screen.contains("nothing was written"), "{screen}");
    assert_eq!(files(folder.path()), [""; 0]);
}
