//! Words that the desk at Blip forbids. Blip itself lets them through: only the screen of its desk
//! looks (`blip.md`, additions §8), so we look as well.

use crate::inbox::Handling;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::cache::ExpiringCache;
use crate::clock::Clock;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::{People, Person};
use crate::model::forbidden::ForbiddenWords;
use crate::model::{BotName, Ticket};

/// How long a list is believed: somebody changes it in the portal once in a while.
const LIST_LIFETIME: Duration = Duration::from_mins(5);
/// Most bots whose list is remembered; no configuration has so many.
const MAX_BOTS: usize = 1_000;

/// Keeps forbidden words from customers.
pub(crate) struct WordGuard {
    calls: Arc<Calls>,
    bots: Arc<Bots>,
    people: Arc<People>,
    is_on: bool,
    known: ExpiringCache<BotName, Arc<ForbiddenWords>>,
    /// The last list of each bot: it goes on while Blip does not answer.
    last: DashMap<BotName, Arc<ForbiddenWords>>,
}

impl WordGuard {
    /// Asks for no list before it is needed, and never if it is not on.
    pub(crate) fn new(
        (calls, bots, people): (Arc<Calls>, Arc<Bots>, Arc<People>),
        clock: Clock,
        is_on: bool,
    ) -> Self {
        let known = ExpiringCache::new(clock, LIST_LIFETIME, MAX_BOTS);
        Self { calls, bots, people, is_on, known, last: DashMap::new() }
    }

    /// Whether words for a customer hold one that is forbidden; then their writer is told which.
    /// What has begun to go out goes on.
    pub(crate) async fn refuse_forbidden(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        words: impl Iterator<Item = &str>,
    ) -> PipeResult<bool> {
        if !self.is_on || self.calls.has_begun_sending(item).await? {
            return Ok(false);
        }
        // Blip checks these words on the screen of its desk only (`blip.md`, additions §8): what is
        // let pass here goes out.
        let list = self.find_list(ticket).await?;
        let mut words = words;
        let Some(found) = words.find_map(|text| list.find_in(text)) else { return Ok(false) };
        let text = person.texts.text("ask-forbidden", &[("word", found)]);
        self.people.tell_person(item, ticket, person, &text, &[]).await;
        Ok(true)
    }

    async fn find_list(&self, ticket: &Ticket) -> PipeResult<Arc<ForbiddenWords>> {
        let bot = ticket.id.bot();
        if let Some(known) = self.known.get(bot) {
            return Ok(known);
        }
        match self.bots.require_bot(&ticket.id)?.desk.fetch_forbidden_words().await {
            Ok(list) => {
                let list = Arc::new(list);
                self.known.insert(bot.clone(), Arc::clone(&list));
                self.last.insert(bot.clone(), Arc::clone(&list));
                Ok(list)
            }
            Err(error) => {
                let last = self.last.get(bot).map(|last| Arc::clone(&last));
                if last.is_some() {
                    tracing::warn!(%error, "the last list of forbidden words goes on");
                }
                Ok(last.ok_or(error)?)
            }
        }
    }
}
