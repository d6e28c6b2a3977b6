//! The dialog for templates of WhatsApp: which one, what its variables are filled with, and how the
//! customer will read it.
//!
//! Its second page carries all that was filled in, so that nothing has to be remembered between
//! the two. Knows nothing of how a template is sent.

use std::collections::HashMap;

use slack_morphism::blocks::{
    SlackBlock, SlackBlockPlainTextInputElement, SlackInputBlock, SlackView,
    SlackViewSubmissionResponse,
};

use super::blocks::{context_block, input_block, make_submittable, modal_view, plain_text};
use super::compose::{build_field_error, build_preview, is_web_url, replace_view};
use super::ids::{Dialog, SEND_TEMPLATE_CALLBACK_ID, element, write_filled_template, write_ticket};
use super::modal::{build_select, name_ticket};
use crate::locale::Texts;
use crate::model::text::truncate_label;
use crate::model::{MessageTemplate, TemplateField, Ticket};
use crate::slack::text::rich_text::literal_quote;

/// Longest value of a variable: all of them together must fit into what a dialog carries.
const VALUE_CHARS: usize = 600;
/// How many characters on either side of a variable tell people what it stands for.
const QUOTED_CHARS: usize = 40;
/// Most characters that a dialog carries (Block Kit: `private_metadata`).
const METADATA_CHARS: usize = 3000;
/// Most blanks in a row that WhatsApp takes in a variable (`blip.md`, additions §1.2).
const TOO_MANY_BLANKS: &str = "     ";
/// What the name of a field's block begins with; its place among the fields follows.
const FIELD_BLOCK_PREFIX: &str = "field";
/// The block of the list.
const LIST_BLOCK: &str = "templates";

/// The first page: which template and, once one is chosen, its variables.
///
/// Each choice has blocks of its own: Slack keeps what stands in a block that stays.
pub fn build_template_dialog(
    ticket: &Ticket,
    chosen: Option<&MessageTemplate>,
    texts: &Texts,
) -> SlackView {
    let select = build_select(element::TEMPLATE, texts);
    let list = input_block(LIST_BLOCK, "dialog-template-which", select, texts);
    let mut blocks: Vec<SlackBlock> =
        vec![name_ticket(ticket, texts), list.with_dispatch_action(true).into()];
    if let Some(template) = chosen {
        blocks.push(literal_quote(&template.write_text(&[])));
        let fields = template.fields();
        let fields = fields.iter().enumerate();
        blocks.extend(fields.map(|field| build_field(template, field, texts).into()));
    }
    let view = modal_view("dialog-template", blocks, texts);
    let (name, metadata) = (Dialog::Template(None).name(), write_ticket(&ticket.id));
    SlackView::Modal(make_submittable(view, name, metadata, "button-preview", texts))
}

fn build_field(
    template: &MessageTemplate,
    (place, field): (usize, &TemplateField),
    texts: &Texts,
) -> SlackInputBlock {
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(element::TEMPLATE_VALUE.into())
        .with_multiline(false)
        .with_max_length(VALUE_CHARS as u64);
    let label = match field {
        TemplateField::File(_) => texts.text("templates-file", &[]),
        TemplateField::Title(name) | TemplateField::Body(name) => {
            let key = match field {
                TemplateField::Title(_) => "templates-title",
                _ => "templates-variable",
            };
            let around = template.quote_variable(field, QUOTED_CHARS);
            texts.text(key, &[("name", name), ("text", &around)])
        }
        TemplateField::Button(button) => {
            let label = template.buttons.get(*button).map(|it| it.label.as_str());
            texts.text("templates-link", &[("button", label.unwrap_or_default())])
        }
    };
    let mut block = input_block(&field_block(template, place), "templates-file", input, texts);
    block.label = plain_text(&truncate_label(&label, VALUE_CHARS));
    block
}

/// The name of a field's block, which tells it from the field of another template in its place.
fn field_block(template: &MessageTemplate, place: usize) -> String {
    format!("{FIELD_BLOCK_PREFIX}:{place}:{}", truncate_label(&template.id, 200))
}

/// Which field a block with such a name is for.
pub(crate) fn parse_field_block(name: &str) -> Option<usize> {
    let (place, _) = name.strip_prefix(FIELD_BLOCK_PREFIX)?.strip_prefix(':')?.split_once(':')?;
    place.parse().ok()
}

/// Says that something about the choice is wrong, as a text's key.
pub(crate) fn refuse_choice(key: &str, texts: &Texts) -> SlackViewSubmissionResponse {
    build_field_error(LIST_BLOCK, key, texts)
}

/// The answer to the first page: what the customer will get, or what is wrong.
pub(crate) fn answer_template_draft(
    ticket: &Ticket,
    template: &MessageTemplate,
    typed: &HashMap<usize, String>,
    texts: &Texts,
) -> SlackViewSubmissionResponse {
    let mut values = Vec::new();
    for (place, field) in template.fields().into_iter().enumerate() {
        let value = typed.get(&place).map(|value| value.trim()).unwrap_or_default();
        // Said at the field, while it can be mended: Meta refuses such values only after Blip has
        // taken the message (`blip.md`, additions §1.2;
        // `what_whatsapp_would_refuse_is_said_at_its_field`).
        if let Some(key) = find_fault(&field, value) {
            return build_field_error(&field_block(template, place), key, texts);
        }
        values.push((field, value.to_owned()));
    }
    let filled = template.fill(values);
    let metadata = write_filled_template(&ticket.id, &filled);
    if metadata.chars().count() > METADATA_CHARS {
        return refuse_choice("compose-too-long", texts);
    }
    let sent = (SEND_TEMPLATE_CALLBACK_ID, metadata);
    let mut view = build_preview(ticket, &filled.text, sent, texts);
    view.blocks.push(context_block([texts.text("templates-cost", &[])]));
    replace_view(SlackView::Modal(view))
}

/// What WhatsApp would refuse about a value, as a text's key.
fn find_fault(field: &TemplateField, value: &str) -> Option<&'static str> {
    if matches!(field, TemplateField::File(_)) {
        return (!is_web_url(value)).then_some("compose-wrong-address");
    }
    let is_wrong =
        value.is_empty() || value.contains(['\n', '\r', '\t']) || value.contains(TOO_MANY_BLANKS);
    is_wrong.then_some("templates-wrong-value")
}
