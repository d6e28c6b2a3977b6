//! Slack's emoji names and their Unicode text.
//!
//! Slack names emoji as emoji-data does, the list by Cal Henderson (MIT licence). `emoji/names.tsv`
//! is made from its release 16.0.0; a newer one is taken in with
//!
//! ```text
//! curl -L https://unpkg.com/emoji-datasource/emoji.json | jq -rf src/slack/text/emoji/names.jq > src/slack/text/emoji/names.tsv
//! ```
//!
//! Knows nothing of the emoji that a workspace adds for itself: they have no Unicode text and keep
//! their `:name:`.

use std::borrow::Cow;
use std::sync::LazyLock;

/// A name of an emoji, and how it looks. What it has not is empty.
struct NamedEmoji {
    name: &'static str,
    plain: &'static str,
    /// In the lightest skin tone.
    toned: &'static str,
    /// Two people in the two lightest skin tones.
    pair: &'static str,
}

/// Every name, sorted for the search.
static EMOJI_NAMES: LazyLock<Vec<NamedEmoji>> =
    LazyLock::new(|| include_str!("emoji/names.tsv").lines().map(parse_row).collect());

/// What stands between an emoji's name and its skin tones.
const SKIN_TONE_INFIX: &str = "::skin-tone-";

/// The lightest skin tone, which Slack counts as number 2.
const FIRST_TONE: char = '\u{1F3FB}';

/// The second lightest skin tone.
const SECOND_TONE: char = '\u{1F3FC}';

/// The Unicode text of a name such as `wave`, `wave::skin-tone-3` or `handshake::skin-tone-2-6`.
///
/// A skin tone that the emoji cannot have is passed over. `None` if the name is not Slack's own.
pub(crate) fn to_unicode(name: &str) -> Option<Cow<'static, str>> {
    let emoji = find_emoji(base_name(name))?;
    let toned =
        name.split_once(SKIN_TONE_INFIX).and_then(|(_, tones)| apply_skin_tones(emoji, tones));
    Some(toned.map_or(Cow::Borrowed(emoji.plain), Cow::Owned))
}

/// The name without a skin tone.
pub(crate) fn base_name(name: &str) -> &str {
    name.split_once(SKIN_TONE_INFIX).map_or(name, |(base, _)| base)
}

/// Whether two names mean the same reaction: aliases of one emoji, in any skin tone.
pub(crate) fn is_same_emoji(a: &str, b: &str) -> bool {
    let (a, b) = (base_name(a), base_name(b));
    let plain = |name| find_emoji(name).map(|emoji| emoji.plain);
    // By what they look like: `thumbsup` and `+1` are one reaction for people
    // (`two_names_of_one_emoji_cannot_claim_and_close`).
    a == b || plain(a).is_some_and(|emoji| plain(b) == Some(emoji))
}

/// Puts Unicode emoji in place of the `:names:` in a text.
///
/// A name counts only where it stands free, as it does where Slack has made it of an emoji: the
/// same letters stand in network addresses (`a4:b1:ab:12`), times and keys. Names that are not
/// Slack's own stay.
pub fn replace_emoji_names(text: &str) -> Cow<'_, str> {
    if !text.contains(':') {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        spelled.push_str(before);
        let found = take_leading_emoji(after)
            // Slack turns every emoji into its name when it stores a message (`slack.md` D.1), so a
            // name that does not stand free was typed, and means what it says.
            .filter(|(_, tail)| may_start_after(&spelled) && may_end_before(tail));
        if let Some((emoji, tail)) = found {
            spelled.push_str(&emoji);
            rest = tail;
        } else {
            spelled.push(':');
            rest = after;
        }
    }
    spelled.push_str(rest);
    Cow::Owned(spelled)
}

/// Whether a name may stand after this text.
fn may_start_after(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| is_emoji_boundary(c) || "([{*_~-,;!?".contains(c))
}

/// Whether a name may stand before this text; other emoji may follow at once.
fn may_end_before(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some(':') => {
            chars.as_str().starts_with(char::is_whitespace)
                || chars.as_str().is_empty()
                || take_leading_emoji(chars.as_str()).is_some()
        }
        Some(c) => is_emoji_boundary(c) || ")]}*_~-.,;!?".contains(c),
        None => true,
    }
}

/// White space, quotation marks, emoji and other signs that stand in no address.
fn is_emoji_boundary(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'') || !c.is_ascii() && !c.is_alphanumeric()
}

/// The emoji whose name, with the opening colon already taken, begins the text, and what follows.
fn take_leading_emoji(text: &str) -> Option<(Cow<'static, str>, &str)> {
    let (name, tail) = text.split_once(':')?;
    let emoji = to_unicode(name)?;
    let Some((tones, after)) = tail.strip_prefix(":skin-tone-").and_then(|t| t.split_once(':'))
    else {
        return Some((emoji, tail));
    };
    // What follows is no tone, so the emoji ends here and the rest is words.
    if parse_skin_tones(tones).is_none() {
        return Some((emoji, tail));
    }
    Some((to_unicode(&format!("{name}{SKIN_TONE_INFIX}{tones}"))?, after))
}

/// The emoji in the skin tones written as `3`, or `3-5` for two people.
fn apply_skin_tones(emoji: &NamedEmoji, tones: &str) -> Option<String> {
    let (first, second) = parse_skin_tones(tones)?;
    // Two people of one tone are one character with that tone, of two tones a sequence of several.
    let is_pair = first != second && !emoji.pair.is_empty();
    let model = if is_pair { emoji.pair } else { emoji.toned };
    if model.is_empty() {
        return None;
    }
    let tint = |c| match c {
        FIRST_TONE => first,
        SECOND_TONE => second,
        other => other,
    };
    Some(model.chars().map(tint).collect())
}

/// The two skin tones written as `3-5`, or the same one twice if it is written as `3`.
fn parse_skin_tones(tones: &str) -> Option<(char, char)> {
    let (first, second) = tones.split_once('-').unwrap_or((tones, tones));
    Some((parse_skin_tone(first)?, parse_skin_tone(second)?))
}

/// The skin tone that Slack counts from 2 to 6.
fn parse_skin_tone(number: &str) -> Option<char> {
    Some(match number {
        "2" => FIRST_TONE,
        "3" => SECOND_TONE,
        "4" => '\u{1F3FD}',
        "5" => '\u{1F3FE}',
        "6" => '\u{1F3FF}',
        _ => return None,
    })
}

/// Whether the character is a skin tone.
pub(crate) fn is_skin_tone(c: char) -> bool {
    (FIRST_TONE..='\u{1F3FF}').contains(&c)
}

/// The emoji of this name, without a skin tone.
fn find_emoji(name: &str) -> Option<&'static NamedEmoji> {
    // The script that makes the file sorts it, so no map of two thousand names is needed.
    let place = EMOJI_NAMES.binary_search_by_key(&name, |emoji| emoji.name).ok()?;
    EMOJI_NAMES.get(place)
}

/// A line of `names.tsv`.
fn parse_row(line: &'static str) -> NamedEmoji {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default();
    NamedEmoji { name: next(), plain: next(), toned: next(), pair: next() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(EMOJI_NAMES.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn names_mean_what_slack_shows() {
        for (name, emoji) in [
            ("wave", "👋"),
            ("flag-br", "🇧🇷"),
            ("br", ""),
            ("one", "1️⃣"),
            ("hash", "#️⃣"),
            ("man-shrugging", "🤷‍♂️"),
            ("hugging_face", "🤗"),
            ("face_with_rolling_eyes", "🙄"),
            ("large_green_circle", "🟢"),
            ("robot_face", "🤖"),
            ("umbrella", "☂️"),
            ("umbrella_with_rain_drops", "☔"),
            ("snowman", "☃️"),
            ("email", "✉️"),
            ("satellite", "🛰️"),
            ("heart", "❤️"),
            ("white_check_mark", "✅"),
            ("heavy_check_mark", "✔️"),
            ("man-woman-girl-boy", "👨‍👩‍👧‍👦"),
            ("rainbow-flag", "🏳️‍🌈"),
            ("flag-england", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("+1", "👍"),
            ("thumbsup", "👍"),
            ("nossa_logo", ""),
            ("", ""),
        ] {
            assert_eq!(
                to_unicode(name).as_deref(),
                Some(emoji).filter(|e| !e.is_empty()),
                "{name}"
            );
        }
    }

    #[test]
    fn skin_tones_stand_where_unicode_wants_them() {
        for (name, emoji) in [
            ("wave::skin-tone-2", "👋🏻"),
            ("wave::skin-tone-6", "👋🏿"),
            ("thumbsup::skin-tone-4", "👍🏽"),
            ("man-shrugging::skin-tone-5", "🤷🏾‍♂️"),
            ("female-detective::skin-tone-3", "🕵🏼‍♀️"),
            ("point_up::skin-tone-3", "☝🏼"),
            ("handshake::skin-tone-3", "🤝🏼"),
            ("handshake::skin-tone-3-3", "🤝🏼"),
            ("handshake::skin-tone-2-6", "🫱🏻‍🫲🏿"),
            ("man-heart-man::skin-tone-4", "👨🏽‍❤️‍👨🏽"),
            ("man-heart-man::skin-tone-4-2", "👨🏽‍❤️‍👨🏻"),
            ("wave::skin-tone-2-6", "👋🏻"),
            ("wave::skin-tone-1", "👋"),
            ("wave::skin-tone-9", "👋"),
            ("wave::skin-tone-", "👋"),
            ("robot_face::skin-tone-3", "🤖"),
        ] {
            assert_eq!(to_unicode(name).as_deref(), Some(emoji), "{name}");
        }
    }

    #[test]
    fn every_name_is_whole_and_means_the_same_reaction_in_any_tone() {
        for emoji in EMOJI_NAMES.iter() {
            let NamedEmoji { name, plain, toned, pair } = emoji;
            assert!(
                !plain.is_empty() && plain.chars().all(|c| !is_skin_tone(c))
                    || name.starts_with("skin-tone-"),
                "{name}"
            );
            assert!(toned.is_empty() || toned.contains(FIRST_TONE), "{name}");
            assert!(pair.is_empty() || pair.contains(SECOND_TONE), "{name}");
            for tones in ["2", "3", "4", "5", "6", "2-3", "6-2"] {
                let toned = format!("{name}{SKIN_TONE_INFIX}{tones}");
                assert!(is_same_emoji(&toned, name), "{toned}");
                assert!(to_unicode(&toned).is_some(), "{toned}");
            }
        }
    }

    #[test]
    fn text_in_colons_is_spelled_out_only_where_it_is_an_emoji() {
        for (text, spelled) in [
            ("Oi :wave:!", "Oi 👋!"),
            ("oi :wave::wave:", "oi 👋👋"),
            (":wave::skin-tone-3:", "👋🏼"),
            (":wave::skin-tone-3::+1:", "👋🏼👍"),
            (":handshake::skin-tone-2-3:", "🫱🏻‍🫲🏼"),
            (":wave::skin-tone-x:", ":wave::skin-tone-x:"),
            ("às 10:30:00 ou 10:100:00", "às 10:30:00 ou 10:100:00"),
            (":100: :100:", "💯 💯"),
            ("nota:100:", "nota:100:"),
            ("10:30:wave:", "10:30:wave:"),
            (":logo_da_loja: :tada:", ":logo_da_loja: 🎉"),
            ("std::vec::Vec", "std::vec::Vec"),
            ("O MAC e a4:b1:ab:12:c3:d4", "O MAC e a4:b1:ab:12:c3:d4"),
            ("IPv6: fd00::a:b:1", "IPv6: fd00::a:b:1"),
            ("2001:db8:1234:abcd::1", "2001:db8:1234:abcd::1"),
            ("chave:key:valor", "chave:key:valor"),
            ("urn:id:12", "urn:id:12"),
            ("C:x:y", "C:x:y"),
            ("Total:100:reais, 12:on:30", "Total:100:reais, 12:on:30"),
            ("https://loja.example/:id:/55", "https://loja.example/:id:/55"),
            (
                "ok :+1: certo (:wave:) 👋:tada: Atenção :warning::",
                "ok 👍 certo (👋) 👋🎉 Atenção ⚠️:",
            ),
            ("::wave::", "::wave::"),
            (":slightly_smiling_face:", "🙂"),
            ("https://loja.com:8080/a:b", "https://loja.com:8080/a:b"),
            ("", ""),
            (":", ":"),
        ] {
            assert_eq!(replace_emoji_names(text), spelled, "{text}");
        }
    }

    #[test]
    fn aliases_and_tones_are_the_same_reaction() {
        for (a, b, alike) in [
            ("thumbsup", "+1", true),
            ("+1::skin-tone-2", "thumbsup::skin-tone-6", true),
            ("eyes", "eyes", true),
            ("envelope", "email", true),
            ("nossa_logo", "nossa_logo", true),
            ("white_check_mark", "heavy_check_mark", false),
            ("eyes", "eye", false),
            ("nossa_logo", "outra_logo", false),
            ("nossa_logo", "eyes", false),
        ] {
            assert_eq!(is_same_emoji(a, b), alike, "{a} {b}");
            assert_eq!(is_same_emoji(b, a), alike, "{b} {a}");
        }
    }

    proptest! {
        #[test]
        fn text_without_colons_is_left_alone(text in "[^:]*") {
            prop_assert_eq!(replace_emoji_names(&text), text.as_str());
        }

        #[test]
        fn spelling_twice_changes_nothing_more(text in "([:a-z0-9 ]|:wave:|:skin-tone-3:|:100:)*") {
            let once = replace_emoji_names(&text).into_owned();
            prop_assert_eq!(replace_emoji_names(&once), once.as_str());
        }
    }
}
