//! Builds the doors, and what is answered behind them on the spot.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;

use super::services::{Platforms, Services, agent_group};
use crate::config::{BotConfig, Config, ReplyPolicy};
use crate::dialog::bot_lists::BotLists;
use crate::dialog::canned::CannedPreviews;
use crate::dialog::commands::Commands;
use crate::dialog::drafts::Drafts;
use crate::dialog::home_tabs::{BridgeStatus, HomeTabs};
use crate::dialog::pages::TicketPages;
use crate::dialog::switches::Switches;
use crate::dialog::templates::TemplateDialogs;
use crate::dialog::tickets::TicketLookup;
use crate::dialog::unread::UnreadWords;
use crate::dialog::viewer::Viewers;
use crate::dialog::views::DialogViews;
use crate::dialog::visible_tickets::VisibleTickets;
use crate::dialog::{ChoiceCache, Dialogs, LeadBoard};
use crate::handlers::bots::Bots;
use crate::handlers::outgoing::agent_files::AgentFiles;
use crate::intake::{
    BlipDoor, Doors, Downloads, EventDoor, FileProvider, ImmediateAnswers, MediaDoor, OperatorDoor,
    RejectedRequestLog, SlackDoor, WebhookAuth,
};
use crate::jobs::health::Health;
use crate::jobs::origins::OriginChanges;
use crate::media::{FileRequest, FileUnavailable, ServedFile};
use crate::model::{BotName, Readiness, ReadinessSource};
use crate::slack::Mask;
use crate::slack::socket::SocketHealth;
use crate::slack::verify::Verifier;

/// How the bridge is at the moment: what its checks have found, and the connection of Socket Mode if there
/// is one.
struct WatchedReadiness {
    health: Arc<Health>,
    socket: Option<SocketHealth>,
}

impl ReadinessSource for WatchedReadiness {
    fn read_readiness(&self) -> Readiness {
        let mut readiness = self.health.collect_readiness();
        let connection = self.socket.as_ref().and_then(SocketHealth::trouble);
        // Without a connection no event comes in, and nothing else would show it
        // (`without_the_link_the_bridge_is_not_ready_and_says_why`).
        readiness.troubles.extend(connection.map(str::to_owned));
        readiness
    }
}

impl FileProvider for AgentFiles {
    fn provide_file(
        &self,
        wanted: FileRequest,
    ) -> BoxFuture<'_, Result<ServedFile, FileUnavailable>> {
        Box::pin(async move { self.serve_file(&wanted).await })
    }
}

/// Builds the doors in front of these services.
pub(super) fn build_doors(
    config: &Config,
    (services, origins): (&Services, &OriginChanges),
    socket_health: Option<&SocketHealth>,
    (downloads, tasks): (Downloads, TaskTracker),
) -> Doors {
    let (calls, gaps) = (&services.gap_watch.calls, &services.gap_watch.gaps);
    let events = Arc::new(EventDoor {
        store: Arc::clone(&calls.store),
        clock: calls.clock.clone(),
        gaps: Arc::clone(gaps),
        has_refused: Arc::clone(&services.gap_watch.has_refused),
    });
    let rejected_log = RejectedRequestLog::default();
    let readiness: Arc<dyn ReadinessSource> = Arc::new(WatchedReadiness {
        health: Arc::clone(&services.health),
        socket: socket_health.cloned(),
    });
    let blip = BlipDoor {
        events: Arc::clone(&events),
        bots: config.bots.iter().map(build_webhook_auth).collect(),
        former: list_former_names(origins),
        rejected_log: rejected_log.clone(),
    };
    let slack = SlackDoor {
        events,
        // Over Socket Mode, Slack has no business at our address.
        verifier: socket_health.is_none().then(|| Verifier::new(&config.slack.signing_secrets)),
        answers: build_answers(config, services, (&readiness, tasks)),
        mask: Mask::new(&config.desk.masked),
        renames: services.platforms.slack.renames().clone(),
        us: services.platforms.slack.own_identity().clone(),
        changed: Arc::clone(&services.health.slack_changed),
        rejected_log: rejected_log.clone(),
    };
    let files = Arc::clone(&services.agent_files);
    let media = MediaDoor { files, downloads, rejected_log };
    let operators =
        OperatorDoor { store: Arc::clone(&calls.store), clock: calls.clock.clone(), readiness };
    Doors {
        blip: Arc::new(blip),
        slack: Arc::new(slack),
        media: Arc::new(media),
        operators: Arc::new(operators),
    }
}

fn build_answers(
    config: &Config,
    services: &Services,
    (readiness, tasks): (&Arc<dyn ReadinessSource>, TaskTracker),
) -> ImmediateAnswers {
    let Platforms { slack, bots, texts } = &services.platforms;
    let calls = &services.gap_watch.calls;
    let (store, clock) = (|| Arc::clone(&calls.store), || calls.clock.clone());
    let slack = || Arc::clone(slack);
    let anyone_may_reply = config.desk.reply_policy == ReplyPolicy::Anyone;
    let viewers = Arc::new(Viewers {
        slack: slack(),
        clock: clock(),
        texts: texts.clone(),
        agent_group: agent_group(config),
    });
    let tickets = Arc::new(TicketLookup { store: store(), clock: clock(), anyone_may_reply });
    let lists = Arc::new(build_lists(config, bots, ChoiceCache::new(clock(), tasks.clone())));
    let templates = Arc::new(TemplateDialogs { lists: Arc::clone(&lists) });
    let visible = Arc::new(VisibleTickets {
        store: store(),
        slack: slack(),
        last_words: Arc::clone(&services.last_words),
        clock: clock(),
    });
    let status =
        Arc::new(BridgeStatus { visible: Arc::clone(&visible), readiness: Arc::clone(readiness) });
    let switches = Arc::new(Switches { store: store(), clock: clock() });
    let unread = Arc::new(UnreadWords { store: store(), clock: clock() });
    ImmediateAnswers {
        dialogs: Arc::new(Dialogs {
            viewers: Arc::clone(&viewers),
            tickets: Arc::clone(&tickets),
            views: Arc::new(build_views(config, services, (&lists, &templates, &unread))),
            pages: Arc::new(TicketPages {
                store: store(),
                slack: slack(),
                lists: Arc::clone(&lists),
                masked: config.desk.masked.clone(),
            }),
            slack: slack(),
            tasks: tasks.clone(),
        }),
        commands: Arc::new(Commands {
            viewers: Arc::clone(&viewers),
            visible: Arc::clone(&visible),
            status: Arc::clone(&status),
            templates: Arc::clone(&templates),
            switches: Arc::clone(&switches),
            routes: bots.routes.clone(),
        }),
        homes: Arc::new(HomeTabs::new(
            Arc::clone(&viewers),
            visible,
            (status, switches),
            (build_lead_board(config, services), tasks),
        )),
        drafts: Arc::new(Drafts { viewers, tickets, lists, templates, unread }),
    }
}

fn build_lists(config: &Config, bots: &Bots, lists: ChoiceCache) -> BotLists {
    BotLists {
        bots: bots.clients.clone(),
        routers: bots.routers.clone(),
        // One for all dialogs: what one of them has read is there for the next.
        lists,
        tag_rule: config.desk.tag_rule,
    }
}

fn build_views(
    config: &Config,
    services: &Services,
    (lists, templates, unread): (&Arc<BotLists>, &Arc<TemplateDialogs>, &Arc<UnreadWords>),
) -> DialogViews {
    let clock = || services.gap_watch.calls.clock.clone();
    let texts = services.platforms.texts.clone();
    DialogViews {
        lists: Arc::clone(lists),
        templates: Arc::clone(templates),
        canned: Arc::new(CannedPreviews { lists: Arc::clone(lists), texts, clock: clock() }),
        unread: Arc::clone(unread),
        clock: clock(),
        anyone_may_reply: config.desk.reply_policy == ReplyPolicy::Anyone,
        note_prefix: config.desk.note_prefix.clone(),
    }
}

fn build_lead_board(config: &Config, services: &Services) -> LeadBoard {
    let calls = &services.gap_watch.calls;
    let slack = Arc::clone(&services.platforms.slack);
    let group = (config.desk.leads.clone(), config.timezone.clone());
    LeadBoard::new(Arc::clone(&calls.store), slack, calls.clock.clone(), group)
}

fn build_webhook_auth(bot: &BotConfig) -> (BotName, WebhookAuth) {
    let tokens = bot.webhook_tokens.clone();
    (bot.name.clone(), WebhookAuth { tokens, header: bot.webhook_header.clone() })
}

/// The former names of each bot that was renamed.
fn list_former_names(origins: &OriginChanges) -> HashMap<BotName, Vec<BotName>> {
    let mut former: HashMap<BotName, Vec<BotName>> = HashMap::new();
    for (was, is) in &origins.renamed {
        former.entry(is.clone()).or_default().push(was.clone());
    }
    former
}
