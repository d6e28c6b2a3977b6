//! How far the outside calls of an item have come.
//!
//! Only a waiting item can begin one: who has lost an item to somebody else is stopped here, not
//! only when it settles.

use rusqlite::Connection;

use super::sql::Sql;
use crate::store::{CallState, CallTry, Error, ItemId, Result, row};

/// Marks a call as begun, unless it was begun before.
pub(super) fn mark_begun(
    tx: &Connection,
    item: ItemId,
    step: &str,
    channel: Option<&str>,
    now: i64,
) -> Result<CallState> {
    let mark = "INSERT INTO step (item, name, channel, begun, tried)
                SELECT id, ?2, ?3, ?4, ?4 FROM item WHERE id = ?1 AND state = 'waiting'
                ON CONFLICT DO NOTHING";
    if tx.run_statement(mark, (item, step, channel, now))? > 0 {
        return Ok(CallState::Fresh);
    }
    let known = "SELECT step.result, step.tried FROM step JOIN item ON item.id = step.item
                 WHERE step.item = ?1 AND step.name = ?2 AND item.state = 'waiting'";
    match tx.first_row(known, (item, step), |row| Ok((row.get(0)?, row.get(1)?)))? {
        Some((Some(result), _)) => Ok(CallState::Done(result)),
        // Nobody else has the file: whoever made it has ended, or handles the item again.
        Some((None, tried)) => {
            Ok(CallState::OutcomeUnknown(CallTry::Ended(row::parse_timestamp(tried)?)))
        }
        None => Err(to_lost_error(tx, item)?),
    }
}

/// Marks a call as made for another time.
pub(super) fn update_tried(tx: &Connection, item: ItemId, step: &str, now: i64) -> Result<()> {
    let sql = "UPDATE step SET tried = ?3 WHERE item = ?1 AND name = ?2";
    if tx.run_statement(sql, (item, step, now))? == 0 {
        return Err(to_lost_error(tx, item)?);
    }
    Ok(())
}

/// Keeps what was decided for an item or how a call ended, as long as the item is not finished.
pub(super) fn put_decision(
    tx: &Connection,
    item: ItemId,
    step: &str,
    result: &str,
    now: i64,
) -> Result<()> {
    let sql = "INSERT INTO step (item, name, begun, tried, result)
               SELECT id, ?2, ?4, ?4, ?3 FROM item WHERE id = ?1 AND finished IS NULL
               ON CONFLICT (item, name) DO UPDATE SET result = excluded.result";
    tx.run_statement(sql, (item, step, result, now))?;
    Ok(())
}

/// Takes the mark of a call away.
pub(super) fn delete_call(tx: &Connection, item: ItemId, step: &str) -> Result<()> {
    let sql = "DELETE FROM step WHERE item = ?1 AND name = ?2";
    tx.run_statement(sql, (item, step))?;
    Ok(())
}

/// Whether a waiting item has begun, before `?2`, to post to the channel `?1`, or may have and lost
/// the mark of it. What waits for a message that is not known posts nothing.
pub(super) const IS_POSTING: &str = "
    SELECT EXISTS (
        SELECT 1 FROM step JOIN item ON item.id = step.item
        WHERE step.channel = ?1 AND step.begun <= ?2 AND item.state = 'waiting')
    OR EXISTS (
        SELECT 1 FROM item
        WHERE doubt = 1 AND state = 'waiting' AND received <= ?2 AND lane NOT GLOB 'slack:*')";

/// Whether what waits in a lane has begun one of these calls, whose names are a JSON list.
pub(super) fn has_begun(connection: &Connection, lane: &str, names: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM item JOIN step ON step.item = item.id
               WHERE item.state = 'waiting' AND item.lane = ?1
                   AND step.name IN (SELECT value FROM json_each(?2)))";
    Ok(connection.one_value(sql, (lane, names))?)
}

/// Whether a waiting item has begun, before the given time, to post to this channel.
pub(super) fn has_begun_post(connection: &Connection, channel: &str, before: i64) -> Result<bool> {
    Ok(connection.one_value(IS_POSTING, (channel, before))?)
}

/// What to tell somebody whose item does not wait any more.
fn to_lost_error(tx: &Connection, item: ItemId) -> Result<Error> {
    let sql = "SELECT lane FROM item WHERE id = ?1";
    let lane: Option<String> = tx.first_row(sql, [item], |row| row.get(0))?;
    Ok(Error::LeaseLost { lane: lane.unwrap_or_default() })
}

/// All calls of an item that were begun, with their results.
pub(super) fn read_calls(
    connection: &Connection,
    item: ItemId,
) -> Result<Vec<(String, Option<String>)>> {
    let sql = "SELECT name, result FROM step WHERE item = ?1 ORDER BY begun, name";
    Ok(connection.all_rows(sql, [item], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
