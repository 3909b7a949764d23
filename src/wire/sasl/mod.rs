//! SASL as text: what SMTP, IMAP and POP3 share of AUTH.
//!
//! Called by the doors and, for the keys of SCRAM, by the directory. Promised: bounded input, and secrets that never show in logs.
//!
//! RFC 4422 §3 (exchange), RFC 4954 §4 (SMTP: `=` for an empty initial response, `*` to cancel), RFC 4616 §2 (PLAIN),
//! RFC 5802 §5 and RFC 7677 §3 (SCRAM-SHA-256), RFC 9266 §2 (tls-exporter), RFC 7628 §3 (OAUTHBEARER).

pub mod bearer;
pub mod plain;
pub mod scram;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest response that is taken, in octets of base64. RFC 4954 §4 wants at least 12288 with the CRLF for mechanisms
/// with tickets; ours need far less, but a client must be told what is wrong by a reply, not by a line that is too long.
pub const MAX_RESPONSE: usize = 12_288;

/// The longest name or password, in octets.
const MAX_FIELD: usize = 1024;

/// The mechanisms that the doors know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Name and password, asked for one after the other; never standardised, but old clients know nothing else.
    Login,
    /// A token of ours instead of a password: RFC 7628.
    OAuthBearer,
    /// The same before it was standardised; more clients know this one.
    XOAuth2,
    /// Neither side shows the password: RFC 7677.
    ScramSha256,
    /// And nobody stands between them: RFC 5802 §6.
    ScramSha256Plus,
}

/// What can be offered over a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offer {
    /// Whether anybody can log in at all: over TLS, or from where it is not asked for.
    pub login: bool,
    /// Whether the directory has SCRAM keys.
    pub scram: bool,
    /// Whether the connection can be named by both sides (RFC 9266).
    pub binding: bool,
}

impl Mechanism {
    const ALL: [Self; 6] = [
        Self::Plain,
        Self::Login,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::ScramSha256,
        Self::ScramSha256Plus,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// Reads the name, in any case (RFC 4422 §3.1).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(name))
    }
}

impl Offer {
    /// The mechanisms that are named to the client.
    pub fn mechanisms(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |mechanism| self.has(*mechanism))
    }

    /// Whether this one is among them.
    pub const fn has(self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::Plain | Mechanism::Login | Mechanism::OAuthBearer | Mechanism::XOAuth2 => self.login,
            Mechanism::ScramSha256 => self.login && self.scram,
            Mechanism::ScramSha256Plus => self.login && self.scram && self.binding,
        }
    }
}

/// Why a response is no use. Never says what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSasl {
    /// The client gave up with `*`.
    #[error("cancelled")]
    Cancelled,
    /// Not base64.
    #[error("the response is not base64")]
    NotBase64,
    /// Too long.
    #[error("the response is too long")]
    TooLong,
    /// Not of the form that the mechanism wants.
    #[error("the response is not what the mechanism wants")]
    Malformed,
}

/// Decodes a line of the exchange: base64, where `*` cancels.
pub fn response(line: &[u8]) -> Result<Vec<u8>, BadSasl> {
    match line {
        b"*" => Err(BadSasl::Cancelled),
        line if line.len() > MAX_RESPONSE => Err(BadSasl::TooLong),
        line => STANDARD.decode(line).map_err(|_| BadSasl::NotBase64),
    }
}

/// Decodes an initial response: `=` stands for an empty one (RFC 4954 §4).
pub fn initial_response(word: &[u8]) -> Result<Vec<u8>, BadSasl> {
    if word == b"=" { Ok(Vec::new()) } else { response(word) }
}

/// A challenge as it goes into a line.
pub fn challenge(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_decoded() {
        assert_eq!(response(b"AHRpbQBx"), Ok(b"\0tim\0q".to_vec()));
        assert_eq!(response(b""), Ok(Vec::new()));
        assert_eq!(response(b"*"), Err(BadSasl::Cancelled));
        assert_eq!(response(b"="), Err(BadSasl::NotBase64));
        assert_eq!(response(b"a b"), Err(BadSasl::NotBase64));
        assert_eq!(response(&[b'A'; MAX_RESPONSE + 4]), Err(BadSasl::TooLong));
        assert_eq!(initial_response(b"="), Ok(Vec::new()));
        assert_eq!(challenge(b"Username:"), "VXNlcm5hbWU6");
    }

    #[test]
    fn what_cannot_be_used_is_not_offered() {
        let names = |login, scram, binding| {
            let offer = Offer { login, scram, binding };
            offer.mechanisms().map(Mechanism::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(false, true, true), "");
        assert_eq!(names(true, false, true), "PLAIN LOGIN OAUTHBEARER XOAUTH2");
        assert_eq!(names(true, true, false), "PLAIN LOGIN OAUTHBEARER XOAUTH2 SCRAM-SHA-256");
        assert!(names(true, true, true).ends_with(" SCRAM-SHA-256 SCRAM-SHA-256-PLUS"));
        assert_eq!(Mechanism::parse("scram-sha-256-plus"), Some(Mechanism::ScramSha256Plus));
        assert_eq!(Mechanism::parse("CRAM-MD5"), None);
    }
}
