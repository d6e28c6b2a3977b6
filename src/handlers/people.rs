//! People in Slack: who they are, whether they are agents, who they are at Blip, and what they are
//! told that nobody else sees.

use crate::handlers::answer::Answer;
use crate::inbox::Handling;
use crate::slack::SlackBlock;
use crate::slack::directory;
use crate::slack::members;
use std::collections::HashMap;
use std::sync::Arc;

use crate::blip::text::MentionNames;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::channels::Channels;
use crate::handlers::events::read_slack_event;
use crate::handlers::interrupt::{Interrupt, MISSING_BOT_PAUSE, PipeResult};
use crate::handlers::posts::Posts;
use crate::locale::Texts;
use crate::model::{
    Agent, Button, ChannelId, Click, Failure, Fault, Inline, MoveRefusal, PressedMove, PressedView,
    RichText, SlackUserId, Ticket,
};
use crate::slack::{AgentStatus, Profile, SlackClient, card, modal, rich_text};
use crate::store::Source;

/// Somebody who wants something, with what decides whether and where they are answered.
pub(crate) struct Person {
    /// What they read, in their own language.
    pub(crate) texts: Texts,
    pub(crate) user: SlackUserId,
    /// What Slack says of them.
    pub(crate) profile: Profile,
    /// Whether they may answer this customer.
    pub(crate) status: AgentStatus,
    /// Where they can be answered if they are not in the ticket's thread.
    pub(crate) response_url: Option<String>,
    /// The view in which they can be answered, if that is where they are.
    pub(crate) view: Option<PressedView>,
}

impl Person {
    /// Whether they may answer this customer.
    pub(crate) fn is_agent(&self) -> bool {
        self.status.is_agent()
    }
}

/// Who may answer customers, and who they are at Blip.
#[derive(Clone, Debug)]
pub(crate) struct AgentRules {
    /// The user group whose members are agents; all full members of the channel if there is none.
    pub(crate) group: Option<String>,
    /// Blip's identities of agents whose e-mail address differs.
    pub(crate) map: HashMap<SlackUserId, String>,
    /// Blip's identity for agents without one of their own.
    pub(crate) default: Option<String>,
}

/// Looks people up, and tells them things.
pub(crate) struct People {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) texts: Texts,
    pub(crate) agents: AgentRules,
}

impl People {
    /// Looks up who did something about a ticket, and whether they may.
    pub(crate) async fn look_up_person(
        &self,
        item: &Handling,
        ticket: &Ticket,
        user: &SlackUserId,
    ) -> PipeResult<Person> {
        let channel = self.channels.current_channel(ticket).await?;
        let person = self.look_up_person_in(item, &channel, user).await?;
        if person.is_agent() && !self.bots.contains(ticket.id.bot()) {
            let now = self.calls.clock.now();
            // Only the first time: the event comes back here until the bot is there.
            if now < item.received + MISSING_BOT_PAUSE {
                self.tell_person(item, ticket, &person, &person.texts.text("ask-no-bot", &[]), &[])
                    .await;
            }
            return Err(Interrupt::Wait(now + MISSING_BOT_PAUSE));
        }
        Ok(person)
    }

    /// Looks up who did something in a channel, and whether they may answer its customers.
    pub(crate) async fn look_up_person_in(
        &self,
        item: &Handling,
        channel: &ChannelId,
        user: &SlackUserId,
    ) -> PipeResult<Person> {
        let mut profile = match directory::fetch_profile(&self.slack, user).await {
            // Of whom Slack says nothing is nobody's colleague.
            Err(error) if error.is_unknown_user() => Profile::default(),
            profile => profile?,
        };
        // Whose person somebody is stands in the event, too, and decides whether they can be an
        // agent: `is_stranger` is not set for people of a shared channel (`slack.md` additions §1).
        if item.source == Source::Slack {
            profile.workspaces.add_named(&read_slack_event(item).workspaces);
        }
        let (group, since) = (self.agents.group.as_deref(), item.received);
        let status =
            members::check_agent_status(&self.slack, (user, &profile), channel, group, since).await;
        let status = match status {
            // Waiting for a scope would lock everybody out without a word: the item is parked,
            // which people see.
            Err(error) if error.code() == Some("missing_scope") => {
                let fault = Fault::Refused { code: "missing_scope".to_owned() };
                return Err(Interrupt::Call { fault, error: error.to_string() });
            }
            status => status?,
        };
        let texts = self.texts.for_reader(profile.locale.as_deref());
        Ok(Person { texts, user: user.clone(), profile, status, response_url: None, view: None })
    }

    /// The names of whom and what a text mentions.
    pub(crate) async fn look_up_names(&self, rich: &RichText) -> PipeResult<MentionNames> {
        let mut names = MentionNames::default();
        for run in rich.inlines() {
            match run {
                Inline::Person { id, .. } => {
                    let profile = directory::fetch_profile(&self.slack, id).await;
                    if let Some(profile) = name_or_none(profile)? {
                        names.people.insert(id.clone(), profile.name);
                    }
                }
                Inline::Channel { id, label: None } => {
                    if let Some(name) =
                        name_or_none(directory::fetch_channel_name(&self.slack, id).await)?
                    {
                        names.channels.insert(id.clone(), name);
                    }
                }
                Inline::Group { id, label: None } => {
                    if let Some(Some(handle)) =
                        name_or_none(directory::fetch_group_handle(&self.slack, id).await)?
                    {
                        names.groups.insert(id.clone(), handle);
                    }
                }
                Inline::Channel { .. }
                | Inline::Group { .. }
                | Inline::Broadcast(_)
                | Inline::CustomEmoji(_)
                | Inline::Text { .. }
                | Inline::Link { .. } => {}
            }
        }
        Ok(names)
    }

    /// Blip's identity of a person, if they have one of their own.
    pub(crate) fn blip_identity(&self, person: &Person) -> Option<String> {
        let mapped = self.agents.map.get(&person.user).cloned();
        mapped.or_else(|| person.profile.email.as_deref().map(Agent::identity_from_email))
    }

    /// What a person reads, in their own language where Slack tells it.
    pub(crate) async fn texts_for(&self, user: &SlackUserId) -> Texts {
        // In the team's language rather than not at all.
        let profile = directory::fetch_profile(&self.slack, user).await.unwrap_or_default();
        self.texts.for_reader(profile.locale.as_deref())
    }

    /// Tells a person something that only they see, in the ticket's thread or where they are.
    pub(crate) async fn tell_person(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        text: &str,
        blocks: &[SlackBlock],
    ) {
        if let Some(view) = &person.view {
            let answer = modal::build_answer(text, blocks, &person.texts);
            let shown = match view {
                PressedView::Home(trigger) => {
                    self.slack.open_view(trigger, &answer).await.map(drop)
                }
                PressedView::Dialog(open) => self.slack.update_view(open, &answer).await,
            };
            match shown {
                Ok(()) => return,
                // Too late for a dialog, or it is closed: then where the ticket is.
                Err(error) => {
                    tracing::info!(%error, "a person is not answered in a view");
                }
            }
        }
        if let Some(url) = &person.response_url {
            if let Err(error) = self.slack.respond_to_action(url, false, text, blocks).await {
                tracing::warn!(%error, "a person could not be answered");
            }
        } else {
            self.posts.post_ephemeral(item, ticket, &person.user, None, (text, blocks)).await;
        }
    }

    /// Shows somebody what they have typed in a dialog and what did not go out: a dialog that is
    /// closed keeps nothing.
    pub(crate) async fn give_words_back(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        typed: &str,
    ) {
        let (title, blocks) = build_typed_answer(typed, &person.texts);
        self.tell_person(item, ticket, person, &title, &blocks).await;
    }

    /// The Slack user of an agent of Blip's: as it is configured, or by the e-mail address.
    pub(crate) async fn find_slack_user(&self, identity: &str) -> PipeResult<Option<SlackUserId>> {
        let mut mapped = self.agents.map.iter();
        let mapped = mapped.find(|(_, known)| known.eq_ignore_ascii_case(identity));
        if let Some((user, _)) = mapped {
            return Ok(Some(user.clone()));
        }
        let Some(email) = Agent::email_from_identity(identity) else { return Ok(None) };
        match directory::find_user_by_email(&self.slack, &email).await {
            // To be told of a ticket is a courtesy; a missing scope for e-mail addresses must not
            // park it.
            Err(error) if error.code().is_some() => {
                tracing::warn!(%error, "an agent to whom a ticket was handed is not looked up");
                Ok(None)
            }
            user => Ok(user?),
        }
    }

    /// Tells somebody who may not do something about a ticket that it is so.
    pub(crate) async fn tell_no_permission(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
    ) {
        if let Some(key) = person.status.refusal_key() {
            self.tell_person(item, ticket, person, &person.texts.text(key, &[]), &[]).await;
        }
    }

    /// Tells a person why they cannot make a move, and what they can do about it.
    pub(crate) async fn tell_refusal(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        refusal: &MoveRefusal,
    ) {
        match refusal {
            MoveRefusal::HeldBy(holder) => {
                let text = person.texts.text("ask-held", &[("agent", &holder.name)]);
                let blocks = card::build_question(
                    &text,
                    &[Button::Move(PressedMove::TakeOver)],
                    &ticket.id,
                    &person.texts,
                );
                self.tell_person(item, ticket, person, &text, &blocks).await;
            }
            MoveRefusal::Closed => {
                let text = person.texts.text(ticket.closed_text_key(), &[]);
                self.tell_person(item, ticket, person, &text, &[]).await;
            }
            MoveRefusal::Already => {}
        }
    }

    /// Replaces the question that was answered by what came of it; best effort.
    pub(crate) async fn replace_question(&self, click: &Click, answer: Answer) {
        let Some(url) = &click.response_url else { return };
        // What replaces a line of the thread is read by everybody.
        let is_public = matches!(
            click.button,
            Button::Retry(_)
                | Button::Skip(_)
                | Button::Resend(_)
                | Button::CloseAnyway
                | Button::KeepOpen
        );
        let words = if is_public { self.texts.clone() } else { self.texts_for(&click.user).await };
        let text = words.text(answer.text_key(), &[]);
        if let Err(error) = self.slack.respond_to_action(url, !click.is_shortcut, &text, &[]).await
        {
            tracing::warn!(%error, "a question could not be replaced by its answer");
        }
    }
}

/// That something was not sent, with what was typed.
pub(crate) fn build_typed_answer(typed: &str, texts: &Texts) -> (String, [SlackBlock; 2]) {
    let title = texts.text("ask-typed", &[]);
    let blocks = [rich_text::literal_block(&title), rich_text::literal_quote(typed)];
    (title, blocks)
}

/// A name is decoration: one that Slack refuses, for whatever reason, is left out. A call that
/// failed for now is tried again.
pub(crate) fn name_or_none<T>(looked_up: Result<T, crate::slack::Error>) -> PipeResult<Option<T>> {
    match looked_up {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.to_fault() {
            Fault::Refused { .. } | Fault::Credentials => Ok(None),
            Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Broken => {
                Err(error.into())
            }
        },
    }
}

pub(crate) fn build_agent(person: &Person, identity: String) -> Agent {
    Agent { user: person.user.clone(), name: person.profile.name.clone(), identity }
}
