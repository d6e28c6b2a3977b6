//! What Blip posts: any body is refused or becomes events, each with a key of bounded length.

#![no_main]

use blip_slack::blip::parse;
use blip_slack::model::{BlipEvent, BotName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let bot = BotName::default();
    let Ok(events) = parse::parse_envelopes(&bot, body) else { return };
    for routed in events {
        assert!(!routed.key.is_empty() && routed.key.len() <= 4096, "key of {}", routed.key.len());
        // What has no ticket is nothing that anybody reads when its turn comes.
        let is_unknown = matches!(parse::parse_event(&bot, &routed.raw), BlipEvent::Unknown { .. });
        assert_eq!(is_unknown, routed.ticket.is_none());
    }
});
