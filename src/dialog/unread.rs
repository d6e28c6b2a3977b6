//! What a ticket's customer has said that is not shown yet.

use std::time::Duration;

use crate::blip::parse::MESSAGE_KEY_PREFIX;
use crate::clock::Clock;
use crate::model::{MessageTs, TicketId};
use crate::store::{self, Lane, SharedStore, Source};

/// How long what waits may take to be shown before somebody is told of it: most is shown in a moment.
const MAX_SHOW_WAIT: Duration = Duration::from_millis(500);
/// How soon it is looked for again.
const SHOW_PAUSE: Duration = Duration::from_millis(50);
/// How long counting takes at most, of the 3 s that a trigger lives.
const COUNT_DEADLINE: Duration = Duration::from_secs(1);

/// Counts what whoever closes a ticket has not seen.
pub(crate) struct UnreadWords {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
}

impl UnreadWords {
    /// How many messages of a ticket's customer wait to be shown. None if that cannot be found out
    /// in time: it is looked at again before the ticket is closed (`close_checks.rs`).
    pub(super) async fn count_waiting(&self, ticket: &TicketId) -> u64 {
        self.count_in_time(ticket, None).await
    }

    /// The same, or at least one if something is shown that is younger than this press.
    pub(super) async fn count_unread(&self, ticket: &TicketId, pressed: &MessageTs) -> u64 {
        self.count_in_time(ticket, Some(pressed)).await
    }

    async fn count_in_time(&self, ticket: &TicketId, pressed: Option<&MessageTs>) -> u64 {
        match tokio::time::timeout(COUNT_DEADLINE, self.try_count(ticket, pressed)).await {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket, %error, "what is unread could not be counted");
                0
            }
            Err(_) => {
                tracing::warn!(ticket.id = %ticket, "what is unread could not be counted in time");
                0
            }
        }
    }

    async fn try_count(
        &self,
        ticket: &TicketId,
        pressed: Option<&MessageTs>,
    ) -> Result<u64, store::Error> {
        let (lane, asked) = (Lane::Ticket(ticket.clone()), self.clock.now());
        loop {
            let waiting = self.store.count_waiting(&lane, Source::Blip, MESSAGE_KEY_PREFIX).await?;
            let now = self.clock.now();
            if waiting > 0 && now < asked + MAX_SHOW_WAIT {
                // It may be shown already without that being on record.
                self.clock.sleep_until(now + SHOW_PAUSE).await;
                continue;
            }
            // Looked at last: what was shown meanwhile is found in one of the two places.
            return Ok(match pressed {
                Some(pressed) if waiting == 0 => {
                    self.store.has_words_after(ticket, pressed).await?.into()
                }
                _ => waiting,
            });
        }
    }
}
