//! Files that agents share, on their way to customers: an address of ours for each, behind which
//! Slack's file is passed on with our token to whoever has the address.
//!
//! A file is looked at before its address goes out, because the agent must be told of one that no
//! customer could open, and once more each time that it is handed out.

use crate::inbox::Handling;
use crate::slack::files;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::cache::ExpiringCache;
use crate::clock::Clock;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::media::{
    ExpectedFile, FetchError, FetchRequest, FetchToken, FetchedFile, Fetcher, FileLinks,
    FileRequest, FileUnavailable, InvalidLink, ServedFile, file_name,
};
use crate::model::{Attachment, Failure, Fault, FileAccess};
use crate::slack::SlackClient;
use crate::slack::address::is_slack_or_loopback;

/// How often a file is tried that Slack does not hand out: one that was just shared may still be
/// searched for malware (`slack.md` C.3).
pub(crate) const MAX_SLACK_FILE_ATTEMPTS: u32 = 5;

/// How long what Slack says of a file is believed while it is handed out.
const FILE_INFO_LIFETIME: Duration = Duration::from_mins(1);
/// Most files of which that is kept.
const MAX_FILE_INFOS: usize = 1_000;

/// The type of a file of which nothing is known.
pub(crate) const UNKNOWN_TYPE: &str = "application/octet-stream";

/// What it takes to pass files on.
#[derive(Debug)]
pub(crate) struct FileRelay {
    pub(crate) fetcher: Arc<Fetcher>,
    /// Makes and reads the addresses under which customers get them.
    pub(crate) links: FileLinks,
    /// What Slack hands its files out for.
    pub(crate) token: SecretString,
    /// What Slack said of files lately.
    known: ExpiringCache<String, Attachment>,
}

impl FileRelay {
    /// Passes on what `fetcher` gets for `token`.
    pub(crate) fn new(
        fetcher: Arc<Fetcher>,
        links: FileLinks,
        token: SecretString,
        clock: Clock,
    ) -> Self {
        let known = ExpiringCache::new(clock, FILE_INFO_LIFETIME, MAX_FILE_INFOS);
        Self { fetcher, links, token, known }
    }
}

/// Why a file is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnsentReason {
    /// Slack does not hand it out yet.
    NotReady,
    /// It lies somewhere else than with Slack.
    Elsewhere,
    Deleted,
    /// Slack hides it, as the plan keeps no older files.
    Hidden,
    /// The app may not see it.
    AccessDenied,
    /// It is a canvas.
    Canvas,
    /// It is a list.
    List,
    /// It is a post.
    Post,
    /// It is an e-mail.
    Email,
    /// There is no address under which customers could get it: `PUBLIC_URL`.
    NoPublicUrl,
    /// Slack answers with a page to sign in.
    WebPage,
}

impl UnsentReason {
    /// The word by which logs and [`crate::locale::Texts::reason_text`] know it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotReady => "file_not_ready",
            Self::Elsewhere => "file_elsewhere",
            Self::Deleted => "file_deleted",
            Self::Hidden => "file_hidden",
            Self::AccessDenied => "file_access_denied",
            Self::Canvas => "file_canvas",
            Self::List => "file_list",
            Self::Post => "file_post",
            Self::Email => "file_email",
            Self::NoPublicUrl => "no_public_url",
            Self::WebPage => "file_web_page",
        }
    }
}

/// Looks at agents' files before they go out, and hands them out.
pub(crate) struct AgentFiles {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) clock: Clock,
    pub(crate) relay: FileRelay,
    /// How long one look at a file may take: what is said next waits for it.
    pub(crate) check_time: Duration,
}

impl AgentFiles {
    /// Looks at a file before it goes out; says where the customer gets it, or why it does not go.
    pub(crate) async fn check_file(
        &self,
        item: &Handling,
        file: &Attachment,
    ) -> PipeResult<Result<(Attachment, String), UnsentReason>> {
        let mut file = file.clone();
        // In a channel that is shared with another company, an event has nothing of a file but its
        // id (`slack.md` C.3).
        if file.access == FileAccess::Ask {
            match files::fetch_attachment(&self.slack, &file.id).await {
                Ok(known) => file = known,
                Err(error) => match error.to_fault() {
                    Fault::Refused { .. } if error.is_file_gone() => {
                        file.access = FileAccess::Deleted;
                    }
                    Fault::Refused { .. } => file.access = FileAccess::Denied,
                    Fault::Busy { .. }
                    | Fault::Down
                    | Fault::OutcomeUnknown
                    | Fault::Credentials
                    | Fault::Broken => return Err(error.into()),
                },
            }
        }
        let reason = match file.access {
            FileAccess::Open => None,
            FileAccess::Ask => Some(UnsentReason::NotReady),
            FileAccess::Elsewhere => Some(UnsentReason::Elsewhere),
            FileAccess::Deleted => Some(UnsentReason::Deleted),
            FileAccess::Hidden => Some(UnsentReason::Hidden),
            FileAccess::Denied => Some(UnsentReason::AccessDenied),
            FileAccess::Canvas => Some(UnsentReason::Canvas),
            FileAccess::List => Some(UnsentReason::List),
            FileAccess::Post => Some(UnsentReason::Post),
            FileAccess::Email => Some(UnsentReason::Email),
        };
        let Some(uri) = self.relay.links.make_link(&file.id, self.clock.now()) else {
            return Ok(Err(reason.unwrap_or(UnsentReason::NoPublicUrl)));
        };
        let reason = match reason {
            Some(UnsentReason::NotReady) => UnsentReason::NotReady,
            Some(reason) => return Ok(Err(reason)),
            None => match self.fetch_beginning(&file).await {
                Ok(fetched) => match fetched.into_checked_bytes(expected_file(&file)).await {
                    Ok(_) => return Ok(Ok((with_extension(file), uri))),
                    Err(why) => to_unsent_reason(why),
                },
                Err(why) => to_unsent_reason(why),
            },
        };
        // What lies elsewhere stays there. Anything else may be that Slack has not searched the
        // file for malware yet (`slack.md` C.3).
        if item.attempts < MAX_SLACK_FILE_ATTEMPTS && reason != UnsentReason::Elsewhere {
            return Err(Interrupt::Call {
                fault: Fault::Down,
                error: format!("files: {}", reason.code()),
            });
        }
        Ok(Err(reason))
    }

    async fn fetch_beginning(&self, file: &Attachment) -> Result<FetchedFile, FetchError> {
        // Slack answers with `200` and a page to sign in where the token may not see a file
        // (`slack.md` C.3); the beginning of the bytes tells that page from the file.
        self.fetch_slack_file(file, Some("bytes=0-511"), Some(self.check_time)).await
    }

    async fn fetch_slack_file(
        &self,
        file: &Attachment,
        range: Option<&str>,
        within: Option<Duration>,
    ) -> Result<FetchedFile, FetchError> {
        let url = file.url.as_deref().ok_or(FetchError::Address)?;
        // The token goes to Slack's own hosts only: a file that lies elsewhere has any address
        // (`slack.md` C.3).
        let token = FetchToken { secret: &self.relay.token, is_for: is_slack_or_loopback };
        let ask = FetchRequest { url, range, token: Some(token), within };
        let fetched = self.relay.fetcher.fetch_file(ask).await?;
        fetched.check_against(expected_file(file))?;
        Ok(fetched)
    }

    /// Hands a file out to whoever has its address.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) async fn serve_file(
        &self,
        wanted: &FileRequest,
    ) -> Result<ServedFile, FileUnavailable> {
        let read = self.relay.links.read_token(&wanted.token, self.clock.now());
        let id = read.map_err(|invalid| match invalid {
            InvalidLink::Forged => FileUnavailable::Unknown,
            InvalidLink::Expired => FileUnavailable::Gone,
        })?;
        let file = self.look_up_file_info(&id).await?;
        if file.access != FileAccess::Open {
            return Err(FileUnavailable::Gone);
        }
        let fetched = if wanted.bytes {
            // No limit for the whole: who fetches decides how fast, and large films take their
            // time. Silence ends it.
            let asked = self.fetch_slack_file(&file, wanted.range.as_deref(), None).await;
            Some(asked.map_err(|why| {
                tracing::warn!(slack.file = id, %why, "a file could not be handed out");
                FileUnavailable::Later
            })?)
        } else {
            None
        };
        let mime = mime_type_of(&file).to_owned();
        Ok(ServedFile { name: file.name, mime, size: file.size, fetched })
    }

    async fn look_up_file_info(&self, id: &str) -> Result<Attachment, FileUnavailable> {
        if let Some(file) = self.relay.known.get(id) {
            return Ok(file);
        }
        let file =
            with_extension(files::fetch_attachment(&self.slack, id).await.map_err(|error| {
                tracing::warn!(slack.file = id, %error, "a file that is to be handed out");
                if error.is_file_gone() { FileUnavailable::Gone } else { FileUnavailable::Later }
            })?);
        self.relay.known.insert(id.to_owned(), file.clone());
        Ok(file)
    }
}

/// The file under a name with the ending of its type, without which a phone does not open it.
pub(crate) fn with_extension(file: Attachment) -> Attachment {
    let name = file_name(Some(&file.name), file.mime.as_deref(), "file");
    Attachment { name, ..file }
}

pub(crate) fn expected_file(file: &Attachment) -> ExpectedFile<'_> {
    ExpectedFile { mime: file.mime.as_deref(), size: file.size }
}

pub(crate) fn mime_type_of(file: &Attachment) -> &str {
    // Slack has an empty type for a file that was just uploaded (`slack.md` additions §4).
    file.mime.as_deref().filter(|mime| mime.contains('/')).unwrap_or(UNKNOWN_TYPE)
}

pub(crate) fn to_unsent_reason(why: FetchError) -> UnsentReason {
    match why {
        FetchError::Address => UnsentReason::Elsewhere,
        FetchError::WebPage => UnsentReason::WebPage,
        FetchError::Gone(_)
        | FetchError::Empty
        | FetchError::TooLarge
        | FetchError::TooSlow
        | FetchError::Later => UnsentReason::NotReady,
    }
}
