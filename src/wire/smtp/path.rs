//! Paths: `<address>` and its special forms.
//!
//! RFC 5321 §4.1.2. Source routes (`<@a,@b:user@c>`) are read and left out, as RFC 5321 §4.1.1.3 asks for.

use super::command::BadCommand;
use crate::model::address::{BadAddress, EmailAddress};

/// Takes a path off the text after the colon: the inside without a source route, and what follows.
pub(super) fn take(text: &str) -> Result<(&str, &str), BadCommand> {
    // Deviation: RFC 5321 §4.1.1.2 has no space after the colon, but many clients do.
    let text = text.trim_start_matches(' ');
    let inside = text
        .strip_prefix('<')
        .ok_or(BadCommand::Syntax("the address must stand in < and >"))?;
    let end = closing(inside).ok_or(BadCommand::Syntax("the address must stand in < and >"))?;
    let (path, rest) = inside.split_at_checked(end).unwrap_or((inside, ""));
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return Err(BadCommand::Syntax("there must be a space between the address and the parameters"));
    }
    Ok((without_route(path), rest))
}

/// Where the `>` is that is not inside of a quoted local part.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                octets.next();
            }
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn without_route(path: &str) -> &str {
    match path.split_once(':') {
        Some((route, address)) if route.starts_with('@') => address,
        _ => path,
    }
}

/// Reads the inside of a path as an address.
pub(super) fn address(path: &str) -> Result<EmailAddress, BadAddress> {
    // RFC 5321 §4.5.3.1.3: 256 octets, brackets included; as many again for UTF-8 (RFC 6531 §3.3) are harmless.
    if path.len() > 512 {
        return Err(BadAddress("the address is too long"));
    }
    EmailAddress::parse(path)
}
