//! Whose turn it is to be given a ticket.

use rusqlite::{Connection, Row};

use super::sql::Sql;
use crate::model::{MessageTs, SlackUserId, TicketId};
use crate::store::turns::{MOST_REFUSALS, Turn, TurnPass, TurnRequest};
use crate::store::{Result, row};

/// How many tickets somebody has: those that they hold, and those that they were given and have not
/// taken yet.
const COUNT_TICKETS: &str = "
    SELECT count(*) FROM ticket
    LEFT JOIN assignment ON assignment.ticket = ticket.id AND assignment.passed IS NULL
    WHERE ticket.state <> 'closed' AND (ticket.state = 'claimed' AND ticket.agent = ?1
        OR ticket.state = 'unclaimed' AND assignment.agent = ?1)";

/// To whom a ticket was given, which turn it was, when they let it pass, and how often Blip refused.
type AssignmentRow = (String, i64, Option<i64>, i64);

/// Gives a ticket to whose turn it is, if any has a slot free. One thread writes, so nobody sees a
/// slot as free that is being taken.
pub(super) fn take_turn(
    tx: &Connection,
    ticket: &TicketId,
    wanted: &TurnRequest,
) -> Result<Option<Turn>> {
    let id = ticket.to_string();
    let is_free = "SELECT EXISTS (SELECT 1 FROM ticket WHERE id = ?1 AND state = 'unclaimed')";
    if !tx.one_value::<bool>(is_free, [&id])? {
        return Ok(None);
    }
    let sql = "SELECT agent, turn, passed, refused FROM assignment WHERE ticket = ?1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let known: Option<AssignmentRow> = tx.first_row(sql, [&id], read)?;
    let passed = match known {
        Some((agent, number, None, _)) => {
            // Given already: an earlier run may not have come as far as the job, whose key is this
            // number.
            return Ok(Some(Turn { agent: row::parse_slack_user(&agent)?, number }));
        }
        Some((_, _, Some(_), refused)) if refused >= MOST_REFUSALS => return Ok(None),
        Some((agent, _, Some(passed), _)) => {
            Some(agent).filter(|_| passed > wanted.passed_after.as_millisecond())
        }
        None => None,
    };
    let Some(agent) = choose_agent(tx, wanted, passed.as_deref())? else { return Ok(None) };
    let next = "SELECT coalesce(max(turn), 0) + 1 FROM agent_turn";
    let number: i64 = tx.one_value(next, [])?;
    let turn = "INSERT INTO agent_turn (agent, turn) VALUES (?1, ?2)
                ON CONFLICT (agent) DO UPDATE SET turn = excluded.turn";
    tx.run_statement(turn, (agent.as_str(), number))?;
    let give = "INSERT INTO assignment (ticket, agent, turn) VALUES (?1, ?2, ?3)
                ON CONFLICT (ticket) DO UPDATE
                SET agent = excluded.agent, turn = excluded.turn, passed = NULL";
    tx.run_statement(give, (&id, agent.as_str(), number))?;
    Ok(Some(Turn { agent, number }))
}

/// Whose turn it is: of those with a slot free, first those who are to come first, and who was given
/// nothing for longest.
fn choose_agent(
    tx: &Connection,
    wanted: &TurnRequest,
    passed: Option<&str>,
) -> Result<Option<SlackUserId>> {
    let mut chosen: Option<((bool, i64), &SlackUserId)> = None;
    for (agent, is_first) in &wanted.agents {
        let name = agent.as_str();
        let count: i64 = tx.one_value(COUNT_TICKETS, [name])?;
        if passed == Some(name) || count >= i64::from(wanted.slots) {
            continue;
        }
        let last = "SELECT turn FROM agent_turn WHERE agent = ?1";
        let last: Option<i64> = tx.first_row(last, [name], |row| row.get(0))?;
        // Who was never given anything comes before all others.
        let order = (!is_first, last.unwrap_or_default());
        if chosen.is_none_or(|(before, _)| order < before) {
            chosen = Some((order, agent));
        }
    }
    Ok(chosen.map(|(_, agent)| agent.clone()))
}

/// Notes that somebody does not take a ticket, or not any more.
pub(super) fn pass_turn(
    tx: &Connection,
    ticket: &TicketId,
    agent: &SlackUserId,
    (pass, now): (TurnPass, i64),
) -> Result<()> {
    let sql = "INSERT INTO assignment (ticket, agent, turn, passed, refused)
               SELECT id, ?2, 0, ?3, ?4 FROM ticket WHERE id = ?1
               ON CONFLICT (ticket) DO UPDATE SET agent = excluded.agent, passed = excluded.passed,
                   refused = (refused + 1) * excluded.refused";
    // Counted in a row: one who declines brings the count to nothing, as it is multiplied by 0
    // then.
    let refused = i64::from(pass == TurnPass::Refused);
    tx.run_statement(sql, (ticket.to_string(), agent.as_str(), now, refused))?;
    Ok(())
}

/// Whether somebody has written to the customer of a ticket after this.
pub(super) fn has_written_after(
    connection: &Connection,
    ticket: &TicketId,
    agent: &SlackUserId,
    ts: &MessageTs,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE ticket = ?1 AND user = ?2 AND ts > ?3
                   AND role IN ('reply', 'part', 'held'))";
    Ok(connection.one_value(sql, (ticket.to_string(), agent.as_str(), ts.as_str()))?)
}
