//! Whether a request really comes from Slack.

use secrecy::{ExposeSecret, SecretString};
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::SlackEventSignatureVerifier;

/// The header with Slack's signature.
pub const SIGNATURE_HEADER: &str = SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER;
/// The header with the time at which Slack signed.
pub const TIMESTAMP_HEADER: &str = SlackEventSignatureVerifier::SLACK_SIGNED_TIMESTAMP;

/// Checks signatures against all accepted secrets, so that one can be replaced without a gap.
#[derive(Clone)]
pub struct Verifier(Vec<SlackEventSignatureVerifier>);

impl Verifier {
    /// Accepts what was signed with any of these secrets; an empty one accepts nothing.
    pub fn new(secrets: &[SecretString]) -> Self {
        let verifier = |secret: &SecretString| {
            let secret = SlackSigningSecret::from(secret.expose_secret().to_owned());
            SlackEventSignatureVerifier::new(&secret)
        };
        Self(secrets.iter().map(verifier).collect())
    }

    /// Whether the signature is right for this body, and not older or newer than five minutes.
    ///
    /// The comparison takes the same time whatever the signature is (Slack: "Verifying requests
    /// from Slack"; `slack.md` B.2).
    pub fn accepts(&self, signature: &str, timestamp: &str, body: &[u8]) -> bool {
        // A time stamp outside of this range cannot be recent, and the library subtracts unchecked.
        let plausible = timestamp.parse::<i64>().is_ok_and(|ts| (0..=1 << 40).contains(&ts));
        let Ok(body) = std::str::from_utf8(body) else { return false };
        plausible && self.0.iter().any(|v| v.verify(signature, body, timestamp).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        let verifier = Verifier::new(&["secret".to_owned().into()]);
        for timestamp in ["", "now", "-9223372036854775808", "9223372036854775807", "1531420618"] {
            assert!(!verifier.accepts("v0=00", timestamp, b"{}"), "{timestamp}");
        }
        assert!(!verifier.accepts("v0=00", "1531420618", b"\xff\xfe"));
    }
}
