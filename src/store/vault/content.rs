//! Contents of files, each kept once.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::{FILES, UNDER_WAY, Vault};
use crate::store::Error;
use crate::store::maildir::at;

/// How much of a file is read at a time.
const PORTION: usize = 131_072;

/// The SHA-256 of a content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Digest {
    /// From hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(octets))
    }
}

/// What became of a content that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// What it is called.
    pub digest: Digest,
    /// Its octets.
    pub size: u64,
    /// It was not there before.
    pub is_new: bool,
}

/// How a content gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// As a copy.
    Copy,
    /// As a hard link where that is possible: quick, and no use when the disk fails.
    Link,
}

impl Vault {
    fn content(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        let (folder, _) = name.split_at(2);
        self.root.join(FILES).join(folder).join(&name)
    }

    /// Whether a content is there.
    pub fn has(&self, digest: Digest) -> bool {
        self.content(digest).exists()
    }

    /// Puts the content of a file in. None: the file is gone.
    pub fn put(&self, source: &Path, take: Take) -> Result<Option<Put>, Error> {
        let file = match File::open(source) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(at(source))?,
        };
        let under_way = self.root.join(FILES).join(UNDER_WAY);
        let (digest, size) = match take {
            Take::Copy => copy(file, source, &under_way, None)?,
            Take::Link => read(file, source)?,
        };
        let target = self.content(digest);
        let is_new = !target.exists();
        if let Some(folder) = target.parent().filter(|_| is_new) {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        if take == Take::Link && is_new && fs::hard_link(source, &target).is_err() {
            // Another file system, or gone: copy.
            return self.put(source, Take::Copy);
        }
        if take == Take::Copy && is_new {
            fs::rename(&under_way, &target).map_err(at(&target))?;
        }
        Ok(Some(Put { digest, size, is_new }))
    }

    /// Writes a content to a file, which must not be there, with this time; none of it if it is damaged, and then `false`.
    pub fn get(&self, digest: Digest, target: &Path, modified_ms: i64) -> Result<bool, Error> {
        let source = self.content(digest);
        let file = match File::open(&source) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            file => file.map_err(at(&source))?,
        };
        let modified = u64::try_from(modified_ms).map_or(UNIX_EPOCH, |ms| UNIX_EPOCH + Duration::from_millis(ms));
        let (found, _) = copy(file, &source, target, Some(modified))?;
        if found == digest {
            return Ok(true);
        }
        fs::remove_file(target).map_err(at(target))?;
        Ok(false)
    }

    /// Whether a content is there and undamaged.
    pub fn is_sound(&self, digest: Digest) -> Result<bool, Error> {
        let source = self.content(digest);
        match File::open(&source) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            file => Ok(read(file.map_err(at(&source))?, &source)?.0 == digest),
        }
    }

    pub(super) fn remove_all_but(&self, wanted: &HashSet<Digest>) -> Result<(), Error> {
        let root = self.root.join(FILES);
        for folder in fs::read_dir(&root).map_err(at(&root))? {
            let folder = folder.map_err(at(&root))?.path();
            if !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(&folder).map_err(at(&folder))? {
                let file = file.map_err(at(&folder))?;
                let digest = Digest::parse(&file.file_name().to_string_lossy());
                if digest.is_some_and(|digest| !wanted.contains(&digest)) {
                    fs::remove_file(file.path()).map_err(at(&file.path()))?;
                }
            }
        }
        Ok(())
    }
}

/// The digest and the size of what is left of a file.
pub(super) fn read(file: File, path: &Path) -> Result<(Digest, u64), Error> {
    pass(file, |_| Ok(())).map_err(at(path))
}

/// The same, written to a new file for the owner's eyes only. Not synced.
fn copy(file: File, path: &Path, target: &Path, modified: Option<SystemTime>) -> Result<(Digest, u64), Error> {
    let mut options = OpenOptions::new();
    // What a copy that was broken off has left may be there; a file that is restored may not.
    match modified {
        None => options.create(true).truncate(true),
        Some(_) => options.create_new(true),
    };
    let mut out = options.write(true).mode(0o600).open(target).map_err(at(target))?;
    let passed = pass(file, |octets| out.write_all(octets));
    let passed = passed.and_then(|passed| modified.map_or(Ok(()), |at| out.set_modified(at)).map(|()| passed));
    passed.map_err(at(path))
}

fn pass(mut file: File, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(Digest, u64)> {
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    let mut portion = vec![0; PORTION];
    loop {
        let count = file.read(&mut portion)?;
        match portion.get(..count) {
            None | Some([]) => return Ok((Digest(hash.finalize().into()), size)),
            Some(octets) => {
                hash.update(octets);
                take(octets)?;
                size = size.saturating_add(octets.len() as u64);
            }
        }
    }
}

/// The digest and the size of a file.
pub fn digest_of(path: &Path) -> Result<(Digest, u64), Error> {
    read(File::open(path).map_err(at(path))?, path)
}
