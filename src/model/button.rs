//! What the buttons below a ticket and beside a message do.

use super::{MessageTs, PressedMove, TicketId};

/// A button, with what it carries besides its ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// Makes this move on the ticket.
    Move(PressedMove),
    /// Asks where to hand the ticket on.
    Transfer,
    /// Asks which canned reply to send.
    Reply,
    /// Asks which template of WhatsApp to send.
    Template,
    /// Asks for the tags of the ticket.
    Tags,
    /// Keeps the message that it was used on from being sent, as far as there is still time.
    Note,
    /// Sends the note that it was used on to the customer.
    SendNote,
    /// Sends this message to the customer.
    Send(MessageTs),
    /// Claims the ticket and sends this message.
    TakeOverAndSend(MessageTs),
    /// Leaves this message a note.
    Keep(MessageTs),
    /// Sends this message again as it is now.
    Correct(MessageTs),
    /// Sends the part with this id at Blip, which did not arrive, once more.
    Resend(String),
    /// Puts this parked item back.
    Retry(i64),
    /// Gives this parked item up.
    Skip(i64),
    /// Closes the ticket, whatever the customer has said meanwhile.
    CloseAnyway,
    /// Leaves the ticket open.
    KeepOpen,
}

/// What a button was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PressedButton {
    pub(crate) button: Button,
    /// The ticket that it carries; a shortcut carries none.
    pub(crate) ticket: Option<TicketId>,
}
