//! The ticket: its customer, who holds it, and how far it is.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::content::Content;
use super::customer_key::write_whatsapp_number;
use super::ids::{ChannelId, MessageTs, SlackUserId, TicketId};
use super::priority::Priority;
use super::service_limits::PassedLimits;

/// The queue of tickets that go to an agent and not to a team (`blip.md` §4.1).
pub(crate) const DIRECT_TRANSFER: &str = "DIRECT_TRANSFER";

/// Whether a queue of Blip's is a team.
pub(crate) fn is_team(queue: &str) -> bool {
    queue != DIRECT_TRANSFER
}

/// One conversation between a customer and the team.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Which ticket, and of which bot.
    pub id: TicketId,
    /// The node that messages to the customer go to, verbatim as Blip wrote it.
    pub address: String,
    /// The number that people call it by; unique per bot only.
    pub number: Option<i64>,
    /// The number of the ticket from which this one was transferred.
    pub parent: Option<i64>,
    /// Who is at the far end.
    pub customer: Customer,
    /// The queue it waits in.
    pub team: Option<String>,
    /// Its tags, as Blip has them.
    pub tags: Vec<String>,
    /// How urgent Blip's rules say that it is.
    pub priority: Priority,
    /// The limits of the desk's service levels that it has passed.
    pub passed_limits: PassedLimits,
    /// Since when it waits.
    pub opened: Timestamp,
    /// Whether somebody holds it, or how it ended.
    pub state: TicketState,
    /// Its thread, once the card is posted.
    pub thread: Option<Thread>,
    /// When the customer was last heard of, give or take a minute.
    pub heard: Option<Timestamp>,
    /// Since when the customer waits for an answer to what they said.
    pub unanswered: Option<Timestamp>,
    /// The first answer that an agent gave, once there is one.
    pub first_answer: Option<FirstAnswer>,
    /// What the customer thought of it, in their own numbers, such as `4/5`.
    pub rating: Option<String>,
    /// Whether it is on standby at Blip, which does not close it for inactivity then.
    pub is_on_standby: bool,
    /// Counts the changes that the card shows; the newest one wins.
    pub revision: i64,
    /// Counts the writes of the ticket, so that nobody writes over what they have not read. The
    /// store's own; 0 before the first write.
    pub version: i64,
}

/// The first answer to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAnswer {
    /// When it went out.
    pub at: Timestamp,
    /// Who held the ticket then; nobody, if it was answered without being claimed.
    pub by: Option<SlackUserId>,
}

/// The person at the far end.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Blip's identity of the customer.
    pub identity: String,
    /// The name in Blip's contact book.
    pub name: Option<String>,
    /// Blip's identity of the customer on their own channel, if a router stands between and Blip has
    /// told.
    pub originator: Option<String>,
    /// The domain of the channel, such as `wa.gw.msging.net`; that of the router's tunnel as long as
    /// nothing else is known.
    pub domain: String,
}

impl Customer {
    /// Whether a router stands between the customer and the bot, and Blip has not told who it is.
    pub(crate) fn is_hidden(&self) -> bool {
        self.originator.is_none() && is_tunnel(domain_of(&self.identity))
    }

    /// Whether nobody knows on which channel the customer is.
    pub(crate) fn has_unknown_channel(&self) -> bool {
        is_tunnel(&self.domain)
    }

    /// Who the customer is on WhatsApp itself, if they are there and Blip has told.
    pub(crate) fn whatsapp_identity(&self) -> Option<&str> {
        // A tunnel has no address on WhatsApp; who is behind it has (`blip.md`, additions §1.2).
        let identity = self.originator.as_deref().unwrap_or(&self.identity);
        domain_of(identity).eq_ignore_ascii_case(WHATSAPP_DOMAIN).then_some(identity)
    }

    /// The number that the customer has on WhatsApp, as people dial it.
    pub(crate) fn whatsapp_number(&self) -> Option<String> {
        let (account, _) = self.whatsapp_identity()?.split_once('@')?;
        write_whatsapp_number(account)
    }

    /// Learns who is behind the router's tunnel. A channel that Blip has named stays.
    pub(crate) fn unhide(&mut self, originator: &str) {
        // Blip tells the real channel of some customers behind a tunnel by itself (`blip.md` §3.1);
        // the originator is what we looked up, so it comes second.
        if self.domain.is_empty() || self.has_unknown_channel() {
            domain_of(originator).clone_into(&mut self.domain);
        }
        self.originator = Some(originator.to_owned());
    }
}

/// The domain of an identity or node; nothing if it has none.
pub fn domain_of(identity: &str) -> &str {
    let domain = identity.rsplit_once('@').map_or("", |(_, domain)| domain);
    // A node has an instance behind its domain, as in `…@desk.msging.net/Webhook` (`blip.md` §2.5).
    domain.split('/').next().unwrap_or_default()
}

/// Whether a domain is that of the tunnels between routers and their bots, which hide the channel
/// (`blip.md` §3.1).
pub fn is_tunnel(domain: &str) -> bool {
    domain.eq_ignore_ascii_case("tunnel.msging.net")
}

/// The Slack thread of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Thread {
    /// The channel that it stands in.
    pub channel: ChannelId,
    /// Its root message, the card.
    pub root: MessageTs,
}

/// A person who may answer customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Who they are in Slack.
    pub user: SlackUserId,
    /// The name to show.
    pub name: String,
    /// Who, at Blip: `local%40domain@blip.ai`.
    pub identity: String,
}

/// The revision of a ticket that arrives.
pub(crate) const FIRST_REVISION: i64 = 1;

/// The domain of identities on WhatsApp, whose customers have a number and may be written to for a day only
/// (`blip.md` §2.5, §7).
pub(crate) const WHATSAPP_DOMAIN: &str = "wa.gw.msging.net";
/// For how long after the customer's last message WhatsApp takes words of our own.
const REPLY_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How long before the customer cannot be written to any more the card says so.
pub(crate) const WINDOW_WARNING: SignedDuration = SignedDuration::from_hours(2);

/// How long a customer waits for an answer before the card says so: a card that changed with each
/// word would use up what Slack allows.
pub(crate) const UNANSWERED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What ECMAScript's `encodeURIComponent` encodes.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

impl Agent {
    /// Blip's identity of the person with this e-mail address (`blip.md` §2.5).
    pub(crate) fn identity_from_email(email: &str) -> String {
        format!("{}@blip.ai", utf8_percent_encode(email, NOT_UNRESERVED))
    }

    /// The e-mail address in an identity of Blip's: what [`Agent::identity_from_email`] made of it.
    pub(crate) fn email_from_identity(identity: &str) -> Option<String> {
        let (local, _) = identity.split_once('@')?;
        let email = percent_decode_str(local).decode_utf8().ok()?;
        // The decoding may bring out control characters (`blip.md` §2.5), and the address is shown
        // to people.
        (email.contains('@') && !email.contains(char::is_control)).then(|| email.into_owned())
    }
}

/// Where a ticket stands.
#[derive(Clone, Debug, PartialEq)]
pub enum TicketState {
    /// Nobody holds it: new, or released.
    Unclaimed,
    /// An agent holds it.
    Claimed {
        /// The agent who holds it.
        holder: Agent,
        /// Since when they hold it.
        since: Timestamp,
    },
    /// It is over; Blip accepts no change any more.
    Closed {
        /// How it ended, and by whom.
        ending: TicketEnding,
        /// When it ended, as far as we were told.
        at: Timestamp,
    },
}

/// How a ticket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketEnding {
    /// An agent closed it here.
    Agent(Agent),
    /// An agent closed it elsewhere.
    AgentElsewhere,
    /// The customer closed it.
    Customer,
    /// It was closed because nobody wrote.
    Inactivity,
    /// It went on as another ticket.
    Transferred,
    /// Blip closed it in a way we have no word for; the status as Blip wrote it.
    Other(String),
}

impl Ticket {
    /// Its place among those that wait: the most urgent first, of those who waits longest.
    pub(crate) fn queue_place(&self) -> (Reverse<Priority>, Timestamp) {
        (Reverse(self.priority), self.opened)
    }

    /// Whether it is as it was when it arrived: each change counts its revision on.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.revision == FIRST_REVISION
    }

    /// The agent who holds the ticket.
    pub(crate) fn holder(&self) -> Option<&Agent> {
        match &self.state {
            TicketState::Claimed { holder, .. } => Some(holder),
            TicketState::Unclaimed | TicketState::Closed { .. } => None,
        }
    }

    /// Until when the customer may be written to in words of our own: WhatsApp takes them for a
    /// day after the customer's last message (`blip.md` §7). `None` where there is no such limit.
    pub(crate) fn window_end(&self) -> Option<Timestamp> {
        let has_window = self.customer.domain.eq_ignore_ascii_case(WHATSAPP_DOMAIN);
        // As Blip's desk computes it (`blip.md` §7): without any word of the customer's, the
        // ticket's beginning counts.
        has_window.then(|| self.heard.unwrap_or(self.opened) + REPLY_WINDOW)
    }

    /// Whether the customer's channel takes no words of our own any more.
    pub(crate) fn is_window_closed(&self, now: Timestamp) -> bool {
        // At the very end it is over: Blip's desk asks for less than 24 hours (`blip.md` §7).
        self.window_end().is_some_and(|end| end <= now)
    }

    /// Whether the ticket is over.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, TicketState::Closed { .. })
    }

    /// Moves to a new state, for the card to show.
    pub fn enter_state(&mut self, state: TicketState) {
        // Whatever it was: Blip closes no ticket twice.
        self.is_on_standby &= !matches!(state, TicketState::Closed { .. });
        self.state = state;
        self.revision += 1;
    }
}

/// What Blip says of a ticket at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketSnapshot {
    pub(crate) id: TicketId,
    /// The node that messages to the customer go to, verbatim as Blip wrote it.
    pub(crate) address: String,
    /// Its status, as Blip wrote it: an open set (`blip.md` §3.2).
    pub(crate) status: String,
    /// Whether Blip says in so many words that it is over.
    pub(crate) closed: bool,
    /// The number that people call it by.
    pub(crate) number: Option<i64>,
    /// The number of the ticket from which it was transferred.
    pub(crate) parent: Option<i64>,
    /// Blip's identity of the customer.
    pub(crate) customer: Option<String>,
    /// The domain of the customer's channel.
    pub(crate) domain: Option<String>,
    /// Blip's identity of the agent.
    pub(crate) agent: Option<String>,
    /// The queue it waits in.
    pub(crate) team: Option<String>,
    pub(crate) tags: Vec<String>,
    /// How urgent it is, if Blip tells.
    pub(crate) priority: Option<Priority>,
    /// When it was made.
    pub(crate) opened: Option<Timestamp>,
    /// When it ended, if it has and Blip tells.
    pub(crate) ended: Option<Timestamp>,
    /// What the customer thought of it: above 0 if they have said so.
    pub(crate) rating: Option<i64>,
    /// What the customer said that opened it.
    pub(crate) first_words: Option<Content>,
}

impl TicketSnapshot {
    /// A ticket of which nothing is known but that it is there.
    pub(crate) fn with_id(id: TicketId) -> Self {
        Self {
            id,
            address: String::new(),
            status: String::new(),
            closed: false,
            number: None,
            parent: None,
            customer: None,
            domain: None,
            agent: None,
            team: None,
            tags: Vec::new(),
            priority: None,
            opened: None,
            ended: None,
            rating: None,
            first_words: None,
        }
    }

    /// Whether nobody has been given the ticket yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.status.eq_ignore_ascii_case("waiting") && !self.closed
    }

    /// How the ticket ended, if it has.
    ///
    /// The set of statuses is open: anything that starts with `Closed` is an end (`blip.md` §3.2).
    pub(crate) fn parse_ending(&self) -> Option<TicketEnding> {
        let status = self.status.to_ascii_lowercase();
        match status.as_str() {
            "transferred" => Some(TicketEnding::Transferred),
            "closedattendant" => Some(TicketEnding::AgentElsewhere),
            "closedclient" => Some(TicketEnding::Customer),
            // The second one occurs in no source (`blip.md` §3.2). Should it come, its meaning is
            // plain.
            "closedclientinactivity" | "closedattendantinactivity" => {
                Some(TicketEnding::Inactivity)
            }
            _ if self.closed || status.starts_with("closed") => {
                Some(TicketEnding::Other(self.status.clone()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_at_blip_by_the_encoded_address() {
        for (email, identity) in [
            ("john@company.com", "john%40company.com@blip.ai"),
            ("ana.lima-1+desk@loja.com.br", "ana.lima-1%2Bdesk%40loja.com.br@blip.ai"),
            ("o'hara@x.io", "o'hara%40x.io@blip.ai"),
            ("joão@loja.com", "jo%C3%A3o%40loja.com@blip.ai"),
        ] {
            assert_eq!(Agent::identity_from_email(email), identity);
            assert_eq!(Agent::email_from_identity(identity).as_deref(), Some(email));
        }
    }
}
