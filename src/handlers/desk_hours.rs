//! When the desks at Blip are attended, as far as Blip has told: `BUSINESS_HOURS=blip`.

use std::sync::Arc;

use dashmap::DashMap;

use crate::model::{BotName, DeskHours, Ticket, ZonedHours};

/// The hours of each bot's desk as they were last read. Asked without waiting for Blip: what waits for
/// an answer of its own is not held up for hours that rarely change.
#[derive(Debug, Default)]
pub(crate) struct DeskHoursBook {
    known: DashMap<BotName, Arc<DeskHours>>,
}

impl DeskHoursBook {
    /// Keeps the hours of a bot's desk; says whether they are other ones than before.
    pub(crate) fn keep_hours(&self, bot: &BotName, hours: DeskHours) -> bool {
        let hours = Arc::new(hours);
        self.known.insert(bot.clone(), Arc::clone(&hours)) != Some(hours)
    }

    /// The hours of a ticket's team; none if its desk has none, or nobody has told yet: then the team
    /// counts as at work.
    pub(crate) fn find_hours(&self, ticket: &Ticket) -> Option<ZonedHours> {
        let desk = self.known.get(ticket.id.bot()).map(|desk| Arc::clone(&desk))?;
        desk.of_team(ticket.team.as_deref()).cloned()
    }
}
