//! What a stranger calls a file, and the address under which one is asked for.

#![no_main]

use std::time::Duration;

use blip_slack::media::{AddressGuard, FileLinks, file_name, full_type};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (title, kind, token) = input;
    let kind = full_type(Some(kind), None);
    let name = file_name(Some(title), kind.as_deref(), "file");
    assert!(!name.is_empty() && name.chars().count() <= 100);
    assert!(!name.contains(|c: char| c == '/' || c == '\\' || c.is_control()), "{name:?}");
    let links = FileLinks::new(&"secret".to_owned().into(), None, Duration::from_secs(60));
    assert!(links.read_token(token, Timestamp::UNIX_EPOCH).is_err(), "{token}");
    if let Ok(url) = title.parse() {
        // Whatever the address, judging it does no harm.
        AddressGuard::default().may_fetch(&url);
    }
});
