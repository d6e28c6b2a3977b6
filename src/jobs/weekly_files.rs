//! The files of the weekly post: its picture and its table. No calls.

use std::fmt::Write;

use jiff::{Span, Timestamp};

use crate::locale::Texts;
use crate::media::{Chart, ChartBar, ChartPanel};
use crate::model::SlackUserId;
use crate::model::report::{ServiceReport, TimeSpread, served_until, team_of};
use crate::slack::card;
use crate::slack::weekly::{WeeklyPost, agent_of, week_title};

/// Most bars of a panel.
const MAX_BARS: usize = 8;
/// What keeps Excel from reading a table's letters wrong.
const BYTE_ORDER_MARK: char = '\u{FEFF}';
/// What stands between the headings of the table in our texts.
const HEADING_SEPARATOR: &str = "|";
/// Programs for tables take a cell that begins with one of these for a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The picture of a week.
pub(crate) fn build_chart(week: &WeeklyPost<'_>, texts: &Texts) -> Chart {
    let ServiceReport { agents, teams, .. } = week.report;
    let agent = |user: &SlackUserId| week.names.get(user).cloned().unwrap_or(user.to_string());
    let team = |name: &Option<String>| match name {
        Some(name) => name.clone(),
        None => texts.text("home-no-team", &[]),
    };
    let panel = |key: &str, bars| ChartPanel { title: texts.text(key, &[]), bars };
    let closed = agents.iter().filter_map(|(user, times)| {
        let count = u32::try_from(times.closing?.count).unwrap_or(u32::MAX);
        Some(ChartBar { label: agent(user), value: count, shown: count.to_string() })
    });
    let by_team = teams
        .iter()
        .filter_map(|(name, times)| Some(draw_median(team(name), times.first_answer?, texts)));
    let by_agent = agents
        .iter()
        .filter_map(|(user, times)| Some(draw_median(agent(user), times.first_answer?, texts)));
    Chart {
        // The font of the picture has no emoji.
        title: week_title(week, texts).trim_start_matches("📊 ").to_owned(),
        panels: vec![
            panel("weekly-per-day", draw_days(week, texts)),
            panel("weekly-closed-by-agent", closed.take(MAX_BARS).collect()),
            panel("weekly-first-by-team", by_team.take(MAX_BARS).collect()),
            panel("weekly-first-by-agent", by_agent.take(MAX_BARS).collect()),
        ],
    }
}

/// The first day of a week, for the names of files.
pub(crate) fn first_day(week: &WeeklyPost<'_>, texts: &Texts) -> String {
    texts.to_zoned(week.span.start).date().to_string()
}

/// The table of a week's tickets: when each arrived, was answered and ended.
pub(crate) fn write_table(week: &WeeklyPost<'_>, texts: &Texts) -> String {
    let separator = texts.text("weekly-separator", &[]);
    let headings = texts.text("weekly-columns", &[]);
    let mut table = String::from(BYTE_ORDER_MARK);
    let mut add_line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| quote_cell(cell, &separator)).collect();
        // Writing to a text cannot fail.
        let _written = write!(table, "{}\r\n", cells.join(&separator));
    };
    add_line(&headings.split(HEADING_SEPARATOR).map(str::to_owned).collect::<Vec<_>>());
    for ticket in week.tickets {
        let answered = ticket.first_answer.as_ref().map(|answer| answer.at);
        let ended = served_until(ticket);
        let time = |at: Option<Timestamp>| {
            at.map(|at| texts.to_zoned(at).strftime("%Y-%m-%d %H:%M:%S").to_string())
        };
        let seconds = |at: Option<Timestamp>| {
            at.map(|at| at.duration_since(ticket.opened).as_secs().to_string())
        };
        let agent = agent_of(ticket).and_then(|user| week.names.get(user).cloned());
        let cells = [
            ticket.number.map(|number| number.to_string()),
            Some(ticket.id.bot().to_string()),
            team_of(ticket),
            agent,
            time(Some(ticket.opened)),
            time(answered),
            time(ended),
            seconds(answered),
            seconds(ended),
            card::find_ending_text(ticket, texts),
            ticket.rating.clone(),
        ];
        add_line(&cells.map(Option::unwrap_or_default));
    }
    table
}

fn draw_days(week: &WeeklyPost<'_>, texts: &Texts) -> Vec<ChartBar> {
    let names = texts.text("weekly-days", &[]);
    let mut counts = [0_u32; 7];
    for ticket in week.tickets.iter().filter(|ticket| week.span.contains(&ticket.opened)) {
        let day = texts.to_zoned(ticket.opened).weekday().to_monday_zero_offset();
        if let Some(count) = usize::try_from(day).ok().and_then(|day| counts.get_mut(day)) {
            *count += 1;
        }
    }
    let first = texts.to_zoned(week.span.start);
    let bar = |(place, (name, count)): (i64, (&str, u32))| {
        let day = first.checked_add(Span::new().days(place)).map(|day| day.day());
        let label = day.map_or_else(|_| name.to_owned(), |day| format!("{name} {day:02}"));
        ChartBar { label, value: count, shown: count.to_string() }
    };
    (0..).zip(names.split_whitespace().zip(counts)).map(bar).collect()
}

fn draw_median(label: String, spread: TimeSpread, texts: &Texts) -> ChartBar {
    let value = u32::try_from(spread.median.as_secs()).unwrap_or_default();
    ChartBar { label, value, shown: texts.format_duration(spread.median) }
}

/// A cell as RFC 4180 has it, in which nothing counts as a formula.
fn quote_cell(cell: &str, separator: &str) -> String {
    let is_formula = cell.starts_with(FORMULA_STARTS);
    // Names of teams and agents come from outside: one that begins with `=` must not run in a
    // lead's spreadsheet.
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', '\n', '\r']) || cell.contains(separator) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_no_formula() {
        for (cell, written) in [
            ("Vendas", "Vendas"),
            ("a;b", "\"a;b\""),
            ("a,b", "a,b"),
            ("diz \"oi\"", "\"diz \"\"oi\"\"\""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@soma", "'@soma"),
        ] {
            assert_eq!(quote_cell(cell, ";"), written);
        }
    }
}
