//! Slack's `rich_text` blocks: reading an agent's, and making one of a customer's words.
//!
//! Text in a `rich_text` block is literal: `*`, `@channel` and `:wave:` are just characters there.
//! That is why a customer's words go out in one and never in mark-up. The top-level `text` that
//! goes with it for notifications is escaped; `@channel` and `#general` are dead words in it as
//! long as the post asks for neither `link_names` nor `parse`.

use serde_json::{Value, json};
use url::Url;

use super::emoji;
use super::mrkdwn::{bare, escape, moment, unescape};
use crate::model::{ChannelId, Inline, Paragraph, Rich, SlackUserId, Style};

/// Deepest list that is read as such; Slack's own composer stops before.
const MAX_INDENT: usize = 8;

/// Longest address made clickable, in bytes: Block Kit's limit for the addresses of its buttons.
const MAX_URL_BYTES: usize = 3_000;

/// Fields in which an element that we do not know may have its words, best first.
const WORDS: [&str; 7] = ["text", "fallback", "label", "title", "name", "value", "url"];

/// Reads all `rich_text` blocks of a message; `None` if there is none that says anything.
///
/// `text` is the message's mark-up: it tells whether the block's words came escaped.
pub fn read(blocks: &Value, text: &str) -> Option<Rich> {
    let reader = Reader { text };
    let mut paragraphs = Vec::new();
    for block in blocks.as_array()?.iter().filter(|block| kind(block) == "rich_text") {
        for part in elements(block) {
            reader.part(part, &mut paragraphs);
        }
    }
    let speaks = paragraphs.iter().any(|paragraph| match paragraph {
        Paragraph::Code(code) => !code.trim().is_empty(),
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
            runs.iter().any(|run| !bare(run).trim().is_empty())
        }
    });
    speaks.then_some(Rich(paragraphs))
}

/// A customer's words as a post: the escaped `text` and a `rich_text` block in which nothing but
/// addresses takes effect.
pub fn literal(text: &str) -> (String, Value) {
    let text = clean(text);
    (escape(&text), block(&[section(&literal_runs(&text))]))
}

/// The elements that show a customer's words literally, addresses clickable.
///
/// The text must be [`clean`]; read one after the other, the elements say exactly the same.
pub fn literal_runs(text: &str) -> Vec<Value> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some((before, shown, url)) = first_address(rest) {
        runs.extend(text_run(before));
        runs.push(json!({ "type": "link", "url": url.as_str(), "text": shown }));
        rest = rest.get(before.len() + shown.len()..).unwrap_or_default();
    }
    runs.extend(text_run(rest));
    runs
}

/// A `rich_text` block of the given parts.
pub fn block(parts: &[Value]) -> Value {
    json!({ "type": "rich_text", "elements": parts })
}

/// Running text for a [`block`].
pub fn section(runs: &[Value]) -> Value {
    json!({ "type": "rich_text_section", "elements": runs })
}

/// Quoted text for a [`block`].
pub fn quote(runs: &[Value]) -> Value {
    json!({ "type": "rich_text_quote", "elements": runs })
}

/// The text without characters that would upset Slack or turn the words around: control
/// characters except line breaks and tabs, and those that override the writing direction.
pub fn clean(text: &str) -> String {
    let harmful = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    text.chars().filter(|&c| !harmful(c)).collect()
}

/// A text element; Slack refuses empty ones.
fn text_run(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text }))
}

/// Text before the first address, the address as written, and as Slack will take it.
fn first_address(text: &str) -> Option<(&str, &str, Url)> {
    text.match_indices(':').find_map(|(colon, _)| {
        let (head, tail) = text.split_at_checked(colon)?;
        let before = head.trim_end_matches(char::is_alphanumeric);
        let scheme = head.get(before.len()..)?;
        let slashes = if scheme.eq_ignore_ascii_case("mailto") {
            ""
        } else if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            "//"
        } else {
            return None;
        };
        tail.strip_prefix(':')?.strip_prefix(slashes)?;
        let shown = address_part(text.get(before.len()..)?);
        Some((before, shown, checked(shown)?))
    })
}

/// The part of the text that belongs to the address at its beginning, without the punctuation of
/// the sentence around it.
fn address_part(text: &str) -> &str {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '“' | '”' | '«' | '»');
    let mut part = text.split(ends).next().unwrap_or_default();
    while let Some(last) = part.chars().next_back() {
        let opened_by = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '…' | '’' => None,
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => break,
        };
        let count = |wanted: char| part.matches(wanted).count();
        if opened_by.is_some_and(|open| count(open) >= count(last)) {
            break;
        }
        part = part.strip_suffix(last).unwrap_or_default();
    }
    part
}

/// The address if Slack will take it: one that it cannot read makes it refuse the whole post.
fn checked(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok().filter(|url| url.as_str().len() <= MAX_URL_BYTES)?;
    let leads_somewhere = if url.scheme() == "mailto" {
        url.path().split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains(char::is_alphanumeric)
        })
    } else {
        url.host_str().is_some_and(|host| host.contains(char::is_alphanumeric))
    };
    leads_somewhere.then_some(url)
}

/// Reads the parts of a block, knowing the message's mark-up.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn part(&self, part: &Value, paragraphs: &mut Vec<Paragraph>) {
        match kind(part) {
            "rich_text_list" => self.list(part, indent(part), paragraphs),
            "rich_text_preformatted" => {
                let code: String = self.runs(part).iter().map(bare).collect();
                let code = code.strip_suffix('\n').unwrap_or(&code);
                paragraphs.push(Paragraph::Code(code.to_owned()));
            }
            "rich_text_quote" => paragraphs.push(Paragraph::Quote(self.runs(part))),
            _ => paragraphs.push(Paragraph::Text(self.runs(part))),
        }
    }

    fn list(&self, list: &Value, indent: usize, paragraphs: &mut Vec<Paragraph>) {
        let ordered = word(list, "style") == Some("ordered");
        let mut number = count(list, "offset");
        for item in elements(list) {
            if kind(item) == "rich_text_list" {
                self.list(item, (indent + 1).min(MAX_INDENT), paragraphs);
                continue;
            }
            number = number.saturating_add(1);
            let text = self.runs(item);
            paragraphs.push(Paragraph::Item { indent, number: ordered.then_some(number), text });
        }
    }

    /// The runs of a part, or the part itself if it is one.
    fn runs(&self, part: &Value) -> Vec<Inline> {
        let inner = elements(part);
        if inner.is_empty() {
            return self.run(part).into_iter().collect();
        }
        inner.iter().flat_map(|inner| self.runs(inner)).collect()
    }

    fn run(&self, run: &Value) -> Option<Inline> {
        let style = style(run);
        let text = |text: String| Inline::Text { text, style };
        Some(match kind(run) {
            "text" => text(self.words(word(run, "text")?, style)),
            "emoji" => text(emoji_text(run)?),
            "link" => {
                let label = word(run, "text").filter(|label| !label.is_empty());
                Inline::Link {
                    url: self.unescaped(word(run, "url")?),
                    label: label.map(|label| self.words(label, style)),
                    style,
                }
            }
            "user" => {
                Inline::Person { id: SlackUserId::parse(word(run, "user_id")?)?, label: None }
            }
            "channel" => {
                Inline::Channel { id: ChannelId::parse(word(run, "channel_id")?)?, label: None }
            }
            "usergroup" => Inline::Group { id: word(run, "usergroup_id")?.to_owned(), label: None },
            "broadcast" => Inline::Broadcast(word(run, "range")?.to_owned()),
            "date" => text(match word(run, "fallback") {
                Some(words) if !words.is_empty() => self.words(words, style),
                _ => moment(run.get("timestamp")?.as_i64()?)?,
            }),
            _ => text(self.words(any_words(run)?, style)),
        })
    }

    fn words(&self, words: &str, style: Style) -> String {
        let words = self.unescaped(words);
        if style.code { words } else { emoji::spell(&words).into_owned() }
    }

    /// Takes off the escaping if there is one. Slack is not consistent here, but the mark-up is
    /// always escaped: words that stand in it escaped once more were not escaped in the block.
    fn unescaped(&self, words: &str) -> String {
        if words.contains('&') && self.text.contains(&escape(words)) {
            words.to_owned()
        } else {
            unescape(words).into_owned()
        }
    }
}

fn kind(value: &Value) -> &str {
    word(value, "type").unwrap_or_default()
}

fn word<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// The first words of an element that we do not know.
fn any_words(run: &Value) -> Option<&str> {
    let inner = run.get("text").and_then(|text| word(text, "text"));
    inner.or_else(|| WORDS.iter().find_map(|field| word(run, field)))
}

fn elements(value: &Value) -> &[Value] {
    value.get("elements").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn count(value: &Value, field: &str) -> usize {
    let count = value.get(field).and_then(Value::as_u64).unwrap_or_default();
    usize::try_from(count).unwrap_or_default()
}

fn indent(list: &Value) -> usize {
    count(list, "indent").min(MAX_INDENT)
}

fn style(run: &Value) -> Style {
    let has = |look: &str| {
        let style = run.get("style").and_then(|style| style.get(look));
        style.and_then(Value::as_bool).unwrap_or_default()
    };
    Style { bold: has("bold"), italic: has("italic"), strike: has("strike"), code: has("code") }
}

/// The emoji's Unicode text; a workspace's own emoji keeps its name in colons.
///
/// The code points are the best source, but may lack the skin tone that is given beside them.
fn emoji_text(run: &Value) -> Option<String> {
    let coded = word(run, "unicode").and_then(code_points);
    let Some(name) = word(run, "name") else {
        return coded;
    };
    let tone = run.get("skin_tone").and_then(Value::as_u64);
    let toned = tone.map(|tone| format!("{}::skin-tone-{tone}", emoji::base_name(name)));
    let named = emoji::unicode(toned.as_deref().unwrap_or(name)).map(Into::into);
    let lacks_tone =
        toned.is_some() && coded.as_deref().is_some_and(|c| !c.contains(emoji::is_tone));
    let known = if lacks_tone { named.or(coded) } else { coded.or(named) };
    Some(known.unwrap_or_else(|| format!(":{name}:")))
}

/// Reads code points written as `1f44b-1f3fc`.
fn code_points(hex: &str) -> Option<String> {
    let point = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).ok()?);
    hex.split('-').map(point).collect()
}
