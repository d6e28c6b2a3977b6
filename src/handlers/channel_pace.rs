//! When a post may leave for its channel: what this instance has seen of the channel lately.
//!
//! Slots are in the store and are given in order (`store/pace.rs`), but a post leaves later than its
//! slot, by what a busy machine takes, and arrives later still. Where the next one is faster, two of
//! them arrive closer to each other than their slots are, and Slack refuses the second for a whole
//! second. So each post is noted here when it leaves and when it is answered, and the next one leaves
//! a whole interval after both.
//!
//! It is a cache: without it, a post is refused once more than needed.

use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use crate::model::ChannelId;
use crate::store::{ChannelSlots, PostRate};

/// Posts that may go out at once after a pause. Slack tolerates short bursts (`slack.md` C.1).
const POST_BURST: u32 = 3;
/// How much longer than the limit asks for we wait between two posts: exactly at it, every second
/// post would arrive a hair too early, and be refused for a whole second.
const POST_RATE_MARGIN: f64 = 1.05;
/// Posts in a second and channel that Slack takes for long (`slack.md` C.1).
const SLACK_RATE: f64 = 1.0;
/// How long a channel must have been below Slack's limit to be posted to freely again, where no
/// pace is set: shorter, and each burst of a busy hour would begin with refusals.
const CALM_MS: i64 = 60_000;

/// The pace of posts, by channel.
pub(crate) struct ChannelPace {
    /// How posts follow each other.
    pub(crate) rate: PostRate,
    /// The time from the answer to a post to the next one.
    gap: Duration,
    /// Whether posts go freely until Slack refuses one.
    is_free: bool,
    channels: DashMap<ChannelId, ChannelSlots>,
}

impl ChannelPace {
    /// So many posts a second. With none, Slack's own pace from when it refuses a post until the
    /// channel is calm.
    pub(crate) fn from_rate(per_second: f64) -> Self {
        let is_free = per_second <= 0.0;
        let gap = if is_free { SLACK_RATE } else { per_second }.recip();
        let interval = Duration::from_secs_f64(gap * POST_RATE_MARGIN);
        // A burst without an end is a bucket that only a refusal empties.
        let burst = if is_free { u32::MAX } else { POST_BURST };
        let rate = PostRate { interval, burst };
        Self { rate, gap: Duration::from_secs_f64(gap), is_free, channels: DashMap::new() }
    }

    /// Whether posts to this channel take slots now.
    pub(crate) fn takes_slots(&self, channel: &ChannelId, now: Timestamp) -> bool {
        let is_calm = |_: &ChannelId, slots: &ChannelSlots| {
            slots.free_at(self.rate).saturating_add(CALM_MS) < now.as_millisecond()
        };
        if !self.is_free {
            return true;
        }
        // Removed and looked for again: between the two another lane may have been refused, and
        // then the channel is calm no longer.
        self.channels.remove_if(channel, is_calm);
        self.channels.contains_key(channel)
    }

    /// Takes the slot of a post; or says when it is, if that is later.
    pub(crate) fn take_slot(&self, channel: &ChannelId, now: Timestamp) -> Result<(), Timestamp> {
        let mut slots = self.channels.entry(channel.clone()).or_default();
        let free_at = slots.free_at(self.rate);
        if free_at > now.as_millisecond() {
            return Err(Timestamp::from_millisecond(free_at).unwrap_or(now));
        }
        slots.take_next(self.rate, now.as_millisecond());
        Ok(())
    }

    /// Notes that a post is sent, which may be some time after its slot.
    pub(crate) fn note_sending(&self, channel: &ChannelId, now: Timestamp) {
        if let Some(mut slots) = self.channels.get_mut(channel) {
            slots.push_back(self.rate, self.rate.interval, now.as_millisecond());
        }
    }

    /// Notes that a post was answered: by now it has been counted.
    pub(crate) fn note_answer(&self, channel: &ChannelId, now: Timestamp) {
        if let Some(mut slots) = self.channels.get_mut(channel) {
            slots.push_back(self.rate, self.gap, now.as_millisecond());
        }
    }

    /// Notes that Slack takes no post until then.
    pub(crate) fn note_refusal(&self, channel: &ChannelId, until: Timestamp) {
        let mut slots = self.channels.entry(channel.clone()).or_default();
        // Several posts may be refused at once, each with its own time; the last of them counts.
        slots.hold_until = slots.hold_until.max(until.as_millisecond());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn channel() -> ChannelId {
        ChannelId::parse("C0BENCH").unwrap()
    }

    #[test]
    fn a_post_that_left_late_or_was_answered_late_puts_off_the_next_one() {
        let (pace, c) = (ChannelPace::from_rate(1.0), channel());
        for _ in 0..POST_BURST {
            assert_eq!(pace.take_slot(&c, at(5000)), Ok(()), "a burst after a pause");
        }
        assert_eq!(pace.take_slot(&c, at(5000)), Err(at(6050)));
        assert_eq!(pace.take_slot(&c, at(6300)), Ok(()), "a slot that is used late");
        pace.note_sending(&c, at(6300));
        assert_eq!(pace.take_slot(&c, at(7100)), Err(at(7350)), "a whole interval after it");
        pace.note_answer(&c, at(6340));
        assert_eq!(pace.take_slot(&c, at(7100)), Err(at(7350)), "an answer within the margin");
        pace.note_answer(&c, at(6500));
        assert_eq!(pace.take_slot(&c, at(7400)), Err(at(7500)), "a slow answer");
        assert_eq!(pace.take_slot(&c, at(7500)), Ok(()));
    }

    #[test]
    fn without_a_pace_slacks_own_is_kept_from_a_refusal_until_it_is_calm() {
        let (pace, c) = (ChannelPace::from_rate(0.0), channel());
        assert!(!pace.takes_slots(&c, at(5000)));
        pace.note_refusal(&c, at(6000));
        assert!(pace.takes_slots(&c, at(5000)));
        assert_eq!(pace.take_slot(&c, at(5500)), Err(at(6000)));
        assert_eq!(pace.take_slot(&c, at(6000)), Ok(()));
        assert_eq!(pace.take_slot(&c, at(6000)), Err(at(7050)));
        assert!(pace.takes_slots(&c, at(60_000)));
        assert!(!pace.takes_slots(&c, at(70_000)));
    }
}
