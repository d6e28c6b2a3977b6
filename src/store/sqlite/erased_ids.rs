//! Which ids were erased: salted hashes are left of them, so that nothing of them comes back: not by a
//! repeat, not by catching up, not by an event that was under way.

use rusqlite::Connection;
use uuid::Uuid;

use super::sql::Sql;
use crate::model::TicketId;
use crate::store::erasure::{hash_event, hash_ticket, ticket_of_job};
use crate::store::{Error, Lane, Result};

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

/// Keeps that this was erased.
pub(super) fn insert_hash(tx: &Connection, hash: Vec<u8>, now: i64) -> Result<()> {
    tx.run_statement("REPLACE INTO erased (hash, at) VALUES (?1, ?2)", (hash, now))?;
    Ok(())
}

/// What makes the hashes of this database its own.
pub(super) fn read_salt(db: &Connection) -> Result<String> {
    let known = "SELECT value FROM meta WHERE key = 'salt'";
    if let Some(salt) = db.first_row(known, [], |row| row.get(0))? {
        return Ok(salt);
    }
    let salt = Uuid::new_v4().to_string();
    db.run_statement("INSERT INTO meta (key, value) VALUES ('salt', ?1)", [&salt])?;
    Ok(salt)
}
