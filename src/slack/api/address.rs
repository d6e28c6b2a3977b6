//! Where our token may go, and what people wrote.

use url::Url;

/// Whether an address is one that our token, or what a person wrote, may be sent to.
pub(crate) fn is_slack_or_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        // Uploads and `response_url`s live under other hosts than the Web API (`files.slack.com`,
        // `hooks.slack.com`), so the domain is compared; the dot keeps `notslack.com` out.
        "https" => host == "slack.com" || host.ends_with(".slack.com"),
        // Only the stand-ins of tests and of the demo are reached without TLS.
        "http" => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_with_its_host() {
        for (address, goes) in [
            ("https://files.slack.com/files-pri/T1-F1/a.png", true),
            ("https://slack.com/api", true),
            ("http://127.0.0.1:80/files-pri/F1/a.png", true),
            ("http://files.slack.com/a.png", false),
            ("https://slack.com.evil.example/a", false),
            ("https://evilslack.com/a", false),
            ("https://slack.com@evil.example/a", false),
            ("https://cdn.example/a", false),
        ] {
            assert_eq!(is_slack_or_loopback(&Url::parse(address).unwrap()), goes, "{address}");
        }
    }
}
