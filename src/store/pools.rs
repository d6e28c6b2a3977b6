//! Which lanes are worked on beside each other without taking each other's places.

use crate::model::BotName;

/// What a lane waits for while it is worked on. Lanes of one pool share its places, and none can take
/// those of another pool: where Blip does not answer, customers' words are still shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pool {
    /// What is shown in Slack.
    ToSlack,
    /// What goes to Blip.
    ToBlip,
    /// Files on their way.
    Files,
    /// What nobody waits for: cards, marks, reminders, comparisons.
    Background,
}

/// By what the name of a lane begins with, the first that fits. The tables of the databases say the
/// same (`lane.pool`); `the_tables_know_the_pool_of_each_lane` compares them.
const PREFIXES: [(&str, Pool); 6] = [
    ("ticket:", Pool::ToSlack),
    ("reply:", Pool::ToBlip),
    ("slack:", Pool::ToBlip),
    ("file:", Pool::Files),
    ("own:file:", Pool::Files),
    ("own:", Pool::Background),
];

/// What the names of lanes begin with that say whose they are: the name of the bot follows, and a
/// slash. Those of a single message of Slack's (its marks, its card) say no bot. They wait for Slack
/// alone, which makes no difference between bots.
const BEFORE_BOT: [(&str, Pool); 10] = [
    ("ticket:", Pool::ToSlack),
    ("reply:", Pool::ToBlip),
    ("own:file:", Pool::Files),
    ("own:catch-up:", Pool::Background),
    ("own:context:", Pool::Background),
    ("own:handed:", Pool::Background),
    ("own:seen:", Pool::Background),
    ("own:later:read:", Pool::Background),
    ("own:later:waits:", Pool::Background),
    ("own:later:window:", Pool::Background),
];

/// The bot whose lane has this name, if it says one.
pub(crate) fn find_bot_of_lane(name: &str) -> Option<BotName> {
    let rest = BEFORE_BOT.iter().find_map(|(prefix, _)| name.strip_prefix(prefix))?;
    BotName::parse(rest.split_once('/')?.0)
}

impl Pool {
    /// What the names of a bot's lanes in this pool begin with.
    fn bot_prefixes(self, bot: &BotName) -> impl Iterator<Item = String> {
        let of_pool = BEFORE_BOT.into_iter().filter(move |(_, pool)| *pool == self);
        of_pool.map(move |(prefix, _)| format!("{prefix}{bot}/"))
    }

    /// All of them, in the order of their numbers in the tables.
    pub const ALL: [Self; 4] = [Self::ToSlack, Self::ToBlip, Self::Files, Self::Background];

    /// That of the lane with this name.
    pub fn of_lane(name: &str) -> Self {
        let found = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
        found.map_or(Self::Background, |(_, pool)| *pool)
    }

    /// Its number in the tables.
    pub fn number(self) -> usize {
        match self {
            Self::ToSlack => 0,
            Self::ToBlip => 1,
            Self::Files => 2,
            Self::Background => 3,
        }
    }
}

/// How many lanes may be leased: of each pool, and of all together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    of_pool: [usize; Pool::ALL.len()],
    all: usize,
    /// What the names of lanes begin with for which there is none.
    closed: Vec<String>,
}

impl Places {
    /// So many of each pool.
    pub fn of_pools(count: impl Fn(Pool) -> usize) -> Self {
        let of_pool = Pool::ALL.map(count);
        let all = of_pool.iter().fold(0_usize, |sum, count| sum.saturating_add(*count));
        Self { of_pool, all, closed: Vec::new() }
    }

    /// The same, but none of a pool for lanes of this bot.
    #[must_use]
    pub fn without_bot(mut self, pool: Pool, bot: &BotName) -> Self {
        self.closed.extend(pool.bot_prefixes(bot));
        self
    }

    /// So many, of whichever pool.
    pub fn any(count: usize) -> Self {
        Self { of_pool: [count; Pool::ALL.len()], all: count, closed: Vec::new() }
    }

    /// What the names of lanes begin with for which there is none.
    pub(crate) fn closed(&self) -> &[String] {
        &self.closed
    }

    /// How many of a pool.
    pub(crate) fn count(&self, pool: Pool) -> usize {
        self.of_pool.get(pool.number()).copied().unwrap_or_default()
    }

    /// How many of all together.
    pub(crate) fn total(&self) -> usize {
        self.all
    }

    /// Whether there is a place for a lane of each pool and each bot.
    pub(crate) fn is_any_lane_welcome(&self) -> bool {
        self.closed.is_empty() && self.all > 0 && self.of_pool.iter().all(|count| *count > 0)
    }

    /// Whether there is none for this lane, however many of its pool are free.
    pub(crate) fn is_closed(&self, lane: &str) -> bool {
        self.closed.iter().any(|prefix| lane.starts_with(prefix))
    }

    /// Takes a place for a lane. False if there is none.
    pub(crate) fn take(&mut self, lane: &str) -> bool {
        if self.is_closed(lane) {
            return false;
        }
        let place = self.of_pool.get_mut(Pool::of_lane(lane).number());
        let Some(left) = place.filter(|left| **left > 0 && self.all > 0) else { return false };
        *left -= 1;
        self.all -= 1;
        true
    }
}
