//! What all views are built of, in the library's types.

use serde::Serialize;
use serde_json::json;
use slack_morphism::SlackCallbackId;
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement,
    SlackBlockChoiceItem, SlackBlockMarkDownText, SlackBlockOverflowElement, SlackBlockPlainText,
    SlackBlockPlainTextOnly, SlackContextBlock, SlackContextBlockElement, SlackDividerBlock,
    SlackHeaderBlock, SlackInputBlock, SlackInputBlockElement, SlackModalView, SlackSectionBlock,
};

use super::ids::{
    Dialog, MORE_ACTION_ID, button_name, format_open_button, write_button, write_ticket,
};
use crate::locale::Texts;
use crate::model::{Button, TicketId};

/// All that a view shows, to be compared with what is shown already.
pub(crate) fn describe_look(view: &(impl Serialize + ?Sized)) -> String {
    json!(view).to_string()
}

/// Plain text, in which `:names:` of emoji are only words.
pub(super) fn plain_text(text: &str) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(text.to_owned()).with_emoji(false).into()
}

/// Mark-up of ours with outside parts escaped; `verbatim` keeps Slack from finding links and names.
pub(super) fn markdown(text: String) -> SlackBlockMarkDownText {
    SlackBlockMarkDownText::new(text).with_verbatim(true)
}

pub(super) fn header_block(text: &str) -> SlackBlock {
    SlackHeaderBlock::new(plain_text(text)).into()
}

/// A paragraph of mark-up.
pub(super) fn section_block(text: String) -> SlackBlock {
    SlackSectionBlock::new().with_text(markdown(text).into()).into()
}

/// Lines of mark-up in small letters.
pub(super) fn context_block(lines: impl IntoIterator<Item = String>) -> SlackBlock {
    let elements = lines.into_iter().map(|line| SlackContextBlockElement::from(markdown(line)));
    SlackContextBlock::new(elements.collect()).into()
}

pub(super) fn divider_block() -> SlackBlock {
    SlackDividerBlock::new().into()
}

/// Buttons and menus beside each other.
pub(super) fn actions_block(elements: Vec<SlackActionBlockElement>) -> SlackBlock {
    SlackActionsBlock::new(elements).into()
}

/// A button that is about a ticket.
pub(super) fn button(button: &Button, ticket: &TicketId, texts: &Texts) -> SlackBlockButtonElement {
    let (name, value) = write_button(button, ticket);
    SlackBlockButtonElement::new(plain_text(&texts.text(button_label_key(button), &[])))
        .with_action_id(name.into())
        .with_value(value)
}

/// A button in a view that opens a dialog about a ticket.
pub(super) fn open_button(
    dialog: &Dialog,
    ticket: &TicketId,
    texts: &Texts,
) -> SlackBlockButtonElement {
    SlackBlockButtonElement::new(plain_text(&texts.text(menu_label_key(dialog), &[])))
        .with_action_id(format_open_button(dialog).into())
        .with_value(write_ticket(ticket))
}

/// What an entry of a menu does.
pub(super) enum MenuEntry {
    /// What a button does.
    Press(Button),
    Open(Dialog),
}

/// A menu. It carries no value: its block or message tells what it is about.
pub(super) fn build_menu(entries: Vec<MenuEntry>, texts: &Texts) -> SlackBlockOverflowElement {
    let option = |entry: MenuEntry| {
        let (name, label) = match &entry {
            MenuEntry::Press(button) => (button_name(button), button_label_key(button)),
            MenuEntry::Open(dialog) => (dialog.name(), menu_label_key(dialog)),
        };
        SlackBlockChoiceItem::new(plain_text(&texts.text(label, &[])), name.to_owned())
    };
    SlackBlockOverflowElement::new(entries.into_iter().map(option).collect())
        .with_action_id(MORE_ACTION_ID.into())
}

fn menu_label_key(dialog: &Dialog) -> &'static str {
    match dialog {
        Dialog::Close => "button-close",
        Dialog::Transfer => "button-transfer",
        Dialog::Tags => "menu-tags",
        Dialog::Reply(_) => "menu-reply",
        Dialog::Template(_) => "menu-template",
        Dialog::Compose(_) => "menu-compose",
        Dialog::History => "menu-history",
        Dialog::Details => "menu-details",
        Dialog::Contact => "menu-contact",
        Dialog::Comment(_) => "menu-comment",
    }
}

/// What a button is called, as a text's key.
pub(crate) fn button_label_key(button: &Button) -> &'static str {
    match button {
        Button::Move(pressed) => pressed.to_move().label_key(),
        Button::Transfer => "button-transfer",
        Button::Reply => "dialog-reply",
        Button::Template => "dialog-template",
        Button::Tags => "dialog-tags-label",
        Button::Note | Button::Keep(_) => "button-keep-note",
        Button::Send(_) | Button::SendNote => "button-send",
        Button::TakeOverAndSend(_) => "button-take-over-and-send",
        Button::Correct(_) => "button-send-correction",
        Button::Resend(_) | Button::Retry(_) => "button-retry",
        Button::Skip(_) => "button-skip",
        Button::CloseAnyway => "button-close-anyway",
        Button::KeepOpen => "button-keep-open",
    }
}

/// A field with its label, both by the label's key.
pub(super) fn input_block(
    block: &str,
    label: &str,
    element: impl Into<SlackInputBlockElement>,
    texts: &Texts,
) -> SlackInputBlock {
    SlackInputBlock::new(plain_text(&texts.text(label, &[])), element.into())
        .with_block_id(block.into())
}

/// A dialog that only shows something.
pub(super) fn modal_view(title: &str, blocks: Vec<SlackBlock>, texts: &Texts) -> SlackModalView {
    SlackModalView::new(plain_text(&texts.text(title, &[])), blocks)
        .with_close(plain_text(&texts.text("button-done", &[])))
}

/// The dialog with a button that hands it in, under a name and with what it carries.
pub(super) fn make_submittable(
    view: SlackModalView,
    name: &str,
    metadata: String,
    submit: &str,
    texts: &Texts,
) -> SlackModalView {
    view.with_callback_id(SlackCallbackId::from(name))
        // What a dialog is about travels with it and comes back (`slack.md` C.4), so that nothing
        // has to be remembered between two instances or across a restart.
        .with_private_metadata(metadata)
        .with_submit(plain_text(&texts.text(submit, &[])))
        .with_close(plain_text(&texts.text("button-cancel", &[])))
}
