//! The contact of a customer: all that Blip has on them, changed and commented on from Slack.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, View};
use serde_json::{Value, json};

use crate::support::Bridge;

const MARIA: &str = "maria.silva@wa.gw.msging.net";

/// What is typed into the fields of a contact.
fn filled(fields: &[(&str, &str)]) -> Value {
    let field = |(block, value): &(&str, &str)| {
        let typed = json!({ "type": "plain_text_input", "value": value });
        ((*block).to_owned(), json!({ "contact_value": typed }))
    };
    Value::Object(fields.iter().map(field).collect())
}

/// The text that anybody sees in a dialog.
fn shown(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

/// What stands in a field of a dialog.
fn stands<'a>(view: &'a Value, block: &str) -> &'a Value {
    let blocks = view["blocks"].as_array().unwrap();
    let field = blocks.iter().find(|found| found["block_id"] == block);
    field.map_or(&Value::Null, |field| &field["element"]["initial_value"])
}

/// A ticket of a customer of whom Blip knows much.
async fn ticket(bridge: &Bridge) -> (String, Message) {
    let contact = json!({ "identity": MARIA, "name": "Maria Silva", "phoneNumber": "+55 31 3333-4444",
        "email": "maria@exemplo.com", "taxDocument": "529.982.247-25", "address": "Rua A, 1",
        "city": "Olinda", "group": "VIP", "culture": "pt-BR",
        "extras": { "plano": "Ouro", "tunnel.owner": "router@msging.net" } });
    bridge.blip.keeps_contact(contact);
    bridge.ticket("Maria Silva", "Oi").await
}

async fn opens_details(bridge: &Bridge, card: &Message) -> View {
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "details")).await.unwrap();
    bridge.dialog(ANA)
}

async fn opens_contact(bridge: &Bridge, card: &Message) -> View {
    let details = opens_details(bridge, card).await;
    bridge.slack.clicks_in_view(ANA, &details.id, "open:contact").await.unwrap();
    bridge.dialog(ANA)
}

fn contact(bridge: &Bridge) -> Value {
    bridge.blip.look(|state| state.contacts[MARIA].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_details_show_all_that_blip_has_on_a_customer() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let words = shown(&opens_details(&bridge, &card).await.view);
    for part in [
        "+55 31 3333-4444",
        "maria@exemplo.com",
        "529.982.247-25",
        "Rua A, 1",
        "Olinda",
        "VIP",
        "plano",
        "Ouro",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(!words.contains("router@msging.net"), "Blip's own: {words}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_details_show_the_number_of_whatsapp_where_the_contact_has_none() {
    let bridge = Bridge::start().await;
    let new = NewTicket::saying("Rita", "551187654321@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(new).await;
    let card = bridge.card_of("Rita").await;
    bridge.idle().await;
    let words = shown(&opens_details(&bridge, &card).await.view);
    assert!(words.contains("*Phone*\n+5511987654321"), "{words}");
    assert!(words.contains("551187654321@wa.gw.msging.net"), "Blip's id stays: {words}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_somebody_changed_of_a_contact_is_changed() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let dialog = opens_contact(&bridge, &card).await;
    assert_eq!(stands(&dialog.view, "city"), "Olinda");
    assert_eq!(stands(&dialog.view, "extra:plano"), "Ouro");
    assert!(stands(&dialog.view, "extra:tunnel.owner").is_null());
    // Somebody else changes another field meanwhile.
    let mut other = contact(&bridge);
    other["email"] = json!("m@nova.com");
    bridge.blip.keeps_contact(other);
    let fields = filled(&[
        ("name", "Maria S. Lima"),
        ("phone", "+55 31 3333-4444"),
        ("email", "maria@exemplo.com"),
        ("city", " Recife "),
        ("group", ""),
        ("extra:plano", "Prata"),
    ]);
    let answered = bridge.slack.submits(ANA, &dialog.id, fields).await.unwrap();
    assert_eq!((answered.status, answered.body.as_str()), (Some(200), ""));
    bridge.idle().await;
    let contact = contact(&bridge);
    let wanted = json!({ "identity": MARIA, "name": "Maria S. Lima", "phoneNumber": "+55 31 3333-4444",
        "email": "m@nova.com", "taxDocument": "529.982.247-25", "address": "Rua A, 1",
        "city": "Recife", "group": "", "culture": "pt-BR",
        "extras": { "plano": "Prata", "tunnel.owner": "router@msging.net" } });
    assert_eq!(contact, wanted);
    let calls = bridge.blip.calls("/commands merge /contacts");
    assert_eq!(calls.len(), 1);
    assert!(calls[0].body["resource"].get("phoneNumber").is_none(), "{}", calls[0].body);
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    assert!(card.words().contains("Maria S. Lima"), "{}", card.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_nobody_changed_is_not_written() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let dialog = opens_contact(&bridge, &card).await;
    bridge.slack.submits(ANA, &dialog.id, filled(&[("city", "Olinda")])).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.calls("/commands merge /contacts").is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_contact_whose_answer_is_lost_is_made_once() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let dialog = opens_contact(&bridge, &card).await;
    bridge.blip.faults().next("/commands merge /contacts", Fault::LostAnswer);
    bridge.slack.submits(ANA, &dialog.id, filled(&[("city", "Recife")])).await.unwrap();
    bridge.idle().await;
    assert_eq!(contact(&bridge)["city"], "Recife");
    assert_eq!(bridge.blip.calls("/commands merge /contacts").len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_hidden_in_slack_is_not_in_the_form_and_stays_at_blip() {
    let bridge = Bridge::with(&[("PRIVACY_MASK", "cpf")]).await;
    let (_, card) = ticket(&bridge).await;
    let dialog = opens_contact(&bridge, &card).await;
    assert!(stands(&dialog.view, "document").is_null());
    assert!(!dialog.view.to_string().contains("529.982"), "{}", dialog.view);
    let fields = filled(&[("document", ""), ("city", "Recife")]);
    bridge.slack.submits(ANA, &dialog.id, fields).await.unwrap();
    bridge.idle().await;
    let contact = contact(&bridge);
    assert_eq!(
        (&contact["taxDocument"], &contact["city"]),
        (&json!("529.982.247-25"), &json!("Recife"))
    );
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_blip_does_not_tell_of_is_not_offered_for_change() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let details = opens_details(&bridge, &card).await;
    bridge.blip.faults().next("/commands get /contacts/*", Fault::Hang);
    bridge.slack.clicks_in_view(ANA, &details.id, "open:contact").await.unwrap();
    let says_so = |state: &blip_slack_standins::slack::State| {
        let view = state.views.values().find(|view| view.user == ANA)?;
        shown(&view.view).contains("did not answer").then_some(())
    };
    bridge.slack.wait_for("a dialog that says so", says_so).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_saved_as_a_comment_that_the_next_agent_reads() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let note = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "// prefere a *tarde* & liga").await;
    bridge.idle().await;
    // The card has no words of anybody's.
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "comment").await.unwrap();
    let empty = bridge.dialog(ANA);
    assert!(!empty.view.to_string().contains("initial_value"), "{}", empty.view);
    bridge.slack.dismisses(ANA, &empty.id);
    bridge.blip.faults().next("/commands set /contacts/*/comments", Fault::LostAnswer);
    bridge.slack.uses_shortcut(ANA, CHANNEL, &note.unwrap().ts, "comment").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert_eq!(stands(&dialog.view, "comment"), "prefere a tarde & liga");
    let words = json!({ "comment": { "words": {
        "type": "plain_text_input", "value": "prefere a tarde & liga" } } });
    bridge.slack.submits(ANA, &dialog.id, words).await.unwrap();
    bridge.idle().await;
    let comments = bridge.blip.look(|state| state.comments[MARIA].clone());
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert_eq!(comments[0]["authorIdentity"], "ana%40loja.example@blip.ai");
    assert!(bridge.slack.ephemerals(ANA).iter().any(|told| told.words().contains("is saved")));
    bridge.slack.picks(BIA, CHANNEL, &card.ts, ("more", "details")).await.unwrap();
    let words = shown(&bridge.dialog(BIA).view);
    for part in ["Comments", "prefere a tarde & liga", "ana@loja.example"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_take_of_a_contact_goes_back_to_who_typed_it_with_the_reason() {
    let bridge = Bridge::start().await;
    let (_, card) = ticket(&bridge).await;
    let told = || {
        let told = bridge.slack.ephemerals(ANA);
        told.into_iter().map(|it| it.words()).collect::<Vec<_>>().join("\n")
    };
    let dialog = opens_contact(&bridge, &card).await;
    bridge.blip.faults().next("/commands merge /contacts", Fault::Code("67".to_owned()));
    let fields = filled(&[("city", "Recife"), ("extra:plano", "Prata")]);
    bridge.slack.submits(ANA, &dialog.id, fields).await.unwrap();
    bridge.idle().await;
    assert!(told().contains("City: Recife") && told().contains("plano: Prata"), "{}", told());
    let note = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "// prefere a tarde").await.unwrap();
    bridge.idle().await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &note.ts, "comment").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.blip.faults().next("/commands set /contacts/*/comments", Fault::Code("67".to_owned()));
    let words = json!({ "comment": { "words": {
        "type": "plain_text_input", "value": "prefere a tarde" } } });
    bridge.slack.submits(ANA, &dialog.id, words).await.unwrap();
    bridge.idle().await;
    assert_eq!(told().matches("prefere a tarde").count(), 1, "{}", told());
    let said = bridge.said(&card).join("\n");
    assert_eq!(said.matches("(code 67)").count(), 2, "Blip's own words: {said}");
    bridge.finish().await;
}
