//! Whether the bridge can do its work, and what keeps it from it.
//!
//! All of it is found out by the calls that are made anyway. Where something is wrong, or nothing
//! was heard for long, somebody asks, so that an idle bridge sees a trouble begin and end, too.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Bridge;
use crate::inbox::Chore;
use crate::model::ChannelId;
use crate::store;

/// After how long without any answer Slack is asked whether it still knows us.
const SILENCE: Duration = Duration::from_mins(5);

impl Bridge {
    /// What keeps the bridge from its work at the moment, one line each; empty if nothing does.
    pub fn troubles(&self) -> Vec<&'static str> {
        let troubles = [
            (self.slack.is_locked_out(), "slack does not accept SLACK_BOT_TOKEN"),
            (
                self.slack.lacks_scope(),
                "slack does not grant a scope that is needed: install the app again",
            ),
            (self.slack.is_out_of_time(), "the clock of this machine is minutes off: set it"),
            (
                self.is_homeless(),
                "the channel for tickets is gone or archived, or the app is not in it: see SLACK_CHANNEL",
            ),
            (
                self.bots.values().any(|bot| bot.is_locked_out()),
                "blip does not accept the key of a bot",
            ),
        ];
        troubles.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect()
    }

    /// Asks again and again where something is wrong, or as soon as somebody says that something
    /// has changed.
    pub async fn look_after_standing(&self, every: Duration) {
        let mut was_deaf = false;
        loop {
            let has_changed = tokio::select! {
                () = self.clock.sleep_until(self.clock.now() + every) => false,
                () = self.changed.notified() => true,
            };
            if has_changed || self.is_slack_in_doubt() {
                // What it says is in the log and in the state of readiness.
                self.slack.introduce().await.ok();
            }
            for bot in self.bots.values().filter(|bot| bot.is_locked_out()) {
                bot.ping().await.ok();
            }
            if self.is_homeless() || has_changed {
                self.look_for_home().await;
            }
            let is_deaf = self.is_deaf();
            if was_deaf && !is_deaf {
                self.catch_up_all().await;
            }
            was_deaf = is_deaf;
        }
    }

    /// Whether Slack does not tell us what people do.
    fn is_deaf(&self) -> bool {
        self.slack.is_locked_out() || self.slack.is_out_of_time() || self.is_homeless()
    }

    /// Looks for what people did meanwhile: Slack does not repeat it for long.
    async fn catch_up_all(&self) {
        tracing::info!("slack tells us again what people do; looking for what we missed");
        if let Err(error) = self.try_catch_up_all().await {
            tracing::error!(%error, "what was missed in Slack is looked for at the next start");
        }
    }

    async fn try_catch_up_all(&self) -> store::Result<()> {
        for ticket in self.store.open_tickets().await? {
            self.set_out(Chore::catch_up(&ticket.id, self.clock.now())).await?;
        }
        Ok(())
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
            Ok(home) => self.slack.is_at_home_in(&home).await,
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
