//! The warning in a channel that another company reads, too.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::{Posts, ThreadPost};
use crate::locale::Texts;
use crate::model::ChannelId;

/// Warns channels that are shared outside.
pub(crate) struct SharedWarnings {
    pub(crate) calls: Arc<Calls>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) texts: Texts,
}

impl SharedWarnings {
    /// Tells a channel that it is shared with another company.
    pub(crate) async fn post_shared_warning(
        &self,
        item: &Handling,
        channel: &ChannelId,
    ) -> PipeResult<()> {
        let line = ThreadPost::from_line(&self.texts.text("channel-shared", &[]));
        self.posts.post_to_channel(item, channel, "shared", line).await?;
        // Kept across starts, or every start would warn the channel again.
        Ok(self.calls.store.put_fact(&shared_fact_key(channel), Some("told")).await?)
    }
}

/// What remembers that a channel was told that it is shared.
pub(crate) fn shared_fact_key(channel: &ChannelId) -> String {
    format!("shared:{channel}")
}
