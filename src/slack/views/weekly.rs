//! How a week is told to who leads the team. No calls.
//!
//! No words of customers are in any of it, nor who they are: a channel of leads may have other
//! readers than that of the tickets.

use std::collections::HashMap;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use slack_morphism::blocks::SlackBlock;

use super::blocks::section_block;
use crate::locale::Texts;
use crate::model::report::{ServiceReport, ServiceTimes, TimeSpread, served_until, server_of};
use crate::model::{SlackUserId, Ticket};
use crate::slack::text::rich_text::{self, Mention};

/// What is told of a week.
pub(crate) struct WeeklyPost<'a> {
    /// From its first day to the first of the next.
    pub(crate) span: Range<Timestamp>,
    /// The tickets to which something happened in it.
    pub(crate) tickets: &'a [Ticket],
    pub(crate) report: &'a ServiceReport,
    /// What agents are called.
    pub(crate) names: &'a HashMap<SlackUserId, String>,
}

/// Whether a ticket arrived, was answered or ended in a span of time.
pub(crate) fn has_happened(ticket: &Ticket, span: &Range<Timestamp>) -> bool {
    let answered = ticket.first_answer.as_ref().map(|answer| answer.at);
    [Some(ticket.opened), answered, served_until(ticket)]
        .into_iter()
        .flatten()
        .any(|at| span.contains(&at))
}

/// Who served the customer of a ticket so far.
pub(crate) fn agent_of(ticket: &Ticket) -> Option<&SlackUserId> {
    ticket.holder().map(|holder| &holder.user).or_else(|| server_of(ticket))
}

/// The words of the post: for notifications, and as blocks.
pub(crate) fn render_week(
    week: &WeeklyPost<'_>,
    mention: &Mention,
    texts: &Texts,
) -> (String, Vec<SlackBlock>) {
    let (text, title) = rich_text::to_mention_post(mention, &week_title(week, texts));
    let opened = week.tickets.iter().filter(|ticket| week.span.contains(&ticket.opened)).count();
    let ServiceTimes { first_answer, closing } = week.report.all;
    let spread =
        |key: &str, spread| texts.text(key, &[("spread", describe_spread(spread, texts).as_str())]);
    let lines = [
        texts.text("weekly-opened", &[("count", &opened.to_string())]),
        spread("weekly-answered", first_answer),
        spread("weekly-closed", closing),
    ];
    (text, vec![title, section_block(lines.join("\n"))])
}

/// What a week is called.
pub(crate) fn week_title(week: &WeeklyPost<'_>, texts: &Texts) -> String {
    // The week ends with the day before the next one begins.
    let last = week.span.end - SignedDuration::from_secs(1);
    let days = [texts.format_day(week.span.start), texts.format_day(last)];
    texts.text("weekly-title", &[("from", &days[0]), ("until", &days[1])])
}

fn describe_spread(spread: Option<TimeSpread>, texts: &Texts) -> String {
    let Some(spread) = spread else { return texts.text("weekly-none", &[]) };
    let args = [
        ("count", &*spread.count.to_string()),
        ("median", &texts.format_duration(spread.median)),
        ("slowest", &texts.format_duration(spread.slowest)),
    ];
    texts.text("lead-spread", &args)
}
