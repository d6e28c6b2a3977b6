//! Everything that knows Slack.

pub mod emoji;
pub mod mrkdwn;
pub mod rich_text;
