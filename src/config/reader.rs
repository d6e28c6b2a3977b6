//! Reads single settings, and remembers what is wrong with them and what to show of them.
//!
//! Knows where a value can come from (environment, file, default) but not what any is for.

use std::io;
use std::path::Path;

use super::fault::{Fault, Faults};
use super::parse;
use super::variable::{Form, Privacy, Variable};

/// Looks a variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the file at a path.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Reads settings one by one.
///
/// Every method answers `None` both for what is not set and for what is wrong; the latter is
/// told by [`Reader::finish`].
pub struct Reader<'a> {
    lookup: Lookup<'a>,
    read_file: ReadFile<'a>,
    faults: Vec<Fault>,
    summary: Vec<String>,
}

/// What was found for a variable.
enum Found {
    Value(String),
    Nothing,
    Faulty,
}

impl<'a> Reader<'a> {
    /// Starts with no fault.
    pub fn new(lookup: Lookup<'a>, read_file: ReadFile<'a>) -> Self {
        Self { lookup, read_file, faults: Vec::new(), summary: Vec::new() }
    }

    /// Whether a value is given, right or wrong.
    pub fn is_set(&self, name: &str) -> bool {
        self.value_of(name).is_some() || self.file_of(name).is_some()
    }

    /// A setting that may be left out.
    pub fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = self.find(name);
        self.parsed(name, &found, parse)
    }

    /// A setting that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = self.find(name);
        if matches!(found, Found::Nothing) {
            self.fault(name, "is required and not set");
        }
        self.parsed(name, &found, parse)
    }

    /// A setting of the form [`Form::Flag`].
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.optional(name, parse::flag)
    }

    /// A setting of the form [`Form::OneOf`].
    pub fn one_of<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let choices = match Variable::find(name)?.form {
            Form::OneOf(choices) => choices,
            Form::Words(_) | Form::Flag | Form::Whole(..) => return None,
        };
        self.optional(name, |value| choices.contains(&value).then(|| parse(value)).flatten())
    }

    /// A setting of the form [`Form::Whole`].
    pub fn whole(&mut self, name: &str) -> Option<u64> {
        let bounds = match Variable::find(name)?.form {
            Form::Whole(least, most) => least..=most,
            Form::Words(_) | Form::OneOf(_) | Form::Flag => return None,
        };
        self.optional(name, |value| value.parse().ok().filter(|number| bounds.contains(number)))
    }

    /// A variable that is not ours; nothing but spaces counts as not set.
    pub fn foreign(&self, name: &str) -> Option<String> {
        self.value_of(name)
    }

    /// Adds a line to what the log says of the settings.
    pub fn tell(&mut self, line: String) {
        self.summary.push(line);
    }

    /// Notes that a setting is wrong. `problem` reads on after its name.
    pub fn fault(&mut self, name: &str, problem: &str) {
        let example = Variable::find(name).map(|variable| format!("{name}={}", variable.example));
        self.faults.push(Fault { place: name.to_owned(), problem: problem.to_owned(), example });
    }

    /// Gives out what was built and the lines that describe it, or everything that is wrong.
    pub fn finish<T>(self, built: Option<T>) -> Result<(T, Vec<String>), Faults> {
        match built {
            Some(built) if self.faults.is_empty() => Ok((built, self.summary)),
            _ => Err(Faults(self.faults)),
        }
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        found: &Found,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Found::Value(value) = found else { return None };
        let parsed = parse(value);
        if parsed.is_none()
            && let Some(variable) = Variable::find(name)
        {
            self.fault(name, &format!("must be {}", variable.form));
        }
        parsed
    }

    fn find(&mut self, name: &str) -> Found {
        let variable = Variable::find(name);
        let found = match (self.value_of(name), self.file_of(name)) {
            (Some(value), None) => Found::Value(value),
            (None, Some(path)) => self.find_in_file(name, &path),
            (None, None) => match variable.and_then(|variable| variable.default) {
                Some(default) => Found::Value(default.to_owned()),
                None => Found::Nothing,
            },
            (Some(_), Some(_)) => {
                self.fault(name, &format!("and {} are both set: keep one", file_name(name)));
                Found::Faulty
            }
        };
        self.summary.push(format!("{name} {}", shown(variable, &found)));
        found
    }

    fn find_in_file(&mut self, name: &str, path: &str) -> Found {
        match (self.read_file)(Path::new(path)) {
            Ok(text) if text.trim().is_empty() => {
                self.fault(name, &format!("is empty in the file named by {}", file_name(name)));
                Found::Faulty
            }
            Ok(text) => Found::Value(text.trim().to_owned()),
            Err(error) => {
                let file = file_name(name);
                self.fault(name, &format!("cannot be read from the file named by {file}: {error}"));
                Found::Faulty
            }
        }
    }

    /// The value of a variable; nothing but spaces counts as not set.
    fn value_of(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The path of the file that holds the value; only secrets may stand in one.
    fn file_of(&self, name: &str) -> Option<String> {
        let is_secret = Variable::find(name).is_some_and(Variable::is_secret);
        if is_secret { self.value_of(&file_name(name)) } else { None }
    }
}

fn file_name(name: &str) -> String {
    format!("{name}_FILE")
}

/// What the log may say of a value.
fn shown(variable: Option<&Variable>, found: &Found) -> String {
    let is_open = variable.is_some_and(|variable| variable.privacy == Privacy::Open);
    match found {
        Found::Value(value) if is_open => value.clone(),
        Found::Value(_) | Found::Faulty => "set".to_owned(),
        Found::Nothing => "not set".to_owned(),
    }
}
