//! Moves a store from SQLite to PostgreSQL, while nobody serves either.

use super::copied::{COPIED_TABLES, TableSum};
use super::postgres::CopyTarget;
use super::sqlite::{CopySource, read_batch};
use super::{Error, Result};

/// Rows that are read and written together.
const BATCH: usize = 500;

/// Copies the SQLite database at `source` to the PostgreSQL database at `target`, which must be
/// empty, and says how many rows each table has. All is compared before it is kept; then the source
/// refuses to serve.
pub async fn copy_store(source: &str, target: &str) -> Result<Vec<(&'static str, u64)>> {
    let source = CopySource::open(source)?;
    let mut target = CopyTarget::open(target).await?;
    let filled = target.begin().await?;
    let mut copied = Vec::new();
    for table in &COPIED_TABLES {
        let mut sum = TableSum::default();
        let mut selected = source.select_table(table)?;
        let mut rows = selected.query([])?;
        loop {
            let batch = read_batch(&mut rows, table, BATCH)?;
            if batch.is_empty() {
                break;
            }
            for row in &batch {
                sum.add_row(row);
            }
            filled.write_rows(table, &batch).await?;
        }
        // Read back as it was written: a type that loses something on the way would otherwise be
        // found out when the source is gone.
        if filled.sum_table(table).await? != sum {
            return Err(Error::NotTheSame { table: table.name });
        }
        copied.push((table.name, sum.rows));
    }
    // Only one of them may serve. If the end of this is lost, neither does, and it is begun again
    // with an empty target.
    source.mark_moved()?;
    let kept = filled.commit().await;
    if kept.is_err() {
        source.mark_served()?;
    }
    kept?;
    target.close();
    Ok(copied)
}
