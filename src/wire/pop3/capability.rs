//! What CAPA lists (RFC 2449 §6).

use crate::wire::sasl::{Mechanism, Offer};

/// What the list depends on.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// What a client may log in by.
    pub offer: Offer,
    /// Whether STLS can be given.
    pub can_start_tls: bool,
    /// How many seconds there must be between two logins; 0: none.
    pub login_delay: u64,
}

/// The lines of the list, without their ends.
pub fn capabilities(stage: Stage) -> Vec<String> {
    let mut lines: Vec<String> = vec!["TOP".into()];
    // RFC 2449 §6.2, §6.3: what would show a password is not named where it is not taken.
    if stage.offer.login {
        let names: Vec<_> = stage.offer.mechanisms().map(Mechanism::as_str).collect();
        lines.push("USER".into());
        lines.push(format!("SASL {}", names.join(" ")));
    }
    // RFC 2449 §6.4, RFC 3206 §5, RFC 2449 §6.6, §6.7 (we remove nothing by ourselves), §6.8.
    lines.extend(["RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UIDL"].map(String::from));
    if stage.can_start_tls {
        lines.push("STLS".into());
    }
    // RFC 2449 §6.5.
    if stage.login_delay > 0 {
        lines.push(format!("LOGIN-DELAY {}", stage.login_delay));
    }
    // RFC 6856 §2.1 (names and passwords may be UTF-8 too), §3.1, RFC 2449 §6.9.
    lines.extend(["UTF8 USER", "LANG", "IMPLEMENTATION Posthouse"].map(String::from));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_offered_only_where_they_are_taken() {
        let lines = |login, can_start_tls, login_delay| {
            let offer = Offer { login, ..Offer::default() };
            capabilities(Stage {
                offer,
                can_start_tls,
                login_delay,
            })
        };
        let has = |lines: &[String], name: &str| lines.iter().any(|line| line == name);
        let open = lines(false, true, 60);
        assert!(!open.iter().any(|line| line == "USER" || line.starts_with("SASL")));
        assert!(has(&open, "STLS") && has(&open, "LOGIN-DELAY 60"));
        let safe = lines(true, false, 0);
        assert!(has(&safe, "SASL PLAIN LOGIN OAUTHBEARER XOAUTH2") && has(&safe, "USER") && !has(&safe, "STLS"));
        assert!(!safe.iter().any(|line| line.starts_with("LOGIN-DELAY")));
    }
}
