//! What CAPA lists (RFC 2449 §6).

/// A capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// TOP (RFC 2449 §6.1).
    Top,
    /// USER and PASS, where they are allowed (§6.2).
    User,
    /// AUTH PLAIN, where it is allowed (§6.3, RFC 5034 §3).
    SaslPlain,
    /// `[CODE]` in replies (§6.4).
    RespCodes,
    /// `[AUTH]` tells wrong credentials from other trouble (RFC 3206 §5).
    AuthRespCode,
    /// Commands may be sent without waiting (§6.6).
    Pipelining,
    /// We remove nothing by ourselves (§6.7).
    ExpireNever,
    /// UIDL (§6.8).
    Uidl,
    /// STLS, while TLS is off (RFC 2595 §4).
    Stls,
    /// UTF8 (RFC 6856 §2).
    Utf8,
    /// Who we are (§6.9).
    Implementation,
}

impl Capability {
    /// The line without its end.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Top => "TOP",
            Self::User => "USER",
            Self::SaslPlain => "SASL PLAIN",
            Self::RespCodes => "RESP-CODES",
            Self::AuthRespCode => "AUTH-RESP-CODE",
            Self::Pipelining => "PIPELINING",
            Self::ExpireNever => "EXPIRE NEVER",
            Self::Uidl => "UIDL",
            Self::Stls => "STLS",
            Self::Utf8 => "UTF8",
            Self::Implementation => "IMPLEMENTATION Posthouse",
        }
    }
}

/// The capabilities of a session: `may_log_in` says whether passwords are taken over this connection, `may_start_tls` whether STLS is.
pub fn capabilities(may_log_in: bool, may_start_tls: bool) -> impl Iterator<Item = Capability> {
    use Capability::*;
    let all = [
        Top,
        User,
        SaslPlain,
        RespCodes,
        AuthRespCode,
        Pipelining,
        ExpireNever,
        Uidl,
        Stls,
        Utf8,
        Implementation,
    ];
    all.into_iter().filter(move |capability| match capability {
        User | SaslPlain => may_log_in,
        Stls => may_start_tls,
        Top | RespCodes | AuthRespCode | Pipelining | ExpireNever | Uidl | Utf8 | Implementation => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_offered_only_where_they_are_taken() {
        let names = |log_in, tls| capabilities(log_in, tls).map(Capability::as_str).collect::<Vec<_>>();
        assert!(!names(false, true).iter().any(|name| name.contains("USER") || name.contains("SASL")));
        assert!(names(false, true).contains(&"STLS"));
        assert!(names(true, false).contains(&"SASL PLAIN"));
        assert!(!names(true, false).contains(&"STLS"));
    }
}
