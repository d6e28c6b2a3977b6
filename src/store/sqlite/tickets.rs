//! Tickets, and which Slack messages belong to them.

use rusqlite::{Connection, Row, named_params};

use super::sql::Sql;
use super::{columns, erased_ids, items};
use crate::model::fold::fold_text;
use crate::model::ids::stored_id;
use crate::model::{ChannelId, MessageTs, SlackUserId, Thread, TicketId};
use crate::store::row::{KnownRepliesRow, LinkRow, TicketRow, role_name};
use crate::store::{DrawnCard, Error, Lane, Link, Result};

/// Changes a ticket where no index has what is changed, as with nearly every message: `REPLACE` writes
/// each page of each index anew, and a ticket of many has its places in all of them.
const UPDATE_TICKET: &str = "
    UPDATE ticket SET spelled = :spelled, address = :address, customer_name = :customer_name,
        originator = :originator, domain = :domain, team = :team, tags = :tags, ending = :ending,
        agent = :agent, agent_name = :agent_name, agent_identity = :agent_identity,
        channel = :channel, root = :root, heard = :heard, unanswered = :unanswered,
        answered = :answered, answered_by = :answered_by, rating = :rating, priority = :priority, passed_limits = :passed_limits,
        standby = :standby, revision = :revision, version = :version
    WHERE id = :id AND bot = :bot AND number IS :number AND parent IS :parent
        AND customer = :customer AND opened = :opened AND state = :state AND changed IS :changed";

/// Writes a ticket, new or changed, unless somebody else has since it was read: its version is the
/// one that it will have.
pub(super) fn write_ticket(tx: &Connection, id: &TicketId, row: &TicketRow) -> Result<()> {
    erased_ids::refuse_erased(tx, id, row.opened)?;
    let known = "SELECT version FROM ticket WHERE id = ?1";
    let known: Option<i64> = tx.first_row(known, [&row.id], |row| row.get(0))?;
    if known.unwrap_or_default().saturating_add(1) != row.version {
        return Err(Error::Conflict { ticket: row.id.clone() });
    }
    let sql = "REPLACE INTO ticket (id, spelled, bot, address, number, parent, customer, customer_name,
                   originator, domain, team, tags, opened, state, changed, ending, agent, agent_name,
                   agent_identity, channel, root, heard, unanswered, answered, answered_by, rating,
                   priority, passed_limits, standby, revision, version)
               VALUES (:id, :spelled, :bot, :address, :number, :parent, :customer, :customer_name,
                   :originator, :domain, :team, :tags, :opened, :state, :changed, :ending, :agent, :agent_name,
                   :agent_identity, :channel, :root, :heard, :unanswered, :answered, :answered_by, :rating,
                   :priority, :passed_limits, :standby, :revision, :version)";
    let params = named_params! {
        ":id": row.id,
        ":spelled": row.spelled,
        ":bot": row.bot,
        ":address": row.address,
        ":number": row.number,
        ":parent": row.parent,
        ":customer": row.customer,
        ":customer_name": row.customer_name,
        ":originator": row.originator,
        ":domain": row.domain,
        ":team": row.team,
        ":tags": row.tags,
        ":opened": row.opened,
        ":state": row.state.state,
        ":changed": row.state.changed,
        ":ending": row.state.ending,
        ":agent": row.state.agent,
        ":agent_name": row.state.agent_name,
        ":agent_identity": row.state.agent_identity,
        ":channel": row.channel,
        ":root": row.root,
        ":heard": row.heard,
        ":unanswered": row.unanswered,
        ":answered": row.answered,
        ":answered_by": row.answered_by,
        ":rating": row.rating,
        ":priority": row.priority,
        ":passed_limits": row.passed_limits,
        ":standby": row.standby,
        ":revision": row.revision,
        ":version": row.version,
    };
    // Nothing is changed by that if a column with an index is, or if the ticket is new.
    if tx.run_statement(UPDATE_TICKET, params)? == 0 {
        tx.run_statement(sql, params)?;
    }
    Ok(())
}

/// Keeps what a customer said to begin with.
pub(super) fn insert_first_words(tx: &Connection, ticket: &TicketId, words: &str) -> Result<()> {
    if erased_ids::read_erased_at(tx, ticket)?.is_some() {
        return Ok(());
    }
    let sql = "REPLACE INTO first_words (ticket, words) VALUES (?1, ?2)";
    tx.run_statement(sql, (ticket.to_string(), words))?;
    Ok(())
}

/// What a customer said to begin with.
pub(super) fn read_first_words(connection: &Connection, id: &TicketId) -> Result<Option<String>> {
    let sql = "SELECT words FROM first_words WHERE ticket = ?1";
    Ok(connection.first_row(sql, [id.to_string()], |row| row.get(0))?)
}

/// Keeps what a ticket's card shows now, or that this is not known.
pub(super) fn write_drawn_card(
    tx: &Connection,
    ticket: &TicketId,
    drawn: Option<&DrawnCard>,
) -> Result<()> {
    let id = ticket.to_string();
    match drawn {
        Some(DrawnCard { revision, look }) if erased_ids::read_erased_at(tx, ticket)?.is_none() => {
            let sql = "REPLACE INTO drawn_card (ticket, revision, look) VALUES (?1, ?2, ?3)";
            tx.run_statement(sql, (id, revision, look))?;
        }
        _ => {
            tx.run_statement("DELETE FROM drawn_card WHERE ticket = ?1", [id])?;
        }
    }
    Ok(())
}

/// What a ticket's card shows, if that is known.
pub(super) fn read_drawn_card(
    connection: &Connection,
    ticket: &TicketId,
) -> Result<Option<DrawnCard>> {
    let sql = "SELECT revision, look FROM drawn_card WHERE ticket = ?1";
    let read = |row: &Row<'_>| Ok(DrawnCard { revision: row.get(0)?, look: row.get(1)? });
    Ok(connection.first_row(sql, [ticket.to_string()], read)?)
}

/// Erases some first words of tickets that were closed before the given time, and says how many.
pub(super) fn erase_first_words(tx: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM first_words WHERE ticket IN (
                   SELECT ticket FROM first_words JOIN ticket ON ticket.id = first_words.ticket
                   WHERE state = 'closed' AND changed < ?1 LIMIT ?2)";
    Ok(tx.run_statement(sql, (before, items::ERASE_ROWS))?)
}

/// Most tickets that are forgotten in one commit; each has its messages.
const DELETE_BATCH: u32 = 20;

/// Some tickets that were closed before `?1` and for which nothing is left to be done.
pub(super) const SELECT_FORGETTABLE: &str = "
    SELECT id FROM ticket INDEXED BY ticket_closed
    WHERE state = 'closed' AND changed < ?1
        AND NOT EXISTS (SELECT 1 FROM item WHERE state = 'waiting' AND lane = 'ticket:' || ticket.id)
        AND NOT EXISTS (SELECT 1 FROM item WHERE state = 'parked' AND lane = 'ticket:' || ticket.id)
        AND NOT EXISTS (SELECT 1 FROM item WHERE state = 'waiting' AND lane = 'reply:' || ticket.id)
        AND NOT EXISTS (SELECT 1 FROM item WHERE state = 'parked' AND lane = 'reply:' || ticket.id)
    LIMIT ?2";

/// Forgets some tickets that were closed before the given time, and says which.
pub(super) fn delete_old_tickets(tx: &Connection, before: i64) -> Result<Vec<TicketId>> {
    let ids: Vec<String> =
        tx.all_rows(SELECT_FORGETTABLE, (before, DELETE_BATCH), |row| row.get(0))?;
    let forgotten = ids.iter().filter_map(|id| TicketId::parse(id)).collect();
    for id in ids {
        delete_ticket(tx, &id)?;
    }
    Ok(forgotten)
}

/// Deletes a ticket, and which messages belong to it.
pub(super) fn delete_ticket(tx: &Connection, id: &str) -> Result<()> {
    for sql in [
        "DELETE FROM first_words WHERE ticket = ?1",
        "DELETE FROM drawn_card WHERE ticket = ?1",
        "DELETE FROM assignment WHERE ticket = ?1",
        "DELETE FROM twin WHERE ticket = ?1",
        "DELETE FROM message WHERE ticket = ?1",
        "DELETE FROM ticket WHERE id = ?1",
    ] {
        tx.run_statement(sql, [id])?;
    }
    Ok(())
}

pub(super) fn read_ticket(connection: &Connection, id: &TicketId) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE id = ?1";
    Ok(connection.first_row(sql, [id.to_string()], columns::to_ticket_row)?)
}

/// The newest ticket of this number of this bot.
pub(super) fn read_by_number(
    connection: &Connection,
    bot: &str,
    number: i64,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND number = ?2 ORDER BY opened DESC LIMIT 1";
    Ok(connection.first_row(sql, (bot, number), columns::to_ticket_row)?)
}

/// The newest ticket of a customer, other than `except`, of the same bot.
pub(super) fn read_latest_of(
    connection: &Connection,
    customer: &str,
    except: &TicketId,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND customer = ?2 AND id <> ?3
               ORDER BY opened DESC, id DESC LIMIT 1";
    let params = (except.bot().as_str(), customer, except.to_string());
    Ok(connection.first_row(sql, params, columns::to_ticket_row)?)
}

/// Other tickets of a customer, newest first, of the same bot.
pub(super) fn read_all_of(
    connection: &Connection,
    customer: &str,
    except: &TicketId,
    limit: u32,
) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND customer = ?2 AND id <> ?3
               ORDER BY opened DESC, id DESC LIMIT ?4";
    let params = (except.bot().as_str(), customer, except.to_string(), limit);
    Ok(connection.all_rows(sql, params, columns::to_ticket_row)?)
}

/// The newest ticket that was transferred from the one of this number.
pub(super) fn read_successor(
    connection: &Connection,
    bot: &str,
    number: i64,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND parent = ?2 ORDER BY opened DESC LIMIT 1";
    Ok(connection.first_row(sql, (bot, number), columns::to_ticket_row)?)
}

/// The newest tickets with this number, or of a customer whose name or identity holds this text.
///
/// Reads all tickets there are: it is asked by people, and rarely.
pub(super) fn search_tickets(
    connection: &Connection,
    text: &str,
    limit: u32,
) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket
               WHERE number = ?1 OR instr(fold(customer_name), ?2) > 0
                  OR instr(fold(customer), ?2) > 0 OR instr(fold(originator), ?2) > 0
               ORDER BY opened DESC, id DESC LIMIT ?3";
    let params = (text.parse::<i64>().ok(), fold_text(text), limit);
    Ok(connection.all_rows(sql, params, columns::to_ticket_row)?)
}

/// All tickets that are not closed, oldest first.
pub(super) fn read_open_tickets(connection: &Connection) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE state <> 'closed' ORDER BY opened, id";
    Ok(connection.all_rows(sql, [], columns::to_ticket_row)?)
}

/// The tickets that were closed since then, in that order.
pub(super) fn read_closed_since(connection: &Connection, since: i64) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket INDEXED BY ticket_closed
               WHERE state = 'closed' AND changed >= ?1 ORDER BY changed, id";
    Ok(connection.all_rows(sql, [since], columns::to_ticket_row)?)
}

/// Ties a Slack message to a ticket and moves what waits for the message to the ticket's lane. False
/// if nothing does.
pub(super) fn insert_link(tx: &Connection, link: &Link) -> Result<bool> {
    let ticket = link.ticket.to_string();
    let (channel, ts) = (link.channel.as_str(), link.ts.as_str());
    let user = link.user.as_ref().map(SlackUserId::as_str);
    let sql = "REPLACE INTO message (channel, ts, ticket, role, user) VALUES (?, ?, ?, ?, ?)";
    tx.run_statement(sql, (channel, ts, &ticket, role_name(link.role), user))?;
    if let Some(blip_id) = &link.blip_id {
        let twin = "INSERT INTO twin (channel, ts, ticket, blip_id) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING";
        tx.run_statement(twin, (channel, ts, &ticket, stored_id(blip_id)))?;
    }
    let from = Lane::Message(link.channel.clone(), link.ts.clone()).name();
    items::move_lane(tx, &from, &Lane::Replies(link.ticket.clone()).name())
}

/// Whether something that the customer said is shown which is newer than this.
pub(super) fn has_words_after(
    connection: &Connection,
    ticket: &TicketId,
    ts: &MessageTs,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM message
               WHERE ticket = ?1 AND role = 'customer' AND ts > ?2)";
    Ok(connection.one_value(sql, (ticket.to_string(), ts.as_str()))?)
}

/// The replies to a ticket's customer that are held and were written before this, oldest first.
pub(super) fn read_held(
    connection: &Connection,
    ticket: &TicketId,
    before: &MessageTs,
) -> Result<Vec<LinkRow>> {
    let sql = "SELECT *, NULL AS blip_id FROM message
               WHERE ticket = ?1 AND role = 'held' AND ts < ?2 ORDER BY ts";
    Ok(connection.all_rows(sql, (ticket.to_string(), before.as_str()), columns::to_link_row)?)
}

/// What a Slack message is.
pub(super) fn read_link(
    connection: &Connection,
    channel: &str,
    ts: &str,
) -> Result<Option<LinkRow>> {
    let sql = "SELECT *, (SELECT blip_id FROM twin WHERE channel = ?1 AND ts = ?2) AS blip_id
               FROM message WHERE channel = ?1 AND ts = ?2";
    Ok(connection.first_row(sql, (channel, ts), columns::to_link_row)?)
}

/// Blip's ids of all messages of a ticket that Slack shows.
pub(super) fn read_blip_ids(connection: &Connection, ticket: &TicketId) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT blip_id FROM twin WHERE ticket = ?1";
    Ok(connection.all_rows(sql, [ticket.to_string()], |row| row.get(0))?)
}

/// Notes that a channel has a later id now.
pub(super) fn insert_channel_rename(
    tx: &Connection,
    later: &ChannelId,
    first: &ChannelId,
) -> Result<()> {
    let sql = "INSERT INTO renamed_channel (later, first) VALUES (?1, ?2)";
    tx.run_statement(sql, (later.as_str(), first.as_str()))?;
    Ok(())
}

/// The later ids of channels, each with the first one.
pub(super) fn read_channel_renames(connection: &Connection) -> Result<Vec<(String, String)>> {
    let sql = "SELECT later, first FROM renamed_channel ORDER BY number";
    Ok(connection.all_rows(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// What is known of the answers in the threads that tickets have in a channel.
pub(super) fn read_known_replies(
    connection: &Connection,
    channel: &ChannelId,
    since: &MessageTs,
) -> Result<Vec<KnownRepliesRow>> {
    // Those of tickets that went on in the same thread count together.
    let sql = "SELECT ticket.root, count(*), max(message.ts)
               FROM message JOIN ticket ON ticket.id = message.ticket
               WHERE message.channel = ?1 AND message.ts > ?2
                 AND ticket.channel = ?1 AND message.ts > ticket.root
               GROUP BY ticket.root";
    let read = |row: &Row<'_>| {
        Ok(KnownRepliesRow { root: row.get(0)?, count: row.get(1)?, latest: row.get(2)? })
    };
    Ok(connection.all_rows(sql, (channel.as_str(), since.as_str()), read)?)
}

/// Whether there are messages of a ticket in a thread: they come after its root.
pub(super) fn has_linked_replies(
    connection: &Connection,
    ticket: &TicketId,
    thread: &Thread,
    gone: Option<&MessageTs>,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM message
               WHERE channel = ?1 AND ts > ?2 AND ticket = ?3 AND role <> 'card' AND ts IS NOT ?4)";
    let gone = gone.map(MessageTs::as_str);
    let params = (thread.channel.as_str(), thread.root.as_str(), ticket.to_string(), gone);
    Ok(connection.one_value(sql, params)?)
}

/// How many messages of a ticket's customer are shown below the newest reply.
pub(super) fn count_unanswered(connection: &Connection, ticket: &TicketId) -> Result<i64> {
    // A message that takes several posts is one, and so is each of several in one post.
    let sql = "SELECT count(DISTINCT twin.blip_id) FROM message JOIN twin USING (channel, ts)
               WHERE message.ticket = ?1 AND twin.ticket = ?1 AND message.role = 'customer'
                 AND message.ts > coalesce((SELECT max(ts) FROM message
                     WHERE ticket = ?1 AND role IN ('reply', 'part')), '')";
    Ok(connection.one_value(sql, [ticket.to_string()])?)
}

/// The Slack messages of a Blip message, oldest first.
pub(super) fn read_links(
    connection: &Connection,
    ticket: &TicketId,
    blip_id: &str,
) -> Result<Vec<LinkRow>> {
    let sql = "SELECT message.*, twin.blip_id FROM twin JOIN message USING (channel, ts)
               WHERE twin.ticket = ?1 AND twin.blip_id = ?2 ORDER BY ts";
    Ok(connection.all_rows(sql, (ticket.to_string(), stored_id(blip_id)), columns::to_link_row)?)
}
