//! Tickets are given to agents in turn, and to nobody who takes a break or is not to be disturbed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, User, View};

use crate::support::later::Later;
use crate::support::{Bridge, Service};

const IN_TURN: (&str, &str) = ("ASSIGN", "round_robin");

/// Blip's identities of the agents.
const ANA_AT_BLIP: &str = "ana%40loja.example@blip.ai";
const BIA_AT_BLIP: &str = "bia%40loja.example@blip.ai";

/// Who has a ticket at Blip, once somebody has.
async fn holder(bridge: &Bridge, ticket: &str) -> String {
    let is_assigned = || bridge.blip.ticket(ticket).unwrap().is_assigned();
    bridge.until("an assignment", is_assigned).await;
    bridge.idle().await;
    bridge.blip.ticket(ticket).unwrap().agent.unwrap()
}

fn waits(bridge: &Bridge, ticket: &str) -> bool {
    !bridge.blip.ticket(ticket).unwrap().is_assigned()
}

/// What the thread tells of whom the ticket was given to.
fn given(bridge: &Bridge, card: &Message) -> Vec<String> {
    let replies = bridge.replies(card).into_iter();
    replies.filter(|reply| reply.words().contains("was given")).map(|reply| reply.text).collect()
}

async fn asks(bridge: &Bridge, user: &str, text: &str) -> String {
    let answered = bridge.slack.commands(user, CHANNEL, "/blip", text).await.unwrap();
    assert_eq!(answered.status, Some(200));
    answered.body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_go_to_one_agent_after_the_other_and_the_thread_mentions_them() {
    let bridge = Bridge::with(&[IN_TURN]).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in ["Maria", "João", "Rita", "Tina"] {
        let (ticket, card) = bridge.ticket(name, "Oi").await;
        let who = holder(&bridge, &ticket).await;
        let user = if who == ANA_AT_BLIP { ANA } else { BIA };
        let told = given(&bridge, &card);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&format!("<@{user}>")), "{told:?}");
        *counts.entry(who).or_default() += 1;
    }
    let fair = [(ANA_AT_BLIP.to_owned(), 2), (BIA_AT_BLIP.to_owned(), 2)];
    assert_eq!(counts, BTreeMap::from(fair));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_it_tickets_wait_for_who_claims_them() {
    let bridge = Bridge::start().await;
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    assert!(waits(&bridge, &ticket));
    assert!(bridge.slack.calls("users.getPresence").is_empty());
    assert!(bridge.slack.calls("dnd.teamInfo").is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_waits_while_nobody_has_a_slot_and_goes_to_whoever_has_one_first() {
    let bridge = Bridge::with(&[IN_TURN, ("AGENT_SLOTS", "1")]).await;
    let (first, card) = bridge.ticket("Maria", "Oi").await;
    let one = holder(&bridge, &first).await;
    let (second, second_card) = bridge.ticket("João", "Oi").await;
    let other = holder(&bridge, &second).await;
    assert_ne!(one, other);
    let (third, _) = bridge.ticket("Rita", "Oi").await;
    let (fourth, _) = bridge.ticket("Tina", "Oi").await;
    bridge.idle().await;
    assert!(waits(&bridge, &third) && waits(&bridge, &fourth));
    // A close frees a slot, for who waits longest.
    let user = if one == ANA_AT_BLIP { ANA } else { BIA };
    bridge.slack.reacts(user, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    assert_eq!(holder(&bridge, &third).await, one);
    assert!(waits(&bridge, &fourth));
    // So does a release, and who gives a ticket back is not given the same one at once.
    let user = if other == ANA_AT_BLIP { ANA } else { BIA };
    bridge.slack.clicks(user, CHANNEL, &second_card.ts, "release").await.ok();
    let released = bridge.slack.picks(user, CHANNEL, &second_card.ts, ("more", "release")).await;
    assert!(released.is_ok(), "{}", bridge.slack.transcript());
    assert_eq!(holder(&bridge, &fourth).await, other);
    assert_eq!(given(&bridge, &second_card).len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_break_is_given_nothing_until_they_are_back() {
    let bridge = Bridge::with(&[IN_TURN]).await;
    assert!(asks(&bridge, ANA, "pausa").await.contains("You are on a break"));
    for name in ["Maria", "João"] {
        let (ticket, _) = bridge.ticket(name, "Oi").await;
        assert_eq!(holder(&bridge, &ticket).await, BIA_AT_BLIP);
    }
    assert!(asks(&bridge, ANA, "status").await.contains("On a break since"));
    assert!(!asks(&bridge, BIA, "status").await.contains("On a break"));
    assert!(asks(&bridge, BIA, "pause").await.contains("You are on a break"));
    let (ticket, card) = bridge.ticket("Rita", "Oi").await;
    bridge.idle().await;
    assert!(waits(&bridge, &ticket) && given(&bridge, &card).is_empty());
    assert!(asks(&bridge, ANA, "voltar").await.contains("You are back"));
    assert_eq!(holder(&bridge, &ticket).await, ANA_AT_BLIP);
    assert!(!asks(&bridge, ANA, "status").await.contains("On a break"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_is_ticked_on_the_home_tab_and_outlives_the_bridge() {
    let mut bridge = Bridge::with(&[IN_TURN]).await;
    bridge.opens_home(ANA).await;
    let home = bridge.home_with(ANA, "No new ticket is given to me").await;
    assert!(!home.view.to_string().contains("initial_options"));
    let tick = async |bridge: &Bridge, view: &View| {
        let (id, box_of) = (view.id.as_str(), Some("pause"));
        let answered = bridge.slack.picks_in_view(ANA, id, "switches", box_of).await.unwrap();
        assert_eq!(answered.status, Some(200));
    };
    tick(&bridge, &home).await;
    bridge.opens_home(ANA).await;
    let home = bridge.home_with(ANA, "On a break since").await;
    assert!(home.view.to_string().contains("initial_options"));
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    assert_eq!(holder(&bridge, &ticket).await, BIA_AT_BLIP);
    asks(&bridge, BIA, "pausa").await;
    let (ticket, _) = bridge.ticket("João", "Oi").await;
    bridge.idle().await;
    assert!(waits(&bridge, &ticket));
    bridge.opens_home(ANA).await;
    let home = bridge.home_with(ANA, "On a break since").await;
    tick(&bridge, &home).await;
    assert_eq!(holder(&bridge, &ticket).await, ANA_AT_BLIP);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_to_be_disturbed_is_given_nothing_and_who_is_away_comes_last() {
    let later = Later::start(&[IN_TURN, ("ASSIGN_TIMEOUT_MINUTES", "0")]).await;
    let bridge = &later.bridge;
    let now = later.now().as_second();
    bridge.slack.change_user(ANA, |user| user.undisturbed = Some((now - 60, now + 600)));
    let (first, _) = bridge.ticket("Maria", "Oi").await;
    let (second, _) = bridge.ticket("João", "Oi").await;
    assert_eq!(holder(bridge, &first).await, BIA_AT_BLIP);
    assert_eq!(holder(bridge, &second).await, BIA_AT_BLIP);
    // It is her turn, but Slack calls her away: the other comes first.
    bridge.slack.change_user(ANA, |user| (user.undisturbed, user.is_away) = (None, true));
    later.passes(Duration::from_secs(61)).await;
    let (third, _) = bridge.ticket("Rita", "Oi").await;
    assert_eq!(holder(bridge, &third).await, BIA_AT_BLIP);
    // Alone, she is given tickets all the same: Slack calls people away who work.
    asks(bridge, BIA, "pausa").await;
    later.passes(Duration::from_secs(61)).await;
    let (fourth, _) = bridge.ticket("Tina", "Oi").await;
    assert_eq!(holder(bridge, &fourth).await, ANA_AT_BLIP);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hours_of_peace_end_without_a_word_and_the_ticket_is_given_then() {
    let later = Later::start(&[IN_TURN]).await;
    let bridge = &later.bridge;
    let now = later.now().as_second();
    for user in [ANA, BIA] {
        bridge.slack.change_user(user, |user| user.undisturbed = Some((now - 60, now + 90)));
    }
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    assert!(waits(bridge, &ticket));
    later.passes(Duration::from_secs(61)).await;
    later.is_through().await;
    assert!(waits(bridge, &ticket));
    later.passes(Duration::from_secs(61)).await;
    holder(bridge, &ticket).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_has_not_granted_the_scope_keeps_everything_else() {
    let bridge = Bridge::with(&[IN_TURN]).await;
    bridge.slack.configure(|setup| {
        setup.scopes.remove("dnd:read");
    });
    // What the bridge knows of its scopes is from an earlier answer.
    let (first, _) = bridge.ticket("Maria", "Oi").await;
    holder(&bridge, &first).await;
    let (second, _) = bridge.ticket("João", "Oi").await;
    holder(&bridge, &second).await;
    assert_eq!(bridge.app().unwrap().store().inbox_depth().await.unwrap().parked, 0);
    assert!(bridge.slack.calls("dnd.teamInfo").len() <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slack_that_does_not_tell_who_is_there_holds_nothing_up() {
    let bridge = Bridge::with(&[IN_TURN]).await;
    bridge.slack.faults().from_now("users.getPresence", Fault::RateLimited { retry_after: 30 });
    for name in ["Maria", "João"] {
        let (ticket, _) = bridge.ticket(name, "Oi").await;
        holder(&bridge, &ticket).await;
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_agents_of_the_channel_who_are_known_to_blip_are_given_tickets() {
    let settings = [IN_TURN, ("AGENTS", "S0DESK")];
    let bridge = Bridge::with(&settings).await;
    bridge.slack.add_group("S0DESK", "desk", &[BIA, "U0OTTO", "U0EVA"]);
    // Otto is not in the channel, and nobody knows who Eva is at Blip.
    bridge.slack.add_user(User::member("U0OTTO", "Otto", "otto@loja.example"));
    bridge.slack.add_user(User::member("U0EVA", "Eva", ""));
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert("U0EVA".to_owned());
    });
    for name in ["Maria", "João", "Rita"] {
        let (ticket, _) = bridge.ticket(name, "Oi").await;
        assert_eq!(holder(&bridge, &ticket).await, BIA_AT_BLIP);
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_is_not_answered_goes_to_the_next_and_the_thread_tells_why() {
    let later = Later::start(&[IN_TURN, ("ASSIGN_TIMEOUT_MINUTES", "5")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let first = holder(bridge, &ticket).await;
    later.passes(Duration::from_mins(4)).await;
    later.is_through().await;
    assert_eq!(given(bridge, &card).len(), 1, "there is still time");
    later.passes(Duration::from_secs(61)).await;
    bridge.until("the next agent", || given(bridge, &card).len() == 2).await;
    let second = holder(bridge, &ticket).await;
    assert_ne!(first, second);
    let told = bridge.said(&card).join("\n");
    assert!(told.contains("did not answer within 5 min"), "{told}");
    // Who answers keeps it.
    let user = if second == ANA_AT_BLIP { ANA } else { BIA };
    later.says(user, &card, "Olá!").await;
    later.reached(&ticket, &["Olá!"]).await;
    later.passes(Duration::from_mins(6)).await;
    later.is_through().await;
    assert_eq!(given(bridge, &card).len(), 2);
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), second);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nobody_else_a_ticket_that_was_taken_back_waits_a_while() {
    let settings = [IN_TURN, ("ASSIGN_TIMEOUT_MINUTES", "5"), ("REMIND_UNCLAIMED_MINUTES", "3")];
    let later = Later::start(&settings).await;
    let bridge = &later.bridge;
    asks(bridge, BIA, "pausa").await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    assert_eq!(holder(bridge, &ticket).await, ANA_AT_BLIP);
    later.passes(Duration::from_secs(301)).await;
    let is_back = || bridge.said(&card).iter().any(|line| line.contains("did not answer"));
    bridge.until("it to be taken back", is_back).await;
    // It is not given to her again at once, and the channel is reminded of it as of any other.
    later.passes(Duration::from_secs(181)).await;
    later.is_through().await;
    assert_eq!(given(bridge, &card).len(), 1);
    let is_reminded = || bridge.slack.transcript().contains("nobody has claimed it");
    bridge.until("a reminder", is_reminded).await;
    asks(bridge, BIA, "voltar").await;
    bridge.until("the next agent", || given(bridge, &card).len() == 2).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_blip_lets_nobody_have_is_left_to_people() {
    let bridge = Bridge::with(&[IN_TURN]).await;
    for (user, name) in [("U0EVA", "Eva"), ("U0IVO", "Ivo")] {
        let email = format!("{}@loja.example", name.to_lowercase());
        bridge.slack.add_user(User::member(user, name, &email));
        bridge.slack.change_channel(CHANNEL, |channel| {
            channel.members.insert(user.to_owned());
        });
    }
    let open = "/commands set /tickets/change-status";
    bridge.blip.faults().from_now(open, Fault::Code("67".to_owned()));
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let refusals = || bridge.said(&card).iter().filter(|line| line.contains('⚠')).count();
    bridge.until("refusals", || refusals() >= 3).await;
    bridge.idle().await;
    assert_eq!(refusals(), 3, "{:?}", bridge.said(&card));
    bridge.blip.faults().lift(open);
    // People may claim it as ever.
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    assert_eq!(holder(&bridge, &ticket).await, ANA_AT_BLIP);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_before_it_was_switched_on_is_given_at_the_start() {
    let mut bridge = Bridge::start().await;
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.set_setting(IN_TURN.0, IN_TURN.1);
    bridge.start_bridge().await.unwrap();
    holder(&bridge, &ticket).await;
    bridge.finish().await;
}

/// Where the program dies between a turn that is taken and the end of what follows from it.
const DEATHS: [&str; 7] = [
    "after desk distribute",
    "before desk assign",
    "before open",
    "after open",
    "before claimed",
    "after claimed",
    "after desk assign",
];

/// Waits until a program that may still die has nothing left to do.
async fn rests(service: &mut Service) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while service.metric("blip_slack_waiting_events").await != Some(0.0) {
        assert!(Instant::now() < deadline, "not idle\n{}", service.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
        service.rise();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_ticket_is_given_it_gives_none_twice_and_loses_no_slot() {
    for at in DEATHS {
        let mut bridge = Bridge::with(&[IN_TURN, ("AGENT_SLOTS", "1")]).await;
        bridge.blip.retries_until_taken();
        let patient = vec![Duration::from_millis(50); 1000];
        bridge.blip.configure_delivery(|policy| policy.retries.clone_from(&patient));
        bridge.slack.configure_delivery(|policy| policy.retries.clone_from(&patient));
        let folder = bridge.folder().to_owned();
        let mut service = Service::replace_dying_at(&mut bridge, &folder, Some(at)).await;
        let opening = async {
            let mut tickets = Vec::new();
            for name in ["Maria", "João", "Rita"] {
                let new = NewTicket::saying(name, &format!("{name}@0mn.io"), "Oi");
                tickets.push(bridge.blip.opens_ticket(new).await.id);
            }
            tickets
        };
        tokio::pin!(opening);
        // It may die of the first of them, and has to be there for the others.
        let tickets = loop {
            tokio::select! {
                tickets = &mut opening => break tickets,
                () = tokio::time::sleep(Duration::from_millis(20)) => service.rise(),
            }
        };
        let holders = || {
            let held = tickets.iter().map(|ticket| bridge.blip.ticket(ticket).unwrap().agent);
            held.flatten().collect::<Vec<_>>()
        };
        let count_given = || bridge.slack.transcript().matches("was given this ticket").count();
        let two = || {
            service.rise();
            count_given() == 2
        };
        bridge.until("two are given", two).await;
        rests(&mut service).await;
        assert!(!service.is_to_die(), "it did not die at {at}");
        let mut both = holders();
        both.sort();
        assert_eq!(both, [ANA_AT_BLIP, BIA_AT_BLIP], "{at}: {}", bridge.slack.transcript());
        // A slot that is free is given, and no other.
        let held = tickets.iter().find(|ticket| !waits(&bridge, ticket)).unwrap();
        bridge.blip.closes(held, "ClosedClient").await.unwrap();
        bridge.until("the third is given", || count_given() == 3).await;
        rests(&mut service).await;
        assert_eq!(holders().len(), 3, "{at}");
        assert_eq!(count_given(), 3, "{at}: {}", bridge.slack.transcript());
        let violations = [bridge.slack.violations(), bridge.blip.violations()].concat();
        assert!(violations.is_empty(), "{at}: {violations:#?}");
    }
}
