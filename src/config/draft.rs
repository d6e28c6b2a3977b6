//! Settings that are being made: the answers so far, and what the environment and a `.env` file say
//! besides.
//!
//! What is not answered yet has the example that explains it, so that each answer is judged by the
//! same code that reads the finished file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::dotenv::format_assignment;
use super::variable::{Need, Variable, VariableGroup};
use super::{
    Config, ConfigError, DOTENV_FILE, SettingFault, read_dotenv, read_environment,
    read_own_environment,
};

/// What `blip-slack init` asks for.
const ASKED: [&str; 9] = [
    "PUBLIC_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SLACK_CHANNEL",
    "BLIP_API_URL",
    "BLIP_KEY",
    "BLIP_WEBHOOK_TOKEN",
    "LOCALE",
];

/// Settings that are being made.
pub(crate) struct SettingsDraft {
    answers: BTreeMap<&'static str, String>,
    /// The environment, and the file for what is not in it.
    around: BTreeMap<String, String>,
    /// What the file has that is not asked for.
    kept: Vec<(String, String)>,
}

impl SettingsDraft {
    /// Begins with what there is. What is wrong with it has to be mended first.
    pub(crate) fn begin() -> Result<Self, ConfigError> {
        let mut kept = read_dotenv()?;
        kept.retain(|(name, _)| !is_asked(name));
        let draft = Self { answers: BTreeMap::new(), around: read_environment()?, kept };
        draft.load()?;
        Ok(draft)
    }

    /// Whether there is a file already.
    pub(crate) fn has_file() -> bool {
        // A link that leads nowhere is one, too.
        Path::new(DOTENV_FILE).symlink_metadata().is_ok()
    }

    /// Notes an answer; an empty one takes it back.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        if value.is_empty() {
            self.answers.remove(name);
        } else {
            self.answers.insert(name, value.to_owned());
        }
    }

    /// Whether there is an answer.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.answers.contains_key(name)
    }

    /// The settings as they would be.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&|name| self.find(name), &|path| std::fs::read_to_string(path))
    }

    /// What is wrong with an answer, if something is.
    pub(crate) fn find_fault(&self, name: &str) -> Option<SettingFault> {
        let ConfigError(faults) = self.load().err()?;
        faults.into_iter().find(|fault| fault.place == name)
    }

    fn find(&self, name: &str) -> Option<String> {
        if !is_asked(name) {
            return self.around.get(name).cloned();
        }
        let variable = Variable::find(name)?;
        let is_needed = variable.need != Need::Never && variable.group != VariableGroup::Bots;
        // Without it one would be asked for a file that holds the answer.
        let example = || (is_needed && variable.name == name).then(|| variable.example.to_owned());
        self.answers.get(name).cloned().or_else(example)
    }

    /// The answers that the environment overrules.
    pub(crate) fn list_overruled(&self) -> Vec<String> {
        let names = read_own_environment().map(|(name, _)| name);
        names.filter(|name| is_asked(name) && self.answers.contains_key(name.as_str())).collect()
    }

    /// Writes the file, for its owner only, whole or not at all.
    ///
    /// # Errors
    ///
    /// Also if there is a file already that is not to be replaced.
    pub(crate) fn write_file(&self, replace: bool) -> io::Result<()> {
        // Such files are readable by their owner only from their beginning on.
        let mut file = tempfile::Builder::new().prefix(".env.").tempfile_in(".")?;
        file.write_all(self.render().as_bytes())?;
        file.as_file().sync_all()?;
        let kept =
            if replace { file.persist(DOTENV_FILE) } else { file.persist_noclobber(DOTENV_FILE) };
        kept.map(drop).map_err(|error| error.error)
    }

    fn render(&self) -> String {
        let mut text =
            "# Made by `blip-slack init`. `blip-slack --help` explains all settings.\n".to_owned();
        let answers =
            ASKED.iter().filter_map(|name| Some((*name, self.answers.get(name)?.as_str())));
        let is_default = |name: &str, value: &str| {
            Variable::find(name).is_some_and(|variable| variable.default == Some(value))
        };
        let answers = answers.filter(|(name, value)| !is_default(name, value));
        let kept = self.kept.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in answers.chain(kept) {
            writeln!(text, "{}", format_assignment(name, value)).ok();
        }
        text
    }
}

/// Whether an answer stands for this variable, or for the one that names a file with the answer.
fn is_asked(name: &str) -> bool {
    ASKED.contains(&name.strip_suffix("_FILE").unwrap_or(name))
}
