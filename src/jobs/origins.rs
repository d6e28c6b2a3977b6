//! What the database was used with before: bots of other names or contracts, another workspace.
//!
//! Tickets belong to a bot by its short name. A bot is the same whatever it is called: its key names
//! it (`blip.md` §1.1), and that is remembered with its name, so that it keeps its tickets.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::model::{BotName, Ticket};
use crate::store;
use crate::store::SharedStore;

/// What tells a bot from others, whatever it is called.
#[derive(Clone, Debug)]
pub(crate) struct BotOrigin {
    /// Whom its key names.
    pub(crate) owner: String,
    /// The contract that its address names, if it does.
    pub(crate) contract: Option<String>,
}

/// What of the settings is not as it was when tickets were opened that are still open.
#[derive(Debug, Default)]
pub(crate) struct OriginChanges {
    /// Bots that are not configured any more, each with the one that it is now.
    pub(crate) renamed: HashMap<BotName, BotName>,
    /// What an operator has to know, by what it is about.
    pub(crate) warnings: HashMap<String, String>,
    /// How many tickets are open.
    pub(crate) open_tickets: usize,
}

impl OriginChanges {
    /// Compares the bots that are configured, each with where it is from, with what was so before.
    /// `aliases` are former names as the operator tells them.
    pub(crate) async fn detect_changes(
        store: &SharedStore,
        bots: &HashMap<BotName, BotOrigin>,
        aliases: &HashMap<BotName, BotName>,
        now: Timestamp,
    ) -> store::Result<Self> {
        let mut origins = Self::default();
        let tickets = store.open_tickets().await?;
        origins.open_tickets = tickets.len();
        let mut open: BTreeMap<BotName, Vec<Ticket>> = BTreeMap::new();
        for ticket in tickets {
            open.entry(ticket.id.bot().clone()).or_default().push(ticket);
        }
        for (name, BotOrigin { owner, contract }) in bots {
            let tickets = open.get(name).map_or(&[][..], Vec::as_slice);
            let what = bot_fact_key(name);
            if let Some(count) = count_tickets_before(store, (&what, owner), tickets, now).await? {
                let variable = name.setting_variable("KEY");
                origins.add_warning(what, format!(
                    "{variable} is of another bot than before, and {count} open tickets of that \
                    one cannot be answered with it: put its key back, or have them closed at Blip"
                ));
            }
            let Some(contract) = contract else { continue };
            let what = format!("contract:{name}");
            let before = (what.as_str(), contract.as_str());
            if let Some(count) = count_tickets_before(store, before, tickets, now).await? {
                let variable = name.setting_variable("API_URL");
                origins.add_warning(what, format!(
                    "{variable} is of another contract than before, and {count} open tickets came                     from that one: Blip knows them there only; put the address back, or have them                     closed there"
                ));
            }
        }
        for (name, tickets) in open.iter().filter(|(name, _)| !bots.contains_key(name)) {
            let known = store.read_fact(&bot_fact_key(name)).await?;
            // Whoever renames a bot rarely tells us; the key names its owner all the same.
            let same = bots.iter().find(|(_, bot)| Some(&bot.owner) == known.as_ref());
            match aliases.get(name).or(same.map(|(now, _)| now)) {
                Some(now) => {
                    tracing::info!(was = %name, bot = %now, "a bot has another name; it keeps its tickets");
                    origins.renamed.insert(name.clone(), now.clone());
                }
                None => origins.add_warning(bot_fact_key(name), format!(
                    "bot {name} is not configured and has {} open tickets, which wait: add it to \
                    BLIP_BOTS again, or say in BLIP_BOT_ALIASES what it is called now",
                    tickets.len()
                )),
            }
        }
        Ok(origins)
    }

    fn add_warning(&mut self, about: String, warning: String) {
        tracing::error!("{warning}");
        self.warnings.insert(about, warning);
    }
}

/// What remembers whom the key of a bot named.
pub(crate) fn bot_fact_key(bot: &BotName) -> String {
    format!("bot:{bot}")
}

/// How many of the tickets were opened when something was not what it `is`; none if it was so all
/// along, or since before them.
pub(crate) async fn count_tickets_before(
    store: &SharedStore,
    (what, is): (&str, &str),
    tickets: &[Ticket],
    now: Timestamp,
) -> store::Result<Option<usize>> {
    let changed = format!("{what}:changed");
    let was = store.read_fact(what).await?;
    if was.is_some_and(|was| was != is) {
        // The time of the change is kept: tickets that came after it are of the new owner, and the
        // warning goes when the last of the old ones is closed.
        let noticed = store.read_fact(&changed).await?.and_then(|at| at.parse().ok());
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
