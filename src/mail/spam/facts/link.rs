//! The links of a message: in its HTML, and in its plain text.

use std::collections::HashSet;

use url::{Host, Url};

use super::organisation;
use crate::wire::message::html::Page;

/// The longest link that is looked at.
const LONGEST: usize = 8_192;

/// A link.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::mail::spam) struct Link {
    /// As written.
    pub raw: String,
    /// What is seen of it; none in plain text.
    pub text: Option<String>,
    /// Whether a picture is in it.
    pub has_picture: bool,
    /// What it leads to, as a browser reads it.
    pub url: Url,
    /// The host's name in lower case and ASCII, or its address.
    pub host: String,
    /// What somebody has registered of its host; it is asked for again and again.
    organisation: String,
}

impl Link {
    fn new(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        if raw.len() > LONGEST {
            return None;
        }
        // What people see as a link without one, and what a browser makes of a link without scheme.
        let url = match (raw.get(..4), raw.strip_prefix("//")) {
            (Some(www), _) if www.eq_ignore_ascii_case("www.") => Url::parse(&format!("http://{raw}")),
            (_, Some(rest)) => Url::parse(&format!("http://{rest}")),
            _ => Url::parse(raw),
        };
        let url = url.ok()?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        Some(Self {
            raw: raw.to_owned(),
            text: None,
            has_picture: false,
            organisation: organisation(&host).to_owned(),
            host,
            url,
        })
    }

    /// Whether it leads to a place in the web.
    pub(in crate::mail::spam) fn is_web(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https" | "ftp")
    }

    /// Whether its host is an address.
    pub(in crate::mail::spam) fn is_address(&self) -> bool {
        matches!(self.url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
    }

    /// What somebody has registered of its host.
    pub(in crate::mail::spam) fn organisation(&self) -> &str {
        &self.organisation
    }

    /// The host as it stands in the text, before a browser made anything of it; may be empty.
    pub(in crate::mail::spam) fn raw_host(&self) -> &str {
        let rest = self.raw.split_once("//").map_or(self.raw.as_str(), |(_, rest)| rest);
        let rest = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        rest.rsplit_once('@').map_or(rest, |(_, host)| host)
    }

    /// The host that its text claims to lead to, where the text is a link or a name itself.
    pub(in crate::mail::spam) fn claimed_host(&self) -> Option<String> {
        let text = self.text.as_deref()?.trim();
        if text.is_empty() || text.contains(char::is_whitespace) || text.contains('@') {
            return None;
        }
        let is_link = text.contains("://") || text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("www."));
        let link = Self::new(if is_link { text } else { "" });
        let found = link.or_else(|| {
            let bare = Self::new(&format!("http://{text}"))?;
            psl::domain(bare.host.as_bytes())?.suffix().is_known().then_some(bare)
        })?;
        (found.is_web() && found.host.contains('.') && !found.is_address()).then_some(found.host)
    }
}

/// All links, each once, at most so many.
pub(super) fn all(page: Option<&Page>, plain: Option<&str>, most: usize) -> Vec<Link> {
    let mut known = HashSet::new();
    let mut links = Vec::new();
    let anchors = page.into_iter().flat_map(|page| &page.links);
    let of_page = anchors.filter_map(|anchor| {
        Some(Link {
            text: Some(anchor.text.clone()),
            has_picture: anchor.has_picture,
            ..Link::new(&anchor.href)?
        })
    });
    let plain = plain.unwrap_or_default();
    for link in of_page.chain(in_text(plain)) {
        if links.len() >= most {
            break;
        }
        if known.insert((link.raw.clone(), link.text.clone().unwrap_or_default())) {
            links.push(link);
        }
    }
    links
}

/// The links in a plain text.
fn in_text(text: &str) -> impl Iterator<Item = Link> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(rest) = text.get(at..) {
            let (begin, end) = next(rest)?;
            at = at.saturating_add(end.max(begin.saturating_add(1)));
            if let Some(link) = rest.get(begin..end).and_then(Link::new).filter(|link| !link.host.is_empty()) {
                return Some(link);
            }
        }
        None
    })
}

/// Where the next thing that looks like a link begins and ends.
fn next(text: &str) -> Option<(usize, usize)> {
    let scheme = memchr::memmem::find(text.as_bytes(), b"://");
    let www = memchr::memmem::find(text.as_bytes(), b"www.");
    let begin = match (scheme, www) {
        (Some(scheme), www) if www.is_none_or(|www| scheme < www) => {
            let before = text.get(..scheme)?;
            let letters = before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
            scheme - letters.min(10)
        }
        (_, www) => www?,
    };
    let rest = text.get(begin..)?;
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|' | '\u{201c}' | '\u{201d}'))
        .unwrap_or(rest.len());
    let link = rest.get(..end)?;
    // What ends a sentence is no part of the link.
    let kept = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']', '}', '*', '_']);
    Some((begin, begin.saturating_add(kept.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        in_text(text).map(|link| link.raw).collect()
    }

    #[test]
    fn links_are_found_in_texts() {
        assert_eq!(
            found("See http://a.test/x?y=1, <https://B.test> (or www.c.test). No: a://, http://, x.test; ftp://d.test/e!"),
            ["http://a.test/x?y=1", "https://B.test", "www.c.test", "ftp://d.test/e"]
        );
        assert_eq!(found("äöü http://ü.test/ß"), ["http://ü.test/ß"]);
        assert!(found("://www.").is_empty());
    }

    #[test]
    fn hosts_are_read_as_browsers_read_them() {
        for (raw, host, is_address) in [
            ("http://Example.COM./x", "example.com", false),
            ("http://0x7f.1/", "127.0.0.1", true),
            ("http://2130706433/", "127.0.0.1", true),
            ("//a.test/x", "a.test", false),
            ("https://www.paypal.com@evil.test/", "evil.test", false),
            ("http:\\\\evil.test\\x", "evil.test", false),
            ("http://пример.test/", "xn--e1afmkfd.test", false),
        ] {
            let link = Link::new(raw).unwrap();
            assert_eq!((link.host.as_str(), link.is_address()), (host, is_address), "{raw}");
        }
    }

    #[test]
    fn what_a_text_claims_is_read() {
        let claimed = |text: &str| {
            let link = Link::new("http://evil.test/").unwrap();
            Link {
                text: Some(text.into()),
                ..link
            }
            .claimed_host()
        };
        assert_eq!(claimed("https://www.paypal.com/login").as_deref(), Some("www.paypal.com"));
        assert_eq!(claimed(" paypal.com ").as_deref(), Some("paypal.com"));
        for none in ["Click here", "report.pdf1", "e.g.", "a@b.com", "", "1.2.3.4"] {
            assert_eq!(claimed(none), None, "{none}");
        }
    }
}
