//! How a ticket looks in Slack: the card and the questions. No calls.

use jiff::{SignedDuration, Timestamp};
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackBlock, SlackBlockButtonStyle, SlackBlockChoiceItem,
    SlackBlockOverflowElement,
};

use super::blocks::{
    actions_block, button, context_block, header_block, plain_text, section_block,
};
use super::ids::{ComposeKind, Dialog, MORE_ACTION_ID};
use super::render;
use crate::locale::Texts;
use crate::model::text::truncate_label;
use crate::model::{Button, Ticket, TicketEnding, TicketId, TicketState};
use crate::slack::text::mrkdwn::escape_mrkdwn;
use crate::slack::text::rich_text;

/// Longest text of a header block (Block Kit: header).
const HEADER_CHARS: usize = 150;
/// Longest text of a notification's part that comes from outside.
const SUMMARY_CHARS: usize = 300;
/// Longest text of a line that is made of names from outside.
const LINE_CHARS: usize = 2000;

/// How long before the customer cannot be written to any more the card says so.
pub(crate) const WINDOW_WARNING: SignedDuration = SignedDuration::from_hours(2);

/// How long a customer waits for an answer before the card says so: a card that changed with each
/// word would use up what Slack allows.
pub(crate) const UNANSWERED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// A ticket as a card: what notifications say, and the blocks.
///
/// `first_words` are what the customer said to begin with; they must fit into a post
/// ([`render::split_into_posts`]).
pub fn render_card(
    ticket: &Ticket,
    first_words: Option<&str>,
    around: &RelatedTickets,
    texts: &Texts,
) -> (String, Vec<SlackBlock>) {
    let text = summarize_ticket(ticket, first_words, texts);
    let mut blocks = vec![build_header(ticket)];
    if let Some(first_words) = first_words {
        blocks.push(rich_text::literal_block(first_words));
    }
    blocks.push(build_state_section(ticket, texts));
    blocks.push(build_details_context(ticket, around, texts));
    blocks.extend(build_window_notice(ticket, around, texts));
    blocks.push(build_buttons(ticket, texts));
    (text, blocks)
}

/// What stands around a ticket.
#[derive(Clone, Debug, Default)]
pub struct RelatedTickets {
    /// The ticket from which it was transferred.
    pub before: Option<RelatedTicket>,
    /// The ticket that followed it.
    pub after: Option<RelatedTicket>,
    /// The customer's last ticket before it, if it did not follow from that one.
    pub earlier: Option<RelatedTicket>,
    /// Its team has no channel of its own.
    pub is_team_elsewhere: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// Another ticket of the same customer.
#[derive(Clone, Debug)]
pub struct RelatedTicket {
    /// The ticket.
    pub ticket: Ticket,
    /// The address of its thread; none if it is in the same one.
    pub address: Option<String>,
}

impl RelatedTicket {
    /// The ticket's number, as a link where there is one.
    fn link_to_ticket(&self, texts: &Texts) -> String {
        let number = render::ticket_number(&self.ticket);
        let label =
            if number.is_empty() { texts.format_day_time(self.ticket.opened) } else { number };
        match &self.address {
            Some(address) => link_to_thread(address, &label),
            None => escape_mrkdwn(&label),
        }
    }
}

/// The line with which a thread goes on as another ticket.
pub(crate) fn continuation_line(ticket: &Ticket, texts: &Texts) -> String {
    let number = ticket.number.map(|number| number.to_string()).unwrap_or_default();
    let name = render::customer_display_name(&ticket.customer);
    let args = [("customer", name.as_str()), ("number", number.as_str())];
    match ticket.team.as_deref().filter(|team| is_team(team)) {
        Some(team) => texts.text("thread-goes-on-team", &[args[0], args[1], ("team", team)]),
        None => texts.text("thread-goes-on", &args),
    }
}

/// Blip has one queue that is no team: of tickets that go to an agent (`blip.md` §4.1).
pub(super) fn is_team(name: &str) -> bool {
    name != "DIRECT_TRANSFER"
}

/// A question: a sentence, and the buttons that answer it.
pub(crate) fn build_question(
    text: &str,
    answers: &[Button],
    ticket: &TicketId,
    texts: &Texts,
) -> Vec<SlackBlock> {
    let mut blocks = vec![rich_text::literal_block(text)];
    let buttons: Vec<SlackActionBlockElement> =
        answers.iter().map(|answer| button(answer, ticket, texts).into()).collect();
    if !buttons.is_empty() {
        blocks.push(actions_block(buttons));
    }
    blocks
}

/// What notifications and screen readers say: it must be enough without the blocks.
fn summarize_ticket(ticket: &Ticket, first_words: Option<&str>, texts: &Texts) -> String {
    let name = render::customer_display_name(&ticket.customer);
    let number = ticket.number.map(|number| number.to_string());
    let (state, _) = describe_state(ticket, texts);
    let is_new = ticket.revision == 1;
    let text = match first_words.filter(|_| is_new) {
        Some(said) => truncate_label(said, SUMMARY_CHARS),
        None => state,
    };
    let channel = texts.channel_label(&ticket.customer.domain);
    let mut args = vec![("customer", name.as_str())];
    args.extend(number.as_deref().map(|number| ("number", number)));
    let key = if is_new {
        args.extend([("channel", channel.as_str()), ("text", text.as_str())]);
        if number.is_some() { "card-new" } else { "card-new-unnumbered" }
    } else {
        args.push(("state", text.as_str()));
        if number.is_some() { "card-changed" } else { "card-changed-unnumbered" }
    };
    escape_mrkdwn(&rich_text::clean_text(&texts.text(key, &args)))
}

fn build_header(ticket: &Ticket) -> SlackBlock {
    let title =
        [render::customer_display_name(&ticket.customer), render::ticket_number(ticket)].join(" ");
    let title = rich_text::clean_text(title.trim()).replace(['\n', '\t'], " ");
    header_block(&truncate_label(&title, HEADER_CHARS))
}

/// Where the ticket stands, and a line more about it if there is more to say.
pub(super) fn describe_state(ticket: &Ticket, texts: &Texts) -> (String, Option<String>) {
    match &ticket.state {
        TicketState::Unclaimed => (texts.text("card-waiting", &[]), None),
        TicketState::Claimed { holder, since } => {
            let args = [("agent", holder.name.as_str()), ("time", &texts.format_day_time(*since))];
            (texts.text("card-claimed", &[]), Some(texts.text("card-holder", &args)))
        }
        TicketState::Closed { ending, at } => {
            let title = match ending {
                TicketEnding::Transferred => "card-transferred",
                TicketEnding::Agent(_)
                | TicketEnding::AgentElsewhere
                | TicketEnding::Customer
                | TicketEnding::Inactivity
                | TicketEnding::Other(_) => "card-closed",
            };
            (
                texts.text(title, &[]),
                Some(describe_ending(ending, &texts.format_day_time(*at), texts)),
            )
        }
    }
}

fn describe_ending(ending: &TicketEnding, time: &str, texts: &Texts) -> String {
    let time = ("time", time);
    match ending {
        TicketEnding::Agent(agent) => {
            texts.text("card-closed-agent", &[("agent", agent.name.as_str()), time])
        }
        TicketEnding::AgentElsewhere => texts.text("card-closed-elsewhere", &[time]),
        TicketEnding::Customer => texts.text("card-closed-customer", &[time]),
        TicketEnding::Inactivity => texts.text("card-closed-inactivity", &[time]),
        TicketEnding::Transferred => texts.text("card-closed-transferred", &[time]),
        TicketEnding::Other(status) => texts.text("card-closed-other", &[("status", status), time]),
    }
}

fn build_state_section(ticket: &Ticket, texts: &Texts) -> SlackBlock {
    let (title, more) = describe_state(ticket, texts);
    let mut text = format!("*{}*", escape_mrkdwn(&title));
    if let Some(more) = more {
        text = format!("{text}\n{}", escape_mrkdwn(&rich_text::clean_text(&more)));
    }
    section_block(text)
}

fn build_details_context(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> SlackBlock {
    let channel = texts.channel_label(&ticket.customer.domain);
    let mut line = vec![texts.text("card-channel", &[("channel", &channel)])];
    if let Some(team) = ticket.team.as_deref().filter(|team| is_team(team)) {
        let key = if around.is_team_elsewhere { "card-team-without-channel" } else { "card-team" };
        line.push(texts.text(key, &[("team", team)]));
    }
    if !ticket.tags.is_empty() {
        line.push(texts.text("card-tags", &[("tags", &ticket.tags.join(", "))]));
    }
    let line =
        escape_mrkdwn(&truncate_label(&rich_text::clean_text(&line.join(" · ")), LINE_CHARS));
    let since = texts.text("card-since", &[("time", &format_slack_date(ticket.opened, texts))]);
    let mut lines = vec![line, since];
    lines.extend(describe_unanswered(ticket, around, texts));
    let neighbours = [
        ("card-continues", &around.before),
        ("card-went-on", &around.after),
        ("card-earlier", &around.earlier),
    ];
    for (key, neighbour) in neighbours {
        let link = neighbour.as_ref().map(|neighbour| neighbour.link_to_ticket(texts));
        lines.extend(link.map(|link| texts.text(key, &[("link", &link)])));
    }
    context_block(lines)
}

/// Since when the customer waits for an answer of who holds the ticket, when that is long.
fn describe_unanswered(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> Option<String> {
    let since = ticket.unanswered.filter(|_| ticket.holder().is_some())?;
    let is_long = around.now.duration_since(since) >= UNANSWERED_AFTER;
    is_long.then(|| texts.text("home-unanswered", &[("time", &format_slack_date(since, texts))]))
}

/// How much longer the customer may be written to, when that is short.
fn build_window_notice(
    ticket: &Ticket,
    around: &RelatedTickets,
    texts: &Texts,
) -> Option<SlackBlock> {
    let end = ticket.window_end().filter(|_| !ticket.is_closed())?;
    let left = end.duration_since(around.now);
    let key = match left {
        left if left > WINDOW_WARNING => return None,
        left if left.is_positive() => "card-window",
        _ => "card-window-closed",
    };
    let text = texts.text(key, &[("time", &format_slack_date(end, texts))]);
    Some(context_block([text]))
}

/// A time that every reader sees in their own zone, and that ages by itself (Slack: "Date
/// formatting").
pub(super) fn format_slack_date(at: Timestamp, texts: &Texts) -> String {
    let fallback = escape_mrkdwn(&texts.format_day_time(at));
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{fallback}>", at.as_second())
}

/// The buttons that can work now.
fn build_buttons(ticket: &Ticket, texts: &Texts) -> SlackBlock {
    let buttons: &[Button] = match ticket.state {
        TicketState::Unclaimed => &[Button::Claim, Button::Close, Button::Transfer],
        TicketState::Claimed { .. } => &[Button::Release, Button::Close, Button::Transfer],
        TicketState::Closed { .. } => &[],
    };
    let mut elements: Vec<SlackActionBlockElement> = buttons
        .iter()
        .map(|shown| {
            let style = (*shown == Button::Claim).then_some(SlackBlockButtonStyle::Primary);
            button(shown, &ticket.id, texts).opt_style(style).into()
        })
        .collect();
    elements.push(build_more_menu(ticket, texts).into());
    actions_block(elements)
}

/// The menu with the rest of what can be done.
fn build_more_menu(ticket: &Ticket, texts: &Texts) -> SlackBlockOverflowElement {
    let all = [
        (Dialog::Tags, "menu-tags"),
        (Dialog::Reply(None), "menu-reply"),
        (Dialog::Compose(ComposeKind::Quick), "menu-compose"),
        (Dialog::History, "menu-history"),
        (Dialog::Details, "menu-details"),
    ];
    let works = |dialog: &Dialog| {
        !ticket.is_closed() || matches!(dialog, Dialog::History | Dialog::Details)
    };
    let option = |(dialog, label): (Dialog, &str)| {
        let label = plain_text(&texts.text(label, &[]));
        works(&dialog).then(|| SlackBlockChoiceItem::new(label, dialog.name().to_owned()))
    };
    SlackBlockOverflowElement::new(all.into_iter().filter_map(option).collect())
        .with_action_id(MORE_ACTION_ID.into())
}

/// A link to a thread with a label from outside, as mark-up.
pub(super) fn link_to_thread(address: &str, label: &str) -> String {
    format!("<{address}|{}>", escape_line(label))
}

/// Text from outside in a line of mark-up.
pub(super) fn escape_line(text: &str) -> String {
    escape_mrkdwn(&truncate_label(&rich_text::clean_text(text).replace('\n', " "), SUMMARY_CHARS))
}
