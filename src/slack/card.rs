//! How a ticket looks in Slack: the card and the questions. No calls.

use serde_json::Value;
use slack_morphism::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement,
    SlackBlockMarkDownText, SlackBlockPlainText, SlackBlockPlainTextOnly, SlackContextBlock,
    SlackHeaderBlock, SlackSectionBlock,
};

use super::mrkdwn::escape;
use super::{action, render, rich_text};
use crate::locale::Words;
use crate::model::{Content, State, Ticket};

/// Longest text of a header block (Block Kit: header).
const HEADER_CHARS: usize = 150;
/// Longest text that the card shows of the customer's first words; the rest follows in the thread.
pub const FIRST_WORDS_CHARS: usize = 2500;
/// Longest text of a line that is made of names from outside.
const LINE_CHARS: usize = 2000;

/// A ticket as a card: what notifications say, and the blocks.
///
/// `first_words` are shown when the ticket is new; an update leaves them out.
pub fn render(ticket: &Ticket, first_words: Option<&Content>, words: &Words) -> (String, Vec<Value>) {
    let first_words = first_words.and_then(|content| render::content(content, words));
    let text = summary(ticket, first_words.as_deref(), words);
    let mut blocks = vec![json(header(ticket, words))];
    if let Some(first_words) = first_words {
        blocks.push(rich_text::literal(&shorten(&first_words, FIRST_WORDS_CHARS)).1);
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

fn summary(ticket: &Ticket, first_words: Option<&str>, words: &Words) -> String {
    let name = render::name(&ticket.customer);
    let channel = words.channel(&ticket.customer.domain);
    let number = render::number(ticket);
    let args = [("number", number.as_str()), ("name", name), ("channel", channel.as_str())];
    let title = words.say("card-summary", &args);
    let state = words.state(ticket);
    let text = match first_words {
        Some(said) => format!("{title}: {}", shorten(said, 300)),
        None => format!("{title} — {state}"),
    };
    escape(&text)
}

fn header(ticket: &Ticket, words: &Words) -> SlackBlock {
    let name = render::name(&ticket.customer);
    let title = format!("{} {} {name}", words.symbol(ticket), render::number(ticket));
    let title = rich_text::clean(&title).replace(['\n', '\t'], " ");
    SlackHeaderBlock::new(SlackBlockPlainTextOnly::from(plain(&shorten(&title, HEADER_CHARS)))).into()
}

fn state(ticket: &Ticket, words: &Words) -> SlackBlock {
    SlackSectionBlock::new().with_text(markdown(escape(&words.state(ticket))).into()).into()
}

fn details(ticket: &Ticket, words: &Words) -> SlackBlock {
    let mut line = vec![words.channel(&ticket.customer.domain)];
    if let Some(team) = &ticket.team {
        line.push(words.say("card-team", &[("team", team)]));
    }
    if !ticket.tags.is_empty() {
        line.push(words.say("card-tags", &[("tags", &ticket.tags.join(", "))]));
    }
    if ticket.customer.name.is_some() {
        line.push(ticket.customer.identity.clone());
    }
    let line = escape(&shorten(&rich_text::clean(&line.join(" · ")), LINE_CHARS));
    let since = ticket.opened.as_second();
    let fallback = escape(&words.time(ticket.opened));
    let since = format!("<!date^{since}^{{date_short_pretty}} {{time}}|{fallback}>");
    let waiting = words.say("card-since", &[("since", &since)]);
    let elements = vec![markdown(line).into(), markdown(waiting).into()];
    SlackContextBlock::new(elements).into()
}

/// The buttons that can work now.
fn buttons(ticket: &Ticket, words: &Words) -> Option<SlackBlock> {
    let actions: &[(&str, &str)] = match ticket.state {
        State::Unclaimed => {
            &[(action::CLAIM, "button-claim"), (action::CLOSE, "button-close")]
        }
        State::Claimed { .. } => {
            &[(action::RELEASE, "button-release"), (action::CLOSE, "button-close")]
        }
        State::Closed { .. } => return None,
    };
    let id = ticket.id.to_string();
    let elements = actions.iter().map(|(action, label)| {
        let button = button(action, &words.say(label, &[]), &id);
        if *action == action::CLAIM { button.with_style("primary".into()) } else { button }.into()
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
