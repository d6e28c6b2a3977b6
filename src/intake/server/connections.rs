//! Who is here, and who makes room when everybody is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::ServerLimits;

/// How far a connection is with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Just opened; nothing has come yet.
    New,
    Idle,
    /// A part of a head has come.
    Head,
    /// A part of a body is still to come.
    Body,
    /// The request is here, or an answer is on its way.
    Served,
}

#[derive(Debug)]
pub(super) struct TrackedConnection {
    state: Mutex<ConnectionState>,
    leave: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct ConnectionState {
    phase: Phase,
    /// Since when it is so, or since when nothing was read of an answer.
    since: Instant,
    /// Since when there is more of an answer than is read.
    stalled_since: Option<Instant>,
    /// What was read of an answer, and since when that is counted.
    read: (usize, Instant),
}

impl ConnectionState {
    fn new(phase: Phase) -> Self {
        let now = Instant::now();
        Self { phase, since: now, stalled_since: None, read: (0, now) }
    }
}

impl TrackedConnection {
    fn new() -> Self {
        Self {
            state: Mutex::new(ConnectionState::new(Phase::New)),
            leave: CancellationToken::new(),
        }
    }

    /// It has come this far.
    pub(super) fn set_phase(&self, phase: Phase) {
        *lock_state(&self.state) = ConnectionState::new(phase);
    }

    /// Bytes have come; those between two requests begin the next one.
    pub(super) fn note_received(&self) {
        let mut state = lock_state(&self.state);
        match state.phase {
            // A new one has had its time since it came.
            Phase::New => state.phase = Phase::Head,
            // The time for the head begins with its first byte: a connection may rest before it
            // (`an_honest_connection_may_rest_between_requests_and_then_go_on`).
            Phase::Idle => *state = ConnectionState::new(Phase::Head),
            Phase::Head | Phase::Body | Phase::Served => {}
        }
    }

    /// So many bytes of an answer have gone.
    pub(super) fn note_sent_bytes(&self, bytes: usize) {
        let mut state = lock_state(&self.state);
        state.stalled_since = None;
        if state.phase == Phase::Served {
            state.since = Instant::now();
            state.read.0 = state.read.0.saturating_add(bytes);
        }
    }

    /// There is more of an answer than it reads.
    pub(super) fn note_stalled(&self) {
        lock_state(&self.state).stalled_since.get_or_insert_with(Instant::now);
    }

    /// When [`TrackedConnection::is_late`] is to be asked, if nothing happens before.
    pub(super) fn next_deadline(&self, limits: &ServerLimits) -> Option<Instant> {
        let ConnectionState { phase, since, read, .. } = *lock_state(&self.state);
        match phase {
            Phase::New | Phase::Head => Some(since + limits.head),
            Phase::Idle => Some(since + limits.idle),
            Phase::Served => Some((since + limits.silence).min(read.1 + limits.pace.time)),
            // The body has a clock of its own, which answers with a status where this one could
            // only cut off.
            Phase::Body => None,
        }
    }

    /// Whether it has had all the time there is, at a deadline that has come.
    pub(super) fn is_late(&self, limits: &ServerLimits) -> bool {
        let mut state = lock_state(&self.state);
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
    pub(super) fn has_request(&self) -> bool {
        matches!(lock_state(&self.state).phase, Phase::Body | Phase::Served)
    }

    /// Waits until it is to make room.
    pub(super) async fn wait_for_eviction(&self) {
        self.leave.cancelled().await;
    }

    /// Since when it has kept its place waiting; `None` if it has not. One that does not read its
    /// answer waits less than any that has none.
    fn waiting_since(&self) -> Option<(bool, Instant)> {
        let ConnectionState { phase, since, stalled_since: stuck, .. } = *lock_state(&self.state);
        let is_answered = phase == Phase::Served;
        // Somebody who reads their answer steadily is left alone, however long it is: only the time since
        // nothing was read any more counts.
        let since = if is_answered { stuck } else { Some(since) };
        since.map(|since| (is_answered, since))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Connections {
    table: Arc<Mutex<ConnectionTable>>,
    left: Arc<Notify>,
}

#[derive(Debug)]
struct ConnectionTable {
    places: ConnectionPlaces,
    /// Places that only requests of operators may take: health, readiness, metrics.
    operator_places: ConnectionPlaces,
    next: u64,
    /// Connections that are open, with those that were asked to go.
    open: usize,
}

/// Places of one kind.
#[derive(Debug)]
struct ConnectionPlaces {
    connections: HashMap<u64, Arc<TrackedConnection>>,
    count: usize,
}

impl Connections {
    pub(super) fn new(limits: ServerLimits) -> Self {
        let places = |count| ConnectionPlaces { connections: HashMap::new(), count };
        let (places, further) = (places(limits.connections), places(limits.operators));
        let present = ConnectionTable { places, operator_places: further, next: 0, open: 0 };
        Self { table: Arc::new(Mutex::new(present)), left: Arc::default() }
    }

    /// Takes a place, of the one who has kept it waiting the longest if there is no free one. If
    /// nobody has, it is one for operators; `None` if there is not even that.
    pub(super) fn admit_connection(&self) -> Option<Admission> {
        let mut present = lock_state(&self.table);
        let connection = Arc::new(TrackedConnection::new());
        present.next += 1;
        let number = present.next;
        let has_place = present.places.take_place(number, &connection);
        if !has_place && !present.operator_places.take_place(number, &connection) {
            return None;
        }
        present.open += 1;
        let (present, left) = (Arc::clone(&self.table), Arc::clone(&self.left));
        Some(Admission { table: present, left, connection, number, is_for_operators: !has_place })
    }

    /// Waits until those who were asked to go have gone, as far as there are too many.
    pub(super) async fn wait_for_room(&self) {
        while lock_state(&self.table).is_too_full() {
            self.left.notified().await;
        }
    }

    /// Asks the one who has kept a place waiting the longest to go.
    pub(super) fn make_room(&self) {
        lock_state(&self.table).places.make_room();
    }
}

impl ConnectionTable {
    fn is_too_full(&self) -> bool {
        self.open > self.places.count + self.operator_places.count
    }
}

impl ConnectionPlaces {
    /// Takes one, if there is one or somebody makes room.
    fn take_place(&mut self, number: u64, connection: &Arc<TrackedConnection>) -> bool {
        // Turning away whoever comes last would let a thousand idle connections shut the door
        // (`a_thousand_idle_connections_do_not_keep_a_webhook_out`).
        let has_room = self.connections.len() < self.count || self.make_room();
        if has_room {
            self.connections.insert(number, Arc::clone(connection));
        }
        has_room
    }

    fn make_room(&mut self) -> bool {
        // `false` sorts before `true`: those without a whole request go before those that do not
        // read.
        let waiting = self
            .connections
            .iter()
            .filter_map(|(n, connection)| Some((connection.waiting_since()?, *n)));
        let longest = waiting.min().and_then(|(_, number)| self.connections.remove(&number));
        if let Some(connection) = &longest {
            connection.leave.cancel();
        }
        longest.is_some()
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    table: Arc<Mutex<ConnectionTable>>,
    left: Arc<Notify>,
    connection: Arc<TrackedConnection>,
    number: u64,
    is_for_operators: bool,
}

impl Admission {
    pub(super) fn connection(&self) -> &Arc<TrackedConnection> {
        &self.connection
    }

    /// Whether it is one for operators only.
    pub(super) fn is_for_operators(&self) -> bool {
        self.is_for_operators
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut present = lock_state(&self.table);
        present.places.connections.remove(&self.number);
        present.operator_places.connections.remove(&self.number);
        present.open = present.open.saturating_sub(1);
        self.left.notify_one();
    }
}

fn lock_state<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::limits::ReadRate;
    use super::*;

    fn connections() -> Connections {
        Connections::new(ServerLimits { connections: 2, operators: 1, ..ServerLimits::default() })
    }

    #[test]
    fn the_one_who_waits_longest_makes_room() {
        let connections = connections();
        let first = connections.admit_connection().unwrap();
        let second = connections.admit_connection().unwrap();
        // Before that it was the first; its request came to an end since.
        first.connection.set_phase(Phase::Served);
        first.connection.set_phase(Phase::Idle);
        let third = connections.admit_connection().unwrap();
        assert!(second.connection.leave.is_cancelled() && !first.connection.leave.is_cancelled());
        assert!(!third.is_for_operators());
    }

    #[test]
    fn who_is_served_stays_and_operators_still_get_in() {
        let connections = connections();
        let served = [(); 2].map(|()| connections.admit_connection().unwrap());
        for entry in &served {
            entry.connection.set_phase(Phase::Served);
        }
        let idle = connections.admit_connection().unwrap();
        let operator = connections.admit_connection().unwrap();
        assert!(idle.connection.leave.is_cancelled() && operator.is_for_operators());
        operator.connection.set_phase(Phase::Served);
        assert!(connections.admit_connection().is_none());
        drop(operator);
        assert!(connections.admit_connection().is_some_and(|entry| entry.is_for_operators()));
        drop(served);
        assert!(connections.admit_connection().is_some_and(|entry| !entry.is_for_operators()));
    }

    #[test]
    fn who_does_not_read_an_answer_makes_room_and_who_does_stays() {
        let connections = connections();
        let [reads, does_not] = [(); 2].map(|()| connections.admit_connection().unwrap());
        for entry in [&reads, &does_not] {
            entry.connection.set_phase(Phase::Served);
            entry.connection.note_stalled();
        }
        reads.connection.note_sent_bytes(1);
        assert!(reads.connection.is_served() && !does_not.connection.is_served());
        let idle = connections.admit_connection().unwrap();
        assert!(does_not.connection.leave.is_cancelled() && !idle.is_for_operators());
        reads.connection.note_stalled();
        assert!(connections.admit_connection().is_some_and(|entry| !entry.is_for_operators()));
        assert!(idle.connection.leave.is_cancelled() && !reads.connection.leave.is_cancelled());
    }

    #[test]
    fn an_answer_must_be_read_at_a_least_pace() {
        let pace = ReadRate { bytes: 100, time: Duration::ZERO };
        let limits =
            ServerLimits { pace, silence: Duration::from_secs(30), ..ServerLimits::default() };
        let connection = TrackedConnection::new();
        connection.set_phase(Phase::Served);
        assert!(connection.next_deadline(&limits).unwrap() <= Instant::now());
        connection.note_sent_bytes(60);
        connection.note_sent_bytes(40);
        assert!(!connection.is_late(&limits), "it has read enough");
        connection.note_sent_bytes(99);
        assert!(connection.is_late(&limits), "what was read before does not count again");
        connection.note_sent_bytes(100);
        let silent = ServerLimits { silence: Duration::ZERO, ..limits };
        assert!(connection.is_late(&silent));
        connection.set_phase(Phase::Idle);
        assert!(connection.is_late(&limits), "one that is idle has no more time");
    }

    #[test]
    fn a_head_has_its_time_from_its_first_byte() {
        let limits = ServerLimits::default();
        let begin = Instant::now();
        let connection = TrackedConnection::new();
        let new = connection.next_deadline(&limits).unwrap();
        assert!(new >= begin + limits.head && new < begin + limits.idle);
        connection.note_received();
        assert_eq!(connection.next_deadline(&limits), Some(new), "its time began before");
        connection.set_phase(Phase::Body);
        assert_eq!(connection.next_deadline(&limits), None);
        connection.set_phase(Phase::Idle);
        assert!(connection.next_deadline(&limits).unwrap() >= begin + limits.idle);
        connection.note_received();
        let head = connection.next_deadline(&limits).unwrap();
        assert!(head > new && head < begin + limits.idle);
        connection.note_received();
        assert_eq!(
            connection.next_deadline(&limits),
            Some(head),
            "a second byte gives no more time"
        );
    }
}
