//! What Slack wants answered on the spot: a dialog to be opened, options for a list; and what
//! people fill in, read as events.
//!
//! A dialog is asked for by a button, a menu or a shortcut, and its trigger lives for 3 s
//! (`slack.md` C.4). It carries its ticket in its private metadata, so that what is filled in finds
//! its way without any memory of ours. Knows neither tickets' states nor what is in the lists.

use serde_json::{Value, json};

use super::parse::{RoutedSlackEvent, text_at};
use super::workspace::Requester;
use crate::model::fold::fold_text;
use crate::model::text::truncate_label;
use crate::model::{
    ChannelId, Closing, MessageTs, Move, SlackEvent, SlackUserId, Submission, SubmittedForm,
    TicketId, TransferTarget,
};
use crate::slack::text::mrkdwn;
use crate::slack::views::compose::{self, ComposeKind, OfferDraft};

/// A dialog of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// To close the ticket, with tags and a farewell.
    Close,
    /// To hand the ticket on.
    Transfer,
    /// To change its tags.
    Tags,
    /// To send a canned reply; once one is chosen, with its id.
    Reply(Option<String>),
    /// To compose something that is more than words, of this kind.
    Compose(ComposeKind),
    /// The customer's earlier tickets, and what was said.
    History,
    /// All that is known of the ticket.
    Details,
}

/// Somebody asks for a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogRequest {
    /// Who.
    pub(crate) by: Requester,
    /// Which one.
    pub(crate) dialog: Dialog,
    /// About what.
    pub(crate) about: DialogSubject,
    /// Where it is to appear.
    pub(crate) place: ViewTarget,
    /// Where its asker can be told that it does not.
    pub(crate) response_url: Option<String>,
}

/// What a dialog is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DialogSubject {
    /// A ticket.
    Ticket(TicketId),
    /// The ticket of this message.
    Message(ChannelId, MessageTs),
}

/// Where a dialog is to appear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ViewTarget {
    /// On top, by a trigger that lives for 3 s and works once.
    New(String),
    /// In place of an open one.
    Over(String),
}

/// Somebody opens a list, or types into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSearch {
    /// Which list.
    pub(crate) list: ChoiceList,
    /// Who looks.
    pub(crate) by: Requester,
    /// The ticket for which something is to be chosen.
    pub(crate) ticket: TicketId,
    /// What was typed so far.
    pub(crate) query: String,
}

/// A list from which people choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ChoiceList {
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
    pub(crate) label: String,
    /// What comes back when it is chosen.
    pub(crate) value: String,
    /// What tells it from others with the same label.
    pub(crate) description: Option<String>,
    /// By what it is found besides its label.
    pub(crate) search_text: Option<String>,
}

/// Longest label or description of an option (Block Kit: option).
const LABEL_CHARS: usize = 75;
/// Longest value of an option (Block Kit: option).
const VALUE_CHARS: usize = 150;
/// Most options in one answer (Block Kit: external select).
const MAX_OPTIONS: usize = 100;

/// What the value of a destination begins with.
const TEAM_PREFIX: &str = "team:";
/// What the value of an agent begins with; the identity follows, and after a blank the name.
const AGENT_PREFIX: &str = "agent:";

/// The elements of our dialogs.
pub(crate) mod element {
    /// Where a ticket is handed on to.
    pub(crate) const DESTINATION: &str = "destination";
    /// A ticket's tags.
    pub(crate) const TAGS: &str = "tags";
    /// Which canned reply.
    pub(crate) const REPLY: &str = "canned_reply";
    /// What the customer is told.
    pub(crate) const MESSAGE_TEXT: &str = "words";
}

impl Dialog {
    /// The name that menus, shortcuts and submissions carry.
    pub(crate) fn name(&self) -> &'static str {
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
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Close,
            Self::Transfer,
            Self::Tags,
            Self::Reply(None),
            Self::Compose(ComposeKind::Quick),
            Self::History,
            Self::Details,
        ];
        all.into_iter().find(|dialog| dialog.name() == name)
    }
}

impl ChoiceList {
    fn from_element(element: &str) -> Option<Self> {
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
    pub fn from_text(text: &str) -> Self {
        Self::new(text, text.to_owned())
    }

    /// A team to which a ticket may be handed on.
    pub(crate) fn for_team(name: &str) -> Self {
        Self::new(name, format!("{TEAM_PREFIX}{name}"))
    }

    /// An agent to whom a ticket may be handed on: several may have the same name.
    pub(crate) fn for_agent(
        (identity, name): (&str, &str),
        email: Option<&str>,
        teams: &[String],
    ) -> Self {
        let room = VALUE_CHARS.saturating_sub(AGENT_PREFIX.len() + identity.chars().count() + 1);
        let short: String = name.chars().take(room).collect();
        let teams = teams.join(", ");
        let known = [email.filter(|email| *email != name), Some(teams.as_str())];
        let known = known.into_iter().flatten().filter(|known| !known.is_empty());
        let description = known.collect::<Vec<_>>().join(" · ");
        Self {
            description: Some(description).filter(|description| !description.is_empty()),
            search_text: email.map(str::to_owned),
            ..Self::new(name, format!("{AGENT_PREFIX}{identity} {short}"))
        }
    }

    /// A choice that is known by its label alone.
    pub(crate) fn new(label: &str, value: String) -> Self {
        Self { label: label.to_owned(), value, description: None, search_text: None }
    }

    /// As Slack wants it; `None` if it cannot be chosen, because its value is too long or empty.
    pub(crate) fn to_option(&self) -> Option<Value> {
        let fits = (1..=VALUE_CHARS).contains(&self.value.chars().count());
        let text = |text: &str| {
            let text = truncate_label(text.trim(), LABEL_CHARS);
            json!({"type": "plain_text", "text": text, "emoji": false})
        };
        (fits && !self.label.trim().is_empty()).then(|| match &self.description {
            None => json!({"text": text(&self.label), "value": self.value}),
            Some(description) => json!({"text": text(&self.label), "value": self.value,
                "description": text(description)}),
        })
    }
}

/// The answer to a [`OptionSearch`]: those choices that hold what was typed, in groups with a title.
pub fn build_options(groups: &[(String, Vec<Choice>)], query: &str) -> Value {
    let query = fold_text(query.trim());
    let has = |text: &String| fold_text(text).contains(&query);
    let fits =
        |choice: &&Choice| has(&choice.label) || choice.search_text.as_ref().is_some_and(has);
    let found = |choices: &[Choice]| -> Vec<Value> {
        choices.iter().filter(fits).filter_map(Choice::to_option).take(MAX_OPTIONS).collect()
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
pub(crate) fn parse_action_request(body: &Value) -> Option<DialogRequest> {
    let action = body.pointer("/actions/0")?;
    let by = Requester::parse(body)?;
    let chosen = text_at(action, "/selected_option/value");
    let trigger = || text_at(body, "/trigger_id").map(str::to_owned).map(ViewTarget::New);
    let response_url = text_at(body, "/response_url").map(str::to_owned);
    match text_at(action, "/action_id")? {
        crate::slack::action::MORE => {
            let dialog = Dialog::parse(chosen?)?;
            Some(DialogRequest {
                by,
                dialog,
                about: parse_thread_root(body)?,
                place: trigger()?,
                response_url,
            })
        }
        element::REPLY => {
            let about = DialogSubject::Ticket(parse_view_ticket(body)?);
            let dialog = Dialog::Reply(Some(chosen?.to_owned()));
            let place = ViewTarget::Over(text_at(body, "/view/id")?.to_owned());
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        compose::KIND_ACTION_ID => {
            let about = DialogSubject::Ticket(parse_view_ticket(body)?);
            let dialog = Dialog::Compose(ComposeKind::parse(chosen?)?);
            let place = ViewTarget::Over(text_at(body, "/view/id")?.to_owned());
            Some(DialogRequest { by, dialog, about, place, response_url })
        }
        name @ (crate::slack::action::CLOSE | crate::slack::action::TRANSFER) => {
            let about = DialogSubject::Ticket(TicketId::parse(text_at(action, "/value")?)?);
            let dialog = Dialog::parse(name)?;
            Some(DialogRequest { by, dialog, about, place: trigger()?, response_url })
        }
        _ => None,
    }
}

/// Reads a message shortcut that asks for a dialog.
pub(crate) fn parse_shortcut_request(body: &Value) -> Option<DialogRequest> {
    Some(DialogRequest {
        by: Requester::parse(body)?,
        dialog: Dialog::parse(text_at(body, "/callback_id")?)?,
        about: parse_thread_root(body)?,
        place: ViewTarget::New(text_at(body, "/trigger_id")?.to_owned()),
        response_url: text_at(body, "/response_url").map(str::to_owned),
    })
}

/// Reads a request for the options of a list.
pub(crate) fn parse_option_search(body: &Value) -> Option<OptionSearch> {
    Some(OptionSearch {
        list: ChoiceList::from_element(text_at(body, "/action_id")?)?,
        by: Requester::parse(body)?,
        ticket: parse_view_ticket(body)?,
        query: text_at(body, "/value").unwrap_or_default().to_owned(),
    })
}

/// Reads the first page of a dialog that is answered with a second one.
pub(crate) fn parse_draft_request(body: &Value) -> Option<OfferDraft> {
    let name = text_at(body, "/view/callback_id")?;
    let Dialog::Compose(_) = Dialog::parse(name)? else { return None };
    compose::parse_draft(
        Requester::parse(body)?,
        parse_view_ticket(body)?,
        body.pointer("/view/state/values")?,
    )
}

/// Reads what was filled in.
pub(crate) fn parse_submission(body: &Value) -> Option<RoutedSlackEvent> {
    let user = SlackUserId::parse(text_at(body, "/user/id")?)?;
    let name = text_at(body, "/view/callback_id")?;
    let (ticket, form) = if name == compose::SEND_CALLBACK_ID {
        let (ticket, offer) =
            compose::parse_confirmed_offer(text_at(body, "/view/private_metadata")?)?;
        (ticket, SubmittedForm::Offer(offer))
    } else {
        (parse_view_ticket(body)?, parse_submitted_form(&Dialog::parse(name)?, body)?)
    };
    let (view, hash) =
        (text_at(body, "/view/id")?, text_at(body, "/view/hash").unwrap_or_default());
    Some(RoutedSlackEvent {
        key: format!("s:{view}:{hash}:{user}"),
        about: None,
        ticket: Some(ticket.clone()),
        event: SlackEvent::Submitted(Submission { user, ticket, form }),
    })
}

fn parse_submitted_form(dialog: &Dialog, body: &Value) -> Option<SubmittedForm> {
    let words = || {
        let words = find_element_value(body, element::MESSAGE_TEXT)?.get("value")?.as_str()?.trim();
        (!words.is_empty()).then(|| mrkdwn::read_mrkdwn(&mrkdwn::escape_mrkdwn(words)))
    };
    let tags = || {
        let options =
            find_element_value(body, element::TAGS)?.get("selected_options")?.as_array()?;
        Some(
            options
                .iter()
                .filter_map(|option| Some(text_at(option, "/value")?.to_owned()))
                .collect(),
        )
    };
    match dialog {
        Dialog::Close => {
            Some(SubmittedForm::Move(Move::Close(Closing { tags: tags(), farewell: words() })))
        }
        Dialog::Transfer => {
            let chosen =
                text_at(find_element_value(body, element::DESTINATION)?, "/selected_option/value")?;
            Some(SubmittedForm::Move(Move::Transfer(parse_destination(chosen)?)))
        }
        Dialog::Tags => Some(SubmittedForm::Move(Move::Tag(tags()?))),
        Dialog::Reply(_) => words().map(SubmittedForm::Reply),
        Dialog::Compose(_) | Dialog::History | Dialog::Details => None,
    }
}

fn parse_destination(value: &str) -> Option<TransferTarget> {
    if let Some(team) = value.strip_prefix(TEAM_PREFIX) {
        return Some(TransferTarget::Team(team.to_owned()));
    }
    let agent = value.strip_prefix(AGENT_PREFIX)?;
    let (identity, name) = agent.split_once(' ').unwrap_or((agent, agent));
    Some(TransferTarget::Agent { identity: identity.to_owned(), name: name.to_owned() })
}

/// What an element holds, in whichever block it stands.
fn find_element_value<'a>(body: &'a Value, element: &str) -> Option<&'a Value> {
    let blocks = body.pointer("/view/state/values")?.as_object()?;
    blocks.values().find_map(|block| block.get(element))
}

fn parse_view_ticket(body: &Value) -> Option<TicketId> {
    TicketId::parse(text_at(body, "/view/private_metadata")?)
}

/// The root of the thread in which something was pressed.
fn parse_thread_root(body: &Value) -> Option<DialogSubject> {
    let channel =
        text_at(body, "/channel/id").or_else(|| text_at(body, "/container/channel_id"))?;
    let own = text_at(body, "/container/message_ts").or_else(|| text_at(body, "/message_ts"));
    let root = text_at(body, "/container/thread_ts")
        .or_else(|| text_at(body, "/message/thread_ts"))
        .or(own)
        .or_else(|| text_at(body, "/message/ts"))?;
    Some(DialogSubject::Message(ChannelId::parse(channel)?, MessageTs::parse(root)?))
}
