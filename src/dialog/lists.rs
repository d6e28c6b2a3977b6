//! The lists of a bot from which people choose, kept for a short while: Slack asks for options at
//! every key that is pressed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use crate::blip;
use crate::blip::client::Reply;
use crate::clock::Clock;
use crate::locale::Words;
use crate::model::BotName;
use crate::slack::dialog::{Choice, List};

/// How long a list is believed.
const FRESH: Duration = Duration::from_mins(1);
/// How long Blip is asked for a list, of the 3 s in which Slack wants the options.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps the lists.
#[derive(Clone)]
pub struct Lists {
    clock: Clock,
    kept: Arc<DashMap<(BotName, List), (Timestamp, Kept)>>,
}

#[derive(Clone)]
enum Kept {
    Destinations { teams: Vec<String>, agents: Vec<(String, String)> },
    Tags(Vec<String>),
    Replies(Vec<Reply>),
}

impl Lists {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Arc::default() }
    }

    /// What can be chosen, in groups with a title.
    pub(super) async fn choices(
        &self,
        bot: &blip::Client,
        list: List,
        words: &Words,
    ) -> Vec<(String, Vec<Choice>)> {
        match self.list(bot, list).await {
            None => Vec::new(),
            Some(Kept::Tags(tags)) => {
                vec![(String::new(), tags.iter().map(|tag| Choice::plain(tag)).collect())]
            }
            Some(Kept::Replies(replies)) => {
                let choice =
                    |reply: &Reply| Choice { label: reply.name.clone(), value: reply.id.clone() };
                vec![(String::new(), replies.iter().map(choice).collect())]
            }
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
    pub(super) async fn reply(&self, bot: &blip::Client, id: &str) -> Option<Reply> {
        match self.list(bot, List::Replies).await? {
            Kept::Replies(replies) => replies.into_iter().find(|reply| reply.id == id),
            Kept::Destinations { .. } | Kept::Tags(_) => None,
        }
    }

    /// The list as it is at Blip or, if Blip does not answer, as it was.
    async fn list(&self, bot: &blip::Client, list: List) -> Option<Kept> {
        let key = (bot.name().clone(), list);
        let kept = self.kept.get(&key).map(|entry| entry.clone());
        let now = self.clock.now();
        match kept {
            Some((at, kept)) if now < at + FRESH => Some(kept),
            old => match fetch(bot, list).await {
                Ok(new) => {
                    self.kept.insert(key, (now, new.clone()));
                    Some(new)
                }
                Err(why) => {
                    tracing::warn!(bot = %bot.name(), ?list, why, "a list could not be read");
                    old.map(|(_, kept)| kept)
                }
            },
        }
    }
}

async fn fetch(bot: &blip::Client, list: List) -> Result<Kept, String> {
    match list {
        List::Tags => in_time(bot.tags()).await.map(Kept::Tags),
        List::Replies => in_time(bot.replies()).await.map(Kept::Replies),
        List::Destinations => {
            let (teams, agents) = tokio::join!(in_time(bot.teams()), in_time(bot.agents()));
            match (teams, agents) {
                (Err(why), Err(_)) => Err(why),
                (teams, agents) => Ok(Kept::Destinations {
                    teams: teams.unwrap_or_default(),
                    agents: agents.unwrap_or_default(),
                }),
            }
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, blip::Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}
