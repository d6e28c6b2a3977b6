//! A reply that a platform does not take: whoever wrote it is not left to guess.

use std::time::Duration;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::inbox::{DelayedReply, Job};
use crate::model::{Fault, SlackEvent, Ticket};
use crate::store::Item;

/// How long a reply may wait before it is shown that it does.
pub(crate) const SHOWN_AFTER: Duration = Duration::from_secs(10);

/// Has it shown that a reply waits, if it was interrupted by a platform that fails. One that goes
/// out at once costs nothing.
pub(crate) async fn note_delay(
    calls: &Calls,
    item: &Item,
    ticket: &Ticket,
    (event, interrupt): (&SlackEvent, &Interrupt),
) -> PipeResult<()> {
    let SlackEvent::Message { channel, ts, user, .. } = event else { return Ok(()) };
    let Interrupt::Call { fault, .. } = interrupt else { return Ok(()) };
    match fault {
        Fault::Refused { .. } | Fault::Broken => Ok(()),
        Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Credentials => {
            let delayed = DelayedReply {
                ticket: ticket.id.to_string(),
                channel: channel.to_string(),
                ts: ts.to_string(),
                user: user.to_string(),
            };
            Ok(calls.enqueue_item(Job::show_delay(delayed, item.received + SHOWN_AFTER)).await?)
        }
    }
}
