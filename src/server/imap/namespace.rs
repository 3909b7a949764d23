//! NAMESPACE: everybody has their own mailboxes, and no others so far (RFC 2342 §5).

use crate::server::stream::Stream;

use super::outcome::Done;

pub(super) fn namespace(stream: &mut Stream) -> Done {
    stream.write(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    Done::new("that is all")
}
