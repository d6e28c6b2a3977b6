//! What makes a note of a message by what it says: finding it, and taking it off so that the rest can
//! go to the customer.

use super::content::{Inline, Paragraph, RichText};
use super::invisible::is_invisible;

/// What makes an emoji of the digit before it.
const COMBINING_KEYCAP: char = '\u{20E3}';

/// Where a character stands: in which run of its paragraph, and at which byte of what that run says.
struct Place {
    run: usize,
    at: usize,
    character: char,
}

impl RichText {
    /// Whether it begins with the prefix of a note. Emoji and punctuation before that do not count:
    /// whoever writes it somewhere near the beginning hardly means the customer.
    pub(super) fn has_note_prefix(&self, prefix: &str) -> bool {
        self.find_note_prefix(&normalize_text(prefix)).is_some()
    }

    /// Takes the prefix of a note off, in whichever form it is there, with the blanks after it.
    pub(super) fn remove_note_prefix(&mut self, prefix: &str) {
        let Some((number, gone)) = self.find_note_prefix(&normalize_text(prefix)) else { return };
        match self.0.get_mut(number) {
            Some(Paragraph::Code(code)) => remove_places(code, 0, &gone),
            Some(
                Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. },
            ) => {
                for (number, run) in runs.iter_mut().enumerate() {
                    if let Some(text) = shown_text_mut(run) {
                        remove_places(text, number, &gone);
                    }
                }
                runs.retain(|run| !is_empty(run));
            }
            None => {}
        }
        self.0.retain(has_anything);
    }

    /// Takes these words off wherever they stand in running text, each with a blank after it. Code,
    /// links and names are left alone.
    pub(super) fn remove_words(&mut self, words: &[&str]) {
        for paragraph in &mut self.0 {
            let runs = match paragraph {
                Paragraph::Code(_) => continue,
                Paragraph::Text(runs)
                | Paragraph::Quote(runs)
                | Paragraph::Item { text: runs, .. } => runs,
            };
            let mut is_changed = false;
            for run in runs.iter_mut() {
                if let Inline::Text { text, style } = run
                    && !style.code
                {
                    is_changed |= words.iter().any(|word| text.contains(word));
                    *text = words.iter().fold(text.clone(), |text, word| remove_word(&text, word));
                }
            }
            if is_changed {
                trim_ends(runs);
                runs.retain(|run| !is_empty(run));
            }
        }
        self.0.retain(has_anything);
    }

    /// In which paragraph the prefix stands, and where; `prefix` is normalized.
    fn find_note_prefix(&self, prefix: &str) -> Option<(usize, Vec<Place>)> {
        if prefix.is_empty() {
            return None;
        }
        for (number, paragraph) in self.0.iter().enumerate() {
            // A prefix may be an emoji, or stand after one.
            let found = [true, false].into_iter().find_map(|is_named| {
                find_prefix(places_before_mention(paragraph, is_named), prefix)
            });
            if let Some(found) = found {
                return Some((number, found));
            }
            if !is_decoration(paragraph) {
                return None;
            }
        }
        None
    }
}

/// The characters of a paragraph before anybody is mentioned in it, with the names of custom emoji or
/// without them.
fn places_before_mention(paragraph: &Paragraph, is_named: bool) -> Vec<Place> {
    let places = |run: usize, text: &str| {
        let places = text.char_indices().map(|(at, character)| Place { run, at, character });
        places.collect::<Vec<_>>()
    };
    match paragraph {
        Paragraph::Code(code) => places(0, code),
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
            let texts = runs.iter().map_while(|run| shown_text(run, is_named)).enumerate();
            texts.flat_map(|(run, text)| places(run, &text)).collect()
        }
    }
}

fn shown_text(run: &Inline, is_named: bool) -> Option<String> {
    match run {
        Inline::Text { text, .. } => Some(text.clone()),
        // A prefix such as `//` may have become part of a link.
        Inline::Link { url, label, .. } => Some(label.as_ref().unwrap_or(url).clone()),
        Inline::CustomEmoji(name) if is_named => Some(format!(":{name}:")),
        Inline::CustomEmoji(_) => Some(String::new()),
        Inline::Person { .. }
        | Inline::Channel { .. }
        | Inline::Group { .. }
        | Inline::Broadcast(_) => None,
    }
}

/// What [`shown_text`] reads, to be changed.
fn shown_text_mut(run: &mut Inline) -> Option<&mut String> {
    match run {
        Inline::Text { text, .. } => Some(text),
        Inline::Link { url, label, .. } => Some(label.as_mut().unwrap_or(url)),
        Inline::CustomEmoji(name) => Some(name),
        Inline::Person { .. }
        | Inline::Channel { .. }
        | Inline::Group { .. }
        | Inline::Broadcast(_) => None,
    }
}

/// The characters of the prefix, with the blanks after it; nothing if a word comes before it.
fn find_prefix(places: Vec<Place>, prefix: &str) -> Option<Vec<Place>> {
    let mut follows_word = false;
    let start = places.iter().enumerate().find_map(|(start, place)| match place.character {
        c if is_invisible(c) => None,
        COMBINING_KEYCAP => {
            follows_word = false;
            None
        }
        _ if follows_word => Some(None),
        c => {
            let length = prefix_length(places.iter().skip(start), prefix);
            follows_word = c.is_alphanumeric();
            length.map(|length| Some((start, length)))
        }
    });
    let (start, length) = start.flatten()?;
    let found = places.into_iter().skip(start).enumerate().take_while(|(number, place)| {
        let c = place.character;
        *number < length || c.is_whitespace() || is_invisible(c)
    });
    Some(found.map(|(_, place)| place).collect())
}

/// How many characters the prefix takes here, if it stands here.
fn prefix_length<'a>(places: impl Iterator<Item = &'a Place>, prefix: &str) -> Option<usize> {
    let mut found = String::new();
    for (number, place) in places.enumerate() {
        push_normalized(&mut found, place.character);
        if found.starts_with(prefix) {
            return Some(number + 1);
        }
        if !prefix.starts_with(&found) {
            return None;
        }
    }
    None
}

/// Takes these characters off the text of a run.
fn remove_places(text: &mut String, run: usize, gone: &[Place]) {
    let mut of_run = gone.iter().filter(|place| place.run == run);
    let Some(first) = of_run.next() else { return };
    let last = of_run.next_back().unwrap_or(first);
    // Of a custom emoji, which has colons around its name, all of it is the prefix.
    let end = last.at + last.character.len_utf8();
    *text = match (text.get(..first.at), text.get(end..)) {
        (Some(before), Some(after)) => format!("{before}{after}"),
        _ => String::new(),
    };
}

fn remove_word(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let part = part.trim_start_matches(is_invisible);
        text + part.strip_prefix(' ').unwrap_or(part)
    })
}

fn trim_ends(runs: &mut [Inline]) {
    if let Some(Inline::Text { text, .. }) = runs.first_mut() {
        *text = text.trim_start().to_owned();
    }
    if let Some(Inline::Text { text, .. }) = runs.last_mut() {
        *text = text.trim_end().to_owned();
    }
}

fn is_empty(run: &Inline) -> bool {
    match run {
        Inline::Text { text, .. } | Inline::CustomEmoji(text) => text.is_empty(),
        Inline::Link { .. }
        | Inline::Person { .. }
        | Inline::Channel { .. }
        | Inline::Group { .. }
        | Inline::Broadcast(_) => false,
    }
}

fn has_anything(paragraph: &Paragraph) -> bool {
    match paragraph {
        Paragraph::Code(code) => !code.is_empty(),
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
            !runs.is_empty()
        }
    }
}

/// Whether there are no words in a paragraph, only emoji, punctuation and blanks.
fn is_decoration(paragraph: &Paragraph) -> bool {
    match paragraph {
        Paragraph::Code(code) => !has_words(code),
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
            runs.iter().all(is_decorative)
        }
    }
}

/// Whether there are no words in a run, and nobody is mentioned by it.
pub(super) fn is_decorative(run: &Inline) -> bool {
    match run {
        Inline::Text { text, .. } => !has_words(text),
        Inline::CustomEmoji(_) => true,
        Inline::Link { .. }
        | Inline::Person { .. }
        | Inline::Channel { .. }
        | Inline::Group { .. }
        | Inline::Broadcast(_) => false,
    }
}

fn has_words(text: &str) -> bool {
    normalize_text(text).contains(char::is_alphanumeric)
}

/// A text as far as it matters at the beginning of a message: without what cannot be seen, without
/// case, and with the plain signs that phones and editors replace by finer ones.
fn normalize_text(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        push_normalized(&mut folded, c);
    }
    folded.trim().to_owned()
}

/// Adds a character as [`normalize_text`] has it.
fn push_normalized(folded: &mut String, c: char) {
    match c {
        c if is_invisible(c) => {}
        // The digit before it is part of an emoji, and no word.
        COMBINING_KEYCAP => drop(folded.pop()),
        '—' => folded.push_str("--"),
        '–' | '‑' | '−' => folded.push('-'),
        '…' => folded.push_str("..."),
        '“' | '”' => folded.push('"'),
        '‘' | '’' => folded.push('\''),
        c => folded.extend(c.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Style;

    fn text(text: &str) -> Inline {
        Inline::Text { text: text.to_owned(), style: Style::default() }
    }

    fn without_prefix(runs: Vec<Inline>, prefix: &str) -> RichText {
        let mut rich = RichText(vec![Paragraph::Text(runs)]);
        assert!(rich.has_note_prefix(prefix), "{rich:?}");
        rich.remove_note_prefix(prefix);
        rich
    }

    #[test]
    fn only_the_prefix_is_taken_off_in_whichever_form_it_is_there() {
        for (written, prefix, left) in [
            ("// Custa R$ 10", "//", "Custa R$ 10"),
            ("//Custa // R$ 10", "//", "Custa // R$ 10"),
            ("  //\n\nCusta", "//", "  Custa"),
            ("😀 // Custa", "//", "😀 Custa"),
            ("1\u{FE0F}\u{20E3} // Custa", "//", "1\u{FE0F}\u{20E3} Custa"),
            ("/\u{200B}/\u{200B} Custa", "//", "Custa"),
            ("NOTA: custa", "nota:", "custa"),
            ("— custa", "--", "custa"),
            ("📝 custa", "📝", "custa"),
        ] {
            let rich = without_prefix(vec![text(written)], prefix);
            assert_eq!(rich, RichText(vec![Paragraph::Text(vec![text(left)])]), "{written}");
        }
        let mut rich = RichText::from_plain("Custa // R$ 10");
        rich.remove_note_prefix("//");
        assert_eq!(rich, RichText::from_plain("Custa // R$ 10"));
    }

    #[test]
    fn a_prefix_is_taken_off_over_runs_links_and_emoji() {
        let custom = || Inline::CustomEmoji("nota".to_owned());
        let link =
            |url: &str| Inline::Link { url: url.to_owned(), label: None, style: Style::default() };
        for (runs, prefix, left) in [
            (vec![text("/"), text("/ Custa")], "//", vec![text("Custa")]),
            (
                vec![link("//loja.com"), text(" é nosso")],
                "//",
                vec![link("loja.com"), text(" é nosso")],
            ),
            (vec![custom(), text(" Custa")], ":nota:", vec![text("Custa")]),
            (vec![custom(), text("// Custa")], "//", vec![custom(), text("Custa")]),
        ] {
            assert_eq!(without_prefix(runs, prefix), RichText(vec![Paragraph::Text(left)]));
        }
        assert_eq!(without_prefix(vec![text("// ")], "//"), RichText(Vec::new()));
    }

    #[test]
    fn locks_are_taken_off_with_one_blank() {
        for (written, left) in [
            ("🔒 Custa", "Custa"),
            ("Custa 🔒", "Custa"),
            ("Custa 🔒\u{FE0F} R$ 10 :lock:", "Custa R$ 10"),
            (" nada ", " nada "),
        ] {
            let mut rich = RichText(vec![Paragraph::Text(vec![text(written)])]);
            rich.remove_words(&["🔒", ":lock:"]);
            assert_eq!(rich, RichText(vec![Paragraph::Text(vec![text(left)])]), "{written}");
        }
        let code = Paragraph::Code("a 🔒".to_owned());
        let mut rich = RichText(vec![code.clone()]);
        rich.remove_words(&["🔒"]);
        assert_eq!(rich, RichText(vec![code]));
    }
}
