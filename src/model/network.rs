//! Networks of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network: `127.0.0.0/8`, `::1/128`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// This machine, over IPv4.
    pub const LOOPBACK_V4: Self = Self {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        bits: 8,
    };
    /// This machine, over IPv6.
    pub const LOOPBACK_V6: Self = Self {
        address: IpAddr::V6(Ipv6Addr::LOCALHOST),
        bits: 128,
    };

    /// The network of so many bits that the address belongs to. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn around(ip: IpAddr, bits: u8) -> Self {
        let address = match ip.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(
                v4.to_bits() & u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0),
            )),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(
                v6.to_bits() & u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0),
            )),
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        Self {
            address,
            bits: bits.min(most),
        }
    }

    /// The same, where IPv4 and IPv6 have so many bits.
    pub fn around_either(ip: IpAddr, (v4, v6): (u8, u8)) -> Self {
        Self::around(ip, if ip.to_canonical().is_ipv4() { v4 } else { v6 })
    }

    /// The same network with the address that it begins with.
    #[must_use]
    pub fn canonical(self) -> Self {
        Self::around(self.address, self.bits)
    }

    /// How many bits of an address are the network's.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether it is one of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether the address belongs to it. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => self.bits == 0 || (net.to_bits() ^ ip.to_bits()) >> (32 - u32::from(self.bits)) == 0,
            (IpAddr::V6(net), IpAddr::V6(ip)) => self.bits == 0 || (net.to_bits() ^ ip.to_bits()) >> (128 - u32::from(self.bits)) == 0,
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
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

/// Whether an address is one of the internet, not of a machine, a house, a provider's own network, or of no use (RFC 6890 §2.2).
pub fn is_of_the_internet(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

const fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within = match ip.octets() {
        [0, ..] | [240..=255, ..] => true,
        // RFC 6598 §7, shared by the customers of a provider; RFC 6890 §2.2.2, protocol assignments; RFC 2544 §C.2.2, benchmarks.
        [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => true,
        _ => false,
    };
    !(within || ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, third, ..] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (first, second) {
        // RFC 6052 §2.1 and RFC 3056 §2: an IPv4 address is within.
        (0x64, 0xff9b) => match ip.segments() {
            [_, _, 0, 0, 0, 0, high, low] => embedded(high, low),
            _ => false,
        },
        (0x2002, high) => embedded(high, third),
        // RFC 4380 §2.6 and others of the IETF; RFC 3849 §2 and RFC 9637 §5, documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // RFC 4291 §2.4: global unicast.
        _ => first & 0xe000 == 0x2000,
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
    fn an_address_is_in_networks_of_any_size() {
        for (ip, bits, network) in [
            ("192.0.2.77", 32, "192.0.2.77/32"),
            ("192.0.2.77", 24, "192.0.2.0/24"),
            ("192.0.2.77", 0, "0.0.0.0/0"),
            ("::ffff:192.0.2.77", 24, "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", 64, "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", 0, "::/0"),
            ("2001:db8::1", 200, "2001:db8::1/128"),
        ] {
            assert_eq!(Network::around(ip.parse().unwrap(), bits).to_string(), network);
        }
        assert_eq!("192.0.2.77/24".parse::<Network>().unwrap().canonical().to_string(), "192.0.2.0/24");
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
