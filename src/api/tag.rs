//! Entity tags: which state of a resource a client has seen (RFC 9110 §8.8.3, §13.1).
//!
//! A tag is the revision of the resource, where it has one, and a digest of what was shown. A change looks at the revision alone, within
//! its transaction: what changes by itself, such as how full a mailbox is, stands in nobody's way.

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::model::revision::{Expectation, Revision, States};

/// The most tags of a request that are looked at.
const MOST: usize = 100;

/// How many octets of the digest are shown.
const DIGEST: usize = 12;

/// The tag of what is shown.
pub(super) fn of(revision: Option<Revision>, shown: &[u8]) -> String {
    let digest = Sha256::digest(shown);
    let digest = URL_SAFE_NO_PAD.encode(digest.get(..DIGEST).unwrap_or_default());
    match revision {
        Some(revision) => format!("\"{revision}.{digest}\""),
        None => format!("\"{digest}\""),
    }
}

/// Whether the client has this already: a weak comparison (RFC 9110 §13.1.2).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    words(headers, IF_NONE_MATCH).any(|word| word == "*" || word.strip_prefix("W/").unwrap_or(word) == tag)
}

/// In which state the client expects what it changes: a strong comparison (RFC 9110 §13.1.1). A tag that is none of ours is none that
/// a resource has.
pub(super) fn expectation(headers: &HeaderMap) -> Expectation {
    Expectation {
        is: states(headers, IF_MATCH),
        is_not: states(headers, IF_NONE_MATCH),
    }
}

fn states(headers: &HeaderMap, name: HeaderName) -> Option<States> {
    if !headers.contains_key(&name) {
        return None;
    }
    let all: Vec<&str> = words(headers, name).take(MOST).collect();
    if all.contains(&"*") {
        return Some(States::Any);
    }
    Some(States::These(all.into_iter().filter_map(revision).collect()))
}

fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn revision(word: &str) -> Option<Revision> {
    let inside = word.strip_prefix('"')?.strip_suffix('"')?;
    inside.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use jiff::Timestamp;

    use super::*;

    fn headers(name: HeaderName, lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn what_is_shown_has_a_tag_that_is_known_again() {
        let revision = Revision::new(10, Timestamp::from_millisecond(31).unwrap());
        let tag = of(Some(revision), b"{}");
        assert!(tag.starts_with("\"a-1f.") && tag.ends_with('"'), "{tag}");
        assert_ne!(tag, of(Some(revision), b"[]"));
        for (line, known) in [("*", true), ("\"x\", W/\"y\"", true), ("\"z\"", false), ("", false)] {
            assert_eq!(is_known(&headers(IF_NONE_MATCH, &[line]), "\"y\""), known || line == "*", "{line}");
        }
    }

    #[test]
    fn expectations_are_read() {
        let revision = Revision::new(10, Timestamp::from_millisecond(31).unwrap());
        let these = |all: &[Revision]| Some(States::These(all.to_vec()));
        for (lines, is) in [
            (&["\"a-1f.abc\""][..], these(&[revision])),
            (&["\"a-1f\", \"other\"", "\"a-1f.x\""], these(&[revision, revision])),
            (&["W/\"a-1f.abc\""], these(&[])),
            (&["*"], Some(States::Any)),
            (&["nonsense"], these(&[])),
            (&[], None),
        ] {
            assert_eq!(
                expectation(&headers(IF_MATCH, lines)),
                Expectation { is, is_not: None },
                "{lines:?}"
            );
        }
    }
}
