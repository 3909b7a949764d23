//! What a mail client is told to be set up with.

/// The servers of a mail client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientServers {
    /// The name of all of them.
    pub host: String,
    /// Each way in, the better before the others of its protocol.
    pub services: Vec<ClientService>,
}

/// One way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientService {
    /// What is spoken.
    pub protocol: ClientProtocol,
    /// How it comes to TLS; nothing is without.
    pub encryption: Encryption,
    /// Its port.
    pub port: u16,
}

/// What mail clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProtocol {
    /// To read.
    Imap,
    /// To fetch.
    Pop3,
    /// To send.
    Submission,
    /// To change filters.
    ManageSieve,
}

/// How a connection comes to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From its first octet (RFC 8314 §3).
    Tls,
    /// By a command.
    StartTls,
}

impl ClientServers {
    /// The keys of `[listen]` that mail clients come by, the better of each protocol first.
    pub const LISTENERS: [(&'static str, ClientProtocol, Encryption); 7] = [
        ("imaps", ClientProtocol::Imap, Encryption::Tls),
        ("imap", ClientProtocol::Imap, Encryption::StartTls),
        ("pop3s", ClientProtocol::Pop3, Encryption::Tls),
        ("pop3", ClientProtocol::Pop3, Encryption::StartTls),
        ("submissions", ClientProtocol::Submission, Encryption::Tls),
        ("submission", ClientProtocol::Submission, Encryption::StartTls),
        ("managesieve", ClientProtocol::ManageSieve, Encryption::StartTls),
    ];

    /// Those with the ports that `port` knows, by the keys of `[listen]`.
    pub fn new(host: String, port: impl Fn(&str) -> Option<u16>) -> Self {
        let service = |(listener, protocol, encryption)| {
            Some(ClientService {
                protocol,
                encryption,
                port: port(listener)?,
            })
        };
        Self {
            host,
            services: Self::LISTENERS.into_iter().filter_map(service).collect(),
        }
    }

    /// Those of a protocol, the better first.
    pub fn of(&self, protocol: ClientProtocol) -> impl Iterator<Item = &ClientService> {
        self.services.iter().filter(move |service| service.protocol == protocol)
    }

    /// The best of a protocol.
    pub fn best(&self, protocol: ClientProtocol) -> Option<&ClientService> {
        self.of(protocol).next()
    }
}

impl ClientService {
    /// The service of its SRV record (RFC 6186 §3, RFC 8314 §5.1, RFC 5804 §1.6).
    pub const fn srv(&self) -> &'static str {
        match (self.protocol, self.encryption) {
            (ClientProtocol::Imap, Encryption::Tls) => "_imaps",
            (ClientProtocol::Imap, Encryption::StartTls) => "_imap",
            (ClientProtocol::Pop3, Encryption::Tls) => "_pop3s",
            (ClientProtocol::Pop3, Encryption::StartTls) => "_pop3",
            (ClientProtocol::Submission, Encryption::Tls) => "_submissions",
            (ClientProtocol::Submission, Encryption::StartTls) => "_submission",
            (ClientProtocol::ManageSieve, _) => "_sieve",
        }
    }
}
