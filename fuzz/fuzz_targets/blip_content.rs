//! Documents of any type and shape: each has a reading, and the reading can be shown.

#![no_main]

use std::sync::{Arc, LazyLock};

use blip_slack::blip::content;
use blip_slack::locale::{Language, TextCatalog, Texts};
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

static TEXTS: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(Arc::new(TextCatalog::new()), Language::PtBr, TimeZone::UTC));

fuzz_target!(|input: &[u8]| {
    let Some((which, json)) = input.split_first() else { return };
    let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
    let kind = TYPES[usize::from(*which) % TYPES.len()];
    let content = content::read_content(kind, &value);
    for piece in render::split_pieces(&content, &TEXTS) {
        let words = match piece {
            Piece::Words(words) => words,
            Piece::File(media) => render::render_missing_file(media, "?", &TEXTS),
        };
        for part in render::split_into_posts(&words, None) {
            rich_text::to_literal_post(&part);
        }
    }
});
