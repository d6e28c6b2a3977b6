//! Documents that read as a few labelled lines: contacts, payments, tickets and the like.
//!
//! Labels are message keys of the locale, words are as Blip wrote them. Knows the fields worth
//! reading of each type (`blip.md` §6), and no document that holds another one; fields that it does
//! not know are named below those that it does.

use serde_json::Value;

use super::lenient::{self, as_integer, as_text, get_list, join_present};
use super::media_link::read_media_link;
use super::object::TrackedObject;
use super::reader::{MAX_PARTS, find_excerpt, join_parts};
use crate::model::content::{SCORE_LABEL, SURVEY_KIND};
use crate::model::{CardLine, Content};

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
pub(super) fn read_lime_card(name: &str, value: &Value) -> Option<Content> {
    let object = &TrackedObject::new(value);
    let (kind, lines) = match name {
        "lime.contact" => ("content-contact", read_contact_lines(object)),
        "lime.copy-and-paste" => {
            let copied = object.take_object("button");
            let copied = join_present(": ", [copied.take_text("text"), copied.take_text("value")]);
            let words = ["header", "body", "footer"].map(|name| object.take_text(name));
            ("content-copy-and-paste", to_lines(words.into_iter().chain([copied])))
        }
        "lime.invoice" => ("content-invoice", read_invoice_lines(object)),
        "lime.invoice-status" => {
            let mut lines = to_lines([object.take_text("status"), object.take_text("code")]);
            lines.extend(read_date_line(object, "date", "content-date"));
            ("content-invoice-status", lines)
        }
        "lime.payment-receipt" => ("content-payment-receipt", read_payment_lines(object)),
        "lime.satisfaction-survey" => {
            object.ignore_fields(&["type"]);
            let scale = object.take_text("scale");
            let mut lines = to_lines([object.take_text("question")]);
            let score = object.take_text("score");
            lines.extend(score.map(|score| read_score(&score, scale)));
            (SURVEY_KIND, lines)
        }
        _ => return None,
    };
    build_card(kind, value, with_unread_lines(object, lines))
}

/// What a customer chose, out of how many where the survey has a scale that is a number.
fn read_score(score: &str, scale: Option<String>) -> CardLine {
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(|number| number >= 0.0);
    let scale = scale.filter(|scale| is_number(scale) && is_number(score));
    let text = scale.map_or_else(|| score.to_owned(), |scale| format!("{score}/{scale}"));
    CardLine::Labelled { label: SCORE_LABEL, text }
}

fn read_contact_lines(contact: &TrackedObject<'_>) -> Vec<CardLine> {
    let known =
        ["name", "phoneNumber", "cellPhoneNumber", "email"].map(|name| contact.take_text(name));
    let mut lines = to_lines(known);
    let address = join_present(", ", ["address", "city"].map(|name| contact.take_text(name)));
    lines.extend(to_labelled_line("content-address", address));
    contact.ignore_fields(&CONTACT_INTERNALS);
    lines
}

fn read_invoice_lines(invoice: &TrackedObject<'_>) -> Vec<CardLine> {
    let mut lines = to_lines([invoice.take_text("title")]);
    lines.extend(read_bought_lines(invoice, "items"));
    lines.extend(to_lines([read_total(invoice)]));
    lines.extend(to_labelled_line("content-taxes", invoice.take_text("taxes")));
    lines.extend(read_date_line(invoice, "created", "content-created"));
    lines.extend(read_date_line(invoice, "dueTo", "content-due"));
    lines
}

fn read_payment_lines(receipt: &TrackedObject<'_>) -> Vec<CardLine> {
    let mut lines = read_bought_lines(receipt, "items");
    let method = receipt.take_object("method");
    let method = receipt.take_text("method").or_else(|| method.take_text("name"));
    lines.extend(to_lines([read_total(receipt), method, receipt.take_text("code")]));
    lines.extend(to_labelled_line("content-taxes", receipt.take_text("taxes")));
    lines.extend(read_date_line(receipt, "paidOn", "content-paid"));
    lines
}

/// What was or is to be bought, a line each: how many of what, and for how much.
fn read_bought_lines(object: &TrackedObject<'_>, field: &'static str) -> Vec<CardLine> {
    let item = |item: &Value| {
        let item = TrackedObject::new(item);
        let count = item.take_value("quantity").and_then(|count| {
            // `2.0` and `"2"` are two pieces; numbers come in any type (`blip.md` §10 #18).
            as_integer(count).map(|count| count.to_string()).or_else(|| as_text(count))
        });
        let what = item.take_text("description").or_else(|| item.take_text("name"));
        let price = item
            .take_text("total")
            .or_else(|| item.take_text("price"))
            .or_else(|| item.take_text("unit"));
        let price =
            price.and_then(|price| join_present(" ", [item.take_text("currency"), Some(price)]));
        // The price was shown once, as the total of the line or as what stands in its place.
        item.ignore_fields(&["unit", "price", "currency"]);
        let line = join_present(": ", [join_present(" × ", [count, what]), price]);
        line.into_iter().chain(item.unread_fields()).map(CardLine::Said).collect::<Vec<_>>()
    };
    object.take_list(field).iter().take(MAX_PARTS).flat_map(item).collect()
}

fn read_total(object: &TrackedObject<'_>) -> Option<String> {
    let currency = object.take_text("currency");
    object.take_text("total").and_then(|total| join_present(" ", [currency, Some(total)]))
}

fn to_lines(lines: impl IntoIterator<Item = Option<String>>) -> Vec<CardLine> {
    lines.into_iter().flatten().map(CardLine::Said).collect()
}

fn to_labelled_line(label: &'static str, text: Option<String>) -> Option<CardLine> {
    text.map(|text| CardLine::Labelled { label, text })
}

/// A moment under a label; a day without an hour is no moment, and stays as it was written.
fn read_date_line(
    object: &TrackedObject<'_>,
    field: &'static str,
    label: &'static str,
) -> Option<CardLine> {
    let value = object.take_value(field)?;
    let has_hour = value.is_number() || value.as_str().is_some_and(|text| text.contains(':'));
    match lenient::as_date(value).filter(|_| has_hour) {
        Some(at) => Some(CardLine::Moment { label, at }),
        None => to_labelled_line(label, as_text(value)),
    }
}

fn with_unread_lines(object: &TrackedObject<'_>, lines: Vec<CardLine>) -> Vec<CardLine> {
    // A document whose fields stand in place of its value has its own type among them.
    object.ignore_fields(&["type"]);
    lines.into_iter().chain(object.unread_fields().into_iter().map(CardLine::Said)).collect()
}

/// Reads a type of Blip's own; `None` if it is none that we know.
pub(super) fn read_iris_card(name: &str, value: &Value) -> Option<Content> {
    let object = &TrackedObject::new(value);
    match name {
        "iris.ticket" => {
            let number =
                lenient::get_integer(value, "sequentialId").map(|number| format!("#{number}"));
            // A ticket that is quoted or listed is no news: only which one and how it stood. One
            // that changes something is read in `parse.rs`, before content is looked at.
            build_card("content-ticket", value, to_lines([number, object.take_text("status")]))
        }
        "iris.resource" => {
            let lines = to_lines([object.take_text("key")]);
            build_card("content-resource", value, with_unread_lines(object, lines))
        }
        "iris.desk.thread-summary" => {
            let lines = get_list(value, "summary").iter().take(MAX_PARTS).map(find_excerpt);
            build_card(
                "content-summary",
                value,
                to_lines(lines.chain([object.take_text("summary")])),
            )
        }
        "iris.builder.checkout" => {
            let lines = read_checkout_lines(object);
            build_card("content-checkout", value, with_unread_lines(object, lines))
        }
        "iris.human-agent-request" => Some(Content::Notice("content-human-requested")),
        "iris.content-unavailable" => Some(Content::Notice("content-unavailable")),
        "iris.desk.internal-chat-notification"
        | "iris.desk.flow-session"
        | "iris.media.detail-media" => Some(Content::Notice("content-system")),
        "iris.calls.customer-permission" => read_call_permission(object),
        // `iris.calls.media` is the one that was seen (`blip.md`, additions §10); the family reads
        // alike.
        _ if name.starts_with("iris.calls.") => read_call(object),
        _ => None,
    }
}

fn read_checkout_lines(checkout: &TrackedObject<'_>) -> Vec<CardLine> {
    let mut lines = to_lines([checkout.take_text("message")]);
    lines.extend(read_bought_lines(checkout, "products"));
    lines.extend(to_lines([read_total(checkout)]));
    lines.extend(to_lines([
        checkout.take_text("uri"),
        checkout.take_object("customer").take_text("name"),
    ]));
    lines
}

/// A call: what kind it was, how it went, and its recording (`blip.md`, additions §10).
fn read_call(call: &TrackedObject<'_>) -> Option<Content> {
    let kind = call.take_text("type").unwrap_or_default().to_lowercase();
    let title = match kind.as_str() {
        "voice" => "content-call-voice",
        "video" => "content-call-video",
        _ => "content-call",
    };
    let status = call.take_text("status");
    let outcome = status.as_ref().map(|status| match status.to_lowercase().as_str() {
        "answer" | "answered" => CardLine::Notice("content-call-answered"),
        "busy" => CardLine::Notice("content-call-busy"),
        "cancel" | "canceled" | "cancelled" => CardLine::Notice("content-call-cancelled"),
        "noanswer" => CardLine::Notice("content-call-unanswered"),
        "progress" => CardLine::Notice("content-call-progress"),
        "completed" => CardLine::Notice("content-call-completed"),
        "failed" => CardLine::Notice("content-call-failed"),
        _ => CardLine::Said(status.clone()),
    });
    call.ignore_fields(&["id", "sessionId"]);
    let mut lines: Vec<CardLine> = outcome.into_iter().collect();
    lines.extend(to_lines([call.take_text("identification")]));
    let recording = call.take_value("media").and_then(read_recording);
    lines.extend(call.unread_fields().into_iter().map(CardLine::Said));
    let told = if lines.is_empty() {
        Content::Notice(title)
    } else {
        Content::Card { kind: title, lines }
    };
    join_parts([Some(told), recording].into_iter().flatten().collect())
}

fn read_recording(value: &Value) -> Option<Content> {
    read_media_link(value.get("content").unwrap_or(value))
        .or_else(|| read_media_link(value.get("value")?))
}

/// Whether a customer lets himself be called.
fn read_call_permission(permission: &TrackedObject<'_>) -> Option<Content> {
    let response = permission.take_text("response")?;
    let title = match response.to_lowercase().as_str() {
        // Only `accept` is documented (`blip.md`, additions §10); what else may stand there is a
        // guess, and an unknown word is shown as it is.
        "accept" | "accepted" | "allow" | "true" | "yes" => "content-call-allowed",
        "reject" | "rejected" | "decline" | "declined" | "deny" | "denied" | "false" | "no" => {
            "content-call-refused"
        }
        _ => {
            let lines = vec![CardLine::Said(response)];
            return Some(Content::Card { kind: "content-call-permission", lines });
        }
    };
    let lines = with_unread_lines(permission, Vec::new());
    Some(if lines.is_empty() {
        Content::Notice(title)
    } else {
        Content::Card { kind: title, lines }
    })
}

/// Labelled lines; only the label if there is nothing to read in the document at all.
///
/// `None` if there are words in it, but not where they should be.
pub(super) fn build_card(
    kind: &'static str,
    document: &Value,
    mut lines: Vec<CardLine>,
) -> Option<Content> {
    lines.dedup();
    if lines.is_empty() {
        // Otherwise it is shown as something unknown, with those words: a label alone would hide
        // them.
        return find_excerpt(document).is_none().then_some(Content::Notice(kind));
    }
    Some(Content::Card { kind, lines })
}
