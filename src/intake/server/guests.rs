//! Who is here, and who makes room when everybody is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;

/// How far a connection is with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Just opened; nothing has come yet.
    New,
    /// Between two requests.
    Idle,
    /// A part of a head has come.
    Head,
    /// A part of a body is still to come.
    Body,
    /// The request is here, or an answer is on its way.
    Served,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Guest {
    state: Mutex<(Phase, Instant)>,
    leave: CancellationToken,
}

impl Guest {
    fn new() -> Self {
        let state = Mutex::new((Phase::New, Instant::now()));
        Self { state, leave: CancellationToken::new() }
    }

    /// It has come this far.
    pub(super) fn is_now(&self, phase: Phase) {
        *lock(&self.state) = (phase, Instant::now());
    }

    /// Bytes have come; those between two requests begin the next one.
    pub(super) fn has_sent(&self) {
        let mut state = lock(&self.state);
        match state.0 {
            // A new one has had its time since it came.
            Phase::New => state.0 = Phase::Head,
            Phase::Idle => *state = (Phase::Head, Instant::now()),
            Phase::Head | Phase::Body | Phase::Served => {}
        }
    }

    /// Until when something must come, or nothing if it is our turn.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let (phase, since) = *lock(&self.state);
        match phase {
            Phase::New | Phase::Head => Some(since + limits.head),
            Phase::Idle => Some(since + limits.idle),
            Phase::Body | Phase::Served => None,
        }
    }

    /// Whether it must not be cut off.
    pub(super) fn is_served(&self) -> bool {
        lock(&self.state).0 == Phase::Served
    }

    /// Whether a request's head is here, so that its sender waits for an answer.
    pub(super) fn has_asked(&self) -> bool {
        matches!(lock(&self.state).0, Phase::Body | Phase::Served)
    }

    /// Waits until it is to make room.
    pub(super) async fn asked_to_go(&self) {
        self.leave.cancelled().await;
    }

    /// Since when it has kept its place waiting; `None` if it has not.
    fn waiting_since(&self) -> Option<Instant> {
        let (phase, since) = *lock(&self.state);
        (phase != Phase::Served).then_some(since)
    }
}

/// All connections.
#[derive(Clone, Debug)]
pub(super) struct Guests {
    present: Arc<Mutex<Present>>,
    left: Arc<Notify>,
    places: usize,
    operators: usize,
}

#[derive(Debug, Default)]
struct Present {
    guests: HashMap<u64, Arc<Guest>>,
    next: u64,
    crowd: usize,
    /// Connections that are open, with those that were asked to go.
    open: usize,
}

impl Guests {
    pub(super) fn new(limits: Limits) -> Self {
        let Limits { connections, operators, .. } = limits;
        Self { present: Arc::default(), left: Arc::default(), places: connections, operators }
    }

    /// Takes a place, of the one who has kept it waiting the longest if there is no free one. If
    /// nobody has, it is one for operators; `None` if there is not even that.
    pub(super) fn enter(&self) -> Option<Entry> {
        let mut present = lock(&self.present);
        let has_place = present.guests.len() < self.places || present.make_room();
        let guest = Arc::new(Guest::new());
        let number = if has_place {
            present.next += 1;
            let number = present.next;
            present.guests.insert(number, Arc::clone(&guest));
            Some(number)
        } else if present.crowd < self.operators {
            present.crowd += 1;
            None
        } else {
            return None;
        };
        present.open += 1;
        let (present, left) = (Arc::clone(&self.present), Arc::clone(&self.left));
        Some(Entry { present, left, guest, number })
    }

    /// Waits until those who were asked to go have gone, as far as there are too many.
    pub(super) async fn settled(&self) {
        while lock(&self.present).open > self.places + self.operators {
            self.left.notified().await;
        }
    }

    /// Asks the one who has kept a place waiting the longest to go.
    pub(super) fn make_room(&self) {
        lock(&self.present).make_room();
    }
}

impl Present {
    fn make_room(&mut self) -> bool {
        let waiting =
            self.guests.iter().filter_map(|(n, guest)| Some((guest.waiting_since()?, *n)));
        let longest = waiting.min().and_then(|(_, number)| self.guests.remove(&number));
        if let Some(guest) = &longest {
            guest.leave.cancel();
        }
        longest.is_some()
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    present: Arc<Mutex<Present>>,
    left: Arc<Notify>,
    guest: Arc<Guest>,
    number: Option<u64>,
}

impl Entry {
    pub(super) fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// Whether it is one for operators only.
    pub(super) fn is_crowded(&self) -> bool {
        self.number.is_none()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut present = lock(&self.present);
        match self.number {
            Some(number) => drop(present.guests.remove(&number)),
            None => present.crowd = present.crowd.saturating_sub(1),
        }
        present.open = present.open.saturating_sub(1);
        self.left.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests() -> Guests {
        Guests::new(Limits { connections: 2, operators: 1, ..Limits::default() })
    }

    #[test]
    fn the_one_who_waits_longest_makes_room() {
        let guests = guests();
        let first = guests.enter().unwrap();
        let second = guests.enter().unwrap();
        // Before that it was the first; its request came to an end since.
        first.guest.is_now(Phase::Served);
        first.guest.is_now(Phase::Idle);
        let third = guests.enter().unwrap();
        assert!(second.guest.leave.is_cancelled() && !first.guest.leave.is_cancelled());
        assert!(!third.is_crowded());
    }

    #[test]
    fn who_is_served_stays_and_operators_still_get_in() {
        let guests = guests();
        let served = [(); 2].map(|()| guests.enter().unwrap());
        for entry in &served {
            entry.guest.is_now(Phase::Served);
        }
        let operator = guests.enter().unwrap();
        assert!(operator.is_crowded() && guests.enter().is_none());
        drop(operator);
        assert!(guests.enter().is_some_and(|entry| entry.is_crowded()));
        drop(served);
        assert!(guests.enter().is_some_and(|entry| !entry.is_crowded()));
    }

    #[test]
    fn a_head_has_its_time_from_its_first_byte() {
        let limits = Limits::default();
        let begin = Instant::now();
        let guest = Guest::new();
        let new = guest.deadline(&limits).unwrap();
        assert!(new >= begin + limits.head && new < begin + limits.idle);
        guest.has_sent();
        assert_eq!(guest.deadline(&limits), Some(new), "its time began before");
        guest.is_now(Phase::Served);
        assert_eq!(guest.deadline(&limits), None);
        guest.is_now(Phase::Idle);
        assert!(guest.deadline(&limits).unwrap() >= begin + limits.idle);
        guest.has_sent();
        let head = guest.deadline(&limits).unwrap();
        assert!(head > new && head < begin + limits.idle);
        guest.has_sent();
        assert_eq!(guest.deadline(&limits), Some(head), "a second byte gives no more time");
    }
}
