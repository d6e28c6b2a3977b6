//! Jobs on files that are slow to come.

use super::leased::LeasedJobs;
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::FileJob;
use crate::jobs::late_files::LateFiles;

/// Brings files that are slow to come.
pub(crate) struct FileJobs {
    pub(crate) files: LateFiles,
}

impl FileJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_file_job(&self, leased: LeasedJobs<'_>, job: FileJob) -> HandlerResult {
        let LeasedJobs { first, items } = leased;
        match job {
            FileJob::File(late) => {
                let has_followers = items.len() > 1;
                self.files.post_late_file((first, has_followers), &late).await
            }
            FileJob::Unshown(unshown) => self.files.check_unshown_file(first, &unshown).await,
        }
    }
}
