//! The files that Dovecot (and Courier) keep in a Maildir beside the messages: UIDs, names of keywords, subscriptions.
//!
//! `mail::import` reads them, so that clients find the UIDs and flags that they know. There is no RFC: the forms are those of
//! <https://doc.dovecot.org/admin_manual/mailbox_formats/maildir/> and of what Dovecot 2.3 writes. A line that cannot be read is passed
//! over, since the messages are there without it; the caller bounds how much is read.

pub mod keywords;
pub mod subscriptions;
pub mod uidlist;

/// The lines of a file, without their ends, the empty ones left out.
fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets
        .split(|&octet| octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}
