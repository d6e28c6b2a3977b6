//! What a check found, and what is to be done about it.

use std::fmt;

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// As it should be.
    Ok,
    /// Nothing is known to be wrong; where a person can look, because the program cannot.
    Hint,
    /// The bridge works, and something is worth a look.
    Warning,
    /// The bridge cannot work.
    Failed,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The name of the check, for programs; several findings may come from one.
    pub check: &'static str,
    /// Whether it is as it should be, and how bad it is if not.
    pub outcome: CheckOutcome,
    /// What was found, in one line.
    pub text: String,
    /// What to do about it; never missing where a check failed or warns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, outcome: CheckOutcome::Ok, text: text.into(), fix: None }
    }

    pub(super) fn hint(check: &'static str, text: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Hint, ..Self::ok(check, text) }
    }

    pub(super) fn warning(
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let fix = Some(fix.into());
        Self { outcome: CheckOutcome::Warning, fix, ..Self::ok(check, text) }
    }

    pub(super) fn failed(
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { outcome: CheckOutcome::Failed, ..Self::warning(check, text, fix) }
    }

    /// A failure if the bridge cannot work without it, else a warning.
    pub(super) fn trouble(is_vital: bool, check: &'static str, text: String, fix: &str) -> Self {
        if is_vital { Self::failed(check, text, fix) } else { Self::warning(check, text, fix) }
    }

    /// Whether the bridge cannot work like this.
    pub fn has_failed(&self) -> bool {
        self.outcome == CheckOutcome::Failed
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            CheckOutcome::Ok => "ok     ",
            CheckOutcome::Hint => "hint   ",
            CheckOutcome::Warning => "warning",
            CheckOutcome::Failed => "FAILED ",
        };
        write!(f, "{mark}  {}", self.text)?;
        match &self.fix {
            Some(fix) => write!(f, "\n         → {fix}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_its_fix_another() {
        let failed = Finding::failed("slack-channel", "SLACK_CHANNEL: is archived", "unarchive it");
        insta::assert_snapshot!(failed, @r"
        FAILED   SLACK_CHANNEL: is archived
                 → unarchive it
        ");
        assert_eq!(Finding::ok("version", "blip-slack").to_string(), "ok       blip-slack");
    }
}
