//! What other nodes and the command line change is read, and new bans are written down.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Inner;
use super::held::Held;
use crate::model::access::AccessList;
use crate::model::network::Network;
use crate::store::db::{Tx, access_lists, bans};
use crate::store::{self};

/// How many rows are read at a time.
const AT_ONCE: i64 = 1_000;

/// How many looks are between two of forgetting.
const LOOKS: u32 = 600;

/// Looks and writes, while anybody uses the defence. `version` is what was read at first.
pub(super) async fn run(inner: Weak<Inner>, mut to_ban: mpsc::Receiver<(Network, &'static str)>, mut version: i64) {
    let Some(pause) = inner
        .upgrade()
        .map(|inner| Duration::from_millis(inner.settings.watch_milliseconds))
    else {
        return;
    };
    let mut looks = 0_u32;
    loop {
        let banned = tokio::time::timeout(pause, to_ban.recv()).await.ok();
        let Some(inner) = inner.upgrade() else { return };
        if let Some(Some((network, reason))) = banned
            && let Err(error) = inner.write_ban(network, reason).await
        {
            tracing::warn!(%network, %error, "a ban cannot be written down: it holds on this node alone");
        }
        match inner.look(version).await {
            Ok(now) => version = now,
            Err(error) => tracing::warn!(%error, "bans and lists cannot be read: those that are known hold"),
        }
        looks = looks.wrapping_add(1);
        if looks % LOOKS == 1
            && let Err(error) = inner.forget().await
        {
            tracing::warn!(%error, "bans that are over cannot be forgotten");
        }
    }
}

impl Inner {
    /// Reads everything if there is news since this version; the version that is known then.
    async fn look(&self, known: i64) -> Result<i64, store::Error> {
        let mut tx = self.database.read_alone().await?;
        let version = bans::version(&mut tx).await?;
        drop(tx);
        if version == known { Ok(known) } else { self.read().await }
    }

    /// Reads everything; the version that it is of.
    pub(super) async fn read(&self) -> Result<i64, store::Error> {
        let mut tx = self.database.read().await?;
        let version = bans::version(&mut tx).await?;
        let (mut held, mut room) = (Held::default(), self.settings.max_entries);
        let now = self.clock.now_ms();
        for list in [AccessList::Allow, AccessList::Block] {
            let mut after = String::new();
            loop {
                let page = access_lists::page(&mut tx, list, (&after, now), AT_ONCE).await?;
                let Some(last) = page.last() else { break };
                after = last.subject.to_string();
                page.iter().take(room).for_each(|entry| held.list(list, entry));
                room = room.saturating_sub(page.len());
            }
        }
        room = self.read_bans(&mut tx, &mut held, room).await?;
        if room == 0 {
            tracing::warn!("there are more bans and entries of lists than defence.max_entries: not all are kept to");
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
        Ok(version)
    }

    async fn read_bans(&self, tx: &mut Tx, held: &mut Held, mut room: usize) -> Result<usize, store::Error> {
        let now = self.clock.now_ms();
        let mut after = String::new();
        loop {
            let page = bans::page(tx, &after, now, AT_ONCE).await?;
            let Some(last) = page.last() else { return Ok(room) };
            after = last.network.to_string();
            page.iter().take(room).for_each(|ban| held.ban(ban));
            room = room.saturating_sub(page.len());
        }
    }

    async fn forget(&self) -> Result<(), store::Error> {
        let kept = self.settings.remember_hours.saturating_mul(3_600_000);
        let now = self.clock.now_ms();
        let mut tx = self.database.write().await?;
        bans::forget(&mut tx, now.saturating_sub(i64::try_from(kept).unwrap_or(i64::MAX))).await?;
        access_lists::forget(&mut tx, now).await?;
        tx.commit().await
    }
}
