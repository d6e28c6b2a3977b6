//! Reads the text of a `.env` file: `KEY=VALUE` lines, quotes, comments, `export`.
//!
//! Knows no variable of ours, replaces nothing within values and needs no file system.

/// Where settings may stand that are not in the environment, in the working directory.
pub(super) const DOTENV_FILE: &str = ".env";

/// A line that cannot be read: its number, and what is wrong with it, which reads on after it.
pub(crate) type UnreadableLine = (usize, &'static str);

/// The settings in `bytes`, in order; or every line that cannot be read.
pub(crate) fn parse_dotenv(bytes: &[u8]) -> Result<Vec<(String, String)>, Vec<UnreadableLine>> {
    let text = decode_utf8(bytes).map_err(|odd| vec![odd])?;
    // Some editors begin a file with a byte order mark, which would become part of the first name.
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    let told = lines.map(|(line, number)| (line.trim(), number));
    let told = told.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let (mut settings, mut odd) = (Vec::new(), Vec::new());
    for (line, number) in told {
        match parse_assignment(line) {
            Ok(setting) => settings.push(setting),
            Err(problem) => odd.push((number, problem)),
        }
    }
    if odd.is_empty() { Ok(settings) } else { Err(odd) }
}

/// A line that sets a variable to a value. It is read as it was written by [`parse_dotenv`], by a
/// shell, by systemd and by Docker Compose: quotes stand only where they are needed.
pub(crate) fn format_assignment(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@%+=,".contains(c);
    if value.chars().all(is_plain) && !value.is_empty() {
        format!("{name}={value}")
    } else if value.contains(['\'', '\n']) {
        let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        format!("{name}=\"{escaped}\"")
    } else {
        format!("{name}='{value}'")
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<&str, UnreadableLine> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((1, "is UTF-16: save the file as UTF-8"));
    }
    str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + String::from_utf8_lossy(before).matches('\n').count();
        (line, "is not UTF-8: save the file as UTF-8")
    })
}

fn parse_assignment(line: &str) -> Result<(String, String), &'static str> {
    // People load the same file into a shell as well.
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("is neither NAME=value nor a comment")?;
    let name = name.trim();
    if !is_setting_name(name) {
        return Err("has a name that is not made of letters, digits and _");
    }
    let value = match value.trim().split_at_checked(1) {
        Some(("'", rest)) => parse_quoted(rest, '\'')?,
        Some(("\"", rest)) => parse_quoted(rest, '"')?,
        _ => parse_unquoted(value)?,
    };
    Ok((name.to_owned(), value))
}

fn is_setting_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// A value without quotes ends where a comment begins: at a `#` after a space.
fn parse_unquoted(value: &str) -> Result<String, &'static str> {
    let comment = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    let value = value.get(..comment).unwrap_or(value).trim();
    // They come along when a line is copied from a document, and would be taken for part of a
    // token.
    if value.starts_with(['“', '”', '‘', '’', '„', '«', '`']) {
        return Err("begins with a typographic quote: use \" or '");
    }
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err("has a control character in its value");
    }
    Ok(value.to_owned())
}

/// A value up to its closing quote; between double quotes a backslash escapes what follows.
fn parse_quoted(text: &str, quote: char) -> Result<String, &'static str> {
    const UNCLOSED_QUOTE: &str = "has a quote that is not closed on the same line";
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next().ok_or(UNCLOSED_QUOTE)? {
            c if c == quote => break,
            '\\' if quote == '"' => value.push(match chars.next().ok_or(UNCLOSED_QUOTE)? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => value.push(c),
        }
    }
    let rest = chars.as_str().trim();
    let is_end = rest.is_empty() || rest.starts_with('#');
    is_end.then_some(value).ok_or("goes on after the closing quote")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_shell_would() {
        for (line, value) in [
            ("A=one", "one"),
            ("  A = one two  ", "one two"),
            ("export A=one", "one"),
            ("A=one # comment", "one"),
            ("A=#name", "#name"),
            ("A=a#b", "a#b"),
            ("A=", ""),
            ("A='one # two'", "one # two"),
            (r"A='\n'", r"\n"),
            (r#"A="say \"hi\"\n" # comment"#, "say \"hi\"\n"),
            ("A=x=y", "x=y"),
            ("A=ação", "ação"),
        ] {
            assert_eq!(
                parse_dotenv(line.as_bytes()),
                Ok(vec![("A".to_owned(), value.to_owned())]),
                "{line}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(value in r"[^\p{C}]{0,30}|[\n'#\\a ]{0,10}") {
            let value = value.trim();
            let line = format_assignment("A", value);
            let read = parse_dotenv(line.as_bytes());
            proptest::prop_assert_eq!(read, Ok(vec![("A".to_owned(), value.to_owned())]));
        }
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        let text = "\u{feff}# a\r\n\r\nA=1\r\n  # b\nB=2";
        let read = parse_dotenv(text.as_bytes()).unwrap();
        assert_eq!(read, [("A".into(), "1".into()), ("B".into(), "2".into())]);
    }

    #[test]
    fn every_odd_line_is_named_with_what_is_wrong() {
        for (line, problem) in [
            ("A", "neither NAME=value"),
            ("PORT: 3000", "neither NAME=value"),
            ("=1", "a name that"),
            ("1A=1", "a name that"),
            ("A B=1", "a name that"),
            ("PÓRT=1", "a name that"),
            ("A='1", "not closed"),
            ("A=\"1\\", "not closed"),
            ("A='1' 2", "goes on after"),
            ("A=“1”", "typographic quote"),
            ("A=1\rB=2", "control character"),
            ("A=1\u{2}", "control character"),
        ] {
            let odd = parse_dotenv(format!("# fine\nZ=1\n{line}\nB").as_bytes()).unwrap_err();
            let [(3, told), (4, _)] = odd.as_slice() else { panic!("{line:?}: {odd:?}") };
            assert!(told.contains(problem), "{line:?}: {told}");
        }
    }

    #[test]
    fn other_encodings_are_named() {
        assert_eq!(parse_dotenv(b"\xff\xfeA\0=\0").unwrap_err()[0].0, 1);
        let [(2, problem)] = parse_dotenv(b"A=1\nB=a\xe7\xe3o\n").unwrap_err()[..] else {
            panic!()
        };
        assert!(problem.contains("UTF-8"));
    }
}
