//! How our dialogs look. No calls.
//!
//! Lists are external selects: they open empty-handed and at once, can be searched, and have no
//! limit of entries; [`super::choices::build_options`] fills them.

use slack_morphism::blocks::{
    SlackBlock, SlackBlockChoiceItem, SlackBlockExternalSelectElement,
    SlackBlockMultiExternalSelectElement, SlackBlockPlainTextInputElement,
    SlackBlockRadioButtonsElement, SlackBlockText, SlackInputBlock, SlackModalView,
    SlackSectionBlock, SlackView,
};

use super::blocks::{
    actions_block, button, context_block, header_block, input_block, make_submittable, markdown,
    modal_view, plain_text, section_block,
};
use super::card::{describe_state, escape_line, format_slack_date, link_to_thread};
use super::choices::{Choice, SelectOption};
use super::ids::{
    CLOSE_ANYWAY_CALLBACK_ID, Dialog, METADATA_CHARS, SEND_CALLBACK_ID, element,
    write_confirmed_offer, write_ticket, write_when_held,
};
use super::render::{self, AgentNames};
use crate::locale::Texts;
use crate::model::text::truncate_label;
use crate::model::{Button, Offer, SaidMessage, Ticket, TicketId, WhenHeld, is_team};
use crate::slack::text::rich_text::{literal_block, literal_quote};

/// Longest text that can be typed: what WhatsApp takes is split, Block Kit's own limit is 3,000.
const INPUT_CHARS: usize = 3000;
/// Most characters in one block of running text.
const BLOCK_CHARS: usize = 2800;
/// Most blocks of running text in a dialog, of the 100 and 250 kB that it may have.
const MAX_TEXT_BLOCKS: usize = 15;
/// Most fields of one section (Block Kit: section).
const SECTION_FIELDS: usize = 10;
/// Most characters of a choice and of a field's label (Block Kit: option, input).
const OPTION_CHARS: usize = 75;
const LABEL_CHARS: usize = 150;
/// Most tags that a list shows as chosen already (Block Kit: multi select).
const MAX_CHOSEN_TAGS: usize = 100;

/// What stands in a dialog that closes a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseForm<'a> {
    /// Whether the ticket must have a tag.
    pub is_tag_needed: bool,
    /// A farewell that was typed before.
    pub farewell: Option<&'a str>,
    /// Whether the customer cannot be told anything any more.
    pub is_late: bool,
    /// How many messages of the customer are not shown yet.
    pub unread: u64,
}

/// Asks for the tags and a farewell before a ticket is closed; says before what is in the way of a
/// farewell, and what nobody has read yet.
pub fn build_close_dialog(ticket: &Ticket, form: &CloseForm<'_>, texts: &Texts) -> SlackView {
    let mut blocks = Vec::new();
    if form.unread > 0 {
        let unread = [("count", form.unread.to_string())];
        let unread = unread.each_ref().map(|(key, count)| (*key, count.as_str()));
        blocks.push(literal_block(&texts.text("dialog-unread", &unread)));
    }
    if form.is_late {
        // What was typed is shown, so that it is not lost.
        let key =
            if form.farewell.is_some() { "dialog-farewell-late" } else { "dialog-no-farewell" };
        blocks.push(literal_block(&texts.text(key, &[])));
        blocks.extend(form.farewell.map(literal_quote));
    }
    blocks.push(build_tags_input(ticket, !form.is_tag_needed, texts));
    if !form.is_late {
        blocks.push(build_text_input("dialog-farewell", "farewell", (form.farewell, true), texts));
    }
    blocks.insert(0, name_ticket(ticket, texts));
    let view = modal_view("dialog-close", blocks, texts);
    let metadata = write_ticket(&ticket.id);
    if form.unread == 0 {
        let name = Dialog::Close.name();
        return SlackView::Modal(make_submittable(view, name, metadata, "button-close", texts));
    }
    let name = CLOSE_ANYWAY_CALLBACK_ID;
    let view = make_submittable(view, name, metadata, "button-close-anyway", texts);
    SlackView::Modal(view.with_close(plain_text(&texts.text("button-keep-open", &[]))))
}

/// Says before anything is written that the customer cannot be written to any more, and offers the
/// templates, given the ticket to which they can be sent.
pub fn build_window_closed_view(
    title: &str,
    ticket: &Ticket,
    offer: Option<&TicketId>,
    texts: &Texts,
) -> SlackView {
    let notice = literal_block(&texts.text("dialog-window-closed", &[]));
    let mut blocks = vec![name_ticket(ticket, texts), notice];
    blocks.extend(offer.map(|id| actions_block(vec![button(&Button::Template, id, texts).into()])));
    build_view(title, blocks, texts)
}

/// Asks where to hand a ticket on.
pub fn build_transfer_dialog(ticket: &Ticket, texts: &Texts) -> SlackView {
    let select = build_select(element::DESTINATION, texts);
    let block = input_block("destination", "dialog-destination", select, texts)
        .with_hint(plain_text(&texts.text("dialog-destination-hint", &[])));
    build_form_view(
        &Dialog::Transfer,
        ticket,
        ("dialog-transfer", "button-transfer"),
        vec![block.into()],
        texts,
    )
}

/// Asks for the tags of a ticket.
pub fn build_tags_dialog(ticket: &Ticket, texts: &Texts) -> SlackView {
    let blocks = vec![build_tags_input(ticket, true, texts)];
    build_form_view(&Dialog::Tags, ticket, ("dialog-tags", "button-save"), blocks, texts)
}

/// Asks which canned reply to send; once one is chosen, shows it as the customer will read it.
///
/// Each choice has a block of its own: Slack keeps what stands in a block that stays.
pub fn build_reply_dialog(
    ticket: &Ticket,
    chosen: Option<(&str, &str)>,
    texts: &Texts,
) -> SlackView {
    let select = build_select(element::REPLY, texts);
    let list = input_block("replies", "dialog-reply-which", select, texts);
    let mut blocks = vec![list.with_dispatch_action(true).into()];
    let (id, text) = chosen.unwrap_or_default();
    let text: String = text.chars().take(INPUT_CHARS).collect();
    if chosen.is_some() {
        let block = format!("words:{}", truncate_label(id, 200));
        // What was chosen may be changed, but not taken away.
        blocks.push(build_text_input("dialog-reply-words", &block, (Some(&text), false), texts));
    }
    build_form_view(&Dialog::Reply(None), ticket, ("dialog-reply", "button-send"), blocks, texts)
}

/// Shows a canned reply that is more than words as the customer will get it, below the list from which
/// another one can be chosen.
pub(crate) fn build_canned_view(
    ticket: &Ticket,
    (offer, shown): (&Offer, &str),
    texts: &Texts,
) -> SlackView {
    let select = build_select(element::REPLY, texts);
    let list = input_block("replies", "dialog-reply-which", select, texts);
    let mut blocks: Vec<SlackBlock> = vec![list.with_dispatch_action(true).into()];
    let metadata = write_confirmed_offer(&ticket.id, offer);
    if metadata.chars().count() > METADATA_CHARS {
        // Said instead of cut: half a menu or half a link is worse than none.
        blocks.push(literal_block(&texts.text("dialog-reply-too-long", &[])));
        let titles = ("dialog-reply", "button-send");
        return build_form_view(&Dialog::Reply(None), ticket, titles, blocks, texts);
    }
    blocks.push(literal_block(&texts.text("compose-preview", &[])));
    blocks.push(literal_quote(shown));
    blocks.insert(0, name_ticket(ticket, texts));
    let view = modal_view("dialog-reply", blocks, texts);
    SlackView::Modal(make_submittable(view, SEND_CALLBACK_ID, metadata, "button-send", texts))
}

/// A dialog that only says something, with nothing to fill in.
pub fn build_notice(text: &str, texts: &Texts) -> SlackView {
    build_view("dialog-notice", vec![literal_block(text)], texts)
}

/// Answers somebody who is in a view: what there is to say, with what they may press.
pub(crate) fn build_answer(text: &str, blocks: &[SlackBlock], texts: &Texts) -> SlackView {
    let blocks = if blocks.is_empty() { vec![literal_block(text)] } else { blocks.to_vec() };
    build_view("dialog-notice", blocks, texts)
}

/// Says that something is being fetched.
pub fn build_loading_view(title: &str, texts: &Texts) -> SlackView {
    build_view(title, vec![literal_block(&texts.text("dialog-loading", &[]))], texts)
}

/// What is known of earlier tickets, newest first: each with a link to its thread; and what was
/// said lately, oldest first.
pub fn build_history_view(
    ticket: &Ticket,
    earlier: &[(Ticket, Option<String>)],
    said: Option<(&[SaidMessage], &AgentNames)>,
    texts: &Texts,
) -> SlackView {
    let mut blocks = vec![name_ticket(ticket, texts)];
    blocks.push(header_block(&texts.text("dialog-earlier", &[])));
    if earlier.is_empty() {
        blocks.push(literal_block(&texts.text("dialog-no-earlier", &[])));
    }
    for (ticket, link) in earlier {
        let number = render::ticket_number(ticket);
        let title = match link {
            Some(link) => link_to_thread(link, &number),
            None => escape_line(&number),
        };
        let title = format!("{title} · {}", format_slack_date(ticket.opened, texts));
        blocks.push(section_block(format!("{title}\n{}", describe_state(ticket, texts))));
    }
    blocks.push(header_block(&texts.text("dialog-transcript", &[])));
    match said.map(|(said, names)| render::render_transcript(said, names, BLOCK_CHARS, texts)) {
        None => blocks.push(literal_block(&texts.text("dialog-unavailable", &[]))),
        Some(parts) if parts.is_empty() => {
            blocks.push(literal_block(&texts.text("dialog-no-words", &[])));
        }
        Some(parts) => {
            // What was said last is what the agent needs, so the beginning is left out.
            let skip = parts.len().saturating_sub(MAX_TEXT_BLOCKS);
            blocks.extend(parts.iter().skip(skip).map(|part| literal_block(part)));
        }
    }
    build_view("dialog-history", blocks, texts)
}

/// All that is known of a ticket, in two columns, and what follows below.
pub fn build_details_view(
    facts: &[TicketFact],
    below: Vec<SlackBlock>,
    texts: &Texts,
) -> SlackView {
    let field = |fact: &TicketFact| markdown(format!("*{}*\n{}", fact.label, fact.value)).into();
    let section = |facts: &[TicketFact]| {
        SlackSectionBlock::new().with_fields(facts.iter().map(field).collect()).into()
    };
    let facts = facts.chunks(SECTION_FIELDS).map(section);
    // What the marks on messages mean is one press away from them, and says nothing twice.
    let marks = context_block([escape_line(&texts.text("help-thread-marks", &[]))]);
    build_view("dialog-details", facts.chain(below).chain([marks]).collect(), texts)
}

/// Something that is known of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketFact {
    label: String,
    value: String,
}

impl TicketFact {
    /// A text from outside; none if it is empty.
    pub(crate) fn from_text(label: &str, value: &str, texts: &Texts) -> Option<Self> {
        Self::from_markup(label, escape_line(value), texts)
    }

    /// An entry of the team's own; none if it is empty.
    pub(crate) fn from_extra(name: &str, value: &str) -> Option<Self> {
        let (label, value) = (escape_line(name), escape_line(value));
        (!label.is_empty() && !value.trim().is_empty()).then_some(Self { label, value })
    }

    fn from_markup(label: &str, value: String, texts: &Texts) -> Option<Self> {
        let label = texts.text(label, &[]);
        (!value.trim().is_empty()).then_some(Self { label, value })
    }
}

/// What a ticket itself tells for [`build_details_view`].
pub fn list_ticket_facts(ticket: &Ticket, texts: &Texts) -> Vec<TicketFact> {
    let text = |label: &str, value: &str| TicketFact::from_text(label, value, texts);
    let team = ticket.team.as_deref().filter(|team| is_team(team));
    let since = format_slack_date(ticket.opened, texts);
    let facts = [
        text("details-customer", &render::customer_display_name(&ticket.customer)),
        text("details-number", &render::ticket_number(ticket)),
        TicketFact::from_markup("details-state", describe_state(ticket, texts), texts),
        TicketFact::from_markup("details-since", since, texts),
        text("details-channel", &texts.channel_label(&ticket.customer.domain)),
        text("details-team", team.unwrap_or_default()),
        text("details-tags", &ticket.tags.join(", ")),
        text("details-identity", &ticket.customer.identity),
        text("details-id", ticket.id.blip_id()),
    ];
    facts.into_iter().flatten().collect()
}

fn build_form_view(
    dialog: &Dialog,
    ticket: &Ticket,
    (title, submit): (&str, &str),
    blocks: Vec<SlackBlock>,
    texts: &Texts,
) -> SlackView {
    let blocks = std::iter::once(name_ticket(ticket, texts)).chain(blocks).collect();
    let view = modal_view(title, blocks, texts);
    let metadata = write_ticket(&ticket.id);
    SlackView::Modal(make_submittable(view, dialog.name(), metadata, submit, texts))
}

/// The line on top of a dialog that says whom it is about.
pub(super) fn name_ticket(ticket: &Ticket, texts: &Texts) -> SlackBlock {
    context_block([format_ticket_name(ticket, texts)])
}

/// A ticket with its channel, as mark-up.
pub(super) fn format_ticket_name(ticket: &Ticket, texts: &Texts) -> String {
    let name = escape_line(&render::ticket_name(ticket));
    let channel = escape_line(&texts.channel_label(&ticket.customer.domain));
    format!("*{name}* · {channel}")
}

/// Tells in a dialog, below the line that names the ticket, that somebody else holds it; where words
/// are about to be sent, asks what to do about that.
pub(crate) fn add_holder(view: SlackView, holder: &str, asks: bool, texts: &Texts) -> SlackView {
    let SlackView::Modal(view) = view else { return view };
    let agent = [("agent", holder)];
    let block = if asks {
        let option = |value: WhenHeld, label: &str| {
            let label = truncate_label(&texts.text(label, &agent), OPTION_CHARS);
            let label: SlackBlockText = plain_text(&label).into();
            SlackBlockChoiceItem::new(label, write_when_held(value).to_owned())
        };
        let send = option(WhenHeld::Send, "dialog-held-send");
        let take_over = option(WhenHeld::TakeOver, "dialog-held-take-over");
        let select = SlackBlockRadioButtonsElement::new(vec![send.clone(), take_over])
            .with_action_id(element::WHEN_HELD.into())
            // What the agent set out to do; taking a colleague's ticket is a choice of its own.
            .with_initial_option(send);
        let label = truncate_label(&texts.text("dialog-held", &agent), LABEL_CHARS);
        SlackInputBlock::new(plain_text(&label), select.into())
            .with_block_id(element::WHEN_HELD.into())
            .into()
    } else {
        context_block([escape_line(&texts.text("dialog-held-told", &agent))])
    };
    SlackView::Modal(insert_below_name(view, block))
}

/// Tells in a dialog that somebody else holds the ticket, who does not hear of what is done in it.
pub(crate) fn add_holder_name(view: SlackView, holder: &str, texts: &Texts) -> SlackView {
    let SlackView::Modal(view) = view else { return view };
    let name = texts.text("dialog-held", &[("agent", holder)]);
    SlackView::Modal(insert_below_name(view, context_block([escape_line(&name)])))
}

/// Puts a block below the line that names the ticket.
fn insert_below_name(mut view: SlackModalView, block: SlackBlock) -> SlackModalView {
    let place = view.blocks.len().min(1);
    view.blocks.insert(place, block);
    view
}

/// Says in a dialog, below the line that names the ticket, that sending claims it.
pub(crate) fn add_claim_notice(view: SlackView, texts: &Texts) -> SlackView {
    let SlackView::Modal(mut view) = view else { return view };
    let place = view.blocks.len().min(1);
    view.blocks.insert(place, context_block([texts.text("dialog-claims", &[])]));
    SlackView::Modal(view)
}

fn build_view(title: &str, blocks: Vec<SlackBlock>, texts: &Texts) -> SlackView {
    SlackView::Modal(modal_view(title, blocks, texts))
}

/// A list that opens at once and is searched while somebody types.
pub(super) fn build_select(action: &str, texts: &Texts) -> SlackBlockExternalSelectElement {
    SlackBlockExternalSelectElement::new()
        .with_action_id(action.into())
        // Slack's own default is three letters, before which a list would look empty.
        .with_min_query_length(0)
        .with_placeholder(plain_text(&texts.text("dialog-search", &[])))
}

fn build_tags_input(ticket: &Ticket, optional: bool, texts: &Texts) -> SlackBlock {
    let chosen = ticket.tags.iter().filter_map(|tag| Choice::from_text(tag).to_option());
    let chosen: Vec<SelectOption> = chosen.take(MAX_CHOSEN_TAGS).collect();
    let select = SlackBlockMultiExternalSelectElement::new()
        .with_action_id(element::TAGS.into())
        .with_min_query_length(0)
        .with_placeholder(plain_text(&texts.text("dialog-search", &[])))
        .opt_initial_options(Some(chosen).filter(|chosen| !chosen.is_empty()));
    input_block("tags", "dialog-tags-label", select, texts).with_optional(optional).into()
}

fn build_text_input(
    label: &str,
    block: &str,
    (initial, optional): (Option<&str>, bool),
    texts: &Texts,
) -> SlackBlock {
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(element::MESSAGE_TEXT.into())
        .with_multiline(true)
        .with_max_length(INPUT_CHARS as u64)
        .opt_initial_value(initial.map(str::to_owned));
    input_block(block, label, input, texts).with_optional(optional).into()
}
