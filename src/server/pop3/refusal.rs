//! Refusals in the words of POP3 (RFC 2449 §8, RFC 3206 §4): the only place that spells them.

use crate::model::refusal::Refusal;
use crate::wire::pop3::reply::{Code, Reply};

pub(super) fn spell(refusal: &Refusal) -> Reply {
    Reply::Err(code(refusal), refusal.to_string().into())
}

fn code(refusal: &Refusal) -> Option<Code> {
    match refusal {
        Refusal::BadCredentials | Refusal::CodeNeeded | Refusal::Disabled(_) | Refusal::NotPermitted(_) => Some(Code::Auth),
        Refusal::InUse(_) => Some(Code::InUse),
        Refusal::NoRoom | Refusal::PutOff(_) | Refusal::TryLater { .. } | Refusal::LimitReached(_) | Refusal::OverQuota(_) => {
            Some(Code::SysTemp)
        }
        // Known mail, known user, and yet not there: somebody must look.
        Refusal::NotFound { .. } => Some(Code::SysPerm),
        Refusal::UnknownRecipient(_)
        | Refusal::RelayDenied(_)
        | Refusal::AliasLoop(_)
        | Refusal::TooLarge(_)
        | Refusal::NotYourAddress { .. }
        | Refusal::BadMessage(_)
        | Refusal::Rejected(_)
        | Refusal::NotAuthenticated(_)
        | Refusal::Infected(_)
        | Refusal::ByFilter { .. }
        | Refusal::Exists { .. }
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
            (Refusal::BadCredentials, "-ERR [AUTH] the login name or the password is wrong\r\n"),
            (Refusal::LATER, "-ERR [SYS/TEMP] not possible at this moment, try again later\r\n"),
            (Refusal::TooLarge(7), "-ERR the message is larger than the limit of 7 octets\r\n"),
        ];
        for (refusal, line) in table {
            assert_eq!(spell(&refusal).encode(), line.as_bytes());
        }
    }
}
