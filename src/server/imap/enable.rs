//! CAPABILITY and ENABLE: what there is, and what the client wants of it (RFC 3501 §6.1.1, RFC 5161 §3.1).

use crate::wire::imap::{Utf8, capability};

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
    for name in names {
        let known = match name.as_str() {
            "CONDSTORE" => {
                session.condstore = true;
                " CONDSTORE"
            }
            "QRESYNC" => {
                // RFC 7162 §3.2.3: who can do this can do CONDSTORE too.
                (session.condstore, session.qresync) = (true, true);
                " QRESYNC"
            }
            "IMAP4REV2" => {
                // RFC 9051 §A: names are in UTF-8 from here on.
                session.enabled.rev2 = true;
                if session.enabled.utf8 == Utf8::Off {
                    session.enabled.utf8 = Utf8::Names;
                }
                " IMAP4rev2"
            }
            "UTF8=ACCEPT" => {
                session.enabled.utf8 = Utf8::Accept;
                " UTF8=ACCEPT"
            }
            "UIDONLY" => {
                session.enabled.uid_only = true;
                " UIDONLY"
            }
            _ => continue,
        };
        out.extend_from_slice(known.as_bytes());
    }
    if let State::Selected(_, selected) = &mut session.state {
        selected.condstore |= session.condstore;
        selected.qresync = session.qresync;
        selected.enable(session.enabled);
    }
    out.extend_from_slice(b"\r\n");
    session.stream.write(&out);
    Done::new("enabled")
}
