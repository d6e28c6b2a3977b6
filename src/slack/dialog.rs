//! What Slack wants answered on the spot: a dialog to be opened, options for a list; and what
//! people fill in, read as events.
//!
//! A dialog is asked for by a button, a menu or a shortcut, and its trigger lives for 3 s
//! (`slack.md` C.4). It carries its ticket in its private metadata, so that what is filled in finds
//! its way without any memory of ours. Knows neither tickets' states nor what is in the lists.

use serde_json::{Value, json};

use super::compose::{self, Drafted, Kind};
use super::mrkdwn;
use super::parse::{Routed, text};
use super::workspace::Asker;
use crate::model::fold::fold;
use crate::model::{
    ChannelId, Closing, Destination, Filled, Form, MessageTs, Move, SlackEvent, SlackUserId,
    TicketId,
};

/// A dialog of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// To close the ticket, with tags and a farewell.
    Close,
    /// To hand the ticket on.
    Transfer,
    /// To change its tags.
    Tags,
    /// To send a canned reply; once one is chosen, with its id.
    Reply(Option<String>),
    /// To compose something that is more than words, of this kind.
    Compose(Kind),
    /// The customer's earlier tickets, and what was said.
    History,
    /// All that is known of the ticket.
    Details,
}

/// Somebody asks for a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub by: Asker,
    /// Which one.
    pub dialog: Dialog,
    /// About what.
    pub about: About,
    /// Where it is to appear.
    pub place: Place,
    /// Where its asker can be told that it does not.
    pub response_url: Option<String>,
}

/// What a dialog is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A ticket.
    Ticket(TicketId),
    /// The ticket of this message.
    Message(ChannelId, MessageTs),
}

/// Where a dialog is to appear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On top, by a trigger that lives for 3 s and works once.
    New(String),
    /// In place of an open one.
    Over(String),
}

/// Somebody opens a list, or types into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Which list.
    pub list: List,
    /// Who looks.
    pub by: Asker,
    /// The ticket for which something is to be chosen.
    pub ticket: TicketId,
    /// What was typed so far.
    pub query: String,
}

/// A list from which people choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Teams and agents.
    Destinations,
    /// Tags.
    Tags,
    /// Canned replies.
    Replies,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What people read.
    pub label: String,
    /// What comes back when it is chosen.
    pub value: String,
}

/// Longest label of an option (Block Kit: option).
const LABEL_CHARS: usize = 75;
/// Longest value of an option (Block Kit: option).
const VALUE_CHARS: usize = 150;
/// Most options in one answer (Block Kit: external select).
const MOST_OPTIONS: usize = 100;

/// What the value of a destination begins with.
const TEAM: &str = "team:";
/// What the value of an agent begins with; the identity follows, and after a blank the name.
const AGENT: &str = "agent:";

/// The elements of our dialogs.
pub mod element {
    /// Where a ticket is handed on to.
    pub const DESTINATION: &str = "destination";
    /// A ticket's tags.
    pub const TAGS: &str = "tags";
    /// Which canned reply.
    pub const REPLY: &str = "canned_reply";
    /// What the customer is told.
    pub const WORDS: &str = "words";
}

impl Dialog {
    /// The name that menus, shortcuts and submissions carry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Transfer => "transfer",
            Self::Tags => "tags",
            Self::Reply(_) => "reply",
            Self::Compose(_) => "compose",
            Self::History => "history",
            Self::Details => "details",
        }
    }

    /// Reads [`Dialog::name`] back.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Close,
            Self::Transfer,
            Self::Tags,
            Self::Reply(None),
            Self::Compose(Kind::Quick),
            Self::History,
            Self::Details,
        ];
        all.into_iter().find(|dialog| dialog.name() == name)
    }
}

impl List {
    fn of(element: &str) -> Option<Self> {
        match element {
            element::DESTINATION => Some(Self::Destinations),
            element::TAGS => Some(Self::Tags),
            element::REPLY => Some(Self::Replies),
            _ => None,
        }
    }
}

impl Choice {
    /// A choice that comes back as it reads.
    pub fn plain(text: &str) -> Self {
        Self { label: text.to_owned(), value: text.to_owned() }
    }

    /// A team to which a ticket may be handed on.
    pub fn team(name: &str) -> Self {
        Self { label: name.to_owned(), value: format!("{TEAM}{name}") }
    }

    /// An agent to whom a ticket may be handed on.
    pub fn agent(identity: &str, name: &str) -> Self {
        let room = VALUE_CHARS.saturating_sub(AGENT.len() + identity.chars().count() + 1);
        let short: String = name.chars().take(room).collect();
        Self { label: name.to_owned(), value: format!("{AGENT}{identity} {short}") }
    }

    /// As Slack wants it; `None` if it cannot be chosen, because its value is too long or empty.
    pub fn option(&self) -> Option<Value> {
        let fits = (1..=VALUE_CHARS).contains(&self.value.chars().count());
        let label = crate::model::text::shorten(self.label.trim(), LABEL_CHARS);
        (fits && !label.is_empty()).then(|| {
            json!({"text": {"type": "plain_text", "text": label, "emoji": false}, "value": self.value})
        })
    }
}

/// The answer to a [`Search`]: those choices that hold what was typed, in groups with a title.
pub fn options(groups: &[(String, Vec<Choice>)], query: &str) -> Value {
    let query = fold(query.trim());
    let fits = |choice: &&Choice| fold(&choice.label).contains(&query);
    let found = |choices: &[Choice]| -> Vec<Value> {
        choices.iter().filter(fits).filter_map(Choice::option).take(MOST_OPTIONS).collect()
    };
    if let [(_, only)] = groups {
        return json!({"options": found(only)});
    }
    let groups = groups.iter().filter_map(|(title, choices)| {
        let options = found(choices);
        let label = json!({"type": "plain_text", "text": title});
        (!options.is_empty()).then(|| json!({"label": label, "options": options}))
    });
    let groups: Vec<Value> = groups.collect();
    if groups.is_empty() { json!({"options": []}) } else { json!({"option_groups": groups}) }
}

/// Reads a button, a menu or a choice that asks for a dialog.
pub fn asked_by_action(body: &Value) -> Option<Asked> {
    let action = body.pointer("/actions/0")?;
    let by = Asker::parse(body)?;
    let chosen = text(action, "/selected_option/value");
    let trigger = || text(body, "/trigger_id").map(str::to_owned).map(Place::New);
    let response_url = text(body, "/response_url").map(str::to_owned);
    match text(action, "/action_id")? {
        super::action::MORE => {
            let dialog = Dialog::parse(chosen?)?;
            Some(Asked { by, dialog, about: message(body)?, place: trigger()?, response_url })
        }
        element::REPLY => {
            let about = About::Ticket(ticket(body)?);
            let dialog = Dialog::Reply(Some(chosen?.to_owned()));
            let place = Place::Over(text(body, "/view/id")?.to_owned());
            Some(Asked { by, dialog, about, place, response_url })
        }
        compose::KIND => {
            let about = About::Ticket(ticket(body)?);
            let dialog = Dialog::Compose(Kind::parse(chosen?)?);
            let place = Place::Over(text(body, "/view/id")?.to_owned());
            Some(Asked { by, dialog, about, place, response_url })
        }
        name @ (super::action::CLOSE | super::action::TRANSFER) => {
            let about = About::Ticket(TicketId::parse(text(action, "/value")?)?);
            let dialog = Dialog::parse(name)?;
            Some(Asked { by, dialog, about, place: trigger()?, response_url })
        }
        _ => None,
    }
}

/// Reads a message shortcut that asks for a dialog.
pub fn asked_by_shortcut(body: &Value) -> Option<Asked> {
    Some(Asked {
        by: Asker::parse(body)?,
        dialog: Dialog::parse(text(body, "/callback_id")?)?,
        about: message(body)?,
        place: Place::New(text(body, "/trigger_id")?.to_owned()),
        response_url: text(body, "/response_url").map(str::to_owned),
    })
}

/// Reads a request for the options of a list.
pub fn search(body: &Value) -> Option<Search> {
    Some(Search {
        list: List::of(text(body, "/action_id")?)?,
        by: Asker::parse(body)?,
        ticket: ticket(body)?,
        query: text(body, "/value").unwrap_or_default().to_owned(),
    })
}

/// Reads the first page of a dialog that is answered with a second one.
pub fn drafted(body: &Value) -> Option<Drafted> {
    let name = text(body, "/view/callback_id")?;
    let Dialog::Compose(_) = Dialog::parse(name)? else { return None };
    compose::drafted(Asker::parse(body)?, ticket(body)?, body.pointer("/view/state/values")?)
}

/// Reads what was filled in.
pub fn filled(body: &Value) -> Option<Routed> {
    let user = SlackUserId::parse(text(body, "/user/id")?)?;
    let name = text(body, "/view/callback_id")?;
    let (ticket, form) = if name == compose::SEND {
        let (ticket, offer) = compose::agreed(text(body, "/view/private_metadata")?)?;
        (ticket, Form::Offer(offer))
    } else {
        (ticket(body)?, form(&Dialog::parse(name)?, body)?)
    };
    let (view, hash) = (text(body, "/view/id")?, text(body, "/view/hash").unwrap_or_default());
    Some(Routed {
        key: format!("s:{view}:{hash}:{user}"),
        about: None,
        ticket: Some(ticket.clone()),
        event: SlackEvent::Filled(Filled { user, ticket, form }),
    })
}

fn form(dialog: &Dialog, body: &Value) -> Option<Form> {
    let words = || {
        let words = value(body, element::WORDS)?.get("value")?.as_str()?.trim();
        (!words.is_empty()).then(|| mrkdwn::read(&mrkdwn::escape(words)))
    };
    let tags = || {
        let options = value(body, element::TAGS)?.get("selected_options")?.as_array()?;
        Some(options.iter().filter_map(|option| Some(text(option, "/value")?.to_owned())).collect())
    };
    match dialog {
        Dialog::Close => Some(Form::Move(Move::Close(Closing { tags: tags(), farewell: words() }))),
        Dialog::Transfer => {
            let chosen = text(value(body, element::DESTINATION)?, "/selected_option/value")?;
            Some(Form::Move(Move::Transfer(destination(chosen)?)))
        }
        Dialog::Tags => Some(Form::Move(Move::Tag(tags()?))),
        Dialog::Reply(_) => words().map(Form::Reply),
        Dialog::Compose(_) | Dialog::History | Dialog::Details => None,
    }
}

fn destination(value: &str) -> Option<Destination> {
    if let Some(team) = value.strip_prefix(TEAM) {
        return Some(Destination::Team(team.to_owned()));
    }
    let agent = value.strip_prefix(AGENT)?;
    let (identity, name) = agent.split_once(' ').unwrap_or((agent, agent));
    Some(Destination::Agent { identity: identity.to_owned(), name: name.to_owned() })
}

/// What an element holds, in whichever block it stands.
fn value<'a>(body: &'a Value, element: &str) -> Option<&'a Value> {
    let blocks = body.pointer("/view/state/values")?.as_object()?;
    blocks.values().find_map(|block| block.get(element))
}

fn ticket(body: &Value) -> Option<TicketId> {
    TicketId::parse(text(body, "/view/private_metadata")?)
}

/// The root of the thread in which something was pressed.
fn message(body: &Value) -> Option<About> {
    let channel = text(body, "/channel/id").or_else(|| text(body, "/container/channel_id"))?;
    let own = text(body, "/container/message_ts").or_else(|| text(body, "/message_ts"));
    let root = text(body, "/container/thread_ts")
        .or_else(|| text(body, "/message/thread_ts"))
        .or(own)
        .or_else(|| text(body, "/message/ts"))?;
    Some(About::Message(ChannelId::parse(channel)?, MessageTs::parse(root)?))
}
