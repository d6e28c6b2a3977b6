//! The hours in which the team works: several spans a day, days off, and teams of their own.

use std::time::Duration;

use blip_slack_standins::blip::NewTicket;
use jiff::civil::{Weekday, time};
use serde_json::{Value, json};

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

/// A schedule as the portal of Blip keeps it: on each working day, from and to.
fn schedule(head: &Value, queues: &[&str], spans: &[(&str, &str)]) -> Value {
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
    let item = |(day, (from, to)): (&str, &(&str, &str))| json!({ "dayOfWeek": day, "startTime": from, "endTime": to });
    let items = days.iter().flat_map(|day| spans.iter().map(move |span| (*day, span)));
    let items: Vec<Value> = items.map(item).collect();
    let queue = |name: &&str| json!({ "id": format!("queue-{name}"), "description": name });
    let queues: Vec<Value> = queues.iter().map(queue).collect();
    json!({ "attendanceHour": head, "attendanceHourScheduleItems": items,
        "attendanceHourOffItems": [], "queues": queues, "attendants": [] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hours_of_the_desk_at_blip_count_if_they_are_to_and_go_on_while_blip_is_silent() {
    let later = Later::start(&[
        ("BUSINESS_HOURS", "blip"),
        ("BUSINESS_HOURS_TEAMS", "Suporte=mon-sun 00:00-24:00"),
        ("TIMEZONE", "America/Sao_Paulo"),
        ("REMIND_UNCLAIMED_MINUTES", "30"),
    ])
    .await;
    let main = json!({ "id": "main", "isMain": true });
    // Three hours behind: from 14:00 to 18:00 here.
    let own =
        json!({ "id": "own", "isMain": false, "timeZoneId": "Central Standard Time (Mexico)" });
    let schedules = vec![
        schedule(&main, &[], &[("09:00:00", "12:00:00"), ("13:00:00", "18:00:00")]),
        schedule(&own, &["Vendas"], &[("11:00", "15:00")]),
    ];
    later.bridge.blip.configure(move |setup| setup.schedules = schedules);
    later.reaches(Weekday::Tuesday, time(11, 39, 0, 0)).await;
    let reads = || later.bridge.blip.calls("/commands get /attendance-hour-container/own").len();
    later.bridge.until("the hours", || reads() > 0).await;
    // They are known once they are read again.
    let before = reads();
    later.reaches(Weekday::Tuesday, time(11, 50, 0, 0)).await;
    later.bridge.until("the hours again", || reads() > before).await;
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
    assert_eq!(reminders(&later, "Rui"), 0, "elsewhere it is morning");
    later.passes(Duration::from_mins(2)).await;
    reminded(&later, "Rui").await;
    // What was read last goes on.
    later.bridge.blip.configure(|setup| setup.hides_rules = true);
    later.reaches(Weekday::Tuesday, time(17, 50, 0, 0)).await;
    ticket(&later, "Nina", "Default").await;
    later.reaches(Weekday::Wednesday, time(9, 19, 0, 0)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, "Nina"), 0, "the evening and the night do not count");
    later.passes(Duration::from_mins(2)).await;
    reminded(&later, "Nina").await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_that_does_not_tell_its_hours_counts_as_always_at_work() {
    let later =
        Later::start(&[("BUSINESS_HOURS", "blip"), ("REMIND_UNCLAIMED_MINUTES", "30")]).await;
    later.bridge.blip.configure(|setup| setup.hides_rules = true);
    later.reaches(Weekday::Sunday, time(3, 0, 0, 0)).await;
    ticket(&later, "Maria", "Default").await;
    later.passes(Duration::from_mins(31)).await;
    reminded(&later, "Maria").await;
    later.bridge.finish().await;
}
