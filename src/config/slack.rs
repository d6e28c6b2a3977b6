//! The settings of the Slack app.

use std::collections::HashMap;

use secrecy::SecretString;

use super::declare::{optional, or_empty, required, settings, with_default};
use super::parse;
use super::reader::SettingsReader;
use super::variable::Need::{Always, When};
use super::variable::ValueForm::Words;
use super::variable::ValuePrivacy::Secret;
use super::variable::{CHANNEL_FORM, SECRETS_FORM, URL_FORM, VariableGroup, variable};
use crate::model::ChannelRef;

settings! {
    /// How the bridge acts in Slack, and where tickets go there.
    #[derive(Clone, Debug)]
    pub(crate) struct SlackConfig {
        table SLACK_TABLE {
            /// The bot token, `xoxb-…`.
            pub(crate) bot_token: SecretString =
                read_bot_token,
                variable(VariableGroup::Slack, "SLACK_BOT_TOKEN")
                    .means("The token with which the bridge acts in Slack (OAuth & Permissions)")
                    .form(Words("a token that begins with xoxb-"), "xoxb-your-token")
                    .need(Always)
                    .privacy(Secret);
            /// Any of these may have signed a request; empty only with [`SlackConfig::app_token`].
            pub(crate) signing_secrets: Vec<SecretString> =
                read_signing_secrets,
                variable(VariableGroup::Slack, "SLACK_SIGNING_SECRET")
                    .means("Proves that a request is from Slack (Basic Information); several while rotating")
                    .form(SECRETS_FORM, "your-signing-secret")
                    .need(When("without SLACK_APP_TOKEN"))
                    .privacy(Secret);
            /// The app-level token, `xapp-…`: Socket Mode instead of requests from Slack.
            pub(crate) app_token: Option<SecretString> =
                optional(|value| parse::parse_token(value, "xapp-")),
                variable(VariableGroup::Slack, "SLACK_APP_TOKEN")
                    .means(
                        "Socket Mode, if Slack cannot reach the bridge: app-level token with connections:write",
                    )
                    .form(Words("a token that begins with xapp-"), "xapp-your-token")
                    .privacy(Secret);
            /// Where tickets go that have no other channel.
            pub(crate) channel: ChannelRef =
                required(parse::parse_channel_ref),
                variable(VariableGroup::Slack, "SLACK_CHANNEL")
                    .means("The channel for tickets that have no other, or whose own is gone")
                    .form(CHANNEL_FORM, "#atendimento")
                    .need(Always);
            /// Where the tickets of a team go, by the team's name.
            pub(crate) team_channels: HashMap<String, ChannelRef> =
                or_empty(parse::parse_team_channels),
                variable(VariableGroup::Slack, "SLACK_TEAM_CHANNELS")
                    .means("A channel for each Blip team")
                    .form(Words("a comma list of Team=channel"), "Vendas=C024BE91L,Suporte=#suporte");
            /// The Web API, without a slash at its end.
            pub(crate) api_url: String =
                with_default(parse::parse_base_url),
                variable(VariableGroup::Slack, "SLACK_API_URL")
                    .means("Where the Web API of Slack is, for proxies and tests")
                    .form(URL_FORM, "https://slack.com/api")
                    .default("https://slack.com/api");
            /// Posts per second and channel; 0 for no pace of our own.
            pub(crate) channel_rate: f64 =
                with_default(parse::parse_post_rate),
                variable(VariableGroup::Slack, "SLACK_CHANNEL_RATE")
                    .means("Posts per second and channel; 0 leaves the pace to Slack")
                    .form(Words("0, or a number from 0.01 to 100"), "1")
                    .default("1");
        }
    }
}

/// The bot token of Slack; of one that rotates it is said why it does not do.
fn read_bot_token(reader: &mut SettingsReader<'_>, name: &str) -> Option<SecretString> {
    // Slack ends such a token after twelve hours, and an app is never rid of rotation again
    // (`slack.md` E.1). So it is told why, and not only what a token must look like.
    let is_rotating = |value: &str| value.starts_with("xoxe");
    let found = reader.read_required(name, |value| {
        if is_rotating(value) { Some(None) } else { parse::parse_token(value, "xoxb-").map(Some) }
    })?;
    if found.is_none() {
        reader.add_fault(
            name,
            "is a token that rotates (xoxe): Slack ends it after twelve hours, and the bridge \
            cannot renew it; install an app without token rotation and use its token that begins \
            with xoxb-",
        );
    }
    found
}

/// Over a socket nothing is signed.
fn read_signing_secrets(reader: &mut SettingsReader<'_>, name: &str) -> Option<Vec<SecretString>> {
    if reader.is_set("SLACK_APP_TOKEN") {
        reader.read_optional(name, parse::parse_secrets).or(Some(Vec::new()))
    } else {
        reader.read_required(name, parse::parse_secrets)
    }
}
