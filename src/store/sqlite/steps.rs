//! How far the outside calls of an item have come.
//!
//! Only a waiting item can begin one: who has lost an item to somebody else is stopped here, not
//! only when it settles.

use sqlx::sqlite::SqliteConnection;
use sqlx::{SqlitePool, query, query_as, query_scalar};

use crate::store::{Begun, Error, ItemId, Result, row};

/// Marks a call as begun, unless it was begun before.
pub(super) async fn begin(
    tx: &mut SqliteConnection,
    item: ItemId,
    step: &str,
    channel: Option<&str>,
    now: i64,
) -> Result<Begun> {
    let mark = "INSERT INTO step (item, name, channel, begun, tried)
                SELECT id, ?2, ?3, ?4, ?4 FROM item WHERE id = ?1 AND state = 'waiting'
                ON CONFLICT DO NOTHING";
    let marked =
        query(mark).bind(item).bind(step).bind(channel).bind(now).execute(&mut *tx).await?;
    if marked.rows_affected() > 0 {
        return Ok(Begun::Fresh);
    }
    let known = "SELECT step.result, step.tried FROM step JOIN item ON item.id = step.item
                 WHERE step.item = ?1 AND step.name = ?2 AND item.state = 'waiting'";
    match query_as(known).bind(item).bind(step).fetch_optional(&mut *tx).await? {
        Some((Some(result), _)) => Ok(Begun::Done(result)),
        Some((None, tried)) => Ok(Begun::Unsure(row::timestamp(tried)?)),
        None => Err(lost(tx, item).await?),
    }
}

/// Marks a call as made for another time.
pub(super) async fn begin_again(
    tx: &mut SqliteConnection,
    item: ItemId,
    step: &str,
    now: i64,
) -> Result<()> {
    let sql = "UPDATE step SET tried = ?3 WHERE item = ?1 AND name = ?2";
    let marked = query(sql).bind(item).bind(step).bind(now).execute(&mut *tx).await?;
    if marked.rows_affected() == 0 {
        return Err(lost(tx, item).await?);
    }
    Ok(())
}

/// Keeps the result of a call that was begun.
pub(super) async fn record(
    tx: &mut SqliteConnection,
    item: ItemId,
    step: &str,
    result: &str,
) -> Result<()> {
    let sql = "UPDATE step SET result = ?3 WHERE item = ?1 AND name = ?2";
    let kept = query(sql).bind(item).bind(step).bind(result).execute(&mut *tx).await?;
    if kept.rows_affected() == 0 {
        return Err(lost(tx, item).await?);
    }
    Ok(())
}

/// Takes the mark of a call away.
pub(super) async fn forget(tx: &mut SqliteConnection, item: ItemId, step: &str) -> Result<()> {
    let sql = "DELETE FROM step WHERE item = ?1 AND name = ?2";
    query(sql).bind(item).bind(step).execute(tx).await?;
    Ok(())
}

/// Whether a waiting item has begun, before `?2`, to post to the channel `?1`.
pub(super) const IS_POSTING: &str = "
    SELECT EXISTS (
        SELECT 1 FROM step JOIN item ON item.id = step.item
        WHERE step.channel = ?1 AND step.begun <= ?2 AND item.state = 'waiting')";

/// Whether a waiting item has begun, before the given time, to post to this channel.
pub(super) async fn is_posting(readers: &SqlitePool, channel: &str, before: i64) -> Result<bool> {
    Ok(query_scalar(IS_POSTING).bind(channel).bind(before).fetch_one(readers).await?)
}

/// What to tell somebody whose item does not wait any more.
async fn lost(tx: &mut SqliteConnection, item: ItemId) -> Result<Error> {
    let sql = "SELECT lane FROM item WHERE id = ?1";
    let lane: Option<String> = query_scalar(sql).bind(item).fetch_optional(tx).await?;
    Ok(Error::LeaseLost { lane: lane.unwrap_or_default() })
}

/// All calls of an item that were begun, with their results.
pub(super) async fn all(
    readers: &SqlitePool,
    item: ItemId,
) -> Result<Vec<(String, Option<String>)>> {
    let sql = "SELECT name, result FROM step WHERE item = ?1 ORDER BY begun, name";
    Ok(query_as(sql).bind(item).fetch_all(readers).await?)
}
