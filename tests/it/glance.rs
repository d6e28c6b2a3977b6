//! The desk at a glance: `/blip` and the home tab, for agents and in their own language.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, User, View};
use serde_json::{Value, json};

use crate::support::{Bridge, view_words};

/// What somebody reads as the answer to a command.
async fn asks(bridge: &Bridge, user: &str, text: &str) -> Message {
    let answered = bridge.slack.commands(user, CHANNEL, "/blip", text).await.unwrap();
    assert_eq!(answered.status, Some(200));
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(answer["response_type"], "ephemeral", "{answer}");
    let blocks = answer["blocks"].as_array().unwrap().clone();
    Message { text: answer["text"].as_str().unwrap().to_owned(), blocks, ..Message::default() }
}

fn home(bridge: &Bridge, user: &str) -> Option<View> {
    let is_it = |view: &&View| view.user == user && view.view["type"] == "home";
    bridge.slack.look(|state| state.views.values().find(is_it).cloned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_tells_who_waits_and_what_one_holds() {
    let bridge = Bridge::start().await;
    assert!(asks(&bridge, ANA, "mine").await.words().contains("You have no tickets"));
    let (first, card) = bridge.ticket("Maria Silva", "Oi").await;
    let (_, _) = bridge.ticket("João Souza", "Olá").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let mine = asks(&bridge, ANA, "mine").await;
    assert!(
        mine.words().contains("Maria Silva") && !mine.words().contains("João"),
        "{}",
        mine.words()
    );
    let waiting = asks(&bridge, ANA, "waiting").await.words();
    assert!(waiting.contains("João Souza") && waiting.contains("Default · 1"), "{waiting}");
    let number = bridge.blip.ticket(&first).unwrap().number;
    for text in [format!("find #{number}"), "find silva".to_owned(), "find MARIA".to_owned()] {
        assert!(asks(&bridge, BIA, &text).await.words().contains("Maria Silva"), "{text}");
    }
    assert!(asks(&bridge, BIA, "find nobody").await.words().contains("No ticket found"));
    let status = asks(&bridge, BIA, "status").await.words();
    assert!(
        status.contains("Open tickets: 2, unclaimed: 1") && status.contains("working"),
        "{status}"
    );
    assert!(asks(&bridge, BIA, "dance").await.words().contains("/blip waiting"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_without_a_name_is_shown_and_found_by_the_number_with_its_plus() {
    let bridge = Bridge::start().await;
    let new = NewTicket::saying("", "5531999990000@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { name: None, ..new }).await;
    let card = bridge.card_of("+5531999990000").await;
    bridge.idle().await;
    assert!(card.text.contains("+5531999990000"), "{}", card.text);
    for text in ["find +5531999990000", "find 999990000"] {
        let found = asks(&bridge, ANA, text).await.words();
        assert!(found.contains("+5531999990000"), "{text}: {found}");
    }
    // WhatsApp's account of a mobile phone may lack the ninth digit, which people dial and read.
    let new = NewTicket::saying("", "551187654321@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { name: None, ..new }).await;
    bridge.card_of("+5511987654321").await;
    bridge.idle().await;
    for text in ["find +55 (11) 98765-4321", "find 551187654321", "find 987654321"] {
        let found = asks(&bridge, ANA, text).await.words();
        assert!(found.contains("+5511987654321"), "{text}: {found}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_team_that_waits_is_named_however_many_wait() {
    let bridge = Bridge::start().await;
    for number in 0..12 {
        bridge.ticket(&format!("Customer {number:02}"), "Oi").await;
    }
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { team: "Vendas".to_owned(), ..new.clone() }).await;
    let handed = NewTicket { team: "DIRECT_TRANSFER".to_owned(), ..new };
    bridge.blip.opens_ticket(handed).await;
    bridge.card_of("Maria").await;
    bridge.idle().await;
    let waiting = asks(&bridge, ANA, "waiting").await.words();
    for part in ["Default · 12", "Vendas · 1", "No team · 1"] {
        assert!(waiting.contains(part), "{part} in {waiting}");
    }
    assert_eq!(waiting.matches("Customer ").count(), 12, "all of them: {waiting}");
    assert!(!waiting.contains("DIRECT_TRANSFER"), "{waiting}");
    bridge.finish().await;
}

/// The channel in which somebody looks at a list.
const ELSEWHERE: &str = "C0OTHER";

/// A list of tickets as somebody has it before them.
async fn list(bridge: &Bridge, user: &str, text: &str) -> String {
    let answered = bridge.slack.commands(user, ELSEWHERE, "/blip", text).await.unwrap();
    assert_eq!(answered.status, Some(200));
    bridge.slack.ephemerals(user).pop().unwrap().ts
}

/// The menu of a ticket in a list.
fn menu(ticket: &str) -> String {
    format!("more@ticket:default/{ticket}")
}

/// Chooses from a ticket's menu in a list, and returns what it is answered with there.
async fn presses(bridge: &Bridge, user: &str, list: &str, button: (&str, &str)) -> Message {
    bridge.slack.picks(user, ELSEWHERE, list, (&menu(button.1), button.0)).await.unwrap();
    answer_below(bridge, user).await
}

async fn answer_below(bridge: &Bridge, user: &str) -> Message {
    bridge.idle().await;
    let answer = bridge.slack.ephemerals(user).pop().unwrap();
    assert_eq!((answer.channel.as_str(), &answer.thread_ts), (ELSEWHERE, &None));
    Message { ts: answer.ts, text: answer.text, blocks: answer.blocks, ..Message::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_buttons_of_a_list_move_tickets_and_are_answered_where_they_are_pressed() {
    let bridge = Bridge::start().await;
    bridge.slack.add_channel(ELSEWHERE, "other", &[ANA, BIA]);
    let (maria, maria_card) = bridge.ticket("Maria Silva", "Oi").await;
    let (joao, _) = bridge.ticket("João Souza", "Olá").await;
    bridge.idle().await;
    let stale = list(&bridge, ANA, "waiting").await;
    let waiting = list(&bridge, BIA, "waiting").await;
    let answer = presses(&bridge, BIA, &waiting, ("claim", &joao)).await;
    assert!(answer.words().contains("João Souza") && answer.words().contains("is yours now"));
    assert!(answer.text.contains("João Souza"), "{}", answer.text);
    assert_eq!(bridge.blip.ticket(&joao).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    assert!(!bridge.blip.ticket(&maria).unwrap().is_assigned());
    // The list is older than that: who is too late is told there, and can take over there.
    let answer = presses(&bridge, ANA, &stale, ("claim", &joao)).await;
    assert!(answer.words().contains("Bia Souza already has"), "{}", answer.words());
    let found = list(&bridge, ANA, "find souza").await;
    let value = format!("default/{joao}");
    bridge.slack.picks(ANA, ELSEWHERE, &answer.ts, ("take_over", &value)).await.unwrap();
    let answer = answer_below(&bridge, ANA).await;
    assert!(answer.words().contains("João Souza"), "question: {}", answer.words());
    let answer = presses(&bridge, ANA, &found, ("take_over", &joao)).await;
    assert!(answer.words().contains("João Souza"), "list: {}", answer.words());
    assert_eq!(bridge.blip.ticket(&joao).unwrap().agent.unwrap(), "ana%40loja.example@blip.ai");
    // She had it already, by the question above.
    assert!(answer.words().contains("is yours now"), "list: {}", answer.words());
    let mine = list(&bridge, ANA, "mine").await;
    let answer = presses(&bridge, ANA, &mine, ("release", &joao)).await;
    assert!(answer.words().contains("You released"), "{}", answer.words());
    bridge.slack.picks(ANA, ELSEWHERE, &mine, (&menu(&joao), "transfer")).await.unwrap();
    assert_eq!(bridge.dialog(ANA).view["title"]["text"], "Transfer ticket");
    bridge.slack.picks(ANA, ELSEWHERE, &mine, (&menu(&joao), "close")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&joao).unwrap().is_closed());
    let answer = presses(&bridge, ANA, &stale, ("claim", &joao)).await;
    assert!(answer.words().contains("already closed"), "{}", answer.words());
    assert!(bridge.said(&maria_card).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_who_could_see_a_ticket_in_its_channel_see_it_elsewhere() {
    let bridge = Bridge::start().await;
    bridge.ticket("Maria Silva", "Oi").await;
    let guest = User { is_restricted: true, ..User::member("U0GUEST", "Guest", "g@x.example") };
    bridge.slack.add_user(guest);
    bridge.slack.add_user(User::member("U0OTHER", "Otto", "otto@loja.example"));
    bridge.slack.add_channel("C0OTHER", "other", &["U0OTHER", "U0GUEST"]);
    bridge.idle().await;
    for user in ["U0GUEST", "U0OTHER"] {
        for text in ["waiting", "find maria"] {
            let answered = bridge.slack.commands(user, "C0OTHER", "/blip", text).await.unwrap();
            assert!(!answered.body.contains("Maria"), "{}", answered.body);
        }
        bridge.opens_home(user).await;
        bridge
            .slack
            .wait_for("a home tab", |state| {
                state.views.values().find(|view| view.user == user).map(drop)
            })
            .await;
        assert!(!view_words(&home(&bridge, user).unwrap()).contains("Maria"));
    }
    // Who could join is told where somebody waits, and never that nobody does.
    let otto = view_words(&home(&bridge, "U0OTHER").unwrap());
    assert!(otto.contains(&format!("Mais 1 aguardando em <#{CHANNEL}>")), "{otto}");
    assert!(!otto.contains("Ninguém está esperando"), "{otto}");
    let guest = view_words(&home(&bridge, "U0GUEST").unwrap());
    assert!(!guest.contains(CHANNEL), "{guest}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_tab_is_alive_and_published_only_when_something_changed() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.opens_home(ANA).await;
    let shown = bridge.home_with(ANA, "Maria Silva").await;
    bridge.opens_home(ANA).await;
    bridge.opens_home(ANA).await;
    bridge.slack.picks_in_view(ANA, &shown.id, "more", Some("claim")).await.unwrap();
    let shown = bridge.home_with(ANA, "My tickets (1)").await;
    assert_eq!(bridge.slack.calls("views.publish").len(), 2);
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned());
    bridge.slack.picks_in_view(ANA, &shown.id, "more", Some("close")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.home_with(ANA, "You have no tickets").await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().buttons().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_their_own_language() {
    let bridge = Bridge::start().await;
    for (id, locale, word) in [
        ("U0PT", "pt-BR", "atendimento"),
        ("U0ES", "es-ES", "ningún ticket"),
        ("U0FR", "fr-FR", "ticket"),
    ] {
        let user = User { locale: locale.to_owned(), ..User::member(id, id, "x@loja.example") };
        bridge.slack.add_user(user);
        bridge.slack.joins(id, CHANNEL).await.unwrap();
        assert!(asks(&bridge, id, "mine").await.words().contains(word), "{locale}");
        bridge.opens_home(id).await;
        bridge.home_with(id, word).await;
    }
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.reacts("U0ES", CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.clicks("U0PT", CHANNEL, &card.ts, "close").await.unwrap();
    bridge.idle().await;
    assert!(
        bridge.slack.ephemerals("U0ES").pop().unwrap().words().contains("ya tiene este ticket"),
        "{:?}",
        bridge.slack.ephemerals("U0ES")
    );
    assert_eq!(bridge.dialog("U0PT").view["title"]["text"], "Finalizar ticket");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_tell_only_of_channels_that_the_reader_is_in() {
    let bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Vendas=C0VENDAS")]).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA]);
    bridge.ticket("Maria", "Oi").await;
    let new = NewTicket::saying("Rui", "rui@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { team: "Vendas".to_owned(), ..new }).await;
    let card = bridge.slack.wait_for("a card", |state| state.cards("C0VENDAS").next().cloned());
    let card = card.await;
    bridge.slack.faults().next("users.info", Fault::Code("no_such_reason".to_owned()));
    bridge.slack.reacts(ANA, "C0VENDAS", &card.ts, "eyes").await.unwrap();
    let store = bridge.app().unwrap().store();
    let is_parked = async || store.inbox_depth().await.unwrap().parked == 1;
    while !is_parked().await {
        tokio::task::yield_now().await;
    }
    for (user, counts, parked) in [
        (ANA, "Open tickets: 2, unclaimed: 2", true),
        (BIA, "Open tickets: 1, unclaimed: 1", false),
    ] {
        let status = asks(&bridge, user, "status").await.words();
        assert!(status.contains(counts), "{status}");
        assert_eq!(status.contains("1 parked"), parked, "{status}");
        bridge.opens_home(user).await;
        let home = view_words(&bridge.home_with(user, "integration is working").await);
        assert_eq!(home.contains("1 parked"), parked, "{home}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_on_a_home_tab_is_answered_there() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.opens_home(ANA).await;
    let stale = bridge.home_with(ANA, "Maria Silva").await;
    // Her tab stays as it was when she opened it.
    let failed = Fault::Code("fatal_error".to_owned());
    bridge.slack.faults().from_now("views.publish", failed);
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.picks_in_view(ANA, &stale.id, "more", Some("claim")).await.unwrap();
    bridge.idle().await;
    let dialog = bridge.dialog(ANA);
    assert!(view_words(&dialog).contains("Bia Souza already has"), "{}", view_words(&dialog));
    assert!(bridge.slack.ephemerals(ANA).is_empty(), "{:?}", bridge.slack.ephemerals(ANA));
    bridge.slack.clicks_in_view(ANA, &dialog.id, "take_over").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "ana%40loja.example@blip.ai");
    let done = view_words(&bridge.dialog(ANA));
    assert!(done.contains("You took") && done.contains("Maria Silva"), "{done}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_comes_first_on_a_home_tab() {
    let bridge = Bridge::start().await;
    let (_, answered) = bridge.ticket("Answered", "Oi").await;
    let (_, asking) = bridge.ticket("Asking", "Oi").await;
    for card in [&answered, &asking] {
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    }
    bridge.slack.says(ANA, CHANNEL, Some(&answered.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    bridge.opens_home(ANA).await;
    let shown = view_words(&bridge.home_with(ANA, "My tickets (2)").await);
    let [first, second] = ["Asking", "Answered"].map(|name| shown.find(name).unwrap());
    assert!(first < second, "{shown}");
    bridge.finish().await;
}

/// Waits until somebody's home tab reads like this when they open it.
async fn home_reads(bridge: &Bridge, what: &str, is_so: impl Fn(&str) -> bool) {
    bridge.opens_home(ANA).await;
    let words = || home(bridge, ANA).map(|home| view_words(&home)).unwrap_or_default();
    bridge.until(what, || is_so(&words())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_tells_how_much_is_new_and_what_the_customer_said_last() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Preciso de ajuda").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let first = "1 new message: “Preciso de ajuda”";
    home_reads(&bridge, "what is on the card", |words| words.contains(first)).await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    let both = "2 new messages: “Alguém?”";
    home_reads(&bridge, "what came since", |words| words.contains(both)).await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Oi!").await.unwrap();
    bridge.idle().await;
    let is_answered = |words: &str| words.contains("“Alguém?”") && !words.contains("new message");
    home_reads(&bridge, "that it is answered", is_answered).await;
    bridge.blip.says(&ticket, "Que bom").await.unwrap();
    bridge.idle().await;
    let next = "1 new message: “Que bom”";
    home_reads(&bridge, "only what is not answered", |words| words.contains(next)).await;
    // What was said last is not kept; what it is about is.
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    let kept = "1 new message: “Preciso de ajuda”";
    home_reads(&bridge, "what it is about", |words| words.contains(kept)).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_take_is_told_in_the_list_where_it_was_pressed() {
    let bridge = Bridge::start().await;
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    let status = "/commands set /tickets/change-status";
    asks(&bridge, ANA, "waiting").await;
    let list = bridge.slack.ephemerals(ANA).pop().unwrap().ts;
    bridge.blip.faults().next(status, Fault::Code("31".to_owned()));
    let menu = format!("more@ticket:default/{ticket}");
    bridge.slack.picks(ANA, CHANNEL, &list, (&menu, "claim")).await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap().words();
    assert!(told.contains("key has no permission"), "{told}");
    // It has ended, and nobody has told us so far.
    bridge.opens_home(ANA).await;
    let stale = bridge.home_with(ANA, "Maria").await;
    bridge.blip.closes_silently(&ticket, "ClosedClient").unwrap();
    bridge.blip.faults().next(status, Fault::Code("64".to_owned()));
    bridge.slack.picks_in_view(ANA, &stale.id, "more", Some("claim")).await.unwrap();
    bridge.until("an answer", || bridge.has_dialog(ANA)).await;
    let answer = view_words(&bridge.dialog(ANA));
    assert!(answer.contains("already closed"), "{answer}");
    bridge.finish().await;
}
