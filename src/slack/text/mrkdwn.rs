//! Reading Slack's mark-up.
//!
//! Slack sends the same words twice: as a `rich_text` block and as `text` in its mark-up
//! (`slack.md` §D.1). The block is exact and comes first; the mark-up is read where there is no
//! block ([`crate::slack::events::message`]). Knows nothing of names: mentions stay mentions until
//! somebody who knows the names writes them out.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;

use super::emoji;
use crate::model::{ChannelId, Inline, Paragraph, RichText, SlackUserId, Style};

/// What begins and ends a block of code.
const CODE_FENCE: &str = "```";

/// The three characters that Slack escapes, without the `&`.
const ESCAPED_ENTITIES: [(&str, char); 3] = [("amp;", '&'), ("lt;", '<'), ("gt;", '>')];

/// Escapes text so that Slack sees no mention, link or entity in it.
pub fn escape_mrkdwn(text: &str) -> String {
    // `&` first, or the others' would be escaped twice. Nothing else has an escape in Slack: `*`
    // and `_` stay marks, which is why customers' words go out as `rich_text` (`slack.md` D.1).
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Takes the escaping off, once: `&amp;lt;` becomes `&lt;`.
pub(crate) fn unescape_mrkdwn(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    // In one pass and not by three replacements, which would turn `&amp;lt;` into `<`: somebody
    // typed `&lt;` there.
    while let Some((before, after)) = rest.split_once('&') {
        let entity =
            ESCAPED_ENTITIES.iter().find_map(|(name, c)| Some((*c, after.strip_prefix(name)?)));
        let (c, tail) = entity.unwrap_or(('&', after));
        plain.push_str(before);
        plain.push(c);
        rest = tail;
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// A moment in words that need no language.
pub(super) fn format_utc(seconds: i64) -> Option<String> {
    let moment = Timestamp::from_second(seconds).ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// What a run says where neither names nor looks matter, such as inside of code.
pub(super) fn inline_to_plain(inline: &Inline) -> String {
    let named = |sign: char, label: &Option<String>| {
        // An id is no word for a customer; the name could not be had here.
        let label = label.as_deref().unwrap_or("…");
        format!("{sign}{}", label.trim_start_matches(sign))
    };
    match inline {
        Inline::Text { text, .. } => text.clone(),
        Inline::Link { url, label, .. } => label.as_ref().unwrap_or(url).clone(),
        Inline::Channel { label, .. } => named('#', label),
        Inline::Person { label, .. } | Inline::Group { label, .. } => named('@', label),
        Inline::Broadcast(range) => format!("@{range}"),
        Inline::CustomEmoji(name) => name.clone(),
    }
}

/// Reads text in Slack's mark-up.
pub fn read_mrkdwn(text: &str) -> RichText {
    let mut paragraphs = Vec::new();
    let mut rest = text;
    while let Some((before, code, after)) = split_code_block(rest) {
        read_lines(before.strip_suffix('\n').unwrap_or(before), &mut paragraphs);
        paragraphs.push(Paragraph::Code(read_code(code)));
        let after = after.trim_start_matches(' ');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    read_lines(rest, &mut paragraphs);
    RichText(paragraphs)
}

/// Text before the first block of code, the code, and what follows.
fn split_code_block(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inside) = text.split_once(CODE_FENCE)?;
    let (code, after) = inside.split_once(CODE_FENCE)?;
    let code = code.strip_prefix('\n').unwrap_or(code);
    let code = code.strip_suffix('\n').unwrap_or(code);
    (!code.trim().is_empty()).then_some((before, code, after))
}

/// Reads text without blocks of code: running text and quotes, each as long as it goes on.
fn read_lines(text: &str, paragraphs: &mut Vec<Paragraph>) {
    if text.is_empty() {
        return;
    }
    let mut lines: Vec<&str> = Vec::new();
    let mut quoting = false;
    let mut to_the_end = false;
    for line in text.split('\n') {
        let (line, quoted) = match strip_quote(line) {
            _ if to_the_end => (line, true),
            Some((line, goes_on)) => {
                to_the_end = goes_on;
                (line, true)
            }
            None => (line, false),
        };
        if quoted != quoting {
            finish_lines(&mut lines, quoting, paragraphs);
            quoting = quoted;
        }
        lines.push(line);
    }
    finish_lines(&mut lines, quoting, paragraphs);
}

fn finish_lines(lines: &mut Vec<&str>, quoted: bool, paragraphs: &mut Vec<Paragraph>) {
    if lines.is_empty() {
        return;
    }
    let inlines = read_inlines(&lines.join("\n"));
    lines.clear();
    paragraphs.push(if quoted { Paragraph::Quote(inlines) } else { Paragraph::Text(inlines) });
}

/// The line without its quote sign, and whether everything after it is quoted too (`>>>`).
fn strip_quote(line: &str) -> Option<(&str, bool)> {
    // Slack escapes the sign as any other `>`, but apps post it as it is, and both show as a quote.
    let long = line.strip_prefix("&gt;&gt;&gt;").or_else(|| line.strip_prefix(">>>"));
    let short = || line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>'));
    let words = long.or_else(short)?;
    Some((words.strip_prefix(' ').unwrap_or(words), long.is_some()))
}

/// A piece of mark-up.
enum Atom<'a> {
    Text(&'a str),
    /// What stands between two backticks.
    Code(&'a str),
    /// What stands between `<` and `>`.
    Token(&'a str),
    /// A sign that may begin or end a style.
    Mark {
        sign: char,
        opens: bool,
        closes: bool,
    },
    /// The end of a line, which no style crosses.
    Break,
}

/// Reads text without blocks of code and quotes.
fn read_inlines(text: &str) -> Vec<Inline> {
    let atoms = split_atoms(text);
    let live = find_paired_marks(&atoms);
    let mut runs = RunBuilder::default();
    for (place, atom) in atoms.into_iter().enumerate() {
        match atom {
            Atom::Mark { sign, .. } if live.contains(&place) => runs.toggle_style(sign),
            Atom::Mark { sign, .. } => runs.raw.push(sign),
            Atom::Text(text) => runs.raw.push_str(text),
            Atom::Break => runs.raw.push('\n'),
            Atom::Token(token) => {
                let inline = read_token(token, runs.style);
                runs.push_inline(inline);
            }
            Atom::Code(code) => {
                let style = Style { code: true, ..runs.style };
                runs.push_inline(Inline::Text { text: read_code(code), style });
            }
        }
    }
    runs.finish_run();
    runs.done
}

/// Runs as they are read: what is done, and raw words that may still grow.
#[derive(Default)]
struct RunBuilder {
    done: Vec<Inline>,
    raw: String,
    style: Style,
}

impl RunBuilder {
    fn push_inline(&mut self, inline: Inline) {
        self.finish_run();
        self.done.push(inline);
    }

    fn toggle_style(&mut self, sign: char) {
        self.finish_run();
        let flag = match sign {
            '*' => &mut self.style.bold,
            '_' => &mut self.style.italic,
            _ => &mut self.style.strike,
        };
        *flag = !*flag;
    }

    fn finish_run(&mut self) {
        if !self.raw.is_empty() {
            self.done.push(Inline::Text { text: unescape_words(&self.raw), style: self.style });
            self.raw.clear();
        }
    }
}

/// Escaped words as they read.
fn unescape_words(raw: &str) -> String {
    emoji::replace_emoji_names(&unescape_mrkdwn(raw)).into_owned()
}

/// Takes mark-up apart, losing nothing.
fn split_atoms(text: &str) -> Vec<Atom<'_>> {
    let mut atoms = Vec::new();
    let mut before = None;
    let mut rest = text;
    while let Some((atom, tail)) = next_atom(rest, before) {
        let taken = rest.len() - tail.len();
        before = rest.get(..taken).and_then(|taken| taken.chars().next_back());
        atoms.push(atom);
        rest = tail;
    }
    atoms
}

/// The first piece of the text, which stands after the character `before`, and the rest.
fn next_atom(text: &str, before: Option<char>) -> Option<(Atom<'_>, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let tail = chars.as_str();
    Some(match first {
        '\n' => (Atom::Break, tail),
        '<' => token_atom(text, tail),
        '`' => match tail.split_once('`') {
            // Slack's inline code ends with its line.
            Some((code, after)) if !code.trim().is_empty() && !code.contains('\n') => {
                (Atom::Code(code), after)
            }
            _ => take_text(text, 1),
        },
        '*' | '_' | '~' => (mark_atom(first, before, tail.chars().next()), tail),
        _ => take_text(text, text.find(['\n', '<', '`', '*', '_', '~']).unwrap_or(text.len())),
    })
}

fn take_text(text: &str, length: usize) -> (Atom<'_>, &str) {
    let (text, tail) = text.split_at_checked(length).unwrap_or((text, ""));
    (Atom::Text(text), tail)
}

/// A `<…>` token; a `<` that none follows is words, but never the beginning of a broken token.
fn token_atom<'a>(text: &'a str, tail: &'a str) -> (Atom<'a>, &'a str) {
    let token = tail.split_once('>').filter(|(token, _)| !token.contains(['<', '\n']));
    match token {
        Some((token, after)) => (Atom::Token(token), after),
        // Without the sign nobody reads half a mention; words such as `a < b` keep theirs.
        None if tail.starts_with(['@', '#', '!', '<']) => (Atom::Text(""), tail),
        None => take_text(text, 1),
    }
}

/// A sign of style; it works at the edge of a word only, and hugs what it embraces.
fn mark_atom(sign: char, before: Option<char>, after: Option<char>) -> Atom<'static> {
    let hugs = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && c != sign);
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != sign);
    Atom::Mark { sign, opens: apart(before) && hugs(after), closes: hugs(before) && apart(after) }
}

/// The places of the marks that have a partner; the others are words.
fn find_paired_marks(atoms: &[Atom<'_>]) -> HashSet<usize> {
    let mut live = HashSet::new();
    let mut open: Vec<(char, usize)> = Vec::new();
    for (place, atom) in atoms.iter().enumerate() {
        match *atom {
            // Slack's styles do not cross lines, so a mark that is left open is a word.
            Atom::Break => open.clear(),
            Atom::Mark { sign, opens, closes } => {
                let partner = open.iter().position(|&(other, _)| closes && other == sign);
                if let Some(partner) = partner {
                    live.extend(open.get(partner).map(|&(_, begin)| begin));
                    live.insert(place);
                    // What was opened inside has no partner any more: `*a _b* c_` is bold with an
                    // underscore in it.
                    open.truncate(partner);
                } else if opens {
                    open.retain(|&(other, _)| other != sign);
                    open.push((sign, place));
                }
            }
            Atom::Text(_) | Atom::Code(_) | Atom::Token(_) => {}
        }
    }
    live
}

/// Reads code: nothing in it means anything, but what Slack itself has marked up reads as typed.
fn read_code(code: &str) -> String {
    let mut plain = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, tail)) = rest.split_once('<') {
        plain.push_str(&unescape_mrkdwn(before));
        let token = rest.get(before.len()..).unwrap_or_default();
        rest = match token_atom(token, tail) {
            (Atom::Token(token), after) => {
                plain.push_str(&inline_to_plain(&read_token(token, Style::default())));
                after
            }
            (Atom::Text(sign), after) => {
                plain.push_str(sign);
                after
            }
            (Atom::Code(_) | Atom::Mark { .. } | Atom::Break, _) => tail,
        };
    }
    plain.push_str(&unescape_mrkdwn(rest));
    plain
}

/// Reads what stands between `<` and `>` (`slack.md` §D.1).
fn read_token(token: &str, style: Style) -> Inline {
    let (body, label) = token.split_once('|').unwrap_or((token, ""));
    // What only repeats the address is none; Slack escapes both.
    let label = Some(label).filter(|label| !label.is_empty() && *label != body).map(unescape_words);
    let text = |text: String| Inline::Text { text, style };
    let mut signs = body.chars();
    match signs.next() {
        Some('@') => match SlackUserId::parse(signs.as_str()) {
            Some(id) => Inline::Person { id, label },
            None => text(label.unwrap_or_else(|| "…".to_owned())),
        },
        Some('#') => match ChannelId::parse(signs.as_str()) {
            Some(id) => Inline::Channel { id, label },
            None => text(label.unwrap_or_else(|| "…".to_owned())),
        },
        Some('!') => read_command(signs.as_str(), label, style),
        // Addresses always have a scheme here, as Slack adds it to what people type (`slack.md`
        // D.1).
        _ if body.contains(':') => {
            Inline::Link { url: unescape_mrkdwn(body).into_owned(), label, style }
        }
        _ => text(label.unwrap_or_else(|| unescape_words(body))),
    }
}

/// Reads what stands behind `<!`: a call, a user group, a moment, or something new.
fn read_command(body: &str, label: Option<String>, style: Style) -> Inline {
    let mut parts = body.split('^');
    let name = parts.next().unwrap_or_default();
    match (name, parts.next()) {
        ("here" | "channel" | "everyone", None) => Inline::Broadcast(name.to_owned()),
        ("subteam", Some(id)) => Inline::Group { id: id.to_owned(), label },
        ("date", Some(seconds)) => {
            let when = label.or_else(|| format_utc(seconds.parse().ok()?));
            let text = when.unwrap_or_else(|| unescape_words(seconds));
            match parts.nth(1) {
                Some(url) => Inline::Link {
                    url: unescape_mrkdwn(url).into_owned(),
                    label: Some(text),
                    style,
                },
                None => Inline::Text { text, style },
            }
        }
        // Slack may add commands; what it shows for one stands in the label.
        _ => Inline::Text { text: label.unwrap_or_else(|| unescape_words(name)), style },
    }
}

/// Formatted text in a short form for tests: one entry per paragraph, looks as `b[…]`.
#[cfg(test)]
pub(super) fn sketch(rich: &RichText) -> Vec<String> {
    let styled = |text: &str, style: Style| {
        let looks =
            [(style.bold, 'b'), (style.italic, 'i'), (style.strike, 's'), (style.code, 'c')];
        let looks: String = looks.iter().filter(|(on, _)| *on).map(|(_, look)| look).collect();
        if looks.is_empty() { text.to_owned() } else { format!("{looks}[{text}]") }
    };
    let run = |run: &Inline| match run {
        Inline::Text { text, style } => styled(text, *style),
        Inline::Link { url, label, style } => {
            let label = label.as_ref().map_or(String::new(), |label| format!("|{label}"));
            styled(&format!("({url}{label})"), *style)
        }
        Inline::Person { id, label } => {
            format!("(person {id} {})", label.as_deref().unwrap_or("-"))
        }
        Inline::Channel { id, label } => {
            format!("(channel {id} {})", label.as_deref().unwrap_or("-"))
        }
        Inline::Group { id, label } => format!("(group {id} {})", label.as_deref().unwrap_or("-")),
        Inline::Broadcast(range) => format!("(call {range})"),
        Inline::CustomEmoji(name) => format!("(emoji {name})"),
    };
    let runs = |runs: &[Inline]| runs.iter().map(run).collect::<String>();
    let paragraphs = rich.0.iter().map(|paragraph| match paragraph {
        Paragraph::Text(text) => runs(text),
        Paragraph::Quote(text) => format!("> {}", runs(text)),
        Paragraph::Code(code) => format!("``` {code}"),
        Paragraph::Item { indent, number, is_quoted, text } => {
            let quote = if *is_quoted { "> " } else { "" };
            let bullet = number.map_or("•".to_owned(), |number| number.to_string());
            format!("{quote}{}{bullet} {}", "-".repeat(*indent), runs(text))
        }
    });
    paragraphs.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_reads_as_slack_shows_it() {
        for (text, shown) in [
            ("Olá! Já vou verificar.", &["Olá! Já vou verificar."][..]),
            ("", &[]),
            ("a\nb\n\nc", &["a\nb\n\nc"]),
            // Entities, once.
            ("a &amp; b &lt;c&gt;", &["a & b <c>"]),
            ("&amp;lt; &amp;amp; &nbsp; &", &["&lt; &amp; &nbsp; &"]),
            // Styles and their edges.
            ("*Oi* _tudo_ ~bem~ `já`", &["b[Oi] i[tudo] s[bem] c[já]"]),
            ("*_tudo junto_*", &["bi[tudo junto]"]),
            ("*negrito _e itálico_ aqui*.", &["b[negrito ]bi[e itálico]b[ aqui]."]),
            ("(*oi*), _á_!", &["(b[oi]), i[á]!"]),
            ("snake_case_name e 2*3*4 e ~5 a ~6", &["snake_case_name e 2*3*4 e ~5 a ~6"]),
            ("* item\n* outro", &["* item\n* outro"]),
            ("*sem\nfim* e * solto *", &["*sem\nfim* e * solto *"]),
            ("**duplo** __x__", &["**duplo** __x__"]),
            ("*a _b* c_", &["b[a _b] c_"]),
            ("nota: * e *preço* final", &["nota: * e b[preço] final"]),
            ("&lt;*x*&gt;", &["<b[x]>"]),
            // Code is left alone, but for entities and what Slack itself has linked.
            ("`:wave: *x* &lt;b&gt;`", &["c[:wave: *x* <b>]"]),
            ("`<https://a.b/c>` `<@U1>` `<@U1|ana>`", &["c[https://a.b/c] c[@…] c[@ana]"]),
            ("``` `", &["``` `"]),
            ("`1 < 2 <@U1`", &["c[1 < 2 @U1]"]),
            (
                "antes\n```\nlet a = b &amp;&amp; *c*;\n:wave:\n```\ndepois",
                &["antes", "``` let a = b && *c*;\n:wave:", "depois"],
            ),
            ("rode ```ls -l``` já ```pwd```", &["rode ", "``` ls -l", "já ", "``` pwd"]),
            ("``````", &["``````"]),
            ("aberto ```sem fim", &["aberto ```sem fim"]),
            // Quotes.
            ("&gt; citado\n&gt;de novo\nresposta", &["> citado\nde novo", "resposta"]),
            ("a\n&gt;&gt;&gt; b\nc *d*", &["a", "> b\nc b[d]"]),
            ("3 &gt; 2", &["3 > 2"]),
            // Mentions.
            ("<@U1> e <@W2|ana.s>:", &["(person U1 -) e (person W2 ana.s):"]),
            ("<#C1|geral> <#C2>", &["(channel C1 geral) (channel C2 -)"]),
            (
                "<!here> <!channel|@channel> <!everyone>",
                &["(call here) (call channel) (call everyone)"],
            ),
            ("<!subteam^S1|@vendas> <!subteam^S2>", &["(group S1 @vendas) (group S2 -)"]),
            ("*<@U1>*", &["(person U1 -)"]),
            ("<@|> <#>", &["… …"]),
            ("<!novo^1|algo &amp; tal> <!novo^1>", &["algo & tal novo"]),
            // Links.
            ("<https://a.b/?x=1&amp;y=2>", &["(https://a.b/?x=1&y=2)"]),
            ("<https://a.b|2ª via &gt; :tada:>", &["(https://a.b|2ª via > 🎉)"]),
            ("*<https://a.b/_x_|aqui>*", &["b[(https://a.b/_x_|aqui)]"]),
            ("<mailto:a@b.c|a@b.c> <tel:+5511|11>", &["(mailto:a@b.c|a@b.c) (tel:+5511|11)"]),
            ("<nada>", &["nada"]),
            // Dates become words.
            ("<!date^1392734382^{date_num} {time}|18/02 às 11h39>", &["18/02 às 11h39"]),
            ("<!date^1392734382^{date}^https://a.b|ontem>", &["(https://a.b|ontem)"]),
            ("<!date^1392734382^{date}>", &["2014-02-18 14:39 UTC"]),
            ("<!date^logo^{date}>", &["logo"]),
            // Emoji.
            ("Bom dia :wave::skin-tone-3: :flag-br: :man-woman-girl-boy:", &["Bom dia 👋🏼 🇧🇷 👨‍👩‍👧‍👦"]),
            (":one: :logo_da_loja: às 10:30:00", &["1️⃣ :logo_da_loja: às 10:30:00"]),
            ("_:slightly_smiling_face: oi_", &["i[🙂 oi]"]),
            // A token that was cut off.
            ("até <@U12", &["até @U12"]),
            ("1 < 2", &["1 < 2"]),
        ] {
            assert_eq!(sketch(&read_mrkdwn(text)), shown, "{text}");
        }
    }

    #[test]
    fn escaped_text_reads_as_it_was() {
        assert_eq!(escape_mrkdwn("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(unescape_mrkdwn("&amp;lt;&lt;&amp;amp;"), "&lt;<&amp;");
    }

    /// A piece of a Slack message as Slack would write it.
    fn markup() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-zé0-9.,*_~` \n]{1,8}",
            1 => r"<@U[A-Z0-9]{1,4}(\|[a-z]{0,4})?>",
            1 => r"<#C[A-Z0-9]{1,4}(\|[a-z]{0,4})?>",
            1 => r"<!(here|channel|subteam\^S1(\|@x)?|date\^[0-9]{1,12}\^\{d\}(\|ontem)?|[a-z]{1,4})>",
            1 => r"<https://a\.b/[a-z_*]{0,5}(\|[a-z &]{0,5})?>",
            1 => " :(wave|\\+1|slightly_smiling_face|flag-br)(::skin-tone-[2-6])?: ",
        ]
    }

    /// All words of a reading that are not code.
    fn words_of(rich: &RichText) -> String {
        let words = rich.inlines().filter_map(|inline| match inline {
            Inline::Text { style, .. } if style.code => None,
            inline => Some(inline_to_plain(inline)),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    proptest! {
        #[test]
        fn no_markup_survives(pieces in prop::collection::vec(markup(), 0..12)) {
            let words = words_of(&read_mrkdwn(&pieces.concat()));
            for raw in ["<@", "<#", "<!", "<https", "&amp;", "&lt;", ":wave:", ":flag-br:", ":+1:"] {
                prop_assert!(!words.contains(raw), "{} in {}", raw, words);
            }
        }

        #[test]
        fn escaped_words_come_back(text in "[a-zé <>&;!@#|^]{0,40}") {
            let quoted = text.starts_with('>');
            let read = words_of(&read_mrkdwn(&escape_mrkdwn(&text)));
            prop_assert!(quoted || read == text, "{:?} {:?}", read, text);
        }

        #[test]
        fn any_text_is_read_and_not_lost(text in "\\PC{0,80}") {
            let rich = read_mrkdwn(&text);
            prop_assert_eq!(rich.0.is_empty(), text.is_empty());
        }
    }
}
