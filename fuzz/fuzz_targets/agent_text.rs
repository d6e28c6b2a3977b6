//! What an agent writes: the markup or a `rich_text` block becomes words, which are cut into parts
//! that lose nothing.

#![no_main]

use blip_slack::blip::text::{self, Marks, Names};
use blip_slack::model::text::{length, split};
use blip_slack::slack::mrkdwn;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const DOMAINS: [&str; 4] = ["wa.gw.msging.net", "0mn.io", "instagram.gw.msging.net", "new.example"];

fuzz_target!(|input: &str| {
    let blocks = serde_json::from_str::<Value>(input).ok();
    let rich = mrkdwn::read(blocks.as_ref(), input);
    for domain in DOMAINS {
        let words = text::write(&rich, &Names::default(), &Marks::for_domain(domain));
        let limit = text::limit_for_domain(domain);
        let parts = split(&words, limit);
        assert_eq!(parts.concat(), words);
        assert!(parts.iter().all(|part| length(part) <= limit));
    }
});
