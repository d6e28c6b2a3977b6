//! What happens in one history, drawn by lot: the same for the same seed.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA};
use blip_slack_standins::faults::Fault;
use fastrand::Rng;

/// How many customers write in one history.
pub const CUSTOMERS: usize = 3;

/// One of the agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ana,
    Bia,
}

impl Who {
    pub fn user(self) -> &'static str {
        match self {
            Self::Ana => ANA,
            Self::Bia => BIA,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ana => "Ana Lima",
            Self::Bia => "Bia Souza",
        }
    }

    /// Blip's identity of them.
    pub fn identity(self) -> &'static str {
        match self {
            Self::Ana => "ana%40loja.example@blip.ai",
            Self::Bia => "bia%40loja.example@blip.ai",
        }
    }
}

/// One of the platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Slack,
    Blip,
}

/// What somebody does about the ticket of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The customer opens a ticket, if they have none.
    Opens,
    /// The customer writes.
    Says,
    /// The customer sends a file with some words.
    Sends,
    /// The customer writes, and the bridge is never told.
    SaysUnheard,
    /// An agent writes to the customer.
    Replies(Who),
    /// An agent writes to their colleagues.
    Notes(Who),
    /// An agent puts 👀 on the card, or takes it off.
    Eyes(Who, bool),
    /// An agent puts ✅ on the card.
    Checks(Who),
    /// An agent presses the first button of the card: *Claim* or *Release*.
    Presses(Who),
    /// An agent presses *Take over* where they were told that somebody else holds the ticket.
    TakesOver(Who),
    /// An agent changes the last thing that they wrote.
    Edits(Who),
    /// An agent deletes the last thing that they wrote.
    Deletes(Who),
    /// Somebody deletes the card.
    LosesThread,
    /// The customer ends the ticket, once nothing is under way.
    Ends,
    /// The same, and the bridge is never told.
    EndsUnheard,
    /// An agent hands the ticket on to another team.
    Transfers(Who),
}

impl Deed {
    /// Whether it comes as an event that can be kept back, and so overtaken.
    fn can_be_overtaken(self) -> bool {
        match self {
            Self::Opens
            | Self::Says
            | Self::Sends
            | Self::Replies(_)
            | Self::Notes(_)
            | Self::Eyes(..)
            | Self::Checks(_)
            | Self::Edits(_)
            | Self::Deletes(_) => true,
            Self::SaysUnheard
            | Self::Presses(_)
            | Self::TakesOver(_)
            | Self::LosesThread
            | Self::Ends
            | Self::EndsUnheard
            | Self::Transfers(_) => false,
        }
    }

    /// Whether nothing else may be under way, because what comes of it would depend on that.
    pub fn needs_rest(self) -> bool {
        // A ✅ asks, and closes nothing, if something of the customer is still to be shown
        // (`lanes.rs` has these races).
        matches!(self, Self::Ends | Self::EndsUnheard | Self::Transfers(_) | Self::Checks(_))
    }
}

/// One step of a history.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Somebody does something about the ticket of this customer.
    Does(usize, Deed),
    /// Several things happen at once, each about another customer.
    AtOnce(Vec<(usize, Deed)>),
    /// What these deeds are told by arrives in another order; the numbers are drawn for it.
    Overtake(Vec<(usize, Deed)>, u64),
    /// The next call of these methods goes wrong.
    Trouble(Side, &'static str, Fault),
    /// Nothing answers from now on.
    GoesDown(Side, Fault),
    /// It answers again.
    ComesBack(Side),
    /// Everything is delivered twice from now on, or once.
    Twice(bool),
    /// The bridge is gone after so many microseconds and starts again, while somebody does this.
    Crash(u64, Option<(usize, Deed)>),
    /// So much time passes.
    Passes(Duration),
    /// Nothing is left to do.
    Settles,
}

/// A whole history.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Posts per second and channel.
    pub pace: &'static str,
    /// How many messages from before the handoff are shown.
    pub context: &'static str,
    /// The share of calls that go wrong besides those that the acts name.
    pub trouble: f64,
    /// Slack forgets what posts can be found by.
    pub forgets_metadata: bool,
    /// Slack tells of a post before it answers it.
    pub events_first: bool,
    /// Both platforms show only after a while what they have taken.
    pub shows_late: bool,
    pub acts: Vec<Act>,
}

const SLACK_METHODS: [&str; 9] = [
    "files.*",
    "upload",
    "*",
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "reactions.add",
    "conversations.*",
    "users.info",
];
const BLIP_METHODS: [&str; 5] =
    ["*", "/messages", "/messages", "/commands set *", "/commands get *"];

/// What may happen to any call. After some of them it is not known whether it took effect.
pub fn troubles() -> Vec<Fault> {
    vec![
        Fault::Status(500),
        Fault::Status(503),
        Fault::Hang,
        Fault::Reset,
        Fault::Html,
        Fault::Garbage,
        Fault::LostAnswer,
        Fault::LostAnswer500,
        Fault::RateLimited { retry_after: 1 },
        Fault::Slow(Duration::from_millis(30)),
    ]
}

/// What goes wrong at once instead of never.
pub fn hurried(fault: Fault) -> Fault {
    if fault == Fault::Hang { Fault::Reset } else { fault }
}

impl Plan {
    /// Draws a history.
    pub fn draw(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let acts = random.usize(10..45);
        let mut acts: Vec<Act> = (0..acts).map(|_| act(&mut random)).collect();
        acts.insert(0, Act::Does(0, Deed::Opens));
        Self {
            pace: ["0", "0", "1", "5"][random.usize(..4)],
            context: ["0", "5"][random.usize(..2)],
            trouble: [0.0, 0.0, 0.03, 0.1][random.usize(..4)],
            forgets_metadata: random.u8(..6) == 0,
            events_first: random.u8(..4) == 0,
            shows_late: random.u8(..6) == 0,
            acts,
        }
    }
}

fn act(random: &mut Rng) -> Act {
    match random.u8(..100) {
        0..60 => Act::Does(random.usize(..CUSTOMERS), deed(random)),
        60..66 => {
            let mut customers: Vec<usize> = (0..CUSTOMERS).collect();
            random.shuffle(&mut customers);
            let deeds = customers.into_iter().map(|customer| (customer, deed(random)));
            // While something is kept from the bridge, nothing else can be told.
            Act::AtOnce(deeds.filter(|(_, deed)| *deed != Deed::SaysUnheard).collect())
        }
        66..72 => {
            let customer = random.usize(..CUSTOMERS);
            let count = random.usize(2..6);
            let deeds = (0..count).map(|_| (customer, deed(random)));
            let deeds = deeds.filter(|(_, deed)| deed.can_be_overtaken()).collect();
            Act::Overtake(deeds, random.u64(..))
        }
        72..82 => {
            let (side, methods) = sided(random);
            let troubles = troubles();
            let fault = troubles[random.usize(..troubles.len())].clone();
            let methods = methods[random.usize(..methods.len())];
            let may_hang = !["*", "upload"].contains(&methods);
            // A large file may take minutes, and nobody waits for that here.
            let fault = if may_hang { fault } else { hurried(fault) };
            Act::Trouble(side, methods, fault)
        }
        82..84 => {
            let faults = [Fault::Status(503), Fault::Reset, Fault::LostAnswer];
            Act::GoesDown(sided(random).0, faults[random.usize(..faults.len())].clone())
        }
        84..87 => Act::ComesBack(sided(random).0),
        87..89 => Act::Twice(random.bool()),
        89..95 => {
            let deed = random.bool().then(|| (random.usize(..CUSTOMERS), deed(random)));
            let deed = deed.filter(|(_, deed)| deed.can_be_overtaken());
            Act::Crash(random.u64(..40_000), deed)
        }
        95..98 => Act::Passes(Duration::from_secs(random.u64(1..30))),
        _ => Act::Settles,
    }
}

fn sided(random: &mut Rng) -> (Side, &'static [&'static str]) {
    if random.bool() { (Side::Slack, &SLACK_METHODS) } else { (Side::Blip, &BLIP_METHODS) }
}

fn deed(random: &mut Rng) -> Deed {
    let who = if random.bool() { Who::Ana } else { Who::Bia };
    match random.u8(..100) {
        0..14 => Deed::Opens,
        14..38 => Deed::Says,
        38..41 => Deed::Sends,
        41..44 => Deed::SaysUnheard,
        44..68 => Deed::Replies(who),
        68..73 => Deed::Notes(who),
        73..82 => Deed::Eyes(who, random.u8(..3) > 0),
        82..85 => Deed::Checks(who),
        85..88 => Deed::Presses(who),
        88..90 => Deed::TakesOver(who),
        90..92 => Deed::Edits(who),
        92..94 => Deed::Deletes(who),
        94..96 => Deed::LosesThread,
        96..97 => Deed::EndsUnheard,
        97..99 => Deed::Transfers(who),
        _ => Deed::Ends,
    }
}
