//! Tickets on standby: Blip does not close them for inactivity, and everybody sees that.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::Blip;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;

use crate::support::Bridge;

const STANDBY: &str = "💤 standby";
const START: (&str, &str) = ("more", "start_standby");

/// Switches the desk's standby mode on at Blip.
fn enable(blip: &Blip) {
    let enabled = ("TicketStandbyModeEnabled".to_owned(), "True".to_owned());
    blip.configure(|setup| setup.configuration.push(enabled));
}

/// A desk that has standby, and a ticket that Ana holds and has answered.
async fn answered(settings: &[(&str, &str)]) -> (Bridge, String, Message) {
    let bridge = Bridge::with(&[&[("STANDBY", "blip")], settings].concat()).await;
    enable(&bridge.blip);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Um momento").await.unwrap();
    bridge.idle().await;
    (bridge, ticket, card)
}

fn card_words(bridge: &Bridge, card: &Message) -> String {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words()
}

/// The entries of the card's menu, by what they are called at Slack.
fn entries(bridge: &Bridge, card: &Message) -> Vec<String> {
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    let elements = card.blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
    let menus = elements.filter(|element| element["type"] == "overflow");
    let options = menus.filter_map(|menu| menu["options"].as_array()).flatten();
    options.map(|option| option["value"].as_str().unwrap().to_owned()).collect()
}

async fn picks(bridge: &Bridge, user: &str, card: &Message, entry: &str) {
    bridge.slack.picks(user, CHANNEL, &card.ts, ("more", entry)).await.unwrap();
    bridge.idle().await;
}

/// The lines of a thread that tell of standby.
fn told(bridge: &Bridge, card: &Message) -> Vec<String> {
    bridge.said(card).into_iter().filter(|line| line.contains("standby")).collect()
}

fn calls(bridge: &Bridge) -> usize {
    let is_it = |method: &str| method.ends_with("-inactivity");
    bridge.blip.look(|state| state.calls.iter().filter(|call| is_it(&call.method)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_put_on_standby_and_taken_off_again_and_everybody_sees_it() {
    let (bridge, ticket, card) = answered(&[]).await;
    let is_on = || bridge.blip.ticket(&ticket).unwrap().is_on_standby;
    // Two who press it before the card shows what the first has done.
    let press = async |user| bridge.slack.picks(user, CHANNEL, &card.ts, START).await.unwrap();
    futures_util::future::join(press(ANA), press(BIA)).await;
    bridge.idle().await;
    assert_eq!(calls(&bridge), 1);
    assert!(is_on() && card_words(&bridge, &card).contains(STANDBY));
    assert_eq!(
        entries(&bridge, &card),
        ["compose", "history", "details", "end_standby", "release"]
    );
    assert_eq!(told(&bridge, &card).len(), 1, "{:?}", bridge.said(&card));
    assert!(
        told(&bridge, &card)[0].contains("put the ticket on standby"),
        "{:?}",
        told(&bridge, &card)
    );
    picks(&bridge, BIA, &card, "end_standby").await;
    assert!(!is_on() && !card_words(&bridge, &card).contains(STANDBY));
    assert!(
        told(&bridge, &card)[1].contains("ended the ticket’s standby"),
        "{:?}",
        bridge.said(&card)
    );
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby_is_offered_only_where_it_is_wanted_to_who_holds_the_ticket() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert_eq!(entries(&bridge, &card), ["compose", "history", "details", "release"]);
    bridge.finish().await;
    let bridge = Bridge::with(&[("STANDBY", "blip")]).await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    assert!(!entries(&bridge, &card).iter().any(|entry| entry.contains("standby")));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_menu_is_full_the_details_lead_to_what_it_has_no_room_for() {
    let (bridge, _, card) = answered(&[("BLIP_ROUTER_KEY", "Key bG9qYWRlbW86c2VncmVkbw==")]).await;
    let full = ["compose", "template", "details", "start_standby", "release"];
    assert_eq!(entries(&bridge, &card), full);
    picks(&bridge, ANA, &card, "details").await;
    let details = bridge.dialog(ANA);
    bridge.slack.clicks_in_view(ANA, &details.id, "open:history").await.unwrap();
    let shows = || bridge.dialog(ANA).view["title"]["text"] == "History";
    bridge.until("the history", shows).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_take_is_told_once_in_its_own_words() {
    let (bridge, ticket, card) = answered(&[]).await;
    bridge.blip.configure(|setup| setup.configuration.clear());
    picks(&bridge, ANA, &card, "start_standby").await;
    let lines = told(&bridge, &card);
    assert_eq!(lines.len(), 1, "{:?}", bridge.said(&card));
    let words = "could not change the standby: The standby mode is not enabled.";
    assert!(lines[0].contains(words), "{lines:?}");
    assert!(!card_words(&bridge, &card).contains(STANDBY));
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_on_standby);
    bridge.finish().await;
}

/// Blip says with the same code that something is so already, and that something is not valid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_says_is_so_already_is_believed_where_it_can_be() {
    let (bridge, ticket, card) = answered(&[]).await;
    bridge.blip.configure(|setup| {
        setup.standby_refusal = Some(21);
        setup.configuration.clear();
    });
    picks(&bridge, ANA, &card, "start_standby").await;
    let lines = told(&bridge, &card);
    assert_eq!(lines.len(), 1, "{:?}", bridge.said(&card));
    let words = "could not change the standby: The standby mode is not enabled (code 21).";
    assert!(lines[0].contains(words), "{lines:?}");
    assert!(!card_words(&bridge, &card).contains(STANDBY));
    enable(&bridge.blip);
    bridge.blip.puts_on_standby(&ticket).unwrap();
    picks(&bridge, ANA, &card, "start_standby").await;
    assert!(card_words(&bridge, &card).contains(STANDBY));
    let lines = told(&bridge, &card);
    assert!(lines.len() == 2 && lines[1].contains("put the ticket on standby"), "{lines:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_without_standby_says_nothing_of_a_first_reply() {
    let bridge = Bridge::with(&[("STANDBY", "blip")]).await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    picks(&bridge, ANA, &card, "start_standby").await;
    let lines = told(&bridge, &card);
    assert!(lines.len() == 1 && lines[0].contains("is not enabled"), "{lines:?}");
    assert!(!lines[0].contains("after the first reply"), "{lines:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_not_answered_yet_is_told_that_this_comes_first() {
    let bridge = Bridge::with(&[("STANDBY", "blip")]).await;
    enable(&bridge.blip);
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    picks(&bridge, ANA, &card, "start_standby").await;
    let lines = told(&bridge, &card);
    assert!(lines.len() == 1 && lines[0].contains("after the first reply"), "{lines:?}");
    assert!(!lines[0].contains("has sent no message yet"), "said twice: {lines:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_makes_no_second_line() {
    let (bridge, ticket, card) = answered(&[]).await;
    for fault in [Fault::LostAnswer, Fault::LostAnswer500, Fault::Reset, Fault::Hang] {
        for (entry, is_on) in [("start_standby", true), ("end_standby", false)] {
            let before = told(&bridge, &card).len();
            bridge.blip.faults().next("/commands set /tickets/*-inactivity", fault.clone());
            picks(&bridge, ANA, &card, entry).await;
            assert!(bridge.blip.faults().are_spent());
            assert_eq!(bridge.blip.ticket(&ticket).unwrap().is_on_standby, is_on, "{fault:?}");
            assert_eq!(card_words(&bridge, &card).contains(STANDBY), is_on, "{fault:?}");
            assert_eq!(told(&bridge, &card).len(), before + 1, "{:?}", bridge.said(&card));
        }
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_ends_it_is_told_to_who_holds_the_ticket() {
    let (bridge, ticket, card) = answered(&[]).await;
    // As often as it happens.
    for round in 1..=2 {
        picks(&bridge, ANA, &card, "start_standby").await;
        assert_eq!(bridge.blip.ends_standby(&ticket).await.unwrap(), Some(200));
        bridge.idle().await;
        assert!(!card_words(&bridge, &card).contains(STANDBY));
        let lines = told(&bridge, &card);
        assert_eq!(lines.len(), 2 * round, "{lines:?}");
        let line = bridge.replies(&card).pop().unwrap();
        assert!(line.words().contains("a manager ended"), "{lines:?}");
        assert!(line.text.contains(&format!("<@{ANA}>")), "{}", line.text);
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_on_standby_no_longer_and_what_is_released_can_be_taken_off() {
    let (bridge, ticket, card) = answered(&[]).await;
    picks(&bridge, ANA, &card, "start_standby").await;
    picks(&bridge, ANA, &card, "release").await;
    assert!(card_words(&bridge, &card).contains(STANDBY));
    assert_eq!(entries(&bridge, &card), ["reply", "tags", "compose", "details", "end_standby"]);
    assert_eq!(bridge.blip.closes(&ticket, "ClosedClient").await.unwrap(), Some(200));
    bridge.idle().await;
    assert!(!card_words(&bridge, &card).contains(STANDBY), "{}", card_words(&bridge, &card));
    assert_eq!(told(&bridge, &card).len(), 1, "{:?}", bridge.said(&card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_goes_on_elsewhere_goes_on_without_standby() {
    let (bridge, ticket, card) = answered(&[]).await;
    picks(&bridge, ANA, &card, "start_standby").await;
    let next = bridge.blip.transfers(&ticket, "Vendas").await.unwrap();
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&next.id).unwrap().is_on_standby);
    assert!(!card_words(&bridge, &card).contains(STANDBY), "{}", card_words(&bridge, &card));
    bridge.finish().await;
}
