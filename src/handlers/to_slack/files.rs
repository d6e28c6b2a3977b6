//! Files that customers send: fetched at once, because their links run out, and shown in the
//! thread; or what there is of them, with the reason.
//!
//! An upload has one step that shows, and that one is a recorded call. What comes before it, fetching
//! included, may be done again without anybody noticing.

use crate::slack::files;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::Calls;
use crate::handlers::calls::MAX_CLOCK_SKEW;
use crate::handlers::interrupt::{CallError, HandlerResult, Interrupt, PipeResult};
use crate::handlers::posts::{Posts, ThreadPost};
use crate::handlers::thread::{ThreadLoss, Threads};
use crate::inbox::{Handled, ItemOutcome, Job, LateFile};
use crate::locale::Texts;
use crate::media::{FetchError, FetchRequest, FetchedFile, Fetcher, file_name, full_type};
use crate::model::text::to_one_line;
use crate::model::{Failure, Fault, LinkedFile, Thread, Ticket, TicketId};
use crate::slack::{Posted, SlackClient, Upload, render, rich_text};
use crate::store::{CallState, Item, Role};
use crate::{blip, slack, store};

/// How often a file is tried that cannot be had at the moment, before its link is shown instead.
pub(crate) const MAX_CUSTOMER_FILE_ATTEMPTS: u32 = 4;

/// How long after the beginning of an event no further file of it is begun: the lane is given back
/// first, so that its lease cannot run out half way through.
pub(crate) const FILE_START_DEADLINE: SignedDuration = SignedDuration::from_secs(20);

/// How long a whole file may take. Well under half of an inbox lease, so that nobody else begins
/// with the same event meanwhile.
pub(crate) const WHOLE_FILE_TIMEOUT: Duration = Duration::from_secs(110);

/// How long what was said after a file waits until Slack shows it.
pub(crate) const VISIBLE_FILE_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// How long a file is looked for before the thread is told that it is not shown
/// (`slack.md` additions §4).
pub(crate) const LATE_FILE_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// The first and the longest pause between two looks; each doubles what has passed.
pub(crate) const MIN_LOOKUP_PAUSE: SignedDuration = SignedDuration::from_millis(200);

pub(crate) const MAX_LOOKUP_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// What the steps begin with that keep how many bytes were brought.
pub(crate) const BYTES_CALL_PREFIX: &str = "bytes:";

/// Kinds of files whose name, where they have none, is that of the kind.
pub(crate) const NAMED_AFTER_KIND: [&str; 3] = ["image", "audio", "video"];

/// A file of a customer's message.
pub(crate) struct CustomerFile<'a> {
    /// The event it came with.
    pub(crate) item: &'a Item,
    /// Its place among the pieces of the event.
    pub(crate) place: &'a str,
    /// The ticket.
    pub(crate) ticket: &'a TicketId,
    /// The bot that it came through.
    pub(crate) bot: &'a blip::BlipClient,
    /// The file.
    pub(crate) media: &'a LinkedFile,
    /// The name of who sent it.
    pub(crate) author: &'a str,
    /// Blip's id of the message.
    pub(crate) blip_ids: &'a [String],
}

/// Why a file did not come over.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It could not be had.
    Fetch(FetchError),
    /// With the other files of its message it is over the limit.
    TooMuch,
    /// Slack did not take the bytes. Nobody has seen anything of them.
    Upload(slack::Error),
    /// Slack did not show what it had taken.
    Share(slack::Error),
}

/// Why words stand where a file should.
#[derive(Debug)]
pub(crate) enum FallbackReason {
    Fetch(FetchError),
    TooMuch,
    NotTaken(String),
}

/// A file that Slack has taken and not shown yet.
pub(crate) struct PendingFile<'a> {
    file: &'a str,
    name: &'a str,
    url: &'a str,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(why) => write!(f, "fetch a file: {why}"),
            Self::TooMuch => write!(f, "fetch a file: over the limit with the others"),
            Self::Upload(error) | Self::Share(error) => error.fmt(f),
        }
    }
}

impl Failure for FileError {
    fn to_fault(&self) -> Fault {
        match self {
            Self::Fetch(FetchError::Later) => Fault::Down,
            Self::Fetch(why) => Fault::Refused { code: why.to_string() },
            Self::TooMuch => Fault::Refused { code: self.to_string() },
            // Bytes that may have arrived and show nowhere are as good as not sent.
            Self::Upload(error) if error.to_fault().is_outcome_unknown() => Fault::Down,
            Self::Upload(error) | Self::Share(error) => error.to_fault(),
        }
    }
}

/// Brings customers' files into threads.
pub(crate) struct CustomerFiles {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) texts: Texts,
    pub(crate) media_max: u64,
}

impl CustomerFiles {
    /// Shows a file in its ticket's thread: itself, else its preview, else words about it.
    pub(crate) async fn post_file(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        began: Timestamp,
    ) -> PipeResult<()> {
        let CustomerFile { item, place, media, .. } = *sent;
        let steps = self.calls.read_begun_calls(item).await?;
        let was_begun = |step: &str| {
            let step = format!("{step}:{place}");
            steps.iter().any(|(name, _)| name.strip_prefix(&step).is_some_and(is_end_of_place))
        };
        if !was_begun("file") && self.calls.clock.now() > began + FILE_START_DEADLINE {
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        // Why words stand here is decided once: an earlier run may have come as far as saying so.
        let decided = format!("why:{place}");
        let known: Option<String> = self.calls.recall(item, &decided).await?;
        let explained = if let Some(known) = known {
            known
        } else {
            let caption = media.caption.as_deref();
            let Some(why) = self.transfer_file(ticket, sent, ("file", media), caption).await?
            else {
                return Ok(());
            };
            tracing::info!(ticket.id = %ticket.id, item.id, ?why, "a file is not shown itself");
            let explained = self.explain_fallback(media, &why);
            self.calls.remember(item, &decided, &explained).await?;
            explained
        };
        let words = render::render_missing_file(media, &explained, &self.texts);
        if let (Some(url), false) = (&media.preview_url, was_begun("instead")) {
            let preview = LinkedFile {
                url: url.clone(),
                title: media.title.clone(),
                ..LinkedFile::default()
            };
            let shown = ("preview", &preview);
            if self.transfer_file(ticket, sent, shown, Some(&words)).await?.is_none() {
                return Ok(());
            }
        }
        self.post_file_text(ticket, sent, "instead", &words).await
    }

    async fn post_file_text(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        step: &str,
        words: &str,
    ) -> PipeResult<()> {
        let author = sent.author.to_owned();
        let label = if self.slack.has_author_names() { None } else { Some(&author) };
        for (part, words) in render::split_into_posts(words, label).into_iter().enumerate() {
            let (text, block) = rich_text::to_literal_post(&words);
            let post = ThreadPost {
                text,
                blocks: vec![block],
                author: Some(author.clone()),
                role: Role::Customer,
                blip_ids: sent.blip_ids.to_vec(),
                user: None,
                broadcast: false,
            };
            let step = format!("{step}:{}:{part}", sent.place);
            self.threads.post_to_ticket(sent.item, &step, ticket, &post).await?;
        }
        Ok(())
    }

    /// Brings a file into the thread with what was written with it; says why not otherwise.
    async fn transfer_file(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        shown: (&str, &LinkedFile),
        caption: Option<&str>,
    ) -> PipeResult<Option<FallbackReason>> {
        let comment = match caption {
            Some(caption) => format!("{}: {caption}", sent.author),
            None => sent.author.to_owned(),
        };
        let mut parts = render::split_into_posts(&comment, None).into_iter();
        let comment = parts.next().unwrap_or_default();
        let no_thread = || Interrupt::broken(format!("ticket {} has no thread", ticket.id));
        let thread = ticket.thread.clone().ok_or_else(no_thread)?;
        let mut carried = self.transfer_file_to(&thread, sent, shown, &comment).await;
        if let Err(CallError::Call(FileError::Share(error))) = &carried
            && let Some(lost) = ThreadLoss::from_error(error)
        {
            self.threads.move_thread(sent.item, ticket, &thread, lost).await?;
            let no_thread = || Interrupt::broken(format!("ticket {} has no thread", ticket.id));
            let thread = ticket.thread.clone().ok_or_else(no_thread)?;
            carried = self.transfer_file_to(&thread, sent, shown, &comment).await;
        }
        let posted = match carried {
            Ok(posted) => posted,
            Err(failed) => return retry_or_fall_back(sent.item, failed).map(Some),
        };
        if posted.message_ts().is_some() {
            self.posts.link_post(ticket, (Role::Customer, None), sent.blip_ids, &posted).await?;
        }
        let rest: String = parts.collect();
        if !rest.is_empty() {
            self.post_file_text(ticket, sent, "rest", &rest).await?;
        }
        Ok(None)
    }

    async fn transfer_file_to(
        &self,
        thread: &Thread,
        sent: &CustomerFile<'_>,
        (step, media): (&str, &LinkedFile),
        comment: &str,
    ) -> Result<Posted, CallError<FileError>> {
        let CustomerFile { item, place, .. } = *sent;
        let upload = format!("upload-{step}:{place}@{}", thread.root);
        let taken = AtomicU64::new(0);
        let left = self.remaining_bytes(item).await?;
        let bytes = self.upload_file(sent, media, left, &taken);
        // Nobody has seen an upload that was lost, so there is nothing to look for.
        let uploaded = self.calls.call_once(item, &upload, None, ready(Ok(None)), bytes);
        let (file, name): (String, String) = uploaded.await?;
        self.record_bytes(item, &upload, taken.into_inner()).await?;
        let title = media.title.as_deref().map(to_one_line).filter(|title| !title.is_empty());
        let title = title.as_deref().unwrap_or(&name);
        let (_, block) = rich_text::to_literal_post(comment);
        let is_tried = AtomicBool::new(false);
        let look = async {
            is_tried.store(true, Ordering::Relaxed);
            files::find_file_message(&self.slack, thread, &file, item.received - MAX_CLOCK_SKEW)
                .await
        };
        let send = async {
            // Slack takes an upload only once, and may have taken this one.
            if is_tried.load(Ordering::Relaxed) {
                return Err(slack::Error::file_used_up());
            }
            let shared = files::share_file(&self.slack, thread, &file, title, &block).await;
            if shared.as_ref().is_err_and(|error| ThreadLoss::from_error(error).is_some()) {
                // Before the call itself is forgotten. If this fails, Slack will refuse the file.
                self.calls.store.forget_call(item.id, &upload).await.ok();
            }
            shared
        };
        let share = format!("{step}:{place}@{}", thread.root);
        let shared = self.calls.call_once(item, &share, Some(&thread.channel), look, send).await;
        let shown = match shared {
            Ok(posted) if posted.message_ts().is_none() => {
                let unshown = PendingFile { file: &file, name: title, url: &media.url };
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
                    self.calls.store.forget_call(item.id, &share).await?;
                    self.calls.store.forget_call(item.id, &upload).await?;
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
        match files::fetch_file_message(&self.slack, thread, unshown.file).await {
            Ok(Some(shown)) => {
                self.calls.record_result(item, share, &shown).await?;
                return Ok(shown);
            }
            Err(error @ slack::Error::Orphaned { .. }) => return Err(CallError::Call(error)),
            Ok(None) | Err(_) => {}
        }
        let age = now.duration_since(since);
        if age < VISIBLE_FILE_TIMEOUT {
            return Err(CallError::TooEarly(now + age.clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE)));
        }
        let late = LateFile {
            ticket: sent.ticket.clone(),
            channel: thread.channel.clone(),
            root: thread.root.clone(),
            file: unshown.file.to_owned(),
            name: unshown.name.to_owned(),
            url: unshown.url.to_owned(),
            blip_ids: sent.blip_ids.to_vec(),
        };
        self.calls.store.accept(Job::find_late_file(late, now)).await?;
        Ok(posted)
    }

    /// Since when an event waits for a file to be shown.
    async fn read_wait_start(&self, item: &Item, share: &str) -> store::Result<Timestamp> {
        let step = format!("waits:{share}");
        let now = self.calls.clock.now();
        match self.calls.store.begin_call(item.id, &step, None, now).await? {
            CallState::OutcomeUnknown(since) => Ok(since),
            CallState::Fresh | CallState::Done(_) => Ok(now),
        }
    }

    /// Ties a file that Slack was slow to show to its ticket; after a while the thread is told that
    /// it is not shown at all. Once for each file, even if its event is handled again.
    pub(crate) async fn check_late_file(
        &self,
        item: &Item,
        lane: &str,
        late: &LateFile,
    ) -> HandlerResult {
        let done = Ok(Handled::for_first_item(ItemOutcome::Done));
        let ticket = self.calls.store.load_ticket(&late.ticket).await?;
        let Some(ticket) = ticket else { return done };
        let thread = Thread { channel: late.channel.clone(), root: late.root.clone() };
        let now = self.calls.clock.now();
        // A reaction on it waits meanwhile.
        self.calls.store.begin_call(item.id, "shown", Some(&thread.channel), now).await?;
        let shown = match files::fetch_file_message(&self.slack, &thread, &late.file).await {
            Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => None,
            shown => shown?,
        };
        if let Some(shown) = shown {
            self.posts.link_post(&ticket, (Role::Customer, None), &late.blip_ids, &shown).await?;
            return done;
        }
        let age = now.duration_since(item.received);
        if age < LATE_FILE_TIMEOUT {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(
                now + age.clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE),
            )));
        }
        self.post_file_not_shown(item, lane, &ticket, late).await?;
        done
    }

    async fn post_file_not_shown(
        &self,
        item: &Item,
        lane: &str,
        ticket: &Ticket,
        late: &LateFile,
    ) -> PipeResult<()> {
        tracing::warn!(ticket.id = %ticket.id, slack.file = late.file, "slack does not show a file");
        let explained = self.texts.text("file-not-shown", &[]);
        let (url, title) = (late.url.clone(), Some(late.name.clone()));
        let media = LinkedFile { url, title, ..LinkedFile::default() };
        let words = render::render_missing_file(&media, &explained, &self.texts);
        let blip_ids = late.blip_ids.clone();
        let post = ThreadPost { role: Role::Customer, blip_ids, ..ThreadPost::from_line(&words) };
        self.threads.post_from_job(item, lane, "not-shown", ticket, &post).await
    }

    /// How many bytes of files of an event may be brought yet: together they are bounded as one is.
    async fn remaining_bytes(&self, item: &Item) -> store::Result<u64> {
        let steps = self.calls.store.calls_of(item.id).await?;
        let noted = steps.iter().filter(|(step, _)| step.starts_with(BYTES_CALL_PREFIX));
        let taken = noted.filter_map(|(_, bytes)| bytes.as_deref()?.parse::<u64>().ok());
        Ok(self.media_max.saturating_sub(taken.sum()))
    }

    async fn record_bytes(&self, item: &Item, upload: &str, taken: u64) -> store::Result<()> {
        if taken == 0 {
            return Ok(());
        }
        let step = format!("{BYTES_CALL_PREFIX}{upload}");
        self.calls.store.begin_call(item.id, &step, None, self.calls.clock.now()).await?;
        self.calls.store.record_call_result(item.id, &step, &taken.to_string()).await
    }

    /// Passes a file of at most `left` bytes on to Slack; answers with its id there and its name.
    async fn upload_file(
        &self,
        sent: &CustomerFile<'_>,
        media: &LinkedFile,
        left: u64,
        taken: &AtomicU64,
    ) -> Result<(String, String), FileError> {
        let fetched = match self.fetch_customer_file(&media.url).await {
            Err(FetchError::Gone(status)) => {
                let fresh = refresh_link(sent, &media.url).await;
                self.fetch_customer_file(&fresh.ok_or(FileError::Fetch(FetchError::Gone(status)))?)
                    .await
            }
            fetched => fetched,
        };
        let fetched = fetched.map_err(FileError::Fetch)?;
        let came_as = fetched.mime_type();
        let mime = full_type(media.mime.as_deref(), came_as.as_deref());
        if came_as.as_deref() == Some("text/html") && mime.as_deref() != Some("text/html") {
            return Err(FileError::Fetch(FetchError::WebPage));
        }
        let major = mime.as_deref().and_then(|mime| mime.split('/').next());
        let otherwise = major.filter(|major| NAMED_AFTER_KIND.contains(major)).unwrap_or("file");
        let title = media.title.as_deref().map(to_one_line);
        let name = file_name(title.as_deref(), mime.as_deref(), otherwise);
        let source = fetched.into_file_body(left).await.map_err(|why| {
            let is_shared = why == FetchError::TooLarge && left < self.media_max;
            if is_shared { FileError::TooMuch } else { FileError::Fetch(why) }
        })?;
        let (length, body) = (source.length, source.body);
        let uploaded =
            files::upload_file(&self.slack, Upload { name: name.clone(), mime, length, body })
                .await;
        match uploaded {
            Ok(file) => {
                taken.store(length, Ordering::Relaxed);
                Ok((file, name))
            }
            Err(_) if source.broken.load(Ordering::Relaxed) => {
                Err(FileError::Fetch(FetchError::Later))
            }
            Err(error) => Err(FileError::Upload(error)),
        }
    }

    async fn fetch_customer_file(&self, url: &str) -> Result<FetchedFile, FetchError> {
        self.fetcher
            .fetch_file(FetchRequest {
                url,
                within: Some(WHOLE_FILE_TIMEOUT),
                ..FetchRequest::default()
            })
            .await
    }

    fn explain_fallback(&self, media: &LinkedFile, why: &FallbackReason) -> String {
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
            FallbackReason::Fetch(FetchError::Later) => "file-later",
        };
        self.texts.text(key, &[])
    }
}

/// Asks Blip for another link to the same file, where it is one of Blip's.
pub(crate) async fn refresh_link(sent: &CustomerFile<'_>, url: &str) -> Option<String> {
    match sent.bot.refresh_media_link(url).await {
        Ok(fresh) => fresh,
        Err(error) => {
            tracing::warn!(sent.item.id, %error, "a link that has run out was not refreshed");
            None
        }
    }
}

/// Tries again for a while what may work later; says why words are to stand instead.
pub(crate) fn retry_or_fall_back(
    item: &Item,
    failed: CallError<FileError>,
) -> PipeResult<FallbackReason> {
    let CallError::Call(trouble) = failed else { return Err(failed.into()) };
    let is_last = item.attempts >= MAX_CUSTOMER_FILE_ATTEMPTS;
    match trouble {
        FileError::TooMuch => Ok(FallbackReason::TooMuch),
        FileError::Fetch(why) if is_last || why != FetchError::Later => {
            Ok(FallbackReason::Fetch(why))
        }
        FileError::Share(error) if error.is_file_gone() && !is_last => {
            Err(Interrupt::Call { fault: Fault::Down, error: error.to_string() })
        }
        trouble @ (FileError::Fetch(_) | FileError::Upload(_) | FileError::Share(_)) => {
            match trouble.to_fault() {
                Fault::Refused { code } => Ok(FallbackReason::NotTaken(code)),
                Fault::Down if is_last => Ok(FallbackReason::NotTaken("down".to_owned())),
                Fault::Busy { .. }
                | Fault::Down
                | Fault::OutcomeUnknown
                | Fault::Credentials
                | Fault::Broken => Err(CallError::Call(trouble).into()),
            }
        }
    }
}

/// Whether this may follow the place of a piece in the name of a step.
pub(crate) fn is_end_of_place(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['@', ':'])
}
