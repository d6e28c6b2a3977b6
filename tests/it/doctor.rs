//! `blip-slack doctor`: one thing is broken at a time, and each is named with its mending.

use std::path::Path;
use std::process::{Command, Stdio};

use blip_slack::demo::CHANNEL;
use serde_json::Value;

use crate::support::Bridge;

/// Runs it with the settings of a bridge and these in their place; its exit code and findings.
async fn examine(bridge: &Bridge, changed: &[(&str, &str)]) -> (i32, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let (settings, changed) = (bridge.settings().clone(), own(changed));
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
        command.args(["doctor", "--json"]).current_dir(folder.path()).env_clear();
        let database = format!("sqlite://{}", folder.path().join("none.db").display());
        command.envs(settings).env("DATABASE_URL", database).envs(changed);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).expect(&told);
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    let found = found.iter().map(|it| (text(it, "outcome"), text(it, "text"))).collect();
    (output.status.code().unwrap(), found)
}

fn own(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn has(found: &[(String, String)], outcome: &str, words: &str) -> bool {
    found.iter().any(|(how, text)| how == outcome && text.contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_well_nothing_fails_and_the_running_bridge_is_left_alone() {
    let bridge = Bridge::start().await;
    let url = format!("http://{}", bridge.app().unwrap().address());
    let (code, found) = examine(&bridge, &[("PUBLIC_URL", &url)]).await;
    assert_eq!(code, 0, "{found:?}");
    assert!(has(&found, "ok", "Slack") && has(&found, "ok", "Blip"), "{found:?}");
    assert!(has(&found, "ok", "PUBLIC_URL"), "{found:?}");
    assert!(!found.iter().any(|(how, _)| how == "failed"), "{found:?}");
    let (code, found) = examine(&bridge, &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    assert!(code == 0 && has(&found, "ok", "HTTPS_PROXY"), "{found:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_thing_that_is_broken_is_named_with_its_variable() {
    let bridge = Bridge::start().await;
    for (name, value, words) in [
        ("SLACK_BOT_TOKEN", "xoxb-1-wrong", "SLACK_BOT_TOKEN"),
        ("SLACK_API_URL", "http://127.0.0.1:1/api", "SLACK_API_URL"),
        ("SLACK_CHANNEL", "C0NOWHERE", "SLACK_CHANNEL"),
        ("BLIP_KEY", "Key bG9qYTp3cm9uZw==", "BLIP_KEY"),
        ("BLIP_API_URL", "http://127.0.0.1:1", "BLIP_API_URL"),
        ("AGENTS", "S0NOBODY", "AGENTS"),
        ("DATABASE_URL", "sqlite:///no/such/folder/blip.db", "/no/such/folder"),
    ] {
        let (code, found) = examine(&bridge, &[(name, value)]).await;
        assert_eq!(code, 1, "{name}: {found:?}");
        assert!(has(&found, "failed", words), "{name}: {found:?}");
    }
    let (code, found) = examine(&bridge, &[("PUBLIC_URL", "http://127.0.0.1:1")]).await;
    assert!(code == 0 && has(&found, "warning", "PUBLIC_URL"), "{found:?}");
    bridge.slack.change_channel(CHANNEL, |channel| channel.pending_share = true);
    let (code, found) = examine(&bridge, &[]).await;
    assert!(code == 0 && has(&found, "warning", "Slack Connect"), "{found:?}");
    // The stand-ins have noted the wrong keys, as they should; nothing else is to be seen to.
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_a_backup_is_warned_about() {
    let bridge = Bridge::start().await;
    let url = bridge.settings()["DATABASE_URL"].clone();
    let (code, found) = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(code == 0 && has(&found, "warning", "never backed up"), "{found:?}");
    let copy = Path::new(bridge.folder()).join("copy.db");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
    backup.args(["store", "backup"]).arg(copy).env_clear().env("DATABASE_URL", &url);
    assert!(backup.current_dir(bridge.folder()).status().unwrap().success());
    let (_, found) = examine(&bridge, &[("DATABASE_URL", &url)]).await;
    assert!(has(&found, "ok", "backed up at"), "{found:?}");
    bridge.finish().await;
}
