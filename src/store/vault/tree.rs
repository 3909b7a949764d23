//! The files of the data directory, while others write to it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::store::Error;
use crate::store::maildir::at;

/// So many lists of a folder in turn have nothing that was not taken, before it is left: a list that is long may lack what changed its name
/// while it was read.
const SETTLED_LOOKS: u32 = 3;
/// So many lists in turn of which nothing could be taken are enough.
const LOOKS_IN_VAIN: u32 = 1_000;

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Below the data directory.
    pub path: PathBuf,
    /// What stays the same when the flags of a message change; of other files, their path.
    pub key: OsString,
    /// Its octets.
    pub size: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// The files below some directories of the data directory.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Of this data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { root: data_dir.to_owned() }
    }

    /// Where a path of it is.
    pub fn path(&self, below: &Path) -> PathBuf {
        self.root.join(below)
    }

    /// Calls `take` with each file below `directory`, but for those in `tmp` of a Maildir folder. `false` from it: the file was gone, and
    /// may have another name now. A message of a Maildir comes once, whatever becomes of its flags meanwhile.
    pub fn each(&self, directory: &Path, take: &mut dyn FnMut(&Found) -> Result<bool, Error>) -> Result<(), Error> {
        let mut waiting = vec![directory.to_owned()];
        while let Some(directory) = waiting.pop() {
            let is_folder = self.path(&directory).join("cur").is_dir();
            for (name, metadata) in self.list(&directory)? {
                let path = directory.join(&name);
                match metadata {
                    metadata if metadata.is_dir() => {
                        let is_of_maildir = [&b"cur"[..], b"new", b"tmp"].contains(&name.as_bytes());
                        if !(is_folder && is_of_maildir) {
                            waiting.push(path);
                        }
                    }
                    metadata if metadata.is_file() => {
                        let key = path.as_os_str().to_owned();
                        take(&found(path, key, &metadata))?;
                    }
                    // Neither links nor sockets are ours.
                    _ => {}
                }
            }
            if is_folder {
                self.each_message(&directory, take)?;
            }
        }
        Ok(())
    }

    /// A name is good for a moment only, while flags change: where a file is not there any more, the folder is listed anew, and gone on
    /// with from there.
    fn each_message(&self, folder: &Path, take: &mut dyn FnMut(&Found) -> Result<bool, Error>) -> Result<(), Error> {
        let mut taken: HashSet<OsString> = HashSet::new();
        let (mut settled, mut in_vain) = (0, 0);
        while settled < SETTLED_LOOKS && in_vain < LOOKS_IN_VAIN {
            let before = taken.len();
            if self.take_messages(folder, &mut taken, take)? {
                settled += 1;
            } else {
                settled = 0;
                in_vain = if taken.len() > before { 0 } else { in_vain + 1 };
            }
        }
        Ok(())
    }

    /// Takes what is not taken, as far as the names are still right; whether there was nothing to be taken.
    fn take_messages(
        &self,
        folder: &Path,
        taken: &mut HashSet<OsString>,
        take: &mut dyn FnMut(&Found) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut waiting = Vec::new();
        // Messages go from `new` to `cur`.
        for place in ["new", "cur"] {
            let directory = folder.join(place);
            let names = self.names(&directory)?.into_iter();
            waiting.extend(names.filter(|name| !taken.contains(&base(name))).map(|name| directory.join(name)));
        }
        let mut is_settled = true;
        for path in waiting {
            let base = path.file_name().map(base).unwrap_or_default();
            if taken.contains(&base) {
                continue;
            }
            let is_taken = match fs::symlink_metadata(self.path(&path)) {
                Ok(metadata) if !metadata.is_file() => continue,
                Ok(metadata) => take(&found(path, folder.join(&base).into_os_string(), &metadata))?,
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                Err(error) => return Err(at(&self.path(&path))(error)),
            };
            is_settled = false;
            if !is_taken {
                break;
            }
            taken.insert(base);
        }
        Ok(is_settled)
    }

    /// The names in a directory; none if it is gone.
    fn names(&self, directory: &Path) -> Result<Vec<OsString>, Error> {
        let path = self.path(directory);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(at(&path))?,
        };
        entries
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(at(&path)))
            .collect()
    }

    /// The names in a directory with what is known of them; those that go meanwhile are left out, and none if the directory is gone.
    fn list(&self, directory: &Path) -> Result<Vec<(OsString, Metadata)>, Error> {
        let mut list = Vec::new();
        for name in self.names(directory)? {
            let path = self.path(&directory.join(&name));
            match fs::symlink_metadata(&path) {
                Ok(metadata) => list.push((name, metadata)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
        Ok(list)
    }

    /// Whether there is any file below `directory`.
    pub fn has_files(&self, directory: &Path) -> Result<bool, Error> {
        let mut any = false;
        self.each(directory, &mut |_| {
            any = true;
            Ok(true)
        })?;
        Ok(any)
    }
}

fn found(path: PathBuf, key: OsString, metadata: &Metadata) -> Found {
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Found {
        path,
        key,
        size: metadata.len(),
        modified_ms: modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0),
    }
}

/// The name of a message without its flags.
fn base(name: &OsStr) -> OsString {
    let octets = name.as_bytes();
    let end = octets.windows(3).position(|part| part == b":2,").unwrap_or(octets.len());
    OsString::from_vec(octets.get(..end).unwrap_or(octets).to_vec())
}

impl Found {
    /// The key of a file that was found at this path before.
    pub fn key_of(path: &Path) -> OsString {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return path.as_os_str().to_owned();
        };
        match (folder.file_name().map(OsStr::as_bytes), folder.parent()) {
            (Some(b"cur" | b"new"), Some(above)) => above.join(base(name)).into_os_string(),
            _ => path.as_os_str().to_owned(),
        }
    }
}
