//! Hides numbers of people and cards in what goes to Slack.
//!
//! Everything that the bridge shows there passes through `Mask::apply`: in
//! [`super::Client`] what is posted, updated, published or opened, and as [`Shown`] what Slack is
//! answered. So no view has to think of it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::model::personal::{self, Kind};

/// What is not read by people, or comes back from them and goes to Blip.
///
/// A field that is not listed is taken for something that people read.
const NOT_SHOWN: [&str; 26] = [
    "action_id",
    "block_id",
    "callback_id",
    "channel",
    "channel_id",
    "event_type",
    "external_id",
    "file_id",
    "id",
    // What is typed into a field comes back and goes to the customer as it is.
    "initial_value",
    "metadata",
    // Of an emoji or a reaction.
    "name",
    "private_metadata",
    "response_action",
    "response_type",
    "style",
    "thread_ts",
    "timestamp",
    "trigger_id",
    "ts",
    "type",
    "user",
    "user_id",
    "usergroup_id",
    "value",
    "view_id",
];

/// Which numbers are hidden in Slack.
#[derive(Clone, Debug, Default)]
pub struct Mask(Vec<Kind>);

/// What people are shown as the answer to a request of Slack's.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown(Value);

impl Shown {
    /// As it goes to Slack.
    pub fn into_json(self) -> Value {
        self.0
    }
}

impl Mask {
    /// Hides numbers of these kinds.
    pub fn new(kinds: &[Kind]) -> Self {
        Self(kinds.to_vec())
    }

    /// The answer with its numbers hidden.
    pub fn show(&self, answer: &Value) -> Shown {
        Shown(self.apply(answer).into_owned())
    }

    /// What goes to Slack with the numbers in it hidden.
    pub(super) fn apply<'a>(&self, body: &'a Value) -> Cow<'a, Value> {
        if self.0.is_empty() {
            return Cow::Borrowed(body);
        }
        let mut body = body.clone();
        self.hide_in(&mut body);
        Cow::Owned(body)
    }

    /// The same for a parameter of a call that has no body.
    pub(super) fn param<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        let is_shown = !NOT_SHOWN.contains(&name);
        let hidden = is_shown.then(|| self.hide(value)).flatten();
        hidden.map_or(Cow::Borrowed(value), Cow::Owned)
    }

    fn hide(&self, text: &str) -> Option<String> {
        personal::hide(text, &self.0)
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(hidden) = self.hide(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(fields) => {
                self.unlink(fields);
                for (key, field) in fields {
                    if !NOT_SHOWN.contains(&key.as_str()) {
                        self.hide_in(field);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A link whose address holds a number becomes words: it would lead nowhere without it.
    fn unlink(&self, fields: &mut Map<String, Value>) {
        let url = fields.get("url").and_then(Value::as_str);
        let is_link = fields.get("type").and_then(Value::as_str) == Some("link");
        let Some(hidden) = url.filter(|_| is_link).and_then(|url| self.hide(url)) else {
            return;
        };
        fields.remove("url");
        fields.insert("type".to_owned(), "text".into());
        fields.entry("text").or_insert_with(|| hidden.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_read_is_hidden_and_what_works_is_not() {
        let cpf = "529.982.247-25";
        let body = json!({
            "channel": "C1", "ts": "1785776520.000100", "text": cpf, "username": cpf,
            "metadata": {"event_payload": {"delivery_id": cpf}},
            "blocks": [
                {"type": "section", "block_id": cpf, "text": {"type": "mrkdwn", "text": cpf}},
                {"type": "actions", "elements": [
                    {"type": "button", "value": cpf, "text": {"type": "plain_text", "text": cpf}},
                ]},
                {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
                    {"type": "link", "url": "https://a.b/52998224725", "text": "https://a.b/52998224725"},
                    {"type": "link", "url": "https://a.b/1", "text": "https://a.b/1"},
                ]}]},
                {"type": "a kind to come", "shown_somewhere": [cpf]},
            ],
        });
        let hidden = Mask::new(&Kind::ALL).apply(&body).into_owned();
        let mask = "•••.•••.•••-••";
        let expected = json!({
            "channel": "C1", "ts": "1785776520.000100", "text": mask, "username": mask,
            "metadata": {"event_payload": {"delivery_id": cpf}},
            "blocks": [
                {"type": "section", "block_id": cpf, "text": {"type": "mrkdwn", "text": mask}},
                {"type": "actions", "elements": [
                    {"type": "button", "value": cpf, "text": {"type": "plain_text", "text": mask}},
                ]},
                {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
                    {"type": "text", "text": "https://a.b/•••••••••••"},
                    {"type": "link", "url": "https://a.b/1", "text": "https://a.b/1"},
                ]}]},
                {"type": "a kind to come", "shown_somewhere": [mask]},
            ],
        });
        assert_eq!(hidden, expected);
        assert_eq!(*Mask::default().apply(&body), body);
    }
}
