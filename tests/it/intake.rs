//! Strangers at the doors: a clear status, no panic, nothing of what people wrote in the log.
//!
//! The real program takes it all, so that its whole log can be searched.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder};
use sha2::Sha256;

use crate::support::{Bridge, Service, note};

const BLIP: &str = "/blip/webhook";
const SLACK: &str = "/slack/events";
/// Stands in everything that people write; must never stand in the log.
const MARKER: &str = "xyzzy";

/// The program with its doors open.
pub struct Door {
    pub bridge: Bridge,
    pub service: Service,
    client: Client,
}

impl Door {
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With settings of its own.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let mut bridge = Bridge::with(settings).await;
        let folder = bridge.folder().to_owned();
        let service = Service::replace(&mut bridge, &folder).await;
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Self { bridge, service, client }
    }

    fn secret(&self, name: &str) -> String {
        self.bridge.settings()[name].clone()
    }

    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.service.url()));
        request.header("content-type", "application/json").body(body)
    }

    /// A request with the token that the program accepts.
    pub fn blip(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.post(BLIP, body).header("authorization", self.secret("BLIP_WEBHOOK_TOKEN"))
    }

    /// A request that is signed as Slack signs, so many seconds from now.
    pub fn slack(&self, body: &[u8], shift: i64) -> RequestBuilder {
        #[expect(clippy::disallowed_methods, reason = "the real program has the real time")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let time = i64::try_from(now).unwrap() + shift;
        let secret = self.secret("SLACK_SIGNING_SECRET");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v0:{time}:").as_bytes());
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        self.post(SLACK, body.to_vec())
            .header("x-slack-request-timestamp", time)
            .header("x-slack-signature", format!("v0={hex}"))
    }

    /// What comes back for bytes that are no proper request, until the connection ends.
    fn raw(&self, request: &[u8]) -> String {
        let address = self.service.url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        stream.write_all(request).ok();
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        while let Ok(count) = stream.read(&mut buffer)
            && count > 0
        {
            answer.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The program is still well, and its log is clean.
    async fn close(mut self) {
        self.service.idle(Duration::from_secs(20)).await;
        assert_eq!(self.service.get("/readyz").await.unwrap().0, 200);
        assert!(self.service.terminate().await.success());
        let log = self.service.log();
        let secrets = ["BLIP_WEBHOOK_TOKEN", "BLIP_KEY", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"];
        let secrets = secrets.map(|name| self.secret(name));
        let never = secrets.iter().map(String::as_str).chain([MARKER, "panicked", "v0="]);
        for word in never {
            let line = log.lines().find(|line| line.contains(word));
            assert_eq!(line, None, "{word} is in the log");
        }
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_blip_is_turned_away() {
    let door = Door::open().await;
    let envelope = format!(r#"{{"id":"1","from":"t@desk.msging.net","content":"{MARKER}"}}"#);
    let token = door.secret("BLIP_WEBHOOK_TOKEN");
    assert_eq!(status(door.post(BLIP, envelope.clone())).await, 401);
    for wrong in ["", MARKER, "Key xyzzy", token.trim_end_matches('i'), &format!("{token}x")] {
        let request = door.post(BLIP, envelope.clone()).header("authorization", wrong);
        assert_eq!(status(request).await, 401, "{wrong}");
    }
    let unreadable = door.post(BLIP, envelope.clone()).header("authorization", &b"\xff\xfe"[..]);
    assert_eq!(status(unreadable).await, 401);
    for path in ["/blip/webhook/nobody", "/blip/webhook/..%2f..", "/blip", "/", "/blip/webhook/"] {
        let request = door.post(path, envelope.clone()).header("authorization", &token);
        assert_eq!(status(request).await, 404, "{path}");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_slack_is_turned_away() {
    let door = Door::open().await;
    let event = format!(r#"{{"type":"event_callback","event":{{"text":"{MARKER}"}}}}"#);
    let event = event.as_bytes();
    assert_eq!(status(door.slack(event, 0)).await, 200);
    for shift in [-301, -100_000, 310, 100_000] {
        assert_eq!(status(door.slack(event, shift)).await, 401, "{shift} s");
    }
    assert_eq!(status(door.slack(event, 0).body(MARKER)).await, 401);
    assert_eq!(status(door.post(SLACK, event.to_vec())).await, 401);
    let stamp = "x-slack-request-timestamp";
    for (time, signature) in [
        ("now", "v0=00"),
        ("-9223372036854775808", "v0=00"),
        ("9223372036854775807", ""),
        ("1", "xyzzy"),
        ("", "v0="),
    ] {
        let request = door.post(SLACK, event.to_vec()).header(stamp, time);
        assert_eq!(status(request.header("x-slack-signature", signature)).await, 401, "{time}");
    }
    door.close().await;
}

/// The sum of a counter over all its labels.
async fn count(door: &Door, name: &str, label: &str) -> f64 {
    let (_, text) = door.service.get("/metrics").await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_slack_has_signed_is_taken_and_counted() {
    let door = Door::open().await;
    let deep = "[".repeat(200);
    let bodies =
        ["", "xyzzy", "{\"id\":", "null", "7", "[]", "{}", "\"a\"", "\u{1}", "1e999", &deep];
    let mut before = 0.0;
    for body in bodies {
        assert_eq!(status(door.slack(body.as_bytes(), 0)).await, 200, "{body}");
        let counted = count(&door, "blip_slack_events_unknown_total", "slack").await;
        assert!(counted > before, "{body} is not counted");
        before = counted;
    }
    for kind in
        ["text/plain", "image/png", "application/xml", "multipart/form-data; boundary=x", "?"]
    {
        let mut request = door.slack(br#"{"type":"unheard_of"}"#, 0).build().unwrap();
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        assert_eq!(door.client.execute(request).await.unwrap().status(), 200, "{kind}");
    }
    for form in ["payload=xyzzy", "payload=", "xyzzy", "a=1&a=2", "%ff=%zz"] {
        let mut request = door.slack(form.as_bytes(), 0).build().unwrap();
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        assert_eq!(door.client.execute(request).await.unwrap().status(), 200, "{form}");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_an_event_gets_the_status_that_http_has_for_it() {
    let door = Door::open().await;
    for body in ["", "xyzzy", "\"xyzzy\"", "7", "{\"id\":", "null"] {
        assert_eq!(status(door.blip(body)).await, 400, "blip {body}");
    }
    let typed = |kind: &'static str| move |r: RequestBuilder| r.header("content-type", kind);
    let picture = door.client.post(format!("{}{BLIP}", door.service.url()));
    let picture = picture.header("authorization", door.secret("BLIP_WEBHOOK_TOKEN"));
    assert_eq!(status(typed("image/png")(picture).body("{}")).await, 415);
    assert_eq!(status(door.blip("{}").header("content-encoding", "gzip")).await, 415);
    for path in [BLIP, SLACK] {
        let get = door.client.get(format!("{}{path}", door.service.url()));
        assert_eq!(status(get).await, 405, "{path}");
    }
    assert_eq!(status(door.post("/healthz", "")).await, 405);
    assert_eq!(door.service.get("/nothing").await.unwrap().0, 404);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_refused_before_it_is_kept() {
    let door = Door::open().await;
    let huge = vec![b' '; 3 << 20];
    for request in [door.blip(huge.clone()), door.slack(&huge, 0)] {
        assert_eq!(status(request).await, 413);
    }
    let token = door.secret("BLIP_WEBHOOK_TOKEN");
    for (path, header) in [
        (BLIP, format!("authorization: {token}")),
        (SLACK, "x-slack-signature: v0=00\r\nx-slack-request-timestamp: 1".to_owned()),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\n");
        let announced = format!("{head}content-length: 99999999999\r\n\r\n");
        assert!(door.raw(announced.as_bytes()).starts_with("HTTP/1.1 413"), "{path} announced");
        let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
        for _ in 0..24 {
            chunked.extend(b"10000\r\n");
            chunked.extend(vec![b' '; 0x10000]);
            chunked.extend(b"\r\n");
        }
        chunked.extend(b"0\r\n\r\n");
        let answer = door.raw(&chunked);
        assert!(answer.starts_with("HTTP/1.1 413"), "{path} {answer}");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_http_are_survived() {
    let door = Door::open().await;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"POST /blip/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /blip/webhook HTTP/1.1\r\nhost: x\r\nx-\x00a: xyzzy\r\n\r\n",
        b"POST /blip/webhook HTTP/1.1\r\nhost: x\r\nauthorization: a\r\n b\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"POST /slack/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = door.raw(&[request, b"connection: close\r\n\r\n"].concat());
        assert!(!answer.starts_with("HTTP/1.1 2") && !answer.contains("HTTP/1.1 5"), "{answer}");
    }
    let many = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1 << 20));
    assert!(!door.raw(many.as_bytes()).starts_with("HTTP/1.1 5"));
    door.close().await;
}

/// Requests that lie about themselves, or say things twice: a name, the statuses that may come back
/// (`-` where nothing needs to come), and the request, in which `~` is the end of a line.
const LIARS: &str = "\
plain | 200 | {post}{close}{exact}~{envelope}
body shorter than said | - | {post}content-length: 9999~~{envelope}
body longer than said | 400 | {post}{close}content-length: 9~~{envelope}
negative length | 400 | {post}{close}content-length: -1~~{envelope}
length with a sign | 400 | {post}{close}content-length: +{length}~~{envelope}
length that overflows | 400 413 | {post}{close}content-length: 99999999999999999999~~
two lengths | 400 | {post}{close}content-length: 3~content-length: 4~~{envelope}
length and chunks | 200 400 | {post}{close}{exact}{chunked}~{size}~{envelope}~0~~
chunks | 200 | {post}{close}{chunked}~{size}~{envelope}~0~~
chunk without a size | 400 | {post}{close}{chunked}~zz~xyzzy~0~~
chunk larger than said | 400 | {post}{close}{chunked}~5~{envelope}~0~~
chunk size that overflows | 400 | {post}{close}{chunked}~fffffffffffffffff~xyzzy~0~~
chunks that stop | - | {post}{close}{chunked}~ffff~{envelope}
chunk extensions without end | 400 413 | {post}{close}{chunked}~1;{long}~
trailers without end | 400 413 | {post}{close}{chunked}~0~x: {long}~~
unknown coding | 400 501 | {post}{close}transfer-encoding: gzip~~{envelope}
zipped | 415 | {post}{close}{exact}content-encoding: gzip~~{envelope}
zipped many times | 415 | {post}{close}{exact}content-encoding: gzip, gzip, br~~{envelope}
a wrong token too | 200 | {post}{close}{exact}authorization: xyzzy~~{envelope}
two types | 200 415 | {post}{close}{exact}content-type: text/plain~content-type: image/png~~{envelope}
many headers | 400 431 | {post}{close}{exact}{many}~{envelope}
a long header | 400 431 | {post}{close}{exact}x-long: {long}~~{envelope}
a long path | 400 404 414 431 | GET /{long} HTTP/1.1~host: x~{close}~
expectation | 100 200 | {post}{close}{exact}expect: 100-continue~~{envelope}
unknown expectation | 200 417 | {post}{close}{exact}expect: xyzzy~~{envelope}
upgrade | 200 | GET /healthz HTTP/1.1~host: x~connection: upgrade, close~upgrade: websocket~~
tunnel | 400 404 405 | CONNECT example.com:443 HTTP/1.1~host: x~{close}~
trace | 405 | TRACE /healthz HTTP/1.1~host: x~{close}~
unknown method | 405 | XYZZY /slack/events HTTP/1.1~host: x~{close}~
old HTTP | 200 | POST /blip/webhook HTTP/1.0~authorization: {token}~{exact}~{envelope}
new HTTP | - | PRI * HTTP/2.0~~SM~~
whole address | 200 400 404 | GET http://xyzzy.example/healthz HTTP/1.1~host: x~{close}~
line break in a path | 404 | GET /xyzzy%0d%0aset-cookie:xyzzy HTTP/1.1~host: x~{close}~
media token | 404 | GET /media/xyzzy%00..%2f..%2fetc HTTP/1.1~host: x~{close}~
pipelined | 200 | {post}{exact}~{envelope}{post}{exact}~{envelope}{post}{close}{exact}~{envelope}
";

/// A request of the table above, filled in.
fn lie(request: &str, token: &str) -> String {
    let envelope = format!(r#"{{"id":"1","from":"t@desk.msging.net","content":"{MARKER}"}}"#);
    let (length, size) = (envelope.len().to_string(), format!("{:x}", envelope.len()));
    let many = (0..500).fold(String::new(), |all, number| all + &format!("x-{number}: xyzzy~"));
    let fill = [
        ("{post}", "POST /blip/webhook HTTP/1.1~host: x~authorization: {token}~"),
        ("{close}", "connection: close~"),
        ("{exact}", "content-length: {length}~"),
        ("{chunked}", "transfer-encoding: chunked~"),
        ("{many}", &many),
        ("{long}", &MARKER.repeat(60_000)),
        ("{token}", token),
        ("{length}", &length),
        ("{size}", &size),
        ("{envelope}", &envelope),
        ("~", "\r\n"),
    ];
    fill.iter().fold(request.to_owned(), |request, (name, what)| request.replace(name, what))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_lie_about_themselves_are_answered_sanely_or_not_at_all() {
    let door = Door::open().await;
    let token = door.secret("BLIP_WEBHOOK_TOKEN");
    for line in LIARS.lines() {
        let mut parts = line.splitn(3, " | ");
        let [name, allowed, request] = [(); 3].map(|()| parts.next().unwrap());
        let answer = door.raw(lie(request, &token).as_bytes());
        let status = |line: &str| Some(line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.to_owned());
        let statuses: Vec<String> = answer.lines().filter_map(status).collect();
        let is_allowed = |status: &String| allowed.split(' ').any(|allowed| allowed == status);
        assert!(statuses.iter().all(is_allowed), "{name}: {answer}");
        assert!(!answer.contains(MARKER) && !answer.contains("set-cookie"), "{name}: {answer}");
        let expected = match name {
            "pipelined" => 3,
            _ => usize::from(allowed != "-"),
        };
        assert!(statuses.len() >= expected, "{name}: {statuses:?}");
    }
    door.close().await;
}

/// Nothing that carries the right token or signature makes the program fail, whatever it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_are_taken_or_refused_and_never_break_anything() {
    let door = Door::open().await;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(9000), close.repeat(9000));
    let mut bodies: Vec<Vec<u8>> = vec![
        deep("[", "]").into(),
        deep("{\"event\":", "}").into(),
        format!("{{\"content\":{}}}", deep("[", "]")).into(),
        b"{\"id\":\"\xff\xfe\",\"from\":\"t@desk.msging.net/Webhook\"}".to_vec(),
        br#"{"id":"\ud800","from":"\u0000@desk.msging.net/Webhook","type":"text/plain"}"#.to_vec(),
        br#"{"type":"event_callback","event":{"type":"message","channel":7,"ts":{}}}"#.to_vec(),
        br#"{"id":1e999,"from":[],"to":null,"type":{},"content":-0}"#.to_vec(),
        format!(r#"{{"id":"{0}","from":"{0}@desk.msging.net/W"}}"#, MARKER.repeat(20_000)).into(),
    ];
    let mut runner = TestRunner::deterministic();
    let json = blip_slack_json();
    for _ in 0..150 {
        bodies.push(json.new_tree(&mut runner).unwrap().current().to_string().into_bytes());
        bodies.push(any::<Vec<u8>>().new_tree(&mut runner).unwrap().current());
    }
    for body in bodies {
        let text = String::from_utf8_lossy(&body).chars().take(200).collect::<String>();
        let taken = status(door.blip(body.clone())).await;
        assert!([200, 400].contains(&taken), "{taken} for {text}");
        // Slack signs text only.
        let unsigned = std::str::from_utf8(&body).is_err();
        let taken = status(door.slack(&body, 0)).await;
        assert!([200, 400].contains(&taken) || unsigned && taken == 401, "{taken} for {text}");
        let form = typed(door.slack(&body, 0), "application/x-www-form-urlencoded");
        assert!(status(form).await < 500, "{text}");
    }
    door.close().await;
}

/// As large a list of one thing as a door takes, with room for what stands around it.
fn list_of(element: &str) -> String {
    let room = (1 << 20) - 1000;
    format!("[{}]", vec![element; room / (element.len() + 1)].join(","))
}

/// A message of a customer whose content is this, with metadata that is this too.
fn message_of(kind: &str, content: &str) -> String {
    format!(
        r#"{{"id":"fwd:1","from":"t@desk.msging.net/Webhook","type":"{kind}","content":{content}}}"#
    )
}

/// What takes far more memory as a tree than as text.
fn hostile_to_blip() -> Vec<String> {
    let ticket = r#"{"id":"Ticket:t:Waiting","from":"t@desk.msging.net/Webhook","type":"application/vnd.iris.ticket+json","content":{"status":"Waiting","customerInput":"#;
    let many: Vec<String> =
        (0..60_000).map(|number| format!("\"{number}\":\"{number}\"")).collect();
    vec![
        list_of("{\"\":0}"),
        list_of("0"),
        format!("[{}]", vec!["0"; 20_000].join(",")),
        list_of(r#"{"id":"1","from":"t@desk.msging.net/W","type":""}"#),
        message_of("application/json", &list_of("{\"\":0}")),
        message_of("application/vnd.lime.sensitive+json", &list_of("{\"\":0}")),
        message_of(
            "application/vnd.lime.select+json",
            &format!(r#"{{"options":{}}}"#, list_of("0")),
        ),
        message_of("text/plain", &format!(r#""","metadata":{{{}}}"#, many.join(","))),
        format!("{ticket}{}}}}}", list_of("{\"\":0}")),
        format!(r#"{ticket}"","tags":{}}}}}"#, list_of("[]")),
        format!("{}{}", "[".repeat(500_000), "]".repeat(500_000)),
    ]
}

/// The same for what has Slack's signature, with the type of each.
fn hostile_to_slack() -> Vec<(&'static str, String)> {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let event = |blocks: &str| {
        format!(
            r#"{{"type":"event_callback","event":{{"type":"message","channel":"C0SUPPORT","ts":"9.1","thread_ts":"1.1","user":"U0ANA","text":"xyzzy","blocks":{blocks}}}}}"#
        )
    };
    let table = list_of(r#"{"type":"rich_text","elements":[{"type":"text","text":"x"}]}"#);
    let payload = list_of("{\"\":0}").replace('"', "%22");
    vec![
        (json, list_of("{\"\":0}")),
        (json, event(&list_of("{\"\":0}"))),
        (json, event(&table)),
        (
            json,
            format!(
                r#"{{"type":"view_submission","view":{{"state":{{"values":{}}}}}}}"#,
                list_of("{\"\":0}")
            ),
        ),
        (form, "a&".repeat(524_000)),
        (form, format!("payload={}", payload.get(..1_000_000).unwrap())),
        (form, format!("payload=%7B%22a%22:{}%7D", list_of("{}").replace("{}", "[]"))),
    ]
}

/// However their bodies are made, and though they all come at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_make_the_program_take_much_memory() {
    const BOUND: u64 = 100 << 20;
    let door = Door::open().await;
    let idle = door.service.memory();
    let blip = hostile_to_blip().into_iter().map(|body| ("application/json", body, true));
    let slack = hostile_to_slack().into_iter().map(|(kind, body)| (kind, body, false));
    let sent = blip.chain(slack).map(|(kind, body, is_blip)| {
        let name: String = body.chars().take(120).collect();
        assert!(body.len() <= 1 << 20, "{} bytes of {name}", body.len());
        let size = body.len();
        let request = if is_blip { door.blip(body) } else { door.slack(body.as_bytes(), 0) };
        let request = typed(request, kind).timeout(Duration::from_mins(1));
        async move { (status(request).await, size, name) }
    });
    let answers = futures_util::future::join_all(sent).await;
    // Whoever finds too many large bodies before him is asked to come again.
    assert!(answers.iter().all(|(status, ..)| [200, 400, 503].contains(status)), "{answers:?}");
    assert!(answers.iter().filter(|(status, ..)| *status == 200).count() >= 8, "{answers:?}");
    door.service.idle(Duration::from_mins(1)).await;
    let peak = door.service.peak_memory();
    note(&format!("{} MiB above {} MiB\n{answers:#?}", (peak - idle) >> 20, idle >> 20));
    assert!(peak < idle + BOUND, "{} MiB above {} MiB", (peak - idle) >> 20, idle >> 20);
    door.close().await;
}

/// What cannot be read is not lost: whoever must know is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_shown_where_it_belongs() {
    let door = Door::open().await;
    let (ticket, card) = door.bridge.ticket("Maria Silva", "Oi").await;
    for (number, content) in ["1e999".to_owned(), list_of("{\"\":0}")].into_iter().enumerate() {
        let envelope = format!(
            r#"{{"id":"fwd:fwd:odd{number}","from":"{ticket}@desk.msging.net/Webhook","type":"x/odd{number}","content":{content}}}"#
        );
        assert_eq!(status(door.blip(envelope)).await, 200);
        let shown = format!("(x/odd{number})");
        door.bridge.until(&shown, || door.bridge.said(&card).join("").contains(&shown)).await;
    }
    let blocks = list_of(r#"{"type":"divider"}"#);
    let event = format!(
        r#"{{"type":"event_callback","event_id":"Ev9","event":{{"type":"message","channel":"{CHANNEL}","ts":"9999999999.000100","thread_ts":"{}","user":"{ANA}","text":"xyzzy","blocks":{blocks}}}}}"#,
        card.ts
    );
    assert_eq!(status(door.slack(event.as_bytes(), 0)).await, 200);
    let told = || door.bridge.slack.calls("chat.postEphemeral");
    door.bridge.until("the writer to be told", || !told().is_empty()).await;
    assert!(told()[0].body.to_string().contains("too large to be read"));
    assert_eq!(door.bridge.received(&ticket), [""; 0]);
    door.close().await;
}

/// The same request with another type in the place of the first.
fn typed(request: RequestBuilder, kind: &'static str) -> RequestBuilder {
    let header = (CONTENT_TYPE, HeaderValue::from_static(kind));
    request.headers(HeaderMap::from_iter([header]))
}

/// Envelopes and events with anything in the fields that matter.
fn blip_slack_json() -> impl Strategy<Value = serde_json::Value> {
    let value = prop_oneof![
        Just(serde_json::json!(null)),
        any::<i64>().prop_map(|n| serde_json::json!(n)),
        "\\PC{0,12}".prop_map(|s| serde_json::json!(s)),
        Just(serde_json::json!("message")),
        Just(serde_json::json!("application/vnd.iris.ticket+json")),
        Just(serde_json::json!("t1@desk.msging.net/Webhook")),
        Just(serde_json::json!({"status": "Waiting", "customerInput": {"value": MARKER}})),
        Just(serde_json::json!([{"type": "rich_text", "elements": [{}, 7, null]}])),
    ];
    let names = [
        "id",
        "from",
        "type",
        "content",
        "metadata",
        "event",
        "channel",
        "ts",
        "thread_ts",
        "user",
        "text",
        "blocks",
        "files",
        "item",
        "reaction",
        "actions",
        "container",
        "message",
    ];
    let fields =
        proptest::collection::btree_map(proptest::sample::select(names.to_vec()), value, 0..9);
    fields.prop_map(|fields| {
        let event = serde_json::json!(fields);
        let mut outer = event.clone();
        if event["type"] == "message" {
            outer = serde_json::json!({"type": "event_callback", "event": event});
        }
        outer
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_people_wrote_is_in_the_log_whatever_goes_wrong() {
    let door = Door::open().await;
    let (slack, blip) = (&door.bridge.slack, &door.bridge.blip);
    let new = NewTicket::saying("Maria xyzzy", "xyzzy.551199@wa.gw.msging.net", "help xyzzy");
    let ticket = blip.opens_ticket(new).await.id;
    let card = door.bridge.card_of("Maria xyzzy").await;
    for fault in [Fault::Status(500), Fault::Garbage, Fault::Html, Fault::LostAnswer] {
        slack.faults().next("chat.postMessage", fault.clone());
        blip.faults().next("/messages", fault);
        blip.says(&ticket, "customer xyzzy").await.unwrap();
        slack.says(ANA, CHANNEL, Some(&card.ts), "reply xyzzy").await.unwrap();
    }
    slack.faults().next("chat.postMessage", Fault::Code("invalid_blocks".to_owned()));
    blip.says(&ticket, "refused xyzzy").await.unwrap();
    slack.says(ANA, CHANNEL, Some(&card.ts), "// note xyzzy").await.unwrap();
    door.close().await;
}
