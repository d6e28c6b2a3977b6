//! What the desk of a bot has: teams, agents, tags, canned replies.

use std::collections::HashMap;

use serde_json::Value;

use super::lenient::{self, get_text};
use crate::model::forbidden::ForbiddenWords;
use crate::model::{Agent, PassedLimits};

/// The types of documents that a customer can be sent as they are (`blip.md` §6).
const SENDABLE_TYPES: [&str; 9] = [
    "collection",
    "container",
    "document-select",
    "list",
    "location",
    "media-link",
    "select",
    "tuple",
    "web-link",
];

/// An agent of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attendant {
    /// Blip's identity of them.
    pub(crate) identity: String,
    /// What people call them; several may have the same name.
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    /// The teams that they are in.
    pub(crate) teams: Vec<String>,
    /// Whether they are at work, if Blip tells.
    pub(crate) presence: Option<Presence>,
}

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    Online,
    /// They are there, and take none.
    Paused,
    /// They are not there, or do not want to be seen.
    Offline,
}

/// A team of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Team {
    /// What it is called.
    pub(crate) name: String,
    /// How many of its agents are at work, if Blip tells.
    pub(crate) online: Option<u64>,
}

/// The tags from which people choose, and whether the desk wants one before a ticket is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagChoices {
    pub(crate) tags: Vec<String>,
    /// Whether the desk wants one.
    pub(crate) is_one_wanted: bool,
}

impl TagChoices {
    /// Reads what the portal has written (`blip.md`, additions §8).
    pub(super) fn from_settings(settings: &Value) -> Self {
        // A bucket keeps text as well as documents.
        let parsed = settings.as_str().and_then(lenient::parse_json);
        let settings = parsed.as_ref().unwrap_or(settings);
        // `hasTags` switches them off, whatever the list still holds.
        if !lenient::is_true(settings, "hasTags") {
            return Self::default();
        }
        let tag = |tag: &Value| {
            lenient::as_text(tag).or_else(|| get_text(tag, "name")).or_else(|| get_text(tag, "tag"))
        };
        Self {
            tags: lenient::get_list(settings, "tags").iter().filter_map(tag).collect(),
            is_one_wanted: lenient::is_true(settings, "isTagsRequired"),
        }
    }
}

/// Reads the words that agents must not write, as the portal has kept them (`blip.md`, additions §8).
pub(super) fn read_forbidden_words(settings: &Value) -> ForbiddenWords {
    // A bucket keeps text as well as documents.
    let parsed = settings.as_str().and_then(lenient::parse_json);
    let settings = parsed.as_ref().unwrap_or(settings);
    if !lenient::is_true(settings, "hasForbiddenWords") {
        return ForbiddenWords::default();
    }
    let words = lenient::get_list(settings, "forbiddenWords").iter();
    ForbiddenWords {
        words: words.filter_map(lenient::as_text).collect(),
        is_whole: lenient::is_true(settings, "exactMatch"),
        heeds_accents: lenient::is_true(settings, "considerDiacritics"),
    }
}

/// Reads which limits a ticket has passed; `None` if it has passed none (`blip.md`, additions §8, §9).
pub(super) fn read_passed_limits(entry: &Value) -> Option<(String, PassedLimits)> {
    let passed = PassedLimits {
        waiting: lenient::is_true(entry, "hasQueueTimeExceeded"),
        first_answer: lenient::is_true(entry, "hasFirstResponseTimeExceeded"),
        attendance: lenient::is_true(entry, "hasAttendanceTimeExceeded"),
    };
    let id = get_text(entry, "id")?;
    (passed != PassedLimits::default()).then_some((id, passed))
}

/// A text that the team keeps at Blip to be sent again and again (*Respostas prontas*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CannedReply {
    /// Blip's id of it.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// The category that it is in.
    pub(crate) category: String,
    /// What it says, with its variables.
    pub(crate) body: CannedBody,
}

/// What a canned reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CannedBody {
    /// Words, which may be changed before they go out.
    Words(String),
    /// A document of this type, as JSON.
    Document {
        kind: String,
        /// The document, as JSON.
        content: String,
    },
}

impl CannedReply {
    /// `None` if it can be neither shown nor sent, as what only one channel understands: most of that
    /// are templates, which do not go by a ticket.
    pub(super) fn from_entry(entry: &Value) -> Option<Self> {
        let body = CannedBody::from_entry(entry)?;
        let name = get_text(entry, "name").unwrap_or_else(|| match &body {
            CannedBody::Words(words) => words.clone(),
            CannedBody::Document { kind, .. } => kind.clone(),
        });
        let category = get_text(entry, "category").unwrap_or_default();
        Some(Self { id: get_text(entry, "id")?, name, category, body })
    }
}

impl CannedBody {
    pub(super) fn from_entry(entry: &Value) -> Option<Self> {
        let document = entry.get("document")?;
        let kind = get_text(entry, "type").unwrap_or_default().to_ascii_lowercase();
        // A document stands there as text, too (`blip.md`, additions §7).
        let parsed = document.as_str().and_then(lenient::parse_json);
        let content = parsed.as_ref().unwrap_or(document);
        if kind.is_empty() || kind.starts_with("text/") || !content.is_object() {
            let words = document.as_str().map(str::to_owned);
            return words.or_else(|| get_text(document, "text")).map(Self::Words);
        }
        // Templates are `application/json` and do not go by a ticket; whoever writes after the
        // window gets them from a list of their own.
        let name = kind.strip_prefix("application/vnd.lime.")?.trim_end_matches("+json");
        let content = content.to_string();
        SENDABLE_TYPES.contains(&name).then_some(Self::Document { kind, content })
    }
}

impl Attendant {
    pub(super) fn from_entry(entry: &Value) -> Option<Self> {
        let identity = get_text(entry, "identity")?;
        // Several agents may have one name, and the address tells them apart
        // (`two_agents_of_one_name_are_told_apart_and_found_by_their_e_mail_address`).
        let email = get_text(entry, "email").or_else(|| Agent::email_from_identity(&identity));
        let local = identity.split('@').next().unwrap_or_default().to_owned();
        let name = get_text(entry, "fullName").or_else(|| email.clone()).unwrap_or(local);
        let teams = lenient::get_list(entry, "teams").iter().filter_map(lenient::as_text).collect();
        let presence = entry.get("status").and_then(lenient::as_text);
        let presence = presence.as_deref().and_then(Presence::parse);
        Some(Self { identity, name, email, teams, presence })
    }
}

impl Presence {
    /// Reads a status, which Blip writes as a name or as a number (`blip.md` additions 6).
    pub(super) fn parse(status: &str) -> Option<Self> {
        match status.trim().to_ascii_lowercase().as_str() {
            "online" | "2" => Some(Self::Online),
            "pause" | "paused" | "1" => Some(Self::Paused),
            "offline" | "0" | "invisible" | "3" => Some(Self::Offline),
            _ => None,
        }
    }
}

/// Gives replies of the same id ids of their own: nothing makes a team choose different ones.
pub(super) fn make_ids_unique(replies: &mut [CannedReply]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for reply in replies {
        let count = seen.entry(reply.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            // Slack sends back only what was chosen, so two entries of one value could not be told
            // apart.
            reply.id = format!("{}#{count}", reply.id);
        }
    }
}
