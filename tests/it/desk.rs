//! The agent's desk: dialogs and the moves that come of them, from every surface.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{CannedReply, NewTicket, Ticket};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Ephemeral, Message, User};
use serde_json::{Value, json};

use crate::support::{Bridge, tuning};

/// What is typed into a field of a dialog.
fn typed(block: &str, words: &str) -> Value {
    json!({ block: { "words": { "type": "plain_text_input", "value": words } } })
}

fn tags(names: &[&str]) -> Value {
    let option =
        |name: &&str| json!({ "text": { "type": "plain_text", "text": name }, "value": name });
    let options: Vec<Value> = names.iter().map(option).collect();
    json!({ "tags": { "tags": { "type": "multi_external_select", "selected_options": options } } })
}

fn both(one: &Value, other: &Value) -> Value {
    let fields = [one, other].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn canned(category: &str, name: &str, text: &str) -> CannedReply {
    let [category, name, text] = [category, name, text].map(str::to_owned);
    CannedReply { category, name, text, ..CannedReply::default() }
}

fn labels(options: &[Value]) -> Vec<&str> {
    options.iter().filter_map(|option| option["text"]["text"].as_str()).collect()
}

/// The text that anybody sees in a dialog.
fn shown(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_asks_for_tags_and_a_farewell_that_goes_out_first() {
    let bridge = Bridge::start().await;
    bridge
        .blip
        .configure(|setup| setup.tags = ["Venda", "Pix", "Troca"].map(str::to_owned).to_vec());
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert_eq!(dialog.view["title"]["text"], "Close ticket");
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed(), "only a dialog so far");
    let all = bridge.slack.searches(ANA, &dialog.id, "tags", "").await.unwrap();
    assert_eq!(labels(&all), ["Venda", "Pix", "Troca"]);
    let some = bridge.slack.searches(ANA, &dialog.id, "tags", "pi").await.unwrap();
    assert_eq!(labels(&some), ["Pix"]);
    let filled = both(&tags(&["Venda", "Pix"]), &typed("farewell", "Até logo, *Maria*! :wave:"));
    let answered = bridge.slack.submits(ANA, &dialog.id, filled).await.unwrap();
    assert_eq!((answered.status, answered.body.as_str()), (Some(200), ""));
    bridge.idle().await;
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!(
        (closed.status.as_str(), closed.tags.as_slice()),
        ("ClosedAttendant", &["Venda".to_owned(), "Pix".to_owned()][..])
    );
    assert_eq!(closed.agent.as_deref(), Some("ana%40loja.example@blip.ai"));
    assert_eq!(bridge.received(&ticket), ["Até logo, *Maria*! 👋"]);
    assert!(
        bridge
            .said(&card)
            .iter()
            .any(|line| line.contains("Ana Lima") && line.contains("Até logo"))
    );
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    assert!(card.buttons().is_empty() && card.words().contains("Venda, Pix"), "{}", card.words());
    assert!(!bridge.has_dialog(ANA));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_that_blip_does_not_take_leaves_the_ticket_open() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.blip.faults().next("/messages", Fault::Status(400));
    bridge.slack.submits(ANA, &dialog.id, typed("farewell", "Tchau")).await.unwrap();
    bridge
        .slack
        .wait_for("a line that says so", |state| {
            state.thread(CHANNEL, &card.ts).find(|line| line.words().contains("⚠️")).cloned()
        })
        .await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    let parked = bridge.replies(&card).into_iter().find(|line| !line.buttons().is_empty()).unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &parked.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Tchau"]);
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_close_shortcut_works_on_any_message_of_the_thread() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    let said = bridge.replies(&card).remove(0);
    bridge.slack.uses_shortcut(ANA, CHANNEL, &said.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.slack.uses_shortcut(ANA, CHANNEL, &said.ts, "close").await.unwrap();
    assert!(shown(&bridge.dialog(ANA).view).contains("already closed"));
    let chat = bridge.slack.says(ANA, CHANNEL, None, "bom dia").await.unwrap();
    bridge.slack.uses_shortcut(ANA, CHANNEL, &chat.ts, "close").await.unwrap();
    assert!(shown(&bridge.dialog(ANA).view).contains("no ticket"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialog_of_a_list_that_blip_does_not_tell_opens_all_the_same() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.blip.faults().next("/commands get /tags/active", Fault::Hang);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(bridge.slack.searches(ANA, &dialog.id, "tags", "").await.unwrap().is_empty());
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_menu_of_a_card_changes_tags() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.picks(BIA, CHANNEL, &card.ts, ("more", "tags")).await.unwrap();
    let dialog = bridge.dialog(BIA);
    bridge.slack.submits(BIA, &dialog.id, tags(&["Urgente"])).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().tags, ["Urgente"]);
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains("Urgente"));
    bridge.finish().await;
}

fn destination(option: &Value) -> Value {
    json!({ "destination": { "destination": { "type": "external_select", "selected_option": option } } })
}

/// Hands a ticket on by the button of its card; returns the id of the ticket that follows.
async fn transfers(bridge: &Bridge, user: &str, card: &Message, to: &str) -> String {
    let before = bridge.blip.look(|state| state.tickets.len());
    bridge.slack.clicks(user, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(user);
    let found = bridge.slack.searches(user, &dialog.id, "destination", to).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    bridge.slack.submits(user, &dialog.id, destination(&found[0])).await.unwrap();
    let new = |state: &blip_slack_standins::blip::State| {
        let newest = state.tickets.values().max_by_key(|ticket| ticket.number)?;
        (state.tickets.len() > before).then(|| newest.id.clone())
    };
    let id = bridge.blip.wait_for("the ticket that follows", new).await;
    bridge.idle().await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transferred_ticket_goes_on_in_its_thread_under_the_new_number() {
    let bridge = Bridge::start().await;
    let (old, card) = bridge.ticket("Maria Silva", "Quero comprar").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Vou transferir").await.unwrap();
    bridge.idle().await;
    let new = transfers(&bridge, ANA, &card, "Vendas").await;
    assert_eq!(bridge.blip.ticket(&old).unwrap().status, "Transferred");
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{}", bridge.slack.transcript());
    let number = bridge.blip.ticket(&new).unwrap().number.to_string();
    let shown = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    // What the customer said first stands nowhere else.
    for part in [number.as_str(), "Vendas", "Waiting", "Quero comprar"] {
        assert!(shown.words().contains(part), "{part} in {}", shown.words());
    }
    let lines = bridge.replies(&card);
    let by = lines.iter().filter(|line| line.words().contains("transferred the ticket to Vendas"));
    assert_eq!(by.count(), 1, "{lines:#?}");
    let goes_on = lines.iter().find(|line| line.words().contains("continues here")).unwrap();
    assert!(goes_on.broadcast && goes_on.words().contains(&number), "everybody is to see it");
    bridge.slack.says(BIA, CHANNEL, Some(&card.ts), "Oi, aqui é de Vendas").await.unwrap();
    bridge.idle().await;
    bridge.blip.says(&new, "Que bom").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&new), ["Oi, aqui é de Vendas"]);
    assert_eq!(bridge.blip.ticket(&new).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    assert_eq!(bridge.said(&card).last().unwrap(), "Que bom");
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&new).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_for_another_channel_goes_on_there_with_links_both_ways() {
    let bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Vendas=C0VENDAS")]).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[BIA]);
    let (old, card) = bridge.ticket("Maria Silva", "Oi").await;
    let new = transfers(&bridge, ANA, &card, "Vendas").await;
    let (channel, there) = bridge
        .slack
        .wait_for("a card in the other channel", |state| {
            state.find_card(|card| card.words().contains("continued from ticket"))
        })
        .await;
    assert_eq!(channel, "C0VENDAS");
    bridge.idle().await;
    let number = |id: &str| format!("#{}", bridge.blip.ticket(id).unwrap().number);
    let here = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    let link = |ts: &str| ts.replace('.', "");
    let there_text = serde_json::to_string(&there.blocks).unwrap();
    let here_text = serde_json::to_string(&here.blocks).unwrap();
    assert!(
        here_text.contains(&link(&there.ts)) && here_text.contains(&number(&new)),
        "{here_text}"
    );
    assert!(
        there_text.contains(&link(&card.ts)) && there_text.contains(&number(&old)),
        "{there_text}"
    );
    assert!(here.buttons().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_whose_answer_is_lost_is_made_once() {
    let bridge = Bridge::start().await;
    let (old, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.blip.faults().next("/commands set /tickets/*/transfer", Fault::LostAnswer);
    // The announcement is lost, too: only the look finds the ticket that follows.
    bridge.blip.hold();
    transfers(&bridge, ANA, &card, "Suporte").await;
    bridge
        .slack
        .wait_for("the thread to go on", |state| {
            state
                .thread(CHANNEL, &card.ts)
                .find(|line| line.words().contains("continues here"))
                .map(drop)
        })
        .await;
    bridge.blip.release(|_| {}).await;
    bridge.idle().await;
    assert_eq!(bridge.blip.look(|state| state.tickets.len()), 2);
    assert_eq!(bridge.blip.calls(&format!("/commands set /tickets/{old}/transfer")).len(), 1);
    let lines = bridge.said(&card);
    assert_eq!(lines.iter().filter(|line| line.contains("continues here")).count(), 1, "{lines:?}");
    bridge.finish().await;
}

/// Waits for a line in a ticket's thread.
async fn line(bridge: &Bridge, card: &Message, part: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a line with {part}"), |state| {
            state.thread(CHANNEL, &card.ts).find(|line| line.words().contains(part)).cloned()
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_to_whom_a_ticket_is_handed_is_told() {
    let bridge = Bridge::with(&[("AGENT_MAP", "U0CLARA=clara@outra.example")]).await;
    for (id, name) in [("U0CLARA", "Clara"), ("U0DAVI", "Davi")] {
        let email = format!("{}@loja.example", name.to_lowercase());
        bridge.slack.add_user(User::member(id, name, &email));
    }
    bridge.slack.joins("U0CLARA", CHANNEL).await.unwrap();
    bridge.blip.configure(|setup| {
        let more = ["clara%40outra", "davi%40loja", "estranho%40loja"];
        setup.agents.extend(more.map(|name| format!("{name}.example@blip.ai")));
    });
    // By the e-mail address, by the map, outside of the channel, unknown to Slack.
    for (name, part) in [
        ("bia", "<@U0BIA>"),
        ("clara", "<@U0CLARA>"),
        ("davi", "to davi, who is not in this channel"),
        ("estranho", "transferred the ticket to estranho"),
    ] {
        let (_, card) = bridge.ticket(&format!("Maria {name}"), "Oi").await;
        transfers(&bridge, ANA, &card, name).await;
        let found = bridge
            .slack
            .wait_for(part, |state| {
                let mut lines = state.thread(CHANNEL, &card.ts);
                lines.find(|line| line.text.contains(part) || line.words().contains(part)).cloned()
            })
            .await;
        assert_eq!(found.text.contains("<@"), part.starts_with("<@"), "{}", found.text);
        bridge.idle().await;
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_whose_answer_is_lost_is_found_by_the_number_that_only_blip_knew() {
    let bridge = Bridge::start().await;
    let new = NewTicket::saying("Maria Silva", "maria@wa.gw.msging.net", "Oi");
    let old = bridge.blip.opens_ticket_silently(new);
    let announced = json!({ "id": format!("Ticket:{old}:Waiting"), "to": "lojademo@msging.net",
        "from": format!("{old}@desk.msging.net/Webhook"),
        "type": "application/vnd.iris.ticket+json", "content": { "id": old, "status": "Waiting",
        "customerIdentity": "maria@wa.gw.msging.net", "team": "Default" } });
    assert_eq!(bridge.blip.emits(announced).await, Some(200));
    let card = bridge.card_of("Maria Silva").await;
    assert!(!card.words().contains('#'), "{}", card.words());
    bridge.blip.faults().next("/commands set /tickets/*/transfer", Fault::LostAnswer);
    // The announcement is lost, too: only the look finds the ticket that follows.
    bridge.blip.hold();
    transfers(&bridge, ANA, &card, "bia").await;
    line(&bridge, &card, "continues here").await;
    line(&bridge, &card, "handed this ticket to you").await;
    bridge.blip.release(Vec::clear).await;
    bridge.idle().await;
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1);
    bridge.finish().await;
}

/// Blip tells of the ticket that follows, and of the old one nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_another_one_follows_elsewhere_is_over_at_once() {
    let bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Suporte=C0SUPORTE")]).await;
    bridge.slack.add_channel("C0SUPORTE", "suporte", &[ANA, BIA]);
    let (old, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.blip.hold();
    bridge.blip.transfers(&old, "Suporte").await.unwrap();
    bridge.blip.release(|letters| drop(letters.drain(..letters.len() - 1))).await;
    let card = || bridge.slack.message(CHANNEL, &card.ts).unwrap();
    bridge.until("the end", || card().buttons().is_empty()).await;
    bridge.idle().await;
    assert!(card().words().contains("transferred"), "{}", card().words());
    assert_eq!(bridge.slack.cards("C0SUPORTE").len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_of_which_blip_does_not_say_what_follows_is_told_in_words() {
    let bridge = Bridge::start().await;
    let (old, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.blip.faults().next("/commands set /tickets/*/transfer", Fault::LostAnswer);
    bridge.blip.faults().from_now("/commands get /ticket/*", Fault::Status(503));
    bridge.blip.hold();
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let found = bridge.slack.searches(ANA, &dialog.id, "destination", "Suporte").await.unwrap();
    bridge.slack.submits(ANA, &dialog.id, destination(&found[0])).await.unwrap();
    let newest = |state: &blip_slack_standins::blip::State| {
        state.tickets.values().find(|ticket| ticket.id != old).map(|ticket| ticket.id.clone())
    };
    let new = bridge.blip.wait_for("the ticket that follows", newest).await;
    bridge.blip.closes_silently(&new, "ClosedClient").unwrap();
    bridge.blip.faults().lift("/commands get /ticket/*");
    line(&bridge, &card, "will appear as a card of its own").await;
    bridge.blip.release(Vec::clear).await;
    bridge.idle().await;
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains("transferred"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_can_be_handed_to_an_agent_and_a_manager_can_hand_on_too() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    let new = transfers(&bridge, ANA, &card, "bia").await;
    assert_eq!(bridge.blip.ticket(&new).unwrap().team, "DIRECT_TRANSFER");
    let shown = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(!shown.contains("DIRECT_TRANSFER"), "{shown}");
    let last = bridge.blip.transfers(&new, "Suporte").await.unwrap().id;
    bridge.idle().await;
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1);
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Ainda aqui").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&last), ["Ainda aqui"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_ticket_of_the_customer_is_linked_and_a_team_without_a_channel_is_named() {
    let bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Vendas=C0VENDAS")]).await;
    let (_, first) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &first.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    bridge.ticket("Maria Silva", "Voltei").await;
    let second = bridge
        .slack
        .wait_for("the second card", |state| {
            state.cards(CHANNEL).find(|card| card.words().contains("Voltei")).cloned()
        })
        .await;
    let text = serde_json::to_string(&second.blocks).unwrap();
    assert!(text.contains(&first.ts.replace('.', "")) && text.contains("earlier"), "{text}");
    assert!(second.words().contains("Team Default"), "{}", second.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canned_reply_is_filled_in_and_previewed_before_it_is_sent() {
    let bridge = Bridge::start().await;
    let replies = [
        ("Saudação", "Oi, ${contact.name}! Aqui é {{agent.fullName}}. ${contact.extras.none}"),
        ("Prazo", "O prazo é de 3 dias."),
    ];
    bridge.blip.configure(|setup| {
        setup.replies = replies.map(|(name, text)| canned("Geral", name, text)).to_vec();
    });
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "reply")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let all = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "").await.unwrap();
    assert_eq!(labels(&all), ["Saudação", "Prazo"]);
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &all[0]).await.unwrap();
    let preview = bridge.dialog(ANA).view;
    let preview = serde_json::to_string(&preview).unwrap();
    assert!(preview.contains("Oi, Maria Silva! Aqui é Ana Lima. "), "{preview}");
    assert!(bridge.received(&ticket).is_empty(), "only a preview so far");
    bridge
        .slack
        .submits(ANA, &dialog.id, typed("words:1", "Oi, Maria! Aqui é a Ana."))
        .await
        .unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Oi, Maria! Aqui é a Ana."]);
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned(), "its writer holds the ticket");
    assert!(
        bridge.said(&card)[1].contains("Ana Lima to the customer:"),
        "{:?}",
        bridge.said(&card)
    );
    bridge.slack.uses_shortcut(BIA, CHANNEL, &card.ts, "reply").await.unwrap();
    let dialog = bridge.dialog(BIA);
    bridge.slack.submits(BIA, &dialog.id, typed("words:2", "Eu também!")).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 1);
    assert!(bridge.slack.ephemerals(BIA)[0].words().contains("Ana Lima"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canned_replies_are_found_by_category_and_however_they_are_typed() {
    let bridge = Bridge::start().await;
    let name = |number: usize| format!("Reply {number}");
    bridge.blip.configure(|setup| {
        setup.replies.push(canned("Saudações", "Olá, João", "Olá!"));
        setup.replies.push(canned("Cobrança", "Segunda via", "Segue a 2ª via."));
        // More than fits onto a page of Blip's, and than Slack shows at once.
        let many = (0..130).map(|number| canned("Muitas", &name(number), "Texto"));
        setup.replies.extend(many);
        // As many categories as do not fit onto a page.
        setup.replies.extend((0..30).map(|n| canned(&format!("Categoria {n}"), "Uma", "Sim")));
    });
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "reply")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let all = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "").await.unwrap();
    assert_eq!(all.len(), 2 + 100 + 30, "a hundred of each category");
    let last = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "reply 129").await.unwrap();
    assert_eq!(labels(&last), ["Reply 129"]);
    let joao = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "OLA, joao").await.unwrap();
    assert_eq!(labels(&joao), ["Olá, João"]);
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &last[0]).await.unwrap();
    let words =
        json!({ "words:132": { "words": { "type": "plain_text_input", "value": "Texto" } } });
    bridge.slack.submits(ANA, &dialog.id, words).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Texto"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_team_and_agent_of_a_large_desk_can_be_found() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| {
        setup.teams = (0..130).map(|number| format!("Time {number}")).collect();
        setup.agents =
            (0..250).map(|number| format!("agente.{number}%40loja.example@blip.ai")).collect();
        setup.tags = (0..45).map(|number| format!("Tag {number}")).collect();
    });
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let all = bridge.slack.searches(ANA, &dialog.id, "destination", "").await.unwrap();
    assert_eq!(all.len(), 200, "a hundred teams and a hundred agents");
    for (typed, found) in [("time 129", "Time 129"), ("agente.249", "agente.249")] {
        let some = bridge.slack.searches(ANA, &dialog.id, "destination", typed).await.unwrap();
        assert_eq!(labels(&some), [found]);
    }
    let option = bridge.slack.searches(ANA, &dialog.id, "destination", "time 129").await.unwrap();
    bridge.slack.submits(ANA, &dialog.id, destination(&option[0])).await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card).iter().any(|line| line.contains("to Time 129")));
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "tags")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let tags = bridge.slack.searches(ANA, &dialog.id, "tags", "").await.unwrap();
    assert_eq!(tags.len(), 45);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_of_one_name_are_told_apart_and_found_by_their_e_mail_address() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| {
        let namesakes = ["ana.silva%40loja.example", "ana.silva%40outra.example"];
        setup.agents.extend(namesakes.map(|name| format!("{name}@blip.ai")));
    });
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let both = bridge.slack.searches(ANA, &dialog.id, "destination", "ana.silva").await.unwrap();
    assert_eq!(labels(&both), ["ana.silva", "ana.silva"]);
    let described = |option: &Value| option["description"]["text"].as_str().unwrap().to_owned();
    let teams = bridge.blip.look(|state| state.setup.teams.join(", "));
    let expected =
        ["loja", "outra"].map(|shop| format!("🟢 online · ana.silva@{shop}.example · {teams}"));
    assert_eq!(both.iter().map(described).collect::<Vec<_>>(), expected);
    let one = bridge.slack.searches(ANA, &dialog.id, "destination", "@OUTRA.ex").await.unwrap();
    assert_eq!(one.iter().map(described).collect::<Vec<_>>(), [&*expected[1]]);
    bridge.slack.submits(ANA, &dialog.id, destination(&one[0])).await.unwrap();
    bridge.idle().await;
    let asked = bridge.blip.look(|state| {
        let calls = state.calls.iter().map(|call| call.body["resource"]["agentIdentity"].clone());
        calls.filter(Value::is_string).collect::<Vec<_>>()
    });
    assert_eq!(asked, ["ana.silva%40outra.example@blip.ai"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_takes_too_long_is_there_the_next_time() {
    let patient = Tuning { call_timeout: Duration::from_secs(5), ..tuning() };
    let bridge = Bridge::tuned(&[], patient).await;
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    let slow = Fault::Slow(Duration::from_millis(2300));
    bridge.blip.faults().from_now("/commands get /tags/active", slow);
    bridge.blip.configure(|setup| setup.tags = vec!["Pix".to_owned()]);
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "tags")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(bridge.slack.searches(ANA, &dialog.id, "tags", "").await.unwrap().is_empty());
    let found = bridge.slack.searches(ANA, &dialog.id, "tags", "p").await.unwrap();
    assert_eq!(labels(&found), ["Pix"]);
    assert_eq!(bridge.blip.calls("/commands get /tags/active").len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_and_details_open_at_once_and_fill_in_later_if_blip_is_slow() {
    let bridge = Bridge::start().await;
    let (_, first) = bridge.ticket("Maria Silva", "Primeira vez").await;
    bridge.slack.reacts(ANA, CHANNEL, &first.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    let (ticket, _) = bridge.ticket("Maria Silva", "Voltei").await;
    bridge.idle().await;
    let card = bridge.slack.cards(CHANNEL).into_iter().find(|card| card.ts != first.ts).unwrap();
    let asked = bridge.blip.says(&ticket, "Alguém <!channel>?").await.unwrap().id;
    let again = json!({ "replied": { "type": "text/plain", "value": "Oi?" }, "inReplyTo": { "id": asked } });
    bridge.blip.sends(&ticket, "application/vnd.lime.reply+json", again).await.unwrap();
    bridge.idle().await;
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "history")).await.unwrap();
    let history = bridge.dialog(ANA).view;
    let words = shown(&history);
    assert!(words.contains("Alguém <!channel>?"), "{words}");
    assert!(words.contains("In reply to: Alguém <!channel>?"), "{words}");
    assert!(serde_json::to_string(&history).unwrap().contains(&first.ts.replace('.', "")));
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "details").await.unwrap();
    let details = shown(&bridge.dialog(ANA).view);
    for part in ["Maria Silva", "WhatsApp", ticket.as_str(), "maria.silva@wa.gw.msging.net"] {
        assert!(details.contains(part), "{part} in {details}");
    }
    bridge.blip.faults().next("/commands get /tickets/*/messages", Fault::Hang);
    bridge.slack.picks(BIA, CHANNEL, &card.ts, ("more", "history")).await.unwrap();
    let words = bridge
        .slack
        .wait_for("a dialog that says so", |state| {
            let view = state.views.values().find(|view| view.user == BIA)?;
            let words = shown(&view.view);
            words.contains("did not answer").then_some(words)
        })
        .await;
    assert!(words.contains("Earlier tickets"), "{words}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_claimed_from_every_surface() {
    let bridge = Bridge::start().await;
    for surface in ["reaction", "button", "shortcut", "reply", "command"] {
        let (ticket, card) = bridge.ticket(&format!("Maria {surface}"), "Oi").await;
        bridge.idle().await;
        match surface {
            "reaction" => drop(bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap()),
            "button" => drop(bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap()),
            "shortcut" => {
                drop(bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "claim").await.unwrap());
            }
            "reply" => {
                drop(bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá").await.unwrap());
            }
            _ => {
                let answered =
                    bridge.slack.commands(ANA, CHANNEL, "/blip", "waiting").await.unwrap();
                assert!(answered.body.contains(&format!("\"ticket:default/{ticket}\"")));
                continue;
            }
        }
        bridge.idle().await;
        let agent = bridge.blip.ticket(&ticket).unwrap().agent;
        assert_eq!(agent.as_deref(), Some("ana%40loja.example@blip.ai"), "{surface}");
    }
    let chat = bridge.slack.says(ANA, CHANNEL, None, "bom dia").await.unwrap();
    bridge.slack.uses_shortcut(ANA, CHANNEL, &chat.ts, "claim").await.unwrap();
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_at_once_one_wins_and_the_other_is_told() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let (one, two) = tokio::join!(
        bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim"),
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes"),
    );
    one.unwrap();
    two.unwrap();
    bridge.idle().await;
    let holder = bridge.blip.ticket(&ticket).unwrap().agent.unwrap();
    let (winner, loser) =
        if holder.starts_with("ana") { ("Ana Lima", BIA) } else { ("Bia Souza", ANA) };
    assert!(bridge.slack.ephemerals(loser)[0].words().contains(winner));
    let opened = bridge.blip.calls("/commands set /tickets/change-status").len();
    assert_eq!(opened, 1, "{}", bridge.blip.transcript());
    let holder = if loser == BIA { ANA } else { BIA };
    let shown = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(shown.contains(&format!("<@{holder}>")), "{shown}");
    bridge.finish().await;
}

/// Two agents and ten customers at once, with every move from every surface.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_shift_goes_by_without_a_word_lost_or_said_twice() {
    let bridge = Bridge::with(&[("REPLY_POLICY", "holder")]).await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let mut tickets = Vec::new();
    for number in 0..10 {
        tickets
            .push(bridge.ticket(&format!("Customer {number}"), &format!("first-{number}")).await);
    }
    bridge.idle().await;
    let shifts = tickets.iter().enumerate().map(async |(number, (ticket, card))| {
        let (slack, blip) = (&bridge.slack, &bridge.blip);
        let (mine, other) = if number % 2 == 0 { (ANA, BIA) } else { (BIA, ANA) };
        let at = Some(card.ts.as_str());
        match number % 3 {
            0 => drop(slack.reacts(mine, CHANNEL, &card.ts, "eyes").await.unwrap()),
            1 => drop(slack.clicks(mine, CHANNEL, &card.ts, "claim").await.unwrap()),
            _ => drop(slack.uses_shortcut(mine, CHANNEL, &card.ts, "claim").await.unwrap()),
        }
        slack.says(mine, CHANNEL, at, &format!("reply-{number}-a")).await.unwrap();
        slack.says(other, CHANNEL, at, &format!("// note-{number}")).await.unwrap();
        blip.says(ticket, &format!("customer-{number}")).await.unwrap();
        slack.says(mine, CHANNEL, at, &format!("reply-{number}-b")).await.unwrap();
        slack.says(other, CHANNEL, at, &format!("not-mine-{number}")).await.unwrap();
    });
    futures_util::future::join_all(shifts).await;
    bridge.idle().await;
    for (number, (ticket, card)) in tickets.iter().enumerate() {
        let replies = [format!("reply-{number}-a"), format!("reply-{number}-b")];
        assert_eq!(bridge.received(ticket), replies);
        let said = bridge.said(card);
        assert_eq!(said.iter().filter(|line| **line == format!("customer-{number}")).count(), 1);
        let holder = if number % 2 == 0 { ANA } else { BIA };
        match number % 4 {
            0 => drop(
                bridge.slack.reacts(holder, CHANNEL, &card.ts, "white_check_mark").await.unwrap(),
            ),
            1 => {
                bridge.slack.clicks(holder, CHANNEL, &card.ts, "close").await.unwrap();
                let dialog = bridge.dialog(holder);
                bridge.slack.submits(holder, &dialog.id, typed("farewell", "bye")).await.unwrap();
            }
            2 => drop(bridge.blip.closes(ticket, "ClosedClient").await.unwrap()),
            _ => {
                bridge.slack.picks(holder, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
                transfers(&bridge, holder, card, "Suporte").await;
                bridge.slack.reacts(holder, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
            }
        }
    }
    bridge.idle().await;
    bridge.blip.look(|state| {
        assert!(state.tickets.values().all(Ticket::is_closed), "{:?}", state.tickets);
        assert!(state.undelivered.is_empty(), "{:?}", state.undelivered);
    });
    for (_, card) in &tickets {
        assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().buttons().is_empty());
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_to_a_colleagues_customer_is_told_before_and_chooses() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let typed = |words: &str, choice: &str| {
        json!({
            "words:1": { "words": { "type": "plain_text_input", "value": words } },
            "when_held": { "when_held": { "type": "radio_buttons",
                "selected_option": { "value": choice } } },
        })
    };
    let holder = || bridge.blip.ticket(&ticket).unwrap().agent.unwrap();
    for (words, choice, then) in [("Um", "send", "bia"), ("Dois", "take_over", "ana")] {
        bridge.slack.clicks(ANA, CHANNEL, &card.ts, "reply").await.unwrap();
        let dialog = bridge.dialog(ANA);
        let told = dialog.view.to_string();
        for part in ["Maria Silva #", "Bia Souza has this ticket", "Take over and send"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        bridge.slack.submits(ANA, &dialog.id, typed(words, choice)).await.unwrap();
        bridge.idle().await;
        assert!(bridge.received(&ticket).contains(&words.to_owned()));
        assert!(holder().starts_with(then), "{}", holder());
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_comes_back_if_it_cannot_be_sent() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "reply")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let told = shown(&dialog.view);
    assert!(told.contains("Nobody has claimed this ticket"), "{told}");
    // While she types, somebody else claims it.
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let typed =
        json!({ "words:1": { "words": { "type": "plain_text_input", "value": "Seu pedido" } } });
    bridge.slack.submits(ANA, &dialog.id, typed).await.unwrap();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    let told: Vec<String> = bridge.slack.ephemerals(ANA).iter().map(Ephemeral::words).collect();
    assert!(told.iter().any(|line| line.contains("Seu pedido")), "{told:?}");
    bridge.finish().await;
}
