//! What Blip posts: any body is refused or becomes events, each with a key of bounded length.

#![no_main]

use blip_slack::blip::parse;
use blip_slack::model::BotName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let bot = BotName::default();
    let Ok(events) = parse::parse(&bot, body) else { return };
    for routed in events {
        assert!(!routed.key.is_empty() && routed.key.len() <= 4096, "key of {}", routed.key.len());
        // What was stored reads the same when its turn comes.
        assert_eq!(parse::event(&bot, &routed.raw), routed.event);
    }
});
