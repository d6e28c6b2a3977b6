//! The Slack app as Slack creates it from a file: names, scopes, events.
//!
//! The two files in `manifests/` differ only in how Slack reaches the bridge. They can be used as
//! they are, once the public address is filled in.

use url::Url;

const HTTP_MANIFEST: &str = include_str!("../manifests/slack-app.http.json");
const SOCKET_MODE_MANIFEST: &str = include_str!("../manifests/slack-app.socket-mode.json");

/// What stands in the files for the address of the bridge.
const PUBLIC_URL_PLACEHOLDER: &str = "https://YOUR-PUBLIC-URL";

/// Why no manifest can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Slack has to be told where to send requests.
    #[error(
        "set PUBLIC_URL to the address under which Slack reaches the bridge, or use Socket Mode"
    )]
    NoPublicUrl,
    /// Slack sends requests over https only.
    #[error("PUBLIC_URL must be an https address that Slack can reach")]
    NotHttps,
}

/// The manifest as JSON: for Socket Mode, which needs no address, or with the address filled in.
pub fn render_manifest(socket_mode: bool, public_url: Option<&str>) -> Result<String, Error> {
    if socket_mode {
        return Ok(SOCKET_MODE_MANIFEST.to_owned());
    }
    let url = Url::parse(public_url.ok_or(Error::NoPublicUrl)?).ok();
    let url = url.filter(|url| url.scheme() == "https").ok_or(Error::NotHttps)?;
    // A parsed address is percent-encoded: no quote or backslash of it can end the JSON string.
    Ok(HTTP_MANIFEST.replace(PUBLIC_URL_PLACEHOLDER, url.as_str().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_filled_in_and_stays_inside_its_string() {
        for (url, filled) in [
            ("https://bridge.loja.com", "https://bridge.loja.com/slack/events"),
            ("https://bridge.loja.com/a/", "https://bridge.loja.com/a/slack/events"),
            (r#"https://loja.com/","x\":"#, "https://loja.com/%22,%22x/%22:/slack/events"),
        ] {
            let text = render_manifest(false, Some(url)).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            let settings = &manifest["settings"];
            assert_eq!(settings["event_subscriptions"]["request_url"], filled);
            assert_eq!(settings["interactivity"]["request_url"], filled);
            assert!(!text.contains(PUBLIC_URL_PLACEHOLDER));
        }
    }

    #[test]
    fn an_address_that_slack_cannot_use_is_refused() {
        assert_eq!(render_manifest(false, None), Err(Error::NoPublicUrl));
        for url in ["http://localhost:3000", "bridge", ""] {
            assert_eq!(render_manifest(false, Some(url)), Err(Error::NotHttps), "{url}");
        }
        assert!(render_manifest(true, None).is_ok_and(|text| !text.contains("request_url")));
    }
}
