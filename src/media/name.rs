//! What a file is called, so that it opens and plays where it arrives.

/// Longest name that is made, in characters.
const MAX_NAME_CHARS: usize = 100;

// A table of ours and not that of `mime_guess`, which names the endings of a type by the alphabet: a
// voice message in `audio/mp4` would become `.mp4a` and a song in `audio/midi` `.kar`, which phones
// do not open, and of `audio/amr` it knows nothing.
/// Endings of the types that customers send; the first of a type is the one that is written.
const TYPE_EXTENSIONS: [(&str, &[&str]); 50] = [
    ("image/jpeg", &["jpg", "jpeg", "jfif"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/heic", &["heic"]),
    ("image/heif", &["heif", "heic"]),
    ("image/avif", &["avif"]),
    ("image/bmp", &["bmp"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/svg+xml", &["svg"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/mp4", &["m4a"]),
    ("audio/aac", &["aac"]),
    ("audio/amr", &["amr"]),
    ("audio/wav", &["wav"]),
    ("audio/webm", &["weba"]),
    ("audio/flac", &["flac"]),
    ("audio/x-caf", &["caf"]),
    ("audio/3gpp", &["3gp"]),
    ("audio/x-ms-wma", &["wma"]),
    ("audio/midi", &["mid", "midi"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("video/3gpp", &["3gp"]),
    ("video/quicktime", &["mov"]),
    ("video/webm", &["webm"]),
    ("video/mpeg", &["mpg", "mpeg"]),
    ("video/x-msvideo", &["avi"]),
    ("video/x-matroska", &["mkv"]),
    ("application/pdf", &["pdf"]),
    ("application/zip", &["zip"]),
    ("application/vnd.rar", &["rar"]),
    ("application/x-7z-compressed", &["7z"]),
    ("application/gzip", &["gz", "tgz"]),
    ("application/rtf", &["rtf"]),
    ("application/xml", &["xml"]),
    ("application/epub+zip", &["epub"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    ("application/json", &["json"]),
    ("application/msword", &["doc"]),
    ("application/vnd.ms-excel", &["xls"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
    ("text/plain", &["txt", "log"]),
    ("text/csv", &["csv"]),
    ("text/html", &["html", "htm"]),
    ("text/vcard", &["vcf"]),
    ("text/calendar", &["ics"]),
];

/// Types that files of many kinds are said to be: whatever ending such a file has is believed.
const VAGUE_TYPES: [&str; 5] =
    ["text/plain", "text/html", "application/zip", "application/xml", "application/json"];

/// Other names of these types.
const TYPE_ALIASES: [(&str, &str); 15] = [
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("audio/opus", "audio/ogg"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-wav", "audio/wav"),
    ("text/x-vcard", "text/vcard"),
    ("application/x-zip-compressed", "application/zip"),
    ("application/x-rar-compressed", "application/vnd.rar"),
    ("application/x-rar", "application/vnd.rar"),
    ("application/x-gzip", "application/gzip"),
    ("text/rtf", "application/rtf"),
    ("text/xml", "application/xml"),
    ("audio/x-flac", "audio/flac"),
];

/// A file's whole type: the claimed one if it is whole, else the one it was sent with.
///
/// LIME has major types of its own for voice messages and stickers (`blip.md` §6), which no
/// player knows.
pub fn full_type(claimed: Option<&str>, sent: Option<&str>) -> Option<String> {
    let whole = |kind: &&str| kind.split_once('/').is_some_and(|(_, minor)| !minor.is_empty());
    // Servers say `application/octet-stream` of whatever they do not know.
    let not_vague = |kind: &&str| !kind.ends_with("/octet-stream") && !kind.ends_with("/*");
    let kinds = [claimed, sent].into_iter().flatten().filter(whole);
    let best = kinds.clone().find(not_vague).or_else(|| kinds.clone().next())?;
    let kind = best.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = match kind.split_once('/') {
        Some(("voice", minor)) => format!("audio/{minor}"),
        Some(("sticker", minor)) => format!("image/{minor}"),
        _ => kind,
    };
    Some(canonical_type(&kind).to_owned())
}

/// A name that ends as its type asks for, so that every player and viewer knows what it is.
pub fn file_name(title: Option<&str>, kind: Option<&str>, otherwise: &str) -> String {
    // Names go into headers, and onto disks of customers: no path, no line break, and nothing that
    // turns `gpj.exe` around.
    let safe =
        |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '"' | '\u{202a}'..='\u{202e}');
    let title: String = title.unwrap_or_default().chars().filter(|c| safe(*c)).collect();
    let title = title.trim().trim_matches('.').trim();
    let stem: &str = if title.is_empty() { otherwise } else { title };
    let kind = kind.map(|kind| canonical_type(kind.split(';').next().unwrap_or(kind).trim()));
    let found = kind.and_then(|kind| TYPE_EXTENSIONS.iter().find(|(known, _)| *known == kind));
    let Some((kind, endings)) = found else { return keep_end(stem, MAX_NAME_CHARS) };
    let written = stem.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let fits = |written: &str| {
        endings.contains(&written) || VAGUE_TYPES.contains(kind) && is_file_extension(written)
    };
    if written.is_some_and(|written| fits(&written)) {
        return keep_end(stem, MAX_NAME_CHARS);
    }
    let ending = endings.first().copied().unwrap_or("bin");
    format!("{}.{ending}", keep_end(stem, MAX_NAME_CHARS - ending.len() - 1))
}

/// The name of a type under which we know it.
fn canonical_type(kind: &str) -> &str {
    TYPE_ALIASES.iter().find(|(alias, _)| *alias == kind).map_or(kind, |(_, name)| name)
}

/// Whether the last part of a name looks like the ending of a file, and not like a word.
fn is_file_extension(part: &str) -> bool {
    // `v1.2` and `01.02.2026` end in no type.
    (2..=5).contains(&part.len())
        && part.chars().all(|c| c.is_ascii_alphanumeric())
        && part.contains(|c: char| c.is_ascii_alphabetic())
}

/// Keeps the end of a name, which says what it is.
fn keep_end(name: &str, max: usize) -> String {
    let count = name.chars().count();
    name.chars().skip(count.saturating_sub(max)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_ends_as_its_type_asks_for() {
        for (title, kind, name) in [
            (Some("foto.jpg"), "image/jpeg", "foto.jpg"),
            (Some("foto.JPEG"), "image/jpeg", "foto.JPEG"),
            (Some("Nota v2.0"), "application/pdf", "Nota v2.0.pdf"),
            (Some("relatório.final"), "application/pdf", "relatório.final.pdf"),
            (Some("Contrato assinado"), "application/pdf", "Contrato assinado.pdf"),
            (Some("script.py"), "text/plain", "script.py"),
            (Some("leia"), "text/plain; charset=utf-8", "leia.txt"),
            (Some("arquivo.rar"), "application/x-rar-compressed", "arquivo.rar"),
            (None, "image/heif", "file.heif"),
            (None, "image/avif", "file.avif"),
            (None, "audio/x-caf", "file.caf"),
            (Some("fatura.pdf.exe"), "application/pdf", "fatura.pdf.exe.pdf"),
            (None, "audio/ogg", "file.ogg"),
            (Some(""), "video/mp4", "file.mp4"),
            (Some("../../etc/passwd"), "text/plain", "etcpasswd.txt"),
            (Some("a\u{202e}gpj.exe"), "image/png", "agpj.exe.png"),
            (Some("dados"), "application/x-unheard-of", "dados"),
        ] {
            assert_eq!(file_name(title, Some(kind), "file"), name);
        }
    }

    #[test]
    fn the_claimed_type_counts_if_it_is_whole() {
        for (claimed, sent, kind) in [
            (Some("image/png"), Some("image/jpeg"), Some("image/png")),
            (Some("audio/ogg; codecs=opus"), None, Some("audio/ogg")),
            (Some("voice/ogg"), None, Some("audio/ogg")),
            (Some("sticker/webp"), None, Some("image/webp")),
            (Some("image"), Some("image/jpeg"), Some("image/jpeg")),
            (Some("application/octet-stream"), Some("Application/PDF"), Some("application/pdf")),
            (Some("audio/mp3"), None, Some("audio/mpeg")),
            (Some("image"), None, None),
        ] {
            assert_eq!(full_type(claimed, sent).as_deref(), kind, "{claimed:?} {sent:?}");
        }
    }

    proptest! {
        #[test]
        fn any_title_gives_a_name(title in "\\PC{0,200}", kind in "[a-z]{1,5}/[a-z+]{1,9}") {
            let name = file_name(Some(&title), Some(&kind), "file");
            prop_assert!(!name.is_empty() && name.chars().count() <= MAX_NAME_CHARS);
            prop_assert!(!name.contains(['/', '\\', '\n']));
        }
    }
}
