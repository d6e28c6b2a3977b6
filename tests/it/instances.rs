//! Two instances on one PostgreSQL database whose clocks differ, and one that is stopped at any point
//! until others have its work, and then goes on. Nothing is lost, repeated or out of order.
//!
//! Skipped, and said so, where there is no server. `STOP_EVERY=1` stops at every point in one run.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use blip_slack::app::Tuning;
use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::Message;
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::SignedDuration;
use tokio::sync::Mutex;

use crate::killed::scenes::Scene;
use crate::killed::{Set, points};
use crate::restart::{converse, faults_of, insist, open_tickets};
use crate::support::{
    Balancer, Bridge, Mortal, PostgresSchema, Service, TestBackend, draw_first, note, tuning, wish,
};

/// Tickets that are open at the same time.
const TICKETS: usize = 8;
/// How far the clocks of two instances are apart, the server's in the middle.
const APART: SignedDuration = SignedDuration::from_secs(238);
/// How long anything may take beside an instance that is stopped.
const PATIENCE: Duration = Duration::from_secs(150);
/// Scenes that restart the program by themselves: they would start the one that is stopped.
const RESTARTING: [&str; 6] =
    ["a shared channel", "a week", "too late", "a start", "held up", "patience"];
/// How many programs are stopped at the same time.
const AT_ONCE: usize = 3;

fn with_clock(ahead: SignedDuration) -> Tuning {
    Tuning { clock: Clock::ahead_by(ahead), ..tuning() }
}

/// Whether there is a server; said if there is none.
async fn has_server() -> bool {
    PostgresSchema::make().await.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_whose_clocks_are_four_minutes_apart_lose_repeat_and_reorder_nothing() {
    if !has_server().await {
        return;
    }
    let bridge = Bridge::on(TestBackend::Postgres, &[], with_clock(APART / 2)).await;
    let slow = || with_clock(-APART / 2);
    let mut other = Mortal::beside(&bridge, slow()).await;
    let fast = format!("http://{}", bridge.app().unwrap().address());
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(50); 900]);
    let balancer = Balancer::start(&bridge, vec![fast.clone(), other.url().to_owned()]).await;
    let pairs = open_tickets(&bridge, TICKETS).await;
    join_all(pairs.iter().map(|pair| converse(&bridge, pair))).await;
    bridge.idle().await;
    drop(balancer);
    // One of them dies with work under way, and the other goes by another clock than it did.
    let _balancer = Balancer::start(&bridge, vec![fast.clone(), other.url().to_owned()]).await;
    let late = join_all((0..TICKETS).map(|number| {
        let (name, words) = (format!("late{number}"), format!("late-{number}"));
        let new = NewTicket::saying(&name, &format!("{name}@0mn.io"), &words);
        bridge.blip.opens_ticket(new)
    }));
    let dies = async {
        let is_late = |message: &Message| message.words().contains("late-");
        bridge
            .slack
            .wait_for("the first of them", |state| state.cards(CHANNEL).any(is_late).then_some(()))
            .await;
        drop(other);
        other = Mortal::beside(&bridge, slow()).await;
        other
    };
    let (late, other) = tokio::join!(late, dies);
    let _balancer = Balancer::start(&bridge, vec![fast, other.url().to_owned()]).await;
    assert!(late.iter().all(|opened| opened.status == Some(200)));
    bridge.idle().await;
    join_all(pairs.iter().map(|pair| insist(&bridge, pair))).await;
    bridge.idle().await;
    let faults: Vec<String> = pairs.iter().flat_map(|pair| faults_of(&bridge, pair)).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{}", bridge.slack.transcript());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 2 * TICKETS);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_clock_is_off_by_more_takes_no_lanes_and_says_so() {
    if !has_server().await {
        return;
    }
    for off in [-5, 5].map(SignedDuration::from_mins) {
        let bridge = Bridge::on(TestBackend::Postgres, &[], with_clock(off)).await;
        bridge.becomes(false, "minutes apart").await;
        // What it takes in is kept, and left to those whose clocks are right.
        let opened =
            bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "Oi")).await;
        assert_eq!(opened.status, Some(200));
        let store = bridge.app().unwrap().store();
        let places = blip_slack::store::Places::any(9);
        let taken = store.lease_lanes(places, Duration::from_mins(1), Clock::system().now()).await;
        assert!(taken.unwrap().is_empty(), "{off:?}");
        assert_eq!(bridge.slack.cards(CHANNEL).len(), 0, "{off:?}");
        let right = Mortal::beside(&bridge, tuning()).await;
        bridge.card_of("Maria").await;
        bridge.idle().await;
        drop(right);
    }
}

/// Slack sends each envelope over one of the connections, of whichever instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_in_socket_mode_share_what_slack_sends_also_when_one_dies() {
    if !has_server().await {
        return;
    }
    let socket = [("SLACK_APP_TOKEN", "xapp-1-A0001-standin"), ("SLACK_SIGNING_SECRET", "")];
    let bridge = Bridge::on(TestBackend::Postgres, &socket, tuning()).await;
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(50); 900]);
    let sockets = || bridge.slack.look(|state| state.sockets().len());
    let own = sockets();
    let other = Mortal::beside(&bridge, tuning()).await;
    bridge.until("connections of both", || sockets() == 2 * own).await;
    let pairs = open_tickets(&bridge, TICKETS).await;
    let first = pairs[0].ticket.clone();
    let dies = async {
        bridge.until("a reply", || !bridge.received(&first).is_empty()).await;
        drop(other);
    };
    tokio::join!(join_all(pairs.iter().map(|pair| converse(&bridge, pair))), dies);
    bridge.until("connections of one", || sockets() == own).await;
    bridge.buries_the_dead().await;
    bridge.idle().await;
    join_all(pairs.iter().map(|pair| insist(&bridge, pair))).await;
    bridge.idle().await;
    let faults: Vec<String> = pairs.iter().flat_map(|pair| faults_of(&bridge, pair)).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{}", bridge.slack.transcript());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), TICKETS);
    bridge.finish().await;
}

/// What has taken effect at the far ends and would show if it did so twice.
#[derive(Debug, PartialEq)]
struct Effects {
    /// What we have posted in Slack, but for what was emptied since it cannot be deleted.
    posts: usize,
    /// Blip's ids of what customers were sent.
    sent: Vec<String>,
    /// What was noted about customers.
    comments: Vec<String>,
}

impl Effects {
    fn of(bridge: &Bridge) -> Self {
        let posts = bridge.slack.look(|state| {
            let messages = state.channels.values().flat_map(|channel| channel.messages.values());
            messages.filter(|post| post.ours && !post.words().contains('↪')).count()
        });
        let (sent, comments) = bridge.blip.look(|state| {
            let said = state.threads.values().flatten().filter(|said| !said.from_customer);
            let comments = state.comments.values().flatten();
            let comments = comments.map(|comment| comment["content"].to_string());
            (said.map(|said| said.id.clone()).collect(), comments.collect())
        });
        Self { posts, sent, comments }
    }

    /// The same with each message to a customer, and each comment, once.
    fn without_repeats(mut self) -> Self {
        for effects in [&mut self.sent, &mut self.comments] {
            let mut known = HashSet::new();
            effects.retain(|effect| known.insert(effect.clone()));
        }
        self
    }
}

/// Plays a scene with a program that stops at a point. Another one takes its place as soon as it has
/// stopped, and it goes on when that one has done all.
async fn play(scene: &Scene, point: &str) {
    let log = ("LOG", "info");
    let settings: Vec<_> = [log].into_iter().chain(scene.settings.iter().copied()).collect();
    let mut bridge = Bridge::on(TestBackend::Postgres, &settings, tuning()).await;
    bridge.blip.retries_until_taken();
    let patient = vec![Duration::from_millis(50); 1000];
    bridge.blip.configure_delivery(|policy| policy.retries.clone_from(&patient));
    bridge.slack.configure_delivery(|policy| policy.retries.clone_from(&patient));
    let folders = ["a", "b"].map(|name| bridge.folder().join(name));
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
    }
    let stopping = Service::replace_stopping_at(&mut bridge, &folders[0], point).await;
    let mut other = Service::prepare_beside(&mut bridge, &folders[1]);
    let set = Set { bridge, service: Mutex::new(stopping) };
    let (mut has_stopped, mut is_over) = (false, false);
    let mut played = (scene.play)(&set);
    let deadline = Instant::now() + PATIENCE;
    // It may stop at what is left to do after the scene.
    while !(is_over && has_stopped) {
        tokio::select! {
            () = &mut played, if !is_over => is_over = true,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        let told = || format!("{point}: stopped {has_stopped}, over {is_over}\n{}", set.told());
        assert!(Instant::now() < deadline, "{}\n---\n{}", told(), other.log());
        let Ok(service) = set.service.try_lock() else { continue };
        if !has_stopped && service.is_stopped() {
            has_stopped = true;
            // As it does by itself some seconds later.
            set.bridge.buries_the_dead().await;
            other.launch();
            other.delivers(&set.bridge);
        }
    }
    drop(played);
    let mut service = set.service.lock().await;
    other.becomes_ready().await;
    other.idle(PATIENCE).await;
    let before = Effects::of(&set.bridge);
    // What was under way is ended before it ends.
    service.signal("CONT");
    assert!(service.terminate().await.success());
    let logs = || format!("{}\n---\n{}", service.log(), other.log());
    // A post that was made twice is taken back by now.
    other.idle(PATIENCE).await;
    let mut after = Effects::of(&set.bridge);
    let is_told = service.log().contains("may have been made twice");
    if point.starts_with("sending ") && is_told {
        after = after.without_repeats();
    }
    let is_post = ["sending card", "sending post", "sending claimed"].contains(&point);
    assert!(is_told || !is_post, "{point}: it has found no other post\n{}", logs());
    assert_eq!(after, before, "{point}\n{}\n{}", set.told(), logs());
    for (words, count) in scene.shown {
        assert_eq!(set.count(words), *count, "{point}: {words}\n{}\n{}", set.told(), logs());
    }
    let cards = set.bridge.slack.cards(CHANNEL).into_iter();
    let cards = cards.filter(|card| !card.words().contains('↪')).count();
    assert_eq!(cards, scene.cards, "{point}\n{}\n{}", set.told(), logs());
    assert_eq!(other.metric("blip_slack_parked_events").await, Some(0.0), "{}", logs());
    let violations = [set.bridge.slack.violations(), set.bridge.blip.violations()].concat();
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Between the last look at the store and the request (`sending …`) nothing keeps it from sending: a post
/// is taken back, and what a customer was sent is told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_at_any_point_until_others_have_its_work_it_repeats_nothing() {
    if !has_server().await {
        return;
    }
    let every = wish("STOP_EVERY").and_then(|every| every.parse().ok()).unwrap_or(30);
    let only = wish("STOP_AT");
    let mut points = points(every == 1).await;
    points.retain(|_, scene| !RESTARTING.contains(&scene.name));
    let first = draw_first(every);
    note(&format!("{} points, from {first}, every {every}", points.len()));
    let is_wished =
        |point: &str| only.as_ref().is_none_or(|only| only.split(',').any(|it| it == point));
    let (skipped, step) = if only.is_some() { (0, 1) } else { (first, every) };
    let some = points.iter().skip(skipped).step_by(step).filter(|(point, _)| is_wished(point));
    let stops = stream::iter(some).map(|(point, scene)| async move {
        let played = AssertUnwindSafe(play(scene, point)).catch_unwind().await;
        played.is_err().then(|| format!("{point} in {}", scene.name))
    });
    let stops: Vec<Option<String>> = stops.buffer_unordered(AT_ONCE).collect().await;
    let fatal: Vec<String> = stops.into_iter().flatten().collect();
    assert!(fatal.is_empty(), "stopped at {fatal:#?}; each is told of above");
}

/// What an instance draws late shows a state that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_an_instance_draws_late_is_drawn_again() {
    if !has_server().await {
        return;
    }
    let mut bridge = Bridge::on(TestBackend::Postgres, &[], tuning()).await;
    let folders = ["a", "b"].map(|name| bridge.folder().join(name));
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
    }
    let stopping = Service::replace_stopping_at(&mut bridge, &folders[0], "sending update").await;
    let mut other = Service::prepare_beside(&mut bridge, &folders[1]);
    let maria = NewTicket::saying("Maria", "maria@0mn.io", "Oi");
    let ticket = bridge.blip.opens_ticket(maria).await.id;
    let card = bridge.card_of("Maria").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a stop", || stopping.is_stopped()).await;
    bridge.buries_the_dead().await;
    other.start().await;
    other.delivers(&bridge);
    let shows =
        |words: &str| bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains(words);
    bridge.until("a claim", || shows("with")).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    other.idle(PATIENCE).await;
    assert!(shows("closed by Ana Lima"), "{}", bridge.slack.transcript());
    let updates = || bridge.slack.calls("chat.update").len();
    let before = updates();
    stopping.signal("CONT");
    bridge.until("the late card", || updates() > before).await;
    bridge.until("the newest card", || shows("closed by Ana Lima") && updates() > before + 1).await;
}
