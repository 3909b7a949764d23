//! The queue's tables: a row a message, a row a recipient.
//!
//! `mail::queue` calls this room. `entry` keeps messages and shows them, `contents` keeps the octets of small ones, `steer` is for the operator, `work` is for those that deliver: claims with leases, results.
//! A claim is one conditional UPDATE and its row count, which two nodes cannot both win on any of the three databases.

mod contents;
mod entry;
mod notice;
mod standing;
mod steer;
mod work;

pub use contents::content;
pub use entry::{Entry, count, find, insert, is_known, recipients_of, remove, sizes};
pub use notice::{due_notices, take_notices};
pub use standing::{Standing, standing};
pub use steer::{Target, hold_all, page, steer, targets};
pub use work::{
    Claimed, ClaimedMessage, HeldUp, Mark, Note, Rest, WaitingRow, claim, claim_reports, close_reports, conclude, defer, defer_reports,
    due_destinations, due_reports, fail_expired, finish, finish_claimed, hold, is_any_due, next_due, postpone, pull_in, release,
    release_everything, renew, waiting,
};

use jiff::Timestamp;

use super::{Error, Row, Value};
use crate::model::address::{EmailAddress, Host, parse_literal};
use crate::model::clock::timestamp;
use crate::model::envelope::{BodyType, Notify, Recipient, Ret, ReversePath, Sender};
use crate::model::ids::{MailId, UserId};

/// A message's row.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MailId,
    pub sender: Sender,
    pub size: u64,
    pub user: Option<UserId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A recipient's row.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// Its place among the recipients of the message, from 0: with the message's id, its key.
    pub position: i64,
    pub recipient: Recipient,
    /// Where its mail goes: the host part of the address.
    pub destination: Host,
    pub state: State,
    pub attempts: u32,
    pub next_attempt_at: Timestamp,
    pub last: LastAttempt,
}

/// What the last attempt brought; all empty before the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastAttempt {
    pub at: Option<Timestamp>,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The host that said it; none if the trouble is our own finding.
    pub host: Option<String>,
    /// The reply or error.
    pub text: Option<String>,
}

/// What became of a recipient so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be delivered.
    Waiting,
    /// Delivered, and nobody is to be told.
    Done,
    /// Failed, and the sender is to be told.
    FailedUnreported,
    /// Delivered to a host that reports nothing, and the sender wants to know (RFC 3461 §5.2.2).
    RelayedUnreported,
    /// Failed, and the sender was told or is not to be.
    Failed,
    /// To be delivered, but not before it is released.
    Held,
}

impl State {
    /// Whether something is still to be done for the recipient.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Failed)
    }

    const fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Done => 1,
            Self::FailedUnreported => 2,
            Self::RelayedUnreported => 3,
            Self::Failed => 4,
            Self::Held => 5,
        }
    }

    fn read(code: i64) -> Result<Self, Error> {
        [
            Self::Waiting,
            Self::Done,
            Self::FailedUnreported,
            Self::RelayedUnreported,
            Self::Failed,
            Self::Held,
        ]
        .into_iter()
        .find(|state| state.code() == code)
        .ok_or(Error::Corrupt("queue_recipients.state"))
    }
}

/// The columns that [`message`] reads, in its order.
const MESSAGE: &str = "id, sender, size, body, smtputf8, ret, envid, user_id, created_at, expires_at, tls_optional";
/// The columns that [`addressee`] reads, in its order.
const ADDRESSEE: &str = "message_id, position, address, notify, orcpt, destination, state, attempts, next_attempt_at, \
                         last_attempt_at, last_status, last_host, last_error";

fn message(row: &Row<'_>) -> Result<Message, Error> {
    let path = match row.text(1)?.as_str() {
        "" => ReversePath::Null,
        text => ReversePath::Address(address(text, "queue_messages.sender")?),
    };
    Ok(Message {
        id: MailId(row.integer(0)?),
        size: u64::try_from(row.integer(2)?).unwrap_or(0),
        sender: Sender {
            path,
            declared_size: None,
            body: if row.integer(3)? == 1 {
                BodyType::EightBitMime
            } else {
                BodyType::SevenBit
            },
            smtputf8: row.integer(4)? == 1,
            ret: row.integer_or_null(5)?.map(|ret| if ret == 1 { Ret::Full } else { Ret::Headers }),
            envid: row.text_or_null(6)?,
            tls_optional: row.integer(10)? == 1,
        },
        user: row.integer_or_null(7)?.map(UserId),
        created_at: timestamp(row.integer(8)?),
        expires_at: timestamp(row.integer(9)?),
    })
}

/// A message, and its octets if they are kept beside it: they follow the columns of [`MESSAGE`].
fn message_with_content(row: &Row<'_>) -> Result<(Message, Option<Vec<u8>>), Error> {
    Ok((message(row)?, row.blob_or_null(11)?))
}

fn addressee(row: &Row<'_>) -> Result<(MailId, Addressee), Error> {
    let addressee = Addressee {
        position: row.integer(1)?,
        recipient: Recipient {
            address: address(&row.text(2)?, "queue_recipients.address")?,
            notify: row.integer_or_null(3)?.map(notify_from_bits),
            orcpt: row.text_or_null(4)?,
        },
        destination: destination(&row.text(5)?)?,
        state: State::read(row.integer(6)?)?,
        attempts: u32::try_from(row.integer(7)?).unwrap_or(u32::MAX),
        next_attempt_at: timestamp(row.integer(8)?),
        last: LastAttempt {
            at: row.integer_or_null(9)?.map(timestamp),
            status: row.text_or_null(10)?,
            host: row.text_or_null(11)?,
            text: row.text_or_null(12)?,
        },
    };
    Ok((MailId(row.integer(0)?), addressee))
}

fn address(text: &str, column: &'static str) -> Result<EmailAddress, Error> {
    EmailAddress::parse(text).map_err(|_| Error::Corrupt(column))
}

fn destination(text: &str) -> Result<Host, Error> {
    let host = match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(literal) => parse_literal(literal).map(Host::Literal),
        None => text.parse().map(Host::Domain),
    };
    host.map_err(|_| Error::Corrupt("queue_recipients.destination"))
}

const fn notify_bits(notify: Notify) -> i64 {
    notify.success as i64 | (notify.failure as i64) << 1 | (notify.delay as i64) << 2
}

const fn notify_from_bits(bits: i64) -> Notify {
    Notify {
        success: bits & 1 != 0,
        failure: bits & 2 != 0,
        delay: bits & 4 != 0,
    }
}

/// At most as much of a text as its column holds.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// `?, ?, …` for so many values.
fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn nullable(text: Option<&str>, most: usize) -> Value {
    Value::from(text.map(|text| cut(text, most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_notify_are_read_back() {
        for code in 0..6 {
            assert_eq!(State::read(code).map(State::code).ok(), Some(code));
        }
        assert!(State::read(6).is_err());
        for bits in 0..8 {
            assert_eq!(notify_bits(notify_from_bits(bits)), bits);
        }
    }

    #[test]
    fn destinations_are_read_back() {
        for text in ["remote.test", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(destination(text).map(|host| host.to_string()).ok().as_deref(), Some(text));
        }
        assert!(destination("").is_err());
    }
}
