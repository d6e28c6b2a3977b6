//! Tickets as one person may see them: nobody is shown one whose channel they are not in.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::error::Error;
use crate::clock::Clock;
use crate::model::{ChannelId, Failure, Fault, SlackUserId, Ticket, TicketState};
use crate::slack::home::{ListedTicket, OutsideChannel, TicketNews};
use crate::slack::last_words::{LastWords, shorten_words};
use crate::slack::{SlackClient, members};
use crate::store::SharedStore;

/// How long it is believed that somebody is not in a channel: they may join and look again.
const CHANNEL_ABSENCE_LIFETIME: SignedDuration = SignedDuration::from_secs(30);

/// Tickets as one person may see them.
#[derive(Default)]
struct SeenTickets {
    rows: Vec<ListedTicket>,
    outside: Vec<OutsideChannel>,
}

impl SeenTickets {
    /// Counts a ticket that waits in a channel that the person is not in.
    fn count_outside(&mut self, channel: &ChannelId) {
        match self.outside.iter_mut().find(|(known, _)| known == channel) {
            Some((_, count)) => *count += 1,
            None => self.outside.push((channel.clone(), 1)),
        }
    }
}

/// What is open, for one person.
#[derive(Default)]
pub(super) struct OpenTickets {
    /// What they hold: first who waits for their answer.
    pub(super) mine: Vec<ListedTicket>,
    /// What nobody holds: the most urgent first, of those the oldest.
    pub(super) waiting: Vec<ListedTicket>,
    /// Where more wait that they cannot see.
    pub(super) outside: Vec<OutsideChannel>,
}

/// Lists tickets for one person.
pub(crate) struct VisibleTickets {
    pub(crate) store: SharedStore,
    pub(crate) slack: Arc<SlackClient>,
    /// What customers said last.
    pub(crate) last_words: Arc<LastWords>,
    pub(crate) clock: Clock,
}

impl VisibleTickets {
    /// What somebody holds, and what nobody holds.
    pub(super) async fn list_open_tickets(&self, user: &SlackUserId) -> Result<OpenTickets, Error> {
        let SeenTickets { rows, outside } =
            self.sort_by_sight(user, self.store.open_tickets().await?).await?;
        let (mut waiting, held): (Vec<ListedTicket>, Vec<ListedTicket>) =
            rows.into_iter().partition(|row| row.ticket.state == TicketState::Unclaimed);
        waiting.sort_by_key(|row| row.ticket.queue_place());
        let mut mine: Vec<ListedTicket> = held.into_iter().filter(|row| row.is_own).collect();
        // Who waits for an answer comes first, who waits longest before the others.
        mine.sort_by_key(|row| (row.ticket.unanswered.is_none(), row.ticket.unanswered));
        for row in &mut mine {
            row.news = Some(self.find_news(&row.ticket).await?);
        }
        Ok(OpenTickets { mine, waiting, outside })
    }

    /// How much of a customer's is not answered, and what they said last.
    async fn find_news(&self, ticket: &Ticket) -> Result<TicketNews, Error> {
        let posted = ticket.thread.as_ref().and_then(|thread| self.last_words.find(thread));
        let is_unanswered = ticket.unanswered.is_some();
        // What a ticket began with stands on its card and is no message of the thread.
        let first_words = if posted.is_none() || is_unanswered && ticket.first_answer.is_none() {
            self.store.first_words(&ticket.id).await?
        } else {
            None
        };
        let count = if is_unanswered {
            let on_card = first_words.is_some() && ticket.first_answer.is_none();
            self.store.count_unanswered(&ticket.id).await? + u64::from(on_card)
        } else {
            0
        };
        let words = posted.or_else(|| first_words.as_deref().map(shorten_words));
        Ok(TicketNews { count, words })
    }

    /// Those of these tickets that somebody may see.
    pub(super) async fn list_visible_tickets(
        &self,
        user: &SlackUserId,
        tickets: Vec<Ticket>,
    ) -> Result<Vec<ListedTicket>, Error> {
        Ok(self.sort_by_sight(user, tickets).await?.rows)
    }

    /// The tickets in channels that somebody is in, and where others wait. Those in a channel that
    /// Slack will not tell of, such as one that is gone, are left out.
    async fn sort_by_sight(
        &self,
        user: &SlackUserId,
        tickets: Vec<Ticket>,
    ) -> Result<SeenTickets, Error> {
        let since = self.clock.now() - CHANNEL_ABSENCE_LIFETIME;
        let mut channels: HashMap<ChannelId, Option<bool>> = HashMap::new();
        let mut seen = SeenTickets::default();
        for ticket in tickets {
            // Without a thread there is no channel by which anybody could be entitled to see it.
            let Some(thread) = &ticket.thread else { continue };
            // One question for each channel and not for each ticket: a home tab may list hundreds.
            let known = channels.get(&thread.channel).copied();
            let is_in = match known {
                Some(is_in) => is_in,
                None => {
                    match members::is_in_channel(&self.slack, &thread.channel, user, since).await {
                        Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                            tracing::warn!(slack.channel = %thread.channel, %error,
                            "tickets are left out of a list");
                            None
                        }
                        is_in => Some(is_in?),
                    }
                }
            };
            channels.insert(thread.channel.clone(), is_in);
            match is_in {
                Some(true) => {
                    let address = self.slack.thread_url(thread);
                    let is_own = ticket.holder().is_some_and(|holder| holder.user == *user);
                    seen.rows.push(ListedTicket { ticket, address, is_own, news: None });
                }
                Some(false) if ticket.state == TicketState::Unclaimed => {
                    seen.count_outside(&thread.channel);
                }
                Some(false) | None => {}
            }
        }
        Ok(seen)
    }
}
