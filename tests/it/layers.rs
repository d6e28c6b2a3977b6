//! Who may use whom: the table of the house, held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// For each module of the crate, the other ones that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("bounded", &[]),
    ("telemetry", &[]),
    ("config", &["model"]),
    ("locale", &["model"]),
    ("breaker", &["clock"]),
    ("manifest", &[]),
    ("media", &[]),
    ("store", &["model", "clock"]),
    ("inbox", &["model", "clock", "store", "telemetry"]),
    ("blip", &["model", "bounded", "clock", "breaker", "telemetry"]),
    ("slack", &["model", "bounded", "clock", "breaker", "telemetry", "locale"]),
    (
        "pipe",
        &["model", "clock", "store", "inbox", "blip", "slack", "locale", "media", "telemetry"],
    ),
    ("dialog", &["model", "clock", "store", "blip", "slack", "locale"]),
    (
        "intake",
        &["model", "bounded", "clock", "store", "blip", "slack", "dialog", "media", "telemetry"],
    ),
    ("control", &["model", "clock", "store", "inbox"]),
    ("doctor", &["app", "clock", "config", "store"]),
    ("healthcheck", &[]),
    (
        "app",
        &[
            "blip",
            "clock",
            "config",
            "control",
            "dialog",
            "breaker",
            "inbox",
            "intake",
            "locale",
            "media",
            "model",
            "pipe",
            "slack",
            "store",
            "telemetry",
        ],
    ),
    ("demo", &["app", "clock", "config"]),
];

/// For each foreign crate with a home, the modules that may use it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["intake", "demo"]),
    ("hyper", &["intake"]),
    ("hyper_util", &["intake"]),
    ("rusqlite", &["store"]),
    ("slack_morphism", &["slack"]),
    ("reqwest", &["blip", "slack", "media", "app"]),
    ("tokio_tungstenite", &["slack"]),
    ("fluent_bundle", &["locale"]),
    ("metrics", &["telemetry"]),
    ("blip_slack_standins", &["demo"]),
    ("clap", &[]),
];

#[test]
fn every_module_uses_only_what_it_may() {
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let modules: BTreeSet<&str> = allowed.keys().copied().collect();
    let mut faults = Vec::new();
    for (module, text) in sources() {
        let may = allowed.get(module.as_str());
        let may = may.unwrap_or_else(|| panic!("{module} is not in the table"));
        for used in modules.iter().filter(|used| **used != module && !may.contains(*used)) {
            if uses(&text, used) {
                faults.push(format!("{module} uses {used}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_foreign_crate_stays_at_home() {
    let mut faults = Vec::new();
    for (module, text) in sources() {
        for (foreign, homes) in HOMES {
            let used = text.contains(&format!("{foreign}::"));
            if used && !homes.contains(&module.as_str()) {
                faults.push(format!("{module} uses {foreign}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn intake_calls_no_client() {
    let text = sources().remove("intake").unwrap();
    assert!(!text.contains("Client"));
}

fn uses(text: &str, module: &str) -> bool {
    let direct = text.contains(&format!("crate::{module}"));
    let grouped = text.split("use crate::{").skip(1).any(|rest| {
        let group = rest.split(';').next().unwrap_or_default();
        group
            .split([',', '{', '}', ' ', '\n'])
            .any(|name| name == module || name.starts_with(&format!("{module}::")))
    });
    direct || grouped
}

/// The code of each module, without comments and without tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    collect(&root, &root, &mut sources);
    sources.remove("lib");
    sources.remove("main");
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            let first = path.strip_prefix(root).unwrap().iter().next().unwrap();
            let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let source: &mut String = sources.entry(module).or_default();
            source.extend(code.flat_map(|line| [line, "\n"]));
        }
    }
}
