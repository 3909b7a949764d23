//! What the server says to a filter.

use std::net::IpAddr;

use super::{VERSION, action, step};

/// The steps of the dialogue that have macros, by their octets in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection.
    Connect,
    /// The greeting.
    Helo,
    /// The sender.
    Mail,
    /// A recipient.
    Rcpt,
    /// DATA.
    Data,
    /// The end of the message.
    End,
}

impl Stage {
    const fn octet(self) -> u8 {
        match self {
            Self::Connect => b'C',
            Self::Helo => b'H',
            Self::Mail => b'M',
            Self::Rcpt => b'R',
            Self::Data => b'T',
            Self::End => b'E',
        }
    }
}

/// Adds a packet: what it is, and texts, each with a zero octet behind it. A zero octet within a text would end it, and is left out.
fn packet<'t>(out: &mut Vec<u8>, kind: u8, data: &[u8], texts: impl IntoIterator<Item = &'t [u8]>) {
    let begin = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    out.extend_from_slice(data);
    for text in texts {
        out.extend(text.iter().copied().filter(|octet| *octet != 0));
        out.push(0);
    }
    let length = u32::try_from(out.len().saturating_sub(begin.saturating_add(4))).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(begin..begin.saturating_add(4)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// What is offered: the first packet of a connection.
pub fn negotiate(out: &mut Vec<u8>) {
    let offer = [VERSION, action::ALL, step::ALL].map(u32::to_be_bytes).concat();
    packet(out, b'O', &offer, []);
}

/// Values of macros for the step that follows.
pub fn macros(out: &mut Vec<u8>, stage: Stage, values: &[(&str, &str)]) {
    let texts = values.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    packet(out, b'D', &[stage.octet()], texts);
}

/// Who has connected: a name, or the address in brackets, and the address; none over a Unix socket.
pub fn connect(out: &mut Vec<u8>, name: &str, address: Option<(IpAddr, u16)>) {
    let mut data: Vec<u8> = name.bytes().filter(|octet| *octet != 0).collect();
    data.push(0);
    match address.map(|(ip, port)| (ip.to_canonical(), port)) {
        None => data.push(b'U'),
        Some((ip, port)) => {
            data.push(if ip.is_ipv4() { b'4' } else { b'6' });
            data.extend_from_slice(&port.to_be_bytes());
            // RFC 5321 §4.1.3 has the tag in literals, and filters know it.
            let tag = if ip.is_ipv4() { "" } else { "IPv6:" };
            data.extend_from_slice(format!("{tag}{ip}\0").as_bytes());
        }
    }
    packet(out, b'C', &data, []);
}

/// What the client calls itself.
pub fn helo(out: &mut Vec<u8>, name: &str) {
    packet(out, b'H', &[], [name.as_bytes()]);
}

/// The sender without angle brackets, and the parameters of MAIL.
pub fn mail(out: &mut Vec<u8>, sender: &str, parameters: &[String]) {
    envelope(out, b'M', sender, parameters);
}

/// A recipient without angle brackets, and the parameters of RCPT.
pub fn rcpt(out: &mut Vec<u8>, recipient: &str, parameters: &[String]) {
    envelope(out, b'R', recipient, parameters);
}

fn envelope(out: &mut Vec<u8>, kind: u8, address: &str, parameters: &[String]) {
    let path = format!("<{address}>");
    let texts = std::iter::once(path.as_bytes()).chain(parameters.iter().map(String::as_bytes));
    packet(out, kind, &[], texts);
}

/// DATA.
pub fn data(out: &mut Vec<u8>) {
    packet(out, b'T', &[], []);
}

/// A field of the header. Line ends within the value are single LF octets.
pub fn header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    packet(out, b'L', &[], [name, value]);
}

/// The end of the header.
pub fn end_of_headers(out: &mut Vec<u8>) {
    packet(out, b'N', &[], []);
}

/// A piece of the body, of at most [`super::PIECE`] octets.
pub fn body(out: &mut Vec<u8>, piece: &[u8]) {
    packet(out, b'B', piece, []);
}

/// The end of the message.
pub fn end_of_body(out: &mut Vec<u8>) {
    packet(out, b'E', &[], []);
}

/// The message is not gone on with.
pub fn abort(out: &mut Vec<u8>) {
    packet(out, b'A', &[], []);
}

/// The connection to the filter is at its end.
pub fn quit(out: &mut Vec<u8>) {
    packet(out, b'Q', &[], []);
}

/// The client's connection is at its end; another one follows over the same connection to the filter.
pub fn quit_for_another(out: &mut Vec<u8>) {
    packet(out, b'K', &[], []);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        out.escape_ascii().to_string()
    }

    #[test]
    fn packets_are_written() {
        let table: [(String, &str); 14] = [
            (
                written(negotiate),
                r"\x00\x00\x00\rO\x00\x00\x00\x06\x00\x00\x00\xff\x00\x1f\xf7\xff",
            ),
            (
                written(|out| macros(out, Stage::Mail, &[("i", "1"), ("{auth_authen}", "ada")])),
                r"\x00\x00\x00\x18DMi\x001\x00{auth_authen}\x00ada\x00",
            ),
            (
                written(|out| connect(out, "mx.client.test", Some(("192.0.2.1".parse().unwrap(), 2525)))),
                r"\x00\x00\x00\x1dCmx.client.test\x004\t\xdd192.0.2.1\x00",
            ),
            (
                written(|out| connect(out, "x", Some(("2001:db8::1".parse().unwrap(), 25)))),
                r"\x00\x00\x00\x17Cx\x006\x00\x19IPv6:2001:db8::1\x00",
            ),
            (written(|out| connect(out, "unknown", None)), r"\x00\x00\x00\nCunknown\x00U"),
            (written(|out| helo(out, "a\0b")), r"\x00\x00\x00\x04Hab\x00"),
            (
                written(|out| mail(out, "ada@client.test", &["SIZE=7".to_owned()])),
                r"\x00\x00\x00\x1aM<ada@client.test>\x00SIZE=7\x00",
            ),
            (written(|out| rcpt(out, "b@h.test", &[])), r"\x00\x00\x00\x0cR<b@h.test>\x00"),
            (written(data), r"\x00\x00\x00\x01T"),
            (
                written(|out| header(out, b"Subject", b" x\n y")),
                r"\x00\x00\x00\x0fLSubject\x00 x\n y\x00",
            ),
            (written(|out| body(out, b"a\0b")), r"\x00\x00\x00\x04Ba\x00b"),
            (
                written(end_of_headers) + &written(end_of_body),
                r"\x00\x00\x00\x01N\x00\x00\x00\x01E",
            ),
            (written(abort) + &written(quit), r"\x00\x00\x00\x01A\x00\x00\x00\x01Q"),
            (written(quit_for_another), r"\x00\x00\x00\x01K"),
        ];
        for (written, expected) in table {
            assert_eq!(written, expected);
        }
    }
}
