//! What moves tickets and sends to Blip.

use std::sync::Arc;

use super::base::{Base, Platforms};
use crate::config::{Config, ReplyPolicy};
use crate::handlers::composed::composer::Composer;
use crate::handlers::composed::permission::SendPermission;
use crate::handlers::endings::Endings;
use crate::handlers::holds::Holds;
use crate::handlers::moves::Moves;
use crate::handlers::moves::assignments::Assignments;
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::close_checks::CloseChecks;
use crate::handlers::moves::closings::Closings;
use crate::handlers::moves::tags::{Tags, build_need_cache};
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::outgoing::Outgoing;
use crate::handlers::outgoing::agent_files::AgentFiles;
use crate::handlers::outgoing::word_guard::WordGuard;
use crate::handlers::window::SendWindow;

/// What moves tickets and sends to Blip.
pub(super) struct MoveServices {
    pub(super) endings: Arc<Endings>,
    pub(super) window: Arc<SendWindow>,
    pub(super) permission: Arc<SendPermission>,
    pub(super) outgoing: Arc<Outgoing>,
    pub(super) assignments: Arc<Assignments>,
    pub(super) guard: Arc<WordGuard>,
    pub(super) composer: Arc<Composer>,
    pub(super) holds: Arc<Holds>,
    pub(super) moves: Arc<Moves>,
}

impl MoveServices {
    pub(super) fn build(config: &Config, base: &Base, files: &Arc<AgentFiles>) -> Self {
        let Base { calls, threads, lines, people, timers, platforms, .. } = base;
        let Platforms { bots, texts, .. } = platforms;
        let endings = Arc::new(Endings {
            calls: Arc::clone(calls),
            threads: Arc::clone(threads),
            timers: Arc::clone(timers),
            texts: texts.clone(),
        });
        let window = Arc::new(SendWindow { calls: Arc::clone(calls), lines: Arc::clone(lines) });
        let transitions = Arc::new(Transitions {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            lines: Arc::clone(lines),
            timers: Arc::clone(timers),
        });
        let claims = Arc::new(Claims {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            people: Arc::clone(people),
            timers: Arc::clone(timers),
        });
        let assignments = Arc::new(Assignments {
            calls: Arc::clone(calls),
            people: Arc::clone(people),
            claims: Arc::clone(&claims),
            timers: Arc::clone(timers),
        });
        let permission = Arc::new(SendPermission {
            calls: Arc::clone(calls),
            claims: Arc::clone(&claims),
            window: Arc::clone(&window),
            anyone: config.desk.reply_policy == ReplyPolicy::Anyone,
        });
        let outgoing = Arc::new(Outgoing {
            calls: Arc::clone(calls),
            bots: Arc::clone(bots),
            files: Arc::clone(files),
            people: Arc::clone(people),
        });
        let services = (Arc::clone(calls), Arc::clone(bots), Arc::clone(people));
        let is_on = config.desk.forbids_words;
        let guard = Arc::new(WordGuard::new(services, calls.clock.clone(), is_on));
        let composer = Arc::new(Composer {
            permission: Arc::clone(&permission),
            outgoing: Arc::clone(&outgoing),
            lines: Arc::clone(lines),
            timers: Arc::clone(timers),
            guard: Arc::clone(&guard),
            texts: texts.clone(),
        });
        let holds = Arc::new(Holds { calls: Arc::clone(calls), delay: config.desk.send_delay });
        let moves = Arc::new(build_moves(config, base, (transitions, claims), (&composer, &holds)));
        Self { endings, window, permission, outgoing, assignments, guard, composer, holds, moves }
    }
}

fn build_moves(
    config: &Config,
    base: &Base,
    (transitions, claims): (Arc<Transitions>, Arc<Claims>),
    (composer, holds): (&Arc<Composer>, &Arc<Holds>),
) -> Moves {
    let Base { calls, lines, platforms, .. } = base;
    let bots = &platforms.bots;
    let tags = Arc::new(Tags {
        transitions: Arc::clone(&transitions),
        calls: Arc::clone(calls),
        bots: Arc::clone(bots),
        lines: Arc::clone(lines),
        rule: config.desk.tag_rule,
        needs: build_need_cache(calls.clock.clone()),
    });
    Moves {
        closings: Arc::new(Closings {
            transitions: Arc::clone(&transitions),
            calls: Arc::clone(calls),
            composer: Arc::clone(composer),
            checks: Arc::new(CloseChecks {
                calls: Arc::clone(calls),
                holds: Arc::clone(holds),
                tags: Arc::clone(&tags),
                lines: Arc::clone(lines),
            }),
        }),
        tags,
        transitions,
        claims,
    }
}
