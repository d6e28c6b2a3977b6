//! The arguments of a Web API call and its answer, read as strictly as Slack may.

use serde_json::{Map, Value, json};

/// What a method answers: the fields beside `ok`, or why not.
pub(super) type Answer = Result<Value, Refusal>;

/// A refusal with one of Slack's error codes.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Slack's word for it.
    pub(super) code: String,
    /// What the caller did wrong; none if the world is merely not as it thinks.
    pub(super) mistake: Option<String>,
    /// Further fields of the answer.
    pub(super) extra: Map<String, Value>,
    /// Seconds to wait, if the call was one too many.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    /// The world is not as the caller thinks; that may happen to anybody.
    pub(super) fn world(code: &str) -> Self {
        Self { code: code.to_owned(), mistake: None, extra: Map::new(), retry_after: None }
    }

    /// The caller should not have asked like this.
    pub(super) fn mistake(code: &str, why: impl Into<String>) -> Self {
        Self { mistake: Some(why.into()), ..Self::world(code) }
    }

    /// One call too many.
    pub(super) fn rate_limited(seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::world("ratelimited") }
    }

    /// Adds a field to the answer.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// The answer's body.
    pub(super) fn into_body(self) -> Value {
        let mut body = self.extra;
        body.insert("ok".to_owned(), json!(false));
        body.insert("error".to_owned(), json!(self.code));
        Value::Object(body)
    }
}

/// The arguments of one call.
#[derive(Debug)]
pub(super) struct Args {
    values: Map<String, Value>,
}

impl Args {
    /// Takes the arguments as they were sent.
    pub(super) fn new(values: Map<String, Value>) -> Self {
        Self { values }
    }

    /// The names of all arguments.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// An argument of any type.
    fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// A text, if it is there; a number instead is a mistake, for a time stamp is no number.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(key, "a string", other)),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str) -> Result<&str, Refusal> {
        self.text(key)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::mistake("invalid_arguments", format!("{key} is missing")))
    }

    /// A yes or no; no if it is not there.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if matches!(text.as_str(), "true" | "1") => Ok(true),
            Some(Value::String(text)) if matches!(text.as_str(), "false" | "0" | "") => Ok(false),
            Some(other) => Err(wrong_type(key, "a boolean", other)),
        }
    }

    /// A count, if it is there.
    pub(super) fn count(&self, key: &str) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.map(Some).ok_or_else(|| wrong_type(key, "a number", value))
    }

    /// A structure; in a form it is JSON in a string.
    pub(super) fn json(&self, key: &str) -> Result<Option<Value>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| Refusal::mistake("invalid_arguments", format!("{key}: {error}"))),
            Some(Value::Array(_) | Value::Object(_)) => Ok(self.get(key).cloned()),
            Some(other) => Err(wrong_type(key, "JSON", other)),
        }
    }

    /// A list; in a form it is JSON in a string.
    pub(super) fn list(&self, key: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.json(key)? {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong_type(key, "a list", &other)),
        }
    }
}

fn wrong_type(key: &str, wanted: &str, found: &Value) -> Refusal {
    Refusal::mistake("invalid_arguments", format!("{key} is not {wanted}: {found}"))
}
