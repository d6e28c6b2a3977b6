//! A customer's message that waits to be shown, and which of several may be shown together.

use crate::blip::parse;
use crate::inbox::Handling;
use crate::model::{BlipEvent, Content, TicketId};

/// A customer's message that waits to be shown.
pub(crate) struct CustomerMessage<'a> {
    pub(crate) item: &'a Handling,
    pub(crate) id: Option<String>,
    pub(crate) content: Content,
    pub(crate) is_after_gap: bool,
}

/// The first messages that may be shown as one post: words only, or one message with files.
pub(crate) fn take_mergeable_messages<'a>(
    said: impl Iterator<Item = CustomerMessage<'a>>,
) -> Vec<CustomerMessage<'a>> {
    let mut group = Vec::new();
    for said in said {
        let has_files = has_files(&said.content);
        // A file is a post of its own in Slack (`files.completeUploadExternal`), and the mark of a
        // gap stands before the message that it is about.
        if (has_files || said.is_after_gap) && !group.is_empty() {
            break;
        }
        group.push(said);
        if has_files {
            break;
        }
    }
    group
}

pub(crate) fn has_files(content: &Content) -> bool {
    match content {
        Content::Media(_) => true,
        Content::Several(parts) => parts.iter().any(has_files),
        Content::Reply { answer, .. } => has_files(answer),
        Content::Text(_)
        | Content::Place { .. }
        | Content::Link { .. }
        | Content::Choice { .. }
        | Content::Reaction { .. }
        | Content::Card { .. }
        | Content::Earlier(_)
        | Content::Sensitive
        | Content::Notice(_)
        | Content::Unreadable { .. }
        | Content::Unknown { .. } => false,
    }
}

pub(crate) fn read_customer_message<'a>(
    item: &'a Handling,
    id: &TicketId,
) -> Option<CustomerMessage<'a>> {
    match parse::parse_event(id.bot(), &item.body) {
        BlipEvent::Message { id, content, .. } => {
            let is_after_gap = parse::is_after_gap(&item.body);
            Some(CustomerMessage { item, id, content, is_after_gap })
        }
        BlipEvent::Ticket(_)
        | BlipEvent::Receipt { .. }
        | BlipEvent::StandbyEnd { .. }
        | BlipEvent::Quiet
        | BlipEvent::Unknown { .. } => None,
    }
}
