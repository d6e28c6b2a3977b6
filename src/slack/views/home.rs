//! The desk at a glance: home tab and answers to `/blip`. No calls.
//!
//! Ages are Slack dates, so what is shown changes only when something has happened.

use slack_morphism::blocks::{SlackBlock, SlackHomeView, SlackSectionBlock, SlackView};
use slack_morphism::events::SlackCommandEventResponse;
use slack_morphism::{SlackMessageContent, SlackMessageResponseType};

use super::blocks::{
    MenuEntry, build_menu, context_block, divider_block, header_block, markdown, section_block,
};
use super::card::{
    escape_line, find_ending_text, format_slack_date, link_to_thread, name_passed_limit,
    name_priority, name_state,
};
use super::ids::{Dialog, SLASH_COMMAND, format_ticket_block};
use super::render;
use super::switches;
pub use super::switches::OwnSwitches;
use crate::locale::Texts;
use crate::model::{Button, ChannelId, Outage, PressedMove, Ticket, TicketState, is_team};
use crate::slack::text::rich_text;

/// Most tickets of one list: a block each, of the 100 that a home tab may have.
const MAX_HOME_TICKETS: usize = 38;
/// Most tickets in the answer to a command, of the 50 blocks that it may have.
const MAX_ANSWER_TICKETS: usize = 25;
/// Most tickets that one reminder names.
const MAX_ROUND_TICKETS: usize = 30;
/// How many of them are in one block, which may have 3000 characters.
const ROUND_CHUNK: usize = 10;
/// Most teams that are named.
const MAX_TEAMS: usize = 12;
/// Most channels that are named as ones to join.
const MAX_OUTSIDE_CHANNELS: usize = 10;

/// A channel that the reader is not in, and how many tickets wait there.
pub type OutsideChannel = (ChannelId, usize);

/// A ticket in a list, with the address of its thread.
#[derive(Clone, Debug)]
pub struct ListedTicket {
    /// The ticket in its newest state.
    pub ticket: Ticket,
    /// Where its thread is.
    pub address: Option<String>,
    /// Whether the reader holds it.
    pub is_own: bool,
    /// What its customer said since the reader's last reply, if anything.
    pub news: Option<TicketNews>,
}

/// What a customer has said since they were answered.
#[derive(Clone, Debug, Default)]
pub struct TicketNews {
    /// How many messages the customer has sent since the last answer.
    pub count: u64,
    /// How the last of them begins, if that is known.
    pub words: Option<String>,
}

/// How the bridge is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeHealth {
    /// Events that wait for a person, in channels that the reader is in.
    pub parked: usize,
    /// Something keeps the bridge from working.
    pub is_degraded: bool,
    /// Platforms that have not answered for a while.
    pub outages: Vec<Outage>,
}

/// What the home tab shows to somebody: what they hold, and what nobody holds, in
/// the order of the queue.
pub fn render_home_tab(
    mine: &[ListedTicket],
    (waiting, outside): (&[ListedTicket], &[OutsideChannel]),
    (own, health): (&OwnSwitches, &BridgeHealth),
    texts: &Texts,
) -> SlackView {
    let lists = HomeLists { mine, waiting, outside, own };
    let blocks = build_lists(lists, MAX_HOME_TICKETS, health, texts);
    SlackView::Home(SlackHomeView::new(blocks))
}

/// The lists of a home tab.
#[derive(Clone, Copy, Debug)]
pub struct HomeLists<'a> {
    /// What the reader holds.
    pub mine: &'a [ListedTicket],
    /// What nobody holds, in the order of the queue.
    pub waiting: &'a [ListedTicket],
    /// Where more wait that the reader cannot see.
    pub outside: &'a [OutsideChannel],
    /// What the reader has set for themselves.
    pub own: &'a OwnSwitches,
}

/// The lists, with so many tickets of each, and how the bridge is.
pub(super) fn build_lists(
    HomeLists { mine, waiting, outside, own }: HomeLists<'_>,
    most: usize,
    health: &BridgeHealth,
    texts: &Texts,
) -> Vec<SlackBlock> {
    let mut blocks =
        vec![header_block(&texts.text("home-mine", &[("count", &format_count(mine))]))];
    blocks.extend(render_rows(mine, most, texts, "home-none-mine"));
    blocks.push(divider_block());
    blocks.push(header_block(&texts.text("home-waiting", &[("count", &format_count(waiting))])));
    blocks.extend(render_waiting(waiting, outside, most, texts));
    blocks.push(divider_block());
    blocks.push(switches::build_switches(own, texts));
    let lines =
        switches::describe_pause(own, texts).into_iter().chain([describe_health(health, texts)]);
    blocks.push(context_block(lines));
    blocks
}

/// How the bridge is, in small letters.
pub(super) fn build_health(health: &BridgeHealth, texts: &Texts) -> SlackBlock {
    context_block([describe_health(health, texts)])
}

/// What the home tab shows to somebody who is no agent.
pub fn render_closed_tab(texts: &Texts) -> SlackView {
    SlackView::Home(SlackHomeView::new(vec![context_block([texts.text("home-closed", &[])])]))
}

/// The answer to a command, for the one who typed it.
fn build_answer(text: &str, blocks: Vec<SlackBlock>) -> SlackCommandEventResponse {
    let content = SlackMessageContent::new().with_text(text.to_owned()).with_blocks(blocks);
    // A list of customers is for who asked, not for everybody in the channel where they typed it.
    SlackCommandEventResponse::new(content).with_response_type(SlackMessageResponseType::Ephemeral)
}

/// The tickets that somebody holds, as an answer.
pub fn answer_mine(rows: &[ListedTicket], texts: &Texts) -> SlackCommandEventResponse {
    let title = texts.text("home-mine", &[("count", &format_count(rows))]);
    let mut blocks = vec![header_block(&title)];
    blocks.extend(render_rows(rows, MAX_ANSWER_TICKETS, texts, "home-none-mine"));
    build_answer(&title, blocks)
}

/// The tickets that nobody holds, as an answer.
pub fn answer_waiting(
    rows: &[ListedTicket],
    outside: &[OutsideChannel],
    texts: &Texts,
) -> SlackCommandEventResponse {
    let title = texts.text("home-waiting", &[("count", &format_count(rows))]);
    let mut blocks = vec![header_block(&title)];
    blocks.extend(render_waiting(rows, outside, MAX_ANSWER_TICKETS, texts));
    build_answer(&title, blocks)
}

/// The tickets that were found, as an answer.
pub fn answer_found(rows: &[ListedTicket], texts: &Texts) -> SlackCommandEventResponse {
    let title = texts.text("home-found", &[("count", &format_count(rows))]);
    let mut blocks = vec![header_block(&title)];
    blocks.extend(render_rows(rows, MAX_ANSWER_TICKETS, texts, "home-none-found"));
    build_answer(&title, blocks)
}

/// How the bridge is, as an answer.
pub fn answer_status(
    (open, unclaimed): (usize, usize),
    own: &OwnSwitches,
    health: &BridgeHealth,
    texts: &Texts,
) -> SlackCommandEventResponse {
    let (open, unclaimed) = (open.to_string(), unclaimed.to_string());
    let tickets = texts.text("home-open", &[("open", &open), ("unclaimed", &unclaimed)]);
    let paused = own
        .paused_since
        .map(|since| texts.text("pause-since", &[("time", &texts.format_day_time(since))]));
    let lines = [Some(tickets), paused, Some(describe_health(health, texts))];
    let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    build_answer(&text, vec![rich_text::literal_block(&text)])
}

/// What can be asked for, as an answer.
pub fn answer_help(offers_new: bool, texts: &Texts) -> SlackCommandEventResponse {
    let line = |(word, what): (&str, &str)| {
        format!("{SLASH_COMMAND} {}: {}", texts.text(word, &[]), texts.text(what, &[]))
    };
    let commands = [
        ("command-mine", "help-mine"),
        ("command-waiting", "help-waiting"),
        ("command-find", "help-find"),
        ("command-pause", "help-pause"),
        ("command-resume", "help-resume"),
        ("command-status", "help-status"),
    ];
    let new = offers_new.then_some(("command-new", "help-new"));
    let commands: Vec<String> = commands.into_iter().chain(new).map(line).collect();
    let commands = commands.join("\n");
    let advice =
        ["help-thread-claim", "help-thread-note", "help-thread-close", "help-thread-marks"];
    let advice = advice.map(|key| texts.text(key, &[])).join("\n");
    let title = texts.text("help-thread", &[]);
    let blocks = vec![
        rich_text::literal_block(&commands),
        header_block(&title),
        rich_text::literal_block(&advice),
    ];
    build_answer(&format!("{commands}\n{title}\n{advice}"), blocks)
}

/// What came of a move that was made from a list: the text with this key.
pub(crate) fn describe_move(
    key: &str,
    ticket: &Ticket,
    address: Option<&str>,
    texts: &Texts,
) -> (String, Vec<SlackBlock>) {
    let name = render::ticket_name(ticket);
    let text = texts.text(key, &[("ticket", &escape_line(&name))]);
    let shown = texts.text(key, &[("ticket", &link_ticket_name(&name, address))]);
    (text, vec![section_block(shown)])
}

/// What is said about a ticket to one person, where its thread is not to be seen.
pub(crate) fn add_ticket_title(
    ticket: &Ticket,
    address: Option<&str>,
    (text, blocks): (&str, &[SlackBlock]),
) -> (String, Vec<SlackBlock>) {
    let name = render::ticket_name(ticket);
    let said =
        if blocks.is_empty() { vec![rich_text::literal_block(text)] } else { blocks.to_vec() };
    let title = context_block([link_ticket_name(&name, address)]);
    (format!("{}: {text}", escape_line(&name)), [vec![title], said].concat())
}

/// One sentence, as an answer.
pub(crate) fn answer_text(text: &str) -> SlackCommandEventResponse {
    build_answer(text, vec![rich_text::literal_block(text)])
}

fn describe_health(health: &BridgeHealth, texts: &Texts) -> String {
    let outage = |Outage { platform, since }: &Outage| {
        let since = texts.format_day_time(*since);
        texts.text("health-outage", &[("platform", platform), ("time", &since)])
    };
    let mut line: Vec<String> = health.outages.iter().map(outage).collect();
    if health.is_degraded {
        // First, as an outage may only be what follows from it.
        line.insert(0, texts.text("health-ailing", &[]));
    } else if line.is_empty() {
        line.push(texts.text("health-well", &[]));
    }
    if health.parked > 0 {
        line.push(texts.text("health-parked", &[("count", &health.parked.to_string())]));
    }
    line.join(" · ")
}

fn format_count(rows: &[ListedTicket]) -> String {
    rows.len().to_string()
}

fn render_rows(rows: &[ListedTicket], most: usize, texts: &Texts, none: &str) -> Vec<SlackBlock> {
    if rows.is_empty() {
        return vec![context_block([texts.text(none, &[])])];
    }
    let mut blocks: Vec<SlackBlock> =
        rows.iter().take(most).map(|row| render_row(row, texts)).collect();
    blocks.extend(more_tickets_line(rows.len(), most, texts));
    blocks
}

/// Who waits, by team; and where others wait whom the reader cannot see: nobody is told that nobody
/// waits while somebody does.
fn render_waiting(
    rows: &[ListedTicket],
    outside: &[OutsideChannel],
    most: usize,
    texts: &Texts,
) -> Vec<SlackBlock> {
    let mut blocks = render_by_team(rows, most, texts);
    if outside.is_empty() {
        if rows.is_empty() {
            blocks.push(context_block([texts.text("home-none-waiting", &[])]));
        }
        return blocks;
    }
    let count: usize = outside.iter().map(|(_, count)| count).sum();
    // Channels are named and their tickets not: who is not in a channel does not read who writes
    // there (`only_those_who_could_see_a_ticket_in_its_channel_see_it_elsewhere`).
    let named = outside.iter().take(MAX_OUTSIDE_CHANNELS);
    let channels: Vec<String> = named.map(|(channel, _)| format!("<#{channel}>")).collect();
    let args = [("count", &*count.to_string()), ("channels", &channels.join(", "))];
    blocks.push(section_block(texts.text("home-outside", &args)));
    blocks
}

/// Teams in the order of their first ticket in the queue, each with a line of its own, and the first
/// tickets of all below the lines of their teams.
fn render_by_team(rows: &[ListedTicket], most: usize, texts: &Texts) -> Vec<SlackBlock> {
    let team = |row: &ListedTicket| {
        row.ticket.team.clone().filter(|team| is_team(team)).unwrap_or_default()
    };
    let mut teams: Vec<(String, Vec<(usize, &ListedTicket)>)> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        match teams.iter_mut().find(|(name, _)| *name == team(row)) {
            Some((_, of_team)) => of_team.push((place, row)),
            None => teams.push((team(row), vec![(place, row)])),
        }
    }
    let mut blocks = Vec::new();
    for (name, of_team) in teams.iter().take(MAX_TEAMS) {
        let opened = of_team.iter().map(|(_, row)| row.ticket.opened);
        let Some(oldest) = opened.min() else { continue };
        let (number, since) = (of_team.len().to_string(), format_slack_date(oldest, texts));
        let name = if name.is_empty() { texts.text("home-no-team", &[]) } else { name.clone() };
        let name = escape_line(&name);
        let args = [("team", name.as_str()), ("count", &number), ("time", &since)];
        // Since when a single one waits stands in its own line.
        let key = if of_team.len() == 1 { "home-team-one" } else { "home-team" };
        blocks.push(context_block([texts.text(key, &args)]));
        let shown = of_team.iter().filter(|(place, _)| *place < most);
        blocks.extend(shown.map(|(_, row)| render_row(row, texts)));
    }
    blocks.extend(more_tickets_line(rows.len(), most, texts));
    blocks
}

fn more_tickets_line(all: usize, most: usize, texts: &Texts) -> Option<SlackBlock> {
    let more = all.checked_sub(most).filter(|more| *more > 0)?;
    Some(context_block([texts.text("home-more", &[("count", &more.to_string())])]))
}

/// A ticket: a line that leads to its thread, and a menu with what can be done.
fn render_row(row: &ListedTicket, texts: &Texts) -> SlackBlock {
    let ticket = &row.ticket;
    let name = render::ticket_name(ticket);
    let state = name_state(ticket, texts);
    // The state begins with a picture, which is enough in a list.
    let sign = state.split(' ').next().unwrap_or_default();
    let title = format!("{sign} *{}*", link_ticket_name(&name, row.address.as_deref()));
    let mut line = vec![title, escape_line(&texts.channel_label(&ticket.customer.domain))];
    let time = |at| format_slack_date(at, texts);
    line.extend(name_priority(ticket, texts));
    match &ticket.state {
        TicketState::Unclaimed => {
            line.push(texts.text("card-since", &[("time", &time(ticket.opened))]));
        }
        TicketState::Claimed { holder, .. } => {
            if !row.is_own {
                line.push(escape_line(&holder.name));
            }
            let unanswered = ticket.unanswered.map(time);
            line.extend(unanswered.map(|time| texts.text("home-unanswered", &[("time", &time)])));
        }
        TicketState::Closed { at, .. } => {
            line.extend(find_ending_text(ticket, texts).map(|ending| escape_line(&ending)));
            line.push(time(*at));
        }
    }
    line.extend(name_passed_limit(ticket, texts));
    let mut text = line.join(" · ");
    text.extend(row.news.as_ref().and_then(|news| describe_news(news, texts)));
    let section = SlackSectionBlock::new().with_text(markdown(text).into());
    // Without a name of its block nobody could tell what its menu is about.
    let Some(block) = format_ticket_block(&ticket.id) else { return section.into() };
    let menu = build_menu(list_row_entries(row), texts);
    section.with_block_id(block.into()).with_accessory(menu.into()).into()
}

/// A second line: how much there is to answer, and what the last of it is about.
fn describe_news(news: &TicketNews, texts: &Texts) -> Option<String> {
    let count = news.count.to_string();
    let count = (news.count > 0).then(|| texts.text("home-news", &[("count", &count)]));
    let words = news.words.as_ref().filter(|words| !words.is_empty());
    let words = words.map(|words| format!("“{}”", escape_line(words)));
    let line: Vec<String> = [count, words].into_iter().flatten().collect();
    (!line.is_empty()).then(|| format!("\n💬 {}", line.join(": ")))
}

/// What can be done with a ticket in a list; a menu has five entries at most.
fn list_row_entries(row: &ListedTicket) -> Vec<MenuEntry> {
    let press = MenuEntry::Press;
    let (reply, details) = (MenuEntry::Open(Dialog::Reply(None)), MenuEntry::Open(Dialog::Details));
    let (transfer, close) = (MenuEntry::Open(Dialog::Transfer), MenuEntry::Open(Dialog::Close));
    match row.ticket.state {
        TicketState::Unclaimed => {
            vec![press(Button::Move(PressedMove::Claim)), reply, transfer, close, details]
        }
        // *Release* is last, away from what people press most: it undoes what they have.
        TicketState::Claimed { .. } if row.is_own => {
            vec![reply, transfer, close, details, press(Button::Move(PressedMove::Release))]
        }
        TicketState::Claimed { .. } => {
            vec![press(Button::Move(PressedMove::TakeOver)), transfer, close, details]
        }
        TicketState::Closed { .. } => vec![MenuEntry::Open(Dialog::History), details],
    }
}

/// Tickets that wait, each with the address of its thread and for how long by now: for
/// notifications, and as lines.
pub(crate) fn list_waiting(
    rows: &[(String, Option<String>, String)],
    texts: &Texts,
) -> (String, Vec<SlackBlock>) {
    let rows_shown: Vec<_> = rows.iter().take(MAX_ROUND_TICKETS).collect();
    let names = rows_shown.iter().map(|(name, _, time)| format!("{} ({time})", escape_line(name)));
    let text = names.collect::<Vec<_>>().join(", ");
    let lines = rows_shown.iter().map(|(name, address, time)| {
        format!("• {} · {time}", link_ticket_name(name, address.as_deref()))
    });
    let lines: Vec<String> = lines.collect();
    let mut blocks: Vec<SlackBlock> =
        lines.chunks(ROUND_CHUNK).map(|lines| section_block(lines.join("\n"))).collect();
    blocks.extend(more_tickets_line(rows.len(), MAX_ROUND_TICKETS, texts));
    (text, blocks)
}

/// A ticket's name, as a link to its thread where there is one.
pub(super) fn link_ticket_name(name: &str, address: Option<&str>) -> String {
    address.map_or_else(|| escape_line(name), |address| link_to_thread(address, name))
}
