//! What Slack posts: any JSON is some event, with a key of bounded length.

#![no_main]

use blip_slack::slack::message;
use blip_slack::slack::parse::{self, SlackRequest};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    if let Some(SlackRequest::Event(routed)) = parse::parse_request(body) {
        assert!(!routed.key.is_empty() && routed.key.len() <= 4096, "key of {}", routed.key.len());
    }
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        message::read_message(&body);
    }
});
