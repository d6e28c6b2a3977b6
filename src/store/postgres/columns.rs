//! Rows as PostgreSQL hands them out.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::fault::PostgresFault;
use super::text::read_back;
use crate::store::Result;
use crate::store::row::{ItemRow, LinkRow, ParkedRow, StateRow, TicketRow};

/// A value that is no text.
pub(super) fn value<'r, T: FromSql<'r>>(row: &'r Row, name: &str) -> Result<T> {
    Ok(row.try_get(name).map_err(PostgresFault::from)?)
}

pub(super) fn text(row: &Row, name: &str) -> Result<String> {
    Ok(read_back(value(row, name)?))
}

/// A text, if there is one.
pub(super) fn optional_text(row: &Row, name: &str) -> Result<Option<String>> {
    Ok(value::<Option<String>>(row, name)?.map(read_back))
}

/// A waiting item, with its lane; its times are later than `now` by so much.
pub(super) fn to_item_row(row: &Row, now: i64) -> Result<ItemRow> {
    Ok(ItemRow {
        lane: text(row, "lane")?,
        id: value(row, "id")?,
        source: text(row, "source")?,
        key: text(row, "key")?,
        body: value(row, "body")?,
        received: value::<i64>(row, "received_in")?.saturating_add(now),
        attempts: value::<i32>(row, "attempts")?.into(),
        doubt: value(row, "doubt")?,
        begun: value(row, "begun")?,
    })
}

pub(super) fn to_parked_row(row: &Row, now: i64) -> Result<ParkedRow> {
    Ok(ParkedRow {
        id: value(row, "id")?,
        lane: text(row, "lane")?,
        source: text(row, "source")?,
        reason: optional_text(row, "reason")?,
        received: value::<i64>(row, "received_in")?.saturating_add(now),
    })
}

/// A Slack message that belongs to a ticket.
pub(super) fn to_link_row(row: &Row) -> Result<LinkRow> {
    Ok(LinkRow {
        ticket: text(row, "ticket")?,
        channel: text(row, "channel")?,
        ts: text(row, "ts")?,
        role: text(row, "role")?,
        blip_id: optional_text(row, "blip_id")?,
        user: optional_text(row, "user")?,
    })
}

pub(super) fn to_ticket_row(row: &Row) -> Result<TicketRow> {
    Ok(TicketRow {
        id: text(row, "id")?,
        spelled: optional_text(row, "spelled")?,
        bot: text(row, "bot")?,
        address: text(row, "address")?,
        number: value(row, "number")?,
        parent: value(row, "parent")?,
        customer: text(row, "customer")?,
        customer_name: optional_text(row, "customer_name")?,
        originator: optional_text(row, "originator")?,
        domain: text(row, "domain")?,
        team: optional_text(row, "team")?,
        tags: text(row, "tags")?,
        opened: value(row, "opened")?,
        state: StateRow {
            state: text(row, "state")?,
            changed: value(row, "changed")?,
            ending: optional_text(row, "ending")?,
            agent: optional_text(row, "agent")?,
            agent_name: optional_text(row, "agent_name")?,
            agent_identity: optional_text(row, "agent_identity")?,
        },
        channel: optional_text(row, "channel")?,
        root: optional_text(row, "root")?,
        heard: value(row, "heard")?,
        unanswered: value(row, "unanswered")?,
        answered: value(row, "answered")?,
        answered_by: optional_text(row, "answered_by")?,
        rating: optional_text(row, "rating")?,
        priority: value(row, "priority")?,
        passed_limits: value(row, "passed_limits")?,
        standby: value(row, "standby")?,
        revision: value(row, "revision")?,
        version: value(row, "version")?,
    })
}
