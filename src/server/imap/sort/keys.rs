//! What messages are sorted by (RFC 5256 §2, §3, RFC 5957 §3).

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

use jiff::Timestamp;

use crate::model::ids::Uid;

use crate::server::imap::search::Hit;
use crate::wire::imap::sort::{Criterion, SortKey};
use crate::wire::message::casemap::casemap;
use crate::wire::message::header::{decode_text, find};
use crate::wire::message::structure::{Address, addresses};
use crate::wire::message::subject::BaseSubject;

/// The most octets of a field that are looked at.
const MAX_FIELD: usize = 16_384;
/// The most octets of a subject that are compared.
const MAX_SUBJECT: usize = 2_048;

/// What is compared of messages, for each criterion, one message behind the other.
pub(super) struct Keys {
    criteria: Vec<Criterion>,
    /// When messages were sent, of those that are to be added.
    sent: Peekable<IntoIter<(Uid, Timestamp)>>,
    values: Vec<Value>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(u64),
    Time(Timestamp),
    /// In the form in which texts are compared.
    Text(Box<str>),
}

impl Keys {
    /// `sent` says when messages were sent, ascending by UID.
    pub(super) fn new(criteria: &[Criterion], sent: Vec<(Uid, Timestamp)>) -> Self {
        Self {
            criteria: criteria.to_vec(),
            sent: sent.into_iter().peekable(),
            values: Vec::new(),
        }
    }

    /// Adds a message with the kept fields of its header. They come in the order of their UIDs.
    pub(super) fn push(&mut self, hit: &Hit, header: &[u8]) {
        let uid = hit.message.uid;
        while self.sent.next_if(|(other, _)| *other < uid).is_some() {}
        let sent = self.sent.next_if(|(other, _)| *other == uid).map(|(_, sent)| sent);
        let values = self.criteria.iter().map(|criterion| value(criterion.by, hit, (sent, header)));
        self.values.extend(values);
    }

    /// The messages in their order, as numbers from 0. Those that are alike stay as they were added, REVERSE or not (RFC 5256
    /// BASE.6.4.SORT).
    pub(super) fn order(&self) -> Vec<usize> {
        let rows: Vec<&[Value]> = self.values.chunks(self.criteria.len().max(1)).collect();
        let mut order: Vec<(usize, &[Value])> = rows.into_iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| self.compare(a, b));
        order.into_iter().map(|(at, _)| at).collect()
    }

    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let pairs = a.iter().zip(b).zip(&self.criteria);
        let mut orders = pairs.map(|((a, b), criterion)| match criterion.reverse {
            false => a.cmp(b),
            true => b.cmp(a),
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn value(by: SortKey, hit: &Hit, (sent, header): (Option<Timestamp>, &[u8])) -> Value {
    let text = |text: &str| Value::Text(casemap(text).into());
    match by {
        SortKey::Arrival => Value::Time(hit.message.internal_date),
        SortKey::Size => Value::Number(hit.message.size),
        // RFC 5256 §2.2: of what does not tell when it was sent, when it came.
        SortKey::Date => Value::Time(sent.unwrap_or(hit.message.internal_date)),
        SortKey::Subject => text(&base_subject(header).text),
        SortKey::From => text(&first_mailbox(header, "From")),
        SortKey::To => text(&first_mailbox(header, "To")),
        SortKey::Cc => text(&first_mailbox(header, "Cc")),
        SortKey::DisplayFrom => text(&first_name(header, "From")),
        SortKey::DisplayTo => text(&first_name(header, "To")),
    }
}

/// The subject as it is compared (RFC 5256 §2.1): of one that is longer than any that people write, its begin.
pub(in crate::server::imap) fn base_subject(header: &[u8]) -> BaseSubject {
    let value = find(header, "Subject").unwrap_or_default();
    BaseSubject::of(&decode_text(value.get(..MAX_SUBJECT).unwrap_or(value)))
}

fn first(header: &[u8], name: &str) -> Option<Address> {
    let value = find(header, name)?;
    addresses(value.get(..MAX_FIELD).unwrap_or(value)).into_iter().next()
}

/// The local part of the first address, or the name of the group that comes first.
fn first_mailbox(header: &[u8], name: &str) -> String {
    match first(header, name) {
        Some(Address::Mailbox { local, .. }) => decode_text(&local),
        Some(Address::GroupStart(name)) => decode_text(&name),
        Some(Address::GroupEnd) | None => String::new(),
    }
}

/// The name of the first, or else its address.
fn first_name(header: &[u8], name: &str) -> String {
    match first(header, name) {
        Some(Address::Mailbox { name, local, domain, .. }) => {
            let name = name.as_deref().map(decode_text).filter(|name| !name.is_empty());
            name.unwrap_or_else(|| match domain.is_empty() {
                true => decode_text(&local),
                false => format!("{}@{}", decode_text(&local), decode_text(&domain)),
            })
        }
        Some(Address::GroupStart(name)) => decode_text(&name),
        Some(Address::GroupEnd) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ModSeq;
    use crate::model::mailbox::{Flags, MessageMeta};

    fn hit(size: u64) -> Hit {
        Hit {
            sequence: 1,
            message: MessageMeta {
                uid: Uid(1),
                flags: Flags::NONE,
                modseq: ModSeq(1),
                size,
                internal_date: Timestamp::UNIX_EPOCH,
            },
        }
    }

    #[test]
    fn keys_are_read() {
        let text = |text: &str| Value::Text(text.into());
        let at = |seconds| Value::Time(Timestamp::from_second(seconds).unwrap());
        for (by, header, want) in [
            (SortKey::Size, "", Value::Number(7)),
            (SortKey::Arrival, "Date: 1 Jan 2000 00:00:00 +0000", at(0)),
            (SortKey::Subject, "Subject: =?utf-8?q?Re=3A_gr=C3=BCn?=", text("GRU\u{308}N")),
            (SortKey::From, "From: Zoe <ada@x>, b@x", text("ADA")),
            (SortKey::To, "To: friends: a@x;", text("FRIENDS")),
            (SortKey::Cc, "To: a@x", text("")),
            (SortKey::DisplayFrom, "From: =?utf-8?q?Zo=C3=AB?= <ada@x>", text("ZOE\u{308}")),
            (SortKey::DisplayFrom, "From: ada@x", text("ADA@X")),
            (SortKey::DisplayTo, "To: \"\" <ada@x>", text("ADA@X")),
        ] {
            let header = format!("{header}\r\n\r\n");
            assert_eq!(value(by, &hit(7), (None, header.as_bytes())), want, "{by:?} {header}");
        }
    }

    #[test]
    fn what_does_not_tell_when_it_was_sent_counts_as_sent_when_it_came() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let criteria = [Criterion {
            by: SortKey::Date,
            reverse: false,
        }];
        // What is gone, and what is no hit, may be known too.
        let mut keys = Keys::new(&criteria, vec![(Uid(1), at(9)), (Uid(2), at(5)), (Uid(4), at(-1))]);
        for uid in [2, 3, 4] {
            let mut hit = hit(7);
            hit.message.uid = Uid(uid);
            keys.push(&hit, &[]);
        }
        assert_eq!(keys.order(), [2, 1, 0]);
    }

    #[test]
    fn reverse_turns_one_criterion_and_not_what_is_alike() {
        let order = |criteria: &[(SortKey, bool)]| {
            let criteria: Vec<Criterion> = criteria.iter().map(|&(by, reverse)| Criterion { by, reverse }).collect();
            let mut keys = Keys::new(&criteria, Vec::new());
            for (subject, size) in [("b", 1), ("a", 2), ("b", 2), ("a", 2)] {
                keys.push(&hit(size), format!("Subject: {subject}\r\n\r\n").as_bytes());
            }
            keys.order()
        };
        assert_eq!(order(&[(SortKey::Subject, false)]), [1, 3, 0, 2]);
        assert_eq!(order(&[(SortKey::Subject, true)]), [0, 2, 1, 3]);
        assert_eq!(order(&[(SortKey::Subject, false), (SortKey::Size, true)]), [1, 3, 2, 0]);
        assert_eq!(order(&[(SortKey::Size, true), (SortKey::Subject, false)]), [1, 3, 2, 0]);
    }
}
