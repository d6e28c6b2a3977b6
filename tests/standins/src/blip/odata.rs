//! The little of `OData` that the desk's filters need: `eq`, `and`, `or` and brackets.

use serde_json::Value;

/// Whether a ticket, as Blip writes it, fits a filter; the error says what cannot be read.
pub(super) fn fits(filter: &str, item: &Value) -> Result<bool, String> {
    let mut words = Words { rest: filter };
    let result = any(&mut words, item)?;
    match words.next()? {
        None => Ok(result),
        Some(word) => Err(format!("{word:?} after the end of the filter")),
    }
}

/// What is left to read of a filter.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<&'a str>, String> {
        let rest = self.rest.trim_start();
        let end = match rest.chars().next() {
            None => return Ok(None),
            Some('(' | ')') => 1,
            Some('\'') => {
                let close = rest.char_indices().skip(1).find(|(_, c)| *c == '\'');
                close.map(|(at, _)| at + 1).ok_or("a quote is not closed")?
            }
            Some(_) => {
                rest.find(|c: char| c.is_whitespace() || "()".contains(c)).unwrap_or(rest.len())
            }
        };
        let (word, rest) = rest.split_at_checked(end).ok_or("cut within a character")?;
        self.rest = rest;
        Ok(Some(word))
    }

    fn accept(&mut self, wanted: &str) -> Result<bool, String> {
        let before = self.rest;
        let found = self.next()?.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        if !found {
            self.rest = before;
        }
        Ok(found)
    }

    fn expect(&mut self, what: &str) -> Result<&'a str, String> {
        self.next()?.ok_or_else(|| format!("the filter ends before {what}"))
    }
}

fn any(words: &mut Words<'_>, item: &Value) -> Result<bool, String> {
    let mut result = all(words, item)?;
    while words.accept("or")? {
        result |= all(words, item)?;
    }
    Ok(result)
}

fn all(words: &mut Words<'_>, item: &Value) -> Result<bool, String> {
    let mut result = one(words, item)?;
    while words.accept("and")? {
        result &= one(words, item)?;
    }
    Ok(result)
}

fn one(words: &mut Words<'_>, item: &Value) -> Result<bool, String> {
    if words.accept("(")? {
        let result = any(words, item)?;
        let is_closed = words.accept(")")?;
        return is_closed.then_some(result).ok_or_else(|| "a bracket is not closed".to_owned());
    }
    let field = words.expect("a field")?;
    if !words.accept("eq")? {
        return Err(format!("only eq is known after {field}"));
    }
    let wanted = words.expect("a value")?.trim_matches('\'');
    let fields = item.as_object().into_iter().flatten();
    let mut named = fields.filter(|(name, _)| name.eq_ignore_ascii_case(field));
    Ok(named.any(|(_, value)| match value {
        Value::String(text) => text.eq_ignore_ascii_case(wanted),
        other => wanted.parse::<Value>().is_ok_and(|wanted| wanted == *other),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_seen_in_the_wild_are_understood() {
        let ticket = json!({ "status": "Open", "customerIdentity": "a@b", "sequentialId": 7 });
        for (filter, expected) in [
            ("status eq 'open'", Ok(true)),
            ("status eq 'waiting'", Ok(false)),
            ("sequentialId eq 7", Ok(true)),
            ("(CustomerIdentity eq 'a@b')", Ok(true)),
            ("customerIdentity eq 'a@b' and (status eq 'Waiting' or status eq 'Open')", Ok(true)),
            ("customerIdentity eq 'x' and (status eq 'Waiting' or status eq 'Open')", Ok(false)),
        ] {
            assert_eq!(fits(filter, &ticket), expected, "{filter}");
        }
        for filter in ["status", "status eq", "(status eq 'a'", "status gt 'a'", "status eq 'a"] {
            assert!(fits(filter, &ticket).is_err(), "{filter}");
        }
    }
}
