//! What the home tab shows to who leads a team: the queue now, how today goes, and who waits longest.
//! No calls.
//!
//! Numbers are of all tickets. Who waits is named only where the reader is in the channel, as
//! everywhere; no words of customers are shown.

use jiff::Timestamp;
use slack_morphism::blocks::{
    SlackBlock, SlackBlockText, SlackHomeView, SlackSectionBlock, SlackView,
};

use super::blocks::{divider_block, header_block, markdown, section_block};
use super::card::{escape_line, format_slack_date};
use super::home::{self, BridgeHealth, HomeLists, ListedTicket};
use super::render;
use crate::locale::Texts;
use crate::model::SlackUserId;
use crate::model::report::{ServiceReport, ServiceTimes, TeamQueue, TimeSpread, waits_since};

/// Most tickets of each list below the overview: it takes seven of the 100 blocks.
const MAX_LEAD_TICKETS: usize = 34;
/// Most teams and most agents that are named: their lines share a block of 3000 characters.
const MAX_GROUPS: usize = 12;

/// How a team does, for who leads it.
#[derive(Clone, Debug, Default)]
pub struct LeadOverview {
    /// How many tickets each team has now.
    pub queues: Vec<(Option<String>, TeamQueue)>,
    /// How many tickets each agent holds now.
    pub held: Vec<(SlackUserId, usize)>,
    /// How today went so far.
    pub today: ServiceReport,
    /// Since when the customer who waits longest waits, whether the reader may see them or not.
    pub oldest: Option<Timestamp>,
    /// The tickets that wait longest, as far as the reader may see them.
    pub longest: Vec<ListedTicket>,
}

/// The home tab of who leads a team; `lists` are there if they are an agent, too.
pub fn render_lead_tab(
    overview: &LeadOverview,
    lists: Option<HomeLists<'_>>,
    health: &BridgeHealth,
    texts: &Texts,
) -> SlackView {
    let mut blocks = build_overview(overview, texts);
    blocks.push(divider_block());
    match lists {
        Some(lists) => blocks.extend(home::build_lists(lists, MAX_LEAD_TICKETS, health, texts)),
        // Who leads a team need not be one of its agents, and sees numbers only then
        // (`a_lead_who_is_no_agent_sees_numbers_and_no_names`).
        None => blocks.push(home::build_health(health, texts)),
    }
    SlackView::Home(SlackHomeView::new(blocks))
}

fn build_overview(overview: &LeadOverview, texts: &Texts) -> Vec<SlackBlock> {
    let LeadOverview { queues, today, longest, .. } = overview;
    let mut blocks = vec![header_block(&texts.text("lead-title", &[]))];
    let now = queues.iter().fold(TeamQueue::default(), |sum, (_, queue)| TeamQueue {
        unclaimed: sum.unclaimed + queue.unclaimed,
        held: sum.held + queue.held,
        unanswered: sum.unanswered + queue.unanswered,
    });
    let field = |title: &str, text: String| {
        let text = format!("*{}*\n{text}", texts.text(title, &[]));
        SlackBlockText::from(markdown(text))
    };
    let fields = vec![
        field("lead-now", describe_queue(now, texts)),
        field("lead-first-answer", describe_spread(today.all.first_answer, texts)),
        field("lead-oldest", describe_oldest(overview.oldest, texts)),
        field("lead-closing", describe_spread(today.all.closing, texts)),
    ];
    blocks.push(SlackSectionBlock::new().with_fields(fields).into());
    blocks.extend(build_group("lead-teams", list_teams(overview, texts), texts));
    blocks.extend(build_group("lead-agents", list_agents(overview, texts), texts));
    let waiting: Vec<String> = longest.iter().map(|row| describe_wait(row, texts)).collect();
    blocks.extend(build_group("lead-longest", waiting, texts));
    blocks
}

/// Lines under a title; nothing if there are none.
fn build_group(title: &str, lines: Vec<String>, texts: &Texts) -> Option<SlackBlock> {
    let more = lines.len().saturating_sub(MAX_GROUPS);
    let mut shown: Vec<String> = lines.into_iter().take(MAX_GROUPS).collect();
    if shown.is_empty() {
        return None;
    }
    if more > 0 {
        shown.push(texts.text("home-more", &[("count", &more.to_string())]));
    }
    Some(section_block(format!("*{}*\n{}", texts.text(title, &[]), shown.join("\n"))))
}

fn list_teams(overview: &LeadOverview, texts: &Texts) -> Vec<String> {
    let LeadOverview { queues, today, .. } = overview;
    let mut names: Vec<&Option<String>> = queues.iter().map(|(name, _)| name).collect();
    // Teams with tickets now come first, then those that only had some today.
    names.extend(today.teams.iter().map(|(name, _)| name));
    let mut seen: Vec<&Option<String>> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    let line = |name: &Option<String>| {
        let queue = queues.iter().find(|(known, _)| known == name).map(|(_, queue)| *queue);
        let times = today.teams.iter().find(|(known, _)| known == name).map(|(_, times)| times);
        let shown = name.clone().unwrap_or_else(|| texts.text("home-no-team", &[]));
        let mut line = vec![format!("*{}*", escape_line(&shown))];
        line.extend(queue.map(|queue| {
            let args =
                [("unclaimed", &*queue.unclaimed.to_string()), ("held", &queue.held.to_string())];
            texts.text("lead-team", &args)
        }));
        line.extend(describe_times(times, texts));
        line.join(" · ")
    };
    seen.into_iter().map(line).collect()
}

fn list_agents(overview: &LeadOverview, texts: &Texts) -> Vec<String> {
    let LeadOverview { held, today, .. } = overview;
    let mut names: Vec<&SlackUserId> = held.iter().map(|(user, _)| user).collect();
    names.extend(today.agents.iter().map(|(user, _)| user));
    let mut seen: Vec<&SlackUserId> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    let line = |user: &SlackUserId| {
        let count = held.iter().find(|(known, _)| known == user).map_or(0, |(_, count)| *count);
        let times = today.agents.iter().find(|(known, _)| known == user).map(|(_, times)| times);
        // A mention on a home tab notifies nobody.
        let mut line = vec![format!("<@{user}>")];
        line.push(texts.text("lead-agent", &[("held", &count.to_string())]));
        line.extend(describe_times(times, texts));
        line.join(" · ")
    };
    seen.into_iter().map(line).collect()
}

fn describe_queue(queue: TeamQueue, texts: &Texts) -> String {
    let args = [
        ("unclaimed", &*queue.unclaimed.to_string()),
        ("held", &queue.held.to_string()),
        ("unanswered", &queue.unanswered.to_string()),
    ];
    texts.text("lead-queue", &args)
}

fn describe_spread(spread: Option<TimeSpread>, texts: &Texts) -> String {
    let Some(spread) = spread else { return texts.text("lead-none-yet", &[]) };
    let args = [
        ("count", &*spread.count.to_string()),
        ("median", &texts.format_duration(spread.median)),
        ("slowest", &texts.format_duration(spread.slowest)),
    ];
    texts.text("lead-spread", &args)
}

fn describe_times(times: Option<&ServiceTimes>, texts: &Texts) -> Vec<String> {
    let Some(times) = times else { return Vec::new() };
    let line = |key: &str, spread: Option<TimeSpread>| {
        let spread = spread?;
        let args = [
            ("count", &*spread.count.to_string()),
            ("median", &texts.format_duration(spread.median)),
            ("slowest", &texts.format_duration(spread.slowest)),
        ];
        Some(texts.text(key, &args))
    };
    let lines =
        [line("lead-row-first", times.first_answer), line("lead-row-closing", times.closing)];
    lines.into_iter().flatten().collect()
}

fn describe_oldest(oldest: Option<Timestamp>, texts: &Texts) -> String {
    match oldest {
        Some(since) => texts.text("lead-since", &[("time", &format_slack_date(since, texts))]),
        None => texts.text("home-none-waiting", &[]),
    }
}

/// A ticket that waits: for whom, since when, and with whom it is.
fn describe_wait(row: &ListedTicket, texts: &Texts) -> String {
    let name = render::ticket_name(&row.ticket);
    let mut line = vec![format!("• {}", home::link_ticket_name(&name, row.address.as_deref()))];
    line.extend(
        waits_since(&row.ticket).map(|since| {
            texts.text("home-unanswered", &[("time", &format_slack_date(since, texts))])
        }),
    );
    line.push(match row.ticket.holder() {
        Some(holder) => format!("<@{}>", holder.user),
        None => texts.text("lead-nobody", &[]),
    });
    line.join(" · ")
}
