//! The way to both platforms: one HTTP client, with what makes it wait or give up.

use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};

use super::tuning::Tuning;
use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::config::{BotConfig, ProxyConfig, SlackConfig};
use crate::{blip, slack};

/// How long a connection may take to come about.
const PLATFORM_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to both platforms, as the bridge goes it.
pub(crate) struct PlatformAccess {
    http: reqwest::Client,
    clock: Clock,
    credentials_pause: Duration,
}

impl PlatformAccess {
    /// Through the proxy of the system, if there is one.
    pub(crate) fn new(proxy: Option<&ProxyConfig>, tuning: &Tuning) -> anyhow::Result<Self> {
        let http = build_http_client(tuning.call_timeout, proxy)?;
        let (clock, credentials_pause) = (tuning.clock.clone(), tuning.credentials_pause);
        Ok(Self { http, clock, credentials_pause })
    }

    /// What calls are made with.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Calls Slack in the name of the app.
    pub(crate) fn slack_client(&self, slack: &SlackConfig) -> slack::SlackClient {
        let (http, clock) = (self.http.clone(), self.clock.clone());
        let breaker = self.new_breaker();
        slack::SlackClient::new(http, &slack.api_url, &slack.bot_token, clock, breaker)
    }

    /// Calls Blip in the name of a bot.
    pub(crate) fn blip_client(&self, bot: &BotConfig) -> blip::BlipClient {
        self.blip_client_with(bot, &bot.key, "KEY")
    }

    /// Calls Blip in the name of the bot that has a bot's WhatsApp channel, if its key is given.
    pub(crate) fn router_client(&self, bot: &BotConfig) -> Option<blip::BlipClient> {
        let key = bot.router_key.as_ref()?;
        Some(self.blip_client_with(bot, key, "ROUTER_KEY"))
    }

    fn blip_client_with(
        &self,
        bot: &BotConfig,
        key: &SecretString,
        key_setting: &'static str,
    ) -> blip::BlipClient {
        let (bot, address) = (bot.name.clone(), bot.api_url.as_str());
        let access = blip::BlipAccess { bot, address, key, key_setting };
        blip::BlipClient::new(access, self.http.clone(), self.new_breaker())
    }

    fn new_breaker(&self) -> CircuitBreaker {
        // One for each client, as each has a key of its own: a bot whose key is refused must not
        // stop the calls of all others.
        CircuitBreaker::new(self.clock.clone(), self.credentials_pause)
    }
}

fn build_http_client(
    answer: Duration,
    proxy: Option<&ProxyConfig>,
) -> anyhow::Result<reqwest::Client> {
    // The proxy is one of our settings, of which the log tells; the client would find it by itself
    // and say nothing.
    let client = reqwest::Client::builder().no_proxy();
    let client = match proxy {
        Some(proxy) => client.proxy(build_proxy(proxy)?),
        None => client,
    };
    client
        .timeout(answer)
        .connect_timeout(PLATFORM_CONNECT_TIMEOUT)
        // Neither platform redirects its API; what does is a portal of somebody's network, and is
        // not to be taken for an answer of theirs.
        .redirect(reqwest::redirect::Policy::none())
        // Socket Mode begins with an upgrade, which HTTP/2 does not have.
        .http1_only()
        .user_agent(concat!("blip-slack/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("prepare the HTTP client")
}

/// The way through a proxy, for what is not on this machine.
fn build_proxy(proxy: &ProxyConfig) -> anyhow::Result<reqwest::Proxy> {
    let ProxyConfig { variable, address, except } = proxy;
    let all = reqwest::Proxy::all(address.expose_secret());
    // The error itself may quote the address, and with it a password.
    let all = all.map_err(|_quoting| anyhow::anyhow!("{variable}: not the address of a proxy"))?;
    // A proxy elsewhere cannot reach this machine by these names, or reaches its own.
    let except = format!("{except},localhost,127.0.0.0/8,::1");
    Ok(all.no_proxy(reqwest::NoProxy::from_string(&except)))
}
