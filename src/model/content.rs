//! What was said, in a form that belongs to neither platform.
//!
//! [`Content`] is what a customer sent, [`RichText`] is formatted text on its way from an agent.
//! Both are rendered by the side that receives them; nothing here is escaped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ChannelId, SlackUserId};

/// Who said something in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The customer, on whichever channel.
    Customer,
    /// The bot, before the handoff or after the end.
    Bot,
    /// An agent; Blip's identity of them, if it tells.
    Agent(Option<String>),
}

/// Something that was said in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct SaidMessage {
    /// Who said it: the customer, the bot or an agent.
    pub by: Speaker,
    /// When they said it, if Blip tells.
    pub at: Option<Timestamp>,
    /// What was said, as it is shown in the thread.
    pub content: Content,
}

/// What a customer sent, ready to be read by an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Words, to be shown literally.
    Text(String),
    /// A file behind a link.
    Media(LinkedFile),
    /// A place on the map.
    Place {
        /// Degrees north; south is negative.
        latitude: f64,
        /// Degrees east; west is negative.
        longitude: f64,
        /// What the place is called.
        label: Option<String>,
    },
    /// A link with what is known of its target.
    Link {
        /// The address that it leads to.
        url: String,
        /// Its title, where the sender gave one.
        title: Option<String>,
        /// A sentence about it.
        text: Option<String>,
    },
    /// A question with options to choose from.
    Choice {
        /// What is asked, above the options.
        text: String,
        /// The options in order.
        options: Vec<String>,
    },
    /// An answer to an earlier message.
    Reply {
        /// The message answered, as far as it is known.
        quoted: Option<Box<Self>>,
        /// The answer itself, without what it answers.
        answer: Box<Self>,
    },
    /// An emoji put on an earlier message; `None` takes it away.
    Reaction {
        /// The emoji as Unicode text.
        emoji: Option<String>,
        /// The message it stands on, as far as it is known.
        on: Option<Box<Self>>,
    },
    /// An earlier message of which only this id is known.
    Earlier(String),
    /// Several things sent as one, in order.
    Several(Vec<Self>),
    /// A card of some kind: labelled lines that read as text.
    Card {
        /// What kind of thing it is, as a message key of the locale (`content-contact` …).
        kind: &'static str,
        /// Its lines, in order.
        lines: Vec<CardLine>,
    },
    /// Something that must not be shown or kept.
    Sensitive,
    /// Something without words that the agent should know of, as a message key of the locale.
    Notice(&'static str),
    /// Too large, too deep or too odd to be read at all.
    Unreadable {
        /// The type's name as it was sent; may be empty.
        kind: String,
    },
    /// Of a type that is not known.
    Unknown {
        /// The type's name as it was sent.
        kind: String,
        /// The first readable text found in it.
        text: Option<String>,
    },
}

/// The kind of card that a survey is.
pub(crate) const SURVEY_KIND: &str = "content-survey";
/// The label of what was chosen in it.
pub(crate) const SCORE_LABEL: &str = "content-score";

impl Content {
    /// What is said, without what it answers.
    pub(crate) fn answer(&self) -> &Self {
        if let Self::Reply { answer, .. } = self { answer } else { self }
    }

    /// What a customer chose in a survey, if this is the answer to one.
    pub(crate) fn survey_score(&self) -> Option<&str> {
        let Self::Card { kind, lines } = self.answer() else { return None };
        let score = lines.iter().find_map(|line| match line {
            CardLine::Labelled { label, text } if *label == SCORE_LABEL => Some(text.as_str()),
            CardLine::Labelled { .. }
            | CardLine::Said(_)
            | CardLine::Notice(_)
            | CardLine::Moment { .. } => None,
        });
        score.filter(|_| *kind == SURVEY_KIND)
    }

    /// Shows each earlier message of which only the id is known to `visit`, which may put the message
    /// in its place.
    pub(crate) fn visit_earlier(&mut self, visit: &mut impl FnMut(&mut Self)) {
        match self {
            Self::Earlier(_) => visit(self),
            Self::Reply { quoted, answer } => {
                if let Some(quoted) = quoted {
                    quoted.visit_earlier(visit);
                }
                answer.visit_earlier(visit);
            }
            Self::Reaction { on: Some(on), .. } => on.visit_earlier(visit),
            Self::Several(parts) => parts.iter_mut().for_each(|part| part.visit_earlier(visit)),
            // Listed one by one, without a wildcard: a new kind of content that quotes another
            // message has to be decided about here, or its quote would stay an id.
            Self::Text(_)
            | Self::Media(_)
            | Self::Place { .. }
            | Self::Link { .. }
            | Self::Choice { .. }
            | Self::Reaction { on: None, .. }
            | Self::Card { .. }
            | Self::Sensitive
            | Self::Notice(_)
            | Self::Unreadable { .. }
            | Self::Unknown { .. } => {}
        }
    }
}

/// A line of a card. Labels are message keys of the locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardLine {
    /// Words as they were sent.
    Said(String),
    /// Words of ours, as a message key of the locale.
    Notice(&'static str),
    /// Words as they were sent, under a label.
    Labelled {
        /// The label, which has a place for the text.
        label: &'static str,
        /// The words, as they were sent.
        text: String,
    },
    /// A moment under a label.
    Moment {
        /// The label, which has a place for the text.
        label: &'static str,
        /// The moment, which is shown in the zone of the bridge.
        at: Timestamp,
    },
}

/// A file behind a link. Jobs keep it under these names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedFile {
    /// Where it is; may be a scheme that cannot be fetched.
    pub(crate) url: String,
    /// Its MIME type, or a part of it.
    pub(crate) mime: Option<String>,
    /// Its name or title.
    pub(crate) title: Option<String>,
    /// What was written with it.
    pub(crate) caption: Option<String>,
    /// Its size in bytes, as claimed.
    pub(crate) size: Option<u64>,
    /// A small picture of it.
    pub(crate) preview_url: Option<String>,
}

/// What an agent offers a customer beyond words.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer {
    /// A question with answers to choose from.
    Options {
        /// What is asked, above the options.
        text: String,
        /// The answers in order.
        options: Vec<String>,
        /// Whether they are buttons that go once one was pressed, or a list that stays.
        quick: bool,
    },
    /// A place on the map.
    Place {
        /// Degrees north; south is negative.
        latitude: f64,
        /// Degrees east; west is negative.
        longitude: f64,
        /// What the place is called.
        label: Option<String>,
    },
    /// A link with what is known of its target.
    Link {
        /// The address that it leads to.
        url: String,
        /// Its title, where the sender gave one.
        title: Option<String>,
        /// A sentence about it.
        text: Option<String>,
    },
    /// A document of Blip's, as the team has prepared it.
    Document {
        /// Its media type, as Blip names it.
        kind: String,
        /// The document, as JSON.
        content: String,
    },
}

impl Offer {
    /// The same as it would read had a customer sent it; none of a document, which only Blip's side
    /// can read.
    pub(crate) fn to_content(&self) -> Option<Content> {
        match self.clone() {
            Self::Options { text, options, .. } => Some(Content::Choice { text, options }),
            Self::Place { latitude, longitude, label } => {
                Some(Content::Place { latitude, longitude, label })
            }
            Self::Link { url, title, text } => Some(Content::Link { url, title, text }),
            Self::Document { .. } => None,
        }
    }
}

/// A file that an agent shared in Slack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Slack's id of it.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its MIME type, as Slack names it.
    pub(crate) mime: Option<String>,
    /// Its size in bytes.
    pub(crate) size: Option<u64>,
    /// Where its bytes are, for those with the right to them.
    pub(crate) url: Option<String>,
    /// Whether it can be had.
    pub(crate) access: FileAccess,
}

/// Whether a file that was shared in Slack can be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// Yes, as far as Slack says.
    #[default]
    Open,
    /// Slack only says so when it is asked for this file (shared channels).
    Ask,
    /// It is kept in another place than Slack.
    Elsewhere,
    /// It was deleted: Slack shows a tombstone.
    Deleted,
    /// The workspace's plan hides it.
    Hidden,
    /// We may not see it.
    Denied,
    /// It is a canvas, which Slack shows and nobody else.
    Canvas,
    /// It is a list, which Slack shows and nobody else.
    List,
    /// It is a post, which Slack shows and nobody else.
    Post,
    /// It is an e-mail that came into Slack, of which Slack hands out a page of its own.
    Email,
}

/// Formatted text on its way from an agent to a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RichText(pub Vec<Paragraph>);

/// One block of formatted text.
#[derive(Clone, Debug, PartialEq)]
pub enum Paragraph {
    /// Running text; line breaks are in the text itself.
    Text(Vec<Inline>),
    /// A quote of something that was said before.
    Quote(Vec<Inline>),
    /// Text that must be left as it is, such as code.
    Code(String),
    /// One entry of a list.
    Item {
        /// How deep it is indented; 0 at the margin.
        indent: usize,
        /// Its number in an ordered list, from 1; `None` in a bulleted one.
        number: Option<usize>,
        /// Whether the list stands in a quote.
        is_quoted: bool,
        /// The text of the entry.
        text: Vec<Inline>,
    },
}

/// A run within a block of formatted text.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Words in one style.
    Text {
        /// The words as they were typed, without marks or escapes.
        text: String,
        /// Whether they are bold, italic, struck out or code.
        style: Style,
    },
    /// An address that people can follow.
    Link {
        /// The address that it leads to.
        url: String,
        /// What it says, if not the address.
        label: Option<String>,
        /// Whether it is bold, italic, struck out or code.
        style: Style,
    },
    /// A mention of a person, to be replaced by a name.
    Person {
        /// Their id, of which the customer is shown the name.
        id: SlackUserId,
        /// The name that came with the mention, if any.
        label: Option<String>,
    },
    /// A mention of a channel, to be replaced by a name.
    Channel {
        /// Its id, of which the customer is shown the name.
        id: ChannelId,
        /// The name that came with the mention, if any.
        label: Option<String>,
    },
    /// A mention of a user group, to be replaced by a name.
    Group {
        /// Its id, of which the customer is shown the name.
        id: String,
        /// The handle that came with the mention, if any.
        label: Option<String>,
    },
    /// A call to everybody (`here`, `channel`, `everyone`).
    Broadcast(String),
    /// An emoji that a workspace made for itself, by its name: it is no character.
    CustomEmoji(String),
}

/// How a run of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own, in any combination")]
pub struct Style {
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) strike: bool,
    pub(crate) code: bool,
}

impl RichText {
    /// Text in no particular style.
    pub(crate) fn from_plain(text: impl Into<String>) -> Self {
        Self(vec![Paragraph::Text(vec![Inline::Text {
            text: text.into(),
            style: Style::default(),
        }])])
    }

    /// All runs in order, whichever block they stand in.
    pub(crate) fn inlines(&self) -> impl Iterator<Item = &Inline> {
        self.0.iter().flat_map(|paragraph| match paragraph {
            Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
                runs.as_slice()
            }
            Paragraph::Code(_) => &[],
        })
    }
}

/// Any JSON value, for properties of the parsers.
#[cfg(test)]
pub(crate) fn any_json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_./:<>@#!&;0-9 ]{0,12}".prop_map(Value::from),
        Just(Value::from("message")),
        Just(Value::from("1.0")),
    ];
    let keys =
        "type|text|value|content|subtype|user|ts|channel|message|item|elements|items|[a-z]{1,4}";
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(keys, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
