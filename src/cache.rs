//! What was true lately: kept for a while and in a bounded number.
//!
//! Losing an entry costs one more question to whoever told it, and nothing else. That is why a full
//! cache may simply keep less.

use std::hash::Hash;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use crate::clock::Clock;

/// Keeps values for a lifetime, at most so many.
#[derive(Debug)]
pub(crate) struct ExpiringCache<K: Eq + Hash, V> {
    clock: Clock,
    lifetime: Duration,
    capacity: usize,
    entries: DashMap<K, (Timestamp, V)>,
}

impl<K: Eq + Hash, V: Clone> ExpiringCache<K, V> {
    /// Keeps at most `capacity` values, each as long as `lifetime`.
    pub(crate) fn new(clock: Clock, lifetime: Duration, capacity: usize) -> Self {
        Self { clock, lifetime, capacity, entries: DashMap::new() }
    }

    /// What was kept under a key and is not too old.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entry = self.entries.get(key)?;
        let (kept, value) = entry.value();
        (self.clock.now() < *kept + self.lifetime).then(|| value.clone())
    }

    /// Keeps a value. If there is no room, the older half of the lifetime goes; if all are young,
    /// this one is not kept.
    pub(crate) fn insert(&self, key: K, value: V) {
        let now = self.clock.now();
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            let oldest = now - self.lifetime / 2;
            self.entries.retain(|_, (kept, _)| *kept > oldest);
            if self.entries.len() >= self.capacity {
                return;
            }
        }
        self.entries.insert(key, (now, value));
    }

    /// Keeps nothing under a key any more.
    pub(crate) fn remove(&self, key: &K) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_mins(10);

    #[test]
    fn a_value_ends_with_its_lifetime_or_by_hand() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = ExpiringCache::new(clock.clone(), LIFETIME, 10);
        cache.insert("a".to_owned(), 1);
        clock.advance(LIFETIME / 2);
        cache.insert("b".to_owned(), 2);
        assert_eq!([cache.get("a"), cache.get("b"), cache.get("c")], [Some(1), Some(2), None]);
        clock.advance(LIFETIME / 2);
        assert_eq!([cache.get("a"), cache.get("b")], [None, Some(2)]);
        cache.remove(&"b".to_owned());
        assert_eq!(cache.get("b"), None);
    }

    #[test]
    fn a_full_cache_keeps_the_young_and_takes_no_more_than_fits() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = ExpiringCache::new(clock.clone(), LIFETIME, 3);
        cache.insert(0, "old");
        clock.advance(LIFETIME / 2);
        for key in 1..=4 {
            cache.insert(key, "young");
        }
        let kept: Vec<i32> = (0..=4).filter(|key| cache.get(key).is_some()).collect();
        assert_eq!(kept, [1, 2, 3]);
        cache.insert(3, "new");
        assert_eq!(cache.get(&3), Some("new"), "what is there already takes no more room");
    }
}
