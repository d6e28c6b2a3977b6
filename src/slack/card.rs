//! How a ticket looks in Slack: the card and the questions. No calls.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement,
    SlackBlockButtonStyle, SlackBlockChoiceItem, SlackBlockMarkDownText, SlackBlockOverflowElement,
    SlackBlockPlainText, SlackBlockPlainTextOnly, SlackContextBlock, SlackHeaderBlock,
    SlackSectionBlock,
};

use super::compose::Kind;
use super::dialog::Dialog;
use super::mrkdwn::escape;
use super::{action, render, rich_text};
use crate::locale::Words;
use crate::model::text::shorten;
use crate::model::{Ending, State, Ticket};

/// Longest text of a header block (Block Kit: header).
const HEADER_CHARS: usize = 150;
/// Longest text of a notification's part that comes from outside.
const SUMMARY_CHARS: usize = 300;
/// Longest text of a line that is made of names from outside.
const LINE_CHARS: usize = 2000;

/// How long before the customer cannot be written to any more the card says so.
pub const WINDOW_WARNING: SignedDuration = SignedDuration::from_hours(2);

/// How long a customer waits for an answer before the card says so: a card that changed with each
/// word would use up what Slack allows.
pub const UNANSWERED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// A ticket as a card: what notifications say, and the blocks.
///
/// `first_words` are what the customer said to begin with; they must fit into a post
/// ([`render::parts`]).
pub fn render(
    ticket: &Ticket,
    first_words: Option<&str>,
    around: &Around,
    words: &Words,
) -> (String, Vec<Value>) {
    let text = summary(ticket, first_words, words);
    let mut blocks = vec![json(header(ticket))];
    if let Some(first_words) = first_words {
        blocks.push(rich_text::literal(first_words).1);
    }
    blocks.push(json(state(ticket, words)));
    blocks.push(json(details(ticket, around, words)));
    blocks.extend(window(ticket, around, words).map(json));
    blocks.push(json(buttons(ticket, words)));
    (text, blocks)
}

/// What stands around a ticket.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The ticket from which it was transferred.
    pub before: Option<Neighbour>,
    /// The ticket that followed it.
    pub after: Option<Neighbour>,
    /// The customer's last ticket before it, if it did not follow from that one.
    pub earlier: Option<Neighbour>,
    /// Its team has no channel of its own.
    pub is_team_elsewhere: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// Another ticket of the same customer.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// The ticket.
    pub ticket: Ticket,
    /// The address of its thread; none if it is in the same one.
    pub address: Option<String>,
}

impl Neighbour {
    /// The ticket's number, as a link where there is one.
    fn link(&self, words: &Words) -> String {
        let number = render::number(&self.ticket);
        let label = if number.is_empty() { words.moment(self.ticket.opened) } else { number };
        match &self.address {
            Some(address) => thread_link(address, &label),
            None => escape(&label),
        }
    }
}

/// The line with which a thread goes on as another ticket.
pub fn continuation(ticket: &Ticket, words: &Words) -> String {
    let number = ticket.number.map(|number| number.to_string()).unwrap_or_default();
    let name = render::name(&ticket.customer);
    let args = [("customer", name.as_str()), ("number", number.as_str())];
    match ticket.team.as_deref().filter(|team| is_team(team)) {
        Some(team) => words.say("thread-goes-on-team", &[args[0], args[1], ("team", team)]),
        None => words.say("thread-goes-on", &args),
    }
}

/// Blip has one queue that is no team: of tickets that go to an agent (`blip.md` §4.1).
pub(super) fn is_team(name: &str) -> bool {
    name != "DIRECT_TRANSFER"
}

/// A question to one person: a sentence and buttons, each with its action, its label's key and
/// what it carries.
pub fn question(text: &str, offers: &[(&str, &str, &str)], words: &Words) -> Vec<Value> {
    let mut blocks = vec![rich_text::literal(text).1];
    let buttons: Vec<SlackActionBlockElement> = offers
        .iter()
        .map(|(action, label, value)| button(action, &words.say(label, &[]), value).into())
        .collect();
    if !buttons.is_empty() {
        blocks.push(json(SlackActionsBlock::new(buttons)));
    }
    blocks
}

/// What notifications and screen readers say: it must be enough without the blocks.
fn summary(ticket: &Ticket, first_words: Option<&str>, words: &Words) -> String {
    let name = render::name(&ticket.customer);
    let number = ticket.number.map(|number| number.to_string());
    let (state, _) = state_line(ticket, words);
    let is_new = ticket.revision == 1;
    let text = match first_words.filter(|_| is_new) {
        Some(said) => shorten(said, SUMMARY_CHARS),
        None => state,
    };
    let channel = words.channel(&ticket.customer.domain);
    let mut args = vec![("customer", name.as_str())];
    args.extend(number.as_deref().map(|number| ("number", number)));
    let key = if is_new {
        args.extend([("channel", channel.as_str()), ("text", text.as_str())]);
        if number.is_some() { "card-new" } else { "card-new-unnumbered" }
    } else {
        args.push(("state", text.as_str()));
        if number.is_some() { "card-changed" } else { "card-changed-unnumbered" }
    };
    escape(&rich_text::clean(&words.say(key, &args)))
}

fn header(ticket: &Ticket) -> SlackBlock {
    let title = [render::name(&ticket.customer), render::number(ticket)].join(" ");
    let title = rich_text::clean(title.trim()).replace(['\n', '\t'], " ");
    SlackHeaderBlock::new(SlackBlockPlainTextOnly::from(plain(&shorten(&title, HEADER_CHARS))))
        .into()
}

/// Where the ticket stands, and a line more about it if there is more to say.
pub(super) fn state_line(ticket: &Ticket, words: &Words) -> (String, Option<String>) {
    match &ticket.state {
        State::Unclaimed => (words.say("card-waiting", &[]), None),
        State::Claimed { holder, since } => {
            let args = [("agent", holder.name.as_str()), ("time", &words.moment(*since))];
            (words.say("card-claimed", &[]), Some(words.say("card-holder", &args)))
        }
        State::Closed { ending, at } => {
            let title = match ending {
                Ending::Transferred => "card-transferred",
                Ending::Agent(_)
                | Ending::AgentElsewhere
                | Ending::Customer
                | Ending::Inactivity
                | Ending::Other(_) => "card-closed",
            };
            (words.say(title, &[]), Some(closed(ending, &words.moment(*at), words)))
        }
    }
}

fn closed(ending: &Ending, time: &str, words: &Words) -> String {
    let time = ("time", time);
    match ending {
        Ending::Agent(agent) => {
            words.say("card-closed-agent", &[("agent", agent.name.as_str()), time])
        }
        Ending::AgentElsewhere => words.say("card-closed-elsewhere", &[time]),
        Ending::Customer => words.say("card-closed-customer", &[time]),
        Ending::Inactivity => words.say("card-closed-inactivity", &[time]),
        Ending::Transferred => words.say("card-closed-transferred", &[time]),
        Ending::Other(status) => words.say("card-closed-other", &[("status", status), time]),
    }
}

fn state(ticket: &Ticket, words: &Words) -> SlackBlock {
    let (title, more) = state_line(ticket, words);
    let mut text = format!("*{}*", escape(&title));
    if let Some(more) = more {
        text = format!("{text}\n{}", escape(&rich_text::clean(&more)));
    }
    SlackSectionBlock::new().with_text(markdown(text).into()).into()
}

fn details(ticket: &Ticket, around: &Around, words: &Words) -> SlackBlock {
    let channel = words.channel(&ticket.customer.domain);
    let mut line = vec![words.say("card-channel", &[("channel", &channel)])];
    if let Some(team) = ticket.team.as_deref().filter(|team| is_team(team)) {
        let key = if around.is_team_elsewhere { "card-team-without-channel" } else { "card-team" };
        line.push(words.say(key, &[("team", team)]));
    }
    if !ticket.tags.is_empty() {
        line.push(words.say("card-tags", &[("tags", &ticket.tags.join(", "))]));
    }
    let line = escape(&shorten(&rich_text::clean(&line.join(" · ")), LINE_CHARS));
    let since = words.say("card-since", &[("time", &date(ticket.opened, words))]);
    let mut elements = vec![markdown(line).into(), markdown(since).into()];
    elements.extend(unanswered(ticket, around, words).map(|text| markdown(text).into()));
    let neighbours = [
        ("card-continues", &around.before),
        ("card-went-on", &around.after),
        ("card-earlier", &around.earlier),
    ];
    for (key, neighbour) in neighbours {
        let link = neighbour.as_ref().map(|neighbour| neighbour.link(words));
        let text = link.map(|link| words.say(key, &[("link", &link)]));
        elements.extend(text.map(|text| markdown(text).into()));
    }
    SlackContextBlock::new(elements).into()
}

/// Since when the customer waits for an answer of who holds the ticket, when that is long.
fn unanswered(ticket: &Ticket, around: &Around, words: &Words) -> Option<String> {
    let since = ticket.unanswered.filter(|_| ticket.holder().is_some())?;
    let is_long = around.now.duration_since(since) >= UNANSWERED_AFTER;
    is_long.then(|| words.say("home-unanswered", &[("time", &date(since, words))]))
}

/// How much longer the customer may be written to, when that is short.
fn window(ticket: &Ticket, around: &Around, words: &Words) -> Option<SlackBlock> {
    let end = ticket.window().filter(|_| !ticket.is_closed())?;
    let left = end.duration_since(around.now);
    let key = match left {
        left if left > WINDOW_WARNING => return None,
        left if left.is_positive() => "card-window",
        _ => "card-window-closed",
    };
    let text = words.say(key, &[("time", &date(end, words))]);
    Some(SlackContextBlock::new(vec![markdown(text).into()]).into())
}

/// A time that every reader sees in their own zone, and that ages by itself (Slack: "Date
/// formatting").
pub(super) fn date(at: Timestamp, words: &Words) -> String {
    let fallback = escape(&words.moment(at));
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{fallback}>", at.as_second())
}

/// The buttons that can work now.
fn buttons(ticket: &Ticket, words: &Words) -> SlackBlock {
    let actions: &[(&str, &str)] = match ticket.state {
        State::Unclaimed => &[
            (action::CLAIM, "button-claim"),
            (action::CLOSE, "button-close"),
            (action::TRANSFER, "button-transfer"),
        ],
        State::Claimed { .. } => &[
            (action::RELEASE, "button-release"),
            (action::CLOSE, "button-close"),
            (action::TRANSFER, "button-transfer"),
        ],
        State::Closed { .. } => &[],
    };
    let id = ticket.id.to_string();
    let mut elements: Vec<SlackActionBlockElement> = actions
        .iter()
        .map(|(action, label)| {
            let button = button(action, &words.say(label, &[]), &id);
            if *action == action::CLAIM {
                button.with_style(SlackBlockButtonStyle::Primary)
            } else {
                button
            }
            .into()
        })
        .collect();
    elements.push(more(ticket, words).into());
    SlackActionsBlock::new(elements).into()
}

/// The menu with the rest of what can be done.
fn more(ticket: &Ticket, words: &Words) -> SlackBlockOverflowElement {
    let all = [
        (Dialog::Tags, "menu-tags"),
        (Dialog::Reply(None), "menu-reply"),
        (Dialog::Compose(Kind::Quick), "menu-compose"),
        (Dialog::History, "menu-history"),
        (Dialog::Details, "menu-details"),
    ];
    let works = |dialog: &Dialog| {
        !ticket.is_closed() || matches!(dialog, Dialog::History | Dialog::Details)
    };
    let option = |(dialog, label): (Dialog, &str)| {
        let label = SlackBlockPlainTextOnly::from(plain(&words.say(label, &[])));
        works(&dialog).then(|| SlackBlockChoiceItem::new(label, dialog.name().to_owned()))
    };
    SlackBlockOverflowElement::new(all.into_iter().filter_map(option).collect())
        .with_action_id(action::MORE.into())
}

/// A link to a thread with a label from outside, as mark-up.
pub(super) fn thread_link(address: &str, label: &str) -> String {
    format!("<{address}|{}>", escape_line(label))
}

/// Text from outside in a line of mark-up.
pub(super) fn escape_line(text: &str) -> String {
    escape(&shorten(&rich_text::clean(text).replace('\n', " "), SUMMARY_CHARS))
}

/// A button as JSON.
pub(super) fn button_json(name: &str, label: &str, value: &str) -> Value {
    let element = SlackActionBlockElement::from(button(name, label, value));
    serde_json::to_value(element).expect("a button has no keys that are not strings")
}

fn button(action: &str, label: &str, value: &str) -> SlackBlockButtonElement {
    SlackBlockButtonElement::new(plain(label).into())
        .with_action_id(action.into())
        .with_value(value.to_owned())
}

fn plain(text: &str) -> SlackBlockPlainText {
    SlackBlockPlainText::new(text.to_owned()).with_emoji(false)
}

/// Text of ours with outside parts escaped; `verbatim` keeps Slack from finding links and names.
fn markdown(text: String) -> SlackBlockMarkDownText {
    SlackBlockMarkDownText::new(text).with_verbatim(true)
}

fn json(block: impl Into<SlackBlock>) -> Value {
    serde_json::to_value(block.into()).expect("a block has no keys that are not strings")
}
