//! The texts in one language and one time zone: what the bridge says in a channel.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Language, TextCatalog};
use crate::model::TicketEnding;
use crate::model::text::{format_size, truncate_label};

/// Most characters of what Blip says of a failure.
const DESCRIPTION_CHARS: usize = 200;
/// Codes that Blip has for refusals of many kinds (`blip.md` §2.6): its own words tell which.
const VAGUE_CODES: [&str; 5] = ["21", "24", "64", "66", "67"];

/// Says things in one language.
#[derive(Clone, Debug)]
pub struct Texts {
    catalog: Arc<TextCatalog>,
    language: Language,
    zone: TimeZone,
}

impl Texts {
    /// Speaks the language given, and tells the time of the zone given.
    pub fn new(catalog: Arc<TextCatalog>, language: Language, zone: TimeZone) -> Self {
        Self { catalog, language, zone }
    }

    /// The same in another language.
    #[must_use]
    pub(crate) fn in_language(&self, language: Language) -> Self {
        Self { language, ..self.clone() }
    }

    /// The same in a reader's own language, if it is one of ours.
    #[must_use]
    pub(crate) fn for_reader(&self, locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.parse().ok());
        language.map_or_else(|| self.clone(), |language| self.in_language(language))
    }

    /// The language, as the two letters that other tags of it begin with.
    pub(crate) fn language_code(&self) -> &'static str {
        self.language.tag().split('-').next().unwrap_or_default()
    }

    /// A text with its variables filled in, see [`TextCatalog::get_text`].
    pub(crate) fn text(&self, key: &str, args: &[(&str, &str)]) -> String {
        self.catalog.get_text(self.language, key, args)
    }

    /// What people call a channel of Blip, see [`TextCatalog::channel_label`].
    pub(crate) fn channel_label(&self, domain: &str) -> String {
        self.catalog.channel_label(self.language, domain)
    }

    /// Why something did not work, see [`TextCatalog::reason_text`].
    pub(crate) fn reason_text(&self, code: &str) -> String {
        self.catalog.reason_text(self.language, code)
    }

    /// The time of the day.
    pub(crate) fn format_time(&self, at: Timestamp) -> String {
        self.format_timestamp("time-clock", at)
    }

    /// The day of the year and the time of the day.
    pub(crate) fn format_day_time(&self, at: Timestamp) -> String {
        self.format_timestamp("time-moment", at)
    }

    /// The day, with its year.
    pub(crate) fn format_day(&self, at: Timestamp) -> String {
        self.format_timestamp("time-day", at)
    }

    /// The day, with its year, and the time of the day.
    pub(crate) fn format_date_time(&self, at: Timestamp) -> String {
        self.format_timestamp("time-date", at)
    }

    /// A time as it is where the team works.
    pub(crate) fn to_zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// How long something has lasted, as exactly as people tell it.
    pub(crate) fn format_duration(&self, duration: SignedDuration) -> String {
        let minutes = duration.as_mins().max(0);
        let (hours, rest) = (minutes / 60, (minutes % 60).to_string());
        if hours == 0 {
            return self.text("time-minutes", &[("minutes", &rest)]);
        }
        let hours_rest = (hours % 24).to_string();
        match hours / 24 {
            0 => self.text("time-hours", &[("hours", &hours_rest), ("minutes", &rest)]),
            days => self.text("time-days", &[("days", &days.to_string()), ("hours", &hours_rest)]),
        }
    }

    /// A size in bytes, with the decimal point of the language.
    pub(crate) fn format_size(&self, bytes: u64) -> String {
        format_size(bytes).replace('.', &self.text("size-point", &[]))
    }

    /// The line in the thread that tells how a ticket ended.
    pub(crate) fn ticket_ending_text(&self, ending: &TicketEnding, at: Timestamp) -> String {
        let clock = self.format_time(at);
        let time = ("time", clock.as_str());
        match ending {
            TicketEnding::Agent(agent) => {
                self.text("thread-closed-agent", &[("agent", agent.name.as_str()), time])
            }
            TicketEnding::AgentElsewhere => self.text("thread-closed-elsewhere", &[time]),
            TicketEnding::Customer => self.text("thread-closed-customer", &[time]),
            TicketEnding::Inactivity => self.text("thread-closed-inactivity", &[time]),
            TicketEnding::Transferred => self.text("thread-closed-transferred", &[time]),
            TicketEnding::Other(status) => {
                self.text("thread-closed-other", &[("status", status), time])
            }
        }
    }

    /// Why a message did not reach the customer.
    ///
    /// What Blip says of it stands there where that tells more than we know of the code.
    pub(crate) fn failure_reason(&self, reason: Option<(i64, &str)>) -> String {
        match reason {
            Some((code, description)) => self.describe_failure(&code.to_string(), description),
            None => self.text("reason-unknown", &[]),
        }
    }

    /// Why something failed, by its code, or in the platform's own words where these say more.
    pub(crate) fn describe_failure(&self, code: &str, description: &str) -> String {
        // On one line: it goes into a sentence of ours.
        let words: Vec<&str> = description.split_whitespace().collect();
        let said = truncate_label(&words.join(" "), DESCRIPTION_CHARS);
        // It stands within a sentence that has an end of its own.
        let said = said.trim_end_matches('.');
        let is_vague = VAGUE_CODES.contains(&code) && !said.is_empty();
        match self.catalog.known_reason_text(self.language, code).filter(|_| !is_vague) {
            Some(reason) => reason,
            None if said.is_empty() => self.reason_text(code),
            // A refusal may come without a code (`blip.md` §1.1), which is nothing to tell of.
            None if code == "none" => said.to_owned(),
            None => self.text("reason-described", &[("code", code), ("description", said)]),
        }
    }

    /// The pattern is ours and a test tries it, so formatting cannot fail.
    fn format_timestamp(&self, key: &str, at: Timestamp) -> String {
        self.to_zoned(at).strftime(&self.text(key, &[])).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(language: Language) -> Texts {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        Texts::new(Arc::new(TextCatalog::new()), language, zone)
    }

    #[test]
    fn times_are_told_in_the_zone_and_manner_of_the_reader() {
        let at: Timestamp = "2026-08-03T17:02:00Z".parse().unwrap();
        for (language, moment) in [
            (Language::PtBr, "03/08 às 14:02"),
            (Language::En, "Aug 3, 14:02"),
            (Language::Es, "03/08, 14:02"),
        ] {
            assert_eq!(words(language).format_day_time(at), moment);
            assert_eq!(words(language).format_time(at), "14:02");
        }
    }

    #[test]
    fn a_wait_is_told_as_exactly_as_people_do() {
        for (minutes, told) in [
            (0, "0 min"),
            (12, "12 min"),
            (60, "1 h 0 min"),
            (125, "2 h 5 min"),
            (24 * 60, "1 d 0 h"),
            (51 * 60 + 59, "2 d 3 h"),
        ] {
            let wait = SignedDuration::from_mins(minutes);
            assert_eq!(words(Language::PtBr).format_duration(wait), told);
        }
    }

    #[test]
    fn sizes_have_the_decimal_point_of_the_language() {
        for (language, size) in
            [(Language::PtBr, "1,5 MB"), (Language::En, "1.5 MB"), (Language::Es, "1,5 MB")]
        {
            assert_eq!(words(language).format_size(3 << 19), size);
        }
    }

    #[test]
    fn an_ending_is_told_in_plain_words() {
        let at: Timestamp = "2026-08-03T17:02:00Z".parse().unwrap();
        let en = words(Language::PtBr).in_language(Language::En);
        assert_eq!(
            en.ticket_ending_text(&TicketEnding::Customer, at),
            "✅ Closed by the customer at 14:02."
        );
        assert_eq!(
            en.ticket_ending_text(&TicketEnding::Other("ClosedByMoon".to_owned()), at),
            "✅ Closed in Blip (ClosedByMoon) at 14:02."
        );
    }

    #[test]
    fn a_failed_delivery_is_told_with_its_reason() {
        let pt = words(Language::PtBr);
        for (code, reason) in [
            (
                Some((131_026, "undeliverable")),
                "este número não pode receber mensagens no WhatsApp",
            ),
            (Some((7, "")), "o Blip recusou (código 7)"),
            (Some((67, "Contact not found.")), "Contact not found (código 67)"),
            (Some((67, "")), "o Blip não encontrou o que foi pedido"),
            (Some((7, " Business account\nis locked. ")), "Business account is locked (código 7)"),
            (None, "motivo não informado"),
        ] {
            assert_eq!(pt.failure_reason(code), reason);
        }
        assert_eq!(pt.describe_failure("none", "Not now."), "Not now");
        assert_eq!(pt.describe_failure("none", ""), "o Blip não aceitou e não diz por quê");
    }
}
