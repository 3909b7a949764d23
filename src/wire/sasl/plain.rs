//! PLAIN (RFC 4616 §2), and LOGIN, which was never standardised.

use super::{BadSasl, MAX_FIELD};
use crate::model::secret::Secret;

/// What LOGIN asks first.
pub const LOGIN_ASKS_NAME: &[u8] = b"Username:";
/// What LOGIN asks then.
pub const LOGIN_ASKS_PASSWORD: &[u8] = b"Password:";

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
    fn login_is_joined() {
        assert_eq!(login(b"tim", b"q"), Ok(credentials(None, "tim", "q")));
        assert_eq!(login(b"", b"q"), Err(BadSasl::Malformed));
        assert_eq!(login(b"ti\0m", b"q"), Err(BadSasl::Malformed));
    }

    #[test]
    fn passwords_do_not_show() {
        assert!(!format!("{:?}", login(b"tim", b"hunter2")).contains("hunter2"));
    }
}
