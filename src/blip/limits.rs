//! How large the files may be that a channel takes.

const MB: u64 = 1 << 20;

/// The largest file of this type that the customer's channel takes, in bytes, where that is known:
/// WhatsApp's limits (`blip.md` §7).
pub fn largest_file(domain: &str, mime: &str) -> Option<u64> {
    if !domain.eq_ignore_ascii_case("wa.gw.msging.net") {
        return None;
    }
    Some(match mime.split('/').next() {
        Some("image") => 5 * MB,
        Some("audio" | "video") => 16 * MB,
        _ => 100 * MB,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatsapp_has_a_limit_for_each_kind() {
        let limit = |mime| largest_file("wa.gw.msging.net", mime);
        assert_eq!(limit("image/png"), Some(5 * MB));
        assert_eq!(limit("audio/ogg"), Some(16 * MB));
        assert_eq!(limit("video/mp4"), Some(16 * MB));
        assert_eq!(limit("application/pdf"), Some(100 * MB));
        assert_eq!(largest_file("0mn.io", "image/png"), None);
    }
}
