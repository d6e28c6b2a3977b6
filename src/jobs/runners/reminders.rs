//! Jobs that tell agents of customers who wait.

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::ReminderJob;
use crate::jobs::absences::Absences;
use crate::jobs::reminders::Reminders;

/// Tells agents of customers who wait.
pub(crate) struct ReminderJobs {
    pub(crate) reminders: Reminders,
    pub(crate) absences: Absences,
}

impl ReminderJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_reminder_job(
        &self,
        leased: LeasedJobs<'_>,
        job: ReminderJob,
    ) -> HandlerResult {
        let LeasedJobs { first, items } = leased;
        match job {
            ReminderJob::Remind(reminder) => {
                self.reminders.post_reminder(first, &reminder).await?;
                Ok(FORGOTTEN)
            }
            ReminderJob::RemindRound(_) => self.reminders.remind_channel(items).await,
            ReminderJob::TellAbsent(absence) => {
                self.absences.tell_absent_holder(first, &absence).await
            }
        }
    }
}
