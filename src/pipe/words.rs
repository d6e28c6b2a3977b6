//! What was filled in: moves, and words for the customer that were not written in the thread.

use super::moves::{Moved, Person};
use super::thread::{Saying, lane_of};
use super::{Bridge, IDS, Step};
use crate::blip::offer;
use crate::blip::text::{self, Marks};
use crate::model::text::split;
use crate::model::{Filled, Form, Offer, Rich, Ticket};
use crate::slack::render;
use crate::store::{Item, Role};
use uuid::Uuid;

impl Bridge {
    /// Does what was filled in.
    pub(super) async fn on_filled(&self, item: &Item, filled: &Filled) -> Step<()> {
        let Some(mut ticket) = self.store.ticket(&filled.ticket).await? else { return Ok(()) };
        let person = self.person(&filled.user).await?;
        if !person.is_agent {
            let text = person.words.say("ask-not-agent-move", &[]);
            self.tell(&ticket, &person, &text, &[]).await;
            return Ok(());
        }
        match &filled.form {
            Form::Move(r#move) => self.make(item, &mut ticket, &person, r#move).await.map(drop),
            Form::Reply(_) | Form::Offer(_) if ticket.is_closed() => {
                self.tell(&ticket, &person, &person.words.say("ask-closed", &[]), &[]).await;
                Ok(())
            }
            Form::Offer(offer) => self.send_offer(item, &mut ticket, &person, offer).await,
            Form::Reply(words) => {
                self.send_words(item, &mut ticket, &person, words).await.map(drop)
            }
        }
    }

    /// Sends words to the customer, shows them in the thread, and says whether they went out.
    ///
    /// Blip takes no words for a ticket that nobody holds, so their writer claims it.
    pub(super) async fn send_words(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        words: &Rich,
    ) -> Step<Moved> {
        if self.may_send(item, ticket, person).await? == Moved::No {
            return Ok(Moved::No);
        }
        let domain = ticket.customer.domain.as_str();
        let names = self.names(words).await?;
        let text = text::write(words, &names, &Marks::for_domain(domain));
        let mut ids = Vec::new();
        for (number, part) in split(&text, text::limit_for_domain(domain)).into_iter().enumerate() {
            let id = Uuid::new_v5(&IDS, format!("{}:{number}", item.key).as_bytes()).to_string();
            let send = self.bot(&ticket.id)?.send_text(&id, &ticket.address, part);
            self.deliver(item, ticket, (&format!("send:{number}"), &id), send).await?;
            self.watch_delivery(&ticket.id, &id).await?;
            ids.push(id);
        }
        self.show_sent(item, ticket, person, (&text, ids)).await?;
        Ok(Moved::Yes)
    }

    /// Sends the customer what is more than words, and shows it in the thread.
    async fn send_offer(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        offer: &Offer,
    ) -> Step<()> {
        if self.may_send(item, ticket, person).await? == Moved::No {
            return Ok(());
        }
        let (kind, document) = offer::document(offer);
        let id = Uuid::new_v5(&IDS, format!("{}:0", item.key).as_bytes()).to_string();
        let send = self.bot(&ticket.id)?.send_document(&id, &ticket.address, kind, &document);
        self.deliver(item, ticket, ("send:0", &id), send).await?;
        let text = render::content(&offer.content(), &self.words).unwrap_or_default();
        self.show_sent(item, ticket, person, (&text, vec![id])).await
    }

    async fn may_send(&self, item: &Item, ticket: &mut Ticket, person: &Person) -> Step<Moved> {
        let may_send = match ticket.holder() {
            Some(_) if self.rules.reply.anyone => Moved::Yes,
            // Whoever does not hold it is told who does, and may take over.
            _ => self.make_claim(item, ticket, person).await?,
        };
        if may_send == Moved::No || self.is_too_late(item, ticket, person).await? {
            return Ok(Moved::No);
        }
        Ok(Moved::Yes)
    }

    /// Shows in the thread what went out from elsewhere.
    async fn show_sent(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (text, blip_ids): (&str, Vec<String>),
    ) -> Step<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let title = self.words.say("thread-sent", &[("agent", &person.profile.name)]);
        let line = Saying::line(&format!("{title}\n{text}"));
        let saying = Saying { role: Role::Reply, blip_ids, ..line };
        self.turn(&lane_of(ticket), &thread.channel).await?;
        self.say(item, "sent", ticket, &saying).await?;
        self.answered(ticket).await
    }
}
