//! Short plays that together make the bridge do everything that it can do.
//!
//! People in them try again what was not taken, as people do.

use std::time::{Duration, Instant};

use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::store::{self, Lane, NewItem, Purpose, Source};
use blip_slack_standins::blip::{NewTicket, Router, Template};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Answered, File, Message, View};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{PATIENCE, Set};
use crate::support::samples;

/// A play, and what must be on show when it is over.
pub struct Scene {
    pub name: &'static str,
    pub settings: &'static [(&'static str, &'static str)],
    pub play: for<'a> fn(&'a Set) -> LocalBoxFuture<'a, ()>,
    /// What it waits for that takes its time. Other scenes pass this only where the machine is slow,
    /// and perhaps not the second time.
    pub waits_for: &'static [&'static str],
    /// What must be shown how often.
    pub shown: &'static [(&'static str, usize)],
    /// How many cards there must be.
    pub cards: usize,
}

const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";

/// The customer to whom templates are sent.
pub const TEMPLATE_READER: &str = "551187654321@wa.gw.msging.net";
/// What those who have sent a template are told to have done.
pub const TEMPLATE_SENT: &str = "sent the template";
/// The key of the router of the stand-in.
const ROUTER_KEY: (&str, &str) = ("BLIP_ROUTER_KEY", "Key bG9qYXJvdXRlcjpzZWdyZWRv");
/// The scenes in which something is sent that is paid for.
pub const PAID_SCENES: [&str; 2] = ["a template", "an active message"];

pub const SCENES: [Scene; 25] = [
    Scene {
        name: "a conversation",
        settings: &[],
        play: |set| conversation(set).boxed_local(),
        waits_for: &[],
        shown: &[("last-word", 1), ("customer-1", 1), ("closed the ticket", 1)],
        cards: 1,
    },
    Scene {
        name: "a desk",
        settings: &[],
        play: |set| desk(set).boxed_local(),
        waits_for: &[],
        shown: &[
            ("claimed this ticket", 1),
            ("released this ticket", 1),
            ("transferred the ticket", 1),
            ("continues here", 1),
            ("Ana Lima to the customer", 1),
        ],
        cards: 1,
    },
    Scene {
        name: "standby",
        settings: &[("STANDBY", "blip")],
        play: |set| standby(set).boxed_local(),
        waits_for: &[],
        shown: &[("put the ticket on standby", 1), ("a manager ended", 1)],
        cards: 1,
    },
    Scene {
        name: "words that nobody has read",
        settings: &[],
        play: |set| unread(set).boxed_local(),
        waits_for: &[],
        shown: &[("first-word", 1), ("customer-1", 1)],
        cards: 1,
    },
    Scene {
        name: "from hand to hand",
        settings: &[("SLACK_TEAM_CHANNELS", "Vendas=#vendas")],
        play: |set| from_hand_to_hand(set).boxed_local(),
        waits_for: &[],
        shown: &[
            ("cannot post in the channel", 1),
            ("ticket over from", 1),
            ("handed this ticket to you", 1),
        ],
        cards: 1,
    },
    Scene {
        name: "refusals",
        settings: &[("BLIP_DEFAULT_AGENT", "bia%40loja.example@blip.ai")],
        play: |set| refusals(set).boxed_local(),
        waits_for: &[],
        shown: &[],
        cards: 1,
    },
    Scene {
        name: "files",
        settings: &[("PUBLIC_URL", "https://bridge.example"), ("MEDIA_MAX_MB", "1")],
        play: |set| files(set).boxed_local(),
        waits_for: &[],
        shown: &[
            ("caption-begins", 1),
            ("caption-ends", 1),
            ("larger than 1 MB", 1),
            ("a web page", 1),
            ("was not sent", 1),
        ],
        cards: 1,
    },
    Scene {
        name: "lost threads",
        settings: &[],
        play: |set| lost_threads(set).boxed_local(),
        waits_for: &[],
        shown: &[("before-1", 1), ("after-2", 1)],
        cards: 1,
    },
    Scene {
        name: "a shared channel",
        settings: &[],
        play: |set| shared_channel(set).boxed_local(),
        waits_for: &[],
        shown: &[("shared with another company", 1)],
        // The line about it stands in the channel, as cards do.
        cards: 2,
    },
    Scene {
        name: "held up",
        settings: &[],
        play: |set| held_up(set).boxed_local(),
        waits_for: &[],
        shown: &[("claimed this ticket", 1), ("customer-1", 1)],
        cards: 1,
    },
    Scene {
        name: "a week",
        settings: &[("LEADS", "S0LEADS")],
        play: |set| week(set).boxed_local(),
        waits_for: &[],
        shown: &[("Week from", 1)],
        // The post about it stands in the channel, as cards do.
        cards: 2,
    },
    Scene {
        name: "nobody works",
        // But for a minute a week.
        settings: &[("BUSINESS_HOURS", "mon 03:00-03:01"), ("OUT_OF_OFFICE_MESSAGE", "later")],
        play: |set| nobody_works(set).boxed_local(),
        waits_for: &[],
        shown: &[("Out of hours", 1)],
        cards: 1,
    },
    Scene {
        name: "ends",
        settings: &[("CONTEXT_MESSAGES", "5")],
        play: |set| ends(set).boxed_local(),
        waits_for: &[],
        shown: &[
            ("Closed by the customer at", 1),
            ("closed by the customer ", 1),
            ("Before the handoff", 1),
        ],
        cards: 2,
    },
    Scene {
        name: "too late",
        settings: &[],
        play: |set| too_late(set).boxed_local(),
        waits_for: &[],
        shown: &[("was not sent: 24 hours", 1)],
        cards: 1,
    },
    Scene {
        name: "second thoughts",
        settings: &[("SEND_DELAY_SECONDS", "1")],
        play: |set| second_thoughts(set).boxed_local(),
        waits_for: &[],
        shown: &[],
        cards: 1,
    },
    Scene {
        name: "a start",
        settings: &[],
        play: |set| start(set).boxed_local(),
        waits_for: &[],
        shown: &[("customer-1", 1)],
        cards: 1,
    },
    Scene {
        name: "forgotten",
        settings: &[],
        play: |set| forgotten(set).boxed_local(),
        waits_for: &[],
        shown: &[("first-word", 0), ("customer-1", 0)],
        cards: 1,
    },
    Scene {
        name: "patience",
        settings: &[("RECONCILE_SECONDS", "10"), ("REMIND_UNCLAIMED_MINUTES", "1")],
        play: |set| patience(set).boxed_local(),
        waits_for: &["gap", "remind", "desk remind", "desk remind_round", "desk delivery"],
        shown: &[
            ("missed-1", 1),
            ("while the integration was down", 1),
            ("nobody has claimed it", 1),
        ],
        cards: 2,
    },
    Scene {
        name: "no answer",
        settings: &[],
        play: |set| no_answer(set).boxed_local(),
        waits_for: &["desk waits", "desk delayed", "desk read"],
        shown: &[("customer-1", 1)],
        cards: 1,
    },
    Scene {
        name: "in turn",
        settings: &[
            ("ASSIGN", "round_robin"),
            ("AGENT_SLOTS", "1"),
            ("ASSIGN_TIMEOUT_MINUTES", "1"),
        ],
        play: |set| in_turn(set).boxed_local(),
        waits_for: &[
            "taken-back",
            "direct",
            "desk assign",
            "desk distribute",
            "desk take_back",
            "desk tell_absent",
        ],
        shown: &[("was given this ticket", 3), ("did not answer within", 1)],
        cards: 2,
    },
    Scene {
        name: "a file that is not shown",
        settings: &[],
        play: |set| unshown_file(set).boxed_local(),
        waits_for: &["not-shown", "desk late"],
        shown: &[("customer-1", 1), ("does not show it", 1)],
        cards: 1,
    },
    Scene {
        name: "a file that comes late",
        settings: &[],
        play: |set| late_file(set).boxed_local(),
        waits_for: &["coming", "desk file"],
        shown: &[("caption-1", 1), ("customer-1", 1), ("it came later", 1)],
        cards: 1,
    },
    Scene {
        name: "a tunnel that is read late",
        settings: &[],
        play: |set| late_tunnel(set).boxed_local(),
        waits_for: &["desk met", "desk originator"],
        shown: &[("first-word", 1), (" · WhatsApp · ", 1)],
        cards: 1,
    },
    Scene {
        name: PAID_SCENES[0],
        settings: &[ROUTER_KEY],
        play: |set| template(set).boxed_local(),
        waits_for: &[],
        shown: &[(TEMPLATE_SENT, 1)],
        cards: 1,
    },
    Scene {
        name: PAID_SCENES[1],
        settings: &[ROUTER_KEY, ("BLIP_ANSWER_BLOCK", "flow-1/desk-1")],
        play: |set| active_message(set).boxed_local(),
        waits_for: &[],
        shown: &[(TEMPLATE_SENT, 1)],
        cards: 1,
    },
];

impl Set {
    /// A customer opens a ticket; returns it and its card.
    async fn opens(&self, name: &str, identity: &str, first: &str) -> (String, Message) {
        let opened = self.bridge.blip.opens_ticket(NewTicket::saying(name, identity, first)).await;
        assert_eq!(opened.status, Some(200));
        let word = first.split(' ').next().unwrap_or_default();
        (opened.id, self.card(word).await)
    }

    /// The card with this word.
    async fn card(&self, word: &str) -> Message {
        let find = || {
            let cards = self.bridge.slack.cards(CHANNEL);
            cards.into_iter().find(|card| card.words().contains(word))
        };
        self.until(&format!("a card with {word}"), || find().is_some()).await;
        find().unwrap()
    }

    /// A ticket that Ana holds.
    async fn held(&self, identity: &str, first: &str) -> (String, Message) {
        let (ticket, card) = self.opens("Maria", identity, first).await;
        self.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        self.until("a claim", || self.bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
        (ticket, card)
    }

    /// Puts a job into the store; the program must be stopped.
    async fn stores(&self, job: Value) {
        let (clock, database) = (Clock::system(), &self.bridge.settings()["DATABASE_URL"]);
        let store = store::open_store(database, &clock, Purpose::Serve).await.unwrap();
        let (now, kind) = (clock.now(), job["chore"].as_str().unwrap());
        let job = NewItem {
            source: Source::Internal,
            lane: Lane::Own(format!("{kind}:now")),
            key: format!("{kind}:now"),
            body: job.to_string().into_bytes(),
            received: now,
            due: now,
        };
        store.accept(job).await.unwrap();
        store.close().await;
    }

    /// The home tab that somebody opens.
    async fn home(&self, user: &str) -> View {
        let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME",
            "tab": "home", "event_ts": "1.1" });
        self.bridge.slack.emits(event).await;
        let find = || {
            self.bridge.slack.look(|state| {
                let mut views = state.views.values();
                views.find(|view| view.user == user && view.view["type"] == "home").cloned()
            })
        };
        self.until("a home tab", || find().is_some()).await;
        find().unwrap()
    }

    async fn customer(&self, ticket: &str, words: &str) {
        assert_eq!(self.bridge.blip.says(ticket, words).await.unwrap().status, Some(200));
        self.shown(words).await;
    }

    async fn shown(&self, words: &str) {
        self.until(&format!("{words} in Slack"), || self.count(words) > 0).await;
    }

    async fn agent(&self, card: &Message, words: &str) -> String {
        let said = self.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap();
        assert_eq!(said.status, Some(200));
        said.ts
    }

    async fn received(&self, ticket: &str, words: &[&str]) {
        self.until(&format!("{words:?} at the customer"), || {
            self.bridge.received(ticket).len() >= words.len()
        })
        .await;
        assert_eq!(self.bridge.received(ticket), words, "{}", self.told());
    }

    async fn marked(&self, ts: &str, mark: &str) {
        let is_marked = || {
            let message = self.bridge.slack.message(CHANNEL, ts);
            message.is_some_and(|message| message.reacted(mark).len() == 1)
        };
        self.until(&format!("{mark} on {ts}"), is_marked).await;
    }

    /// Waits until a reply bears its mark, whatever was known of it when that was set.
    async fn delivered(&self, ts: &str) {
        let marks = ["envelope_with_arrow", "mailbox_with_mail", "eyeglasses"];
        let is_marked = || {
            let message = self.bridge.slack.message(CHANNEL, ts);
            message.is_some_and(|message| marks.iter().any(|m| message.reacted(m).len() == 1))
        };
        self.until(&format!("a mark on {ts}"), is_marked).await;
    }

    /// Presses something until it was taken.
    async fn press(&self, press: impl AsyncFn() -> Answered) {
        while press().await.status != Some(200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types a command until it was taken: Slack sends it once.
    async fn types(&self, user: &str, words: &str) {
        let slack = &self.bridge.slack;
        self.press(async || slack.commands(user, CHANNEL, "/blip", words).await.unwrap()).await;
    }

    async fn clicks(&self, user: &str, ts: &str, action: &str) {
        let slack = &self.bridge.slack;
        // A button that is gone was taken, although nobody said so.
        while let Ok(Answered { status: None | Some(500..), .. }) =
            slack.clicks(user, CHANNEL, ts, action).await
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The same with an entry of a menu.
    async fn picks(&self, user: &str, ts: &str, entry: (&str, &str)) {
        let slack = &self.bridge.slack;
        while let Ok(Answered { status: None | Some(500..), .. }) =
            slack.picks(user, CHANNEL, ts, entry).await
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens a dialog, fills it in and sends it off.
    async fn fills(&self, user: &str, open: impl AsyncFn() -> Answered, values: Value) {
        let view = |view: &View| view.user == user && view.view["type"] == "modal";
        let find =
            || self.bridge.slack.look(|state| state.views.values().find(|v| view(v)).cloned());
        while find().is_none() {
            open().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let dialog = find().unwrap().id;
        let slack = &self.bridge.slack;
        self.press(async || slack.submits(user, &dialog, values.clone()).await.unwrap()).await;
    }

    /// Begins behind a router whose bot has a template.
    fn has_template(&self) {
        self.bridge.blip.configure(|setup| {
            setup.router = Some(Router::default());
            setup.templates = Some(vec![Template::new("volta", "Oi {{1}}, pode vir?")]);
        });
    }

    /// Opens the dialog for templates, chooses the only one, fills it in and sends it.
    async fn sends_template(&self, open: impl AsyncFn()) {
        const LIST: &str = "message_template";
        let (bridge, slack) = (&self.bridge, &self.bridge.slack);
        let deadline = Instant::now() + PATIENCE;
        while !bridge.has_dialog(ANA) {
            assert!(Instant::now() < deadline, "no dialog opens\n{}", self.told());
            open().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let page = bridge.dialog(ANA);
        let found = slack.searches(ANA, &page.id, LIST, "").await.unwrap();
        let choice = found.first().expect("a template");
        slack.chooses(ANA, &page.id, LIST, choice).await.unwrap();
        let page = bridge.dialog(ANA);
        let blocks = page.view["blocks"].as_array().unwrap().iter();
        let names = { blocks }.filter_map(|block| block["block_id"].as_str());
        let field = { names }.find(|name| name.starts_with("field:")).expect("a field");
        let filled = json!({
            "templates": { LIST: { "type": "external_select", "selected_option": choice } },
            field: { "template_value": { "type": "plain_text_input", "value": "Ana" } },
        });
        self.press(async || slack.submits(ANA, &page.id, filled.clone()).await.unwrap()).await;
        let preview = bridge.dialog(ANA);
        self.press(async || slack.submits(ANA, &preview.id, json!({})).await.unwrap()).await;
        self.shown(TEMPLATE_SENT).await;
    }

    /// Opens the dialog for the contact by its button in the details, whose place it takes.
    async fn opens_contact(&self, user: &str, card: &Message) -> String {
        let slack = &self.bridge.slack;
        let find = |is_it: &dyn Fn(&Value) -> bool| {
            slack.look(|state| {
                let mut views = state.views.values().filter(|view| view.user == user);
                views.find(|view| is_it(&view.view)).map(|view| view.id.clone())
            })
        };
        loop {
            if let Some(contact) = find(&|view| view["callback_id"] == "contact") {
                return contact;
            }
            slack.uses_shortcut(user, CHANNEL, &card.ts, "details").await.unwrap();
            if let Some(details) = find(&|view| view["type"] == "modal") {
                // It may not have been filled in yet.
                drop(slack.clicks_in_view(user, &details, "open:contact").await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn closed(&self, ticket: &str) {
        self.until("the end", || self.bridge.blip.ticket(ticket).unwrap().is_closed()).await;
    }
}

async fn conversation(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    blip.configure(|setup| setup.sends_receipts = true);
    let first = format!("first-word {} last-word", "and so on. ".repeat(400));
    let (ticket, card) = set.held("maria@0mn.io", &first).await;
    set.customer(&ticket, "customer-1").await;
    set.until("word of it at Blip", || !blip.receipts().is_empty()).await;
    let reply = set.agent(&card, "reply-1").await;
    set.received(&ticket, &["reply-1"]).await;
    set.delivered(&reply).await;
    slack.edits(ANA, CHANNEL, &reply, "reply-1 edited").await.unwrap();
    let reply = set.agent(&card, "reply-2").await;
    set.received(&ticket, &["reply-1", "reply-2"]).await;
    slack.deletes(ANA, CHANNEL, &reply).await.unwrap();
    let note = set.agent(&card, "// note").await;
    set.marked(&note, "lock").await;
    slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    set.closed(&ticket).await;
    let shows = || slack.message(CHANNEL, &card.ts).unwrap().buttons().is_empty();
    set.until("the last state of the card", shows).await;
    set.received(&ticket, &["reply-1", "reply-2"]).await;
}

async fn template(set: &Set) {
    let slack = &set.bridge.slack;
    set.has_template();
    let identity = set.bridge.blip.routes(TEMPLATE_READER, true);
    let (_, card) = set.held(&identity, "first-word").await;
    let offers_it = || {
        let buttons = slack.message(CHANNEL, &card.ts).unwrap().buttons();
        buttons.iter().any(|button| button.action_id == "take_over")
    };
    set.until("the card of a ticket that is held", offers_it).await;
    set.sends_template(async || {
        drop(slack.picks(ANA, CHANNEL, &card.ts, ("more", "template")).await);
    })
    .await;
}

async fn active_message(set: &Set) {
    set.has_template();
    let slack = &set.bridge.slack;
    set.sends_template(async || {
        drop(slack.commands(ANA, CHANNEL, "/blip", "novo +5511987654321").await);
    })
    .await;
}

async fn unread(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    slack.faults().from_now("chat.postMessage", Fault::Status(503));
    assert_eq!(blip.says(&ticket, "customer-1").await.unwrap().status, Some(200));
    slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    slack.faults().lift("chat.postMessage");
    set.shown("customer-1").await;
    set.shown("the ticket stays open").await;
    assert_eq!(set.count("the ticket stays open"), 1, "{}", set.told());
    assert!(!blip.ticket(&ticket).unwrap().is_closed());
    let thread = slack.thread(CHANNEL, &card.ts);
    let asked = thread.iter().find(|line| line.words().contains("the ticket stays open")).unwrap();
    set.clicks(ANA, &asked.ts, "close_anyway").await;
    set.closed(&ticket).await;
}

async fn desk(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let (ticket, card) = set.opens("Maria", "maria@0mn.io", "first-word").await;
    set.clicks(ANA, &card.ts, "claim").await;
    set.until("a claim", || blip.ticket(&ticket).unwrap().is_assigned()).await;
    let tag = json!({ "text": { "type": "plain_text", "text": "Pix" }, "value": "Pix" });
    let tags = json!({ "tags": { "tags": {
        "type": "multi_external_select", "selected_options": [tag] } } });
    let has_tags = || {
        let buttons = slack.message(CHANNEL, &card.ts).unwrap().buttons();
        buttons.iter().any(|button| button.action_id == "tags")
    };
    set.until("the card of a ticket that is held", has_tags).await;
    let open = async || slack.clicks(ANA, CHANNEL, &card.ts, "tags").await.unwrap();
    set.fills(ANA, open, tags).await;
    set.until("a tag", || blip.ticket(&ticket).unwrap().tags == ["Pix"]).await;
    let words = json!({ "words:2": { "words": {
        "type": "plain_text_input", "value": "canned-1" } } });
    let open = async || slack.uses_shortcut(ANA, CHANNEL, &card.ts, "reply").await.unwrap();
    set.fills(ANA, open, words).await;
    set.received(&ticket, &["canned-1"]).await;
    let known = &blip.ticket(&ticket).unwrap().customer;
    let city = json!({ "city": { "contact_value": {
        "type": "plain_text_input", "value": "Recife" } } });
    let dialog = set.opens_contact(ANA, &card).await;
    set.press(async || slack.submits(ANA, &dialog, city.clone()).await.unwrap()).await;
    let has_city = || blip.look(|state| state.contacts[known]["city"] == "Recife");
    set.until("a change of the contact", has_city).await;
    let comment = json!({ "comment": { "words": {
        "type": "plain_text_input", "value": "comment-1" } } });
    let open = async || slack.uses_shortcut(ANA, CHANNEL, &card.ts, "comment").await.unwrap();
    set.fills(ANA, open, comment).await;
    let comments = || blip.look(|state| state.comments.get(known).map_or(0, Vec::len));
    set.until("a comment", || comments() > 0).await;
    let can_release = || {
        let card = slack.message(CHANNEL, &card.ts).unwrap();
        card.buttons().iter().any(|button| button.action_id == "take_over")
    };
    set.until("a way to release", can_release).await;
    // Words beside the threads reach nobody.
    while slack.says(ANA, CHANNEL, None, "beside").await.unwrap().status != Some(200) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    set.picks(ANA, &card.ts, ("more", "release")).await;
    set.shown("released this ticket").await;
    let open = async || slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let option = json!({
        "text": { "type": "plain_text", "text": "Vendas" }, "value": "team:Vendas" });
    let to = json!({ "destination": { "destination": {
        "type": "external_select", "selected_option": option } } });
    set.fills(ANA, open, to).await;
    set.until("the ticket that follows", || blip.look(|state| state.tickets.len()) == 2).await;
    set.shown("continues here").await;
    assert_eq!(blip.look(|state| state.tickets.len()), 2);
    assert_eq!(comments(), 1);
}

async fn standby(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let enabled = ("TicketStandbyModeEnabled".to_owned(), "True".to_owned());
    blip.configure(|setup| setup.configuration.push(enabled));
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.agent(&card, "agent-1").await;
    set.received(&ticket, &["agent-1"]).await;
    let can_pause = || {
        let card = slack.message(CHANNEL, &card.ts).unwrap();
        json!(card.blocks).to_string().contains("start_standby")
    };
    set.until("a way to standby", can_pause).await;
    set.picks(ANA, &card.ts, ("more", "start_standby")).await;
    let shows = || slack.message(CHANNEL, &card.ts).unwrap().words().contains("💤 standby");
    set.until("standby", shows).await;
    assert_eq!(blip.ends_standby(&ticket).await.unwrap(), Some(200));
    set.until("its end", || !shows()).await;
}

async fn from_hand_to_hand(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    slack.add_channel("C0VENDAS", "vendas", &[ANA, BIA]);
    slack.change_channel("C0VENDAS", |channel| channel.archived = true);
    let new = NewTicket::saying("Maria", "maria@0mn.io", "first-word");
    let new = NewTicket { team: "Vendas".to_owned(), ..new };
    let ticket = blip.opens_ticket(new).await.id;
    let card = set.card("first-word").await;
    set.clicks(ANA, &card.ts, "claim").await;
    set.until("a claim", || blip.ticket(&ticket).unwrap().is_assigned()).await;
    let is_bias = || blip.ticket(&ticket).unwrap().agent.unwrap().starts_with("bia");
    // What only one person sees may not arrive: then she asks again.
    let deadline = Instant::now() + PATIENCE;
    while slack.ephemerals(BIA).is_empty() {
        assert!(Instant::now() < deadline, "nobody offers\n{}", set.told());
        slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        slack.unreacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    }
    set.clicks(BIA, &slack.ephemerals(BIA)[0].ts, "take_over").await;
    set.until("a new holder", is_bias).await;
    set.shown("ticket over from").await;
    let open = async || slack.clicks(BIA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let option = json!({
        "text": { "type": "plain_text", "text": "ana" },
        "value": "agent:ana%40loja.example@blip.ai" });
    let to = json!({ "destination": { "destination": {
        "type": "external_select", "selected_option": option } } });
    set.fills(BIA, open, to).await;
    set.shown("handed this ticket to you").await;
}

async fn refusals(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    blip.configure(|setup| {
        setup.knows_agents = true;
        setup.agents.retain(|agent| agent.starts_with("bia"));
    });
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    let agent = blip.ticket(&ticket).unwrap().agent;
    assert_eq!(agent.as_deref(), Some("bia%40loja.example@blip.ai"), "the default agent");
    let moves = "/commands set /tickets/change-status";
    blip.faults().from_now(moves, Fault::Code("66".to_owned()));
    slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    set.shown("close the ticket: ").await;
    blip.faults().lift(moves);
    slack.unreacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    set.closed(&ticket).await;
    assert_eq!(set.count("close the ticket: "), 1, "{}", set.told());
}

async fn files(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    let shows = |count: usize| {
        let thread = slack.thread(CHANNEL, &card.ts);
        thread.iter().filter(|message| message.ours).flat_map(|m| &m.files).count() == count
    };
    let png = samples::png();
    let caption = format!("caption-begins {} caption-ends", "and so on. ".repeat(600));
    blip.sends_file(&ticket, ("a.png", "image/png"), &png, Some(&caption)).await.unwrap();
    set.shown("caption-ends").await;
    assert!(shows(1), "{}", set.told());
    let preview = blip.hosts("image/png", &png);
    let large = blip.hosts("video/mp4", &vec![7; (1 << 20) + 1]);
    let film = json!({"type": "video/mp4", "uri": large, "title": "a.mp4", "previewUri": preview});
    blip.sends(&ticket, MEDIA_LINK, film).await.unwrap();
    set.shown("larger than 1 MB").await;
    assert!(shows(2), "{}", set.told());
    let page = blip.hosts("text/html", b"<!DOCTYPE html><html>");
    blip.sends(&ticket, MEDIA_LINK, json!({"type": "image/png", "uri": page})).await.unwrap();
    set.shown("a web page").await;
    let elsewhere = File { mode: "external".to_owned(), ..File::hosted("b.png", &png) };
    let shared = vec![File::hosted("a.png", &png), elsewhere];
    slack.shares_all(ANA, CHANNEL, Some(&card.ts), shared, "reply-1").await.unwrap();
    set.shown("was not sent").await;
    let sent = blip.received(&ticket);
    assert_eq!(sent.len(), 2, "{}", set.told());
    assert_eq!((sent[0].content.as_str(), sent[1].kind.as_str()), (Some("reply-1"), MEDIA_LINK));
    assert!(shows(2), "{}", set.told());
}

async fn lost_threads(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let (ticket, first) = set.held("maria@0mn.io", "first-word").await;
    set.customer(&ticket, "before-1").await;
    set.until("rest", || slack.thread(CHANNEL, &first.ts).len() == 2).await;
    // A reply is parked, and whoever is to tell finds the thread gone.
    blip.faults().from_now("/messages", Fault::Status(400));
    slack.deletes(ANA, CHANNEL, &first.ts).await.unwrap();
    set.agent(&first, "reply-1").await;
    let told = || {
        let cards = slack.cards(CHANNEL);
        let mut lines = cards.iter().flat_map(|card| slack.thread(CHANNEL, &card.ts));
        lines.find(|line| line.buttons().iter().any(|button| button.action_id == "retry"))
    };
    set.until("a way out", || told().is_some()).await;
    blip.faults().lift("/messages");
    set.clicks(ANA, &told().unwrap().ts, "retry").await;
    set.received(&ticket, &["reply-1"]).await;
    let second = set.card("first-word").await;
    slack.deletes(ANA, CHANNEL, &second.ts).await.unwrap();
    set.customer(&ticket, "after-2").await;
    set.received(&ticket, &["reply-1"]).await;
}

async fn shared_channel(set: &Set) {
    let slack = &set.bridge.slack;
    slack.change_channel(CHANNEL, |channel| channel.pending_share = true);
    set.restart(async {}).await;
    set.shown("shared with another company").await;
    set.opens("Maria", "maria@0mn.io", "first-word").await;
    set.restart(async {}).await;
}

/// A line stands in a thread twice, since an instance was held up before it.
async fn held_up(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.shown("claimed this ticket").await;
    let thread = set.bridge.slack.thread(CHANNEL, &card.ts);
    let line = { thread }.into_iter().find(|line| line.words().contains("claimed this ticket"));
    let line = serde_json::to_value(line.unwrap()).unwrap();
    let post = json!({ "channel": CHANNEL, "thread_ts": card.ts, "text": line["text"],
        "blocks": line["blocks"], "metadata": line["metadata"] });
    let settings = set.bridge.settings();
    let posted = reqwest::Client::builder().no_proxy().build().unwrap();
    let posted = posted.post(format!("{}/chat.postMessage", set.bridge.slack.api_url()));
    let posted = posted.bearer_auth(&settings["SLACK_BOT_TOKEN"]).json(&post).send().await;
    let posted: Value = posted.unwrap().json().await.unwrap();
    assert_eq!(set.count("claimed this ticket"), 2, "{posted}");
    let delivery = line["metadata"]["event_payload"]["delivery_id"].clone();
    let job = json!({ "chore": "doubled", "channel": CHANNEL, "root": card.ts, "ts": posted["ts"],
        "delivery": delivery, "is_named": false, "since": 0 });
    set.restart(set.stores(job)).await;
    set.until("the second line taken back", || set.count("claimed this ticket") == 1).await;
    set.customer(&ticket, "customer-1").await;
}

async fn week(set: &Set) {
    // Only what is stored is told of.
    set.held("maria@0mn.io", "first-word").await;
    let now = Clock::system().now();
    let mut day = now.to_zoned(TimeZone::get("America/Sao_Paulo").unwrap()).tomorrow().unwrap();
    while day.weekday() != Weekday::Monday {
        day = day.tomorrow().unwrap();
    }
    let job = json!({ "chore": "weekly", "monday": day.date().to_string() });
    set.restart(set.stores(job)).await;
    set.shown("Week from").await;
}

async fn nobody_works(set: &Set) {
    set.opens("Maria", "maria@0mn.io", "first-word").await;
    set.shown("Out of hours").await;
    assert_eq!(set.bridge.blip.bot_said("maria@0mn.io"), ["later"], "{}", set.told());
}

async fn ends(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = set.held("maria@wa.gw.msging.net", "first-word").await;
    set.customer(&ticket, "earlier-1").await;
    blip.configure(|setup| setup.cannot_deliver = Some((86, "Timeout")));
    set.agent(&card, "reply-1").await;
    set.shown("Not delivered").await;
    blip.configure(|setup| setup.cannot_deliver = None);
    set.customer(&ticket, "earlier-2").await;
    let failed = slack.thread(CHANNEL, &card.ts).into_iter();
    let failed = { failed }.find(|line| line.words().contains("Not delivered")).unwrap();
    set.clicks(ANA, &failed.ts, "resend").await;
    set.received(&ticket, &["reply-1"]).await;
    assert_eq!(blip.closes(&ticket, "ClosedClient").await.unwrap(), Some(200));
    set.shown("Closed by the customer").await;
    set.opens("Maria", "maria@wa.gw.msging.net", "second-word").await;
    set.shown("Before the handoff").await;
}

async fn too_late(set: &Set) {
    let (id, card) = set.held("maria@wa.gw.msging.net", "first-word").await;
    set.restart(set.bridge.lies_still_for_a_day()).await;
    let note = set.agent(&card, "reply-1").await;
    set.marked(&note, "x").await;
    set.received(&id, &[]).await;
}

async fn second_thoughts(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.agent(&card, "reply-1").await;
    set.agent(&card, "reply-2").await;
    set.received(&ticket, &["reply-1", "reply-2"]).await;
}

async fn start(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.agent(&card, "reply-1").await;
    set.received(&ticket, &["reply-1"]).await;
    let slack = &set.bridge.slack;
    let missed = async {
        let patient = slack.look(|_| vec![Duration::from_millis(50); 1000]);
        slack.settled().await;
        slack.configure_delivery(|policy| policy.retries = Vec::new());
        slack.says(ANA, CHANNEL, Some(&card.ts), "missed-reply").await.unwrap();
        slack.configure_delivery(|policy| policy.retries = patient);
    };
    set.restart(missed).await;
    set.received(&ticket, &["reply-1", "missed-reply"]).await;
    set.customer(&ticket, "customer-1").await;
}

async fn unshown_file(set: &Set) {
    let (ticket, _) = set.held("maria@0mn.io", "first-word").await;
    set.bridge.slack.configure(|setup| setup.shares_after = None);
    let blip = &set.bridge.blip;
    blip.sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None).await.unwrap();
    set.customer(&ticket, "customer-1").await;
    set.shown("does not show it").await;
}

async fn late_file(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let uri = blip.hosts_dripping("image/png", &samples::bytes(20_000));
    let photo = json!({"type": "image/png", "uri": uri, "title": "a.png", "text": "caption-1"});
    blip.sends(&ticket, MEDIA_LINK, photo).await.unwrap();
    set.customer(&ticket, "customer-1").await;
    set.shown("a.png, coming").await;
    blip.lets_media_flow();
    set.shown("it came later").await;
    let thread = slack.thread(CHANNEL, &card.ts);
    assert_eq!(thread.iter().flat_map(|m| &m.files).count(), 1, "{}", set.told());
}

async fn late_tunnel(set: &Set) {
    let blip = &set.bridge.blip;
    blip.faults().next("/commands get /tunnels/*", Fault::Status(503));
    let identity = blip.routes("5511987654321@wa.gw.msging.net", false);
    set.opens("Maria", &identity, "first-word").await;
    set.shown(" · WhatsApp · ").await;
}

async fn forgotten(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.customer(&ticket, "customer-1").await;
    set.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    set.closed(&ticket).await;
    let deadline = Instant::now() + PATIENCE;
    while !set.erases("maria@0mn.io").await {
        assert!(Instant::now() < deadline, "nobody erases\n{}", set.told());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let is_replaced = || set.count("first-word") + set.count("customer-1") == 0;
    set.until("the words to be replaced", is_replaced).await;
}

async fn patience(set: &Set) {
    let blip = &set.bridge.blip;
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    let reply = set.agent(&card, "reply-1").await;
    set.received(&ticket, &["reply-1"]).await;
    set.opens("Rui", "rui@0mn.io", "second-word").await;
    let missed = async {
        let patient = blip.look(|_| vec![Duration::from_millis(50); 1000]);
        blip.configure_delivery(|policy| policy.retries = Vec::new());
        assert_eq!(blip.says(&ticket, "missed-1").await.unwrap().status, None);
        blip.configure_delivery(|policy| policy.retries = patient);
    };
    set.restart(missed).await;
    set.shown("missed-1").await;
    set.delivered(&reply).await;
    set.shown("nobody has claimed it").await;
    assert!(set.bridge.slack.ephemerals(BIA).is_empty());
}

async fn in_turn(set: &Set) {
    let (slack, blip) = (&set.bridge.slack, &set.bridge.blip);
    let is_given = |ticket: &str| blip.ticket(ticket).unwrap().is_assigned();
    let (first, _) = set.opens("Maria", "maria@0mn.io", "first-word").await;
    set.until("an agent", || is_given(&first)).await;
    let (second, card) = set.opens("Rui", "rui@0mn.io", "second-word").await;
    set.until("another agent", || is_given(&second)).await;
    let agents = [&first, &second].map(|ticket| blip.ticket(ticket).unwrap().agent);
    assert_ne!(agents[0], agents[1], "{}", set.told());
    // Whoever has the second one answers; the first one goes back, and waits for their slot.
    let busy = if agents[1].as_deref() == Some("ana%40loja.example@blip.ai") { ANA } else { BIA };
    assert_eq!(
        slack.says(busy, CHANNEL, Some(&card.ts), "reply-1").await.unwrap().status,
        Some(200)
    );
    set.received(&second, &["reply-1"]).await;
    // Who has it takes a break, and has asked to be told.
    let home = set.home(busy).await;
    let tick = Some("direct_messages");
    set.press(async || slack.picks_in_view(busy, &home.id, "switches", tick).await.unwrap()).await;
    set.shown("did not answer within").await;
    set.types(busy, "pausa").await;
    set.customer(&second, "customer-2").await;
    let direct = || {
        let is_it = |state: &str| state.matches("is waiting for your answer").count();
        is_it(&slack.transcript())
    };
    set.until("a direct message", || direct() > 0).await;
    assert_eq!(direct(), 1, "{}", set.told());
    set.types(busy, "voltar").await;
    slack.reacts(busy, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    set.closed(&second).await;
    set.until("the next agent", || set.count("was given this ticket") == 3).await;
    assert_eq!(blip.ticket(&first).unwrap().agent, agents[1], "{}", set.told());
}

async fn no_answer(set: &Set) {
    let (ticket, card) = set.held("maria@0mn.io", "first-word").await;
    set.customer(&ticket, "customer-1").await;
    let slack = &set.bridge.slack;
    let since = || slack.message(CHANNEL, &card.ts).unwrap().words().contains("⏰");
    set.until("how long the customer waits", since).await;
    // A reply that Blip does not take for ten seconds is marked.
    set.bridge.blip.faults().from_now("/messages", Fault::Status(503));
    let reply = set.agent(&card, "reply-1").await;
    set.marked(&reply, "hourglass_flowing_sand").await;
    set.bridge.blip.faults().lift("/messages");
    set.received(&ticket, &["reply-1"]).await;
    let waits =
        || !slack.message(CHANNEL, &reply).unwrap().reacted("hourglass_flowing_sand").is_empty();
    set.until("no mark of waiting", || !waits()).await;
    set.delivered(&reply).await;
    set.bridge.blip.configure(|setup| setup.sends_receipts = true);
    set.bridge.blip.reads(&ticket).await;
    set.marked(&reply, "eyeglasses").await;
}
