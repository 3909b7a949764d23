//! Which addresses are this server's own: mail that is sent there comes back.
//!
//! RFC 5321 §5.1 (a server that finds itself among the hosts), §6.3 (loops).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// RFC 5737 §3, RFC 3849 §4: addresses that no machine has.
const NOBODYS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Where this server can be reached.
#[derive(Debug)]
pub(super) struct Own {
    /// Where it listens for mail.
    listeners: Vec<SocketAddr>,
    /// `outbound.own_addresses`.
    addresses: Vec<IpAddr>,
}

impl Own {
    pub(super) fn new(listeners: Vec<SocketAddr>, addresses: Vec<IpAddr>) -> Self {
        Self { listeners, addresses }
    }

    /// Whether a connection to this address ends here. Another server of this machine, on another port or address, is not us.
    pub(super) fn is(&self, target: SocketAddr) -> bool {
        let ip = target.ip().to_canonical();
        let ends_here = |listener: &SocketAddr| {
            let any = listener.ip().is_unspecified() && (listener.is_ipv6() || ip.is_ipv4());
            listener.port() == target.port() && (listener.ip() == ip || any && is_this_machines(ip))
        };
        self.addresses.contains(&ip) || self.listeners.iter().any(ends_here)
    }
}

/// Whether one of the machine's interfaces has the address: then a socket can be bound to it. Where any address can be bound (as
/// with `ip_nonlocal_bind` on Linux), that tells nothing.
fn is_this_machines(ip: IpAddr) -> bool {
    let can_bind = |ip| UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok();
    if ip.is_loopback() || ip.is_unspecified() {
        return true;
    }
    let nobodys = NOBODYS.into_iter().find(|nobodys| nobodys.is_ipv4() == ip.is_ipv4());
    can_bind(ip) && !nobodys.is_some_and(can_bind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_addresses_are_known() {
        let own = |listener: &str| Own::new(vec![listener.parse().unwrap()], vec!["203.0.113.7".parse().unwrap()]);
        for (listener, target, expected) in [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            // Another server of this machine.
            ("127.0.0.1:25", "127.0.0.1:26", false),
            ("127.0.0.1:25", "127.0.0.2:25", false),
            ("0.0.0.0:25", "127.0.0.2:25", true),
            ("0.0.0.0:25", "0.0.0.0:25", true),
            ("0.0.0.0:25", "[::1]:25", false),
            ("[::]:25", "127.0.0.1:25", true),
            ("[::]:25", "[::1]:25", true),
            ("[::]:25", "[::ffff:127.0.0.1]:25", true),
            ("0.0.0.0:25", "192.0.2.1:25", false),
            ("[::]:25", "[2001:db8::1]:25", false),
            // What the operator named is ours on any port.
            ("127.0.0.1:25", "203.0.113.7:26", true),
            ("127.0.0.1:25", "203.0.113.8:25", false),
        ] {
            assert_eq!(own(listener).is(target.parse().unwrap()), expected, "{target} for {listener}");
        }
    }
}
