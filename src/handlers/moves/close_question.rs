//! What the thread asks of somebody who closes a ticket that had better not be closed as it is.

use crate::blip::text::{self, MentionNames, StyleMarks};
use crate::handlers::people::Person;
use crate::handlers::posts::ThreadPost;
use crate::inbox::{CloseConcern, CloseQuestion};
use crate::locale::Texts;
use crate::model::{Button, Closing, PressedMove, Ticket};
use crate::slack::card;
use crate::slack::rich_text::Mention;

/// What whoever closes a ticket is asked. A farewell that was typed is kept, so that it is not lost.
pub(crate) fn prepare_close_question(
    ticket: &Ticket,
    (person, closing): (&Person, &Closing),
    about: CloseConcern,
) -> CloseQuestion {
    let farewell = closing.farewell.as_ref().map(|farewell| {
        let style = StyleMarks::for_domain(&ticket.customer.domain);
        text::write_plain_text(farewell, &MentionNames::default(), &style)
    });
    CloseQuestion { agent: person.user.clone(), about, farewell }
}

/// A line that mentions who closes, with buttons under it, and quotes what they wanted to say.
pub(crate) fn build_close_question(
    ticket: &Ticket,
    question: &CloseQuestion,
    texts: &Texts,
) -> ThreadPost {
    let (plain, with_farewell, answers) = match question.about {
        CloseConcern::Tag => (
            "thread-tag-needed",
            "thread-tag-needed-farewell",
            [Button::Move(PressedMove::Close), Button::Tags],
        ),
        CloseConcern::Unread => {
            ("thread-unread", "thread-unread-farewell", [Button::CloseAnyway, Button::KeepOpen])
        }
        CloseConcern::UnreadInDialog => (
            "thread-unread",
            "thread-unread-farewell",
            [Button::Move(PressedMove::Close), Button::KeepOpen],
        ),
    };
    let mention = Mention::User(question.agent.clone());
    let mentions = [("agent", &mention)];
    let mut post = match &question.farewell {
        None => ThreadPost::from_text(texts, plain, &[], &mentions),
        Some(farewell) => {
            ThreadPost::from_text(texts, with_farewell, &[("text", farewell.as_str())], &mentions)
        }
    };
    post.blocks.extend(card::build_answers(&answers, &ticket.id, texts));
    post
}
