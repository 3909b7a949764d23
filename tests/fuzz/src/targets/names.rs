//! Addresses, names of mailboxes and files, and the records and policies of other domains.

use posthouse::model::address::{Domain, EmailAddress};
use posthouse::model::mailbox::MailboxName;
use posthouse::store::maildir::FileName;
use posthouse::wire::mta_sts::{Policy, record_id};
use posthouse::wire::tls_report::destinations;

/// What is read as an address, a domain or a name is written so that it is read as the same.
pub fn addresses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(address) = EmailAddress::parse(&text) {
        assert_eq!(EmailAddress::parse(&address.to_string()).as_ref(), Ok(&address), "{address}");
    }
    if let Ok(domain) = Domain::parse(&text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
        assert_eq!(Domain::parse(&domain.to_unicode()).as_ref(), Ok(&domain));
    }
    if let Ok(name) = MailboxName::parse(&text) {
        assert_eq!(MailboxName::parse(name.as_str()).as_ref(), Ok(&name));
        assert!(name.ancestors().all(|ancestor| name.as_str().len() > ancestor.as_str().len()));
    }
}

/// Names of messages on disk.
pub fn files(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some((name, flags)) = FileName::split(&text) {
        assert_eq!(FileName::split(&name.with_flags(flags)), Some((name.clone(), flags)));
        let _ = name.made_at();
    }
}

/// MTA-STS (RFC 8461 §3) and TLS reports (RFC 8460 §3).
pub fn policies(data: &[u8]) {
    if let Ok(policy) = Policy::parse(data) {
        let _ = policy.names("mx.example.test");
    }
    let records: Vec<&[u8]> = data.split(|&octet| octet == b'\n').collect();
    let _ = record_id(records.iter().copied());
    let _ = destinations(records);
}
