//! COMPRESS (RFC 4978 §3).

use crate::server::stream::Gone;
use crate::wire::imap::response::Word;

use super::outcome::{Done, Fault, Then};
use super::session::Session;

pub(super) fn compress(session: &Session) -> Result<Done, Fault> {
    if session.stream.is_compressed() {
        return Err(Fault::no(Word::CompressionActive, "this connection is compressed already"));
    }
    if !session.imap.settings.compress {
        return Err(Fault::no(Word::Cannot, "compression is switched off here"));
    }
    Ok(Done {
        then: Then::Compress,
        ..Done::new("compressed from here on")
    })
}

/// Once the OK is on its way.
pub(super) async fn begin(session: &mut Session) -> Result<(), Gone> {
    session.stream.compress().await
}
