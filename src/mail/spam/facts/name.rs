//! Names of domains: what somebody has registered of them.

/// What somebody has registered of a name, such as `example.co.uk` of `mail.example.co.uk` (the public suffix list); the name itself
/// where nobody has.
pub(in crate::mail::spam) fn organisation(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// The first label of that, such as `example`.
pub(in crate::mail::spam) fn registered_label(domain: &str) -> &str {
    organisation(domain).split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_are_found() {
        for (domain, found) in [
            ("mail.example.co.uk", "example.co.uk"),
            ("example.com", "example.com"),
            ("a.b.example.test", "example.test"),
            ("localhost", "localhost"),
            ("", ""),
        ] {
            assert_eq!(organisation(domain), found, "{domain}");
        }
        assert_eq!(registered_label("www.paypal.com"), "paypal");
    }
}
