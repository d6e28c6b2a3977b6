//! Items and their lanes: in, out, and what became of them.
//!
//! Invariant: a lane has a row exactly as long as an item waits in it
//! (`a_lane_has_a_row_exactly_as_long_as_an_item_waits_in_it`).

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite, SqlitePool, query, query_as, query_scalar};

use crate::store::row::{ItemRow, ParkedRow};
use crate::store::{Accepted, Error, Item, ItemId, LEASE_ITEMS, Lane, NewItem, Result, Verdict};

/// Inserts what is new and tells of each what it was; also, whether a lane has come into being.
///
/// Two statements for any number of items: each one is a round trip to SQLite's thread.
pub(super) async fn accept(
    tx: &mut SqliteConnection,
    items: &[NewItem],
) -> sqlx::Result<(Vec<Accepted>, bool)> {
    if items.is_empty() {
        return Ok((Vec::new(), false));
    }
    let mut lanes_of_new = insert_items(tx, items).await?;
    let mut accepted = Vec::with_capacity(items.len());
    let mut lanes = Vec::new();
    for item in items {
        // Taken out, so that a repeat within the same batch is one.
        let key = (item.source.name().to_owned(), item.key.clone());
        if let Some(lane) = lanes_of_new.remove(&key) {
            lanes.push((lane, item.due.as_millisecond()));
            accepted.push(Accepted::New);
        } else {
            accepted.push(Accepted::Repeat);
        }
    }
    let grown = !lanes.is_empty() && insert_lanes(tx, lanes).await?;
    Ok((accepted, grown))
}

/// Inserts items and returns the lanes of those that are new, by source and key.
async fn insert_items(
    tx: &mut SqliteConnection,
    items: &[NewItem],
) -> sqlx::Result<HashMap<(String, String), String>> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "WITH new (source, lane, channel, ts, key, body, received) AS (",
    );
    insert.push_values(items, |mut row, item| {
        let (channel, ts) = match &item.lane {
            Lane::Message(channel, ts) => (Some(channel.as_str()), Some(ts.as_str())),
            Lane::Ticket(_) | Lane::Own(_) => (None, None),
        };
        row.push_bind(item.source.name())
            .push_bind(item.lane.name())
            .push_bind(channel)
            .push_bind(ts)
            .push_bind(&item.key)
            .push_bind(&item.body)
            .push_bind(item.received.as_millisecond());
    });
    insert.push(
        ") INSERT INTO item (source, lane, key, body, received)
         SELECT source,
                coalesce((SELECT 'ticket:' || message.ticket FROM message
                          WHERE message.channel = new.channel AND message.ts = new.ts), lane),
                key, body, received
         FROM new WHERE true
         ON CONFLICT (source, key) DO NOTHING
         RETURNING source, key, lane",
    );
    let rows: Vec<(String, String, String)> =
        insert.build_query_as().persistent(items.len() == 1).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(source, key, lane)| ((source, key), lane)).collect())
}

async fn insert_lanes(tx: &mut SqliteConnection, lanes: Vec<(String, i64)>) -> sqlx::Result<bool> {
    let single = lanes.len() == 1;
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO lane (name, due) ");
    insert.push_values(lanes, |mut row, (name, due)| {
        row.push_bind(name).push_bind(due);
    });
    // A lane that waits already keeps its time: it may be pausing after a failure.
    insert.push(" ON CONFLICT DO NOTHING");
    Ok(insert.build().persistent(single).execute(tx).await?.rows_affected() > 0)
}

/// Whether there is an item of this source whose key begins like this.
pub(super) async fn has_accepted(readers: &SqlitePool, source: &str, key: &str) -> Result<bool> {
    // Bounds, not a pattern: keys are ordered, and may hold anything.
    let sql = "SELECT EXISTS (SELECT 1 FROM item
               WHERE source = ?1 AND key >= ?2 AND key < ?2 || char(0x10FFFF))";
    Ok(query_scalar(sql).bind(source).bind(key).fetch_one(readers).await?)
}

/// The items at the heads of the lanes that are due, except the leased ones: `?1` the time, `?2`
/// the leased lanes, `?3` how many lanes, `?4` how many items of each.
pub(super) const CLAIM: &str = "
    WITH head AS MATERIALIZED (
        SELECT name, due FROM lane
        WHERE due <= ?1 AND name NOT IN (SELECT value FROM json_each(?2))
        ORDER BY due LIMIT ?3
    )
    SELECT item.lane, item.id, source, key, body, received, attempts, doubt
    FROM head CROSS JOIN item ON item.id IN (
        SELECT id FROM item
        WHERE state = 'waiting' AND lane = head.name
        ORDER BY id LIMIT ?4
    )
    ORDER BY head.due, head.name, item.id";

/// The lanes that [`CLAIM`] finds, with the items at their heads.
///
/// One statement, so it sees one state of the database.
pub(super) async fn claim(
    readers: &SqlitePool,
    due: i64,
    taken: String,
    limit: usize,
) -> Result<Vec<(String, Vec<Item>)>> {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let query = query_as(CLAIM).bind(due).bind(taken).bind(count(limit)).bind(count(LEASE_ITEMS));
    let rows: Vec<ItemRow> = query.fetch_all(readers).await?;
    let mut heads: Vec<(String, Vec<Item>)> = Vec::new();
    for mut row in rows {
        let lane = std::mem::take(&mut row.lane);
        let item = row.try_into()?;
        match heads.last_mut() {
            Some((last, items)) if *last == lane => items.push(item),
            _ => heads.push((lane, vec![item])),
        }
    }
    Ok(heads)
}

/// When the first lane is due that is not leased.
pub(super) async fn next_due(readers: &SqlitePool, taken: String) -> Result<Option<i64>> {
    let sql = "SELECT due FROM lane WHERE name NOT IN (SELECT value FROM json_each(?1))
               ORDER BY due LIMIT 1";
    Ok(query_scalar(sql).bind(taken).fetch_optional(readers).await?)
}

/// Records a verdict on items that must all still wait in this lane.
pub(super) async fn settle(
    tx: &mut SqliteConnection,
    lane: String,
    items: &[ItemId],
    verdict: Verdict,
    now: i64,
) -> Result<()> {
    let failed = verdict == Verdict::Failed;
    let (state, reason) = match verdict {
        Verdict::Done => ("done", None),
        Verdict::Ignored => ("ignored", None),
        Verdict::Forgotten => return remove(tx, lane, items).await,
        Verdict::Parked { reason } => ("parked", Some(reason)),
        Verdict::Failed => ("waiting", None),
    };
    let ids = serde_json::json!(items).to_string();
    let settled = query(
        "UPDATE item
         SET state = ?3, reason = ?4, attempts = attempts + ?5,
             finished = CASE WHEN ?3 IN ('done', 'ignored') THEN ?6 END,
             body = CASE WHEN ?3 <> 'ignored' THEN body END
         WHERE id IN (SELECT value FROM json_each(?1)) AND lane = ?2 AND state = 'waiting'",
    )
    .bind(&ids)
    .bind(&lane)
    .bind(state)
    .bind(reason)
    .bind(failed)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if settled.rows_affected() != items.len() as u64 {
        return Err(Error::LeaseLost { lane });
    }
    if !failed {
        forget_steps(tx, &ids).await?;
        drop_empty_lane(tx, &lane).await?;
    }
    Ok(())
}

/// Removes items of a lane altogether; their steps go with them.
async fn remove(tx: &mut SqliteConnection, lane: String, items: &[ItemId]) -> Result<()> {
    let sql = "DELETE FROM item WHERE id IN (SELECT value FROM json_each(?1))
               AND lane = ?2 AND state = 'waiting'";
    let ids = serde_json::json!(items).to_string();
    let gone = query(sql).bind(&ids).bind(&lane).execute(&mut *tx).await?;
    if gone.rows_affected() != items.len() as u64 {
        return Err(Error::LeaseLost { lane });
    }
    drop_empty_lane(tx, &lane).await
}

/// Deletes the steps of those of these items that are finished; parked ones may go on later.
async fn forget_steps(tx: &mut SqliteConnection, ids: &str) -> Result<()> {
    let sql = "DELETE FROM step WHERE item IN (
                   SELECT item.id FROM json_each(?1) JOIN item ON item.id = json_each.value
                   WHERE item.finished IS NOT NULL)";
    query(sql).bind(ids).execute(tx).await?;
    Ok(())
}

async fn drop_empty_lane(tx: &mut SqliteConnection, lane: &str) -> Result<()> {
    let sql = "DELETE FROM lane WHERE name = ?1 AND NOT EXISTS (
                   SELECT 1 FROM item WHERE state = 'waiting' AND lane = ?1)";
    query(sql).bind(lane).execute(tx).await?;
    Ok(())
}

/// Sets when a lane is due, if anything waits in it.
pub(super) async fn set_due(tx: &mut SqliteConnection, lane: &str, due: i64) -> Result<()> {
    query("UPDATE lane SET due = ?2 WHERE name = ?1").bind(lane).bind(due).execute(tx).await?;
    Ok(())
}

/// Moves what is unfinished in one lane to another one.
pub(super) async fn move_lane(tx: &mut SqliteConnection, from: &str, to: &str) -> Result<()> {
    let sql = "INSERT INTO lane (name, due)
                   SELECT ?2, min(received) FROM item
                   WHERE state = 'waiting' AND lane = ?1
                   HAVING count(*) > 0
                   ON CONFLICT DO NOTHING;
               UPDATE item SET lane = ?2 WHERE id IN (
                   SELECT id FROM item WHERE state = 'waiting' AND lane = ?1
                   UNION ALL SELECT id FROM item WHERE state = 'parked' AND lane = ?1);
               DELETE FROM lane WHERE name = ?1";
    query(sql).bind(from).bind(to).execute(tx).await?;
    Ok(())
}

/// The parked items of one lane, or of all.
pub(super) async fn parked(readers: &SqlitePool, lane: Option<String>) -> Result<Vec<ParkedRow>> {
    let sql = "SELECT id, lane, source, reason, received FROM item
               WHERE state = 'parked' AND lane = coalesce(?1, lane)
               ORDER BY id";
    Ok(query_as(sql).bind(lane).fetch_all(readers).await?)
}

/// Lets a parked item wait again. False if it is not parked.
pub(super) async fn revive(tx: &mut SqliteConnection, item: ItemId, now: i64) -> Result<bool> {
    let sql = "UPDATE item SET state = 'waiting', attempts = 0, reason = NULL
               WHERE id = ?1 AND state = 'parked' RETURNING lane";
    let lane: Option<String> = query_scalar(sql).bind(item).fetch_optional(&mut *tx).await?;
    let Some(lane) = lane else { return Ok(false) };
    let sql = "INSERT INTO lane (name, due) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET due = min(due, excluded.due)";
    query(sql).bind(lane).bind(now).execute(tx).await?;
    Ok(true)
}

/// Finishes a parked item unhandled. False if it is not parked.
pub(super) async fn skip(tx: &mut SqliteConnection, item: ItemId, now: i64) -> Result<bool> {
    let sql = "UPDATE item SET state = 'skipped', finished = ?2 WHERE id = ?1 AND state = 'parked'";
    let skipped = query(sql).bind(item).bind(now).execute(&mut *tx).await?.rows_affected() > 0;
    if skipped {
        query("DELETE FROM step WHERE item = ?1").bind(item).execute(tx).await?;
    }
    Ok(skipped)
}

/// How many items wait, how many are parked, and when the oldest waiting one arrived: not of
/// those in a lane for later, for which nobody waits yet ([`Lane::later`]).
pub(super) const DEPTH: &str = "
    SELECT count(*), (SELECT count(*) FROM item WHERE state = 'parked'), min(received)
    FROM item WHERE state = 'waiting' AND lane NOT GLOB 'own:later:*'";

/// Reads what [`DEPTH`] says.
pub(super) async fn depth(readers: &SqlitePool) -> Result<(i64, i64, Option<i64>)> {
    Ok(query_as(DEPTH).fetch_one(readers).await?)
}

/// Most items that are cleaned in one commit, so that nobody waits long behind it.
const CLEAN_ITEMS: u32 = 500;

/// Erases some bodies of items finished before `?1`. SQLite would take the index of all finished
/// items and read past those that were erased long ago.
pub(super) const ERASE_BODIES: &str = "
    UPDATE item SET body = NULL WHERE id IN (
        SELECT id FROM item INDEXED BY item_erasable
        WHERE finished < ?1 AND body IS NOT NULL LIMIT ?2)";

/// Erases some bodies of items finished before the given time. True if there are more.
pub(super) async fn erase_bodies(tx: &mut SqliteConnection, before: i64) -> Result<bool> {
    clean_some(tx, ERASE_BODIES, before).await
}

/// Forgets some items finished before the given time. True if there are more.
pub(super) async fn forget(tx: &mut SqliteConnection, before: i64) -> Result<bool> {
    let sql = "DELETE FROM item WHERE id IN (SELECT id FROM item WHERE finished < ?1 LIMIT ?2)";
    clean_some(tx, sql, before).await
}

async fn clean_some(tx: &mut SqliteConnection, sql: &'static str, before: i64) -> Result<bool> {
    let cleaned = query(sql).bind(before).bind(CLEAN_ITEMS).execute(tx).await?.rows_affected();
    Ok(cleaned == u64::from(CLEAN_ITEMS))
}
