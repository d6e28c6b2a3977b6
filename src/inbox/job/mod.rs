//! What the bridge sets itself to do: work that must not hold up a conversation.
//!
//! A job is an item like any other, in a lane of its own; but for [`CheckJob::Check`],
//! [`CustomerJob::Met`], [`ThreadJob::Move`] and [`ThreadJob::Say`], which wait in their ticket's lane
//! towards Slack, and [`ReplyJob::Send`], [`CustomerJob::Away`] and [`AssignmentJob::Assign`], which wait in the one towards
//! Blip. Each group has a file here, with the lanes and keys of its jobs, and a runner of the same name
//! in [`crate::jobs`].

mod assignments;
mod cards;
mod checks;
mod customers;
mod files;
mod group;
mod lines;
mod marks;
mod notices;
mod receipts;
mod reminders;
mod replies;
mod threads;

use serde::{Deserialize, Serialize};

use self::group::JobGroup as _;
use crate::model::TicketId;

pub(crate) use assignments::{Assignment, AssignmentJob, Overdue};
pub(crate) use cards::CardJob;
pub(crate) use checks::CheckJob;
pub(crate) use customers::{CustomerJob, Forgetting};
pub(crate) use files::{FileJob, LateFile, UnshownFile};
pub(crate) use lines::{
    CloseConcern, CloseQuestion, LineToSay, MoveLine, RefusedWish, SENT_POST_CALL, SentWords,
    ThreadLine, UNREAD_POST_CALL, UnsentPart,
};
pub(crate) use marks::{DelayedReply, DeliveryMark, MarkJob, MarkOccasion, ReadReply};
pub(crate) use notices::{NoticeJob, ParkedEvent};
pub(crate) use receipts::ReceiptJob;
pub(crate) use reminders::{Absence, Reminder, ReminderJob, ReminderTopic};
pub(crate) use replies::{HeldReply, ReplyJob};
pub(crate) use threads::{DoubledPost, SecondPost, ThreadJob, TransferNotice};

/// Something that the bridge set itself to do.
///
/// It is stored as its group writes it: an object with the kind under `chore`, the word of the first
/// release. No kind is in two groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Job {
    Card(CardJob),
    Mark(MarkJob),
    Reply(ReplyJob),
    Receipt(ReceiptJob),
    Reminder(ReminderJob),
    Notice(NoticeJob),
    Thread(ThreadJob),
    Check(CheckJob),
    Customer(CustomerJob),
    File(FileJob),
    Assignment(AssignmentJob),
    /// In no form that this release knows: a newer one set it out, and does it.
    #[serde(skip_serializing)]
    Unknown(UnknownJob),
}

impl Job {
    /// The ticket that it is about; none if it is about several, or none of ours.
    pub(crate) fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Card(job) => job.ticket_id(),
            Self::Mark(job) => job.ticket_id(),
            Self::Reply(job) => job.ticket_id(),
            Self::Receipt(job) => job.ticket_id(),
            Self::Reminder(job) => job.ticket_id(),
            Self::Notice(job) => job.ticket_id(),
            Self::Thread(job) => job.ticket_id(),
            Self::Check(job) => job.ticket_id(),
            Self::Customer(job) => job.ticket_id(),
            Self::File(job) => job.ticket_id(),
            Self::Assignment(job) => job.ticket_id(),
            Self::Unknown(_) => None,
        }
    }
}

/// What is known of a job whose form is not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UnknownJob {
    #[serde(rename = "chore")]
    pub(crate) kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of each kind as a database may hold it.
    const STORED: [&str; 51] = [
        r#"{"chore":"card","ticket":"default/9b2e"}"#,
        r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true,"off":false}"#,
        r#"{"chore":"mark","ticket":"default/9b2e","channel":"C1","ts":"1.2","name":"lock","droppable":true,"off":false}"#,
        r#"{"chore":"delivered","ticket":"vendas/9b2e","channel":"C1","ts":"1.2","messages":["a","b"],"is_whole":true,"occasion":"sent"}"#,
        r#"{"chore":"read","ticket":"default/9b2e","channel":"C1","ts":"1.2","message":"a"}"#,
        r#"{"chore":"context","ticket":"default/9b2e"}"#,
        r#"{"chore":"window","ticket":"default/9b2e"}"#,
        r#"{"chore":"waits","ticket":"default/9b2e","since":1764000000000}"#,
        r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":2,"by_router":true}"#,
        r#"{"chore":"seen","ticket":"default/9b2e","address":"a@b/c","messages":["a"]}"#,
        r#"{"chore":"remind","ticket":"default/9b2e","about":"unclaimed","since":1,"round":0}"#,
        r#"{"chore":"remind_round","ticket":"default/9b2e","about":"unanswered","since":1,"round":2}"#,
        r#"{"chore":"hold","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
        r#"{"chore":"send","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
        r#"{"chore":"check","ticket":"default/9b2e"}"#,
        r#"{"chore":"handed","ticket":"default/9b2e","to":"a%40b@blip.ai","name":"Ana","by":"Bia"}"#,
        r#"{"chore":"move","ticket":"default/9b2e","root":"1.2","with_channel":true}"#,
        r#"{"chore":"compare","channel":"C1"}"#,
        r#"{"chore":"catch_up","ticket":"default/9b2e"}"#,
        r#"{"chore":"shared","channel":"C1"}"#,
        r#"{"chore":"outside","channel":"C1","user":"U1"}"#,
        r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1","is_move":true}"#,
        r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1","is_move":true,"event":"k"}"#,
        r#"{"chore":"originator","ticket":"default/9b2e","looks":1}"#,
        r#"{"chore":"met","ticket":"default/9b2e","originator":"5531@wa.gw.msging.net"}"#,
        r#"{"chore":"file","ticket":"default/9b2e","key":"k","channel":"C1","line":"1.2","media":{"url":"https://a","mime":null,"title":"t","caption":null,"size":3,"preview_url":null},"left":9,"blip_ids":["a"]}"#,
        r#"{"chore":"late","ticket":"default/9b2e","channel":"C1","root":"1.2","file":"F1","name":"n","url":"https://a","comment":"c","is_replaced":false,"blip_ids":["a"]}"#,
        r#"{"chore":"forget","job":"j","threads":[["C1","1.2"]]}"#,
        r#"{"chore":"away","ticket":"default/9b2e"}"#,
        r#"{"chore":"weekly","monday":"2026-11-30"}"#,
        r#"{"chore":"distribute"}"#,
        r#"{"chore":"assign","ticket":"default/9b2e","agent":"U1","turn":7}"#,
        r#"{"chore":"take_back","ticket":"default/9b2e","agent":"U1","since":1}"#,
        r#"{"chore":"tell_absent","ticket":"default/9b2e","agent":"U1","since":1}"#,
        r#"{"chore":"doubled","channel":"C1","root":"1.1","ts":"1.2","delivery":"d","is_named":true,"is_card":false,"since":1,"lane":"own:a","key":"k"}"#,
        r#"{"chore":"doubled","channel":"C1","root":"1.1","file":"F1","since":1,"lane":"own:a","key":"k"}"#,
        r#"{"chore":"parked","item":5,"by_agent":true,"key":"k","lane":"reply:default/9b2e","reason":"r"}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":1,"line":{"says":"claimed","holder":"U1","is_given":true}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"taken_over","holder":"U1","previous":"U2"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"released","by":"Ana"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"closed","holder":"U1","by":"Bia","at":1}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"transferred","by":"Ana","to":"Vendas","is_known":true,"holder":"U1"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"taken_back","holder":"U1","waited":60000}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"standby","by":"Ana","is_on":true}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"refused","by":"Ana","wish":"early_standby","code":"64","words":"w"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"close_question","agent":"U1","about":"unread_in_dialog","farewell":"f"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"too_late","by":"Ana"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"unsent","by":"Ana","parts":["forwarded","image",{"unreadable":"canvas"}]}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"unsent_file","file":"F1","name":"n","reason":"file_list"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"away"}}"#,
        r#"{"chore":"say","ticket":"default/9b2e","delivery":"d","in_doubt_since":null,"line":{"says":"sent","by":"Ana","template":"t","text":"x","blip_ids":["a"],"user":"U1"}}"#,
    ];

    #[test]
    fn each_stored_job_is_read_and_written_in_the_same_form() {
        for stored in STORED {
            let job: Job = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&job).unwrap(), stored);
        }
    }

    #[test]
    fn what_older_jobs_lack_is_filled_in() {
        for (older, now) in [
            (
                r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true}"#,
                r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true,"off":false}"#,
            ),
            (
                r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":0}"#,
                r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":0}"#,
            ),
            (
                r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
                r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1","is_move":false}"#,
            ),
            (
                r#"{"chore":"late","ticket":"default/9b2e","channel":"C1","root":"1.2","file":"F1","name":"n","url":"https://a","blip_ids":["a"]}"#,
                r#"{"chore":"late","ticket":"default/9b2e","channel":"C1","root":"1.2","file":"F1","name":"n","url":"https://a","comment":null,"is_replaced":false,"blip_ids":["a"]}"#,
            ),
            (
                r#"{"chore":"parked","item":5,"by_agent":true,"lane":"l","reason":"r"}"#,
                r#"{"chore":"parked","item":5,"by_agent":true,"key":"","lane":"l","reason":"r"}"#,
            ),
        ] {
            let job: Job = serde_json::from_str(older).unwrap();
            assert_eq!(serde_json::to_string(&job).unwrap(), now);
        }
    }
}
