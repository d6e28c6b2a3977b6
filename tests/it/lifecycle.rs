//! What the platforms do to the bridge as a whole: credentials that end, channels and threads that
//! go, a clock that is wrong. Each is seen, and recovers by itself once its cause is gone.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::json;

use crate::support::later::Later;
use crate::support::{Bridge, tuning};

fn revoked() -> Fault {
    Fault::Code("token_revoked".to_owned())
}

/// The card that says this in a channel, once it is there.
async fn card_in(bridge: &Bridge, channel: &str, words: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a card in {channel} that says {words}"), |state| {
            state.cards(channel).find(|card| card.words().contains(words)).cloned()
        })
        .await
}

/// What stands in a thread of any channel.
fn said_in(bridge: &Bridge, channel: &str, root: &str) -> String {
    let thread = bridge.slack.thread(channel, root);
    thread.iter().map(Message::words).collect::<Vec<_>>().join("\n")
}

fn in_order(said: &str, words: &[&str]) {
    let places: Vec<_> = words.iter().map(|word| said.find(word)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{words:?} in {said}");
    for word in words {
        assert_eq!(said.matches(word).count(), 1, "{word} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_keeps_the_queue_until_there_is_a_good_one() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.slack.faults().from_now("*", revoked());
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.blip.says(&ticket, "two").await.unwrap();
    bridge.becomes(false, "SLACK_BOT_TOKEN").await;
    bridge.slack.faults().clear();
    bridge.idle().await;
    bridge.becomes(true, "").await;
    in_order(&bridge.said(&card).join("\n"), &["one", "two"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_becomes_ready_again_even_if_there_is_nothing_to_do() {
    // With nothing else to do, nothing else is answered meanwhile.
    let bridge = Bridge::with(&[("SEND_READ_RECEIPTS", "false")]).await;
    bridge.blip.faults().next("/commands get /contacts/*", Fault::Status(401));
    bridge.blip.faults().from_now("/commands get /ping", Fault::Status(401));
    bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "Oi")).await;
    let card = bridge.card_of("Oi").await;
    bridge.becomes(false, "key of a bot").await;
    bridge.blip.faults().clear();
    bridge.becomes(true, "").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.faults().next("chat.postEphemeral", revoked());
    bridge.slack.faults().from_now("auth.test", revoked());
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.becomes(false, "SLACK_BOT_TOKEN").await;
    bridge.slack.faults().clear();
    bridge.becomes(true, "").await;
    bridge.finish().await;
}

/// Slack tells that the app is gone; what people do until it is back is looked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_uninstalled_is_noticed_at_once_and_catches_up_when_it_is_back() {
    for event in [
        json!({"type": "app_uninstalled"}),
        json!({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BRIDGE"]}}),
    ] {
        let bridge = Bridge::start().await;
        let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
        bridge.idle().await;
        bridge.slack.faults().from_now("*", revoked());
        assert_eq!(bridge.slack.announces(event).await, Some(200));
        bridge.becomes(false, "SLACK_BOT_TOKEN").await;
        // Slack sends nothing to an app that is not there.
        bridge.slack.hold();
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "missed").await.unwrap();
        bridge.slack.faults().clear();
        bridge.until("the reply", || bridge.received(&ticket) == ["missed"]).await;
        bridge.becomes(true, "").await;
        bridge.slack.release(|_| {}).await;
        bridge.idle().await;
        assert_eq!(bridge.received(&ticket), ["missed"], "once");
        bridge.finish().await;
    }
}

/// Whoever waits for the key must not put off the next try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_blip_refused_once_is_tried_again_in_time() {
    let tuning = Tuning { credentials_pause: Duration::from_secs(3), ..tuning() };
    let bridge = Bridge::tuned(&[], tuning).await;
    let mut tickets = Vec::new();
    for name in ["Maria", "Rui", "Eva"] {
        let (ticket, card) = bridge.ticket(name, "Oi").await;
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        tickets.push((ticket, card));
    }
    bridge.idle().await;
    bridge.blip.faults().next("/messages", Fault::Status(401));
    // One alone: another one that is on its way just then would be taken, and prove the key.
    let (first, others) = tickets.split_first().unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&first.1.ts), "reply").await.unwrap();
    bridge.becomes(false, "key of a bot").await;
    for (_, card) in others {
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    }
    for (ticket, _) in &tickets {
        bridge.until("the reply", || bridge.received(ticket) == ["reply"]).await;
    }
    bridge.becomes(true, "").await;
    bridge.finish().await;
}

/// A user's token that ends is none of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_somebody_elses_token_changes_nothing() {
    let bridge = Bridge::start().await;
    let asked = bridge.slack.calls("auth.test").len();
    let event = json!({"type": "tokens_revoked", "tokens": {"oauth": [ANA], "bot": []}});
    assert_eq!(bridge.slack.announces(event).await, Some(200));
    bridge.until("a question", || bridge.slack.calls("auth.test").len() > asked).await;
    bridge.becomes(true, "").await;
    bridge.finish().await;
}

/// Nobody should learn from the first customer that the set-up is not finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_the_app_is_not_in_is_told_before_the_first_ticket() {
    for channel in [CHANNEL, "#atendimento"] {
        let mut bridge = Bridge::with(&[("SLACK_CHANNEL", channel)]).await;
        bridge.stop_bridge().await;
        let us = bridge.slack.look(|state| state.setup.bot_user.clone());
        bridge.slack.change_channel(CHANNEL, |channel| assert!(channel.members.remove(&us)));
        bridge.start_bridge().await.unwrap();
        let (status, trouble) = bridge.readiness().await;
        assert!(status == 503 && trouble.contains("SLACK_CHANNEL"), "{channel}: {trouble}");
        bridge.slack.change_channel(CHANNEL, |channel| assert!(channel.members.insert(us)));
        bridge.becomes(true, "").await;
        bridge.finish().await;
    }
    let mut bridge = Bridge::start().await;
    bridge.stop_bridge().await;
    bridge.set_setting("SLACK_CHANNEL", "#nowhere");
    bridge.start_bridge().await.unwrap();
    bridge.becomes(false, "SLACK_CHANNEL").await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_channel_keeps_its_tickets_until_it_is_back() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.slack.change_channel(CHANNEL, |channel| channel.archived = true);
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.blip.says(&ticket, "two").await.unwrap();
    bridge.blip.opens_ticket(NewTicket::saying("Rui", "rui@0mn.io", "three")).await;
    bridge.becomes(false, "SLACK_CHANNEL").await;
    bridge.slack.change_channel(CHANNEL, |channel| channel.archived = false);
    let back = json!({"type": "channel_unarchive", "channel": CHANNEL, "user": ANA});
    assert_eq!(bridge.slack.announces(back).await, Some(200));
    bridge.becomes(true, "").await;
    let said = || bridge.said(&card).join("\n");
    let is_shown = || bridge.slack.cards(CHANNEL).iter().any(|new| new.words().contains("three"));
    later.skips_pauses_until("all that was said", || said().contains("two") && is_shown()).await;
    bridge.idle().await;
    in_order(&said(), &["one", "two"]);
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 2, "{}", bridge.slack.transcript());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_was_removed_from_the_channel_goes_on_once_it_is_invited_again() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    let us = bridge.slack.look(|state| state.setup.bot_user.clone());
    bridge.slack.change_channel(CHANNEL, |channel| assert!(channel.members.remove(&us)));
    let gone = json!({"type": "channel_left", "channel": CHANNEL, "actor_id": ANA});
    assert_eq!(bridge.slack.announces(gone).await, Some(200));
    bridge.becomes(false, "SLACK_CHANNEL").await;
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "unheard").await.unwrap();
    bridge.slack.change_channel(CHANNEL, |channel| assert!(channel.members.insert(us)));
    let is_through =
        || bridge.received(&ticket) == ["unheard"] && bridge.said(&card).join(" ").contains("one");
    later.skips_pauses_until("both words", is_through).await;
    bridge.becomes(true, "").await;
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_whose_own_channel_is_lost_goes_to_the_channel_for_all() {
    let teams = ("SLACK_TEAM_CHANNELS", "Vendas=#vendas,Suporte=#nowhere");
    let bridge = Bridge::with(&[teams]).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA, BIA]);
    let new = |name: &str, team: &str| {
        let new = NewTicket::saying(name, &format!("{name}@0mn.io"), &format!("words-of-{name}"));
        NewTicket { team: team.to_owned(), ..new }
    };
    let before = bridge.blip.opens_ticket(new("before", "Vendas")).await.id;
    card_in(&bridge, "C0VENDAS", "words-of-before").await;
    bridge.idle().await;
    bridge.slack.change_channel("C0VENDAS", |channel| channel.archived = true);
    // One that is there already, one that comes, and one of a team whose channel never was.
    bridge.blip.says(&before, "more").await.unwrap();
    bridge.blip.opens_ticket(new("after", "Vendas")).await;
    bridge.blip.opens_ticket(new("never", "Suporte")).await;
    let moved = card_in(&bridge, CHANNEL, "words-of-before").await;
    let after = card_in(&bridge, CHANNEL, "words-of-after").await;
    let never = card_in(&bridge, CHANNEL, "words-of-never").await;
    bridge.idle().await;
    in_order(&said_in(&bridge, CHANNEL, &moved.ts), &["no longer reach", "more"]);
    assert!(said_in(&bridge, CHANNEL, &after.ts).contains("cannot post in the channel"));
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 3);
    bridge.becomes(true, "").await;
    // They are answered from there, and the ones that come later go back to their own channel.
    bridge.slack.says(ANA, CHANNEL, Some(&moved.ts), "reply").await.unwrap();
    bridge.until("the reply", || bridge.received(&before) == ["reply"]).await;
    bridge.slack.change_channel("C0VENDAS", |channel| channel.archived = false);
    bridge.blip.opens_ticket(new("later", "Vendas")).await;
    card_in(&bridge, "C0VENDAS", "words-of-later").await;
    drop(never);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_renamed_keeps_its_tickets_and_waits_for_its_name_after_a_start() {
    let mut later = Later::start(&[("SLACK_CHANNEL", "#atendimento")]).await;
    let bridge = &mut later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.change_channel(CHANNEL, |channel| channel.name = "desk".to_owned());
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.blip.opens_ticket(NewTicket::saying("Rui", "rui@0mn.io", "two")).await;
    card_in(bridge, CHANNEL, "two").await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    // Threads are known by their ids; only what needs a new one has to wait.
    bridge.blip.says(&ticket, "three").await.unwrap();
    bridge.blip.opens_ticket(NewTicket::saying("Eva", "eva@0mn.io", "four")).await;
    bridge.becomes(false, "SLACK_CHANNEL").await;
    bridge.until("the message", || bridge.said(&card).join(" ").contains("three")).await;
    bridge.stop_bridge().await;
    bridge.set_setting("SLACK_CHANNEL", "#desk");
    bridge.start_bridge().await.unwrap();
    let bridge = &later.bridge;
    let is_shown = || bridge.slack.cards(CHANNEL).iter().any(|card| card.words().contains("four"));
    later.skips_pauses_until("the card", is_shown).await;
    in_order(&bridge.said(&card).join("\n"), &["one", "three"]);
    bridge.becomes(true, "").await;
    later.bridge.finish().await;
}

/// By the name of the old channel there is another one now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_takes_the_name_of_a_lost_one_gets_the_tickets() {
    let later = Later::start(&[("SLACK_CHANNEL", "#atendimento")]).await;
    let bridge = &later.bridge;
    let (ticket, _) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.name = "atendimento-old".to_owned();
        channel.archived = true;
    });
    bridge.slack.add_channel("C0NEW", "atendimento", &[ANA, BIA]);
    bridge.blip.says(&ticket, "one").await.unwrap();
    let card = card_in(bridge, "C0NEW", "Maria Silva").await;
    bridge.idle().await;
    in_order(&said_in(bridge, "C0NEW", &card.ts), &["no longer reach", "one"]);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_card_is_made_again_and_says_why() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
    bridge.blip.says(&ticket, "one").await.unwrap();
    let new = bridge
        .slack
        .wait_for("another card", |state| {
            let other = |new: &&Message| new.ts != card.ts && new.words().contains("Maria Silva");
            state.cards(CHANNEL).find(other).cloned()
        })
        .await;
    bridge.idle().await;
    in_order(&bridge.said(&new).join("\n"), &["was deleted", "one"]);
    bridge.slack.says(ANA, CHANNEL, Some(&new.ts), "reply").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["reply"]);
    assert!(new.words().contains("<@U0ANA>"), "its holder is the same: {}", new.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_is_missing_is_named_as_trouble_until_the_app_is_installed_again() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.slack.configure(|setup| assert!(setup.scopes.remove("chat:write")));
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.blip.says(&ticket, "two").await.unwrap();
    bridge.becomes(false, "scope").await;
    bridge.slack.configure(|setup| assert!(setup.scopes.insert("chat:write".to_owned())));
    bridge.idle().await;
    bridge.becomes(true, "").await;
    in_order(&bridge.said(&card).join("\n"), &["one", "two"]);
    let violations = bridge.slack.violations();
    assert!(violations.iter().all(|what| what.contains("missing_scope")), "{violations:#?}");
}

/// A scope without which something is only less beautiful is not waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trouble_with_a_scope_ends_when_the_scopes_change_even_if_there_is_nothing_to_do() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let refused = Fault::Code("missing_scope".to_owned());
    bridge.slack.faults().from_now("chat.postEphemeral", refused);
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.becomes(false, "scope").await;
    bridge.slack.configure(|setup| assert!(setup.scopes.insert("team:read".to_owned())));
    bridge.becomes(true, "").await;
    bridge.slack.faults().clear();
    bridge.finish().await;
}

/// By a clock that was an hour ahead, everything would have to wait for an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_stuck_after_the_clock_was_set_back() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    let hour = Duration::from_hours(1);
    bridge.slack.faults().from_now("chat.postMessage", Fault::Status(500));
    bridge.blip.says(&ticket, "one").await.unwrap();
    let tried = |bridge: &Bridge| bridge.slack.calls("chat.postMessage").len();
    let before = tried(bridge);
    bridge.until("a try", || tried(bridge) > before).await;
    later.says(ANA, &card, "held").await;
    later.clock_is_set_back(hour);
    bridge.slack.faults().clear();
    bridge.until("the message", || bridge.said(&card).join(" ").contains("one")).await;
    assert!(bridge.received(&ticket).is_empty(), "what is held keeps its time");
    later.clock_jumps(hour);
    bridge.until("the reply", || bridge.received(&ticket) == ["held"]).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_minutes_off_is_told_and_what_was_refused_meanwhile_is_taken_up() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    let off = Duration::from_mins(10);
    bridge.slack.advance(off);
    let done = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "too early").await.unwrap();
    assert_eq!(done.status, Some(401));
    bridge.becomes(false, "clock").await;
    // Blip knows nothing of clocks.
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.until("the message", || bridge.said(&card).join(" ").contains("one")).await;
    // Somebody sets the clock.
    later.clock_jumps(off);
    bridge.becomes(true, "").await;
    bridge.until("the reply", || bridge.received(&ticket) == ["too early"]).await;
    let done = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "in time").await.unwrap();
    assert_eq!(done.status, Some(200));
    bridge.until("both", || bridge.received(&ticket) == ["too early", "in time"]).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_cards_speak_the_language_that_is_set_from_the_start_on() {
    let mut bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    assert!(card.blocks.iter().any(|block| block.to_string().contains("Claim")));
    bridge.idle().await;
    bridge.stage.stop_bridge().await;
    bridge.stage.set_setting("LOCALE", "pt-BR");
    bridge.stage.start_bridge().await.unwrap();
    bridge
        .slack
        .wait_for("the card in Portuguese", |state| {
            let card = state.message(CHANNEL, &card.ts)?;
            card.blocks.iter().any(|block| block.to_string().contains("Assumir")).then_some(())
        })
        .await;
    bridge.finish().await;
}
