//! When the team works: reminders count working time only.

use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// The days and hours in which the team works, the same on each of its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkingHours {
    first: Weekday,
    last: Weekday,
    from: Time,
    to: Time,
}

/// The text does not say when the team works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours are written as mon-fri 09:00-18:00")]
pub(crate) struct UnreadableHours;

/// Days that are looked at for working time: two weeks hold some for everybody.
const MAX_DAYS_AHEAD: usize = 15;

impl FromStr for WorkingHours {
    type Err = UnreadableHours;

    /// Reads `mon-fri 09:00-18:00`, or one day alone as in `sat 08:00-12:00`.
    fn from_str(text: &str) -> Result<Self, UnreadableHours> {
        let (days, times) = text.trim().split_once(' ').ok_or(UnreadableHours)?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, to) = times.trim().split_once('-').ok_or(UnreadableHours)?;
        let hours = Self {
            first: parse_day(first)?,
            last: parse_day(last)?,
            from: parse_clock_time(from)?,
            to: parse_clock_time(to)?,
        };
        if hours.from < hours.to { Ok(hours) } else { Err(UnreadableHours) }
    }
}

impl WorkingHours {
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
            if let Some((from, to)) = self.remaining_shift(&at) {
                let open = to.duration_since(&from);
                if left <= open {
                    return from.timestamp() + left;
                }
                left -= open;
            }
            let Ok(next) = at.start_of_day().and_then(|day| day.checked_add(1.day())) else {
                break;
            };
            at = next;
        }
        start + work
    }

    /// What is left of the working time of a day.
    fn remaining_shift(&self, at: &Zoned) -> Option<(Zoned, Zoned)> {
        if !self.is_open_on(at.weekday()) {
            return None;
        }
        let on = |time: Time| at.date().to_datetime(time).to_zoned(at.time_zone().clone()).ok();
        let (from, to) = (on(self.from)?, on(self.to)?);
        let from = if from < *at { at.clone() } else { from };
        (from < to).then_some((from, to))
    }

    /// From the first day to the last, over the end of the week if need be.
    fn is_open_on(&self, day: Weekday) -> bool {
        let [first, last, day] = [self.first, self.last, day].map(Weekday::to_monday_zero_offset);
        if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
    }
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
    let number = |text: &str| {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<i8>().ok()).flatten().ok_or(UnreadableHours)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
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
        ] {
            assert_eq!(text.parse::<WorkingHours>(), Err(UnreadableHours), "{text:?}");
        }
        assert!("mon-sun 00:00-24:00".parse::<WorkingHours>().is_ok());
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
