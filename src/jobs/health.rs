//! Whether the bridge can do its work, and what keeps it from it.
//!
//! All of it is found out by the calls that are made anyway. Where something is wrong, or nothing
//! was heard for long, somebody asks, so that an idle bridge sees a trouble begin and end, too.

use crate::slack::directory;
use crate::slack::members;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::channels::Channels;
use crate::handlers::interrupt::PipeResult;
use crate::inbox::NoticeJob;
use crate::jobs::origins::count_tickets_before;
use crate::jobs::shared::shared_fact_key;
use crate::model::{ChannelId, ChannelRef, Outage, Readiness};
use crate::slack::SlackClient;
use crate::slack::gaps::EventGaps;
use crate::{blip, store};

/// How often our channels are looked at: Slack tells of a change only to an app whose manifest asks
/// for it.
pub(crate) const CHANNEL_CHECK_INTERVAL: Duration = Duration::from_hours(1);

/// Knows what is wrong, and looks again until it is not.
pub(crate) struct Health {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) gaps: Arc<EventGaps>,
    pub(crate) agent_group: Option<String>,
    pub(crate) is_agent_group_missing: AtomicBool,
    pub(crate) warnings: DashMap<String, String>,
    pub(crate) shared_channels: DashMap<ChannelId, ()>,
    pub(crate) slack_changed: Arc<Notify>,
}

impl Health {
    /// What keeps the bridge from its work at the moment, and what should be mended besides.
    pub(crate) fn collect_readiness(&self) -> Readiness {
        let mut troubles = self.list_slack_troubles();
        troubles.extend(self.list_bot_troubles());
        let shared = self.shared_channels.iter().map(|channel| {
            format!(
                "channel {} is shared with another company (Slack Connect): its people read what \
                customers write; use a channel of your own",
                channel.key()
            )
        });
        let others = self.warnings.iter().map(|warning| warning.value().clone());
        let warnings = others.chain(shared).collect();
        let outages = self.list_outages();
        Readiness { troubles, warnings, outages }
    }

    /// What keeps the bridge from its work at Slack.
    pub(crate) fn list_slack_troubles(&self) -> Vec<String> {
        let slack = &self.slack;
        // Refused credentials have a line of their own, which names what to mend.
        let is_silent = !slack.has_identity() && !slack.has_refused_credentials();
        let troubles = [
            (slack.has_refused_credentials(), "slack does not accept SLACK_BOT_TOKEN"),
            (is_silent, "slack has not answered yet: see SLACK_API_URL and the network"),
            (slack.lacks_workspace(), "slack does not tell the workspace of SLACK_BOT_TOKEN"),
            (
                slack.health().lacks_scope(),
                "slack does not grant a scope that is needed: install the app again",
            ),
            (slack.health().has_clock_skew(), "the clock of this machine is minutes off: set it"),
            (
                self.channels.is_default_channel_missing(),
                "the channel for tickets is gone or archived, or the app is not in it: see SLACK_CHANNEL",
            ),
            (
                self.is_agent_group_missing.load(Ordering::Relaxed),
                "slack knows no user group of the id in AGENTS: nobody is an agent",
            ),
        ];
        let troubles = troubles.into_iter().filter(|(is_so, _)| *is_so);
        troubles.map(|(_, what)| what.to_owned()).collect()
    }

    /// What keeps the bridge from its work at Blip, bot by bot.
    pub(crate) fn list_bot_troubles(&self) -> Vec<String> {
        self.bots.configured_bots().filter_map(describe_bot_trouble).collect()
    }

    /// The platforms that have answered before, and nothing for a while.
    fn list_outages(&self) -> Vec<Outage> {
        // Who has never answered is a trouble above: an outage is of somebody who did.
        let slack = self.slack.failing_since().filter(|_| self.slack.has_identity());
        let slack = slack.map(|since| Outage { platform: "Slack".to_owned(), since });
        let has_many = self.bots.configured_bots().count() > 1;
        let bots = self.bots.configured_bots().filter(|bot| bot.silence_reason().is_none());
        let bots = bots.filter_map(|bot| {
            let name = bot.bot_name();
            let platform = if has_many { format!("Blip ({name})") } else { "Blip".to_owned() };
            Some(Outage { platform, since: bot.failing_since()? })
        });
        slack.into_iter().chain(bots).collect()
    }

    /// Asks both platforms whether they know us, and what our channels and agents are there.
    ///
    /// What they say is in the log and in [`Health::collect_readiness`].
    pub(crate) async fn check_platforms(&self) {
        tokio::join!(self.check_slack(), self.check_blip());
    }

    async fn check_slack(&self) {
        if let Err(error) = self.slack.fetch_identity().await {
            tracing::warn!(%error, "slack has not said who we are yet (SLACK_BOT_TOKEN, \
                SLACK_API_URL); asking again meanwhile");
            return;
        }
        // Before the first ticket, not with it.
        tokio::join!(
            self.check_default_channel(),
            self.check_agent_group(),
            self.check_shared_channels()
        );
        if let Err(error) = self.check_workspace().await {
            tracing::error!(?error, "whether the workspace is another one is not known");
        }
    }

    async fn check_blip(&self) {
        let pings = self.bots.configured_bots().map(async |bot| {
            if bot.ping().await.is_err()
                && let Some(trouble) = describe_bot_trouble(bot)
            {
                tracing::error!(bot = %bot.bot_name(), "{trouble}; asking again meanwhile");
            }
        });
        join_all(pings).await;
    }

    /// Asks again and again where something is wrong, or as soon as somebody says that something
    /// has changed.
    pub(crate) async fn watch_health(&self, every: Duration) {
        let mut was_deaf = false;
        let mut outages = Vec::new();
        let mut looked = self.calls.clock.now();
        loop {
            let has_changed = tokio::select! {
                () = self.calls.clock.sleep_until(self.calls.clock.now() + every) => false,
                () = self.slack_changed.notified() => true,
            };
            let was_introduced = self.slack.has_identity();
            if has_changed || self.has_slack_trouble() {
                self.slack.fetch_identity().await.ok();
            }
            let in_doubt =
                |bot: &&blip::BlipClient| describe_bot_trouble(bot).is_some() || bot.needs_probe();
            for bot in self.bots.configured_bots().filter(in_doubt) {
                bot.ping().await.ok();
            }
            outages = log_outages(&outages, self.list_outages());
            let is_news = has_changed || was_introduced != self.slack.has_identity();
            if self.channels.is_default_channel_missing() || is_news {
                self.check_default_channel().await;
            }
            if self.is_agent_group_missing.load(Ordering::Relaxed) || is_news {
                self.check_agent_group().await;
            }
            if is_news || self.calls.clock.now() >= looked + CHANNEL_CHECK_INTERVAL {
                looked = self.calls.clock.now();
                self.check_shared_channels().await;
            }
            let is_deaf = self.is_missing_slack_events();
            if was_deaf && !is_deaf {
                // Slack does not repeat for long what people did meanwhile.
                tracing::info!("slack tells us again what people do; looking for what we missed");
                self.gaps.note_gap();
            }
            was_deaf = is_deaf;
        }
    }

    /// Looks whether Slack knows the user group of agents; if that cannot be found out, nothing is
    /// known.
    async fn check_agent_group(&self) {
        let Some(group) = &self.agent_group else { return };
        // A call that failed says nothing of the group: what was known of it stays.
        let Ok(is_known) = members::has_group(&self.slack, group).await else { return };
        if !is_known && !self.is_agent_group_missing.load(Ordering::Relaxed) {
            tracing::error!(
                group,
                "slack knows no such user group: nobody is an agent; mend AGENTS"
            );
        }
        self.is_agent_group_missing.store(!is_known, Ordering::Relaxed);
    }

    /// Looks which of our channels are shared with other companies, and has each of them told once.
    async fn check_shared_channels(&self) {
        let rules = &self.channels.rules;
        let of_teams = rules.teams.values().chain(rules.bots.values());
        let configured: HashSet<&ChannelRef> = of_teams.chain([&rules.default]).collect();
        for configured in configured {
            let Ok(channel) = self.channels.resolve_channel_id(configured).await else { continue };
            let Ok(look) = directory::check_channel_access(&self.slack, &channel).await else {
                continue;
            };
            if let Err(error) = self.record_shared(&channel, look.is_shared_outside).await {
                tracing::error!(slack.channel = %channel, %error,
                    "whether a channel was told that it is shared is not known");
            }
        }
    }

    async fn record_shared(&self, channel: &ChannelId, is_shared: bool) -> store::Result<()> {
        let told = shared_fact_key(channel);
        if !is_shared {
            self.shared_channels.remove(channel);
            if self.calls.store.read_fact(&told).await?.is_some() {
                self.calls.store.put_fact(&told, None).await?;
            }
            return Ok(());
        }
        if self.shared_channels.insert(channel.clone(), ()).is_none() {
            tracing::warn!(slack.channel = %channel, "a channel for tickets is shared with another \
                company (Slack Connect): its people read what customers write, but are no agents; \
                use a channel of your own");
        }
        if self.calls.store.read_fact(&told).await?.is_none() {
            self.calls
                .store
                .accept(NoticeJob::announce_sharing(channel, self.calls.clock.now()))
                .await?;
        }
        Ok(())
    }

    /// Whether Slack does not tell us what people do.
    fn is_missing_slack_events(&self) -> bool {
        self.slack.has_refused_credentials()
            || self.slack.health().has_clock_skew()
            || self.channels.is_default_channel_missing()
    }

    fn has_slack_trouble(&self) -> bool {
        let slack = &self.slack;
        !slack.has_identity()
            || slack.has_refused_credentials()
            || slack.health().has_clock_skew()
            || slack.health().lacks_scope()
            || slack.needs_probe()
    }

    /// Looks whether the channel can be posted to that is left when no other can; if that cannot
    /// be found out, nothing is known.
    async fn check_default_channel(&self) {
        let looked = match self.channels.resolve_channel_id(&self.channels.rules.default).await {
            Ok(home) => {
                directory::check_channel_access(&self.slack, &home).await.map(|look| look.is_open)
            }
            Err(error) => Err(error),
        };
        let is_there = match looked {
            Err(error) if error.is_channel_lost() => false,
            Ok(is_there) => is_there,
            Err(_) => return,
        };
        if !is_there && !self.channels.is_default_channel_missing() {
            tracing::error!(channel = %self.channels.rules.default,
                "the channel for tickets is gone or archived, or the app is not in it; invite the \
                app there, or mend SLACK_CHANNEL; tickets are kept meanwhile");
        }
        self.channels.note_default_channel(is_there);
    }

    /// Compares the workspace with that of the threads of open tickets.
    async fn check_workspace(&self) -> PipeResult<()> {
        const WORKSPACE_FACT: &str = "workspace";
        let Some(workspace) = self.slack.workspace_id() else { return Ok(()) };
        let open = self.calls.store.open_tickets().await?;
        let now = self.calls.clock.now();
        match count_tickets_before(&self.calls.store, (WORKSPACE_FACT, workspace), &open, now)
            .await?
        {
            Some(count) => {
                let warning = format!(
                    "SLACK_BOT_TOKEN is of another workspace than before, where {count} open \
                    tickets have their threads: they get new ones here as soon as something is \
                    said; put the token back if that is not meant"
                );
                tracing::error!("{warning}");
                self.warnings.insert(WORKSPACE_FACT.to_owned(), warning);
            }
            None => drop(self.warnings.remove(WORKSPACE_FACT)),
        }
        Ok(())
    }
}

/// Tells of outages that have begun to count, or are over.
pub(crate) fn log_outages(before: &[Outage], now: Vec<Outage>) -> Vec<Outage> {
    let has = |outages: &[Outage], platform: &str| {
        outages.iter().any(|outage| outage.platform == platform)
    };
    for outage in now.iter().filter(|outage| !has(before, &outage.platform)) {
        tracing::error!("{outage}");
    }
    for Outage { platform, since } in before.iter().filter(|it| !has(&now, &it.platform)) {
        tracing::info!(%since, "{platform} answers again");
    }
    now
}

/// What keeps us from working for a bot, with the variable that has to be mended.
pub(crate) fn describe_bot_trouble(bot: &blip::BlipClient) -> Option<String> {
    let name = bot.bot_name();
    if bot.has_refused_key() {
        return Some(format!(
            "blip does not accept the key of a bot: see {}",
            name.setting_variable("KEY")
        ));
    }
    let silence = bot.silence_reason()?;
    let address = name.setting_variable("API_URL");
    let shared = if address == "BLIP_API_URL" { "" } else { " or BLIP_API_URL" };
    Some(format!("blip has not answered yet ({silence}): see {address}{shared} and the network"))
}
