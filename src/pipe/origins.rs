//! What the database was used with before: bots of other names or contracts, another workspace.
//!
//! Tickets belong to a bot by its short name. A bot is the same whatever it is called: its key names
//! it (`blip.md` §1.1), and that is remembered with its name, so that it keeps its tickets.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{Bridge, Step};
use crate::model::{BotName, Ticket};
use crate::store::{self, SharedStore};

/// What of the settings is not as it was when tickets were opened that are still open.
#[derive(Debug, Default)]
pub struct Origins {
    /// Bots that are not configured any more, each with the one that it is now.
    pub renamed: HashMap<BotName, BotName>,
    /// What an operator has to know, by what it is about.
    pub warnings: HashMap<String, String>,
}

impl Origins {
    /// Compares the bots that are configured, each with whom its key names, with what was so
    /// before. `aliases` are former names as the operator tells them.
    pub async fn find(
        store: &SharedStore,
        bots: &HashMap<BotName, String>,
        aliases: &HashMap<BotName, BotName>,
        now: Timestamp,
    ) -> store::Result<Self> {
        let mut origins = Self::default();
        let mut open: BTreeMap<BotName, Vec<Ticket>> = BTreeMap::new();
        for ticket in store.open_tickets().await? {
            open.entry(ticket.id.bot().clone()).or_default().push(ticket);
        }
        for (name, owner) in bots {
            let tickets = open.get(name).map_or(&[][..], Vec::as_slice);
            let what = fact(name);
            if let Some(count) = count_of_before(store, (&what, owner), tickets, now).await? {
                let variable = name.variable("KEY");
                origins.warn(what, format!(
                    "{variable} is of another bot than before, and {count} open tickets of that \
                    one cannot be answered with it: put its key back, or have them closed at Blip"
                ));
            }
        }
        for (name, tickets) in open.iter().filter(|(name, _)| !bots.contains_key(name)) {
            let known = store.fact(&fact(name)).await?;
            let same = bots.iter().find(|(_, owner)| Some(*owner) == known.as_ref());
            match aliases.get(name).or(same.map(|(now, _)| now)) {
                Some(now) => {
                    tracing::info!(was = %name, bot = %now, "a bot has another name; it keeps its tickets");
                    origins.renamed.insert(name.clone(), now.clone());
                }
                None => origins.warn(fact(name), format!(
                    "bot {name} is not configured and has {} open tickets, which wait: add it to \
                    BLIP_BOTS again, or say in BLIP_BOT_ALIASES what it is called now",
                    tickets.len()
                )),
            }
        }
        Ok(origins)
    }

    fn warn(&mut self, about: String, warning: String) {
        tracing::error!("{warning}");
        self.warnings.insert(about, warning);
    }
}

impl Bridge {
    /// Compares the workspace with that of the threads of open tickets.
    pub(super) async fn compare_workspace(&self) -> Step<()> {
        const WHAT: &str = "workspace";
        let Some(workspace) = self.slack.workspace() else { return Ok(()) };
        let open = self.store.open_tickets().await?;
        let now = self.clock.now();
        match count_of_before(&self.store, (WHAT, workspace), &open, now).await? {
            Some(count) => {
                let warning = format!(
                    "SLACK_BOT_TOKEN is of another workspace than before, where {count} open \
                    tickets have their threads: they get new ones here as soon as something is \
                    said; put the token back if that is not meant"
                );
                tracing::error!("{warning}");
                self.warnings.insert(WHAT.to_owned(), warning);
            }
            None => drop(self.warnings.remove(WHAT)),
        }
        Ok(())
    }
}

/// What remembers whom the key of a bot named.
fn fact(bot: &BotName) -> String {
    format!("bot:{bot}")
}

/// How many of the tickets were opened when something was not what it `is`; none if it was so all
/// along, or since before them.
async fn count_of_before(
    store: &SharedStore,
    (what, is): (&str, &str),
    tickets: &[Ticket],
    now: Timestamp,
) -> store::Result<Option<usize>> {
    let changed = format!("{what}:changed");
    let was = store.fact(what).await?;
    if was.is_some_and(|was| was != is) {
        let noticed = store.fact(&changed).await?.and_then(|at| at.parse().ok());
        let since: Timestamp = noticed.unwrap_or(now);
        let count = tickets.iter().filter(|ticket| ticket.opened < since).count();
        if count > 0 {
            store.put_fact(&changed, Some(&since.to_string())).await?;
            return Ok(Some(count));
        }
    }
    store.put_fact(what, Some(is)).await?;
    store.put_fact(&changed, None).await?;
    Ok(None)
}
