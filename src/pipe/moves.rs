//! Claim, release, close: the one machine behind reactions, buttons and replies.
//!
//! A move changes our ticket only after Blip has agreed, and whatever Blip says of a ticket wins.

use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, CallError, Interrupt, MISSING_BOT_PAUSE, PipeResult};
use crate::blip;
use crate::inbox::{Job, ReminderTopic};
use crate::locale::Texts;
use crate::model::{
    Agent, ChannelId, Closing, Failure, Fault, Move, MoveRefusal, SlackUserId, Ticket,
    TicketEnding, TicketSnapshot, TicketState,
};
use crate::slack::rich_text::Mention;
use crate::slack::{AgentStatus, Profile, SlackBlock, action, card, parse};
use crate::slack::{directory, members};
use crate::store::Item;

/// Reasons for which Blip may refuse an agent that it does not know (`blip.md` §10 #6).
const UNKNOWN_AGENT_CODES: [&str; 4] = ["25", "33", "64", "67"];

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MoveOutcome {
    /// As asked, now or before.
    Done,
    /// Not, and the person has been told why.
    Refused,
}

/// Who wants something.
pub(super) struct Person {
    /// What they read, in their own language.
    pub(crate) texts: Texts,
    /// Their Slack user.
    pub(crate) user: SlackUserId,
    /// What Slack says of them.
    pub(crate) profile: Profile,
    /// Whether they may answer this customer.
    pub(crate) status: AgentStatus,
    /// Where they can be answered if they are not in the ticket's thread.
    pub(crate) response_url: Option<String>,
}

impl Person {
    /// Whether they may answer this customer.
    pub(super) fn is_agent(&self) -> bool {
        self.status.is_agent()
    }
}

impl Bridge {
    /// Looks up who did something about a ticket, and whether they may.
    pub(super) async fn look_up_person(
        &self,
        item: &Item,
        ticket: &Ticket,
        user: &SlackUserId,
    ) -> PipeResult<Person> {
        let channel = self.current_channel(ticket).await?;
        let person = self.look_up_person_in(item, &channel, user).await?;
        if person.is_agent() && !self.bots.contains_key(ticket.id.bot()) {
            let now = self.clock.now();
            if now < item.received + MISSING_BOT_PAUSE {
                self.tell_person(ticket, &person, &person.texts.text("ask-no-bot", &[]), &[]).await;
            }
            return Err(Interrupt::Wait(now + MISSING_BOT_PAUSE));
        }
        Ok(person)
    }

    /// Looks up who did something in a channel, and whether they may answer its customers.
    pub(super) async fn look_up_person_in(
        &self,
        item: &Item,
        channel: &ChannelId,
        user: &SlackUserId,
    ) -> PipeResult<Person> {
        let mut profile = match directory::fetch_profile(&self.slack, user).await {
            // Of whom Slack says nothing is nobody's colleague.
            Err(error) if error.is_unknown_user() => Profile::default(),
            profile => profile?,
        };
        profile.workspaces.add_named(&parse::parse_workspace_names(&item.body));
        let (group, since) = (self.rules.agent_group.as_deref(), item.received);
        let standing =
            members::check_agent_status(&self.slack, (user, &profile), channel, group, since).await;
        let standing = match standing {
            // Waiting for a scope would lock everybody out without a word: the item is parked,
            // which people see.
            Err(error) if error.code() == Some("missing_scope") => {
                let fault = Fault::Refused { code: "missing_scope".to_owned() };
                return Err(Interrupt::Call { fault, error: error.to_string() });
            }
            standing => standing?,
        };
        let words = self.texts.for_reader(profile.locale.as_deref());
        Ok(Person {
            texts: words,
            user: user.clone(),
            profile,
            status: standing,
            response_url: None,
        })
    }

    /// Tells somebody who may not do something about a ticket that it is so.
    pub(super) async fn tell_no_permission(&self, ticket: &Ticket, person: &Person) {
        if let Some(key) = person.status.refusal_key() {
            self.tell_person(ticket, person, &person.texts.text(key, &[]), &[]).await;
        }
    }

    /// What a person reads, in their own language where Slack tells it.
    pub(super) async fn texts_for(&self, user: &SlackUserId) -> Texts {
        let profile = directory::fetch_profile(&self.slack, user).await.unwrap_or_default();
        self.texts.for_reader(profile.locale.as_deref())
    }

    /// Makes a move for a person, or tells them why not.
    pub(super) async fn make_move(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
    ) -> PipeResult<MoveOutcome> {
        if let Some(moved) = self.check_move(ticket, person, r#move).await? {
            return Ok(moved);
        }
        match r#move {
            Move::Claim { .. } => self.claim_ticket(item, ticket, person).await,
            Move::Release => {
                self.change_state(ticket, TicketState::Unclaimed).await?;
                self.schedule_reminder(ticket, ReminderTopic::Unclaimed, item.received).await?;
                Ok(MoveOutcome::Done)
            }
            Move::Close(closing) => self.close_ticket(item, ticket, person, closing).await,
            Move::Transfer(to) => self.transfer_ticket(item, ticket, person, to).await,
            Move::Tag(tags) => self.tag_ticket(item, ticket, person, tags).await,
        }
    }

    /// Claims a ticket for a person, or tells them why not.
    pub(super) async fn make_claim(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<MoveOutcome> {
        match self.check_move(ticket, person, &Move::Claim { over: false }).await? {
            Some(moved) => Ok(moved),
            None => self.claim_ticket(item, ticket, person).await,
        }
    }

    /// How a move ends that needs no doing: it is so already, or it is not legal, and the person
    /// is told why.
    async fn check_move(
        &self,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
    ) -> PipeResult<Option<MoveOutcome>> {
        match ticket.check_move(&person.user, r#move) {
            Ok(()) => Ok(None),
            Err(MoveRefusal::Already) => {
                // An earlier run may not have come as far as the card.
                self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?;
                Ok(Some(MoveOutcome::Done))
            }
            Err(refusal) => {
                self.tell_refusal(ticket, person, r#move, &refusal).await;
                Ok(Some(MoveOutcome::Refused))
            }
        }
    }

    pub(super) async fn change_state(
        &self,
        ticket: &mut Ticket,
        state: TicketState,
    ) -> PipeResult<()> {
        ticket.enter_state(state);
        self.store.put_ticket(ticket).await?;
        Ok(self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?)
    }

    async fn claim_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<MoveOutcome> {
        let own = self.blip_identity(person);
        let Some(identity) = own.clone().or_else(|| self.rules.default_agent.clone()) else {
            self.tell_person(ticket, person, &person.texts.text("ask-no-identity", &[]), &[]).await;
            return Ok(MoveOutcome::Refused);
        };
        let mut agent = build_agent(person, identity);
        let mut opened = self.open_at_blip(item, "open", ticket, &agent).await;
        if let (Err(CallError::Call(error)), Some(default)) = (&opened, &self.rules.default_agent)
            && error.code().is_some_and(|code| UNKNOWN_AGENT_CODES.contains(&code))
            && agent.identity != *default
            && self.fetch_ending(ticket).await?.is_none()
        {
            agent.identity.clone_from(default);
            opened = self.open_at_blip(item, "open-default", ticket, &agent).await;
            if opened.is_ok() {
                let text =
                    person.texts.text("thread-default-agent", &[("agent", &person.profile.name)]);
                self.tell_person(ticket, person, &text, &[]).await;
            }
        }
        match opened {
            Ok(()) => {
                if let Some(previous) = ticket.holder().cloned() {
                    self.post_take_over(item, ticket, &agent, &previous).await?;
                }
                let since = item.received;
                self.change_state(ticket, TicketState::Claimed { holder: agent, since }).await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was claimed");
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let claim = Move::Claim { over: false };
                self.handle_refused_move(item, ticket, person, &claim, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who loses a ticket to a colleague hears of it.
    async fn post_take_over(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        agent: &Agent,
        previous: &Agent,
    ) -> PipeResult<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let args = [("agent", agent.name.as_str())];
        let line = self.texts.text("thread-taken-over", &args);
        let post = ThreadPost::with_mention(&Mention::User(previous.user.clone()), &line);
        self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
        self.post_to_ticket(item, "taken-over", ticket, &post).await.map(drop)
    }

    async fn open_at_blip(
        &self,
        item: &Item,
        step: &str,
        ticket: &Ticket,
        agent: &Agent,
    ) -> Result<(), CallError<blip::Error>> {
        let Some(bot) = self.bots.get(ticket.id.bot()) else {
            return Err(no_bot_error("open ticket"));
        };
        let look = async {
            let snapshot = bot.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| is_open_with(snapshot, agent)).map(drop))
        };
        self.call_once(item, step, None, look, bot.open_ticket(&ticket.id, &agent.identity)).await
    }

    async fn close_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<MoveOutcome> {
        if let Some(farewell) = &closing.farewell
            && self.send_composed_text(item, ticket, person, farewell).await?
                == MoveOutcome::Refused
        {
            return Ok(MoveOutcome::Refused);
        }
        let bot = self.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.and_then(|snapshot| snapshot.parse_ending()).map(drop))
        };
        let tags = closing.tags.as_ref().unwrap_or(&ticket.tags).clone();
        let send = bot.close_ticket(&ticket.id, &tags);
        let closed = match self.call_once(item, "close", None, look, send).await {
            Err(CallError::Call(error))
                if error.code().is_some() && self.has_likely_closed(item, ticket).await? =>
            {
                Ok(())
            }
            closed => closed,
        };
        match closed {
            Ok(()) => {
                let identity =
                    self.blip_identity(person).or_else(|| self.rules.default_agent.clone());
                let ending = TicketEnding::Agent(build_agent(person, identity.unwrap_or_default()));
                ticket.tags = tags;
                self.change_state(ticket, TicketState::Closed { ending, at: item.received })
                    .await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was closed");
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let r#move = Move::Close(closing.clone());
                let moved = self.handle_refused_move(item, ticket, person, &r#move, &error).await?;
                Ok(if ticket.is_closed() { MoveOutcome::Done } else { moved })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Blip refused a move: either the ticket has ended meanwhile, or the agent is told why.
    pub(super) async fn handle_refused_move(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        error: &blip::Error,
    ) -> PipeResult<MoveOutcome> {
        if let Some(ending) = self.fetch_ending(ticket).await? {
            self.apply_ending(item, ticket, ending).await?;
            return Ok(MoveOutcome::Refused);
        }
        let code = error.code().unwrap_or("?");
        tracing::warn!(ticket.id = %ticket.id, %error, "blip refused a move");
        let key = match r#move {
            Move::Claim { .. } => "thread-claim-refused",
            Move::Transfer(_) => "thread-transfer-refused",
            Move::Tag(_) => "thread-tags-refused",
            Move::Release | Move::Close(_) => "thread-close-refused",
        };
        let reason = self.texts.reason_text(code);
        let args = [("agent", person.profile.name.as_str()), ("reason", reason.as_str())];
        let line = self.texts.text(key, &args);
        if let Some(thread) = ticket.thread.clone() {
            self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
            self.post_to_ticket(item, "refused", ticket, &ThreadPost::from_line(&line)).await?;
        }
        Ok(MoveOutcome::Refused)
    }

    async fn fetch_ending(&self, ticket: &Ticket) -> PipeResult<Option<TicketEnding>> {
        match self.require_bot(&ticket.id)?.fetch_ticket(&ticket.id).await {
            Err(error) if error.is_lookup_impossible() => Ok(None),
            snapshot => Ok(snapshot?.and_then(|snapshot| snapshot.parse_ending())),
        }
    }

    /// Whether a close that Blip refuses is best explained by one that it took before: there was
    /// one that we do not know the outcome of, and Blip does not tell how the ticket stands.
    async fn has_likely_closed(&self, item: &Item, ticket: &Ticket) -> PipeResult<bool> {
        let was_tried = self.read_begun_calls(item).await?.iter().any(|(step, _)| step == "close");
        if !was_tried {
            return Ok(false);
        }
        let snapshot = self.require_bot(&ticket.id)?.fetch_ticket(&ticket.id).await;
        Ok(snapshot.is_err_and(|error| error.is_lookup_impossible()))
    }

    /// Blip's identity of a person, if they have one of their own.
    fn blip_identity(&self, person: &Person) -> Option<String> {
        let mapped = self.rules.agent_map.get(&person.user).cloned();
        mapped.or_else(|| person.profile.email.as_deref().map(Agent::identity_from_email))
    }

    /// Tells a person why they cannot make a move, and what they can do about it.
    pub(super) async fn tell_refusal(
        &self,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
        refusal: &MoveRefusal,
    ) {
        match refusal {
            MoveRefusal::HeldBy(holder) => {
                let text = person.texts.text("ask-held", &[("agent", &holder.name)]);
                let id = ticket.id.to_string();
                let button = (action::TAKE_OVER, "button-take-over", id.as_str());
                let offers = if *r#move == Move::Release { Vec::new() } else { vec![button] };
                let blocks = card::build_question(&text, &offers, &person.texts);
                self.tell_person(ticket, person, &text, &blocks).await;
            }
            MoveRefusal::Closed => {
                self.tell_person(ticket, person, &person.texts.text("ask-closed", &[]), &[]).await;
            }
            MoveRefusal::Already => {}
        }
    }

    /// Tells a person something that only they see, in the ticket's thread or where they are.
    pub(super) async fn tell_person(
        &self,
        ticket: &Ticket,
        person: &Person,
        text: &str,
        blocks: &[SlackBlock],
    ) {
        if let Some(url) = &person.response_url {
            if let Err(error) = self.slack.respond_to_action(url, false, text, blocks).await {
                tracing::warn!(ticket.id = %ticket.id, %error, "a person could not be answered");
            }
        } else {
            self.post_ephemeral(ticket, &person.user, None, (text, blocks)).await;
        }
    }
}

fn no_bot_error(operation: &'static str) -> CallError<blip::Error> {
    CallError::Call(blip::Error::Refused { operation, code: "no_such_bot".to_owned() })
}

fn build_agent(person: &Person, identity: String) -> Agent {
    Agent { user: person.user.clone(), name: person.profile.name.clone(), identity }
}

fn is_open_with(snapshot: &TicketSnapshot, agent: &Agent) -> bool {
    let same = |identity: &String| identity.eq_ignore_ascii_case(&agent.identity);
    snapshot.status.eq_ignore_ascii_case("open") && snapshot.agent.as_ref().is_some_and(same)
}
