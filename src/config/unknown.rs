//! Names in the environment that were probably meant to be settings of ours.

use std::collections::BTreeMap;

use strsim::osa_distance;

use super::bots::uppercase_bot_name;
use super::fault::SettingFault;
use super::parse;
use super::table::ALL_VARIABLES;
use super::variable::{BOT_PLACEHOLDER, Variable};

/// Names of which a setting may begin with these are ours, whatever follows.
const OWN_PREFIXES: [&str; 2] = ["BLIP_", "SLACK_"];
/// What Kubernetes adds to the name of every service for its first variable.
const SERVICE_HOST: &str = "_SERVICE_HOST";
/// One letter in so many of a setting's name may differ, but at least one and at most [`MAX_TYPOS`].
const LETTERS_PER_TYPO: usize = 5;
/// The most letters of a name that may differ, however long it is.
const MAX_TYPOS: usize = 3;

/// Every name that is not a setting but has a prefix of ours, or is nearly one.
pub(super) fn find_unknown(settings: &BTreeMap<String, String>) -> Vec<SettingFault> {
    let known = SettingNames::new(settings);
    let unknown = settings
        .keys()
        .filter(|name| !known.is_setting(name) && !is_from_kubernetes(name, settings));
    let told = unknown.filter_map(|name| {
        let nearest = known.find_nearest(name);
        let has_prefix = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let problem = "is not a setting of this release and was not read";
        let problem = match nearest {
            Some(nearest) => format!("{problem}; did you mean {nearest}?"),
            None if has_prefix => problem.to_owned(),
            None => return None,
        };
        Some(SettingFault { place: name.clone(), problem, example: None })
    });
    told.collect()
}

/// Whether Kubernetes made a variable for a service: one that is called `blip-slack` has
/// `BLIP_SLACK_SERVICE_HOST`, `BLIP_SLACK_PORT`, `BLIP_SLACK_PORT_3000_TCP` and more.
fn is_from_kubernetes(name: &str, settings: &BTreeMap<String, String>) -> bool {
    let services = settings.keys().filter_map(|name| name.strip_suffix(SERVICE_HOST));
    services
        .filter_map(|service| name.strip_prefix(service))
        .any(|rest| rest == "_PORT" || rest.starts_with("_PORT_") || rest.starts_with("_SERVICE_"))
}

/// The names of all settings, those of the bots included.
struct SettingNames {
    names: Vec<String>,
    /// Whether the bots' names cannot be read, so that theirs could be any.
    any_bot: bool,
}

impl SettingNames {
    fn new(settings: &BTreeMap<String, String>) -> Self {
        let bots = settings.get("BLIP_BOTS").filter(|bots| !bots.trim().is_empty());
        let names = bots.map(|bots| parse::parse_bot_names(bots.trim()));
        // If the list of bots is wrong, that is fault enough: their variables must not be called
        // unknown, too.
        let any_bot = names == Some(None);
        let bots: Vec<String> = names.flatten().iter().flatten().map(uppercase_bot_name).collect();
        let of_bots = |variable: &Variable| -> Vec<String> {
            if variable.name.contains(BOT_PLACEHOLDER) {
                bots.iter().map(|bot| variable.name.replace(BOT_PLACEHOLDER, bot)).collect()
            } else {
                vec![variable.name.to_owned()]
            }
        };
        let names = ALL_VARIABLES.iter().flat_map(|variable| {
            let names = of_bots(variable);
            let files = names.iter().filter(|_| variable.is_secret());
            let files: Vec<String> = files.map(|name| format!("{name}_FILE")).collect();
            [names, files].concat()
        });
        Self { names: names.collect(), any_bot }
    }

    fn is_setting(&self, name: &str) -> bool {
        let of_a_bot = || Variable::find(name.strip_suffix("_FILE").unwrap_or(name)).is_some();
        self.names.iter().any(|known| known == name) || self.any_bot && of_a_bot()
    }

    /// The setting that a name was probably meant to be.
    fn find_nearest(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_uppercase();
        let near = self.names.iter().filter_map(|known| {
            let distance = osa_distance(known, &name);
            (distance <= (known.len() / LETTERS_PER_TYPO).clamp(1, MAX_TYPOS))
                .then_some((distance, known))
        });
        near.min().map(|(_, known)| known.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of these names, without what is always said.
    fn told(names: &[&str], bots: &str) -> Vec<String> {
        let all = names.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
        let settings = all.chain([("BLIP_BOTS".to_owned(), bots.to_owned())]).collect();
        let told = find_unknown(&settings).into_iter().map(|fault| fault.to_string());
        told.map(|line| line.replace(" is not a setting of this release and was not read", ""))
            .collect()
    }

    #[test]
    fn a_name_that_is_nearly_a_setting_is_told_whatever_its_prefix() {
        for (name, meant) in [
            ("PUBLIC_ULR", "PUBLIC_URL"),
            ("public_url", "PUBLIC_URL"),
            ("PUBLICURL", "PUBLIC_URL"),
            ("TIME_ZONE", "TIMEZONE"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("LOGS", "LOG"),
            ("PROT", "PORT"),
            ("RETAIN_BODY_DAYS", "RETAIN_BODIES_DAYS"),
            ("SLACK_BOT_TOKEN_FLIE", "SLACK_BOT_TOKEN_FILE"),
            ("BLIP_VENDAS_KYE", "BLIP_VENDAS_KEY"),
            ("LACK_CHANNEL", "SLACK_CHANNEL"),
        ] {
            let line = format!("{name}; did you mean {meant}?");
            assert!(told(&[name], "vendas").contains(&line), "{:?}", told(&[name], "vendas"));
        }
    }

    #[test]
    fn what_others_set_is_none_of_ours() {
        let others = [
            "HOME",
            "HOSTNAME",
            "PATH",
            "PWD",
            "LANG",
            "LOGNAME",
            "USER",
            "TZ",
            "TERM",
            "SHELL",
            "LC_ALL",
            "http_proxy",
            "NO_PROXY",
            "RUST_LOG",
            "KUBERNETES_PORT",
            "SHLVL",
            "POD_NAME",
        ];
        assert_eq!(told(&others, ""), [""; 0]);
    }

    #[test]
    fn what_kubernetes_injects_is_left_alone() {
        let injected = [
            "BLIP_SLACK_SERVICE_HOST",
            "BLIP_SLACK_SERVICE_PORT",
            "BLIP_SLACK_SERVICE_PORT_HTTP",
            "BLIP_SLACK_PORT",
            "BLIP_SLACK_PORT_3000_TCP",
            "BLIP_SLACK_PORT_3000_TCP_ADDR",
            "LOG_SERVICE_HOST",
            "LOG_PORT",
        ];
        assert_eq!(told(&injected, ""), [""; 0]);
        assert_eq!(told(&["BLIP_SLACK_PORT"], ""), ["BLIP_SLACK_PORT"], "no such service");
    }

    #[test]
    fn names_with_our_prefixes_are_told_also_if_they_are_like_none() {
        let names = [
            "BLIP_ARCHIVE_KEY",
            "BLIP_TOKEN_OF_OLD",
            "SLACK_SOMETHING",
            "BLIP_VENDAS_KEY",
            "SLACK_BOT_TOKEN_FILE",
        ];
        assert_eq!(told(&names, "vendas"), &names[..3]);
        assert_eq!(told(&names, "Not A List"), &names[1..3], "any bot may be meant");
    }
}
