//! Files in a document, by their addresses.

use serde_json::Value;

use super::lenient::as_integer;
use super::lime::is_lime;
use super::object::TrackedObject;
use super::reader::append_unread;
use crate::model::{CardLine, Content, LinkedFile};

/// Reads a media link.
pub(super) fn read_media_link(value: &Value) -> Option<Content> {
    read_media(value, None)
}

/// Reads a document whose type is that of a file, such as `image/png`.
pub(super) fn read_file_of_type(kind: &str, value: &Value) -> Option<Content> {
    read_media(value, Some(kind))
}

pub(super) fn read_media(value: &Value, kind: Option<&str>) -> Option<Content> {
    let link = TrackedObject::new(value);
    link.ignore_fields(&["aspectRatio", "previewType", "authorizationRealm", "secure"]);
    let preview_url = link.take_text("previewUri");
    let address = value.as_str().filter(|text| is_file_address(text)).map(str::to_owned);
    // In a document without a value of its own, `type` is the document's and no file's.
    let own_type = link.take_text("type").filter(|kind| !is_lime(kind));
    let media = Content::Media(LinkedFile {
        // A preview is better than nothing where the file itself has no address (`blip.md` §6).
        url: link.take_text("uri").or(address).or_else(|| preview_url.clone())?,
        mime: own_type.or_else(|| kind.map(str::to_owned)),
        title: link.take_text("title"),
        caption: link.take_text("text"),
        size: link
            .take_value("size")
            .and_then(as_integer)
            .and_then(|size| u64::try_from(size).ok()),
        preview_url,
    });
    link.ignore_fields(&["uri"]);
    Some(append_unread(media, &link))
}

/// A media link that leads nowhere: what it is called and what was written with it stay.
pub(super) fn read_dead_link(value: &Value) -> Option<Content> {
    let link = TrackedObject::new(value);
    let lines = [link.take_text("title"), link.take_text("text")];
    link.ignore_fields(&["uri", "type", "size", "aspectRatio"]);
    let lines: Vec<CardLine> =
        lines.into_iter().flatten().chain(link.unread_fields()).map(CardLine::Said).collect();
    let is_any = !lines.is_empty();
    is_any.then_some(Content::Card { kind: "content-file-unavailable", lines })
}

pub(super) fn is_file_address(text: &str) -> bool {
    let has_scheme = ["http://", "https://", "file://"].iter().any(|s| text.starts_with(s));
    has_scheme && !text.contains(char::is_whitespace)
}
