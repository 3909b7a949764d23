//! The REST API: caller, typed request, a service of `mail`, resource or problem.
//!
//! `app` builds an [`Api`] and calls [`server`]; nobody else calls this room. It promises that every reply is documented in
//! [`openapi`], that every error is a problem document, that nothing is read without a bound, and that work which was begun is
//! finished even if the client hangs up. A handler has no SQL, no protocol words and no status table: those stand in `mail`,
//! in `wire` and in `problem`.
//!
//! RFC 9110 (HTTP), RFC 9457 §3 (problem documents), RFC 6750 §2.1 (bearer tokens), RFC 7396 §2 (merge patch),
//! RFC 6266 §4 (Content-Disposition), RFC 9110 §13 (preconditions), RFC 7240 §4.2 (Prefer), RFC 8288 §3 (Link).

mod access;
mod acme;
mod aliases;
mod allowlist;
mod api_keys;
mod app_passwords;
mod audit_log;
mod auth;
mod bans;
mod batch;
mod blocklist;
mod body;
mod caller;
mod certificates;
mod client_setup;
mod conventions;
mod cors;
mod deprecation;
mod dkim_keys;
mod dmarc_reports;
mod docs;
mod domain_dns;
mod domains;
mod doorkeeper;
mod events;
mod field;
mod health;
mod house;
mod idempotency;
mod jwt_keys;
mod lessons;
mod login_log;
mod mailboxes;
mod messages;
mod metrics;
mod nulls;
pub mod openapi;
mod page;
mod problem;
mod queue;
mod rates;
mod reply;
mod request_id;
mod resolve;
mod router;
mod server;
mod sessions;
mod sieve;
mod stats;
mod submissions;
mod tag;
mod time;
mod tls_reports;
mod totp;
mod traces;
mod users;
mod vacation;
mod webhooks;
mod word;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer};
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::AppExt;

pub use house::Ready;
pub use metrics::{Exposition, Metrics};

use crate::config;
use crate::mail::audit::Audit;
use crate::mail::certificates::Certificates;
use crate::mail::certificates::acme::Acme;
use crate::mail::client_setup::ClientSetup;
use crate::mail::defence::Defence;
use crate::mail::directory::Directory;
use crate::mail::events::Events;
use crate::mail::filter::Filters;
use crate::mail::intake::Intake;
use crate::mail::mailbox::Mailboxes;
use crate::mail::queue::Queue;
use crate::mail::received_reports::ReceivedReports;
use crate::mail::repeats::Repeats;
use crate::mail::sessions::Sessions;
use crate::mail::sign::Signing;
use crate::mail::spam::Spam;
use crate::mail::statistics::Statistics;
use crate::mail::traces::Traces;
use crate::mail::webhooks::Webhooks;
use crate::mail::zone::Zones;
use crate::model::network::Network;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// What the API works with.
pub struct Api {
    /// Who there is.
    pub directory: Directory,
    /// Who is logged in.
    pub sessions: Sessions,
    /// The name of this server.
    pub hostname: String,
    /// What users want of new mail.
    pub filters: Filters,
    /// Stored mail.
    pub mailboxes: Mailboxes,
    /// Where submitted mail goes in.
    pub intake: Intake,
    /// Who tells spam from mail, and learns it.
    pub spam: Spam,
    /// Outgoing mail.
    pub queue: Queue,
    /// The keys that sign it.
    pub signing: Signing,
    /// The stories of messages.
    pub traces: Traces,
    /// What others have reported of domains here.
    pub reports: ReceivedReports,
    /// Numbers for graphs.
    pub statistics: Statistics,
    /// Who changed what.
    pub audit: Audit,
    /// Who is kept out.
    pub defence: Defence,
    /// The certificates of the server.
    pub certificates: Certificates,
    /// Who asks an authority for more of them, if anybody does.
    pub acme: Option<Acme>,
    /// What happens.
    pub events: Events,
    /// Who elsewhere is told of it.
    pub webhooks: Webhooks,
    /// What domains need in DNS.
    pub zones: Zones,
    /// What mail clients are told.
    pub clients: ClientSetup,
    /// What there is to say of the server itself.
    pub about: About,
    /// Requests that may come twice.
    pub repeats: Repeats,
    /// The section `[http]`.
    pub settings: config::Http,
    /// The most recipients of a message.
    pub max_recipients: usize,
    /// Ends what waits.
    pub stop: CancellationToken,
    /// How long requests in flight have to finish at a stop, in seconds.
    pub shutdown_seconds: u64,
    /// Answers `GET /health/ready`.
    pub ready: Ready,
    /// Answers `GET /metrics`.
    pub metrics: Metrics,
    /// Who reads them without a token.
    pub metrics_from: Vec<Network>,
}

/// The server itself.
pub struct About {
    /// When it was started.
    pub started_at: jiff::Timestamp,
    /// Where it listens, by the names of the configuration.
    pub listeners: Vec<(String, Vec<String>)>,
    /// The most octets of a message.
    pub max_message_bytes: u64,
    /// The configuration that holds, without its secrets.
    pub configuration: Vec<config::Effective>,
}

/// Makes the server for listeners that are bound already. Nothing is accepted before the server is awaited.
///
/// Call it on the main runtime and spawn the result there (`Server` is `Send` and needs no actix system): the workers are threads
/// with a runtime of their own, and each call of a service is sent back to the runtime that this was called on. Signals are left
/// alone: stop it with `server.handle().stop(true).await`, which lets the requests in flight finish.
///
/// # Errors
/// A listener that cannot be used.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn server(
    api: Api,
    listeners: Vec<TcpListener>,
    tls_listeners: Vec<(TcpListener, Arc<rustls::ServerConfig>)>,
) -> std::io::Result<Server> {
    let workers = workers(api.settings.workers);
    let shutdown_seconds = api.shutdown_seconds;
    let origins = api.settings.cors_origins.clone();
    let house = house::House::new(api, tokio::runtime::Handle::current());
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(house.clone())
            .wrap(Condition::new(!origins.is_empty(), cors::allow(&origins)))
            .wrap(from_fn(request_id::stamp))
            .into_utoipa_app()
            .configure(router::routes)
            .into_app()
    })
    .workers(workers)
    .client_request_timeout(HEAD_TIME)
    // Who closes its side has gone away: what waits for it ends.
    .h1_allow_half_closed(false)
    .shutdown_timeout(shutdown_seconds)
    .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    for (listener, tls) in tls_listeners {
        server = server.listen_rustls_0_23(listener, (*tls).clone())?;
    }
    Ok(server.run())
}

/// The number of threads: as configured, or one for each core, at most 4.
fn workers(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
        configured => configured,
    }
}
