//! What the bridge does of its own accord.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use dashmap::{DashMap, DashSet};

use super::base::{Base, build_assignment_rules, build_reminder_rules};
use super::moves::MoveServices;
use super::to_blip::ToBlipServices;
use super::to_slack::ToSlackServices;
use crate::config::Config;
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::handlers::to_slack::file_posts::FilePosts;
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::jobs::Jobs;
use crate::jobs::absences::Absences;
use crate::jobs::away::AwayAnswers;
use crate::jobs::cards::Cards;
use crate::jobs::catch_up::TicketChecks;
use crate::jobs::compare::ThreadComparisons;
use crate::jobs::context::ContextPosts;
use crate::jobs::delays::DelayMarks;
use crate::jobs::deliveries::Deliveries;
use crate::jobs::distribution::Distribution;
use crate::jobs::doubled::DoubledPosts;
use crate::jobs::forget::SlackEraser;
use crate::jobs::late_files::LateFiles;
use crate::jobs::marks::Marks;
use crate::jobs::outside::OutsideNotices;
use crate::jobs::parked::ParkedNotices;
use crate::jobs::reminders::Reminders;
use crate::jobs::runners::{
    AssignmentJobs, CardJobs, CheckJobs, CustomerJobs, FileJobs, MarkJobs, NoticeJobs, ReceiptJobs,
    ReminderJobs, ReplyJobs, ThreadJobs,
};
use crate::jobs::shared::SharedWarnings;
use crate::jobs::timer_checks::TimerChecks;
use crate::jobs::transfer_notices::TransferNotices;
use crate::jobs::unknown::UnknownJobs;
use crate::jobs::weekly::{WeeklyReports, WeeklyRules};

pub(super) fn build_jobs(
    config: &Config,
    base: &Base,
    moves: &MoveServices,
    (to_blip, to_slack): (&ToBlipServices, &ToSlackServices),
) -> Jobs {
    Jobs {
        assignments: AssignmentJobs {
            distribution: build_distribution(config, base),
            assignments: Arc::clone(&moves.assignments),
        },
        cards: build_card_jobs(base),
        checks: CheckJobs {
            tickets: TicketChecks {
                calls: Arc::clone(&base.calls),
                bots: Arc::clone(&base.platforms.bots),
                tickets: Arc::clone(&to_slack.tickets),
            },
            comparisons: build_comparisons(config, base, &to_blip.history),
        },
        customers: CustomerJobs {
            customers: Arc::clone(&to_slack.customers),
            away: build_away_answers(config, base),
            eraser: build_slack_eraser(base),
        },
        files: FileJobs { files: build_late_files(base, &to_slack.files) },
        marks: MarkJobs {
            marks: Marks {
                calls: Arc::clone(&base.calls),
                slack: Arc::clone(&base.platforms.slack),
                next_read_mark: AtomicI64::new(0),
            },
            delays: build_delay_marks(base),
        },
        notices: build_notice_jobs(config, base),
        receipts: ReceiptJobs {
            bots: Arc::clone(&base.platforms.bots),
            deliveries: build_deliveries(base, &to_slack.pushed),
        },
        reminders: ReminderJobs {
            reminders: build_reminders(config, base),
            absences: build_absences(base),
        },
        replies: ReplyJobs {
            calls: Arc::clone(&base.calls),
            holds: Arc::clone(&to_blip.holds),
            held: Arc::clone(&to_blip.held),
        },
        unknown: UnknownJobs { clock: base.calls.clock.clone(), told: DashSet::new() },
        threads: ThreadJobs {
            threads: Arc::clone(&base.threads),
            lines: Arc::clone(&base.lines),
            context: build_context(config, base),
            transfers: build_transfer_notices(base),
            doubled: DoubledPosts {
                calls: Arc::clone(&base.calls),
                slack: Arc::clone(&base.platforms.slack),
            },
        },
    }
}

fn build_card_jobs(base: &Base) -> CardJobs {
    CardJobs {
        cards: Cards {
            calls: Arc::clone(&base.calls),
            slack: Arc::clone(&base.platforms.slack),
            threads: Arc::clone(&base.threads),
            texts: base.platforms.texts.clone(),
        },
        timer_checks: TimerChecks {
            calls: Arc::clone(&base.calls),
            timers: Arc::clone(&base.timers),
        },
    }
}

fn build_notice_jobs(config: &Config, base: &Base) -> NoticeJobs {
    NoticeJobs {
        parked: ParkedNotices {
            calls: Arc::clone(&base.calls),
            threads: Arc::clone(&base.threads),
            slack: Arc::clone(&base.platforms.slack),
            texts: base.platforms.texts.clone(),
        },
        shared: SharedWarnings {
            calls: Arc::clone(&base.calls),
            posts: Arc::clone(&base.posts),
            texts: base.platforms.texts.clone(),
        },
        outside: build_outside_notices(base),
        weekly: build_weekly_reports(config, base),
    }
}

fn build_reminders(config: &Config, base: &Base) -> Reminders {
    Reminders {
        calls: Arc::clone(&base.calls),
        threads: Arc::clone(&base.threads),
        posts: Arc::clone(&base.posts),
        slack: Arc::clone(&base.platforms.slack),
        texts: base.platforms.texts.clone(),
        rules: build_reminder_rules(config, base.desk_hours.as_ref()),
    }
}

fn build_slack_eraser(base: &Base) -> SlackEraser {
    SlackEraser {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        posts: Arc::clone(&base.posts),
        texts: base.platforms.texts.clone(),
    }
}

fn build_late_files(base: &Base, files: &Arc<FilePosts>) -> LateFiles {
    LateFiles {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        threads: Arc::clone(&base.threads),
        posts: Arc::clone(&base.posts),
        files: Arc::clone(files),
        texts: base.platforms.texts.clone(),
    }
}

fn build_deliveries(base: &Base, pushed: &Arc<PushedReceipts>) -> Deliveries {
    Deliveries {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        timers: Arc::clone(&base.timers),
        pushed: Arc::clone(pushed),
        receipts_asked: DashMap::new(),
    }
}

fn build_comparisons(
    config: &Config,
    base: &Base,
    history: &Arc<ReactionHistory>,
) -> ThreadComparisons {
    ThreadComparisons {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        gaps: Arc::clone(&base.gaps),
        history: Arc::clone(history),
        claim_reaction: config.desk.claim_reaction.clone(),
        close_reaction: config.desk.close_reaction.clone(),
        compared_threads: DashMap::new(),
    }
}

fn build_context(config: &Config, base: &Base) -> ContextPosts {
    ContextPosts {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        threads: Arc::clone(&base.threads),
        texts: base.platforms.texts.clone(),
        context_messages: u32::try_from(config.desk.context_messages).unwrap_or(u32::MAX),
    }
}

fn build_outside_notices(base: &Base) -> OutsideNotices {
    OutsideNotices {
        slack: Arc::clone(&base.platforms.slack),
        channels: Arc::clone(&base.channels),
        people: Arc::clone(&base.people),
    }
}

fn build_absences(base: &Base) -> Absences {
    Absences {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        posts: Arc::clone(&base.posts),
        people: Arc::clone(&base.people),
    }
}

fn build_distribution(config: &Config, base: &Base) -> Distribution {
    Distribution {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        people: Arc::clone(&base.people),
        bots: Arc::clone(&base.platforms.bots),
        rules: build_assignment_rules(config),
    }
}

fn build_delay_marks(base: &Base) -> DelayMarks {
    DelayMarks {
        calls: Arc::clone(&base.calls),
        people: Arc::clone(&base.people),
        posts: Arc::clone(&base.posts),
        told: DashSet::new(),
    }
}

fn build_away_answers(config: &Config, base: &Base) -> AwayAnswers {
    AwayAnswers {
        calls: Arc::clone(&base.calls),
        bots: Arc::clone(&base.platforms.bots),
        lines: Arc::clone(&base.lines),
        rules: build_reminder_rules(config, base.desk_hours.as_ref()),
        message: config.desk.away_message.clone(),
    }
}

fn build_weekly_reports(config: &Config, base: &Base) -> WeeklyReports {
    WeeklyReports {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        posts: Arc::clone(&base.posts),
        channels: Arc::clone(&base.channels),
        texts: base.platforms.texts.clone(),
        rules: config.desk.leads.clone().map(|group| WeeklyRules {
            group,
            channel: config.desk.leads_channel.clone(),
            zone: config.timezone.clone(),
        }),
    }
}

fn build_transfer_notices(base: &Base) -> TransferNotices {
    TransferNotices {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(&base.platforms.slack),
        threads: Arc::clone(&base.threads),
        people: Arc::clone(&base.people),
        texts: base.platforms.texts.clone(),
    }
}
