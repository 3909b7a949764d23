//! UIDL — RFC 1939 §7.

use super::maildrop::Maildrop;
use super::session::{Answer, Session};
use crate::server::stream::Gone;
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::reply::{self, Reply, fixed};

/// The unique id of one message, or of each that is not marked.
pub(super) async fn uidl(session: &mut Session, maildrop: &Maildrop, number: Option<MessageNumber>) -> Result<Answer, Gone> {
    let listing = |number, uid| reply::unique_id_listing(number, maildrop.uidvalidity, uid);
    if let Some(number) = number {
        let message = maildrop.scan.message(number);
        let reply = message.map(|message| Reply::ok(listing(number.0, message.uid.0)));
        return Ok(Answer::Line(reply.unwrap_or(fixed::NO_SUCH_MESSAGE)));
    }
    session.say(&fixed::LIST_FOLLOWS);
    for (number, message) in maildrop.scan.iter() {
        session.say_line(&listing(number, message.uid.0)).await?;
    }
    Ok(session.end_lines())
}
