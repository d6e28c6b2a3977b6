//! Whole histories, drawn by lot: tickets, words, notes, gestures, repeats, events that overtake
//! each other, trouble at both far ends, crashes at any instant and hours that pass. A model that
//! fits on a page says what both far ends must show when all is over.
//!
//! `HISTORIES` says how many are played, always the same ones in the same order, or new ones with
//! `HISTORY_SEED=any`, and `HISTORY_SECONDS` for how long new ones are begun. `HISTORY_SEED=7` plays
//! one of them again (as often as `HISTORIES` says: threads and the network keep no order, so a
//! failure may need some tries).

mod model;
mod plan;
mod world;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use crate::support::{Bridge, draw, note, wish};
use plan::{Act, Plan};
use world::World;

/// How many histories are played at the same time: they mostly wait.
const AT_ONCE: usize = 12;
/// How many are played if nobody says.
const USUAL: u64 = 40;
/// Those that failed once and showed how the bridge could be better come first.
const FAILED_ONCE: [u64; 3] = [164_373_127_629, 834_989_120_575, 1_032_333_558_681];
/// How long a history that failed is made shorter.
const SHRINKING: Duration = Duration::from_secs(40);

/// Plays a history; says what went wrong.
async fn play(plan: &Plan) -> Result<(), String> {
    let played = AssertUnwindSafe(World::play(plan)).catch_unwind().await;
    played.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default()
    })
}

/// Leaves out of a history what it fails without.
async fn shrink(mut plan: Plan, mut why: String) -> (Plan, String) {
    let deadline = Instant::now() + SHRINKING;
    let mut size = plan.acts.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < plan.acts.len() && Instant::now() < deadline {
            let mut less = plan.clone();
            less.acts.drain(at..(at + size).min(plan.acts.len()));
            match play(&less).await {
                Err(reason) => (plan, why) = (less, reason),
                Ok(()) => at += size,
            }
        }
        size /= 2;
    }
    (plan, why)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_both_far_ends_show_what_was_said_once_and_in_order() {
    let number = |name: &str| wish(name).and_then(|value| value.parse().ok());
    let count = number("HISTORIES").unwrap_or(USUAL);
    let usual = |nth| FAILED_ONCE.get(usize::try_from(nth).unwrap()).copied().unwrap_or(nth);
    let seconds = number("HISTORY_SECONDS").map_or(Duration::MAX, Duration::from_secs);
    let began = Instant::now();
    let seeds = (0..count)
        .map(|nth| draw("HISTORY_SEED", usual(nth), 1 << 40))
        .take_while(|_| began.elapsed() < seconds);
    let played = stream::iter(seeds).map(|seed| async move {
        let plan = Plan::draw(seed);
        let result = play(&plan).await;
        result.err().map(|why| (seed, plan, why))
    });
    let played: Vec<_> = played.buffer_unordered(Bridge::at_once(AT_ONCE)).collect().await;
    note(&format!("{} histories in {:?}", played.len(), began.elapsed()));
    let failed: Vec<_> = played.into_iter().flatten().collect();
    for (seed, _, why) in &failed {
        note(&format!("HISTORY_SEED={seed}: {}", why.lines().next().unwrap_or_default()));
    }
    let Some((seed, plan, why)) = failed.into_iter().next() else { return };
    let (plan, why) = shrink(plan, why).await;
    let acts: Vec<String> = plan.acts.iter().map(|act: &Act| format!("  {act:?}")).collect();
    let plan = Plan { acts: Vec::new(), ..plan };
    panic!("HISTORY_SEED={seed}\n{plan:?}\n{}\n{why}", acts.join("\n"));
}
