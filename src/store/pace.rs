//! When the next post to a channel may go out: arithmetic only, in milliseconds.
//!
//! The generic cell rate algorithm. Of a channel's past it needs two numbers: the time at which
//! an unbroken row of posts would go on, and the time until which the channel is held.

use std::time::Duration;

use super::PostRate;

/// The farthest slot that is given away, in milliseconds. One that is farther was reserved by a clock
/// that was ahead and has been set back, or by so many that the far end's own limit may as well
/// decide.
pub(super) const MAX_SLOT_AHEAD_MS: i64 = 5 * 60 * 1000;

/// What is remembered of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelSlots {
    /// When a row of posts without bursts would go on.
    pub(crate) next_at: i64,
    /// Before when nothing may be posted.
    pub(crate) hold_until: i64,
}

impl ChannelSlots {
    /// Takes the next slot and says when it is.
    pub(crate) fn take_next(&mut self, pace: PostRate, now: i64) -> i64 {
        let (interval, ahead) = pace.in_millis();
        let farthest = now.saturating_add(MAX_SLOT_AHEAD_MS);
        self.hold_until = self.hold_until.min(farthest);
        self.next_at = self.next_at.min(farthest.saturating_add(ahead));
        // A held channel has no burst left when the hold ends: the far end has just said that we
        // were too fast.
        let next_at = self.next_at.max(self.hold_until.saturating_add(ahead));
        self.next_at = next_at.max(now).saturating_add(interval);
        now.max(next_at.saturating_sub(ahead))
    }

    /// When the next slot is, if it is not past.
    pub(crate) fn free_at(&self, pace: PostRate) -> i64 {
        let (_, ahead) = pace.in_millis();
        self.next_at.saturating_sub(ahead).max(self.hold_until)
    }

    /// If nothing is left of a burst, lets the next post be no sooner than a `gap` from now.
    pub(crate) fn push_back(&mut self, pace: PostRate, gap: Duration, now: i64) {
        let (_, ahead) = pace.in_millis();
        if self.next_at.saturating_sub(ahead) > now {
            let gap = i64::try_from(gap.as_millis()).unwrap_or(i64::MAX);
            self.next_at = self.next_at.max(now.saturating_add(gap).saturating_add(ahead));
        }
    }

    /// Holds the channel until the given time, unless it is held longer, and says when those may post
    /// who had reserved these slots, which are in order. They keep their order, and what is reserved
    /// later follows them.
    pub(super) fn hold_posts(
        &mut self,
        pace: PostRate,
        (until, now): (i64, i64),
        reserved: impl Iterator<Item = i64>,
    ) -> Vec<i64> {
        let (interval, ahead) = pace.in_millis();
        self.hold_until = self.hold_until.max(until).min(now.saturating_add(MAX_SLOT_AHEAD_MS));
        let mut free = self.hold_until;
        let shifted = reserved.map(|at| {
            let at = at.max(free);
            free = at.saturating_add(interval);
            at
        });
        let shifted = shifted.collect();
        self.next_at = self.next_at.max(free.saturating_add(ahead));
        shifted
    }
}

impl PostRate {
    /// The time between two posts, and how far a burst may be ahead of it.
    pub(super) fn in_millis(self) -> (i64, i64) {
        let interval = i64::try_from(self.interval.as_millis()).unwrap_or(i64::MAX);
        (interval, interval.saturating_mul(i64::from(self.burst.saturating_sub(1))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(interval: u64, burst: u32) -> PostRate {
        PostRate { interval: Duration::from_millis(interval), burst }
    }

    fn take(channel: &mut ChannelSlots, pace: PostRate, now: i64, count: usize) -> Vec<i64> {
        (0..count).map(|_| channel.take_next(pace, now)).collect()
    }

    #[test]
    fn after_a_pause_a_burst_goes_at_once_and_the_rest_at_the_pace() {
        let mut channel = ChannelSlots::default();
        assert_eq!(take(&mut channel, pace(1000, 3), 9000, 5), [9000, 9000, 9000, 10000, 11000]);
        assert_eq!(take(&mut channel, pace(1000, 3), 99_000, 4), [99_000, 99_000, 99_000, 100_000]);
    }

    #[test]
    fn a_held_channel_starts_again_without_a_burst() {
        let mut channel = ChannelSlots { next_at: 0, hold_until: 9000 };
        assert_eq!(take(&mut channel, pace(1000, 3), 5000, 3), [9000, 10000, 11000]);
    }

    #[test]
    fn a_hold_shifts_the_whole_row_and_voids_no_turn() {
        let pace = pace(1000, 1);
        let mut channel = ChannelSlots::default();
        let row = take(&mut channel, pace, 5000, 4);
        assert_eq!(row, [5000, 6000, 7000, 8000]);
        // The first was refused for two seconds; the others have been waiting.
        let shifted =
            channel.hold_posts(pace, (7500, 5500), [i64::MIN, 6000, 7000, 8000].into_iter());
        assert_eq!(shifted, [7500, 8500, 9500, 10_500]);
        assert_eq!(take(&mut channel, pace, 5600, 1), [11_500], "who comes later goes last");
        // Where there is room, nobody is shifted.
        let again = channel.hold_posts(pace, (7500, 5500), [i64::MIN, 9500, 20_000].into_iter());
        assert_eq!(again, [7500, 9500, 20_000]);
    }

    #[test]
    fn a_slot_of_a_clock_that_was_ahead_is_not_waited_for() {
        let hour = 3_600_000;
        let mut channel = ChannelSlots { next_at: hour, hold_until: hour };
        assert_eq!(take(&mut channel, pace(1000, 3), 1000, 2), [1000 + MAX_SLOT_AHEAD_MS; 2]);
    }

    #[test]
    fn without_a_pace_only_a_hold_delays() {
        let mut channel = ChannelSlots { next_at: 0, hold_until: 9000 };
        assert_eq!(take(&mut channel, pace(0, 0), 5000, 2), [9000, 9000]);
        assert_eq!(take(&mut channel, pace(0, 0), 9500, 2), [9500, 9500]);
    }

    proptest! {
        #[test]
        fn slots_are_in_order_of_asking_and_never_closer_than_the_pace(
            interval in 1..5000_u64,
            burst in 1..5_u32,
            waits in proptest::collection::vec(0..6000_i64, 1..40),
        ) {
            let (mut channel, mut now, mut slots) = (ChannelSlots::default(), 0, Vec::new());
            for wait in waits {
                now += wait;
                slots.push(channel.take_next(pace(interval, burst), now));
                prop_assert!(slots.last() >= Some(&now));
            }
            prop_assert!(slots.is_sorted());
            // Any `burst + 1` posts in a row take at least one interval.
            for row in slots.windows(burst as usize + 1) {
                prop_assert!(row[burst as usize] - row[0] >= i64::try_from(interval).unwrap());
            }
        }
    }
}
