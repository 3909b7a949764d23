//! Whether the index and the folders agree, without changing either.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use super::{Mailboxes, blocking};
use crate::model::account::User;
use crate::model::ids::ModSeq;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes;
use crate::store::db::messages::{self, MessageRow};
use crate::store::maildir::{FileName, Maildir};

/// What is on its way has arrived by then: what does not fit is looked at again after so long.
const SETTLED_AFTER: Duration = Duration::from_millis(1500);

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Misfit {
    /// A message of the index has no file.
    NoFile,
    /// A file is in no index.
    NotIndexed,
    /// A file has another size than its index says.
    OtherSize,
    /// A mailbox has no folder.
    NoFolder,
    /// A mailbox counts its messages or octets wrongly.
    WrongCount,
}

/// What does not fit in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// What it is.
    pub misfit: Misfit,
    /// How often.
    pub count: u64,
    /// One of them: the name of a file.
    pub example: String,
}

impl Mailboxes {
    /// What does not fit in the mailboxes of a user, whether or not mail comes meanwhile.
    pub async fn verify(&self, user: &User) -> Result<Vec<Found>, Refusal> {
        let mut suspects = self.misfits(user).await?;
        if !suspects.is_empty() {
            tokio::time::sleep(SETTLED_AFTER).await;
            let again = self.misfits(user).await?;
            suspects.retain(|suspect| again.contains(suspect));
        }
        let mut found: BTreeMap<(MailboxName, Misfit), Found> = BTreeMap::new();
        for (mailbox, misfit, example) in suspects {
            let of_kind = found.entry((mailbox.clone(), misfit)).or_insert(Found {
                mailbox,
                misfit,
                count: 0,
                example,
            });
            of_kind.count = of_kind.count.saturating_add(1);
        }
        Ok(found.into_values().collect())
    }

    async fn misfits(&self, user: &User) -> Result<HashSet<(MailboxName, Misfit, String)>, Refusal> {
        let home = self.inner.user_dir(user)?;
        let rows = mailboxes::of_user(&mut self.inner.ledger.database.read().await?, user.id).await?;
        let mut all = HashSet::new();
        for row in rows {
            // Counts and messages as of one moment.
            let mut tx = self.inner.ledger.database.read().await?;
            let Some(row) = mailboxes::by_id(&mut tx, user.id, row.info.id).await? else {
                continue;
            };
            let known = messages::changed_since(&mut tx, row.info.id, ModSeq(0)).await?;
            let counted = mailboxes::counted(&mut tx, row.info.id).await?;
            drop(tx);
            let maildir = Maildir::at(home.join(&row.folder));
            let name = row.info.name.clone();
            let found = blocking(move || compare(&maildir, &known, counted)).await?;
            all.extend(found.into_iter().map(|(misfit, example)| (name.clone(), misfit, example)));
        }
        Ok(all)
    }

    /// Directories in which mail of users would lie, and which are nobody's: `known` are all users.
    pub async fn nobodys(&self, known: &[User]) -> Result<Vec<PathBuf>, Refusal> {
        let known: HashSet<PathBuf> = known.iter().filter_map(|user| self.inner.user_dir(user).ok()).collect();
        let root = self.inner.ground.root.clone();
        let look = move || {
            let mut nobodys = Vec::new();
            for domain in directories(&root)? {
                for home in directories(&domain)? {
                    // A domain's directory may itself be a user's.
                    if !known.contains(&home) && !known.iter().any(|known| known.starts_with(&home)) {
                        nobodys.push(home);
                    }
                }
            }
            Ok(nobodys)
        };
        Ok(blocking(look).await?)
    }
}

/// `counted`: how many messages and octets the mailbox says that it has.
fn compare(maildir: &Maildir, known: &[MessageRow], counted: (u64, u64)) -> Result<Vec<(Misfit, String)>, store::Error> {
    let mut found = Vec::new();
    if !maildir.exists() {
        return Ok(vec![(Misfit::NoFolder, maildir.path().display().to_string())]);
    }
    let mut listing = maildir.list()?;
    for message in known {
        let name = |name: &FileName| name.to_string();
        match listing.files.remove(&message.name) {
            None => found.push((Misfit::NoFile, name(&message.name))),
            Some(file) => {
                let facts = maildir.facts(&message.name, file);
                if facts.is_some_and(|facts| facts.size != message.meta.size) {
                    found.push((Misfit::OtherSize, name(&message.name)));
                }
            }
        }
    }
    found.extend(listing.files.into_keys().map(|name| (Misfit::NotIndexed, name.to_string())));
    let octets: u64 = known.iter().map(|message| message.meta.size).sum();
    if counted != (known.len() as u64, octets) {
        found.push((Misfit::WrongCount, String::new()));
    }
    Ok(found)
}

/// The directories in a directory, but for hidden ones.
fn directories(of: &std::path::Path) -> Result<Vec<PathBuf>, store::Error> {
    let list = || -> std::io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(of)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
                found.push(entry.path());
            }
        }
        Ok(found)
    };
    match list() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        list => list.map_err(|source| store::Error::File {
            path: of.to_owned(),
            source,
        }),
    }
}
