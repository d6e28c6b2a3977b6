//! How much whoever sends requests may take up: connections, time, bytes.

use std::time::Duration;

/// How much whoever sends requests may take up; the operator cannot set it.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections that are open at once.
    pub connections: usize,
    /// Connections beyond that, on which only operators get an answer other than `503`.
    pub operators: usize,
    /// How long a connection may lie idle between two requests. Longer than the minute that
    /// proxies commonly keep one, so that it is they who close it.
    pub idle: Duration,
    /// How long a request's head may take from its first byte, or from the beginning of the
    /// connection.
    pub head: Duration,
    /// How long a request's body may take from the end of its head.
    pub body: Duration,
    /// Bytes of large bodies that are held at once.
    pub bytes: usize,
    /// How long nothing of an answer may be read, or come: the reader of a file may be on a bad
    /// line.
    pub silence: Duration,
    /// How fast an answer has to be read at least.
    pub pace: ReadRate,
    /// Files that are handed out at once. Each takes a connection to Slack, too.
    pub downloads: usize,
}

/// So many bytes in such a time.
#[derive(Clone, Copy, Debug)]
pub struct ReadRate {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            operators: 32,
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            bytes: 32 * 1024 * 1024,
            silence: Duration::from_secs(30),
            pace: ReadRate { bytes: 60 * 8 * 1024, time: Duration::from_mins(1) },
            downloads: 64,
        }
    }
}

impl ServerLimits {
    /// These, or less if the process may have few files open.
    #[must_use]
    pub(crate) fn within_open_files(self) -> Self {
        let files = read_open_file_limit().unwrap_or(usize::MAX);
        Self {
            // Each connection is an open file, and so are the database, the calls to both platforms
            // and what is being fetched (`connections_leave_enough_files_for_the_work`).
            connections: self.connections.min(files / 2),
            operators: self.operators.min(files / 16),
            downloads: self.downloads.min(files / 16),
            ..self
        }
    }
}

/// How many files this process may have open, where the system tells.
fn read_open_file_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
