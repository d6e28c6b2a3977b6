//! Whether the bridge can do its work, and what keeps it from it.
//!
//! All of it is found out by the calls that are made anyway. Where something is wrong, or nothing
//! was heard for long, somebody asks, so that an idle bridge sees a trouble begin and end, too.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;

use super::thread::Saying;
use super::{Bridge, Step};
use crate::blip;
use crate::inbox::Chore;
use crate::model::{ChannelId, ChannelRef, Readiness};
use crate::store::{self, Item};

/// After how long without any answer Slack is asked whether it still knows us.
const SILENCE: Duration = Duration::from_mins(5);
/// How often our channels are looked at: Slack tells of a change only to an app whose manifest asks
/// for it.
const LOOK: Duration = Duration::from_hours(1);

impl Bridge {
    /// What keeps the bridge from its work at the moment, and what should be mended besides.
    pub fn readiness(&self) -> Readiness {
        let slack = &self.slack;
        let is_silent = !slack.is_introduced() && !slack.is_locked_out();
        let troubles = [
            (slack.is_locked_out(), "slack does not accept SLACK_BOT_TOKEN"),
            (is_silent, "slack has not answered yet: see SLACK_API_URL and the network"),
            (slack.lacks_workspace(), "slack does not tell the workspace of SLACK_BOT_TOKEN"),
            (
                slack.lacks_scope(),
                "slack does not grant a scope that is needed: install the app again",
            ),
            (slack.is_out_of_time(), "the clock of this machine is minutes off: set it"),
            (
                self.is_homeless(),
                "the channel for tickets is gone or archived, or the app is not in it: see SLACK_CHANNEL",
            ),
            (
                self.is_groupless.load(Ordering::Relaxed),
                "slack knows no user group of the id in AGENTS: nobody is an agent",
            ),
        ];
        let troubles = troubles.into_iter().filter(|(is_so, _)| *is_so);
        let troubles = troubles.map(|(_, what)| what.to_owned());
        let bots = self.configured_bots().filter_map(trouble_of_bot);
        let shared = self.shared.iter().map(|channel| {
            format!(
                "channel {} is shared with another company (Slack Connect): its people read what \
                customers write; use a channel of your own",
                channel.key()
            )
        });
        let others = self.warnings.iter().map(|warning| warning.value().clone());
        let warnings = others.chain(shared).collect();
        Readiness { troubles: troubles.chain(bots).collect(), warnings }
    }

    /// Each bot once, by its name now.
    fn configured_bots(&self) -> impl Iterator<Item = &blip::Client> {
        let bots = self.bots.values().map(Arc::as_ref);
        bots.filter(|bot| !self.rules.former_bots.contains(bot.name()))
    }

    /// Asks both platforms whether they know us, and what our channels and agents are there.
    ///
    /// What they say is in the log and in [`Bridge::readiness`].
    pub async fn introduce(&self) {
        tokio::join!(self.introduce_to_slack(), self.introduce_to_blip());
    }

    async fn introduce_to_slack(&self) {
        if let Err(error) = self.slack.introduce().await {
            tracing::warn!(%error, "slack has not said who we are yet (SLACK_BOT_TOKEN, \
                SLACK_API_URL); asking again meanwhile");
            return;
        }
        // Before the first ticket, not with it.
        tokio::join!(self.look_for_home(), self.look_for_group(), self.look_at_channels());
        if let Err(error) = self.compare_workspace().await {
            tracing::error!(?error, "whether the workspace is another one is not known");
        }
    }

    async fn introduce_to_blip(&self) {
        let pings = self.configured_bots().map(async |bot| {
            if bot.ping().await.is_err()
                && let Some(trouble) = trouble_of_bot(bot)
            {
                tracing::error!(bot = %bot.name(), "{trouble}; asking again meanwhile");
            }
        });
        join_all(pings).await;
    }

    /// Asks again and again where something is wrong, or as soon as somebody says that something
    /// has changed.
    pub async fn look_after_standing(&self, every: Duration) {
        let mut was_deaf = false;
        let mut looked = self.clock.now();
        loop {
            let has_changed = tokio::select! {
                () = self.clock.sleep_until(self.clock.now() + every) => false,
                () = self.changed.notified() => true,
            };
            let was_introduced = self.slack.is_introduced();
            if has_changed || self.is_slack_in_doubt() {
                self.slack.introduce().await.ok();
            }
            for bot in self.configured_bots().filter(|bot| trouble_of_bot(bot).is_some()) {
                bot.ping().await.ok();
            }
            let is_news = has_changed || was_introduced != self.slack.is_introduced();
            if self.is_homeless() || is_news {
                self.look_for_home().await;
            }
            if self.is_groupless.load(Ordering::Relaxed) || is_news {
                self.look_for_group().await;
            }
            if is_news || self.clock.now() >= looked + LOOK {
                looked = self.clock.now();
                self.look_at_channels().await;
            }
            let is_deaf = self.is_deaf();
            if was_deaf && !is_deaf {
                // Slack does not repeat for long what people did meanwhile.
                tracing::info!("slack tells us again what people do; looking for what we missed");
                self.gaps.note();
            }
            was_deaf = is_deaf;
        }
    }

    /// Looks whether Slack knows the user group of agents; if that cannot be found out, nothing is
    /// known.
    async fn look_for_group(&self) {
        let Some(group) = &self.rules.agent_group else { return };
        let Ok(is_known) = self.slack.knows_group(group).await else { return };
        if !is_known && !self.is_groupless.load(Ordering::Relaxed) {
            tracing::error!(
                group,
                "slack knows no such user group: nobody is an agent; mend AGENTS"
            );
        }
        self.is_groupless.store(!is_known, Ordering::Relaxed);
    }

    /// Looks which of our channels are shared with other companies, and has each of them told once.
    async fn look_at_channels(&self) {
        let rules = &self.rules;
        let of_teams = rules.team_channels.values().chain(rules.bot_channels.values());
        let configured: HashSet<&ChannelRef> = of_teams.chain([&rules.channel]).collect();
        for configured in configured {
            let Ok(channel) = self.channel_id(configured).await else { continue };
            let Ok(look) = self.slack.look_at_channel(&channel).await else { continue };
            if let Err(error) = self.note_shared(&channel, look.is_shared_outside).await {
                tracing::error!(slack.channel = %channel, %error,
                    "whether a channel was told that it is shared is not known");
            }
        }
    }

    async fn note_shared(&self, channel: &ChannelId, is_shared: bool) -> store::Result<()> {
        let told = told_shared(channel);
        if !is_shared {
            self.shared.remove(channel);
            if self.store.fact(&told).await?.is_some() {
                self.store.put_fact(&told, None).await?;
            }
            return Ok(());
        }
        if self.shared.insert(channel.clone(), ()).is_none() {
            tracing::warn!(slack.channel = %channel, "a channel for tickets is shared with another \
                company (Slack Connect): its people read what customers write, but are no agents; \
                use a channel of your own");
        }
        if self.store.fact(&told).await?.is_none() {
            self.set_out(Chore::shared(channel, self.clock.now())).await?;
        }
        Ok(())
    }

    /// Tells a channel that it is shared with another company.
    pub(super) async fn tell_shared(&self, item: &Item, lane: &str, channel: &str) -> Step<()> {
        let Some(channel) = ChannelId::parse(channel) else { return Ok(()) };
        let line = Saying::line(&self.words.say("channel-shared", &[]));
        self.say_in_channel(item, lane, &channel, "shared", line).await?;
        Ok(self.store.put_fact(&told_shared(&channel), Some("told")).await?)
    }

    /// Whether Slack does not tell us what people do.
    fn is_deaf(&self) -> bool {
        self.slack.is_locked_out() || self.slack.is_out_of_time() || self.is_homeless()
    }

    fn is_slack_in_doubt(&self) -> bool {
        let slack = &self.slack;
        !slack.is_introduced()
            || slack.is_locked_out()
            || slack.is_out_of_time()
            || slack.lacks_scope()
            || !slack.was_heard_within(SILENCE)
    }

    /// Whether the channel that is left when no other can be posted to cannot be either.
    fn is_homeless(&self) -> bool {
        self.homeless.load(Ordering::Relaxed)
    }

    /// Notes whether the channel can be posted to that is left when no other can.
    pub(super) fn note_home(&self, is_there: bool) {
        self.homeless.store(!is_there, Ordering::Relaxed);
    }

    /// Looks whether the channel can be posted to that is left when no other can; if that cannot
    /// be found out, nothing is known.
    pub async fn look_for_home(&self) {
        let looked = match self.channel_id(&self.rules.channel).await {
            Ok(home) => self.slack.look_at_channel(&home).await.map(|look| look.is_open),
            Err(error) => Err(error),
        };
        let is_there = match looked {
            Err(error) if error.is_channel_lost() => false,
            Ok(is_there) => is_there,
            Err(_) => return,
        };
        if !is_there && !self.is_homeless() {
            tracing::error!(channel = %self.rules.channel,
                "the channel for tickets is gone or archived, or the app is not in it; invite the \
                app there, or mend SLACK_CHANNEL; tickets are kept meanwhile");
        }
        self.note_home(is_there);
    }

    /// Forgets which channel a name stands for: it can be posted to no longer, and by its name
    /// there may be another one by now.
    pub(super) fn forget_channel(&self, channel: &ChannelId) {
        self.channels.retain(|_, id| id != channel);
    }
}

/// What remembers that a channel was told that it is shared.
fn told_shared(channel: &ChannelId) -> String {
    format!("shared:{channel}")
}

/// What keeps us from working for a bot, with the variable that has to be mended.
fn trouble_of_bot(bot: &blip::Client) -> Option<String> {
    let name = bot.name();
    if bot.is_locked_out() {
        return Some(format!(
            "blip does not accept the key of a bot: see {}",
            name.variable("KEY")
        ));
    }
    let silence = bot.silence()?;
    let address = name.variable("API_URL");
    let shared = if address == "BLIP_API_URL" { "" } else { " or BLIP_API_URL" };
    Some(format!("blip has not answered yet ({silence}): see {address}{shared} and the network"))
}
