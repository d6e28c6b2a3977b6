//! How many lanes are worked on at the same time, and how many of one bot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::model::BotName;
use crate::store::{Places, Pool, find_bot_of_lane};

/// Lanes of a pool that are handled at the same time. Most of them wait for the network.
fn pool_size(pool: Pool) -> usize {
    match pool {
        Pool::ToSlack | Pool::ToBlip => 128,
        Pool::Files => 32,
        Pool::Background => 64,
    }
}

/// Who is free to work on a lane, by pools.
pub(crate) struct Hands {
    /// Whether a bot has to leave places for others. It takes at most half of each pool then: one
    /// whose part of Blip does not answer would hold up the customers of all.
    is_shared: bool,
    busy: Mutex<Busy>,
    freed: Notify,
}

#[derive(Default)]
struct Busy {
    of_pool: [usize; Pool::ALL.len()],
    /// Of the bots that have any.
    of_bot: HashMap<(Pool, BotName), usize>,
}

impl Hands {
    /// All free, for so many bots.
    pub(crate) fn new(bots: usize) -> Self {
        Self { is_shared: bots > 1, busy: Mutex::default(), freed: Notify::new() }
    }

    /// For how many lanes there are free hands.
    pub(super) fn count_free(&self) -> Places {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let free = |pool: Pool| pool_size(pool).saturating_sub(busy.count(pool));
        if !self.is_shared {
            return Places::of_pools(free);
        }
        let of_pool = |pool: Pool| {
            let counts = busy.of_bot.iter().filter(move |((of, _), _)| *of == pool);
            counts.map(|((_, bot), count)| (bot, *count))
        };
        let places = Places::of_pools(|pool| {
            // All may be lanes of the bot that has most of those that may have more.
            let open = of_pool(pool).map(|(_, count)| share_of(pool).saturating_sub(count));
            let least = open.filter(|left| *left > 0).min().unwrap_or(share_of(pool));
            free(pool).min(least)
        });
        let closed = Pool::ALL.into_iter().flat_map(|pool| {
            let full = of_pool(pool).filter(move |(_, count)| *count >= share_of(pool));
            full.map(move |(bot, _)| (pool, bot))
        });
        closed.fold(places, |places, (pool, bot)| places.without_bot(pool, bot))
    }

    /// Has somebody work on this lane.
    pub(super) fn occupy(self: Arc<Self>, lane: &str) -> Hand {
        let (pool, bot) = (Pool::of_lane(lane), find_bot_of_lane(lane).filter(|_| self.is_shared));
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.add(pool);
        if let Some(bot) = &bot {
            *busy.of_bot.entry((pool, bot.clone())).or_default() += 1;
        }
        drop(busy);
        Hand { hands: self, pool, bot }
    }

    /// Waits until there is a free hand where there was none: what waits there may be due.
    pub(super) async fn wait_for_freed(&self) {
        self.freed.notified().await;
    }
}

/// Half of a pool.
fn share_of(pool: Pool) -> usize {
    pool_size(pool) / 2
}

impl Busy {
    fn count(&self, pool: Pool) -> usize {
        self.of_pool.get(pool.number()).copied().unwrap_or_default()
    }

    fn add(&mut self, pool: Pool) {
        if let Some(count) = self.of_pool.get_mut(pool.number()) {
            *count += 1;
        }
    }

    /// Says whether there was none left for such a lane.
    fn remove(&mut self, pool: Pool, bot: Option<&BotName>) -> bool {
        let mut was_full = self.count(pool) >= pool_size(pool);
        if let Some(count) = self.of_pool.get_mut(pool.number()) {
            *count = count.saturating_sub(1);
        }
        let Some(bot) = bot else { return was_full };
        let key = (pool, bot.clone());
        if let Some(count) = self.of_bot.get_mut(&key) {
            was_full |= *count >= share_of(pool);
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_bot.remove(&key);
            }
        }
        was_full
    }
}

/// One that works on a lane.
pub(super) struct Hand {
    hands: Arc<Hands>,
    pool: Pool,
    bot: Option<BotName>,
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut busy = self.hands.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let was_full = busy.remove(self.pool, self.bot.as_ref());
        drop(busy);
        if was_full {
            // Otherwise lanes that are due have not waited for a hand.
            self.hands.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has hands work on so many lanes of a bot towards Blip.
    fn occupy_lanes(hands: &Arc<Hands>, bot: &str, count: usize) -> Vec<Hand> {
        (0..count)
            .map(|number| Arc::clone(hands).occupy(&format!("reply:{bot}/{number}")))
            .collect()
    }

    /// Whether there is a place for a lane.
    fn has_place(hands: &Hands, lane: &str) -> bool {
        hands.count_free().take(lane)
    }

    #[test]
    fn of_several_bots_one_takes_at_most_half_of_a_pool() {
        let hands = Arc::new(Hands::new(2));
        assert_eq!(hands.count_free().count(Pool::ToBlip), 64, "all of these may be of one bot");
        let mut first = occupy_lanes(&hands, "a", 63);
        assert_eq!(hands.count_free().count(Pool::ToBlip), 1);
        first.extend(occupy_lanes(&hands, "a", 1));
        assert!(!has_place(&hands, "reply:a/64"));
        assert!(has_place(&hands, "ticket:a/64"), "another pool");
        assert!(has_place(&hands, "reply:ab/1"), "another bot");
        assert!(has_place(&hands, "slack:C1:1.1"), "no bot's");
        assert_eq!(hands.count_free().count(Pool::ToBlip), 64);
        let others = occupy_lanes(&hands, "b", 64);
        assert_eq!(hands.count_free().count(Pool::ToBlip), 0);
        drop(first);
        assert!(has_place(&hands, "reply:a/64") && !has_place(&hands, "reply:b/64"));
        drop(others);
        assert_eq!(hands.count_free(), Hands::new(2).count_free());
    }

    #[test]
    fn a_bot_that_is_alone_takes_all_of_a_pool() {
        let hands = Arc::new(Hands::new(1));
        let busy = occupy_lanes(&hands, "a", 127);
        assert!(has_place(&hands, "reply:a/127"));
        assert_eq!(busy.len() + hands.count_free().count(Pool::ToBlip), 128);
    }
}
