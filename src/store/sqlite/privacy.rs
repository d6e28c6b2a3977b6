//! One customer: found, shown, and forgotten.

use rusqlite::Connection;

use super::erased_ids::{insert_hash, read_salt};
use super::sql::Sql;
use super::{columns, erased, tickets};
use crate::model::{CustomerKey, TicketId};
use crate::store::erasure::{
    escape_as_json, has_identity_of, hash_event, hash_ticket, is_ticket_of,
};
use crate::store::row::LinkRow;
use crate::store::{KeptEvent, KeptTicket, Lane, Result, row};

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
