//! Whose turn it is to be given a ticket.

use super::columns::{text, value};
use super::database::Database;
use crate::model::{MessageTs, SlackUserId, TicketId};
use crate::store::turns::{MOST_REFUSALS, Turn, TurnPass, TurnRequest};
use crate::store::{Result, row};

/// Gives a ticket to whose turn it is, if any has a slot free.
pub(super) async fn take_turn(
    db: &Database,
    ticket: &TicketId,
    wanted: &TurnRequest,
) -> Result<Option<Turn>> {
    let agents: Vec<&str> = wanted.agents.iter().map(|(agent, _)| agent.as_str()).collect();
    let first: Vec<bool> = wanted.agents.iter().map(|(_, is_first)| *is_first).collect();
    let (slots, after) = (i64::from(wanted.slots), wanted.passed_after.as_millisecond());
    let sql = "SELECT given_to, given_turn FROM take_turn($1, $2, $3, $4, $5, $6)";
    let id = ticket.to_string();
    let rows = db.query(&id, sql, &[&id, &agents, &first, &slots, &after, &MOST_REFUSALS]).await?;
    let Some(given) = rows.first() else { return Ok(None) };
    let agent = row::parse_slack_user(&text(given, "given_to")?)?;
    Ok(Some(Turn { agent, number: value(given, "given_turn")? }))
}

/// Notes that somebody does not take a ticket, or not any more.
pub(super) async fn pass_turn(
    db: &Database,
    ticket: &TicketId,
    agent: &SlackUserId,
    (pass, now): (TurnPass, i64),
) -> Result<()> {
    let sql = "INSERT INTO assignment AS known (ticket, agent, turn, passed, refused)
               SELECT id, $2, 0, $3, $4 FROM ticket WHERE id = $1
               ON CONFLICT (ticket) DO UPDATE SET agent = excluded.agent, passed = excluded.passed,
                   refused = (known.refused + 1) * excluded.refused";
    // Counted in a row: one who declines brings the count to nothing, as it is multiplied by 0
    // then.
    let (id, refused) = (ticket.to_string(), i64::from(pass == TurnPass::Refused));
    db.query(&id, sql, &[&id, &agent.as_str(), &now, &refused]).await?;
    Ok(())
}

/// Whether somebody has written to the customer of a ticket after this.
pub(super) async fn has_written_after(
    db: &Database,
    ticket: &TicketId,
    agent: &SlackUserId,
    ts: &MessageTs,
) -> Result<bool> {
    let sql = r#"SELECT EXISTS (SELECT FROM message WHERE ticket = $1 AND "user" = $2 AND ts > $3
                     AND role IN ('reply', 'part', 'held'))"#;
    db.one_value(sql, &[&ticket.to_string(), &agent.as_str(), &ts.as_str()]).await
}
