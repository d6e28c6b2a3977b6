//! What the bridge does of its own accord: cards, marks, reminders, comparisons.
//!
//! Little of this may hold up a conversation: jobs that change a ticket wait in its lanes
//! (`inbox/job/mod.rs` lists them), all others in lanes of their own, and what is only a courtesy is
//! dropped when Slack is busy. Handlers do not call what is here; they put a [`Job`] into the inbox.

pub(crate) mod absences;
pub(crate) mod away;
pub(crate) mod cards;
pub(crate) mod catch_up;
pub(crate) mod compare;
pub(crate) mod context;
pub(crate) mod delays;
pub(crate) mod deliveries;
pub(crate) mod desk_hours;
pub(crate) mod distribution;
pub(crate) mod doubled;
pub(crate) mod forget;
pub(crate) mod gaps;
pub(crate) mod health;
pub(crate) mod late_files;
pub(crate) mod marks;
pub(crate) mod origins;
pub(crate) mod outside;
pub(crate) mod parked;
pub(crate) mod reminders;
pub(crate) mod runners;
pub(crate) mod service_levels;
pub(crate) mod shared;
pub(crate) mod sweeper;
pub(crate) mod timer_checks;
pub(crate) mod transfer_notices;
pub(crate) mod unknown;
pub(crate) mod weekly;
pub(crate) mod weekly_files;

use crate::handlers::interrupt::{HandlerResult, Interrupt};
use crate::inbox::{CardJob, Handled, Handling, ItemOutcome, Job};
use crate::jobs::unknown::UnknownJobs;
use crate::store::{self, Source};
use crate::telemetry;
use runners::{
    AssignmentJobs, CardJobs, CheckJobs, CustomerJobs, FileJobs, LeasedJobs, MarkJobs, NoticeJobs,
    ReceiptJobs, ReminderJobs, ReplyJobs, ThreadJobs,
};

/// A table of who does which group of jobs. It is no service, and nobody is handed it but the
/// dispatcher.
pub(crate) struct Jobs {
    pub(crate) assignments: AssignmentJobs,
    pub(crate) cards: CardJobs,
    pub(crate) checks: CheckJobs,
    pub(crate) customers: CustomerJobs,
    pub(crate) files: FileJobs,
    pub(crate) marks: MarkJobs,
    pub(crate) notices: NoticeJobs,
    pub(crate) receipts: ReceiptJobs,
    pub(crate) reminders: ReminderJobs,
    pub(crate) replies: ReplyJobs,
    pub(crate) threads: ThreadJobs,
    pub(crate) unknown: UnknownJobs,
}

impl Jobs {
    /// Does something that the bridge set itself to do: the first of these, or several if they
    /// belong together.
    pub(crate) async fn run_job(&self, items: &[Handling]) -> HandlerResult {
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let job: Job = serde_json::from_slice(&first.body)
            .map_err(|_unreadable| Interrupt::broken("a stored job is unreadable"))?;
        if let Some(ticket) = job.ticket_id() {
            telemetry::record_ticket(&ticket);
        }
        let leased = LeasedJobs { first, items };
        match job {
            Job::Assignment(job) => self.assignments.run_assignment_job(leased, job).await,
            Job::Card(job) => self.cards.run_card_job(leased, job).await,
            Job::Check(job) => self.checks.run_check_job(leased, job).await,
            Job::Customer(job) => self.customers.run_customer_job(leased, job).await,
            Job::File(job) => self.files.run_file_job(leased, job).await,
            Job::Mark(job) => self.marks.run_mark_job(leased, job).await,
            Job::Notice(job) => self.notices.run_notice_job(leased, job).await,
            Job::Receipt(job) => self.receipts.run_receipt_job(leased, job).await,
            Job::Reminder(job) => self.reminders.run_reminder_job(leased, job).await,
            Job::Reply(job) => self.replies.run_reply_job(leased, job).await,
            Job::Thread(job) => self.threads.run_thread_job(leased, job).await,
            Job::Unknown(job) => Ok(self.unknown.leave_for_newer_release(job)),
        }
    }

    /// Mends what handling items may have done that were lost to another instance meanwhile.
    pub(crate) async fn mend_lost_items(&self, items: &[Handling]) -> store::Result<()> {
        if let Some(first) = items.first() {
            let made = first.gathered().take_made_calls();
            self.threads.doubled.leave_comparisons(made).await?;
        }
        for item in items.iter().filter(|item| item.source == Source::Internal) {
            if let Ok(Job::Card(CardJob::Card { ticket })) = serde_json::from_slice(&item.body) {
                self.cards.cards.redraw_card(&ticket).await?;
            }
        }
        Ok(())
    }
}
