//! How a ticket looks in Slack: the card and the questions. No calls.

use jiff::{SignedDuration, Timestamp};
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackBlock, SlackBlockButtonStyle, SlackRichTextDate,
    SlackRichTextInlineElement, SlackRichTextLink, SlackRichTextText, SlackRichTextUser,
    SlackSectionBlock,
};
use slack_morphism::{SlackDateTime, SlackUserId};

use super::blocks::{MenuEntry, actions_block, build_menu, button, context_block, plain_text};
use super::ids::{ComposeKind, Dialog};
use super::render;
use crate::locale::Texts;
use crate::model::active::ACTIVE_STATUS;
use crate::model::text::{to_one_line, truncate_label};
use crate::model::ticket::{UNANSWERED_AFTER, WINDOW_WARNING};
use crate::model::{
    Button, PressedMove, Priority, Ticket, TicketEnding, TicketId, TicketState, is_team,
};
use crate::slack::text::mrkdwn::escape_mrkdwn;
use crate::slack::text::rich_text;

/// Most characters of what the customer said to begin with, once the ticket is over.
const CLOSED_WORDS_CHARS: usize = 140;
/// Most entries of a menu (Block Kit: *Overflow menu element*).
const MAX_MENU_ENTRIES: usize = 5;
/// Longest text of a notification's part that comes from outside.
const SUMMARY_CHARS: usize = 300;

/// How near two times are that a card shows as one: it shows minutes.
const SAME_TIME: SignedDuration = SignedDuration::from_mins(1);

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
    let mut blocks = vec![build_title(ticket, around, texts)];
    // Two lines are left of it: buttons that can no longer work disappear, and a channel's list of
    // cards is read for what is open.
    if ticket.is_closed() {
        blocks.push(build_closed_menu(first_words, texts));
        return (text, blocks);
    }
    if let Some(first_words) = first_words {
        // The same post carries the card and the first words, as Slack allows about one a second
        // and channel (`slack.md` C.1).
        blocks.push(rich_text::literal_block(first_words));
    }
    blocks.push(build_details_context(ticket, around, texts));
    blocks.extend(build_window_notice(ticket, around, texts));
    blocks.push(build_buttons(ticket, around, texts));
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
    /// What time it is.
    pub now: Timestamp,
    /// Whether templates of WhatsApp can be sent to the customer.
    pub offers_templates: bool,
    /// Whether tickets can be put on standby.
    pub offers_standby: bool,
}

/// Another ticket of the same customer.
#[derive(Clone, Debug)]
pub struct RelatedTicket {
    /// The ticket in its newest state.
    pub ticket: Ticket,
    /// The address of its thread; none if it is in the same one.
    pub address: Option<String>,
}

impl RelatedTicket {
    /// What the ticket is called: by its number, or by its time.
    fn label(&self, texts: &Texts) -> String {
        let number = render::ticket_number(&self.ticket);
        if number.is_empty() { texts.format_day_time(self.ticket.opened) } else { number }
    }

    /// With whom the ticket is now: who holds it, or else the team that it waits for.
    fn whereabouts(&self) -> Option<String> {
        let team = self.ticket.team.as_deref().filter(|team| is_team(team));
        let name = self.ticket.holder().map(|holder| holder.name.as_str()).or(team)?;
        Some(truncate_label(&to_one_line(&rich_text::clean_text(name)), SUMMARY_CHARS))
    }

    /// The ticket's number, as a link where there is one.
    fn link_to_ticket(&self, texts: &Texts) -> String {
        match &self.address {
            Some(address) => link_to_thread(address, &self.label(texts)),
            None => escape_mrkdwn(&self.label(texts)),
        }
    }

    /// The same in a block in which text is literal.
    fn to_run(&self, texts: &Texts) -> SlackRichTextInlineElement {
        let address = self.address.as_deref().and_then(|address| address.parse::<url::Url>().ok());
        match address {
            Some(address) => {
                SlackRichTextLink::new(address.into()).with_text(self.label(texts)).into()
            }
            None => self.label(texts).into(),
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

/// A question: a sentence, and the buttons that answer it.
pub(crate) fn build_question(
    text: &str,
    answers: &[Button],
    ticket: &TicketId,
    texts: &Texts,
) -> Vec<SlackBlock> {
    let mut blocks = vec![rich_text::literal_block(text)];
    blocks.extend(build_answers(answers, ticket, texts));
    blocks
}

/// The buttons that answer a question, if there are any.
pub(crate) fn build_answers(
    answers: &[Button],
    ticket: &TicketId,
    texts: &Texts,
) -> Option<SlackBlock> {
    let buttons: Vec<SlackActionBlockElement> =
        answers.iter().map(|answer| button(answer, ticket, texts).into()).collect();
    (!buttons.is_empty()).then(|| actions_block(buttons))
}

/// What notifications and screen readers say: it must be enough without the blocks.
fn summarize_ticket(ticket: &Ticket, first_words: Option<&str>, texts: &Texts) -> String {
    let name = render::customer_display_name(&ticket.customer);
    let number = ticket.number.map(|number| number.to_string());
    let state = name_state(ticket, texts);
    // A card that is posted later, for a thread that was lost, is no news of first words.
    let is_new = ticket.is_unchanged();
    let text = match first_words.filter(|_| is_new) {
        Some(said) => truncate_label(said, SUMMARY_CHARS),
        None => state,
    };
    let channel = texts.channel_label(&ticket.customer.domain);
    let channel = [Some(channel), name_priority(ticket, texts)];
    let channel = channel.into_iter().flatten().collect::<Vec<_>>().join(", ");
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

/// Where the ticket stands, who the customer is, and who holds it or how it ended.
///
/// The holder is a mention, which notifies nobody: it comes onto the card by an edit (`slack.md`,
/// additions, 2), and what notifications say does not repeat it.
fn build_title(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> SlackBlock {
    let state = name_state(ticket, texts);
    let (sign, state) = state.split_once(' ').unwrap_or(("", &state));
    let name = rich_text::clean_text(&render::customer_display_name(&ticket.customer));
    let name = SlackRichTextText::new(name.replace(['\n', '\t'], " ")).bold();
    let mut runs = vec![format!("{sign} ").into(), name.into()];
    let channel = texts.channel_label(&ticket.customer.domain);
    let number = render::ticket_number(ticket);
    let about: Vec<String> =
        [channel, number].into_iter().filter(|part| !part.is_empty()).collect();
    runs.push(format!(" · {}", rich_text::clean_text(&about.join(" · "))).into());
    match &ticket.state {
        TicketState::Unclaimed => {
            runs.push(" — ".into());
            runs.push(SlackRichTextText::new(state.to_owned()).bold().into());
            let priority = name_priority(ticket, texts);
            runs.extend(priority.map(|priority| format!(" · {priority}").into()));
        }
        TicketState::Claimed { holder, .. } => {
            runs.push(format!(" — {} ", texts.text("card-with", &[])).into());
            runs.push(SlackRichTextUser::new(SlackUserId::from(holder.user.as_str())).into());
        }
        TicketState::Closed { at, .. } if ticket.id.active_target().is_some() => {
            runs.push(format!(" · {} ", texts.text("card-active-sent", &[])).into());
            runs.push(date_run(*at, texts));
            runs.push(format!(" · {}", texts.text("card-active-waits", &[])).into());
            runs.extend(list_closed_details(ticket, around, texts));
        }
        TicketState::Closed { ending, at } => {
            runs.push(format!(" · {} · ", describe_ending(ending, texts)).into());
            runs.push(date_run(*at, texts));
            runs.extend(list_closed_details(ticket, around, texts));
        }
    }
    rich_text::run_block(runs)
}

/// What is said of a ticket that is over, behind how it ended.
fn list_closed_details(
    ticket: &Ticket,
    around: &RelatedTickets,
    texts: &Texts,
) -> Vec<SlackRichTextInlineElement> {
    let mut runs = Vec::new();
    if let Some(rating) = &ticket.rating {
        let rating = rich_text::clean_text(&to_one_line(rating));
        runs.push(format!(" · {}", texts.text("card-rating", &[("rating", &rating)])).into());
    }
    if !ticket.tags.is_empty() {
        let tags = rich_text::clean_text(&ticket.tags.join(", ")).replace(['\n', '\t'], " ");
        runs.push(format!(" · {}", truncate_label(&tags, SUMMARY_CHARS)).into());
    }
    for (key, other) in list_neighbours(around) {
        runs.push(format!(" · {} ", texts.text(key, &[("link", "")]).trim()).into());
        runs.push(other.to_run(texts));
        if key == FOLLOWER_KEY {
            runs.extend(other.whereabouts().map(|who| format!(" ({who})").into()));
        }
    }
    runs
}

/// What a card says of the ticket that followed.
const FOLLOWER_KEY: &str = "card-went-on";

/// The other tickets that a card names, each with what it is to this one.
fn list_neighbours(
    around: &RelatedTickets,
) -> impl Iterator<Item = (&'static str, &RelatedTicket)> {
    let neighbours = [
        ("card-continues", &around.before),
        (FOLLOWER_KEY, &around.after),
        ("card-earlier", &around.earlier),
    ];
    neighbours.into_iter().filter_map(|(key, other)| Some((key, other.as_ref()?)))
}

/// What the customer said to begin with, in one line, beside what can still be asked for.
fn build_closed_menu(first_words: Option<&str>, texts: &Texts) -> SlackBlock {
    let entries = vec![MenuEntry::Open(Dialog::History), MenuEntry::Open(Dialog::Details)];
    let menu = build_menu(entries, texts);
    let said = first_words.map(|said| rich_text::clean_text(&to_one_line(said)));
    match said.filter(|said| !said.trim().is_empty()) {
        Some(said) => {
            let said = plain_text(&truncate_label(&said, CLOSED_WORDS_CHARS));
            SlackSectionBlock::new().with_text(said.into()).with_accessory(menu.into()).into()
        }
        None => actions_block(vec![menu.into()]),
    }
}

/// Where the ticket stands, in words that begin with a picture.
pub(super) fn name_state(ticket: &Ticket, texts: &Texts) -> String {
    let key = match &ticket.state {
        _ if ticket.id.active_target().is_some() => "card-active",
        TicketState::Unclaimed => "card-waiting",
        TicketState::Claimed { .. } => "card-claimed",
        TicketState::Closed { ending: TicketEnding::Transferred, .. } => "card-transferred",
        TicketState::Closed { .. } => "card-closed",
    };
    texts.text(key, &[])
}

/// How urgent an open ticket is, if Blip's rules have raised it, in words that begin with a picture.
pub(super) fn name_priority(ticket: &Ticket, texts: &Texts) -> Option<String> {
    let key = match ticket.priority {
        Priority::None => return None,
        Priority::Low => "priority-low",
        Priority::Medium => "priority-medium",
        Priority::High => "priority-high",
        Priority::Maximum => "priority-maximum",
    };
    (!ticket.is_closed()).then(|| texts.text(key, &[]))
}

/// Which limit of the desk an open ticket has passed, as far as somebody can still do something.
pub(super) fn name_passed_limit(ticket: &Ticket, texts: &Texts) -> Option<String> {
    let passed = ticket.passed_limits;
    let key = match &ticket.state {
        TicketState::Unclaimed if passed.waiting => "limit-waiting",
        TicketState::Claimed { .. } if passed.first_answer && ticket.first_answer.is_none() => {
            "limit-first-answer"
        }
        TicketState::Claimed { .. } if passed.attendance => "limit-attendance",
        TicketState::Unclaimed | TicketState::Claimed { .. } | TicketState::Closed { .. } => {
            return None;
        }
    };
    Some(texts.text(key, &[]))
}

/// Where the ticket stands, and by whom and when it came there, as mark-up.
pub(super) fn describe_state(ticket: &Ticket, texts: &Texts) -> String {
    let state = name_state(ticket, texts);
    match &ticket.state {
        TicketState::Unclaimed => state,
        TicketState::Claimed { holder, since } => {
            let with = texts.text("card-with", &[]);
            let since = format_slack_date(*since, texts);
            format!("{state} · {with} {} · {since}", escape_line(&holder.name))
        }
        TicketState::Closed { ending, at } => {
            let sign = state.split(' ').next().unwrap_or_default();
            let ending = escape_line(&describe_ending(ending, texts));
            format!("{sign} {ending} · {}", format_slack_date(*at, texts))
        }
    }
}

/// How a ticket ended, if it has.
pub(crate) fn find_ending_text(ticket: &Ticket, texts: &Texts) -> Option<String> {
    match &ticket.state {
        TicketState::Closed { ending, .. } => Some(describe_ending(ending, texts)),
        TicketState::Unclaimed | TicketState::Claimed { .. } => None,
    }
}

fn describe_ending(ending: &TicketEnding, texts: &Texts) -> String {
    match ending {
        TicketEnding::Agent(agent) => {
            texts.text("card-closed-agent", &[("agent", &to_one_line(&agent.name))])
        }
        TicketEnding::AgentElsewhere => texts.text("card-closed-elsewhere", &[]),
        TicketEnding::Customer => texts.text("card-closed-customer", &[]),
        TicketEnding::Inactivity => texts.text("card-closed-inactivity", &[]),
        TicketEnding::Transferred => texts.text("card-closed-transferred", &[]),
        TicketEnding::Other(status) if status == ACTIVE_STATUS => {
            texts.text("card-active-waits", &[])
        }
        TicketEnding::Other(status) => texts.text("card-closed-other", &[("status", status)]),
    }
}

/// What else is good to know, in one line of small letters.
fn build_details_context(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> SlackBlock {
    let mut line = Vec::new();
    // One that waits says it in its title, where it is looked for.
    line.extend(ticket.holder().and_then(|_| name_priority(ticket, texts)));
    line.extend(ticket.is_on_standby.then(|| texts.text("card-standby", &[])));
    if let Some(team) = ticket.team.as_deref().filter(|team| is_team(team)) {
        line.push(escape_line(&texts.text("card-team", &[("team", team)])));
    }
    line.push(texts.text("card-since", &[("time", &format_slack_date(ticket.opened, texts))]));
    line.extend(describe_unanswered(ticket, around, texts));
    line.extend(name_passed_limit(ticket, texts));
    if !ticket.tags.is_empty() {
        let tags = texts.text("card-tags", &[("tags", &ticket.tags.join(", "))]);
        line.push(escape_line(&tags));
    }
    let link = |(key, other): (&str, &RelatedTicket)| {
        texts.text(key, &[("link", &other.link_to_ticket(texts))])
    };
    line.extend(list_neighbours(around).map(link));
    context_block([line.join(" · ")])
}

/// Since when the customer waits for an answer of who holds the ticket, when that is long.
fn describe_unanswered(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> Option<String> {
    let since = ticket.unanswered.filter(|_| ticket.holder().is_some())?;
    let is_long = around.now.duration_since(since) >= UNANSWERED_AFTER;
    is_long.then(|| {
        // The card says already when the customer came.
        if since.duration_since(ticket.opened).abs() < SAME_TIME {
            return texts.text("card-unanswered", &[]);
        }
        // A Slack date, which ages by itself: a number of minutes would need an update of the card
        // for each.
        texts.text("home-unanswered", &[("time", &format_slack_date(since, texts))])
    })
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

/// How Slack writes a time, in each reader's own zone; it ages by itself (Slack: "Date
/// formatting").
fn date_format(texts: &Texts) -> String {
    format!("{{date_short_pretty}} {} {{time}}", texts.text("time-at", &[]))
}

/// A time that every reader sees in their own zone.
pub(super) fn format_slack_date(at: Timestamp, texts: &Texts) -> String {
    let fallback = escape_mrkdwn(&texts.format_day_time(at));
    format!("<!date^{}^{}|{fallback}>", at.as_second(), date_format(texts))
}

/// The same in a block in which text is literal.
fn date_run(at: Timestamp, texts: &Texts) -> SlackRichTextInlineElement {
    SlackRichTextDate::new(SlackDateTime(at), date_format(texts))
        .with_fallback(texts.format_day_time(at))
        .into()
}

/// The buttons that can work now, and the menu with the rest.
///
/// A card is drawn anew under the hand that presses it: where *Claim* stood there is nothing then
/// that undoes it, and what undoes is last in the menu.
///
/// After the window nothing is offered that would only be refused; the menu has room for five.
fn build_buttons(ticket: &Ticket, around: &RelatedTickets, texts: &Texts) -> SlackBlock {
    // WhatsApp takes only templates then (`blip.md` §7), and Blip would say 202 and lose the words.
    let is_late = ticket.is_window_closed(around.now);
    let templates = || around.offers_templates.then_some(MenuEntry::Open(Dialog::Template(None)));
    let compose = || MenuEntry::Open(Dialog::Compose(ComposeKind::Quick));
    let (mut buttons, mut entries) = (Vec::new(), Vec::new());
    if ticket.holder().is_none() {
        buttons.extend([
            Button::Move(PressedMove::Claim),
            Button::Transfer,
            Button::Move(PressedMove::Close),
        ]);
        let tags = MenuEntry::Open(Dialog::Tags);
        if is_late {
            entries.push(tags);
            entries.extend(templates());
        } else {
            entries.extend([MenuEntry::Open(Dialog::Reply(None)), tags, compose()]);
        }
    } else {
        buttons.extend((!is_late).then_some(Button::Reply));
        buttons.extend([
            Button::Tags,
            Button::Transfer,
            Button::Move(PressedMove::Close),
            Button::Move(PressedMove::TakeOver),
        ]);
        entries.extend((!is_late).then(compose));
        entries.extend(templates());
    }
    let standby = choose_standby_entry(ticket, around);
    let is_held = ticket.holder().is_some();
    let last = 1 + usize::from(standby.is_some()) + usize::from(is_held);
    // Where there is no room for it: the details lead there as well.
    if entries.len() + last < MAX_MENU_ENTRIES {
        entries.push(MenuEntry::Open(Dialog::History));
    }
    entries.push(MenuEntry::Open(Dialog::Details));
    entries.extend(standby);
    if is_held {
        entries.push(MenuEntry::Press(Button::Move(PressedMove::Release)));
    }
    let mut elements: Vec<SlackActionBlockElement> = buttons
        .iter()
        .map(|shown| {
            // One button at most is coloured: what nobody has done yet.
            let style = (*shown == Button::Move(PressedMove::Claim))
                .then_some(SlackBlockButtonStyle::Primary);
            button(shown, &ticket.id, texts).opt_style(style).into()
        })
        .collect();
    elements.push(build_menu(entries, texts).into());
    actions_block(elements)
}

/// What the menu says of standby: to end it in any case, since somebody may have switched the setting
/// off meanwhile.
fn choose_standby_entry(ticket: &Ticket, around: &RelatedTickets) -> Option<MenuEntry> {
    let is_offered = around.offers_standby && ticket.holder().is_some();
    if ticket.is_on_standby {
        return Some(MenuEntry::Press(Button::Move(PressedMove::EndStandby)));
    }
    is_offered.then_some(MenuEntry::Press(Button::Move(PressedMove::StartStandby)))
}

/// A link to a thread with a label from outside, as mark-up.
pub(super) fn link_to_thread(address: &str, label: &str) -> String {
    format!("<{address}|{}>", escape_line(label))
}

/// Text from outside in a line of mark-up.
pub(super) fn escape_line(text: &str) -> String {
    escape_mrkdwn(&truncate_label(&rich_text::clean_text(text).replace('\n', " "), SUMMARY_CHARS))
}
