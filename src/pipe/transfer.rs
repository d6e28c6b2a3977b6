//! Transfer: the one move that ends a ticket and begins another one.
//!
//! Blip answers a transfer with the ticket that follows (`blip.md` §3.3), and may announce that
//! ticket as well. Both are the same event: the answer is put into the inbox as the announcement.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::moves::{MoveOutcome, Person};
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, CallError, Interrupt, PipeResult};
use crate::blip::{self, envelope, parse};
use crate::inbox::{Job, TransferNotice};
use crate::model::{
    Agent, Move, SlackUserId, Ticket, TicketEnding, TicketId, TicketState, TransferTarget,
};
use crate::slack::card;
use crate::slack::rich_text::Mention;
use crate::slack::{directory, members};
use crate::store::{Item, Lane, Link, NewItem, Source};

/// How long the card of a ticket that follows is waited for before nobody is told of it.
const TRANSFER_NOTICE_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);
/// How soon it is looked for again.
const TRANSFER_NOTICE_PAUSE: Duration = Duration::from_millis(500);

impl Bridge {
    /// Hands a ticket on.
    pub(super) async fn transfer_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        to: &TransferTarget,
    ) -> PipeResult<MoveOutcome> {
        let bot = self.require_bot(&ticket.id)?;
        let look = find_successor(bot, ticket);
        let send = async { Ok(bot.transfer_ticket(&ticket.id, to).await?.unwrap_or_default()) };
        match self.call_once(item, "transfer", None, look, send).await {
            Ok(follower) => {
                let next = parse::parse_snapshot(bot.bot_name(), &follower);
                // By its number the ticket that follows finds the thread.
                ticket.number = ticket.number.or(next.as_ref().and_then(|next| next.parent));
                self.store.put_ticket(ticket).await?;
                self.post_transfer(item, ticket, person, (to, next.is_some())).await?;
                self.enqueue_successor(ticket, &follower).await?;
                if let Some(next) = next {
                    self.enqueue_transfer_notice(&next.id, person, to).await?;
                }
                let ending = TicketEnding::Transferred;
                self.change_state(ticket, TicketState::Closed { ending, at: item.received })
                    .await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was transferred");
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let r#move = Move::Transfer(to.clone());
                self.handle_refused_move(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn post_transfer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (to, is_known): (&TransferTarget, bool),
    ) -> PipeResult<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let args = [("agent", person.profile.name.as_str()), ("to", to.name())];
        let key = if is_known { "thread-transferred-by" } else { "thread-transferred-unknown" };
        let line = self.texts.text(key, &args);
        self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
        self.post_to_ticket(item, "transferred", ticket, &ThreadPost::from_line(&line))
            .await
            .map(drop)
    }

    /// Has the agent told to whom a ticket was handed.
    async fn enqueue_transfer_notice(
        &self,
        next: &TicketId,
        person: &Person,
        to: &TransferTarget,
    ) -> PipeResult<()> {
        let TransferTarget::Agent { identity, name } = to else { return Ok(()) };
        let (ticket, by) = (next.to_string(), person.profile.name.clone());
        let handed = TransferNotice { ticket, to: identity.clone(), name: name.clone(), by };
        Ok(self.enqueue_item(Job::announce_transfer(handed, self.clock.now())).await?)
    }

    /// Tells an agent in the thread of a ticket that it was handed to them, if Slack knows them.
    pub(super) async fn post_transfer_notice(
        &self,
        item: &Item,
        lane: &str,
        handed: &TransferNotice,
    ) -> PipeResult<()> {
        let Some(id) = TicketId::parse(&handed.ticket) else { return Ok(()) };
        let now = self.clock.now();
        let ticket = self.store.load_ticket(&id).await?;
        let Some(ticket) = ticket.filter(|ticket| ticket.thread.is_some()) else {
            // Its card is on its way; should it never come, nobody is to be told of it.
            return if now < item.received + TRANSFER_NOTICE_TIMEOUT {
                Err(Interrupt::Wait(now + TRANSFER_NOTICE_PAUSE))
            } else {
                Ok(())
            };
        };
        let channel = self.current_channel(&ticket).await?;
        if ticket.is_closed() || ticket.holder().is_some() {
            return Ok(());
        }
        let Some(user) = self.find_slack_user(&handed.to).await? else { return Ok(()) };
        let post = if members::is_in_channel(&self.slack, &channel, &user, item.received).await? {
            let line = self.texts.text("thread-handed", &[("agent", &handed.by)]);
            ThreadPost::with_mention(&Mention::User(user), &line)
        } else {
            let args = [("agent", handed.by.as_str()), ("to", handed.name.as_str())];
            ThreadPost::from_line(&self.texts.text("thread-handed-away", &args))
        };
        self.wait_for_post_slot(lane, &channel).await?;
        self.post_to_ticket_from_job(item, "handed", &ticket, &post).await
    }

    /// The Slack user of an agent of Blip's: as it is configured, or by the e-mail address.
    async fn find_slack_user(&self, identity: &str) -> PipeResult<Option<SlackUserId>> {
        let mut mapped = self.rules.agent_map.iter();
        let mapped = mapped.find(|(_, known)| known.eq_ignore_ascii_case(identity));
        if let Some((user, _)) = mapped {
            return Ok(Some(user.clone()));
        }
        let Some(email) = Agent::email_from_identity(identity) else { return Ok(None) };
        match directory::find_user_by_email(&self.slack, &email).await {
            Err(error) if error.code().is_some() => {
                tracing::warn!(%error, "an agent to whom a ticket was handed is not looked up");
                Ok(None)
            }
            user => Ok(user?),
        }
    }

    /// Puts the ticket that follows into the inbox, as if Blip had announced it. What is not in
    /// the answer, Blip announces itself.
    async fn enqueue_successor(&self, ticket: &Ticket, follower: &Value) -> PipeResult<()> {
        let Some(message) = envelope::build_ticket_message(follower) else { return Ok(()) };
        let body = message.to_string().into_bytes();
        let received = self.clock.now();
        for routed in parse::parse_envelopes(ticket.id.bot(), &body).unwrap_or_default() {
            let Some(id) = routed.ticket else { continue };
            let (lane, key, body) = (Lane::Ticket(id), routed.key, routed.raw);
            let source = Source::Blip;
            self.enqueue_item(NewItem { source, lane, key, body, received, due: received }).await?;
        }
        Ok(())
    }

    /// The ticket from which this one was transferred, if we know it and it has a thread.
    pub(super) async fn find_predecessor(&self, ticket: &Ticket) -> PipeResult<Option<Ticket>> {
        let Some(number) = ticket.parent else { return Ok(None) };
        let before = self.store.ticket_by_number(ticket.id.bot(), number).await?;
        Ok(before.filter(|before| before.thread.is_some() && before.id != ticket.id))
    }

    /// Goes on in the thread of the ticket before, if that is in the channel of this one.
    ///
    /// What was said about the thread's root belongs to this ticket from now on, the card shows
    /// it, and everybody in the channel is told that somebody waits.
    pub(super) async fn continue_thread(
        &self,
        item: &Item,
        ticket: &mut Ticket,
    ) -> PipeResult<bool> {
        let Some(before) = self.find_predecessor(ticket).await? else { return Ok(false) };
        let Some(thread) = before.thread else { return Ok(false) };
        if self.resolve_ticket_channel(ticket).await? != thread.channel {
            return Ok(false);
        }
        // They stand nowhere but on the card, which shows this ticket from now on.
        if let Some(first_words) = self.store.first_words(&before.id).await? {
            self.store.keep_first_words(&ticket.id, &first_words).await?;
        }
        self.store.link_message(Link::of_card(&ticket.id, &thread), ticket.opened).await?;
        ticket.thread = Some(thread);
        let line = card::continuation_line(ticket, &self.texts);
        let post = ThreadPost { broadcast: true, ..ThreadPost::from_line(&line) };
        self.post_to_ticket(item, "goes-on", ticket, &post).await?;
        self.store.put_ticket(ticket).await?;
        self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?;
        Ok(true)
    }

    /// Replaces a ticket's tags.
    pub(super) async fn tag_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        tags: &[String],
    ) -> PipeResult<MoveOutcome> {
        let bot = self.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| snapshot.tags == tags).map(drop))
        };
        match self.call_once(item, "tag", None, look, bot.tag_ticket(&ticket.id, tags)).await {
            Ok(()) => {
                ticket.tags = tags.to_vec();
                ticket.revision += 1;
                self.store.put_ticket(ticket).await?;
                self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?;
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let r#move = Move::Tag(tags.to_vec());
                self.handle_refused_move(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The ticket that follows one that was transferred; `Null` if there is one that cannot be found.
async fn find_successor(
    bot: &blip::BlipClient,
    ticket: &Ticket,
) -> Result<Option<Value>, blip::Error> {
    let snapshot = bot.fetch_ticket(&ticket.id).await?;
    let Some(snapshot) =
        snapshot.filter(|now| now.parse_ending() == Some(TicketEnding::Transferred))
    else {
        return Ok(None);
    };
    // A ticket that was announced without its number has one all the same.
    let number = ticket.number.or(snapshot.number);
    let open = bot.fetch_open_tickets(&ticket.customer.identity).await?;
    let follows = |found: &Value| {
        let parent = parse::parse_snapshot(bot.bot_name(), found).and_then(|found| found.parent);
        parent.is_some() && parent == number
    };
    Ok(Some(open.into_iter().find(follows).unwrap_or_default()))
}
