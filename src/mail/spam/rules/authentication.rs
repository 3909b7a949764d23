//! What SPF, DKIM, DMARC and ARC have found.

use super::peer::is_remote;
use super::{Facts, Found, Rule, rule, that, when};
use crate::model::verdict::{Authentication, Outcome, Policy};

pub(super) const RULES: &[Rule] = &[
    rule("R_SPF_ALLOW", -0.2, "SPF allows the sender to send from there.", |it| {
        spf(it, Outcome::Pass)
    }),
    rule("R_SPF_FAIL", 2.0, "SPF forbids the sender to send from there.", |it| {
        spf(it, Outcome::Fail)
    }),
    rule("R_SPF_SOFTFAIL", 0.8, "SPF doubts that the sender may send from there.", |it| {
        spf(it, Outcome::SoftFail)
    }),
    rule(
        "R_SPF_NEUTRAL",
        0.2,
        "SPF of the sender's domain says nothing of that address.",
        |it| spf(it, Outcome::Neutral),
    ),
    rule("R_SPF_NA", 0.3, "The sender's domain has no SPF.", |it| spf(it, Outcome::None)),
    rule("R_SPF_PERMFAIL", 0.5, "SPF of the sender's domain cannot be understood.", |it| {
        spf(it, Outcome::PermError)
    }),
    rule("R_SPF_DNSFAIL", 0.0, "SPF could not be looked up.", |it| {
        spf(it, Outcome::TempError)
    }),
    rule("R_DKIM_ALLOW", -0.2, "A signature is good.", |it| dkim(it, Outcome::Pass)),
    rule("R_DKIM_REJECT", 1.0, "There are signatures, and none is good.", |it| {
        match passed(it) {
            false => dkim(it, Outcome::Fail),
            true => None,
        }
    }),
    rule(
        "R_DKIM_PERMFAIL",
        0.5,
        "A signature, or its key, cannot be understood.",
        |it| match passed(it) {
            false => dkim(it, Outcome::PermError),
            true => None,
        },
    ),
    rule("R_DKIM_TEMPFAIL", 0.0, "The key of a signature could not be looked up.", |it| {
        dkim(it, Outcome::TempError)
    }),
    rule("R_DKIM_NA", 0.2, "The message has no signature.", |it| {
        when(known(it)?.dkim.is_empty() && !it.has("DKIM-Signature"))
    }),
    rule("DMARC_POLICY_ALLOW", -0.5, "The author's domain vouches for the message.", |it| {
        dmarc(it, Outcome::Pass, None)
    }),
    rule(
        "DMARC_POLICY_REJECT",
        4.0,
        "The author's domain wants it refused: nobody vouches for it.",
        |it| dmarc(it, Outcome::Fail, Some(Policy::Reject)),
    ),
    rule(
        "DMARC_POLICY_QUARANTINE",
        2.5,
        "The author's domain wants it to be junk: nobody vouches for it.",
        |it| dmarc(it, Outcome::Fail, Some(Policy::Quarantine)),
    ),
    rule(
        "DMARC_POLICY_SOFTFAIL",
        0.5,
        "Nobody vouches for the author, whose domain only wants to know of it.",
        |it| dmarc(it, Outcome::Fail, Some(Policy::None)),
    ),
    rule("DMARC_NA", 0.2, "The author's domain has no DMARC policy.", |it| {
        dmarc(it, Outcome::None, None)
    }),
    rule("DMARC_BAD_POLICY", 0.5, "The author's DMARC policy cannot be understood.", |it| {
        dmarc(it, Outcome::PermError, None)
    }),
    rule("ARC_ALLOW", -0.3, "Those who have handed it on vouch for what they got.", |it| {
        when(known(it)?.arc.outcome == Outcome::Pass)
    }),
    rule("ARC_TRUSTED", -1.0, "A trusted server vouches for it by ARC.", |it| {
        when(known(it)?.arc.vouches)
    }),
    rule("ARC_REJECT", 0.5, "The chain of those who have handed it on is broken.", |it| {
        when(known(it)?.arc.outcome == Outcome::Fail)
    }),
    rule("AUTH_NA", 1.0, "Neither SPF nor a signature nor DMARC speaks for it.", |it| {
        let found = known(it)?;
        let outcomes = [found.spf.outcome, found.dmarc.outcome, found.arc.outcome];
        let signatures = found.dkim.iter().map(|it| it.outcome);
        // What could not be found out now may speak for it.
        let may_speak = |outcome: Outcome| matches!(outcome, Outcome::Pass | Outcome::TempError);
        // Nor has anything to for a program of this machine.
        when(is_remote(it) && !outcomes.into_iter().chain(signatures).any(may_speak))
    }),
    rule(
        "SIGNED_BY_ANOTHER",
        0.0,
        "All good signatures are of domains other than the author's.",
        |it| {
            let found = known(it)?;
            that(passed(it) && !found.dmarc.dkim_is_aligned, &found.dmarc.domain)
        },
    ),
];

fn known<'f>(facts: &'f Facts<'_>) -> Option<&'f Authentication> {
    facts.case.authentication
}

fn spf(facts: &Facts<'_>, outcome: Outcome) -> Found {
    let spf = &known(facts)?.spf;
    // Without a domain it was not looked at.
    that(spf.outcome == outcome && !spf.domain.is_empty(), &spf.domain)
}

fn passed(facts: &Facts<'_>) -> bool {
    known(facts).is_some_and(|found| found.dkim.iter().any(|it| it.outcome == Outcome::Pass))
}

fn dkim(facts: &Facts<'_>, outcome: Outcome) -> Found {
    let signature = known(facts)?.dkim.iter().find(|it| it.outcome == outcome)?;
    Some(signature.domain.clone())
}

fn dmarc(facts: &Facts<'_>, outcome: Outcome, policy: Option<Policy>) -> Found {
    let dmarc = &known(facts)?.dmarc;
    let holds = dmarc.outcome == outcome && policy.is_none_or(|policy| policy == dmarc.policy);
    that(holds && !dmarc.domain.is_empty(), &dmarc.domain)
}
