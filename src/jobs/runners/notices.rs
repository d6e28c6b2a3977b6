//! Jobs that tell a channel or a person something that no ticket waits for.

use super::leased::{DONE_FOR_GOOD, FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::NoticeJob;
use crate::jobs::outside::OutsideNotices;
use crate::jobs::parked::ParkedNotices;
use crate::jobs::shared::SharedWarnings;
use crate::jobs::weekly::WeeklyReports;

/// Tells channels and people what no ticket waits for.
pub(crate) struct NoticeJobs {
    pub(crate) parked: ParkedNotices,
    pub(crate) shared: SharedWarnings,
    pub(crate) outside: OutsideNotices,
    pub(crate) weekly: WeeklyReports,
}

impl NoticeJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_notice_job(
        &self,
        leased: LeasedJobs<'_>,
        job: NoticeJob,
    ) -> HandlerResult {
        let LeasedJobs { first, .. } = leased;
        match job {
            NoticeJob::Parked(parked) => {
                self.parked.post_parked_item(first, &parked).await?;
                Ok(FORGOTTEN)
            }
            NoticeJob::Shared { channel } => {
                self.shared.post_shared_warning(first, &channel).await?;
                Ok(FORGOTTEN)
            }
            NoticeJob::Outside { channel, user } => {
                self.outside.tell_writer(first, (&channel, &user)).await?;
                // Once a day, however often they write there.
                Ok(DONE_FOR_GOOD)
            }
            NoticeJob::Weekly { monday } => {
                self.weekly.post_week(first, &monday).await?;
                // Once for each week, whichever instance comes next.
                Ok(DONE_FOR_GOOD)
            }
        }
    }
}
