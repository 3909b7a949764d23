//! How IMAP spells a refusal: always NO, with a response code (RFC 5530 §3).

use crate::model::refusal::Refusal;
use crate::wire::imap::response::{Code, Word};

/// The response code; the text is the refusal's own.
pub(super) fn code(refusal: &Refusal) -> Code {
    Code::Word(match refusal {
        Refusal::UnknownRecipient(_) | Refusal::NotFound { .. } => Word::NonExistent,
        Refusal::Disabled(_) => Word::AuthorizationFailed,
        Refusal::RelayDenied(_) | Refusal::NotYourAddress { .. } | Refusal::NotPermitted(_) => Word::NoPerm,
        Refusal::AliasLoop(_)
        | Refusal::BadMessage(_)
        | Refusal::Rejected(_)
        | Refusal::NotAuthenticated(_)
        | Refusal::Infected(_)
        | Refusal::ByFilter { .. }
        | Refusal::Invalid { .. } => Word::Cannot,
        Refusal::OverQuota(_) => Word::OverQuota,
        Refusal::TooLarge(_) => Word::TooBig,
        Refusal::BadCredentials | Refusal::CodeNeeded => Word::AuthenticationFailed,
        Refusal::Exists { .. } => Word::AlreadyExists,
        Refusal::InUse(_) | Refusal::Changed => Word::InUse,
        Refusal::LimitReached(_) => Word::Limit,
        Refusal::NoRoom | Refusal::PutOff(_) | Refusal::TryLater { .. } => Word::Unavailable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::response::{Status, status};

    #[test]
    fn each_reason_has_its_code() {
        for (refusal, want) in [
            (
                Refusal::NotFound {
                    what: "mailbox",
                    name: "x".into(),
                },
                "* NO [NONEXISTENT] there is no mailbox x\r\n",
            ),
            (
                Refusal::Exists {
                    what: "mailbox",
                    name: "x".into(),
                },
                "* NO [ALREADYEXISTS] mailbox x exists already\r\n",
            ),
            (Refusal::OverQuota("a@b".into()), "* NO [OVERQUOTA] a@b is over quota\r\n"),
            (
                Refusal::BadCredentials,
                "* NO [AUTHENTICATIONFAILED] the login name or the password is wrong\r\n",
            ),
            (
                Refusal::LATER,
                "* NO [UNAVAILABLE] not possible at this moment, try again later\r\n",
            ),
        ] {
            let mut out = Vec::new();
            status(&mut out, None, Status::No, Some(&code(&refusal)), &refusal.to_string());
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
    }
}
