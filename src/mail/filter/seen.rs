//! What scripts remember, in the database that all nodes share: whom they replied to, which messages they have seen.

use std::sync::Weak;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Filters, Inner};
use crate::model::ids::UserId;
use crate::store;
use crate::store::db::filters as rows;
use crate::wire::sieve::Seen;

/// How often what is over is dropped.
const FORGET_EVERY: Duration = Duration::from_hours(1);

impl Inner {
    /// Whether the user's scripts have seen it, and the time is not over.
    pub(super) async fn was_seen(&self, user: UserId, seen: &Seen) -> Result<bool, store::Error> {
        let mut tx = self.ground.database.read_alone().await?;
        rows::is_seen(&mut tx, user, &mark(seen), self.ground.clock.now_ms()).await
    }

    /// Remembers it; whether it was not remembered before.
    pub(super) async fn claim(&self, user: UserId, seen: &Seen) -> Result<bool, store::Error> {
        let now = self.ground.clock.now_ms();
        let milliseconds = i64::try_from(seen.seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        let (mark, ends) = (mark(seen), now.saturating_add(milliseconds));
        let mut tx = self.ground.database.write().await?;
        let is_new = rows::claim(&mut tx, user, &mark, (now, ends)).await?;
        // RFC 7352 §3.3, `:last`.
        if !is_new && seen.last {
            rows::prolong(&mut tx, user, &mark, ends).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }
}

impl Filters {
    /// Remembers what scripts have seen of a message that is stored now, or replied to; whether nobody had before.
    pub async fn remember(&self, user: UserId, seen: &Seen) -> bool {
        match self.inner.claim(user, seen).await {
            Ok(is_new) => is_new,
            Err(error) => {
                tracing::error!(%error, "what a script has seen is not remembered");
                false
            }
        }
    }
}

/// Drops what need not be remembered any more, as long as anybody uses the filters.
pub(super) async fn forget(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        let forget = async {
            let mut tx = inner.ground.database.write().await?;
            rows::forget_seen(&mut tx, inner.ground.clock.now_ms()).await?;
            tx.commit().await
        };
        if let Err(error) = forget.await {
            tracing::warn!(%error, "what scripts remembered cannot be dropped now");
        }
    }
}

/// What the database knows of it.
fn mark(seen: &Seen) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(seen.handle.as_bytes());
    digest.update([0]);
    digest.update(&seen.id);
    digest.finalize().to_vec()
}
