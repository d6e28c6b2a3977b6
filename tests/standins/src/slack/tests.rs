//! The stand-in is as strict and as nasty as it says.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{File, Message, Setup, Slack, User};
use crate::faults::Fault;
use crate::probe::Probe;

/// A workspace with Ana and Bia in `C1`, and the app that calls it.
struct Desk {
    slack: Slack,
    app: Probe,
    client: reqwest::Client,
}

impl Desk {
    async fn start() -> Self {
        let slack = Slack::start(Setup::default()).await.unwrap();
        let app = Probe::start().await;
        slack.deliver_to(&app.url);
        slack.add_user(User::member("UANA", "Ana", "ana@loja.example"));
        slack.add_user(User::member("UBIA", "Bia", "bia@loja.example"));
        slack.add_channel("C1", "suporte", &["UANA", "UBIA"]);
        Self { slack, app, client: reqwest::Client::builder().build().unwrap() }
    }

    async fn send(&self, method: &str, body: Value) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/{method}", self.slack.api_url());
        self.client.post(url).bearer_auth(Setup::default().token).json(&body).send().await
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        self.send(method, body).await.unwrap().json().await.unwrap()
    }

    async fn read(&self, method: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("{}/{method}", self.slack.api_url());
        let request = self.client.get(url).bearer_auth(Setup::default().token).query(query);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn error(&self, method: &str, body: Value) -> String {
        let answer = self.call(method, body).await;
        assert_eq!(answer["ok"], false, "{answer}");
        answer["error"].as_str().unwrap().to_owned()
    }

    async fn post(&self, body: Value) -> String {
        let mut message = json!({ "channel": "C1", "text": "oi" });
        message.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let answer = self.call("chat.postMessage", message).await;
        assert_eq!(answer["ok"], true, "{answer}");
        answer["ts"].as_str().unwrap().to_owned()
    }

    fn events(&self) -> Vec<Value> {
        self.app.bodies().into_iter().map(|body| body["event"].clone()).collect()
    }
}

fn card() -> Value {
    json!([{ "type": "actions", "elements": [{ "type": "button", "action_id": "claim",
        "value": "t1", "text": { "type": "plain_text", "text": "Claim" } }] }])
}

#[tokio::test]
async fn wrong_calls_are_refused_with_slacks_own_words_and_noted() {
    let desk = Desk::start().await;
    desk.slack.add_channel("C2", "velho", &["UANA"]);
    desk.slack.change_channel("C2", |channel| channel.archived = true);
    desk.slack.add_channel("C3", "alheio", &["UANA"]);
    desk.slack.change_channel("C3", |channel| channel.members.retain(|id| id == "UANA"));
    for (method, body, code, noted) in wrong_calls() {
        let before = desk.slack.violations().len();
        assert_eq!(desk.error(method, body).await, code, "{method}");
        assert_eq!(desk.slack.violations().len() - before, usize::from(noted), "{method} {code}");
    }
}

/// Calls with the error that they earn, and whether it is the caller's fault.
fn wrong_calls() -> Vec<(&'static str, Value, &'static str, bool)> {
    vec![
        ("chat.postMesage", json!({}), "unknown_method", true),
        ("chat.postMessage", json!({ "channel": "C1" }), "no_text", true),
        ("chat.postMessage", json!({ "channel": "C9", "text": "x" }), "channel_not_found", false),
        ("chat.postMessage", json!({ "channel": "C2", "text": "x" }), "is_archived", false),
        ("chat.postMessage", json!({ "channel": "C3", "text": "x" }), "not_in_channel", false),
        ("chat.postMessage", json!({ "channel": "C1", "text": 7 }), "invalid_arguments", true),
        (
            "chat.postMessage",
            json!({ "channel": "C1", "text": "x", "thread_ts": 1.5 }),
            "invalid_arguments",
            true,
        ),
        (
            "chat.postMessage",
            json!({ "channel": "C1", "blocks": [{ "type": "x" }] }),
            "invalid_blocks",
            true,
        ),
        (
            "chat.postMessage",
            json!({ "channel": "C1", "text": "x", "metadata": { "event_type": "a",
            "event_payload": { "Bad": 1 } } }),
            "invalid_metadata_format",
            true,
        ),
        (
            "chat.update",
            json!({ "channel": "C1", "ts": "1.0", "text": "x".repeat(4001) }),
            "msg_too_long",
            true,
        ),
        (
            "chat.update",
            json!({ "channel": "C1", "ts": "1.0", "text": "x" }),
            "message_not_found",
            false,
        ),
        (
            "chat.postEphemeral",
            json!({ "channel": "C1", "user": "UBOT1X", "text": "x" }),
            "user_not_found",
            false,
        ),
        (
            "reactions.add",
            json!({ "channel": "C1", "timestamp": "1.0", "name": ":eyes:" }),
            "invalid_name",
            true,
        ),
        (
            "conversations.replies",
            json!({ "channel": "C1", "ts": "1.0" }),
            "invalid_arguments",
            true,
        ),
        ("views.open", json!({ "trigger_id": "x", "view": {} }), "invalid_trigger_id", true),
    ]
}

#[tokio::test]
async fn the_token_and_its_scopes_are_checked() {
    let desk = Desk::start().await;
    let url = format!("{}/auth.test", desk.slack.api_url());
    let error = async |request: reqwest::RequestBuilder| {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["error"].clone()
    };
    assert_eq!(error(desk.client.get(&url)).await, "not_authed");
    assert_eq!(error(desk.client.get(&url).bearer_auth("x")).await, "invalid_auth");
    let me = desk.read("auth.test", &[]).await;
    assert_eq!((&me["user_id"], &me["bot_id"]), (&json!("UBOT1"), &json!("B0001")));

    desk.slack.configure(|setup| setup.scopes.retain(|scope| !scope.starts_with("chat:write")));
    let refused = desk.send("chat.postMessage", json!({ "channel": "C1", "text": "x" })).await;
    let refused = refused.unwrap();
    assert!(refused.headers().contains_key("x-oauth-scopes"));
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(
        (&refused["error"], &refused["needed"]),
        (&json!("missing_scope"), &json!("chat:write"))
    );
    assert_eq!(desk.slack.violations().len(), 3);
}

#[tokio::test]
async fn a_reply_to_a_parent_that_is_gone_lands_in_the_channel_without_a_word() {
    let desk = Desk::start().await;
    let root = desk.post(json!({})).await;
    let reply =
        desk.call("chat.postMessage", json!({ "channel": "C1", "text": "a", "thread_ts": root }));
    assert_eq!(reply.await["message"]["thread_ts"], json!(root));
    desk.slack.deletes("UANA", "C1", &root).await.unwrap();
    let lost =
        desk.call("chat.postMessage", json!({ "channel": "C1", "text": "b", "thread_ts": root }));
    let lost = lost.await;
    assert_eq!((&lost["ok"], &lost["message"]["thread_ts"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn an_update_of_the_text_alone_takes_the_buttons_away() {
    let desk = Desk::start().await;
    let ts = desk.post(json!({ "blocks": card() })).await;
    desk.slack.clicks("UANA", "C1", &ts, "claim").await.unwrap();
    desk.call("chat.update", json!({ "channel": "C1", "ts": ts, "text": "novo" })).await;
    assert!(desk.slack.clicks("UANA", "C1", &ts, "claim").await.is_err());
    let theirs = desk.slack.says("UANA", "C1", None, "meu").await.unwrap();
    let update = json!({ "channel": "C1", "ts": theirs.ts, "text": "x" });
    assert_eq!(desk.error("chat.update", update).await, "cant_update_message");
}

#[tokio::test]
async fn what_people_do_arrives_signed_and_is_tried_again() {
    let desk = Desk::start().await;
    desk.app.answer(&[500, 503]);
    let said = desk.slack.says("UANA", "C1", None, "olá <@UBIA>").await.unwrap();
    assert_eq!(said.status, Some(200));
    let seen = desk.app.seen();
    let header = |at: usize, name: &str| {
        seen[at].0.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(seen.len(), 3);
    assert_eq!(header(0, "x-slack-retry-num"), None);
    assert_eq!(header(2, "x-slack-retry-num").as_deref(), Some("2"));
    assert_eq!(header(2, "x-slack-retry-reason").as_deref(), Some("http_error"));
    let verifier = slack_morphism::signature_verifier::SlackEventSignatureVerifier::new(
        &Setup::default().signing_secret.into(),
    );
    for (at, (_, body)) in seen.iter().enumerate() {
        let [signature, time] = ["x-slack-signature", "x-slack-request-timestamp"]
            .map(|name| header(at, name).unwrap());
        verifier.verify(&signature, body, &time).unwrap();
    }
    let bodies = desk.app.bodies();
    assert_eq!(bodies[0]["event_id"], bodies[2]["event_id"]);
    assert_eq!(bodies[0]["event"]["text"], "olá <@UBIA>");
    assert_eq!(bodies[0]["event"]["blocks"][0]["type"], "rich_text");
}

#[tokio::test]
async fn our_own_deeds_come_back_as_events_before_the_answer_if_so_wished() {
    let desk = Desk::start().await;
    desk.slack.configure(|setup| setup.events_first = true);
    let ts = desk.post(json!({ "username": "Maria" })).await;
    desk.call("reactions.add", json!({ "channel": "C1", "timestamp": ts, "name": "eyes" })).await;
    desk.call("chat.update", json!({ "channel": "C1", "ts": ts, "text": "x" })).await;
    let events = desk.events();
    assert_eq!(events[0]["subtype"], "bot_message");
    assert_eq!(events[0]["bot_id"], "B0001");
    assert_eq!(events[0]["user"], Value::Null);
    assert_eq!(
        (&events[1]["type"], &events[1]["user"]),
        (&json!("reaction_added"), &json!("UBOT1"))
    );
    assert_eq!(events[1]["item_user"], Value::Null);
    assert_eq!(events[2]["subtype"], "message_changed");
    let again = json!({ "channel": "C1", "timestamp": ts, "name": "eyes" });
    assert_eq!(desk.error("reactions.add", again).await, "already_reacted");
    assert_eq!(desk.slack.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn events_can_be_held_and_released_in_another_order_and_doubled() {
    let desk = Desk::start().await;
    desk.slack.configure(|setup| setup.sends_twice = true);
    desk.slack.hold();
    assert_eq!(desk.slack.says("UANA", "C1", None, "um").await.unwrap().status, None);
    desk.slack.says("UANA", "C1", None, "dois").await.unwrap();
    desk.slack.release(|order| order.reverse()).await;
    let texts: Vec<Value> = desk.events().iter().map(|event| event["text"].clone()).collect();
    assert_eq!(texts, ["dois", "dois", "um", "um"]);
    let bodies = desk.app.bodies();
    assert_ne!(bodies[0]["event_id"], bodies[1]["event_id"]);
}

#[tokio::test]
async fn an_edit_differs_from_an_unfurl_and_a_deleted_root_becomes_a_tombstone() {
    let desk = Desk::start().await;
    let said = desk.slack.says("UANA", "C1", None, "https://a.example").await.unwrap();
    desk.slack.unfurls("C1", &said.ts, "https://a.example").await.unwrap();
    desk.slack.edits("UANA", "C1", &said.ts, "outro").await.unwrap();
    desk.slack.says("UBIA", "C1", Some(&said.ts), "sim").await.unwrap();
    desk.slack.deletes("UANA", "C1", &said.ts).await.unwrap();
    let events = desk.events();
    assert_eq!(events[1]["message"]["edited"], Value::Null);
    assert_eq!(events[2]["message"]["edited"]["user"], "UANA");
    assert_eq!(events[2]["previous_message"]["text"], "<https://a.example>");
    assert_eq!(events[4]["message"]["subtype"], "tombstone");
    let replies = desk.read("conversations.replies", &[("channel", "C1"), ("ts", &said.ts)]).await;
    assert_eq!(replies["messages"].as_array().unwrap().len(), 2);
    assert_eq!(desk.slack.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_click_lets_the_app_answer_five_times_in_half_an_hour() {
    let desk = Desk::start().await;
    let body = json!({ "channel": "C1", "user": "UANA", "text": "t", "blocks": card() });
    desk.call("chat.postEphemeral", body).await;
    let ts = desk.slack.ephemerals("UANA")[0].ts.clone();
    assert!(desk.slack.clicks("UBIA", "C1", &ts, "claim").await.is_err());
    desk.slack.clicks("UANA", "C1", &ts, "claim").await.unwrap();
    let (_, form) = desk.app.seen().pop().unwrap();
    let payload = url::form_urlencoded::parse(form.as_bytes()).next().unwrap().1;
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["container"]["is_ephemeral"], true);
    assert_eq!(payload["actions"][0]["value"], "t1");
    assert_eq!(payload["message"], Value::Null);

    let url = payload["response_url"].as_str().unwrap();
    let answer =
        async |body: Value| desk.client.post(url).json(&body).send().await.unwrap().status();
    assert_eq!(answer(json!({ "replace_original": true, "text": "feito" })).await, 200);
    assert_eq!(desk.slack.ephemerals("UANA")[0].words(), "feito");
    assert_eq!(answer(json!({ "delete_original": true })).await, 200);
    assert_eq!(desk.slack.ephemerals("UANA"), []);
    desk.slack.advance(Duration::from_mins(31));
    assert_eq!(answer(json!({ "text": "tarde" })).await, 404);
    assert_eq!(desk.slack.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_modal_needs_a_fresh_trigger_and_is_submitted() {
    let desk = Desk::start().await;
    desk.slack.commands("UANA", "C1", "/blip", "mine").await.unwrap();
    let (_, form) = desk.app.seen().pop().unwrap();
    let trigger = url::form_urlencoded::parse(form.as_bytes()).find(|(key, _)| key == "trigger_id");
    let trigger = trigger.unwrap().1.into_owned();
    let view = json!({ "type": "modal", "title": { "type": "plain_text", "text": "Close" },
        "blocks": [{ "type": "divider" }] });
    let open = json!({ "trigger_id": trigger, "view": view });
    let opened = desk.call("views.open", open.clone()).await;
    assert_eq!(opened["ok"], true, "{opened}");
    assert_eq!(desk.error("views.open", open).await, "exchanged_trigger_id");
    let id = opened["view"]["id"].as_str().unwrap();
    let answered = desk.slack.submits("UANA", id, json!({})).await.unwrap();
    assert_eq!(answered.status, Some(200));
    assert!(desk.slack.look(|state| state.views.is_empty()));
}

#[tokio::test]
async fn a_file_is_uploaded_in_three_steps_and_shown_only_to_the_token() {
    let desk = Desk::start().await;
    let root = desk.post(json!({})).await;
    let query = [("filename", "a.pdf"), ("length", "3")];
    let step = desk.read("files.getUploadURLExternal", &query).await;
    let url = step["upload_url"].as_str().unwrap();
    assert_eq!(desk.client.post(url).body("abcd").send().await.unwrap().status(), 400);
    assert_eq!(desk.client.post(url).body("abc").send().await.unwrap().status(), 200);
    let complete = json!({ "files": [{ "id": step["file_id"] }], "channel_id": "C1",
        "thread_ts": root });
    assert_eq!(desk.call("files.completeUploadExternal", complete.clone()).await["ok"], true);
    assert_eq!(desk.error("files.completeUploadExternal", complete).await, "file_not_found");
    let shown = desk.slack.thread("C1", &root);
    assert_eq!(shown[0].subtype.as_deref(), Some("file_share"));
    let info = desk.read("files.info", &[("file", &shown[0].files[0])]).await;
    let link = info["file"]["url_private"].as_str().unwrap();
    let page = desk.client.get(link).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let file = desk.client.get(link).bearer_auth(Setup::default().token).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap().as_ref(), b"abc");
}

#[tokio::test]
async fn metadata_is_kept_unless_slack_drops_it() {
    let desk = Desk::start().await;
    let note = json!({ "event_type": "reply", "event_payload": { "id": "1" } });
    for (drops, expected) in [(false, note.clone()), (true, Value::Null)] {
        desk.slack.configure(|setup| setup.drops_metadata = drops);
        let ts = desk.post(json!({ "metadata": note })).await;
        let query = [("channel", "C1"), ("ts", &ts), ("include_all_metadata", "true")];
        let thread = desk.read("conversations.replies", &query).await;
        assert_eq!(thread["messages"][0]["metadata"], expected);
        let thread = desk.read("conversations.replies", &query[..2]).await;
        assert_eq!(thread["messages"][0]["metadata"], Value::Null);
    }
}

#[tokio::test]
async fn too_many_posts_are_told_to_wait() {
    let desk = Desk::start().await;
    desk.slack.configure(|setup| (setup.limits, setup.burst) = (true, 2));
    let post = async || {
        desk.send("chat.postMessage", json!({ "channel": "C1", "text": "x" })).await.unwrap()
    };
    assert_eq!([post().await.status(), post().await.status()], [200, 200]);
    let refused = post().await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    desk.slack.advance(Duration::from_secs(1));
    assert_eq!(post().await.status(), 200);
}

#[tokio::test]
async fn faults_really_happen_and_some_have_an_effect() {
    let desk = Desk::start().await;
    let posts = || desk.slack.cards("C1").len();
    let send = async |fault: Fault| {
        desk.slack.faults().next("chat.postMessage", fault);
        desk.send("chat.postMessage", json!({ "channel": "C1", "text": "x" })).await
    };
    assert!(send(Fault::Reset).await.is_err());
    assert_eq!(send(Fault::Status(503)).await.unwrap().status(), 503);
    assert!(send(Fault::Html).await.unwrap().text().await.unwrap().starts_with("<!DOCTYPE html>"));
    let limited = send(Fault::RateLimited { retry_after: 7 }).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let refused: Value =
        send(Fault::Code("fatal_error".into())).await.unwrap().json().await.unwrap();
    assert_eq!(refused, json!({ "ok": false, "error": "fatal_error" }));
    assert_eq!(posts(), 0);
    assert!(send(Fault::LostAnswer).await.is_err());
    assert_eq!(posts(), 1);
    assert_eq!(send(Fault::LostAnswer500).await.unwrap().status(), 500);
    assert_eq!(posts(), 2);
    assert!(send(Fault::Garbage).await.unwrap().json::<Value>().await.is_err());
    assert_eq!(posts(), 3);
    desk.slack.faults().next("chat.postMessage", Fault::Hang);
    let hanging = desk.send("chat.postMessage", json!({ "channel": "C1", "text": "x" }));
    assert!(tokio::time::timeout(Duration::from_millis(20), hanging).await.is_err());
    assert!(desk.slack.faults().are_spent());
    assert_eq!(posts(), 3);
}

#[tokio::test]
async fn a_server_that_is_down_refuses_connections_until_it_is_back() {
    let desk = Desk::start().await;
    desk.read("auth.test", &[]).await;
    desk.slack.go_down().await;
    let url = format!("{}/auth.test", desk.slack.api_url());
    let fresh = reqwest::Client::builder().build().unwrap();
    assert!(fresh.get(&url).send().await.unwrap_err().is_connect());
    desk.slack.come_back().await.unwrap();
    assert_eq!(desk.read("auth.test", &[]).await["ok"], true);
}

#[tokio::test]
async fn the_port_is_free_again_when_nobody_holds_the_stand_in_any_more() {
    let slack = Slack::start(Setup::default()).await.unwrap();
    let url = slack.api_url();
    let other = slack.clone();
    let client = reqwest::Client::builder().build().unwrap();
    drop(slack);
    assert!(client.get(&url).send().await.is_ok());
    drop(other);
    let closed = async || {
        while client.get(&url).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed()).await.unwrap();
}

#[tokio::test]
async fn a_file_from_another_workspace_shows_itself_only_when_asked_for() {
    let desk = Desk::start().await;
    desk.slack.add_user(User::of_company("T9999", "UBIA", "Bia", ""));
    let file = File { name: "a.png".into(), mode: "file_access".into(), ..File::default() };
    let files = vec![desk.slack.adds_file(file)];
    let message = Message { subtype: Some("file_share".into()), files, ..Message::default() };
    desk.slack.writes("UBIA", "C1", None, message).await.unwrap();
    let body = desk.app.bodies().pop().unwrap();
    assert_eq!((&body["team_id"], &body["context_team_id"]), (&json!("T9999"), &json!("T0001")));
    let stub = &body["event"]["files"][0];
    assert_eq!((&stub["file_access"], &stub["name"]), (&json!("check_file_info"), &Value::Null));
    let id = stub["id"].as_str().unwrap();
    assert_eq!(desk.read("files.info", &[("file", id)]).await["file"]["name"], "a.png");
}

/// The app's end of Socket Mode.
type Wire = tokio_tungstenite::WebSocketStream<reqwest::Upgraded>;

impl Desk {
    async fn opens(&self) -> Value {
        let url = format!("{}/apps.connections.open", self.slack.api_url());
        let request = self.client.post(url).bearer_auth(Setup::default().app_token);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn connects(&self) -> Wire {
        let url = self.opens().await["url"].as_str().unwrap().replacen("ws", "http", 1);
        let headers = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let request = headers.iter().fold(self.client.get(url), |r, (k, v)| r.header(*k, *v));
        let upgraded = request.send().await.unwrap().upgrade().await.unwrap();
        Wire::from_raw_socket(upgraded, Role::Client, None).await
    }
}

async fn hear(wire: &mut Wire) -> Value {
    let words = wire.next().await.unwrap().unwrap();
    serde_json::from_str(words.to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn over_a_socket_everything_is_sent_until_it_is_acknowledged() {
    let desk = Desk::start().await;
    assert_eq!(desk.opens().await["error"], "access_denied");
    desk.slack.configure(|setup| setup.socket_mode = true);
    assert_eq!(desk.error("apps.connections.open", json!({})).await, "not_allowed_token_type");
    desk.slack.configure_delivery(|policy| policy.timeout = Duration::from_millis(150));
    let mut wire = desk.connects().await;
    assert_eq!(hear(&mut wire).await["num_connections"], 1);
    let app = async {
        let first = hear(&mut wire).await;
        assert_eq!((&first["type"], &first["retry_attempt"]), (&json!("events_api"), &json!(0)));
        let again = hear(&mut wire).await;
        assert_eq!(
            (&again["retry_attempt"], &again["retry_reason"]),
            (&json!(1), &json!("timeout"))
        );
        assert_eq!(first["payload"]["event_id"], again["payload"]["event_id"]);
        let words = json!({ "envelope_id": again["envelope_id"] }).to_string();
        wire.send(words.clone().into()).await.unwrap();
        // Once is enough.
        wire.send(words.into()).await.unwrap();
        let command = hear(&mut wire).await;
        assert_eq!(
            (&command["type"], &command["payload"]["text"]),
            (&json!("slash_commands"), &json!("mine"))
        );
        let answer = json!({ "envelope_id": command["envelope_id"], "payload": { "text": "oi" } });
        wire.send(answer.to_string().into()).await.unwrap();
    };
    let people = async {
        let said = desk.slack.says("UANA", "C1", None, "oi").await.unwrap();
        assert_eq!(said.status, Some(200));
        let answered = desk.slack.commands("UANA", "C1", "/blip", "mine").await.unwrap();
        assert_eq!(answered.body, r#"{"text":"oi"}"#);
    };
    tokio::join!(app, people);
    let violations = desk.slack.violations();
    assert!(
        violations.last().unwrap().contains("acknowledges what was not sent"),
        "{violations:?}"
    );
    assert!(desk.app.seen().is_empty(), "nothing comes over HTTP");
}

#[tokio::test]
async fn an_eleventh_socket_is_turned_away() {
    let desk = Desk::start().await;
    desk.slack.configure(|setup| setup.socket_mode = true);
    let mut wires = Vec::new();
    for count in 1..=10 {
        let mut wire = desk.connects().await;
        assert_eq!(hear(&mut wire).await["num_connections"], count);
        wires.push(wire);
    }
    assert_eq!(hear(&mut desk.connects().await).await["reason"], "too_many_websockets");
    assert_eq!(desk.slack.look(|state| state.sockets().len()), 10);
}

#[tokio::test]
async fn a_wait_ends_when_the_model_shows_what_is_looked_for() {
    let desk = Desk::start().await;
    let waiting = desk.slack.wait_for("a card", |state| state.cards("C1").next().cloned());
    let (card, _) = tokio::join!(waiting, desk.post(json!({ "text": "achei" })));
    assert_eq!(card.text, "achei");
}
