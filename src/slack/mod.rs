//! Everything that knows Slack: its calls, its events, its text and how a ticket looks there.
//!
//! Uses `model` and the texts that people read; knows nothing of Blip or of the store.

pub(crate) mod api;
pub(crate) mod events;
pub(crate) mod gaps;
pub mod socket;
pub(crate) mod text;
pub(crate) mod views;

pub use api::client::SlackClient;
pub(crate) use api::directory::{ChannelAccess, ChannelObstacle};
pub(crate) use api::error::Error;
pub use api::files::{Upload, upload_file};
pub(crate) use api::identity::OwnIdentity;
pub(crate) use api::mask::{Mask, MaskedAnswer};
pub(crate) use api::members::AgentStatus;
pub(crate) use api::message::{Post, Posted};
pub(crate) use api::profile::Profile;
pub(crate) use api::renames::ChannelRenames;
pub(crate) use api::{address, directory, files, find, forget, members, offers, presence};
pub(crate) use events::shown::ShownMessage;
pub(crate) use events::{command, dialog, missed, requester, switches, verify};
pub use events::{message, parse};
pub use text::{emoji, mrkdwn, rich_text};
pub(crate) use views::blocks::{button_label_key, describe_look};
pub(crate) use views::ids;
pub(crate) use views::{bounds, compose, contact, last_words, weekly};
pub use views::{card, choices, home, lead, modal, render, template};

pub(crate) use slack_morphism::blocks::{SlackBlock, SlackView, SlackViewSubmissionResponse};
pub(crate) use slack_morphism::events::{SlackBlockSuggestionResponse, SlackCommandEventResponse};
