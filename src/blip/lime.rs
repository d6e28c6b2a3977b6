//! Names of LIME that several of its readers use.

/// The type of a ticket document.
pub(crate) const TICKET_TYPE: &str = "application/vnd.iris.ticket+json";

/// A MIME type in lower case without parameters and without LIME's usual wrapping:
/// `application/vnd.lime.select+json` is `lime.select`, `text/plain` stays.
pub(crate) fn short_type(kind: &str) -> String {
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind).trim().to_ascii_lowercase();
    match kind.strip_prefix("application/vnd.") {
        Some(name) => name.strip_suffix("+json").unwrap_or(name).to_owned(),
        None => kind,
    }
}

/// A message id without the prefixes that Blip adds at each hop (`blip.md` §5).
pub(crate) fn strip_forwards(id: &str) -> &str {
    let mut id = id.trim();
    while let Some((prefix, rest)) = id.split_at_checked(4) {
        if !prefix.eq_ignore_ascii_case("fwd:") {
            break;
        }
        id = rest;
    }
    id
}

/// Whether a type is one of Blip's documents, and none of a file.
pub(super) fn is_lime(kind: &str) -> bool {
    let name = short_type(kind);
    name.starts_with("lime.") || name.starts_with("iris.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_stripped_from_the_front_only() {
        for (id, bare) in [
            ("fwd:fwd:ABC", "ABC"),
            ("FWD:fwd:abc", "abc"),
            ("abc:fwd:", "abc:fwd:"),
            ("fwd:", ""),
            ("fwd", "fwd"),
            ("éé", "éé"),
        ] {
            assert_eq!(strip_forwards(id), bare);
        }
    }

    #[test]
    fn types_are_named_shortly() {
        for (kind, name) in [
            ("application/vnd.lime.select+json", "lime.select"),
            ("Application/VND.Lime.Select+JSON; charset=utf-8", "lime.select"),
            ("application/vnd.iris.human-agent-request", "iris.human-agent-request"),
            ("text/plain", "text/plain"),
            ("application/json", "application/json"),
        ] {
            assert_eq!(short_type(kind), name);
        }
    }
}
