//! The names of every button, field, list and dialog, and what they carry.
//!
//! They live in Slack for weeks: a card that was posted before an update still has its buttons. The names
//! of moves stand with all else that is told of them (`model/moves.rs`).

use std::fmt::Display;

use serde_json::{Value, json};

use crate::model::{
    Button, ContactField, FilledTemplate, HeaderFile, MessageTs, Offer, PressedButton, PressedMove,
    TemplateField, TicketId, TransferTarget, WhenHeld,
};

/// The menu on a card or in a list; each entry is the name of a dialog, or of a button.
pub(crate) const MORE_ACTION_ID: &str = "more";
/// What people switch on and off for themselves.
pub(crate) const SWITCHES_ACTION_ID: &str = "switches";

/// A button's name and what it carries, as Slack keeps them: its ticket, alone or after what else
/// there is, with a blank between.
pub(crate) fn write_button(button: &Button, ticket: &TicketId) -> (&'static str, String) {
    let with_ticket = |what: &dyn Display| format!("{what} {ticket}");
    let value = match button {
        Button::Move(_)
        | Button::Transfer
        | Button::Reply
        | Button::Template
        | Button::Tags
        | Button::Note
        | Button::SendNote
        | Button::CloseAnyway
        | Button::KeepOpen => ticket.to_string(),
        Button::Send(message)
        | Button::TakeOverAndSend(message)
        | Button::Keep(message)
        | Button::Correct(message) => with_ticket(message),
        Button::Resend(part) => with_ticket(part),
        Button::Retry(parked) | Button::Skip(parked) => with_ticket(parked),
    };
    (button_name(button), value)
}

/// The name of a button.
pub(crate) fn button_name(button: &Button) -> &'static str {
    match button {
        Button::Move(pressed) => pressed.name(),
        Button::Transfer => "transfer",
        Button::Reply => "reply",
        Button::Template => "template",
        Button::Tags => "tags",
        Button::Note => "note",
        Button::SendNote => "send_note",
        Button::Send(_) => "send",
        Button::TakeOverAndSend(_) => "take_over_and_send",
        Button::Keep(_) => "keep",
        Button::Correct(_) => "correct",
        Button::Resend(_) => "resend",
        Button::Retry(_) => "retry",
        Button::Skip(_) => "skip",
        Button::CloseAnyway => "close_anyway",
        Button::KeepOpen => "keep_open",
    }
}

/// Reads back what [`write_button`] gave; none if it is nothing of ours. What it carries may be missing: a shortcut has a button's name only.
pub(crate) fn read_button(name: &str, value: &str) -> Option<PressedButton> {
    let alone = |button| PressedButton { button, ticket: TicketId::parse(value) };
    if let Some(pressed) = PressedMove::parse(name) {
        return Some(alone(Button::Move(pressed)));
    }
    // By the first blank: what is carried has none, while an id of Blip's is opaque.
    let (carried, ticket) = value.split_once(' ').unwrap_or_default();
    let button = match name {
        "transfer" => return Some(alone(Button::Transfer)),
        "reply" => return Some(alone(Button::Reply)),
        "template" => return Some(alone(Button::Template)),
        "tags" => return Some(alone(Button::Tags)),
        "note" => return Some(alone(Button::Note)),
        "send_note" => return Some(alone(Button::SendNote)),
        "close_anyway" => return Some(alone(Button::CloseAnyway)),
        "keep_open" => return Some(alone(Button::KeepOpen)),
        "send" => Button::Send(MessageTs::parse(carried)?),
        "take_over_and_send" => Button::TakeOverAndSend(MessageTs::parse(carried)?),
        "keep" => Button::Keep(MessageTs::parse(carried)?),
        "correct" => Button::Correct(MessageTs::parse(carried)?),
        "resend" => Button::Resend(carried.to_owned()),
        "retry" => Button::Retry(carried.parse().ok()?),
        "skip" => Button::Skip(carried.parse().ok()?),
        _ => return None,
    };
    Some(PressedButton { button, ticket: TicketId::parse(ticket) })
}

/// The elements of our dialogs.
pub(crate) mod element {
    /// Where a ticket is handed on to.
    pub(crate) const DESTINATION: &str = "destination";
    pub(crate) const TAGS: &str = "tags";
    pub(crate) const REPLY: &str = "canned_reply";
    /// Which template of WhatsApp.
    pub(crate) const TEMPLATE: &str = "message_template";
    /// What a variable of a template is filled with.
    pub(crate) const TEMPLATE_VALUE: &str = "template_value";
    /// What the customer is told.
    pub(crate) const MESSAGE_TEXT: &str = "words";
    /// What is to be done as somebody else holds the ticket.
    pub(crate) const WHEN_HELD: &str = "when_held";
    /// A field of a contact; its block tells which.
    pub(crate) const CONTACT_VALUE: &str = "contact_value";
}

const SEND_WHEN_HELD: &str = "send";
const TAKE_OVER_WHEN_HELD: &str = "take_over";

/// What somebody wants if another agent holds the ticket, as a choice is called.
pub(crate) fn write_when_held(wanted: WhenHeld) -> &'static str {
    match wanted {
        WhenHeld::Refuse => "",
        WhenHeld::Send => SEND_WHEN_HELD,
        WhenHeld::TakeOver => TAKE_OVER_WHEN_HELD,
    }
}

/// The opposite of [`write_when_held`].
pub(crate) fn parse_when_held(name: &str) -> WhenHeld {
    match name {
        SEND_WHEN_HELD => WhenHeld::Send,
        TAKE_OVER_WHEN_HELD => WhenHeld::TakeOver,
        // Who was not asked, because nobody else held the ticket then, has allowed nothing.
        _ => WhenHeld::Refuse,
    }
}

/// What the name of a button begins with that opens a dialog from a view; the dialog's follows.
const OPEN_PREFIX: &str = "open:";

/// The name of a button in a view that opens a dialog.
pub(super) fn format_open_button(dialog: &Dialog) -> String {
    format!("{OPEN_PREFIX}{}", dialog.name())
}

/// Reads back what [`format_open_button`] gave; none if it is nothing of ours.
pub(crate) fn parse_open_button(name: &str) -> Option<Dialog> {
    Dialog::parse(name.strip_prefix(OPEN_PREFIX)?)
}

/// What the block of an entry of the team's own is called by, before the entry's name.
const EXTRA_BLOCK_PREFIX: &str = "extra:";

/// What of a contact stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactBlock {
    Field(ContactField),
    /// An entry of the team's own.
    Extra(String),
}

impl ContactBlock {
    /// The block's name; none if it is too long for Slack.
    pub(super) fn name(&self) -> Option<String> {
        let name = match self {
            Self::Field(field) => contact_field_name(*field).to_owned(),
            Self::Extra(name) => format!("{EXTRA_BLOCK_PREFIX}{name}"),
        };
        (name.chars().count() <= BLOCK_ID_CHARS).then_some(name)
    }

    /// Reads back what [`ContactBlock::name`] gave; none if it is nothing of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(extra) = name.strip_prefix(EXTRA_BLOCK_PREFIX) {
            return Some(Self::Extra(extra.to_owned()));
        }
        let field = ContactField::ALL.into_iter().find(|field| contact_field_name(*field) == name);
        field.map(Self::Field)
    }
}

fn contact_field_name(field: ContactField) -> &'static str {
    match field {
        ContactField::Name => "name",
        ContactField::Phone => "phone",
        ContactField::Email => "email",
        ContactField::Document => "document",
        ContactField::Address => "address",
        ContactField::City => "city",
        ContactField::Group => "group",
    }
}

/// What the block of a menu in a list is called by, before its ticket: a menu carries no value.
const TICKET_BLOCK_PREFIX: &str = "ticket:";
/// Longest name of a block (Block Kit: `block_id`).
const BLOCK_ID_CHARS: usize = 255;

/// The name of a block whose menu is about this ticket; none if the ticket's id is too long.
pub(crate) fn format_ticket_block(ticket: &TicketId) -> Option<String> {
    let name = format!("{TICKET_BLOCK_PREFIX}{ticket}");
    (name.chars().count() <= BLOCK_ID_CHARS).then_some(name)
}

/// Reads back what [`format_ticket_block`] gave; none if it is nothing of ours.
pub(crate) fn parse_ticket_block(name: &str) -> Option<TicketId> {
    TicketId::parse(name.strip_prefix(TICKET_BLOCK_PREFIX)?)
}

/// Most characters that a dialog carries (Block Kit: `private_metadata`).
pub(super) const METADATA_CHARS: usize = 3000;

/// The name of the second page.
pub(crate) const SEND_CALLBACK_ID: &str = "compose_send";
/// The name of the second page of a template.
pub(crate) const SEND_TEMPLATE_CALLBACK_ID: &str = "template_send";
/// The name of a close dialog that has told what is not shown yet.
pub(crate) const CLOSE_ANYWAY_CALLBACK_ID: &str = "close_anyway";
/// The list from which the kind is chosen.
pub(crate) const KIND_ACTION_ID: &str = "compose_kind";

pub(crate) const SLASH_COMMAND: &str = "/blip";

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
    /// To send a template of WhatsApp; once one is chosen, with its id.
    Template(Option<String>),
    /// To compose something that is more than words, of this kind.
    Compose(ComposeKind),
    /// The customer's earlier tickets, and what was said.
    History,
    /// All that is known of the ticket.
    Details,
    /// To change what the contact book has on its customer.
    Contact,
    /// To note something about its customer in the contact book; from a message, with its words.
    Comment(Option<String>),
}

/// A list from which people choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ChoiceList {
    Destinations,
    Tags,
    Replies,
    Templates,
}

/// What can be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComposeKind {
    /// A question with a few answers as buttons.
    Quick,
    /// A question with a list of answers.
    Menu,
    /// A place on the map.
    Place,
    /// A link with what is known of its target.
    Link,
}

impl Dialog {
    /// The name that menus, shortcuts and submissions carry.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            // The manifest calls its shortcuts by these names, too (`manifest.rs`): another one
            // here would need every workspace to change its app.
            Self::Close => "close",
            Self::Transfer => "transfer",
            Self::Tags => "tags",
            Self::Reply(_) => "reply",
            Self::Template(_) => "template",
            Self::Compose(_) => "compose",
            Self::History => "history",
            Self::Details => "details",
            Self::Contact => "contact",
            Self::Comment(_) => "comment",
        }
    }

    /// Reads back what [`Dialog::name`] gave; none if it is nothing of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Close,
            Self::Transfer,
            Self::Tags,
            Self::Reply(None),
            Self::Template(None),
            Self::Compose(ComposeKind::Quick),
            Self::History,
            Self::Details,
            Self::Contact,
            Self::Comment(None),
        ];
        // What stands within a dialog is not part of its name; it comes by the element that was
        // chosen.
        all.into_iter().find(|dialog| dialog.name() == name)
    }
}

impl ChoiceList {
    pub(crate) fn from_element(element: &str) -> Option<Self> {
        match element {
            element::DESTINATION => Some(Self::Destinations),
            element::TAGS => Some(Self::Tags),
            element::REPLY => Some(Self::Replies),
            element::TEMPLATE => Some(Self::Templates),
            _ => None,
        }
    }
}

impl ComposeKind {
    pub(crate) const ALL: [Self; 4] = [Self::Quick, Self::Menu, Self::Place, Self::Link];

    /// The name that comes back when it is chosen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Menu => "menu",
            Self::Place => "place",
            Self::Link => "link",
        }
    }

    /// Reads back what [`ComposeKind::name`] gave; none if it is nothing of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What the value of a team begins with.
const TEAM_PREFIX: &str = "team:";
/// What the value of an agent begins with; the identity follows, and after a blank the name.
const AGENT_PREFIX: &str = "agent:";

/// To whom a ticket is to be handed on, as the value of an entry: a team by its name; an agent by the
/// identity, and after a blank the name, which may be cut.
pub(crate) fn write_destination(target: &TransferTarget) -> String {
    match target {
        TransferTarget::Team(team) => format!("{TEAM_PREFIX}{team}"),
        TransferTarget::Agent { identity, name } => format!("{AGENT_PREFIX}{identity} {name}"),
    }
}

/// Reads back what [`write_destination`] gave; none if it is nothing of ours.
pub(crate) fn parse_destination(value: &str) -> Option<TransferTarget> {
    if let Some(team) = value.strip_prefix(TEAM_PREFIX) {
        return Some(TransferTarget::Team(team.to_owned()));
    }
    let agent = value.strip_prefix(AGENT_PREFIX)?;
    // Blip's identities are percent-encoded (`blip.md` §2.5) and so have no blank.
    let (identity, name) = agent.split_once(' ').unwrap_or((agent, agent));
    Some(TransferTarget::Agent { identity: identity.to_owned(), name: name.to_owned() })
}

/// What a dialog about a ticket carries. Blip's ids are bounded (`model::ids`), far below Slack's
/// limit of 3,000 characters.
pub(crate) fn write_ticket(ticket: &TicketId) -> String {
    ticket.to_string()
}

/// Reads back what [`write_ticket`] gave; none if it is nothing of ours.
pub(crate) fn parse_ticket(metadata: &str) -> Option<TicketId> {
    TicketId::parse(metadata)
}

/// What the second page of the composer carries: all that was filled in on the first.
pub(crate) fn write_confirmed_offer(ticket: &TicketId, offer: &Offer) -> String {
    json!({"ticket": ticket.to_string(), "offer": offer_to_json(offer)}).to_string()
}

/// Reads back what [`write_confirmed_offer`] gave; none if it is nothing of ours.
pub(crate) fn parse_confirmed_offer(metadata: &str) -> Option<(TicketId, Offer)> {
    let carried: Value = serde_json::from_str(metadata).ok()?;
    let ticket = TicketId::parse(carried.get("ticket")?.as_str()?)?;
    Some((ticket, parse_offer(carried.get("offer")?)?))
}

/// What the second page of a template carries: what it was filled with, and how that reads.
pub(crate) fn write_filled_template(ticket: &TicketId, filled: &FilledTemplate) -> String {
    let values: Vec<Value> =
        filled.values.iter().map(|(field, value)| json!([write_field(field), value])).collect();
    let FilledTemplate { name, language, text, .. } = filled;
    // The text goes along although it could be made again: the template may be changed or gone at
    // Meta by the time it is sent, and the thread must show what was confirmed.
    json!({"ticket": ticket.to_string(), "template": name, "language": language,
        "values": values, "text": text})
    .to_string()
}

/// Reads back what [`write_filled_template`] gave; none if it is nothing of ours.
pub(crate) fn parse_filled_template(metadata: &str) -> Option<(TicketId, FilledTemplate)> {
    let carried: Value = serde_json::from_str(metadata).ok()?;
    let text = |key: &str| carried.get(key)?.as_str().map(str::to_owned);
    let value = |pair: &Value| {
        let field = parse_field(pair.get(0)?.as_str()?)?;
        Some((field, pair.get(1)?.as_str()?.to_owned()))
    };
    let values = carried.get("values")?.as_array()?.iter().map(value).collect::<Option<_>>()?;
    let (name, language) = (text("template")?, text("language")?);
    let filled = FilledTemplate { name, language, values, text: text("text")? };
    Some((TicketId::parse(&text("ticket")?)?, filled))
}

/// What is filled in, with what tells it from others of its kind after a colon.
fn write_field(field: &TemplateField) -> String {
    match field {
        TemplateField::File(file) => format!("file:{}", file.name()),
        TemplateField::Title(name) => format!("title:{name}"),
        TemplateField::Body(name) => format!("body:{name}"),
        TemplateField::Button(place) => format!("button:{place}"),
    }
}

fn parse_field(written: &str) -> Option<TemplateField> {
    let (kind, which) = written.split_once(':')?;
    Some(match kind {
        "file" => TemplateField::File(HeaderFile::parse(which)?),
        "title" => TemplateField::Title(which.to_owned()),
        "body" => TemplateField::Body(which.to_owned()),
        "button" => TemplateField::Button(which.parse().ok()?),
        _ => return None,
    })
}

fn offer_to_json(offer: &Offer) -> Value {
    match offer {
        Offer::Options { text, options, quick } => {
            json!({"text": text, "options": options, "quick": quick})
        }
        Offer::Place { latitude, longitude, label } => {
            json!({"latitude": latitude, "longitude": longitude, "label": label})
        }
        Offer::Link { url, title, text } => json!({"url": url, "title": title, "text": text}),
        Offer::Document { kind, content } => json!({"kind": kind, "content": content}),
    }
}

fn parse_offer(offer: &Value) -> Option<Offer> {
    let text = |key: &str| offer.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(content) = text("content") {
        return Some(Offer::Document { kind: text("kind")?, content });
    }
    if let Some(url) = text("url") {
        return Some(Offer::Link { url, title: text("title"), text: text("text") });
    }
    if let Some(latitude) = offer.get("latitude") {
        let longitude = offer.get("longitude")?.as_f64()?;
        return Some(Offer::Place {
            latitude: latitude.as_f64()?,
            longitude,
            label: text("label"),
        });
    }
    let options = offer.get("options")?.as_array()?;
    let options = options.iter().filter_map(|option| option.as_str().map(str::to_owned)).collect();
    let quick = offer.get("quick")?.as_bool()?;
    Some(Offer::Options { text: text("text")?, options, quick })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buttons, entries of lists and dialogs stay in Slack for weeks: what an older release wrote
    /// must be understood, so none of this may change.
    #[test]
    fn what_buttons_carry_is_written_as_it_always_was() {
        let ticket = TicketId::parse("default/9b2e-1").unwrap();
        let message = || MessageTs::parse("1785776520.000100").unwrap();
        for (button, name, value) in [
            (Button::Move(PressedMove::Claim), "claim", "default/9b2e-1"),
            (Button::Move(PressedMove::TakeOver), "take_over", "default/9b2e-1"),
            (Button::Move(PressedMove::Release), "release", "default/9b2e-1"),
            (Button::Move(PressedMove::Close), "close", "default/9b2e-1"),
            (Button::Transfer, "transfer", "default/9b2e-1"),
            (Button::Template, "template", "default/9b2e-1"),
            (Button::Move(PressedMove::StartStandby), "start_standby", "default/9b2e-1"),
            (Button::Move(PressedMove::EndStandby), "end_standby", "default/9b2e-1"),
            (Button::Note, "note", "default/9b2e-1"),
            (Button::SendNote, "send_note", "default/9b2e-1"),
            (Button::Send(message()), "send", "1785776520.000100 default/9b2e-1"),
            (
                Button::TakeOverAndSend(message()),
                "take_over_and_send",
                "1785776520.000100 default/9b2e-1",
            ),
            (Button::Keep(message()), "keep", "1785776520.000100 default/9b2e-1"),
            (Button::Correct(message()), "correct", "1785776520.000100 default/9b2e-1"),
            (Button::Resend("a-1".to_owned()), "resend", "a-1 default/9b2e-1"),
            (Button::Retry(42), "retry", "42 default/9b2e-1"),
            (Button::Skip(42), "skip", "42 default/9b2e-1"),
            (Button::CloseAnyway, "close_anyway", "default/9b2e-1"),
            (Button::KeepOpen, "keep_open", "default/9b2e-1"),
        ] {
            assert_eq!(write_button(&button, &ticket), (name, value.to_owned()));
            let pressed = PressedButton { button, ticket: Some(ticket.clone()) };
            assert_eq!(read_button(name, value), Some(pressed));
        }
    }

    #[test]
    fn names_that_live_in_slack_are_what_they_always_were() {
        let dialogs = [
            (Dialog::Close, "close"),
            (Dialog::Transfer, "transfer"),
            (Dialog::Tags, "tags"),
            (Dialog::Reply(None), "reply"),
            (Dialog::Template(None), "template"),
            (Dialog::Compose(ComposeKind::Quick), "compose"),
            (Dialog::History, "history"),
            (Dialog::Details, "details"),
            (Dialog::Contact, "contact"),
            (Dialog::Comment(None), "comment"),
        ];
        for (dialog, name) in dialogs {
            assert_eq!((dialog.name(), Dialog::parse(name)), (name, Some(dialog.clone())));
        }
        let kinds = ComposeKind::ALL.map(ComposeKind::name);
        assert_eq!(kinds, ["quick", "menu", "place", "link"]);
        let elements = [element::DESTINATION, element::TAGS, element::REPLY, element::MESSAGE_TEXT];
        assert_eq!(elements, ["destination", "tags", "canned_reply", "words"]);
        let templates = [element::TEMPLATE, element::TEMPLATE_VALUE, SEND_TEMPLATE_CALLBACK_ID];
        assert_eq!(templates, ["message_template", "template_value", "template_send"]);
        assert_eq!(element::WHEN_HELD, "when_held");
        assert_eq!(write_when_held(WhenHeld::Send), "send");
        assert_eq!(write_when_held(WhenHeld::TakeOver), "take_over");
        let names = [MORE_ACTION_ID, SEND_CALLBACK_ID, KIND_ACTION_ID, SLASH_COMMAND];
        assert_eq!(names, ["more", "compose_send", "compose_kind", "/blip"]);
        assert_eq!(SWITCHES_ACTION_ID, "switches");
        assert_eq!(CLOSE_ANYWAY_CALLBACK_ID, "close_anyway");
    }

    #[test]
    fn what_dialogs_carry_is_written_as_it_always_was() {
        let ticket = TicketId::parse("default/9b2e-1").unwrap();
        assert_eq!(write_ticket(&ticket), "default/9b2e-1");
        assert_eq!(parse_ticket("default/9b2e-1"), Some(ticket.clone()));
        let (identity, name) = ("ana%40loja.com@blip.ai".to_owned(), "Ana Lima".to_owned());
        for (target, written) in [
            (TransferTarget::Team("Vendas".to_owned()), "team:Vendas"),
            (TransferTarget::Agent { identity, name }, "agent:ana%40loja.com@blip.ai Ana Lima"),
        ] {
            assert_eq!(write_destination(&target), written);
            assert_eq!(parse_destination(written), Some(target));
        }
        let place = Offer::Place { latitude: -22.9519, longitude: -43.0, label: None };
        let text = "Qual?".to_owned();
        let options = Offer::Options { text, options: vec!["a".to_owned()], quick: true };
        let url = "https://a.example/".to_owned();
        let link = Offer::Link { url, title: Some("T".to_owned()), text: None };
        let kind = "application/vnd.lime.media-link+json".to_owned();
        let document = Offer::Document { kind, content: r#"{"uri":"u"}"#.to_owned() };
        for (offer, written) in [
            (
                document,
                r#"{"offer":{"content":"{\"uri\":\"u\"}","kind":"application/vnd.lime.media-link+json"},"ticket":"default/9b2e-1"}"#,
            ),
            (
                options,
                r#"{"offer":{"options":["a"],"quick":true,"text":"Qual?"},"ticket":"default/9b2e-1"}"#,
            ),
            (
                place,
                r#"{"offer":{"label":null,"latitude":-22.9519,"longitude":-43.0},"ticket":"default/9b2e-1"}"#,
            ),
            (
                link,
                r#"{"offer":{"text":null,"title":"T","url":"https://a.example/"},"ticket":"default/9b2e-1"}"#,
            ),
        ] {
            assert_eq!(write_confirmed_offer(&ticket, &offer), written);
            assert_eq!(parse_confirmed_offer(written), Some((ticket.clone(), offer)));
        }
    }

    #[test]
    fn what_a_filled_template_carries_is_written_as_it_always_was() {
        let ticket = TicketId::parse("default/9b2e-1").unwrap();
        let values = [
            (TemplateField::File(HeaderFile::Image), "https://x/a.png"),
            (TemplateField::Title("1".to_owned()), "Oi"),
            (TemplateField::Body("nome".to_owned()), "Ana"),
            (TemplateField::Button(1), "abc"),
        ];
        let filled = FilledTemplate {
            name: "aviso".to_owned(),
            language: "pt_BR".to_owned(),
            values: values.map(|(field, value)| (field, value.to_owned())).to_vec(),
            text: "Oi Ana".to_owned(),
        };
        let written = r#"{"language":"pt_BR","template":"aviso","text":"Oi Ana","ticket":"default/9b2e-1","values":[["file:image","https://x/a.png"],["title:1","Oi"],["body:nome","Ana"],["button:1","abc"]]}"#;
        assert_eq!(write_filled_template(&ticket, &filled), written);
        assert_eq!(parse_filled_template(written), Some((ticket, filled)));
    }

    #[test]
    fn what_was_never_written_is_no_button() {
        for (name, value) in
            [("send", "default/9b2e-1"), ("retry", "x default/9b2e-1"), ("more", "close"), ("", "")]
        {
            assert_eq!(read_button(name, value), None, "{name} {value}");
        }
        let shortcut = PressedButton { button: Button::Move(PressedMove::Claim), ticket: None };
        assert_eq!(read_button("claim", ""), Some(shortcut));
    }
}
