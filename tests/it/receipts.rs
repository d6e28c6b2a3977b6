//! Delivery is visible: ticks, failures with a way out, and word to Blip of what agents saw.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::store::Source;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{File, Message};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::later::Later;
use crate::support::{Bridge, PATIENCE, note, tuning};

/// Waits until a message has this mark.
async fn marked(bridge: &Bridge, ts: &str, mark: &str) {
    bridge
        .slack
        .wait_for(&format!("{mark} on {ts}"), |state| {
            let marks = &state.message(CHANNEL, ts)?.reactions;
            marks.iter().any(|(name, _)| name == mark).then_some(())
        })
        .await;
}

/// Waits for a line in a thread.
async fn line(bridge: &Bridge, card: &Message, part: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a line with {part}"), |state| {
            state.thread(CHANNEL, &card.ts).find(|line| line.words().contains(part)).cloned()
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_tell_how_far_a_reply_has_come_and_blip_what_was_seen() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap().ts;
    has_arrived(&bridge, &reply).await;
    let said = bridge.blip.says(&ticket, "Obrigada").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.receipts(), [(said.id, "consumed".to_owned())]);
    bridge.finish().await;
}

/// How late a patient bridge marks replies: later than anything that a slow machine does meanwhile.
const MARK_DELAY: Duration = Duration::from_mins(1);

/// A bridge that marks replies late, and a Blip that tells of them.
async fn patient() -> Later {
    let later = Later::tuned(&[], Tuning { mark_delay: MARK_DELAY, ..tuning() }).await;
    later.bridge.blip.configure(|setup| setup.sends_receipts = true);
    later
}

/// Waits until these replies have reached the customer, and the bridge was told of each: a mark shows
/// what is known when it is set, and time that passes before sets it.
async fn are_received(later: &Later, ticket: &str, replies: &[&str]) {
    later.reached(ticket, replies).await;
    let store = later.bridge.app().unwrap().store();
    let told = async {
        for reply in later.bridge.blip.received(ticket) {
            let key = format!(
                "r:default/{ticket}:{}:received",
                reply.id.to_lowercase().replace("fwd:", "")
            );
            while !store.has_accepted(Source::Blip, &key).await.unwrap() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("a receipt of each reply");
}

/// Lets the time pass after which a message is marked, until it has this mark.
async fn marked_later(later: &Later, ts: &str, mark: &str) {
    let marks = || marks_on(&later.bridge, ts);
    later.skips_pauses_until(mark, || marks().iter().any(|it| it == mark)).await;
}

/// The marks on a message.
fn marks_on(bridge: &Bridge, ts: &str) -> Vec<String> {
    let marks = bridge.slack.message(CHANNEL, ts).unwrap().reactions.into_iter();
    marks.filter(|(_, users)| !users.is_empty()).map(|(name, _)| name).collect()
}

/// How often marks were put on or taken off.
fn mark_calls(bridge: &Bridge) -> usize {
    ["reactions.add", "reactions.remove"].map(|name| bridge.slack.calls(name).len()).iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_bears_one_mark_which_is_set_once_with_the_newest_news() {
    let later = patient().await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let mut replies = Vec::new();
    let mut received = Vec::new();
    for words in ["Olá!", "Pois não?", "Já vai."] {
        if !replies.is_empty() {
            bridge.blip.reads(&ticket).await;
            bridge.blip.says(&ticket, "E então?").await.unwrap();
            bridge.until("the words", || bridge.said(&card).len() == 2 * replies.len()).await;
            // Nobody answers what was shown in the same millisecond.
            later.is_through().await;
        }
        replies.push(later.says(ANA, &card, words).await);
        received.push(words);
        are_received(&later, &ticket, &received).await;
    }
    let marks = ["eyeglasses", "eyeglasses", "mailbox_with_mail"];
    for (reply, mark) in replies.iter().zip(marks) {
        marked_later(&later, reply, mark).await;
        assert_eq!(marks_on(bridge, reply), [mark]);
    }
    assert_eq!(mark_calls(bridge), 3, "one for each reply");
    // Read later without a word: where there is room, that is shown as well.
    bridge.blip.reads(&ticket).await;
    later.passes(Duration::from_secs(11)).await;
    marked(bridge, &replies[2], "eyeglasses").await;
    assert_eq!(marks_on(bridge, &replies[2]), ["eyeglasses"]);
    assert_eq!(mark_calls(bridge), 5);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_of_three_messages_each_way_costs_few_calls_to_slack() {
    let later = patient().await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a claim", || bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
    let (mut replies, mut received) = (Vec::new(), Vec::new());
    for (words, answer) in
        [("Olá!", Some("E o pedido?")), ("Já vejo.", Some("Obrigada")), ("De nada!", None)]
    {
        received.push(words);
        replies.push(later.says(ANA, &card, words).await);
        are_received(&later, &ticket, &received).await;
        if let Some(answer) = answer {
            bridge.blip.reads(&ticket).await;
            bridge.blip.says(&ticket, answer).await.unwrap();
            bridge.until("the answer", || bridge.said(&card).join(" ").contains(answer)).await;
            later.is_through().await;
        }
    }
    for (reply, mark) in replies.iter().zip(["eyeglasses", "eyeglasses", "mailbox_with_mail"]) {
        marked_later(&later, reply, mark).await;
    }
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    let calls = |name: &str| bridge.slack.calls(name).len();
    let (posts, updates) = (calls("chat.postMessage"), calls("chat.update"));
    note(&format!("{posts} posts, {} calls for marks, {updates} updates", mark_calls(bridge)));
    // With one reaction for each of received, read and so on it were nine, and the line that calls the
    // holder into the thread is a fifth post.
    assert!(posts <= 5, "{posts}: {:?}", bridge.said(&card));
    assert!(mark_calls(bridge) <= 4, "{}", mark_calls(bridge));
    assert!(updates <= 2, "{updates}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_reply_was_read_late_is_left_out_where_it_is_no_news_or_there_is_no_room() {
    let later = patient().await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let answered = later.says(ANA, &card, "Olá!").await;
    are_received(&later, &ticket, &["Olá!"]).await;
    marked_later(&later, &answered, "mailbox_with_mail").await;
    bridge.blip.reads(&ticket).await;
    bridge.blip.says(&ticket, "Obrigada").await.unwrap();
    later.passes(Duration::from_secs(11)).await;
    later.is_through().await;
    assert_eq!(marks_on(bridge, &answered), ["mailbox_with_mail"], "an answer says more");
    let last = later.says(ANA, &card, "Até logo!").await;
    are_received(&later, &ticket, &["Olá!", "Até logo!"]).await;
    marked_later(&later, &last, "mailbox_with_mail").await;
    bridge.slack.faults().next("reactions.remove", Fault::RateLimited { retry_after: 30 });
    bridge.blip.reads(&ticket).await;
    later.passes(Duration::from_secs(11)).await;
    bridge.until("a try", || !bridge.slack.calls("reactions.remove").is_empty()).await;
    bridge.idle().await;
    assert_eq!(marks_on(bridge, &last), ["mailbox_with_mail"], "never two");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_want_to_hear_delays_nothing() {
    let bridge = Bridge::start().await;
    bridge.blip.faults().from_now("/notifications", Fault::Status(500));
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.said(&card), ["Alguém?"]);
    bridge.finish().await;
    let bridge = Bridge::with(&[("SEND_READ_RECEIPTS", "false")]).await;
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.receipts().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_did_not_arrive_can_be_sent_again_once() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá, *Maria*!").await.unwrap().ts;
    let failed = line(&bridge, &card, "Not delivered").await;
    assert!(failed.words().contains("did not answer in time"), "{}", failed.words());
    marked(&bridge, &reply, "x").await;
    comes_back(&bridge, &ticket).await;
    bridge.slack.clicks(BIA, CHANNEL, &failed.ts, "resend").await.unwrap();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty(), "only its holder may");
    // Two clicks before the button is gone.
    let (one, two) = tokio::join!(
        bridge.slack.clicks(ANA, CHANNEL, &failed.ts, "resend"),
        bridge.slack.clicks(ANA, CHANNEL, &failed.ts, "resend"),
    );
    one.unwrap();
    two.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá, *Maria*!"]);
    has_arrived(&bridge, &reply).await;
    assert!(bridge.slack.message(CHANNEL, &reply).unwrap().reacted("x").is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wrote_what_did_not_arrive_is_told_which_it_was_and_for_whom() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    // For Blip a day has passed that the bridge knows nothing of.
    bridge.blip.advance(Duration::from_hours(25));
    let words = format!("Seu pedido saiu *hoje*. {}", "Mais detalhes. ".repeat(20));
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words).await.unwrap().ts;
    let failed = line(&bridge, &card, "Not delivered").await;
    let told = failed.words();
    assert!(failed.text.starts_with(&format!("<@{ANA}> ")), "{}", failed.text);
    for part in ["to Maria Silva: “Seu pedido saiu hoje.", "…”. Reason: more than 24 hours"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(told.chars().count() < 400, "{told}");
    // The same words would be refused again.
    assert!(told.contains("would not help") && failed.buttons().is_empty(), "{told}");
    marked(&bridge, &reply, "x").await;
    bridge.idle().await;
    let marks = bridge.slack.message(CHANNEL, &reply).unwrap().reactions;
    assert!(marks.iter().all(|(name, users)| name == "x" || users.is_empty()), "{marks:?}");
    bridge.finish().await;
}

/// A ticket of a customer whom nothing reaches at the moment, and Blip tells so.
async fn unreachable(settings: &[(&str, &str)]) -> (Bridge, String, Message) {
    let bridge = Bridge::with(settings).await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    is_out_of_reach(&bridge);
    (bridge, ticket, card)
}

/// From now on nothing reaches customers: their channel does not answer.
fn is_out_of_reach(bridge: &Bridge) {
    bridge.blip.configure(|setup| setup.cannot_deliver = Some((86, "Timeout")));
}

/// The customer is back, and what is sent arrives.
async fn comes_back(bridge: &Bridge, ticket: &str) {
    bridge.blip.configure(|setup| setup.cannot_deliver = None);
    bridge.blip.says(ticket, "Voltei").await.unwrap();
    bridge.idle().await;
}

/// The lines that tell of failures and have a button, once there are so many.
async fn retriable(bridge: &Bridge, card: &Message, count: usize) -> Vec<Message> {
    let has_retry = |line: &&Message| line.buttons().iter().any(|b| b.action_id == "resend");
    bridge
        .slack
        .wait_for(&format!("{count} lines with a way out"), |state| {
            let lines = state.thread(CHANNEL, &card.ts);
            let lines: Vec<Message> = lines.filter(has_retry).cloned().collect();
            (lines.len() >= count).then_some(lines)
        })
        .await
}

async fn retries(bridge: &Bridge, line: &Message) {
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "resend").await.unwrap();
    bridge.idle().await;
}

/// The agent sends a canned reply with these words.
async fn sends_canned(bridge: &Bridge, card: &Message, words: &str) {
    // A button where somebody has the ticket, in the menu where nobody has.
    if bridge.slack.clicks(ANA, CHANNEL, &card.ts, "reply").await.is_err() {
        bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "reply")).await.unwrap();
    }
    let dialog = bridge.dialog(ANA);
    let typed = json!({ "words:1": { "words": { "type": "plain_text_input", "value": words } } });
    bridge.slack.submits(ANA, &dialog.id, typed).await.unwrap();
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canned_reply_can_be_sent_again_as_often_as_it_fails() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    let words = "Oi, *Maria*! <@U1> &amp; loja.example\n\nAté :wave:";
    sends_canned(&bridge, &card, words).await;
    let failed = retriable(&bridge, &card, 1).await;
    retries(&bridge, &failed[0]).await;
    let failed = retriable(&bridge, &card, 1).await;
    comes_back(&bridge, &ticket).await;
    retries(&bridge, failed.last().unwrap()).await;
    let expected = words.replace(":wave:", "👋");
    assert_eq!(bridge.received(&ticket), [expected.as_str()]);
    let sent = bridge.replies(&card).into_iter().find(|line| line.words().contains("📤")).unwrap();
    has_arrived(&bridge, &sent.ts).await;
    assert_eq!(bridge.blip.undelivered().len(), 2);
    assert!(bridge.blip.undelivered().iter().all(|(lost, _)| lost["content"] == expected));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_that_fails_after_the_close_is_told_without_a_button() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let farewell =
        json!({ "farewell": { "words": { "type": "plain_text_input", "value": "Tchau!" } } });
    bridge.slack.submits(ANA, &dialog.id, farewell).await.unwrap();
    let failed = line(&bridge, &card, "Not delivered").await;
    assert!(failed.words().contains("is closed, so it cannot be sent again"), "{}", failed.words());
    assert!(failed.buttons().is_empty());
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_can_be_sent_again_while_the_ticket_is_open() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    let refused = Fault::Code("66".to_owned());
    bridge.blip.faults().next("/commands set /tickets/change-status", refused);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let farewell =
        json!({ "farewell": { "words": { "type": "plain_text_input", "value": "Tchau!" } } });
    bridge.slack.submits(ANA, &dialog.id, farewell).await.unwrap();
    let failed = retriable(&bridge, &card, 1).await;
    comes_back(&bridge, &ticket).await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    retries(&bridge, &failed[0]).await;
    assert_eq!(bridge.received(&ticket), ["Tchau!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_did_not_arrive_can_be_sent_again_each_by_itself() {
    let (bridge, ticket, card) = unreachable(&[("PUBLIC_URL", "https://bridge.example")]).await;
    let files = [("um.txt", &b"um"[..]), ("dois.txt", b"dois")];
    let files = files.map(|(name, bytes)| File::hosted(name, bytes)).to_vec();
    let at = Some(card.ts.as_str());
    bridge.slack.shares_all(ANA, CHANNEL, at, files, "Seguem").await.unwrap();
    let failed = retriable(&bridge, &card, 3).await;
    comes_back(&bridge, &ticket).await;
    for line in &failed {
        retries(&bridge, line).await;
    }
    let sent = |content: &Value| match content.as_str() {
        Some(text) => text.to_owned(),
        None => content["title"].as_str().unwrap().to_owned(),
    };
    let received = bridge.blip.received(&ticket);
    let received: Vec<String> = received.iter().map(|message| sent(&message.content)).collect();
    assert_eq!(received, ["Seguem", "um.txt", "dois.txt"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_can_be_sent_again_too() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Custa R$ 10").await.unwrap().ts;
    bridge.idle().await;
    bridge.slack.edits(ANA, CHANNEL, &reply, "Custa R$ 100").await.unwrap();
    bridge.idle().await;
    is_out_of_reach(&bridge);
    let asked = bridge.slack.ephemerals(ANA).pop().unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "correct").await.unwrap();
    let failed = retriable(&bridge, &card, 1).await;
    comes_back(&bridge, &ticket).await;
    retries(&bridge, &failed[0]).await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10", "Custa R$ 100"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_cannot_be_says_why() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    let at = Some(card.ts.as_str());
    let gone = bridge.slack.says(ANA, CHANNEL, at, "Some").await.unwrap().ts;
    bridge.slack.says(ANA, CHANNEL, at, "Fica").await.unwrap();
    let failed = retriable(&bridge, &card, 2).await;
    // News of two replies may come in either order.
    let about = |words: &str| failed.iter().find(|line| line.words().contains(words)).unwrap();
    bridge.slack.deletes(ANA, CHANNEL, &gone).await.unwrap();
    bridge.idle().await;
    retries(&bridge, about("Some")).await;
    line(&bridge, &card, "is no longer here").await;
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.idle().await;
    retries(&bridge, about("Fica")).await;
    line(&bridge, &card, "the ticket has ended").await;
    assert!(bridge.received(&ticket).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_more_than_words_and_what_was_transferred_is_told_in_words() {
    let (bridge, ticket, card) = unreachable(&[]).await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    let page = bridge.dialog(ANA);
    let text =
        |name: &str, value: &str| json!({ name: { "type": "plain_text_input", "value": value } });
    let kind = json!({ "text": { "type": "plain_text", "text": "quick" }, "value": "quick" });
    let filled = json!({
        "kind": { "compose_kind": { "type": "static_select", "selected_option": kind } },
        "question": text("question", "Confirma?"), "options": text("options", "Sim\nNão"),
    });
    bridge.slack.submits(ANA, &page.id, filled).await.unwrap();
    let preview = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    assert!(line(&bridge, &card, "create it again").await.buttons().is_empty());
    bridge.blip.hold();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Vou passar").await.unwrap();
    bridge.idle().await;
    bridge.blip.transfers(&ticket, "Suporte").await.unwrap();
    // The news of the transfer come before those of the message.
    bridge.blip.release(|held| held.reverse()).await;
    assert!(line(&bridge, &card, "moved to another ticket").await.buttons().is_empty());
    bridge.idle().await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blip_is_asked_what_became_of_a_reply_if_it_does_not_tell() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let arrives = later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    bridge.blip.advance(Duration::from_hours(25));
    later.says(ANA, &card, "Ainda aí?").await;
    bridge.idle().await;
    assert!(!bridge.said(&card).iter().any(|line| line.contains("Not delivered")));
    later.passes(Duration::from_secs(31)).await;
    marked(bridge, &arrives, "envelope_with_arrow").await;
    line(bridge, &card, "Not delivered").await;
    bridge.blip.reads(&ticket).await;
    later.passes(Duration::from_mins(6)).await;
    later.is_through().await;
    later.passes(Duration::from_secs(11)).await;
    marked(bridge, &arrives, "eyeglasses").await;
    later.passes(Duration::from_hours(2)).await;
    bridge.idle().await;
    let lines = bridge.said(&card);
    assert_eq!(lines.iter().filter(|line| line.contains("Not delivered")).count(), 1, "{lines:?}");
    let asked = bridge.blip.look(|state| {
        state
            .calls
            .iter()
            .filter(|call| {
                call.method.contains("/notifications?")
                    || call.method.contains("get /notifications")
            })
            .count()
    });
    assert_eq!(asked, 2, "once for both, and once more for the one that was read late");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_blip_took_for_a_ticket_that_was_over_are_told_to_be_lost() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    bridge.blip.closes_silently(&ticket, "ClosedClientInactivity").unwrap();
    later.says(ANA, &card, "Ainda aí?").await;
    bridge.idle().await;
    later.passes(Duration::from_secs(31)).await;
    let failed = line(bridge, &card, "Not delivered").await;
    assert!(failed.words().contains("had ended"), "{}", failed.words());
    assert!(failed.words().contains("cannot be sent again") && failed.buttons().is_empty());
    bridge.idle().await;
    later.passes(Duration::from_mins(6)).await;
    bridge.idle().await;
    let said = bridge.said(&card);
    assert_eq!(said.iter().filter(|line| line.contains("Not delivered")).count(), 1, "{said:?}");
    assert!(said.iter().any(|line| line.contains("inactivity")), "{said:?}");
    later.bridge.finish().await;
}

/// Tickets of the day that is counted.
const TICKETS: usize = 10;
/// How often in that day many agents answer at the same time, and how many replies that are.
const STEPS: usize = 10;
const ANSWERS: usize = 20;

/// A normal day, in short: a bot of two replies a minute. Every other customer reads what reached
/// them, and some tickets are closed soon after a reply. Returns how often Blip was asked afterwards.
async fn reads_of_a_day(setup: impl FnOnce(&Bridge)) -> usize {
    let unremindful = ["REMIND_UNCLAIMED_MINUTES", "REMIND_UNANSWERED_MINUTES"];
    let later = Later::start(&unremindful.map(|name| (name, "0"))).await;
    let bridge = &later.bridge;
    setup(bridge);
    let names: Vec<String> = (0..TICKETS).map(|number| format!("c{number:02}")).collect();
    let tickets = join_all(names.iter().map(|name| bridge.ticket(name, "Oi"))).await;
    let before = reads(bridge);
    for step in 0..STEPS {
        let answered = tickets.iter().cycle().take(ANSWERS);
        let said = answered.map(|(_, card)| later.says(ANA, card, "Olá!"));
        let replies = join_all(said).await;
        bridge.idle().await;
        if step + 1 == STEPS {
            for (ticket, _) in tickets.iter().step_by(3) {
                bridge.blip.closes(ticket, "ClosedClient").await.unwrap();
            }
        }
        for (ticket, _) in tickets.iter().step_by(2) {
            bridge.blip.reads(ticket).await;
        }
        later.passes(Duration::from_mins(10)).await;
        for (ticket, _) in &tickets {
            is_looked_after(bridge, ticket, 0).await;
        }
        for reply in &replies {
            has_arrived(bridge, reply).await;
        }
    }
    later.passes(Duration::from_mins(16)).await;
    for (ticket, _) in &tickets {
        is_looked_after(bridge, ticket, 1).await;
    }
    let reads = reads(bridge) - before;
    note(&format!("{reads} reads for {} replies", STEPS * ANSWERS));
    later.bridge.finish().await;
    reads
}

/// Waits until the bridge has settled its so manieth look at the last reply of a ticket.
async fn is_looked_after(bridge: &Bridge, ticket: &str, looks: usize) {
    let last = bridge.blip.received(ticket).pop().unwrap();
    is_look_settled(bridge, &last.id, looks).await;
}

/// Waits until the bridge has settled its so manieth look at a reply: time that passes before that
/// would take its lease away.
async fn is_look_settled(bridge: &Bridge, reply: &str, looks: usize) {
    let store = bridge.app().unwrap().store();
    let key = format!("delivery:{}:{looks}", reply.replace("fwd:", ""));
    let settled = async {
        while store.has_accepted(Source::Internal, &key).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("a look at the reply");
}

/// Waits until a reply is marked to have gone out, whatever was known of it then.
async fn has_arrived(bridge: &Bridge, reply: &str) {
    let arrived = ["envelope_with_arrow", "mailbox_with_mail", "eyeglasses"];
    bridge
        .slack
        .wait_for(&format!("the arrival of {reply}"), |state| {
            let marks = &state.message(CHANNEL, reply)?.reactions;
            marks.iter().any(|(name, _)| arrived.contains(&name.as_str())).then_some(())
        })
        .await;
}

/// How often Blip was asked about a ticket, its messages or what became of them.
fn reads(bridge: &Bridge) -> usize {
    let reads = ["get /notifications", "get /ticket/", "get /tickets/"];
    let is_read = |method: &str| reads.iter().any(|read| method.contains(read));
    bridge.blip.look(|state| state.calls.iter().filter(|call| is_read(&call.method)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blip_that_tells_by_itself_is_not_asked() {
    let reads = reads_of_a_day(|bridge| {
        bridge.blip.configure(|setup| setup.sends_receipts = true);
    });
    assert_eq!(reads.await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blip_that_never_tells_is_asked_once_for_many_replies() {
    let reads = reads_of_a_day(|_| {}).await;
    assert!(reads * 5 <= STEPS * ANSWERS, "{reads} reads");
}

/// A reply that arrives and one that fails, of a bot whose own flow fills the end of Blip's log.
async fn fails_behind_a_busy_flow(omits_status: bool) -> (Later, String, Message) {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| {
        setup.has_busy_flow = true;
        setup.omits_status = omits_status;
    });
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    let arrives = later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    bridge.blip.advance(Duration::from_hours(25));
    later.says(ANA, &card, "Ainda aí?").await;
    bridge.idle().await;
    later.passes(Duration::from_secs(31)).await;
    let (failed, _) = bridge.blip.undelivered().pop().unwrap();
    is_look_settled(bridge, failed["id"].as_str().unwrap(), 0).await;
    (later, arrives, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_end_of_the_log_does_not_show_is_found_by_the_ticket() {
    let (later, arrives, card) = fails_behind_a_busy_flow(false).await;
    let bridge = &later.bridge;
    has_arrived(bridge, &arrives).await;
    let failed = line(bridge, &card, "Not delivered").await;
    assert!(failed.words().contains("24 hours") && failed.buttons().is_empty());
    later.passes(Duration::from_mins(6)).await;
    later.is_through().await;
    assert_eq!(asked_for_one(bridge), 0);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_neither_the_log_nor_the_ticket_says_is_asked_for_one_reply_at_last() {
    let (later, arrives, card) = fails_behind_a_busy_flow(true).await;
    let bridge = &later.bridge;
    assert_eq!(asked_for_one(bridge), 0);
    later.passes(Duration::from_mins(6)).await;
    has_arrived(bridge, &arrives).await;
    line(bridge, &card, "Not delivered").await;
    later.is_through().await;
    assert_eq!(asked_for_one(bridge), 6, "three forms of the id of two replies");
    later.bridge.finish().await;
}

/// How often Blip was asked for one reply.
fn asked_for_one(bridge: &Bridge) -> usize {
    let is_it =
        |body: &Value| body["uri"].as_str().is_some_and(|uri| uri.contains("/notifications?id="));
    bridge.blip.look(|state| state.calls.iter().filter(|call| is_it(&call.body)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_told_once_blip_can_be_asked_again() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.advance(Duration::from_hours(25));
    later.says(ANA, &card, "Ainda aí?").await;
    bridge.idle().await;
    bridge.blip.faults().from_now("/commands get /notifications", Fault::Status(503));
    later.passes(Duration::from_mins(7)).await;
    later.passes(Duration::from_mins(7)).await;
    bridge.blip.faults().clear();
    let is_told = || bridge.said(&card).join("\n").contains("Not delivered");
    later.skips_pauses_until("a line that it was not delivered", is_told).await;
    later.bridge.finish().await;
}
