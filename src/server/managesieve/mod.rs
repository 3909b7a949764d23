//! ManageSieve sessions: users list, change and activate the scripts that filter their mail.
//!
//! [`ManageSieve`] is made by `app`; the listeners call [`ManageSieve::serve`] for each connection. Promised: passwords are taken over TLS
//! or from the networks of `tls.allow_plaintext_auth_from` only; nobody who has not logged in makes the server hold more than a line;
//! a script that is wrong is never stored.
//!
//! RFC 5804 §1.2, §1.3, §1.7 (sessions, response codes, capabilities)
//! RFC 5804 §2.1 to §2.14 (the commands)

mod authenticate;
mod capability;
mod checkscript;
mod deletescript;
mod dispatch;
mod getscript;
mod havespace;
mod listscripts;
mod noop;
mod putscript;
mod refusal;
mod renamescript;
mod session;
mod setactive;
mod starttls;
mod unauthenticate;

use std::sync::Arc;

use crate::config;
use crate::mail::filter::Filters;
use crate::server::entrance::Entrance;
use crate::server::stream::Stream;

/// The door for ManageSieve: the services that its sessions need.
pub struct ManageSieve {
    /// Who may log in.
    pub entrance: Arc<Entrance>,
    /// Their scripts.
    pub filters: Filters,
    /// Limits of logging in.
    pub imap: config::Imap,
    /// Timeouts and limits.
    pub settings: config::Sieve,
}

impl ManageSieve {
    /// Serves a connection to its end.
    pub async fn serve(self: Arc<Self>, stream: Stream) {
        session::Session::new(self, stream).run().await;
    }
}
