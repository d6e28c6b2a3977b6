//! Items and their lanes: in, out, and what became of them.

use tokio_postgres::Row;

use super::columns::{self, text, value};
use super::database::{Database, Params, Statement};
use super::text::{keepable, keepable_if_any};
use super::watch::Instance;
use super::writes::{WriteStatements, Written};
use crate::model::ChannelId;
use crate::store::row;
use crate::store::{
    CallState, CallTry, Error, InboxDepth, Item, ItemId, LEASE_ITEMS, ParkedItem, Places, Pool,
    Result,
};

/// Marks a try of a call that has ended: no try that is under way has this number.
const ENDED_ATTEMPT: i64 = 0;

/// Lanes as they were leased, with their tokens and the items at their heads. `due_in` is in how long
/// they may be due, `now` the time on which the items' are based.
pub(super) async fn lease_lanes(
    db: &Database,
    instance: &Instance,
    (due_in, term): (i64, i64),
    taken: &[String],
    places: &Places,
) -> Result<Vec<(String, i64, Vec<Item>)>> {
    let sql = "SELECT * FROM lease_lanes_but($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let taken: Vec<_> = taken.iter().map(keepable).collect();
    let of_pools = Pool::ALL.map(|pool| count(places.count(pool)));
    let (given, of_pools) = (instance.given_time(), of_pools.as_slice());
    let (limit, most) = (count(places.total()), count(LEASE_ITEMS));
    let params: &Params<'_> =
        &[&given, &instance.id, &due_in, &term, &taken, &places.closed(), &of_pools, &limit, &most];
    let rows = db.query("", sql, params).await?;
    // The times are distances from when the server answered. Taken from before that, an event would count
    // as older than the post that it came after, and as one about a message that is none of ours.
    let now = instance.clock.now().as_millisecond();
    let mut tokens = std::collections::HashMap::new();
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        tokens.insert(text(row, "lane")?, value::<i64>(row, "token")?);
        items.push(columns::to_item_row(row, now)?);
    }
    let leased = row::group_by_lane(items)?.into_iter().filter_map(|(lane, items)| {
        let token = *tokens.get(&lane)?;
        Some((lane, token, items))
    });
    Ok(leased.collect())
}

/// In how long the first lane is due that is not one of these, and for which there is a place.
pub(super) async fn read_next_due(
    db: &Database,
    given: Option<i64>,
    taken: &[String],
    places: &Places,
) -> Result<Option<i64>> {
    let taken: Vec<_> = taken.iter().map(keepable).collect();
    let open = Pool::ALL.into_iter().filter(|pool| places.count(*pool) > 0).map(Pool::number);
    let open: Vec<i64> = open.filter_map(|number| i64::try_from(number).ok()).collect();
    let sql = "SELECT next_due_but($1, $2, $3, $4)";
    db.one_value(sql, &[&given, &taken, &places.closed(), &open]).await
}

/// For each of these beginnings, whether there is an item of this source whose key begins like that.
pub(super) async fn find_key_prefixes(
    db: &Database,
    source: &str,
    prefixes: &[String],
) -> Result<Vec<bool>> {
    // Bounds, not a pattern: keys are ordered, and may hold anything.
    let sql = r#"SELECT coalesce(array_agg(EXISTS (SELECT FROM item WHERE source = $1
                     AND left(key, 200) COLLATE "C" >= left(prefix, 200)
                     AND left(key, 200) COLLATE "C" <= left(prefix, 200) || chr(1114111)
                     AND key >= prefix AND key < prefix || chr(1114111)) ORDER BY place), '{}')
                 FROM unnest($2::text[]) WITH ORDINALITY AS wanted (prefix, place)"#;
    let prefixes: Vec<_> = prefixes.iter().map(keepable).collect();
    db.one_value(sql, &[&source, &prefixes]).await
}

/// The greatest key of this source that begins like this, and how much later than now its item
/// arrived.
pub(super) async fn read_greatest_key(
    db: &Database,
    given: Option<i64>,
    source: &str,
    prefix: &str,
) -> Result<Option<(String, i64)>> {
    let sql = r#"SELECT key, received - time_now($3) AS received_in FROM item WHERE source = $1
                 AND left(key, 200) COLLATE "C" >= left($2, 200)
                 AND left(key, 200) COLLATE "C" <= left($2, 200) || chr(1114111)
                 AND key >= $2 AND key < $2 || chr(1114111)
                 ORDER BY left(key, 200) COLLATE "C" DESC, key DESC LIMIT 1"#;
    let row = db.first_row(sql, &[&source, &keepable(prefix), &given]).await?;
    row.map(|row| Ok((text(&row, "key")?, value(&row, "received_in")?))).transpose()
}

/// The parked items of two lanes, or of all.
pub(super) async fn read_parked(
    db: &Database,
    (given, now): (Option<i64>, i64),
    lanes: Option<[String; 2]>,
) -> Result<Vec<ParkedItem>> {
    let sql = "SELECT id, lane, source, reason, received - time_now($1) AS received_in FROM item
               WHERE state = 'parked'
                   AND ($2::text IS NULL OR key_of(lane) IN (key_of($2), key_of($3::text)))
               ORDER BY id";
    let [first, second] = lanes.map_or([None, None], |lanes| lanes.map(Some));
    let lanes = (keepable_if_any(first.as_ref()), keepable_if_any(second.as_ref()));
    let rows = db.query("", sql, &[&given, &lanes.0, &lanes.1]).await?;
    rows.iter().map(|row| columns::to_parked_row(row, now)?.try_into()).collect()
}

/// What the far end sent of a parked item.
pub(super) async fn read_parked_body(db: &Database, item: ItemId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM item WHERE id = $1 AND state = 'parked'";
    let row = db.first_row(sql, &[&item]).await?;
    Ok(row.map(|row| value::<Option<Vec<u8>>>(&row, "body")).transpose()?.flatten())
}

/// Whether something of this source whose key begins like this waits in a lane.
pub(super) async fn has_waiting(
    db: &Database,
    lane: &str,
    source: &str,
    key: &str,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM item WHERE state = 'waiting'
                   AND key_of(lane) = key_of($1) AND source = $2 AND starts_with(key, $3))";
    db.one_value(sql, &[&keepable(lane), &source, &keepable(key)]).await
}

/// How much of this source whose keys begin like this waits in a lane.
pub(super) async fn count_waiting(
    db: &Database,
    lane: &str,
    source: &str,
    key: &str,
) -> Result<i64> {
    let sql = "SELECT count(*) FROM item WHERE state = 'waiting'
                   AND key_of(lane) = key_of($1) AND source = $2 AND starts_with(key, $3)";
    db.one_value(sql, &[&keepable(lane), &source, &keepable(key)]).await
}

/// Whether what waits in a lane has begun one of these calls.
pub(super) async fn has_begun(db: &Database, lane: &str, steps: &[&str]) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM item JOIN step ON step.item = item.id
               WHERE item.state = 'waiting' AND key_of(item.lane) = key_of($1)
                   AND step.name = ANY ($2))";
    db.one_value(sql, &[&keepable(lane), &steps]).await
}

/// Finishes a parked item unhandled. False if it is not parked.
pub(super) async fn finish_parked(db: &Database, given: Option<i64>, item: ItemId) -> Result<bool> {
    let sql = "WITH skipped AS (
                   UPDATE item SET state = 'skipped', finished = time_now($1)
                   WHERE id = $2 AND state = 'parked' RETURNING id
               ), calls AS (DELETE FROM step USING skipped WHERE item = skipped.id)
               SELECT EXISTS (SELECT FROM skipped)";
    db.one_value(sql, &[&given, &item]).await
}

/// How much waits: not what is in a lane for later, for which nobody waits yet.
pub(super) async fn read_depth(
    db: &Database,
    (given, now): (Option<i64>, i64),
) -> Result<InboxDepth> {
    let sql = "SELECT source, count(*) AS waiting, min(received) - time_now($1) AS oldest_in
               FROM item WHERE state = 'waiting' AND lane NOT LIKE 'own:later:%' GROUP BY source";
    let rows = db.query("", sql, &[&given]).await?;
    let queues = rows.iter().map(|row| {
        let oldest = now.saturating_add(value(row, "oldest_in")?);
        row::to_queue(&text(row, "source")?, value(row, "waiting")?, oldest)
    });
    let queues = queues.collect::<Result<_>>()?;
    let parked: i64 = db.one_value("SELECT count(*) FROM item WHERE state = 'parked'", &[]).await?;
    Ok(InboxDepth { queues, parked: parked.cast_unsigned() })
}

/// Some bodies of items finished before `$1` are erased.
pub(super) const ERASE_BODIES: &str = "
    UPDATE item SET body = NULL WHERE id IN (
        SELECT id FROM item WHERE finished < $1 AND body IS NOT NULL LIMIT 500) RETURNING 1";

/// Some parked items that arrived before `$1` are given up.
pub(super) const EXPIRE_PARKED: &str = "
    DELETE FROM item WHERE id IN (
        SELECT id FROM item WHERE state = 'parked' AND received < $1 LIMIT 500) RETURNING 1";

/// Some items finished before `$1` are forgotten.
pub(super) const DELETE_FINISHED: &str = "
    DELETE FROM item WHERE id IN (SELECT id FROM item WHERE finished < $1 LIMIT 500) RETURNING 1";

/// A call that is about to be made.
pub(super) struct NewCall<'a> {
    pub(super) item: ItemId,
    /// Of the lease with which the item was handed out.
    pub(super) token: i64,
    pub(super) step: &'a str,
    pub(super) channel: Option<&'a ChannelId>,
    pub(super) now: i64,
}

/// Marks a call as begun, unless it was begun before, after what is to be written first in the same
/// transaction.
pub(super) async fn mark_begun(
    db: &Database,
    instance: &Instance,
    call: NewCall<'_>,
    mut first: WriteStatements,
) -> Result<(CallState, Written)> {
    let NewCall { item, token, step, channel, now } = call;
    let (attempt, given) = (fastrand::i64(1..), instance.clock_counts.then_some(now));
    let step = keepable(step);
    let mut all = first.take_all();
    all.push(Statement::new(
        "SELECT is_fresh, tried_in, result FROM begin_call($1, $2, $3, $4, $5, $6, $7, $8)",
        vec![
            Box::new(given),
            Box::new(item),
            Box::new(token),
            Box::new(step.clone().into_owned()),
            Box::new(channel.map(|channel| channel.as_str().to_owned())),
            Box::new(attempt),
            Box::new(instance.id),
            Box::new(instance.term_millis()),
        ],
    ));
    let is_begun = "SELECT EXISTS (SELECT FROM step WHERE item = $1 AND attempt = $2)";
    let is_begun = Statement::new(is_begun, vec![Box::new(item), Box::new(attempt)]);
    let (answers, written) =
        if let Some(answers) = db.run_together("", &all, Some(&is_begun)).await? {
            let written = first.read_answers(&answers)?;
            (answers, written)
        } else {
            // The answer was lost, and is given again.
            let begin = all.split_off(all.len().saturating_sub(1));
            (db.run_together("", &begin, None).await?.unwrap_or_default(), Written::UNKNOWN)
        };
    let row = answers.into_iter().last().and_then(|answer| answer.into_iter().next());
    let row = row.ok_or(Error::Unreadable { what: "call" })?;
    // As late as it may have been: an absence is to be believed too late rather than too early.
    let now = given.unwrap_or_else(|| instance.clock.now().as_millisecond());
    let begun = match columns::optional_text(&row, "result")? {
        Some(result) => CallState::Done(result),
        None if value(&row, "is_fresh")? => CallState::Fresh,
        None => {
            let tried = row::parse_timestamp(now.saturating_add(value(&row, "tried_in")?))?;
            let has_ended = "SELECT EXISTS (SELECT FROM step WHERE item = $1
                             AND key_of(name) = key_of($2) AND attempt = $3)";
            let params: &Params<'_> = &[&item, &step, &ENDED_ATTEMPT];
            let has_ended = db.one_value(has_ended, params).await?;
            let last_try = if has_ended { CallTry::Ended } else { CallTry::Begun };
            CallState::OutcomeUnknown(last_try(tried))
        }
    };
    Ok((begun, written))
}

/// Marks a call as made for another time, by whoever has the item, or as ended without an outcome.
pub(super) async fn update_tried(
    db: &Database,
    (item, token): (ItemId, i64),
    step: &str,
    ((given, tried_in), has_ended): ((Option<i64>, i64), bool),
) -> Result<()> {
    let attempt = if has_ended { ENDED_ATTEMPT } else { fastrand::i64(1..) };
    let sql = "UPDATE step SET tried = time_now($5) + $6, attempt = $7 FROM item, lane
               WHERE step.item = $1 AND key_of(step.name) = key_of($2) AND item.id = step.item
                   AND key_of(lane.name) = key_of(item.lane) AND lane.token = $3
                   AND item.state = $4 RETURNING 1";
    let params: &Params<'_> =
        &[&item, &keepable(step), &token, &"waiting", &given, &tried_in, &attempt];
    require_item(&db.query("", sql, params).await?)
}

fn require_item(changed: &[Row]) -> Result<()> {
    if changed.is_empty() {
        return Err(Error::LeaseLost { lane: String::new() });
    }
    Ok(())
}

/// Takes the mark of a call away, if whoever asks still has the item: otherwise the mark is
/// somebody else's by now.
pub(super) async fn delete_calls(
    db: &Database,
    (item, token): (ItemId, i64),
    steps: &[&str],
) -> Result<()> {
    let sql = "DELETE FROM step USING item, lane
               WHERE step.item = $1 AND item.id = step.item
                   AND key_of(step.name) IN (SELECT key_of(gone) FROM unnest($2::text[]) gone)
                   AND key_of(lane.name) = key_of(item.lane) AND lane.token = $3";
    let steps: Vec<_> = steps.iter().map(|step| keepable(step)).collect();
    db.query("", sql, &[&item, &steps, &token]).await?;
    Ok(())
}

/// Whether a waiting item has begun, before the given time, to post to this channel, or may have and
/// lost the mark of it. What waits for a message that is not known posts nothing.
pub(super) async fn has_begun_post(
    db: &Database,
    channel: &ChannelId,
    (given, before_in): (Option<i64>, i64),
) -> Result<bool> {
    let sql = "SELECT EXISTS (
                   SELECT FROM step JOIN item ON item.id = step.item
                   WHERE step.channel = $1 AND step.begun <= time_now($2) + $3
                       AND item.state = 'waiting')
               OR EXISTS (
                   SELECT FROM item WHERE doubt AND state = 'waiting'
                       AND received <= time_now($2) + $3 AND lane NOT LIKE 'slack:%')";
    db.one_value(sql, &[&channel.as_str(), &given, &before_in]).await
}

/// All calls of an item that were begun, with their results.
pub(super) async fn read_calls(
    db: &Database,
    item: ItemId,
) -> Result<Vec<(String, Option<String>)>> {
    let sql = "SELECT name, result FROM step WHERE item = $1 ORDER BY begun, name";
    let read = |row: &Row| Ok((text(row, "name")?, columns::optional_text(row, "result")?));
    db.query("", sql, &[&item]).await?.iter().map(read).collect()
}
