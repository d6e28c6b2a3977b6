//! What handles Slack's events.

use std::sync::Arc;

use super::base::Base;
use super::moves::MoveServices;
use crate::config::{Config, ReactionsOn, ReplyPolicy};
use crate::handlers::composed::active::ActiveMessages;
use crate::handlers::contacts::Contacts;
use crate::handlers::holds::Holds;
use crate::handlers::to_blip::ToBlip;
use crate::handlers::to_blip::asked_replies::AskedReplies;
use crate::handlers::to_blip::buttons::Buttons;
use crate::handlers::to_blip::clicks::Clicks;
use crate::handlers::to_blip::corrections::Corrections;
use crate::handlers::to_blip::held_replies::HeldReplies;
use crate::handlers::to_blip::list_clicks::ListClicks;
use crate::handlers::to_blip::notes::Notes;
use crate::handlers::to_blip::reaction_history::ReactionHistory;
use crate::handlers::to_blip::reactions::Reactions;
use crate::handlers::to_blip::replies::Replies;
use crate::handlers::to_blip::resends::Resends;
use crate::handlers::to_blip::sender::Sender;
use crate::handlers::to_blip::submissions::Submissions;
use crate::handlers::to_blip::thread_events::ThreadEvents;
use crate::handlers::to_blip::unknown::UnknownMessages;
use crate::handlers::to_blip::versions::Versions;
use crate::model::reply::ReplyRules;
use crate::slack::{self};

/// What handles Slack's events.
pub(super) struct ToBlipServices {
    pub(super) events: Arc<ToBlip>,
    pub(super) holds: Arc<Holds>,
    pub(super) held: Arc<HeldReplies>,
    pub(super) history: Arc<ReactionHistory>,
}

impl ToBlipServices {
    pub(super) fn build(config: &Config, base: &Base, moves: &MoveServices) -> Self {
        let Base { calls, people, gaps, .. } = base;
        let slack = &base.platforms.slack;
        let history = Arc::new(ReactionHistory { calls: Arc::clone(calls) });
        let versions = Arc::new(Versions { calls: Arc::clone(calls), slack: Arc::clone(slack) });
        let holds = Arc::clone(&moves.holds);
        let notes = Arc::new(Notes {
            calls: Arc::clone(calls),
            people: Arc::clone(people),
            lines: Arc::clone(&base.lines),
            guard: Arc::clone(&moves.guard),
        });
        let sender = Arc::new(Sender {
            calls: Arc::clone(calls),
            outgoing: Arc::clone(&moves.outgoing),
            notes: Arc::clone(&notes),
            window: Arc::clone(&moves.window),
            timers: Arc::clone(&base.timers),
            reply: build_reply_rules(config),
        });
        let replies = Arc::new(Replies {
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
            notes: Arc::clone(&notes),
            sender: Arc::clone(&sender),
            holds: Arc::clone(&holds),
        });
        let held = Arc::new(HeldReplies {
            calls: Arc::clone(calls),
            people: Arc::clone(people),
            versions: Arc::clone(&versions),
            holds: Arc::clone(&holds),
            replies: Arc::clone(&replies),
        });
        let parts = (Arc::clone(&history), Arc::clone(&versions), replies, &holds);
        let thread_events = Arc::new(build_thread_events(config, base, moves, parts));
        let unknown = Arc::new(UnknownMessages { calls: Arc::clone(calls) });
        let events = Arc::new(ToBlip {
            calls: Arc::clone(calls),
            gaps: Arc::clone(gaps),
            unknown: Arc::clone(&unknown),
            clicks: Arc::new(build_clicks(base, moves, (versions, notes, sender, &holds), unknown)),
            submissions: Arc::new(build_submissions(base, moves)),
            thread_events,
        });
        Self { events, holds, held, history }
    }
}

fn build_submissions(base: &Base, moves: &MoveServices) -> Submissions {
    let Base { calls, people, threads, lines, timers, platforms, .. } = base;
    let bots = &platforms.bots;
    Submissions {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        moves: Arc::clone(&moves.moves),
        composer: Arc::clone(&moves.composer),
        contacts: Arc::new(Contacts {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            lines: Arc::clone(lines),
        }),
        active: Arc::new(ActiveMessages {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            threads: Arc::clone(threads),
            timers: Arc::clone(timers),
        }),
    }
}

fn build_thread_events(
    config: &Config,
    base: &Base,
    moves: &MoveServices,
    (history, versions, replies, holds): (
        Arc<ReactionHistory>,
        Arc<Versions>,
        Arc<Replies>,
        &Arc<Holds>,
    ),
) -> ThreadEvents {
    let Base { calls, people, posts, platforms, .. } = base;
    ThreadEvents {
        history,
        versions,
        replies,
        reactions: Arc::new(Reactions {
            slack: Arc::clone(&platforms.slack),
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
            holds: Arc::clone(holds),
            claim_reaction: config.desk.claim_reaction.clone(),
            close_reaction: config.desk.close_reaction.clone(),
        }),
        corrections: Arc::new(Corrections {
            calls: Arc::clone(calls),
            slack: Arc::clone(&platforms.slack),
            people: Arc::clone(people),
            posts: Arc::clone(posts),
            holds: Arc::clone(holds),
        }),
        reactions_anywhere: config.desk.reactions_on == ReactionsOn::Thread,
    }
}

fn build_clicks(
    base: &Base,
    moves: &MoveServices,
    (versions, notes, sender, holds): (Arc<Versions>, Arc<Notes>, Arc<Sender>, &Arc<Holds>),
    unknown: Arc<UnknownMessages>,
) -> Clicks {
    let Base { calls, people, .. } = base;
    let slack = &base.platforms.slack;
    let asked = Arc::new(AskedReplies {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        versions,
        moves: Arc::clone(&moves.moves),
        notes,
        sender: Arc::clone(&sender),
    });
    let resends = Arc::new(Resends {
        calls: Arc::clone(calls),
        slack: Arc::clone(slack),
        permission: Arc::clone(&moves.permission),
        outgoing: Arc::clone(&moves.outgoing),
        guard: Arc::clone(&moves.guard),
        sender,
    });
    Clicks {
        calls: Arc::clone(calls),
        people: Arc::clone(people),
        unknown,
        buttons: Arc::new(Buttons {
            calls: Arc::clone(calls),
            moves: Arc::clone(&moves.moves),
            holds: Arc::clone(holds),
            asked,
            resends,
        }),
        lists: Arc::new(ListClicks {
            slack: Arc::clone(slack),
            people: Arc::clone(people),
            moves: Arc::clone(&moves.moves),
        }),
    }
}

fn build_reply_rules(config: &Config) -> ReplyRules {
    ReplyRules {
        // Messages are read with their emoji as Unicode, so a prefix such as `:memo:` must be, too.
        note_prefix: slack::emoji::replace_emoji_names(&config.desk.note_prefix).into_owned(),
        claims: config.desk.reply_claims,
        anyone: config.desk.reply_policy == ReplyPolicy::Anyone,
    }
}
