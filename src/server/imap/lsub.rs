//! LSUB (RFC 3501 §6.3.9).

use std::collections::BTreeMap;

use crate::model::account::User;
use crate::server::stream::Stream;
use crate::wire::imap::encode::mailbox;
use crate::wire::imap::pattern;

use super::Imap;
use super::list::TURN;
use super::outcome::{Done, Fault};
use super::updates::pass_on;

pub(super) async fn lsub(imap: &Imap, user: &User, asked: (&str, &str), (stream, utf8): (&mut Stream, bool)) -> Result<Done, Fault> {
    let wanted = pattern::join(asked.0, asked.1);
    let subscriptions = imap.mailboxes.subscriptions(user).await?;
    // The name, and whether it is itself subscribed to.
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    for (name, number) in subscriptions.iter().zip(1_usize..) {
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        if pattern::matches(&wanted, name.as_str()) {
            found.insert(name.to_string(), true);
        } else if wanted.ends_with('%') {
            // RFC 3501 §6.3.9: a name above one that is subscribed to is given as \Noselect.
            for above in name.ancestors().filter(|above| pattern::matches(&wanted, above.as_str())) {
                found.entry(above.to_string()).or_insert(false);
            }
        }
    }
    let mut out = Vec::new();
    for (name, subscribed) in found {
        pass_on(&mut out, stream).await?;
        out.extend_from_slice(if subscribed {
            b"* LSUB () \"/\" "
        } else {
            b"* LSUB (\\Noselect) \"/\" "
        });
        mailbox(&mut out, &name, utf8);
        out.extend_from_slice(b"\r\n");
    }
    stream.write(&out);
    Ok(Done::new("those are they"))
}
