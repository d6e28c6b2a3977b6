//! How statements are run: each is prepared once and kept by the connection.

use rusqlite::{Connection, OptionalExtension, Params, Row};

/// Short words for what is done all the time.
pub(super) trait Sql {
    /// Runs a statement and says how many rows it changed.
    fn run_statement(&self, sql: &'static str, params: impl Params) -> rusqlite::Result<usize>;

    /// The first row, if there is one.
    fn first_row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>>;

    fn all_rows<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>>;

    /// The one value of the one row.
    fn one_value<T: rusqlite::types::FromSql>(
        &self,
        sql: &'static str,
        params: impl Params,
    ) -> rusqlite::Result<T>;
}

impl Sql for Connection {
    fn run_statement(&self, sql: &'static str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare_cached(sql)?.execute(params)
    }

    fn first_row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.prepare_cached(sql)?.query_row(params, read).optional()
    }

    fn all_rows<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.prepare_cached(sql)?.query_map(params, read)?.collect()
    }

    fn one_value<T: rusqlite::types::FromSql>(
        &self,
        sql: &'static str,
        params: impl Params,
    ) -> rusqlite::Result<T> {
        self.prepare_cached(sql)?.query_row(params, |row| row.get(0))
    }
}
