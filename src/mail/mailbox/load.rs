//! Opening mailboxes: from the database into memory, then a look at the folder.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::adopt::Coming;
use super::scan::{Patience, Scanned};
use super::{Home, Inner, Mailbox, Mailboxes, Owner, blocking, locked, snapshot};
use crate::model::account::User;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{MailboxName, MailboxStatus};
use crate::model::refusal::Refusal;
use crate::store::db::mailboxes::{self, MailboxRow};
use crate::store::db::{looks, messages, recoveries};
use crate::store::maildir::Maildir;
use crate::store::{self, Asked, LastRead};

impl Mailboxes {
    /// Opens a mailbox: loads the view if nobody uses it, looks for files that other programs changed.
    pub async fn open(&self, user: &User, name: &MailboxName) -> Result<Arc<Mailbox>, Refusal> {
        let row = self.row(user, name).await?;
        self.open_row(user, row, Patience::None).await
    }

    /// The same to put messages into it: each that comes changes the folder, which is not worth a look.
    pub async fn open_to_add(&self, user: &User, name: &MailboxName) -> Result<Arc<Mailbox>, Refusal> {
        let row = self.row(user, name).await?;
        self.open_row(user, row, Patience::Some).await
    }

    /// The same as [`Mailboxes::open`] for who begins with what SELECT tells: messages that are still on their way into the index come by
    /// themselves.
    pub async fn open_at_once(&self, user: &User, name: &MailboxName) -> Result<(Arc<Mailbox>, Option<Coming>), Refusal> {
        let row = self.row(user, name).await?;
        let mailbox = self.open_unseen(user, row).await?;
        let coming = mailbox.look_at_once().await?;
        Ok((mailbox, coming))
    }

    /// Makes the mailboxes of a user who has just logged in and has none, so that their first SELECT need not.
    pub async fn make_ready(&self, user: &User) {
        if let Err(refusal) = self.row(user, &MailboxName::inbox()).await {
            // Whoever opens one tries again, and is told.
            tracing::debug!(%refusal, login = user.login, "the mailboxes of who logged in are not ready");
        }
    }

    async fn row(&self, user: &User, name: &MailboxName) -> Result<MailboxRow, Refusal> {
        let key = (user.id, name.clone());
        let asked = match self.inner.named_lately.contains_key(&key) {
            true => Asked::Again,
            false => Asked::First,
        };
        let find = || async {
            let mut tx = self.inner.ledger.database.read_in_place(asked).await?;
            mailboxes::by_name(&mut tx, user.id, name).await
        };
        if let Some(row) = find().await? {
            if asked == Asked::First {
                self.inner.named_lately.insert(key, ());
            }
            return Ok(row);
        }
        // A new user has none yet.
        self.ensure(user).await?;
        find().await?.ok_or_else(|| Refusal::NotFound {
            what: "mailbox",
            name: name.to_string(),
        })
    }

    /// Opens the mailbox with this id, if it is the user's.
    pub async fn open_id(&self, user: &User, id: MailboxId) -> Result<Arc<Mailbox>, Refusal> {
        let mut tx = self.inner.ledger.database.read_alone().await?;
        let row = mailboxes::by_id(&mut tx, user.id, id).await?;
        drop(tx);
        let row = row.ok_or_else(|| Refusal::NotFound {
            what: "mailbox",
            name: id.to_string(),
        })?;
        self.open_row(user, row, Patience::None).await
    }

    /// The counts, without opening it for a session.
    pub async fn status(&self, user: &User, name: &MailboxName) -> Result<MailboxStatus, Refusal> {
        Ok(self.open(user, name).await?.status())
    }

    pub(super) async fn open_row(&self, user: &User, row: MailboxRow, patience: Patience) -> Result<Arc<Mailbox>, Refusal> {
        let mailbox = self.open_unseen(user, row).await?;
        mailbox.look(patience).await?;
        Ok(mailbox)
    }

    /// As the database has it.
    async fn open_unseen(&self, user: &User, row: MailboxRow) -> Result<Arc<Mailbox>, Refusal> {
        let house = &self.inner;
        let home = Home {
            maildir: Maildir::at(house.user_dir(user)?.join(&row.folder)),
            info: row.info.clone(),
            owner: Owner::from(user),
        };
        let mailbox = match house.open_view(row.info.id) {
            Some(mailbox) => mailbox,
            None => house.load(&row, &home).await?,
        };
        *mailbox.home.write().unwrap_or_else(std::sync::PoisonError::into_inner) = home;
        mailbox.used_at.store(house.ground.clock.now_ms(), Ordering::Relaxed);
        if row.counters.modseq > mailbox.highest_modseq() {
            mailbox.catch_up().await?;
        }
        Ok(mailbox)
    }
}

impl Inner {
    async fn load(self: &Arc<Self>, row: &MailboxRow, home: &Home) -> Result<Arc<Mailbox>, Refusal> {
        let id = row.info.id;
        let slot = usize::try_from(id.0.unsigned_abs() % self.loading.len() as u64).unwrap_or(0);
        let _one_at_a_time = match self.loading.get(slot) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        if let Some(mailbox) = self.open_view(id) {
            return Ok(mailbox);
        }
        self.check_remains(row, &home.maildir).await?;
        let mut tx = self.ledger.database.read().await?;
        let counters = mailboxes::current(&mut tx, id).await?;
        let counters = counters.ok_or_else(|| Refusal::NotFound {
            what: "mailbox",
            name: row.info.name.to_string(),
        })?;
        let (view, kept) = snapshot::load(&mut tx, id, counters).await?;
        let known_below = recoveries::find(&mut tx, id).await?;
        let looked = looks::find(&mut tx, id, counters.modseq).await?;
        drop(tx);
        let mailbox = Arc::new(Mailbox {
            house: Arc::clone(self),
            id,
            home: RwLock::new(Home {
                info: home.info.clone(),
                maildir: home.maildir.clone(),
                owner: home.owner.clone(),
            }),
            view: RwLock::new(view),
            changes: watch::Sender::new(counters.modseq),
            work: Arc::default(),
            scanned: Mutex::new(looked.map(Scanned::of).unwrap_or_default()),
            kept: Mutex::new(kept),
            known_below: Mutex::new(known_below),
            counters_read: LastRead::default(),
            folder_read: LastRead::default(),
            first_unseen: Mutex::default(),
            coming: Mutex::default(),
            used_at: AtomicI64::new(0),
            refreshed_at: AtomicI64::new(0),
        });
        locked(&self.views).insert(id, Arc::clone(&mailbox));
        // What was written after the rows were read and before the view could be shown changes.
        mailbox.catch_up().await?;
        mailbox.keep_snapshot();
        let maildir = home.maildir.clone();
        if let Err(error) = blocking(move || maildir.sweep()).await {
            tracing::warn!(%error, "what a crash left cannot be removed");
        }
        self.full_text.hint(id);
        self.uid_lists.hint(id);
        Ok(mailbox)
    }
}

impl Mailbox {
    /// Reads what the database knows and the view does not: changes by other nodes and other programs of ours.
    pub(super) async fn catch_up(&self) -> Result<(), store::Error> {
        loop {
            let since = self.highest_modseq();
            // Most of the time there is nothing, and the question alone is quicker.
            let asked = self.counters_read.asked();
            let mut alone = self.house.ledger.database.read_in_place(asked).await?;
            let now = mailboxes::current(&mut alone, self.id).await?;
            drop(alone);
            self.counters_read.answered(asked);
            if now.is_none_or(|counters| counters.modseq <= since) {
                return Ok(());
            }
            let mut tx = self.house.ledger.database.read().await?;
            let Some(mut counters) = mailboxes::current(&mut tx, self.id).await? else {
                return Ok(());
            };
            if counters.modseq <= since {
                return Ok(());
            }
            // Who was away for too long looks at everything.
            let all = since < counters.forgotten;
            let changed = messages::changed_since(&mut tx, self.id, if all { ModSeq(0) } else { since }).await?;
            let gone = match all {
                true => self.view().missing_from(&changed),
                false => messages::expunged_since(&mut tx, self.id, since).await?,
            };
            let keywords = mailboxes::keywords(&mut tx, self.id).await?;
            drop(tx);
            let mut view = self.view_mut();
            if view.counters.modseq == since {
                counters.recent_from = counters.recent_from.max(view.counters.recent_from);
                view.catch_up(counters, changed, &gone);
                view.keywords = keywords.into();
                drop(view);
                self.house.listed.forget(self.id, &gone);
                self.announce();
                return Ok(());
            }
        }
    }

    /// The UIDs that went after `since`, as ascending runs; none if it is too long ago to be remembered.
    pub async fn expunged_since(&self, since: ModSeq) -> Result<Option<Vec<(Uid, Uid)>>, Refusal> {
        let mut tx = self.house.ledger.database.read().await?;
        let counters = mailboxes::current(&mut tx, self.id).await?;
        if counters.is_none_or(|counters| since < counters.forgotten) {
            return Ok(None);
        }
        Ok(Some(messages::expunged_since(&mut tx, self.id, since).await?))
    }

    /// Looks for changes made by other programs and other nodes. Cheap if there are none.
    pub async fn refresh(&self) -> Result<(), Refusal> {
        let now = self.house.ground.clock.now_ms();
        self.used_at.store(now, Ordering::Relaxed);
        self.refreshed_at.store(now, Ordering::Relaxed);
        self.catch_up().await?;
        self.look(Patience::Some).await
    }

    /// The same, unless somebody began to within this time: whoever waits for changes hears of what they find.
    pub async fn refresh_unless_within(&self, time: Duration) -> Result<(), Refusal> {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let since = self
            .house
            .ground
            .clock
            .now_ms()
            .saturating_sub(self.refreshed_at.load(Ordering::Relaxed));
        if since < time {
            return Ok(());
        }
        self.refresh().await
    }
}
