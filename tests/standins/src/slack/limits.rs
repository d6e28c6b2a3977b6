//! How often a method may be called (slack.md §C.1).

use std::collections::HashMap;

/// Counts calls; one count per method, and per channel for posts.
#[derive(Debug, Default)]
pub(super) struct Meter {
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
    /// Until when everything is refused, as the caller was told to wait.
    closed_until_ms: i64,
}

/// A rate that is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Calls that may come at once.
    pub(super) burst: u32,
    /// Calls in a second on the long run.
    pub(super) per_second: f64,
}

impl Rate {
    /// A method's own rate, all of which may be used at once.
    pub(super) fn per_minute(calls: u32) -> Self {
        Self { burst: calls, per_second: f64::from(calls) / 60.0 }
    }
}

impl Meter {
    /// Counts a call; if it is one too many, the seconds to wait. Who does not wait for so long is
    /// refused, whatever is free by then.
    pub(super) fn count(&mut self, key: &str, rate: Rate, now_ms: i64) -> Result<(), u64> {
        let full = f64::from(rate.burst);
        let fresh = Bucket { tokens: full, at_ms: now_ms, closed_until_ms: i64::MIN };
        let bucket = self.buckets.entry(key.to_owned()).or_insert(fresh);
        let passed = u32::try_from(now_ms - bucket.at_ms).unwrap_or_default();
        bucket.tokens = full.min(bucket.tokens + f64::from(passed) / 1000.0 * rate.per_second);
        bucket.at_ms = now_ms;
        if now_ms < bucket.closed_until_ms {
            let rest = u32::try_from(bucket.closed_until_ms - now_ms).unwrap_or(u32::MAX);
            return Err(whole_seconds(f64::from(rest) / 1000.0));
        }
        if bucket.tokens < 1.0 {
            let wait = whole_seconds((1.0 - bucket.tokens) / rate.per_second);
            bucket.closed_until_ms = now_ms + i64::try_from(wait * 1000).unwrap_or(i64::MAX);
            return Err(wait);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a wait is a small positive number"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_call_a_second() {
        let mut meter = Meter::default();
        let rate = Rate { burst: 3, per_second: 1.0 };
        for _ in 0..3 {
            assert_eq!(meter.count("C1", rate, 0), Ok(()));
        }
        assert_eq!(meter.count("C1", rate, 0), Err(1));
        assert_eq!(meter.count("C2", rate, 0), Ok(()));
        assert_eq!(meter.count("C1", rate, 1000), Ok(()));
        assert_eq!(meter.count("C1", rate, 1000), Err(1));
        assert_eq!(meter.count("C1", rate, 1999), Err(1), "before the time that was named");
        assert_eq!(meter.count("C1", rate, 2000), Ok(()));
    }
}
