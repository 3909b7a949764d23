//! What is noted of the checks on top of a message: the field Authentication-Results.
//!
//! RFC 8601 §2.2 (the field), §2.7 (what is said of which method), RFC 6008 §4 (`header.b`), RFC 8617 §4.1.1 (`arc`).

use crate::config;
use crate::model::verdict::{Arc, Authentication, Dkim, Dmarc, Iprev, Spf};
use crate::wire::message::authentication::{Outcome, value};

/// The field with its line end.
pub(super) fn line(hostname: &str, settings: &config::Checks, found: &Authentication) -> String {
    format!("Authentication-Results: {}\r\n", value(hostname, &outcomes(settings, found)))
}

/// What was found by each method that is on, in the order in which they build on each other.
pub(super) fn outcomes(settings: &config::Checks, found: &Authentication) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    if settings.iprev {
        outcomes.extend(found.peer.map(|peer| of_iprev(&found.iprev, &peer.to_canonical().to_string())));
    }
    if settings.spf {
        outcomes.push(of_spf(&found.spf, &found.spf_helo));
    }
    if settings.dkim {
        outcomes.extend(found.dkim.iter().map(of_dkim));
        if found.dkim.is_empty() {
            outcomes.push(plain("dkim", "none"));
        }
    }
    if settings.arc && found.arc != Arc::default() {
        outcomes.push(of_arc(&found.arc));
    }
    if settings.dmarc {
        outcomes.push(of_dmarc(&found.dmarc));
    }
    outcomes
}

fn plain(method: &str, result: &str) -> Outcome {
    Outcome {
        method: method.to_owned(),
        result: result.to_owned(),
        ..Outcome::default()
    }
}

/// Those that say something.
fn properties<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn of_iprev(found: &Iprev, peer: &str) -> Outcome {
    let name = found.name.as_deref().unwrap_or_default();
    Outcome {
        properties: properties([("policy.iprev", peer), ("policy.name", name)]),
        ..plain("iprev", found.outcome.as_str())
    }
}

fn of_spf(sender: &Spf, helo: &Spf) -> Outcome {
    // Where there is no sender, the name in HELO has been checked in its place.
    let mailfrom = if sender == helo { "" } else { &*sender.identity };
    Outcome {
        properties: properties([("smtp.mailfrom", mailfrom), ("smtp.helo", &helo.domain)]),
        ..plain("spf", sender.outcome.as_str())
    }
}

fn of_dkim(found: &Dkim) -> Outcome {
    Outcome {
        reason: found.reason.clone(),
        properties: properties([
            ("header.d", &found.domain),
            ("header.i", &found.identity),
            ("header.s", &found.selector),
            ("header.a", &found.algorithm),
            ("header.b", &found.signature),
        ]),
        ..plain("dkim", found.outcome.as_str())
    }
}

fn of_arc(found: &Arc) -> Outcome {
    let last = found.sealers.last().map(String::as_str).unwrap_or_default();
    Outcome {
        reason: found.reason.clone(),
        properties: properties([("policy.sealer", last)]),
        ..plain("arc", found.outcome.as_str())
    }
}

fn of_dmarc(found: &Dmarc) -> Outcome {
    let has_policy = !matches!(found.outcome.as_str(), "none" | "temperror");
    let policy = if has_policy { found.policy.as_str() } else { "" };
    let disposition = if has_policy { found.disposition.as_str() } else { "" };
    Outcome {
        properties: properties([
            ("header.from", &found.domain),
            ("policy.published", policy),
            ("policy.disposition", disposition),
        ]),
        ..plain("dmarc", found.outcome.as_str())
    }
}
