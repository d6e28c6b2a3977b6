//! What happens at Blip, shown in Slack: a ticket arrives, a customer writes, a ticket ends.

use jiff::SignedDuration;

use super::customer_files::CustomerFile;
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, HandlerResult, PipeResult};
use crate::blip::{envelope, parse};
use crate::inbox::{Handled, ItemOutcome, Job, ReminderTopic};
use crate::model::{
    BlipEvent, Content, Customer, Failure, Ticket, TicketEnding, TicketId, TicketSnapshot,
    TicketState, domain_of,
};
use crate::slack::render::{self, Piece};
use crate::slack::{bounds, rich_text};
use crate::store::{CallState, Item, ItemId, Lane, Role};

/// How long a customer's message must have waited, for our pace or because Slack asked to wait, before it goes out together with those that came
/// after it. Without pressure there is one post per message.
const MERGE_AFTER: SignedDuration = SignedDuration::from_millis(1500);
/// Most messages in one post, so that a post stays readable and under Slack's limits.
const MAX_MERGED_MESSAGES: usize = 20;

/// A customer's message that waits to be shown.
struct CustomerMessage<'a> {
    item: &'a Item,
    id: Option<String>,
    content: Content,
    is_after_gap: bool,
}

/// Whom a ticket is about, without a name.
fn to_customer(snapshot: &TicketSnapshot) -> Customer {
    let identity = snapshot.customer.clone().unwrap_or_default();
    let domain = snapshot.domain.clone();
    let domain = domain.unwrap_or_else(|| domain_of(&identity).to_owned());
    Customer { name: None, originator: None, domain, identity }
}

impl Bridge {
    /// Handles what Blip sent.
    pub(super) async fn handle_blip_items(&self, lane: &str, items: &[Item]) -> HandlerResult {
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let Some(Lane::Ticket(id)) = Lane::parse(lane) else {
            // Well-formed, but of no ticket: stored and counted, and nobody waits for it.
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        match parse::parse_event(id.bot(), &first.body) {
            BlipEvent::Ticket(snapshot) => self.handle_ticket_event(first, &snapshot).await?,
            // The lane knows the ticket, but not how Blip writes its id.
            BlipEvent::Message { ticket, address, .. } => {
                return self.handle_customer_messages(items, &ticket, &address).await;
            }
            BlipEvent::Receipt { id: message, kind, reason, .. } => {
                if !envelope::is_requested_receipt(&first.body) {
                    self.note_pushed_receipt(&id);
                }
                self.handle_receipt(first, &id, &message, kind, reason).await?;
            }
            BlipEvent::Quiet | BlipEvent::Unknown { .. } => {}
        }
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }

    async fn handle_ticket_event(&self, item: &Item, snapshot: &TicketSnapshot) -> PipeResult<()> {
        match self.store.load_ticket(&snapshot.id).await? {
            Some(ticket) => {
                // The card may have been posted in an earlier run that did not come this far.
                self.enqueue_item(Job::show_context(&ticket.id, item.received)).await?;
                self.apply_snapshot(item, ticket, snapshot).await
            }
            // One that was erased comes back only if the customer writes again.
            None if snapshot.is_waiting()
                && self.store.erased_at(&snapshot.id).await?.is_none() =>
            {
                self.handle_new_ticket(item, snapshot).await
            }
            // A ticket that we never saw waiting was answered elsewhere.
            None => Ok(()),
        }
    }

    async fn handle_new_ticket(&self, item: &Item, snapshot: &TicketSnapshot) -> PipeResult<()> {
        let mut ticket = self.build_ticket(item, snapshot).await?;
        self.open_thread(item, &mut ticket, snapshot).await
    }

    /// Gives a new ticket its thread: that of the ticket before, or one of its own.
    async fn open_thread(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        tracing::info!(ticket.id = %ticket.id, "a ticket has arrived");
        self.schedule_window_check(ticket, ticket.opened).await?;
        self.schedule_originator_check(ticket).await?;
        self.schedule_reminder(ticket, ReminderTopic::Unclaimed, item.received).await?;
        if let Some(since) = ticket.unanswered {
            self.schedule_answer_checks(ticket, since).await?;
        }
        let before = self.find_predecessor(ticket).await?;
        if let Some(before) = &before {
            // It was transferred, whether or not anybody tells us.
            self.enqueue_item(Job::check_ticket(&before.id, self.clock.now())).await?;
        }
        if self.continue_thread(item, ticket).await? {
            self.customer_details.remove(&ticket.id);
            return Ok(());
        }
        self.post_card(item, ticket, snapshot.first_words.as_ref()).await?;
        self.customer_details.remove(&ticket.id);
        self.post_first_files(item, ticket, snapshot.first_words.as_ref()).await?;
        if let Some(before) = before {
            self.enqueue_item(Job::update_followed_card(&before, ticket, self.clock.now())).await?;
        }
        Ok(self.enqueue_item(Job::show_context(&ticket.id, item.received)).await?)
    }

    /// Makes a ticket of what Blip says, once it is the channel's turn.
    async fn build_ticket(&self, item: &Item, snapshot: &TicketSnapshot) -> PipeResult<Ticket> {
        let mut ticket = Ticket {
            id: snapshot.id.clone(),
            address: snapshot.address.clone(),
            number: snapshot.number,
            parent: snapshot.parent,
            customer: to_customer(snapshot),
            team: snapshot.team.clone(),
            tags: snapshot.tags.clone(),
            opened: snapshot.opened.unwrap_or(item.received),
            state: TicketState::Unclaimed,
            thread: None,
            heard: None,
            unanswered: snapshot.first_words.is_some().then_some(item.received),
            revision: 1,
        };
        if snapshot.is_waiting() {
            // The handoff is young even if Blip's date of it is not. One that was transferred is
            // as old as what the customer said before.
            let before = self.find_predecessor(&ticket).await?;
            ticket.heard = before.map_or(Some(item.received), |before| before.heard);
        }
        if !item.has_begun_calls {
            let channel = self.resolve_ticket_channel(&ticket).await?;
            self.wait_for_post_slot(&ticket_lane(&ticket), &channel).await?;
        }
        self.identify_customer(&mut ticket.customer, &ticket.id).await?;
        Ok(ticket)
    }

    /// Brings a ticket that we know up to what Blip says of it.
    pub(super) async fn apply_snapshot(
        &self,
        item: &Item,
        mut ticket: Ticket,
        snapshot: &TicketSnapshot,
    ) -> PipeResult<()> {
        if let Some(ending) = snapshot.parse_ending() {
            return self.apply_ending(item, &mut ticket, ending).await;
        }
        let team = snapshot.team.clone().or_else(|| ticket.team.clone());
        let tags =
            if snapshot.tags.is_empty() { ticket.tags.clone() } else { snapshot.tags.clone() };
        // One that came without a number may have got it, and one of which Blip did not tell at
        // first, its customer.
        let number = ticket.number.or(snapshot.number);
        let is_met = ticket.customer.identity.is_empty() && snapshot.customer.is_some();
        if is_met {
            ticket.customer = to_customer(snapshot);
        }
        if is_met || team != ticket.team || tags != ticket.tags || number != ticket.number {
            ticket.number = number;
            ticket.team = team;
            ticket.tags = tags;
            ticket.revision += 1;
            self.store.put_ticket(&ticket).await?;
        }
        self.schedule_originator_check(&ticket).await?;
        let drawn = self.store.drawn_card(&ticket.id).await?;
        let is_behind = drawn.is_some_and(|drawn| drawn.revision != ticket.revision);
        // Also if nothing is new: the card may be in a language that was set before the start.
        if is_behind || self.has_few_cards {
            self.enqueue_item(Job::update_card(&ticket, self.clock.now())).await?;
        }
        Ok(())
    }

    /// Blip has ended a ticket: the thread gets one line, the card its last state.
    pub(super) async fn apply_ending(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        ending: TicketEnding,
    ) -> PipeResult<()> {
        if !ticket.is_closed() {
            let at = item.received;
            let line = self.texts.ticket_ending_text(&ending, at);
            let channel = self.current_channel(ticket).await?;
            self.wait_for_post_slot(&ticket_lane(ticket), &channel).await?;
            self.post_to_ticket(item, "ended", ticket, &ThreadPost::from_line(&line)).await?;
            ticket.enter_state(TicketState::Closed { ending, at });
            self.store.put_ticket(ticket).await?;
            tracing::info!(ticket.id = %ticket.id, "a ticket was ended at Blip");
        }
        Ok(self.enqueue_item(Job::update_card(ticket, self.clock.now())).await?)
    }

    /// The channel that a ticket is in or, before its card is posted, will be in.
    pub(super) async fn current_channel(
        &self,
        ticket: &Ticket,
    ) -> PipeResult<crate::model::ChannelId> {
        match &ticket.thread {
            Some(thread) => Ok(thread.channel.clone()),
            None => self.resolve_ticket_channel(ticket).await,
        }
    }

    /// Shows what a customer said; several messages at once if they have been waiting.
    async fn handle_customer_messages(
        &self,
        items: &[Item],
        id: &TicketId,
        address: &str,
    ) -> HandlerResult {
        let mut said =
            take_mergeable_messages(items.iter().map_while(|item| read_customer_message(item, id)));
        let Some(first) = said.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut ticket = self.ensure_ticket(first.item, id, address).await?;
        // What was begun before takes the turns that it still needs.
        if !first.item.has_begun_calls {
            let channel = self.current_channel(&ticket).await?;
            self.wait_for_post_slot(&ticket_lane(&ticket), &channel).await?;
        }
        let count = self.decide_batch_size(&said).await?;
        said.truncate(count);
        for said in &mut said {
            self.quote_earlier(&ticket, said.item, &mut said.content).await?;
        }
        let said = said.as_slice();
        self.post_gap_notice(&mut ticket, said).await?;
        self.post_customer_messages(&mut ticket, said).await?;
        self.record_customer_message(&mut ticket, said.last().map(|said| said.item)).await?;
        self.enqueue_seen_receipts(&ticket, said.iter().map(|said| said.item)).await?;
        Ok(Handled { items: count.max(1), outcome: ItemOutcome::Done })
    }

    /// The ticket of a customer's message. One that we do not know gets its thread first.
    async fn ensure_ticket(&self, item: &Item, id: &TicketId, address: &str) -> PipeResult<Ticket> {
        if let Some(ticket) = self.store.load_ticket(id).await? {
            return Ok(ticket);
        }
        let known = match self.require_bot(id)?.fetch_ticket(id).await {
            Err(error) if error.is_lookup_impossible() => None,
            known => known?,
        };
        // Blip may have forgotten the ticket; what the customer said is shown all the same.
        let mut snapshot = known.unwrap_or_else(|| TicketSnapshot::with_id(id.clone()));
        address.clone_into(&mut snapshot.address);
        let erased = self.store.erased_at(id).await?;
        if let Some(at) = erased {
            // For us it begins now: what was said before is not shown again, and not fetched.
            snapshot.first_words = None;
            snapshot.opened = Some(at);
        }
        let mut ticket = self.build_ticket(item, &snapshot).await?;
        self.open_thread(item, &mut ticket, &snapshot).await?;
        if let Some(ending) = snapshot.parse_ending() {
            self.apply_ending(item, &mut ticket, ending).await?;
        }
        Ok(ticket)
    }

    /// Decides how many of the waiting messages go into one post, once for good: after a crash
    /// the same messages must be looked for, whatever waits behind the first by then.
    async fn decide_batch_size(&self, said: &[CustomerMessage<'_>]) -> PipeResult<usize> {
        const BATCH_SIZE_CALL: &str = "together";
        let Some(first) = said.first().map(|said| said.item) else { return Ok(0) };
        let ids = || said.iter().map(|said| said.item.id);
        let age = self.clock.now().duration_since(first.received);
        let as_decided = |decided: Option<&str>| {
            let decided = decided.map(serde_json::from_str).and_then(Result::ok);
            let decided: Vec<ItemId> = decided.unwrap_or_default();
            ids().zip(decided).take_while(|(id, decided)| id == decided).count().max(1)
        };
        let steps = self.read_begun_calls(first).await?;
        if let Some((_, decided)) = steps.iter().find(|(step, _)| step == BATCH_SIZE_CALL) {
            return Ok(as_decided(decided.as_deref()));
        }
        if said.len() < 2 || age < MERGE_AFTER || !steps.is_empty() {
            return Ok(1);
        }
        match self.store.begin_call(first.id, BATCH_SIZE_CALL, None, self.clock.now()).await? {
            CallState::Fresh => {}
            CallState::Done(decided) => return Ok(as_decided(Some(&decided))),
            CallState::OutcomeUnknown(_) => return Ok(as_decided(None)),
        }
        let ids: Vec<ItemId> = ids().take(MAX_MERGED_MESSAGES).collect();
        self.store
            .record_call_result(first.id, BATCH_SIZE_CALL, &serde_json::json!(ids).to_string())
            .await?;
        Ok(ids.len())
    }

    /// Says that what follows comes late, if the first message was fetched after a gap.
    async fn post_gap_notice(
        &self,
        ticket: &mut Ticket,
        said: &[CustomerMessage<'_>],
    ) -> PipeResult<()> {
        let Some(first) = said.first().filter(|said| said.is_after_gap) else { return Ok(()) };
        let line = ThreadPost::from_line(&self.texts.text("thread-gap", &[]));
        self.post_to_ticket(first.item, "gap", ticket, &line).await.map(drop)
    }

    /// Shows what was said, in order: words as posts, files as files.
    async fn post_customer_messages(
        &self,
        ticket: &mut Ticket,
        said: &[CustomerMessage<'_>],
    ) -> PipeResult<()> {
        let Some(first) = said.first() else { return Ok(()) };
        let blip_ids: Vec<String> = said.iter().filter_map(|said| said.id.clone()).collect();
        let pieces =
            |said| bounds::limit_pieces(render::split_pieces(said, &self.texts), &self.texts);
        let pieces = said.iter().flat_map(|said| pieces(&said.content));
        self.post_pieces((first.item, ""), ticket, &blip_ids, &render::join_pieces(pieces)).await
    }

    /// Shows the pieces of an event, whose places get the prefix given.
    async fn post_pieces(
        &self,
        (item, prefix): (&Item, &str),
        ticket: &mut Ticket,
        blip_ids: &[String],
        pieces: &[Piece<'_>],
    ) -> PipeResult<()> {
        let began = self.clock.now();
        let author = render::author_name(&ticket.customer, &self.texts);
        let bot = self.require_bot(&ticket.id)?;
        let steps = self.read_begun_calls(item).await?;
        // The event has had a turn for its first post.
        let mut has_turn = prefix.is_empty() && !item.has_begun_calls;
        let mut posts = 0;
        for (number, piece) in pieces.iter().enumerate() {
            let words = match piece {
                Piece::Words(words) => words,
                Piece::File(media) => {
                    let place = &format!("{prefix}{number}");
                    if !has_begun_call(&steps, &format!("file:{place}@")) {
                        self.ensure_post_slot(ticket, &mut has_turn).await?;
                    }
                    let (id, author) = (&ticket.id.clone(), author.as_str());
                    let sent =
                        CustomerFile { item, place, ticket: id, bot, media, author, blip_ids };
                    self.post_file(ticket, &sent, began).await?;
                    continue;
                }
            };
            let label = if self.slack.has_author_names() { None } else { Some(&author) };
            for part in render::split_into_posts(words, label) {
                let (text, block) = rich_text::to_literal_post(&part);
                let post = ThreadPost {
                    text,
                    blocks: vec![block],
                    author: Some(author.clone()),
                    role: Role::Customer,
                    blip_ids: blip_ids.to_vec(),
                    user: None,
                    broadcast: false,
                };
                let step = format!("post:{posts}");
                if !has_begun_call(&steps, &step) {
                    self.ensure_post_slot(ticket, &mut has_turn).await?;
                }
                self.post_to_ticket(item, &step, ticket, &post).await?;
                posts += 1;
            }
        }
        Ok(())
    }

    /// Waits for the turn of a post, unless there has been one that nobody has used.
    async fn ensure_post_slot(&self, ticket: &Ticket, has_turn: &mut bool) -> PipeResult<()> {
        if std::mem::take(has_turn) {
            return Ok(());
        }
        let channel = self.current_channel(ticket).await?;
        self.wait_for_post_slot(&ticket_lane(ticket), &channel).await
    }

    /// The files that came with a new ticket's first words: the card only names them.
    async fn post_first_files(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<()> {
        let pieces = first_words.map(|words| render::split_pieces(words, &self.texts));
        let mut files = bounds::limit_pieces(pieces.unwrap_or_default(), &self.texts);
        files.retain(|piece| matches!(piece, Piece::File(_)));
        self.post_pieces((item, "first."), ticket, &[], &files).await
    }
}

/// Whether the step of this name was begun before; or, where the name ends in what separates it from
/// the thread, in any thread.
fn has_begun_call(steps: &[(String, Option<String>)], name: &str) -> bool {
    let is_it =
        |step: &str| if name.ends_with('@') { step.starts_with(name) } else { step == name };
    steps.iter().any(|(step, _)| is_it(step))
}

/// The first messages that may be shown as one post: words only, or one message with files.
fn take_mergeable_messages<'a>(
    said: impl Iterator<Item = CustomerMessage<'a>>,
) -> Vec<CustomerMessage<'a>> {
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
        | Content::Earlier(_)
        | Content::Sensitive
        | Content::Notice(_)
        | Content::Unreadable { .. }
        | Content::Unknown { .. } => false,
    }
}

fn read_customer_message<'a>(item: &'a Item, id: &TicketId) -> Option<CustomerMessage<'a>> {
    match parse::parse_event(id.bot(), &item.body) {
        BlipEvent::Message { id, content, .. } => {
            let is_after_gap = parse::is_after_gap(&item.body);
            Some(CustomerMessage { item, id, content, is_after_gap })
        }
        BlipEvent::Ticket(_)
        | BlipEvent::Receipt { .. }
        | BlipEvent::Quiet
        | BlipEvent::Unknown { .. } => None,
    }
}
