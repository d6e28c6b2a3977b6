//! A file that is handed out to whoever has its address.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::header::CONTENT_RANGE;

use super::fetch::{FetchError, FetchedFile, is_web_page};

/// What is asked for at an address of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    /// The last part of the address.
    pub(crate) token: String,
    /// The part of the file, as an HTTP `Range`.
    pub(crate) range: Option<String>,
    /// Whether the bytes are wanted, or only what they are.
    pub(crate) bytes: bool,
}

/// A file, ready to be handed out.
#[derive(Debug)]
pub struct ServedFile {
    pub(crate) name: String,
    pub(crate) mime: String,
    /// Its size in bytes.
    pub(crate) size: Option<u64>,
    /// What came of asking for its bytes, if they are wanted.
    pub(crate) fetched: Option<FetchedFile>,
}

/// Why a file is not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileUnavailable {
    /// There is no such address.
    Unknown,
    /// The address or the file is gone.
    Gone,
    /// Not now: it may be there later.
    Later,
}

impl FileUnavailable {
    /// The constant word by which metrics know it; none if there is no file at all.
    pub(crate) fn code(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Gone => Some("gone"),
            Self::Later => Some("unavailable"),
        }
    }
}

/// A claim about a file, to be held against what comes.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedFile<'a> {
    /// The file's MIME type.
    pub mime: Option<&'a str>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

impl FetchedFile {
    /// Whether what is said of the bytes agrees with what is known of the file.
    ///
    /// # Errors
    ///
    /// They are those of a web page instead: a sign-in page comes with a success.
    pub(crate) fn check_against(&self, claim: ExpectedFile<'_>) -> Result<(), FetchError> {
        let is_page = claim.mime == Some("text/html");
        let comes_as_page = self.mime_type().as_deref() == Some("text/html");
        // Half a file is worse than none: the customer would take it for all of it.
        let other_size = claim.size.zip(self.whole_length()).is_some_and(|(a, b)| a != b);
        // The size of a page shows whether it is the page that was shared.
        let certain = claim.size.is_some() && self.whole_length().is_some();
        if other_size || comes_as_page && !(is_page && certain) {
            return Err(FetchError::WebPage);
        }
        Ok(())
    }

    /// The bytes as they come, if they do not begin as a web page that they should not be.
    ///
    /// # Errors
    ///
    /// They do, or nothing comes.
    pub async fn into_checked_bytes(
        self,
        claim: ExpectedFile<'_>,
    ) -> Result<impl Stream<Item = Result<Vec<u8>, reqwest::Error>> + Send + use<>, FetchError>
    {
        let is_page = claim.mime == Some("text/html");
        // The middle of a file may begin with anything.
        let is_beginning = self.content_range().is_none_or(|range| range.starts_with("bytes 0-"));
        let mut bytes = Box::pin(self.into_bytes());
        let first = bytes.try_next().await.map_err(|_lost| FetchError::Later)?;
        if is_beginning && !is_page && first.as_deref().is_some_and(is_web_page) {
            return Err(FetchError::WebPage);
        }
        Ok(stream::iter(first.map(Ok)).chain(bytes))
    }

    /// Which part of the file comes, if not all of it.
    pub(crate) fn content_range(&self) -> Option<&str> {
        self.headers().get(CONTENT_RANGE)?.to_str().ok()
    }

    /// How long the whole file is, if that is said.
    fn whole_length(&self) -> Option<u64> {
        match self.content_range() {
            Some(range) => range.rsplit('/').next()?.parse().ok(),
            None => self.content_length(),
        }
    }
}
