//! Customers behind a router: channel and number are behind a tunnel (`blip.md` §3.1).

use std::time::Duration;

use blip_slack::control::{self, ControlRequest};
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;

use crate::support::Bridge;
use crate::support::later::Later;

const NUMBER: &str = "5511987654321@wa.gw.msging.net";
const TUNNELS: &str = "/commands get /tunnels/*";

async fn opens(bridge: &Bridge, identity: &str) -> (String, Message) {
    let opened = bridge.blip.opens_ticket(NewTicket::saying("Maria", identity, "Oi")).await;
    let card = bridge.card_of("Maria").await;
    bridge.idle().await;
    (opened.id, card)
}

fn card(bridge: &Bridge, card: &Message) -> String {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words()
}

fn tunnels_asked(bridge: &Bridge) -> usize {
    let is_it = |method: &str| method.starts_with("/commands get /tunnels/");
    bridge.blip.look(|state| state.calls.iter().filter(|call| is_it(&call.method)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_routed_customer_is_answered_as_on_their_own_channel() {
    for is_in_contact in [true, false] {
        let later = Later::start(&[]).await;
        let bridge = &later.bridge;
        let identity = bridge.blip.routes(NUMBER, is_in_contact);
        let (ticket, root) = opens(bridge, &identity).await;
        let shown = card(bridge, &root);
        assert!(shown.contains("WhatsApp") && !shown.contains("tunnel"), "{shown}");
        assert_eq!(tunnels_asked(bridge), usize::from(!is_in_contact));
        later.says(ANA, &root, "São *R$ 10*").await;
        let long = "uma frase. ".repeat(500);
        later.says(ANA, &root, &long).await;
        bridge.until("both replies", || bridge.received(&ticket).len() >= 3).await;
        let received = bridge.received(&ticket);
        assert_eq!(received[0], "São *R$ 10*");
        assert!(received.iter().all(|words| words.chars().count() <= 4096));
        later.passes(Duration::from_mins(23 * 60 + 30)).await;
        bridge.until("the warning", || card(bridge, &root).contains("window is open until")).await;
        later.passes(Duration::from_hours(1)).await;
        later.says(ANA, &root, "Tarde demais").await;
        bridge.idle().await;
        let said = bridge.said(&root);
        assert!(said.iter().any(|line| line.contains("24 hours")), "{said:?}");
        assert!(bridge.blip.undelivered().is_empty());
        later.bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_the_ticket_names_needs_no_tunnel() {
    let bridge = Bridge::start().await;
    bridge.blip.faults().from_now(TUNNELS, Fault::Code("67".to_owned()));
    let identity = bridge.blip.routes(NUMBER, false);
    let new = NewTicket::saying("Maria", &identity, "Oi");
    let new = NewTicket { domain: "instagram.gw.msging.net".to_owned(), ..new };
    bridge.blip.opens_ticket(new).await;
    let shown = bridge.card_of("Maria").await.words();
    assert!(shown.contains("Instagram"), "{shown}");
    bridge.finish().await;
}

/// The card waits two seconds at most for a tunnel, says what is known, and more once that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_that_cannot_be_read_holds_nothing_back_and_is_asked_for_again() {
    for fault in [Fault::Code("67".to_owned()), Fault::Status(500), Fault::Hang] {
        let later = Later::start(&[]).await;
        let bridge = &later.bridge;
        bridge.blip.faults().from_now(TUNNELS, fault.clone());
        let identity = bridge.blip.routes(NUMBER, false);
        let (ticket, root) = opens(bridge, &identity).await;
        let shown = card(bridge, &root);
        assert!(shown.contains("Maria") && shown.contains("Blip"), "{fault:?} {shown}");
        assert!(!shown.contains("WhatsApp") && !shown.contains("tunnel"), "{fault:?} {shown}");
        later.says(ANA, &root, "São *R$ 10*").await;
        bridge.until("the reply", || bridge.received(&ticket) == ["São R$ 10"]).await;
        later.passes(Duration::from_secs(31)).await;
        bridge.until("a second try", || tunnels_asked(bridge) == 2).await;
        bridge.idle().await;
        bridge.blip.faults().clear();
        later.passes(Duration::from_secs(10)).await;
        bridge.blip.says(&ticket, "Ainda aí?").await.unwrap();
        later.passes(Duration::from_mins(6)).await;
        bridge.until("the channel", || card(bridge, &root).contains("WhatsApp")).await;
        bridge.idle().await;
        later.says(ANA, &root, "São *R$ 20*").await;
        bridge.until("the reply", || bridge.received(&ticket).len() == 2).await;
        assert_eq!(bridge.received(&ticket)[1], "São *R$ 20*");
        later.bridge.finish().await;
    }
}

/// The window counts from what the customer said also before the channel was known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_was_not_known_of_counts_from_the_last_words() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.blip.faults().from_now(TUNNELS, Fault::Code("67".to_owned()));
    let identity = bridge.blip.routes(NUMBER, false);
    let (ticket, root) = opens(bridge, &identity).await;
    later.passes(Duration::from_mins(20)).await;
    bridge.idle().await;
    bridge.blip.says(&ticket, "Ainda aí?").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().clear();
    later.passes(Duration::from_mins(40)).await;
    bridge.until("the channel", || card(bridge, &root).contains("WhatsApp")).await;
    // Twenty-four hours after the ticket came, but not after the last words.
    later.passes(Duration::from_mins(23 * 60 + 10)).await;
    later.says(ANA, &root, "Em tempo").await;
    bridge.until("the reply", || bridge.received(&ticket) == ["Em tempo"]).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_routed_customer_is_found_by_number_and_asked_for_once() {
    let bridge = Bridge::start().await;
    let identity = bridge.blip.routes(NUMBER, false);
    let (ticket, _) = opens(&bridge, &identity).await;
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.idle().await;
    opens(&bridge, &identity).await;
    assert_eq!(tunnels_asked(&bridge), 1, "a tunnel is one customer's for good");
    let ask = async |request| {
        let socket = bridge.folder().join("bridge.db.sock");
        control::ask_bridge(&socket, &request).await.unwrap().expect("a bridge runs")
    };
    let customer = || "+55 (11) 98765-4321".to_owned();
    let shown = ask(ControlRequest::Export { customer: customer() }).await;
    assert!(shown.contains(NUMBER) && shown.contains(&ticket), "{shown}");
    assert_eq!(
        ask(ControlRequest::Erase { customer: customer(), slack: None }).await,
        "2 tickets erased.\n"
    );
    for entry in std::fs::read_dir(bridge.folder()).unwrap() {
        let Ok(bytes) = std::fs::read(entry.unwrap().path()) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("5511987654321") && !text.contains(&identity));
    }
    bridge.finish().await;
}
