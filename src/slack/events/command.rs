//! What people type behind `/blip`.

use serde_json::Value;

use super::json::text_at;
use super::requester::Requester;
use crate::model::ChannelId;
use crate::model::fold::fold_text;

/// What somebody asks `/blip` for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandAction {
    /// The tickets that they hold.
    Mine,
    /// The tickets that nobody holds.
    Waiting,
    /// The tickets with this number, or of a customer of this name.
    Find(String),
    /// To write to this number with a template, for this bot if there are several.
    New(String),
    /// To take a break.
    Pause,
    /// To be back from it.
    Resume,
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
        // Whoever types them may have any of our languages, whatever the app speaks.
        match (fold_text(word).as_str(), rest.trim()) {
            // `fold_text` has taken accents off, as people on telephones leave them out.
            ("mine" | "meus" | "mis" | "mios", _) => Self::Mine,
            ("waiting" | "aguardando" | "espera" | "esperando", _) => Self::Waiting,
            ("status" | "situacao" | "estado", _) => Self::Status,
            ("pause" | "pausa" | "pausar" | "break", _) => Self::Pause,
            ("back" | "resume" | "voltar" | "volta" | "volver" | "vuelta", _) => Self::Resume,
            ("find" | "buscar" | "busca" | "procurar" | "encontrar", rest) if !rest.is_empty() => {
                Self::Find(rest.to_owned())
            }
            ("new" | "novo" | "nova" | "nuevo" | "nueva", rest) if !rest.is_empty() => {
                Self::New(rest.to_owned())
            }
            _ => Self::Help,
        }
    }
}

/// A command that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashCommand {
    pub(crate) by: Requester,
    /// What they ask for.
    pub(crate) wanted: CommandAction,
    /// Where they typed it.
    pub(crate) channel: Option<ChannelId>,
    /// With what a dialog opens, for 3 s.
    pub(crate) trigger: Option<String>,
}

pub(super) fn parse_command(body: &Value) -> Option<SlashCommand> {
    let wanted = CommandAction::parse(text_at(body, "/text").unwrap_or_default());
    Some(SlashCommand {
        by: Requester::parse(body)?,
        wanted,
        channel: text_at(body, "/channel_id").and_then(ChannelId::parse),
        trigger: text_at(body, "/trigger_id").map(str::to_owned),
    })
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
            ("Meus", CommandAction::Mine),
            ("mis", CommandAction::Mine),
            ("aguardando", CommandAction::Waiting),
            ("espera", CommandAction::Waiting),
            ("buscar 1042", CommandAction::Find("1042".to_owned())),
            ("novo +55 11 98765-4321", CommandAction::New("+55 11 98765-4321".to_owned())),
            ("nuevo +5511", CommandAction::New("+5511".to_owned())),
            ("new", CommandAction::Help),
            ("situação", CommandAction::Status),
            ("estado", CommandAction::Status),
            ("Pausa", CommandAction::Pause),
            ("pause", CommandAction::Pause),
            ("voltar", CommandAction::Resume),
            ("volver", CommandAction::Resume),
            ("back", CommandAction::Resume),
            ("ajuda", CommandAction::Help),
            ("ayuda", CommandAction::Help),
            ("", CommandAction::Help),
            ("??", CommandAction::Help),
        ] {
            assert_eq!(CommandAction::parse(text), wanted, "{text:?}");
        }
    }
}
