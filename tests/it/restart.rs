//! The real program, killed with `SIGKILL` at random moments under load while both platforms make
//! trouble: what was acknowledged arrives, once and in order.
//!
//! `SOAK_SECONDS` makes it go on for longer, `SOAK_SEED` repeats a run as far as that is possible
//! with real processes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use futures_util::future::join_all;

use crate::support::{Bridge, Service, draw, note, wish};

/// Tickets that are open at the same time.
const TICKETS: usize = 60;
/// What each side writes in a ticket.
const MESSAGES: usize = 4;
/// How long catching up may take after the last kill: retries pause for up to 20 s.
const CATCHING_UP: Duration = Duration::from_secs(90);

/// A ticket on both sides.
pub struct Pair {
    name: String,
    pub ticket: String,
    card: String,
}

/// Trouble that ends soon: nothing hangs, so that a round is over in seconds.
fn troubles() -> Vec<(f64, Fault)> {
    let all = [
        Fault::Status(500),
        Fault::Reset,
        Fault::Html,
        Fault::Garbage,
        Fault::LostAnswer,
        Fault::LostAnswer500,
    ];
    let slow = (0.02, Fault::Slow(Duration::from_millis(200)));
    all.into_iter().map(|fault| (0.01, fault)).chain([slow]).collect()
}

/// Opens so many tickets and waits for their cards.
pub async fn open_tickets(bridge: &Bridge, count: usize) -> Vec<Pair> {
    let names: Vec<String> = (0..count).map(|number| format!("t{number}.")).collect();
    let open = async |name: &String| {
        let new = NewTicket::saying(name, &format!("{name}@0mn.io"), &format!("help-{name}"));
        let opened = bridge.blip.opens_ticket(new).await;
        assert_eq!(opened.status, Some(200), "{name}");
        (name.clone(), opened.id)
    };
    let opened: HashMap<String, String> =
        join_all(names.iter().map(open)).await.into_iter().collect();
    let deadline = Instant::now() + CATCHING_UP;
    loop {
        let cards = bridge.slack.cards(CHANNEL);
        let pairs: Vec<Pair> = cards.iter().filter_map(|card| pair(card, &opened)).collect();
        if pairs.len() >= count {
            return pairs;
        }
        let missing =
            || opened.iter().filter(|(name, _)| pairs.iter().all(|pair| pair.name != **name));
        assert!(Instant::now() < deadline, "no cards for {:#?}", missing().collect::<Vec<_>>());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn pair(card: &Message, opened: &HashMap<String, String>) -> Option<Pair> {
    let words = card.words();
    let name = words.split_whitespace().find_map(|word| word.strip_prefix("help-"))?;
    let ticket = opened.get(name)?.clone();
    Some(Pair { name: name.to_owned(), ticket, card: card.ts.clone() })
}

fn expected(who: &str, pair: &Pair) -> Vec<String> {
    (0..MESSAGES).map(|number| format!("{who}-{}{number}", pair.name)).collect()
}

/// Both sides write by turns, and the agent closes the ticket.
pub async fn converse(bridge: &Bridge, pair: &Pair) {
    for (customer, agent) in expected("customer", pair).iter().zip(&expected("agent", pair)) {
        let said = bridge.blip.says(&pair.ticket, customer).await.unwrap();
        assert_eq!(said.status, Some(200), "{customer}");
        let said = bridge.slack.says(ANA, CHANNEL, Some(&pair.card), agent).await.unwrap();
        assert_eq!(said.status, Some(200), "{agent}");
    }
    let done = bridge.slack.reacts(ANA, CHANNEL, &pair.card, "white_check_mark").await.unwrap();
    assert_eq!(done.status, Some(200), "{}", pair.name);
}

/// An agent who was asked whether to close a ticket with words that came meanwhile does so.
pub async fn insist(bridge: &Bridge, pair: &Pair) {
    let thread = bridge.slack.thread(CHANNEL, &pair.card);
    if let Some(asked) = thread.iter().find(|line| line.words().contains("the ticket stays open")) {
        let pressed = bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "close_anyway").await.unwrap();
        assert_eq!(pressed.status, Some(200), "{}", pair.name);
    }
}

/// What went wrong with a ticket, in words.
pub fn faults_of(bridge: &Bridge, pair: &Pair) -> Vec<String> {
    let thread = bridge.slack.thread(CHANNEL, &pair.card);
    let thread = thread.iter().map(Message::words).collect::<Vec<_>>().join("\n");
    let shown: Vec<&str> =
        thread.split_whitespace().filter(|word| word.starts_with("customer-")).collect();
    let received = bridge.blip.received(&pair.ticket);
    let received: Vec<&str> = received.iter().filter_map(|m| m.content.as_str()).collect();
    let mut faults = Vec::new();
    if shown != expected("customer", pair) {
        faults.push(format!("{} shows {shown:?}", pair.name));
    }
    if received != expected("agent", pair) {
        faults.push(format!("{} received {received:?}", pair.name));
    }
    if !bridge.blip.ticket(&pair.ticket).is_some_and(|ticket| ticket.is_closed()) {
        faults.push(format!("{} is not closed", pair.name));
    }
    faults
}

/// Kills and starts the program again until told to stop; returns how often.
async fn kill_repeatedly(
    service: &mut Service,
    seed: u64,
    stop: impl Future<Output = ()>,
) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut kills = 0;
    let mut stop = std::pin::pin!(stop);
    loop {
        let pause = Duration::from_millis(random.u64(20..900));
        tokio::select! {
            () = &mut stop => return kills,
            () = tokio::time::sleep(pause) => {}
        }
        service.kill();
        service.start().await;
        kills += 1;
    }
}

/// Plays many tickets while the program is killed again and again; returns how often it was.
async fn round(seed: u64) -> usize {
    note(&format!("seed {seed}"));
    let mut bridge = Bridge::with(&[("LOG", "info")]).await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(50); 500]);
    bridge.slack.faults().at_random(seed, troubles());
    bridge.blip.faults().at_random(seed + 1, troubles());
    let mut pairs = Vec::new();
    let play = async {
        pairs = open_tickets(&bridge, TICKETS).await;
        join_all(pairs.iter().map(|pair| converse(&bridge, pair))).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let kills = kill_repeatedly(&mut service, seed, play).await;
    service.idle(CATCHING_UP).await;
    join_all(pairs.iter().map(|pair| insist(&bridge, pair))).await;
    service.idle(CATCHING_UP).await;
    let faults: Vec<String> = pairs.iter().flat_map(|pair| faults_of(&bridge, pair)).collect();
    assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    assert_eq!(bridge.slack.cards(CHANNEL).len(), TICKETS, "seed {seed}");
    assert_eq!(service.metric("blip_slack_parked_events").await, Some(0.0));
    let violations = [bridge.slack.violations(), bridge.blip.violations()].concat();
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(service.terminate().await.success());
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_repeats_and_reorders_nothing() {
    let number = |name: &str| wish(name).and_then(|value| value.parse().ok());
    let seed = draw("SOAK_SEED", 1, 1 << 32);
    let until = Instant::now() + Duration::from_secs(number("SOAK_SECONDS").unwrap_or(0));
    let (mut rounds, mut kills) = (0, 0);
    while rounds == 0 || Instant::now() < until {
        kills += round(seed + rounds).await;
        rounds += 1;
        note(&format!("{rounds} rounds, {kills} kills"));
    }
}
