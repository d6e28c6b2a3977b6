//! A message that an agent wrote in Slack, read whole.
//!
//! Nothing that an agent sends may vanish in silence, so a reading has no room for "the rest":
//! what is neither words nor a file is a [`KeptPart`], and whoever sends the message decides about
//! each of them.

use super::content::{Attachment, Inline, Paragraph, RichText};
use super::invisible::is_invisible;

/// What an agent wrote. Whatever Slack shows of it is in one of these, except for link previews.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentMessage {
    /// The words, tables written as lines among them.
    pub text: RichText,
    /// The files shared with it, in order.
    pub(crate) files: Vec<Attachment>,
    /// What does not go out by itself, in order.
    pub kept: Vec<KeptPart>,
}

/// A part of a message that does not go to a customer by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptPart {
    /// A message from elsewhere in Slack. It may be internal, so it goes out only if its sender
    /// says so.
    Forwarded(Box<AgentMessage>),
    /// A picture that is no file.
    Image,
    /// Something that we cannot read.
    Unreadable {
        /// Slack's name for it.
        kind: String,
    },
}

impl AgentMessage {
    /// A message without files, of which Slack's editor made this text.
    #[cfg(test)]
    pub(crate) fn from_text(text: RichText) -> Self {
        Self { text, ..Self::default() }
    }

    /// Whether any of it may reach a customer, at least if its writer wants it to.
    pub fn may_go_out(&self) -> bool {
        // A picture without a file has no bytes that could be sent, and what cannot be read may be
        // anything.
        let is_sendable = |part: &KeptPart| match part {
            KeptPart::Forwarded(message) => message.may_go_out(),
            KeptPart::Image | KeptPart::Unreadable { .. } => false,
        };
        !self.text.is_blank() || !self.files.is_empty() || self.kept.iter().any(is_sendable)
    }

    /// Whether any of its words, labels or names has one of these pieces in it.
    pub(crate) fn has_any_of(&self, pieces: &[&str]) -> bool {
        let has = |text: &str| pieces.iter().any(|piece| text.contains(piece));
        let in_part = |part: &KeptPart| match part {
            KeptPart::Forwarded(message) => message.has_any_of(pieces),
            KeptPart::Image | KeptPart::Unreadable { .. } => false,
        };
        self.text.written_texts().any(has)
            || self.files.iter().any(|file| has(&file.name))
            || self.kept.iter().any(in_part)
    }
}

impl RichText {
    /// Whether nothing of it can be seen.
    pub(crate) fn is_blank(&self) -> bool {
        let is_blank = |text: &str| text.chars().all(|c| c.is_whitespace() || is_invisible(c));
        !self.0.iter().any(|paragraph| match paragraph {
            Paragraph::Code(code) => !is_blank(code),
            Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
                // A mention without a label has no text here; Slack shows a name all the same.
                runs.iter().any(|run| run.written_texts().next().is_none_or(|text| !is_blank(text)))
            }
        })
    }

    /// All that is written in it: words, labels, addresses and code.
    pub(crate) fn written_texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|paragraph| {
            let (code, runs): (Option<&str>, &[Inline]) = match paragraph {
                Paragraph::Code(code) => (Some(code), &[]),
                Paragraph::Text(runs)
                | Paragraph::Quote(runs)
                | Paragraph::Item { text: runs, .. } => (None, runs),
            };
            code.into_iter().chain(runs.iter().flat_map(Inline::written_texts))
        })
    }
}

impl Inline {
    /// What is written in it; nothing in a mention without a label.
    pub(crate) fn written_texts(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Text { text, .. } | Self::Broadcast(text) | Self::CustomEmoji(text) => {
                (Some(text), None)
            }
            Self::Link { url, label, .. } => (label.as_ref(), Some(url)),
            Self::Person { label, .. }
            | Self::Channel { label, .. }
            | Self::Group { label, .. } => (label.as_ref(), None),
        };
        first.into_iter().chain(second).map(String::as_str)
    }
}
