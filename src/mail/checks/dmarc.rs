//! DMARC: whether the author's domain vouches for a message, and what it wants to be done if not.
//!
//! RFC 9989 §4.10 (records and organisations), §5.3 (the check), RFC 7489 §3.1 (alignment).

use futures_util::future::join_all;

use super::Names;
use crate::mail::dns::NoAnswer;
use crate::mail::reports::dmarc::Published;
use crate::model::address::Domain;
use crate::model::verdict::{Dkim, Dmarc, Outcome, Policy, Spf};
use crate::wire::dmarc::{Record, organization, steps};

/// Who has signed or sent it, as DMARC sees them.
pub(super) struct Evidence<'e> {
    /// The domains in From.
    pub authors: &'e [Domain],
    /// SPF of the sender.
    pub spf: &'e Spf,
    /// The signatures.
    pub dkim: &'e [Dkim],
}

/// Asks the author's domain; the policy too, if there is one. Without one author's domain there is nothing to check.
pub(super) async fn check(names: &impl Names, evidence: &Evidence<'_>) -> (Dmarc, Option<Published>) {
    let Some((author, others)) = evidence.authors.split_first() else {
        return Default::default();
    };
    if others.iter().any(|other| other != author) {
        return Default::default();
    }
    let plain = |outcome| Dmarc {
        outcome,
        domain: author.to_string(),
        ..Dmarc::default()
    };
    let author = author.as_str();
    let Ok(found) = records(names, author).await else {
        return (plain(Outcome::TempError), None);
    };
    let organization = organization(author, &found);
    let Some((policy, domain, record)) = applied(names, author, organization, &found).await else {
        return (plain(Outcome::None), None);
    };
    let judge = Judge {
        names,
        author,
        organization,
    };
    let spf_domain = evidence.spf.domain.to_ascii_lowercase();
    let spf = judge.aligned(evidence.spf.outcome, &spf_domain, record.is_spf_strict).await;
    let signatures = evidence.dkim.iter().map(|signature| judge.signed(signature, record.is_dkim_strict));
    let dkim = join_all(signatures).await;
    let is = |wanted: Outcome| (spf == wanted, dkim.contains(&wanted));
    let (by_spf, by_dkim) = is(Outcome::Pass);
    let unsure = is(Outcome::TempError);
    let published = Published {
        domain: domain.to_owned(),
        record: record.clone(),
    };
    let dmarc = Dmarc {
        policy,
        spf_is_aligned: by_spf,
        dkim_is_aligned: by_dkim,
        wants_reports: !record.reports.is_empty(),
        ..plain(match (by_spf || by_dkim, unsure.0 || unsure.1) {
            (true, _) => Outcome::Pass,
            // RFC 9989 §5.3.6: it can neither pass nor fail.
            (false, true) => Outcome::TempError,
            (false, false) => Outcome::Fail,
        })
    };
    (dmarc, Some(published))
}

/// The domain of the organisation that a name belongs to (RFC 9989 §4.10.2).
pub(super) async fn organization_of<'d>(names: &impl Names, domain: &'d str) -> Result<&'d str, NoAnswer> {
    let found = records(names, domain).await?;
    Ok(organization(domain, &found))
}

/// The records at the steps of a name, its own first, up to where it is said that there is no more to look for.
async fn records<'d>(names: &impl Names, domain: &'d str) -> Result<Vec<(&'d str, Record)>, NoAnswer> {
    let steps = steps(domain);
    let asked = steps.iter().map(|step| async move { names.txt(&format!("_dmarc.{step}")).await });
    let answers = join_all(asked).await;
    let mut found = Vec::new();
    for (step, answer) in steps.into_iter().zip(answers) {
        let texts = match answer {
            Ok(texts) => texts,
            Err(NoAnswer::NoSuchName(_)) => continue,
            Err(problem) => return Err(problem),
        };
        if let Some(record) = Record::select(texts.iter().map(Vec::as_slice)) {
            let is_last = record.is_public_suffix.is_some();
            found.push((step, record));
            if is_last {
                break;
            }
        }
    }
    Ok(found)
}

/// The policy for the author's domain, whose it is, and the record that has it (RFC 9989 §4.10.1).
async fn applied<'f>(
    names: &impl Names,
    author: &str,
    organization: &str,
    found: &'f [(&'f str, Record)],
) -> Option<(Policy, &'f str, &'f Record)> {
    let at = |wanted: &str| found.iter().find(|(name, _)| *name == wanted);
    if let Some((name, own)) = at(author) {
        return Some((own.own_policy()?, *name, own));
    }
    let (name, record) = at(organization).or(found.last())?;
    let exists = !record.cares_for_existence() || !matches!(names.ipv4(author).await, Err(NoAnswer::NoSuchName(_)));
    Some((record.policy_below(exists)?, *name, record))
}

struct Judge<'j, N> {
    names: &'j N,
    author: &'j str,
    /// The author's organisation.
    organization: &'j str,
}

impl<N: Names> Judge<'_, N> {
    async fn signed(&self, signature: &Dkim, strict: bool) -> Outcome {
        let domain = signature.domain.to_ascii_lowercase();
        self.aligned(signature.outcome, &domain, strict).await
    }

    /// The outcome of a check, if it was one of the author's domain or, unless that is to be strict, organisation.
    async fn aligned(&self, outcome: Outcome, domain: &str, strict: bool) -> Outcome {
        if !matches!(outcome, Outcome::Pass | Outcome::TempError) {
            return Outcome::None;
        }
        if domain == self.author {
            return outcome;
        }
        let above = domain.strip_suffix(self.organization);
        let may_be = !strict && above.is_some_and(|above| above.is_empty() || above.ends_with('.'));
        if !may_be {
            return Outcome::None;
        }
        match records(self.names, domain).await {
            Ok(found) if organization(domain, &found) == self.organization => outcome,
            Ok(_) => Outcome::None,
            Err(_) => Outcome::TempError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone::Zone;
    use super::*;

    fn signed(domain: &str, outcome: Outcome) -> Dkim {
        Dkim {
            outcome,
            domain: domain.to_owned(),
            ..Dkim::default()
        }
    }

    async fn of(zone: &Zone, author: &str, spf: (&str, Outcome), dkim: &[Dkim]) -> (Outcome, Policy, bool, bool) {
        let authors: Vec<Domain> = author.split(' ').filter_map(|name| Domain::parse(name).ok()).collect();
        let spf = Spf {
            domain: spf.0.to_owned(),
            outcome: spf.1,
            ..Spf::default()
        };
        let evidence = Evidence {
            authors: &authors,
            spf: &spf,
            dkim,
        };
        let (found, _) = check(zone, &evidence).await;
        (found.outcome, found.policy, found.spf_is_aligned, found.dkim_is_aligned)
    }

    #[tokio::test]
    async fn one_aligned_proof_is_enough() {
        let zone = Zone::default()
            .txt("_dmarc.a.test", "v=DMARC1; p=reject; sp=quarantine; np=reject")
            .txt("_dmarc.strict.test", "v=DMARC1; p=reject; adkim=s; aspf=s")
            .host("sub.a.test", "192.0.2.1");
        let (pass, fail, none, reject) = (Outcome::Pass, Outcome::Fail, Outcome::None, Policy::Reject);
        let nothing = ("x.test", Outcome::Pass);
        for (author, spf, dkim, expected) in [
            ("a.test", ("a.test", pass), vec![], (pass, reject, true, false)),
            ("a.test", ("bounce.a.test", pass), vec![], (pass, reject, true, false)),
            (
                "a.test",
                nothing,
                vec![signed("x.test", pass), signed("A.test", pass)],
                (pass, reject, false, true),
            ),
            (
                "a.test",
                ("a.test", Outcome::SoftFail),
                vec![signed("a.test", fail)],
                (fail, reject, false, false),
            ),
            (
                "a.test",
                ("ba.test", pass),
                vec![signed("x.test", pass)],
                (fail, reject, false, false),
            ),
            ("sub.a.test", ("a.test", pass), vec![], (pass, Policy::Quarantine, true, false)),
            ("sub.a.test", nothing, vec![], (fail, Policy::Quarantine, false, false)),
            // RFC 9989 §4.7 (np): a name that does not exist.
            ("made.up.a.test", nothing, vec![], (fail, reject, false, false)),
            (
                "strict.test",
                ("b.strict.test", pass),
                vec![signed("b.strict.test", pass)],
                (fail, reject, false, false),
            ),
            ("strict.test", ("strict.test", pass), vec![], (pass, reject, true, false)),
            // RFC 9989 §5.3.6.
            (
                "a.test",
                ("a.test", Outcome::TempError),
                vec![],
                (Outcome::TempError, reject, false, false),
            ),
            ("a.test", ("x.test", Outcome::TempError), vec![], (fail, reject, false, false)),
            ("nobody.test", ("nobody.test", pass), vec![], (none, Policy::None, false, false)),
            ("a.test b.test", ("a.test", pass), vec![], (none, Policy::None, false, false)),
            ("a.test A.test", ("a.test", pass), vec![], (pass, reject, true, false)),
            ("", ("a.test", pass), vec![], (none, Policy::None, false, false)),
            (
                "broken.test",
                ("broken.test", pass),
                vec![],
                (Outcome::TempError, Policy::None, false, false),
            ),
        ] {
            assert_eq!(of(&zone, author, spf, &dkim).await, expected, "{author} {spf:?} {dkim:?}");
        }
    }
}
