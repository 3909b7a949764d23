//! Who reports, and how a report goes out by mail.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::RngExt;

use super::begin_of;
use crate::config;
use crate::mail::intake::{Accepted, Fate, Intake, Origin};
use crate::mail::sign::Signing;
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::{Clock, DAY_MS, milliseconds, timestamp};
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::refusal::Refusal;
use crate::store::db::Database;
use crate::wire::report_letter::{Letter, Subject};

/// What the reports stand on. Cheap to clone.
#[derive(Clone)]
pub struct Ground {
    /// Where counts are kept.
    pub database: Database,
    /// How reports are sent.
    pub intake: Intake,
    /// What signs them.
    pub signing: Signing,
    /// The name of this server.
    pub hostname: String,
    /// The time.
    pub clock: Clock,
}

/// The configuration leads to no sender of reports: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("reports.from: {0}")]
pub struct BadSender(String);

/// A report that could not be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the status is {0}")]
    Status(reqwest::StatusCode),
    #[error("it cannot be written: {0}")]
    Unwritable(#[from] std::io::Error),
    #[error("it has {0} octets, which is more than its receiver takes")]
    TooLarge(usize),
    #[error("there is no DKIM key for {0}, and an unsigned report is not believed (RFC 8460 §3)")]
    Unsigned(String),
}

/// A report that is ready.
pub(super) struct Report<'r> {
    pub(super) subject: Subject,
    /// Whom it is about.
    pub(super) domain: &'r Domain,
    pub(super) id: &'r str,
    /// The first and the last second that it is about, since 1970.
    pub(super) range: (i64, i64),
    pub(super) compressed: &'r [u8],
}

/// Who reports.
pub(super) struct Reporter {
    pub(super) ground: Ground,
    /// Its name.
    pub(super) organization: String,
    pub(super) from: EmailAddress,
    /// How long after midnight reports are sent.
    delay_ms: i64,
}

impl Reporter {
    pub(super) fn new(ground: Ground, settings: &config::Reports) -> Result<Self, BadSender> {
        let from = match settings.from.as_str() {
            "" => format!("postmaster@{}", ground.hostname),
            from => from.to_owned(),
        };
        let organization = match settings.organization_name.as_str() {
            "" => ground.hostname.clone(),
            name => name.to_owned(),
        };
        let minutes = rand::rng().random_range(0..=settings.max_delay_minutes);
        Ok(Self {
            from: EmailAddress::parse(&from).map_err(|bad| BadSender(format!("'{from}': {bad}")))?,
            delay_ms: milliseconds(minutes.saturating_mul(60)),
            organization,
            ground,
        })
    }

    /// The day of which nothing is reported yet, in days since 1970, UTC; the days before it are over.
    pub(super) fn today(&self) -> i64 {
        let now = self.ground.clock.now_ms();
        now.saturating_sub(self.delay_ms).div_euclid(DAY_MS)
    }

    /// What a report of a day is called: the day, what else tells it from others, and this server.
    pub(super) fn id(&self, day: i64, what: &str) -> String {
        let date = timestamp(begin_of(day).saturating_mul(1_000)).strftime("%Y-%m-%d").to_string();
        format!("{date}.{what}@{}", self.ground.hostname)
    }

    /// Sends a report by mail, if the letter has no more than so many octets.
    pub(super) async fn mail(&self, report: &Report<'_>, to: &EmailAddress, most: Option<u64>) -> Result<(), NotSent> {
        let (intake, from) = (&self.ground.intake, &self.from);
        let ours = from.domain();
        let is_signed = match ours {
            Some(ours) => self.ground.signing.signer(ours).await?.is_some(),
            None => false,
        };
        if !is_signed {
            return Err(NotSent::Unsigned(ours.map(ToString::to_string).unwrap_or_default()));
        }
        let mut incoming = intake.begin();
        let unique = incoming.id().to_string();
        let letter = Letter {
            subject: report.subject,
            unique: &unique,
            host: &self.ground.hostname,
            from,
            to,
            date: self.ground.clock.now(),
            domain: report.domain,
            report_id: report.id,
            range: report.range,
            compressed: report.compressed,
        };
        let letter = letter.spell();
        if most.is_some_and(|most| letter.len() as u64 > most) {
            return Err(NotSent::TooLarge(letter.len()));
        }
        let route = intake.route(to).await?;
        incoming.write(&letter).await?;
        let accepted = vec![Accepted {
            recipient: Recipient::plain(to.clone()),
            route,
        }];
        // Nobody is to answer.
        let sender = Sender::plain(ReversePath::Null);
        let origin = Origin::ours();
        let taken = intake.receive(&origin, sender, accepted, incoming, Fate::Own).await?;
        taken.recipients.into_iter().collect::<Result<(), Refusal>>()?;
        Ok(())
    }
}

/// The octets, compressed with gzip.
pub(super) fn compressed(octets: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets)?;
    encoder.finish()
}
