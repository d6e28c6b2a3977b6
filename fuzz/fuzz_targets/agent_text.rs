//! What an agent writes: whatever stands in a message is read, and its words are cut into parts that
//! lose nothing.

#![no_main]

use blip_slack::blip::text::{self, MentionNames, StyleMarks};
use blip_slack::slack::message;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const DOMAINS: [&str; 4] = ["wa.gw.msging.net", "0mn.io", "instagram.gw.msging.net", "new.example"];

fuzz_target!(|input: &str| {
    let parts = serde_json::from_str::<Value>(input).unwrap_or_default();
    let message = json!({ "text": input, "blocks": parts, "attachments": parts });
    let read = message::read_message(&message);
    assert!(read.may_go_out() || !read.kept.is_empty());
    for domain in DOMAINS {
        let words = text::write_plain_text(&read.text, &MentionNames::default(), &StyleMarks::for_domain(domain));
        let (parts, limit) = (text::split_for_channel(&words, domain), text::limit_for_domain(domain));
        // A mark that embraces a cut ends before it and begins anew behind it.
        assert_eq!(without_marks(&parts.concat()), without_marks(&words));
        assert!(parts.iter().all(|part| limit.fits(part)));
    }
});

fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '*' | '_' | '~' | '`' | '\n')).collect()
}
