//! Those who knock slowly, or all at once: nobody keeps others out.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::intake::server::ServerLimits;
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Bridge, Service, note, samples, tuning};

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// A pause in which a slow one sends one byte.
const DRIP: Duration = Duration::from_millis(20);

/// What a stranger begins with who has a large body to send.
const BEGUN: &str = "POST /slack/events HTTP/1.1\r\nhost: x\r\nx-slack-signature: v0=0\r\n\
    x-slack-request-timestamp: 1\r\ncontent-length: 1000000\r\n\r\n";

/// A bridge that lets those who knock have little time.
async fn bridge(limits: ServerLimits) -> Bridge {
    // Nobody told Blip of what is sent here, so it is not told either.
    Bridge::tuned(&[("SEND_READ_RECEIPTS", "false")], Tuning { limits, ..tuning() }).await
}

fn short() -> ServerLimits {
    let (head, body) = (Duration::from_millis(300), Duration::from_millis(300));
    ServerLimits { head, body, idle: Duration::from_secs(2), ..ServerLimits::default() }
}

/// A connection of our own, without a client that would tidy things up.
struct Line(TcpStream);

impl Line {
    async fn to(bridge: &Bridge) -> Self {
        Self(TcpStream::connect(bridge.app().unwrap().address()).await.unwrap())
    }

    async fn sends(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Sends byte after byte until the other side has had enough; returns how many it took.
    async fn drips(&mut self, bytes: &[u8]) -> usize {
        let (reading, mut writing) = self.0.split();
        let dripping = async {
            for (count, byte) in bytes.iter().enumerate() {
                if writing.write_all(&[*byte]).await.is_err() {
                    return count;
                }
                tokio::time::sleep(DRIP).await;
            }
            bytes.len()
        };
        let mut sent = std::pin::pin!(dripping);
        tokio::select! {
            count = &mut sent => count,
            _ = reading.readable() => 0,
        }
    }

    /// The next answer's head.
    async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer, or the end");
        String::from_utf8(head).unwrap()
    }

    /// Everything that comes before the other side closes the connection.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // However it is closed.
        drop(read.expect("the connection is closed"));
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

fn envelope(id: &str) -> String {
    format!(r#"{{"id":"{id}","from":"t@desk.msging.net","type":"text/plain","content":"x"}}"#)
}

async fn webhook(client: &Client, url: &str, bridge: &Bridge, id: &str) -> u16 {
    let token = bridge.settings()["BLIP_WEBHOOK_TOKEN"].clone();
    let request = client.post(format!("{url}/blip/webhook")).header("authorization", token);
    request.body(envelope(id)).send().await.unwrap().status().as_u16()
}

fn url(bridge: &Bridge) -> String {
    format!("http://{}", bridge.app().unwrap().address())
}

/// Many clients send all that they have before they listen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_far_too_much_is_told_so() {
    let bridge = Bridge::start().await;
    let token = bridge.blip.look(|state| state.setup.token.clone());
    for (path, token, kib, status) in [
        ("/blip/webhook", token.as_str(), 8192, 413),
        ("/blip/webhook", "no-token", 512, 401),
        ("/nowhere", "", 512, 404),
    ] {
        let body = vec![b'x'; kib * 1024];
        let (kind, length) = ("content-type: application/json", body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n{kind}\r\n\
            content-length: {length}\r\n\r\n"
        );
        let mut line = Line::to(&bridge).await;
        line.sends(head.as_bytes()).await;
        line.sends(&body).await;
        let answer = line.answer().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_trickles_in_is_cut_off() {
    let bridge = bridge(short()).await;
    let mut line = Line::to(&bridge).await;
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(1000));
    assert!(line.drips(head.as_bytes()).await < 100);
    assert_eq!(line.rest().await, "");
    // One that says nothing at all has the same time.
    assert_eq!(Line::to(&bridge).await.rest().await, "");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_trickles_in_is_refused() {
    let bridge = bridge(short()).await;
    let token = bridge.settings()["BLIP_WEBHOOK_TOKEN"].clone();
    for (path, header) in [
        ("/blip/webhook", format!("authorization: {token}")),
        ("/slack/events", "x-slack-signature: v0=0\r\nx-slack-request-timestamp: 1".to_owned()),
    ] {
        let mut line = Line::to(&bridge).await;
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\ncontent-length: 9999\r\n\r\n");
        line.sends(head.as_bytes()).await;
        assert!(line.drips(&[b' '; 1000]).await < 100, "{path}");
        let answer = line.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_connection_may_rest_between_requests_and_then_go_on() {
    let limits = short();
    let bridge = bridge(limits).await;
    let mut line = Line::to(&bridge).await;
    for _ in 0..3 {
        line.sends(b"GET /nothing HTTP/1.1\r\nhost: x\r\n").await;
        line.sends(b"\r\n").await;
        let answer = line.answer().await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        // Longer than a head may take.
        tokio::time::sleep(limits.head * 2).await;
    }
    // Two at once on one connection are answered one after the other.
    line.sends(&b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2)).await;
    for _ in 0..2 {
        assert!(line.answer().await.starts_with("HTTP/1.1 404"));
    }
    assert_eq!(line.rest().await, "", "it does not rest for ever");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_ask_for_nothing_do_not_hold_up_stopping() {
    let mut bridge = bridge(ServerLimits::default()).await;
    let mut lines = Vec::new();
    for said in ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut line = Line::to(&bridge).await;
        line.sends(said.as_bytes()).await;
        lines.push(line);
    }
    assert!(lines[2].answer().await.starts_with("HTTP/1.1 200"));
    let stopped = tokio::time::timeout(Duration::from_secs(5), bridge.stop_bridge()).await;
    assert!(stopped.is_ok(), "well before their time is over");
    for line in &mut lines {
        line.rest().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_connections_do_not_keep_a_webhook_out() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let address = service.url().strip_prefix("http://").unwrap().to_owned();
    let client = client();
    let mut idle = Vec::new();
    for number in 0..1000 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // Some have begun to say something.
        if number % 2 == 0 {
            stream.write_all(b"POST /blip/webhook HTTP/1.1\r\nx: ").await.unwrap();
        }
        idle.push(stream);
        if number % 100 == 99 {
            let status = webhook(&client, service.url(), &bridge, &format!("w{number}")).await;
            assert_eq!(status, 200, "after {number}");
        }
    }
    assert_eq!(service.get("/readyz").await.unwrap().0, 200);
    // Those who came first made room.
    let mut byte = [0];
    let closed = tokio::time::timeout(PATIENCE, idle[0].read(&mut byte)).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    assert!(service.terminate().await.success());
    assert!(!service.log().contains("panicked"));
}

/// A process that may have few files open has the fewer connections, and can still do its work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_leave_enough_files_for_the_work() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    assert!(service.terminate().await.success());
    service.first("ulimit -n 100");
    service.start().await;
    let address = service.url().strip_prefix("http://").unwrap().to_owned();
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    service.idle(PATIENCE).await;
    assert!(service.terminate().await.success());
    let log = service.log();
    assert!(!log.contains("Too many open files") && !log.contains("no further"), "{log}");
}

/// Where the bridge is said to be reached; what it hands out is asked for where it is.
const PUBLIC: (&str, &str) = ("PUBLIC_URL", "https://bridge.example");

/// The requests for a large file and for another one that agents sent to a customer.
async fn shared_files(bridge: &Bridge) -> [String; 2] {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    let large = samples::bytes(samples::megabytes() << 20);
    for (name, bytes) in [("a.zip", large), ("b.png", samples::png())] {
        bridge.slack.shares(ANA, CHANNEL, Some(&card.ts), (name, &bytes), "").await.unwrap();
    }
    bridge.idle().await;
    let uris = bridge.blip.received(&ticket).into_iter().filter_map(|message| {
        Some(message.content["uri"].as_str()?.strip_prefix(PUBLIC.1)?.to_owned())
    });
    let requests = uris.map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    requests.collect::<Vec<_>>().try_into().unwrap()
}

/// Whoever has the address of a file may ask for it as often as they like, and read nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_of_a_file_keep_nobody_out() {
    let mut bridge = Bridge::with(&[PUBLIC]).await;
    let [large, other] = shared_files(&bridge).await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    assert!(service.terminate().await.success());
    service.first("ulimit -n 1024");
    service.start().await;
    let address = service.url().strip_prefix("http://").unwrap().to_owned();
    let mut readers = Vec::new();
    for _ in 0..560 {
        let mut line = Line(TcpStream::connect(&address).await.unwrap());
        line.sends(large.as_bytes()).await;
        readers.push(line);
    }
    let client = client();
    assert_eq!(webhook(&client, service.url(), &bridge, "meanwhile").await, 200);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(service.get(path).await.unwrap().0, 200, "{path}");
    }
    let mut served = 0;
    for line in &mut readers {
        let answer = line.answer().await;
        served += usize::from(answer.starts_with("HTTP/1.1 200 "));
        let put_off = answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: ");
        assert!(put_off || answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(served, 8);
    let mut line = Line(TcpStream::connect(&address).await.unwrap());
    line.sends(other.as_bytes()).await;
    let answer = line.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "another file is not concerned: {answer}");
    drop(readers);
    service.idle(PATIENCE).await;
    assert!(service.terminate().await.success());
    let log = service.log();
    assert!(!log.contains("Too many open files") && !log.contains("no further"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_an_answer_makes_room() {
    let limits = ServerLimits { connections: 2, operators: 0, ..ServerLimits::default() };
    let settings = [PUBLIC, ("SEND_READ_RECEIPTS", "false")];
    let bridge = Bridge::tuned(&settings, Tuning { limits, ..tuning() }).await;
    let [large, _] = shared_files(&bridge).await;
    let mut readers = Vec::new();
    for _ in 0..2 {
        let mut line = Line::to(&bridge).await;
        line.sends(large.as_bytes()).await;
        assert!(line.answer().await.starts_with("HTTP/1.1 200 "));
        readers.push(line);
    }
    // What the system holds for a reader is used up soon.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(webhook(&client(), &url(&bridge), &bridge, "meanwhile").await, 200);
    let cut = readers[0].rest().await.len();
    assert!(cut < samples::megabytes() << 20, "{cut}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_read_is_ended_and_makes_room_for_the_next() {
    let silence = Duration::from_secs(1);
    let limits = ServerLimits { silence, downloads: 8, ..ServerLimits::default() };
    let settings = [PUBLIC, ("SEND_READ_RECEIPTS", "false")];
    let bridge = Bridge::tuned(&settings, Tuning { limits, ..tuning() }).await;
    let [large, _] = shared_files(&bridge).await;
    // A bound of eight is one for each file.
    let mut silent = Line::to(&bridge).await;
    silent.sends(large.as_bytes()).await;
    assert!(silent.answer().await.starts_with("HTTP/1.1 200 "));
    let mut next = Line::to(&bridge).await;
    next.sends(large.as_bytes()).await;
    assert!(next.answer().await.starts_with("HTTP/1.1 503 "));
    tokio::time::sleep(silence * 2).await;
    let mut patient = Line::to(&bridge).await;
    patient.sends(large.as_bytes()).await;
    assert!(patient.answer().await.starts_with("HTTP/1.1 200 "), "the first one is gone");
    // Slowly, but never silent for so long.
    let mut read = 0;
    let mut piece = vec![0; 1 << 20];
    while read < samples::megabytes() << 20 {
        tokio::time::sleep(silence / 50).await;
        let bytes = tokio::time::timeout(PATIENCE, patient.0.read(&mut piece)).await;
        let bytes = bytes.unwrap().unwrap();
        assert_ne!(bytes, 0, "cut off after {read}");
        read += bytes;
    }
    let cut = silent.rest().await.len();
    assert!(cut < samples::megabytes() << 20, "{cut}");
    bridge.finish().await;
}

/// Strangers begin large bodies, as many as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_with_large_bodies_do_not_fill_the_memory_of_the_program() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let address = service.url().strip_prefix("http://").unwrap().to_owned();
    let before = service.memory();
    let body = vec![b' '; 900_000];
    let mut lines = Vec::new();
    for _ in 0..300 {
        let mut line = Line(TcpStream::connect(&address).await.unwrap());
        line.sends(BEGUN.as_bytes()).await;
        // Nobody may read this any more.
        line.0.write_all(&body).await.ok();
        lines.push(line);
    }
    let status = webhook(&client(), service.url(), &bridge, "small").await;
    assert_eq!(status, 200);
    let grown = service.memory().saturating_sub(before) >> 20;
    note(&format!("{grown} MiB"));
    // All of them would be 270.
    assert!(grown < 100, "{grown} MiB");
    drop(lines);
    assert!(service.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_place_is_taken_others_are_told_and_operators_still_get_in() {
    let bridge = bridge(ServerLimits { connections: 0, ..short() }).await;
    let client = client();
    let told = client.post(format!("{}/blip/webhook", url(&bridge))).send().await.unwrap();
    assert_eq!(told.status(), 503);
    assert!(told.headers().contains_key("retry-after"));
    for path in ["healthz", "readyz", "metrics"] {
        let answer = client.get(format!("{}/{path}", url(&bridge))).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_never_finished_do_not_fill_the_memory() {
    let second = Duration::from_secs(2);
    let bridge =
        bridge(ServerLimits { bytes: 1_000_000, body: second, ..ServerLimits::default() }).await;
    let mut lines = Vec::new();
    for _ in 0..8 {
        let mut line = Line::to(&bridge).await;
        line.sends(BEGUN.as_bytes()).await;
        // Nobody may read this any more.
        line.0.write_all(&vec![b' '; 800_000]).await.ok();
        lines.push(line);
    }
    assert_eq!(webhook(&client(), &url(&bridge), &bridge, "small").await, 200);
    let mut answers = Vec::new();
    for line in &mut lines {
        answers.push(line.rest().await);
    }
    // One of them held most of what there is, and was too slow at last.
    let slow = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 408")).count();
    assert_eq!(slow, 1, "{answers:?}");
    let refused = answers.iter().filter(|a| a.starts_with("HTTP/1.1 503") || a.is_empty()).count();
    assert_eq!(refused, 7, "{answers:?}");
    let mut line = Line::to(&bridge).await;
    line.sends(BEGUN.as_bytes()).await;
    line.sends(&vec![b' '; 1_000_000]).await;
    let answer = line.answer().await;
    assert!(answer.starts_with("HTTP/1.1 401"), "what was held is free again: {answer}");
    bridge.finish().await;
}
