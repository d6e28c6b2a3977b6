//! Whose turn it is to post to a channel.

use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as, query_scalar};

use crate::store::pace::Channel;
use crate::store::{Pace, Result};

/// The lane's reservation in this channel, or a new one.
pub(super) async fn reserve(
    tx: &mut SqliteConnection,
    lane: &str,
    channel: &str,
    pace: Pace,
    now: i64,
) -> Result<i64> {
    let known = "SELECT next_at, hold_until FROM slot WHERE channel = ?1";
    let known: Option<Channel> = query_as(known).bind(channel).fetch_optional(&mut *tx).await?;
    let mut known = known.unwrap_or_default();

    let reserved = "SELECT slot_at FROM lane
                    WHERE name = ?1 AND slot_channel = ?2 AND slot_at >= ?3";
    let reserved = query_scalar(reserved).bind(lane).bind(channel).bind(known.hold_until);
    if let Some(at) = reserved.fetch_optional(&mut *tx).await? {
        return Ok(at);
    }

    let at = known.take(pace, now);
    let advance = "INSERT INTO slot (channel, next_at) VALUES (?1, ?2)
                   ON CONFLICT (channel) DO UPDATE SET next_at = excluded.next_at";
    query(advance).bind(channel).bind(known.next_at).execute(&mut *tx).await?;
    let keep = "UPDATE lane SET slot_channel = ?2, slot_at = ?3 WHERE name = ?1";
    query(keep).bind(lane).bind(channel).bind(at).execute(tx).await?;
    Ok(at)
}

/// Takes the lane's reservation away.
pub(super) async fn use_up(tx: &mut SqliteConnection, lane: &str) -> Result<()> {
    let sql = "UPDATE lane SET slot_channel = NULL, slot_at = NULL WHERE name = ?1";
    query(sql).bind(lane).execute(tx).await?;
    Ok(())
}

/// Holds a channel until the given time, or longer if it is held already.
pub(super) async fn hold(tx: &mut SqliteConnection, channel: &str, until: i64) -> Result<()> {
    let sql = "INSERT INTO slot (channel, hold_until) VALUES (?1, ?2)
               ON CONFLICT (channel) DO UPDATE SET hold_until = max(hold_until, excluded.hold_until)";
    query(sql).bind(channel).bind(until).execute(tx).await?;
    Ok(())
}
