//! Every language says the same, and says all that the code asks for.

use std::collections::{BTreeMap, BTreeSet};

use blip_slack::locale::{Language, TextCatalog};
use fluent_bundle::FluentResource;

use crate::source;

/// Literals that look like keys of texts and are names of HTTP headers.
const HEADERS: &[&str] = &["content-disposition", "content-length", "content-type"];

#[test]
fn every_language_is_read_without_a_mistake() {
    for language in Language::ALL {
        let source = language.fluent_source().to_owned();
        assert!(FluentResource::try_new(source).is_ok(), "{language:?}");
        let count = language.fluent_source().lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(messages(language).len(), count, "{language:?} has a text twice");
    }
}

/// A form for one is a form for one only: each language needs that and one for the others.
#[test]
fn what_is_counted_has_a_form_for_one_and_one_for_many() {
    for language in Language::ALL {
        let source = language.fluent_source();
        let count = |part: &str| source.matches(part).count();
        assert_eq!(count("$count ->"), count("    [one] "), "{language:?}");
        assert_eq!(count("$count ->"), count("   *[other] "), "{language:?}");
        assert!(count("$count ->") > 0);
    }
}

#[test]
fn every_language_says_the_same() {
    let first = variables(Language::PtBr);
    for language in [Language::En, Language::Es] {
        assert_eq!(variables(language), first, "{language:?}");
    }
}

#[test]
fn every_message_that_the_code_asks_for_exists() {
    let known = messages(Language::PtBr);
    let families: BTreeSet<&str> = known.keys().filter_map(|key| key.split('-').next()).collect();
    for (file, literal) in source::literals() {
        let is_key = literal.split_once('-').is_some_and(|(family, rest)| {
            families.contains(family) && rest.chars().all(|c| "-".contains(c) || is_plain(c))
        });
        if is_key && !HEADERS.contains(&literal.as_str()) {
            assert!(known.contains_key(&literal), "{literal} in {}", file.display());
        }
    }
}

#[test]
fn every_message_is_read_by_somebody() {
    // Asked for by a code, a domain or a word that is not ours.
    let families = ["reason-", "channel-", "help-"];
    let asked: BTreeSet<String> =
        source::literals().into_iter().map(|(_, literal)| literal).collect();
    for key in messages(Language::PtBr).into_keys() {
        let is_asked = asked.contains(&key) || families.iter().any(|f| key.starts_with(f));
        assert!(is_asked, "{key} is said nowhere");
    }
}

/// Texts go to places that read marks and to places that do not.
#[test]
fn texts_have_no_marks_of_slack_in_them() {
    for language in Language::ALL {
        for (key, text) in messages(language) {
            let mut outside = text.clone();
            for variable in variables_of(&text) {
                outside = outside.replace(&format!("{{ ${variable} }}"), "");
            }
            assert!(
                !outside.contains(['<', '>', '&', '*', '_', '~', '`', '{', '}']) || exempt(&key),
                "{language:?} {key}: {text}"
            );
        }
    }
}

#[test]
fn buttons_are_short_enough_for_slack() {
    for language in Language::ALL {
        for (key, text) in messages(language).iter().filter(|(key, _)| key.starts_with("button-")) {
            assert!(text.chars().count() <= 24, "{language:?} {key}");
        }
    }
}

#[test]
fn every_text_can_be_filled_in() {
    let texts = TextCatalog::new();
    for language in Language::ALL {
        for (key, text) in messages(language) {
            let names = variables_of(&text);
            let args: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "Ana")).collect();
            let filled = texts.get_text(language, &key, &args);
            assert!(filled != key && !filled.contains('$'), "{language:?} {key}: {filled}");
        }
    }
}

/// The texts that name settings of ours.
fn exempt(key: &str) -> bool {
    matches!(key, "ask-no-identity" | "reason-no-public-url")
}

fn is_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// The messages of a language as they stand in its file: one line each or, where there are forms for
/// numbers, a line for each form.
fn messages(language: Language) -> BTreeMap<String, String> {
    let mut messages: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for line in language.fluent_source().lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, text)) = line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
            let is_selector = text.trim_end().ends_with("->");
            let first = if is_selector { String::new() } else { text.to_owned() };
            messages.insert(key.to_owned(), first);
            last = is_selector.then(|| key.to_owned());
        } else if let (Some(key), Some((_, form))) = (&last, line.split_once("] ")) {
            let text = messages.get_mut(key).unwrap();
            text.push_str(if text.is_empty() { "" } else { "\n" });
            text.push_str(form);
        }
    }
    messages
}

fn variables(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    messages(language).into_iter().map(|(key, text)| (key, variables_of(&text))).collect()
}

fn variables_of(text: &str) -> BTreeSet<String> {
    text.split("{ $")
        .skip(1)
        .filter_map(|rest| rest.split(" }").next())
        .map(str::to_owned)
        .collect()
}
