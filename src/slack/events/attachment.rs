//! Files of a message, as Slack tells of them.

use serde_json::Value;

use super::json::text_at;
use crate::model::{Attachment, FileAccess};

/// Reads one file (`slack.md` C.3).
pub(crate) fn parse_attachment(file: &Value) -> Attachment {
    let url = text_at(file, "/url_private_download").or_else(|| text_at(file, "/url_private"));
    let external = file.get("is_external").and_then(Value::as_bool) == Some(true);
    let access = match (text_at(file, "/mode"), text_at(file, "/file_access")) {
        // The order matters: of a file that is gone or hidden Slack still tells a type, and whoever
        // shared it should read the true reason.
        (Some("tombstone"), _) | (_, Some("file_not_found")) => FileAccess::Deleted,
        (Some("hidden_by_limit"), _) => FileAccess::Hidden,
        (_, Some("access_denied")) => FileAccess::Denied,
        _ if let Some(access) = slack_document_access(file) => access,
        // From a Slack Connect channel only the id comes; the rest has to be asked for (`slack.md`
        // C.3).
        (Some("file_access"), _) | (_, Some("check_file_info")) => FileAccess::Ask,
        // Its address leads out of Slack, where our token must not go.
        (Some("external"), _) => FileAccess::Elsewhere,
        _ if external => FileAccess::Elsewhere,
        _ if url.is_none() => FileAccess::Ask,
        _ => FileAccess::Open,
    };
    let name = text_at(file, "/name").or_else(|| text_at(file, "/title"));
    Attachment {
        id: text_at(file, "/id").unwrap_or_default().to_owned(),
        name: name.unwrap_or("?").to_owned(),
        mime: text_at(file, "/mimetype").map(str::to_ascii_lowercase),
        // A size of 0 is what Slack says before it has looked at the file; it must not count as a
        // fact.
        size: file.get("size").and_then(Value::as_u64).filter(|size| *size > 0),
        url: url.map(str::to_owned),
        access,
    }
}

/// What Slack keeps beside files and hands out as a web page, if at all (`slack.md` 3.3).
fn slack_document_access(file: &Value) -> Option<FileAccess> {
    let marks = ["/mode", "/filetype", "/mimetype"].map(|mark| text_at(file, mark));
    marks.into_iter().flatten().find_map(|mark| match mark {
        "quip" | "canvas" | "application/vnd.slack-docs" => Some(FileAccess::Canvas),
        "list" | "application/vnd.slack-list" => Some(FileAccess::List),
        "post" | "space" => Some(FileAccess::Post),
        "email" => Some(FileAccess::Email),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_slack_keeps_beside_files_is_known_by_any_of_its_marks() {
        let access = |field: &str, mark: &str| {
            let mut file = json!({"id": "F1", "name": "Assunto", "mode": "hosted", "mimetype": "text/html",
                "size": 15, "url_private": "https://files.slack.com/f"});
            file[field] = json!(mark);
            parse_attachment(&file).access
        };
        for (field, mark, expected) in [
            ("mode", "email", FileAccess::Email),
            ("filetype", "email", FileAccess::Email),
            ("mode", "post", FileAccess::Post),
            ("filetype", "space", FileAccess::Post),
            ("mode", "list", FileAccess::List),
            ("mimetype", "application/vnd.slack-list", FileAccess::List),
            ("filetype", "quip", FileAccess::Canvas),
            ("filetype", "canvas", FileAccess::Canvas),
            ("mimetype", "application/vnd.slack-docs", FileAccess::Canvas),
            ("filetype", "html", FileAccess::Open),
        ] {
            assert_eq!(access(field, mark), expected, "{field} {mark}");
        }
    }
}
