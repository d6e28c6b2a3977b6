//! What happens at Blip, shown in Slack: a ticket arrives, a customer writes, a ticket ends.

use jiff::SignedDuration;

use super::customer_files::Sent;
use super::thread::{Saying, lane_of};
use super::{Bridge, Outcome, Step};
use crate::blip::{envelope, parse};
use crate::inbox::{Chore, Ending as Settled, Handled, Remindful};
use crate::model::{
    BlipEvent, Content, Customer, Ending, Failure, Snapshot, State, Ticket, TicketId, domain_of,
};
use crate::slack::render::{self, Piece};
use crate::slack::{bounds, rich_text};
use crate::store::{Begun, Item, ItemId, Lane, Role};

/// How long a customer's message must have waited, for our pace or because Slack asked to wait, before it goes out together with those that came
/// after it. Without pressure there is one post per message.
const PRESSURE: SignedDuration = SignedDuration::from_millis(1500);
/// Most messages in one post, so that a post stays readable and under Slack's limits.
const MOST_TOGETHER: usize = 20;

/// A customer's message that waits to be shown.
struct Said<'a> {
    item: &'a Item,
    id: Option<String>,
    content: Content,
    is_after_gap: bool,
}

/// Whom a ticket is about, without a name.
fn customer_of(snapshot: &Snapshot) -> Customer {
    let identity = snapshot.customer.clone().unwrap_or_default();
    let domain = snapshot.domain.clone();
    let domain = domain.unwrap_or_else(|| domain_of(&identity).to_owned());
    Customer { name: None, originator: None, domain, identity }
}

impl Bridge {
    /// Handles what Blip sent.
    pub(super) async fn on_blip(&self, lane: &str, items: &[Item]) -> Outcome {
        let Some(first) = items.first() else { return Ok(Handled::one(Settled::Done)) };
        let Some(Lane::Ticket(id)) = Lane::parse(lane) else {
            // Well-formed, but of no ticket: stored and counted, and nobody waits for it.
            return Ok(Handled::one(Settled::Done));
        };
        match parse::event(id.bot(), &first.body) {
            BlipEvent::Ticket(snapshot) => self.on_ticket(first, &snapshot).await?,
            // The lane knows the ticket, but not how Blip writes its id.
            BlipEvent::Message { ticket, address, .. } => {
                return self.on_customer_messages(items, &ticket, &address).await;
            }
            BlipEvent::Receipt { id: message, kind, reason, .. } => {
                if !envelope::was_asked_for(&first.body) {
                    self.heard_receipt(&id);
                }
                self.on_receipt(first, &id, &message, kind, reason).await?;
            }
            BlipEvent::Quiet | BlipEvent::Unknown { .. } => {}
        }
        Ok(Handled::one(Settled::Done))
    }

    async fn on_ticket(&self, item: &Item, snapshot: &Snapshot) -> Step<()> {
        match self.store.ticket(&snapshot.id).await? {
            Some(ticket) => {
                // The card may have been posted in an earlier run that did not come this far.
                self.set_out(Chore::context(&ticket.id, item.received)).await?;
                self.on_news(item, ticket, snapshot).await
            }
            // One that was erased comes back only if the customer writes again.
            None if snapshot.is_waiting()
                && self.store.erased_at(&snapshot.id).await?.is_none() =>
            {
                self.on_new_ticket(item, snapshot).await
            }
            // A ticket that we never saw waiting was answered elsewhere.
            None => Ok(()),
        }
    }

    async fn on_new_ticket(&self, item: &Item, snapshot: &Snapshot) -> Step<()> {
        let mut ticket = self.new_ticket(item, snapshot).await?;
        self.begin(item, &mut ticket, snapshot).await
    }

    /// Gives a new ticket its thread: that of the ticket before, or one of its own.
    async fn begin(&self, item: &Item, ticket: &mut Ticket, snapshot: &Snapshot) -> Step<()> {
        tracing::info!(ticket.id = %ticket.id, "a ticket has arrived");
        self.watch_window(ticket, ticket.opened).await?;
        self.watch_originator(ticket).await?;
        self.watch(ticket, Remindful::Unclaimed, item.received).await?;
        if let Some(since) = ticket.unanswered {
            self.watch_answer(ticket, since).await?;
        }
        let before = self.ticket_before(ticket).await?;
        if let Some(before) = &before {
            // It was transferred, whether or not anybody tells us.
            self.set_out(Chore::check(&before.id, self.clock.now())).await?;
        }
        if self.go_on(item, ticket).await? {
            self.customers_met.remove(&ticket.id);
            return Ok(());
        }
        self.post_card(item, ticket, snapshot.first_words.as_ref()).await?;
        self.customers_met.remove(&ticket.id);
        self.show_first_files(item, ticket, snapshot.first_words.as_ref()).await?;
        if let Some(before) = before {
            self.set_out(Chore::card_of_followed(&before, ticket, self.clock.now())).await?;
        }
        Ok(self.set_out(Chore::context(&ticket.id, item.received)).await?)
    }

    /// Makes a ticket of what Blip says, once it is the channel's turn.
    async fn new_ticket(&self, item: &Item, snapshot: &Snapshot) -> Step<Ticket> {
        let mut ticket = Ticket {
            id: snapshot.id.clone(),
            address: snapshot.address.clone(),
            number: snapshot.number,
            parent: snapshot.parent,
            customer: customer_of(snapshot),
            team: snapshot.team.clone(),
            tags: snapshot.tags.clone(),
            opened: snapshot.opened.unwrap_or(item.received),
            state: State::Unclaimed,
            thread: None,
            heard: None,
            unanswered: snapshot.first_words.is_some().then_some(item.received),
            revision: 1,
        };
        if snapshot.is_waiting() {
            // The handoff is young even if Blip's date of it is not. One that was transferred is
            // as old as what the customer said before.
            let before = self.ticket_before(&ticket).await?;
            ticket.heard = before.map_or(Some(item.received), |before| before.heard);
        }
        if !item.begun {
            let channel = self.channel_of(&ticket).await?;
            self.turn(&lane_of(&ticket), &channel).await?;
        }
        self.meet_customer(&mut ticket.customer, &ticket.id).await?;
        Ok(ticket)
    }

    /// Brings a ticket that we know up to what Blip says of it.
    pub(super) async fn on_news(
        &self,
        item: &Item,
        mut ticket: Ticket,
        snapshot: &Snapshot,
    ) -> Step<()> {
        if let Some(ending) = snapshot.ending() {
            return self.on_ended(item, &mut ticket, ending).await;
        }
        let team = snapshot.team.clone().or_else(|| ticket.team.clone());
        let tags =
            if snapshot.tags.is_empty() { ticket.tags.clone() } else { snapshot.tags.clone() };
        // One that came without a number may have got it, and one of which Blip did not tell at
        // first, its customer.
        let number = ticket.number.or(snapshot.number);
        let is_met = ticket.customer.identity.is_empty() && snapshot.customer.is_some();
        if is_met {
            ticket.customer = customer_of(snapshot);
        }
        if is_met || team != ticket.team || tags != ticket.tags || number != ticket.number {
            ticket.number = number;
            ticket.team = team;
            ticket.tags = tags;
            ticket.revision += 1;
            self.store.put_ticket(&ticket).await?;
        }
        self.watch_originator(&ticket).await?;
        // Also if nothing is new: after a start, the card may be in a language that was set before.
        Ok(self.set_out(Chore::card(&ticket, self.clock.now())).await?)
    }

    /// Blip has ended a ticket: the thread gets one line, the card its last state.
    pub(super) async fn on_ended(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        ending: Ending,
    ) -> Step<()> {
        if !ticket.is_closed() {
            let at = item.received;
            let line = self.words.ending(&ending, at);
            let channel = self.channel_now(ticket).await?;
            self.turn(&lane_of(ticket), &channel).await?;
            self.say(item, "ended", ticket, &Saying::line(&line)).await?;
            ticket.enter(State::Closed { ending, at });
            self.store.put_ticket(ticket).await?;
            tracing::info!(ticket.id = %ticket.id, "a ticket was ended at Blip");
        }
        Ok(self.set_out(Chore::card(ticket, self.clock.now())).await?)
    }

    /// The channel that a ticket is in or, before its card is posted, will be in.
    pub(super) async fn channel_now(&self, ticket: &Ticket) -> Step<crate::model::ChannelId> {
        match &ticket.thread {
            Some(thread) => Ok(thread.channel.clone()),
            None => self.channel_of(ticket).await,
        }
    }

    /// Shows what a customer said; several messages at once if they have been waiting.
    async fn on_customer_messages(&self, items: &[Item], id: &TicketId, address: &str) -> Outcome {
        let said = together(items.iter().map_while(|item| read(item, id)));
        let Some(first) = said.first() else { return Ok(Handled::one(Settled::Done)) };
        let mut ticket = self.ticket_of_message(first.item, id, address).await?;
        // What was begun before takes the turns that it still needs.
        if !first.item.begun {
            let channel = self.channel_now(&ticket).await?;
            self.turn(&lane_of(&ticket), &channel).await?;
        }
        let count = self.together(&said).await?;
        let said = said.get(..count).unwrap_or_default();
        self.mark_gap(&mut ticket, said).await?;
        self.show(&mut ticket, said).await?;
        self.heard_of(&mut ticket, said.last().map(|said| said.item)).await?;
        self.tell_of_seen(&ticket, said.iter().map(|said| said.item)).await?;
        Ok(Handled { items: count.max(1), ending: Settled::Done })
    }

    /// The ticket of a customer's message. One that we do not know gets its thread first.
    async fn ticket_of_message(&self, item: &Item, id: &TicketId, address: &str) -> Step<Ticket> {
        if let Some(ticket) = self.store.ticket(id).await? {
            return Ok(ticket);
        }
        let known = match self.bot(id)?.ticket(id).await {
            Err(error) if error.tells_nothing() => None,
            known => known?,
        };
        // Blip may have forgotten the ticket; what the customer said is shown all the same.
        let mut snapshot = known.unwrap_or_else(|| Snapshot::bare(id.clone()));
        address.clone_into(&mut snapshot.address);
        let erased = self.store.erased_at(id).await?;
        if let Some(at) = erased {
            // For us it begins now: what was said before is not shown again, and not fetched.
            snapshot.first_words = None;
            snapshot.opened = Some(at);
        }
        let mut ticket = self.new_ticket(item, &snapshot).await?;
        self.begin(item, &mut ticket, &snapshot).await?;
        if let Some(ending) = snapshot.ending() {
            self.on_ended(item, &mut ticket, ending).await?;
        }
        Ok(ticket)
    }

    /// Decides how many of the waiting messages go into one post, once for good: after a crash
    /// the same messages must be looked for, whatever waits behind the first by then.
    async fn together(&self, said: &[Said<'_>]) -> Step<usize> {
        const STEP: &str = "together";
        let Some(first) = said.first().map(|said| said.item) else { return Ok(0) };
        let ids = || said.iter().map(|said| said.item.id);
        let age = self.clock.now().duration_since(first.received);
        let as_decided = |decided: Option<&str>| {
            let decided = decided.map(serde_json::from_str).and_then(Result::ok);
            let decided: Vec<ItemId> = decided.unwrap_or_default();
            ids().zip(decided).take_while(|(id, decided)| id == decided).count().max(1)
        };
        let steps = self.begun_before(first).await?;
        if let Some((_, decided)) = steps.iter().find(|(step, _)| step == STEP) {
            return Ok(as_decided(decided.as_deref()));
        }
        if said.len() < 2 || age < PRESSURE || !steps.is_empty() {
            return Ok(1);
        }
        match self.store.begin(first.id, STEP, None, self.clock.now()).await? {
            Begun::Fresh => {}
            Begun::Done(decided) => return Ok(as_decided(Some(&decided))),
            Begun::Unsure(_) => return Ok(as_decided(None)),
        }
        let ids: Vec<ItemId> = ids().take(MOST_TOGETHER).collect();
        self.store.record(first.id, STEP, &serde_json::json!(ids).to_string()).await?;
        Ok(ids.len())
    }

    /// Says that what follows comes late, if the first message was fetched after a gap.
    async fn mark_gap(&self, ticket: &mut Ticket, said: &[Said<'_>]) -> Step<()> {
        let Some(first) = said.first().filter(|said| said.is_after_gap) else { return Ok(()) };
        let line = Saying::line(&self.words.say("thread-gap", &[]));
        self.say(first.item, "gap", ticket, &line).await.map(drop)
    }

    /// Shows what was said, in order: words as posts, files as files.
    async fn show(&self, ticket: &mut Ticket, said: &[Said<'_>]) -> Step<()> {
        let Some(first) = said.first() else { return Ok(()) };
        let blip_ids: Vec<String> = said.iter().filter_map(|said| said.id.clone()).collect();
        let pieces = |said| bounds::bounded(render::pieces(said, &self.words), &self.words);
        let pieces = said.iter().flat_map(|said| pieces(&said.content));
        self.show_pieces((first.item, ""), ticket, &blip_ids, &render::joined(pieces)).await
    }

    /// Shows the pieces of an event, whose places get the prefix given.
    async fn show_pieces(
        &self,
        (item, prefix): (&Item, &str),
        ticket: &mut Ticket,
        blip_ids: &[String],
        pieces: &[Piece<'_>],
    ) -> Step<()> {
        let began = self.clock.now();
        let author = render::author(&ticket.customer, &self.words);
        let bot = self.bot(&ticket.id)?;
        let steps = self.begun_before(item).await?;
        // The event has had a turn for its first post.
        let mut has_turn = prefix.is_empty() && !item.begun;
        let mut posts = 0;
        for (number, piece) in pieces.iter().enumerate() {
            let words = match piece {
                Piece::Words(words) => words,
                Piece::File(media) => {
                    let place = &format!("{prefix}{number}");
                    if !has_begun(&steps, &format!("file:{place}@")) {
                        self.turn_of(ticket, &mut has_turn).await?;
                    }
                    let (id, author) = (&ticket.id.clone(), author.as_str());
                    let sent = Sent { item, place, ticket: id, bot, media, author, blip_ids };
                    self.show_file(ticket, &sent, began).await?;
                    continue;
                }
            };
            let label = if self.slack.has_author_names() { None } else { Some(&author) };
            for part in render::parts(words, label) {
                let (text, block) = rich_text::literal(&part);
                let saying = Saying {
                    text,
                    blocks: vec![block],
                    author: Some(author.clone()),
                    role: Role::Customer,
                    blip_ids: blip_ids.to_vec(),
                    user: None,
                    broadcast: false,
                };
                let step = format!("post:{posts}");
                if !has_begun(&steps, &step) {
                    self.turn_of(ticket, &mut has_turn).await?;
                }
                self.say(item, &step, ticket, &saying).await?;
                posts += 1;
            }
        }
        Ok(())
    }

    /// Waits for the turn of a post, unless there has been one that nobody has used.
    async fn turn_of(&self, ticket: &Ticket, has_turn: &mut bool) -> Step<()> {
        if std::mem::take(has_turn) {
            return Ok(());
        }
        let channel = self.channel_now(ticket).await?;
        self.turn(&lane_of(ticket), &channel).await
    }

    /// The files that came with a new ticket's first words: the card only names them.
    async fn show_first_files(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> Step<()> {
        let pieces = first_words.map(|words| render::pieces(words, &self.words));
        let mut files = bounds::bounded(pieces.unwrap_or_default(), &self.words);
        files.retain(|piece| matches!(piece, Piece::File(_)));
        self.show_pieces((item, "first."), ticket, &[], &files).await
    }
}

/// Whether the step of this name was begun before; or, where the name ends in what separates it from
/// the thread, in any thread.
fn has_begun(steps: &[(String, Option<String>)], name: &str) -> bool {
    let is_it =
        |step: &str| if name.ends_with('@') { step.starts_with(name) } else { step == name };
    steps.iter().any(|(step, _)| is_it(step))
}

/// The first messages that may be shown as one post: words only, or one message with files.
fn together<'a>(said: impl Iterator<Item = Said<'a>>) -> Vec<Said<'a>> {
    let mut group = Vec::new();
    for said in said {
        let has_files = has_files(&said.content);
        if (has_files || said.is_after_gap) && !group.is_empty() {
            break;
        }
        group.push(said);
        if has_files {
            break;
        }
    }
    group
}

fn has_files(content: &Content) -> bool {
    match content {
        Content::Media(_) => true,
        Content::Several(parts) => parts.iter().any(has_files),
        Content::Reply { answer, .. } => has_files(answer),
        Content::Text(_)
        | Content::Place { .. }
        | Content::Link { .. }
        | Content::Choice { .. }
        | Content::Reaction { .. }
        | Content::Card { .. }
        | Content::Sensitive
        | Content::Notice(_)
        | Content::Unreadable { .. }
        | Content::Unknown { .. } => false,
    }
}

fn read<'a>(item: &'a Item, id: &TicketId) -> Option<Said<'a>> {
    match parse::event(id.bot(), &item.body) {
        BlipEvent::Message { id, content, .. } => {
            let is_after_gap = parse::is_after_gap(&item.body);
            Some(Said { item, id, content, is_after_gap })
        }
        BlipEvent::Ticket(_)
        | BlipEvent::Receipt { .. }
        | BlipEvent::Quiet
        | BlipEvent::Unknown { .. } => None,
    }
}
