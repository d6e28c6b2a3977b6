//! Pictures of what agents see of states that are rare: each is played by the real service, and drawn as
//! the demo's page draws it, light and dark. For people to judge: `PICTURES=folder`; without it nothing
//! is played.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{NewTicket, Router, ServiceLimits, Template};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, View};
use serde_json::{Value, json};

use crate::page::Demo;
use crate::support::browser::Browser;
use crate::support::later::Later;
use crate::support::{Bridge, wish};

/// Draws messages, one below the other, and dialogs; DRAWN is what.
const DRAW: &str = "
    const load = Promise.all([import('/demo/blocks.js'), import('/demo/tools.js')]);
    load.then(async ([{ renderBlocks, renderMrkdwn }, { h, emoji, initials, colour }]) => {
        const { users } = DRAWN;
        const context = { user: (it) => users[it] ?? it, channel: (it) => it, group: () => 'liderança',
            emoji: (it) => emoji.show(it), locale: 'pt-BR', search: 'Buscar', optional: 'opcional',
            more: 'Mais', press() {}, choose() {}, options: async () => [], follow: () => true };
        const clock = (ts) => new Date(ts * 1000).toLocaleTimeString('pt-BR', { hour: '2-digit', minute: '2-digit' });
        const avatar = (it, name) => it.ours && !it.username
            ? h('span.avatar.app', {}, '⚡') : h(`span.avatar.${colour(name)}`, {}, initials(name));
        const message = (it) => {
            const name = it.username ?? (it.ours ? 'Blip Desk' : users[it.user] ?? it.user);
            const body = it.blocks?.length ? h('div.blocks', {}, renderBlocks(it.blocks, context))
                : h('div.b-text', {}, renderMrkdwn(it.text, context));
            const marks = (it.reactions ?? []).map(([name, by]) =>
                h('button.reaction', {}, emoji.show(name), h('span', {}, String(by.length))));
            return h('li.message', {}, avatar(it, name), h('div.content', {},
                h('div.who', {}, h('b', {}, name), it.ours ? h('span.badge', {}, 'APP') : null, h('time', {}, clock(Number(it.ts)))),
                body, marks.length ? h('div.reactions', {}, marks) : null));
        };
        const dialog = ({ title, blocks, submit, close }) => {
            const node = h('dialog', { open: true }, h('form', {},
                h('header', {}, h('span.avatar.app', {}, '⚡'), h('h2', {}, title.text)),
                h('div.dialog-body', {}, renderBlocks(blocks, context)),
                h('footer', {}, h('button.b-button', { type: 'button' }, close?.text),
                    submit ? h('button.b-button.primary', { type: 'button' }, submit.text) : null)));
            Object.assign(node.style, { position: 'static', margin: '12px 16px' });
            return node;
        };
        const drawn = DRAWN.parts.map((it) => it.view ? dialog(it.view) : message(it));
        const gallery = h('ol', { id: 'gallery' }, drawn);
        Object.assign(gallery.style, { width: '620px', margin: '0', padding: '12px 0', background: 'var(--paper)', listStyle: 'none' });
        document.querySelectorAll('#gallery').forEach((it) => it.remove());
        document.body.replaceChildren(gallery);
        Object.assign(document.body.style, { height: 'auto', overflow: 'visible', display: 'block' });
        document.documentElement.style.overflow = 'visible';
        for (const menu of gallery.querySelectorAll('details.b-overflow')) {
            menu.open = DRAWN.open;
            if (DRAWN.open) {
                menu.querySelector('.b-menu').style.position = 'static';
                menu.parentElement.style.alignItems = 'flex-start';
            }
        }
        await document.fonts.ready;
        done(gallery.querySelectorAll('.b-unknown').length);
    }, (error) => done(String(error)));";

/// Where pictures are taken.
struct Studio {
    browser: Browser,
    folder: String,
    _demo: Demo,
}

impl Studio {
    async fn open() -> Option<Self> {
        let folder = wish("PICTURES")?;
        let browser = Browser::open(700, 1200).await?;
        let (demo, url) = Demo::start();
        browser.goes_to(&format!("{url}#tour=off")).await;
        browser.sees("!document.querySelector('.loading')").await;
        Some(Self { browser, folder, _demo: demo })
    }

    /// Keeps a picture of these in light and in dark.
    async fn keep(&self, bridge: &Bridge, name: &str, parts: Vec<Value>) {
        let users = bridge.slack.look(|state| {
            let named = state.users.iter().map(|(id, user)| (id.clone(), json!(user.real_name)));
            Value::Object(named.collect())
        });
        let drawn = json!({ "users": users, "parts": parts, "open": name.contains("menu") });
        for scheme in ["light", "dark"] {
            self.browser.looks(scheme, 700).await;
            let script = format!("const DRAWN = {drawn}; {DRAW}");
            assert_eq!(self.browser.run_until_done(&script).await, json!(0), "{name}");
            let picture = self.browser.picture_of("#gallery").await;
            let path = Path::new(&self.folder).join(format!("{name}.{scheme}.png"));
            std::fs::write(path, STANDARD.decode(picture).unwrap()).unwrap();
        }
    }

    /// A card with its thread.
    async fn keep_thread(&self, bridge: &Bridge, name: &str, card: &Message) {
        let thread = bridge.replies(card).into_iter().map(|it| json!(it));
        self.keep(bridge, name, [newest(bridge, card)].into_iter().chain(thread).collect()).await;
    }

    async fn keep_dialog(&self, bridge: &Bridge, name: &str, view: &View) {
        self.keep(bridge, name, vec![json!({ "view": view.view })]).await;
    }
}

/// A bridge whose people all read Portuguese.
async fn start(settings: &[(&str, &str)]) -> Later {
    let later = Later::start(&[&[("LOCALE", "pt-BR")], settings].concat()).await;
    for user in [ANA, BIA] {
        later.bridge.slack.change_user(user, |user| "pt-BR".clone_into(&mut user.locale));
    }
    later
}

async fn claims(later: &Later, name: &str, words: &str) -> (String, Message) {
    let (ticket, card) = later.bridge.ticket(name, words).await;
    later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.bridge.idle().await;
    (ticket, card)
}

async fn opens(bridge: &Bridge, name: &str, words: &str, priority: i64) -> Message {
    let identity = format!("{}@wa.gw.msging.net", name.to_lowercase());
    let new = NewTicket { priority, ..NewTicket::saying(name, &identity, words) };
    bridge.blip.opens_ticket(new).await;
    let card = bridge.card_of(name).await;
    bridge.idle().await;
    card
}

fn newest(bridge: &Bridge, card: &Message) -> Value {
    json!(bridge.slack.message(CHANNEL, &card.ts).unwrap())
}

async fn picks(bridge: &Bridge, user: &str, card: &Message, entry: &str) {
    bridge.slack.picks(user, CHANNEL, &card.ts, ("more", entry)).await.unwrap();
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby() {
    let Some(studio) = Studio::open().await else { return };
    let router = Router::default().key;
    let later = start(&[("STANDBY", "blip"), ("BLIP_ROUTER_KEY", &router)]).await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| setup.router = Some(Router::default()));
    let enabled = ("TicketStandbyModeEnabled".to_owned(), "True".to_owned());
    bridge.blip.configure(|setup| setup.configuration.push(enabled));
    let (ticket, card) = claims(&later, "Maria", "Meu pedido 4411 não chegou").await;
    picks(bridge, ANA, &card, "start_standby").await;
    bridge
        .slack
        .says(ANA, CHANNEL, Some(&card.ts), "Vou falar com a transportadora")
        .await
        .unwrap();
    bridge.idle().await;
    picks(bridge, ANA, &card, "start_standby").await;
    studio.keep_thread(bridge, "standby-on", &card).await;
    studio.keep(bridge, "standby-menu", vec![newest(bridge, &card)]).await;
    picks(bridge, BIA, &card, "end_standby").await;
    picks(bridge, ANA, &card, "start_standby").await;
    bridge.blip.ends_standby(&ticket).await.unwrap();
    bridge.idle().await;
    studio.keep_thread(bridge, "standby-over", &card).await;
    picks(bridge, ANA, &card, "details").await;
    studio.keep_dialog(bridge, "details", &bridge.dialog(ANA)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assignment() {
    let Some(studio) = Studio::open().await else { return };
    let later = start(&[("ASSIGN", "round_robin")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Quero trocar meu pedido").await;
    let holder = || bridge.blip.ticket(&ticket).unwrap().agent;
    bridge.until("an assignment", || holder().is_some()).await;
    bridge.idle().await;
    studio.keep_thread(bridge, "assigned", &card).await;
    let first = holder();
    later.passes(Duration::from_mins(6)).await;
    bridge.until("another agent", || holder() != first).await;
    later.is_through().await;
    studio.keep_thread(bridge, "assigned-again", &card).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing() {
    let Some(studio) = Studio::open().await else { return };
    let later = start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = claims(&later, "Maria", "Meu pedido não chegou").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let first = bridge.dialog(ANA);
    bridge.slack.faults().from_now("chat.postMessage", Fault::Status(503));
    bridge.blip.says(&ticket, "Mais uma coisa").await.unwrap();
    let farewell =
        json!({"farewell": {"words": {"type": "plain_text_input", "value": "Até logo, Maria!"}}});
    bridge.slack.submits(ANA, &first.id, farewell).await.unwrap();
    studio.keep_dialog(bridge, "close-unread", &bridge.dialog(ANA)).await;
    bridge.blip.says(&ticket, "E outra").await.unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    studio.keep_dialog(bridge, "close-unread-2", &bridge.dialog(ANA)).await;
    bridge.slack.faults().lift("chat.postMessage");
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rating_and_priority() {
    let Some(studio) = Studio::open().await else { return };
    let later = start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = claims(&later, "Maria", "Meu pedido não chegou").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Chega hoje").await.unwrap();
    bridge.idle().await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    bridge.blip.rates(&ticket, 4).await.unwrap();
    bridge.idle().await;
    studio.keep(bridge, "rating", vec![newest(bridge, &card)]).await;
    let mut cards = Vec::new();
    for (name, priority) in [("Rita", 2000), ("Vera", 3500), ("João", 4000)] {
        let card = opens(bridge, name, "Oi", priority).await;
        cards.push(newest(bridge, &card));
    }
    let held = bridge.card_of("Vera").await;
    bridge.slack.reacts(ANA, CHANNEL, &held.ts, "eyes").await.unwrap();
    bridge.idle().await;
    cards.push(newest(bridge, &held));
    studio.keep(bridge, "priority", cards).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_reminders() {
    let Some(studio) = Studio::open().await else { return };
    let settings = [
        ("SLA", "blip"),
        ("ESCALATE_TO", "S0BOSSES"),
        ("REMIND_UNCLAIMED_MINUTES", "5"),
        ("REMIND_UNANSWERED_MINUTES", "10"),
    ];
    let later = start(&settings).await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| {
        setup.service_limits = Some(ServiceLimits {
            waiting: Duration::from_mins(8),
            first_answer: Duration::from_mins(12),
            attendance: Duration::from_hours(1),
        });
    });
    let waiting = opens(bridge, "Rita", "Cadê meu pedido?", 0).await;
    let held = opens(bridge, "Maria", "Meu pedido não chegou", 0).await;
    bridge.slack.reacts(ANA, CHANNEL, &held.ts, "eyes").await.unwrap();
    bridge.idle().await;
    for _ in 0..6 {
        later.passes(Duration::from_mins(4)).await;
        later.is_through().await;
    }
    let mut posts: Vec<Value> = bridge.slack.cards(CHANNEL).iter().map(|it| json!(it)).collect();
    posts.insert(1, json!(bridge.slack.thread(CHANNEL, &waiting.ts).last()));
    studio.keep(bridge, "limits-channel", posts).await;
    studio.keep_thread(bridge, "limits-thread", &held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_message() {
    let Some(studio) = Studio::open().await else { return };
    let later = start(&[]).await;
    let bridge = &later.bridge;
    let event = json!({ "type": "app_home_opened", "user": ANA, "channel": "D0HOME", "tab": "home",
        "event_ts": "1.1" });
    bridge.slack.emits(event).await;
    let home = bridge
        .slack
        .wait_for("a home tab", |state| {
            state
                .views
                .values()
                .find(|view| view.user == ANA && view.view["type"] == "home")
                .cloned()
        })
        .await;
    let tick = Some("direct_messages");
    bridge.slack.picks_in_view(ANA, &home.id, "switches", tick).await.unwrap();
    let (ticket, _) = claims(&later, "Maria", "Oi").await;
    bridge.slack.change_user(ANA, |user| user.is_away = true);
    later.passes(Duration::from_secs(61)).await;
    bridge.blip.says(&ticket, "Tem alguém?").await.unwrap();
    let told = || {
        bridge.slack.look(|state| {
            let direct = state.channels.values().filter(|channel| channel.id.starts_with('D'));
            direct.flat_map(|it| it.messages.values()).map(|it| json!(it)).collect::<Vec<_>>()
        })
    };
    bridge.until("a direct message", || told().len() == 1).await;
    studio.keep(bridge, "direct-message", told()).await;
}

const NUMBER: &str = "5511987654321@wa.gw.msging.net";
const LIST: &str = "message_template";

/// Chooses the template in the dialog on top and fills it in, with a picture of each page; it is sent.
async fn sends_template(studio: &Studio, bridge: &Bridge, name: &str) {
    studio.keep_dialog(bridge, &format!("{name}-1-choose"), &bridge.dialog(ANA)).await;
    let page = bridge.dialog(ANA);
    let found = bridge.slack.searches(ANA, &page.id, LIST, "").await.unwrap();
    bridge.slack.chooses(ANA, &page.id, LIST, &found[0]).await.unwrap();
    let page = bridge.dialog(ANA);
    studio.keep_dialog(bridge, &format!("{name}-2-fill"), &page).await;
    let mut filled =
        json!({"templates": {LIST: {"type": "external_select", "selected_option": found[0]}}});
    let blocks = page.view["blocks"].as_array().unwrap().iter();
    let fields = blocks.filter_map(|block| block["block_id"].as_str());
    for (block, value) in fields.filter(|it| it.starts_with("field:")).zip(["Maria", "4411"]) {
        filled[block] = json!({"template_value": {"type": "plain_text_input", "value": value}});
    }
    bridge.slack.submits(ANA, &page.id, filled).await.unwrap();
    let preview = bridge.dialog(ANA);
    studio.keep_dialog(bridge, &format!("{name}-3-send"), &preview).await;
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.idle().await;
}

async fn start_templates(settings: &[(&str, &str)]) -> Later {
    let router = Router::default().key;
    let later = start(&[&[("BLIP_ROUTER_KEY", router.as_str())], settings].concat()).await;
    later.bridge.blip.configure(|setup| {
        setup.router = Some(Router::default());
        let words = "Oi {{1}}, seu pedido {{2}} está pronto. Pode vir buscar?";
        let mut ready = Template::new("pedido_pronto", words);
        ready.components.push(json!({"type": "FOOTER", "text": "Loja Demo"}));
        ready.components.push(json!({"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Sim"}, {"type": "QUICK_REPLY", "text": "Agora não"}]}));
        setup.templates = Some(vec![ready]);
    });
    later
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn template() {
    let Some(studio) = Studio::open().await else { return };
    let later = start_templates(&[]).await;
    let bridge = &later.bridge;
    let identity = bridge.blip.routes(NUMBER, true);
    bridge.blip.opens_ticket(NewTicket::saying("Maria", &identity, "Oi")).await;
    let card = bridge.card_of("Maria").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    later.passes(Duration::from_hours(25)).await;
    bridge.until("the card", || newest(bridge, &card).to_string().contains("Janela de 24 h")).await;
    bridge.idle().await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Seu pedido chegou").await.unwrap();
    bridge.idle().await;
    picks(bridge, ANA, &card, "template").await;
    sends_template(&studio, bridge, "template").await;
    studio.keep_thread(bridge, "template-4-thread", &card).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn active_message() {
    let Some(studio) = Studio::open().await else { return };
    let later = start_templates(&[("BLIP_ANSWER_BLOCK", "flow-1/desk-1")]).await;
    let bridge = &later.bridge;
    bridge.slack.commands(ANA, CHANNEL, "/blip", "novo +55 11 98765-4321").await.unwrap();
    sends_template(&studio, bridge, "active").await;
    let card = bridge.slack.cards(CHANNEL).remove(0);
    studio.keep_thread(bridge, "active-4-thread", &card).await;
    let identity = bridge.blip.routes("551187654321@wa.gw.msging.net", true);
    bridge.blip.opens_ticket(NewTicket::saying("Maria", &identity, "Posso ir hoje?")).await;
    bridge.card_of("Maria").await;
    bridge.idle().await;
    studio.keep_thread(bridge, "active-5-answer", &card).await;
}
