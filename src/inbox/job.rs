//! What the bridge sets itself to do: work that must not hold up a conversation.
//!
//! A job is an item like any other, in a lane of its own; but for [`Job::Check`], [`Job::Met`] and
//! [`Job::Move`], which wait in their ticket's lane towards Slack, and [`Job::Send`] and [`Job::Away`], which
//! wait in the one towards Blip.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{ChannelId, LinkedFile, MessageTs, SlackUserId, Thread, Ticket, TicketId};
use crate::store::{Item, ItemId, Lane, NewItem, Source};

/// What the keys of jobs that send an agent's words begin with.
const SEND_KEY_PREFIX: &str = "send:";
/// What the keys of jobs that give a ticket to an agent begin with.
const ASSIGN_KEY_PREFIX: &str = "assign:";

/// Something that the bridge set itself to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// The word of the first release. Stored jobs have it, and so it is a format (CONTRIBUTING.md).
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum Job {
    /// Show the newest state of a ticket on its card.
    Card { ticket: TicketId },
    /// Put a reaction on a message.
    Mark {
        channel: ChannelId,
        ts: MessageTs,
        /// The emoji's name, without colons.
        name: String,
        /// Whether it may be dropped when Slack is busy.
        droppable: bool,
        /// Whether it is to be taken off instead.
        #[serde(default)]
        off: bool,
    },
    /// Show on a reply how far it has come.
    Delivered(DeliveryMark),
    /// Show on the last reply that the customer has read it, if they say nothing to it.
    Read(ReadReply),
    /// Show what was said before the handoff.
    Context { ticket: TicketId },
    /// Look how long the customer may still be written to.
    Window { ticket: TicketId },
    /// Show on the card that the customer waits for an answer, if it is still so.
    Waits {
        ticket: TicketId,
        /// Since when, in milliseconds since 1970.
        since: i64,
    },
    /// Ask Blip what became of a reply.
    Delivery {
        ticket: TicketId,
        /// The reply's id at Blip.
        message: String,
        /// How often it was asked before.
        looks: usize,
        /// Whether it is a template, which another bot has sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_router: bool,
    },
    /// Tell Blip that agents were shown what a customer said.
    Seen {
        ticket: TicketId,
        /// The node that the messages came from.
        address: String,
        /// Their ids as they were delivered.
        messages: Vec<String>,
    },
    /// Remind people of a ticket.
    Remind(Reminder),
    /// Remind a channel of all its tickets that nobody has claimed.
    RemindRound(Reminder),
    /// Let a reply that was held take its place in the ticket's lane towards Blip.
    Hold(HeldReply),
    /// Send a reply that was held.
    Send(HeldReply),
    /// Compare a ticket with what Blip says of it.
    Check { ticket: TicketId },
    /// Tell the agent to whom a ticket was handed.
    Handed(TransferNotice),
    /// Give a ticket a new thread, unless it has one by now.
    Move {
        ticket: TicketId,
        /// The root of the thread that is lost.
        root: MessageTs,
        /// Whether its whole channel is lost.
        with_channel: bool,
    },
    /// Compare the threads of open tickets in a channel with what Slack says of them.
    Compare { channel: ChannelId },
    /// Look for what people did in a ticket's thread while nobody told us.
    CatchUp { ticket: TicketId },
    /// Tell a channel that it is shared with another company.
    Shared { channel: ChannelId },
    /// Tell somebody that no customer reads what they wrote outside of any thread.
    Outside { channel: String, user: String },
    /// Show that a reply waits, and when it does so no longer.
    Delayed(DelayedReply),
    /// Ask Blip again who is behind a router's tunnel.
    Originator {
        ticket: TicketId,
        /// How often it was asked in vain before.
        looks: usize,
    },
    /// Note who is behind a router's tunnel.
    Met {
        ticket: TicketId,
        /// Blip's identity of the customer on their own channel.
        originator: String,
    },
    /// Bring a customer's file that was slow to come, whose place in the thread a line has taken.
    File(LateFile),
    /// Look for a file that Slack is slow to show.
    // The name under which stored jobs have it.
    #[serde(rename = "late")]
    Unshown(UnshownFile),
    /// Replace what we show of a customer who was erased.
    Forget(Forgetting),
    /// Tell a customer that the team does not work.
    Away {
        /// The ticket.
        ticket: TicketId,
    },
    /// Post how a week went.
    Weekly {
        /// The Monday after it.
        monday: String,
    },
    /// Give tickets that wait to agents who are free.
    Distribute,
    /// Make the agent to whom a ticket was given its holder.
    Assign(Assignment),
    /// Take a ticket back from an agent who has not answered.
    TakeBack(Overdue),
    /// Tell the holder of a ticket that its customer waits, if they are away.
    TellAbsent(Absence),
    /// Take a post back that was made a second time.
    Doubled(DoubledPost),
    /// Show a parked item to people.
    Parked {
        item: ItemId,
        /// Whether a person in Slack did it, or the customer.
        by_agent: bool,
        /// What makes the item the same event as another one.
        #[serde(default)]
        key: String,
        /// The lane it came from.
        lane: String,
        /// Why it is parked.
        reason: String,
    },
}

/// What the keys are derived in that stand for customers who were told that the team does not work.
const AWAY_NAMESPACE: Uuid = Uuid::from_u128(0x2d5c_60f3_8f0b_4c55_8d6e_9a31_7be2_10c4);

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// What Slack shows of a customer is to be replaced. It names neither the customer nor tickets: it is
/// to stay when these are erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgetting {
    pub(crate) job: String,
    /// The threads: channels and roots.
    pub(crate) threads: Vec<(ChannelId, MessageTs)>,
}

impl Forgetting {
    /// The key of the job with this id; what all such keys begin with if that is empty.
    pub(crate) fn key_of(job: &str) -> String {
        format!("forget:{job}")
    }
}

/// People are to be reminded of a ticket, unless it is not so any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reminder {
    pub(crate) ticket: TicketId,
    /// What it is that should not last.
    pub(crate) about: ReminderTopic,
    /// Since when it is so, in milliseconds since 1970.
    pub(crate) since: i64,
    /// How often they were reminded before.
    pub(crate) round: u32,
}

/// The mark on a reply is to say how far the reply has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryMark {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    /// Blip's ids of its parts.
    pub(crate) messages: Vec<String>,
    /// Whether the customer gets all of it.
    pub(crate) is_whole: bool,
    /// What the mark is set for.
    pub(crate) occasion: MarkOccasion,
}

/// What a mark is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkOccasion {
    /// It went out: the message bears no mark yet.
    Sent,
    /// It went out once more.
    Resent,
    /// It did not arrive.
    Failed,
    /// The customer has read it.
    Read,
}

/// A reply that the customer has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadReply {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    /// The part that was read, by Blip's id.
    pub(crate) message: String,
}

impl Reminder {
    /// The key of the job that waits until it is due.
    pub(crate) fn key(&self) -> String {
        let Self { ticket, about, since, round } = self;
        format!("remind:{ticket}:{about:?}:{since}:{round}")
    }

    /// The key of the job that reminds its channel.
    pub(crate) fn round_key(&self) -> String {
        let Self { ticket, about, since, round } = self;
        format!("round:{ticket}:{about:?}:{since}:{round}")
    }

    /// The one that follows it.
    pub(crate) fn next(&self) -> Self {
        Self { round: self.round.saturating_add(1), ..self.clone() }
    }
}

/// A ticket was given to an agent whose turn it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) ticket: TicketId,
    pub(crate) agent: SlackUserId,
    /// The number of the turn.
    pub(crate) turn: i64,
}

/// An agent to whom a ticket was given may have left it unanswered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overdue {
    pub(crate) ticket: TicketId,
    pub(crate) agent: SlackUserId,
    /// Since when they hold it, in milliseconds since 1970.
    pub(crate) since: i64,
}

/// The customer of a ticket waits for its holder, who may be away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Absence {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// The holder.
    pub(crate) agent: SlackUserId,
    /// Since when the customer waits, in milliseconds since 1970.
    pub(crate) since: i64,
}

/// A ticket was handed to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferNotice {
    /// The ticket that the agent is to take.
    pub(crate) ticket: TicketId,
    /// Blip's identity of the agent.
    pub(crate) to: String,
    pub(crate) name: String,
    /// The name of the one who handed it on.
    pub(crate) by: String,
}

/// What should not last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReminderTopic {
    /// Nobody has claimed the ticket.
    Unclaimed,
    /// Its holder has not answered the customer.
    Unanswered,
}

/// A reply that is held before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldReply {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    pub(crate) user: SlackUserId,
}

/// A reply that could not be sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DelayedReply {
    pub(crate) ticket: String,
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) user: String,
    /// Whether it is a move that waits, and the message is the card.
    #[serde(default)]
    pub(crate) is_move: bool,
}

/// A file that Slack has taken and not shown yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnshownFile {
    pub(crate) ticket: TicketId,
    /// The channel of the thread that it belongs in.
    pub(crate) channel: ChannelId,
    /// The root of that thread.
    pub(crate) root: MessageTs,
    /// Its id in Slack.
    pub(crate) file: String,
    pub(crate) name: String,
    /// Where it can be had otherwise.
    pub(crate) url: String,
    /// Blip's ids of the message.
    pub(crate) blip_ids: Vec<String>,
}

/// A customer's file that was slow to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LateFile {
    pub(crate) ticket: TicketId,
    /// What tells it from all others.
    pub(crate) key: String,
    /// The channel of the line that has taken its place.
    pub(crate) channel: ChannelId,
    pub(crate) line: MessageTs,
    pub(crate) media: LinkedFile,
    /// Most bytes that it may have.
    pub(crate) left: u64,
    /// Blip's ids of the message.
    pub(crate) blip_ids: Vec<String>,
}

/// A post that was made while another instance had its event, and may have made it as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoubledPost {
    pub(crate) channel: ChannelId,
    /// The root of the thread that it belongs in, if it does in one.
    pub(crate) root: Option<MessageTs>,
    pub(crate) ts: MessageTs,
    /// What both posts can be found by.
    pub(crate) delivery: String,
    /// Whether it goes by a name of its own, and so cannot be deleted.
    pub(crate) is_named: bool,
    /// Since when the other one may be there, in milliseconds since 1970.
    pub(crate) since: i64,
}

impl Job {
    /// A post is to be taken back if there is another one with the same delivery id.
    pub(crate) fn remove_doubled_post(doubled: DoubledPost, due: Timestamp) -> NewItem {
        let key = format!("doubled:{}:{}", doubled.channel, doubled.ts);
        Self::Doubled(doubled).to_new_item(Lane::Own(key.clone()), key, due)
    }

    /// What Slack shows of a customer is to be replaced, one customer after the other.
    pub(crate) fn forget_in_slack(forgetting: Forgetting, now: Timestamp) -> NewItem {
        // One lane for all: what is done is kept as one fact, which one writes only
        // (`forgetting.rs`).
        let key = Forgetting::key_of(&forgetting.job);
        Self::Forget(forgetting).to_new_item(Lane::Own("forget".to_owned()), key, now)
    }

    /// A file is to be looked for until Slack shows it.
    pub(crate) fn find_unshown_file(unshown: UnshownFile, now: Timestamp) -> NewItem {
        let key = format!("late:{}", unshown.file);
        Self::Unshown(unshown).to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// A customer's file is to follow the line that has taken its place, after those of its ticket
    /// that were late before.
    pub(crate) fn bring_late_file(late: LateFile, now: Timestamp) -> NewItem {
        let (lane, key) = (Self::late_file_lane(&late.ticket), format!("file:{}", late.key));
        Self::File(late).to_new_item(lane, key, now)
    }

    /// A file is to follow its line by itself: it has taken so long that others go before it.
    pub(crate) fn bring_slow_file(late: LateFile, now: Timestamp) -> NewItem {
        let key = format!("slow-file:{}", late.key);
        // Its name begins with `file:`, so that it is in the pool of files (`store/pools.rs`).
        Self::File(late).to_new_item(Lane::Own(format!("file:{key}")), key, now)
    }

    /// Where the late files of a ticket wait for each other.
    pub(crate) fn late_file_lane(ticket: &TicketId) -> Lane {
        Lane::Own(format!("file:{ticket}"))
    }

    /// People are to be reminded at the given time.
    pub(crate) fn send_reminder(reminder: Reminder, due: Timestamp) -> NewItem {
        let key = reminder.key();
        Self::Remind(reminder).to_new_item(Lane::for_later(&key), key, due)
    }

    /// A customer is to be told that the team does not work until it opens, in the order of what goes
    /// to them. The key says once for all their tickets, and does not tell who they are: it is kept
    /// for weeks.
    pub(crate) fn tell_away(ticket: &Ticket, opens: Timestamp, now: Timestamp) -> NewItem {
        let who = format!("{}:{}", ticket.id.bot(), ticket.customer.identity.to_ascii_lowercase());
        let who = Uuid::new_v5(&AWAY_NAMESPACE, who.as_bytes());
        let key = format!("away:{who}:{}", opens.as_millisecond());
        let job = Self::Away { ticket: ticket.id.clone() };
        job.to_new_item(Lane::Replies(ticket.id.clone()), key, now)
    }

    /// How the week before this Monday went is to be posted then, once.
    pub(crate) fn post_week(monday: &str, due: Timestamp) -> NewItem {
        let key = format!("weekly:{monday}");
        let job = Self::Weekly { monday: monday.to_owned() };
        job.to_new_item(Lane::for_later(&key), key, due)
    }

    /// A channel is to be reminded of a ticket, together with its others.
    pub(crate) fn remind_channel(
        channel: &ChannelId,
        reminder: Reminder,
        now: Timestamp,
    ) -> NewItem {
        let (lane, key) = (Lane::Own(format!("remind:{channel}")), reminder.round_key());
        Self::RemindRound(reminder).to_new_item(lane, key, now)
    }

    /// A reply is to be held until the given time. Those of a ticket are let go in their order.
    pub(crate) fn hold_reply(held: HeldReply, due: Timestamp) -> NewItem {
        let (lane, key) =
            (format!("hold:{}", held.ticket), format!("hold:{}:{}", held.channel, held.ts));
        Self::Hold(held).to_new_item(Lane::for_later(&lane), key, due)
    }

    /// A reply that was held is to be sent, in the order of the ticket's events.
    pub(crate) fn send_reply(held: HeldReply, now: Timestamp) -> NewItem {
        let key = format!("{SEND_KEY_PREFIX}{}:{}", held.channel, held.ts);
        let lane = Lane::Replies(held.ticket.clone());
        Self::Send(held).to_new_item(lane, key, now)
    }

    /// Blip is to be asked what became of a reply: for all replies of a bot at once, so they wait in
    /// one lane.
    pub(crate) fn check_delivery(
        ticket: &TicketId,
        (message, by_router): (&str, bool),
        looks: usize,
        due: Timestamp,
    ) -> NewItem {
        let asked = if by_router { ":router" } else { "" };
        // A lane for each round, as each has a pause of its own, and one for templates, which
        // another bot is asked about.
        let lane = Lane::for_later(&format!("delivery:{}:{looks}{asked}", ticket.bot()));
        let key = format!("delivery:{message}:{looks}");
        let (ticket, message) = (ticket.clone(), message.to_owned());
        Self::Delivery { ticket, message, looks, by_router }.to_new_item(lane, key, due)
    }

    /// Blip is to be told that agents were shown these messages, if there are any.
    pub(crate) fn mark_seen(
        ticket: &Ticket,
        messages: Vec<String>,
        now: Timestamp,
    ) -> Option<NewItem> {
        let id = &ticket.id;
        let key = format!("seen:{id}:{}", messages.first()?);
        let job = Self::Seen { ticket: id.clone(), address: ticket.address.clone(), messages };
        Some(job.to_new_item(Lane::Own(format!("seen:{id}")), key, now))
    }

    /// A new version of the ticket's card is to be shown.
    pub(crate) fn update_card(ticket: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        // By the revision: however often a state is asked for, it is one job while it waits.
        let key = format!("card:{id}:{}", ticket.revision);
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card is to be shown again, because of the time and not of anything that has happened:
    /// never the same as one that is being shown already.
    pub(crate) fn refresh_card(ticket: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        let key = format!("card:{id}@{}", now.as_millisecond());
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card of a ticket is to be shown again, because the one that followed it has a thread.
    pub(crate) fn update_followed_card(ticket: &Ticket, next: &Ticket, now: Timestamp) -> NewItem {
        let id = &ticket.id;
        let key = format!("card:{id}:>{}", next.id);
        Self::Card { ticket: id.clone() }.to_new_item(card_lane(ticket), key, now)
    }

    /// The card is to show how long the customer may still be written to.
    pub(crate) fn show_window(ticket: &TicketId, due: Timestamp) -> NewItem {
        let key = format!("window:{ticket}:{}", due.as_millisecond());
        Self::Window { ticket: ticket.clone() }.to_new_item(Lane::for_later(&key), key, due)
    }

    /// The card is to show that the customer waits for an answer since then.
    pub(crate) fn show_waiting(ticket: &TicketId, since: Timestamp, due: Timestamp) -> NewItem {
        let since = since.as_millisecond();
        let key = format!("waits:{ticket}:{since}");
        Self::Waits { ticket: ticket.clone(), since }.to_new_item(Lane::for_later(&key), key, due)
    }

    /// A reaction is to be put on a message.
    pub(crate) fn add_reaction(
        channel: &ChannelId,
        ts: &MessageTs,
        name: &str,
        droppable: bool,
        now: Timestamp,
    ) -> NewItem {
        let key = format!("mark:{channel}:{ts}:{name}");
        let job = Self::Mark {
            channel: channel.clone(),
            ts: ts.clone(),
            name: name.to_owned(),
            droppable,
            off: false,
        };
        job.to_new_item(Lane::Own(format!("mark:{channel}:{ts}")), key, now)
    }

    /// A reaction is to be taken off a message.
    pub(crate) fn remove_reaction(
        channel: &ChannelId,
        ts: &MessageTs,
        name: &str,
        now: Timestamp,
    ) -> NewItem {
        let key = format!("unmark:{channel}:{ts}:{name}");
        let (place, ts, name) = (channel.clone(), ts.clone(), name.to_owned());
        let lane = Lane::Own(format!("mark:{channel}:{ts}"));
        let job = Self::Mark { channel: place, ts, name, droppable: false, off: true };
        job.to_new_item(lane, key, now)
    }

    /// The mark on a reply is to be set. All marks of a message are in one lane: a failure is shown
    /// after what it takes the place of.
    pub(crate) fn show_delivery(mark: DeliveryMark, due: Timestamp) -> NewItem {
        let key = Self::delivery_mark_key(&mark);
        let lane = Lane::Own(format!("mark:{}:{}", mark.channel, mark.ts));
        Self::Delivered(mark).to_new_item(lane, key, due)
    }

    fn delivery_mark_key(mark: &DeliveryMark) -> String {
        let DeliveryMark { channel, ts, messages, occasion, .. } = mark;
        let first = messages.first().map_or("", String::as_str);
        format!("delivered:{channel}:{ts}:{first}:{occasion:?}")
    }

    /// It is to be shown that a reply was read. Those of a ticket wait together, as the last one says
    /// enough.
    pub(crate) fn show_read(read: ReadReply, due: Timestamp) -> NewItem {
        let key = format!("read:{}:{}", read.channel, read.ts);
        let lane = Lane::for_later(&format!("read:{}", read.ticket));
        Self::Read(read).to_new_item(lane, key, due)
    }

    /// What was said before the handoff is to be shown.
    pub(crate) fn show_context(ticket: &TicketId, now: Timestamp) -> NewItem {
        let key = format!("context:{ticket}");
        Self::Context { ticket: ticket.clone() }.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// Blip is to be asked again who is behind a router's tunnel.
    pub(crate) fn originator(ticket: &TicketId, looks: usize, due: Timestamp) -> NewItem {
        let key = format!("originator:{ticket}:{looks}");
        Self::Originator { ticket: ticket.clone(), looks }.to_new_item(
            Lane::for_later(&key),
            key,
            due,
        )
    }

    /// Who is behind a router's tunnel is to be noted, in the order of the ticket's events.
    pub(crate) fn met(ticket: &TicketId, originator: &str, now: Timestamp) -> NewItem {
        let key = format!("met:{ticket}");
        let job = Self::Met { ticket: ticket.clone(), originator: originator.to_owned() };
        job.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }

    /// A ticket is to be compared with what Blip says of it.
    pub(crate) fn check_ticket(ticket: &TicketId, now: Timestamp) -> NewItem {
        // Without a time: all who want a check share the one that waits.
        let key = format!("check:{ticket}");
        Self::Check { ticket: ticket.clone() }.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }

    /// The agent to whom a ticket was handed is to be told.
    pub(crate) fn announce_transfer(handed: TransferNotice, now: Timestamp) -> NewItem {
        let key = format!("handed:{}", handed.ticket);
        Self::Handed(handed).to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// A ticket that has lost its thread, or even the channel of it, is to have a new one.
    pub(crate) fn move_thread(
        ticket: &TicketId,
        lost: &Thread,
        with_channel: bool,
        now: Timestamp,
    ) -> NewItem {
        // Both lanes of a ticket may find the same thread lost
        // (`two_who_find_a_thread_lost_at_the_same_time_make_one_new_one`).
        let key = format!("move:{ticket}:{}", lost.root);
        let (id, root) = (ticket.clone(), lost.root.clone());
        let job = Self::Move { ticket: id, root, with_channel };
        job.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }

    /// The threads of a channel are to be compared: never the same as a comparison under way,
    /// which may have read them before something was missed.
    pub(crate) fn compare_threads(channel: &ChannelId, now: Timestamp) -> NewItem {
        let lane = format!("compare:{channel}");
        let key = format!("{lane}@{}", now.as_millisecond());
        Self::Compare { channel: channel.clone() }.to_new_item(Lane::Own(lane), key, now)
    }

    /// A ticket's thread is to be searched for what nobody told us.
    pub(crate) fn catch_up(ticket: &TicketId, now: Timestamp) -> NewItem {
        let lane = format!("catch-up:{ticket}");
        let key = format!("{lane}@{}", now.as_millisecond());
        Self::CatchUp { ticket: ticket.clone() }.to_new_item(Lane::Own(lane), key, now)
    }

    /// A channel is to be told that it is shared with another company.
    pub(crate) fn announce_sharing(channel: &ChannelId, now: Timestamp) -> NewItem {
        let key = format!("shared:{channel}");
        Self::Shared { channel: channel.clone() }.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// Somebody is to be told that no customer reads what they wrote outside of any thread: once a
    /// day, as the key says.
    pub(crate) fn warn_outside(
        channel: &ChannelId,
        user: &SlackUserId,
        ts: &MessageTs,
        now: Timestamp,
    ) -> NewItem {
        let seconds: i64 = ts.as_str().split('.').next().unwrap_or_default().parse().unwrap_or(0);
        let key = format!("outside:{channel}:{user}:{}", seconds / SECONDS_PER_DAY);
        let job = Self::Outside { channel: channel.to_string(), user: user.to_string() };
        job.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// It is to be shown that a reply waits, from the given time on.
    pub(crate) fn show_delay(delayed: DelayedReply, due: Timestamp) -> NewItem {
        let key = format!("delayed:{}:{}", delayed.channel, delayed.ts);
        Self::Delayed(delayed).to_new_item(Lane::for_later(&key), key, due)
    }

    /// Tickets that wait are to be given to agents who are free: never the same as a round that is under
    /// way, which may have looked before somebody was.
    pub(crate) fn distribute_tickets(now: Timestamp) -> NewItem {
        let key = format!("distribute@{}", now.as_millisecond());
        Self::Distribute.to_new_item(Lane::Own("distribute".to_owned()), key, now)
    }

    /// The same later, once for all that wait: for nobody tells us who is free by then.
    pub(crate) fn distribute_later(due: Timestamp) -> NewItem {
        // By the minute, in a lane of its own: a round that is under way sets out the next one, which
        // must neither be the same nor follow it at once.
        let key = format!("distribute:{}", due.as_second() / 60);
        Self::Distribute.to_new_item(Lane::for_later(&key), key, due)
    }

    /// A ticket that was given to an agent is to be theirs, at Blip too.
    pub(crate) fn assign_ticket(assignment: Assignment, now: Timestamp) -> NewItem {
        let Assignment { ticket, turn, .. } = &assignment;
        let (lane, key) =
            (Lane::Replies(ticket.clone()), format!("{ASSIGN_KEY_PREFIX}{ticket}:{turn}"));
        Self::Assign(assignment).to_new_item(lane, key, now)
    }

    /// Whether the job with this key gives a ticket to an agent.
    pub(crate) fn is_assignment(key: &str) -> bool {
        key.starts_with(ASSIGN_KEY_PREFIX)
    }

    /// It is to be looked at the given time whether an agent has answered.
    pub(crate) fn check_answer(overdue: Overdue, due: Timestamp) -> NewItem {
        let Overdue { ticket, since, .. } = &overdue;
        let key = format!("overdue:{ticket}:{since}");
        Self::TakeBack(overdue).to_new_item(Lane::for_later(&key), key, due)
    }

    /// A ticket is to be taken back, behind the replies that are on their way.
    pub(crate) fn take_ticket_back(overdue: Overdue, now: Timestamp) -> NewItem {
        let Overdue { ticket, since, .. } = &overdue;
        let (lane, key) = (Lane::Replies(ticket.clone()), format!("take-back:{ticket}:{since}"));
        Self::TakeBack(overdue).to_new_item(lane, key, now)
    }

    /// The holder of a ticket is to be told that its customer waits, if they are away: once for as long
    /// as the customer waits, as the key says. One message after the other to each person.
    pub(crate) fn tell_absent(absence: Absence, now: Timestamp) -> NewItem {
        let Absence { ticket, agent, since } = &absence;
        let (lane, key) = (format!("absent:{agent}"), format!("absent:{ticket}:{agent}:{since}"));
        Self::TellAbsent(absence).to_new_item(Lane::Own(lane), key, now)
    }

    /// Whether the job with this key sends an agent's words: people wait for what becomes of it.
    pub(crate) fn is_send(key: &str) -> bool {
        key.starts_with(SEND_KEY_PREFIX)
    }

    /// A parked item is to be shown to people.
    pub(crate) fn report_parked(item: &Item, lane: &str, reason: &str, now: Timestamp) -> NewItem {
        // With the time: what was tried again and is parked once more is told once more.
        let key = format!("parked:{}:{}", item.id, now.as_millisecond());
        let by_agent = item.source == Source::Slack || Self::is_send(&item.key);
        let (lane, reason) = (lane.to_owned(), reason.to_owned());
        let job = Self::Parked { item: item.id, by_agent, key: item.key.clone(), lane, reason };
        job.to_new_item(Lane::Own(key.clone()), key, now)
    }

    fn to_new_item(&self, lane: Lane, key: String, now: Timestamp) -> NewItem {
        let body = serde_json::to_vec(self).expect("a job has no keys that are not strings");
        NewItem { source: Source::Internal, lane, key, body, received: now, due: now }
    }
}

/// A card is shown by one at a time, even while its thread goes from a ticket to the one that
/// follows: what is sent last must be what is shown.
fn card_lane(ticket: &Ticket) -> Lane {
    Lane::Own(match &ticket.thread {
        Some(thread) => format!("card:{}:{}", thread.channel, thread.root),
        None => format!("card:{}", ticket.id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of each kind as a database may hold it.
    const STORED: [&str; 33] = [
        r#"{"chore":"card","ticket":"default/9b2e"}"#,
        r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true,"off":false}"#,
        r#"{"chore":"delivered","ticket":"vendas/9b2e","channel":"C1","ts":"1.2","messages":["a","b"],"is_whole":true,"occasion":"sent"}"#,
        r#"{"chore":"read","ticket":"default/9b2e","channel":"C1","ts":"1.2","message":"a"}"#,
        r#"{"chore":"context","ticket":"default/9b2e"}"#,
        r#"{"chore":"window","ticket":"default/9b2e"}"#,
        r#"{"chore":"waits","ticket":"default/9b2e","since":1764000000000}"#,
        r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":2,"by_router":true}"#,
        r#"{"chore":"seen","ticket":"default/9b2e","address":"a@b/c","messages":["a"]}"#,
        r#"{"chore":"remind","ticket":"default/9b2e","about":"unclaimed","since":1,"round":0}"#,
        r#"{"chore":"remind_round","ticket":"default/9b2e","about":"unanswered","since":1,"round":2}"#,
        r#"{"chore":"hold","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
        r#"{"chore":"send","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
        r#"{"chore":"check","ticket":"default/9b2e"}"#,
        r#"{"chore":"handed","ticket":"default/9b2e","to":"a%40b@blip.ai","name":"Ana","by":"Bia"}"#,
        r#"{"chore":"move","ticket":"default/9b2e","root":"1.2","with_channel":true}"#,
        r#"{"chore":"compare","channel":"C1"}"#,
        r#"{"chore":"catch_up","ticket":"default/9b2e"}"#,
        r#"{"chore":"shared","channel":"C1"}"#,
        r#"{"chore":"outside","channel":"C1","user":"U1"}"#,
        r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1","is_move":true}"#,
        r#"{"chore":"originator","ticket":"default/9b2e","looks":1}"#,
        r#"{"chore":"met","ticket":"default/9b2e","originator":"5531@wa.gw.msging.net"}"#,
        r#"{"chore":"file","ticket":"default/9b2e","key":"k","channel":"C1","line":"1.2","media":{"url":"https://a","mime":null,"title":"t","caption":null,"size":3,"preview_url":null},"left":9,"blip_ids":["a"]}"#,
        r#"{"chore":"late","ticket":"default/9b2e","channel":"C1","root":"1.2","file":"F1","name":"n","url":"https://a","blip_ids":["a"]}"#,
        r#"{"chore":"forget","job":"j","threads":[["C1","1.2"]]}"#,
        r#"{"chore":"away","ticket":"default/9b2e"}"#,
        r#"{"chore":"weekly","monday":"2026-11-30"}"#,
        r#"{"chore":"distribute"}"#,
        r#"{"chore":"assign","ticket":"default/9b2e","agent":"U1","turn":7}"#,
        r#"{"chore":"take_back","ticket":"default/9b2e","agent":"U1","since":1}"#,
        r#"{"chore":"tell_absent","ticket":"default/9b2e","agent":"U1","since":1}"#,
        r#"{"chore":"parked","item":5,"by_agent":true,"key":"k","lane":"reply:default/9b2e","reason":"r"}"#,
    ];

    #[test]
    fn each_stored_job_is_read_and_written_in_the_same_form() {
        for stored in STORED {
            let job: Job = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&job).unwrap(), stored);
        }
    }

    #[test]
    fn what_older_jobs_lack_is_filled_in() {
        for (older, now) in [
            (
                r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true}"#,
                r#"{"chore":"mark","channel":"C1","ts":"1.2","name":"lock","droppable":true,"off":false}"#,
            ),
            (
                r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":0}"#,
                r#"{"chore":"delivery","ticket":"default/9b2e","message":"a","looks":0}"#,
            ),
            (
                r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1"}"#,
                r#"{"chore":"delayed","ticket":"default/9b2e","channel":"C1","ts":"1.2","user":"U1","is_move":false}"#,
            ),
            (
                r#"{"chore":"parked","item":5,"by_agent":true,"lane":"l","reason":"r"}"#,
                r#"{"chore":"parked","item":5,"by_agent":true,"key":"","lane":"l","reason":"r"}"#,
            ),
        ] {
            let job: Job = serde_json::from_str(older).unwrap();
            assert_eq!(serde_json::to_string(&job).unwrap(), now);
        }
    }
}
