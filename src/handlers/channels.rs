//! Which channel a ticket goes to: its team's, else its bot's, else that for all others.

use crate::slack::directory;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::model::{BotName, ChannelId, ChannelRef, Ticket};
use crate::slack;
use crate::slack::SlackClient;

/// How long an unusable channel is left alone; it recovers by itself once somebody has mended it.
pub(crate) const LOST_CHANNEL_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// The channels that are configured.
#[derive(Clone, Debug)]
pub(crate) struct ChannelRules {
    /// The channel for tickets that have no other.
    pub(crate) default: ChannelRef,
    /// The channels of bots.
    pub(crate) bots: HashMap<BotName, ChannelRef>,
    /// The channels of teams.
    pub(crate) teams: HashMap<String, ChannelRef>,
}

/// Knows which channel a ticket belongs in, and which id a channel has that is configured by name.
pub(crate) struct Channels {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) clock: Clock,
    pub(crate) rules: ChannelRules,
    pub(crate) channel_ids: DashMap<String, ChannelId>,
    pub(crate) is_default_missing: AtomicBool,
}

impl Channels {
    /// The channel in which a ticket belongs, or that for all others if it is lost.
    pub(crate) async fn resolve_ticket_channel(&self, ticket: &Ticket) -> PipeResult<ChannelId> {
        match self.find_own_channel(ticket).await? {
            Some(channel) => Ok(channel),
            None => self.resolve_default_channel().await,
        }
    }

    /// The channel that a ticket is in or, before its card is posted, will be in.
    pub(crate) async fn current_channel(&self, ticket: &Ticket) -> PipeResult<ChannelId> {
        match &ticket.thread {
            Some(thread) => Ok(thread.channel.clone()),
            None => self.resolve_ticket_channel(ticket).await,
        }
    }

    /// The channel in which a ticket belongs; none if it is lost.
    pub(crate) async fn find_own_channel(&self, ticket: &Ticket) -> PipeResult<Option<ChannelId>> {
        let by_team = ticket.team.as_ref().and_then(|team| self.rules.teams.get(team));
        let by_bot = || self.rules.bots.get(ticket.id.bot());
        let Some(configured) = by_team.or_else(by_bot) else {
            return Ok(Some(self.resolve_default_channel().await?));
        };
        match self.resolve_channel_id(configured).await {
            Err(error) if error.is_channel_lost() => {
                tracing::error!(channel = %configured,
                    "there is no channel of this name, or the app is not in it; invite the app, or \
                    mend the setting");
                Ok(None)
            }
            found => Ok(Some(found?)),
        }
    }

    /// The channel for tickets that have no other, or whose own is lost.
    pub(crate) async fn resolve_default_channel(&self) -> PipeResult<ChannelId> {
        match self.resolve_channel_id(&self.rules.default).await {
            Err(error) if error.is_channel_lost() => {
                tracing::error!(channel = %self.rules.default,
                    "there is no channel of this name, or the app is not in it; mend \
                    SLACK_CHANNEL, the tickets are kept meanwhile");
                Err(self.no_channel_interrupt())
            }
            found => Ok(found?),
        }
    }

    /// Whether tickets go to this channel, as it is configured.
    pub(crate) async fn is_for_tickets(&self, channel: &ChannelId) -> PipeResult<bool> {
        let rules = &self.rules;
        let others = rules.bots.values().chain(rules.teams.values());
        for configured in std::iter::once(&rules.default).chain(others) {
            match self.resolve_channel_id(configured).await {
                Err(error) if error.is_channel_lost() => {}
                found => {
                    if found? == *channel {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The id of a configured channel.
    pub(crate) async fn resolve_channel_id(
        &self,
        configured: &ChannelRef,
    ) -> Result<ChannelId, slack::Error> {
        let name = match configured {
            // Slack may give a channel another id (`slack.md` E.2, `channel_id_changed`). The store
            // keeps the first one, so that no link and no derived id changes with it.
            ChannelRef::Id(id) => return Ok(self.slack.renames().first_id(id)),
            ChannelRef::Name(name) => name,
        };
        // Cloned, as a guard of the map that is held over the call below would block whoever writes
        // to it.
        let known = self.channel_ids.get(name).map(|id| id.clone());
        if let Some(id) = known {
            return Ok(id);
        }
        let id = directory::find_channel_by_name(&self.slack, name).await?;
        self.channel_ids.insert(name.clone(), id.clone());
        Ok(id)
    }

    /// Forgets which channel a name stands for: it can be posted to no longer, and by its name
    /// there may be another one by now.
    pub(crate) fn forget_channel(&self, channel: &ChannelId) {
        self.channel_ids.retain(|_, id| id != channel);
    }

    /// No channel is left to show tickets in: they wait.
    pub(crate) fn no_channel_interrupt(&self) -> Interrupt {
        self.note_default_channel(false);
        Interrupt::Wait(self.clock.now() + LOST_CHANNEL_PAUSE)
    }

    /// Whether nothing can be posted to `SLACK_CHANNEL`, to which tickets go that have no other channel, or
    /// have lost it: then they have none at all.
    pub(crate) fn is_default_channel_missing(&self) -> bool {
        self.is_default_missing.load(Ordering::Relaxed)
    }

    /// Notes whether `SLACK_CHANNEL` can be posted to.
    pub(crate) fn note_default_channel(&self, is_there: bool) {
        self.is_default_missing.store(!is_there, Ordering::Relaxed);
    }
}
