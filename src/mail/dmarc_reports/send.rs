//! The report of a domain and day: made from what was counted, and sent where the domain wants it and the place agrees.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use mail_auth::report::{PolicyPublished, Record, Report};
use tokio_util::sync::CancellationToken;

use super::{DAY_MS, DmarcReports};
use crate::mail::checks::are_of_one_organization;
use crate::mail::dns::NoAnswer;
use crate::mail::intake::{Accepted, Fate, Origin};
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::timestamp;
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::dmarc_reports::{self as rows, Way};
use crate::wire::dmarc::{self, Destination};
use crate::wire::dmarc_report::Letter;

/// How many reports are sent at a look.
const MOST_AT_ONCE: i64 = 500;
/// How many ways of a domain and day are reported.
const MOST_WAYS: i64 = 2_000;
/// To how many addresses a report goes.
const MOST_DESTINATIONS: usize = 5;
/// What is older, in days, is no news any more.
const OLDEST: i64 = 3;
/// The seconds of a day.
const DAY: u64 = 86_400;

/// A report that could not be sent.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("it cannot be written: {0}")]
    Unwritable(#[from] std::io::Error),
    #[error("it has {0} octets, which is more than its receiver takes")]
    TooLarge(usize),
    #[error("there is no DKIM key for {0}, and an unsigned report is not believed")]
    Unsigned(String),
}

impl DmarcReports {
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
        let asked = match self.destinations(domain).await {
            Ok(asked) => asked,
            // Later it may be found out.
            Err(_) if day >= today.saturating_sub(OLDEST) => return Ok(()),
            Err(_) => Vec::new(),
        };
        let mut tx = ground.database.write().await?;
        let is_ours = rows::take(&mut tx, day, domain).await?;
        let ways = match is_ours && !asked.is_empty() {
            true => rows::ways(&mut tx, day, domain, MOST_WAYS).await?,
            false => Vec::new(),
        };
        if is_ours {
            rows::forget(&mut tx, day, domain, today.saturating_sub(2 * OLDEST)).await?;
        }
        tx.commit().await?;
        for report in self.make(day, domain, ways) {
            for destination in &asked {
                match self.send(&report, destination).await {
                    Ok(()) => tracing::info!(%domain, to = %destination.address, "DMARC report sent"),
                    Err(error) => tracing::warn!(%domain, to = %destination.address, %error, "DMARC report not sent"),
                }
            }
        }
        Ok(())
    }

    /// Where the domain wants its reports, and who agrees to get them (RFC 7489 §7.1).
    async fn destinations(&self, domain: &Domain) -> Result<Vec<Destination>, NoAnswer> {
        let dns = &self.inner.ground.dns;
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

    /// Whether reports about the domain may go to an address: one of the same organisation, or of a domain that says so.
    async fn agrees(&self, domain: &Domain, address: &EmailAddress) -> Result<bool, NoAnswer> {
        let dns = &self.inner.ground.dns;
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
        let inner = &self.inner;
        let host = inner.ground.hostname.as_str();
        let organization = match inner.settings.organization_name.as_str() {
            "" => host,
            name => name,
        };
        let begin = u64::try_from(day).unwrap_or(0).saturating_mul(DAY);
        let date = timestamp(day.saturating_mul(DAY_MS)).strftime("%Y-%m-%d").to_string();
        Report::new()
            .with_version(1.0)
            .with_org_name(organization)
            .with_email(inner.from.to_string())
            .with_report_id(format!("{date}.{number}.{domain}@{host}"))
            .with_date_range_begin(begin)
            .with_date_range_end(begin.saturating_add(DAY - 1))
    }

    async fn send(&self, report: &Report, destination: &Destination) -> Result<(), NotSent> {
        let (ground, from) = (&self.inner.ground, &self.inner.from);
        let ours = from.domain();
        let is_signed = match ours {
            Some(ours) => ground.signing.signer(ours).await?.is_some(),
            None => false,
        };
        if !is_signed {
            return Err(NotSent::Unsigned(ours.map(ToString::to_string).unwrap_or_default()));
        }
        let mut incoming = ground.intake.begin();
        let unique = incoming.id().to_string();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(report.to_xml().as_bytes())?;
        let compressed = encoder.finish()?;
        let letter = Letter {
            unique: &unique,
            host: &ground.hostname,
            from,
            to: &destination.address,
            date: ground.clock.now(),
            domain: report.domain(),
            report_id: report.report_id(),
            range: (report.date_range_begin(), report.date_range_end()),
            compressed: &compressed,
        };
        let letter = letter.spell();
        if destination.most.is_some_and(|most| letter.len() as u64 > most) {
            return Err(NotSent::TooLarge(letter.len()));
        }
        let route = ground.intake.route(&destination.address).await?;
        incoming.write(&letter).await?;
        let accepted = vec![Accepted {
            recipient: Recipient::plain(destination.address.clone()),
            route,
        }];
        // Nobody is to answer.
        let sender = Sender::plain(ReversePath::Null);
        let origin = Origin::ours();
        let taken = ground.intake.receive(&origin, sender, accepted, incoming, Fate::Own);
        taken.await?.recipients.into_iter().collect::<Result<(), Refusal>>()?;
        Ok(())
    }
}
