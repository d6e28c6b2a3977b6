//! All settings together.

use std::collections::HashMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::bots::{BotConfig, read_aliases};
use super::declare::{one_of, one_of_names, settings, whole_as, with_default};
use super::desk::DeskConfig;
use super::fault::SettingWarning;
use super::http::{HttpConfig, MediaConfig};
use super::parse;
use super::slack::SlackConfig;
use super::traces::TracesConfig;
use super::variable::ValueForm::{OneOf, Whole, Words};
use super::variable::{ValuePrivacy, VariableGroup, variable};
use crate::model::BotName;

settings! {
    /// Everything that can be set.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Where the service listens.
        part pub(crate) http: HttpConfig =
            |reader| HttpConfig::read_settings(reader);
        part pub(crate) slack: SlackConfig =
            |reader| SlackConfig::read_settings(reader);
        /// The Blip bots; at least one.
        part pub(crate) bots: Vec<BotConfig> =
            |reader| BotConfig::read_all(reader, slack.as_ref().map(|slack| slack.channel.clone()));
        /// Former names of bots, each with its name now.
        part pub(crate) bot_aliases: HashMap<BotName, BotName> =
            // After the bots, with whose names it is compared.
            |reader| Some(read_aliases(reader, bots.as_deref()));
        /// How people work with tickets.
        part pub(crate) desk: DeskConfig =
            |reader| DeskConfig::read_settings(reader);
        /// How files are passed on.
        part pub(crate) media: MediaConfig =
            |reader| MediaConfig::read_settings(reader);
        /// Where traces go, if anywhere: they go nowhere without an address.
        part pub traces: Option<TracesConfig> =
            |reader| Some(TracesConfig::read_settings(reader));
        /// What an operator should look at although the bridge can start.
        part pub warnings: Vec<SettingWarning> =
            // This and the summary are filled in when all settings are known (`Config::load`).
            |_| Some(Vec::new());
        part pub(super) summary: Vec<String> =
            |_| Some(Vec::new());
        table LOCALE_TABLE {
            /// The language of what the bridge writes: `pt-BR`, `en` or `es`.
            pub(crate) locale: String =
                one_of_names,
                variable(VariableGroup::Locale, "LOCALE")
                    .means("The language of what the bridge writes in Slack")
                    .form(OneOf(&["pt-BR", "en", "es"]), "pt-BR")
                    .default("pt-BR");
            /// The time zone of the times that it writes.
            pub(crate) timezone: TimeZone =
                with_default(parse::parse_time_zone),
                variable(VariableGroup::Locale, "TIMEZONE")
                    .means("The time zone of the times that it writes")
                    .form(Words("the name of a time zone of the IANA database"), "America/Sao_Paulo")
                    .default("America/Sao_Paulo");
        }
        table SERVICE_TABLE {
            /// Where the database is: `sqlite://` or `postgres://`.
            pub(crate) database_url: SecretString =
                with_default(parse::parse_database_url),
                variable(VariableGroup::Service, "DATABASE_URL")
                    .means("Where everything is kept")
                    .form(
                        Words("sqlite:// and a path, or postgres:// and a server's address"),
                        "sqlite:///var/lib/blip-slack/blip-slack.db",
                    )
                    .default("sqlite://blip-slack.db")
                    // The address of a PostgreSQL server holds a password.
                    .privacy(ValuePrivacy::Secret);
            /// For how long the bodies of handled events are kept.
            pub(crate) retain_bodies: Duration =
                whole_as(from_days),
                variable(VariableGroup::Service, "RETAIN_BODIES_DAYS")
                    .means("For how many days the text of handled events is kept")
                    .form(Whole(0, 365), "7")
                    .default("7");
            /// For how long closed tickets are kept.
            pub(crate) retain_tickets: Duration =
                whole_as(from_days),
                variable(VariableGroup::Service, "RETAIN_TICKETS_DAYS")
                    .means("For how many days closed tickets are kept, with names, numbers and links")
                    .form(Whole(1, 3650), "365")
                    .default("365");
            /// How long stopping waits for work under way.
            pub(crate) shutdown: Duration =
                whole_as(Duration::from_secs),
                variable(VariableGroup::Service, "SHUTDOWN_SECONDS")
                    .means("How long stopping waits for work under way")
                    .form(Whole(1, 600), "20")
                    .default("20");
            /// What is logged, as a filter of `tracing`.
            pub log: String =
                with_default(parse::parse_log_filter),
                variable(VariableGroup::Service, "LOG")
                    .means("What is logged: a level, or levels by module")
                    .form(
                        Words("error, warn, info, debug, trace or off, or a filter such as info,blip_slack=debug"),
                        "info",
                    )
                    .default("info");
            /// How the log is written.
            pub log_format: LogFormat =
                one_of(&[("text", LogFormat::Text), ("json", LogFormat::Json)]),
                variable(VariableGroup::Service, "LOG_FORMAT")
                    .means("How the log is written")
                    .form(OneOf(&["text", "json"]), "text")
                    .default("text");
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// In lines for people, coloured on a terminal.
    Text,
    /// As one JSON object a line, for machines.
    Json,
}

fn from_days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}
