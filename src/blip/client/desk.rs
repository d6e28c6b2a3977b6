//! The desk of a bot: its teams and agents, what they choose from, and how it is set up.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;

use super::pages::{fetch_entries, fetch_pages, new_request_id, none_if_missing};
use crate::blip::desk::{
    Attendant, CannedReply, TagChoices, Team, make_ids_unique, read_forbidden_words,
    read_passed_limits,
};
use crate::blip::envelope::{self, MAX_PAGE_SIZE, list};
use crate::blip::error::Error;
use crate::blip::hours;
use crate::blip::key::key_name;
use crate::blip::lenient::{self, get_text};
use crate::blip::transport::BlipTransport;
use crate::model::forbidden::ForbiddenWords;
use crate::model::{DeskHours, PassedLimits};

/// What a desk's standby mode is called in its configuration (`blip.md`, additions §11).
pub(crate) const STANDBY_SETTING: &str = "TicketStandbyModeEnabled";
/// The smallest page that may be full: what lists give that are not asked for more.
const MIN_PAGE_SIZE: usize = 20;
/// Most schedules of a desk that are read.
const MAX_SCHEDULES: usize = 100;
/// What reading the hours of a desk is called in errors and metrics.
const READ_HOURS: &str = "read hours";
/// Most categories whose canned replies are read.
const MAX_CATEGORIES: usize = 50;
/// How many of them are read at once, of the 48 commands a second (`blip.md` §1.1).
const CATEGORIES_AT_ONCE: usize = 8;

/// Reads what a bot's desk holds.
#[derive(Debug)]
pub(crate) struct DeskClient {
    transport: Arc<BlipTransport>,
}

impl DeskClient {
    pub(super) fn new(transport: Arc<BlipTransport>) -> Self {
        Self { transport }
    }

    pub(crate) async fn fetch_teams(&self) -> Result<Vec<Team>, Error> {
        let entries = self.fetch_desk_list("read teams", list::TEAMS_PATH, None).await?;
        let team = |entry: &Value| {
            let name = get_text(entry, "name")?;
            let online = entry.get("agentsOnline").and_then(lenient::as_text);
            Some(Team { name, online: online.and_then(|online| online.parse().ok()) })
        };
        Ok(entries.iter().filter_map(team).collect())
    }

    /// The tags to choose from: those of the desk or, where it has none, those in use.
    pub(crate) async fn fetch_tag_choices(&self) -> Result<TagChoices, Error> {
        match tokio::join!(self.fetch_tag_settings(), self.fetch_tags()) {
            // What the desk was given comes first: tags in use are whatever somebody has once
            // written.
            (Ok(settings), _) if !settings.tags.is_empty() => Ok(settings),
            (settings, Ok(tags)) => {
                // A desk that does not tell wants none: a ticket that cannot be closed is worse
                // than one without a tag.
                let is_one_wanted = settings.is_ok_and(|settings| settings.is_one_wanted);
                Ok(TagChoices { tags, is_one_wanted })
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// The tags that the desk was given, and whether it wants one; none where Blip does not tell.
    pub(crate) async fn fetch_tag_settings(&self) -> Result<TagChoices, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_tag_settings(&new_request_id(), bot.as_deref());
        match self.transport.send_command("read tag settings", &command).await {
            Ok(settings) => {
                Ok(settings.as_ref().map(TagChoices::from_settings).unwrap_or_default())
            }
            Err(error) if error.code().is_some() => Ok(TagChoices::default()),
            Err(error) => Err(error),
        }
    }

    /// The words that agents must not write; none where Blip keeps none.
    pub(crate) async fn fetch_forbidden_words(&self) -> Result<ForbiddenWords, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_forbidden_words(&new_request_id(), bot.as_deref());
        match self.transport.send_command("read forbidden words", &command).await {
            Ok(settings) => Ok(settings.as_ref().map(read_forbidden_words).unwrap_or_default()),
            Err(error) if error.code().is_some() => Ok(ForbiddenWords::default()),
            Err(error) => Err(error),
        }
    }

    /// The tags that a queue was given, by its name (`blip.md`, additions §8).
    pub(crate) async fn fetch_queue_tags(&self, queue: &str) -> Result<Vec<String>, Error> {
        let path = list::tags_of_queue(queue);
        let entries = self.fetch_desk_list("read queue tags", &path, None).await?;
        Ok(entries.iter().filter_map(|entry| get_text(entry, "tag")).collect())
    }

    /// The tags in use.
    pub(crate) async fn fetch_tags(&self) -> Result<Vec<String>, Error> {
        self.fetch_names("read tags", list::TAGS_PATH).await
    }

    pub(crate) async fn fetch_agents(&self) -> Result<Vec<Attendant>, Error> {
        let entries = self.fetch_desk_list("read agents", list::AGENTS_PATH, Some(0)).await?;
        Ok(entries.iter().filter_map(Attendant::from_entry).collect())
    }

    /// When the desk is attended; nothing where it has no hours.
    pub(crate) async fn fetch_desk_hours(&self) -> Result<DeskHours, Error> {
        let listed = self.fetch_desk_list(READ_HOURS, list::HOURS_PATH, Some(0)).await?;
        let mut schedules = Vec::new();
        // One after the other: few desks have more than a handful, and it is asked for rarely.
        for id in hours::list_ids(&listed).into_iter().take(MAX_SCHEDULES) {
            let command = envelope::get_schedule(&new_request_id(), &id);
            // One that was deleted meanwhile is none.
            schedules
                .extend(none_if_missing(self.transport.send_command(READ_HOURS, &command).await)?);
        }
        Ok(hours::collect_hours(&schedules))
    }

    /// The tickets that have passed limits of the desk's service levels, by Blip's ids.
    pub(crate) async fn fetch_passed_limits(&self) -> Result<Vec<(String, PassedLimits)>, Error> {
        let full = usize::try_from(MAX_PAGE_SIZE).unwrap_or(usize::MAX);
        let mut passed = Vec::new();
        for path in [list::WAITING_PATH, list::OPEN_PATH] {
            let page =
                |skip| envelope::get_passed_limits(&new_request_id(), path, skip, MAX_PAGE_SIZE);
            let entries =
                fetch_pages(&self.transport, "read service levels", page, full, |_| false).await?;
            passed.extend(entries.iter().filter_map(read_passed_limits));
        }
        Ok(passed)
    }

    /// How many policies of service levels the desk has.
    pub(crate) async fn count_service_policies(&self) -> Result<usize, Error> {
        let listed = self.fetch_desk_list("read policies", list::POLICIES_PATH, Some(0)).await?;
        Ok(listed.len())
    }

    /// How the bot's desk is set up: values by name, all of them text (`blip.md` §4.2).
    pub(crate) async fn fetch_desk_configuration(&self) -> Result<HashMap<String, String>, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_desk_configuration(&new_request_id(), bot.as_deref());
        let entries = fetch_entries(&self.transport, "read configuration", &command).await?;
        let pair = |entry: &Value| Some((get_text(entry, "name")?, get_text(entry, "value")?));
        Ok(entries.iter().filter_map(pair).collect())
    }

    /// Whether the bot's desk has its standby mode switched on.
    pub(crate) async fn has_standby_mode(&self) -> Result<bool, Error> {
        let configuration = self.fetch_desk_configuration().await?;
        Ok(configuration.get(STANDBY_SETTING).is_some_and(|it| it.eq_ignore_ascii_case("true")))
    }

    /// The canned replies that can be sent. Blip lists only their categories, and the replies of each
    /// by the category's id.
    pub(crate) async fn fetch_canned_replies(&self) -> Result<Vec<CannedReply>, Error> {
        const READ_REPLIES: &str = "read replies";
        let entries = self.fetch_desk_list(READ_REPLIES, list::REPLIES_PATH, Some(0)).await?;
        let mut replies: Vec<CannedReply> =
            entries.iter().filter_map(CannedReply::from_entry).collect();
        // Documentation and samples disagree on whether this list holds replies or only their
        // categories (`blip.md`, additions §0): each entry tells by what it has.
        let categories = entries.iter().filter(|entry| entry.get("document").is_none());
        let categories = categories.filter_map(|entry| get_text(entry, "id")).take(MAX_CATEGORIES);
        let lists: Vec<String> = categories.map(|id| list::replies_in_category(&id)).collect();
        for lists in lists.chunks(CATEGORIES_AT_ONCE) {
            for entries in
                join_all(lists.iter().map(|list| self.fetch_desk_list(READ_REPLIES, list, None)))
                    .await
            {
                replies.extend(entries?.iter().filter_map(CannedReply::from_entry));
            }
        }
        make_ids_unique(&mut replies);
        Ok(replies)
    }

    async fn fetch_names(&self, operation: &'static str, list: &str) -> Result<Vec<String>, Error> {
        let entries = self.fetch_desk_list(operation, list, None).await?;
        Ok(entries.iter().filter_map(|entry| get_text(entry, "name")).collect())
    }

    /// The entries of a list of the desk.
    async fn fetch_desk_list(
        &self,
        operation: &'static str,
        list: &str,
        first: Option<u32>,
    ) -> Result<Vec<Value>, Error> {
        let page = |skip| {
            let skip = Some(skip).filter(|skip| *skip > 0).or(first);
            envelope::get_desk_list(&new_request_id(), list, skip)
        };
        fetch_pages(&self.transport, operation, page, MIN_PAGE_SIZE, |_| false).await
    }
}
