//! What a message in a ticket's thread is meant to be.
//!
//! Only what is meant for the customer may reach the customer, so everything doubtful is a note or
//! a question back.

use super::content::{Inline, Paragraph, Rich};
use super::ids::SlackUserId;
use super::ticket::{Agent, Ticket};

/// The emoji `:lock:`, which makes a note of whatever carries it.
const LOCK: char = '🔒';

/// What a thread message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It stays in Slack.
    Note(Why),
    /// It stays in Slack until its writer has said what it is; with the holder, if there is one.
    Question(Option<Agent>),
    /// It goes to the customer.
    Reply {
        /// Whether its writer claims the ticket with it.
        claims: bool,
    },
}

/// Why a message is a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It says so by its prefix or a lock.
    Prefix,
    /// It speaks to a colleague.
    Colleague,
    /// Its writer may not answer customers.
    Outsider,
    /// The ticket is over.
    Closed,
}

/// The team's own rules for replies.
#[derive(Clone, Debug)]
pub struct ReplyRules {
    /// What a note begins with; nothing does if it is empty.
    pub note_prefix: String,
    /// Whether the first reply claims an unclaimed ticket.
    pub claims: bool,
    /// Whether any agent may reply, or the holder only.
    pub anyone: bool,
}

impl ReplyRules {
    /// Decides what a message by `user` in the thread of `ticket` is.
    pub fn intent(
        &self,
        ticket: &Ticket,
        user: &SlackUserId,
        is_agent: bool,
        text: &Rich,
    ) -> Intent {
        if ticket.is_closed() {
            return Intent::Note(Why::Closed);
        }
        if self.is_marked(text) || carries_lock(text) {
            return Intent::Note(Why::Prefix);
        }
        if speaks_to_colleague(text) {
            return Intent::Note(Why::Colleague);
        }
        if !is_agent {
            return Intent::Note(Why::Outsider);
        }
        match ticket.holder() {
            Some(holder) if holder.user == *user => Intent::Reply { claims: false },
            Some(holder) if !self.anyone => Intent::Question(Some(holder.clone())),
            Some(_) => Intent::Reply { claims: false },
            None if self.claims => Intent::Reply { claims: true },
            None => Intent::Question(None),
        }
    }

    fn is_marked(&self, text: &Rich) -> bool {
        let first = text.0.first().map(|paragraph| match paragraph {
            Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => {
                runs.iter().map_while(words).collect::<String>()
            }
            Paragraph::Code(code) => code.clone(),
        });
        first.is_some_and(|text| {
            let text = text.trim_start();
            !self.note_prefix.is_empty() && text.starts_with(&self.note_prefix)
        })
    }
}

fn words(run: &Inline) -> Option<&str> {
    match run {
        Inline::Text { text, .. } => Some(text),
        // A prefix such as `//` may have become part of a link.
        Inline::Link { url, label, .. } => Some(label.as_deref().unwrap_or(url)),
        Inline::Person { .. }
        | Inline::Channel { .. }
        | Inline::Group { .. }
        | Inline::Broadcast(_) => None,
    }
}

fn carries_lock(text: &Rich) -> bool {
    text.inlines().any(|run| matches!(run, Inline::Text { text, .. } if text.contains(LOCK)))
}

/// Whether the first thing said is a mention of a person, a group or everybody in Slack.
fn speaks_to_colleague(text: &Rich) -> bool {
    let said = |run: &&Inline| !matches!(run, Inline::Text { text, .. } if text.trim().is_empty());
    let first = text.inlines().find(said);
    matches!(first, Some(Inline::Person { .. } | Inline::Group { .. } | Inline::Broadcast(_)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{BotName, Customer, Ending, State, Style, TicketId};

    fn user(id: &str) -> SlackUserId {
        SlackUserId::parse(id).unwrap()
    }

    fn agent(id: &str) -> Agent {
        Agent { user: user(id), name: id.to_owned(), identity: format!("{id}@blip.ai") }
    }

    fn ticket(state: State) -> Ticket {
        Ticket {
            id: TicketId::new(BotName::default(), "t").unwrap(),
            address: String::new(),
            number: None,
            parent: None,
            customer: Customer { identity: String::new(), name: None, domain: String::new() },
            team: None,
            tags: Vec::new(),
            opened: Timestamp::UNIX_EPOCH,
            state,
            thread: None,
            heard: None,
            unanswered: None,
            revision: 0,
        }
    }

    fn held_by(id: &str) -> Ticket {
        ticket(State::Claimed { holder: agent(id), since: Timestamp::UNIX_EPOCH })
    }

    fn rules() -> ReplyRules {
        ReplyRules { note_prefix: "//".to_owned(), claims: true, anyone: false }
    }

    fn mention(rest: &str) -> Rich {
        let space = Inline::Text { text: " ".to_owned(), style: Style::default() };
        let person = Inline::Person { id: user("U9"), label: None };
        let rest = Inline::Text { text: rest.to_owned(), style: Style::default() };
        Rich(vec![Paragraph::Text(vec![space, person, rest])])
    }

    #[test]
    fn a_message_is_what_its_writer_meant() {
        let closed = ticket(State::Closed { ending: Ending::Customer, at: Timestamp::UNIX_EPOCH });
        let words = Rich::plain("bom dia");
        let cases = [
            (held_by("U1"), "U1", true, words.clone(), Intent::Reply { claims: false }),
            (ticket(State::Unclaimed), "U1", true, words.clone(), Intent::Reply { claims: true }),
            (held_by("U2"), "U1", true, words.clone(), Intent::Question(Some(agent("U2")))),
            (held_by("U1"), "U1", true, Rich::plain(" // só nós"), Intent::Note(Why::Prefix)),
            (held_by("U1"), "U1", true, Rich::plain("só nós 🔒"), Intent::Note(Why::Prefix)),
            (held_by("U1"), "U1", true, mention(" vê isto?"), Intent::Note(Why::Colleague)),
            (held_by("U1"), "U1", false, words.clone(), Intent::Note(Why::Outsider)),
            (closed, "U1", true, words, Intent::Note(Why::Closed)),
        ];
        for (ticket, writer, is_agent, text, intent) in cases {
            assert_eq!(rules().intent(&ticket, &user(writer), is_agent, &text), intent, "{text:?}");
        }
    }

    #[test]
    fn the_team_may_loosen_the_rules() {
        let anyone = ReplyRules { anyone: true, ..rules() };
        let words = Rich::plain("bom dia");
        let reply = Intent::Reply { claims: false };
        assert_eq!(anyone.intent(&held_by("U2"), &user("U1"), true, &words), reply);
        let asking = ReplyRules { claims: false, ..rules() };
        let unclaimed = ticket(State::Unclaimed);
        assert_eq!(asking.intent(&unclaimed, &user("U1"), true, &words), Intent::Question(None));
        let prefixless = ReplyRules { note_prefix: String::new(), ..rules() };
        assert_eq!(prefixless.intent(&held_by("U1"), &user("U1"), true, &words), reply);
    }
}
