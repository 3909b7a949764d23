//! Refusals in the words of ManageSieve (RFC 5804 §1.3): the only place that spells them.

use crate::mail::filter::Problem;
use crate::model::refusal::Refusal;
use crate::wire::managesieve::response::{Code, Response};

pub(super) fn spell(refusal: &Refusal) -> Response {
    Response::no(code(refusal), refusal.to_string())
}

/// A script that is wrong: each mistake on a line with its place.
pub(super) fn wrong(problems: &[Problem]) -> Response {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Response::no(None, lines.join("\r\n"))
}

fn code(refusal: &Refusal) -> Option<Code> {
    match refusal {
        Refusal::NotFound { .. } => Some(Code::NonExistent),
        Refusal::Exists { .. } => Some(Code::AlreadyExists),
        Refusal::InUse(_) => Some(Code::Active),
        Refusal::LimitReached(_) | Refusal::OverQuota(_) => Some(Code::Quota),
        Refusal::TooLarge(_) => Some(Code::MaxSize),
        Refusal::NoRoom | Refusal::PutOff(_) | Refusal::TryLater { .. } => Some(Code::TryLater),
        Refusal::BadCredentials
        | Refusal::CodeNeeded
        | Refusal::Disabled(_)
        | Refusal::NotPermitted(_)
        | Refusal::UnknownRecipient(_)
        | Refusal::RelayDenied(_)
        | Refusal::AliasLoop(_)
        | Refusal::NotYourAddress { .. }
        | Refusal::BadMessage(_)
        | Refusal::Rejected(_)
        | Refusal::NotAuthenticated(_)
        | Refusal::Infected(_)
        | Refusal::ByFilter { .. }
        | Refusal::Changed
        | Refusal::Invalid { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_codes() {
        let table = [
            (Refusal::BadCredentials, "NO \"the login name or the password is wrong\"\r\n"),
            (Refusal::LATER, "NO (TRYLATER) \"not possible at this moment, try again later\"\r\n"),
            (Refusal::InUse("x".into()), "NO (ACTIVE) \"x\"\r\n"),
        ];
        for (refusal, line) in table {
            assert_eq!(spell(&refusal).encode(), line.as_bytes());
        }
    }
}
