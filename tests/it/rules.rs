//! The rules of the desk, one by one: who may do what, what stays inside, what Blip does itself.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL, Stage};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, User};
use serde_json::json;

use crate::support::{Bridge, tuning};

async fn says(bridge: &Bridge, user: &str, card: &Message, text: &str) -> String {
    bridge.slack.says(user, CHANNEL, Some(&card.ts), text).await.unwrap().ts
}

fn has_mark(bridge: &Bridge, ts: &str, name: &str) -> bool {
    bridge.slack.reactions(CHANNEL, ts).iter().any(|(reaction, _)| reaction == name)
}

/// More than fits into one message on either side.
fn long_text() -> String {
    let sentences: Vec<String> = (0..900).map(|n| format!("palavra {n}.")).collect();
    sentences.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_meant_for_the_customer_reaches_the_customer() {
    let bridge = Bridge::start().await;
    bridge.slack.add_user(User {
        is_restricted: true,
        locale: "en-US".to_owned(),
        ..User::member("U0GUEST", "Guest", "guest@x.example")
    });
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert("U0GUEST".to_owned());
    });
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "first").await;
    bridge.idle().await;
    let prefix = says(&bridge, ANA, &card, "// only us").await;
    let colleague = says(&bridge, ANA, &card, "<@U0BIA> what do you think?").await;
    let guest = says(&bridge, "U0GUEST", &card, "I am a guest").await;
    let other = says(&bridge, BIA, &card, "not mine").await;
    bridge.slack.says(ANA, CHANNEL, None, "in the channel, not in a thread").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["first"]);
    for note in [&prefix, &colleague, &guest, &other] {
        assert!(has_mark(&bridge, note, "lock"), "{note}");
    }
    assert!(bridge.slack.ephemerals("U0GUEST")[0].words().contains("only agents"));
    assert!(bridge.slack.ephemerals(BIA)[0].words().contains("Ana Lima"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_a_colleagues_ticket_goes_out_when_its_writer_says_so() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "first").await;
    says(&bridge, BIA, &card, "second & last").await;
    bridge.idle().await;
    let question = bridge.slack.ephemerals(BIA)[0].ts.clone();
    bridge.slack.clicks(BIA, CHANNEL, &question, "send").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["first", "second & last"]);
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "ana%40loja.example@blip.ai");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_is_edited_into_a_reply_goes_out_when_its_writer_says_so() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "first").await;
    let note = says(&bridge, ANA, &card, "// it costs 10").await;
    bridge.idle().await;
    bridge.slack.edits(ANA, CHANNEL, &note, "// it costs 100").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.ephemerals(ANA).is_empty(), "it is a note as before");
    bridge.slack.edits(ANA, CHANNEL, &note, "it costs 100").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["first"], "not by itself");
    let question = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(question.words().contains("still is one"), "{}", question.words());
    bridge.slack.clicks(ANA, CHANNEL, &question.ts, "send").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["first", "it costs 100"]);
    assert!(!has_mark(&bridge, &note, "lock"), "it is no note any more");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_released_ticket_is_free_for_the_next_one() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes::skin-tone-3").await.unwrap();
    bridge.idle().await;
    bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes::skin-tone-3").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains("unclaimed"));
    bridge.slack.clicks(BIA, CHANNEL, &card.ts, "claim").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    bridge.slack.picks(BIA, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, serde_json::json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactions_count_on_the_card_only_and_from_agents_only() {
    let bridge = Bridge::start().await;
    bridge.slack.add_user(User { is_bot: true, ..User::member("U0BOT", "Robot", "") });
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert("U0BOT".to_owned());
    });
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "de novo").await.unwrap();
    bridge.idle().await;
    let said = bridge.replies(&card)[0].ts.clone();
    bridge.slack.reacts(ANA, CHANNEL, &said, "white_check_mark").await.unwrap();
    bridge.slack.reacts("U0BOT", CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "heavy_check_mark").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Waiting");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_blip_closes_is_closed_here_and_takes_no_more_replies() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "first").await;
    bridge.idle().await;
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.idle().await;
    let late = says(&bridge, ANA, &card, "too late").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let said = bridge.said(&card);
    assert_eq!(said.iter().filter(|words| words.contains("Closed by the customer")).count(), 1);
    assert_eq!(bridge.received(&ticket), ["first"]);
    assert!(has_mark(&bridge, &late, "lock"));
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().buttons().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_ended_without_a_word_is_noticed_when_somebody_closes_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.closes_silently(&ticket, "ClosedClientInactivity").unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card)[0].contains("inactivity"), "{:?}", bridge.said(&card));
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().buttons().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_an_unknown_ticket_makes_its_thread_first() {
    let bridge = Bridge::start().await;
    let ticket = bridge.blip.opens_ticket_silently(NewTicket::default());
    bridge.blip.says(&ticket, "alguém aí?").await.unwrap();
    let card = bridge.card_of("Maria").await;
    bridge.idle().await;
    assert!(bridge.said(&card)[0].contains("alguém aí?"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_of_anything_changes_nothing() {
    let bridge = Bridge::start().await;
    bridge.slack.configure(|setup| setup.sends_twice = true);
    bridge.blip.configure(|setup| setup.sends_twice = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    says(&bridge, ANA, &card, "uma vez").await;
    bridge.blip.says(&ticket, "só uma").await.unwrap();
    bridge.slack.settled().await;
    bridge.blip.settled().await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["uma vez"]);
    let said = bridge.said(&card);
    assert_eq!(said.iter().filter(|words| words.contains("só uma")).count(), 1, "{said:?}");
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_without_an_identity_at_blip_is_told_what_to_set() {
    let bridge = Bridge::start().await;
    bridge.slack.add_user(User::member("U0NEW", "Nova", ""));
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert("U0NEW".to_owned());
    });
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts("U0NEW", CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.ephemerals("U0NEW")[0].words().contains("AGENT_MAP"));
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Waiting");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whom_blip_does_not_know_claims_as_the_default_agent() {
    let bridge = Bridge::with(&[("BLIP_DEFAULT_AGENT", "bia@loja.example")]).await;
    bridge.blip.configure(|setup| {
        setup.knows_agents = true;
        setup.agents = vec!["bia%40loja.example@blip.ai".to_owned()];
    });
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains("<@U0ANA>"));
    assert!(bridge.slack.ephemerals(ANA)[0].words().contains("default agent"));
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_the_handoff_is_one_message_in_the_thread() {
    let bridge = Bridge::with(&[("CONTEXT_MESSAGES", "10")]).await;
    let first = NewTicket::default();
    let old = bridge.blip.opens_ticket_silently(first.clone());
    bridge.blip.configure(|setup| setup.sends_receipts = false);
    for words in ["quero falar com alguém", "é urgente"] {
        bridge.blip.hold();
        bridge.blip.says(&old, words).await.unwrap();
    }
    bridge.blip.closes_silently(&old, "ClosedAttendant").unwrap();
    bridge.blip.release(Vec::clear).await;
    bridge.blip.opens_ticket(first).await;
    let card = bridge.card_of("Maria").await;
    bridge.idle().await;
    let said = bridge.said(&card);
    let context: Vec<_> =
        said.iter().filter(|words| words.contains("Before the handoff")).collect();
    assert_eq!(context.len(), 1, "{said:?}");
    assert!(context[0].find("alguém") < context[0].find("urgente"), "{context:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teams_tickets_go_to_its_channel() {
    let bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Vendas=#vendas")]).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA]);
    let new = NewTicket { team: "Vendas".to_owned(), ..NewTicket::default() };
    bridge.blip.opens_ticket(new).await;
    bridge
        .slack
        .wait_for("the card", |state| state.cards("C0VENDAS").next().map(|card| card.ts.clone()))
        .await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_is_clean_on_both_sides() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let nasty = "<!channel> *oi* <https://x.example|clique> &amp; :smile: @here";
    bridge.blip.says(&ticket, nasty).await.unwrap();
    says(
        &bridge,
        ANA,
        &card,
        "Fala com <@U0BIA> no <#C0ATENDIMENTO> < já > :man-shrugging::skin-tone-4:",
    )
    .await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Fala com @Bia Souza no #atendimento < já > 🤷🏽‍♂️"]);
    let shown = bridge.replies(&card).into_iter().find(|m| m.ours).unwrap();
    assert_eq!(shown.words().replace('\n', " ").trim(), nasty);
    assert!(!shown.text.contains("<!channel>"), "{}", shown.text);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_text_is_split_and_nothing_is_cut() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let long = long_text();
    bridge.blip.says(&ticket, &long).await.unwrap();
    says(&bridge, ANA, &card, &long).await;
    bridge.idle().await;
    let heard = bridge.received(&ticket);
    assert!(heard.len() > 1 && heard.concat() == long, "{} parts", heard.len());
    let shown: String =
        bridge.replies(&card).iter().filter(|m| m.ours).map(Message::words).collect();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&shown).len(), words(&long).len());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_an_unknown_kind_is_stored_and_harmless() {
    let bridge = Bridge::start().await;
    let status = bridge.slack.emits(json!({"type": "brand_new", "channel": CHANNEL})).await;
    assert_eq!(status, Some(200));
    let status = bridge.blip.emits(json!({"type": "application/x-new", "content": {}})).await;
    assert_eq!(status, Some(200));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bots_keep_their_tickets_apart() {
    let settings = [
        ("BLIP_BOTS", "vendas"),
        ("BLIP_VENDAS_KEY", "Key bG9qYWRlbW86c2VncmVkbw=="),
        ("BLIP_VENDAS_WEBHOOK_TOKEN", "00D21000000767i"),
        ("SLACK_VENDAS_CHANNEL", "C0VENDAS"),
    ];
    let bridge = Bridge::with(&settings).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA]);
    let url = format!("http://{}/blip/webhook/vendas", bridge.app().unwrap().address());
    bridge.blip.deliver_to(&url);
    let opened = bridge.blip.opens_ticket(NewTicket::default()).await;
    assert_eq!(opened.status, Some(200));
    let card =
        bridge.slack.wait_for("the card", |state| state.cards("C0VENDAS").next().cloned()).await;
    bridge.slack.says(ANA, "C0VENDAS", Some(&card.ts), "oi").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&opened.id), ["oi"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_click_on_send_sends_nothing_more() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "first").await;
    says(&bridge, BIA, &card, "second").await;
    bridge.idle().await;
    let question = bridge.slack.ephemerals(BIA)[0].ts.clone();
    let clicks = [0, 1].map(|_| bridge.slack.clicks(BIA, CHANNEL, &question, "send"));
    for click in clicks {
        // The second one may find the question answered already.
        click.await.ok();
    }
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["first", "second"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_first_words_go_on_in_the_thread() {
    let bridge = Bridge::start().await;
    let long = long_text();
    let (_, card) = bridge.ticket("Maria", &long).await;
    bridge.idle().await;
    let all = format!("{} {}", card.words(), bridge.said(&card).join(" "));
    for n in 0..900 {
        assert!(all.contains(&format!("palavra {n}.")), "{n}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_a_ticket_that_blip_has_forgotten_is_shown_all_the_same() {
    let bridge = Bridge::with(&[("SEND_READ_RECEIPTS", "false")]).await;
    let envelope = json!({"id": "fwd:fwd:m1", "from": "forgotten@desk.msging.net/Webhook",
        "type": "text/plain", "content": "alguém?"});
    assert_eq!(bridge.blip.emits(envelope).await, Some(200));
    bridge.idle().await;
    let card = bridge.slack.cards(CHANNEL)[0].clone();
    assert!(bridge.said(&card)[0].contains("alguém?"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_closes_where_slack_opens_no_dialogs() {
    for fault in [Fault::Code("unknown_method".to_owned()), Fault::Status(404)] {
        let bridge = Bridge::start().await;
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.slack.faults().next("views.open", fault);
        bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
        bridge.idle().await;
        assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
        bridge.finish().await;
    }
}

/// What cannot be undone is not done without the questions that belong to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_is_to_be_pressed_again_if_its_dialog_does_not_open_for_now() {
    let late = ["expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"];
    let late = late.map(|code| Fault::Code(code.to_owned()));
    let busy = Fault::RateLimited { retry_after: 1 };
    let slow = Fault::Late(Duration::from_secs(4));
    let others = [busy, slow, Fault::Code("service_unavailable".to_owned())];
    for fault in late.into_iter().chain(others) {
        let bridge = Bridge::start().await;
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.slack.faults().next("views.open", fault.clone());
        bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
        bridge.idle().await;
        assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed(), "{fault:?}");
        let told = bridge.slack.ephemerals(ANA).pop().unwrap();
        assert!(told.words().contains("try again"), "{fault:?} {told:?}");
        assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().buttons().len() > 1);
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_whose_card_slack_refuses_is_shown_in_the_channel_and_can_be_tried_again() {
    let bridge = Bridge::start().await;
    bridge.slack.faults().next("chat.postMessage", Fault::Code("invalid_arguments".to_owned()));
    bridge.blip.opens_ticket(NewTicket::default()).await;
    let shown = bridge
        .slack
        .wait_for("the parked ticket", |state| {
            let has_retry = |m: &&Message| m.buttons().iter().any(|b| b.action_id == "retry");
            state.cards(CHANNEL).find(has_retry).map(|message| message.ts.clone())
        })
        .await;
    bridge.slack.clicks(ANA, CHANNEL, &shown, "retry").await.unwrap();
    assert!(bridge.card_of("Maria").await.words().contains("Maria"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_names_of_one_emoji_cannot_claim_and_close() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("bridge.db");
    let settings = [("CLAIM_REACTION", "+1"), ("CLOSE_REACTION", "thumbsup")];
    let started = Stage::start(database.to_str().unwrap(), &settings, tuning()).await;
    let error = started.err().unwrap().to_string();
    assert!(error.contains("CLOSE_REACTION"), "{error}");
}
