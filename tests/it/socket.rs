//! Socket Mode: the same service without an address that Slack can reach (`slack.md` B.3).

use std::sync::Arc;
use std::time::Duration;

use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::slack::socket::{PayloadResult, PayloadTaker, Socket, SocketHealth};
use blip_slack::telemetry;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, Setup, Slack, State, User};
use futures_util::future::{BoxFuture, join_all};
use rusqlite::Connection;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{Bridge, tuning};

/// What the stand-in accepts as the app-level token.
const TOKEN: (&str, &str) = ("SLACK_APP_TOKEN", "xapp-1-A0001-standin");

/// A bridge in Socket Mode; Slack repeats what is not acknowledged for a few seconds.
async fn start() -> Bridge {
    let bridge = Bridge::with(&[TOKEN, ("SLACK_SIGNING_SECRET", "")]).await;
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(50); 100]);
    bridge
}

/// What the bridge answers to this path.
async fn get(bridge: &Bridge, path: &str) -> (u16, String) {
    let url = format!("http://{}{path}", bridge.app().unwrap().address());
    let response = client().get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Waits until this holds.
async fn comes_true(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let came_true = async {
        while !holds().await {
            tick.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), came_true).await.is_ok(), "{what}");
}

/// Waits until the bridge says this of its readiness.
async fn is_told(bridge: &Bridge, words: &str) {
    comes_true(words, async || get(bridge, "/readyz").await.1.contains(words)).await;
}

async fn has_sockets(slack: &Slack, count: usize) {
    let what = format!("{count} sockets");
    slack.wait_for(&what, |state| (state.sockets().len() == count).then_some(())).await;
}

/// A ticket that Ana holds.
async fn held_ticket(bridge: &Bridge) -> (String, Message) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    (ticket, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_goes_over_the_socket_and_no_request_is_taken() {
    drop(telemetry::render_metrics());
    let bridge = start().await;
    assert_eq!(get(&bridge, "/readyz").await, (200, "ready\n".to_owned()));
    bridge.blip.configure(|setup| setup.tags = vec!["Pix".to_owned(), "Troca".to_owned()]);
    let (ticket, card) = held_ticket(&bridge).await;
    let said = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá, Maria!").await.unwrap();
    assert_eq!(said.status, Some(200));
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá, Maria!"]);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA).id;
    let tags = bridge.slack.searches(ANA, &dialog, "tags", "pi").await.unwrap();
    assert_eq!(tags[0]["value"], "Pix");
    bridge.slack.submits(ANA, &dialog, json!({})).await.unwrap();
    let is_closed = "the ticket to be closed";
    let closed = bridge
        .blip
        .wait_for(is_closed, |state| state.tickets.get(&ticket)?.is_closed().then_some(()));
    closed.await;
    let command = bridge.slack.commands(ANA, CHANNEL, "/blip", "").await.unwrap();
    assert_eq!(command.status, Some(200));
    let url = format!("http://{}/slack/events", bridge.app().unwrap().address());
    assert_eq!(client().post(url).body("{}").send().await.unwrap().status(), 404);
    assert!(get(&bridge, "/metrics").await.1.contains("blip_slack_socket_connections"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_during_a_restart_is_not_lost() {
    let mut bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.stop_bridge().await;
    has_sockets(&bridge.slack, 0).await;
    let slack = bridge.slack.clone();
    let says = slack.says(ANA, CHANNEL, Some(&card.ts), "Já volto");
    let (said, started) = tokio::join!(says, bridge.start_bridge());
    started.unwrap();
    assert_eq!(said.unwrap().status, Some(200));
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Já volto"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_in_the_middle_of_a_burst_loses_nothing_and_says_nothing_twice() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.configure_delivery(|policy| policy.jitter = Some(Duration::from_millis(150)));
    let mut words: Vec<String> = (0..40).map(|number| format!("linha {number:02}")).collect();
    let says = async |words| bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await;
    let burst = join_all(words.iter().map(|words| says(words)));
    let refresh = async {
        for reason in ["refresh_requested", "warning"] {
            bridge.slack.announces_disconnect(reason);
            has_sockets(&bridge.slack, 2).await;
            bridge.slack.closes_sockets(1);
            has_sockets(&bridge.slack, 1).await;
        }
    };
    let (said, ()) = tokio::join!(burst, refresh);
    assert!(said.iter().all(|said| said.as_ref().unwrap().status == Some(200)));
    bridge.idle().await;
    let mut received = bridge.received(&ticket);
    received.sort();
    words.sort();
    assert_eq!(received, words);
    assert_eq!(get(&bridge, "/readyz").await.0, 200);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_is_not_acknowledged_and_comes_again() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.settled().await;
    bridge.slack.configure_delivery(|policy| policy.timeout = Duration::from_millis(100));
    let url = &bridge.settings()["DATABASE_URL"];
    let database = Connection::open(url.trim_start_matches("sqlite://")).unwrap();
    database.execute_batch("ALTER TABLE item RENAME TO away").unwrap();
    let tries = bridge.slack.deliveries().len();
    let says = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Está aí?");
    let repair = async {
        let tried_twice = async || bridge.slack.deliveries().len() >= tries + 2;
        comes_true("a second try", tried_twice).await;
        database.execute_batch("ALTER TABLE away RENAME TO item").unwrap();
    };
    let (said, ()) = tokio::join!(says, repair);
    assert_eq!(said.unwrap().status, Some(200));
    let outcomes: Vec<_> =
        bridge.slack.deliveries().drain(tries..).map(|delivery| delivery.outcome).collect();
    assert_eq!(outcomes[..2], [Err("timeout"), Err("timeout")]);
    assert_eq!(outcomes.last(), Some(&Ok(200)));
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Está aí?"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_cannot_be_read_is_passed_over() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.says_over_sockets(&json!({ "type": "events_api", "envelope_id": "lost" }));
    bridge.slack.says_over_sockets(&json!({ "type": "news" }));
    bridge.slack.says_over_sockets(&json!([]));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Oi").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Oi"]);
    assert_eq!(bridge.slack.look(State::sockets).len(), 1);
    // Acknowledging what was not sent as a delivery would be noted there.
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_link_the_bridge_is_not_ready_and_says_why() {
    let bridge = start().await;
    bridge.slack.switches_socket_mode_off();
    is_told(&bridge, "Socket Mode is switched off").await;
    assert_eq!(get(&bridge, "/readyz").await.0, 503);
    bridge.slack.configure(|setup| setup.socket_mode = true);
    is_told(&bridge, "ready").await;
    bridge.ticket("Maria Silva", "Oi").await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_connection_is_noticed_and_replaced() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.configure_delivery(|policy| policy.timeout = Duration::from_millis(100));
    bridge.slack.freezes_sockets(1);
    let said = bridge.slack.says(BIA, CHANNEL, Some(&card.ts), "// ainda aí?").await.unwrap();
    assert_eq!(said.status, Some(200));
    bridge.slack.cuts_sockets(1);
    has_sockets(&bridge.slack, 1).await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Sim").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Sim"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_is_opened_again() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.cuts_sockets(1);
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Oi").await.unwrap();
    bridge.slack.go_down().await;
    is_told(&bridge, "there is no Socket Mode connection").await;
    assert_eq!(get(&bridge, "/readyz").await.0, 503);
    bridge.slack.come_back().await.unwrap();
    is_told(&bridge, "ready").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "De novo").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Oi", "De novo"]);
    bridge.finish().await;
}

/// What is not delivered at once is not delivered: Slack documents no repeats in Socket Mode.
async fn without_repeats(bridge: &Bridge) {
    bridge.slack.settled().await;
    bridge.slack.configure_delivery(|policy| policy.retries = Vec::new());
}

/// Thread lookups take a while, so that newer words come first.
fn slow_lookups(bridge: &Bridge) {
    for method in ["conversations.history", "conversations.replies"] {
        bridge.slack.faults().from_now(method, Fault::Slow(Duration::from_millis(150)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_do_while_no_socket_is_open_is_caught_up_before_what_they_do_then() {
    let bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    let (other, done) = bridge.ticket("Jo Souza", "Oi").await;
    let (_, claimed) = bridge.ticket("Rui Costa", "Oi").await;
    without_repeats(&bridge).await;
    bridge.slack.faults().from_now("apps.connections.open", Fault::Status(503));
    bridge.slack.cuts_sockets(1);
    has_sockets(&bridge.slack, 0).await;
    let says = async |words: &str| {
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap();
    };
    says("while-1").await;
    says("// secret").await;
    says("while-2").await;
    bridge.slack.reacts(BIA, CHANNEL, &done.ts, "white_check_mark").await.unwrap();
    bridge.slack.reacts(BIA, CHANNEL, &claimed.ts, "eyes").await.unwrap();
    slow_lookups(&bridge);
    bridge.slack.faults().lift("apps.connections.open");
    has_sockets(&bridge.slack, 1).await;
    says("after").await;
    bridge.until("all words", || bridge.received(&ticket).len() == 3).await;
    assert_eq!(bridge.received(&ticket), ["while-1", "while-2", "after"]);
    bridge.until("the end", || bridge.blip.ticket(&other).unwrap().is_closed()).await;
    let card = || bridge.slack.message(CHANNEL, &claimed.ts).unwrap().words();
    bridge.until("the claim", || card().contains(&format!("<@{BIA}>"))).await;
    bridge.slack.faults().clear();
    // The refusals of the platform that was down are what was wanted.
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_what_was_missed_goes_out_before_newer_words() {
    let mut bridge = start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    without_repeats(&bridge).await;
    bridge.stop_bridge().await;
    let slack = bridge.slack.clone();
    let says = async |words: &str| {
        slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap();
    };
    says("while-1").await;
    says("while-2").await;
    slow_lookups(&bridge);
    bridge.start_bridge().await.unwrap();
    says("after").await;
    bridge.until("all words", || bridge.received(&ticket).len() == 3).await;
    assert_eq!(bridge.received(&ticket), ["while-1", "while-2", "after"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_early_drop_the_first_retry_is_at_once_and_the_next_ones_are_not() {
    let slack = workspace().await;
    let mut socket = socket(&slack, &Arc::default());
    (socket.timing.first, socket.timing.longest) =
        (Duration::from_secs(30), Duration::from_mins(1));
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(socket.run(stop.clone(), tasks.clone()));
    has_sockets(&slack, 1).await;
    slack.cuts_sockets(1);
    comes_true("a second connection", async || slack.calls("apps.connections.open").len() == 2)
        .await;
    has_sockets(&slack, 1).await;
    slack.cuts_sockets(1);
    has_sockets(&slack, 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(slack.calls("apps.connections.open").len(), 2, "dropped early again: with a pause");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_app_token_is_told_and_leaves_the_bots_token_alone() {
    let bridge = Bridge::with(&[("SLACK_APP_TOKEN", "xapp-1-wrong")]).await;
    let (status, words) = get(&bridge, "/readyz").await;
    assert_eq!((status, words.lines().count()), (503, 1), "{words}");
    assert!(words.contains("SLACK_APP_TOKEN"), "{words}");
    bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.configure(|setup| setup.app_token = "xapp-1-wrong".to_owned());
    is_told(&bridge, "ready").await;
    bridge.idle().await;
    let violations = bridge.slack.violations();
    assert!(violations.iter().all(|what| what.contains("invalid_auth")), "{violations:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_kept_slowly_does_not_delay_the_others() {
    let slack = workspace().await;
    let kept = Arc::new(Notify::new());
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(socket(&slack, &kept).run(stop.clone(), tasks.clone()));
    has_sockets(&slack, 1).await;
    let slow = slack.says("UANA", "C1", None, "lento");
    let others = async {
        for _ in 0..5 {
            let said = slack.says("UANA", "C1", None, "rápido").await.unwrap();
            assert_eq!(said.status, Some(200));
        }
        stop.cancel();
        kept.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, others);
    assert_eq!(slow.unwrap().status, Some(200), "what is being kept is acknowledged at the end");
    tasks.close();
    tasks.wait().await;
    has_sockets(&slack, 0).await;
    assert_eq!(slack.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_replaced_is_closed_even_if_slack_leaves_it_open() {
    let slack = workspace().await;
    let mut socket = socket(&slack, &Arc::default());
    socket.timing.linger = Duration::from_millis(20);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(socket.run(stop.clone(), tasks.clone()));
    has_sockets(&slack, 1).await;
    for _ in 0..3 {
        let old = slack.look(State::sockets);
        slack.announces_disconnect("refresh_requested");
        let replaced = |state: &State| {
            let now = state.sockets();
            (now.len() == 1 && now != old).then_some(())
        };
        slack.wait_for("another connection and no other", replaced).await;
    }
    assert_eq!(slack.violations(), Vec::<String>::new());
    stop.cancel();
}

/// A workspace with Ana in `C1` whose app uses Socket Mode.
async fn workspace() -> Slack {
    let slack = Slack::start(Setup { socket_mode: true, ..Setup::default() }).await.unwrap();
    slack.add_user(User::member("UANA", "Ana", "ana@loja.example"));
    slack.add_channel("C1", "suporte", &["UANA"]);
    slack.configure_delivery(|policy| policy.jitter = Some(Duration::ZERO));
    slack
}

/// Keeps each payload at once, but for one that says `lento`, which is kept when this is notified.
struct Keeper(Arc<Notify>);

impl PayloadTaker for Keeper {
    fn take_payload(&self, payload: Vec<u8>) -> BoxFuture<'_, PayloadResult> {
        Box::pin(async move {
            if payload.windows(5).any(|word| word == b"lento") {
                self.0.notified().await;
            }
            Ok(None)
        })
    }
}

fn socket(slack: &Slack, kept: &Arc<Notify>) -> Socket {
    Socket {
        http: client(),
        api_url: slack.api_url(),
        token: TOKEN.1.to_owned().into(),
        clock: Clock::system(),
        timing: tuning().socket,
        taker: Arc::new(Keeper(Arc::clone(kept))),
        health: SocketHealth::default(),
    }
}
