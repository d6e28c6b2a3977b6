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
    state: Mutex<State>,
    leave: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// Since when it is so, or since when nothing was read of an answer.
    since: Instant,
    /// Since when there is more of an answer than is read.
    stuck: Option<Instant>,
    /// What was read of an answer, and since when that is counted.
    read: (usize, Instant),
}

impl State {
    fn new(phase: Phase) -> Self {
        let now = Instant::now();
        Self { phase, since: now, stuck: None, read: (0, now) }
    }
}

impl Guest {
    fn new() -> Self {
        Self { state: Mutex::new(State::new(Phase::New)), leave: CancellationToken::new() }
    }

    /// It has come this far.
    pub(super) fn is_now(&self, phase: Phase) {
        *lock(&self.state) = State::new(phase);
    }

    /// Bytes have come; those between two requests begin the next one.
    pub(super) fn has_sent(&self) {
        let mut state = lock(&self.state);
        match state.phase {
            // A new one has had its time since it came.
            Phase::New => state.phase = Phase::Head,
            Phase::Idle => *state = State::new(Phase::Head),
            Phase::Head | Phase::Body | Phase::Served => {}
        }
    }

    /// So many bytes of an answer have gone.
    pub(super) fn has_read(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.stuck = None;
        if state.phase == Phase::Served {
            state.since = Instant::now();
            state.read.0 = state.read.0.saturating_add(bytes);
        }
    }

    /// There is more of an answer than it reads.
    pub(super) fn is_stuck(&self) {
        lock(&self.state).stuck.get_or_insert_with(Instant::now);
    }

    /// When [`Guest::is_late`] is to be asked, if nothing happens before.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let State { phase, since, read, .. } = *lock(&self.state);
        match phase {
            Phase::New | Phase::Head => Some(since + limits.head),
            Phase::Idle => Some(since + limits.idle),
            Phase::Served => Some((since + limits.silence).min(read.1 + limits.pace.time)),
            Phase::Body => None,
        }
    }

    /// Whether it has had all the time there is, at a deadline that has come.
    pub(super) fn is_late(&self, limits: &Limits) -> bool {
        let mut state = lock(&self.state);
        if state.phase != Phase::Served || state.since.elapsed() >= limits.silence {
            return true;
        }
        let (bytes, _) = std::mem::replace(&mut state.read, (0, Instant::now()));
        bytes < limits.pace.bytes
    }

    /// Whether it must not be cut off: its request is here, and it reads the answer.
    pub(super) fn is_served(&self) -> bool {
        self.waiting_since().is_none()
    }

    /// Whether a request's head is here, so that its sender waits for an answer.
    pub(super) fn has_asked(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Body | Phase::Served)
    }

    /// Waits until it is to make room.
    pub(super) async fn asked_to_go(&self) {
        self.leave.cancelled().await;
    }

    /// Since when it has kept its place waiting; `None` if it has not. One that does not read its
    /// answer waits less than any that has none.
    fn waiting_since(&self) -> Option<(bool, Instant)> {
        let State { phase, since, stuck, .. } = *lock(&self.state);
        let is_answered = phase == Phase::Served;
        let since = if is_answered { stuck } else { Some(since) };
        since.map(|since| (is_answered, since))
    }
}

/// All connections.
#[derive(Clone, Debug)]
pub(super) struct Guests {
    present: Arc<Mutex<Present>>,
    left: Arc<Notify>,
}

#[derive(Debug)]
struct Present {
    places: Places,
    /// Those for operators.
    further: Places,
    next: u64,
    /// Connections that are open, with those that were asked to go.
    open: usize,
}

/// Places of one kind.
#[derive(Debug)]
struct Places {
    guests: HashMap<u64, Arc<Guest>>,
    count: usize,
}

impl Guests {
    pub(super) fn new(limits: Limits) -> Self {
        let places = |count| Places { guests: HashMap::new(), count };
        let (places, further) = (places(limits.connections), places(limits.operators));
        let present = Present { places, further, next: 0, open: 0 };
        Self { present: Arc::new(Mutex::new(present)), left: Arc::default() }
    }

    /// Takes a place, of the one who has kept it waiting the longest if there is no free one. If
    /// nobody has, it is one for operators; `None` if there is not even that.
    pub(super) fn enter(&self) -> Option<Entry> {
        let mut present = lock(&self.present);
        let guest = Arc::new(Guest::new());
        present.next += 1;
        let number = present.next;
        let has_place = present.places.take(number, &guest);
        if !has_place && !present.further.take(number, &guest) {
            return None;
        }
        present.open += 1;
        let (present, left) = (Arc::clone(&self.present), Arc::clone(&self.left));
        Some(Entry { present, left, guest, number, is_crowded: !has_place })
    }

    /// Waits until those who were asked to go have gone, as far as there are too many.
    pub(super) async fn settled(&self) {
        while lock(&self.present).is_too_full() {
            self.left.notified().await;
        }
    }

    /// Asks the one who has kept a place waiting the longest to go.
    pub(super) fn make_room(&self) {
        lock(&self.present).places.make_room();
    }
}

impl Present {
    fn is_too_full(&self) -> bool {
        self.open > self.places.count + self.further.count
    }
}

impl Places {
    /// Takes one, if there is one or somebody makes room.
    fn take(&mut self, number: u64, guest: &Arc<Guest>) -> bool {
        let has_room = self.guests.len() < self.count || self.make_room();
        if has_room {
            self.guests.insert(number, Arc::clone(guest));
        }
        has_room
    }

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
    number: u64,
    is_crowded: bool,
}

impl Entry {
    pub(super) fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// Whether it is one for operators only.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut present = lock(&self.present);
        present.places.guests.remove(&self.number);
        present.further.guests.remove(&self.number);
        present.open = present.open.saturating_sub(1);
        self.left.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Pace;
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
        let idle = guests.enter().unwrap();
        let operator = guests.enter().unwrap();
        assert!(idle.guest.leave.is_cancelled() && operator.is_crowded());
        operator.guest.is_now(Phase::Served);
        assert!(guests.enter().is_none());
        drop(operator);
        assert!(guests.enter().is_some_and(|entry| entry.is_crowded()));
        drop(served);
        assert!(guests.enter().is_some_and(|entry| !entry.is_crowded()));
    }

    #[test]
    fn who_does_not_read_an_answer_makes_room_and_who_does_stays() {
        let guests = guests();
        let [reads, does_not] = [(); 2].map(|()| guests.enter().unwrap());
        for entry in [&reads, &does_not] {
            entry.guest.is_now(Phase::Served);
            entry.guest.is_stuck();
        }
        reads.guest.has_read(1);
        assert!(reads.guest.is_served() && !does_not.guest.is_served());
        let idle = guests.enter().unwrap();
        assert!(does_not.guest.leave.is_cancelled() && !idle.is_crowded());
        reads.guest.is_stuck();
        assert!(guests.enter().is_some_and(|entry| !entry.is_crowded()));
        assert!(idle.guest.leave.is_cancelled() && !reads.guest.leave.is_cancelled());
    }

    #[test]
    fn an_answer_must_be_read_at_a_least_pace() {
        let pace = Pace { bytes: 100, time: Duration::ZERO };
        let limits = Limits { pace, silence: Duration::from_secs(30), ..Limits::default() };
        let guest = Guest::new();
        guest.is_now(Phase::Served);
        assert!(guest.deadline(&limits).unwrap() <= Instant::now());
        guest.has_read(60);
        guest.has_read(40);
        assert!(!guest.is_late(&limits), "it has read enough");
        guest.has_read(99);
        assert!(guest.is_late(&limits), "what was read before does not count again");
        guest.has_read(100);
        let silent = Limits { silence: Duration::ZERO, ..limits };
        assert!(guest.is_late(&silent));
        guest.is_now(Phase::Idle);
        assert!(guest.is_late(&limits), "one that is idle has no more time");
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
        guest.is_now(Phase::Body);
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
