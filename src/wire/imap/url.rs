//! URLs of messages and their parts, as far as they lead into the mailboxes of the session (RFC 5092 §5, RFC 4469 §3).

use percent_encoding::percent_decode_str;

use super::fetch::{Form, Section, What};
use super::parse;

/// The octets that a URL stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageUrl {
    /// The mailbox; none: the one that is selected.
    pub mailbox: Option<String>,
    /// The UIDVALIDITY that it must have.
    pub uidvalidity: Option<u32>,
    /// The message.
    pub uid: u32,
    /// What of it.
    pub section: Section,
}

/// Reads a relative URL: `/mailbox;UIDVALIDITY=1/;UID=2/;SECTION=1.2/;PARTIAL=0.100`, or without what stands before `;UID`.
///
/// None if it is no such URL: one of another server, or of a mailbox as a whole.
pub fn parse(url: &str) -> Option<MessageUrl> {
    let (place, rest) = match cut(url, "/;UID=") {
        Some((place, rest)) => (Some(place), rest),
        None => (None, strip(url, ";UID=")?),
    };
    let (mailbox, uidvalidity) = match place {
        Some(place) => {
            let path = place.strip_prefix('/').filter(|path| !path.starts_with('/'))?;
            let (name, uidvalidity) = match cut(path, ";UIDVALIDITY=") {
                Some((name, number)) => (name, Some(positive(number)?)),
                None => (path, None),
            };
            (Some(decoded(name).filter(|name| !name.is_empty())?), uidvalidity)
        }
        None => (None, None),
    };
    let (rest, partial) = match cut(rest, "/;PARTIAL=") {
        Some((rest, range)) => (rest, Some(partial(range)?)),
        None => (rest, None),
    };
    let (uid, section) = match cut(rest, "/;SECTION=") {
        Some((uid, section)) => (uid, parse::section(format!("[{}]", decoded(section)?).as_bytes())?),
        None => (rest, whole()),
    };
    Some(MessageUrl {
        mailbox,
        uidvalidity,
        uid: positive(uid)?,
        section: Section { partial, ..section },
    })
}

fn whole() -> Section {
    Section {
        form: Form::Body,
        part: Vec::new(),
        what: What::All,
        partial: None,
        peek: true,
    }
}

/// What stands before and behind the first `mark`, whatever its case.
fn cut<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text
        .as_bytes()
        .windows(mark.len())
        .position(|window| window.eq_ignore_ascii_case(mark.as_bytes()))?;
    Some((text.get(..at)?, text.get(at.checked_add(mark.len())?..)?))
}

fn strip<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    cut(text, mark).filter(|(before, _)| before.is_empty()).map(|(_, behind)| behind)
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// RFC 5092 §11 nz-number.
fn positive(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number > 0)
}

/// `0.100`, or `5` for all from there on.
fn partial(text: &str) -> Option<(u64, u64)> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match text.split_once('.') {
        Some((from, length)) => Some((number(from)?, number(length).filter(|&length| length > 0)?)),
        None => Some((number(text)?, u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let url = parse("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME").unwrap();
        assert_eq!(
            (url.mailbox.as_deref(), url.uidvalidity, url.uid),
            (Some("Drafts"), Some(385_759_045), 20)
        );
        assert_eq!((url.section.part, url.section.what), (vec![1], What::Mime));
        let url = parse("/a/b%20c%C3%A9/;UID=3/;PARTIAL=5.10").unwrap();
        assert_eq!((url.mailbox.as_deref(), url.section.partial), (Some("a/b c\u{e9}"), Some((5, 10))));
        let url = parse(";uid=4/;section=HEADER.FIELDS%20(From)").unwrap();
        assert_eq!((url.mailbox, url.uid), (None, 4));
        assert!(matches!(url.section.what, What::Fields { .. }));
        assert_eq!(parse("/Drafts/;UID=3002").unwrap().section, whole());
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "/",
            "/Drafts",
            "Drafts/;UID=1",
            "//host/Drafts/;UID=1",
            "imap://host/Drafts/;UID=1",
            "/Drafts/;UID=0",
            "/Drafts/;UID=1x",
            "/Drafts/;UID=+1",
            "/Drafts/;UID=1/;SECTION=0",
            "/Drafts/;UID=1/;SECTION=1]x",
            "/Drafts/;UID=1/;PARTIAL=1.0",
            "/Drafts;UIDVALIDITY=x/;UID=1",
            "/%ff/;UID=1",
            "/;UID=1",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
