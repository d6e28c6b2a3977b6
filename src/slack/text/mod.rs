//! Slack's text: its mark-up, its rich text and the names of its emoji. No calls.

pub mod emoji;
pub mod mrkdwn;
pub mod rich_text;
