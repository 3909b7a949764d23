//! What the doors have in common where users log in.

use std::sync::Arc;

use super::stream::Stream;
use crate::mail::defence::Defence;
use crate::mail::directory::{Directory, Login};
use crate::mail::sessions::{Place, Sessions, Way};
use crate::model::login::Protocol;
use crate::model::network::Network;
use crate::model::refusal::Refusal;
use crate::wire::sasl::Offer;

/// The way in, shared by SMTP, IMAP and POP3.
pub struct Entrance {
    /// Who there is.
    pub directory: Directory,
    /// Who is here.
    pub sessions: Sessions,
    /// Who is kept out.
    pub defence: Defence,
    /// The name of this server.
    pub hostname: String,
    /// For STARTTLS and STLS.
    pub tls: Arc<rustls::ServerConfig>,
    /// Networks whose clients may log in without TLS.
    pub plaintext_from: Vec<Network>,
}

impl Entrance {
    /// Whether passwords are taken over this connection: over TLS, or from a network that the configuration trusts.
    pub(super) fn takes_passwords(&self, stream: &Stream) -> bool {
        let trusted = |ip| self.plaintext_from.iter().any(|network| network.contains(ip));
        stream.is_tls() || stream.peer().is_some_and(trusted)
    }

    /// The mechanisms that a client of this connection may log in by.
    pub(super) fn offer(&self, stream: &Stream) -> Offer {
        Offer {
            login: self.takes_passwords(stream),
            scram: self.directory.offers_scram(),
            binding: stream.exporter().is_some(),
        }
    }

    /// Enters a login into the list of sessions; it lasts as long as the place is kept.
    pub(super) async fn enter(&self, login: Login, protocol: Protocol, stream: &Stream) -> Result<Place, Refusal> {
        let way = Way {
            protocol,
            peer: stream.peer(),
            tls: stream.tls_description(),
        };
        self.sessions.enter(login, way).await
    }
}
