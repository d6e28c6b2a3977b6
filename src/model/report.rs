//! How a team does: for how long customers waited for a first answer and for the end, by agent and
//! by team. What is counted stands in the tickets themselves; nothing is kept besides.

use std::collections::HashMap;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::{FirstAnswer, SlackUserId, Ticket, TicketEnding, TicketState, is_team};

/// Times, told by two of them: most people know neither more nor want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpread {
    /// How many times there are.
    pub count: usize,
    /// The one in the middle; of two, the longer.
    pub median: SignedDuration,
    /// The longest of them all.
    pub slowest: SignedDuration,
}

impl TimeSpread {
    /// None if there are no times.
    fn from_times(mut times: Vec<SignedDuration>) -> Option<Self> {
        times.sort();
        let median = *times.get(times.len() / 2)?;
        Some(Self { count: times.len(), median, slowest: *times.last()? })
    }
}

/// How tickets were served in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTimes {
    /// From the arrival to the first answer, of the tickets that got it in the span.
    pub first_answer: Option<TimeSpread>,
    /// From the arrival to the end, of the tickets that ended in the span.
    pub closing: Option<TimeSpread>,
}

/// How a team did in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceReport {
    /// Of all tickets, whoever served them.
    pub all: ServiceTimes,
    /// By agent, who closed most first.
    pub agents: Vec<(SlackUserId, ServiceTimes)>,
    /// By team, which closed most first; without a name, the tickets of none.
    pub teams: Vec<(Option<String>, ServiceTimes)>,
}

/// How many tickets are with a team at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeamQueue {
    /// Nobody holds them: a customer waits for somebody to claim.
    pub unclaimed: usize,
    /// How many are open and held by an agent.
    pub held: usize,
    /// Of those that are held: the customer waits for an answer.
    pub unanswered: usize,
}

/// The times of a group, as they are collected.
#[derive(Clone, Default)]
struct CollectedTimes {
    first_answers: Vec<SignedDuration>,
    closings: Vec<SignedDuration>,
}

impl CollectedTimes {
    fn into_service_times(self) -> ServiceTimes {
        ServiceTimes {
            first_answer: TimeSpread::from_times(self.first_answers),
            closing: TimeSpread::from_times(self.closings),
        }
    }
}

/// Counts what was answered and what ended in a span of time.
///
/// `tickets` must hold the open tickets and those that ended since the span began: one that was
/// answered in it is among them.
pub fn summarize_service<'t>(
    tickets: impl IntoIterator<Item = &'t Ticket>,
    span: &Range<Timestamp>,
) -> ServiceReport {
    let mut all = CollectedTimes::default();
    let mut agents: HashMap<SlackUserId, CollectedTimes> = HashMap::new();
    let mut teams: HashMap<Option<String>, CollectedTimes> = HashMap::new();
    // An active message is no ticket of Blip's, and nobody waited for it.
    for ticket in tickets.into_iter().filter(|ticket| ticket.id.active_target().is_none()) {
        let team = teams.entry(team_of(ticket)).or_default();
        if let Some(FirstAnswer { at, by }) = &ticket.first_answer
            && span.contains(at)
        {
            let time = at.duration_since(ticket.opened);
            all.first_answers.push(time);
            team.first_answers.push(time);
            if let Some(by) = by {
                agents.entry(by.clone()).or_default().first_answers.push(time);
            }
        }
        if let Some(at) = served_until(ticket).filter(|at| span.contains(at)) {
            let time = at.duration_since(ticket.opened);
            all.closings.push(time);
            team.closings.push(time);
            if let Some(by) = server_of(ticket) {
                agents.entry(by.clone()).or_default().closings.push(time);
            }
        }
    }
    ServiceReport {
        all: all.into_service_times(),
        agents: sort_groups(agents),
        teams: sort_groups(teams),
    }
}

/// How many tickets each team has, which has most that nobody holds first.
pub fn count_queues<'t>(
    open: impl IntoIterator<Item = &'t Ticket>,
) -> Vec<(Option<String>, TeamQueue)> {
    let mut teams: HashMap<Option<String>, TeamQueue> = HashMap::new();
    for ticket in open {
        let team = teams.entry(team_of(ticket)).or_default();
        if ticket.holder().is_some() {
            team.held += 1;
            team.unanswered += usize::from(ticket.unanswered.is_some());
        } else {
            // It waits for somebody to take it, whether or not it was answered once.
            team.unclaimed += 1;
        }
    }
    let mut teams: Vec<_> = teams.into_iter().collect();
    teams.sort_by(|(name, one), (other_name, other)| {
        (other.unclaimed, other.held).cmp(&(one.unclaimed, one.held)).then(name.cmp(other_name))
    });
    teams
}

/// Since when the customer of an open ticket waits for somebody: to take it, or to answer.
pub fn waits_since(ticket: &Ticket) -> Option<Timestamp> {
    match ticket.state {
        TicketState::Unclaimed => Some(ticket.unanswered.unwrap_or(ticket.opened)),
        TicketState::Claimed { .. } => ticket.unanswered,
        TicketState::Closed { .. } => None,
    }
}

/// The team of a ticket, if its queue is one.
pub fn team_of(ticket: &Ticket) -> Option<String> {
    ticket.team.clone().filter(|team| is_team(team))
}

/// When a ticket ended with the customer being served: one that was transferred goes on as another.
pub fn served_until(ticket: &Ticket) -> Option<Timestamp> {
    match &ticket.state {
        TicketState::Closed { ending, at } if *ending != TicketEnding::Transferred => Some(*at),
        TicketState::Closed { .. } | TicketState::Unclaimed | TicketState::Claimed { .. } => None,
    }
}

/// Who served the customer of a ticket that ended: who closed it or, where that was the customer or
/// Blip, who answered first.
pub fn server_of(ticket: &Ticket) -> Option<&SlackUserId> {
    match &ticket.state {
        // Who closed it has seen it to its end, even if somebody else had answered first.
        TicketState::Closed { ending: TicketEnding::Agent(agent), .. } => Some(&agent.user),
        TicketState::Closed { .. } | TicketState::Unclaimed | TicketState::Claimed { .. } => {
            ticket.first_answer.as_ref()?.by.as_ref()
        }
    }
}

/// Those who closed most first, then by name so that the order is always the same.
fn sort_groups<K: Ord>(groups: HashMap<K, CollectedTimes>) -> Vec<(K, ServiceTimes)> {
    let groups = groups.into_iter().map(|(name, times)| (name, times.into_service_times()));
    let mut groups: Vec<(K, ServiceTimes)> =
        groups.filter(|(_, times)| *times != ServiceTimes::default()).collect();
    let count = |spread: Option<TimeSpread>| spread.map_or(0, |spread| spread.count);
    groups.sort_by(|(name, one), (other_name, other)| {
        let size = |times: &ServiceTimes| (count(times.closing), count(times.first_answer));
        size(other).cmp(&size(one)).then(name.cmp(other_name))
    });
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Agent, BotName, TicketId};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn user(id: &str) -> SlackUserId {
        SlackUserId::parse(id).unwrap()
    }

    fn ticket(team: &str, answered: Option<(i64, &str)>, state: TicketState) -> Ticket {
        let id = TicketId::new(BotName::default(), "t").unwrap();
        let first_answer =
            answered.map(|(minute, by)| FirstAnswer { at: at(minute), by: Some(user(by)) });
        let ticket = Ticket::for_active_message(id, "5511@wa.gw.msging.net", at(0));
        Ticket { team: Some(team.to_owned()), first_answer, state, ..ticket }
    }

    fn closed(ending: TicketEnding, minute: i64) -> TicketState {
        TicketState::Closed { ending, at: at(minute) }
    }

    fn by(id: &str) -> TicketEnding {
        let identity = format!("{id}@blip.ai");
        TicketEnding::Agent(Agent { user: user(id), name: id.to_owned(), identity })
    }

    #[test]
    fn what_was_answered_and_ended_in_the_span_is_counted_by_who_did_it() {
        let tickets = [
            ticket("Vendas", Some((2, "U1")), closed(by("U2"), 40)),
            ticket("Vendas", Some((4, "U1")), closed(TicketEnding::Customer, 20)),
            ticket("Vendas", Some((9, "U1")), closed(TicketEnding::Transferred, 30)),
            ticket("DIRECT_TRANSFER", Some((90, "U1")), closed(by("U1"), 95)),
            ticket("Suporte", None, TicketState::Unclaimed),
        ];
        let report = summarize_service(&tickets, &(at(0)..at(60)));
        let spread = |count, median, slowest| {
            let minutes = SignedDuration::from_mins;
            Some(TimeSpread { count, median: minutes(median), slowest: minutes(slowest) })
        };
        let times = |first_answer, closing| ServiceTimes { first_answer, closing };
        assert_eq!(report.all, times(spread(3, 4, 9), spread(2, 40, 40)));
        let agents = [
            (user("U1"), times(spread(3, 4, 9), spread(1, 20, 20))),
            (user("U2"), times(None, spread(1, 40, 40))),
        ];
        assert_eq!(report.agents, agents);
        let team = (Some("Vendas".to_owned()), times(spread(3, 4, 9), spread(2, 40, 40)));
        assert_eq!(report.teams, [team]);
    }

    #[test]
    fn queues_are_counted_by_team_and_the_longest_is_first() {
        let held = || TicketState::Claimed {
            holder: Agent { user: user("U1"), name: String::new(), identity: String::new() },
            since: at(1),
        };
        let waits = |state| Ticket { unanswered: Some(at(3)), ..ticket("Vendas", None, state) };
        let open = [
            waits(held()),
            ticket("Vendas", None, held()),
            ticket("Suporte", None, TicketState::Unclaimed),
            ticket("DIRECT_TRANSFER", None, TicketState::Unclaimed),
            ticket("Suporte", None, TicketState::Unclaimed),
        ];
        let queue = |unclaimed, held, unanswered| TeamQueue { unclaimed, held, unanswered };
        assert_eq!(
            count_queues(&open),
            [
                (Some("Suporte".to_owned()), queue(2, 0, 0)),
                (None, queue(1, 0, 0)),
                (Some("Vendas".to_owned()), queue(0, 2, 1)),
            ]
        );
        let since: Vec<_> = open.iter().map(waits_since).collect();
        assert_eq!(since, [Some(at(3)), None, Some(at(0)), Some(at(0)), Some(at(0))]);
    }
}
