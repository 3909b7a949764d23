//! Certificates, and where plain-text logins are allowed.

use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// Certificates, and where plain-text logins are allowed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM), relative to the working directory. None: a self-signed one is made under `tls/` of the data directory.
    #[schemars(example = "/etc/posthouse/certificate.pem")]
    pub certificate: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[schemars(example = "/etc/posthouse/key.pem")]
    pub key: Option<PathBuf>,
    /// Networks, such as `127.0.0.0/8`, whose clients may log in without TLS: for a proxy or a benchmark.
    pub allow_plaintext_auth_from: Vec<Network>,
}

impl Tls {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(Problem::new(
                "certificate",
                "stands alone; right would be its key in tls.key as well",
            )),
            (None, Some(_)) => Err(Problem::new(
                "key",
                "stands alone; right would be its certificate in tls.certificate as well",
            )),
            _ => Ok(()),
        }
    }
}

/// A network: `127.0.0.0/8`, `::1/128`, or one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address belongs to it. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => self.bits == 0 || (net.to_bits() ^ ip.to_bits()) >> (32 - u32::from(self.bits)) == 0,
            (IpAddr::V6(net), IpAddr::V6(ip)) => self.bits == 0 || (net.to_bits() ^ ip.to_bits()) >> (128 - u32::from(self.bits)) == 0,
            _ => false,
        }
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.address, network.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.as_str(), None),
        };
        let wrong = || format!("'{text}' is no network; right would be '127.0.0.0/8' or '::1'");
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_knows_its_addresses() {
        for (network, inside, outside) in [
            ("127.0.0.0/8", "127.1.2.3", "128.0.0.1"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "127.0.0.1"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
        ] {
            let net = Network::try_from(network.to_owned()).unwrap();
            assert!(net.contains(inside.parse().unwrap()), "{network} has {inside}");
            assert!(!net.contains(outside.parse().unwrap()), "{network} has not {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "localhost",
            "127.0.0.1/33",
            "::1/129",
            "127.0.0.1/x",
            "127.0.0.1/",
            "127.0.0.1/-1",
        ] {
            assert!(Network::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
