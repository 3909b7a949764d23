//! Rules that several sections share.

use std::net::{Ipv6Addr, SocketAddr};

use crate::model::address::Domain;

/// Where a listener listens: an IP address with a port, or a socket that systemd passes, by its name.
pub(super) fn listener(text: &str) -> Result<(), String> {
    match text.strip_prefix("systemd:") {
        Some("") => Err("'systemd:' names no socket; right would be 'systemd:smtp' and FileDescriptorName=smtp in the socket unit".into()),
        Some(_) => Ok(()),
        None => socket_address(text),
    }
}

/// An IP address with a port.
pub(super) fn socket_address(text: &str) -> Result<(), String> {
    match text.parse::<SocketAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "'{text}' is no IP address with a port; right would be '127.0.0.1:2525' or '[::1]:2525'"
        )),
    }
}

/// A host name, an IPv4 address, or an IPv6 address in brackets; with a port other than 0.
pub(super) fn host_and_port(text: &str) -> Result<(), String> {
    let wrong = || format!("'{text}' is no host with a port; right would be 'mail.example.org:25' or '[2001:db8::1]:25'");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host_is_right = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => Domain::parse(host).is_ok(),
    };
    let port_is_right = port.parse::<u16>().is_ok_and(|port| port != 0);
    if host_is_right && port_is_right { Ok(()) } else { Err(wrong()) }
}

/// Where a program beside the server listens: the path of a socket, or a host and a port.
pub(super) fn neighbour(text: &str) -> Result<(), String> {
    if text.starts_with('/') {
        return Ok(());
    }
    host_and_port(text).map_err(|_| format!("'{text}' is no address; right would be '/run/clamav/clamd.ctl' or '127.0.0.1:3310'"))
}

/// A name for EHLO, or nothing.
pub(super) fn helo_name(text: &str) -> Result<(), String> {
    match Domain::parse(text) {
        Err(bad) if !text.is_empty() => Err(format!("'{text}': {bad}; right would be a name such as 'mail.example.org'")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_ports() {
        for text in ["127.0.0.1:25", "[::]:25", "0.0.0.0:0"] {
            assert_eq!(socket_address(text), Ok(()));
        }
        for text in ["", "25", ":25", "127.0.0.1", "localhost:25", "::1:25", "127.0.0.1:65536"] {
            assert!(socket_address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn hosts_with_ports() {
        for text in ["mail.example.org:25", "192.0.2.1:587", "[2001:db8::1]:25", "localhost:1"] {
            assert_eq!(host_and_port(text), Ok(()));
        }
        for text in [
            "",
            "mail.example.org",
            "mail.example.org:",
            "mail.example.org:0",
            ":25",
            "::1:25",
            "[::1:25",
            "a b:25",
        ] {
            assert!(host_and_port(text).is_err(), "{text:?}");
        }
    }
}
