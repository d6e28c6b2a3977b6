//! The reactions that the bridge puts on messages, as Slack's names of emoji.

/// A message that stays in Slack; who puts it on a reply makes a note of it.
pub(crate) const NOTE_MARK: &str = "lock";
/// A reply that Blip has accepted as a whole.
pub(crate) const ACCEPTED_MARK: &str = "envelope_with_arrow";
/// A reply of which the customer gets a part only.
pub(crate) const PARTIAL_MARK: &str = "warning";
/// A reply that the customer's device has.
pub(crate) const RECEIVED_MARK: &str = "mailbox_with_mail";
/// A reply that the customer has read.
pub(crate) const READ_MARK: &str = "eyeglasses";
/// A reply that did not reach the customer.
pub(crate) const FAILED_MARK: &str = "x";
/// A reply that waits.
pub(crate) const WAITING_MARK: &str = "hourglass_flowing_sand";

/// All of them: none may mean something else when a person puts it on a message.
pub(crate) const ALL_MARKS: [&str; 7] =
    [NOTE_MARK, ACCEPTED_MARK, PARTIAL_MARK, RECEIVED_MARK, READ_MARK, FAILED_MARK, WAITING_MARK];
