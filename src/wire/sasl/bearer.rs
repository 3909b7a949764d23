//! A token instead of a password: OAUTHBEARER (RFC 7628 §3.1), and XOAUTH2, from which it came.

use super::{BadSasl, MAX_FIELD};
use crate::model::secret::Secret;

/// The longest token, in octets.
const MAX_TOKEN: usize = 4_096;

/// What OAUTHBEARER says of a token that is not good, as a challenge; the client answers it with [`OAUTHBEARER_SEEN`] (RFC 7628 §3.2.2).
pub const OAUTHBEARER_REFUSED: &[u8] = br#"{"status":"invalid_token"}"#;
/// The answer to that (RFC 7628 §3.2.3).
pub const OAUTHBEARER_SEEN: &[u8] = b"\x01";
/// The same in XOAUTH2, which is answered with nothing.
pub const XOAUTH2_REFUSED: &[u8] = br#"{"status":"401","schemes":"bearer"}"#;

/// A token, and for whom it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// As whom to act; absent if as whoever the token is for.
    pub authzid: Option<String>,
    /// The token.
    pub token: Secret,
}

/// Reads the decoded message of OAUTHBEARER: `n,[a=name],^A *(key=value ^A) ^A`.
pub fn oauthbearer(message: &[u8]) -> Result<Bearer, BadSasl> {
    let (header, pairs) = text(message)?.split_once('\x01').ok_or(BadSasl::Malformed)?;
    let mut parts = header.split(',');
    let (Some("n" | "y"), Some(authzid), Some(""), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(BadSasl::Malformed);
    };
    let authzid = match (authzid, authzid.strip_prefix("a=")) {
        ("", _) => None,
        (_, Some(name)) => Some(super::scram::saslname(name)?),
        _ => return Err(BadSasl::Malformed),
    };
    bearer(authzid, pairs)
}

/// Reads the decoded message of XOAUTH2: `user=name ^A auth=Bearer token ^A ^A`.
pub fn xoauth2(message: &[u8]) -> Result<Bearer, BadSasl> {
    let (user, pairs) = text(message)?.split_once('\x01').ok_or(BadSasl::Malformed)?;
    let user = user.strip_prefix("user=").filter(|user| !user.is_empty());
    bearer(Some(user.ok_or(BadSasl::Malformed)?.to_owned()), pairs)
}

fn text(message: &[u8]) -> Result<&str, BadSasl> {
    if message.len() > MAX_TOKEN.saturating_add(MAX_FIELD) {
        return Err(BadSasl::TooLong);
    }
    std::str::from_utf8(message).map_err(|_| BadSasl::Malformed)
}

/// The pairs, of which only the token is of use: host and port tell what the client believes.
fn bearer(authzid: Option<String>, pairs: &str) -> Result<Bearer, BadSasl> {
    let pairs = pairs.strip_suffix("\x01\x01").ok_or(BadSasl::Malformed)?;
    let values = pairs.split('\x01').filter_map(|pair| pair.strip_prefix("auth="));
    let mut tokens = values.filter_map(|value| value.split_once(' '));
    match (tokens.next(), tokens.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty() => Ok(Bearer {
            authzid,
            token: Secret::new(token.trim()),
        }),
        _ => Err(BadSasl::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(authzid: Option<&str>, token: &str) -> Result<Bearer, BadSasl> {
        Ok(Bearer {
            authzid: authzid.map(str::to_owned),
            token: Secret::new(token),
        })
    }

    #[test]
    fn tokens_are_read() {
        let long = format!("n,,\x01auth=Bearer {}\x01\x01", "x".repeat(6_000));
        let table: [(&str, Result<Bearer, BadSasl>); 11] = [
            // RFC 7628 §4.1, §4.2.
            (
                "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
                found(Some("user@example.com"), "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
            ),
            ("n,,\x01auth=bearer t\x01\x01", found(None, "t")),
            ("n,a=a=2Cb,\x01auth=Bearer t\x01\x01", found(Some("a,b"), "t")),
            ("p=tls-exporter,,\x01auth=Bearer t\x01\x01", Err(BadSasl::Malformed)),
            ("n,,\x01auth=Basic t\x01\x01", Err(BadSasl::Malformed)),
            ("n,,\x01auth=Bearer \x01\x01", Err(BadSasl::Malformed)),
            ("n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01", Err(BadSasl::Malformed)),
            ("n,,\x01auth=Bearer t\x01", Err(BadSasl::Malformed)),
            ("\x01", Err(BadSasl::Malformed)),
            ("", Err(BadSasl::Malformed)),
            (&long, Err(BadSasl::TooLong)),
        ];
        for (message, expected) in table {
            assert_eq!(oauthbearer(message.as_bytes()), expected, "{message:?}");
        }
        let old = "user=someuser@example.com\x01auth=Bearer ya29.vF9\x01\x01";
        assert_eq!(xoauth2(old.as_bytes()), found(Some("someuser@example.com"), "ya29.vF9"));
        for message in [
            &old[..old.len() - 1],
            "user=\x01auth=Bearer t\x01\x01",
            "n,,\x01auth=Bearer t\x01\x01",
            "user=\u{fffd}",
        ] {
            assert_eq!(xoauth2(message.as_bytes()), Err(BadSasl::Malformed), "{message:?}");
        }
        assert!(!format!("{:?}", xoauth2(old.as_bytes())).contains("ya29"));
    }
}
