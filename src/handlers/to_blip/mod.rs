//! What people do in Slack, carried to Blip: replies, notes, reactions, buttons, dialogs.

pub(crate) mod asked_replies;
pub(crate) mod buttons;
pub(crate) mod clicks;
pub(crate) mod corrections;
pub(crate) mod delays;
pub(crate) mod held_replies;
pub(crate) mod list_clicks;
pub(crate) mod notes;
pub(crate) mod reaction_history;
pub(crate) mod reactions;
pub(crate) mod replies;
pub(crate) mod resends;
pub(crate) mod sender;
pub(crate) mod submissions;
pub(crate) mod thread_events;
pub(crate) mod unknown;
pub(crate) mod versions;

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::events::read_slack_event;
use crate::handlers::interrupt::{HandlerResult, Interrupt};
use crate::handlers::to_blip::clicks::Clicks;
use crate::handlers::to_blip::submissions::Submissions;
use crate::handlers::to_blip::thread_events::ThreadEvents;
use crate::handlers::to_blip::unknown::{MIN_MATCH_PAUSE, UnknownMessages};
use crate::inbox::{Handled, Handling, ItemOutcome};
use crate::model::{ChannelId, MessageTs, RoutedSlackEvent, SlackEvent};
use crate::slack::gaps::EventGaps;
use crate::store::Lane;
use crate::telemetry;

/// Handles Slack's events: finds the ticket that each is about, and who handles its kind.
pub(crate) struct ToBlip {
    pub(crate) calls: Arc<Calls>,
    pub(crate) gaps: Arc<EventGaps>,
    pub(crate) unknown: Arc<UnknownMessages>,
    pub(crate) clicks: Arc<Clicks>,
    pub(crate) submissions: Arc<Submissions>,
    pub(crate) thread_events: Arc<ThreadEvents>,
}

impl ToBlip {
    /// Handles what Slack sent.
    pub(crate) async fn handle_slack_item(&self, item: &Handling) -> HandlerResult {
        let Some(routed) = &read_slack_event(item).routed else {
            return Ok(Handled::for_first_item(ItemOutcome::Ignored));
        };
        // The largest of the futures: otherwise every lane under way would have room for it.
        let handled = Box::pin(self.handle_event(item, routed)).await;
        if let Some(ticket) = Lane::ticket_of(&item.lane) {
            let about = (&ticket, &routed.event);
            delays::note_move_delay(&self.calls, item, about, &handled).await?;
        }
        handled
    }

    async fn handle_event(&self, item: &Handling, routed: &RoutedSlackEvent) -> HandlerResult {
        let now = self.calls.clock.now();
        let own = Lane::ticket_of(&item.lane);
        if let Some(ticket) = &own {
            if matches!(Lane::parse(&item.lane), Some(Lane::Ticket(_))) && !item.has_begun_calls {
                // Put there by the release before, while instances are replaced one by one.
                return self.hand_on(item, Lane::Replies(ticket.clone())).await;
            }
            if !item.has_begun_calls && self.gaps.is_holding_back(ticket, item.received, now) {
                return Ok(Handled::for_first_item(ItemOutcome::Wait(now + MIN_MATCH_PAUSE)));
            }
        }
        match &routed.event {
            SlackEvent::Click(click) => {
                return self.clicks.handle_click(item, (click, routed.about.as_ref())).await;
            }
            SlackEvent::Submitted(filled) => {
                self.submissions.handle_submission(item, filled).await?;
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            SlackEvent::Message { .. }
            | SlackEvent::Oversized { .. }
            | SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Reaction { .. }
            | SlackEvent::Outside { .. }
            | SlackEvent::NotOurs
            | SlackEvent::Unknown { .. } => {}
        }
        let Some((channel, ts, thread)) = locate_message(&routed.event) else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut link = self.calls.find_link(item, channel, ts).await?;
        // Most of a thread's messages are people's own and linked to nothing; the card at its root
        // is.
        if link.is_none() && thread != ts {
            link = self.calls.find_link(item, channel, thread).await?;
        }
        let Some(link) = link else {
            return self.unknown.handle_unknown_message(item, channel, thread).await;
        };
        if own.is_none() {
            telemetry::record_ticket(&link.ticket);
        }
        let id = match own {
            Some(own) if own == link.ticket => own,
            // What has begun to go out for the ticket before goes on for that.
            Some(own) if self.calls.has_begun_sending(item).await? => own,
            // The thread belongs to the ticket that followed, and the event is for that one.
            Some(_) => return self.hand_on(item, Lane::Replies(link.ticket)).await,
            // Its ticket became known just now, and the item has moved to the ticket's lane.
            None => return Ok(Handled::for_first_item(ItemOutcome::Wait(now))),
        };
        let Some(mut ticket) = self.unknown.load_arriving_ticket(item, &id).await? else {
            return Err(Interrupt::broken(format!("ticket {id} is linked but not known")));
        };
        let handled =
            self.thread_events.handle_thread_event(item, &mut ticket, &link, &routed.event).await;
        if let Err(interrupt) = &handled {
            delays::note_delay(&self.calls, item, &ticket, (&routed.event, interrupt)).await?;
        }
        handled?;
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }

    /// An event is in another lane than it belongs in: it goes on there.
    async fn hand_on(&self, item: &Handling, lane: Lane) -> HandlerResult {
        self.calls.enqueue_item(item, item.to_lane(lane, self.calls.clock.now())).await?;
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }
}

/// The Slack message that an event is about, and the one by which its ticket is known if that
/// message is not.
pub(crate) fn locate_message(event: &SlackEvent) -> Option<(&ChannelId, &MessageTs, &MessageTs)> {
    match event {
        SlackEvent::Message { channel, thread, .. }
        | SlackEvent::Oversized { channel, thread, .. } => Some((channel, thread, thread)),
        SlackEvent::Edited { channel, ts, thread, .. }
        | SlackEvent::Deleted { channel, ts, thread } => Some((channel, ts, thread)),
        SlackEvent::Reaction { channel, ts, .. } => Some((channel, ts, ts)),
        SlackEvent::Click(_)
        | SlackEvent::Submitted(_)
        | SlackEvent::Outside { .. }
        | SlackEvent::NotOurs
        | SlackEvent::Unknown { .. } => None,
    }
}
