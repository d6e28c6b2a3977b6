//! Word of an event that was parked: in its ticket's thread, with a way out.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::blip;
use crate::handlers::calls::Calls;
use crate::handlers::excerpts::{cut_excerpt, find_excerpt};
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::{HeldReply, ParkedEvent, ReplyJob};
use crate::locale::Texts;
use crate::model::{
    BlipEvent, Button, ChannelId, MessageTs, SlackEvent, SlackUserId, SubmittedForm, Ticket,
    TicketId,
};
use crate::slack::rich_text::Mention;
use crate::slack::{SlackClient, button_label_key, card, emoji, parse, render};
use crate::store::Lane;

/// Tells people of parked events.
pub(crate) struct ParkedNotices {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
}

/// What was parked, as far as it can be told by itself.
enum Parked {
    /// A message that an agent wrote, to be read where it stands.
    Reply(SlackUserId, ChannelId, MessageTs),
    /// Something else that an agent did, by the name that it has for them.
    Action(SlackUserId, String),
    /// What a customer said.
    Said(String),
    /// What Blip tells of the ticket itself.
    News,
    /// It is not known any more.
    Unknown,
}

impl ParkedNotices {
    /// Shows a parked item in its ticket's thread, or in the channel if it has none, with a way out.
    pub(crate) async fn post_parked_item(
        &self,
        item: &Handling,
        parked: &ParkedEvent,
    ) -> PipeResult<()> {
        let Some(id) = Lane::ticket_of(&parked.lane) else { return Ok(()) };
        let ticket = self.calls.load_ticket(item, &id).await?;
        let ticket = ticket.filter(|ticket| ticket.thread.is_some());
        let what = self.read_parked(&id, parked).await?;
        let line = self.describe_parked(ticket.as_ref(), parked, &what).await?;
        let answers = [Button::Retry(parked.item), Button::Skip(parked.item)];
        let question = card::build_question(&line, &answers, &id, &self.texts);
        let mut post = match what {
            // In Slack only who is mentioned is sure to hear of it.
            Parked::Reply(user, ..) | Parked::Action(user, _) => {
                ThreadPost::with_mention(&Mention::User(user), &line)
            }
            Parked::Said(_) | Parked::News | Parked::Unknown => ThreadPost::from_line(&line),
        };
        // Without its first block: these words stand above already.
        post.blocks.extend(question.into_iter().skip(1));
        let Some(ticket) = ticket else {
            return self.threads.post_to_default_channel(item, "parked", post).await;
        };
        self.threads.post_from_job(item, "parked", &ticket, &post).await
    }

    /// Reads what it is that was parked.
    async fn read_parked(&self, id: &TicketId, parked: &ParkedEvent) -> PipeResult<Parked> {
        let Some(body) = self.calls.store.parked_body(parked.item).await? else {
            return Ok(Parked::Unknown);
        };
        if ReplyJob::is_send(&parked.key) {
            return Ok(match serde_json::from_slice(&body) {
                Ok(ReplyJob::Send(held) | ReplyJob::Hold(held)) => {
                    let HeldReply { user, channel, ts, .. } = held;
                    Parked::Reply(user, channel, ts)
                }
                Err(_) => Parked::Unknown,
            });
        }
        if parked.by_agent {
            let routed = parse::parse_stored_event(&body);
            return Ok(routed.map_or(Parked::Unknown, |routed| self.read_deed(routed.event)));
        }
        Ok(match blip::parse::parse_event(id.bot(), &body) {
            BlipEvent::Message { content, .. } => {
                Parked::Said(render::render_content(&content, &self.texts).unwrap_or_default())
            }
            BlipEvent::Ticket(_) | BlipEvent::Receipt { .. } | BlipEvent::StandbyEnd { .. } => {
                Parked::News
            }
            BlipEvent::Quiet | BlipEvent::Unknown { .. } => Parked::Unknown,
        })
    }

    /// What a person did in Slack.
    fn read_deed(&self, event: SlackEvent) -> Parked {
        let named = |user, key: &str| Parked::Action(user, self.texts.text(key, &[]));
        match event {
            SlackEvent::Message { channel, ts, user, .. }
            | SlackEvent::Oversized { channel, ts, user, .. } => Parked::Reply(user, channel, ts),
            SlackEvent::Reaction { user, name, .. } => {
                let shown = emoji::replace_emoji_names(&format!(":{name}:")).into_owned();
                Parked::Action(user, shown)
            }
            SlackEvent::Click(click) => named(click.user, button_label_key(&click.button)),
            SlackEvent::Submitted(filled) => named(filled.user, form_label_key(&filled.form)),
            SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Outside { .. }
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => Parked::Unknown,
        }
    }

    /// Which it is, and why. Its words stand where the others of its ticket do, and nowhere else.
    async fn describe_parked(
        &self,
        ticket: Option<&Ticket>,
        parked: &ParkedEvent,
        what: &Parked,
    ) -> PipeResult<String> {
        let reason = self.texts.reason_text(&parked.reason);
        let thread = ticket.and_then(|ticket| ticket.thread.as_ref());
        let (key, words) = match (what, thread) {
            (Parked::Reply(user, channel, ts), Some(thread)) => {
                let place = (channel, ts);
                let words = find_excerpt(&self.slack, thread, place, Some(user)).await?;
                ("thread-words-not-sent", words)
            }
            (Parked::Said(words), Some(_)) => ("thread-words-parked", cut_excerpt(words)),
            (Parked::Action(_, action), _) => ("thread-parked-action", Some(action.clone())),
            (Parked::News, _) => {
                return Ok(self.texts.text("thread-parked-news", &[("reason", &reason)]));
            }
            (Parked::Reply(..) | Parked::Said(_) | Parked::Unknown, _) => ("", None),
        };
        Ok(match words {
            Some(words) => self.texts.text(key, &[("words", &words), ("reason", &reason)]),
            None => self.texts.text(choose_text(parked), &[("reason", &reason)]),
        })
    }
}

/// What people call the dialog that they filled in.
fn form_label_key(form: &SubmittedForm) -> &'static str {
    match form {
        SubmittedForm::Move(r#move) => r#move.label_key(),
        SubmittedForm::Reply(..) => "dialog-reply",
        SubmittedForm::Offer(..) => "dialog-compose",
        SubmittedForm::Template(_) => "dialog-template",
        SubmittedForm::Contact(_) => "dialog-contact",
        SubmittedForm::Comment(_) => "dialog-comment",
    }
}

/// What is said of it where no more is known than its kind: a reply that did not go out is worth other
/// words than a move.
fn choose_text(parked: &ParkedEvent) -> &'static str {
    let key = &parked.key;
    match parked.by_agent {
        true if parse::is_message(key) || ReplyJob::is_send(key) => "thread-not-sent",
        true => "thread-parked-move",
        false => "thread-parked",
    }
}
