//! Transfer: the one move that ends a ticket and begins another one.
//!
//! Blip answers a transfer with the ticket that follows (`blip.md` §3.3), and may announce that
//! ticket as well. Both are the same event: the answer is put into the inbox as the announcement.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::moves::{Moved, Person};
use super::thread::{Saying, lane_of};
use super::{Bridge, Failed, Halt, Step};
use crate::blip::{self, envelope, parse};
use crate::inbox::{Chore, Handed};
use crate::model::{Agent, Destination, Ending, Move, SlackUserId, State, Ticket, TicketId};
use crate::slack::card;
use crate::store::{Item, Lane, Link, NewItem, Role, Source};

/// How long the card of a ticket that follows is waited for before nobody is told of it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// How soon it is looked for again.
const SOON: Duration = Duration::from_millis(500);

impl Bridge {
    /// Hands a ticket on.
    pub(super) async fn transfer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        to: &Destination,
    ) -> Step<Moved> {
        let bot = self.bot(&ticket.id)?;
        let look = follower(bot, ticket);
        let send = async { Ok(bot.transfer_ticket(&ticket.id, to).await?.unwrap_or_default()) };
        match self.once(item, "transfer", None, look, send).await {
            Ok(follower) => {
                let next = parse::snapshot(bot.name(), &follower);
                // By its number the ticket that follows finds the thread.
                ticket.number = ticket.number.or(next.as_ref().and_then(|next| next.parent));
                self.store.put_ticket(ticket).await?;
                self.tell_of_transfer(item, ticket, person, (to, next.is_some())).await?;
                self.announce(ticket, &follower).await?;
                if let Some(next) = next {
                    self.hand_over(&next.id, person, to).await?;
                }
                let ending = Ending::Transferred;
                self.enter(ticket, State::Closed { ending, at: item.received }).await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was transferred");
                Ok(Moved::Yes)
            }
            Err(Failed::Call(error)) if error.code().is_some() => {
                let r#move = Move::Transfer(to.clone());
                self.on_refused(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn tell_of_transfer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (to, is_known): (&Destination, bool),
    ) -> Step<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let args = [("agent", person.profile.name.as_str()), ("to", to.name())];
        let key = if is_known { "thread-transferred-by" } else { "thread-transferred-unknown" };
        let line = self.words.say(key, &args);
        self.turn(&lane_of(ticket), &thread.channel).await?;
        self.say(item, "transferred", ticket, &Saying::line(&line)).await.map(drop)
    }

    /// Has the agent told to whom a ticket was handed.
    async fn hand_over(&self, next: &TicketId, person: &Person, to: &Destination) -> Step<()> {
        let Destination::Agent { identity, name } = to else { return Ok(()) };
        let (ticket, by) = (next.to_string(), person.profile.name.clone());
        let handed = Handed { ticket, to: identity.clone(), name: name.clone(), by };
        Ok(self.set_out(Chore::handed(handed, self.clock.now())).await?)
    }

    /// Tells an agent in the thread of a ticket that it was handed to them, if Slack knows them.
    pub(super) async fn tell_handed(&self, item: &Item, lane: &str, handed: &Handed) -> Step<()> {
        let Some(id) = TicketId::parse(&handed.ticket) else { return Ok(()) };
        let now = self.clock.now();
        let ticket = self.store.ticket(&id).await?;
        let Some(ticket) = ticket.filter(|ticket| ticket.thread.is_some()) else {
            // Its card is on its way; should it never come, nobody is to be told of it.
            return if now < item.received + PATIENCE {
                Err(Halt::Wait(now + SOON))
            } else {
                Ok(())
            };
        };
        let channel = self.channel_now(&ticket).await?;
        if ticket.is_closed() || ticket.holder().is_some() {
            return Ok(());
        }
        let Some(user) = self.user_of(&handed.to).await? else { return Ok(()) };
        let saying = if self.slack.is_in_channel(&channel, &user, item.received).await? {
            let element = json!({"type": "user", "user_id": user.as_str()});
            let line = self.words.say("thread-handed", &[("agent", &handed.by)]);
            Saying::mention((element, &format!("<@{user}>")), &line)
        } else {
            let args = [("agent", handed.by.as_str()), ("to", handed.name.as_str())];
            Saying::line(&self.words.say("thread-handed-away", &args))
        };
        self.turn(lane, &channel).await?;
        self.say_beside(item, "handed", &ticket, &saying).await
    }

    /// The Slack user of an agent of Blip's: as it is configured, or by the e-mail address.
    async fn user_of(&self, identity: &str) -> Step<Option<SlackUserId>> {
        let mut mapped = self.rules.agent_map.iter();
        let mapped = mapped.find(|(_, known)| known.eq_ignore_ascii_case(identity));
        if let Some((user, _)) = mapped {
            return Ok(Some(user.clone()));
        }
        let Some(email) = Agent::email_of_identity(identity) else { return Ok(None) };
        match self.slack.user_of_email(&email).await {
            Err(error) if error.code().is_some() => {
                tracing::warn!(%error, "an agent to whom a ticket was handed is not looked up");
                Ok(None)
            }
            user => Ok(user?),
        }
    }

    /// Puts the ticket that follows into the inbox, as if Blip had announced it. What is not in
    /// the answer, Blip announces itself.
    async fn announce(&self, ticket: &Ticket, follower: &Value) -> Step<()> {
        let Some(message) = envelope::ticket_message(follower) else { return Ok(()) };
        let body = message.to_string().into_bytes();
        let received = self.clock.now();
        for routed in parse::parse(ticket.id.bot(), &body).unwrap_or_default() {
            let Some(id) = routed.ticket else { continue };
            let (lane, key, body) = (Lane::Ticket(id), routed.key, routed.raw);
            let source = Source::Blip;
            self.set_out(NewItem { source, lane, key, body, received, due: received }).await?;
        }
        Ok(())
    }

    /// The ticket from which this one was transferred, if we know it and it has a thread.
    pub(super) async fn ticket_before(&self, ticket: &Ticket) -> Step<Option<Ticket>> {
        let Some(number) = ticket.parent else { return Ok(None) };
        let before = self.store.ticket_by_number(ticket.id.bot(), number).await?;
        Ok(before.filter(|before| before.thread.is_some() && before.id != ticket.id))
    }

    /// Goes on in the thread of the ticket before, if that is in the channel of this one.
    ///
    /// What was said about the thread's root belongs to this ticket from now on, the card shows
    /// it, and everybody in the channel is told that somebody waits.
    pub(super) async fn go_on(&self, item: &Item, ticket: &mut Ticket) -> Step<bool> {
        let Some(before) = self.ticket_before(ticket).await? else { return Ok(false) };
        let Some(thread) = before.thread else { return Ok(false) };
        if self.channel_of(ticket).await? != thread.channel {
            return Ok(false);
        }
        // They stand nowhere but on the card, which shows this ticket from now on.
        if let Some(first_words) = self.store.first_words(&before.id).await? {
            self.store.keep_first_words(&ticket.id, &first_words).await?;
        }
        let link = Link {
            ticket: ticket.id.clone(),
            channel: thread.channel.clone(),
            ts: thread.root.clone(),
            role: Role::Card,
            blip_id: None,
            user: None,
        };
        self.store.link(link, ticket.opened).await?;
        ticket.thread = Some(thread);
        let line = card::continuation(ticket, &self.words);
        let saying = Saying { broadcast: true, ..Saying::line(&line) };
        self.say(item, "goes-on", ticket, &saying).await?;
        self.store.put_ticket(ticket).await?;
        self.set_out(Chore::card(ticket, self.clock.now())).await?;
        Ok(true)
    }

    /// Replaces a ticket's tags.
    pub(super) async fn tag(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        tags: &[String],
    ) -> Step<Moved> {
        let bot = self.bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| snapshot.tags == tags).map(drop))
        };
        match self.once(item, "tag", None, look, bot.tag_ticket(&ticket.id, tags)).await {
            Ok(()) => {
                ticket.tags = tags.to_vec();
                ticket.revision += 1;
                self.store.put_ticket(ticket).await?;
                self.set_out(Chore::card(ticket, self.clock.now())).await?;
                Ok(Moved::Yes)
            }
            Err(Failed::Call(error)) if error.code().is_some() => {
                let r#move = Move::Tag(tags.to_vec());
                self.on_refused(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The ticket that follows one that was transferred; `Null` if there is one that cannot be found.
async fn follower(bot: &blip::Client, ticket: &Ticket) -> Result<Option<Value>, blip::Error> {
    let snapshot = bot.ticket(&ticket.id).await?;
    let Some(snapshot) = snapshot.filter(|now| now.ending() == Some(Ending::Transferred)) else {
        return Ok(None);
    };
    // A ticket that was announced without its number has one all the same.
    let number = ticket.number.or(snapshot.number);
    let open = bot.open_tickets_of(&ticket.customer.identity).await?;
    let follows = |found: &Value| {
        let parent = parse::snapshot(bot.name(), found).and_then(|found| found.parent);
        parent.is_some() && parent == number
    };
    Ok(Some(open.into_iter().find(follows).unwrap_or_default()))
}
