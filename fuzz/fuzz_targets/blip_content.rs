//! Documents of any type and shape: each has a reading, and the reading can be shown.

#![no_main]

use std::sync::{Arc, LazyLock};

use blip_slack::blip::content;
use blip_slack::locale::{Language, Texts, Words};
use blip_slack::slack::render::{self, Piece};
use blip_slack::slack::rich_text;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const TYPES: [&str; 16] = [
    "text/plain",
    "application/json",
    "application/vnd.lime.media-link+json",
    "application/vnd.lime.location+json",
    "application/vnd.lime.select+json",
    "application/vnd.lime.document-select+json",
    "application/vnd.lime.collection+json",
    "application/vnd.lime.container+json",
    "application/vnd.lime.list+json",
    "application/vnd.lime.reply+json",
    "application/vnd.lime.reaction+json",
    "application/vnd.lime.contact+json",
    "application/vnd.lime.sensitive+json",
    "application/vnd.lime.invoice+json",
    "application/vnd.iris.ticket+json",
    "application/vnd.iris.unheard-of",
];

static WORDS: LazyLock<Words> =
    LazyLock::new(|| Words::new(Arc::new(Texts::new()), Language::PtBr, TimeZone::UTC));

fuzz_target!(|input: &[u8]| {
    let Some((which, json)) = input.split_first() else { return };
    let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
    let kind = TYPES[usize::from(*which) % TYPES.len()];
    let content = content::content(kind, &value);
    for piece in render::pieces(&content, &WORDS) {
        let words = match piece {
            Piece::Words(words) => words,
            Piece::File(media) => render::file_instead(media, "?", &WORDS),
        };
        for part in render::parts(&words, None) {
            rich_text::literal(&part);
        }
    }
});
