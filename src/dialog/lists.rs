//! The lists of a bot from which people choose, kept for a short while: Slack asks for options at
//! every key that is pressed.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::blip;
use crate::blip::client::Reply;
use crate::clock::Clock;
use crate::locale::Words;
use crate::model::BotName;
use crate::slack::dialog::{Choice, List};

/// How long a list is believed.
const FRESH: Duration = Duration::from_mins(1);
/// How long a list that could not be read is not asked for again.
const REST: Duration = Duration::from_secs(5);
/// How long people wait for a list, of the 3 s in which Slack wants the options.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps the lists.
#[derive(Clone)]
pub struct Lists {
    clock: Clock,
    tasks: TaskTracker,
    kept: Arc<DashMap<(BotName, List), Reading>>,
}

/// A list, held by whoever reads it.
type Reading = Arc<Mutex<Slot>>;

/// What is known of a list, and when to ask again.
#[derive(Clone, Default)]
struct Slot {
    kept: Option<Kept>,
    until: Option<Timestamp>,
}

#[derive(Clone)]
enum Kept {
    Destinations { teams: Vec<String>, agents: Vec<(String, String)> },
    Tags(Vec<String>),
    Replies(Vec<Reply>),
}

impl Lists {
    /// Nothing is known yet. What is not read in time is read on `tasks`.
    pub fn new(clock: Clock, tasks: TaskTracker) -> Self {
        Self { clock, tasks, kept: Arc::default() }
    }

    /// What can be chosen, in groups with a title.
    pub(super) async fn choices(
        &self,
        bot: &Arc<blip::Client>,
        list: List,
        words: &Words,
    ) -> Vec<(String, Vec<Choice>)> {
        match self.list(bot, list).await {
            None => Vec::new(),
            Some(Kept::Tags(tags)) => {
                vec![(String::new(), tags.iter().map(|tag| Choice::plain(tag)).collect())]
            }
            Some(Kept::Replies(replies)) => by_category(&replies),
            Some(Kept::Destinations { teams, agents }) => {
                let teams = teams.iter().map(|team| Choice::team(team)).collect();
                let agents = agents.iter().map(|(id, name)| Choice::agent(id, name)).collect();
                vec![
                    (words.say("dialog-teams", &[]), teams),
                    (words.say("dialog-agents", &[]), agents),
                ]
            }
        }
    }

    /// A canned reply.
    pub(super) async fn reply(&self, bot: &Arc<blip::Client>, id: &str) -> Option<Reply> {
        match self.list(bot, List::Replies).await? {
            Kept::Replies(replies) => replies.into_iter().find(|reply| reply.id == id),
            Kept::Destinations { .. } | Kept::Tags(_) => None,
        }
    }

    /// Has a list read before somebody opens it.
    pub(super) fn warm(&self, bot: &Arc<blip::Client>, list: List) {
        let (lists, bot) = (self.clone(), Arc::clone(bot));
        self.tasks.spawn(async move { lists.list(&bot, list).await.map(drop) });
    }

    /// The list as it is at Blip or, if Blip does not answer in time, as it was. A list that takes
    /// longer is there the next time somebody looks.
    async fn list(&self, bot: &Arc<blip::Client>, list: List) -> Option<Kept> {
        let slot = Arc::clone(&self.kept.entry((bot.name().clone(), list)).or_default());
        let (clock, bot) = (self.clock.clone(), Arc::clone(bot));
        let reading = Arc::clone(&slot);
        let task = self.tasks.spawn(async move {
            // Those who ask meanwhile wait here, and then find it read.
            let mut slot = reading.lock().await;
            if slot.until.is_none_or(|until| clock.now() >= until) {
                let read = fetch(&bot, list).await;
                let rest = if read.is_ok() { FRESH } else { REST };
                slot.until = Some(clock.now() + rest);
                match read {
                    Ok(new) => slot.kept = Some(new),
                    Err(error) => {
                        tracing::warn!(bot = %bot.name(), ?list, %error, "a list could not be read");
                    }
                }
            }
            slot.kept.clone()
        });
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(read) => read.ok().flatten(),
            Err(_) => None,
        }
    }
}

/// The replies of each category in the order in which Blip tells them.
fn by_category(replies: &[Reply]) -> Vec<(String, Vec<Choice>)> {
    let mut groups: Vec<(String, Vec<Choice>)> = Vec::new();
    for reply in replies {
        let choice = Choice { label: reply.name.clone(), value: reply.id.clone() };
        match groups.iter_mut().find(|(category, _)| *category == reply.category) {
            Some((_, choices)) => choices.push(choice),
            None => groups.push((reply.category.clone(), vec![choice])),
        }
    }
    groups
}

async fn fetch(bot: &blip::Client, list: List) -> Result<Kept, blip::Error> {
    match list {
        List::Tags => bot.tags().await.map(Kept::Tags),
        List::Replies => bot.replies().await.map(Kept::Replies),
        List::Destinations => {
            let (teams, agents) = tokio::join!(bot.teams(), bot.agents());
            match (teams, agents) {
                (Err(error), Err(_)) => Err(error),
                (teams, agents) => Ok(Kept::Destinations {
                    teams: teams.unwrap_or_default(),
                    agents: agents.unwrap_or_default(),
                }),
            }
        }
    }
}
