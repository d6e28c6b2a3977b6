//! What agents send customers from elsewhere than the thread: out of dialogs, as a farewell, or to somebody
//! with whom there is no ticket yet.

pub(crate) mod active;
pub(crate) mod composer;
pub(crate) mod permission;
pub(crate) mod typed;
