//! Documents that read as a few labelled lines: contacts, payments, tickets and the like.
//!
//! The label is a message key of the locale, the lines are as Blip wrote them. Knows the fields
//! worth reading of each type (`blip.md` §6), and no document that holds another one.

use serde_json::Value;

use super::content::{MAX_PARTS, excerpt};
use super::lenient::{as_text, integer, joined, list, text};
use crate::model::Content;

/// Reads a type of LIME's that is a card; `None` if it is none that we know.
pub(super) fn lime(name: &str, value: &Value) -> Option<Content> {
    let field = |name| text(value, name);
    let (kind, lines) = match name {
        "lime.contact" => (
            "content-contact",
            vec![field("name"), field("phoneNumber"), field("cellPhoneNumber"), field("email")],
        ),
        "lime.copy-and-paste" => (
            "content-copy-and-paste",
            vec![field("header"), field("body"), field("footer"), copied(value)],
        ),
        "lime.invoice" => ("content-invoice", vec![field("title"), total(value), field("dueTo")]),
        "lime.invoice-status" => {
            ("content-invoice-status", vec![field("status"), field("code"), field("date")])
        }
        "lime.payment-receipt" => (
            "content-payment-receipt",
            vec![total(value), method(value), field("code"), field("paidOn")],
        ),
        "lime.satisfaction-survey" => ("content-survey", vec![field("question"), field("score")]),
        _ => return None,
    };
    card(kind, value, lines)
}

fn copied(value: &Value) -> Option<String> {
    let button = value.get("button")?;
    joined(": ", [text(button, "text"), text(button, "value")])
}

fn total(value: &Value) -> Option<String> {
    text(value, "total").and_then(|total| joined(" ", [text(value, "currency"), Some(total)]))
}

fn method(value: &Value) -> Option<String> {
    value.get("method").and_then(|method| as_text(method).or_else(|| text(method, "name")))
}

/// Reads a type of Blip's own; `None` if it is none that we know.
pub(super) fn iris(name: &str, value: &Value) -> Option<Content> {
    match name {
        "iris.ticket" => {
            let number = integer(value, "sequentialId").map(|number| format!("#{number}"));
            card("content-ticket", value, vec![number, text(value, "status")])
        }
        "iris.resource" => card("content-resource", value, vec![text(value, "key")]),
        "iris.desk.thread-summary" => {
            let lines = list(value, "summary").iter().take(MAX_PARTS).map(excerpt);
            card("content-summary", value, lines.chain([text(value, "summary")]).collect())
        }
        "iris.human-agent-request" => Some(Content::Notice("content-human-requested")),
        "iris.content-unavailable" => Some(Content::Notice("content-unavailable")),
        "iris.desk.internal-chat-notification"
        | "iris.desk.flow-session"
        | "iris.media.detail-media" => Some(Content::Notice("content-system")),
        _ if name.starts_with("iris.calls.") => Some(Content::Notice("content-call")),
        _ => None,
    }
}

/// Labelled lines; only the label if there is nothing to read in the document at all.
///
/// `None` if there are words in it, but not where they should be.
pub(super) fn card(
    kind: &'static str,
    document: &Value,
    lines: Vec<Option<String>>,
) -> Option<Content> {
    let mut lines: Vec<String> = lines.into_iter().flatten().collect();
    lines.dedup();
    if lines.is_empty() {
        return excerpt(document).is_none().then_some(Content::Notice(kind));
    }
    Some(Content::Card { kind, lines })
}
