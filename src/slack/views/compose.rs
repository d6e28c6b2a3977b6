//! The dialog for what is more than words: quick replies, a menu, a place, a link.
//!
//! It has two pages: a form, and what the customer will get. The second one is the answer to the
//! first, and carries all that was filled in, so that nothing has to be remembered between them.
//! Knows what may be filled in; knows nothing of how it is sent.

use std::collections::HashMap;

use serde_json::Value;
use slack_morphism::blocks::{
    SlackBlockChoiceItem, SlackBlockPlainTextInputElement, SlackBlockStaticSelectElement,
    SlackInputBlock, SlackModalView, SlackView, SlackViewSubmissionErrorsResponse,
    SlackViewSubmissionResponse, SlackViewSubmissionUpdateResponse,
};
use url::Url;

use super::blocks::{context_block, input_block, make_submittable, modal_view, plain_text};
use super::ids::{
    ComposeKind, Dialog, KIND_ACTION_ID, METADATA_CHARS, SEND_CALLBACK_ID, write_confirmed_offer,
    write_ticket,
};
use super::{modal, render};
use crate::locale::Texts;
use crate::model::{Offer, Ticket};
use crate::slack::text::rich_text;

/// Longest question: what WhatsApp takes with buttons.
const QUESTION_CHARS: usize = 1024;
/// Longest address, title and text of a link. Together they must fit into what a dialog carries.
const LINK_CHARS: [usize; 3] = [1000, 200, 800];

/// The block of the kinds.
const KIND_BLOCK: &str = "kind";

/// The field that is wrong, and the key of the text that says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldError(&'static str, &'static str);

fn kind_label(kind: ComposeKind) -> &'static str {
    match kind {
        ComposeKind::Quick => "compose-quick",
        ComposeKind::Menu => "compose-menu",
        ComposeKind::Place => "compose-place",
        ComposeKind::Link => "compose-link",
    }
}

/// How many answers there may be, and how long each: what WhatsApp takes, the tightest of all.
fn option_limits(kind: ComposeKind) -> (usize, usize) {
    if kind == ComposeKind::Quick { (3, 20) } else { (10, 24) }
}

/// The first page, for one kind.
pub(crate) fn build_offer_form(ticket: &Ticket, kind: ComposeKind, texts: &Texts) -> SlackView {
    let option = |kind: ComposeKind| {
        let label = plain_text(&texts.text(kind_label(kind), &[]));
        SlackBlockChoiceItem::new(label, kind.name().to_owned())
    };
    let select = SlackBlockStaticSelectElement::new()
        .with_action_id(KIND_ACTION_ID.into())
        .with_options(ComposeKind::ALL.into_iter().map(option).collect())
        .with_initial_option(option(kind));
    // Slack tells of the choice at once, so that the fields below can be those of the kind.
    let kinds = input_block(KIND_BLOCK, "compose-kind", select, texts).with_dispatch_action(true);
    let fields = build_fields(kind, texts);
    let fields = std::iter::once(kinds).chain(fields).map(Into::into);
    let blocks = std::iter::once(modal::name_ticket(ticket, texts)).chain(fields).collect();
    let view = modal_view("dialog-compose", blocks, texts);
    let (name, metadata) = (Dialog::Compose(kind).name(), write_ticket(&ticket.id));
    SlackView::Modal(make_submittable(view, name, metadata, "button-preview", texts))
}

/// What is to be filled in for one kind.
fn build_fields(kind: ComposeKind, texts: &Texts) -> Vec<SlackInputBlock> {
    let field = |name: &str, label: &str, chars: usize, lines: bool| {
        let input = SlackBlockPlainTextInputElement::new()
            .with_action_id(name.into())
            .with_multiline(lines)
            .with_max_length(chars as u64);
        input_block(name, label, input, texts)
    };
    let hint = |key: &str| plain_text(&texts.text(key, &[]));
    match kind {
        ComposeKind::Quick | ComposeKind::Menu => vec![
            field("question", "compose-question", QUESTION_CHARS, true),
            field("options", "compose-options", 300, true).with_hint(hint(options_hint(kind))),
        ],
        ComposeKind::Place => vec![
            field("where", "compose-where", 500, false).with_hint(hint("compose-where-hint")),
            field("label", "compose-label", 200, false).with_optional(true),
        ],
        ComposeKind::Link => vec![
            field("address", "compose-address", LINK_CHARS[0], false),
            field("title", "compose-title", LINK_CHARS[1], false).with_optional(true),
            field("text", "compose-text", LINK_CHARS[2], true).with_optional(true),
        ],
    }
}

/// What is said about the answers beside their field, and again where they are wrong.
fn options_hint(kind: ComposeKind) -> &'static str {
    if kind == ComposeKind::Quick { "compose-quick-hint" } else { "compose-menu-hint" }
}

/// The answer to the first page: what the customer will get, or what is wrong.
pub(crate) fn answer_draft(
    ticket: &Ticket,
    (drafted, holder): (&Result<Offer, FieldError>, Option<&str>),
    texts: &Texts,
) -> SlackViewSubmissionResponse {
    let offer = match drafted {
        Ok(offer) => offer,
        Err(FieldError(field, key)) => return build_field_error(field, key, texts),
    };
    let metadata = write_confirmed_offer(&ticket.id, offer);
    // Slack refuses the whole view beyond that, and what was typed would be lost with it.
    if metadata.chars().count() > METADATA_CHARS {
        let field = if matches!(offer, Offer::Link { .. }) { "text" } else { "question" };
        return build_field_error(field, "compose-too-long", texts);
    }
    let shown = offer.to_content().and_then(|content| render::render_content(&content, texts));
    let shown = shown.unwrap_or_default();
    let view = build_preview(ticket, &shown, (SEND_CALLBACK_ID, metadata), texts);
    let view = SlackView::Modal(view);
    replace_view(match holder {
        Some(holder) => modal::add_holder(view, holder, true, texts),
        None => view,
    })
}

/// What a customer will get, and who that is: the last page before it is sent, under a name and with
/// what it carries.
pub(super) fn build_preview(
    ticket: &Ticket,
    shown: &str,
    (name, metadata): (&str, String),
    texts: &Texts,
) -> SlackModalView {
    let customer = modal::format_ticket_name(ticket, texts);
    let recipient = context_block([texts.text("dialog-recipient", &[("customer", &customer)])]);
    let intro = rich_text::literal_block(&texts.text("compose-preview", &[]));
    let blocks = vec![recipient, intro, rich_text::literal_quote(shown)];
    let view = modal_view("dialog-preview", blocks, texts);
    make_submittable(view, name, metadata, "button-send", texts)
        // This page took the place of the first: there is no page to go back to.
        .with_close(plain_text(&texts.text("button-send-nothing", &[])))
}

/// The answer to a dialog that was handed in, which shows another one in its place.
pub(crate) fn replace_view(view: SlackView) -> SlackViewSubmissionResponse {
    SlackViewSubmissionResponse::Update(SlackViewSubmissionUpdateResponse::new(view))
}

/// The answer to a first page whose ticket cannot be read now: said at its first block.
pub(crate) fn refuse_unreadable_ticket(texts: &Texts) -> SlackViewSubmissionResponse {
    build_field_error(KIND_BLOCK, "home-unavailable", texts)
}

/// The answer to a dialog that was handed in with something wrong in one of its blocks.
pub(super) fn build_field_error(
    field: &str,
    key: &str,
    texts: &Texts,
) -> SlackViewSubmissionResponse {
    let errors = HashMap::from([(field.to_owned(), texts.text(key, &[]))]);
    SlackViewSubmissionResponse::Errors(SlackViewSubmissionErrorsResponse::new(errors))
}

/// Reads the first page as it was filled in.
pub(crate) fn parse_offer_form(values: &Value) -> Option<Result<Offer, FieldError>> {
    let chosen = values.pointer(&format!("/kind/{KIND_ACTION_ID}/selected_option/value"));
    let kind = ComposeKind::parse(chosen?.as_str()?)?;
    let text = |field: &str| {
        let value = values.pointer(&format!("/{field}/{field}/value")).and_then(Value::as_str);
        value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    Some(match kind {
        ComposeKind::Quick | ComposeKind::Menu => {
            parse_options(kind, text("question"), text("options"))
        }
        ComposeKind::Place => {
            let place = text("where").as_deref().and_then(parse_coordinates);
            let place = place.ok_or(FieldError("where", "compose-wrong-where"));
            place.map(|(latitude, longitude)| Offer::Place {
                latitude,
                longitude,
                label: text("label"),
            })
        }
        ComposeKind::Link => {
            let url = text("address").filter(|address| is_web_url(address));
            let url = url.ok_or(FieldError("address", "compose-wrong-address"));
            url.map(|url| Offer::Link { url, title: text("title"), text: text("text") })
        }
    })
}

fn parse_options(
    kind: ComposeKind,
    question: Option<String>,
    options: Option<String>,
) -> Result<Offer, FieldError> {
    let text = question.ok_or(FieldError("question", "compose-wrong-question"))?;
    let options = options.unwrap_or_default();
    let lines = options.lines().map(str::trim).filter(|line| !line.is_empty());
    let options: Vec<String> = lines.map(str::to_owned).collect();
    let (most, longest) = option_limits(kind);
    let repeated =
        // The customer's answer comes back as the text (`blip.md` §6): two that are equal cannot be
        // told apart.
        options.iter().enumerate().any(|(at, line)| options.iter().take(at).any(|o| o == line));
    let long = options.iter().any(|line| line.chars().count() > longest);
    if options.is_empty() || options.len() > most || repeated || long {
        return Err(FieldError("options", options_hint(kind)));
    }
    Ok(Offer::Options { text, options, quick: kind == ComposeKind::Quick })
}

/// The first two numbers with a comma between them that can be a place: typed as they are, or in
/// the address of a map.
fn parse_coordinates(text: &str) -> Option<(f64, f64)> {
    // Some addresses of maps have the comma encoded.
    let text = text.replace("%2C", ",").replace("%2c", ",");
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    text.match_indices(',').find_map(|(comma, _)| {
        let (before, after) = (text.get(..comma)?.trim_end(), text.get(comma + 1..)?.trim_start());
        let start = before.trim_end_matches(is_number).len();
        let end = after.find(|c: char| !is_number(c)).unwrap_or(after.len());
        let latitude: f64 = before.get(start..)?.parse().ok()?;
        let longitude: f64 = after.get(..end)?.parse().ok()?;
        (latitude.abs() <= 90.0 && longitude.abs() <= 180.0).then_some((latitude, longitude))
    })
}

pub(super) fn is_web_url(address: &str) -> bool {
    let url = Url::parse(address).ok();
    url.is_some_and(|url| matches!(url.scheme(), "https" | "http") && url.host_str().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use serde_json::json;

    use super::*;
    use crate::model::TicketId;
    use crate::slack::views::ids::parse_confirmed_offer;

    #[test]
    fn places_are_found_as_people_write_them() {
        let rio = Some((-22.951_9, -43.210_5));
        for (text, place) in [
            ("-22.9519,-43.2105", rio),
            ("-22.9519, -43.2105", rio),
            ("https://www.google.com/maps/@-22.9519,-43.2105,15z", rio),
            ("https://maps.google.com/?q=-22.9519%2C-43.2105", rio),
            ("https://www.google.com/maps/place/Cristo,+Rio/@-22.9519,-43.2105,17z/data=!3m", rio),
            ("91,10", None),
            ("Rua A, 10", None),
            ("https://maps.app.goo.gl/abc", None),
            ("", None),
        ] {
            assert_eq!(parse_coordinates(text), place, "{text}");
        }
    }

    fn drafted_from(values: &Value) -> Result<Offer, FieldError> {
        parse_offer_form(values).unwrap()
    }

    fn filled(kind: &str, fields: &[(&str, &str)]) -> Value {
        let mut values = json!({"kind": {KIND_ACTION_ID: {"selected_option": {"value": kind}}}});
        for (field, value) in fields {
            values[*field] = json!({*field: {"value": value}});
        }
        values
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let long = "a".repeat(21);
        for (kind, fields, field) in [
            ("quick", vec![("options", "Sim")], "question"),
            ("quick", vec![("question", "?"), ("options", " \n")], "options"),
            ("quick", vec![("question", "?"), ("options", "a\nb\nc\nd")], "options"),
            ("quick", vec![("question", "?"), ("options", "a\na")], "options"),
            ("quick", vec![("question", "?"), ("options", long.as_str())], "options"),
            ("place", vec![("where", "ali")], "where"),
            ("link", vec![("address", "javascript:alert(1)")], "address"),
        ] {
            let wrong = drafted_from(&filled(kind, &fields)).unwrap_err();
            assert_eq!(wrong.0, field, "{kind} {fields:?}");
        }
        let menu =
            drafted_from(&filled("menu", &[("question", "?"), ("options", "a\n\n b \nc\nd")]));
        let options = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(menu, Ok(Offer::Options { text: "?".to_owned(), options, quick: false }));
    }

    proptest! {
        #[test]
        fn what_is_agreed_is_what_was_drafted(
            text in "\\PC{1,40}", options in prop::collection::vec("\\PC{1,20}", 1..4), quick: bool,
            place in (-90.0..90.0, -180.0..180.0), label in prop::option::of("\\PC{1,20}"),
        ) {
            let link = Offer::Link { url: text.clone(), title: label.clone(), text: None };
            let place = Offer::Place { latitude: place.0, longitude: place.1, label };
            for offer in [Offer::Options { text, options, quick }, place, link] {
                let ticket = TicketId::parse("default/t").unwrap();
                let carried = write_confirmed_offer(&ticket, &offer);
                prop_assert_eq!(parse_confirmed_offer(&carried), Some((ticket, offer)));
            }
        }
    }
}
