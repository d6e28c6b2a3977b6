//! LIME envelopes as Blip's HTTP endpoints read and answer them (blip.md §1.1, §2).

use serde_json::{Map, Value, json};

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// LIME's reason code; Blip leaves it out at times.
    pub(super) code: Option<i64>,
    /// The reason in words.
    pub(super) description: String,
    /// Whether the caller should have known better.
    pub(super) mistake: bool,
}

/// The type and resource of a command's answer, if it has one.
pub(super) type Outcome = Result<Option<(&'static str, Value)>, Failure>;

/// The type of a ticket.
pub(super) const TICKET: &str = "application/vnd.iris.ticket+json";
/// The type of a list.
pub(super) const COLLECTION: &str = "application/vnd.lime.collection+json";

impl Failure {
    /// The world is not as the caller thinks; that may happen to anybody.
    pub(super) fn world(code: i64, description: impl Into<String>) -> Self {
        Self { code: Some(code), description: description.into(), mistake: false }
    }

    /// The caller should not have asked like this.
    pub(super) fn mistake(code: i64, description: impl Into<String>) -> Self {
        Self { mistake: true, ..Self::world(code, description) }
    }

    /// There is no such resource.
    pub(super) fn unsupported() -> Self {
        Self::mistake(62, "The resource is not supported")
    }
}

/// A command that could be read.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) id: String,
    /// Whom it is for; the server itself if it does not say.
    pub(super) to: String,
    pub(super) method: String,
    /// The URI's path, still encoded, without `lime://` and the owner.
    pub(super) path: String,
    /// The URI's query, decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) kind: Option<String>,
    pub(super) resource: Option<Value>,
}

impl Command {
    /// Reads a command; the error is what makes the envelope a bad one.
    pub(super) fn parse(envelope: &Map<String, Value>) -> Result<Self, String> {
        let text = |key: &str| text(envelope, key);
        let method = text("method")?.ok_or("no method")?;
        let known = ["get", "set", "merge", "delete", "subscribe", "unsubscribe", "observe"];
        if !known.contains(&method.as_str()) {
            return Err(format!("unknown method {method}"));
        }
        let uri = text("uri")?.ok_or("no uri")?;
        let (path, query) = split_uri(&uri)?;
        let kind = text("type")?;
        let resource = envelope.get("resource").cloned();
        if resource.is_some() && kind.is_none() {
            return Err("a resource without type".to_owned());
        }
        Ok(Self {
            id: text("id")?.filter(|id| !id.is_empty()).ok_or("a command without id")?,
            to: text("to")?.unwrap_or_else(|| "postmaster@msging.net".to_owned()),
            method,
            path,
            query,
            kind,
            resource,
        })
    }

    /// A parameter of the query.
    pub(super) fn param(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The resource, which must be of this type.
    pub(super) fn resource(&self, kind: &str) -> Result<&Value, Failure> {
        match (&self.resource, &self.kind) {
            (None, _) => Err(Failure::mistake(22, "The document is empty")),
            (Some(resource), Some(found)) if found == kind => Ok(resource),
            (Some(_), found) => {
                Err(Failure::mistake(23, format!("The resource is {found:?}, not {kind}")))
            }
        }
    }

    /// The name for faults and records.
    pub(super) fn name(&self) -> String {
        format!("/commands {} {}", self.method, self.path)
    }
}

/// A text field, if it is there; any other type is a bad envelope.
pub(super) fn text(envelope: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match envelope.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("{key} is not a string: {other}")),
    }
}

type Query = Vec<(String, String)>;

/// Takes a URI apart; one that is not percent-encoded is a bad envelope.
fn split_uri(uri: &str) -> Result<(String, Query), String> {
    let allowed = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    if let Some(wrong) = uri.chars().find(|c| !allowed(*c)) {
        return Err(format!("{wrong:?} in the uri is not percent-encoded: {uri}"));
    }
    let path = match uri.strip_prefix("lime://") {
        Some(rest) => rest.split_once('/').map_or("/", |(owner, _)| {
            uri.strip_prefix("lime://").and_then(|rest| rest.strip_prefix(owner)).unwrap_or("/")
        }),
        None => uri,
    };
    if !path.starts_with('/') {
        return Err(format!("the uri is neither absolute nor begins with /: {uri}"));
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    // A plus is a plus here; only %20 is a space.
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Ok((path.to_owned(), pairs.map(|(key, value)| (decode(key), decode(value))).collect()))
}

/// Undoes percent-encoding once.
pub(super) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The answer to a command; its status is in the body (blip.md §1.1).
pub(super) fn answer(command: &Command, bot: &str, outcome: &Outcome) -> Value {
    let who = command.to.split('/').next().unwrap_or_default();
    let mut out = json!({
        "id": command.id, "method": command.method, "from": format!("{who}/#az-iris7"), "to": bot,
        "metadata": {
            "traceparent": "00-5d5f5fa4a1c2ab9b4fd5f6b4e4a6c0e7-2a3b4c5d6e7f8091-01",
            "#command.uri": format!("lime://{bot}{}", command.path),
        },
    });
    match outcome {
        Ok(found) => {
            out["status"] = json!("success");
            if let Some((kind, resource)) = found {
                out["type"] = json!(kind);
                out["resource"] = resource.clone();
            }
        }
        Err(failure) => {
            out["status"] = json!("failure");
            out["reason"] = json!({ "description": failure.description });
            if let Some(code) = failure.code {
                out["reason"]["code"] = json!(code);
            }
        }
    }
    out
}

/// A list of things of one type.
pub(super) fn collection(item_type: &str, items: &[Value]) -> (&'static str, Value) {
    (COLLECTION, json!({ "total": items.len(), "itemType": item_type, "items": items }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_taken_apart_and_must_be_encoded() {
        let (path, query) = split_uri("/tickets?$filter=status%20eq%20'open'&$take=10").unwrap();
        assert_eq!(path, "/tickets");
        assert_eq!(query[0], ("$filter".to_owned(), "status eq 'open'".to_owned()));
        assert_eq!(split_uri("lime://loja@msging.net/threads/a%40b").unwrap().0, "/threads/a%40b");
        for bad in ["/tickets?$filter=status eq 'open'", "/contacts/joão", "tickets"] {
            assert!(split_uri(bad).is_err(), "{bad}");
        }
    }
}
