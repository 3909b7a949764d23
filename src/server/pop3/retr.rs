//! RETR — RFC 1939 §5.

use super::maildrop::Maildrop;
use super::refusal;
use super::session::{Answer, Session};
use crate::mail::mailbox::StoredMessage;
use crate::server::stream::Gone;
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::message::{Stuffer, Top};
use crate::wire::pop3::reply::{self, Reply, fixed};

/// How much is read from the file and sent at a time.
const PIECE: usize = 65_536;

/// A whole message.
pub(super) async fn retr(session: &mut Session, maildrop: &Maildrop, number: MessageNumber) -> Result<Answer, Gone> {
    match open(maildrop, number).await {
        Ok(message) => {
            session.say(&reply::octets_follow(message.size()));
            send(session, &message, None).await
        }
        Err(reply) => Ok(Answer::Line(reply)),
    }
}

/// The file of a message that is not marked.
pub(super) async fn open(maildrop: &Maildrop, number: MessageNumber) -> Result<StoredMessage, Reply> {
    let message = maildrop.scan.message(number).ok_or(fixed::NO_SUCH_MESSAGE)?;
    match maildrop.mailbox.open_message(message.uid).await {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(fixed::GONE),
        Err(refusal) => Err(refusal::spell(&refusal)),
    }
}

/// Sends the octets of the message, or only its top, in the form of the wire.
pub(super) async fn send(session: &mut Session, message: &StoredMessage, mut top: Option<Top>) -> Result<Answer, Gone> {
    let (mut stuffer, mut out, mut offset) = (Stuffer::default(), Vec::new(), 0_u64);
    while !top.as_ref().is_some_and(Top::is_done) {
        // The reply has begun: all that can be said of trouble now is to close the connection.
        let piece = message.read_at(offset, PIECE).await.map_err(std::io::Error::other)?;
        if piece.is_empty() {
            break;
        }
        offset = offset.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        out.clear();
        stuffer.push(top.as_mut().map_or(&piece[..], |top| top.keep(&piece)), &mut out);
        session.stream.write(&out);
        session.stream.flush_if_large().await?;
    }
    out.clear();
    stuffer.finish(&mut out);
    session.stream.write(&out);
    Ok(Answer::Written)
}
