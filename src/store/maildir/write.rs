//! Putting a message into folders: one write, one sync, hard links for further folders.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Error, FileName, Maildir, Place, at, sync_directory};
use crate::model::mailbox::Flags;

/// How much of a file is read at a time.
const PORTION: usize = 65_536;

/// The octets of a message that is to be stored: some lines that go before, and the rest in memory or in a file.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    /// Written first, such as Return-Path and Received.
    pub prefix: &'a [u8],
    /// Then these.
    pub memory: &'a [u8],
    /// Then what is in this file.
    pub file: Option<&'a Path>,
}

impl Content<'_> {
    /// Writes all of it to a new file at `path` and syncs it. Nothing is left there after an error.
    pub fn write_to(&self, path: &Path, modified: Option<SystemTime>) -> Result<u64, Error> {
        self.try_write(path, modified).map_err(|error| {
            // Already failing: what matters is the first error.
            drop(fs::remove_file(path));
            at(path)(error)
        })
    }

    /// Gives all of it to `take`, piece by piece, as it would be written.
    pub fn read(&self, mut take: impl FnMut(&[u8])) -> Result<(), Error> {
        take(self.prefix);
        take(self.memory);
        let Some(path) = self.file else { return Ok(()) };
        let mut file = fs::File::open(path).map_err(at(path))?;
        let mut portion = vec![0; PORTION];
        loop {
            let count = file.read(&mut portion).map_err(at(path))?;
            match portion.get(..count) {
                None | Some([]) => return Ok(()),
                Some(octets) => take(octets),
            }
        }
    }

    fn try_write(&self, path: &Path, modified: Option<SystemTime>) -> io::Result<u64> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        let mut size = (self.prefix.len() + self.memory.len()) as u64;
        match self.file {
            None => file.write_all(&[self.prefix, self.memory].concat())?,
            Some(rest) => {
                file.write_all(self.prefix)?;
                file.write_all(self.memory)?;
                size += io::copy(&mut fs::File::open(rest)?, &mut file)?;
            }
        }
        if let Some(modified) = modified {
            file.set_modified(modified)?;
        }
        file.sync_all()?;
        Ok(size)
    }
}

impl Maildir {
    /// Stores a message: written to `tmp`, synced, renamed to its place, and the place synced. The size.
    pub fn store(&self, name: &FileName, content: &Content<'_>, flags: Flags, modified: Option<SystemTime>) -> Result<u64, Error> {
        let tmp = self.path.join("tmp").join(name.as_str());
        let size = content.write_to(&tmp, modified)?;
        let place = self.file(name, Place::New.with_flags(flags), flags);
        fs::rename(&tmp, &place).map_err(at(&place))?;
        self.sync_place(&place)?;
        Ok(size)
    }

    /// Makes the file at `from` a message of this folder too: by a hard link, or by a copy where the file systems differ.
    pub fn link(&self, from: &Path, name: &FileName, flags: Flags) -> Result<(), Error> {
        let place = self.link_unsynced(from, name, flags)?;
        self.sync_place(&place)
    }

    /// [`Maildir::link`] without the sync, for many at once; then call [`Maildir::sync`].
    pub fn link_unsynced(&self, from: &Path, name: &FileName, flags: Flags) -> Result<PathBuf, Error> {
        let place = self.file(name, Place::New.with_flags(flags), flags);
        match fs::hard_link(from, &place) {
            Ok(()) => Ok(place),
            // Another file system, or one without links: copy.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::CrossesDevices | io::ErrorKind::Unsupported | io::ErrorKind::TooManyLinks
                ) =>
            {
                let modified = fs::metadata(from).and_then(|meta| meta.modified()).ok();
                let tmp = self.path.join("tmp").join(name.as_str());
                Content {
                    prefix: &[],
                    memory: &[],
                    file: Some(from),
                }
                .write_to(&tmp, modified)?;
                fs::rename(&tmp, &place).map_err(at(&place))?;
                Ok(place)
            }
            Err(error) => Err(at(from)(error)),
        }
    }

    /// Makes the names in `new` and `cur` durable.
    pub fn sync(&self) -> Result<(), Error> {
        sync_directory(&self.path.join("new"))?;
        sync_directory(&self.path.join("cur"))
    }

    fn sync_place(&self, place: &Path) -> Result<(), Error> {
        place.parent().map_or(Ok(()), sync_directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::maildir::NameMaker;

    /// Other programs, and tools that copy mail, leave out what is empty.
    #[test]
    fn a_folder_that_is_half_there_is_completed() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::at(dir.path().join("m"));
        fs::create_dir_all(maildir.path().join("cur")).unwrap();
        assert!(maildir.hold().is_err());
        maildir.create(false).unwrap();
        assert!(maildir.hold().is_ok() && maildir.path().join("tmp").is_dir());
    }

    #[test]
    fn a_message_is_stored_once_and_linked() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (Maildir::at(dir.path().join("a/one")), Maildir::at(dir.path().join("b/two")));
        one.create(false).unwrap();
        two.create(true).unwrap();
        let maker = NameMaker::new("host");
        let (first, second) = (maker.make(), maker.make());
        let rest = dir.path().join("rest");
        fs::write(&rest, "ghi").unwrap();
        let content = Content {
            prefix: b"abc",
            memory: b"def",
            file: Some(&rest),
        };
        assert_eq!(one.store(&first, &content, Flags::NONE, None).unwrap(), 9);
        let path = one.file(&first, Place::New, Flags::NONE);
        assert_eq!(fs::read(&path).unwrap(), b"abcdefghi");
        two.link(&path, &second, Flags::SEEN).unwrap();
        let linked = two.file(&second, Place::Cur, Flags::SEEN);
        assert_eq!(fs::metadata(&linked).unwrap().ino(), fs::metadata(&path).unwrap().ino());
        assert!(two.path().join("maildirfolder").exists());
        let held = two.hold().unwrap();
        assert!(held.set_flags(&second, Place::Cur, Flags::SEEN, Flags::NONE).unwrap());
        assert!(!held.set_flags(&second, Place::Cur, Flags::SEEN, Flags::NONE).unwrap());
        assert!(two.remove(&second, Place::Cur, Flags::NONE).unwrap());
    }
}
