//! Tickets, and which Slack messages belong to them.

use tokio_postgres::Row;

use super::columns::{self, text, value};
use super::database::{Database, Statement};
use super::text::{keepable, read_back};
use crate::model::fold::fold_text;
use crate::model::ids::stored_id;
use crate::model::{BotName, ChannelId, MessageTs, Thread, Ticket, TicketId};
use crate::store::row::{KnownRepliesRow, TicketRow, role_name};
use crate::store::{DrawnCard, KnownReplies, Lane, Link, Result, row};

/// `$32` are the hashes that would be left of the ticket, `$33` is the version that was read.
const WRITE_TICKET: &str = "WITH written AS (
    INSERT INTO ticket (id, spelled, bot, address, number, parent, customer,
        customer_name, originator, domain, team, tags, opened, state, changed, ending,
        agent, agent_name, agent_identity, channel, root, heard, unanswered, revision,
        folded, answered, answered_by, rating, priority,
        passed_limits, standby)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31
    WHERE NOT EXISTS (SELECT FROM erased WHERE hash = ANY ($32) AND $13 < at)
        AND ($33::bigint = 0 OR EXISTS (SELECT FROM ticket WHERE id = $1))
    ON CONFLICT (id) DO UPDATE SET (spelled, bot, address, number, parent, customer,
        customer_name, originator, domain, team, tags, opened, state, changed, ending,
        agent, agent_name, agent_identity, channel, root, heard, unanswered, revision,
        folded, answered, answered_by, rating, priority,
        passed_limits, standby) = (excluded.spelled, excluded.bot, excluded.address, excluded.number,
        excluded.parent, excluded.customer, excluded.customer_name,
        excluded.originator, excluded.domain, excluded.team, excluded.tags,
        excluded.opened, excluded.state, excluded.changed, excluded.ending,
        excluded.agent, excluded.agent_name, excluded.agent_identity,
        excluded.channel, excluded.root, excluded.heard, excluded.unanswered,
        excluded.revision, excluded.folded, excluded.answered, excluded.answered_by,
        excluded.rating, excluded.priority, excluded.passed_limits, excluded.standby)
    WHERE ticket.version = $33::bigint
    RETURNING version)
    SELECT coalesce((SELECT version FROM written), refuse_ticket($32, $13))";

/// Writes a ticket, new or changed, unless somebody else has since it was read: its version is the
/// one that it will have. `hashes` are those that would be left of it.
pub(super) fn write_ticket(ticket: TicketRow, hashes: Vec<Vec<u8>>) -> Statement {
    let (name, originator) = (ticket.customer_name.as_deref(), ticket.originator.as_deref());
    let folded = fold_names([Some(ticket.customer.as_str()), name, originator]);
    let kept = |text: String| keepable(&text).into_owned();
    // A version that was read, of a ticket that is there no more, is not written anew: it was
    // forgotten meanwhile.
    Statement::new(
        WRITE_TICKET,
        vec![
            Box::new(kept(ticket.id)),
            Box::new(ticket.spelled.map(kept)),
            Box::new(kept(ticket.bot)),
            Box::new(kept(ticket.address)),
            Box::new(ticket.number),
            Box::new(ticket.parent),
            Box::new(kept(ticket.customer)),
            Box::new(ticket.customer_name.map(kept)),
            Box::new(ticket.originator.map(kept)),
            Box::new(kept(ticket.domain)),
            Box::new(ticket.team.map(kept)),
            Box::new(kept(ticket.tags)),
            Box::new(ticket.opened),
            Box::new(ticket.state.state),
            Box::new(ticket.state.changed),
            Box::new(ticket.state.ending.map(kept)),
            Box::new(ticket.state.agent.map(kept)),
            Box::new(ticket.state.agent_name.map(kept)),
            Box::new(ticket.state.agent_identity.map(kept)),
            Box::new(ticket.channel.map(kept)),
            Box::new(ticket.root.map(kept)),
            Box::new(ticket.heard),
            Box::new(ticket.unanswered),
            Box::new(ticket.revision),
            Box::new(folded),
            Box::new(ticket.answered),
            Box::new(ticket.answered_by.map(kept)),
            Box::new(ticket.rating.map(kept)),
            Box::new(ticket.priority),
            Box::new(ticket.passed_limits),
            Box::new(ticket.standby),
            Box::new(hashes),
            Box::new(ticket.version.saturating_sub(1)),
        ],
    )
}

/// Names and identities as people look for them.
pub(super) fn fold_names<'n>(names: impl IntoIterator<Item = Option<&'n str>>) -> String {
    let folded: Vec<String> = names.into_iter().flatten().map(fold_text).collect();
    keepable(&folded.join("\n")).into_owned()
}

fn to_ticket(row: &Row) -> Result<Ticket> {
    columns::to_ticket_row(row)?.try_into()
}

/// Reads a ticket by its id.
pub(super) async fn read_ticket(db: &Database, id: &TicketId) -> Result<Option<Ticket>> {
    let row = db.first_row("SELECT * FROM ticket WHERE id = $1", &[&id.to_string()]).await?;
    row.as_ref().map(to_ticket).transpose()
}

/// The newest ticket of this number of this bot.
pub(super) async fn read_by_number(
    db: &Database,
    bot: &BotName,
    number: i64,
) -> Result<Option<Ticket>> {
    let sql = "SELECT * FROM ticket WHERE bot = $1 AND number = $2 ORDER BY opened DESC LIMIT 1";
    let row = db.first_row(sql, &[&bot.as_str(), &number]).await?;
    row.as_ref().map(to_ticket).transpose()
}

/// Other tickets of a customer, newest first, of the same bot.
pub(super) async fn read_all_of(
    db: &Database,
    customer: &str,
    except: &TicketId,
    limit: u32,
) -> Result<Vec<Ticket>> {
    let sql = "SELECT * FROM ticket
               WHERE bot = $1 AND key_of(customer) = key_of($2) AND id <> $3
               ORDER BY opened DESC, id DESC LIMIT $4";
    let (bot, customer) = (except.bot().as_str(), keepable(customer));
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&bot, &customer, &except.to_string(), &i64::from(limit)];
    db.query("", sql, &params).await?.iter().map(to_ticket).collect()
}

/// The newest ticket that was transferred from the one of this number.
pub(super) async fn read_successor(
    db: &Database,
    bot: &BotName,
    number: i64,
) -> Result<Option<Ticket>> {
    let sql = "SELECT * FROM ticket WHERE bot = $1 AND parent = $2 ORDER BY opened DESC LIMIT 1";
    let row = db.first_row(sql, &[&bot.as_str(), &number]).await?;
    row.as_ref().map(to_ticket).transpose()
}

/// The newest tickets with this number, or of a customer whose name or identity holds this text.
///
/// Reads all tickets there are: it is asked by people, and rarely.
pub(super) async fn search_tickets(db: &Database, words: &str, limit: u32) -> Result<Vec<Ticket>> {
    let sql = "SELECT * FROM ticket WHERE number = $1 OR position($2 IN folded) > 0
               ORDER BY opened DESC, id DESC LIMIT $3";
    let (number, folded) = (words.parse::<i64>().ok(), fold_text(words));
    let rows = db.query("", sql, &[&number, &keepable(&folded), &i64::from(limit)]).await?;
    rows.iter().map(to_ticket).collect()
}

/// All tickets that are not closed, oldest first.
pub(super) async fn read_open_tickets(db: &Database) -> Result<Vec<Ticket>> {
    let sql = "SELECT * FROM ticket WHERE state <> 'closed' ORDER BY opened, id";
    db.query("", sql, &[]).await?.iter().map(to_ticket).collect()
}

/// The tickets that were closed since then, in that order.
pub(super) async fn read_closed_since(db: &Database, since: i64) -> Result<Vec<Ticket>> {
    let sql = "SELECT * FROM ticket WHERE state = 'closed' AND changed >= $1 ORDER BY changed, id";
    db.query("", sql, &[&since]).await?.iter().map(to_ticket).collect()
}

/// Keeps what a customer said to begin with.
pub(super) fn insert_first_words(
    ticket: &TicketId,
    words: &str,
    hashes: Vec<Vec<u8>>,
) -> Statement {
    let sql = "INSERT INTO first_words (ticket, words)
               SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM erased WHERE hash = ANY ($3))
               ON CONFLICT (ticket) DO UPDATE SET words = excluded.words";
    let words = keepable(words).into_owned();
    Statement::new(sql, vec![Box::new(ticket.to_string()), Box::new(words), Box::new(hashes)])
}

/// What a customer said to begin with.
pub(super) async fn read_first_words(db: &Database, id: &TicketId) -> Result<Option<String>> {
    let sql = "SELECT words FROM first_words WHERE ticket = $1";
    let row = db.first_row(sql, &[&id.to_string()]).await?;
    row.map(|row| text(&row, "words")).transpose()
}

/// Keeps what a ticket's card shows now, or that this is not known.
pub(super) fn write_drawn_card(
    ticket: &TicketId,
    drawn: Option<DrawnCard>,
    hashes: Vec<Vec<u8>>,
) -> Statement {
    let id = Box::new(ticket.to_string());
    let Some(DrawnCard { revision, look }) = drawn else {
        return Statement::new("DELETE FROM drawn_card WHERE ticket = $1", vec![id]);
    };
    let sql = "INSERT INTO drawn_card (ticket, revision, look)
               SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM erased WHERE hash = ANY ($4))
               ON CONFLICT (ticket) DO UPDATE
               SET revision = excluded.revision, look = excluded.look";
    Statement::new(sql, vec![id, Box::new(revision), Box::new(look), Box::new(hashes)])
}

/// What a ticket's card shows, if that is known.
pub(super) async fn read_drawn_card(db: &Database, id: &TicketId) -> Result<Option<DrawnCard>> {
    let sql = "SELECT revision, look FROM drawn_card WHERE ticket = $1";
    let row = db.first_row(sql, &[&id.to_string()]).await?;
    let read =
        |row: Row| Ok(DrawnCard { revision: value(&row, "revision")?, look: value(&row, "look")? });
    row.map(read).transpose()
}

/// Ties a Slack message to a ticket and moves what waits for the message to the ticket's lane. Answers
/// false if nothing does.
pub(super) fn insert_link(
    link: &Link,
    opened: i64,
    hashes: Vec<Vec<u8>>,
    given: Option<i64>,
) -> Statement {
    let blip_id = link.blip_id.as_deref().map(stored_id);
    let sql = "SELECT link_message($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    Statement::new(
        sql,
        vec![
            Box::new(given),
            Box::new(Lane::Message(link.channel.clone(), link.ts.clone()).name()),
            Box::new(Lane::Replies(link.ticket.clone()).name()),
            Box::new(link.channel.to_string()),
            Box::new(link.ts.to_string()),
            Box::new(link.ticket.to_string()),
            Box::new(role_name(link.role)),
            Box::new(link.user.as_ref().map(ToString::to_string)),
            Box::new(blip_id.map(|id| keepable(&id).into_owned())),
            Box::new(hashes),
            Box::new(opened),
        ],
    )
}

fn to_link(row: &Row) -> Result<Link> {
    columns::to_link_row(row)?.try_into()
}

/// Whether something that the customer said is shown which is newer than this.
pub(super) async fn has_words_after(
    db: &Database,
    ticket: &TicketId,
    ts: &MessageTs,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM message
               WHERE ticket = $1 AND role = 'customer' AND ts > $2)";
    db.one_value(sql, &[&ticket.to_string(), &ts.as_str()]).await
}

/// The replies to a ticket's customer that are held and were written before this, oldest first.
pub(super) async fn read_held(
    db: &Database,
    ticket: &TicketId,
    before: &MessageTs,
) -> Result<Vec<Link>> {
    let sql = "SELECT *, NULL::text AS blip_id FROM message
               WHERE ticket = $1 AND role = 'held' AND ts < $2 ORDER BY ts";
    let rows = db.query("", sql, &[&ticket.to_string(), &before.as_str()]).await?;
    rows.iter().map(to_link).collect()
}

/// What a Slack message is.
pub(super) async fn read_link(
    db: &Database,
    channel: &ChannelId,
    ts: &MessageTs,
) -> Result<Option<Link>> {
    let sql = "SELECT *, (SELECT blip_id FROM twin WHERE channel = $1 AND ts = $2
                          ORDER BY blip_id LIMIT 1) AS blip_id
               FROM message WHERE channel = $1 AND ts = $2";
    let row = db.first_row(sql, &[&channel.as_str(), &ts.as_str()]).await?;
    row.as_ref().map(to_link).transpose()
}

/// The Slack messages of a Blip message, oldest first.
pub(super) async fn read_links(
    db: &Database,
    ticket: &TicketId,
    blip_id: &str,
) -> Result<Vec<Link>> {
    let sql = "SELECT message.*, twin.blip_id FROM twin JOIN message USING (channel, ts)
               WHERE twin.ticket = $1 AND key_of(twin.blip_id) = key_of($2) ORDER BY ts";
    let blip_id = stored_id(blip_id);
    let rows = db.query("", sql, &[&ticket.to_string(), &keepable(&blip_id)]).await?;
    rows.iter().map(to_link).collect()
}

/// All Slack messages of a ticket, oldest first.
pub(super) async fn read_all_links(db: &Database, ticket: &TicketId) -> Result<Vec<Link>> {
    let sql = "SELECT message.*, twin.blip_id FROM message LEFT JOIN twin USING (channel, ts)
               WHERE message.ticket = $1 ORDER BY ts";
    db.query("", sql, &[&ticket.to_string()]).await?.iter().map(to_link).collect()
}

/// Blip's ids of all messages of a ticket that Slack shows.
pub(super) async fn read_blip_ids(db: &Database, ticket: &TicketId) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT blip_id FROM twin WHERE ticket = $1";
    let rows = db.query("", sql, &[&ticket.to_string()]).await?;
    rows.iter().map(|row| text(row, "blip_id")).collect()
}

/// Notes that a channel has a later id now.
pub(super) async fn insert_channel_rename(
    db: &Database,
    later: &ChannelId,
    first: &ChannelId,
) -> Result<()> {
    // Written a second time, it says the same.
    let sql = "INSERT INTO renamed_channel (later, first) VALUES ($1, $2)";
    db.query("", sql, &[&later.as_str(), &first.as_str()]).await?;
    Ok(())
}

/// The later ids of channels, each with the first one.
pub(super) async fn read_channel_renames(db: &Database) -> Result<Vec<(ChannelId, ChannelId)>> {
    let sql = "SELECT later, first FROM renamed_channel ORDER BY number";
    let read = |kept: &Row| {
        let channel = |name| row::parse_channel(&text(kept, name)?);
        Ok((channel("later")?, channel("first")?))
    };
    db.query("", sql, &[]).await?.iter().map(read).collect()
}

/// What is known of the answers in the threads that tickets have in a channel.
pub(super) async fn read_known_replies(
    db: &Database,
    channel: &ChannelId,
    since: &MessageTs,
) -> Result<Vec<KnownReplies>> {
    // Those of tickets that went on in the same thread count together.
    let sql = "SELECT ticket.root, count(*), max(message.ts) AS latest
               FROM message JOIN ticket ON ticket.id = message.ticket
               WHERE message.channel = $1 AND message.ts > $2
                 AND ticket.channel = $1 AND message.ts > ticket.root
               GROUP BY ticket.root";
    let read = |row: &Row| {
        let (root, latest) = (text(row, "root")?, text(row, "latest")?);
        KnownRepliesRow { root, count: value(row, "count")?, latest }.try_into()
    };
    db.query("", sql, &[&channel.as_str(), &since.as_str()]).await?.iter().map(read).collect()
}

/// Whether there are messages of a ticket in a thread: they come after its root.
pub(super) async fn has_linked_replies(
    db: &Database,
    ticket: &TicketId,
    thread: &Thread,
    gone: Option<&MessageTs>,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM message
               WHERE channel = $1 AND ts > $2 AND ticket = $3 AND role <> 'card'
                   AND ts IS DISTINCT FROM $4)";
    let (channel, root) = (thread.channel.as_str(), thread.root.as_str());
    let gone = gone.map(MessageTs::as_str);
    db.one_value(sql, &[&channel, &root, &ticket.to_string(), &gone]).await
}

/// How many messages of a ticket's customer are shown below the newest reply.
pub(super) async fn count_unanswered(db: &Database, ticket: &TicketId) -> Result<i64> {
    // A message that takes several posts is one, and so is each of several in one post.
    let sql = "SELECT count(DISTINCT twin.blip_id) FROM message JOIN twin USING (channel, ts)
               WHERE message.ticket = $1 AND twin.ticket = $1 AND message.role = 'customer'
                   AND message.ts > coalesce((SELECT max(ts) FROM message
                       WHERE ticket = $1 AND role IN ('reply', 'part')), '')";
    db.one_value(sql, &[&ticket.to_string()]).await
}

/// Some tickets that were closed before `$1` and for which nothing is left to be done are forgotten,
/// with all that belongs to them.
pub(super) const DELETE_OLD_TICKETS: &str = "
    WITH old AS MATERIALIZED (
        SELECT id FROM ticket
        WHERE state = 'closed' AND changed < $1
            AND NOT EXISTS (SELECT FROM item WHERE state = 'waiting'
                            AND key_of(lane) = key_of('ticket:' || ticket.id))
            AND NOT EXISTS (SELECT FROM item WHERE state = 'parked'
                            AND key_of(lane) = key_of('ticket:' || ticket.id))
            AND NOT EXISTS (SELECT FROM item WHERE state = 'waiting'
                            AND key_of(lane) = key_of('reply:' || ticket.id))
            AND NOT EXISTS (SELECT FROM item WHERE state = 'parked'
                            AND key_of(lane) = key_of('reply:' || ticket.id))
        LIMIT 100 FOR UPDATE SKIP LOCKED
    ), words AS (DELETE FROM first_words USING old WHERE ticket = old.id),
    cards AS (DELETE FROM drawn_card USING old WHERE ticket = old.id),
    given AS (DELETE FROM assignment USING old WHERE ticket = old.id),
    twins AS (DELETE FROM twin USING old WHERE ticket = old.id),
    messages AS (DELETE FROM message USING old WHERE ticket = old.id)
    DELETE FROM ticket USING old WHERE ticket.id = old.id RETURNING 1";

/// Some first words of tickets that were closed before `$1` are erased.
pub(super) const ERASE_FIRST_WORDS: &str = "
    DELETE FROM first_words WHERE ticket IN (
        SELECT ticket FROM first_words JOIN ticket ON ticket.id = first_words.ticket
        WHERE state = 'closed' AND changed < $1 LIMIT 500) RETURNING 1";

/// The ids and identities of all tickets, oldest first.
pub(super) async fn read_identities(
    db: &Database,
) -> Result<Vec<(String, String, Option<String>)>> {
    let sql = "SELECT id, customer, originator FROM ticket ORDER BY opened, id";
    let read = |row: &Row| {
        let originator: Option<String> = value(row, "originator")?;
        Ok((text(row, "id")?, text(row, "customer")?, originator.map(read_back)))
    };
    db.query("", sql, &[]).await?.iter().map(read).collect()
}
