//! What there is to say of a setting: its name, meaning, default, form and an example.
//!
//! `--help`, `.env.example`, the README and every fault quote it, so that all four say the same.
//! It does not know how a value is read.

use std::fmt;

/// Stands for the upper-case name of a bot in the name of a variable.
pub const BOT_PLACEHOLDER: &str = "{BOT}";

/// A setting, as everything that explains or refuses it quotes it.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name in the environment; may contain [`BOT_PLACEHOLDER`].
    pub name: &'static str,
    /// What it belongs to.
    pub group: VariableGroup,
    /// Whether the bridge starts without it.
    pub need: Need,
    /// What holds if it is not set.
    pub default: Option<&'static str>,
    /// Who may see its value.
    pub(crate) privacy: ValuePrivacy,
    /// What it is for, in one line.
    pub meaning: &'static str,
    /// What its value looks like.
    pub(crate) form: ValueForm,
    /// A value that would be accepted.
    pub example: &'static str,
}

/// What a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableGroup {
    /// How the bridge acts in Slack.
    Slack,
    /// The only bot of Blip, and what holds for all.
    Blip,
    /// More than one Blip bot.
    Bots,
    /// Who may answer customers.
    Agents,
    /// How people work with tickets.
    Desk,
    /// In which language and zone the bridge writes.
    Locale,
    /// Where the process listens, what it keeps, and what it logs.
    Service,
}

/// When a setting has to be there for the bridge to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It always has to be there.
    Always,
    /// It has to be there in the case that the words describe.
    When(&'static str),
    /// It may be missing: there is a default, or something is off.
    Never,
}

/// Who may see the value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValuePrivacy {
    /// Anybody who reads the log.
    Open,
    /// Nobody who reads the log: it names people.
    Personal,
    /// Nobody; it may also be read from a file, named by the variable with `_FILE` added.
    Secret,
}

/// What the value of a setting looks like. Written so that it reads well after "must be".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueForm {
    /// Described in words that read on after "must be".
    Words(&'static str),
    /// One of these words, in small letters as here.
    OneOf(&'static [&'static str]),
    /// `true` or `false`, in small letters.
    Flag,
    /// A whole number within these bounds, both included.
    Whole(u64, u64),
}

/// The form of an address.
pub(super) const URL_FORM: ValueForm =
    ValueForm::Words("an https address (http only on this machine)");
/// The form of a channel.
pub(super) const CHANNEL_FORM: ValueForm =
    ValueForm::Words("a channel id such as C024BE91L, or #name");
/// The form of secrets of which any will do.
pub(super) const SECRETS_FORM: ValueForm = ValueForm::Words("a comma list of secrets");

/// A setting that may be left out, has no default and is open.
pub(super) const fn variable(group: VariableGroup, name: &'static str) -> Variable {
    Variable {
        name,
        group,
        need: Need::Never,
        default: None,
        privacy: ValuePrivacy::Open,
        meaning: "",
        form: ValueForm::Flag,
        example: "",
    }
}

impl Variable {
    pub(super) const fn means(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    pub(super) const fn form(self, form: ValueForm, example: &'static str) -> Self {
        Self { form, example, ..self }
    }

    pub(super) const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(super) const fn need(self, need: Need) -> Self {
        Self { need, ..self }
    }

    pub(super) const fn privacy(self, privacy: ValuePrivacy) -> Self {
        Self { privacy, ..self }
    }

    /// The name of the bot for which `name` is this variable.
    pub(crate) fn match_bot<'a>(&self, name: &'a str) -> Option<&'a str> {
        let (before, after) = self.name.split_once(BOT_PLACEHOLDER)?;
        let bot = name.strip_prefix(before)?.strip_suffix(after)?;
        (!bot.is_empty()).then_some(bot)
    }

    /// Whether it may also be read from a file.
    pub fn is_secret(&self) -> bool {
        self.privacy == ValuePrivacy::Secret
    }

    /// What a reader should know besides the meaning: need, form, default and file.
    pub fn format_remarks(&self) -> String {
        let need = match self.need {
            Need::Always => Some("required".to_owned()),
            Need::When(case) => Some(format!("required {case}")),
            Need::Never => None,
        };
        let default = self.default.map(|default| format!("default {default}"));
        let file = self.is_secret().then(|| format!("or in the file named by {}_FILE", self.name));
        let remarks = [need, Some(self.form.to_string()), default, file];
        remarks.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl VariableGroup {
    /// The heading under which its settings are listed.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Blip => "Blip",
            Self::Bots => "More than one Blip bot ({BOT} is its name in upper case)",
            Self::Agents => "Agents",
            Self::Desk => "Working with tickets",
            Self::Locale => "Language and time",
            Self::Service => "The service",
        }
    }
}

impl fmt::Display for ValueForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::OneOf(choices) => f.write_str(&choices.join(" or ")),
            Self::Flag => f.write_str("true or false"),
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
        }
    }
}

/// The entry for a variable's name; one of a bot is found whatever the bot.
pub(super) fn find_variable(table: &'static [Variable], name: &str) -> Option<&'static Variable> {
    table
        .iter()
        .find(|variable| variable.name == name)
        .or_else(|| table.iter().find(|variable| variable.match_bot(name).is_some()))
}
