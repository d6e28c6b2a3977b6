//! What a message in a ticket's thread is meant to be.
//!
//! Only what is meant for the customer may reach the customer, so everything doubtful is a note or
//! a question back.

use super::agent_message::AgentMessage;
use super::content::{Inline, RichText};
use super::ids::SlackUserId;
use super::note_marks::is_decorative;
use super::ticket::{Agent, Ticket};

/// The emoji that makes a note of whatever carries it, also where Slack leaves its name alone.
const NOTE_LOCKS: [&str; 2] = ["🔒", ":lock:"];

/// What a thread message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It stays in Slack.
    Note(NoteReason),
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
pub(crate) enum NoteReason {
    /// It says so by its prefix or a lock.
    Prefix,
    /// It begins with a mention of somebody in Slack: it is said to a colleague, not to the customer.
    Colleague,
    /// Its writer may not answer customers.
    Outsider,
    /// The ticket is over.
    Closed,
    /// There is no ticket yet: the customer has not answered an active message.
    Active,
}

/// The team's own rules for replies.
#[derive(Clone, Debug)]
pub(crate) struct ReplyRules {
    /// What a note begins with; nothing does if it is empty.
    pub(crate) note_prefix: String,
    /// Whether the first reply claims an unclaimed ticket.
    pub(crate) claims: bool,
    /// Whether any agent may reply, or the holder only.
    pub(crate) anyone: bool,
}

impl ReplyRules {
    /// Decides what a message by `user` in the thread of `ticket` is.
    pub(crate) fn decide_intent(
        &self,
        ticket: &Ticket,
        user: &SlackUserId,
        is_agent: bool,
        message: &AgentMessage,
    ) -> Intent {
        if ticket.is_closed() {
            // Before all else: Blip takes words for a closed ticket with `202` and lets them vanish
            // (`blip.md` §10 #8), and nobody would be told.
            return Intent::Note(why_closed(ticket));
        }
        // Before it is asked who writes: whoever means a note is told nothing, agent or not.
        if message.text.has_note_prefix(&self.note_prefix) || message.has_any_of(&NOTE_LOCKS) {
            return Intent::Note(NoteReason::Prefix);
        }
        if is_to_colleague(&message.text) {
            return Intent::Note(NoteReason::Colleague);
        }
        if !is_agent {
            return Intent::Note(NoteReason::Outsider);
        }
        self.decide_by_holder(ticket, user)
    }

    /// Decides what becomes of a note in the thread of `ticket` that the agent `user` wants the
    /// customer to have: what it says, and to whom, makes it a note no more.
    pub(crate) fn decide_note_intent(&self, ticket: &Ticket, user: &SlackUserId) -> Intent {
        if ticket.is_closed() {
            return Intent::Note(why_closed(ticket));
        }
        self.decide_by_holder(ticket, user)
    }

    fn decide_by_holder(&self, ticket: &Ticket, user: &SlackUserId) -> Intent {
        match ticket.holder() {
            Some(holder) if holder.user == *user => Intent::Reply { claims: false },
            Some(holder) if !self.anyone => Intent::Question(Some(holder.clone())),
            // With `REPLY_POLICY=anyone`. The ticket stays with its holder.
            Some(_) => Intent::Reply { claims: false },
            None if self.claims => Intent::Reply { claims: true },
            None => Intent::Question(None),
        }
    }

    /// A message that was a note as the customer is to read it: without the prefix or the locks that
    /// made it one. All else of it stays.
    pub(crate) fn remove_note_marks(&self, mut message: AgentMessage) -> AgentMessage {
        message.text.remove_note_prefix(&self.note_prefix);
        message.text.remove_words(&NOTE_LOCKS);
        message
    }
}

/// Why what is written in the thread of a ticket that takes nothing is a note.
pub(crate) fn why_closed(ticket: &Ticket) -> NoteReason {
    if ticket.id.active_target().is_some() { NoteReason::Active } else { NoteReason::Closed }
}

/// Whether the first word said is a mention of a person, a group or everybody in Slack.
fn is_to_colleague(text: &RichText) -> bool {
    let first = text.inlines().find(|run| !is_decorative(run));
    matches!(first, Some(Inline::Person { .. } | Inline::Group { .. } | Inline::Broadcast(_)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::content::Paragraph;
    use crate::model::{
        BotName, Customer, PassedLimits, Priority, Style, TicketEnding, TicketId, TicketState,
    };

    fn user(id: &str) -> SlackUserId {
        SlackUserId::parse(id).unwrap()
    }

    fn agent(id: &str) -> Agent {
        Agent { user: user(id), name: id.to_owned(), identity: format!("{id}@blip.ai") }
    }

    fn ticket(state: TicketState) -> Ticket {
        Ticket {
            id: TicketId::new(BotName::default(), "t").unwrap(),
            address: String::new(),
            number: None,
            parent: None,
            customer: Customer {
                identity: String::new(),
                name: None,
                originator: None,
                domain: String::new(),
            },
            team: None,
            tags: Vec::new(),
            priority: Priority::None,
            passed_limits: PassedLimits::default(),
            is_on_standby: false,
            opened: Timestamp::UNIX_EPOCH,
            state,
            thread: None,
            heard: None,
            unanswered: None,
            first_answer: None,
            rating: None,
            revision: 0,
            version: 0,
        }
    }

    fn held_by(id: &str) -> Ticket {
        ticket(TicketState::Claimed { holder: agent(id), since: Timestamp::UNIX_EPOCH })
    }

    fn rules() -> ReplyRules {
        ReplyRules { note_prefix: "//".to_owned(), claims: true, anyone: false }
    }

    fn mention(rest: &str) -> RichText {
        let space = Inline::Text { text: " ".to_owned(), style: Style::default() };
        let person = Inline::Person { id: user("U9"), label: None };
        let rest = Inline::Text { text: rest.to_owned(), style: Style::default() };
        RichText(vec![Paragraph::Text(vec![space, person, rest])])
    }

    #[test]
    fn a_message_is_what_its_writer_meant() {
        let closed = ticket(TicketState::Closed {
            ending: TicketEnding::Customer,
            at: Timestamp::UNIX_EPOCH,
        });
        let words = RichText::from_plain("bom dia");
        let cases = [
            (held_by("U1"), "U1", true, words.clone(), Intent::Reply { claims: false }),
            (
                ticket(TicketState::Unclaimed),
                "U1",
                true,
                words.clone(),
                Intent::Reply { claims: true },
            ),
            (held_by("U2"), "U1", true, words.clone(), Intent::Question(Some(agent("U2")))),
            (
                held_by("U1"),
                "U1",
                true,
                RichText::from_plain(" // só nós"),
                Intent::Note(NoteReason::Prefix),
            ),
            (
                held_by("U1"),
                "U1",
                true,
                RichText::from_plain("só nós 🔒"),
                Intent::Note(NoteReason::Prefix),
            ),
            (held_by("U1"), "U1", true, mention(" vê isto?"), Intent::Note(NoteReason::Colleague)),
            (held_by("U1"), "U1", false, words.clone(), Intent::Note(NoteReason::Outsider)),
            (closed, "U1", true, words, Intent::Note(NoteReason::Closed)),
        ];
        for (ticket, writer, is_agent, text, intent) in cases {
            let message = AgentMessage::from_text(text);
            assert_eq!(rules().decide_intent(&ticket, &user(writer), is_agent, &message), intent);
        }
    }

    #[test]
    fn the_team_may_loosen_the_rules() {
        let anyone = ReplyRules { anyone: true, ..rules() };
        let words = AgentMessage::from_text(RichText::from_plain("bom dia"));
        let reply = Intent::Reply { claims: false };
        assert_eq!(anyone.decide_intent(&held_by("U2"), &user("U1"), true, &words), reply);
        let asking = ReplyRules { claims: false, ..rules() };
        let unclaimed = ticket(TicketState::Unclaimed);
        assert_eq!(
            asking.decide_intent(&unclaimed, &user("U1"), true, &words),
            Intent::Question(None)
        );
        let prefixless = ReplyRules { note_prefix: String::new(), ..rules() };
        assert_eq!(prefixless.decide_intent(&held_by("U1"), &user("U1"), true, &words), reply);
    }
}
