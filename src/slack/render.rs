//! What a customer sent, as words that an agent understands at a glance. No calls.

use super::rich_text;
use crate::locale::Words;
use crate::model::text::{self, length, shorten, shown_size, split};
use crate::model::{Content, Customer, Line, Media, Ticket};

/// Most characters of a customer's text in one post. Slack takes 4,000 in `text` (`slack.md` C.1),
/// of which escaping may use some.
const POST_CHARS: usize = 3000;
/// Most characters of a message that is only quoted.
const QUOTE_CHARS: usize = 200;
/// Most characters of a customer's name: what stands beside it must be seen as well.
const NAME_CHARS: usize = 60;
/// What a line or a piece of a message begins with that is not its first.
const GOES_ON: &str = "│ ";
/// Most characters of one line of what was said before the handoff.
const CONTEXT_CHARS: usize = 400;

/// The words of a content; `None` if there is nothing to show.
pub fn content(content: &Content, words: &Words) -> Option<String> {
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Media(media) => file(media, words),
        Content::Place { latitude, longitude, label } => {
            let title = words.say("content-location", &[]);
            let title = label.as_ref().map_or(title.clone(), |label| format!("{title}: {label}"));
            let map = format!("https://www.google.com/maps?q={latitude},{longitude}");
            format!("{title}\n{latitude}, {longitude}\n{map}")
        }
        Content::Link { url, title, text } => {
            let lines = [title.as_deref(), text.as_deref(), Some(url)];
            lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
        }
        Content::Choice { text, options } => {
            let numbered = options.iter().enumerate();
            let options = numbered.map(|(number, option)| format!("{}. {option}", number + 1));
            let question = (!text.is_empty()).then(|| text.clone());
            question.into_iter().chain(options).collect::<Vec<_>>().join("\n")
        }
        Content::Reply { quoted, answer } => {
            let quoted = quoted.as_deref().and_then(|quoted| self::content(quoted, words));
            let answer = self::content(answer, words).unwrap_or_default();
            match quoted {
                Some(quoted) => {
                    let quoted = one_line(&quoted, QUOTE_CHARS);
                    format!("{}\n{answer}", words.say("content-reply-to", &[("text", &quoted)]))
                }
                None => answer,
            }
        }
        Content::Reaction { emoji, on } => {
            let on = on.as_deref().and_then(|on| self::content(on, words));
            let on = on.map(|on| one_line(&on, QUOTE_CHARS));
            match (emoji, &on) {
                (Some(emoji), Some(on)) => {
                    words.say("content-reaction-to", &[("emoji", emoji), ("text", on)])
                }
                (Some(emoji), None) => words.say("content-reaction", &[("emoji", emoji)]),
                (None, Some(on)) => words.say("content-reaction-removed-from", &[("text", on)]),
                (None, None) => words.say("content-reaction-removed", &[]),
            }
        }
        Content::Several(parts) => {
            let parts = parts.iter().filter_map(|part| self::content(part, words));
            parts.collect::<Vec<_>>().join("\n")
        }
        Content::Card { kind, lines } => {
            let lines = lines.iter().map(|line| self::line(line, words));
            [words.say(kind, &[])].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
        }
        Content::Sensitive => words.say("content-sensitive", &[]),
        Content::Notice(key) => words.say(key, &[]),
        Content::Unreadable { kind } => words.say("content-unreadable", &[("kind", kind)]),
        Content::Unknown { kind, text: None } => words.say("content-unknown", &[("kind", kind)]),
        Content::Unknown { kind, text: Some(text) } => {
            words.say("content-unknown-text", &[("kind", kind), ("text", text)])
        }
    };
    (!text.trim().is_empty()).then_some(text)
}

fn line(line: &Line, words: &Words) -> String {
    match line {
        Line::Said(text) => text.clone(),
        Line::Notice(key) => words.say(key, &[]),
        Line::Labelled { label, text } => words.say(label, &[("text", text)]),
        Line::Moment { label, at } => words.say(label, &[("text", &words.date(*at))]),
    }
}

/// One thing that a customer's message says: words, or a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Words, to be shown literally.
    Words(String),
    /// A file, to be shown itself.
    File(&'a Media),
}

/// What a message says, in order, words apart from files.
pub fn pieces<'a>(content: &'a Content, words: &Words) -> Vec<Piece<'a>> {
    match content {
        Content::Media(media) => vec![Piece::File(media)],
        Content::Several(parts) => joined(parts.iter().flat_map(|part| pieces(part, words))),
        Content::Reply { quoted, answer } => {
            let line = Content::Reply {
                quoted: quoted.clone(),
                answer: Box::new(Content::Text(String::new())),
            };
            let line = self::content(&line, words).map(|line| line.trim_end().to_owned());
            joined(line.map(Piece::Words).into_iter().chain(pieces(answer, words)))
        }
        other => self::content(other, words).map(Piece::Words).into_iter().collect(),
    }
}

/// Words that follow each other become one.
pub fn joined<'a>(pieces: impl IntoIterator<Item = Piece<'a>>) -> Vec<Piece<'a>> {
    let mut all: Vec<Piece<'a>> = Vec::new();
    for piece in pieces {
        match (all.last_mut(), piece) {
            (Some(Piece::Words(before)), Piece::Words(more)) => {
                before.push('\n');
                before.push_str(&more);
            }
            (_, piece) => all.push(piece),
        }
    }
    all
}

/// What kind of file it is, what it is called and how large it is; then what was written with it.
fn file(media: &Media, words: &Words) -> String {
    let label = file_label(media, words);
    media.caption.iter().fold(label, |label, caption| format!("{label}\n{caption}"))
}

/// What kind of file it is, what it is called and how large it is, in one line.
pub fn file_label(media: &Media, words: &Words) -> String {
    let kind = match media.mime.as_deref().and_then(|mime| mime.split('/').next()) {
        Some("image") => "content-image",
        Some("audio") => "content-audio",
        Some("voice") => "content-voice",
        Some("video") => "content-video",
        Some("sticker") => "content-sticker",
        _ => "content-file",
    };
    let mut label = words.say(kind, &[]);
    if let Some(title) = &media.title {
        label = format!("{label}: {}", text::one_line(title));
    }
    match media.size {
        Some(size) => format!("{label} ({})", shown_size(size)),
        None => label,
    }
}

/// A file that could not be shown: what it is, why, and where it may still be had.
pub fn file_instead(media: &Media, why: &str, words: &Words) -> String {
    let mut lines = vec![file_label(media, words), why.to_owned()];
    if media.url.starts_with("https://") || media.url.starts_with("http://") {
        lines.push(media.url.clone());
    }
    lines.extend(media.caption.clone());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What was said before the handoff: whether by the customer, and what; oldest first.
pub fn context(said: &[(bool, Content)], words: &Words) -> Option<String> {
    let line = |(by_customer, said): &(bool, Content)| {
        let who = if *by_customer { "context-customer" } else { "context-bot" };
        let text = one_line(&content(said, words)?, CONTEXT_CHARS);
        Some(format!("{}: {text}", words.say(who, &[])))
    };
    let lines: Vec<String> = said.iter().filter_map(line).collect();
    (!lines.is_empty())
        .then(|| format!("{}\n{}", words.say("context-title", &[]), lines.join("\n")))
}

/// What was said in a ticket, a line each: whether by the customer, and what; oldest first.
///
/// The pieces have at most `max` UTF-16 units. Whatever stands at the beginning of a line or of a
/// piece is ours, so that nobody's words pass for another's.
pub fn transcript(said: &[(bool, Content)], max: usize, words: &Words) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for (by_customer, said) in said {
        let Some(text) = content(said, words) else { continue };
        let who = if *by_customer { "context-customer" } else { "context-agent" };
        let text = rich_text::clean(&text).replace('\n', &format!("\n{GOES_ON}"));
        let said = format!("{}: {text}", words.say(who, &[]));
        for (number, part) in split(&said, max - length(GOES_ON) - 1).into_iter().enumerate() {
            let part = if number == 0 || part.starts_with(GOES_ON) {
                part.to_owned()
            } else {
                format!("{GOES_ON}{part}")
            };
            match pieces.last_mut() {
                Some(piece) if length(piece) + length(&part) < max => {
                    if !piece.ends_with('\n') {
                        piece.push('\n');
                    }
                    piece.push_str(&part);
                }
                _ => pieces.push(part),
            }
        }
    }
    pieces
}

/// The name under which a customer's messages are posted.
pub fn author(customer: &Customer, words: &Words) -> String {
    format!("{} ({})", name(customer), words.channel(&customer.domain))
}

/// Text in pieces that each fit into a post, and that each say who speaks if the post cannot.
pub fn parts(text: &str, label: Option<&String>) -> Vec<String> {
    let labelled = |part: &str| match label {
        Some(label) => format!("{label}: {part}"),
        None => part.to_owned(),
    };
    split(text, POST_CHARS).into_iter().map(labelled).collect()
}

/// What a customer is called, in one short line; the number or the like if the name does not show.
pub fn name(customer: &Customer) -> String {
    let identity = customer.originator.as_ref().unwrap_or(&customer.identity);
    let identity = identity.split('@').next();
    let names = [customer.name.as_deref(), identity].into_iter().flatten();
    let mut shown = names.map(text::one_line).filter(|name| !name.is_empty());
    shown.next().map_or_else(|| "?".to_owned(), |name| shorten(&name, NAME_CHARS))
}

/// The number that people call a ticket by.
pub fn number(ticket: &Ticket) -> String {
    ticket.number.map(|number| format!("#{number}")).unwrap_or_default()
}

fn one_line(text: &str, chars: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match split(&line, chars).as_slice() {
        [] | [_] => line,
        [first, ..] => format!("{}…", first.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::locale::{Language, Texts};

    fn words() -> Words {
        Words::new(Arc::new(Texts::new()), Language::En, jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn a_customer_is_called_by_a_short_name_that_shows() {
        let called = |own: Option<&str>, identity: &str| {
            let (identity, domain) = (identity.to_owned(), String::new());
            name(&Customer { identity, name: own.map(str::to_owned), originator: None, domain })
        };
        let number = "5531999990000@wa.gw.msging.net";
        assert_eq!(called(Some("Maria\u{2028}Silva \u{202E}"), number), "Maria Silva");
        assert_eq!(called(Some("\u{3164}\u{200B}"), number), "5531999990000");
        assert_eq!(called(None, number), "5531999990000");
        assert_eq!(called(None, ""), "?");
        assert_eq!(called(Some(&"a".repeat(400)), number).chars().count(), NAME_CHARS);
    }

    #[test]
    fn no_words_of_one_pass_for_those_of_another() {
        let said = |text: &str| Content::Text(text.to_owned());
        let fake = "oi\nAgent: your refund is done\u{2028}Agent: sure";
        let long = format!("{}\nAgent: no", "a ".repeat(60));
        let pieces = transcript(
            &[(true, said(fake)), (false, said("Hello")), (true, said(&long))],
            60,
            &words(),
        );
        let lines: Vec<&str> = pieces.iter().flat_map(|piece| piece.lines()).collect();
        let ours: Vec<&&str> = lines.iter().filter(|line| line.starts_with("Agent")).collect();
        assert_eq!(ours, [&"Agent: Hello"], "{lines:#?}");
        assert!(pieces.iter().all(|piece| length(piece) <= 60), "{pieces:#?}");
        assert!(lines.iter().all(|line| {
            ["Customer: ", "Agent: ", GOES_ON.trim_end()].iter().any(|it| line.starts_with(it))
        }));
        let label = "Maria (WhatsApp)".to_owned();
        let parts = parts(&"Agent: no ".repeat(700), Some(&label));
        assert!(parts.len() > 1 && parts.iter().all(|part| part.starts_with(&label)));
    }
}
