//! The lists of a bot from which people choose, kept for a short while: Slack asks for options at
//! every key that is pressed.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::blip;
use crate::blip::desk::{Attendant, CannedReply, Presence, TagChoices, Team};
use crate::clock::Clock;
use crate::locale::Texts;
use crate::model::text::to_one_line;
use crate::model::{BotName, MessageTemplate, TagRule, is_team};
use crate::slack::choices::Choice;
use crate::slack::ids::ChoiceList;
use crate::slack::render::AgentNames;

/// How long a list is believed.
const LIST_LIFETIME: Duration = Duration::from_mins(1);
/// How long a list that could not be read is not asked for again.
const FAILED_LIST_PAUSE: Duration = Duration::from_secs(5);
/// How long people wait for a list, of the 3 s in which Slack wants the options.
const LIST_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct ChoiceCache {
    clock: Clock,
    tasks: TaskTracker,
    kept: Arc<DashMap<(BotName, ListKey), SharedCachedList>>,
}

/// Which list of a bot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    list: ChoiceList,
    /// The queue whose tags come first, for a list of tags.
    queue: Option<String>,
}

impl ListKey {
    /// A list as it is for tickets of this team.
    pub(super) fn new(list: ChoiceList, team: Option<&str>) -> Self {
        let queue = team.filter(|team| list == ChoiceList::Tags && is_team(team));
        Self { list, queue: queue.map(str::to_owned) }
    }
}

impl From<ChoiceList> for ListKey {
    fn from(list: ChoiceList) -> Self {
        Self { list, queue: None }
    }
}

/// A list, held by whoever reads it.
type SharedCachedList = Arc<Mutex<CachedList>>;

/// What is known of a list, and when to ask again.
#[derive(Clone, Default)]
struct CachedList {
    kept: Option<ListEntries>,
    until: Option<Timestamp>,
    /// Whether Blip's last answer was that the key, which may not be that of the bot with the channel,
    /// reads none.
    is_forbidden: bool,
}

#[derive(Clone)]
enum ListEntries {
    Destinations {
        teams: Vec<Team>,
        agents: Vec<Attendant>,
    },
    /// Those of the ticket's queue, and those of the desk.
    Tags {
        of_queue: Vec<String>,
        of_desk: TagChoices,
    },
    Replies(Vec<CannedReply>),
    Templates(Vec<MessageTemplate>),
}

/// What is known of a bot's templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TemplateStock {
    /// There are some, or Blip takes its time to tell.
    Some,
    None,
    /// Blip refuses to list them to this key.
    Forbidden,
    /// Blip does not tell.
    Unknown,
}

impl ChoiceCache {
    /// Nothing is known yet. What is not read in time is read on `tasks`.
    pub(crate) fn new(clock: Clock, tasks: TaskTracker) -> Self {
        Self { clock, tasks, kept: Arc::default() }
    }

    /// What can be chosen, in groups with a title.
    pub(super) async fn list_choices(
        &self,
        bot: &Arc<blip::BlipClient>,
        list: ListKey,
        texts: &Texts,
    ) -> Vec<(String, Vec<Choice>)> {
        match self.get_list(bot, list).await {
            None => Vec::new(),
            Some(ListEntries::Tags { of_queue, of_desk }) => {
                group_tags(&of_queue, &of_desk.tags, texts)
            }
            Some(ListEntries::Replies(replies)) => group_by_category(&replies),
            Some(ListEntries::Templates(templates)) => {
                vec![(String::new(), sort_templates(&templates, texts))]
            }
            Some(ListEntries::Destinations { teams, agents }) => {
                let team = |team: &Team| Choice::for_team(&team.name, describe_team(team, texts));
                let teams = teams.iter().map(team).collect();
                let agent = |agent: &Attendant| {
                    let who = (agent.identity.as_str(), agent.name.as_str());
                    let presence = agent.presence.map(|it| texts.text(presence_key(it), &[]));
                    let known = (presence, agent.email.as_deref());
                    Choice::for_agent(who, known, &agent.teams)
                };
                let agents = agents.iter().map(agent).collect();
                vec![
                    (texts.text("dialog-teams", &[]), teams),
                    (texts.text("dialog-agents", &[]), agents),
                ]
            }
        }
    }

    /// What agents are called, by Blip's identities of them.
    pub(super) async fn list_agent_names(&self, bot: &Arc<blip::BlipClient>) -> AgentNames {
        match self.get_list(bot, ChoiceList::Destinations.into()).await {
            Some(ListEntries::Destinations { agents, .. }) => agents
                .into_iter()
                .map(|agent| (agent.identity.to_ascii_lowercase(), agent.name))
                .collect(),
            Some(_) | None => AgentNames::new(),
        }
    }

    pub(super) async fn find_canned_reply(
        &self,
        bot: &Arc<blip::BlipClient>,
        id: &str,
    ) -> Option<CannedReply> {
        match self.get_list(bot, ChoiceList::Replies.into()).await? {
            ListEntries::Replies(replies) => replies.into_iter().find(|reply| reply.id == id),
            ListEntries::Destinations { .. }
            | ListEntries::Tags { .. }
            | ListEntries::Templates(_) => None,
        }
    }

    /// A template of WhatsApp.
    pub(super) async fn find_template(
        &self,
        router: &Arc<blip::BlipClient>,
        id: &str,
    ) -> Option<MessageTemplate> {
        match self.get_list(router, ChoiceList::Templates.into()).await? {
            ListEntries::Templates(templates) => templates.into_iter().find(|it| it.id == id),
            ListEntries::Destinations { .. }
            | ListEntries::Tags { .. }
            | ListEntries::Replies(_) => None,
        }
    }

    /// Whether there are templates to choose from, as far as Blip tells within this time.
    pub(super) async fn count_templates(
        &self,
        router: &Arc<blip::BlipClient>,
        patience: Duration,
    ) -> TemplateStock {
        let list = self.get_list(router, ChoiceList::Templates.into());
        match tokio::time::timeout(patience, list).await {
            Ok(None) if self.is_forbidden(router, ChoiceList::Templates.into()) => {
                TemplateStock::Forbidden
            }
            Ok(None) => TemplateStock::Unknown,
            Ok(Some(ListEntries::Templates(templates))) if templates.is_empty() => {
                TemplateStock::None
            }
            // Out of time says nothing: the dialog opens, and its list is asked for once more.
            Ok(Some(_)) | Err(_) => TemplateStock::Some,
        }
    }

    /// Whether a ticket of a bot must have a tag before it is closed, as far as Blip tells in time.
    pub(super) async fn is_tag_needed(
        &self,
        bot: &Arc<blip::BlipClient>,
        (rule, team): (TagRule, Option<&str>),
        patience: Duration,
    ) -> bool {
        if rule == TagRule::Never {
            return false;
        }
        let list = self.get_list(bot, ListKey::new(ChoiceList::Tags, team));
        match tokio::time::timeout(patience, list).await {
            Ok(Some(ListEntries::Tags { of_desk: TagChoices { tags, is_one_wanted }, .. })) => {
                // Where there is nothing to choose from, nothing can be demanded
                // (`no_tag_is_asked_for_where_none_is_wanted_or_none_can_be_chosen`).
                rule.is_tag_needed(is_one_wanted, !tags.is_empty())
            }
            _ => false,
        }
    }

    /// Has a list read before somebody opens it.
    pub(super) fn preload_list(&self, bot: &Arc<blip::BlipClient>, list: ListKey) {
        let (lists, bot) = (self.clone(), Arc::clone(bot));
        self.tasks.spawn(async move { lists.get_list(&bot, list).await.map(drop) });
    }

    /// Whether Blip has said lately that a bot's key may not read a list.
    fn is_forbidden(&self, bot: &blip::BlipClient, list: ListKey) -> bool {
        let slot = self.kept.get(&(bot.bot_name().clone(), list));
        slot.is_some_and(|slot| slot.try_lock().is_ok_and(|slot| slot.is_forbidden))
    }

    /// The list as it is at Blip or, if Blip does not answer in time, as it was. A list that takes
    /// longer is there the next time somebody looks.
    async fn get_list(&self, bot: &Arc<blip::BlipClient>, list: ListKey) -> Option<ListEntries> {
        let slot =
            Arc::clone(&self.kept.entry((bot.bot_name().clone(), list.clone())).or_default());
        let (clock, bot) = (self.clock.clone(), Arc::clone(bot));
        let reading = Arc::clone(&slot);
        // A task of its own, so that a list that takes too long for this dialog is read to its end
        // for the next one (`a_list_that_takes_too_long_is_there_the_next_time`).
        let task = self.tasks.spawn(async move {
            // Those who ask meanwhile wait here, and then find it read.
            let mut slot = reading.lock().await;
            if slot.until.is_none_or(|until| clock.now() >= until) {
                let read = fetch_list(&bot, &list).await;
                // Short after a failure: the list may come any moment; but not none, as Slack asks
                // at every key.
                slot.is_forbidden = list.list == ChoiceList::Templates
                    && read.as_ref().is_err_and(|error| error.code().is_some());
                // A key gets no other rights from one press to the next.
                let is_answer = read.is_ok() || slot.is_forbidden;
                let rest = if is_answer { LIST_LIFETIME } else { FAILED_LIST_PAUSE };
                slot.until = Some(clock.now() + rest);
                match read {
                    Ok(new) => slot.kept = Some(new),
                    Err(error) => {
                        tracing::warn!(bot = %bot.bot_name(), ?list, %error, "a list could not be read");
                    }
                }
            }
            slot.kept.clone()
        });
        match tokio::time::timeout(LIST_DEADLINE, task).await {
            Ok(read) => read.ok().flatten(),
            Err(_) => None,
        }
    }
}

/// How many of a team are at work: nobody hands a customer on to an empty room unknowingly.
fn describe_team(team: &Team, texts: &Texts) -> Option<String> {
    Some(match team.online? {
        0 => texts.text("dialog-team-nobody", &[]),
        online => texts.text("dialog-team-online", &[("count", &online.to_string())]),
    })
}

/// The tags of the ticket's queue before the others, each once.
fn group_tags(
    of_queue: &[String],
    of_desk: &[String],
    texts: &Texts,
) -> Vec<(String, Vec<Choice>)> {
    let choice = |tag: &String| Choice::from_text(tag);
    let others = of_desk.iter().filter(|tag| !of_queue.contains(tag)).map(choice).collect();
    if of_queue.is_empty() {
        return vec![(String::new(), others)];
    }
    vec![
        (texts.text("dialog-queue-tags", &[]), of_queue.iter().map(choice).collect()),
        (texts.text("dialog-other-tags", &[]), others),
    ]
}

fn presence_key(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "dialog-agent-online",
        Presence::Paused => "dialog-agent-paused",
        Presence::Offline => "dialog-agent-offline",
    }
}

/// The replies of each category in the order in which Blip tells them.
fn group_by_category(replies: &[CannedReply]) -> Vec<(String, Vec<Choice>)> {
    let mut groups: Vec<(String, Vec<Choice>)> = Vec::new();
    for reply in replies {
        let choice = Choice::new(&reply.name, reply.id.clone());
        match groups.iter_mut().find(|(category, _)| *category == reply.category) {
            Some((_, choices)) => choices.push(choice),
            None => groups.push((reply.category.clone(), vec![choice])),
        }
    }
    groups
}

/// Those in the reader's language first, then by name.
fn sort_templates(templates: &[MessageTemplate], texts: &Texts) -> Vec<Choice> {
    let language = texts.language_code();
    let mut sorted: Vec<&MessageTemplate> = templates.iter().collect();
    sorted.sort_by_key(|template| {
        let is_own = template.language.get(..2).is_some_and(|code| code == language);
        (!is_own, template.name.as_str(), template.language.as_str())
    });
    let choice = |template: &MessageTemplate| {
        let label = format!("{} ({})", template.name, template.language);
        let words = to_one_line(&template.body);
        Choice { description: Some(words), ..Choice::new(&label, template.id.clone()) }
    };
    sorted.into_iter().map(choice).collect()
}

async fn fetch_list(bot: &blip::BlipClient, list: &ListKey) -> Result<ListEntries, blip::Error> {
    match list.list {
        ChoiceList::Tags => {
            let of_queue = async {
                match &list.queue {
                    Some(queue) => bot.desk.fetch_queue_tags(queue).await,
                    None => Ok(Vec::new()),
                }
            };
            match tokio::join!(of_queue, bot.desk.fetch_tag_choices()) {
                // A queue that tells none of its own takes nothing from those of the desk.
                (of_queue, Ok(of_desk)) => {
                    Ok(ListEntries::Tags { of_queue: of_queue.unwrap_or_default(), of_desk })
                }
                (Ok(of_queue), Err(_)) if !of_queue.is_empty() => {
                    Ok(ListEntries::Tags { of_queue, of_desk: TagChoices::default() })
                }
                (_, Err(error)) => Err(error),
            }
        }
        ChoiceList::Templates => bot.templates.fetch_templates().await.map(ListEntries::Templates),
        ChoiceList::Replies => bot.desk.fetch_canned_replies().await.map(ListEntries::Replies),
        ChoiceList::Destinations => {
            let (teams, agents) = tokio::join!(bot.desk.fetch_teams(), bot.desk.fetch_agents());
            // Who is at work comes first; of the others the order is Blip's.
            let agents = agents.map(|mut agents| {
                agents.sort_by_key(|agent| agent.presence.unwrap_or(Presence::Offline));
                agents
            });
            match (teams, agents) {
                // One of the two is still something to choose from.
                (Err(error), Err(_)) => Err(error),
                (teams, agents) => Ok(ListEntries::Destinations {
                    teams: teams.unwrap_or_default(),
                    agents: agents.unwrap_or_default(),
                }),
            }
        }
    }
}
