//! The bridge is cut off at every step of its work, and goes on with the same memory.
//!
//! A step begins or ends with a write into the memory: before and after each call to a platform, after
//! each thing that was decided. One after the other, the moment before and the moment after each such
//! write is the last of the bridge; then all of it is gone in an instant, and another one starts on the
//! same file. `CUT_EVERY=1` cuts at each of them in one run; `CUT_AT=58 CUT_EVERY=20` at this one, so often.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use blip_slack::app::{FileTiming, Tuning};
use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::store::SharedStore;
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::Message;
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::later::Running;
use crate::support::watched::{Use, Watched, Witness};
use crate::support::{Bridge, Mortal, draw_first, note, samples, tuning, wish};

/// Where the bridge is to be cut off, and how far it has come.
#[derive(Default)]
struct Knife {
    /// The moment after which nothing happens any more; none if 0.
    at: usize,
    moments: AtomicUsize,
    cut: Notify,
}

impl Knife {
    /// The beginning or the end of a use of the memory.
    async fn pass(&self, kind: Use) {
        if kind == Use::Read {
            return;
        }
        if self.moments.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            self.cut.notify_one();
        }
        if self.at != 0 && self.moments.load(Ordering::SeqCst) >= self.at {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Witness for Arc<Knife> {
    async fn is_about_to_use(&self, _: &'static str, kind: Use) {
        self.pass(kind).await;
    }

    async fn used(&self, _: &'static str, kind: Use) {
        self.pass(kind).await;
    }
}

/// Starts a bridge whose memory the knife cuts off, where the stage's own bridge was.
async fn live(bridge: &Bridge, knife: &Arc<Knife>, clock: &Clock) -> Mortal {
    let knife = Arc::clone(knife);
    let wrap =
        move |store| -> SharedStore { Arc::new(Watched { store, witness: Arc::clone(&knife) }) };
    let files = FileTiming { patience: Duration::from_millis(100), ..FileTiming::default() };
    let (wrap, clock) = (Some(Arc::new(wrap) as _), clock.clone());
    Mortal::start(bridge, Tuning { files, wrap, clock, ..tuning() }).await
}

async fn card(bridge: &Bridge, words: &str) -> Message {
    bridge
        .slack
        .wait_for(words, |state| {
            state.cards(CHANNEL).find(|card| card.words().contains(words)).cloned()
        })
        .await
}

/// Waits until a word is in some thread of the channel.
async fn shown(bridge: &Bridge, word: &str) {
    bridge
        .slack
        .wait_for(word, |state| {
            let messages = state.channels[CHANNEL].messages.values();
            messages.map(Message::words).any(|words| words.contains(word)).then_some(())
        })
        .await;
}

/// A whole ticket, whose thread is deleted half way.
async fn play(bridge: &Bridge) -> String {
    let first = format!("first-word {} last-word", "and so on. ".repeat(400));
    let ticket = bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", &first));
    let ticket = ticket.await.id;
    let old = card(bridge, "first-word").await;
    shown(bridge, "last-word").await;
    bridge.slack.reacts(ANA, CHANNEL, &old.ts, "eyes").await.unwrap();
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&old.ts), "reply-1").await.unwrap();
    shown(bridge, "customer-1").await;
    bridge.until("the first reply", || bridge.received(&ticket).len() == 1).await;
    bridge.slack.deletes(ANA, CHANNEL, &old.ts).await.unwrap();
    bridge.blip.says(&ticket, "customer-2").await.unwrap();
    shown(bridge, "customer-2").await;
    let new = card(bridge, "first-word").await;
    bridge.slack.says(ANA, CHANNEL, Some(&new.ts), "reply-2").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&new.ts), "// note").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &new.ts, "white_check_mark").await.unwrap();
    let is_over = || bridge.blip.ticket(&ticket).unwrap().is_closed();
    // What was shown where its thread was lost came to the new one only now: then it asks.
    let questions = || {
        let thread = bridge.slack.thread(CHANNEL, &new.ts).into_iter();
        thread.filter(|line| line.words().contains("the ticket stays open")).collect::<Vec<_>>()
    };
    let mut answered = 0;
    loop {
        bridge.until("the end or a question", || is_over() || questions().len() > answered).await;
        let Some(question) = questions().into_iter().nth(answered).filter(|_| !is_over()) else {
            break;
        };
        let pressed = bridge.slack.clicks(ANA, CHANNEL, &question.ts, "close_anyway").await;
        // A press that the bridge which was cut off has not taken is made again; one that is not
        // possible any more was taken.
        let is_taken = pressed.map_or(true, |press| press.status == Some(200));
        answered += usize::from(is_taken);
    }
    let closed = |state: &blip_slack_standins::slack::State| {
        let card = state.message(CHANNEL, &new.ts).filter(|card| card.buttons().is_empty());
        let note = state.thread(CHANNEL, &new.ts).any(|message| message.reacted("lock").len() == 1);
        card.filter(|_| note).map(drop)
    };
    bridge.slack.wait_for("the last state of the card", closed).await;
    ticket
}

/// A file that comes late, and words meanwhile.
async fn play_late_file(bridge: &Bridge) {
    let ticket = bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "first-word"));
    let ticket = ticket.await.id;
    let uri = bridge.blip.hosts_dripping("image/png", &samples::bytes(5000));
    let photo = json!({"type": "image/png", "uri": uri, "title": "a.png", "text": "caption-1"});
    let kind = "application/vnd.lime.media-link+json";
    bridge.blip.sends(&ticket, kind, photo).await.unwrap();
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    shown(bridge, "customer-1").await;
    bridge.blip.lets_media_flow();
    shown(bridge, "a.png: it came later").await;
}

/// A photo that is being shown while its thread is deleted.
async fn play_lost_thread(bridge: &Bridge) {
    let ticket = bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "first-word"));
    let ticket = ticket.await.id;
    let old = card(bridge, "first-word").await;
    bridge.slack.configure(|setup| setup.shares_after = Some(Duration::from_millis(100)));
    let (photo, caption) = (("a.png", "image/png"), Some("caption-1"));
    bridge.blip.sends_file(&ticket, photo, &samples::png(), caption).await.unwrap();
    let is_handed_over = || !bridge.slack.calls("files.completeUploadExternal").is_empty();
    bridge.until("the upload", is_handed_over).await;
    bridge.slack.deletes(ANA, CHANNEL, &old.ts).await.unwrap();
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    shown(bridge, "customer-1").await;
    shown(bridge, "thread was deleted").await;
    // What was said after a photo does not wait long until Slack shows it; and what was shown in the
    // thread before it was lost is taken back and shown once more.
    let is_whole = || {
        let is_old = |it: &Message| it.ts != old.ts && it.thread_ts.as_ref() == Some(&old.ts);
        let (gone, all): (Vec<_>, Vec<_>) = all_messages(bridge).into_iter().partition(is_old);
        let words = all.iter().map(Message::words).collect::<Vec<_>>().join("\n");
        let is_left = |it: &Message| {
            !it.files.is_empty() || LOST_THREAD_WORDS.iter().any(|word| it.words().contains(word))
        };
        !gone.iter().any(is_left)
            && LOST_THREAD_WORDS.iter().all(|word| words.contains(word))
            && all.iter().any(|message| !message.files.is_empty())
    };
    bridge.until("all of it in the new thread", is_whole).await;
}

/// What is shown at the end of [`play_lost_thread`], once.
const LOST_THREAD_WORDS: [&str; 3] = ["caption-1", "customer-1", "thread was deleted"];

fn all_messages(bridge: &Bridge) -> Vec<Message> {
    bridge.slack.look(|state| state.channels[CHANNEL].messages.values().cloned().collect())
}

/// What is played, and what must be so afterwards.
#[derive(Clone, Copy, Debug)]
pub enum Play {
    Ticket,
    LateFile,
    LostThread,
}

impl Play {
    pub async fn play(self, bridge: &Bridge) -> String {
        match self {
            Self::Ticket => play(bridge).await,
            Self::LateFile => {
                play_late_file(bridge).await;
                String::new()
            }
            Self::LostThread => {
                play_lost_thread(bridge).await;
                String::new()
            }
        }
    }

    pub fn check(self, bridge: &Bridge, ticket: &str, name: &str) {
        let all = all_messages(bridge);
        let words = all.iter().map(Message::words).collect::<Vec<_>>().join("\n");
        let once: &[&str] = match self {
            Self::Ticket => &["last-word", "customer-1", "customer-2", "thread was deleted"],
            Self::LateFile => &["caption-1", "customer-1", "it came later"],
            Self::LostThread => &LOST_THREAD_WORDS,
        };
        for word in once {
            assert_eq!(words.matches(word).count(), 1, "{name}: {word} in {words}");
        }
        match self {
            Self::Ticket => {
                let told = || format!("{name}\n{}", bridge.slack.transcript());
                assert_eq!(bridge.received(ticket), ["reply-1", "reply-2"], "{}", told());
            }
            Self::LateFile | Self::LostThread => {
                let files = all.iter().flat_map(|message| &message.files).count();
                assert_eq!(files, 1, "{name}: {}", bridge.slack.transcript());
            }
        }
        let cards = bridge.slack.cards(CHANNEL);
        let cards = cards.iter().filter(|card| card.words().contains("Maria")).count();
        assert_eq!(cards, 1, "{name}: {}", bridge.slack.transcript());
        assert!(bridge.slack.violations().is_empty(), "{name}: {:?}", bridge.slack.violations());
        assert!(bridge.blip.violations().is_empty(), "{name}: {:?}", bridge.blip.violations());
    }
}

/// Plays with a bridge that dies after so many moments; returns how many there were.
async fn survive(at: usize, what: Play) -> usize {
    let mut bridge = Bridge::start().await;
    bridge.stop_bridge().await;
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| {
        policy.retries = vec![Duration::from_millis(20); 500];
        policy.timeout = Duration::from_millis(500);
    });
    bridge.blip.configure_delivery(|policy| policy.timeout = Duration::from_millis(500));
    let knife = Arc::new(Knife { at, ..Knife::default() });
    // Who does not see a photo waits for it, and then looks whether its thread is gone.
    let hurried = matches!(what, Play::LostThread).then(|| Running::start(10));
    let clock = hurried.as_ref().map_or_else(Clock::system, |running| running.clock.clone());
    let mortal = live(&bridge, &knife, &clock).await;
    let second_life = async {
        knife.cut.notified().await;
        drop(mortal);
        let life = live(&bridge, &Arc::default(), &clock).await;
        std::future::pending::<()>().await;
        drop(life);
    };
    let ticket = tokio::select! {
        ticket = what.play(&bridge) => ticket,
        () = second_life => unreachable!("it lives on"),
    };
    let name = format!("{what:?} cut off at moment {at}");
    what.check(&bridge, &ticket, &name);
    knife.moments.load(Ordering::SeqCst)
}

/// Plays it once to the end, and then once for some of its moments.
async fn survive_cuts(what: Play) {
    let moments = survive(0, what).await;
    note(&format!("{moments} moments"));
    // All of them take a minute.
    let every = wish("CUT_EVERY").and_then(|every| every.parse().ok()).unwrap_or(5);
    let first = 1 + draw_first(every);
    note(&format!("from {first}, every {every}"));
    let steps: Vec<usize> = match wish("CUT_AT").and_then(|at| at.parse().ok()) {
        Some(at) => vec![at; every],
        None => (first..=moments).step_by(every).collect(),
    };
    let mut fatal = Vec::new();
    for some in steps.chunks(8) {
        let lives = some.iter().map(async |at| {
            AssertUnwindSafe(survive(*at, what)).catch_unwind().await.is_err().then_some(*at)
        });
        fatal.extend(join_all(lives).await.into_iter().flatten());
    }
    assert!(fatal.is_empty(), "fatal at these of {moments} moments: {fatal:?}; told of above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_after_any_step_it_goes_on_as_if_nothing_had_happened() {
    survive_cuts(Play::Ticket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_after_any_step_a_late_file_still_follows_once() {
    survive_cuts(Play::LateFile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_after_any_step_a_photo_whose_thread_is_gone_is_brought_anew_once() {
    survive_cuts(Play::LostThread).await;
}
