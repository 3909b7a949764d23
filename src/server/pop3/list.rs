//! LIST — RFC 1939 §5.

use super::maildrop::Maildrop;
use super::session::{Answer, Session};
use crate::server::stream::Gone;
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::reply::{self, Reply, fixed};

/// The octets of one message, or of each that is not marked.
pub(super) async fn list(session: &mut Session, maildrop: &Maildrop, number: Option<MessageNumber>) -> Result<Answer, Gone> {
    if let Some(number) = number {
        let message = maildrop.scan.message(number);
        let reply = message.map(|message| Reply::ok(reply::scan_listing(number.0, message.size)));
        return Ok(Answer::Line(reply.unwrap_or(fixed::NO_SUCH_MESSAGE)));
    }
    session.say(&fixed::LIST_FOLLOWS);
    for (number, message) in maildrop.scan.iter() {
        session.say_line(&reply::scan_listing(number, message.size)).await?;
    }
    Ok(session.end_lines())
}
