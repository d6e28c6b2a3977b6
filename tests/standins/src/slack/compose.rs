//! What Slack's editor makes of typed text: a `rich_text` block and its mrkdwn (slack.md §D.1).

use serde_json::{Map, Value, json};

/// Emoji that people type as a character; Slack stores the name.
const EMOJI: &[(&str, &str)] = &[
    ("👋", "wave"),
    ("👍", "+1"),
    ("👀", "eyes"),
    ("✅", "white_check_mark"),
    ("🔒", "lock"),
    ("🎉", "tada"),
    ("🙏", "pray"),
    ("😊", "blush"),
];
const TONES: &[(&str, &str)] =
    &[("2", "1f3fb"), ("3", "1f3fc"), ("4", "1f3fd"), ("5", "1f3fe"), ("6", "1f3ff")];
const STYLES: &[(char, &str)] = &[('*', "bold"), ('_', "italic"), ('~', "strike"), ('`', "code")];

/// One run: how it stands in the text, and in the block.
type Run = (String, Value);

/// Makes text and blocks of what somebody typed.
pub(super) fn typed(input: &str) -> (String, Vec<Value>) {
    if input.is_empty() {
        return (String::new(), Vec::new());
    }
    let mut rest = input;
    let mut text = String::new();
    let mut runs = Vec::new();
    let mut plain = String::new();
    while let Some(first) = rest.chars().next() {
        if let Some(((shown, run), after)) = token(rest, plain.chars().last()) {
            flush(&mut plain, &mut text, &mut runs);
            text.push_str(&shown);
            runs.push(run);
            rest = after;
        } else {
            plain.push(first);
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    flush(&mut plain, &mut text, &mut runs);
    let section = json!({ "type": "rich_text_section", "elements": runs });
    (text, vec![json!({ "type": "rich_text", "block_id": "b1", "elements": [section] })])
}

fn flush(plain: &mut String, text: &mut String, runs: &mut Vec<Value>) {
    if !plain.is_empty() {
        text.push_str(&escape(plain));
        runs.push(json!({ "type": "text", "text": std::mem::take(plain) }));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The run that begins here, and what comes after it.
fn token(rest: &str, before: Option<char>) -> Option<(Run, &str)> {
    mention(rest)
        .or_else(|| link(rest))
        .or_else(|| named_emoji(rest))
        .or_else(|| emoji(rest))
        .or_else(|| if before.is_none_or(char::is_whitespace) { styled(rest) } else { None })
}

fn mention(rest: &str) -> Option<(Run, &str)> {
    let (inner, after) = rest.strip_prefix('<')?.split_once('>')?;
    let run = if let Some(id) = inner.strip_prefix('@') {
        json!({ "type": "user", "user_id": id })
    } else if let Some(id) = inner.strip_prefix('#') {
        json!({ "type": "channel", "channel_id": id.split('|').next() })
    } else if let Some(id) = inner.strip_prefix("!subteam^") {
        json!({ "type": "usergroup", "usergroup_id": id.split('|').next() })
    } else if matches!(inner, "!here" | "!channel" | "!everyone") {
        json!({ "type": "broadcast", "range": inner.trim_start_matches('!') })
    } else {
        let (url, label) = inner.split_once('|')?;
        json!({ "type": "link", "url": url, "text": label })
    };
    Some(((format!("<{inner}>"), run), after))
}

fn link(rest: &str) -> Option<(Run, &str)> {
    if !rest.starts_with("https://") && !rest.starts_with("http://") {
        return None;
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
    let (url, after) = rest.split_at_checked(end)?;
    Some(((format!("<{}>", escape(url)), json!({ "type": "link", "url": url })), after))
}

fn named_emoji(rest: &str) -> Option<(Run, &str)> {
    let (name, after) = rest.strip_prefix(':')?.split_once(':')?;
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+".contains(c);
    if name.is_empty() || !name.chars().all(sound) || name.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let mut run =
        Map::from_iter([("type".to_owned(), json!("emoji")), ("name".to_owned(), json!(name))]);
    let known = EMOJI.iter().find(|(_, known)| *known == name);
    let mut unicode = known.map(|(character, _)| code_points(character));
    let mut shown = format!(":{name}:");
    let mut after = after;
    if let Some((tone, rest)) = after.strip_prefix(":skin-tone-").and_then(|t| t.split_once(':'))
        && let Some((_, code)) = TONES.iter().find(|(number, _)| *number == tone)
    {
        unicode = unicode.map(|base| format!("{base}-{code}"));
        run.insert("skin_tone".to_owned(), json!(tone.parse::<u8>().ok()));
        shown = format!("{shown}:skin-tone-{tone}:");
        after = rest;
    }
    run.extend(unicode.map(|unicode| ("unicode".to_owned(), json!(unicode))));
    Some(((shown, Value::Object(run)), after))
}

fn emoji(rest: &str) -> Option<(Run, &str)> {
    EMOJI.iter().find_map(|(character, name)| {
        let after = rest.strip_prefix(character)?;
        let run = json!({ "type": "emoji", "name": name, "unicode": code_points(character) });
        Some(((format!(":{name}:"), run), after))
    })
}

fn code_points(text: &str) -> String {
    text.chars().map(|c| format!("{:x}", u32::from(c))).collect::<Vec<_>>().join("-")
}

fn styled(rest: &str) -> Option<(Run, &str)> {
    let (mark, style) = STYLES.iter().find(|(mark, _)| rest.starts_with(*mark))?;
    let (inner, after) = rest.strip_prefix(*mark)?.split_once(*mark)?;
    if inner.is_empty() || inner.trim() != inner || inner.contains('\n') {
        return None;
    }
    let run = json!({ "type": "text", "text": inner, "style": { *style: true } });
    Some(((format!("{mark}{}{mark}", escape(inner)), run), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_becomes_rich_text_and_mrkdwn() {
        let (text, blocks) =
            typed("*oi* <@U1> 1<2 & :wave::skin-tone-3: às 10:30:00 https://a.b?c=1&d");
        assert_eq!(
            text,
            "*oi* <@U1> 1&lt;2 &amp; :wave::skin-tone-3: às 10:30:00 <https://a.b?c=1&amp;d>"
        );
        let runs = &blocks[0]["elements"][0]["elements"];
        assert_eq!(
            *runs,
            json!([
                { "type": "text", "text": "oi", "style": { "bold": true } },
                { "type": "text", "text": " " },
                { "type": "user", "user_id": "U1" },
                { "type": "text", "text": " 1<2 & " },
                { "type": "emoji", "name": "wave", "skin_tone": 3, "unicode": "1f44b-1f3fc" },
                { "type": "text", "text": " às 10:30:00 " },
                { "type": "link", "url": "https://a.b?c=1&d" },
            ])
        );
    }
}
