//! Answers to `/blip`, and home tabs: the desk at a glance, for the eyes of agents only.
//!
//! Nobody is shown a ticket here whose channel they are not in.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::lead::LeadBoard;
use super::{DialogViewer, Dialogs, Error};
use crate::locale::Texts;
use crate::model::active::parse_number;
use crate::model::{
    BotName, ChannelId, Failure, Fault, Readiness, SlackUserId, Ticket, TicketId, TicketState,
};
use crate::slack::command::{CommandAction, SlashCommand};
use crate::slack::home::{self, BridgeHealth, HomeLists, ListedTicket, OutsideChannel, TicketNews};
use crate::slack::lead;
use crate::slack::members;
use crate::slack::requester::Requester;
use crate::slack::{SlackCommandEventResponse, SlackView, describe_look};
use crate::store::Lane;

/// How long a command may take, of the 3 s in which Slack wants an answer.
const COMMAND_DEADLINE: Duration = Duration::from_millis(2500);
/// How long after it was opened a home tab is kept up to date.
const HOME_TAB_LIFETIME: SignedDuration = SignedDuration::from_hours(9);
/// How often home tabs are compared with what they should show.
const HOME_TAB_REFRESH_INTERVAL: Duration = Duration::from_secs(3);
/// How long it is believed that somebody is not in a channel: they may join and look again.
const CHANNEL_ABSENCE_LIFETIME: SignedDuration = SignedDuration::from_secs(30);
/// Most tickets that a search finds.
const MAX_FOUND_TICKETS: u32 = 10;

/// The home tabs that were opened lately, and what they show. A cache: who opens theirs again is
/// in it again.
#[derive(Clone, Debug, Default)]
pub(crate) struct HomeTabs(Arc<DashMap<SlackUserId, ShownHomeTab>>);

#[derive(Clone, Copy, Debug)]
struct ShownHomeTab {
    opened: Timestamp,
    content: Option<u64>,
}

impl HomeTabs {
    /// Notes what a home tab shows; returns what it showed before.
    fn replace_content(&self, user: &SlackUserId, content: Option<u64>) -> Option<u64> {
        let mut shown = self.0.get_mut(user)?;
        std::mem::replace(&mut shown.content, content)
    }
}

/// Tickets as one person may see them.
#[derive(Default)]
struct SeenTickets {
    rows: Vec<ListedTicket>,
    outside: Vec<OutsideChannel>,
}

impl SeenTickets {
    /// Counts a ticket that waits in a channel that the person is not in.
    fn count_outside(&mut self, channel: &ChannelId) {
        match self.outside.iter_mut().find(|(known, _)| known == channel) {
            Some((_, count)) => *count += 1,
            None => self.outside.push((channel.clone(), 1)),
        }
    }
}

/// What is open, for one person.
#[derive(Default)]
struct OpenTickets {
    /// What they hold: first who waits for their answer.
    mine: Vec<ListedTicket>,
    /// What nobody holds, oldest first.
    waiting: Vec<ListedTicket>,
    /// Where more wait that they cannot see.
    outside: Vec<OutsideChannel>,
}

impl Dialogs {
    /// The answer to a command, for the one who typed it.
    pub(crate) async fn answer_command(&self, command: &SlashCommand) -> SlackCommandEventResponse {
        let reader = self.load_viewer(&command.by).await;
        let answered = self.try_answer_command(command, &reader);
        match tokio::time::timeout(COMMAND_DEADLINE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a command could not be answered");
                home::answer_text(&reader.texts.text("home-unavailable", &[]))
            }
            Err(_) => home::answer_text(&reader.texts.text("home-unavailable", &[])),
        }
    }

    async fn try_answer_command(
        &self,
        command: &SlashCommand,
        reader: &DialogViewer,
    ) -> Result<SlackCommandEventResponse, Error> {
        let (user, words) = (&command.by.user, &reader.texts);
        if !self.may_be_agent(user, reader).await? {
            return Ok(home::answer_text(&words.text("ask-not-agent-move", &[])));
        }
        Ok(match &command.wanted {
            CommandAction::Mine => {
                home::answer_mine(&self.list_open_tickets(user).await?.mine, words)
            }
            CommandAction::Waiting => {
                let OpenTickets { waiting, outside, .. } = self.list_open_tickets(user).await?;
                home::answer_waiting(&waiting, &outside, words)
            }
            CommandAction::Find(text) => {
                let text = text.trim_start_matches('#');
                let found = self.store.find_tickets(text, MAX_FOUND_TICKETS).await?;
                home::answer_found(&self.list_visible_tickets(user, found).await?, words)
            }
            CommandAction::Status => {
                let open =
                    self.list_visible_tickets(user, self.store.open_tickets().await?).await?;
                let unclaimed = open.iter().filter(|row| row.ticket.holder().is_none()).count();
                home::answer_status(
                    open.len(),
                    unclaimed,
                    &self.read_bridge_health(user).await?,
                    words,
                )
            }
            CommandAction::New(rest) => self.ask_active_message(command, rest, words).await?,
            CommandAction::Help => home::answer_help(!self.routes.is_empty(), words),
        })
    }

    /// Asks for the template of an active message, or says why there can be none. The number is not
    /// looked up before it is sent: Meta bans those who check many.
    async fn ask_active_message(
        &self,
        command: &SlashCommand,
        rest: &str,
        texts: &Texts,
    ) -> Result<SlackCommandEventResponse, Error> {
        let say = |key: &str| Ok(home::answer_text(&texts.text(key, &[])));
        // Of several bots, the last word names the one that writes.
        let named = rest.rsplit(char::is_whitespace).next().and_then(BotName::parse);
        let named = named.filter(|name| self.routes.contains_key(name));
        let bot = match (&named, self.routes.len()) {
            (_, 0) => return say("active-not-set-up"),
            (Some(name), _) => name.clone(),
            (None, 1) => self.routes.keys().next().cloned().unwrap_or_default(),
            (None, _) => {
                let mut bots: Vec<String> = self.routes.keys().map(ToString::to_string).collect();
                bots.sort();
                let bots = bots.join(", ");
                let text = texts.text("active-which-bot", &[("bots", &bots)]);
                return Ok(home::answer_text(&text));
            }
        };
        let number = match &named {
            Some(name) => rest.strip_suffix(name.as_str()).unwrap_or(rest),
            None => rest,
        };
        let Some(number) = parse_number(number) else { return say("active-wrong-number") };
        let (Some(channel), Some(trigger)) = (&command.channel, &command.trigger) else {
            return say("ask-again");
        };
        let nonce = Uuid::new_v4().to_string();
        let id = TicketId::for_active_message(bot, channel, &number, &nonce);
        let Some(draft) = id.and_then(|id| Ticket::for_active_draft(id, self.clock.now())) else {
            return say("active-wrong-number");
        };
        let view = self.build_template_view(&draft, None, texts).await;
        self.slack.open_view(trigger, &view).await?;
        let args = [("number", number.as_str())];
        Ok(home::answer_text(&texts.text("active-choose", &args)))
    }

    /// Shows somebody their home tab, now and while they may be looking.
    pub(crate) fn open_home_tab(&self, user: &SlackUserId) {
        let opened = self.clock.now();
        let mut shown =
            self.homes.0.entry(user.clone()).or_insert(ShownHomeTab { opened, content: None });
        shown.opened = opened;
        drop(shown);
        let (dialogs, user) = (self.clone(), user.clone());
        self.tasks.spawn(async move { dialogs.refresh_home_tab(&user).await });
    }

    /// Keeps home tabs up to date for as long as they are looked at.
    pub(crate) async fn refresh_home_tabs(self) {
        loop {
            self.clock.sleep_until(self.clock.now() + HOME_TAB_REFRESH_INTERVAL).await;
            let now = self.clock.now();
            if !self.last_words.is_empty() {
                self.forget_old_words().await;
            }
            self.homes.0.retain(|_, shown| now.duration_since(shown.opened) < HOME_TAB_LIFETIME);
            let users: Vec<_> = self.homes.0.iter().map(|home| home.key().clone()).collect();
            for user in users {
                self.refresh_home_tab(&user).await;
            }
        }
    }

    /// Forgets what was said in tickets that are over or were erased.
    async fn forget_old_words(&self) {
        let Ok(open) = self.store.open_tickets().await else { return };
        let threads: HashSet<_> = open.into_iter().filter_map(|ticket| ticket.thread).collect();
        self.last_words.retain(|thread| threads.contains(thread));
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
        describe_look(&view).hash(&mut hasher);
        let content = Some(hasher.finish());
        // Noted before it is done, so that of two who come at once only one does it.
        let before = self.homes.replace_content(user, content);
        if before == content {
            return;
        }
        if let Err(error) = self.slack.publish_home(user, &view).await {
            tracing::warn!(%error, "a home tab could not be shown");
            self.homes.replace_content(user, before);
        }
    }

    async fn build_home_tab(&self, user: &SlackUserId) -> Result<SlackView, Error> {
        let reader = self.load_viewer(&Requester { user: user.clone(), named: Vec::new() }).await;
        let words = &reader.texts;
        let is_agent = self.may_be_agent(user, &reader).await?;
        let is_lead = self.leads.is_lead(user, reader.profile.as_ref()).await;
        if !is_agent && !is_lead {
            return Ok(home::render_closed_tab(words));
        }
        let OpenTickets { mine, waiting, outside } =
            if is_agent { self.list_open_tickets(user).await? } else { OpenTickets::default() };
        let health = self.read_bridge_health(user).await?;
        if !is_lead {
            return Ok(home::render_home_tab(&mine, (&waiting, &outside), &health, words));
        }
        let (overview, longest) = self.leads.read_overview().await?;
        let visible = self.list_visible_tickets(user, longest).await?;
        let overview = LeadBoard::name_longest(overview, visible);
        let lists = HomeLists { mine: &mine, waiting: &waiting, outside: &outside };
        Ok(lead::render_lead_tab(&overview, is_agent.then_some(lists), &health, words))
    }

    /// What somebody holds, and what nobody holds.
    async fn list_open_tickets(&self, user: &SlackUserId) -> Result<OpenTickets, Error> {
        let SeenTickets { rows, outside } =
            self.sort_by_sight(user, self.store.open_tickets().await?).await?;
        let (waiting, held): (Vec<ListedTicket>, Vec<ListedTicket>) =
            rows.into_iter().partition(|row| row.ticket.state == TicketState::Unclaimed);
        let mut mine: Vec<ListedTicket> = held.into_iter().filter(|row| row.is_own).collect();
        // Who waits for an answer comes first, who waits longest before the others.
        mine.sort_by_key(|row| (row.ticket.unanswered.is_none(), row.ticket.unanswered));
        for row in mine.iter_mut().filter(|row| row.ticket.unanswered.is_some()) {
            let count = self.store.count_unanswered(&row.ticket.id).await?;
            let words = row.ticket.thread.as_ref().and_then(|thread| self.last_words.find(thread));
            row.news = Some(TicketNews { count, words });
        }
        Ok(OpenTickets { mine, waiting, outside })
    }

    async fn list_visible_tickets(
        &self,
        user: &SlackUserId,
        tickets: Vec<Ticket>,
    ) -> Result<Vec<ListedTicket>, Error> {
        Ok(self.sort_by_sight(user, tickets).await?.rows)
    }

    /// The tickets in channels that somebody is in, and where others wait. Those in a channel that
    /// Slack will not tell of, such as one that is gone, are left out.
    async fn sort_by_sight(
        &self,
        user: &SlackUserId,
        tickets: Vec<Ticket>,
    ) -> Result<SeenTickets, Error> {
        let since = self.clock.now() - CHANNEL_ABSENCE_LIFETIME;
        let mut channels: HashMap<ChannelId, Option<bool>> = HashMap::new();
        let mut seen = SeenTickets::default();
        for ticket in tickets {
            let Some(thread) = &ticket.thread else { continue };
            let known = channels.get(&thread.channel).copied();
            let is_in = match known {
                Some(is_in) => is_in,
                None => {
                    match members::is_in_channel(&self.slack, &thread.channel, user, since).await {
                        Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                            tracing::warn!(slack.channel = %thread.channel, %error,
                            "tickets are left out of a list");
                            None
                        }
                        is_in => Some(is_in?),
                    }
                }
            };
            channels.insert(thread.channel.clone(), is_in);
            match is_in {
                Some(true) => {
                    let address = self.slack.thread_url(thread);
                    let is_own = ticket.holder().is_some_and(|holder| holder.user == *user);
                    seen.rows.push(ListedTicket { ticket, address, is_own, news: None });
                }
                Some(false) if ticket.state == TicketState::Unclaimed => {
                    seen.count_outside(&thread.channel);
                }
                Some(false) | None => {}
            }
        }
        Ok(seen)
    }

    /// How the bridge is, and how many events are parked in channels that somebody is in.
    async fn read_bridge_health(&self, user: &SlackUserId) -> Result<BridgeHealth, Error> {
        let mut parked = Vec::new();
        for item in self.store.parked_items(None).await? {
            if let Some(id) = Lane::ticket_of(&item.lane) {
                parked.extend(self.store.load_ticket(&id).await?);
            }
        }
        let parked = self.list_visible_tickets(user, parked).await?.len();
        let Readiness { troubles, outages, .. } = (self.readiness)();
        Ok(BridgeHealth { parked, is_degraded: !troubles.is_empty(), outages })
    }
}
