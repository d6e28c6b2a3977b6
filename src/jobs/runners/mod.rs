//! Who does the jobs of each group: one file for each, with what it needs and nothing else.

mod assignments;
mod cards;
mod checks;
mod customers;
mod files;
mod leased;
mod marks;
mod notices;
mod receipts;
mod reminders;
mod replies;
mod threads;

pub(crate) use assignments::AssignmentJobs;
pub(crate) use cards::CardJobs;
pub(crate) use checks::CheckJobs;
pub(crate) use customers::CustomerJobs;
pub(crate) use files::FileJobs;
pub(crate) use leased::LeasedJobs;
pub(crate) use marks::MarkJobs;
pub(crate) use notices::NoticeJobs;
pub(crate) use receipts::ReceiptJobs;
pub(crate) use reminders::ReminderJobs;
pub(crate) use replies::ReplyJobs;
pub(crate) use threads::ThreadJobs;
