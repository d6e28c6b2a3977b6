//! A message of ours: what is to be posted, and where it was.

use serde::{Deserialize, Serialize};
use slack_morphism::blocks::SlackBlock;

use crate::model::MessageTs;

/// A message to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// In which channel, by id or as `#name`.
    pub(crate) channel: String,
    /// Under which root; `None` starts a thread.
    pub(crate) thread: Option<MessageTs>,
    /// What notifications and screen readers say.
    pub(crate) text: String,
    pub(crate) blocks: Vec<SlackBlock>,
    /// The name to post under, where we may choose one.
    pub(crate) author: Option<String>,
    /// Whether an answer in a thread is shown in the channel, too.
    pub(crate) broadcast: bool,
    /// What the post can be found by if its answer is lost.
    pub(crate) delivery: String,
}

/// Where a message has been posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    pub(crate) channel: String,
    /// The message's time stamp.
    pub(crate) ts: String,
}

impl Posted {
    /// The message's time stamp, if it is known.
    pub(crate) fn message_ts(&self) -> Option<MessageTs> {
        MessageTs::parse(&self.ts)
    }
}
