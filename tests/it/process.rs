//! The real program as an operator meets it: a full disk, a locked database, too much at once, being
//! stopped, and the commands that look after what is parked.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::{NewTicket, ServiceLimits};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use futures_util::future::join_all;

use serde_json::Value;

use crate::support::{Bridge, Service, note};

/// How long the program may take for what it was given.
const PATIENCE: Duration = Duration::from_mins(1);

async fn start(settings: &[(&str, &str)]) -> (Bridge, Service) {
    let mut bridge = Bridge::with(settings).await;
    let folder = bridge.folder().to_owned();
    let service = Service::replace(&mut bridge, &folder).await;
    (bridge, service)
}

/// The words beginning with this that customers are seen to say in a thread, in order.
fn shown(bridge: &Bridge, card: &Message, prefix: &str) -> Vec<String> {
    let said = bridge.said(card).join("\n");
    let words = said.split(|c: char| c.is_whitespace() || c == '.');
    words.filter(|word| word.starts_with(prefix)).map(str::to_owned).collect()
}

/// Ends a test: nothing is parked, nothing was done that a platform refuses, it stops well.
async fn finish(bridge: Bridge, mut service: Service) {
    service.idle(PATIENCE).await;
    assert_eq!(service.metric("blip_slack_parked_events").await, Some(0.0), "{}", service.log());
    let violations = [bridge.slack.violations(), bridge.blip.violations()].concat();
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(service.terminate().await.success());
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

async fn becomes(service: &Service, status: u16) {
    let became = tokio::time::timeout(PATIENCE, async {
        while service.get("/readyz").await.is_none_or(|(now, _)| now != status) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(became.await.is_ok(), "never {status}\n{}", service.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_the_bridge_goes_on_when_there_is_room_again() {
    let (bridge, mut service) = start(&[]).await;
    assert!(service.terminate().await.success());
    // No file may grow beyond a megabyte; writing more fails as on a full disk.
    service.first("ulimit -S -f 2048");
    service.start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let filler = "and so on ".repeat(900);
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0..400 {
        let said =
            bridge.blip.says(&ticket, &format!("customer-{number}. {filler}")).await.unwrap();
        match said.status {
            Some(200) => taken.push(format!("customer-{number}")),
            Some(503) => refused += 1,
            other => panic!("{other:?} for {number}"),
        }
        if refused >= 5 {
            break;
        }
    }
    note(&format!("{} taken, {refused} refused", taken.len()));
    assert!(refused > 0 && !taken.is_empty(), "{} taken", taken.len());
    becomes(&service, 503).await;
    assert!(service.get("/readyz").await.unwrap().1.contains("store"));
    assert_eq!(service.get("/healthz").await.unwrap().0, 200);
    let said = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "unheard").await.unwrap();
    assert_eq!(said.status, Some(503));
    let pid = service.pid();
    let lifted = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status();
    assert!(lifted.unwrap().success());
    becomes(&service, 200).await;
    let said = bridge.blip.says(&ticket, "customer-last").await.unwrap();
    assert_eq!(said.status, Some(200));
    taken.push("customer-last".to_owned());
    service.idle(PATIENCE).await;
    // What was refused may have been kept all the same; what was taken is there once, in order.
    let mut seen = shown(&bridge, &card, "customer-");
    seen.retain(|word| taken.contains(word));
    assert_eq!(seen, taken);
    finish(bridge, service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_somebody_else_has_locked_is_waited_for() {
    let (bridge, service) = start(&[]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    service.idle(PATIENCE).await;
    let database = bridge.folder().join("bridge.db");
    // For a moment: the sender waits, and notices nothing.
    let lock = crate::support::lock_database(&database);
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        lock.release();
    };
    let (said, ()) = tokio::join!(bridge.blip.says(&ticket, "customer-1"), unlock);
    assert_eq!(said.unwrap().status, Some(200));
    // For longer than a sender can be kept waiting.
    bridge.blip.configure_delivery(|policy| policy.timeout = PATIENCE);
    service.idle(PATIENCE).await;
    let lock = crate::support::lock_database(&database);
    assert_eq!(bridge.blip.says(&ticket, "refused").await.unwrap().status, Some(503));
    lock.release();
    becomes(&service, 200).await;
    assert_eq!(bridge.blip.says(&ticket, "customer-2").await.unwrap().status, Some(200));
    service.idle(PATIENCE).await;
    assert_eq!(shown(&bridge, &card, "customer-"), ["customer-1", "customer-2"]);
    finish(bridge, service).await;
}

/// Posts that Slack has taken, with this in them.
fn posts(bridge: &Bridge, words: &str) -> usize {
    let posts = bridge.slack.calls("chat.postMessage");
    posts.iter().filter(|call| call.body.to_string().contains(words)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_finishes_what_is_under_way() {
    let (bridge, mut service) = start(&[]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    service.idle(PATIENCE).await;
    bridge.slack.faults().next("chat.postMessage", Fault::Slow(Duration::from_secs(2)));
    bridge.blip.says(&ticket, "slow-one").await.unwrap();
    bridge.until("the post", || posts(&bridge, "slow-one") == 1).await;
    // It would have to wait for the first one.
    bridge.blip.says(&ticket, "slow-two").await.unwrap();
    service.ask_to_stop();
    // Whoever comes meanwhile is answered, or finds the door shut; what was taken counts.
    let mut taken = vec!["slow-one".to_owned(), "slow-two".to_owned()];
    for number in 3..200 {
        let word = format!("slow-{number}");
        match bridge.blip.says(&ticket, &word).await.unwrap().status {
            Some(200) => taken.push(word),
            _ => break,
        }
    }
    assert!(service.ended().await.success(), "{}", service.log());
    assert_eq!(shown(&bridge, &card, "slow-"), ["slow-one"]);
    assert!(!service.log().contains("not finished in time"), "{}", service.log());
    service.start().await;
    service.idle(PATIENCE).await;
    assert_eq!(shown(&bridge, &card, "slow-"), taken);
    assert_eq!(posts(&bridge, "slow-one"), 1, "it was not even tried again");
    finish(bridge, service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_end_that_hangs_holds_stopping_up_for_shutdown_seconds_only() {
    let (bridge, mut service) = start(&[("SHUTDOWN_SECONDS", "1")]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    service.idle(PATIENCE).await;
    bridge.slack.faults().from_now("chat.postMessage", Fault::Hang);
    bridge.blip.says(&ticket, "hung-one").await.unwrap();
    bridge.until("the post", || posts(&bridge, "hung-one") == 1).await;
    let asked = Instant::now();
    service.ask_to_stop();
    assert!(service.ended().await.success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(service.log().contains("not finished in time"));
    bridge.slack.faults().clear();
    service.start().await;
    service.idle(PATIENCE).await;
    assert_eq!(shown(&bridge, &card, "hung-"), ["hung-one"]);
    finish(bridge, service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let (bridge, mut service) = start(&[("SHUTDOWN_SECONDS", "600")]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    service.idle(PATIENCE).await;
    bridge.slack.faults().from_now("chat.postMessage", Fault::Hang);
    bridge.blip.says(&ticket, "hung-one").await.unwrap();
    bridge.until("the post", || posts(&bridge, "hung-one") == 1).await;
    service.ask_to_stop();
    bridge.until("the first signal", || service.log().contains("a second signal")).await;
    let asked = Instant::now();
    service.ask_to_stop();
    assert!(service.ended().await.success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    bridge.slack.faults().clear();
    service.start().await;
    service.idle(PATIENCE).await;
    assert_eq!(shown(&bridge, &card, "hung-"), ["hung-one"]);
    finish(bridge, service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_only_when_it_can_serve() {
    let (bridge, mut service) = start(&[]).await;
    assert!(service.terminate().await.success());
    bridge.slack.faults().from_now("auth.test", Fault::Code("invalid_auth".to_owned()));
    service.launch();
    becomes(&service, 503).await;
    assert!(service.get("/readyz").await.unwrap().1.contains("SLACK_BOT_TOKEN"));
    assert_eq!(service.metric("blip_slack_ready").await, Some(0.0));
    // It takes in what comes all the same.
    let opened = bridge.blip.opens_ticket(NewTicket::saying("Eva", "eva@0mn.io", "Oi")).await;
    assert_eq!(opened.status, Some(200));
    bridge.slack.faults().clear();
    assert!(service.terminate().await.success());
    service.start().await;
    assert_eq!(service.metric("blip_slack_ready").await, Some(1.0));
    service.idle(PATIENCE).await;
    bridge.card_of("Eva").await;
    finish(bridge, service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_is_listed_and_put_back_while_the_service_runs() {
    let (bridge, service) = start(&[]).await;
    let run = |arguments: &[&str]| {
        let output = service.run(arguments);
        let words = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
        (output.status.code(), words.concat())
    };
    assert_eq!(run(&["parked"]), (Some(0), "Nothing is parked.\n".to_owned()));
    let (status, words) = run(&["retry"]);
    assert!(status == Some(0) && words.starts_with("0 put back"), "{words}");
    let mut tickets = Vec::new();
    for name in ["Maria", "Rui"] {
        let (ticket, card) = bridge.ticket(name, "Oi").await;
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        service.idle(PATIENCE).await;
        bridge.blip.faults().next("/messages", Fault::Status(400));
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &format!("to {name}")).await.unwrap();
        service.idle(PATIENCE).await;
        tickets.push(ticket);
    }
    let [maria, rui] = tickets.as_slice() else { unreachable!() };
    let (status, words) = run(&["parked"]);
    assert_eq!((status, words.lines().count()), (Some(0), 2), "{words}");
    for (line, ticket) in words.lines().zip(&tickets) {
        assert!(line.contains(&format!("default/{ticket}")) && !line.contains("to "), "{line}");
    }
    assert_eq!(service.metric("blip_slack_parked_events").await, Some(2.0));
    // One ticket's, then all the rest; the service takes them up by itself.
    let (status, words) = run(&["retry", "--ticket", &format!("default/{rui}")]);
    assert!(status == Some(0) && words.starts_with("1 put back"), "{words}");
    bridge.until("the reply", || bridge.received(rui) == ["to Rui"]).await;
    assert!(bridge.received(maria).is_empty());
    let (status, words) = run(&["retry"]);
    assert!(status == Some(0) && words.starts_with("1 put back"), "{words}");
    bridge.until("the reply", || bridge.received(maria) == ["to Maria"]).await;
    assert_eq!(run(&["parked"]).1, "Nothing is parked.\n");
    let (status, words) = run(&["retry", "--ticket", "nonsense"]);
    assert!(status == Some(1) && words.lines().count() == 1 && words.contains("bot/id"), "{words}");
    assert_eq!(run(&["retry", "--tickets"]).0, Some(2));
    // A second service on the same database is refused, and says why.
    let (status, words) = run(&["serve"]);
    assert!(status == Some(1) && words.contains("another process serves this"), "{words}");
    finish(bridge, service).await;
}

/// Tickets that are written to at the same time.
const TICKETS: usize = 16;
/// What each customer says as fast as it is taken.
const MESSAGES: usize = 50;
/// Half of them still wait when the last one was taken, however busy the machine is otherwise.
const MANY: f64 = 400.0;
/// How much the memory may be above what it was when a tenth was taken.
const GROWTH: u64 = 24 << 20;

/// Customers write as fast as they are answered, while Slack takes a fraction of that: what waits
/// is on the disk and not in the memory, and all of it arrives, once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn far_too_much_at_once_waits_on_the_disk_and_arrives_in_order() {
    let (bridge, service) = start(&[("SEND_READ_RECEIPTS", "false")]).await;
    let names: Vec<String> = (0..TICKETS).map(|number| format!("Customer{number}.")).collect();
    let tickets = join_all(names.iter().map(|name| bridge.ticket(name, "Oi"))).await;
    service.idle(PATIENCE).await;
    // About three posts a second: a machine with much else to do takes what they say far more slowly
    // than one without, and still has to take it faster than that.
    bridge.slack.faults().from_now("chat.postMessage", Fault::Slow(Duration::from_secs(6)));
    bridge.blip.retries_until_taken();
    let filler = "and so on ".repeat(100);
    let (done, said) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let speak = join_all(tickets.iter().map(async |(ticket, _)| {
        for number in 0..MESSAGES {
            let words = format!("word-{number}. {filler}");
            let status = bridge.blip.says(ticket, &words).await.unwrap().status;
            assert_eq!(status, Some(200), "{number}");
            said.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let measure = async {
        let all = (TICKETS * MESSAGES) as u64;
        let (mut base, mut peak) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let memory = service.memory();
            let part = if said.load(Ordering::Relaxed) * 10 < all { &mut base } else { &mut peak };
            *part = memory.max(*part);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (base, peak)
    };
    let spoken = async {
        speak.await;
        let waiting = service.metric("blip_slack_waiting_events").await.unwrap();
        note(&format!("{waiting} waited at last"));
        assert!(waiting > MANY, "it was not too much: {waiting}");
        bridge.slack.faults().clear();
        service.idle(PATIENCE * 2).await;
        done.store(true, Ordering::Relaxed);
    };
    let ((base, peak), ()) = tokio::join!(measure, spoken);
    note(&format!("memory {} KiB, at most {} KiB", base / 1024, peak / 1024));
    assert!(peak < base + GROWTH, "it grew from {base} to {peak}");
    let expected: Vec<String> = (0..MESSAGES).map(|number| format!("word-{number}")).collect();
    for (_, card) in &tickets {
        assert_eq!(shown(&bridge, card, "word-"), expected);
    }
    finish(bridge, service).await;
}

/// Lanes whose jobs are about no ticket, or about several: what the names of these begin with, and why.
const LANES_OF_NO_TICKET: [(&str, &str); 4] = [
    ("own:later:delivery:", "asks Blip of all replies of a bot at once"),
    ("own:later:weekly:", "counts all tickets of a week"),
    ("own:compare:", "looks at all threads of a channel"),
    ("own:shared:", "tells of a channel"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_below_a_lane_says_which_ticket_it_is_about() {
    let settings = [
        ("LOG_FORMAT", "json"),
        ("LOG", "info,blip_slack=debug"),
        ("SLA", "blip"),
        ("REMIND_UNCLAIMED_MINUTES", "600"),
        ("SEND_READ_RECEIPTS", "true"),
    ];
    let (bridge, mut service) = start(&settings).await;
    bridge.blip.configure(|setup| {
        setup.sends_receipts = true;
        setup.service_limits = Some(ServiceLimits {
            waiting: Duration::from_mins(5),
            first_answer: Duration::from_hours(1),
            attendance: Duration::from_hours(1),
        });
    });
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let (_, unclaimed) = bridge.ticket("Rui", "Oi").await;
    bridge.blip.faults().next("/messages", Fault::Status(503));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.blip.wait_for("the reply", |state| state.received(&ticket).next().cloned()).await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "(a note)").await.unwrap();
    bridge.blip.says(&ticket, "Obrigada").await.unwrap();
    service.idle(PATIENCE).await;
    assert!(service.terminate().await.success());
    // Whoever waits has waited for too long when the program looks, which it does at its start.
    bridge.blip.advance(Duration::from_mins(6));
    service.start().await;
    let is_reminded = || bridge.said(&unclaimed).iter().any(|said| said.contains('⏰'));
    bridge.until("a reminder", is_reminded).await;
    service.idle(PATIENCE).await;

    let log = service.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let field = |line: &Value, span: &str, name: &str| {
        let spans = line["spans"].as_array().into_iter().flatten();
        let mut found = spans.filter(|found| found["name"] == span).map(|span| span[name].clone());
        found.next_back().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let is_known = |line: &Value| {
        let said = line["ticket.id"].as_str().unwrap_or_default().to_owned();
        let spans = ["lane", "event"].map(|span| field(line, span, "ticket.id"));
        spans.into_iter().chain([said]).any(|id| id.starts_with("default/"))
    };
    let mut lanes = BTreeSet::new();
    for line in &lines {
        let lane = field(line, "lane", "lane");
        if lane.is_empty() || LANES_OF_NO_TICKET.iter().any(|(known, _)| lane.starts_with(known)) {
            continue;
        }
        assert!(is_known(line), "{line:#}");
        lanes.insert(lane.split(&format!("default/{ticket}")).next().unwrap().to_owned());
    }
    // Replies and notes, cards, marks, receipts of both directions and reminders have been among them.
    for lane in ["reply:", "ticket:", "own:card:", "own:mark:", "own:seen:", "own:remind:"] {
        assert!(lanes.iter().any(|seen| seen.starts_with(lane)), "{lane}: {lanes:#?}");
    }
    let failed = lines.iter().find(|line| line["message"] == "a call failed").expect(&log);
    assert!(field(failed, "lane", "ticket.id").contains(&ticket), "{failed}");
    assert_eq!(field(failed, "event", "source"), "slack", "{failed}");
    finish(bridge, service).await;
}
