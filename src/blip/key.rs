//! Keys of bots and the addresses that they are for (`blip.md` §1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// The bot to which a key belongs, as the key itself says. A key of another form than usual says nothing:
/// a hash takes the place of the name, as what is stored must not contain the key.
pub(crate) fn key_owner(key: &SecretString) -> String {
    let bare = bare_key(key).as_bytes();
    key_name(key).unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, bare).to_string())
}

/// The identity of the bot that a key names.
pub(crate) fn key_identity(key: &SecretString) -> Option<String> {
    key_name(key).map(|name| format!("{name}@msging.net"))
}

/// The bot that a key names: what is before its access key (`blip.md` §1.1).
pub(super) fn key_name(key: &SecretString) -> Option<String> {
    let pair = String::from_utf8(STANDARD.decode(bare_key(key)).ok()?).ok()?;
    let (name, _) = pair.split_once(':')?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn bare_key(key: &SecretString) -> &str {
    let key = key.expose_secret().trim();
    key.strip_prefix("Key ").unwrap_or(key)
}

/// The contract in the address of Blip (`blip.md` §1.1), if it is of that form.
pub(crate) fn address_contract(api_url: &str) -> Option<String> {
    let host = api_url.split("://").nth(1)?.split(['/', ':']).next()?.to_ascii_lowercase();
    host.strip_suffix(".http.msging.net").map(str::to_owned)
}
