//! The desk at a glance: home tab and answers to `/blip`. No calls.
//!
//! Ages are Slack dates, so what is shown changes only when something has happened.

use serde_json::{Value, json};

use super::card::{button_json, date, escape_line, is_team, thread_link};
use super::workspace::Asker;
use super::{action, render, rich_text};
use crate::locale::Words;
use crate::model::{State, Ticket};

/// Most tickets of one list: two blocks each, of the 100 that a home tab may have.
const MOST_TICKETS: usize = 18;
/// Most tickets in the answer to a command, of the 50 blocks that it may have.
const MOST_ANSWERED: usize = 10;
/// Most teams that are named.
const MOST_TEAMS: usize = 12;
/// The command.
pub const COMMAND: &str = "/blip";

/// What somebody asks `/blip` for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The tickets that they hold.
    Mine,
    /// The tickets that nobody holds.
    Waiting,
    /// The tickets with this number, or of a customer of this name.
    Find(String),
    /// How the bridge is.
    Status,
    /// What can be asked for.
    Help,
}

impl Wanted {
    /// Reads what follows the command; what is not understood asks for help.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (word.to_lowercase().as_str(), rest.trim()) {
            ("mine", _) => Self::Mine,
            ("waiting", _) => Self::Waiting,
            ("status", _) => Self::Status,
            ("find", rest) if !rest.is_empty() => Self::Find(rest.to_owned()),
            _ => Self::Help,
        }
    }
}

/// A command that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub by: Asker,
    /// What they ask for.
    pub wanted: Wanted,
}

/// A ticket in a list, with the address of its thread.
#[derive(Clone, Debug)]
pub struct Row {
    /// The ticket.
    pub ticket: Ticket,
    /// Where its thread is.
    pub address: Option<String>,
    /// Whether the reader holds it.
    pub is_own: bool,
}

/// How the bridge is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Events that wait for a person, in channels that the reader is in.
    pub parked: usize,
    /// Something keeps the bridge from working.
    pub is_ailing: bool,
}

/// What the home tab shows to somebody: what they hold, and what nobody holds, oldest first.
pub fn tab(mine: &[Row], waiting: &[Row], health: Health, words: &Words) -> Value {
    let mut blocks = vec![header(&words.say("home-mine", &[("count", &count(mine))]))];
    blocks.extend(rows(mine, MOST_TICKETS, words, "home-none-mine"));
    blocks.push(json!({"type": "divider"}));
    blocks.push(header(&words.say("home-waiting", &[("count", &count(waiting))])));
    blocks.extend(by_team(waiting, MOST_TICKETS, words));
    blocks.push(json!({"type": "divider"}));
    blocks.push(context(&health_line(health, words)));
    json!({"type": "home", "blocks": blocks})
}

/// What the home tab shows to somebody who is no agent.
pub fn closed(words: &Words) -> Value {
    json!({"type": "home", "blocks": [context(&words.say("home-closed", &[]))]})
}

/// The answer to a command, for the one who typed it.
pub fn answer(text: &str, blocks: &[Value]) -> Value {
    json!({"response_type": "ephemeral", "text": text, "blocks": blocks})
}

/// The tickets that somebody holds, as an answer.
pub fn mine(rows: &[Row], words: &Words) -> Value {
    let title = words.say("home-mine", &[("count", &count(rows))]);
    let mut blocks = vec![header(&title)];
    blocks.extend(self::rows(rows, MOST_ANSWERED, words, "home-none-mine"));
    answer(&title, &blocks)
}

/// The tickets that nobody holds, as an answer.
pub fn waiting(rows: &[Row], words: &Words) -> Value {
    let title = words.say("home-waiting", &[("count", &count(rows))]);
    let mut blocks = vec![header(&title)];
    blocks.extend(by_team(rows, MOST_ANSWERED, words));
    answer(&title, &blocks)
}

/// The tickets that were found, as an answer.
pub fn found(rows: &[Row], words: &Words) -> Value {
    let title = words.say("home-found", &[("count", &count(rows))]);
    let mut blocks = vec![header(&title)];
    blocks.extend(self::rows(rows, MOST_ANSWERED, words, "home-none-found"));
    answer(&title, &blocks)
}

/// How the bridge is, as an answer.
pub fn status(open: usize, unclaimed: usize, health: Health, words: &Words) -> Value {
    let (open, unclaimed) = (open.to_string(), unclaimed.to_string());
    let tickets = words.say("home-open", &[("open", &open), ("unclaimed", &unclaimed)]);
    let text = format!("{tickets}\n{}", health_line(health, words));
    answer(&text, &[rich_text::literal(&text).1])
}

/// What can be asked for, as an answer.
pub fn help(words: &Words) -> Value {
    let lines = ["mine", "waiting", "find", "status"];
    let line = |name: &str| {
        let what = words.say(&format!("help-{name}"), &[]);
        format!("{COMMAND} {name}: {what}")
    };
    let text = lines.map(line).join("\n");
    answer(&text, &[rich_text::literal(&text).1])
}

/// What came of a move that was made from a list: the text with this key.
pub fn done(
    key: &str,
    ticket: &Ticket,
    address: Option<&str>,
    words: &Words,
) -> (String, Vec<Value>) {
    let name = format!("{} {}", render::number(ticket), render::name(&ticket.customer));
    let text = words.say(key, &[("ticket", &escape_line(name.trim()))]);
    let shown = words.say(key, &[("ticket", &linked(name.trim(), address))]);
    (text, vec![section(&shown)])
}

/// What is said about a ticket to one person, where its thread is not to be seen.
pub fn beside(
    ticket: &Ticket,
    address: Option<&str>,
    (text, blocks): (&str, &[Value]),
) -> (String, Vec<Value>) {
    let name = format!("{} {}", render::number(ticket), render::name(&ticket.customer));
    let said = if blocks.is_empty() { vec![rich_text::literal(text).1] } else { blocks.to_vec() };
    let title = context(&linked(name.trim(), address));
    (format!("{}: {text}", escape_line(name.trim())), [vec![title], said].concat())
}

/// One sentence, as an answer.
pub fn sentence(text: &str) -> Value {
    answer(text, &[rich_text::literal(text).1])
}

fn health_line(health: Health, words: &Words) -> String {
    let state = if health.is_ailing { "health-ailing" } else { "health-well" };
    let mut line = vec![words.say(state, &[])];
    if health.parked > 0 {
        line.push(words.say("health-parked", &[("count", &health.parked.to_string())]));
    }
    line.join(" · ")
}

fn count(rows: &[Row]) -> String {
    rows.len().to_string()
}

fn rows(rows: &[Row], most: usize, words: &Words, none: &str) -> Vec<Value> {
    if rows.is_empty() {
        return vec![context(&words.say(none, &[]))];
    }
    let mut blocks: Vec<Value> =
        rows.iter().take(most).flat_map(|row| self::row(row, words)).collect();
    blocks.extend(rest(rows.len(), most, words));
    blocks
}

/// Teams in the order of their oldest ticket, each with a line of its own, and the oldest tickets
/// of all below the lines of their teams.
fn by_team(rows: &[Row], most: usize, words: &Words) -> Vec<Value> {
    if rows.is_empty() {
        return vec![context(&words.say("home-none-waiting", &[]))];
    }
    let team = |row: &Row| row.ticket.team.clone().filter(|team| is_team(team)).unwrap_or_default();
    let mut teams: Vec<(String, Vec<(usize, &Row)>)> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        match teams.iter_mut().find(|(name, _)| *name == team(row)) {
            Some((_, of_team)) => of_team.push((place, row)),
            None => teams.push((team(row), vec![(place, row)])),
        }
    }
    let mut blocks = Vec::new();
    for (name, of_team) in teams.iter().take(MOST_TEAMS) {
        let Some((_, oldest)) = of_team.first() else { continue };
        let (number, since) = (of_team.len().to_string(), date(oldest.ticket.opened, words));
        let name = if name.is_empty() { words.say("home-no-team", &[]) } else { name.clone() };
        let name = escape_line(&name);
        let args = [("team", name.as_str()), ("count", &number), ("time", &since)];
        blocks.push(section(&words.say("home-team", &args)));
        let shown = of_team.iter().filter(|(place, _)| *place < most);
        blocks.extend(shown.flat_map(|(_, row)| self::row(row, words)));
    }
    blocks.extend(rest(rows.len(), most, words));
    blocks
}

fn rest(all: usize, most: usize, words: &Words) -> Option<Value> {
    let more = all.checked_sub(most).filter(|more| *more > 0)?;
    Some(context(&words.say("home-more", &[("count", &more.to_string())])))
}

/// A ticket: a line that leads to its thread, and the buttons that work.
fn row(row: &Row, words: &Words) -> Vec<Value> {
    let ticket = &row.ticket;
    let name = format!("{} {}", render::name(&ticket.customer), render::number(ticket));
    let title = linked(name.trim(), row.address.as_deref());
    let since = words.say("card-since", &[("time", &date(ticket.opened, words))]);
    let mut line = vec![title, escape_line(&words.channel(&ticket.customer.domain))];
    match &ticket.state {
        State::Unclaimed => line.push(since),
        State::Claimed { holder, .. } => {
            line.push(escape_line(&holder.name));
            let unanswered = ticket.unanswered.map(|since| date(since, words));
            let unanswered =
                unanswered.map(|time| words.say("home-unanswered", &[("time", &time)]));
            line.extend(unanswered);
        }
        State::Closed { .. } => line.push(words.say("card-closed", &[])),
    }
    let id = ticket.id.to_string();
    let buttons: &[(&str, &str)] = match ticket.state {
        State::Unclaimed => &[
            (action::CLAIM, "button-claim"),
            (action::CLOSE, "button-close"),
            (action::TRANSFER, "button-transfer"),
        ],
        State::Claimed { .. } if row.is_own => &[
            (action::RELEASE, "button-release"),
            (action::CLOSE, "button-close"),
            (action::TRANSFER, "button-transfer"),
        ],
        State::Claimed { .. } => &[
            (action::TAKE_OVER, "button-take-over"),
            (action::CLOSE, "button-close"),
            (action::TRANSFER, "button-transfer"),
        ],
        State::Closed { .. } => &[],
    };
    let mut blocks = vec![section(&line.join(" · "))];
    if !buttons.is_empty() {
        let elements: Vec<Value> = buttons
            .iter()
            .map(|(action, label)| button_json(action, &words.say(label, &[]), &id))
            .collect();
        blocks.push(json!({"type": "actions", "elements": elements}));
    }
    blocks
}

/// A ticket's name, as a link to its thread where there is one.
fn linked(name: &str, address: Option<&str>) -> String {
    address.map_or_else(|| escape_line(name), |address| thread_link(address, name))
}

fn header(text: &str) -> Value {
    json!({"type": "header", "text": {"type": "plain_text", "text": text, "emoji": false}})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}

fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": true}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_people_type_it() {
        for (text, wanted) in [
            ("mine", Wanted::Mine),
            ("  Waiting ", Wanted::Waiting),
            ("find  Maria Silva", Wanted::Find("Maria Silva".to_owned())),
            ("find", Wanted::Help),
            ("status now", Wanted::Status),
            ("", Wanted::Help),
            ("??", Wanted::Help),
        ] {
            assert_eq!(Wanted::parse(text), wanted, "{text:?}");
        }
    }
}
