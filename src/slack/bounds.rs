//! How much of one message of a customer is fetched and posted; the rest is named.

use super::render::{Piece, file_instead, joined};
use crate::locale::Words;
use crate::model::text::split;

/// Files of one message that are brought into the thread; more of them than any channel sends.
pub const MOST_FILES: usize = 10;
/// Characters of one message that are shown: some twenty posts, and fifteen times what fits into a
/// message of `WhatsApp`.
const MOST_CHARS: usize = 60_000;
/// What a file is brought with; with longer words it is named.
const CAPTION_CHARS: usize = 9000;

/// The pieces of one message, as far as they are shown. Files beyond the bound are named with their
/// links, and words say how much more there is.
pub fn bounded<'a>(pieces: impl IntoIterator<Item = Piece<'a>>, words: &Words) -> Vec<Piece<'a>> {
    let mut files = 0;
    let mut is_told = false;
    let mut name = |piece: Piece<'a>| {
        let Piece::File(media) = piece else { return piece };
        files += 1;
        let has_room = media.caption.as_ref().is_none_or(|said| said.len() <= CAPTION_CHARS);
        if files <= MOST_FILES && has_room {
            return piece;
        }
        let most = MOST_FILES.to_string();
        let why = words.say("file-one-of-many", &[("count", &most)]);
        let why =
            if has_room && !std::mem::replace(&mut is_told, true) { why } else { String::new() };
        Piece::Words(file_instead(media, &why, words))
    };
    let named = joined(pieces.into_iter().map(&mut name));
    let mut left = MOST_CHARS;
    let shorten = |piece: Piece<'a>| match piece {
        Piece::File(media) => Some(Piece::File(media)),
        Piece::Words(_) if left == 0 => None,
        Piece::Words(said) => {
            let (shown, is_whole) = cut(&said, left, words);
            left = if is_whole { left.saturating_sub(said.len()) } else { 0 };
            Some(Piece::Words(shown))
        }
    };
    named.into_iter().filter_map(shorten).collect()
}

/// The beginning of what a customer said, if all of it is too much to be shown.
pub fn shortened(said: &str, words: &Words) -> String {
    cut(said, MOST_CHARS, words).0
}

fn cut(said: &str, most: usize, words: &Words) -> (String, bool) {
    let mut parts = split(said, most).into_iter();
    let first = parts.next().unwrap_or_default();
    let left: usize = parts.map(|part| part.chars().count()).sum();
    if left == 0 {
        return (said.to_owned(), true);
    }
    let more = words.say("words-left-out", &[("count", &left.to_string())]);
    (format!("{first}\n{more}"), false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::locale::Texts;
    use crate::model::Media;

    fn english() -> Words {
        let zone = jiff::tz::TimeZone::UTC;
        Words::new(Arc::new(Texts::new()), "en".parse().unwrap(), zone)
    }

    fn photo(number: usize) -> Media {
        Media { url: format!("https://files.example/{number}"), ..Media::default() }
    }

    #[test]
    fn what_is_usual_is_shown_whole() {
        let photos: Vec<Media> = (0..MOST_FILES).map(photo).collect();
        let pieces = photos.iter().map(Piece::File).chain([Piece::Words("x".repeat(5000))]);
        let pieces: Vec<Piece<'_>> = pieces.collect();
        let shown = bounded(pieces, &english());
        assert_eq!(
            shown.iter().filter(|piece| matches!(piece, Piece::File(_))).count(),
            MOST_FILES
        );
        assert!(matches!(shown.last(), Some(Piece::Words(said)) if said.len() == 5000));
    }

    #[test]
    fn files_beyond_the_bound_are_named_with_their_links() {
        let photos: Vec<Media> = (0..1000).map(photo).collect();
        let shown = bounded(photos.iter().map(Piece::File), &english());
        assert_eq!(shown.len(), MOST_FILES + 1);
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
        let shown = bounded(pieces, &english());
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
