//! The calls that we make to Slack.
//!
//! [`client`] makes a call and [`post`] shows something; whatever else we ask Slack for is a
//! function that is given the client.

pub(crate) mod address;
mod caches;
pub(crate) mod client;
pub(crate) mod directory;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod find;
pub(crate) mod forget;
pub(crate) mod health;
pub(crate) mod identity;
pub(crate) mod mask;
pub(crate) mod members;
pub(crate) mod message;
pub(crate) mod offers;
mod post;
pub(crate) mod presence;
pub(crate) mod profile;
pub(crate) mod renames;
pub(crate) mod transport;
mod workspace;
