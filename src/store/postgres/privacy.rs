//! One customer: found, shown, and forgotten.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::columns::{self, text, value};
use super::database::{Attempts, Database, LONG_PATIENCE, execute, give_back, query};
use super::fault::PostgresFault;
use super::text::{keepable, read_back};
use super::tickets;
use crate::model::{CustomerKey, TicketId};
use crate::store::erasure::{
    escape_as_json, has_identity_of, hash_event, hash_ticket, is_ticket_of,
};
use crate::store::{KeptEvent, KeptTicket, Lane, Result, row};

/// The tickets of a customer, oldest first.
pub(super) async fn find_customer_tickets(
    db: &Database,
    key: &CustomerKey,
) -> Result<Vec<TicketId>> {
    let all = tickets::read_identities(db).await?;
    let known = all.into_iter().filter(|(_, it, behind)| is_ticket_of(key, it, behind.as_deref()));
    let mut ids: Vec<String> = known.map(|(id, ..)| id).collect();
    // One whose card is just being posted is not written yet.
    let coming = "SELECT substr(lane, 8) AS id, body FROM item
                  WHERE state IN ('waiting', 'parked') AND lane LIKE 'ticket:%' AND body IS NOT NULL
                      AND NOT EXISTS (SELECT FROM ticket WHERE id = substr(item.lane, 8))";
    for row in db.query("", coming, &[]).await? {
        let (id, body): (String, Vec<u8>) = (text(&row, "id")?, value(&row, "body")?);
        if !ids.contains(&id) && has_identity_of(key, &body) {
            ids.push(id);
        }
    }
    Ok(ids.iter().filter_map(|id| TicketId::parse(id)).collect())
}

/// All that is kept of a ticket.
pub(super) async fn read_kept_ticket(
    db: &Database,
    (given, now): (Option<i64>, i64),
    id: &TicketId,
) -> Result<KeptTicket> {
    let events = "SELECT source, received - time_now($2) AS received_in, state, body FROM item
                  WHERE lane LIKE 'ticket:%' AND key_of(lane) = key_of($1)
                      OR lane LIKE 'reply:%' AND key_of(lane) = key_of($3) ORDER BY id";
    let event = |row: &Row| {
        Ok(KeptEvent {
            source: text(row, "source")?,
            received: row::parse_timestamp(now.saturating_add(value(row, "received_in")?))?,
            state: text(row, "state")?,
            body: value(row, "body")?,
        })
    };
    let [lane, replies] = Lane::both_of(id).map(|lane| lane.name());
    let rows = db.query("", events, &[&lane, &given, &replies]).await?;
    Ok(KeptTicket {
        ticket: tickets::read_ticket(db, id).await?,
        first_words: tickets::read_first_words(db, id).await?,
        links: tickets::read_all_links(db, id).await?,
        events: rows.iter().map(event).collect::<Result<_>>()?,
    })
}

/// Forgets these tickets of a customer.
pub(super) async fn delete_customer(
    db: &Database,
    key: &CustomerKey,
    ids: &[TicketId],
    (salt, now): (&str, i64),
) -> Result<()> {
    let attempts = Attempts::new(LONG_PATIENCE);
    let mut client = attempts.connect(db.work()).await?;
    let deleted = attempts.limit(async {
        let transaction = client.transaction().await?;
        // Longer than for all else: what is to be erased may be in work, and to give up would leave
        // the customer in it.
        transaction.batch_execute("SET LOCAL lock_timeout = '30s'").await?;
        let deleted = delete_tickets(&transaction, key, ids, (salt, now)).await;
        if deleted.is_ok() {
            transaction.commit().await?;
        }
        Ok(deleted)
    });
    let deleted: std::result::Result<Result<()>, PostgresFault> = deleted.await;
    give_back(client, &deleted);
    deleted?
}

async fn delete_tickets(
    tx: &Transaction<'_>,
    key: &CustomerKey,
    ids: &[TicketId],
    (salt, now): (&str, i64),
) -> Result<()> {
    let mut traces = key.identity_prefixes();
    for id in ids {
        let name = id.to_string();
        let names = "SELECT customer, customer_name, originator FROM ticket WHERE id = $1";
        for row in query(tx, names, &[&name]).await? {
            traces.push(text(&row, "customer")?);
            traces.extend(columns::optional_text(&row, "customer_name")?);
            traces.extend(columns::optional_text(&row, "originator")?);
        }
        let [hash, _as_written] = hash_ticket(salt, id);
        insert_hash(tx, hash, now).await?;
        let [lane, replies] = Lane::both_of(id).map(|lane| lane.name());
        let keys = "SELECT source, key FROM item
                    WHERE lane LIKE 'ticket:%' AND key_of(lane) = key_of($1)
                        OR lane LIKE 'reply:%' AND key_of(lane) = key_of($2)";
        for row in query(tx, keys, &[&lane, &replies]).await? {
            let (source, key) = (text(&row, "source")?, text(&row, "key")?);
            insert_hash(tx, hash_event(salt, &source, &key), now).await?;
        }
        // With the calls that were made for them. Jobs elsewhere name the ticket in their keys or in
        // their bodies.
        let delete = r#"DELETE FROM item WHERE lane LIKE 'ticket:%' AND key_of(lane) = key_of($1)
                            OR lane LIKE 'reply:%' AND key_of(lane) = key_of($3)
                            OR source = 'desk' AND (position($2 IN lower(key)) > 0
                                OR position(lower(encode(convert_to('"' || $2 || '"', 'UTF8'),
                                    'escape')) IN lower(encode(body, 'escape'))) > 0)"#;
        execute(tx, delete, &[&lane, &name.to_lowercase(), &replies]).await?;
        for sql in [
            "DELETE FROM first_words WHERE ticket = $1",
            "DELETE FROM drawn_card WHERE ticket = $1",
            "DELETE FROM assignment WHERE ticket = $1",
            "DELETE FROM twin WHERE ticket = $1",
            "DELETE FROM message WHERE ticket = $1",
            "DELETE FROM ticket WHERE id = $1",
        ] {
            execute(tx, sql, &[&name]).await?;
        }
    }
    drop_empty_lanes(tx).await?;
    erase_bodies_naming(tx, &traces).await
}

/// Locked first, and read anew then: something may just have come in.
async fn drop_empty_lanes(tx: &Transaction<'_>) -> Result<()> {
    let empty = "SELECT name FROM lane WHERE NOT EXISTS (
                     SELECT FROM item WHERE state = 'waiting' AND key_of(lane) = key_of(name))
                 FOR UPDATE";
    let names: Vec<String> =
        query(tx, empty, &[]).await?.iter().map(|row| value(row, "name")).collect::<Result<_>>()?;
    let delete =
        "DELETE FROM lane WHERE key_of(name) IN (SELECT key_of(n) FROM unnest($1::text[]) n)
                      AND NOT has_waiting(name)";
    execute(tx, delete, &[&names]).await?;
    Ok(())
}

/// Erases the bodies of what is finished that name the customer, or of which nobody knows to whom
/// they belong. Of other customers' events, nothing that is still to be done is touched.
async fn erase_bodies_naming(tx: &Transaction<'_>, traces: &[String]) -> Result<()> {
    let unknown = "UPDATE item SET body = NULL
                   WHERE finished IS NOT NULL AND body IS NOT NULL
                       AND NOT (lane LIKE 'ticket:%'
                           AND EXISTS (SELECT FROM ticket WHERE id = substr(item.lane, 8)))
                       AND NOT (lane LIKE 'reply:%'
                           AND EXISTS (SELECT FROM ticket WHERE id = substr(item.lane, 7)))";
    execute(tx, unknown, &[]).await?;
    let with = "UPDATE item SET body = NULL
                WHERE finished IS NOT NULL AND body IS NOT NULL
                    AND position(lower(encode($1, 'escape')) IN lower(encode(body, 'escape'))) > 0";
    for trace in traces {
        // As it is, and as JSON may have it.
        for trace in [trace.clone(), escape_as_json(trace)] {
            execute(tx, with, &[&trace.into_bytes()]).await?;
        }
    }
    Ok(())
}

async fn insert_hash(tx: &Transaction<'_>, hash: Vec<u8>, now: i64) -> Result<()> {
    let sql = "INSERT INTO erased (hash, at) VALUES ($1, $2)
               ON CONFLICT (hash) DO UPDATE SET at = excluded.at";
    execute(tx, sql, &[&hash, &now]).await?;
    Ok(())
}

/// When one of these hashes was left, if any was.
pub(super) async fn read_erased_at(db: &Database, hashes: &[Vec<u8>]) -> Result<Option<i64>> {
    db.one_value("SELECT max(at) FROM erased WHERE hash = ANY ($1)", &[&hashes]).await
}

/// Reads what is remembered under a name.
pub(super) async fn read_meta(db: &Database, key: &str) -> Result<Option<String>> {
    let row = db.first_row("SELECT value FROM meta WHERE key = $1", &[&keepable(key)]).await?;
    let kept = row.map(|row| value::<Option<String>>(&row, "value")).transpose()?;
    Ok(kept.flatten().map(read_back))
}

/// Remembers something under a name, or forgets it.
pub(super) async fn put_meta(db: &Database, key: &str, kept: Option<&str>) -> Result<()> {
    let key = keepable(key);
    match kept {
        Some(kept) => {
            let sql = "INSERT INTO meta (key, value) VALUES ($1, $2)
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            db.query("", sql, &[&key, &keepable(kept)]).await?;
        }
        None => {
            db.query("", "DELETE FROM meta WHERE key = $1", &[&key]).await?;
        }
    }
    Ok(())
}
