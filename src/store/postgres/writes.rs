//! What handling an event leads to, as statements of one transaction.

use tokio_postgres::Row;

use super::accept::Inserted;
use super::columns::value;
use super::database::{Database, Statement};
use super::text::keepable;
use super::tickets;
use super::watch::Instance;
use crate::model::TicketId;
use crate::store::row::{self, TicketRow};
use crate::store::writes::Decision;
use crate::store::{Ending, ItemId, Lane, LaneRelease, Lease, Result, Writes};

/// Statements, and what their answers mean.
pub(super) struct WriteStatements {
    all: Vec<Statement>,
    /// Of those that link messages, where they are.
    links: std::ops::Range<usize>,
    /// Where the jobs begin, and of each whether it is due.
    first_job: usize,
    jobs_due: Vec<bool>,
    /// Which ticket it is about, to be told if it is refused.
    about: String,
}

/// What was written that others may wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Something that may be leased at once.
    pub(super) has_due_work: bool,
    /// Something that comes first in a lane later.
    pub(super) has_later_work: bool,
}

impl Written {
    /// When an answer was lost, and with it what was new.
    pub(super) const UNKNOWN: Self = Self { has_due_work: true, has_later_work: true };
}

impl WriteStatements {
    /// All but the jobs. `own_lane` is the lane of whoever writes, if it is written to afterwards.
    pub(super) fn new(
        writes: &Writes,
        own_lane: Option<&str>,
        given: Option<i64>,
        hashes_of: impl Fn(&TicketId) -> Vec<Vec<u8>>,
        token_of: impl Fn(ItemId) -> Option<i64>,
    ) -> Self {
        let Writes { decisions, links, tickets: changed, first_words, drawn_cards, jobs } = writes;
        let mut all = Vec::new();
        let messages: Vec<String> = links
            .iter()
            .map(|(link, _)| Lane::Message(link.channel.clone(), link.ts.clone()).name())
            .collect();
        let is_alone = links.is_empty() && jobs.is_empty();
        if !is_alone || own_lane.is_some() && !writes.is_empty() {
            let replies = links.iter().map(|(link, _)| Lane::Replies(link.ticket.clone()).name());
            let jobs = jobs.iter().map(|job| keepable(&job.lane.name()).into_owned());
            let own = own_lane.map(|lane| keepable(lane).into_owned());
            let lanes: Vec<String> =
                messages.iter().cloned().chain(replies).chain(jobs).chain(own).collect();
            let lock = "SELECT lock_lanes($1, $2)";
            all.push(Statement::new(lock, vec![Box::new(messages), Box::new(lanes)]));
        }
        if !decisions.is_empty() {
            all.push(put_decisions(decisions, given, token_of));
        }
        let first_link = all.len();
        for (link, opened) in links {
            let hashes = hashes_of(&link.ticket);
            all.push(tickets::insert_link(link, opened.as_millisecond(), hashes, given));
        }
        let links = first_link..all.len();
        for ticket in changed {
            all.push(tickets::write_ticket(TicketRow::from(ticket), hashes_of(&ticket.id)));
        }
        for (ticket, words) in first_words {
            all.push(tickets::insert_first_words(ticket, words, hashes_of(ticket)));
        }
        for (ticket, drawn) in drawn_cards {
            all.push(tickets::write_drawn_card(ticket, *drawn, hashes_of(ticket)));
        }
        let linked = writes.links.first().map(|(link, _)| link.ticket.to_string());
        let about = changed.first().map(|ticket| ticket.id.to_string()).or(linked);
        let (first_job, about) = (all.len(), about.unwrap_or_default());
        Self { all, links, first_job, jobs_due: Vec::new(), about }
    }

    /// Adds a job, after all else.
    pub(super) fn add_job(&mut self, job: Statement, is_due: bool) {
        self.all.push(job);
        self.jobs_due.push(is_due);
    }

    /// Takes the statements out, to be run with others behind them.
    pub(super) fn take_all(&mut self) -> Vec<Statement> {
        std::mem::take(&mut self.all)
    }

    /// Reads the answers of these statements, which come first.
    pub(super) fn read_answers(&self, rows: &[Vec<Row>]) -> Result<Written> {
        let mut written = Written::default();
        for answer in rows.get(self.links.clone()).unwrap_or_default() {
            if let Some(row) = answer.first() {
                written.has_due_work |= value::<bool>(row, "link_message")?;
            }
        }
        let jobs = rows.get(self.first_job..).unwrap_or_default();
        for (answer, is_due) in jobs.iter().zip(&self.jobs_due) {
            let Some(row) = answer.first() else { continue };
            if Inserted::read(row)? == Inserted::NewInIdleLane {
                written.has_due_work |= is_due;
                written.has_later_work |= !is_due;
            }
        }
        Ok(written)
    }
}

fn put_decisions(
    decisions: &[Decision],
    given: Option<i64>,
    token_of: impl Fn(ItemId) -> Option<i64>,
) -> Statement {
    let (mut ids, mut tokens) = (Vec::new(), Vec::new());
    let (mut names, mut results) = (Vec::new(), Vec::new());
    for Decision { item, step, result } in decisions {
        let Some(token) = token_of(*item) else { continue };
        ids.push(*item);
        tokens.push(token);
        names.push(keepable(step).into_owned());
        results.push(keepable(result).into_owned());
    }
    let sql = "SELECT put_held_decisions($1, $2, $3, $4, $5)";
    Statement::new(
        sql,
        vec![Box::new(given), Box::new(ids), Box::new(tokens), Box::new(names), Box::new(results)],
    )
}

/// Runs all of these.
pub(super) async fn write_all(db: &Database, writes: WriteStatements) -> Result<Written> {
    let rows = db.run_together(&writes.about, &writes.all, None).await?;
    writes.read_answers(&rows.unwrap_or_default())
}

/// Runs all of these, and records how handling ended.
pub(super) async fn commit(
    db: &Database,
    instance: &Instance,
    (lease, ending): (&Lease, &Ending),
    mut writes: WriteStatements,
) -> Result<Written> {
    let given = instance.given_time();
    let lane = || Box::new(keepable(&lease.lane).into_owned());
    let mut recorded = (Vec::new(), "waiting");
    let mut all = writes.take_all();
    if let Some((ids, outcome)) = &ending.settled {
        let (state, reason) = row::outcome_columns(outcome);
        recorded = (ids.clone(), state);
        let reason = reason.map(|reason| keepable(reason).into_owned());
        let is_failed = state == "waiting";
        let sql = "SELECT record_outcome($1, $2, $3, $4, $5, $6, $7, false)";
        all.push(Statement::new(
            sql,
            vec![
                Box::new(given),
                lane(),
                Box::new(lease.token),
                Box::new(ids.clone()),
                Box::new(state),
                Box::new(reason),
                Box::new(is_failed),
            ],
        ));
    }
    let now = instance.clock.now().as_millisecond();
    let due_in = match ending.release {
        LaneRelease::Keep => None,
        LaneRelease::AtOnce => Some(0),
        LaneRelease::At(due) => Some(due.as_millisecond().saturating_sub(now)),
    };
    if let Some(due_in) = due_in {
        all.push(Statement::new(
            "SELECT release_lane($1, $2, $3, $4)",
            vec![Box::new(given), lane(), Box::new(lease.token), Box::new(due_in)],
        ));
    }
    let sql = "SELECT is_recorded($1, $2, $3, $4, $5)";
    let is_recorded = Statement::new(
        sql,
        vec![
            lane(),
            Box::new(lease.token),
            Box::new(recorded.0),
            Box::new(recorded.1),
            Box::new(due_in.is_some()),
        ],
    );
    let about = if writes.about.is_empty() { &lease.lane } else { &writes.about };
    match db.run_together(about, &all, Some(&is_recorded)).await? {
        Some(rows) => writes.read_answers(&rows),
        None => Ok(Written::UNKNOWN),
    }
}
