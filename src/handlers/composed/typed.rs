//! What somebody typed in a dialog, as it is given back to them if it does not go out: a dialog that was
//! handed in is gone in Slack, with all that stood in it.

use crate::blip::text::{MentionNames, StyleMarks, write_plain_text};
use crate::locale::Texts;
use crate::model::{Closing, Move, RichText, SubmittedForm};
use crate::slack::contact::contact_label;
use crate::slack::render;

/// What was typed into a dialog; none if all of it was chosen, and can be chosen again.
pub(crate) fn describe_typed(form: &SubmittedForm, texts: &Texts) -> Option<String> {
    match form {
        SubmittedForm::Reply(words, _)
        | SubmittedForm::Move(Move::Close(Closing { farewell: Some(words), .. })) => {
            Some(write_typed_words(words))
        }
        SubmittedForm::Move(_) => None,
        SubmittedForm::Offer(offer, _) => render::render_content(&offer.to_content()?, texts),
        SubmittedForm::Template(filled) => filled.typed_values(),
        SubmittedForm::Contact(change) => {
            let fields = change.fields.iter().map(|(field, value)| {
                format!("{}: {value}", texts.text(contact_label(*field), &[]))
            });
            let extras = change.extras.iter().map(|(name, value)| format!("{name}: {value}"));
            let lines: Vec<String> = fields.chain(extras).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        }
        SubmittedForm::Comment(text) => Some(text.clone()),
    }
}

/// Words as they were typed, whatever the customer's channel would have made of them.
pub(crate) fn write_typed_words(words: &RichText) -> String {
    write_plain_text(words, &MentionNames::default(), &StyleMarks::default())
}
