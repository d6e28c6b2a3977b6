//! What is written about the settings says what the program does.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::{fs, io};

use blip_slack::config::{
    self, ALL_VARIABLES, BOT_PLACEHOLDER, Config, Need, Variable, VariableGroup,
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example");

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

#[test]
fn the_example_file_explains_every_setting_and_no_other() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    let (title, _) = example.split_once("\n\n").unwrap();
    holds(EXAMPLE, &format!("{title}\n\n{}", explained()));
}

#[test]
fn the_readme_explains_every_setting_and_no_other() {
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once("a test -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /settings").unwrap();
    let table = config::format_markdown_table();
    holds(README, &format!("{before}a test -->\n{}\n<!-- /settings{after}", table.trim_end()));
}

/// Compares a file with what it should be; with `BLESS=1` in the environment, writes it instead.
#[expect(clippy::disallowed_methods, reason = "this is no setting of the program")]
fn holds(path: &str, expected: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap();
    assert!(found == expected, "{path} is not up to date: run the tests with BLESS=1");
}

#[test]
fn the_example_file_is_enough_to_start() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let set: HashMap<&str, &str> = lines.filter_map(|line| line.split_once('=')).collect();
    let loaded = Config::load(&|name| set.get(name).map(ToString::to_string), &|_| {
        Err(io::ErrorKind::NotFound.into())
    });
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn the_reference_names_every_setting() {
    let (help, table) = (config::format_help(), config::format_markdown_table());
    for variable in ALL_VARIABLES {
        assert!(help.contains(&format!("  {}\n      {}\n", variable.name, variable.meaning)));
        assert!(table.contains(&format!("| `{}` |", variable.name)));
    }
}

/// All settings as the example file has them: those that have to be set as lines in force, all
/// others as comments that show the default.
fn explained() -> String {
    let mut text = String::new();
    let mut group = None;
    for variable in ALL_VARIABLES {
        if group.replace(variable.group) != Some(variable.group) {
            writeln!(text, "# ---- {} ----\n", variable.group.title()).unwrap();
        }
        let name = variable.name.replace(BOT_PLACEHOLDER, "VENDAS");
        let remarks = variable.format_remarks().replace(BOT_PLACEHOLDER, "VENDAS");
        let value = variable.default.unwrap_or(variable.example);
        let mark = if has_to_be_set(variable) { "" } else { "# " };
        writeln!(text, "# {}\n# [{remarks}]\n{mark}{name}={value}\n", variable.meaning).unwrap();
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Whether it is needed by one bot over HTTP, the common case.
fn has_to_be_set(variable: &Variable) -> bool {
    variable.need != Need::Never && variable.group != VariableGroup::Bots
}
