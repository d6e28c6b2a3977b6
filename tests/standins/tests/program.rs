//! The program, started as anybody starts it, and called as an app calls it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The program, running.
struct Program {
    child: Child,
    rest: BufReader<ChildStdout>,
    said: String,
}

impl Program {
    /// Starts it, and reads what it says of itself.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blip-slack-standins"));
        let mut child = child.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut rest = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("\"fails\"") {
            assert!(rest.read_line(&mut said).unwrap() > 0, "{said}");
        }
        Self { child, rest, said }
    }

    /// What it says to set.
    fn setting(&self, name: &str) -> String {
        let line = self.said.lines().find(|line| line.trim_start().starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{}", self.said));
        line.trim_start().trim_start_matches(name).trim().to_owned()
    }

    /// Where people's deeds are asked for.
    fn control(&self) -> String {
        let url = self.said.split("are at ").nth(1).unwrap().lines().next().unwrap();
        url.trim_end_matches(':').to_owned()
    }

    async fn view(&self) -> Value {
        let url = format!("{}/view", self.control());
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn does(&self, deed: &str) -> Value {
        let request = client().post(format!("{}/deed", self.control()));
        let request = request.header("content-type", "application/json").body(deed.to_owned());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{deed}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Asks it to stop; it ends without an error, and has nothing more to say.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let mut more = String::new();
        self.rest.read_to_string(&mut more).unwrap();
        assert_eq!(more, "");
    }
}

fn client() -> Client {
    // Needed to build any client; whoever came first may have done it already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().build().unwrap()
}

/// An app that answers everything with 200; hands over what it is told.
async fn app() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let (told, news) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let body = serde_json::from_slice(&body).unwrap_or_default();
        told.send((headers, body)).ok();
    };
    let router = Router::new().route("/in", post(take));
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, news)
}

#[tokio::test]
async fn an_app_for_slack_is_called_refused_and_failed() {
    let (url, mut news) = app().await;
    let slack = Program::start(&["slack", "--port", "0", "--deliver-to", &url]);
    let (base, token) = (slack.setting("base of the Web API"), slack.setting("bot token"));
    let call = |method: &str, body: Value| {
        client().post(format!("{base}/{method}")).bearer_auth(&token).json(&body).send()
    };
    let words = json!({ "channel": "C0SUPPORT", "text": "first" });
    let answer: Value = call("chat.postMessage", words).await.unwrap().json().await.unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(news.recv().await.unwrap().1["event"]["text"], "first", "an app hears its own echo");

    slack
        .does(r#"{"deed": "says", "user": "U0ANA", "channel": "C0SUPPORT", "root": null, "text": "Hi", "broadcast": false}"#)
        .await;
    let (headers, event) = news.recv().await.unwrap();
    assert_eq!(event["event"]["user"], "U0ANA");
    let transcript = client().get(format!("{}/transcript", slack.control())).send().await.unwrap();
    let transcript = transcript.text().await.unwrap();
    let said = format!("{} U0ANA: Hi", event["event"]["ts"].as_str().unwrap());
    assert!(transcript.contains(&said), "{transcript}");
    assert!(headers.contains_key("x-slack-signature"), "{headers:?}");

    slack
        .does(r#"{"deed": "fails", "platform": "slack", "call": "chat.*", "how": "lost-answer", "times": 1}"#)
        .await;
    let lost = call("chat.postMessage", json!({ "channel": "C0SUPPORT", "text": "lost" })).await;
    assert!(lost.is_err(), "{lost:?}");
    let wrong = call("chat.postMessage", json!({ "channel": "C0SUPPORT", "ts": 1 })).await.unwrap();
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["error"], "no_text");

    let view = slack.view().await;
    let messages = view["slack"]["channels"]["C0SUPPORT"]["messages"].as_object().unwrap();
    let texts: Vec<&str> = messages.values().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["first", "Hi", "lost"], "what took effect is there once");
    let broken = view["slack"]["broken"].to_string();
    assert!(broken.contains("unknown argument ts") && broken.contains("no_text"), "{broken}");
    assert_eq!(view["blip"], Value::Null);
    slack.stop();
}

#[tokio::test]
async fn an_app_for_blip_answers_a_customer() {
    let (url, mut news) = app().await;
    let blip = Program::start(&["blip", "--port", "0", "--deliver-to", &url]);
    let (base, key) = (blip.setting("base of the endpoints"), blip.setting("key (Authorization)"));
    let call = |path: &str, body: Value| {
        client().post(format!("{base}/{path}")).header("authorization", &key).json(&body).send()
    };
    blip.does(r#"{"deed": "customer-says", "customer": "1@0mn.io", "name": "Eva", "text": "Oi"}"#)
        .await;
    let (headers, envelope) = news.recv().await.unwrap();
    let token = headers["authorization"].to_str().unwrap();
    assert_eq!(
        blip.setting("token of the channel"),
        format!("{token} in the header Authorization")
    );
    let ticket = envelope["content"]["id"].as_str().unwrap();
    let resource =
        json!({ "id": ticket, "status": "Open", "agentIdentity": "ana%40loja.example@blip.ai" });
    let claim = json!({ "id": "1", "to": "postmaster@desk.msging.net", "method": "set",
        "uri": "/tickets/change-status", "type": "application/vnd.iris.ticket+json", "resource": resource });
    let claimed: Value = call("commands", claim).await.unwrap().json().await.unwrap();
    assert_eq!(claimed["status"], "success", "{claimed}");
    let words =
        json!({ "id": "2", "to": envelope["from"], "type": "text/plain", "content": "Olá!" });
    assert_eq!(call("messages", words).await.unwrap().status(), StatusCode::ACCEPTED);
    for event in ["accepted", "received"] {
        assert_eq!(news.recv().await.unwrap().1["event"], event);
    }
    let view = blip.view().await;
    assert!(view["blip"]["threads"].to_string().contains("Olá!"), "{view}");
    assert_eq!(view["blip"]["broken"], json!([]));
    blip.stop();
}

#[tokio::test]
async fn what_the_readme_asks_for_is_done() {
    let readme = include_str!("../README.md");
    let (slack, blip) = (Program::start(&["slack"]), Program::start(&["blip"]));
    let mut count = 0;
    for line in readme.lines().filter_map(|line| line.strip_prefix("curl --json '")) {
        let (deed, url) = line.split_once("' ").unwrap();
        let program = match url {
            "http://127.0.0.1:4011/deed" => &slack,
            "http://127.0.0.1:4021/deed" => &blip,
            other => panic!("{other}"),
        };
        program.does(deed).await;
        count += 1;
    }
    assert!(count >= 7, "{count}");
    let view = blip.view().await;
    assert_eq!(view["loses_answer"], false, "the last deed mends all");
    // Each fault of the table is one that there is.
    let table = readme.split("## Faults").nth(1).unwrap().split("\n## ").next().unwrap();
    let names: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    assert_eq!(names.len(), 14, "{names:?}");
    for name in names.iter().map(|line| line.split('`').next().unwrap()) {
        let deed = format!(
            r#"{{"deed": "fails", "platform": "slack", "call": "x", "how": {name}, "times": 1}}"#
        );
        slack.does(&deed).await;
    }
    slack.stop();
    blip.stop();
}
