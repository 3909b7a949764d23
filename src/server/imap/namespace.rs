//! NAMESPACE: everybody has their own mailboxes, and those that others of their domain let them use (RFC 2342 §5).

use crate::mail::mailbox::OTHERS;
use crate::server::stream::Stream;

use super::Imap;
use super::outcome::Done;

pub(super) fn namespace(imap: &Imap, stream: &mut Stream) -> Done {
    let others = match imap.mailboxes.shares() {
        true => format!("((\"{OTHERS}/\" \"/\"))"),
        false => "NIL".to_owned(),
    };
    stream.write(format!("* NAMESPACE ((\"\" \"/\")) {others} NIL\r\n").as_bytes());
    Done::new("that is all")
}
