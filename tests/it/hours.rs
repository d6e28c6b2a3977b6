//! The hours in which the team works: several spans a day, days off, and teams of their own.

use std::time::Duration;

use blip_slack_standins::blip::NewTicket;
use jiff::civil::{Weekday, time};

use crate::support::later::Later;

/// A customer opens a ticket in this team's queue.
async fn ticket(later: &Later, name: &str, team: &str) {
    let identity = format!("{}@wa.gw.msging.net", name.to_lowercase());
    let new = NewTicket { team: team.to_owned(), ..NewTicket::saying(name, &identity, "Oi") };
    later.bridge.blip.opens_ticket(new).await;
    later.bridge.card_of(name).await;
}

/// How often a customer is named in reminders: one post names all tickets that nobody has claimed.
fn reminders(later: &Later, name: &str) -> usize {
    later.bridge.slack.transcript().matches(&format!("{name} #")).count()
}

async fn reminded(later: &Later, name: &str) {
    later.bridge.until(&format!("a reminder of {name}"), || reminders(later, name) > 0).await;
    later.is_through().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_with_hours_of_its_own_is_reminded_in_these() {
    let later = Later::start(&[
        ("BUSINESS_HOURS", "mon-fri 09:00-12:00,13:00-18:00; sat 09:00-13:00"),
        ("BUSINESS_HOURS_TEAMS", "Suporte=mon-sun 00:00-24:00|Vendas=mon-fri 14:00-18:00"),
        ("TIMEZONE", "America/Sao_Paulo"),
        ("REMIND_UNCLAIMED_MINUTES", "30"),
    ])
    .await;
    later.reaches(Weekday::Tuesday, time(11, 50, 0, 0)).await;
    ticket(&later, "Maria", "Suporte").await;
    ticket(&later, "Rui", "Vendas").await;
    ticket(&later, "Bento", "Default").await;
    later.reaches(Weekday::Tuesday, time(12, 21, 0, 0)).await;
    reminded(&later, "Maria").await;
    later.reaches(Weekday::Tuesday, time(13, 19, 0, 0)).await;
    later.bridge.idle().await;
    assert_eq!((reminders(&later, "Rui"), reminders(&later, "Bento")), (0, 0), "lunch");
    later.passes(Duration::from_mins(2)).await;
    reminded(&later, "Bento").await;
    later.reaches(Weekday::Tuesday, time(14, 29, 0, 0)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, "Rui"), 0, "its day begins in the afternoon");
    later.passes(Duration::from_mins(2)).await;
    reminded(&later, "Rui").await;
    later.bridge.finish().await;
}
