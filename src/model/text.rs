//! Splitting long text without losing a character.
//!
//! Length is counted in UTF-16 units, unless somebody counts bytes: what the platforms call
//! characters is that or less, so a piece never turns out too long. Knows nothing of what the text
//! means; marks that embrace a split point are not repaired. The number of a person or a card is never cut: two halves of one
//! could not be recognised any more.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::invisible::is_invisible;
use super::personal::{self, NumberKind};

/// The longest text that goes somewhere, in the unit in which it is counted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLimit {
    /// At most so many characters, counted as UTF-16 units: a network that counts code points takes a little
    /// more, and none takes less.
    Characters(usize),
    /// So many bytes of UTF-8.
    Bytes(usize),
    /// No limit: the channel takes any length.
    Endless,
}

impl TextLimit {
    /// Whether a text is short enough.
    pub fn fits(self, text: &str) -> bool {
        text.chars().map(|c| self.units_of(c)).sum::<usize>() <= self.max_units()
    }

    /// A limit that leaves some room.
    #[must_use]
    pub(crate) fn reduced_by(self, room: usize) -> Self {
        match self {
            Self::Characters(most) => Self::Characters(most.saturating_sub(room)),
            Self::Bytes(most) => Self::Bytes(most.saturating_sub(room)),
            Self::Endless => Self::Endless,
        }
    }

    fn max_units(self) -> usize {
        match self {
            Self::Characters(most) | Self::Bytes(most) => most,
            Self::Endless => usize::MAX,
        }
    }

    fn units_of(self, c: char) -> usize {
        match self {
            Self::Characters(_) | Self::Endless => c.len_utf16(),
            Self::Bytes(_) => c.len_utf8(),
        }
    }
}

/// How long a text is, in UTF-16 units.
pub(crate) fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts a text into pieces of at most `max` UTF-16 units.
///
/// The cut is made after a paragraph, a line, a sentence or a word, the first of these that leaves
/// a piece of good size. Only a word that is too long is cut itself, and what shows as one
/// character is cut only if it alone is longer than `max`. Joined, the pieces are the text;
/// none is empty.
pub(crate) fn split_text(text: &str, max: usize) -> Vec<&str> {
    split_within(text, TextLimit::Characters(max), Vec::new())
}

/// The same within any limit. The ranges given are not cut either, as far as they fit.
pub(crate) fn split_within(text: &str, limit: TextLimit, kept: Vec<Range<usize>>) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    // Nearly all texts do, and need no look for what must not be cut.
    if limit.fits(text) {
        return vec![text];
    }
    let whole = merge_ranges([find_uncuttable(text), kept].concat());
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let is_whole = |place: usize| is_within(&whole, start + place);
        let end = find_first_cut(rest, limit, is_whole);
        pieces.extend(rest.get(..end));
        start += end;
    }
    pieces
}

/// Cuts a text that is shown only to recognise something; nothing that is said is cut.
pub(crate) fn truncate_label(text: &str, chars: usize) -> String {
    let Some((mut end, _)) = text.char_indices().nth(chars.saturating_sub(1)) else {
        return text.to_owned();
    };
    if text.chars().nth(chars).is_none() {
        return text.to_owned();
    }
    if let Some(whole) =
        find_uncuttable(text).iter().find(|whole| whole.start < end && end < whole.end)
    {
        // Half of a card's number is not recognised as one, and would be shown although it is to be
        // hidden.
        end = whole.start;
    }
    let starts = text.grapheme_indices(true).map(|(start, _)| start);
    end = starts.take_while(|start| *start <= end).last().unwrap_or(end);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Joins emoji into one, such as the members of a family.
const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// A text on one line, such as a name: blanks of any width become one, and what does not show goes,
/// except within an emoji.
pub(crate) fn to_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut last = ' ';
    for c in text.chars() {
        // Within an emoji they show, as in a family. Beside letters and digits they do not, and two
        // names must not differ by what nobody sees.
        let is_of_emoji = matches!(c, ZERO_WIDTH_JOINER | '\u{FE0F}')
            && !last.is_ascii()
            && !last.is_alphanumeric();
        if c.is_whitespace() {
            if last != ' ' {
                line.push(' ');
            }
            last = ' ';
        } else if is_of_emoji || !is_invisible(c) {
            line.push(c);
            last = c;
        }
    }
    line.trim_end().to_owned()
}

/// What must not be cut, in order.
fn find_uncuttable(text: &str) -> Vec<Range<usize>> {
    // Half of such a number passes as no number, and would be shown where the whole is to be
    // hidden.
    personal::find_numbers(text, &NumberKind::ALL).into_iter().map(|found| found.whole).collect()
}

/// The ranges in order, with those that overlap made into one.
fn merge_ranges(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether a place is inside of one of these ranges.
fn is_within(ranges: &[Range<usize>], place: usize) -> bool {
    let next = ranges.partition_point(|range| range.end <= place);
    ranges.get(next).is_some_and(|range| range.start < place)
}

/// Where the first piece ends, in bytes.
fn find_first_cut(text: &str, limit: TextLimit, is_whole: impl Fn(usize) -> bool) -> usize {
    let mut cuts = CutCandidates::default();
    let mut before = CutContext::default();
    let mut size = 0;
    for (start, cluster) in text.grapheme_indices(true) {
        if start > 0 && !is_whole(start) {
            cuts.note_place((start, size), &before);
        }
        for (within, c) in cluster.char_indices() {
            size += limit.units_of(c);
            if size > limit.max_units() {
                // Accents without end make a cluster that fits nowhere.
                let forced = if start + within == 0 { c.len_utf8() } else { start + within };
                return cuts.best_cut(limit.max_units()).unwrap_or(forced);
            }
            before.push_char(c);
        }
    }
    text.len()
}

/// A place in a text: the bytes before it, and how much of the limit they take.
type CutPlace = (usize, usize);

/// The last place of each kind at which a text may be cut.
#[derive(Default)]
struct CutCandidates {
    paragraph: Option<CutPlace>,
    line: Option<CutPlace>,
    sentence: Option<CutPlace>,
    word: Option<CutPlace>,
    character: Option<CutPlace>,
}

impl CutCandidates {
    /// Notes a place by what stands before it; nothing but white space would make a poor piece.
    fn note_place(&mut self, place: CutPlace, before: &CutContext) {
        self.character = Some(place);
        if !before.space || before.blank {
            return;
        }
        self.word = Some(place);
        if before.stop {
            self.sentence = Some(place);
        }
        if before.breaks > 0 {
            self.line = Some(place);
        }
        if before.breaks > 1 {
            self.paragraph = Some(place);
        }
    }

    /// The best place: a break of sense in the second half, else the last word or character.
    fn best_cut(&self, max: usize) -> Option<usize> {
        let sense = [self.paragraph, self.line, self.sentence].into_iter().flatten();
        let late = sense.into_iter().find(|&(_, size)| size >= max / 2);
        late.or(self.word).or(self.character).map(|(place, _)| place)
    }
}

/// What stands before a place in a text.
struct CutContext {
    /// Whether there was nothing but white space.
    blank: bool,
    /// Whether the last character is white space.
    space: bool,
    /// Whether the last word ends a sentence.
    stop: bool,
    /// Line breaks since the last word.
    breaks: usize,
}

impl Default for CutContext {
    fn default() -> Self {
        Self { blank: true, space: false, stop: false, breaks: 0 }
    }
}

impl CutContext {
    fn push_char(&mut self, c: char) {
        self.space = c.is_whitespace();
        if self.space {
            self.breaks += usize::from(c == '\n');
            return;
        }
        self.blank = false;
        self.breaks = 0;
        self.stop = match c {
            '.' | '!' | '?' | '…' => true,
            // What closes right after a full stop belongs to the sentence.
            ')' | ']' | '"' | '”' | '’' | '»' | '*' | '_' | '~' => self.stop,
            _ => false,
        };
    }
}

/// A size as people say it.
pub(crate) fn format_size(bytes: u64) -> String {
    const SIZE_UNITS: [(&str, u64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
    let unit = SIZE_UNITS.iter().find(|(_, size)| bytes >= *size);
    let Some(&(name, size)) = unit else { return format!("{bytes} B") };
    // The size is what a platform says of its file, and may be any number.
    let tenths = (u128::from(bytes) * 10 + u128::from(size) / 2) / u128::from(size);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cut_where_sense_ends() {
        for (text, max, pieces) in [
            ("", 10, &[][..]),
            ("Olá", 3, &["Olá"]),
            ("Olá, tudo bem?", 10, &["Olá, tudo ", "bem?"]),
            ("Um. Dois. Três.", 11, &["Um. Dois. ", "Três."]),
            ("Pode? (Sim.) Então vamos", 16, &["Pode? (Sim.) ", "Então vamos"]),
            ("a b. c d e f g h", 12, &["a b. c d e ", "f g h"]),
            ("linha um\nlinha dois. fim", 17, &["linha um\n", "linha dois. fim"]),
            ("um\n\ndois\ntrês", 10, &["um\n\ndois\n", "três"]),
            ("primeiro\n\ndois\ntrês", 15, &["primeiro\n\n", "dois\ntrês"]),
            ("inconstitucional", 6, &["incons", "tituci", "onal"]),
            ("aaaa bbbb", 4, &["aaaa", " bbb", "b"]),
            ("1.234,56 reais", 9, &["1.234,56 ", "reais"]),
        ] {
            assert_eq!(split_text(text, max), pieces, "{text:?} {max}");
        }
    }

    #[test]
    fn what_shows_as_one_character_stays_whole() {
        for whole in ["👨‍👩‍👧‍👦", "👋🏽", "🇧🇷", "1️⃣", "a\u{301}", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "\r\n"]
        {
            let size = utf16_length(whole);
            let text = format!("x{whole}{whole}");
            let pieces = split_text(&text, size);
            assert_eq!(pieces, ["x", whole, whole], "{whole}");
        }
    }

    #[test]
    fn the_number_of_a_person_or_a_card_is_not_cut() {
        for (text, max, pieces) in [
            ("ok 529 982 247 25 sim", 12, &["ok ", "529 982 247 ", "25 sim"][..]),
            ("ok 529 982 247 25 sim", 14, &["ok ", "529 982 247 25", " sim"]),
            ("sim sim 4111 1111 1111 1111", 20, &["sim sim ", "4111 1111 1111 1111"]),
            ("ok, meu cpf 11987654374", 18, &["ok, meu ", "cpf 11987654374"]),
            ("eu disse: cpf 11987654374", 24, &["eu disse: ", "cpf 11987654374"]),
        ] {
            assert_eq!(split_text(text, max), pieces, "{text}");
        }
        assert_eq!(truncate_label("CPF 529.982.247-25", 12), "CPF …");
        assert_eq!(truncate_label("Pedido 529.982", 12), "Pedido 529.…");
        assert_eq!(truncate_label("Maria", 5), "Maria");
    }

    #[test]
    fn a_limit_that_is_too_small_still_moves_on() {
        assert_eq!(split_text("👋🏽a", 1), ["👋", "🏽", "a"]);
        assert_eq!(split_text("ab", 0), ["a", "b"]);
    }

    #[test]
    fn a_name_stands_on_one_line_and_shows() {
        for (name, line) in [
            ("Maria Silva", "Maria Silva"),
            ("  Maria\n\u{2028}Silva\u{3000}\u{2003} ", "Maria Silva"),
            ("\u{202E}avliS\u{200F} airaM", "avliS airaM"),
            ("Ma\u{200B}ria\u{FE0F}\u{200D}", "Maria"),
            ("\u{3164}\u{2800}\u{200B} \u{FEFF}", ""),
            ("Zé 👩‍👧 ❤️", "Zé 👩‍👧 ❤️"),
        ] {
            assert_eq!(to_one_line(name), line, "{name:?}");
        }
    }

    #[test]
    fn sizes_are_said_shortly() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 kB"),
            (5 << 20, "5 MB"),
            (104_857_600, "100 MB"),
            (3 << 30, "3 GB"),
            (u64::MAX, "17179869184 GB"),
        ] {
            assert_eq!(format_size(bytes), shown);
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_text_and_none_is_too_long(
            text in "([a-zá]{1,9}|[ \n.!]|👋🏽|👨‍👩‍👧|🇧🇷|1️⃣|\\PC){0,60}",
            max in 2usize..40,
        ) {
            let pieces = split_text(&text, max);
            prop_assert_eq!(pieces.concat(), text.as_str());
            for piece in pieces {
                prop_assert!(!piece.is_empty());
                prop_assert!(utf16_length(piece) <= max);
            }
        }

        #[test]
        fn words_that_fit_are_not_cut(words in prop::collection::vec("[a-zé]{1,9}", 1..40)) {
            for piece in split_text(&words.join(" "), 12) {
                for word in piece.split_whitespace() {
                    prop_assert!(words.iter().any(|whole| whole == word), "{}", word);
                }
            }
        }

        #[test]
        fn short_text_is_left_alone(text in "\\PC{1,40}") {
            prop_assert_eq!(split_text(&text, 80), [text.as_str()]);
        }
    }
}
