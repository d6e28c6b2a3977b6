//! What can be chosen in the dialogs of a ticket, by the bot that it belongs to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::lists::{ChoiceCache, ListKey};
use crate::blip::{BlipClient, ContactDocument};
use crate::locale::Texts;
use crate::model::{BotName, TagRule, Ticket};
use crate::slack::SlackBlockSuggestionResponse;
use crate::slack::choices::build_options;
use crate::slack::dialog::OptionSearch;
use crate::slack::ids::{ChoiceList, Dialog};

/// How long Blip is asked before a dialog opens without what it knows.
pub(super) const FIRST_VIEW_DEADLINE: Duration = Duration::from_secs(1);

/// The bots and their lists, which are kept for a short while.
pub(crate) struct BotLists {
    pub(crate) bots: HashMap<BotName, Arc<BlipClient>>,
    /// Know the templates of the bots.
    pub(crate) routers: HashMap<BotName, Arc<BlipClient>>,
    pub(crate) lists: ChoiceCache,
    /// Whether a ticket must have a tag before it is closed.
    pub(crate) tag_rule: TagRule,
}

impl BotLists {
    /// The client of a ticket's bot, if the bot is known.
    pub(super) fn bot_of(&self, ticket: &Ticket) -> Option<&Arc<BlipClient>> {
        self.bots.get(ticket.id.bot())
    }

    /// The client that knows a bot's templates, if there is one.
    pub(super) fn router_of(&self, bot: &BotName) -> Option<&Arc<BlipClient>> {
        self.routers.get(bot)
    }

    /// The options of a list as Slack wants them; none if Blip does not tell in time.
    pub(super) async fn search_options(
        &self,
        search: &OptionSearch,
        team: Option<&str>,
        texts: &Texts,
    ) -> SlackBlockSuggestionResponse {
        let clients = if search.list == ChoiceList::Templates { &self.routers } else { &self.bots };
        // An empty list and not an error: Slack shows an error of its own then, which helps nobody.
        let Some(bot) = clients.get(search.ticket.bot()) else { return build_options(&[], "") };
        let groups = self.lists.list_choices(bot, ListKey::new(search.list, team), texts).await;
        build_options(&groups, &search.query)
    }

    /// Whether a ticket must have a tag before it is closed, as far as Blip tells in time.
    pub(super) async fn is_tag_needed(&self, ticket: &Ticket) -> bool {
        match self.bot_of(ticket) {
            Some(bot) => {
                let rule = (self.tag_rule, ticket.team.as_deref());
                self.lists.is_tag_needed(bot, rule, FIRST_VIEW_DEADLINE).await
            }
            None => false,
        }
    }

    /// Has the list read from which somebody is about to choose.
    pub(super) fn preload_list(&self, dialog: &Dialog, ticket: &Ticket) {
        let list = match dialog {
            Dialog::Close | Dialog::Tags => ChoiceList::Tags,
            Dialog::Transfer => ChoiceList::Destinations,
            Dialog::Reply(None) => ChoiceList::Replies,
            Dialog::Reply(Some(_))
            | Dialog::Template(_)
            | Dialog::Compose(_)
            | Dialog::History
            | Dialog::Details
            | Dialog::Contact
            | Dialog::Comment(_) => return,
        };
        if let Some(bot) = self.bot_of(ticket) {
            self.lists.preload_list(bot, ListKey::new(list, ticket.team.as_deref()));
        }
    }

    /// A customer's contact; none if Blip has none, or does not tell in time.
    pub(super) async fn fetch_contact(
        &self,
        ticket: &Ticket,
        patience: Duration,
    ) -> Option<ContactDocument> {
        let bot = self.bot_of(ticket)?;
        if ticket.customer.identity.is_empty() {
            return None;
        }
        let asked = bot.contacts.fetch_contact(&ticket.customer.identity);
        tokio::time::timeout(patience, asked).await.ok()?.ok()?
    }
}
