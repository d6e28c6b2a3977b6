//! What people do in Slack: write, edit, delete, react, share.
//!
//! Each deed returns once our app has acknowledged the event, and says with which status.

use serde_json::json;
use uuid::Uuid;

use super::state::{Channel, File, Message, State};
use super::{Slack, compose, last_status};
use crate::Impossible;

/// A deed that our app was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The message that it made or concerned.
    pub ts: String,
    /// The status with which our app acknowledged; none if it did not, or if events are held.
    pub status: Option<u16>,
}

type Deed<T> = Result<T, Impossible>;

impl Slack {
    /// Somebody writes in a channel or, with `root`, in a thread.
    ///
    /// The text is what is typed: `<@U1>`, `<#C1>`, `<!here>`, `:wave:` and links take effect.
    pub async fn says(
        &self,
        user: &str,
        channel: &str,
        root: Option<&str>,
        text: &str,
    ) -> Deed<Done> {
        let (text, blocks) = compose::typed(text);
        let message = Message { text, blocks, ..Message::default() };
        self.writes(user, channel, root, message).await
    }

    /// Somebody writes in a thread and sends it to the channel too.
    pub async fn broadcasts(
        &self,
        user: &str,
        channel: &str,
        root: &str,
        text: &str,
    ) -> Deed<Done> {
        let (text, blocks) = compose::typed(text);
        let message = Message { text, blocks, broadcast: true, ..Message::default() };
        self.writes(user, channel, Some(root), message).await
    }

    /// Somebody shares a file with a comment; returns the message.
    pub async fn shares(
        &self,
        user: &str,
        channel: &str,
        root: Option<&str>,
        (name, bytes): (&str, &[u8]),
        comment: &str,
    ) -> Deed<Done> {
        self.shares_all(user, channel, root, vec![File::hosted(name, bytes)], comment).await
    }

    /// Keeps a file of any mode, to be shared with [`Slack::writes`]; returns its id.
    pub fn adds_file(&self, file: File) -> String {
        self.core.act(|state| state.add_file(file)).0
    }

    /// Somebody shares several files at once; those without bytes are only mentioned.
    pub async fn shares_all(
        &self,
        user: &str,
        channel: &str,
        root: Option<&str>,
        files: Vec<File>,
        comment: &str,
    ) -> Deed<Done> {
        let (files, _) = self
            .core
            .act(|state| files.into_iter().map(|file| state.add_file(file)).collect::<Vec<_>>());
        let (text, blocks) = compose::typed(comment);
        let subtype = Some("file_share".to_owned());
        let message = Message { subtype, text, blocks, files, ..Message::default() };
        self.writes(user, channel, root, message).await
    }

    /// Somebody posts a message as it is given: own blocks, another subtype, unknown things.
    pub async fn writes(
        &self,
        user: &str,
        channel: &str,
        root: Option<&str>,
        message: Message,
    ) -> Deed<Done> {
        let (ts, receipts) = self.core.act(|state| state.write(user, channel, root, message));
        Ok(Done { ts: ts?, status: last_status(receipts).await })
    }

    /// The writer changes the text of a message.
    pub async fn edits(&self, user: &str, channel: &str, ts: &str, text: &str) -> Deed<Done> {
        let (text, blocks) = compose::typed(text);
        self.rewrites(user, channel, ts, |old| Message { text, blocks, ..old }).await
    }

    /// The writer changes a message in whatever way.
    pub async fn rewrites(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        change: impl FnOnce(Message) -> Message,
    ) -> Deed<Done> {
        let (done, receipts) = self.core.act(|state| {
            let old = state.written_by(user, channel, ts)?;
            let earlier = old.earlier.iter().cloned().chain([old.text.clone()]).collect();
            let edited = Some((user.to_owned(), state.next_ts()));
            let new = Message { edited, earlier, ..change(old.clone()) };
            state.replace(channel, &old, new);
            Ok(())
        });
        done?;
        Ok(Done { ts: ts.to_owned(), status: last_status(receipts).await })
    }

    /// The writer deletes a message; anybody may delete our app's, as an administrator can.
    pub async fn deletes(&self, user: &str, channel: &str, ts: &str) -> Deed<Done> {
        let (done, receipts) = self.core.act(|state| {
            if !state.message(channel, ts).is_some_and(|message| message.ours) {
                state.written_by(user, channel, ts)?;
            }
            state.remove(channel, ts);
            Ok(())
        });
        done?;
        Ok(Done { ts: ts.to_owned(), status: last_status(receipts).await })
    }

    /// Somebody puts an emoji on a message; the name may have a skin tone.
    pub async fn reacts(&self, user: &str, channel: &str, ts: &str, name: &str) -> Deed<Done> {
        self.changes_reaction(user, (channel, ts), name, true).await
    }

    /// Somebody takes an emoji off a message.
    pub async fn unreacts(&self, user: &str, channel: &str, ts: &str, name: &str) -> Deed<Done> {
        self.changes_reaction(user, (channel, ts), name, false).await
    }

    async fn changes_reaction(
        &self,
        user: &str,
        at: (&str, &str),
        name: &str,
        add: bool,
    ) -> Deed<Done> {
        let (done, receipts) = self.core.act(|state| {
            state.member(user, at.0)?;
            let done = state.react(user, at, name, add);
            done.map_err(|refusal| Impossible::new(format!("{name}: {}", refusal.code)))
        });
        done?;
        Ok(Done { ts: at.1.to_owned(), status: last_status(receipts).await })
    }

    /// Slack adds a preview of a link: the message changes although nobody edited it.
    pub async fn unfurls(&self, channel: &str, ts: &str, link: &str) -> Deed<Done> {
        let (done, receipts) = self.core.act(|state| {
            let old = state.message(channel, ts).cloned();
            let old = old.ok_or_else(|| Impossible::new(format!("no message {ts}")))?;
            let preview = json!({ "id": 1, "from_url": link, "title": "A page", "fallback": link });
            let new = Message { attachments: vec![preview], ..old.clone() };
            state.replace(channel, &old, new);
            Ok(())
        });
        done?;
        Ok(Done { ts: ts.to_owned(), status: last_status(receipts).await })
    }

    /// Slack sends some other event, in a proper envelope; returns the status.
    pub async fn emits(&self, event: serde_json::Value) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| state.publish(&event));
        last_status(receipts).await
    }

    /// Somebody joins a channel.
    pub async fn joins(&self, user: &str, channel: &str) -> Deed<Option<u16>> {
        let (done, receipts) = self.core.act(|state| {
            let place = state.channels.get_mut(channel);
            let place = place.ok_or_else(|| Impossible::new(format!("no channel {channel}")))?;
            place.members.insert(user.to_owned());
            let kind = if place.private { "G" } else { "C" };
            let (team, ts) = (state.team_of(user).map(str::to_owned), state.next_ts());
            state.publish(&json!({
                "type": "member_joined_channel", "user": user, "channel": channel,
                "channel_type": kind, "team": team, "event_ts": ts,
            }));
            Ok(())
        });
        done?;
        Ok(last_status(receipts).await)
    }
}

impl State {
    fn add_file(&mut self, file: File) -> String {
        let id = self.next_id("F");
        self.files.insert(id.clone(), File { id: id.clone(), ..file });
        id
    }

    /// The channel, if the person is in it and can write there.
    pub(super) fn member(&self, user: &str, channel: &str) -> Deed<&Channel> {
        let place = self.channels.get(channel);
        let place = place.ok_or_else(|| Impossible::new(format!("no channel {channel}")))?;
        if !place.members.contains(user) {
            return Err(Impossible::new(format!("{user} is not in {channel}")));
        }
        if place.archived {
            return Err(Impossible::new(format!("{channel} is archived")));
        }
        Ok(place)
    }

    fn write(
        &mut self,
        user: &str,
        channel: &str,
        root: Option<&str>,
        message: Message,
    ) -> Deed<String> {
        let place = self.member(user, channel)?;
        if let Some(root) = root
            && place.messages.get(root).is_none_or(|parent| parent.thread_ts.is_some())
        {
            return Err(Impossible::new(format!("no thread {root} in {channel}")));
        }
        let ts = self.next_ts();
        let message = Message {
            ts: ts.clone(),
            thread_ts: root.map(str::to_owned),
            user: Some(user.to_owned()),
            client_msg_id: Some(Uuid::new_v4().to_string()),
            ..message
        };
        self.append(channel, message);
        Ok(ts)
    }

    fn written_by(&self, user: &str, channel: &str, ts: &str) -> Deed<Message> {
        let message = self.message(channel, ts).filter(|message| !message.ours);
        let message = message.filter(|message| message.user.as_deref() == Some(user));
        message.cloned().ok_or_else(|| Impossible::new(format!("{user} did not write {ts}")))
    }
}
