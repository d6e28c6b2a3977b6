//! What the thread asks of somebody who closes a ticket that had better not be closed as it is.

use crate::blip::text::{self, MentionNames, StyleMarks};
use crate::handlers::people::Person;
use crate::handlers::posts::ThreadPost;
use crate::locale::Texts;
use crate::model::{Button, Closing, Ticket};
use crate::slack::card;
use crate::slack::rich_text::Mention;

/// A line that mentions who closes, with buttons under it. A farewell that was typed is quoted, so
/// that it is not lost: then the text is that of `with_farewell`.
pub(crate) fn build_close_question(
    ticket: &Ticket,
    (person, closing): (&Person, &Closing),
    (plain, with_farewell): (&'static str, &'static str),
    answers: &[Button],
    texts: &Texts,
) -> ThreadPost {
    let mention = Mention::User(person.user.clone());
    let mentions = [("agent", &mention)];
    let mut post = match &closing.farewell {
        None => ThreadPost::from_text(texts, plain, &[], &mentions),
        Some(farewell) => {
            let style = StyleMarks::for_domain(&ticket.customer.domain);
            let farewell = text::write_plain_text(farewell, &MentionNames::default(), &style);
            ThreadPost::from_text(texts, with_farewell, &[("text", farewell.as_str())], &mentions)
        }
    };
    post.blocks.extend(card::build_answers(answers, &ticket.id, texts));
    post
}
