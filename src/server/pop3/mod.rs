//! POP3 sessions: a mailbox's INBOX as the maildrop of one session at a time.
//!
//! [`Pop3`] is made by `app`; the listeners call [`Pop3::serve`] for each connection. Promised here: passwords are taken over TLS or from
//! the networks of `tls.allow_plaintext_auth_from` only; a message is removed at QUIT and at no other end of a session; a unique id
//! stays with its message for ever; a message streams in pieces of 64 KiB. Messages that arrive during a session are not seen by it.
//!
//! Deviations: messages with UTF-8 headers are sent as they are to clients that did not say UTF8 (RFC 6856 §2 would have them
//! rewritten, which would break their signatures). APOP is not offered: it needs passwords kept in clear text.
//!
//! RFC 1939 §4, §5, §6 (the three states)
//! RFC 2449 §5, §6.5, §6.6 (CAPA, login delay, pipelining)
//! RFC 2595 §4 (STLS)
//! RFC 5034 §4 (AUTH)
//! RFC 6856 §2, §3 (UTF8, LANG)

mod auth;
mod capa;
mod dele;
mod dispatch;
mod lang;
mod list;
mod login;
mod login_delay;
mod maildrop;
mod pass;
mod quit;
mod refusal;
mod retr;
mod rset;
mod session;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;

use std::sync::Arc;

use login_delay::LoginDelay;

use crate::config;
use crate::mail::mailbox::Mailboxes;
use crate::server::entrance::Entrance;
use crate::server::stream::Stream;

/// The door for POP3: the services that its sessions need.
pub struct Pop3 {
    /// Who may log in.
    entrance: Arc<Entrance>,
    /// Their mail.
    mailboxes: Mailboxes,
    /// Timeouts and limits.
    settings: config::Imap,
    delay: LoginDelay,
}

impl Pop3 {
    /// The door.
    pub fn new(entrance: Arc<Entrance>, mailboxes: Mailboxes, settings: config::Imap) -> Self {
        Self {
            delay: LoginDelay::new(settings.pop3_login_delay_seconds),
            entrance,
            mailboxes,
            settings,
        }
    }

    /// Serves a connection to its end. With TLS from the first octet, the handshake is done already.
    pub async fn serve(self: Arc<Self>, stream: Stream) {
        session::Session::new(self, stream).run().await;
    }
}
