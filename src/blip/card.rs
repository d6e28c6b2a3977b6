//! Documents that read as a few labelled lines: contacts, payments, tickets and the like.
//!
//! Labels are message keys of the locale, words are as Blip wrote them. Knows the fields worth
//! reading of each type (`blip.md` §6), and no document that holds another one; fields that it does
//! not know are named below those that it does.

use serde_json::Value;

use super::content::{MAX_PARTS, excerpt, media, together};
use super::lenient::{self, as_integer, as_text, joined, list};
use super::object::Object;
use crate::model::{Content, Line};

/// What a contact holds that is of Blip's making and tells an agent nothing (`blip.md` §5).
const CONTACT_INTERNALS: [&str; 13] = [
    "identity",
    "identityName",
    "identityDomain",
    "tenantId",
    "isGroupEnabled",
    "isPending",
    "sharePresence",
    "shareAccountInfo",
    "lastMessageDate",
    "lastUpdateDate",
    "culture",
    "timezone",
    "source",
];

/// Reads a type of LIME's that is a card; `None` if it is none that we know.
pub(super) fn lime(name: &str, value: &Value) -> Option<Content> {
    let object = &Object::new(value);
    let (kind, lines) = match name {
        "lime.contact" => ("content-contact", contact(object)),
        "lime.copy-and-paste" => {
            let copied = object.object("button");
            let copied = joined(": ", [copied.text("text"), copied.text("value")]);
            let words = ["header", "body", "footer"].map(|name| object.text(name));
            ("content-copy-and-paste", said(words.into_iter().chain([copied])))
        }
        "lime.invoice" => ("content-invoice", invoice(object)),
        "lime.invoice-status" => {
            let mut lines = said([object.text("status"), object.text("code")]);
            lines.extend(date(object, "date", "content-date"));
            ("content-invoice-status", lines)
        }
        "lime.payment-receipt" => ("content-payment-receipt", receipt(object)),
        "lime.satisfaction-survey" => {
            object.skip(&["type", "scale"]);
            ("content-survey", said([object.text("question"), object.text("score")]))
        }
        _ => return None,
    };
    card(kind, value, with_left(object, lines))
}

fn contact(contact: &Object<'_>) -> Vec<Line> {
    let known = ["name", "phoneNumber", "cellPhoneNumber", "email"].map(|name| contact.text(name));
    let mut lines = said(known);
    let address = joined(", ", ["address", "city"].map(|name| contact.text(name)));
    lines.extend(labelled("content-address", address));
    contact.skip(&CONTACT_INTERNALS);
    lines
}

fn invoice(invoice: &Object<'_>) -> Vec<Line> {
    let mut lines = said([invoice.text("title")]);
    lines.extend(bought(invoice, "items"));
    lines.extend(said([total(invoice)]));
    lines.extend(labelled("content-taxes", invoice.text("taxes")));
    lines.extend(date(invoice, "created", "content-created"));
    lines.extend(date(invoice, "dueTo", "content-due"));
    lines
}

fn receipt(receipt: &Object<'_>) -> Vec<Line> {
    let mut lines = bought(receipt, "items");
    let method = receipt.object("method");
    let method = receipt.text("method").or_else(|| method.text("name"));
    lines.extend(said([total(receipt), method, receipt.text("code")]));
    lines.extend(labelled("content-taxes", receipt.text("taxes")));
    lines.extend(date(receipt, "paidOn", "content-paid"));
    lines
}

/// What was or is to be bought, a line each: how many of what, and for how much.
fn bought(object: &Object<'_>, field: &'static str) -> Vec<Line> {
    let item = |item: &Value| {
        let item = Object::new(item);
        let count = item.get("quantity").and_then(|count| {
            as_integer(count).map(|count| count.to_string()).or_else(|| as_text(count))
        });
        let what = item.text("description").or_else(|| item.text("name"));
        let price = item.text("total").or_else(|| item.text("price")).or_else(|| item.text("unit"));
        let price = price.and_then(|price| joined(" ", [item.text("currency"), Some(price)]));
        item.skip(&["unit", "price", "currency"]);
        let line = joined(": ", [joined(" × ", [count, what]), price]);
        line.into_iter().chain(item.left()).map(Line::Said).collect::<Vec<_>>()
    };
    object.list(field).iter().take(MAX_PARTS).flat_map(item).collect()
}

fn total(object: &Object<'_>) -> Option<String> {
    let currency = object.text("currency");
    object.text("total").and_then(|total| joined(" ", [currency, Some(total)]))
}

fn said(lines: impl IntoIterator<Item = Option<String>>) -> Vec<Line> {
    lines.into_iter().flatten().map(Line::Said).collect()
}

fn labelled(label: &'static str, text: Option<String>) -> Option<Line> {
    text.map(|text| Line::Labelled { label, text })
}

/// A moment under a label; a day without an hour is no moment, and stays as it was written.
fn date(object: &Object<'_>, field: &'static str, label: &'static str) -> Option<Line> {
    let value = object.get(field)?;
    let has_hour = value.is_number() || value.as_str().is_some_and(|text| text.contains(':'));
    match lenient::as_date(value).filter(|_| has_hour) {
        Some(at) => Some(Line::Moment { label, at }),
        None => labelled(label, as_text(value)),
    }
}

fn with_left(object: &Object<'_>, lines: Vec<Line>) -> Vec<Line> {
    // A document whose fields stand in place of its value has its own type among them.
    object.skip(&["type"]);
    lines.into_iter().chain(object.left().into_iter().map(Line::Said)).collect()
}

/// Reads a type of Blip's own; `None` if it is none that we know.
pub(super) fn iris(name: &str, value: &Value) -> Option<Content> {
    let object = &Object::new(value);
    match name {
        "iris.ticket" => {
            let number = lenient::integer(value, "sequentialId").map(|number| format!("#{number}"));
            card("content-ticket", value, said([number, object.text("status")]))
        }
        "iris.resource" => {
            let lines = said([object.text("key")]);
            card("content-resource", value, with_left(object, lines))
        }
        "iris.desk.thread-summary" => {
            let lines = list(value, "summary").iter().take(MAX_PARTS).map(excerpt);
            card("content-summary", value, said(lines.chain([object.text("summary")])))
        }
        "iris.builder.checkout" => {
            let lines = checkout(object);
            card("content-checkout", value, with_left(object, lines))
        }
        "iris.human-agent-request" => Some(Content::Notice("content-human-requested")),
        "iris.content-unavailable" => Some(Content::Notice("content-unavailable")),
        "iris.desk.internal-chat-notification"
        | "iris.desk.flow-session"
        | "iris.media.detail-media" => Some(Content::Notice("content-system")),
        "iris.calls.customer-permission" => permission(object),
        _ if name.starts_with("iris.calls.") => call(object),
        _ => None,
    }
}

fn checkout(checkout: &Object<'_>) -> Vec<Line> {
    let mut lines = said([checkout.text("message")]);
    lines.extend(bought(checkout, "products"));
    lines.extend(said([total(checkout)]));
    lines.extend(said([checkout.text("uri"), checkout.object("customer").text("name")]));
    lines
}

/// A call: what kind it was, how it went, and its recording (`blip.md`, additions §10).
fn call(call: &Object<'_>) -> Option<Content> {
    let kind = call.text("type").unwrap_or_default().to_lowercase();
    let title = match kind.as_str() {
        "voice" => "content-call-voice",
        "video" => "content-call-video",
        _ => "content-call",
    };
    let status = call.text("status");
    let outcome = status.as_ref().map(|status| match status.to_lowercase().as_str() {
        "answer" | "answered" => Line::Notice("content-call-answered"),
        "busy" => Line::Notice("content-call-busy"),
        "cancel" | "canceled" | "cancelled" => Line::Notice("content-call-cancelled"),
        "noanswer" => Line::Notice("content-call-unanswered"),
        "progress" => Line::Notice("content-call-progress"),
        "completed" => Line::Notice("content-call-completed"),
        "failed" => Line::Notice("content-call-failed"),
        _ => Line::Said(status.clone()),
    });
    call.skip(&["id", "sessionId"]);
    let mut lines: Vec<Line> = outcome.into_iter().collect();
    lines.extend(said([call.text("identification")]));
    let recording = call.get("media").and_then(recording);
    lines.extend(call.left().into_iter().map(Line::Said));
    let told = if lines.is_empty() {
        Content::Notice(title)
    } else {
        Content::Card { kind: title, lines }
    };
    together([Some(told), recording].into_iter().flatten().collect())
}

fn recording(value: &Value) -> Option<Content> {
    media(value.get("content").unwrap_or(value)).or_else(|| media(value.get("value")?))
}

/// Whether a customer lets himself be called.
fn permission(permission: &Object<'_>) -> Option<Content> {
    let response = permission.text("response")?;
    let title = match response.to_lowercase().as_str() {
        "accept" | "accepted" | "allow" | "true" | "yes" => "content-call-allowed",
        "reject" | "rejected" | "decline" | "declined" | "deny" | "denied" | "false" | "no" => {
            "content-call-refused"
        }
        _ => {
            let lines = vec![Line::Said(response)];
            return Some(Content::Card { kind: "content-call-permission", lines });
        }
    };
    let lines = with_left(permission, Vec::new());
    Some(if lines.is_empty() {
        Content::Notice(title)
    } else {
        Content::Card { kind: title, lines }
    })
}

/// Labelled lines; only the label if there is nothing to read in the document at all.
///
/// `None` if there are words in it, but not where they should be.
pub(super) fn card(kind: &'static str, document: &Value, mut lines: Vec<Line>) -> Option<Content> {
    lines.dedup();
    if lines.is_empty() {
        return excerpt(document).is_none().then_some(Content::Notice(kind));
    }
    Some(Content::Card { kind, lines })
}
