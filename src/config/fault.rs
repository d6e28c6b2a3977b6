//! What is wrong with the settings, all at once and without quoting any value, or doubtful.

use std::fmt;

/// One thing that is wrong with one setting.
///
/// It never contains the value: tokens end up in the wrong variable easily.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The variable, or the place in a file.
    pub(crate) place: String,
    /// What is wrong with it; reads on after the place.
    pub(crate) problem: String,
    /// A line that would be right.
    pub(crate) example: Option<String>,
}

/// Everything that is wrong with the settings; never empty.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<SettingFault>);

/// Something that is doubtful although the bridge can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingWarning {
    /// What is doubtful, with the name of its setting.
    pub text: String,
    /// What to do about it.
    pub fix: String,
}

impl SettingWarning {
    pub(super) fn new(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { text: text.into(), fix: fix.into() }
    }
}

impl fmt::Display for SettingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.text, self.fix)
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.problem)?;
        match &self.example {
            Some(example) => write!(f, ", for example {example}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
