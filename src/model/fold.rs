//! Text as people compare it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Without case and without accents: `joao` is meant to find `João`.
pub(crate) fn fold_text(text: &str) -> String {
    // The same for the column that the store searches in and for lists of choices: while there were
    // two foldings, `sarka` found a customer called Šárka and no colleague of that name.
    text.to_lowercase().nfd().filter(|c| !is_combining_mark(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_count() {
        for (text, folded) in
            [("João", "joao"), ("ŠÁRKA", "sarka"), ("Ação nº 1", "acao nº 1"), ("İzmir", "izmir")]
        {
            assert_eq!(fold_text(text), folded);
        }
    }
}
