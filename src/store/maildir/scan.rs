//! What lies in a folder.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::{Error, FileName, Maildir, at};
use crate::model::mailbox::Flags;

/// The directory that a message's file lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `new/`: no program has changed its flags yet.
    New,
    /// `cur/`.
    Cur,
}

impl Place {
    /// What a message's file is called there.
    pub(super) fn file_name(self, name: &FileName, flags: Flags) -> Cow<'_, str> {
        match self {
            Self::New => Cow::Borrowed(name.as_str()),
            Self::Cur => Cow::Owned(name.with_flags(flags)),
        }
    }

    /// Where the file lies after its flags became `flags`.
    pub fn with_flags(self, flags: Flags) -> Self {
        if flags.is_empty() { self } else { Self::Cur }
    }
}

/// A message's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub place: Place,
    /// The flags in its name.
    pub flags: Flags,
}

/// The files of a folder at one moment.
#[derive(Debug, Default)]
pub struct Listing {
    /// By base name.
    pub files: HashMap<FileName, Found>,
    /// Those of them whose names are not spelled our way (flags in another order or in `new`, letters that we do not know), with the
    /// paths that they have: see [`Maildir::respell`].
    pub odd: Vec<(FileName, PathBuf)>,
}

/// What a file has beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Octets.
    pub size: u64,
    /// The modification time: the internal date.
    pub modified: SystemTime,
    /// How long ago its name or content last changed.
    pub age: std::time::Duration,
}

impl Maildir {
    /// Lists `new`, then `cur`: in this order, a file that moves meanwhile is not missed.
    pub fn list(&self) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for (sub, place) in [("new", Place::New), ("cur", Place::Cur)] {
            let path = self.path.join(sub);
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(at(&path)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(at(&path))?;
                let name = entry.file_name();
                // A name that is not UTF-8, or hidden, is no message of a Maildir.
                let Some((text, (name, flags))) = name.to_str().and_then(|text| Some((text, FileName::split(text)?))) else {
                    continue;
                };
                let is_ours = match place {
                    Place::New => text == name.as_str(),
                    Place::Cur => name.is_spelled(flags, text),
                };
                if !is_ours {
                    listing.odd.push((name.clone(), entry.path()));
                }
                listing.files.insert(name, Found { place, flags });
            }
        }
        Ok(listing)
    }

    /// When `new` and `cur` last changed, in nanoseconds since 1970: as long as this stays the same, so does the listing. It is not the
    /// modification time, which a program that restores a backup sets as it likes.
    pub fn changed_at(&self) -> Option<[i64; 2]> {
        let changed = |place| {
            let meta = fs::metadata(self.directory(place)).ok()?;
            meta.ctime().checked_mul(1_000_000_000)?.checked_add(meta.ctime_nsec())
        };
        Some([changed(Place::New)?, changed(Place::Cur)?])
    }

    /// The facts of a message's file; none if it is gone or no plain file.
    pub fn facts(&self, name: &FileName, found: Found) -> Option<Facts> {
        let meta = fs::metadata(self.file(name, found.place, found.flags)).ok()?;
        meta.is_file().then(|| Facts::of(&meta))
    }

    /// Renames the files of a listing that are not spelled our way to what we would call them: only so are they found again.
    pub fn respell(&self, listing: &mut Listing) {
        for (name, theirs) in listing.odd.drain(..) {
            let Some(found) = listing.files.get_mut(&name) else { continue };
            let place = found.place.with_flags(found.flags);
            let ours = self.file(&name, place, found.flags);
            // A second file of this base name must not cost the first.
            if ours.exists() {
                continue;
            }
            match fs::rename(&theirs, &ours) {
                Ok(()) => found.place = place,
                Err(error) => tracing::warn!(path = %theirs.display(), %error, "a file of another program cannot be renamed"),
            }
        }
    }

    /// Takes in a file that another program stored: one with bare LF line ends is rewritten to CRLF, as IMAP and SMTP want it (RFC 9051
    /// §2.2). Its facts; none if it is gone or no plain file. What is in `buffer` does not matter.
    pub fn adopt(&self, name: &FileName, found: Found, buffer: &mut [u8]) -> Result<Option<Facts>, Error> {
        let path = self.file(name, found.place, found.flags);
        // Opening a pipe must not wait for who writes into it.
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let mut file = match fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        let meta = file.metadata().map_err(at(&path))?;
        if !meta.is_file() {
            return Ok(None);
        }
        let facts = Facts::of(&meta);
        if !has_bare_lf(&mut file, buffer).map_err(at(&path))? {
            return Ok(Some(facts));
        }
        let tmp = self.path.join("tmp").join(name.as_str());
        rewrite(&path, &tmp, facts.modified)
            .and_then(|file| file.sync_all())
            .map_err(at(&tmp))?;
        fs::rename(&tmp, &path).map_err(at(&path))?;
        Ok(self.facts(name, found))
    }
}

impl Facts {
    fn of(meta: &fs::Metadata) -> Self {
        let changed = SystemTime::UNIX_EPOCH + std::time::Duration::new(u64::try_from(meta.ctime()).unwrap_or(0), 0);
        Self {
            size: meta.len(),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            age: SystemTime::now().duration_since(changed).unwrap_or_default(),
        }
    }
}

/// Whether there is a line end without CR. What is in `buffer` does not matter.
pub(super) fn has_bare_lf(input: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut last = 0;
    loop {
        let length = match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            length => length?,
        };
        let piece = buffer.get(..length).unwrap_or_default();
        let Some(end) = piece.last().copied() else { return Ok(false) };
        for at in memchr::memchr_iter(b'\n', piece) {
            let before = at.checked_sub(1).and_then(|at| piece.get(at)).copied().unwrap_or(last);
            if before != b'\r' {
                return Ok(true);
            }
        }
        last = end;
    }
}

/// Copies a file to a new one, each line end as CRLF. It is not synced.
pub(super) fn rewrite(from: &Path, to: &Path, modified: SystemTime) -> io::Result<fs::File> {
    let mut input = io::BufReader::with_capacity(65_536, fs::File::open(from)?);
    let mut output = io::BufWriter::with_capacity(65_536, fs::File::create(to)?);
    let mut last = 0;
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        for line in piece.split_inclusive(|&octet| octet == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            output.write_all(text)?;
            if text.len() < line.len() {
                let has_cr = text.last().map_or(last == b'\r', |&octet| octet == b'\r');
                output.write_all(if has_cr { b"\n" } else { b"\r\n" })?;
            }
            last = line.last().copied().unwrap_or(last);
        }
        let length = piece.len();
        input.consume(length);
    }
    let file = output.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.set_modified(modified)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_line_feeds_are_found_and_mended() {
        for (text, bare) in [
            ("a\r\nb\r\n", false),
            ("a\r\nb\n", true),
            ("\n", true),
            ("", false),
            ("ab\nc", true),
        ] {
            for length in 1..8 {
                assert_eq!(
                    has_bare_lf(&mut text.as_bytes(), &mut vec![b'\r'; length]).unwrap(),
                    bare,
                    "{text:?} {length}"
                );
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::at(dir.path().join("m"));
        maildir.create(false).unwrap();
        fs::write(maildir.path().join("new/1.x.y"), "a: b\n\nc\r\nd").unwrap();
        let listing = maildir.list().unwrap();
        let (name, found) = listing.files.iter().next().unwrap();
        let mut buffer = [0; 16];
        let mended = "a: b\r\n\r\nc\r\nd";
        for _ in 0..2 {
            let facts = maildir.adopt(name, *found, &mut buffer).unwrap().unwrap();
            assert_eq!(facts.size, mended.len() as u64);
            assert_eq!(fs::read_to_string(maildir.path().join("new/1.x.y")).unwrap(), mended);
        }
        fs::remove_file(maildir.path().join("new/1.x.y")).unwrap();
        assert_eq!(maildir.adopt(name, *found, &mut buffer).unwrap(), None);
        fs::create_dir(maildir.path().join("new/1.x.y")).unwrap();
        assert_eq!(maildir.adopt(name, *found, &mut buffer).unwrap(), None);
    }

    #[test]
    fn odd_spellings_become_ours() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::at(dir.path().join("m"));
        maildir.create(false).unwrap();
        for odd in ["cur/1.x.y:2,SXF", "cur/2.x.y", "new/3.x.y:2,", "new/4.x.y:2,S"] {
            fs::write(maildir.path().join(odd), odd).unwrap();
        }
        let mut listing = maildir.list().unwrap();
        maildir.respell(&mut listing);
        for ours in ["cur/1.x.y:2,FS", "cur/2.x.y:2,", "new/3.x.y", "cur/4.x.y:2,S"] {
            assert!(maildir.path().join(ours).exists(), "{ours}");
        }
        let again = maildir.list().unwrap();
        assert_eq!((again.odd.len(), again.files), (0, listing.files));
    }
}
