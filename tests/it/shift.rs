//! A shift: three agents and ten customers, with every move from every surface on which it can be made.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{CannedReply, Router, Template};
use blip_slack_standins::slack::{Message, User, View};
use serde_json::{Value, json};

use crate::support::Bridge;

const CAIO: &str = "U0CAIO";

/// What is typed into a field of a dialog.
fn typed(block: &str, action: &str, words: &str) -> Value {
    json!({ block: { action: { "type": "plain_text_input", "value": words } } })
}

/// What is chosen from a list of a dialog.
fn chosen(block: &str, action: &str, option: &Value) -> Value {
    json!({ block: { action: { "type": "external_select", "selected_option": option } } })
}

/// The team at work.
struct Shift {
    bridge: Bridge,
}

impl Shift {
    async fn start() -> Self {
        let router = Router::default();
        let settings = [
            ("ASSIGN", "round_robin"),
            ("AGENT_SLOTS", "1"),
            ("ASSIGN_TIMEOUT_MINUTES", "0"),
            ("LEADS", "S0LEADS"),
            ("BLIP_ROUTER_KEY", &router.key),
        ];
        let bridge = Bridge::with(&settings).await;
        bridge.slack.add_user(User::member(CAIO, "Caio", "caio@loja.example"));
        bridge.slack.joins(CAIO, CHANNEL).await.unwrap();
        bridge.slack.add_group("S0LEADS", "leads", &[ANA]);
        let [category, name, text] =
            ["Saudação", "Bom dia", "Bom dia, ${contact.name}!"].map(str::to_owned);
        let canned = CannedReply { category, name, text, ..CannedReply::default() };
        bridge.blip.configure(|setup| {
            setup.agents.push("caio%40loja.example@blip.ai".to_owned());
            setup.replies = vec![canned];
            setup.tags = vec!["Venda".to_owned()];
            setup.router = Some(router);
            setup.templates = Some(vec![Template::new("volta", "Oi {{1}}, pode vir?")]);
        });
        Self { bridge }
    }

    /// Whom Blip has as the agent of a ticket, once somebody is.
    async fn is_with(&self, ticket: &str, who: &str) {
        let agent = format!("{who}%40loja.example@blip.ai");
        let is_it = || {
            let ticket = self.bridge.blip.ticket(ticket).unwrap();
            ticket.is_assigned() && ticket.agent.as_deref() == Some(&agent)
        };
        self.bridge.until(&format!("{ticket} with {who}"), is_it).await;
        self.bridge.idle().await;
    }

    async fn says(&self, user: &str, card: &Message, words: &str) -> String {
        let said = self.bridge.slack.says(user, CHANNEL, Some(&card.ts), words).await.unwrap();
        self.bridge.idle().await;
        said.ts
    }

    async fn clicks(&self, user: &str, ts: &str, button: &str) {
        self.bridge.slack.clicks(user, CHANNEL, ts, button).await.unwrap();
        self.bridge.idle().await;
    }

    async fn command(&self, user: &str, words: &str) -> String {
        let answered = self.bridge.slack.commands(user, CHANNEL, "/blip", words).await.unwrap();
        assert_eq!(answered.status, Some(200));
        answered.body
    }

    /// Sends off the dialog that somebody has open.
    async fn submits(&self, user: &str, filled: Value) {
        let dialog = self.bridge.dialog(user);
        self.bridge.slack.submits(user, &dialog.id, filled).await.unwrap();
        self.bridge.idle().await;
    }

    /// The first entry of a list in the dialog that somebody has open.
    async fn finds(&self, user: &str, list: &str, words: &str) -> Value {
        let dialog = self.bridge.dialog(user);
        let found = self.bridge.slack.searches(user, &dialog.id, list, words).await.unwrap();
        found.into_iter().next().unwrap_or_else(|| panic!("no {words} in {list}"))
    }

    /// The home tab of somebody, once it shows these words.
    async fn home(&self, user: &str, part: &str) -> View {
        let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME",
            "tab": "home", "event_ts": "1.1" });
        assert_eq!(self.bridge.slack.emits(event).await, Some(200));
        let shows = |view: &&View| {
            let is_home = view.user == user && view.view["type"] == "home";
            is_home && view.view.to_string().contains(part)
        };
        self.bridge
            .slack
            .wait_for(&format!("a home tab with {part}"), |state| {
                state.views.values().find(shows).cloned()
            })
            .await
    }

    fn closed(&self, ticket: &str) -> String {
        let ticket = self.bridge.blip.ticket(ticket).unwrap();
        assert!(ticket.is_closed(), "{ticket:?}");
        ticket.status
    }
}

/// The tickets of the day, each with its card.
struct Day {
    one: (String, Message),
    two: (String, Message),
    three: (String, Message),
    four: (String, Message),
    five: (String, Message),
    six: (String, Message),
    seven: (String, Message),
    eight: (String, Message),
    nine: (String, Message),
    ten: (String, Message),
}

/// The first three tickets are given to whoever is not in a break, one each; the others wait.
async fn begins(shift: &Shift) -> Day {
    let bridge = &shift.bridge;
    shift.command(BIA, "pausa").await;
    shift.command(CAIO, "pause").await;
    let one = bridge.ticket("Um", "Oi").await;
    shift.is_with(&one.0, "ana").await;
    shift.command(BIA, "voltar").await;
    let two = bridge.ticket("Dois", "Oi").await;
    shift.is_with(&two.0, "bia").await;
    shift.command(CAIO, "back").await;
    let three = bridge.ticket("Tres", "Oi").await;
    shift.is_with(&three.0, "caio").await;
    for user in [ANA, BIA, CAIO] {
        shift.command(user, "pausa").await;
    }
    let [four, five] = [bridge.ticket("Quatro", "Oi").await, bridge.ticket("Cinco", "Oi").await];
    let [six, seven] = [bridge.ticket("Seis", "Oi").await, bridge.ticket("Sete", "Oi").await];
    let [eight, nine] = [bridge.ticket("Oito", "Oi").await, bridge.ticket("Nove", "Oi").await];
    let ten = bridge.ticket("Dez", "Oi").await;
    bridge.idle().await;
    let waits = |ticket: &(String, Message)| !bridge.blip.ticket(&ticket.0).unwrap().is_assigned();
    let others = [&four, &five, &six, &seven, &eight, &nine, &ten];
    assert!(others.into_iter().all(waits), "everybody takes a break");
    Day { one, two, three, four, five, six, seven, eight, nine, ten }
}

/// The block of a ticket's menu in a list.
fn menu(ticket: &str) -> String {
    format!("more@ticket:default/{ticket}")
}

/// A reaction, a button, the home tab, a reply, a shortcut, a canned reply, a list: each claims.
async fn claims(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    bridge.slack.reacts(ANA, CHANNEL, &day.four.1.ts, "eyes").await.unwrap();
    shift.is_with(&day.four.0, "ana").await;
    shift.clicks(BIA, &day.five.1.ts, "claim").await;
    shift.is_with(&day.five.0, "bia").await;
    let home = shift.home(CAIO, "Seis").await;
    bridge.slack.picks_in_view(CAIO, &home.id, &menu(&day.six.0), Some("claim")).await.unwrap();
    shift.is_with(&day.six.0, "caio").await;
    shift.says(ANA, &day.seven.1, "Olá, Sete!").await;
    shift.is_with(&day.seven.0, "ana").await;
    bridge.slack.uses_shortcut(BIA, CHANNEL, &day.eight.1.ts, "claim").await.unwrap();
    shift.is_with(&day.eight.0, "bia").await;
    bridge.slack.picks(CAIO, CHANNEL, &day.nine.1.ts, ("more", "reply")).await.unwrap();
    let canned = shift.finds(CAIO, "canned_reply", "").await;
    let dialog = bridge.dialog(CAIO);
    bridge.slack.chooses(CAIO, &dialog.id, "canned_reply", &canned).await.unwrap();
    let page = bridge.dialog(CAIO);
    let words = page.view["blocks"].as_array().unwrap().iter();
    let block = { words }.filter_map(|it| it["block_id"].as_str());
    let block = { block }.find(|name| name.starts_with("words")).expect("words to change");
    shift.submits(CAIO, typed(block, "words", "Bom dia, Nove!")).await;
    shift.is_with(&day.nine.0, "caio").await;
    shift.command(ANA, "waiting").await;
    let list = bridge.slack.ephemerals(ANA).pop().unwrap().ts;
    bridge.slack.picks(ANA, CHANNEL, &list, (&menu(&day.ten.0), "claim")).await.unwrap();
    shift.is_with(&day.ten.0, "ana").await;
}

/// A reply, a note, an edit, a message in a colleague's ticket, a lock.
async fn writes(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    let reply = shift.says(ANA, &day.one.1, "Custa R$ 10").await;
    shift.says(ANA, &day.one.1, "// cliente antigo").await;
    bridge.slack.edits(ANA, CHANNEL, &reply, "Custa R$ 100").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    shift.clicks(ANA, &told.ts, "correct").await;
    assert_eq!(bridge.received(&day.one.0), ["Custa R$ 10", "Custa R$ 100"]);
    shift.says(BIA, &day.one.1, "Posso ajudar?").await;
    let asked = bridge.slack.ephemerals(BIA).pop().unwrap();
    shift.clicks(BIA, &asked.ts, "send").await;
    assert_eq!(bridge.received(&day.one.0).last().unwrap(), "Posso ajudar?");
    let note = shift.says(BIA, &day.two.1, "🔒 liga para o estoque").await;
    assert_eq!(bridge.slack.message(CHANNEL, &note).unwrap().reacted("lock").len(), 1);
    assert!(bridge.received(&day.two.0).is_empty());
    for (ticket, words) in [(&day.two.0, "Alguém?"), (&day.four.0, "E aí?")] {
        bridge.blip.says(ticket, words).await.unwrap();
    }
    bridge.idle().await;
    assert!(bridge.said(&day.two.1).join(" ").contains("Alguém?"));
}

/// Taken over, released from the menu, handed to a team and to an agent.
async fn hands_over(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    shift.clicks(BIA, &day.four.1.ts, "take_over").await;
    shift.is_with(&day.four.0, "bia").await;
    assert!(bridge.said(&day.four.1).join(" ").contains("over from"), "who had it is told");
    bridge.slack.picks(BIA, CHANNEL, &day.four.1.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&day.four.1).join(" ").contains("released this ticket"));
    bridge.slack.reacts(CAIO, CHANNEL, &day.four.1.ts, "eyes").await.unwrap();
    shift.is_with(&day.four.0, "caio").await;
    shift.clicks(BIA, &day.five.1.ts, "transfer").await;
    let team = shift.finds(BIA, "destination", "Vendas").await;
    shift.submits(BIA, chosen("destination", "destination", &team)).await;
    assert_eq!(shift.closed(&day.five.0), "Transferred");
    assert!(bridge.said(&day.five.1).join(" ").contains("continues here"));
    shift.clicks(CAIO, &day.six.1.ts, "transfer").await;
    let agent = shift.finds(CAIO, "destination", "ana").await;
    shift.submits(CAIO, chosen("destination", "destination", &agent)).await;
    assert_eq!(shift.closed(&day.six.0), "Transferred");
    assert!(bridge.said(&day.six.1).join(" ").contains("handed this ticket to you"));
}

/// A template from the menu, tags, and a comment on the contact.
async fn sends_more(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    bridge.slack.picks(ANA, CHANNEL, &day.seven.1.ts, ("more", "template")).await.unwrap();
    let template = shift.finds(ANA, "message_template", "").await;
    let dialog = bridge.dialog(ANA);
    bridge.slack.chooses(ANA, &dialog.id, "message_template", &template).await.unwrap();
    let page = bridge.dialog(ANA);
    let blocks = page.view["blocks"].as_array().unwrap().iter();
    let field = { blocks }.filter_map(|it| it["block_id"].as_str());
    let field = { field }.find(|name| name.starts_with("field:")).expect("a field");
    let mut filled = typed(field, "template_value", "Sete");
    filled["templates"] = chosen("templates", "message_template", &template)["templates"].clone();
    shift.submits(ANA, filled).await;
    shift.submits(ANA, json!({})).await;
    assert_eq!(bridge.blip.templates("sete@wa.gw.msging.net").len(), 1);
    shift.clicks(BIA, &day.eight.1.ts, "tags").await;
    let tag = shift.finds(BIA, "tags", "Venda").await;
    let tags = json!({ "tags": { "tags": {
        "type": "multi_external_select", "selected_options": [tag] } } });
    shift.submits(BIA, tags).await;
    assert_eq!(bridge.blip.ticket(&day.eight.0).unwrap().tags, ["Venda"]);
    bridge.slack.uses_shortcut(BIA, CHANNEL, &day.eight.1.ts, "comment").await.unwrap();
    shift.submits(BIA, typed("comment", "words", "prefere tarde")).await;
    let comments = bridge.blip.look(|state| state.comments.values().map(Vec::len).sum::<usize>());
    assert_eq!(comments, 1);
}

/// A reaction, a button with tags and a farewell, a shortcut, the home tab, the customer: each ends it.
async fn closes(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    bridge.slack.reacts(ANA, CHANNEL, &day.one.1.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&day.one.0).unwrap().is_closed()).await;
    bridge.idle().await;
    shift.clicks(BIA, &day.two.1.ts, "close").await;
    let tag = shift.finds(BIA, "tags", "Venda").await;
    let mut filled = typed("farewell", "words", "Até logo!");
    filled["tags"] = json!({ "tags": {
        "type": "multi_external_select", "selected_options": [tag] } });
    shift.submits(BIA, filled).await;
    assert_eq!(shift.closed(&day.two.0), "ClosedAttendant");
    assert_eq!(bridge.received(&day.two.0), ["Até logo!"]);
    bridge.slack.uses_shortcut(CAIO, CHANNEL, &day.three.1.ts, "close").await.unwrap();
    shift.submits(CAIO, json!({})).await;
    shift.closed(&day.three.0);
    let home = shift.home(ANA, "Dez").await;
    bridge.slack.picks_in_view(ANA, &home.id, &menu(&day.ten.0), Some("close")).await.unwrap();
    shift.submits(ANA, json!({})).await;
    shift.closed(&day.ten.0);
    assert_eq!(bridge.blip.closes(&day.nine.0, "ClosedClient").await.unwrap(), Some(200));
    bridge.idle().await;
    assert!(bridge.slack.message(CHANNEL, &day.nine.1.ts).unwrap().buttons().is_empty());
}

/// How the day went, for who leads the team; nobody heard anything twice, or what was meant for others.
async fn looks_back(shift: &Shift, day: &Day) {
    let bridge = &shift.bridge;
    let home = shift.home(ANA, "Waiting longest").await;
    let shown = home.view.to_string();
    for part in ["Team", "Vendas", &format!("<@{CAIO}>"), "My tickets"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shift.home(BIA, "My tickets").await.view.to_string().contains("Waiting longest"));
    // Nobody heard anything twice, or anything that was meant for others.
    let heard = [
        (&day.one.0, vec!["Custa R$ 10", "Custa R$ 100", "Posso ajudar?"]),
        (&day.three.0, vec![]),
        (&day.four.0, vec![]),
        (&day.five.0, vec![]),
        (&day.six.0, vec![]),
        (&day.eight.0, vec![]),
        (&day.nine.0, vec!["Bom dia, Nove!"]),
        (&day.ten.0, vec![]),
    ];
    for (ticket, words) in heard {
        assert_eq!(bridge.received(ticket), words, "{}", bridge.slack.transcript());
    }
    assert!(bridge.received(&day.seven.0).contains(&"Olá, Sete!".to_owned()));
    assert!(bridge.blip.undelivered().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_agents_serve_ten_customers_with_every_move_from_every_surface() {
    let shift = Shift::start().await;
    let day = begins(&shift).await;
    claims(&shift, &day).await;
    writes(&shift, &day).await;
    hands_over(&shift, &day).await;
    sends_more(&shift, &day).await;
    closes(&shift, &day).await;
    looks_back(&shift, &day).await;
    shift.bridge.finish().await;
}
