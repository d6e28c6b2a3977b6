//! What the bridge forgets, and that nothing of it is left in any file.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use blip_slack::app::{FileTiming, Tuning};
use blip_slack::clock::Clock;
use blip_slack::control::{self, ControlRequest};
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::store::sqlite::SqliteOptions;
use blip_slack::store::{BACKED_UP, SqliteStore, Store as _};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use serde_json::{Value, json};

use crate::support::{Bridge, Service, samples, tuning};

/// The files in the bridge's folder that hold any of these.
fn files_with(bridge: &Bridge, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(bridge.folder()).unwrap() {
        let path = entry.unwrap().path();
        // The program itself, which the tests copy to where it runs; it is large.
        if path.ends_with("blip-slack") {
            continue;
        }
        // A file of SQLite's may go meanwhile.
        let Ok(bytes) = fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let held = words.iter().filter(|word| text.contains(**word));
        found.extend(held.map(|word| format!("{word} in {}", path.display())));
    }
    found
}

#[tokio::test]
async fn words_are_in_no_file_any_more_once_they_are_not_kept() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "secret-opening").await;
    bridge.blip.says(&ticket, "secret-question").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "secret-answer").await.unwrap();
    bridge.until("the answer", || bridge.received(&ticket) == ["secret-answer"]).await;
    let secrets = ["secret-opening", "secret-question", "secret-answer"];
    bridge.idle().await;
    assert_ne!(files_with(&bridge, &secrets).len(), 0, "they are kept for some days");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.set_setting("RETAIN_BODIES_DAYS", "0");
    bridge.start_bridge().await.unwrap();
    bridge.until("nothing to be left", || files_with(&bridge, &secrets).is_empty()).await;
    bridge.finish().await;
}

#[tokio::test]
async fn closed_tickets_are_in_no_file_any_more_once_they_are_not_kept() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.ticket("Rui Costa", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.set_setting("RETAIN_BODIES_DAYS", "0");
    bridge.set_setting("RETAIN_TICKETS_DAYS", "1");
    bridge.start_bridge().await.unwrap();
    bridge.idle().await;
    assert_ne!(files_with(&bridge, &["Maria Silva"]).len(), 0, "it was closed just now");
    bridge.stop_bridge().await;
    bridge.lies_still_for_a_day().await;
    bridge.start_bridge().await.unwrap();
    let maria = ["Maria", "maria.silva"];
    bridge.until("nothing to be left", || files_with(&bridge, &maria).is_empty()).await;
    assert_ne!(files_with(&bridge, &["Rui Costa"]).len(), 0, "it is open");
    bridge.finish().await;
}

/// What the customer to be forgotten is known by. As WhatsApp has it, without the ninth digit.
const IDENTITY: &str = "551187654321@wa.gw.msging.net";
/// What must not be left.
const TRACES: [&str; 7] =
    ["Zulmira", "Conceição", "1187654321", "1187650000", "11987650000", "secret-", "Concei\\u00e7"];

/// The customer opens a ticket that is claimed and answered, and writes again.
async fn conversation(bridge: &Bridge, (name, identity): (&str, &str)) -> String {
    let opened =
        bridge.blip.opens_ticket(NewTicket::saying(name, identity, "secret-opening")).await;
    let card = bridge.card_of(name).await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "secret-answer").await.unwrap();
    bridge.until("the answer", || !bridge.received(&opened.id).is_empty()).await;
    bridge.blip.says(&opened.id, "secret-question").await.unwrap();
    bridge.until("the question", || bridge.said(&card).join("").contains("secret-que")).await;
    opened.id
}

/// Asks the running bridge, as a command does.
async fn ask(bridge: &Bridge, request: ControlRequest) -> String {
    let socket = bridge.folder().join("bridge.db.sock");
    control::ask_bridge(&socket, &request).await.unwrap().expect("a bridge runs")
}

async fn erase(bridge: &Bridge) -> String {
    ask(bridge, ControlRequest::Erase { customer: "+55 (11) 98765-4321".to_owned(), slack: None })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_shown_and_erased_beside_a_running_bridge_and_without_one() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let other = NewTicket::saying("Rui Costa", "5521987654321@wa.gw.msging.net", "kept-words");
    bridge.blip.opens_ticket(other).await;
    for (is_running, name, identity, number) in [
        (true, "Zulmira Conceição", IDENTITY, "11 98765-4321"),
        (false, "Conceição Zulmira", "5511987650000@wa.gw.msging.net", "+55 11 8765-0000"),
    ] {
        let ticket = conversation(&bridge, (name, identity)).await;
        bridge.blip.closes(&ticket, "ClosedAttendant").await.unwrap();
        service.idle(Duration::from_secs(20)).await;
        if !is_running {
            assert!(service.terminate().await.success());
        }
        let run = |arguments: &[&str]| {
            let output = service.run(arguments);
            let words = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
            (output.status.code(), words.concat())
        };
        let (status, shown) = run(&["privacy", "export", "--customer", &identity.to_uppercase()]);
        assert_eq!(status, Some(0), "{shown}");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let found = shown["tickets"].as_array().unwrap();
        let found = found.iter().find(|kept| kept["id"] == format!("default/{ticket}")).unwrap();
        assert_eq!(found["ticket"]["name"], name);
        for words in ["secret-opening", "secret-question", "secret-answer"] {
            assert!(found.to_string().contains(words), "{words} in {found:#}");
        }
        assert!(!shown.to_string().contains("Rui"), "{shown:#}");
        // It asks before it erases, and takes a yes only.
        let number = ["privacy", "erase", "--customer", number];
        let (status, words) = run(&number);
        assert!(status == Some(1) && words.contains("Zulmira"), "{words}");
        let mut asked = service.command(&number);
        let mut asked = asked.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        asked.stdin.take().unwrap().write_all(b"no\n").unwrap();
        assert!(!asked.wait_with_output().unwrap().status.success());
        assert_ne!(files_with(&bridge, &TRACES).len(), 0);
        let (status, words) = run(&[&number[..], &["--yes"]].concat());
        assert_eq!((status, words.as_str()), (Some(0), "1 ticket erased.\n"));
        assert_eq!(files_with(&bridge, &TRACES), [""; 0]);
        assert_ne!(files_with(&bridge, &["Rui Costa"]).len(), 0);
        let (status, shown) = run(&["privacy", "export", "--customer", identity]);
        assert_eq!(status, Some(0), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), json!({"tickets": []}));
    }
    service.start().await;
    service.idle(Duration::from_secs(20)).await;
    assert_eq!(files_with(&bridge, &TRACES), [""; 0]);
    let (status, words) = {
        let output = service.run(&["privacy", "export", "--customer", "Zulmira"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert!(status == Some(1) && words.contains("--customer"), "{words}");
    assert!(service.terminate().await.success());
    assert!(!folder.join("bridge.db.sock").exists(), "it goes with the bridge");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_beside_a_running_bridge_and_without_one_and_overwrites_nothing() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    bridge.ticket("Maria Silva", "secret-opening").await;
    service.idle(Duration::from_secs(20)).await;
    for is_running in [true, false] {
        if !is_running {
            assert!(service.terminate().await.success());
        }
        let copy = folder.join(format!("copy-{is_running}.db"));
        let name = copy.to_str().unwrap();
        let output = service.run(&["store", "backup", name]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&copy).unwrap();
        let output = service.run(&["store", "backup", name]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && words.contains(name), "{words}");
        assert_eq!(fs::read(&copy).unwrap(), before);
        let url = format!("sqlite://{}", copy.display());
        let options = SqliteOptions { create: false, ..SqliteOptions::new(Clock::system()) };
        let store = SqliteStore::open(&url, options).await.unwrap();
        assert_eq!(store.open_tickets().await.unwrap().len(), 1);
        // The second one holds when the first was made.
        assert_eq!(store.read_fact(BACKED_UP).await.unwrap().is_some(), !is_running);
        store.close().await;
    }
    // A copy that cannot be finished leaves nothing.
    let output = service.run(&["store", "backup", "nowhere/copy.db"]);
    assert!(!output.status.success() && !folder.join("nowhere").exists());
}

#[tokio::test]
async fn only_the_owner_can_ask_the_running_bridge() {
    let bridge = Bridge::start().await;
    let socket = bridge.folder().join("bridge.db.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(ask(&bridge, ControlRequest::Parked).await, "Nothing is parked.\n");
    bridge.finish().await;
}

#[tokio::test]
async fn a_late_file_of_a_customer_who_was_erased_does_not_follow() {
    let files = FileTiming { patience: Duration::from_millis(100), ..FileTiming::default() };
    let bridge = Bridge::tuned(&[], Tuning { files, ..tuning() }).await;
    let ticket = conversation(&bridge, ("Zulmira Conceição", IDENTITY)).await;
    let card = bridge.card_of("Zulmira").await;
    let uri = bridge.blip.hosts_dripping("image/png", &samples::bytes(5000));
    let photo = json!({"type": "image/png", "uri": uri, "title": "secret-photo.png"});
    bridge.blip.sends(&ticket, "application/vnd.lime.media-link+json", photo).await.unwrap();
    bridge.until("its line", || bridge.said(&card).join("").contains("coming")).await;
    assert_eq!(erase(&bridge).await, "1 ticket erased.\n");
    bridge.blip.lets_media_flow();
    bridge.idle().await;
    assert!(bridge.replies(&card).iter().all(|message| message.files.is_empty()));
    assert_eq!(ask(&bridge, ControlRequest::Parked).await, "Nothing is parked.\n");
    bridge.finish().await;
}

#[tokio::test]
async fn events_under_way_bring_nothing_back_of_a_customer_who_was_erased() {
    let mut bridge = Bridge::start().await;
    let ticket = conversation(&bridge, ("Zulmira Conceição", IDENTITY)).await;
    bridge.idle().await;
    // Both ways.
    let slow = Fault::Slow(Duration::from_millis(500));
    bridge.slack.faults().next("chat.postMessage", slow.clone());
    let before = bridge.slack.calls("chat.postMessage").len();
    bridge.blip.says(&ticket, "secret-more").await.unwrap();
    bridge.until("the post", || bridge.slack.calls("chat.postMessage").len() > before).await;
    assert_eq!(erase(&bridge).await, "1 ticket erased.\n");
    bridge.idle().await;
    // The post may end after it.
    bridge.until("the post", || bridge.slack.transcript().contains("secret-more")).await;
    // It waits for what is under way.
    bridge.stop_bridge().await;
    assert_eq!(files_with(&bridge, &[&TRACES[..], &[&ticket]].concat()), [""; 0]);
    bridge.start_bridge().await.unwrap();
    // A ticket whose card is being posted is found, too.
    bridge.slack.faults().next("chat.postMessage", slow);
    let before = bridge.slack.calls("chat.postMessage").len();
    let new = NewTicket::saying("Zulmira Conceição", IDENTITY, "secret-second");
    let second = bridge.blip.opens_ticket(new).await.id;
    bridge.until("the card", || bridge.slack.calls("chat.postMessage").len() > before).await;
    assert_eq!(erase(&bridge).await, "1 ticket erased.\n");
    let card = bridge.card_of("secret-second").await;
    bridge.stop_bridge().await;
    assert_eq!(files_with(&bridge, &[&TRACES[..], &[&second]].concat()), [""; 0]);
    // The card belongs to nothing: what an agent answers there waits for nobody.
    bridge.start_bridge().await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "secret-late").await.unwrap();
    bridge.idle().await;
    assert_eq!(ask(&bridge, ControlRequest::Parked).await, "Nothing is parked.\n");
    bridge.finish().await;
}

#[tokio::test]
async fn what_is_repeated_of_an_erased_customer_does_not_come_back_and_what_is_new_does() {
    let mut bridge = Bridge::start().await;
    let ticket = conversation(&bridge, ("Zulmira Conceição", IDENTITY)).await;
    let said = bridge.blip.says(&ticket, "secret-repeated").await.unwrap();
    bridge.idle().await;
    erase(&bridge).await;
    let message = |id: &str, words: &str| {
        json!({ "id": id, "from": format!("{ticket}@desk.msging.net/Webhook"),
            "to": "bot@msging.net", "type": "text/plain", "content": words })
    };
    let announced = json!({ "id": "again", "from": format!("{ticket}@desk.msging.net/Webhook"),
        "type": "application/vnd.iris.ticket+json", "content": { "id": ticket, "status": "Waiting",
        "customerIdentity": IDENTITY, "team": "Default" } });
    let posts = || bridge.slack.calls("chat.postMessage").len();
    let before = posts();
    for envelope in [message(&said.id, "secret-repeated"), announced] {
        assert_eq!(bridge.blip.emits(envelope).await, Some(200));
    }
    bridge.idle().await;
    assert_eq!(posts(), before);
    assert_eq!(files_with(&bridge, &TRACES), [""; 0]);
    // The customer writes again: that is new, and what was said before is not.
    bridge.blip.says(&ticket, "fresh-words").await.unwrap();
    bridge.until("a new card", || posts() > before).await;
    bridge.idle().await;
    bridge.set_setting("RECONCILE_SECONDS", "10");
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    bridge.idle().await;
    let card = bridge.slack.look(|state| state.cards(CHANNEL).last().cloned()).unwrap();
    let shown = [vec![card.words()], bridge.said(&card)].concat().join("\n");
    assert!(shown.contains("fresh-words") && !shown.contains("secret-"), "{shown}");
    bridge.finish().await;
}

/// All that our messages in the channel show, as people read it.
fn shown_by_us(bridge: &Bridge) -> String {
    bridge.slack.look(|state| {
        let ours = state.channels[CHANNEL].messages.values().filter(|message| message.ours);
        let lines = ours.map(|message| {
            let files = message.files.iter().filter_map(|id| state.files.get(id));
            let files: Vec<_> = files.map(|file| format!("{} {}", file.name, file.title)).collect();
            format!("{} {} {:?} {files:?}", message.text, message.words(), message.username)
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn traces_by_us(bridge: &Bridge) -> Vec<&'static str> {
    let shown = shown_by_us(bridge);
    TRACES.into_iter().filter(|trace| shown.contains(trace)).collect()
}

/// A closed ticket with words and a file.
async fn closed_conversation(bridge: &Bridge, service: &Service) {
    let ticket = conversation(bridge, ("Zulmira Conceição", IDENTITY)).await;
    let png = ("secret-name.png", "image/png");
    bridge.blip.sends_file(&ticket, png, &samples::png(), Some("secret-caption")).await.unwrap();
    bridge.until("the file", || shown_by_us(bridge).contains("secret-name.png")).await;
    bridge.blip.closes(&ticket, "ClosedAttendant").await.unwrap();
    service.idle(Duration::from_secs(20)).await;
}

const ERASE_IN_SLACK: [&str; 6] =
    ["privacy", "erase", "--customer", "+55 11 98765-4321", "--yes", "--slack"];

/// Runs a command that must end well; returns what it prints.
fn run(service: &Service, arguments: &[&str]) -> String {
    let output = service.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_customer_s_words_name_and_files_are_replaced_in_slack() {
    let mut bridge = Bridge::start().await;
    bridge.slack.configure(|setup| _ = setup.scopes.remove("chat:write.customize"));
    let folder = bridge.folder().to_owned();
    let service = Service::replace(&mut bridge, &folder).await;
    let other = NewTicket::saying("Rui Costa", "5521987654321@wa.gw.msging.net", "kept-words");
    bridge.blip.opens_ticket(other).await;
    bridge.card_of("kept-words").await;
    closed_conversation(&bridge, &service).await;
    assert_ne!(traces_by_us(&bridge), [""; 0]);
    let before = bridge.slack.violations();
    let told = run(&service, &ERASE_IN_SLACK);
    assert!(told.starts_with("1 ticket erased.\n") && told.contains("replaced in Slack"), "{told}");
    assert!(!told.contains("left over") && !told.contains("still"), "{told}");
    assert_eq!(traces_by_us(&bridge), [""; 0], "{}", shown_by_us(&bridge));
    let shown = shown_by_us(&bridge);
    assert!(shown.contains("Erased at the customer") && shown.contains("kept-words"), "{shown}");
    // What people wrote is theirs.
    assert!(bridge.slack.transcript().contains("secret-answer"));
    assert_eq!(files_with(&bridge, &TRACES), [""; 0]);
    assert_eq!(bridge.slack.violations(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_being_drawn_when_its_customer_is_erased_does_not_stay() {
    let patient = Tuning { unknown_outcome_wait: Duration::from_secs(1), ..tuning() };
    let bridge = Bridge::tuned(&[], patient).await;
    let new = NewTicket::saying("Zulmira Conceição", IDENTITY, "secret-opening");
    let ticket = bridge.blip.opens_ticket(new).await.id;
    let card = bridge.card_of("Zulmira").await;
    bridge.idle().await;
    // The card is drawn last, after it was replaced.
    bridge.slack.faults().next("chat.update", Fault::Late(Duration::from_millis(500)));
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.until("the card to be drawn", || bridge.slack.faults().are_spent()).await;
    let erase =
        ControlRequest::Erase { customer: IDENTITY.to_owned(), slack: Some("job".to_owned()) };
    ask(&bridge, erase).await;
    bridge.idle().await;
    let shown = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(shown.contains("Erased") && !shown.contains("secret-opening"), "{shown}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_replaced_in_slack_is_listed() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let service = Service::replace(&mut bridge, &folder).await;
    closed_conversation(&bridge, &service).await;
    let card = bridge.card_of("Zulmira").await;
    bridge.slack.configure(|setup| {
        setup.edit_window = Some(Duration::ZERO);
        setup.scopes.remove("files:write");
    });
    let told = run(&service, &ERASE_IN_SLACK);
    let link = format!("/archives/{CHANNEL}/p{}", card.ts.replace('.', ""));
    let of_card = told.lines().find(|line| line.contains(&format!("{link}\t")));
    assert!(of_card.is_some_and(|line| line.ends_with("\tedit_window_closed")), "{told}");
    assert!(told.contains("\tedit_window_closed, name_of_the_author\n"), "{told}");
    assert!(told.contains("edit_window_closed, missing_scope"), "{told}");
    assert!(told.contains(&format!("?thread_ts={}&cid={CHANNEL}\t", card.ts)), "{told}");
    assert!(told.contains("0 replaced in Slack"), "{told}");
    // It can be read again, and nothing waits for a person.
    let again = run(&service, &["privacy", "slack"]);
    assert!(told.ends_with(&again), "{again}");
    assert_eq!(run(&service, &["parked"]), "Nothing is parked.\n");
    assert_eq!(files_with(&bridge, &TRACES), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_in_slack_begins_when_a_bridge_runs_and_goes_on_after_a_kill() {
    let mut bridge = Bridge::start().await;
    bridge.slack.configure(|setup| _ = setup.scopes.remove("chat:write.customize"));
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    closed_conversation(&bridge, &service).await;
    assert!(service.terminate().await.success());
    let violations = bridge.slack.violations();
    let told = run(&service, &ERASE_IN_SLACK);
    assert!(told.contains("No bridge runs"), "{told}");
    let updates = || bridge.slack.calls("chat.update").len();
    let before = updates();
    bridge.slack.faults().next("chat.update", Fault::Pass);
    bridge.slack.faults().next("chat.update", Fault::Hang);
    service.start().await;
    bridge.until("the middle", || updates() >= before + 2).await;
    service.kill();
    assert_ne!(traces_by_us(&bridge), [""; 0]);
    service.start().await;
    service.idle(Duration::from_secs(20)).await;
    assert_eq!(traces_by_us(&bridge), [""; 0], "{}", shown_by_us(&bridge));
    let told = run(&service, &["privacy", "slack"]);
    assert!(told.contains("replaced in Slack") && !told.contains("left over"), "{told}");
    assert_eq!(bridge.slack.violations(), violations);
}
