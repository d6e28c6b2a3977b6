//! Items and their lanes: in, out, and what became of them.
//!
//! Invariant: a lane has a row exactly as long as an item waits in it
//! (`a_lane_has_a_row_exactly_as_long_as_an_item_waits_in_it`).

use rusqlite::Connection;

use super::item_ids::ItemIds;
use super::sql::Sql;
use super::{columns, erased_ids};
use crate::store::row::{self, ParkedRow};
use crate::store::{
    Error, InboxDepth, Item, ItemId, LEASE_ITEMS, Lane, NewItem, Places, Pool, Result, Source,
    StoredOutcome,
};

/// An item that was just accepted.
pub(super) struct InsertedItem {
    pub(super) id: ItemId,
    /// Its lane, which may be another one than it came with.
    pub(super) lane: String,
    /// Whether nothing waited there.
    pub(super) was_idle: bool,
}

/// Inserts an item, if it is new.
pub(super) fn insert_item(
    tx: &Connection,
    item: &NewItem,
    ids: Option<&ItemIds>,
) -> Result<Option<InsertedItem>> {
    let is_erased = erased_ids::is_erased_event(tx, item.source.name(), &item.key)?
        || item.source == Source::Internal && erased_ids::is_job_of_erased(tx, &item.body)?;
    if is_erased {
        return Ok(None);
    }
    let known = match &item.lane {
        Lane::Message(channel, ts) => tx.first_row(
            "SELECT 'reply:' || ticket FROM message WHERE channel = ?1 AND ts = ?2",
            (channel.as_str(), ts.as_str()),
            |row| row.get(0),
        )?,
        Lane::Ticket(_) | Lane::Replies(_) | Lane::Own(_) => None,
    };
    let lane: String = known.unwrap_or_else(|| item.lane.name());
    // Without `RETURNING`, for which SQLite makes a table each time.
    let sql = "INSERT INTO item (id, source, lane, key, body, received)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (source, key) DO NOTHING";
    let id = ids.map(|ids| ids.take(tx)).transpose()?;
    let received = item.received.as_millisecond();
    let params = (id, item.source.name(), &lane, &item.key, &item.body, received);
    if tx.run_statement(sql, params)? == 0 {
        return Ok(None);
    }
    let id = tx.last_insert_rowid();
    // A lane that waits already keeps its time: it may be pausing after a failure.
    let sql = "INSERT INTO lane (name, due) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let was_idle = tx.run_statement(sql, (&lane, item.due.as_millisecond()))? > 0;
    Ok(Some(InsertedItem { id, lane, was_idle }))
}

/// Whether there is an item of this source whose key begins like this.
pub(super) fn has_key_prefix(connection: &Connection, source: &str, key: &str) -> Result<bool> {
    // Bounds, not a pattern: keys are ordered, and may hold anything.
    let sql = "SELECT EXISTS (SELECT 1 FROM item
               WHERE source = ?1 AND key >= ?2 AND key < ?2 || char(0x10FFFF))";
    Ok(connection.one_value(sql, (source, key))?)
}

/// The greatest key of this source that begins like this, and when its item arrived.
pub(super) fn read_greatest_key(
    connection: &Connection,
    source: &str,
    prefix: &str,
) -> Result<Option<(String, i64)>> {
    let sql = "SELECT key, received FROM item
               WHERE source = ?1 AND key >= ?2 AND key < ?2 || char(0x10FFFF)
               ORDER BY key DESC LIMIT 1";
    Ok(connection.first_row(sql, (source, prefix), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The lanes of a pool that are due, longest due first.
pub(super) const SELECT_DUE: &str =
    "SELECT name, due FROM lane WHERE pool = ?1 AND due <= ?2 ORDER BY due";

/// The first items that wait in a lane.
pub(super) const SELECT_HEAD: &str = "
    SELECT lane, id, source, key, body, received, attempts, doubt,
        EXISTS (SELECT 1 FROM step WHERE step.item = item.id) AS begun
    FROM item WHERE state = 'waiting' AND lane = ?1 ORDER BY id LIMIT ?2";

/// The first lanes that are due and not taken, as many as there are places, with the items at their
/// heads.
///
/// Nobody writes meanwhile, as there is one connection: all is read of one state of the database. Who has
/// which lane is asked of the caller row by row: of a list in the statement SQLite would build a table
/// each time.
pub(super) fn read_due_lanes(
    connection: &Connection,
    due: i64,
    is_taken: impl Fn(&str) -> bool,
    places: &Places,
) -> Result<Vec<(String, Vec<Item>)>> {
    let is_free = |lane: &str| !is_taken(lane) && !places.is_closed(lane);
    let mut heads = Vec::new();
    for pool in Pool::ALL {
        heads.extend(find_due_of_pool(connection, (pool, due), is_free, places.count(pool))?);
    }
    heads.sort_unstable();
    heads.truncate(places.total());
    let with_items = heads.into_iter().map(|(_, lane)| {
        let params = (&lane, to_integer(LEASE_ITEMS));
        let rows = connection.all_rows(SELECT_HEAD, params, columns::to_item_row)?;
        let items = rows.into_iter().map(Item::try_from).collect::<Result<_>>()?;
        Ok((lane, items))
    });
    with_items.collect()
}

/// When the first lane is due that is not taken and for which there is a place.
pub(super) fn read_next_due(
    connection: &Connection,
    is_taken: impl Fn(&str) -> bool,
    places: &Places,
) -> Result<Option<i64>> {
    let is_free = |lane: &str| !is_taken(lane) && !places.is_closed(lane);
    let mut next = Vec::new();
    for pool in Pool::ALL {
        let limit = places.count(pool).min(1);
        next.extend(find_due_of_pool(connection, (pool, i64::MAX), is_free, limit)?);
    }
    Ok(next.into_iter().map(|(due, _)| due).min())
}

/// The first lanes of a pool that are due and free, with when they are; at most so many.
fn find_due_of_pool(
    connection: &Connection,
    (pool, due): (Pool, i64),
    is_free: impl Fn(&str) -> bool,
    limit: usize,
) -> Result<Vec<(i64, String)>> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    let mut statement = connection.prepare_cached(SELECT_DUE)?;
    let mut rows = statement.query((to_integer(pool.number()), due))?;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        if is_free(name) {
            found.push((row.get(1)?, name.to_owned()));
        }
    }
    Ok(found)
}

/// A small number as SQLite takes it.
fn to_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Records the outcome of items that must all still wait in this lane.
pub(super) fn write_outcome(
    tx: &Connection,
    lane: &str,
    items: &[ItemId],
    outcome: &StoredOutcome,
    now: i64,
) -> Result<()> {
    let failed = *outcome == StoredOutcome::Failed;
    if *outcome == StoredOutcome::Forgotten {
        return delete_items(tx, lane, items);
    }
    let (state, reason) = row::outcome_columns(outcome);
    // One after the other: SQLite would make a table of several each time, and mostly it is one.
    let sql = "UPDATE item
               SET state = ?3, reason = ?4, attempts = attempts + ?5,
                   finished = CASE WHEN ?3 IN ('done', 'ignored') THEN ?6 END,
                   body = CASE WHEN ?3 <> 'ignored' THEN body END
               WHERE id = ?1 AND lane = ?2 AND state = 'waiting'";
    for item in items {
        if tx.run_statement(sql, (item, lane, state, reason, failed, now))? == 0 {
            return Err(Error::LeaseLost { lane: lane.to_owned() });
        }
    }
    if outcome.is_final() {
        for item in items {
            tx.run_statement("DELETE FROM step WHERE item = ?1", [item])?;
        }
    }
    if !failed {
        drop_empty_lane(tx, lane)?;
    }
    Ok(())
}

/// Removes items of a lane altogether; their steps go with them.
fn delete_items(tx: &Connection, lane: &str, items: &[ItemId]) -> Result<()> {
    let sql = "DELETE FROM item WHERE id = ?1 AND lane = ?2 AND state = 'waiting'";
    for item in items {
        if tx.run_statement(sql, (item, lane))? == 0 {
            return Err(Error::LeaseLost { lane: lane.to_owned() });
        }
    }
    drop_empty_lane(tx, lane)
}

fn drop_empty_lane(tx: &Connection, lane: &str) -> Result<()> {
    let sql = "DELETE FROM lane WHERE name = ?1 AND NOT EXISTS (
                   SELECT 1 FROM item WHERE state = 'waiting' AND lane = ?1)";
    tx.run_statement(sql, [lane])?;
    Ok(())
}

/// Sets when a lane is due, if anything waits in it. False if nothing does.
pub(super) fn set_due(tx: &Connection, lane: &str, due: i64) -> Result<bool> {
    Ok(tx.run_statement("UPDATE lane SET due = ?2 WHERE name = ?1", (lane, due))? > 0)
}

/// Moves what is unfinished in one lane to another one. False if there is nothing.
pub(super) fn move_lane(tx: &Connection, from: &str, to: &str) -> Result<bool> {
    let is_any = "SELECT EXISTS (SELECT 1 FROM item WHERE state = 'waiting' AND lane = ?1)
                      OR EXISTS (SELECT 1 FROM item WHERE state = 'parked' AND lane = ?1)";
    // Nearly always there is nothing.
    if !tx.one_value::<bool>(is_any, [from])? {
        return Ok(false);
    }
    let come = "INSERT INTO lane (name, due)
                    SELECT ?2, min(received) FROM item
                    WHERE state = 'waiting' AND lane = ?1
                    HAVING count(*) > 0
                    ON CONFLICT DO NOTHING";
    tx.run_statement(come, (from, to))?;
    let go = "UPDATE item SET lane = ?2 WHERE id IN (
                  SELECT id FROM item WHERE state = 'waiting' AND lane = ?1
                  UNION ALL SELECT id FROM item WHERE state = 'parked' AND lane = ?1)";
    let has_moved = tx.run_statement(go, (from, to))? > 0;
    if has_moved {
        tx.run_statement("DELETE FROM lane WHERE name = ?1", [from])?;
    }
    Ok(has_moved)
}

/// The parked items of two lanes, or of all.
pub(super) fn read_parked(
    connection: &Connection,
    lanes: Option<[String; 2]>,
) -> Result<Vec<ParkedRow>> {
    let sql = "SELECT id, lane, source, reason, received FROM item
               WHERE state = 'parked' AND (?1 IS NULL OR lane IN (?1, ?2))
               ORDER BY id";
    let [first, second] = lanes.map_or([None, None], |lanes| lanes.map(Some));
    Ok(connection.all_rows(sql, (first, second), columns::to_parked_row)?)
}

/// What the far end sent of a parked item.
pub(super) fn read_parked_body(connection: &Connection, item: ItemId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM item WHERE id = ?1 AND state = 'parked'";
    let body = connection.first_row(sql, [item], |row| row.get::<_, Option<Vec<u8>>>(0))?;
    Ok(body.flatten())
}

/// Whether something of this source whose key begins like this waits in a lane.
pub(super) fn has_waiting(
    connection: &Connection,
    lane: &str,
    source: &str,
    key: &str,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM item WHERE state = 'waiting' AND lane = ?1
                   AND source = ?2 AND substr(key, 1, length(?3)) = ?3)";
    Ok(connection.one_value(sql, (lane, source, key))?)
}

/// How much of this source whose keys begin like this waits in a lane.
pub(super) fn count_waiting(
    connection: &Connection,
    lane: &str,
    source: &str,
    key: &str,
) -> Result<i64> {
    let sql = "SELECT count(*) FROM item WHERE state = 'waiting' AND lane = ?1
                   AND source = ?2 AND substr(key, 1, length(?3)) = ?3";
    Ok(connection.one_value(sql, (lane, source, key))?)
}

/// Lets a parked item wait again and says in which lane, if it is parked.
pub(super) fn unpark_item(tx: &Connection, item: ItemId, now: i64) -> Result<Option<String>> {
    let sql = "UPDATE item SET state = 'waiting', attempts = 0, reason = NULL
               WHERE id = ?1 AND state = 'parked' RETURNING lane";
    let Some(lane) = tx.first_row(sql, [item], |row| row.get::<_, String>(0))? else {
        return Ok(None);
    };
    let sql = "INSERT INTO lane (name, due) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET due = min(due, excluded.due)";
    tx.run_statement(sql, (&lane, now))?;
    Ok(Some(lane))
}

/// Finishes a parked item unhandled. False if it is not parked.
pub(super) fn finish_parked(tx: &Connection, item: ItemId, now: i64) -> Result<bool> {
    let sql = "UPDATE item SET state = 'skipped', finished = ?2 WHERE id = ?1 AND state = 'parked'";
    let skipped = tx.run_statement(sql, (item, now))? > 0;
    if skipped {
        tx.run_statement("DELETE FROM step WHERE item = ?1", [item])?;
    }
    Ok(skipped)
}

/// How many items of each source wait and when the oldest of them arrived: not of those in a lane
/// for later, for which nobody waits yet ([`Lane::for_later`]).
pub(super) const SELECT_QUEUES: &str = "
    SELECT source, count(*) AS waiting, min(received) AS oldest
    FROM item WHERE state = 'waiting' AND lane NOT GLOB 'own:later:*' GROUP BY source";

/// How many items are parked.
pub(super) const COUNT_PARKED: &str = "SELECT count(*) FROM item WHERE state = 'parked'";

/// Reads how much waits.
pub(super) fn read_depth(connection: &Connection) -> Result<InboxDepth> {
    let queues = connection.all_rows(SELECT_QUEUES, [], |row| {
        Ok((row.get::<_, String>("source")?, row.get("waiting")?, row.get("oldest")?))
    })?;
    let queues =
        queues.into_iter().map(|(source, waiting, oldest)| row::to_queue(&source, waiting, oldest));
    let parked: i64 = connection.one_value(COUNT_PARKED, [])?;
    Ok(InboxDepth { queues: queues.collect::<Result<_>>()?, parked: parked.cast_unsigned() })
}

/// Most rows that are erased in one commit, so that nobody waits long behind it.
pub(super) const ERASE_ROWS: u32 = 500;

/// Erases some bodies of items finished before `?1`. SQLite would take the index of all finished
/// items and read past those that were erased long ago.
pub(super) const ERASE_BODIES: &str = "
    UPDATE item SET body = NULL WHERE id IN (
        SELECT id FROM item INDEXED BY item_erasable
        WHERE finished < ?1 AND body IS NOT NULL LIMIT ?2)";

/// Erases some bodies of items finished before the given time, and says how many.
pub(super) fn erase_bodies(tx: &Connection, before: i64) -> Result<usize> {
    Ok(tx.run_statement(ERASE_BODIES, (before, ERASE_ROWS))?)
}

/// Gives up some parked items that arrived before the given time, and says how many.
pub(super) fn expire_parked(tx: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM item WHERE id IN (
                   SELECT id FROM item WHERE state = 'parked' AND received < ?1 LIMIT ?2)";
    Ok(tx.run_statement(sql, (before, ERASE_ROWS))?)
}

/// Forgets some items finished before the given time, and says how many.
pub(super) fn delete_finished(tx: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM item WHERE id IN (SELECT id FROM item WHERE finished < ?1 LIMIT ?2)";
    Ok(tx.run_statement(sql, (before, ERASE_ROWS))?)
}
