//! After WhatsApp's 24 hours: what is said before anything is written, and what can still be sent.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{NewTicket, Router, Template};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, View};
use serde_json::{Value, json};

use crate::support::later::Later;
use crate::support::{Bridge, samples};

const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";
const A_DAY: Duration = Duration::from_hours(25);

/// The text that anybody sees in a dialog.
fn shown(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

/// The customer on WhatsApp itself.
const NUMBER: &str = "5511987654321@wa.gw.msging.net";

/// The key of the router that has the channel.
fn router_key() -> String {
    Router::default().key
}

/// Three templates of which agents can send two.
fn templates() -> Vec<Template> {
    let mut full = Template::new("pedido_pronto", "Oi {{1}}, seu pedido {{2}} está pronto. {{1}}?");
    full.components.insert(0, json!({"type": "HEADER", "format": "IMAGE"}));
    full.components.push(json!({"type": "FOOTER", "text": "Loja"}));
    full.components.push(json!({"type": "BUTTONS", "buttons": [
        {"type": "QUICK_REPLY", "text": "Sim"},
        {"type": "URL", "text": "Ver", "url": "https://loja.example/{{1}}"},
    ]}));
    let mut pending = Template::new("nova", "Oi");
    "PENDING".clone_into(&mut pending.status);
    let mut english = Template::new("boas_vindas", "Hello {{name}}, how are you?");
    "en_US".clone_into(&mut english.language);
    vec![full, pending, english]
}

/// A bridge behind a router, with a ticket whose customer wrote long ago.
struct Late {
    later: Later,
    ticket: String,
    card: Message,
}

impl Late {
    async fn start() -> Self {
        let later = Later::start(&[("BLIP_ROUTER_KEY", &router_key())]).await;
        let bridge = &later.bridge;
        bridge.blip.configure(|setup| {
            setup.router = Some(Router::default());
            setup.templates = Some(templates());
        });
        let identity = bridge.blip.routes(NUMBER, true);
        let opened = bridge.blip.opens_ticket(NewTicket::saying("Maria", &identity, "Oi")).await;
        let card = bridge.card_of("Maria").await;
        bridge.idle().await;
        later.passes(A_DAY).await;
        bridge.until("the card tells", || shows(bridge, &card, "templates only")).await;
        bridge.idle().await;
        Self { later, ticket: opened.id, card }
    }

    fn bridge(&self) -> &Bridge {
        &self.later.bridge
    }

    /// Opens the dialog from the card's menu.
    async fn asks(&self) -> View {
        let at = ("more", "template");
        self.bridge().slack.picks(ANA, CHANNEL, &self.card.ts, at).await.unwrap();
        self.bridge().dialog(ANA)
    }

    /// Chooses a template in an open dialog, and fills it in; what comes of it is on top then.
    async fn fills(&self, user: &str, name: &str, values: &[&str]) -> View {
        let bridge = self.bridge();
        let page = bridge.dialog(user);
        let found = bridge.slack.searches(user, &page.id, LIST, name).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        bridge.slack.chooses(user, &page.id, LIST, &found[0]).await.unwrap();
        let page = bridge.dialog(user);
        let mut filled =
            json!({"templates": {LIST: {"type": "external_select", "selected_option": found[0]}}});
        if name == "boas_vindas" {
            let label = "Variable name, which goes here: “Hello ____, how are you?”";
            assert!(page.view.to_string().contains(label), "{}", page.view);
        }
        let mut fields = field_blocks(&page.view).into_iter();
        for value in values {
            let block = fields.next().expect("a field");
            filled[block] = json!({"template_value": {"type": "plain_text_input", "value": value}});
        }
        assert_eq!(fields.next(), None, "another field");
        bridge.slack.submits(user, &page.id, filled).await.unwrap();
        bridge.dialog(user)
    }
}

const LIST: &str = "message_template";

fn shows(bridge: &Bridge, card: &Message, words: &str) -> bool {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains(words)
}

/// The names of the blocks into which the variables are typed.
fn field_blocks(view: &Value) -> Vec<String> {
    let blocks = view["blocks"].as_array().unwrap().iter();
    let names = blocks.filter_map(|block| block["block_id"].as_str());
    names.filter(|name| name.starts_with("field:")).map(str::to_owned).collect()
}

fn typed(block: &str, words: &str) -> Value {
    json!({block: {"words": {"type": "plain_text_input", "value": words}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_any_more_is_not_asked_for() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(A_DAY).await;
    bridge.idle().await;
    for dialog in ["reply", "compose"] {
        bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, dialog).await.unwrap();
        let view = bridge.dialog(ANA).view;
        let words = shown(&view);
        assert!(words.contains("24 hours have passed"), "{dialog}: {words}");
        assert!(view["submit"].is_null() && !view.to_string().contains("\"input\""), "{view}");
    }
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(shown(&dialog.view).contains("no farewell would arrive"));
    assert!(!dialog.view.to_string().contains("\"farewell\""), "{}", dialog.view);
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert!(bridge.blip.undelivered().is_empty());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_customer_who_writes_again_can_be_written_to() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(A_DAY).await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    assert!(bridge.dialog(ANA).view["submit"].is_object());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_that_is_too_late_is_shown_and_the_ticket_closed_without_it_if_so_wished() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| setup.tags = vec!["Venda".to_owned()]);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    later.passes(A_DAY).await;
    bridge.idle().await;
    let option = json!({"text": {"type": "plain_text", "text": "Venda"}, "value": "Venda"});
    let mut filled = typed("farewell", "Até logo, Maria!");
    filled["tags"] =
        json!({"tags": {"type": "multi_external_select", "selected_options": [option]}});
    bridge.slack.submits(ANA, &dialog.id, filled).await.unwrap();
    bridge.idle().await;
    let asked = bridge.dialog(ANA);
    let words = shown(&asked.view);
    assert!(words.contains("was not sent") && words.contains("Até logo, Maria!"), "{words}");
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed(), "not without being asked");
    let chosen = json!({"tags": {"tags": {"type": "multi_external_select",
        "selected_options": [option]}}});
    assert!(asked.view.to_string().contains("initial_options"), "the tags are still chosen");
    bridge.slack.submits(ANA, &asked.id, chosen).await.unwrap();
    bridge.idle().await;
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!(
        (closed.status.as_str(), closed.tags),
        ("ClosedAttendant", vec!["Venda".to_owned()])
    );
    assert!(bridge.received(&ticket).is_empty() && bridge.blip.undelivered().is_empty());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_is_chosen_filled_in_seen_and_sent_and_its_answer_comes_into_the_thread() {
    let late = Late::start().await;
    let bridge = late.bridge();
    let page = late.asks().await;
    let all = bridge.slack.searches(ANA, &page.id, LIST, "").await.unwrap();
    let labels: Vec<_> = all.iter().map(|it| it["text"]["text"].as_str().unwrap()).collect();
    assert_eq!(labels, ["boas_vindas (en_US)", "pedido_pronto (pt_BR)"], "approved ones only");
    let values = ["https://loja.example/a.png", "Ana", "12", "p/12"];
    let preview = late.fills(ANA, "pedido", &values).await;
    assert_eq!(preview.view["callback_id"], "template_send");
    let words = shown(&preview.view);
    assert!(words.contains("Oi Ana, seu pedido 12 está pronto. Ana?"), "{words}");
    assert!(words.contains("To *Maria #1* · WhatsApp"), "to whom: {words}");
    assert!(bridge.blip.templates(NUMBER).is_empty(), "nothing is sent so far");
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.idle().await;
    insta::assert_json_snapshot!("sent_template", bridge.blip.templates(NUMBER));
    let said = bridge.said(&late.card);
    let line = said.iter().find(|line| line.contains("Ana Lima sent the template pedido_pronto"));
    assert!(line.is_some_and(|line| line.contains("seu pedido 12")), "{said:?}");
    let agent = bridge.blip.ticket(&late.ticket).unwrap().agent;
    assert_eq!(agent.as_deref(), Some("ana%40loja.example@blip.ai"), "sending claims");
    bridge.blip.says(&late.ticket, "Sim").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&late.card).iter().any(|line| line.contains("Sim")));
    late.later.says(ANA, &late.card, "Até já!").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&late.ticket), ["Até já!"], "the window is open again");
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_place_that_tells_of_the_window_leads_to_the_templates() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.later.says(ANA, &late.card, "Bom dia!").await;
    bridge.idle().await;
    let written = bridge.replies(&late.card).into_iter().find(|line| line.text == "Bom dia!");
    let marks = bridge.slack.reactions(CHANNEL, &written.unwrap().ts);
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!(marks[0].0, "x", "it did not arrive, and was meant as no note");
    let refused = bridge.replies(&late.card).into_iter().find(|line| !line.buttons().is_empty());
    let refused = refused.expect("a line with a button");
    bridge.slack.clicks(BIA, CHANNEL, &refused.ts, "template").await.unwrap();
    assert_eq!(bridge.dialog(BIA).view["title"]["text"], "Message template");
    for dialog in ["reply", "compose"] {
        bridge.slack.uses_shortcut(ANA, CHANNEL, &late.card.ts, dialog).await.unwrap();
        let notice = bridge.dialog(ANA);
        bridge.slack.clicks_in_view(ANA, &notice.id, "template").await.unwrap();
        let page = bridge.dialog(ANA);
        assert_eq!((&page.id, &page.view["callback_id"]), (&notice.id, &json!("template")));
        bridge.slack.dismisses(ANA, &page.id);
    }
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_came_too_late_is_sent_by_hand_once_the_customer_writes_again() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.later.says(ANA, &late.card, "Bom dia!").await;
    bridge.idle().await;
    let written = bridge.replies(&late.card).into_iter().find(|line| line.text == "Bom dia!");
    let written = written.unwrap().ts;
    bridge.blip.says(&late.ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &written, "send_note").await.unwrap();
    bridge.until("the reply", || !bridge.received(&late.ticket).is_empty()).await;
    late.later.passes(Duration::from_secs(4)).await;
    bridge.idle().await;
    let marks = bridge.slack.reactions(CHANNEL, &written);
    assert!(marks.len() == 1 && marks[0].0 != "x", "{marks:?}");
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_template_was_sent_no_line_of_the_thread_offers_one() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.later.says(ANA, &late.card, "Bom dia!").await;
    late.later.says(ANA, &late.card, "Tudo bem?").await;
    bridge.idle().await;
    let offers = || {
        let lines = bridge.replies(&late.card).into_iter();
        lines.filter(|line| line.buttons().iter().any(|it| it.action_id == "template")).count()
    };
    assert_eq!(offers(), 2);
    let said = || bridge.replies(&late.card).into_iter().map(|line| line.text).collect::<Vec<_>>();
    let before = said();
    late.asks().await;
    let preview = late.fills(ANA, "boas_vindas", &["Maria"]).await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.templates(NUMBER).len(), 1);
    assert_eq!(offers(), 0, "{}", bridge.slack.transcript());
    let after = said();
    assert_eq!(after[..before.len()], before, "what they say stays");
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_is_paid_for_once() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.asks().await;
    let preview = late.fills(ANA, "boas_vindas", &["Maria"]).await;
    bridge.blip.faults().next("/messages", Fault::LostAnswer);
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge
        .until("the line in the thread", || {
            bridge.said(&late.card).iter().any(|line| line.contains("sent the template"))
        })
        .await;
    bridge.idle().await;
    assert_eq!(bridge.blip.templates(NUMBER).len(), 1);
    // Blip does not tell whether the next one went out: people decide.
    late.asks().await;
    let preview = late.fills(ANA, "boas_vindas", &["Maria"]).await;
    bridge.blip.faults().next("/messages", Fault::LostAnswer);
    let history = format!("/commands get /threads/{NUMBER}");
    bridge.blip.faults().from_now(&history, Fault::Code("67".to_owned()));
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    let parked =
        |line: &Message| line.buttons().iter().any(|it| format!("{it:?}").contains("skip"));
    bridge.until("a line that asks", || bridge.replies(&late.card).iter().any(parked)).await;
    assert_eq!(bridge.blip.templates(NUMBER).len(), 2, "the second one, once");
    bridge.blip.faults().clear();
    let line = bridge.replies(&late.card).into_iter().find(parked).unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.templates(NUMBER).len(), 2, "found, and not sent again");
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_whatsapp_would_refuse_is_said_at_its_field() {
    let late = Late::start().await;
    let bridge = late.bridge();
    for (value, words) in [("a\tb", "One line"), ("a     b", "One line"), ("  ", "One line")] {
        late.asks().await;
        let page = bridge.dialog(ANA);
        let found = bridge.slack.searches(ANA, &page.id, LIST, "boas").await.unwrap();
        bridge.slack.chooses(ANA, &page.id, LIST, &found[0]).await.unwrap();
        let page = bridge.dialog(ANA);
        let block = field_blocks(&page.view).remove(0);
        let filled = json!({
            "templates": {LIST: {"type": "external_select", "selected_option": found[0]}},
            block.as_str(): {"template_value": {"type": "plain_text_input", "value": value}},
        });
        let answered = bridge.slack.submits(ANA, &page.id, filled).await.unwrap();
        let answer: Value = serde_json::from_str(&answered.body).unwrap();
        let said = answer["errors"][&block].as_str().unwrap_or_default();
        assert!(said.contains(words), "{answer}");
        bridge.slack.dismisses(ANA, &page.id);
    }
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_does_not_arrive_is_told_with_the_reason() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.asks().await;
    let preview = late.fills(ANA, "boas_vindas", &["Maria"]).await;
    bridge.blip.configure(|setup| {
        setup.cannot_deliver = Some((131_042, "Business eligibility payment issue"));
    });
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.idle().await;
    late.later.passes(Duration::from_secs(31)).await;
    let told = || {
        let mut lines = bridge.replies(&late.card).into_iter();
        lines.find(|line| line.words().contains("Business eligibility"))
    };
    bridge.until("a line that says so", || told().is_some()).await;
    let line = told().unwrap();
    assert!(json!(line.blocks).to_string().contains(ANA), "its sender: {:?}", line.blocks);
    assert!(line.buttons().is_empty(), "it cannot be read again: {:?}", line.blocks);
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_came_too_late_for_whatsapp_leads_to_the_templates() {
    let late = Late::start().await;
    let bridge = late.bridge();
    bridge.blip.says(&late.ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    bridge.blip.configure(|setup| {
        setup.cannot_deliver = Some((131_047, "Re-engagement message"));
    });
    late.later.says(ANA, &late.card, "Bom dia!").await;
    bridge.idle().await;
    late.later.passes(Duration::from_secs(31)).await;
    let line = || {
        let mut lines = bridge.replies(&late.card).into_iter();
        lines.find(|line| line.words().contains("more than 24 hours"))
    };
    bridge.until("a line that says so", || line().is_some()).await;
    bridge.slack.clicks(ANA, CHANNEL, &line().unwrap().ts, "template").await.unwrap();
    assert_eq!(bridge.dialog(ANA).view["title"]["text"], "Message template");
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_key_or_its_right_nothing_is_offered_that_cannot_work() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(A_DAY).await;
    bridge.until("the card tells", || shows(bridge, &card, "templates only")).await;
    bridge.idle().await;
    let at = ("more", "template");
    assert!(bridge.slack.picks(ANA, CHANNEL, &card.ts, at).await.is_err(), "no such entry");
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    assert!(!bridge.dialog(ANA).view.to_string().contains("actions"));
    later.says(ANA, &card, "Bom dia!").await;
    bridge.idle().await;
    assert!(bridge.replies(&card).iter().all(|line| line.buttons().is_empty()));
    later.bridge.finish().await;

    let late = Late::start().await;
    let bridge = late.bridge();
    bridge.blip.configure(|setup| setup.templates = None);
    assert!(shown(&late.asks().await.view).contains("Blip does not let the app’s key see them"));
    bridge.slack.dismisses(ANA, &bridge.dialog(ANA).id);
    late.later.passes(Duration::from_secs(10)).await;
    assert!(shown(&late.asks().await.view).contains("Blip does not let the app’s key"));
    let asked = bridge.blip.calls("/commands get /message-templates").len();
    assert_eq!(asked, 1, "a key gets no other rights from one press to the next");
    bridge.slack.dismisses(ANA, &bridge.dialog(ANA).id);
    late.later.passes(Duration::from_mins(2)).await;
    bridge.blip.configure(|setup| setup.templates = Some(Vec::new()));
    assert!(shown(&late.asks().await.view).contains("no approved template"));
    late.later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_refused_holds_up_nothing_but_templates() {
    let late = Late::start().await;
    let bridge = late.bridge();
    late.asks().await;
    let preview = late.fills(ANA, "boas_vindas", &["Maria"]).await;
    bridge.blip.configure(|setup| {
        setup.router = Some(Router { key: "Key another".to_owned(), ..Router::default() });
    });
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge
        .until("a line that says so", || {
            bridge.said(&late.card).iter().any(|line| line.contains("is not accepted"))
        })
        .await;
    bridge.blip.says(&late.ticket, "Alguém?").await.unwrap();
    bridge
        .until("the customer's words", || {
            bridge.said(&late.card).iter().any(|line| line.contains("Alguém?"))
        })
        .await;
    assert!(bridge.blip.templates(NUMBER).is_empty());
    let violations = bridge.blip.violations();
    assert!(violations.iter().all(|it| it.contains("401")), "{violations:?}");
}

/// A bridge whose agents may write first.
async fn start_active() -> Later {
    let key = router_key();
    let settings = [
        ("BLIP_ROUTER_KEY", key.as_str()),
        ("BLIP_ANSWER_BLOCK", "flow-1/desk-1"),
        ("CONTEXT_MESSAGES", "10"),
    ];
    let later = Later::start(&settings).await;
    later.bridge.blip.configure(|setup| {
        setup.router = Some(Router::default());
        let words = Template::new("volta", "Oi {{1}}, seu pedido chegou. Pode vir?");
        setup.templates = Some(vec![words]);
    });
    later
}

/// Asks for an active message and fills it in; nothing is sent so far.
async fn asks_for(bridge: &Bridge, text: &str) -> View {
    let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", text).await.unwrap();
    assert!(answered.body.contains("+5511987654321"), "{}", answered.body);
    let page = bridge.dialog(ANA);
    let found = bridge.slack.searches(ANA, &page.id, LIST, "").await.unwrap();
    bridge.slack.chooses(ANA, &page.id, LIST, &found[0]).await.unwrap();
    let page = bridge.dialog(ANA);
    let block = field_blocks(&page.view).remove(0);
    let filled = json!({
        "templates": {LIST: {"type": "external_select", "selected_option": found[0]}},
        block.as_str(): {"template_value": {"type": "plain_text_input", "value": "Ana"}},
    });
    bridge.slack.submits(ANA, &page.id, filled).await.unwrap();
    bridge.dialog(ANA)
}

/// Who the number is on WhatsApp, which leaves out the ninth digit.
const ACCOUNT: &str = "551187654321@wa.gw.msging.net";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_active_message_begins_a_thread_that_the_customers_ticket_joins() {
    let later = start_active().await;
    let bridge = &later.bridge;
    let preview = asks_for(bridge, "novo +55 (11) 98765-4321").await;
    assert!(shown(&preview.view).contains("Oi Ana, seu pedido chegou."), "{}", preview.view);
    assert!(shown(&preview.view).contains("To *+5511987654321* · WhatsApp"), "{}", preview.view);
    let checks = || {
        let is_it = |method: &str| method.contains("/accounts/");
        bridge.blip.look(|state| state.calls.iter().filter(|it| is_it(&it.method)).count())
    };
    assert_eq!(checks(), 0, "no number is looked up while somebody types");
    bridge.blip.faults().next("/commands set /campaign/full", Fault::LostAnswer);
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("the thread", || bridge.slack.cards(CHANNEL).len() == 1).await;
    bridge.idle().await;
    assert_eq!((bridge.blip.templates(ACCOUNT).len(), checks()), (1, 1), "paid for once");
    let campaign = bridge.blip.look(|state| state.campaigns[0].clone());
    assert_eq!(campaign.enters, Some(("flow-1".to_owned(), "desk-1".to_owned())));
    assert_eq!(campaign.master_state.as_deref(), Some("lojademo@msging.net"));
    let card = bridge.slack.cards(CHANNEL).remove(0);
    assert!(card.words().contains("waiting for the customer"), "{}", card.words());
    let said = bridge.said(&card);
    assert!(said.iter().any(|line| line.contains("Ana Lima sent the template volta")), "{said:?}");
    // There is no ticket yet.
    later.says(ANA, &card, "Vou avisar").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).into_iter().map(|it| it.words()).collect::<Vec<_>>();
    let told = told.iter().filter(|words| words.contains("There is no ticket yet"));
    assert_eq!(told.count(), 3, "{:?}", bridge.slack.ephemerals(ANA));
    // The answer runs through the bot, which hands the customer over.
    let identity = bridge.blip.routes(ACCOUNT, true);
    let new = NewTicket::saying("Maria", &identity, "Posso ir hoje?");
    let ticket = bridge.blip.opens_ticket(new).await.id;
    bridge.until("the card", || shows(bridge, &card, "Maria")).await;
    bridge.idle().await;
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "no thread of its own");
    assert!(shows(bridge, &card, "Posso ir hoje?"), "{}", bridge.slack.transcript());
    let lines = bridge.replies(&card);
    let answer = lines.iter().find(|line| line.words().contains("continues here"));
    let answer = json!(answer.expect("a line that tells of the ticket").blocks).to_string();
    assert!(answer.contains(&format!(r#""user_id":"{ANA}""#)), "who waits for it: {answer}");
    later.says(ANA, &card, "Pode!").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Pode!"]);
    // The next ticket has a thread of its own again.
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.idle().await;
    bridge.blip.opens_ticket(NewTicket::saying("Maria", &identity, "Oi de novo")).await;
    bridge.until("another card", || bridge.slack.cards(CHANNEL).len() == 2).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_the_customer_said_comes_into_the_thread_of_an_active_message() {
    let later = start_active().await;
    let bridge = &later.bridge;
    let preview = asks_for(bridge, "novo +55 11 98765-4321").await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("the thread", || bridge.slack.cards(CHANNEL).len() == 1).await;
    bridge.idle().await;
    let card = bridge.slack.cards(CHANNEL).remove(0);
    let identity = bridge.blip.routes(ACCOUNT, true);
    // What customer and bot said before the bot handed over.
    let old =
        bridge.blip.opens_ticket_silently(NewTicket::saying("Maria", &identity, "Quero um humano"));
    bridge.blip.hold();
    bridge.blip.says(&old, "Quero um humano").await.unwrap();
    bridge.blip.closes_silently(&old, "ClosedAttendant").unwrap();
    bridge.blip.release(Vec::clear).await;
    // It comes slowly: its event is handled again and again till it is there.
    let uri = bridge.blip.hosts_dripping("image/png", &samples::bytes(15));
    let long = format!("first-word {} last-word", "e mais. ".repeat(600));
    let items = json!([
        {"type": "text/plain", "value": long},
        {"type": MEDIA_LINK, "value": {"type": "image/png", "uri": uri, "title": "nota.png"}},
    ]);
    let all = json!({"itemType": "application/vnd.lime.container+json", "items": items});
    let first = ("application/vnd.lime.collection+json".to_owned(), all);
    let new = NewTicket { first, ..NewTicket::saying("Maria", &identity, "") };
    bridge.blip.opens_ticket(new).await;
    let shared = || bridge.replies(&card).iter().map(|line| line.files.len()).sum::<usize>();
    later.skips_pauses_until("the file", || shared() == 1).await;
    bridge.idle().await;
    assert!(shows(bridge, &card, "first-word"), "{}", bridge.slack.transcript());
    let said = bridge.said(&card).join("\n");
    assert_eq!(said.matches("last-word").count(), 1, "{said}");
    for words in ["Before the handoff", "Quero um humano"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_an_active_message_is_not_sent_is_told_to_who_asked() {
    let later = start_active().await;
    let bridge = &later.bridge;
    let told =
        |words: &str| bridge.slack.ephemerals(ANA).iter().any(|line| line.words().contains(words));
    for (text, words) in [("novo 11987654321", "with + and its country"), ("new Maria", "with +")] {
        let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", text).await.unwrap();
        assert!(answered.body.contains(words), "{}", answered.body);
    }
    bridge.blip.configure(|setup| setup.without_whatsapp = vec!["+5511987654321".to_owned()]);
    let preview = asks_for(bridge, "new +5511987654321").await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("that nobody is there", || told("is not on WhatsApp")).await;
    bridge.until("what was typed", || told("It was not sent. What you wrote")).await;
    assert!(told("Ana"), "{:?}", bridge.slack.ephemerals(ANA));
    // A key that may not ask says nothing of the number.
    let preview = asks_for(bridge, "new +5511987654321").await;
    let check = "*/accounts/*";
    bridge.blip.faults().next(check, Fault::Code("35".to_owned()));
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("why not", || told("key has no permission")).await;
    bridge.blip.configure(|setup| setup.without_whatsapp = Vec::new());
    bridge.blip.opens_ticket(NewTicket::saying("Maria", ACCOUNT, "Oi")).await;
    bridge.idle().await;
    let preview = asks_for(bridge, "nuevo +5511987654321").await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("that there is a ticket", || told("has an open ticket")).await;
    bridge.idle().await;
    assert!(bridge.blip.templates(ACCOUNT).is_empty());
    let preview = asks_for(bridge, "novo +5511987654321").await;
    bridge.blip.faults().next("/commands set /campaign/full", Fault::Hang);
    bridge.blip.faults().from_now("/commands get /campaigns", Fault::Code("67".to_owned()));
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("that nobody knows", || told("Nobody can tell")).await;
    bridge.blip.faults().clear();
    bridge.idle().await;
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "only the ticket's");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_active_message_that_does_not_arrive_is_told_in_its_thread() {
    let later = start_active().await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| {
        setup.cannot_deliver = Some((131_042, "Business eligibility payment issue"));
    });
    let preview = asks_for(bridge, "novo +5511987654321").await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.until("the thread", || bridge.slack.cards(CHANNEL).len() == 1).await;
    bridge.idle().await;
    later.passes(Duration::from_secs(31)).await;
    let card = bridge.slack.cards(CHANNEL).remove(0);
    let told = || {
        let mut lines = bridge.replies(&card).into_iter();
        lines.find(|line| line.words().contains("Business eligibility"))
    };
    bridge.until("a line that says so", || told().is_some()).await;
    let line = told().unwrap();
    assert!(json!(line.blocks).to_string().contains(ANA), "its sender: {:?}", line.blocks);
    assert!(line.buttons().is_empty(), "{:?}", line.blocks);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn active_messages_that_are_not_set_up_are_not_offered() {
    let bridge = Bridge::start().await;
    let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", "novo +5511987654321").await;
    assert!(answered.unwrap().body.contains("not set up"));
    let help = bridge.slack.commands(ANA, CHANNEL, "/blip", "help").await.unwrap();
    assert!(!help.body.contains("/blip new"));
    assert!(!bridge.has_dialog(ANA));
    bridge.finish().await;
}
