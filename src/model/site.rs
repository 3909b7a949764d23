//! Where a client comes from, as far as limits go.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// What counts as one address: IPv4 as it is, IPv6 by its /64, of which one customer has all (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site(IpAddr);

impl Site {
    /// The site of an address. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            v4 @ IpAddr::V4(_) => v4,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        })
    }
}

impl Site {
    /// The first address of it.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_64_is_one_site() {
        for (ip, site) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::/64"),
            ("2001:db8:0:0:ffff::2", "2001:db8::/64"),
            ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ] {
            assert_eq!(Site::of(ip.parse().unwrap()).to_string(), site);
        }
    }
}
