//! One customer: found, shown, and forgotten.
//!
//! What is forgotten leaves salted hashes of its ids, so that nothing of it comes back: not by a
//! repeat, not by catching up, not by an event that was under way.

use rusqlite::Connection;
use uuid::Uuid;

use super::sql::Sql;
use super::{columns, erased, tickets};
use crate::model::{CustomerKey, TicketId};
use crate::store::erasure::{
    escape_as_json, has_identity_of, hash_event, hash_ticket, is_ticket_of, ticket_of_job,
};
use crate::store::row::LinkRow;
use crate::store::{Error, KeptEvent, KeptTicket, Lane, Result, row};

/// The tickets of a customer, oldest first.
pub(super) fn find_customer_tickets(db: &Connection, key: &CustomerKey) -> Result<Vec<TicketId>> {
    let all = "SELECT id, customer, originator FROM ticket ORDER BY opened, id";
    let all: Vec<(String, String, Option<String>)> =
        db.all_rows(all, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let known = all.into_iter().filter(|(_, it, behind)| is_ticket_of(key, it, behind.as_deref()));
    let mut ids: Vec<String> = known.map(|(id, ..)| id).collect();
    // One whose card is just being posted is not written yet.
    let coming = "SELECT substr(lane, 8), body FROM item
                  WHERE state IN ('waiting', 'parked') AND lane GLOB 'ticket:*' AND body IS NOT NULL
                      AND NOT EXISTS (SELECT 1 FROM ticket WHERE id = substr(item.lane, 8))";
    let coming: Vec<(String, Vec<u8>)> =
        db.all_rows(coming, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (id, body) in coming {
        if !ids.contains(&id) && has_identity_of(key, &body) {
            ids.push(id);
        }
    }
    Ok(ids.iter().filter_map(|id| TicketId::parse(id)).collect())
}

/// All that is kept of a ticket.
pub(super) fn read_kept_ticket(db: &Connection, id: &TicketId) -> Result<KeptTicket> {
    let links = "SELECT message.*, twin.blip_id FROM message LEFT JOIN twin USING (channel, ts)
                 WHERE message.ticket = ?1 ORDER BY ts";
    let links: Vec<LinkRow> = db.all_rows(links, [id.to_string()], columns::to_link_row)?;
    let events =
        "SELECT source, received, state, body FROM item WHERE lane IN (?1, ?2) ORDER BY id";
    let events = db.all_rows(events, Lane::both_of(id).map(|lane| lane.name()), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let event = |(source, received, state, body): (String, i64, String, Option<Vec<u8>>)| {
        Ok(KeptEvent { source, received: row::parse_timestamp(received)?, state, body })
    };
    Ok(KeptTicket {
        ticket: tickets::read_ticket(db, id)?.map(TryInto::try_into).transpose()?,
        first_words: tickets::read_first_words(db, id)?,
        links: links.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
        events: events.into_iter().map(event).collect::<Result<_>>()?,
    })
}

/// Forgets a customer, and says which tickets these were.
pub(super) fn delete_customer(
    tx: &Connection,
    key: &CustomerKey,
    now: i64,
) -> Result<Vec<TicketId>> {
    let ids = find_customer_tickets(tx, key)?;
    let salt = read_salt(tx)?;
    let mut traces = key.identity_prefixes();
    for id in &ids {
        if let Some(ticket) = tickets::read_ticket(tx, id)? {
            traces.push(ticket.customer);
            traces.extend(ticket.customer_name);
            traces.extend(ticket.originator);
        }
        // Only the form of now is written; whoever looks, looks for both.
        let [hash, _as_written] = hash_ticket(&salt, id);
        insert_hash(tx, hash, now)?;
        let [lane, replies] = Lane::both_of(id).map(|lane| lane.name());
        let keys = "SELECT source, key FROM item WHERE lane IN (?1, ?2)";
        let keys: Vec<(String, String)> =
            tx.all_rows(keys, [&lane, &replies], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (source, key) in keys {
            insert_hash(tx, hash_event(&salt, &source, &key), now)?;
        }
        // With the calls that were made for them. Jobs elsewhere name the ticket in their keys or
        // in their bodies.
        let delete =
            "DELETE FROM item WHERE lane IN (?1, ?3) OR (source = 'desk' AND (instr(lower(key), ?2) > 0
                          OR instr(lower(CAST(body AS TEXT)), '\"' || ?2 || '\"') > 0))";
        tx.run_statement(delete, (&lane, id.to_string().to_lowercase(), &replies))?;
        tickets::delete_ticket(tx, &id.to_string())?;
    }
    tx.run_statement(
        "DELETE FROM lane WHERE name NOT IN (SELECT lane FROM item WHERE state = 'waiting')",
        [],
    )?;
    erase_bodies_naming(tx, &traces)?;
    erased::note_rewrite_due(tx)?;
    Ok(ids)
}

/// Erases the bodies of what is finished that name the customer, or of which nobody knows to whom
/// they belong. Of other customers' events, nothing that is still to be done is touched.
fn erase_bodies_naming(tx: &Connection, traces: &[String]) -> Result<()> {
    let unknown = "UPDATE item SET body = NULL
                   WHERE finished IS NOT NULL AND body IS NOT NULL
                       AND NOT (lane GLOB 'ticket:*'
                           AND EXISTS (SELECT 1 FROM ticket WHERE id = substr(item.lane, 8)))
                       AND NOT (lane GLOB 'reply:*'
                           AND EXISTS (SELECT 1 FROM ticket WHERE id = substr(item.lane, 7)))";
    tx.run_statement(unknown, [])?;
    let with = "UPDATE item SET body = NULL
                WHERE finished IS NOT NULL AND body IS NOT NULL
                    AND instr(lower(CAST(body AS TEXT)), lower(?1)) > 0";
    for trace in traces {
        // As it is, and as JSON may have it.
        for trace in [trace.clone(), escape_as_json(trace)] {
            tx.run_statement(with, [trace])?;
        }
    }
    Ok(())
}

/// When a ticket was forgotten, if it was.
pub(super) fn read_erased_at(db: &Connection, ticket: &TicketId) -> Result<Option<i64>> {
    if !has_hashes(db)? {
        return Ok(None);
    }
    for hash in hash_ticket(&read_salt(db)?, ticket) {
        if let Some(at) = time_of_hash(db, hash)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Refuses what belongs to a ticket that was opened before it was forgotten. One that is opened
/// afterwards, under the same id, is new.
pub(super) fn refuse_erased(db: &Connection, ticket: &TicketId, opened: i64) -> Result<()> {
    match read_erased_at(db, ticket)? {
        Some(at) if opened < at => Err(Error::Erased { ticket: ticket.to_string() }),
        _ => Ok(()),
    }
}

/// Whether an event was forgotten: it does not come back.
pub(super) fn is_erased_event(db: &Connection, source: &str, key: &str) -> Result<bool> {
    if !has_hashes(db)? {
        return Ok(false);
    }
    Ok(time_of_hash(db, hash_event(&read_salt(db)?, source, key))?.is_some())
}

/// Whether a job is about a ticket that was forgotten: an event that was under way then may set it
/// out. Once there is anything of the ticket again, what is set out belongs to that.
pub(super) fn is_job_of_erased(db: &Connection, body: &[u8]) -> Result<bool> {
    if !has_hashes(db)? {
        return Ok(false);
    }
    let Some(id) = ticket_of_job(body) else { return Ok(false) };
    if read_erased_at(db, &id)?.is_none() {
        return Ok(false);
    }
    let is_there = "SELECT EXISTS (SELECT 1 FROM ticket WHERE id = ?1)
                        OR EXISTS (SELECT 1 FROM item WHERE lane IN (?2, ?3))";
    let [lane, replies] = Lane::both_of(&id).map(|lane| lane.name());
    Ok(!db.one_value::<bool>(is_there, (id.to_string(), lane, replies))?)
}

/// Erases some hashes from before the given time, and says how many.
pub(super) fn delete_old_hashes(tx: &Connection, before: i64) -> Result<usize> {
    Ok(tx.run_statement("DELETE FROM erased WHERE at < ?1", [before])?)
}

/// When this hash was left, if it was.
fn time_of_hash(db: &Connection, hash: Vec<u8>) -> Result<Option<i64>> {
    Ok(db.first_row("SELECT at FROM erased WHERE hash = ?1", [hash], |row| row.get(0))?)
}

/// Nearly always there is none at all.
fn has_hashes(db: &Connection) -> Result<bool> {
    Ok(db.one_value("SELECT EXISTS (SELECT 1 FROM erased)", [])?)
}

fn insert_hash(tx: &Connection, hash: Vec<u8>, now: i64) -> Result<()> {
    tx.run_statement("REPLACE INTO erased (hash, at) VALUES (?1, ?2)", (hash, now))?;
    Ok(())
}

/// What makes the hashes of this database its own.
fn read_salt(db: &Connection) -> Result<String> {
    let known = "SELECT value FROM meta WHERE key = 'salt'";
    if let Some(salt) = db.first_row(known, [], |row| row.get(0))? {
        return Ok(salt);
    }
    let salt = Uuid::new_v4().to_string();
    db.run_statement("INSERT INTO meta (key, value) VALUES ('salt', ?1)", [&salt])?;
    Ok(salt)
}
