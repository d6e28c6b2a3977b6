//! Which database the tests are played on.
//!
//! `TEST_STORE=postgres` plays each test on PostgreSQL, in a schema of its own, and fails where there
//! is no server; `TEST_STORE=sqlite` on SQLite only. If nobody says, the service is tested on SQLite,
//! and what every store promises on both.
//!
//! `TEST_STORES_TOLD` names a file in which each test notes what it was played on, so that CI can tell
//! that a test was not left out on one of the two.

use std::fs::File;
use std::io::Write;

use super::wish;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestBackend {
    Sqlite,
    Postgres,
}

impl TestBackend {
    /// The one that is asked for by name.
    fn named() -> Option<Self> {
        wish("TEST_STORE").map(|name| match name.as_str() {
            "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            other => panic!("TEST_STORE={other}: sqlite or postgres"),
        })
    }

    /// What the service is played on.
    pub fn asked_of_service() -> Self {
        Self::named().unwrap_or(Self::Sqlite)
    }

    /// What the promises of every store are tried on.
    pub fn asked_of_stores() -> Vec<Self> {
        Self::named().map_or_else(|| vec![Self::Sqlite, Self::Postgres], |named| vec![named])
    }

    /// Notes that the test of this thread is played on it.
    pub fn tell_use(self) {
        let Some(path) = wish("TEST_STORES_TOLD") else { return };
        let thread = std::thread::current();
        let name = match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        };
        // One write for a line, so that lines of other tests do not get into it.
        let line = format!("{name} {}\n", thread.name().unwrap_or("?"));
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
