//! Hides numbers of people and cards in what goes to Slack.
//!
//! Everything that the bridge shows there passes through `Mask::apply`: in
//! [`super::client::SlackClient`] what is posted, updated, published or opened, and as
//! [`MaskedAnswer`] what Slack is answered. So no view has to think of it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::personal::{self, NumberKind};

/// What is not read by people, or comes back from them and goes to Blip.
///
/// A field that is not listed is taken for something that people read.
const UNMASKED_FIELDS: [&str; 26] = [
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
pub(crate) struct Mask(Vec<NumberKind>);

/// What people are shown as the answer to a request of Slack's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaskedAnswer(Value);

impl MaskedAnswer {
    /// As it goes to Slack.
    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

impl Mask {
    /// Hides numbers of these kinds.
    pub(crate) fn new(kinds: &[NumberKind]) -> Self {
        Self(kinds.to_vec())
    }

    /// The answer with its numbers hidden.
    pub(crate) fn mask_answer(&self, answer: &impl Serialize) -> MaskedAnswer {
        MaskedAnswer(self.mask_body(&json!(answer)).into_owned())
    }

    /// What goes to Slack with the numbers in it hidden.
    pub(super) fn mask_body<'a>(&self, body: &'a Value) -> Cow<'a, Value> {
        if self.0.is_empty() {
            return Cow::Borrowed(body);
        }
        let mut body = body.clone();
        self.mask_value(&mut body);
        Cow::Owned(body)
    }

    /// The same for a parameter of a call that has no body.
    pub(super) fn mask_param<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        // The list names what may pass and not what is hidden: a field that Slack invents is masked
        // until somebody has looked at it, never shown by oversight.
        let is_shown = !UNMASKED_FIELDS.contains(&name);
        let hidden = is_shown.then(|| self.mask_text(value)).flatten();
        hidden.map_or(Cow::Borrowed(value), Cow::Owned)
    }

    fn mask_text(&self, text: &str) -> Option<String> {
        personal::hide_numbers(text, &self.0)
    }

    fn mask_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(hidden) = self.mask_text(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item)),
            Value::Object(fields) => {
                self.remove_masked_link(fields);
                for (key, field) in fields {
                    if !UNMASKED_FIELDS.contains(&key.as_str()) {
                        self.mask_value(field);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A link whose address holds a number becomes words: it would lead nowhere without it.
    fn remove_masked_link(&self, fields: &mut Map<String, Value>) {
        let url = fields.get("url").and_then(Value::as_str);
        let is_link = fields.get("type").and_then(Value::as_str) == Some("link");
        let Some(hidden) = url.filter(|_| is_link).and_then(|url| self.mask_text(url)) else {
            return;
        };
        // Slack refuses a link without an address, so what is left is made a text element
        // (`a_number_that_is_hidden_is_nowhere_in_what_slack_is_shown`).
        fields.remove("url");
        fields.insert("type".to_owned(), "text".into());
        fields.entry("text").or_insert_with(|| hidden.into());
    }
}

#[cfg(test)]
mod tests {
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
        let hidden = Mask::new(&NumberKind::ALL).mask_body(&body).into_owned();
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
        assert_eq!(*Mask::default().mask_body(&body), body);
    }
}
