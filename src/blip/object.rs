//! An object whose fields are noted as they are read, so that what is left over can be named.
//!
//! Senders add fields to types that we know. Whoever reads a type through this shows what it
//! understands, and what it does not: nothing of a known type is dropped because nobody had thought
//! of it.

use std::cell::RefCell;

use serde_json::Value;

use super::lenient::{self, truncate_text};

/// Most fields that are named because nobody had read them.
const MAX_UNREAD_FIELDS: usize = 20;

/// Most characters that are shown of one of them.
const MAX_UNREAD_CHARS: usize = 300;

/// How deep they are looked for.
const MAX_UNREAD_DEPTH: usize = 6;

/// An object and what was read of it. Anything else is an object without fields.
pub(super) struct TrackedObject<'v> {
    value: &'v Value,
    read: RefCell<Vec<&'static str>>,
}

impl<'v> TrackedObject<'v> {
    pub(super) fn new(value: &'v Value) -> Self {
        Self { value, read: RefCell::default() }
    }

    /// The object in a field; one without fields if there is none.
    pub(super) fn take_object(&self, name: &'static str) -> Self {
        Self::new(self.take_value(name).unwrap_or(&Value::Null))
    }

    /// A field, which counts as read from now on.
    pub(super) fn take_value(&self, name: &'static str) -> Option<&'v Value> {
        self.ignore_fields(&[name]);
        self.value.get(name).filter(|value| !value.is_null())
    }

    /// A field as text, see [`lenient::get_text`]. One that is none was not read.
    pub(super) fn take_text(&self, name: &'static str) -> Option<String> {
        let text = lenient::get_text(self.value, name)?;
        self.ignore_fields(&[name]);
        Some(text)
    }

    /// The elements of a field. One that is no list was not read.
    pub(super) fn take_list(&self, name: &'static str) -> &'v [Value] {
        let Some(list) = self.value.get(name).and_then(Value::as_array) else { return &[] };
        self.ignore_fields(&[name]);
        list
    }

    /// Leaves fields out that tell an agent nothing.
    pub(super) fn ignore_fields(&self, names: &[&'static str]) {
        self.read.borrow_mut().extend(names);
    }

    /// What nobody has read: the name of each field and what it holds, a line each.
    pub(super) fn unread_fields(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let read = self.read.borrow();
        for (name, value) in self.value.as_object().into_iter().flatten() {
            if !read.contains(&name.as_str()) {
                list_values(name, value, MAX_UNREAD_DEPTH, &mut lines);
            }
        }
        if lines.len() > MAX_UNREAD_FIELDS {
            lines.truncate(MAX_UNREAD_FIELDS);
            lines.push("…".to_owned());
        }
        lines
    }
}

/// Names each text and number in a value, as far as they are not too many.
fn list_values(name: &str, value: &Value, depth: usize, lines: &mut Vec<String>) {
    if lines.len() > MAX_UNREAD_FIELDS {
        return;
    }
    let fields = value.as_object().into_iter().flatten();
    let inner = fields.map(|(inner, value)| (format!("{name}.{inner}"), value));
    let elements = value.as_array().into_iter().flatten();
    let inner = inner.chain(elements.map(|value| (name.to_owned(), value)));
    match lenient::as_text(value) {
        Some(text) => {
            lines.push(truncate_text(&format!("{name}: {}", text.trim()), MAX_UNREAD_CHARS));
        }
        None if depth == 0 => lines.push(format!("{}: …", truncate_text(name, MAX_UNREAD_CHARS))),
        None => inner.for_each(|(name, value)| list_values(&name, value, depth - 1, lines)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_read_is_named() {
        let value = json!({"a": "1", "b": {"c": 2, "d": ["x", {"e": true}], "f": {}}, "g": " ", "h": [1], "i": null});
        let object = TrackedObject::new(&value);
        assert_eq!(object.take_text("a").as_deref(), Some("1"));
        assert_eq!(object.take_text("h"), None);
        assert_eq!(object.unread_fields(), ["b.c: 2", "b.d: x", "b.d.e: true", "h: 1"]);
        object.ignore_fields(&["b", "h"]);
        assert_eq!(object.unread_fields(), [""; 0]);
        assert_eq!(TrackedObject::new(&json!("text")).unread_fields(), [""; 0]);
    }

    #[test]
    fn what_is_named_is_bounded() {
        let mut deep = json!("core");
        for _ in 0..30 {
            deep = json!({"a".repeat(9): deep});
        }
        let many: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let value = json!({"deep": deep, "many": many, "long": "x".repeat(9000)});
        let left = TrackedObject::new(&value).unread_fields();
        assert_eq!(left.len(), MAX_UNREAD_FIELDS + 1);
        assert!(left.iter().all(|line| line.chars().count() <= MAX_UNREAD_CHARS + 4), "{left:?}");
    }
}
