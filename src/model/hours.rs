//! When the team works: reminders count working time only.

use std::collections::HashMap;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// The hours in which the team works, by day of the week, and the days on which it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkingHours {
    /// The spans of each day from Monday on, in order, none of which touches the next.
    week: [Vec<(Time, Time)>; 7],
    off: Vec<DayOff>,
    /// Times at which the team does not work, whatever day it is; in order.
    closed: Vec<(DateTime, DateTime)>,
}

/// Hours with the zone in which they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZonedHours {
    pub(crate) hours: WorkingHours,
    /// The zone, if it is told; else that of the settings.
    pub(crate) zone: Option<TimeZone>,
}

/// The hours of a desk at Blip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeskHours {
    /// Those of whoever has none of their own.
    pub(crate) main: Option<ZonedHours>,
    /// Those of teams that have their own.
    pub(crate) teams: HashMap<String, ZonedHours>,
    /// The name of a zone that the desk keeps its hours in and that nobody here knows.
    pub(crate) unknown_zone: Option<String>,
}

impl DeskHours {
    /// The hours of a team; none if the desk has none for it.
    pub(crate) fn of_team(&self, team: Option<&str>) -> Option<&ZonedHours> {
        team.and_then(|team| self.teams.get(team)).or(self.main.as_ref())
    }
}

/// A day on which the team does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOff {
    /// Of every year: month and day.
    Yearly(i8, i8),
    /// Of one date only, such as a holiday that moves.
    Once(Date),
}

/// The text does not say when the team works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours are written as mon-fri 09:00-12:00,13:00-18:00; sat 09:00-13:00; off 12-25")]
pub(crate) struct UnreadableHours;

/// Days that are looked at for working time: even a team of one hour a week has a day of it by then.
const MAX_DAYS_AHEAD: usize = 400;
/// What a list of days off begins with.
const OFF_WORD: &str = "off";
/// A year with a 29th of February, in which every day of any year can be written.
const LEAP_YEAR: i16 = 2024;

impl FromStr for WorkingHours {
    type Err = UnreadableHours;

    /// Reads parts with `;` between them: days with their spans, as in `mon-fri 09:00-12:00,13:00-18:00`
    /// or `sat 08:00-12:00`, and days off of every year or of one, as in `off 12-25,2027-02-09`.
    fn from_str(text: &str) -> Result<Self, UnreadableHours> {
        let mut hours = Self::default();
        for part in text.split(';') {
            let (days, rest) =
                part.trim().split_once(char::is_whitespace).ok_or(UnreadableHours)?;
            if days.eq_ignore_ascii_case(OFF_WORD) {
                for day in rest.split(',') {
                    hours.off.push(parse_day_off(day.trim())?);
                }
                continue;
            }
            let spans: Vec<_> = rest.split(',').map(parse_span).collect::<Result<_, _>>()?;
            let days: Vec<_> = days.split(',').map(parse_days).collect::<Result<_, _>>()?;
            for (number, day) in (0..).zip(&mut hours.week) {
                if days.iter().any(|days| has_day(*days, number)) {
                    day.extend_from_slice(&spans);
                }
            }
        }
        for day in &mut hours.week {
            *day = join_spans(std::mem::take(day));
        }
        // Hours that never open would hold back every reminder for good.
        if hours.week.iter().all(Vec::is_empty) { Err(UnreadableHours) } else { Ok(hours) }
    }
}

impl WorkingHours {
    /// The hours of a week of such spans, but for the times at which the team is closed. `None` if the
    /// team never works, which would hold back every reminder for good.
    pub(crate) fn from_spans(
        spans: impl IntoIterator<Item = (Weekday, Time, Time)>,
        mut closed: Vec<(DateTime, DateTime)>,
    ) -> Option<Self> {
        let mut week: [Vec<(Time, Time)>; 7] = Default::default();
        for (day, from, to) in spans.into_iter().filter(|(_, from, to)| from < to) {
            let place = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
            week.get_mut(place)?.push((from, to));
        }
        let week = week.map(join_spans);
        closed.sort();
        let is_any = week.iter().any(|day| !day.is_empty());
        is_any.then_some(Self { week, off: Vec::new(), closed })
    }

    /// When so much working time has passed since `start`, in the zone in which the team works.
    pub(crate) fn add_working_time(
        &self,
        start: Timestamp,
        work: SignedDuration,
        zone: &TimeZone,
    ) -> Timestamp {
        let mut left = work;
        let mut at = start.to_zoned(zone.clone());
        for _ in 0..MAX_DAYS_AHEAD {
            for (from, to) in self.remaining_spans(&at) {
                let open = to.duration_since(&from);
                if left <= open {
                    return add_time(from.timestamp(), left);
                }
                left -= open;
            }
            // By the calendar and not by 24 hours: where the clock is put forward or back, a day
            // has 23 or 25.
            let Ok(next) = at.start_of_day().and_then(|day| day.checked_add(1.day())) else {
                break;
            };
            at = next;
        }
        // Days off may fill the whole year. Plain time then: a reminder at an odd hour is better
        // than none.
        add_time(start, work)
    }

    /// What is left of the working time of a day.
    fn remaining_spans(&self, at: &Zoned) -> Vec<(Zoned, Zoned)> {
        let date = at.date();
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        if self.off.iter().any(|off| off.is_on(date)) {
            return Vec::new();
        }
        let on = |time: DateTime| time.to_zoned(at.time_zone().clone()).ok();
        let remaining = |(from, to): (DateTime, DateTime)| {
            let (from, to) = (on(from)?, on(to)?);
            let from = if from < *at { at.clone() } else { from };
            (from < to).then_some((from, to))
        };
        let spans = self.week.get(day).into_iter().flatten();
        let spans = spans.map(|(from, to)| (date.to_datetime(*from), date.to_datetime(*to)));
        spans.flat_map(|span| self.without_closed(span)).filter_map(remaining).collect()
    }

    /// What is left of a span when the times are taken out at which the team is closed.
    fn without_closed(&self, (mut from, to): (DateTime, DateTime)) -> Vec<(DateTime, DateTime)> {
        let mut left = Vec::new();
        for (closes, opens) in &self.closed {
            if *closes > from {
                left.push((from, (*closes).min(to)));
            }
            from = from.max(*opens);
            if from >= to {
                return left;
            }
        }
        left.push((from, to));
        left
    }
}

impl DayOff {
    fn is_on(self, date: Date) -> bool {
        match self {
            Self::Yearly(month, day) => (date.month(), date.day()) == (month, day),
            Self::Once(day) => date == day,
        }
    }
}

/// The time so much later; the last that there is, if it is beyond.
fn add_time(start: Timestamp, time: SignedDuration) -> Timestamp {
    start.saturating_add(time).unwrap_or(Timestamp::MAX)
}

/// Whether a day, counted from Monday, is from the first to the last, over the end of the week if
/// need be.
fn has_day((first, last): (Weekday, Weekday), day: i8) -> bool {
    let [first, last] = [first, last].map(Weekday::to_monday_zero_offset);
    if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
}

/// The same time in order, with no span that touches the next.
fn join_spans(mut spans: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    spans.sort();
    let mut joined: Vec<(Time, Time)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            // Time that two spans share must not count twice.
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => joined.push((from, to)),
        }
    }
    joined
}

fn parse_days(text: &str) -> Result<(Weekday, Weekday), UnreadableHours> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((parse_day(first)?, parse_day(last)?))
}

fn parse_span(text: &str) -> Result<(Time, Time), UnreadableHours> {
    let (from, to) = text.trim().split_once('-').ok_or(UnreadableHours)?;
    let (from, to) = (parse_clock_time(from)?, parse_clock_time(to)?);
    if from < to { Ok((from, to)) } else { Err(UnreadableHours) }
}

/// Month and day, or year, month and day.
fn parse_day_off(text: &str) -> Result<DayOff, UnreadableHours> {
    let parts: Vec<&str> = text.split('-').collect();
    let date = |year: i16, month: &str, day: &str| {
        Date::new(year, parse_two_digits(month)?, parse_two_digits(day)?)
            .map_err(|_no_such_day| UnreadableHours)
    };
    match parts.as_slice() {
        [month, day] => {
            let day = date(LEAP_YEAR, month, day)?;
            Ok(DayOff::Yearly(day.month(), day.day()))
        }
        [year, month, day] if year.len() == 4 => {
            let year = year.parse().map_err(|_no_number| UnreadableHours)?;
            Ok(DayOff::Once(date(year, month, day)?))
        }
        _ => Err(UnreadableHours),
    }
}

fn parse_two_digits(text: &str) -> Result<i8, UnreadableHours> {
    // `parse` by itself would take `+9` for a number of two digits.
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse::<i8>().ok()).flatten().ok_or(UnreadableHours)
}

fn parse_day(name: &str) -> Result<Weekday, UnreadableHours> {
    match name.trim().to_ascii_lowercase().as_str() {
        "mon" => Ok(Weekday::Monday),
        "tue" => Ok(Weekday::Tuesday),
        "wed" => Ok(Weekday::Wednesday),
        "thu" => Ok(Weekday::Thursday),
        "fri" => Ok(Weekday::Friday),
        "sat" => Ok(Weekday::Saturday),
        "sun" => Ok(Weekday::Sunday),
        _ => Err(UnreadableHours),
    }
}

fn parse_clock_time(text: &str) -> Result<Time, UnreadableHours> {
    let (hour, minute) = text.trim().split_once(':').ok_or(UnreadableHours)?;
    let (hour, minute) = (parse_two_digits(hour)?, parse_two_digits(minute)?);
    // The end of the day is written as 24:00.
    if (hour, minute) == (24, 0) {
        return Ok(Time::MAX);
    }
    Time::new(hour, minute, 0, 0).ok().ok_or(UnreadableHours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}:00-03:00").parse().unwrap()
    }

    #[test]
    fn only_working_time_passes() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let office: WorkingHours = "mon-fri 09:00-18:00".parse().unwrap();
        let weekend: WorkingHours = "SAT-sun 10:00-12:00".parse().unwrap();
        let shifts = "mon-fri 09:00-12:00,13:00-18:00; sat 09:00-13:00; off 12-25, 2026-09-07";
        let shifts: WorkingHours = shifts.parse().unwrap();
        // What overlaps or touches is counted once.
        let mixed = "mon,wed 08:00-10:00 ; mon-mon 10:00-11:00,09:00-12:00; mon 12:00-14:00";
        let mixed: WorkingHours = mixed.parse().unwrap();
        let rare: WorkingHours = "sun 10:00-11:00".parse().unwrap();
        let [office, weekend, shifts, mixed, rare] = [&office, &weekend, &shifts, &mixed, &rare];
        // The 3rd of August 2026 is a Monday.
        for (hours, start, minutes, end) in [
            (office, "2026-08-03T10:00", 30, "2026-08-03T10:30"),
            (office, "2026-08-03T17:50", 30, "2026-08-04T09:20"),
            (office, "2026-08-03T07:00", 30, "2026-08-03T09:30"),
            (office, "2026-08-07T17:50", 30, "2026-08-10T09:20"),
            (office, "2026-08-08T12:00", 10, "2026-08-10T09:10"),
            (office, "2026-08-03T09:00", 540, "2026-08-03T18:00"),
            (office, "2026-08-03T09:00", 1080, "2026-08-04T18:00"),
            (weekend, "2026-08-03T09:00", 150, "2026-08-09T10:30"),
            // Over lunch, over a short Saturday, over a day off of every year and one of this year.
            (shifts, "2026-08-03T11:50", 30, "2026-08-03T13:20"),
            (shifts, "2026-08-07T17:50", 30, "2026-08-08T09:20"),
            (shifts, "2026-08-08T12:50", 30, "2026-08-10T09:20"),
            (shifts, "2026-12-24T17:50", 30, "2026-12-26T09:20"),
            (shifts, "2026-09-04T17:50", 30, "2026-09-05T09:20"),
            (shifts, "2026-09-05T12:50", 30, "2026-09-08T09:20"),
            (shifts, "2027-09-06T17:50", 30, "2027-09-07T09:20"),
            (mixed, "2026-08-03T08:00", 300, "2026-08-03T13:00"),
            (mixed, "2026-08-04T08:00", 90, "2026-08-05T09:30"),
            (rare, "2026-08-03T08:00", 1440, "2027-01-17T11:00"),
        ] {
            let work = SignedDuration::from_mins(minutes);
            assert_eq!(
                hours.add_working_time(at(start), work, &zone),
                at(end),
                "{start} + {minutes}"
            );
        }
    }

    #[test]
    fn what_says_no_hours_is_refused() {
        for text in [
            "",
            "mon-fri",
            "09:00-18:00",
            "mon-fri 18:00-09:00",
            "mon-fri 9-18",
            "seg-sex 09:00-18:00",
            "mon-fri 09:00-25:00",
            "mon-fri 09:00-09:00",
            "mon-fri +9:00-18:00",
            "mon-fri 09:00-18:00;",
            "mon-fri 09:00-12:00,",
            "mon,,fri 09:00-12:00",
            "off 12-25",
            "mon-fri 09:00-18:00; off",
            "mon-fri 09:00-18:00; off 25-12",
            "mon-fri 09:00-18:00; off 2-9",
            "mon-fri 09:00-18:00; off 2026-02-29",
            "mon-fri 09:00-18:00; off 12-25-2026",
        ] {
            assert_eq!(text.parse::<WorkingHours>(), Err(UnreadableHours), "{text:?}");
        }
        for text in
            ["mon-sun 00:00-24:00", "mon-fri 09:00-18:00; off 02-29", "SUN-mon\t09:00-10:00"]
        {
            assert!(text.parse::<WorkingHours>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn no_time_is_too_late() {
        let hours: WorkingHours = "mon-fri 09:00-18:00".parse().unwrap();
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let late = hours.add_working_time(Timestamp::MAX, SignedDuration::MAX, &zone);
        assert_eq!(late, Timestamp::MAX);
    }

    proptest::proptest! {
        #[test]
        fn time_never_runs_backwards(seconds in 0_i64..4_000_000_000, minutes in 0_i64..10_000) {
            let hours: WorkingHours = "mon-fri 09:00-18:00".parse().unwrap();
            let zone = TimeZone::get("America/Sao_Paulo").unwrap();
            let start = Timestamp::from_second(seconds).unwrap();
            let work = SignedDuration::from_mins(minutes);
            proptest::prop_assert!(hours.add_working_time(start, work, &zone) >= start + work);
        }
    }
}
