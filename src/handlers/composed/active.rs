//! Active messages: a template to somebody with whom there is no ticket, in a thread of its own.
//!
//! The customer's answer runs through the bot, which opens a ticket; that ticket joins the thread
//! (`blip.md`, additions §1.3, §1.4).

use crate::inbox::{Handling, SENT_POST_CALL};
use std::sync::Arc;

use crate::blip::{self, BlipClient};
use crate::handlers::bots::Bots;
use crate::handlers::calls::{Calls, derive_delivery_id};
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::outgoing::PaidCallError;
use crate::handlers::people::{People, Person, build_typed_answer};
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::timers::Timers;
use crate::locale::Texts;
use crate::model::active::{ActiveRoute, ActiveTarget};
use crate::model::{Failure, Fault, FilledTemplate, SlackUserId, Ticket, TicketId};
use crate::slack::SlackBlock;
use crate::store::Role;

pub(crate) struct ActiveMessages {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) people: Arc<People>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) timers: Arc<Timers>,
}

impl ActiveMessages {
    /// Sends a template to a number, and begins its thread. Who asked for it is told why not.
    pub(crate) async fn send_active_message(
        &self,
        item: &Handling,
        (id, target): (&TicketId, &ActiveTarget),
        user: &SlackUserId,
        filled: &FilledTemplate,
    ) -> PipeResult<()> {
        let person = self.people.look_up_person_in(item, &target.channel, user).await?;
        if !person.is_agent() {
            let key = person.status.refusal_key().unwrap_or("ask-not-agent-move");
            let why = person.texts.text(key, &[]);
            return self.refuse(target, &person, &why, filled).await;
        }
        let route = self.bots.router(id.bot()).zip(self.bots.route(id.bot()));
        let Some((router, route)) = route else {
            let why = person.texts.text("active-not-set-up", &[]);
            return self.refuse(target, &person, &why, filled).await;
        };
        let identity = match self.check_number(item, (router, target), &person).await? {
            Ok(identity) => identity,
            Err(why) => return self.refuse(target, &person, &why, filled).await,
        };
        let campaign = match self.send_once(item, (router, route), target, filled).await {
            Ok(campaign) => campaign,
            // Blip refuses an active message while the customer has an open ticket, unless the bot
            // allows it (`blip.md`, additions §1.4).
            Err(CallError::Call(PaidCallError::Send(error))) if error.code().is_some() => {
                let why = describe_refusal(target, &error, &person.texts);
                return self.refuse(target, &person, &why, filled).await;
            }
            // There is no thread in which people could be asked whether to send it again.
            Err(CallError::Call(error)) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                let args = [("number", target.number.as_str())];
                let why = person.texts.text("active-unknown", &args);
                return self.refuse(target, &person, &why, filled).await;
            }
            Err(error) => return Err(error.into()),
        };
        // After the sending: a thread for a message that Blip has refused would be a thread about
        // nothing.
        let mut ticket = Ticket::for_active_message(id.clone(), &identity, item.received);
        if let Some(known) = self.calls.load_ticket(item, id).await? {
            // An earlier try came as far as the thread.
            ticket = known;
        } else {
            self.threads.post_card(item, &mut ticket, None).await?;
        }
        let args = [("agent", person.profile.name.as_str()), ("name", filled.name.as_str())];
        let title = self.threads.texts.text("thread-template-sent", &args);
        let line = ThreadPost::from_line(&format!("{title}\n{}", filled.text));
        let (user, blip_ids) = (Some(user.clone()), vec![campaign.clone()]);
        let post = ThreadPost { role: Role::Reply, blip_ids, user, ..line };
        self.threads.post_when_due(item, SENT_POST_CALL, &mut ticket, &post).await?;
        self.timers.schedule_template_check(item, &ticket.id, &campaign).await
    }

    /// Who a number is on WhatsApp, or why that is not known: asked once, as Meta bans those who check
    /// many (`blip.md`, additions §2).
    async fn check_number(
        &self,
        item: &Handling,
        (router, target): (&BlipClient, &ActiveTarget),
        person: &Person,
    ) -> PipeResult<Result<String, String>> {
        const CHECKED_NUMBER: &str = "number";
        let found = match self.calls.recall(item, CHECKED_NUMBER).await? {
            Some(known) => known,
            None => match router.templates.fetch_whatsapp_account(&target.number).await {
                Err(error) if error.code().is_some() => {
                    return Ok(Err(describe_refusal(target, &error, &person.texts)));
                }
                found => found?,
            },
        };
        item.remember(CHECKED_NUMBER, &found)?;
        let args = [("number", target.number.as_str())];
        Ok(found.ok_or_else(|| person.texts.text("active-no-whatsapp", &args)))
    }

    /// The id of the campaign; its name is derived from the event, so that it can be found again.
    async fn send_once(
        &self,
        item: &Handling,
        (router, route): (&BlipClient, &ActiveRoute),
        target: &ActiveTarget,
        filled: &FilledTemplate,
    ) -> Result<String, CallError<PaidCallError>> {
        // An active message is paid for, and nothing says that Blip knows a repeat by its id
        // (`blip.md` §10 #10). The campaign's name is all that it can be found by.
        let name = derive_delivery_id(item, "active");
        let look =
            async { router.templates.find_campaign(&name).await.map_err(PaidCallError::Look) };
        let send = async {
            let sent = router.templates.start_campaign(&name, route, &target.number, filled).await;
            sent.map_err(PaidCallError::Send)
        };
        self.calls.call_once(item, "send:0", None, look, send).await
    }

    /// Tells who asked why not, where they asked, and gives them back what they typed.
    async fn refuse(
        &self,
        target: &ActiveTarget,
        person: &Person,
        why: &str,
        filled: &FilledTemplate,
    ) -> PipeResult<()> {
        self.tell(target, person, why, &[]).await?;
        let Some(typed) = filled.typed_values() else { return Ok(()) };
        let (title, blocks) = build_typed_answer(&typed, &person.texts);
        self.tell(target, person, &title, &blocks).await
    }

    /// Tells who asked, where they asked.
    async fn tell(
        &self,
        target: &ActiveTarget,
        person: &Person,
        text: &str,
        blocks: &[SlackBlock],
    ) -> PipeResult<()> {
        let (channel, user) = (&target.channel, &person.user);
        let told = self.threads.slack.post_ephemeral(channel, None, user, text, blocks).await;
        match told {
            Err(error) if !matches!(error.to_fault(), Fault::Refused { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// That nothing was sent, and why Blip did not take it.
fn describe_refusal(target: &ActiveTarget, error: &blip::Error, texts: &Texts) -> String {
    let reason = match error.code().unwrap_or_default() {
        "66" => texts.text("active-open-ticket", &[]),
        code => texts.describe_failure(code, error.refusal_words()),
    };
    texts.text("active-refused", &[("number", &target.number), ("reason", &reason)])
}
