//! What customers said last, for the home tabs of who answers them.
//!
//! In memory only: the words are in Slack, and nothing that a customer wrote is kept for longer than
//! it has to be. After a start they are not known until the customer writes again, and those with which
//! a ticket began stand for them.

use dashmap::DashMap;

use crate::model::Thread;
use crate::model::text::{to_one_line, truncate_label};
use crate::slack::text::mrkdwn::unescape_mrkdwn;

/// Most threads of which something is kept; the tickets of a long day.
const MAX_THREADS: usize = 5_000;
/// Most characters of it: it only reminds people what it was about.
const WORDS_CHARS: usize = 80;

/// What was said last in each thread.
#[derive(Debug, Default)]
pub(crate) struct LastWords(DashMap<Thread, String>);

impl LastWords {
    /// Notes what a customer has said, as it was posted.
    pub(crate) fn note(&self, thread: &Thread, posted: &str) {
        if self.0.len() >= MAX_THREADS {
            // Which threads are old is not known here, and what is lost comes back with the next
            // words.
            self.0.clear();
        }
        self.0.insert(thread.clone(), shorten_words(&unescape_mrkdwn(posted)));
    }

    /// What was said last in a thread, if that is known.
    pub(crate) fn find(&self, thread: &Thread) -> Option<String> {
        self.0.get(thread).map(|words| words.clone())
    }

    /// Forgets the threads of which this is not so: tickets that are over, or erased.
    pub(crate) fn retain(&self, is_kept: impl Fn(&Thread) -> bool) {
        self.0.retain(|thread, _| is_kept(thread));
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As much of what a customer said as a list has room for.
pub(crate) fn shorten_words(said: &str) -> String {
    truncate_label(&to_one_line(said), WORDS_CHARS)
}
