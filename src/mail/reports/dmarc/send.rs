//! The reports of a domain and day: made from what was counted, and sent where the domain wants it and the place agrees.

use std::collections::BTreeMap;

use mail_auth::report::{PolicyPublished, Record, Report};

use super::{DmarcReports, count};
use crate::mail::checks::are_of_one_organization;
use crate::mail::dns::NoAnswer;
use crate::mail::reports::reporter::{self, NotSent, Reporter, compressed};
use crate::mail::reports::{Daily, MOST_WAYS, begin_of, end_of};
use crate::model::address::{Domain, EmailAddress};
use crate::store;
use crate::store::db::Tx;
use crate::store::db::dmarc_reports::{self as rows, Way};
use crate::store::db::reports::Kind;
use crate::wire::dmarc::{self, Destination};
use crate::wire::report_letter::Subject;

/// To how many addresses a report goes.
const MOST_DESTINATIONS: usize = 5;

impl Daily for DmarcReports {
    const KIND: Kind = Kind::Dmarc;
    type Way = Way;
    type Destination = Destination;

    fn reporter(&self) -> &Reporter {
        &self.inner.reporter
    }

    async fn write(&self) -> Result<(), store::Error> {
        let counts = self.inner.tally.take();
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.reporter().ground.database.write().await?;
        for (way, messages) in &counts {
            rows::add(&mut tx, way, &count::digest(way), *messages).await?;
        }
        tx.commit().await
    }

    /// And who agrees to get them (RFC 7489 §7.1).
    async fn destinations(&self, domain: &Domain) -> Result<Vec<Destination>, NoAnswer> {
        let dns = &self.inner.dns;
        let texts = match dns.txt(&format!("_dmarc.{domain}")).await {
            Ok(texts) => texts,
            Err(NoAnswer::NoSuchName(_)) => return Ok(Vec::new()),
            Err(problem) => return Err(problem),
        };
        let Some(record) = dmarc::Record::select(texts.iter().map(Vec::as_slice)) else {
            return Ok(Vec::new());
        };
        let mut agreed = Vec::new();
        for destination in record.destinations().into_iter().take(MOST_DESTINATIONS) {
            if self.agrees(domain, &destination.address).await? {
                agreed.push(destination);
            }
        }
        Ok(agreed)
    }

    async fn ways(tx: &mut Tx, day: i64, domain: &Domain) -> Result<Vec<(Way, i64)>, store::Error> {
        rows::ways(tx, day, domain, MOST_WAYS).await
    }

    async fn send(&self, day: i64, domain: &Domain, ways: Vec<(Way, i64)>, destinations: &[Destination]) {
        for report in self.make(day, domain, ways) {
            for destination in destinations {
                match self.mail(day, domain, &report, destination).await {
                    Ok(()) => tracing::info!(%domain, to = %destination.address, "DMARC report sent"),
                    Err(error) => tracing::warn!(%domain, to = %destination.address, %error, "DMARC report not sent"),
                }
            }
        }
    }
}

impl DmarcReports {
    /// Whether reports about the domain may go to an address: one of the same organisation, or of a domain that says so.
    async fn agrees(&self, domain: &Domain, address: &EmailAddress) -> Result<bool, NoAnswer> {
        let dns = &self.inner.dns;
        let Some(host) = address.domain() else { return Ok(false) };
        if host == domain || are_of_one_organization(dns, host, domain).await? {
            return Ok(true);
        }
        match dns.txt(&format!("{domain}._report._dmarc.{host}")).await {
            Ok(texts) => Ok(texts.iter().any(|text| dmarc::Record::parse(text).is_some())),
            Err(NoAnswer::NoSuchName(_)) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// The reports of a day: more than one where the policy was changed in between.
    fn make(&self, day: i64, domain: &Domain, ways: Vec<(Way, i64)>) -> Vec<Report> {
        let mut by_policy: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for (way, messages) in ways {
            let Ok(mut record) = serde_json::from_str::<Record>(&way.record) else {
                continue;
            };
            record.row.count = u32::try_from(messages).unwrap_or(u32::MAX);
            by_policy.entry(way.policy).or_default().push(record);
        }
        let reports = by_policy.into_iter().enumerate().filter_map(|(number, (policy, records))| {
            let policy: PolicyPublished = serde_json::from_str(&policy).ok()?;
            let report = self.head(day, domain, number).with_policy_published(policy);
            Some(records.into_iter().fold(report, Report::with_record))
        });
        reports.collect()
    }

    fn head(&self, day: i64, domain: &Domain, number: usize) -> Report {
        let reporter = self.reporter();
        Report::new()
            .with_version(1.0)
            .with_org_name(&reporter.organization)
            .with_email(reporter.from.to_string())
            .with_report_id(reporter.id(day, &format!("{number}.{domain}")))
            .with_date_range_begin(u64::try_from(begin_of(day)).unwrap_or(0))
            .with_date_range_end(u64::try_from(end_of(day)).unwrap_or(0))
    }

    async fn mail(&self, day: i64, domain: &Domain, report: &Report, destination: &Destination) -> Result<(), NotSent> {
        let compressed = compressed(report.to_xml().as_bytes())?;
        let report = reporter::Report {
            subject: Subject::Dmarc,
            domain,
            id: report.report_id(),
            range: (begin_of(day), end_of(day)),
            compressed: &compressed,
        };
        self.reporter().mail(&report, &destination.address, destination.most).await
    }
}
