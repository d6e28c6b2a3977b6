//! The dashboard and the alerts ask for what the service shows, and for all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::metrics::{SHOWN, SHOWN_WITH_SOCKET_MODE};
use crate::source;

const ALERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/alerts.yaml");

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/grafana-dashboard.json");

/// What operators read.
const DOCUMENTS: [&str; 3] = ["README.md", "README.pt-BR.md", "docs/operations.md"];

/// What is right at any value, so that nobody has to be told.
const NEVER_ALARMING: [&str; 7] = [
    // A delivery that takes long is told of, whatever the reason.
    "blip_slack_events_accepted_total",
    "blip_slack_events_handled_total",
    "blip_slack_events_repeated_total",
    // As fast as whoever sends or reads them.
    "blip_slack_file_bytes_total",
    "blip_slack_file_seconds",
    "blip_slack_store_batch_writes",
    "blip_slack_wait_seconds",
];

fn shown() -> BTreeSet<&'static str> {
    SHOWN.into_iter().chain(SHOWN_WITH_SOCKET_MODE).collect()
}

/// The metrics that a text names, without the parts of a histogram.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    let metrics = words.filter(|word| word.starts_with("blip_slack_"));
    metrics.map(|word| word.trim_end_matches("_bucket").trim_end_matches("_count")).collect()
}

/// Every query in a document.
fn queries(document: &Value) -> Vec<&str> {
    match document {
        Value::Object(fields) => {
            let own = fields.get("expr").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(queries)).collect()
        }
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

/// The metrics that the queries of a document name, each of them at least one.
fn asked_for(document: &Value) -> BTreeSet<&str> {
    let each = queries(document).into_iter().map(|query| {
        let named = named(query);
        assert!(!named.is_empty(), "asks for nothing of ours: {query}");
        named
    });
    each.flatten().collect()
}

fn alerts() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(ALERTS).unwrap()).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(DASHBOARD).unwrap()).unwrap()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    assert_eq!(asked_for(&dashboard()), shown());
}

#[test]
fn every_metric_that_can_alarm_has_an_alert() {
    let alarming = shown().into_iter().filter(|name| !NEVER_ALARMING.contains(name));
    assert_eq!(asked_for(&alerts()), alarming.collect());
}

#[test]
fn documents_name_metrics_that_are_shown() {
    let mut count = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document));
        for name in named(&text.unwrap()) {
            assert!(shown().contains(name), "{document} names {name}");
            count += 1;
        }
    }
    assert!(count > 0, "none names any");
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let alerts = alerts();
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(name.starts_with("BlipSlack"), "{name}");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        for text in ["summary", "description"] {
            let text = rule["annotations"][text].as_str();
            assert!(text.is_some_and(|text| text.len() > 20), "{name}: {text:?}");
        }
    }
}

/// A label with a value that no metric has would match nothing, and the alert never fire.
#[test]
fn queries_pick_out_values_that_the_service_writes() {
    let written: BTreeSet<String> = source::literals().into_iter().map(|(_, word)| word).collect();
    let (alerts, dashboard) = (alerts(), dashboard());
    let queries = [queries(&alerts), queries(&dashboard)].concat();
    let mut count = 0;
    for label in ["outcome", "source", "platform"] {
        let parts = queries.iter().flat_map(|query| query.split(label).skip(1));
        let matchers = parts.filter_map(|part| {
            part.trim_start_matches(['=', '!', '~']).strip_prefix('"')?.split('"').next()
        });
        for value in matchers.flat_map(|values| values.split('|')) {
            assert!(written.contains(value), "{label} {value:?}");
            count += 1;
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn panels_of_the_dashboard_do_not_cover_each_other() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{}", panel["title"]);
        }
    }
}
