//! What CAPABILITY lists (RFC 5804 §1.7, RFC 6134 §2.8).

use super::response::string;
use crate::wire::sasl::{Mechanism, Offer};

/// What the list depends on.
#[derive(Debug, Clone)]
pub struct Stage<'s> {
    /// What a client may log in by.
    pub offer: Offer,
    /// Whether STARTTLS can be given.
    pub can_start_tls: bool,
    /// Who is logged in.
    pub owner: Option<&'s str>,
    /// The names of the extensions.
    pub extensions: String,
    /// The most redirections of a message.
    pub max_redirects: usize,
}

/// The lines of the list, without their ends.
pub fn capabilities(stage: &Stage<'_>) -> Vec<String> {
    let mechanisms: Vec<_> = match stage.owner {
        None => stage.offer.mechanisms().map(Mechanism::as_str).collect(),
        Some(_) => Vec::new(),
    };
    let line = |name: &str, value: &str| format!("\"{name}\" {}", string(value));
    let mut lines = vec![
        line("IMPLEMENTATION", "Posthouse"),
        line("SIEVE", &stage.extensions),
        line("SASL", &mechanisms.join(" ")),
        line("NOTIFY", "mailto"),
        line("MAXREDIRECTS", &stage.max_redirects.to_string()),
    ];
    if stage.extensions.split(' ').any(|extension| extension == "extlists") {
        // The schemes of lists' names: each is in the name space of RFC 6134 §2.5 or short for that.
        lines.push(line("EXTLISTS", "urn"));
    }
    if stage.can_start_tls {
        lines.push("\"STARTTLS\"".into());
    }
    lines.push("\"UNAUTHENTICATE\"".into());
    if let Some(owner) = stage.owner {
        lines.push(line("OWNER", owner));
    }
    lines.push(line("VERSION", "1.0"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_logged_in_is_named_and_needs_no_mechanism() {
        let stage = |owner| Stage {
            offer: Offer {
                login: true,
                ..Offer::default()
            },
            can_start_tls: false,
            owner,
            extensions: "fileinto extlists".into(),
            max_redirects: 4,
        };
        let has = |owner, line: &str| capabilities(&stage(owner)).iter().any(|it| it == line);
        assert!(has(None, "\"SASL\" \"PLAIN LOGIN OAUTHBEARER XOAUTH2\""));
        assert!(has(Some("a@b.test"), "\"SASL\" \"\"") && has(Some("a@b.test"), "\"OWNER\" \"a@b.test\""));
        assert!(has(None, "\"SIEVE\" \"fileinto extlists\"") && has(None, "\"MAXREDIRECTS\" \"4\""));
        assert!(has(None, "\"EXTLISTS\" \"urn\""));
    }
}
