//! Whose turn it is to post to a channel.

use rusqlite::{Connection, Row};

use super::sql::Sql;
use crate::store::pace::Channel;
use crate::store::{Pace, Result};

/// When the lane may post to this channel. A time to come is reserved for it, any other used up.
pub(super) fn take(
    tx: &Connection,
    lane: &str,
    channel: &str,
    pace: Pace,
    now: i64,
) -> Result<i64> {
    let known = "SELECT next_at, hold_until FROM slot WHERE channel = ?1";
    let read = |row: &Row<'_>| Ok(Channel { next_at: row.get(0)?, hold_until: row.get(1)? });
    let mut known = tx.first(known, [channel], read)?.unwrap_or_default();

    let reserved = "SELECT slot_at FROM lane
                    WHERE name = ?1 AND slot_channel = ?2 AND slot_at >= ?3";
    let params = (lane, channel, known.hold_until);
    let at = if let Some(at) = tx.first(reserved, params, |row| row.get(0))? {
        at
    } else {
        let at = known.take(pace, now);
        let advance = "INSERT INTO slot (channel, next_at) VALUES (?1, ?2)
                       ON CONFLICT (channel) DO UPDATE SET next_at = excluded.next_at";
        tx.run(advance, (channel, known.next_at))?;
        at
    };
    let (channel, kept) = if at > now { (Some(channel), Some(at)) } else { (None, None) };
    let keep = "UPDATE lane SET slot_channel = ?2, slot_at = ?3 WHERE name = ?1";
    tx.run(keep, (lane, channel, kept))?;
    Ok(at)
}

/// Holds a channel until the given time, or longer if it is held already.
pub(super) fn hold(tx: &Connection, channel: &str, until: i64) -> Result<()> {
    let sql = "INSERT INTO slot (channel, hold_until) VALUES (?1, ?2)
               ON CONFLICT (channel) DO UPDATE SET hold_until = max(hold_until, excluded.hold_until)";
    tx.run(sql, (channel, until))?;
    Ok(())
}
