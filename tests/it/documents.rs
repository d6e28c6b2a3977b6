//! What the documents say is so: their links lead somewhere, the settings, commands and tests that
//! they name exist, and agents read the words that Slack shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use blip_slack::config::{ALL_VARIABLES, BOT_PLACEHOLDER};
use blip_slack_standins::program::Arguments;
use clap::Parser as _;
use serde_json::Value;

use crate::support::wish;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Variables that are no settings of the bridge's own: of the system, of its tests, of other tools.
const NO_SETTINGS: [&str; 23] = [
    "ALL_PROXY",
    "AXE_CORE",
    "CUT_EVERY",
    "FAULT_SEED",
    "HISTORY_SEED",
    "HTTPS_PROXY",
    "INSTA_UPDATE",
    "KILL_EVERY",
    "LOST_EVERY",
    "NO_PROXY",
    "OTEL_TRACES_SAMPLER",
    "PICTURES",
    "POINTS_FROM",
    "SOAK_SECONDS",
    "SOAK_SEED",
    "TARGET_DATABASE_URL",
    "TEST_BROWSER",
    "TEST_DATABASE_URL",
    "TEST_STORE",
    "UPGRADE_FROM",
    "BLIP_SLACK_PROGRAM",
    "BLIP_SLACK_DIES_AT",
    "STOP_EVERY",
];

/// What stands in bold on an agents' page to explain that bold words are Slack's.
const SAMPLES: [&str; 3] = ["bold", "negrito", "negrita"];

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let mut faults = Vec::new();
    for document in documents() {
        let folder = document.path.parent().unwrap();
        for target in links(&document.prose()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { document.path.clone() } else { folder.join(file) };
            let is_there = path.exists()
                && (heading.is_empty() || headings(&path).contains(&heading.to_owned()));
            if !is_there {
                faults.push(format!("{}: {target}", document.name()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_setting_that_is_named_exists() {
    let mut faults = BTreeSet::new();
    for document in documents() {
        for code in document.code() {
            let names = code.split(|c: char| !c.is_ascii_alphanumeric() && !"_{}".contains(c));
            for name in names.filter(|name| is_variable(name)) {
                if !is_setting(name) && !NO_SETTINGS.contains(&name) {
                    faults.insert(format!("{}: {name}", document.name()));
                }
            }
        }
    }
    assert_eq!(faults, BTreeSet::new());
}

#[test]
fn every_command_that_is_named_is_one_of_the_program() {
    let (mut faults, mut count) = (Vec::new(), 0);
    for document in documents() {
        for code in document.code() {
            for line in code.lines() {
                let why = match (arguments_of_standins(line), arguments(line)) {
                    (Some(words), _) => {
                        Arguments::try_parse_from(words).err().map(|it| it.to_string())
                    }
                    (None, Some(words)) => understands(&words).err(),
                    (None, None) => continue,
                };
                count += 1;
                faults.extend(why.map(|why| format!("{}: {code:?}: {why}", document.name())));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(count > 10, "{count}");
}

#[test]
fn every_test_that_is_named_exists() {
    let (mut sources, mut named) = (String::new(), documents());
    for folder in ["src", "tests"] {
        read_all(&Path::new(ROOT).join(folder), "rs", &mut |path, text| {
            let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
            named.push(Document { path: path.to_owned(), text: comments.collect() });
            sources.push_str(&text);
        });
    }
    // The changelog names what is no more.
    named.retain(|document| document.name() != "CHANGELOG.md");
    let (mut faults, mut count) = (Vec::new(), 0);
    for document in named {
        for name in document.code().iter().filter(|code| is_test(code)) {
            count += 1;
            if !sources.contains(&format!("fn {name}(")) {
                faults.push(format!("{}: {name}", document.name()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(count > 60, "{count}");
}

#[test]
fn agents_read_the_words_that_slack_shows_them() {
    let shortcuts = shortcuts();
    let mut faults = Vec::new();
    for language in ["en", "es", "pt-BR"] {
        let texts = read(&format!("src/locale/{language}.ftl"));
        let texts: Vec<&str> =
            texts.lines().filter_map(|line| line.split_once(" = ")).map(|(_, text)| text).collect();
        let page = read(&format!("docs/agents.{language}.md"));
        for words in bold(&page) {
            let is_shown = SAMPLES.contains(&words.as_str())
                || shortcuts.contains(&words)
                || texts.iter().any(|text| says(text, &words));
            if !is_shown {
                faults.push(format!("{language}: {words}"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_agents_pages_tell_the_same_in_each_language() {
    let shape = |language: &str| {
        let page = read(&format!("docs/agents.{language}.md"));
        let kind = |line: &str| ["#", "|", "- "].into_iter().find(|start| line.starts_with(start));
        page.lines().filter_map(kind).collect::<Vec<_>>()
    };
    for language in ["en", "es"] {
        assert_eq!(shape("pt-BR"), shape(language), "{language}");
    }
}

/// The part of a document below a heading, up to the next one of its level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) =
        text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let level = heading.split(' ').next().unwrap();
    rest.split(&format!("\n{level} ")).next().unwrap()
}

/// The cells of each row of the tables in a text, without their heads.
fn table_rows<'a>(text: &'a str) -> Vec<Vec<&'a str>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("| ---"));
    let rows = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| line.starts_with('|') && !line.starts_with("| ---") && !is_head(*at));
    let cells = |line: &'a str| line.trim_matches('|').split(" | ").map(str::trim).collect();
    rows.map(|(_, line)| cells(line)).collect()
}

/// What stands between backticks in a text.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What a README has of everything that does not depend on its language: the levels of its headings,
/// its commands, the settings in its tables, and where its links lead.
#[derive(Debug, PartialEq)]
struct Skeleton {
    headings: Vec<usize>,
    commands: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
    links: BTreeSet<String>,
}

impl Skeleton {
    fn of(name: &str, settings: &str, developers: &str) -> Self {
        let text = read(name);
        let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
        // The whole table of the settings, and what developers read, are in English only.
        let is_told_twice = |heading: &str| ![settings, developers].contains(&heading);
        let chapters = text.split("\n## ").skip(1);
        let chapters: Vec<&str> = chapters
            .filter(|chapter| is_told_twice(chapter.lines().next().unwrap()))
            .chain(text.split("\n## ").next())
            .collect();
        let rows = chapters.iter().flat_map(|chapter| table_rows(chapter));
        let rows = rows.map(|row| {
            let names = row.iter().flat_map(|cell| code_spans(cell));
            let names = names.filter(|name| is_variable(name)).map(str::to_owned);
            (row.len(), names.collect())
        });
        let targets = chapters.iter().flat_map(|chapter| links(chapter));
        // A heading has another name in the other language, and so have the pages that are twins.
        let file = |target: String| {
            target.split('#').next().unwrap().replace(".pt-BR.", ".").replace(".en.", ".")
        };
        Self {
            headings: heading_lines(&text).into_iter().map(level).collect(),
            commands: commands_of(&text).iter().map(|line| leave_out_words(line)).collect(),
            rows: rows.collect(),
            links: targets.map(file).filter(|target| target != "README.md").collect(),
        }
    }
}

/// The lines of a document's blocks of commands, without their remarks.
fn commands_of(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.trim_start().strip_prefix("sh\n"));
    let lines = blocks.flat_map(str::lines).map(str::trim);
    let lines = lines.map(|line| line.split("  #").next().unwrap().trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// A command without what people say in it, which is in their language.
fn leave_out_words(line: &str) -> String {
    match line.split_once("\"text\": \"") {
        Some((before, rest)) => {
            let (_, after) = rest.split_once('"').unwrap();
            format!("{before}{after}")
        }
        None => line.to_owned(),
    }
}

#[test]
fn the_readme_tells_the_same_in_both_languages() {
    let english = Skeleton::of("README.md", "Settings", "Develop");
    let portuguese = Skeleton::of("README.pt-BR.md", "Configurações", "Para quem desenvolve");
    assert!(english.commands.len() > 10 && english.rows.len() > 30, "{english:#?}");
    assert_eq!(english, portuguese);
}

/// How a command of the documents begins, and where it is played or why it is not.
const COMMANDS: [(&str, &str); 21] = [
    // These bring a machine what it lacks, as `.ci/run` does on a bare one.
    ("sudo apt-get update && sudo apt-get install", ""),
    ("curl -sSf https://sh.rustup.rs", ""),
    (". \"$HOME/.cargo/env\"", ""),
    // `.ci/run` plays these as they stand in the README.
    ("cargo run --locked -- demo --script", ""),
    ("cargo test --locked", ""),
    // It builds all of the program a second time; `.ci/release` does.
    ("cargo install --locked --path .", ""),
    ("cargo build --locked --release", ""),
    // With the stand-ins in the place of the platforms; `PLAYED` below has the others.
    ("blip-slack init", "rehearsal"),
    ("blip-slack doctor", "rehearsal"),
    ("cargo run --locked -- doctor", "rehearsal"),
    ("export SLACK_API_URL=", "rehearsal"),
    ("curl --json", "rehearsal"),
    ("curl http://127.0.0.1", "rehearsal"),
    ("cargo run --locked -p blip-slack-standins", "rehearsal"),
    ("PUBLIC_URL=https://bridge.example.com blip-slack manifest", "played"),
    ("install -m 600 .env.example .env", "played"),
    // These change a machine; the unit is looked at by `systemd-analyze` (`deployment.rs`).
    ("sudo useradd", ""),
    ("sudo install", ""),
    ("sudo systemctl", ""),
    // These serve until they are stopped.
    ("blip-slack", "rehearsal"),
    ("cargo run --locked", "rehearsal"),
];

#[test]
fn every_command_in_a_block_is_played_or_it_is_said_why_not() {
    let mut used = BTreeSet::new();
    let documents = [
        "README.md",
        "README.pt-BR.md",
        "docs/operations.md",
        "docs/operations.pt-BR.md",
        "tests/standins/README.md",
    ];
    for document in documents {
        for line in commands_of(&read(document)) {
            let at = COMMANDS.iter().position(|(begin, _)| line.starts_with(begin));
            let at = at.unwrap_or_else(|| panic!("{document}: {line} is played nowhere"));
            // Serving takes no words.
            let is_whole = !["blip-slack", "cargo run --locked"].contains(&COMMANDS[at].0);
            assert!(is_whole || line == COMMANDS[at].0, "{document}: {line} is played nowhere");
            used.insert(COMMANDS[at].0);
            if COMMANDS[at].1 == "played" {
                play(&line);
            }
        }
    }
    let all: BTreeSet<&str> = COMMANDS.iter().map(|(begin, _)| *begin).collect();
    assert_eq!(used, all);
}

/// Runs a command line as somebody does who has installed the program, in a folder with the example
/// of the settings.
fn play(line: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(Path::new(ROOT).join(".env.example"), folder.path().join(".env.example")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_blip-slack")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), wish("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-euc", line]).current_dir(folder.path()).env_clear().env("PATH", path);
    let output = shell.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    if line.contains("manifest") {
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(manifest.to_string().contains("https://bridge.example.com/slack/events"));
    } else {
        let mode = fs::metadata(folder.path().join(".env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn every_scope_of_the_app_is_explained() {
    let page = read("docs/security.md");
    let rows = table_rows(section(&page, "## What the app may do in Slack"));
    let explained: Vec<&str> = rows.iter().flat_map(|row| code_spans(row[0])).collect();
    for manifest in ["http", "socket-mode"] {
        let manifest = read(&format!("manifests/slack-app.{manifest}.json"));
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let scopes = manifest["oauth_config"]["scopes"]["bot"].as_array().unwrap();
        let mut scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
        let mut explained = explained.clone();
        scopes.sort_unstable();
        explained.sort_unstable();
        assert_eq!(explained, scopes);
    }
}

/// What people can do at the stand-ins, each with its fields, as the code has it.
fn deeds_of_code() -> BTreeMap<String, Vec<String>> {
    let source = read("tests/standins/src/by_hand.rs");
    let body = source.split("enum Deed {\n").nth(1).unwrap().split("\n}").next().unwrap();
    let code = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    let mut deeds = BTreeMap::new();
    for part in code.split('}') {
        // Deeds without fields stand before one that has some, or at the end.
        let (names, fields) = part.split_once('{').unwrap_or((part, ""));
        let fields = fields.split(',').map(|field| field.split(':').next().unwrap().trim());
        let mut fields: Vec<_> =
            fields.filter(|field| !field.is_empty()).map(str::to_owned).collect();
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        for name in names.rev() {
            let kebab = name.chars().flat_map(|c| {
                let dash = c.is_uppercase().then_some('-');
                dash.into_iter().chain(c.to_lowercase())
            });
            let name = kebab.collect::<String>().trim_start_matches('-').to_owned();
            deeds.insert(name, std::mem::take(&mut fields));
        }
    }
    deeds
}

#[test]
fn every_deed_at_the_stand_ins_is_listed_with_its_fields() {
    let page = read("tests/standins/README.md");
    let rows = table_rows(section(&page, "## As a program"));
    let listed = rows.iter().map(|row| {
        let fields = code_spans(row[1]).into_iter().map(str::to_owned).collect();
        (row[0].trim_matches('`').to_owned(), fields)
    });
    let code = deeds_of_code();
    assert!(code.len() > 20 && code["fails"].len() == 4, "{code:#?}");
    assert_eq!(listed.collect::<BTreeMap<String, Vec<String>>>(), code);
}

struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    fn name(&self) -> String {
        self.path.strip_prefix(ROOT).unwrap().display().to_string()
    }

    /// All but blocks of code.
    fn prose(&self) -> String {
        self.text.split("```").step_by(2).collect()
    }

    /// What stands between backticks, and blocks of code.
    fn code(&self) -> Vec<String> {
        let blocks = self.text.split("```").skip(1).step_by(2);
        // The first line of a block says in which language it is.
        let blocks = blocks.filter_map(|block| Some(block.split_once('\n')?.1.to_owned()));
        let prose = self.prose();
        let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
        spans.chain(blocks).collect()
    }
}

/// Everything that people are to read.
fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    let root = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let root = root.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for path in root {
        let text = fs::read_to_string(&path).unwrap();
        documents.push(Document { path, text });
    }
    for folder in ["docs", "tests"] {
        read_all(&Path::new(ROOT).join(folder), "md", &mut |path, text| {
            documents.push(Document { path: path.to_owned(), text });
        });
    }
    assert!(documents.len() > 10, "{}", documents.len());
    documents
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

fn read_all(folder: &Path, extension: &str, each: &mut dyn FnMut(&Path, String)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, extension, each);
        } else if path.extension().is_some_and(|found| found == extension) {
            each(&path, fs::read_to_string(&path).unwrap());
        }
    }
}

fn links(prose: &str) -> Vec<String> {
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect()
}

/// The headings of a document as links name them.
fn headings(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let titles = heading_lines(&text);
    let slug = |title: &str| {
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    titles.into_iter().map(slug).collect()
}

/// The lines that are headings, and no comments in blocks of code.
fn heading_lines(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(str::lines).filter(|line| line.starts_with('#')).collect()
}

/// Whether it is written as the name of a test is.
fn is_test(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_metric = name.starts_with("blip_slack_");
    name.matches('_').count() > 3 && name.chars().all(is_part) && !is_metric
}

/// Whether it is written as a variable of the environment is, or a part of one.
fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_{}".contains(c);
    name.contains('_')
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.ends_with('_')
        && name.chars().all(is_part)
}

fn is_setting(name: &str) -> bool {
    let named = name.strip_suffix("_FILE").unwrap_or(name);
    ALL_VARIABLES.iter().any(|variable| {
        let of_bot = variable.name.split_once(BOT_PLACEHOLDER).is_some_and(|(before, after)| {
            named.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some()
        });
        (variable.name == named || of_bot) && (named == name || variable.is_secret())
    })
}

/// The arguments of the stand-ins' program, with a name before them, in a line that starts it.
fn arguments_of_standins(line: &str) -> Option<Vec<&str>> {
    let (_, words) = line.split_once("-p blip-slack-standins -- ")?;
    Some(["blip-slack-standins"].into_iter().chain(words.split_whitespace()).collect())
}

/// What follows the program's name, in a line that starts it.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let is_set = |word: &&str| word.contains('=') && !word.starts_with('-');
    let words: Vec<&str> = line.split_whitespace().skip_while(is_set).collect();
    let arguments = match words.as_slice() {
        ["blip-slack", rest @ ..] => rest,
        ["cargo", "run", rest @ ..] => after_last("--", rest)?,
        // As another user, or in a container, where it stands at the root.
        ["sudo", rest @ ..] => after_last("blip-slack", rest)?,
        ["docker" | "kubectl", rest @ ..] => after_last("/blip-slack", rest)?,
        _ => return None,
    };
    (!arguments.is_empty()).then(|| arguments.to_vec())
}

fn after_last<'a, 'w>(word: &str, words: &'a [&'w str]) -> Option<&'a [&'w str]> {
    let at = words.iter().rposition(|found| *found == word)?;
    words.get(at + 1..)
}

/// Whether the program has this command, with these options.
fn understands(words: &[&str]) -> Result<(), String> {
    let mut path = Vec::new();
    let mut help = help_of(&path)?;
    for word in words {
        if let Some(option) = word.strip_prefix("--") {
            if !help.contains(&format!("--{option}")) {
                return Err(format!("no option --{option}"));
            }
        } else if help.contains("Commands:") {
            path.push(*word);
            help = help_of(&path)?;
        } else if !help.contains('<') {
            return Err(format!("takes no {word}"));
        }
    }
    Ok(())
}

fn help_of(path: &[&str]) -> Result<String, String> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
    let output = program.arg("help").args(path).env_clear().stdin(Stdio::null()).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // What follows explains the settings.
    let help = help.split("\nSlack:").next().unwrap_or_default().to_owned();
    if output.status.success() { Ok(help) } else { Err(format!("no command {path:?}")) }
}

/// The names of the shortcuts, which Slack has in one language only.
fn shortcuts() -> BTreeSet<String> {
    let manifest: BTreeMap<String, Value> =
        serde_json::from_str(&read("manifests/slack-app.http.json")).unwrap();
    let shortcuts = manifest["features"]["shortcuts"].as_array().unwrap();
    shortcuts.iter().map(|shortcut| shortcut["name"].as_str().unwrap().to_owned()).collect()
}

fn bold(page: &str) -> Vec<String> {
    let words = page.split("**").skip(1).step_by(2);
    words.map(|words| words.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Whether a text says these words, where `…` stands for anything.
fn says(text: &str, words: &str) -> bool {
    let mut rest = text;
    words.split('…').all(|part| match rest.split_once(part.trim()) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}
