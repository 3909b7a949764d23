//! The doors: which listener leads to which session.

use std::sync::Arc;

use super::Services;
use crate::config::Config;
use crate::mail::intake::Intake;
use crate::server::imap::Imap;
use crate::server::listener::{Door, Service};
use crate::server::pop3::Pop3;
use crate::server::smtp::{self, Role, Smtp};

/// Everything that listens but HTTP.
pub(super) fn services(config: &Config, services: &Services, intake: &Intake, tls: &Arc<rustls::ServerConfig>) -> Vec<Service> {
    let listen = &config.listen;
    let mail = |role| smtp_door(config, services, intake, tls, role);
    let imap = imap_door(config, services, tls);
    let pop3 = pop3_door(config, services, tls);
    let service = |key, addresses: &[String], implicit: bool, busy, door: &Door| Service {
        key,
        addresses: addresses.to_vec(),
        tls: implicit.then(|| Arc::clone(tls)),
        busy,
        door: Arc::clone(door),
    };
    const IMAP_BUSY: &str = "* BYE [UNAVAILABLE] Too many connections from your address, try again later\r\n";
    const POP3_BUSY: &str = "-ERR [SYS/TEMP] Too many connections from your address, try again later\r\n";
    vec![
        service("listen.smtp", &listen.smtp, false, smtp::BUSY, &mail(Role::Relay)),
        service("listen.submission", &listen.submission, false, smtp::BUSY, &mail(Role::Submission)),
        service("listen.submissions", &listen.submissions, true, smtp::BUSY, &mail(Role::Submission)),
        service("listen.lmtp", &listen.lmtp, false, smtp::BUSY, &mail(Role::Lmtp)),
        service("listen.imap", &listen.imap, false, IMAP_BUSY, &imap),
        service("listen.imaps", &listen.imaps, true, IMAP_BUSY, &imap),
        service("listen.pop3", &listen.pop3, false, POP3_BUSY, &pop3),
        service("listen.pop3s", &listen.pop3s, true, POP3_BUSY, &pop3),
    ]
}

fn smtp_door(config: &Config, services: &Services, intake: &Intake, tls: &Arc<rustls::ServerConfig>, role: Role) -> Door {
    let smtp = Arc::new(Smtp {
        directory: services.directory.clone(),
        intake: intake.clone(),
        settings: config.smtp.clone(),
        hostname: config.hostname.clone(),
        tls: Arc::clone(tls),
        plaintext_from: config.tls.allow_plaintext_auth_from.clone(),
        role,
    });
    Arc::new(move |stream| Box::pin(Arc::clone(&smtp).serve(stream)))
}

fn imap_door(config: &Config, services: &Services, tls: &Arc<rustls::ServerConfig>) -> Door {
    let imap = Arc::new(Imap {
        directory: services.directory.clone(),
        mailboxes: services.mailboxes.clone(),
        settings: config.imap.clone(),
        hostname: config.hostname.clone(),
        tls: Arc::clone(tls),
        plaintext_from: config.tls.allow_plaintext_auth_from.clone(),
        max_message: config.smtp.max_message_bytes,
    });
    Arc::new(move |stream| Box::pin(Arc::clone(&imap).serve(stream)))
}

fn pop3_door(config: &Config, services: &Services, tls: &Arc<rustls::ServerConfig>) -> Door {
    let pop3 = Arc::new(Pop3 {
        directory: services.directory.clone(),
        mailboxes: services.mailboxes.clone(),
        settings: config.imap.clone(),
        hostname: config.hostname.clone(),
        tls: Arc::clone(tls),
        plaintext_from: config.tls.allow_plaintext_auth_from.clone(),
    });
    Arc::new(move |stream| Box::pin(Arc::clone(&pop3).serve(stream)))
}
