//! What of a message others are asked about.

use std::collections::HashSet;

use crate::mail::spam::facts::{Facts, organisation};
use crate::model::address::EmailAddress;
use crate::model::verdict::Outcome;

/// The most domains that are found in a message.
const DOMAINS: usize = 1_000;
/// The most messages of one field that it may answer to; the last ones count.
const ANSWERS: usize = 10;
/// The longest name that can be asked about (RFC 1035 §2.3.4), with room for the zone of a list.
const LONGEST: usize = 180;

/// What of a message others are asked about. It outlives the message.
#[derive(Debug, Default, PartialEq)]
pub(in crate::mail::spam) struct Asks {
    /// Domains as they are registered, each once; those of the author and the sender come first.
    pub domains: Vec<String>,
    /// Its author, if there is one only and it is proved who that is.
    pub proved_author: Option<EmailAddress>,
    /// The Message-IDs that it answers to, without angle brackets.
    pub answers: Vec<String>,
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
            proved_author: author(facts),
            answers: ["In-Reply-To", "References"].iter().flat_map(|name| ids(facts.raw(name))).collect(),
        }
    }
}

/// The author, if there is one only and it is proved who that is.
fn author(facts: &Facts<'_>) -> Option<EmailAddress> {
    let [author] = facts.from.as_slice() else { return None };
    let address = facts.is_author_proved().then(|| format!("{}@{}", author.local, author.domain))?;
    address.parse().ok()
}

/// The last Message-IDs of a field (RFC 5322 §3.6.4).
fn ids(field: Option<&[u8]>) -> Vec<String> {
    let text = String::from_utf8_lossy(field.unwrap_or_default()).into_owned();
    let all = text.rsplit('<').filter_map(|it| Some(it.split_once('>')?.0));
    let ids = all.map(|it| it.split_whitespace().collect::<String>());
    ids.filter(|it| !it.is_empty()).take(ANSWERS).collect()
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
    use crate::model::verdict::{Authentication, Dmarc};

    #[test]
    fn authors_must_be_proved_and_answers_name_messages() {
        let message =
            b"From: Ada <Ada@Author.test>\r\nIn-Reply-To: <3@house.test>\r\nReferences: <1@house.test>\r\n <2@house.test> junk <>\r\n\r\n";
        let proved = Authentication {
            dmarc: Dmarc {
                outcome: Outcome::Pass,
                ..Dmarc::default()
            },
            ..Authentication::default()
        };
        let case = Case {
            authentication: Some(&proved),
            ..Case::bare(message, Timestamp::UNIX_EPOCH)
        };
        let asks = Asks::of(&Facts::of(case));
        assert_eq!(asks.proved_author.map(|it| it.canonical()).as_deref(), Some("ada@author.test"));
        assert_eq!(asks.answers, ["3@house.test", "2@house.test", "1@house.test"]);
        let unproved = Asks::of(&Facts::of(Case::bare(message, Timestamp::UNIX_EPOCH)));
        assert_eq!((unproved.proved_author, unproved.answers.len()), (None, 3));
    }

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
        assert_eq!((asks.proved_author, asks.answers.len()), (None, 0));
        for none in ["[192.0.2.1]", "192.0.2.1", "localhost", "", "ü.test", "a b.test"] {
            assert_eq!(registered(none), None, "{none}");
        }
    }
}
