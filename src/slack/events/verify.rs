//! Whether a request really comes from Slack.
//!
//! Decision: our own check and not the library's, which asks the system for the time, takes text
//! only, and does not tell a wrong signature from a wrong clock. A wrong clock is what an operator
//! has to be told of.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::model::hex::to_hex;

/// The header with Slack's signature.
pub(crate) const SIGNATURE_HEADER: &str = "x-slack-signature";
/// The header with the time at which Slack signed.
pub(crate) const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// How far the time of a signature may be from ours (`slack.md` B.2), so that what somebody has
/// overheard cannot be sent again for long.
pub(crate) const SIGNATURE_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The headers with which Slack proves a request, made with one of its secrets (`slack.md` B.2).
pub(crate) fn sign_body(
    secret: &SecretString,
    now: Timestamp,
    body: &[u8],
) -> [(&'static str, String); 2] {
    let timestamp = now.as_second().to_string();
    let signature = compute_signature(secret, &timestamp, body);
    [(SIGNATURE_HEADER, signature), (TIMESTAMP_HEADER, timestamp)]
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    /// Slack has signed this just now.
    Genuine,
    /// Slack has signed this, so long ago by our clock; with a negative time, in the future. Either
    /// somebody sends it again, or a clock is wrong.
    Stale(SignedDuration),
    /// Nobody knows who this is.
    Forged,
}

/// Checks signatures against all accepted secrets, so that one can be replaced without a gap.
#[derive(Clone)]
pub(crate) struct Verifier(Vec<SecretString>);

impl Verifier {
    /// Accepts what was signed with any of these secrets; an empty one accepts nothing.
    pub(crate) fn new(secrets: &[SecretString]) -> Self {
        let secrets = secrets.iter().filter(|secret| !secret.expose_secret().is_empty());
        Self(secrets.cloned().collect())
    }

    /// Judges a signature over a body by the headers that came with it.
    ///
    /// The comparison takes the same time whatever the signature is (Slack: "Verifying requests
    /// from Slack"; `slack.md` B.2).
    pub(crate) fn check_signature(
        &self,
        signature: &str,
        timestamp: &str,
        body: &[u8],
        now: Timestamp,
    ) -> SignatureCheck {
        let signed = timestamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let Some(signed) = signed else { return SignatureCheck::Forged };
        let is_right = |secret: &SecretString| -> bool {
            // Over the bytes as they came: parsed and written again, the body would have another
            // signature.
            compute_signature(secret, timestamp, body).as_bytes().ct_eq(signature.as_bytes()).into()
        };
        // No short cut: each secret is tried, whatever came of the one before.
        if !self.0.iter().map(is_right).fold(false, |any, one| any | one) {
            return SignatureCheck::Forged;
        }
        // After the signature, so that only Slack's own requests can tell that the clock is wrong:
        // a stranger's time stamp proves nothing. Both directions count, unlike in Bolt (`slack.md`
        // B.2).
        let age = now.duration_since(signed);
        if age.abs() > SIGNATURE_WINDOW {
            SignatureCheck::Stale(age)
        } else {
            SignatureCheck::Genuine
        }
    }
}

fn compute_signature(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [b"v0:", timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    let digest = mac.finalize().into_bytes();
    format!("v0={}", to_hex(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME: i64 = 1_531_420_618;
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
        channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
        command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F\
        T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn judge(secrets: &[&str], time: &str, body: &[u8], now: i64) -> SignatureCheck {
        let secrets: Vec<SecretString> = secrets.iter().map(|s| (*s).to_owned().into()).collect();
        let now = Timestamp::from_second(now).unwrap();
        Verifier::new(&secrets).check_signature(SIGNATURE, time, body, now)
    }

    #[test]
    fn the_example_of_slack_is_genuine_for_five_minutes_both_ways() {
        let at = |now| judge(&["new", SECRET], &TIME.to_string(), BODY.as_bytes(), now);
        for now in [TIME, TIME - 300, TIME + 300] {
            assert_eq!(at(now), SignatureCheck::Genuine, "{now}");
        }
        assert_eq!(at(TIME + 301), SignatureCheck::Stale(SignedDuration::from_secs(301)));
        assert_eq!(at(TIME - 301), SignatureCheck::Stale(SignedDuration::from_secs(-301)));
    }

    #[test]
    fn whatever_was_changed_is_forged() {
        let time = TIME.to_string();
        assert_eq!(judge(&["new", ""], &time, BODY.as_bytes(), TIME), SignatureCheck::Forged);
        assert_eq!(judge(&[], &time, BODY.as_bytes(), TIME), SignatureCheck::Forged);
        assert_eq!(judge(&[SECRET], &time, b"token", TIME), SignatureCheck::Forged);
        assert_eq!(judge(&[SECRET], "1531420619", BODY.as_bytes(), TIME), SignatureCheck::Forged);
        for time in ["", "now", "-9223372036854775808", "9223372036854775807", " 1531420618"] {
            assert_eq!(judge(&[SECRET], time, b"\xff\xfe", TIME), SignatureCheck::Forged, "{time}");
        }
    }
}
