//! Customers' files on their way to Slack, beside the lanes: nobody's place is taken up by a link
//! that drips.
//!
//! What is done here shows nowhere: a file is fetched and handed to Slack, and shown by whoever asked
//! for it, as a recorded call. So it is in memory only, and done again after a restart.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument;

use crate::blip;
use crate::handlers::bots::Bots;
use crate::media::{FetchError, FetchRequest, FetchedFile, Fetcher, file_name, full_type};
use crate::model::text::to_one_line;
use crate::model::{Failure, Fault, LinkedFile, TicketId};
use crate::slack::{self, SlackClient, Upload, files};
use crate::telemetry::FileOnItsWay;

/// Files that are brought at the same time while an event waits for them; and as many again that
/// nobody waits for. The former are few seconds old, so a place is soon free among them, whatever
/// drips among the latter.
const FILES_AT_ONCE: usize = 16;

/// How long whoever asks for a file holds their own place for it. Most pictures are there by then,
/// and cost no second look.
const PLACE_WAIT: Duration = Duration::from_millis(500);

/// How long any file may take, however small, and what it may have more for its size.
const LEAST_FILE_TIME: Duration = Duration::from_mins(2);

const BYTES_PER_SECOND: u64 = 32 << 10;

/// How long Slack may take to answer once it has all bytes.
const UPLOAD_ANSWER_TIME: Duration = Duration::from_secs(30);

/// How long a file is kept ready that nobody has asked for again: its ticket may be erased.
const UNCLAIMED_TTL: Duration = Duration::from_mins(30);

/// Kinds of files whose name, where they have none, is that of the kind.
const NAMED_AFTER_KIND: [&str; 3] = ["image", "audio", "video"];

/// A file that is to be brought to Slack.
pub(crate) struct FileTransfer<'a> {
    /// What makes it the same as when it was asked for before.
    pub(crate) key: &'a str,
    pub(crate) ticket: &'a TicketId,
    pub(crate) media: &'a LinkedFile,
    /// Most bytes that it may have.
    pub(crate) left: u64,
    /// Whether nobody waits for it any more.
    pub(crate) is_late: bool,
}

/// A file that Slack has, and shows nobody yet.
#[derive(Debug)]
pub(crate) struct UploadedFile {
    /// Its id in Slack.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) length: u64,
}

/// Why a file did not come over.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It is still on its way, or waits for others.
    UnderWay,
    /// It could not be had.
    Fetch(FetchError),
    /// With the other files of its message it is over the limit.
    TooMuch,
    /// Slack did not take the bytes. Nobody has seen anything of them.
    Upload(slack::Error),
    /// Slack did not show what it had taken.
    Share(slack::Error),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderWay => write!(f, "fetch a file: still on its way"),
            Self::Fetch(why) => write!(f, "fetch a file: {why}"),
            Self::TooMuch => write!(f, "fetch a file: over the limit with the others"),
            Self::Upload(error) | Self::Share(error) => error.fmt(f),
        }
    }
}

impl FileError {
    /// The constant word by which metrics know it.
    fn code(&self) -> &'static str {
        match self {
            Self::UnderWay => "under_way",
            Self::Fetch(why) => why.code(),
            Self::TooMuch => FetchError::TooLarge.code(),
            Self::Upload(_) | Self::Share(_) => "not_taken",
        }
    }
}

impl Failure for FileError {
    fn to_fault(&self) -> Fault {
        match self {
            Self::UnderWay | Self::Fetch(FetchError::Later) => Fault::Down,
            Self::Fetch(why) => Fault::Refused { code: why.to_string() },
            Self::TooMuch => Fault::Refused { code: self.to_string() },
            // Bytes that may have arrived and show nowhere are as good as not sent.
            Self::Upload(error) if error.to_fault().is_outcome_unknown() => Fault::Down,
            Self::Upload(error) | Self::Share(error) => error.to_fault(),
        }
    }
}

/// Brings customers' files to Slack, a bounded number at a time.
pub(crate) struct FileTransfers {
    carrier: FileCarrier,
    bots: Arc<Bots>,
    awaited: Arc<Semaphore>,
    late: Arc<Semaphore>,
    under_way: DashMap<String, TransferUnderWay>,
    tasks: TaskTracker,
}

/// A file on its way; it ends when this is dropped.
struct TransferUnderWay {
    task: AbortOnDropHandle<Result<UploadedFile, FileError>>,
    place: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    is_late: bool,
    began: Instant,
}

/// What a file is carried with.
#[derive(Clone)]
struct FileCarrier {
    fetcher: Arc<Fetcher>,
    slack: Arc<SlackClient>,
    media_max: u64,
}

impl FileTransfers {
    /// Transfers of files that have at most `media_max` bytes each.
    pub(crate) fn new(
        fetcher: Arc<Fetcher>,
        slack: Arc<SlackClient>,
        bots: Arc<Bots>,
        media_max: u64,
    ) -> Self {
        Self {
            carrier: FileCarrier { fetcher, slack, media_max },
            bots,
            awaited: Arc::new(Semaphore::new(FILES_AT_ONCE)),
            late: Arc::new(Semaphore::new(FILES_AT_ONCE)),
            under_way: DashMap::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Brings a file to Slack, or goes on with it: [`FileError::UnderWay`] until it is there.
    pub(crate) async fn bring_file(
        &self,
        wanted: &FileTransfer<'_>,
    ) -> Result<UploadedFile, FileError> {
        // Taken out for as long as it is waited for: a guard of the map would block whoever writes
        // to it.
        let known = self.under_way.remove(wanted.key).map(|(_key, known)| known);
        let Some(mut transfer) = known.or_else(|| self.begin_transfer(wanted)) else {
            return Err(FileError::UnderWay);
        };
        match timeout(PLACE_WAIT, &mut transfer.task).await {
            Ok(Ok(brought)) => return brought,
            Ok(Err(broken)) => {
                tracing::error!(%broken, "a file was dropped on its way");
                return Err(FileError::Fetch(FetchError::Later));
            }
            Err(_elapsed) => {}
        }
        // Without a place among the late ones it begins anew when there is one.
        if transfer.is_late || !wanted.is_late || self.move_to_late(&mut transfer) {
            self.under_way.insert(wanted.key.to_owned(), transfer);
        }
        Err(FileError::UnderWay)
    }

    /// Nobody waits for a file any more: it makes room for those that are waited for.
    pub(crate) fn give_up_waiting(&self, key: &str) {
        let Some((key, mut transfer)) = self.under_way.remove(key) else { return };
        if self.move_to_late(&mut transfer) {
            self.under_way.insert(key, transfer);
        }
    }

    fn move_to_late(&self, transfer: &mut TransferUnderWay) -> bool {
        let Ok(late) = Arc::clone(&self.late).try_acquire_owned() else { return false };
        let mut place = transfer.place.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended needs none.
        if place.is_some() {
            *place = Some(late);
        }
        drop(place);
        transfer.is_late = true;
        true
    }

    fn begin_transfer(&self, wanted: &FileTransfer<'_>) -> Option<TransferUnderWay> {
        let places = if wanted.is_late { &self.late } else { &self.awaited };
        let place = Arc::clone(places).try_acquire_owned().ok()?;
        self.under_way.retain(|_, transfer| {
            !transfer.task.is_finished() || transfer.began.elapsed() < UNCLAIMED_TTL
        });
        let place = Arc::new(Mutex::new(Some(place)));
        let (held, carrier) = (Arc::clone(&place), self.carrier.clone());
        let bot = self.bots.clients.get(wanted.ticket.bot()).cloned();
        let (media, left) = (wanted.media.clone(), wanted.left);
        let carried = async move {
            let mut on_its_way = FileOnItsWay::begin("blip");
            let carried = carrier.carry_file(&media, left, bot.as_deref()).await;
            match &carried {
                Ok(uploaded) => {
                    on_its_way.pass_bytes(uploaded.length);
                    on_its_way.end_whole();
                }
                Err(error) => on_its_way.end_as(error.code()),
            }
            drop(on_its_way);
            drop(held.lock().unwrap_or_else(PoisonError::into_inner).take());
            carried
        };
        let task = AbortOnDropHandle::new(self.tasks.spawn(carried.in_current_span()));
        Some(TransferUnderWay { task, place, is_late: wanted.is_late, began: Instant::now() })
    }
}

impl FileCarrier {
    /// Passes a file of at most `left` bytes on to Slack.
    async fn carry_file(
        &self,
        media: &LinkedFile,
        left: u64,
        bot: Option<&blip::BlipClient>,
    ) -> Result<UploadedFile, FileError> {
        let fetched = match self.fetch_file(&media.url).await {
            Err(FetchError::Gone(status)) => {
                // Blip's links live for about half an hour (`blip.md` §5); it hands out a new one
                // for the same file.
                let fresh = refresh_link(bot, &media.url).await;
                self.fetch_file(&fresh.ok_or(FileError::Fetch(FetchError::Gone(status)))?).await
            }
            fetched => fetched,
        };
        let fetched = fetched.map_err(FileError::Fetch)?;
        let came_as = fetched.mime_type();
        let mime = full_type(media.mime.as_deref(), came_as.as_deref());
        // What comes as a page and was not sent as one says that the file is not to be had.
        if came_as.as_deref() == Some("text/html") && mime.as_deref() != Some("text/html") {
            return Err(FileError::Fetch(FetchError::WebPage));
        }
        let major = mime.as_deref().and_then(|mime| mime.split('/').next());
        let otherwise = major.filter(|major| NAMED_AFTER_KIND.contains(major)).unwrap_or("file");
        let title = media.title.as_deref().map(to_one_line);
        let name = file_name(title.as_deref(), mime.as_deref(), otherwise);
        let too_slow = |_elapsed| FileError::Fetch(FetchError::TooSlow);
        // Where the length is said, the bytes come while Slack takes them.
        let source = timeout(whole_file_time(left), fetched.into_file_body(left));
        let source = source.await.map_err(too_slow)?.map_err(|why| {
            let is_shared = why == FetchError::TooLarge && left < self.media_max;
            if is_shared { FileError::TooMuch } else { FileError::Fetch(why) }
        })?;
        let (length, body, broken) = (source.length, source.body, source.broken);
        let time = whole_file_time(length);
        let within = time + UPLOAD_ANSWER_TIME;
        let upload = Upload { name: name.clone(), mime, length, body, within };
        let uploaded = timeout(time, files::upload_file(&self.slack, upload));
        match (uploaded.await.map_err(too_slow)?, broken.get()) {
            (Ok(id), _) => Ok(UploadedFile { id, name, length }),
            (Err(_), Some(why)) => Err(FileError::Fetch(*why)),
            (Err(error), None) => Err(FileError::Upload(error)),
        }
    }

    async fn fetch_file(&self, url: &str) -> Result<FetchedFile, FetchError> {
        self.fetcher.fetch_file(FetchRequest { url, ..FetchRequest::default() }).await
    }
}

/// Asks Blip for another link to the same file, where it is one of Blip's.
async fn refresh_link(bot: Option<&blip::BlipClient>, url: &str) -> Option<String> {
    match bot?.refresh_media_link(url).await {
        Ok(fresh) => fresh,
        Err(error) => {
            tracing::warn!(%error, "a link that has run out was not refreshed");
            None
        }
    }
}

/// How long a file of this size may take as a whole.
fn whole_file_time(bytes: u64) -> Duration {
    LEAST_FILE_TIME + Duration::from_secs(bytes / BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_may_take_longer_than_a_small_one() {
        assert_eq!(whole_file_time(1), Duration::from_mins(2));
        assert_eq!(whole_file_time(96 << 20), Duration::from_secs(120 + 96 * 32));
    }
}
