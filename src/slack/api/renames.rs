//! Channels that have got another id (`channel_id_changed`, `slack.md` additions §5).
//!
//! Inside the bridge a channel keeps the id under which we first knew it: links, keys and ids that
//! are derived from it stay what they are. Ids are changed where they come in and where they go out.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::model::ChannelId;

/// The fields of Slack's that hold a channel's id, or an object with it.
const CHANNEL_FIELDS: [&str; 2] = ["channel", "channel_id"];

/// The channels that have got another id; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChannelRenames(Arc<RwLock<Vec<(ChannelId, ChannelId)>>>);

impl ChannelRenames {
    /// Takes a change over: each is a later id and the first one, and the last one of a channel is
    /// the one that it has now.
    pub(crate) fn add_rename(&self, later: ChannelId, first: ChannelId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| *other != later);
        known.push((later, first));
    }

    /// The id under which we first knew a channel.
    pub(crate) fn first_id(&self, id: &ChannelId) -> ChannelId {
        self.find_first_id(id.as_str()).unwrap_or_else(|| id.clone())
    }

    fn find_first_id(&self, id: &str) -> Option<ChannelId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(later, _)| later.as_str() == id).map(|(_, first)| first.clone())
    }

    /// The id that a channel has now.
    pub(super) fn current_id(&self, id: &str) -> Option<ChannelId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // A channel may move more than once: each later id leads to the first one, the last holds
        // now.
        known.iter().rfind(|(_, first)| first.as_str() == id).map(|(later, _)| later.clone())
    }

    /// Whether no channel has got another id.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Puts the first ids of channels in the place of later ones in what Slack sent. Whether there
    /// were any.
    pub(crate) fn restore_first_ids(&self, value: &mut Value) -> bool {
        match value {
            Value::Object(fields) => {
                let mut is_changed = false;
                for (name, inner) in fields.iter_mut() {
                    let id = match inner {
                        // Interactions and `channel_*` events hold an object where messages hold
                        // the bare id.
                        Value::Object(_) if name == "channel" => inner.pointer_mut("/id"),
                        Value::String(_) if CHANNEL_FIELDS.contains(&name.as_str()) => {
                            Some(&mut *inner)
                        }
                        _ => None,
                    };
                    if let Some(id) = id
                        && let Some(first) = id.as_str().and_then(|id| self.find_first_id(id))
                    {
                        *id = first.as_str().into();
                        is_changed = true;
                    }
                    is_changed |= self.restore_first_ids(inner);
                }
                is_changed
            }
            Value::Array(items) => {
                items.iter_mut().fold(false, |changed, item| self.restore_first_ids(item) | changed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(id: &str) -> ChannelId {
        ChannelId::parse(id).unwrap()
    }

    #[test]
    fn a_channel_keeps_its_first_id_inside_and_has_its_last_one_outside() {
        let renames = ChannelRenames::default();
        assert_eq!(renames.current_id("C1"), None);
        renames.add_rename(id("C2"), id("C1"));
        renames.add_rename(id("C3"), id("C1"));
        assert_eq!(
            (renames.first_id(&id("C2")), renames.first_id(&id("C3"))),
            (id("C1"), id("C1"))
        );
        assert_eq!(renames.current_id("C1"), Some(id("C3")));
        // It may get one back that it has had before.
        renames.add_rename(id("C2"), id("C1"));
        assert_eq!(renames.current_id("C1"), Some(id("C2")));
        assert_eq!(renames.first_id(&id("C9")), id("C9"));
    }

    #[test]
    fn ids_are_brought_back_wherever_slack_names_a_channel_and_nowhere_else() {
        let renames = ChannelRenames::default();
        let sent = json!({"event": {"channel": "C2", "text": "C2", "item": {"channel": "C2"}},
            "channel": {"id": "C2", "name": "C2"}, "container": {"channel_id": "C2"},
            "list": [{"channel": "C5"}]});
        let mut same = sent.clone();
        assert!(!renames.restore_first_ids(&mut same));
        assert_eq!(same, sent);
        renames.add_rename(id("C2"), id("C1"));
        let mut brought = sent;
        assert!(renames.restore_first_ids(&mut brought));
        assert_eq!(
            brought,
            json!({"event": {"channel": "C1", "text": "C2", "item": {"channel": "C1"}},
                "channel": {"id": "C1", "name": "C2"}, "container": {"channel_id": "C1"},
                "list": [{"channel": "C5"}]})
        );
    }
}
