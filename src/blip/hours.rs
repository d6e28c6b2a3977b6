//! When the desk of a bot is attended, as its portal keeps it (`blip.md`, additions §6).

use std::collections::HashMap;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::lenient::{get_date, get_integer, get_list, get_text, is_true};
use crate::model::{DeskHours, WorkingHours, ZonedHours};

/// The last minute of a day, which is as late as the portal lets a day end.
const LAST_MINUTE: (i8, i8) = (23, 59);

/// The zones of Windows in which desks keep their hours, by their names in the tz database (CLDR,
/// `windowsZones.xml`).
const WINDOWS_ZONES: [(&str, &str); 27] = [
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("Bahia Standard Time", "America/Bahia"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("Paraguay Standard Time", "America/Asuncion"),
    ("Romance Standard Time", "Europe/Paris"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Tocantins Standard Time", "America/Araguaina"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("UTC-02", "America/Noronha"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

/// Puts together the hours of a desk from its schedules, each as it was read by its id.
pub(super) fn collect_hours(schedules: &[Value]) -> DeskHours {
    let mut desk = DeskHours::default();
    for schedule in schedules {
        let head = schedule.get("attendanceHour").unwrap_or(schedule);
        let zone_name = get_text(head, "timeZoneId");
        let zone = zone_name.as_deref().and_then(find_zone);
        desk.unknown_zone = desk.unknown_zone.or(zone_name.filter(|_| zone.is_none()));
        let Some(hours) = read_schedule(schedule) else { continue };
        let hours = ZonedHours { hours, zone };
        if is_true(head, "isMain") {
            desk.main = Some(hours);
            continue;
        }
        // A queue has one schedule at most; its name stands as its description.
        let queues = get_list(schedule, "queues").iter();
        let named = queues.filter_map(|queue| get_text(queue, "description"));
        desk.teams.extend(named.map(|team| (team, hours.clone())).collect::<HashMap<_, _>>());
    }
    desk
}

fn read_schedule(schedule: &Value) -> Option<WorkingHours> {
    let spans = get_list(schedule, "attendanceHourScheduleItems").iter().filter_map(read_span);
    let closed = get_list(schedule, "attendanceHourOffItems").iter().filter_map(read_closed_time);
    WorkingHours::from_spans(spans, closed.collect())
}

fn read_span(item: &Value) -> Option<(Weekday, Time, Time)> {
    let day = read_weekday(item)?;
    let from = parse_time(&get_text(item, "startTime")?)?;
    let to = parse_time(&get_text(item, "endTime")?)?;
    let is_end = (to.hour(), to.minute()) == LAST_MINUTE || to == Time::midnight();
    Some((day, from, if is_end { Time::MAX } else { to }))
}

/// By its English name or, from the older of two portals, counted from Sunday.
fn read_weekday(item: &Value) -> Option<Weekday> {
    if let Some(number) = get_integer(item, "dayOfWeek") {
        return Weekday::from_sunday_zero_offset(i8::try_from(number).ok()?).ok();
    }
    let name = get_text(item, "dayOfWeek")?.to_ascii_lowercase();
    [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ]
    .into_iter()
    .find_map(|(known, day)| (known == name).then_some(day))
}

/// A time of day as Blip writes it: `HH:mm:ss` or `HH:mm`.
fn parse_time(text: &str) -> Option<Time> {
    let mut parts = text.trim().split(':');
    let mut number = || parts.next()?.get(..2)?.parse::<i8>().ok();
    Time::new(number()?, number()?, 0, 0).ok()
}

/// A time at which nobody attends: the portal writes the clock on the wall as if it were UTC.
fn read_closed_time(item: &Value) -> Option<(DateTime, DateTime)> {
    let wall = |at: Timestamp| at.to_zoned(TimeZone::UTC).datetime();
    let from = wall(get_date(item, "startDate")?);
    let to = wall(get_date(item, "endDate")?);
    let is_end = (to.hour(), to.minute()) == LAST_MINUTE;
    let to = if is_end { to.saturating_add(SignedDuration::from_mins(1)) } else { to };
    (from < to).then_some((from, to))
}

/// A zone by its name in Windows or in the tz database.
fn find_zone(name: &str) -> Option<TimeZone> {
    let known = WINDOWS_ZONES.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
    TimeZone::get(known.map_or(name, |(_, zone)| zone)).ok()
}

/// The ids of the schedules in a list of them.
pub(super) fn list_ids(entries: &[Value]) -> Vec<String> {
    let id = |entry: &Value| {
        get_text(entry, "id").or_else(|| get_text(entry.get("attendanceHour")?, "id"))
    };
    entries.iter().filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// As Blip was seen to answer, with a queue's own hours and days off as its portal writes them.
    fn desk() -> DeskHours {
        let item = |day: Value, from: &str, to: &str| json!({ "dayOfWeek": day, "startTime": from, "endTime": to });
        collect_hours(&[
            json!({
                "attendanceHour": { "id": "a", "title": "Regular", "isMain": true,
                    "timeZoneId": "Central Standard Time (Mexico)" },
                "attendanceHourScheduleItems": [
                    item(json!("Monday"), "11:00:00", "20:00:00"), item(json!("Sunday"), "00:00", "23:59"),
                    item(json!("Someday"), "11:00:00", "20:00:00"), item(json!("Friday"), "x", "20:00:00"),
                ],
                "attendanceHourOffItems": [], "queues": [], "attendants": [],
            }),
            json!({
                "attendanceHour": { "id": "b", "title": "Vendas", "isMain": false },
                "attendanceHourScheduleItems": [item(json!(1), "08:00", "12:00"), item(json!(2), "08:00", "12:00")],
                "attendanceHourOffItems": [{ "reason": "Feriado", "startDate": "2026-08-03T00:00:00.000Z",
                    "endDate": "2026-08-03T23:59:00.000Z" },
                    { "startDate": "2026-08-04T09:00:00.000Z", "endDate": "2026-08-04T11:00:00.000Z" }],
                "queues": [{ "id": "q", "description": "Vendas" }],
            }),
        ])
    }

    #[test]
    fn the_hours_of_a_desk_are_read_in_its_own_zone() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let desk = desk();
        let half_an_hour = SignedDuration::from_mins(30);
        let ends = |team: Option<&str>, start: &str| {
            let hours = desk.of_team(team).unwrap();
            let zone = hours.zone.as_ref().unwrap_or(&zone);
            hours.hours.add_working_time(at(start), half_an_hour, zone)
        };
        // The 3rd of August 2026 is a Monday; Mexico is six hours behind.
        assert_eq!(ends(None, "2026-08-03T17:00:00Z"), at("2026-08-03T17:30:00Z"));
        assert_eq!(ends(Some("Suporte"), "2026-08-04T02:00:00Z"), at("2026-08-09T06:30:00Z"));
        // The Sunday that ends at 23:59 goes on until midnight, and Monday begins at eleven. The last
        // moment of a day is a nanosecond before the next one.
        let ended = ends(None, "2026-08-10T05:50:00Z");
        assert_eq!(ended.as_second(), at("2026-08-10T17:20:00Z").as_second());
        // A day off, and the middle of a morning.
        assert_eq!(ends(Some("Vendas"), "2026-08-03T11:00:00Z"), at("2026-08-04T11:30:00Z"));
        assert_eq!(ends(Some("Vendas"), "2026-08-04T11:50:00Z"), at("2026-08-04T14:20:00Z"));
        assert_eq!(desk.unknown_zone, None);
    }

    #[test]
    fn what_cannot_be_read_of_a_desk_costs_nothing_else() {
        let unknown = collect_hours(&[json!({
            "attendanceHour": { "isMain": true, "timeZoneId": "Atlantis Standard Time" },
            "attendanceHourScheduleItems": [{ "dayOfWeek": "Monday", "startTime": "08:00", "endTime": "18:00" }],
        })]);
        assert!(unknown.main.is_some_and(|hours| hours.zone.is_none()));
        assert_eq!(unknown.unknown_zone.as_deref(), Some("Atlantis Standard Time"));
        for schedule in [json!(null), json!([]), json!({ "attendanceHour": { "isMain": true } })] {
            assert_eq!(collect_hours(&[schedule]), DeskHours::default());
        }
        assert_eq!(
            list_ids(&[
                json!({ "id": "a" }),
                json!({ "attendanceHour": { "id": "b" } }),
                json!({})
            ]),
            ["a", "b"]
        );
        for (_, zone) in WINDOWS_ZONES {
            assert!(TimeZone::get(zone).is_ok(), "{zone}");
        }
    }
}
