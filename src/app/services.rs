//! The services that the doors and the commands work on.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use super::Failure;
use crate::config::Config;
use crate::mail::audit::Audit;
use crate::mail::certificates::Certificates;
use crate::mail::certificates::acme::Acme;
use crate::mail::defence::Defence;
use crate::mail::directory::Directory;
use crate::mail::dns::Dns;
use crate::mail::events::Events;
use crate::mail::filter::{self, Filters};
use crate::mail::mailbox::{Ground, Mailboxes};
use crate::mail::queue::Queue;
use crate::mail::received_reports::ReceivedReports;
use crate::mail::sessions::Sessions;
use crate::mail::sign::Signing;
use crate::mail::spam::Spam;
use crate::mail::srs::Srs;
use crate::mail::statistics::Statistics;
use crate::mail::traces::Traces;
use crate::mail::virus::Virus;
use crate::mail::webhooks::Webhooks;
use crate::model::audit::Actor;
use crate::model::clock::Clock;
use crate::store::db::Database;
use crate::store::spool::Spool;

/// What the commands work on, and the server too.
pub struct Services {
    /// The database under all of them.
    pub database: Database,
    /// The certificates of the server; nothing is read of them yet.
    pub certificates: Certificates,
    /// Who is kept out.
    pub defence: Defence,
    /// Domains, users, aliases.
    pub directory: Directory,
    /// Who is logged in.
    pub sessions: Sessions,
    /// Stored mail.
    pub mailboxes: Mailboxes,
    /// What users want of new mail.
    pub filters: Filters,
    /// What tells spam from mail.
    pub spam: Spam,
    /// What looks for viruses.
    pub virus: Virus,
    /// Outgoing mail.
    pub queue: Queue,
    /// The stories of messages.
    pub traces: Traces,
    /// What others have reported of domains here.
    pub reports: ReceivedReports,
    /// Numbers for graphs.
    pub statistics: Statistics,
    /// The keys that sign it.
    pub signing: Signing,
    /// Who changed what.
    pub audit: Audit,
    /// What happens.
    pub events: Events,
    /// Who elsewhere is told of it.
    pub webhooks: Webhooks,
    /// Certificates from an authority, if they are wanted.
    pub acme: Option<Acme>,
    /// What rewrites the senders of forwarded mail.
    pub(super) srs: Srs,
    /// Files of messages under way.
    pub(super) spool: Spool,
}

impl Services {
    /// The same for changes by somebody: what they do is in the audit log under their name.
    #[must_use]
    pub fn acting(self, actor: &Arc<Actor>) -> Self {
        Self {
            defence: self.defence.acting(actor),
            directory: self.directory.acting(actor),
            filters: self.filters.acting(actor),
            ..self
        }
    }
}

/// Opens the services without any listener, on the same data as a server that may be running.
pub async fn open_services(config: &Config) -> Result<Services, Failure> {
    make_data_dir(&config.data_dir)?;
    let clock = Clock::System;
    let database = Database::open(&config.database, &config.data_dir).await.map_err(Failure::of)?;
    let spool = Spool::open(&config.data_dir).map_err(|error| Failure(format!("data_dir: {error}")))?;
    let events = Events::open(database.clone(), &config.events, clock.clone());
    let (names, auth) = (config.directory.clone(), config.auth.clone());
    let directory = Directory::open(database.clone(), names, auth, clock.clone(), events.clone()).await;
    let mailboxes = Mailboxes::open_all(Ground {
        database: database.clone(),
        spool: spool.clone(),
        root: config.data_dir.join("mail"),
        hostname: config.hostname.clone(),
        max_message_bytes: config.smtp.max_message_bytes,
        settings: config.mail.clone(),
        events: events.clone(),
        clock: clock.clone(),
    });
    let certificates = Certificates::new(config.tls.clone(), config.data_dir.clone(), config.hostname.clone(), clock.clone());
    let acme = open_acme(config, (database.clone(), certificates.clone(), events.clone()))?;
    let signing = Signing::open(database.clone(), clock.clone());
    let srs = Srs::open(&database, clock.clone()).await.map_err(Failure::of)?;
    let directory = directory.map_err(Failure::of)?;
    let defence = Defence::open(database.clone(), config.defence.clone(), clock.clone()).await;
    let defence = defence.map_err(Failure::of)?;
    directory.defended_by(defence.clone());
    let filters = open_filters(config, &database, &directory, &mailboxes)?;
    let spam = Spam::open(&config.spam, database.clone(), clock.clone()).map_err(Failure)?;
    let sessions = Sessions::open(directory.clone(), clock.clone());
    let statistics = Statistics::open(database.clone(), config.data_dir.clone(), clock.clone());
    let traces = Traces::open(database.clone(), &config.trace, statistics.clone(), events.clone(), clock.clone());
    let dns = Dns::open(&config.dns).map_err(Failure::of)?;
    let webhooks = Webhooks::open(database.clone(), &config.webhooks, events.clone(), dns, clock.clone());
    let audit = Audit::open(database.clone(), &config.audit, clock.clone());
    let reports = ReceivedReports::open(database.clone(), directory.clone(), config.reports.clone(), clock.clone());
    let queue = Queue::open(database.clone(), spool.clone(), config.queue.clone(), traces.clone(), clock);
    Ok(Services {
        database,
        certificates,
        defence,
        directory,
        sessions,
        mailboxes,
        filters,
        spam,
        virus: Virus::open(&config.virus),
        queue,
        traces,
        reports,
        statistics,
        signing,
        audit,
        events,
        webhooks,
        acme,
        srs,
        spool,
    })
}

/// Those by ACME, if they are wanted. Nothing is asked or read yet.
fn open_acme(config: &Config, ground: (Database, Certificates, Events)) -> Result<Option<Acme>, Failure> {
    if !config.acme.enabled {
        return Ok(None);
    }
    let acme = Acme::new(config.acme.clone(), &config.hostname, ground, Clock::System);
    acme.map(Some).map_err(|problem| Failure(format!("acme.ca_file: {problem}")))
}

fn open_filters(config: &Config, database: &Database, directory: &Directory, mailboxes: &Mailboxes) -> Result<Filters, Failure> {
    let ground = filter::Ground {
        database: database.clone(),
        directory: directory.clone(),
        mailboxes: mailboxes.clone(),
        settings: config.sieve.clone(),
        detail_separators: config.directory.detail_separators.clone(),
        hostname: config.hostname.clone(),
        clock: Clock::System,
    };
    Filters::open(ground).map_err(Failure)
}

/// Mail is nobody else's business: the directory is readable by its owner only.
fn make_data_dir(path: &Path) -> Result<(), Failure> {
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(Failure(format!(
            "data_dir: cannot make {}: {error}; choose a directory that can be written",
            path.display()
        ))),
    }
}
