//! How the team does, for the home tabs of who leads it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::model::report::{count_queues, summarize_service, waits_since};
use crate::model::{SlackUserId, Ticket};
use crate::slack::home::ListedTicket;
use crate::slack::lead::LeadOverview;
use crate::slack::{Profile, SlackClient, members};
use crate::store::{self, SharedStore};

/// Most tickets that are named as waiting longest.
const MAX_LONGEST: usize = 5;
/// How long the tickets that ended today are believed: every open home tab asks for them every few
/// seconds, and a busy day has thousands.
const CLOSED_LIFETIME: SignedDuration = SignedDuration::from_secs(30);

/// Knows who leads the team, and how it does.
#[derive(Clone)]
pub(crate) struct LeadBoard {
    store: SharedStore,
    slack: Arc<SlackClient>,
    clock: Clock,
    zone: TimeZone,
    group: Option<String>,
    closed: Arc<Mutex<ClosedToday>>,
}

/// The tickets that ended today, as they were read last.
#[derive(Default)]
struct ClosedToday {
    read: Option<Timestamp>,
    since: Timestamp,
    tickets: Arc<Vec<Ticket>>,
}

impl LeadBoard {
    /// `group` is the user group of who leads the team; nobody does if there is none.
    pub(crate) fn new(
        store: SharedStore,
        slack: Arc<SlackClient>,
        clock: Clock,
        (group, zone): (Option<String>, TimeZone),
    ) -> Self {
        Self { store, slack, clock, zone, group, closed: Arc::default() }
    }

    /// Whether somebody leads the team. Where Slack does not tell, nobody does for now.
    pub(super) async fn is_lead(&self, user: &SlackUserId, profile: Option<&Profile>) -> bool {
        let (Some(group), Some(profile)) = (&self.group, profile) else { return false };
        match members::may_be_agent(&self.slack, user, profile, Some(group)).await {
            Ok(is_lead) => is_lead,
            Err(error) => {
                tracing::warn!(%error, "who leads the team is not known");
                false
            }
        }
    }

    /// How the team does, but for the tickets that wait longest; and those, of which only such may
    /// be named as the reader may see.
    pub(super) async fn read_overview(&self) -> store::Result<(LeadOverview, Vec<Ticket>)> {
        let open = self.store.open_tickets().await?;
        let now = self.clock.now();
        let day = now.to_zoned(self.zone.clone()).start_of_day().map_or(now, |day| day.timestamp());
        let closed = self.read_closed_since(day, now).await?;
        // What happens until the next look counts, too.
        let span = day..Timestamp::MAX;
        let mut held: HashMap<SlackUserId, usize> = HashMap::new();
        for holder in open.iter().filter_map(Ticket::holder) {
            *held.entry(holder.user.clone()).or_default() += 1;
        }
        let mut held: Vec<_> = held.into_iter().collect();
        held.sort_by(|(user, one), (other_user, other)| other.cmp(one).then(user.cmp(other_user)));
        let queues = count_queues(&open);
        let today = summarize_service(open.iter().chain(&*closed), &span);
        let mut waiting: Vec<Ticket> =
            open.into_iter().filter(|ticket| waits_since(ticket).is_some()).collect();
        waiting.sort_by_key(waits_since);
        let oldest = waiting.first().and_then(waits_since);
        let overview = LeadOverview { queues, held, today, oldest, longest: Vec::new() };
        Ok((overview, waiting))
    }

    /// Names the tickets that wait longest.
    pub(super) fn name_longest(
        overview: LeadOverview,
        mut visible: Vec<ListedTicket>,
    ) -> LeadOverview {
        visible.truncate(MAX_LONGEST);
        LeadOverview { longest: visible, ..overview }
    }

    async fn read_closed_since(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> store::Result<Arc<Vec<Ticket>>> {
        // Held while it is read: of many open tabs, one asks the store.
        let mut kept = self.closed.lock().await;
        let is_fresh = kept.read.is_some_and(|read| now.duration_since(read) < CLOSED_LIFETIME);
        if !is_fresh || kept.since != since {
            kept.tickets = Arc::new(self.store.closed_tickets(since).await?);
            (kept.read, kept.since) = (Some(now), since);
        }
        Ok(Arc::clone(&kept.tickets))
    }
}
