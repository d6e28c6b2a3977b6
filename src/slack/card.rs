//! How a ticket looks in Slack: the card and the questions. No calls.

use serde_json::Value;
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement,
    SlackBlockButtonStyle, SlackBlockMarkDownText, SlackBlockPlainText, SlackBlockPlainTextOnly,
    SlackContextBlock, SlackHeaderBlock, SlackSectionBlock,
};

use super::mrkdwn::escape;
use super::{action, render, rich_text};
use crate::locale::Words;
use crate::model::{Ending, State, Ticket};

/// Longest text of a header block (Block Kit: header).
const HEADER_CHARS: usize = 150;
/// Longest text of a notification's part that comes from outside.
const SUMMARY_CHARS: usize = 300;
/// Longest text of a line that is made of names from outside.
const LINE_CHARS: usize = 2000;

/// A ticket as a card: what notifications say, and the blocks.
///
/// `first_words` are what the customer said to begin with; they must fit into a post
/// ([`render::parts`]).
pub fn render(ticket: &Ticket, first_words: Option<&str>, words: &Words) -> (String, Vec<Value>) {
    let text = summary(ticket, first_words, words);
    let mut blocks = vec![json(header(ticket))];
    if let Some(first_words) = first_words {
        blocks.push(rich_text::literal(first_words).1);
    }
    blocks.push(json(state(ticket, words)));
    blocks.push(json(details(ticket, words)));
    blocks.extend(buttons(ticket, words).map(json));
    (text, blocks)
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
    let mut args = vec![("customer", name)];
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
    let title = [render::name(&ticket.customer).to_owned(), render::number(ticket)].join(" ");
    let title = rich_text::clean(title.trim()).replace(['\n', '\t'], " ");
    SlackHeaderBlock::new(SlackBlockPlainTextOnly::from(plain(&shorten(&title, HEADER_CHARS))))
        .into()
}

/// Where the ticket stands, and a line more about it if there is more to say.
fn state_line(ticket: &Ticket, words: &Words) -> (String, Option<String>) {
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

fn details(ticket: &Ticket, words: &Words) -> SlackBlock {
    let channel = words.channel(&ticket.customer.domain);
    let mut line = vec![words.say("card-channel", &[("channel", &channel)])];
    if let Some(team) = &ticket.team {
        line.push(words.say("card-team", &[("team", team)]));
    }
    if !ticket.tags.is_empty() {
        line.push(words.say("card-tags", &[("tags", &ticket.tags.join(", "))]));
    }
    let line = escape(&shorten(&rich_text::clean(&line.join(" · ")), LINE_CHARS));
    let since = words.say("card-since", &[("time", &date(ticket, words))]);
    SlackContextBlock::new(vec![markdown(line).into(), markdown(since).into()]).into()
}

/// A time that every reader sees in their own zone, and that ages by itself (Slack: "Date
/// formatting").
fn date(ticket: &Ticket, words: &Words) -> String {
    let fallback = escape(&words.moment(ticket.opened));
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{fallback}>", ticket.opened.as_second())
}

/// The buttons that can work now.
fn buttons(ticket: &Ticket, words: &Words) -> Option<SlackBlock> {
    let actions: &[(&str, &str)] = match ticket.state {
        State::Unclaimed => &[(action::CLAIM, "button-claim"), (action::CLOSE, "button-close")],
        State::Claimed { .. } => {
            &[(action::RELEASE, "button-release"), (action::CLOSE, "button-close")]
        }
        State::Closed { .. } => return None,
    };
    let id = ticket.id.to_string();
    let elements = actions.iter().map(|(action, label)| {
        let button = button(action, &words.say(label, &[]), &id);
        if *action == action::CLAIM {
            button.with_style(SlackBlockButtonStyle::Primary)
        } else {
            button
        }
        .into()
    });
    Some(SlackActionsBlock::new(elements.collect()).into())
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

/// Cuts a text that is shown only to recognise something; nothing that is said is cut.
fn shorten(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}
