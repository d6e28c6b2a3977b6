//! Changes of the model, and the events that tell of them (slack.md §B.1, §D.2, §D.3).
//!
//! Whoever makes the change, a person or a call of our app, the same event goes out: our app
//! hears its own echo.

use serde_json::{Value, json};

use super::args::Refusal;
use super::state::{Channel, Message, State};

impl State {
    /// A new time stamp; each is greater than all before.
    ///
    /// All end in zeros, so that whoever takes one for a number loses it.
    pub(super) fn next_ts(&mut self) -> String {
        let now = self.now.as_microsecond() / 100 * 100;
        self.last_us = now.max(self.last_us + 100);
        format!("{}.{:06}", self.last_us / 1_000_000, self.last_us % 1_000_000)
    }

    /// A new id with the letter that Slack begins such ids with.
    pub(super) fn next_id(&mut self, letter: &str) -> String {
        self.serial += 1;
        format!("{letter}{:08X}", self.serial)
    }

    /// The token lacks all of these scopes.
    pub(super) fn missing_scope(&self, needed: &[&str]) -> Refusal {
        let provided: Vec<&str> = self.setup.scopes.iter().map(String::as_str).collect();
        Refusal::mistake("missing_scope", format!("needs {}", needed.join(" or ")))
            .with("needed", needed.join(","))
            .with("provided", provided.join(","))
    }

    /// Adds a message to a channel and hands it back as Slack writes it.
    pub(super) fn append(&mut self, channel: &str, mut message: Message) -> Value {
        let ts = message.ts.clone();
        self.name_blocks(&mut message.blocks);
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.messages.insert(ts.clone(), message);
        }
        let Some(place) = self.channels.get(channel) else { return Value::Null };
        let Some(message) = place.messages.get(&ts) else { return Value::Null };
        let answer = self.render(place, message, true);
        let mut event = self.render(place, message, false);
        event["channel"] = json!(channel);
        event["channel_type"] = json!(channel_type(place));
        event["event_ts"] = json!(ts);
        if message.broadcast {
            event["subtype"] = json!("thread_broadcast");
            let root = message.thread_ts.as_ref().and_then(|root| place.messages.get(root));
            event["root"] = root.map_or(Value::Null, |root| self.render(place, root, false));
        }
        self.tell(channel, &event);
        answer
    }

    /// Puts a message in the place of an older version and hands it back as Slack writes it.
    pub(super) fn replace(&mut self, channel: &str, old: &Message, mut new: Message) -> Value {
        let ts = new.ts.clone();
        self.name_blocks(&mut new.blocks);
        let Some(place) = self.channels.get(channel) else { return Value::Null };
        let before = self.render(place, old, false);
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.messages.insert(ts.clone(), new);
        }
        let Some(place) = self.channels.get(channel) else { return Value::Null };
        let Some(message) = place.messages.get(&ts) else { return Value::Null };
        let answer = self.render(place, message, true);
        let after = self.render(place, message, false);
        self.tell_changed(channel, &after, &before);
        answer
    }

    /// Gives an id to each block that came without one.
    pub(super) fn name_blocks(&mut self, blocks: &mut [Value]) {
        for block in blocks.iter_mut().filter(|block| block["block_id"].is_null()) {
            block["block_id"] = json!(self.next_id("b"));
        }
    }

    /// Deletes a message; one with replies leaves a tombstone.
    pub(super) fn remove(&mut self, channel: &str, ts: &str) {
        let Some(place) = self.channels.get(channel) else { return };
        let Some(old) = place.messages.get(ts) else { return };
        if place.replies(ts).next().is_some() {
            self.bury(channel, ts);
            return;
        }
        let before = self.render(place, old, false);
        let kind = channel_type(place);
        if let Some(place) = self.channels.get_mut(channel) {
            place.messages.remove(ts);
        }
        let now = self.next_ts();
        let event = json!({
            "type": "message", "subtype": "message_deleted", "hidden": true, "deleted_ts": ts,
            "channel": channel, "channel_type": kind, "previous_message": before, "ts": now,
            "event_ts": now,
        });
        self.tell(channel, &event);
    }

    fn bury(&mut self, channel: &str, ts: &str) {
        let stone = Message {
            ts: ts.to_owned(),
            user: Some("USLACKBOT".to_owned()),
            subtype: Some("tombstone".to_owned()),
            text: "This message was deleted.".to_owned(),
            ..Message::default()
        };
        if let Some(place) = self.channels.get_mut(channel) {
            place.messages.insert(ts.to_owned(), stone);
        }
        let Some(place) = self.channels.get(channel) else { return };
        let Some(stone) = place.messages.get(ts) else { return };
        let mut after = self.render(place, stone, false);
        after["hidden"] = json!(true);
        self.tell_changed(channel, &after, &json!([]));
    }

    /// Tells that a message is now another one.
    pub(super) fn tell_changed(&mut self, channel: &str, after: &Value, before: &Value) {
        let now = self.next_ts();
        let kind = self.channels.get(channel).map_or("channel", channel_type);
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "message": after,
            "previous_message": before, "channel": channel, "channel_type": kind, "ts": now,
            "event_ts": now,
        });
        self.tell(channel, &event);
    }

    /// Puts an emoji on a message, or takes it away; refuses what is so already.
    pub(super) fn react(
        &mut self,
        user: &str,
        (channel, ts): (&str, &str),
        name: &str,
        add: bool,
    ) -> Result<(), Refusal> {
        let place = self.channels.get_mut(channel);
        let message = place.and_then(|channel| channel.messages.get_mut(ts));
        let message = message.filter(|message| !message.is_tombstone());
        let message = message.ok_or_else(|| Refusal::world("message_not_found"))?;
        if message.reacted(name).iter().any(|who| who == user) == add {
            let code = if add { "already_reacted" } else { "no_reaction" };
            return Err(Refusal::world(code));
        }
        let author = message.user.clone();
        match message.reactions.iter_mut().find(|(emoji, _)| emoji == name) {
            Some((_, users)) if add => users.push(user.to_owned()),
            Some((_, users)) => users.retain(|who| who != user),
            None => message.reactions.push((name.to_owned(), vec![user.to_owned()])),
        }
        message.reactions.retain(|(_, users)| !users.is_empty());
        let mut event = json!({
            "type": if add { "reaction_added" } else { "reaction_removed" }, "user": user,
            "reaction": name, "item": { "type": "message", "channel": channel, "ts": ts },
            "event_ts": self.next_ts(),
        });
        // slack.md §D.3: a message under another name has no author to name.
        if let Some(author) = author {
            event["item_user"] = json!(author);
        }
        self.tell(channel, &event);
        Ok(())
    }

    /// Queues an event if our app is in the channel.
    pub(super) fn tell(&mut self, channel: &str, event: &Value) {
        // The app is not subscribed to direct messages (`message.im`).
        if self.channels.get(channel).is_some_and(Channel::is_direct) {
            return;
        }
        let place = self.channels.get(channel);
        if place.is_some_and(|place| place.members.contains(&self.setup.bot_user)) {
            self.publish(event);
        }
    }

    /// Queues an event in its envelope, twice if so wished.
    pub(super) fn publish(&mut self, event: &Value) {
        let copies = if self.setup.sends_twice { 2 } else { 1 };
        for _ in 0..copies {
            let envelope = self.envelope(event);
            self.outbox.push(envelope);
        }
    }

    fn envelope(&mut self, event: &Value) -> Value {
        let id = self.next_id("Ev");
        let author = event["user"].as_str().or(event["message"]["user"].as_str());
        // slack.md §B.1: in a shared channel the envelope carries the sender's workspace.
        let setup = &self.setup;
        let team = author.map_or(Some(setup.team_id.as_str()), |user| self.team_of(user));
        let place = event["channel"].as_str().or(event["item"]["channel"].as_str());
        let place = place.and_then(|channel| self.channels.get(channel));
        // Installed for the whole organisation, the app is in no workspace of its own (additions §8).
        let installed = (!setup.is_enterprise_install).then_some(&setup.team_id);
        json!({
            "token": "deprecated", "team_id": team, "context_team_id": installed,
            "context_enterprise_id": setup.enterprise_id, "api_app_id": setup.app_id,
            "event": event, "type": "event_callback", "event_id": id,
            "event_time": self.now.as_second(),
            "authorizations": [{
                "enterprise_id": setup.enterprise_id, "team_id": installed,
                "user_id": setup.bot_user, "is_bot": true,
                "is_enterprise_install": setup.is_enterprise_install,
            }],
            "is_ext_shared_channel": place.is_some_and(|place| self.is_shared_outside(place)),
            "event_context": format!("4-{id}"),
        })
    }
}

/// Slack's word for the kind of a channel.
pub(super) fn channel_type(channel: &Channel) -> &'static str {
    if channel.private { "group" } else { "channel" }
}
