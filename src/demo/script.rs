//! The ticket that the demo plays, step by step.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::Value;

use super::folder::TemporaryFolder;
use super::{ANA, CHANNEL, Stage};
use crate::app::Tuning;
use crate::clock::Clock;
use blip_slack_standins::blip::{self, Blip, NewTicket};
use blip_slack_standins::slack::{Message, Slack};
use blip_slack_standins::{Host, Model};

/// How long a step may take. Each takes milliseconds; more means that the bridge is broken.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Plays one whole ticket and prints each step as it is seen at the far end. Nothing of it is left
/// behind, also if it is to stop before its end; what a database holds that is named by
/// `DATABASE_URL` in these settings stays there.
///
/// # Errors
///
/// The first step that was not seen.
pub async fn play_demo(
    settings: &[(&str, &str)],
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let settings: Vec<_> = [("CONTEXT_MESSAGES", "3")].iter().chain(settings).copied().collect();
    let mut stage = Stage::start(&folder.database()?, &settings, Tuning::default()).await?;
    let mut play = DemoRun { clock: Clock::system(), step: 0, since: Clock::system().now() };
    let played = tokio::select! {
        played = play.run_all(&stage) => played,
        () = stop => Ok(()),
    };
    // In order, also after a failure: the folder with the database goes next.
    stage.stop_bridge().await;
    played
}

/// Counts the steps and times them.
struct DemoRun {
    clock: Clock,
    step: u32,
    since: Timestamp,
}

impl DemoRun {
    async fn run_all(&mut self, stage: &Stage) -> anyhow::Result<()> {
        self.print_line(
            "blip-slack demo: one ticket, from the customer's first word to the close.",
        )?;
        self.print_line(
            "The service is the real one; Blip and Slack are stand-ins on this machine.\n",
        )?;
        self.play_ticket(stage).await?;
        self.print_line("\nEvery step was seen at the far end.")
    }

    async fn play_ticket(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let (slack, blip) = (&stage.slack, &stage.blip);
        let new = NewTicket::saying(
            "Maria Silva",
            "5531999990000@wa.gw.msging.net",
            "Oi! Meu pedido não chegou 😕",
        );
        let ticket = blip.opens_ticket(new).await;
        anyhow::ensure!(ticket.status == Some(200), "the bridge did not take the ticket");
        let ticket = ticket.id;
        let card =
            wait_for_card(slack, "the card", |card| card.words().contains("Maria Silva")).await?;
        self.report_step(
            "Maria writes on WhatsApp, the bot hands over; the card is in #atendimento",
            &card.text,
        )?;

        slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await?;
        let agent = wait_until_seen(blip, "the claim", |state| {
            state.tickets.get(&ticket)?.agent.clone().filter(|_| is_ticket_open(state, &ticket))
        });
        self.report_step("Ana claims it with 👀; Blip knows her as the agent", agent.await?)?;
        let held = |card: &Message| card.words().contains("<@U0ANA>");
        self.report_step(
            "the card shows who holds it",
            card_state_text(&wait_for_card(slack, "the holder", held).await?),
        )?;

        self.play_agent_reply(stage, &ticket, &card, "Oi, Maria! Vou ver isso agora :mag:").await?;
        self.play_customer_message(stage, &ticket, &card, "Obrigada! O número é *4411*").await?;

        slack
            .says(ANA, CHANNEL, Some(&card.ts), "// a transportadora perdeu, já pedi outro")
            .await?;
        let marked = wait_until_seen(slack, "the mark of a note", |state| {
            let note = state.thread(CHANNEL, &card.ts).find(|m| m.text.starts_with("//"))?;
            note.reactions.iter().any(|(name, _)| name == "lock").then(|| note.text.clone())
        });
        self.report_step(
            "Ana leaves a note with //; it is marked 🔒 and stays in Slack",
            marked.await?,
        )?;

        self.play_agent_reply(stage, &ticket, &card, "Já mandei outro: chega *amanhã*.").await?;
        self.play_customer_message(stage, &ticket, &card, "Perfeito, obrigada! 🙏").await?;

        slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await?;
        let status = wait_until_seen(blip, "the close", |state| {
            state.tickets.get(&ticket).filter(|ticket| ticket.is_closed()).map(|t| t.status.clone())
        });
        self.report_step("Ana closes it with ✅; Blip has closed the ticket", status.await?)?;
        let done = |card: &Message| card.buttons().is_empty();
        self.report_step(
            "the card says so, and has no buttons left",
            card_state_text(&wait_for_card(slack, "the end", done).await?),
        )?;
        self.check_nothing_else(stage, &ticket)
    }

    async fn play_agent_reply(
        &mut self,
        stage: &Stage,
        ticket: &str,
        card: &Message,
        text: &str,
    ) -> anyhow::Result<()> {
        let before = received_texts(&stage.blip, ticket).len();
        let sent = stage.slack.says(ANA, CHANNEL, Some(&card.ts), text).await?;
        let words = wait_until_seen(&stage.blip, "the reply at the customer", |state| {
            let heard: Vec<_> = state.received(ticket).collect();
            heard.get(before).and_then(|message| message.content.as_str().map(str::to_owned))
        });
        self.report_step("Ana answers in the thread; Maria reads", words.await?)?;
        wait_until_seen(&stage.slack, "the tick of the reply", |state| {
            let reply = state.message(CHANNEL, &sent.ts)?;
            reply.reactions.iter().any(|(name, _)| name == "envelope_with_arrow").then_some(())
        })
        .await
    }

    async fn play_customer_message(
        &mut self,
        stage: &Stage,
        ticket: &str,
        card: &Message,
        text: &str,
    ) -> anyhow::Result<()> {
        stage.blip.says(ticket, text).await?;
        let words = wait_until_seen(&stage.slack, "the customer's words in the thread", |state| {
            let said =
                state.thread(CHANNEL, &card.ts).find(|m| m.ours && m.words().contains(text))?;
            Some(format!("{}: {}", said.username.as_deref().unwrap_or("?"), said.words()))
        });
        self.report_step("Maria answers; the thread shows", words.await?)
    }

    /// The note went nowhere, and nothing was said twice.
    fn check_nothing_else(&mut self, stage: &Stage, ticket: &str) -> anyhow::Result<()> {
        let heard = received_texts(&stage.blip, ticket);
        anyhow::ensure!(heard.len() == 2, "Maria heard {} messages instead of 2", heard.len());
        let violations = [stage.slack.violations(), stage.blip.violations()].concat();
        // What the stand-ins would have let pass and the platforms not: a demo that works must not
        // depend on their kindness.
        anyhow::ensure!(violations.is_empty(), "a platform would have refused: {violations:?}");
        self.report_step("Maria heard two messages and nothing else", "no note, nothing twice")
    }

    /// Prints a step that was seen, and how long it took.
    fn report_step(&mut self, what: &str, proof: impl Display) -> anyhow::Result<()> {
        let now = self.clock.now();
        let took = now.duration_since(self.since).as_millis();
        self.since = now;
        self.step += 1;
        let proof = proof.to_string().replace('\n', " ");
        let proof: String = proof.chars().take(100).collect();
        self.print_line(&format!("{:>2} ✔ {what}  ({took} ms)\n     {proof}", self.step))
    }

    #[expect(clippy::unused_self, reason = "all printing is one thing")]
    fn print_line(&self, text: &str) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{text}").context("write to standard output")
    }
}

fn received_texts(blip: &Blip, ticket: &str) -> Vec<String> {
    let messages = blip.received(ticket);
    messages.iter().filter_map(|message| message.content.as_str().map(str::to_owned)).collect()
}

fn is_ticket_open(state: &blip::State, ticket: &str) -> bool {
    state.tickets.get(ticket).is_some_and(|ticket| ticket.status == "Open")
}

/// The line of a card that says where the ticket stands.
fn card_state_text(card: &Message) -> String {
    let is_section = |block: &&Value| block.pointer("/type") == Some(&"section".into());
    let section = card.blocks.iter().find(is_section);
    let text = section.and_then(|section| section.pointer("/text/text")?.as_str());
    text.unwrap_or_default().replace('*', "")
}

async fn wait_for_card(
    slack: &Slack,
    what: &str,
    look: impl Fn(&Message) -> bool,
) -> anyhow::Result<Message> {
    wait_until_seen(slack, what, |state| state.cards(CHANNEL).find(|card| look(card)).cloned())
        .await
}

/// Waits until a stand-in shows something.
async fn wait_until_seen<S: Model, T>(
    host: &Host<S>,
    what: &str,
    mut look: impl FnMut(&S) -> Option<T>,
) -> anyhow::Result<T> {
    // Before the first look, so that no change falls between looking and waiting.
    let mut changes = host.subscribe();
    let seen = async {
        loop {
            if let Some(seen) = host.look(&mut look) {
                return anyhow::Ok(seen);
            }
            changes.changed().await?;
        }
    };
    let seen = tokio::time::timeout(STEP_TIMEOUT, seen).await;
    seen.with_context(|| format!("{what} was not seen within {} s", STEP_TIMEOUT.as_secs()))?
}
