//! Files of other programs, which an import reads.

use posthouse::wire::dovecot::uidlist::UidList;
use posthouse::wire::dovecot::{keywords, subscriptions};
use posthouse::wire::imap::answer::{Answer, Fetched};
use posthouse::wire::mbox::{Dialect, Piece, Splitter, state};

/// Every UID is one, and below the next.
pub fn uidlist(data: &[u8]) {
    if let Ok(list) = UidList::parse(data) {
        assert!(list.uidvalidity > 0 && list.uid_next > 0);
        for (name, &uid) in &list.uids {
            assert!(!name.is_empty() && uid > 0 && (uid < list.uid_next || uid == u32::MAX));
        }
    }
}

/// There are as many as letters.
pub fn keyword_names(data: &[u8]) {
    assert!(keywords::parse(data).len() <= 26);
}

/// No level is empty.
pub fn subscribed(data: &[u8]) {
    for separator in ['.', '/'] {
        for levels in subscriptions::parse(data, separator) {
            assert!(!levels.is_empty() && levels.iter().all(|level| !level.is_empty()));
        }
    }
}

/// Nothing is made up: the messages have no more octets than the file. Nothing is lost where nothing is quoted, but the lines between.
pub fn mbox(data: &[u8]) {
    for dialect in [Dialect::Mboxo, Dialect::Mboxrd, Dialect::Mboxcl, Dialect::Mboxcl2] {
        let mut splitter = Splitter::new(dialect);
        let (mut count, mut begins) = (0, 0);
        for (number, line) in data.split_inclusive(|&octet| octet == b'\n').enumerate() {
            for part in line.chunks(1_000) {
                match splitter.take(part, number % 7 == 6) {
                    Piece::Begin(_) => begins += 1,
                    Piece::Content(octets) => count += octets.len(),
                    Piece::AfterEmptyLine(octets) => count += octets.len() + 1,
                    Piece::Nothing => {}
                }
            }
        }
        assert!(count <= data.len());
        assert_eq!(splitter.has_begun(), begins > 0);
        assert!(state(data, dialect).1.len() <= data.len());
    }
}

/// What a server says. A UID or a size that is read stands in it.
pub fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(Answer::Fetch(Fetched { uid, size, .. })) = Answer::parse(data) {
        assert!(uid.is_none_or(|uid| text.contains(&uid.to_string())));
        assert!(size.is_none_or(|size| text.contains(&size.to_string())));
    }
}
