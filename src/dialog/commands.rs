//! Answers to `/blip`, for the eyes of who typed it only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::error::Error;
use super::home_tabs::BridgeStatus;
use super::switches::Switches;
use super::templates::TemplateDialogs;
use super::viewer::{Viewer, Viewers};
use super::visible_tickets::{OpenTickets, VisibleTickets};
use crate::locale::Texts;
use crate::model::active::{ActiveRoute, parse_number};
use crate::model::customer_key::list_search_forms;
use crate::model::{BotName, PersonalSwitch, SlackUserId, Ticket, TicketId};
use crate::slack::command::{CommandAction, SlashCommand};
use crate::slack::{SlackCommandEventResponse, home};

/// How long a command may take, of the 3 s in which Slack wants an answer.
const COMMAND_DEADLINE: Duration = Duration::from_millis(2500);
/// Most tickets that a search finds.
const MAX_FOUND_TICKETS: u32 = 10;

pub(crate) struct Commands {
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) visible: Arc<VisibleTickets>,
    pub(crate) status: Arc<BridgeStatus>,
    pub(crate) templates: Arc<TemplateDialogs>,
    pub(crate) switches: Arc<Switches>,
    /// Where answers to active messages enter the bots for which they can be sent.
    pub(crate) routes: HashMap<BotName, ActiveRoute>,
}

impl Commands {
    /// The answer to a command, for the one who typed it.
    pub(crate) async fn answer_command(&self, command: &SlashCommand) -> SlackCommandEventResponse {
        let reader = self.viewers.load_viewer(&command.by).await;
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
        reader: &Viewer,
    ) -> Result<SlackCommandEventResponse, Error> {
        let (user, words) = (&command.by.user, &reader.texts);
        if !self.viewers.may_be_agent(user, reader).await? {
            return Ok(home::answer_text(&words.text("ask-not-agent-move", &[])));
        }
        Ok(match &command.wanted {
            CommandAction::Mine => {
                home::answer_mine(&self.visible.list_open_tickets(user).await?.mine, words)
            }
            CommandAction::Waiting => {
                let OpenTickets { waiting, outside, .. } =
                    self.visible.list_open_tickets(user).await?;
                home::answer_waiting(&waiting, &outside, words)
            }
            CommandAction::Find(text) => {
                // People type the number as the card shows it, of a ticket or of a customer.
                let found = self.find_tickets(text.trim_start_matches(['#', '+'])).await?;
                home::answer_found(&self.visible.list_visible_tickets(user, found).await?, words)
            }
            CommandAction::Status => {
                let open = self
                    .visible
                    .list_visible_tickets(user, self.visible.store.open_tickets().await?)
                    .await?;
                let unclaimed = open.iter().filter(|row| row.ticket.holder().is_none()).count();
                let own = self.switches.read_all(user).await?;
                let health = self.status.read_bridge_health(user).await?;
                home::answer_status((open.len(), unclaimed), &own, &health, words)
            }
            CommandAction::Pause => self.set_pause(user, reader, true).await?,
            CommandAction::Resume => self.set_pause(user, reader, false).await?,
            CommandAction::New(rest) => self.ask_active_message(command, rest, words).await?,
            CommandAction::Help => home::answer_help(!self.routes.is_empty(), words),
        })
    }

    /// The newest tickets that somebody looks for by a number, of a ticket or of a customer, or by a name.
    async fn find_tickets(&self, text: &str) -> Result<Vec<Ticket>, Error> {
        let mut found: Vec<Ticket> = Vec::new();
        for form in list_search_forms(text) {
            for ticket in self.visible.store.find_tickets(&form, MAX_FOUND_TICKETS).await? {
                if found.iter().all(|known| known.id != ticket.id) {
                    found.push(ticket);
                }
            }
        }
        found.sort_by_key(|ticket| std::cmp::Reverse(ticket.opened));
        found.truncate(MAX_FOUND_TICKETS as usize);
        Ok(found)
    }

    /// Begins or ends somebody's break, and says so.
    async fn set_pause(
        &self,
        user: &SlackUserId,
        reader: &Viewer,
        is_on: bool,
    ) -> Result<SlackCommandEventResponse, Error> {
        self.switches.set_switch(user, PersonalSwitch::Pause, is_on).await?;
        let key = if is_on { "pause-begun" } else { "pause-over" };
        Ok(home::answer_text(&reader.texts.text(key, &[])))
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
        // Two active messages to one number are two, even from one channel.
        let nonce = Uuid::new_v4().to_string();
        let id = TicketId::for_active_message(bot, channel, &number, &nonce);
        let Some(draft) = id.and_then(|id| Ticket::for_active_draft(id, self.viewers.clock.now()))
        else {
            return say("active-wrong-number");
        };
        let view = self.templates.build_template_view(&draft, None, texts).await;
        self.viewers.slack.open_view(trigger, &view).await?;
        let args = [("number", number.as_str())];
        Ok(home::answer_text(&texts.text("active-choose", &args)))
    }
}
