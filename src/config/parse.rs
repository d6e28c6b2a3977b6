//! Reads single values from text; `None` if they are not of their form.
//!
//! What the form is, is said by the table of variables, not here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::{Host, Url};

use crate::model::personal::NumberKind;
use crate::model::{Agent, BotName, ChannelId, ChannelRef, SlackUserId, WorkingHours, marks};

/// Our modules, as `LOG` may name them.
const MODULES: &[&str] = &[
    "model",
    "bounded",
    "clock",
    "config",
    "locale",
    "telemetry",
    "breaker",
    "cache",
    "media",
    "store",
    "inbox",
    "blip",
    "slack",
    "handlers",
    "jobs",
    "dispatch",
    "dialog",
    "intake",
    "manifest",
    "app",
    "control",
    "doctor",
    "healthcheck",
    "init",
    "demo",
];
/// The crates that we link and that log by `tracing`; what others hand to `log` goes nowhere.
const LOGGING_CRATES: [&str; 3] = ["hyper_util", "slack_morphism", "tower_http"];

/// Who is an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Agents {
    /// The full members of the ticket's channel.
    Channel,
    /// The members of a user group, by its id.
    Group(String),
}

pub(crate) fn parse_flag(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A secret that begins with `prefix` and is one word.
pub(crate) fn parse_token(value: &str, prefix: &str) -> Option<SecretString> {
    let rest = value.strip_prefix(prefix)?;
    (!rest.is_empty() && is_visible_ascii(value)).then(|| SecretString::from(value))
}

/// Secrets with commas between them.
pub(crate) fn parse_secrets(value: &str) -> Option<Vec<SecretString>> {
    // Several, because no platform documents that an old secret goes on for a while when it is
    // changed (`slack.md` B.2, `blip.md` §10 #19).
    parse_list(value, |entry| is_visible_ascii(entry).then(|| SecretString::from(entry)))
}

/// The key of a Blip bot, without the word `Key` (`blip.md` §1.1).
pub(crate) fn parse_blip_key(value: &str) -> Option<SecretString> {
    let key = value.strip_prefix("Key ").unwrap_or(value).trim();
    is_visible_ascii(key).then(|| SecretString::from(key))
}

/// A flow and a block of it, with a slash between.
pub(crate) fn parse_answer_block(value: &str) -> Option<(String, String)> {
    let (flow, block) = value.split_once('/')?;
    let is_id = |id: &str| is_visible_ascii(id) && !id.contains('/');
    (is_id(flow) && is_id(block)).then(|| (flow.to_owned(), block.to_owned()))
}

/// An absolute address without a slash at its end; plain http leaves this machine in clear text.
pub(crate) fn parse_base_url(value: &str) -> Option<String> {
    let url = Url::parse(value).ok()?;
    let is_local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    let is_plain = url.query().is_none() && url.fragment().is_none();
    // The start writes addresses to the log, so no password may stand in one.
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    (is_safe && is_plain && is_anonymous).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// The base address of a collector of OpenTelemetry, which may be anywhere in one's own network.
pub(crate) fn parse_collector_url(value: &str) -> Option<String> {
    let url = Url::parse(value).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    (is_http && is_plain && is_anonymous).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// Headers as OpenTelemetry writes them: values are percent-encoded.
pub(crate) fn parse_headers(value: &str) -> Option<Vec<(String, SecretString)>> {
    let headers: HashMap<String, SecretString> = parse_pairs(value, |name, value| {
        let value = percent_decode_str(value).decode_utf8().ok()?;
        // A line break in a value would begin another header.
        let is_value = is_visible_ascii(&value.replace(' ', "_"));
        is_value
            .then(|| Some((parse_header_name(name)?, SecretString::from(value.into_owned()))))?
    })?;
    Some(headers.into_iter().collect())
}

/// A name that is shown to people.
pub(crate) fn parse_service_name(value: &str) -> Option<String> {
    let is_name = !value.is_empty() && !value.contains(char::is_control);
    is_name.then(|| value.to_owned())
}

pub(crate) fn parse_channel_ref(value: &str) -> Option<ChannelRef> {
    match value.strip_prefix('#') {
        Some(name) => {
            let is_name = !name.contains(|c: char| c.is_whitespace() || c == '#' || c == ',');
            (!name.is_empty() && is_name).then(|| ChannelRef::Name(name.to_owned()))
        }
        None => parse_slack_id(value, &['C', 'G']).and_then(ChannelId::parse).map(ChannelRef::Id),
    }
}

/// Former names of bots, each with its name now.
pub(crate) fn parse_bot_aliases(value: &str) -> Option<HashMap<BotName, BotName>> {
    parse_pairs(value, |was, is| Some((BotName::parse(was)?, BotName::parse(is)?)))
}

pub(crate) fn parse_team_channels(value: &str) -> Option<HashMap<String, ChannelRef>> {
    parse_pairs(value, |team, target| Some((team.to_owned(), parse_channel_ref(target)?)))
}

pub(crate) fn parse_agents(value: &str) -> Option<Agents> {
    match value {
        "channel" => Some(Agents::Channel),
        group => parse_slack_id(group, &['S']).map(|id| Agents::Group(id.to_owned())),
    }
}

pub(crate) fn parse_agent_map(value: &str) -> Option<HashMap<SlackUserId, String>> {
    parse_pairs(value, |user, agent| {
        let user = parse_slack_id(user, &['U', 'W']).and_then(SlackUserId::parse)?;
        Some((user, parse_identity(agent)?))
    })
}

/// An e-mail address, or an identity at Blip as it is.
pub(crate) fn parse_identity(value: &str) -> Option<String> {
    let (local, domain) = value.split_once('@')?;
    let is_sound = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    if !is_sound || !is_visible_ascii(value) {
        return None;
    }
    // An identity has the `@` of the e-mail address encoded (`blip.md` §2.5). Without that it is
    // the address of somebody at blip.ai itself.
    let is_identity = domain == "blip.ai" && local.contains("%40");
    Some(if is_identity { value.to_owned() } else { Agent::identity_from_email(value) })
}

/// Short names of bots, each different from the others and from that of the only bot.
pub(crate) fn parse_bot_names(value: &str) -> Option<Vec<BotName>> {
    // It becomes part of the names of variables and of the path of the webhook.
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names =
        parse_list(value, |name| name.chars().all(is_part).then(|| BotName::parse(name))?)?;
    let mut different = names.clone();
    // That is what the bot without a name is called in ids, which are stored.
    different.push(BotName::default());
    different.sort();
    different.dedup();
    (different.len() == names.len() + 1).then_some(names)
}

/// The name of an emoji, with or without the colons around it.
pub(crate) fn parse_emoji(value: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || "_-+'".contains(c);
    let name = value.strip_prefix(':').and_then(|name| name.strip_suffix(':')).unwrap_or(value);
    (!name.is_empty() && name.chars().all(is_part)).then(|| name.to_owned())
}

/// Kinds of numbers, each once.
pub(crate) fn parse_number_kinds(value: &str) -> Option<Vec<NumberKind>> {
    let kind = |name: &str| NumberKind::ALL.into_iter().find(|kind| kind.name() == name);
    let kinds = parse_list(value, kind)?;
    let is_twice =
        |(at, kind): (usize, &NumberKind)| kinds.iter().take(at).any(|other| other == kind);
    (!kinds.iter().enumerate().any(is_twice)).then_some(kinds)
}

/// The name of an emoji that means nothing else on a message.
pub(crate) fn parse_free_emoji(value: &str) -> Option<String> {
    parse_emoji(value).filter(|name| !marks::ALL_MARKS.contains(&name.as_str()))
}

/// What Slack's editor leaves as it is typed: it makes looks, quotes and lists of some signs, and
/// a command of one slash.
pub(crate) fn parse_note_prefix(value: &str) -> Option<String> {
    let is_list = matches!(value, "-" | "•" | "+") || {
        let (number, rest) = value.split_at(value.find(|c: char| !c.is_ascii_digit()).unwrap_or(0));
        !number.is_empty() && rest.starts_with(['.', ')'])
    };
    let is_command =
        value.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
    let is_kept = !value.starts_with(['>', '@', '#', '&', '<'])
        && !value.contains(['*', '_', '~', '`'])
        && !value.starts_with("- ")
        && !is_list
        && !is_command;
    (is_kept && value.chars().count() <= 10).then(|| value.to_owned())
}

pub(crate) fn parse_header_name(value: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    value.chars().all(is_part).then(|| value.to_owned())
}

/// Posts per second and channel; 0 for no pace of our own.
pub(crate) fn parse_post_rate(value: &str) -> Option<f64> {
    let rate = value.parse().ok()?;
    (rate == 0.0 || (0.01..=100.0).contains(&rate)).then_some(rate)
}

/// The time between two rounds; zero for never.
pub(crate) fn parse_seconds(value: &str) -> Option<Duration> {
    let seconds = value.parse().ok()?;
    (seconds == 0 || (10..=86_400).contains(&seconds)).then(|| Duration::from_secs(seconds))
}

/// A user group of Slack.
pub(crate) fn parse_group_id(value: &str) -> Option<String> {
    parse_slack_id(value, &['S']).map(str::to_owned)
}

/// Who says when the team works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BusinessHours {
    /// The settings of the bridge, for all bots.
    Own(Box<WorkingHours>),
    /// The desk at Blip, for each bot.
    Blip,
}

/// The hours themselves, or the word that those of the desk count.
pub(crate) fn parse_business_hours(value: &str) -> Option<BusinessHours> {
    if value.trim().eq_ignore_ascii_case("blip") {
        return Some(BusinessHours::Blip);
    }
    parse_hours(value).map(|hours| BusinessHours::Own(Box::new(hours)))
}

pub(crate) fn parse_hours(value: &str) -> Option<WorkingHours> {
    value.parse().ok()
}

/// Most characters of what customers are told by a setting: every channel takes so many.
const MAX_CUSTOMER_TEXT_CHARS: usize = 1000;

/// Text that the bot says to customers: not empty, and no longer than a message may be.
pub(crate) fn parse_customer_text(value: &str) -> Option<String> {
    let text = value.trim();
    let is_short = (1..=MAX_CUSTOMER_TEXT_CHARS).contains(&text.chars().count());
    is_short.then(|| text.to_owned())
}

/// The hours of teams, with `|` between them: commas and semicolons stand in the hours themselves.
pub(crate) fn parse_team_hours(value: &str) -> Option<HashMap<String, WorkingHours>> {
    let mut teams = HashMap::new();
    for entry in value.split('|') {
        let (team, hours) = entry.split_once('=')?;
        let team = team.trim();
        if team.is_empty() || teams.insert(team.to_owned(), parse_hours(hours)?).is_some() {
            return None;
        }
    }
    Some(teams)
}

pub(crate) fn parse_time_zone(value: &str) -> Option<TimeZone> {
    TimeZone::get(value).ok()
}

pub(crate) fn parse_host(value: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let is_host = value.parse::<IpAddr>().is_ok() || value.chars().all(is_part);
    is_host.then(|| value.to_owned())
}

pub(crate) fn parse_database_url(value: &str) -> Option<SecretString> {
    let rest = ["sqlite://", "postgres://", "postgresql://"]
        .into_iter()
        .find_map(|scheme| value.strip_prefix(scheme))?;
    (!rest.is_empty()).then(|| SecretString::from(value))
}

/// A filter that lets something of the bridge through.
pub(crate) fn parse_log_filter(value: &str) -> Option<String> {
    let matches = EnvFilter::try_new(value).is_ok() && value.split(',').any(is_about_bridge);
    matches.then(|| value.to_owned())
}

/// The parts of a filter that match nothing: they name no module of ours, and no crate that logs.
pub(crate) fn unmatched_log_directives(filter: &str) -> Vec<&str> {
    // Values of fields may hold commas.
    let parts = filter.split(',').filter(|_| !filter.contains('{'));
    // Told at the start: a filter such as `info,blip_slak=debug` was once taken in silence.
    parts.filter(|part| !is_about_bridge(part) && !is_about_crate(part)).collect()
}

/// Whether a part of a filter is about one of the crates that we link and that log.
fn is_about_crate(directive: &str) -> bool {
    let target = log_target(directive);
    LOGGING_CRATES.iter().any(|name| {
        let rest = target.strip_prefix(name);
        name.starts_with(target) || rest.is_some_and(|rest| rest.starts_with("::"))
    })
}

/// The module that a part of a filter is about.
fn log_target(directive: &str) -> &str {
    directive.split(['=', '[']).next().unwrap_or_default().trim()
}

/// Whether a part of a filter is about the bridge. A word that is no level counts as the name of a
/// module, so that `verbose` alone would log nothing.
fn is_about_bridge(directive: &str) -> bool {
    const CRATE_NAME: &str = env!("CARGO_CRATE_NAME");
    let target = log_target(directive);
    let is_level = target.parse::<LevelFilter>().is_ok();
    let rest = target.strip_prefix(CRATE_NAME).and_then(|rest| rest.strip_prefix("::"));
    // A target is matched by how it begins.
    let is_module = |path: &str| {
        MODULES.iter().any(|module| {
            let rest = path.strip_prefix(module);
            module.starts_with(path) || rest.is_some_and(|rest| rest.starts_with("::"))
        })
    };
    let is_ours = CRATE_NAME.starts_with(target) || rest.is_some_and(is_module);
    if target.is_empty() { directive.contains('[') } else { is_level || is_ours }
}

/// The address of an http proxy, which may leave out `http://`.
pub(crate) fn parse_proxy_url(value: &str) -> Option<SecretString> {
    let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&whole).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_http.then(|| SecretString::from(whole))
}

/// An identifier of Slack: one of the first letters, then capital letters and digits.
fn parse_slack_id<'a>(value: &'a str, first: &[char]) -> Option<&'a str> {
    let rest = value.strip_prefix(first)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!rest.is_empty() && rest.chars().all(is_part)).then_some(value)
}

fn parse_list<T>(value: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value
        .split(',')
        .map(str::trim)
        .map(|entry| parse(entry).filter(|_| !entry.is_empty()))
        .collect()
}

/// `key=value` entries with commas between them; a key that comes twice is a mistake.
fn parse_pairs<K: Eq + std::hash::Hash, V>(
    value: &str,
    parse: impl Fn(&str, &str) -> Option<(K, V)>,
) -> Option<HashMap<K, V>> {
    let entries = parse_list(value, |entry| {
        let (key, value) = entry.split_once('=')?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() { None } else { parse(key, value) }
    })?;
    let count = entries.len();
    let map: HashMap<K, V> = entries.into_iter().collect();
    (map.len() == count).then_some(map)
}

/// Whether it is visible ASCII without spaces, as what goes into a header must be.
fn is_visible_ascii(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn addresses_lose_their_last_slash_and_never_travel_in_clear_text() {
        for (value, address_) in [
            ("https://slack.com/api", Some("https://slack.com/api")),
            ("https://slack.com/api/", Some("https://slack.com/api")),
            ("https://loja.http.msging.net", Some("https://loja.http.msging.net")),
            ("http://localhost:4000/api", Some("http://localhost:4000/api")),
            ("http://127.0.0.1:4000", Some("http://127.0.0.1:4000")),
            ("http://[::1]:4000/", Some("http://[::1]:4000")),
            ("http://slack.com/api", None),
            ("http://localhost.evil.com", None),
            ("slack.com/api", None),
            ("/api", None),
            ("ftp://slack.com", None),
            ("https://user:word@slack.com", None),
            ("https://slack.com/?a=b", None),
            ("https://slack.com/#a", None),
        ] {
            assert_eq!(parse_base_url(value).as_deref(), address_, "{value}");
        }
    }

    #[test]
    fn a_key_is_taken_with_or_without_its_word() {
        for (value, key_) in [
            ("Key bG9qYTpzZWNyZXQ=", Some("bG9qYTpzZWNyZXQ=")),
            ("bG9qYTpzZWNyZXQ=", Some("bG9qYTpzZWNyZXQ=")),
            ("Key", Some("Key")),
            ("Bearer bG9qYTpzZWNyZXQ=", None),
            ("Key a b", None),
            ("chávé", None),
        ] {
            assert_eq!(
                parse_blip_key(value).as_ref().map(ExposeSecret::expose_secret),
                key_,
                "{value}"
            );
        }
    }

    #[test]
    fn channels_are_ids_or_names() {
        let id = |id| ChannelId::parse(id).map(ChannelRef::Id);
        let name = |name: &str| Some(ChannelRef::Name(name.to_owned()));
        for (value, channel_) in [
            ("C024BE91L", id("C024BE91L")),
            ("G012AC86C", id("G012AC86C")),
            ("#atenção", name("atenção")),
            ("#a-b_c", name("a-b_c")),
            ("atendimento", None),
            ("D024BE91L", None),
            ("C", None),
            ("#", None),
            ("#a b", None),
        ] {
            assert_eq!(parse_channel_ref(value), channel_, "{value}");
        }
    }

    #[test]
    fn lists_are_whole_or_nothing() {
        assert_eq!(parse_secrets("new, old").map(|all| all.len()), Some(2));
        assert!(parse_secrets("new,,old").is_none());
        let teams = parse_team_channels("Pós venda=C1, Suporte = #ajuda").unwrap();
        assert_eq!(teams["Suporte"], ChannelRef::Name("ajuda".to_owned()));
        assert_eq!(teams["Pós venda"], ChannelRef::Id(ChannelId::parse("C1").unwrap()));
        for value in ["Vendas", "Vendas=", "=C1", "Vendas=C1,Vendas=C2", "Vendas=C1,"] {
            assert_eq!(parse_team_channels(value), None, "{value}");
        }
    }

    #[test]
    fn each_team_may_have_hours_of_its_own() {
        let hours = "mon-fri 09:00-12:00,13:00-18:00; off 12-25";
        let value = format!("Pós venda={hours} | Suporte = mon-sun 00:00-24:00");
        let teams = parse_team_hours(&value).unwrap();
        assert_eq!((teams.len(), &teams["Pós venda"]), (2, &parse_hours(hours).unwrap()));
        let two = "A=mon 09:00-12:00|A=tue 09:00-12:00";
        for value in ["", "Vendas", "Vendas=", "=mon 09:00-12:00", two, "A=mon 09:00-12:00|"] {
            assert_eq!(parse_team_hours(value), None, "{value}");
        }
    }

    #[test]
    fn agents_are_mapped_to_identities() {
        let map = parse_agent_map("U1=ana@loja.com,W2=rui%40loja.com@blip.ai").unwrap();
        let of = |user| map[&SlackUserId::parse(user).unwrap()].as_str();
        assert_eq!(of("U1"), "ana%40loja.com@blip.ai");
        assert_eq!(of("W2"), "rui%40loja.com@blip.ai");
        assert_eq!(parse_identity("ana@blip.ai").as_deref(), Some("ana%40blip.ai@blip.ai"));
        for value in ["ana@loja.com", "C1=ana@loja.com", "U1=ana", "U1=a@b@c", "U1=a @b"] {
            assert_eq!(parse_agent_map(value), None, "{value}");
        }
    }

    #[test]
    fn bots_have_different_names_of_their_own() {
        assert_eq!(parse_bot_names("vendas, suporte_2").map(|names| names.len()), Some(2));
        for value in ["Vendas", "a,a", "default", "a,default", "a-b", "a/b", ""] {
            assert_eq!(parse_bot_names(value), None, "{value}");
        }
    }

    #[test]
    fn numbers_keep_to_their_bounds() {
        for (value, rate_) in
            [("0", Some(0.0)), ("0.5", Some(0.5)), ("-1", None), ("NaN", None), ("inf", None)]
        {
            assert_eq!(parse_post_rate(value), rate_, "{value}");
        }
        for (value, time) in [("0", Some(0)), ("10", Some(10)), ("9", None), ("86401", None)] {
            assert_eq!(parse_seconds(value), time.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn small_forms() {
        assert_eq!(parse_emoji(":eyes:").as_deref(), Some("eyes"));
        assert_eq!(parse_emoji("+1").as_deref(), Some("+1"));
        assert_eq!(parse_emoji("two words"), None);
        for ours in marks::ALL_MARKS {
            assert_eq!(parse_free_emoji(ours), None, "{ours}");
            assert_eq!(parse_free_emoji(&format!(":{ours}:")), None, "{ours}");
        }
    }

    #[test]
    fn a_note_prefix_is_what_slacks_editor_leaves_alone() {
        for kept in ["//", "nota:", "--", "!", ";;", "(i)", ":memo:", "/-", "📝", "nota -"] {
            assert_eq!(parse_note_prefix(kept).as_deref(), Some(kept), "{kept}");
        }
        let taken = [
            ">",
            ">>",
            "*",
            "*nota",
            "_",
            "~",
            "`",
            "a`b",
            "-",
            "- x",
            "•",
            "1.",
            "12)",
            "@n",
            "#n",
            "/nota",
            "**",
            "[*]",
            "&",
            "<",
            "longer than ten",
        ];
        for taken in taken {
            assert_eq!(parse_note_prefix(taken), None, "{taken}");
        }
        assert_eq!(parse_agents("S0614TZR7"), Some(Agents::Group("S0614TZR7".to_owned())));
        assert_eq!(parse_agents("everyone"), None);
        assert!(
            parse_host("::").is_some()
                && parse_host("bridge.local").is_some()
                && parse_host("a b").is_none()
        );
        assert!(
            parse_header_name("X-Blip-Token").is_some() && parse_header_name("X Token").is_none()
        );
        assert!(
            parse_time_zone("America/Manaus").is_some()
                && parse_time_zone("Mars/Olympus").is_none()
        );
        assert!(
            parse_database_url("sqlite://a.db").is_some()
                && parse_database_url("postgres://u:p@h:5432/d").is_some()
                && parse_database_url("postgresql://h/d").is_some()
                && parse_database_url("mysql://h/d").is_none()
                && parse_database_url("sqlite://").is_none()
        );
        assert!(
            parse_proxy_url("proxy.loja.com:3128").is_some()
                && parse_proxy_url("socks5://h:1").is_none()
        );
    }

    #[test]
    fn a_filter_of_the_log_lets_something_through() {
        for value in [
            "info",
            "WARN",
            "off",
            "info,blip_slack=debug",
            "blip_slack=debug",
            "blip_slack::handlers=trace",
            "blip_slack",
            "hyper=off,info",
            "[lane]=debug",
        ] {
            assert!(parse_log_filter(value).is_some(), "{value}");
        }
        for value in [
            "verbose",
            "wran",
            "a=b=c",
            "blip_slack::handler_=debug",
            "hyper=debug",
            "blip_slak=debug",
            "blip_slackk",
            "=",
            ",",
        ] {
            assert!(parse_log_filter(value).is_none(), "{value}");
        }
    }

    #[test]
    fn a_part_of_a_filter_that_matches_nothing_is_found() {
        for (filter, unmatched) in [
            ("info,blip_slack=debug,blip_slack::handlers::gaps=trace,hyper=off", &[][..]),
            ("info,[lane{a=1,b=2}]=debug", &[]),
            ("info,blip_slak=debug", &["blip_slak=debug"]),
            (
                "info,blip_slack::gate=debug,rusqlite=warn",
                &["blip_slack::gate=debug", "rusqlite=warn"],
            ),
        ] {
            assert_eq!(unmatched_log_directives(filter), unmatched, "{filter}");
        }
    }

    #[test]
    fn every_module_may_be_named_in_a_filter() {
        let modules = include_str!("../lib.rs").lines().filter_map(|line| {
            line.trim_start_matches("pub(crate) ").trim_start_matches("pub ").strip_prefix("mod ")
        });
        let modules: Vec<&str> = modules.filter_map(|line| line.strip_suffix(';')).collect();
        assert_eq!(MODULES, modules);
    }
}
