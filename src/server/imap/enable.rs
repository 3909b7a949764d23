//! CAPABILITY and ENABLE: what there is, and what the client wants of it (RFC 3501 §6.1.1, RFC 5161 §3.1).

use crate::wire::imap::capability;

use super::outcome::Done;
use super::session::{Session, State};

pub(super) fn capability(session: &mut Session) -> Done {
    let mut out = b"* ".to_vec();
    capability::write(&mut out, session.stage());
    out.extend_from_slice(b"\r\n");
    session.stream.write(&out);
    Done::new("that is what there is")
}

/// What is not known is passed over in silence (RFC 5161 §3.1).
pub(super) fn enable(session: &mut Session, names: &[String]) -> Done {
    let mut out = b"* ENABLED".to_vec();
    let named = |wanted: &str| names.iter().any(|name| name == wanted);
    if named("CONDSTORE") {
        session.condstore = true;
        out.extend_from_slice(b" CONDSTORE");
    }
    if named("QRESYNC") {
        // RFC 7162 §3.2.3: who can do this can do CONDSTORE too.
        (session.condstore, session.qresync) = (true, true);
        out.extend_from_slice(b" QRESYNC");
    }
    if let State::Selected(_, selected) = &mut session.state {
        selected.condstore |= session.condstore;
        selected.qresync = session.qresync;
    }
    out.extend_from_slice(b"\r\n");
    session.stream.write(&out);
    Done::new("enabled")
}
