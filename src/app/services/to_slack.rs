//! What handles Blip's events.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use super::base::{Base, Platforms};
use super::moves::MoveServices;
use crate::config::Config;
use crate::handlers::to_slack::ToSlack;
use crate::handlers::to_slack::customers::Customers;
use crate::handlers::to_slack::file_posts::FilePosts;
use crate::handlers::to_slack::files::CustomerFiles;
use crate::handlers::to_slack::messages::CustomerMessages;
use crate::handlers::to_slack::new_tickets::NewTickets;
use crate::handlers::to_slack::pieces::Pieces;
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::handlers::to_slack::quotes::Quotes;
use crate::handlers::to_slack::ratings::Ratings;
use crate::handlers::to_slack::receipts::Receipts;
use crate::handlers::to_slack::standby_ends::StandbyEnds;
use crate::handlers::to_slack::tickets::Tickets;
use crate::handlers::to_slack::transfers::FileTransfers;
use crate::jobs::origins::OriginChanges;
use crate::media::Fetcher;

/// Most cards that are drawn again at a start, where a setting that they show has changed. Slack
/// takes some 50 changes a minute (`slack.md` C.1), and people need them.
const MAX_CARDS_AT_START: usize = 30;

/// What handles Blip's events.
pub(super) struct ToSlackServices {
    pub(super) events: Arc<ToSlack>,
    pub(super) files: Arc<FilePosts>,
    pub(super) customers: Arc<Customers>,
    pub(super) pushed: Arc<PushedReceipts>,
    pub(super) tickets: Arc<Tickets>,
}

impl ToSlackServices {
    pub(super) fn build(
        config: &Config,
        base: &Base,
        moves: &MoveServices,
        origins: &OriginChanges,
        (fetcher, patience): (&Arc<Fetcher>, Duration),
    ) -> Self {
        let Base { calls, threads, timers, platforms, .. } = base;
        let Platforms { slack, bots, texts } = platforms;
        let files = Arc::new(build_file_posts(config, base, fetcher));
        let customer_files = Arc::new(CustomerFiles {
            calls: Arc::clone(calls),
            slack: Arc::clone(slack),
            threads: Arc::clone(threads),
            posts: Arc::clone(&base.posts),
            files: Arc::clone(&files),
            texts: texts.clone(),
            patience,
        });
        let customers =
            Arc::new(Customers::new(Arc::clone(calls), Arc::clone(bots), Arc::clone(timers)));
        let pieces = Arc::new(Pieces {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            threads: Arc::clone(threads),
            files: customer_files,
            slack: Arc::clone(slack),
            texts: texts.clone(),
            media_max: config.media.max,
        });
        let tickets = build_tickets(base, moves, origins, (&customers, &pieces));
        let tickets = Arc::new(tickets);
        let quotes = Arc::new(Quotes {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            slack: Arc::clone(slack),
            texts: texts.clone(),
        });
        let messages = Arc::new(CustomerMessages {
            calls: Arc::clone(calls),
            tickets: Arc::clone(&tickets),
            quotes,
            pieces,
            timers: Arc::clone(timers),
            tells_seen: config.desk.tells_seen,
        });
        let pushed = Arc::new(PushedReceipts::new(calls.clock.clone()));
        let receipts = Arc::new(Receipts {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            pushed: Arc::clone(&pushed),
            slack: Arc::clone(slack),
            texts: texts.clone(),
        });
        let standby_ends = StandbyEnds {
            calls: Arc::clone(&base.calls),
            threads: Arc::clone(&base.threads),
            texts: base.platforms.texts.clone(),
        };
        let tickets = Arc::clone(&tickets);
        let events =
            Arc::new(ToSlack { tickets: Arc::clone(&tickets), messages, receipts, standby_ends });
        Self { events, files, customers, pushed, tickets }
    }
}

fn build_file_posts(config: &Config, base: &Base, fetcher: &Arc<Fetcher>) -> FilePosts {
    let Platforms { slack, bots, texts } = &base.platforms;
    let (fetcher, max) = (Arc::clone(fetcher), config.media.max);
    FilePosts {
        calls: Arc::clone(&base.calls),
        slack: Arc::clone(slack),
        transfers: FileTransfers::new(fetcher, Arc::clone(slack), Arc::clone(bots), max),
        texts: texts.clone(),
        media_max: max,
        waits: DashMap::new(),
    }
}

fn build_tickets(
    base: &Base,
    moves: &MoveServices,
    origins: &OriginChanges,
    (customers, pieces): (&Arc<Customers>, &Arc<Pieces>),
) -> Tickets {
    let Base { calls, threads, timers, platforms, .. } = base;
    Tickets {
        calls: Arc::clone(calls),
        bots: Arc::clone(&platforms.bots),
        endings: Arc::clone(&moves.endings),
        customers: Arc::clone(customers),
        arrivals: Arc::new(NewTickets {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            customers: Arc::clone(customers),
            timers: Arc::clone(timers),
            pieces: Arc::clone(pieces),
        }),
        ratings: Arc::new(Ratings { calls: Arc::clone(calls) }),
        has_few_cards: origins.open_tickets <= MAX_CARDS_AT_START,
    }
}
