//! Mailbox names and Maildir++ directory names.
//!
//! `A/B` is the directory `.A.B`, each level in modified UTF-7 (RFC 3501 §5.1.3) as Courier and Dovecot write it; a dot inside of a
//! level is written `&AC4-`.

use crate::model::mailbox::{MailboxName, SEPARATOR};
use crate::wire::imap::utf7;

/// The directory of a mailbox below the user's; empty for the INBOX. None if it would be too long for a file system.
pub(in crate::mail) fn directory(name: &MailboxName) -> Option<String> {
    if name.is_inbox() {
        return Some(String::new());
    }
    let mut directory = String::new();
    for level in name.as_str().split(SEPARATOR) {
        directory.push('.');
        directory.push_str(&utf7::encode(level).replace('.', "&AC4-"));
    }
    (directory.len() <= 250).then_some(directory)
}

/// The mailbox that a directory which another program made stands for.
pub(super) fn mailbox(directory: &str) -> Option<MailboxName> {
    let levels = directory.strip_prefix('.')?;
    // "..removed-x" is on its way out.
    if levels.is_empty() || levels.starts_with('.') {
        return None;
    }
    let name: Vec<String> = levels
        .split('.')
        .map(|level| utf7::decode(level.as_bytes()).unwrap_or_else(|| level.to_owned()))
        .collect();
    if name.iter().any(|level| level.contains(SEPARATOR)) {
        return None;
    }
    MailboxName::parse(&name.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (name, directory_name) in [
            ("INBOX", ""),
            ("Sent", ".Sent"),
            ("A/B c", ".A.B c"),
            ("Entwürfe/v1.2", ".Entw&APw-rfe.v1&AC4-2"),
            ("R&D", ".R&-D"),
            ("INBOX/x", ".INBOX.x"),
        ] {
            let parsed = MailboxName::parse(name).unwrap();
            assert_eq!(directory(&parsed).unwrap(), directory_name);
            if !parsed.is_inbox() {
                assert_eq!(mailbox(directory_name), Some(parsed));
            }
        }
        for odd in ["", ".", "..", "..removed-1", "x", ".a..b"] {
            assert_eq!(mailbox(odd), None, "{odd}");
        }
    }
}
