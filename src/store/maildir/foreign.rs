//! Maildirs of other programs: where their folders lie, what lies in them, and how a message of theirs becomes one of ours.
//!
//! Nothing is changed there, unless messages are to be moved.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::scan::{has_bare_lf, rewrite};
use super::{Error, Facts, FileName, Found, Maildir, Place, at};
use crate::model::mailbox::Flags;

/// How deep directories are looked into, and how many folders there may be.
const MAX_DEPTH: usize = 10;
const MAX_FOLDERS: usize = 50_000;

/// The folders below a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Each folder with messages, the INBOX first.
    pub folders: Vec<Folder>,
    /// Folders lie in directories within each other (Dovecot's `LAYOUT=fs`), and not side by side as Maildir++ has them.
    pub is_nested: bool,
    /// Mail is kept in another format here (dbox, mdbox).
    pub is_other_format: bool,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The levels of its name as they are spelled on disk; none: the INBOX.
    pub levels: Vec<String>,
}

/// A message's file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it is.
    pub path: PathBuf,
    /// Its name without flags.
    pub base: String,
    /// Its flags; the keywords by the numbers of that folder.
    pub flags: Flags,
    /// No program has seen it.
    pub is_new: bool,
}

/// How a message's file gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// By a hard link where that is possible, else copied.
    Link,
    /// Copied.
    Copy,
    /// As [`Carriage::Link`]; and it goes there, once it is here.
    Move,
}

/// Whose files ours are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// The owner of a directory of ours, if we are somebody else who can give files away: root.
    pub fn of(path: &Path) -> Option<Self> {
        let owner = fs::metadata(path).ok()?;
        let is_root = rustix::process::geteuid().is_root();
        (is_root && owner.uid() != 0).then(|| Self {
            uid: owner.uid(),
            gid: owner.gid(),
        })
    }

    /// Makes a file or a directory theirs; one that is not there needs no owner.
    pub fn give(self, path: &Path) -> Result<(), Error> {
        match chown(path, Some(self.uid), Some(self.gid)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
            _ => Ok(()),
        }
    }
}

impl Tree {
    /// Looks for the folders below `root`.
    pub fn of(root: &Path) -> Result<Self, Error> {
        let mut tree = Self {
            is_other_format: root.join("dbox-Mails").is_dir()
                || root.join("storage").join("dovecot.map.index").exists()
                || root.join("mailboxes").is_dir(),
            ..Self::default()
        };
        if is_maildir(root) {
            tree.folders.push(Folder {
                path: root.to_owned(),
                levels: Vec::new(),
            });
        }
        for (name, path) in directories(root)? {
            match name.strip_prefix('.') {
                Some(levels) if is_maildir(&path) => {
                    let levels = levels.split('.').map(ToOwned::to_owned).collect();
                    tree.folders.push(Folder { path, levels });
                }
                Some(_) => {}
                None => tree.descend(path, vec![name])?,
            }
        }
        tree.folders.sort_by(|one, other| one.levels.cmp(&other.levels));
        Ok(tree)
    }

    /// A directory, and those in it.
    fn descend(&mut self, path: PathBuf, levels: Vec<String>) -> Result<(), Error> {
        let is_part = matches!(levels.last().map(String::as_str), Some("cur" | "new" | "tmp"));
        if is_part || levels.len() > MAX_DEPTH || self.folders.len() >= MAX_FOLDERS {
            return Ok(());
        }
        for (name, below) in directories(&path)?.into_iter().filter(|(name, _)| !name.starts_with('.')) {
            self.descend(below, levels.iter().cloned().chain([name]).collect())?;
        }
        if is_maildir(&path) {
            self.is_nested = true;
            self.folders.push(Folder { path, levels });
        }
        Ok(())
    }
}

fn is_maildir(path: &Path) -> bool {
    path.join("cur").is_dir()
}

/// The directories in a directory, by name; one that may not be read has none.
fn directories(path: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(at(path))? {
        let entry = entry.map_err(at(path))?;
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let Ok(name) = entry.file_name().into_string()
            && is_directory
        {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The messages of a folder: those in `new`, then those in `cur`.
pub fn letters(folder: &Path) -> Result<Vec<Letter>, Error> {
    let mut found = Vec::new();
    for (sub, is_new) in [("new", true), ("cur", false)] {
        let path = folder.join(sub);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&path)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(at(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let (base, flags) = match FileName::split(&name) {
                Some((base, flags)) => (base.as_str().to_owned(), flags),
                // Not as the format wants it, but a message all the same.
                None => (name, Flags::NONE),
            };
            found.push(Letter {
                path: entry.path(),
                base,
                flags,
                is_new,
            });
        }
    }
    Ok(found)
}

/// A file that lies beside the messages, if it is there, and no more than so many octets of it.
pub fn read_beside(folder: &Path, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let path = folder.join(name);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(&path)(error)),
    };
    let mut octets = Vec::new();
    file.take(most).read_to_end(&mut octets).map_err(at(&path))?;
    Ok(Some(octets))
}

impl Maildir {
    /// Makes a file of another Maildir a message of this folder. Not synced: see [`Maildir::sync_all`].
    pub fn take_in(
        &self,
        from: &Path,
        (name, flags): (&FileName, Flags),
        carriage: Carriage,
        owner: Option<Owner>,
    ) -> Result<Facts, Error> {
        let found = Found {
            place: Place::New.with_flags(flags),
            flags,
        };
        let to = self.file(name, found.place, flags);
        self.bring(from, &to, carriage, owner)?;
        let gone = || at(&to)(io::Error::from(io::ErrorKind::NotFound));
        self.facts(name, found).ok_or_else(gone)
    }

    fn bring(&self, from: &Path, to: &Path, carriage: Carriage, owner: Option<Owner>) -> Result<(), Error> {
        let meta = fs::metadata(from).map_err(at(from))?;
        if !meta.is_file() {
            return Err(at(from)(io::Error::other("it is no plain file")));
        }
        let mut file = fs::File::open(from).map_err(at(from))?;
        let must_be_mended = has_bare_lf(&mut file, &mut vec![0; 65_536]).map_err(at(from))?;
        // A file of another owner cannot be read by the server, whatever name it has here.
        let is_ours = fs::metadata(&self.path).is_ok_and(|ours| ours.uid() == meta.uid());
        if carriage != Carriage::Copy && is_ours && !must_be_mended && fs::hard_link(from, to).is_ok() {
            return Ok(());
        }
        let tmp = self.path.join("tmp").join(to.file_name().unwrap_or_default());
        let modified = meta.modified().map_err(at(from))?;
        rewrite(from, &tmp, modified).map_err(at(&tmp))?;
        if let Some(owner) = owner {
            owner.give(&tmp)?;
        }
        fs::rename(&tmp, to).map_err(at(to))
    }

    /// Keeps others of those who bring messages out of the folder, until what is given is dropped; none if somebody else is there.
    pub fn reserve(&self) -> Result<Option<fs::File>, Error> {
        let folder = fs::File::open(&self.path).map_err(at(&self.path))?;
        match rustix::fs::flock(&folder, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(at(&self.path)(error.into())),
        }
    }

    /// Removes messages from elsewhere that an import which was broken off left without a UID: all but the `known`.
    pub fn remove_unknown_imports(&self, known: &HashSet<FileName>) -> Result<(), Error> {
        for (name, found) in self.list()?.files {
            if name.is_imported() && !known.contains(&name) {
                self.remove(&name, found.place, found.flags)?;
            }
        }
        Ok(())
    }

    /// Puts everything that was written to the folder's file system on stable storage: the content of files and their names.
    pub fn sync_all(&self) -> Result<(), Error> {
        let folder = fs::File::open(&self.path).map_err(at(&self.path))?;
        rustix::fs::syncfs(&folder).map_err(|error| at(&self.path)(error.into()))
    }

    /// Gives the folder's directories, and those above up to `root`, to an owner.
    pub fn give_to(&self, owner: Owner, root: &Path) -> Result<(), Error> {
        for sub in ["tmp", "new", "cur", "maildirfolder"] {
            owner.give(&self.path.join(sub))?;
        }
        let theirs = |path: &&Path| fs::metadata(path).is_ok_and(|meta| meta.uid() != owner.uid);
        let above = self.path.ancestors().take_while(|path| path.starts_with(root));
        above.filter(theirs).try_for_each(|path| owner.give(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, folder: &str) -> PathBuf {
        let path = root.join(folder);
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(sub)).unwrap();
        }
        path
    }

    fn names(tree: &Tree) -> Vec<String> {
        tree.folders.iter().map(|folder| folder.levels.join("/")).collect()
    }

    #[test]
    fn both_layouts_are_found() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["", ".Sent", ".Arch.2024", ".a&-b"] {
            make(dir.path(), folder);
        }
        fs::create_dir(dir.path().join(".sieve")).unwrap();
        let tree = Tree::of(dir.path()).unwrap();
        assert_eq!(names(&tree), ["", "Arch/2024", "Sent", "a&-b"]);
        assert!(!tree.is_nested && !tree.is_other_format);

        let dir = tempfile::tempdir().unwrap();
        for folder in ["", "Sent", "Arch/v1.2", "Arch/v1.2/deep"] {
            make(dir.path(), folder);
        }
        fs::create_dir(dir.path().join("sieve")).unwrap();
        let tree = Tree::of(dir.path()).unwrap();
        assert_eq!(names(&tree), ["", "Arch/v1.2", "Arch/v1.2/deep", "Sent"]);
        assert!(tree.is_nested);
        assert!(Tree::of(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn messages_are_linked_or_mended() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = make(dir.path(), "theirs");
        fs::write(theirs.join("cur/1.a.b:2,SXa"), "a: b\r\n\r\nc\r\n").unwrap();
        fs::write(theirs.join("new/2.a.b"), "a: b\n\nc\n").unwrap();
        let mut found = letters(&theirs).unwrap();
        found.sort_by(|one, other| one.base.cmp(&other.base));
        assert_eq!(
            found.iter().map(|it| (it.base.as_str(), it.is_new)).collect::<Vec<_>>(),
            [("1.a.b", false), ("2.a.b", true)]
        );
        let ours = Maildir::at(make(dir.path(), "ours"));
        for letter in &found {
            let name = FileName::imported(&letter.base).unwrap();
            let facts = ours.take_in(&letter.path, (&name, letter.flags), Carriage::Link, None).unwrap();
            assert_eq!(facts.size, 11);
            assert!(letter.path.exists());
        }
        ours.sync_all().unwrap();
        let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(ours.path().join("cur/1.PIa.b:2,Sa")), inode(theirs.join("cur/1.a.b:2,SXa")));
        assert_eq!(fs::read(ours.path().join("new/2.PIa.b")).unwrap(), b"a: b\r\n\r\nc\r\n");
        assert_eq!(fs::read(theirs.join("new/2.a.b")).unwrap(), b"a: b\n\nc\n");
        assert_eq!(read_beside(&theirs, "none", 5).unwrap(), None);
        assert_eq!(read_beside(&theirs, "new/2.a.b", 3).unwrap().as_deref(), Some(&b"a: "[..]));
    }
}
