//! Files on their way through the bridge: fetched, named, linked; never kept and never opened.
//!
//! A customer's file is fetched from an address that a stranger chose, so [`AddressGuard`] decides
//! where we go; an agent's file is handed out under a [`FileLinks`] address that says nothing but
//! which file and until when. Bytes are passed on as they come: what waits in memory is one network
//! buffer, whatever the size of the file.
//!
//! Knows HTTP and nothing of either platform. Content is never looked into, except for whether a
//! web page came instead of a file.
//!
//! Invariant: no request leaves for an address that is not public
//! (`files_are_fetched_from_public_addresses_only`), and no token goes to a host that it is not
//! for (`a_token_stays_with_its_host`).

mod chart;
mod fetch;
mod guard;
mod handout;
mod link;
mod name;

pub(crate) use chart::{Chart, ChartBar, ChartPanel};
pub use fetch::{
    FetchError, FetchRequest, FetchToken, FetchedFile, Fetcher, FileBody, LeastSpeed, is_web_page,
};
pub use guard::{AddressGuard, is_public};
pub use handout::{ExpectedFile, FileRequest, FileUnavailable, ServedFile};
pub use link::{FileLinks, InvalidLink};
pub use name::{file_name, full_type};
