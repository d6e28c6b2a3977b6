//! What goes wrong between us and the server, and whether it may pass.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::SqlState;

use crate::store::Error;

/// What [`Error::LeaseLost`] is in our functions.
const LEASE_LOST: &str = "BL001";
/// What [`Error::Erased`] is in our functions.
const ERASED: &str = "BL002";
/// What [`Error::Conflict`] is in our functions.
const CONFLICT: &str = "BL003";

/// What went wrong between us and the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresFault {
    /// The address cannot be used.
    #[error("{0}")]
    Address(String),
    /// The server has refused something, or could not be reached.
    #[error("{}", describe_error(.0))]
    Server(tokio_postgres::Error),
    /// There was no answer.
    #[error("the server did not answer in time")]
    Timeout,
    /// The bridge stops, and its pool of connections was closed before this was asked.
    #[error("the connections are closed")]
    Closed,
}

/// Says what it is, without what the rows hold.
fn describe_error(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        // Without the detail of the server's, which quotes values of rows.
        return format!("{} ({})", told.message(), told.code().code());
    }
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

impl PostgresFault {
    fn code(&self) -> Option<&SqlState> {
        if let Self::Server(error) = self { error.code() } else { None }
    }

    /// Whether the same may succeed later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Address(_) | Self::Closed => false,
            Self::Server(error) => match error.code() {
                Some(code) => is_passing_code(code),
                None => error.is_closed() || is_network_error(error),
            },
        }
    }

    /// Whether it was refused as a whole, so that nothing of it was done.
    pub(super) fn is_undone(&self) -> bool {
        self.code().is_some_and(|code| !is_about_connection(code))
    }

    /// Whether the connection is of no use any more: what was asked may still be under way, or
    /// others can do what this server cannot.
    pub(super) fn spoils_connection(&self) -> bool {
        match self.code() {
            // The tables were changed since the statement was prepared.
            Some(code) if *code == SqlState::FEATURE_NOT_SUPPORTED => true,
            Some(code) => is_about_connection(code) || *code == SqlState::READ_ONLY_SQL_TRANSACTION,
            None => true,
        }
    }

    /// What the store says of it, of this lane or ticket.
    pub(super) fn into_error(self, about: &str) -> Error {
        match self.code().map(SqlState::code) {
            Some(LEASE_LOST) => Error::LeaseLost { lane: about.to_owned() },
            Some(ERASED) => Error::Erased { ticket: about.to_owned() },
            Some(CONFLICT) => Error::Conflict { ticket: about.to_owned() },
            _ if matches!(self, Self::Closed) => Error::Closed,
            _ if self.code() == Some(&SqlState::DATA_CORRUPTED)
                || self.code() == Some(&SqlState::INDEX_CORRUPTED) =>
            {
                Error::Damaged
            }
            _ if self.may_pass() => Error::Unavailable(Arc::new(self)),
            _ => Error::Database(Arc::new(self)),
        }
    }
}

/// Classes of codes: 08 connection, 53 resources (disk, memory, connections), 57 an operator steps in,
/// 58 the system (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn is_passing_code(code: &SqlState) -> bool {
    let is_class = |class| code.code().starts_with(class);
    ["08", "53", "57", "58"].into_iter().any(is_class)
        || [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::FEATURE_NOT_SUPPORTED,
        ]
        .contains(code)
}

/// The server ends the connection, or never let it come about.
fn is_about_connection(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
        ]
        .contains(code)
}

/// Whether the network is behind it. A certificate that is refused is none of that.
fn is_network_error(error: &tokio_postgres::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            // What rustls refuses comes as this kind, and waiting mends no certificate.
            return error.kind() != io::ErrorKind::InvalidData;
        }
        source = cause.source();
    }
    false
}

impl From<tokio_postgres::Error> for PostgresFault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<PoolError> for PostgresFault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Self::Server(error)
            }
            PoolError::Closed => Self::Closed,
            PoolError::Timeout(_)
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Self::Timeout,
        }
    }
}

impl From<PostgresFault> for Error {
    fn from(fault: PostgresFault) -> Self {
        fault.into_error("")
    }
}
