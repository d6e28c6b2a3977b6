//! The way into the inbox.

use std::sync::Arc;

use tokio::sync::Notify;
use tracing::Instrument;

use super::error::Error;
use crate::clock::Clock;
use crate::slack::gaps::EventGaps;
use crate::store::{Accepted, NewItem, SharedStore, Source};
use crate::telemetry;

pub(crate) struct EventDoor {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    /// Told when an event of Slack could not be stored.
    pub(crate) gaps: Arc<EventGaps>,
    /// Told when an event of Blip could not be.
    pub(crate) has_refused: Arc<Notify>,
}

impl EventDoor {
    /// Puts an event into the inbox.
    pub(super) async fn store_event(&self, item: NewItem) -> Result<(), Error> {
        let span = telemetry::accept_span(item.source.name(), &item.key);
        self.store_in_span(item).instrument(span).await
    }

    async fn store_in_span(&self, item: NewItem) -> Result<(), Error> {
        let (source, is_slack) = (item.source.name(), item.source == Source::Slack);
        match self.store.accept(item).await {
            Ok(Accepted::New) => {
                tracing::debug!("an event was taken in");
                telemetry::count_accepted(source);
            }
            Ok(Accepted::Repeat) => {
                tracing::debug!("an event came again");
                telemetry::count_repeated(source);
            }
            Err(error) => {
                tracing::error!(%error, source, "an event could not be stored; the sender is asked to repeat it");
                // Slack repeats for some minutes only, and of Blip it is not documented (`blip.md` §3.4):
                // what is lost is looked for as soon as the store works.
                if is_slack {
                    self.gaps.note_gap();
                } else {
                    self.has_refused.notify_one();
                }
                return Err(Error::NotStored);
            }
        }
        Ok(())
    }
}
