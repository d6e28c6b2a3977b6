//! Whether Blip tells of receipts by itself (`blip.md` §10 #9): if not, it is asked.

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::model::{BotName, TicketId};

/// How long Blip is believed to tell by itself after it did.
pub(crate) const PUSHED_RECEIPTS_TTL: SignedDuration = SignedDuration::from_mins(30);

/// When each bot last told by itself.
pub(crate) struct PushedReceipts {
    pub(crate) clock: Clock,
    pub(crate) receipts_heard: DashMap<BotName, Timestamp>,
}

impl PushedReceipts {
    /// Blip has told by itself what became of a reply.
    pub(crate) fn note_pushed_receipt(&self, id: &TicketId) {
        self.receipts_heard.insert(id.bot().clone(), self.clock.now());
    }

    pub(crate) fn is_pushing_receipts(&self, bot: &BotName) -> bool {
        let heard = self.receipts_heard.get(bot).map(|at| *at);
        heard.is_some_and(|at| self.clock.now().duration_since(at) < PUSHED_RECEIPTS_TTL)
    }
}
