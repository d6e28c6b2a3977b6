//! Identifiers of both platforms, as types that cannot be mixed up.
//!
//! All are opaque and sent back verbatim. Slack's are compared and stored verbatim, too; Blip's are
//! compared without case. Length is bounded where the value comes from outside, so that a hostile
//! sender cannot grow our keys.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest identifier taken from outside, in bytes. Blip's LIME names may have 1,023 characters
/// (`blip.md` §2.5); real ticket ids are UUIDs.
pub(crate) const MAX_ID_BYTES: usize = 1024;

/// Stored as it is written for people, and checked like one that comes from outside when it is read.
macro_rules! impl_serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom("not an identifier"))
            }
        }
    };
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes the value as it is; `None` if it is empty, too long or has control characters.
            pub fn parse(value: &str) -> Option<Self> {
                is_valid_id(value).then(|| Self(value.to_owned()))
            }

            /// The value as the platform wrote it.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl_serde_as_text!($name);
    };
}

opaque_id! {
    /// A Slack channel, such as `C024BE91L`.
    ChannelId
}
opaque_id! {
    /// The time stamp that names a Slack message within its channel, such as `1355517523.000005`.
    ///
    /// Never a number: `1.10` and `1.1` are two messages.
    /// Compared as text all the same, which gives their order in time: Slack writes ten digits before the
    /// point, until the year 2286, and six behind it.
    MessageTs
}
opaque_id! {
    /// A person in Slack, such as `U024BE7LH`.
    SlackUserId
}
opaque_id! {
    /// The short name under which a Blip bot is configured; `default` where there is only one.
    BotName
}

impl MessageTs {
    /// The time in it, in microseconds since 1970.
    pub(crate) fn to_micros(&self) -> Option<i64> {
        let (seconds, rest) = self.0.split_once('.')?;
        // Digits after the point are filled up at their end: `.1` is a tenth of a second, not a
        // millionth.
        let micros = format!("{rest:0<6}").get(..6)?.parse::<u32>().ok()?;
        seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros.into())
    }

    /// The time stamp of a message that would be written at this time.
    pub(crate) fn from_time(time: jiff::Timestamp) -> Self {
        let micros = time.as_microsecond().max(0);
        Self(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
    }
}

/// A Slack channel as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChannelRef {
    /// By its id, which stays when the channel is renamed.
    Id(ChannelId),
    /// By its name, without `#`.
    Name(String),
}

impl fmt::Display for ChannelRef {
    /// As people write it: the id, or the name with `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => write!(f, "#{name}"),
        }
    }
}

impl Default for BotName {
    fn default() -> Self {
        // It stands in the ids of tickets, which are stored and live on buttons in Slack: never
        // renamed.
        Self("default".to_owned())
    }
}

impl BotName {
    /// The variable that holds this setting of the bot, such as `BLIP_VENDAS_KEY`.
    pub(crate) fn setting_variable(&self, setting: &str) -> String {
        if *self == Self::default() {
            return format!("BLIP_{setting}");
        }
        format!("BLIP_{}_{setting}", self.as_str().to_ascii_uppercase())
    }
}

/// One Blip ticket of one configured bot.
///
/// Blip's own id is opaque and unique within its bot only (`blip.md` §2.5), so both parts count.
/// Blip compares ids without case and may write one of them in two ways (`blip.md` §2.1, §8): both
/// are the same ticket. Written as `bot/id` in lower case, the form used in the store, in lanes and
/// on buttons; what goes to Blip keeps the form that Blip gave ([`TicketId::blip_id`]).
#[derive(Clone, Debug)]
pub struct TicketId {
    bot: BotName,
    id: String,
}

impl TicketId {
    /// Joins a bot and Blip's id; `None` if the id is empty, too long or has control characters.
    pub fn new(bot: BotName, id: &str) -> Option<Self> {
        is_valid_id(id).then(|| Self { bot, id: id.to_owned() })
    }

    /// Reads the `bot/id` form back.
    pub fn parse(value: &str) -> Option<Self> {
        // At the first slash: the name of a bot has none, and Blip's id may be anything (`blip.md`
        // §2.5).
        let (bot, id) = value.split_once('/')?;
        Self::new(BotName::parse(bot)?, id)
    }

    /// The configured bot that owns the ticket.
    pub(crate) fn bot(&self) -> &BotName {
        &self.bot
    }

    /// The id as Blip wrote it; in lower case if it was read back from the `bot/id` form.
    pub(crate) fn blip_id(&self) -> &str {
        &self.id
    }

    /// The same id as Blip wrote it elsewhere; any other id changes nothing.
    #[must_use]
    pub(crate) fn spelled(self, id: &str) -> Self {
        if self.id.eq_ignore_ascii_case(id) { Self { id: id.to_owned(), ..self } } else { self }
    }

    /// What ids are compared by.
    fn key(&self) -> (&BotName, String) {
        (&self.bot, self.id.to_ascii_lowercase())
    }
}

impl_serde_as_text!(TicketId);

impl PartialEq for TicketId {
    fn eq(&self, other: &Self) -> bool {
        self.bot == other.bot && self.id.eq_ignore_ascii_case(&other.id)
    }
}

impl Eq for TicketId {}

impl Hash for TicketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for TicketId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TicketId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bot, self.id.to_ascii_lowercase())
    }
}

/// The form of a Blip message's id in which it is stored and compared (`blip.md` §8).
pub(crate) fn stored_id(id: &str) -> String {
    id.to_ascii_lowercase()
}

fn is_valid_id(value: &str) -> bool {
    // Ids stand in logs, where a line break would forge a line, and in text columns, of which those
    // of PostgreSQL take no U+0000.
    !value.is_empty() && value.len() <= MAX_ID_BYTES && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_ticket_id_survives_being_written_and_read() {
        for id in ["5f0c-11", "a/b/c", "1654%40x@desk.msging.net"] {
            let ticket = TicketId::new(BotName::default(), id).unwrap();
            assert_eq!(TicketId::parse(&ticket.to_string()), Some(ticket));
        }
    }

    #[test]
    fn a_ticket_id_in_another_case_is_the_same_ticket() {
        let [told, again] = ["5F0c-11", "5f0C-11"].map(|id| TicketId::new(BotName::default(), id));
        let (told, again) = (told.unwrap(), again.unwrap());
        assert_eq!(told, again);
        assert_eq!(HashSet::from([told.clone(), again]).len(), 1);
        assert_eq!((told.to_string().as_str(), told.blip_id()), ("default/5f0c-11", "5F0c-11"));
        let stored = TicketId::parse(&told.to_string()).unwrap();
        assert_eq!(stored.clone().spelled("5F0c-11").blip_id(), "5F0c-11");
        assert_eq!(stored.spelled("other").blip_id(), "5f0c-11");
    }

    #[test]
    fn unsound_ids_are_refused() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        for id in ["", "a\nb", "a\0", long.as_str()] {
            assert_eq!(ChannelId::parse(id), None, "{id:?}");
            assert_eq!(TicketId::new(BotName::default(), id), None, "{id:?}");
        }
    }
}
