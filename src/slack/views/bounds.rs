//! How much of one message of a customer is fetched and posted; the rest is named.

use super::render::{Piece, join_pieces, render_missing_file};
use crate::locale::Texts;
use crate::model::text::split_text;

/// Files of one message that are brought into the thread; more of them than any channel sends.
pub(crate) const MAX_SHOWN_FILES: usize = 10;
/// Characters of one message that are shown: some twenty posts, and fifteen times what fits into a
/// message of `WhatsApp`.
const MAX_SHOWN_CHARS: usize = 60_000;
/// What a file is brought with; with longer words it is named.
const CAPTION_CHARS: usize = 9000;

/// The pieces of one message, as far as they are shown. Files beyond the bound are named with their
/// links, and words say how much more there is.
pub(crate) fn limit_pieces<'a>(
    pieces: impl IntoIterator<Item = Piece<'a>>,
    texts: &Texts,
) -> Vec<Piece<'a>> {
    let mut files = 0;
    let mut is_told = false;
    let mut name = |piece: Piece<'a>| {
        let Piece::File(media) = piece else { return piece };
        files += 1;
        let has_room = media.caption.as_ref().is_none_or(|said| said.len() <= CAPTION_CHARS);
        if files <= MAX_SHOWN_FILES && has_room {
            return piece;
        }
        let most = MAX_SHOWN_FILES.to_string();
        let why = texts.text("file-one-of-many", &[("count", &most)]);
        let why =
            // Once is enough, however many there are
            // (`of_one_message_a_bounded_part_is_fetched_and_posted_and_the_rest_is_named`).
            if has_room && !std::mem::replace(&mut is_told, true) { why } else { String::new() };
        Piece::Words(render_missing_file(media, &why, texts))
    };
    // Joined before they are cut: a hundred named files make one long text, which has one bound.
    let named = join_pieces(pieces.into_iter().map(&mut name));
    let mut left = MAX_SHOWN_CHARS;
    let shorten = |piece: Piece<'a>| match piece {
        Piece::File(media) => Some(Piece::File(media)),
        Piece::Words(_) if left == 0 => None,
        Piece::Words(said) => {
            let (shown, is_whole) = cut_text(&said, left, texts);
            left = if is_whole { left.saturating_sub(said.len()) } else { 0 };
            Some(Piece::Words(shown))
        }
    };
    named.into_iter().filter_map(shorten).collect()
}

/// The beginning of what a customer said, if all of it is too much to be shown.
pub(crate) fn limit_text(said: &str, texts: &Texts) -> String {
    cut_text(said, MAX_SHOWN_CHARS, texts).0
}

fn cut_text(said: &str, most: usize, texts: &Texts) -> (String, bool) {
    let mut parts = split_text(said, most).into_iter();
    let first = parts.next().unwrap_or_default();
    let left: usize = parts.map(|part| part.chars().count()).sum();
    if left == 0 {
        return (said.to_owned(), true);
    }
    let more = texts.text("words-left-out", &[("count", &left.to_string())]);
    (format!("{first}\n{more}"), false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::locale::TextCatalog;
    use crate::model::LinkedFile;

    fn english() -> Texts {
        let zone = jiff::tz::TimeZone::UTC;
        Texts::new(Arc::new(TextCatalog::new()), "en".parse().unwrap(), zone)
    }

    fn photo(number: usize) -> LinkedFile {
        LinkedFile { url: format!("https://files.example/{number}"), ..LinkedFile::default() }
    }

    #[test]
    fn what_is_usual_is_shown_whole() {
        let photos: Vec<LinkedFile> = (0..MAX_SHOWN_FILES).map(photo).collect();
        let pieces = photos.iter().map(Piece::File).chain([Piece::Words("x".repeat(5000))]);
        let pieces: Vec<Piece<'_>> = pieces.collect();
        let shown = limit_pieces(pieces, &english());
        assert_eq!(
            shown.iter().filter(|piece| matches!(piece, Piece::File(_))).count(),
            MAX_SHOWN_FILES
        );
        assert!(matches!(shown.last(), Some(Piece::Words(said)) if said.len() == 5000));
    }

    #[test]
    fn files_beyond_the_bound_are_named_with_their_links() {
        let photos: Vec<LinkedFile> = (0..1000).map(photo).collect();
        let shown = limit_pieces(photos.iter().map(Piece::File), &english());
        assert_eq!(shown.len(), MAX_SHOWN_FILES + 1);
        let Some(Piece::Words(rest)) = shown.last() else { panic!("the rest is named") };
        assert!(rest.contains("https://files.example/10\n"), "{rest}");
        assert_eq!(rest.matches("first 10 files").count(), 1);
    }

    #[test]
    fn words_beyond_the_bound_are_counted() {
        let photo = photo(0);
        let pieces = [
            Piece::Words("a".repeat(50_000)),
            Piece::File(&photo),
            Piece::Words("b".repeat(50_000)),
            Piece::File(&photo),
            Piece::Words("c".to_owned()),
        ];
        let shown = limit_pieces(pieces, &english());
        let said: Vec<&str> = shown
            .iter()
            .filter_map(|piece| match piece {
                Piece::Words(said) => Some(said.as_str()),
                Piece::File(_) => None,
            })
            .collect();
        assert_eq!(said.len(), 2);
        assert!(said[1].contains("40000") && !said[1].contains(&"b".repeat(10_001)));
    }
}
