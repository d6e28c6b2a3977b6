//! Active messages: a conversation that begins on our side, of which Blip has no ticket yet.
//!
//! Until it has one, the thread belongs to a ticket of our own, which Blip never hears of. It is
//! told by its id from Blip's tickets, and is over from the beginning: nobody can claim or close it.

use jiff::Timestamp;

use super::ids::{BotName, ChannelId, MessageTs, TicketId};
use super::priority::Priority;
use super::service_limits::PassedLimits;
use super::ticket::{Customer, Thread, Ticket, TicketEnding, TicketState};

/// What the ids of such tickets begin with; channel, number and something unique follow.
const ACTIVE_PREFIX: &str = "active-message:";
/// How an active message stands, in the place of a status of Blip's.
pub(crate) const ACTIVE_STATUS: &str = "ActiveMessage";
/// Fewest and most digits of a number, with its country (E.164).
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// To whom an active message goes, and where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActiveTarget {
    /// The channel in which it was asked for.
    pub(crate) channel: ChannelId,
    /// The number, as `+5511987654321`.
    pub(crate) number: String,
}

/// Where the answer to an active message enters the bot (`blip.md`, additions §1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActiveRoute {
    /// The id of the flow.
    pub(crate) flow: String,
    /// The block in it, which must lead to the desk.
    pub(crate) block: String,
    /// The bot behind the router, if there is one.
    pub(crate) master_state: Option<String>,
}

/// A number as people write it, as `+5511987654321`; none if it has no country.
pub(crate) fn parse_number(text: &str) -> Option<String> {
    // Blip's check of a number "succeeds" for whatever has no `+` (`blip.md`, additions §2), so
    // such a one is refused here rather than asked for.
    let digits = text.trim().strip_prefix('+')?;
    let is_between = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}');
    let digits: String = digits.chars().filter(|c| !is_between(*c)).collect();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && NUMBER_DIGITS.contains(&digits.len())).then(|| format!("+{digits}"))
}

impl TicketId {
    /// The id of an active message that is about to be sent.
    pub(crate) fn for_active_message(
        bot: BotName,
        channel: &ChannelId,
        number: &str,
        nonce: &str,
    ) -> Option<Self> {
        Self::new(bot, &format!("{ACTIVE_PREFIX}{channel}:{number}:{nonce}"))
    }

    /// To whom the active message with this id goes; none of Blip's own tickets.
    pub(crate) fn active_target(&self) -> Option<ActiveTarget> {
        let mut parts = self.blip_id().strip_prefix(ACTIVE_PREFIX)?.split(':');
        // Ids are kept in lower case, Slack's are in capitals.
        let channel = ChannelId::parse(&parts.next()?.to_ascii_uppercase())?;
        Some(ActiveTarget { channel, number: parse_number(parts.next()?)? })
    }
}

impl Ticket {
    /// What stands for a ticket while there is none: of this customer on WhatsApp.
    pub(crate) fn for_active_message(id: TicketId, identity: &str, now: Timestamp) -> Self {
        let ending = TicketEnding::Other(ACTIVE_STATUS.to_owned());
        Self {
            id,
            address: String::new(),
            number: None,
            parent: None,
            customer: Customer {
                identity: identity.to_owned(),
                name: None,
                originator: None,
                domain: super::domain_of(identity).to_owned(),
            },
            team: None,
            tags: Vec::new(),
            priority: Priority::None,
            passed_limits: PassedLimits::default(),
            is_on_standby: false,
            opened: now,
            state: TicketState::Closed { ending, at: now },
            thread: None,
            heard: None,
            unanswered: None,
            first_answer: None,
            rating: None,
            // A new one would be announced as a customer who waits.
            revision: 2,
            version: 0,
        }
    }

    /// Why nothing can be done about a ticket that is over, or that stands for one that Blip has yet to
    /// give, as a text's key.
    pub(crate) fn closed_text_key(&self) -> &'static str {
        if self.id.active_target().is_some() { "ask-active" } else { "ask-closed" }
    }

    /// The same while somebody still chooses what to send: where it was asked for, and open.
    pub(crate) fn for_active_draft(id: TicketId, now: Timestamp) -> Option<Self> {
        let target = id.active_target()?;
        let identity = format!("{}@{}", target.number, super::ticket::WHATSAPP_DOMAIN);
        let thread = Thread { channel: target.channel, root: MessageTs::from_time(now) };
        let ticket = Self::for_active_message(id, &identity, now);
        Some(Self { state: TicketState::Unclaimed, thread: Some(thread), ..ticket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, number) in [
            ("+55 (11) 98765-4321", Some("+5511987654321")),
            (" +5511987654321 ", Some("+5511987654321")),
            ("5511987654321", None),
            ("+55", None),
            ("+55 11 Maria", None),
            ("+12345678901234567", None),
        ] {
            assert_eq!(parse_number(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn an_active_message_is_known_by_its_id() {
        let channel = ChannelId::parse("C0ATENDIMENTO").unwrap();
        let (bot, number) = (BotName::default(), "+5511987654321");
        let id = TicketId::for_active_message(bot, &channel, number, "n1").unwrap();
        assert_eq!(id.to_string(), "default/active-message:c0atendimento:+5511987654321:n1");
        let target = ActiveTarget { channel, number: number.to_owned() };
        let stored = TicketId::parse(&id.to_string()).unwrap();
        assert_eq!(
            (id.active_target(), stored.active_target()),
            (Some(target.clone()), Some(target))
        );
        assert_eq!(TicketId::parse("default/9b2e").unwrap().active_target(), None);
    }
}
