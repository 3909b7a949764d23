//! The report of a domain and day: made from what was counted, and sent where the domain wants it.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;

use super::{DAY_MS, TlsReports};
use crate::mail::dns::NoAnswer;
use crate::mail::intake::{Accepted, Fate, Origin};
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::timestamp;
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::tls_reports::{self as rows, Way};
use crate::wire::tls_report::{DateRange, Destination, Failure, Letter, Policy, Report, Results, Summary, destinations};

/// How many reports are sent at a look.
const MOST_AT_ONCE: i64 = 500;
/// How many ways of a domain and day are reported.
const MOST_WAYS: i64 = 2_000;
/// What is older, in days, is no news any more.
const OLDEST: i64 = 3;

/// A report that could not be sent.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the status is {0}")]
    Status(reqwest::StatusCode),
    #[error("it cannot be written: {0}")]
    Unwritable(#[from] std::io::Error),
    #[error("there is no DKIM key for {0}, and an unsigned report is not believed (RFC 8460 §3)")]
    Unsigned(String),
}

impl TlsReports {
    /// Sends the reports of the days that are over.
    pub(super) async fn send_due(&self, cancel: &CancellationToken) -> Result<(), store::Error> {
        let inner = &self.inner;
        let today = inner.ground.clock.now_ms().saturating_sub(inner.delay_ms).div_euclid(DAY_MS);
        let due = rows::due(&mut inner.ground.database.read().await?, today, MOST_AT_ONCE).await?;
        for (day, domain) in due {
            if cancel.is_cancelled() {
                break;
            }
            self.report(day, &domain, today).await?;
        }
        Ok(())
    }

    async fn report(&self, day: i64, domain: &Domain, today: i64) -> Result<(), store::Error> {
        let ground = &self.inner.ground;
        let asked = match ground.relay.dns().txt(&format!("_smtp._tls.{domain}")).await {
            Ok(records) => destinations(records.iter().map(Vec::as_slice)),
            Err(NoAnswer::NoSuchName(_)) => Vec::new(),
            // Later it may be found out.
            Err(_) if day >= today.saturating_sub(OLDEST) => return Ok(()),
            Err(_) => Vec::new(),
        };
        let mut tx = ground.database.write().await?;
        let is_ours = rows::take(&mut tx, day, domain).await?;
        let ways = if is_ours && !asked.is_empty() {
            rows::ways(&mut tx, day, domain, MOST_WAYS).await?
        } else {
            Vec::new()
        };
        if is_ours {
            rows::forget(&mut tx, day, domain, today.saturating_sub(2 * OLDEST)).await?;
        }
        tx.commit().await?;
        if ways.is_empty() {
            return Ok(());
        }
        let report = self.make(day, domain, ways);
        for destination in asked {
            match self.send(domain, &report, &destination).await {
                Ok(()) => tracing::info!(%domain, ?destination, "TLS report sent"),
                Err(error) => tracing::warn!(%domain, ?destination, %error, "TLS report not sent"),
            }
        }
        Ok(())
    }

    fn make(&self, day: i64, domain: &Domain, ways: Vec<(Way, i64)>) -> Report {
        let inner = &self.inner;
        let host = inner.ground.relay.hostname();
        let organization_name = match inner.settings.organization_name.as_str() {
            "" => host.to_owned(),
            name => name.to_owned(),
        };
        Report {
            organization_name,
            date_range: DateRange {
                start_datetime: timestamp(day.saturating_mul(DAY_MS)),
                // RFC 8460 §4.4: the last second of the day.
                end_datetime: timestamp(day.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(1_000)),
            },
            contact_info: inner.from.to_string(),
            report_id: format!("{}.{domain}@{host}", timestamp(day.saturating_mul(DAY_MS)).strftime("%Y-%m-%d")),
            policies: by_policy(ways),
        }
    }

    async fn send(&self, domain: &Domain, report: &Report, destination: &Destination) -> Result<(), NotSent> {
        let json = serde_json::to_vec(report).map_err(std::io::Error::other)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&json)?;
        let compressed = encoder.finish()?;
        match destination {
            Destination::Mail(to) => self.mail(domain, report, to, &compressed).await,
            Destination::Https(url) => {
                let request = self.inner.ground.relay.https().post(url).body(compressed);
                let response = request.header(CONTENT_TYPE, "application/tlsrpt+gzip").send().await?;
                // RFC 8460 §5.4: any other status is a failure.
                match response.status() {
                    status if status.is_success() => Ok(()),
                    status => Err(NotSent::Status(status)),
                }
            }
        }
    }

    async fn mail(&self, domain: &Domain, report: &Report, to: &EmailAddress, compressed: &[u8]) -> Result<(), NotSent> {
        let (ground, from) = (&self.inner.ground, &self.inner.from);
        let ours = from.domain();
        let is_signed = match ours {
            Some(ours) => ground.signing.signer(ours).await?.is_some(),
            None => false,
        };
        if !is_signed {
            return Err(NotSent::Unsigned(ours.map(ToString::to_string).unwrap_or_default()));
        }
        let route = ground.intake.route(to).await?;
        let mut incoming = ground.intake.begin();
        let unique = incoming.id().to_string();
        let letter = Letter {
            unique: &unique,
            host: ground.relay.hostname(),
            from,
            to,
            date: Timestamp::from_millisecond(ground.clock.now_ms()).unwrap_or_default(),
            domain,
            report,
            compressed,
        };
        incoming.write(&letter.spell()).await?;
        let accepted = vec![Accepted {
            recipient: Recipient::plain(to.clone()),
            route,
        }];
        // Nobody is to answer.
        let sender = Sender::plain(ReversePath::Null);
        let outcome = ground
            .intake
            .receive(&Origin::ours(), sender, accepted, incoming, Fate::Own)
            .await?;
        outcome.recipients.into_iter().collect::<Result<(), Refusal>>()?;
        Ok(())
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
