//! What a customer writes: shown as it is, and nothing in it takes effect but addresses.

#![no_main]

use blip_slack::slack::{mrkdwn, rich_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let clean = rich_text::clean_text(input);
    let runs = rich_text::literal_runs(&clean);
    let mut shown = String::new();
    for run in &runs {
        let run = serde_json::to_value(run).unwrap();
        assert!(matches!(run["type"].as_str(), Some("text" | "link")), "{run}");
        assert!(run.get("style").is_none(), "{run}");
        shown.push_str(run["text"].as_str().unwrap_or_default());
    }
    assert_eq!(shown, clean);
    let escaped = mrkdwn::escape_mrkdwn(&clean);
    assert!(!escaped.contains(['<', '>']), "{escaped}");
});
