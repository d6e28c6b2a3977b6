//! How large the files may be that a channel takes.

use crate::model::ticket::WHATSAPP_DOMAIN;

const BYTES_PER_MIB: u64 = 1 << 20;

/// The largest file of this type that the customer's channel takes, in bytes, where that is known:
/// WhatsApp's limits (`blip.md` §7).
pub(crate) fn max_file_size(domain: &str, mime: &str) -> Option<u64> {
    if !domain.eq_ignore_ascii_case(WHATSAPP_DOMAIN) {
        return None;
    }
    Some(match mime.split('/').next() {
        // From Meta's documents, as Blip states none for a channel.
        Some("image") => 5 * BYTES_PER_MIB,
        Some("audio" | "video") => 16 * BYTES_PER_MIB,
        _ => 100 * BYTES_PER_MIB,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatsapp_has_a_limit_for_each_kind() {
        let limit = |mime| max_file_size("wa.gw.msging.net", mime);
        assert_eq!(limit("image/png"), Some(5 * BYTES_PER_MIB));
        assert_eq!(limit("audio/ogg"), Some(16 * BYTES_PER_MIB));
        assert_eq!(limit("video/mp4"), Some(16 * BYTES_PER_MIB));
        assert_eq!(limit("application/pdf"), Some(100 * BYTES_PER_MIB));
        assert_eq!(max_file_size("0mn.io", "image/png"), None);
    }
}
