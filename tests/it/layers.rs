//! Who may use whom: the table of the house, held against the code.

mod code;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use code::{Code, Dependency};

/// For each folder or file of the crate, the other ones that it may use; whoever may use a folder may
/// use all that is in it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("bounded", &[]),
    ("telemetry", &[]),
    ("config", &["model"]),
    ("locale", &["model"]),
    ("breaker", &["clock"]),
    ("cache", &["clock"]),
    ("manifest", &["locale"]),
    ("media", &[]),
    ("store", &["model", "clock", "telemetry"]),
    ("inbox", &["model", "clock", "store", "telemetry"]),
    ("blip", &["model", "bounded", "clock", "breaker", "telemetry"]),
    ("slack", &[]),
    ("slack/text", &["model"]),
    ("slack/views", &["model", "locale", "slack/text"]),
    ("slack/events", &["model", "bounded", "slack/text", "slack/views"]),
    (
        "slack/api",
        &["model", "clock", "cache", "breaker", "telemetry", "slack/text", "slack/events"],
    ),
    ("slack/socket", &["model", "clock", "telemetry", "slack/api"]),
    ("slack/gaps", &["model", "slack/socket"]),
    (
        "handlers",
        &[
            "model",
            "cache",
            "clock",
            "store",
            "inbox",
            "blip",
            "slack",
            "locale",
            "media",
            "telemetry",
        ],
    ),
    (
        "jobs",
        &[
            "model",
            "clock",
            "store",
            "inbox",
            "blip",
            "slack",
            "locale",
            "media",
            "telemetry",
            "handlers",
        ],
    ),
    ("dispatch", &["store", "inbox", "handlers", "jobs"]),
    ("dialog", &["model", "clock", "store", "blip", "slack", "locale"]),
    (
        "intake",
        &[
            "model",
            "bounded",
            "clock",
            "store",
            "inbox",
            "blip",
            "slack",
            "dialog",
            "media",
            "telemetry",
        ],
    ),
    ("control", &["model", "clock", "store", "inbox"]),
    ("doctor", &["app", "blip", "clock", "config", "manifest", "model", "slack", "store"]),
    ("healthcheck", &[]),
    ("init", &["app", "config", "doctor", "manifest"]),
    (
        "app",
        &[
            "blip",
            "clock",
            "config",
            "control",
            "dialog",
            "breaker",
            "cache",
            "inbox",
            "intake",
            "locale",
            "media",
            "model",
            "handlers",
            "jobs",
            "dispatch",
            "slack",
            "store",
            "telemetry",
        ],
    ),
    ("demo", &["app", "clock", "config", "locale", "manifest"]),
];

/// For each foreign crate with a home, the modules that may use it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["intake", "demo"]),
    ("hyper", &["intake"]),
    ("hyper_util", &["intake"]),
    ("rusqlite", &["store"]),
    ("tokio_postgres", &["store"]),
    ("deadpool_postgres", &["store"]),
    ("slack_morphism", &["slack"]),
    ("reqwest", &["blip", "slack", "media", "app", "telemetry"]),
    ("tokio_tungstenite", &["slack"]),
    ("fluent_bundle", &["locale"]),
    ("metrics", &["telemetry"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("blip_slack_standins", &["demo"]),
    ("clap", &[]),
];

/// Each `dyn Fn` in the code, by its file and what it stands in, and who makes it: whoever calls one uses
/// whoever has made it, though nothing imports anything. What crosses from one folder to another is a trait
/// instead, which stands with who calls it and says who implements it.
const CALLABLES: &[(&str, &str, &str)] = &[
    (
        "app/tuning.rs",
        "StoreWrapper",
        "tests, which put something between the bridge and its store",
    ),
    ("config/reader.rs", "ReadFile", "config itself, and its tests"),
    ("config/reader.rs", "VariableLookup", "config itself, doctor and init, which use it"),
    ("store/sqlite/database.rs", "CommitCallback", "the store itself, in that folder"),
    ("store/sqlite/disk.rs", "SyncCallback", "the store itself, in that folder"),
];

#[test]
fn whoever_makes_what_is_called_is_known() {
    let known = CALLABLES.iter().map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned()));
    let (known, found): (BTreeSet<_>, _) = (known.collect(), CODE.callables());
    let differ: Vec<_> = known.symmetric_difference(&found).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn a_callable_is_found_wherever_it_stands() {
    let mut code = Code::default();
    let text = "struct A { f: Box<dyn Fn() + Send> } type B<'a> = &'a dyn Fn(u8) -> u8;
        impl A { fn c(&self, g: &mut dyn FnMut()) {} } fn d(h: Box<dyn FnOnce()>) {}
        trait E { fn e(&self, h: &dyn Fn()); } fn f(g: impl Fn()) {} fn h(x: &dyn Send) {}
        #[cfg(test)] fn i(h: Box<dyn Fn()>) {}";
    code.add_file("a.rs", text);
    let names: Vec<String> = code.callables().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["A", "B", "c", "d", "e"]);
}

#[test]
fn every_module_uses_only_what_it_may() {
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let code = &*CODE;
    for file in code.files() {
        assert!(file == "lib.rs" || find_layer(file).is_some(), "{file} is not in the table");
    }
    let mut faults = BTreeSet::new();
    for Dependency { user, used, is_facade } in code.dependencies() {
        let (Some(layer), Some(below)) = (find_layer(&user), find_layer(&used)) else { continue };
        if layer != below && !is_facade && !allowed[layer].iter().any(|may| is_within(below, may)) {
            faults.insert(format!("{layer} uses {below}: {user} uses {used}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for dependency in CODE.dependencies() {
        if !dependency.is_facade {
            uses.entry(dependency.user).or_default().insert(dependency.used);
        }
    }
    let circles = find_circles(&uses);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_foreign_crate_stays_at_home() {
    let homes: BTreeMap<_, _> = HOMES.iter().copied().collect();
    let mut faults = BTreeSet::new();
    for (file, foreign) in CODE.foreign() {
        let Some(homes) = homes.get(foreign.as_str()) else { continue };
        if !homes.iter().any(|home| is_within(&file, home)) {
            faults.insert(format!("{file} uses {foreign}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn intake_calls_no_client() {
    let calling = ["slack/api/client.rs", "blip/client.rs"];
    let dependencies = CODE.dependencies();
    assert!(calling.iter().all(|client| dependencies.iter().any(|found| found.used == *client)));
    let is_call = |found: &Dependency| {
        is_within(&found.user, "intake") && calling.contains(&found.used.as_str())
    };
    let calls: Vec<_> = dependencies.iter().filter(|found| is_call(found)).collect();
    assert!(calls.is_empty(), "{calls:#?}");
}

#[test]
fn a_use_is_followed_to_where_the_thing_is_defined() {
    let mut code = Code::default();
    for (file, text) in [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; mod y; pub use x::{Thing as Renamed}; pub(crate) use y::*;"),
        ("a/x.rs", "pub struct Thing; #[cfg(test)] mod tests { use crate::b::UP; }"),
        ("a/y.rs", "pub const WIDE: u8 = 1; mod inner { fn f() { super::super::x::g() } }"),
        ("b.rs", "use crate::a::{self, Renamed}; pub const UP: u8 = a::WIDE;"),
        ("c.rs", "fn f() { println!(\"{}\", crate::b::UP); } use serde::Deserialize as Read;"),
        ("d.rs", "use crate::a; fn f(own: own::Thing) { use super::b::UP; Read::read() }"),
    ] {
        code.add_file(file, text);
    }
    let found: Vec<_> = code.dependencies().into_iter().collect();
    let found: Vec<_> = found.iter().map(|d| (&*d.user, &*d.used, d.is_facade)).collect();
    assert_eq!(
        found,
        [
            ("a/mod.rs", "a/x.rs", true),
            ("a/y.rs", "a/x.rs", false),
            ("b.rs", "a/x.rs", false),
            ("b.rs", "a/y.rs", false),
            ("c.rs", "b.rs", false),
            ("d.rs", "b.rs", false),
        ]
    );
    let foreign = code.foreign();
    assert!(foreign.contains(&("c.rs".to_owned(), "serde".to_owned())), "{foreign:?}");
    assert!(!foreign.iter().any(|(_, name)| name == "a"), "{foreign:?}");
}

/// Read once: unoptimised, that takes seconds.
static CODE: LazyLock<Code> =
    LazyLock::new(|| Code::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));

/// The line of the table that a file belongs to: of those that fit, the longest.
fn find_layer(file: &str) -> Option<&'static str> {
    let fits = MAY_USE.iter().map(|(layer, _)| *layer).filter(|layer| is_within(file, layer));
    fits.max_by_key(|layer| layer.len())
}

/// Whether a file, or a folder, is this one or below it.
fn is_within(file: &str, folder: &str) -> bool {
    let rest = file.trim_end_matches(".rs").strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Files that can be reached from each other.
fn find_circles(uses: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        uses.keys().map(|file| (file, reach(file, uses))).collect();
    let mut circles = BTreeSet::new();
    for (file, from) in &reached {
        let back = |other: &&&String| reached.get(**other).is_some_and(|r| r.contains(file));
        let circle: BTreeSet<String> = from.iter().filter(back).map(|f| (*f).clone()).collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles
}

fn reach<'a>(
    file: &'a String,
    uses: &'a BTreeMap<String, BTreeSet<String>>,
) -> BTreeSet<&'a String> {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![file]);
    while let Some(file) = ahead.pop() {
        for used in uses.get(file).into_iter().flatten() {
            if seen.insert(used) {
                ahead.push(used);
            }
        }
    }
    seen
}
