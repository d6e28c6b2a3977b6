//! How our dialogs look. No calls.
//!
//! Lists are external selects: they open empty-handed and at once, can be searched, and have no
//! limit of entries; [`super::choices::build_options`] fills them.

use serde_json::{Value, json};

use super::card::{is_team, link_to_thread};
use super::choices::Choice;
use super::ids::{Dialog, element};
use super::render;
use crate::locale::Texts;
use crate::model::text::{split_text, to_one_line, truncate_label};
use crate::model::{Content, Ticket, TicketId};
use crate::slack::text::rich_text;

/// Longest text that can be typed: what WhatsApp takes is split, Block Kit's own limit is 3,000.
const INPUT_CHARS: usize = 3000;
/// Most characters in one block of running text.
const BLOCK_CHARS: usize = 2800;
/// Most blocks of running text in a dialog, of the 100 and 250 kB that it may have.
const MAX_TEXT_BLOCKS: usize = 15;
/// Most tags that a list shows as chosen already (Block Kit: multi select).
const MAX_CHOSEN_TAGS: usize = 100;

/// Asks for the tags and a farewell before a ticket is closed.
pub fn build_close_dialog(ticket: &Ticket, texts: &Texts) -> Value {
    let blocks = vec![
        build_tags_input(ticket, true, texts),
        build_text_input("dialog-farewell", "farewell", None, texts),
    ];
    build_form_view(&Dialog::Close, ticket, ("dialog-close", "button-close"), &blocks, texts)
}

/// Asks where to hand a ticket on.
pub fn build_transfer_dialog(ticket: &Ticket, texts: &Texts) -> Value {
    let select = json!({
        "type": "external_select", "action_id": element::DESTINATION, "min_query_length": 0,
        "placeholder": plain_text_json(&texts.text("dialog-search", &[])),
    });
    let label = texts.text("dialog-destination", &[]);
    let hint = texts.text("dialog-destination-hint", &[]);
    let block = json!({
        "type": "input", "block_id": "destination", "label": plain_text_json(&label),
        "hint": plain_text_json(&hint), "element": select,
    });
    build_form_view(
        &Dialog::Transfer,
        ticket,
        ("dialog-transfer", "button-transfer"),
        &[block],
        texts,
    )
}

/// Asks for the tags of a ticket.
pub fn build_tags_dialog(ticket: &Ticket, texts: &Texts) -> Value {
    let blocks = vec![build_tags_input(ticket, true, texts)];
    build_form_view(&Dialog::Tags, ticket, ("dialog-tags", "button-save"), &blocks, texts)
}

/// Asks which canned reply to send; once one is chosen, shows it as the customer will read it.
///
/// Each choice has a block of its own: Slack keeps what stands in a block that stays.
pub fn build_reply_dialog(ticket: &Ticket, chosen: Option<(&str, &str)>, texts: &Texts) -> Value {
    let select = json!({
        "type": "external_select", "action_id": element::REPLY, "min_query_length": 0,
        "placeholder": plain_text_json(&texts.text("dialog-search", &[])),
    });
    let list = json!({
        "type": "input", "block_id": "replies", "dispatch_action": true,
        "label": plain_text_json(&texts.text("dialog-reply-which", &[])), "element": select,
    });
    let mut blocks = vec![list];
    let (id, text) = chosen.unwrap_or_default();
    let text: String = text.chars().take(INPUT_CHARS).collect();
    if chosen.is_some() {
        let block = format!("words:{}", truncate_label(id, 200));
        blocks.push(build_text_input("dialog-reply-words", &block, Some(&text), texts));
    }
    build_form_view(&Dialog::Reply(None), ticket, ("dialog-reply", "button-send"), &blocks, texts)
}

/// Says one thing.
pub fn build_notice(text: &str, texts: &Texts) -> Value {
    build_view("dialog-notice", &[rich_text::to_literal_post(text).1], texts)
}

/// Says that something is being fetched.
pub fn build_loading_view(title: &str, texts: &Texts) -> Value {
    build_view(title, &[rich_text::to_literal_post(&texts.text("dialog-loading", &[])).1], texts)
}

/// What is known of earlier tickets, newest first: each with a link to its thread; and what was
/// said lately, oldest first, whether by the customer, and what.
pub fn build_history_view(
    earlier: &[(Ticket, Option<String>)],
    said: Option<&[(bool, Content)]>,
    texts: &Texts,
) -> Value {
    let mut blocks = vec![build_heading("dialog-earlier", texts)];
    if earlier.is_empty() {
        blocks.push(literal_block(&texts.text("dialog-no-earlier", &[])));
    }
    for (ticket, link) in earlier {
        let number = render::ticket_number(ticket);
        let label = format!("{number} · {}", texts.format_day_time(ticket.opened));
        let title = match link {
            Some(link) => link_to_thread(link, &label),
            None => crate::slack::text::mrkdwn::escape_mrkdwn(&label),
        };
        let (state, more) = super::card::describe_state(ticket, texts);
        let text = [Some(state), more].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let text = format!(
            "{title}\n{}",
            crate::slack::text::mrkdwn::escape_mrkdwn(&rich_text::clean_text(&text))
        );
        blocks.push(
            json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}),
        );
    }
    blocks.push(build_heading("dialog-transcript", texts));
    match said.map(|said| render::render_transcript(said, BLOCK_CHARS, texts)) {
        None => blocks.push(literal_block(&texts.text("dialog-unavailable", &[]))),
        Some(parts) if parts.is_empty() => {
            blocks.push(literal_block(&texts.text("dialog-no-words", &[])));
        }
        Some(parts) => {
            let skip = parts.len().saturating_sub(MAX_TEXT_BLOCKS);
            blocks.extend(parts.iter().skip(skip).map(|part| literal_block(part)));
        }
    }
    build_view("dialog-history", &blocks, texts)
}

/// All that is known of a ticket, as labelled lines.
pub fn build_details_view(lines: &[(String, String)], texts: &Texts) -> Value {
    let fact = |(label, value): &(String, String)| {
        format!("{label}: {}", truncate_label(&to_one_line(value), 300))
    };
    let lines: Vec<String> = lines.iter().map(fact).collect();
    let lines = lines.join("\n");
    let blocks: Vec<Value> =
        split_text(&lines, BLOCK_CHARS).into_iter().map(literal_block).collect();
    build_view("dialog-details", &blocks, texts)
}

/// The labelled lines that a ticket itself gives for [`build_details_view`].
pub fn list_ticket_facts(ticket: &Ticket, texts: &Texts) -> Vec<(String, String)> {
    let label = |key: &str| texts.text(key, &[]);
    let (state, more) = super::card::describe_state(ticket, texts);
    let state = [Some(state), more].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let team = ticket.team.as_deref().filter(|team| is_team(team));
    let mut facts = vec![
        (label("details-customer"), render::customer_display_name(&ticket.customer)),
        (label("details-number"), render::ticket_number(ticket)),
        (label("details-state"), state),
        (label("details-channel"), texts.channel_label(&ticket.customer.domain)),
        (label("details-team"), team.unwrap_or_default().to_owned()),
        (label("details-tags"), ticket.tags.join(", ")),
        (label("details-since"), texts.format_day_time(ticket.opened)),
        (label("details-identity"), ticket.customer.identity.clone()),
        (label("details-id"), ticket.id.blip_id().to_owned()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn build_form_view(
    dialog: &Dialog,
    ticket: &Ticket,
    (title, submit): (&str, &str),
    blocks: &[Value],
    texts: &Texts,
) -> Value {
    let mut view = build_view(title, blocks, texts);
    if let Some(view) = view.as_object_mut() {
        view.insert("callback_id".to_owned(), dialog.name().into());
        view.insert("private_metadata".to_owned(), format_metadata(&ticket.id).into());
        view.insert("submit".to_owned(), plain_text_json(&texts.text(submit, &[])));
        view.insert("close".to_owned(), plain_text_json(&texts.text("button-cancel", &[])));
    }
    view
}

pub(super) fn build_view(title: &str, blocks: &[Value], texts: &Texts) -> Value {
    json!({
        "type": "modal", "title": plain_text_json(&texts.text(title, &[])),
        "close": plain_text_json(&texts.text("button-done", &[])), "blocks": blocks,
    })
}

/// Blip's ids are bounded (`model::ids`), far below Slack's limit of 3,000 characters.
fn format_metadata(ticket: &TicketId) -> String {
    ticket.to_string()
}

fn build_tags_input(ticket: &Ticket, optional: bool, texts: &Texts) -> Value {
    let mut select = json!({
        "type": "multi_external_select", "action_id": element::TAGS, "min_query_length": 0,
        "placeholder": plain_text_json(&texts.text("dialog-search", &[])),
    });
    let chosen = ticket.tags.iter().filter_map(|tag| Choice::from_text(tag).to_option());
    let chosen: Vec<Value> = chosen.take(MAX_CHOSEN_TAGS).collect();
    if let (Some(select), false) = (select.as_object_mut(), chosen.is_empty()) {
        select.insert("initial_options".to_owned(), chosen.into());
    }
    json!({
        "type": "input", "block_id": "tags", "optional": optional,
        "label": plain_text_json(&texts.text("dialog-tags-label", &[])), "element": select,
    })
}

fn build_text_input(label: &str, block: &str, initial: Option<&str>, texts: &Texts) -> Value {
    let mut input = json!({
        "type": "plain_text_input", "action_id": element::MESSAGE_TEXT, "multiline": true,
        "max_length": INPUT_CHARS,
    });
    if let (Some(input), Some(initial)) = (input.as_object_mut(), initial) {
        input.insert("initial_value".to_owned(), initial.into());
    }
    json!({
        "type": "input", "block_id": block, "optional": initial.is_none(),
        "label": plain_text_json(&texts.text(label, &[])), "element": input,
    })
}

/// A labelled field, with a hint if there is one.
pub(super) fn build_input(
    block: &str,
    (label, hint): (&str, Option<&str>),
    element: &Value,
    texts: &Texts,
) -> Value {
    let mut input = json!({
        "type": "input", "block_id": block, "label": plain_text_json(&texts.text(label, &[])),
        "element": element,
    });
    if let (Some(input), Some(hint)) = (input.as_object_mut(), hint) {
        input.insert("hint".to_owned(), plain_text_json(&texts.text(hint, &[])));
    }
    input
}

fn build_heading(key: &str, texts: &Texts) -> Value {
    json!({"type": "header", "text": plain_text_json(&texts.text(key, &[]))})
}

fn literal_block(text: &str) -> Value {
    rich_text::to_literal_post(text).1
}

pub(super) fn plain_text_json(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}
