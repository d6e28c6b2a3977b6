//! blip-slack: answer Blip Desk tickets without leaving Slack.

pub mod app;
pub mod blip;
pub mod clock;
pub mod config;
pub mod inbox;
pub mod intake;
pub mod locale;
pub mod manifest;
pub mod model;
pub mod pipe;
pub mod slack;
#[cfg(feature = "demo")]
pub mod standin;
pub mod store;
pub mod telemetry;
