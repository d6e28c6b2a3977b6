//! What an operator should look at although the bridge can start.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;

use url::{Host, Url};

use super::all::Config;
use super::bots::uppercase_bot_name;
use super::dotenv::DOTENV_FILE;
use super::fault::SettingWarning;
use super::parse::unmatched_log_directives;
use super::reader::VariableLookup;
use super::table::ALL_VARIABLES;
use crate::model::BotName;

/// The right of everybody to read a file.
const WORLD_READABLE: u32 = 0o004;

/// What is doubtful about settings that are each right.
pub(super) fn collect_warnings(config: &Config) -> Vec<SettingWarning> {
    let mut warnings = Vec::new();
    let is_open = config.bots.iter().any(|bot| bot.webhook_tokens.is_empty());
    if is_open && !is_loopback_host(&config.http.host) {
        let text = format!(
            "BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED: whoever reaches HOST={} can speak as any customer",
            config.http.host
        );
        let fix =
            "set BLIP_WEBHOOK_TOKEN, or listen on this machine only, behind a gateway that checks";
        warnings.push(SettingWarning::new(text, fix));
    }
    let bots = config.bots.iter().map(|bot| (api_url_variable(&bot.name), &bot.api_url));
    let platforms = [("SLACK_API_URL".to_owned(), &config.slack.api_url)].into_iter().chain(bots);
    warnings.extend(platforms.filter(|(_, url)| is_loopback_url(url)).map(|(name, _)| {
        let text = "is on this machine, where neither platform is: right for tests only";
        SettingWarning::new(format!("{name} {text}"), "set the platform's own address")
    }));
    if config.media.allow_loopback {
        let text = "MEDIA_ALLOW_LOOPBACK: a customer's message can have the bridge ask any service of \
            this machine for a file; right for tests only";
        warnings.push(SettingWarning::new(text, "remove it"));
    }
    let has_hours = config.desk.business_hours.is_some() || !config.desk.team_hours.is_empty();
    if config.desk.away_message.is_some() && !has_hours {
        let text = "OUT_OF_OFFICE_MESSAGE: without BUSINESS_HOURS the team always works, and no \
            customer is told";
        warnings.push(SettingWarning::new(text, "set BUSINESS_HOURS"));
    }
    if cfg!(not(feature = "otlp")) && config.traces.is_some() {
        let text =
            "OTEL_EXPORTER_OTLP_ENDPOINT: this program was built without traces and sends none";
        let fix = "build it with cargo build --locked --release --features otlp";
        warnings.push(SettingWarning::new(text, fix));
    }
    warnings.extend(unmatched_log_directives(&config.log).into_iter().map(|part| {
        let text = "names no module of the bridge and no crate that logs: it does nothing";
        SettingWarning::new(
            format!("LOG: {part} {text}"),
            "correct it, such as LOG=info,blip_slack=debug",
        )
    }));
    warnings
}

/// Files with secrets that other users of the machine can read.
pub(super) fn warn_of_readable_files(lookup: VariableLookup<'_>) -> Vec<SettingWarning> {
    let named = ALL_VARIABLES.iter().filter(|variable| variable.is_secret());
    let named = named.filter_map(|variable| lookup(&format!("{}_FILE", variable.name)));
    let files = [DOTENV_FILE.to_owned()].into_iter().chain(named);
    let readable = files.filter(|path| {
        let about = fs::metadata(path.trim());
        // A file that cannot be looked at is none to warn of: if it is needed, it is a fault
        // already.
        about.is_ok_and(|about| about.permissions().mode() & WORLD_READABLE != 0)
    });
    let told = readable.map(|path| {
        let text = format!("{path} may hold secrets and every user of this machine can read it");
        SettingWarning::new(text, format!("chmod o-r {path}"))
    });
    told.collect()
}

fn api_url_variable(bot: &BotName) -> String {
    if *bot == BotName::default() {
        "BLIP_API_URL".to_owned()
    } else {
        format!("BLIP_{}_API_URL", uppercase_bot_name(bot))
    }
}

fn is_loopback_url(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    })
}

fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_everybody_can_read_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let lookup = |name: &str| (name == "BLIP_KEY_FILE").then(|| path.clone());
        for (mode, count) in [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let told = warn_of_readable_files(&lookup);
            let told: Vec<_> = told.iter().filter(|told| told.text.starts_with(&path)).collect();
            assert_eq!(told.len(), count, "{mode:o}: {told:?}");
        }
    }
}
