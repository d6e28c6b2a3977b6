//! Lists as Blip gives them: page by page, and empty where they are said not to exist.

use serde_json::Value;
use uuid::Uuid;

use crate::blip::error::Error;
use crate::blip::lenient;
use crate::blip::transport::BlipTransport;

/// Most pages of a list that are read.
const MAX_LIST_PAGES: usize = 20;

/// The entries of a list, page by page, until it is `enough`. Which lists have pages, and how
/// large, is documented for few of them: a page that may be full is followed by the next, until
/// nothing is new.
pub(super) async fn fetch_pages(
    transport: &BlipTransport,
    operation: &'static str,
    page: impl Fn(u32) -> Value,
    full: usize,
    enough: impl Fn(&[Value]) -> bool,
) -> Result<Vec<Value>, Error> {
    let mut all = fetch_entries(transport, operation, &page(0)).await?;
    let mut last = all.len();
    for _ in 1..MAX_LIST_PAGES {
        if last < full || enough(&all) {
            break;
        }
        let skip = u32::try_from(all.len()).unwrap_or(u32::MAX);
        match fetch_entries(transport, operation, &page(skip)).await {
            Ok(mut next) => {
                // A list that has grown meanwhile repeats some entries on its next page.
                last = next.len();
                next.retain(|entry| !all.contains(entry));
                if next.is_empty() {
                    break;
                }
                all.append(&mut next);
            }
            // A list without pages may refuse the second one; what the first one gave is all
            // there is.
            Err(error) if error.code().is_some() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// The entries of a list; an empty one is often said not to exist (`blip.md` §4.2).
pub(super) async fn fetch_entries(
    transport: &BlipTransport,
    operation: &'static str,
    command: &Value,
) -> Result<Vec<Value>, Error> {
    let resource =
        none_if_missing(transport.send_command(operation, command).await)?.unwrap_or_default();
    Ok(resource
        .as_array()
        .map_or_else(|| lenient::get_list(&resource, "items"), Vec::as_slice)
        .to_vec())
}

/// Blip says that something is not there with a failure (`blip.md` §2.6).
pub(super) fn none_if_missing(
    answer: Result<Option<Value>, Error>,
) -> Result<Option<Value>, Error> {
    match answer {
        // An unknown ticket is 64 and an unknown contact 67; lists that are empty often say 67,
        // too.
        Err(error) if matches!(error.code(), Some("64" | "67")) => Ok(None),
        answer => answer,
    }
}

/// An id for a command, by which nothing but its answer is found.
pub(super) fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}
