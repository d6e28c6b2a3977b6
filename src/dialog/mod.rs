//! What people are answered on the spot: dialogs and the options of their lists, commands, home
//! tabs.
//!
//! Slack wants an answer within 3 s, so nothing here waits for long: what the store knows is shown
//! at once, and what only Blip knows gets a short time; if that is not enough the dialog opens
//! empty and is filled in later. Nothing changes here: what is filled in comes back as an event.

mod lists;
mod overview;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::blip::parse::{Direction, ThreadMessage};
use crate::clock::Clock;
use crate::locale::Words;
use crate::model::{BotName, Content, Failure, Readiness, SlackUserId, Ticket, TicketId, canned};
use crate::slack::compose::{self, Drafted};
use crate::slack::dialog::{About, Asked, Dialog, List, Place, Search, options};
use crate::slack::workspace::Asker;
use crate::slack::{Profile, Standing, modal};
use crate::store::SharedStore;
use crate::{blip, slack, store};

pub use lists::Lists;
pub use overview::Homes;

/// How long opening a dialog may take altogether: Slack waits for 3 s.
const ANSWER: Duration = Duration::from_millis(2700);
/// How long Slack is asked who somebody is, of the 3 s that a trigger lives.
const WHO: Duration = Duration::from_millis(800);
/// How long a ticket is waited for whose card is still on its way.
const KNOWN: Duration = Duration::from_secs(1);
/// How soon it is looked for again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long Blip is asked before a dialog opens without what it knows.
const SOON: Duration = Duration::from_secs(1);
/// How long Blip is asked for what an open dialog waits for.
const LATER: Duration = Duration::from_secs(15);
/// Most earlier tickets that a dialog lists.
const MOST_EARLIER: u32 = 10;

/// Answers on the spot.
#[derive(Clone)]
pub struct Dialogs {
    /// The memory; only read.
    pub store: SharedStore,
    /// Opens dialogs.
    pub slack: Arc<slack::Client>,
    /// Knows the lists.
    pub bots: HashMap<BotName, Arc<blip::Client>>,
    /// What people read.
    pub words: Words,
    /// The user group whose members are agents; all full members if there is none.
    pub agent_group: Option<String>,
    /// The lists, for a short while.
    pub lists: Lists,
    /// The home tabs that were opened lately.
    pub homes: Homes,
    /// How the bridge is at the moment.
    pub readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The time.
    pub clock: Clock,
    /// On which work goes on after the answer.
    pub tasks: TaskTracker,
}

/// Why a dialog could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Slack did not open it.
    #[error(transparent)]
    Slack(#[from] slack::Error),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Slack did not tell in time who asks.
    #[error("slack did not tell in time who asks")]
    Unknown,
}

/// Who asks.
struct Reader {
    profile: Option<Profile>,
    words: Words,
}

impl Dialogs {
    /// Opens the dialog that somebody asks for, or one that says why not; if it is only for now
    /// that Slack opens none, they are told to ask again.
    ///
    /// Returns whether Slack opens dialogs at all.
    pub async fn open(&self, asked: &Asked) -> bool {
        match tokio::time::timeout(ANSWER, self.try_to_open(asked)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(dialog = asked.dialog.name(), %error, "a dialog could not be opened");
                let is_for_now = match &error {
                    Error::Slack(error) => error.is_about_trigger() || !error.tells_nothing(),
                    Error::Unknown | Error::Store(_) => true,
                };
                if is_for_now {
                    self.ask_again(asked).await;
                }
                is_for_now
            }
            Err(_) => {
                tracing::warn!(dialog = asked.dialog.name(), "a dialog may have opened too late");
                true
            }
        }
    }

    async fn ask_again(&self, asked: &Asked) {
        let Some(url) = &asked.response_url else { return };
        let text = self.reader(&asked.by).await.words.say("ask-again", &[]);
        if let Err(error) = self.slack.respond(url, false, &text, &[]).await {
            tracing::warn!(dialog = asked.dialog.name(), %error, "its asker could not be told");
        }
    }

    /// What comes of the first page of a dialog that has two.
    pub async fn second_page(&self, drafted: &Drafted) -> Value {
        let reader = self.reader(&drafted.by).await;
        let standing = self.standing_in(&drafted.by.user, &reader, &drafted.ticket).await;
        // Who is not known is looked up again before anything is sent.
        match standing.and_then(Standing::refusal) {
            Some(key) => {
                let notice = modal::notice(&reader.words.say(key, &[]), &reader.words);
                json!({"response_action": "update", "view": notice})
            }
            None => compose::answer(drafted, &reader.words),
        }
    }

    /// The options of a list as Slack wants them; none if Blip does not tell in time, or for who is
    /// not known to be an agent.
    pub async fn options(&self, search: &Search) -> Value {
        let Some(bot) = self.bots.get(search.ticket.bot()) else { return options(&[], "") };
        let reader = self.reader(&search.by).await;
        let standing = self.standing_in(&search.by.user, &reader, &search.ticket).await;
        if !standing.is_some_and(Standing::is_agent) {
            return options(&[], "");
        }
        let groups = self.lists.choices(bot, search.list, &reader.words).await;
        options(&groups, &search.query)
    }

    async fn try_to_open(&self, asked: &Asked) -> Result<(), Error> {
        let reader = self.reader(&asked.by).await;
        let ticket = self.ticket(&asked.about).await?;
        let Some(ticket) = ticket else {
            return self.show_notice(asked, &reader, "ask-no-ticket").await;
        };
        if let Some(obstacle) = self.obstacle(asked, &reader, &ticket).await {
            return self.show_notice(asked, &reader, obstacle).await;
        }
        self.warm_list(&asked.dialog, &ticket);
        let words = &reader.words;
        match &asked.dialog {
            Dialog::Close => self.show(asked, &modal::close(&ticket, words)).await,
            Dialog::Transfer => self.show(asked, &modal::transfer(&ticket, words)).await,
            Dialog::Tags => self.show(asked, &modal::tags(&ticket, words)).await,
            Dialog::Reply(None) => self.show(asked, &modal::reply(&ticket, None, words)).await,
            Dialog::Reply(Some(id)) => {
                let view = self.preview(&ticket, &reader, id).await;
                self.show(asked, &view).await
            }
            Dialog::Compose(kind) => self.show(asked, &compose::form(&ticket, *kind, words)).await,
            Dialog::History | Dialog::Details => self.show_or_fill_in(asked, ticket, reader).await,
        }
    }

    /// Has the list read from which somebody is about to choose.
    fn warm_list(&self, dialog: &Dialog, ticket: &Ticket) {
        let list = match dialog {
            Dialog::Close | Dialog::Tags => List::Tags,
            Dialog::Transfer => List::Destinations,
            Dialog::Reply(None) => List::Replies,
            Dialog::Reply(Some(_)) | Dialog::Compose(_) | Dialog::History | Dialog::Details => {
                return;
            }
        };
        if let Some(bot) = self.bots.get(ticket.id.bot()) {
            self.lists.warm(bot, list);
        }
    }

    /// The ticket that something is about. A quick hand may be faster than Slack's answer to our
    /// own post: then the ticket becomes known in a moment.
    async fn ticket(&self, about: &About) -> Result<Option<Ticket>, Error> {
        let asked = self.clock.now();
        loop {
            let (found, may_come) = match about {
                About::Ticket(id) => (self.store.ticket(id).await?, true),
                About::Message(channel, ts) => {
                    // Asked first: what is posted meanwhile is then found.
                    let is_posting = self.store.is_posting(channel, asked).await?;
                    match self.store.linked(channel, ts).await? {
                        Some(link) => (self.store.ticket(&link.ticket).await?, true),
                        None => (None, is_posting),
                    }
                }
            };
            let now = self.clock.now();
            if found.is_some() || !may_come || now > asked + KNOWN {
                return Ok(found);
            }
            self.clock.sleep_until(now + AGAIN).await;
        }
    }

    /// Why somebody may not have a dialog, as a text's key.
    async fn obstacle(
        &self,
        asked: &Asked,
        reader: &Reader,
        ticket: &Ticket,
    ) -> Option<&'static str> {
        let changes = !matches!(asked.dialog, Dialog::History | Dialog::Details);
        match self.standing(&asked.by.user, reader, ticket).await {
            Some(standing) if !standing.is_agent() => standing.refusal(),
            // Who is not known is looked up again before anything changes, but shown nothing.
            None if !changes || matches!(asked.dialog, Dialog::Reply(Some(_))) => {
                Some("home-unavailable")
            }
            _ if changes && ticket.is_closed() => Some("ask-closed"),
            _ => None,
        }
    }

    /// Whether somebody may answer a ticket's customer; `None` if Slack does not tell in time.
    async fn standing(
        &self,
        user: &SlackUserId,
        reader: &Reader,
        ticket: &Ticket,
    ) -> Option<Standing> {
        let (profile, thread) = (reader.profile.as_ref()?, ticket.thread.as_ref()?);
        let (group, now) = (self.agent_group.as_deref(), self.clock.now());
        let asked = self.slack.standing((user, profile), &thread.channel, group, now);
        match tokio::time::timeout(WHO, asked).await {
            Ok(Ok(standing)) => Some(standing),
            Ok(Err(error)) => {
                tracing::warn!(%error, "whether somebody is an agent could not be found out");
                None
            }
            Err(_) => None,
        }
    }

    /// The same for a ticket by its id.
    async fn standing_in(
        &self,
        user: &SlackUserId,
        reader: &Reader,
        ticket: &TicketId,
    ) -> Option<Standing> {
        match self.store.ticket(ticket).await {
            Ok(ticket) => self.standing(user, reader, &ticket?).await,
            Err(error) => {
                tracing::warn!(ticket.id = %ticket, %error, "a ticket could not be read");
                None
            }
        }
    }

    /// Whether somebody may answer customers at all.
    async fn may_be_agent(&self, user: &SlackUserId, reader: &Reader) -> Result<bool, Error> {
        let Some(profile) = &reader.profile else { return Err(Error::Unknown) };
        let group = self.agent_group.as_deref();
        Ok(self.slack.may_be_agent(user, profile, group).await?)
    }

    async fn show_notice(&self, asked: &Asked, reader: &Reader, key: &str) -> Result<(), Error> {
        let text = reader.words.say(key, &[]);
        self.show(asked, &modal::notice(&text, &reader.words)).await
    }

    async fn show(&self, asked: &Asked, view: &Value) -> Result<(), Error> {
        match &asked.place {
            Place::New(trigger) => self.slack.open_view(trigger, view).await.map(drop)?,
            Place::Over(open) => self.slack.update_view(open, view).await?,
        }
        Ok(())
    }

    /// Shows what is read from Blip, at once if Blip is quick.
    async fn show_or_fill_in(
        &self,
        asked: &Asked,
        ticket: Ticket,
        reader: Reader,
    ) -> Result<(), Error> {
        let (title, place) = match (&asked.dialog, &asked.place) {
            (Dialog::Details, place) => ("dialog-details", place),
            (_, place) => ("dialog-history", place),
        };
        let words = reader.words.clone();
        let (dialogs, dialog) = (self.clone(), asked.dialog.clone());
        let mut page = Box::pin(async move { dialogs.page(&dialog, &ticket, &reader).await });
        if let Ok(view) = tokio::time::timeout(SOON, &mut page).await {
            return self.show(asked, &view?).await;
        }
        let loading = modal::loading(title, &words);
        let open = match place {
            Place::New(trigger) => self.slack.open_view(trigger, &loading).await?,
            Place::Over(open) => open.clone(),
        };
        let slack = Arc::clone(&self.slack);
        self.tasks.spawn(async move {
            let filled = match page.await {
                Ok(view) => slack.update_view(&open, &view).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            if let Err(error) = filled {
                tracing::warn!(%error, "an open dialog could not be filled in");
            }
        });
        Ok(())
    }

    async fn page(
        &self,
        dialog: &Dialog,
        ticket: &Ticket,
        reader: &Reader,
    ) -> Result<Value, Error> {
        if *dialog == Dialog::Details {
            let mut facts = modal::facts(ticket, &reader.words);
            facts.extend(self.contact_facts(ticket, &reader.words).await);
            return Ok(modal::details(&facts, &reader.words));
        }
        let earlier = self.store.tickets_of(&ticket.customer.identity, &ticket.id, MOST_EARLIER);
        let linked = |ticket: Ticket| {
            let link = ticket.thread.as_ref().and_then(|thread| self.slack.address(thread));
            (ticket, link)
        };
        let earlier: Vec<_> = earlier.await?.into_iter().map(linked).collect();
        let said = self.transcript(ticket).await;
        Ok(modal::history(&earlier, said.as_deref(), &reader.words))
    }

    /// What was said, oldest first; nothing if Blip does not tell.
    async fn transcript(&self, ticket: &Ticket) -> Option<Vec<(bool, Content)>> {
        let bot = self.bots.get(ticket.id.bot())?;
        match tokio::time::timeout(LATER, bot.messages(&ticket.id)).await {
            Ok(Ok(mut messages)) => {
                messages.sort_by_key(|message| message.date);
                let said = |message: ThreadMessage| {
                    (message.direction == Direction::Received, message.content)
                };
                Some(messages.into_iter().map(said).collect())
            }
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket.id, %error, "a history goes without its words");
                None
            }
            Err(_) => None,
        }
    }

    async fn contact_facts(&self, ticket: &Ticket, words: &Words) -> Vec<(String, String)> {
        let contact = self.contact(ticket, LATER).await.unwrap_or_default();
        let fields = [
            ("details-phone", "phoneNumber"),
            ("details-email", "email"),
            ("details-city", "city"),
        ];
        let fact = |(label, field): (&str, &str)| {
            let value = contact.get(field)?.as_str().filter(|value| !value.trim().is_empty())?;
            Some((words.say(label, &[]), value.to_owned()))
        };
        fields.into_iter().filter_map(fact).collect()
    }

    async fn contact(&self, ticket: &Ticket, patience: Duration) -> Option<Value> {
        let bot = self.bots.get(ticket.id.bot())?;
        if ticket.customer.identity.is_empty() {
            return None;
        }
        let asked = bot.contact(&ticket.customer.identity);
        tokio::time::timeout(patience, asked).await.ok()?.ok()?
    }

    /// A canned reply as the customer will read it.
    async fn preview(&self, ticket: &Ticket, reader: &Reader, id: &str) -> Value {
        let (reply, contact) = tokio::join!(
            async { self.lists.reply(self.bots.get(ticket.id.bot())?, id).await },
            self.contact(ticket, SOON),
        );
        let Some(reply) = reply else {
            return modal::reply(ticket, None, &reader.words);
        };
        let contact = contact.unwrap_or_default();
        let agent = reader.profile.clone().unwrap_or_default();
        let text = canned::fill(&reply.text, |name| value(name, &contact, ticket, &agent));
        modal::reply(ticket, Some((id, &text)), &reader.words)
    }

    async fn reader(&self, by: &Asker) -> Reader {
        let asked = tokio::time::timeout(WHO, self.slack.profile(&by.user)).await;
        let mut profile = asked.ok().and_then(Result::ok);
        if let Some(profile) = &mut profile {
            profile.workspaces.add_named(&by.named);
        }
        let locale = profile.as_ref().and_then(|profile| profile.locale.as_deref());
        Reader { words: self.words.read_by(locale), profile }
    }
}

/// The value of a variable of a canned reply.
fn value(name: &str, contact: &Value, ticket: &Ticket, agent: &Profile) -> Option<String> {
    let (whose, field) = name.split_once('.')?;
    match (whose.to_ascii_lowercase().as_str(), field) {
        ("contact" | "customer", "name") => {
            let name = contact.get("name").and_then(Value::as_str).map(str::to_owned);
            name.or_else(|| ticket.customer.name.clone())
        }
        ("contact" | "customer", field) => {
            let pointer = format!("/{}", field.replace('.', "/"));
            contact.pointer(&pointer)?.as_str().map(str::to_owned)
        }
        ("agent" | "attendant", "fullName" | "name") => Some(agent.name.clone()),
        ("agent" | "attendant", "email") => agent.email.clone(),
        ("ticket", "sequentialId" | "number") => ticket.number.map(|number| number.to_string()),
        ("ticket", "team") => ticket.team.clone(),
        _ => None,
    }
}
