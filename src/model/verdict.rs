//! What the checks of an incoming message have found.
//!
//! RFC 8601 §2.7 (results of authentication), RFC 7489 §6.3 (policies of domains).

use std::fmt;
use std::net::IpAddr;

use super::refusal::Refusal;

/// The outcome of the checks of one message. The default is that of a message that nobody has checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Who it is from, as far as that can be proved; none where it was not looked at.
    pub authentication: Option<Authentication>,
    /// How likely it is spam, 0 to 1; none where it was not tested.
    pub spam: Option<f64>,
    /// The sum of the weights of its symbols; none where it was not tested.
    pub score: Option<f64>,
    /// The rules that hold of it.
    pub symbols: Vec<Symbol>,
    /// How likely it has a virus, 0 to 1; none where it was not tested.
    pub virus: Option<f64>,
    /// The name of its virus.
    pub virus_name: Option<String>,
    /// It belongs to the junk: where nothing else is said it is stored in the mailbox of that use.
    pub is_junk: bool,
    /// It is not taken, or not now.
    pub refusal: Option<Refusal>,
    /// Whole header lines, with their line ends, that go on top of the message as it is stored.
    pub lines: String,
}

/// A rule that holds of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// Its name, in capitals.
    pub name: String,
    /// What it adds to the score; negative where it speaks for the message.
    pub weight: f64,
    /// What it found, in a few words; may be empty.
    pub detail: String,
}

/// A result of authentication (RFC 8601 §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// There is nothing to check.
    #[default]
    None,
    /// It is who it says.
    Pass,
    /// It is not.
    Fail,
    /// It is probably not.
    SoftFail,
    /// The domain does not say, or the signature is not to be believed.
    Neutral,
    /// It could not be found out now.
    TempError,
    /// What the domain has published, or the message says, cannot be understood.
    PermError,
}

impl Outcome {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who a message is from, as far as that can be proved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authentication {
    /// The address of the client.
    pub peer: Option<IpAddr>,
    /// Whether the name of that address leads back to it (RFC 8601 §3).
    pub iprev: Iprev,
    /// SPF of the name in HELO.
    pub spf_helo: Spf,
    /// SPF of the domain in MAIL FROM; of the name in HELO where that is empty (RFC 7208 §2.4).
    pub spf: Spf,
    /// Its signatures, in their order.
    pub dkim: Vec<Dkim>,
    /// The chain of those that have handed it on.
    pub arc: Arc,
    /// Whether its author's domain vouches for it.
    pub dmarc: Dmarc,
}

/// The reverse lookup of an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Iprev {
    /// `pass`, `fail`, `temperror` or `permerror`.
    pub outcome: Outcome,
    /// The first name of the address, without final dot.
    pub name: Option<String>,
}

/// The outcome of SPF.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spf {
    /// Any of them.
    pub outcome: Outcome,
    /// Whose record it was.
    pub domain: String,
    /// What was checked: the address in MAIL FROM, or the name in HELO.
    pub identity: String,
    /// What the domain has to say to a failure (RFC 7208 §6.2).
    pub explanation: Option<String>,
}

/// The outcome of a DKIM signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dkim {
    /// Any but `softfail`.
    pub outcome: Outcome,
    /// Who has signed: the `d=` tag; empty where the signature could not be read.
    pub domain: String,
    /// The `s=` tag.
    pub selector: String,
    /// The `i=` tag; may be empty.
    pub identity: String,
    /// The `a=` tag.
    pub algorithm: String,
    /// The first characters of the signature (RFC 6008 §4).
    pub signature: String,
    /// Why it did not pass.
    pub reason: Option<String>,
}

/// The outcome of ARC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arc {
    /// `none`, `pass` or `fail`; `temperror` where a key could not be had.
    pub outcome: Outcome,
    /// Who has sealed it, the first one first.
    pub sealers: Vec<String>,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// The chain is good, its last sealer is trusted, and that one says that DMARC had passed.
    pub vouches: bool,
}

/// The outcome of DMARC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dmarc {
    /// `none` where the domain has no policy.
    pub outcome: Outcome,
    /// The domain in From; empty where there is none, or more than one.
    pub domain: String,
    /// What the domain wants to be done with what fails.
    pub policy: Policy,
    /// Whether SPF passed for a domain of the author's.
    pub spf_is_aligned: bool,
    /// Whether a signature of a domain of the author's is good.
    pub dkim_is_aligned: bool,
    /// What is done with the message because of it.
    pub disposition: Policy,
    /// Why that is not what the domain wants.
    pub exception: Option<Exception>,
    /// The domain has asked for reports.
    pub wants_reports: bool,
}

/// What a domain wants to be done with mail that fails (RFC 7489 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing.
    #[default]
    None,
    /// It is suspicious.
    Quarantine,
    /// It is to be refused.
    Reject,
}

impl Policy {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// Why a policy was not followed (RFC 7489 §7.2, appendix C).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// A trusted server vouches for the message by ARC (RFC 8617 §7.2.2).
    TrustedForwarder,
    /// It is the operator's will.
    LocalPolicy,
}
