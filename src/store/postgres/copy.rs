//! Takes in all that another database holds.

use std::path::PathBuf;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::columns::value;
use super::connect::DatabaseServer;
use super::database::{Attempts, Database, LONG_PATIENCE};
use super::fault::PostgresFault;
use super::text::{keepable, read_back};
use super::{migrate, tickets};
use crate::store::copied::{Cell, CellKind, CopiedTable, TableSum};
use crate::store::{Error, Result};

/// A database that is filled.
pub(in crate::store) struct CopyTarget {
    database: Database,
    client: Object,
}

impl CopyTarget {
    /// Connects to the database at `url`, makes its tables, and makes sure that they are empty.
    pub(in crate::store) async fn open(url: &str) -> Result<Self> {
        let server = DatabaseServer::parse(url)?;
        let database = Database::new(&server)?;
        let place = PathBuf::from(server.describe());
        migrate::apply_migrations(&database, &place, true).await?;
        let client = Attempts::new(LONG_PATIENCE).connect(database.work()).await?;
        // A bridge that serves the target has a row in `instance`.
        for table in ["item", "ticket", "message", "instance"] {
            let sql = format!("SELECT EXISTS (SELECT FROM {table})");
            let row = client.query_one(&sql, &[]).await.map_err(PostgresFault::from)?;
            if row.try_get::<_, bool>(0).map_err(PostgresFault::from)? {
                return Err(Error::NotEmpty { path: place });
            }
        }
        Ok(Self { database, client })
    }

    /// Begins to fill it: all or nothing.
    pub(in crate::store) async fn begin(&mut self) -> Result<CopyTransaction<'_>> {
        let transaction = self.client.transaction().await.map_err(PostgresFault::from)?;
        let lock =
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
                    DELETE FROM meta";
        // The tables were made with a salt of their own, which does not fit the hashes of what the
        // source has erased.
        transaction.batch_execute(lock).await.map_err(PostgresFault::from)?;
        Ok(CopyTransaction(transaction))
    }

    /// Ends the connections to the database that was copied to.
    pub(in crate::store) fn close(self) {
        self.database.close();
    }
}

/// What is being filled.
pub(in crate::store) struct CopyTransaction<'c>(Transaction<'c>);

impl CopyTransaction<'_> {
    /// Writes rows of a table.
    pub(in crate::store) async fn write_rows(
        &self,
        table: &CopiedTable,
        rows: &[Vec<Cell>],
    ) -> Result<()> {
        let mut columns: Vec<(&str, Box<dyn ToSql + Sync + Send>)> = Vec::new();
        for (at, (name, kind)) in table.columns.iter().enumerate() {
            let cells = rows.iter().map(|row| row.get(at));
            columns.push((name, to_array(*kind, cells)));
        }
        // SQLite folds names while it searches; here they are kept in a column, which the source
        // does not have.
        if table.name == "ticket" {
            let folded: Vec<String> = rows.iter().map(|row| fold_row(row)).collect();
            columns.push(("folded", Box::new(folded)));
        }
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let kinds = table.columns.iter().map(|(_, kind)| match kind {
            CellKind::Number => "bigint[]",
            CellKind::Text => "text[]",
            CellKind::Bytes => "bytea[]",
        });
        let arrays = kinds.chain(["text[]"]).take(columns.len());
        let arrays: Vec<String> =
            arrays.enumerate().map(|(at, kind)| format!("${}::{kind}", at + 1)).collect();
        // SQLite keeps a truth value as a number.
        let is_doubt = |name: &String| name == "\"doubt\"";
        let mut values: Vec<String> = names
            .iter()
            .map(|name| if is_doubt(name) { format!("u.{name} <> 0") } else { format!("u.{name}") })
            .collect();
        let mut into = names.clone();
        if table.name == "step" {
            into.push("attempt".to_owned());
            values.push("0".to_owned());
        }
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM unnest({}) u({})",
            table.name,
            into.join(", "),
            values.join(", "),
            arrays.join(", "),
            names.join(", ")
        );
        let params: Vec<&(dyn ToSql + Sync)> =
            columns.iter().map(|(_, array)| &**array as &(dyn ToSql + Sync)).collect();
        self.0.execute(&sql, &params).await.map_err(PostgresFault::from)?;
        Ok(())
    }

    /// Sums a table up as it was written.
    pub(in crate::store) async fn sum_table(&self, table: &CopiedTable) -> Result<TableSum> {
        let names: Vec<String> = table
            .columns
            .iter()
            .map(|(name, kind)| match kind {
                CellKind::Number if *name == "doubt" => {
                    "doubt::integer::bigint AS doubt".to_owned()
                }
                CellKind::Number => format!("\"{name}\"::bigint AS \"{name}\""),
                CellKind::Text | CellKind::Bytes => format!("\"{name}\""),
            })
            .collect();
        // By a cursor: a table may be larger than the memory.
        let cursor =
            format!("DECLARE copied CURSOR FOR SELECT {} FROM {}", names.join(", "), table.name);
        self.0.batch_execute(&cursor).await.map_err(PostgresFault::from)?;
        let mut sum = TableSum::default();
        loop {
            let rows = self.0.query("FETCH 500 FROM copied", &[]).await;
            let rows = rows.map_err(PostgresFault::from)?;
            for row in &rows {
                sum.add_row(&to_cells(row, table)?);
            }
            if rows.is_empty() {
                break;
            }
        }
        self.0.batch_execute("CLOSE copied").await.map_err(PostgresFault::from)?;
        Ok(sum)
    }

    /// Keeps all that was written. Numbers go on after the greatest.
    pub(in crate::store) async fn commit(self) -> Result<()> {
        let sql = "SELECT setval(pg_get_serial_sequence('item', 'id'),
                       (SELECT max(id) FROM item)) WHERE EXISTS (SELECT FROM item);
                   SELECT setval(pg_get_serial_sequence('renamed_channel', 'number'),
                       (SELECT max(number) FROM renamed_channel))
                       WHERE EXISTS (SELECT FROM renamed_channel);
                   INSERT INTO meta (key, value) VALUES ('salt', gen_random_uuid()::text)
                       ON CONFLICT DO NOTHING";
        self.0.batch_execute(sql).await.map_err(PostgresFault::from)?;
        Ok(self.0.commit().await.map_err(PostgresFault::from)?)
    }
}

fn to_array<'r>(
    kind: CellKind,
    cells: impl Iterator<Item = Option<&'r Cell>>,
) -> Box<dyn ToSql + Sync + Send> {
    let text = |cell: Option<&Cell>| match cell {
        Some(Cell::Text(text)) => text.as_deref().map(|text| keepable(text).into_owned()),
        _ => None,
    };
    let bytes =
        |cell: Option<&Cell>| if let Some(Cell::Bytes(it)) = cell { it.clone() } else { None };
    let number = |cell: Option<&Cell>| if let Some(Cell::Number(it)) = cell { *it } else { None };
    match kind {
        CellKind::Number => Box::new(cells.map(number).collect::<Vec<_>>()),
        CellKind::Text => Box::new(cells.map(text).collect::<Vec<_>>()),
        CellKind::Bytes => Box::new(cells.map(bytes).collect::<Vec<_>>()),
    }
}

/// The names of a ticket as people look for them: its first three columns.
fn fold_row(row: &[Cell]) -> String {
    let names =
        row.iter().take(3).map(|cell| if let Cell::Text(it) = cell { it.as_deref() } else { None });
    tickets::fold_names(names)
}

fn to_cells(row: &Row, table: &CopiedTable) -> Result<Vec<Cell>> {
    let cell = |(name, kind): &(&str, CellKind)| {
        Ok(match kind {
            CellKind::Number => Cell::Number(value(row, name)?),
            CellKind::Text => Cell::Text(value::<Option<String>>(row, name)?.map(read_back)),
            CellKind::Bytes => Cell::Bytes(value(row, name)?),
        })
    };
    table.columns.iter().map(cell).collect()
}
