//! How the words of the domain are written in columns, the same way in every database.
//!
//! Knows no SQL. What cannot be read back is [`Error::Unreadable`], never a guess.

use jiff::Timestamp;

use super::{
    Error, Item, ItemId, KnownReplies, Link, ParkedItem, QueueDepth, Result, Role, Source,
    StoredOutcome,
};
use crate::model::{
    Agent, ChannelId, Customer, FirstAnswer, MessageTs, PassedLimits, Priority, SlackUserId,
    Thread, Ticket, TicketEnding, TicketId, TicketState,
};

/// Says which kind of value cannot be read, if there is none.
fn require_readable<T>(value: Option<T>, what: &'static str) -> Result<T> {
    value.ok_or(Error::Unreadable { what })
}

/// Reads a time that is kept in milliseconds.
pub(super) fn parse_timestamp(millis: i64) -> Result<Timestamp> {
    require_readable(Timestamp::from_millisecond(millis).ok(), "time")
}

/// A waiting item, with its lane.
pub(super) struct ItemRow {
    pub(super) lane: String,
    pub(super) id: ItemId,
    pub(super) source: String,
    pub(super) key: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) received: i64,
    pub(super) attempts: i64,
    pub(super) doubt: bool,
    pub(super) begun: bool,
}

impl TryFrom<ItemRow> for Item {
    type Error = Error;

    fn try_from(row: ItemRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            source: require_readable(Source::parse(&row.source), "source")?,
            lane: row.lane,
            key: row.key,
            // Bodies of what waits are never erased, so one that is missing is damage.
            body: require_readable(row.body, "body")?,
            received: parse_timestamp(row.received)?,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            may_have_unrecorded_calls: row.doubt,
            has_begun_calls: row.begun,
        })
    }
}

/// Puts the items of each lane together, which come one lane after the other.
pub(super) fn group_by_lane(rows: Vec<ItemRow>) -> Result<Vec<(String, Vec<Item>)>> {
    let mut lanes: Vec<(String, Vec<Item>)> = Vec::new();
    for row in rows {
        let lane = row.lane.clone();
        let item = row.try_into()?;
        match lanes.last_mut() {
            Some((last, items)) if *last == lane => items.push(item),
            _ => lanes.push((lane, vec![item])),
        }
    }
    Ok(lanes)
}

/// The state of an item with this outcome, and why; what is forgotten has none.
pub(super) fn outcome_columns(outcome: &StoredOutcome) -> (&'static str, Option<&String>) {
    match outcome {
        StoredOutcome::Done => ("done", None),
        StoredOutcome::Ignored => ("ignored", None),
        StoredOutcome::Forgotten => ("forgotten", None),
        StoredOutcome::Parked { reason } => ("parked", Some(reason)),
        StoredOutcome::Failed => ("waiting", None),
    }
}

/// The name of a fact in the table that is also used for what the store itself remembers.
pub(super) fn fact_key(name: &str) -> String {
    format!("fact:{name}")
}

pub(super) struct ParkedRow {
    pub(super) id: ItemId,
    pub(super) lane: String,
    pub(super) source: String,
    pub(super) reason: Option<String>,
    pub(super) received: i64,
}

impl TryFrom<ParkedRow> for ParkedItem {
    type Error = Error;

    fn try_from(row: ParkedRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            lane: row.lane,
            source: require_readable(Source::parse(&row.source), "source")?,
            reason: row.reason.unwrap_or_default(),
            received: parse_timestamp(row.received)?,
        })
    }
}

/// A Slack message that belongs to a ticket.
pub(super) struct LinkRow {
    pub(super) ticket: String,
    pub(super) channel: String,
    pub(super) ts: String,
    pub(super) role: String,
    pub(super) blip_id: Option<String>,
    pub(super) user: Option<String>,
}

impl TryFrom<LinkRow> for Link {
    type Error = Error;

    fn try_from(row: LinkRow) -> Result<Self> {
        Ok(Self {
            ticket: require_readable(TicketId::parse(&row.ticket), "ticket id")?,
            channel: parse_channel(&row.channel)?,
            ts: parse_message_ts(&row.ts)?,
            role: require_readable(parse_role(&row.role), "role")?,
            blip_id: row.blip_id,
            user: row.user.as_deref().map(parse_slack_user).transpose()?,
        })
    }
}

/// What is known of the answers in a thread.
pub(super) struct KnownRepliesRow {
    pub(super) root: String,
    pub(super) count: i64,
    pub(super) latest: String,
}

impl TryFrom<KnownRepliesRow> for KnownReplies {
    type Error = Error;

    fn try_from(row: KnownRepliesRow) -> Result<Self> {
        Ok(Self {
            root: parse_message_ts(&row.root)?,
            count: u32::try_from(row.count).unwrap_or(u32::MAX),
            latest: parse_message_ts(&row.latest)?,
        })
    }
}

/// The word for what a message is.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        // Stored words, here and below: a format.
        Role::Card => "card",
        Role::Customer => "customer",
        Role::Reply => "reply",
        Role::PartOfReply => "part",
        Role::Held => "held",
        Role::Note => "note",
    }
}

fn parse_role(name: &str) -> Option<Role> {
    [Role::Card, Role::Customer, Role::Reply, Role::PartOfReply, Role::Held, Role::Note]
        .into_iter()
        .find(|role| role_name(*role) == name)
}

pub(super) fn parse_channel(value: &str) -> Result<ChannelId> {
    require_readable(ChannelId::parse(value), "channel")
}

fn parse_message_ts(value: &str) -> Result<MessageTs> {
    require_readable(MessageTs::parse(value), "message")
}

pub(super) fn parse_slack_user(value: &str) -> Result<SlackUserId> {
    require_readable(SlackUserId::parse(value), "user")
}

/// A ticket as the columns of its row.
pub(super) struct TicketRow {
    pub(super) id: String,
    /// Blip's id as Blip wrote it, if that is not in lower case.
    pub(super) spelled: Option<String>,
    pub(super) bot: String,
    pub(super) address: String,
    pub(super) number: Option<i64>,
    pub(super) parent: Option<i64>,
    pub(super) customer: String,
    pub(super) customer_name: Option<String>,
    pub(super) originator: Option<String>,
    pub(super) domain: String,
    pub(super) team: Option<String>,
    pub(super) tags: String,
    /// Blip's number of its level; none as long as nothing has told it.
    pub(super) priority: Option<i64>,
    /// A bit for each limit; none as long as none was passed.
    pub(super) passed_limits: Option<i64>,
    pub(super) opened: i64,
    pub(super) state: StateRow,
    pub(super) channel: Option<String>,
    pub(super) root: Option<String>,
    pub(super) heard: Option<i64>,
    pub(super) unanswered: Option<i64>,
    pub(super) answered: Option<i64>,
    pub(super) answered_by: Option<String>,
    pub(super) rating: Option<String>,
    /// 1 while it is on standby.
    pub(super) standby: Option<i64>,
    pub(super) revision: i64,
    pub(super) version: i64,
}

/// Where a ticket stands, flat.
#[derive(Default)]
pub(super) struct StateRow {
    pub(super) state: String,
    /// Since when it is held, or when it was closed.
    pub(super) changed: Option<i64>,
    /// How it ended: a word, or `other:` and Blip's word.
    pub(super) ending: Option<String>,
    /// Who holds it, or who closed it.
    pub(super) agent: Option<String>,
    pub(super) agent_name: Option<String>,
    pub(super) agent_identity: Option<String>,
}

impl From<&Ticket> for TicketRow {
    fn from(ticket: &Ticket) -> Self {
        let thread = ticket.thread.as_ref();
        Self {
            id: ticket.id.to_string(),
            spelled: spelled(&ticket.id),
            bot: ticket.id.bot().to_string(),
            address: ticket.address.clone(),
            number: ticket.number,
            parent: ticket.parent,
            customer: ticket.customer.identity.clone(),
            customer_name: ticket.customer.name.clone(),
            originator: ticket.customer.originator.clone(),
            domain: ticket.customer.domain.clone(),
            team: ticket.team.clone(),
            // As JSON and in one column: tags are read and written together only, and may hold any
            // character.
            tags: serde_json::json!(ticket.tags).to_string(),
            priority: Some(ticket.priority.to_number()),
            passed_limits: Some(ticket.passed_limits.to_bits()),
            opened: ticket.opened.as_millisecond(),
            state: StateRow::from(&ticket.state),
            channel: thread.map(|thread| thread.channel.to_string()),
            root: thread.map(|thread| thread.root.to_string()),
            heard: ticket.heard.map(Timestamp::as_millisecond),
            unanswered: ticket.unanswered.map(Timestamp::as_millisecond),
            answered: ticket.first_answer.as_ref().map(|answer| answer.at.as_millisecond()),
            answered_by: ticket
                .first_answer
                .as_ref()
                .and_then(|it| it.by.as_ref())
                .map(SlackUserId::to_string),
            rating: ticket.rating.clone(),
            standby: ticket.is_on_standby.then_some(1),
            revision: ticket.revision,
            version: ticket.version,
        }
    }
}

/// How Blip writes the id of a ticket, if the stored form does not tell.
pub(super) fn spelled(id: &TicketId) -> Option<String> {
    // Most ids of Blip's are in lower case, so that the column is mostly empty.
    let is_stored = !id.blip_id().contains(|c: char| c.is_ascii_uppercase());
    (!is_stored).then(|| id.blip_id().to_owned())
}

impl TryFrom<TicketRow> for Ticket {
    type Error = Error;

    fn try_from(row: TicketRow) -> Result<Self> {
        let thread = match (row.channel, row.root) {
            (Some(id), Some(root)) => {
                Some(Thread { channel: parse_channel(&id)?, root: parse_message_ts(&root)? })
            }
            _ => None,
        };
        let id = require_readable(TicketId::parse(&row.id), "ticket id")?;
        Ok(Self {
            id: match &row.spelled {
                Some(spelled) => id.spelled(spelled),
                None => id,
            },
            address: row.address,
            number: row.number,
            parent: row.parent,
            customer: Customer {
                identity: row.customer,
                name: row.customer_name,
                originator: row.originator,
                domain: row.domain,
            },
            team: row.team,
            tags: require_readable(serde_json::from_str(&row.tags).ok(), "tags")?,
            priority: row.priority.map(Priority::from_number).unwrap_or_default(),
            passed_limits: row.passed_limits.map(PassedLimits::from_bits).unwrap_or_default(),
            opened: parse_timestamp(row.opened)?,
            state: row.state.try_into()?,
            thread,
            heard: row.heard.map(parse_timestamp).transpose()?,
            unanswered: row.unanswered.map(parse_timestamp).transpose()?,
            first_answer: match row.answered {
                Some(at) => {
                    let by = row.answered_by.as_deref().map(parse_slack_user).transpose()?;
                    Some(FirstAnswer { at: parse_timestamp(at)?, by })
                }
                None => None,
            },
            rating: row.rating,
            is_on_standby: row.standby == Some(1),
            revision: row.revision,
            version: row.version,
        })
    }
}

impl From<&TicketState> for StateRow {
    fn from(state: &TicketState) -> Self {
        match state {
            TicketState::Unclaimed => Self { state: "unclaimed".to_owned(), ..Self::default() },
            TicketState::Claimed { holder, since } => Self {
                state: "claimed".to_owned(),
                changed: Some(since.as_millisecond()),
                ..Self::from_agent(holder)
            },
            TicketState::Closed { ending, at } => Self {
                state: "closed".to_owned(),
                changed: Some(at.as_millisecond()),
                ending: Some(ending_name(ending)),
                ..if let TicketEnding::Agent(agent) = ending {
                    Self::from_agent(agent)
                } else {
                    Self::default()
                }
            },
        }
    }
}

impl StateRow {
    fn from_agent(agent: &Agent) -> Self {
        Self {
            agent: Some(agent.user.to_string()),
            agent_name: Some(agent.name.clone()),
            agent_identity: Some(agent.identity.clone()),
            ..Self::default()
        }
    }

    fn to_agent(&self) -> Result<Agent> {
        Ok(Agent {
            user: parse_slack_user(self.agent.as_deref().unwrap_or_default())?,
            name: require_readable(self.agent_name.clone(), "agent")?,
            identity: require_readable(self.agent_identity.clone(), "agent")?,
        })
    }

    fn to_ending(&self) -> Result<TicketEnding> {
        let name = self.ending.as_deref().unwrap_or_default();
        Ok(match name {
            "agent" => TicketEnding::Agent(self.to_agent()?),
            "agent_elsewhere" => TicketEnding::AgentElsewhere,
            "customer" => TicketEnding::Customer,
            "inactivity" => TicketEnding::Inactivity,
            "transferred" => TicketEnding::Transferred,
            _ => TicketEnding::Other(
                require_readable(name.strip_prefix("other:"), "ending")?.to_owned(),
            ),
        })
    }
}

impl TryFrom<StateRow> for TicketState {
    type Error = Error;

    fn try_from(row: StateRow) -> Result<Self> {
        let changed = || parse_timestamp(require_readable(row.changed, "time")?);
        match row.state.as_str() {
            "unclaimed" => Ok(Self::Unclaimed),
            "claimed" => Ok(Self::Claimed { holder: row.to_agent()?, since: changed()? }),
            "closed" => Ok(Self::Closed { ending: row.to_ending()?, at: changed()? }),
            _ => Err(Error::Unreadable { what: "ticket state" }),
        }
    }
}

fn ending_name(ending: &TicketEnding) -> String {
    match ending {
        TicketEnding::Agent(_) => "agent".to_owned(),
        TicketEnding::AgentElsewhere => "agent_elsewhere".to_owned(),
        TicketEnding::Customer => "customer".to_owned(),
        TicketEnding::Inactivity => "inactivity".to_owned(),
        TicketEnding::Transferred => "transferred".to_owned(),
        // With something before it, so that no word of Blip's can be one of ours.
        TicketEnding::Other(status) => format!("other:{status}"),
    }
}

/// How much of one source waits, and when the oldest of it arrived, in milliseconds.
pub(super) fn to_queue(source: &str, waiting: i64, oldest: i64) -> Result<QueueDepth> {
    let source = require_readable(Source::parse(source), "source")?;
    let oldest = parse_timestamp(oldest)?;
    Ok(QueueDepth { source, waiting: waiting.cast_unsigned(), oldest })
}
