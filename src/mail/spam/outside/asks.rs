//! What of a message others are asked about.

use std::collections::HashSet;

use crate::mail::spam::facts::{Facts, organisation};
use crate::model::verdict::Outcome;

/// The most domains that are found in a message.
const DOMAINS: usize = 1_000;
/// The longest name that can be asked about (RFC 1035 §2.3.4), with room for the zone of a list.
const LONGEST: usize = 180;

/// What of a message others are asked about. It outlives the message.
#[derive(Debug, Default, PartialEq)]
pub(in crate::mail::spam) struct Asks {
    /// Domains as they are registered, each once; those of the author and the sender come first.
    pub domains: Vec<String>,
}

impl Asks {
    /// Finds it out.
    pub(in crate::mail::spam) fn of(facts: &Facts<'_>) -> Self {
        let case = &facts.case;
        let authors = facts.from.iter().chain(&facts.reply_to).map(|person| person.domain.as_str());
        let sender = case.sender.and_then(|address| Some(address.domain()?.as_str()));
        let found = case.authentication;
        let signers = found.into_iter().flat_map(|it| &it.dkim).filter(|it| it.outcome == Outcome::Pass);
        let client = found.and_then(|it| it.iprev.name.as_deref().filter(|_| it.iprev.outcome == Outcome::Pass));
        let links = facts.links.iter().filter(|link| link.is_web() && !link.is_address());
        let names = authors
            .chain(sender)
            .chain(signers.map(|it| it.domain.as_str()))
            .chain(links.map(|link| link.host.as_str()))
            .chain(case.helo)
            .chain(client);
        let mut known = HashSet::new();
        let domains = names.filter_map(registered).filter(|it| known.insert(it.clone())).take(DOMAINS);
        Self {
            domains: domains.collect(),
        }
    }
}

/// What is registered of a name that can be asked about.
fn registered(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    let domain = organisation(&name);
    let is_sound = domain.contains('.') && domain.len() <= LONGEST && domain.bytes().all(is_name);
    // An address is no domain.
    let is_number = domain
        .rsplit('.')
        .next()
        .is_none_or(|last| last.bytes().all(|c| c.is_ascii_digit()));
    (is_sound && !is_number).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::mail::spam::facts::Case;

    #[test]
    fn domains_are_found_in_their_order_and_each_once() {
        let message = b"From: Ada <ada@mail.author.test>\r\nReply-To: x@reply.test\r\n\r\n\
            See http://www.link.co.uk/x, http://link.co.uk/, http://192.0.2.1/, http://localhost/ and http://author.test/\r\n";
        let sender = "bounce@sender.test".parse().unwrap();
        let case = Case {
            sender: Some(&sender),
            helo: Some("mx.client.test."),
            ..Case::bare(message, Timestamp::UNIX_EPOCH)
        };
        let asks = Asks::of(&Facts::of(case));
        assert_eq!(
            asks.domains,
            ["author.test", "reply.test", "sender.test", "link.co.uk", "client.test"]
        );
        for none in ["[192.0.2.1]", "192.0.2.1", "localhost", "", "ü.test", "a b.test"] {
            assert_eq!(registered(none), None, "{none}");
        }
    }
}
