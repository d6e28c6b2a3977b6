//! Reactions that mean something: claim, release, close, note.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::holds::Holds;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::people::People;
use crate::model::{Closing, Move, SlackUserId, Ticket};
use crate::slack::{AgentStatus, SlackClient, emoji};
use crate::store::Link;

/// Makes the moves that reactions ask for.
pub(crate) struct Reactions {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) people: Arc<People>,
    pub(crate) moves: Arc<Moves>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) claim_reaction: String,
    pub(crate) close_reaction: String,
}

impl Reactions {
    pub(crate) async fn handle_reaction(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        user: &SlackUserId,
        name: &str,
        added: bool,
    ) -> PipeResult<()> {
        let claims = emoji::is_same_emoji(name, &self.claim_reaction);
        let closes = emoji::is_same_emoji(name, &self.close_reaction);
        if (!claims && !closes) || self.slack.is_us(user) {
            return Ok(());
        }
        let is_holder = ticket.holder().is_some_and(|holder| holder.user == *user);
        let r#move = match (claims, added) {
            (true, true) => Some(Move::Claim { over: false }),
            // Others may have put 👀 on the card as well; taking theirs off releases nothing.
            (true, false) if is_holder => Some(Move::Release),
            (false, true) => Some(Move::Close(Closing::default())),
            // Blip takes no change of a closed ticket (`blip.md` §0), so it cannot be opened again:
            // that is told.
            (false, false) if ticket.is_closed() => None,
            (true | false, false) => return Ok(()),
        };
        let person = self.people.look_up_person(item, ticket, user).await?;
        match r#move {
            _ if person.status == AgentStatus::NoGroup => {
                self.people.tell_no_permission(item, ticket, &person).await;
                Ok(())
            }
            // Without a word: a reaction of anybody else may mean anything.
            _ if !person.is_agent() => Ok(()),
            Some(r#move) => self.moves.make_move(item, ticket, &person, &r#move).await.map(drop),
            None => {
                let text = person.texts.text("ask-cannot-reopen", &[]);
                self.people.tell_person(item, ticket, &person, &text, &[]).await;
                Ok(())
            }
        }
    }

    /// A reply is to be a note, as far as there is still time.
    pub(crate) async fn handle_note_reaction(
        &self,
        item: &Handling,
        ticket: &Ticket,
        link: &Link,
        user: &SlackUserId,
    ) -> PipeResult<()> {
        if self.slack.is_us(user) {
            return Ok(());
        }
        let person = self.people.look_up_person(item, ticket, user).await?;
        if person.is_agent() {
            let answer = self.holds.make_note(item, ticket, &link.channel, &link.ts).await?;
            if link.role.is_sent() {
                self.people
                    .tell_person(
                        item,
                        ticket,
                        &person,
                        &person.texts.text(answer.text_key(), &[]),
                        &[],
                    )
                    .await;
            }
        }
        Ok(())
    }
}
