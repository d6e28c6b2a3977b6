//! What can go wrong in a call to Slack, and what that means.
//!
//! Response bodies are dropped on the way: they may hold what people wrote.

use std::time::Duration;

use slack_morphism::errors::SlackClientError;

use crate::model::{Failure, Fault};

/// A failed call to Slack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Slack asks to wait, or we know from an earlier answer that it would.
    #[error("{method}: slack asks to wait{}", after.map(|a| format!(" {} s", a.as_secs())).unwrap_or_default())]
    Busy {
        /// The Web API method.
        method: &'static str,
        /// How long Slack asks to wait; none if it does not say.
        after: Option<Duration>,
    },
    /// No connection to Slack; nothing was sent.
    #[error("{method}: slack cannot be reached")]
    Unreachable {
        /// The Web API method.
        method: &'static str,
    },
    /// No answer, or none that can be understood: it may have taken effect.
    #[error("{method}: outcome unknown ({what})")]
    OutcomeUnknown {
        /// The Web API method.
        method: &'static str,
        /// What was seen instead of an answer.
        what: String,
    },
    /// Slack has answered, and refused.
    #[error("{method}: slack answered {code}")]
    Api {
        /// The Web API method.
        method: &'static str,
        /// Slack's error code, such as `channel_not_found`.
        code: String,
    },
    /// Slack put our message at the root of the channel, because the thread is gone.
    #[error("{method}: the thread is gone")]
    Orphaned {
        /// The Web API method.
        method: &'static str,
    },
}

/// The last step of an upload, and the only one that shows.
pub(super) const COMPLETE_UPLOAD_METHOD: &str = "files.completeUploadExternal";
/// Codes with which Slack says that our token or its scopes do not do.
const CREDENTIAL_CODES: [&str; 12] = [
    // None of these mends itself (`slack.md` C.5), so they stop all calls but a probe now and then.
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "not_allowed_token_type",
    "team_access_not_granted",
    "two_factor_setup_required",
    "accesslimited",
    "ekm_access_denied",
    "org_login_required",
];
/// Codes after which nothing has happened and a later try may succeed.
const TRANSIENT_CODES: [&str; 3] =
    ["service_unavailable", "team_added_to_org", "external_channel_migrating"];
/// Codes of which Slack says that some part of the operation may have succeeded.
const UNKNOWN_OUTCOME_CODES: [&str; 3] = ["internal_error", "fatal_error", "request_timeout"];
/// Codes that ask to wait.
const RATE_LIMIT_CODES: [&str; 3] = ["ratelimited", "rate_limited", "message_limit_exceeded"];
/// Codes that say that a channel cannot be posted to.
const LOST_CHANNEL_CODES: [&str; 6] = [
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "is_inactive",
    "no_permission",
    "posting_to_channel_denied",
];
/// Codes that say that a message or its thread is gone.
const GONE_MESSAGE_CODES: [&str; 6] = [
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
    "cant_update_message",
    "edit_window_closed",
];

impl Error {
    /// Translates an error of the library, dropping what Slack wrote.
    pub(crate) fn from_library(method: &'static str, error: SlackClientError) -> Self {
        match error {
            SlackClientError::RateLimitError(limit) => {
                Self::Busy { method, after: limit.retry_after }
            }
            SlackClientError::ApiError(api) => Self::Api { method, code: api.code },
            // Slack answers `unknown_method` with a 200; a 404 comes from what stands in its place,
            // such as a proxy or a stand-in, and is as certain: nothing was done.
            SlackClientError::HttpError(http) if http.status_code.as_u16() == 404 => {
                Self::Api { method, code: "unknown_method".to_owned() }
            }
            SlackClientError::HttpError(http) => {
                // A 5xx may come after the post was made (`slack.md` C.5), so it is not taken for a
                // failure.
                Self::OutcomeUnknown { method, what: format!("HTTP {}", http.status_code.as_u16()) }
            }
            SlackClientError::HttpProtocolError(protocol) => {
                let cause =
                    protocol.cause.as_ref().and_then(|e| e.downcast_ref::<reqwest::Error>());
                match cause {
                    // Without a connection nothing was sent, so the call may be made again without
                    // a lookup.
                    Some(cause) if cause.is_connect() => Self::Unreachable { method },
                    Some(cause) if cause.is_timeout() => {
                        Self::OutcomeUnknown { method, what: "no answer in time".to_owned() }
                    }
                    _ => Self::OutcomeUnknown { method, what: "connection lost".to_owned() },
                }
            }
            SlackClientError::ProtocolError(_)
            | SlackClientError::EndOfStream(_)
            | SlackClientError::SystemError(_)
            | SlackClientError::SocketModeProtocolError(_) => {
                Self::OutcomeUnknown { method, what: "unreadable answer".to_owned() }
            }
        }
    }

    /// Slack's error code, if it gave one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the channel cannot be posted to.
    pub(crate) fn is_channel_lost(&self) -> bool {
        self.code().is_some_and(|code| {
            LOST_CHANNEL_CODES.contains(&code)
                // Slack has one for each reason that a channel can have, and adds more.
                || code.starts_with("restricted_action") && !GONE_MESSAGE_CODES.contains(&code)
        })
    }

    /// Whether a click came too late, or a second time, to open something.
    pub(crate) fn is_expired_trigger(&self) -> bool {
        // `expired_trigger_id`, `trigger_expired`, `invalid_trigger_id`, `exchanged_trigger_id`:
        // the documents and the answers do not agree on one name.
        self.code().is_some_and(|code| code.contains("trigger"))
    }

    /// Whether Slack knows nobody such, or does not let us see them.
    pub(crate) fn is_unknown_user(&self) -> bool {
        let code = self.code().unwrap_or_default();
        ["user_not_found", "users_not_found", "user_not_visible"].contains(&code)
    }

    /// Whether Slack knows no such user group.
    pub(crate) fn is_unknown_group(&self) -> bool {
        let code = self.code().unwrap_or_default();
        ["no_such_subteam", "subteam_not_found", "invalid_subteam"].contains(&code)
    }

    /// Whether Slack refused how a post looks, not that it is posted.
    pub(crate) fn is_invalid_blocks(&self) -> bool {
        let code = self.code().unwrap_or_default();
        // Slack appends what it dislikes (`invalid_blocks_format`), so the beginning is compared.
        code.starts_with("invalid_blocks") || code == "msg_blocks_too_long"
    }

    /// Whether the message or thread that was meant is gone.
    pub(crate) fn is_message_gone(&self) -> bool {
        matches!(self, Self::Orphaned { .. })
            || self.code().is_some_and(|c| GONE_MESSAGE_CODES.contains(&c))
    }

    /// The right to files may be missing where the app was installed long ago. That concerns the
    /// file in question and nothing else.
    pub(super) fn into_file_error(self) -> Self {
        match self {
            // Taken for what it is, it would stop all calls (`Fault::Credentials`), and words would
            // wait for the sake of pictures.
            Self::Api { method, code } if code == "missing_scope" => {
                Self::Api { method, code: "no_scope_for_files".to_owned() }
            }
            error => error,
        }
    }

    /// What Slack says of an upload that it has taken already.
    pub(crate) fn file_used_up() -> Self {
        Self::Api { method: COMPLETE_UPLOAD_METHOD, code: "file_not_found".to_owned() }
    }

    /// What showing a file ends with that Slack may have taken, while the store could not note that.
    pub(crate) const fn unknown_share(what: String) -> Self {
        Self::OutcomeUnknown { method: COMPLETE_UPLOAD_METHOD, what }
    }

    /// Whether a file that was uploaded is not there any more, or has been shown already.
    pub(crate) fn is_file_gone(&self) -> bool {
        self.code().is_some_and(|code| matches!(code, "file_not_found" | "file_deleted"))
    }
}

impl Failure for Error {
    fn to_fault(&self) -> Fault {
        match self {
            Self::Busy { after, .. } => Fault::Busy { after: *after },
            Self::Unreachable { .. } => Fault::Down,
            Self::OutcomeUnknown { .. } => Fault::OutcomeUnknown,
            // The post has been taken back already, so to whoever handles it this is what Slack
            // should have said (`slack.md` C.5: no error is documented for a parent that was
            // deleted).
            Self::Orphaned { .. } => Fault::Refused { code: "thread_not_found".to_owned() },
            Self::Api { code, .. } if RATE_LIMIT_CODES.contains(&code.as_str()) => {
                Fault::Busy { after: None }
            }
            Self::Api { code, .. } if CREDENTIAL_CODES.contains(&code.as_str()) => {
                Fault::Credentials
            }
            Self::Api { code, .. } if TRANSIENT_CODES.contains(&code.as_str()) => Fault::Down,
            Self::Api { code, .. } if UNKNOWN_OUTCOME_CODES.contains(&code.as_str()) => {
                Fault::OutcomeUnknown
            }
            Self::Api { code, .. } => Fault::Refused { code: code.clone() },
        }
    }

    fn is_lookup_impossible(&self) -> bool {
        // A thread or a channel that is gone is an answer, too: the post is not there. Only a
        // refusal to tell leaves us without one (`what_can_never_be_looked_up_is_said_again`).
        let is_refused = matches!(self.to_fault(), Fault::Refused { .. });
        is_refused && !self.is_message_gone() && !self.is_channel_lost()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: &str) -> Error {
        Error::Api { method: "chat.postMessage", code: code.to_owned() }
    }

    #[test]
    fn each_code_leads_to_one_decision() {
        let refused = |code: &str| Fault::Refused { code: code.to_owned() };
        for (code, fault) in [
            ("ratelimited", Fault::Busy { after: None }),
            ("token_revoked", Fault::Credentials),
            ("service_unavailable", Fault::Down),
            ("internal_error", Fault::OutcomeUnknown),
            ("is_archived", refused("is_archived")),
            ("something_new", refused("something_new")),
        ] {
            assert_eq!(api(code).to_fault(), fault, "{code}");
        }
    }

    #[test]
    fn a_lost_channel_is_told_from_a_lost_message() {
        assert!(api("not_in_channel").is_channel_lost());
        assert!(api("restricted_action_read_only_channel").is_channel_lost());
        assert!(!api("restricted_action_thread_locked").is_channel_lost());
        assert!(api("restricted_action_thread_locked").is_message_gone());
        assert!(!api("invalid_blocks").is_message_gone());
    }
}
