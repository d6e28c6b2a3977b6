//! The texts in one language and one time zone: what the bridge says in a channel.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Language, Texts};
use crate::model::Ending;
use crate::model::text::shorten;

/// Most characters of what Blip says of a failure.
const DESCRIPTION_CHARS: usize = 200;

/// Says things in one language.
#[derive(Clone, Debug)]
pub struct Words {
    texts: Arc<Texts>,
    language: Language,
    zone: TimeZone,
}

impl Words {
    /// Speaks the language given, and tells the time of the zone given.
    pub fn new(texts: Arc<Texts>, language: Language, zone: TimeZone) -> Self {
        Self { texts, language, zone }
    }

    /// The same in another language.
    #[must_use]
    pub fn spoken(&self, language: Language) -> Self {
        Self { language, ..self.clone() }
    }

    /// The same in a reader's own language, if it is one of ours.
    #[must_use]
    pub fn read_by(&self, locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.parse().ok());
        language.map_or_else(|| self.clone(), |language| self.spoken(language))
    }

    /// A text with its variables filled in, see [`Texts::get`].
    pub fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        self.texts.get(self.language, key, args)
    }

    /// What people call a channel of Blip, see [`Texts::channel`].
    pub fn channel(&self, domain: &str) -> String {
        self.texts.channel(self.language, domain)
    }

    /// Why something did not work, see [`Texts::reason`].
    pub fn reason(&self, code: &str) -> String {
        self.texts.reason(self.language, code)
    }

    /// The time of the day.
    pub fn clock(&self, at: Timestamp) -> String {
        self.format("time-clock", at)
    }

    /// The day of the year and the time of the day.
    pub fn moment(&self, at: Timestamp) -> String {
        self.format("time-moment", at)
    }

    /// The day, with its year, and the time of the day.
    pub fn date(&self, at: Timestamp) -> String {
        self.format("time-date", at)
    }

    /// The line in the thread that tells how a ticket ended.
    pub fn ending(&self, ending: &Ending, at: Timestamp) -> String {
        let clock = self.clock(at);
        let time = ("time", clock.as_str());
        match ending {
            Ending::Agent(agent) => {
                self.say("thread-closed-agent", &[("agent", agent.name.as_str()), time])
            }
            Ending::AgentElsewhere => self.say("thread-closed-elsewhere", &[time]),
            Ending::Customer => self.say("thread-closed-customer", &[time]),
            Ending::Inactivity => self.say("thread-closed-inactivity", &[time]),
            Ending::Transferred => self.say("thread-closed-transferred", &[time]),
            Ending::Other(status) => self.say("thread-closed-other", &[("status", status), time]),
        }
    }

    /// The line in the thread that tells that a message did not reach the customer.
    ///
    /// Where we have no words of our own for the code, what Blip says of it stands there.
    pub fn undelivered(&self, reason: Option<(i64, &str)>) -> String {
        let reason = match reason {
            Some((code, description)) => self.described(&code.to_string(), description),
            None => self.say("reason-unknown", &[]),
        };
        self.say("thread-not-delivered", &[("reason", &reason)])
    }

    fn described(&self, code: &str, description: &str) -> String {
        let words: Vec<&str> = description.split_whitespace().collect();
        let said = shorten(&words.join(" "), DESCRIPTION_CHARS);
        let said = said.trim_end_matches('.');
        match self.texts.known_reason(self.language, code) {
            Some(reason) => reason,
            None if said.is_empty() => self.reason(code),
            None => self.say("reason-described", &[("code", code), ("description", said)]),
        }
    }

    /// The pattern is ours and a test tries it, so formatting cannot fail.
    fn format(&self, key: &str, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime(&self.say(key, &[])).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(language: Language) -> Words {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        Words::new(Arc::new(Texts::new()), language, zone)
    }

    #[test]
    fn times_are_told_in_the_zone_and_manner_of_the_reader() {
        let at: Timestamp = "2026-08-03T17:02:00Z".parse().unwrap();
        for (language, moment) in [
            (Language::PtBr, "03/08 às 14:02"),
            (Language::En, "Aug 3, 14:02"),
            (Language::Es, "03/08, 14:02"),
        ] {
            assert_eq!(words(language).moment(at), moment);
            assert_eq!(words(language).clock(at), "14:02");
        }
    }

    #[test]
    fn an_ending_is_told_in_plain_words() {
        let at: Timestamp = "2026-08-03T17:02:00Z".parse().unwrap();
        let en = words(Language::PtBr).spoken(Language::En);
        assert_eq!(en.ending(&Ending::Customer, at), "✅ Closed by the customer at 14:02.");
        assert_eq!(
            en.ending(&Ending::Other("ClosedByMoon".to_owned()), at),
            "✅ Closed in Blip (ClosedByMoon) at 14:02."
        );
    }

    #[test]
    fn a_failed_delivery_is_told_with_its_reason() {
        let pt = words(Language::PtBr);
        let start = "⚠️ Não entregue ao cliente: ";
        for (code, reason) in [
            (
                Some((131_026, "undeliverable")),
                "este número não pode receber mensagens no WhatsApp.",
            ),
            (Some((7, "")), "o Blip recusou (código 7)."),
            (Some((7, " Business account\nis locked. ")), "Business account is locked (código 7)."),
            (None, "motivo não informado."),
        ] {
            assert_eq!(pt.undelivered(code), format!("{start}{reason}"));
        }
    }
}
