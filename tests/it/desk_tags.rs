//! Tags that must be chosen before a ticket is closed, on every surface.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::Bridge;

fn tags(names: &[&str]) -> Value {
    let option =
        |name: &&str| json!({ "text": { "type": "plain_text", "text": name }, "value": name });
    let options: Vec<Value> = names.iter().map(option).collect();
    json!({ "tags": { "tags": { "type": "multi_external_select", "selected_options": options } } })
}

/// A desk at Blip whose portal has given it tags.
async fn desk(settings: &[(&str, &str)], names: &[&str], is_one_wanted: bool) -> Bridge {
    let bridge = Bridge::with(settings).await;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    bridge.blip.configure(|setup| setup.desk_tags = Some((names, is_one_wanted)));
    bridge
}

/// The line that asks for a tag.
fn asked(bridge: &Bridge, card: &Message) -> Option<Message> {
    bridge.replies(card).into_iter().find(|line| line.words().contains("needs a tag"))
}

/// Whether the field for tags in a close dialog may be left empty.
fn is_optional(view: &Value) -> bool {
    let blocks = view["blocks"].as_array().unwrap();
    let field = blocks.iter().find(|block| block["block_id"] == "tags").unwrap();
    field["optional"].as_bool().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_that_closes_is_asked_for_a_tag_where_blip_wants_one() {
    let bridge = desk(&[], &["Venda", "Troca"], true).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    let line = asked(&bridge, &card).unwrap();
    assert!(
        line.text.contains(&format!("<@{ANA}>")),
        "Slack tells whom it mentions: {}",
        line.text
    );
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(!is_optional(&dialog.view));
    let found = bridge.slack.searches(ANA, &dialog.id, "tags", "").await.unwrap();
    let found: Vec<_> = found.iter().map(|option| option["value"].as_str().unwrap()).collect();
    assert_eq!(found, ["Venda", "Troca"]);
    bridge.slack.submits(ANA, &dialog.id, tags(&["Venda"])).await.unwrap();
    bridge.idle().await;
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!((closed.is_closed(), closed.tags), (true, vec!["Venda".to_owned()]));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_has_a_tag_is_closed_by_a_reaction_at_once() {
    let bridge = desk(&[], &["Venda"], true).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "tags")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, tags(&["Venda"])).await.unwrap();
    bridge.idle().await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(asked(&bridge, &card).is_none());
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!((closed.is_closed(), closed.tags), (true, vec!["Venda".to_owned()]));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tag_is_asked_for_where_none_is_wanted_or_none_can_be_chosen() {
    for (rule, names, is_one_wanted) in [
        ("blip", &["Venda"][..], false),
        ("blip", &[][..], true),
        ("true", &[][..], true),
        ("false", &["Venda"][..], true),
    ] {
        let bridge = desk(&[("REQUIRE_TAGS", rule)], names, is_one_wanted).await;
        let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
        bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
        assert!(is_optional(&bridge.dialog(ANA).view), "{rule} {names:?}");
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
        bridge.idle().await;
        assert!(bridge.blip.ticket(&ticket).unwrap().is_closed(), "{rule} {names:?}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_may_want_a_tag_though_blip_does_not() {
    let bridge = Bridge::with(&[("REQUIRE_TAGS", "true")]).await;
    bridge.blip.configure(|setup| setup.tags = vec!["Pix".to_owned()]);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert!(asked(&bridge, &card).is_some());
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    assert!(!is_optional(&bridge.dialog(ANA).view));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_typed_before_blip_told_that_it_wants_a_tag_is_not_lost() {
    let bridge = desk(&[], &["Venda"], true).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.blip.faults().next("/commands get /buckets/blip:desk:tags", Fault::Hang);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(is_optional(&dialog.view), "it opens all the same");
    let typed =
        json!({ "farewell": { "words": { "type": "plain_text_input", "value": "Até *logo*!" } } });
    bridge.slack.submits(ANA, &dialog.id, typed).await.unwrap();
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert!(bridge.received(&ticket).is_empty());
    let line = asked(&bridge, &card).unwrap();
    assert!(line.words().contains("“Até *logo*!”"), "{}", line.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tags_of_the_tickets_queue_come_first() {
    let bridge = desk(&[], &["Venda", "Troca"], false).await;
    let of_queue = ["Frete", "Troca"].map(str::to_owned).to_vec();
    bridge.blip.configure(|setup| {
        setup.queue_tags.insert("Default".to_owned(), of_queue);
    });
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let found = async |words: &str| -> Vec<String> {
        let dialog = bridge.dialog(ANA);
        let found = bridge.slack.searches(ANA, &dialog.id, "tags", words).await.unwrap();
        found.iter().map(|option| option["value"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("").await, ["Frete", "Troca", "Venda"]);
    assert_eq!(found("tro").await, ["Troca"]);
    // A ticket of another queue has its own.
    let new = NewTicket::saying("Rui", "rui@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { team: "Vendas".to_owned(), ..new }).await;
    let other = bridge.card_of("Rui").await;
    bridge.idle().await;
    let first = bridge.dialog(ANA).id;
    bridge.slack.dismisses(ANA, &first);
    bridge.slack.clicks(ANA, CHANNEL, &other.ts, "close").await.unwrap();
    assert_eq!(found("").await, ["Venda", "Troca"]);
    bridge.finish().await;
}
