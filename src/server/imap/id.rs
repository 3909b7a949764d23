//! ID: who the client says it is, and who we are (RFC 2971 §3.1).

use crate::wire::imap::encode::string;

use super::outcome::Done;
use super::session::Session;

pub(super) fn id(session: &mut Session, client: &[(String, Option<String>)]) -> Done {
    tracing::debug!(peer = ?session.stream.peer(), ?client, "IMAP client");
    let mut out = b"* ID (\"name\" \"Posthouse\" \"version\" ".to_vec();
    string(&mut out, env!("CARGO_PKG_VERSION").as_bytes());
    out.extend_from_slice(b")\r\n");
    session.stream.write(&out);
    Done::new("pleased to meet you")
}
