//! The Slack app as Slack creates it from a file: names, scopes, events.
//!
//! The two files in `manifests/` differ only in how Slack reaches the bridge. They can be used as
//! they are, once the public address is filled in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use crate::locale::{Language, TextCatalog};

const HTTP_MANIFEST: &str = include_str!("../manifests/slack-app.http.json");
const SOCKET_MODE_MANIFEST: &str = include_str!("../manifests/slack-app.socket-mode.json");

/// What stands in the files for the address of the bridge.
const PUBLIC_URL_PLACEHOLDER: &str = "https://YOUR-PUBLIC-URL";

/// Where apps are made in Slack.
const CREATE_APP_PAGE: &str = "https://api.slack.com/apps";

/// What has to be escaped wherever it stands in an address.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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

/// The texts of the manifest that people read; Slack has one language of them for all (`slack.md`,
/// additions, 8).
const SHOWN_TEXTS: [&str; 18] = [
    "manifest-command",
    "manifest-hint",
    "manifest-claim",
    "manifest-close",
    "manifest-reply",
    "manifest-compose",
    "manifest-note",
    "manifest-send-note",
    "manifest-details",
    "manifest-comment",
    "button-claim",
    "button-close",
    "dialog-reply",
    "dialog-compose",
    "button-keep-note",
    "button-send",
    "dialog-details",
    "dialog-comment",
];

/// The manifest as JSON, in this language: for Socket Mode, which needs no address, or with the
/// address filled in.
pub fn render_manifest(
    socket_mode: bool,
    public_url: Option<&str>,
    language: Language,
) -> Result<String, Error> {
    if socket_mode {
        return Ok(translate_manifest(SOCKET_MODE_MANIFEST, language));
    }
    let url = Url::parse(public_url.ok_or(Error::NoPublicUrl)?).ok();
    let url = url.filter(|url| url.scheme() == "https").ok_or(Error::NotHttps)?;
    // A parsed address is percent-encoded: no quote or backslash of it can end the JSON string.
    let manifest = translate_manifest(HTTP_MANIFEST, language);
    Ok(manifest.replace(PUBLIC_URL_PLACEHOLDER, url.as_str().trim_end_matches('/')))
}

/// Puts the texts of a language in the place of the English ones that stand in the files.
fn translate_manifest(manifest: &str, language: Language) -> String {
    let texts = TextCatalog::new();
    let quoted = |language, key| Value::from(texts.get_text(language, key, &[])).to_string();
    SHOWN_TEXTS.iter().fold(manifest.to_owned(), |manifest, key| {
        manifest.replace(&quoted(Language::En, key), &quoted(language, key))
    })
}

/// The manifest without blanks, to be part of a link.
fn shorten_manifest(manifest: &str) -> String {
    serde_json::from_str(manifest)
        .map_or_else(|_| manifest.to_owned(), |json: Value| json.to_string())
}

/// The link to the page on which Slack makes an app of a manifest: what is to be filled in there is
/// filled in.
pub fn create_app_link(manifest: &str) -> String {
    let manifest = shorten_manifest(manifest);
    let manifest = utf8_percent_encode(&manifest, NOT_UNRESERVED);
    format!("{CREATE_APP_PAGE}?new_app=1&manifest_json={manifest}")
}

/// The scopes that the manifest asks for.
pub(crate) fn list_scopes() -> Vec<String> {
    list_strings("/oauth_config/scopes/bot")
}

/// The events that the manifest subscribes to.
pub(crate) fn list_events() -> Vec<String> {
    list_strings("/settings/event_subscriptions/bot_events")
}

/// A list in the manifest; the two files have the same ones.
fn list_strings(pointer: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_str(SOCKET_MODE_MANIFEST).unwrap_or_default();
    let list = manifest.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
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
            let text = render_manifest(false, Some(url), Language::En).unwrap();
            let manifest: Value = serde_json::from_str(&text).unwrap();
            let settings = &manifest["settings"];
            assert_eq!(settings["event_subscriptions"]["request_url"], filled);
            assert_eq!(settings["interactivity"]["request_url"], filled);
            assert!(!text.contains(PUBLIC_URL_PLACEHOLDER));
        }
    }

    #[test]
    fn the_link_carries_the_whole_manifest() {
        let manifest =
            render_manifest(false, Some("https://bridge.loja.com/a&b"), Language::PtBr).unwrap();
        let link = Url::parse(&create_app_link(&manifest)).unwrap();
        assert_eq!((link.host_str(), link.path()), (Some("api.slack.com"), "/apps"));
        let pairs: Vec<(String, String)> = link.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("new_app".to_owned(), "1".to_owned()));
        assert_eq!(pairs[1].0, "manifest_json");
        let [carried, whole] = [pairs[1].1.as_str(), &manifest]
            .map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(carried, whole);
        // A plus in a query is a space to some and a plus to others.
        assert!(!link.as_str().contains('+') && link.as_str().len() < 8_000, "{link}");
    }

    #[test]
    fn an_address_that_slack_cannot_use_is_refused() {
        assert_eq!(render_manifest(false, None, Language::En), Err(Error::NoPublicUrl));
        for url in ["http://localhost:3000", "bridge", ""] {
            assert_eq!(
                render_manifest(false, Some(url), Language::En),
                Err(Error::NotHttps),
                "{url}"
            );
        }
        assert!(
            render_manifest(true, None, Language::Es)
                .is_ok_and(|text| !text.contains("request_url"))
        );
    }
}
