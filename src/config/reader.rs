//! Reads single settings, and remembers what is wrong with them and what to show of them.
//!
//! Knows where a value can come from (environment, file, default) but not what any is for.

use std::io;
use std::path::Path;

use super::fault::{ConfigError, SettingFault};
use super::parse;
use super::variable::{ValueForm, ValuePrivacy, Variable, find_variable};

/// Looks a variable up.
pub(crate) type VariableLookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the file at a path.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Reads settings one by one.
///
/// Every method answers `None` both for what is not set and for what is wrong; the latter is
/// told by [`SettingsReader::into_result`].
pub(crate) struct SettingsReader<'a> {
    /// What is known of each setting.
    table: &'static [Variable],
    lookup: VariableLookup<'a>,
    read_file: ReadFile<'a>,
    faults: Vec<SettingFault>,
    summary: Vec<String>,
}

/// What was found for a variable.
enum FoundValue {
    Value(String),
    Nothing,
    Faulty,
}

impl<'a> SettingsReader<'a> {
    /// Starts with no fault.
    pub(crate) fn new(
        table: &'static [Variable],
        lookup: VariableLookup<'a>,
        read_file: ReadFile<'a>,
    ) -> Self {
        Self { table, lookup, read_file, faults: Vec::new(), summary: Vec::new() }
    }

    /// Whether a value is given, right or wrong.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.value_of(name).is_some() || self.file_path_of(name).is_some()
    }

    /// A setting that may be left out.
    pub(crate) fn read_optional<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.find_value(name);
        self.parse_found(name, &found, parse)
    }

    /// A setting that must be there.
    pub(crate) fn read_required<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.find_value(name);
        if matches!(found, FoundValue::Nothing) {
            self.add_fault(name, "is required and not set");
        }
        self.parse_found(name, &found, parse)
    }

    /// A setting of the form [`ValueForm::Flag`].
    pub(crate) fn read_flag(&mut self, name: &str) -> Option<bool> {
        self.read_optional(name, parse::parse_flag)
    }

    /// A setting of the form [`ValueForm::OneOf`].
    pub(crate) fn read_one_of<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let choices = match find_variable(self.table, name)?.form {
            ValueForm::OneOf(choices) => choices,
            ValueForm::Words(_) | ValueForm::Flag | ValueForm::Whole(..) => return None,
        };
        self.read_optional(name, |value| choices.contains(&value).then(|| parse(value)).flatten())
    }

    /// A setting of the form [`ValueForm::Whole`].
    pub(crate) fn read_whole_number(&mut self, name: &str) -> Option<u64> {
        let bounds = match find_variable(self.table, name)?.form {
            ValueForm::Whole(least, most) => least..=most,
            ValueForm::Words(_) | ValueForm::OneOf(_) | ValueForm::Flag => return None,
        };
        self.read_optional(name, |value| {
            value.parse().ok().filter(|number| bounds.contains(number))
        })
    }

    /// A variable that is not ours; nothing but spaces counts as not set.
    pub(crate) fn read_foreign(&self, name: &str) -> Option<String> {
        self.value_of(name)
    }

    /// A setting by itself, as it stands.
    pub(crate) fn read_alone(mut self, name: &str) -> Result<Option<String>, ConfigError> {
        let value = match self.find_value(name) {
            FoundValue::Value(value) => Some(value),
            FoundValue::Nothing | FoundValue::Faulty => None,
        };
        Ok(self.into_result(Some(value))?.0)
    }

    /// Adds to what the log says of the settings.
    pub(crate) fn add_to_summary(&mut self, choice: String) {
        self.summary.push(choice);
    }

    /// Notes that a setting is wrong. `problem` reads on after its name.
    pub(crate) fn add_fault(&mut self, name: &str, problem: &str) {
        let example =
            find_variable(self.table, name).map(|variable| format!("{name}={}", variable.example));
        self.faults.push(SettingFault {
            place: name.to_owned(),
            problem: problem.to_owned(),
            example,
        });
    }

    /// Gives out what was built and the choices that led to it, or everything that is wrong.
    pub(crate) fn into_result<T>(self, built: Option<T>) -> Result<(T, Vec<String>), ConfigError> {
        debug_assert!(
            built.is_some() || !self.faults.is_empty(),
            "a setting is declared as one with a default, and has none"
        );
        match built {
            Some(built) if self.faults.is_empty() => Ok((built, self.summary)),
            _ => Err(ConfigError(self.faults)),
        }
    }

    fn parse_found<T>(
        &mut self,
        name: &str,
        found: &FoundValue,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let FoundValue::Value(value) = found else { return None };
        let parsed = parse(value);
        if parsed.is_none()
            && let Some(variable) = find_variable(self.table, name)
        {
            self.add_fault(name, &format!("must be {}", variable.form));
        }
        parsed
    }

    fn find_value(&mut self, name: &str) -> FoundValue {
        let variable = find_variable(self.table, name);
        let found = match (self.value_of(name), self.file_path_of(name)) {
            (Some(value), None) => FoundValue::Value(value),
            (None, Some(path)) => self.find_in_file(name, &path),
            (None, None) => match variable.and_then(|variable| variable.default) {
                Some(default) => FoundValue::Value(default.to_owned()),
                None => FoundValue::Nothing,
            },
            (Some(_), Some(_)) => {
                self.add_fault(
                    name,
                    &format!("and {} are both set: keep one", file_variable(name)),
                );
                FoundValue::Faulty
            }
        };
        self.summary.extend(describe_choice(name, variable, &found));
        found
    }

    fn find_in_file(&mut self, name: &str, path: &str) -> FoundValue {
        match (self.read_file)(Path::new(path)) {
            // An empty secret must not pass: a request signed with it could come from anybody
            // (`slack.md` B.2).
            Ok(text) if text.trim().is_empty() => {
                self.add_fault(
                    name,
                    &format!("is empty in the file named by {}", file_variable(name)),
                );
                FoundValue::Faulty
            }
            // What writes such a file mostly ends it with a line break, which belongs to no secret.
            Ok(text) => FoundValue::Value(text.trim().to_owned()),
            Err(error) => {
                let file = file_variable(name);
                self.add_fault(
                    name,
                    &format!("cannot be read from the file named by {file}: {error}"),
                );
                FoundValue::Faulty
            }
        }
    }

    /// The value of a variable; nothing but spaces counts as not set.
    fn value_of(&self, name: &str) -> Option<String> {
        // Where an image sets a variable, whoever runs it can only set it to nothing
        // (`docs/postgresql.md`, set it up).
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The path of the file that holds the value; only secrets may stand in one.
    fn file_path_of(&self, name: &str) -> Option<String> {
        let is_secret = find_variable(self.table, name).is_some_and(Variable::is_secret);
        if is_secret { self.value_of(&file_variable(name)) } else { None }
    }
}

fn file_variable(name: &str) -> String {
    format!("{name}_FILE")
}

/// What the log may say of a value, if it is another one than the default.
fn describe_choice(name: &str, variable: Option<&Variable>, found: &FoundValue) -> Option<String> {
    let default = variable.and_then(|variable| variable.default);
    let is_open = variable.is_some_and(|variable| variable.privacy == ValuePrivacy::Open);
    match found {
        FoundValue::Nothing => None,
        // One line of choices is read in a log; sixty lines of defaults are not.
        FoundValue::Value(value) if default == Some(value.as_str()) => None,
        FoundValue::Value(value) if is_open => Some(format!("{name}={value}")),
        FoundValue::Value(_) | FoundValue::Faulty => Some(format!("{name} set")),
    }
}
