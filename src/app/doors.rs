//! The doors: which listener leads to which session.

use std::sync::Arc;

use super::{Failure, Services};
use crate::config::{Config, Listen};
use crate::mail::intake::Intake;
use crate::mail::milter::Milters;
use crate::server::bind::Sockets;
use crate::server::entrance::Entrance;
use crate::server::imap::Imap;
use crate::server::listener::{Door, Service};
use crate::server::managesieve::ManageSieve;
use crate::server::pop3::Pop3;
use crate::server::smtp::{self, Role, Smtp};

/// Binds what all listeners need, HTTP's too: as whoever started the server, who may do so.
pub(super) fn bind(listen: &Listen) -> Result<Sockets, Failure> {
    let keys: [(&'static str, &[String]); 11] = [
        ("listen.smtp", &listen.smtp),
        ("listen.submission", &listen.submission),
        ("listen.submissions", &listen.submissions),
        ("listen.lmtp", &listen.lmtp),
        ("listen.imap", &listen.imap),
        ("listen.imaps", &listen.imaps),
        ("listen.pop3", &listen.pop3),
        ("listen.pop3s", &listen.pop3s),
        ("listen.managesieve", &listen.managesieve),
        ("listen.http", &listen.http),
        ("listen.https", &listen.https),
    ];
    Sockets::bind(&keys).map_err(Failure::of)
}

/// Everything that listens but HTTP.
pub(super) fn services(config: &Config, services: &Services, intake: &Intake, tls: &Arc<rustls::ServerConfig>) -> Vec<Service> {
    let entrance = Arc::new(Entrance {
        directory: services.directory.clone(),
        sessions: services.sessions.clone(),
        defence: services.defence.clone(),
        hostname: config.hostname.clone(),
        tls: Arc::clone(tls),
        plaintext_from: config.tls.allow_plaintext_auth_from.clone(),
    });
    let mail = |role| smtp_door(config, &entrance, intake, role);
    let imap = imap_door(config, &entrance, (services, intake));
    let pop3 = pop3_door(config, &entrance, services);
    let managesieve = managesieve_door(config, &entrance, services);
    let listen = &config.listen;
    let service = |key, addresses: &[String], implicit: bool, busy, door: &Door| Service {
        key,
        addresses: addresses.to_vec(),
        tls: implicit.then(|| Arc::clone(tls)),
        busy,
        door: Arc::clone(door),
    };
    const IMAP_BUSY: &str = "* BYE [UNAVAILABLE] Too many connections from your address, try again later\r\n";
    const POP3_BUSY: &str = "-ERR [SYS/TEMP] Too many connections from your address, try again later\r\n";
    const SIEVE_BUSY: &str = "BYE (TRYLATER) \"Too many connections from your address, try again later\"\r\n";
    vec![
        service("listen.smtp", &listen.smtp, false, smtp::BUSY, &mail(Role::Relay)),
        service("listen.submission", &listen.submission, false, smtp::BUSY, &mail(Role::Submission)),
        service("listen.submissions", &listen.submissions, true, smtp::BUSY, &mail(Role::Submission)),
        service("listen.lmtp", &listen.lmtp, false, smtp::BUSY, &mail(Role::Lmtp)),
        service("listen.imap", &listen.imap, false, IMAP_BUSY, &imap),
        service("listen.imaps", &listen.imaps, true, IMAP_BUSY, &imap),
        service("listen.pop3", &listen.pop3, false, POP3_BUSY, &pop3),
        service("listen.pop3s", &listen.pop3s, true, POP3_BUSY, &pop3),
        service("listen.managesieve", &listen.managesieve, false, SIEVE_BUSY, &managesieve),
    ]
}

fn smtp_door(config: &Config, entrance: &Arc<Entrance>, intake: &Intake, role: Role) -> Door {
    let smtp = Arc::new(Smtp {
        entrance: Arc::clone(entrance),
        intake: intake.clone(),
        settings: config.smtp.clone(),
        role,
        milters: milters(config, role),
    });
    Arc::new(move |stream| Box::pin(Arc::clone(&smtp).serve(stream)))
}

/// Those who have a say in the dialogues of a door. What comes over LMTP was taken already, elsewhere.
fn milters(config: &Config, role: Role) -> Milters {
    let none = Vec::new();
    let (listener, addresses) = match role {
        Role::Relay => ("smtp", &config.milter.smtp),
        Role::Submission => ("submission", &config.milter.submission),
        Role::Lmtp => ("lmtp", &none),
    };
    Milters::open(listener, addresses, &config.milter, &config.hostname)
}

fn imap_door(config: &Config, entrance: &Arc<Entrance>, (services, intake): (&Services, &Intake)) -> Door {
    let rooms = (services.mailboxes.clone(), intake.clone(), services.audit.clone());
    let settings = config.imap.clone();
    let imap = Arc::new(Imap::new(Arc::clone(entrance), rooms, settings, config.smtp.max_message_bytes));
    Arc::new(move |stream| Box::pin(Arc::clone(&imap).serve(stream)))
}

fn pop3_door(config: &Config, entrance: &Arc<Entrance>, services: &Services) -> Door {
    let pop3 = Arc::new(Pop3::new(Arc::clone(entrance), services.mailboxes.clone(), config.imap.clone()));
    Arc::new(move |stream| Box::pin(Arc::clone(&pop3).serve(stream)))
}

fn managesieve_door(config: &Config, entrance: &Arc<Entrance>, services: &Services) -> Door {
    let managesieve = Arc::new(ManageSieve {
        entrance: Arc::clone(entrance),
        filters: services.filters.clone(),
        imap: config.imap.clone(),
        settings: config.sieve.clone(),
    });
    Arc::new(move |stream| Box::pin(Arc::clone(&managesieve).serve(stream)))
}
