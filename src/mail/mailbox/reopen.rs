//! Large mailboxes that were open when the server stopped are opened again when it starts: who comes back after a restart finds them
//! as quick as before.
//!
//! Their names stand in a file while the server is down. Nothing depends on it: a server that was killed leaves none.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{LARGE, Mailbox, Mailboxes, blocking, locked};
use crate::mail::directory::Directory;
use crate::model::ids::MailboxId;
use crate::store;

/// How many messages are taken into memory for who may come back.
const MOST_MESSAGES: usize = 500_000;
/// The longest list that is read, in octets.
const MOST_OCTETS: u64 = 1 << 20;

/// A mailbox that was open.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// Whose it is.
    login: String,
    mailbox: i64,
}

impl Mailboxes {
    /// Opens what `file` lists, one mailbox after the other; then waits for `stop`, and lists what is open.
    pub async fn keep_open(self, directory: Directory, file: PathBuf, stop: CancellationToken) {
        tokio::select! {
            () = self.open_listed(&directory, &file) => stop.cancelled().await,
            () = stop.cancelled() => {}
        }
        let list = self.open_ones();
        if let Err(error) = blocking(move || write(&file, &list)).await {
            tracing::warn!(%error, "which mailboxes are open is not remembered: large ones open slower after the restart");
        }
    }

    async fn open_listed(&self, directory: &Directory, file: &Path) {
        let file = file.to_owned();
        let list = blocking(move || Ok(take(&file))).await.unwrap_or_default();
        let count = list.len();
        for open in list {
            let opened = async {
                let user = directory.user(&open.login).await?;
                self.open_id(&user, MailboxId(open.mailbox)).await
            };
            if let Err(refusal) = opened.await {
                // It was removed meanwhile, or something is wrong that who comes will be told of.
                tracing::debug!(%refusal, login = %open.login, mailbox = open.mailbox, "a mailbox is not opened again");
            }
        }
        if count > 0 {
            tracing::info!(mailboxes = count, "what was open before is open again");
        }
    }

    /// The large mailboxes that are open, those that were used last first.
    fn open_ones(&self) -> Vec<Open> {
        let views = locked(&self.inner.views);
        let mut large: Vec<&Mailbox> = views
            .values()
            .map(AsRef::as_ref)
            .filter(|it| it.view().messages.len() >= LARGE)
            .collect();
        large.sort_by_key(|mailbox| std::cmp::Reverse(mailbox.used_at.load(Ordering::Relaxed)));
        let mut room = MOST_MESSAGES;
        let fits = |mailbox: &&Mailbox| {
            let left = room.checked_sub(mailbox.view().messages.len());
            room = left.unwrap_or(room);
            left.is_some()
        };
        let listed = large.into_iter().filter(fits).map(|mailbox| Open {
            login: mailbox.home.read().unwrap_or_else(PoisonError::into_inner).owner.login.clone(),
            mailbox: mailbox.id.0,
        });
        listed.collect()
    }
}

/// What the file lists; it goes, so that what cannot be opened is tried once.
fn take(file: &Path) -> Vec<Open> {
    let text = match std::fs::metadata(file) {
        Ok(meta) if meta.len() <= MOST_OCTETS => std::fs::read(file).unwrap_or_default(),
        _ => Vec::new(),
    };
    let _ = std::fs::remove_file(file);
    serde_json::from_slice(&text).unwrap_or_default()
}

fn write(file: &Path, list: &[Open]) -> Result<(), store::Error> {
    if list.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec(list).map_err(std::io::Error::other);
    text.and_then(|text| std::fs::write(file, text))
        .map_err(|error| store::Error::Unusable(format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("open.json");
        assert_eq!(take(&file), []);
        let list = || {
            vec![Open {
                login: "a@a.test".into(),
                mailbox: 7,
            }]
        };
        write(&file, &list()).unwrap();
        assert_eq!(take(&file), list());
        assert_eq!(take(&file), []);
        for broken in ["", "[", "{}", "[{\"login\":1}]"] {
            std::fs::write(&file, broken).unwrap();
            assert_eq!(take(&file), [], "{broken}");
        }
    }
}
