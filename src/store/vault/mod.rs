//! A directory of backups: the contents of files, each once by its SHA-256, and snapshots that say which file had which.
//!
//! ```text
//! posthouse-backup              the form of the directory; also the lock
//! files/ab/abcdef…              a content, by its SHA-256 in hexadecimal digits
//! snapshots/20261126T150405Z/   manifest (JSON, a line a file) and rows.jsonl.gz (the database)
//! ```
//!
//! Blocking functions only; `mail::backup` calls them. A snapshot is there when its manifest is: that is written last, after everything it
//! names is on stable storage.

mod content;
mod manifest;
mod tree;

pub use content::{Digest, Put, Take, digest_of};
pub use manifest::{Entry, Head, Manifest, Summary};
pub use tree::{Found, Tree};

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::maildir::{at, sync_directory};

/// Marks the directory, and is what those who write to it lock.
const MARK: &str = "posthouse-backup";
/// The form of the directory: what the mark holds.
const FORM: &str = "1\n";
const FILES: &str = "files";
const SNAPSHOTS: &str = "snapshots";
/// What of a snapshot is not there yet.
const UNDER_WAY: &str = ".new";
/// The rows of the database in a snapshot.
const ROWS: &str = "rows.jsonl.gz";
const MANIFEST: &str = "manifest";

/// A directory of backups. Nobody else writes to it as long as this is there.
#[derive(Debug)]
pub struct Vault {
    root: PathBuf,
    _lock: File,
}

impl Vault {
    /// Opens a directory for a further snapshot; makes one where there is none, or an empty one.
    ///
    /// # Errors
    /// [`Error::Unusable`]: it has other things in it, or somebody is at work in it.
    pub fn open(root: &Path) -> Result<Self, Error> {
        fs::create_dir_all(root).map_err(at(root))?;
        let mark = root.join(MARK);
        if !mark.exists() {
            let mut entries = fs::read_dir(root).map_err(at(root))?;
            if entries.next().is_some() {
                return Err(Error::Unusable(format!(
                    "{}: it is not empty and no directory of backups; choose another",
                    root.display()
                )));
            }
            for sub in [FILES, SNAPSHOTS] {
                let path = root.join(sub);
                fs::create_dir_all(&path).map_err(at(&path))?;
            }
            write_synced(&mark, FORM.as_bytes())?;
            sync_directory(root)?;
        }
        Self::lock(root, true)
    }

    /// Opens a directory to read from it.
    ///
    /// # Errors
    /// [`Error::Unusable`]: it is none of ours, or a backup is being made in it.
    pub fn open_to_read(root: &Path) -> Result<Self, Error> {
        Self::lock(root, false)
    }

    fn lock(root: &Path, alone: bool) -> Result<Self, Error> {
        let mark = root.join(MARK);
        let none = || Error::Unusable(format!("{}: there are no backups", root.display()));
        let form = fs::read_to_string(&mark).map_err(|_| none())?;
        if form != FORM {
            return Err(Error::Unusable(format!(
                "{}: it was written by a newer posthouse; use that one instead",
                root.display()
            )));
        }
        let file = File::open(&mark).map_err(at(&mark))?;
        let locked = if alone { file.try_lock() } else { file.try_lock_shared() };
        locked.map_err(|_| Error::Unusable(format!("{}: a backup is under way there", root.display())))?;
        Ok(Self {
            root: root.to_owned(),
            _lock: file,
        })
    }

    /// The names of the snapshots, the oldest first.
    pub fn snapshots(&self) -> Result<Vec<String>, Error> {
        let path = self.root.join(SNAPSHOTS);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(at(&path))? {
            let name = entry.map_err(at(&path))?.file_name().to_string_lossy().into_owned();
            if self.snapshot(&name).join(MANIFEST).exists() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn snapshot(&self, name: &str) -> PathBuf {
        self.root.join(SNAPSHOTS).join(name)
    }

    /// Where the rows of a snapshot lie.
    pub fn rows(&self, name: &str) -> PathBuf {
        self.snapshot(name).join(ROWS)
    }

    /// Begins a snapshot of this name, or of a further one where that is taken; its name. What an earlier one left that was broken off is
    /// removed.
    pub fn begin(&self, name: &str) -> Result<String, Error> {
        let path = self.root.join(SNAPSHOTS);
        for entry in fs::read_dir(&path).map_err(at(&path))? {
            let entry = entry.map_err(at(&path))?.path();
            if !entry.join(MANIFEST).exists() {
                fs::remove_dir_all(&entry).map_err(at(&entry))?;
            }
        }
        // One that was removed in the same second leaves its name free, but what comes later is to stand later.
        let newest = self.snapshots()?.pop().filter(|newest| newest.starts_with(name));
        let others = (2..100).map(|number| format!("{name}-{number:02}"));
        let later = std::iter::once(name.to_owned()).chain(others);
        for name in later.filter(|name| newest.as_ref().is_none_or(|newest| name > newest)) {
            let path = self.snapshot(&name);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map(|()| name).map_err(at(&path)),
            }
        }
        Err(Error::Unusable(format!("there is a snapshot {name} already")))
    }

    /// Ends a snapshot: everything to stable storage, then the manifest to its place.
    pub fn end(&self, name: &str, manifest: &Manifest) -> Result<(), Error> {
        let folder = self.snapshot(name);
        let (under_way, path) = (folder.join(format!("{MANIFEST}{UNDER_WAY}")), folder.join(MANIFEST));
        manifest.write(&under_way)?;
        let root = File::open(&self.root).map_err(at(&self.root))?;
        // All that was written since the begin, at once.
        rustix::fs::syncfs(&root).map_err(|error| at(&self.root)(error.into()))?;
        fs::rename(&under_way, &path).map_err(at(&path))?;
        sync_directory(&folder)?;
        sync_directory(&self.root.join(SNAPSHOTS))
    }

    /// What a snapshot says.
    ///
    /// # Errors
    /// [`Error::Unusable`]: it is damaged.
    pub fn manifest(&self, name: &str) -> Result<Manifest, Error> {
        Manifest::read(&self.snapshot(name).join(MANIFEST))
    }

    /// Removes all snapshots but the last `keep`, and the contents that no snapshot has any more; how many snapshots.
    pub fn prune(&self, keep: usize) -> Result<usize, Error> {
        let mut names = self.snapshots()?;
        let kept = names.split_off(names.len().saturating_sub(keep.max(1)));
        for name in &names {
            let path = self.snapshot(name);
            // Without its manifest it is no snapshot any more, however far the rest gets.
            let manifest = path.join(MANIFEST);
            fs::remove_file(&manifest).map_err(at(&manifest))?;
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
        if names.is_empty() {
            return Ok(0);
        }
        let mut wanted: HashSet<Digest> = HashSet::new();
        for name in &kept {
            wanted.extend(self.manifest(name)?.entries.iter().map(|entry| entry.digest));
        }
        self.remove_all_but(&wanted)?;
        Ok(names.len())
    }
}

fn write_synced(path: &Path, octets: &[u8]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(octets)?;
        file.sync_all()
    };
    write().map_err(at(path))
}

#[cfg(test)]
mod tests;
