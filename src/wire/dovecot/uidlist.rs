//! `dovecot-uidlist`, and Courier's `courierimapuiddb`, which has the form of its first version.
//!
//! ```text
//! 3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
//! 25006 :1276528487.M364837P9451.host,S=1355,W=1394
//! 25017 W2481 :1276533073.M242911P3632.host:2,F
//! ```

use std::collections::HashMap;

use super::lines;

/// The UIDs of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidList {
    /// RFC 3501 §2.3.1.1.
    pub uidvalidity: u32,
    /// The UID that the next message would get: above all of the list, whatever the header says, since Dovecot writes it late.
    pub uid_next: u32,
    /// The UID of each file, by its base name. Some of the files may be gone.
    pub uids: HashMap<String, u32>,
    /// Lines that could not be read.
    pub unread: usize,
}

/// The file does not begin as a list of UIDs does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it should begin with a line such as '3 V1275660208 N25022'")]
pub struct BadUidList;

impl UidList {
    /// Reads the file. A later line of the same file name wins.
    pub fn parse(octets: &[u8]) -> Result<Self, BadUidList> {
        let mut lines = lines(octets);
        let header = lines.next().and_then(|line| std::str::from_utf8(line).ok()).ok_or(BadUidList)?;
        let (version, rest) = header.split_once(' ').ok_or(BadUidList)?;
        let (uidvalidity, next) = match version {
            "1" => first_version(rest),
            "3" => third_version(rest),
            _ => None,
        }
        .ok_or(BadUidList)?;
        let mut list = Self {
            uidvalidity,
            uid_next: next.max(1),
            uids: HashMap::new(),
            unread: 0,
        };
        for line in lines {
            let entry = std::str::from_utf8(line).ok().and_then(|line| match version {
                "1" => line.split_once(' '),
                // Between the UID and the name stand fields of no interest here, each with a space behind it.
                _ => line
                    .split_once(" :")
                    .map(|(fields, name)| (fields.split_once(' ').map_or(fields, |(uid, _)| uid), name)),
            });
            match entry.and_then(|(uid, name)| Some((positive(uid)?, base(name)?))) {
                Some((uid, base)) => {
                    list.uid_next = list.uid_next.max(uid.saturating_add(1));
                    list.uids.insert(base.to_owned(), uid);
                }
                None => list.unread = list.unread.saturating_add(1),
            }
        }
        Ok(list)
    }
}

/// `uidvalidity next`
fn first_version(rest: &str) -> Option<(u32, u32)> {
    let (uidvalidity, next) = rest.split_once(' ')?;
    Some((positive(uidvalidity)?, positive(next)?))
}

/// `V` and the UIDVALIDITY, `N` and the next UID, and others, in any order.
fn third_version(rest: &str) -> Option<(u32, u32)> {
    let field = |letter| rest.split(' ').find_map(|field| field.strip_prefix(letter)).and_then(positive);
    Some((field('V')?, field('N').unwrap_or(1)))
}

/// RFC 3501 §9 nz-number.
fn positive(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number > 0)
}

/// The name without flags.
fn base(name: &str) -> Option<&str> {
    let base = name.split_once(":2,").map_or(name, |(base, _)| base);
    (!base.is_empty()).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(uidvalidity: u32, uid_next: u32, uids: &[(&str, u32)], unread: usize) -> UidList {
        UidList {
            uidvalidity,
            uid_next,
            uids: uids.iter().map(|&(name, uid)| (name.to_owned(), uid)).collect(),
            unread,
        }
    }

    #[test]
    fn lists_are_read() {
        for (text, want) in [
            // Dovecot 2.3.19, which had not yet written the next UID.
            (
                "3 V1795670550 N1 G77b22e2916c2076ba57c000083ecc375\n1 :1795670550.M858907P31909.vm,S=21,W=24\n",
                list(1_795_670_550, 2, &[("1795670550.M858907P31909.vm,S=21,W=24", 1)], 0),
            ),
            // Its documentation.
            (
                "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n\
                 25017 W2481 P12 :1276533073.M242911P3632.kurkku:2,F\n",
                list(
                    1_275_660_208,
                    25_022,
                    &[
                        ("1276528487.M364837P9451.kurkku,S=1355,W=1394", 25_006),
                        ("1276533073.M242911P3632.kurkku", 25_017),
                    ],
                    0,
                ),
            ),
            // Courier.
            (
                "1 1100000000 3\n1 1100000001.M1P2.host\n2 a b\n",
                list(1_100_000_000, 3, &[("1100000001.M1P2.host", 1), ("a b", 2)], 0),
            ),
            ("3 V7\r\n", list(7, 1, &[], 0)),
            // What cannot be read is passed over; who comes last wins.
            (
                "3 V7 N2 X\nx :a\n0 :b\n5 :\n6\n4294967296 :c\n8 :d\n9 :d\n",
                list(7, 10, &[("d", 9)], 5),
            ),
        ] {
            assert_eq!(UidList::parse(text.as_bytes()), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", "\n", "3", "3 N5", "3 V0 N5", "2 V1 N5", "1 5", "1 x y", "3 V+1 N5"] {
            assert_eq!(UidList::parse(text.as_bytes()), Err(BadUidList), "{text}");
        }
        assert_eq!(UidList::parse(b"\xff"), Err(BadUidList));
    }
}
