//! The integration tests: the real service over real HTTP, against the stand-ins.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod agent_messages;
mod agents;
mod assign;
mod away;
mod catch_up;
mod command_line;
mod compare;
mod compose;
mod config;
mod connect;
mod content;
mod conversation;
mod corrections;
mod cut;
mod database;
mod dependencies;
mod deployment;
mod desk;
mod desk_canned;
mod desk_contact;
mod desk_tags;
mod doctor;
mod documents;
mod faults;
mod files;
mod forbidden;
mod glance;
mod history;
mod hold;
mod hours;
mod ids;
mod init;
mod instances;
mod intake;
mod killed;
mod lanes;
mod late_files;
mod layers;
mod leads;
mod lifecycle;
mod locale;
mod looks;
mod lost_thread;
mod manifest;
mod mask;
mod metrics;
mod monitoring;
mod order;
mod origins;
mod outage;
mod pace;
mod page;
mod played;
mod postgres;
mod privacy;
mod process;
mod promises;
mod quotes;
mod ratings;
mod readiness;
mod receipts;
mod redraw;
mod rehearsal;
mod remind;
mod restart;
mod routed;
mod rules;
mod server;
mod socket;
mod source;
mod sparse;
mod store;
mod streaming;
mod support;
mod templates;
mod told;
mod traces;
mod trouble;
mod upgrade;
mod words;
