//! Rows as SQLite hands them out.

use rusqlite::{Result, Row};

use crate::store::row::{ItemRow, LinkRow, ParkedRow, StateRow, TicketRow};

/// A waiting item, with its lane.
pub(super) fn to_item_row(row: &Row<'_>) -> Result<ItemRow> {
    Ok(ItemRow {
        lane: row.get("lane")?,
        id: row.get("id")?,
        source: row.get("source")?,
        key: row.get("key")?,
        body: row.get("body")?,
        received: row.get("received")?,
        attempts: row.get("attempts")?,
        doubt: row.get("doubt")?,
        begun: row.get("begun")?,
    })
}

pub(super) fn to_parked_row(row: &Row<'_>) -> Result<ParkedRow> {
    Ok(ParkedRow {
        id: row.get("id")?,
        lane: row.get("lane")?,
        source: row.get("source")?,
        reason: row.get("reason")?,
        received: row.get("received")?,
    })
}

/// A Slack message that belongs to a ticket.
pub(super) fn to_link_row(row: &Row<'_>) -> Result<LinkRow> {
    Ok(LinkRow {
        ticket: row.get("ticket")?,
        channel: row.get("channel")?,
        ts: row.get("ts")?,
        role: row.get("role")?,
        blip_id: row.get("blip_id")?,
        user: row.get("user")?,
    })
}

pub(super) fn to_ticket_row(row: &Row<'_>) -> Result<TicketRow> {
    Ok(TicketRow {
        id: row.get("id")?,
        spelled: row.get("spelled")?,
        bot: row.get("bot")?,
        address: row.get("address")?,
        number: row.get("number")?,
        parent: row.get("parent")?,
        customer: row.get("customer")?,
        customer_name: row.get("customer_name")?,
        originator: row.get("originator")?,
        domain: row.get("domain")?,
        team: row.get("team")?,
        tags: row.get("tags")?,
        opened: row.get("opened")?,
        state: StateRow {
            state: row.get("state")?,
            changed: row.get("changed")?,
            ending: row.get("ending")?,
            agent: row.get("agent")?,
            agent_name: row.get("agent_name")?,
            agent_identity: row.get("agent_identity")?,
        },
        channel: row.get("channel")?,
        root: row.get("root")?,
        heard: row.get("heard")?,
        unanswered: row.get("unanswered")?,
        answered: row.get("answered")?,
        answered_by: row.get("answered_by")?,
        rating: row.get("rating")?,
        priority: row.get("priority")?,
        passed_limits: row.get("passed_limits")?,
        standby: row.get("standby")?,
        revision: row.get("revision")?,
        version: row.get("version")?,
    })
}
