//! The SMTP envelope: what travels beside a message.
//!
//! RFC 5321 §2.3.1 (envelope), RFC 3461 §4 (DSN parameters), RFC 6152 (BODY), RFC 6531 §3.4 (SMTPUTF8).

use std::fmt;

use super::address::EmailAddress;

/// The MAIL FROM of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: a bounce or another message that must not be answered.
    Null,
    /// Where bounces go.
    Address(EmailAddress),
}

impl ReversePath {
    /// The address, unless it is `<>`.
    pub fn address(&self) -> Option<&EmailAddress> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    /// Without the angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// How much of the message a failure report returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// The whole message.
    Full,
    /// The headers only.
    Headers,
}

/// What the client declared of the body (RFC 6152 §3, RFC 3030 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyType {
    /// Seven bits, the default.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`.
    EightBitMime,
}

/// When a recipient's fate is reported (RFC 3461 §4.1). All false is `NOTIFY=NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    /// Report success.
    pub success: bool,
    /// Report failure.
    pub failure: bool,
    /// Report delay.
    pub delay: bool,
}

impl Default for Notify {
    /// RFC 3461 §4.1: without the parameter a failure is reported, and a delay may be.
    fn default() -> Self {
        Self {
            success: false,
            failure: true,
            delay: true,
        }
    }
}

/// The sender's side of the envelope: MAIL FROM and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The reverse path.
    pub path: ReversePath,
    /// `SIZE=` as declared (RFC 1870 §6).
    pub declared_size: Option<u64>,
    /// `BODY=`.
    pub body: BodyType,
    /// `SMTPUTF8`.
    pub smtputf8: bool,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, decoded from xtext.
    pub envid: Option<String>,
    /// The message says `TLS-Required: No` (RFC 8689 §3): it goes whatever becomes of TLS.
    pub tls_optional: bool,
}

impl Sender {
    /// A sender without parameters.
    pub fn plain(path: ReversePath) -> Self {
        Self {
            path,
            declared_size: None,
            body: BodyType::SevenBit,
            smtputf8: false,
            ret: None,
            envid: None,
            tls_optional: false,
        }
    }
}

/// One RCPT TO and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The forward path as the client gave it.
    pub address: EmailAddress,
    /// `NOTIFY=`; none was given if absent.
    pub notify: Option<Notify>,
    /// `ORCPT=`, as `type;address`, decoded from xtext.
    pub orcpt: Option<String>,
}

impl Recipient {
    /// A recipient without parameters.
    pub fn plain(address: EmailAddress) -> Self {
        Self {
            address,
            notify: None,
            orcpt: None,
        }
    }
}
