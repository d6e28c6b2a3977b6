//! Whether Blip tells of receipts by itself (`blip.md` §10 #9): if not, it is asked.

use std::time::Duration;

use crate::cache::ExpiringCache;
use crate::clock::Clock;
use crate::model::{BotName, TicketId};

/// How long Blip is believed to tell by itself after it did.
const PUSHED_RECEIPTS_LIFETIME: Duration = Duration::from_mins(30);
/// Most bots of which it is remembered; no configuration has so many.
const MAX_BOTS: usize = 1_000;

/// Which bots have told by themselves lately.
pub(crate) struct PushedReceipts(ExpiringCache<BotName, ()>);

impl PushedReceipts {
    /// None has told yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self(ExpiringCache::new(clock, PUSHED_RECEIPTS_LIFETIME, MAX_BOTS))
    }

    /// Blip has told by itself what became of a reply.
    pub(crate) fn note_pushed_receipt(&self, id: &TicketId) {
        self.0.insert(id.bot().clone(), ());
    }

    /// Whether Blip tells by itself what becomes of a bot's replies.
    pub(crate) fn is_pushing_receipts(&self, bot: &BotName) -> bool {
        self.0.get(bot).is_some()
    }
}
