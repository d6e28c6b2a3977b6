//! The contact of a customer: what is known and noted of them, and the dialogs that change it.

use slack_morphism::blocks::{SlackBlock, SlackBlockPlainTextInputElement, SlackView};

use super::blocks::{
    actions_block, context_block, header_block, input_block, make_submittable, modal_view,
    open_button, plain_text,
};
use super::card::{escape_line, format_slack_date};
use super::ids::{ContactBlock, Dialog, element, write_ticket};
use super::modal::name_ticket;
use crate::locale::Texts;
use crate::model::text::truncate_label;
use crate::model::{Agent, ContactComment, ContactField, Ticket};
use crate::slack::text::rich_text::literal_block;

/// Longest value that can be changed here; what is longer would be cut.
const VALUE_CHARS: usize = 1000;
/// Most characters of a comment: Slack's own limit for a text field (`slack.md` D).
const COMMENT_CHARS: usize = 3000;
/// Most entries of the team's own that can be changed, of the 100 blocks of a dialog.
const MAX_EXTRAS: usize = 40;
/// Most comments that are shown, and how much of each.
const MAX_COMMENTS: usize = 5;
/// How much of a comment is shown.
const SHOWN_COMMENT_CHARS: usize = 600;

/// The key of a field's label.
pub(crate) fn contact_label(field: ContactField) -> &'static str {
    match field {
        ContactField::Name => "details-customer",
        ContactField::Phone => "details-phone",
        ContactField::Email => "details-email",
        ContactField::Document => "details-document",
        ContactField::Address => "details-address",
        ContactField::City => "details-city",
        ContactField::Group => "details-group",
    }
}

/// What stands in a field of the contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactValue {
    /// This; nothing if it is empty.
    Shown(String),
    /// A number that nobody reads in Slack.
    Hidden,
}

/// Asks for what is to be changed of a contact.
///
/// What comes back is compared with what stood in the fields (`slack.md` C.4: a submission carries
/// the view), so that only what somebody changed is changed.
pub(crate) fn build_contact_dialog(
    ticket: &Ticket,
    fields: &[(ContactField, ContactValue)],
    extras: &[(String, ContactValue)],
    texts: &Texts,
) -> SlackView {
    let fields = fields.iter().filter_map(|(field, value)| {
        let label = texts.text(contact_label(*field), &[]);
        build_field(&ContactBlock::Field(*field), &label, value, texts)
    });
    let extras = extras.iter().take(MAX_EXTRAS).filter_map(|(name, value)| {
        build_field(&ContactBlock::Extra(name.clone()), name, value, texts)
    });
    let blocks = std::iter::once(name_ticket(ticket, texts)).chain(fields).chain(extras);
    let view = modal_view("dialog-contact", blocks.collect(), texts);
    let (name, metadata) = (Dialog::Contact.name(), write_ticket(&ticket.id));
    SlackView::Modal(make_submittable(view, name, metadata, "button-save", texts))
}

/// A field; none where it could not be given back whole.
fn build_field(
    block: &ContactBlock,
    label: &str,
    value: &ContactValue,
    texts: &Texts,
) -> Option<SlackBlock> {
    // An entry whose name Slack does not take as the name of a block could not be told from the
    // others when it comes back.
    let name = block.name()?;
    let label = truncate_label(label.trim(), 75);
    let (text, is_hidden) = match value {
        ContactValue::Shown(text) => (text.as_str(), false),
        // What is masked in Slack must not come back through the form; left empty, it stays as it
        // is at Blip (`a_number_that_is_hidden_in_slack_is_not_in_the_form_and_stays_at_blip`).
        ContactValue::Hidden => ("", true),
    };
    // Shortened here, it would be written back shortened.
    if text.chars().count() > VALUE_CHARS || label.is_empty() {
        return None;
    }
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(element::CONTACT_VALUE.into())
        .with_multiline(text.contains('\n'))
        .with_max_length(VALUE_CHARS as u64)
        .opt_initial_value(Some(text.to_owned()).filter(|text| !text.is_empty()));
    let hint = is_hidden.then(|| plain_text(&texts.text("dialog-hidden-hint", &[])));
    let field = slack_morphism::blocks::SlackInputBlock::new(plain_text(&label), input.into())
        .with_block_id(name.into())
        .with_optional(true)
        .opt_hint(hint);
    Some(field.into())
}

/// Asks what is to be noted about a customer.
pub(crate) fn build_comment_dialog(
    ticket: &Ticket,
    words: Option<&str>,
    texts: &Texts,
) -> SlackView {
    let words = words.map(|words| words.chars().take(COMMENT_CHARS).collect::<String>());
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(element::MESSAGE_TEXT.into())
        .with_multiline(true)
        .with_max_length(COMMENT_CHARS as u64)
        .opt_initial_value(words.filter(|words| !words.trim().is_empty()));
    let hint = plain_text(&texts.text("dialog-comment-hint", &[]));
    let field = input_block("comment", "dialog-comment-words", input, texts).with_hint(hint);
    let blocks = vec![name_ticket(ticket, texts), field.into()];
    let view = modal_view("dialog-comment", blocks, texts);
    let (name, metadata) = (Dialog::Comment(None).name(), write_ticket(&ticket.id));
    SlackView::Modal(make_submittable(view, name, metadata, "button-save", texts))
}

/// What was noted about a customer, newest first, and what can be done about the contact.
pub(crate) fn build_contact_blocks(
    ticket: &Ticket,
    comments: &[ContactComment],
    texts: &Texts,
) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    if !comments.is_empty() {
        blocks.push(header_block(&texts.text("details-comments", &[])));
    }
    for comment in comments.iter().take(MAX_COMMENTS) {
        let author = comment
            .author
            .as_deref()
            .map(|author| Agent::email_from_identity(author).unwrap_or_else(|| author.to_owned()));
        let said = [
            author.map(|author| escape_line(&author)),
            comment.at.map(|at| format_slack_date(at, texts)),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        if !said.is_empty() {
            blocks.push(context_block([said.join(" · ")]));
        }
        blocks.push(literal_block(&truncate_label(&comment.text, SHOWN_COMMENT_CHARS)));
    }
    if !ticket.customer.identity.is_empty() {
        let buttons = [Dialog::Contact, Dialog::Comment(None), Dialog::History];
        let buttons = buttons.iter().map(|dialog| open_button(dialog, &ticket.id, texts).into());
        blocks.push(actions_block(buttons.collect()));
    }
    blocks
}
