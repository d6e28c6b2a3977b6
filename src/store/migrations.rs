//! Which steps the tables of a database have to take: the same for every database.

use std::path::Path;

use super::{Error, Result};

/// The steps that a database has not taken yet, which has taken so many.
///
/// `oldest` is how many steps a program has to know at least that uses these tables. A step that only
/// adds to them leaves it as it is, so that the release before goes on while instances are replaced
/// one by one.
pub(super) fn find_pending<'s>(
    steps: &'s [&'s str],
    (version, oldest): (u32, u32),
    place: &Path,
) -> Result<&'s [&'s str]> {
    // Not by the version: a later step that only adds must not shut out the release before, which
    // goes on beside it.
    if oldest as usize > steps.len() {
        return Err(Error::TooNew { path: place.to_owned(), version });
    }
    Ok(steps.get(version as usize..).unwrap_or_default())
}
