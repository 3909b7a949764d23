//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802 §3, §5; RFC 7677 §3).
//!
//! The client proves that it knows the password, and the server that it knows its keys; neither is shown. With PLUS both also
//! name the TLS connection (RFC 9266 §2), so nobody stands in between.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{BadSasl, MAX_FIELD};

/// The longest message of a client, in octets.
const MAX_MESSAGE: usize = 4 * MAX_FIELD;

/// The only way to name a connection that we know.
pub const TLS_EXPORTER: &str = "tls-exporter";

/// What the server keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// How often the password was hashed.
    pub iterations: u32,
    /// With which salt.
    pub salt: Vec<u8>,
    /// What a proof is checked by.
    pub stored: [u8; 32],
    /// What the server proves itself by.
    pub server: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} …)", self.iterations)
    }
}

impl Keys {
    /// The keys of a password that was salted and hashed `iterations` times (RFC 5802 §3).
    pub fn of_salted(iterations: u32, salt: Vec<u8>, salted: &[u8; 32]) -> Self {
        let client = hmac(salted, &[b"Client Key"]);
        Self {
            iterations,
            salt,
            stored: Sha256::digest(client).into(),
            server: hmac(salted, &[b"Server Key"]),
        }
    }
}

/// What the client says of naming the connection (RFC 5802 §7, gs2-cbind-flag).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// `n`: it cannot.
    None,
    /// `y`: it could, but believes that the server cannot.
    Possible,
    /// `p=`: it does, in this way.
    Named(String),
}

/// The first message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFirst {
    /// Whether and how it names the connection.
    pub binding: Binding,
    /// As whom to act; absent if as oneself.
    pub authzid: Option<String>,
    /// The login name.
    pub login: String,
    nonce: String,
    /// The message up to the name.
    header: String,
    /// The rest of it.
    bare: String,
}

/// The exchange after the server's first message.
#[derive(Debug)]
pub struct Exchange {
    first: ClientFirst,
    nonce: String,
    server_first: String,
    keys: Keys,
}

/// A name in which `,` and `=` are written as `=2C` and `=3D` (RFC 5802 §5.1).
pub(super) fn saslname(text: &str) -> Result<String, BadSasl> {
    let mut parts = text.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (char, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(BadSasl::Malformed),
        };
        name.push(char);
        name.push_str(rest);
    }
    match name.len() {
        0 => Err(BadSasl::Malformed),
        1..=MAX_FIELD if !name.contains('\0') => Ok(name),
        1..=MAX_FIELD => Err(BadSasl::Malformed),
        _ => Err(BadSasl::TooLong),
    }
}

impl ClientFirst {
    /// Reads the decoded message: `flag,[a=authzid],n=name,r=nonce[,extensions]`.
    pub fn parse(message: &[u8]) -> Result<Self, BadSasl> {
        let message = text(message)?;
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadSasl::Malformed);
        };
        let binding = match (flag, flag.strip_prefix("p=")) {
            ("n", _) => Binding::None,
            ("y", _) => Binding::Possible,
            (_, Some(way)) => Binding::Named(way.to_owned()),
            _ => return Err(BadSasl::Malformed),
        };
        let authzid = match (authzid, authzid.strip_prefix("a=")) {
            ("", _) => None,
            (_, Some(name)) => Some(saslname(name)?),
            _ => return Err(BadSasl::Malformed),
        };
        let mut attributes = bare.split(',');
        // RFC 5802 §5.1: `m=` stands for an extension that we would have to know.
        let name = attributes.next().and_then(|it| it.strip_prefix("n=")).ok_or(BadSasl::Malformed)?;
        let nonce = attributes.next().and_then(|it| it.strip_prefix("r=")).filter(|it| is_nonce(it));
        Ok(Self {
            binding,
            authzid,
            login: saslname(name)?,
            nonce: nonce.ok_or(BadSasl::Malformed)?.to_owned(),
            header: message.strip_suffix(bare).unwrap_or_default().to_owned(),
            bare: bare.to_owned(),
        })
    }

    /// The server's first message: `nonce` is its part of it, printable and without commas.
    pub fn answer(self, keys: Keys, nonce: &str) -> Exchange {
        let nonce = format!("{}{nonce}", self.nonce);
        Exchange {
            server_first: format!("r={nonce},s={},i={}", STANDARD.encode(&keys.salt), keys.iterations),
            first: self,
            nonce,
            keys,
        }
    }
}

impl Exchange {
    /// What the server says now.
    pub fn challenge(&self) -> &[u8] {
        self.server_first.as_bytes()
    }

    /// Checks the last message of the client, whose connection has this name; none where it did not name it. Gives the server's
    /// last message, or none when the proof is wrong.
    pub fn finish(self, message: &[u8], connection: Option<&[u8]>) -> Result<Option<String>, BadSasl> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(BadSasl::Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|it| it.strip_prefix("c=")).ok_or(BadSasl::Malformed)?;
        let nonce = attributes.next().and_then(|it| it.strip_prefix("r=")).ok_or(BadSasl::Malformed)?;
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| BadSasl::Malformed);
        let (binding, mut proof) = (decoded(binding)?, decoded(proof)?);
        let expected = [self.first.header.as_bytes(), connection.unwrap_or_default()].concat();
        let (first, server_first) = (self.first.bare.as_bytes(), self.server_first.as_bytes());
        let signed: [&[u8]; 5] = [first, b",", server_first, b",", without_proof.as_bytes()];
        let signature = hmac(&self.keys.stored, &signed);
        if proof.len() != signature.len() {
            return Err(BadSasl::Malformed);
        }
        proof.iter_mut().zip(signature).for_each(|(proof, octet)| *proof ^= octet);
        let right: bool = Sha256::digest(&proof).ct_eq(&self.keys.stored).into();
        if !right || nonce != self.nonce || binding != expected {
            return Ok(None);
        }
        let verifier = STANDARD.encode(hmac(&self.keys.server, &signed));
        Ok(Some(format!("v={verifier}")))
    }
}

fn text(message: &[u8]) -> Result<&str, BadSasl> {
    if message.len() > MAX_MESSAGE {
        return Err(BadSasl::TooLong);
    }
    std::str::from_utf8(message).map_err(|_| BadSasl::Malformed)
}

/// Printable, without commas (RFC 5802 §7).
fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic())
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104 §2: a key shorter than a block is filled up with zeros.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(octet, of_key)| *octet = *of_key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const LAST: &[u8] = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    /// The keys of `pencil` in RFC 7677 §3.
    fn keys() -> Keys {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(b"pencil", &salt, 4096);
        Keys::of_salted(4096, salt, &salted)
    }

    fn finish(first: &[u8], last: &[u8], connection: Option<&[u8]>) -> Result<Option<String>, BadSasl> {
        ClientFirst::parse(first)
            .unwrap()
            .answer(keys(), SERVER_NONCE)
            .finish(last, connection)
    }

    #[test]
    fn the_exchange_of_the_rfc() {
        let first = ClientFirst::parse(FIRST).unwrap();
        assert_eq!(
            (first.login.as_str(), &first.binding, &first.authzid),
            ("user", &Binding::None, &None)
        );
        let exchange = first.answer(keys(), SERVER_NONCE);
        assert_eq!(
            std::str::from_utf8(exchange.challenge()),
            Ok("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
        );
        let answer = exchange.finish(LAST, None);
        assert_eq!(answer, Ok(Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned())));
    }

    #[test]
    fn what_was_changed_on_the_way_is_refused() {
        let changed = |from: &str, to: &str| String::from_utf8(LAST.to_vec()).unwrap().replace(from, to).into_bytes();
        for last in [
            changed("p=dH", "p=dI"),
            // Another nonce, and another header.
            changed("k0,p", "k1,p"),
            changed("c=biws", "c=eSws"),
        ] {
            assert_eq!(finish(FIRST, &last, None), Ok(None));
        }
        // The connection is another than the client meant.
        assert_eq!(finish(FIRST, LAST, Some(b"name")), Ok(None));
        for last in [
            &b""[..],
            b"c=biws",
            b"c=biws,r=x,p=!",
            b"c=biws,r=x,p=AAAA",
            b"r=x,c=biws,p=AAAA",
            b"\xff",
        ] {
            assert_eq!(finish(FIRST, last, None), Err(BadSasl::Malformed), "{last:?}");
        }
    }

    #[test]
    fn first_messages_are_read() {
        let read = |message: &str| {
            let first = ClientFirst::parse(message.as_bytes())?;
            Ok::<_, BadSasl>((first.binding, first.authzid, first.login))
        };
        let named = |way: &str| Binding::Named(way.to_owned());
        for (message, expected) in [
            ("n,,n=a,r=x", Ok((Binding::None, None, "a".to_owned()))),
            ("y,,n=a=2Cb=3Dc,r=x,e=1", Ok((Binding::Possible, None, "a,b=c".to_owned()))),
            (
                "p=tls-exporter,a=eve,n=a,r=x",
                Ok((named(TLS_EXPORTER), Some("eve".to_owned()), "a".to_owned())),
            ),
            ("n,,m=1,n=a,r=x", Err(BadSasl::Malformed)),
            ("n,,n=a=2c,r=x", Err(BadSasl::Malformed)),
            ("n,,n=,r=x", Err(BadSasl::Malformed)),
            ("n,,n=a,r=", Err(BadSasl::Malformed)),
            ("n,,n=a,r=\u{e4}", Err(BadSasl::Malformed)),
            ("n,b,n=a,r=x", Err(BadSasl::Malformed)),
            ("x,,n=a,r=x", Err(BadSasl::Malformed)),
            ("n,,", Err(BadSasl::Malformed)),
            ("", Err(BadSasl::Malformed)),
        ] {
            assert_eq!(read(message), expected, "{message}");
        }
        assert_eq!(read(&format!("n,,n={},r=x", "a".repeat(2_000))), Err(BadSasl::TooLong));
        assert_eq!(read(&format!("n,,n=a,r={}", "x".repeat(9_000))), Err(BadSasl::TooLong));
    }

    #[test]
    fn any_octets_are_survived() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut octet = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        };
        for length in 0..400 {
            let noise: Vec<u8> = (0..length % 40).map(|_| octet()).collect();
            let _ = ClientFirst::parse(&noise);
            let _ = finish(FIRST, &noise, None);
            let _ = super::super::bearer::oauthbearer(&noise);
        }
        for length in 0..FIRST.len() {
            let _ = ClientFirst::parse(&FIRST[..length]);
        }
        for length in 0..LAST.len() {
            let _ = finish(FIRST, &LAST[..length], None);
        }
    }
}
