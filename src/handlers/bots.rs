//! The clients of Blip, one for each bot that is configured.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::blip;
use crate::clock::Clock;
use crate::handlers::interrupt::{Interrupt, MISSING_BOT_PAUSE, PipeResult};
use crate::model::active::ActiveRoute;
use crate::model::{BotName, TicketId};

/// The clients of Blip, one for each bot; a bot that was renamed is here by both names, as its open
/// tickets are kept under the former one.
pub(crate) struct Bots {
    pub(crate) clients: HashMap<BotName, Arc<blip::BlipClient>>,
    pub(crate) former: HashSet<BotName>,
    /// Those that have the bots' WhatsApp channels, as far as their keys are given.
    pub(crate) routers: HashMap<BotName, Arc<blip::BlipClient>>,
    /// Where answers to active messages enter the bots, as far as that is set.
    pub(crate) routes: HashMap<BotName, ActiveRoute>,
    pub(crate) clock: Clock,
}

impl Bots {
    /// The client of a bot, if it is configured.
    pub(crate) fn get(&self, name: &BotName) -> Option<&blip::BlipClient> {
        self.clients.get(name).map(Arc::as_ref)
    }

    /// Whether a bot is configured.
    pub(crate) fn contains(&self, name: &BotName) -> bool {
        self.clients.contains_key(name)
    }

    /// The client of a ticket's bot. While there is none, the ticket waits: the operator was told
    /// at the start.
    pub(crate) fn require_bot(&self, ticket: &TicketId) -> PipeResult<&blip::BlipClient> {
        let waits = || Interrupt::Wait(self.clock.now() + MISSING_BOT_PAUSE);
        // It waits and is not parked: an operator who has forgotten a variable mends it and starts
        // again, and all goes on by itself.
        self.clients.get(ticket.bot()).map(Arc::as_ref).ok_or_else(waits)
    }

    /// The client that sends templates for a bot, if its key is given.
    pub(crate) fn router(&self, name: &BotName) -> Option<&blip::BlipClient> {
        self.routers.get(name).map(Arc::as_ref)
    }

    /// Where answers to active messages enter a bot, if that is set.
    pub(crate) fn route(&self, name: &BotName) -> Option<&ActiveRoute> {
        self.routes.get(name)
    }

    /// Each bot once, by its name now.
    pub(crate) fn configured_bots(&self) -> impl Iterator<Item = &blip::BlipClient> {
        let bots = self.clients.values().map(Arc::as_ref);
        // A renamed bot stands here twice with one key; asked by both names it would seem two in
        // `/readyz`.
        bots.filter(|bot| !self.former.contains(bot.bot_name()))
    }
}
