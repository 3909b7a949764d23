//! The PROXY protocol: who is at the other end of a connection that a proxy hands on, versions 1 and 2.
//!
//! The specification is HAProxy's (`doc/proxy-protocol.txt`, §2.1 the text form, §2.2 the binary one). A header is read octet for octet as
//! [`parse`] asks for them, for what follows it may belong to a TLS handshake.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header of version 1 with its CRLF (§2.1).
const LONGEST_TEXT: usize = 107;

/// What a header of version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of the fixed part of version 2.
const FIXED: usize = 16;

/// The most octets after that: addresses, and what a proxy has to say of TLS. The field could say 65535.
pub const LONGEST_REST: usize = 2_048;

/// What is known of a header so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// At least so many octets are missing.
    Needs(usize),
    /// It is whole.
    Done(Source),
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// This client.
    Client(SocketAddr),
    /// The proxy itself, such as a health check, or it does not say who: the connection's own address holds.
    Proxy,
}

/// Why octets are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// They begin like neither version.
    #[error("it is no header of the PROXY protocol")]
    Foreign,
    /// They begin like one, and go on differently.
    #[error("the header of the PROXY protocol is malformed")]
    Malformed,
    /// It is longer than any header needs to be.
    #[error("the header of the PROXY protocol is too long")]
    TooLong,
}

/// Reads a header, or says how many octets more it takes at least; never more than the header has.
pub fn parse(octets: &[u8]) -> Result<Progress, Bad> {
    match octets.first() {
        None => Ok(Progress::Needs(1)),
        Some(b'P') => text(octets),
        Some(b'\r') => binary(octets),
        Some(_) => Err(Bad::Foreign),
    }
}

/// Version 1: `PROXY TCP4 192.0.2.7 198.51.100.1 56324 25`, or `PROXY UNKNOWN` and anything.
fn text(octets: &[u8]) -> Result<Progress, Bad> {
    const BEGIN: &[u8] = b"PROXY ";
    if !octets.iter().zip(BEGIN).all(|(octet, expected)| octet == expected) {
        return Err(Bad::Foreign);
    }
    let Some(line) = octets.strip_suffix(b"\r\n") else {
        // Of a CRLF its second half alone may be missing.
        return match octets.len() {
            LONGEST_TEXT.. => Err(Bad::TooLong),
            _ if octets.contains(&b'\n') => Err(Bad::Malformed),
            _ => Ok(Progress::Needs(if octets.ends_with(b"\r") { 1 } else { 2 })),
        };
    };
    if line.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        return Err(Bad::Malformed);
    }
    let line = std::str::from_utf8(line).map_err(|_| Bad::Malformed)?;
    let mut words = line.split(' ').skip(1);
    let (family, rest) = (words.next(), words.collect::<Vec<_>>());
    let source = match (family, rest.as_slice()) {
        (Some("UNKNOWN"), _) => Source::Proxy,
        (Some("TCP4"), [source, destination, port, to]) => {
            let _: Ipv4Addr = address(destination)?;
            let source: Ipv4Addr = address(source)?;
            Source::Client(SocketAddr::new(source.into(), ports(port, to)?))
        }
        (Some("TCP6"), [source, destination, port, to]) => {
            let _: Ipv6Addr = address(destination)?;
            let source: Ipv6Addr = address(source)?;
            Source::Client(SocketAddr::new(source.into(), ports(port, to)?))
        }
        _ => return Err(Bad::Malformed),
    };
    Ok(Progress::Done(source))
}

fn address<A: std::str::FromStr>(text: &str) -> Result<A, Bad> {
    text.parse().map_err(|_| Bad::Malformed)
}

/// The first of two ports; both are digits alone.
fn ports(from: &str, to: &str) -> Result<u16, Bad> {
    let port = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| is_number).ok_or(Bad::Malformed)
    };
    port(to)?;
    port(from)
}

/// Version 2: the signature, version and command, family, the length of the rest, the addresses, and more that is not looked at.
fn binary(octets: &[u8]) -> Result<Progress, Bad> {
    if !octets.iter().zip(SIGNATURE).all(|(octet, expected)| octet == expected) {
        return Err(Bad::Foreign);
    }
    let Some((fixed, rest)) = octets.split_first_chunk::<FIXED>() else {
        return Ok(Progress::Needs(FIXED.saturating_sub(octets.len())));
    };
    let [.., version, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Err(Bad::TooLong);
    }
    if version >> 4 != 2 {
        return Err(Bad::Malformed);
    }
    match length.checked_sub(rest.len()) {
        Some(0) => {}
        Some(missing) => return Ok(Progress::Needs(missing)),
        None => return Err(Bad::Malformed),
    }
    let source = match (version & 0x0f, family) {
        // LOCAL: whatever is said besides is to be thrown away.
        (0, _) => Source::Proxy,
        (1, 0x11) => Source::Client(source::<4, 12>(rest)?),
        (1, 0x21) => Source::Client(source::<16, 36>(rest)?),
        // What has no address that we know: the connection's own holds.
        (1, _) => Source::Proxy,
        _ => return Err(Bad::Malformed),
    };
    Ok(Progress::Done(source))
}

/// Two addresses of `A` octets, then their ports, together `B` octets.
fn source<const A: usize, const B: usize>(rest: &[u8]) -> Result<SocketAddr, Bad>
where
    IpAddr: From<[u8; A]>,
{
    let addresses = rest.first_chunk::<B>().ok_or(Bad::Malformed)?;
    let source = addresses.first_chunk::<A>().ok_or(Bad::Malformed)?;
    let [.., high, low, _, _] = addresses.as_slice() else {
        return Err(Bad::Malformed);
    };
    Ok(SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Result<Progress, Bad> {
        Ok(Progress::Done(Source::Client(text.parse().unwrap())))
    }

    const PROXY: Result<Progress, Bad> = Ok(Progress::Done(Source::Proxy));

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[0x20 | command, family], &length, rest].concat()
    }

    #[test]
    fn headers_of_version_1() {
        for (header, expected) in [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", client("192.0.2.7:56324")),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                client("255.255.255.255:65535"),
            ),
            ("PROXY TCP6 2001:db8::1 2001:db8::2 4124 25\r\n", client("[2001:db8::1]:4124")),
            ("PROXY UNKNOWN\r\n", PROXY),
            ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", PROXY),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n", Err(Bad::Malformed)),
            ("PROXY TCP4 2001:db8::1 2001:db8::2 4124 25\r\n", Err(Bad::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 +1 25\r\n", Err(Bad::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n", Err(Bad::Malformed)),
            ("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n", Err(Bad::Malformed)),
            ("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n", Err(Bad::Malformed)),
            ("PROXY\r\n", Err(Bad::Foreign)),
            ("PROXY UNKNOWN\r\nEHLO x\r\n", Err(Bad::Malformed)),
            ("PROXY UNKNOWN\n", Err(Bad::Malformed)),
            ("POST / HTTP/1.1\r\n", Err(Bad::Foreign)),
            ("EHLO client.test\r\n", Err(Bad::Foreign)),
            ("", Ok(Progress::Needs(1))),
            ("PROXY UNKNOWN\r", Ok(Progress::Needs(1))),
            ("PROXY", Ok(Progress::Needs(2))),
        ] {
            assert_eq!(parse(header.as_bytes()), expected, "{header:?}");
        }
        let endless = format!("PROXY UNKNOWN {}", "x".repeat(LONGEST_TEXT));
        assert_eq!(parse(endless.as_bytes()), Err(Bad::TooLong));
    }

    #[test]
    fn headers_of_version_2() {
        let v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0, 25];
        assert_eq!(parse(&v2(1, 0x11, &v4)), client("192.0.2.7:56324"));
        // With what a proxy says of TLS, which is not looked at.
        assert_eq!(
            parse(&v2(1, 0x11, &[&v4[..], &[0x20, 0, 1, 0]].concat())),
            client("192.0.2.7:56324")
        );
        let mut v6 = [0; 36];
        (v6[0], v6[1], v6[15], v6[33]) = (0x20, 0x01, 7, 99);
        assert_eq!(parse(&v2(1, 0x21, &v6)), client("[2001::7]:99"));
        assert_eq!(parse(&v2(0, 0x00, &[])), PROXY);
        assert_eq!(parse(&v2(0, 0x11, &v4)), PROXY);
        assert_eq!(parse(&v2(1, 0x31, &[0; 216])), PROXY);
        assert_eq!(parse(&v2(1, 0x11, &v4[..11])), Err(Bad::Malformed));
        assert_eq!(parse(&v2(2, 0x11, &v4)), Err(Bad::Malformed));
        let mut wrong = v2(1, 0x11, &v4);
        wrong[12] = 0x11;
        assert_eq!(parse(&wrong), Err(Bad::Malformed));
        let long = v2(1, 0x11, &[0; LONGEST_REST + 1]);
        assert_eq!(parse(&long[..FIXED]), Err(Bad::TooLong));
        assert_eq!(parse(b"\r\n\r\nEHLO x\r\n"), Err(Bad::Foreign));
    }

    #[test]
    fn no_octet_after_the_header_is_asked_for() {
        let headers = [
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n".to_vec(),
            b"PROXY UNKNOWN\r\n".to_vec(),
            v2(1, 0x11, &[1; 12]),
            v2(0, 0, &[]),
        ];
        for header in headers {
            let mut read = 0;
            while let Ok(Progress::Needs(more)) = parse(&header[..read]) {
                read += more;
                assert!(more > 0 && read <= header.len(), "{:?}", header.escape_ascii().to_string());
            }
            assert_eq!(read, header.len());
            assert!(matches!(parse(&header), Ok(Progress::Done(_))));
        }
    }
}
