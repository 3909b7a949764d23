//! Mailbox names in modified UTF-7 (RFC 3501 §5.1.3).

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with `,` for `/` and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Reads a name. Clients that write UTF-8 as it is are understood too; none for what is neither.
pub fn decode(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, shifted)) = rest.split_once('&') {
        out.push_str(plain);
        let (code, after) = shifted.split_once('-')?;
        if code.is_empty() {
            out.push('&');
        } else {
            let octets = BASE64.decode(code).ok()?;
            if octets.len() % 2 != 0 {
                return None;
            }
            let units = octets.chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            for unit in char::decode_utf16(units) {
                out.push(unit.ok()?);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Writes a name.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for c in name.chars() {
        let direct = matches!(c, ' '..='~');
        if direct && !shifted.is_empty() {
            shift(&mut out, &mut shifted);
        }
        match c {
            '&' => out.push_str("&-"),
            c if direct => out.push(c),
            c => {
                let mut units = [0_u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    shifted.extend_from_slice(&unit.to_be_bytes());
                }
            }
        }
    }
    if !shifted.is_empty() {
        shift(&mut out, &mut shifted);
    }
    out
}

fn shift(out: &mut String, shifted: &mut Vec<u8>) {
    out.push('&');
    BASE64.encode_string(&*shifted, out);
    out.push('-');
    shifted.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read_back() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("a&b", "a&-b"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("☺!", "&Jjo-!"),
            ("😀", "&2D3eAA-"),
            ("é&é", "&AOk-&-&AOk-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
        assert_eq!(decode("Entwürfe".as_bytes()).as_deref(), Some("Entwürfe"));
    }

    #[test]
    fn what_is_no_utf7_is_refused() {
        for wire in [&b"&"[..], b"a&b", b"&AO-", b"&2D0-", b"&A-", b"\xff", b"&AP/w-"] {
            assert_eq!(decode(wire), None, "{wire:?}");
        }
    }
}
