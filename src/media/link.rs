//! Addresses of ours under which one file of Slack's can be had for a while.
//!
//! The last part of an address is a token: which file, until when, and a mark (HMAC-SHA256) that
//! nobody else can make. There is nothing to list and no path to climb. The key is derived from the
//! bot token with a label of its own, so that it can be used for nothing else: no secret more to
//! set, and a new bot token ends all addresses.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// Sets this key apart from others that are made of the same secret.
const KEY_LABEL: &[u8] = b"blip-slack media link v1";
/// The length of an HMAC with SHA-256.
const MAC_BYTES: usize = 32;
/// Bytes of the time.
const EXPIRY_BYTES: usize = 8;
/// Longest file id that is taken; Slack's have about eleven characters.
const MAX_FILE_ID_BYTES: usize = 64;

/// Makes and reads addresses of files.
#[derive(Clone, Debug)]
pub struct FileLinks {
    key: SecretSlice<u8>,
    base: Option<String>,
    life: Duration,
}

/// Why an address is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidLink {
    /// We did not make it.
    Forged,
    /// Its time is over.
    Expired,
}

impl FileLinks {
    /// Addresses begin with `base` and are good for this long. Without a base none can be made.
    pub fn new(secret: &SecretString, base: Option<&str>, life: Duration) -> Self {
        let key =
            compute_mac(secret.expose_secret().as_bytes(), &[KEY_LABEL]).finalize().into_bytes();
        let base = base.map(|base| base.trim_end_matches('/').to_owned());
        Self { key: key.to_vec().into(), base, life }
    }

    /// The address of a file from now on; `None` if we do not know under which name others reach
    /// us.
    pub(crate) fn make_link(&self, file: &str, now: Timestamp) -> Option<String> {
        // The time is in the token, so that nothing has to be kept, and any instance can read it.
        let until = now.checked_add(self.life).unwrap_or(Timestamp::MAX).as_second();
        let (until, file) = (until.to_be_bytes(), file.as_bytes());
        let mark = compute_mac(self.key.expose_secret(), &[&until, file]).finalize().into_bytes();
        let token = URL_SAFE_NO_PAD.encode([mark.as_slice(), &until, file].concat());
        Some(format!("{}/media/{token}", self.base.as_ref()?))
    }

    /// The file that a token is for.
    ///
    /// # Errors
    ///
    /// The token is not ours, or its time is over.
    pub fn read_token(&self, token: &str, now: Timestamp) -> Result<String, InvalidLink> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_other| InvalidLink::Forged)?;
        let (mark, claim) = bytes.split_at_checked(MAC_BYTES).ok_or(InvalidLink::Forged)?;
        let (until, file) = claim.split_first_chunk::<EXPIRY_BYTES>().ok_or(InvalidLink::Forged)?;
        let ours = compute_mac(self.key.expose_secret(), &[until, file]).verify_slice(mark);
        // Before anything in it is believed, the time too.
        ours.map_err(|_other| InvalidLink::Forged)?;
        if now.as_second() > i64::from_be_bytes(*until) {
            return Err(InvalidLink::Expired);
        }
        let file =
            String::from_utf8(file.to_vec()).ok().filter(|file| file.len() <= MAX_FILE_ID_BYTES);
        file.ok_or(InvalidLink::Forged)
    }
}

fn compute_mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn links(secret: &str) -> FileLinks {
        FileLinks::new(&secret.to_owned().into(), Some("https://bridge.loja.com/"), HOUR)
    }

    fn now() -> Timestamp {
        "2026-08-03T17:00:00Z".parse().unwrap()
    }

    fn token(links: &FileLinks) -> String {
        let link = links.make_link("F0123ABC", now()).unwrap();
        link.strip_prefix("https://bridge.loja.com/media/").unwrap().to_owned()
    }

    #[test]
    fn a_link_is_for_one_file_and_for_a_while() {
        let links = links("xoxb-1");
        let token = token(&links);
        assert_eq!(links.read_token(&token, now()).unwrap(), "F0123ABC");
        assert_eq!(links.read_token(&token, now() + HOUR).unwrap(), "F0123ABC");
        let late = now() + HOUR + Duration::from_secs(1);
        assert_eq!(links.read_token(&token, late), Err(InvalidLink::Expired));
    }

    #[test]
    fn without_an_address_of_ours_there_are_no_links() {
        let links = FileLinks::new(&"xoxb-1".to_owned().into(), None, HOUR);
        assert_eq!(links.make_link("F1", now()), None);
    }

    #[test]
    fn nobody_else_can_make_one() {
        let token = token(&links("xoxb-1"));
        assert_eq!(links("xoxb-2").read_token(&token, now()), Err(InvalidLink::Forged));
        for other in ["", "..", "F0123ABC", "%2e%2e%2f", token.get(1..).unwrap()] {
            assert_eq!(
                links("xoxb-1").read_token(other, now()),
                Err(InvalidLink::Forged),
                "{other}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_change_is_noticed(at in 0_usize..48, bit in 0_u32..8) {
            let links = links("xoxb-1");
            let mut bytes = URL_SAFE_NO_PAD.decode(token(&links)).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1_u8 << bit;
            let changed = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(links.read_token(&changed, now()), Err(InvalidLink::Forged));
        }
    }
}
