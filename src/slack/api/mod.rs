//! The calls that we make to Slack.

pub(crate) mod client;
mod directory;
pub(crate) mod error;
pub(crate) mod files;
mod find;
mod forget;
pub(crate) mod health;
pub(crate) mod mask;
mod members;
mod renames;
pub(crate) mod transport;

pub(crate) use directory::Profile;
pub(crate) use members::AgentStatus;
