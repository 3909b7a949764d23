//! The configuration: one file a section, each field with its default, its range and a doc comment, from which the
//! reference, the example and the error messages are made.
//!
//! `cli` loads it, `app` hands each section to whom it concerns; nobody else sees the whole [`Config`]. What [`Config::load`]
//! gives is valid: every key is known, of the right type and within its range, and what belongs together agrees.

mod acme;
mod audit;
mod auth;
mod check;
mod checks;
mod client;
mod correspondents;
mod database;
mod defence;
mod directory;
mod dns;
mod dns_lists;
mod environment;
mod events;
mod greylist;
mod http;
mod imap;
mod keys;
mod limits;
mod listen;
mod load;
mod log;
mod mail;
mod metrics;
mod milter;
mod mta_sts;
mod order;
mod outbound;
mod problem;
mod process;
mod proxy;
mod queue;
mod reference;
mod reports;
mod reputation;
mod retention;
mod route;
mod sieve;
mod smtp;
mod spam;
mod submission;
mod tls;
mod trace;
mod virus;
mod webhooks;

pub use acme::{Acme, AcmeChallenge};
pub use audit::Audit;
pub use auth::Auth;
pub use checks::{Checks, DmarcQuarantine, DmarcReject};
pub use client::Client;
pub use correspondents::Correspondents;
pub use database::Database;
pub use defence::Defence;
pub use directory::Directory;
pub use dns::{Dns, Dnssec};
pub use dns_lists::{DnsList, DnsListHit, DnsListKind, DnsLists};
pub use events::Events;
pub use greylist::Greylist;
pub use http::Http;
pub use imap::Imap;
pub use limits::Limits;
pub use listen::Listen;
pub use load::{Effective, Loaded, Setting};
pub use log::{Log, LogFormat};
pub use mail::Mail;
pub use metrics::Metrics;
pub use milter::{Milter, MilterFailure};
pub use mta_sts::{MtaSts, MtaStsMode};
pub use outbound::{AddressFamily, Outbound, OutboundTls, TlsPolicy};
pub use problem::{Error, Origin};
pub use process::Process;
pub use proxy::Proxy;
pub use queue::Queue;
pub use reference::{example, reference_markdown};
pub use reports::Reports;
pub use reputation::Reputation;
pub use retention::Retention;
pub use route::Route;
pub use sieve::Sieve;
pub use smtp::Smtp;
pub use spam::{Spam, SpamEngine, SpamFailure};
pub use submission::Submission;
pub use tls::{CertificateFiles, Tls};
pub use trace::Trace;
pub use virus::{Virus, VirusAction, VirusFailure};
pub use webhooks::Webhooks;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The whole configuration of a server.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The name by which the server calls itself: in greetings, Received lines and reports. Default: the machine's name.
    #[schemars(example = "mail.example.org")]
    pub hostname: String,
    /// Where everything is kept: database, mail, spool, certificate. Relative to the working directory.
    pub data_dir: PathBuf,
    /// As whom the server runs.
    pub process: Process,
    /// The database.
    pub database: Database,
    /// The listeners. An empty list turns one off; port 0 picks a free port and logs it; `systemd:NAME` is a socket that systemd passes.
    pub listen: Listen,
    /// Proxies in front of the server, such as HAProxy, that say by the PROXY protocol whose connections they hand on.
    pub proxy: Proxy,
    /// Certificates, and where plain-text logins are allowed.
    pub tls: Tls,
    /// Certificates from an authority such as Let's Encrypt, by ACME: asked for, renewed and shared by all nodes through the database.
    pub acme: Acme,
    /// Names to addresses.
    pub dns: Dns,
    /// Receiving over SMTP, submission and LMTP.
    pub smtp: Smtp,
    /// The checks of incoming mail: who a message is from, as far as that can be proved.
    pub checks: Checks,
    /// What users may send.
    pub submission: Submission,
    /// IMAP and POP3 sessions.
    pub imap: Imap,
    /// The REST API.
    pub http: Http,
    /// Bounds on connections.
    pub limits: Limits,
    /// Passwords and tokens.
    pub auth: Auth,
    /// Who is kept out: bans of addresses from which passwords are guessed, over all protocols and the API, or recipients.
    pub defence: Defence,
    /// Addresses and aliases.
    pub directory: Directory,
    /// Stored mail.
    pub mail: Mail,
    /// Spam: how it is told from other mail, and what is done with it.
    pub spam: Spam,
    /// Viruses: who looks for them, and what is done with mail that has one.
    pub virus: Virus,
    /// Milters: filters beside the server, such as opendkim, that have a say in its SMTP dialogues.
    pub milter: Milter,
    /// Block and allow lists that are asked over DNS about the client of a message and the domains in it.
    pub dns_lists: DnsLists,
    /// Greylisting: doubtful mail of strangers is put off once with 451, since most of those who send spam do not come again (RFC 6647).
    pub greylist: Greylist,
    /// Whom users have written to: their mail is hardly spam, as far as they prove to be it.
    pub correspondents: Correspondents,
    /// Reputation: how much spam and other mail came from an address, its network, and a sender's domain that was proved.
    pub reputation: Reputation,
    /// How long messages stay in Junk and Trash, of users who have no rule of their own (`junk_days` and `trash_days` of
    /// `/users/{address}`). They go for good, whatever their flags.
    pub retention: Retention,
    /// Filters: the scripts of users and of the server, and the ManageSieve sessions by which users change theirs.
    pub sieve: Sieve,
    /// The queue of outgoing mail.
    pub queue: Queue,
    /// Delivery to other servers.
    pub outbound: Outbound,
    /// Reports to other domains, which ask for them by DNS, and of others about domains here.
    pub reports: Reports,
    /// What mail clients are told to be set up with.
    pub client: Client,
    /// What other servers are told of TLS.
    pub mta_sts: MtaSts,
    /// The stories of messages.
    pub trace: Trace,
    /// The audit log: who changed what.
    pub audit: Audit,
    /// Events: what happens, for programs that want to hear of it.
    pub events: Events,
    /// Webhooks: programs elsewhere that are told of events.
    pub webhooks: Webhooks,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// What is logged, and how.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: machine_name(),
            data_dir: "posthouse-data".into(),
            process: Process::default(),
            database: Database::default(),
            listen: Listen::default(),
            proxy: Proxy::default(),
            tls: Tls::default(),
            acme: Acme::default(),
            dns: Dns::default(),
            smtp: Smtp::default(),
            checks: Checks::default(),
            submission: Submission::default(),
            imap: Imap::default(),
            http: Http::default(),
            limits: Limits::default(),
            auth: Auth::default(),
            defence: Defence::default(),
            directory: Directory::default(),
            mail: Mail::default(),
            spam: Spam::default(),
            virus: Virus::default(),
            milter: Milter::default(),
            dns_lists: DnsLists::default(),
            greylist: Greylist::default(),
            correspondents: Correspondents::default(),
            reputation: Reputation::default(),
            retention: Retention::default(),
            sieve: Sieve::default(),
            queue: Queue::default(),
            outbound: Outbound::default(),
            reports: Reports::default(),
            client: Client::default(),
            mta_sts: MtaSts::default(),
            trace: Trace::default(),
            audit: Audit::default(),
            events: Events::default(),
            webhooks: Webhooks::default(),
            metrics: Metrics::default(),
            log: Log::default(),
        }
    }
}

fn machine_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    if crate::model::address::Domain::parse(&name).is_ok() {
        name
    } else {
        "localhost".into()
    }
}
