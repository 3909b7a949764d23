//! Logins: what mechanisms send.

use posthouse::wire::sasl::{self, Mechanism, bearer, plain, scram};

/// The responses of all mechanisms.
pub fn exchange(data: &[u8]) {
    let _ = Mechanism::parse(&String::from_utf8_lossy(data));
    let _ = sasl::initial_response(data);
    if let Ok(octets) = sasl::response(data) {
        assert_eq!(sasl::response(sasl::challenge(&octets).as_bytes()), Ok(octets));
    }
    let _ = plain::plain(data);
    let (name, password) = data.split_at(data.len() / 2);
    let _ = plain::login(name, password);
    let _ = bearer::oauthbearer(data);
    let _ = bearer::xoauth2(data);
}

/// Both messages of a client, a line each; no proof of somebody who does not know the password is right (RFC 5802 §3).
pub fn scram(data: &[u8]) {
    let end = data.iter().position(|&octet| octet == b'\n').unwrap_or(data.len());
    let (first, last) = data.split_at(end);
    let last = last.strip_prefix(b"\n").unwrap_or(last);
    if let Ok(first) = scram::ClientFirst::parse(first) {
        let keys = scram::Keys::of_salted(4096, b"salt".to_vec(), &[7; 32]);
        let exchange = first.answer(keys, "ours");
        assert!(exchange.challenge().starts_with(b"r="));
        let outcome = exchange.finish(last, Some(b"name"));
        assert!(!matches!(outcome, Ok(Some(_))), "a proof was guessed");
    }
}
