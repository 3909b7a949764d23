//! xtext: the coding of DSN parameters (RFC 3461 §4).

/// Decodes xtext; `None` if it is none, or holds what is no printable character (RFC 3461 §4.2 and §4.4).
pub(super) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        out.push(match octet {
            b'+' => hex(octets.next()?)?.checked_mul(16)?.checked_add(hex(octets.next()?)?)?,
            b'=' => return None,
            b'!'..=b'~' | 0x80.. => octet,
            _ => return None,
        });
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

/// RFC 3461 §4: hexchar has capitals only; small letters are taken too, since they can mean nothing else.
fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_decoded() {
        for (text, decoded) in [
            ("", Some("")),
            ("QQ314159", Some("QQ314159")),
            ("a+2Bb+3Dc+20d", Some("a+b=c d")),
            ("+2b", Some("+")),
            ("+C3+BC", Some("ü")),
            ("+C3", None),
            ("+0D+0A", None),
            ("+", None),
            ("+2", None),
            ("+2G", None),
            ("a=b", None),
            ("a b", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }
}
