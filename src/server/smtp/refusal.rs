//! Refusals, as SMTP spells them: the only table from [`Refusal`] to replies.
//!
//! RFC 5321 §4.2.3 (codes), RFC 3463 §3 (enhanced codes), RFC 7372 §3.3 (mail that is not authenticated).

use crate::model::refusal::Refusal;
use crate::wire::smtp::reply::{self, Reply};

/// The reply to MAIL, RCPT and the end of data.
pub(super) fn spell(refusal: &Refusal) -> Reply {
    let (code, status) = match refusal {
        Refusal::UnknownRecipient(_) => (550, (5, 1, 1)),
        Refusal::Disabled(_) => (550, (5, 2, 1)),
        Refusal::RelayDenied(_) => (554, (5, 7, 1)),
        Refusal::AliasLoop(_) => (554, (5, 4, 6)),
        // Temporary, since the owner may make room: RFC 3463 §3.3 X.2.2.
        Refusal::OverQuota(_) => (452, (4, 2, 2)),
        Refusal::TooLarge(_) => (552, (5, 3, 4)),
        Refusal::NotYourAddress { .. } => (553, (5, 7, 1)),
        Refusal::BadMessage(_) => (554, (5, 6, 0)),
        Refusal::BadCredentials | Refusal::CodeNeeded => return reply::AUTH_FAILED,
        // RFC 5429 §2.1.2.
        Refusal::NotPermitted(_) | Refusal::Rejected(_) => (550, (5, 7, 1)),
        // RFC 7372 §3.3.
        Refusal::NotAuthenticated(_) => (550, (5, 7, 26)),
        // RFC 3463 §3.8 X.7.0.
        Refusal::Infected(_) => (554, (5, 7, 0)),
        Refusal::ByFilter { code, status, .. } => (*code, *status),
        Refusal::NotFound { .. } | Refusal::Exists { .. } | Refusal::InUse(_) | Refusal::Changed => (554, (5, 3, 0)),
        Refusal::Invalid { .. } => (501, (5, 5, 4)),
        Refusal::LimitReached(_) => (452, (4, 7, 1)),
        // RFC 6647 §5.
        Refusal::PutOff(_) => (451, (4, 7, 1)),
        // RFC 3463 §3.4 X.3.1.
        Refusal::NoRoom => (452, (4, 3, 1)),
        Refusal::TryLater { .. } => (451, (4, 3, 0)),
    };
    Reply::worded(code, status, refusal.to_string())
}

/// The reply to AUTH: what is wrong with the account is nobody's business who has not logged in (RFC 4954 §6).
pub(super) fn spell_login(refusal: &Refusal) -> Reply {
    if refusal.is_temporary() {
        reply::AUTH_LATER
    } else {
        reply::AUTH_FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_reply() {
        let text = || String::from("x@y.test");
        for (refusal, expected) in [
            (Refusal::UnknownRecipient(text()), "550 5.1.1 there is no mailbox x@y.test here"),
            (Refusal::Disabled(text()), "550 5.2.1 x@y.test is disabled"),
            (
                Refusal::RelayDenied(text()),
                "554 5.7.1 relaying to x@y.test is not permitted without logging in",
            ),
            (Refusal::AliasLoop(text()), "554 5.4.6 the aliases of x@y.test lead in a circle"),
            (Refusal::OverQuota(text()), "452 4.2.2 x@y.test is over quota"),
            (Refusal::TooLarge(10), "552 5.3.4 the message is larger than the limit of 10 octets"),
            (Refusal::BadMessage("no date".into()), "554 5.6.0 no date"),
            (Refusal::BadCredentials, "535 5.7.8 The login name or the password is wrong"),
            (Refusal::NotPermitted("no".into()), "550 5.7.1 no"),
            (Refusal::NotAuthenticated("who?".into()), "550 5.7.26 who?"),
            (
                Refusal::Infected("V".into()),
                "554 5.7.0 the message has the virus V, and is refused",
            ),
            (Refusal::InUse("busy".into()), "554 5.3.0 busy"),
            (Refusal::LimitReached("enough".into()), "452 4.7.1 enough"),
            (Refusal::PutOff("later".into()), "451 4.7.1 later"),
            (Refusal::NoRoom, "452 4.3.1 there is no room on the disk, try again later"),
            (Refusal::LATER, "451 4.3.0 not possible at this moment, try again later"),
        ] {
            let reply = spell(&refusal);
            assert_eq!(reply.to_string(), expected);
            assert_eq!(reply.code().is_temporary(), refusal.is_temporary(), "{expected}");
        }
    }
}
