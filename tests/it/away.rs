//! Customers who write while the team does not work are told so, once.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use jiff::civil::{Weekday, time};

use crate::support::later::Later;

const HOURS: (&str, &str) = ("BUSINESS_HOURS", "mon-fri 09:00-18:00");
const TEXT: &str = "Voltamos às 9h.";
const SETTINGS: [(&str, &str); 3] =
    [HOURS, ("OUT_OF_OFFICE_MESSAGE", TEXT), ("REMIND_UNCLAIMED_MINUTES", "0")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_outside_of_hours_is_told_once_until_the_team_works_again() {
    let later = Later::start(&SETTINGS).await;
    let bridge = &later.bridge;
    let maria = "maria@wa.gw.msging.net";
    let said = || bridge.blip.bot_said(maria);
    later.reaches(Weekday::Monday, time(17, 0, 0, 0)).await;
    let ticket = bridge.blip.opens_ticket(NewTicket::saying("Maria", maria, "Oi")).await.id;
    let card = bridge.card_of("Maria").await;
    bridge.idle().await;
    assert!(said().is_empty(), "the team works");
    later.reaches(Weekday::Monday, time(19, 0, 0, 0)).await;
    // The answer to the call is lost: it is looked for, and not made again.
    bridge.blip.faults().next("/messages", Fault::LostAnswer);
    bridge.blip.says(&ticket, "Alguém aí?").await.unwrap();
    bridge.until("an answer", || said() == [TEXT]).await;
    let lines = || bridge.said(&card).join("\n").matches("🌙").count();
    later.skips_pauses_until("a line in the thread", || lines() == 1).await;
    bridge.blip.says(&ticket, "Oi?").await.unwrap();
    bridge.card_of("Maria").await;
    bridge.idle().await;
    assert_eq!((said().len(), lines()), (1, 1), "once");
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_assigned(), "it claims nothing");
    // The next evening is another one.
    later.reaches(Weekday::Tuesday, time(20, 0, 0, 0)).await;
    bridge.blip.says(&ticket, "E hoje?").await.unwrap();
    bridge.until("a second answer", || said().len() == 2).await;
    bridge.idle().await;
    // Who is being attended to hears from their agent.
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a claim", || bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
    later.reaches(Weekday::Wednesday, time(20, 0, 0, 0)).await;
    bridge.blip.says(&ticket, "E agora?").await.unwrap();
    later.passes(Duration::from_secs(1)).await;
    bridge.idle().await;
    assert_eq!(said().len(), 2);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_ticket_outside_of_hours_is_answered_and_nobody_who_has_no_message_is() {
    for has_message in [true, false] {
        let settings = if has_message { &SETTINGS[..] } else { &SETTINGS[..1] };
        let later = Later::start(settings).await;
        let bridge = &later.bridge;
        later.reaches(Weekday::Sunday, time(12, 0, 0, 0)).await;
        let (rita, new) = ("rita@0mn.io", NewTicket::saying("Rita", "rita@0mn.io", "Oi"));
        bridge.blip.opens_ticket(new).await;
        bridge.card_of("Rita").await;
        if has_message {
            bridge.until("an answer", || !bridge.blip.bot_said(rita).is_empty()).await;
        }
        bridge.idle().await;
        assert_eq!(bridge.blip.bot_said(rita).len(), usize::from(has_message));
        later.bridge.finish().await;
    }
}
