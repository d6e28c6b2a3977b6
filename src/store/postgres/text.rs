//! Texts on their way into the database and back.
//!
//! PostgreSQL keeps any text but U+0000. That character, and the one it is written with, become two
//! others each; all else stays as it is. Order, and what a text begins with, stay the same.

use std::borrow::Cow;

const ESCAPE: char = '\u{1}';

/// A text as it is kept.
pub(super) fn keepable(text: &(impl AsRef<str> + ?Sized)) -> Cow<'_, str> {
    let text = text.as_ref();
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{1}b").replace('\0', "\u{1}a"))
}

/// The same, if there is a text.
pub(super) fn keepable_if_any(text: Option<&(impl AsRef<str> + ?Sized)>) -> Option<Cow<'_, str>> {
    text.map(keepable)
}

/// Reads what is kept of a text.
pub(super) fn read_back(kept: String) -> String {
    if kept.contains(ESCAPE) {
        return kept.replace("\u{1}a", "\0").replace("\u{1}b", "\u{1}");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_and_keeps_its_place_in_the_order() {
        let texts = ["", "\0", "\0\0", "\0a", "\u{1}", "\u{1}a", "\u{1}b", "\u{2}", "a", "ação\0"];
        for text in texts {
            let kept = keepable(text).into_owned();
            assert!(!kept.contains('\0'), "{text:?}");
            assert_eq!(read_back(kept), text);
        }
        assert!(texts.is_sorted() && texts.map(keepable).is_sorted());
    }
}
