//! Reading when the desks at Blip are attended, from time to time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::blip::BlipClient;
use crate::clock::Clock;
use crate::handlers::bots::Bots;
use crate::handlers::desk_hours::DeskHoursBook;
use crate::model::{BotName, DeskHours};

/// How often hours are read: somebody changes them in the portal once in a while.
const READ_INTERVAL: Duration = Duration::from_mins(10);
/// How soon they are read again where Blip did not tell.
const RETRY_PAUSE: Duration = Duration::from_mins(1);

/// Reads when the desks at Blip are attended.
pub(crate) struct DeskHoursReader {
    pub(crate) bots: Arc<Bots>,
    pub(crate) book: Arc<DeskHoursBook>,
    pub(crate) clock: Clock,
}

impl DeskHoursReader {
    /// Runs until it is dropped. What was read last goes on while Blip does not tell.
    pub(crate) async fn run(self) {
        let mut silent = HashSet::new();
        loop {
            let began = self.clock.now();
            // By each name of a bot that was renamed: its open tickets are kept under the former one.
            for (bot, client) in &self.bots.clients {
                self.read_bot(bot, client, &mut silent).await;
            }
            let pause = if silent.is_empty() { READ_INTERVAL } else { RETRY_PAUSE };
            self.clock.sleep_until(began + pause).await;
        }
    }

    async fn read_bot(&self, bot: &BotName, client: &BlipClient, silent: &mut HashSet<BotName>) {
        match client.desk.fetch_desk_hours().await {
            Ok(hours) => {
                silent.remove(bot);
                self.note_hours(bot, hours);
            }
            // Told once: it may be so for good, where the key may not read them.
            Err(error) if silent.insert(bot.clone()) => tracing::warn!(%bot, %error,
                "BUSINESS_HOURS=blip: Blip does not tell the hours of the desk; what was read last \
                goes on, and without any the team counts as always at work"),
            Err(_) => {}
        }
    }

    fn note_hours(&self, bot: &BotName, hours: DeskHours) {
        let (is_none, teams) = (hours.main.is_none(), hours.teams.len());
        let zone = hours.unknown_zone.clone();
        if !self.book.keep_hours(bot, hours) {
            return;
        }
        tracing::info!(%bot, teams, "the hours of the desk at Blip were read");
        if is_none {
            tracing::warn!(%bot, "BUSINESS_HOURS=blip: the desk has no hours that count for all; \
                who has none of their own counts as always at work");
        }
        if let Some(zone) = zone {
            tracing::warn!(%bot, zone, "BUSINESS_HOURS=blip: this zone is not known here; TIMEZONE \
                counts instead");
        }
    }
}
