//! TOP — RFC 1939 §7.

use super::maildrop::Maildrop;
use super::retr::{open, send};
use super::session::{Answer, Session};
use crate::server::stream::Gone;
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::message::Top;
use crate::wire::pop3::reply::fixed;

/// The header of a message and so many lines of its body.
pub(super) async fn top(session: &mut Session, maildrop: &Maildrop, number: MessageNumber, lines: u64) -> Result<Answer, Gone> {
    match open(maildrop, number).await {
        Ok(message) => {
            session.say(&fixed::LIST_FOLLOWS);
            send(session, &message, Some(Top::new(lines))).await
        }
        Err(reply) => Ok(Answer::Line(reply)),
    }
}
