//! What Slack wants answered on the spot: a dialog to be opened, options for a list; and what
//! people fill in, read as events.
//!
//! A dialog is asked for by a button, a menu or a shortcut, and its trigger lives for 3 s
//! (`slack.md` C.4). It carries its ticket in its private metadata, so that what is filled in finds
//! its way without any memory of ours. Knows neither tickets' states nor what is in the lists.

use std::collections::HashMap;

use serde_json::Value;

use super::json::text_at;
use super::requester::Requester;
use crate::model::{
    Button, ChannelId, Closing, ContactChange, MessageTs, Move, Offer, PressedMove, RichText,
    RoutedSlackEvent, SlackEvent, SlackUserId, Submission, SubmittedForm, TicketId, WhenHeld,
};
use crate::slack::text::mrkdwn;
use crate::slack::views::compose;
use crate::slack::views::ids::{
    CLOSE_ANYWAY_CALLBACK_ID, ChoiceList, ComposeKind, ContactBlock, Dialog, KIND_ACTION_ID,
    MORE_ACTION_ID, SEND_CALLBACK_ID, SEND_TEMPLATE_CALLBACK_ID, element, parse_confirmed_offer,
    parse_destination, parse_filled_template, parse_open_button, parse_ticket, parse_ticket_block,
    parse_when_held, read_button,
};
use crate::slack::views::template::parse_field_block;

/// Somebody asks for a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogRequest {
    pub(crate) by: Requester,
    pub(crate) dialog: Dialog,
    pub(crate) about: DialogSubject,
    /// Where it is to appear.
    pub(crate) place: ViewTarget,
    /// Where its asker can be told that it does not.
    pub(crate) response_url: Option<String>,
}

/// What a dialog is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DialogSubject {
    Ticket(TicketId),
    /// The ticket of this message.
    Message(ChannelId, MessageTs),
}

/// Where a dialog is to appear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ViewTarget {
    /// On top, by a trigger that lives for 3 s and works once.
    New(String),
    /// In place of an open one.
    Over(String),
}

/// Somebody opens a list, or types into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSearch {
    pub(crate) list: ChoiceList,
    pub(crate) by: Requester,
    /// The ticket for which something is to be chosen.
    pub(crate) ticket: TicketId,
    /// What was typed so far.
    pub(crate) query: String,
}

/// Somebody filled the first page in.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferDraft {
    pub(crate) by: Requester,
    pub(crate) ticket: TicketId,
    /// What, or what is wrong with it.
    pub(crate) offer: Result<Offer, compose::FieldError>,
}

/// Somebody filled in the first page of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDraft {
    pub(crate) by: Requester,
    pub(crate) ticket: TicketId,
    pub(crate) template: String,
    /// What was typed into its fields, by their places.
    pub(crate) typed: HashMap<usize, String>,
}

/// Somebody wants a ticket closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseDraft {
    pub(crate) by: Requester,
    pub(crate) ticket: TicketId,
    /// The tags that were chosen for it; those that it has if there are none.
    pub(crate) tags: Option<Vec<String>>,
    /// What the customer is to be told before.
    pub(crate) farewell: Option<String>,
    /// Whether they were told that something is not shown yet.
    pub(crate) is_confirmed: bool,
}

/// Reads a button, a menu or a choice that asks for a dialog.
pub(crate) fn parse_action_request(body: &Value) -> Option<DialogRequest> {
    let action = body.pointer("/actions/0")?;
    let by = Requester::parse(body)?;
    let chosen = text_at(action, "/selected_option/value");
    let trigger = || text_at(body, "/trigger_id").map(str::to_owned).map(ViewTarget::New);
    let response_url = text_at(body, "/response_url").map(str::to_owned);
    match text_at(action, "/action_id")? {
        MORE_ACTION_ID => {
            let dialog = Dialog::parse(chosen?)?;
            let ticket = text_at(action, "/block_id").and_then(parse_ticket_block);
            let about = match ticket {
                Some(ticket) => DialogSubject::Ticket(ticket),
                // The menu of a card stands in its thread; only one in a list names its ticket by
                // its block.
                None => parse_thread_root(body)?,
            };
            Some(DialogRequest { by, dialog, about, place: trigger()?, response_url })
        }
        element::REPLY => {
            let about = DialogSubject::Ticket(parse_view_ticket(body)?);
            let dialog = Dialog::Reply(Some(chosen?.to_owned()));
            let place = ViewTarget::Over(text_at(body, "/view/id")?.to_owned());
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        KIND_ACTION_ID => {
            let about = DialogSubject::Ticket(parse_view_ticket(body)?);
            let dialog = Dialog::Compose(ComposeKind::parse(chosen?)?);
            let place = ViewTarget::Over(text_at(body, "/view/id")?.to_owned());
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        element::TEMPLATE => {
            let about = DialogSubject::Ticket(parse_view_ticket(body)?);
            let dialog = Dialog::Template(Some(chosen?.to_owned()));
            let place = ViewTarget::Over(text_at(body, "/view/id")?.to_owned());
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        name if let Some(dialog) = parse_open_button(name) => {
            let about = DialogSubject::Ticket(parse_ticket(text_at(action, "/value")?)?);
            let place = match text_at(body, "/view/type") {
                Some("modal") => ViewTarget::Over(text_at(body, "/view/id")?.to_owned()),
                _ => trigger()?,
            };
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        name => {
            let pressed = read_button(name, text_at(action, "/value")?)?;
            let dialog = match pressed.button {
                Button::Move(PressedMove::Close) => Dialog::Close,
                Button::Transfer => Dialog::Transfer,
                Button::Reply => Dialog::Reply(None),
                Button::Template => Dialog::Template(None),
                Button::Tags => Dialog::Tags,
                _ => return None,
            };
            let about = DialogSubject::Ticket(pressed.ticket?);
            // A dialog goes on as another one; anywhere else, one opens.
            let place = match text_at(body, "/view/type") {
                Some("modal") => ViewTarget::Over(text_at(body, "/view/id")?.to_owned()),
                _ => trigger()?,
            };
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
    }
}

/// Reads a message shortcut that asks for a dialog.
pub(crate) fn parse_shortcut_request(body: &Value) -> Option<DialogRequest> {
    let dialog = match Dialog::parse(text_at(body, "/callback_id")?)? {
        // The shortcut is used on a message to keep what it says, so the dialog begins with that.
        Dialog::Comment(_) => {
            let (ts, root) = (text_at(body, "/message/ts"), text_at(body, "/message/thread_ts"));
            // The card says nothing that is worth keeping.
            let is_card = root.is_none() || root == ts;
            let said = text_at(body, "/message/text").filter(|_| !is_card);
            Dialog::Comment(said.map(str::to_owned))
        }
        dialog => dialog,
    };
    Some(DialogRequest {
        by: Requester::parse(body)?,
        dialog,
        about: parse_thread_root(body)?,
        place: ViewTarget::New(text_at(body, "/trigger_id")?.to_owned()),
        response_url: text_at(body, "/response_url").map(str::to_owned),
    })
}

/// Reads a request for the options of a list.
pub(crate) fn parse_option_search(body: &Value) -> Option<OptionSearch> {
    Some(OptionSearch {
        list: ChoiceList::from_element(text_at(body, "/action_id")?)?,
        by: Requester::parse(body)?,
        ticket: parse_view_ticket(body)?,
        query: text_at(body, "/value").unwrap_or_default().to_owned(),
    })
}

/// Reads the first page of a dialog that is answered with a second one.
pub(crate) fn parse_draft_request(body: &Value) -> Option<OfferDraft> {
    let name = text_at(body, "/view/callback_id")?;
    // Only the composer and templates have a first page; every other dialog is handed in as it is.
    let Dialog::Compose(_) = Dialog::parse(name)? else { return None };
    Some(OfferDraft {
        by: Requester::parse(body)?,
        ticket: parse_view_ticket(body)?,
        offer: compose::parse_offer_form(body.pointer("/view/state/values")?)?,
    })
}

/// Reads the first page of a template as it was filled in.
pub(crate) fn parse_template_draft(body: &Value) -> Option<TemplateDraft> {
    let Dialog::Template(_) = Dialog::parse(text_at(body, "/view/callback_id")?)? else {
        return None;
    };
    let (by, ticket) = (Requester::parse(body)?, parse_view_ticket(body)?);
    let chosen = find_element_value(body, element::TEMPLATE)?;
    let template = text_at(chosen, "/selected_option/value")?.to_owned();
    let blocks = body.pointer("/view/state/values")?.as_object()?;
    let typed = |(name, block): (&String, &Value)| {
        let value = block.get(element::TEMPLATE_VALUE)?.get("value")?.as_str()?;
        Some((parse_field_block(name)?, value.to_owned()))
    };
    Some(TemplateDraft { by, ticket, template, typed: blocks.iter().filter_map(typed).collect() })
}

/// Reads with what a ticket is to be closed.
pub(crate) fn parse_close_draft(body: &Value) -> Option<CloseDraft> {
    let name = text_at(body, "/view/callback_id")?;
    let is_confirmed = name == CLOSE_ANYWAY_CALLBACK_ID;
    if !is_confirmed && Dialog::parse(name)? != Dialog::Close {
        return None;
    }
    let (by, ticket) = (Requester::parse(body)?, parse_view_ticket(body)?);
    let farewell = find_typed_words(body).map(str::to_owned);
    Some(CloseDraft { by, ticket, tags: find_chosen_tags(body), farewell, is_confirmed })
}

/// Reads what was filled in.
pub(crate) fn parse_submission(body: &Value) -> Option<RoutedSlackEvent> {
    let user = SlackUserId::parse(text_at(body, "/user/id")?)?;
    let name = text_at(body, "/view/callback_id")?;
    let metadata = text_at(body, "/view/private_metadata")?;
    let (ticket, form) = if name == SEND_CALLBACK_ID {
        let (ticket, offer) = parse_confirmed_offer(metadata)?;
        (ticket, SubmittedForm::Offer(offer, parse_holder_choice(body)))
    } else if name == SEND_TEMPLATE_CALLBACK_ID {
        let (ticket, filled) = parse_filled_template(metadata)?;
        (ticket, SubmittedForm::Template(filled))
    } else if name == CLOSE_ANYWAY_CALLBACK_ID {
        (parse_view_ticket(body)?, SubmittedForm::Move(Move::Close(parse_closing(body, true))))
    } else {
        (parse_view_ticket(body)?, parse_submitted_form(&Dialog::parse(name)?, body)?)
    };
    let (view, hash) =
        // A submission has no time stamp of its own. The hash changes with each update of the view,
        // so a repeat is known and a second submission of the same dialog is another event.
        (text_at(body, "/view/id")?, text_at(body, "/view/hash").unwrap_or_default());
    Some(RoutedSlackEvent {
        key: format!("s:{view}:{hash}:{user}"),
        about: None,
        ticket: Some(ticket.clone()),
        event: SlackEvent::Submitted(Submission { user, ticket, form }),
    })
}

fn parse_submitted_form(dialog: &Dialog, body: &Value) -> Option<SubmittedForm> {
    match dialog {
        Dialog::Close => Some(SubmittedForm::Move(Move::Close(parse_closing(body, false)))),
        Dialog::Transfer => {
            let chosen =
                text_at(find_element_value(body, element::DESTINATION)?, "/selected_option/value")?;
            Some(SubmittedForm::Move(Move::Transfer(parse_destination(chosen)?)))
        }
        Dialog::Tags => Some(SubmittedForm::Move(Move::Tag(find_chosen_tags(body)?))),
        Dialog::Reply(_) => {
            parse_words(body).map(|words| SubmittedForm::Reply(words, parse_holder_choice(body)))
        }
        Dialog::Contact => Some(SubmittedForm::Contact(parse_contact_change(body)?)),
        Dialog::Comment(_) => {
            let words = find_element_value(body, element::MESSAGE_TEXT)?.get("value")?.as_str()?;
            let words = words.trim();
            (!words.is_empty()).then(|| SubmittedForm::Comment(words.to_owned()))
        }
        Dialog::Template(_) | Dialog::Compose(_) | Dialog::History | Dialog::Details => None,
    }
}

fn parse_closing(body: &Value, is_confirmed: bool) -> Closing {
    Closing { tags: find_chosen_tags(body), farewell: parse_words(body), is_confirmed }
}

/// What was typed for the customer, with its marks.
fn parse_words(body: &Value) -> Option<RichText> {
    let words = find_typed_words(body)?;
    // A plain input comes unescaped, and the reader of mark-up expects what Slack escapes in
    // messages. What people type as `*bold*` means the same here as there.
    Some(mrkdwn::read_mrkdwn(&mrkdwn::escape_mrkdwn(words)))
}

/// What somebody changed of a contact: what is not as it stood when the dialog opened.
fn parse_contact_change(body: &Value) -> Option<ContactChange> {
    let mut change = ContactChange::default();
    let stood = |block: &str| {
        let blocks = body.pointer("/view/blocks")?.as_array()?;
        let block = blocks.iter().find(|found| text_at(found, "/block_id") == Some(block))?;
        text_at(block, "/element/initial_value")
    };
    for (name, field) in body.pointer("/view/state/values")?.as_object()? {
        let Some(field_value) = field.get(element::CONTACT_VALUE) else { continue };
        let value = text_at(field_value, "/value").unwrap_or_default().trim();
        // A field that nobody touched is left out, so that what somebody else changed at Blip
        // meanwhile is not written over (`only_what_somebody_changed_of_a_contact_is_changed`).
        if value == stood(name).unwrap_or_default().trim() {
            continue;
        }
        match ContactBlock::parse(name) {
            Some(ContactBlock::Field(field)) => change.fields.push((field, value.to_owned())),
            Some(ContactBlock::Extra(name)) => change.extras.push((name, value.to_owned())),
            None => {}
        }
    }
    Some(change)
}

/// What was typed for the customer.
fn find_typed_words(body: &Value) -> Option<&str> {
    let words = find_element_value(body, element::MESSAGE_TEXT)?.get("value")?.as_str()?.trim();
    (!words.is_empty()).then_some(words)
}

fn find_chosen_tags(body: &Value) -> Option<Vec<String>> {
    let options = find_element_value(body, element::TAGS)?.get("selected_options")?.as_array()?;
    let value = |option: &Value| Some(text_at(option, "/value")?.to_owned());
    Some(options.iter().filter_map(value).collect())
}

/// What is wanted if somebody else holds the ticket: who was not asked, has chosen nothing.
fn parse_holder_choice(body: &Value) -> WhenHeld {
    let chosen = find_element_value(body, element::WHEN_HELD);
    let chosen = chosen.and_then(|chosen| text_at(chosen, "/selected_option/value"));
    chosen.map_or(WhenHeld::Refuse, parse_when_held)
}

/// What an element holds, in whichever block it stands.
fn find_element_value<'a>(body: &'a Value, element: &str) -> Option<&'a Value> {
    let blocks = body.pointer("/view/state/values")?.as_object()?;
    // Slack keeps what was typed by block and element. Blocks change their names so that it
    // forgets, so only the element is looked for.
    blocks.values().find_map(|block| block.get(element))
}

fn parse_view_ticket(body: &Value) -> Option<TicketId> {
    let metadata = text_at(body, "/view/private_metadata")?;
    // A canned reply that is shown may be exchanged for another.
    let shown = parse_confirmed_offer(metadata).map(|(ticket, _)| ticket);
    shown.or_else(|| parse_ticket(metadata))
}

/// The root of the thread in which something was pressed.
fn parse_thread_root(body: &Value) -> Option<DialogSubject> {
    let channel =
        text_at(body, "/channel/id").or_else(|| text_at(body, "/container/channel_id"))?;
    let own = text_at(body, "/container/message_ts").or_else(|| text_at(body, "/message_ts"));
    let root = text_at(body, "/container/thread_ts")
        .or_else(|| text_at(body, "/message/thread_ts"))
        .or(own)
        .or_else(|| text_at(body, "/message/ts"))?;
    Some(DialogSubject::Message(ChannelId::parse(channel)?, MessageTs::parse(root)?))
}
