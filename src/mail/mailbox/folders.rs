//! The mailboxes of a user: list, create, rename, delete, subscribe.

use std::collections::HashSet;

use super::scan::Patience;
use super::uid_list::Remains;
use super::watch::Watched;
use super::{Mailboxes, Target, blocking, locked, names};
use crate::model::account::User;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{MailboxInfo, MailboxName, SpecialUse};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes::{self, Counters, MailboxRow};
use crate::store::db::{Tx, acls, metadata};
use crate::store::maildir::Maildir;

impl Mailboxes {
    /// All mailboxes of the user, INBOX first, then by name. A user's first call makes INBOX and the special-use ones; folders that
    /// another program made are found.
    pub async fn list(&self, user: &User) -> Result<Vec<MailboxInfo>, Refusal> {
        let mut rows = self.prepare(user).await?;
        let dir = self.inner.user_dir(user)?;
        let found = blocking(move || Ok(folders_on_disk(&dir))).await?;
        let (folders, taken): (HashSet<&str>, HashSet<&MailboxName>) = rows.iter().map(|row| (&*row.folder, &row.info.name)).unzip();
        let strangers = found.into_iter().filter(|folder| !folders.contains(&**folder));
        let unknown = |name: &MailboxName| !taken.contains(name);
        let wanted = strangers.filter_map(|folder| {
            let name = names::mailbox(&folder).filter(unknown)?;
            Some(Wanted {
                name,
                folder,
                special_use: None,
                subscribed: false,
            })
        });
        let wanted: Vec<Wanted> = wanted.collect();
        for folder in wanted {
            // One by one: another session may be quicker with one, and two folders may be spellings of one name.
            match self.make(user, vec![folder]).await {
                Ok(made) => rows.extend(made),
                Err(Refusal::Exists { .. }) => {}
                Err(Refusal::LimitReached(limit)) => {
                    tracing::warn!(login = user.login, limit, "a folder of another program is passed over");
                    break;
                }
                Err(refusal) => return Err(refusal),
            }
        }
        rows.sort_by_cached_key(|row| (!row.info.name.is_inbox(), row.info.name.clone()));
        Ok(rows.into_iter().map(|row| row.info).collect())
    }

    /// Makes a mailbox, and what is missing above it. [`Refusal::Exists`] if it is there, [`Refusal::LimitReached`] if the user has too many.
    pub async fn create(&self, user: &User, name: &MailboxName, special_use: Option<SpecialUse>) -> Result<MailboxInfo, Refusal> {
        let rows = self.prepare(user).await?;
        let exists = |name: &MailboxName| rows.iter().any(|row| row.info.name == *name);
        if exists(name) {
            return Err(Refusal::Exists {
                what: "mailbox",
                name: name.to_string(),
            });
        }
        let mut wanted = Vec::new();
        for above in name.ancestors().filter(|above| !exists(above)) {
            wanted.push(Wanted::plain(above)?);
        }
        wanted.reverse();
        wanted.push(Wanted {
            special_use,
            ..Wanted::plain(name.clone())?
        });
        let made = self.make(user, wanted).await?;
        self.inherit(&rows, &made).await?;
        made.into_iter().last().map(|row| row.info).ok_or(Refusal::LATER)
    }

    /// Who has rights on the mailbox above has them on new ones (RFC 4314 §4 CREATE).
    async fn inherit(&self, before: &[MailboxRow], made: &[MailboxRow]) -> Result<(), Refusal> {
        let top = made.first().map(|row| &row.info.name);
        let above = top.and_then(|top| top.ancestors().find_map(|name| find(before, &name).ok()));
        let Some(above) = above else { return Ok(()) };
        let mut tx = self.inner.ledger.database.write().await?;
        for row in made {
            acls::copy(&mut tx, above.info.id, row.info.id).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gives a mailbox a special use, in the place of the one that has it; or none.
    pub async fn set_special_use(&self, user: &User, name: &MailboxName, special_use: Option<SpecialUse>) -> Result<(), Refusal> {
        let mut tx = self.inner.ledger.database.write().await?;
        let rows = mailboxes::of_user(&mut tx, user.id).await?;
        let row = find(&rows, name)?;
        for other in rows
            .iter()
            .filter(|other| special_use.is_some() && other.info.special_use == special_use)
        {
            mailboxes::set_special_use(&mut tx, other.info.id, None).await?;
        }
        mailboxes::set_special_use(&mut tx, row.info.id, special_use).await?;
        tx.commit().await?;
        self.inner.watches.wake(Watched::Mailboxes(user.id));
        self.reopen(user).await
    }

    /// Removes a mailbox, with its messages if it may have any. [`Refusal::InUse`] if it may not and has some, or if it has others below
    /// it. The INBOX cannot go.
    pub async fn delete(&self, user: &User, name: &MailboxName, contents: Contents) -> Result<(), Refusal> {
        if name.is_inbox() {
            return Err(Refusal::NotPermitted("the INBOX cannot be deleted".into()));
        }
        let rows = self.prepare(user).await?;
        let row = find(&rows, name)?;
        if rows.iter().any(|it| it.info.name.ancestors().any(|above| above == *name)) {
            return Err(Refusal::InUse(format!(
                "the mailbox {name} has others below it; delete these first"
            )));
        }
        let maildir = Maildir::at(self.inner.user_dir(user)?.join(&row.folder));
        let mut tx = self.inner.ledger.database.write().await?;
        if contents == Contents::None && mailboxes::has_messages(&mut tx, row.info.id).await? {
            return Err(Refusal::InUse(format!("the mailbox {name} has messages")));
        }
        mailboxes::delete(&mut tx, row.info.id).await?;
        tx.commit().await?;
        let id = row.info.id;
        self.inner.watches.wake(Watched::Mailboxes(user.id));
        self.forget(id);
        self.inner.full_text.forget(id).await;
        Ok(blocking(move || maildir.destroy(&id.to_string())).await?)
    }

    /// Renames a mailbox and what is below it. Renaming the INBOX moves its messages to a new mailbox (RFC 3501 §6.3.5).
    pub async fn rename(&self, user: &User, from: &MailboxName, to: &MailboxName) -> Result<(), Refusal> {
        if from.is_inbox() {
            return self.rename_inbox(user, to).await;
        }
        let rows = self.prepare(user).await?;
        find(&rows, from)?;
        if to == from || to.ancestors().any(|above| above == *from) {
            return Err(Refusal::NotPermitted(format!("{from} cannot be moved below itself")));
        }
        if find(&rows, to).is_ok() {
            return Err(Refusal::Exists {
                what: "mailbox",
                name: to.to_string(),
            });
        }
        let dir = self.inner.user_dir(user)?;
        let mut above = Vec::new();
        for name in to.ancestors().filter(|above| find(&rows, above).is_err()) {
            above.push(Wanted::plain(name)?);
        }
        self.make(user, above).await?;
        let mut moves = Vec::new();
        let mut tx = self.inner.ledger.database.write().await?;
        for row in &rows {
            let new = if row.info.name == *from {
                Some(to.clone())
            } else {
                row.info.name.moved(from, to)
            };
            let Some(new) = new else { continue };
            let folder = directory(&new)?;
            mailboxes::rename(&mut tx, row.info.id, &new, &folder)
                .await
                .map_err(|error| taken(error, &new))?;
            moves.push((Maildir::at(dir.join(&row.folder)), Maildir::at(dir.join(folder))));
        }
        let renamed = moves.clone();
        blocking(move || move_all(&moves)).await?;
        if let Err(error) = tx.commit().await {
            let back: Vec<(Maildir, Maildir)> = renamed.into_iter().map(|(from, to)| (to, from)).collect();
            blocking(move || move_all(&back)).await?;
            return Err(error.into());
        }
        self.inner.watches.wake(Watched::Mailboxes(user.id));
        self.reopen(user).await
    }

    async fn rename_inbox(&self, user: &User, to: &MailboxName) -> Result<(), Refusal> {
        self.create(user, to, None).await?;
        let (inbox, target) = (self.open(user, &MailboxName::inbox()).await?, self.open(user, to).await?);
        // RFC 5464 §4.1: the INBOX keeps its annotations, and its messages take them along.
        let mut tx = self.inner.ledger.database.write().await?;
        metadata::copy(&mut tx, inbox.id, target.id).await?;
        tx.commit().await?;
        let uids: Vec<Uid> = inbox.messages().iter().map(|it| it.uid).collect();
        inbox.relocate(&uids, &target).await.map(|_| ())
    }

    /// Subscribes to a name or lets it go. [`Refusal::LimitReached`] if there are too many.
    pub async fn subscribe(&self, user: &User, name: &MailboxName, on: bool) -> Result<(), Refusal> {
        let mut tx = self.inner.ledger.database.write().await?;
        match on {
            true => {
                mailboxes::subscribe(&mut tx, user.id, name).await?;
                let most = self.inner.ground.settings.max_subscriptions;
                if mailboxes::count_subscriptions(&mut tx, user.id).await? > most {
                    return Err(Refusal::LimitReached(format!("at most {most} mailboxes can be subscribed to")));
                }
            }
            false => mailboxes::unsubscribe(&mut tx, user.id, name).await?,
        }
        tx.commit().await?;
        self.inner.watches.wake(Watched::Mailboxes(user.id));
        Ok(())
    }

    /// The names subscribed to, whether or not a mailbox of that name exists (RFC 3501 §6.3.9).
    pub async fn subscriptions(&self, user: &User) -> Result<Vec<MailboxName>, Refusal> {
        self.ensure(user).await?;
        let mut tx = self.inner.ledger.database.read().await?;
        Ok(mailboxes::subscriptions(&mut tx, user.id).await?)
    }

    /// Removes all mailboxes and messages of a user that was deleted.
    pub async fn purge(&self, user: &User) -> Result<(), Refusal> {
        let mut tx = self.inner.ledger.database.write().await?;
        let rows = mailboxes::of_user(&mut tx, user.id).await?;
        for row in &rows {
            mailboxes::delete(&mut tx, row.info.id).await?;
        }
        mailboxes::forget_user(&mut tx, user.id).await?;
        acls::forget_login(&mut tx, &user.login).await?;
        tx.commit().await?;
        for row in &rows {
            self.forget(row.info.id);
            self.inner.full_text.forget(row.info.id).await;
        }
        locked(&self.inner.inboxes).remove(&user.id);
        if user.address.is_none() {
            return Ok(());
        }
        let maildir = Maildir::at(self.inner.user_dir(user)?);
        let name = user.id.to_string();
        Ok(blocking(move || maildir.destroy(&name)).await?)
    }

    /// The INBOX as a target of deliveries, remembered.
    pub(super) async fn inbox(&self, user: &User) -> Result<Target, Refusal> {
        if let Some(target) = locked(&self.inner.inboxes).get(&user.id) {
            return Ok(target.clone());
        }
        let rows = self.prepare(user).await?;
        let row = find(&rows, &MailboxName::inbox())?;
        let maildir = Maildir::at(self.inner.user_dir(user)?);
        self.inner.check_remains(row, &maildir).await?;
        let target = Target {
            mailbox: row.info.id,
            maildir,
            is_inbox: true,
        };
        let mut inboxes = locked(&self.inner.inboxes);
        if inboxes.len() >= 100_000 {
            inboxes.clear();
        }
        inboxes.insert(user.id, target.clone());
        Ok(target)
    }

    /// The user's mailboxes as the database has them, made first if there are none.
    pub(super) async fn prepare(&self, user: &User) -> Result<Vec<MailboxRow>, Refusal> {
        self.ensure(user).await?;
        let mut tx = self.inner.ledger.database.read_alone().await?;
        Ok(mailboxes::of_user(&mut tx, user.id).await?)
    }

    /// Makes the mailboxes of a user who has none.
    pub(super) async fn ensure(&self, user: &User) -> Result<(), Refusal> {
        let mut tx = self.inner.ledger.database.read_alone().await?;
        let count = mailboxes::count(&mut tx, user.id).await?;
        drop(tx);
        if count > 0 {
            return Ok(());
        }
        match self.furnish(user).await {
            // Another session or node was quicker.
            Err(Refusal::Exists { .. }) => Ok(()),
            furnished => furnished,
        }
    }

    /// INBOX and the special-use mailboxes (RFC 6154 §2) of a new user, subscribed.
    async fn furnish(&self, user: &User) -> Result<(), Refusal> {
        let mut wanted = vec![Wanted {
            subscribed: true,
            ..Wanted::plain(MailboxName::inbox())?
        }];
        for special_use in SpecialUse::ALL {
            let Ok(name) = MailboxName::parse(special_use.as_str()) else {
                continue;
            };
            wanted.push(Wanted {
                subscribed: true,
                special_use: Some(special_use),
                ..Wanted::plain(name)?
            });
        }
        self.make(user, wanted).await.map(|_| ())
    }

    /// Whether so many more mailboxes are not too many.
    async fn check_count(&self, tx: &mut Tx, user: &User, more: usize) -> Result<(), Refusal> {
        let most = self.inner.ground.settings.max_mailboxes;
        match mailboxes::count(tx, user.id).await?.saturating_add(more) > most {
            true => Err(Refusal::LimitReached(format!("a user may have at most {most} mailboxes"))),
            false => Ok(()),
        }
    }

    /// Makes the folders on disk, then enters the mailboxes, all or none. A folder without a row is found by the next list, so this
    /// order loses nothing.
    async fn make(&self, user: &User, wanted: Vec<Wanted>) -> Result<Vec<MailboxRow>, Refusal> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.inner.ledger.database.read().await?;
        self.check_count(&mut tx, user, wanted.len()).await?;
        drop(tx);
        let dir = self.inner.user_dir(user)?;
        let folders: Vec<(Maildir, bool)> = wanted
            .iter()
            .map(|it| (Maildir::at(dir.join(&it.folder)), !it.folder.is_empty()))
            .collect();
        let remains = blocking(move || {
            Maildir::create_all(&folders)?;
            Ok(folders.iter().map(|(maildir, _)| Remains::of(maildir)).collect::<Vec<_>>())
        });
        let remains = remains.await?;
        let mut tx = self.inner.ledger.database.write().await?;
        // Once more, as others may make some at the same time.
        self.check_count(&mut tx, user, wanted.len()).await?;
        let mut rows = Vec::with_capacity(wanted.len());
        for (it, remains) in wanted.into_iter().zip(remains) {
            rows.push(self.enter(&mut tx, user, it, remains).await?);
        }
        tx.commit().await?;
        self.inner.watches.wake(Watched::Mailboxes(user.id));
        Ok(rows)
    }

    /// Enters a mailbox whose folder is there, with what remains in it of an earlier one.
    async fn enter(&self, tx: &mut Tx, user: &User, it: Wanted, remains: Option<Remains>) -> Result<MailboxRow, Refusal> {
        if it.subscribed {
            mailboxes::subscribe(tx, user.id, &it.name).await?;
        }
        let now = self.inner.ground.clock.now().as_second();
        let uidvalidity = match &remains {
            Some(remains) => mailboxes::keep_uidvalidity(tx, user.id, remains.uidvalidity).await?,
            None => mailboxes::next_uidvalidity(tx, user.id, now).await?,
        };
        let mut row = MailboxRow {
            user: user.id,
            info: MailboxInfo {
                id: MailboxId::fresh(),
                name: it.name,
                uidvalidity,
                special_use: it.special_use,
                subscribed: it.subscribed,
            },
            folder: it.folder,
            counters: Counters {
                uid_next: Uid(1),
                recent_from: Uid(1),
                modseq: ModSeq(1),
                forgotten: ModSeq(0),
            },
        };
        mailboxes::insert(tx, &row).await.map_err(|error| taken(error, &row.info.name))?;
        if let Some(remains) = &remains {
            row.counters = self.inner.restore(tx, row.info.id, remains).await?;
        }
        Ok(row)
    }

    fn forget(&self, id: MailboxId) {
        locked(&self.inner.views).remove(&id);
        self.inner.listed.forget(id, &[(Uid(0), Uid(u32::MAX))]);
    }

    /// Tells the open views of the user their new names and directories.
    async fn reopen(&self, user: &User) -> Result<(), Refusal> {
        for row in self.prepare(user).await? {
            if self.inner.open_view(row.info.id).is_some() {
                self.open_row(user, row, Patience::None).await?;
            }
        }
        Ok(())
    }
}

/// What a mailbox that is to be removed may have in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Anything.
    Any,
    /// Nothing.
    None,
}

/// A mailbox that is to be made.
struct Wanted {
    name: MailboxName,
    folder: String,
    special_use: Option<SpecialUse>,
    subscribed: bool,
}

impl Wanted {
    fn plain(name: MailboxName) -> Result<Self, Refusal> {
        Ok(Self {
            folder: directory(&name)?,
            name,
            special_use: None,
            subscribed: false,
        })
    }
}

fn find<'r>(rows: &'r [MailboxRow], name: &MailboxName) -> Result<&'r MailboxRow, Refusal> {
    let found = rows.iter().find(|row| row.info.name == *name);
    found.ok_or_else(|| Refusal::NotFound {
        what: "mailbox",
        name: name.to_string(),
    })
}

fn directory(name: &MailboxName) -> Result<String, Refusal> {
    names::directory(name).ok_or(Refusal::Invalid {
        field: "name",
        problem: "the mailbox name is too long for the file system".into(),
    })
}

fn taken(error: store::Error, name: &MailboxName) -> Refusal {
    match error {
        store::Error::Conflict => Refusal::Exists {
            what: "mailbox",
            name: name.to_string(),
        },
        error => error.into(),
    }
}

fn folders_on_disk(dir: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let folder = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        (name.starts_with('.') && entry.path().join("cur").is_dir()).then_some(name)
    };
    entries.flatten().filter_map(folder).collect()
}

/// Moves directories one after the other; those moved are moved back when one fails.
fn move_all(moves: &[(Maildir, Maildir)]) -> Result<(), store::Error> {
    for (at, (from, to)) in moves.iter().enumerate() {
        if let Err(error) = from.move_to(to) {
            for (from, to) in moves.iter().take(at).rev() {
                if let Err(error) = to.move_to(from) {
                    tracing::error!(%error, "a folder could not be moved back");
                }
            }
            return Err(error);
        }
    }
    Ok(())
}
