//! Maildir++ on disk: names, writing, scanning.
//!
//! Blocking functions only; `mail::mailbox` calls them off the network threads, but for the times of directories, which are mostly in
//! memory. A message file is complete and synced before it is seen in `new/` or `cur/`, and every directory that gained a name is synced
//! before the caller is told.
//!
//! The format: <https://cr.yp.to/proto/maildir.html>, folders as Courier's Maildir++ has them.

mod beside;
mod foreign;
mod held;
mod name;
mod scan;
mod write;

pub use beside::Ends;
pub use foreign::{Carriage, Folder, Letter, Owner, Tree, letters, read_beside};
pub use held::Held;
pub use name::{FileName, NameMaker, user_directory};
pub use scan::{Facts, Found, Listing, Place};
pub use write::Content;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::model::mailbox::Flags;

/// How many directories are synced at the same time.
const AT_ONCE: usize = 8;

/// One folder: a directory with `tmp`, `new` and `cur`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Maildir {
    path: PathBuf,
}

impl Maildir {
    /// The folder at `path`, which need not exist yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directories that are missing, synced; another program may have left `cur` alone. `folder`: mark it as a Maildir++
    /// subfolder.
    pub fn create(&self, folder: bool) -> Result<(), Error> {
        Self::create_all(&[(self.clone(), folder)])
    }

    /// The same of several folders. What is above them is synced once.
    pub fn create_all(folders: &[(Self, bool)]) -> Result<(), Error> {
        let mut changed = BTreeSet::new();
        for (maildir, folder) in folders {
            if maildir.make_directories(*folder)? {
                changed.extend(maildir.path.ancestors().take(4).filter(|path| !path.as_os_str().is_empty()));
            }
        }
        let changed: Vec<&Path> = changed.into_iter().rev().collect();
        changed.chunks(AT_ONCE).try_for_each(sync_at_once)
    }

    /// Whether some were missing.
    fn make_directories(&self, folder: bool) -> Result<bool, Error> {
        let directories = ["tmp", "new", "cur"].map(|sub| self.path.join(sub));
        if directories.iter().all(|path| path.is_dir()) {
            return Ok(false);
        }
        for path in &directories {
            fs::create_dir_all(path).map_err(at(path))?;
        }
        if folder {
            let path = self.path.join("maildirfolder");
            fs::File::create(&path).map_err(at(&path))?;
        }
        Ok(true)
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.path.join("cur").is_dir()
    }

    /// The path of a message.
    pub fn file(&self, name: &FileName, place: Place, flags: Flags) -> PathBuf {
        self.directory(place).join(&*place.file_name(name, flags))
    }

    fn directory(&self, place: Place) -> PathBuf {
        self.path.join(match place {
            Place::New => "new",
            Place::Cur => "cur",
        })
    }

    /// Removes a message's file. `false`: it was gone.
    pub fn remove(&self, name: &FileName, place: Place, flags: Flags) -> Result<bool, Error> {
        let path = self.file(name, place, flags);
        found(fs::remove_file(&path), &path)
    }

    /// Removes what a crash left in `tmp`. The format has 36 hours for it.
    pub fn sweep(&self) -> Result<(), Error> {
        super::leftovers::remove_older(&self.path.join("tmp"), Duration::from_hours(36))
    }

    /// Removes the folder and everything in it, in a way that leaves either all or nothing in sight.
    pub fn destroy(&self, name: &str) -> Result<(), Error> {
        let doomed = match self.path.parent() {
            Some(parent) => parent.join(format!("..removed-{name}")),
            None => self.path.clone(),
        };
        match fs::rename(&self.path, &doomed) {
            Ok(()) => fs::remove_dir_all(&doomed).map_err(at(&doomed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(at(&self.path)(error)),
        }
    }

    /// Moves the folder to another path, synced.
    pub fn move_to(&self, to: &Self) -> Result<(), Error> {
        fs::rename(&self.path, &to.path).map_err(at(&self.path))?;
        to.path.parent().map_or(Ok(()), sync_directory)
    }
}

/// Makes the names of a directory durable.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    fs::File::open(path).and_then(|dir| dir.sync_all()).map_err(at(path))
}

/// Syncs them at the same time: a file system with a journal writes it once for all.
fn sync_at_once(directories: &[&Path]) -> Result<(), Error> {
    let Some((last, others)) = directories.split_last() else {
        return Ok(());
    };
    std::thread::scope(|scope| {
        // Where the system gives no thread, it is done by this one.
        let start = |&path| {
            let started = std::thread::Builder::new().spawn_scoped(scope, move || sync_directory(path));
            started.map_err(|_| path)
        };
        let started: Vec<_> = others.iter().map(start).collect();
        let mut result = sync_directory(last);
        for sync in started {
            let broken_off = |_| Err(Error::Unusable("a sync was broken off".into()));
            result = result.and(match sync {
                Ok(thread) => thread.join().unwrap_or_else(broken_off),
                Err(path) => sync_directory(path),
            });
        }
        result
    })
}

/// Turns an I/O error into ours, with the path.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::File {
        path: path.to_owned(),
        source,
    }
}

fn found(result: io::Result<()>, path: &Path) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(path)(error)),
    }
}
