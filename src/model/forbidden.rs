//! Words that agents must not write to customers, as the desk was set up.

use super::fold::fold_text;

/// The words, and how they are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ForbiddenWords {
    /// The words, as somebody has written them in the portal.
    pub(crate) words: Vec<String>,
    /// Whether a word counts only as a whole, and not as a part of another one.
    pub(crate) is_whole: bool,
    /// Whether accents tell words apart.
    pub(crate) heeds_accents: bool,
}

impl ForbiddenWords {
    /// The first of the words that is in a text, whatever the case of its letters.
    pub(crate) fn find_in(&self, text: &str) -> Option<&str> {
        let fold = |text: &str| {
            if self.heeds_accents { text.to_lowercase() } else { fold_text(text) }
        };
        let text = fold(text);
        let is_in = |word: &&String| {
            let word = fold(word.trim());
            // An empty entry would stand in every text.
            !word.is_empty()
                && if self.is_whole { has_whole(&text, &word) } else { text.contains(&word) }
        };
        self.words.iter().find(is_in).map(String::as_str)
    }
}

/// Whether a text has something that is no part of a longer word.
fn has_whole(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(place, found)| {
        let before = text.get(..place).and_then(|before| before.chars().next_back());
        let after = text.get(place + found.len()..).and_then(|after| after.chars().next());
        [before, after].into_iter().flatten().all(|beside| !beside.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_the_desk_wants_it() {
        for (word, is_whole, heeds_accents, text, is_found) in [
            ("grátis", false, false, "É GRATIS!", true),
            ("grátis", false, true, "É GRATIS!", false),
            ("grátis", false, true, "É GRÁTIS!", true),
            ("gol", false, false, "golpe", true),
            ("gol", true, false, "golpe", false),
            ("gol", true, false, "um golpe, que gol!", true),
            ("gol", true, false, "Gol", true),
            ("meu bem", true, false, "Oi, meu  bem", false),
            ("meu bem", true, false, "Oi, meu bem.", true),
            (" ", false, false, "a b", false),
        ] {
            let words = ForbiddenWords { words: vec![word.to_owned()], is_whole, heeds_accents };
            assert_eq!(words.find_in(text).is_some(), is_found, "{word:?} in {text:?}");
        }
    }
}
