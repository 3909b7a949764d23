//! The report of a domain and day: made from what was counted, and sent where the domain wants it.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use reqwest::header::CONTENT_TYPE;

use super::{TlsReports, count};
use crate::mail::dns::NoAnswer;
use crate::mail::reports::reporter::{self, NotSent, Reporter, compressed};
use crate::mail::reports::{Daily, MOST_WAYS, begin_of, end_of};
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::store;
use crate::store::db::Tx;
use crate::store::db::reports::Kind;
use crate::store::db::tls_reports::{self as rows, Way};
use crate::wire::report_letter::Subject;
use crate::wire::tls_report::{DateRange, Destination, Failure, Policy, Report, Results, Summary, destinations};

impl Daily for TlsReports {
    const KIND: Kind = Kind::Tls;
    type Way = Way;
    type Destination = Destination;

    fn reporter(&self) -> &Reporter {
        &self.inner.reporter
    }

    async fn write(&self) -> Result<(), store::Error> {
        let counts = std::mem::take(&mut *self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.reporter().ground.database.write().await?;
        for (way, sessions) in counts.ways() {
            rows::add(&mut tx, way, &count::digest(way), sessions).await?;
        }
        tx.commit().await
    }

    async fn destinations(&self, domain: &Domain) -> Result<Vec<Destination>, NoAnswer> {
        match self.inner.relay.dns().txt(&format!("_smtp._tls.{domain}")).await {
            Ok(records) => Ok(destinations(records.iter().map(Vec::as_slice))),
            Err(NoAnswer::NoSuchName(_)) => Ok(Vec::new()),
            Err(problem) => Err(problem),
        }
    }

    async fn ways(tx: &mut Tx, day: i64, domain: &Domain) -> Result<Vec<(Way, i64)>, store::Error> {
        rows::ways(tx, day, domain, MOST_WAYS).await
    }

    async fn send(&self, day: i64, domain: &Domain, ways: Vec<(Way, i64)>, destinations: &[Destination]) {
        let report = self.make(day, domain, ways);
        for destination in destinations {
            match self.send_to(day, domain, &report, destination).await {
                Ok(()) => tracing::info!(%domain, ?destination, "TLS report sent"),
                Err(error) => tracing::warn!(%domain, ?destination, %error, "TLS report not sent"),
            }
        }
    }
}

impl TlsReports {
    fn make(&self, day: i64, domain: &Domain, ways: Vec<(Way, i64)>) -> Report {
        let reporter = self.reporter();
        let at = |second: i64| timestamp(second.saturating_mul(1_000));
        Report {
            organization_name: reporter.organization.clone(),
            date_range: DateRange {
                start_datetime: at(begin_of(day)),
                end_datetime: at(end_of(day)),
            },
            contact_info: reporter.from.to_string(),
            report_id: reporter.id(day, domain.as_str()),
            policies: by_policy(ways),
        }
    }

    async fn send_to(&self, day: i64, domain: &Domain, report: &Report, destination: &Destination) -> Result<(), NotSent> {
        let compressed = compressed(&serde_json::to_vec(report).map_err(std::io::Error::other)?)?;
        match destination {
            Destination::Mail(to) => {
                let report = reporter::Report {
                    subject: Subject::Tls,
                    domain,
                    id: &report.report_id,
                    range: (begin_of(day), end_of(day)),
                    compressed: &compressed,
                };
                self.reporter().mail(&report, to, None).await
            }
            Destination::Https(url) => {
                let request = self.inner.relay.https().post(url).body(compressed);
                let response = request.header(CONTENT_TYPE, "application/tlsrpt+gzip").send().await?;
                // RFC 8460 §5.4: any other status is a failure.
                match response.status() {
                    status if status.is_success() => Ok(()),
                    status => Err(NotSent::Status(status)),
                }
            }
        }
    }
}

/// The ways, which come by policy, as the report has them.
fn by_policy(ways: Vec<(Way, i64)>) -> Vec<Results> {
    let mut by_policy: BTreeMap<String, Results> = BTreeMap::new();
    for (way, sessions) in ways {
        let Ok(policy) = serde_json::from_str::<Policy>(&way.policy) else {
            continue;
        };
        let sessions = u64::try_from(sessions).unwrap_or(0);
        let results = by_policy.entry(way.policy).or_insert_with(|| Results {
            policy,
            summary: Summary::default(),
            failure_details: Vec::new(),
        });
        let summary = &mut results.summary;
        if way.failure.is_empty() {
            summary.total_successful_session_count = summary.total_successful_session_count.saturating_add(sessions);
            continue;
        }
        summary.total_failure_session_count = summary.total_failure_session_count.saturating_add(sessions);
        results.failure_details.push(Failure {
            result_type: way.failure,
            sending_mta_ip: way.sending_ip,
            receiving_mx_hostname: way.host,
            receiving_ip: way.receiving_ip,
            failed_session_count: sessions,
        });
    }
    by_policy.into_values().collect()
}
