//! Slack's `rich_text` blocks: reading an agent's, and making one of a customer's words.
//!
//! Text in a `rich_text` block is literal: `*`, `@channel` and `:wave:` are just characters there,
//! as emoji are elements of their own.
//! That is why a customer's words go out in one and never in mark-up. The top-level `text` that
//! goes with it for notifications is escaped; `@channel` and `#general` are dead words in it as
//! long as the post asks for neither `link_names` nor `parse`.

use serde_json::Value;
use slack_morphism::blocks::{
    SlackBlock, SlackRichTextBlock, SlackRichTextElement, SlackRichTextInlineElement,
    SlackRichTextLink, SlackRichTextQuote, SlackRichTextSection, SlackRichTextUser,
    SlackRichTextUserGroup,
};
use url::Url;

use super::emoji;
use super::mrkdwn::{escape_mrkdwn, format_utc, inline_to_plain, unescape_mrkdwn};
use crate::model::{ChannelId, Inline, KeptPart, Paragraph, SlackUserId, Style};

/// Deepest list that is read as such; Slack's own composer stops before.
const MAX_INDENT: usize = 8;

/// Longest address made clickable, in bytes: Block Kit's limit for the addresses of its buttons.
const MAX_URL_BYTES: usize = 3_000;

/// The parts of a block, which may be empty.
const KNOWN_PARTS: [&str; 4] =
    ["rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"];

/// Fields in which an element may have its words, best first.
const TEXT_FIELDS: [&str; 7] = ["text", "fallback", "label", "title", "name", "value", "url"];

/// Reads a `rich_text` block: its words, and what in it is no words.
///
/// `text` is the message's mark-up: it tells whether the block's words came escaped.
pub(crate) fn read_rich_text(
    block: &Value,
    text: &str,
    paragraphs: &mut Vec<Paragraph>,
    kept: &mut Vec<KeptPart>,
) {
    let mut reader = RichTextReader { text, kept };
    for part in child_elements(block) {
        reader.read_part(part, paragraphs);
    }
}

/// A customer's words as a post: the escaped `text` and a `rich_text` block in which nothing but
/// addresses takes effect.
pub fn to_literal_post(text: &str) -> (String, SlackBlock) {
    // Cleaned once for both: what notifications say and what is shown must not differ.
    let text = clean_text(text);
    let block = rich_text_block(SlackRichTextSection::new(literal_runs(&text)));
    (escape_mrkdwn(&text), block)
}

/// Somebody who is called by what is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mention {
    User(SlackUserId),
    /// A user group, by its id.
    Group(String),
}

impl Mention {
    fn to_run(&self) -> SlackRichTextInlineElement {
        match self {
            Self::User(user) => SlackRichTextUser::new(user.as_str().into()).into(),
            Self::Group(group) => SlackRichTextUserGroup::new(group.as_str().into()).into(),
        }
    }

    fn to_mrkdwn(&self) -> String {
        match self {
            Self::User(user) => format!("<@{user}>"),
            Self::Group(group) => format!("<!subteam^{group}>"),
        }
    }
}

/// A line as a post that begins with a mention.
pub(crate) fn to_mention_post(mention: &Mention, line: &str) -> (String, SlackBlock) {
    let line = clean_text(line);
    let runs = vec![mention.to_run(), format!(" {line}").into()];
    let text = format!("{} {}", mention.to_mrkdwn(), escape_mrkdwn(&line));
    (text, rich_text_block(SlackRichTextSection::new(runs)))
}

/// Characters that stand in a line where mentions go. They are none that anybody can type: Unicode
/// keeps them for the use of programs.
pub(crate) const MENTION_SLOTS: [char; 3] = ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}'];

/// A line as a post, with a mention in the place of each of [`MENTION_SLOTS`]. Slack tells people
/// of a mention only if it is an element of the block.
pub(crate) fn to_post_with_mentions(line: &str, mentions: &[&Mention]) -> (String, SlackBlock) {
    let mut runs = Vec::new();
    let mut text = String::new();
    for part in line.split_inclusive(MENTION_SLOTS) {
        // A translator may put the name anywhere in the sentence, so the line comes with a slot in
        // it.
        let slot = part.chars().next_back().and_then(slot_number);
        let words = clean_text(part.trim_end_matches(MENTION_SLOTS));
        text.push_str(&escape_mrkdwn(&words));
        runs.extend(literal_runs(&words));
        if let Some(mention) = slot.and_then(|slot| mentions.get(slot)) {
            text.push_str(&mention.to_mrkdwn());
            runs.push(mention.to_run());
        }
    }
    (text, rich_text_block(SlackRichTextSection::new(runs)))
}

fn slot_number(c: char) -> Option<usize> {
    MENTION_SLOTS.iter().position(|slot| *slot == c)
}

/// The block of [`to_literal_post`], where there is no `text`.
pub(crate) fn literal_block(text: &str) -> SlackBlock {
    to_literal_post(text).1
}

/// The same as a quotation.
pub(crate) fn literal_quote(text: &str) -> SlackBlock {
    rich_text_block(SlackRichTextQuote::new(literal_runs(&clean_text(text))))
}

/// The elements that show a customer's words literally, addresses clickable.
///
/// The text must be [`clean_text`]; read one after the other, the elements say exactly the same.
pub fn literal_runs(text: &str) -> Vec<SlackRichTextInlineElement> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some((before, shown, url)) = find_address(rest) {
        runs.extend(text_run(before));
        runs.push(SlackRichTextLink::new(url.into()).with_text(shown.to_owned()).into());
        rest = rest.get(before.len() + shown.len()..).unwrap_or_default();
    }
    runs.extend(text_run(rest));
    runs
}

/// A line of these elements, in which text is literal.
pub(crate) fn run_block(runs: Vec<SlackRichTextInlineElement>) -> SlackBlock {
    rich_text_block(SlackRichTextSection::new(runs))
}

fn rich_text_block(part: impl Into<SlackRichTextElement>) -> SlackBlock {
    SlackRichTextBlock::new(vec![part.into()]).into()
}

/// The text without characters that would upset Slack or make the words look like something else:
/// control characters except line breaks and tabs, and marks of the writing direction. Separators
/// of lines become line breaks, wide blanks usual ones.
pub fn clean_text(text: &str) -> String {
    let seen = |c: char| match c {
        '\n' | '\t' | '\u{A0}' => Some(c),
        '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{061C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => None,
        '\u{2800}' | '\u{3164}' | '\u{115F}' | '\u{1160}' | '\u{FFA0}' => Some(' '),
        c if c.is_control() => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    };
    text.chars().filter_map(seen).collect()
}

/// A text element; Slack refuses empty ones.
fn text_run(text: &str) -> Option<SlackRichTextInlineElement> {
    (!text.is_empty()).then(|| text.into())
}

/// Text before the first address, the address as written, and as Slack will take it.
fn find_address(text: &str) -> Option<(&str, &str, Url)> {
    // Slack makes no links in a `rich_text` text element, so they are found here.
    let found = [find_scheme_address(text), find_web_address(text), find_mail_address(text)];
    found.into_iter().flatten().min_by_key(|(before, ..)| before.len())
}

/// The first address that begins with `www.`.
fn find_web_address(text: &str) -> Option<(&str, &str, Url)> {
    const WEB_PREFIX: &str = "www.";
    text.match_indices(['w', 'W']).find_map(|(place, _)| {
        let (before, rest) = text.split_at_checked(place)?;
        let begins = rest
            .get(..WEB_PREFIX.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(WEB_PREFIX));
        // Part of a longer word or address: `awww.x.com`, `me@www.x.com`, `http://www.x.com`.
        let is_within = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '/');
        if !begins || before.ends_with(is_within) {
            return None;
        }
        let shown = address_part(rest);
        let is_whole = shown.get(WEB_PREFIX.len()..)?.trim_matches('.').contains('.');
        // The customer reads what they wrote; only the address behind it gets a scheme.
        let url = parse_link_url(&format!("https://{shown}")).filter(|_| is_whole)?;
        Some((before, shown, url))
    })
}

/// The first address of a mailbox.
fn find_mail_address(text: &str) -> Option<(&str, &str, Url)> {
    text.match_indices('@').find_map(|(at, _)| {
        let (head, tail) = (text.get(..at)?, text.get(at + 1..)?);
        let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let before = head.trim_end_matches(is_local);
        let local = head.get(before.len()..)?;
        let before = text.get(..at - local.trim_start_matches(['.', '-']).len())?;
        let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let domain = tail.get(..tail.find(|c| !is_domain(c)).unwrap_or(tail.len()))?;
        let domain = domain.trim_end_matches(['.', '-']);
        let (_, last) = domain.rsplit_once('.')?;
        // So `1.2@3.4` and the like are left alone.
        let is_sound = last.len() > 1 && last.chars().all(|c| c.is_ascii_alphabetic());
        let shown = text.get(before.len()..at + 1 + domain.len())?;
        let url = parse_link_url(&format!("mailto:{shown}")).filter(|_| is_sound)?;
        Some((before, shown, url))
    })
}

/// The first address that says how it is reached.
fn find_scheme_address(text: &str) -> Option<(&str, &str, Url)> {
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
        Some((before, shown, parse_link_url(shown)?))
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
            // These end sentences more often than addresses; `*` and quotes come from marks around
            // a link.
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '…' | '’' => None,
            // A bracket that was opened within the address is a part of it, as in many of
            // Wikipedia's.
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
fn parse_link_url(address: &str) -> Option<Url> {
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

/// Reads the parts of a block.
struct RichTextReader<'a> {
    text: &'a str,
    /// What is no words.
    kept: &'a mut Vec<KeptPart>,
}

impl RichTextReader<'_> {
    fn read_part(&mut self, part: &Value, paragraphs: &mut Vec<Paragraph>) {
        match element_type(part) {
            "rich_text_list" => self.read_list(part, list_indent(part), paragraphs),
            "rich_text_preformatted" => {
                let code: String = self.read_runs(part).iter().map(inline_to_plain).collect();
                // The composer leaves the line break with which people end the block.
                let code = code.strip_suffix('\n').unwrap_or(&code);
                paragraphs.push(Paragraph::Code(code.to_owned()));
            }
            "rich_text_quote" => paragraphs.push(Paragraph::Quote(self.read_runs(part))),
            _ => paragraphs.push(Paragraph::Text(self.read_runs(part))),
        }
    }

    fn read_list(&mut self, list: &Value, indent: usize, paragraphs: &mut Vec<Paragraph>) {
        let ordered = string_field(list, "style") == Some("ordered");
        let mut number = count_field(list, "offset");
        // Slack's editor has no lists in quotes, but lists with the quote's line beside them.
        let is_quoted = count_field(list, "border") > 0;
        for item in child_elements(list) {
            if element_type(item) == "rich_text_list" {
                self.read_list(item, (indent + 1).min(MAX_INDENT), paragraphs);
                continue;
            }
            number = number.saturating_add(1);
            let text = self.read_runs(item);
            let number = ordered.then_some(number);
            paragraphs.push(Paragraph::Item { indent, number, is_quoted, text });
        }
    }

    /// The runs of a part, or the part itself if it is one.
    fn read_runs(&mut self, part: &Value) -> Vec<Inline> {
        let inner = child_elements(part);
        // An empty section is what Slack makes of an empty line or an empty entry: not something
        // unknown that the writer would have to be told about.
        if inner.is_empty() && KNOWN_PARTS.contains(&element_type(part)) {
            return Vec::new();
        }
        if inner.is_empty() {
            return self.read_run(part).into_iter().collect();
        }
        inner.iter().flat_map(|inner| self.read_runs(inner)).collect()
    }

    /// One run; of an element that we do not know, or that lacks something, at least the words.
    fn read_run(&mut self, run: &Value) -> Option<Inline> {
        let style = run_style(run);
        if let Some(known) = self.read_known_run(run, style) {
            return Some(known);
        }
        let Some(words) = find_element_text(run) else {
            // An empty text has lost nothing; anything else without words may have said something.
            if element_type(run) != "text" {
                self.kept.push(unreadable_part(element_type(run)));
            }
            return None;
        };
        Some(Inline::Text { text: self.unescape_if_escaped(words), style })
    }

    fn read_known_run(&self, run: &Value, style: Style) -> Option<Inline> {
        let text = |text: String| Inline::Text { text, style };
        Some(match element_type(run) {
            "emoji" => match emoji_text(run) {
                Some(emoji) => text(emoji),
                None => {
                    Inline::CustomEmoji(emoji::base_name(string_field(run, "name")?).to_owned())
                }
            },
            // The name of a workspace cannot be had.
            "team" if find_element_text(run).is_none() => text("@…".to_owned()),
            "link" => {
                let label = string_field(run, "text").filter(|label| !label.is_empty());
                Inline::Link {
                    url: self.unescape_if_escaped(string_field(run, "url")?),
                    label: label.map(|label| self.unescape_if_escaped(label)),
                    style,
                }
            }
            "user" => Inline::Person {
                id: SlackUserId::parse(string_field(run, "user_id")?)?,
                label: None,
            },
            "channel" => Inline::Channel {
                id: ChannelId::parse(string_field(run, "channel_id")?)?,
                label: None,
            },
            "usergroup" => {
                Inline::Group { id: string_field(run, "usergroup_id")?.to_owned(), label: None }
            }
            "broadcast" => Inline::Broadcast(string_field(run, "range")?.to_owned()),
            "date" => match string_field(run, "fallback") {
                Some(words) if !words.is_empty() => text(self.unescape_if_escaped(words)),
                _ => text(format_utc(run.get("timestamp")?.as_i64()?)?),
            },
            _ => return None,
        })
    }

    /// Takes off the escaping if there is one. Slack is not consistent here, but the mark-up is
    /// always escaped: words that stand in it escaped once more were not escaped in the block.
    fn unescape_if_escaped(&self, words: &str) -> String {
        if words.contains('&') && self.text.contains(&escape_mrkdwn(words)) {
            words.to_owned()
        } else {
            unescape_mrkdwn(words).into_owned()
        }
    }
}

pub(crate) fn element_type(value: &Value) -> &str {
    string_field(value, "type").unwrap_or_default()
}

fn string_field<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// The first words of an element.
pub(crate) fn find_element_text(run: &Value) -> Option<&str> {
    let inner = run.get("text").and_then(|text| string_field(text, "text"));
    inner.or_else(|| TEXT_FIELDS.iter().find_map(|field| string_field(run, field)))
}

fn child_elements(value: &Value) -> &[Value] {
    value.get("elements").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn count_field(value: &Value, field: &str) -> usize {
    let count = value.get(field).and_then(Value::as_u64).unwrap_or_default();
    usize::try_from(count).unwrap_or_default()
}

fn list_indent(list: &Value) -> usize {
    count_field(list, "indent").min(MAX_INDENT)
}

fn run_style(run: &Value) -> Style {
    let has = |look: &str| {
        let style = run.get("style").and_then(|style| style.get(look));
        style.and_then(Value::as_bool).unwrap_or_default()
    };
    Style { bold: has("bold"), italic: has("italic"), strike: has("strike"), code: has("code") }
}

/// The emoji's Unicode text; a workspace's own emoji has none.
///
/// The code points are the best source, but may lack the skin tone that is given beside them.
fn emoji_text(run: &Value) -> Option<String> {
    let coded = string_field(run, "unicode").and_then(parse_code_points);
    let Some(name) = string_field(run, "name") else {
        return coded;
    };
    let tone = run.get("skin_tone").and_then(Value::as_u64);
    let toned = tone.map(|tone| format!("{}::skin-tone-{tone}", emoji::base_name(name)));
    let named = emoji::to_unicode(toned.as_deref().unwrap_or(name)).map(Into::into);
    let lacks_tone =
        toned.is_some() && coded.as_deref().is_some_and(|c| !c.contains(emoji::is_skin_tone));
    if lacks_tone { named.or(coded) } else { coded.or(named) }
}

/// A part that is not shown to a customer, by its name.
///
/// The name goes into a line that people read, so it is short whatever the sender put there.
pub(crate) fn unreadable_part(kind: &str) -> KeptPart {
    let is_shown = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let kind: String = kind.chars().filter(is_shown).take(40).collect();
    KeptPart::Unreadable { kind: if kind.is_empty() { "?".to_owned() } else { kind } }
}

/// Reads code points written as `1f44b-1f3fc`.
fn parse_code_points(hex: &str) -> Option<String> {
    let point = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).ok()?);
    hex.split('-').map(point).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mrkdwn::sketch;
    use serde_json::json;

    use super::*;
    use crate::model::RichText;
    use crate::slack::events::message;

    fn to_literal_json(text: &str) -> (String, Value) {
        let (text, block) = to_literal_post(text);
        (text, json!(block))
    }

    fn rich_text_block(parts: &[Value]) -> Value {
        json!({"type": "rich_text", "elements": parts})
    }

    fn rich_text_quote(runs: &[Value]) -> Value {
        json!({"type": "rich_text_quote", "elements": runs})
    }

    fn rich_text_section(runs: &[Value]) -> Value {
        json!({"type": "rich_text_section", "elements": runs})
    }

    fn read_blocks(blocks: &Value, text: &str) -> RichText {
        message::read_message(&json!({"blocks": blocks, "text": text})).text
    }

    fn read_part(part: &Value, text: &str) -> Vec<String> {
        sketch(&read_blocks(&json!([rich_text_block(std::slice::from_ref(part))]), text))
    }

    fn read_run(run: &Value) -> String {
        read_part(&rich_text_section(std::slice::from_ref(run)), "").concat()
    }

    #[test]
    fn runs_read_as_slack_shows_them() {
        for (run, shown) in [
            (json!({"type": "text", "text": "Olá"}), "Olá"),
            (
                json!({"type": "text", "text": "x", "style": {"bold": true, "strike": true}}),
                "bs[x]",
            ),
            (json!({"type": "text", "text": ":tada: 3c:ab:12:5e"}), ":tada: 3c:ab:12:5e"),
            (json!({"type": "text", "text": ":tada:", "style": {"code": true}}), "c[:tada:]"),
            (json!({"type": "link", "url": "https://a.b"}), "(https://a.b)"),
            (
                json!({"type": "link", "url": "https://a.b", "text": "aqui", "style": {"italic": true}}),
                "i[(https://a.b|aqui)]",
            ),
            (json!({"type": "link", "text": "sem endereço"}), "sem endereço"),
            (json!({"type": "user", "user_id": "U1"}), "(person U1 -)"),
            (json!({"type": "channel", "channel_id": "C1"}), "(channel C1 -)"),
            (json!({"type": "usergroup", "usergroup_id": "S1"}), "(group S1 -)"),
            (json!({"type": "broadcast", "range": "here"}), "(call here)"),
            (json!({"type": "color", "value": "#F405B3"}), "#F405B3"),
            (
                json!({"type": "date", "timestamp": 1_392_734_382, "format": "{date}", "fallback": "ontem"}),
                "ontem",
            ),
            (
                json!({"type": "date", "timestamp": 1_392_734_382, "format": "{date}"}),
                "2014-02-18 14:39 UTC",
            ),
            (json!({"type": "novidade", "text": {"type": "plain_text", "text": "algo"}}), "algo"),
            (json!({"type": "novidade", "title": "título"}), "título"),
            (json!({"type": "team", "team_id": "T1"}), "@…"),
            (json!({"type": "team", "team_id": "T1", "name": "Loja"}), "Loja"),
            (json!({"type": "canvas", "file_id": "F1", "title": "Preços"}), "Preços"),
            (
                json!({"type": "novidade", "elements": [{"type": "text", "text": "dentro"}]}),
                "dentro",
            ),
        ] {
            assert_eq!(read_run(&run), shown, "{run}");
        }
    }

    #[test]
    fn emoji_become_unicode_with_their_skin_tone() {
        for (run, shown) in [
            (json!({"name": "wave", "unicode": "1f44b"}), "👋"),
            (json!({"name": "wave", "unicode": "1f44b-1f3fc", "skin_tone": 3}), "👋🏼"),
            (json!({"name": "wave", "unicode": "1f44b", "skin_tone": 3}), "👋🏼"),
            (json!({"name": "wave::skin-tone-3"}), "👋🏼"),
            (json!({"name": "wave", "skin_tone": 6}), "👋🏿"),
            (
                json!({"name": "man-woman-girl-boy", "unicode": "1f468-200d-1f469-200d-1f467-200d-1f466"}),
                "👨‍👩‍👧‍👦",
            ),
            (
                json!({"name": "handshake", "unicode": "1faf1-1f3fb-200d-1faf2-1f3ff", "skin_tone": 2}),
                "🫱🏻‍🫲🏿",
            ),
            (json!({"name": "one", "unicode": "31-fe0f-20e3"}), "1️⃣"),
            (json!({"name": "flag-br"}), "🇧🇷"),
            (json!({"name": "heart", "unicode": "xyz"}), "❤️"),
            (json!({"name": "logo_da_loja"}), "(emoji logo_da_loja)"),
            (json!({"name": "logo_da_loja::skin-tone-2"}), "(emoji logo_da_loja)"),
            (json!({"unicode": "1f44b"}), "👋"),
        ] {
            let mut run = run;
            run["type"] = json!("emoji");
            assert_eq!(read_run(&run), shown, "{run}");
        }
    }

    #[test]
    fn words_are_unescaped_only_if_they_came_escaped() {
        for (words, text, read) in [
            ("a & b <c>", "a &amp; b &lt;c&gt;", "a & b <c>"),
            ("a &amp; b", "a &amp; b", "a & b"),
            ("&lt;", "&amp;lt;", "&lt;"),
            ("&amp;lt;", "&amp;lt;", "&lt;"),
            ("a &amp; b", "", "a & b"),
        ] {
            let part = rich_text_section(&[json!({"type": "text", "text": words})]);
            assert_eq!(read_part(&part, text), [read], "{words} {text}");
        }
    }

    #[test]
    fn lists_quotes_and_code_keep_their_shape() {
        let said = |text: &str| rich_text_section(&[json!({"type": "text", "text": text})]);
        let list = |style: &str, indent: usize, offset: usize, items: &[&str]| {
            let items: Vec<Value> = items.iter().map(|item| said(item)).collect();
            json!({"type": "rich_text_list", "style": style, "indent": indent, "offset": offset,
                "elements": items})
        };
        let nested = json!({"type": "rich_text_list", "style": "bullet", "indent": 0,
            "elements": [said("fora"), list("ordered", 0, 0, &["dentro"])]});
        let code = json!({"type": "rich_text_preformatted", "elements": [
            {"type": "text", "text": "let a;\n:wave: "}, {"type": "link", "url": "https://a.b"}]});
        let blocks = json!([
            {"type": "divider"},
            rich_text_block(&[
                said("Passos:\n"),
                list("ordered", 0, 0, &["um", "dois"]),
                list("bullet", 1, 0, &["detalhe"]),
                list("ordered", 0, 2, &["três"]),
                nested,
                rich_text_quote(&[json!({"type": "text", "text": "disse"})]),
                code,
            ]),
            rich_text_block(&[said("fim")]),
        ]);
        assert_eq!(
            sketch(&read_blocks(&blocks, "outro")),
            [
                "Passos:\n",
                "1 um",
                "2 dois",
                "-• detalhe",
                "3 três",
                "• fora",
                "-1 dentro",
                "> disse",
                "``` let a;\n:wave: https://a.b",
                "fim",
            ]
        );
    }

    #[test]
    fn without_a_block_that_says_anything_the_text_counts() {
        let future = json!({"type": "hologram", "text": {"type": "mrkdwn", "text": "x"}});
        for blocks in [
            json!(null),
            json!([]),
            json!({}),
            json!([future]),
            json!([rich_text_block(&[])]),
            json!([{"type": "rich_text"}]),
            json!([{"type": "rich_text", "elements": "x"}]),
            json!([rich_text_block(&[
                json!({"type": "rich_text_section", "elements": [{"type": "text"}, 7]})
            ])]),
        ] {
            assert_eq!(sketch(&read_blocks(&blocks, "*oi*")), ["b[oi]"], "{blocks}");
        }
    }

    #[test]
    fn addresses_are_clickable_and_nothing_else_takes_effect() {
        let address = |url: &str| format!("({url})");
        for (text, shown) in [
            ("veja https://loja.com/p?a=1&b=2.", "veja (https://loja.com/p?a=1&b=2)."),
            ("(https://pt.wikipedia.org/wiki/X_(y))", "((https://pt.wikipedia.org/wiki/X_(y)))"),
            ("HTTPS://LOJA.com!", "(HTTPS://LOJA.com)!"),
            ("*https://a.b*, <https://c.d>", "*(https://a.b)*, <(https://c.d)>"),
            ("escreva para mailto:ana@loja.com;", "escreva para (mailto:ana@loja.com);"),
            ("https://a.b\nhttps://c.d", "(https://a.b)\n(https://c.d)"),
            (
                "http:// https:// mailto: mailto:x mailto:@ http://.",
                "http:// https:// mailto: mailto:x mailto:@ http://.",
            ),
            (
                "http:a.b javascript:alert(1) ftp://a.b slack://x",
                "http:a.b javascript:alert(1) ftp://a.b slack://x",
            ),
            ("https://[::1 http://a b.c", "https://[::1 (http://a) b.c"),
            ("xhttp://a.b", "xhttp://a.b"),
            (
                "veja www.loja.com/x, e (WWW.a.com.br).",
                "veja (www.loja.com/x), e ((WWW.a.com.br)).",
            ),
            ("www. www.x awww.a.b x.www.a.b", "www. www.x awww.a.b x.www.a.b"),
            ("escreva para ana.s+x@loja.com.br.", "escreva para (ana.s+x@loja.com.br)."),
            ("@ana a@b @b.c x@y.1 a@b.c", "@ana a@b @b.c x@y.1 a@b.c"),
            ("https://a.b/?m=ana@loja.com ok", "(https://a.b/?m=ana@loja.com) ok"),
            ("ana@www.loja.com", "(ana@www.loja.com)"),
            (
                "<!channel> <@U1> @here #geral *x* :wave:",
                "<!channel> <@U1> @here #geral *x* :wave:",
            ),
        ] {
            let (_, block) = to_literal_json(text);
            let shown_now: String = block["elements"][0]["elements"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| {
                    let text = run["text"].as_str().unwrap();
                    if run["type"] == "link" { address(text) } else { text.to_owned() }
                })
                .collect();
            assert_eq!(shown_now, shown, "{text}");
        }
    }

    #[test]
    fn a_link_leads_where_a_browser_would_go() {
        let (_, block) = to_literal_json("https://lojá.com/promoção");
        let link = &block["elements"][0]["elements"][0];
        assert_eq!(link["url"], "https://xn--loj-gla.com/promo%C3%A7%C3%A3o");
        assert_eq!(link["text"], "https://lojá.com/promoção");
    }

    #[test]
    fn the_notification_is_escaped_and_harmful_characters_are_gone() {
        let (text, block) = to_literal_json("a\0b\u{7}\r\n\tc\u{202E}d\u{2066}<!channel>&amp;");
        assert_eq!(text, "ab\n\tcd&lt;!channel&gt;&amp;amp;");
        assert_eq!(block["elements"][0]["elements"][0]["text"], "ab\n\tcd<!channel>&amp;");
        assert_eq!(
            to_literal_json(""),
            (String::new(), rich_text_block(&[rich_text_section(&[])]))
        );
    }

    /// Any JSON, often with the words that Slack uses.
    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "rich_text",
            "rich_text_section",
            "rich_text_list",
            "rich_text_quote",
            "rich_text_preformatted",
            "text",
            "emoji",
            "link",
            "user",
            "date",
            "ordered",
            "1f44b",
            "",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            words.prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        let fields = prop::sample::select(vec![
            "type",
            "elements",
            "text",
            "name",
            "unicode",
            "skin_tone",
            "url",
            "user_id",
            "style",
            "indent",
            "offset",
            "timestamp",
            "fallback",
        ]);
        leaf.prop_recursive(5, 60, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((fields.clone(), inner), 0..6).prop_map(|fields| {
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                }),
            ]
        })
    }

    /// A customer's words, often with addresses.
    fn customer_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            r"\PC{0,8}",
            Just("\0\r\n\t\u{202E}\u{2069}".to_owned()),
            r"(http|HTTPS|mailto)://?[a-z@./()?&*_]{0,12}",
            r"[<@#!>&;*_~`:]{0,5}",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_json_is_read_without_losing_the_text(blocks in any_json()) {
            let rich = read_blocks(&blocks, "oi");
            prop_assert!(!rich.0.is_empty());
            let wrapped = json!([rich_text_block(&[rich_text_section(std::slice::from_ref(&blocks)), blocks])]);
            let rich = read_blocks(&wrapped, "oi");
            prop_assert!(!rich.0.is_empty());
        }

        #[test]
        fn a_literal_block_says_exactly_what_the_customer_wrote(text in customer_text()) {
            let (fallback, block) = to_literal_json(&text);
            let runs = block["elements"][0]["elements"].as_array().unwrap();
            let said: String = runs.iter().map(|run| run["text"].as_str().unwrap()).collect();
            prop_assert_eq!(&said, &clean_text(&text));
            prop_assert_eq!(unescape_mrkdwn(&fallback), said);
            prop_assert!(!fallback.contains(['<', '>']));
            for run in runs {
                prop_assert_ne!(&run["text"], "");
                if run["type"] == "link" {
                    let url = Url::parse(run["url"].as_str().unwrap()).unwrap();
                    prop_assert!(["http", "https", "mailto"].contains(&url.scheme()));
                }
            }
        }

        #[test]
        fn what_is_said_literally_reads_back_the_same(text in "[a-z <>&;*_~@#!\n]{1,30}") {
            let (fallback, block) = to_literal_json(&text);
            let rich = read_blocks(&json!([block]), &fallback);
            let expected = RichText::from_plain(text.as_str());
            prop_assert!(text.trim().is_empty() || rich == expected, "{:?}", rich);
        }
    }
}
