//! Trouble on demand, per method of a stand-in.
//!
//! Knows nothing of either platform but how an answer goes wrong on its way. A pattern is a
//! method's name in which `*` stands for anything: `chat.postMessage`,
//! `/commands get /ticket/*`, `*`.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Deserializer};

use super::server::reset;

/// One way in which a call goes wrong.
///
/// In JSON it is its name, with what it needs: `"lost-answer"`, `{"status": 503}`,
/// `{"rate-limited": {"retry_after": 3}}`, `{"code": "not_in_channel"}`, `{"slow": 2.5}` (seconds).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nothing goes wrong: lets one call through before the next fault of a queue.
    Pass,
    /// This HTTP status, and no effect.
    Status(u16),
    /// Never an answer, and no effect.
    Hang,
    /// The connection ends without an answer, and no effect.
    Reset,
    /// A login page with status 200, and no effect.
    Html,
    /// An answer that breaks off, with status 200, and no effect.
    Torn,
    /// HTTP 429 with this many seconds to wait, and no effect.
    RateLimited {
        /// Seconds in `Retry-After`.
        retry_after: u64,
    },
    /// The platform's own refusal with this code, and no effect.
    Code(String),
    /// The effect, then an answer that is not JSON although it says so.
    Garbage,
    /// The effect, then an answer that says that it went well and nothing else.
    Bare,
    /// The effect, then the connection ends without an answer.
    LostAnswer,
    /// The effect, then HTTP 500.
    #[serde(rename = "lost-answer-500")]
    LostAnswer500,
    /// The effect at once, the right answer only after this time.
    Slow(#[serde(deserialize_with = "read_seconds")] Duration),
    /// Nothing for this time, then the effect and the right answer: others overtake it.
    Late(#[serde(deserialize_with = "read_seconds")] Duration),
}

fn read_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// The trouble that a stand-in makes; clones share it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    queued: VecDeque<(String, Fault)>,
    standing: Vec<(String, Fault)>,
    random: Option<(fastrand::Rng, Vec<(f64, Fault)>)>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan();
        f.debug_struct("Faults")
            .field("queued", &plan.queued)
            .field("standing", &plan.standing)
            .finish_non_exhaustive()
    }
}

impl Faults {
    /// The next call that matches goes wrong; several stand in a queue.
    pub fn next(&self, pattern: &str, fault: Fault) {
        self.plan().queued.push_back((pattern.to_owned(), fault));
    }

    /// Every call that matches goes wrong until [`Faults::lift`].
    pub fn from_now(&self, pattern: &str, fault: Fault) {
        self.plan().standing.push((pattern.to_owned(), fault));
    }

    /// Takes back what [`Faults::from_now`] said of this pattern.
    pub fn lift(&self, pattern: &str) {
        self.plan().standing.retain(|(of, _)| of != pattern);
    }

    /// Whether [`Faults::from_now`] holds for this pattern.
    pub fn are_standing(&self, pattern: &str) -> bool {
        self.plan().standing.iter().any(|(of, _)| of == pattern)
    }

    /// Every call goes wrong with these probabilities, the same way for the same seed.
    pub fn at_random(&self, seed: u64, kinds: Vec<(f64, Fault)>) {
        self.plan().random = Some((fastrand::Rng::with_seed(seed), kinds));
    }

    /// No more trouble of any kind.
    pub fn clear(&self) {
        *self.plan() = Plan::default();
    }

    /// Whether every queued fault has happened.
    pub fn are_spent(&self) -> bool {
        self.plan().queued.is_empty()
    }

    /// Lets a call take effect, or go wrong as planned; `refuse` is the platform's own refusal.
    pub(super) async fn strike(
        &self,
        method: &str,
        refuse: impl FnOnce(&str) -> Response,
        effect: impl Future<Output = Response>,
    ) -> Response {
        match self.draw(method).unwrap_or(Fault::Pass) {
            Fault::Pass => effect.await,
            Fault::Status(code) => bare(code),
            Fault::Hang => pending().await,
            Fault::Reset => reset(),
            Fault::Html => {
                Html("<!DOCTYPE html><html><title>Sign in</title></html>").into_response()
            }
            Fault::RateLimited { retry_after } => rate_limited(retry_after),
            Fault::Code(code) => refuse(&code),
            Fault::Torn => json("{\"ok\":tr"),
            Fault::Garbage => {
                effect.await;
                json("{\"ok\":tr")
            }
            Fault::Bare => {
                effect.await;
                json("{\"ok\":true}")
            }
            Fault::LostAnswer => {
                effect.await;
                reset()
            }
            Fault::LostAnswer500 => {
                effect.await;
                bare(500)
            }
            Fault::Late(time) => {
                tokio::time::sleep(time).await;
                effect.await
            }
            Fault::Slow(time) => {
                let response = effect.await;
                tokio::time::sleep(time).await;
                response
            }
        }
    }

    fn draw(&self, method: &str) -> Option<Fault> {
        let mut plan = self.plan();
        if let Some(at) = plan.queued.iter().position(|(pattern, _)| matches(pattern, method)) {
            return plan.queued.remove(at).map(|(_, fault)| fault);
        }
        let standing = plan.standing.iter().find(|(pattern, _)| matches(pattern, method));
        if let Some((_, fault)) = standing {
            return Some(fault.clone());
        }
        let (rng, kinds) = plan.random.as_mut()?;
        let mut dice = rng.f64();
        kinds.iter().find_map(|(share, fault)| {
            dice -= share;
            (dice < 0.0).then(|| fault.clone())
        })
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What says that it is JSON.
fn json(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// HTTP 429 with the time to wait.
pub(super) fn rate_limited(retry_after: u64) -> Response {
    let wait = [(header::RETRY_AFTER, retry_after.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, wait, "").into_response()
}

/// An answer that has a status and nothing else.
pub(super) fn bare(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// Whether a method's name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, method: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == method };
    method.strip_prefix(head).is_some_and(|rest| {
        let cuts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        cuts.filter_map(|at| rest.get(at..)).any(|rest| matches(tail, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, method, expected) in [
            ("*", "chat.update", true),
            ("chat.update", "chat.update", true),
            ("chat.update", "chat.updated", false),
            ("chat.*", "chat.update", true),
            ("chat.*", "views.open", false),
            ("/commands get /ticket/*", "/commands get /ticket/1", true),
            ("/commands get /ticket/*", "/commands get /tickets", false),
            ("*/messages", "/commands get /tickets/7/messages", true),
            ("/tickets/*/transfer", "/tickets/7/change-tags", false),
        ] {
            assert_eq!(matches(pattern, method), expected, "{pattern} {method}");
        }
    }

    #[test]
    fn queued_faults_come_in_order_then_the_standing_one_until_lifted() {
        let faults = Faults::default();
        faults.next("a", Fault::Pass);
        faults.next("a", Fault::Hang);
        faults.from_now("*", Fault::Reset);
        assert_eq!(faults.draw("b"), Some(Fault::Reset));
        assert_eq!(faults.draw("a"), Some(Fault::Pass));
        assert_eq!(faults.draw("a"), Some(Fault::Hang));
        assert!(faults.are_spent());
        assert_eq!(faults.draw("a"), Some(Fault::Reset));
        faults.lift("*");
        assert_eq!(faults.draw("a"), None);
    }

    #[test]
    fn random_trouble_is_the_same_for_the_same_seed_and_about_as_frequent_as_asked() {
        let draw = || {
            let faults = Faults::default();
            faults.at_random(7, vec![(0.2, Fault::Reset), (0.1, Fault::Hang)]);
            (0..1000).map(|_| faults.draw("x")).collect::<Vec<_>>()
        };
        let drawn = draw();
        assert_eq!(drawn, draw());
        let resets = drawn.iter().filter(|fault| **fault == Some(Fault::Reset)).count();
        assert!((150..250).contains(&resets), "{resets}");
    }
}
