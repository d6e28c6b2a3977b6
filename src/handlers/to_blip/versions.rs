//! Which version of a message is sent: Slack may tell of an edit before it tells of the message, and
//! what is being sent stays as it was when that began.

use crate::inbox::Handling;
use crate::slack::ShownMessage;
use crate::slack::find;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::to_blip::unknown::MAX_MATCH_PAUSE;
use crate::model::{ChannelId, Fault, MessageTs};
use crate::slack::{SlackClient, parse};
use crate::store::Source;

/// The step that keeps what a message was when it began to be sent.
pub(crate) const REREAD_CALL: &str = "reread";

/// What a message is when its turn has come.
pub(crate) enum CurrentVersion {
    /// What its event says.
    AsWritten,
    /// What Slack shows by now: it was edited.
    Changed(ShownMessage),
    /// Nothing: it was deleted.
    Gone,
}

/// Reads messages as Slack shows them now, and remembers what was read.
pub(crate) struct Versions {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
}

impl Versions {
    /// Reads a message as Slack shows it now.
    pub(crate) async fn fetch_message(
        &self,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<Option<ShownMessage>> {
        Ok(find::fetch_message(&self.slack, channel, root, ts).await?)
    }

    /// What a message is when its turn has come. Slack may tell of a change before it tells of the
    /// message, and who changes a message that waits means the customer to read it changed, or not
    /// at all.
    pub(crate) async fn read_current_version(
        &self,
        item: &Handling,
        place: (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<CurrentVersion> {
        if self.calls.has_begun_sending(item).await? {
            return Ok(self
                .read_recorded_version(item)
                .await?
                .map_or(CurrentVersion::AsWritten, CurrentVersion::Changed));
        }
        let (channel, _, ts) = place;
        // Only if Slack has told of a change: to read each message again would cost a call of Tier
        // 3 for every reply (`slack.md` C.1).
        if !self.calls.store.has_accepted(Source::Slack, &parse::change_key(channel, ts)).await? {
            return Ok(CurrentVersion::AsWritten);
        }
        match self.reread_message(item, place).await {
            Err(Interrupt::Call { fault: Fault::Refused { .. }, .. }) => {
                self.calls.forget_calls(item, &[REREAD_CALL]).await?;
                Ok(CurrentVersion::AsWritten)
            }
            read => Ok(read?.map_or(CurrentVersion::Gone, CurrentVersion::Changed)),
        }
    }

    /// Reads a message as it is now; nothing if it is gone. Once it is being sent, it stays as it
    /// was then.
    pub(crate) async fn reread_message(
        &self,
        item: &Handling,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<Option<ShownMessage>> {
        if self.calls.has_begun_sending(item).await?
            && let Some(read) = self.read_recorded_version(item).await?
        {
            return Ok(Some(read));
        }
        let message = match find::fetch_message(&self.slack, channel, root, ts).await {
            Err(error) if error.is_message_gone() => None,
            Err(error) if error.is_channel_lost() => {
                return Err(Interrupt::Wait(self.calls.clock.now() + MAX_MATCH_PAUSE));
            }
            message => message?,
        };
        if let Some(message) = &message {
            // What was read before is replaced for as long as nothing has gone out.
            self.calls.forget_calls(item, &[REREAD_CALL]).await?;
            item.remember(REREAD_CALL, message)?;
        }
        Ok(message)
    }

    /// What was read before the first part of a message went out.
    async fn read_recorded_version(&self, item: &Handling) -> PipeResult<Option<ShownMessage>> {
        Ok(self.calls.recall(item, REREAD_CALL).await?)
    }
}
