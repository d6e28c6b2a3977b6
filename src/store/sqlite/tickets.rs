//! Tickets, and which Slack messages belong to them.

use sqlx::sqlite::SqliteConnection;
use sqlx::{SqlitePool, query, query_as, query_scalar};

use super::items;
use crate::model::{SlackUserId, TicketId};
use crate::store::row::{LinkRow, TicketRow, role_name};
use crate::store::{Lane, Link, Result};

/// Writes a ticket, new or changed.
pub(super) async fn put(tx: &mut SqliteConnection, row: TicketRow) -> Result<()> {
    query(
        "REPLACE INTO ticket (id, bot, address, number, parent, customer, customer_name, domain,
             team, tags, opened, state, changed, ending, agent, agent_name, agent_identity,
             channel, root, heard, unanswered, revision)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.id)
    .bind(row.bot)
    .bind(row.address)
    .bind(row.number)
    .bind(row.parent)
    .bind(row.customer)
    .bind(row.customer_name)
    .bind(row.domain)
    .bind(row.team)
    .bind(row.tags)
    .bind(row.opened)
    .bind(row.state.state)
    .bind(row.state.changed)
    .bind(row.state.ending)
    .bind(row.state.agent)
    .bind(row.state.agent_name)
    .bind(row.state.agent_identity)
    .bind(row.channel)
    .bind(row.root)
    .bind(row.heard)
    .bind(row.unanswered)
    .bind(row.revision)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps what a customer said to begin with.
pub(super) async fn keep_first_words(
    tx: &mut SqliteConnection,
    ticket: String,
    words: String,
) -> Result<()> {
    let sql = "REPLACE INTO first_words (ticket, words) VALUES (?1, ?2)";
    query(sql).bind(ticket).bind(words).execute(tx).await?;
    Ok(())
}

/// What a customer said to begin with.
pub(super) async fn first_words(readers: &SqlitePool, id: &TicketId) -> Result<Option<String>> {
    let sql = "SELECT words FROM first_words WHERE ticket = ?1";
    Ok(query_scalar(sql).bind(id.to_string()).fetch_optional(readers).await?)
}

/// Erases the first words of tickets that were closed before the given time.
pub(super) async fn erase_first_words(tx: &mut SqliteConnection, before: i64) -> Result<()> {
    let sql = "DELETE FROM first_words WHERE ticket IN (
                   SELECT id FROM ticket WHERE state = 'closed' AND changed < ?1)";
    query(sql).bind(before).execute(tx).await?;
    Ok(())
}

/// Reads a ticket.
pub(super) async fn get(readers: &SqlitePool, id: &TicketId) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE id = ?1";
    Ok(query_as(sql).bind(id.to_string()).fetch_optional(readers).await?)
}

/// The newest ticket of this number of this bot.
pub(super) async fn by_number(
    readers: &SqlitePool,
    bot: &str,
    number: i64,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND number = ?2 ORDER BY opened DESC LIMIT 1";
    Ok(query_as(sql).bind(bot).bind(number).fetch_optional(readers).await?)
}

/// The newest ticket of a customer, other than `except`, of the same bot.
pub(super) async fn latest_of(
    readers: &SqlitePool,
    customer: &str,
    except: &TicketId,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND customer = ?2 AND id <> ?3
               ORDER BY opened DESC, id DESC LIMIT 1";
    let bot = except.bot().as_str();
    Ok(query_as(sql)
        .bind(bot)
        .bind(customer)
        .bind(except.to_string())
        .fetch_optional(readers)
        .await?)
}

/// Other tickets of a customer, newest first, of the same bot.
pub(super) async fn all_of(
    readers: &SqlitePool,
    customer: &str,
    except: &TicketId,
    limit: u32,
) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND customer = ?2 AND id <> ?3
               ORDER BY opened DESC, id DESC LIMIT ?4";
    let found = query_as(sql).bind(except.bot().as_str()).bind(customer);
    Ok(found.bind(except.to_string()).bind(limit).fetch_all(readers).await?)
}

/// The newest ticket that was transferred from the one of this number.
pub(super) async fn after(
    readers: &SqlitePool,
    bot: &str,
    number: i64,
) -> Result<Option<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE bot = ?1 AND parent = ?2 ORDER BY opened DESC LIMIT 1";
    Ok(query_as(sql).bind(bot).bind(number).fetch_optional(readers).await?)
}

/// The newest tickets with this number, or of a customer whose name or identity holds this text.
///
/// Reads all tickets there are: it is asked by people, and rarely.
pub(super) async fn find(readers: &SqlitePool, text: &str, limit: u32) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket
               WHERE number = ?1 OR instr(lower(customer_name), lower(?2)) > 0
                  OR instr(lower(customer), lower(?2)) > 0
               ORDER BY opened DESC, id DESC LIMIT ?3";
    let number = text.parse::<i64>().ok();
    Ok(query_as(sql).bind(number).bind(text).bind(limit).fetch_all(readers).await?)
}

/// All tickets that are not closed, oldest first.
pub(super) async fn open(readers: &SqlitePool) -> Result<Vec<TicketRow>> {
    let sql = "SELECT * FROM ticket WHERE state <> 'closed' ORDER BY opened, id";
    Ok(query_as(sql).fetch_all(readers).await?)
}

/// Ties a Slack message to a ticket and moves what waits for the message to the ticket's lane.
pub(super) async fn link(tx: &mut SqliteConnection, link: Link) -> Result<()> {
    query("REPLACE INTO message (channel, ts, ticket, role, user) VALUES (?, ?, ?, ?, ?)")
        .bind(link.channel.as_str())
        .bind(link.ts.as_str())
        .bind(link.ticket.to_string())
        .bind(role_name(link.role))
        .bind(link.user.as_ref().map(SlackUserId::as_str))
        .execute(&mut *tx)
        .await?;
    if let Some(blip_id) = &link.blip_id {
        let twin = "INSERT INTO twin (channel, ts, ticket, blip_id) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING";
        query(twin)
            .bind(link.channel.as_str())
            .bind(link.ts.as_str())
            .bind(link.ticket.to_string())
            .bind(blip_id)
            .execute(&mut *tx)
            .await?;
    }
    let from = Lane::Message(link.channel, link.ts).name();
    items::move_lane(tx, &from, &Lane::Ticket(link.ticket).name()).await
}

/// What a Slack message is.
pub(super) async fn linked(
    readers: &SqlitePool,
    channel: &str,
    ts: &str,
) -> Result<Option<LinkRow>> {
    let sql = "SELECT *, (SELECT blip_id FROM twin WHERE channel = ?1 AND ts = ?2) AS blip_id
               FROM message WHERE channel = ?1 AND ts = ?2";
    Ok(query_as(sql).bind(channel).bind(ts).fetch_optional(readers).await?)
}

/// Blip's ids of all messages of a ticket that Slack shows.
pub(super) async fn blip_ids_of(readers: &SqlitePool, ticket: &TicketId) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT blip_id FROM twin WHERE ticket = ?1";
    Ok(query_scalar(sql).bind(ticket.to_string()).fetch_all(readers).await?)
}

/// The Slack messages of a Blip message, oldest first.
pub(super) async fn links_of(
    readers: &SqlitePool,
    ticket: &TicketId,
    blip_id: &str,
) -> Result<Vec<LinkRow>> {
    let sql = "SELECT message.*, twin.blip_id FROM twin JOIN message USING (channel, ts)
               WHERE twin.ticket = ?1 AND twin.blip_id = ?2 ORDER BY ts";
    Ok(query_as(sql).bind(ticket.to_string()).bind(blip_id).fetch_all(readers).await?)
}
