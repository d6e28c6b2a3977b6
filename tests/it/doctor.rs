//! `blip-slack doctor`: one thing is broken at a time, and each is told with what mends it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{Router, ServiceLimits};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Team, User};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Bridge, PostgresSchema};

/// What the program found, and how it ended.
#[derive(Debug)]
struct Report {
    code: i32,
    findings: Vec<Value>,
}

impl Report {
    /// The outcomes, texts and fixes of a check.
    fn of(&self, check: &str) -> Vec<(&str, &str, &str)> {
        let about = self.findings.iter().filter(|it| it["check"] == check);
        about
            .map(|it| {
                let part = |key: &str| it[key].as_str().unwrap_or_default();
                (part("outcome"), part("text"), part("fix"))
            })
            .collect()
    }

    fn has(&self, check: &str, outcome: &str, words: &str, fix: &str) -> bool {
        let found = self.of(check);
        found.iter().any(|(how, text, mends)| {
            *how == outcome && text.contains(words) && mends.contains(fix)
        })
    }

    /// The program fails because of this alone, and says how it is mended.
    fn fails(&self, check: &str, words: &str, fix: &str) {
        assert!(!fix.is_empty() && self.has(check, "failed", words, fix), "{self:#?}");
        let failed = self.findings.iter().filter(|it| it["outcome"] == "failed");
        assert!(failed.clone().all(|it| it["check"] == check), "{self:#?}");
        assert!(failed.clone().all(|it| it["fix"].is_string()), "{self:#?}");
        assert_eq!(self.code, 1);
    }

    /// The program warns of this, says how it is mended, and does not fail.
    fn warns(&self, check: &str, words: &str, fix: &str) {
        assert!(!fix.is_empty() && self.has(check, "warning", words, fix), "{self:#?}");
        assert_eq!(self.code, 0, "{self:#?}");
    }
}

/// Runs it with the settings of a bridge and these in their place.
async fn run(bridge: &Bridge, json: bool, changed: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (settings, changed) = (bridge.settings().clone(), changed.collect::<Vec<_>>());
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
        command.arg("doctor").args(json.then_some("--json"));
        command.current_dir(folder.path()).env_clear();
        let database = format!("sqlite://{}", folder.path().join("none.db").display());
        command.envs(settings).env("DATABASE_URL", database).envs(changed);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), shown)
}

/// The names by which programs know the checks. One may come to it; none goes or gets another name.
const CHECKS: [&str; 22] = [
    "agents",
    "backup",
    "blip-channel",
    "blip-hours",
    "blip-key",
    "blip-sla",
    "blip-standby",
    "blip-templates",
    "clock",
    "database",
    "proxy",
    "public-url",
    "retention",
    "settings",
    "slack-channel",
    "slack-events",
    "slack-group",
    "slack-scopes",
    "slack-signing-secret",
    "slack-socket-mode",
    "slack-token",
    "version",
];

async fn examine(bridge: &Bridge, changed: &[(&str, &str)]) -> Report {
    let (code, shown) = run(bridge, true, changed).await;
    let findings: Vec<Value> = serde_json::from_str(&shown).unwrap();
    // What programs read has this form, whatever was found.
    for finding in &findings {
        let fields = finding.as_object().unwrap().keys().map(String::as_str);
        let fields: Vec<&str> = fields.filter(|field| *field != "fix").collect();
        assert_eq!(fields, ["check", "outcome", "text"], "{finding}");
        let outcome = finding["outcome"].as_str().unwrap();
        assert!(["ok", "hint", "warning", "failed"].contains(&outcome), "{finding}");
        assert!(CHECKS.contains(&finding["check"].as_str().unwrap()), "{finding}");
        let has_fix = ["warning", "failed"].contains(&outcome);
        assert_eq!(finding["fix"].is_string(), has_fix, "{finding}");
    }
    Report { code, findings }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_well_nothing_fails_and_the_running_bridge_is_left_alone() {
    let bridge = Bridge::start().await;
    let url = format!("http://{}", bridge.app().unwrap().address());
    let report = examine(&bridge, &[("PUBLIC_URL", &url)]).await;
    assert_eq!(report.code, 0, "{report:#?}");
    for (check, words) in [
        ("settings", "can be read"),
        ("slack-token", "https://standin.slack.com/"),
        ("slack-scopes", "all scopes of the manifest"),
        ("slack-signing-secret", "has the form"),
        ("slack-channel", CHANNEL),
        ("clock", "agrees"),
        ("blip-key", "Blip accepts BLIP_KEY"),
        ("blip-channel", "custom channel"),
        ("blip-templates", "BLIP_KEY may list"),
        ("agents", "all 2 agents"),
        ("retention", "for 7 days after it was handled, and closed tickets"),
        ("version", concat!("blip-slack ", env!("CARGO_PKG_VERSION"))),
        ("database", "is made at the first start"),
        ("public-url", "the bridge answers at"),
    ] {
        assert!(report.has(check, "ok", words, ""), "{check}: {report:#?}");
    }
    assert!(report.has("slack-events", "hint", "reaction_added", ""), "{report:#?}");
    let others = report.findings.iter().filter(|it| it["outcome"] != "ok");
    assert!(others.clone().all(|it| it["check"] == "settings" || it["check"] == "slack-events"));
    let (code, shown) = run(&bridge, false, &[("PUBLIC_URL", &url)]).await;
    // What is to be done stands on a line of its own.
    let found = shown.lines().filter(|line| !line.starts_with(' '));
    assert_eq!((code, found.count()), (0, report.findings.len()), "{shown}");
    let report = examine(&bridge, &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    assert!(report.code == 0 && report.has("proxy", "ok", "HTTPS_PROXY", ""), "{report:#?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_be_read_are_told_like_all_else() {
    let bridge = Bridge::start().await;
    let wrong = [("PORT", "many"), ("SLACK_CHANNEL", "")];
    let report = examine(&bridge, &wrong).await;
    report.fails("settings", "PORT must be a whole number", "PORT=3000");
    report.fails("settings", "SLACK_CHANNEL is required", "SLACK_CHANNEL=#atendimento");
    let (code, shown) = run(&bridge, false, &wrong).await;
    assert!(code == 1 && shown.contains("FAILED   PORT must be"), "{shown}");
    assert!(shown.contains("\n         → correct it, for example PORT=3000\n"), "{shown}");
    let report =
        examine(&bridge, &[("CLAIM_REACTION", "+1"), ("CLOSE_REACTION", "thumbsup")]).await;
    report.fails("settings", "another name for the emoji", "another emoji");
    let report = examine(&bridge, &[("PUBLIC_ULR", "https://bridge.loja.com")]).await;
    report.warns("settings", "did you mean PUBLIC_URL?", "correct its name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_slack_that_does_not_do_is_told_with_where_to_find_the_right_one() {
    let bridge = Bridge::start().await;
    let report = examine(&bridge, &[("SLACK_BOT_TOKEN", "xoxb-1-wrong")]).await;
    report.fails("slack-token", "invalid_auth", "Bot User OAuth Token");
    bridge.slack.faults().from_now("auth.test", Fault::Code("token_revoked".to_owned()));
    let report = examine(&bridge, &[]).await;
    report.fails("slack-token", "token_revoked", "install it again");
    bridge.slack.faults().lift("auth.test");
    for address in ["http://127.0.0.1:1/api", &bridge.blip.api_url()] {
        let report = examine(&bridge, &[("SLACK_API_URL", address)]).await;
        report.fails("slack-token", "does not answer as it should", "SLACK_API_URL");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_that_the_token_lacks_are_named() {
    let bridge = Bridge::start().await;
    let grant_all_but = |lacking: &[&str]| {
        let lacking: Vec<String> = lacking.iter().map(ToString::to_string).collect();
        bridge.slack.configure(move |setup| {
            setup.scopes.retain(|scope| !lacking.contains(scope));
        });
    };
    grant_all_but(&["files:read"]);
    let report = examine(&bridge, &[]).await;
    report.warns("slack-scopes", "files:read: files of agents reach no customer", "files:read");
    grant_all_but(&["usergroups:read"]);
    bridge.slack.add_group("S0AGENTS", "agents", &[ANA]);
    let report = examine(&bridge, &[]).await;
    report.warns("slack-scopes", "usergroups:read", "install the app again");
    let report = examine(&bridge, &[("ESCALATE_TO", "S0AGENTS")]).await;
    report.fails("slack-scopes", "usergroups:read", "install the app again");
    assert!(report.has("slack-group", "warning", "ESCALATE_TO", "usergroups:read"), "{report:#?}");
    grant_all_but(&["reactions:read", "users:read.email"]);
    let report = examine(&bridge, &[]).await;
    report.fails("slack-scopes", "reactions:read, users:read.email", "Bot Token Scopes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scope_that_tickets_do_without_is_told_with_what_is_not_there() {
    let bridge = Bridge::start().await;
    for (scope, lost) in [
        ("chat:write.customize", "no authors"),
        ("commands", "no /blip"),
        ("dnd:read", "not to be disturbed"),
        ("files:read", "files of agents reach no customer"),
        ("files:write", "files of customers are links"),
        ("im:history", "may be sent twice"),
        ("im:write", "no direct messages"),
        ("usergroups:read", "shown by their ids"),
    ] {
        let granted = bridge.slack.look(|state| state.setup.scopes.clone());
        bridge.slack.configure(|setup| setup.scopes.retain(|it| it != scope));
        let report = examine(&bridge, &[]).await;
        report.warns("slack-scopes", &format!("lacks the scope {scope}: "), scope);
        assert!(
            report.has("slack-scopes", "warning", lost, "install the app again"),
            "{report:#?}"
        );
        bridge.slack.configure(|setup| setup.scopes = granted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_does_not_tell_for_now_is_to_be_asked_again() {
    let bridge = Bridge::start().await;
    let (faults, busy) = (bridge.slack.faults(), Fault::RateLimited { retry_after: 30 });
    faults.from_now("auth.test", busy.clone());
    let report = examine(&bridge, &[]).await;
    report.fails("slack-token", "Slack asks to wait", "ask again in a minute");
    faults.lift("auth.test");
    let workspace = bridge.slack.look(|state| state.setup.team_id.clone());
    bridge.slack.configure(|setup| setup.team_id.clear());
    let report = examine(&bridge, &[]).await;
    report.fails("slack-token", "does not tell the workspace", "SLACK_API_URL");
    bridge.slack.configure(|setup| setup.team_id = workspace);

    let token = bridge.slack.look(|state| state.setup.app_token.clone());
    bridge.slack.configure(|setup| setup.socket_mode = true);
    let by_socket = [("SLACK_APP_TOKEN", token.as_str())];
    faults.from_now("apps.connections.open", busy.clone());
    let report = examine(&bridge, &by_socket).await;
    report.fails("slack-socket-mode", "Slack opens no connection", "ask again in a minute");
    faults.lift("apps.connections.open");
    faults.from_now("apps.connections.open", Fault::Status(503));
    let report = examine(&bridge, &by_socket).await;
    report.fails("slack-socket-mode", "Slack opens no connection", "the network");
    faults.lift("apps.connections.open");

    faults.from_now("conversations.info", busy.clone());
    let report = examine(&bridge, &[]).await;
    report.fails("slack-channel", "could not be looked at", "ask again in a minute");
    faults.lift("conversations.info");
    faults.from_now("conversations.info", Fault::Code("missing_scope".to_owned()));
    let report = examine(&bridge, &[]).await;
    report.fails("slack-channel", "could not be looked at", "the scope that it lacks");
    faults.lift("conversations.info");

    bridge.slack.add_group("S0AGENTS", "agents", &[ANA]);
    faults.from_now("usergroups.users.list", busy.clone());
    let report = examine(&bridge, &[("ESCALATE_TO", "S0AGENTS")]).await;
    report.warns("slack-group", "could not be looked at", "ask again in a minute");
    faults.lift("usergroups.users.list");

    faults.from_now("conversations.members", busy);
    let report = examine(&bridge, &[]).await;
    report.warns("agents", "could not be looked at", "ask again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_told() {
    let bridge = Bridge::start().await;
    bridge.slack.advance(Duration::from_mins(10));
    examine(&bridge, &[]).await.fails("clock", "minutes off", "NTP");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_of_a_channel_is_told_with_its_setting() {
    let bridge = Bridge::start().await;
    for (channel, words) in [("C0NOWHERE", "no channel C0NOWHERE"), ("#none", "no channel #none")] {
        let report = examine(&bridge, &[("SLACK_CHANNEL", channel)]).await;
        report.fails("slack-channel", words, "About tab");
    }
    let report = examine(&bridge, &[("SLACK_TEAM_CHANNELS", "Vendas=#none")]).await;
    report.warns("slack-channel", "SLACK_TEAM_CHANNELS (Vendas)", "About tab");
    bridge.slack.change_channel(CHANNEL, |channel| channel.pending_share = true);
    let report = examine(&bridge, &[]).await;
    report.warns("slack-channel", "Slack Connect", "channel of your own");
    bridge.slack.change_channel(CHANNEL, |channel| channel.pending_share = false);
    bridge.slack.add_user(User {
        team: Team::Other("T0OTHER".to_owned()),
        ..User::member("U0OUT", "Out", "out@other.example")
    });
    bridge.slack.joins("U0OUT", CHANNEL).await.unwrap();
    let report = examine(&bridge, &[]).await;
    report.warns("slack-channel", "Slack Connect", "channel of your own");
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.remove("U0OUT");
        channel.archived = true;
    });
    examine(&bridge, &[]).await.fails("slack-channel", "is archived", "unarchive");
    let bot = bridge.slack.look(|state| state.setup.bot_user.clone());
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.archived = false;
        channel.members.remove(&bot);
    });
    examine(&bridge, &[]).await.fails("slack-channel", "the app is not in", "/invite @Blip Desk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lets_events_in_is_looked_at_as_far_as_it_can_be() {
    let bridge = Bridge::start().await;
    let report = examine(&bridge, &[("SLACK_SIGNING_SECRET", "xyz")]).await;
    report.warns("slack-signing-secret", "does not look like", "Signing Secret");
    let report = examine(&bridge, &[("SLACK_APP_TOKEN", "xapp-wrong")]).await;
    report.fails("slack-socket-mode", "invalid_auth", "connections:write");
    let token = bridge.slack.look(|state| state.setup.app_token.clone());
    bridge.slack.configure(|setup| setup.socket_mode = true);
    let report = examine(&bridge, &[("SLACK_APP_TOKEN", &token)]).await;
    assert!(report.has("slack-socket-mode", "ok", "accepts SLACK_APP_TOKEN", ""), "{report:#?}");
    bridge.slack.configure(|setup| {
        setup.app_scopes.clear();
    });
    let report = examine(&bridge, &[("SLACK_APP_TOKEN", &token)]).await;
    report.fails("slack-socket-mode", "missing_scope", "connections:write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_event_of_slack_is_told_as_slack_does_not_tell_what_it_sends() {
    let bridge = Bridge::start().await;
    let url = bridge.settings()["DATABASE_URL"].clone();
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(report.has("slack-events", "hint", "none is remembered", ""), "{report:#?}");
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(report.has("slack-events", "hint", "remembered here came at 2", ""), "{report:#?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_or_address_of_blip_that_does_not_do_is_told_with_the_bot_that_it_is_of() {
    let bridge = Bridge::start().await;
    let report = examine(&bridge, &[("BLIP_KEY", "Key bG9qYTp3cm9uZw==")]).await;
    report.fails("blip-key", "does not accept BLIP_KEY", "Informações de conexão");
    for address in ["http://127.0.0.1:1", &bridge.slack.api_url()] {
        let report = examine(&bridge, &[("BLIP_API_URL", address)]).await;
        report.fails("blip-key", "BLIP_API_URL: ", "http.msging.net");
    }
    let vendas = [
        ("BLIP_BOTS", "vendas"),
        ("BLIP_VENDAS_KEY", "d3Jvbmc6a2V5"),
        ("BLIP_VENDAS_WEBHOOK_TOKEN", "token"),
    ];
    let report = examine(&bridge, &vendas).await;
    report.fails("blip-key", "BLIP_VENDAS_KEY", "Authorization");
    assert!(report.has("blip-key", "ok", "accepts BLIP_KEY", ""), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_tell_for_now_is_to_be_asked_again() {
    let bridge = Bridge::start().await;
    bridge.blip.faults().from_now("*get /attendants*", Fault::Status(500));
    let report = examine(&bridge, &[]).await;
    assert!(report.code == 0 && report.has("agents", "hint", "does not tell the agents", ""));
    bridge.blip.faults().from_now("*", Fault::RateLimited { retry_after: 30 });
    let report = examine(&bridge, &[]).await;
    report.fails("blip-key", "BLIP_API_URL: ", "ask again in a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_that_sends_its_tickets_elsewhere_is_told() {
    let bridge = Bridge::start().await;
    let set = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        bridge.blip.configure(|setup| setup.configuration = pairs.collect());
    };
    set(&[("DefaultProvider", "Lime")]);
    let report = examine(&bridge, &[("PUBLIC_URL", "https://bridge.example")]).await;
    report.fails("blip-channel", "is Lime", "https://bridge.example/blip/webhook");
    set(&[("Lime.IsActive", "False")]);
    examine(&bridge, &[]).await.fails("blip-channel", "not set", "Canal Personalizado");
    set(&[("DefaultProvider", "Custom"), ("BlockExternalAttachment", "True")]);
    let report = examine(&bridge, &[]).await;
    report.warns("blip-channel", "external attachments", "allow external attachments");
    set(&[]);
    let report = examine(&bridge, &[]).await;
    assert!(report.code == 0 && report.has("blip-channel", "hint", "Canal Personalizado", ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_the_desk_that_blip_does_not_tell_are_told() {
    let bridge = Bridge::start().await;
    assert!(examine(&bridge, &[]).await.of("blip-hours").is_empty(), "nobody has asked for them");
    let by_blip = [("BUSINESS_HOURS", "blip")];
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-hours", "the desk has no main hours", "Horários de atendimento");
    let monday = json!([{ "dayOfWeek": "Monday", "startTime": "08:00:00", "endTime": "18:00:00" }]);
    let has_schedule = |zone: &str| {
        let head = json!({ "id": "a", "isMain": true, "timeZoneId": zone });
        let hours = json!({ "attendanceHour": head, "attendanceHourScheduleItems": monday });
        bridge.blip.configure(move |setup| setup.schedules = vec![hours]);
    };
    has_schedule("Atlantis Standard Time");
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-hours", "Atlantis Standard Time", "TIMEZONE");
    has_schedule("E. South America Standard Time");
    let report = examine(&bridge, &by_blip).await;
    assert!(report.has("blip-hours", "ok", "tells the hours", ""), "{report:#?}");
    assert_eq!(report.of("blip-hours").len(), 1, "{report:#?}");
    bridge.blip.configure(|setup| setup.hides_rules = true);
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-hours", "does not tell the hours", "BUSINESS_HOURS, such as");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_levels_that_blip_does_not_tell_are_told() {
    let bridge = Bridge::start().await;
    assert!(examine(&bridge, &[]).await.of("blip-sla").is_empty(), "nobody has asked for them");
    let by_blip = [("SLA", "blip")];
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-sla", "no policy of service levels", "Atendimento → SLA");
    let (waiting, first_answer) = (Duration::from_mins(5), Duration::from_mins(2));
    let limits = ServiceLimits { waiting, first_answer, attendance: Duration::from_hours(1) };
    bridge.blip.configure(move |setup| setup.service_limits = Some(limits));
    let report = examine(&bridge, &by_blip).await;
    assert!(report.has("blip-sla", "ok", "policies: 1", ""), "{report:#?}");
    bridge.blip.configure(|setup| setup.hides_rules = true);
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-sla", "does not tell the service levels", "SLA=off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby_that_the_desk_has_switched_off_is_told() {
    let bridge = Bridge::start().await;
    assert!(examine(&bridge, &[]).await.of("blip-standby").is_empty(), "nobody has asked for it");
    let by_blip = [("STANDBY", "blip")];
    let report = examine(&bridge, &by_blip).await;
    report.warns("blip-standby", "TicketStandbyModeEnabled is not true", "STANDBY=off");
    let enabled = ("TicketStandbyModeEnabled".to_owned(), "True".to_owned());
    bridge.blip.configure(|setup| setup.configuration.push(enabled));
    let report = examine(&bridge, &by_blip).await;
    assert!(report.has("blip-standby", "ok", "standby mode switched on", ""), "{report:#?}");
    bridge.blip.configure(|setup| setup.configuration.clear());
    let report = examine(&bridge, &by_blip).await;
    assert!(report.has("blip-standby", "hint", "does not tell", ""), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_leads_or_a_channel_of_theirs_that_does_not_do_is_told() {
    let bridge = Bridge::start().await;
    let leads = [("LEADS", "S0LEADS")];
    let report = examine(&bridge, &leads).await;
    report.warns("slack-group", "LEADS: Slack knows no user group S0LEADS", "Copy group ID");
    bridge.slack.add_group("S0LEADS", "leads", &[ANA]);
    let report = examine(&bridge, &leads).await;
    assert!(report.has("slack-group", "ok", "LEADS: Slack knows", ""), "{report:#?}");
    for (fault, fix) in [
        (Fault::Code("missing_scope".to_owned()), "the scope usergroups:read"),
        (Fault::Status(503), "ask again"),
    ] {
        bridge.slack.faults().from_now("usergroups.users.list", fault);
        let report = examine(&bridge, &leads).await;
        report.warns("slack-group", "LEADS: user group S0LEADS could not be looked at", fix);
        bridge.slack.faults().lift("usergroups.users.list");
    }
    let theirs = [leads[0], ("LEADS_CHANNEL", "#lideres")];
    let report = examine(&bridge, &theirs).await;
    report.warns("slack-channel", "LEADS_CHANNEL: the app sees no channel #lideres", "About tab");
    bridge.slack.add_channel("C0LEADS", "lideres", &[ANA]);
    let report = examine(&bridge, &theirs).await;
    assert!(report.has("slack-channel", "ok", "LEADS_CHANNEL: the app is in", ""), "{report:#?}");
    let bot = bridge.slack.look(|state| state.setup.bot_user.clone());
    bridge.slack.change_channel("C0LEADS", |channel| {
        channel.members.remove(&bot);
    });
    let report = examine(&bridge, &theirs).await;
    report.warns("slack-channel", "LEADS_CHANNEL: the app is not in", "/invite @Blip Desk");
    // By its name an archived one is not found.
    bridge.slack.change_channel("C0LEADS", |channel| channel.archived = true);
    let report = examine(&bridge, &[leads[0], ("LEADS_CHANNEL", "C0LEADS")]).await;
    report.warns("slack-channel", "LEADS_CHANNEL: channel C0LEADS is archived", "unarchive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_may_not_list_templates_is_a_hint() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.templates = None);
    let report = examine(&bridge, &[]).await;
    assert!(report.code == 0 && report.has("blip-templates", "hint", "the router", ""));
    assert!(report.has("blip-templates", "hint", "BLIP_ROUTER_KEY", ""), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_for_templates_that_does_not_do_is_told() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.router = Some(Router::default()));
    let key = Router::default().key;
    let report = examine(&bridge, &[("BLIP_ROUTER_KEY", &key)]).await;
    assert!(report.has("blip-templates", "ok", "BLIP_ROUTER_KEY may list", ""), "{report:#?}");
    let report = examine(&bridge, &[("BLIP_ROUTER_KEY", "wrong")]).await;
    report.fails("blip-templates", "does not accept BLIP_ROUTER_KEY", "WhatsApp channel");
    let of_bot = bridge.settings()["BLIP_KEY"].clone();
    let report = examine(&bridge, &[("BLIP_ROUTER_KEY", &of_bot)]).await;
    report.fails("blip-templates", "BLIP_ROUTER_KEY may not list", "the router");
    let active = [("BLIP_ROUTER_KEY", key.as_str()), ("BLIP_ANSWER_BLOCK", "flow/desk")];
    let report = examine(&bridge, &active).await;
    assert!(report.has("blip-channel", "hint", "ActiveMessageCanSendWithOpenTicket", ""));
    let allowed = ("ActiveMessageCanSendWithOpenTicket".to_owned(), "True".to_owned());
    bridge.blip.configure(|setup| setup.configuration.push(allowed.clone()));
    let report = examine(&bridge, &active).await;
    assert!(!report.has("blip-channel", "hint", "", ""), "{report:#?}");
    let report = examine(&bridge, &[("BLIP_ANSWER_BLOCK", "flow/desk")]).await;
    report.fails("settings", "BLIP_ANSWER_BLOCK needs BLIP_ROUTER_KEY", "BLIP_ANSWER_BLOCK=");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_whom_blip_does_not_know_are_named() {
    let bridge = Bridge::start().await;
    bridge.slack.add_user(User { email: None, ..User::member(BIA, "Bia Souza", "") });
    let report = examine(&bridge, &[]).await;
    report.warns("agents", "can claim nothing: Bia Souza (U0BIA)", "AGENT_MAP=U0BIA=");
    let report = examine(&bridge, &[("AGENT_MAP", "U0BIA=bia@loja.example")]).await;
    assert!(report.code == 0 && report.has("agents", "ok", "all 2 agents", ""), "{report:#?}");
    let report = examine(&bridge, &[("AGENT_MAP", "U0BIA=eva@loja.example,U0NOBODY=x@y.zz")]).await;
    report.warns("agents", "does not know as agents: Bia Souza (U0BIA)", "Blip's portal");
    report.warns("agents", "no agents in Slack: U0NOBODY", "Copy member ID");
    let report = examine(&bridge, &[("BLIP_DEFAULT_AGENT", "team@loja.example")]).await;
    report.warns("agents", "BLIP_DEFAULT_AGENT is no agent", "an agent of the bot");
    bridge.slack.add_user(User { email: None, ..User::member(ANA, "Ana Lima", "") });
    let report = examine(&bridge, &[]).await;
    report.fails("agents", "no agent has an e-mail address", "BLIP_DEFAULT_AGENT");
    bridge.blip.configure(|setup| setup.agents.clear());
    let report = examine(&bridge, &[("BLIP_DEFAULT_AGENT", "ana@loja.example")]).await;
    report.warns("agents", "no agents for the bot of BLIP_KEY", "the subbot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_that_nobody_is_in_is_told() {
    let bridge = Bridge::start().await;
    let report = examine(&bridge, &[("AGENTS", "S0NOBODY")]).await;
    report.fails("slack-group", "AGENTS: Slack knows no user group S0NOBODY", "Copy group ID");
    let report = examine(&bridge, &[("ESCALATE_TO", "S0NOBODY")]).await;
    report.warns("slack-group", "ESCALATE_TO: Slack knows no user group", "Copy group ID");
    bridge.slack.add_group("S0AGENTS", "agents", &[]);
    let report = examine(&bridge, &[("AGENTS", "S0AGENTS")]).await;
    report.fails("agents", "nobody in Slack may answer", "user group of AGENTS");
    bridge
        .slack
        .add_user(User { is_restricted: true, ..User::member(ANA, "Ana", "a@loja.example") });
    bridge.slack.add_user(User { deleted: true, ..User::member(BIA, "Bia", "b@loja.example") });
    examine(&bridge, &[]).await.fails("agents", "nobody in Slack may answer", "invite your team");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_team_some_are_looked_at_and_it_is_said_that_there_are_more() {
    let bridge = Bridge::start().await;
    for number in 0..60 {
        let (id, email) = (format!("U1P{number:02}"), format!("p{number}@loja.example"));
        bridge.slack.add_user(User::member(&id, "Pat", &email));
        bridge.slack.change_channel(CHANNEL, |channel| {
            channel.members.insert(id);
        });
    }
    let report = examine(&bridge, &[]).await;
    assert!(report.has("agents", "hint", "only 60 people were looked at", ""), "{report:#?}");
    report.warns("agents", "and 48 more", "invite them in Blip's portal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_is_kept_for_long_is_told() {
    let bridge = Bridge::start().await;
    for (name, value) in [("RETAIN_BODIES_DAYS", "365"), ("RETAIN_TICKETS_DAYS", "3650")] {
        let report = examine(&bridge, &[(name, value)]).await;
        report.warns("retention", &format!("for {value} days"), &format!("lower {name}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_at_which_the_bridge_is_not_is_told() {
    let bridge = Bridge::start().await;
    let report = examine(&bridge, &[]).await;
    report.warns("public-url", "no file of an agent reaches a customer", "PUBLIC_URL");
    let report = examine(&bridge, &[("PUBLIC_URL", "http://127.0.0.1:1")]).await;
    report.warns("public-url", "cannot be reached", "start the bridge");
    let report = examine(&bridge, &[("PUBLIC_URL", &bridge.slack.api_url())]).await;
    report.warns("public-url", "which is not the bridge", "/media/");
    let url = format!("http://{}", bridge.app().unwrap().address());
    let other = [("PUBLIC_URL", url.as_str()), ("SLACK_SIGNING_SECRET", &"a".repeat(32))];
    let report = examine(&bridge, &other).await;
    report.warns("public-url", "another SLACK_SIGNING_SECRET", "with these settings");
    let token = bridge.slack.look(|state| state.setup.app_token.clone());
    bridge.slack.configure(|setup| setup.socket_mode = true);
    let report = examine(&bridge, &[("PUBLIC_URL", &url), ("SLACK_APP_TOKEN", &token)]).await;
    assert!(report.has("public-url", "ok", "/blip/webhook", ""), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_at_which_nobody_answers_in_time_is_told() {
    let bridge = Bridge::start().await;
    // The kernel takes the connection, and whoever listens never does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let report = examine(&bridge, &[("PUBLIC_URL", &url)]).await;
    report.warns("public-url", "/slack/events does not answer in time", "start the bridge");
    let (asked, _) = silent.accept().unwrap();
    let mut line = String::new();
    BufReader::new(asked).read_line(&mut line).unwrap();
    assert_eq!(line, "POST /slack/events HTTP/1.1\r\n");
}

/// Whoever tests is not the owner of the server, who alone may give it standbys. What it says of them is
/// what a schema says that is looked at before the server's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_standby_may_lack_what_was_answered_is_told() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let url = format!("{}%2Cpg_catalog", schema.url());
    let bridge = Bridge::with(&[("DATABASE_URL", &url)]).await;
    let by_server = [("DATABASE_URL", url.as_str())];
    let report = examine(&bridge, &by_server).await;
    let others = "backed up by whoever looks after its server";
    assert!(report.has("backup", "ok", others, ""), "a server without standbys: {report:#?}");
    schema.run("CREATE VIEW pg_stat_replication AS SELECT 1 AS pid, 'async' AS sync_state").await;
    let report = examine(&bridge, &by_server).await;
    report.warns("backup", "no synchronous standby", "synchronous_standby_names");
    let asked = "CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE $1 WHEN 'synchronous_standby_names' THEN 'standby_1'
                  ELSE pg_catalog.current_setting($1) END $$";
    schema.run(asked).await;
    let report = examine(&bridge, &by_server).await;
    assert!(report.has("backup", "ok", others, ""), "a synchronous standby: {report:#?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_used_is_told_and_none_is_changed() {
    let mut bridge = Bridge::start().await;
    let report = examine(&bridge, &[("DATABASE_URL", "sqlite:///no/such/folder/blip.db")]).await;
    report.fails("database", "/no/such/folder", "make the folder");
    bridge.stop_bridge().await;
    let url = bridge.settings()["DATABASE_URL"].clone();
    let path = bridge.folder().join("bridge.db");
    let set_version = |version: i64| {
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "user_version", version).unwrap();
    };
    let version = || -> i64 {
        let database = Connection::open(&path).unwrap();
        database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    let newest = version();
    set_version(newest + 1);
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    report.fails("version", &format!("of step {}", newest + 1), "backup");
    set_version(newest - 1);
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(report.has("version", "ok", "the next start brings it up to date", ""), "{report:#?}");
    assert_eq!(version(), newest - 1, "the tables are the bridge's to change");
    std::fs::write(&path, "this is no database of anybody").unwrap();
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    report.fails("database", "another program", "DATABASE_URL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_a_backup_is_warned_about() {
    let bridge = Bridge::start().await;
    let url = bridge.settings()["DATABASE_URL"].clone();
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    report.warns("backup", "never backed up", "blip-slack store backup FILE");
    assert!(report.has("database", "ok", "read and written", ""), "{report:#?}");
    let copy = Path::new(bridge.folder()).join("copy.db");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
    backup.args(["store", "backup"]).arg(copy).env_clear().env("DATABASE_URL", &url);
    assert!(backup.current_dir(bridge.folder()).status().unwrap().success());
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(report.has("backup", "ok", "was backed up at", ""), "{report:#?}");
    let database = Connection::open(bridge.folder().join("bridge.db")).unwrap();
    let old = "UPDATE meta SET value = '2020-01-01T00:00:00Z' WHERE key = 'fact:backed up'";
    assert_eq!(database.execute(old, []).unwrap(), 1);
    drop(database);
    let report = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    report.warns("backup", "the last backup is of 2020-01-01", "every day");
    bridge.finish().await;
}
