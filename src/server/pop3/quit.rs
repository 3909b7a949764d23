//! QUIT after a login — RFC 1939 §6, the UPDATE state.

use super::maildrop::Maildrop;
use crate::wire::pop3::reply::{Reply, fixed};

/// Removes the marked messages for good. One that another program removed meanwhile is as removed as it should be.
pub(super) async fn quit(maildrop: &Maildrop) -> Reply {
    let marked = maildrop.scan.marked();
    if marked.is_empty() {
        return fixed::GOODBYE;
    }
    match maildrop.mailbox.remove(&marked).await {
        Ok(_) => fixed::GOODBYE,
        Err(refusal) => {
            tracing::warn!(%refusal, "messages were not removed at QUIT");
            fixed::NOT_REMOVED
        }
    }
}
