//! Files that are slow to come: a line takes their place, nothing waits for them, and they follow.

use std::time::{Duration, Instant};

use blip_slack::app::{FileTiming, Tuning};
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::media::LeastSpeed;
use blip_slack::model::TicketId;
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{File, Message};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::later::Running;
use crate::support::{Bridge, samples, tuning};

const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";

/// How many links drip at once in a test, more than the worker has places.
const MANY: usize = 135;

/// A bridge that waits a moment only for a file.
fn hasty() -> Tuning {
    let files = FileTiming { patience: Duration::from_millis(300), ..FileTiming::default() };
    Tuning { files, ..tuning() }
}

async fn open_ticket(bridge: &Bridge) -> (String, Message) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("the claim", || bridge.said(&card).len() == 1).await;
    (ticket, card)
}

fn photo(uri: &str, name: &str) -> Value {
    json!({"type": "image/png", "uri": uri, "title": name, "text": format!("veja {name}")})
}

/// The customer sends a picture of which a byte comes now and then.
async fn sends_dripping(bridge: &Bridge, ticket: &str, name: &str, bytes: usize) {
    let uri = bridge.blip.hosts_dripping("image/png", &samples::bytes(bytes));
    bridge.blip.sends(ticket, MEDIA_LINK, photo(&uri, name)).await.unwrap();
}

/// Waits until a line with these words stands in a thread.
async fn is_said(bridge: &Bridge, card: &Message, words: &str) {
    bridge.until(words, || bridge.said(card).iter().any(|said| said.contains(words))).await;
}

/// The names of the files in a thread, in order.
fn files(bridge: &Bridge, card: &Message) -> Vec<String> {
    let ids: Vec<String> = bridge.replies(card).into_iter().flat_map(|m| m.files).collect();
    bridge.slack.look(|state| ids.iter().map(|id| state.files[id].name.clone()).collect())
}

/// Waits until something is so that takes many calls.
async fn patiently(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(3);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether each of these is said in a thread, one after the other.
fn stand_in_order(bridge: &Bridge, card: &Message, words: &[&str]) -> bool {
    let said = bridge.said(card);
    let places: Vec<Option<usize>> =
        words.iter().map(|words| said.iter().position(|said| said.contains(words))).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_drips_holds_up_no_words_no_reply_and_no_close() {
    let bridge = Bridge::tuned(&[], hasty()).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "nota.png", 5000).await;
    bridge.blip.says(&ticket, "URGENTE").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Um momento").await.unwrap();
    is_said(&bridge, &card, "URGENTE").await;
    bridge.until("the reply", || bridge.received(&ticket) == ["Um momento"]).await;
    bridge.blip.says(&ticket, "cancela").await.unwrap();
    is_said(&bridge, &card, "cancela").await;
    assert!(stand_in_order(&bridge, &card, &["nota.png, coming", "URGENTE", "cancela"]));
    assert!(stand_in_order(&bridge, &card, &["veja nota.png"]), "its words are shown at once");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    assert!(files(&bridge, &card).is_empty());
    bridge.blip.lets_media_flow();
    bridge.idle().await;
    assert_eq!(files(&bridge, &card), ["nota.png"]);
    let said = bridge.said(&card);
    assert!(said.iter().any(|said| said.contains("nota.png: it came later")), "{said:?}");
    assert_eq!(said.join("\n").matches("veja nota.png").count(), 1, "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_comes_within_seconds_stands_in_its_place() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    // It takes longer than its event keeps its place.
    sends_dripping(&bridge, &ticket, "nota.png", 15).await;
    bridge.blip.says(&ticket, "viu?").await.unwrap();
    bridge.idle().await;
    let shown: Vec<usize> = bridge.replies(&card).iter().skip(1).map(|m| m.files.len()).collect();
    assert_eq!(shown, [1, 0], "{:?}", bridge.said(&card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_which_a_ticket_begins_is_shown_however_slowly_it_comes() {
    // One that stands in its place, and one that is late.
    for (bytes, tuning) in [(15, tuning()), (5000, hasty())] {
        let bridge = Bridge::tuned(&[], tuning).await;
        let uri = bridge.blip.hosts_dripping("image/png", &samples::bytes(bytes));
        let first = (MEDIA_LINK.to_owned(), photo(&uri, "nota.png"));
        let new = NewTicket { first, ..NewTicket::saying("Maria Silva", "m@wa.gw.msging.net", "") };
        let ticket = bridge.blip.opens_ticket(new).await.id;
        let card = bridge.card_of("Maria Silva").await;
        bridge.blip.says(&ticket, "viu?").await.unwrap();
        is_said(&bridge, &card, "viu?").await;
        bridge.blip.lets_media_flow();
        bridge.until("the file", || files(&bridge, &card) == ["nota.png"]).await;
        bridge.idle().await;
        assert_eq!(files(&bridge, &card), ["nota.png"]);
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_files_of_a_ticket_follow_in_their_order_and_are_known_as_the_customers_messages() {
    let bridge = Bridge::tuned(&[], hasty()).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "a.png", 5000).await;
    // It is late as well, and there long before the first.
    sends_dripping(&bridge, &ticket, "b.png", 30).await;
    is_said(&bridge, &card, "b.png, coming").await;
    let begun = || bridge.slack.calls("files.getUploadURLExternal").len();
    bridge.until("the second", || bridge.slack.calls("upload").len() == 1).await;
    assert!(files(&bridge, &card).is_empty());
    bridge.blip.lets_media_flow();
    bridge.idle().await;
    assert_eq!(files(&bridge, &card), ["a.png", "b.png"]);
    assert_eq!(begun(), 2, "nothing was begun anew");
    let id = TicketId::parse(&format!("default/{ticket}")).unwrap();
    let store = bridge.app().unwrap().store();
    let known = store.blip_ids_of(&id).await.unwrap();
    for blip_id in &known {
        let links = store.links_of(&id, blip_id).await.unwrap();
        assert_eq!(links.len(), 2, "the line and the file: {links:?}");
    }
    assert_eq!(known.len(), 2);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_file_that_takes_more_than_a_minute_lets_the_next_one_pass() {
    let running = Running::start(1);
    let bridge = Bridge::tuned(&[], Tuning { clock: running.clock.clone(), ..hasty() }).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "a.png", 5000).await;
    sends_dripping(&bridge, &ticket, "b.png", 30).await;
    is_said(&bridge, &card, "b.png, coming").await;
    bridge.until("the second", || bridge.slack.calls("upload").len() == 1).await;
    running.clock.advance(Duration::from_mins(1));
    bridge.until("the second", || files(&bridge, &card) == ["b.png"]).await;
    bridge.blip.lets_media_flow();
    bridge.until("the first", || files(&bridge, &card) == ["b.png", "a.png"]).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_file_is_shown_once_whatever_happens_to_the_answers() {
    for (pattern, fault) in [
        ("files.completeUploadExternal", Fault::LostAnswer),
        ("files.completeUploadExternal", Fault::Garbage),
        ("files.completeUploadExternal", Fault::RateLimited { retry_after: 0 }),
        ("files.completeUploadExternal", Fault::Code("file_not_found".into())),
        ("files.info", Fault::Status(500)),
        ("upload", Fault::LostAnswer),
        ("chat.update", Fault::Status(500)),
    ] {
        let bridge = Bridge::tuned(&[], hasty()).await;
        let (ticket, card) = open_ticket(&bridge).await;
        sends_dripping(&bridge, &ticket, "a.png", 5000).await;
        is_said(&bridge, &card, "a.png, coming").await;
        bridge.slack.faults().next(pattern, fault.clone());
        bridge.blip.lets_media_flow();
        bridge.idle().await;
        assert!(bridge.slack.faults().are_spent(), "{pattern}");
        assert_eq!(files(&bridge, &card), ["a.png"], "{pattern} {fault:?}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_file_survives_a_restart_and_its_event_sets_out_no_second_one() {
    let mut bridge = Bridge::tuned(&[("SHUTDOWN_SECONDS", "1")], hasty()).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "a.png", 5000).await;
    is_said(&bridge, &card, "a.png, coming").await;
    bridge.stage.stop_bridge().await;
    bridge.stage.start_bridge().await.unwrap();
    bridge.blip.says(&ticket, "viu?").await.unwrap();
    is_said(&bridge, &card, "viu?").await;
    bridge.blip.lets_media_flow();
    bridge.idle().await;
    assert_eq!(files(&bridge, &card), ["a.png"]);
    let lines = bridge.said(&card).iter().filter(|said| said.contains("it came later")).count();
    assert_eq!(lines, 1, "{:?}", bridge.said(&card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_never_ends_is_given_up_and_its_line_says_so() {
    let least_speed = LeastSpeed { bytes: 1000, time: Duration::from_millis(1500) };
    let files_timing = FileTiming { least_speed, ..hasty().files };
    let bridge = Bridge::tuned(&[], Tuning { files: files_timing, ..hasty() }).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "a.png", 100_000).await;
    bridge.blip.says(&ticket, "viu?").await.unwrap();
    is_said(&bridge, &card, "viu?").await;
    bridge.idle().await;
    assert!(files(&bridge, &card).is_empty());
    let said = bridge.said(&card);
    assert!(stand_in_order(&bridge, &card, &["could not be brought here", "viu?"]), "{said:?}");
    let last = said.last().unwrap();
    assert!(last.contains("too slowly") && last.contains("/media/"), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_file_for_a_thread_that_is_gone_goes_into_the_new_one() {
    let bridge = Bridge::tuned(&[], hasty()).await;
    let (ticket, card) = open_ticket(&bridge).await;
    sends_dripping(&bridge, &ticket, "a.png", 5000).await;
    is_said(&bridge, &card, "a.png, coming").await;
    let gone = Fault::Code("thread_not_found".to_owned());
    bridge.slack.faults().next("files.completeUploadExternal", gone);
    bridge.blip.lets_media_flow();
    bridge.idle().await;
    let cards = bridge.slack.cards(CHANNEL);
    let new = cards.iter().find(|new| new.ts != card.ts && new.ours).expect("a new card");
    assert_eq!(files(&bridge, new), ["a.png"]);
    let stray = bridge.slack.cards(CHANNEL).into_iter().filter(|message| !message.files.is_empty());
    assert_eq!(stray.count(), 0, "nothing stays at the root of the channel");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_links_that_drip_hold_up_nobody_and_come_one_after_the_other() {
    // However busy the machine is: none of them is too slow.
    let least_speed = LeastSpeed { bytes: 1, time: Duration::from_mins(1) };
    let files_timing = FileTiming { least_speed, ..hasty().files };
    let bridge = Bridge::tuned(&[], Tuning { files: files_timing, ..hasty() }).await;
    let names: Vec<String> = (0..MANY).map(|number| format!("t{number:03}")).collect();
    let opened = join_all(names.iter().map(async |name| {
        let new = NewTicket::saying(name, &format!("{name}@0mn.io"), "Oi");
        bridge.blip.opens_ticket(new).await.id
    }))
    .await;
    bridge.idle().await;
    let (other, card) = open_ticket(&bridge).await;
    join_all(opened.iter().map(|ticket| sends_dripping(&bridge, ticket, "a.png", 50_000))).await;
    let began = Instant::now();
    bridge.blip.says(&other, "e eu?").await.unwrap();
    is_said(&bridge, &card, "e eu?").await;
    let took = began.elapsed();
    // Alone it takes a few milliseconds; the machine may be busy with other tests. Within their lanes
    // the links would hold it up for minutes.
    assert!(took < Duration::from_secs(15), "{took:?}");
    let lines = |words: &str| {
        bridge.slack.look(|state| {
            let messages = state.channels[CHANNEL].messages.values();
            messages.filter(|message| message.words().contains(words)).count()
        })
    };
    patiently("all lines", || lines("a.png, coming") == MANY).await;
    // However many drip, a picture that comes at once stands in its place.
    bridge.blip.sends_file(&other, ("b.png", "image/png"), &samples::png(), None).await.unwrap();
    patiently("the picture", || files(&bridge, &card) == ["b.png"]).await;
    bridge.blip.lets_media_flow();
    patiently("all files", || lines("a.png: it came later") == MANY).await;
    bridge.idle().await;
    let shown = bridge.slack.look(|state| {
        let messages = state.channels[CHANNEL].messages.values();
        messages.filter(|message| !message.files.is_empty()).count()
    });
    assert_eq!(shown, MANY + 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_file_that_cannot_be_looked_at_goes_back_to_its_writer_in_time() {
    let files_timing = FileTiming { check: Duration::from_millis(100), ..FileTiming::default() };
    let public = ("PUBLIC_URL", "https://bridge.example");
    let bridge = Bridge::tuned(&[public], Tuning { files: files_timing, ..tuning() }).await;
    let (ticket, card) = open_ticket(&bridge).await;
    bridge.slack.faults().from_now("download", Fault::Hang);
    let files = vec![File::hosted("a.pdf", &samples::pdf())];
    bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), files, "Olha").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "e isto").await.unwrap();
    bridge.until("both", || bridge.received(&ticket) == ["Olha", "e isto"]).await;
    // A job of its own tells it.
    is_said(&bridge, &card, "has not released it yet").await;
    assert!(bridge.said(&card).iter().any(|said| said.contains("a.pdf")));
    bridge.slack.faults().clear();
    bridge.finish().await;
}
