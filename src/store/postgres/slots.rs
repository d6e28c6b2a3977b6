//! Whose turn it is to post to a channel.

use deadpool_postgres::Transaction;

use super::columns::{optional_text, text, value};
use super::database::{Attempts, Database, PATIENCE, execute, give_back, query};
use super::fault::PostgresFault;
use super::text::{keepable, keepable_if_any};
use crate::model::ChannelId;
use crate::store::pace::{ChannelSlots, MAX_SLOT_AHEAD_MS};
use crate::store::{Error, ItemId, PostRate, Result};

/// In how long the lane may post to this channel. A time to come is reserved for it, any other used
/// up.
pub(super) async fn reserve_slot(
    db: &Database,
    given: Option<i64>,
    lane: &str,
    channel: &ChannelId,
    pace: PostRate,
) -> Result<i64> {
    let (interval, ahead) = pace.in_millis();
    let sql = "SELECT take_slot($1, $2, $3, $4, $5, $6)";
    let (lane, channel) = (keepable(lane), channel.as_str());
    db.one_value(sql, &[&given, &lane, &channel, &interval, &ahead, &MAX_SLOT_AHEAD_MS]).await
}

/// Holds a channel until the given time, or longer if it is held already. Whose post was refused goes
/// first then, and all turns that were reserved follow in their order.
pub(super) async fn shift_slots(
    db: &Database,
    given: Option<i64>,
    refused: ItemId,
    channel: &ChannelId,
    pace: PostRate,
    until_in: i64,
) -> Result<()> {
    let attempts = Attempts::new(PATIENCE);
    let mut client = attempts.connect(db.work()).await?;
    let held = attempts.limit(async {
        let transaction = client.transaction().await?;
        let held = shift_reserved(&transaction, given, refused, channel, (pace, until_in)).await;
        if held.is_ok() {
            transaction.commit().await?;
        }
        Ok(held)
    });
    let held: std::result::Result<Result<()>, PostgresFault> = held.await;
    give_back(client, &held);
    held?
}

async fn shift_reserved(
    transaction: &Transaction<'_>,
    given: Option<i64>,
    refused: ItemId,
    channel: &ChannelId,
    (pace, until_in): (PostRate, i64),
) -> Result<()> {
    let make = "INSERT INTO slot (channel) VALUES ($1) ON CONFLICT DO NOTHING";
    execute(transaction, make, &[&channel.as_str()]).await?;
    // By the server's clock, as several instances share a channel.
    let lock = "SELECT next_at, hold_until, time_now($2) AS now_at FROM slot
                WHERE channel = $1 FOR UPDATE";
    let rows = query(transaction, lock, &[&channel.as_str(), &given]).await?;
    let row = rows.first().ok_or(Error::Unreadable { what: "slot" })?;
    let now: i64 = value(row, "now_at")?;
    let mut known =
        ChannelSlots { next_at: value(row, "next_at")?, hold_until: value(row, "hold_until")? };

    let first = "SELECT lane FROM item WHERE id = $1 AND state = 'waiting'";
    let first = query(transaction, first, &[&refused]).await?;
    let first = first.first().map_or(Ok(None), |row| optional_text(row, "lane"))?;
    let reserved = "SELECT name, slot_at FROM lane
                    WHERE slot_channel = $1 AND name IS DISTINCT FROM $2
                    ORDER BY slot_at, name FOR UPDATE";
    let kept_first = keepable_if_any(first.as_ref());
    // Whoever was refused goes first, before all turns that were reserved.
    let mut turns: Vec<(String, i64)> = first.iter().map(|lane| (lane.clone(), i64::MIN)).collect();
    for row in query(transaction, reserved, &[&channel.as_str(), &kept_first]).await? {
        turns.push((text(&row, "name")?, value(&row, "slot_at")?));
    }

    let until = now.saturating_add(until_in);
    let times = known.hold_posts(pace, (until, now), turns.iter().map(|(_, at)| *at));
    let keep = "UPDATE slot SET next_at = $2, hold_until = $3 WHERE channel = $1";
    execute(transaction, keep, &[&channel.as_str(), &known.next_at, &known.hold_until]).await?;
    for ((lane, _), at) in turns.iter().zip(times) {
        let shift = "UPDATE lane SET slot_channel = $2, slot_at = $3
                     WHERE key_of(name) = key_of($1)";
        execute(transaction, shift, &[&keepable(lane), &channel.as_str(), &at]).await?;
    }
    Ok(())
}
