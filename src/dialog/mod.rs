//! What people are answered on the spot: dialogs and the options of their lists, commands, home
//! tabs.
//!
//! Slack wants an answer within 3 s, so nothing here waits for long: what the store knows is shown
//! at once, and what only Blip knows gets a short time; if that is not enough the dialog opens
//! empty and is filled in later. Nothing changes here: what is filled in comes back as an event.

mod lead;
mod lists;
mod overview;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use crate::blip::ContactDocument;
use crate::blip::client::CannedBody;
use crate::blip::offer;
use crate::blip::parse::{self, ThreadMessage};
use crate::blip::text::{self, MentionNames, StyleMarks};
use crate::clock::Clock;
use crate::locale::Texts;
use crate::model::active::ActiveRoute;
use crate::model::personal::{self, NumberKind};
use crate::model::{
    Agent, BotName, ContactComment, ContactField, Failure, Offer, Readiness, SaidMessage,
    SlackUserId, Speaker, TagRule, Ticket, TicketId, canned,
};
use crate::slack::choices::build_options;
use crate::slack::compose;
use crate::slack::contact::{self, ContactValue, contact_label};
use crate::slack::dialog::{
    DialogRequest, DialogSubject, FarewellDraft, OfferDraft, OptionSearch, TemplateDraft,
    ViewTarget,
};
use crate::slack::ids::{ChoiceList, Dialog};
use crate::slack::last_words::LastWords;
use crate::slack::modal::TicketFact;
use crate::slack::render::AgentNames;
use crate::slack::requester::Requester;
use crate::slack::{
    AgentStatus, Profile, SlackBlockSuggestionResponse, SlackView, SlackViewSubmissionResponse,
    modal, render, template,
};
use crate::slack::{directory, members, mrkdwn};
use crate::store::SharedStore;
use crate::{blip, slack, store};

pub(crate) use lead::LeadBoard;
pub(crate) use lists::ChoiceCache;
use lists::TemplateStock;
pub(crate) use overview::HomeTabs;

/// How long opening a dialog may take altogether: Slack waits for 3 s.
const SLACK_DIALOG_DEADLINE: Duration = Duration::from_millis(2700);
/// How long Slack is asked who somebody is, of the 3 s that a trigger lives.
const PROFILE_DEADLINE: Duration = Duration::from_millis(800);
/// How long a ticket is waited for whose card is still on its way.
const TICKET_WAIT: Duration = Duration::from_secs(1);
/// How soon it is looked for again.
const TICKET_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long Blip is asked before a dialog opens without what it knows.
const FIRST_VIEW_DEADLINE: Duration = Duration::from_secs(1);
/// How long Blip is asked for what an open dialog waits for.
const FILLED_VIEW_DEADLINE: Duration = Duration::from_secs(15);
/// Most earlier tickets that a dialog lists.
const MAX_EARLIER_TICKETS: u32 = 10;
/// Most entries of the team's own in a contact that are shown.
const MAX_SHOWN_EXTRAS: usize = 30;

/// Answers on the spot.
#[derive(Clone)]
pub(crate) struct Dialogs {
    /// The memory; only read.
    pub(crate) store: SharedStore,
    /// Opens dialogs.
    pub(crate) slack: Arc<slack::SlackClient>,
    /// Knows the lists.
    pub(crate) bots: HashMap<BotName, Arc<blip::BlipClient>>,
    /// Know the templates of the bots.
    pub(crate) routers: HashMap<BotName, Arc<blip::BlipClient>>,
    /// Where answers to active messages enter the bots for which they can be sent.
    pub(crate) routes: HashMap<BotName, ActiveRoute>,
    /// What people read.
    pub(crate) texts: Texts,
    /// The user group whose members are agents; all full members if there is none.
    pub(crate) agent_group: Option<String>,
    /// Whether a ticket must have a tag before it is closed.
    pub(crate) tag_rule: TagRule,
    /// Whether others than its holder may answer a ticket without being asked.
    pub(crate) anyone_may_reply: bool,
    /// How a message begins that stays in Slack.
    pub(crate) note_prefix: String,
    /// Which numbers nobody reads in Slack.
    pub(crate) masked: Vec<NumberKind>,
    /// The lists, for a short while.
    pub(crate) lists: ChoiceCache,
    /// What customers said last.
    pub(crate) last_words: Arc<LastWords>,
    /// The home tabs that were opened lately.
    pub(crate) homes: HomeTabs,
    /// How the team does, for who leads it.
    pub(crate) leads: LeadBoard,
    /// How the bridge is at the moment.
    pub(crate) readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The time.
    pub(crate) clock: Clock,
    /// On which work goes on after the answer.
    pub(crate) tasks: TaskTracker,
}

/// Why a dialog could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
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
struct DialogViewer {
    profile: Option<Profile>,
    texts: Texts,
}

impl Dialogs {
    /// Opens the dialog that somebody asks for, or one that says why not; if it is only for now
    /// that Slack opens none, they are told to ask again.
    ///
    /// Returns whether Slack opens dialogs at all.
    #[tracing::instrument(level = "error", name = "open_dialog", skip_all)]
    pub(crate) async fn open_dialog(&self, asked: &DialogRequest) -> bool {
        match tokio::time::timeout(SLACK_DIALOG_DEADLINE, self.try_open_dialog(asked)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(dialog = asked.dialog.name(), %error, "a dialog could not be opened");
                let is_for_now = match &error {
                    Error::Slack(error) => {
                        error.is_expired_trigger() || !error.is_lookup_impossible()
                    }
                    Error::Unknown | Error::Store(_) => true,
                };
                if is_for_now {
                    self.suggest_retry(asked).await;
                }
                is_for_now
            }
            Err(_) => {
                tracing::warn!(dialog = asked.dialog.name(), "a dialog may have opened too late");
                true
            }
        }
    }

    async fn suggest_retry(&self, asked: &DialogRequest) {
        let Some(url) = &asked.response_url else { return };
        let text = self.load_viewer(&asked.by).await.texts.text("ask-again", &[]);
        if let Err(error) = self.slack.respond_to_action(url, false, &text, &[]).await {
            tracing::warn!(dialog = asked.dialog.name(), %error, "its asker could not be told");
        }
    }

    /// What comes of the first page of a dialog that has two.
    pub(crate) async fn build_second_page(
        &self,
        drafted: &OfferDraft,
    ) -> SlackViewSubmissionResponse {
        let reader = self.load_viewer(&drafted.by).await;
        if let Some(refusal) = self.refuse_draft(&drafted.by, &reader, &drafted.ticket).await {
            return refusal;
        }
        if let Some(ticket) = self.find_late_ticket(&drafted.ticket).await {
            let offer = self.template_offer(&ticket);
            let notice = modal::build_window_closed_view("dialog-compose", offer, &reader.texts);
            return compose::replace_view(notice);
        }
        let holder = self.find_other_holder(&drafted.ticket, &drafted.by.user).await;
        let drafted_offer = (&drafted.offer, holder.as_deref());
        compose::answer_draft(&drafted.ticket, drafted_offer, &reader.texts)
    }

    /// What comes of a first page by somebody who may not send. Who is not known is looked up again
    /// before anything is sent.
    async fn refuse_draft(
        &self,
        by: &Requester,
        reader: &DialogViewer,
        ticket: &TicketId,
    ) -> Option<SlackViewSubmissionResponse> {
        let standing = self.check_status_by_ticket_id(&by.user, reader, ticket).await;
        let key = standing.and_then(AgentStatus::refusal_key)?;
        let notice = modal::build_notice(&reader.texts.text(key, &[]), &reader.texts);
        Some(compose::replace_view(notice))
    }

    /// What comes of a template whose variables are filled in: how the customer will read it.
    pub(crate) async fn preview_template(
        &self,
        drafted: &TemplateDraft,
    ) -> SlackViewSubmissionResponse {
        let reader = self.load_viewer(&drafted.by).await;
        if let Some(refusal) = self.refuse_draft(&drafted.by, &reader, &drafted.ticket).await {
            return refusal;
        }
        let chosen = match self.routers.get(drafted.ticket.bot()) {
            Some(router) => self.lists.find_template(router, &drafted.template).await,
            None => None,
        };
        match chosen {
            Some(chosen)
                if drafted.ticket.active_target().is_some() && !chosen.has_only_places() =>
            {
                template::refuse_choice("active-wrong-template", &reader.texts)
            }
            Some(chosen) => template::answer_template_draft(
                &drafted.ticket,
                &chosen,
                &drafted.typed,
                &reader.texts,
            ),
            None => template::refuse_choice("templates-gone", &reader.texts),
        }
    }

    /// The ticket to which templates can be sent, if they can.
    fn template_offer<'a>(&self, ticket: &'a Ticket) -> Option<&'a TicketId> {
        let has_router = self.routers.contains_key(ticket.id.bot());
        (has_router && ticket.customer.whatsapp_identity().is_some()).then_some(&ticket.id)
    }

    /// Asks for a template, or says why none can be sent.
    async fn build_template_view(
        &self,
        ticket: &Ticket,
        chosen: Option<&str>,
        texts: &Texts,
    ) -> SlackView {
        let notice = |key: &str| modal::build_notice(&texts.text(key, &[]), texts);
        let Some(router) = self.routers.get(ticket.id.bot()) else {
            return notice("templates-no-key");
        };
        if ticket.customer.whatsapp_identity().is_none() {
            return notice("templates-no-whatsapp");
        }
        let Some(id) = chosen else {
            return match self.lists.count_templates(router, FIRST_VIEW_DEADLINE).await {
                TemplateStock::Some => template::build_template_dialog(ticket, None, texts),
                TemplateStock::None => notice("templates-none"),
                TemplateStock::Unknown => notice("templates-unavailable"),
            };
        };
        let found = self.lists.find_template(router, id).await;
        template::build_template_dialog(ticket, found.as_ref(), texts)
    }

    /// Asks whether a ticket is to be closed without a farewell, if it is too late for one: the
    /// window may have closed while it was written. Nothing to ask otherwise.
    pub(crate) async fn ask_about_farewell(
        &self,
        farewell: &FarewellDraft,
    ) -> Option<SlackViewSubmissionResponse> {
        let mut ticket = self.find_late_ticket(&farewell.ticket).await?;
        ticket.tags.clone_from(&farewell.tags);
        let texts = self.load_viewer(&farewell.by).await.texts;
        let is_tag_needed = self.is_tag_needed(&ticket).await;
        let words = Some(farewell.words.as_str());
        let view = modal::build_close_without_farewell(&ticket, words, is_tag_needed, &texts);
        Some(compose::replace_view(view))
    }

    /// A ticket whose customer cannot be written to any more. One that cannot be read now is looked
    /// at again before anything is sent.
    async fn find_late_ticket(&self, id: &TicketId) -> Option<Ticket> {
        let ticket = self.store.load_ticket(id).await.ok().flatten()?;
        (!ticket.is_closed() && ticket.is_window_closed(self.clock.now())).then_some(ticket)
    }

    /// Who else holds a ticket, where that keeps somebody from writing to its customer.
    async fn find_other_holder(&self, id: &TicketId, user: &SlackUserId) -> Option<String> {
        let ticket = self.store.load_ticket(id).await.ok().flatten()?;
        let holder = ticket.holder().filter(|holder| holder.user != *user)?;
        (!self.anyone_may_reply).then(|| holder.name.clone())
    }

    /// The options of a list as Slack wants them; none if Blip does not tell in time, or for who is
    /// not known to be an agent.
    #[tracing::instrument(level = "error", name = "search_options", skip_all)]
    pub(crate) async fn search_options(
        &self,
        search: &OptionSearch,
    ) -> SlackBlockSuggestionResponse {
        let clients = if search.list == ChoiceList::Templates { &self.routers } else { &self.bots };
        let Some(bot) = clients.get(search.ticket.bot()) else { return build_options(&[], "") };
        let reader = self.load_viewer(&search.by).await;
        let standing =
            self.check_status_by_ticket_id(&search.by.user, &reader, &search.ticket).await;
        if !standing.is_some_and(AgentStatus::is_agent) {
            return build_options(&[], "");
        }
        let groups = self.lists.list_choices(bot, search.list, &reader.texts).await;
        build_options(&groups, &search.query)
    }

    async fn try_open_dialog(&self, asked: &DialogRequest) -> Result<(), Error> {
        let reader = self.load_viewer(&asked.by).await;
        let ticket = self.find_ticket(&asked.about).await?;
        let Some(ticket) = ticket else {
            return self.show_notice(asked, &reader, "ask-no-ticket").await;
        };
        if let Some(obstacle) = self.find_obstacle(asked, &reader, &ticket).await {
            return self.show_notice(asked, &reader, obstacle).await;
        }
        self.preload_list(&asked.dialog, &ticket);
        let words = &reader.texts;
        let is_late = ticket.is_window_closed(self.clock.now());
        let view = match &asked.dialog {
            Dialog::Close => {
                let is_tag_needed = self.is_tag_needed(&ticket).await;
                if is_late {
                    modal::build_close_without_farewell(&ticket, None, is_tag_needed, words)
                } else {
                    modal::build_close_dialog(&ticket, is_tag_needed, words)
                }
            }
            Dialog::Reply(_) if is_late => {
                let offer = self.template_offer(&ticket);
                let view = modal::build_window_closed_view("dialog-reply", offer, words);
                return self.show_view(asked, &view).await;
            }
            Dialog::Compose(_) if is_late => {
                let offer = self.template_offer(&ticket);
                let view = modal::build_window_closed_view("dialog-compose", offer, words);
                return self.show_view(asked, &view).await;
            }
            Dialog::Template(chosen) => {
                let view = self.build_template_view(&ticket, chosen.as_deref(), words).await;
                return self.show_view(asked, &view).await;
            }
            Dialog::Transfer => modal::build_transfer_dialog(&ticket, words),
            Dialog::Tags => modal::build_tags_dialog(&ticket, words),
            Dialog::Reply(None) => modal::build_reply_dialog(&ticket, None, words),
            Dialog::Reply(Some(id)) => self.preview_reply(&ticket, &reader, id).await,
            Dialog::Compose(kind) => compose::build_offer_form(&ticket, *kind, words),
            Dialog::Comment(written) => {
                let written = written.as_deref().map(|written| self.read_note(written));
                let view = contact::build_comment_dialog(&ticket, written.as_deref(), words);
                return self.show_view(asked, &view).await;
            }
            Dialog::History | Dialog::Details | Dialog::Contact => {
                return self.show_or_update_view(asked, ticket, reader).await;
            }
        };
        let view = self.say_what_will_happen(view, (&asked.dialog, &asked.by.user), &ticket, words);
        self.show_view(asked, &view).await
    }

    /// Adds to a dialog what stands in the way of it, or what it brings about besides: told before
    /// anything is typed.
    fn say_what_will_happen(
        &self,
        view: SlackView,
        (dialog, user): (&Dialog, &SlackUserId),
        ticket: &Ticket,
        texts: &Texts,
    ) -> SlackView {
        let sends = matches!(dialog, Dialog::Reply(_) | Dialog::Compose(_));
        match ticket.holder() {
            None if sends => modal::add_claim_notice(view, texts),
            Some(holder) if holder.user != *user => {
                // More than words are shown once more before they go out, and then it is asked.
                let asks = matches!(dialog, Dialog::Reply(_));
                match (sends, self.anyone_may_reply) {
                    (true, true) => view,
                    _ => modal::add_holder(view, &holder.name, asks, texts),
                }
            }
            Some(_) | None => view,
        }
    }

    /// Whether a ticket must have a tag before it is closed, as far as Blip tells in time.
    async fn is_tag_needed(&self, ticket: &Ticket) -> bool {
        match self.bots.get(ticket.id.bot()) {
            Some(bot) => self.lists.is_tag_needed(bot, self.tag_rule, FIRST_VIEW_DEADLINE).await,
            None => false,
        }
    }

    /// Has the list read from which somebody is about to choose.
    fn preload_list(&self, dialog: &Dialog, ticket: &Ticket) {
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
        if let Some(bot) = self.bots.get(ticket.id.bot()) {
            self.lists.preload_list(bot, list);
        }
    }

    /// The ticket that something is about. A quick hand may be faster than Slack's answer to our
    /// own post: then the ticket becomes known in a moment.
    async fn find_ticket(&self, about: &DialogSubject) -> Result<Option<Ticket>, Error> {
        let asked = self.clock.now();
        loop {
            let (found, may_come) = match about {
                DialogSubject::Ticket(id) => (self.load_ticket_or_draft(id).await?, true),
                DialogSubject::Message(channel, ts) => {
                    // Asked first: what is posted meanwhile is then found.
                    let is_posting = self.store.is_posting(channel, asked).await?;
                    match self.store.find_link(channel, ts).await? {
                        Some(link) => (self.store.load_ticket(&link.ticket).await?, true),
                        None => (None, is_posting),
                    }
                }
            };
            let now = self.clock.now();
            if found.is_some() || !may_come || now > asked + TICKET_WAIT {
                return Ok(found);
            }
            self.clock.sleep_until(now + TICKET_POLL_INTERVAL).await;
        }
    }

    /// A ticket, or what stands for one while an active message is chosen.
    async fn load_ticket_or_draft(&self, id: &TicketId) -> Result<Option<Ticket>, store::Error> {
        match self.store.load_ticket(id).await? {
            None => Ok(Ticket::for_active_draft(id.clone(), self.clock.now())),
            known => Ok(known),
        }
    }

    /// Why somebody may not have a dialog, as a text's key.
    async fn find_obstacle(
        &self,
        asked: &DialogRequest,
        reader: &DialogViewer,
        ticket: &Ticket,
    ) -> Option<&'static str> {
        let changes = !matches!(asked.dialog, Dialog::History | Dialog::Details);
        match self.check_agent_status(&asked.by.user, reader, ticket).await {
            Some(standing) if !standing.is_agent() => standing.refusal_key(),
            // Who is not known is looked up again before anything changes, but shown nothing.
            None if !changes
                || matches!(asked.dialog, Dialog::Reply(Some(_)) | Dialog::Contact) =>
            {
                Some("home-unavailable")
            }
            // The contact outlives the ticket.
            _ if matches!(asked.dialog, Dialog::Contact | Dialog::Comment(_)) => None,
            _ if changes && ticket.is_closed() => Some("ask-closed"),
            _ => None,
        }
    }

    /// Whether somebody may answer a ticket's customer; `None` if Slack does not tell in time.
    async fn check_agent_status(
        &self,
        user: &SlackUserId,
        reader: &DialogViewer,
        ticket: &Ticket,
    ) -> Option<AgentStatus> {
        let (profile, thread) = (reader.profile.as_ref()?, ticket.thread.as_ref()?);
        let (group, now) = (self.agent_group.as_deref(), self.clock.now());
        let asked =
            members::check_agent_status(&self.slack, (user, profile), &thread.channel, group, now);
        match tokio::time::timeout(PROFILE_DEADLINE, asked).await {
            Ok(Ok(standing)) => Some(standing),
            Ok(Err(error)) => {
                tracing::warn!(%error, "whether somebody is an agent could not be found out");
                None
            }
            Err(_) => None,
        }
    }

    /// The same for a ticket by its id.
    async fn check_status_by_ticket_id(
        &self,
        user: &SlackUserId,
        reader: &DialogViewer,
        ticket: &TicketId,
    ) -> Option<AgentStatus> {
        match self.load_ticket_or_draft(ticket).await {
            Ok(ticket) => self.check_agent_status(user, reader, &ticket?).await,
            Err(error) => {
                tracing::warn!(ticket.id = %ticket, %error, "a ticket could not be read");
                None
            }
        }
    }

    /// Whether somebody may answer customers at all.
    async fn may_be_agent(&self, user: &SlackUserId, reader: &DialogViewer) -> Result<bool, Error> {
        let Some(profile) = &reader.profile else { return Err(Error::Unknown) };
        let group = self.agent_group.as_deref();
        Ok(members::may_be_agent(&self.slack, user, profile, group).await?)
    }

    async fn show_notice(
        &self,
        asked: &DialogRequest,
        reader: &DialogViewer,
        key: &str,
    ) -> Result<(), Error> {
        let text = reader.texts.text(key, &[]);
        self.show_view(asked, &modal::build_notice(&text, &reader.texts)).await
    }

    async fn show_view(&self, asked: &DialogRequest, view: &SlackView) -> Result<(), Error> {
        match &asked.place {
            ViewTarget::New(trigger) => self.slack.open_view(trigger, view).await.map(drop)?,
            ViewTarget::Over(open) => self.slack.update_view(open, view).await?,
        }
        Ok(())
    }

    /// Shows what is read from Blip, at once if Blip is quick.
    async fn show_or_update_view(
        &self,
        asked: &DialogRequest,
        ticket: Ticket,
        reader: DialogViewer,
    ) -> Result<(), Error> {
        let (title, place) = match (&asked.dialog, &asked.place) {
            (Dialog::Details, place) => ("dialog-details", place),
            (Dialog::Contact, place) => ("dialog-contact", place),
            (_, place) => ("dialog-history", place),
        };
        let words = reader.texts.clone();
        let (dialogs, dialog) = (self.clone(), asked.dialog.clone());
        let mut page = Box::pin(async move { dialogs.build_page(&dialog, &ticket, &reader).await });
        if let Ok(view) = tokio::time::timeout(FIRST_VIEW_DEADLINE, &mut page).await {
            return self.show_view(asked, &view?).await;
        }
        let loading = modal::build_loading_view(title, &words);
        let open = match place {
            ViewTarget::New(trigger) => self.slack.open_view(trigger, &loading).await?,
            ViewTarget::Over(open) => open.clone(),
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

    async fn build_page(
        &self,
        dialog: &Dialog,
        ticket: &Ticket,
        reader: &DialogViewer,
    ) -> Result<SlackView, Error> {
        if *dialog == Dialog::Contact {
            return Ok(self.build_contact_page(ticket, &reader.texts).await);
        }
        if *dialog == Dialog::Details {
            let mut facts = modal::list_ticket_facts(ticket, &reader.texts);
            let (known, comments) = tokio::join!(
                self.fetch_contact_facts(ticket, &reader.texts),
                self.fetch_comments(ticket),
            );
            facts.extend(known);
            let below = contact::build_contact_blocks(ticket, &comments, &reader.texts);
            return Ok(modal::build_details_view(&facts, below, &reader.texts));
        }
        let earlier =
            self.store.tickets_of(&ticket.customer.identity, &ticket.id, MAX_EARLIER_TICKETS);
        let linked = |ticket: Ticket| {
            let link = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
            (ticket, link)
        };
        let earlier: Vec<_> = earlier.await?.into_iter().map(linked).collect();
        let said = self.fetch_transcript(ticket).await;
        let names = match (&said, self.bots.get(ticket.id.bot())) {
            (Some(said), Some(bot)) if said.iter().any(is_by_known_agent) => {
                self.lists.list_agent_names(bot).await
            }
            _ => AgentNames::new(),
        };
        let said = said.as_deref().map(|said| (said, &names));
        Ok(modal::build_history_view(ticket, &earlier, said, &reader.texts))
    }

    /// What was said, oldest first; nothing if Blip does not tell.
    async fn fetch_transcript(&self, ticket: &Ticket) -> Option<Vec<SaidMessage>> {
        let bot = self.bots.get(ticket.id.bot())?;
        match tokio::time::timeout(FILLED_VIEW_DEADLINE, bot.fetch_messages(&ticket.id)).await {
            Ok(Ok(mut messages)) => {
                messages.sort_by_key(|message| message.date);
                parse::fill_in_quotes(&mut messages);
                Some(messages.into_iter().map(ThreadMessage::into_said).collect())
            }
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket.id, %error, "a history goes without its words");
                None
            }
            Err(_) => None,
        }
    }

    async fn fetch_contact_facts(&self, ticket: &Ticket, texts: &Texts) -> Vec<TicketFact> {
        let contact = self.fetch_contact(ticket, FILLED_VIEW_DEADLINE).await.unwrap_or_default();
        // The ticket tells the name already.
        let fields = ContactField::ALL.into_iter().filter(|field| *field != ContactField::Name);
        let facts = fields.filter_map(|field| {
            TicketFact::from_text(contact_label(field), &contact.value(field)?, texts)
        });
        let extras = contact.extras();
        let extras = extras.iter().take(MAX_SHOWN_EXTRAS);
        facts
            .chain(extras.filter_map(|(name, value)| TicketFact::from_extra(name, value)))
            .collect()
    }

    /// The contact of a ticket's customer as it can be changed; says so if Blip does not tell what is
    /// in there.
    async fn build_contact_page(&self, ticket: &Ticket, texts: &Texts) -> SlackView {
        let identity = ticket.customer.identity.as_str();
        let known = match self.bots.get(ticket.id.bot()).filter(|_| !identity.is_empty()) {
            Some(bot) => {
                let asked = bot.fetch_contact(identity);
                tokio::time::timeout(FILLED_VIEW_DEADLINE, asked).await.ok().and_then(Result::ok)
            }
            None => None,
        };
        let Some(contact) = known.map(Option::unwrap_or_default) else {
            return modal::build_notice(&texts.text("dialog-unavailable", &[]), texts);
        };
        let shown = |value: String| match personal::hide_numbers(&value, &self.masked) {
            Some(_) => ContactValue::Hidden,
            None => ContactValue::Shown(value),
        };
        let fields =
            ContactField::ALL.map(|field| (field, shown(contact.value(field).unwrap_or_default())));
        let extras: Vec<_> =
            contact.extras().into_iter().map(|(name, value)| (name, shown(value))).collect();
        contact::build_contact_dialog(ticket, &fields, &extras, texts)
    }

    /// What was noted about a ticket's customer; nothing if Blip does not tell.
    async fn fetch_comments(&self, ticket: &Ticket) -> Vec<ContactComment> {
        let identity = ticket.customer.identity.as_str();
        let Some(bot) = self.bots.get(ticket.id.bot()).filter(|_| !identity.is_empty()) else {
            return Vec::new();
        };
        match tokio::time::timeout(FILLED_VIEW_DEADLINE, bot.fetch_comments(identity)).await {
            Ok(Ok(comments)) => comments,
            Ok(Err(error)) => {
                tracing::warn!(ticket.id = %ticket.id, %error, "a contact goes without its comments");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// The words of a message, without what makes it a note.
    fn read_note(&self, written: &str) -> String {
        let words = text::write_plain_text(
            &mrkdwn::read_mrkdwn(written),
            &MentionNames::default(),
            &StyleMarks::for_domain(""),
        );
        words.strip_prefix(self.note_prefix.as_str()).unwrap_or(&words).trim().to_owned()
    }

    async fn fetch_contact(&self, ticket: &Ticket, patience: Duration) -> Option<ContactDocument> {
        let bot = self.bots.get(ticket.id.bot())?;
        if ticket.customer.identity.is_empty() {
            return None;
        }
        let asked = bot.fetch_contact(&ticket.customer.identity);
        tokio::time::timeout(patience, asked).await.ok()?.ok()?
    }

    /// A canned reply as the customer will read it.
    async fn preview_reply(&self, ticket: &Ticket, reader: &DialogViewer, id: &str) -> SlackView {
        let (reply, contact) = tokio::join!(
            async { self.lists.find_canned_reply(self.bots.get(ticket.id.bot())?, id).await },
            self.fetch_contact(ticket, FIRST_VIEW_DEADLINE),
        );
        let Some(reply) = reply else {
            return modal::build_reply_dialog(ticket, None, &reader.texts);
        };
        let contact = contact.unwrap_or_default();
        let agent = reader.profile.clone().unwrap_or_default();
        let source = VariableSource {
            contact: &contact,
            ticket,
            agent: &agent,
            texts: &self.texts,
            now: self.clock.now(),
        };
        let fill = |text: &str| canned::fill_variables(text, |name| source.resolve(name));
        match &reply.body {
            CannedBody::Words(words) => {
                modal::build_reply_dialog(ticket, Some((id, &fill(words))), &reader.texts)
            }
            CannedBody::Document { kind, content } => {
                let content = offer::fill_document(content, &fill);
                let offer = Offer::Document { kind: kind.clone(), content };
                let shown = render::render_content(&offer::read_offer(&offer), &reader.texts);
                let shown = shown.unwrap_or_default();
                modal::build_canned_view(ticket, (&offer, &shown), &reader.texts)
            }
        }
    }

    async fn load_viewer(&self, by: &Requester) -> DialogViewer {
        let asked =
            tokio::time::timeout(PROFILE_DEADLINE, directory::fetch_profile(&self.slack, &by.user))
                .await;
        let mut profile = asked.ok().and_then(Result::ok);
        if let Some(profile) = &mut profile {
            profile.workspaces.add_named(&by.named);
        }
        let locale = profile.as_ref().and_then(|profile| profile.locale.as_deref());
        DialogViewer { texts: self.texts.for_reader(locale), profile }
    }
}

/// Whether something was said by an agent whose name may be known.
fn is_by_known_agent(said: &SaidMessage) -> bool {
    matches!(said.by, Speaker::Agent(Some(_)))
}

/// Where the variables of a canned reply get their values, which the desk fills in and not Blip
/// (`blip.md`, additions §7).
struct VariableSource<'a> {
    contact: &'a ContactDocument,
    ticket: &'a Ticket,
    agent: &'a Profile,
    texts: &'a Texts,
    now: Timestamp,
}

impl VariableSource<'_> {
    /// The value of a variable; none if it has none.
    fn resolve(&self, name: &str) -> Option<String> {
        let (whose, field) = name.split_once('.')?;
        match whose.to_ascii_lowercase().as_str() {
            "contact" | "customer" => self.resolve_contact(field),
            "agent" | "attendant" => self.resolve_agent(field),
            "ticket" => self.resolve_ticket(field),
            "calendar" => match field {
                "date" => Some(self.texts.format_day(self.now)),
                "time" => Some(self.texts.format_time(self.now)),
                "datetime" | "dateTime" => Some(self.texts.format_date_time(self.now)),
                _ => None,
            },
            _ => None,
        }
    }

    fn resolve_contact(&self, field: &str) -> Option<String> {
        if field == "name" {
            return self.contact.name().or_else(|| self.ticket.customer.name.clone());
        }
        if let Some(extra) = field.strip_prefix("extras.") {
            let extras = self.contact.extras();
            return extras.into_iter().find(|(name, _)| name == extra).map(|(_, value)| value);
        }
        let pointer = format!("/{}", field.replace('.', "/"));
        let value = self.contact.field(&pointer).map(str::to_owned);
        let is_identity = value.is_none() && field == "identity";
        if is_identity { Some(self.ticket.customer.identity.clone()) } else { value }
    }

    fn resolve_agent(&self, field: &str) -> Option<String> {
        let name = self.agent.name.as_str();
        match field {
            "fullName" | "name" => Some(name.to_owned()),
            "firstName" => name.split_whitespace().next().map(str::to_owned),
            "email" => self.agent.email.clone(),
            "identity" => self.agent.email.as_deref().map(Agent::identity_from_email),
            _ => None,
        }
    }

    fn resolve_ticket(&self, field: &str) -> Option<String> {
        let ticket = self.ticket;
        match field {
            "id" => Some(ticket.id.blip_id().to_owned()),
            "sequentialId" | "number" => ticket.number.map(|number| number.to_string()),
            "parentSequentialId" => ticket.parent.map(|number| number.to_string()),
            "team" => ticket.team.clone(),
            "tags" => Some(ticket.tags.join(", ")),
            "customerIdentity" => Some(ticket.customer.identity.clone()),
            "customerDomain" => Some(ticket.customer.domain.clone()),
            "agentIdentity" => ticket.holder().map(|holder| holder.identity.clone()),
            "storageDate" => Some(self.texts.format_date_time(ticket.opened)),
            _ => None,
        }
    }
}
