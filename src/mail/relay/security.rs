//! What TLS a session must have, by whose word, and what became of it: the one place where that is decided and named.
//!
//! The operator's word counts most, then the server's TLSA records, then the domain's MTA-STS policy; else TLS is used where it is
//! offered, whatever the certificate. Of a policy that is only being tested a failure is noted, and the mail goes nevertheless. Each session that is opened, and each
//! policy that cannot be had, leaves an [`Outcome`].
//!
//! RFC 7435 §3 (opportunistic security), RFC 7672 §2 (DANE), RFC 8461 §2 (DANE comes first), §5 (applying a policy),
//! RFC 8460 §4.3 (result types).

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::CertificateError;
use tokio_rustls::TlsConnector;

use super::dane::{Dane, NoMatch};
use super::route::BadRoute;
use super::session::{Session, TlsTerms};
use super::sts::Sts;
use super::{Ground, Lane, Relay, Target, finding, https, tls};
use crate::config::{self, OutboundTls, TlsPolicy};
use crate::mail::dns::NoAnswer;
use crate::mail::queue::Finding;
use crate::wire::mta_sts::{Mode, Policy};

/// RFC 8314 §3.3: the port on which TLS begins with the first octet.
const SUBMISSIONS_PORT: u16 = 465;

/// By whose word it was decided how much TLS a session must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The configuration says it: `outbound.tls_policy`, or the terms of a route.
    Operator,
    /// The server's TLSA records; none where the answers that lead to them do not pass DNSSEC, or cannot be had.
    Dane(Option<Arc<Dane>>),
    /// The domain's MTA-STS policy.
    MtaSts(Arc<Policy>),
    /// Nobody's: TLS is a wish.
    Nobody,
}

/// Why a session, or a policy, was not as secure as it was to be. The names of RFC 8460 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// STARTTLS is not offered, or was refused.
    StarttlsNotSupported,
    /// The certificate is for another name.
    CertificateHostMismatch,
    /// It is out of its time.
    CertificateExpired,
    /// Nobody who is trusted vouches for it.
    CertificateNotTrusted,
    /// TLS failed otherwise, or the host is none of those that the policy names.
    ValidationFailure,
    /// No TLSA record matches the certificate, or none can be used.
    TlsaInvalid,
    /// An answer does not pass DNSSEC, or TLSA records cannot be looked up.
    DnssecInvalid,
    /// The operator demands DANE, and there are no TLSA records.
    DaneRequired,
    /// The MTA-STS policy could not be fetched.
    StsPolicyFetchError,
    /// It was fetched, and is none by the grammar.
    StsPolicyInvalid,
    /// The certificate of the server that keeps it does not do.
    StsWebpkiInvalid,
}

impl Failure {
    /// Its name in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
            Self::TlsaInvalid => "tlsa-invalid",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::DaneRequired => "dane-required",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
            Self::StsPolicyInvalid => "sts-policy-invalid",
            Self::StsWebpkiInvalid => "sts-webpki-invalid",
        }
    }

    /// What an error of TLS is called.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        match certificate_error(error) {
            Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => Self::CertificateHostMismatch,
            Some(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::CertificateExpired,
            Some(CertificateError::Other(other)) if other.0.is::<NoMatch>() => Self::TlsaInvalid,
            Some(_) => Self::CertificateNotTrusted,
            None => Self::ValidationFailure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with the other side's certificate, if that is what an error is about.
pub(super) fn certificate_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    if let Some(rustls::Error::InvalidCertificate(certificate)) = error.downcast_ref() {
        return Some(certificate);
    }
    // The source of an I/O error is that of what it holds, which would be left out.
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match held {
        Some(held) => certificate_error(held),
        None => certificate_error(error.source()?),
    }
}

/// What became of the security of one session that was opened or could not be, or of the search for a policy (RFC 8460 §4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// By whose word.
    pub applied: Applied,
    /// The host; none where it did not come to that.
    pub host: Option<String>,
    /// Its address.
    pub to: Option<IpAddr>,
    /// Ours, where there was a connection.
    pub from: Option<IpAddr>,
    /// None: the session is as it was to be.
    pub failure: Option<Failure>,
    /// What happened, for people.
    pub detail: String,
}

/// Decides, and has what it needs for that.
pub(super) struct Security {
    anyone: TlsConnector,
    verified: TlsConnector,
    pub(super) https: reqwest::Client,
    /// Absent where `outbound.mta_sts` is off.
    sts: Option<Sts>,
}

impl Security {
    /// Reads the system's certificate authorities.
    pub(super) fn new(settings: &config::Outbound, ground: &Ground) -> Result<Self, BadRoute> {
        let no_tls = |error: rustls::Error| BadRoute(format!("outbound.tls: {error}"));
        let verified = tls::verified(settings.certificate_authorities.as_deref())
            .map_err(|error| BadRoute(format!("outbound.certificate_authorities: {error}")))?;
        let https = https::client(ground.dns.clone(), verified.clone())
            .map_err(|error| BadRoute(format!("outbound.certificate_authorities: {error}")))?;
        let store = (ground.database.clone(), ground.clock.clone());
        let sts = settings
            .mta_sts
            .then(|| Sts::new(ground.dns.clone(), store, https.clone(), settings.mta_sts_port));
        Ok(Self {
            anyone: tls::opportunistic().map_err(no_tls)?,
            verified: TlsConnector::from(Arc::new(verified)),
            https,
            sts,
        })
    }
}

/// The hosts of a lane under one policy, and what became of the sessions with them.
pub(super) struct Journey<'l> {
    pub(super) lane: &'l Lane,
    /// The name, or names, by which the hosts were found.
    pub(super) next_hops: Vec<String>,
    /// The MTA-STS policy that holds, unless the operator says something.
    sts: Option<Arc<Policy>>,
    /// The message goes whatever becomes of TLS: only the operator's word counts.
    tls_optional: bool,
    outcomes: Vec<Outcome>,
}

impl<'l> Journey<'l> {
    /// Sets out.
    pub(super) fn new(lane: &'l Lane, tls_optional: bool) -> Self {
        Self {
            lane,
            next_hops: Vec::new(),
            sts: None,
            tls_optional,
            outcomes: Vec::new(),
        }
    }

    /// Notes an answer that does not pass DNSSEC.
    pub(super) fn note_answer(&mut self, none: &NoAnswer) {
        if matches!(none, NoAnswer::Bogus(_)) {
            self.note(Outcome {
                applied: Applied::Dane(None),
                host: None,
                to: None,
                from: None,
                failure: Some(Failure::DnssecInvalid),
                detail: none.to_string(),
            });
        }
    }

    pub(super) fn into_outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }

    fn note(&mut self, outcome: Outcome) {
        let host = outcome.host.as_deref().unwrap_or_default();
        match outcome.failure {
            None => tracing::debug!(lane = %self.lane, host, "the session is as secure as it was to be"),
            // Nobody has promised anything.
            Some(Failure::StarttlsNotSupported) if outcome.applied == Applied::Nobody => {
                tracing::debug!(lane = %self.lane, host, "the server has no TLS");
            }
            Some(failure) => tracing::info!(lane = %self.lane, host, %failure, why = outcome.detail, "not as secure as it was to be"),
        }
        self.outcomes.push(outcome);
    }
}

/// By whose word, and why, a host gets nothing.
type Refusal = (Applied, Failure, Finding);

/// What is demanded of a session with one host.
struct Demand {
    applied: Applied,
    tls: TlsTerms,
    /// What to be content with, one after the other, where TLS fails.
    or_else: VecDeque<TlsTerms>,
    /// What is amiss beforehand, and only noted.
    flaw: Option<(Failure, &'static str)>,
    /// The name to ask for in TLS, where it is not the host's.
    server_name: Option<String>,
}

impl Demand {
    fn by(applied: Applied, tls: TlsTerms) -> Self {
        let or_else = if matches!(tls, TlsTerms::Offered(_)) {
            VecDeque::from([TlsTerms::Never])
        } else {
            VecDeque::new()
        };
        Self {
            applied,
            tls,
            or_else,
            flaw: None,
            server_name: None,
        }
    }
}

impl Relay {
    /// Finds the policy that holds for all hosts of the domain.
    pub(super) async fn find_policy(&self, journey: &mut Journey<'_>) {
        if journey.tls_optional {
            return;
        }
        let (Lane::Domain(domain), Some(sts), None) = (journey.lane, &self.inner.security.sts, self.inner.routes.policy(journey.lane))
        else {
            return;
        };
        let found = sts.policy(domain).await;
        journey.sts = found.policy;
        if let Some(problem) = found.problem {
            journey.note(Outcome {
                applied: journey.sts.clone().map_or(Applied::Nobody, Applied::MtaSts),
                host: None,
                to: None,
                from: None,
                failure: Some(problem.failure),
                detail: problem.detail,
            });
        }
    }

    /// A session with a host, as secure as is demanded.
    pub(super) async fn session(&self, target: &Target, journey: &mut Journey<'_>) -> Result<Session, Finding> {
        let outcome = |applied, from, failure, detail| Outcome {
            applied,
            host: Some(target.host.clone()),
            to: Some(target.address.ip()),
            from,
            failure,
            detail,
        };
        let mut demand = match self.demand(target, journey).await {
            Ok(demand) => demand,
            Err((applied, failure, finding)) => {
                journey.note(outcome(applied, None, Some(failure), finding.text.clone()));
                return Err(finding);
            }
        };
        let mut failed = demand.flaw.map(|(flaw, why)| (flaw, why.to_owned()));
        let mut terms = self.terms(target, journey.lane, demand.tls);
        terms.server_name = demand.server_name;
        loop {
            let none = match Session::open(target, &terms).await {
                Ok(session) => {
                    let from = session.connection.local();
                    let (failure, detail) = failed.or_else(|| lack(&session, &terms.tls)).unzip();
                    journey.note(outcome(demand.applied, from, failure, detail.unwrap_or_default()));
                    return Ok(session);
                }
                Err(none) => none,
            };
            if let Some(failure) = none.failure {
                let first = failed.get_or_insert_with(|| (failure, none.finding.text.clone()));
                if let Some(next) = demand.or_else.pop_front() {
                    tracing::debug!(host = %target, why = first.1, "TLS failed, content with less");
                    terms.tls = next;
                    continue;
                }
            }
            if let Some((failure, detail)) = failed {
                journey.note(outcome(demand.applied, none.from, Some(failure), detail));
            }
            return Err(none.finding);
        }
    }

    /// What is demanded of a host; or by whose word, and why, nothing goes there.
    async fn demand(&self, target: &Target, journey: &Journey<'_>) -> Result<Demand, Refusal> {
        let policy = self.inner.routes.policy(journey.lane);
        let is_asked = match policy {
            None => self.inner.settings.dane && !journey.tls_optional,
            Some(policy) => matches!(policy, TlsPolicy::Dane | TlsPolicy::DaneOnly),
        };
        if is_asked {
            match self.dane(target).await {
                Ok(Some(dane)) => {
                    if let Some(demand) = self.danes_demand(dane, journey) {
                        return Ok(demand);
                    }
                }
                Ok(None) => {}
                // RFC 7672 §2.1.1: without an answer the host is not used, or whoever keeps it away could do without TLS.
                Err(none) => return Err((Applied::Dane(None), Failure::DnssecInvalid, finding::no_tlsa(target, &none))),
            }
        }
        match (policy, &journey.sts) {
            (Some(TlsPolicy::DaneOnly), _) => Err((Applied::Operator, Failure::DaneRequired, finding::dane_required(target))),
            (None, Some(sts)) => self.stss_demand(target, sts),
            _ => Ok(self.operators_demand(target, journey.lane)),
        }
    }

    /// What TLSA records demand; none if others demand more.
    fn danes_demand(&self, dane: Dane, journey: &Journey<'_>) -> Option<Demand> {
        let usable = dane.connector(&journey.next_hops).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot set up TLS for DANE");
            None
        });
        let server_name = Some(dane.base.clone());
        let dane = Applied::Dane(Some(Arc::new(dane)));
        if let Some(connector) = usable {
            return Some(Demand {
                server_name,
                ..Demand::by(dane, TlsTerms::Required(connector))
            });
        }
        // RFC 7672 §2.2: records that cannot be used still make TLS a must, of which others may demand more.
        let is_enforced = journey.sts.as_ref().is_some_and(|sts| sts.mode == Mode::Enforce);
        let is_only = self.inner.routes.policy(journey.lane) == Some(TlsPolicy::DaneOnly);
        (!is_enforced && !is_only).then(|| Demand {
            flaw: Some((Failure::TlsaInvalid, "not one TLSA record can be used")),
            server_name,
            ..Demand::by(dane, TlsTerms::Required(self.inner.security.anyone.clone()))
        })
    }

    /// What an MTA-STS policy demands.
    fn stss_demand(&self, target: &Target, policy: &Arc<Policy>) -> Result<Demand, Refusal> {
        let Security { anyone, verified, .. } = &self.inner.security;
        let applied = Applied::MtaSts(policy.clone());
        match (policy.mode, policy.names(&target.host)) {
            // RFC 8461 §5: another host, or one without a valid certificate, gets nothing.
            (Mode::Enforce, false) => Err((applied, Failure::ValidationFailure, finding::not_in_policy(target))),
            (Mode::Enforce, true) => Ok(Demand::by(applied, TlsTerms::Required(verified.clone()))),
            (Mode::Testing, true) => Ok(Demand {
                or_else: VecDeque::from([TlsTerms::Offered(anyone.clone()), TlsTerms::Never]),
                ..Demand::by(applied, TlsTerms::Required(verified.clone()))
            }),
            (Mode::Testing, false) => Ok(Demand {
                flaw: Some((Failure::ValidationFailure, "the MTA-STS policy does not name the host")),
                ..Demand::by(applied, TlsTerms::Offered(anyone.clone()))
            }),
            (Mode::None, _) => Ok(Demand::by(Applied::Nobody, TlsTerms::Offered(anyone.clone()))),
        }
    }

    /// What the configuration demands; where it says nothing, TLS is a wish.
    fn operators_demand(&self, target: &Target, lane: &Lane) -> Demand {
        let anyone = || self.inner.security.anyone.clone();
        let verified = || self.inner.security.verified.clone();
        let said = |tls| Demand::by(Applied::Operator, tls);
        match self.inner.routes.policy(lane) {
            Some(TlsPolicy::None) => return said(TlsTerms::Never),
            Some(TlsPolicy::Encrypted) => return said(TlsTerms::Required(anyone())),
            Some(TlsPolicy::Required | TlsPolicy::DaneOnly) => return said(TlsTerms::Required(verified())),
            Some(TlsPolicy::Opportunistic | TlsPolicy::Dane) => return said(TlsTerms::Offered(anyone())),
            None => {}
        }
        let is_implicit = matches!(lane, Lane::Route(_) | Lane::Smarthost(_)) && target.address.port() == SUBMISSIONS_PORT;
        match self.inner.routes.way(lane).tls {
            OutboundTls::None => said(TlsTerms::Never),
            OutboundTls::Required if is_implicit => said(TlsTerms::Implicit(verified())),
            OutboundTls::Required => said(TlsTerms::Required(verified())),
            OutboundTls::Opportunistic if is_implicit => Demand::by(Applied::Nobody, TlsTerms::Implicit(anyone())),
            OutboundTls::Opportunistic => Demand::by(Applied::Nobody, TlsTerms::Offered(anyone())),
        }
    }
}

/// What a session lacks that was opened under these terms.
fn lack(session: &Session, tls: &TlsTerms) -> Option<(Failure, String)> {
    let wished = matches!(tls, TlsTerms::Offered(_)) && session.connection.tls().is_none();
    wished.then(|| (Failure::StarttlsNotSupported, "there is no TLS".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_tls_are_named() {
        let wrapped = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error));
        for (error, name) in [
            (CertificateError::NotValidForName, "certificate-host-mismatch"),
            (CertificateError::Expired, "certificate-expired"),
            (CertificateError::NotValidYet, "certificate-expired"),
            (CertificateError::UnknownIssuer, "certificate-not-trusted"),
            (CertificateError::BadSignature, "certificate-not-trusted"),
        ] {
            assert_eq!(Failure::of(&wrapped(error)).as_str(), name);
        }
        let other = std::io::Error::new(std::io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(Failure::of(&other).as_str(), "validation-failure");
        assert_eq!(Failure::of(&rustls::Error::DecryptError).as_str(), "validation-failure");
    }
}
