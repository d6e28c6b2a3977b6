//! All settings: where they come from, what they must be, what they are.
//!
//! The only reader of the environment. A value is checked here, so whoever holds a [`Config`] need not
//! doubt it; only whether two names are of one emoji is checked at the start
//! (`app::check_reactions`), as Slack's own table tells that. Knows nothing of what the settings are used
//! for: the builders in `app/services` give each to whoever goes by it.
//!
//! A setting is declared once, with its name, meaning, default, form and field, in the file of its
//! group; [`ALL_VARIABLES`] is all of them, and everything that explains or refuses a setting quotes
//! that table.

mod all;
mod bots;
mod declare;
mod desk;
mod dotenv;
mod draft;
mod fault;
mod http;
mod parse;
mod reader;
mod slack;
mod table;
mod traces;
mod unknown;
mod variable;
mod warnings;

use std::collections::BTreeMap;
use std::{env, fs, io};

use dotenv::DOTENV_FILE;
use reader::SettingsReader;
use secrecy::SecretString;

pub use all::{Config, LogFormat};
pub(crate) use bots::BotConfig;
pub(crate) use desk::{ReactionsOn, ReplyPolicy};
pub(crate) use draft::SettingsDraft;
pub use fault::SettingWarning;
pub(crate) use fault::{ConfigError, SettingFault};
pub(crate) use http::ProxyConfig;
pub(crate) use parse::{Agents, BusinessHours};
pub(crate) use reader::{ReadFile, VariableLookup};
pub(crate) use slack::SlackConfig;
pub use table::{ALL_VARIABLES, format_help, format_markdown_table};
pub use traces::TracesConfig;
pub use variable::{BOT_PLACEHOLDER, Need, ValueForm, ValuePrivacy, Variable, VariableGroup};

/// Only for `store copy`, and so none of the bridge's settings.
const TARGET_DATABASE_URL: &str = "TARGET_DATABASE_URL";

/// A single setting, for commands that need no more than that; its default if it is not set.
pub fn read_setting(name: &str) -> Result<Option<String>, ConfigError> {
    let settings = read_environment()?;
    let lookup = |name: &str| settings.get(name).cloned();
    let reader = SettingsReader::new(ALL_VARIABLES, &lookup, &|path| fs::read_to_string(path));
    reader.read_alone(name)
}

/// The address of the database, for commands that need no more than that.
pub fn read_database_url() -> Result<SecretString, ConfigError> {
    Ok(SecretString::from(read_setting("DATABASE_URL")?.unwrap_or_default()))
}

/// The address of the database that a store is copied to. It stands in the environment only: what
/// is on the command line is shown to everybody on the machine.
pub fn read_target_url() -> Result<Option<SecretString>, ConfigError> {
    Ok(read_setting(TARGET_DATABASE_URL)?.map(SecretString::from))
}

/// The environment, and a `.env` file in the working directory for what is not in it.
fn read_environment() -> Result<BTreeMap<String, String>, ConfigError> {
    // Of a name that comes twice the last one stays: the environment overrules the file.
    Ok(read_dotenv()?.into_iter().chain(read_own_environment()).collect())
}

/// What stands in a `.env` file in the working directory; nothing if there is none.
fn read_dotenv() -> Result<Vec<(String, String)>, ConfigError> {
    match fs::read(DOTENV_FILE) {
        Ok(bytes) => dotenv::parse_dotenv(&bytes).map_err(lines_to_config_error),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            Err(to_config_error(DOTENV_FILE.to_owned(), format!("cannot be read: {error}")))
        }
    }
}

/// The environment without the file.
fn read_own_environment() -> impl Iterator<Item = (String, String)> {
    // `env::vars` would panic over a variable that is not Unicode, which is none of ours.
    env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    })
}

impl Config {
    /// Reads the environment, and a `.env` file in the working directory for what is not in it.
    pub fn from_env() -> Result<Self, ConfigError> {
        let settings = read_environment()?;
        let lookup = |name: &str| settings.get(name).cloned();
        let unknown = unknown::find_unknown(&settings);
        let mut config = match Self::load(&lookup, &|path| fs::read_to_string(path)) {
            Ok(config) => config,
            Err(ConfigError(faults)) => {
                // A name that nobody knows only warns by itself. Where something is missing it may
                // be the reason, so it is told together with that.
                return Err(ConfigError(faults.into_iter().chain(unknown).collect()));
            }
        };
        let fix = "correct its name, or remove it";
        let unknown = unknown.iter().map(|fault| SettingWarning::new(fault.to_string(), fix));
        config.warnings.extend(unknown);
        config.warnings.extend(warnings::warn_of_readable_files(&lookup));
        Ok(config)
    }

    /// Reads every setting through `lookup`, and secrets also through `read_file`.
    pub fn load(lookup: VariableLookup<'_>, read_file: ReadFile<'_>) -> Result<Self, ConfigError> {
        let mut reader = SettingsReader::new(ALL_VARIABLES, lookup, read_file);
        let config = Self::read_settings(&mut reader);
        let (config, summary) = reader.into_result(config)?;
        let warnings = warnings::collect_warnings(&config);
        Ok(Self { warnings, summary, ..config })
    }

    /// The settings that are not as they are by default, in one line that is fit for the log.
    pub fn summary(&self) -> String {
        self.summary.join("; ")
    }
}

fn lines_to_config_error(lines: Vec<dotenv::UnreadableLine>) -> ConfigError {
    let fault = |(line, problem)| SettingFault {
        place: format!("{DOTENV_FILE} line {line}"),
        problem: str::to_owned(problem),
        example: None,
    };
    ConfigError(lines.into_iter().map(fault).collect())
}

fn to_config_error(place: String, problem: String) -> ConfigError {
    ConfigError(vec![SettingFault { place, problem, example: None }])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;
    use std::time::Duration;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::model::{BotName, ChannelRef};

    const LEAST: &[(&str, &str)] = &[
        ("SLACK_BOT_TOKEN", "xoxb-hush"),
        ("SLACK_SIGNING_SECRET", "hush"),
        ("SLACK_CHANNEL", "C1"),
        ("BLIP_KEY", "Key hush"),
        ("BLIP_API_URL", "https://loja.http.msging.net/"),
        ("BLIP_WEBHOOK_TOKEN", "hush,hush2"),
    ];

    /// Loads the least that is needed, changed by `changes`; an empty value takes one away.
    fn load(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all: HashMap<&str, &str> = LEAST.iter().chain(changes).copied().collect();
        Config::load(&|name| all.get(name).map(ToString::to_string), &read_file)
    }

    fn read_file(path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("/run/secret") => Ok("xoxb-from-file\n".to_owned()),
            Some("/run/empty") => Ok("\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn places(result: Result<Config, ConfigError>) -> Vec<String> {
        result.unwrap_err().0.into_iter().map(|fault| fault.place).collect()
    }

    #[test]
    fn the_least_is_enough_and_the_rest_has_defaults() {
        let config = load(&[]).unwrap();
        assert_eq!(config.http.port, 3000);
        assert_eq!(config.slack.api_url, "https://slack.com/api");
        assert_eq!(config.desk.reconcile, Some(Duration::from_mins(2)));
        assert_eq!(config.retain_bodies, Duration::from_hours(7 * 24));
        assert_eq!(config.locale, "pt-BR");
        let [bot] = config.bots.as_slice() else { panic!("one bot") };
        assert_eq!(bot.name, BotName::default());
        assert_eq!(bot.key.expose_secret(), "hush");
        assert_eq!(bot.api_url, "https://loja.http.msging.net");
        assert_eq!(bot.webhook_tokens.len(), 2);
        assert_eq!(bot.channel, config.slack.channel);
    }

    #[test]
    fn every_default_is_of_its_form_and_every_example_is_accepted() {
        for variable in ALL_VARIABLES.iter().filter(|variable| variable.name != "BLIP_BOTS") {
            let name = variable.name.replace(BOT_PLACEHOLDER, "VENDAS");
            let whole = [
                ("BLIP_BOTS", "vendas"),
                ("BLIP_VENDAS_KEY", "k"),
                ("BLIP_VENDAS_WEBHOOK_TOKEN", "t"),
                // Some are of use with these only.
                ("BLIP_ROUTER_KEY", "k"),
                ("BLIP_VENDAS_ROUTER_KEY", "k"),
                (name.as_str(), variable.example),
            ];
            assert!(load(&whole).is_ok(), "{name}={}", variable.example);
        }
    }

    #[test]
    fn all_faults_are_told_at_once_and_none_twice() {
        let nothing = Config::load(&|_| None, &read_file);
        assert_eq!(
            places(nothing),
            [
                "SLACK_BOT_TOKEN",
                "SLACK_SIGNING_SECRET",
                "SLACK_CHANNEL",
                "BLIP_KEY",
                "BLIP_WEBHOOK_TOKEN",
                "BLIP_API_URL"
            ]
        );
        // What people write as they like is never wrong.
        let is_free = |name: &str| ["NOTE_PREFIX", "OUT_OF_OFFICE_MESSAGE"].contains(&name);
        let wrong = ALL_VARIABLES
            .iter()
            .filter(|variable| !variable.name.contains(BOT_PLACEHOLDER) && !is_free(variable.name))
            .map(|variable| (variable.name, "\u{1} hush"))
            .collect::<Vec<_>>();
        let mut places = places(load(&wrong));
        let count = places.len();
        places.sort();
        places.dedup();
        assert_eq!((places.len(), count), (wrong.len(), wrong.len()), "{places:?}");
    }

    #[test]
    fn a_fault_is_one_line_with_an_example() {
        let faults = load(&[("SLACK_BOT_TOKEN", "hush"), ("PORT", "70000")]).unwrap_err();
        insta::assert_snapshot!(faults, @r"
        PORT must be a whole number from 0 to 65535, for example PORT=3000
        SLACK_BOT_TOKEN must be a token that begins with xoxb-, for example SLACK_BOT_TOKEN=xoxb-your-token
        ");
    }

    #[test]
    fn a_token_that_rotates_is_refused_with_the_reason() {
        for token in ["xoxe.xoxb-1-hush", "xoxe-1-hush", "xoxe.xoxp-1-hush"] {
            let faults = load(&[("SLACK_BOT_TOKEN", token)]).unwrap_err().to_string();
            assert!(faults.contains("SLACK_BOT_TOKEN is a token that rotates"), "{faults}");
            assert!(faults.contains("twelve hours") && !faults.contains("hush"), "{faults}");
        }
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let config = load(&[("AGENT_MAP", "U1=hush@loja.com")]).unwrap();
        assert!(!config.summary().contains("hush"));
        let shown = format!("{config:?}").replace("hush%40loja.com", "");
        assert!(!shown.contains("hush"), "{shown}");
        for (name, _) in LEAST {
            let faults = load(&[(name, "hush hush")]).unwrap_err();
            assert!(!format!("{faults} {faults:?}").contains("hush"), "{faults:?}");
        }
    }

    #[test]
    fn the_summary_names_what_differs_from_its_default_and_nothing_else() {
        let same = load(&[("PORT", "3000"), ("LOCALE", "pt-BR")]).unwrap();
        assert_eq!(
            same.summary(),
            "SLACK_BOT_TOKEN set; SLACK_SIGNING_SECRET set; SLACK_CHANNEL=C1; \
            BLIP_API_URL=https://loja.http.msging.net/; BLIP_KEY set; BLIP_WEBHOOK_TOKEN set"
        );
        let other = load(&[("PORT", "8080"), ("LOCALE", "en")]).unwrap().summary();
        assert!(other.contains("PORT=8080; ") && other.ends_with("LOCALE=en"), "{other}");
    }

    #[test]
    fn secrets_may_stand_in_files() {
        let file = |path| load(&[("SLACK_BOT_TOKEN", " "), ("SLACK_BOT_TOKEN_FILE", path)]);
        let config = file("/run/secret").unwrap();
        assert_eq!(config.slack.bot_token.expose_secret(), "xoxb-from-file");
        assert_eq!(places(file("/run/empty")), ["SLACK_BOT_TOKEN"]);
        assert_eq!(places(file("/run/gone")), ["SLACK_BOT_TOKEN"]);
        assert_eq!(places(load(&[("BLIP_KEY_FILE", "/run/secret")])), ["BLIP_KEY"]);
    }

    #[test]
    fn what_proves_a_sender_may_be_left_out_only_on_purpose() {
        let without = ("SLACK_SIGNING_SECRET", "");
        assert_eq!(places(load(&[without])), ["SLACK_SIGNING_SECRET"]);
        assert!(load(&[without, ("SLACK_APP_TOKEN", "xapp-1")]).is_ok());
        let without = ("BLIP_WEBHOOK_TOKEN", "");
        assert_eq!(places(load(&[without])), ["BLIP_WEBHOOK_TOKEN"]);
        let allowed = ("BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED", "true");
        assert!(load(&[without, allowed]).unwrap().bots[0].webhook_tokens.is_empty());
    }

    #[test]
    fn bots_share_what_they_have_no_own_of() {
        let two = [
            ("BLIP_BOTS", "vendas,suporte"),
            ("BLIP_KEY", ""),
            ("BLIP_WEBHOOK_TOKEN", ""),
            ("BLIP_VENDAS_KEY", "a"),
            ("BLIP_VENDAS_WEBHOOK_TOKEN", "b"),
            ("BLIP_SUPORTE_KEY", "c"),
            ("BLIP_SUPORTE_WEBHOOK_TOKEN", "d"),
            ("BLIP_SUPORTE_API_URL", "https://suporte.http.msging.net"),
            ("SLACK_SUPORTE_CHANNEL", "#suporte"),
        ];
        let config = load(&two).unwrap();
        let [sales, support] = config.bots.as_slice() else { panic!("two bots") };
        assert_eq!(sales.api_url, "https://loja.http.msging.net");
        assert_eq!(sales.channel, config.slack.channel);
        assert_eq!(support.api_url, "https://suporte.http.msging.net");
        assert_eq!(support.channel, ChannelRef::Name("suporte".to_owned()));
        let lone = [&two[..], &[("BLIP_API_URL", ""), ("BLIP_SUPORTE_KEY", "")]].concat();
        assert_eq!(places(load(&lone)), ["BLIP_VENDAS_API_URL", "BLIP_SUPORTE_KEY"]);
        let file = [("BLIP_BOTS_FILE", "/run/secret"), ("BLIP_KEY", "")];
        assert_eq!(places(load(&file)), ["BLIP_KEY"]);
        let third = [&two[..], &[("BLIP_KEY", "k"), ("BLIP_WEBHOOK_TOKEN", "t")]].concat();
        assert_eq!(load(&third).unwrap().bots.len(), 3);
    }

    #[test]
    fn one_emoji_cannot_mean_two_things() {
        let same = [("CLAIM_REACTION", ":eyes:"), ("CLOSE_REACTION", "eyes")];
        assert_eq!(places(load(&same)), ["CLOSE_REACTION"]);
    }

    #[test]
    fn what_is_doubtful_is_warned_about() {
        let warned = |changes: &[(&str, &str)]| {
            let warnings = load(changes).unwrap().warnings;
            warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(warned(&[]), "");
        let open = [("BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED", "true"), ("BLIP_WEBHOOK_TOKEN", "")];
        assert!(warned(&open).contains("HOST=0.0.0.0"));
        for host in ["127.0.0.1", "::1", "localhost"] {
            assert_eq!(warned(&[open.as_slice(), &[("HOST", host)]].concat()), "", "{host}");
        }
        assert_eq!(warned(&open[..1]), "", "a token is asked for all the same");
        for (name, value) in [
            ("SLACK_API_URL", "http://127.0.0.1:1/api"),
            ("BLIP_API_URL", "http://localhost:1"),
            ("BLIP_API_URL", "https://[::1]:1"),
            ("MEDIA_ALLOW_LOOPBACK", "true"),
        ] {
            let warned = warned(&[(name, value)]);
            assert!(warned.starts_with(name) && warned.contains("for tests only"), "{warned}");
        }
        let bots = [("BLIP_BOTS", "vendas"), ("BLIP_VENDAS_KEY", "k")];
        let bot = [("BLIP_VENDAS_WEBHOOK_TOKEN", "t"), ("BLIP_VENDAS_API_URL", "http://[::1]:1")];
        assert!(warned(&[bots, bot].concat()).starts_with("BLIP_VENDAS_API_URL"));
    }

    #[test]
    fn a_proxy_of_the_system_is_read_as_others_read_it() {
        let proxy = |changes: &[(&str, &str)]| load(changes).unwrap().http.proxy;
        assert!(proxy(&[("http_proxy", "http://p:1"), ("HTTP_PROXY", "http://p:1")]).is_none());
        for (name, other) in [("https_proxy", "HTTPS_PROXY"), ("ALL_PROXY", "x")] {
            let set = [(name, "http://u:hush@p:1"), (other, "http://q:1"), ("NO_PROXY", "a,b")];
            let found = proxy(&set).unwrap();
            assert_eq!((found.variable, found.except.as_str()), (name, "a,b"));
            assert_eq!(found.address.expose_secret(), "http://u:hush@p:1");
            let summary = load(&set).unwrap().summary();
            assert!(summary.contains(&format!("{name} set")) && !summary.contains("hush"));
        }
        assert_eq!(places(load(&[("ALL_PROXY", "socks5://p:1")])), ["ALL_PROXY"]);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_taken_or_refused_without_being_quoted(
            place in 0..ALL_VARIABLES.len(),
            value in r"\S.{12,40}",
        ) {
            let name = ALL_VARIABLES[place].name.replace(BOT_PLACEHOLDER, "VENDAS");
            if let Err(faults) = load(&[("BLIP_BOTS", "vendas"), (&name, &value)]) {
                proptest::prop_assert!(!faults.to_string().contains(value.trim()));
            }
        }
    }
}
