//! Claim, release, close: the one machine behind reactions, buttons and replies.
//!
//! A move changes our ticket only after Blip has agreed, and whatever Blip says of a ticket wins.

use serde_json::{Value, json};

use super::thread::{Saying, lane_of};
use super::{BOT_PAUSE, Bridge, Failed, Halt, Step};
use crate::blip;
use crate::inbox::{Chore, Remindful};
use crate::locale::Words;
use crate::model::{
    Agent, ChannelId, Closing, Ending, Failure, Fault, Move, Refusal, SlackUserId, Snapshot, State,
    Ticket,
};
use crate::slack::{Profile, Standing, action, card, parse};
use crate::store::Item;

/// Reasons for which Blip may refuse an agent that it does not know (`blip.md` §10 #6).
const UNKNOWN_AGENT: [&str; 4] = ["25", "33", "64", "67"];

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// As asked, now or before.
    Yes,
    /// Not, and the person has been told why.
    No,
}

/// Who wants something.
pub(super) struct Person {
    /// What they read, in their own language.
    pub words: Words,
    /// Their Slack user.
    pub user: SlackUserId,
    /// What Slack says of them.
    pub profile: Profile,
    /// Whether they may answer this customer.
    pub standing: Standing,
    /// Where they can be answered if they are not in the ticket's thread.
    pub elsewhere: Option<String>,
}

impl Person {
    /// Whether they may answer this customer.
    pub(super) fn is_agent(&self) -> bool {
        self.standing.is_agent()
    }
}

impl Bridge {
    /// Looks up who did something about a ticket, and whether they may.
    pub(super) async fn person(
        &self,
        item: &Item,
        ticket: &Ticket,
        user: &SlackUserId,
    ) -> Step<Person> {
        let channel = self.channel_now(ticket).await?;
        let person = self.person_in(item, &channel, user).await?;
        if person.is_agent() && !self.bots.contains_key(ticket.id.bot()) {
            let now = self.clock.now();
            if now < item.received + BOT_PAUSE {
                self.tell(ticket, &person, &person.words.say("ask-no-bot", &[]), &[]).await;
            }
            return Err(Halt::Wait(now + BOT_PAUSE));
        }
        Ok(person)
    }

    /// Looks up who did something in a channel, and whether they may answer its customers.
    pub(super) async fn person_in(
        &self,
        item: &Item,
        channel: &ChannelId,
        user: &SlackUserId,
    ) -> Step<Person> {
        let mut profile = match self.slack.profile(user).await {
            // Of whom Slack says nothing is nobody's colleague.
            Err(error) if error.is_about_nobody() => Profile::default(),
            profile => profile?,
        };
        profile.workspaces.add_named(&parse::workspaces_named(&item.body));
        let (group, since) = (self.rules.agent_group.as_deref(), item.received);
        let standing = self.slack.standing((user, &profile), channel, group, since).await;
        let standing = match standing {
            // Waiting for a scope would lock everybody out without a word: the item is parked,
            // which people see.
            Err(error) if error.code() == Some("missing_scope") => {
                let fault = Fault::Refused { code: "missing_scope".to_owned() };
                return Err(Halt::Call { fault, error: error.to_string() });
            }
            standing => standing?,
        };
        let words = self.words.read_by(profile.locale.as_deref());
        Ok(Person { words, user: user.clone(), profile, standing, elsewhere: None })
    }

    /// Tells somebody who may not do something about a ticket that it is so.
    pub(super) async fn turn_away(&self, ticket: &Ticket, person: &Person) {
        if let Some(key) = person.standing.refusal() {
            self.tell(ticket, person, &person.words.say(key, &[]), &[]).await;
        }
    }

    /// What a person reads, in their own language where Slack tells it.
    pub(super) async fn words_of(&self, user: &SlackUserId) -> Words {
        let profile = self.slack.profile(user).await.unwrap_or_default();
        self.words.read_by(profile.locale.as_deref())
    }

    /// Makes a move for a person, or tells them why not.
    pub(super) async fn make(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
    ) -> Step<Moved> {
        if let Some(moved) = self.settled(ticket, person, r#move).await? {
            return Ok(moved);
        }
        match r#move {
            Move::Claim { .. } => self.claim(item, ticket, person).await,
            Move::Release => {
                self.enter(ticket, State::Unclaimed).await?;
                self.watch(ticket, Remindful::Unclaimed, item.received).await?;
                Ok(Moved::Yes)
            }
            Move::Close(closing) => self.close(item, ticket, person, closing).await,
            Move::Transfer(to) => self.transfer(item, ticket, person, to).await,
            Move::Tag(tags) => self.tag(item, ticket, person, tags).await,
        }
    }

    /// Claims a ticket for a person, or tells them why not.
    pub(super) async fn make_claim(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> Step<Moved> {
        match self.settled(ticket, person, &Move::Claim { over: false }).await? {
            Some(moved) => Ok(moved),
            None => self.claim(item, ticket, person).await,
        }
    }

    /// How a move ends that needs no doing: it is so already, or it is not legal, and the person
    /// is told why.
    async fn settled(
        &self,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
    ) -> Step<Option<Moved>> {
        match ticket.check(&person.user, r#move) {
            Ok(()) => Ok(None),
            Err(Refusal::Already) => {
                // An earlier run may not have come as far as the card.
                self.set_out(Chore::card(ticket, self.clock.now())).await?;
                Ok(Some(Moved::Yes))
            }
            Err(refusal) => {
                self.tell_refusal(ticket, person, r#move, &refusal).await;
                Ok(Some(Moved::No))
            }
        }
    }

    pub(super) async fn enter(&self, ticket: &mut Ticket, state: State) -> Step<()> {
        ticket.enter(state);
        self.store.put_ticket(ticket).await?;
        Ok(self.set_out(Chore::card(ticket, self.clock.now())).await?)
    }

    async fn claim(&self, item: &Item, ticket: &mut Ticket, person: &Person) -> Step<Moved> {
        let own = self.identity(person);
        let Some(identity) = own.clone().or_else(|| self.rules.default_agent.clone()) else {
            self.tell(ticket, person, &person.words.say("ask-no-identity", &[]), &[]).await;
            return Ok(Moved::No);
        };
        let mut agent = agent(person, identity);
        let mut opened = self.open(item, "open", ticket, &agent).await;
        if let (Err(Failed::Call(error)), Some(default)) = (&opened, &self.rules.default_agent)
            && error.code().is_some_and(|code| UNKNOWN_AGENT.contains(&code))
            && agent.identity != *default
            && self.ending_at_blip(ticket).await?.is_none()
        {
            agent.identity.clone_from(default);
            opened = self.open(item, "open-default", ticket, &agent).await;
            if opened.is_ok() {
                let text =
                    person.words.say("thread-default-agent", &[("agent", &person.profile.name)]);
                self.tell(ticket, person, &text, &[]).await;
            }
        }
        match opened {
            Ok(()) => {
                if let Some(previous) = ticket.holder().cloned() {
                    self.tell_of_take_over(item, ticket, &agent, &previous).await?;
                }
                let since = item.received;
                self.enter(ticket, State::Claimed { holder: agent, since }).await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was claimed");
                Ok(Moved::Yes)
            }
            Err(Failed::Call(error)) if error.code().is_some() => {
                let claim = Move::Claim { over: false };
                self.on_refused(item, ticket, person, &claim, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who loses a ticket to a colleague hears of it.
    async fn tell_of_take_over(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        agent: &Agent,
        previous: &Agent,
    ) -> Step<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let args = [("agent", agent.name.as_str())];
        let line = self.words.say("thread-taken-over", &args);
        let element = json!({"type": "user", "user_id": previous.user.as_str()});
        let saying = Saying::mention((element, &format!("<@{}>", previous.user)), &line);
        self.turn(&lane_of(ticket), &thread.channel).await?;
        self.say(item, "taken-over", ticket, &saying).await.map(drop)
    }

    async fn open(
        &self,
        item: &Item,
        step: &str,
        ticket: &Ticket,
        agent: &Agent,
    ) -> Result<(), Failed<blip::Error>> {
        let Some(bot) = self.bots.get(ticket.id.bot()) else {
            return Err(no_bot("open ticket"));
        };
        let look = async {
            let snapshot = bot.ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| is_open_with(snapshot, agent)).map(drop))
        };
        self.once(item, step, None, look, bot.open_ticket(&ticket.id, &agent.identity)).await
    }

    async fn close(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> Step<Moved> {
        if let Some(farewell) = &closing.farewell
            && self.send_words(item, ticket, person, farewell).await? == Moved::No
        {
            return Ok(Moved::No);
        }
        let bot = self.bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.ticket(&ticket.id).await?;
            Ok(snapshot.and_then(|snapshot| snapshot.ending()).map(drop))
        };
        let tags = closing.tags.as_ref().unwrap_or(&ticket.tags).clone();
        let send = bot.close_ticket(&ticket.id, &tags);
        let closed = match self.once(item, "close", None, look, send).await {
            Err(Failed::Call(error))
                if error.code().is_some() && self.was_closed_unseen(item, ticket).await? =>
            {
                Ok(())
            }
            closed => closed,
        };
        match closed {
            Ok(()) => {
                let identity = self.identity(person).or_else(|| self.rules.default_agent.clone());
                let ending = Ending::Agent(agent(person, identity.unwrap_or_default()));
                ticket.tags = tags;
                self.enter(ticket, State::Closed { ending, at: item.received }).await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was closed");
                Ok(Moved::Yes)
            }
            Err(Failed::Call(error)) if error.code().is_some() => {
                let r#move = Move::Close(closing.clone());
                let moved = self.on_refused(item, ticket, person, &r#move, &error).await?;
                Ok(if ticket.is_closed() { Moved::Yes } else { moved })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Blip refused a move: either the ticket has ended meanwhile, or the agent is told why.
    pub(super) async fn on_refused(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        r#move: &Move,
        error: &blip::Error,
    ) -> Step<Moved> {
        if let Some(ending) = self.ending_at_blip(ticket).await? {
            self.on_ended(item, ticket, ending).await?;
            return Ok(Moved::No);
        }
        let code = error.code().unwrap_or("?");
        tracing::warn!(ticket.id = %ticket.id, %error, "blip refused a move");
        let key = match r#move {
            Move::Claim { .. } => "thread-claim-refused",
            Move::Transfer(_) => "thread-transfer-refused",
            Move::Tag(_) => "thread-tags-refused",
            Move::Release | Move::Close(_) => "thread-close-refused",
        };
        let reason = self.words.reason(code);
        let args = [("agent", person.profile.name.as_str()), ("reason", reason.as_str())];
        let line = self.words.say(key, &args);
        if let Some(thread) = ticket.thread.clone() {
            self.turn(&lane_of(ticket), &thread.channel).await?;
            self.say(item, "refused", ticket, &Saying::line(&line)).await?;
        }
        Ok(Moved::No)
    }

    async fn ending_at_blip(&self, ticket: &Ticket) -> Step<Option<Ending>> {
        match self.bot(&ticket.id)?.ticket(&ticket.id).await {
            Err(error) if error.tells_nothing() => Ok(None),
            snapshot => Ok(snapshot?.and_then(|snapshot| snapshot.ending())),
        }
    }

    /// Whether a close that Blip refuses is best explained by one that it took before: there was
    /// one that we do not know the outcome of, and Blip does not tell how the ticket stands.
    async fn was_closed_unseen(&self, item: &Item, ticket: &Ticket) -> Step<bool> {
        let was_tried = self.begun_before(item).await?.iter().any(|(step, _)| step == "close");
        if !was_tried {
            return Ok(false);
        }
        let snapshot = self.bot(&ticket.id)?.ticket(&ticket.id).await;
        Ok(snapshot.is_err_and(|error| error.tells_nothing()))
    }

    /// Blip's identity of a person, if they have one of their own.
    fn identity(&self, person: &Person) -> Option<String> {
        let mapped = self.rules.agent_map.get(&person.user).cloned();
        mapped.or_else(|| person.profile.email.as_deref().map(Agent::identity_of_email))
    }

    /// Tells a person why they cannot make a move, and what they can do about it.
    pub(super) async fn tell_refusal(
        &self,
        ticket: &Ticket,
        person: &Person,
        r#move: &Move,
        refusal: &Refusal,
    ) {
        match refusal {
            Refusal::HeldBy(holder) => {
                let text = person.words.say("ask-held", &[("agent", &holder.name)]);
                let id = ticket.id.to_string();
                let button = (action::TAKE_OVER, "button-take-over", id.as_str());
                let offers = if *r#move == Move::Release { Vec::new() } else { vec![button] };
                let blocks = card::question(&text, &offers, &person.words);
                self.tell(ticket, person, &text, &blocks).await;
            }
            Refusal::Closed => {
                self.tell(ticket, person, &person.words.say("ask-closed", &[]), &[]).await;
            }
            Refusal::Already => {}
        }
    }

    /// Tells a person something that only they see, in the ticket's thread or where they are.
    pub(super) async fn tell(
        &self,
        ticket: &Ticket,
        person: &Person,
        text: &str,
        blocks: &[Value],
    ) {
        if let Some(url) = &person.elsewhere {
            if let Err(error) = self.slack.respond(url, false, text, blocks).await {
                tracing::warn!(ticket.id = %ticket.id, %error, "a person could not be answered");
            }
        } else {
            self.whisper(ticket, &person.user, None, (text, blocks)).await;
        }
    }
}

fn no_bot(operation: &'static str) -> Failed<blip::Error> {
    Failed::Call(blip::Error::Refused { operation, code: "no_such_bot".to_owned() })
}

fn agent(person: &Person, identity: String) -> Agent {
    Agent { user: person.user.clone(), name: person.profile.name.clone(), identity }
}

fn is_open_with(snapshot: &Snapshot, agent: &Agent) -> bool {
    let same = |identity: &String| identity.eq_ignore_ascii_case(&agent.identity);
    snapshot.status.eq_ignore_ascii_case("open") && snapshot.agent.as_ref().is_some_and(same)
}
