//! Posting at Slack's pace: bursts go out in as few posts as the limit forces, in order and fairly.

use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::model::TicketId;
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use futures_util::future::join_all;

use crate::support::later::Later;
use crate::support::{Bridge, note};

const TICKETS: usize = 20;
const MESSAGES: usize = 30;

/// Ours is 50 posts a second, so that a minute of Slack's passes in about one second.
const RATE: (&str, &str) = ("SLACK_CHANNEL_RATE", "50");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_goes_out_in_about_as_few_posts_as_the_pace_allows() {
    let bridge = Bridge::with(&[RATE]).await;
    let names: Vec<String> = (0..TICKETS).map(|number| format!("t{number:02}")).collect();
    let mut tickets = Vec::new();
    for name in &names {
        tickets.push(bridge.ticket(name, "Oi").await);
    }
    bridge.idle().await;
    let before = bridge.slack.calls("chat.postMessage").len();
    // Slack holds the channel back, so that all of it waits.
    bridge.slack.faults().next("chat.postMessage", Fault::RateLimited { retry_after: 12 });
    join_all(tickets.iter().zip(&names).map(async |((ticket, _), name)| {
        for number in 0..MESSAGES {
            bridge.blip.says(ticket, &format!("{name}-{number:02}")).await.unwrap();
        }
    }))
    .await;
    let began = Instant::now();
    bridge.idle().await;
    let (took, posts) = (began.elapsed(), bridge.slack.calls("chat.postMessage").len() - before);
    note(&format!("{} messages in {posts} posts and {took:?}", TICKETS * MESSAGES));
    for ((ticket, card), name) in tickets.iter().zip(&names) {
        let said = bridge.said(card).join("\n");
        let places: Vec<_> =
            (0..MESSAGES).map(|number| said.find(&format!("{name}-{number:02}"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
        let id = TicketId::parse(&format!("default/{ticket}")).unwrap();
        let linked = bridge.app().unwrap().store().blip_ids_of(&id).await.unwrap();
        assert_eq!(linked.len(), MESSAGES, "each is linked to its Blip id");
    }
    assert!(posts <= TICKETS * MESSAGES / 5, "{posts} posts");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pressure_there_is_one_post_per_message() {
    let bridge = Bridge::with(&[RATE]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    for number in 0..5 {
        bridge.blip.says(&ticket, &format!("m-{number}")).await.unwrap();
    }
    bridge.idle().await;
    assert_eq!(bridge.replies(&card).len(), 5);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_ticket_does_not_hold_up_a_quiet_one() {
    let bridge = Bridge::with(&[("SLACK_CHANNEL_RATE", "20")]).await;
    let (busy, _) = bridge.ticket("Busy", "Oi").await;
    let (quiet, card) = bridge.ticket("Quiet", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    for number in 0..100 {
        bridge.blip.says(&busy, &format!("b-{number}")).await.unwrap();
    }
    let began = Instant::now();
    bridge.blip.says(&quiet, "hello").await.unwrap();
    bridge.until("the quiet one", || bridge.said(&card).join(" ").contains("hello")).await;
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    bridge.finish().await;
}

/// Posts of the bridge that Slack refused for being too many.
fn refused(bridge: &Bridge) -> usize {
    let cards = bridge.slack.cards(CHANNEL);
    let ours = |card: &Message| bridge.replies(card).iter().filter(|post| post.ours).count();
    let shown = cards.len() + cards.iter().map(ours).sum::<usize>();
    bridge.slack.calls("chat.postMessage").len() - shown
}

/// How a busy minute went.
struct Minute {
    posts: usize,
    refused: usize,
    contacts: usize,
}

/// Six tickets in which customers write once a second, while Slack holds to its own limit.
async fn a_minute_at_slacks_own_limit(rate: &str) -> Minute {
    let later = Later::start(&[("SLACK_CHANNEL_RATE", rate)]).await;
    let bridge = &later.bridge;
    bridge.slack.configure(|setup| setup.limits = true);
    let mut tickets = Vec::new();
    for number in 0..6 {
        let (name, identity) = (format!("t{number:02}"), format!("t{number:02}@wa.gw.msging.net"));
        let opened = bridge.blip.opens_ticket(NewTicket::saying(&name, &identity, "Oi")).await;
        tickets.push((name, opened.id.clone()));
    }
    let has_cards = || bridge.slack.cards(CHANNEL).len() == tickets.len();
    later.skips_pauses_until("all cards", has_cards).await;
    for round in 0..12 {
        for (_, ticket) in &tickets {
            bridge.blip.says(ticket, &format!("m-{round:02}")).await.unwrap();
        }
        later.all_clocks_run(Duration::from_secs(1));
    }
    let said = |card: &Message| bridge.said(card).join("\n");
    let is_shown = || bridge.slack.cards(CHANNEL).iter().all(|card| said(card).contains("m-11"));
    later.skips_pauses_until("all messages", is_shown).await;
    for said in bridge.slack.cards(CHANNEL).iter().map(said) {
        let places: Vec<_> = (0..12).map(|round| said.find(&format!("m-{round:02}"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
    }
    let posts = bridge.slack.calls("chat.postMessage").len();
    let is_contact = |method: &str| method.contains("get /contacts/");
    let contacts = bridge
        .blip
        .look(|state| state.calls.iter().filter(|call| is_contact(&call.method)).count());
    let minute = Minute { posts, refused: refused(bridge), contacts };
    note(&format!("{} of {posts} posts refused, {contacts} contacts read", minute.refused));
    later.bridge.finish().await;
    minute
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_our_own_pace_slack_refuses_nothing() {
    let minute = a_minute_at_slacks_own_limit("1").await;
    assert_eq!((minute.refused, minute.contacts), (0, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_pace_what_slack_holds_back_goes_out_together_and_contacts_are_read_once() {
    let minute = a_minute_at_slacks_own_limit("0").await;
    assert_eq!(minute.contacts, 6);
    assert!(minute.posts - minute.refused <= 6 + 6 * 12 / 2, "{} posts", minute.posts);
}

/// Twenty customers write thirty short texts each at once, and Slack takes one post a second and not
/// a moment sooner. Says how many posts it refused.
async fn drain_a_full_channel(rate: &str) -> usize {
    let later = Later::start(&[("SLACK_CHANNEL_RATE", rate)]).await;
    let bridge = &later.bridge;
    bridge.slack.configure(|setup| (setup.limits, setup.burst) = (true, 1));
    let began = later.now();
    let names: Vec<String> = (0..TICKETS).map(|number| format!("t{number:02}")).collect();
    join_all(names.iter().map(async |name| {
        let identity = format!("{name}@wa.gw.msging.net");
        let opened = bridge.blip.opens_ticket(NewTicket::saying(name, &identity, "Oi")).await;
        for number in 0..MESSAGES {
            bridge.blip.says(&opened.id, &format!("{name}-{number:02}")).await.unwrap();
        }
    }))
    .await;
    let count_posts = || bridge.slack.calls("chat.postMessage").len() - refused(bridge);
    let all_cards = || bridge.slack.cards(CHANNEL).len() == TICKETS;
    later.skips_pauses_in_turn_until("all cards", all_cards).await;
    let until_cards = (count_posts(), later.now().duration_since(began));
    let said = |card: &Message| bridge.said(card).join("\n");
    let last = format!("-{:02}", MESSAGES - 1);
    let is_shown = || bridge.slack.cards(CHANNEL).iter().all(|card| said(card).contains(&last));
    later.skips_pauses_in_turn_until("all messages", is_shown).await;
    let (posts, refused) = (count_posts(), refused(bridge));
    let took = later.now().duration_since(began);
    note(&format!(
        "rate {rate}: all cards after {until_cards:?}, all texts after ({posts}, {took:?}), {refused} refused"
    ));
    for said in bridge.slack.cards(CHANNEL).iter().map(said) {
        let name = names.iter().find(|name| said.contains(&format!("{name}-00"))).expect("a name");
        let places: Vec<_> =
            (0..MESSAGES).map(|number| said.find(&format!("{name}-{number:02}"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
    }
    assert!(until_cards.0 <= TICKETS + 5, "cards come first, so nobody waits long for theirs");
    assert!(posts <= 2 * TICKETS + 5, "{posts} posts");
    later.bridge.finish().await;
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_channel_is_drained_in_a_card_and_a_post_for_each_ticket() {
    // Slack allows a short burst, this one does not; and where the machine is busy, time is passed
    // over that a post would have needed.
    let refused = drain_a_full_channel("1").await;
    assert!(refused <= TICKETS, "{refused} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_pace_a_full_channel_is_drained_at_slacks_own() {
    // All cards are on their way when the first one is refused.
    let refused = drain_a_full_channel("0").await;
    assert!(refused <= TICKETS + 5, "{refused} refused");
}
