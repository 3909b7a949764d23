//! What a domain needs in DNS, what DNS says now, and what is wrong with it.
//!
//! The API shows it to whoever sets a domain up. Nothing of it is kept, and nothing depends on it: a domain takes and sends mail whatever
//! its zone says.
//!
//! RFC 5321 §5.1 (MX), RFC 7208 §4.5 (SPF), RFC 6376 §3.6.1 (DKIM), RFC 7489 §6.3 (DMARC), RFC 8461 §3.1 (MTA-STS),
//! RFC 8460 §3 (TLS-RPT), RFC 7672 §3.1 (TLSA), RFC 6186 §3.4 and RFC 8314 §5.1 (SRV).

mod check;
mod needed;

use std::fmt;

use futures_util::future::join_all;

use super::certificates::Certificates;
use super::client_setup::ClientSetup;
use super::dns::Dns;
use super::sign::Signing;
use crate::model::address::Domain;
use crate::model::refusal::Refusal;

/// The longest piece of a TXT record (RFC 1035 §3.3).
const PIECE: usize = 255;
const TTL: u32 = 3600;

/// What is looked at to say what a domain needs. Cheap to clone.
#[derive(Clone)]
pub struct Zones {
    dns: Dns,
    signing: Signing,
    setup: ClientSetup,
    hostname: String,
    certificates: Certificates,
}

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Where mail for the domain goes.
    Mx,
    /// The address of this server.
    Host,
    /// Who sends mail of the domain.
    Spf,
    /// The keys that sign mail of the domain.
    Dkim,
    /// What is to become of mail that fails these.
    Dmarc,
    /// That mail comes by TLS only.
    MtaSts,
    /// Where reports about TLS go.
    TlsReports,
    /// The certificate of this server.
    Tlsa,
    /// Where mail clients find their servers.
    Clients,
}

/// The type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A, or AAAA.
    Address,
    /// MX.
    Mx,
    /// TXT.
    Txt,
    /// CNAME.
    Cname,
    /// SRV.
    Srv,
    /// TLSA.
    Tlsa,
}

impl Kind {
    /// As it stands in a zone file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "A",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Cname => "CNAME",
            Self::Srv => "SRV",
            Self::Tlsa => "TLSA",
        }
    }
}

/// How a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there, and right.
    Right,
    /// It is not there.
    Missing,
    /// Something else is there.
    Wrong,
    /// It could not be found out.
    Unknown,
}

/// A record that a domain needs, or would do well to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// What for.
    pub purpose: Purpose,
    /// Its name, without final dot.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it should say; none where only the operator knows it.
    pub value: Option<String>,
    /// Mail suffers without it.
    pub required: bool,
}

/// A record and what DNS says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What should be there.
    pub needed: Needed,
    /// What is there.
    pub found: Vec<String>,
    /// How it stands.
    pub state: State,
    /// What is wrong and what would be right, in words.
    pub problem: Option<String>,
}

/// All that a domain needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The name of this server.
    pub host: String,
    /// The records.
    pub records: Vec<Checked>,
    /// What is wrong beside the records.
    pub problems: Vec<String>,
}

impl Zones {
    /// Opens them.
    pub fn open(dns: Dns, (signing, setup): (Signing, ClientSetup), hostname: String, certificates: Certificates) -> Self {
        Self {
            dns,
            signing,
            setup,
            hostname,
            certificates,
        }
    }

    /// What the domain needs, and what is there. Errors: NotFound (the domain).
    pub async fn of(&self, domain: &Domain) -> Result<Zone, Refusal> {
        let keys = self.signing.keys(domain).await?;
        let mut problems = Vec::new();
        if keys.is_empty() {
            problems.push(format!(
                "{domain} has no key to sign its mail with; make one with POST /api/v1/domains/{domain}/dkim-keys, and publish its record"
            ));
        }
        let needed = needed::records(
            domain,
            (&self.hostname, &self.setup.servers),
            &keys,
            (self.certificates.public_key_digest(&self.hostname), self.setup.policy.as_ref()),
        );
        let records = join_all(needed.into_iter().map(|needed| self.check(domain, needed))).await;
        Ok(Zone {
            host: self.hostname.clone(),
            records,
            problems,
        })
    }
}

impl Zone {
    /// Whether nothing is wrong that mail suffers from.
    pub fn is_ready(&self) -> bool {
        let fine = |checked: &Checked| !checked.needed.required || checked.state == State::Right;
        self.problems.is_empty() && self.records.iter().all(fine)
    }

    /// The records as they would stand in a zone file (RFC 1035 §5).
    pub fn file(&self) -> String {
        self.records.iter().map(|checked| checked.needed.to_string()).collect()
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, kind) = (&self.name, self.kind.as_str());
        match &self.value {
            Some(value) if self.kind == Kind::Txt => writeln!(f, "{name}. {TTL} IN {kind} {}", pieces(value)),
            Some(value) => writeln!(f, "{name}. {TTL} IN {kind} {value}"),
            None => writeln!(f, "; {name}. {TTL} IN {kind} the public address of this server"),
        }
    }
}

/// A text in pieces, each within quotes.
fn pieces(text: &str) -> String {
    let octets = text.as_bytes();
    let quoted = octets.chunks(PIECE).map(|piece| {
        let piece = String::from_utf8_lossy(piece);
        format!("\"{}\"", piece.replace('\\', "\\\\").replace('"', "\\\""))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_stands_in_pieces() {
        assert_eq!(pieces("v=spf1 \"mx\""), "\"v=spf1 \\\"mx\\\"\"");
        let long = pieces(&"x".repeat(300));
        assert_eq!(long.split(' ').map(str::len).collect::<Vec<_>>(), [257, 47]);
    }
}
