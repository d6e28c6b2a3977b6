//! What Slack says over a socket, and what we say back (`slack.md` B.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionEnd {
    /// Slack will close it and expects another one.
    Refresh,
    Lost,
    /// The app does not use Socket Mode any more.
    SwitchedOff,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The connection is ready.
    Hello,
    /// Something happened; to be acknowledged with this id once it is kept.
    Envelope {
        /// Names this delivery; a repeated one may have another.
        id: String,
        /// What a request to our address would have carried, byte for byte.
        payload: Vec<u8>,
    },
    /// The connection will be closed.
    Disconnect(ConnectionEnd),
    /// Nothing that we need.
    Other,
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Acknowledgement<'a> {
    envelope_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a Value>,
}

/// Reads a frame; `None` if it cannot be understood.
///
/// Envelopes of kinds that Slack may add are taken like all others: what a payload means is found
/// out later.
pub(super) fn parse_frame(text: &str) -> Option<Frame> {
    let raw: RawFrame<'_> = serde_json::from_str(text).ok()?;
    match (raw.kind.as_str(), raw.envelope_id) {
        ("hello", _) => Some(Frame::Hello),
        // The library opens another connection here, again and again (`slack.md` A.6). Nothing
        // comes until somebody changes the app's settings.
        ("disconnect", _) if raw.reason.as_deref() == Some("link_disabled") => {
            Some(Frame::Disconnect(ConnectionEnd::SwitchedOff))
        }
        ("disconnect", _) => Some(Frame::Disconnect(ConnectionEnd::Refresh)),
        (_, Some(id)) => {
            // As bytes: what is stored must be what a request would have brought, for one way of
            // reading both.
            let payload = raw.payload?.get().as_bytes().to_vec();
            Some(Frame::Envelope { id, payload })
        }
        (_, None) => Some(Frame::Other),
    }
}

/// The words that acknowledge an envelope; what is answered goes along.
pub(super) fn format_acknowledgement(id: &str, answer: Option<&Value>) -> String {
    let words = Acknowledgement { envelope_id: id, payload: answer };
    serde_json::to_string(&words).expect("JSON can be written")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_frame_is_told_from_the_others() {
        let envelope = |payload: &str| {
            Some(Frame::Envelope { id: "1".to_owned(), payload: payload.as_bytes().to_vec() })
        };
        for (text, frame) in [
            (r#"{"type":"hello","num_connections":1}"#, Some(Frame::Hello)),
            (
                r#"{"type":"events_api","envelope_id":"1","payload":{"a": 1.0},"retry_attempt":2}"#,
                envelope(r#"{"a": 1.0}"#),
            ),
            (r#"{"type":"new_kind","envelope_id":"1","payload":{}}"#, envelope("{}")),
            (
                r#"{"type":"disconnect","reason":"warning"}"#,
                Some(Frame::Disconnect(ConnectionEnd::Refresh)),
            ),
            (
                r#"{"type":"disconnect","reason":"link_disabled"}"#,
                Some(Frame::Disconnect(ConnectionEnd::SwitchedOff)),
            ),
            (r#"{"type":"news"}"#, Some(Frame::Other)),
            (r#"{"type":"events_api","envelope_id":"1"}"#, None),
            (r#"{"type":"events_api","envelope_id":"1","payload":{"#, None),
            (r#"{"envelope_id":"1","payload":{}}"#, None),
            ("hello", None),
        ] {
            assert_eq!(parse_frame(text), frame, "{text}");
        }
    }

    #[test]
    fn an_acknowledgement_carries_an_answer_if_there_is_one() {
        assert_eq!(format_acknowledgement("a\"b", None), r#"{"envelope_id":"a\"b"}"#);
        let answer = json!({"response_action": "clear"});
        assert_eq!(
            format_acknowledgement("1", Some(&answer)),
            r#"{"envelope_id":"1","payload":{"response_action":"clear"}}"#
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".*") {
            parse_frame(&text);
        }
    }
}
