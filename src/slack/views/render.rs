//! What a customer sent, as words that an agent understands at a glance. No calls.

use std::collections::HashMap;

use crate::locale::Texts;
use crate::model::text::{self, split_text, truncate_label, utf16_length};
use crate::model::{Agent, CardLine, Content, Customer, LinkedFile, SaidMessage, Speaker, Ticket};
use crate::slack::text::rich_text;

/// Most characters of a customer's text in one post. Slack takes 4,000 in `text` (`slack.md` C.1),
/// of which escaping may use some.
pub(crate) const POST_CHARS: usize = 3000;
/// Most characters of a message that is only quoted.
const QUOTE_CHARS: usize = 200;
/// Most characters of a customer's name: what stands beside it must be seen as well.
const NAME_CHARS: usize = 60;
/// What a line or a piece of a message begins with that is not its first.
const CONTINUATION_MARK: &str = "│ ";
/// Most characters of one line of what was said before the handoff.
const CONTEXT_CHARS: usize = 400;

/// The words of a content; `None` if there is nothing to show.
pub(crate) fn render_content(content: &Content, texts: &Texts) -> Option<String> {
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Media(media) => render_file(media, texts),
        Content::Place { latitude, longitude, label } => {
            let title = texts.text("content-location", &[]);
            let title = label.as_ref().map_or(title.clone(), |label| format!("{title}: {label}"));
            // An address that opens on every device without an app or a key of ours.
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
            let quoted = quoted.as_deref().and_then(|quoted| render_content(quoted, texts));
            let answer = render_content(answer, texts).unwrap_or_default();
            match quoted {
                Some(quoted) => {
                    let quoted = shorten_to_line(&quoted, QUOTE_CHARS);
                    format!("{}\n{answer}", texts.text("content-reply-to", &[("text", &quoted)]))
                }
                None => answer,
            }
        }
        Content::Reaction { emoji, on } => {
            let on = on.as_deref().and_then(|on| render_content(on, texts));
            let on = on.map(|on| shorten_to_line(&on, QUOTE_CHARS));
            match (emoji, &on) {
                (Some(emoji), Some(on)) => {
                    texts.text("content-reaction-to", &[("emoji", emoji), ("text", on)])
                }
                (Some(emoji), None) => texts.text("content-reaction", &[("emoji", emoji)]),
                (None, Some(on)) => texts.text("content-reaction-removed-from", &[("text", on)]),
                (None, None) => texts.text("content-reaction-removed", &[]),
            }
        }
        Content::Several(parts) => {
            let parts = parts.iter().filter_map(|part| render_content(part, texts));
            parts.collect::<Vec<_>>().join("\n")
        }
        Content::Card { kind, lines } => {
            let lines = lines.iter().map(|line| render_card_line(line, texts));
            [texts.text(kind, &[])].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
        }
        Content::Earlier(_) => texts.text("content-earlier", &[]),
        // Blip's own servers never store it (`blip.md` §6), and a thread in Slack would.
        Content::Sensitive => texts.text("content-sensitive", &[]),
        Content::Notice(key) => texts.text(key, &[]),
        Content::Unreadable { kind } => texts.text("content-unreadable", &[("kind", kind)]),
        Content::Unknown { kind, text: None } => texts.text("content-unknown", &[("kind", kind)]),
        Content::Unknown { kind, text: Some(text) } => {
            texts.text("content-unknown-text", &[("kind", kind), ("text", text)])
        }
    };
    (!text.trim().is_empty()).then_some(text)
}

fn render_card_line(line: &CardLine, texts: &Texts) -> String {
    match line {
        CardLine::Said(text) => text.clone(),
        CardLine::Notice(key) => texts.text(key, &[]),
        CardLine::Labelled { label, text } => texts.text(label, &[("text", text)]),
        CardLine::Moment { label, at } => {
            texts.text(label, &[("text", &texts.format_date_time(*at))])
        }
    }
}

/// What a message says, as it is quoted in the answer to it: of an answer, only that.
pub(crate) fn render_quote(said: &Content, texts: &Texts) -> Option<String> {
    render_content(said.answer(), texts).map(|text| shorten_to_line(&text, QUOTE_CHARS))
}

/// One thing that a customer's message says: words, or a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Words, to be shown literally.
    Words(String),
    /// A file, to be shown itself.
    File(&'a LinkedFile),
}

/// What a message says, in order, words apart from files.
pub fn split_pieces<'a>(content: &'a Content, texts: &Texts) -> Vec<Piece<'a>> {
    match content {
        Content::Media(media) => vec![Piece::File(media)],
        Content::Several(parts) => {
            join_pieces(parts.iter().flat_map(|part| split_pieces(part, texts)))
        }
        Content::Reply { quoted, answer } => {
            let line = Content::Reply {
                quoted: quoted.clone(),
                answer: Box::new(Content::Text(String::new())),
            };
            let line = render_content(&line, texts).map(|line| line.trim_end().to_owned());
            join_pieces(line.map(Piece::Words).into_iter().chain(split_pieces(answer, texts)))
        }
        other => render_content(other, texts).map(Piece::Words).into_iter().collect(),
    }
}

/// Words that follow each other become one.
pub(crate) fn join_pieces<'a>(pieces: impl IntoIterator<Item = Piece<'a>>) -> Vec<Piece<'a>> {
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
fn render_file(media: &LinkedFile, texts: &Texts) -> String {
    let label = describe_file(media, texts);
    media.caption.iter().fold(label, |label, caption| format!("{label}\n{caption}"))
}

/// What kind of file it is, what it is called and how large it is, in one line.
pub(crate) fn describe_file(media: &LinkedFile, texts: &Texts) -> String {
    let kind = match media.mime.as_deref().and_then(|mime| mime.split('/').next()) {
        Some("image") => "content-image",
        Some("audio") => "content-audio",
        Some("voice") => "content-voice",
        Some("video") => "content-video",
        Some("sticker") => "content-sticker",
        _ => "content-file",
    };
    let mut label = texts.text(kind, &[]);
    if let Some(title) = &media.title {
        label = format!("{label}: {}", text::to_one_line(title));
    }
    match media.size {
        Some(size) => format!("{label} ({})", texts.format_size(size)),
        None => label,
    }
}

/// A file that could not be shown: what it is, why, and where it may still be had.
pub fn render_missing_file(media: &LinkedFile, why: &str, texts: &Texts) -> String {
    let mut lines = vec![describe_file(media, texts), why.to_owned()];
    // Blip also sends `file://` and the like, which lead nowhere for an agent (`blip.md` §6).
    if media.url.starts_with("https://") || media.url.starts_with("http://") {
        lines.push(media.url.clone());
    }
    lines.extend(media.caption.clone());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A file that takes its time: what it is, how it stands with it, and what was written with it.
pub(crate) fn render_late_file(media: &LinkedFile, text: &str, texts: &Texts) -> String {
    let file = describe_file(media, texts);
    let line = texts.text(text, &[("file", &file)]);
    media.caption.iter().fold(line, |line, caption| format!("{line}\n{caption}"))
}

/// What was said before the handoff, oldest first.
pub(crate) fn render_context(
    said: &[SaidMessage],
    names: &AgentNames,
    texts: &Texts,
) -> Option<String> {
    let line = |said: &SaidMessage| {
        let text = shorten_to_line(&render_content(&said.content, texts)?, CONTEXT_CHARS);
        Some(format!("{}: {text}", describe_speaker(said, names, texts)))
    };
    let lines: Vec<String> = said.iter().filter_map(line).collect();
    (!lines.is_empty())
        .then(|| format!("{}\n{}", texts.text("context-title", &[]), lines.join("\n")))
}

/// What agents are called, by Blip's identities of them.
pub type AgentNames = HashMap<String, String>;

/// Who said something, and when.
fn describe_speaker(said: &SaidMessage, names: &AgentNames, texts: &Texts) -> String {
    let who = match &said.by {
        Speaker::Customer => texts.text("context-customer", &[]),
        Speaker::Bot => texts.text("context-bot", &[]),
        Speaker::Agent(identity) => {
            let name = identity.as_ref().and_then(|identity| {
                // Identities compare without regard to case (`blip.md` §2.1).
                let known = names.get(&identity.to_ascii_lowercase()).cloned();
                known.or_else(|| Agent::email_from_identity(identity))
            });
            let name = name.map(|name| truncate_label(&text::to_one_line(&name), NAME_CHARS));
            let label = texts.text("context-agent", &[]);
            match name.filter(|name| !name.is_empty()) {
                Some(name) => format!("{label} {name}"),
                None => label,
            }
        }
    };
    match said.at {
        Some(at) => format!("{who} ({})", texts.format_day_time(at)),
        None => who,
    }
}

/// What was said in a ticket, a line each, oldest first.
///
/// The pieces have at most `max` UTF-16 units. Whatever stands at the beginning of a line or of a
/// piece is ours, so that nobody's words pass for another's.
pub(crate) fn render_transcript(
    said: &[SaidMessage],
    names: &AgentNames,
    max: usize,
    texts: &Texts,
) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for said in said {
        let Some(text) = render_content(&said.content, texts) else { continue };
        // Otherwise a customer could write a line that reads as if an agent had said it.
        let text = rich_text::clean_text(&text).replace('\n', &format!("\n{CONTINUATION_MARK}"));
        let said = format!("{}: {text}", describe_speaker(said, names, texts));
        for (number, part) in
            split_text(&said, max - utf16_length(CONTINUATION_MARK) - 1).into_iter().enumerate()
        {
            let part = if number == 0 || part.starts_with(CONTINUATION_MARK) {
                part.to_owned()
            } else {
                format!("{CONTINUATION_MARK}{part}")
            };
            match pieces.last_mut() {
                Some(piece) if utf16_length(piece) + utf16_length(&part) < max => {
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
pub(crate) fn author_name(customer: &Customer, texts: &Texts) -> String {
    format!("{} ({})", customer_display_name(customer), texts.channel_label(&customer.domain))
}

/// Text in pieces that each fit into a post, and that each say who speaks if the post cannot.
pub fn split_into_posts(text: &str, label: Option<&String>) -> Vec<String> {
    let labelled = |part: &str| match label {
        Some(label) => format!("{label}: {part}"),
        None => part.to_owned(),
    };
    split_text(text, POST_CHARS).into_iter().map(labelled).collect()
}

/// What a customer is called, in one short line; the number or the like if the name does not show.
pub(crate) fn customer_display_name(customer: &Customer) -> String {
    // Behind a router the ticket's own identity is a UUID of the tunnel (`blip.md` §3.1), which
    // tells nobody anything.
    let identity = customer.originator.as_ref().unwrap_or(&customer.identity);
    let account = identity.split('@').next().unwrap_or_default();
    let account = customer.whatsapp_number().unwrap_or_else(|| account.to_owned());
    let names = [customer.name.clone().unwrap_or_default(), account];
    let mut shown =
        names.iter().map(|name| text::to_one_line(name)).filter(|name| !name.is_empty());
    shown.next().map_or_else(|| "?".to_owned(), |name| truncate_label(&name, NAME_CHARS))
}

/// The number that people call a ticket by.
pub(crate) fn ticket_number(ticket: &Ticket) -> String {
    ticket.number.map(|number| format!("#{number}")).unwrap_or_default()
}

/// A ticket as people speak of it: its customer, and its number if it has one.
pub(crate) fn ticket_name(ticket: &Ticket) -> String {
    let (name, number) = (customer_display_name(&ticket.customer), ticket_number(ticket));
    format!("{name} {number}").trim_end().to_owned()
}

fn shorten_to_line(text: &str, chars: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match split_text(&line, chars).as_slice() {
        [] | [_] => line,
        [first, ..] => format!("{}…", first.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::locale::{Language, TextCatalog};

    fn words() -> Texts {
        Texts::new(Arc::new(TextCatalog::new()), Language::En, jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn a_customer_is_called_by_a_short_name_that_shows() {
        let called = |own: Option<&str>, identity: &str| {
            let (identity, domain) = (identity.to_owned(), String::new());
            customer_display_name(&Customer {
                identity,
                name: own.map(str::to_owned),
                originator: None,
                domain,
            })
        };
        let number = "5531999990000@wa.gw.msging.net";
        assert_eq!(called(Some("Maria\u{2028}Silva \u{202E}"), number), "Maria Silva");
        assert_eq!(called(Some("\u{3164}\u{200B}"), number), "+5531999990000");
        assert_eq!(called(None, number), "+5531999990000");
        assert_eq!(called(None, "+5531999990000@wa.gw.msging.net"), "+5531999990000");
        assert_eq!(called(None, "551187654321@wa.gw.msging.net"), "+5511987654321");
        assert_eq!(called(None, "5531999990000@telegram.gw.msging.net"), "5531999990000");
        assert_eq!(called(None, ""), "?");
        assert_eq!(called(Some(&"a".repeat(400)), number).chars().count(), NAME_CHARS);
    }

    #[test]
    fn no_words_of_one_pass_for_those_of_another() {
        let said = |text: &str| Content::Text(text.to_owned());
        let fake = "oi\nAgent: your refund is done\u{2028}Agent: sure";
        let long = format!("{}\nAgent: no", "a ".repeat(60));
        let by = |by: Speaker, content| SaidMessage { by, at: None, content };
        let pieces = render_transcript(
            &[
                by(Speaker::Customer, said(fake)),
                by(Speaker::Agent(None), said("Hello")),
                by(Speaker::Customer, said(&long)),
            ],
            &AgentNames::new(),
            60,
            &words(),
        );
        let lines: Vec<&str> = pieces.iter().flat_map(|piece| piece.lines()).collect();
        let ours: Vec<&&str> = lines.iter().filter(|line| line.starts_with("Agent")).collect();
        assert_eq!(ours, [&"Agent: Hello"], "{lines:#?}");
        assert!(pieces.iter().all(|piece| utf16_length(piece) <= 60), "{pieces:#?}");
        assert!(lines.iter().all(|line| {
            ["Customer: ", "Agent: ", CONTINUATION_MARK.trim_end()]
                .iter()
                .any(|it| line.starts_with(it))
        }));
        let label = "Maria (WhatsApp)".to_owned();
        let parts = split_into_posts(&"Agent: no ".repeat(700), Some(&label));
        assert!(parts.len() > 1 && parts.iter().all(|part| part.starts_with(&label)));
    }
}
