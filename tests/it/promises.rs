//! What the desk promises its agents, one promise at a time.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::json;

use crate::support::Bridge;

async fn says(bridge: &Bridge, user: &str, card: &Message, text: &str) -> String {
    bridge.slack.says(user, CHANNEL, Some(&card.ts), text).await.unwrap().ts
}

/// The marks that our app has put on a message.
fn marks(bridge: &Bridge, ts: &str) -> Vec<String> {
    bridge.slack.reactions(CHANNEL, ts).into_iter().map(|(name, _)| name).collect()
}

fn card_of(bridge: &Bridge, card: &Message) -> String {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words()
}

/// What somebody was told last, for their eyes only.
fn told(bridge: &Bridge, user: &str) -> String {
    bridge.slack.ephemerals(user).pop().map(|told| told.words()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_blip_refuses_leaves_all_as_it_was_and_the_thread_says_why() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let refuse = |pattern: &str| bridge.blip.faults().next(pattern, Fault::Code("66".to_owned()));
    refuse("/commands set /tickets/change-status");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card)[0].contains("Ana Lima could not claim"));
    assert!(bridge.said(&card)[0].contains("(code 66)"), "{:?}", bridge.said(&card));
    assert!(card_of(&bridge, &card).contains("unclaimed"));
    refuse("/commands set /tickets/change-status");
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card)[1].contains("Bia Souza could not close"));
    refuse("/commands set /tickets/*/change-tags");
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "tags")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let tag = json!({ "text": { "type": "plain_text", "text": "Pix" }, "value": "Pix" });
    let tags = json!({ "tags": { "tags": { "type": "multi_external_select",
        "selected_options": [tag] } } });
    bridge.slack.submits(ANA, &dialog.id, tags).await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card)[2].contains("Ana Lima could not change the tags"));
    refuse("/commands set /tickets/*/transfer");
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let to = json!({ "text": { "type": "plain_text", "text": "x" }, "value": "team:Vendas" });
    let to = json!({ "destination": { "destination": { "type": "external_select",
        "selected_option": to } } });
    bridge.slack.submits(ANA, &dialog.id, to).await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card)[3].contains("Ana Lima could not transfer"));
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Waiting");
    assert!(card_of(&bridge, &card).contains("unclaimed"));
    let labels: Vec<String> = bridge
        .slack
        .message(CHANNEL, &card.ts)
        .unwrap()
        .buttons()
        .into_iter()
        .map(|button| button.text)
        .collect();
    assert_eq!(labels, ["Claim", "Transfer", "Close"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_undone_is_explained_and_closing_twice_is_no_fault() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed(), "from unclaimed");
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.ephemerals(BIA).is_empty(), "it is as Bia wants it");
    bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(told(&bridge, ANA).contains("cannot reopen"), "{}", told(&bridge, ANA));
    // In the channel, because Slack shows nothing in a thread without replies.
    let last = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(last.thread_ts.is_none() && last.words().contains("Maria"), "{last:?}");
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert!(told(&bridge, BIA).contains("already closed"));
    assert_eq!(bridge.blip.calls("/commands set /tickets/change-status").len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactions_are_what_the_team_wants_and_count_where_it_wants() {
    let settings = [
        ("REACTIONS_ON", "thread"),
        ("CLAIM_REACTION", "raised_hand"),
        ("CLOSE_REACTION", "+1"),
        ("AGENT_MAP", "U0BIA=outra@loja.example"),
    ];
    let bridge = Bridge::with(&settings).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    let said = bridge.replies(&card).remove(0).ts;
    for ignored in ["eyes", "white_check_mark"] {
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, ignored).await.unwrap();
    }
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Waiting");
    bridge.slack.reacts(BIA, CHANNEL, &said, "hand::skin-tone-4").await.unwrap();
    bridge.idle().await;
    let agent = bridge.blip.ticket(&ticket).unwrap().agent;
    assert_eq!(agent.as_deref(), Some("outra%40loja.example@blip.ai"), "the same emoji, mapped");
    bridge.slack.reacts(BIA, CHANNEL, &said, "thumbsup").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_holder_releases_a_ticket_and_who_loses_it_hears_of_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for user in [ANA, BIA] {
        bridge.slack.reacts(user, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.idle().await;
    }
    bridge.slack.unreacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert!(card_of(&bridge, &card).contains("<@U0ANA>"), "{}", card_of(&bridge, &card));
    bridge.slack.picks(BIA, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    assert!(told(&bridge, BIA).contains("Ana Lima already has"));
    let asked = &bridge.slack.ephemerals(BIA)[0].ts;
    bridge.slack.clicks(BIA, CHANNEL, asked, "take_over").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    let line = bridge.replies(&card).pop().unwrap();
    assert!(
        line.text.contains(&format!("<@{BIA}> took this ticket over from <@{ANA}>")),
        "{}",
        line.text
    );
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_reply_does_not_claim_its_writer_is_asked() {
    let bridge = Bridge::with(&[("REPLY_CLAIMS", "false")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let first = says(&bridge, ANA, &card, "Olá!").await;
    let second = says(&bridge, ANA, &card, "Tudo bem?").await;
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    assert_eq!(
        (marks(&bridge, &first), marks(&bridge, &second)),
        (vec!["lock".to_owned()], vec!["lock".to_owned()])
    );
    let asked = bridge.slack.ephemerals(ANA);
    assert!(asked[0].words().contains("Nobody has claimed"), "{}", asked[0].words());
    bridge.slack.clicks(ANA, CHANNEL, &asked[0].ts, "take_over_and_send").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &asked[1].ts, "keep").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned());
    assert_eq!(marks(&bridge, &first), ["envelope_with_arrow"], "it is no note any more");
    assert_eq!(marks(&bridge, &second), ["lock"]);
    assert!(bridge.slack.ephemerals(ANA)[1].words().contains("Kept as a note"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_click_has_sent_is_not_sent_again_by_a_retry() {
    let bridge = Bridge::with(&[("REPLY_CLAIMS", "false")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "Olá!").await;
    bridge.idle().await;
    let asked = bridge.slack.ephemerals(ANA)[0].clone();
    bridge.blip.faults().next("/messages", Fault::Status(400));
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "take_over_and_send").await.unwrap();
    let parked = bridge
        .slack
        .wait_for("the parked click", |state| {
            let has_retry = |m: &&Message| m.buttons().iter().any(|b| b.action_id == "retry");
            state.thread(CHANNEL, &card.ts).find(has_retry).cloned()
        })
        .await;
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "take_over_and_send").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    bridge.slack.clicks(ANA, CHANNEL, &parked.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_anyone_may_reply_a_colleagues_words_go_out() {
    let bridge = Bridge::with(&[("REPLY_POLICY", "anyone")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "Olá!").await;
    bridge.idle().await;
    says(&bridge, BIA, &card, "Eu também!").await;
    bridge.slack.broadcasts(BIA, CHANNEL, &card.ts, "Para todos").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!", "Eu também!", "Para todos"]);
    assert!(card_of(&bridge, &card).contains("<@U0ANA>"), "who holds it stays");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_a_note_in_each_of_its_forms() {
    let bridge = Bridge::with(&[("NOTE_PREFIX", "nota:")]).await;
    bridge.slack.add_group("S0FIN", "financeiro", &[BIA]);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    says(&bridge, ANA, &card, "// agora é só texto").await;
    bridge.idle().await;
    for note in [
        "nota: só nós",
        "  nota: com espaço",
        "cliente difícil :lock:",
        ":lock: cliente difícil",
        "🔒",
        "<@U0BIA> olha isso",
        "<!subteam^S0FIN> podem ver?",
        "<!here> alguém?",
    ] {
        let ts = says(&bridge, ANA, &card, note).await;
        bridge.idle().await;
        assert_eq!(marks(&bridge, &ts), ["lock"], "{note}");
    }
    says(&bridge, ANA, &card, "Fale com <@U0BIA>, por favor").await;
    bridge.idle().await;
    let received = bridge.received(&ticket);
    assert_eq!(received, ["// agora é só texto", "Fale com @Bia Souza, por favor"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bridge_says_itself_can_be_said_by_an_agent_too() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let lines = ["📤 Ana Lima to the customer:", "⚠️ Not delivered to the customer", "↪️"];
    for line in lines {
        says(&bridge, ANA, &card, line).await;
    }
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), lines);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_whose_card_is_deleted_says_nothing_twice() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for text in ["um", "dois", "três"] {
        says(&bridge, ANA, &card, text).await;
    }
    bridge.idle().await;
    bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
    bridge.blip.says(&ticket, "Ainda aqui").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["um", "dois", "três"]);
    // What missed its thread and cannot be deleted is emptied.
    let mut new = bridge.slack.cards(CHANNEL);
    new.retain(|card| card.text != "↪️");
    assert_eq!(new.len(), 1, "{}", bridge.slack.transcript());
    says(&bridge, ANA, &new[0], "quatro").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).last().unwrap(), "quatro");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_ticket_is_in_nobodys_list_and_a_new_one_is_free() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    let mine = bridge.slack.commands(ANA, CHANNEL, "/blip", "mine").await.unwrap();
    assert!(mine.body.contains("You have no tickets"), "{}", mine.body);
    let identity = "maria@wa.gw.msging.net";
    bridge.blip.opens_ticket(NewTicket::saying("Maria", identity, "De novo")).await;
    let again = bridge
        .slack
        .wait_for("another card", |state| {
            state.cards(CHANNEL).find(|card| card.words().contains("De novo")).cloned()
        })
        .await;
    assert!(again.words().contains("unclaimed"), "{}", again.words());
    bridge.finish().await;
}
