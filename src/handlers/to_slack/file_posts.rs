//! One file of a customer into one thread: handed to Slack, shown once, waited for until it shows.
//!
//! An upload has one step that shows, and that one is a recorded call. What comes before it, fetching
//! included, may be done again without anybody noticing.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::{Calls, MAX_CLOCK_SKEW};
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::handlers::thread::ThreadLoss;
use crate::handlers::to_slack::transfers::{FileError, FileTransfer, FileTransfers};
use crate::inbox::{DoubledPost, FileJob, Handling, SecondPost, UnshownFile};
use crate::locale::Texts;
use crate::media::FetchError;
use crate::model::text::to_one_line;
use crate::model::{Failure, Fault, LinkedFile, Thread, TicketId};
use crate::slack::{Posted, SlackClient, files, rich_text};
use crate::store::CallState;
use crate::{slack, store};

/// How often a file is tried that cannot be had at the moment, before its link is shown instead.
const MAX_CUSTOMER_FILE_ATTEMPTS: u32 = 4;

/// How long what was said after a file waits until Slack shows it.
const VISIBLE_FILE_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// How long a ticket's lane waits in a row for its files to come and to be shown, however many they
/// are.
const LANE_FILE_PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// After how long without waiting a lane may wait anew.
const LANE_FILE_REST: SignedDuration = SignedDuration::from_secs(10);

/// The first and the longest pause between two looks; each doubles what has passed.
pub(crate) const MIN_LOOKUP_PAUSE: SignedDuration = SignedDuration::from_millis(200);

pub(crate) const MAX_LOOKUP_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// What the steps begin with that keep how many bytes were brought.
const BYTES_CALL_PREFIX: &str = "bytes:";

/// A file of a customer's message.
#[derive(Clone, Copy)]
pub(crate) struct CustomerFile<'a> {
    /// The event it came with, or the job that brings it.
    pub(crate) item: &'a Handling,
    /// Its place among the pieces of the event.
    pub(crate) place: &'a str,
    /// What tells it from all other files.
    pub(crate) key: &'a str,
    pub(crate) ticket: &'a TicketId,
    pub(crate) media: &'a LinkedFile,
    /// The name of who sent it.
    pub(crate) author: &'a str,
    /// Blip's id of the message.
    pub(crate) blip_ids: &'a [String],
    /// Most bytes that it may have.
    pub(crate) max: u64,
    /// Whether the ticket's lane has gone on without it.
    pub(crate) is_late: bool,
}

/// What became of a file.
pub(crate) enum FileOutcome<T> {
    Brought(T),
    /// It is still on its way.
    UnderWay,
    /// Words are to stand where it should.
    Fallback(FallbackReason),
}

/// Why words stand where a file should.
#[derive(Debug)]
pub(crate) enum FallbackReason {
    Fetch(FetchError),
    TooMuch,
    NotTaken(String),
}

/// A file that Slack has taken and not shown yet.
struct PendingFile<'a> {
    file: &'a str,
    name: &'a str,
    url: &'a str,
    comment: &'a str,
}

/// Brings files to Slack, and shows each once.
pub(crate) struct FilePosts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) transfers: FileTransfers,
    pub(crate) texts: Texts,
    pub(crate) media_max: u64,
    /// Since when lanes wait for files, and when they did so last.
    pub(crate) waits: DashMap<TicketId, (Timestamp, Timestamp)>,
}

impl FilePosts {
    /// Hands a file to Slack, once for each thread; answers with its id there and its name.
    pub(crate) async fn upload_once(
        &self,
        thread: &Thread,
        sent: &CustomerFile<'_>,
        (step, media): (&str, &LinkedFile),
    ) -> Result<(String, String), CallError<FileError>> {
        let item = sent.item;
        let upload = upload_step(step, sent, thread);
        let steps = self.calls.read_earlier_steps(item).await?;
        let mut uploaded = Err(FileError::UnderWay);
        if steps.result_of(&upload).is_none() {
            let (key, left) = (transfer_key(step, sent), self.remaining_bytes(sent).await?);
            let (ticket, is_late) = (sent.ticket, sent.is_late);
            let wanted = FileTransfer { key: &key, ticket, media, left, is_late };
            let brought = self.transfers.bring_file(&wanted).await.map_err(CallError::Call)?;
            record_bytes(item, &upload, brought.length)?;
            uploaded = Ok((brought.id, brought.name));
        }
        // Nobody has seen an upload that was lost, so there is nothing to look for.
        let look = ready(Ok(None));
        self.calls.call_once(item, &upload, None, look, ready(uploaded)).await
    }

    /// Shows a file that Slack has.
    pub(crate) async fn share_once(
        &self,
        thread: &Thread,
        sent: &CustomerFile<'_>,
        (step, media): (&str, &LinkedFile),
        ((file, name), comment): ((&str, &str), &str),
    ) -> Result<Posted, CallError<FileError>> {
        let item = sent.item;
        let upload = upload_step(step, sent, thread);
        let title = media.title.as_deref().map(to_one_line).filter(|title| !title.is_empty());
        let title = title.as_deref().unwrap_or(name);
        let (_, block) = rich_text::to_literal_post(comment);
        let share = format!("{step}:{}@{}", sent.place, thread.root);
        let is_tried = AtomicBool::new(false);
        let look = async {
            is_tried.store(true, Ordering::Relaxed);
            files::find_or_take_back_file(&self.slack, thread, file, item.received - MAX_CLOCK_SKEW)
                .await
        };
        let send = async {
            // Slack takes an upload only once, and may have taken this one.
            if is_tried.load(Ordering::Relaxed) {
                return Err(slack::Error::file_used_up());
            }
            let shared = files::share_file(&self.slack, thread, file, title, &block).await;
            if shared.as_ref().is_err_and(|error| ThreadLoss::from_error(error).is_some()) {
                // Both together, as Slack takes this upload no more. If that fails, the call stays and
                // is looked for.
                if let Err(error) = self.calls.forget_calls(item, &[&share, &upload]).await {
                    return Err(slack::Error::unknown_share(error.to_string()));
                }
            }
            if shared.is_ok() {
                item.note_made_post(to_doubled_file(item, thread, file));
            }
            shared
        };
        let shared = self.calls.call_once(item, &share, Some(&thread.channel), look, send).await;
        let shown = match shared {
            Ok(posted) if posted.message_ts().is_none() => {
                let unshown = PendingFile { file, name: title, url: &media.url, comment };
                self.wait_until_visible(sent, thread, (&share, posted), &unshown).await
            }
            shared => shared,
        };
        match shown {
            Ok(posted) => Ok(posted),
            Err(CallError::Store(error)) => Err(CallError::Store(error)),
            Err(CallError::TooEarly(until)) => Err(CallError::TooEarly(until)),
            Err(CallError::Call(error)) => {
                // Too long ago, or used up, and a look has shown that it is not in the thread; or
                // shown beside the lost thread and taken back. Either way: anew.
                if error.is_file_gone() || ThreadLoss::from_error(&error).is_some() {
                    self.calls.forget_calls(item, &[&share, &upload]).await?;
                }
                Err(CallError::Call(FileError::Share(error)))
            }
        }
    }

    /// What is said next waits until Slack shows a file, as its place is where it is shown; but not
    /// for long. A file that takes longer is looked for by a job of its own.
    async fn wait_until_visible(
        &self,
        sent: &CustomerFile<'_>,
        thread: &Thread,
        (share, posted): (&str, Posted),
        unshown: &PendingFile<'_>,
    ) -> Result<Posted, CallError<slack::Error>> {
        let item = sent.item;
        let now = self.calls.clock.now();
        let since = self.read_wait_start(item, share).await?;
        // Slack says `ok` before the message exists (`slack.md` additions §4), and its place in the
        // thread is where it is shown.
        match files::fetch_file_message(&self.slack, thread, unshown.file).await {
            Ok(Some(shown)) => {
                item.remember(share, &shown)?;
                return Ok(shown);
            }
            Err(error @ slack::Error::Orphaned { .. }) => return Err(CallError::Call(error)),
            Ok(None) | Err(_) => {}
        }
        let age = now.duration_since(since);
        if age < VISIBLE_FILE_TIMEOUT && (sent.is_late || self.may_lane_wait(sent.ticket)) {
            return Err(CallError::TooEarly(now + age.clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE)));
        }
        let is_replaced = match files::is_thread_gone(&self.slack, thread).await {
            Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => false,
            Err(_) => return Err(CallError::TooEarly(now + MAX_LOOKUP_PAUSE)),
            is_gone => is_gone.map_err(CallError::Call)?,
        };
        let late = UnshownFile {
            ticket: sent.ticket.clone(),
            channel: thread.channel.clone(),
            root: thread.root.clone(),
            file: unshown.file.to_owned(),
            name: unshown.name.to_owned(),
            url: unshown.url.to_owned(),
            // A file that comes late follows a line in its place, and that line has the words already.
            comment: (!sent.is_late).then(|| unshown.comment.to_owned()),
            is_replaced,
            blip_ids: sent.blip_ids.to_vec(),
        };
        self.calls.store.accept(FileJob::find_unshown_file(late, now)).await?;
        // It may have been shown beside the thread, and taken back by a process that has died since.
        if is_replaced { Err(CallError::Call(files::orphaned_file())) } else { Ok(posted) }
    }

    /// Ends once an event has waited long enough for a file; till then it gives its place back.
    pub(crate) async fn wait_for_transfer(
        &self,
        (step, sent): (&str, &CustomerFile<'_>),
        patience: SignedDuration,
    ) -> PipeResult<()> {
        let since = self.read_wait_start(sent.item, &format!("{step}:{}", sent.place)).await?;
        let now = self.calls.clock.now();
        let age = now.duration_since(since);
        if age < patience && self.may_lane_wait(sent.ticket) {
            let pause = age.clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE).min(patience - age);
            return Err(Interrupt::Wait(now + pause));
        }
        self.transfers.give_up_waiting(&transfer_key(step, sent));
        Ok(())
    }

    /// Since when an event waits for a file to come or to be shown.
    async fn read_wait_start(&self, item: &Handling, share: &str) -> store::Result<Timestamp> {
        let step = format!("waits:{share}");
        let now = self.calls.clock.now();
        match self.calls.begin_call(item, &step, None, self.calls.clock.now()).await? {
            CallState::OutcomeUnknown(since) => Ok(since.time()),
            CallState::Fresh | CallState::Done(_) => Ok(now),
        }
    }

    /// Whether a ticket's lane, which is about to wait for a file, has not waited too long for files
    /// already.
    fn may_lane_wait(&self, ticket: &TicketId) -> bool {
        let now = self.calls.clock.now();
        // In passing, so that no lane is remembered that waits no more.
        self.waits.retain(|_, (_, last)| now.duration_since(*last) < LANE_FILE_REST);
        let mut row = self.waits.entry(ticket.clone()).or_insert((now, now));
        let (since, last) = row.value_mut();
        *last = now;
        now.duration_since(*since) < LANE_FILE_PATIENCE
    }

    /// How many bytes a file may have yet: those of an event are bounded together as one is.
    async fn remaining_bytes(&self, sent: &CustomerFile<'_>) -> store::Result<u64> {
        // Also those that were brought just now.
        let steps = self.calls.read_all_steps(sent.item).await?;
        let noted = steps.0.iter().filter(|(step, _)| step.starts_with(BYTES_CALL_PREFIX));
        let taken = noted.filter_map(|(_, bytes)| bytes.as_deref()?.parse::<u64>().ok());
        Ok(sent.max.saturating_sub(taken.sum()))
    }

    /// Keeps that a file comes late, with what it may have of its message's bytes; answers with that.
    pub(crate) async fn record_late_file(&self, sent: &CustomerFile<'_>) -> store::Result<u64> {
        let left = self.remaining_bytes(sent).await?;
        sent.item.remember(&late_step(sent), &left)?;
        // What it claims to be is set aside for it.
        let claimed = sent.media.size.unwrap_or_default().min(left);
        record_bytes(sent.item, &late_step(sent), claimed)?;
        Ok(left)
    }

    /// What a file may have that was found to come late before.
    pub(crate) async fn recall_late_file(
        &self,
        sent: &CustomerFile<'_>,
    ) -> store::Result<Option<u64>> {
        self.calls.recall(sent.item, &late_step(sent)).await
    }

    /// Why words stand where a file should, in words.
    pub(crate) fn explain_fallback(&self, media: &LinkedFile, why: &FallbackReason) -> String {
        let key = match why {
            FallbackReason::NotTaken(code) => {
                let reason = self.texts.reason_text(code);
                return self.texts.text("file-not-taken", &[("reason", &reason)]);
            }
            FallbackReason::Fetch(FetchError::TooLarge) | FallbackReason::TooMuch => {
                let limit = self.texts.format_size(self.media_max);
                let is_alone = matches!(why, FallbackReason::Fetch(_));
                let key = if is_alone { "file-too-large" } else { "file-too-much" };
                return self.texts.text(key, &[("limit", &limit)]);
            }
            FallbackReason::Fetch(FetchError::Address) if media.url.starts_with("https://") => {
                "file-address"
            }
            FallbackReason::Fetch(FetchError::Address) => "content-file-unavailable",
            FallbackReason::Fetch(FetchError::Gone(_)) => "file-gone",
            FallbackReason::Fetch(FetchError::WebPage) => "file-web-page",
            FallbackReason::Fetch(FetchError::Empty) => "file-empty",
            FallbackReason::Fetch(FetchError::TooSlow) => "file-too-slow",
            FallbackReason::Fetch(FetchError::Later) => "file-later",
        };
        self.texts.text(key, &[])
    }
}

/// Tries again for a while what may work later; says why words are to stand instead.
pub(crate) fn retry_or_fall_back<T>(
    item: &Handling,
    failed: CallError<FileError>,
) -> PipeResult<FileOutcome<T>> {
    let CallError::Call(trouble) = failed else { return Err(failed.into()) };
    let is_last = item.attempts >= MAX_CUSTOMER_FILE_ATTEMPTS;
    let reason = match trouble {
        FileError::UnderWay => return Ok(FileOutcome::UnderWay),
        FileError::TooMuch => FallbackReason::TooMuch,
        FileError::Fetch(why) if is_last || why != FetchError::Later => FallbackReason::Fetch(why),
        FileError::Share(error) if error.is_file_gone() && !is_last => {
            return Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() });
        }
        trouble @ (FileError::Fetch(_) | FileError::Upload(_) | FileError::Share(_)) => {
            match trouble.to_fault() {
                Fault::Refused { code } => FallbackReason::NotTaken(code),
                Fault::Down if is_last => FallbackReason::NotTaken("down".to_owned()),
                Fault::Busy { .. }
                | Fault::Down
                | Fault::OutcomeUnknown
                | Fault::Credentials
                | Fault::Broken => return Err(CallError::Call(trouble).into()),
            }
        }
    };
    Ok(FileOutcome::Fallback(reason))
}

/// How a file begins that is shown where it, or its preview, was to be: with who sent it.
pub(crate) fn split_comment(author: &str, caption: Option<&str>) -> (String, String) {
    let comment = match caption {
        Some(caption) => format!("{author}: {caption}"),
        None => author.to_owned(),
    };
    let mut parts = slack::render::split_into_posts(&comment, None).into_iter();
    (parts.next().unwrap_or_default(), parts.collect())
}

/// What is looked for if others may show the same file, which they have brought themselves: Slack takes
/// an upload only once.
fn to_doubled_file(item: &Handling, thread: &Thread, file: &str) -> DoubledPost {
    DoubledPost {
        channel: thread.channel.clone(),
        root: Some(thread.root.clone()),
        post: SecondPost::File { file: file.to_owned() },
        since: (item.received - MAX_CLOCK_SKEW).as_millisecond(),
        lane: item.lane.clone(),
        key: item.key.clone(),
    }
}

fn upload_step(step: &str, sent: &CustomerFile<'_>, thread: &Thread) -> String {
    format!("upload-{step}:{}@{}", sent.place, thread.root)
}

/// Keeps how many of its message's bytes a file has taken.
fn record_bytes(item: &Handling, upload: &str, taken: u64) -> store::Result<()> {
    if taken == 0 {
        return Ok(());
    }
    item.remember(&format!("{BYTES_CALL_PREFIX}{upload}"), &taken)
}

fn late_step(sent: &CustomerFile<'_>) -> String {
    format!("late:{}", sent.place)
}

fn transfer_key(step: &str, sent: &CustomerFile<'_>) -> String {
    format!("{step}:{}", sent.key)
}
