//! Transfer: the one move that ends a ticket and begins another one.
//!
//! Blip answers a transfer with the ticket that follows (`blip.md` §3.3), and may announce that
//! ticket as well. Both are the same event: the answer is put into the inbox as the announcement.

use serde_json::Value;

use super::moves::{Moved, Person};
use super::thread::{Saying, lane_of};
use super::{Bridge, Failed, Step};
use crate::blip::{self, envelope, parse};
use crate::inbox::Chore;
use crate::model::{Destination, Ending, Move, State, Ticket};
use crate::slack::card;
use crate::store::{Item, Lane, Link, NewItem, Role, Source};

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
                self.tell_of_transfer(item, ticket, person, to).await?;
                self.announce(ticket, &follower).await?;
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
        to: &Destination,
    ) -> Step<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let args = [("agent", person.profile.name.as_str()), ("to", to.name())];
        let line = self.words.say("thread-transferred-by", &args);
        self.turn(&lane_of(ticket), &thread.channel).await?;
        self.say(item, "transferred", ticket, &Saying::line(&line)).await.map(drop)
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
        let link = Link {
            ticket: ticket.id.clone(),
            channel: thread.channel.clone(),
            ts: thread.root.clone(),
            role: Role::Card,
            blip_id: None,
            user: None,
        };
        self.store.link(link).await?;
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
    if snapshot.and_then(|snapshot| snapshot.ending()) != Some(Ending::Transferred) {
        return Ok(None);
    }
    let open = bot.open_tickets_of(&ticket.customer.identity).await?;
    let follows = |found: &Value| {
        let parent = parse::snapshot(bot.name(), found).and_then(|found| found.parent);
        parent.is_some() && parent == ticket.number
    };
    Ok(Some(open.into_iter().find(follows).unwrap_or_default()))
}
