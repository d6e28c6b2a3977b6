//! What must be at both far ends, written down as simply as possible.

use super::plan::Who;

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Unclaimed,
    Held(Who),
    /// Closed by an agent, or else by the customer.
    Closed(Option<Who>),
    /// It went on as another ticket in the same thread.
    Transferred,
}

/// What happened to a ticket, in the order in which the bridge was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Said(String),
    /// The customer said it, and the bridge has to find out by itself.
    SaidUnheard(String),
    Wrote {
        who: Who,
        words: String,
        ts: String,
    },
    Noted {
        ts: String,
    },
    Claimed {
        who: Who,
        over: bool,
    },
    Released(Who),
    Closed(Option<Who>),
    Transferred,
    ThreadLost,
}

/// A ticket, as it must be at both far ends.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Blip's id.
    pub id: String,
    /// What the customer said to begin with.
    pub first: String,
    /// What the customer said then.
    pub said: Vec<String>,
    /// What the customer said that nobody told the bridge of.
    pub unheard: Vec<String>,
    /// What the customer was told.
    pub replies: Vec<String>,
    /// What agents wrote that stays in Slack.
    pub notes: Vec<String>,
    pub state: State,
    /// Who has it at Blip, where nobody can give it back.
    pub agent: Option<Who>,
    /// Its card was deleted at some time.
    pub is_lost: bool,
}

impl Ticket {
    pub fn new(id: String, first: String) -> Self {
        Self {
            id,
            first,
            said: Vec::new(),
            unheard: Vec::new(),
            replies: Vec::new(),
            notes: Vec::new(),
            state: State::Unclaimed,
            agent: None,
            is_lost: false,
        }
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_) | State::Transferred)
    }

    pub fn take(&mut self, event: Event) {
        match event {
            Event::Said(words) => self.said.push(words),
            Event::SaidUnheard(words) => self.unheard.push(words),
            Event::Transferred => self.state = State::Transferred,
            Event::ThreadLost => self.is_lost = true,
            Event::Noted { ts } => self.notes.push(ts),
            Event::Wrote { who, words, ts } => match self.state {
                State::Held(holder) if holder == who => self.replies.push(words),
                State::Unclaimed => {
                    self.claim(who);
                    self.replies.push(words);
                }
                State::Held(_) | State::Closed(_) | State::Transferred => self.notes.push(ts),
            },
            Event::Claimed { who, over } => match self.state {
                State::Unclaimed => self.claim(who),
                State::Held(holder) if over && holder != who => self.claim(who),
                State::Held(_) | State::Closed(_) | State::Transferred => {}
            },
            Event::Released(who) => {
                if self.state == State::Held(who) {
                    self.state = State::Unclaimed;
                }
            }
            Event::Closed(by) => {
                if !self.is_closed() {
                    self.state = State::Closed(by);
                }
            }
        }
    }

    fn claim(&mut self, who: Who) {
        self.state = State::Held(who);
        self.agent = Some(who);
    }
}
