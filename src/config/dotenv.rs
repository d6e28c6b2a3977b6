//! Reads the text of a `.env` file: `KEY=VALUE` lines, quotes, comments, `export`.
//!
//! Knows no variable of ours, replaces nothing within values and needs no file system.

/// The settings in `text`, in order; or the number of the first line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    lines
        .map(|(line, number)| (line.trim(), number))
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| assignment(line).ok_or(number))
        .collect()
}

fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let value = match value.trim().split_at_checked(1) {
        Some(("'", rest)) => quoted(rest, '\'')?,
        Some(("\"", rest)) => quoted(rest, '"')?,
        _ => bare(value),
    };
    is_name(name).then(|| (name.to_owned(), value))
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// A value without quotes ends where a comment begins: at a `#` after a space.
fn bare(value: &str) -> String {
    let comment = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    value.get(..comment).unwrap_or(value).trim().to_owned()
}

/// A value up to its closing quote; between double quotes a backslash escapes what follows.
fn quoted(text: &str, quote: char) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            c if c == quote => break,
            '\\' if quote == '"' => value.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => value.push(c),
        }
    }
    let rest = chars.as_str().trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(value)
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
            assert_eq!(parse(line), Ok(vec![("A".to_owned(), value.to_owned())]), "{line}");
        }
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        let text = "\u{feff}# a\r\n\r\nA=1\r\n  # b\nB=2";
        let read = parse(text).unwrap();
        assert_eq!(read, [("A".into(), "1".into()), ("B".into(), "2".into())]);
    }

    #[test]
    fn the_first_unreadable_line_is_named() {
        for line in ["A", "=1", "1A=1", "A B=1", "A='1", "A=\"1\\", "A='1' 2"] {
            assert_eq!(parse(&format!("# fine\nZ=1\n{line}\nB")), Err(3), "{line}");
        }
    }
}
