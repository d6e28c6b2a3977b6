//! What somebody is told whose dialog did not open, where Slack gives no address to answer at: in a home
//! tab, and in a dialog that was to become another one.

use crate::locale::Texts;
use crate::model::{SlackUserId, Ticket};
use crate::slack::{Error, Post, SlackClient, home, presence};

/// What the message can be found by; nobody looks for it.
const DELIVERY: &str = "not-opened";

/// Asks somebody to try again: by direct message, as that stands beside the home tab, or else where
/// the ticket is.
pub(super) async fn ask_to_try_again(
    slack: &SlackClient,
    (user, texts): (&SlackUserId, &Texts),
    ticket: Option<&Ticket>,
) {
    let text = texts.text("ask-again", &[]);
    if presence::may_send_direct_messages(slack) {
        match send_direct_message(slack, user, &text, ticket).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "somebody has no direct message"),
        }
    }
    let Some(thread) = ticket.and_then(|ticket| ticket.thread.as_ref()) else { return };
    if let Err(error) = slack.post_ephemeral(&thread.channel, None, user, &text, &[]).await {
        tracing::warn!(%error, "somebody whose dialog did not open could not be told");
    }
}

async fn send_direct_message(
    slack: &SlackClient,
    user: &SlackUserId,
    text: &str,
    ticket: Option<&Ticket>,
) -> Result<(), Error> {
    let channel = presence::open_direct_channel(slack, user).await?;
    let (text, blocks) = match ticket {
        Some(ticket) => {
            let address = ticket.thread.as_ref().and_then(|thread| slack.thread_url(thread));
            home::add_ticket_title(ticket, address.as_deref(), (text, &[]))
        }
        None => (text.to_owned(), Vec::new()),
    };
    let post = Post {
        channel: channel.to_string(),
        thread: None,
        text,
        blocks,
        author: None,
        broadcast: false,
        delivery: DELIVERY.to_owned(),
    };
    slack.post_message(&post).await.map(drop)
}
