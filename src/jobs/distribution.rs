//! Distribution: tickets that wait are given to the agents of their channels in turn.
//!
//! Here it is only decided whose turn it is, and the turn taken; whoever it was becomes the holder in
//! the ticket's lane towards Blip, as with every claim ([`AssignmentJob::assign_ticket`]).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::handlers::people::People;
use crate::handlers::timers::AssignmentRules;
use crate::inbox::{Assignment, AssignmentJob, Handled, Handling, ItemOutcome};
use crate::model::{
    ChannelId, Failure, Fault, PersonalSwitch, SlackUserId, Ticket, TicketState, is_team,
};
use crate::slack::{self, SlackClient, members, presence};
use crate::store::{TurnRequest, switches};

/// How soon it is looked again who is free while a ticket waits: nobody tells that somebody's hours of
/// peace have ended, or that they have joined a channel.
const RETRY_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Most agents of a channel whose presence Slack is asked for, which allows 50 questions a minute
/// (`slack.md`, additions, 5). It only sorts.
const MAX_PRESENCE_LOOKUPS: usize = 40;

/// Gives tickets to agents.
pub(crate) struct Distribution {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) people: Arc<People>,
    pub(crate) bots: Arc<Bots>,
    /// None if tickets wait for who claims them.
    pub(crate) rules: Option<AssignmentRules>,
}

impl Distribution {
    /// Gives the tickets that wait to agents who are free: the most urgent first, of those who waits longest. Those for which
    /// nobody is free wait on, and are looked at again.
    pub(crate) async fn distribute_tickets(&self, item: &Handling, count: usize) -> HandlerResult {
        let done = Handled { items: count, outcome: ItemOutcome::Forgotten };
        let Some(rules) = self.rules else { return Ok(done) };
        let now = self.calls.clock.now();
        let mut agents: HashMap<ChannelId, Vec<(SlackUserId, bool)>> = HashMap::new();
        let mut is_left = false;
        let mut open = self.calls.read(item).await?.open_tickets().await?;
        open.sort_by_key(Ticket::queue_place);
        for ticket in open {
            let Some(thread) = ticket.thread.as_ref().filter(|_| self.is_to_be_given(&ticket))
            else {
                continue;
            };
            let known = match agents.entry(thread.channel.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.find_agents(&thread.channel).await?),
            };
            is_left |= !self.give_ticket(item, &ticket, known, (rules, now)).await?;
        }
        if is_left {
            self.calls
                .enqueue_item(item, AssignmentJob::distribute_later(now + RETRY_PAUSE))
                .await?;
        }
        Ok(done)
    }

    /// Whether anybody may have a ticket. One that was transferred to an agent waits for that agent.
    fn is_to_be_given(&self, ticket: &Ticket) -> bool {
        let is_for_team = ticket.team.as_deref().is_none_or(is_team);
        ticket.state == TicketState::Unclaimed && is_for_team && self.bots.contains(ticket.id.bot())
    }

    /// Gives a ticket to whose turn it is. False if nobody can have it now.
    async fn give_ticket(
        &self,
        item: &Handling,
        ticket: &Ticket,
        agents: &[(SlackUserId, bool)],
        (rules, now): (AssignmentRules, Timestamp),
    ) -> PipeResult<bool> {
        // Without a time in which to answer, who gave it back may have it again after a while.
        let pause = rules.timeout.and_then(|timeout| SignedDuration::try_from(timeout).ok());
        let passed_after = now - pause.unwrap_or(RETRY_PAUSE);
        let wanted = TurnRequest { agents: agents.to_vec(), slots: rules.slots, passed_after };
        let Some(turn) = self.calls.read(item).await?.take_turn(&ticket.id, &wanted).await? else {
            return Ok(false);
        };
        tracing::info!(ticket.id = %ticket.id, turn = turn.number, "a ticket is given to an agent");
        let (ticket, agent, turn) = (ticket.id.clone(), turn.agent, turn.number);
        let job = AssignmentJob::assign_ticket(Assignment { ticket, agent, turn }, now);
        self.calls.enqueue_item(item, job).await?;
        Ok(true)
    }

    /// Who may be given tickets of a channel: its agents who are known to Blip, take no break and are
    /// not to be left alone; each with whether Slack calls them active, which only sorts. Nobody in a
    /// channel of which Slack will not tell, such as one that is gone.
    async fn find_agents(&self, channel: &ChannelId) -> PipeResult<Vec<(SlackUserId, bool)>> {
        match self.list_free_agents(channel).await {
            Err(Interrupt::Call { fault: Fault::Refused { .. } | Fault::Credentials, error }) => {
                tracing::warn!(slack.channel = %channel, error, "nobody is given its tickets");
                Ok(Vec::new())
            }
            found => found,
        }
    }

    async fn list_free_agents(&self, channel: &ChannelId) -> PipeResult<Vec<(SlackUserId, bool)>> {
        let rules = &self.people.agents;
        let mut free = Vec::new();
        for (user, profile) in
            members::list_agents(&self.slack, channel, rules.group.as_deref()).await?
        {
            // Without an identity at Blip the claim would be refused (`claims.rs`), and the turn be
            // lost.
            let is_known =
                rules.default.is_some() || profile.email.is_some() || rules.map.contains_key(&user);
            let (store, pause) = (&*self.calls.store, PersonalSwitch::Pause);
            if is_known && switches::read_switch(store, pause, &user).await?.is_none() {
                free.push(user);
            }
        }
        let undisturbed = presence::list_undisturbed(&self.slack, &free).await?;
        free.retain(|user| !undisturbed.contains(user));
        let mut agents = Vec::new();
        // Slack tells of presence by no event (`slack.md`, additions §5), so it is asked for when
        // somebody is about to be given something.
        let sorts = free.len() <= MAX_PRESENCE_LOOKUPS;
        for user in free {
            let is_active = !sorts || self.is_active(&user).await;
            agents.push((user, is_active));
        }
        Ok(agents)
    }

    /// Whether Slack calls somebody active. It only sorts, so nothing waits for a Slack that does not
    /// tell.
    async fn is_active(&self, user: &SlackUserId) -> bool {
        let told: Result<bool, slack::Error> = presence::is_active(&self.slack, user).await;
        told.unwrap_or_else(|error| {
            tracing::debug!(fault = error.to_fault().name(), "slack does not tell who is there");
            true
        })
    }
}
