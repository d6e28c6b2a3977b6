//! One customer: found, shown, and forgotten.
//!
//! What is forgotten leaves salted hashes of its ids, so that nothing of it comes back: not by a
//! repeat, not by catching up, not by an event that was under way.

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::sql::Sql;
use super::{columns, erased, tickets};
use crate::model::{CustomerKey, TicketId};
use crate::store::row::LinkRow;
use crate::store::{Error, Kept, KeptEvent, Lane, Result, row};

/// The tickets of a customer, oldest first.
pub(super) fn tickets_of(db: &Connection, key: &CustomerKey) -> Result<Vec<TicketId>> {
    let all = "SELECT id, customer, originator FROM ticket ORDER BY opened, id";
    let all: Vec<(String, String, Option<String>)> =
        db.all(all, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let is_theirs = |customer: &str, originator: Option<&str>| {
        key.names(customer) || originator.is_some_and(|originator| key.names(originator))
    };
    let known = all.into_iter().filter(|(_, it, behind)| is_theirs(it, behind.as_deref()));
    let mut ids: Vec<String> = known.map(|(id, ..)| id).collect();
    // One whose card is just being posted is not written yet.
    let coming = "SELECT substr(lane, 8), body FROM item
                  WHERE state IN ('waiting', 'parked') AND lane GLOB 'ticket:*' AND body IS NOT NULL
                      AND NOT EXISTS (SELECT 1 FROM ticket WHERE id = substr(item.lane, 8))";
    let coming: Vec<(String, Vec<u8>)> =
        db.all(coming, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (id, body) in coming {
        if !ids.contains(&id) && has_identity_of(key, &body) {
            ids.push(id);
        }
    }
    Ok(ids.iter().filter_map(|id| TicketId::parse(id)).collect())
}

/// Whether a string of this JSON, as a whole, is an identity of the customer. What only mentions or
/// contains one is somebody else's.
fn has_identity_of(key: &CustomerKey, body: &[u8]) -> bool {
    let is_identity = |text: &str| text.contains('@') && !text.contains(char::is_whitespace);
    String::from_utf8_lossy(body).split('"').any(|text| is_identity(text) && key.names(text))
}

/// All that is kept of a ticket.
pub(super) fn kept(db: &Connection, id: &TicketId) -> Result<Kept> {
    let links = "SELECT message.*, twin.blip_id FROM message LEFT JOIN twin USING (channel, ts)
                 WHERE message.ticket = ?1 ORDER BY ts";
    let links: Vec<LinkRow> = db.all(links, [id.to_string()], columns::link)?;
    let events = "SELECT source, received, state, body FROM item WHERE lane = ?1 ORDER BY id";
    let events = db.all(events, [Lane::Ticket(id.clone()).name()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let event = |(source, received, state, body): (String, i64, String, Option<Vec<u8>>)| {
        Ok(KeptEvent { source, received: row::timestamp(received)?, state, body })
    };
    Ok(Kept {
        ticket: tickets::get(db, id)?.map(TryInto::try_into).transpose()?,
        first_words: tickets::first_words(db, id)?,
        links: links.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
        events: events.into_iter().map(event).collect::<Result<_>>()?,
    })
}

/// Forgets a customer, and says which tickets these were.
pub(super) fn erase(tx: &Connection, key: &CustomerKey, now: i64) -> Result<Vec<TicketId>> {
    let ids = tickets_of(tx, key)?;
    let salt = salt(tx)?;
    let mut traces = key.beginnings();
    for id in &ids {
        if let Some(ticket) = tickets::get(tx, id)? {
            traces.push(ticket.customer);
            traces.extend(ticket.customer_name);
            traces.extend(ticket.originator);
        }
        leave_hash(tx, &salt, TICKET, &id.to_string(), now)?;
        let lane = Lane::Ticket(id.clone()).name();
        let keys = "SELECT source || ':' || key FROM item WHERE lane = ?1";
        for key in tx.all(keys, [&lane], |row| row.get::<_, String>(0))? {
            leave_hash(tx, &salt, EVENT, &key, now)?;
        }
        // With the calls that were made for them. Jobs elsewhere name the ticket in their keys or
        // in their bodies.
        let delete =
            "DELETE FROM item WHERE lane = ?1 OR (source = 'desk' AND (instr(lower(key), ?2) > 0
                          OR instr(lower(CAST(body AS TEXT)), '\"' || ?2 || '\"') > 0))";
        tx.run(delete, (&lane, id.to_string().to_lowercase()))?;
        tickets::delete(tx, &id.to_string())?;
    }
    tx.run(
        "DELETE FROM lane WHERE name NOT IN (SELECT lane FROM item WHERE state = 'waiting')",
        [],
    )?;
    erase_bodies(tx, &traces)?;
    erased::note_rewrite_due(tx)?;
    Ok(ids)
}

/// Erases the bodies of what is finished that name the customer, or of which nobody knows to whom
/// they belong. Of other customers' events, nothing that is still to be done is touched.
fn erase_bodies(tx: &Connection, traces: &[String]) -> Result<()> {
    let unknown = "UPDATE item SET body = NULL
                   WHERE finished IS NOT NULL AND body IS NOT NULL
                       AND (lane NOT GLOB 'ticket:*'
                           OR NOT EXISTS (SELECT 1 FROM ticket WHERE id = substr(item.lane, 8)))";
    tx.run(unknown, [])?;
    let with = "UPDATE item SET body = NULL
                WHERE finished IS NOT NULL AND body IS NOT NULL
                    AND instr(lower(CAST(body AS TEXT)), lower(?1)) > 0";
    for trace in traces {
        // As it is, and as JSON may have it.
        for trace in [trace.clone(), escaped(trace)] {
            tx.run(with, [trace])?;
        }
    }
    Ok(())
}

/// A text as it stands in JSON that is ASCII only.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
            _ => escaped.extend(format!("\\u{unit:04x}").chars()),
        }
    }
    escaped
}

const TICKET: &str = "ticket";
const EVENT: &str = "event";

/// When a ticket was forgotten, if it was. Before ids were kept in lower case, their hashes were of
/// what Blip wrote.
pub(super) fn erased_at(db: &Connection, ticket: &TicketId) -> Result<Option<i64>> {
    let ids = [ticket.to_string(), format!("{}/{}", ticket.bot(), ticket.blip())];
    for id in ids {
        if let Some(at) = hash_of(db, TICKET, &id)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Refuses what belongs to a ticket that was opened before it was forgotten. One that is opened
/// afterwards, under the same id, is new.
pub(super) fn refuse_erased(db: &Connection, ticket: &TicketId, opened: i64) -> Result<()> {
    match erased_at(db, ticket)? {
        Some(at) if opened < at => Err(Error::Erased { ticket: ticket.to_string() }),
        _ => Ok(()),
    }
}

/// Whether an event was forgotten: it does not come back.
pub(super) fn is_erased_event(db: &Connection, source: &str, key: &str) -> Result<bool> {
    Ok(hash_of(db, EVENT, &format!("{source}:{key}"))?.is_some())
}

/// Erases some hashes from before the given time, and says how many.
pub(super) fn forget(tx: &Connection, before: i64) -> Result<usize> {
    Ok(tx.run("DELETE FROM erased WHERE at < ?1", [before])?)
}

/// When a hash of this was left, if it was.
fn hash_of(db: &Connection, kind: &str, id: &str) -> Result<Option<i64>> {
    // Nearly always there is none at all.
    if !db.one::<bool>("SELECT EXISTS (SELECT 1 FROM erased)", [])? {
        return Ok(None);
    }
    let hash = hash(&salt(db)?, kind, id);
    Ok(db.first("SELECT at FROM erased WHERE hash = ?1", [hash], |row| row.get(0))?)
}

fn leave_hash(tx: &Connection, salt: &str, kind: &str, id: &str, now: i64) -> Result<()> {
    let hash = hash(salt, kind, id);
    tx.run("REPLACE INTO erased (hash, at) VALUES (?1, ?2)", (hash, now))?;
    Ok(())
}

fn hash(salt: &str, kind: &str, id: &str) -> Vec<u8> {
    Sha256::digest(format!("{salt}:{kind}:{id}")).to_vec()
}

/// What makes the hashes of this database its own.
fn salt(db: &Connection) -> Result<String> {
    let known = "SELECT value FROM meta WHERE key = 'salt'";
    if let Some(salt) = db.first(known, [], |row| row.get(0))? {
        return Ok(salt);
    }
    let salt = Uuid::new_v4().to_string();
    db.run("INSERT INTO meta (key, value) VALUES ('salt', ?1)", [&salt])?;
    Ok(salt)
}
