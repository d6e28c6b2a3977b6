//! `blip-slack init`: asks for what cannot be known, checks each value as it is given, and writes
//! `.env`.
//!
//! The checks are those of `blip-slack doctor`. Nothing is written before the end, and no secret is
//! shown but the one that is made here, once, because Blip has to be told of it.

mod terminal;

use std::fmt::Write as _;

use anyhow::Context;
use uuid::Uuid;

use crate::app::{PlatformAccess, Tuning};
use crate::config::{Config, SettingsDraft};
use crate::doctor::{self, CheckOutcome, Finding};
use crate::manifest;
use terminal::{Terminal, print_text};

const GREETING: &str = "\
This asks for what the bridge needs, checks each answer, and writes it to .env in this folder.
Nothing is written before the end; Ctrl+C ends it at any time.
";

const REPLACE: &str = "There is a .env already. Its answers to these questions are replaced and its \
    comments go; its other settings stay. Go on?";

/// What is done about an answer besides looking at its form.
#[derive(Clone, Copy)]
enum AnswerCheck {
    Token,
    SigningSecret,
    AppToken,
    Channel,
    Bot,
}

#[derive(Clone, Copy)]
struct Question {
    name: &'static str,
    text: &'static str,
    is_secret: bool,
}

const PUBLIC_URL: Question = Question {
    name: "PUBLIC_URL",
    text: "Address of the bridge, https://… (Enter if it has none yet)",
    is_secret: false,
};
const BOT_TOKEN: Question = Question {
    name: "SLACK_BOT_TOKEN",
    text: "Bot User OAuth Token, xoxb-… (not shown)",
    is_secret: true,
};
const SIGNING_SECRET: Question =
    Question { name: "SLACK_SIGNING_SECRET", text: "Signing Secret (not shown)", is_secret: true };
const APP_TOKEN: Question = Question {
    name: "SLACK_APP_TOKEN",
    text: "App-level token, xapp-… (not shown)",
    is_secret: true,
};
const CHANNEL: Question =
    Question { name: "SLACK_CHANNEL", text: "Channel for tickets, #name or id", is_secret: false };
const API_URL: Question =
    Question {
        name: "BLIP_API_URL", text: "Address https://….http.msging.net", is_secret: false
    };
const KEY: Question =
    Question { name: "BLIP_KEY", text: "Authorization, Key … (not shown)", is_secret: true };
const WEBHOOK_TOKEN: Question = Question {
    name: "BLIP_WEBHOOK_TOKEN",
    text: "Token for Blip (not shown; Enter makes one)",
    is_secret: true,
};
const LOCALE: Question = Question {
    name: "LOCALE",
    text: "Language in Slack: pt-BR, en or es (Enter for pt-BR)",
    is_secret: false,
};

/// Asks, checks, and writes the file.
///
/// # Errors
///
/// Also if the input ends before the last answer: then nothing is written.
pub async fn run_init() -> anyhow::Result<()> {
    let (terminal, draft) = (Terminal::open()?, SettingsDraft::begin()?);
    let mut setup = Setup { terminal, draft, left: Vec::new() };
    let replaces = SettingsDraft::has_file();
    let asked = async {
        print_text(GREETING)?;
        if replaces && !setup.confirm(REPLACE).await? {
            return Ok(false);
        }
        setup.ask_everything().await?;
        anyhow::Ok(true)
    };
    if !asked.await.context("nothing was written")? {
        return print_text("Nothing was written.\n");
    }
    // Only now, so that whoever gives up half-way keeps the file that they had.
    setup.draft.write_file(replaces).context("write .env")?;
    setup.say_what_is_left()
}

/// A conversation about the settings.
struct Setup {
    terminal: Terminal,
    draft: SettingsDraft,
    /// What was found that can be mended later.
    left: Vec<Finding>,
}

impl Setup {
    async fn ask_everything(&mut self) -> anyhow::Result<()> {
        // First, as the app's shortcuts in Slack are written in it.
        print_text("\n1. The language\n")?;
        self.ask_setting(LOCALE, Some("pt-BR")).await?;
        print_text("\n2. The address\n")?;
        self.ask_setting(PUBLIC_URL, None).await?;
        let config = self.draft.load()?;
        let over_http = match &config.http.public_url {
            // Slack calls nothing but https, so nobody is asked where the address is another one.
            Some(url) if url.starts_with("https:") => {
                self.confirm_or_deny("Can Slack reach that address, too?").await?
            }
            Some(_) => {
                print_text("  Slack calls https addresses only: Socket Mode is used.\n")?;
                false
            }
            None => false,
        };
        self.ask_slack(over_http).await?;
        self.ask_blip().await
    }

    async fn ask_slack(&mut self, over_http: bool) -> anyhow::Result<()> {
        let config = self.draft.load()?;
        let address = config.http.public_url.as_deref();
        let made = manifest::render_manifest(
            !over_http,
            address,
            config.locale.parse().unwrap_or_default(),
        )?;
        print_text(&format!(
            "\n3. Slack\nOpen this link, choose your workspace and press Create, then Install to \
            Workspace:\n\n{}\n\nOn the app's page OAuth & Permissions:\n",
            manifest::create_app_link(&made)
        ))?;
        self.ask_checked(BOT_TOKEN, AnswerCheck::Token).await?;
        if over_http {
            print_text("\nOn the page Basic Information:\n")?;
            self.ask_checked(SIGNING_SECRET, AnswerCheck::SigningSecret).await?;
        } else {
            print_text(
                "\nOn the page Basic Information, under App-Level Tokens, make a token with the scope \
                connections:write:\n",
            )?;
            self.ask_checked(APP_TOKEN, AnswerCheck::AppToken).await?;
        }
        print_text(
            "\nMake a channel for tickets in Slack, and write `/invite @Blip Desk` in it:\n",
        )?;
        self.ask_checked(CHANNEL, AnswerCheck::Channel).await
    }

    async fn ask_blip(&mut self) -> anyhow::Result<()> {
        print_text(
            "\n4. Blip\nOpen the bot that hands over to people (behind a router: the subbot with the \
            tickets) in Blip's portal.\nUnder Configurações → Informações de conexão:\n",
        )?;
        loop {
            self.ask_setting(API_URL, None).await?;
            self.ask_setting(KEY, None).await?;
            if self.check_answer(AnswerCheck::Bot).await? {
                break;
            }
        }
        print_text("\n")?;
        self.ask_setting(WEBHOOK_TOKEN, Some("")).await?;
        let token = if self.draft.has(WEBHOOK_TOKEN.name) {
            "the token that you have just given".to_owned()
        } else {
            // 122 random bits, in characters that survive every form and every header.
            let made = Uuid::new_v4().simple().to_string();
            self.draft.set(WEBHOOK_TOKEN.name, &made);
            format!("{made}  (shown only now)")
        };
        let config = self.draft.load()?;
        let address = config.http.public_url.as_deref().unwrap_or("https://…");
        print_text(&format!(
            "\nUnder Atendimento → Canais de atendimento → Canal Personalizado enter, and switch the \
            channel on:\n  URL de Integração      {address}/blip/webhook\n  Token de Autenticação  \
            {token}\n"
        ))
    }

    /// Asks until the answer has the right form and nothing that it names is wrong.
    async fn ask_checked(&mut self, question: Question, check: AnswerCheck) -> anyhow::Result<()> {
        loop {
            self.ask_setting(question, None).await?;
            if self.check_answer(check).await? {
                return Ok(());
            }
        }
    }

    /// Asks until the answer has the right form. Without one, what was answered before stays, or
    /// `otherwise` is taken.
    async fn ask_setting(
        &mut self,
        question: Question,
        otherwise: Option<&str>,
    ) -> anyhow::Result<()> {
        let Question { name, text, is_secret } = question;
        let is_optional = otherwise.is_some() || name == PUBLIC_URL.name;
        loop {
            let has_answer = self.draft.has(name);
            let again = if has_answer { "; Enter keeps yours" } else { "" };
            let text = format!("  {text}{again}");
            let answer = if is_secret {
                self.terminal.ask_secret(&text).await?
            } else {
                self.terminal.ask(&text).await?
            };
            match answer.as_str() {
                "" if has_answer => return Ok(()),
                "" if is_optional => self.draft.set(name, otherwise.unwrap_or_default()),
                "" => {
                    print_text("  It is needed.\n")?;
                    continue;
                }
                answer => self.draft.set(name, answer),
            }
            let Some(fault) = self.draft.find_fault(name) else { return Ok(()) };
            // Taken back, so that Enter does not keep what has just been refused.
            self.draft.set(name, "");
            print_text(&format!("  {fault}\n"))?;
        }
    }

    /// Checks an answer as `blip-slack doctor` would, and shows what was found. Says whether it does.
    async fn check_answer(&mut self, check: AnswerCheck) -> anyhow::Result<bool> {
        let config = self.draft.load()?;
        let findings = self.find_out(check, &config).await?;
        // What the portal lacks is told of a little later.
        let (shown, later): (Vec<_>, Vec<_>) = findings
            .into_iter()
            // Hints are for who looks for a fault; here they would only hold people up.
            .filter(|finding| finding.outcome != CheckOutcome::Hint)
            .partition(|finding| !matches!(check, AnswerCheck::Bot) || finding.check == "blip-key");
        for finding in &shown {
            print_text(&format!("{finding}\n"))?;
        }
        if shown.iter().any(Finding::has_failed) {
            return Ok(false);
        }
        let is_doubtful = shown.iter().any(|it| it.outcome == CheckOutcome::Warning);
        if is_doubtful && !self.confirm("  Go on all the same?").await? {
            return Ok(false);
        }
        self.left.extend(later.into_iter().filter(|it| it.outcome != CheckOutcome::Ok));
        Ok(true)
    }

    async fn find_out(
        &mut self,
        check: AnswerCheck,
        config: &Config,
    ) -> anyhow::Result<Vec<Finding>> {
        let access = PlatformAccess::new(config.http.proxy.as_ref(), &Tuning::default())?;
        Ok(match check {
            AnswerCheck::Token => {
                doctor::check_token(config, &access.slack_client(&config.slack)).await
            }
            AnswerCheck::SigningSecret => vec![doctor::check_signing_secret(&config.slack)],
            AnswerCheck::AppToken => vec![doctor::check_app_token(&access, &config.slack).await],
            AnswerCheck::Channel => {
                let slack = access.slack_client(&config.slack);
                let channel = &config.slack.channel;
                let (findings, id) = doctor::check_channel(&slack, CHANNEL.name, channel).await;
                if let Some(id) = id {
                    // The id stays when the channel is renamed.
                    self.draft.set(CHANNEL.name, id.as_str());
                }
                findings
            }
            AnswerCheck::Bot => match config.bots.first() {
                Some(bot) => doctor::check_bot(config, &access.blip_client(bot)).await,
                None => Vec::new(),
            },
        })
    }

    /// A question that is answered with no unless somebody says yes.
    async fn confirm(&mut self, question: &str) -> anyhow::Result<bool> {
        let answer = self.terminal.ask(&format!("{question} [y/N]")).await?;
        Ok(is_yes(&answer))
    }

    /// A question that is answered with yes unless somebody says something else.
    async fn confirm_or_deny(&mut self, question: &str) -> anyhow::Result<bool> {
        let answer = self.terminal.ask(&format!("  {question} [Y/n]")).await?;
        Ok(answer.is_empty() || is_yes(&answer))
    }

    fn say_what_is_left(&self) -> anyhow::Result<()> {
        let mut text = "\n.env is written; only you can read it.\n".to_owned();
        for name in self.draft.list_overruled() {
            writeln!(text, "{name} is set in the environment, too, which wins over the file.")?;
        }
        for finding in &self.left {
            writeln!(text, "{finding}")?;
        }
        let config = self.draft.load()?;
        text += "\nStart the bridge: `blip-slack`. ";
        if config.slack.app_token.is_none() {
            text += "When it runs, press Retry on the app's page Event Subscriptions until the address \
                is Verified, and switch Delayed Events on. ";
        }
        text += "`blip-slack doctor` checks everything.\n";
        print_text(&text)
    }
}

fn is_yes(answer: &str) -> bool {
    // In the languages of those who run it.
    ["y", "yes", "s", "sim", "sí", "si"].contains(&answer.to_lowercase().as_str())
}
