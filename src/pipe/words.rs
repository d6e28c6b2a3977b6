//! What was filled in: moves, and words for the customer that were not written in the thread.

use super::moves::{Moved, Person};
use super::thread::{Saying, lane_of};
use super::{Bridge, IDS, Step, delivery};
use crate::blip::offer;
use crate::blip::text::{self, Marks};
use crate::model::{Filled, Form, Offer, Rich, Ticket};
use crate::slack::render;
use crate::store::{Item, Role};
use uuid::Uuid;

/// The step of the post that shows what went out.
const SENT: &str = "sent";

impl Bridge {
    /// Does what was filled in.
    pub(super) async fn on_filled(&self, item: &Item, filled: &Filled) -> Step<()> {
        let Some(mut ticket) = self.store.ticket(&filled.ticket).await? else { return Ok(()) };
        let person = self.person(item, &ticket, &filled.user).await?;
        if !person.is_agent() {
            self.turn_away(&ticket, &person).await;
            return Ok(());
        }
        match &filled.form {
            Form::Move(r#move) => self.make(item, &mut ticket, &person, r#move).await.map(drop),
            Form::Reply(_) | Form::Offer(_)
                if ticket.is_closed() && !self.is_being_sent(item).await? =>
            {
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
        for (number, part) in text::parts(&text, domain).iter().enumerate() {
            let id = id_of_part(&delivery(item, SENT), &number.to_string());
            let send = self.bot(&ticket.id)?.send_text(&id, &ticket.address, part);
            self.deliver(item, ticket, (&format!("send:{number}"), &id), send).await?;
            self.watch_delivery(&ticket.id, &id).await?;
            ids.push(id);
        }
        self.show_sent(item, ticket, (person, true), (&text, ids)).await?;
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
        let id = id_of_part(&delivery(item, SENT), "offer");
        let send = self.bot(&ticket.id)?.send_document(&id, &ticket.address, kind, &document);
        self.deliver(item, ticket, ("send:0", &id), send).await?;
        self.watch_delivery(&ticket.id, &id).await?;
        let text = render::content(&offer.content(), &self.words).unwrap_or_default();
        self.show_sent(item, ticket, (person, false), (&text, vec![id])).await
    }

    /// Whether somebody may send something to the customer now; who does not, has been told why.
    pub(super) async fn may_send(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
    ) -> Step<Moved> {
        if self.is_being_sent(item).await? {
            return Ok(Moved::Yes);
        }
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

    /// Shows in the thread what went out from elsewhere. What is no more than words can be read
    /// there and sent again, so it is noted whose words they are.
    async fn show_sent(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        (person, is_words): (&Person, bool),
        (text, blip_ids): (&str, Vec<String>),
    ) -> Step<()> {
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        let title = self.words.say("thread-sent", &[("agent", &person.profile.name)]);
        let line = Saying::line(&format!("{title}\n{text}"));
        let user = is_words.then(|| person.user.clone());
        let saying = Saying { role: Role::Reply, blip_ids, user, ..line };
        self.turn(&lane_of(ticket), &thread.channel).await?;
        self.say(item, SENT, ticket, &saying).await?;
        self.answered(ticket).await
    }
}

/// The id under which a part of what a post of ours shows goes to Blip: it can be told from the
/// post alone, so that the part is found again should it not arrive.
pub(super) fn id_of_part(delivery: &str, part: &str) -> String {
    Uuid::new_v5(&IDS, format!("{delivery}:{part}").as_bytes()).to_string()
}
