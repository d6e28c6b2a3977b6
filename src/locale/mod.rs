//! What people read in Slack, in their language.
//!
//! The words are in the `.ftl` files next to this one; here is only how to find them. Knows
//! little of tickets and nothing of how Slack formats text: texts are plain, and what is put
//! into them must be fit for the place where they go.
//!
//! Invariant: every language has the same messages with the same variables
//! (`every_language_says_the_same`), and every message that the code asks for exists
//! (`every_message_that_the_code_asks_for_exists`).

mod texts;

use std::fmt;
use std::str::FromStr;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub use texts::Texts;

/// A language that the bridge speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Portuguese as it is written in Brazil (`pt-BR.ftl`).
    #[default]
    PtBr,
    /// English, the language of the log as well (`en.ftl`).
    En,
    /// Spanish, whichever country's (`es.ftl`).
    Es,
}

/// A language that the bridge does not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("language is none of pt-BR, en and es")]
pub struct UnknownLanguage;

/// All texts in all languages.
pub struct TextCatalog {
    bundles: [(Language, FluentBundle<FluentResource>); 3],
}

impl Language {
    /// Every language that has texts, the default one first.
    pub const ALL: [Self; 3] = [Self::PtBr, Self::En, Self::Es];

    /// Its name as in BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Self::PtBr => "pt-BR",
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// Its texts as Fluent source.
    pub fn fluent_source(self) -> &'static str {
        match self {
            Self::PtBr => include_str!("pt-BR.ftl"),
            Self::En => include_str!("en.ftl"),
            Self::Es => include_str!("es.ftl"),
        }
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads a tag such as `pt`, `pt-BR`, `pt_BR` or `en-US`; only the language itself counts.
    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        // Slack tells `pt-BR` and `es-LA`; of each language there is one text.
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "pt" => Ok(Self::PtBr),
            "en" => Ok(Self::En),
            "es" => Ok(Self::Es),
            _ => Err(UnknownLanguage),
        }
    }
}

impl TextCatalog {
    /// Reads the texts that are built into the program.
    pub fn new() -> Self {
        Self { bundles: Language::ALL.map(|language| (language, load_bundle(language))) }
    }

    /// The text of a message, with the variables filled in.
    ///
    /// A message that does not exist is answered with its key, and logged.
    pub fn get_text(&self, language: Language, key: &str, args: &[(&str, &str)]) -> String {
        self.find_text(language, key, args).unwrap_or_else(|| {
            tracing::error!(key, language = language.tag(), "there is no such text");
            key.to_owned()
        })
    }

    /// What people call a channel of Blip, by its domain (`blip.md` §2.5).
    ///
    /// A domain without a name of its own is answered as it is.
    pub(crate) fn channel_label(&self, language: Language, domain: &str) -> String {
        let key = format!("channel-{}", domain.to_ascii_lowercase().replace('.', "-"));
        self.find_text(language, &key, &[])
            .unwrap_or_else(|| self.get_text(language, "channel-other", &[("domain", domain)]))
    }

    /// Why something did not work, by the code of either platform or the name of our fault.
    pub(crate) fn reason_text(&self, language: Language, code: &str) -> String {
        self.known_reason_text(language, code).unwrap_or_else(|| {
            let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
            let key = match code {
                // A mere status says nothing that people could use; the log has it.
                _ if code == "none" || code.starts_with("http-") => "reason-unexplained",
                _ if !code.is_empty() && code.chars().all(is_word) => "reason-slack",
                _ => "reason-other",
            };
            self.get_text(language, key, &[("code", code)])
        })
    }

    /// The same; none for a code that we have no words for.
    pub(crate) fn known_reason_text(&self, language: Language, code: &str) -> Option<String> {
        self.find_text(language, &format!("reason-{}", code.replace('_', "-")), &[])
    }

    fn find_text(&self, language: Language, key: &str, args: &[(&str, &str)]) -> Option<String> {
        let (_, bundle) = self.bundles.iter().find(|(of, _)| *of == language)?;
        let pattern = bundle.get_message(key)?.value()?;
        let args: FluentArgs<'_> =
            args.iter().map(|(name, value)| (*name, to_fluent_value(name, value))).collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, language = language.tag(), "a variable of this text is missing");
        }
        Some(text)
    }
}

impl Default for TextCatalog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TextCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts")
    }
}

/// The variable by whose number a text may have a form of its own.
const COUNT_VARIABLE: &str = "count";

fn to_fluent_value<'a>(name: &str, value: &'a str) -> FluentValue<'a> {
    // Any other number is a name of something, and stays as it is written.
    let is_count = name == COUNT_VARIABLE && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_count { FluentValue::try_number(value) } else { FluentValue::from(value) }
}

/// The texts of one language. A mistake in its source costs only the messages that it is in, and
/// shows in the tests.
fn load_bundle(language: Language) -> FluentBundle<FluentResource> {
    let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // The marks that keep two directions of writing apart would go to Slack, and to its search.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(language.fluent_source().to_owned());
    // Fluent gives back what it could read beside the mistakes.
    let resource = resource.unwrap_or_else(|(resource, _)| resource);
    if bundle.add_resource(resource).is_err() {
        tracing::error!(language = language.tag(), "a text is there twice");
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_language_of_a_tag_counts() {
        for (tag, language) in [
            ("pt", Ok(Language::PtBr)),
            ("pt-BR", Ok(Language::PtBr)),
            ("pt_PT", Ok(Language::PtBr)),
            ("en-US", Ok(Language::En)),
            ("EN", Ok(Language::En)),
            ("es-419", Ok(Language::Es)),
            ("fr", Err(UnknownLanguage)),
            ("english", Err(UnknownLanguage)),
            ("", Err(UnknownLanguage)),
        ] {
            assert_eq!(tag.parse(), language, "{tag}");
        }
    }

    #[test]
    fn variables_are_filled_in_as_they_are() {
        let args = [("agent", "Ana {x} <@U1>"), ("to", "12")];
        let text = TextCatalog::new().get_text(Language::En, "thread-transferred-by", &args);
        assert_eq!(text, "↪️ Ana {x} <@U1> transferred the ticket to 12.");
    }

    #[test]
    fn what_is_counted_has_the_form_of_its_number() {
        let texts = TextCatalog::new();
        for (language, count, text) in [
            (Language::PtBr, "1", "⚠️ 1 parado, aguardando alguém resolver"),
            (Language::PtBr, "2", "⚠️ 2 parados, aguardando alguém resolver"),
            (Language::En, "1", "⚠️ 1 parked, waiting for somebody to resolve it"),
            (Language::En, "1234", "⚠️ 1234 parked, waiting for somebody to resolve them"),
            (Language::Es, "1", "⚠️ 1 detenido, a la espera de que alguien lo resuelva"),
        ] {
            assert_eq!(texts.get_text(language, "health-parked", &[("count", count)]), text);
        }
    }

    #[test]
    fn a_missing_text_shows_its_key() {
        assert_eq!(TextCatalog::new().get_text(Language::En, "no-such-text", &[]), "no-such-text");
    }

    #[test]
    fn channels_are_called_by_their_names() {
        let texts = TextCatalog::new();
        for (domain, name) in [
            ("wa.gw.msging.net", "WhatsApp"),
            ("WA.gw.msging.net", "WhatsApp"),
            ("0mn.io", "Blip Chat"),
            ("new.gw.msging.net", "new.gw.msging.net"),
        ] {
            assert_eq!(texts.channel_label(Language::PtBr, domain), name);
        }
    }

    #[test]
    fn reasons_are_found_by_any_code() {
        let texts = TextCatalog::new();
        for (code, reason) in [
            ("is_archived", "the Slack channel is archived"),
            ("67", "Blip did not find what was asked for"),
            ("no_such_bot", "the bot of this ticket is not configured"),
            // By these words events are parked (`inbox/retry.rs`).
            ("unreachable", "no connection for days"),
            ("outcome_unknown", "no answer, and no way to tell whether it arrived"),
            ("internal_error", "an error of the integration"),
            ("http-400", "Blip did not accept it and does not say why"),
            ("none", "Blip did not accept it and does not say why"),
            ("9999", "Blip refused it (code 9999)"),
            ("new_code", "Slack did not accept it (code new_code)"),
        ] {
            assert_eq!(texts.reason_text(Language::En, code), reason);
        }
    }
}
