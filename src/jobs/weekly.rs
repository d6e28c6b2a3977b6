//! The weekly post for who leads the team: how the week went, with a picture and a table.
//!
//! All of it is in the tickets that are kept anyway. Files are shown to a channel by the same call
//! that posts them, so that is the recorded one; their bytes may be brought again without anybody
//! noticing.

use std::collections::HashMap;
use std::future::ready;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::clock::Clock;
use crate::handlers::calls::{Calls, MAX_CLOCK_SKEW};
use crate::handlers::channels::Channels;
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::handlers::people::name_or_none;
use crate::handlers::posts::{Posts, ThreadPost};
use crate::inbox::{Handling, NoticeJob};
use crate::jobs::weekly_files;
use crate::locale::Texts;
use crate::model::report::{ServiceReport, summarize_service};
use crate::model::{ChannelId, ChannelRef, Failure, Fault, SlackUserId, Ticket};
use crate::slack::rich_text::Mention;
use crate::slack::weekly::{self, WeeklyPost};
use crate::slack::{self, SlackBlock, SlackClient, Upload, directory, files, upload_file};
use crate::store::{self, SharedStore};

/// The hour of Monday at which the post is due, where the team works.
const POST_HOUR: i8 = 9;
/// How soon it is tried again to set the job, should the store fail.
const SCHEDULE_RETRY_PAUSE: Duration = Duration::from_mins(1);
/// How long one of the files may take: they are small.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(30);
/// How often the files are tried before the post goes without them.
const MAX_FILE_ATTEMPTS: u32 = 5;

const CHART_STEP: &str = "upload-file:chart";
const TABLE_STEP: &str = "upload-file:table";
const SHARE_STEP: &str = "file:weekly";

/// Who hears of the week, where and when.
#[derive(Clone, Debug)]
pub(crate) struct WeeklyRules {
    /// The user group of who leads the team.
    pub(crate) group: String,
    /// Where the post goes; the channel for all tickets if there is none.
    pub(crate) channel: Option<ChannelRef>,
    /// The zone of the week.
    pub(crate) zone: TimeZone,
}

/// Sets the job of the coming Monday, week after week.
pub(crate) struct WeeklyTimer {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    pub(crate) zone: TimeZone,
}

impl WeeklyTimer {
    /// Runs until it is dropped. The job has the key of its Monday, so that of several instances, or
    /// starts, one sets it.
    pub(crate) async fn run(self) {
        loop {
            let now = self.clock.now();
            let monday = find_next_monday(now, &self.zone);
            let due = monday.timestamp();
            let job = NoticeJob::post_week(&monday.date().to_string(), due);
            let wake = match self.store.accept(job).await {
                Ok(_) => due,
                Err(error) => {
                    tracing::error!(%error, "the weekly post is not set yet; trying again");
                    now + SCHEDULE_RETRY_PAUSE
                }
            };
            self.clock.sleep_until(wake).await;
        }
    }
}

/// The next Monday at nine, later than this.
fn find_next_monday(now: Timestamp, zone: &TimeZone) -> Zoned {
    let now = now.to_zoned(zone.clone());
    let mut day = now.clone();
    loop {
        let due = day.date().at(POST_HOUR, 0, 0, 0).to_zoned(zone.clone());
        match due {
            Ok(due) if due > now && due.weekday() == Weekday::Monday => return due,
            Ok(_) | Err(_) => {}
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            // The end of time has no Monday.
            Err(_) => return now,
        }
    }
}

/// The seven days before a Monday.
fn find_week(monday: &str, zone: &TimeZone) -> Option<Range<Timestamp>> {
    let monday: jiff::civil::Date = monday.parse().ok()?;
    let start = |day: jiff::civil::Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp());
    Some(start(monday.checked_sub(7.days()).ok()?)?..start(monday)?)
}

/// Posts how a week went.
pub(crate) struct WeeklyReports {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) texts: Texts,
    pub(crate) rules: Option<WeeklyRules>,
}

impl WeeklyReports {
    /// Posts how the week before this Monday went; nothing if nothing happened in it.
    pub(crate) async fn post_week(&self, item: &Handling, monday: &str) -> PipeResult<()> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let span = find_week(monday, &rules.zone)
            .ok_or_else(|| Interrupt::broken("a week begins on no day"))?;
        let tickets = self.list_tickets(item, &span).await?;
        if tickets.is_empty() {
            return Ok(());
        }
        let channel = self.find_channel(rules).await?;
        let report = summarize_service(&tickets, &span);
        let names = self.look_up_names(&tickets, &report).await?;
        let week = WeeklyPost { span, tickets: &tickets, report: &report, names: &names };
        let mention = Mention::Group(rules.group.clone());
        let (text, blocks) = weekly::render_week(&week, &mention, &self.texts);
        self.posts.wait_for_post_slot(item, &channel).await?;
        // The words matter more than picture and table, which Slack may never take.
        if item.attempts < MAX_FILE_ATTEMPTS {
            match self.share_files(item, &channel, &week, &blocks).await {
                Err(Interrupt::Call { fault: Fault::Refused { .. }, error }) => {
                    tracing::warn!(error, "the files of the weekly post are not taken");
                }
                shared => return shared,
            }
        }
        let post = ThreadPost { text, blocks, ..ThreadPost::from_line("") };
        self.posts.post_to_channel(item, &channel, "post:weekly", post).await
    }

    /// The tickets to which something happened in the week, in the order of their arrival.
    async fn list_tickets(
        &self,
        item: &Handling,
        span: &Range<Timestamp>,
    ) -> store::Result<Vec<Ticket>> {
        let mut tickets = self.calls.read(item).await?.closed_tickets(span.start).await?;
        tickets.extend(self.calls.read(item).await?.open_tickets().await?);
        // An active message is no ticket of a customer's, whatever it looks like in the store.
        tickets.retain(|ticket| ticket.id.active_target().is_none());
        tickets.retain(|ticket| weekly::has_happened(ticket, span));
        tickets.sort_by_key(|ticket| ticket.opened);
        Ok(tickets)
    }

    async fn find_channel(&self, rules: &WeeklyRules) -> PipeResult<ChannelId> {
        let Some(configured) = &rules.channel else {
            return self.channels.resolve_default_channel().await;
        };
        match self.channels.resolve_channel_id(configured).await {
            Err(error) if error.is_channel_lost() => {
                tracing::error!(channel = %configured, "LEADS_CHANNEL: there is no channel of this \
                    name, or the app is not in it; the weekly post goes to SLACK_CHANNEL");
                self.channels.resolve_default_channel().await
            }
            found => Ok(found?),
        }
    }

    /// What the agents of a week are called: pictures and tables have no mentions.
    async fn look_up_names(
        &self,
        tickets: &[Ticket],
        report: &ServiceReport,
    ) -> PipeResult<HashMap<SlackUserId, String>> {
        let mut names = HashMap::new();
        let of_tickets = tickets.iter().filter_map(weekly::agent_of);
        for user in report.agents.iter().map(|(user, _)| user).chain(of_tickets) {
            if names.contains_key(user) {
                continue;
            }
            let profile = name_or_none(directory::fetch_profile(&self.slack, user).await)?;
            let name = profile.map_or_else(|| user.to_string(), |profile| profile.name);
            names.insert(user.clone(), name);
        }
        Ok(names)
    }

    /// Shows picture and table in a channel, below the words of the post.
    async fn share_files(
        &self,
        item: &Handling,
        channel: &ChannelId,
        week: &WeeklyPost<'_>,
        blocks: &[SlackBlock],
    ) -> PipeResult<()> {
        let texts = &self.texts;
        let chart = weekly_files::build_chart(week, texts).to_png();
        let name = |ending: &str| format!("{}.{ending}", weekly_files::first_day(week, texts));
        let chart = self.upload_once(item, CHART_STEP, (name("png"), "image/png", chart)).await?;
        let table = weekly_files::write_table(week, texts).into_bytes();
        let table = self.upload_once(item, TABLE_STEP, (name("csv"), "text/csv", table)).await?;
        let titles = [texts.text("weekly-chart", &[]), texts.text("weekly-table", &[])];
        let shown: Vec<(&str, &str)> = [&chart, &table]
            .into_iter()
            .zip(&titles)
            .map(|(id, title)| (&**id, &**title))
            .collect();
        let is_tried = AtomicBool::new(false);
        let look = async {
            is_tried.store(true, Ordering::Relaxed);
            let since = item.received - MAX_CLOCK_SKEW;
            files::has_file_in_channel(&self.slack, channel, &chart, since).await
        };
        let send = async {
            // Slack takes an upload only once, and may have taken this one.
            if is_tried.load(Ordering::Relaxed) {
                return Err(slack::Error::file_used_up());
            }
            files::share_in_channel(&self.slack, channel, &shown, blocks).await
        };
        match self.calls.call_once(item, SHARE_STEP, Some(channel), look, send).await {
            Err(CallError::Call(error)) if error.is_file_gone() => {
                // Used up, and a look has shown that it is nowhere: anew.
                let steps = [SHARE_STEP, CHART_STEP, TABLE_STEP];
                self.calls.forget_calls(item, &steps).await?;
                Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() })
            }
            shared => Ok(shared?),
        }
    }

    /// Hands bytes to Slack, which shows them to nobody yet; answers with the file's id.
    async fn upload_once(
        &self,
        item: &Handling,
        step: &str,
        (name, mime, bytes): (String, &str, Vec<u8>),
    ) -> PipeResult<String> {
        let upload = Upload {
            name,
            mime: Some(mime.to_owned()),
            length: bytes.len() as u64,
            body: bytes.into(),
            within: UPLOAD_DEADLINE,
        };
        // Nobody has seen an upload that was lost, so there is nothing to look for.
        let look = ready(Ok(None));
        let sent = self.calls.call_once(item, step, None, look, upload_file(&self.slack, upload));
        match sent.await {
            Err(CallError::Call(error)) if error.to_fault().is_outcome_unknown() => {
                Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() })
            }
            sent => Ok(sent?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_monday_at_nine_is_later_than_now_and_its_week_ends_before_it() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let at = |text: &str| -> Timestamp { format!("{text}:00-03:00").parse().unwrap() };
        // The 3rd of August 2026 is a Monday.
        for (now, monday) in [
            ("2026-08-01T12:00", "2026-08-03"),
            ("2026-08-03T08:59", "2026-08-03"),
            ("2026-08-03T09:00", "2026-08-10"),
            ("2026-08-09T23:59", "2026-08-10"),
        ] {
            let found = find_next_monday(at(now), &zone);
            assert_eq!(found.date().to_string(), monday, "{now}");
            assert_eq!(found.hour(), 9);
        }
        let week = find_week("2026-08-03", &zone).unwrap();
        assert_eq!(week, at("2026-07-27T00:00")..at("2026-08-03T00:00"));
    }
}
