//! Home tabs: the desk at a glance, kept up to date while somebody may be looking.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::TaskTracker;

use super::error::Error;
use super::lead::LeadBoard;
use super::switches::Switches;
use super::viewer::Viewers;
use super::visible_tickets::{OpenTickets, VisibleTickets};
use crate::clock::Clock;
use crate::model::{Readiness, ReadinessSource, SlackUserId};
use crate::slack::home::{self, BridgeHealth, HomeLists};
use crate::slack::lead;
use crate::slack::requester::Requester;
use crate::slack::switches::SwitchRequest;
use crate::slack::{SlackView, describe_look};
use crate::store::Lane;

/// How long after it was opened a home tab is kept up to date.
const HOME_TAB_LIFETIME: SignedDuration = SignedDuration::from_hours(9);
/// How often home tabs are compared with what they should show.
const HOME_TAB_REFRESH_INTERVAL: Duration = Duration::from_secs(3);

/// What the home tabs that were opened lately show. A cache: who opens theirs again is in it again.
type ShownHomeTabs = DashMap<SlackUserId, ShownHomeTab>;

#[derive(Clone, Copy, Debug)]
struct ShownHomeTab {
    opened: Timestamp,
    content: Option<u64>,
}

/// How the bridge is at the moment, for one person.
pub(crate) struct BridgeStatus {
    pub(crate) visible: Arc<VisibleTickets>,
    /// Whether the bridge can do its work.
    pub(crate) readiness: Arc<dyn ReadinessSource>,
}

impl BridgeStatus {
    /// How the bridge is, and how many events are parked in channels that somebody is in.
    pub(super) async fn read_bridge_health(
        &self,
        user: &SlackUserId,
    ) -> Result<BridgeHealth, Error> {
        let mut parked = Vec::new();
        for item in self.visible.store.parked_items(None).await? {
            if let Some(id) = Lane::ticket_of(&item.lane) {
                parked.extend(self.visible.store.load_ticket(&id).await?);
            }
        }
        let parked = self.visible.list_visible_tickets(user, parked).await?.len();
        let Readiness { troubles, outages, .. } = self.readiness.read_readiness();
        Ok(BridgeHealth { parked, is_degraded: !troubles.is_empty(), outages })
    }
}

pub(crate) struct HomeTabs {
    viewers: Arc<Viewers>,
    visible: Arc<VisibleTickets>,
    status: Arc<BridgeStatus>,
    switches: Arc<Switches>,
    /// How the team does, for who leads it.
    leads: LeadBoard,
    clock: Clock,
    tasks: TaskTracker,
    shown: ShownHomeTabs,
}

impl HomeTabs {
    /// Nobody looks yet. Tabs are made on `tasks`.
    pub(crate) fn new(
        viewers: Arc<Viewers>,
        visible: Arc<VisibleTickets>,
        (status, switches): (Arc<BridgeStatus>, Arc<Switches>),
        (leads, tasks): (LeadBoard, TaskTracker),
    ) -> Self {
        let clock = viewers.clock.clone();
        let shown = DashMap::new();
        Self { viewers, visible, status, switches, leads, clock, tasks, shown }
    }

    /// Notes what a home tab shows; returns what it showed before.
    fn replace_content(&self, user: &SlackUserId, content: Option<u64>) -> Option<u64> {
        let mut shown = self.shown.get_mut(user)?;
        std::mem::replace(&mut shown.content, content)
    }

    /// Shows somebody their home tab, now and while they may be looking.
    pub(crate) fn open_home_tab(self: &Arc<Self>, user: &SlackUserId) {
        let opened = self.clock.now();
        let mut shown =
            self.shown.entry(user.clone()).or_insert(ShownHomeTab { opened, content: None });
        // The old content is kept: who opens the tab again and again costs no call if nothing has
        // changed (`slack.md` C.4).
        shown.opened = opened;
        drop(shown);
        let (homes, user) = (Arc::clone(self), user.clone());
        self.tasks.spawn(async move { homes.refresh_home_tab(&user).await });
    }

    /// Sets all switches of somebody as they are ticked on their home tab. Who is no agent has none.
    ///
    /// # Errors
    ///
    /// Those of the store, and of a Slack that does not tell in time who asks.
    pub(crate) async fn set_switches(self: &Arc<Self>, asked: &SwitchRequest) -> Result<(), Error> {
        let (user, reader) = (&asked.by.user, self.viewers.load_viewer(&asked.by).await);
        if self.viewers.may_be_agent(user, &reader).await? {
            self.switches.set_all(user, &asked.on).await?;
        }
        // What is ticked there is not what we have sent: it shows what is set now.
        self.replace_content(user, None);
        self.open_home_tab(user);
        Ok(())
    }

    /// Keeps home tabs up to date for as long as they are looked at.
    pub(crate) async fn refresh_home_tabs(self: Arc<Self>) {
        loop {
            self.clock.sleep_until(self.clock.now() + HOME_TAB_REFRESH_INTERVAL).await;
            let now = self.clock.now();
            if !self.visible.last_words.is_empty() {
                self.forget_old_words().await;
            }
            self.shown.retain(|_, shown| now.duration_since(shown.opened) < HOME_TAB_LIFETIME);
            let users: Vec<_> = self.shown.iter().map(|home| home.key().clone()).collect();
            for user in users {
                self.refresh_home_tab(&user).await;
            }
        }
    }

    /// Forgets what was said in tickets that are over or were erased.
    async fn forget_old_words(&self) {
        let Ok(open) = self.visible.store.open_tickets().await else { return };
        let threads: HashSet<_> = open.into_iter().filter_map(|ticket| ticket.thread).collect();
        self.visible.last_words.retain(|thread| threads.contains(thread));
    }

    /// Publishes a home tab if it shows something else than it should.
    async fn refresh_home_tab(&self, user: &SlackUserId) {
        let view = match self.build_home_tab(user).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(%error, "a home tab could not be made");
                return;
            }
        };
        let mut hasher = DefaultHasher::new();
        // A hash is enough to see a change, and the words of customers are not kept.
        describe_look(&view).hash(&mut hasher);
        let content = Some(hasher.finish());
        // Noted before it is done, so that of two who come at once only one does it.
        let before = self.replace_content(user, content);
        if before == content {
            return;
        }
        if let Err(error) = self.viewers.slack.publish_home(user, &view).await {
            tracing::warn!(%error, "a home tab could not be shown");
            // Not shown after all, so that the next comparison tries again.
            self.replace_content(user, before);
        }
    }

    async fn build_home_tab(&self, user: &SlackUserId) -> Result<SlackView, Error> {
        let reader =
            self.viewers.load_viewer(&Requester { user: user.clone(), named: Vec::new() }).await;
        let words = &reader.texts;
        let is_agent = self.viewers.may_be_agent(user, &reader).await?;
        let is_lead = self.leads.is_lead(user, reader.profile.as_ref()).await;
        if !is_agent && !is_lead {
            return Ok(home::render_closed_tab(words));
        }
        let OpenTickets { mine, waiting, outside } = if is_agent {
            self.visible.list_open_tickets(user).await?
        } else {
            OpenTickets::default()
        };
        let health = self.status.read_bridge_health(user).await?;
        let own = self.switches.read_all(user).await?;
        if !is_lead {
            return Ok(home::render_home_tab(&mine, (&waiting, &outside), (&own, &health), words));
        }
        let (overview, longest) = self.leads.read_overview().await?;
        let visible = self.visible.list_visible_tickets(user, longest).await?;
        let overview = LeadBoard::name_longest(overview, visible);
        let lists = HomeLists { mine: &mine, waiting: &waiting, outside: &outside, own: &own };
        Ok(lead::render_lead_tab(&overview, is_agent.then_some(lists), &health, words))
    }
}
