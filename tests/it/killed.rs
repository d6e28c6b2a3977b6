//! The real program, killed before and after everything that it does: each call that is made once,
//! and the handling of each kind of item, whatever pipe it is in.
//!
//! Scenes are short plays that together pass every point at which the program can die. Each scene
//! is played once to learn which it passes, and once more for each of them with a program that dies
//! there and is started again. `KILL_EVERY=1` dies at all of them in one run. With `UPGRADE_FROM` it
//! is another program that dies, such as that of an older release, and ours that goes on.

pub mod scenes;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use blip_slack::control::{self, ControlRequest};
use blip_slack::demo::CHANNEL;
use blip_slack::handlers::fault_point::{ITEM_KINDS, call_names};
use blip_slack_standins::slack::Message;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tokio::sync::Mutex;

use crate::support::{Bridge, Service, draw_first, note, wish};
use scenes::{SCENES, Scene};

/// How long anything may take: retries pause for up to 20 s, and some scenes wait for a minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long after a scene another program may still come to where it is to die: it does not tell in our
/// way when it has nothing left to do.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How many scenes are played at the same time: they mostly wait.
const AT_ONCE: usize = 8;
/// What other scenes pass only by chance, as it follows from when the program started, and the scene
/// that always does.
const OF_ONE_SCENE: (&str, &str) = ("desk compare", "a start");

/// A scene's platforms and its mortal program.
pub struct Set {
    pub bridge: Bridge,
    pub service: Mutex<Service>,
}

impl Set {
    /// Waits until something is so.
    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", self.told());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often a word is on show in the channel.
    pub fn count(&self, word: &str) -> usize {
        self.bridge.slack.look(|state| {
            let messages = state.channels[CHANNEL].messages.values();
            messages.filter(|message| message.words().contains(word)).count()
        })
    }

    pub fn told(&self) -> String {
        format!("{}\n{}", self.bridge.slack.transcript(), self.bridge.blip.transcript())
    }

    /// Has a customer erased, in Slack as well, and says whether that was done. Beside a file the running
    /// bridge does it, which may be about to die; beside PostgreSQL the command.
    async fn erases(&self, customer: &str) -> bool {
        if self.bridge.is_on_postgres() {
            let arguments = ["privacy", "erase", "--customer", customer, "--yes", "--slack"];
            let mut command = self.service.lock().await.command(&arguments);
            let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
            return done.unwrap().status.success();
        }
        let socket = self.bridge.folder().join("bridge.db.sock");
        let (customer, slack) = (customer.to_owned(), Some("job".to_owned()));
        let asked = control::ask_bridge(&socket, &ControlRequest::Erase { customer, slack }).await;
        matches!(asked, Ok(Some(_)))
    }

    /// Kills the program in the middle of a scene, and starts it again.
    async fn restart(&self, meanwhile: impl Future<Output = ()>) {
        let mut service = self.service.lock().await;
        service.kill();
        meanwhile.await;
        service.start().await;
    }
}

/// Plays a scene with a program that dies at a point, if one is given; returns the points that it
/// passed.
async fn play(scene: &Scene, dies_at: Option<&str>) -> Vec<String> {
    let log = ("LOG", "info,blip_slack::handlers::fault_point=trace");
    let settings: Vec<_> = [log].into_iter().chain(scene.settings.iter().copied()).collect();
    let mut bridge = Bridge::with(&settings).await;
    bridge.blip.retries_until_taken();
    let patient = vec![Duration::from_millis(50); 1000];
    bridge.blip.configure_delivery(|policy| policy.retries.clone_from(&patient));
    bridge.slack.configure_delivery(|policy| policy.retries.clone_from(&patient));
    let folder = bridge.folder().to_owned();
    let predecessor = wish("UPGRADE_FROM").filter(|_| dies_at.is_some()).map(PathBuf::from);
    let service = Service::replace_by(&mut bridge, &folder, dies_at, predecessor.as_deref()).await;
    let set = Set { bridge, service: Mutex::new(service) };
    let mut outcome = None;
    let mut played = AssertUnwindSafe((scene.play)(&set)).catch_unwind();
    while outcome.is_none() {
        tokio::select! {
            ended = &mut played => outcome = Some(ended),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        if let Ok(mut service) = set.service.try_lock() {
            service.rise();
        }
    }
    drop(played);
    // What is left may be what it dies of.
    let mut service = set.service.lock().await;
    let deadline = Instant::now() + LAST_WORDS;
    while predecessor.is_some() && service.is_to_die() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        service.rise();
    }
    if predecessor.is_some() && service.is_to_die() {
        // It may not know the point, nor how to play the scene up to there.
        note(&format!("the program before does not come to {dies_at:?} in {}", scene.name));
        return Vec::new();
    }
    if let Some(Err(failed)) = outcome {
        resume_unwind(failed);
    }
    let deadline = Instant::now() + PATIENCE;
    while service.metric("blip_slack_waiting_events").await != Some(0.0) {
        assert!(Instant::now() < deadline, "not idle\n{}", service.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
        service.rise();
    }
    assert!(!service.is_to_die(), "it did not die\n{}", service.log());
    assert_eq!(service.metric("blip_slack_parked_events").await, Some(0.0));
    for (words, count) in scene.shown {
        let shown = set.count(words);
        // What the program before has shown, it may have said in other words.
        let is_right = shown == *count || predecessor.is_some() && shown < *count;
        assert!(is_right, "{words}: {shown} times, not {count}\n{}", set.told());
    }
    let cards = set.bridge.slack.cards(CHANNEL).into_iter();
    let cards = cards.filter(|card| !card.words().contains('↪')).map(|card: Message| card.words());
    assert_eq!(cards.count(), scene.cards, "{}", set.told());
    check_paid(scene, &set);
    let violations = [set.bridge.slack.violations(), set.bridge.blip.violations()].concat();
    assert!(violations.is_empty(), "{violations:#?}");
    let log = service.log();
    let points = log.lines().filter_map(|line| line.split("point=\"").nth(1)?.split('"').next());
    points.map(str::to_owned).collect()
}

/// What is paid for is told of each time, and was wanted once.
fn check_paid(scene: &Scene, set: &Set) {
    let paid = set.bridge.blip.templates(scenes::TEMPLATE_READER).len();
    let wanted = scene.shown.iter().find(|(words, _)| *words == scenes::TEMPLATE_SENT);
    assert_eq!(paid, wanted.map_or(0, |(_, count)| *count), "{}", set.told());
}

impl Scene {
    /// Whether it passes a point each time, and not only where the machine happens to be slow.
    fn certainly_passes(&self, point: &str) -> bool {
        let kind = point.split_once(' ').map_or(point, |(_moment, kind)| kind);
        let (step, of) = OF_ONE_SCENE;
        (kind != step || self.name == of) && (!is_slow(kind) || self.waits_for.contains(&kind))
    }
}

/// Whether only scenes that wait pass points of this kind for sure.
fn is_slow(kind: &str) -> bool {
    SCENES.iter().any(|scene| scene.waits_for.contains(&kind))
}

/// All points, each with the first scene that passes it.
pub async fn points(with_slow: bool) -> BTreeMap<String, &'static Scene> {
    let scenes = SCENES.iter().filter(|scene| with_slow || scene.waits_for.is_empty());
    let passed = stream::iter(scenes).map(|scene| async move { (scene, play(scene, None).await) });
    let passed: Vec<_> = passed.buffered(Bridge::at_once(AT_ONCE)).collect().await;
    let mut points = BTreeMap::new();
    for (scene, names) in passed {
        for name in names.into_iter().filter(|name| scene.certainly_passes(name)) {
            points.entry(name).or_insert(scene);
        }
    }
    points
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_it_loses_and_repeats_nothing() {
    let every = wish("KILL_EVERY").and_then(|every| every.parse().ok()).unwrap_or(8);
    let only = wish("KILL_AT");
    let mut points = points(every == 1).await;
    // To die there is to die just before.
    points.retain(|point, _| !point.starts_with("sending "));
    for kind in call_names().chain(ITEM_KINDS).filter(|kind| every == 1 || !is_slow(kind)) {
        for moment in ["before", "after"] {
            let point = format!("{moment} {kind}");
            assert!(points.contains_key(&point), "no scene passes {point:?}");
        }
    }
    let first = draw_first(every);
    note(&format!("{} points, from {first}, every {every}", points.len()));
    let some = points.iter().skip(first).step_by(every);
    let is_wished =
        |point: &str| only.as_ref().is_none_or(|only| only.split(',').any(|it| it == point));
    let some = some.filter(|(point, _)| is_wished(point));
    let deaths = stream::iter(some).map(|(point, scene)| async move {
        let played = AssertUnwindSafe(play(scene, Some(point))).catch_unwind().await;
        played.is_err().then(|| format!("{point} in {}", scene.name))
    });
    let deaths: Vec<Option<String>> =
        deaths.buffer_unordered(Bridge::at_once(AT_ONCE)).collect().await;
    let fatal: Vec<String> = deaths.into_iter().flatten().collect();
    assert!(fatal.is_empty(), "fatal at {fatal:#?}; each is told of above");
}

/// What is paid for passes the same points as other calls, in scenes of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_sends_what_is_paid_for_it_pays_once() {
    let moments = ["before send", "after send", "before sent", "after sent"];
    let paid = SCENES.iter().filter(|scene| scenes::PAID_SCENES.contains(&scene.name));
    let plays = paid.flat_map(|scene| moments.map(|point| (scene, point)));
    let deaths = stream::iter(plays).map(|(scene, point)| async move {
        let played = AssertUnwindSafe(play(scene, Some(point))).catch_unwind().await;
        played.is_err().then(|| format!("{point} in {}", scene.name))
    });
    let deaths: Vec<Option<String>> =
        deaths.buffer_unordered(Bridge::at_once(AT_ONCE)).collect().await;
    let fatal: Vec<String> = deaths.into_iter().flatten().collect();
    assert!(fatal.is_empty(), "fatal at {fatal:#?}; each is told of above");
}
