//! From a permission to connect to a connection.
//!
//! Decision: the socket is opened by our own HTTP client and only then handed to tungstenite, so
//! there is one TLS set-up and one way through proxies. slack-morphism's connection manager would
//! bring a second HTTP stack, drops acknowledgements when it reconnects and acknowledges what it
//! cannot read (`slack.md` A.6).

use reqwest::{Upgraded, header};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

use crate::slack::api::address::is_slack_or_loopback;
use crate::slack::api::error::Error;

/// Where Slack is asked for an address to connect to.
pub(super) const OPEN_CONNECTION_METHOD: &str = "apps.connections.open";

/// A connection to Slack.
pub(super) type SlackWebSocket = WebSocketStream<Upgraded>;

/// Connects to an address that Slack gave us. The address holds a secret and goes into no log.
#[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = "websocket"))]
pub(super) async fn connect_websocket(
    http: &reqwest::Client,
    address: &str,
) -> Result<SlackWebSocket, Error> {
    let url = to_http_url(address).ok_or_else(|| Error::Api {
        method: OPEN_CONNECTION_METHOD,
        code: "not_an_address_of_slack".to_owned(),
    })?;
    let key = generate_key();
    let request = http
        .get(url)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let response = request
        .send()
        .await
        .map_err(|_lost| Error::Unreachable { method: OPEN_CONNECTION_METHOD })?;
    // A proxy may answer 101 by itself; only who speaks the protocol derives this from our key.
    let expected = derive_accept_key(key.as_bytes());
    let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if response.status() != reqwest::StatusCode::SWITCHING_PROTOCOLS
        || accepted.is_none_or(|accepted| accepted.as_bytes() != expected.as_bytes())
    {
        let what = format!("no socket but status {}", response.status().as_u16());
        return Err(Error::OutcomeUnknown { method: OPEN_CONNECTION_METHOD, what });
    }
    let upgraded = response
        .upgrade()
        .await
        .map_err(|_lost| Error::Unreachable { method: OPEN_CONNECTION_METHOD })?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}

/// The same address for the HTTP client, if it is one that we may connect to.
fn to_http_url(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    let scheme = match url.scheme() {
        "wss" => "https",
        "ws" => "http",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    // The address came over the network, and agents' words come back over what it leads to.
    Some(url).filter(is_slack_or_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slack_is_connected_to_and_only_encrypted() {
        for (address, expected) in [
            (
                "wss://wss-primary.slack.com/link/?ticket=1",
                Some("https://wss-primary.slack.com/link/?ticket=1"),
            ),
            ("ws://127.0.0.1:8080/link", Some("http://127.0.0.1:8080/link")),
            ("ws://wss-primary.slack.com/link", None),
            ("wss://slack.com.example/link", None),
            ("wss://notslack.com/link", None),
            ("https://wss-primary.slack.com/link", None),
            ("", None),
        ] {
            assert_eq!(to_http_url(address).map(String::from).as_deref(), expected);
        }
    }
}
