//! The certificate of the listeners: whether it can be used, whom it names, how long it holds.

use jiff::Timestamp;

use super::{Area, Finding};
use crate::config::Config;
use crate::mail::certificates::Certificates;
use crate::model::certificate::{Certificate, Source};
use crate::model::clock::Clock;

const DAY_S: i64 = 86_400;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    if config.tls.is_self_signed() && !config.data_dir.join("tls/certificate.pem").exists() {
        return vec![Finding::doubtful(
            Area::Certificate,
            "there is none yet: a self-signed one is made at the first start, which mail clients warn of",
            "set tls.certificate and tls.key",
        )];
    }
    let certificates = Certificates::new(config.tls.clone(), config.data_dir.clone(), config.hostname.clone(), Clock::System);
    if let Err(error) = certificates.load() {
        return vec![Finding::wrong(
            Area::Certificate,
            error.to_string(),
            "name a certificate chain and its key, both in PEM form, that the user of the server may read",
        )];
    }
    let all = certificates.list();
    let mut findings: Vec<Finding> = all.iter().map(age).collect();
    let is_made_here = all.iter().all(|one| one.source == Source::SelfSigned);
    // Those of an authority are in the database, and the server itself looks after them.
    if is_made_here && config.acme.enabled {
        return findings;
    }
    if is_made_here {
        findings.push(Finding::doubtful(
            Area::Certificate,
            "it is self-signed: mail clients warn of it, and servers that check certificates deliver nothing",
            "get one from an authority, and set tls.certificate and tls.key, or acme.enabled",
        ));
    }
    findings.extend(names(config, &all));
    findings
}

fn age(found: &Certificate) -> Finding {
    let left = found.not_after.as_second().saturating_sub(Timestamp::now().as_second());
    let (end, advice) = (found.not_after, "renew it");
    match left {
        ..0 => Finding::wrong(Area::Certificate, format!("it expired at {end}"), advice),
        _ if found.not_before > Timestamp::now() => Finding::wrong(
            Area::Certificate,
            format!("it holds from {} only", found.not_before),
            "look at the clock",
        ),
        left if left < 14 * DAY_S => Finding::doubtful(Area::Certificate, format!("it expires at {end}, in {} days", left / DAY_S), advice),
        left => Finding::fine(Area::Certificate, format!("it holds for {} days", left / DAY_S)),
    }
}

fn names(config: &Config, all: &[Certificate]) -> Vec<Finding> {
    let mut wanted = vec![config.hostname.as_str()];
    if !config.client.host.is_empty() && config.client.host != config.hostname {
        wanted.push(&config.client.host);
    }
    let named: Vec<&str> = all.iter().flat_map(|one| &one.names).map(String::as_str).collect();
    let finding = |name: &str| match all.iter().any(|one| one.covers(name)) {
        true => Finding::fine(Area::Certificate, format!("it names {name}")),
        false => Finding::wrong(
            Area::Certificate,
            format!(
                "it does not name {name}, by which others know this server, but {}",
                named.join(", ")
            ),
            "get one that has this name too, or set hostname to what it names",
        ),
    };
    wanted.into_iter().map(finding).collect()
}
