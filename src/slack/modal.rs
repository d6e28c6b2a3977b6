//! How our dialogs look. No calls.
//!
//! Lists are external selects: they open empty-handed and at once, can be searched, and have no
//! limit of entries; [`super::dialog::options`] fills them.

use serde_json::{Value, json};

use super::card::{is_team, thread_link};
use super::dialog::{Choice, Dialog, element};
use super::{render, rich_text};
use crate::locale::Words;
use crate::model::text::{one_line, shorten, split};
use crate::model::{Content, Ticket, TicketId};

/// Longest text that can be typed: what WhatsApp takes is split, Block Kit's own limit is 3,000.
const WORDS_CHARS: usize = 3000;
/// Most characters in one block of running text.
const BLOCK_CHARS: usize = 2800;
/// Most blocks of running text in a dialog, of the 100 and 250 kB that it may have.
const MOST_BLOCKS: usize = 15;
/// Most tags that a list shows as chosen already (Block Kit: multi select).
const MOST_TAGS: usize = 100;

/// Asks for the tags and a farewell before a ticket is closed.
pub fn close(ticket: &Ticket, words: &Words) -> Value {
    let blocks = vec![
        tags_input(ticket, true, words),
        words_input("dialog-farewell", "farewell", None, words),
    ];
    form(&Dialog::Close, ticket, ("dialog-close", "button-close"), &blocks, words)
}

/// Asks where to hand a ticket on.
pub fn transfer(ticket: &Ticket, words: &Words) -> Value {
    let select = json!({
        "type": "external_select", "action_id": element::DESTINATION, "min_query_length": 0,
        "placeholder": plain(&words.say("dialog-search", &[])),
    });
    let label = words.say("dialog-destination", &[]);
    let hint = words.say("dialog-destination-hint", &[]);
    let block = json!({
        "type": "input", "block_id": "destination", "label": plain(&label),
        "hint": plain(&hint), "element": select,
    });
    form(&Dialog::Transfer, ticket, ("dialog-transfer", "button-transfer"), &[block], words)
}

/// Asks for the tags of a ticket.
pub fn tags(ticket: &Ticket, words: &Words) -> Value {
    let blocks = vec![tags_input(ticket, true, words)];
    form(&Dialog::Tags, ticket, ("dialog-tags", "button-save"), &blocks, words)
}

/// Asks which canned reply to send; once one is chosen, shows it as the customer will read it.
///
/// Each choice has a block of its own: Slack keeps what stands in a block that stays.
pub fn reply(ticket: &Ticket, chosen: Option<(&str, &str)>, words: &Words) -> Value {
    let select = json!({
        "type": "external_select", "action_id": element::REPLY, "min_query_length": 0,
        "placeholder": plain(&words.say("dialog-search", &[])),
    });
    let list = json!({
        "type": "input", "block_id": "replies", "dispatch_action": true,
        "label": plain(&words.say("dialog-reply-which", &[])), "element": select,
    });
    let mut blocks = vec![list];
    let (id, text) = chosen.unwrap_or_default();
    let text: String = text.chars().take(WORDS_CHARS).collect();
    if chosen.is_some() {
        let block = format!("words:{}", shorten(id, 200));
        blocks.push(words_input("dialog-reply-words", &block, Some(&text), words));
    }
    form(&Dialog::Reply(None), ticket, ("dialog-reply", "button-send"), &blocks, words)
}

/// Says one thing.
pub fn notice(text: &str, words: &Words) -> Value {
    page("dialog-notice", &[rich_text::literal(text).1], words)
}

/// Says that something is being fetched.
pub fn loading(title: &str, words: &Words) -> Value {
    page(title, &[rich_text::literal(&words.say("dialog-loading", &[])).1], words)
}

/// What is known of earlier tickets, newest first: each with a link to its thread; and what was
/// said lately, oldest first, whether by the customer, and what.
pub fn history(
    earlier: &[(Ticket, Option<String>)],
    said: Option<&[(bool, Content)]>,
    words: &Words,
) -> Value {
    let mut blocks = vec![heading("dialog-earlier", words)];
    if earlier.is_empty() {
        blocks.push(line(&words.say("dialog-no-earlier", &[])));
    }
    for (ticket, link) in earlier {
        let number = render::number(ticket);
        let label = format!("{number} · {}", words.moment(ticket.opened));
        let title = match link {
            Some(link) => thread_link(link, &label),
            None => super::mrkdwn::escape(&label),
        };
        let (state, more) = super::card::state_line(ticket, words);
        let text = [Some(state), more].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let text = format!("{title}\n{}", super::mrkdwn::escape(&rich_text::clean(&text)));
        blocks.push(
            json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}),
        );
    }
    blocks.push(heading("dialog-transcript", words));
    match said.map(|said| render::transcript(said, BLOCK_CHARS, words)) {
        None => blocks.push(line(&words.say("dialog-unavailable", &[]))),
        Some(parts) if parts.is_empty() => blocks.push(line(&words.say("dialog-no-words", &[]))),
        Some(parts) => {
            let skip = parts.len().saturating_sub(MOST_BLOCKS);
            blocks.extend(parts.iter().skip(skip).map(|part| line(part)));
        }
    }
    page("dialog-history", &blocks, words)
}

/// All that is known of a ticket, as labelled lines.
pub fn details(lines: &[(String, String)], words: &Words) -> Value {
    let fact =
        |(label, value): &(String, String)| format!("{label}: {}", shorten(&one_line(value), 300));
    let lines: Vec<String> = lines.iter().map(fact).collect();
    let lines = lines.join("\n");
    let blocks: Vec<Value> = split(&lines, BLOCK_CHARS).into_iter().map(line).collect();
    page("dialog-details", &blocks, words)
}

/// The labelled lines that a ticket itself gives for [`details`].
pub fn facts(ticket: &Ticket, words: &Words) -> Vec<(String, String)> {
    let label = |key: &str| words.say(key, &[]);
    let (state, more) = super::card::state_line(ticket, words);
    let state = [Some(state), more].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let team = ticket.team.as_deref().filter(|team| is_team(team));
    let mut facts = vec![
        (label("details-customer"), render::name(&ticket.customer)),
        (label("details-number"), render::number(ticket)),
        (label("details-state"), state),
        (label("details-channel"), words.channel(&ticket.customer.domain)),
        (label("details-team"), team.unwrap_or_default().to_owned()),
        (label("details-tags"), ticket.tags.join(", ")),
        (label("details-since"), words.moment(ticket.opened)),
        (label("details-identity"), ticket.customer.identity.clone()),
        (label("details-id"), ticket.id.blip().to_owned()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn form(
    dialog: &Dialog,
    ticket: &Ticket,
    (title, submit): (&str, &str),
    blocks: &[Value],
    words: &Words,
) -> Value {
    let mut view = page(title, blocks, words);
    if let Some(view) = view.as_object_mut() {
        view.insert("callback_id".to_owned(), dialog.name().into());
        view.insert("private_metadata".to_owned(), metadata(&ticket.id).into());
        view.insert("submit".to_owned(), plain(&words.say(submit, &[])));
        view.insert("close".to_owned(), plain(&words.say("button-cancel", &[])));
    }
    view
}

pub(super) fn page(title: &str, blocks: &[Value], words: &Words) -> Value {
    json!({
        "type": "modal", "title": plain(&words.say(title, &[])),
        "close": plain(&words.say("button-done", &[])), "blocks": blocks,
    })
}

/// Blip's ids are bounded (`model::ids`), far below Slack's limit of 3,000 characters.
fn metadata(ticket: &TicketId) -> String {
    ticket.to_string()
}

fn tags_input(ticket: &Ticket, optional: bool, words: &Words) -> Value {
    let mut select = json!({
        "type": "multi_external_select", "action_id": element::TAGS, "min_query_length": 0,
        "placeholder": plain(&words.say("dialog-search", &[])),
    });
    let chosen = ticket.tags.iter().filter_map(|tag| Choice::plain(tag).option());
    let chosen: Vec<Value> = chosen.take(MOST_TAGS).collect();
    if let (Some(select), false) = (select.as_object_mut(), chosen.is_empty()) {
        select.insert("initial_options".to_owned(), chosen.into());
    }
    json!({
        "type": "input", "block_id": "tags", "optional": optional,
        "label": plain(&words.say("dialog-tags-label", &[])), "element": select,
    })
}

fn words_input(label: &str, block: &str, initial: Option<&str>, words: &Words) -> Value {
    let mut input = json!({
        "type": "plain_text_input", "action_id": element::WORDS, "multiline": true,
        "max_length": WORDS_CHARS,
    });
    if let (Some(input), Some(initial)) = (input.as_object_mut(), initial) {
        input.insert("initial_value".to_owned(), initial.into());
    }
    json!({
        "type": "input", "block_id": block, "optional": initial.is_none(),
        "label": plain(&words.say(label, &[])), "element": input,
    })
}

/// A labelled field, with a hint if there is one.
pub(super) fn input(
    block: &str,
    (label, hint): (&str, Option<&str>),
    element: &Value,
    words: &Words,
) -> Value {
    let mut input = json!({
        "type": "input", "block_id": block, "label": plain(&words.say(label, &[])),
        "element": element,
    });
    if let (Some(input), Some(hint)) = (input.as_object_mut(), hint) {
        input.insert("hint".to_owned(), plain(&words.say(hint, &[])));
    }
    input
}

fn heading(key: &str, words: &Words) -> Value {
    json!({"type": "header", "text": plain(&words.say(key, &[]))})
}

fn line(text: &str) -> Value {
    rich_text::literal(text).1
}

pub(super) fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}
