//! Answers to `/blip`, and home tabs: the desk at a glance, for the eyes of agents only.
//!
//! Nobody is shown a ticket here whose channel they are not in.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Dialogs, Error, Reader};
use crate::model::{ChannelId, Failure, Fault, SlackUserId, State, Ticket};
use crate::slack::home::{self, Command, Health, Row, Wanted};
use crate::slack::workspace::Asker;
use crate::store::Lane;

/// How long a command may take, of the 3 s in which Slack wants an answer.
const PATIENCE: Duration = Duration::from_millis(2500);
/// How long after it was opened a home tab is kept up to date.
const WATCHED: SignedDuration = SignedDuration::from_hours(9);
/// How often home tabs are compared with what they should show.
const EVERY: Duration = Duration::from_secs(3);
/// How long it is believed that somebody is not in a channel: they may join and look again.
const OUTSIDE: SignedDuration = SignedDuration::from_secs(30);
/// Most tickets that a search finds.
const MOST_FOUND: u32 = 10;

/// The home tabs that were opened lately, and what they show. A cache: who opens theirs again is
/// in it again.
#[derive(Clone, Debug, Default)]
pub struct Homes(Arc<DashMap<SlackUserId, Shown>>);

#[derive(Clone, Copy, Debug)]
struct Shown {
    opened: Timestamp,
    content: Option<u64>,
}

impl Homes {
    /// Notes what a home tab shows; returns what it showed before.
    fn note(&self, user: &SlackUserId, content: Option<u64>) -> Option<u64> {
        let mut shown = self.0.get_mut(user)?;
        std::mem::replace(&mut shown.content, content)
    }
}

impl Dialogs {
    /// The answer to a command, for the one who typed it.
    pub async fn answer(&self, command: &Command) -> Value {
        let reader = self.reader(&command.by).await;
        let answered = self.try_to_answer(command, &reader);
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a command could not be answered");
                home::sentence(&reader.words.say("home-unavailable", &[]))
            }
            Err(_) => home::sentence(&reader.words.say("home-unavailable", &[])),
        }
    }

    async fn try_to_answer(&self, command: &Command, reader: &Reader) -> Result<Value, Error> {
        let (user, words) = (&command.by.user, &reader.words);
        if !self.may_be_agent(user, reader).await? {
            return Ok(home::sentence(&words.say("ask-not-agent-move", &[])));
        }
        Ok(match &command.wanted {
            Wanted::Mine => home::mine(&self.open_rows(user).await?.0, words),
            Wanted::Waiting => home::waiting(&self.open_rows(user).await?.1, words),
            Wanted::Find(text) => {
                let text = text.trim_start_matches('#');
                let found = self.store.find_tickets(text, MOST_FOUND).await?;
                home::found(&self.visible(user, found).await?, words)
            }
            Wanted::Status => {
                let open = self.visible(user, self.store.open_tickets().await?).await?;
                let unclaimed = open.iter().filter(|row| row.ticket.holder().is_none()).count();
                home::status(open.len(), unclaimed, self.health(user).await?, words)
            }
            Wanted::Help => home::help(words),
        })
    }

    /// Shows somebody their home tab, now and while they may be looking.
    pub fn open_home(&self, user: &SlackUserId) {
        let opened = self.clock.now();
        let mut shown = self.homes.0.entry(user.clone()).or_insert(Shown { opened, content: None });
        shown.opened = opened;
        drop(shown);
        let (dialogs, user) = (self.clone(), user.clone());
        self.tasks.spawn(async move { dialogs.refresh_home(&user).await });
    }

    /// Keeps home tabs up to date for as long as they are looked at.
    pub async fn keep_homes(self) {
        loop {
            self.clock.sleep_until(self.clock.now() + EVERY).await;
            let now = self.clock.now();
            self.homes.0.retain(|_, shown| now.duration_since(shown.opened) < WATCHED);
            let users: Vec<_> = self.homes.0.iter().map(|home| home.key().clone()).collect();
            for user in users {
                self.refresh_home(&user).await;
            }
        }
    }

    /// Publishes a home tab if it shows something else than it should.
    async fn refresh_home(&self, user: &SlackUserId) {
        let view = match self.home(user).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(%error, "a home tab could not be made");
                return;
            }
        };
        let mut hasher = DefaultHasher::new();
        view.to_string().hash(&mut hasher);
        let content = Some(hasher.finish());
        // Noted before it is done, so that of two who come at once only one does it.
        let before = self.homes.note(user, content);
        if before == content {
            return;
        }
        if let Err(error) = self.slack.publish_home(user, &view).await {
            tracing::warn!(%error, "a home tab could not be shown");
            self.homes.note(user, before);
        }
    }

    async fn home(&self, user: &SlackUserId) -> Result<Value, Error> {
        let reader = self.reader(&Asker { user: user.clone(), named: Vec::new() }).await;
        let words = &reader.words;
        if !self.may_be_agent(user, &reader).await? {
            return Ok(home::closed(words));
        }
        let (mine, waiting) = self.open_rows(user).await?;
        Ok(home::tab(&mine, &waiting, self.health(user).await?, words))
    }

    /// What somebody holds, and what nobody holds, oldest first.
    async fn open_rows(&self, user: &SlackUserId) -> Result<(Vec<Row>, Vec<Row>), Error> {
        let rows = self.visible(user, self.store.open_tickets().await?).await?;
        let (waiting, held): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.ticket.state == State::Unclaimed);
        Ok((held.into_iter().filter(|row| row.is_own).collect(), waiting))
    }

    /// The tickets in channels that somebody is in. Those in a channel that Slack will not tell of,
    /// such as one that is gone, are left out.
    async fn visible(&self, user: &SlackUserId, tickets: Vec<Ticket>) -> Result<Vec<Row>, Error> {
        let since = self.clock.now() - OUTSIDE;
        let mut channels: HashMap<ChannelId, bool> = HashMap::new();
        let mut rows = Vec::new();
        for ticket in tickets {
            let Some(thread) = &ticket.thread else { continue };
            let known = channels.get(&thread.channel).copied();
            let is_in = match known {
                Some(is_in) => is_in,
                None => match self.slack.is_in_channel(&thread.channel, user, since).await {
                    Err(error) if matches!(error.fault(), Fault::Refused { .. }) => {
                        tracing::warn!(slack.channel = %thread.channel, %error,
                            "tickets are left out of a list");
                        false
                    }
                    is_in => is_in?,
                },
            };
            channels.insert(thread.channel.clone(), is_in);
            if is_in {
                let address = self.slack.address(thread);
                let is_own = ticket.holder().is_some_and(|holder| holder.user == *user);
                rows.push(Row { ticket, address, is_own });
            }
        }
        Ok(rows)
    }

    /// How the bridge is, and how many events are parked in channels that somebody is in.
    async fn health(&self, user: &SlackUserId) -> Result<Health, Error> {
        let mut parked = Vec::new();
        for item in self.store.parked(None).await? {
            if let Some(Lane::Ticket(id)) = Lane::parse(&item.lane) {
                parked.extend(self.store.ticket(&id).await?);
            }
        }
        let parked = self.visible(user, parked).await?.len();
        let is_ailing = !(self.readiness)().troubles.is_empty();
        Ok(Health { parked, is_ailing })
    }
}
