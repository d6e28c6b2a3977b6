//! The table of all settings, and how it is shown.

use super::all::{LOCALE_TABLE, SERVICE_TABLE};
use super::bots::{BLIP_TABLE, BOTS_TABLE};
use super::desk::DESK_TABLE;
use super::http::{HTTP_TABLE, MEDIA_TABLE};
use super::slack::SLACK_TABLE;
use super::traces::TRACES_TABLE;
use super::variable::{Need, Variable, find_variable};

/// The tables of all groups, in the order in which they are explained.
const TABLES: [&[Variable]; 9] = [
    SLACK_TABLE,
    BLIP_TABLE,
    BOTS_TABLE,
    DESK_TABLE,
    LOCALE_TABLE,
    HTTP_TABLE,
    MEDIA_TABLE,
    SERVICE_TABLE,
    TRACES_TABLE,
];

/// All settings, in the order in which they are explained.
pub static ALL_VARIABLES: &[Variable] = &join_tables::<{ count_variables() }>();

#[expect(clippy::indexing_slicing, reason = "iterators cannot be used where a constant is made")]
const fn count_variables() -> usize {
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
}

#[expect(clippy::indexing_slicing, reason = "iterators cannot be used where a constant is made")]
const fn join_tables<const COUNT: usize>() -> [Variable; COUNT] {
    let mut all = [SLACK_TABLE[0]; COUNT];
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut row = 0;
        while row < TABLES[table].len() {
            all[count] = TABLES[table][row];
            count += 1;
            row += 1;
        }
        table += 1;
    }
    all
}

impl Variable {
    /// The entry for a variable's name; one of a bot is found whatever the bot.
    pub fn find(name: &str) -> Option<&'static Self> {
        find_variable(ALL_VARIABLES, name)
    }
}

/// The reference of all settings as `--help` shows it.
pub fn format_help() -> String {
    let mut lines = Vec::new();
    let mut group = None;
    for variable in ALL_VARIABLES {
        if group.replace(variable.group) != Some(variable.group) {
            lines.push(format!("\n{}:", variable.group.title()));
        }
        lines.push(format!("  {}", variable.name));
        lines.push(format!("      {}", variable.meaning));
        lines.push(format!("      [{}]", variable.format_remarks()));
    }
    lines.join("\n").trim_start().to_owned()
}

/// The table of all settings as the README shows it.
pub fn format_markdown_table() -> String {
    let rows = ALL_VARIABLES.iter().map(|variable| {
        let default = match (variable.need, variable.default) {
            (_, Some(default)) => format!("`{default}`"),
            (Need::Always, None) => "required".to_owned(),
            (Need::When(case), None) => format!("required {case}"),
            (Need::Never, None) => "–".to_owned(),
        };
        let Variable { name, meaning, form, .. } = variable;
        format!("| `{name}` | {default} | {meaning} ({form}) |\n")
    });
    "| variable | default | meaning |\n| --- | --- | --- |\n".to_owned() + &rows.collect::<String>()
}
