//! What people type behind `/blip`.

use serde_json::Value;

use super::json::text_at;
use super::requester::Requester;

/// What somebody asks `/blip` for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandAction {
    /// The tickets that they hold.
    Mine,
    /// The tickets that nobody holds.
    Waiting,
    /// The tickets with this number, or of a customer of this name.
    Find(String),
    /// How the bridge is.
    Status,
    /// What can be asked for.
    Help,
}

impl CommandAction {
    /// Reads what follows the command; what is not understood asks for help.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (word.to_lowercase().as_str(), rest.trim()) {
            ("mine", _) => Self::Mine,
            ("waiting", _) => Self::Waiting,
            ("status", _) => Self::Status,
            ("find", rest) if !rest.is_empty() => Self::Find(rest.to_owned()),
            _ => Self::Help,
        }
    }
}

/// A command that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashCommand {
    /// Who.
    pub(crate) by: Requester,
    /// What they ask for.
    pub(crate) wanted: CommandAction,
}

/// Reads a command.
pub(super) fn parse_command(body: &Value) -> Option<SlashCommand> {
    let wanted = CommandAction::parse(text_at(body, "/text").unwrap_or_default());
    Some(SlashCommand { by: Requester::parse(body)?, wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_people_type_it() {
        for (text, wanted) in [
            ("mine", CommandAction::Mine),
            ("  Waiting ", CommandAction::Waiting),
            ("find  Maria Silva", CommandAction::Find("Maria Silva".to_owned())),
            ("find", CommandAction::Help),
            ("status now", CommandAction::Status),
            ("", CommandAction::Help),
            ("??", CommandAction::Help),
        ] {
            assert_eq!(CommandAction::parse(text), wanted, "{text:?}");
        }
    }
}
