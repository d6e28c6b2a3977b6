//! How everything looks, in three languages, and that Slack takes all of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use blip_slack::locale::{Language, TextCatalog, Texts};
use blip_slack::model::report::{ServiceReport, ServiceTimes, TimeSpread, count_queues};
use blip_slack::model::{
    Agent, BotName, ChannelId, Content, Customer, MessageTs, Outage, PassedLimits, Priority,
    SaidMessage, SlackUserId, Speaker, Thread, Ticket, TicketEnding, TicketId, TicketState,
};
use blip_slack::slack::card::{self, RelatedTicket, RelatedTickets};
use blip_slack::slack::choices::{Choice, build_options};
use blip_slack::slack::home::{
    self, BridgeHealth, HomeLists, ListedTicket, OwnSwitches, TicketNews,
};
use blip_slack::slack::lead::{self, LeadOverview};
use blip_slack::slack::modal::{self, CloseForm};
use blip_slack_standins::slack::{check_message, check_view};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

/// The 3rd of August 2026, 14:02 in São Paulo.
fn noon() -> Timestamp {
    "2026-08-03T17:02:00Z".parse().unwrap()
}

fn words(language: Language) -> Texts {
    let zone = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap();
    Texts::new(Arc::new(TextCatalog::new()), language, zone)
}

fn ana() -> Agent {
    Agent {
        user: SlackUserId::parse("U0ANA").unwrap(),
        name: "Ana <Lima>".to_owned(),
        identity: "ana%40loja.example@blip.ai".to_owned(),
    }
}

fn ticket(state: TicketState) -> Ticket {
    let channel = ChannelId::parse("C1").unwrap();
    Ticket {
        id: TicketId::new(BotName::default(), "9b2e-1").unwrap(),
        address: "9b2e-1@desk.msging.net/Webhook".to_owned(),
        number: Some(1042),
        parent: None,
        customer: Customer {
            identity: "5531999990000@wa.gw.msging.net".to_owned(),
            name: Some("Maria & <!channel>".to_owned()),
            originator: None,
            domain: "wa.gw.msging.net".to_owned(),
        },
        team: Some("Vendas".to_owned()),
        tags: vec!["Pix".to_owned(), "*Urgente*".to_owned()],
        opened: noon(),
        state,
        thread: Some(Thread { channel, root: MessageTs::parse("1785776520.000100").unwrap() }),
        heard: None,
        unanswered: Some(noon()),
        first_answer: None,
        rating: None,
        priority: Priority::None,
        passed_limits: PassedLimits::default(),
        is_on_standby: false,
        revision: 2,
        version: 0,
    }
}

fn states() -> [(&'static str, TicketState); 6] {
    let closed = |ending| TicketState::Closed { ending, at: noon() };
    [
        ("waiting", TicketState::Unclaimed),
        ("held", TicketState::Claimed { holder: ana(), since: noon() }),
        ("closed by an agent", closed(TicketEnding::Agent(ana()))),
        ("closed by the customer", closed(TicketEnding::Customer)),
        ("closed by inactivity", closed(TicketEnding::Inactivity)),
        ("transferred", closed(TicketEnding::Transferred)),
    ]
}

fn neighbour(number: i64) -> RelatedTicket {
    let ticket = Ticket { number: Some(number), ..ticket(TicketState::Unclaimed) };
    RelatedTicket { ticket, address: Some("https://x.slack.com/archives/C1/p1".to_owned()) }
}

/// All words of blocks as people see them, a line for each block.
fn outline(blocks: &impl Serialize) -> String {
    let mut lines = String::new();
    for block in json!(blocks).as_array().unwrap() {
        let mut parts = Vec::new();
        collect(block, &mut parts);
        writeln!(lines, "{}: {}", block["type"].as_str().unwrap(), parts.join(" | ")).unwrap();
    }
    lines
}

fn collect(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for key in [
                "text",
                "fields",
                "accessory",
                "user_id",
                "fallback",
                "label",
                "element",
                "placeholder",
                "hint",
                "elements",
                "options",
                "description",
                "initial_value",
                "initial_options",
            ] {
                match fields.get(key) {
                    Some(Value::String(text)) => parts.push(text.clone()),
                    Some(inner) => collect(inner, parts),
                    None => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, parts)),
        _ => {}
    }
}

fn view_outline(view: &impl Serialize) -> String {
    let view = &json!(view);
    assert_eq!(check_view(view), Ok(()), "{view:#}");
    let label = |key: &str| view[key]["text"].as_str().unwrap_or_default().to_owned();
    let head = format!("[{}] ({}) ({})", label("title"), label("submit"), label("close"));
    format!("{head}\n{}", outline(&view["blocks"]))
}

#[test]
fn cards() {
    for language in Language::ALL {
        let words = words(language);
        let mut looks = String::new();
        for (name, state) in states() {
            let ticket = ticket(state);
            let around = RelatedTickets {
                before: Some(neighbour(1001)),
                after: Some(neighbour(1043)),
                earlier: Some(neighbour(900)),
                now: noon() + SignedDuration::from_hours(23),
                offers_templates: true,
                offers_standby: false,
            };
            let (text, blocks) =
                card::render_card(&ticket, Some("Oi, *tudo* bem?"), &around, &words);
            check_message(json!(blocks).as_array().unwrap()).unwrap();
            writeln!(looks, "## {name}\n{text}\n{}", outline(&blocks)).unwrap();
        }
        let rated = TicketState::Closed { ending: TicketEnding::Agent(ana()), at: noon() };
        let rated = Ticket { rating: Some("4/5".to_owned()), ..ticket(rated) };
        let around = RelatedTickets::default();
        for state in [TicketState::Unclaimed, TicketState::Claimed { holder: ana(), since: noon() }]
        {
            let urgent = Ticket { priority: Priority::High, revision: 1, ..ticket(state) };
            let (text, blocks) = card::render_card(&urgent, Some("Oi"), &around, &words);
            check_message(json!(blocks).as_array().unwrap()).unwrap();
            writeln!(looks, "## urgent\n{text}\n{}", outline(&blocks)).unwrap();
        }
        let around = RelatedTickets { offers_templates: true, offers_standby: true, ..around };
        let held = || ticket(TicketState::Claimed { holder: ana(), since: noon() });
        for paused in [held(), Ticket { is_on_standby: true, ..held() }] {
            let (_, blocks) = card::render_card(&paused, Some("Oi"), &around, &words);
            check_message(json!(blocks).as_array().unwrap()).unwrap();
            writeln!(looks, "## with standby\n{}", outline(&blocks)).unwrap();
        }
        let (_, blocks) = card::render_card(&rated, Some("Oi"), &around, &words);
        check_message(json!(blocks).as_array().unwrap()).unwrap();
        writeln!(looks, "## rated\n{}", outline(&blocks)).unwrap();
        let late = RelatedTickets {
            now: noon() + SignedDuration::from_hours(25),
            ..RelatedTickets::default()
        };
        let (_, blocks) = card::render_card(&ticket(TicketState::Unclaimed), None, &late, &words);
        writeln!(looks, "## after the window\n{}", outline(&blocks)).unwrap();
        let late = RelatedTickets { offers_templates: true, ..late };
        for state in [TicketState::Unclaimed, TicketState::Claimed { holder: ana(), since: noon() }]
        {
            let (_, blocks) = card::render_card(&ticket(state), None, &late, &words);
            writeln!(looks, "## after the window, with templates\n{}", outline(&blocks)).unwrap();
        }
        insta::assert_snapshot!(format!("cards-{}", language.tag()), looks);
    }
}

#[test]
fn dialogs() {
    for language in Language::ALL {
        let words = words(language);
        let ticket = ticket(TicketState::Claimed { holder: ana(), since: noon() });
        let names = HashMap::from([("bia%40x.com@blip.ai".to_owned(), "Bia".to_owned())]);
        let speakers = [
            (Speaker::Customer, "Oi"),
            (Speaker::Bot, "Um momento"),
            (Speaker::Agent(Some("bia%40x.com@blip.ai".to_owned())), "Olá!"),
            (Speaker::Agent(Some("rui%40x.com@blip.ai".to_owned())), "Tudo bem?"),
            (Speaker::Agent(None), "Pois não?"),
        ];
        let said = speakers.map(|(by, words)| SaidMessage {
            by,
            at: Some(noon()),
            content: Content::Text(words.to_owned()),
        });
        let said = Some((&said[..], &names));
        let earlier: Vec<_> = states()
            .map(|(_, state)| {
                (Ticket { state, ..ticket.clone() }, Some("https://x.slack.com/a".to_owned()))
            })
            .to_vec();
        let late = |farewell| CloseForm { farewell, is_late: true, ..CloseForm::default() };
        let farewell = Some("Tchau, *Maria*!");
        let unread = CloseForm { farewell, unread: 2, is_tag_needed: true, is_late: false };
        let views = [
            modal::build_close_dialog(&ticket, &CloseForm::default(), &words),
            modal::build_close_dialog(&ticket, &late(None), &words),
            modal::build_close_dialog(&ticket, &late(Some("Tchau, *Maria*!")), &words),
            modal::build_close_dialog(&ticket, &CloseForm { unread: 1, ..late(None) }, &words),
            modal::build_close_dialog(&ticket, &unread, &words),
            modal::build_window_closed_view("dialog-reply", &ticket, None, &words),
            modal::build_window_closed_view("dialog-compose", &ticket, Some(&ticket.id), &words),
            modal::build_transfer_dialog(&ticket, &words),
            modal::build_tags_dialog(&ticket, &words),
            modal::build_reply_dialog(&ticket, None, &words),
            modal::build_reply_dialog(&ticket, Some(("7", "Oi, Maria!")), &words),
            modal::build_history_view(&ticket, &earlier, said, &words),
            modal::build_history_view(&ticket, &[], None, &words),
            modal::build_history_view(&ticket, &[], Some((&[], &names)), &words),
            modal::build_details_view(
                &modal::list_ticket_facts(&ticket, &words),
                Vec::new(),
                &words,
            ),
            modal::build_loading_view("dialog-history", &words),
            modal::build_notice("…", &words),
        ];
        let looks: Vec<String> = views.iter().map(view_outline).collect();
        insta::assert_snapshot!(format!("dialogs-{}", language.tag()), looks.join("\n"));
    }
}

/// Rows of different tickets: no two blocks of a view have the same name.
fn number_rows<const N: usize>(mut rows: [ListedTicket; N], first: usize) -> [ListedTicket; N] {
    for (number, row) in rows.iter_mut().enumerate() {
        let id = format!("9b2e-{}", first + number);
        row.ticket.id = TicketId::new(BotName::default(), &id).unwrap();
    }
    rows
}

#[test]
fn home_tabs_and_answers() {
    let row = |state: TicketState| ListedTicket {
        ticket: ticket(state),
        address: Some("https://x.slack.com/a".to_owned()),
        is_own: true,
        news: None,
    };
    let held = || TicketState::Claimed { holder: ana(), since: noon() };
    let news = |count, words: &str| Some(TicketNews { count, words: Some(words.to_owned()) });
    let new = ListedTicket { news: news(2, "E o meu *pedido*?"), ..row(held()) };
    let answered = ListedTicket { news: news(0, "Obrigada!"), ..row(held()) };
    let mine = number_rows([new, answered], 7);
    let theirs = [ListedTicket { is_own: false, ..row(held()) }];
    let closed = |ending| row(TicketState::Closed { ending, at: noon() });
    let ended = number_rows([TicketEnding::Agent(ana()), TicketEnding::Transferred].map(closed), 4);
    let (unclaimed, address, is_own) = (ticket(TicketState::Unclaimed), None, false);
    let other =
        ListedTicket { ticket: Ticket { team: None, ..unclaimed }, address, is_own, news: None };
    let waiting = number_rows([row(TicketState::Unclaimed), other], 2);
    let outside = [(ChannelId::parse("C0FAR").unwrap(), 2)];
    let paused = OwnSwitches { paused_since: Some(noon()), wants_messages: true };
    let ill = BridgeHealth {
        parked: 1,
        is_degraded: true,
        outages: vec![Outage { platform: "Blip".to_owned(), since: noon() }],
    };
    for language in Language::ALL {
        let words = words(language);
        let answers = [
            home::answer_mine(&mine, &words),
            home::answer_mine(&[], &words),
            home::answer_waiting(&waiting, &[], &words),
            home::answer_waiting(&[], &[], &words),
            home::answer_waiting(&[], &outside, &words),
            home::answer_found(&theirs, &words),
            home::answer_found(&ended, &words),
            home::answer_found(&[], &words),
            home::answer_status((3, 1), &paused, &ill, &words),
            home::answer_status((0, 0), &OwnSwitches::default(), &BridgeHealth::default(), &words),
            home::answer_help(true, &words),
        ];
        let (rested, well) = (OwnSwitches::default(), BridgeHealth::default());
        let busy = home::render_home_tab(&mine, (&waiting, &outside), (&paused, &ill), &words);
        let empty = home::render_home_tab(&[], (&[], &[]), (&rested, &well), &words);
        let shut = home::render_closed_tab(&words);
        let mut looks = [busy, empty, shut].map(|view| view_outline(&view)).to_vec();
        for answer in &answers {
            let blocks = &json!(answer)["blocks"];
            check_message(blocks.as_array().unwrap()).unwrap();
            looks.push(outline(blocks));
        }
        insta::assert_snapshot!(format!("home-{}", language.tag()), looks.join("\n"));
    }
}

/// A team of two agents in the middle of a day.
fn busy_team() -> LeadOverview {
    let held = |minutes| Ticket {
        unanswered: Some(noon() - SignedDuration::from_mins(minutes)),
        ..ticket(TicketState::Claimed { holder: ana(), since: noon() })
    };
    let waits = Ticket { team: None, ..ticket(TicketState::Unclaimed) };
    let spread = |count, median, slowest| {
        let minutes = SignedDuration::from_mins;
        Some(TimeSpread { count, median: minutes(median), slowest: minutes(slowest) })
    };
    let times = |first_answer, closing| ServiceTimes { first_answer, closing };
    let bia = SlackUserId::parse("U0BIA").unwrap();
    let open = [held(12), held(3), waits.clone(), ticket(TicketState::Unclaimed)];
    let row = |ticket: Ticket| ListedTicket {
        ticket,
        address: Some("https://x.slack.com/a".to_owned()),
        is_own: false,
        news: None,
    };
    LeadOverview {
        queues: count_queues(&open),
        held: vec![(ana().user, 2)],
        today: ServiceReport {
            all: times(spread(23, 2, 18), spread(19, 26, 130)),
            agents: vec![
                (ana().user, times(spread(14, 2, 18), spread(12, 22, 80))),
                (bia, times(spread(9, 3, 11), None)),
            ],
            teams: vec![
                (Some("Vendas".to_owned()), times(spread(15, 2, 11), spread(12, 20, 64))),
                (None, times(None, spread(7, 41, 130))),
            ],
        },
        oldest: Some(noon() - SignedDuration::from_mins(12)),
        longest: vec![row(held(12)), row(waits)],
    }
}

#[test]
fn home_tabs_of_leads() {
    let held = ticket(TicketState::Claimed { holder: ana(), since: noon() });
    let address = Some("https://x.slack.com/a".to_owned());
    let mine = number_rows([ListedTicket { ticket: held, address, is_own: true, news: None }], 1);
    let lists = HomeLists { mine: &mine, waiting: &[], outside: &[], own: &OwnSwitches::default() };
    let health = BridgeHealth::default();
    for language in Language::ALL {
        let words = words(language);
        let calm = LeadOverview::default();
        let looks = [
            view_outline(&lead::render_lead_tab(&busy_team(), Some(lists), &health, &words)),
            view_outline(&lead::render_lead_tab(&calm, None, &health, &words)),
        ];
        insta::assert_snapshot!(format!("lead-{}", language.tag()), looks.join("\n"));
    }
}

#[test]
fn the_home_tab_of_a_lead_with_very_much_in_it_is_taken() {
    let mut overview = busy_team();
    for number in 0..40 {
        let (_, queue) = overview.queues[0];
        overview.queues.push((Some(format!("{number} {}", "Fila ".repeat(30))), queue));
        let user = SlackUserId::parse(&format!("U0AGENT{number}")).unwrap();
        let (_, times) = overview.today.agents[0].clone();
        overview.today.agents.push((user, times));
    }
    let row = |place: usize| ListedTicket {
        ticket: Ticket {
            team: Some(format!("Fila {}", place % 20)),
            ..ticket(TicketState::Unclaimed)
        },
        address: None,
        is_own: true,
        news: None,
    };
    let rows = number_rows(std::array::from_fn::<_, 90, _>(row), 100);
    let waiting = number_rows(std::array::from_fn::<_, 90, _>(row), 200);
    let outside = [(ChannelId::parse("C0FAR").unwrap(), 2)];
    let own = OwnSwitches { paused_since: Some(noon()), wants_messages: true };
    let lists = HomeLists { mine: &rows, waiting: &waiting, outside: &outside, own: &own };
    let words = words(Language::PtBr);
    let home = lead::render_lead_tab(&overview, Some(lists), &BridgeHealth::default(), &words);
    check_view(&json!(home)).unwrap();
}

/// Not only what people read, but all that is sent: ids, kinds of fields, limits.
#[test]
fn what_slack_gets_of_each_view() {
    let words = words(Language::En);
    let held = ticket(TicketState::Claimed { holder: ana(), since: noon() });
    let mut sent = serde_json::Map::new();
    for (name, state) in states() {
        let around = RelatedTickets { now: noon(), ..RelatedTickets::default() };
        let (text, blocks) = card::render_card(&ticket(state), Some("Oi"), &around, &words);
        sent.insert(format!("card {name}"), json!({"text": text, "blocks": blocks}));
    }
    let words_said = Content::Text("Oi https://a.example/b?c=ç".to_owned());
    let said = [SaidMessage { by: Speaker::Customer, at: Some(noon()), content: words_said }];
    let names = HashMap::new();
    let said = Some((&said[..], &names));
    let earlier = [(held.clone(), Some("https://x.slack.com/a".to_owned())), (held.clone(), None)];
    let facts = modal::list_ticket_facts(&held, &words);
    let rows = |is_own| {
        let address = Some("https://x.slack.com/a".to_owned());
        let row = |(_, state)| ListedTicket {
            ticket: ticket(state),
            address: address.clone(),
            is_own,
            news: None,
        };
        number_rows(states().map(row), if is_own { 10 } else { 20 })
    };
    let (own, health) = (OwnSwitches::default(), BridgeHealth::default());
    let choices = vec![
        ("Teams".to_owned(), vec![Choice::from_text("Vendas")]),
        ("None".to_owned(), Vec::new()),
        ("More".to_owned(), vec![Choice::from_text("Varejo"), Choice::from_text("")]),
    ];
    for (name, view) in [
        ("close", json!(modal::build_close_dialog(&held, &CloseForm::default(), &words))),
        ("transfer", json!(modal::build_transfer_dialog(&held, &words))),
        ("tags", json!(modal::build_tags_dialog(&held, &words))),
        ("reply", json!(modal::build_reply_dialog(&held, None, &words))),
        ("chosen reply", json!(modal::build_reply_dialog(&held, Some(("7", "Oi!")), &words))),
        ("history", json!(modal::build_history_view(&held, &earlier, said, &words))),
        ("no history", json!(modal::build_history_view(&held, &[], None, &words))),
        ("details", json!(modal::build_details_view(&facts, Vec::new(), &words))),
        ("loading", json!(modal::build_loading_view("dialog-history", &words))),
        ("notice", json!(modal::build_notice("…", &words))),
        (
            "home",
            json!(home::render_home_tab(&rows(true), (&rows(false), &[]), (&own, &health), &words)),
        ),
        ("closed home", json!(home::render_closed_tab(&words))),
        ("mine", json!(home::answer_mine(&rows(true), &words))),
        ("waiting", json!(home::answer_waiting(&rows(false), &[], &words))),
        ("found", json!(home::answer_found(&[], &words))),
        ("status", json!(home::answer_status((3, 1), &own, &health, &words))),
        ("help", json!(home::answer_help(false, &words))),
        ("options", json!(build_options(&choices[..1], ""))),
        ("groups of options", json!(build_options(&choices, "v"))),
        ("no options", json!(build_options(&choices, "x"))),
    ] {
        sent.insert(name.to_owned(), view);
    }
    insta::assert_json_snapshot!(sent);
}

/// Whatever Blip tells and however much there is, Slack takes it.
#[test]
fn nothing_is_too_much_for_slack() {
    let words = words(Language::PtBr);
    let long = "á".repeat(5_000);
    let full = Ticket {
        customer: Customer { name: Some(long.clone()), ..ticket(TicketState::Unclaimed).customer },
        team: Some(long.clone()),
        tags: vec![long.clone(); 200],
        ..ticket(TicketState::Unclaimed)
    };
    let around = RelatedTickets { before: Some(neighbour(1)), ..RelatedTickets::default() };
    let (_, blocks) = card::render_card(&full, Some("x"), &around, &words);
    check_message(json!(blocks).as_array().unwrap()).unwrap();
    let row = || ListedTicket {
        ticket: full.clone(),
        address: Some("https://x.slack.com/a".to_owned()),
        is_own: true,
        news: None,
    };
    let rows = number_rows([0; 60].map(|_| row()), 0);
    let others = number_rows([0; 60].map(|_| row()), 60);
    let outside: Vec<_> =
        (0..60).map(|number| (ChannelId::parse(&format!("C{number}")).unwrap(), 2)).collect();
    let home = home::render_home_tab(
        &rows,
        (&others, &outside),
        (
            &OwnSwitches { paused_since: Some(noon()), wants_messages: true },
            &BridgeHealth::default(),
        ),
        &words,
    );
    check_view(&json!(home)).unwrap();
    assert_eq!(json!(home).to_string().matches("ticket:default/").count(), 76);
    for answer in [
        home::answer_mine(&rows, &words),
        home::answer_waiting(&rows, &outside, &words),
        home::answer_found(&rows, &words),
    ] {
        check_message(json!(answer)["blocks"].as_array().unwrap()).unwrap();
    }
    let by = || SaidMessage {
        by: Speaker::Agent(Some(long.clone())),
        at: Some(noon()),
        content: Content::Text(long.clone()),
    };
    let said = [0; 100].map(|_| by());
    let names = HashMap::from([(long.to_lowercase(), long.clone())]);
    let earlier = vec![(full.clone(), Some("https://x.slack.com/a".to_owned())); 10];
    for view in [
        modal::build_close_dialog(&full, &CloseForm::default(), &words),
        modal::build_tags_dialog(&full, &words),
        modal::build_reply_dialog(&full, Some((&long, &long)), &words),
        modal::build_history_view(&full, &earlier, Some((&said, &names)), &words),
        modal::build_details_view(&modal::list_ticket_facts(&full, &words), Vec::new(), &words),
    ] {
        check_view(&json!(view)).unwrap();
    }
    let choices = vec![Choice::from_text(&long), Choice::from_text("")];
    let options = build_options(&[(String::new(), choices)], "");
    assert_eq!(json!(options), json!({ "options": [] }));
}
