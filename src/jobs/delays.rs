//! ⏳ on a reply that waits because a platform fails, and word to its writer.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashSet;
use jiff::SignedDuration;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::people::People;
use crate::handlers::posts::Posts;
use crate::inbox::{DelayedReply, Handling, MarkJob};
use crate::model::{SlackUserId, TicketId, marks};
use crate::store::{Lane, Role, Source};

/// How soon it is looked again whether a reply has gone out.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// How long it is looked for: what waits longer is parked, and has a line of its own.
const LOOK_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// The step that notes that the mark is there.
const SHOWN_STEP: &str = "shown";

/// Shows which replies wait. They wait in the order of their thread, so that only the first bears
/// the mark.
pub(crate) struct DelayMarks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) posts: Arc<Posts>,
    /// Who was told of the outage that lasts.
    pub(crate) told: DashSet<SlackUserId>,
}

impl DelayMarks {
    /// Shows that a reply waits as long as it does.
    pub(crate) async fn show_delay(
        &self,
        item: &Handling,
        delayed: &DelayedReply,
    ) -> PipeResult<()> {
        let DelayedReply { ticket, channel, ts, user, is_move, .. } = delayed;
        let place = (channel, ts);
        let now = self.calls.clock.now();
        // Only a reply that waits for longer than a moment is worth a mark: one that goes out at
        // once costs nothing here.
        if now < item.received {
            return Err(Interrupt::Wait(item.received));
        }
        let is_shown = self.calls.read_earlier_steps(item).await?.has(SHOWN_STEP);
        if self.is_over(item, delayed).await? || now > item.received + LOOK_LIMIT {
            self.told.remove(user);
            // Who makes a move takes its mark away when it is through (`to_blip/delays.rs`).
            if is_shown && !is_move {
                let mark = MarkJob::remove_reaction(ticket, place, marks::WAITING_MARK, now);
                self.calls.enqueue_item(item, mark).await?;
            }
            return Ok(());
        }
        if !is_shown {
            let mark = MarkJob::add_reaction(ticket, place, marks::WAITING_MARK, false, now);
            self.calls.enqueue_item(item, mark).await?;
            let text_key = if *is_move { "ask-delayed-move" } else { "ask-delayed" };
            self.tell_writer(item, ticket, user, text_key).await?;
            item.remember(SHOWN_STEP, &true)?;
        }
        Err(Interrupt::Wait(now + LOOK_PAUSE))
    }

    /// Whether what waited has gone out, or will not any more.
    async fn is_over(&self, item: &Handling, delayed: &DelayedReply) -> PipeResult<bool> {
        if !delayed.is_move {
            let link = self.calls.find_link(item, &delayed.channel, &delayed.ts).await?;
            return Ok(link.is_some_and(|link| link.role != Role::Held));
        }
        let Some(event) = &delayed.event else { return Ok(true) };
        let lane = Lane::Replies(delayed.ticket.clone());
        Ok(!self.calls.read(item).await?.has_waiting(&lane, Source::Slack, event).await?)
    }

    /// Tells the writer once for each outage, however many replies of theirs wait.
    async fn tell_writer(
        &self,
        item: &Handling,
        id: &TicketId,
        user: &SlackUserId,
        text_key: &str,
    ) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        if self.told.insert(user.clone()) {
            let text = self.people.texts_for(user).await.text(text_key, &[]);
            self.posts.post_ephemeral(item, &ticket, user, None, (&text, &[])).await;
        }
        Ok(())
    }
}
