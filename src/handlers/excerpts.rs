//! How a message begins, to tell people which one is meant.
//!
//! The bridge keeps no words, so Slack is asked, and where it does not tell they are left out.

use crate::blip::text::{self, MentionNames, StyleMarks};
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::name_or_none;
use crate::model::text::{to_one_line, truncate_label};
use crate::model::{ChannelId, MessageTs, SlackUserId, Thread};
use crate::slack::{ShownMessage, SlackClient, find};

/// How many characters of a message tell people which one is meant.
const QUOTED_CHARS: usize = 60;

/// How a message in a thread begins that went to the customer, or was to: one that `user` wrote, or a
/// post of ours that shows such words below its title.
pub(crate) async fn find_excerpt(
    slack: &SlackClient,
    thread: &Thread,
    (channel, ts): (&ChannelId, &MessageTs),
    user: Option<&SlackUserId>,
) -> PipeResult<Option<String>> {
    let found = fetch_shown(slack, thread, (channel, ts)).await?;
    Ok(found.and_then(|found| read_excerpt(&found, user)))
}

/// A message in a thread, if Slack shows it.
pub(crate) async fn fetch_shown(
    slack: &SlackClient,
    thread: &Thread,
    (channel, ts): (&ChannelId, &MessageTs),
) -> PipeResult<Option<ShownMessage>> {
    let found = find::fetch_message(slack, channel, &thread.root, ts).await;
    Ok(name_or_none(found)?.flatten())
}

/// The same of a message that was looked up.
pub(crate) fn read_excerpt(found: &ShownMessage, user: Option<&SlackUserId>) -> Option<String> {
    let words = if found.is_written_by(user) {
        let words = found.read().text;
        text::write_plain_text(&words, &MentionNames::default(), &StyleMarks::default())
    } else {
        // Our own post: what went out stands below its title.
        let shown = found.literal_text();
        shown.split_once('\n').map(|(_, words)| words.to_owned()).unwrap_or_default()
    };
    cut_excerpt(&words)
}

/// As much of a text as tells which one is meant; nothing if it has no words.
pub(crate) fn cut_excerpt(text: &str) -> Option<String> {
    let words = truncate_label(&to_one_line(text), QUOTED_CHARS);
    Some(words).filter(|words| !words.is_empty())
}
