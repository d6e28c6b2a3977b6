//! How we stand with Slack: what each of its answers tells besides what was asked for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap};

use crate::clock::Clock;
use crate::slack::events::verify::SIGNATURE_WINDOW;
use crate::telemetry;

/// The header with the scopes of the token that was used.
const SCOPES_HEADER: &str = "x-oauth-scopes";
/// What is left of the window of Slack's signatures when the clocks count as apart: its requests
/// travel and its `Date` has whole seconds.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// Methods that tickets do without.
const OPTIONAL_METHODS: [&str; 3] = ["usergroups.list", "users.getPresence", "conversations.open"];

/// What Slack's answers have told of us, shared by all who read them.
#[derive(Clone, Debug)]
pub(crate) struct ApiHealth {
    clock: Clock,
    state: Arc<Mutex<ApiState>>,
}

#[derive(Debug, Default)]
struct ApiState {
    /// How far Slack's clock is ahead of ours.
    ahead: SignedDuration,
    scopes: Option<String>,
    /// Methods that were refused for want of a scope.
    refused: BTreeSet<&'static str>,
}

impl ApiHealth {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Reads the headers of an answer that came just now.
    pub(super) fn note_headers(&self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let now = self.clock.now();
        let mut known = self.lock_state();
        if let Some(scopes) = text(SCOPES_HEADER) {
            // With other scopes, what was refused is worth another try.
            if known.scopes.as_deref() != Some(scopes) {
                // Scopes change when the app is installed again, and nothing else tells of it
                // (`a_trouble_with_a_scope_ends_when_the_scopes_change_even_if_there_is_nothing_to_do`).
                known.refused.clear();
                known.scopes = Some(scopes.to_owned());
            }
        }
        let date =
            text(DATE.as_str()).and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(date) = date {
            let were_apart = is_clock_off(known.ahead);
            // Each answer carries Slack's time, so a wrong clock is known before the first request
            // of Slack's has to be refused for it (`a_clock_that_is_off_is_told`).
            known.ahead = date.duration_since(now);
            telemetry::record_clock_ahead(known.ahead);
            let seconds = known.ahead.as_secs();
            match (were_apart, is_clock_off(known.ahead)) {
                (false, true) => tracing::error!(
                    seconds,
                    "slack's clock is that many seconds ahead \
                    of this machine's (behind, if negative): slack's requests have to be refused; \
                    set this machine's clock and keep it right with NTP"
                ),
                (true, false) => tracing::info!(seconds, "slack's clock and ours agree again"),
                _ => {}
            }
        }
    }

    /// Notes whether a method was refused for want of a scope.
    pub(super) fn note_scope(&self, method: &'static str, is_missing: bool) {
        let mut known = self.lock_state();
        if is_missing && is_needed_for_tickets(method) {
            known.refused.insert(method);
        } else {
            known.refused.remove(method);
        }
    }

    /// Whether Slack's clock and ours are so far apart that its requests have to be refused.
    pub(crate) fn has_clock_skew(&self) -> bool {
        is_clock_off(self.lock_state().ahead)
    }

    /// The scopes of our token, if Slack has told them.
    pub(crate) fn granted_scopes(&self) -> Option<BTreeSet<String>> {
        let granted = self.lock_state().scopes.clone()?;
        let scopes = granted.split(',').map(str::trim).filter(|scope| !scope.is_empty());
        Some(scopes.map(str::to_owned).collect())
    }

    /// Whether a method that tickets wait for was refused for want of a scope, and not accepted since.
    pub(crate) fn lacks_scope(&self) -> bool {
        !self.lock_state().refused.is_empty()
    }

    fn lock_state(&self) -> MutexGuard<'_, ApiState> {
        // Whoever panicked left at worst an old value here; health must not go down with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether tickets wait for this method. Files are shown as links where they cannot be uploaded,
/// groups by their ids, and nobody is left alone or told by direct message where that is not granted.
fn is_needed_for_tickets(method: &str) -> bool {
    let is_family = |family: &str| method.starts_with(family);
    !is_family("files.") && !is_family("dnd.") && !OPTIONAL_METHODS.contains(&method)
}

fn is_clock_off(ahead: SignedDuration) -> bool {
    // Told a little before signatures become stale, while there is time to set the clock.
    ahead.abs() > SIGNATURE_WINDOW - CLOCK_MARGIN
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(date: &'static str, scopes: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static(date));
        headers.insert(SCOPES_HEADER, HeaderValue::from_static(scopes));
        headers
    }

    #[test]
    fn clocks_are_apart_when_signatures_would_be_refused() {
        let clock = Clock::manual("2026-11-22T14:00:00Z".parse().unwrap());
        let health = ApiHealth::new(clock);
        for (date, apart) in [
            ("Sun, 22 Nov 2026 14:00:01 GMT", false),
            ("Sun, 22 Nov 2026 14:04:29 GMT", false),
            ("Sun, 22 Nov 2026 14:04:50 GMT", true),
            ("Sun, 22 Nov 2026 13:00:00 GMT", true),
            ("no date", true),
            ("Sun, 22 Nov 2026 13:59:00 GMT", false),
        ] {
            health.note_headers(&headers(date, ""));
            assert_eq!(is_clock_off(health.lock_state().ahead), apart, "{date}");
        }
    }

    #[test]
    fn a_refusal_stands_until_the_scopes_change_or_the_method_is_accepted() {
        let clock = Clock::manual("2026-11-22T14:00:00Z".parse().unwrap());
        let health = ApiHealth::new(clock);
        let date = "Sun, 22 Nov 2026 14:00:00 GMT";
        let is_refused = |health: &ApiHealth| !health.lock_state().refused.is_empty();
        health.note_headers(&headers(date, "chat:write"));
        health.note_scope("files.getUploadURLExternal", true);
        assert!(!is_refused(&health), "it goes without");
        health.note_scope("users.info", true);
        health.note_headers(&headers(date, "chat:write"));
        assert!(is_refused(&health));
        health.note_scope("users.info", false);
        assert!(!is_refused(&health));
        health.note_scope("users.info", true);
        health.note_headers(&headers(date, "chat:write,users:read"));
        assert!(!is_refused(&health));
    }
}
