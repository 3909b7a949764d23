//! A folder whose directories are held open, for work on many of its files: their names are looked up from there, not each time from the root
//! of the file system.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open, renameat};

use super::{Error, FileName, Maildir, Place, at, found};
use crate::model::mailbox::Flags;

/// The folder.
pub struct Held<'m> {
    maildir: &'m Maildir,
    new: OwnedFd,
    cur: OwnedFd,
}

impl Maildir {
    /// Opens the directories.
    pub fn hold(&self) -> Result<Held<'_>, Error> {
        let hold = |place| {
            let path = self.directory(place);
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            open(&path, flags, Mode::empty()).map_err(|error| at(&path)(error.into()))
        };
        Ok(Held {
            maildir: self,
            new: hold(Place::New)?,
            cur: hold(Place::Cur)?,
        })
    }
}

impl Held<'_> {
    /// Gives a message other flags by renaming its file. A file with flags lies in `cur`; one without stays where it is.
    /// `false`: there is no such file (another program was quicker).
    pub fn set_flags(&self, name: &FileName, place: Place, old: Flags, new: Flags) -> Result<bool, Error> {
        let (from, to) = (place.file_name(name, old), place.with_flags(new).file_name(name, new));
        if from == to && place == place.with_flags(new) {
            return Ok(true);
        }
        let renamed = renameat(self.directory(place), &*from, self.directory(place.with_flags(new)), &*to);
        found(renamed.map_err(io::Error::from), &self.maildir.directory(place).join(&*from))
    }

    fn directory(&self, place: Place) -> &OwnedFd {
        match place {
            Place::New => &self.new,
            Place::Cur => &self.cur,
        }
    }
}
