//! From the configuration to a server at work, and back to silence.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::screen::Screen;
use super::{Failure, Services, doors, open_services, privileges, ready, setup};
use crate::api::{self, About, Api};
use crate::config::{Config, Effective, SpamEngine};
use crate::mail::accounts;
use crate::mail::certificates::acme::Acme;
use crate::mail::certificates::{Certificates, Teller};
use crate::mail::checks::{self, Checks};
use crate::mail::client_setup::ClientSetup;
use crate::mail::dispatch::{self, Dispatch};
use crate::mail::dns::Dns;
use crate::mail::intake::{Allowance, Intake, Rooms};
use crate::mail::relay::{self, Relay};
use crate::mail::repeats::Repeats;
use crate::mail::reports;
use crate::mail::reports::dmarc::{DmarcReports, Tally};
use crate::mail::reports::tls::TlsReports;
use crate::mail::retention::Retention;
use crate::mail::spam::{self, Outside};
use crate::mail::zone::Zones;
use crate::model::clock::Clock;
use crate::model::secret::Secret;
use crate::server::bind::Sockets;
use crate::server::listener::{Gate, Listeners};

/// The variable that sets the administrator's password.
const ADMIN_PASSWORD: &str = "POSTHOUSE_ADMIN_PASSWORD";

/// Runs the server until SIGTERM or SIGINT: then nothing more is accepted, what is in flight has `limits.shutdown_seconds` to end.
pub async fn serve(config: Config, settings: Vec<Effective>, ready_file: Option<PathBuf>) -> Result<(), Failure> {
    let mut sockets = doors::bind(&config.listen)?;
    privileges::give_up(&config.process, &config.data_dir)?;
    let services = open_services(&config).await?;
    services.certificates.load().map_err(Failure::of)?;
    let tls = services.certificates.server_config().map_err(Failure::of)?;
    if let Some(acme) = &services.acme {
        acme.load().await.map_err(Failure::of)?;
    }
    let tally = Tally::default();
    let intake = intake(&config, &services, &tally)?;
    let listeners = Listeners::bind(doors::services(&config, &services, &intake, &tls), &mut sockets).map_err(Failure::of)?;
    let (dispatch, tls_reports) = dispatch(&config, &services, &intake, &listeners)?;
    let dmarc_reports = dmarc_reports(&config, &services, &intake, tally)?;
    let http = bind_all("listen.http", &config.listen.http, &mut sockets)?;
    let https = bind_all("listen.https", &config.listen.https, &mut sockets)?;
    let addresses = addresses(&listeners, &http, &https);
    let stop = CancellationToken::new();
    let entrances = Entrances {
        http,
        https,
        https_tls: services.certificates.https_config().map_err(Failure::of)?,
        acme: services.acme.clone(),
        stop: &stop,
        about: about(&config, &addresses, settings),
        metrics: metrics(&config, &services, &listeners),
    };
    let http = http_server((&config, &services, &intake), entrances)?;

    let made_up = prepare(&config, &services).await?;
    let mut told_to_stop = Signals::listen()?;
    let http = http.map(|server| (server.handle(), tokio::spawn(server)));
    let serving = listeners.serve(gate(&config, &services), stop.clone());
    let dispatching = tokio::spawn(dispatch.run(stop.clone()));
    let nothing_more_to_report = CancellationToken::new();
    let mut beside = beside((&config, &services), &stop, &nothing_more_to_report);
    beside.push(tokio::spawn(certify(&config, &services, stop.clone())));
    let reporting = tokio::spawn(report(tls_reports, dmarc_reports, nothing_more_to_report.clone()));

    announce(&config, &addresses, made_up.as_ref(), ready_file.as_deref())?;
    told_to_stop.wait(&services.certificates).await;
    ready::notify("STOPPING=1");
    tracing::info!("stopping: no more connections are accepted");
    stop.cancel();
    let (_, http_ended) = tokio::join!(serving.finish(), end(http));
    let dispatching_ended = dispatching.await;
    nothing_more_to_report.cancel();
    let others_ended = join_all(beside).await;
    for ended in [http_ended, dispatching_ended, reporting.await].into_iter().chain(others_ended) {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the server did not end well");
        }
    }
    services.database.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What works beside the doors: until `stop`, or until there is nothing more to tell.
fn beside((config, services): (&Config, &Services), stop: &CancellationToken, nothing_more: &CancellationToken) -> Vec<JoinHandle<()>> {
    let hall = (services.directory.clone(), services.mailboxes.clone());
    vec![
        tokio::spawn(services.spam.clone().run(services.mailboxes.resorted(), hall, stop.clone())),
        tokio::spawn(remove_what_is_due(config, services, stop)),
        tokio::spawn(keep_open(config, services, stop)),
        tokio::spawn(services.audit.clone().run(stop.clone())),
        tokio::spawn(services.webhooks.clone().run(stop.clone())),
        tokio::spawn(services.traces.clone().run(nothing_more.clone())),
        tokio::spawn(services.events.clone().run(nothing_more.clone())),
        tokio::spawn(services.spam.clone().remember(nothing_more.clone())),
    ]
}

/// Large mailboxes stay open over a restart.
fn keep_open(config: &Config, services: &Services, stop: &CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let file = config.data_dir.join("open-mailboxes.json");
    services.mailboxes.clone().keep_open(services.directory.clone(), file, stop.clone())
}

/// What is to be in order before anybody comes in; the administrator's password, if one was made up.
async fn prepare(config: &Config, services: &Services) -> Result<Option<Secret>, Failure> {
    let given = std::env::var(ADMIN_PASSWORD).ok().map(Secret::new);
    let admin = services.directory.ensure_admin(given).await;
    let made_up = admin.map_err(|refusal| Failure(format!("{ADMIN_PASSWORD}: {refusal}")))?;
    services.spool.sweep().map_err(|error| Failure(format!("data_dir: {error}")))?;
    if config.mail.full_text_index {
        services.mailboxes.keep_index();
    }
    Ok(made_up)
}

/// The HTTP server at work.
type Http = (ServerHandle, JoinHandle<std::io::Result<()>>);

/// Lets the requests in flight finish.
async fn end(http: Option<Http>) -> Result<(), JoinError> {
    let Some((handle, task)) = http else { return Ok(()) };
    handle.stop(true).await;
    task.await.map(drop)
}

/// Looks after the certificates.
fn certify(config: &Config, services: &Services, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let (certificates, acme) = (services.certificates.clone(), services.acme.clone());
    let teller = Teller::new(certificates.clone(), services.events.clone(), &config.tls, Clock::System);
    async move {
        let asking = async {
            if let Some(acme) = acme {
                acme.run(stop.clone()).await;
            }
        };
        tokio::join!(certificates.run(stop.clone()), teller.run(stop.clone()), asking);
    }
}

fn gate(config: &Config, services: &Services) -> Gate {
    Gate {
        limits: config.limits.clone(),
        proxy: config.proxy.clone(),
        defence: Some(services.defence.clone()),
    }
}

/// Who is asked about incoming mail besides the rules.
fn outside(config: &Config, services: &Services) -> Result<Outside, Failure> {
    Ok(Outside::open(spam::Ground {
        dns: Dns::open(&config.dns).map_err(Failure::of)?,
        database: services.database.clone(),
        lists: config.dns_lists.clone(),
        greylist: config.greylist.clone(),
        correspondents: config.correspondents.clone(),
        reputation: config.reputation.clone(),
        weights: config.spam.weights.clone(),
        clock: Clock::System,
    }))
}

fn intake(config: &Config, services: &Services, tally: &Tally) -> Result<Intake, Failure> {
    if config.spam.engine == SpamEngine::Builtin {
        services.spam.ask_outside(outside(config, services)?);
    }
    let checks = Checks::open(checks::Ground {
        dns: Dns::open(&config.dns).map_err(Failure::of)?,
        settings: config.checks.clone(),
        hostname: config.hostname.clone(),
        tally: config.reports.dmarc.then(|| tally.clone()),
        clock: Clock::System,
    });
    let rooms = Rooms {
        directory: services.directory.clone(),
        mailboxes: services.mailboxes.clone(),
        queue: services.queue.clone(),
        spool: services.spool.clone(),
        signing: services.signing.clone(),
        srs: services.srs.clone(),
        allowance: Allowance::new(services.database.clone(), config.submission.clone(), Clock::System),
        checks,
        reports: services.reports.clone(),
        spam: services.spam.clone(),
        virus: services.virus.clone(),
        filters: services.filters.clone(),
        traces: services.traces.clone(),
        reserve: (
            ["mail", "spool"].map(|name| config.data_dir.join(name)).to_vec(),
            config.mail.reserve_bytes,
        ),
        check_from: config.submission.check_from,
    };
    let hostname = config.hostname.clone();
    Ok(Intake::new(rooms, hostname, config.smtp.max_message_bytes, Clock::System))
}

fn dispatch(config: &Config, services: &Services, intake: &Intake, listeners: &Listeners) -> Result<(Dispatch, TlsReports), Failure> {
    let smtp = listeners.addresses().filter(|(key, _)| *key == "listen.smtp");
    let ground = relay::Ground {
        hostname: config.hostname.clone(),
        listeners: smtp.filter_map(|(_, address)| address.parse().ok()).collect(),
        dns: Dns::open(&config.dns).map_err(Failure::of)?,
        database: services.database.clone(),
        clock: Clock::System,
    };
    let relay = Relay::new(ground, config.outbound.clone()).map_err(Failure::of)?;
    let reports = reports_ground(config, services, intake);
    let tls_reports = TlsReports::new(reports, relay.clone(), &config.reports).map_err(Failure::of)?;
    let grace = Duration::from_secs(config.limits.shutdown_seconds);
    let ground = dispatch::Ground {
        queue: services.queue.clone(),
        relay,
        intake: intake.clone(),
        directory: services.directory.clone(),
        tls_reports: tls_reports.clone(),
        traces: services.traces.clone(),
    };
    let dispatch = Dispatch::new(ground, grace);
    Ok((dispatch, tls_reports))
}

/// Tells other domains what they want to hear, until `stop`.
async fn report(tls: TlsReports, dmarc: DmarcReports, stop: CancellationToken) {
    tokio::join!(tls.run(stop.clone()), dmarc.run(stop));
}

fn dmarc_reports(config: &Config, services: &Services, intake: &Intake, tally: Tally) -> Result<DmarcReports, Failure> {
    let dns = Dns::open(&config.dns).map_err(Failure::of)?;
    DmarcReports::new(reports_ground(config, services, intake), tally, dns, &config.reports).map_err(Failure::of)
}

fn reports_ground(config: &Config, services: &Services, intake: &Intake) -> reports::Ground {
    reports::Ground {
        database: services.database.clone(),
        intake: intake.clone(),
        signing: services.signing.clone(),
        hostname: config.hostname.clone(),
        clock: Clock::System,
    }
}

/// Users whose time to be restored is over, and old mail in Junk and Trash.
fn remove_what_is_due(config: &Config, services: &Services, stop: &CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let users = accounts::run(services.directory.clone(), services.mailboxes.clone(), stop.clone());
    let retention = Retention {
        database: services.database.clone(),
        directory: services.directory.clone(),
        mailboxes: services.mailboxes.clone(),
        settings: config.retention.clone(),
        clock: Clock::System,
    };
    let mail = retention.run(stop.clone());
    async move {
        tokio::join!(users, mail);
    }
}

fn bind_all(key: &'static str, addresses: &[String], sockets: &mut Sockets) -> Result<Vec<TcpListener>, Failure> {
    addresses
        .iter()
        .map(|address| sockets.tcp(key, address).map_err(Failure::of))
        .collect()
}

/// The actual addresses by the names of `[listen]`.
fn addresses(listeners: &Listeners, http: &[TcpListener], https: &[TcpListener]) -> Vec<(&'static str, Vec<String>)> {
    let mut addresses: Vec<(&'static str, Vec<String>)> = Vec::new();
    let mut add = |key: &'static str, address: String| {
        let name = key.strip_prefix("listen.").unwrap_or(key);
        match addresses.iter_mut().find(|(known, _)| *known == name) {
            Some((_, list)) => list.push(address),
            None => addresses.push((name, vec![address])),
        }
    };
    listeners.addresses().for_each(|(key, address)| add(key, address.to_owned()));
    for (key, list) in [("listen.http", http), ("listen.https", https)] {
        list.iter()
            .filter_map(|listener| listener.local_addr().ok())
            .for_each(|address| add(key, address.to_string()));
    }
    addresses
}

/// What there is to say of the server.
fn about(config: &Config, addresses: &[(&'static str, Vec<String>)], settings: Vec<Effective>) -> About {
    About {
        started_at: Clock::System.now(),
        listeners: addresses.iter().map(|(name, all)| ((*name).to_owned(), all.clone())).collect(),
        max_message_bytes: config.smtp.max_message_bytes,
        configuration: settings,
    }
}

/// What the REST API is built of.
struct Entrances<'h> {
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    https_tls: Arc<rustls::ServerConfig>,
    acme: Option<Acme>,
    stop: &'h CancellationToken,
    about: About,
    metrics: Arc<Metrics>,
}

/// What mail clients are told of the listeners.
fn client_setup(config: &Config, services: &Services, about: &About) -> ClientSetup {
    let listeners = about
        .listeners
        .iter()
        .map(|(name, addresses)| (name.as_str(), addresses.as_slice()));
    let servers = setup::servers(config, listeners);
    ClientSetup::open(services.directory.clone(), servers, (&config.mta_sts, &config.hostname))
}

/// The REST API; none if it has no listener.
fn http_server(
    (config, services, intake): (&Config, &Services, &Intake),
    entrances: Entrances<'_>,
) -> Result<Option<actix_web::dev::Server>, Failure> {
    let Entrances {
        http,
        https,
        https_tls,
        acme,
        stop,
        about,
        metrics,
    } = entrances;
    if http.is_empty() && https.is_empty() {
        return Ok(None);
    }
    let database = services.database.clone();
    let dns = Dns::open(&config.dns).map_err(Failure::of)?;
    let clients = client_setup(config, services, &about);
    let api = Api {
        directory: services.directory.clone(),
        sessions: services.sessions.clone(),
        hostname: config.hostname.clone(),
        filters: services.filters.clone(),
        mailboxes: services.mailboxes.clone(),
        intake: intake.clone(),
        spam: services.spam.clone(),
        queue: services.queue.clone(),
        signing: services.signing.clone(),
        traces: services.traces.clone(),
        reports: services.reports.clone(),
        statistics: services.statistics.clone(),
        audit: services.audit.clone(),
        events: services.events.clone(),
        webhooks: services.webhooks.clone(),
        zones: Zones::open(
            dns,
            (services.signing.clone(), clients.clone()),
            config.hostname.clone(),
            services.certificates.clone(),
        ),
        certificates: services.certificates.clone(),
        acme,
        defence: services.defence.clone(),
        clients,
        about,
        repeats: Repeats::open(services.database.clone(), config.http.idempotency_hours, Clock::System),
        settings: config.http.clone(),
        max_recipients: config.smtp.max_recipients,
        stop: stop.clone(),
        shutdown_seconds: config.limits.shutdown_seconds,
        ready: Arc::new(move || {
            let database = database.clone();
            Box::pin(async move { database.read().await.map(|_| ()).map_err(|error| error.to_string()) })
        }),
        metrics: Arc::new(move |exposition| Box::pin(Arc::clone(&metrics).read(exposition))),
        metrics_from: config.metrics.allow_from.clone(),
    };
    let https = https.into_iter().map(|listener| (listener, Arc::clone(&https_tls))).collect();
    let server = api::server(api, http, https).map_err(|error| Failure(format!("listen.http: {error}")))?;
    Ok(Some(server))
}

fn metrics(config: &Config, services: &Services, listeners: &Listeners) -> Arc<Metrics> {
    let certificates = services.certificates.clone();
    let expiry = Arc::new(move || certificates.expiries());
    Metrics::open(services, listeners, expiry, &config.metrics)
}

/// The line, the file, systemd, and the screen for people.
fn announce(
    config: &Config,
    addresses: &[(&'static str, Vec<String>)],
    made_up: Option<&Secret>,
    file: Option<&Path>,
) -> Result<(), Failure> {
    if let Some(path) = file {
        ready::write_file(path, addresses)?;
    }
    let screen = Screen {
        hostname: &config.hostname,
        listeners: addresses,
        data_dir: &config.data_dir,
        admin_password: made_up,
        self_signed: config.tls.is_self_signed(),
    };
    let mut out = std::io::stdout().lock();
    // Nobody needs to read the screen: that standard output is closed is no reason to stop.
    drop(write!(out, "{screen}").and_then(|()| out.flush()));
    eprintln!("ready");
    ready::notify("READY=1");
    Ok(())
}

/// What ends the server, and what has it look at its files.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup()).map_err(Failure::of)?,
            terminate: signal(SignalKind::terminate()).map_err(Failure::of)?,
            interrupt: signal(SignalKind::interrupt()).map_err(Failure::of)?,
        })
    }

    /// Waits for the end; SIGHUP has the certificates read again.
    async fn wait(&mut self, certificates: &Certificates) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => certificates.look(),
            }
        }
    }
}
