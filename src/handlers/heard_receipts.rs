//! What was heard of replies: every receipt is in the inbox, whoever has asked for it.

use crate::blip::parse::receipt_key;
use crate::model::TicketId;
use crate::store::{self, Source, Store};

/// What was heard of one message to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeardReceipts {
    /// Whether it did not arrive, and never will.
    pub(crate) has_failed: bool,
    /// Whether it is on the customer's phone; what was read certainly is.
    pub(crate) is_received: bool,
    /// Whether the customer has read it, as far as WhatsApp tells.
    pub(crate) is_read: bool,
}

/// Looks up what was heard of a message of ours, by its id at Blip.
pub(crate) async fn find_heard_receipts(
    store: &dyn Store,
    ticket: &TicketId,
    message: &str,
) -> store::Result<HeardReceipts> {
    let keys = ["failed", "received", "consumed"].map(|event| receipt_key(ticket, message, event));
    let heard = store.find_accepted(Source::Blip, &keys).await?;
    let [has_failed, is_received, is_read] =
        [0, 1, 2].map(|place| heard.get(place).is_some_and(|heard| *heard));
    Ok(HeardReceipts { has_failed, is_received: is_received || is_read, is_read })
}
