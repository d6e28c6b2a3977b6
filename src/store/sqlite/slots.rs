//! Whose turn it is to post to a channel.

use rusqlite::{Connection, Row};

use crate::store::ItemId;

use super::sql::Sql;
use crate::store::pace::ChannelSlots;
use crate::store::{PostRate, Result};

/// When the lane may post to this channel. A time to come is reserved for it, any other used up.
pub(super) fn reserve_slot(
    tx: &Connection,
    lane: &str,
    channel: &str,
    pace: PostRate,
    now: i64,
) -> Result<i64> {
    let known = "SELECT next_at, hold_until FROM slot WHERE channel = ?1";
    let read = |row: &Row<'_>| Ok(ChannelSlots { next_at: row.get(0)?, hold_until: row.get(1)? });
    let mut known = tx.first_row(known, [channel], read)?.unwrap_or_default();

    let reserved = "SELECT slot_at FROM lane WHERE name = ?1 AND slot_channel = ?2";
    // A lane has at most one slot: one that asks again and again, as a busy ticket does, pushes no
    // other back.
    let at = if let Some(at) = tx.first_row(reserved, (lane, channel), |row| row.get(0))? {
        at
    } else {
        let at = known.take_next(pace, now);
        let advance = "INSERT INTO slot (channel, next_at) VALUES (?1, ?2)
                       ON CONFLICT (channel) DO UPDATE SET next_at = excluded.next_at";
        tx.run_statement(advance, (channel, known.next_at))?;
        at
    };
    let (channel, kept) = if at > now { (Some(channel), Some(at)) } else { (None, None) };
    let keep = "UPDATE lane SET slot_channel = ?2, slot_at = ?3 WHERE name = ?1";
    tx.run_statement(keep, (lane, channel, kept))?;
    Ok(at)
}

/// Holds a channel until the given time, or longer if it is held already. Whose post was refused goes
/// first then, and all turns that were reserved follow in their order.
pub(super) fn shift_slots(
    tx: &Connection,
    refused: ItemId,
    channel: &str,
    pace: PostRate,
    (until, now): (i64, i64),
) -> Result<()> {
    let known = "SELECT next_at, hold_until FROM slot WHERE channel = ?1";
    let read = |row: &Row<'_>| Ok(ChannelSlots { next_at: row.get(0)?, hold_until: row.get(1)? });
    let mut known = tx.first_row(known, [channel], read)?.unwrap_or_default();

    let first = "SELECT name FROM lane JOIN item ON item.lane = lane.name WHERE item.id = ?1";
    let first: Option<String> = tx.first_row(first, [refused], |row| row.get(0))?;
    let reserved = "SELECT name, slot_at FROM lane
                    WHERE slot_channel = ?1 AND name IS NOT ?2 ORDER BY slot_at, name";
    let turn = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    let others = tx.all_rows(reserved, (channel, &first), turn)?;
    // Whoever was refused goes first, before all turns that were reserved.
    let mut row: Vec<(String, i64)> = first.into_iter().map(|lane| (lane, i64::MIN)).collect();
    row.extend(others);

    let times = known.hold_posts(pace, (until, now), row.iter().map(|(_, at)| *at));
    let keep = "INSERT INTO slot (channel, next_at, hold_until) VALUES (?1, ?2, ?3)
                ON CONFLICT (channel) DO UPDATE
                SET next_at = excluded.next_at, hold_until = excluded.hold_until";
    tx.run_statement(keep, (channel, known.next_at, known.hold_until))?;
    for ((lane, _), at) in row.iter().zip(times) {
        let shift = "UPDATE lane SET slot_channel = ?2, slot_at = ?3 WHERE name = ?1";
        tx.run_statement(shift, (lane, channel, at))?;
    }
    Ok(())
}
