//! Addresses, names of mailboxes and files, and the records and policies of other domains.

use std::net::{IpAddr, Ipv6Addr};

use posthouse::model::address::{Domain, EmailAddress};
use posthouse::model::mailbox::MailboxName;
use posthouse::store::maildir::FileName;
use posthouse::wire::dmarc;
use posthouse::wire::message::tags::Tags;
use posthouse::wire::mta_sts::{Policy, record_id};
use posthouse::wire::proxy::{self, Progress};
use posthouse::wire::spf::{Facts, Mechanism, Record, Text, is_record};
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

/// MTA-STS (RFC 8461 §3), TLS reports (RFC 8460 §3), DMARC (RFC 9989 §4.7) and the tags of signatures (RFC 6376 §3.2).
pub fn policies(data: &[u8]) {
    _ = posthouse::wire::client_setup::autodiscover::Request::parse(data);
    if let Ok(policy) = Policy::parse(data) {
        let _ = policy.names("mx.example.test");
    }
    let records: Vec<&[u8]> = data.split(|&octet| octet == b'\n').collect();
    let _ = record_id(records.iter().copied());
    if let Some(record) = dmarc::Record::select(records.iter().copied()) {
        let _ = (record.own_policy(), record.policy_below(false), record.destinations());
    }
    let name = String::from_utf8_lossy(data);
    let steps = dmarc::steps(&name);
    assert!(steps.len() <= 8 && steps.iter().all(|step| name.ends_with(step)));
    assert!(name.ends_with(dmarc::organization(&name, &[])));
    let _ = Tags::parse(data);
    let _ = destinations(records);
}

/// SPF (RFC 7208 §4.6.1, §7): whatever a macro makes is a name that can be looked up, or a short text.
pub fn spf(data: &[u8]) {
    let helo = String::from_utf8_lossy(data);
    let facts = Facts {
        local: "ada",
        sender_domain: "client.test",
        domain: "client.test",
        peer: IpAddr::V6(Ipv6Addr::LOCALHOST),
        peer_name: "mx.client.test",
        helo: &helo,
        receiver: "house.test",
        now: 0,
    };
    if let Some(text) = Text::explanation(data) {
        assert!(text.text(&facts).len() <= 4_096);
    }
    let Ok(record) = Record::parse(data) else { return };
    let _ = is_record(data);
    let named = record.directives.iter().filter_map(|directive| match &directive.mechanism {
        Mechanism::Include(name) | Mechanism::Exists(name) | Mechanism::Ptr(Some(name)) => Some(name),
        Mechanism::A(hosts) | Mechanism::Mx(hosts) => hosts.name.as_ref(),
        Mechanism::All | Mechanism::Ptr(None) | Mechanism::Ip4(..) | Mechanism::Ip6(..) => None,
    });
    for name in named.chain(&record.redirect).chain(&record.explanation) {
        assert!(name.name(&facts).len() <= 253);
    }
}

/// Headers of the PROXY protocol, read as they ask for it: never past their end, and never for ever.
pub fn proxy(data: &[u8]) {
    let mut read = 0;
    while let Ok(Progress::Needs(more)) = proxy::parse(&data[..read]) {
        assert!(more > 0 && read + more <= 16 + proxy::LONGEST_REST);
        if data.len() < read + more {
            return;
        }
        read += more;
    }
    // Octets beyond a header are none of it.
    assert!(!matches!(proxy::parse(data), Ok(Progress::Done(_))) || read == data.len());
}
