//! SASL as text: what SMTP, IMAP and POP3 share of AUTH.
//!
//! Called by the doors. Promised: bounded input, and secrets that never show in logs.
//!
//! RFC 4616 §2 (PLAIN), RFC 4422 §3 (exchange), RFC 4954 §4 (SMTP: `=` for an empty initial response, `*` to cancel).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::secret::Secret;

/// The longest response that is taken, in octets of base64. RFC 4954 §4 wants at least 12288 with the CRLF for mechanisms
/// with tickets; ours need far less, but a client must be told what is wrong by a reply, not by a line that is too long.
pub const MAX_RESPONSE: usize = 12_288;

/// The longest name or password, in octets.
const MAX_FIELD: usize = 1024;

/// The mechanisms that the doors offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Name and password, asked for one after the other; never standardised, but old clients know nothing else.
    Login,
}

impl Mechanism {
    /// All of them, the best first.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Login];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// Reads the name, in any case (RFC 4422 §3.1).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(name))
    }
}

/// What LOGIN asks first, in base64: `Username:`.
pub const LOGIN_ASKS_NAME: &str = "VXNlcm5hbWU6";
/// What LOGIN asks then, in base64: `Password:`.
pub const LOGIN_ASKS_PASSWORD: &str = "UGFzc3dvcmQ6";

/// Why a response is no use. Never says what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSasl {
    /// The client gave up with `*`.
    #[error("cancelled")]
    Cancelled,
    /// Not base64.
    #[error("the response is not base64")]
    NotBase64,
    /// Too long.
    #[error("the response is too long")]
    TooLong,
    /// Not of the form that the mechanism wants.
    #[error("the response is not what the mechanism wants")]
    Malformed,
}

/// Who wants to log in, by PLAIN or LOGIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainCredentials {
    /// As whom to act; absent if as oneself.
    pub authzid: Option<String>,
    /// The login name.
    pub login: String,
    /// The password.
    pub password: Secret,
}

/// Decodes a line of the exchange: base64, where `*` cancels.
pub fn response(line: &[u8]) -> Result<Vec<u8>, BadSasl> {
    match line {
        b"*" => Err(BadSasl::Cancelled),
        line if line.len() > MAX_RESPONSE => Err(BadSasl::TooLong),
        line => STANDARD.decode(line).map_err(|_| BadSasl::NotBase64),
    }
}

/// Decodes an initial response: `=` stands for an empty one (RFC 4954 §4).
pub fn initial_response(word: &[u8]) -> Result<Vec<u8>, BadSasl> {
    if word == b"=" { Ok(Vec::new()) } else { response(word) }
}

/// Reads the decoded message of PLAIN: `[authzid] NUL authcid NUL passwd` (RFC 4616 §2).
pub fn plain(message: &[u8]) -> Result<PlainCredentials, BadSasl> {
    let mut fields = message.split(|&octet| octet == 0).map(field);
    let (Some(authzid), Some(login), Some(password), None) = (fields.next(), fields.next(), fields.next(), fields.next()) else {
        return Err(BadSasl::Malformed);
    };
    let (authzid, login, password) = (authzid?, login?, password?);
    if login.is_empty() || password.is_empty() {
        return Err(BadSasl::Malformed);
    }
    Ok(PlainCredentials {
        authzid: Some(authzid).filter(|authzid| !authzid.is_empty()),
        login,
        password: Secret::new(password),
    })
}

/// Joins the decoded answers of LOGIN.
pub fn login(name: &[u8], password: &[u8]) -> Result<PlainCredentials, BadSasl> {
    let (login, password) = (field(name)?, field(password)?);
    if login.is_empty() || password.is_empty() || login.contains('\0') || password.contains('\0') {
        return Err(BadSasl::Malformed);
    }
    Ok(PlainCredentials {
        authzid: None,
        login,
        password: Secret::new(password),
    })
}

fn field(octets: &[u8]) -> Result<String, BadSasl> {
    if octets.len() > MAX_FIELD {
        return Err(BadSasl::TooLong);
    }
    String::from_utf8(octets.to_vec()).map_err(|_| BadSasl::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(authzid: Option<&str>, login: &str, password: &str) -> PlainCredentials {
        PlainCredentials {
            authzid: authzid.map(Into::into),
            login: login.into(),
            password: Secret::new(password),
        }
    }

    #[test]
    fn plain_is_read() {
        // The examples of RFC 4616 §4, and what cannot be.
        let long = [b"\0".as_slice(), &[b'a'; 2000], b"\0x"].concat();
        let cases: [(&[u8], Result<PlainCredentials, BadSasl>); 10] = [
            (b"\0tim\0tanstaaftanstaaf", Ok(credentials(None, "tim", "tanstaaftanstaaf"))),
            (b"Ursel\0Kurt\0xipj3plmq", Ok(credentials(Some("Ursel"), "Kurt", "xipj3plmq"))),
            ("\0jürgen\0geheim ß".as_bytes(), Ok(credentials(None, "jürgen", "geheim ß"))),
            (b"", Err(BadSasl::Malformed)),
            (b"\0a", Err(BadSasl::Malformed)),
            (b"\0\0x", Err(BadSasl::Malformed)),
            (b"\0a\0", Err(BadSasl::Malformed)),
            (b"\0a\0b\0c", Err(BadSasl::Malformed)),
            (b"\0a\0\xff", Err(BadSasl::Malformed)),
            (&long, Err(BadSasl::TooLong)),
        ];
        for (message, expected) in cases {
            assert_eq!(plain(message), expected);
        }
    }

    #[test]
    fn responses_are_decoded() {
        assert_eq!(response(b"AHRpbQBx"), Ok(b"\0tim\0q".to_vec()));
        assert_eq!(response(b""), Ok(Vec::new()));
        assert_eq!(response(b"*"), Err(BadSasl::Cancelled));
        assert_eq!(response(b"="), Err(BadSasl::NotBase64));
        assert_eq!(response(b"a b"), Err(BadSasl::NotBase64));
        assert_eq!(response(&[b'A'; MAX_RESPONSE + 4]), Err(BadSasl::TooLong));
        assert_eq!(initial_response(b"="), Ok(Vec::new()));
    }

    #[test]
    fn login_is_joined() {
        assert_eq!(login(b"tim", b"q"), Ok(credentials(None, "tim", "q")));
        assert_eq!(login(b"", b"q"), Err(BadSasl::Malformed));
        assert_eq!(login(b"ti\0m", b"q"), Err(BadSasl::Malformed));
        for (asks, text) in [(LOGIN_ASKS_NAME, "Username:"), (LOGIN_ASKS_PASSWORD, "Password:")] {
            assert_eq!(response(asks.as_bytes()), Ok(text.as_bytes().to_vec()));
        }
    }

    #[test]
    fn passwords_do_not_show() {
        assert!(!format!("{:?}", login(b"tim", b"hunter2")).contains("hunter2"));
    }
}
