//! Reading JSON that does not keep to its own documentation.
//!
//! Blip leaves out fields, writes numbers as text and text as numbers (`blip.md` §3.1, §10 #18).
//! So every reader here gives an option and none gives an error: a field that cannot be read is a
//! field that is not there. Knows no field by name and no type of LIME.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::bounded;

/// Reads bytes as text, without a byte order mark; what is not UTF-8 becomes `U+FFFD`.
pub(super) fn decode_text(bytes: &[u8]) -> Cow<'_, str> {
    // A body that is not UTF-8 throughout still has a ticket and words in it.
    String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
}

/// Reads a JSON document that came through a door; halves of characters in it become `U+FFFD`.
///
/// `None` if it is not JSON, or too much (see [`bounded::parse_tree`]).
pub(super) fn parse_bounded_json(json: &str) -> Option<Value> {
    // Mended only if it has to be: nearly nothing that comes is broken, and all of it is looked at.
    bounded::parse_tree(json).or_else(|| bounded::parse_tree(&mend_surrogates(json)?))
}

/// Reads what Blip answered, of whatever size; halves of characters in it become `U+FFFD`.
///
/// `None` if it is not JSON, nested more than 127 deep, or has a number beyond all bounds.
pub(super) fn parse_json(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok().or_else(|| serde_json::from_str(&mend_surrogates(json)?).ok())
}

/// Replaces each `\uD8xx` that lacks its other half; `None` if there is none. Programs whose strings
/// are UTF-16 write such escapes when they cut a text within an emoji, and no JSON reader for UTF-8
/// takes them.
fn mend_surrogates(json: &str) -> Option<String> {
    let mut mended = String::new();
    // How much of the text is in there already.
    let (mut done, mut at) = (0, 0);
    while let Some(found) = json.get(at..)?.find('\\') {
        let start = at + found + 1;
        let escape = json.get(start..)?;
        let (length, is_whole) =
            match (parse_utf16_unit(escape), escape.get(5..).and_then(parse_second_unit)) {
                (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (11, true),
                (Some(0xD800..=0xDFFF), _) => (5, false),
                _ => (escape.chars().next().map_or(0, char::len_utf8), true),
            };
        at = start + length;
        if !is_whole {
            mended.push_str(json.get(done..start)?);
            mended.push_str("uFFFD");
            done = at;
        }
    }
    let rest = json.get(done..)?;
    (done > 0).then(|| mended + rest)
}

/// The UTF-16 unit of an escape, given what follows its backslash.
fn parse_utf16_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// The UTF-16 unit of an escape, given from its backslash on.
fn parse_second_unit(escape: &str) -> Option<u16> {
    parse_utf16_unit(escape.strip_prefix('\\')?)
}

/// A field as text; numbers and truth values count as text, blank text as none.
pub(super) fn get_text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(as_text)
}

/// A value as text, like [`get_text`].
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        // Not trimmed: blanks at the ends are the customer's.
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A field as a whole number, also out of text.
pub(super) fn get_integer(value: &Value, field: &str) -> Option<i64> {
    value.get(field).and_then(as_integer)
}

/// A value as a whole number, also out of text.
pub(super) fn as_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = as_float(value)?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        // Up to there a float tells every whole number from the next.
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

/// A field as a finite number, also out of text.
pub(super) fn get_float(value: &Value, field: &str) -> Option<f64> {
    value.get(field).and_then(as_float)
}

fn as_float(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Whether a field says yes, in whatever type.
pub(super) fn is_true(value: &Value, field: &str) -> bool {
    get_text(value, field).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
}

/// The elements of a field; none if it is not a list.
pub(super) fn get_list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A field as a moment, see [`as_date`].
pub(super) fn get_date(value: &Value, field: &str) -> Option<Timestamp> {
    value.get(field).and_then(as_date)
}

/// A value as a moment: ISO 8601, taken as UTC if it names no offset, or seconds or milliseconds
/// since 1970.
pub(super) fn as_date(value: &Value) -> Option<Timestamp> {
    /// Seconds reach this in the year 5138, milliseconds did in 1973.
    const FIRST_MILLISECONDS: i64 = 100_000_000_000;

    match as_integer(value) {
        // `#wa.timestamp` is in seconds, `#date_processed` in milliseconds (`blip.md` §7).
        Some(number) if number.abs() < FIRST_MILLISECONDS => Timestamp::from_second(number).ok(),
        Some(number) => Timestamp::from_millisecond(number).ok(),
        None => parse_iso_date(value.as_str()?.trim()),
    }
}

fn parse_iso_date(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        // Blip's dates end with `Z`; where one does not, it is the same clock (`blip.md` §3.1).
        let local: DateTime = text.parse().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

/// The first `limit` characters of a text, with an ellipsis if there were more.
pub(super) fn truncate_text(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Those texts that are there, with something between them.
pub(super) fn join_present<const N: usize>(
    between: &str,
    texts: [Option<String>; N],
) -> Option<String> {
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join(between))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_text_stand_for_each_other() {
        let value =
            json!({"a": "12", "b": 12, "c": 12.0, "d": "x", "e": null, "f": 1.5, "g": " 7 "});
        for (field, expected) in [
            ("a", Some(12)),
            ("b", Some(12)),
            ("c", Some(12)),
            ("d", None),
            ("e", None),
            ("f", None),
            ("g", Some(7)),
            ("missing", None),
        ] {
            assert_eq!(get_integer(&value, field), expected, "{field}");
        }
        assert_eq!(get_text(&value, "b").as_deref(), Some("12"));
        assert_eq!(get_float(&value, "f"), Some(1.5));
        assert_eq!(get_float(&json!({"a": "NaN"}), "a"), None);
    }

    #[test]
    fn yes_comes_in_several_types() {
        for (value, expected) in
            [(json!(true), true), (json!("True"), true), (json!(1), true), (json!("no"), false)]
        {
            assert_eq!(is_true(&json!({"a": value}), "a"), expected, "{value}");
        }
    }

    #[test]
    fn dates_come_in_several_forms() {
        let expected = get_date(&json!({"d": "2026-03-04T05:06:07Z"}), "d");
        assert!(expected.is_some());
        for same in [
            json!("2026-03-04T05:06:07.000Z"),
            json!("2026-03-04T02:06:07-03:00"),
            json!("2026-03-04T05:06:07"),
            json!(1_772_600_767),
            json!(1_772_600_767_000_i64),
            json!("1772600767000"),
        ] {
            assert_eq!(get_date(&json!({"d": same}), "d"), expected, "{same}");
        }
        assert_eq!(get_date(&json!({"d": "yesterday"}), "d"), None);
    }

    #[test]
    fn half_an_emoji_does_not_cost_the_message() {
        for (json, expected) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\ude00 cut""#, "\u{fffd} cut"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\\ud83d \"\ud83d\"""#, "\\ud83d \"\u{fffd}\""),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
        ] {
            assert_eq!(parse_json(json), Some(json!(expected)), "{json}");
            assert_eq!(parse_bounded_json(json), Some(json!(expected)), "{json}");
        }
    }

    proptest! {
        #[test]
        fn mending_leaves_sound_json_alone(text in any::<String>()) {
            let json = json!([text, {"a": text}]).to_string();
            prop_assert_eq!(mend_surrogates(&json), None);
        }

        #[test]
        fn nothing_to_read_is_no_reason_to_panic(text in any::<String>()) {
            mend_surrogates(&text);
            mend_surrogates(&format!("\\u{text}\\"));
            get_date(&json!({"d": text}), "d");
        }

        #[test]
        fn shortened_text_is_a_beginning(text in any::<String>(), limit in 0_usize..20) {
            let short = truncate_text(&text, limit);
            prop_assert!(short.chars().count() <= limit + 1);
            prop_assert!(text.starts_with(short.trim_end_matches('…')));
        }
    }
}
