//! Pauses that grow.

use std::time::Duration;

/// The pause after a failure that so many came before: the first one, twice as long each time, up
/// to the longest. `chance` is between 0 and 1 and makes it up to a half longer, so that those who
/// failed together do not come back together.
pub(crate) fn compute_backoff(
    first: Duration,
    longest: Duration,
    before: u32,
    chance: f64,
) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(before));
    // Chance only adds: a pause that is shorter than the first would come back to what has just
    // failed.
    doubled.min(longest).mul_f64(1.0 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_grow_and_are_bounded(before in 0_u32..1000, chance in 0.0..1.0) {
            let (first, longest) = (Duration::from_millis(500), Duration::from_secs(20));
            let pause = compute_backoff(first, longest, before, chance);
            prop_assert!(pause >= first && pause <= longest.mul_f64(1.5));
            prop_assert!(compute_backoff(first, longest, before + 1, chance) >= pause);
            prop_assert!(compute_backoff(first, longest, u32::MAX, chance) >= longest);
        }
    }
}
