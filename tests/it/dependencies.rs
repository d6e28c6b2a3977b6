//! What the program is built from: nothing but released crates, each of them used, and exactly the
//! versions of the lock file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Crates of which a second version would be a fault, not only a larger program: two of them do
/// not know of each other.
const ONLY_ONE: [&str; 9] = [
    "axum",
    "hyper",
    "libsqlite3-sys",
    "metrics",
    "reqwest",
    "ring",
    "rustls",
    "tokio",
    "tokio-tungstenite",
];

/// Crates that are there for what they switch on, and named in no code.
const NAMED_NOWHERE: [&str; 0] = [];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The packages of the lock file, each by its fields.
fn locked() -> Vec<BTreeMap<String, String>> {
    let lock = read("Cargo.lock");
    let packages = lock.split("[[package]]").skip(1);
    let fields = packages.map(|package| {
        let lines = package.lines().filter_map(|line| line.split_once(" = "));
        lines.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
    });
    fields.collect()
}

#[test]
fn every_crate_is_a_released_one_with_a_checksum() {
    let packages = locked();
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str();
        if name.starts_with("blip-slack") {
            assert_eq!(package.get("source"), None, "{name}");
            continue;
        }
        let source = package["source"].as_str();
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name}");
        assert_eq!(package["checksum"].len(), 64, "{name}");
    }
}

#[test]
fn crates_that_have_to_be_one_are_one() {
    let packages = locked();
    for name in ONLY_ONE {
        let versions = packages.iter().filter(|package| package["name"] == name);
        let versions: Vec<&str> = versions.map(|package| package["version"].as_str()).collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}

#[test]
fn every_dependency_is_used() {
    for (manifest, folders) in [
        ("Cargo.toml", ["src", "tests/it", "benches"].as_slice()),
        ("tests/standins/Cargo.toml", &["tests/standins/src"]),
    ] {
        let code: String =
            folders.iter().map(|folder| code(&Path::new(ROOT).join(folder))).collect();
        let dependencies = dependencies(&read(manifest));
        assert!(dependencies.len() > 10, "{manifest}");
        for name in dependencies {
            let module = name.replace('-', "_");
            let uses = [format!("{module}::"), format!("use {module};"), format!("#[{module}]")];
            let is_used = uses.iter().any(|used| code.contains(used.as_str()));
            assert!(is_used || NAMED_NOWHERE.contains(&name.as_str()), "{manifest}: {name}");
        }
    }
}

/// The names of the dependencies in a manifest, those for tests included.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut is_list = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_list = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| is_list) {
            names.push(name.to_owned());
        }
    }
    names.retain(|name| !name.starts_with('#'));
    names
}

fn code(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path: PathBuf| match path.extension() {
        _ if path.is_dir() => code(&path),
        Some(extension) if extension == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_build_keeps_to_the_lock_file() {
    let locking =
        ["bench", "build", "check", "clippy", "doc", "metadata", "run", "test", "install"];
    for file in [
        ".ci/check-dependencies",
        ".ci/fetch-axe",
        ".ci/fuzz",
        ".ci/release",
        ".ci/run",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        "CONTRIBUTING.md",
        "README.md",
        "README.pt-BR.md",
        "docs/operations.md",
        "docs/operations.pt-BR.md",
        "docs/performance.md",
        "docs/postgresql.md",
        "tests/standins/README.md",
    ] {
        for line in read(file).lines() {
            let told = line.split("cargo ").skip(1).filter(|rest| {
                let command = rest.split([' ', '`']).next().unwrap_or_default();
                locking.contains(&command) && !rest.contains("--locked")
            });
            assert_eq!(told.collect::<Vec<_>>(), Vec::<&str>::new(), "{file}: {line}");
        }
    }
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    for entry in fs::read_dir(Path::new(ROOT).join(".github/workflows")).unwrap() {
        let workflow = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in workflow.lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let (action, version) = action.split_once(" # v").expect("the version is told");
            let (_, commit) = action.split_once('@').unwrap();
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit && !version.is_empty(), "{line}");
        }
    }
}
