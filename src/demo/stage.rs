//! The service, a workspace with two agents, and a bot: all on free local ports.

use std::collections::HashMap;

use anyhow::Context;

use crate::app::{App, Tuning};
use crate::config::Config;
use blip_slack_standins::blip::{self, Blip};
use blip_slack_standins::slack::{self, Slack, User};

/// An agent, in Slack.
pub const ANA: &str = "U0ANA";
/// Another agent, in Slack.
pub const BIA: &str = "U0BIA";
/// The channel for tickets.
pub const CHANNEL: &str = "C0ATENDIMENTO";

/// The bridge between a stand-in for Slack and one for Blip.
pub struct Stage {
    /// The stand-in for Slack.
    pub slack: Slack,
    /// The stand-in for Blip.
    pub blip: Blip,
    settings: HashMap<String, String>,
    tuning: Tuning,
    app: Option<App>,
}

impl Stage {
    /// Starts everything. `database` is a file's path; `settings` are environment variables that
    /// replace the stage's own.
    pub async fn start(
        database: &str,
        settings: &[(&str, &str)],
        tuning: Tuning,
    ) -> anyhow::Result<Self> {
        let mut stage = Self::without_bridge(database, settings, tuning).await?;
        stage.start_bridge().await?;
        Ok(stage)
    }

    /// Starts everything but the bridge.
    pub async fn without_bridge(
        database: &str,
        settings: &[(&str, &str)],
        tuning: Tuning,
    ) -> anyhow::Result<Self> {
        let socket_mode = settings.iter().any(|(name, _)| *name == "SLACK_APP_TOKEN");
        let slack_setup = slack::Setup { socket_mode, ..slack::Setup::default() };
        let blip_setup = blip::Setup::default();
        let secrets = [
            ("SLACK_BOT_TOKEN", slack_setup.token.clone()),
            ("SLACK_SIGNING_SECRET", slack_setup.signing_secret.clone()),
            ("BLIP_KEY", blip_setup.key.clone()),
            ("BLIP_WEBHOOK_TOKEN", blip_setup.token.clone()),
        ];
        let slack = Slack::start(slack_setup).await.context("start the stand-in for Slack")?;
        let blip = Blip::start(blip_setup).await.context("start the stand-in for Blip")?;
        // People here use Slack in the language that the bridge speaks.
        let locale = settings.iter().find(|(name, _)| *name == "LOCALE");
        let locale = locale.map_or("pt-BR", |(_, locale)| locale);
        for (id, name, email) in
            [(ANA, "Ana Lima", "ana@loja.example"), (BIA, "Bia Souza", "bia@loja.example")]
        {
            slack.add_user(User { locale: locale.to_owned(), ..User::member(id, name, email) });
        }
        slack.add_channel(CHANNEL, "atendimento", &[ANA, BIA]);
        let own = [
            ("SLACK_API_URL", slack.api_url()),
            ("SLACK_CHANNEL", CHANNEL.to_owned()),
            ("BLIP_API_URL", blip.api_url()),
            ("DATABASE_URL", format!("sqlite://{database}")),
            ("MEDIA_ALLOW_LOOPBACK", "true".to_owned()),
            ("HOST", "127.0.0.1".to_owned()),
            // Any free one: many stages run at the same time in the tests.
            ("PORT", "0".to_owned()),
        ];
        let mut all: HashMap<String, String> =
            own.into_iter().chain(secrets).map(|(name, value)| (name.to_owned(), value)).collect();
        // After our own, which they replace.
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Ok(Self { slack, blip, settings: all, tuning, app: None })
    }

    /// Starts the bridge again after [`Stage::stop_bridge`], with the memory it had.
    pub async fn start_bridge(&mut self) -> anyhow::Result<()> {
        let config = self.load_config()?;
        let app = App::start(&config, self.tuning.clone()).await?;
        let url = format!("http://{}", app.address());
        self.slack.deliver_to(&format!("{url}/slack/events"));
        self.blip.deliver_to(&format!("{url}/blip/webhook"));
        self.app = Some(app);
        Ok(())
    }

    /// Stops the bridge; the stand-ins go on.
    pub async fn stop_bridge(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    /// The bridge between the stand-ins; none while it is stopped.
    pub fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// Changes a setting for the next start of the bridge.
    pub fn set_setting(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// The settings as environment variables.
    pub fn settings(&self) -> &HashMap<String, String> {
        &self.settings
    }

    fn load_config(&self) -> anyhow::Result<Config> {
        let lookup = |name: &str| self.settings.get(name).cloned();
        Ok(Config::load(&lookup, &|path| std::fs::read_to_string(path))?)
    }
}
