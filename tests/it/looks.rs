//! How everything looks, in three languages, and that Slack takes all of it.

use std::fmt::Write;
use std::sync::Arc;

use blip_slack::locale::{Language, Texts, Words};
use blip_slack::model::{
    Agent, BotName, ChannelId, Content, Customer, Ending, MessageTs, SlackUserId, State, Thread,
    Ticket, TicketId,
};
use blip_slack::slack::card::{self, Around, Neighbour};
use blip_slack::slack::home::{self, Health, Row};
use blip_slack::slack::modal;
use blip_slack_standins::slack::{check_message, check_view};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The 3rd of August 2026, 14:02 in São Paulo.
fn noon() -> Timestamp {
    "2026-08-03T17:02:00Z".parse().unwrap()
}

fn words(language: Language) -> Words {
    let zone = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap();
    Words::new(Arc::new(Texts::new()), language, zone)
}

fn ana() -> Agent {
    Agent {
        user: SlackUserId::parse("U0ANA").unwrap(),
        name: "Ana <Lima>".to_owned(),
        identity: "ana%40loja.example@blip.ai".to_owned(),
    }
}

fn ticket(state: State) -> Ticket {
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
        revision: 2,
    }
}

fn states() -> [(&'static str, State); 6] {
    let closed = |ending| State::Closed { ending, at: noon() };
    [
        ("waiting", State::Unclaimed),
        ("held", State::Claimed { holder: ana(), since: noon() }),
        ("closed by an agent", closed(Ending::Agent(ana()))),
        ("closed by the customer", closed(Ending::Customer)),
        ("closed by inactivity", closed(Ending::Inactivity)),
        ("transferred", closed(Ending::Transferred)),
    ]
}

fn neighbour(number: i64) -> Neighbour {
    let ticket = Ticket { number: Some(number), ..ticket(State::Unclaimed) };
    Neighbour { ticket, address: Some("https://x.slack.com/archives/C1/p1".to_owned()) }
}

/// All words of blocks as people see them, a line for each block.
fn outline(blocks: &[Value]) -> String {
    let mut lines = String::new();
    for block in blocks {
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
                "label",
                "element",
                "placeholder",
                "hint",
                "elements",
                "options",
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

fn view_outline(view: &Value) -> String {
    assert_eq!(check_view(view), Ok(()), "{view:#}");
    let label = |key: &str| view[key]["text"].as_str().unwrap_or_default().to_owned();
    let head = format!("[{}] ({}) ({})", label("title"), label("submit"), label("close"));
    format!("{head}\n{}", outline(view["blocks"].as_array().unwrap()))
}

#[test]
fn cards() {
    for language in Language::ALL {
        let words = words(language);
        let mut looks = String::new();
        for (name, state) in states() {
            let ticket = ticket(state);
            let around = Around {
                before: Some(neighbour(1001)),
                after: Some(neighbour(1043)),
                earlier: Some(neighbour(900)),
                is_team_elsewhere: name == "waiting",
                now: noon() + SignedDuration::from_hours(23),
            };
            let (text, blocks) = card::render(&ticket, Some("Oi, *tudo* bem?"), &around, &words);
            check_message(&blocks).unwrap();
            writeln!(looks, "## {name}\n{text}\n{}", outline(&blocks)).unwrap();
        }
        let late = Around { now: noon() + SignedDuration::from_hours(25), ..Around::default() };
        let (_, blocks) = card::render(&ticket(State::Unclaimed), None, &late, &words);
        writeln!(looks, "## after the window\n{}", outline(&blocks)).unwrap();
        insta::assert_snapshot!(format!("cards-{}", language.tag()), looks);
    }
}

#[test]
fn dialogs() {
    for language in Language::ALL {
        let words = words(language);
        let ticket = ticket(State::Claimed { holder: ana(), since: noon() });
        let said =
            [(true, Content::Text("Oi".to_owned())), (false, Content::Text("Olá!".to_owned()))];
        let earlier: Vec<_> = states()
            .map(|(_, state)| {
                (Ticket { state, ..ticket.clone() }, Some("https://x.slack.com/a".to_owned()))
            })
            .to_vec();
        let views = [
            modal::close(&ticket, &words),
            modal::transfer(&ticket, &words),
            modal::tags(&ticket, &words),
            modal::reply(&ticket, None, &words),
            modal::reply(&ticket, Some(("7", "Oi, Maria!")), &words),
            modal::history(&earlier, Some(&said), &words),
            modal::history(&[], None, &words),
            modal::history(&[], Some(&[]), &words),
            modal::details(&modal::facts(&ticket, &words), &words),
            modal::loading("dialog-history", &words),
            modal::notice("…", &words),
        ];
        let looks: Vec<String> = views.iter().map(view_outline).collect();
        insta::assert_snapshot!(format!("dialogs-{}", language.tag()), looks.join("\n"));
    }
}

#[test]
fn home_tabs_and_answers() {
    let row = |state: State| Row {
        ticket: ticket(state),
        address: Some("https://x.slack.com/a".to_owned()),
        is_own: true,
    };
    let held = || State::Claimed { holder: ana(), since: noon() };
    let mine = [row(held())];
    let theirs = [Row { is_own: false, ..row(held()) }];
    let (unclaimed, address, is_own) = (ticket(State::Unclaimed), None, false);
    let other = Row { ticket: Ticket { team: None, ..unclaimed }, address, is_own };
    let waiting = [row(State::Unclaimed), other];
    let ill = Health { parked: 1, is_ailing: true };
    for language in Language::ALL {
        let words = words(language);
        let answers = [
            home::mine(&mine, &words),
            home::mine(&[], &words),
            home::waiting(&waiting, &words),
            home::waiting(&[], &words),
            home::found(&theirs, &words),
            home::found(&[], &words),
            home::status(3, 1, ill, &words),
            home::status(0, 0, Health::default(), &words),
            home::help(&words),
        ];
        let mut looks = vec![
            view_outline(&home::tab(&mine, &waiting, ill, &words)),
            view_outline(&home::tab(&[], &[], Health::default(), &words)),
            view_outline(&home::closed(&words)),
        ];
        for answer in &answers {
            let blocks = answer["blocks"].as_array().unwrap();
            check_message(blocks).unwrap();
            looks.push(outline(blocks));
        }
        insta::assert_snapshot!(format!("home-{}", language.tag()), looks.join("\n"));
    }
}

/// Whatever Blip tells and however much there is, Slack takes it.
#[test]
fn nothing_is_too_much_for_slack() {
    let words = words(Language::PtBr);
    let long = "á".repeat(5_000);
    let full = Ticket {
        customer: Customer { name: Some(long.clone()), ..ticket(State::Unclaimed).customer },
        team: Some(long.clone()),
        tags: vec![long.clone(); 200],
        ..ticket(State::Unclaimed)
    };
    let around = Around { before: Some(neighbour(1)), ..Around::default() };
    let (_, blocks) = card::render(&full, Some("x"), &around, &words);
    check_message(&blocks).unwrap();
    let rows = vec![
        Row {
            ticket: full.clone(),
            address: Some("https://x.slack.com/a".to_owned()),
            is_own: true
        };
        60
    ];
    check_view(&home::tab(&rows, &rows, Health::default(), &words)).unwrap();
    for answer in
        [home::mine(&rows, &words), home::waiting(&rows, &words), home::found(&rows, &words)]
    {
        check_message(answer["blocks"].as_array().unwrap()).unwrap();
    }
    let said = vec![(true, Content::Text(long.clone())); 100];
    let earlier = vec![(full.clone(), Some("https://x.slack.com/a".to_owned())); 10];
    for view in [
        modal::close(&full, &words),
        modal::tags(&full, &words),
        modal::reply(&full, Some((&long, &long)), &words),
        modal::history(&earlier, Some(&said), &words),
        modal::details(&modal::facts(&full, &words), &words),
    ] {
        check_view(&view).unwrap();
    }
    let choices = vec![
        blip_slack::slack::dialog::Choice::plain(&long),
        blip_slack::slack::dialog::Choice::plain(""),
    ];
    assert_eq!(
        blip_slack::slack::dialog::options(&[(String::new(), choices)], ""),
        json!({ "options": [] })
    );
}
