//! How a command says that something was not done: one line, a JSON object with `--json`, and the exit status.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use serde_json::json;

use crate::model::refusal::Refusal;
use crate::{app, config};

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The house said no.
    Refused(Refusal),
    /// A server elsewhere said no: its word for the reason, and the sentence.
    Problem { name: String, detail: String },
    /// A server elsewhere cannot be reached, or answers what cannot be understood.
    Unreachable(String),
    /// Some of it failed; each was reported when it happened.
    Incomplete(String),
    /// The command was used wrongly.
    Usage(String),
    /// The configuration, or something it names, cannot be used.
    Unusable(String),
    /// Standard output or the terminal failed.
    Terminal(io::Error),
}

impl Failure {
    /// Prints it to standard error; the exit status that belongs to it.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        if !self.is_silent() {
            eprintln!("{}", self.line(json));
        }
        ExitCode::from(self.status())
    }

    /// A reader that went away, such as `head`, has seen enough: nothing failed.
    fn is_silent(&self) -> bool {
        matches!(self, Self::Terminal(cause) if cause.kind() == ErrorKind::BrokenPipe)
    }

    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Unusable(_) => 2,
            _ if self.is_silent() => 0,
            Self::Refused(_) | Self::Problem { .. } | Self::Unreachable(_) | Self::Incomplete(_) | Self::Terminal(_) => 1,
        }
    }

    fn line(&self, json: bool) -> String {
        let message = match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Problem { detail, .. } => detail.clone(),
            Self::Unreachable(text) | Self::Incomplete(text) | Self::Usage(text) | Self::Unusable(text) => text.clone(),
            Self::Terminal(cause) => cause.to_string(),
        };
        let message = message.lines().collect::<Vec<_>>().join(" ");
        if json {
            json!({ "error": self.name(), "message": message }).to_string()
        } else {
            format!("posthouse: {message}")
        }
    }

    /// A word for programs, which does not change.
    fn name(&self) -> &str {
        match self {
            Self::Refused(refusal) => name(refusal),
            Self::Problem { name, .. } => name,
            Self::Unreachable(_) => "unreachable",
            Self::Incomplete(_) => "incomplete",
            Self::Usage(_) => "usage",
            Self::Unusable(_) => "unusable",
            Self::Terminal(_) => "terminal",
        }
    }
}

/// The command line's spelling of each refusal.
fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownRecipient(_) => "unknown_recipient",
        Refusal::Disabled(_) => "disabled",
        Refusal::RelayDenied(_) => "relay_denied",
        Refusal::AliasLoop(_) => "alias_loop",
        Refusal::OverQuota(_) => "over_quota",
        Refusal::TooLarge(_) => "too_large",
        Refusal::NotYourAddress { .. } => "not_your_address",
        Refusal::BadMessage(_) => "bad_message",
        Refusal::Rejected(_) => "rejected",
        Refusal::NotAuthenticated(_) => "not-authenticated",
        Refusal::Infected(_) => "infected",
        Refusal::ByFilter { .. } => "refused_by_filter",
        Refusal::BadCredentials => "bad_credentials",
        Refusal::CodeNeeded => "code_needed",
        Refusal::NotPermitted(_) => "not_permitted",
        Refusal::NotFound { .. } => "not_found",
        Refusal::Exists { .. } => "exists",
        Refusal::InUse(_) => "in_use",
        Refusal::Changed => "changed",
        Refusal::Invalid { .. } => "invalid",
        Refusal::LimitReached(_) => "limit_reached",
        Refusal::PutOff(_) => "put_off",
        Refusal::NoRoom => "no_room",
        Refusal::TryLater { .. } => "try_later",
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<app::Failure> for Failure {
    fn from(failure: app::Failure) -> Self {
        Self::Unusable(failure.to_string())
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Terminal(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_one_line_with_its_status() {
        for (failure, status, text, document) in [
            (
                Failure::from(Refusal::NotFound {
                    what: "user",
                    name: "alice@example.test".into(),
                }),
                1,
                "posthouse: there is no user alice@example.test",
                r#"{"error":"not_found","message":"there is no user alice@example.test"}"#,
            ),
            (
                Failure::from(app::Failure("listen.smtp:\n127.0.0.1:25 is in use".into())),
                2,
                "posthouse: listen.smtp: 127.0.0.1:25 is in use",
                r#"{"error":"unusable","message":"listen.smtp: 127.0.0.1:25 is in use"}"#,
            ),
            (
                Failure::Usage("the passwords differ".into()),
                2,
                "posthouse: the passwords differ",
                r#"{"error":"usage","message":"the passwords differ"}"#,
            ),
            (
                Failure::Problem {
                    name: "not_found".into(),
                    detail: "there is no user alice@example.test".into(),
                },
                1,
                "posthouse: there is no user alice@example.test",
                r#"{"error":"not_found","message":"there is no user alice@example.test"}"#,
            ),
        ] {
            assert_eq!(failure.status(), status);
            assert_eq!(failure.line(false), text);
            assert_eq!(failure.line(true), document);
        }
        let gone = Failure::from(io::Error::from(ErrorKind::BrokenPipe));
        assert!(gone.is_silent());
        assert_eq!(gone.status(), 0);
    }
}
