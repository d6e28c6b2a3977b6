//! Writing an agent's words for a customer, in the marks of the customer's channel.
//!
//! Knows how each channel shows bold or code and how much it takes at once. A mark that the
//! channel would not understand is worse than none, so marks are left out where the channel is not
//! known to have them and where they would not take effect. Nothing is escaped: the channels in
//! question have no escape.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::text::{TextLimit, split_within};
use crate::model::ticket::WHATSAPP_DOMAIN;
use crate::model::{ChannelId, Inline, Paragraph, RichText, SlackUserId, Style};

/// What a name is replaced by where it is not known, the same in every language.
const UNKNOWN_NAME: &str = "…";

/// How a channel marks the looks of text; an empty mark means that it cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StyleMarks {
    pub(crate) bold: &'static str,
    pub(crate) italic: &'static str,
    pub(crate) strike: &'static str,
    /// Around code within a line.
    pub(crate) code: &'static str,
    /// Around a block of code.
    pub(crate) pre: &'static str,
}

/// WhatsApp's marks, as its help pages teach them. The triple backtick works on every version.
const WHATSAPP_MARKS: StyleMarks =
    StyleMarks { bold: "*", italic: "_", strike: "~", code: "```", pre: "```" };

/// No marks at all.
const NO_MARKS: StyleMarks = StyleMarks { bold: "", italic: "", strike: "", code: "", pre: "" };

/// Longest text where the channel's own limit is not known.
const DEFAULT_LIMIT: TextLimit = TextLimit::Characters(4096);
/// What marks may take that end before a cut and begin anew behind it.
const MARKS_ROOM: usize = 12;
/// The largest share of a limit up to which marked words are not cut.
const KEPT_SHARE: usize = 4;

/// Domains of channels (`blip.md` §2.5), their marks, and the longest text they take.
///
/// Limits are those of the network behind the channel: Meta's for WhatsApp (`blip.md` §7),
/// Messenger, Workplace and Instagram (which counts bytes), Google's for RCS. A short message may
/// be joined of ten parts of 67 characters each; an e-mail is one however long it is.
const CHANNEL_TEXT_RULES: [(&str, StyleMarks, TextLimit); 10] = [
    (WHATSAPP_DOMAIN, WHATSAPP_MARKS, TextLimit::Characters(4096)),
    ("0mn.io", NO_MARKS, DEFAULT_LIMIT),
    ("messenger.gw.msging.net", NO_MARKS, TextLimit::Characters(2000)),
    ("workplace.gw.msging.net", NO_MARKS, TextLimit::Characters(2000)),
    ("instagram.gw.msging.net", NO_MARKS, TextLimit::Bytes(1000)),
    ("telegram.gw.msging.net", NO_MARKS, TextLimit::Characters(4096)),
    ("googlercs.gw.msging.net", NO_MARKS, TextLimit::Characters(3072)),
    ("mailgun.gw.msging.net", NO_MARKS, TextLimit::Endless),
    ("take.io", NO_MARKS, TextLimit::Characters(670)),
    ("tangram.com.br", NO_MARKS, TextLimit::Characters(670)),
];

impl StyleMarks {
    /// The marks of a channel, by the domain of the customer's identity.
    pub fn for_domain(domain: &str) -> Self {
        find_channel(domain).map_or(NO_MARKS, |&(_, marks, _)| marks)
    }
}

/// The longest text that the customer's channel takes, by the domain of the customer's identity.
pub fn limit_for_domain(domain: &str) -> TextLimit {
    find_channel(domain).map_or(DEFAULT_LIMIT, |&(_, _, limit)| limit)
}

/// A text in parts that the customer's channel takes, by the domain of the customer's identity.
///
/// Addresses and short marked words stay whole. A mark that embraces a cut ends before it and
/// begins anew behind it.
pub fn split_for_channel(text: &str, domain: &str) -> Vec<String> {
    let limit = limit_for_domain(domain);
    if limit.fits(text) {
        return split_within(text, limit, Vec::new()).into_iter().map(str::to_owned).collect();
    }
    let spans = find_spans(text, &StyleMarks::for_domain(domain));
    let is_short = |range: &Range<usize>| {
        let inside = text.get(range.clone()).unwrap_or_default();
        limit.fits(&inside.repeat(KEPT_SHARE))
    };
    let marked = spans.iter().map(|(range, _)| range.clone()).filter(is_short);
    let signs = spans.iter().flat_map(|(range, mark)| {
        [range.start..range.start + mark.len(), range.end - mark.len()..range.end]
    });
    // A cut within an address makes it lead nowhere, and one within a sign shows the sign.
    let kept = find_addresses(text).into_iter().chain(marked).chain(signs).collect();
    let room = if spans.is_empty() { 0 } else { MARKS_ROOM };
    let mut end = 0;
    let pieces = split_within(text, limit.reduced_by(room), kept).into_iter().map(|piece| {
        let start = end;
        end += piece.len();
        close_marks(piece, start..end, &spans)
    });
    pieces.collect()
}

/// A piece of a text with the marks that it is within.
fn close_marks(piece: &str, place: Range<usize>, spans: &[MarkedSpan]) -> String {
    let around = |at: usize| {
        let around = spans.iter().filter(move |(range, _)| range.start < at && at < range.end);
        around.map(|(_, mark)| *mark)
    };
    let before: String = around(place.start).collect();
    let after: String = around(place.end).collect::<Vec<_>>().into_iter().rev().collect();
    // A mark takes effect only where it touches the words.
    let piece = if after.is_empty() { piece } else { piece.trim_end() };
    format!("{before}{piece}{after}")
}

/// Words with a mark around them: where, and which.
type MarkedSpan = (Range<usize>, &'static str);

/// The marked parts of a text, in order.
fn find_spans(text: &str, marks: &StyleMarks) -> Vec<MarkedSpan> {
    let mut spans: Vec<MarkedSpan> = Vec::new();
    if !marks.pre.is_empty() {
        let mut fences = text.match_indices(marks.pre).map(|(place, _)| place);
        while let (Some(start), Some(end)) = (fences.next(), fences.next()) {
            spans.push((start..end + marks.pre.len(), marks.pre));
        }
    }
    let fenced: Vec<Range<usize>> = spans.iter().map(|(range, _)| range.clone()).collect();
    for mark in [marks.bold, marks.italic, marks.strike] {
        if !mark.is_empty() {
            // In a block of code a star is a star.
            let live = |place: &usize| !fenced.iter().any(|fence| fence.contains(place));
            let signs = text.match_indices(mark).map(|(place, _)| place).filter(live);
            spans.extend(find_pairs(text, mark, signs).into_iter().map(|range| (range, mark)));
        }
    }
    spans.sort_by_key(|(range, _)| range.start);
    spans
}

/// The words between two signs of a line that touch them.
fn find_pairs(text: &str, mark: &str, signs: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut pairs = Vec::new();
    let mut open: Option<usize> = None;
    for at in signs {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + mark.len()..).and_then(|text| text.chars().next());
        let touches = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
        let is_apart = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        let is_line = |start: usize| text.get(start..at).is_some_and(|text| !text.contains('\n'));
        match open {
            Some(start) if is_line(start) && touches(before) && is_apart(after) => {
                pairs.push(start..at + mark.len());
                open = None;
            }
            _ if is_apart(before) && touches(after) => open = Some(at),
            _ => {}
        }
    }
    pairs
}

/// Where addresses of the web stand in a text.
fn find_addresses(text: &str) -> Vec<Range<usize>> {
    let address = |(colon, _): (usize, &str)| {
        let scheme = ["https", "http"]
            .into_iter()
            .find(|scheme| text.get(..colon).is_some_and(|before| before.ends_with(scheme)))?;
        let rest = text.get(colon..)?;
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        Some(colon - scheme.len()..colon + end)
    };
    text.match_indices("://").filter_map(address).collect()
}

fn find_channel(domain: &str) -> Option<&'static (&'static str, StyleMarks, TextLimit)> {
    CHANNEL_TEXT_RULES.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(domain))
}

/// What the people, channels and user groups of a message are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MentionNames {
    /// The names of people who are mentioned, as customers are to read them.
    pub people: HashMap<SlackUserId, String>,
    /// Names of channels, with or without `#`.
    pub channels: HashMap<ChannelId, String>,
    /// Handles of user groups by their id, with or without `@`.
    pub groups: HashMap<String, String>,
}

/// Writes formatted text as the plain text that goes to a customer.
///
/// Names that are not known are replaced by the one that came with the mention, or by `@…`.
pub fn write_plain_text(rich: &RichText, names: &MentionNames, marks: &StyleMarks) -> String {
    let mut page = PlainTextWriter { written: String::new(), marks };
    for paragraph in &rich.0 {
        match paragraph {
            Paragraph::Text(inlines) => page.write_paragraph("", "", &to_runs(inlines, names)),
            Paragraph::Quote(inlines) => page.write_paragraph("> ", "> ", &to_runs(inlines, names)),
            Paragraph::Code(code) => page.write_code(code),
            Paragraph::Item { indent, number, is_quoted, text } => {
                let quote = if *is_quoted { "> " } else { "" };
                let depth = "  ".repeat(*indent);
                let bullet = list_bullet(*indent, *number);
                let (first, next) =
                    (format!("{quote}{depth}{bullet} "), format!("{quote}{depth}  "));
                page.write_paragraph(&first, &next, &to_runs(text, names));
            }
        }
    }
    page.written.truncate(page.written.trim_end().len());
    page.written
}

/// The sign of an entry of a list: Slack's own, which change with the depth.
fn list_bullet(indent: usize, number: Option<usize>) -> String {
    match (number, indent % 3) {
        (None, 0) => "•".to_owned(),
        (None, 1) => "◦".to_owned(),
        (None, _) => "▪".to_owned(),
        (Some(number), 1) => format!("{}.", to_letters(number)),
        (Some(number), 2) => format!("{}.", to_roman(number)),
        (Some(number), _) => format!("{number}."),
    }
}

/// 1 is a, 26 is z, 27 is aa.
fn to_letters(mut number: usize) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        number -= 1;
        letters.push(char::from(b'a' + u8::try_from(number % 26).unwrap_or_default()));
        number /= 26;
    }
    letters.into_iter().rev().collect()
}

/// A number in small Roman letters; above what these can say, in digits.
fn to_roman(mut number: usize) -> String {
    const ROMAN_NUMERALS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number > 3999 {
        return number.to_string();
    }
    let mut roman = String::new();
    for (value, sign) in ROMAN_NUMERALS {
        while number >= value {
            roman.push_str(sign);
            number -= value;
        }
    }
    roman
}

/// Words in one style.
struct StyledRun {
    text: String,
    style: Style,
}

/// The runs as words, neighbours of one style joined.
fn to_runs(inlines: &[Inline], names: &MentionNames) -> Vec<StyledRun> {
    let mut runs: Vec<StyledRun> = Vec::new();
    let mut push = |text: &str, style: Style| match runs.last_mut() {
        Some(last) if last.style == style => last.text.push_str(text),
        _ => runs.push(StyledRun { text: text.to_owned(), style }),
    };
    let plain = Style::default();
    for inline in inlines {
        match inline {
            Inline::Text { text, style } => push(text, *style),
            Inline::Link { url, label, style } => {
                let address = shown_address(url);
                match label.as_deref().filter(|label| !is_same_address(label, address)) {
                    // Customers' channels have no labelled links, and a label alone would hide
                    // where it leads.
                    Some(label) => {
                        push(label, *style);
                        push(&format!(" ({address})"), plain);
                    }
                    None => push(address, plain),
                }
            }
            Inline::Person { id, label } => {
                push(&with_sign('@', names.people.get(id).or(label.as_ref())), plain);
            }
            Inline::Channel { id, label } => {
                push(&with_sign('#', names.channels.get(id).or(label.as_ref())), plain);
            }
            Inline::Group { id, label } => {
                push(&with_sign('@', names.groups.get(id).or(label.as_ref())), plain);
            }
            Inline::Broadcast(range) => push(&with_sign('@', Some(range)), plain),
            Inline::CustomEmoji(name) => push(name, plain),
        }
    }
    runs
}

/// A name behind its sign.
fn with_sign(sign: char, name: Option<&String>) -> String {
    let name = name.map_or(UNKNOWN_NAME, |name| name.trim_start_matches(sign));
    format!("{sign}{name}")
}

/// What a customer is shown of an address: the bare one of a mailbox or telephone.
fn shown_address(url: &str) -> &str {
    url.strip_prefix("mailto:").or_else(|| url.strip_prefix("tel:")).unwrap_or(url)
}

/// Whether a link's label says no more than its address.
fn is_same_address(label: &str, address: &str) -> bool {
    let heart = |text: &str| {
        let text = text.trim().to_lowercase();
        // Slack puts a scheme before what was typed without one.
        let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        text.trim_end_matches('/').to_owned()
    };
    let (label, address) = (heart(label), heart(address));
    label.is_empty() || label == address
}

/// Text as it is written, line by line.
struct PlainTextWriter<'a> {
    written: String,
    marks: &'a StyleMarks,
}

impl PlainTextWriter<'_> {
    /// Writes a paragraph: `first` before its first line, `next` before the others.
    fn write_paragraph(&mut self, first: &str, next: &str, runs: &[StyledRun]) {
        if runs.iter().all(|run| run.text.is_empty()) {
            return;
        }
        self.start_line();
        self.written.push_str(first);
        let mut before = None;
        for (place, run) in runs.iter().enumerate() {
            let follower = runs.get(place + 1).and_then(|run| run.text.chars().next());
            let mut lines = run.text.split('\n').peekable();
            while let Some(line) = lines.next() {
                let ends = lines.peek().is_some();
                let after = if ends { None } else { follower };
                self.write_line(line, run.style, before, after);
                before = line.chars().next_back().or(before).filter(|_| !ends);
                if ends {
                    self.written.push('\n');
                    self.written.push_str(next);
                }
            }
        }
    }

    /// Writes words of one style that stand on one line, between the characters `before` and
    /// `after`.
    fn write_line(&mut self, line: &str, style: Style, before: Option<char>, after: Option<char>) {
        // A mark that does not touch the words takes no effect, so blanks at the ends stay outside
        // of it.
        let core = line.trim();
        let (left, right) = line.split_once(core).unwrap_or_default();
        let before = left.chars().next_back().or(before);
        let after = right.chars().next().or(after);
        // WhatsApp takes no mark within a word: the customer would read the signs.
        let in_word = [before, after].into_iter().flatten().any(char::is_alphanumeric);
        let marks: Vec<&str> = if core.is_empty() || in_word {
            Vec::new()
        } else {
            // The channels have no escape: a sign among the words would end the style where it
            // stands.
            self.marks_for(style).filter(|mark| !core.contains(*mark)).collect()
        };
        self.written.push_str(left);
        self.written.extend(marks.iter().copied());
        self.written.push_str(core);
        self.written.extend(marks.iter().rev().copied());
        self.written.push_str(right);
    }

    /// The marks that a style asks for and the channel has, outermost first.
    fn marks_for(&self, style: Style) -> impl Iterator<Item = &'static str> {
        [
            (style.bold, self.marks.bold),
            (style.italic, self.marks.italic),
            (style.strike, self.marks.strike),
            (style.code, self.marks.code),
        ]
        .into_iter()
        .filter_map(|(wanted, mark)| (wanted && !mark.is_empty()).then_some(mark))
    }

    fn write_code(&mut self, code: &str) {
        let pre = self.marks.pre;
        let breaks = code.trim().is_empty() || pre.is_empty() || code.contains(pre);
        let pre = if breaks { "" } else { pre };
        self.start_line();
        self.written.extend([pre, code, pre]);
    }

    fn start_line(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with('\n') {
            self.written.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOLD: Style = Style { bold: true, italic: false, strike: false, code: false };
    const ITALIC: Style = Style { bold: false, italic: true, strike: false, code: false };
    const CODE: Style = Style { bold: false, italic: false, strike: false, code: true };
    const NONE: Style = Style { bold: false, italic: false, strike: false, code: false };

    fn t(text: &str, style: Style) -> Inline {
        Inline::Text { text: text.to_owned(), style }
    }

    fn link(url: &str, label: Option<&str>) -> Inline {
        Inline::Link { url: url.to_owned(), label: label.map(str::to_owned), style: NONE }
    }

    fn item(indent: usize, number: Option<usize>, text: &str) -> Paragraph {
        Paragraph::Item { indent, number, is_quoted: false, text: vec![t(text, NONE)] }
    }

    fn whatsapp(paragraphs: Vec<Paragraph>) -> String {
        let marks = StyleMarks::for_domain("wa.gw.msging.net");
        write_plain_text(&RichText(paragraphs), &MentionNames::default(), &marks)
    }

    #[test]
    fn marks_hug_words_and_stand_at_their_edges() {
        let all = Style { bold: true, italic: true, strike: true, code: true };
        for (inlines, written) in [
            (vec![t("oi", BOLD)], "*oi*"),
            (vec![t("Olá, ", NONE), t("Ana ", BOLD), t("tudo bem?", NONE)], "Olá, *Ana* tudo bem?"),
            (vec![t("um", BOLD), t(" dois", BOLD)], "*um dois*"),
            (vec![t("um\n\n dois", BOLD)], "*um*\n\n *dois*"),
            (vec![t("a", NONE), t("   ", BOLD), t("b", NONE)], "a   b"),
            (vec![t("re", BOLD), t("fazer", NONE)], "refazer"),
            (vec![t("des", NONE), t("feito", ITALIC)], "desfeito"),
            (vec![t("2*3", BOLD)], "2*3"),
            (vec![t("ponto", BOLD), t(".", NONE)], "*ponto*."),
            (vec![t("x", all)], "*_~```x```~_*"),
            (vec![t("um_dois", CODE)], "```um_dois```"),
            (vec![t("um_dois", ITALIC)], "um_dois"),
            (vec![t("oi", BOLD), t("👋", NONE), t("tchau", ITALIC)], "*oi*👋_tchau_"),
        ] {
            assert_eq!(whatsapp(vec![Paragraph::Text(inlines)]), written);
        }
    }

    #[test]
    fn links_show_their_address_once() {
        let bold = Inline::Link {
            url: "https://loja.com".to_owned(),
            label: Some("aqui".to_owned()),
            style: BOLD,
        };
        for (inline, written) in [
            (link("https://loja.com/p?a=1&b=2", None), "https://loja.com/p?a=1&b=2"),
            (link("https://loja.com/", Some("https://loja.com")), "https://loja.com/"),
            (link("http://Loja.com", Some("loja.com")), "http://Loja.com"),
            (link("https://loja.com", Some("")), "https://loja.com"),
            (link("https://loja.com/b", Some("2ª via")), "2ª via (https://loja.com/b)"),
            (link("mailto:ana@loja.com", Some("ana@loja.com")), "ana@loja.com"),
            (link("mailto:ana@loja.com", Some("Ana")), "Ana (ana@loja.com)"),
            (link("tel:+551130030000", None), "+551130030000"),
            (link("tel:+551130030000", Some("(11) 3003-0000")), "(11) 3003-0000 (+551130030000)"),
            (bold, "*aqui* (https://loja.com)"),
        ] {
            assert_eq!(whatsapp(vec![Paragraph::Text(vec![inline])]), written);
        }
    }

    #[test]
    fn mentions_become_names() {
        let person = |label: Option<&str>| Inline::Person {
            id: SlackUserId::parse("U1").unwrap(),
            label: label.map(str::to_owned),
        };
        let channel = |label: Option<&str>| Inline::Channel {
            id: ChannelId::parse("C1").unwrap(),
            label: label.map(str::to_owned),
        };
        let group = |label: Option<&str>| Inline::Group {
            id: "S1".to_owned(),
            label: label.map(str::to_owned),
        };
        let names = MentionNames {
            people: HashMap::from([(SlackUserId::parse("U1").unwrap(), "Ana".to_owned())]),
            channels: HashMap::from([(ChannelId::parse("C1").unwrap(), "geral".to_owned())]),
            groups: HashMap::from([("S1".to_owned(), "@vendas".to_owned())]),
        };
        for (inline, known, unknown) in [
            (person(None), "@Ana", "@…"),
            (person(Some("ana.s")), "@Ana", "@ana.s"),
            (channel(None), "#geral", "#…"),
            (channel(Some("#geral-old")), "#geral", "#geral-old"),
            (group(None), "@vendas", "@…"),
            (group(Some("@time")), "@vendas", "@time"),
            (Inline::Broadcast("here".to_owned()), "@here", "@here"),
        ] {
            let rich = RichText(vec![Paragraph::Text(vec![inline])]);
            assert_eq!(write_plain_text(&rich, &names, &StyleMarks::default()), known);
            assert_eq!(
                write_plain_text(&rich, &MentionNames::default(), &StyleMarks::default()),
                unknown
            );
        }
    }

    #[test]
    fn paragraphs_stand_on_lines_of_their_own() {
        let written = whatsapp(vec![
            Paragraph::Text(vec![t("Passos:\n", BOLD)]),
            item(0, Some(1), "abrir o app"),
            item(1, None, "na loja"),
            item(1, None, "ou no site\nda loja"),
            item(0, Some(2), "entrar"),
            Paragraph::Text(vec![t("\n", NONE)]),
            Paragraph::Quote(vec![t("não abre\n", NONE), t("nada", ITALIC)]),
            Paragraph::Code("let a = *b;\n\n_c_".to_owned()),
            Paragraph::Text(Vec::new()),
            Paragraph::Text(vec![t("fim  \n\n", NONE)]),
        ]);
        insta::assert_snapshot!(written, @r"
        *Passos:*
        1. abrir o app
          ◦ na loja
          ◦ ou no site
            da loja
        2. entrar

        > não abre
        > _nada_
        ```let a = *b;

        _c_```
        fim
        ");
    }

    #[test]
    fn code_that_would_break_its_mark_goes_without() {
        for (code, written) in
            [("a\nb", "```a\nb```"), ("a```b", "a```b"), ("  ", ""), ("`a`", "````a````")]
        {
            assert_eq!(whatsapp(vec![Paragraph::Code(code.to_owned())]), written);
        }
    }

    #[test]
    fn every_channel_has_its_marks_and_limit() {
        for (domain, bold, sign, limit) in [
            ("wa.gw.msging.net", "*", "é", 4096),
            ("WA.gw.msging.net", "*", "é", 4096),
            ("0mn.io", "", "é", 4096),
            // 1,000 bytes.
            ("instagram.gw.msging.net", "", "é", 500),
            ("instagram.gw.msging.net", "", "e", 1000),
            ("take.io", "", "é", 670),
            ("", "", "é", 4096),
        ] {
            assert_eq!(StyleMarks::for_domain(domain).bold, bold, "{domain}");
            assert_eq!(split_for_channel(&sign.repeat(limit), domain).len(), 1, "{domain}");
            assert_eq!(split_for_channel(&sign.repeat(limit + 1), domain).len(), 2, "{domain}");
        }
        let mail = "linha é longa\n".repeat(9000);
        assert_eq!(split_for_channel(&mail, "mailgun.gw.msging.net"), [mail]);
    }

    /// Case S8: Instagram counts bytes, and Cyrillic letters take two.
    #[test]
    fn instagram_gets_no_part_of_more_than_a_thousand_bytes() {
        let text = "Привет, как дела сегодня? ".repeat(61);
        let parts = split_for_channel(&text, "instagram.gw.msging.net");
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|part| part.len() <= 1000));
        assert_eq!(parts.len(), text.len().div_ceil(1000));
    }

    #[test]
    fn no_part_breaks_a_mark_or_an_address() {
        let whatsapp = |text: &str| split_for_channel(text, "wa.gw.msging.net");
        let filler = "a ".repeat(2040);
        let link = "https://loja.example/um/caminho/longo?x=1";
        for whole in ["*muito importante mesmo assim*", link] {
            let parts = whatsapp(&format!("{filler}{whole} fim"));
            assert_eq!(parts[1], format!("{whole} fim"));
        }
        let code = whatsapp(&format!("```{}```", "let a = b;\n".repeat(600)));
        assert!(code.len() > 1);
        for part in &code {
            assert!(part.starts_with("```") && part.ends_with("```"), "{part}");
            assert!(part.len() <= 4096);
        }
        let bold = whatsapp(&format!("*{}fim*", "muito ".repeat(1000)));
        assert_eq!(bold.len(), 2);
        for part in &bold {
            assert!(part.starts_with("*m") && !part.ends_with(" *") && part.ends_with('*'));
        }
        assert_eq!(split_for_channel("", "0mn.io"), Vec::<String>::new());
    }

    fn any_style() -> impl Strategy<Value = Style> {
        any::<[bool; 4]>().prop_map(|[bold, italic, strike, code]| Style {
            bold,
            italic,
            strike,
            code,
        })
    }

    proptest! {
        #[test]
        fn nothing_is_added_but_marks(
            runs in prop::collection::vec(("[a-zé .,\n👋]{0,12}", any_style()), 0..8),
        ) {
            let said: String = runs.iter().map(|(text, _)| text.as_str()).collect();
            let inlines = runs.iter().map(|(text, style)| t(text, *style)).collect();
            let rich = RichText(vec![Paragraph::Text(inlines)]);
            let plain = write_plain_text(&rich, &MentionNames::default(), &StyleMarks::default());
            prop_assert_eq!(&plain, said.trim_end());
            let marked = write_plain_text(&rich, &MentionNames::default(), &WHATSAPP_MARKS);
            prop_assert_eq!(marked.replace(['*', '_', '~', '`'], ""), plain);
        }
    }
}
